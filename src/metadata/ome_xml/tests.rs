//! Documents as other writers make them, and ones that nobody should.

use super::*;

fn document(pixels: &str, inside: &str) -> String {
    format!(
        r#"<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:own">
           <Image ID="Image:0" Name="first"><Pixels ID="Pixels:0" {pixels}>{inside}</Pixels></Image></OME>"#
    )
}

fn image(pixels: &str, inside: &str) -> OmeImage {
    let found = parse(&document(pixels, inside)).expect("XML");
    assert!(found.problems.is_empty(), "{:?}", found.problems);
    found.images.into_iter().next().expect("an image")
}

const SIZES: &str =
    r#"Type="uint16" SizeX="7" SizeY="5" SizeZ="2" SizeC="3" SizeT="4" DimensionOrder="XYZCT""#;

fn of_file(name: &str) -> OmeDocument {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/metadata");
    let text = std::fs::read_to_string(format!("{folder}/{name}")).expect("a document");
    parse(&text).expect("XML")
}

#[test]
fn every_schema_gives_sizes_channels_and_pages() {
    for name in [
        "ome_2003_fc.xml",
        "ome_2007_06.xml",
        "ome_2010_06.xml",
        "ome_2016_06.xml",
    ] {
        let found = of_file(name);
        assert!(found.problems.is_empty(), "{name}: {:?}", found.problems);
        let image = &found.images[0];
        let sizes = [
            image.size_x.unwrap_or(0),
            image.size_y.unwrap_or(0),
            image.size_z,
            image.size_c,
            image.size_t,
        ];
        assert_eq!(sizes, [20, 12, 3, 2, 1], "{name}");
        assert_eq!(image.sample_type, Some(SampleType::U16), "{name}");
        assert_eq!(
            image.pixel_size_um,
            [Some(0.5), Some(0.5), Some(2.0)],
            "{name}"
        );
        let names: Vec<_> = image
            .channels
            .iter()
            .filter_map(|it| it.channel.name.as_deref())
            .collect();
        assert_eq!(names, ["DAPI", "GFP"], "{name}");
        let emission: Vec<_> = image
            .channels
            .iter()
            .map(|it| it.channel.emission_nm)
            .collect();
        assert_eq!(emission, [Some(461.0), Some(509.0)], "{name}");
        let table = PlaneTable::of(image, 2, found.uuid.as_deref(), 0);
        let place = table.find(2, 1, 0).expect("listed");
        assert_eq!((place.file_idx, place.page_idx), (None, 5), "{name}");
    }
}

#[test]
fn squids_document_has_units_colours_and_the_stage() {
    let found = of_file("ome_squid.xml");
    assert!(found.problems.is_empty(), "{:?}", found.problems);
    let image = &found.images[0];
    assert_eq!(image.order, [Dimension::C, Dimension::Z, Dimension::T]);
    assert_eq!((image.size_t, image.size_z, image.size_c), (2, 2, 2));
    assert_eq!(image.pixel_size_um, [Some(0.325), Some(0.325), Some(1.5)]);
    assert_eq!(image.time_step_secs, Some(60.0));
    assert_eq!(
        image.stage_um,
        [Some(10_500.0), Some(20_250.0), Some(3_000.0)]
    );
    assert!(image.has_planes);
}

#[test]
fn colours_are_signed_and_all_white_is_none() {
    let channels = |colors: [&str; 3]| -> Vec<Option<String>> {
        let elements = colors.map(|color| format!(r#"<Channel Color="{color}"/>"#));
        let found = image(SIZES, &elements.concat()).channels;
        let colors = found.iter().map(|it| it.channel.color.map(Rgb::to_hex));
        colors.collect()
    };
    let some = |hex: &str| Some(hex.to_owned());
    // 0xFF0000FF, 0x00FF00FF, and 0x0000FFFF as a signed number and as an unsigned one.
    let mixed = channels(["-16776961", "16711935", "65535"]);
    assert_eq!(mixed, [some("FF0000"), some("00FF00"), some("0000FF")]);
    let mixed = channels(["4278190335", "x", "99999999999"]);
    assert_eq!(mixed, [some("FF0000"), None, None]);
    assert_eq!(channels(["-1", "-1", "-1"]), [None, None, None]);
    assert_eq!(channels(["-1", "-1", "65535"])[0], some("FFFFFF"));
}

fn places(image: &OmeImage, num_page_channels: u32, first: u32) -> Vec<Option<(Option<u32>, u32)>> {
    let table = PlaneTable::of(image, num_page_channels, Some("urn:uuid:own"), first);
    let mut found = Vec::new();
    for t in 0..image.size_t {
        for c in 0..num_page_channels {
            for z in 0..image.size_z {
                let place = table.find(z, c, t);
                found.push(place.map(|place| (place.file_idx, place.page_idx)));
            }
        }
    }
    found
}

#[test]
fn without_tiff_data_pages_follow_in_the_dimension_order() {
    let in_order = image(SIZES, "");
    let expected: Vec<_> = (0..24).map(|page| Some((None, page + 3))).collect();
    assert_eq!(places(&in_order, 3, 3), expected);
    let swapped = image(&SIZES.replace("XYZCT", "XYTCZ"), "<TiffData/>");
    let table = PlaneTable::of(&swapped, 3, None, 0);
    // t changes first, then c, then z.
    let place = table.find(1, 2, 3).expect("listed");
    assert_eq!(place.page_idx, 3 + 4 * 2 + 12);
    assert_eq!(table.num_planes(), 24);
    for beyond in [
        (2, 0, 0),
        (0, 3, 0),
        (0, 0, 4),
        (u32::MAX, u32::MAX, u32::MAX),
    ] {
        assert_eq!(table.find(beyond.0, beyond.1, beyond.2), None);
    }
    let array_order = image(&SIZES.replace("XYZCT", "TZCYX"), "");
    assert_eq!(
        array_order.order,
        [Dimension::C, Dimension::Z, Dimension::T]
    );
}

#[test]
fn tiff_data_defaults_are_those_of_the_specification() {
    let all = |inside: &str| places(&image(SIZES, inside), 3, 0);
    let pages = |found: &[Option<(Option<u32>, u32)>]| -> Vec<i64> {
        let numbers = found.iter();
        numbers
            .map(|it| it.map_or(-1, |(_, page)| page.into()))
            .collect()
    };
    // An IFD alone is one plane.
    let one = all(r#"<TiffData IFD="5" FirstZ="1"/>"#);
    assert_eq!(pages(&one)[..4], [-1, 5, -1, -1]);
    // A count alone begins at page 0.
    let some = all(r#"<TiffData FirstC="1" PlaneCount="3"/>"#);
    assert_eq!(pages(&some)[..6], [-1, -1, 0, 1, 2, -1]);
    // A count beyond the planes is cut, one plane per element is the same as a run.
    let many = all(r#"<TiffData IFD="0" PlaneCount="4294967295"/>"#);
    assert_eq!(pages(&many), (0..24).collect::<Vec<_>>());
    // What lies beyond the sizes is nowhere.
    assert!(
        all(r#"<TiffData IFD="0" FirstT="4" PlaneCount="9"/>"#)
            .iter()
            .all(Option::is_none)
    );
}

#[test]
fn of_elements_that_name_the_same_plane_the_narrowest_has_it_then_the_last() {
    let check = |inside: &str, expected: [i64; 6], num_twice: u64| {
        let sizes = SIZES.replace(r#"SizeC="3""#, r#"SizeC="1""#);
        let sizes = sizes.replace(r#"SizeT="4""#, r#"SizeT="3""#);
        let image = image(&sizes, inside);
        let found = places(&image, 1, 0);
        let pages = found
            .iter()
            .map(|it| it.map_or(-1, |(_, page)| page.into()));
        assert_eq!(pages.collect::<Vec<i64>>(), expected, "{inside}");
        let table = PlaneTable::of(&image, 1, None, 0);
        assert_eq!(table.num_twice, num_twice, "{inside}");
    };
    let all = r#"<TiffData IFD="0" PlaneCount="6"/>"#;
    let one = r#"<TiffData IFD="90" FirstT="1"/>"#;
    check(&format!("{all}{one}"), [0, 1, 90, 3, 4, 5], 1);
    check(&format!("{one}{all}"), [0, 1, 90, 3, 4, 5], 1);
    // The first plane, and several times.
    let first = r#"<TiffData IFD="5" PlaneCount="1"/><TiffData IFD="3" PlaneCount="1"/>"#;
    check(&format!("{all}{first}"), [3, 1, 2, 3, 4, 5], 1);
    let other = r#"<TiffData IFD="20" PlaneCount="6"/>"#;
    check(&format!("{all}{other}"), [20, 21, 22, 23, 24, 25], 6);
    // Halves that overlap.
    let left = r#"<TiffData IFD="0" PlaneCount="4"/>"#;
    let right = r#"<TiffData IFD="30" FirstT="1" PlaneCount="4"/>"#;
    check(&format!("{left}{right}"), [0, 1, 30, 31, 32, 33], 2);
    check(&format!("{right}{left}"), [0, 1, 2, 3, 32, 33], 2);
    // The same page is no contradiction, and what nobody names is nowhere.
    check(&format!("{all}{all}"), [0, 1, 2, 3, 4, 5], 0);
    let some = r#"<TiffData IFD="2" FirstT="1"/><TiffData IFD="0" FirstZ="1"/>"#;
    check(some, [-1, 0, 2, -1, -1, -1], 0);
    // No page has such a number.
    let last = r#"<TiffData IFD="4294967294" PlaneCount="6"/>"#;
    let highest = i64::from(u32::MAX);
    check(last, [highest - 1, highest, -1, -1, -1, -1], 0);
}

#[test]
fn numbers_of_pages_that_are_none_are_problems_and_their_planes_nowhere() {
    for number in ["-1", "18446744073709551616", "4294967296", "1.0", "", "one"] {
        for name in ["IFD", "FirstZ", "FirstC", "FirstT"] {
            let inside = format!(r#"<TiffData IFD="7" FirstT="1"/><TiffData {name}="{number}"/>"#);
            let found = parse(&document(SIZES, &inside)).expect("XML");
            let [problem] = found.problems.as_slice() else {
                panic!("{inside}: {:?}", found.problems)
            };
            let words = format!("{name} of a TiffData is {number:?}");
            assert!(problem.message.contains(&words), "{problem}");
            let places = places(&found.images[0], 3, 0);
            let there = places.iter().flatten().collect::<Vec<_>>();
            assert_eq!(there, [&(None, 7)], "{inside}");
        }
    }
    // Nothing but such numbers is not the same as no element at all.
    let many = r#"<TiffData IFD="-1"/>"#.repeat(3);
    let found = parse(&document(SIZES, &many)).expect("XML");
    assert!(places(&found.images[0], 3, 0).iter().all(Option::is_none));
    let message = &found.problems[0].message;
    assert!(message.ends_with("and so 2 more"), "{message}");
    // More planes than there are is no harm, less than none is.
    let count = |count: &str| format!(r#"<TiffData PlaneCount="{count}"/>"#);
    let huge = image(SIZES, &count("9223372036854775808"));
    assert!(places(&huge, 3, 0).iter().all(Option::is_some));
    let negative = parse(&document(SIZES, &count("-5"))).expect("XML");
    assert_eq!(negative.problems.len(), 1);
    assert!(
        places(&negative.images[0], 3, 0)
            .iter()
            .all(Option::is_none)
    );
}

#[test]
fn files_are_told_by_name_and_the_own_one_by_its_uuid() {
    let inside = r#"<TiffData IFD="0" PlaneCount="12"><UUID FileName="old_name.ome.tif">urn:uuid:own</UUID></TiffData>
                    <TiffData IFD="0" FirstT="2" PlaneCount="12"><UUID FileName="b.ome.tif">urn:uuid:b</UUID></TiffData>"#;
    let image = image(SIZES, inside);
    let found = places(&image, 3, 0);
    assert_eq!(
        (found[3], found[12], found[23]),
        (Some((None, 3)), Some((Some(0), 0)), Some((Some(0), 11)))
    );
    let table = PlaneTable::of(&image, 3, Some("urn:uuid:own"), 0);
    assert_eq!(table.files, ["b.ome.tif"]);
}

#[test]
fn numbers_that_make_no_sense_are_problems() {
    let problem = |pixels: &str| {
        let found = parse(&document(pixels, "")).expect("XML");
        let code = found.problems.first().map(|problem| problem.code);
        (code, found.images.len())
    };
    let with = |from: &str, to: &str| SIZES.replace(from, to);
    let bad = Some(Code::BadMetadata);
    assert_eq!(problem(&with(r#"SizeZ="2""#, r#"SizeZ="-2""#)), (bad, 0));
    assert_eq!(problem(&with(r#"SizeZ="2""#, r#"SizeZ="2.5""#)), (bad, 0));
    assert_eq!(
        problem(&with(r#"SizeT="4""#, r#"SizeT="0""#)),
        (Some(Code::Empty), 0)
    );
    let huge = r#"SizeC="18446744073709551615""#;
    assert_eq!(
        problem(&with(r#"SizeC="3""#, huge)),
        (Some(Code::TooLarge), 0)
    );
    assert_eq!(problem(&with(r#"SizeC="3""#, r#"SizeC="1e999""#)), (bad, 0));
    assert_eq!(problem(&with(r#"SizeT="4""#, "")), (bad, 1));
    assert_eq!(problem(&with("XYZCT", "XYZZT")), (bad, 1));
    assert_eq!(problem(&with("uint16", "octonion")), (bad, 1));
    // The pages have sizes of their own.
    assert_eq!(problem(&with(r#"SizeX="7""#, r#"SizeX="-7""#)), (None, 1));
    let lengths =
        r#" PhysicalSizeX="-1" PhysicalSizeY="NaN" PhysicalSizeZ="1e400" TimeIncrement="0""#;
    let found = parse(&document(&format!("{SIZES}{lengths}"), "")).expect("XML");
    let begins = [
        "PhysicalSizeX is \"-1\"",
        "PhysicalSizeY is \"NaN\"",
        "PhysicalSizeZ is \"1e400\"",
    ];
    assert_eq!(found.problems.len(), begins.len(), "{:?}", found.problems);
    for (problem, begin) in found.problems.iter().zip(begins) {
        assert!(problem.message.starts_with(begin), "{problem}");
    }
    let image = &found.images[0];
    assert_eq!(
        (image.pixel_size_um, image.time_step_secs),
        ([None; 3], None)
    );
    let pixels = image_with_unit("pixel");
    assert_eq!(pixels.pixel_size_um[0], None, "pixels are no length");
    assert_eq!(image_with_unit("nm").pixel_size_um[0], Some(0.25));
}

fn image_with_unit(unit: &str) -> OmeImage {
    let size = format!(r#" PhysicalSizeX="250" PhysicalSizeXUnit="{unit}""#);
    image(&format!("{SIZES}{size}"), "")
}

#[test]
fn what_is_no_ome_xml_is_refused_in_words() {
    let refused = |text: &str| parse(text).expect_err(text).1;
    assert!(refused("").contains("no XML"));
    assert!(refused("<OME>").contains("no XML"));
    assert!(refused(r#"{"shape": [1]}"#).contains("no XML"));
    assert!(refused("<html/>").contains("expected OME"));
    let laughs = r#"<!DOCTYPE OME [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><OME>&b;</OME>"#;
    assert!(refused(laughs).contains("no XML"), "no entities of its own");
    assert_eq!(parse("<OME/>\0\0").map(|found| found.images.len()), Ok(0));
    let only = r#"<OME UUID="a"><BinaryOnly MetadataFile="all.companion.ome" UUID="b"/></OME>"#;
    let companion = parse(only).expect("XML").companion;
    assert_eq!(companion.as_deref(), Some("all.companion.ome"));
    let found = parse("<OME><Image/></OME>").expect("XML");
    assert_eq!(found.problems.len(), 1);
}

#[test]
fn deep_and_long_documents_end() {
    let deep = format!(
        "<OME>{}{}</OME>",
        "<a>".repeat(200_000),
        "</a>".repeat(200_000)
    );
    assert!(parse(&deep).is_ok(), "nothing recurses into it");
    let planes = r#"<TiffData IFD="1" FirstZ="1"/>"#.repeat(100_000);
    let table = PlaneTable::of(&image(SIZES, &planes), 3, None, 0);
    assert_eq!(table.find(1, 0, 0).map(|place| place.page_idx), Some(1));
    let text = document(SIZES, &planes);
    for end in (0..text.len()).step_by(9973) {
        assert!(parse(&text[..end]).is_err());
    }
}

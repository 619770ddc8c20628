//! Image files of other programs: byte orders, compressions, colours, and what their tags say of pixel sizes.

use std::path::Path;

use squidview::{
    model::{FovId, Rgb},
    store::Store,
};

use crate::{
    oracle::image_oracle,
    planes::{open_whole, plane_at, plane_crc, plane_rows},
};

fn written(folder: &Path, group: &str) -> Option<serde_json::Map<String, serde_json::Value>> {
    image_oracle(&["write", folder.to_str().unwrap(), group])
}

#[test]
fn byte_orders_compressions_and_planar_colours_give_the_samples_that_were_written() {
    let folder = tempfile::tempdir().unwrap();
    let Some(files) = written(folder.path(), "kinds") else {
        return;
    };
    assert!(files.len() > 20);
    let mut wrong = Vec::new();
    for (name, planes) in &files {
        let dataset = open_whole(&folder.path().join(name));
        let found = (0..dataset.template.num_channels())
            .map(|c| plane_crc(&Store::new(), &dataset, plane_at(FovId(0), 0, c, 0)))
            .collect::<Vec<_>>();
        let expected = planes.as_array().unwrap().iter();
        let expected = expected.map(|crc| crc.as_str().map(str::to_owned));
        if found != expected.collect::<Vec<_>>() {
            wrong.push(name);
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn jpeg_files_are_gray_or_three_channels() {
    let folder = tempfile::tempdir().unwrap();
    let Some(files) = written(folder.path(), "jpegs") else {
        return;
    };
    for (name, values) in &files {
        let dataset = open_whole(&folder.path().join(name));
        for (c, value) in values.as_array().unwrap().iter().enumerate() {
            let plane = plane_at(FovId(0), 0, c as u32, 0);
            let rows = plane_rows(&Store::new(), &dataset, plane).unwrap();
            let value = value.as_u64().unwrap() as u8;
            let is_near = rows.iter().all(|sample| sample.abs_diff(value) <= 2);
            assert!(is_near, "{name} {c}: {:?}", &rows[..8]);
        }
        let colors: Vec<_> = dataset
            .template
            .channels
            .iter()
            .map(|it| it.color)
            .collect();
        let red = Rgb { r: 255, g: 0, b: 0 };
        assert_eq!(colors.first(), Some(&(colors.len() == 3).then_some(red)));
    }
}

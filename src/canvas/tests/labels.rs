//! Label images over the picture: the shader against the CPU composite.

use super::*;
use crate::model::{LabelColors, LabelLook, label_key};

/// Labels of 8 x 8 pixels, 0 among them, in a tile of 41 x 29.
fn numbers(num: usize) -> impl Iterator<Item = i64> {
    (0..num).map(|at| {
        let (x, y) = ((at % 41) / 8, (at / 41) / 8);
        [0, 1, -3, 7, 90, 0, 5][(x + 3 * y) % 7]
    })
}

fn labels(sample_type: SampleType) -> Samples {
    let all = || numbers(41 * 29);
    match sample_type {
        SampleType::Bool => Samples::Bool(all().map(|n| u8::from(n != 0)).collect()),
        SampleType::U8 => Samples::U8(all().map(|n| n as u8).collect()),
        SampleType::U16 => Samples::U16(all().map(|n| n as u16).collect()),
        SampleType::U32 => Samples::U32(all().map(|n| n as u32).collect()),
        SampleType::U64 => Samples::U64(all().map(|n| (n as u64) << 31).collect()),
        SampleType::I8 => Samples::I8(all().map(|n| n as i8).collect()),
        SampleType::I16 => Samples::I16(all().map(|n| n as i16).collect()),
        SampleType::I32 => Samples::I32(all().map(|n| n as i32).collect()),
        _ => Samples::I64(all().map(|n| n << 33).collect()),
    }
}

/// A picture of one channel with a label tile over most of it.
fn list(samples: Samples, order: MemoryOrder, look: LabelLook) -> DrawList {
    let mut list = Case {
        num_channels: 1,
        ..Case::default()
    }
    .list();
    let plane = PlaneId {
        layer: 1,
        ..list.items[0].tiles[0].tile.plane
    };
    let pixels = Pixels::new(41, 29, order, samples).expect("fits");
    list.labels = vec![DrawnLabel {
        rect: RectPx {
            x0: -7.3,
            y0: 11.6,
            x1: 90.2,
            y1: 75.9,
        },
        tile: TileId::whole(plane),
        revision: 0,
        pixels: Arc::new(pixels),
        look,
    }];
    list
}

fn look(opacity: f32, is_outline: bool, colors: &[(i128, [u8; 4])]) -> LabelLook {
    let colors = colors.iter().map(|&(label, rgba)| (label_key(label), rgba));
    LabelLook {
        opacity,
        is_outline,
        colors: Arc::new(LabelColors::new(colors.collect())),
    }
}

#[test]
fn labels_of_every_type_look_alike_on_both() {
    let whole = SampleType::ALL.into_iter().filter(|it| !it.is_float());
    for sample_type in whole {
        for order in [MemoryOrder::RowMajor, MemoryOrder::ColumnMajor] {
            let list = list(labels(sample_type), order, look(0.6, false, &[]));
            check_list(&format!("{sample_type:?} {order:?}"), &list);
        }
    }
}

#[test]
fn outlines_and_given_colours_look_alike_on_both() {
    let given = [
        (1, [255, 0, 0, 255]),
        (-3, [0, 0, 255, 128]),
        (7, [0, 0, 0, 0]),
    ];
    let many: Vec<(i128, [u8; 4])> = (0..5000).map(|n| (n * 3, [9, n as u8, 200, 255])).collect();
    for (name, look) in [
        ("outline", look(1.0, true, &[])),
        ("given", look(0.5, false, &given)),
        ("given outline", look(0.5, true, &given)),
        ("more colours than a row holds", look(0.9, false, &many)),
    ] {
        let list = list(labels(SampleType::I32), MemoryOrder::RowMajor, look);
        check_list(name, &list);
    }
}

#[test]
fn background_shows_the_picture_and_opacity_mixes_with_it() {
    let picture = |look| {
        let list = list(labels(SampleType::U16), MemoryOrder::RowMajor, look);
        let below = composite(&DrawList {
            labels: Vec::new(),
            ..list.clone()
        });
        (below, composite(&list))
    };
    // Texel (2, 2) is background, (10, 2) label 1.
    let at = |x: f64, y: f64| {
        let (x, y) = (
            -7.3 + (x + 0.5) * 97.5 / 41.0,
            11.6 + (y + 0.5) * 64.3 / 29.0,
        );
        (y as usize * CANVAS.width_px as usize + x as usize) * 4
    };
    let red = [(1, [255, 0, 0, 255])];
    let (below, above) = picture(look(1.0, false, &red));
    let (background, label) = (at(5.0, 4.0), at(12.0, 4.0));
    assert_eq!(
        above[background..background + 3],
        below[background..background + 3]
    );
    assert_eq!(above[label..label + 3], [255, 0, 0]);
    let (below, above) = picture(look(0.25, false, &red));
    let expected = f32::from(below[label + 1]) * 0.75;
    assert!((f32::from(above[label + 1]) - expected).abs() <= 1.0);
    let (below, above) = picture(look(1.0, true, &red));
    assert_eq!(
        above[label..label + 3],
        below[label..label + 3],
        "inside of an outline"
    );
}

/// Light of a stored byte, 0 to 1.
fn linear(byte: u8) -> f64 {
    let stored = f64::from(byte) / 255.0;
    if stored <= 0.04045 {
        stored / 12.92
    } else {
        ((stored + 0.055) / 1.055).powf(2.4)
    }
}

fn stored(light: f64) -> f64 {
    let value = if light <= 0.003_130_8 {
        light * 12.92
    } else {
        1.055 * light.powf(1.0 / 2.4) - 0.055
    };
    value * 255.0
}

#[test]
fn a_frame_of_linear_light_mixes_light_and_shows_the_same_colours() {
    let of = |opacity| {
        let look = look(opacity, false, &[]);
        list(labels(SampleType::U16), MemoryOrder::RowMajor, look)
    };
    let format = wgpu::TextureFormat::Rgba8UnormSrgb;
    let Some(found) = drawn_in(&of(0.4), format) else {
        return;
    };
    let opaque = composite(&of(1.0));
    let below = composite(&DrawList {
        labels: Vec::new(),
        ..of(1.0)
    });
    let (mut num_mixed, mut num_wrong) = (0, 0);
    for (at, found) in found.iter().enumerate().filter(|(at, _)| at % 4 != 3) {
        let (below, above) = (below[at], opaque[at]);
        num_mixed += usize::from(below != above);
        let expected = stored(linear(below) * 0.6 + linear(above) * 0.4);
        let difference = (f64::from(*found) - expected).abs();
        num_wrong += usize::from(difference > 3.0);
    }
    assert!(num_mixed > 1000, "{num_mixed}");
    // As elsewhere: edges may be rounded the other way.
    assert!(num_wrong <= found.len() / 1000, "{num_wrong} bytes differ");
}

//! The shader against the CPU composite.
//!
//! They need an adapter that can draw; a CPU driver (lavapipe) does. Without one they say so and pass, unless
//! `SQUIDVIEW_REQUIRE_ADAPTER=1` makes that a failure.

mod labels;

use std::sync::Arc;

use eframe::wgpu;
use half::f16;

use super::{painter::Painter, testing::device, *};
use crate::model::{
    CanvasSize, ChannelLook, Colormap, ContrastLimits, DatasetId, FovId, Lut, MemoryOrder, Pixels,
    PlaneId, RectPx, Rgb, SampleType, Samples, TileId, ZPick,
};

const CANVAS: CanvasSize = CanvasSize {
    width_px: 96,
    height_px: 80,
};

/// The list drawn on the GPU: RGBA rows.
fn drawn(list: &DrawList) -> Option<Vec<u8>> {
    drawn_in(list, wgpu::TextureFormat::Rgba8Unorm)
}

/// The same in a frame of that format, as its bytes are stored.
fn drawn_in(list: &DrawList, format: wgpu::TextureFormat) -> Option<Vec<u8>> {
    let (device, queue) = device()?;
    let size = wgpu::Extent3d {
        width: CANVAS.width_px,
        height: CANVAS.height_px,
        depth_or_array_layers: 1,
    };
    let target = device.create_texture(&wgpu::TextureDescriptor {
        label: None,
        size,
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format,
        usage: wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::COPY_SRC,
        view_formats: &[],
    });
    let view = target.create_view(&wgpu::TextureViewDescriptor::default());
    let mut painter = Painter::new(device, queue, format);
    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    painter.prepare(device, queue, &mut encoder, list, [0.0, 0.0]);
    let ops = wgpu::Operations {
        load: wgpu::LoadOp::Clear(wgpu::Color::GREEN),
        store: wgpu::StoreOp::Store,
    };
    let attachment = wgpu::RenderPassColorAttachment {
        view: &view,
        resolve_target: None,
        depth_slice: None,
        ops,
    };
    let descriptor = wgpu::RenderPassDescriptor {
        color_attachments: &[Some(attachment)],
        ..wgpu::RenderPassDescriptor::default()
    };
    painter.paint(&mut encoder.begin_render_pass(&descriptor));
    Some(read_back(device, queue, encoder, &target))
}

fn read_back(
    device: &wgpu::Device,
    queue: &wgpu::Queue,
    mut encoder: wgpu::CommandEncoder,
    target: &wgpu::Texture,
) -> Vec<u8> {
    let padded = (CANVAS.width_px * 4).next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT);
    let buffer = device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: u64::from(padded * CANVAS.height_px),
        usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
        mapped_at_creation: false,
    });
    let layout = wgpu::TexelCopyBufferLayout {
        offset: 0,
        bytes_per_row: Some(padded),
        rows_per_image: None,
    };
    let to = wgpu::TexelCopyBufferInfo {
        buffer: &buffer,
        layout,
    };
    encoder.copy_texture_to_buffer(target.as_image_copy(), to, target.size());
    queue.submit([encoder.finish()]);
    buffer
        .slice(..)
        .map_async(wgpu::MapMode::Read, |outcome| outcome.expect("mapped"));
    device
        .poll(wgpu::PollType::wait_indefinitely())
        .expect("polled");
    let mapped = buffer.slice(..).get_mapped_range().expect("mapped");
    let rows = mapped.chunks_exact(padded as usize);
    rows.flat_map(|row| row[..CANVAS.width_px as usize * 4].to_vec())
        .collect()
}

/// Samples of a type that cover its range, with odd ones among them.
fn samples(sample_type: SampleType, len: usize, seed: usize) -> Samples {
    let value = |i: usize| ((i * 7919 + seed * 104_729) % 65_536) as f64 / 65_535.0;
    let values = || (0..len).map(value);
    match sample_type {
        SampleType::Bool => Samples::Bool(values().map(|v| u8::from(v > 0.5)).collect()),
        SampleType::U8 => Samples::U8(values().map(|v| (v * 255.0) as u8).collect()),
        SampleType::U16 => Samples::U16(values().map(|v| (v * 65_535.0) as u16).collect()),
        SampleType::U32 => Samples::U32(
            values()
                .map(|v| 4_000_000_000 + (v * 1000.0) as u32)
                .collect(),
        ),
        SampleType::U64 => Samples::U64(values().map(|v| (v * 1e9) as u64).collect()),
        SampleType::I8 => Samples::I8(values().map(|v| (v * 255.0 - 128.0) as i8).collect()),
        SampleType::I16 => {
            Samples::I16(values().map(|v| (v * 65_535.0 - 32_768.0) as i16).collect())
        }
        SampleType::I32 => Samples::I32(
            values()
                .map(|v| -2_000_000_000 + (v * 1000.0) as i32)
                .collect(),
        ),
        SampleType::I64 => Samples::I64(values().map(|v| (v * 1e9 - 5e8) as i64).collect()),
        SampleType::F16 => {
            Samples::F16(values().map(|v| f16::from_f64(v * 100.0 - 50.0)).collect())
        }
        SampleType::F32 => Samples::F32(
            values()
                .enumerate()
                .map(|(i, v)| if i % 97 == 0 { f32::NAN } else { v as f32 })
                .collect(),
        ),
        SampleType::F64 => Samples::F64(values().map(|v| v * 2.0 - 1.0).collect()),
    }
}

/// The part of its range that the samples above cover.
fn range(sample_type: SampleType) -> (f64, f64) {
    match sample_type {
        SampleType::U32 => (4_000_000_000.0, 4_000_001_000.0),
        SampleType::I32 => (-2_000_000_000.0, -1_999_999_000.0),
        SampleType::U64 => (0.0, 1e9),
        SampleType::I64 => (-5e8, 5e8),
        SampleType::F16 => (-50.0, 50.0),
        SampleType::F32 => (0.0, 1.0),
        SampleType::F64 => (-1.0, 1.0),
        whole => whole.value_range().expect("an integer"),
    }
}

struct Case {
    sample_type: SampleType,
    order: MemoryOrder,
    num_channels: usize,
    /// Limits as fractions of the covered range.
    limits: (f64, f64),
    gamma: f32,
    /// Two channels of three, the one with a colormap among them, from their other ends.
    inverted: bool,
    rect: RectPx,
    hatch: Option<Hatch>,
    mark_clipped: bool,
}

impl Default for Case {
    fn default() -> Self {
        Self {
            sample_type: SampleType::U16,
            order: MemoryOrder::RowMajor,
            num_channels: 2,
            limits: (0.1, 0.8),
            gamma: 1.0,
            inverted: false,
            rect: RectPx {
                x0: 5.0,
                y0: 3.0,
                x1: 85.0,
                y1: 70.0,
            },
            hatch: None,
            mark_clipped: false,
        }
    }
}

impl Case {
    fn list(&self) -> DrawList {
        let (width, height) = (41_u32, 29_u32);
        let (low, high) = range(self.sample_type);
        let at = |part: f64| low + (high - low) * part;
        let look = |c: usize| ChannelLook {
            c: c as u16,
            limits: Some(ContrastLimits {
                low: at(self.limits.0),
                high: at(self.limits.1),
            }),
            gamma: self.gamma,
            inverted: self.inverted && c % 3 != 2,
            lut: if c % 3 == 1 {
                Lut::Map(Colormap::ALL[c % 4])
            } else {
                Lut::Color(Rgb {
                    r: 30 * (c as u8 % 5),
                    g: 90,
                    b: 60,
                })
            },
        };
        let tile = |c: usize| {
            let plane = PlaneId {
                fov: FovId(0),
                layer: 0,
                t: 0,
                c: c as u16,
                z: ZPick::Slice(0),
                extra: 0,
                level: 0,
            };
            let samples = samples(self.sample_type, (width * height) as usize, c);
            let pixels = Arc::new(Pixels::new(width, height, self.order, samples).expect("fits"));
            DrawnTile {
                look: c,
                tile: TileId::whole(plane),
                revision: 0,
                pixels,
            }
        };
        let tiles = (0..self.num_channels).map(tile).collect();
        DrawList {
            dataset: DatasetId::unique(),
            canvas: CANVAS,
            looks: (0..self.num_channels.max(1)).map(look).collect(),
            items: vec![DrawItem {
                rect: self.rect,
                tiles,
                hatch: self.hatch,
            }],
            labels: Vec::new(),
            mark_clipped: self.mark_clipped,
        }
    }
}

/// Within 1/255 for 99.9 % of the pixels.
fn check(name: &str, case: &Case) {
    check_list(name, &case.list());
}

fn check_list(name: &str, list: &DrawList) {
    let expected = composite(list);
    let Some(found) = drawn(list) else { return };
    let differs = |(a, b): &(&[u8], &[u8])| a.iter().zip(*b).any(|(a, b)| a.abs_diff(*b) > 1);
    let pairs = || expected.chunks_exact(4).zip(found.chunks_exact(4));
    let num_wrong = pairs().filter(differs).count();
    let first = pairs().position(|pair| differs(&pair));
    let allowed = expected.len() / 4 / 1000;
    let shown = first.map(|at| {
        (
            at,
            &expected[at * 4..at * 4 + 4],
            &found[at * 4..at * 4 + 4],
        )
    });
    assert!(
        num_wrong <= allowed,
        "{name}: {num_wrong} pixels differ, the first {shown:?}"
    );
    let num_drawn = expected
        .chunks_exact(4)
        .filter(|pixel| pixel[..3] != look::BACKGROUND)
        .count();
    assert!(
        num_drawn > 1000,
        "{name}: only {num_drawn} pixels are drawn"
    );
}

#[test]
fn every_sample_type_looks_alike_on_both_in_both_memory_orders() {
    for sample_type in SampleType::ALL {
        for order in [MemoryOrder::RowMajor, MemoryOrder::ColumnMajor] {
            check(
                &format!("{sample_type:?} {order:?}"),
                &Case {
                    sample_type,
                    order,
                    ..Case::default()
                },
            );
        }
    }
}

#[test]
fn limits_in_any_order_look_alike_on_both() {
    for limits in [(0.0, 1.0), (0.9, 0.2), (0.5, 0.5), (-3.0, 7.0)] {
        for sample_type in SampleType::ALL {
            check(
                &format!("{sample_type:?} {limits:?}"),
                &Case {
                    sample_type,
                    limits,
                    ..Case::default()
                },
            );
        }
    }
}

#[test]
fn zoom_offset_gamma_marks_and_hatching_look_alike_on_both() {
    let rect = |x0, y0, x1, y1| RectPx { x0, y0, x1, y1 };
    check(
        "zoomed in",
        &Case {
            rect: rect(-400.3, -300.7, 1100.0, 900.0),
            ..Case::default()
        },
    );
    check(
        "fraction",
        &Case {
            rect: rect(0.25, 0.75, 41.25, 29.75),
            ..Case::default()
        },
    );
    check(
        "small",
        &Case {
            rect: rect(3.0, 4.0, 40.0, 38.0),
            num_channels: 1,
            ..Case::default()
        },
    );
    check(
        "gamma",
        &Case {
            gamma: 0.45,
            ..Case::default()
        },
    );
    for gamma in [1.0, 0.45] {
        check(
            &format!("inverted, gamma {gamma}"),
            &Case {
                gamma,
                inverted: true,
                num_channels: 3,
                ..Case::default()
            },
        );
    }
    check(
        "clipped",
        &Case {
            mark_clipped: true,
            ..Case::default()
        },
    );
    check(
        "planned",
        &Case {
            num_channels: 0,
            hatch: Some(Hatch::Planned),
            ..Case::default()
        },
    );
    check(
        "failed",
        &Case {
            hatch: Some(Hatch::Failed),
            ..Case::default()
        },
    );
}

#[test]
fn more_than_eight_channels_are_added_and_clamped_once() {
    for num_channels in [8, 9, 40] {
        check(
            &format!("{num_channels} channels"),
            &Case {
                num_channels,
                ..Case::default()
            },
        );
    }
    check(
        "12 clipped",
        &Case {
            num_channels: 12,
            mark_clipped: true,
            ..Case::default()
        },
    );
    check(
        "12 hatched",
        &Case {
            num_channels: 12,
            hatch: Some(Hatch::Planned),
            ..Case::default()
        },
    );
}

#[test]
fn samples_at_the_ends_of_all_numbers_are_drawn_at_the_ends_of_the_limits() {
    for (name, sample_type, samples) in [
        (
            "1e308",
            SampleType::F64,
            Samples::F64([-1e308, 0.0, 1e308].repeat(29 * 41)),
        ),
        (
            "largest",
            SampleType::F64,
            Samples::F64([f64::MIN, 0.0, f64::MAX].repeat(29 * 41)),
        ),
        (
            "f32",
            SampleType::F32,
            Samples::F32([f32::MIN, 0.0, f32::MAX].repeat(29 * 41)),
        ),
    ] {
        let case = Case {
            sample_type,
            num_channels: 1,
            ..Case::default()
        };
        let mut list = case.list();
        let pixels = Pixels::new(3, 29 * 41, MemoryOrder::RowMajor, samples).expect("fits");
        let limits = crate::model::Histogram::of(&pixels).expect("finite").auto;
        list.looks[0].limits = Some(limits);
        list.looks[0].lut = Lut::Color(Rgb {
            r: 255,
            g: 255,
            b: 255,
        });
        list.items[0].tiles[0].pixels = Arc::new(pixels);
        check_list(name, &list);
        let picture = composite(&list);
        let middle = CANVAS.height_px as usize / 2 * CANVAS.width_px as usize;
        let at = |x: usize| picture[(middle + x) * 4];
        // The item reaches from 5 to 85.
        assert_eq!([at(10), at(45), at(80)], [0, 128, 255], "{name}");
    }
}

//! A plane as TIFF or PNG.

use std::{error::Error, fs::File, io::BufWriter, path::Path, sync::Arc};

use tiff::encoder::{TiffEncoder, colortype};

use crate::{
    canvas::{DrawItem, DrawList, DrawnTile, composite},
    dataset::Image,
    model::{
        CanvasSize, ChannelLook, DatasetId, Histogram, Lut, Pixels, PlaneId, RectPx, Rgb, Samples, TileId,
    },
};

/// One uncompressed page; f16 is widened to f32 and bool written as 8 bit, which every reader knows.
pub(super) fn write_tiff(path: &Path, pixels: &Pixels) -> Result<(), Box<dyn Error>> {
    let (width, height) = (pixels.width(), pixels.height());
    let mut encoder = TiffEncoder::new(BufWriter::new(File::create(path)?))?;
    match pixels.samples() {
        Samples::Bool(v) | Samples::U8(v) => encoder.write_image::<colortype::Gray8>(width, height, v)?,
        Samples::U16(v) => encoder.write_image::<colortype::Gray16>(width, height, v)?,
        Samples::U32(v) => encoder.write_image::<colortype::Gray32>(width, height, v)?,
        Samples::U64(v) => encoder.write_image::<colortype::Gray64>(width, height, v)?,
        Samples::I8(v) => encoder.write_image::<colortype::GrayI8>(width, height, v)?,
        Samples::I16(v) => encoder.write_image::<colortype::GrayI16>(width, height, v)?,
        Samples::I32(v) => encoder.write_image::<colortype::GrayI32>(width, height, v)?,
        Samples::I64(v) => encoder.write_image::<colortype::GrayI64>(width, height, v)?,
        Samples::F16(v) => {
            let wide: Vec<f32> = v.iter().map(|&sample| f32::from(sample)).collect();
            encoder.write_image::<colortype::Gray32Float>(width, height, &wide)?;
        }
        Samples::F32(v) => encoder.write_image::<colortype::Gray32Float>(width, height, v)?,
        Samples::F64(v) => encoder.write_image::<colortype::Gray64Float>(width, height, v)?,
    }
    Ok(())
}

/// 8-bit gray with contrast limits applied: the file's window, else 0.1 to 99.9 % of the plane.
pub(super) fn write_png(
    path: &Path,
    pixels: &Pixels,
    image: &Image,
    plane: PlaneId,
) -> Result<(), Box<dyn Error>> {
    let window = image.channels.get(usize::from(plane.c)).and_then(|channel| channel.window);
    let statistics = Histogram::of(pixels).unwrap_or_else(Histogram::empty);
    let (width, height) = (pixels.width(), pixels.height());
    let list = DrawList {
        dataset: DatasetId::unique(),
        canvas: CanvasSize { width_px: width, height_px: height },
        looks: vec![ChannelLook {
            c: plane.c,
            limits: Some(window.unwrap_or(statistics.auto)),
            gamma: 1.0,
            lut: Lut::Color(Rgb { r: 255, g: 255, b: 255 }),
        }],
        items: vec![DrawItem {
            rect: RectPx { x0: 0.0, y0: 0.0, x1: f64::from(width), y1: f64::from(height) },
            tiles: vec![DrawnTile {
                look: 0,
                tile: TileId::whole(plane),
                revision: 0,
                pixels: Arc::new(pixels.clone()),
            }],
            hatch: None,
        }],
        mark_clipped: false,
    };
    let gray: Vec<u8> = composite(&list).chunks_exact(4).map(|rgba| rgba[0]).collect();
    image::save_buffer(path, &gray, width, height, image::ColorType::L8)?;
    Ok(())
}

//! A plane as TIFF or PNG.

use std::{
    error::Error,
    io::{Seek, Write},
};

use tiff::encoder::{TiffEncoder, colortype};

use crate::{
    model::{ContrastLimits, Pixels, PlaneId, Samples},
    render::gray,
};

/// One uncompressed page; f16 is widened to f32 and bool written as 8 bit, which every reader knows.
pub(super) fn write_tiff(
    file: &mut (impl Write + Seek),
    pixels: &Pixels,
) -> Result<(), Box<dyn Error>> {
    let (width, height) = (pixels.width(), pixels.height());
    let mut encoder = TiffEncoder::new(file)?;
    match pixels.samples() {
        Samples::Bool(v) | Samples::U8(v) => {
            encoder.write_image::<colortype::Gray8>(width, height, v)?;
        }
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

/// 8-bit gray with contrast limits applied.
pub(super) fn write_png(
    file: &mut (impl Write + Seek),
    pixels: &Pixels,
    plane: PlaneId,
    limits: ContrastLimits,
    inverted: bool,
) -> Result<(), Box<dyn Error>> {
    let gray = gray(pixels, plane, limits, inverted);
    let (width, height) = (pixels.width(), pixels.height());
    let (color, format) = (image::ExtendedColorType::L8, image::ImageFormat::Png);
    image::write_buffer_with_format(file, &gray, width, height, color, format)?;
    Ok(())
}

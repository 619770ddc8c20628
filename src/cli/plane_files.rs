//! A plane as a file of numpy's, TIFF or PNG, written while it is read.

use std::{
    borrow::Cow,
    error::Error,
    io::{self, Seek, Write},
};

use tiff::encoder::{
    TiffEncoder, TiffValue,
    colortype::{self, ColorType},
};

use super::{
    statistics::{Statistics, little_endian},
    stripes::Stripes,
};
use crate::{
    model::{ContrastLimits, SampleType, Samples},
    render::gray,
};

/// A numpy file, format version 1.0 (numpy.lib.format).
pub(super) fn write_npy(
    file: &mut impl Write,
    stripes: &Stripes<'_>,
    statistics: &mut Statistics,
) -> Result<(), Box<dyn Error>> {
    file.write_all(&npy_header(stripes.sample_type(), stripes.size()))?;
    for stripe in stripes.iter() {
        let stripe = stripe?;
        statistics.add(stripe.samples());
        file.write_all(&little_endian(stripe.samples()))?;
    }
    Ok(())
}

/// What stands before the samples of a plane of so many columns and rows.
fn npy_header(sample_type: SampleType, (width, height): (u32, u32)) -> Vec<u8> {
    let descr = match sample_type {
        SampleType::Bool => "|b1",
        SampleType::U8 => "|u1",
        SampleType::I8 => "|i1",
        SampleType::U16 => "<u2",
        SampleType::U32 => "<u4",
        SampleType::U64 => "<u8",
        SampleType::I16 => "<i2",
        SampleType::I32 => "<i4",
        SampleType::I64 => "<i8",
        SampleType::F16 => "<f2",
        SampleType::F32 => "<f4",
        SampleType::F64 => "<f8",
    };
    let shape = (height, width);
    let mut header =
        format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape:?}, }}");
    // Magic, version and length take 10 bytes; the data begin at a multiple of 64.
    let padding = 63 - (10 + header.len()) % 64;
    header.push_str(&" ".repeat(padding));
    header.push('\n');
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    file
}

/// One uncompressed page; f16 is widened to f32 and bool written as 8 bit, which every reader knows.
pub(super) fn write_tiff(
    file: &mut (impl Write + Seek),
    stripes: &Stripes<'_>,
    statistics: &mut Statistics,
) -> Result<(), Box<dyn Error>> {
    match stripes.sample_type() {
        SampleType::Bool | SampleType::U8 => {
            page::<colortype::Gray8>(file, stripes, statistics, as_they_are)
        }
        SampleType::U16 => page::<colortype::Gray16>(file, stripes, statistics, as_they_are),
        SampleType::U32 => page::<colortype::Gray32>(file, stripes, statistics, as_they_are),
        SampleType::U64 => page::<colortype::Gray64>(file, stripes, statistics, as_they_are),
        SampleType::I8 => page::<colortype::GrayI8>(file, stripes, statistics, as_they_are),
        SampleType::I16 => page::<colortype::GrayI16>(file, stripes, statistics, as_they_are),
        SampleType::I32 => page::<colortype::GrayI32>(file, stripes, statistics, as_they_are),
        SampleType::I64 => page::<colortype::GrayI64>(file, stripes, statistics, as_they_are),
        SampleType::F16 => page::<colortype::Gray32Float>(file, stripes, statistics, widened),
        SampleType::F32 => page::<colortype::Gray32Float>(file, stripes, statistics, as_they_are),
        SampleType::F64 => page::<colortype::Gray64Float>(file, stripes, statistics, as_they_are),
    }
}

fn as_they_are<T: bytemuck::Pod>(samples: &Samples) -> Cow<'_, [T]> {
    bytemuck::cast_slice(samples.as_bytes()).into()
}

fn widened(samples: &Samples) -> Cow<'_, [f32]> {
    match samples {
        Samples::F16(v) => v.iter().map(|&sample| f32::from(sample)).collect(),
        _ => as_they_are(samples),
    }
}

fn page<C: ColorType>(
    file: &mut (impl Write + Seek),
    stripes: &Stripes<'_>,
    statistics: &mut Statistics,
    samples_of: impl for<'a> Fn(&'a Samples) -> Cow<'a, [C::Inner]>,
) -> Result<(), Box<dyn Error>>
where
    [C::Inner]: TiffValue + ToOwned,
{
    let (width, height) = stripes.size();
    let mut encoder = TiffEncoder::new(file)?;
    let mut page = encoder.new_image::<C>(width, height)?;
    let usual = page.next_strip_sample_count() / u64::from(width.max(1));
    // A strip lies in one stripe.
    let stripe_height = stripes.stripe_height();
    let num_rows = if stripe_height >= height {
        usual as u32
    } else {
        let most = stripe_height.min(usual as u32);
        let fitting = (1..=most)
            .rev()
            .find(|rows| stripe_height.is_multiple_of(*rows));
        let num_rows = fitting.unwrap_or(1);
        page.rows_per_strip(num_rows)?;
        num_rows
    };
    for stripe in stripes.iter() {
        let stripe = stripe?;
        statistics.add(stripe.samples());
        let samples = samples_of(stripe.samples());
        for strip in samples.chunks(num_rows as usize * width as usize) {
            page.write_strip(strip)?;
        }
    }
    Ok(page.finish()?)
}

/// 8-bit gray with contrast limits applied.
pub(super) fn write_png(
    file: &mut impl Write,
    stripes: &Stripes<'_>,
    limits: ContrastLimits,
    inverted: bool,
) -> Result<(), Box<dyn Error>> {
    let (width, height) = stripes.size();
    let mut encoder = png::Encoder::new(file, width, height);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let mut header = encoder.write_header()?;
    let mut rows = header.stream_writer()?;
    for stripe in stripes.iter() {
        rows.write_all(&gray(stripe?, stripes.plane(), limits, inverted))?;
    }
    rows.finish()?;
    header
        .finish()
        .map_err(|error| io::Error::from(error).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_numpy_file_begins_its_data_at_a_multiple_of_64() {
        for width in [3, 12_345] {
            let header = npy_header(SampleType::U16, (width, 1));
            let length = usize::from(u16::from_le_bytes([header[8], header[9]]));
            assert_eq!((10 + length) % 64, 0);
            assert_eq!(header.len(), 10 + length);
            let words = std::str::from_utf8(&header[10..]).expect("text");
            let shape = format!("'shape': (1, {width}), }}");
            let begin = "{'descr': '<u2', 'fortran_order': False, ";
            assert!(words.starts_with(&(begin.to_owned() + &shape)), "{words}");
        }
    }
}

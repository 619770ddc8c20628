//! PNG, BMP and JPEG files in which something is too much, or a checksum does not fit.

use super::*;

/// The data of the only chunk with samples in a PNG file: where they begin and end.
fn samples_of(png: &[u8]) -> std::ops::Range<usize> {
    let at = png.windows(4).position(|it| it == b"IDAT");
    let at = at.expect("samples") + 4;
    let length = u32::from_be_bytes(png[at - 8..at - 4].try_into().expect("four bytes"));
    at..at + length as usize
}

/// The same PNG file with other compressed samples.
fn with_samples(png: &[u8], samples: &[u8]) -> Vec<u8> {
    let old = samples_of(png);
    let chunk = [b"IDAT", samples].concat();
    let checksum = crc32fast::hash(&chunk).to_be_bytes();
    let length = (samples.len() as u32).to_be_bytes();
    [
        &png[..old.start - 8],
        &length,
        &chunk,
        &checksum,
        &png[old.end + 4..],
    ]
    .concat()
}

fn pixels_of(bytes: &[u8]) -> Result<Vec<u8>, ImageFileError> {
    let (_folder, path) = folder_with("a", bytes);
    let pixels = read(&path, Wanted::default())?.expect("there");
    Ok(pixels.samples().as_bytes().to_vec())
}

#[test]
fn a_png_whose_pixels_do_not_fit_their_checksum_is_corrupt() {
    let png = plain(image::ImageFormat::Png, false);
    let samples = png[samples_of(&png)].to_vec();
    assert_eq!(pixels_of(&with_samples(&png, &samples)), Ok(gray(0)));
    for back in 1..=4 {
        let mut wrong = samples.clone();
        let at = wrong.len() - back;
        wrong[at] ^= 0x10;
        let error = pixels_of(&with_samples(&png, &wrong)).expect_err("another Adler-32");
        assert_eq!(error.code, Code::CorruptData, "{error}");
    }
}

#[test]
fn bytes_behind_a_whole_image_are_no_damage() {
    let trailing = |bytes: &[u8]| [bytes, b"trailing"].concat();
    let png = plain(image::ImageFormat::Png, false);
    for bytes in [
        trailing(&png),
        trailing(&plain(image::ImageFormat::Bmp, false)),
    ] {
        assert_eq!(pixels_of(&bytes), Ok(gray(0)));
    }
    let samples = &png[samples_of(&png)];
    let longer = with_samples(&png, &trailing(samples));
    assert_eq!(pixels_of(&longer), Ok(gray(0)));
    // A PNG of more rows than it says.
    let mut rows = Vec::new();
    for row in gray(0)
        .chunks(WIDTH as usize)
        .chain([&[9; WIDTH as usize][..]])
    {
        rows.push(0);
        rows.extend(row);
    }
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    io::Write::write_all(&mut encoder, &rows).expect("compressed");
    let longer = with_samples(&png, &encoder.finish().expect("compressed"));
    assert_eq!(pixels_of(&longer), Ok(gray(0)));
}

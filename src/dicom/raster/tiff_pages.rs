//! TIFF 6.0 and BigTIFF: each page of the size and type of the first one is a frame.
//!
//! Values keep their type and their bits; where low values are white (WhiteIsZero) the decoder turns them over.
//! Not done: fewer than 8 bits a sample, CMYK, CIE L*a*b*, several images of different kinds in one file.

use crate::{
    dicom::unpack::Coding,
    model::{lut::LookupTable, pixels::StoredType},
};
use std::{
    io::Cursor,
    panic::{AssertUnwindSafe, catch_unwind},
};
use tiff::{
    ColorType,
    decoder::{Decoder, DecodingResult, Limits},
    tags::Tag,
};

/// Most pages that are frames.
const MOST_PAGES: usize = 10_000;

/// What a file holds.
#[derive(Debug)]
pub(super) struct Pages {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) samples: usize,
    pub(super) stored_type: StoredType,
    /// Red, green, blue, where pixels are indices.
    pub(super) palette: Option<[LookupTable; 3]>,
    /// Pages that are alike, from the first on.
    pub(super) frames: usize,
    /// Pages of another size or type, or that cannot be read.
    pub(super) others: usize,
    /// A page is packed with JPEG.
    pub(super) lossy: bool,
    /// Low values are white in the file.
    pub(super) turned_over: bool,
}

/// Why a file is none that is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It cannot be read.
    Corrupt,
    /// Pixels of a kind that is not supported.
    Kind,
}

type Reader<'a> = Decoder<Cursor<&'a [u8]>>;

fn open(file: &[u8], limit: usize) -> Option<Reader<'_>> {
    let mut limits = Limits::default();
    limits.decoding_buffer_size = limit;
    limits.intermediate_buffer_size = limit;
    let decoder = Decoder::new(Cursor::new(file)).ok()?;
    Some(decoder.with_limits(limits))
}

/// Size and kind of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Kind {
    size: (u32, u32),
    color: ColorType,
    stored_type: StoredType,
}

impl Kind {
    fn of(decoder: &mut Reader<'_>) -> Result<Self, Refusal> {
        let size = decoder.dimensions().map_err(|_| Refusal::Corrupt)?;
        let color = decoder.colortype().map_err(|_| Refusal::Kind)?;
        // 1 unsigned, 2 signed, 3 floating point; unsigned where nothing is said (TIFF 6.0 section 19).
        let formats = decoder
            .find_tag_unsigned_vec::<u16>(Tag::SampleFormat)
            .map_err(|_| Refusal::Corrupt)?;
        let format = formats.and_then(|f| f.first().copied()).unwrap_or(1);
        let stored_type = match (color.bit_depth(), format) {
            (8, 1) => StoredType::U8,
            (8, 2) => StoredType::I8,
            (16, 1) => StoredType::U16,
            (16, 2) => StoredType::I16,
            (32, 1) => StoredType::U32,
            (32, 2) => StoredType::I32,
            (32, 3) => StoredType::F32,
            (64, 3) => StoredType::F64,
            _ => return Err(Refusal::Kind),
        };
        Ok(Self {
            size,
            color,
            stored_type,
        })
    }

    /// Samples that are shown, and samples that are stored; the rest is transparency or unknown.
    fn samples(&self) -> Option<(usize, usize)> {
        match (self.color, self.stored_type) {
            (ColorType::Gray(_), _) => Some((1, 1)),
            (ColorType::Palette(8), StoredType::U8) => Some((1, 1)),
            (ColorType::GrayA(_), _) => Some((1, 2)),
            (ColorType::RGB(_), StoredType::U8 | StoredType::U16) => Some((3, 3)),
            (ColorType::RGBA(_), StoredType::U8 | StoredType::U16) => Some((3, 4)),
            _ => None,
        }
    }
}

/// Reads the directories of a file; no pixel.
pub(super) fn describe(file: &[u8], limit: usize) -> Result<Pages, Refusal> {
    let run = || describe_pages(file, limit);
    catch_unwind(AssertUnwindSafe(run)).unwrap_or(Err(Refusal::Corrupt))
}

fn describe_pages(file: &[u8], limit: usize) -> Result<Pages, Refusal> {
    let mut decoder = open(file, limit).ok_or(Refusal::Corrupt)?;
    let kind = Kind::of(&mut decoder)?;
    let (samples, _) = kind.samples().ok_or(Refusal::Kind)?;
    let (columns, rows) = kind.size;
    let mut word = |tag| {
        let found = decoder.find_tag_unsigned::<u32>(tag);
        found.map_err(|_| Refusal::Corrupt)
    };
    // Old and new JPEG compression, and white is zero (TIFF 6.0 sections 22 and 3, technical note 2).
    let lossy = matches!(word(Tag::Compression)?, Some(6 | 7));
    let turned_over = word(Tag::PhotometricInterpretation)? == Some(0);
    let palette = match kind.color {
        ColorType::Palette(_) => Some(palette(&mut decoder).ok_or(Refusal::Corrupt)?),
        _ => None,
    };
    let (mut frames, mut others) = (1, 0);
    while decoder.more_images() && frames + others < MOST_PAGES {
        let alike = decoder.next_image().is_ok() && Kind::of(&mut decoder) == Ok(kind);
        // Frames are counted from the first page on without a gap; what lies behind another page is another image.
        if alike && others == 0 {
            frames += 1;
        } else {
            others += 1;
            if !decoder.more_images() {
                break;
            }
        }
    }
    Ok(Pages {
        rows: rows as usize,
        columns: columns as usize,
        samples,
        stored_type: kind.stored_type,
        palette,
        frames,
        others,
        lossy,
        turned_over,
    })
}

/// ColorMap: 256 red, 256 green, 256 blue values of 16 bits (TIFF 6.0 section 5).
fn palette(decoder: &mut Reader<'_>) -> Option<[LookupTable; 3]> {
    let map = decoder.get_tag_u16_vec(Tag::ColorMap).ok()?;
    let (channels, rest) = map.as_chunks::<256>();
    let &[red, green, blue] = channels else {
        return None;
    };
    let table = |entries: [u16; 256]| LookupTable {
        first_mapped: 0,
        entries: entries.to_vec().into(),
        bits: 16,
        explanation: String::new(),
    };
    rest.is_empty()
        .then(|| [table(red), table(green), table(blue)])
}

/// The values of one page, little-endian; `None` when it does not decode to what was described.
pub(super) fn decode(coding: &Coding, file: &[u8], limit: usize) -> Option<Vec<u8>> {
    let run = || decode_page(coding, file, limit);
    catch_unwind(AssertUnwindSafe(run)).ok().flatten()
}

fn decode_page(coding: &Coding, file: &[u8], limit: usize) -> Option<Vec<u8>> {
    let mut decoder = open(file, limit)?;
    decoder.seek_to_image(coding.page).ok()?;
    let kind = Kind::of(&mut decoder).ok()?;
    let (shown, stored) = kind.samples()?;
    let (columns, rows) = kind.size;
    let size = (rows as usize, columns as usize, shown, kind.stored_type);
    if size
        != (
            coding.rows,
            coding.columns,
            coding.samples,
            coding.stored_type,
        )
    {
        return None;
    }
    let values = decoder.read_image().ok()?;
    let bytes: Vec<u8> = match values {
        DecodingResult::U8(v) => v,
        DecodingResult::I8(v) => v.into_iter().map(i8::cast_unsigned).collect(),
        DecodingResult::U16(v) => v.into_iter().flat_map(u16::to_le_bytes).collect(),
        DecodingResult::I16(v) => v.into_iter().flat_map(i16::to_le_bytes).collect(),
        DecodingResult::U32(v) => v.into_iter().flat_map(u32::to_le_bytes).collect(),
        DecodingResult::I32(v) => v.into_iter().flat_map(i32::to_le_bytes).collect(),
        DecodingResult::F32(v) => v.into_iter().flat_map(f32::to_le_bytes).collect(),
        DecodingResult::F64(v) => v.into_iter().flat_map(f64::to_le_bytes).collect(),
        _ => return None,
    };
    if shown == stored {
        return Some(bytes);
    }
    let value = coding.stored_type.bytes();
    let pixels = bytes.chunks_exact(stored * value);
    Some(
        pixels
            .flat_map(|p| p.get(..shown * value).unwrap_or_default().iter().copied())
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use tiff::encoder::{Compression, DeflateLevel, TiffEncoder, colortype};

    const LIMIT: usize = 1 << 20;

    fn coding(page: usize, samples: usize, stored_type: StoredType) -> Coding {
        let bits = stored_type.bytes() as u16 * 8;
        Coding {
            page,
            rows: 3,
            columns: 5,
            samples,
            bits_allocated: bits,
            bits_stored: bits,
            high_bit: bits - 1,
            stored_type,
            photometric: crate::model::lut::Photometric::Monochrome2,
            planar: false,
        }
    }

    fn written(write: impl FnOnce(&mut TiffEncoder<&mut Cursor<Vec<u8>>>)) -> Vec<u8> {
        let mut file = Cursor::new(Vec::new());
        write(&mut TiffEncoder::new(&mut file).unwrap());
        file.into_inner()
    }

    #[test]
    fn pages_are_frames_with_the_values_that_were_written() {
        let values: Vec<u16> = (0..15).map(|i| i * 4000).collect();
        let other: Vec<u16> = values.iter().map(|v| v + 1).collect();
        let file = written(|tiff| {
            for page in [&values, &other] {
                tiff.write_image::<colortype::Gray16>(5, 3, page).unwrap();
            }
            tiff.write_image::<colortype::Gray8>(2, 2, &[1, 2, 3, 4])
                .unwrap();
        });
        let pages = describe(&file, LIMIT).unwrap();
        assert_eq!((pages.rows, pages.columns, pages.samples), (3, 5, 1));
        assert_eq!((pages.frames, pages.others), (2, 1));
        let bytes = |v: &[u16]| v.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>();
        let kind = StoredType::U16;
        assert_eq!(
            decode(&coding(0, 1, kind), &file, LIMIT),
            Some(bytes(&values))
        );
        assert_eq!(
            decode(&coding(1, 1, kind), &file, LIMIT),
            Some(bytes(&other))
        );
        assert_eq!(decode(&coding(2, 1, kind), &file, LIMIT), None);
        assert_eq!(decode(&coding(3, 1, kind), &file, LIMIT), None);
    }

    #[test]
    fn floats_colour_and_transparency() {
        let values: Vec<f32> = (0..15u8).map(|i| f32::from(i) * 0.37 - 2.0).collect();
        let file = written(|tiff| {
            tiff.write_image::<colortype::Gray32Float>(5, 3, &values)
                .unwrap()
        });
        let expected: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        assert_eq!(describe(&file, LIMIT).unwrap().stored_type, StoredType::F32);
        assert_eq!(
            decode(&coding(0, 1, StoredType::F32), &file, LIMIT),
            Some(expected)
        );
        let values: Vec<u8> = (0..60).collect();
        let mut file = Cursor::new(Vec::new());
        TiffEncoder::new(&mut file)
            .unwrap()
            .with_compression(Compression::Deflate(DeflateLevel::Fast))
            .write_image::<colortype::RGBA8>(5, 3, &values)
            .unwrap();
        let file = file.into_inner();
        let expected: Vec<u8> = (0..60).filter(|v| v % 4 != 3).collect();
        assert_eq!(
            decode(&coding(0, 3, StoredType::U8), &file, LIMIT),
            Some(expected)
        );
    }

    #[test]
    fn cut_and_changed_files_are_refused_or_decoded_whole() {
        let values: Vec<u16> = (0..15).map(|i| i * 4000).collect();
        let file = written(|tiff| {
            tiff.write_image::<colortype::Gray16>(5, 3, &values)
                .unwrap()
        });
        for end in 0..file.len() {
            if let Ok(pages) = describe(&file[..end], LIMIT) {
                assert_eq!((pages.rows, pages.columns), (3, 5), "{end}");
            }
            let found = decode(&coding(0, 1, StoredType::U16), &file[..end], LIMIT);
            assert!(found.is_none_or(|v| v.len() == 30), "{end}");
        }
        for at in 0..file.len() {
            for flip in [1u8, 0x80, 0xFF] {
                let mut file = file.clone();
                file[at] ^= flip;
                let _ = describe(&file, LIMIT);
                let found = decode(&coding(0, 1, StoredType::U16), &file, LIMIT);
                assert!(found.is_none_or(|v| v.len() == 30), "{at}");
            }
        }
    }
}

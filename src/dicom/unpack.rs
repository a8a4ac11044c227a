//! A frame from its codestream: which codec, and what is repaired behind it. Nothing here opens a file, so that it runs
//! as well in another process.

use super::{
    colour::{rgb_from_ybr, spread_422},
    guard::Fault,
    inflate::inflate,
    jpeg, jpeg_ls, jpeg_xl, jpeg2000,
    native::{NativeShape, interleave, repair_bits, swap_bytes, swap_pairs, unpack_bits},
    raster, rle,
    syntax::{Packing, Syntax},
};
use crate::model::{
    lut::Photometric,
    pixels::StoredType,
    study::{ImageDescription, RejectionKind},
};

/// What a codec must know of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Coding {
    /// Which frame of the codestream; a codestream of DICOM holds one, a TIFF file may hold many.
    pub(super) page: usize,
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) samples: usize,
    pub(super) bits_allocated: u16,
    pub(super) bits_stored: u16,
    pub(super) high_bit: u16,
    pub(super) stored_type: StoredType,
    pub(super) photometric: Photometric,
    /// One plane after the other, where pixels are not packed ([`ImageDescription`] does not keep it).
    pub(super) planar: bool,
}

impl From<&ImageDescription> for Coding {
    fn from(image: &ImageDescription) -> Self {
        Self {
            page: 0,
            rows: image.rows,
            columns: image.columns,
            samples: image.samples,
            bits_allocated: image.bits_allocated,
            bits_stored: image.bits_stored,
            high_bit: image.high_bit,
            stored_type: image.stored_type,
            photometric: image.photometric,
            planar: false,
        }
    }
}

/// Native pixels: read where they belong, or read aside and unfolded. `read` takes an offset within the pixels.
pub(super) fn native_frame(
    image: &Coding,
    shape: &NativeShape,
    frame: usize,
    read: impl Fn(u64, &mut [u8]) -> Result<(), Fault>,
    destination: &mut [u8],
) -> Result<(), Fault> {
    let size = image.stored_type.bytes();
    if shape.in_place() {
        read(shape.frame_at(frame).0 / 8, destination)?;
        if shape.big_endian {
            swap_bytes(destination, size);
        }
    } else {
        let (mut raw, skip) = packed_bits(shape, frame, read)?;
        if !shape.swapped_pairs && shape.big_endian && shape.bits >= 8 {
            swap_bytes(&mut raw, size);
        }
        if shape.bits < 8 {
            if !unpack_bits(&raw, skip, destination) {
                let text = "Pixel Data end before the frame does";
                return Err(Fault::rejected("PIXEL_DATA_SHORT", text));
            }
            return Ok(());
        }
        let raw = raw.get(skip / 8..).unwrap_or_default();
        if shape.halved_chroma {
            spread_422(raw, size, destination);
        } else if shape.planar && shape.samples > 1 {
            let used = raw.get(..destination.len()).unwrap_or_default();
            interleave(used, image.samples, size, destination);
        } else if let Some(used) = raw.get(..destination.len()) {
            destination.copy_from_slice(used);
        }
    }
    finish(image, destination, is_ybr(image));
    Ok(())
}

/// The bytes that a frame's bits lie in, pairs in their order, and which bit is the frame's first. `read` takes an offset
/// within the pixels.
pub(super) fn packed_bits(
    shape: &NativeShape,
    frame: usize,
    read: impl Fn(u64, &mut [u8]) -> Result<(), Fault>,
) -> Result<(Vec<u8>, usize), Fault> {
    let (first_bit, bits) = shape.frame_at(frame);
    // From the even byte before the first bit to the even byte behind the last, where there is one.
    let mut start = first_bit / 8;
    let mut end = (first_bit + bits).div_ceil(8);
    if shape.swapped_pairs {
        start -= start % 2;
        end += end % 2;
    }
    let mut raw = vec![0; usize::try_from(end - start).unwrap_or(0)];
    read(start, &mut raw)?;
    if shape.swapped_pairs {
        swap_pairs(&mut raw);
    }
    Ok((raw, (first_bit - start * 8) as usize))
}

const fn is_ybr(image: &Coding) -> bool {
    matches!(
        image.photometric,
        Photometric::YbrFull | Photometric::YbrFull422
    )
}

/// Stored bits in place, colour as RGB.
fn finish(image: &Coding, bytes: &mut [u8], ybr: bool) {
    if image.bits_allocated > 1 {
        repair_bits(bytes, image.stored_type, image.bits_stored, image.high_bit);
    }
    if ybr && image.stored_type.bytes() <= 2 {
        rgb_from_ybr(bytes, image.stored_type.bytes(), image.bits_stored);
    }
}

/// A compressed frame, decoded here.
///
/// # Errors
/// What the codec says; `UNSUPPORTED_SYNTAX`.
pub(super) fn unpack_frame(
    image: &Coding,
    syntax: &Syntax,
    codestream: Vec<u8>,
    frame_limit: usize,
    destination: &mut [u8],
) -> Result<(), Fault> {
    let size = image.stored_type.bytes();
    let plane = image.rows * image.columns;
    match syntax.packing {
        Packing::Rle if image.bits_allocated == 1 => {
            // A byte for each pixel (CP 2301); some writers pack eight pixels into one, of which there are too few bytes.
            if rle::decode(&codestream, 1, 1, plane, destination).is_err() {
                let mut packed = vec![0; plane.div_ceil(8)];
                rle::decode(&codestream, 1, 1, packed.len(), &mut packed)?;
                unpack_bits(&packed, 0, destination);
            }
            for value in destination.iter_mut() {
                *value = u8::from(*value != 0);
            }
            Ok(())
        }
        Packing::Rle => {
            rle::decode(&codestream, image.samples, size, plane, destination)?;
            finish(image, destination, is_ybr(image));
            Ok(())
        }
        Packing::DeflatedFrame | Packing::EncapsulatedNative => {
            let mut shape = NativeShape {
                plane: plane as u64,
                samples: image.samples as u64,
                bits: u64::from(image.bits_allocated),
                halved_chroma: false,
                planar: image.planar,
                big_endian: false,
                swapped_pairs: false,
            };
            let mut needed = usize::try_from(shape.total_bytes(1)).unwrap_or(usize::MAX);
            // The inflated frame and the one that is made of it are in memory together.
            if syntax.packing == Packing::DeflatedFrame && needed > frame_limit / 2 {
                let text = "the inflated frame would be larger than is decoded";
                return Err(Fault::new(RejectionKind::Limit, "FRAME_TOO_LARGE", text));
            }
            let raw = match syntax.packing {
                // One byte more than needed shows a stream that is too long, two allow for padding.
                Packing::DeflatedFrame => inflate(&codestream, needed + 2, "the frame")?,
                _ => codestream,
            };
            // Chroma is there once for two pixels, or for each in spite of the name; the length tells.
            if image.photometric == Photometric::YbrFull422
                && image.columns.is_multiple_of(2)
                && raw.len() < needed
            {
                (shape.halved_chroma, shape.planar) = (true, false);
                needed = usize::try_from(shape.total_bytes(1)).unwrap_or(usize::MAX);
            }
            if raw.len() < needed || raw.len() > needed + 1 {
                return Err(Fault::rejected(
                    "DECODED_SIZE",
                    format!(
                        "the frame unpacks to {} bytes and {needed} are needed",
                        raw.len()
                    ),
                ));
            }
            let read = |at: u64, out: &mut [u8]| {
                let at = usize::try_from(at).unwrap_or(usize::MAX);
                let found = at.checked_add(out.len()).and_then(|end| raw.get(at..end));
                let text = "the unpacked frame is too short";
                let found = found.ok_or_else(|| Fault::rejected("DECODED_SIZE", text))?;
                out.copy_from_slice(found);
                Ok(())
            };
            native_frame(image, &shape, 0, read, destination)
        }
        Packing::Jpeg => {
            let expected = expected(image);
            jpeg::decode_into(&expected, &codestream, frame_limit, size, destination)?;
            coded_finish(image, destination);
            Ok(())
        }
        Packing::Jpeg2000 => {
            if size > 2 {
                return Err(Fault::unsupported(
                    "J2K_PRECISION",
                    "JPEG 2000 of 32 bits is not supported",
                ));
            }
            let bits = if size == 1 { 8 } else { 16 };
            let shape = (image.rows, image.columns, image.samples);
            let transformed = jpeg2000::decode(shape, bits, &codestream, frame_limit, destination)?;
            coded_finish(image, destination);
            if is_ybr(image) && !transformed {
                rgb_from_ybr(destination, size, image.bits_stored);
            }
            Ok(())
        }
        Packing::JpegXl => {
            let (bytes, bits) = jpeg_xl::decode(&expected(image), &codestream, frame_limit)?;
            fit(&bytes, usize::from(bits / 8), size, destination)?;
            coded_finish(image, destination);
            Ok(())
        }
        Packing::JpegLs => {
            let header = jpeg_ls::read_header(&codestream)?;
            let found = (header.rows as usize, header.columns as usize);
            if found != (image.rows, image.columns)
                || usize::from(header.components) != image.samples
            {
                return Err(Fault::rejected(
                    "JPEG_LS_SIZE",
                    format!(
                        "the JPEG-LS codestream holds {} x {} x {} values, the header says {} x {} x {}",
                        header.columns,
                        header.rows,
                        header.components,
                        image.columns,
                        image.rows,
                        image.samples
                    ),
                ));
            }
            if u16::from(header.precision) > image.bits_allocated {
                return Err(Fault::rejected(
                    "JPEG_LS_SIZE",
                    format!(
                        "the JPEG-LS codestream holds values of {} bits, the header has room for {}",
                        header.precision, image.bits_allocated
                    ),
                ));
            }
            match header.bytes() {
                Some(bytes) if bytes <= frame_limit => {
                    if header.size() == size {
                        jpeg_ls::decode(&codestream, destination)?;
                    } else {
                        let mut decoded = vec![0; bytes];
                        jpeg_ls::decode(&codestream, &mut decoded)?;
                        fit(&decoded, header.size(), size, destination)?;
                    }
                }
                _ => {
                    let text = "the decoded frame would be larger than is decoded";
                    return Err(Fault::new(RejectionKind::Limit, "FRAME_TOO_LARGE", text));
                }
            }
            coded_finish(image, destination);
            if is_ybr(image) && size <= 2 {
                rgb_from_ybr(destination, size, image.bits_stored);
            }
            Ok(())
        }
        Packing::Picture(_) => unpack_page(image, syntax, &codestream, frame_limit, destination),
        Packing::Native | Packing::Unsupported => Err(Fault::unsupported(
            "UNSUPPORTED_SYNTAX",
            format!(
                "the transfer syntax {} ({}) is not supported",
                syntax.uid, syntax.name
            ),
        )),
    }
}

/// A page of a picture file, decoded here. The file stays with the caller, for its next page.
///
/// # Errors
/// What the codec says; `UNSUPPORTED_SYNTAX`.
pub(super) fn unpack_page(
    image: &Coding,
    syntax: &Syntax,
    file: &[u8],
    frame_limit: usize,
    destination: &mut [u8],
) -> Result<(), Fault> {
    match syntax.packing {
        Packing::Picture(kind) => {
            raster::decode::decode(image, kind, file, frame_limit, destination)
        }
        _ => Err(Fault::unsupported(
            "UNSUPPORTED_SYNTAX",
            format!("{} has no pages", syntax.name),
        )),
    }
}

const fn expected(image: &Coding) -> jpeg::Expected {
    jpeg::Expected {
        rows: image.rows,
        columns: image.columns,
        samples: image.samples,
        photometric: image.photometric,
        bits_allocated: image.bits_allocated,
    }
}

/// Codecs give the stored bits as the lowest ones, whatever High Bit says of the uncompressed form.
fn coded_finish(image: &Coding, bytes: &mut [u8]) {
    if image.bits_allocated > 1 {
        let high = image.bits_stored - 1;
        repair_bits(bytes, image.stored_type, image.bits_stored, high);
    }
}

/// Widens or narrows little-endian values of `from` bytes to `to` bytes.
pub(super) fn fit(
    bytes: &[u8],
    from: usize,
    to: usize,
    destination: &mut [u8],
) -> Result<(), Fault> {
    if bytes.len() / from.max(1) != destination.len() / to.max(1) {
        let text = "the decoded frame has another size than declared";
        return Err(Fault::rejected("DECODED_SIZE", text));
    }
    if from == to {
        destination.copy_from_slice(bytes);
        return Ok(());
    }
    let common = from.min(to);
    for (value, room) in bytes
        .chunks_exact(from)
        .zip(destination.chunks_exact_mut(to))
    {
        room.fill(0);
        if let (Some(low), Some(room)) = (value.get(..common), room.get_mut(..common)) {
            room.copy_from_slice(low);
        }
    }
    Ok(())
}

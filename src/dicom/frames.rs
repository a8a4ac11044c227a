//! Frames by number: the seam behind which decoding may move to another process.
//!
//! Native pixels are read straight into their destination and repaired there. A compressed frame is gathered from its
//! fragments and handed to a codec alone. A frame is whole or refused.

use super::{
    colour::{rgb_from_ybr, spread_422},
    encapsulated::{Fragment, FrameTable},
    guard::{Fault, Limits, PixelPlace, Structure},
    image::extended_table,
    inflate::inflate,
    jpeg, jpeg2000,
    native::{NativeShape, interleave, repair_bits, swap_bytes, swap_pairs, unpack_bits},
    raster, rle,
    syntax::{Packing, Syntax},
};
use crate::model::{
    lut::Photometric,
    pixels::{Frame, PixelBytes},
    study::{ImageDescription, Instance, RejectionKind, SourceKind},
};
use std::{
    collections::VecDeque,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

/// Why a frame could not be given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The pixels are wrong, too costly, not supported or not readable.
    #[error("{0}")]
    Refused(#[from] Fault),
    /// The object has no picture.
    #[error("the object has no picture")]
    NoPicture,
    /// There is no such frame; counted from 1.
    #[error("frame {0} does not exist")]
    NoSuchFrame(usize),
    /// The file is another one than was scanned.
    #[error("the file changed since it was scanned")]
    Changed,
    /// The destination has another size than the frame.
    #[error("a destination of {given} bytes for a frame of {needed}")]
    Destination {
        /// Bytes of the destination.
        given: usize,
        /// Bytes of the frame.
        needed: usize,
    },
}

impl FrameError {
    /// Class of the refusal.
    pub const fn kind(&self) -> RejectionKind {
        match self {
            Self::Refused(fault) => fault.kind,
            Self::Changed => RejectionKind::Io,
            Self::NoPicture | Self::NoSuchFrame(_) | Self::Destination { .. } => {
                RejectionKind::Rejected
            }
        }
    }

    /// Stable upper-case code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Refused(fault) => fault.code,
            Self::Changed => "FILE_CHANGED",
            Self::NoPicture => "NO_PICTURE",
            Self::NoSuchFrame(_) => "NO_SUCH_FRAME",
            Self::Destination { .. } => "DESTINATION",
        }
    }
}

/// Gives decoded frames. Frames are counted from 0.
pub trait FrameSource: Send + Sync {
    /// A decoded frame.
    ///
    /// # Errors
    /// [`FrameError`]; a frame is never partial.
    fn read_frame(&self, instance: &Instance, frame: usize) -> Result<Frame, FrameError>;

    /// Decodes into `destination`, which must have [`ImageDescription::frame_bytes`] bytes. After an error its content
    /// is not defined.
    ///
    /// # Errors
    /// [`FrameError`].
    fn read_frame_into(
        &self,
        instance: &Instance,
        frame: usize,
        destination: &mut [u8],
    ) -> Result<(), FrameError>;
}

/// How many files' pixel indices are kept, and how many bytes of inflated data sets.
const KEPT: usize = 64;
const KEPT_BYTES: u64 = 256 << 20;

/// Decodes in this process.
#[derive(Debug, Default)]
pub struct InProcessFrames {
    limits: Limits,
    kept: Mutex<VecDeque<Arc<PixelIndex>>>,
}

/// Where the frames of one file are.
#[derive(Debug)]
struct PixelIndex {
    path: Arc<Path>,
    bytes: u64,
    structure: Structure,
    table: FrameTable,
}

impl PixelIndex {
    fn held_bytes(&self) -> u64 {
        match &self.structure.source {
            super::bytes::ByteSource::Memory(bytes) => bytes.len() as u64,
            super::bytes::ByteSource::File(..) => 0,
        }
    }
}

impl InProcessFrames {
    /// Decodes with other limits than the default.
    pub fn with_limits(limits: Limits) -> Self {
        Self {
            limits,
            kept: Mutex::default(),
        }
    }

    /// The index of a file, kept for the next frame when it has several.
    fn index(
        &self,
        instance: &Instance,
        image: &ImageDescription,
    ) -> Result<Arc<PixelIndex>, FrameError> {
        let path = &instance.source.path;
        {
            let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            let same = |i: &&Arc<PixelIndex>| i.path == *path && i.bytes == instance.source.bytes;
            if let Some(index) = kept.iter().find(same) {
                return Ok(Arc::clone(index));
            }
        }
        let found = std::fs::metadata(path).map_err(Fault::from)?.len();
        if found != instance.source.bytes {
            return Err(FrameError::Changed);
        }
        let structure = Structure::of_file(path, &self.limits)?;
        let table = match structure.pixels.as_ref().map(|p| &p.place) {
            Some(PixelPlace::Encapsulated(fragments)) => FrameTable::build(
                &structure.source,
                fragments,
                &extended_table(&structure)?,
                image.frames,
            )?,
            _ => FrameTable::default(),
        };
        let index = Arc::new(PixelIndex {
            path: Arc::clone(path),
            bytes: found,
            structure,
            table,
        });
        if image.frames > 1 {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.push_back(Arc::clone(&index));
            let held =
                |k: &VecDeque<Arc<PixelIndex>>| k.iter().map(|i| i.held_bytes()).sum::<u64>();
            while kept.len() > KEPT || (kept.len() > 1 && held(&kept) > KEPT_BYTES) {
                kept.pop_front();
            }
        }
        Ok(index)
    }
}

/// The picture's description, when the frame exists and fits the budget.
fn picture<'a>(
    instance: &'a Instance,
    frame: usize,
    limits: &Limits,
) -> Result<&'a ImageDescription, FrameError> {
    let image = instance.image.as_ref().ok_or(FrameError::NoPicture)?;
    if frame >= image.frames {
        return Err(FrameError::NoSuchFrame(frame.saturating_add(1)));
    }
    if image.frame_bytes() > limits.frame_bytes {
        let text = "the decoded frame would be larger than is decoded";
        return Err(Fault::new(RejectionKind::Limit, "FRAME_TOO_LARGE", text).into());
    }
    Ok(image)
}

impl FrameSource for InProcessFrames {
    fn read_frame(&self, instance: &Instance, frame: usize) -> Result<Frame, FrameError> {
        let image = picture(instance, frame, &self.limits)?;
        let mut bytes = vec![0; image.frame_bytes()];
        self.read_frame_into(instance, frame, &mut bytes)?;
        let frame = Frame::new(
            image.rows,
            image.columns,
            image.samples,
            image.stored_type,
            PixelBytes::from_vec(bytes),
        );
        frame.ok_or(FrameError::NoPicture)
    }

    fn read_frame_into(
        &self,
        instance: &Instance,
        frame: usize,
        destination: &mut [u8],
    ) -> Result<(), FrameError> {
        let image = picture(instance, frame, &self.limits)?;
        let needed = image.frame_bytes();
        if destination.len() != needed {
            return Err(FrameError::Destination {
                given: destination.len(),
                needed,
            });
        }
        if instance.source.kind != SourceKind::Dicom {
            return Ok(raster::decode_into(instance, image, destination)?);
        }
        let index = self.index(instance, image)?;
        let structure = &index.structure;
        let Some(pixels) = &structure.pixels else {
            return Err(FrameError::NoPicture);
        };
        match &pixels.place {
            PixelPlace::Native { offset, length } => {
                let shape = NativeShape::of(image, structure, *length);
                let read = |at: u64, out: &mut [u8]| -> Result<(), Fault> {
                    let end = at.saturating_add(out.len() as u64);
                    if end > *length {
                        let text = "Pixel Data end before the frame does";
                        return Err(Fault::rejected("PIXEL_DATA_SHORT", text));
                    }
                    Ok(structure.source.read_exact_at(offset + at, out)?)
                };
                native_frame(image, &shape, frame, read, destination)?;
            }
            PixelPlace::Encapsulated(fragments) => {
                let range = index.table.frames.get(frame).cloned();
                let range = range.ok_or(FrameError::NoSuchFrame(frame.saturating_add(1)))?;
                let parts = fragments.list.get(range).unwrap_or_default();
                let exact = index.table.lengths.get(frame).copied();
                let codestream = gather(structure, parts, exact)?;
                unpack_frame(
                    image,
                    structure.syntax,
                    codestream,
                    &self.limits,
                    destination,
                )?;
            }
        }
        Ok(())
    }
}

/// A frame's codestream from its fragments.
fn gather(structure: &Structure, parts: &[Fragment], exact: Option<u64>) -> Result<Vec<u8>, Fault> {
    let total: u64 = parts.iter().map(|f| u64::from(f.length)).sum();
    let mut bytes = Vec::with_capacity(usize::try_from(total).unwrap_or(0));
    for part in parts {
        // One read per fragment, each checked against the source's length by the guard.
        let at = bytes.len();
        bytes.resize(at + part.length as usize, 0);
        if let Some(room) = bytes.get_mut(at..) {
            structure.source.read_exact_at(part.offset, room)?;
        }
    }
    if let Some(exact) = exact.and_then(|e| usize::try_from(e).ok()) {
        bytes.truncate(exact);
    }
    Ok(bytes)
}

/// Native pixels: read where they belong, or read aside and unfolded. `read` takes an offset within the pixels.
fn native_frame(
    image: &ImageDescription,
    shape: &NativeShape,
    frame: usize,
    read: impl Fn(u64, &mut [u8]) -> Result<(), Fault>,
    destination: &mut [u8],
) -> Result<(), Fault> {
    let (first_bit, bits) = shape.frame_at(frame);
    let size = image.stored_type.bytes();
    if shape.in_place() {
        read(first_bit / 8, destination)?;
        if shape.big_endian {
            swap_bytes(destination, size);
        }
    } else {
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
        } else if shape.big_endian && shape.bits >= 8 {
            swap_bytes(&mut raw, size);
        }
        let skip = (first_bit - start * 8) as usize;
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

const fn is_ybr(image: &ImageDescription) -> bool {
    matches!(
        image.photometric,
        Photometric::YbrFull | Photometric::YbrFull422
    )
}

/// Stored bits in place, colour as RGB.
fn finish(image: &ImageDescription, bytes: &mut [u8], ybr: bool) {
    if image.bits_allocated > 1 {
        repair_bits(bytes, image.stored_type, image.bits_stored, image.high_bit);
    }
    if ybr && image.stored_type.bytes() <= 2 {
        rgb_from_ybr(bytes, image.stored_type.bytes(), image.bits_stored);
    }
}

/// A compressed frame.
fn unpack_frame(
    image: &ImageDescription,
    syntax: &Syntax,
    codestream: Vec<u8>,
    limits: &Limits,
    destination: &mut [u8],
) -> Result<(), Fault> {
    let size = image.stored_type.bytes();
    let plane = image.rows * image.columns;
    match syntax.packing {
        Packing::Rle if image.bits_allocated == 1 => {
            let mut packed = vec![0; plane.div_ceil(8)];
            rle::decode(&codestream, 1, 1, packed.len(), &mut packed)?;
            unpack_bits(&packed, 0, destination);
            Ok(())
        }
        Packing::Rle => {
            rle::decode(&codestream, image.samples, size, plane, destination)?;
            finish(image, destination, is_ybr(image));
            Ok(())
        }
        Packing::DeflatedFrame | Packing::EncapsulatedNative => {
            let shape = NativeShape {
                plane: plane as u64,
                samples: image.samples as u64,
                bits: u64::from(image.bits_allocated),
                halved_chroma: false,
                planar: false,
                big_endian: false,
                swapped_pairs: false,
            };
            let needed = usize::try_from(shape.total_bytes(1)).unwrap_or(usize::MAX);
            let raw = match syntax.packing {
                // One byte more than needed shows a stream that is too long, two allow for padding.
                Packing::DeflatedFrame => inflate(&codestream, needed + 2, "the frame")?,
                _ => codestream,
            };
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
            let expected = jpeg::Expected {
                rows: image.rows,
                columns: image.columns,
                samples: image.samples,
                photometric: image.photometric,
            };
            let (bytes, bits) = jpeg::decode(syntax, &expected, codestream, limits.frame_bytes)?;
            fit(&bytes, usize::from(bits / 8), size, destination)?;
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
            let decoded = jpeg2000::decode(syntax, shape, bits, &codestream, limits.frame_bytes)?;
            fit(&decoded.bytes, size, size, destination)?;
            coded_finish(image, destination);
            if is_ybr(image) && !decoded.colour_transform {
                rgb_from_ybr(destination, size, image.bits_stored);
            }
            Ok(())
        }
        Packing::Native | Packing::Unsupported => Err(Fault::unsupported(
            "UNSUPPORTED_SYNTAX",
            format!(
                "the transfer syntax {} ({}) is not supported",
                syntax.uid, syntax.name
            ),
        )),
    }
}

/// Codecs give the stored bits as the lowest ones, whatever High Bit says of the uncompressed form.
fn coded_finish(image: &ImageDescription, bytes: &mut [u8]) {
    if image.bits_allocated > 1 {
        let high = image.bits_stored - 1;
        repair_bits(bytes, image.stored_type, image.bits_stored, high);
    }
}

/// Widens or narrows little-endian values of `from` bytes to `to` bytes.
fn fit(bytes: &[u8], from: usize, to: usize, destination: &mut [u8]) -> Result<(), Fault> {
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

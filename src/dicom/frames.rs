//! Frames by number: the seam behind which decoding may move to another process.
//!
//! Native pixels are read straight into their destination and repaired there. A compressed frame is gathered from its
//! fragments and handed to a codec alone. A frame is whole or refused.

use super::{
    archive::{Archives, Keyring},
    content::{self, segments::SegmentHeader, structures::StructureSet},
    cover::read_cover,
    encapsulated::{Fragment, FrameTable},
    guard::{Fault, Limits, PixelPlace, Structure},
    image::extended_table,
    mosaic::MosaicCache,
    native::NativeShape,
    raster,
    syntax::{self, Picture, Syntax},
    unpack::{Coding, native_frame, packed_bits, unpack_frame, unpack_page},
    volume_file::VolumeCache,
    worker::{FileKey, Workers},
};
use crate::model::{
    content::Content,
    cover::FrameCover,
    elements::ElementTable,
    exchange::{MarksRead, SourceObject},
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

/// A frame of single bits, least significant first, its rows without a gap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackedBits {
    /// The bytes around them.
    pub bytes: Vec<u8>,
    /// Which bit of them is the first.
    pub first: usize,
    /// Bits of a row.
    pub columns: usize,
    /// Rows.
    pub rows: usize,
}

/// Gives decoded frames, counted from 0, and what objects say beside them.
pub trait FrameSource: Send + Sync {
    /// A decoded frame.
    ///
    /// # Errors
    /// [`FrameError`]; a frame is never partial.
    fn read_frame(&self, instance: &Instance, frame: usize) -> Result<Frame, FrameError>;

    /// The single bits of a frame as they lie in the file; `None` where pixels are written otherwise.
    ///
    /// # Errors
    /// [`FrameError`]; a frame is never partial.
    fn read_frame_bits(
        &self,
        instance: &Instance,
        frame: usize,
    ) -> Result<Option<PackedBits>, FrameError> {
        let _ = (instance, frame);
        Ok(None)
    }

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

    /// What the header lays over a frame: overlay planes and display shutter. Nothing for most objects, and then no
    /// file is touched.
    ///
    /// # Errors
    /// [`FrameError`]; the frame itself can be shown nevertheless.
    fn read_cover(&self, instance: &Instance, frame: usize) -> Result<FrameCover, FrameError> {
        let _ = (instance, frame);
        Ok(FrameCover::default())
    }

    /// What the object says beside its frames, or instead of them.
    ///
    /// # Errors
    /// [`FrameError::Changed`] when it is not any more the object that was scanned: what it says would stand under the
    /// name of somebody else.
    fn read_content(&self, instance: &Instance) -> Result<Content, FrameError> {
        let _ = instance;
        Err(FrameError::NoPicture)
    }

    /// All elements of the object; with `digests` also hashes of what is too long to be held.
    ///
    /// # Errors
    /// As [`read_content`](Self::read_content).
    fn read_elements(
        &self,
        instance: &Instance,
        digests: bool,
    ) -> Result<ElementTable, FrameError> {
        let _ = (instance, digests);
        Err(FrameError::NoPicture)
    }

    /// The marks that a report, a presentation state or a key object selection holds.
    ///
    /// # Errors
    /// As [`read_content`](Self::read_content).
    fn read_marks(&self, instance: &Instance) -> Result<MarksRead, FrameError> {
        let _ = instance;
        Err(FrameError::NoPicture)
    }

    /// The segments of a segmentation and to which of them its frames belong.
    ///
    /// # Errors
    /// As [`read_content`](Self::read_content).
    fn read_segments(&self, instance: &Instance) -> Result<SegmentHeader, FrameError> {
        let _ = instance;
        Err(FrameError::NoPicture)
    }

    /// The regions of a structure set.
    ///
    /// # Errors
    /// As [`read_content`](Self::read_content).
    fn read_structures(&self, instance: &Instance) -> Result<StructureSet, FrameError> {
        let _ = instance;
        Err(FrameError::NoPicture)
    }

    /// What an object that is made of marks takes over from this one.
    ///
    /// # Errors
    /// As [`read_content`](Self::read_content).
    fn read_source(&self, instance: &Arc<Instance>) -> Result<SourceObject, FrameError> {
        let _ = instance;
        Err(FrameError::NoPicture)
    }
}

/// How many files' pixel indices are kept, and how many bytes of inflated data sets.
const KEPT: usize = 64;
const KEPT_BYTES: u64 = 256 << 20;

/// Reads frames from their files.
#[derive(Debug, Default)]
pub struct FileFrames {
    limits: Limits,
    kept: Mutex<VecDeque<Arc<PixelIndex>>>,
    /// Who decodes compressed frames; this process where there are none.
    workers: Option<Arc<Workers>>,
    volumes: VolumeCache,
    mosaics: MosaicCache,
    archives: Archives,
    /// The last picture file of several pages, where this process decodes.
    file: Mutex<Option<(FileKey, Arc<Vec<u8>>)>>,
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
            _ => 0,
        }
    }
}

impl FileFrames {
    /// Decodes with other limits than the default.
    pub fn with_limits(limits: Limits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// Decodes compressed frames in other processes, where there are any.
    pub fn with_workers(self, workers: Option<Arc<Workers>>) -> Self {
        Self { workers, ..self }
    }

    /// Opens encrypted archives with the passphrases of a ring.
    pub fn with_keys(mut self, keys: Keyring) -> Self {
        self.archives.keys = keys;
        self
    }

    /// The structure of a file, or of a member of an archive.
    fn structure(&self, instance: &Instance, again: bool) -> Result<Structure, FrameError> {
        let (path, limits) = (&instance.source.path, &self.limits);
        let Some(member) = &instance.source.member else {
            let found = std::fs::metadata(path).map_err(Fault::from)?.len();
            if found != instance.source.bytes {
                return Err(FrameError::Changed);
            }
            return Ok(Structure::of_file(path, limits)?);
        };
        let opened = self.archives.open(member, limits, again);
        let source = opened.map_err(|fault| match fault.code {
            "FILE_CHANGED" => FrameError::Changed,
            _ => FrameError::Refused(fault),
        })?;
        Ok(Structure::of_source(source, limits)?)
    }

    /// A compressed frame, decoded in another process where there are any.
    fn unpack(
        &self,
        coding: &Coding,
        syntax: &'static Syntax,
        codestream: Vec<u8>,
        destination: &mut [u8],
    ) -> Result<(), Fault> {
        let limit = self.limits.frame_bytes;
        match &self.workers {
            Some(workers) => workers.decode(coding, syntax, codestream, limit, destination),
            None => unpack_frame(coding, syntax, codestream, limit, destination),
        }
    }

    /// A page of a picture file that has several: the file is read once by whoever decodes it.
    fn unpack_page(
        &self,
        instance: &Instance,
        coding: &Coding,
        syntax: &'static Syntax,
        destination: &mut [u8],
    ) -> Result<(), Fault> {
        let limit = self.limits.frame_bytes;
        let key = FileKey::of(instance)?;
        let read = || raster::read_again(instance, &self.limits, &self.archives);
        if let Some(workers) = &self.workers {
            return workers.decode_page(coding, syntax, &key, read, limit, destination);
        }
        let kept = {
            let file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            file.as_ref()
                .filter(|(of, _)| *of == key)
                .map(|(_, bytes)| Arc::clone(bytes))
        };
        let bytes = match kept {
            Some(bytes) => bytes,
            None => {
                let bytes = Arc::new(read()?);
                let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
                *file = Some((key, Arc::clone(&bytes)));
                bytes
            }
        };
        unpack_page(coding, syntax, &bytes, limit, destination)
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
        let mut structure = self.structure(instance, image.frames > 1)?;
        if image.frames > 1 {
            // It is kept, within a budget of its own; nobody could wait until it goes.
            structure.turn = None;
        }
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
            bytes: instance.source.bytes,
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

impl FrameSource for FileFrames {
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
        let picture = match instance.source.kind {
            SourceKind::Dicom => None,
            SourceKind::Png => Some(Picture::Png),
            SourceKind::Jpeg => Some(Picture::Jpeg),
            SourceKind::Tiff => Some(Picture::Tiff),
            SourceKind::Volume => {
                let volumes = &self.volumes;
                let archives = &self.archives;
                return Ok(volumes.read_into(
                    instance,
                    frame,
                    &self.limits,
                    archives,
                    destination,
                )?);
            }
        };
        if let Some(kind) = picture {
            let coding = Coding {
                page: frame,
                ..Coding::from(image)
            };
            let syntax = syntax::of_picture(kind);
            if image.frames > 1 {
                return Ok(self.unpack_page(instance, &coding, syntax, destination)?);
            }
            let file = raster::read_again(instance, &self.limits, &self.archives)?;
            return Ok(self.unpack(&coding, syntax, file, destination)?);
        }
        if image.parts.mosaic.is_some() {
            let (limit, whole) = (self.limits.frame_bytes, 0);
            let decode = |of: &Instance, room: &mut [u8]| self.read_frame_into(of, whole, room);
            let mosaics = &self.mosaics;
            return mosaics.read_into(instance, image, frame, limit, destination, decode);
        }
        let index = self.index(instance, image)?;
        let structure = &index.structure;
        let Some(pixels) = &structure.pixels else {
            return Err(FrameError::NoPicture);
        };
        match &pixels.place {
            PixelPlace::Native { offset, length } => {
                let shape = NativeShape::of(image, structure, *length);
                let read =
                    |at: u64, out: &mut [u8]| read_native(structure, *offset, *length, at, out);
                native_frame(&Coding::from(image), &shape, frame, read, destination)?;
            }
            PixelPlace::Encapsulated(fragments) => {
                let range = index.table.frames.get(frame).cloned();
                let range = range.ok_or(FrameError::NoSuchFrame(frame.saturating_add(1)))?;
                let parts = fragments.list.get(range).unwrap_or_default();
                let exact = index.table.lengths.get(frame).copied();
                let codestream = gather(structure, parts, exact)?;
                let coding = Coding {
                    planar: image.samples == 3 && structure.planar() == 1,
                    ..Coding::from(image)
                };
                self.unpack(&coding, structure.syntax, codestream, destination)?;
            }
        }
        Ok(())
    }

    fn read_frame_bits(
        &self,
        instance: &Instance,
        frame: usize,
    ) -> Result<Option<PackedBits>, FrameError> {
        let image = picture(instance, frame, &self.limits)?;
        let single = image.bits_allocated == 1 && image.samples == 1;
        if !single || instance.source.kind != SourceKind::Dicom || image.parts.mosaic.is_some() {
            return Ok(None);
        }
        let index = self.index(instance, image)?;
        let structure = &index.structure;
        let Some(PixelPlace::Native { offset, length }) =
            structure.pixels.as_ref().map(|p| &p.place)
        else {
            return Ok(None);
        };
        let shape = NativeShape::of(image, structure, *length);
        let (bytes, first) = packed_bits(&shape, frame, |at, out| {
            read_native(structure, *offset, *length, at, out)
        })?;
        Ok(Some(PackedBits {
            bytes,
            first,
            columns: image.columns,
            rows: image.rows,
        }))
    }

    fn read_content(&self, instance: &Instance) -> Result<Content, FrameError> {
        let content = content::read(&self.structure(instance, false)?)?;
        if content.instance_uid != instance.sop_instance_uid {
            return Err(FrameError::Changed);
        }
        Ok(content)
    }

    fn read_elements(
        &self,
        instance: &Instance,
        digests: bool,
    ) -> Result<ElementTable, FrameError> {
        let table = content::elements(&self.structure(instance, false)?, digests)?;
        if table.instance_uid != instance.sop_instance_uid {
            return Err(FrameError::Changed);
        }
        Ok(table)
    }

    fn read_marks(&self, instance: &Instance) -> Result<MarksRead, FrameError> {
        let marks = content::marks::marks(&self.structure(instance, false)?)?;
        if marks.instance_uid != instance.sop_instance_uid {
            return Err(FrameError::Changed);
        }
        Ok(marks)
    }

    fn read_segments(&self, instance: &Instance) -> Result<SegmentHeader, FrameError> {
        let header = content::segments::segments(&self.structure(instance, false)?)?;
        if header.instance_uid != instance.sop_instance_uid {
            return Err(FrameError::Changed);
        }
        Ok(header)
    }

    fn read_structures(&self, instance: &Instance) -> Result<StructureSet, FrameError> {
        let set = content::structures::structures(&self.structure(instance, false)?)?;
        if set.instance_uid != instance.sop_instance_uid {
            return Err(FrameError::Changed);
        }
        Ok(set)
    }

    fn read_source(&self, instance: &Arc<Instance>) -> Result<SourceObject, FrameError> {
        Ok(content::marks::source(
            &self.structure(instance, false)?,
            instance,
        )?)
    }

    fn read_cover(&self, instance: &Instance, frame: usize) -> Result<FrameCover, FrameError> {
        let image = picture(instance, frame, &self.limits)?;
        if !image.display.has_cover() || instance.source.kind != SourceKind::Dicom {
            return Ok(FrameCover::default());
        }
        let index = self.index(instance, image)?;
        Ok(read_cover(&index.structure, image, frame)?)
    }
}

/// Bytes of native pixels that begin at an offset and have a length.
fn read_native(
    structure: &Structure,
    offset: u64,
    length: u64,
    at: u64,
    out: &mut [u8],
) -> Result<(), Fault> {
    let end = at.saturating_add(out.len() as u64);
    if end > length {
        let text = "Pixel Data end before the frame does";
        return Err(Fault::rejected("PIXEL_DATA_SHORT", text));
    }
    Ok(structure.source.read_exact_at(offset + at, out)?)
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

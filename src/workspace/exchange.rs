//! Marks and key images leave as DICOM files, and come in from those of others. Window and command line both come here.
//!
//! Must stay true: what is written is new, and no file that is there is written over; every mark that does not leave is
//! named with its reason; numbers are measured anew from the very frames.

pub mod mask_file;
pub mod mask_report;
pub(in crate::workspace) mod masks_out;

use crate::{
    dicom::{
        frames::FrameSource,
        write::marks::{Making, write_key_objects, write_presentation, write_report},
    },
    imaging::measure::{Ask, Quantity, measure_mark},
    model::{
        annotation::{Annotation, AnnotationTarget},
        edit::Edit,
        exchange::{
            MadeObject, MarkNumber, MarkToSend, MarksRead, Sent, Shown, SourceObject, Sources,
        },
        layout::SeriesLayout,
        pixels::Frame,
        segmentation::Segmentation,
        study::Instance,
    },
    store::codec::check_edit,
    task::{CancelToken, Progress},
};
use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap, HashSet},
    fs::OpenOptions,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

/// In what form marks leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// Key images as a Key Object Selection Document.
    KeyObjects,
    /// Marks as Grayscale Softcopy Presentation States.
    Presentation,
    /// Marks as a measurement report (SR, TID 1500).
    Report,
    /// Segmentations as Segmentation objects.
    Segmentation,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::KeyObjects,
        Self::Presentation,
        Self::Report,
        Self::Segmentation,
    ];

    /// Stable word, as on the command line and in names of files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::KeyObjects => "ko",
            Self::Presentation => "gsps",
            Self::Report => "sr",
            Self::Segmentation => "seg",
        }
    }
}

/// What leaves.
#[derive(Clone, Debug, Default)]
pub struct Export {
    /// Marks.
    pub marks: Vec<Annotation>,
    /// Key images.
    pub key_images: Vec<AnnotationTarget>,
    /// Segmentations.
    pub segmentations: Vec<Segmentation>,
    /// The series that they are on, as far as they are at hand.
    pub layouts: Vec<Arc<SeriesLayout>>,
    /// How objects stand on the screen.
    pub shown: BTreeMap<String, Shown>,
    /// The forms.
    pub formats: Vec<Format>,
}

/// Most bytes of frames that are held while a mark is measured that lies between frames.
const HELD_BYTES: usize = 256 << 20;

/// Frames that were read for one mark.
#[derive(Default)]
struct HeldFrames {
    frames: HashMap<usize, Frame>,
    bytes: usize,
}

impl HeldFrames {
    fn hold(&mut self, at: usize, frame: &Frame) {
        let bytes = self.bytes + frame.pixels.as_slice().len();
        if bytes <= HELD_BYTES {
            self.bytes = bytes;
            self.frames.insert(at, frame.clone());
        }
    }
}

/// Makes the objects.
pub fn make(
    export: &Export,
    making: &Making,
    source: &dyn FrameSource,
    progress: &Progress,
    cancel: &CancelToken,
) -> Sent {
    let objects: HashMap<&str, &Arc<Instance>> = export
        .layouts
        .iter()
        .flat_map(|layout| &layout.frames)
        .map(|frame| (frame.instance.sop_instance_uid.as_str(), &frame.instance))
        .collect();
    let wanted = export
        .marks
        .iter()
        .map(|m| &m.target)
        .chain(&export.key_images);
    let mut sources = Sources::new();
    for target in wanted {
        if sources.contains_key(&target.instance_uid) {
            continue;
        }
        let instance = objects.get(target.instance_uid.as_str());
        // What cannot be read is not at hand, and is said so mark by mark.
        if let Some(found) = instance.and_then(|i| source.read_source(i).ok()) {
            sources.insert(target.instance_uid.clone(), found);
        }
    }
    let of_marks = |f: &Format| matches!(f, Format::Presentation | Format::Report);
    let numbered = export.formats.iter().any(of_marks);
    progress.set_total(export.marks.len() as u64);
    let mut marks = Vec::with_capacity(export.marks.len());
    if numbered {
        for mark in &export.marks {
            if cancel.is_cancelled() {
                return Sent::default();
            }
            marks.push(MarkToSend {
                numbers: numbers_of(mark, &export.layouts, source),
                mark: mark.clone(),
            });
            progress.add(1);
        }
    }
    let mut sent = Sent::default();
    for format in &export.formats {
        let made = match format {
            Format::KeyObjects => write_key_objects(&export.key_images, &sources, making),
            Format::Presentation => write_presentation(&marks, &sources, &export.shown, making),
            Format::Report => write_report(&marks, &sources, making),
            Format::Segmentation => masks_out::write(export, making, source),
        };
        sent.objects.extend(made.objects);
        for left in made.left {
            if !sent.left.contains(&left) {
                sent.left.push(left);
            }
        }
    }
    sent
}

/// What the measuring says of a mark; nothing where it cannot be measured.
fn numbers_of(
    mark: &Annotation,
    layouts: &[Arc<SeriesLayout>],
    source: &dyn FrameSource,
) -> Vec<MarkNumber> {
    let held: RefCell<HeldFrames> = RefCell::default();
    let holds = |layout: &&Arc<SeriesLayout>| {
        let mut frames = layout.frames.iter();
        frames.any(|f| f.instance.sop_instance_uid == mark.target.instance_uid)
    };
    let Some(layout) = layouts.iter().find(holds) else {
        return Vec::new();
    };
    let frame = |at: usize| -> Option<Frame> {
        if let Some(frame) = held.borrow().frames.get(&at) {
            return Some(frame.clone());
        }
        let reference = layout.frames.get(at)?;
        let frame = source.read_frame(&reference.instance, reference.frame);
        let frame = frame.ok()?;
        held.borrow_mut().hold(at, &frame);
        Some(frame)
    };
    let (space, target) = (mark.space, &mark.target);
    let found = measure_mark(
        space,
        target,
        &mark.shape,
        layout,
        Some(&frame),
        &Ask::default(),
    );
    let quantities = found.map(|f| f.measurement.quantities).unwrap_or_default();
    quantities.into_iter().filter_map(number).collect()
}

fn number(quantity: Quantity) -> Option<MarkNumber> {
    Some(MarkNumber {
        name: quantity.name,
        value: quantity.value?,
        unit: quantity.unit,
        source: quantity.source,
    })
}

/// Writes objects into a folder, each under a name that is new: `sr-1.dcm`, `gsps-1.dcm`…
///
/// # Errors
/// Those of the disk. What was written before stays, whole; a file that could not be is taken away.
pub fn write(folder: &Path, objects: &[MadeObject]) -> io::Result<Vec<PathBuf>> {
    std::fs::create_dir_all(folder)?;
    let mut paths = Vec::with_capacity(objects.len());
    for object in objects {
        paths.push(write_one(folder, object)?);
    }
    Ok(paths)
}

fn write_one(folder: &Path, object: &MadeObject) -> io::Result<PathBuf> {
    let name = |number: u32| folder.join(format!("{}-{number}.dcm", object.kind));
    write_under((1..).map(name), &object.bytes)
}

/// Writes a file under the first of some names that is new.
fn write_under(names: impl Iterator<Item = PathBuf>, bytes: &[u8]) -> io::Result<PathBuf> {
    for path in names {
        let mut file = match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            Err(error) => return Err(error),
        };
        if let Err(error) = file.write_all(bytes).and_then(|()| file.sync_all()) {
            let _ = std::fs::remove_file(&path);
            return Err(error);
        }
        return Ok(path);
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Leaves out what no journal takes, a text or a number that is too long, and counts it with what became no mark.
pub fn leave_unkeepable(read: &mut MarksRead) {
    let count = |read: &MarksRead| read.marks.len() + read.key_images.len();
    let before = count(read);
    read.marks
        .retain(|mark| check_edit(&Edit::Add(mark.clone())).is_ok());
    read.key_images.retain(|target| {
        let target = target.clone();
        check_edit(&Edit::KeyImage { target, on: true }).is_ok()
    });
    for _ in count(read)..before {
        read.leave("MARK", "");
    }
}

/// The objects that marks of a file may lie on, read from the series at hand.
pub fn sources_for(targets: &[AnnotationTarget], layouts: &[Arc<SeriesLayout>]) -> Sources {
    let objects: HashSet<&str> = targets.iter().map(|t| t.instance_uid.as_str()).collect();
    let frames_of_reference: HashSet<&str> = targets
        .iter()
        .filter(|t| t.instance_uid.is_empty())
        .map(|t| t.frame_of_reference_uid.as_str())
        .collect();
    let mut sources = Sources::new();
    for frame in layouts.iter().flat_map(|layout| &layout.frames) {
        let instance = &frame.instance;
        let uid = instance.sop_instance_uid.as_str();
        let wanted = objects.contains(uid)
            || frames_of_reference.contains(&instance.series.frame_of_reference_uid.as_str());
        if wanted && !sources.contains_key(uid) {
            // Only what the header of the scan says is needed to settle a mark.
            let found = SourceObject {
                instance: Arc::clone(instance),
                modules: Vec::new(),
                frame_of_reference_uid: instance.series.frame_of_reference_uid.clone(),
            };
            sources.insert(uid.to_owned(), found);
        }
    }
    sources
}

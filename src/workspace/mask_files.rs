//! Masks among what was opened: segmentation objects and structure sets come over their pictures, as segmentations to work
//! on.
//!
//! Must stay true: a file is read once a session, beside the window's thread; what does not belong to the pictures is told
//! with its reason and not shown; what is kept already stays as it was changed. The file itself is never written.

use super::{Workspace, event::Event, jobs::JobId, library::StudyNode};
use crate::{
    dicom::{
        content::kind_of,
        frames::{FrameError, FrameSource},
        guard::Fault,
        segmentation::{Wanted, read_mask},
    },
    model::{
        annotation::Author,
        content::ObjectKind,
        layout::SeriesLayout,
        segmentation::{change::MAX_LAYERS, exchange::SegmentationRead},
        study::Instance,
    },
    task::{CancelToken, Class},
};
use crossbeam_channel::Sender;
use std::{collections::BTreeSet, sync::Arc};

/// Most masks that one opening brings over its pictures by itself.
const MOST: usize = 32;

/// Which files were read.
#[derive(Debug, Default)]
pub struct MaskFiles {
    /// SOP Instance UIDs.
    seen: BTreeSet<String>,
    /// Those of which it was said that their pictures are not open.
    told: BTreeSet<String>,
}

/// A mask was read, or why not.
#[derive(Debug)]
pub struct MaskNews {
    job: JobId,
    /// The mask, or the reason without identity.
    result: Result<Box<SegmentationRead>, String>,
}

/// Whether an object is a mask in DICOM.
fn is_mask(instance: &Instance) -> bool {
    matches!(
        kind_of(&instance.sop_class_uid),
        ObjectKind::Segmentation | ObjectKind::StructureSet
    )
}

/// The masks of a study, and the pictures that they may lie on.
fn masks_and_pictures(study: &StudyNode) -> (Vec<Arc<Instance>>, Vec<Arc<SeriesLayout>>) {
    let (mut masks, mut pictures) = (Vec::new(), Vec::new());
    for series in &study.series {
        match series.layout.first_instance().is_some_and(|i| is_mask(i)) {
            true => masks.extend(series.layout.frames.iter().map(|f| Arc::clone(&f.instance))),
            false => pictures.push(Arc::clone(&series.layout)),
        }
    }
    let objects = study.objects.iter().map(|object| &object.instance);
    masks.extend(objects.filter(|i| is_mask(i)).cloned());
    let mut seen = BTreeSet::new();
    masks.retain(|mask| seen.insert(mask.sop_instance_uid.clone()));
    (masks, pictures)
}

/// The pictures that a mask names, else the largest in its space.
fn pictures_of<'a>(
    mask: &Instance,
    source: &dyn FrameSource,
    pictures: &'a [Arc<SeriesLayout>],
) -> Result<&'a SeriesLayout, FrameError> {
    let (series, instances) = match kind_of(&mask.sop_class_uid) {
        ObjectKind::StructureSet => (BTreeSet::new(), source.read_structures(mask)?.pictures),
        _ => {
            let header = source.read_segments(mask)?;
            let sources = header.frames.into_iter().flat_map(|f| f.sources);
            (header.series, sources.map(|(uid, _)| uid).collect())
        }
    };
    let named = |layout: &&Arc<SeriesLayout>| {
        layout.frames.iter().any(|frame| {
            let instance = &frame.instance;
            series.contains(&instance.series.uid) || instances.contains(&instance.sop_instance_uid)
        })
    };
    let of_mask = &mask.series.frame_of_reference_uid;
    let there = |layout: &&Arc<SeriesLayout>| {
        let uid = layout
            .first_instance()
            .map(|i| &i.series.frame_of_reference_uid);
        !of_mask.is_empty() && uid == Some(of_mask)
    };
    let largest = |layout: &&Arc<SeriesLayout>| layout.frames.len();
    let found = pictures.iter().filter(named).max_by_key(largest);
    let found = found.or_else(|| pictures.iter().filter(there).max_by_key(largest));
    found.map(|layout| &**layout).ok_or_else(|| {
        let text = "the pictures that it lies on are not open";
        Fault::rejected("OTHER_PICTURES", text).into()
    })
}

fn read(
    mask: &Arc<Instance>,
    source: &dyn FrameSource,
    pictures: &[Arc<SeriesLayout>],
    cancel: &CancelToken,
) -> Result<SegmentationRead, FrameError> {
    let on = pictures_of(mask, source, pictures)?;
    let mut read = read_mask(mask, source, Some(on), Wanted::default(), cancel)?;
    if on.volume.is_none() {
        // Over pictures that are no volume a segmentation is that of one of them.
        let [frame] = on.frames.as_slice() else {
            let text = "the pictures form no volume";
            return Err(Fault::rejected("IRREGULAR", text).into());
        };
        let number = u32::try_from(frame.frame + 1).unwrap_or(1);
        read.segmentation.frame = Some((frame.instance.sop_instance_uid.clone(), number));
    }
    Ok(read)
}

impl Workspace {
    /// Has the masks read that came with what was opened.
    pub(super) fn want_masks(&mut self) {
        let library = Arc::clone(&self.library);
        let mut left = MOST;
        for study in library.patients.iter().flat_map(|patient| &patient.studies) {
            let (masks, pictures) = masks_and_pictures(study);
            if pictures.is_empty() {
                // Alone it is looked at as what it is; beside the pictures of another study somebody waits for it.
                let others = library
                    .patients
                    .iter()
                    .flat_map(|patient| &patient.studies)
                    .any(|study| !masks_and_pictures(study).1.is_empty());
                let mut new = false;
                for mask in &masks {
                    new |= self.mask_files.told.insert(mask.sop_instance_uid.clone());
                }
                if others && new {
                    let text = "the pictures that it lies on are not open";
                    self.notify("notice-mask-refused", text.to_owned());
                }
                continue;
            }
            for mask in masks {
                let known = self
                    .marks
                    .segmentations()
                    .any(|s| s.id.0 == mask.sop_instance_uid);
                if known || left == 0 || !self.mask_files.seen.insert(mask.sop_instance_uid.clone())
                {
                    continue;
                }
                left -= 1;
                self.want_mask(mask, pictures.clone());
            }
        }
    }

    fn want_mask(&mut self, mask: Arc<Instance>, pictures: Vec<Arc<SeriesLayout>>) {
        let job = self.jobs.start("job-reading-mask");
        let ending = self.ending(job.id);
        let name = format!("read mask {}", mask.sop_instance_uid);
        let work = move |source: &dyn FrameSource, events: &Sender<Event>| {
            let _ending = ending;
            let result = read(&mask, source, &pictures, &job.cancel);
            let result = result.map(Box::new).map_err(|error| error.to_string());
            if job.cancel.is_cancelled() {
                return;
            }
            let news = MaskNews {
                job: job.id,
                result,
            };
            let _ = events.send(Event::MaskRead(Box::new(news)));
        };
        self.loader
            .want_other(&name, Class::Interaction, Box::new(work));
    }

    /// Takes a mask in as one step.
    pub(super) fn take_mask_file(&mut self, news: MaskNews) {
        self.jobs.finish(news.job);
        let read = match news.result {
            Ok(read) => read,
            Err(reason) => return self.notify("notice-mask-refused", reason),
        };
        let whole = &read.segmentation;
        if self.marks.segmentation(&whole.id).is_some() {
            return;
        }
        let count = whole.len();
        let taken = self.add_segmentation(whole, "file", Author::Foreign(read.maker.clone()));
        match taken {
            true => self.notify_count("notice-mask-read", count, String::new()),
            false => {
                let reason = match whole.layers().len() > MAX_LAYERS {
                    true => format!(
                        "its segments overlap in {} layers, and {MAX_LAYERS} can be kept",
                        whole.layers().len()
                    ),
                    false => "it is larger than can be kept".to_owned(),
                };
                self.notify("notice-mask-unkept", reason);
            }
        }
    }
}

//! Numbers of the marks: measured when a mark is new or changed, kept until it changes again.
//!
//! Must stay true: the window's thread measures nothing that looks at pixels; a thread of its own does, the newest
//! shape of each mark first and only. A number that is shown belongs to the very shape that is shown: an answer for
//! an older one is thrown away. Nothing is measured again while nothing changed.

pub mod export;
pub mod labels;
mod marks;
pub use marks::{MarkAction, MarkChange, mark_at, mark_on};
pub mod site;

use super::{
    display::{FrameState, SeriesDisplay},
    event::Event,
    view::VoiChoice,
    waker::Waker,
};
use crate::{
    diary,
    dicom::{frames::FrameSource, load},
    imaging::measure::{Ask, Bins, MarkMeasure, MeasureError, measure_mark},
    model::{
        annotation::{Annotation, AnnotationId, MarkKind, Shape},
        exchange::MarkNumber,
        layout::SeriesLayout,
        pixels::Frame,
    },
    task::{Class, PriorityQueue, spawn_named},
};
use crossbeam_channel::Sender;
use std::{cell::RefCell, collections::HashMap, panic::AssertUnwindSafe, sync::Arc};

/// Bars of the small histogram of a region.
pub const HISTOGRAM_BINS: usize = 32;
/// Most bytes of frames that one mark may take from files: an outline across a large volume that nobody looks at.
const MOST_READ: u64 = 512 << 20;
/// Key of the mark that is being drawn.
const DRAFT: &str = "";

/// What is known of a mark, or why nothing is.
pub type Found = Result<MarkMeasure, MeasureError>;

/// What a region is asked for.
pub fn ask() -> Ask {
    Ask {
        histogram: Some(Bins {
            count: HISTOGRAM_BINS,
            low: None,
            high: None,
        }),
        ..Ask::default()
    }
}

/// A mark to measure.
struct Work {
    generation: u64,
    mark: Annotation,
    layout: Arc<SeriesLayout>,
    display: Option<Arc<SeriesDisplay>>,
}

/// An answer on its way to the workspace.
#[derive(Debug)]
pub struct Answer {
    /// Of which scale it is: see [`Measuring::forget`].
    generation: u64,
    /// Which mark; `None` for the one that is being drawn.
    id: Option<AnnotationId>,
    shape: Shape,
    found: Found,
}

/// What is known of one mark.
#[derive(Clone, Debug)]
struct Known {
    /// The shape that was asked about.
    shape: Shape,
    /// Identity of the arrangement of frames that it was asked on.
    series: String,
    /// The answer; `None` while it is on its way.
    found: Option<Found>,
}

/// The numbers, and the thread that finds them.
pub struct Measuring {
    known: HashMap<AnnotationId, Known>,
    generation: u64,
    changes: u64,
    draft: Option<(Shape, Found)>,
    /// The shape of the draft whose answer is on its way.
    draft_asked: Option<Shape>,
    queue: Arc<PriorityQueue<String, Work>>,
    started: bool,
    source: Arc<dyn FrameSource>,
    events: Sender<Event>,
    waker: Waker,
    /// The marks on what is open: a store may keep many more.
    open: Vec<AnnotationId>,
    /// Something may have to be measured: other series, or marks of another revision than this.
    dirty: bool,
    seen: u64,
    /// Marks are drawn.
    pub shown: bool,
    /// The measuring tool that was used last.
    pub last: MarkKind,
    /// Numbers that files of others say of marks that came out of them in this session: shown beside ours.
    pub(super) said: HashMap<AnnotationId, Vec<MarkNumber>>,
    /// The window that was on when a mark of this session was drawn: going back to it brings that back, too.
    windows: HashMap<AnnotationId, VoiChoice>,
}

impl Drop for Measuring {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl Measuring {
    /// Nothing measured yet; the thread starts with the first mark.
    pub fn new(source: Arc<dyn FrameSource>, events: Sender<Event>, waker: Waker) -> Self {
        Self {
            known: HashMap::new(),
            generation: 0,
            changes: 0,
            draft: None,
            draft_asked: None,
            open: Vec::new(),
            queue: Arc::default(),
            started: false,
            source,
            events,
            waker,
            dirty: true,
            seen: 0,
            shown: true,
            last: MarkKind::Length,
            said: HashMap::new(),
            windows: HashMap::new(),
        }
    }

    /// Grows whenever what is known of marks, or which of them are on what is open, may be another than before.
    pub const fn changes(&self) -> u64 {
        self.changes
    }

    /// What is known of a mark as it is now.
    pub fn of(&self, mark: &Annotation) -> Option<&Found> {
        let known = self.known.get(&mark.id)?;
        known.found.as_ref().filter(|_| known.shape == mark.shape)
    }

    /// What the file that a mark came out of says of it; nothing for marks that were drawn here.
    pub fn said_of(&self, id: &AnnotationId) -> &[MarkNumber] {
        self.said.get(id).map_or(&[], Vec::as_slice)
    }

    /// What is known of the mark that is being drawn, as far as its thread came.
    pub fn draft(&self) -> Option<&(Shape, Found)> {
        self.draft.as_ref()
    }

    /// Whether nothing is on its way.
    pub fn is_idle(&self) -> bool {
        self.draft_asked.is_none() && self.known.values().all(|k| k.found.is_some())
    }

    /// What is known, and what is on its way, is of another scale than that of the frames now.
    pub(super) fn forget(&mut self) {
        self.generation += 1;
        self.changes += 1;
        self.known.clear();
        (self.draft, self.draft_asked) = (None, None);
    }

    /// Marks or series changed.
    pub const fn touch(&mut self) {
        self.dirty = true;
    }

    /// Takes an answer in.
    fn take(&mut self, answer: Answer) {
        if answer.generation != self.generation {
            return;
        }
        match answer.id {
            None => {
                if self.draft_asked.as_ref() == Some(&answer.shape) {
                    self.draft_asked = None;
                }
                self.draft = Some((answer.shape, answer.found));
            }
            Some(id) => {
                if let Some(known) = self.known.get_mut(&id)
                    && known.shape == answer.shape
                {
                    known.found = Some(answer.found);
                    self.changes += 1;
                }
            }
        }
    }

    fn start(&mut self) -> bool {
        if self.started {
            return true;
        }
        let (queue, source) = (self.queue.clone(), self.source.clone());
        let (events, waker) = (self.events.clone(), self.waker.clone());
        let body = move || {
            while let Some((key, work)) = queue.pop() {
                let found = diary::contain(AssertUnwindSafe(|| measure(&work, source.as_ref())))
                    .unwrap_or(Err(MeasureError::TooComplex));
                let answer = Answer {
                    generation: work.generation,
                    id: (key != DRAFT).then(|| work.mark.id.clone()),
                    shape: work.mark.shape,
                    found,
                };
                if events.send(Event::Measured(Box::new(answer))).is_err() {
                    return;
                }
                waker.wake("measured");
            }
        };
        self.started = spawn_named("measure", body).is_ok();
        self.started
    }

    /// Asks for a mark, in the place of what waits for an older shape of it.
    fn ask_for(&mut self, series: &str, class: Class, work: Work) {
        let (id, shape) = (work.mark.id.clone(), work.mark.shape.clone());
        let found = match self.start() {
            true => None,
            false => Some(Err(MeasureError::TooComplex)),
        };
        self.changes += 1;
        let key = id.0.clone();
        let series = series.to_owned();
        self.known.insert(
            id,
            Known {
                shape,
                series,
                found,
            },
        );
        self.queue.push(key, class, 0, work);
    }

    /// Asks for the mark that is being drawn.
    fn ask_for_draft(&mut self, work: Work) {
        if self.draft_asked.as_ref() != Some(&work.mark.shape) && self.start() {
            self.draft_asked = Some(work.mark.shape.clone());
            self.queue
                .push(DRAFT.to_owned(), Class::Interaction, 0, work);
        }
    }
}

/// Measures a mark with the frames that are shown, else with those of its files.
fn measure(work: &Work, source: &dyn FrameSource) -> Found {
    let bytes = work.layout.first_instance();
    let bytes = bytes
        .and_then(|i| i.image.as_ref())
        .map_or(0, |i| i.frame_bytes() as u64);
    let left = RefCell::new(MOST_READ);
    let frame = |index: usize| -> Option<Frame> {
        if let Some(FrameState::Loaded(frame)) = work.display.as_ref().map(|d| d.frame(index)) {
            return Some(frame);
        }
        let mut left = left.borrow_mut();
        *left = left.checked_sub(bytes.max(1))?;
        let mut read = load::read_chunk(&work.layout, source, index..index + 1).ok()?;
        read.pop()
    };
    let mark = &work.mark;
    measure_mark(
        mark.space,
        &mark.target,
        &mark.shape,
        &work.layout,
        Some(&frame),
        &ask(),
    )
}

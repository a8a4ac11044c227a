//! The tag browser: all elements of the object that the active cell shows, alone or beside another.
//!
//! Must stay true: files are read by a decode thread, one request at a time, so scrolling with the browser open asks for
//! the newest object and never queues the ones that were passed; the last table stays until the next is there.

use super::{event::Event, state::Workspace};
use crate::{
    diary,
    dicom::{content::json_model, frames::FrameSource},
    model::{
        elements::{DiffRow, ElementTable, compare, compare_below},
        study::Instance,
    },
    task::Class,
};
use crossbeam_channel::Sender;
use std::{panic::AssertUnwindSafe, sync::Arc};

/// With what the shown object is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CompareWith {
    /// With nothing.
    #[default]
    Nothing,
    /// With the object in another cell.
    Cell(usize),
    /// The functional groups of the shown frame with those of another, from 1.
    Frame(u32),
}

/// What the browser shows.
#[derive(Clone, Debug)]
pub enum TagsShown {
    /// Nothing yet.
    Nothing,
    /// One object.
    One(Arc<ElementTable>),
    /// Two, with how they differ.
    Two(Arc<Compared>),
    /// It cannot be read: code and sentence, free of identity.
    Failed(String),
}

/// Two objects, or two frames of one, beside each other.
#[derive(Debug)]
pub struct Compared {
    /// The shown object.
    pub first: Arc<ElementTable>,
    /// The other.
    pub second: Arc<ElementTable>,
    /// Row by row.
    pub rows: Vec<DiffRow>,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct TagsRequest {
    /// The shown object, and the frame in it from 1.
    pub instance: Arc<Instance>,
    /// Its frame, from 1.
    pub frame: u32,
    /// The other object, where two are compared.
    pub other: Option<Arc<Instance>>,
    /// The other frame, where two frames are.
    pub other_frame: Option<u32>,
}

impl TagsRequest {
    /// Whether another request would give the same.
    fn same(&self, other: &Self) -> bool {
        // Files of two people may name one object.
        let file = |i: &Arc<Instance>| Arc::clone(&i.source.path);
        file(&self.instance) == file(&other.instance)
            && self.other.as_ref().map(file) == other.other.as_ref().map(file)
            && self.other_frame == other.other_frame
            // The frame itself only counts where its groups are compared.
            && (self.other_frame.is_none() || self.frame == other.frame)
    }

    /// Reads and compares; for a decode thread. A panic of a reader is a refusal.
    pub fn answer(&self, source: &dyn FrameSource) -> TagsShown {
        let read = AssertUnwindSafe(|| self.read(source));
        diary::contain(read).unwrap_or_else(|_| TagsShown::Failed("PARSER_PANIC".to_owned()))
    }

    fn read(&self, source: &dyn FrameSource) -> TagsShown {
        let comparing = self.other.is_some() || self.other_frame.is_some();
        let table = |instance: &Instance| {
            let read = source.read_elements(instance, comparing).map(Arc::new);
            read.map_err(|error| TagsShown::Failed(format!("{}: {error}", error.code())))
        };
        let first = match table(&self.instance) {
            Ok(table) => table,
            Err(failed) => return failed,
        };
        let second = match self.other.as_ref().map(|other| table(other)) {
            Some(Ok(table)) => table,
            Some(Err(failed)) => return failed,
            None => Arc::clone(&first),
        };
        let rows = match self.other_frame {
            Some(frame) => {
                let groups = first
                    .frame_groups(self.frame)
                    .zip(second.frame_groups(frame));
                groups.map(|(a, b)| compare_below((&first, a), (&second, b)))
            }
            None => self.other.as_ref().map(|_| compare(&first, &second)),
        };
        match rows {
            Some(rows) => TagsShown::Two(Arc::new(Compared {
                first,
                second,
                rows,
            })),
            None => TagsShown::One(first),
        }
    }
}

/// The tag browser.
#[derive(Debug)]
pub struct TagsPanel {
    /// It is open.
    pub open: bool,
    /// With what the shown object is compared.
    pub with: CompareWith,
    /// What is shown.
    pub shown: TagsShown,
    /// What `shown` answers.
    answered: Option<TagsRequest>,
    /// What is being read.
    asked: Option<TagsRequest>,
}

impl Default for TagsPanel {
    fn default() -> Self {
        Self {
            open: false,
            with: CompareWith::Nothing,
            shown: TagsShown::Nothing,
            answered: None,
            asked: None,
        }
    }
}

impl TagsPanel {
    /// The object that `shown` is of, with its frame.
    pub fn instance(&self) -> Option<(&Arc<Instance>, u32)> {
        self.answered.as_ref().map(|r| (&r.instance, r.frame))
    }

    /// Whether something else than what is shown is on its way.
    pub const fn is_reading(&self) -> bool {
        self.asked.is_some()
    }
}

impl Workspace {
    /// Opens or closes the tag browser.
    pub(super) fn toggle_tags(&mut self) {
        self.tags.open ^= true;
        if !self.tags.open {
            // What was read is not kept: it may be large. What is being read still answers what it was asked.
            self.tags = TagsPanel {
                asked: self.tags.asked.take(),
                ..TagsPanel::default()
            };
        }
        self.follow_tags();
    }

    /// The object and the frame (from 1) that a cell shows.
    pub fn shown_object(&self, cell: usize) -> Option<(Arc<Instance>, u32)> {
        let viewport = self.viewports.get(cell)?;
        if let Some(document) = &viewport.document {
            return Some((Arc::clone(&document.object.instance), 1));
        }
        let display = viewport.display.as_ref()?;
        let reference = display.layout.frames.get(viewport.frame_shown())?;
        let frame = u32::try_from(reference.frame + 1).ok()?;
        Some((Arc::clone(&reference.instance), frame))
    }

    /// The browser follows the active cell.
    pub fn follow_tags(&mut self) {
        if !self.tags.open || self.tags.asked.is_some() {
            return;
        }
        let Some((instance, frame)) = self.shown_object(self.active) else {
            self.tags.shown = TagsShown::Nothing;
            self.tags.answered = None;
            return;
        };
        let (mut other, mut other_frame) = (None, None);
        match self.tags.with {
            CompareWith::Nothing => {}
            CompareWith::Cell(cell) => match self.shown_object(cell) {
                Some((instance, _)) => other = Some(instance),
                None => self.tags.with = CompareWith::Nothing,
            },
            CompareWith::Frame(frame) => {
                let frames = instance.image.as_ref().map_or(0, |i| i.frames);
                if (1..=frames).contains(&(frame as usize)) {
                    other_frame = Some(frame);
                } else {
                    self.tags.with = CompareWith::Nothing;
                }
            }
        }
        let request = TagsRequest {
            instance,
            frame,
            other,
            other_frame,
        };
        if self
            .tags
            .answered
            .as_ref()
            .is_some_and(|a| a.same(&request))
        {
            return;
        }
        self.tags.asked = Some(request.clone());
        let work = move |source: &dyn FrameSource, events: &Sender<Event>| {
            let _ = events.send(Event::Tags(request.answer(source)));
        };
        self.loader
            .want_other("tags", Class::Interaction, Box::new(work));
    }

    /// Takes in what was read.
    pub(super) fn take_tags(&mut self, shown: TagsShown) {
        if let Some(request) = self.tags.asked.take()
            && self.tags.open
        {
            self.tags.answered = Some(request);
            self.tags.shown = shown;
        }
        self.follow_tags();
    }

    /// Has rows of a table written as the DICOM JSON Model for the clipboard.
    pub(super) fn copy_elements(&self, table: Arc<ElementTable>, from: usize, to: usize) {
        let hide = self.settings.hide_identity;
        let work = move |_: &dyn FrameSource, events: &Sender<Event>| {
            let _ = events.send(Event::Copied(json_model(&table, from..to, hide)));
        };
        self.loader
            .want_other("copy", Class::Interaction, Box::new(work));
    }
}

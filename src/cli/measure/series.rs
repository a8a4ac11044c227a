//! A series that may be measured, and which of its frames an entry means.

use super::{run::RunError, spec::Place};
use crate::{
    imaging::measure::Anchor,
    model::layout::{FrameRef, SeriesLayout},
};
use std::collections::HashSet;

/// A layout and what its frames say, asked once.
pub(super) struct Series<'a> {
    /// The frames.
    pub layout: &'a SeriesLayout,
    /// What they say, as many as frames.
    pub anchors: Vec<Option<Anchor>>,
    /// UIDs of the objects, in reading order.
    objects: Vec<&'a str>,
}

impl<'a> Series<'a> {
    pub(super) fn of(layout: &'a SeriesLayout) -> Self {
        let anchor = |f: &FrameRef| Anchor::of(&f.instance, f.frame);
        let uids = layout
            .frames
            .iter()
            .map(|f| f.instance.sop_instance_uid.as_str());
        let mut seen = HashSet::new();
        Self {
            layout,
            anchors: layout.frames.iter().map(anchor).collect(),
            objects: uids.filter(|uid| seen.insert(*uid)).collect(),
        }
    }

    /// Series Instance UID.
    pub(super) fn uid(&self) -> Option<&str> {
        let first = self.layout.first_instance()?;
        Some(&first.series.uid)
    }

    /// Index of the frame that a place names.
    pub(super) fn frame(&self, place: &Place) -> Result<usize, RunError> {
        let uid = match (&place.instance, place.image) {
            (Some(uid), _) => Some(uid.as_str()),
            (None, Some(number)) => {
                let index = number.checked_sub(1).ok_or(RunError::NoFrame)?;
                self.objects.get(index).copied()
            }
            (None, None) if self.objects.len() == 1 => self.objects.first().copied(),
            (None, None) => return Err(RunError::FrameNotNamed),
        };
        let number = place.frame.unwrap_or(1).checked_sub(1);
        let (uid, number) = uid.zip(number).ok_or(RunError::NoFrame)?;
        self.layout
            .frames
            .iter()
            .position(|f| f.instance.sop_instance_uid == uid && f.frame == number)
            .ok_or(RunError::NoFrame)
    }
}

//! Which series and which frames an entry is about, and so what its points are measured in.
//!
//! Must stay true: a frame is never guessed for pixel points. Patient points without a frame belong to a series, and
//! are refused when its frames do not share one calibration.

use super::{
    run::{At, RunError, Runner},
    series::Series,
    spec::{Entry, Place, Space},
    task::Task,
};
use crate::{
    imaging::measure::{Anchor, Ruler},
    model::annotation::PointSpace,
};

/// The series of a place: the one that is named or holds the named object, else the one with most frames.
pub(super) fn find_series(all: &[Series<'_>], place: &Place) -> Result<usize, RunError> {
    let holds = |s: &Series<'_>| {
        place.instance.as_ref().is_none_or(|uid| {
            let mut frames = s.layout.frames.iter();
            frames.any(|f| &f.instance.sop_instance_uid == uid)
        })
    };
    let fits = |s: &Series<'_>| place.series.is_none() || s.uid() == place.series.as_deref();
    if !all.iter().any(fits) {
        return Err(RunError::NoSeries);
    }
    // The first of those with most frames.
    all.iter()
        .enumerate()
        .rev()
        .filter(|(_, s)| fits(s) && holds(s))
        .max_by_key(|(_, s)| s.layout.frames.len())
        .map(|(index, _)| index)
        .ok_or(RunError::NoFrame)
}

impl Runner<'_> {
    /// The series of a place.
    pub(super) fn find(&self, place: &Place) -> Result<usize, RunError> {
        find_series(&self.series, place)
    }

    /// The frame that an entry is about, when it names one or there is no choice.
    pub(super) fn named(
        &self,
        entry: &Entry,
        task: &Task,
        place: &Place,
        series: usize,
    ) -> Result<Option<At>, RunError> {
        let found = self.series.get(series).ok_or(RunError::NoSeries)?;
        let each = !entry.points.is_empty() && entry.points.iter().all(|p| p.place.is_some());
        let looks = matches!(task, Task::Outline(_) | Task::Probe(_));
        if place.names_frame() {
            return Ok(Some((series, found.frame(place)?)));
        }
        match entry.space {
            Space::Pixel if each && !looks => Ok(None),
            Space::Pixel if found.layout.frames.len() == 1 => Ok(Some((series, 0))),
            Space::Pixel if each => {
                let first = entry.points.first().and_then(|p| p.place.as_ref());
                first.map(|p| self.point_frame(entry, p)).transpose()
            }
            Space::Pixel => Err(RunError::FrameNotNamed),
            Space::Patient => Ok(None),
        }
    }

    /// The frame of a point that names its own; what it leaves out is that of the entry.
    pub(super) fn point_frame(&self, entry: &Entry, place: &Place) -> Result<At, RunError> {
        let mut whole = place.clone();
        if whole.series.is_none() {
            whole.series.clone_from(&entry.series);
        }
        if whole.instance.is_none() && whole.image.is_none() {
            whole.instance.clone_from(&entry.instance);
            whole.image = entry.image;
        }
        let series = self.find(&whole)?;
        let found = self.series.get(series).ok_or(RunError::NoSeries)?;
        if !whole.names_frame() && found.layout.frames.len() == 1 {
            return Ok((series, 0));
        }
        Ok((series, found.frame(&whole)?))
    }

    pub(super) fn anchor(&self, (series, frame): At) -> Option<&Anchor> {
        self.series.get(series)?.anchors.get(frame)?.as_ref()
    }

    /// The scale: of the named frame and those of the points, or of the whole series where none is named.
    pub(super) fn ruler(
        &self,
        entry: &Entry,
        series: usize,
        named: Option<At>,
    ) -> Result<Ruler, RunError> {
        let mut frames: Vec<At> = named.into_iter().collect();
        let mut placed = 0;
        for place in entry.points.iter().filter_map(|p| p.place.as_ref()) {
            // A place that names only a series stands for any frame of it.
            let only_series = entry.space == Space::Patient && !place.names_frame();
            let at = if only_series {
                (self.find(place)?, 0)
            } else {
                self.point_frame(entry, place)?
            };
            placed += 1;
            if frames.last() != Some(&at) {
                frames.push(at);
            }
        }
        let space = PointSpace::from(entry.space);
        let all = self.series.get(series).ok_or(RunError::NoSeries)?;
        if named.is_none() && (placed < entry.points.len() || placed == 0) {
            let points = frames.iter().filter_map(|at| self.anchor(*at));
            return Ok(Ruler::of(
                space,
                all.anchors.iter().flatten().chain(points),
            )?);
        }
        let anchors = frames.iter().filter_map(|at| self.anchor(*at));
        Ok(Ruler::of(space, anchors)?)
    }
}

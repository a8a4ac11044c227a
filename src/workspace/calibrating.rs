//! Calibration by a known length: from the line that was drawn to the question for its true length, to the edit, and
//! to the series that have its millimetres from then on.
//!
//! Must stay true: what was found stays as it was read; what is shown is that with the calibrations that are kept.
//! Whoever asks a frame for its spacing (marks, scale bar, life size, links, exports) gets the calibrated one, so no
//! two numbers can differ. A picture keeps its place and size on the screen when its millimetres change.

use super::{
    library::Library,
    presentation::CellState,
    state::Workspace,
    undo::{Live, Step},
    view::ViewState,
};
use crate::{
    imaging::calibrate::{Holds, drawn_length, may_calibrate, on_frame, spacing_by, that_hold},
    model::{
        annotation::{Annotation, AnnotationId, MarkKind, PointSpace},
        calibration::{Calibration, CalibrationError, Signature},
        edit::Edit,
        geometry::Spacing,
        study::Instance,
    },
    tools::Tool,
};
use glam::DVec2;
use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

/// Says that a line is to be drawn.
const TO_DRAW: &str = "notice-calibration-draw";

/// What is being calibrated.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Asked {
    /// Nothing.
    #[default]
    Nothing,
    /// A line is to be drawn first.
    ToDraw,
    /// The true length of this mark is asked.
    Length(AnnotationId),
}

/// Calibration in this window.
#[derive(Debug, Default)]
pub struct Calibrating {
    /// What is being calibrated.
    pub asked: Asked,
    /// Who calibrated last: kept as long as the window is open.
    pub by: String,
    /// What was found, as it was read.
    found: Arc<Library>,
    /// The calibrations that count in it.
    holds: Vec<Holds>,
    /// The calibrations that were last applied.
    seen: u64,
}

/// An answer to the question for the true length.
#[derive(Clone, Debug)]
pub enum CalibrationAnswer {
    /// So long it is.
    Length {
        /// Millimetres.
        true_mm: f64,
        /// Who says so.
        by: Signature,
        /// Also instead of a scale that the header gives as true.
        confirmed: bool,
    },
    /// Leave it.
    Leave,
}

/// What the question shows.
#[derive(Clone, Debug, PartialEq)]
pub struct CalibrationQuestion {
    /// What the line measures by the header: millimetres or pixels.
    pub drawn: f64,
    /// In what.
    pub header: Spacing,
    /// What asks for a confirmation.
    pub asks: Option<CalibrationError>,
}

impl Workspace {
    /// Begins to calibrate: with the selected length, else with one that is to be drawn.
    pub(super) fn begin_calibration(&mut self) {
        self.calibrating.asked = Asked::Nothing;
        if let Err(error) = self.may_calibrate_shown()
            && !error.asks()
        {
            return self.notify("notice-calibration-placed", String::new());
        }
        let shown = self.shown_target(self.active);
        let here = |mark: &&Annotation| {
            shown.as_ref().is_some_and(|t| {
                (&t.instance_uid, t.frame) == (&mark.target.instance_uid, mark.target.frame)
            })
        };
        match self.selected_mark().filter(here).filter(|m| is_line(m)) {
            Some(mark) => self.calibrating.asked = Asked::Length(mark.id.clone()),
            None => {
                self.tool = Tool::Mark(MarkKind::Length);
                self.measuring.last = MarkKind::Length;
                self.calibrating.asked = Asked::ToDraw;
                self.notify(TO_DRAW, String::new());
            }
        }
    }

    fn may_calibrate_shown(&self) -> Result<(), CalibrationError> {
        let target = self.shown_target(self.active);
        let target = target.ok_or(CalibrationError::Placed)?;
        let frame = usize::try_from(target.frame).unwrap_or(0).wrapping_sub(1);
        let instance = self.read_instance(&target.instance_uid);
        may_calibrate(instance.ok_or(CalibrationError::Placed)?, frame)
    }

    /// An instance as its header describes it.
    fn read_instance(&self, sop_instance_uid: &str) -> Option<&Arc<Instance>> {
        let (node, at) = self.calibrating.found.place_of(sop_instance_uid)?;
        node.layout.frames.get(*at).map(|f| &f.instance)
    }

    /// A new line: when one was to be drawn, its length is asked.
    pub(super) fn line_was_drawn(&mut self, mark: &Annotation) {
        if self.calibrating.asked == Asked::ToDraw && is_line(mark) {
            self.calibrating.asked = Asked::Length(mark.id.clone());
            self.notices.retain(|n| n.key != TO_DRAW);
        }
    }

    /// Another tool was taken up: no line is to be drawn any more.
    pub(super) fn leave_drawing(&mut self) {
        if self.calibrating.asked == Asked::ToDraw {
            self.calibrating.asked = Asked::Nothing;
            self.notices.retain(|n| n.key != TO_DRAW);
        }
    }

    fn asked_mark(&self) -> Option<&Annotation> {
        match &self.calibrating.asked {
            Asked::Length(id) => self.marks.set().get(id),
            Asked::Nothing | Asked::ToDraw => None,
        }
    }

    /// What is asked now.
    pub fn calibration_question(&self) -> Option<CalibrationQuestion> {
        let mark = self.asked_mark()?;
        let instance = self.read_instance(&mark.target.instance_uid)?;
        let frame = usize::try_from(mark.target.frame).ok()?.checked_sub(1)?;
        let header = instance.image.as_ref()?.frame(frame).spacing;
        Some(CalibrationQuestion {
            drawn: drawn_length(header, ends(mark)?),
            header,
            asks: may_calibrate(instance, frame).err(),
        })
    }

    /// Answers the question.
    pub fn answer_calibration(&mut self, answer: CalibrationAnswer) {
        let CalibrationAnswer::Length {
            true_mm,
            by,
            confirmed,
        } = answer
        else {
            self.calibrating.asked = Asked::Nothing;
            return;
        };
        let Some((mark, ends)) = self.asked_mark().and_then(|m| Some((m, ends(m)?))) else {
            self.calibrating.asked = Asked::Nothing;
            return;
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now_ms = now.map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(0));
        let calibration = Calibration {
            target: mark.target.clone(),
            ends,
            true_mm,
            by,
            at_ms: now_ms,
            confirmed,
        };
        match self.calibrate(calibration) {
            Ok(()) => {
                self.calibrating.asked = Asked::Nothing;
                by.text().clone_into(&mut self.calibrating.by);
            }
            Err(error) => self.notify(refusal_key(error), String::new()),
        }
    }

    /// Calibrates: one step of undo. What held for the same frames before no longer does.
    ///
    /// # Errors
    /// Why it would not count.
    pub fn calibrate(&mut self, calibration: Calibration) -> Result<(), CalibrationError> {
        let target = &calibration.target;
        let frame = usize::try_from(target.frame).unwrap_or(0).wrapping_sub(1);
        let instance = self.read_instance(&target.instance_uid).cloned();
        let instance = instance.ok_or(CalibrationError::Placed)?;
        let spacing = spacing_by(&calibration, &instance, frame)?;
        let before = on_frame(&instance, frame, &self.calibrating.holds).cloned();
        let from = self.kept_calibration(target);
        let mut edits = Vec::new();
        // One that was drawn on another frame of the same geometry.
        if let Some(before) = &before
            && before.calibration.target != *target
        {
            edits.push(removal(&before.calibration));
        }
        edits.push(Edit::Calibrate {
            target: target.clone(),
            from: from.map(Box::new),
            to: Some(Box::new(calibration.clone())),
        });
        let header = instance.image.as_ref().map(|i| i.frame(frame).spacing);
        let now = before.as_ref().map(|h| h.spacing).or(header);
        self.commit_calibration(edits, &calibration, now.map(|n| (n, spacing)));
        Ok(())
    }

    fn kept_calibration(
        &self,
        target: &crate::model::annotation::AnnotationTarget,
    ) -> Option<Calibration> {
        let key = (target.instance_uid.clone(), target.frame);
        self.marks.kept().calibrations.get(&key).cloned()
    }

    /// The calibration that counts on the frame in the active cell.
    pub fn calibration_shown(&self) -> Option<&Calibration> {
        let target = self.shown_target(self.active)?;
        let instance = self.read_instance(&target.instance_uid)?;
        let frame = usize::try_from(target.frame).ok()?.checked_sub(1)?;
        on_frame(instance, frame, &self.calibrating.holds).map(|h| &h.calibration)
    }

    /// Takes the calibration of the shown frame away.
    pub(super) fn remove_calibration(&mut self) {
        let Some(calibration) = self.calibration_shown().cloned() else {
            return;
        };
        let holds = self.calibrating.holds.iter().rev();
        let mut holds = holds.filter(|h| h.calibration == calibration);
        let spacings = holds.next().map(|h| (h.spacing, h.header));
        // Older ones of the same geometry would come to light again: they go along.
        let same = |h: &&Holds| spacings.is_some_and(|(_, header)| h.header == header);
        let all = self.calibrating.holds.iter().filter(same);
        let of_series =
            all.filter(|h| h.calibration.target.series_uid == calibration.target.series_uid);
        let edits = of_series.map(|h| removal(&h.calibration)).collect();
        self.commit_calibration(edits, &calibration, spacings);
    }

    /// The edits with how the views of the series stand afterwards: their places are in its millimetres.
    fn commit_calibration(
        &mut self,
        mut edits: Vec<Edit>,
        of: &Calibration,
        spacings: Option<(Spacing, Spacing)>,
    ) {
        let factor = spacings.map_or(1.0, |(before, after)| {
            after.row_column().1 / before.row_column().1
        });
        let mut views = Vec::new();
        for (cell, viewport) in self.viewports.iter().enumerate() {
            let series = viewport.node.as_ref().map(|n| &n.description.uid);
            if series != Some(&of.target.series_uid) {
                continue;
            }
            let before = viewport.state();
            let after = CellState {
                view: scaled(&before.view, factor),
                ..before.clone()
            };
            if let Some((edit, change)) = self.view_change(cell, before, after) {
                edits.push(edit);
                views.push(change);
            }
        }
        self.commit_step(Step {
            edits,
            live: (!views.is_empty()).then_some(Live::Views(views)),
            in_journal: false,
        });
    }

    /// Takes in what was found.
    pub(super) fn take_library(&mut self, library: Arc<Library>) {
        self.calibrating.found = library.clone();
        self.library = library;
        if self.marks.kept().calibrations.is_empty() {
            self.calibrating.holds.clear();
        } else {
            self.apply_calibrations();
        }
    }

    /// Brings series in line with the calibrations that are kept, when those changed.
    pub(super) fn follow_calibrations(&mut self) {
        let now = self.marks.calibrated();
        if std::mem::replace(&mut self.calibrating.seen, now) != now {
            self.apply_calibrations();
        }
    }

    fn apply_calibrations(&mut self) {
        let kept = &self.marks.kept().calibrations;
        let found = &self.calibrating.found;
        let wanted = |uid: &str| kept.values().any(|c| c.target.series_uid == uid);
        let layouts = found.series().filter(|n| wanted(&n.description.uid));
        let holds = that_hold(layouts.map(|n| &*n.layout), kept.values());
        if holds.is_empty() && self.calibrating.holds.is_empty() {
            return;
        }
        self.library = match found.calibrated(&holds) {
            Some(library) => Arc::new(library),
            None => found.clone(),
        };
        self.calibrating.holds = holds;
        self.seat_anew();
        self.measuring.forget();
        self.measuring.touch();
    }

    /// Gives viewports and displays the series of the library again, where their headers differ now.
    fn seat_anew(&mut self) {
        for display in self.displays.values_mut() {
            if let Some(node) = self.library.find(&display.key)
                && !Arc::ptr_eq(&node.layout, &display.layout)
            {
                *display = Arc::new(display.with_layout(node.layout.clone()));
            }
        }
        for viewport in &mut self.viewports {
            let Some(old) = &viewport.node else { continue };
            let Some(node) = self.library.find(&old.key).cloned() else {
                continue;
            };
            if Arc::ptr_eq(&node, old) {
                continue;
            }
            let before = viewport.frame_description().map(|d| d.spacing);
            viewport.display = self.displays.get(&node.key).cloned();
            viewport.node = Some(node);
            let after = viewport.frame_description().map(|d| d.spacing);
            if let (Some(before), Some(after)) = (before, after) {
                let factor = after.row_column().1 / before.row_column().1;
                viewport.view = scaled(&viewport.view, factor);
            }
        }
        self.request_frames();
    }
}

/// Whether a mark is a line in the pixels of a frame.
fn is_line(mark: &Annotation) -> bool {
    mark.shape.kind == MarkKind::Length && mark.space == PointSpace::Pixel
}

fn ends(mark: &Annotation) -> Option<[DVec2; 2]> {
    match mark.shape.points.as_slice() {
        &[a, b] if is_line(mark) => Some([a.truncate(), b.truncate()]),
        _ => None,
    }
}

fn removal(calibration: &Calibration) -> Edit {
    Edit::Calibrate {
        target: calibration.target.clone(),
        from: Some(Box::new(calibration.clone())),
        to: None,
    }
}

/// A view of a picture whose millimetres became so many times as long.
fn scaled(view: &ViewState, factor: f64) -> ViewState {
    ViewState {
        centre: view.centre.map(|centre| centre * factor),
        ..view.clone()
    }
}

/// Key of the sentence for a refusal.
pub fn refusal_key(error: CalibrationError) -> &'static str {
    match error {
        CalibrationError::NotFinite | CalibrationError::TooShort => "calibration-too-short",
        CalibrationError::TrueLength | CalibrationError::PixelSize => "calibration-length",
        CalibrationError::Time => "calibration-time",
        CalibrationError::Placed => "notice-calibration-placed",
        CalibrationError::Unconfirmed(_) => "calibration-unconfirmed",
        CalibrationError::SeveralScales => "calibration-several",
    }
}

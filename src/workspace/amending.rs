//! Corrections of the record from the window: steps of the one history, like marks.
//!
//! Must stay true: what came is never written over; a correction is an edit that undo takes back. Where the record
//! lies in a store of its own (the demo's), that store follows the history.

use super::{Workspace, library::same_patient, record_link::RecordState};
use crate::{
    clinical::{
        duplicates::Pair,
        quality::{Defect, Quality},
        timeline::MarkOnLine,
    },
    model::{annotation::Author, date::Date, edit::Edit, identity::Phi, record::PatientRecord},
    store::amend::{Amendment, merge_of, place_of},
};
use std::collections::BTreeMap;

impl Workspace {
    /// Reads resources of the record otherwise than they came, as one step of undo. What is read so already is left out.
    pub fn amend_record(&mut self, changes: Vec<Amendment>) -> bool {
        let kept = self.marks.kept();
        let edits: Vec<Edit> = changes
            .into_iter()
            .filter_map(|(place, to)| {
                let from = kept.amendments.get(&place).cloned().unwrap_or_default();
                (from != to).then_some(Edit::Amend { place, from, to })
            })
            .collect();
        !edits.is_empty() && self.commit(edits)
    }

    /// The marks in pictures of the patient whose record is shown, for the line of time. Those of studies that are open,
    /// or that the record knows.
    pub fn marks_on_line(&self, record: &PatientRecord) -> Vec<MarkOnLine> {
        let (_, Some(identity)) = self.record.state() else {
            return Vec::new();
        };
        let told = record.imaging_studies.iter();
        let mut days: BTreeMap<&str, Option<Date>> = told
            .filter(|study| !study.study_uid.is_empty())
            .map(|study| (study.study_uid.as_str(), study.started))
            .collect();
        let open = self.library.series();
        for node in open.filter(|node| same_patient(&node.patient, identity)) {
            days.insert(&node.study.uid, node.study.date);
        }
        let marks = self.marks.set().iter();
        marks
            .filter_map(|mark| {
                let day = (*days.get(mark.target.study_uid.as_str())?)?;
                let size = mark.extent_mm().map(|mm| format!("{mm:.1} mm"));
                let network = match &mark.author {
                    Author::Model { id, .. } => Some(id.clone()),
                    _ => None,
                };
                let name = match mark.label.is_empty() {
                    true => mark.shape.kind.name().to_owned(),
                    false => mark.label.clone(),
                };
                let is_network = network.is_some();
                let words: Vec<String> =
                    [Some(name), size, network].into_iter().flatten().collect();
                Some(MarkOnLine {
                    day: day.days_since_epoch(),
                    words: words.join("  "),
                    study_uid: mark.target.study_uid.clone(),
                    network: is_network,
                })
            })
            .collect()
    }

    /// Joins two facts of the record on the screen, or parts them again.
    pub fn merge_facts(&mut self, pair: &Pair, join: bool) -> bool {
        let RecordState::Found { record, .. } = self.record.state().0 else {
            return false;
        };
        let both = [pair.first.as_str(), pair.second.as_str()];
        let change = merge_of(&record.fhir_id, &pair.kind, both, join);
        self.amend_record(vec![change])
    }

    /// Mends defects of the record on the screen, all of one gesture.
    pub fn mend(&mut self, which: &[usize]) -> bool {
        let RecordState::Found {
            record, insight, ..
        } = self.record.state().0
        else {
            return false;
        };
        let changes = changes_of(&record.fhir_id, &insight.quality, which);
        self.amend_record(changes)
    }

    /// What was changed of the record is read again; a store that only the record has is changed alike.
    pub(super) fn follow_amendments(&mut self, edits: &[Edit]) {
        let changes: Vec<Amendment> = edits
            .iter()
            .filter_map(|edit| match edit {
                Edit::Amend { place, to, .. } => Some((place.clone(), to.clone())),
                _ => None,
            })
            .collect();
        if !changes.is_empty() {
            self.record.amended(changes);
        }
    }
}

/// What mending these defects of a patient changes.
fn changes_of(patient: &str, quality: &Quality, which: &[usize]) -> Vec<Amendment> {
    let chosen: Vec<&Defect> = which
        .iter()
        .filter_map(|number| quality.defects.get(*number))
        .collect();
    let mended = quality.mended(&chosen).into_iter();
    mended
        .map(|m| (place_of(patient, &m.kind, &m.id), Phi::new(m.json)))
        .collect()
}

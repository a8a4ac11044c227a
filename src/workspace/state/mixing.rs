//! Safety S3: a layout never mixes patients without somebody saying so.
//!
//! Must stay true: what would stand beside another patient's pictures waits until the reader confirms it, and once no two
//! patients stand in the layout any more, the next time is asked again. A layout that grows, or comes back when a study is
//! opened, brings nobody else's pictures along. A maximised view hides the others and does not take them out of the layout.

use super::{CellSet, Workspace};
use crate::{model::identity::PatientIdentity, workspace::library::same_patient};
use std::sync::Arc;

/// What would be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A series by its key.
    Series(String),
    /// An object by its key.
    Object(String),
}

/// The question, and what was answered.
#[derive(Clone, Debug, Default)]
pub struct Mixing {
    /// What waits for an answer: the cell, what it would show, whose it is, and who is on the screen.
    pub asking: Option<(usize, Wanted, Arc<PatientIdentity>, Arc<PatientIdentity>)>,
    /// Patients who may stand side by side, by what the reader said.
    allowed: Vec<Arc<PatientIdentity>>,
}

impl Workspace {
    /// Whether a patient's picture in a cell would stand beside another patient's without anybody having said so; then
    /// who is there.
    pub fn would_mix(
        &self,
        cell: usize,
        patient: &PatientIdentity,
    ) -> Option<Arc<PatientIdentity>> {
        // All tiles and all cuts change together.
        let together = !self.is_free();
        let mut found = self.patients_but(CellSet::one(cell));
        found.find(|p| !together && !self.may_mix(p, patient))
    }

    /// Whose pictures stand in the cells of the layout, but for some.
    fn patients_but(&self, cells: CellSet) -> impl Iterator<Item = Arc<PatientIdentity>> + '_ {
        let others = CellSet::first(self.layout.cells()).without(cells);
        others.filter_map(|c| self.viewports.get(c)?.patient().cloned())
    }

    /// Whether the reader said that these two may stand side by side.
    pub fn may_mix(&self, a: &PatientIdentity, b: &PatientIdentity) -> bool {
        let said = |p: &PatientIdentity| self.mixing.allowed.iter().any(|q| q.as_ref() == p);
        same_patient(a, b) || said(a) && said(b)
    }

    /// Shows something in a cell, or asks first.
    pub fn show_or_ask(&mut self, cell: usize, wanted: Wanted) {
        // Hanging, layouts and undo may have left one patient alone since.
        self.forget_mixing();
        let patient = match &wanted {
            Wanted::Series(key) => self.library.find(key).map(|n| n.patient.clone()),
            Wanted::Object(key) => {
                let object = self.library.find_object(key);
                object.map(|o| o.instance.patient.clone())
            }
        };
        let Some(patient) = patient else { return };
        if let Some(there) = self.would_mix(cell, &patient) {
            self.mixing.asking = Some((cell, wanted, patient, there));
            return;
        }
        self.show_wanted(cell, &wanted);
    }

    fn show_wanted(&mut self, cell: usize, wanted: &Wanted) {
        (self.hanging.by_hand, self.hanging.changed) = (true, true);
        match wanted {
            Wanted::Series(key) => {
                self.show_key(cell, key);
            }
            Wanted::Object(key) => {
                self.show_object_key(cell, key);
            }
        }
        self.forget_mixing();
    }

    /// The reader's answer.
    pub fn answer_mixing(&mut self, yes: bool) {
        let Some((cell, wanted, patient, there)) = self.mixing.asking.take() else {
            return;
        };
        if yes {
            // Everybody on the screen is meant: each is named by the frame around the cells.
            let mut allowed: Vec<_> = self.patients_but(CellSet::default()).collect();
            allowed.extend([patient, there]);
            for one in allowed {
                if !self.mixing.allowed.contains(&one) {
                    self.mixing.allowed.push(one);
                }
            }
            self.show_wanted(cell, &wanted);
        }
    }

    /// Once one patient is left in the layout, what was said holds no more.
    fn forget_mixing(&mut self) {
        let mut patients = self.patients_but(CellSet::default());
        let first = patients.next();
        if patients.all(|p| first.as_ref().is_some_and(|first| same_patient(first, &p))) {
            drop(patients);
            self.mixing.allowed.clear();
        }
    }

    /// Empties the cells that would stand beside the active one's patient without anybody having said so.
    pub(super) fn keep_apart(&mut self) {
        let active = self.active_viewport().and_then(|v| v.patient().cloned());
        let first = || self.patients_but(CellSet::default()).next();
        let Some(patient) = active.or_else(first) else {
            return;
        };
        for cell in CellSet::first(self.layout.cells()) {
            let other = self.viewports.get(cell).and_then(|v| v.patient().cloned());
            if other.is_some_and(|other| !self.may_mix(&patient, &other))
                && let Some(viewport) = self.viewports.get_mut(cell)
            {
                viewport.clear();
            }
        }
    }
}

//! Patients > studies > series, as the study browser shows them. An immutable snapshot, rebuilt by the scan.

use crate::{
    dicom::assemble,
    imaging::suv::{self, SuvRefusal, SuvScale},
    model::{
        identity::PatientIdentity,
        layout::SeriesLayout,
        study::{Instance, Rejection, SeriesDescription, StudyDescription},
    },
};
use std::{collections::BTreeMap, path::Path, sync::Arc};

/// Everything that was found.
#[derive(Debug, Default)]
pub struct Library {
    /// Patients in order of their newest study.
    pub patients: Vec<PatientNode>,
    /// Objects without a picture (reports, presentation states…).
    pub without_picture: Vec<Arc<Instance>>,
    /// Files that do not open, with the reason.
    pub rejected: Vec<Rejection>,
    /// Archives of which some files wait for a passphrase.
    pub locked: Vec<LockedArchive>,
    /// Files seen.
    pub received: usize,
}

/// An encrypted archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockedArchive {
    /// The file.
    pub path: Arc<Path>,
    /// Files in it that are locked.
    pub members: usize,
}

/// A patient with studies.
#[derive(Debug)]
pub struct PatientNode {
    /// Who.
    pub identity: Arc<PatientIdentity>,
    /// Newest first.
    pub studies: Vec<StudyNode>,
}

/// A study with series.
#[derive(Debug)]
pub struct StudyNode {
    /// Which.
    pub description: Arc<StudyDescription>,
    /// By series number.
    pub series: Vec<Arc<SeriesNode>>,
}

/// A displayable series.
#[derive(Debug)]
pub struct SeriesNode {
    /// Identity of this arrangement of frames: the same files give the same key.
    pub key: String,
    /// Which.
    pub description: Arc<SeriesDescription>,
    /// Whose.
    pub patient: Arc<PatientIdentity>,
    /// Of which study.
    pub study: Arc<StudyDescription>,
    /// How its frames lie.
    pub layout: Arc<SeriesLayout>,
    /// By what values of a PET series become SUV, or why they do not; `None` for others.
    pub suv: Option<Result<SuvScale, SuvRefusal>>,
}

impl Library {
    /// Builds the snapshot. Instances keep their identity objects; nothing is merged on a doubt.
    pub fn build(instances: &[Arc<Instance>], rejected: Vec<Rejection>) -> Self {
        let received = instances.len() + rejected.len();
        let (with, without_picture): (Vec<_>, Vec<_>) = instances
            .iter()
            .cloned()
            .partition(|instance| instance.image.is_some());
        let mut patients: Vec<PatientNode> = Vec::new();
        let mut patient_of: BTreeMap<PatientKey, usize> = BTreeMap::new();
        for layout in assemble::lay_out(&with) {
            let Some(first) = layout.first_instance().cloned() else {
                continue;
            };
            let node = Arc::new(SeriesNode {
                key: layout_key(&layout),
                description: first.series.clone(),
                patient: first.patient.clone(),
                study: first.study.clone(),
                suv: suv::of_layout(&layout),
                layout: Arc::new(layout),
            });
            let index = *patient_of
                .entry(PatientKey::of(&first.patient))
                .or_insert_with(|| {
                    patients.push(PatientNode {
                        identity: first.patient.clone(),
                        studies: Vec::new(),
                    });
                    patients.len() - 1
                });
            if let Some(patient) = patients.get_mut(index) {
                patient.insert(node);
            }
        }
        for patient in &mut patients {
            patient.studies.sort_by_key(|s| {
                std::cmp::Reverse((s.description.date, s.description.time.clone()))
            });
            for study in &mut patient.studies {
                study.series.sort_by_key(|s| {
                    // Phases, b-values and planes stay in their order; of other parts the largest comes first.
                    let told_apart = !s.layout.part.terms.is_empty();
                    let size = if told_apart { 0 } else { s.layout.frames.len() };
                    (
                        s.description.number.unwrap_or(i32::MAX),
                        s.description.uid.clone(),
                        told_apart,
                        std::cmp::Reverse(size),
                        s.layout.part.number,
                        s.key.clone(),
                    )
                });
            }
        }
        patients
            .sort_by_key(|p| std::cmp::Reverse(p.studies.first().and_then(|s| s.description.date)));
        Self {
            patients,
            without_picture,
            rejected,
            locked: Vec::new(),
            received,
        }
    }

    /// All series, in browser order.
    pub fn series(&self) -> impl Iterator<Item = &Arc<SeriesNode>> {
        self.patients
            .iter()
            .flat_map(|p| p.studies.iter().flat_map(|s| s.series.iter()))
    }

    /// The series with this key.
    pub fn find(&self, key: &str) -> Option<&Arc<SeriesNode>> {
        self.series().find(|s| s.key == key)
    }

    /// The series that took the place of one that grew: same series, frames include the old first one.
    pub fn successor(&self, old: &SeriesNode) -> Option<&Arc<SeriesNode>> {
        let first = old.layout.frames.first()?;
        self.series().find(|s| {
            s.description.uid == old.description.uid
                && s.layout.frames.iter().any(|f| {
                    f.frame == first.frame
                        && f.instance.sop_instance_uid == first.instance.sop_instance_uid
                })
        })
    }

    /// Series of the same patient in browser order (current and prior studies).
    pub fn series_of_patient(&self, identity: &PatientIdentity) -> Vec<&Arc<SeriesNode>> {
        let key = PatientKey::of(identity);
        self.patients
            .iter()
            .filter(|p| PatientKey::of(&p.identity) == key)
            .flat_map(|p| p.studies.iter().flat_map(|s| s.series.iter()))
            .collect()
    }
}

impl PatientNode {
    fn insert(&mut self, node: Arc<SeriesNode>) {
        match self
            .studies
            .iter_mut()
            .find(|s| s.description.uid == node.study.uid)
        {
            Some(study) => study.series.push(node),
            None => self.studies.push(StudyNode {
                description: node.study.clone(),
                series: vec![node],
            }),
        }
    }
}

/// Patients are one only when everything that identifies them is equal.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct PatientKey(String, String, (String, String), String);

impl PatientKey {
    fn of(identity: &PatientIdentity) -> Self {
        Self(
            identity.id.reveal().trim().to_owned(),
            identity.issuer.reveal().trim().to_owned(),
            identity.name.reveal().comparison_key(),
            identity
                .birth_date
                .reveal()
                .map(|d| d.to_string())
                .unwrap_or_default(),
        )
    }
}

fn layout_key(layout: &SeriesLayout) -> String {
    let end = |frame: Option<&crate::model::layout::FrameRef>| {
        frame
            .map(|f| format!("{}#{}", f.instance.sop_instance_uid, f.frame))
            .unwrap_or_default()
    };
    let series = layout
        .first_instance()
        .map(|i| i.series.uid.clone())
        .unwrap_or_default();
    format!(
        "{series}|{}|{}|{}",
        layout.frames.len(),
        end(layout.frames.first()),
        end(layout.frames.last())
    )
}

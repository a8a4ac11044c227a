//! Patients > studies > series, as the study browser shows them. An immutable snapshot, rebuilt by the scan.

use super::study_list::row::key_of;
use crate::{
    dicom::{assemble, content::kind_of},
    imaging::{
        calibrate::{self, Holds},
        suv::{self, SuvRefusal, SuvScale},
    },
    model::{
        content::ObjectKind,
        identity::PatientIdentity,
        layout::SeriesLayout,
        study::{Instance, Rejection, SeriesDescription, StudyDescription},
    },
};
use std::{
    collections::{HashMap, HashSet},
    path::Path,
    sync::{Arc, OnceLock},
};

/// Everything that was found.
#[derive(Debug, Default)]
pub struct Library {
    /// Patients in order of their newest study.
    pub patients: Vec<PatientNode>,
    /// Files that do not open, with the reason.
    pub rejected: Vec<Rejection>,
    /// Archives of which some files wait for a passphrase.
    pub locked: Vec<LockedArchive>,
    /// Files seen.
    pub received: usize,
    /// Where each instance is shown, made when first asked for.
    places: OnceLock<HashMap<String, (Arc<SeriesNode>, usize)>>,
    /// Studies of several people, likewise.
    shared: OnceLock<HashSet<String>>,
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
#[derive(Clone, Debug)]
pub struct PatientNode {
    /// Who.
    pub identity: Arc<PatientIdentity>,
    /// Newest first.
    pub studies: Vec<StudyNode>,
}

/// A study with series.
#[derive(Clone, Debug)]
pub struct StudyNode {
    /// Which.
    pub description: Arc<StudyDescription>,
    /// By series number.
    pub series: Vec<Arc<SeriesNode>>,
    /// Objects without a picture (reports, presentation states…), by kind, series and number.
    pub objects: Vec<Arc<ObjectNode>>,
}

impl StudyNode {
    /// The series that opens first: the largest, of equal ones that with the lowest number.
    pub fn first_series(&self) -> Option<&Arc<SeriesNode>> {
        self.series.iter().max_by_key(|s| {
            (
                // A mask is seen over its pictures.
                !s.is_mask(),
                s.layout.frames.len(),
                std::cmp::Reverse(s.description.number),
            )
        })
    }
}

/// An object that is shown as what it says.
#[derive(Debug)]
pub struct ObjectNode {
    /// Identity of this object: the same file gives the same key.
    pub key: String,
    /// Its header.
    pub instance: Arc<Instance>,
}

impl ObjectNode {
    /// The node of an object, whether it has a picture or not.
    pub fn of(instance: &Arc<Instance>) -> Self {
        let path = instance.source.path.to_string_lossy();
        Self {
            key: format!("object|{}|{path}", instance.sop_instance_uid),
            instance: Arc::clone(instance),
        }
    }

    /// What it is.
    pub fn kind(&self) -> ObjectKind {
        let object = self.instance.object.as_ref();
        object.map_or(ObjectKind::Picture, |object| object.kind)
    }
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

impl SeriesNode {
    /// Whether its frames are those of a segmentation.
    pub fn is_mask(&self) -> bool {
        let first = self.layout.first_instance();
        first.is_some_and(|i| kind_of(&i.sop_class_uid) == ObjectKind::Segmentation)
    }
}

impl Library {
    /// Builds the snapshot. Instances keep their identity objects; nothing is merged on a doubt.
    pub fn build(instances: &[Arc<Instance>], rejected: Vec<Rejection>) -> Self {
        let received = instances.len() + rejected.len();
        let (with, without): (Vec<_>, Vec<_>) = instances
            .iter()
            .cloned()
            .partition(|instance| instance.image.is_some());
        let mut patients: Vec<PatientNode> = Vec::new();
        let mut known = Known::default();
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
            let study = study_of(&mut patients, &mut known, &first);
            study.series.push(node);
        }
        for object in &without {
            let study = study_of(&mut patients, &mut known, object);
            study.objects.push(Arc::new(ObjectNode::of(object)));
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
        for study in patients.iter_mut().flat_map(|p| &mut p.studies) {
            study.objects.sort_by_key(|o| {
                let instance = &o.instance;
                (
                    o.kind(),
                    instance.series.number.unwrap_or(i32::MAX),
                    instance.instance_number.unwrap_or(i32::MAX),
                    o.key.clone(),
                )
            });
        }
        patients
            .sort_by_key(|p| std::cmp::Reverse(p.studies.first().and_then(|s| s.description.date)));
        Self {
            patients,
            rejected,
            locked: Vec::new(),
            received,
            places: OnceLock::new(),
            shared: OnceLock::new(),
        }
    }

    /// The same with the millimetres that people's calibrations give; `None` when they are about no series of it. Keys
    /// stay the same.
    pub fn calibrated(&self, holds: &[Holds]) -> Option<Self> {
        let wanted = |uid: &str| holds.iter().any(|h| h.calibration.target.series_uid == uid);
        let mut patients = self.patients.clone();
        let mut any = false;
        let studies = patients.iter_mut().flat_map(|p| &mut p.studies);
        for node in studies.flat_map(|s| &mut s.series) {
            if wanted(&node.description.uid)
                && let Some(layout) = calibrate::calibrated(&node.layout, holds)
            {
                any = true;
                *node = Arc::new(SeriesNode {
                    key: node.key.clone(),
                    description: node.description.clone(),
                    patient: node.patient.clone(),
                    study: node.study.clone(),
                    layout: Arc::new(layout),
                    suv: node.suv.clone(),
                });
            }
        }
        any.then(|| Self {
            patients,
            rejected: self.rejected.clone(),
            locked: self.locked.clone(),
            received: self.received,
            places: OnceLock::new(),
            shared: OnceLock::new(),
        })
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

    /// All objects without a picture, in browser order.
    pub fn objects(&self) -> impl Iterator<Item = &Arc<ObjectNode>> {
        let studies = self.patients.iter().flat_map(|p| &p.studies);
        studies.flat_map(|s| &s.objects)
    }

    /// The object with this key.
    pub fn find_object(&self, key: &str) -> Option<&Arc<ObjectNode>> {
        self.objects().find(|o| o.key == key)
    }

    /// The series that shows an instance, and the place of its first frame there.
    pub fn place_of(&self, sop_instance_uid: &str) -> Option<&(Arc<SeriesNode>, usize)> {
        self.places().get(sop_instance_uid)
    }

    /// Where each instance is shown. The first call makes the list.
    pub fn places(&self) -> &HashMap<String, (Arc<SeriesNode>, usize)> {
        self.places.get_or_init(|| {
            let mut places = HashMap::new();
            for series in self.series() {
                for (at, frame) in series.layout.frames.iter().enumerate() {
                    let uid = &frame.instance.sop_instance_uid;
                    if !places.contains_key(uid) {
                        places.insert(uid.clone(), (Arc::clone(series), at));
                    }
                }
            }
            places
        })
    }

    /// Whether several people have a study with this UID. What is kept by the UID alone, a report or how far it was
    /// read, would then be one person's under another's name.
    pub fn is_of_several(&self, study_uid: &str) -> bool {
        let shared = self.shared.get_or_init(|| {
            let mut seen = HashSet::new();
            let studies = self.patients.iter().flat_map(|p| &p.studies);
            let uids = studies.map(|s| s.description.uid.as_str());
            // A patient has a study once, so one that is met again is another's.
            uids.filter(|uid| !seen.insert(*uid))
                .map(str::to_owned)
                .collect()
        });
        shared.contains(study_uid)
    }

    /// The series that took the place of one that grew: same series, frames include the old first one.
    pub fn successor(&self, old: &SeriesNode) -> Option<&Arc<SeriesNode>> {
        let first = old.layout.frames.first()?;
        self.series().find(|s| {
            s.description.uid == old.description.uid
                && s.study.uid == old.study.uid
                && same_patient(&s.patient, &old.patient)
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

/// Where patients and their studies stand while a library is made.
#[derive(Default)]
struct Known {
    patients: HashMap<PatientKey, usize>,
    studies: HashMap<(usize, String), usize>,
}

/// The study of an instance, which is made when there is none yet.
fn study_of<'a>(
    patients: &'a mut Vec<PatientNode>,
    known: &mut Known,
    instance: &Instance,
) -> &'a mut StudyNode {
    let next = patients.len();
    let at = *known
        .patients
        .entry(PatientKey::of(&instance.patient))
        .or_insert(next);
    if at >= next {
        patients.push(PatientNode {
            identity: instance.patient.clone(),
            studies: Vec::new(),
        });
    }
    let at = at.min(next);
    let studies = &mut patients[at].studies;
    let next = studies.len();
    let place = *known
        .studies
        .entry((at, instance.study.uid.clone()))
        .or_insert(next);
    if place >= next {
        studies.push(StudyNode {
            description: instance.study.clone(),
            series: Vec::new(),
            objects: Vec::new(),
        });
    }
    &mut studies[place.min(next)]
}

/// Whether two identities are of one patient, as the list has it.
pub fn same_patient(a: &PatientIdentity, b: &PatientIdentity) -> bool {
    a == b || PatientKey::of(a) == PatientKey::of(b)
}

/// Patients are one only when everything that identifies them is equal.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct PatientKey(String, String, (String, String), String);

impl PatientKey {
    pub(super) fn of(identity: &PatientIdentity) -> Self {
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
    // The same objects under another name, a copy without identity for one, are another's: what is kept under a key
    // must not be shown for both.
    let owner = layout
        .first_instance()
        .map_or(0, |i| key_of(&i.study.uid, &i.patient));
    format!(
        "{series}|{owner:016x}|{}|{}|{}",
        layout.frames.len(),
        end(layout.frames.first()),
        end(layout.frames.last())
    )
}

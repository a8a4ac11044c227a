//! Which frames belong together: one series of one patient, pictures of one size and type.

use crate::model::{
    finding::{Finding, Severity},
    identity::{IdentityMatch, PatientIdentity},
    layout::FrameRef,
    pixels::StoredType,
    study::{Concatenation, Instance},
};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::Path,
    sync::Arc,
};

/// Frames for one layout (or for several, when a series holds phases).
pub(super) struct Group {
    /// Frames by instance number.
    pub(super) frames: Vec<FrameRef>,
    /// They are the frames of one object, or of one that was written in parts, in their order.
    pub(super) one_object: bool,
    /// Frames of objects that came twice.
    pub(super) repeated: Vec<FrameRef>,
    /// What grouping noticed.
    pub(super) findings: Vec<Finding>,
}

/// Order of layouts: study, series number, series, then what splits a series.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    study: String,
    number: Option<i32>,
    series: String,
    /// The file, for objects that name no series, and for pictures.
    alone: Option<Arc<Path>>,
    patient: usize,
    /// A series is of one modality (PS3.3 C.7.3.1); one that is not must not become one volume.
    modality: String,
    size: (usize, usize, usize, u8),
    /// Localizers lie apart, by the axes of their planes.
    localizer: Option<[i32; 6]>,
    /// Objects of several frames stand for themselves.
    multi_frame: Option<String>,
}

pub(super) fn group(instances: &[Arc<Instance>]) -> Vec<Group> {
    let pictures: Vec<&Arc<Instance>> = instances.iter().filter(|i| i.image.is_some()).collect();
    let patients = tell_patients_apart(&pictures);
    let mut groups: BTreeMap<Key, Vec<Arc<Instance>>> = BTreeMap::new();
    for (instance, patient) in pictures.iter().zip(&patients.of_instance) {
        groups
            .entry(key(instance, *patient))
            .or_default()
            .push(Arc::clone(instance));
    }
    let mut parts: HashMap<(String, usize), Kinds> = HashMap::new();
    for key in groups.keys().filter(|k| k.alone.is_none()) {
        let part = parts.entry((key.series.clone(), key.patient)).or_default();
        part.sizes.insert(key.size);
        part.modalities.insert(key.modality.clone());
    }
    let kinds = |key: &Key| {
        let part = parts.get(&(key.series.clone(), key.patient));
        part.filter(|_| key.alone.is_none())
    };
    let mixed = |key: &Key| {
        key.localizer.is_none() && kinds(key).is_some_and(|kinds| kinds.sizes.len() > 1)
    };
    let several_modalities = |key: &Key| kinds(key).is_some_and(|kinds| kinds.modalities.len() > 1);
    let shared = shared_series(&pictures, &patients);
    groups
        .into_iter()
        .map(|(key, members)| {
            let mut findings = Vec::new();
            if patients.mismatched.contains(&key.study) {
                findings.push(Finding::new(
                    "PATIENT_MISMATCH",
                    Severity::Error,
                    "objects of one study name different patients; they are kept apart",
                ));
            }
            if let Some(sharing) = shared.get(&key.series) {
                findings.push(sharing.finding());
            }
            if several_modalities(&key) {
                findings.push(Finding::new(
                    "MIXED_MODALITY",
                    Severity::Warning,
                    "the series holds pictures of several modalities; each is a stack of its own",
                ));
            }
            if mixed(&key) {
                findings.push(Finding::new(
                    "MIXED_SIZE",
                    Severity::Warning,
                    "the series holds pictures of several sizes or types; each kind is a stack of its own",
                ));
            }
            collect(members, findings)
        })
        .collect()
}

/// What differs within a series.
#[derive(Default)]
struct Kinds {
    sizes: HashSet<(usize, usize, usize, u8)>,
    modalities: HashSet<String>,
}

/// Who shares a Series Instance UID, which names one series of one study (PS3.3 C.7.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sharing {
    Studies,
    Patients,
}

impl Sharing {
    fn finding(self) -> Finding {
        match self {
            Self::Studies => Finding::new(
                "SERIES_OF_STUDIES",
                Severity::Warning,
                "objects of several studies carry one series identifier; they are kept apart",
            ),
            Self::Patients => Finding::new(
                "SERIES_OF_PATIENTS",
                Severity::Error,
                "objects of different patients carry one series identifier; they are kept apart",
            ),
        }
    }
}

/// The series identifiers that more than one study or patient uses.
fn shared_series(pictures: &[&Arc<Instance>], patients: &Patients) -> HashMap<String, Sharing> {
    let mut owners: HashMap<&str, Vec<(&str, usize, &PatientIdentity)>> = HashMap::new();
    for (instance, patient) in pictures.iter().zip(&patients.of_instance) {
        let series = instance.series.uid.as_str();
        if series.is_empty() {
            continue;
        }
        let study = instance.study.uid.as_str();
        let owners = owners.entry(series).or_default();
        if !owners.iter().any(|o| (o.0, o.1) == (study, *patient)) {
            owners.push((study, *patient, &instance.patient));
        }
    }
    let several = owners.into_iter().filter(|(_, owners)| owners.len() > 1);
    several
        .map(|(series, owners)| {
            let strangers = owners.iter().enumerate().any(|(i, a)| {
                let others = owners.iter().skip(i + 1);
                others
                    .into_iter()
                    .any(|b| a.2.compare(b.2) == IdentityMatch::Different)
            });
            let sharing = match strangers {
                true => Sharing::Patients,
                false => Sharing::Studies,
            };
            (series.to_owned(), sharing)
        })
        .collect()
}

/// Frames of the members, objects that came twice set aside.
fn collect(mut members: Vec<Arc<Instance>>, mut findings: Vec<Finding>) -> Group {
    members.sort_by(|a, b| {
        let order = |i: &Instance| {
            let part = concatenation(i).map(|c| (c.offset, c.number));
            (part, i.instance_number.is_none(), i.instance_number)
        };
        order(a)
            .cmp(&order(b))
            .then_with(|| a.source.path.cmp(&b.source.path))
    });
    incomplete(&members, &mut findings);
    unlike(&members, &mut findings);
    let concatenated = members.iter().any(|m| concatenation(m).is_some());
    let mut seen = HashSet::new();
    let (mut frames, mut repeated) = (Vec::new(), Vec::new());
    let mut twice = 0;
    for instance in &members {
        let count = instance.image.as_ref().map_or(0, |i| i.frames);
        let all = (0..count).map(|frame| FrameRef {
            instance: Arc::clone(instance),
            frame,
        });
        let uid = instance.sop_instance_uid.as_str();
        if uid.is_empty() || seen.insert(uid) {
            frames.extend(all);
        } else {
            twice += 1;
            repeated.extend(all);
        }
    }
    if twice > 0 {
        let text = format!(
            "{twice} objects carry an identifier that came before; the first of each is shown"
        );
        findings.push(
            Finding::new("DUPLICATE_INSTANCE", Severity::Warning, text)
                .with("count", f64::from(twice)),
        );
    }
    let one_instance = frames
        .first()
        .zip(frames.last())
        .is_some_and(|(a, b)| Arc::ptr_eq(&a.instance, &b.instance));
    let mosaic = frames
        .first()
        .and_then(|f| f.instance.image.as_ref())
        .is_some_and(|i| i.parts.mosaic.is_some());
    Group {
        frames,
        // Tiles are slices in space, in one mosaic or in several.
        one_object: (one_instance || concatenated) && !mosaic,
        repeated,
        findings,
    }
}

/// Members that lack what tells whose they are, or whose values have other bits.
fn unlike(members: &[Arc<Instance>], findings: &mut Vec<Finding>) {
    let total = members.len();
    let nameless = |i: &&Arc<Instance>| {
        i.patient.name.reveal().is_empty() && i.patient.id.reveal().trim().is_empty()
    };
    let without = members.iter().filter(nameless).count();
    if without > 0 && without < total {
        let text =
            format!("{without} of {total} images name no patient and are taken as of the same one");
        findings.push(
            Finding::new("PATIENT_NOT_NAMED", Severity::Warning, text)
                .with("count", without as f64)
                .with("total", total as f64),
        );
    }
    let bits = |i: &Arc<Instance>| i.image.as_ref().map(|image| image.bits_stored);
    let first = members.first().and_then(bits);
    let other = members.iter().filter(|i| bits(i) != first).count();
    if other > 0 {
        let text = format!("another number of stored bits in {other} of {total} images");
        let finding = Finding::new("MIXED_BITS", Severity::Warning, text);
        findings.push(finding.with("frames", other as f64));
    }
}

fn concatenation(instance: &Instance) -> Option<&Concatenation> {
    instance.image.as_ref()?.parts.concatenation.as_ref()
}

/// Names the parts of a concatenation that are not there.
fn incomplete(members: &[Arc<Instance>], findings: &mut Vec<Finding>) {
    let there: HashSet<u16> = members
        .iter()
        .filter_map(|m| Some(concatenation(m)?.number))
        .collect();
    let declared = members.iter().filter_map(|m| concatenation(m)?.total).max();
    let last = there.iter().copied().max().unwrap_or(0);
    let total = declared.unwrap_or(0).max(last);
    let mut missing = (1..=total).filter(|n| !there.contains(n));
    let Some(first) = missing.next() else {
        return;
    };
    let count = missing.count() + 1;
    let text =
        format!("{count} of {total} parts of the object are missing, the first is part {first}");
    findings.push(
        Finding::new("CONCATENATION_INCOMPLETE", Severity::Warning, text)
            .with("count", count as f64)
            .with("total", f64::from(total))
            .with("first", f64::from(first)),
    );
}

fn key(instance: &Arc<Instance>, patient: usize) -> Key {
    let image = instance.image.as_ref();
    let localizer = instance.findings.iter().any(|f| f.code == "LOCALIZER");
    let plane = image.and_then(|i| i.shared.plane);
    let axes = plane.map_or([0; 6], |p| {
        let (r, c) = (p.along_row, p.along_column);
        [r.x, r.y, r.z, c.x, c.y, c.z].map(|v| (v * 1000.0).round() as i32)
    });
    // Mosaics of a series are volumes in time; other objects of several frames stand for themselves.
    let several = image.is_some_and(|i| i.frames > 1 && i.parts.mosaic.is_none());
    let name = |uid: &str| {
        if uid.is_empty() {
            instance.source.path.to_string_lossy().into_owned()
        } else {
            uid.to_owned()
        }
    };
    Key {
        study: instance.study.uid.clone(),
        number: instance.series.number,
        series: instance.series.uid.clone(),
        alone: instance
            .series
            .uid
            .is_empty()
            .then(|| Arc::clone(&instance.source.path)),
        patient,
        modality: instance.series.modality.clone(),
        size: image.map_or((0, 0, 0, 0), |i| {
            (i.rows, i.columns, i.samples, type_number(i.stored_type))
        }),
        localizer: localizer.then_some(axes),
        multi_frame: match concatenation(instance) {
            Some(part) => Some(part.uid.clone()),
            None => several.then(|| name(&instance.sop_instance_uid)),
        },
    }
}

const fn type_number(stored_type: StoredType) -> u8 {
    match stored_type {
        StoredType::U8 => 0,
        StoredType::I8 => 1,
        StoredType::U16 => 2,
        StoredType::I16 => 3,
        StoredType::U32 => 4,
        StoredType::I32 => 5,
        StoredType::F32 => 6,
        StoredType::F64 => 7,
    }
}

/// Which of a study's patients each instance belongs to.
struct Patients {
    of_instance: Vec<usize>,
    /// Studies that name more than one.
    mismatched: HashSet<String>,
}

/// Compares each identity with the first ones of its study; never merges what contradicts.
fn tell_patients_apart(pictures: &[&Arc<Instance>]) -> Patients {
    let mut known: HashMap<&str, Vec<&PatientIdentity>> = HashMap::new();
    let mut of_instance = Vec::with_capacity(pictures.len());
    let mut mismatched = HashSet::new();
    for instance in pictures {
        let study = instance.study.uid.as_str();
        let patient: &PatientIdentity = &instance.patient;
        let known = known.entry(study).or_default();
        let same = known
            .iter()
            .position(|k| *k == patient || k.compare(patient) != IdentityMatch::Different);
        of_instance.push(same.unwrap_or(known.len()));
        if same.is_none() {
            if !known.is_empty() && !study.is_empty() {
                mismatched.insert(study.to_owned());
            }
            known.push(patient);
        }
    }
    Patients {
        of_instance,
        mismatched,
    }
}

//! Marks and key images out of reports, presentation states and key object selections: our own come back as they were,
//! those of others as the nearest kind of ours.
//!
//! Must stay true: whatever a file says, marks are bounded in number and in points, and what is no mark is counted by its
//! kind and stays to be read in the document. A mark of others says so ([`Author::Foreign`]), with the program that made
//! it and never a person. The same file gives the same ids, so that nothing comes in twice.
//! Not here: the numbers of marks, which are measured again; what others say of them is carried beside.

mod presentation;
mod report;

use super::{
    circle,
    tree::{Item, Tree},
};
use crate::{
    dicom::{
        guard::{Fault, Structure},
        header::safe_uid,
        raster::uid_from,
        write::marks::codes,
    },
    model::{
        annotation::{Annotation, AnnotationId, AnnotationTarget, Author, PointSpace, Shape},
        content::ObjectKind,
        exchange::{MarksRead, SourceObject, Sources},
        study::Instance,
    },
};
use dicom_dictionary_std::tags;
use dicom_object::Tag;
use glam::DVec3;
use std::{collections::HashMap, sync::Arc};

/// Most marks of one file, most points of one mark, and most points and numbers of all.
const MOST_MARKS: usize = 20_000;
const MOST_POINTS: usize = 100_000;
const MOST_POINTS_IN_ALL: usize = 2_000_000;
const MOST_NUMBERS_IN_ALL: usize = 200_000;

/// Attributes of the modules Patient, General Study and Patient Study that an object of the same study carries on (PS3.3
/// tables C.7-1, C.7-3, C.7-4a), as far as they are no sequences.
const MODULES: [Tag; 40] = [
    tags::STUDY_DATE,
    tags::STUDY_TIME,
    tags::ACCESSION_NUMBER,
    tags::REFERRING_PHYSICIAN_NAME,
    tags::CONSULTING_PHYSICIAN_NAME,
    tags::STUDY_DESCRIPTION,
    tags::PHYSICIANS_OF_RECORD,
    tags::NAME_OF_PHYSICIANS_READING_STUDY,
    tags::ADMITTING_DIAGNOSES_DESCRIPTION,
    tags::PATIENT_NAME,
    tags::PATIENT_ID,
    tags::ISSUER_OF_PATIENT_ID,
    tags::TYPE_OF_PATIENT_ID,
    tags::PATIENT_BIRTH_DATE,
    tags::PATIENT_BIRTH_TIME,
    tags::PATIENT_SEX,
    tags::QUALITY_CONTROL_SUBJECT,
    tags::OTHER_PATIENT_NAMES,
    tags::PATIENT_AGE,
    tags::PATIENT_SIZE,
    tags::PATIENT_WEIGHT,
    tags::PATIENT_BODY_MASS_INDEX,
    tags::MEDICAL_ALERTS,
    tags::ALLERGIES,
    tags::OCCUPATION,
    tags::SMOKING_STATUS,
    tags::ADDITIONAL_PATIENT_HISTORY,
    tags::PREGNANCY_STATUS,
    tags::PATIENT_SPECIES_DESCRIPTION,
    tags::PATIENT_SEX_NEUTERED,
    tags::PATIENT_BREED_DESCRIPTION,
    tags::RESPONSIBLE_PERSON,
    tags::RESPONSIBLE_PERSON_ROLE,
    tags::RESPONSIBLE_ORGANIZATION,
    tags::PATIENT_COMMENTS,
    tags::PATIENT_IDENTITY_REMOVED,
    tags::DEIDENTIFICATION_METHOD,
    tags::ADMISSION_ID,
    tags::STUDY_INSTANCE_UID,
    tags::STUDY_ID,
];

/// Those that have to be there, if empty.
const TYPE_2: [Tag; 9] = [
    tags::STUDY_DATE,
    tags::STUDY_TIME,
    tags::ACCESSION_NUMBER,
    tags::REFERRING_PHYSICIAN_NAME,
    tags::PATIENT_NAME,
    tags::PATIENT_ID,
    tags::PATIENT_BIRTH_DATE,
    tags::PATIENT_SEX,
    tags::STUDY_ID,
];

/// What an object with marks takes over from the object that was marked.
///
/// # Errors
/// As [`read`](super::read).
pub fn source(structure: &Structure, instance: &Arc<Instance>) -> Result<SourceObject, Fault> {
    let tree = Tree::read(structure, |e| {
        MODULES.contains(&e.tag) || e.tag == tags::FRAME_OF_REFERENCE_UID
    })?;
    let root = tree.root();
    let mut modules = Vec::new();
    for tag in MODULES {
        match tree.find(root, tag) {
            Some((_, entry)) if !entry.sequence => {
                modules.push(((tag.0, tag.1), entry.vr, numbers_or_text(&tree, entry)));
            }
            _ if TYPE_2.contains(&tag) => {
                let vr = crate::dicom::guard::dictionary_vr(tag);
                modules.push(((tag.0, tag.1), vr, String::new()));
            }
            _ => {}
        }
    }
    // What is binary (pregnancy status) is not carried on as text.
    modules.retain(|(_, vr, _)| vr != b"US" && vr != b"UN" && vr != b"SQ");
    Ok(SourceObject {
        instance: Arc::clone(instance),
        modules,
        frame_of_reference_uid: safe_uid(&tree.text(root, tags::FRAME_OF_REFERENCE_UID)),
    })
}

fn numbers_or_text(tree: &Tree<'_>, entry: &super::tree::Entry) -> String {
    tree.text_of(entry).replace('\n', "\r\n")
}

/// Reads the marks of a report, a presentation state or a key object selection; of other objects there are none.
///
/// # Errors
/// As [`read`](super::read); `CONTENT_CIRCLE` where a report refers to itself in a circle.
pub fn marks(structure: &Structure) -> Result<MarksRead, Fault> {
    let tree = Tree::read(structure, |_| true)?;
    let root = tree.root();
    let class_uid = safe_uid(&tree.text(root, tags::SOP_CLASS_UID));
    let manufacturer = tree.text(root, tags::MANUFACTURER);
    let model = tree.text(root, tags::MANUFACTURER_MODEL_NAME);
    let ours = manufacturer == codes::MANUFACTURER && model == codes::MODEL;
    let maker = match (manufacturer.as_str(), model.as_str()) {
        ("", model) => model.to_owned(),
        (maker, "") => maker.to_owned(),
        (maker, model) if model.starts_with(maker) => model.to_owned(),
        (maker, model) => format!("{maker} {model}"),
    };
    let mut reader = Reader {
        tree: &tree,
        series: series_of(&tree),
        points: 0,
        numbers: 0,
        out: MarksRead {
            instance_uid: safe_uid(&tree.text(root, tags::SOP_INSTANCE_UID)),
            study_uid: safe_uid(&tree.text(root, tags::STUDY_INSTANCE_UID)),
            ours,
            maker,
            class_uid: class_uid.clone(),
            ..MarksRead::default()
        },
    };
    match super::kind_of(&class_uid) {
        ObjectKind::Report | ObjectKind::KeyObjects => {
            let circles = circle::closing_references(&tree);
            if circles > 0 {
                let text = format!(
                    "{circles} items of the report refer to what they belong to, in a circle: what belongs to what is not said"
                );
                return Err(Fault::rejected("CONTENT_CIRCLE", text));
            }
            reader.report();
        }
        ObjectKind::PresentationState => reader.presentation(),
        _ => {}
    }
    Ok(reader.out)
}

/// Study and series of each instance that an object names.
fn series_of(tree: &Tree<'_>) -> HashMap<String, (String, String)> {
    let root = tree.root();
    let own = safe_uid(&tree.text(root, tags::STUDY_INSTANCE_UID));
    let mut found = HashMap::new();
    let mut add = |study: &str, outer: Item| {
        for series in tree.items(outer, tags::REFERENCED_SERIES_SEQUENCE) {
            let uid = safe_uid(&tree.text(series, tags::SERIES_INSTANCE_UID));
            for list in [
                tags::REFERENCED_SOP_SEQUENCE,
                tags::REFERENCED_IMAGE_SEQUENCE,
            ] {
                for instance in tree.items(series, list) {
                    let key = safe_uid(&tree.text(instance, tags::REFERENCED_SOP_INSTANCE_UID));
                    found.insert(key, (study.to_owned(), uid.clone()));
                }
            }
        }
    };
    add(&own, root);
    for list in [
        tags::CURRENT_REQUESTED_PROCEDURE_EVIDENCE_SEQUENCE,
        tags::PERTINENT_OTHER_EVIDENCE_SEQUENCE,
    ] {
        for study in tree.items(root, list) {
            let uid = safe_uid(&tree.text(study, tags::STUDY_INSTANCE_UID));
            add(&uid, study);
        }
    }
    found
}

/// Takes marks out of one object.
struct Reader<'t, 'a> {
    tree: &'t Tree<'a>,
    /// Study and series by instance.
    series: HashMap<String, (String, String)>,
    /// Points of all marks so far, and numbers that are said of them.
    points: usize,
    numbers: usize,
    out: MarksRead,
}

impl Reader<'_, '_> {
    /// The frames that a reference means; the first where it names none.
    fn targets(&self, reference: Item) -> Vec<AnnotationTarget> {
        let tree = self.tree;
        let instance_uid = safe_uid(&tree.text(reference, tags::REFERENCED_SOP_INSTANCE_UID));
        if instance_uid.is_empty() {
            return Vec::new();
        }
        let (study_uid, series_uid) =
            self.series.get(&instance_uid).cloned().unwrap_or_else(|| {
                // Without evidence it can only be of the same study.
                (self.out.study_uid.clone(), String::new())
            });
        let most = codes::FRAMES_A_REFERENCE;
        let frames = tree.numbers(reference, tags::REFERENCED_FRAME_NUMBER, most);
        let mut frames: Vec<u32> = frames
            .into_iter()
            .filter(|n| *n >= 1.0 && *n < 4e9)
            .map(|n| n as u32)
            .collect();
        if frames.is_empty() {
            frames.push(1);
        }
        let target = |frame| AnnotationTarget {
            study_uid: study_uid.clone(),
            series_uid: series_uid.clone(),
            instance_uid: instance_uid.clone(),
            frame,
            frame_of_reference_uid: String::new(),
        };
        frames.into_iter().map(target).collect()
    }

    /// Coordinates of an item; `None` when they are none, or too many.
    fn coordinates(&self, item: Item, tag: Tag, dimensions: usize) -> Option<Vec<DVec3>> {
        let most = MOST_POINTS * dimensions;
        let (_, entry) = self.tree.find(item, tag)?;
        // Numbers beyond what the tree reads at once are too many points for a mark too.
        if self.tree.count_of(entry) > most as u64 {
            return None;
        }
        let values = self.tree.all_numbers_of(entry);
        let points = values.chunks_exact(dimensions);
        if values.is_empty() || !points.remainder().is_empty() {
            return None;
        }
        let point = |p: &[f64]| match *p {
            // A pixel's centre is a half in the standard and a whole number here.
            [x, y] => DVec3::new(x - 0.5, y - 0.5, 0.0),
            [x, y, z] => DVec3::new(x, y, z),
            _ => DVec3::ZERO,
        };
        Some(points.map(point).collect())
    }

    /// An id that is the same whenever this file is read.
    fn made_id(&self, parts: &[&str]) -> AnnotationId {
        let mut all: Vec<&[u8]> = vec![b"mark of", self.out.instance_uid.as_bytes()];
        all.extend(parts.iter().map(|p| p.as_bytes()));
        AnnotationId(uid_from(&all))
    }

    /// A mark of others.
    fn foreign(
        &self,
        id: AnnotationId,
        target: AnnotationTarget,
        space: PointSpace,
        shape: Shape,
        label: String,
    ) -> Annotation {
        let mut mark = Annotation::new(id, target, space, shape);
        mark.label = label;
        mark.author = Author::Foreign(self.out.maker.clone());
        mark
    }

    /// Takes a mark; `false` when it is there already, or when there are too many.
    fn push(&mut self, mark: Annotation) -> bool {
        let points = self.points + mark.shape.points.len();
        if self.is_full() || points > MOST_POINTS_IN_ALL {
            self.out.leave("MARK", "");
            return false;
        }
        let lately = self.out.marks.iter().rev().take(64);
        if lately.into_iter().any(|m| m.id == mark.id) {
            return false;
        }
        self.points = points;
        self.out.marks.push(mark);
        true
    }

    fn is_full(&self) -> bool {
        self.out.marks.len() >= MOST_MARKS
    }
}

/// Milliseconds since 1970 of a DT with a zone; 0 when it is none. Without a zone nobody knows which moment is meant.
fn milliseconds(text: &str) -> i64 {
    let Some(zone) = text.rfind(['+', '-']) else {
        return 0;
    };
    let (stamp, zone) = text.split_at(zone);
    let stamp = stamp.split('.').next().zip(Some(stamp));
    let Some((whole, stamp)) = stamp else {
        return 0;
    };
    if whole.len() != 14 || !whole.bytes().all(|b| b.is_ascii_digit()) {
        return 0;
    }
    let fraction = stamp.get(15..).unwrap_or_default();
    let millis: i64 = format!("{fraction:0<3}")
        .get(..3)
        .and_then(|f| f.parse().ok())
        .unwrap_or(0);
    let time = jiff::fmt::strtime::parse("%Y%m%d%H%M%S%z", format!("{whole}{zone}"));
    let time = time.and_then(|t| t.to_timestamp());
    time.map_or(0, |t| t.as_millisecond() + millis)
}

/// Where marks belong that a file places only in a frame of reference, or only by an instance: on the frame at hand that
/// they lie on.
pub fn settle(read: &mut MarksRead, sources: &Sources) {
    for mark in &mut read.marks {
        if let Some(source) = sources.get(&mark.target.instance_uid) {
            let instance = &source.instance;
            mark.target.study_uid.clone_from(&instance.study.uid);
            mark.target.series_uid.clone_from(&instance.series.uid);
            if mark.target.frame_of_reference_uid.is_empty() {
                let uid = &source.frame_of_reference_uid;
                mark.target.frame_of_reference_uid.clone_from(uid);
            }
        } else if mark.space == PointSpace::Patient && mark.target.instance_uid.is_empty() {
            nearest(mark, sources);
        }
    }
    for key in &mut read.key_images {
        if let Some(source) = sources.get(&key.instance_uid) {
            key.study_uid.clone_from(&source.instance.study.uid);
            key.series_uid.clone_from(&source.instance.series.uid);
            let uid = &source.frame_of_reference_uid;
            key.frame_of_reference_uid.clone_from(uid);
        }
    }
}

/// Farthest that a mark in space may lie from the plane of the frame that it is shown on, millimetres.
const NEAR_MM: f64 = 10.0;

fn nearest(mark: &mut Annotation, sources: &Sources) {
    let mut best: Option<(f64, &SourceObject, usize)> = None;
    let same = |s: &&SourceObject| {
        !s.frame_of_reference_uid.is_empty()
            && s.frame_of_reference_uid == mark.target.frame_of_reference_uid
    };
    for source in sources.values().filter(same) {
        let Some(image) = &source.instance.image else {
            continue;
        };
        for frame in 0..image.frames {
            let Some(plane) = image.frame(frame).plane else {
                continue;
            };
            let normal = plane.normal();
            let away = |p: &DVec3| (*p - plane.origin).dot(normal).abs();
            // Most planes are far from a mark's first point already.
            let distance = mark.shape.points.iter().try_fold(0.0, |most: f64, point| {
                let distance = away(point);
                (distance <= NEAR_MM).then(|| most.max(distance))
            });
            if let Some(distance) = distance
                && best.is_none_or(|(least, ..)| distance < least)
            {
                best = Some((distance, source, frame));
            }
        }
    }
    if let Some((_, source, frame)) = best {
        let instance = &source.instance;
        mark.target.study_uid.clone_from(&instance.study.uid);
        mark.target.series_uid.clone_from(&instance.series.uid);
        mark.target
            .instance_uid
            .clone_from(&instance.sop_instance_uid);
        mark.target.frame = u32::try_from(frame + 1).unwrap_or(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_with_a_zone_are_moments() {
        let check = |text: &str, ms: i64| assert_eq!(milliseconds(text), ms, "{text}");
        check("19700101000001.250+0000", 1250);
        check("20240229142301.000+0100", 1_709_212_981_000);
        check("20240229142301+0100", 1_709_212_981_000);
        check("20240229142301", 0);
        check("2024+0100", 0);
        check("äöü+0100", 0);
        check("", 0);
    }
}

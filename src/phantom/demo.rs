//! The whole demonstration in one place: one made-up patient, three studies, the record, the truth.
//!
//! Identifiers, dates and descriptions are fixed here; the callers only write files.

use super::{
    CtPhantom, CtSpec, Nodule, PhantomError, Radiograph, RadiographSpec, ct,
    identifier::uid,
    nodules, radiograph,
    radiograph::SOURCE_DETECTOR_MM,
    record::{RecordStudy, near_miss_record, record},
};
use crate::{
    model::{
        date::Date,
        identity::{PatientIdentity, PersonName, Phi, Sex},
        study::{SeriesDescription, StudyDescription, Technique},
    },
    task::{CancelToken, Progress},
};
use serde_json::{Value, json};

/// How large the pictures are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DemoSize {
    /// For tests: 96 × 96 × 64 voxels, radiographs of 180 × 180 pixels.
    Small,
    /// 256 × 256 × 160 voxels, radiographs of 720 × 720 pixels.
    #[default]
    Standard,
}

/// What to make.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DemoSpec {
    /// Decides the person and all identifiers.
    pub seed: u64,
    /// Day of the newest study.
    pub day: Date,
    /// How large the pictures are.
    pub size: DemoSize,
}

impl Default for DemoSpec {
    fn default() -> Self {
        Self {
            seed: 1,
            day: Date {
                year: 2026,
                month: 3,
                day: 16,
            },
            size: DemoSize::Standard,
        }
    }
}

/// What the headers of a study's only series say.
#[derive(Clone, Debug)]
pub struct DemoStudy {
    /// General Study.
    pub study: StudyDescription,
    /// General Series.
    pub series: SeriesDescription,
    /// How it was made.
    pub technique: Technique,
    /// SOP Class UID.
    pub sop_class_uid: &'static str,
    /// SOP Instance UIDs in order of the frames.
    pub instance_uids: Vec<String>,
    /// Manufacturer's Model Name, so that nobody takes the pictures for a scanner's.
    pub model_name: &'static str,
}

/// The CT of the demo.
#[derive(Clone, Debug)]
pub struct DemoCt {
    /// Voxels and truth.
    pub phantom: CtPhantom,
    /// Headers; one instance a slice, from the feet up.
    pub study: DemoStudy,
}

/// A radiograph of the demo.
#[derive(Clone, Debug)]
pub struct DemoRadiograph {
    /// Pixels and truth.
    pub radiograph: Radiograph,
    /// How it was projected.
    pub spec: RadiographSpec,
    /// Headers; one instance.
    pub study: DemoStudy,
}

/// Everything.
#[derive(Clone, Debug)]
pub struct Demo {
    /// The patient of all images and of the record.
    pub identity: PatientIdentity,
    /// Somebody with the same number but another name and day of birth.
    pub near_miss: PatientIdentity,
    /// Chest CT without contrast medium.
    pub ct: DemoCt,
    /// Chest radiographs: today's, then the prior of two years before.
    pub radiographs: Vec<DemoRadiograph>,
    /// FHIR R4 transaction Bundle of the patient.
    pub record: Value,
    /// FHIR R4 transaction Bundle of the near miss.
    pub near_miss_record: Value,
    /// What the pictures show, for checks; without identity.
    pub truth: Value,
}

/// Issuer of Patient ID of the demo.
pub const ISSUER: &str = "NEGATOSCOPE-DEMO";
const INSTITUTION: &str = "SYNTHETIC DATA - NO HOSPITAL";
const CT_IMAGE_STORAGE: &str = "1.2.840.10008.5.1.4.1.1.2";
const DX_FOR_PRESENTATION: &str = "1.2.840.10008.5.1.4.1.1.1.1";

/// The demo's patient.
pub fn identity(seed: u64) -> PatientIdentity {
    person(seed, "SYNTHETIC^MING=合成^明", "1958-09-03")
}

/// Somebody with the patient's number, the parts of the name swapped and day and month of birth swapped.
pub fn near_miss_identity(seed: u64) -> PatientIdentity {
    person(seed, "MING^SYNTHETIC=明^合成", "1958-03-09")
}

fn person(seed: u64, name: &str, birth: &str) -> PatientIdentity {
    PatientIdentity {
        name: Phi::new(PersonName::parse(name)),
        id: Phi::new(format!("SYN-{seed:06}")),
        issuer: Phi::new(ISSUER.to_owned()),
        birth_date: Phi::new(Date::parse(birth)),
        sex: Phi::new(Sex::Male),
        synthetic: true,
    }
}

/// The nodules two years earlier: the largest was smaller, the third was not there.
pub fn prior_nodules(nodules: &[Nodule]) -> Vec<Nodule> {
    nodules
        .iter()
        .enumerate()
        .filter(|(i, _)| *i != 2)
        .map(|(i, nodule)| Nodule {
            diameter_mm: if i == 0 {
                nodule.diameter_mm * 0.6
            } else {
                nodule.diameter_mm
            },
            ..*nodule
        })
        .collect()
}

/// Makes the demo. `progress` counts its four parts.
///
/// # Errors
/// [`PhantomError::Cancelled`] when asked to stop.
pub fn demo(
    spec: &DemoSpec,
    progress: &Progress,
    cancel: &CancelToken,
) -> Result<Demo, PhantomError> {
    progress.set_total(4);
    let seed = spec.seed;
    let identity = identity(seed);
    let near_miss = near_miss_identity(seed);
    let (ct_spec, film) = specs(spec);
    let phantom = ct(&ct_spec, &Progress::default(), cancel)?;
    progress.add(1);

    let day = spec.day;
    let prior_day = Date {
        year: day.year.saturating_sub(2),
        month: day.month,
        day: day.day.min(28),
    };
    let prior = RadiographSpec {
        exposure: 1,
        shift_mm: [-5.0, 6.0],
        nodules: Some(prior_nodules(&nodules(seed))),
        ..film.clone()
    };
    let mut radiographs = Vec::new();
    for (name, spec, day) in [("film", film, day), ("prior film", prior, prior_day)] {
        let radiograph = radiograph(&spec, &Progress::default(), cancel)?;
        radiographs.push(DemoRadiograph {
            radiograph,
            spec,
            study: film_study(seed, name, day, &identity),
        });
        progress.add(1);
    }
    let ct = DemoCt {
        study: ct_study(seed, day, &identity, phantom.volume.frames.len()),
        phantom,
    };
    let mut studies = vec![record_study(&ct.study)];
    studies.extend(radiographs.iter().map(|r| record_study(&r.study)));
    let record = record(seed, &identity, day, &studies);
    let near_miss_record = near_miss_record(seed, &near_miss, day);
    let truth = truth(&ct, &radiographs);
    progress.add(1);
    Ok(Demo {
        identity,
        near_miss,
        ct,
        radiographs,
        record,
        near_miss_record,
        truth,
    })
}

fn specs(spec: &DemoSpec) -> (CtSpec, RadiographSpec) {
    let (seed, standard) = (spec.seed, CtSpec::default());
    match spec.size {
        DemoSize::Small => (
            CtSpec {
                seed,
                size: [96, 96, 64],
                spacing_mm: [3.75, 3.75, 5.0],
                ..standard
            },
            RadiographSpec {
                seed,
                columns: 180,
                rows: 180,
                pixel_mm: 2.4,
                ..RadiographSpec::default()
            },
        ),
        DemoSize::Standard => (
            CtSpec { seed, ..standard },
            RadiographSpec {
                seed,
                ..RadiographSpec::default()
            },
        ),
    }
}

fn study_description(
    seed: u64,
    name: &str,
    day: Date,
    time: &str,
    description: &str,
    identity: &PatientIdentity,
) -> StudyDescription {
    let age = identity
        .birth_date
        .reveal()
        .and_then(|birth| birth.years_until(day));
    StudyDescription {
        uid: uid(seed, &format!("{name} study")),
        date: Some(day),
        time: time.into(),
        description: description.into(),
        accession_number: Phi::new(format!(
            "SYN{:04}{:02}{:02}-{}",
            day.year,
            day.month,
            day.day,
            if name == "ct" { "CT" } else { "DX" }
        )),
        institution: Phi::new(INSTITUTION.into()),
        patient_age: Phi::new(age.map(|a| format!("{a:03}Y")).unwrap_or_default()),
        ..StudyDescription::default()
    }
}

fn ct_study(seed: u64, day: Date, identity: &PatientIdentity, slices: usize) -> DemoStudy {
    let description = "CT CHEST WITHOUT CONTRAST (SYNTHETIC)";
    DemoStudy {
        study: study_description(seed, "ct", day, "10:42:00", description, identity),
        series: SeriesDescription {
            uid: uid(seed, "ct series"),
            modality: "CT".into(),
            number: Some(2),
            description: "Chest 2 mm soft".into(),
            body_part: "CHEST".into(),
            patient_position: "HFS".into(),
            frame_of_reference_uid: uid(seed, "ct frame of reference"),
            ..SeriesDescription::default()
        },
        technique: Technique {
            kvp: Some(120.0),
            exposure_mas: Some(80.0),
            kernel: "SYNTHETIC SOFT".into(),
            acquired: format!("{day} 10:42:00"),
            ..Technique::default()
        },
        sop_class_uid: CT_IMAGE_STORAGE,
        instance_uids: (1..=slices)
            .map(|i| uid(seed, &format!("ct instance {i}")))
            .collect(),
        model_name: "NEGATOSCOPE PHANTOM",
    }
}

fn film_study(seed: u64, name: &str, day: Date, identity: &PatientIdentity) -> DemoStudy {
    let description = "CHEST PA (SYNTHETIC)";
    DemoStudy {
        study: study_description(seed, name, day, "09:05:00", description, identity),
        series: SeriesDescription {
            uid: uid(seed, &format!("{name} series")),
            modality: "DX".into(),
            number: Some(1),
            description: "Chest PA".into(),
            body_part: "CHEST".into(),
            view_position: "PA".into(),
            ..SeriesDescription::default()
        },
        technique: Technique {
            kvp: Some(120.0),
            exposure_mas: Some(2.0),
            acquired: format!("{day} 09:05:00"),
            ..Technique::default()
        },
        sop_class_uid: DX_FOR_PRESENTATION,
        instance_uids: vec![uid(seed, &format!("{name} instance"))],
        model_name: "NEGATOSCOPE PHANTOM",
    }
}

fn record_study(study: &DemoStudy) -> RecordStudy {
    let day = study.study.date.map(|d| d.to_string()).unwrap_or_default();
    RecordStudy {
        uid: study.study.uid.clone(),
        series_uid: study.series.uid.clone(),
        modality: study.series.modality.clone(),
        started: format!("{day}T{}Z", study.study.time),
        description: study.study.description.clone(),
        accession: study.study.accession_number.reveal().clone(),
        instances: study.instance_uids.len(),
        sop_class_uid: study.sop_class_uid.into(),
    }
}

fn nodule_json(nodule: &Nodule) -> Value {
    json!({
        "side": nodule.side.word(),
        "centre_lps": nodule.centre_lps,
        "diameter_mm": nodule.diameter_mm,
        "hounsfield": nodule.hounsfield,
        "kind": nodule.kind.word()
    })
}

fn truth(ct: &DemoCt, radiographs: &[DemoRadiograph]) -> Value {
    let truth = &ct.phantom.truth;
    let grid = &ct.phantom.volume.grid;
    let films: Vec<Value> = radiographs
        .iter()
        .map(|film| {
            let truth = &film.radiograph.truth;
            let count = |mask: &[u8]| mask.iter().filter(|v| **v > 0).count();
            let nodules: Vec<Value> = truth
                .nodules
                .iter()
                .map(|p| {
                    let mut value = nodule_json(&p.nodule);
                    if let Some(map) = value.as_object_mut() {
                        map.insert("column_row".into(), json!(p.column_row));
                        map.insert("diameter_px".into(), json!(p.diameter_px));
                    }
                    value
                })
                .collect();
            json!({
                "study_instance_uid": film.study.study.uid,
                "sop_instance_uid": film.study.instance_uids.first(),
                "columns": film.radiograph.frame.columns,
                "rows": film.radiograph.frame.rows,
                "imager_pixel_spacing_mm": film.radiograph.pixel_mm,
                "source_detector_mm": SOURCE_DETECTOR_MM,
                "lung_field_pixels": count(&truth.lung_fields),
                "lung_projection_pixels": count(&truth.lung_projection),
                "nodules": nodules
            })
        })
        .collect();
    json!({
        "ct": {
            "study_instance_uid": ct.study.study.uid,
            "series_instance_uid": ct.study.series.uid,
            "size": grid.size,
            "spacing_mm": grid.spacing_mm(),
            "origin_lps": grid.patient_from_voxel.translation.to_array(),
            "noise_hu": truth.noise_hu,
            "nodules": truth.nodules.iter().map(nodule_json).collect::<Vec<_>>(),
            "organs": truth.organs.iter().map(|o| json!({
                "organ": o.organ.word(),
                "voxels": o.voxels,
                "volume_ml": o.volume_ml,
                "centroid_lps": o.centroid_lps
            })).collect::<Vec<_>>()
        },
        "radiographs": films
    })
}

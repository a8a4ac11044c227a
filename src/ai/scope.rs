//! Whether a picture is one that the lung-field model was made for, and whether its result can be right.
//!
//! The header decides before the network runs; what it does not say is flagged, what it contradicts is refused.

use super::{card::About, readback::ProbabilityMap};
use crate::{
    imaging::thorax::regions,
    model::{
        finding::{Finding, Severity},
        geometry::Spacing,
        layout::SeriesLayout,
        study::{ImageDescription, Instance, SourceKind},
    },
};
use serde::{Deserialize, Serialize};

/// Years below which a chest radiograph is a child's here. A line drawn by intended use: nobody measured how well
/// the model does on children.
const ADULT_YEARS: f64 = 16.0;

/// Sides of a picture of a whole adult chest in millimetres. Films and detectors have 35 to 43 cm; cropped ones less.
const CHEST_FIELD_MM: [f64; 2] = [180.0, 520.0];

/// Cosine of 25 degrees: gantries tilt by up to 30, but rarely for a chest.
const AXIAL_COSINE: f64 = 0.906;

/// Modalities of plain radiographs: computed, digital, and digitised film.
const RADIOGRAPHS: [&str; 3] = ["CR", "DX", "RG"];

/// Share of the picture that both lungs may cover. The 218 true masks of the training sets lie within 0.098 and
/// 0.433.
pub const LUNG_SHARE: [f64; 2] = [0.07, 0.5];

/// Least share of the picture that a lung covers. In the 218 true masks the smaller lung covers 0.034 at least.
const SMALLER_LUNG_SHARE: f64 = 0.02;

fn refused(code: &'static str, sentence: impl Into<String>) -> Finding {
    Finding::new(code, Severity::Error, sentence)
}

fn flagged(code: &'static str, sentence: impl Into<String>) -> Finding {
    Finding::new(code, Severity::Warning, sentence)
}

/// What a model is for, as far as a header tells; a part of its card. What is left out is not asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// Modalities (0008,0060); others are refused.
    pub modalities: Vec<String>,
    /// Words that Body Part Examined (0018,0015) may contain; others are refused.
    #[serde(default)]
    pub body_parts: Vec<String>,
    /// Only frontal views of a radiograph (PA, AP).
    #[serde(default)]
    pub frontal: bool,
    /// Younger patients are refused.
    #[serde(default)]
    pub least_age_years: Option<f64>,
    /// Volumes, and not single pictures.
    #[serde(default)]
    pub volumes: bool,
    /// Only planes within 25 degrees of the axial one.
    #[serde(default)]
    pub axial: bool,
    /// Least and largest distance of pixels, millimetres; others are flagged.
    #[serde(default)]
    pub spacing_mm: Option<[f64; 2]>,
    /// Least and largest slice thickness (0018,0050), millimetres; others are flagged.
    #[serde(default)]
    pub slice_mm: Option<[f64; 2]>,
    /// Least and largest side of the picture, millimetres; others are flagged.
    #[serde(default)]
    pub field_mm: Option<[f64; 2]>,
}

/// As [`Scope::check`] for a series and a model for volumes: what its card says, or else its modalities. A model that
/// was trained on made-up people proposes on real ones only when asked to in spite of this.
///
/// # Errors
/// The reason not to run, as a finding.
pub fn volume_scope(
    layout: &SeriesLayout,
    about: &About,
    scope: Option<&Scope>,
) -> Result<Vec<Finding>, Finding> {
    let Some(instance) = layout.first_instance() else {
        return Err(refused("NO_PICTURE", "The series holds no picture"));
    };
    let scope = scope.cloned().unwrap_or_else(|| Scope {
        modalities: about.modalities.clone(),
        volumes: true,
        ..Scope::default()
    });
    let findings = scope.check(instance)?;
    if about.synthetic_only && !instance.patient.synthetic {
        return Err(refused(
            "SYNTHETIC_ONLY",
            "The model was trained on generated pictures alone; it is not shown real patients unless asked to",
        ));
    }
    Ok(findings)
}

impl Scope {
    /// Frontal chest radiographs of adults.
    pub fn chest_radiographs() -> Self {
        let words = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect();
        Self {
            modalities: words(&RADIOGRAPHS),
            body_parts: words(&["CHEST", "THORAX", "LUNG"]),
            frontal: true,
            least_age_years: Some(ADULT_YEARS),
            field_mm: Some(CHEST_FIELD_MM),
            ..Self::default()
        }
    }

    /// What is in its words, for sentences.
    fn kind(&self) -> String {
        let modalities = self.modalities.join(", ");
        match self.is_chest_film() {
            true => format!("plain chest radiographs ({modalities})"),
            false if self.volumes => format!("volumes of {modalities}"),
            false => format!("pictures of {modalities}"),
        }
    }

    fn is_chest_film(&self) -> bool {
        let radiographs = |m: &String| RADIOGRAPHS.contains(&m.as_str());
        self.frontal && self.modalities.iter().all(radiographs)
    }

    /// Findings to show beside the result, or the reason not to run.
    ///
    /// # Errors
    /// The reason, as a finding.
    pub fn check(&self, instance: &Instance) -> Result<Vec<Finding>, Finding> {
        let Some(image) = &instance.image else {
            return Err(refused("NO_PICTURE", "The object holds no picture"));
        };
        let not_this = |what: &str| {
            let code = match self.is_chest_film() {
                true => "NOT_A_RADIOGRAPH",
                false => "OTHER_MODALITY",
            };
            let kind = self.kind();
            refused(code, format!("The model is for {kind}, and this is {what}"))
        };
        match instance.source.kind {
            SourceKind::Volume if self.volumes => {
                let text =
                    "A volume file does not say what it shows; check that the model is for it";
                return Ok(vec![flagged("SCOPE_UNKNOWN", text)]);
            }
            SourceKind::Volume => return Err(not_this("a volume")),
            SourceKind::Dicom => {}
            _ if self.volumes => return Err(not_this("a picture file")),
            _ => {
                let text = match self.is_chest_film() {
                    true => {
                        "A picture file does not say what it shows; the model is for frontal chest radiographs of adults"
                    }
                    false => {
                        "A picture file does not say what it shows; check that the model is for it"
                    }
                };
                return Ok(vec![flagged("SCOPE_UNKNOWN", text)]);
            }
        }
        let mut findings = Vec::new();
        let series = &instance.series;
        let modality = series.modality.trim().to_ascii_uppercase();
        if !self.modalities.is_empty() && !self.modalities.contains(&modality) {
            return Err(not_this("another modality"));
        }
        if image.samples != 1 || image.palette.is_some() {
            return Err(refused(
                "COLOUR_PICTURE",
                "This is a colour picture; the model was made for grey radiographs",
            ));
        }
        if image.frames != 1 && !self.volumes {
            return Err(refused(
                "MANY_FRAMES",
                "The model is for single radiographs, not for sequences",
            ));
        }
        self.check_body(instance, &mut findings)?;
        self.check_geometry(image, &mut findings)?;
        Ok(findings)
    }

    fn check_body(&self, instance: &Instance, findings: &mut Vec<Finding>) -> Result<(), Finding> {
        let series = &instance.series;
        match self.has_body_part(&series.body_part) {
            Some(true) => {}
            Some(false) if self.is_chest_film() => {
                return Err(refused(
                    "NOT_A_CHEST",
                    "The header names another body part than the chest",
                ));
            }
            Some(false) => {
                let parts = self.body_parts.join(", ").to_lowercase();
                return Err(refused(
                    "OTHER_BODY_PART",
                    format!("The header names another body part; the model is for: {parts}"),
                ));
            }
            None => findings.push(flagged(
                "BODY_PART_UNKNOWN",
                "The header names no body part",
            )),
        }
        if self.frontal {
            match frontal(&series.view_position, &series.description) {
                Some(true) => {}
                Some(false) => {
                    return Err(refused(
                        "LATERAL_VIEW",
                        "This is not a frontal view; the model knows PA and AP only",
                    ));
                }
                None => findings.push(flagged(
                    "VIEW_UNKNOWN",
                    "The header does not say that the view is frontal",
                )),
            }
        }
        if let Some(least) = self.least_age_years {
            match age_years(instance) {
                Some(age) if age < least => {
                    return Err(refused(
                        "CHILD",
                        format!(
                            "The patient is under {least} years; the model is meant for adults"
                        ),
                    ));
                }
                Some(_) => {}
                None => findings.push(flagged(
                    "AGE_UNKNOWN",
                    "The header gives no age; the model is meant for adults",
                )),
            }
        }
        Ok(())
    }

    fn check_geometry(
        &self,
        image: &ImageDescription,
        findings: &mut Vec<Finding>,
    ) -> Result<(), Finding> {
        let frame = image.frame(0);
        let within = |value: f64, [low, high]: [f64; 2]| (low..=high).contains(&value);
        let unusual = |code, what: &str, value: f64, [low, high]: [f64; 2]| {
            let text = format!("{what} is {value:.2} mm; the model knows {low} to {high} mm");
            flagged(code, text).with("mm", value)
        };
        if let Spacing::Millimetres {
            row_mm, column_mm, ..
        } = frame.spacing
        {
            if let Some(range) = self.spacing_mm
                && let Some(off) = [row_mm, column_mm].into_iter().find(|s| !within(*s, range))
            {
                findings.push(unusual("SPACING_UNUSUAL", "The pixel spacing", off, range));
            }
            let sides = [image.rows as f64 * row_mm, image.columns as f64 * column_mm];
            if let Some(range) = self.field_mm
                && let Some(off) = sides.into_iter().find(|s| !within(*s, range))
            {
                findings.push(unusual(
                    "FIELD_UNUSUAL",
                    "A side of the picture",
                    off,
                    range,
                ));
            }
        } else if self.spacing_mm.is_some() {
            findings.push(flagged(
                "PIXEL_SPACING_UNKNOWN",
                "The header gives no pixel spacing; the model expects a certain one",
            ));
        }
        if let (Some(range), Some(thick)) = (self.slice_mm, frame.slice_thickness_mm)
            && !within(thick, range)
        {
            findings.push(unusual(
                "SLICES_UNUSUAL",
                "The slice thickness",
                thick,
                range,
            ));
        }
        if self.axial {
            match frame.plane.map(|p| p.normal().z.abs()) {
                Some(z) if z < AXIAL_COSINE => {
                    return Err(refused(
                        "NOT_AXIAL",
                        "The slices are not axial; the model knows no other plane",
                    ));
                }
                Some(_) => {}
                None => findings.push(flagged(
                    "PLANE_UNKNOWN",
                    "The header does not say how the slices lie; the model knows axial ones",
                )),
            }
        }
        Ok(())
    }

    /// Body Part Examined (defined terms of PS3.16 Annex L, and what is found in practice).
    fn has_body_part(&self, body_part: &str) -> Option<bool> {
        if self.body_parts.is_empty() {
            return Some(true);
        }
        let part = body_part.trim().to_ascii_uppercase();
        if part.is_empty() {
            return None;
        }
        Some(
            self.body_parts
                .iter()
                .any(|word| part.contains(word.as_str())),
        )
    }
}

/// As [`Scope::check`] for the bundled models of frontal chest radiographs.
///
/// # Errors
/// The reason not to run, as a finding.
pub fn scope_check(instance: &Instance) -> Result<Vec<Finding>, Finding> {
    Scope::chest_radiographs().check(instance)
}

/// View Position (PS3.3 C.8.7.5.1.1: AP, PA, LL, RL …); when absent, the words of the series description.
fn frontal(view_position: &str, description: &str) -> Option<bool> {
    let view = view_position.trim().to_ascii_uppercase();
    match view.as_str() {
        "PA" | "AP" => return Some(true),
        "" => {}
        _ => return Some(false),
    }
    let words = description.to_ascii_uppercase();
    let mut words = words.split(|c: char| !c.is_ascii_alphanumeric());
    words.find_map(|word| match word {
        "LAT" | "LATERAL" | "LL" | "RL" => Some(false),
        _ => None,
    })
}

/// Patient's Age (`nnnD`, `nnnW`, `nnnM` or `nnnY`), else from the birth date on the day of the study.
fn age_years(instance: &Instance) -> Option<f64> {
    let text = instance
        .study
        .patient_age
        .reveal()
        .trim()
        .to_ascii_uppercase();
    let per_year = match text.chars().last() {
        Some('Y') => Some(1.0),
        Some('M') => Some(12.0),
        Some('W') => Some(52.18),
        Some('D') => Some(365.25),
        _ => None,
    };
    let number = text
        .get(..text.len().saturating_sub(1))
        .and_then(|n| n.trim().parse::<u16>().ok());
    if let (Some(per_year), Some(number)) = (per_year, number) {
        return Some(f64::from(number) / per_year);
    }
    let birth = (*instance.patient.birth_date.reveal())?;
    birth.years_until(instance.study.date?).map(f64::from)
}

/// What is odd about a result; empty when nothing is.
pub fn plausibility(map: &ProbabilityMap, threshold: f32) -> Vec<Finding> {
    let mask: Vec<bool> = map.values.iter().map(|&p| p >= threshold).collect();
    let total = mask.len().max(1) as f64;
    let share = mask.iter().filter(|&&m| m).count() as f64 / total;
    if share == 0.0 {
        return vec![flagged("NO_LUNG", "No lung was found")];
    }
    let mut findings = Vec::new();
    let [low, high] = LUNG_SHARE;
    if !(low..=high).contains(&share) {
        let sentence = format!(
            "The lung fields cover {:.0} % of the picture; {:.0} % to {:.0} % are usual",
            share * 100.0,
            low * 100.0,
            high * 100.0
        );
        findings
            .push(flagged("LUNG_AREA_UNUSUAL", sentence).with("percent", (share * 100.0).round()));
    }
    let large = regions(&mask, map.columns)
        .into_iter()
        .filter(|region| region.len() as f64 / total >= SMALLER_LUNG_SHARE)
        .count();
    // Two lungs that touch are one region; then the area tells.
    if large < 2 && share < 0.2 {
        findings.push(flagged("ONE_LUNG", "Only one lung was found"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        date::Date,
        geometry::{ImagePlane, Spacing, SpacingSource},
        identity::{PatientIdentity, Phi},
        lut::{ModalityLut, ModalityUnit, Photometric},
        pixels::StoredType,
        study::{
            FrameDescription, ImageDescription, SeriesDescription, Source, StudyDescription,
            Technique,
        },
    };
    use std::{path::Path, sync::Arc};

    fn chest_film(change: impl FnOnce(&mut Instance)) -> Instance {
        let mut instance = Instance {
            source: Source {
                path: Arc::from(Path::new("a.dcm")),
                kind: SourceKind::Dicom,
                bytes: 1,
                member: None,
            },
            sop_class_uid: String::new(),
            sop_instance_uid: "1.2".into(),
            transfer_syntax_uid: String::new(),
            patient: Arc::new(PatientIdentity::default()),
            study: Arc::new(StudyDescription {
                date: Date::parse("20200601"),
                patient_age: Phi::new("057Y".into()),
                ..Default::default()
            }),
            series: Arc::new(SeriesDescription {
                modality: "DX".into(),
                body_part: "CHEST".into(),
                view_position: "PA".into(),
                ..Default::default()
            }),
            instance_number: None,
            technique: Technique::default(),
            pet: None,
            object: None,
            image: Some(ImageDescription {
                rows: 8,
                columns: 8,
                frames: 1,
                samples: 1,
                bits_allocated: 16,
                bits_stored: 12,
                high_bit: 11,
                signed: false,
                stored_type: StoredType::U16,
                photometric: Photometric::Monochrome2,
                palette: None,
                padding: None,
                presentation_inverse: false,
                lossy: None,
                shared: FrameDescription {
                    plane: None,
                    spacing: Spacing::Unknown { aspect: 1.0 },
                    slice_thickness_mm: None,
                    modality_lut: ModalityLut::IDENTITY,
                    unit: ModalityUnit::Unspecified,
                    voi: vec![],
                },
                per_frame: vec![],
                display: Arc::default(),
                parts: Default::default(),
            }),
            findings: vec![],
        };
        change(&mut instance);
        instance
    }

    fn series(change: impl FnOnce(&mut SeriesDescription)) -> Result<Vec<Finding>, Finding> {
        scope_check(&chest_film(|i| change(Arc::make_mut(&mut i.series))))
    }

    fn age(text: &str, birth: &str) -> Result<Vec<Finding>, Finding> {
        scope_check(&chest_film(|i| {
            Arc::make_mut(&mut i.study).patient_age = Phi::new(text.into());
            Arc::make_mut(&mut i.patient).birth_date = Phi::new(Date::parse(birth));
        }))
    }

    fn code(result: Result<Vec<Finding>, Finding>) -> Result<Vec<&'static str>, &'static str> {
        result
            .map(|f| f.into_iter().map(|f| f.code).collect())
            .map_err(|f| f.code)
    }

    #[test]
    fn an_adult_frontal_chest_film_is_in_scope() {
        assert_eq!(code(scope_check(&chest_film(|_| ()))), Ok(vec![]));
        assert_eq!(code(series(|s| s.view_position = "AP".into())), Ok(vec![]));
        assert_eq!(code(series(|s| s.modality = "CR".into())), Ok(vec![]));
    }

    #[test]
    fn what_the_header_contradicts_is_refused() {
        assert_eq!(
            code(series(|s| s.modality = "CT".into())),
            Err("NOT_A_RADIOGRAPH")
        );
        assert_eq!(
            code(series(|s| s.body_part = "HAND".into())),
            Err("NOT_A_CHEST")
        );
        for view in ["LL", "RL", "LLD", "LATERAL"] {
            assert_eq!(
                code(series(|s| s.view_position = view.into())),
                Err("LATERAL_VIEW")
            );
        }
        let by_words = |s: &mut SeriesDescription| {
            s.view_position.clear();
            s.description = "Chest lat.".into();
        };
        assert_eq!(code(series(by_words)), Err("LATERAL_VIEW"));
        let image = |change: fn(&mut ImageDescription)| {
            code(scope_check(&chest_film(|i| {
                change(i.image.as_mut().unwrap())
            })))
        };
        assert_eq!(image(|i| i.samples = 3), Err("COLOUR_PICTURE"));
        assert_eq!(image(|i| i.frames = 20), Err("MANY_FRAMES"));
        assert_eq!(
            code(scope_check(&chest_film(|i| i.image = None))),
            Err("NO_PICTURE")
        );
    }

    #[test]
    fn children_are_refused_by_age_or_birth_date() {
        for young in ["015Y", "006M", "010D", "150M"] {
            assert_eq!(code(age(young, "")), Err("CHILD"), "{young}");
        }
        assert_eq!(code(age("016Y", "")), Ok(vec![]));
        assert_eq!(code(age("", "20041231")), Err("CHILD"));
        assert_eq!(code(age("", "19800101")), Ok(vec![]));
    }

    #[test]
    fn what_the_header_does_not_say_is_flagged() {
        let silent = |s: &mut SeriesDescription| {
            s.body_part.clear();
            s.view_position.clear();
        };
        assert_eq!(
            code(series(silent)),
            Ok(vec!["BODY_PART_UNKNOWN", "VIEW_UNKNOWN"])
        );
        assert_eq!(code(age("", "")), Ok(vec!["AGE_UNKNOWN"]));
        let picture = chest_film(|i| i.source.kind = SourceKind::Png);
        assert_eq!(code(scope_check(&picture)), Ok(vec!["SCOPE_UNKNOWN"]));
    }

    #[test]
    fn other_models_have_scopes_of_their_own() {
        let scope = Scope {
            modalities: vec!["CT".into()],
            body_parts: vec!["CHEST".into()],
            volumes: true,
            axial: true,
            spacing_mm: Some([0.4, 1.2]),
            slice_mm: Some([0.5, 3.0]),
            ..Scope::default()
        };
        let text = toml::to_string(&scope).unwrap();
        assert_eq!(toml::from_str::<Scope>(&text).unwrap(), scope);
        let slice = |row_mm: f64, thick: f64, along: [f64; 6]| {
            let instance = chest_film(|i| {
                Arc::make_mut(&mut i.series).modality = "CT".into();
                let frame = &mut i.image.as_mut().unwrap().shared;
                frame.slice_thickness_mm = Some(thick);
                frame.plane = ImagePlane::new([0.0; 3], along);
                frame.spacing = Spacing::Millimetres {
                    row_mm,
                    column_mm: row_mm,
                    source: SpacingSource::PixelSpacing,
                };
            });
            code(scope.check(&instance))
        };
        let axial = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];
        assert_eq!(slice(0.7, 1.5, axial), Ok(vec![]));
        assert_eq!(slice(2.0, 1.5, axial), Ok(vec!["SPACING_UNUSUAL"]));
        assert_eq!(slice(0.7, 8.0, axial), Ok(vec!["SLICES_UNUSUAL"]));
        assert_eq!(
            slice(0.7, 1.5, [1.0, 0.0, 0.0, 0.0, 0.0, -1.0]),
            Err("NOT_AXIAL")
        );
        assert_eq!(
            code(scope.check(&chest_film(|_| ()))),
            Err("OTHER_MODALITY")
        );
        let head = chest_film(|i| {
            let series = Arc::make_mut(&mut i.series);
            (series.modality, series.body_part) = ("CT".into(), "HEAD".into());
        });
        assert_eq!(code(scope.check(&head)), Err("OTHER_BODY_PART"));
        let picture = chest_film(|i| i.source.kind = SourceKind::Png);
        assert_eq!(code(scope.check(&picture)), Err("OTHER_MODALITY"));
        let volume = chest_film(|i| i.source.kind = SourceKind::Volume);
        assert_eq!(code(scope.check(&volume)), Ok(vec!["SCOPE_UNKNOWN"]));
    }

    #[test]
    fn a_field_that_is_no_chest_is_flagged() {
        let of = |mm: f64| {
            code(scope_check(&chest_film(|i| {
                i.image.as_mut().unwrap().shared.spacing = Spacing::Millimetres {
                    row_mm: mm,
                    column_mm: mm,
                    source: SpacingSource::PixelSpacing,
                };
            })))
        };
        // Eight pixels.
        assert_eq!(of(45.0), Ok(vec![]));
        assert_eq!(of(10.0), Ok(vec!["FIELD_UNUSUAL"]));
        assert_eq!(of(90.0), Ok(vec!["FIELD_UNUSUAL"]));
    }

    #[test]
    fn implausible_lungs_are_noticed() {
        let map = |inside: fn(usize, usize) -> bool| ProbabilityMap {
            rows: 100,
            columns: 100,
            values: (0..10_000)
                .map(|i| if inside(i % 100, i / 100) { 0.9 } else { 0.1 })
                .collect(),
        };
        let codes = |map: &ProbabilityMap| -> Vec<&'static str> {
            plausibility(map, 0.5).into_iter().map(|f| f.code).collect()
        };
        let two =
            map(|x, y| (20..80).contains(&y) && ((15..40).contains(&x) || (60..85).contains(&x)));
        assert!(codes(&two).is_empty());
        let one = map(|x, y| (20..80).contains(&y) && (15..40).contains(&x));
        assert_eq!(codes(&one), ["ONE_LUNG"]);
        assert_eq!(codes(&map(|_, y| y < 80)), ["LUNG_AREA_UNUSUAL"]);
        assert_eq!(codes(&map(|_, _| false)), ["NO_LUNG"]);
        let specks = map(|x, y| x % 7 == 0 && y % 9 == 0);
        assert_eq!(codes(&specks), ["LUNG_AREA_UNUSUAL", "ONE_LUNG"]);
    }
}

//! From a guarded file to an [`Instance`]: identity, study, series, technique and picture.

use super::{
    charset::{CharacterSets, Problem, TextKind},
    content::{self, kind_of},
    cover::{display_modules, is_overlay_text},
    elements::{DataSet, first_item, integer, numbers, raw_text, read_data_set, text, texts},
    facts,
    functional::is_localizer,
    guard::{Fault, Limits, Structure, Want, key},
    image::{Missing, describe_image},
    laterality, pet,
};
use crate::model::{
    cine::CineFacts,
    content::ObjectKind,
    cover::DisplayModules,
    date::Date,
    finding::{Finding, Severity},
    identity::{PatientIdentity, PersonName, Phi, Sex},
    study::{
        ImageDescription, Instance, SeriesDescription, Source, SourceKind, StudyDescription,
        Technique,
    },
    worklist::Priority,
};
use dicom_dictionary_std::tags;
use dicom_object::Tag;
use std::{
    path::Path,
    sync::{Arc, LazyLock},
};

/// Media Storage Directory: a list of files, not a picture.
const DICOMDIR: &str = "1.2.840.10008.1.3.10";

/// What Patient Comments begin with in objects of ours that describe nobody.
pub const SYNTHETIC_MARK: &str = "SYNTHETIC";

/// Study Priority ID (0032,000C), retired in 2006 and still written.
const STUDY_PRIORITY: Tag = Tag(0x0032, 0x000C);

/// Text and numbers that are read.
const TEXTS: &[Tag] = &[
    tags::SPECIFIC_CHARACTER_SET,
    tags::IMAGE_TYPE,
    tags::SOP_CLASS_UID,
    tags::SOP_INSTANCE_UID,
    tags::STUDY_DATE,
    tags::ACQUISITION_DATE,
    tags::CONTENT_DATE,
    tags::ACQUISITION_DATE_TIME,
    tags::STUDY_TIME,
    tags::ACQUISITION_TIME,
    tags::CONTENT_TIME,
    tags::ACCESSION_NUMBER,
    tags::MODALITY,
    tags::INSTITUTION_NAME,
    tags::STUDY_DESCRIPTION,
    tags::SERIES_DESCRIPTION,
    tags::PATIENT_NAME,
    tags::PATIENT_ID,
    tags::ISSUER_OF_PATIENT_ID,
    tags::PATIENT_BIRTH_DATE,
    tags::PATIENT_SEX,
    tags::PATIENT_AGE,
    tags::PATIENT_COMMENTS,
    tags::CONTRAST_BOLUS_AGENT,
    tags::BODY_PART_EXAMINED,
    tags::SLICE_THICKNESS,
    tags::KVP,
    tags::REPETITION_TIME,
    tags::ECHO_TIME,
    tags::MAGNETIC_FIELD_STRENGTH,
    tags::PROTOCOL_NAME,
    tags::FRAME_TIME,
    tags::START_TRIM,
    tags::STOP_TRIM,
    tags::RECOMMENDED_DISPLAY_FRAME_RATE,
    tags::CINE_RATE,
    tags::PREFERRED_PLAYBACK_SEQUENCING,
    tags::ESTIMATED_RADIOGRAPHIC_MAGNIFICATION_FACTOR,
    tags::EXPOSURE,
    tags::IMAGER_PIXEL_SPACING,
    tags::CONVOLUTION_KERNEL,
    tags::NOMINAL_SCANNED_PIXEL_SPACING,
    tags::PATIENT_POSITION,
    tags::PATIENT_ORIENTATION,
    tags::VIEW_POSITION,
    tags::STUDY_INSTANCE_UID,
    tags::SERIES_INSTANCE_UID,
    tags::SERIES_NUMBER,
    tags::INSTANCE_NUMBER,
    tags::IMAGE_POSITION_PATIENT,
    tags::IMAGE_ORIENTATION_PATIENT,
    tags::FRAME_OF_REFERENCE_UID,
    tags::LATERALITY,
    tags::IMAGE_LATERALITY,
    tags::SAMPLES_PER_PIXEL,
    tags::PHOTOMETRIC_INTERPRETATION,
    tags::PLANAR_CONFIGURATION,
    tags::NUMBER_OF_FRAMES,
    tags::ROWS,
    tags::COLUMNS,
    tags::PIXEL_SPACING,
    tags::PIXEL_SPACING_CALIBRATION_TYPE,
    tags::IMAGE_PLANE_PIXEL_SPACING,
    tags::PIXEL_ASPECT_RATIO,
    tags::BITS_ALLOCATED,
    tags::BITS_STORED,
    tags::HIGH_BIT,
    tags::PIXEL_REPRESENTATION,
    tags::PIXEL_PADDING_VALUE,
    tags::PIXEL_PADDING_RANGE_LIMIT,
    tags::WINDOW_CENTER,
    tags::WINDOW_WIDTH,
    tags::RESCALE_INTERCEPT,
    tags::RESCALE_SLOPE,
    tags::RESCALE_TYPE,
    tags::WINDOW_CENTER_WIDTH_EXPLANATION,
    tags::VOILUT_FUNCTION,
    STUDY_PRIORITY,
    tags::REQUESTED_PROCEDURE_PRIORITY,
    tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
    tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
    tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
    tags::LOSSY_IMAGE_COMPRESSION,
    tags::LOSSY_IMAGE_COMPRESSION_RATIO,
    tags::LOSSY_IMAGE_COMPRESSION_METHOD,
    tags::UNITS,
    tags::PRESENTATION_LUT_SHAPE,
    tags::COLOR_SPACE,
    tags::SHUTTER_SHAPE,
    tags::SHUTTER_LEFT_VERTICAL_EDGE,
    tags::SHUTTER_RIGHT_VERTICAL_EDGE,
    tags::SHUTTER_UPPER_HORIZONTAL_EDGE,
    tags::SHUTTER_LOWER_HORIZONTAL_EDGE,
    tags::CENTER_OF_CIRCULAR_SHUTTER,
    tags::RADIUS_OF_CIRCULAR_SHUTTER,
    tags::VERTICES_OF_THE_POLYGONAL_SHUTTER,
    tags::SHUTTER_PRESENTATION_VALUE,
    tags::SHUTTER_OVERLAY_GROUP,
    tags::SHUTTER_PRESENTATION_COLOR_CIE_LAB_VALUE,
    tags::DOSE_UNITS,
    tags::DOSE_GRID_SCALING,
    tags::SPACING_BETWEEN_SLICES,
    tags::IMAGES_IN_ACQUISITION,
];

/// Sequences and tables that are read.
const LARGE: &[Tag] = &[
    tags::SEQUENCE_OF_ULTRASOUND_REGIONS,
    tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DATA,
    tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA,
    tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA,
    tags::SEGMENTED_RED_PALETTE_COLOR_LOOKUP_TABLE_DATA,
    tags::SEGMENTED_GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA,
    tags::SEGMENTED_BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA,
    tags::MODALITY_LUT_SEQUENCE,
    tags::VOILUT_SEQUENCE,
    tags::PRESENTATION_LUT_SEQUENCE,
    tags::GRID_FRAME_OFFSET_VECTOR,
    tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE,
    tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE,
    tags::DIMENSION_INDEX_SEQUENCE,
    tags::DETECTOR_INFORMATION_SEQUENCE,
    tags::VIEW_CODE_SEQUENCE,
    tags::SLICE_VECTOR,
    tags::FRAME_TIME_VECTOR,
];

/// What is read, in order of tags.
static WANTED: LazyLock<Vec<(Tag, Want)>> = LazyLock::new(|| {
    let texts = TEXTS
        .iter()
        .chain(facts::TEXTS)
        .map(|tag| (*tag, Want::Text));
    let large = LARGE.iter().map(|tag| (*tag, Want::Large));
    let mut all: Vec<(Tag, Want)> = texts.chain(large).collect();
    all.sort_by_key(|(tag, _)| key(*tag));
    all
});

fn wanted(tag: Tag) -> Want {
    if tag.0 % 2 == 1 {
        // Nothing private is among them.
        return Want::No;
    }
    match WANTED.binary_search_by_key(&key(tag), |(tag, _)| key(*tag)) {
        Ok(place) => WANTED.get(place).map_or(Want::No, |(_, want)| *want),
        Err(_) if is_overlay_text(tag) => Want::Text,
        Err(_) => Want::No,
    }
}

/// Reads a DICOM file's header.
///
/// # Errors
/// Every refusal of the guard and of the checks of values, by code.
pub fn read_dicom(path: &Arc<Path>, limits: &Limits) -> Result<Instance, Fault> {
    describe(path, Structure::of_file(path, limits)?)
}

/// An instance from a structure that was walked already.
///
/// # Errors
/// See [`read_dicom`].
pub fn describe(path: &Arc<Path>, mut structure: Structure) -> Result<Instance, Fault> {
    if structure.media_class == DICOMDIR {
        return Err(Fault::unsupported(
            "DICOMDIR",
            "a directory of files (DICOMDIR)",
        ));
    }
    let data_set = read_data_set(&structure, wanted)?;
    let mut findings = std::mem::take(&mut structure.findings);
    let sop_class_uid = uid(&data_set, tags::SOP_CLASS_UID, &mut findings);
    if sop_class_uid == DICOMDIR {
        return Err(Fault::unsupported(
            "DICOMDIR",
            "a directory of files (DICOMDIR)",
        ));
    }
    let modality = text(&data_set, tags::MODALITY);
    let mut missing = Missing::default();
    let describes_picture = is_image_class(&sop_class_uid)
        || structure.pixels.is_some()
        || data_set.get(tags::ROWS).is_some()
        || data_set.get(tags::COLUMNS).is_some();
    let mut image = if describes_picture {
        Some(describe_image(
            &structure,
            &data_set,
            &modality,
            &sop_class_uid,
            &mut missing,
            &mut findings,
        )?)
    } else {
        None
    };
    if image.is_none() && sop_class_uid.is_empty() {
        return Err(Fault::rejected(
            "NO_OBJECT",
            "neither a picture nor an object of a known class",
        ));
    }
    let mut said = Said::of(&data_set);
    let series = series(&data_set, &mut said, modality, &mut findings);
    let study = study(&data_set, &mut said, &mut findings);
    let patient = patient(&data_set, &mut said);
    let technique = technique(&data_set, &mut said);
    if let Some(image) = &mut image {
        let mut words = |tag| said.text(tag, TextKind::Short);
        let mut modules = display_modules(&structure, &data_set, image, &mut words, &mut findings);
        if image.parts.mosaic.is_some() && modules.has_cover() {
            // They count in rows and columns of the whole matrix, and what is shown are its tiles.
            modules = DisplayModules {
                presentation_lut: modules.presentation_lut,
                ..DisplayModules::default()
            };
            let text = "overlay or shutter of a mosaic: not drawn over its slices";
            findings.push(Finding::new("OVERLAY_NOT_DRAWN", Severity::Warning, text));
        }
        image.display = Arc::new(modules);
    }
    said.into_findings(&mut findings);
    let sop_instance_uid = uid(&data_set, tags::SOP_INSTANCE_UID, &mut findings);
    let in_series = is_of_a_series(&sop_class_uid);
    for (name, value, wanted) in [
        ("SOP Class UID", &sop_class_uid, true),
        ("SOP Instance UID", &sop_instance_uid, true),
        ("Study Instance UID", &study.uid, in_series),
        ("Series Instance UID", &series.uid, in_series),
        ("Modality", &series.modality, in_series),
    ] {
        if wanted && value.is_empty() {
            missing.note(name);
        }
    }
    findings.extend(missing.into_finding());
    if let Some(image) = &image {
        image_findings(image, &series.modality, &mut findings);
        colour_profile(&structure, &data_set, image, &mut findings);
        if is_localizer(&texts(&data_set, tags::IMAGE_TYPE)) {
            let text = "a localizer";
            findings.push(Finding::new("LOCALIZER", Severity::Info, text));
        }
    }
    let pet = if image.is_some() && series.modality == "PT" {
        Some(Arc::new(pet::read(&structure)?))
    } else {
        None
    };
    // What it says beside a picture, or instead of one.
    let object = match kind_of(&sop_class_uid) {
        ObjectKind::Picture if image.is_some() => None,
        _ => Some(Arc::new(content::describe(&structure, &sop_class_uid)?)),
    };
    Ok(Instance {
        source: Source {
            path: Arc::clone(path),
            kind: SourceKind::Dicom,
            bytes: structure.file_bytes,
            member: None,
        },
        sop_class_uid,
        sop_instance_uid,
        transfer_syntax_uid: structure.syntax.uid.to_owned(),
        patient: Arc::new(patient),
        study: Arc::new(study),
        series: Arc::new(series),
        instance_number: integer(&data_set, tags::INSTANCE_NUMBER)
            .ok()
            .flatten()
            .and_then(|n| i32::try_from(n).ok()),
        technique,
        pet,
        object,
        image,
        findings,
    })
}

/// Whether objects of this class are pictures (PS3.4 table B.5-1): one that has none was cut.
pub(super) fn is_image_class(uid: &str) -> bool {
    let Some(rest) = uid.strip_prefix("1.2.840.10008.5.1.4.1.1.") else {
        return false;
    };
    let family = rest.split('.').next().unwrap_or_default();
    matches!(
        family,
        "1" | "2" | "3" | "5" | "6" | "7" | "12" | "13" | "14" | "20" | "30" | "77" | "128" | "130"
    ) && !rest.starts_with("77.1.5.3")
        || matches!(
            rest,
            "4" | "4.1" | "4.3" | "4.4" | "66.4" | "66.7" | "481.1" | "481.2"
        )
}

/// Whether objects of this class belong to a patient's series: palettes, protocols and templates do not (PS3.4 table
/// GG.3-1 lists those beside B.5-1).
fn is_of_a_series(uid: &str) -> bool {
    let standard = uid.strip_prefix("1.2.840.10008.5.1.4.");
    standard.is_none_or(|rest| rest.starts_with("1."))
}

/// A UID, whose text reaches file names and messages of others; anything else is marked and dropped.
fn uid(data_set: &DataSet, tag: Tag, findings: &mut Vec<Finding>) -> String {
    // Two UIDs that differ in a control character must not become the same.
    let value = raw_text(data_set, tag);
    if !is_uid(&value) && !findings.iter().any(|f| f.code == "BAD_UID") {
        let text = "a UID holds other signs than digits and dots, or is longer than 64";
        findings.push(Finding::new("BAD_UID", Severity::Warning, text));
    }
    safe_uid(&value)
}

fn is_uid(value: &str) -> bool {
    value.len() <= 64 && value.chars().all(|c| c.is_ascii_digit() || c == '.')
}

/// A UID as it is, or what of it may stand in file names and messages.
pub(super) fn safe_uid(value: &str) -> String {
    if is_uid(value) {
        return value.to_owned();
    }
    let kept = value
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '.');
    kept.take(64).collect::<String>().replace("..", ".")
}

/// What people wrote: text whose bytes depend on Specific Character Set (0008,0005), with what is wrong with it.
/// Everything else is ASCII.
struct Said<'a> {
    data_set: &'a DataSet,
    sets: CharacterSets,
    problems: Vec<Problem>,
}

impl<'a> Said<'a> {
    fn of(data_set: &'a DataSet) -> Self {
        let (sets, problems) = data_set.character_sets();
        Self {
            data_set,
            sets,
            problems,
        }
    }

    /// The value of an element as it is written; empty when absent.
    fn bytes(&self, tag: Tag) -> &'a [u8] {
        self.data_set.get(tag).map_or(&[], |value| value.bytes)
    }

    fn note(&mut self, problems: Vec<Problem>) {
        for problem in problems {
            if !self.problems.contains(&problem) {
                self.problems.push(problem);
            }
        }
    }

    fn text(&mut self, tag: Tag, kind: TextKind) -> String {
        let decoded = self.sets.decode(self.bytes(tag), kind);
        self.note(decoded.problems);
        match decoded.text.trim() {
            trimmed if trimmed.len() == decoded.text.len() => decoded.text,
            trimmed => trimmed.to_owned(),
        }
    }

    /// The first of the names.
    fn name(&mut self, tag: Tag) -> PersonName {
        let mut names = self.sets.decode_names(self.bytes(tag));
        if names.is_empty() {
            return PersonName::default();
        }
        let name = names.swap_remove(0);
        let parsed = name.groups_by_name();
        self.note(name.problems);
        parsed
    }

    /// What was wrong with the texts, each kind once.
    fn into_findings(self, findings: &mut Vec<Finding>) {
        for problem in self.problems {
            let (code, severity) = match problem {
                Problem::UnknownTerm { .. } => ("CHARSET_UNKNOWN", Severity::Warning),
                Problem::Undecodable { .. } | Problem::UnknownEscape => {
                    ("TEXT_UNDECODABLE", Severity::Warning)
                }
                Problem::ReadAs { .. } => ("TEXT_MISLABELLED", Severity::Warning),
                Problem::BidiDropped => ("TEXT_REORDERED", Severity::Warning),
                _ => ("TEXT_ENCODING", Severity::Info),
            };
            note_once(findings, code, severity, problem.to_string());
        }
    }
}

fn note_once(findings: &mut Vec<Finding>, code: &'static str, severity: Severity, text: String) {
    if !findings.iter().any(|f| f.code == code) {
        findings.push(Finding::new(code, severity, text));
    }
}

fn patient(data_set: &DataSet, said: &mut Said<'_>) -> PatientIdentity {
    PatientIdentity {
        name: Phi::new(said.name(tags::PATIENT_NAME)),
        id: Phi::new(said.text(tags::PATIENT_ID, TextKind::Short)),
        issuer: Phi::new(said.text(tags::ISSUER_OF_PATIENT_ID, TextKind::Short)),
        birth_date: Phi::new(Date::parse(&text(data_set, tags::PATIENT_BIRTH_DATE))),
        sex: Phi::new(Sex::parse(&text(data_set, tags::PATIENT_SEX))),
        synthetic: said
            .text(tags::PATIENT_COMMENTS, TextKind::Long)
            .starts_with(SYNTHETIC_MARK),
    }
}

fn study(data_set: &DataSet, said: &mut Said<'_>, findings: &mut Vec<Finding>) -> StudyDescription {
    StudyDescription {
        uid: uid(data_set, tags::STUDY_INSTANCE_UID, findings),
        date: Date::parse(&text(data_set, tags::STUDY_DATE)),
        time: clock(&text(data_set, tags::STUDY_TIME)),
        description: said.text(tags::STUDY_DESCRIPTION, TextKind::Short),
        accession_number: Phi::new(said.text(tags::ACCESSION_NUMBER, TextKind::Short)),
        institution: Phi::new(said.text(tags::INSTITUTION_NAME, TextKind::Short)),
        patient_age: Phi::new(text(data_set, tags::PATIENT_AGE)),
        priority: match Priority::parse(&text(data_set, tags::REQUESTED_PROCEDURE_PRIORITY)) {
            Priority::Unknown => Priority::parse(&text(data_set, STUDY_PRIORITY)),
            said => said,
        },
    }
}

fn series(
    data_set: &DataSet,
    said: &mut Said<'_>,
    modality: String,
    findings: &mut Vec<Finding>,
) -> SeriesDescription {
    let (series_side, image_side) = (
        text(data_set, tags::LATERALITY),
        text(data_set, tags::IMAGE_LATERALITY),
    );
    if !series_side.is_empty() && !image_side.is_empty() && series_side != image_side {
        findings.push(Finding::new(
            "LATERALITY_CONFLICT",
            Severity::Warning,
            "Laterality and Image Laterality name different sides",
        ));
    }
    let laterality = if image_side.is_empty() {
        series_side
    } else {
        image_side
    };
    let description = said.text(tags::SERIES_DESCRIPTION, TextKind::Short);
    let body_part = text(data_set, tags::BODY_PART_EXAMINED);
    let view_position = match text(data_set, tags::VIEW_POSITION) {
        none if none.is_empty() => view_of_code(data_set).to_owned(),
        said => said,
    };
    let texts = [description.as_str(), &view_position, &body_part];
    findings.extend(laterality::check(&laterality, &texts));
    SeriesDescription {
        uid: uid(data_set, tags::SERIES_INSTANCE_UID, findings),
        protocol: said.text(tags::PROTOCOL_NAME, TextKind::Short),
        modality,
        number: integer(data_set, tags::SERIES_NUMBER)
            .ok()
            .flatten()
            .and_then(|n| i32::try_from(n).ok()),
        description,
        body_part,
        laterality,
        view_position,
        patient_position: text(data_set, tags::PATIENT_POSITION),
        frame_of_reference_uid: uid(data_set, tags::FRAME_OF_REFERENCE_UID, findings),
    }
}

/// The view that View Code Sequence (0054,0220) names, where View Position is empty: codes of mammography (PS3.16 CID 4014)
/// and of chest radiographs (CID 4010), in both generations of their scheme. Empty when it is another one, or none.
fn view_of_code(data_set: &DataSet) -> &'static str {
    let Some(item) = first_item(data_set, tags::VIEW_CODE_SEQUENCE) else {
        return "";
    };
    match text(item, tags::CODE_VALUE).as_str() {
        "R-10242" | "399162004" => "CC",
        "R-10226" | "399368009" => "MLO",
        "R-10224" | "399260004" => "ML",
        "R-10228" | "399352003" => "LM",
        "R-40888" | "272479007" => "PA",
        "R-10206" | "399348003" => "AP",
        "R-10236" | "399173006" | "R-10232" | "399198007" | "R-102CD" | "399067008" => "LAT",
        _ => "",
    }
}

/// `TM` as `hh:mm:ss`, as far as it goes; empty when it is none.
fn clock(value: &str) -> String {
    let digits: String = value
        .split('.')
        .next()
        .unwrap_or_default()
        .chars()
        .filter(|c| *c != ':')
        .collect();
    if digits.is_empty()
        || !digits.len().is_multiple_of(2)
        || !digits.bytes().all(|b| b.is_ascii_digit())
    {
        return String::new();
    }
    let parts: Vec<&str> = (0..digits.len().min(6) / 2)
        .filter_map(|i| digits.get(2 * i..2 * i + 2))
        .collect();
    parts.join(":")
}

fn technique(data_set: &DataSet, said: &mut Said<'_>) -> Technique {
    let mut leads = texts(data_set, tags::PATIENT_ORIENTATION).into_iter();
    let positive = |tag| numbers(data_set, tag).first().filter(|v| *v > 0.0);
    let stamp = |date: Tag, time: Tag| {
        let (date, time) = (text(data_set, date), text(data_set, time));
        let date = Date::parse(&date).map(|d| d.to_string());
        date.map(|date| format!("{date} {}", clock(&time)).trim().to_owned())
    };
    let combined = text(data_set, tags::ACQUISITION_DATE_TIME);
    let whole = combined.get(..8).and_then(Date::parse).map(|date| {
        let time = clock(combined.get(8..14).unwrap_or_default());
        format!("{date} {time}").trim().to_owned()
    });
    Technique {
        kvp: positive(tags::KVP),
        exposure_mas: positive(tags::EXPOSURE),
        kernel: said
            .text(tags::CONVOLUTION_KERNEL, TextKind::Short)
            .replace('\\', " "),
        repetition_time_ms: positive(tags::REPETITION_TIME),
        echo_time_ms: positive(tags::ECHO_TIME),
        field_strength_t: positive(tags::MAGNETIC_FIELD_STRENGTH),
        contrast_agent: said.text(tags::CONTRAST_BOLUS_AGENT, TextKind::Short),
        cine: cine(data_set),
        images_in_acquisition: integer(data_set, tags::IMAGES_IN_ACQUISITION)
            .ok()
            .flatten()
            .and_then(|n| u32::try_from(n).ok()),
        acquired: stamp(tags::ACQUISITION_DATE, tags::ACQUISITION_TIME)
            .or(whole)
            .or_else(|| stamp(tags::CONTENT_DATE, tags::CONTENT_TIME))
            .unwrap_or_default(),
        columns_lead_to: leads.next().unwrap_or_default(),
        rows_lead_to: leads.next().unwrap_or_default(),
    }
}

/// Times of frames: Cine and Multi-frame modules (PS3.3 C.7.6.5, C.7.6.6).
fn cine(data_set: &DataSet) -> Option<Arc<CineFacts>> {
    let positive = |tag| numbers(data_set, tag).first().filter(|v| *v > 0.0);
    let whole = |tag| integer(data_set, tag).ok().flatten();
    let frame = |tag| whole(tag).and_then(|n| usize::try_from(n).ok());
    let frames = frame(tags::NUMBER_OF_FRAMES).unwrap_or(1);
    let vector = numbers(data_set, tags::FRAME_TIME_VECTOR).values();
    let facts = CineFacts {
        // One of another length says nothing about these frames.
        frame_time_vector_ms: Some(vector)
            .filter(|v| v.len() == frames)
            .unwrap_or_default(),
        frame_time_ms: positive(tags::FRAME_TIME),
        recommended_rate: positive(tags::RECOMMENDED_DISPLAY_FRAME_RATE),
        cine_rate: positive(tags::CINE_RATE),
        sweep: whole(tags::PREFERRED_PLAYBACK_SEQUENCING) == Some(1),
        trim: [tags::START_TRIM, tags::STOP_TRIM].map(frame),
    };
    (!facts.is_empty()).then(|| Arc::new(facts))
}

/// An ICC Profile (PS3.3 C.11.15) is not applied: colours are shown as stored, which is right for sRGB only.
fn colour_profile(
    structure: &Structure,
    data_set: &DataSet,
    image: &ImageDescription,
    findings: &mut Vec<Finding>,
) {
    let in_colour = image.samples == 3 || image.palette.is_some();
    if !in_colour || structure.element(tags::ICC_PROFILE).is_none() {
        return;
    }
    let (code, text) = if text(data_set, tags::COLOR_SPACE) == "SRGB" {
        (
            "ICC_PROFILE_SRGB",
            "the colours are sRGB by their ICC profile and shown as stored",
        )
    } else {
        (
            "ICC_PROFILE",
            "the colours are shown without the conversion that their ICC profile asks for",
        )
    };
    findings.push(Finding::new(code, Severity::Info, text));
}

/// Findings that follow from the picture's description alone.
fn image_findings(image: &ImageDescription, modality: &str, findings: &mut Vec<Finding>) {
    if let Some(lossy) = &image.lossy {
        if lossy.undeclared {
            findings.push(Finding::new(
                "LOSSY_UNDECLARED",
                Severity::Warning,
                "the transfer syntax is lossy although the file does not say so",
            ));
        }
        let ratio = lossy.ratios.last().copied();
        let mut finding = Finding::new(
            "LOSSY",
            Severity::Warning,
            match ratio {
                Some(ratio) => format!("irreversibly compressed, {ratio:.1}:1"),
                None => "irreversibly compressed, ratio unknown".to_owned(),
            },
        );
        if let Some(ratio) = ratio {
            finding = finding.with("ratio", ratio);
        }
        findings.push(finding);
        // What regulators ask of displays that show mammograms: lossy ones are not for primary interpretation.
        if modality == "MG" {
            let text = "an irreversibly compressed mammogram, not for primary interpretation";
            findings.push(Finding::new("LOSSY_MAMMOGRAM", Severity::Warning, text));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_as_far_as_they_go() {
        assert_eq!(clock("142301.123"), "14:23:01");
        assert_eq!(clock("14:23"), "14:23");
        assert_eq!(clock("7"), "");
        assert_eq!(clock("abcdef"), "");
    }

    #[test]
    fn classes_of_pictures_are_known() {
        let class = |rest: &str| is_image_class(&format!("1.2.840.10008.5.1.4.1.1.{rest}"));
        for picture in [
            "2", "2.1", "1.1", "4", "4.1", "128", "481.2", "66.4", "77.1.6",
        ] {
            assert!(class(picture), "{picture}");
        }
        for other in [
            "88.33", "11.1", "481.3", "481.5", "66", "66.5", "9.1.1", "104.1", "4.2",
        ] {
            assert!(!class(other), "{other}");
        }
    }

    #[test]
    fn every_wanted_tag_is_listed_once() {
        let tags: Vec<Tag> = WANTED.iter().map(|(tag, _)| *tag).collect();
        assert!(tags.is_sorted_by(|a, b| a < b), "{tags:?}");
    }
}

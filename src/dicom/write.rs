//! Writing made-up data as DICOM, for the demo and for tests: CT and MR series, radiographs, mammograms, ultrasound films.
//! Explicit VR Little Endian.
//!
//! What is written says of itself that nobody is meant: Patient Comments (0010,4000) begin with
//! [`SYNTHETIC_MARK`], Quality Control Subject (0010,0200) is YES, and reading sets
//! [`PatientIdentity::synthetic`](crate::model::identity::PatientIdentity::synthetic).

mod elements;
pub mod film;
pub mod marks;
pub mod segmentation;
pub mod structures;

use super::{header::SYNTHETIC_MARK, raster::uid_from};
use crate::model::{
    date::Date,
    geometry::Spacing,
    identity::PatientIdentity,
    lut::{ModalityLut, WindowLevel},
    pixels::{Frame, StoredType},
    study::{SeriesDescription, StudyDescription},
    volume::Volume,
};
use elements::{Elements, decimal, decimals};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Whose data it is, in which study and series: everything that identifies, given by the caller.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SeriesIdentity {
    /// The person, who does not exist.
    pub patient: PatientIdentity,
    /// Study, with its UID.
    pub study: StudyDescription,
    /// Series, with its UID; modality and position are set by the writer where empty.
    pub series: SeriesDescription,
    /// Study ID (0020,0010).
    pub study_id: String,
    /// What the picture shows and how it was made up, for Patient Comments behind the mark.
    pub comment: String,
    /// Windows that the file offers, the default first.
    pub windows: Vec<WindowLevel>,
    /// SOP Instance UIDs in order of the instance numbers; where one is missing it is made from the series UID.
    pub instance_uids: Vec<String>,
}

pub(super) const IMPLEMENTATION_CLASS: &str = "2.25.248637911405298132104977246518620123457";
const CT_IMAGE: &str = "1.2.840.10008.5.1.4.1.1.2";
const MR_IMAGE: &str = "1.2.840.10008.5.1.4.1.1.4";
const CR_IMAGE: &str = "1.2.840.10008.5.1.4.1.1.1";
const DX_IMAGE: &str = "1.2.840.10008.5.1.4.1.1.1.1";
const MG_IMAGE: &str = "1.2.840.10008.5.1.4.1.1.1.2";

/// Writes one CT Image Storage file a slice, named `IM00001.dcm` and so on, into a folder that exists or is made.
///
/// # Errors
/// `InvalidInput` when the volume is not what CT can hold (16-bit values, rescale), and those of the disk.
pub fn write_ct_series(
    folder: &Path,
    volume: &Volume,
    identity: &SeriesIdentity,
) -> io::Result<Vec<PathBuf>> {
    fs::create_dir_all(folder)?;
    let mut paths = Vec::with_capacity(volume.frames.len());
    for (slice, frame) in volume.frames.iter().enumerate() {
        let path = folder.join(ct_slice_name(slice));
        fs::write(&path, ct_slice(volume, frame, slice, identity)?)?;
        paths.push(path);
    }
    Ok(paths)
}

/// Name of the file of a slice, counted from 0.
pub fn ct_slice_name(slice: usize) -> String {
    format!("IM{:05}.dcm", slice + 1)
}

/// The file of one slice, counted from 0, with the pixels of `frame`; the frames of `volume` are not looked at.
///
/// # Errors
/// `InvalidInput` when it is not what CT can hold (16-bit values, rescale).
pub fn ct_slice(
    volume: &Volume,
    frame: &Frame,
    slice: usize,
    identity: &SeriesIdentity,
) -> io::Result<Vec<u8>> {
    let invalid = |what: &str| io::Error::new(io::ErrorKind::InvalidInput, what.to_owned());
    let ModalityLut::Rescale { slope, intercept } = volume.modality_lut else {
        return Err(invalid("a CT volume needs a rescale"));
    };
    let (mut e, number) = slice_elements(volume, frame, slice, identity, (CT_IMAGE, "CT"))?;
    e.text(0x0008, 0x0008, b"CS", r"ORIGINAL\PRIMARY\AXIAL");
    e.text(0x0018, 0x0060, b"DS", "120");
    e.text(0x0028, 0x1052, b"DS", &decimal(intercept));
    e.text(0x0028, 0x1053, b"DS", &decimal(slope));
    e.text(0x0028, 0x1054, b"LO", "HU");
    let uid = instance_uid(identity, &number);
    Ok(e.file(CT_IMAGE, &uid, IMPLEMENTATION_CLASS))
}

/// How the echoes of an MR series were weighted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MrDescription {
    /// Repetition Time (0018,0080), milliseconds.
    pub repetition_ms: f64,
    /// Echo Time (0018,0081), milliseconds.
    pub echo_ms: f64,
    /// Inversion Time (0018,0082), milliseconds, where there was an inversion.
    pub inversion_ms: Option<f64>,
    /// Magnetic Field Strength (0018,0087), tesla.
    pub field_t: f64,
}

/// Writes one MR Image Storage file a slice, named as those of CT, into a folder that exists or is made. Stored values are
/// the values.
///
/// # Errors
/// `InvalidInput` when the volume does not hold 16-bit values, and those of the disk.
pub fn write_mr_series(
    folder: &Path,
    volume: &Volume,
    description: &MrDescription,
    identity: &SeriesIdentity,
) -> io::Result<Vec<PathBuf>> {
    fs::create_dir_all(folder)?;
    let write = |(slice, frame): (usize, &Frame)| {
        let (mut e, number) = slice_elements(volume, frame, slice, identity, (MR_IMAGE, "MR"))?;
        e.text(0x0008, 0x0008, b"CS", r"ORIGINAL\PRIMARY\M\SE");
        let inverted = description.inversion_ms.is_some();
        e.text(
            0x0018,
            0x0020,
            b"CS",
            if inverted { r"SE\IR" } else { "SE" },
        );
        e.text(0x0018, 0x0021, b"CS", "SK");
        e.text(0x0018, 0x0022, b"CS", "");
        e.text(0x0018, 0x0023, b"CS", "2D");
        e.text(0x0018, 0x0080, b"DS", &decimal(description.repetition_ms));
        e.text(0x0018, 0x0081, b"DS", &decimal(description.echo_ms));
        if let Some(time) = description.inversion_ms {
            e.text(0x0018, 0x0082, b"DS", &decimal(time));
        }
        e.text(0x0018, 0x0087, b"DS", &decimal(description.field_t));
        e.text(0x0018, 0x0091, b"IS", "");
        let path = folder.join(ct_slice_name(slice));
        let uid = instance_uid(identity, &number);
        fs::write(&path, e.file(MR_IMAGE, &uid, IMPLEMENTATION_CLASS))?;
        Ok(path)
    };
    volume.frames.iter().enumerate().map(write).collect()
}

/// What slices of all kinds say: where they lie, and their pixels. And the instance's number.
fn slice_elements(
    volume: &Volume,
    frame: &Frame,
    slice: usize,
    identity: &SeriesIdentity,
    (class, modality): (&str, &str),
) -> io::Result<(Elements, String)> {
    let matrix = volume.grid.patient_from_voxel.matrix3;
    let spacing = volume.grid.spacing_mm();
    let (along_row, along_column) = (matrix.x_axis / spacing[0], matrix.y_axis / spacing[1]);
    let signed = match frame.stored_type {
        StoredType::I16 => true,
        StoredType::U16 => false,
        _ => {
            let what = "a slice holds 16-bit values";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
    };
    let number = (slice + 1).to_string();
    let position = volume.grid.patient_from_voxel.translation + matrix.z_axis * slice as f64;
    let mut e = common(identity, class, modality, &number);
    e.text(0x0018, 0x0050, b"DS", &decimal(spacing[2]));
    let patient_position = or(&identity.series.patient_position, "HFS");
    e.text(0x0018, 0x5100, b"CS", patient_position);
    e.text(0x0020, 0x0012, b"IS", "1");
    e.text(0x0020, 0x0032, b"DS", &decimals(&position.to_array()));
    let orientation = [along_row.to_array(), along_column.to_array()].concat();
    e.text(0x0020, 0x0037, b"DS", &decimals(&orientation));
    let reference = &identity.series.frame_of_reference_uid;
    let made = uid_from(&[b"frame of reference", identity.series.uid.as_bytes()]);
    e.text(0x0020, 0x0052, b"UI", or(reference, &made));
    e.text(0x0020, 0x1040, b"LO", "");
    image_pixel(&mut e, frame, signed);
    // Rows first (PS3.3 10.7.1.3).
    e.text(0x0028, 0x0030, b"DS", &decimals(&[spacing[1], spacing[0]]));
    if let Some(padding) = volume.padding {
        let vr = if signed { b"SS" } else { b"US" };
        e.number(0x0028, 0x0120, vr, padding.low as u16);
    }
    windows(&mut e, &identity.windows);
    e.pixels(frame);
    Ok((e, number))
}

/// Which kind of projection a radiograph is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Projection {
    /// Digital X-Ray Image Storage – For Presentation.
    #[default]
    Digital,
    /// Computed Radiography Image Storage: a plate that was read.
    Computed,
    /// Digital Mammography X-Ray Image Storage – For Presentation; the side is that of the series.
    Mammogram,
}

impl Projection {
    const fn class(self) -> &'static str {
        match self {
            Self::Digital => DX_IMAGE,
            Self::Computed => CR_IMAGE,
            Self::Mammogram => MG_IMAGE,
        }
    }

    const fn modality(self) -> &'static str {
        match self {
            Self::Digital => "DX",
            Self::Computed => "CR",
            Self::Mammogram => "MG",
        }
    }
}

/// What a radiograph says beside its pixels.
#[derive(Clone, Debug, PartialEq)]
pub struct RadiographDescription {
    /// Which kind.
    pub projection: Projection,
    /// At the detector; without one the picture stays uncalibrated, which DX does not allow.
    pub spacing: Spacing,
    /// `PA`, `AP`, `LL`; of a breast `CC` or `MLO`.
    pub view_position: String,
    /// Instance Number (0020,0013).
    pub instance_number: u32,
    /// Estimated Radiographic Magnification Factor, when known.
    pub magnification: Option<f64>,
}

/// Writes a radiograph of the chest or of a breast, MONOCHROME2.
///
/// # Errors
/// `InvalidInput` when the frame is not grey of 8 or 16 unsigned bits or the spacing is unknown, and those of the disk.
pub fn write_radiograph(
    path: &Path,
    frame: &Frame,
    description: &RadiographDescription,
    identity: &SeriesIdentity,
) -> io::Result<()> {
    let invalid = |what: &str| io::Error::new(io::ErrorKind::InvalidInput, what.to_owned());
    if frame.samples != 1 || !matches!(frame.stored_type, StoredType::U8 | StoredType::U16) {
        return Err(invalid("a radiograph is grey and unsigned"));
    }
    let Spacing::Millimetres {
        row_mm, column_mm, ..
    } = description.spacing
    else {
        return Err(invalid("a radiograph needs a spacing"));
    };
    let number = description.instance_number.to_string();
    let projection = description.projection;
    let mut e = common(identity, projection.class(), projection.modality(), &number);
    e.text(0x0008, 0x0008, b"CS", r"ORIGINAL\PRIMARY");
    if let Some(factor) = description.magnification {
        e.text(0x0018, 0x1114, b"DS", &decimal(factor));
    }
    e.text(0x0018, 0x1164, b"DS", &decimals(&[row_mm, column_mm]));
    e.text(0x0018, 0x5101, b"CS", &description.view_position);
    let directions = directions(description, &identity.series.laterality);
    e.text(0x0020, 0x0020, b"CS", directions);
    image_pixel(&mut e, frame, false);
    windows(&mut e, &identity.windows);
    e.text(0x0028, 0x2110, b"CS", "00");
    if projection == Projection::Computed {
        // One side of a pair, which a chest is not.
        e.text(0x0020, 0x0060, b"CS", "");
    } else {
        digital(&mut e, description, &identity.series.laterality);
    }
    e.pixels(frame);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let uid = instance_uid(identity, &number);
    fs::write(path, e.file(projection.class(), &uid, IMPLEMENTATION_CLASS))
}

/// Patient Orientation (0020,0020): where columns and rows lead. Breasts hang with their chest wall at the side that
/// PS3.3 C.8.11.7 asks for.
fn directions(description: &RadiographDescription, laterality: &str) -> &'static str {
    let lateral = description.view_position.starts_with(['L', 'R']);
    match (description.projection, laterality, lateral) {
        (Projection::Mammogram, "R", _) if description.view_position == "CC" => r"P\L",
        (Projection::Mammogram, "R", _) => r"P\FL",
        (Projection::Mammogram, ..) if description.view_position == "CC" => r"A\R",
        (Projection::Mammogram, ..) => r"A\FR",
        (_, _, true) => r"A\F",
        (_, _, false) => r"L\F",
    }
}

/// What DX and MG ask for beyond CR (PS3.3 C.8.11).
fn digital(e: &mut Elements, description: &RadiographDescription, laterality: &str) {
    let breast = description.projection == Projection::Mammogram;
    e.text(0x0008, 0x0068, b"CS", "FOR PRESENTATION");
    let part = match breast {
        true => code("76752008", "SCT", "Breast"),
        false => code("43799004", "SCT", "Thorax"),
    };
    e.items(0x0008, 0x2218, &[part]);
    e.text(0x0018, 0x7004, b"CS", "DIRECT");
    e.text(0x0020, 0x0062, b"CS", or(laterality, "U"));
    e.text(0x0028, 0x0301, b"CS", "NO");
    e.text(0x0028, 0x1040, b"CS", "LOG");
    e.number(0x0028, 0x1041, b"SS", 0xFFFF);
    e.text(0x0028, 0x1052, b"DS", "0");
    e.text(0x0028, 0x1053, b"DS", "1");
    e.text(0x0028, 0x1054, b"LO", "US");
    e.items(0x0040, 0x0555, &[]);
    let mut view = match (description.view_position.as_str(), breast) {
        ("AP", _) => code("399348003", "SCT", "antero-posterior"),
        ("PA", _) => code("399148001", "SCT", "postero-anterior"),
        ("CC", true) => code("399162004", "SCT", "cranio-caudal"),
        (_, true) => code("399368009", "SCT", "medio-lateral oblique"),
        _ => code("399067008", "SCT", "lateral projection"),
    };
    view.items(0x0054, 0x0222, &[]);
    e.items(0x0054, 0x0220, &[view]);
    e.text(0x2050, 0x0020, b"CS", "IDENTITY");
}

fn or<'a>(given: &'a str, otherwise: &'a str) -> &'a str {
    if given.is_empty() { otherwise } else { given }
}

fn code(value: &str, scheme: &str, meaning: &str) -> Elements {
    let mut item = Elements::default();
    item.text(0x0008, 0x0100, b"SH", value);
    item.text(0x0008, 0x0102, b"SH", scheme);
    item.text(0x0008, 0x0104, b"LO", meaning);
    item
}

/// The instance's UID, made from series and number, so that writing again gives the same.
fn instance_uid(identity: &SeriesIdentity, number: &str) -> String {
    let given = number
        .parse::<usize>()
        .ok()
        .and_then(|n| identity.instance_uids.get(n.checked_sub(1)?));
    given.cloned().unwrap_or_else(|| {
        uid_from(&[
            b"instance",
            identity.series.uid.as_bytes(),
            number.as_bytes(),
        ])
    })
}

fn compact(date: Option<Date>) -> String {
    let text = date.map(|d| d.to_string()).unwrap_or_default();
    text.chars().filter(char::is_ascii_digit).collect()
}

/// Patient, General Study, General Series, General Equipment, SOP Common.
fn common(identity: &SeriesIdentity, class: &str, modality: &str, number: &str) -> Elements {
    let (patient, study, series) = (&identity.patient, &identity.study, &identity.series);
    let date = compact(study.date);
    let time: String = study.time.chars().filter(char::is_ascii_digit).collect();
    let mut e = Elements::default();
    e.text(0x0008, 0x0005, b"CS", "ISO_IR 192");
    e.text(0x0008, 0x0016, b"UI", class);
    e.text(0x0008, 0x0018, b"UI", &instance_uid(identity, number));
    e.text(0x0008, 0x0020, b"DA", &date);
    e.text(0x0008, 0x0022, b"DA", &date);
    e.text(0x0008, 0x0023, b"DA", &date);
    e.text(0x0008, 0x0030, b"TM", &time);
    e.text(0x0008, 0x0032, b"TM", &time);
    e.text(0x0008, 0x0033, b"TM", &time);
    e.text(0x0008, 0x0050, b"SH", study.accession_number.reveal());
    e.text(0x0008, 0x0060, b"CS", or(&series.modality, modality));
    e.text(0x0008, 0x0070, b"LO", "Negatoscope");
    e.text(0x0008, 0x0080, b"LO", study.institution.reveal());
    e.text(0x0008, 0x0090, b"PN", "");
    e.text(0x0008, 0x1030, b"LO", &study.description);
    e.text(0x0008, 0x103E, b"LO", &series.description);
    e.text(0x0008, 0x1090, b"LO", "Phantom generator");
    let name = patient.name.reveal();
    let groups = [&name.alphabetic, &name.ideographic, &name.phonetic].map(String::as_str);
    e.text(
        0x0010,
        0x0010,
        b"PN",
        groups.join("=").trim_end_matches('='),
    );
    e.text(0x0010, 0x0020, b"LO", patient.id.reveal());
    if !patient.issuer.reveal().is_empty() {
        e.text(0x0010, 0x0021, b"LO", patient.issuer.reveal());
    }
    e.text(
        0x0010,
        0x0030,
        b"DA",
        &compact(*patient.birth_date.reveal()),
    );
    e.text(0x0010, 0x0040, b"CS", patient.sex.reveal().code());
    e.text(0x0010, 0x0200, b"CS", "YES");
    if !study.patient_age.reveal().is_empty() {
        e.text(0x0010, 0x1010, b"AS", study.patient_age.reveal());
    }
    let comment = format!(
        "{SYNTHETIC_MARK}: computed, no person. {}",
        identity.comment
    );
    e.text(0x0010, 0x4000, b"LT", comment.trim());
    e.text(0x0018, 0x0015, b"CS", or(&series.body_part, "CHEST"));
    e.text(0x0018, 0x1020, b"LO", env!("CARGO_PKG_VERSION"));
    e.text(0x0020, 0x000D, b"UI", &study.uid);
    e.text(0x0020, 0x000E, b"UI", &series.uid);
    e.text(0x0020, 0x0010, b"SH", &identity.study_id);
    let series_number = series.number.map(|n| n.to_string()).unwrap_or_default();
    e.text(0x0020, 0x0011, b"IS", &series_number);
    e.text(0x0020, 0x0013, b"IS", number);
    e
}

/// Image Pixel module for one grey frame; all allocated bits are stored.
fn image_pixel(e: &mut Elements, frame: &Frame, signed: bool) {
    let bits = frame.stored_type.bytes() as u16 * 8;
    e.number(0x0028, 0x0002, b"US", 1);
    e.text(0x0028, 0x0004, b"CS", "MONOCHROME2");
    e.number(0x0028, 0x0010, b"US", frame.rows as u16);
    e.number(0x0028, 0x0011, b"US", frame.columns as u16);
    e.number(0x0028, 0x0100, b"US", bits);
    e.number(0x0028, 0x0101, b"US", bits);
    e.number(0x0028, 0x0102, b"US", bits - 1);
    e.number(0x0028, 0x0103, b"US", u16::from(signed));
}

fn windows(e: &mut Elements, windows: &[WindowLevel]) {
    if windows.is_empty() {
        return;
    }
    let centers: Vec<f64> = windows.iter().map(|w| w.center).collect();
    let widths: Vec<f64> = windows.iter().map(|w| w.width).collect();
    e.text(0x0028, 0x1050, b"DS", &decimals(&centers));
    e.text(0x0028, 0x1051, b"DS", &decimals(&widths));
}

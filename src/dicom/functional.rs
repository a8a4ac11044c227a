//! What may differ from frame to frame: functional groups of enhanced objects (PS3.3 C.7.6.16), and for all
//! others the same attributes at the top level.

use super::{
    elements::{DataSet, Numbers, Value, first_item, items, numbers, numbers_of, text},
    guard::Fault,
    lookup::lut_item,
    spacing,
};
use crate::model::{
    finding::{Finding, Severity},
    geometry::ImagePlane,
    lut::{ModalityLut, ModalityUnit, Voi, VoiLutFunction, WindowLevel},
    study::FrameDescription,
};
use dicom_dictionary_std::tags;
use dicom_object::Tag;

/// Where an attribute of a frame is looked for: its own groups, the shared ones, the top level.
pub(super) struct Groups<'a> {
    top: &'a DataSet,
    shared: Option<&'a DataSet>,
    own: Option<&'a DataSet>,
}

impl<'a> Groups<'a> {
    /// The groups of one frame; `None` for what all frames share.
    pub(super) fn of_frame(top: &'a DataSet, frame: Option<usize>) -> Self {
        let own = frame.and_then(|k| items(top, tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE).get(k));
        Self {
            top,
            shared: first_item(top, tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE),
            own,
        }
    }

    /// What one frame says itself, without what it shares. `nothing` is an empty data set.
    pub(super) fn of_frame_alone(nothing: &'a DataSet, top: &'a DataSet, frame: usize) -> Self {
        Self {
            top: nothing,
            shared: None,
            own: items(top, tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE).get(frame),
        }
    }

    /// The item of a functional group.
    pub(super) fn group(&self, sequence: Tag) -> Option<&'a DataSet> {
        let of = |set: Option<&'a DataSet>| set.and_then(|s| first_item(s, sequence));
        of(self.own).or_else(|| of(self.shared))
    }

    /// An attribute of a functional group, or the same at the top level.
    pub(super) fn get(&self, sequence: Tag, tag: Tag) -> Option<Value<'a>> {
        self.group(sequence)
            .and_then(|g| g.get(tag))
            .or_else(|| self.top.get(tag))
    }

    fn numbers(&self, sequence: Tag, tag: Tag) -> Numbers {
        self.get(sequence, tag).map_or(Numbers::Absent, numbers_of)
    }

    /// The data set that holds a group's attributes: the group, or the top level.
    fn holder(&self, sequence: Tag) -> &'a DataSet {
        self.group(sequence).unwrap_or(self.top)
    }
}

/// What the reader of a frame must know of its object.
pub(super) struct Context<'a> {
    /// Modality (0008,0060).
    pub(super) modality: &'a str,
    /// SOP Class UID.
    pub(super) sop_class: &'a str,
    /// Values of Image Type (0008,0008).
    pub(super) image_type: &'a [String],
    /// Lowest and highest stored value.
    pub(super) stored_range: (f64, f64),
}

/// Describes a frame, or what all frames share.
///
/// # Errors
/// `BAD_RESCALE`, `BAD_MODALITY_LUT`, `BAD_ASPECT`.
pub(super) fn describe(
    data_set: &DataSet,
    frame: Option<usize>,
    shared: Option<&FrameDescription>,
    context: &Context<'_>,
    findings: &mut Vec<Finding>,
) -> Result<FrameDescription, Fault> {
    let groups = Groups::of_frame(data_set, frame);
    let (modality_lut, unit) = match shared {
        // Tables stand at the top level only: all frames have the same ones, read once and held once.
        Some(shared) if matches!(shared.modality_lut, ModalityLut::Table(_)) => {
            (shared.modality_lut.clone(), shared.unit.clone())
        }
        _ => modality(&groups, context, findings)?,
    };
    let negative = match &modality_lut {
        ModalityLut::Rescale { slope, intercept } => {
            let (low, high) = context.stored_range;
            (slope * low + intercept).min(slope * high + intercept) < 0.0
        }
        ModalityLut::Table(_) => false,
    };
    // Reconstructions of projections are cross sections; their spacing is that of the patient (PS3.3 C.7.6.16.2.1).
    let modality = match context
        .sop_class
        .strip_prefix("1.2.840.10008.5.1.4.1.1.13.1.")
    {
        Some("1" | "2" | "3") => "",
        _ => context.modality,
    };
    let thickness = groups.numbers(tags::PIXEL_MEASURES_SEQUENCE, tags::SLICE_THICKNESS);
    Ok(FrameDescription {
        plane: plane(&groups, frame, findings).or_else(|| nuclear_plane(data_set, frame, context)),
        spacing: spacing::resolve(data_set, &groups, modality, findings)?,
        slice_thickness_mm: thickness.first().filter(|t| *t > 0.0),
        modality_lut,
        unit,
        voi: voi(&groups, negative, shared, findings),
    })
}

fn note(findings: &mut Vec<Finding>, code: &'static str, severity: Severity, text: &str) {
    if !findings.iter().any(|f| f.code == code) {
        findings.push(Finding::new(code, severity, text));
    }
}

/// Image Plane (PS3.3 C.7.6.2), from plane groups or the top level; RT Dose and NM stacks count frames along
/// Grid Frame Offset Vector (C.8.8.3.2).
fn plane(
    groups: &Groups<'_>,
    frame: Option<usize>,
    findings: &mut Vec<Finding>,
) -> Option<ImagePlane> {
    let position = groups.numbers(tags::PLANE_POSITION_SEQUENCE, tags::IMAGE_POSITION_PATIENT);
    let orientation = groups.numbers(
        tags::PLANE_ORIENTATION_SEQUENCE,
        tags::IMAGE_ORIENTATION_PATIENT,
    );
    if position == Numbers::Absent || orientation == Numbers::Absent {
        return None;
    }
    let made = match (
        <[f64; 3]>::try_from(position.values()),
        <[f64; 6]>::try_from(orientation.values()),
    ) {
        (Ok(position), Ok(orientation)) => ImagePlane::new(position, orientation),
        _ => None,
    };
    let Some(mut plane) = made else {
        let text = "position or orientation in the patient is not sane; both are ignored";
        note(findings, "ORIENTATION_INVALID", Severity::Warning, text);
        return None;
    };
    let offsets = numbers(groups.top, tags::GRID_FRAME_OFFSET_VECTOR).values();
    if let (Some(frame), true) = (frame, offsets.len() > 1) {
        // Offsets are relative when the first is zero, else positions along the normal.
        let first = offsets.first().copied().unwrap_or_default();
        let offset = offsets.get(frame).copied()?;
        plane.origin += plane.normal() * (offset - first);
    }
    Some(plane)
}

/// Numbers of the slices of a reconstruction of nuclear medicine (PS3.3 C.8.4.8, Slice Vector); empty for all else.
pub(super) fn nuclear_slices(data_set: &DataSet, context: &Context<'_>) -> Vec<f64> {
    let kind = context.image_type.get(2).map(String::as_str);
    if !matches!(kind, Some("RECON TOMO" | "RECON GATED TOMO")) {
        return Vec::new();
    }
    numbers(data_set, tags::SLICE_VECTOR).values()
}

/// Where a slice of such a reconstruction lies: the first by the detector's attributes (C.8.4.11), the others behind it
/// along the normal, or before it where Spacing Between Slices is negative (C.8.4.15).
fn nuclear_plane(
    data_set: &DataSet,
    frame: Option<usize>,
    context: &Context<'_>,
) -> Option<ImagePlane> {
    let slices = nuclear_slices(data_set, context);
    let slice = slices.get(frame.unwrap_or(0)).copied()?;
    let detector = first_item(data_set, tags::DETECTOR_INFORMATION_SEQUENCE)?;
    let position = numbers(detector, tags::IMAGE_POSITION_PATIENT).values();
    let orientation = numbers(detector, tags::IMAGE_ORIENTATION_PATIENT).values();
    let mut plane = ImagePlane::new(
        <[f64; 3]>::try_from(position).ok()?,
        <[f64; 6]>::try_from(orientation).ok()?,
    )?;
    let between = numbers(data_set, tags::SPACING_BETWEEN_SLICES).first();
    let between = between.filter(|mm| (1e-3..=1e3).contains(&mm.abs()))?;
    plane.origin += plane.normal() * (between * (slice - 1.0));
    Some(plane)
}

/// Modality LUT and unit (PS3.3 C.11.1; C.7.6.16.2.9; C.8.2.1.1.2 for CT).
fn modality(
    groups: &Groups<'_>,
    context: &Context<'_>,
    findings: &mut Vec<Finding>,
) -> Result<(ModalityLut, ModalityUnit), Fault> {
    let top = groups.top;
    if let Some(item) = first_item(top, tags::MODALITY_LUT_SEQUENCE) {
        let signed = context.stored_range.0 < 0.0;
        let table = lut_item(item, signed).ok_or_else(|| {
            Fault::rejected(
                "BAD_MODALITY_LUT",
                "the modality LUT (0028,3000) does not fit its descriptor",
            )
        })?;
        let unit = named_unit(&text(item, tags::MODALITY_LUT_TYPE));
        return Ok((ModalityLut::Table(table), unit));
    }
    let dose = numbers(top, tags::DOSE_GRID_SCALING);
    if context.modality == "RTDOSE" && dose != Numbers::Absent {
        let Some(slope) = dose.first().filter(|s| *s != 0.0) else {
            return Err(bad_rescale("the dose grid scaling (3004,000E)"));
        };
        let lut = ModalityLut::Rescale {
            slope,
            intercept: 0.0,
        };
        let unit = match text(top, tags::DOSE_UNITS).as_str() {
            "GY" => ModalityUnit::Named("Gy".to_owned()),
            "RELATIVE" => ModalityUnit::Named("relative".to_owned()),
            _ => ModalityUnit::Unspecified,
        };
        return Ok((lut, unit));
    }
    let sequence = tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE;
    let slope = groups.numbers(sequence, tags::RESCALE_SLOPE);
    let intercept = groups.numbers(sequence, tags::RESCALE_INTERCEPT);
    let kind = text(groups.holder(sequence), tags::RESCALE_TYPE);
    match (slope, intercept) {
        (Numbers::Bad, _) => Err(bad_rescale("the rescale slope (0028,1053)")),
        (_, Numbers::Bad) => Err(bad_rescale("the rescale intercept (0028,1052)")),
        (Numbers::Absent, Numbers::Absent) => {
            Ok((ModalityLut::IDENTITY, pet_unit(top, context, &kind)))
        }
        (Numbers::Absent, Numbers::Values(_)) | (Numbers::Values(_), Numbers::Absent) => {
            let text = "rescale slope or intercept is missing; stored values are shown";
            note(findings, "RESCALE_INCOMPLETE", Severity::Warning, text);
            Ok((ModalityLut::IDENTITY, ModalityUnit::Unspecified))
        }
        (Numbers::Values(slope), Numbers::Values(intercept)) => {
            let (&[slope], &[intercept]) = (slope.as_slice(), intercept.as_slice()) else {
                return Err(bad_rescale("the number of rescale values"));
            };
            let (low, high) = context.stored_range;
            // Values go on in 32 bits: there the ends must be finite and apart.
            let (first, last) = (
                (slope * low + intercept) as f32,
                (slope * high + intercept) as f32,
            );
            let sane = first.is_finite() && last.is_finite() && first != last;
            if slope == 0.0 || !sane {
                return Err(bad_rescale("the rescale slope (0028,1053)"));
            }
            let unit = if kind.is_empty() && implies_hounsfield(context) {
                ModalityUnit::Hounsfield
            } else {
                pet_unit(top, context, &kind)
            };
            Ok((ModalityLut::Rescale { slope, intercept }, unit))
        }
    }
}

fn bad_rescale(what: &str) -> Fault {
    Fault::rejected(
        "BAD_RESCALE",
        format!("{what} is not a usable number; values would be wrong"),
    )
}

/// CT images give Hounsfield units unless Rescale Type says otherwise; localizers do not (PS3.3 C.8.2.1.1.2).
fn implies_hounsfield(context: &Context<'_>) -> bool {
    let ct = matches!(
        context.sop_class,
        "1.2.840.10008.5.1.4.1.1.2" | "1.2.840.10008.5.1.4.1.1.2.1" | "1.2.840.10008.5.1.4.1.1.2.2"
    ) || (context.sop_class.is_empty() && context.modality == "CT");
    ct && !is_localizer(context.image_type)
}

/// Whether Image Type names a localizer (PS3.3 C.8.2.1.1.1).
pub(super) fn is_localizer(image_type: &[String]) -> bool {
    image_type.get(2).is_some_and(|t| t == "LOCALIZER")
}

fn pet_unit(top: &DataSet, context: &Context<'_>, kind: &str) -> ModalityUnit {
    if context.modality != "PT" {
        return named_unit(kind);
    }
    match text(top, tags::UNITS).as_str() {
        "BQML" => ModalityUnit::Named("Bq/ml".to_owned()),
        "" => named_unit(kind),
        other => ModalityUnit::Named(other.to_owned()),
    }
}

/// Defined terms of Rescale Type and Modality LUT Type (PS3.3 C.11.1.1.2).
fn named_unit(kind: &str) -> ModalityUnit {
    match kind {
        "HU" | "HU_MOD" => ModalityUnit::Hounsfield,
        "" | "US" => ModalityUnit::Unspecified,
        "OD" => ModalityUnit::Named("10⁻³ OD".to_owned()),
        "MGML" => ModalityUnit::Named("mg/ml".to_owned()),
        "PCT" => ModalityUnit::Named("%".to_owned()),
        other => ModalityUnit::Named(other.to_owned()),
    }
}

/// VOI LUTs, then windows, in file order (PS3.3 C.11.2: when both are there, either may be used).
fn voi(
    groups: &Groups<'_>,
    negative: bool,
    shared: Option<&FrameDescription>,
    findings: &mut Vec<Finding>,
) -> Vec<Voi> {
    let holder = groups.holder(tags::FRAME_VOILUT_SEQUENCE);
    let mut all = Vec::new();
    // Frame VOI LUT With LUT (C.7.6.16.2.10b) has tables in the group itself.
    let tables = match (items(holder, tags::VOILUT_SEQUENCE), shared) {
        // Those of the top level are the same for all frames: read once and held once.
        ([], Some(shared)) => {
            let tables = shared.voi.iter().filter(|v| matches!(v, Voi::Table(_)));
            all.extend(tables.cloned());
            &[]
        }
        ([], None) => items(groups.top, tags::VOILUT_SEQUENCE),
        (own, _) => own,
    };
    for item in tables.iter().take(32) {
        match lut_item(item, negative) {
            Some(table) => all.push(Voi::Table(table)),
            None => {
                let text = "a VOI LUT does not fit its descriptor and is left out";
                note(findings, "VOI_LUT_INVALID", Severity::Warning, text);
            }
        }
    }
    let centres = numbers(holder, tags::WINDOW_CENTER);
    let widths = numbers(holder, tags::WINDOW_WIDTH);
    let names = super::elements::texts(holder, tags::WINDOW_CENTER_WIDTH_EXPLANATION);
    let function = match text(holder, tags::VOILUT_FUNCTION).as_str() {
        "" | "LINEAR" => VoiLutFunction::Linear,
        "LINEAR_EXACT" => VoiLutFunction::LinearExact,
        "SIGMOID" => VoiLutFunction::Sigmoid,
        _ => {
            let text = "the VOI LUT function is not known; LINEAR is used";
            note(findings, "VOI_FUNCTION", Severity::Warning, text);
            VoiLutFunction::Linear
        }
    };
    if centres == Numbers::Bad || widths == Numbers::Bad {
        let text = "window centre or width is not a number; the windows are left out";
        note(findings, "WINDOW_INVALID", Severity::Warning, text);
        return all;
    }
    let (centres, widths) = (centres.values(), widths.values());
    if centres.len() != widths.len() {
        let text = "the numbers of window centres and widths differ; the common ones count";
        note(findings, "WINDOW_COUNT", Severity::Warning, text);
    }
    for (i, (&center, &width)) in centres.iter().zip(&widths).enumerate().take(32) {
        let smallest = match function {
            VoiLutFunction::Linear => 1.0,
            _ => f64::MIN_POSITIVE,
        };
        if !(smallest..=1e12).contains(&width) || center.abs() > 1e12 {
            let text = "a window width is out of its range; that window is left out";
            note(findings, "WINDOW_INVALID", Severity::Warning, text);
            continue;
        }
        all.push(Voi::Window {
            level: WindowLevel { center, width },
            function,
            explanation: names.get(i).cloned().unwrap_or_default(),
        });
    }
    all
}

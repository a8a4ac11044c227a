//! NIfTI-1 (nifti1.h, 348 bytes) and NIfTI-2 (nifti2.h, 540 bytes): reading in one file or as a pair; the writer is in `write`.
//!
//! Must stay true: the affine is that of the sform when its code is above 0, else that of the qform when its code
//! is, else the orientation is unknown. Both lead into RAS, which [`orientation`](super::orientation) turns into
//! LPS. `scl_slope` and `scl_inter` become the modality LUT.
//! Not here: header extensions (passed over), Analyze 7.5, CIFTI, complex and extended types, RGBA.

mod write;

pub(super) use write::header;

use super::{
    FormatError, FormatKind, Limits, Read,
    orientation::{Placed, Space, corner_distance, matrix_of_quaternion, placed, unplaced},
    pack::Inflater,
    source::Folder,
    values::{Element, Encoding, Shape, Start},
};
use crate::model::{
    finding::{Finding, Severity},
    lut::ModalityLut,
    pixels::StoredType,
};
use glam::{DAffine3, DMat3, DVec3};

/// Bytes of a NIfTI-1 header.
const V1: usize = 348;
/// Bytes of a NIfTI-2 header.
const V2: usize = 540;
/// Where the magic of either version has been seen.
pub(super) const MAGIC_END: usize = V1;
const MAGIC_V2: [u8; 4] = *b"\r\n\x1a\n";
/// `NIFTI_INTENT_LABEL`.
const INTENT_LABEL: i32 = 1002;
/// Forms that lead a corner further apart than this disagree; rounding of a qform is smaller.
const FORMS_APART_MM: f64 = 0.1;

/// Codes of the types that are read, and the model's.
const TYPES: [(i16, Element); 10] = [
    (2, Element::Stored(StoredType::U8)),
    (4, Element::Stored(StoredType::I16)),
    (8, Element::Stored(StoredType::I32)),
    (16, Element::Stored(StoredType::F32)),
    (64, Element::Stored(StoredType::F64)),
    (256, Element::Stored(StoredType::I8)),
    (512, Element::Stored(StoredType::U16)),
    (768, Element::Stored(StoredType::U32)),
    (1024, Element::I64),
    (1280, Element::U64),
];
const RGB24: i16 = 128;

/// `Some(true)` for one file, `Some(false)` for the header of a pair.
pub(super) fn recognise(first: &[u8]) -> Option<bool> {
    if first.get(8..12) == Some(&MAGIC_V2) {
        match first.get(4..8) {
            Some(b"n+2\0") => return Some(true),
            Some(b"ni2\0") => return Some(false),
            _ => {}
        }
    }
    match first.get(344..V1) {
        Some(b"n+1\0") => Some(true),
        Some(b"ni1\0") => Some(false),
        _ => None,
    }
}

/// The header's numbers, of either version.
struct Header {
    big_endian: bool,
    /// Bytes of the header itself.
    length: usize,
    dim: [i64; 8],
    datatype: i16,
    bitpix: i16,
    pixdim: [f64; 8],
    vox_offset: f64,
    slope: f64,
    inter: f64,
    qform_code: i32,
    sform_code: i32,
    quatern: DVec3,
    qoffset: DVec3,
    srow: [f64; 12],
    units: i32,
    intent: i32,
}

/// Numbers of a header at their offsets. A header is whole before it is looked at, so nothing reads past it.
struct Numbers<'a> {
    bytes: &'a [u8],
    big_endian: bool,
}

impl Numbers<'_> {
    fn array<const N: usize>(&self, at: usize) -> [u8; N] {
        let bytes = self.bytes.get(at..at + N).and_then(|b| b.try_into().ok());
        let mut bytes: [u8; N] = bytes.unwrap_or([0; N]);
        if self.big_endian {
            bytes.reverse();
        }
        bytes
    }

    fn i16(&self, at: usize) -> i16 {
        i16::from_le_bytes(self.array(at))
    }

    fn i32(&self, at: usize) -> i32 {
        i32::from_le_bytes(self.array(at))
    }

    fn i64(&self, at: usize) -> i64 {
        i64::from_le_bytes(self.array(at))
    }

    fn f32(&self, at: usize) -> f64 {
        f64::from(f32::from_le_bytes(self.array(at)))
    }

    fn f64(&self, at: usize) -> f64 {
        f64::from_le_bytes(self.array(at))
    }

    fn floats<const N: usize>(&self, at: usize, wide: bool) -> [f64; N] {
        std::array::from_fn(|i| match wide {
            true => self.f64(at + i * 8),
            false => self.f32(at + i * 4),
        })
    }
}

fn cut() -> FormatError {
    FormatError::rejected("HEADER_CUT", "the file ends within its header")
}

impl Header {
    /// Bytes of the header that begins so, and whether it is big endian.
    fn form(first: &[u8], findings: &mut Vec<Finding>) -> Result<(usize, bool), FormatError> {
        let first = first.get(..V1).ok_or_else(cut)?;
        for big_endian in [false, true] {
            let n = Numbers {
                bytes: first,
                big_endian,
            };
            match n.i32(0) {
                348 => return Ok((V1, big_endian)),
                540 => return Ok((V2, big_endian)),
                _ => {}
            }
        }
        // Some writers put nonsense there; dim[0] is 1 to 7 in one byte order only.
        for big_endian in [false, true] {
            let n = Numbers {
                bytes: first,
                big_endian,
            };
            if first
                .get(344..347)
                .is_some_and(|m| m == b"n+1" || m == b"ni1")
                && (1..=7).contains(&n.i16(40))
            {
                let text = "the header's own length is wrong; the byte order was taken from its dimensions";
                findings.push(Finding::new("HEADER_LENGTH", Severity::Warning, text));
                return Ok((V1, big_endian));
            }
        }
        let text = "the header is not that of NIfTI-1 or NIfTI-2";
        Err(FormatError::rejected("NOT_NIFTI", text))
    }

    fn read(bytes: &[u8], length: usize, big_endian: bool) -> Result<Self, FormatError> {
        let bytes = bytes.get(..length).ok_or_else(cut)?;
        let n = Numbers { bytes, big_endian };
        Ok(if length == V1 {
            Self {
                big_endian,
                length,
                dim: std::array::from_fn(|i| i64::from(n.i16(40 + i * 2))),
                datatype: n.i16(70),
                bitpix: n.i16(72),
                pixdim: n.floats(76, false),
                vox_offset: n.f32(108),
                slope: n.f32(112),
                inter: n.f32(116),
                qform_code: i32::from(n.i16(252)),
                sform_code: i32::from(n.i16(254)),
                quatern: DVec3::from_array(n.floats(256, false)),
                qoffset: DVec3::from_array(n.floats(268, false)),
                srow: n.floats(280, false),
                units: i32::from(bytes.get(123).copied().unwrap_or(0)),
                intent: i32::from(n.i16(68)),
            }
        } else {
            Self {
                big_endian,
                length,
                dim: std::array::from_fn(|i| n.i64(16 + i * 8)),
                datatype: n.i16(12),
                bitpix: n.i16(14),
                pixdim: n.floats(104, true),
                vox_offset: n.i64(168) as f64,
                slope: n.f64(176),
                inter: n.f64(184),
                qform_code: n.i32(344),
                sform_code: n.i32(348),
                quatern: DVec3::from_array(n.floats(352, true)),
                qoffset: DVec3::from_array(n.floats(376, true)),
                srow: n.floats(400, true),
                units: n.i32(500),
                intent: n.i32(504),
            }
        })
    }

    fn shape(&self, findings: &mut Vec<Finding>) -> Result<Shape, FormatError> {
        let rank = usize::try_from(self.dim[0])
            .ok()
            .filter(|r| (1..=7).contains(r));
        let lengths = rank.and_then(|rank| self.dim.get(1..=rank));
        let lengths: Option<Vec<usize>> = lengths.and_then(|all| {
            let positive = |n: &i64| usize::try_from(*n).ok().filter(|n| *n > 0);
            all.iter().map(positive).collect()
        });
        let Some(lengths) = lengths else {
            let text = "the dimensions are not 1 to 7 numbers above zero";
            return Err(FormatError::rejected("DIMENSIONS", text));
        };
        let axis = |i: usize| lengths.get(i).copied().unwrap_or(1);
        let volumes = lengths
            .iter()
            .skip(3)
            .try_fold(1usize, |all, n| all.checked_mul(*n));
        let (element, samples) = match TYPES.iter().find(|(code, _)| *code == self.datatype) {
            Some((_, element)) => (*element, 1),
            None if self.datatype == RGB24 => (Element::Stored(StoredType::U8), 3),
            None => {
                let text = format!("the NIfTI data type {} is not read", self.datatype);
                return Err(FormatError::unsupported("DATATYPE", text));
            }
        };
        if usize::try_from(self.bitpix).ok() != Some(element.bytes() * samples * 8) {
            let text = "the bits of a voxel do not fit its data type, which is followed";
            findings.push(Finding::new("BITPIX_MISMATCH", Severity::Warning, text));
        }
        Ok(Shape {
            size: [axis(0), axis(1), axis(2)],
            samples,
            volumes: volumes.unwrap_or(usize::MAX),
            element,
            big_endian: self.big_endian,
        })
    }

    /// Where the voxels begin in their file.
    fn offset(&self, single: bool, limits: &Limits) -> Result<usize, FormatError> {
        let least = if single { self.length + 4 } else { 0 };
        let offset = self.vox_offset;
        if !(offset.fract() == 0.0 && offset >= least as f64) {
            let text = "the voxels do not begin behind the header";
            return Err(FormatError::rejected("DATA_OFFSET", text));
        }
        if offset > limits.header_bytes as f64 {
            let text = "there is more before the voxels than what is read";
            return Err(FormatError::limit("HEADER_TOO_LONG", text));
        }
        Ok(offset as usize)
    }

    /// `scl_slope` 0 means none. RGB is never scaled.
    fn modality_lut(&self, samples: usize) -> Result<ModalityLut, FormatError> {
        if samples != 1 || self.slope == 0.0 || self.slope.is_nan() {
            return Ok(ModalityLut::IDENTITY);
        }
        if !(self.slope.is_finite() && self.inter.is_finite()) {
            let text = "the slope or the intercept of the values is not finite";
            return Err(FormatError::rejected("SCALE_INVALID", text));
        }
        Ok(ModalityLut::Rescale {
            slope: self.slope,
            intercept: self.inter,
        })
    }

    /// Voxel distances as given; `None` when a needed one is missing.
    fn steps(&self, size: [usize; 3], findings: &mut Vec<Finding>) -> Option<[f64; 3]> {
        let mut steps = [1.0; 3];
        let mut negative = false;
        for (axis, step) in steps.iter_mut().enumerate() {
            let given = self.pixdim[axis + 1];
            negative |= given < 0.0;
            if given.is_finite() && given != 0.0 {
                *step = given.abs();
            } else if size[axis] > 1 {
                return None;
            }
        }
        if negative {
            let text = "a voxel distance is negative; its sign is ignored";
            findings.push(Finding::new("SPACING_SIGN", Severity::Warning, text));
        }
        Some(steps)
    }

    fn qform(&self, steps: [f64; 3]) -> Result<DAffine3, FormatError> {
        let quaternion = self.quatern;
        if !(quaternion.is_finite() && quaternion.length_squared() < 1.01) {
            let text = "the quaternion of the qform is not of length one";
            return Err(FormatError::rejected("QUATERNION", text));
        }
        let sign = if self.pixdim[0] < 0.0 { -1.0 } else { 1.0 };
        Ok(DAffine3 {
            matrix3: matrix_of_quaternion(quaternion, DVec3::from_array(steps), sign),
            translation: self.qoffset,
        })
    }

    fn sform(&self) -> DAffine3 {
        let [a, b, c, x, d, e, f, y, g, h, i, z] = self.srow;
        DAffine3 {
            matrix3: DMat3::from_cols_array(&[a, d, g, b, e, h, c, f, i]),
            translation: DVec3::new(x, y, z),
        }
    }

    fn place(&self, size: [usize; 3], findings: &mut Vec<Finding>) -> Result<Placed, FormatError> {
        let scale = match self.units & 7 {
            1 => 1000.0,
            2 => 1.0,
            3 => 1e-3,
            _ => {
                let text = "the file does not say the unit of its lengths; millimetres are assumed";
                findings.push(Finding::new("UNITS_ASSUMED", Severity::Info, text));
                1.0
            }
        };
        let scaled = |affine: DAffine3| DAffine3 {
            matrix3: affine.matrix3 * scale,
            translation: affine.translation * scale,
        };
        if self.sform_code.max(self.qform_code) >= 3 {
            let text = "the coordinates are those of a template, not of the scanner";
            findings.push(Finding::new("STANDARD_SPACE", Severity::Info, text));
        }
        if self.sform_code > 0 {
            let sform = self.sform();
            let result = placed(size, scaled(sform), Space::Ras)?;
            if self.qform_code > 0
                && let Some(steps) = self.steps(size, &mut Vec::new())
                && let Ok(qform) = self.qform(steps)
            {
                let apart = corner_distance(size, scaled(sform), scaled(qform));
                if apart > FORMS_APART_MM {
                    let text = format!(
                        "the two forms of the header place the volume up to {apart:.1} mm apart; the sform is followed"
                    );
                    findings.push(
                        Finding::new("FORMS_DISAGREE", Severity::Warning, text).with("mm", apart),
                    );
                }
            }
            return Ok(result);
        }
        let steps = self.steps(size, findings);
        if self.qform_code > 0 {
            let Some(steps) = steps else {
                let text = "the qform needs voxel distances, and one is missing";
                return Err(FormatError::rejected("SPACING_MISSING", text));
            };
            return placed(size, scaled(self.qform(steps)?), Space::Ras);
        }
        unplaced(size, steps.map(|s| s.map(|step| step * scale)), findings)
    }
}

/// Reads either version from the bytes of the file that holds the header.
pub(super) fn parse(
    kind: FormatKind,
    bytes: Vec<u8>,
    folder: Folder<'_>,
    limits: &Limits,
) -> Result<Read, FormatError> {
    let mut findings = Vec::new();
    let packed = kind == FormatKind::NiftiGzip;
    let first = match packed {
        true => {
            let mut stream = Inflater::new(&bytes)?;
            let mut first = stream.take(V1)?;
            if Header::form(&first, &mut Vec::new())?.0 == V2 {
                first.extend(stream.take(V2 - V1)?);
            }
            first
        }
        false => bytes
            .get(..bytes.len().min(V2))
            .unwrap_or_default()
            .to_vec(),
    };
    let (length, big_endian) = Header::form(&first, &mut findings)?;
    let header = Header::read(&first, length, big_endian)?;
    let single = kind != FormatKind::NiftiPair;
    if recognise(&first) != Some(single) {
        // Without the magic it is Analyze 7.5, where left and right depend on who wrote it.
        let text = "the header is not that of a NIfTI file of this kind";
        return Err(FormatError::unsupported("NOT_NIFTI", text));
    }
    if (3000..3100).contains(&header.intent) {
        let text = "CIFTI holds points on surfaces, not a volume";
        return Err(FormatError::unsupported("CIFTI", text));
    }
    let shape = header.shape(&mut findings)?;
    let offset = header.offset(single, limits)?;
    let lut = header.modality_lut(shape.samples)?;
    let plan = shape.plan(limits, &mut findings)?;
    let placed = header.place(shape.size, &mut findings)?;
    let labels = header.intent == INTENT_LABEL;
    if labels {
        let text = "the values are labels, says the file";
        findings.push(Finding::new("INTENT_LABEL", Severity::Info, text));
    }
    if single && offset > length + 4 {
        let text = "there is more than the header before the voxels; it is not read";
        findings.push(Finding::new("EXTENSIONS_SKIPPED", Severity::Info, text));
    }
    let (bytes, encoding) = match kind {
        FormatKind::NiftiPair => (folder.image_of_pair(limits)?, Encoding::Raw),
        _ if packed => (bytes, Encoding::Packed),
        _ => (bytes, Encoding::Raw),
    };
    let start = Start::Skip(offset as u64);
    let data = plan.fetch(encoding, bytes, 0, start, &mut findings)?;
    let volumes = plan.volumes(data, false, &placed.grid, &lut, &mut findings)?;
    Ok(Read {
        kind,
        volumes,
        placement: placed.placement,
        labels,
        findings,
    })
}

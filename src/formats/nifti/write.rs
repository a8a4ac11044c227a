//! The header of a NIfTI file being written: sform always, qform beside it where it says the same.
//!
//! Must stay true: nothing of the study gets in; a placement that is not known is not written.

use super::{FORMS_APART_MM, INTENT_LABEL, RGB24, TYPES, V1, V2};
use crate::formats::{
    FormatError, Placement, VolumeOut,
    orientation::{Space, corner_distance, matrix_of_quaternion, quaternion_of_matrix},
    values::{Element, Payload},
};
use crate::model::{
    finding::{Finding, Severity},
    lut::ModalityUnit,
};
use glam::{DAffine3, DMat3, DVec3};

/// A header being written, little endian.
struct Put(Vec<u8>);

impl Put {
    fn put(&mut self, at: usize, bytes: &[u8]) {
        if let Some(room) = self.0.get_mut(at..at + bytes.len()) {
            room.copy_from_slice(bytes);
        }
    }

    fn floats(&mut self, at: usize, wide: bool, values: &[f64]) {
        for (i, value) in values.iter().enumerate() {
            match wide {
                true => self.put(at + i * 8, &value.to_le_bytes()),
                false => self.put(at + i * 4, &(*value as f32).to_le_bytes()),
            }
        }
    }

    fn code(&mut self, at: usize, wide: bool, code: i16) {
        match wide {
            true => self.put(at, &i32::from(code).to_le_bytes()),
            false => self.put(at, &code.to_le_bytes()),
        }
    }
}

/// The header and the empty extension flag behind it.
pub(in crate::formats) fn header(
    out: &VolumeOut<'_>,
    payload: &Payload,
    findings: &mut Vec<Finding>,
) -> Result<Vec<u8>, FormatError> {
    let wide = out.nifti2;
    let length = if wide { V2 } else { V1 };
    let grid = &out.volume.grid;
    if !wide && grid.size.iter().any(|n| *n > i16::MAX as usize) {
        let text = "an axis is longer than NIfTI-1 can say; NIfTI-2 can";
        return Err(FormatError::unsupported("DIMENSIONS", text));
    }
    let mut h = Put(vec![0; length + 4]);
    h.put(0, &(length as u32).to_le_bytes());
    let dims = [3, grid.size[0], grid.size[1], grid.size[2], 1, 1, 1, 1];
    for (i, n) in dims.iter().enumerate() {
        match wide {
            true => h.put(16 + i * 8, &(*n as u64).to_le_bytes()),
            false => h.put(40 + i * 2, &(*n as u16).to_le_bytes()),
        }
    }
    let plain = TYPES
        .iter()
        .find(|(_, e)| *e == Element::Stored(payload.stored_type));
    let datatype = match payload.samples {
        3 => RGB24,
        _ => plain.map_or(0, |(code, _)| *code),
    };
    let bits = (payload.stored_type.bytes() * payload.samples * 8) as u16;
    let at = if wide { 12 } else { 70 };
    h.put(at, &datatype.to_le_bytes());
    h.put(at + 2, &bits.to_le_bytes());
    let affine = Space::Ras.flip(grid.patient_from_voxel);
    let [x, y, z] = grid.spacing_mm();
    let mut third_sign = 1.0;
    if out.placement == Placement::Patient {
        let m = affine.matrix3;
        let t = affine.translation;
        let rows = [m.row(0), m.row(1), m.row(2)];
        let srow: Vec<f64> = rows
            .iter()
            .zip(t.to_array())
            .flat_map(|(r, t)| [r.x, r.y, r.z, t])
            .collect();
        h.floats(if wide { 400 } else { 280 }, wide, &srow);
        h.code(if wide { 348 } else { 254 }, wide, 1);
        let short = |v: DVec3| if wide { v } else { v.as_vec3().as_dvec3() };
        if !wide {
            let rounded = DAffine3 {
                matrix3: DMat3::from_cols(short(m.x_axis), short(m.y_axis), short(m.z_axis)),
                translation: short(t),
            };
            let moved = corner_distance(grid.size, affine, rounded);
            if moved > 1e-6 {
                let text = format!(
                    "NIfTI-1 keeps 32 bits of a position; a corner moved by {moved:.1e} mm"
                );
                findings
                    .push(Finding::new("AFFINE_ROUNDED", Severity::Info, text).with("mm", moved));
            }
        }
        // A shear has no quaternion; and one that rounding spoilt would contradict the sform.
        if let Some((bcd, sign)) = quaternion_of_matrix(m) {
            let steps = short(DVec3::new(x, y, z));
            let again = DAffine3 {
                matrix3: matrix_of_quaternion(short(bcd), steps, sign),
                translation: short(t),
            };
            if corner_distance(grid.size, affine, again) <= FORMS_APART_MM {
                third_sign = sign;
                h.code(if wide { 344 } else { 252 }, wide, 1);
                let place = [bcd.to_array(), t.to_array()].concat();
                h.floats(if wide { 352 } else { 256 }, wide, &place);
            }
        }
    }
    let pixdim = [third_sign, x, y, z, 0.0, 0.0, 0.0, 0.0];
    h.floats(if wide { 104 } else { 76 }, wide, &pixdim);
    let unit = if out.placement == Placement::Uncalibrated {
        0
    } else {
        2
    };
    h.put(if wide { 500 } else { 123 }, &[unit]);
    if out.labels {
        h.code(if wide { 504 } else { 68 }, wide, INTENT_LABEL as i16);
    }
    // What the values are, and nothing that came with the study.
    if out.volume.unit == ModalityUnit::Hounsfield {
        h.put(if wide { 240 } else { 148 }, b"Hounsfield units");
    }
    // scl_slope stays 0, which says that values are as stored.
    match wide {
        true => {
            h.put(4, b"n+2\0\r\n\x1a\n");
            h.put(168, &((V2 + 4) as u64).to_le_bytes());
        }
        false => {
            h.put(38, b"r");
            h.put(108, &((V1 + 4) as f32).to_le_bytes());
            h.put(344, b"n+1\0");
        }
    }
    Ok(h.0)
}

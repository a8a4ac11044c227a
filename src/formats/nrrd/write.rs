//! A NRRD file being written: LPS, little endian, gzip, data behind the header.
//!
//! Must stay true: numbers are written so that reading gives the same `f64`; a placement that is not known is not
//! written.

use crate::formats::{FormatError, Placement, VolumeOut, pack::gzip, values::Payload};
use crate::model::pixels::StoredType;
use glam::DVec3;

/// A whole file.
pub(in crate::formats) fn bytes(
    out: &VolumeOut<'_>,
    payload: &Payload,
) -> Result<Vec<u8>, FormatError> {
    let name = match payload.stored_type {
        StoredType::U8 => "uint8",
        StoredType::I8 => "int8",
        StoredType::U16 => "uint16",
        StoredType::I16 => "int16",
        StoredType::U32 => "uint32",
        StoredType::I32 => "int32",
        StoredType::F32 => "float",
        StoredType::F64 => "double",
    };
    let grid = &out.volume.grid;
    let rgb = payload.samples == 3;
    let before = |text: &'static str| if rgb { text } else { "" };
    let [columns, rows, slices] = grid.size;
    let mut text = format!(
        "NRRD0004\ntype: {name}\ndimension: {}\n",
        if rgb { 4 } else { 3 }
    );
    let patient = out.placement == Placement::Patient;
    if patient {
        text += "space: left-posterior-superior\n";
    }
    text += &format!("sizes: {}{columns} {rows} {slices}\n", before("3 "));
    let m = grid.patient_from_voxel.matrix3;
    let vector = |v: DVec3| format!("({},{},{})", v.x, v.y, v.z);
    match out.placement {
        Placement::Patient => {
            let (x, y, z) = (vector(m.x_axis), vector(m.y_axis), vector(m.z_axis));
            text += &format!("space directions: {}{x} {y} {z}\n", before("none "));
        }
        Placement::Unoriented => {
            let [x, y, z] = grid.spacing_mm();
            text += &format!("spacings: {}{x} {y} {z}\n", before("NaN "));
            text += &format!("units: {}\"mm\" \"mm\" \"mm\"\n", before("\"\" "));
        }
        Placement::Uncalibrated => {}
    }
    text += &format!("kinds: {}domain domain domain\n", before("RGB-color "));
    text += "endian: little\nencoding: gzip\n";
    if patient {
        text += "space units: \"mm\" \"mm\" \"mm\"\n";
        text += &format!(
            "space origin: {}\n",
            vector(grid.patient_from_voxel.translation)
        );
    }
    text += "\n";
    Ok([text.into_bytes(), gzip(&[&payload.bytes])?].concat())
}

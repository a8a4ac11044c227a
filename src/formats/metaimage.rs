//! MetaImage (itk.org/Wiki/MetaIO), with its data (`.mha`) or beside one data file (`.mhd`); written as `.mha`.
//!
//! Must stay true: the world is LPS; `TransformMatrix` lists the direction of each axis after the other. A header
//! without it leaves the orientation unknown. `AnatomicalOrientation` is for people and never read.
//! Not here: data as text, in several files, or of vectors.

use super::{
    FormatError, FormatKind, Limits, Placement, Read, VolumeOut,
    orientation::{Placed, Space, placed, unplaced},
    pack::zlib,
    source::Folder,
    text::{Fields, Lines, bad, finite, millimetres, numbers},
    values::{Element, Encoding, Payload, Shape, Start},
};
use crate::model::{
    finding::{Finding, Severity},
    lut::ModalityLut,
    pixels::StoredType,
};
use glam::{DAffine3, DMat3, DVec3};

/// Names that mean the same field, the one that is used here first.
const SYNONYMS: [(&str, &[&str]); 4] = [
    ("Offset", &["Position", "Origin"]),
    ("TransformMatrix", &["Orientation", "Rotation"]),
    ("BinaryDataByteOrderMSB", &["ElementByteOrderMSB"]),
    ("ElementDataFile", &["ElementDataFileName"]),
];

/// Whether these are the first bytes of a MetaImage header: text with lines that no other format has.
pub(super) fn recognise(first: &[u8]) -> bool {
    let mut lines = first.split(|b| *b == b'\n').take(40).map(|line| {
        let mut parts = line.splitn(2, |b| *b == b'=').map(<[u8]>::trim_ascii);
        (parts.next().unwrap_or_default(), parts.next())
    });
    let begins = matches!(
        first.trim_ascii_start().first(),
        Some(
            b'O' | b'N'
                | b'C'
                | b'B'
                | b'T'
                | b'D'
                | b'E'
                | b'A'
                | b'I'
                | b'P'
                | b'S'
                | b'M'
                | b'H'
        )
    );
    begins && lines.any(|(name, value)| name == b"NDims" && value.is_some_and(|v| v.len() == 1))
}

/// Fields, and where the header ends: `ElementDataFile` is its last line.
fn header(bytes: &[u8], limits: &Limits) -> Result<(Fields, usize), FormatError> {
    let mut lines = Lines::new(bytes, limits.header_bytes);
    let mut fields = Fields::default();
    while let Some(line) = lines.next()? {
        let line = String::from_utf8_lossy(line);
        if line.trim().is_empty() {
            continue;
        }
        let Some((name, value)) = line.split_once('=') else {
            let text = "a line of the header is not a field";
            return Err(FormatError::rejected("HEADER_LINE", text));
        };
        let name = name.trim();
        let same = SYNONYMS.iter().find(|(_, others)| others.contains(&name));
        let name = same.map_or(name, |(first, _)| *first);
        if name == "Comment" || name == "Name" {
            // Free text, which may stand there more than once.
            continue;
        }
        let last = name == "ElementDataFile";
        // A cut line would be a shorter name of a file, or "LOCA".
        if last && bytes.get(lines.at.saturating_sub(1)) != Some(&b'\n') && value.trim() == "LOCAL"
        {
            break;
        }
        fields.add(name.to_owned(), value)?;
        if last {
            return Ok((fields, lines.at));
        }
    }
    Err(FormatError::rejected(
        "HEADER_CUT",
        "the file ends within its header",
    ))
}

fn flag(fields: &Fields, name: &str, without: bool) -> Result<bool, FormatError> {
    match fields.get(name).map(str::to_ascii_lowercase).as_deref() {
        None => Ok(without),
        Some("true" | "t" | "yes" | "1") => Ok(true),
        Some("false" | "f" | "no" | "0") => Ok(false),
        Some(_) => Err(bad(name)),
    }
}

fn element(name: &str) -> Option<Element> {
    let name = name.strip_suffix("_ARRAY").unwrap_or(name);
    Some(match name {
        "MET_CHAR" => Element::Stored(StoredType::I8),
        "MET_UCHAR" => Element::Stored(StoredType::U8),
        "MET_SHORT" => Element::Stored(StoredType::I16),
        "MET_USHORT" => Element::Stored(StoredType::U16),
        // The format's "long" has 32 bits, whatever the compiler's has.
        "MET_INT" | "MET_LONG" => Element::Stored(StoredType::I32),
        "MET_UINT" | "MET_ULONG" => Element::Stored(StoredType::U32),
        "MET_LONG_LONG" => Element::I64,
        "MET_ULONG_LONG" => Element::U64,
        "MET_FLOAT" => Element::Stored(StoredType::F32),
        "MET_DOUBLE" => Element::Stored(StoredType::F64),
        _ => return None,
    })
}

/// Axes 0 to 2 of a square matrix that lists one direction after the other; `None` when a further axis is mixed
/// with them.
fn directions(all: &[f64], rank: usize) -> Option<DMat3> {
    let at = |axis: usize, of: usize| all.get(axis * rank + of).copied().unwrap_or(0.0);
    let further =
        (3..rank).any(|far| (0..3).any(|axis| at(axis, far) != 0.0 || at(far, axis) != 0.0));
    let column = |axis: usize| DVec3::new(at(axis, 0), at(axis, 1), at(axis, 2));
    (!further).then(|| DMat3::from_cols(column(0), column(1), column(2)))
}

fn place(
    fields: &Fields,
    rank: usize,
    size: [usize; 3],
    findings: &mut Vec<Finding>,
) -> Result<Placed, FormatError> {
    let numbers_of = |name: &str, count: usize| {
        let value = fields.get(name);
        value
            .map(|v| finite(v, count).ok_or_else(|| bad(name)))
            .transpose()
    };
    // Without a spacing the size of an element is taken for it, as the reference implementation does.
    let spacing = match numbers_of("ElementSpacing", rank)? {
        None => numbers_of("ElementSize", rank)?,
        some => some,
    };
    let matrix = numbers_of("TransformMatrix", rank * rank)?;
    let offset = numbers_of("Offset", rank)?;
    // The format means millimetres where it does not say otherwise.
    let scale = match fields.get("DistanceUnits") {
        None | Some("?") => 1.0,
        Some(unit) => millimetres(unit).ok_or_else(|| bad("DistanceUnits"))?,
    };
    if scale != 1.0 {
        let text = "the lengths of the file are not millimetres and were converted; other programs may not";
        findings.push(Finding::new("UNITS_CONVERTED", Severity::Warning, text));
    }
    let steps = spacing.map(|all| {
        let mut steps = [1.0; 3];
        for (step, given) in steps.iter_mut().zip(&all) {
            *step = given * scale;
        }
        steps
    });
    if steps.is_some_and(|steps| steps.iter().any(|step| *step <= 0.0)) {
        return Err(bad("ElementSpacing"));
    }
    let (Some(matrix), Some(steps), true) = (matrix, steps, rank >= 3) else {
        return unplaced(size, steps, findings);
    };
    let Some(m) = directions(&matrix, rank) else {
        let text = "an axis beyond the third is mixed with those of space";
        return Err(FormatError::unsupported("AXES_MIXED", text));
    };
    let [x, y, z] = steps;
    let origin = match &offset {
        Some(all) => DVec3::new(all[0], all[1], all[2]) * scale,
        None => {
            let text =
                "the file does not say where the volume lies; its first voxel is put at zero";
            findings.push(Finding::new("ORIGIN_UNKNOWN", Severity::Warning, text));
            DVec3::ZERO
        }
    };
    let affine = DAffine3 {
        matrix3: DMat3::from_cols(m.x_axis * x, m.y_axis * y, m.z_axis * z),
        translation: origin,
    };
    placed(size, affine, Space::Lps)
}

/// Where the voxels are: the bytes of their file, where they may begin in it, and what is to be passed over.
fn data(
    fields: &Fields,
    bytes: Vec<u8>,
    end: usize,
    folder: Folder<'_>,
    limits: &Limits,
) -> Result<(Vec<u8>, usize, Start), FormatError> {
    let skip = fields.get("HeaderSize").map(str::parse::<i64>);
    let skip = skip
        .transpose()
        .map_err(|_| bad("HeaderSize"))?
        .unwrap_or(0);
    let start = match skip {
        -1 => Start::AtEnd,
        skip => Start::Skip(u64::try_from(skip).map_err(|_| bad("HeaderSize"))?),
    };
    let name = fields.need("ElementDataFile")?;
    if name.eq_ignore_ascii_case("LOCAL") {
        return match skip {
            0 => Ok((bytes, end, start)),
            _ => Err(bad("HeaderSize")),
        };
    }
    let first = name.split_ascii_whitespace().next().unwrap_or_default();
    if first == "LIST" || name.contains('%') {
        let text = "the voxels lie in several files";
        return Err(FormatError::unsupported("MULTI_FILE", text));
    }
    Ok((folder.data_file(name, limits)?, 0, start))
}

/// Reads the bytes of the file that holds the header.
pub(super) fn parse(
    bytes: Vec<u8>,
    folder: Folder<'_>,
    limits: &Limits,
) -> Result<Read, FormatError> {
    let mut findings = Vec::new();
    let (fields, end) = header(&bytes, limits)?;
    if fields
        .get("ObjectType")
        .is_some_and(|kind| !kind.eq_ignore_ascii_case("Image"))
    {
        let text = "the file holds another object than an image";
        return Err(FormatError::unsupported("OBJECT_TYPE", text));
    }
    if !flag(&fields, "BinaryData", true)? {
        let text = "voxels written as text are not read in this format";
        return Err(FormatError::unsupported("ENCODING", text));
    }
    let rank = fields.need("NDims")?.parse::<usize>().ok();
    let rank = rank
        .filter(|n| (1..=8).contains(n))
        .ok_or_else(|| bad("NDims"))?;
    let sizes = numbers::<usize>(fields.need("DimSize")?).filter(|all| all.len() == rank);
    let sizes = sizes.ok_or_else(|| bad("DimSize"))?;
    let axis = |i: usize| sizes.get(i).copied().unwrap_or(1);
    let volumes = sizes
        .iter()
        .skip(3)
        .try_fold(1usize, |all, n| all.checked_mul(*n));
    let element = element(fields.need("ElementType")?).ok_or_else(|| {
        let text = "the type of the values is not one that is read";
        FormatError::unsupported("DATATYPE", text)
    })?;
    let samples = fields.get("ElementNumberOfChannels").unwrap_or("1");
    let samples = samples
        .parse::<usize>()
        .map_err(|_| bad("ElementNumberOfChannels"))?;
    if samples != 1 && (samples, element) != (3, Element::Stored(StoredType::U8)) {
        let text = "several values lie at each voxel, and they are not 8-bit RGB";
        return Err(FormatError::unsupported("VECTOR_VALUES", text));
    }
    let shape = Shape {
        size: [axis(0), axis(1), axis(2)],
        samples,
        volumes: volumes.unwrap_or(usize::MAX),
        element,
        big_endian: flag(&fields, "BinaryDataByteOrderMSB", false)?,
    };
    let plan = shape.plan(limits, &mut findings)?;
    let placed = place(&fields, rank, shape.size, &mut findings)?;
    let scale = |name: &str, without: f64| match fields.get(name) {
        None => Ok(without),
        Some(value) => finite(value, 1)
            .and_then(|all| all.first().copied())
            .ok_or_else(|| bad(name)),
    };
    let slope = scale("ElementToIntensityFunctionSlope", 1.0)?;
    let intercept = scale("ElementToIntensityFunctionOffset", 0.0)?;
    if slope == 0.0 {
        return Err(bad("ElementToIntensityFunctionSlope"));
    }
    let encoding = match flag(&fields, "CompressedData", false)? {
        true => Encoding::Packed,
        false => Encoding::Raw,
    };
    let (bytes, mut at, mut start) = data(&fields, bytes, end, folder, limits)?;
    if let (Start::Skip(skip), Encoding::Packed) = (start, encoding) {
        // The header of the data file lies before the stream, not in it.
        at = usize::try_from(skip).map_or(bytes.len(), |skip| at.saturating_add(skip));
        start = Start::Skip(0);
    }
    let data = plan.fetch(encoding, bytes, at, start, &mut findings)?;
    let lut = ModalityLut::Rescale { slope, intercept };
    Ok(Read {
        kind: FormatKind::MetaImage,
        volumes: plan.volumes(data, false, &placed.grid, &lut, &mut findings)?,
        placement: placed.placement,
        labels: false,
        findings,
    })
}

/// A whole file.
pub(super) fn bytes(out: &VolumeOut<'_>, payload: &Payload) -> Result<Vec<u8>, FormatError> {
    let name = match payload.stored_type {
        StoredType::U8 => "MET_UCHAR",
        StoredType::I8 => "MET_CHAR",
        StoredType::U16 => "MET_USHORT",
        StoredType::I16 => "MET_SHORT",
        StoredType::U32 => "MET_UINT",
        StoredType::I32 => "MET_INT",
        StoredType::F32 => "MET_FLOAT",
        StoredType::F64 => "MET_DOUBLE",
    };
    let grid = &out.volume.grid;
    let packed = out.packed.then(|| zlib(&payload.bytes)).transpose()?;
    let mut text = String::from(
        "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\n",
    );
    match &packed {
        Some(packed) => {
            let length = packed.len();
            text += &format!("CompressedData = True\nCompressedDataSize = {length}\n");
        }
        None => text += "CompressedData = False\n",
    }
    let [x, y, z] = grid.spacing_mm();
    if out.placement == Placement::Patient {
        let m = grid.patient_from_voxel.matrix3;
        let all = [m.x_axis / x, m.y_axis / y, m.z_axis / z];
        let all: Vec<String> = all
            .iter()
            .flat_map(|v| v.to_array())
            .map(|n| n.to_string())
            .collect();
        let t = grid.patient_from_voxel.translation;
        text += &format!("TransformMatrix = {}\n", all.join(" "));
        text += &format!(
            "Offset = {} {} {}\nCenterOfRotation = 0 0 0\n",
            t.x, t.y, t.z
        );
    }
    if out.placement != Placement::Uncalibrated {
        text += &format!("ElementSpacing = {x} {y} {z}\n");
    }
    let [columns, rows, slices] = grid.size;
    text += &format!("DimSize = {columns} {rows} {slices}\n");
    if payload.samples == 3 {
        text += "ElementNumberOfChannels = 3\n";
    }
    text += &format!("ElementType = {name}\nElementDataFile = LOCAL\n");
    let body = packed.as_ref().unwrap_or(&payload.bytes);
    Ok([text.as_bytes(), body].concat())
}

//! NRRD (teem.sourceforge.net/nrrd/format.html), with its data or beside one data file; the writer is in `write`.
//!
//! Must stay true: `space directions` and `space origin` are the affine, in the space that `space` names. A space
//! whose axes are not those of the patient leaves the orientation unknown.
//! Not here: blocks, bzip2, data in several files, values that do not lie side by side as RGB does.

mod write;

pub(super) use write::bytes;

use super::{
    FormatError, FormatKind, Limits, Read,
    orientation::{Placed, Space, adrift, placed, unplaced},
    source::Folder,
    text::{Fields, Lines, bad, millimetres, numbers},
    values::{Element, Encoding, Shape, Start},
};
use crate::model::{
    finding::{Finding, Severity},
    lut::ModalityLut,
    pixels::StoredType,
};
use glam::{DAffine3, DMat3, DVec3};

/// Axes of an array (NRRD_DIM_MAX).
const AXES: usize = 16;

/// Fields of the format that are understood, or known not to matter here.
const FIELDS: [&str; 29] = [
    "dimension",
    "type",
    "sizes",
    "encoding",
    "endian",
    "space",
    "space dimension",
    "space directions",
    "space origin",
    "space units",
    "spacings",
    "units",
    "kinds",
    "data file",
    "line skip",
    "byte skip",
    "content",
    "number",
    "min",
    "max",
    "thicknesses",
    "axis mins",
    "axis maxs",
    "centers",
    "labels",
    "sample units",
    "old min",
    "old max",
    "measurement frame",
];

/// Whether these are the first bytes of a NRRD file.
pub(super) fn recognise(first: &[u8]) -> bool {
    matches!(first, [b'N', b'R', b'R', b'D', b'0', b'0', b'0', digit, ..] if digit.is_ascii_digit())
}

/// Fields, and where the header ends.
fn header(bytes: &[u8], limits: &Limits) -> Result<(Fields, Option<usize>), FormatError> {
    let mut lines = Lines::new(bytes, limits.header_bytes);
    let magic = lines.next()?.unwrap_or_default();
    if !recognise(magic) || magic.len() != 8 || !(b'1'..=b'6').contains(&magic[7]) {
        let text = "the first line is not that of a NRRD file";
        return Err(FormatError::unsupported("NRRD_VERSION", text));
    }
    let mut fields = Fields::default();
    while let Some(line) = lines.next()? {
        if line.is_empty() {
            return Ok((fields, Some(lines.at)));
        }
        if line.starts_with(b"#") {
            continue;
        }
        let line = String::from_utf8_lossy(line);
        // Key and value pairs are free text of whoever wrote the file.
        let pair = line.find(":=");
        let field = line
            .find(": ")
            .or_else(|| line.ends_with(':').then(|| line.len() - 1));
        let Some(colon) = field.filter(|at| pair.is_none_or(|pair| *at < pair)) else {
            if pair.is_some() {
                continue;
            }
            let text = "a line of the header is neither a field nor a comment";
            return Err(FormatError::rejected("HEADER_LINE", text));
        };
        let (name, value) = line.split_at(colon);
        let mut name = name.trim().to_ascii_lowercase();
        for (short, long) in [
            ("datafile", "data file"),
            ("lineskip", "line skip"),
            ("byteskip", "byte skip"),
        ] {
            if name == short {
                name = long.to_owned();
            }
        }
        fields.add(name, value.get(1..).unwrap_or_default())?;
    }
    if fields.names().any(|name| name == "data file") {
        return Ok((fields, None));
    }
    Err(FormatError::rejected(
        "HEADER_CUT",
        "the file ends within its header",
    ))
}

fn element(name: &str) -> Option<Element> {
    Some(match name {
        "signed char" | "int8" | "int8_t" => Element::Stored(StoredType::I8),
        "uchar" | "unsigned char" | "uint8" | "uint8_t" => Element::Stored(StoredType::U8),
        "short" | "short int" | "signed short" | "signed short int" | "int16" | "int16_t" => {
            Element::Stored(StoredType::I16)
        }
        "ushort" | "unsigned short" | "unsigned short int" | "uint16" | "uint16_t" => {
            Element::Stored(StoredType::U16)
        }
        "int" | "signed int" | "int32" | "int32_t" => Element::Stored(StoredType::I32),
        "uint" | "unsigned int" | "uint32" | "uint32_t" => Element::Stored(StoredType::U32),
        "longlong"
        | "long long"
        | "long long int"
        | "signed long long"
        | "signed long long int"
        | "int64"
        | "int64_t" => Element::I64,
        "ulonglong" | "unsigned long long" | "unsigned long long int" | "uint64" | "uint64_t" => {
            Element::U64
        }
        "float" => Element::Stored(StoredType::F32),
        "double" => Element::Stored(StoredType::F64),
        _ => return None,
    })
}

/// The vectors of a value such as `(1,0,0) none (0, 1, 0)`; `None` for `none`.
fn vectors(value: &str) -> Option<Vec<Option<DVec3>>> {
    let mut all = Vec::new();
    let mut rest = value.trim_start();
    while !rest.is_empty() {
        if let Some(behind) = rest.strip_prefix("none") {
            all.push(None);
            rest = behind.trim_start();
            continue;
        }
        let (inside, behind) = rest.strip_prefix('(')?.split_once(')')?;
        let parts: Option<Vec<f64>> = inside.split(',').map(|n| n.trim().parse().ok()).collect();
        let parts = <[f64; 3]>::try_from(parts?).ok()?;
        all.push(Some(DVec3::from_array(parts)));
        rest = behind.trim_start();
    }
    Some(all)
}

/// Words, some of which may stand in quotation marks.
fn words(value: &str) -> Vec<String> {
    let quoted = value.split('"').enumerate();
    quoted
        .flat_map(|(i, part)| match i % 2 {
            1 => vec![part.to_owned()],
            _ => part.split_ascii_whitespace().map(str::to_owned).collect(),
        })
        .collect()
}

/// How the axes of the array are used.
struct Axes {
    /// Values side by side, before the axes of space.
    samples: usize,
    /// First axis of space, and one behind the last.
    spatial: (usize, usize),
    volumes: usize,
}

fn axes(
    sizes: &[usize],
    directions: Option<&[Option<DVec3>]>,
    kinds: &[String],
    element: Element,
) -> Result<Axes, FormatError> {
    let in_space = |axis: usize| match directions {
        Some(all) => matches!(all.get(axis), Some(Some(_))),
        None => match kinds.get(axis).map(|k| k.to_ascii_lowercase()) {
            None => true,
            Some(kind) => matches!(kind.as_str(), "domain" | "space" | "none" | "???"),
        },
    };
    let first = (0..sizes.len())
        .find(|axis| in_space(*axis))
        .unwrap_or(sizes.len());
    let count = (first..sizes.len())
        .take_while(|axis| in_space(*axis))
        .count()
        .min(3);
    let last = first + count;
    let more = directions.is_some() && (last..sizes.len()).any(in_space);
    if count == 0 || more {
        let text = "the axes of space are not one to three that lie side by side";
        return Err(FormatError::unsupported("NRRD_AXES", text));
    }
    let product = |all: &[usize]| all.iter().try_fold(1usize, |p, n| p.checked_mul(*n));
    let inner = sizes.get(..first).and_then(product).unwrap_or(usize::MAX);
    let outer = sizes.get(last..).and_then(product).unwrap_or(usize::MAX);
    let kind = kinds
        .first()
        .map(|k| k.to_ascii_lowercase())
        .unwrap_or_default();
    let colour = !matches!(
        kind.as_str(),
        "hsv-color" | "xyz-color" | "3-gradient" | "3-normal"
    );
    let rgb = inner == 3 && element == Element::Stored(StoredType::U8) && colour;
    if inner != 1 && !rgb {
        let text = "several values lie at each voxel, and they are not 8-bit RGB";
        return Err(FormatError::unsupported("VECTOR_VALUES", text));
    }
    Ok(Axes {
        samples: inner,
        spatial: (first, last),
        volumes: outer,
    })
}

/// What the world of `space directions` is.
enum World {
    Patient(Space),
    /// Lengths hold, directions mean nothing to us.
    Other,
}

fn world(fields: &Fields) -> Result<Option<World>, FormatError> {
    let Some(name) = fields.get("space") else {
        return match fields.get("space dimension") {
            None => Ok(None),
            Some("3") => Ok(Some(World::Other)),
            Some(_) => Err(unknown_space()),
        };
    };
    Ok(Some(match name.to_ascii_lowercase().as_str() {
        "left-posterior-superior" | "lps" => World::Patient(Space::Lps),
        "right-anterior-superior" | "ras" => World::Patient(Space::Ras),
        "left-anterior-superior" | "las" => World::Patient(Space::Las),
        // The scanner's axes follow the patient only when one knows how the patient lay.
        "scanner-xyz" | "3d-right-handed" | "3d-left-handed" => World::Other,
        _ => return Err(unknown_space()),
    }))
}

fn unknown_space() -> FormatError {
    FormatError::unsupported(
        "NRRD_SPACE",
        "the space of the array is not one that is read",
    )
}

fn place(
    fields: &Fields,
    sizes: &[usize],
    (first, last): (usize, usize),
    directions: Option<(World, &[Option<DVec3>])>,
    findings: &mut Vec<Finding>,
) -> Result<Placed, FormatError> {
    let mut size = [1; 3];
    for (to, from) in size
        .iter_mut()
        .zip(sizes.get(first..last).unwrap_or_default())
    {
        *to = *from;
    }
    let unit_field = if directions.is_some() {
        "space units"
    } else {
        "units"
    };
    let units = words(fields.get(unit_field).unwrap_or_default());
    let from = if directions.is_some() { 0 } else { first };
    let unit = |axis: usize| units.get(from + axis).and_then(|unit| millimetres(unit));
    let scale = [0, 1, 2].map(|axis| unit(axis).unwrap_or(1.0));
    let assumed = (0..last - first).any(|axis| unit(axis).is_none());
    let assume = |findings: &mut Vec<Finding>| {
        if assumed {
            let text = "the file does not say the unit of its lengths; millimetres are assumed";
            findings.push(Finding::new("UNITS_ASSUMED", Severity::Info, text));
        }
    };
    let Some((world, directions)) = directions else {
        let steps = fields.get("spacings").map(|value| {
            let all = numbers::<f64>(value).filter(|all| all.len() == sizes.len());
            let own = all.and_then(|all| all.get(first..last).map(<[f64]>::to_vec));
            own.filter(|own| own.iter().all(|n| n.is_nan() || *n != 0.0))
                .ok_or_else(|| bad("spacings"))
        });
        // "NaN" says that a distance is not known, a sign which way an axis without orientation goes.
        let own = steps
            .transpose()?
            .filter(|own| own.iter().all(|n| !n.is_nan()));
        let spacing = own.map(|own| {
            assume(findings);
            let mut steps = [1.0; 3];
            for ((step, given), scale) in steps.iter_mut().zip(&own).zip(scale) {
                *step = given.abs() * scale;
            }
            steps
        });
        return unplaced(size, spacing, findings);
    };
    assume(findings);
    let scale = DVec3::from_array(scale);
    let column = |axis: usize| {
        let found = directions.get(first + axis).copied().flatten();
        found.filter(|_| first + axis < last).unwrap_or(DVec3::ZERO) * scale
    };
    let origin = match fields.get("space origin").map(vectors) {
        Some(Some(all)) if all.len() == 1 => all.first().copied().flatten(),
        Some(_) => return Err(bad("space origin")),
        None => {
            let text =
                "the file does not say where the volume lies; its first voxel is put at zero";
            findings.push(Finding::new("ORIGIN_UNKNOWN", Severity::Warning, text));
            None
        }
    };
    let affine = DAffine3 {
        matrix3: DMat3::from_cols(column(0), column(1), column(2)),
        translation: origin.unwrap_or(DVec3::ZERO) * scale,
    };
    match world {
        World::Patient(space) => placed(size, affine, space),
        World::Other => adrift(size, affine, findings),
    }
}

/// Where the voxels are: the bytes of their file, where its header ends in it, and what is to be passed over.
fn data(
    fields: &Fields,
    bytes: Vec<u8>,
    end: Option<usize>,
    folder: Folder<'_>,
    limits: &Limits,
) -> Result<(Vec<u8>, usize, Start), FormatError> {
    let (bytes, mut at) = match (fields.get("data file"), end) {
        (Some(name), _) => {
            let first = name.split_ascii_whitespace().next().unwrap_or_default();
            if first.eq_ignore_ascii_case("LIST") || name.contains('%') {
                let text = "the voxels lie in several files";
                return Err(FormatError::unsupported("MULTI_FILE", text));
            }
            (folder.data_file(name, limits)?, 0)
        }
        (None, Some(end)) => (bytes, end),
        (None, None) => return Err(FormatError::rejected("HEADER_CUT", "the header has no end")),
    };
    let count = |name: &str| {
        let given = fields.get(name).unwrap_or("0");
        given.parse::<i64>().map_err(|_| bad(name))
    };
    let lines = usize::try_from(count("line skip")?).map_err(|_| bad("line skip"))?;
    for _ in 0..lines {
        let rest = bytes.get(at..).unwrap_or_default();
        let line = rest
            .iter()
            .position(|b| *b == b'\n')
            .ok_or_else(|| bad("line skip"))?;
        at += line + 1;
    }
    let start = match count("byte skip")? {
        -1 => Start::AtEnd,
        skip => Start::Skip(u64::try_from(skip).map_err(|_| bad("byte skip"))?),
    };
    Ok((bytes, at, start))
}

/// Reads the bytes of the file that holds the header.
pub(super) fn parse(
    bytes: Vec<u8>,
    folder: Folder<'_>,
    limits: &Limits,
) -> Result<Read, FormatError> {
    let mut findings = Vec::new();
    let (fields, end) = header(&bytes, limits)?;
    if fields.names().any(|name| !FIELDS.contains(&name)) {
        let text = "the header has a field that the format does not know; it is ignored";
        findings.push(Finding::new("FIELD_UNKNOWN", Severity::Info, text));
    }
    let kind_of_value = fields.need("type")?.to_ascii_lowercase();
    let element = element(&kind_of_value).ok_or_else(|| {
        let text = "the type of the values is not one that is read";
        FormatError::unsupported("DATATYPE", text)
    })?;
    let encoding = match fields.need("encoding")?.to_ascii_lowercase().as_str() {
        "raw" => Encoding::Raw,
        "gzip" | "gz" => Encoding::Packed,
        "txt" | "text" | "ascii" => Encoding::Text,
        "hex" => Encoding::Hex,
        _ => {
            let text = "the encoding is not raw, gzip, text or hex";
            return Err(FormatError::unsupported("ENCODING", text));
        }
    };
    let big_endian = match fields.get("endian").map(str::to_ascii_lowercase).as_deref() {
        Some("little") => false,
        Some("big") => true,
        None if element.bytes() == 1 || encoding == Encoding::Text => false,
        Some(_) => return Err(bad("endian")),
        None => return Err(fields.need("endian").err().unwrap_or_else(|| bad("endian"))),
    };
    let dimension = fields.need("dimension")?.parse::<usize>().ok();
    let dimension = dimension
        .filter(|n| (1..=AXES).contains(n))
        .ok_or_else(|| bad("dimension"))?;
    let sizes = numbers::<usize>(fields.need("sizes")?).filter(|all| all.len() == dimension);
    let sizes = sizes.ok_or_else(|| bad("sizes"))?;
    let kinds = words(fields.get("kinds").unwrap_or_default());
    let world = world(&fields)?;
    let directions = match fields.get("space directions") {
        Some(value) if world.is_some() => {
            let all = vectors(value).filter(|all| all.len() == dimension);
            Some(all.ok_or_else(|| bad("space directions"))?)
        }
        _ => None,
    };
    let axes = axes(&sizes, directions.as_deref(), &kinds, element)?;
    let oriented = world.zip(directions.as_deref());
    let placed = place(&fields, &sizes, axes.spatial, oriented, &mut findings)?;
    let shape = Shape {
        size: placed.grid.size,
        samples: axes.samples,
        volumes: axes.volumes,
        element,
        big_endian,
    };
    let plan = shape.plan(limits, &mut findings)?;
    if fields.get("old min").or(fields.get("old max")).is_some() {
        let text = "the values were quantised, says the header; they are shown as they are";
        findings.push(Finding::new("QUANTISED", Severity::Info, text));
    }
    let (bytes, at, start) = data(&fields, bytes, end, folder, limits)?;
    // Passing over packed bytes costs time, and a bomb has many.
    if let Start::Skip(skip) = start
        && encoding == Encoding::Packed
        && skip > limits.header_bytes as u64
    {
        let text = "there is more before the voxels than what is read";
        return Err(FormatError::limit("HEADER_TOO_LONG", text));
    }
    let data = plan.fetch(encoding, bytes, at, start, &mut findings)?;
    let text = encoding == Encoding::Text;
    let lut = ModalityLut::IDENTITY;
    Ok(Read {
        kind: FormatKind::Nrrd,
        volumes: plan.volumes(data, text, &placed.grid, &lut, &mut findings)?,
        placement: placed.placement,
        labels: false,
        findings,
    })
}

//! Voxels: what a header declares against what is there, and stored values in and out.
//!
//! Must stay true: sizes are multiplied with checks and held against bytes or budget before memory is taken.
//! Values are never rescaled on the way in; the order of voxels is that of the file. Frames share one buffer.
//! Not here: reordering, resampling, and complex, extended or bit-packed values.

use super::{FormatError, Limits, pack::Inflater, source::reserve};
use crate::model::{
    finding::{Finding, Severity},
    geometry::GridGeometry,
    lut::{ModalityLut, ModalityUnit},
    pixels::{BytesOwner, Frame, PixelBytes, StoredType},
    volume::Volume,
};
use std::sync::Arc;

/// Number type of a value in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    /// A type that the model has too.
    Stored(StoredType),
    /// Signed 64 bit: kept as `f64` when that is exact.
    I64,
    /// Unsigned 64 bit: kept as `f64` when that is exact.
    U64,
}

impl Element {
    pub(super) const fn bytes(self) -> usize {
        match self {
            Self::Stored(stored) => stored.bytes(),
            Self::I64 | Self::U64 => 8,
        }
    }

    const fn stored(self) -> StoredType {
        match self {
            Self::Stored(stored) => stored,
            Self::I64 | Self::U64 => StoredType::F64,
        }
    }
}

/// What a header says of its voxels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// Columns, rows, slices; each at least 1.
    pub size: [usize; 3],
    /// 1, or 3 for RGB.
    pub samples: usize,
    /// Volumes behind each other; at least 1.
    pub volumes: usize,
    pub element: Element,
    pub big_endian: bool,
}

/// A shape that was held against the budget.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub shape: Shape,
    /// Bytes of one volume.
    volume_bytes: usize,
    /// Volumes that are read, the first ones.
    kept: usize,
    /// Bytes of all volumes, the ones left out too.
    pub all_bytes: u64,
}

impl Shape {
    /// Holds the shape against the budget. The first volume must fit; later ones may be left out.
    pub(super) fn plan(
        self,
        limits: &Limits,
        findings: &mut Vec<Finding>,
    ) -> Result<Plan, FormatError> {
        let [columns, rows, slices] = self.size;
        if columns == 0 || rows == 0 || slices == 0 || self.volumes == 0 {
            let text = "an axis of the grid has no voxels";
            return Err(FormatError::rejected("DIMENSIONS", text));
        }
        let too_large = || {
            let text = "the grid is larger than what is read";
            FormatError::limit("GRID_TOO_LARGE", text)
        };
        let volume_bytes = [rows, slices, self.samples, self.element.bytes()]
            .iter()
            .try_fold(columns, |all, n| all.checked_mul(*n))
            .filter(|bytes| *bytes <= limits.pixel_bytes)
            .ok_or_else(too_large)?;
        let all_bytes = (volume_bytes as u64)
            .checked_mul(self.volumes as u64)
            .ok_or_else(too_large)?;
        // A frame costs more than its pixels: many tiny ones are bounded by number.
        let kept = self
            .volumes
            .min(limits.pixel_bytes / volume_bytes)
            .min(limits.frames / slices);
        if kept == 0 {
            return Err(too_large());
        }
        if kept < self.volumes {
            let text = format!(
                "{kept} of {} volumes were read; the others would go over the budget and were not checked",
                self.volumes
            );
            findings.push(
                Finding::new("VOLUMES_LEFT_OUT", Severity::Warning, text)
                    .with("read", kept as f64)
                    .with("volumes", self.volumes as f64),
            );
        }
        Ok(Plan {
            shape: self,
            volume_bytes,
            kept,
            all_bytes,
        })
    }
}

/// How the voxels are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Raw,
    /// gzip or zlib; the stream's first bytes say which.
    Packed,
    Text,
    Hex,
}

/// Where the voxels begin.
#[derive(Clone, Copy, Debug)]
pub(super) enum Start {
    /// So many bytes behind the header; of a packed stream: of what it makes.
    Skip(u64),
    /// The last bytes of the file are the voxels.
    AtEnd,
}

impl Plan {
    fn kept_bytes(&self) -> usize {
        // Not larger than the budget: `kept` was made so.
        self.volume_bytes.saturating_mul(self.kept)
    }

    /// The voxels of the volumes that are kept, as a buffer and where they begin in it.
    pub(super) fn fetch(
        &self,
        encoding: Encoding,
        bytes: Vec<u8>,
        header: usize,
        start: Start,
        findings: &mut Vec<Finding>,
    ) -> Result<(Vec<u8>, usize), FormatError> {
        let body = bytes.get(header..).unwrap_or_default();
        let skip = match start {
            Start::Skip(skip) => skip,
            Start::AtEnd if encoding == Encoding::Raw => (body.len() as u64)
                .checked_sub(self.all_bytes)
                .ok_or_else(cut)?,
            Start::AtEnd => {
                let text = "packed voxels cannot be counted from the end of the file";
                return Err(FormatError::rejected("DATA_OFFSET", text));
            }
        };
        let (values, at, surplus) = match encoding {
            Encoding::Raw => {
                let rest = (body.len() as u64)
                    .checked_sub(skip)
                    .and_then(|rest| rest.checked_sub(self.all_bytes))
                    .ok_or_else(cut)?;
                let skip = usize::try_from(skip).map_err(|_| cut())?;
                (bytes, header + skip, rest > 0)
            }
            Encoding::Packed => {
                let mut stream = Inflater::new(body)?;
                stream.skip(skip)?;
                let values = stream.take(self.kept_bytes())?;
                let surplus = self.kept == self.shape.volumes && stream.finish()?;
                (values, 0, surplus)
            }
            Encoding::Text | Encoding::Hex => {
                let skip = usize::try_from(skip).map_err(|_| cut())?;
                let text = body.get(skip..).ok_or_else(cut)?;
                let (values, surplus) = match encoding {
                    Encoding::Hex => unhex(text, self.kept_bytes())?,
                    _ => self.spelled(text)?,
                };
                (values, 0, surplus && self.kept == self.shape.volumes)
            }
        };
        if surplus {
            let text = "there are bytes behind the last voxel; they are ignored";
            findings.push(Finding::new("TRAILING_BYTES", Severity::Info, text));
        }
        Ok((values, at))
    }

    /// Numbers written as text, little endian; whether more of them follow.
    fn spelled(&self, text: &[u8]) -> Result<(Vec<u8>, bool), FormatError> {
        let element = self.shape.element;
        let count = self.kept_bytes() / element.bytes();
        // A number takes a digit and a gap, the last one a digit.
        if count > text.len() / 2 + 1 {
            return Err(cut());
        }
        let mut values = Vec::new();
        reserve(&mut values, self.kept_bytes())?;
        let gap = |b: &u8| b.is_ascii_whitespace() || *b == b',';
        let mut words = text.split(gap).filter(|word| !word.is_empty());
        for _ in 0..count {
            let word = words.next().ok_or_else(cut)?;
            let word = std::str::from_utf8(word).ok();
            spell(element, word.unwrap_or_default(), &mut values).ok_or_else(|| {
                let text = "a value written as text is not a number of its type";
                FormatError::rejected("DATA_TEXT", text)
            })?;
        }
        Ok((values, words.next().is_some()))
    }

    /// Volumes over one shared buffer.
    pub(super) fn volumes(
        &self,
        (mut bytes, at): (Vec<u8>, usize),
        written_as_text: bool,
        grid: &GridGeometry,
        lut: &ModalityLut,
        findings: &mut Vec<Finding>,
    ) -> Result<Vec<Volume>, FormatError> {
        let shape = &self.shape;
        let end = at.checked_add(self.kept_bytes()).ok_or_else(cut)?;
        let values = bytes.get_mut(at..end).ok_or_else(cut)?;
        if shape.big_endian && !written_as_text {
            let width = shape.element.bytes();
            values.chunks_exact_mut(width).for_each(<[u8]>::reverse);
        }
        if matches!(shape.element, Element::I64 | Element::U64) {
            to_f64(values, shape.element == Element::I64)?;
            let text =
                "values of 64-bit integers are kept as 64-bit floats, which is exact for them";
            findings.push(Finding::new("INTEGER_AS_FLOAT", Severity::Info, text));
        }
        let owner: BytesOwner = Arc::new(bytes);
        let frame_bytes = self.volume_bytes / shape.size[2];
        let mut at = at;
        let mut frame = || {
            let pixels = PixelBytes::slice_of(owner.clone(), at..at + frame_bytes)?;
            at += frame_bytes;
            let [columns, rows, _] = shape.size;
            Frame::new(rows, columns, shape.samples, shape.element.stored(), pixels)
        };
        (0..self.kept)
            .map(|_| {
                let frames: Option<Vec<Frame>> = (0..shape.size[2]).map(|_| frame()).collect();
                Ok(Volume {
                    grid: *grid,
                    frames: frames.ok_or_else(cut)?,
                    modality_lut: lut.clone(),
                    unit: ModalityUnit::Unspecified,
                    padding: None,
                })
            })
            .collect()
    }
}

fn cut() -> FormatError {
    FormatError::rejected("DATA_CUT", "the file ends before the voxels do")
}

fn spell(element: Element, word: &str, out: &mut Vec<u8>) -> Option<()> {
    macro_rules! put {
        ($number:ty) => {
            out.extend(word.parse::<$number>().ok()?.to_le_bytes())
        };
    }
    match element {
        Element::Stored(StoredType::U8) => put!(u8),
        Element::Stored(StoredType::I8) => put!(i8),
        Element::Stored(StoredType::U16) => put!(u16),
        Element::Stored(StoredType::I16) => put!(i16),
        Element::Stored(StoredType::U32) => put!(u32),
        Element::Stored(StoredType::I32) => put!(i32),
        Element::Stored(StoredType::F32) => put!(f32),
        Element::Stored(StoredType::F64) => put!(f64),
        Element::I64 => put!(i64),
        Element::U64 => put!(u64),
    }
    Some(())
}

/// Pairs of hexadecimal digits with any white space; whether more of them follow.
fn unhex(text: &[u8], count: usize) -> Result<(Vec<u8>, bool), FormatError> {
    if count > text.len() / 2 {
        return Err(cut());
    }
    let mut digits = text.iter().filter(|b| !b.is_ascii_whitespace());
    let mut digit = || {
        let digit = char::from(*digits.next().ok_or_else(cut)?).to_digit(16);
        let wrong = || FormatError::rejected("DATA_TEXT", "a digit is not hexadecimal");
        digit.ok_or_else(wrong)
    };
    let mut values = Vec::new();
    reserve(&mut values, count)?;
    for _ in 0..count {
        values.push((digit()? << 4 | digit()?) as u8);
    }
    Ok((values, digits.next().is_some()))
}

/// 64-bit integers to floats in place; refused where one would change.
fn to_f64(values: &mut [u8], signed: bool) -> Result<(), FormatError> {
    for chunk in values.chunks_exact_mut(8) {
        let Ok(bytes) = <[u8; 8]>::try_from(&*chunk) else {
            continue;
        };
        let whole = match signed {
            true => i128::from(i64::from_le_bytes(bytes)),
            false => i128::from(u64::from_le_bytes(bytes)),
        };
        let float = whole as f64;
        if float as i128 != whole {
            let text = "a 64-bit integer is too large to be kept exactly";
            return Err(FormatError::unsupported("INTEGER_INEXACT", text));
        }
        chunk.copy_from_slice(&float.to_le_bytes());
    }
    Ok(())
}

/// Voxels as they are written: little endian, in the volume's order.
pub(super) struct Payload {
    pub stored_type: StoredType,
    pub samples: usize,
    pub bytes: Vec<u8>,
}

/// The values that a file gets: stored ones when they are the modality values already, else modality values as
/// `int16` where that is exact for all of them, else as `float32`.
pub(super) fn payload(
    volume: &Volume,
    findings: &mut Vec<Finding>,
) -> Result<Payload, FormatError> {
    let (stored_type, samples, frame_bytes) = check(volume)?;
    let slices = volume.frames.len();
    if volume.modality_lut == ModalityLut::IDENTITY || samples == 3 {
        let mut bytes = Vec::new();
        reserve(&mut bytes, frame_bytes.saturating_mul(slices))?;
        for frame in &volume.frames {
            bytes.extend_from_slice(frame.pixels.as_slice());
        }
        return Ok(Payload {
            stored_type,
            samples,
            bytes,
        });
    }
    let (stored_type, bytes) = modality_values(volume, findings)?;
    Ok(Payload {
        stored_type,
        samples,
        bytes,
    })
}

/// Type, samples and bytes of each frame of a volume that is whole and can be written.
pub(super) fn check(volume: &Volume) -> Result<(StoredType, usize, usize), FormatError> {
    let invalid = |what: &str| FormatError::rejected("VOLUME_INCONSISTENT", what);
    let [columns, rows, slices] = volume.grid.size;
    let first = volume.frames.first();
    let first = first.ok_or_else(|| invalid("a volume without frames"))?;
    let (stored_type, samples) = (first.stored_type, first.samples);
    let frame_bytes = [rows, samples, stored_type.bytes()]
        .iter()
        .try_fold(columns, |all, n| all.checked_mul(*n));
    let same = |f: &Frame| {
        (f.columns, f.rows, f.samples, f.stored_type) == (columns, rows, samples, stored_type)
            && Some(f.pixels.as_slice().len()) == frame_bytes
    };
    if slices != volume.frames.len() || columns == 0 || rows == 0 || !volume.frames.iter().all(same)
    {
        return Err(invalid("the frames of the volume do not fit its grid"));
    }
    if samples != 1 && (samples, stored_type) != (3, StoredType::U8) {
        let text = "only single values and 8-bit RGB can be written";
        return Err(FormatError::unsupported("SAMPLES", text));
    }
    Ok((stored_type, samples, frame_bytes.unwrap_or(0)))
}

fn modality_values(
    volume: &Volume,
    findings: &mut Vec<Finding>,
) -> Result<(StoredType, Vec<u8>), FormatError> {
    let lut = &volume.modality_lut;
    let values = || {
        volume
            .frames
            .iter()
            .flat_map(Frame::values)
            .map(|v| modality(lut, v))
    };
    let whole = match lut {
        ModalityLut::Rescale { slope, intercept } => {
            slope.fract() == 0.0 && intercept.fract() == 0.0
        }
        ModalityLut::Table(_) => true,
    };
    let fits = |v: f64| f64::from(v as i16) == v;
    let mut bytes = Vec::new();
    let count = volume.grid.size.iter().product::<usize>();
    if whole && values().all(fits) {
        reserve(&mut bytes, count.saturating_mul(2))?;
        values().for_each(|v| bytes.extend((v as i16).to_le_bytes()));
        return Ok((StoredType::I16, bytes));
    }
    reserve(&mut bytes, count.saturating_mul(4))?;
    let mut error = 0.0f64;
    for value in values() {
        let short = value as f32;
        let lost = (f64::from(short) - value).abs();
        if lost > error {
            error = lost;
        }
        bytes.extend(short.to_le_bytes());
    }
    if error > 0.0 {
        let text = format!("modality values were rounded to 32-bit floats, by up to {error:e}");
        findings.push(Finding::new("FLOAT32_ROUNDED", Severity::Info, text).with("error", error));
    }
    Ok((StoredType::F32, bytes))
}

/// PS3.3 C.11.1.
/// The modality value of a stored one.
pub(super) fn modality(lut: &ModalityLut, stored: f64) -> f64 {
    match lut {
        ModalityLut::Rescale { slope, intercept } => slope * stored + intercept,
        ModalityLut::Table(table) => {
            let last = table.entries.len().saturating_sub(1) as f64;
            let index = (stored - f64::from(table.first_mapped)).clamp(0.0, last);
            table
                .entries
                .get(index as usize)
                .copied()
                .map_or(0.0, f64::from)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::lut::LookupTable;
    use glam::DAffine3;

    fn shape(size: [usize; 3], volumes: usize) -> Shape {
        Shape {
            size,
            samples: 1,
            volumes,
            element: Element::Stored(StoredType::U8),
            big_endian: false,
        }
    }

    fn volume(values: &[i16], lut: ModalityLut) -> Volume {
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let pixels = PixelBytes::from_vec(bytes);
        Volume {
            grid: GridGeometry {
                size: [values.len(), 1, 1],
                patient_from_voxel: DAffine3::IDENTITY,
            },
            frames: vec![Frame::new(1, values.len(), 1, StoredType::I16, pixels).unwrap()],
            modality_lut: lut,
            unit: ModalityUnit::Unspecified,
            padding: None,
        }
    }

    #[test]
    fn sizes_are_held_against_the_budget_before_anything_else() {
        let limits = Limits {
            pixel_bytes: 100,
            frames: 20,
            ..Limits::default()
        };
        let plan = |size, volumes| {
            let mut findings = Vec::new();
            let plan = shape(size, volumes).plan(&limits, &mut findings);
            plan.map(|p| (p.kept, findings.len())).map_err(|e| e.code())
        };
        assert_eq!(plan([5, 5, 2], 2), Ok((2, 0)));
        assert_eq!(plan([5, 5, 2], 3), Ok((2, 1)));
        assert_eq!(plan([1, 1, 10], 5), Ok((2, 1)));
        assert_eq!(plan([1, 1, 21], 1), Err("GRID_TOO_LARGE"));
        assert_eq!(plan([101, 1, 1], 1), Err("GRID_TOO_LARGE"));
        assert_eq!(plan([usize::MAX; 3], 1), Err("GRID_TOO_LARGE"));
        assert_eq!(plan([5, 5, 2], usize::MAX), Err("GRID_TOO_LARGE"));
        assert_eq!(plan([5, 0, 2], 1), Err("DIMENSIONS"));
    }

    #[test]
    fn large_integers_are_exact_or_refused() {
        let run = |v: i64| {
            let mut bytes = v.to_le_bytes();
            to_f64(&mut bytes, true).map(|()| f64::from_le_bytes(bytes))
        };
        assert_eq!(run(-7), Ok(-7.0));
        assert_eq!(run(1 << 60), Ok((1u64 << 60) as f64));
        assert_eq!(run((1 << 53) + 1).unwrap_err().code(), "INTEGER_INEXACT");
        assert_eq!(run(i64::MAX).unwrap_err().code(), "INTEGER_INEXACT");
        let mut bytes = u64::MAX.to_le_bytes();
        assert!(to_f64(&mut bytes, false).is_err());
    }

    #[test]
    fn what_is_written_depends_on_the_modality_lut() {
        let rescale = |slope, intercept| ModalityLut::Rescale { slope, intercept };
        let table = ModalityLut::Table(LookupTable {
            first_mapped: 1,
            entries: Arc::from([10, 20, 40_000]),
            bits: 16,
            explanation: String::new(),
        });
        let cases = [
            (
                ModalityLut::IDENTITY,
                StoredType::I16,
                vec![0.0, 1.0, 2.0, 1000.0],
                0,
            ),
            (
                rescale(1.0, -1024.0),
                StoredType::I16,
                vec![-1024.0, -1023.0, -1022.0, -24.0],
                0,
            ),
            (
                rescale(40.0, 0.0),
                StoredType::F32,
                vec![0.0, 40.0, 80.0, 40_000.0],
                0,
            ),
            (
                rescale(0.5, 0.0),
                StoredType::F32,
                vec![0.0, 0.5, 1.0, 500.0],
                0,
            ),
            (
                rescale(0.1, 0.0),
                StoredType::F32,
                vec![0.0, 0.1, 0.2, 100.0],
                1,
            ),
            (table, StoredType::F32, vec![10.0, 10.0, 20.0, 40_000.0], 0),
        ];
        for (lut, stored_type, expected, count) in cases {
            let mut findings = Vec::new();
            let out = payload(&volume(&[0, 1, 2, 1000], lut.clone()), &mut findings).unwrap();
            assert_eq!(out.stored_type, stored_type, "{lut:?}");
            assert_eq!(findings.len(), count, "{lut:?}");
            for (i, value) in expected.iter().enumerate() {
                let got = crate::model::pixels::read_value(&out.bytes, stored_type, i).unwrap();
                assert!((got - value).abs() < 1e-5, "{lut:?}: {got} {value}");
            }
        }
    }

    #[test]
    fn a_volume_that_does_not_fit_itself_is_not_written() {
        let mut wrong = volume(&[1, 2], ModalityLut::IDENTITY);
        wrong.grid.size = [2, 1, 2];
        let code = |v: &Volume| payload(v, &mut Vec::new()).err().map(|e| e.code());
        assert_eq!(code(&wrong), Some("VOLUME_INCONSISTENT"));
        wrong.grid.size = [0, 1, 1];
        assert_eq!(code(&wrong), Some("VOLUME_INCONSISTENT"));
    }
}

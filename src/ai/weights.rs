//! Named `f32` arrays, their file format, and folding of batch normalisation.
//!
//! The file is safetensors: eight bytes of header length, a JSON header, raw little-endian numbers. It holds
//! data only; nothing in it can run. Everything in the header is checked before memory is asked for. Writing is
//! repeatable to the byte: tensors in the order of their names, no free metadata.

use super::{AiError, unet::NORM_EPSILON};
use crate::files::write_whole;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fs, io::Read as _, path::Path};

/// Largest weights file that is read. The largest network that [`super::unet::UNetConfig::check`] lets through
/// stays below.
pub const MAX_FILE_BYTES: u64 = 512 << 20;
/// Largest JSON header that is read.
const MAX_HEADER_BYTES: u64 = 1 << 20;
const MAX_TENSORS: usize = 4096;
const MAX_RANK: usize = 6;

/// An array, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Sides, outermost first.
    pub shape: Vec<usize>,
    /// The numbers; as many as the sides multiply to.
    pub values: Vec<f32>,
}

/// Arrays by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Weights(BTreeMap<String, Array>);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: [u64; 2],
}

fn refuse<T>(what: impl Into<String>) -> Result<T, AiError> {
    Err(AiError::Weights(what.into()))
}

impl Weights {
    /// Adds or replaces an array.
    pub fn insert(&mut self, name: String, shape: Vec<usize>, values: Vec<f32>) {
        debug_assert_eq!(shape.iter().product::<usize>(), values.len());
        self.0.insert(name, Array { shape, values });
    }

    /// The array of a name.
    pub fn get(&self, name: &str) -> Option<&Array> {
        self.0.get(name)
    }

    /// All arrays in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Array)> {
        self.0.iter().map(|(name, array)| (name.as_str(), array))
    }

    /// How many numbers there are.
    pub fn count(&self) -> usize {
        self.0.values().map(|array| array.values.len()).sum()
    }

    /// Moves out the arrays whose names begin with `prefix`, without it.
    pub fn split_off(&mut self, prefix: &str) -> Self {
        let names: Vec<String> = self
            .0
            .keys()
            .filter(|n| n.starts_with(prefix))
            .cloned()
            .collect();
        Self(
            names
                .into_iter()
                .filter_map(|name| {
                    let array = self.0.remove(&name)?;
                    Some((name.get(prefix.len()..)?.to_owned(), array))
                })
                .collect(),
        )
    }

    /// Takes in the arrays of another set under a prefix.
    pub fn extend_under(&mut self, prefix: &str, other: Self) {
        self.0.extend(
            other
                .0
                .into_iter()
                .map(|(name, array)| (format!("{prefix}{name}"), array)),
        );
    }

    /// Moves each array towards that of the same name: `keep` of itself, the rest of the other.
    pub fn blend(&mut self, other: &Self, keep: f32) {
        for (name, array) in &mut self.0 {
            let Some(towards) = other.0.get(name) else {
                continue;
            };
            for (value, &new) in array.values.iter_mut().zip(&towards.values) {
                *value = *value * keep + new * (1.0 - keep);
            }
        }
    }

    /// Whether the names and shapes are exactly these.
    pub fn check_layout(&self, expected: &[(String, Vec<usize>)]) -> Result<(), AiError> {
        for (name, shape) in expected {
            let Some(array) = self.0.get(name) else {
                return refuse(format!("tensor `{name}` is missing"));
            };
            if array.shape != *shape {
                return refuse(format!(
                    "tensor `{name}` is {:?}, the network needs {shape:?}",
                    array.shape
                ));
            }
        }
        if self.0.len() != expected.len() {
            let known: std::collections::BTreeSet<&str> =
                expected.iter().map(|(name, _)| name.as_str()).collect();
            let surplus = self.0.keys().find(|name| !known.contains(name.as_str()));
            return refuse(format!(
                "tensor `{}` does not belong to the network",
                surplus.map_or("?", String::as_str)
            ));
        }
        Ok(())
    }

    /// Batch normalisation with its running statistics becomes part of the convolution before it:
    /// `γ (w·x - μ) / √(σ² + ε) + β` is a convolution with scaled weights and a bias.
    pub fn folded(&self) -> Result<Self, AiError> {
        let mut out = Self::default();
        for (name, array) in &self.0 {
            if name.contains(".norm.") {
                continue;
            }
            let stem = name.strip_suffix(".convolution.weight");
            let part = |part: &str| {
                stem.and_then(|stem| self.0.get(&format!("{stem}.norm.{part}")))
                    .map(|array| array.values.as_slice())
            };
            let (Some(stem), Some(gamma)) = (stem, part("gamma")) else {
                out.0.insert(name.clone(), array.clone());
                continue;
            };
            let (Some(beta), Some(mean), Some(variance)) =
                (part("beta"), part("running_mean"), part("running_var"))
            else {
                return refuse(format!("normalisation of `{stem}` is incomplete"));
            };
            let channels = array.shape.first().copied().unwrap_or(0);
            if [gamma, beta, mean, variance]
                .iter()
                .any(|p| p.len() != channels)
                || channels == 0
            {
                return refuse(format!("normalisation of `{stem}` has the wrong length"));
            }
            let scale: Vec<f64> = gamma
                .iter()
                .zip(variance)
                .map(|(&g, &v)| f64::from(g) / (f64::from(v) + NORM_EPSILON).sqrt())
                .collect();
            let per_channel = array.values.len() / channels;
            let values = array
                .values
                .chunks_exact(per_channel)
                .zip(&scale)
                .flat_map(|(kernel, scale)| {
                    kernel.iter().map(move |&w| (f64::from(w) * scale) as f32)
                })
                .collect();
            let bias = beta
                .iter()
                .zip(mean)
                .zip(&scale)
                .map(|((&b, &m), scale)| (f64::from(b) - f64::from(m) * scale) as f32)
                .collect();
            out.insert(name.clone(), array.shape.clone(), values);
            out.insert(format!("{stem}.convolution.bias"), vec![channels], bias);
        }
        Ok(out)
    }

    /// The bytes of a safetensors file.
    pub fn to_bytes(&self) -> Result<Vec<u8>, AiError> {
        let mut offset = 0u64;
        let mut header = BTreeMap::new();
        for (name, array) in &self.0 {
            let end = offset + 4 * array.values.len() as u64;
            header.insert(
                name,
                Entry {
                    dtype: "F32".into(),
                    shape: array.shape.iter().map(|&s| s as u64).collect(),
                    data_offsets: [offset, end],
                },
            );
            offset = end;
        }
        let mut json = serde_json::to_vec(&header).map_err(|e| AiError::Weights(e.to_string()))?;
        // The format asks for data at a multiple of eight bytes.
        json.resize(json.len().next_multiple_of(8), b' ');
        let mut bytes = Vec::with_capacity(8 + json.len() + offset as usize);
        bytes.extend_from_slice(&(json.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&json);
        for array in self.0.values() {
            bytes.extend(array.values.iter().flat_map(|v| v.to_le_bytes()));
        }
        Ok(bytes)
    }

    /// Reads the bytes of a safetensors file with `F32` tensors only.
    ///
    /// Refused with a sentence: pickle and ZIP archives (PyTorch checkpoints, which can run code), headers that
    /// are too long or longer than the file, tensors that overlap, leave gaps, do not fill the file, or are not
    /// of type F32, and numbers that are not finite.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, AiError> {
        Self::parse(bytes, false)
    }

    /// As [`Self::from_bytes`], for files of other programs: tensors may also be of type F64, F16 or BF16, and such
    /// of whole numbers are left out.
    pub fn from_foreign_bytes(bytes: &[u8]) -> Result<Self, AiError> {
        Self::parse(bytes, true)
    }

    fn parse(bytes: &[u8], foreign: bool) -> Result<Self, AiError> {
        if looks_like_pickle(bytes) {
            return refuse(
                "this is a PyTorch checkpoint (pickle), which can contain code; convert it to safetensors",
            );
        }
        let Some((length, rest)) = bytes.split_first_chunk::<8>() else {
            return refuse("the file ends before its header");
        };
        let length = u64::from_le_bytes(*length);
        if length > MAX_HEADER_BYTES {
            return refuse(format!(
                "the header claims {length} bytes; {MAX_HEADER_BYTES} are allowed"
            ));
        }
        // Below 2²⁰, so it fits.
        let length = length as usize;
        let (Some(json), Some(data)) = (rest.get(..length), rest.get(length..)) else {
            return refuse(format!(
                "the header claims {length} bytes, the file has {}",
                rest.len()
            ));
        };
        if json.first() != Some(&b'{') {
            return refuse("the header is not JSON");
        }
        let header: BTreeMap<String, serde_json::Value> = serde_json::from_slice(json)
            .map_err(|error| AiError::Weights(format!("the header is not valid: {error}")))?;
        if header.len() > MAX_TENSORS {
            return refuse(format!(
                "{} tensors; {MAX_TENSORS} are allowed",
                header.len()
            ));
        }
        let mut entries = Vec::new();
        for (name, value) in header {
            // Free text of the writer; not needed.
            if name == "__metadata__" {
                continue;
            }
            let entry: Entry = serde_json::from_value(value)
                .map_err(|error| AiError::Weights(format!("tensor `{name}`: {error}")))?;
            entries.push((name, entry));
        }
        entries.sort_by_key(|(_, entry)| entry.data_offsets);
        let mut weights = Self::default();
        let mut end_of_last = 0u64;
        for (name, entry) in entries {
            let array = read_array(&name, &entry, data, end_of_last, foreign)?;
            end_of_last = entry.data_offsets[1];
            weights.0.extend(array.map(|array| (name, array)));
        }
        if end_of_last != data.len() as u64 {
            return refuse(format!(
                "the tensors need {end_of_last} bytes, the file has {}",
                data.len()
            ));
        }
        Ok(weights)
    }

    /// Reads a file.
    pub fn load(path: &Path) -> Result<Self, AiError> {
        Self::from_bytes(&read_bounded(path, MAX_FILE_BYTES)?)
    }

    /// Writes a file; the old one stays until the new one is whole.
    pub fn save(&self, path: &Path) -> Result<(), AiError> {
        write_atomic(path, &self.to_bytes()?)
    }
}

/// ZIP archives, and the protocol mark of a pickle where no header length can be: one of 2³² or more.
fn looks_like_pickle(bytes: &[u8]) -> bool {
    let upper = bytes.get(4..8).unwrap_or(&[0; 4]);
    bytes.starts_with(b"PK\x03\x04") || bytes.first() == Some(&0x80) && upper != [0; 4]
}

/// How a type's numbers are read, and their size; no reader for whole numbers.
type NumberType = (u64, Option<fn(&[u8]) -> Option<f32>>);

fn number_type(dtype: &str, foreign: bool) -> Option<NumberType> {
    let f32: NumberType = (4, Some(|b| Some(f32::from_le_bytes(*b.first_chunk()?))));
    match dtype {
        "F32" => Some(f32),
        _ if !foreign => None,
        "F64" => Some((
            8,
            Some(|b| Some(f64::from_le_bytes(*b.first_chunk()?) as f32)),
        )),
        "F16" => Some((
            2,
            Some(|b| Some(half(u16::from_le_bytes(*b.first_chunk()?)))),
        )),
        "BF16" => Some((
            2,
            Some(|b| {
                Some(f32::from_bits(
                    u32::from(u16::from_le_bytes(*b.first_chunk()?)) << 16,
                ))
            }),
        )),
        "I64" | "U64" => Some((8, None)),
        "I32" | "U32" => Some((4, None)),
        "I16" | "U16" => Some((2, None)),
        "I8" | "U8" | "BOOL" => Some((1, None)),
        _ => None,
    }
}

/// A 16-bit float (IEEE 754 binary16).
pub(crate) fn half(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1F), f32::from(bits & 0x3FF));
    sign * match exponent {
        0 => fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1.0 + fraction / 1024.0) * 2f32.powi(exponent - 15),
    }
}

/// The numbers of a tensor; `None` for whole numbers, which are no weights.
fn read_array(
    name: &str,
    entry: &Entry,
    data: &[u8],
    expected_start: u64,
    foreign: bool,
) -> Result<Option<Array>, AiError> {
    let Some((size, read)) = number_type(&entry.dtype, foreign) else {
        let read = if foreign {
            "F32, F64, F16 and BF16 are"
        } else {
            "F32 is"
        };
        return refuse(format!(
            "tensor `{name}` is of type {}, only {read} read",
            entry.dtype
        ));
    };
    if entry.shape.len() > MAX_RANK {
        return refuse(format!(
            "tensor `{name}` has {} dimensions",
            entry.shape.len()
        ));
    }
    let [start, end] = entry.data_offsets;
    if start != expected_start {
        return refuse(format!("tensor `{name}` overlaps another or leaves a gap"));
    }
    let bytes = entry
        .shape
        .iter()
        .try_fold(size, |product, &side| product.checked_mul(side));
    if bytes.is_none() || bytes != end.checked_sub(start) {
        return refuse(format!(
            "tensor `{name}`: its shape does not fit its length"
        ));
    }
    let content = usize::try_from(start)
        .ok()
        .zip(usize::try_from(end).ok())
        .and_then(|(start, end)| data.get(start..end));
    let Some(content) = content else {
        return refuse(format!(
            "tensor `{name}` ends at byte {end}, the file has {} bytes of data",
            data.len()
        ));
    };
    let Some(read) = read else {
        return Ok(None);
    };
    let values: Vec<f32> = content
        .chunks_exact(size as usize)
        .filter_map(read)
        .collect();
    if values.iter().any(|v| !v.is_finite()) {
        return refuse(format!("tensor `{name}` has numbers that are not finite"));
    }
    let shape = entry.shape.iter().map(|&s| s as usize).collect();
    Ok(Some(Array { shape, values }))
}

/// Reads a file up to a size, whatever its length claims.
pub(crate) fn read_bounded(path: &Path, limit: u64) -> Result<Vec<u8>, AiError> {
    let file = fs::File::open(path).map_err(AiError::io("cannot open", path))?;
    let mut bytes = Vec::new();
    file.take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(AiError::io("cannot read", path))?;
    if bytes.len() as u64 > limit {
        return Err(AiError::Weights(format!(
            "the file has more than {limit} bytes"
        )));
    }
    Ok(bytes)
}

/// Writes a file beside its place and moves it there.
pub(crate) fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), AiError> {
    write_whole(path, bytes).map_err(AiError::io("cannot write", path))
}

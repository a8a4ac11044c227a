//! PyTorch checkpoints and state dicts: an archive with a pickle that names tensors and members that hold them.

use super::{
    pickle::{Id, NumberKind, Pickle, TensorAt, Value},
    zip::Archive,
};
use crate::ai::{
    AiError,
    weights::{Array, half},
};
use std::{collections::BTreeMap, fs::File, io::Read as _, path::Path};

/// Largest pickle beside the numbers.
const MAX_PICKLE_BYTES: u64 = 64 << 20;
/// Largest storage.
const MAX_STORAGE_BYTES: u64 = 1 << 30;
/// Numbers that one tensor may have.
const MAX_NUMBERS: usize = 1 << 28;

fn refuse<T>(what: impl Into<String>) -> Result<T, AiError> {
    Err(AiError::Weights(what.into()))
}

/// An opened checkpoint.
#[derive(Debug)]
pub(super) struct Checkpoint {
    archive: Archive,
    /// What all members' names begin with.
    folder: String,
    pickle: Pickle,
}

impl Checkpoint {
    /// Opens a file and reads its pickle as data.
    pub(super) fn open(path: &Path) -> Result<Self, AiError> {
        let mut start = [0u8; 4];
        let mut file = File::open(path).map_err(AiError::io("cannot open", path))?;
        let got = file
            .read(&mut start)
            .map_err(AiError::io("cannot read", path))?;
        match start.get(..got) {
            Some(b"PK\x03\x04") => {}
            Some([0x80, ..]) => {
                return refuse(
                    "this is a bare pickle of PyTorch before 1.6; save it again with a newer one",
                );
            }
            _ => return refuse("this is not a PyTorch checkpoint"),
        }
        let mut archive = Archive::open(path)?;
        let pickles: Vec<String> = archive
            .names()
            .filter(|name| *name == "data.pkl" || name.ends_with("/data.pkl"))
            .map(str::to_owned)
            .collect();
        if archive.names().any(|name| name.contains("/code/")) {
            return refuse("this is TorchScript, which is code; export the state dict");
        }
        let [pickle] = pickles.as_slice() else {
            return refuse("the archive is no PyTorch checkpoint: it has no pickle, or several");
        };
        let folder = pickle
            .strip_suffix("data.pkl")
            .unwrap_or_default()
            .to_owned();
        let order = format!("{folder}byteorder");
        if archive.names().any(|name| name == order)
            && archive.read(&order, 16)?.trim_ascii() != b"little"
        {
            return refuse("the numbers are in the byte order of another machine");
        }
        let bytes = archive.read(pickle, MAX_PICKLE_BYTES)?;
        Ok(Self {
            archive,
            folder,
            pickle: Pickle::read(&bytes)?,
        })
    }

    /// The pickle's values.
    pub(super) fn pickle(&self) -> &Pickle {
        &self.pickle
    }

    /// The dictionary of tensors: the root, or what lies under one of these keys.
    pub(super) fn tensors_under(&self, keys: &[&str]) -> Result<StateDict, AiError> {
        let root = self.pickle.root();
        let place = keys.iter().find_map(|key| self.pickle.entry(root, key));
        self.state_dict(place.unwrap_or(root))
    }

    fn state_dict(&self, map: Id) -> Result<StateDict, AiError> {
        let entries = self.pickle.entries(map);
        let mut tensors = BTreeMap::new();
        for (name, id) in entries {
            if let Value::Tensor(tensor) = self.pickle.value(id) {
                tensors.insert(name.to_owned(), tensor.clone());
            }
        }
        if tensors.is_empty() {
            return refuse("the checkpoint holds no dictionary of tensors");
        }
        Ok(StateDict(tensors))
    }

    /// Reads the numbers of a tensor as `f32`.
    pub(super) fn read(&mut self, name: &str, tensor: &TensorAt) -> Result<Array, AiError> {
        let bytes = tensor.stored.checked_mul(tensor.kind.bytes() as u64);
        let count = tensor
            .shape
            .iter()
            .try_fold(1usize, |product, &side| product.checked_mul(side));
        let (Some(bytes), Some(count)) = (bytes, count) else {
            return refuse(format!("tensor `{name}` is larger than any file"));
        };
        if count > MAX_NUMBERS {
            return refuse(format!(
                "tensor `{name}` has more than {MAX_NUMBERS} numbers"
            ));
        }
        let member = format!("{}data/{}", self.folder, tensor.key);
        let raw = self.archive.read(&member, MAX_STORAGE_BYTES)?;
        if raw.len() as u64 != bytes {
            return refuse(format!(
                "tensor `{name}`: its storage has {} bytes, {bytes} are said",
                raw.len()
            ));
        }
        // The last number that the tensor reads.
        let reach = tensor.shape.iter().zip(&tensor.strides).try_fold(
            tensor.offset,
            |sum, (&side, &stride)| {
                (side as u64).checked_sub(1).map_or(Some(sum), |steps| {
                    sum.checked_add(steps.checked_mul(stride)?)
                })
            },
        );
        if count > 0 && reach.is_none_or(|last| last >= tensor.stored) {
            return refuse(format!("tensor `{name}` reaches beyond its storage"));
        }
        let values = gather(&raw, tensor, count);
        if values.len() != count {
            return refuse(format!("tensor `{name}` holds no numbers of a network"));
        }
        if values.iter().any(|v| !v.is_finite()) {
            return refuse(format!("tensor `{name}` has numbers that are not finite"));
        }
        Ok(Array {
            shape: tensor.shape.clone(),
            values,
        })
    }
}

/// The tensors of a state dict by name.
#[derive(Clone, Debug, Default)]
pub(super) struct StateDict(pub BTreeMap<String, TensorAt>);

/// The numbers in row-major order, whatever the strides; every place was checked. Empty for whole numbers.
fn gather(raw: &[u8], tensor: &TensorAt, count: usize) -> Vec<f32> {
    let read: fn(&[u8]) -> Option<f32> = match tensor.kind {
        NumberKind::F32 => |b| Some(f32::from_le_bytes(*b.first_chunk()?)),
        NumberKind::F64 => |b| Some(f64::from_le_bytes(*b.first_chunk()?) as f32),
        NumberKind::F16 => |b| Some(half(u16::from_le_bytes(*b.first_chunk()?))),
        NumberKind::Bf16 => |b| {
            Some(f32::from_bits(
                u32::from(u16::from_le_bytes(*b.first_chunk()?)) << 16,
            ))
        },
        NumberKind::Whole(_) => return Vec::new(),
    };
    let size = tensor.kind.bytes();
    let mut index = vec![0usize; tensor.shape.len()];
    let mut place = tensor.offset as usize;
    let mut values = Vec::with_capacity(count);
    for _ in 0..count {
        let number = raw.get(place * size..).and_then(read);
        values.extend(number);
        // The next place: the innermost side first.
        for ((i, &side), &stride) in index
            .iter_mut()
            .zip(&tensor.shape)
            .zip(&tensor.strides)
            .rev()
        {
            *i += 1;
            place += stride as usize;
            if *i < side {
                break;
            }
            place -= side * stride as usize;
            *i = 0;
        }
    }
    values
}

//! A pickle read as data. Nothing in it is ever run: the program that a pickle is builds values here, and the names
//! of Python objects in it only choose between a few kinds of value. A name that is not on the list is refused.
//!
//! Opcodes are those of protocols 2 to 5 that plain values and tensors need (Python's `pickletools` describes them).
//! There is no recursion, and the number of values, the depth of the stack and the lengths of texts are bounded.

use crate::ai::AiError;

/// Most values of a pickle.
const MAX_VALUES: usize = 4_000_000;
/// Most values on the stack.
const MAX_STACK: usize = 1_000_000;

/// Number of a value.
pub(super) type Id = usize;

/// Python names that stand for a kind of value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// `collections.OrderedDict`.
    OrderedDict,
    /// What puts a tensor together from its storage.
    RebuildTensor,
    /// What marks a tensor as a parameter.
    RebuildParameter,
    /// The kind of a storage.
    Storage(NumberKind),
    /// Something whose value is of no use here, whatever is done with it.
    Useless,
}

/// What a storage holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NumberKind {
    /// 32-bit floats.
    F32,
    /// 64-bit floats.
    F64,
    /// 16-bit floats.
    F16,
    /// The upper half of 32-bit floats.
    Bf16,
    /// Whole numbers of so many bytes; no weights.
    Whole(u8),
}

impl NumberKind {
    /// Bytes of a number.
    pub(super) const fn bytes(self) -> usize {
        match self {
            Self::F64 => 8,
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
            Self::Whole(bytes) => bytes as usize,
        }
    }
}

/// A tensor as the pickle tells it; its numbers lie in a member of the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TensorAt {
    pub kind: NumberKind,
    pub key: String,
    /// Numbers of the storage.
    pub stored: u64,
    /// Where the tensor begins in the storage, in numbers.
    pub offset: u64,
    pub shape: Vec<usize>,
    pub strides: Vec<u64>,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    /// A list or a tuple.
    Items(Vec<Id>),
    /// A dictionary in its order.
    Map(Vec<(Id, Id)>),
    Name(Name),
    Storage {
        kind: NumberKind,
        key: String,
        count: u64,
    },
    Tensor(TensorAt),
    /// Of no use here.
    Useless,
}

/// The names that are read, by module and name.
fn known(module: &str, name: &str) -> Option<Name> {
    let storage = |kind| Some(Name::Storage(kind));
    match (module, name) {
        ("collections", "OrderedDict") => Some(Name::OrderedDict),
        ("torch._utils", "_rebuild_tensor_v2" | "_rebuild_tensor") => Some(Name::RebuildTensor),
        ("torch._utils", "_rebuild_parameter") => Some(Name::RebuildParameter),
        ("torch", "FloatStorage") => storage(NumberKind::F32),
        ("torch", "DoubleStorage") => storage(NumberKind::F64),
        ("torch", "HalfStorage") => storage(NumberKind::F16),
        ("torch", "BFloat16Storage") => storage(NumberKind::Bf16),
        ("torch", "LongStorage") => storage(NumberKind::Whole(8)),
        ("torch", "IntStorage") => storage(NumberKind::Whole(4)),
        ("torch", "ShortStorage") => storage(NumberKind::Whole(2)),
        ("torch", "CharStorage" | "ByteStorage" | "BoolStorage") => storage(NumberKind::Whole(1)),
        // Sizes, devices and types, and single numbers of NumPy in the notes of a training run.
        ("torch", "Size" | "device" | "float32" | "float64" | "float16" | "bfloat16" | "int64")
        | ("numpy", "dtype" | "ndarray" | "float32" | "float64" | "int64" | "bool_")
        | ("numpy.core.multiarray" | "numpy._core.multiarray", "scalar" | "_reconstruct")
        | ("_codecs", "encode") => Some(Name::Useless),
        _ => None,
    }
}

fn refuse<T>(what: impl Into<String>) -> Result<T, AiError> {
    Err(AiError::Weights(what.into()))
}

fn damaged<T>() -> Result<T, AiError> {
    refuse("the pickle is damaged")
}

/// A pickle that was read.
#[derive(Debug)]
pub(super) struct Pickle {
    values: Vec<Value>,
    root: Id,
}

impl Pickle {
    /// Reads a pickle.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, AiError> {
        let mut reader = Reader {
            rest: bytes,
            values: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: Vec::new(),
        };
        let root = reader.run()?;
        Ok(Self {
            values: reader.values,
            root,
        })
    }

    /// What the pickle is.
    pub(super) fn root(&self) -> Id {
        self.root
    }

    /// A value.
    pub(super) fn value(&self, id: Id) -> &Value {
        self.values.get(id).unwrap_or(&Value::None)
    }

    /// The value of a text key of a dictionary.
    pub(super) fn entry(&self, map: Id, key: &str) -> Option<Id> {
        let Value::Map(entries) = self.value(map) else {
            return None;
        };
        let is = |id: Id| matches!(self.value(id), Value::Text(text) if text == key);
        // Of equal keys the last counts, as in Python.
        entries.iter().rev().find(|(k, _)| is(*k)).map(|(_, v)| *v)
    }

    /// Entries of a dictionary whose keys are texts.
    pub(super) fn entries(&self, map: Id) -> Vec<(&str, Id)> {
        let Value::Map(entries) = self.value(map) else {
            return Vec::new();
        };
        let named = entries.iter().filter_map(|(k, v)| match self.value(*k) {
            Value::Text(text) => Some((text.as_str(), *v)),
            _ => None,
        });
        named.collect()
    }

    /// Whole numbers of a list or tuple.
    pub(super) fn whole_numbers(&self, id: Id) -> Option<Vec<i64>> {
        let Value::Items(items) = self.value(id) else {
            return None;
        };
        let number = |id: &Id| match self.value(*id) {
            Value::Int(n) => Some(*n),
            _ => None,
        };
        items.iter().map(number).collect()
    }
}

struct Reader<'a> {
    rest: &'a [u8],
    values: Vec<Value>,
    stack: Vec<Id>,
    marks: Vec<usize>,
    memo: Vec<Option<Id>>,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], AiError> {
        match self.rest.split_at_checked(count) {
            Some((head, tail)) => {
                self.rest = tail;
                Ok(head)
            }
            None => refuse("the pickle ends in the middle"),
        }
    }

    fn number(&mut self, bytes: usize) -> Result<u64, AiError> {
        let bytes = self.take(bytes)?;
        Ok(bytes.iter().rev().fold(0, |n, &b| n << 8 | u64::from(b)))
    }

    fn line(&mut self) -> Result<&'a str, AiError> {
        let Some(end) = self.rest.iter().position(|&b| b == b'\n') else {
            return refuse("the pickle ends in the middle");
        };
        let line = self.take(end + 1)?;
        std::str::from_utf8(line.get(..end).unwrap_or_default()).or_else(|_| damaged())
    }

    fn text(&mut self, count: u64) -> Result<String, AiError> {
        let count = usize::try_from(count).or_else(|_| damaged())?;
        let bytes = self.take(count)?;
        std::str::from_utf8(bytes)
            .map(str::to_owned)
            .or_else(|_| damaged())
    }

    fn make(&mut self, value: Value) -> Result<Id, AiError> {
        if self.values.len() >= MAX_VALUES {
            return refuse(format!("the pickle has more than {MAX_VALUES} values"));
        }
        self.values.push(value);
        Ok(self.values.len() - 1)
    }

    fn push(&mut self, value: Value) -> Result<(), AiError> {
        let id = self.make(value)?;
        self.push_id(id)
    }

    fn push_id(&mut self, id: Id) -> Result<(), AiError> {
        if self.stack.len() >= MAX_STACK {
            return refuse("the pickle's stack is too deep");
        }
        self.stack.push(id);
        Ok(())
    }

    fn pop(&mut self) -> Result<Id, AiError> {
        // What lies below a mark belongs to whoever set it.
        if self
            .marks
            .last()
            .is_some_and(|&mark| self.stack.len() <= mark)
        {
            return damaged();
        }
        self.stack.pop().map_or_else(damaged, Ok)
    }

    fn top(&self) -> Result<Id, AiError> {
        self.stack.last().copied().map_or_else(damaged, Ok)
    }

    fn up_to_mark(&mut self) -> Result<Vec<Id>, AiError> {
        match self.marks.pop() {
            Some(mark) if mark <= self.stack.len() => Ok(self.stack.split_off(mark)),
            _ => damaged(),
        }
    }

    fn remember(&mut self, place: u64) -> Result<(), AiError> {
        let id = self.top()?;
        let place = usize::try_from(place).or_else(|_| damaged())?;
        if place >= MAX_VALUES {
            return damaged();
        }
        if place >= self.memo.len() {
            self.memo.resize(place + 1, None);
        }
        if let Some(slot) = self.memo.get_mut(place) {
            *slot = Some(id);
        }
        Ok(())
    }

    fn recall(&mut self, place: u64) -> Result<(), AiError> {
        let place = usize::try_from(place).or_else(|_| damaged())?;
        match self.memo.get(place).copied().flatten() {
            Some(id) => self.push_id(id),
            None => damaged(),
        }
    }

    fn value(&self, id: Id) -> &Value {
        self.values.get(id).unwrap_or(&Value::None)
    }

    fn run(&mut self) -> Result<Id, AiError> {
        loop {
            let opcode = *self.take(1)?.first().unwrap_or(&0);
            match opcode {
                b'.' => return self.pop(),
                // PROTO and FRAME.
                0x80 => drop(self.take(1)?),
                0x95 => drop(self.take(8)?),
                b'(' => self.marks.push(self.stack.len()),
                b'0' => drop(self.pop()?),
                b'1' => drop(self.up_to_mark()?),
                b'2' => {
                    let id = self.top()?;
                    self.push_id(id)?;
                }
                b'N' => self.push(Value::None)?,
                0x88 => self.push(Value::Bool(true))?,
                0x89 => self.push(Value::Bool(false))?,
                b'K' => self.whole(1)?,
                b'M' => self.whole(2)?,
                b'J' => {
                    let n = self.number(4)? as u32;
                    self.push(Value::Int(i64::from(n.cast_signed())))?;
                }
                0x8A => {
                    let count = self.number(1)?;
                    self.long(count)?;
                }
                b'G' => {
                    let bits = self.number(8)?.swap_bytes();
                    self.push(Value::Float(f64::from_bits(bits)))?;
                }
                b'X' => self.string(4)?,
                0x8C => self.string(1)?,
                0x8D => self.string(8)?,
                // Bytes: in the notes of a training run only.
                b'B' | 0x8E | b'T' => self.skip_bytes(if opcode == 0x8E { 8 } else { 4 })?,
                b'C' | b'U' => self.skip_bytes(1)?,
                b'}' => self.push(Value::Map(Vec::new()))?,
                b']' | b')' | 0x8F => self.push(Value::Items(Vec::new()))?,
                b't' | b'l' => {
                    let items = self.up_to_mark()?;
                    self.push(Value::Items(items))?;
                }
                b'd' => {
                    let items = self.up_to_mark()?;
                    let pairs = pairs(&items)?;
                    self.push(Value::Map(pairs))?;
                }
                0x85..=0x87 => {
                    let mut items = Vec::new();
                    for _ in 0..=opcode - 0x85 {
                        items.push(self.pop()?);
                    }
                    items.reverse();
                    self.push(Value::Items(items))?;
                }
                b'a' => {
                    let item = self.pop()?;
                    self.append(vec![item])?;
                }
                b'e' | 0x90 => {
                    let items = self.up_to_mark()?;
                    self.append(items)?;
                }
                b's' => {
                    let (value, key) = (self.pop()?, self.pop()?);
                    self.set(vec![(key, value)])?;
                }
                b'u' => {
                    let items = self.up_to_mark()?;
                    self.set(pairs(&items)?)?;
                }
                b'q' => {
                    let place = self.number(1)?;
                    self.remember(place)?;
                }
                b'r' => {
                    let place = self.number(4)?;
                    self.remember(place)?;
                }
                0x94 => self.remember(self.memo.len() as u64)?,
                b'h' => {
                    let place = self.number(1)?;
                    self.recall(place)?;
                }
                b'j' => {
                    let place = self.number(4)?;
                    self.recall(place)?;
                }
                b'c' => {
                    let (module, name) = (self.line()?, self.line()?);
                    self.global(module.to_owned().as_str(), name)?;
                }
                0x93 => {
                    let (name, module) = (self.pop()?, self.pop()?);
                    match (self.value(module).clone(), self.value(name).clone()) {
                        (Value::Text(module), Value::Text(name)) => self.global(&module, &name)?,
                        _ => return damaged(),
                    }
                }
                b'Q' => {
                    let id = self.pop()?;
                    let storage = self.storage(id)?;
                    self.push(storage)?;
                }
                b'R' => {
                    let (arguments, callee) = (self.pop()?, self.pop()?);
                    let value = self.build(callee, arguments)?;
                    self.push(value)?;
                }
                // BUILD: what a dictionary remembers beside its entries, and states of values of no use.
                b'b' => {
                    self.pop()?;
                    let target = self.top()?;
                    if !matches!(self.value(target), Value::Map(_) | Value::Useless) {
                        return refuse("the pickle changes an object in a way that is not read");
                    }
                }
                other => {
                    return refuse(format!(
                        "the pickle does something that plain values do not need (opcode 0x{other:02x})"
                    ));
                }
            }
        }
    }

    fn whole(&mut self, bytes: usize) -> Result<(), AiError> {
        let n = self.number(bytes)?;
        self.push(Value::Int(n.cast_signed()))
    }

    /// A number of any length; those beyond 64 bits are of no use.
    fn long(&mut self, count: u64) -> Result<(), AiError> {
        let bytes = self.take(usize::try_from(count).or_else(|_| damaged())?)?;
        if bytes.len() > 8 {
            return self.push(Value::Useless);
        }
        let negative = bytes.last().is_some_and(|b| b & 0x80 != 0);
        let mut wide = [if negative { 0xFF } else { 0 }; 8];
        for (to, from) in wide.iter_mut().zip(bytes) {
            *to = *from;
        }
        self.push(Value::Int(i64::from_le_bytes(wide)))
    }

    fn string(&mut self, bytes: usize) -> Result<(), AiError> {
        let count = self.number(bytes)?;
        let text = self.text(count)?;
        self.push(Value::Text(text))
    }

    fn skip_bytes(&mut self, bytes: usize) -> Result<(), AiError> {
        let count = self.number(bytes)?;
        self.take(usize::try_from(count).or_else(|_| damaged())?)?;
        self.push(Value::Useless)
    }

    fn append(&mut self, items: Vec<Id>) -> Result<(), AiError> {
        let target = self.top()?;
        match self.values.get_mut(target) {
            Some(Value::Items(list)) => list.extend(items),
            _ => return damaged(),
        }
        Ok(())
    }

    fn set(&mut self, pairs: Vec<(Id, Id)>) -> Result<(), AiError> {
        let target = self.top()?;
        match self.values.get_mut(target) {
            Some(Value::Map(map)) => map.extend(pairs),
            _ => return damaged(),
        }
        Ok(())
    }

    fn global(&mut self, module: &str, name: &str) -> Result<(), AiError> {
        match known(module, name) {
            Some(name) => self.push(Value::Name(name)),
            None => {
                let plain = |text: &str| -> String {
                    let kept = text.chars().filter(|c| c.is_ascii_graphic());
                    kept.take(60).collect()
                };
                refuse(format!(
                    "the pickle names `{}.{}`; only tensors and plain values are read, and nothing of it was run",
                    plain(module),
                    plain(name)
                ))
            }
        }
    }

    fn build(&mut self, callee: Id, arguments: Id) -> Result<Value, AiError> {
        let Value::Items(arguments) = self.value(arguments).clone() else {
            return damaged();
        };
        let Value::Name(name) = self.value(callee).clone() else {
            return refuse("the pickle calls something that is no name");
        };
        match name {
            Name::Useless => Ok(Value::Useless),
            Name::OrderedDict => self.ordered(&arguments),
            Name::RebuildParameter => match arguments.first().map(|&id| self.value(id)) {
                Some(Value::Tensor(tensor)) => Ok(Value::Tensor(tensor.clone())),
                _ => damaged(),
            },
            Name::RebuildTensor => self.tensor(&arguments),
            Name::Storage(_) => refuse("the pickle makes a storage in a way that is not read"),
        }
    }

    /// Empty, or from a list of pairs.
    fn ordered(&self, arguments: &[Id]) -> Result<Value, AiError> {
        let Some(&list) = arguments.first() else {
            return Ok(Value::Map(Vec::new()));
        };
        let Value::Items(items) = self.value(list) else {
            return damaged();
        };
        let pair = |id: &Id| match self.value(*id) {
            Value::Items(pair) => match *pair.as_slice() {
                [key, value] => Ok((key, value)),
                _ => damaged(),
            },
            _ => damaged(),
        };
        items
            .iter()
            .map(pair)
            .collect::<Result<_, _>>()
            .map(Value::Map)
    }

    /// `("storage", kind, key, location, count)`.
    fn storage(&self, id: Id) -> Result<Value, AiError> {
        let Value::Items(items) = self.value(id) else {
            return damaged();
        };
        let at = |index: usize| items.get(index).map(|&id| self.value(id));
        match (at(0), at(1), at(2), at(4)) {
            (
                Some(Value::Text(word)),
                Some(Value::Name(Name::Storage(kind))),
                Some(Value::Text(key)),
                Some(Value::Int(count)),
            ) if word == "storage" => Ok(Value::Storage {
                kind: *kind,
                key: key.clone(),
                count: u64::try_from(*count).or_else(|_| damaged())?,
            }),
            _ => refuse("the pickle names a storage of a kind that is not read"),
        }
    }

    /// `(storage, offset, shape, strides, …)`.
    fn tensor(&self, arguments: &[Id]) -> Result<Value, AiError> {
        let at = |index: usize| arguments.get(index).map(|&id| self.value(id));
        let whole = |index: usize| -> Result<Vec<u64>, AiError> {
            let Some(Value::Items(items)) = at(index) else {
                return damaged();
            };
            let number = |id: &Id| match self.value(*id) {
                Value::Int(n) => u64::try_from(*n).or_else(|_| damaged()),
                _ => damaged(),
            };
            items.iter().map(number).collect()
        };
        let (Some(Value::Storage { kind, key, count }), Some(Value::Int(offset))) = (at(0), at(1))
        else {
            return damaged();
        };
        let (shape, strides) = (whole(2)?, whole(3)?);
        if shape.len() != strides.len() || shape.len() > 8 {
            return damaged();
        }
        let sides = shape.into_iter().map(usize::try_from);
        Ok(Value::Tensor(TensorAt {
            kind: *kind,
            key: key.clone(),
            stored: *count,
            offset: u64::try_from(*offset).or_else(|_| damaged())?,
            shape: sides.collect::<Result<_, _>>().or_else(|_| damaged())?,
            strides,
        }))
    }
}

fn pairs(items: &[Id]) -> Result<Vec<(Id, Id)>, AiError> {
    let (pairs, rest) = items.as_chunks::<2>();
    if !rest.is_empty() {
        return damaged();
    }
    Ok(pairs.iter().map(|&[key, value]| (key, value)).collect())
}

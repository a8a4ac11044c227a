//! The wire format of protocol buffers, as far as exchange files of networks need it: fields in their order, numbers
//! and pieces of bytes. Lengths are checked before anything is read; nothing is copied.

use crate::ai::AiError;

/// A field's value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Field<'a> {
    /// A whole number.
    Number(u64),
    /// A text, a message, or packed numbers.
    Bytes(&'a [u8]),
    /// 32 bits, for floats.
    Word(u32),
    /// 64 bits.
    Long(u64),
}

pub(super) fn damaged<T>() -> Result<T, AiError> {
    Err(AiError::Weights("the exchange file is damaged".into()))
}

/// Fields of a message with their numbers.
pub(super) struct Message<'a>(pub &'a [u8]);

impl<'a> Message<'a> {
    fn varint(&mut self) -> Result<u64, AiError> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let Some((&byte, rest)) = self.0.split_first() else {
                return damaged();
            };
            self.0 = rest;
            value |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        damaged()
    }

    fn take(&mut self, count: u64) -> Result<&'a [u8], AiError> {
        let split = usize::try_from(count)
            .ok()
            .and_then(|count| self.0.split_at_checked(count));
        match split {
            Some((head, tail)) => {
                self.0 = tail;
                Ok(head)
            }
            None => damaged(),
        }
    }

    /// The next field; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<(u64, Field<'a>)>, AiError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let key = self.varint()?;
        let field = match key & 7 {
            0 => Field::Number(self.varint()?),
            1 => Field::Long(little(self.take(8)?)),
            2 => {
                let count = self.varint()?;
                Field::Bytes(self.take(count)?)
            }
            5 => Field::Word(little(self.take(4)?) as u32),
            _ => return damaged(),
        };
        Ok(Some((key >> 3, field)))
    }

    /// All fields.
    pub(super) fn fields(mut self) -> Result<Vec<(u64, Field<'a>)>, AiError> {
        let mut found = Vec::new();
        while let Some(field) = self.next()? {
            found.push(field);
        }
        Ok(found)
    }
}

fn little(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |n, &b| n << 8 | u64::from(b))
}

/// Whole numbers of a repeated field, packed or one by one.
pub(super) fn numbers(field: Field<'_>, into: &mut Vec<i64>) -> Result<(), AiError> {
    match field {
        Field::Number(n) => into.push(n.cast_signed()),
        Field::Bytes(bytes) => {
            let mut message = Message(bytes);
            while !message.0.is_empty() {
                into.push(message.varint()?.cast_signed());
            }
        }
        _ => return damaged(),
    }
    Ok(())
}

/// Floats of a repeated field, packed or one by one.
pub(super) fn floats(field: Field<'_>, into: &mut Vec<f32>) -> Result<(), AiError> {
    match field {
        Field::Word(bits) => into.push(f32::from_bits(bits)),
        Field::Bytes(bytes) => {
            let (words, rest) = bytes.as_chunks::<4>();
            if !rest.is_empty() {
                return damaged();
            }
            into.extend(words.iter().map(|b| f32::from_le_bytes(*b)));
        }
        _ => return damaged(),
    }
    Ok(())
}

/// A text.
pub(super) fn text(field: Field<'_>) -> Result<String, AiError> {
    match field {
        Field::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => damaged(),
        },
        _ => damaged(),
    }
}

/// A message within.
pub(super) fn inner(field: Field<'_>) -> Result<Message<'_>, AiError> {
    match field {
        Field::Bytes(bytes) => Ok(Message(bytes)),
        _ => damaged(),
    }
}

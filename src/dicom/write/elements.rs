//! Elements of an explicit little-endian data set, kept in tag order and padded as the standard asks (PS3.5 6.2, 7.1).

use crate::model::pixels::{Frame, StoredType};
use std::collections::BTreeMap;

/// Most single floats of one element: its length has 16 bits, and is even (PS3.5 section 7.1.2).
pub(super) const MOST_FLOATS: usize = 65_534 / 4;

/// What an element holds.
#[derive(Clone, Debug)]
enum Value {
    /// A value of a VR, padded to an even length.
    Plain([u8; 2], Vec<u8>),
    /// Items of a sequence.
    Items(Vec<Elements>),
}

/// A data set in the making.
#[derive(Clone, Debug, Default)]
pub(super) struct Elements(BTreeMap<(u16, u16), Value>);

impl Elements {
    fn put(&mut self, group: u16, element: u16, vr: &[u8; 2], value: &[u8], pad: u8) {
        let mut bytes = Vec::with_capacity(value.len() + 1);
        bytes.extend(value);
        if value.len() % 2 == 1 {
            bytes.push(pad);
        }
        self.0.insert((group, element), Value::Plain(*vr, bytes));
    }

    /// Text; UIDs are padded with zero, all else with a space. Values end where their VR must (PS3.5 table 6.2-1).
    pub(super) fn text(&mut self, group: u16, element: u16, vr: &[u8; 2], value: &str) {
        let limit = match vr {
            b"SH" | b"CS" => 16,
            b"LT" => 10_240,
            b"ST" => 1024,
            _ => 64,
        };
        let single = matches!(vr, b"SH" | b"LO" | b"LT" | b"ST");
        let value: String = match single {
            true => value.chars().take(limit).collect(),
            false => value.to_owned(),
        };
        let pad = if vr == b"UI" { 0 } else { b' ' };
        self.put(group, element, vr, value.as_bytes(), pad);
    }

    /// Text of a source object under its own VR, as it is: it was cut to its length there.
    pub(super) fn copied(&mut self, group: u16, element: u16, vr: &[u8; 2], value: &str) {
        let pad = if vr == b"UI" { 0 } else { b' ' };
        // What a 16-bit length cannot say is no value of such a VR.
        if value.len() < usize::from(u16::MAX) {
            self.put(group, element, vr, value.as_bytes(), pad);
        }
    }

    /// Long Code Value (0008,0119).
    pub(super) fn long_code(&mut self, value: &str) {
        self.put(0x0008, 0x0119, b"UC", value.as_bytes(), b' ');
    }

    /// Text of any length.
    pub(super) fn long_text(&mut self, group: u16, element: u16, value: &str) {
        self.put(group, element, b"UT", value.as_bytes(), b' ');
    }

    /// Decimal strings of any length, for files of implicit VR.
    pub(super) fn long_decimals(&mut self, group: u16, element: u16, values: &str) {
        self.put(group, element, b"DS", values.as_bytes(), b' ');
    }

    /// Single floats; `false`, and nothing written, when they are more than a 16-bit length can say.
    #[must_use]
    pub(super) fn floats(&mut self, group: u16, element: u16, values: &[f64]) -> bool {
        if values.len() > MOST_FLOATS {
            return false;
        }
        let bytes: Vec<u8> = values
            .iter()
            .flat_map(|v| (*v as f32).to_le_bytes())
            .collect();
        self.put(group, element, b"FL", &bytes, 0);
        true
    }

    /// One double.
    pub(super) fn double(&mut self, group: u16, element: u16, value: f64) {
        self.put(group, element, b"FD", &value.to_le_bytes(), 0);
    }

    /// Signed 32-bit numbers.
    pub(super) fn longs(&mut self, group: u16, element: u16, values: &[i32]) {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.put(group, element, b"SL", &bytes, 0);
    }

    /// Unsigned 16-bit numbers.
    pub(super) fn words(&mut self, group: u16, element: u16, values: &[u16]) {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.put(group, element, b"US", &bytes, 0);
    }

    /// Another element's tag, as a value.
    pub(super) fn tag(&mut self, group: u16, element: u16, named: (u16, u16)) {
        let bytes = [named.0.to_le_bytes(), named.1.to_le_bytes()].concat();
        self.put(group, element, b"AT", &bytes, 0);
    }

    /// One unsigned 32-bit number.
    pub(super) fn long(&mut self, group: u16, element: u16, value: u32) {
        self.put(group, element, b"UL", &value.to_le_bytes(), 0);
    }

    /// One 16-bit number.
    pub(super) fn number(&mut self, group: u16, element: u16, vr: &[u8; 2], value: u16) {
        self.put(group, element, vr, &value.to_le_bytes(), 0);
    }

    /// A sequence of defined length.
    pub(super) fn items(&mut self, group: u16, element: u16, items: &[Elements]) {
        let value = Value::Items(items.to_vec());
        self.0.insert((group, element), value);
    }

    /// Native Pixel Data of one frame.
    pub(super) fn pixels(&mut self, frame: &Frame) {
        self.film(std::slice::from_ref(frame));
    }

    /// Native Pixel Data of frames of one kind, one after the other.
    pub(super) fn film(&mut self, frames: &[Frame]) {
        let vr = match frames.first().map(|f| f.stored_type) {
            Some(StoredType::U8 | StoredType::I8) => b"OB",
            _ => b"OW",
        };
        let bytes: Vec<u8> = match frames {
            [one] => return self.put(0x7FE0, 0x0010, vr, one.pixels.as_slice(), 0),
            all => all
                .iter()
                .flat_map(|f| f.pixels.as_slice())
                .copied()
                .collect(),
        };
        self.put(0x7FE0, 0x0010, vr, &bytes, 0);
    }

    /// Native Pixel Data that are packed already: bits or bytes.
    pub(super) fn packed_pixels(&mut self, vr: &[u8; 2], bytes: &[u8]) {
        self.put(0x7FE0, 0x0010, vr, bytes, 0);
    }

    /// Unsigned 32-bit numbers.
    pub(super) fn unsigned_longs(&mut self, group: u16, element: u16, values: &[u32]) {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.put(group, element, b"UL", &bytes, 0);
    }

    /// The data set, little endian.
    fn bytes(&self, implicit: bool) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.append(implicit, &mut bytes);
        bytes
    }

    fn append(&self, implicit: bool, out: &mut Vec<u8>) {
        for ((group, element), value) in &self.0 {
            let vr = match value {
                Value::Plain(vr, _) => vr,
                Value::Items(_) => b"SQ",
            };
            out.extend(group.to_le_bytes());
            out.extend(element.to_le_bytes());
            if !implicit {
                out.extend(vr);
            }
            match value {
                Value::Plain(vr, value) => {
                    let long = matches!(vr, b"OB" | b"OW" | b"UC" | b"UN" | b"UT");
                    match (implicit, long) {
                        (true, _) => out.extend((value.len() as u32).to_le_bytes()),
                        (false, true) => {
                            out.extend([0, 0]);
                            out.extend((value.len() as u32).to_le_bytes());
                        }
                        (false, false) => out.extend((value.len() as u16).to_le_bytes()),
                    }
                    out.extend(value);
                }
                Value::Items(items) => {
                    if !implicit {
                        out.extend([0, 0]);
                    }
                    let at = out.len();
                    out.extend([0; 4]);
                    for item in items {
                        out.extend([0xFE, 0xFF, 0x00, 0xE0, 0, 0, 0, 0]);
                        let content = out.len();
                        item.append(implicit, out);
                        set_length(out, content);
                    }
                    set_length(out, at + 4);
                }
            }
        }
    }

    /// A whole Part 10 file, Explicit VR Little Endian.
    pub(super) fn file(&self, class: &str, instance: &str, implementation: &str) -> Vec<u8> {
        self.part10(class, instance, implementation, false)
    }

    /// The same as Implicit VR Little Endian, where every value may be longer than 65,534 bytes.
    pub(super) fn file_implicit(
        &self,
        class: &str,
        instance: &str,
        implementation: &str,
    ) -> Vec<u8> {
        self.part10(class, instance, implementation, true)
    }

    fn part10(&self, class: &str, instance: &str, implementation: &str, implicit: bool) -> Vec<u8> {
        let syntax = match implicit {
            true => "1.2.840.10008.1.2",
            false => "1.2.840.10008.1.2.1",
        };
        let mut meta = Elements::default();
        meta.put(0x0002, 0x0001, b"OB", &[0, 1], 0);
        meta.text(0x0002, 0x0002, b"UI", class);
        meta.text(0x0002, 0x0003, b"UI", instance);
        meta.text(0x0002, 0x0010, b"UI", syntax);
        meta.text(0x0002, 0x0012, b"UI", implementation);
        meta.text(0x0002, 0x0013, b"SH", "NEGATOSCOPE");
        let meta = meta.bytes(false);
        let mut file = vec![0; 128];
        file.extend(b"DICM\x02\0\0\0UL\x04\0");
        file.extend((meta.len() as u32).to_le_bytes());
        file.extend(meta);
        self.append(implicit, &mut file);
        file
    }
}

/// Writes into the four bytes before a place how many bytes follow it.
fn set_length(out: &mut [u8], content: usize) {
    let length = (out.len() - content) as u32;
    if let Some(slot) = out.get_mut(content - 4..content) {
        slot.copy_from_slice(&length.to_le_bytes());
    }
}

/// A decimal string: at most 16 characters, as exact as they allow.
pub(super) fn decimal(value: f64) -> String {
    let value = if value == 0.0 { 0.0 } else { value };
    let plain = format!("{value}");
    if plain.len() <= 16 {
        return plain;
    }
    for digits in (0..=15).rev() {
        let fixed = format!("{value:.digits$}");
        let small = value.abs() < 1e-4;
        if fixed.len() <= 16 && !small {
            return fixed;
        }
        let scientific = format!("{value:.digits$e}");
        if small && scientific.len() <= 16 {
            return scientific;
        }
    }
    format!("{value:.9e}")
}

/// Decimal strings of several values.
pub(super) fn decimals(values: &[f64]) -> String {
    let parts: Vec<String> = values.iter().map(|v| decimal(*v)).collect();
    parts.join("\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_fit_sixteen_characters() {
        for value in [
            0.0,
            -0.0,
            1.0,
            -1024.0,
            1.0 / 3.0,
            -1.0 / 3.0,
            123_456.789_012_345,
            6.123e-17,
            -6.123_456_789e-17,
            0.897_99,
            1e15,
            -0.000_05,
        ] {
            let text = decimal(value);
            assert!(text.len() <= 16, "{text}");
            let back: f64 = text.parse().unwrap();
            assert!(
                (back - value).abs() <= 1e-9 * value.abs().max(1e-12),
                "{text}"
            );
        }
    }
}

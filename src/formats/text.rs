//! Headers that are text: lines within a budget, and the numbers in them.
//!
//! Must stay true: a header ends within its budget, and a number is finite where a place or a size is meant.

use super::FormatError;
use std::str::FromStr;

/// Fields of a header; no real one has nearly as many.
const FIELDS: usize = 1024;

/// Lines of a header, without their ends.
pub(super) struct Lines<'a> {
    bytes: &'a [u8],
    limit: usize,
    count: usize,
    /// Where the next line begins.
    pub(super) at: usize,
}

impl<'a> Lines<'a> {
    pub(super) const fn new(bytes: &'a [u8], limit: usize) -> Self {
        Self {
            bytes,
            limit,
            count: 0,
            at: 0,
        }
    }

    /// The next line; `None` at the end of the file. A last line needs no end.
    pub(super) fn next(&mut self) -> Result<Option<&'a [u8]>, FormatError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(None);
        }
        self.count += 1;
        let room = self.limit.saturating_sub(self.at).min(rest.len());
        let end = rest.iter().take(room).position(|b| *b == b'\n');
        if self.count > FIELDS || (end.is_none() && room < rest.len()) {
            let text = "the header is longer than what is read";
            return Err(FormatError::limit("HEADER_TOO_LONG", text));
        }
        let line = rest.get(..end.unwrap_or(room)).unwrap_or_default();
        self.at += end.map_or(room, |end| end + 1);
        Ok(Some(line.strip_suffix(b"\r").unwrap_or(line)))
    }
}

/// Fields by name, each once.
#[derive(Default)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Adds a field; one that is there already makes the header ambiguous.
    pub(super) fn add(&mut self, name: String, value: &str) -> Result<(), FormatError> {
        if self.get(&name).is_some() {
            let text = "a field of the header is there twice";
            return Err(FormatError::rejected("FIELD_TWICE", text));
        }
        self.0.push((name, value.trim().to_owned()));
        Ok(())
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_str())
    }

    /// A field without which there is no image. The name comes from us, never from the file.
    pub(super) fn need(&self, name: &str) -> Result<&str, FormatError> {
        self.get(name).ok_or_else(|| {
            let text = format!("the header has no field \"{name}\"");
            FormatError::rejected("FIELD_MISSING", text)
        })
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}

/// A field that does not hold what it should.
pub(super) fn bad(name: &str) -> FormatError {
    let text = format!("the field \"{name}\" does not hold what it should");
    FormatError::rejected("FIELD_INVALID", text)
}

/// All numbers of a value, separated by white space.
pub(super) fn numbers<T: FromStr>(value: &str) -> Option<Vec<T>> {
    value
        .split_ascii_whitespace()
        .map(|word| word.parse().ok())
        .collect()
}

/// Exactly `count` finite numbers.
pub(super) fn finite(value: &str, count: usize) -> Option<Vec<f64>> {
    numbers::<f64>(value).filter(|all| all.len() == count && all.iter().all(|n| n.is_finite()))
}

/// Millimetres of a unit of length by its usual name.
pub(super) fn millimetres(unit: &str) -> Option<f64> {
    Some(match unit.to_ascii_lowercase().as_str() {
        "mm" | "millimeter" | "millimeters" | "millimetre" | "millimetres" => 1.0,
        "um" | "µm" | "μm" | "micron" | "microns" | "micrometer" | "micrometre" => 1e-3,
        "cm" | "centimeter" | "centimetre" => 10.0,
        "m" | "meter" | "metre" => 1000.0,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_as_they_like_but_within_the_budget() {
        let mut lines = Lines::new(b"a\r\nb\n\nc", 100);
        let mut all = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            all.push(line);
        }
        assert_eq!(all, [&b"a"[..], b"b", b"", b"c"]);
        let mut lines = Lines::new(b"abcdef\n", 4);
        assert_eq!(lines.next().unwrap_err().code(), "HEADER_TOO_LONG");
        let many = b"\n".repeat(5000);
        let mut lines = Lines::new(&many, 10_000);
        let end = std::iter::repeat_with(|| lines.next()).find(|l| !matches!(l, Ok(Some(_))));
        assert_eq!(end.unwrap().unwrap_err().code(), "HEADER_TOO_LONG");
    }

    #[test]
    fn places_are_finite() {
        assert_eq!(finite(" 1 -2e0  3", 3), Some(vec![1.0, -2.0, 3.0]));
        for bad in ["1 2", "1 2 nan", "1 2 inf", "1 2 x", "1 2 3 4"] {
            assert_eq!(finite(bad, 3), None, "{bad}");
        }
    }
}

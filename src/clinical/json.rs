//! A guard in front of `serde_json`: walks JSON text (RFC 8259) without recursion, checks grammar, nesting,
//! repeated names and number range, and says where something is wrong. It also finds the exact text of parts,
//! so that a resource can be kept as it came.
//!
//! Must stay true: memory grows with the nesting limit and the names of open objects only.

use std::{borrow::Cow, collections::HashSet, ops::Range};

/// A place in a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Bytes before it.
    pub offset: usize,
    /// Line, from 1.
    pub line: usize,
    /// Character in the line, from 1.
    pub column: usize,
}

impl Position {
    /// The place `offset` bytes into `bytes`.
    pub fn at(bytes: &[u8], offset: usize) -> Self {
        let before = bytes.get(..offset).unwrap_or(bytes);
        let line_start = before
            .iter()
            .rposition(|&b| b == b'\n')
            .map_or(0, |newline| newline + 1);
        let in_line = before.get(line_start..).unwrap_or_default();
        Self {
            offset: before.len(),
            line: before.iter().filter(|&&b| b == b'\n').count() + 1,
            // Continuation bytes of UTF-8 do not begin a character.
            column: in_line.iter().filter(|&&b| b & 0xC0 != 0x80).count() + 1,
        }
    }
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "line {}, column {} (byte {})",
            self.line, self.column, self.offset
        )
    }
}

/// What is wrong with a JSON text, and at which byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Not JSON; the words say what was expected.
    Syntax(&'static str, usize),
    /// Nested deeper than the limit.
    TooDeep(usize),
    /// A name occurs twice in one object (FHIR R4 section 2.6.2 forbids it).
    RepeatedName(usize),
    /// A number that no 64-bit float holds.
    NumberRange(usize),
}

enum Frame {
    Object,
    Array,
}

struct Walker<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Walker<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8, expected: &'static str) -> Result<(), Fault> {
        if self.peek() == Some(byte) {
            self.at += 1;
            Ok(())
        } else {
            Err(Fault::Syntax(expected, self.at))
        }
    }

    fn hex4(&mut self) -> Result<u32, Fault> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4);
        let value = digits
            .filter(|d| d.iter().all(u8::is_ascii_hexdigit))
            .and_then(|d| std::str::from_utf8(d).ok())
            .and_then(|d| u32::from_str_radix(d, 16).ok())
            .ok_or(Fault::Syntax("four hexadecimal digits", self.at))?;
        self.at += 4;
        Ok(value)
    }

    /// A string with its quotes; `self.at` is on the opening one.
    fn string(&mut self) -> Result<Range<usize>, Fault> {
        let start = self.at;
        self.take(b'"', "a string")?;
        loop {
            match self.peek() {
                None => return Err(Fault::Syntax("the end of a string", self.at)),
                Some(b'"') => {
                    self.at += 1;
                    return Ok(start..self.at);
                }
                Some(b'\\') => {
                    let escape = self.at;
                    self.at += 1;
                    match self.peek() {
                        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                            self.at += 1;
                        }
                        Some(b'u') => {
                            self.at += 1;
                            self.surrogates(escape)?;
                        }
                        _ => return Err(Fault::Syntax("a known escape", escape)),
                    }
                }
                Some(0..=0x1F) => {
                    return Err(Fault::Syntax("no control character in a string", self.at));
                }
                Some(_) => self.at += 1,
            }
        }
    }

    /// The rest of a `\u` escape; a high surrogate must be followed by a low one.
    fn surrogates(&mut self, escape: usize) -> Result<(), Fault> {
        let lone = Err(Fault::Syntax("a pair of surrogates", escape));
        match self.hex4()? {
            0xD800..=0xDBFF => {
                if self.text.as_bytes().get(self.at..self.at + 2) != Some(b"\\u") {
                    return lone;
                }
                self.at += 2;
                match self.hex4()? {
                    0xDC00..=0xDFFF => Ok(()),
                    _ => lone,
                }
            }
            0xDC00..=0xDFFF => lone,
            _ => Ok(()),
        }
    }

    fn digits(&mut self) -> Result<(), Fault> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return Err(Fault::Syntax("a digit", self.at));
        }
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), Fault> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        let number = self.text.get(start..self.at).unwrap_or_default();
        match number.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(()),
            _ => Err(Fault::NumberRange(start)),
        }
    }

    fn word(&mut self, word: &'static str) -> Result<(), Fault> {
        if self
            .text
            .as_bytes()
            .get(self.at..)
            .is_some_and(|rest| rest.starts_with(word.as_bytes()))
        {
            self.at += word.len();
            Ok(())
        } else {
            Err(Fault::Syntax("a value", self.at))
        }
    }

    fn name(&mut self, names: &mut HashSet<Cow<'a, str>>) -> Result<(), Fault> {
        self.skip_space();
        let start = self.at;
        let span = self.string()?;
        if !names.insert(unquote(self.text, span)) {
            return Err(Fault::RepeatedName(start));
        }
        self.skip_space();
        self.take(b':', "a colon")
    }
}

/// Checks one value that begins at or after `start` and gives its range.
pub fn check_value(text: &str, start: usize, max_depth: usize) -> Result<Range<usize>, Fault> {
    let mut walker = Walker { text, at: start };
    walker.skip_space();
    let begin = walker.at;
    let mut frames: Vec<Frame> = Vec::new();
    // One set of names a nesting level, used again by the next object of that level.
    let mut names: Vec<HashSet<Cow<'_, str>>> = Vec::new();
    loop {
        walker.skip_space();
        let mut complete = true;
        match walker.peek() {
            Some(opening @ (b'{' | b'[')) => {
                if frames.len() >= max_depth {
                    return Err(Fault::TooDeep(walker.at));
                }
                walker.at += 1;
                walker.skip_space();
                let object = opening == b'{';
                if walker.peek() == Some(if object { b'}' } else { b']' }) {
                    walker.at += 1;
                } else {
                    complete = false;
                    if names.len() <= frames.len() {
                        names.resize_with(frames.len() + 1, HashSet::new);
                    }
                    if let (true, Some(set)) = (object, names.get_mut(frames.len())) {
                        set.clear();
                        walker.name(set)?;
                    }
                    frames.push(if object { Frame::Object } else { Frame::Array });
                }
            }
            Some(b'"') => {
                walker.string()?;
            }
            Some(b'-' | b'0'..=b'9') => walker.number()?,
            Some(b't') => walker.word("true")?,
            Some(b'f') => walker.word("false")?,
            Some(b'n') => walker.word("null")?,
            _ => return Err(Fault::Syntax("a value", walker.at)),
        }
        while complete {
            let depth = frames.len();
            let Some(frame) = frames.last() else {
                return Ok(begin..walker.at);
            };
            walker.skip_space();
            match (frame, walker.peek()) {
                (Frame::Object, Some(b',')) => {
                    walker.at += 1;
                    if let Some(set) = names.get_mut(depth - 1) {
                        walker.name(set)?;
                    }
                    complete = false;
                }
                (Frame::Array, Some(b',')) => {
                    walker.at += 1;
                    complete = false;
                }
                (Frame::Object, Some(b'}')) | (Frame::Array, Some(b']')) => {
                    walker.at += 1;
                    frames.pop();
                }
                (Frame::Object, _) => {
                    return Err(Fault::Syntax("a comma or a closing brace", walker.at));
                }
                (Frame::Array, _) => {
                    return Err(Fault::Syntax("a comma or a closing bracket", walker.at));
                }
            }
        }
    }
}

/// The content of a checked string, given with its quotes.
pub fn unquote(text: &str, span: Range<usize>) -> Cow<'_, str> {
    let quoted = text.get(span).unwrap_or_default();
    let inner = quoted
        .strip_prefix('"')
        .and_then(|s| s.strip_suffix('"'))
        .unwrap_or_default();
    if inner.contains('\\') {
        Cow::Owned(serde_json::from_str(quoted).unwrap_or_default())
    } else {
        Cow::Borrowed(inner)
    }
}

/// End of the value that begins at `start` in a text that [`check_value`] accepted.
fn skip_value(text: &str, start: usize) -> usize {
    let bytes = text.as_bytes();
    let (mut at, mut depth, mut in_string) = (start, 0usize, false);
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'\\' if in_string => at += 1,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 0 => return at - 1,
            b'}' | b']' => depth -= 1,
            b',' | b' ' | b'\t' | b'\n' | b'\r' if depth == 0 => return at - 1,
            _ => {}
        }
        let closed = matches!(byte, b'}' | b']' | b'"') && !in_string;
        if depth == 0 && closed {
            return at;
        }
    }
    at.min(bytes.len())
}

/// Names and values of the object at `span` of a checked text; nothing when it is no object.
pub fn members(text: &str, span: Range<usize>) -> Vec<(Cow<'_, str>, Range<usize>)> {
    let mut found = Vec::new();
    let mut walker = Walker {
        text,
        at: span.start,
    };
    if walker.peek() != Some(b'{') {
        return found;
    }
    walker.at += 1;
    loop {
        walker.skip_space();
        let Ok(name) = walker.string() else {
            return found;
        };
        walker.skip_space();
        walker.at += 1; // colon
        walker.skip_space();
        let end = skip_value(text, walker.at);
        found.push((unquote(text, name), walker.at..end));
        walker.at = end;
        walker.skip_space();
        if walker.peek() != Some(b',') {
            return found;
        }
        walker.at += 1;
    }
}

/// Elements of the array at `span` of a checked text; nothing when it is no array.
pub fn elements(text: &str, span: Range<usize>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut walker = Walker {
        text,
        at: span.start,
    };
    if walker.peek() != Some(b'[') {
        return found;
    }
    walker.at += 1;
    loop {
        walker.skip_space();
        if matches!(walker.peek(), Some(b']') | None) {
            return found;
        }
        let end = skip_value(text, walker.at);
        found.push(walker.at..end);
        walker.at = end;
        walker.skip_space();
        if walker.peek() != Some(b',') {
            return found;
        }
        walker.at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_json_and_says_where_it_is_not() {
        let good = [
            "{}",
            "[]",
            " [1, -0.5e+3, true, false, null, \"a\\u00e9\\ud83d\\ude00\\n\"] ",
            "{\"a\":{\"a\":[{},[]]},\"b\":\"\"}",
            "0",
        ];
        for text in good {
            let span = check_value(text, 0, 8).unwrap();
            assert_eq!(&text[span], text.trim(), "{text}");
        }
        let bad = [
            ("", 0),
            ("{", 1),
            ("[1,]", 3),
            ("{\"a\":1,}", 7),
            ("{\"a\" 1}", 5),
            ("[1 2]", 3),
            ("01", 1),
            ("\"\\x\"", 1),
            ("\"\\ud800\"", 1),
            ("\"\\udc00\"", 1),
            ("\"a\nb\"", 2),
            ("nul", 0),
            ("+1", 0),
            ("1.", 2),
            ("'a'", 0),
        ];
        for (text, at) in bad {
            let outcome = check_value(text, 0, 8);
            if text == "01" {
                // The value ends after the zero; what follows is the caller's business.
                assert_eq!(outcome, Ok(0..1));
                continue;
            }
            match outcome {
                Err(Fault::Syntax(_, offset)) => assert_eq!(offset, at, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn the_verdict_is_that_of_serde_json() {
        // Every text of up to five characters over an alphabet that reaches every branch.
        let alphabet = ["{", "}", "[", "]", "\"", ":", ",", "1", "-", "."];
        let mut count = 0u32;
        for length in 0..=5u32 {
            for number in 0..10u32.pow(length) {
                let mut rest = number;
                let text: String = (0..length)
                    .map(|_| {
                        let letter = alphabet[(rest % 10) as usize];
                        rest /= 10;
                        letter
                    })
                    .collect();
                let ours = check_value(&text, 0, 100).is_ok_and(|s| s.end == text.len());
                let theirs = serde_json::from_str::<serde_json::Value>(&text).is_ok();
                assert_eq!(ours, theirs, "{text}");
                count += u32::from(ours);
            }
        }
        assert!(count > 100, "{count} valid texts");
    }

    #[test]
    fn nesting_names_and_numbers_have_limits() {
        assert_eq!(
            check_value(&"[".repeat(100_000), 0, 100),
            Err(Fault::TooDeep(100))
        );
        assert!(check_value(&format!("{}{}", "[".repeat(100), "]".repeat(100)), 0, 100).is_ok());
        assert_eq!(
            check_value("{\"a\":1,\"\\u0061\":2}", 0, 9),
            Err(Fault::RepeatedName(7))
        );
        assert!(check_value("[{\"a\":1},{\"a\":1}]", 0, 9).is_ok());
        assert_eq!(check_value("[1e400]", 0, 9), Err(Fault::NumberRange(1)));
    }

    #[test]
    fn parts_are_found_with_their_exact_text() {
        let text = " { \"a\" : [ 1.50 , {\"x\":\"]}\\\"\"} ] , \"b\\n\":\"\" } ";
        let root = check_value(text, 0, 9).unwrap();
        let members = members(text, root);
        assert_eq!(members.len(), 2);
        assert_eq!(members[0].0, "a");
        assert_eq!(members[1].0, "b\n");
        assert_eq!(&text[members[1].1.clone()], "\"\"");
        let elements: Vec<&str> = elements(text, members[0].1.clone())
            .into_iter()
            .map(|s| &text[s])
            .collect();
        assert_eq!(elements, ["1.50", "{\"x\":\"]}\\\"\"}"]);
    }

    #[test]
    fn positions_count_characters() {
        let place = Position::at("a\né=1".as_bytes(), 5);
        assert_eq!((place.offset, place.line, place.column), (5, 2, 3));
    }
}

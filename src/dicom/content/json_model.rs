//! Elements as the DICOM JSON Model (PS3.18 annex F), from a table that was read.
//!
//! Must stay true: nothing is read here, so what a table does not hold is named by where it lies, `?offset=…&length=…`, as
//! BulkDataURI; Group 0002 is no part of the model (PS3.18 section F.2.1). No recursion on what is nested.

use crate::model::elements::{ElementRow, ElementTable, Held};
use serde_json::{Value, json};
use std::{fmt::Write as _, ops::Range};

/// What stands for a value that is not told.
const REDACTED: &str = "[redacted]";

/// The rows of a range as one JSON text: an object of elements, or, where the range begins with an item, of its elements.
/// With `hide` values of people are redacted.
pub fn json_model(table: &ElementTable, range: Range<usize>, hide: bool) -> String {
    let mut text = String::from("{");
    // Where each open thing ends, and what closes it.
    let mut open: Vec<(usize, &'static str)> = Vec::new();
    let mut at = range.start;
    if table.rows.get(at).is_some_and(ElementRow::is_item) {
        at += 1;
    }
    while at < range.end {
        let Some(row) = table.rows.get(at) else { break };
        close(&mut text, &mut open, at);
        if row.tag.0 == 2 && row.depth == 0 {
            at = (row.end as usize).max(at + 1);
            continue;
        }
        if !text.ends_with(['{', '[']) {
            text.push(',');
        }
        let end = (row.end as usize).min(range.end);
        if row.is_item() {
            text.push('{');
            open.push((end, "}"));
        } else {
            let _ = write!(
                text,
                "\"{:04X}{:04X}\":{{\"vr\":\"{}\"",
                row.tag.0,
                row.tag.1,
                row.vr_text()
            );
            if row.holds(at) {
                text.push_str(",\"Value\":[");
                open.push((end, "]}"));
            } else {
                value(&mut text, row, hide);
                text.push('}');
            }
        }
        at += 1;
    }
    close(&mut text, &mut open, usize::MAX);
    text.push('}');
    text
}

/// Closes all that ends at or before a row, the innermost first.
fn close(text: &mut String, open: &mut Vec<(usize, &'static str)>, at: usize) {
    while let Some((_, closer)) = open.pop_if(|(end, _)| *end <= at) {
        text.push_str(closer);
    }
}

fn value(text: &mut String, row: &ElementRow, hide: bool) {
    if hide && row.personal && row.held != Held::Nothing {
        let redacted = match &row.vr {
            b"PN" => json!([{"Alphabetic": REDACTED}]),
            _ => json!([REDACTED]),
        };
        let _ = write!(text, ",\"Value\":{redacted}");
        return;
    }
    match &row.held {
        Held::Nothing => {}
        Held::Bytes(bytes) => {
            let _ = write!(text, ",\"InlineBinary\":\"{}\"", base64(bytes));
        }
        Held::Cut(_) | Held::Away => {
            let (offset, length) = (row.offset, row.length);
            let _ = write!(
                text,
                ",\"BulkDataURI\":\"?offset={offset}&length={length}\""
            );
        }
        Held::Text(held) => {
            let values: Vec<Value> = match &row.vr {
                // One value each, whatever it holds (PS3.5 table 6.2-1).
                b"LT" | b"ST" | b"UT" | b"UR" => vec![json!(&**held)],
                vr => held.split('\\').map(|one| single(*vr, one)).collect(),
            };
            let _ = write!(text, ",\"Value\":{}", Value::Array(values));
        }
    }
}

/// One value (PS3.18 table F.2.3-1); an empty one among several is null.
fn single(vr: [u8; 2], text: &str) -> Value {
    let text = text.trim();
    if text.is_empty() {
        return Value::Null;
    }
    match &vr {
        b"PN" => {
            let groups = ["Alphabetic", "Ideographic", "Phonetic"];
            let parts = groups.into_iter().zip(text.split('='));
            let parts = parts.filter(|(_, part)| !part.is_empty());
            parts
                .map(|(group, part)| (group.to_owned(), json!(part)))
                .collect()
        }
        b"IS" | b"SS" | b"US" | b"SL" | b"UL" | b"SV" | b"UV" => {
            // `+5` is a number of DICOM and none of JSON.
            let number = text.trim_start_matches('+').parse::<i128>().ok();
            let signed = number.and_then(|n| i64::try_from(n).ok()).map(|n| json!(n));
            let large = || number.and_then(|n| u64::try_from(n).ok()).map(|n| json!(n));
            signed.or_else(large).unwrap_or_else(|| json!(text))
        }
        b"DS" | b"FL" | b"FD" => match text.parse::<f64>() {
            Ok(number) if number.is_finite() => json!(number),
            _ => json!(text),
        },
        _ => json!(text),
    }
}

/// Base64 with padding (RFC 4648 section 4).
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let part = |i: usize| u32::from(three.get(i).copied().unwrap_or(0));
        let word = part(0) << 16 | part(1) << 8 | part(2);
        for i in 0..4 {
            let letter = LETTERS.get((word >> (18 - 6 * i) & 63) as usize);
            text.push(match letter {
                Some(letter) if i <= three.len() => char::from(*letter),
                _ => '=',
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(depth: u16, tag: u32, vr: &[u8; 2], item: u32, held: Held) -> ElementRow {
        ElementRow {
            tag: ((tag >> 16) as u16, tag as u16),
            vr: *vr,
            depth,
            item,
            held,
            personal: vr == b"PN",
            offset: 100,
            length: 4,
            ..ElementRow::default()
        }
    }

    fn table() -> ElementTable {
        let text = |t: &str| Held::Text(t.into());
        let mut rows = vec![
            row(0, 0x0002_0010, b"UI", 0, text("1.2.840.10008.1.2.1")),
            row(0, 0x0008_0008, b"CS", 0, text(r"ORIGINAL\PRIMARY\\AXIAL")),
            row(0, 0x0008_1140, b"SQ", 0, Held::Nothing),
            row(1, 0xFFFE_E000, b"  ", 1, Held::Nothing),
            row(2, 0x0008_1155, b"UI", 0, text("1.2")),
            row(2, 0x0008_1199, b"SQ", 0, Held::Nothing),
            row(3, 0xFFFE_E000, b"  ", 1, Held::Nothing),
            row(1, 0xFFFE_E000, b"  ", 2, Held::Nothing),
            row(2, 0x0008_1155, b"UI", 0, text("1.3")),
            row(0, 0x0010_0010, b"PN", 0, text("Wang^XiaoDong=王^小东")),
            row(0, 0x0020_0013, b"IS", 0, text("+5")),
            row(0, 0x0028_0030, b"DS", 0, text(r"0.5\1e2")),
            row(0, 0x0028_1200, b"OW", 0, Held::Bytes([1, 2, 3, 4].into())),
            row(0, 0x4000_4000, b"LT", 0, text(r"a\b")),
            row(0, 0x7FE0_0010, b"OW", 0, Held::Away),
        ];
        for at in 0..rows.len() {
            let end = (at + 1..rows.len()).find(|i| rows[*i].depth <= rows[at].depth);
            rows[at].end = end.unwrap_or(rows.len()) as u32;
        }
        ElementTable {
            rows,
            ..ElementTable::default()
        }
    }

    fn parsed(range: Range<usize>, hide: bool) -> Value {
        serde_json::from_str(&json_model(&table(), range, hide)).unwrap()
    }

    #[test]
    fn every_kind_of_value_has_the_form_of_the_standard() {
        let nested = json!({"vr": "SQ", "Value": [
            {"00081155": {"vr": "UI", "Value": ["1.2"]}, "00081199": {"vr": "SQ", "Value": [{}]}},
            {"00081155": {"vr": "UI", "Value": ["1.3"]}},
        ]});
        assert_eq!(
            parsed(0..15, false),
            json!({
                "00080008": {"vr": "CS", "Value": ["ORIGINAL", "PRIMARY", null, "AXIAL"]},
                "00081140": nested,
                "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Wang^XiaoDong", "Ideographic": "王^小东"}]},
                "00200013": {"vr": "IS", "Value": [5]},
                "00280030": {"vr": "DS", "Value": [0.5, 100.0]},
                "00281200": {"vr": "OW", "InlineBinary": "AQIDBA=="},
                "40004000": {"vr": "LT", "Value": ["a\\b"]},
                "7FE00010": {"vr": "OW", "BulkDataURI": "?offset=100&length=4"},
            })
        );
        // One element, and one item.
        assert_eq!(parsed(2..9, false), json!({"00081140": nested}));
        let item = json!({"00081155": {"vr": "UI", "Value": ["1.3"]}});
        assert_eq!(parsed(7..9, false), item);
    }

    #[test]
    fn people_are_not_told_when_they_are_hidden() {
        let text = json_model(&table(), 0..15, true);
        assert!(
            !text.contains("Wang") && text.contains("[redacted]"),
            "{text}"
        );
    }

    #[test]
    fn bytes_are_written_as_base64() {
        let check = |bytes: &[u8], text: &str| assert_eq!(base64(bytes), text);
        // RFC 4648 section 10.
        check(b"", "");
        check(b"f", "Zg==");
        check(b"fo", "Zm8=");
        check(b"foo", "Zm9v");
        check(b"foobar", "Zm9vYmFy");
    }
}

//! Whatever brings facts of a record, as FHIR resources: FHIR itself, HL7 v2 messages, tables, variant calls.
//!
//! Must stay true: what comes is kept as it came (a message, a call set as an attachment) beside what was read from
//! it; the same input gives the same ids, so that a second import changes nothing.

use super::{
    fhir::{FhirError, MAX_BYTES, ParsedBundle, read_bundle},
    genes, hl7, table, table_draft,
};
use flate2::read::MultiGzDecoder;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::io::Read as _;

/// What a file does not say itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hints<'a> {
    /// Logical id of the Patient that a table or call set belongs to.
    pub patient: Option<&'a str>,
    /// Text of the mapping file of a table.
    pub mapping: Option<&'a str>,
}

/// Reads a file by what it begins with.
///
/// # Errors
/// [`FhirError`] with where and why; never with content.
pub fn read_record(bytes: &[u8], hints: &Hints<'_>) -> Result<ParsedBundle, FhirError> {
    // RFC 1952: a compressed call set.
    if bytes.starts_with(&[0x1F, 0x8B]) {
        let mut plain = Vec::new();
        MultiGzDecoder::new(bytes)
            .take(MAX_BYTES as u64 + 1)
            .read_to_end(&mut plain)
            .map_err(|_| form("gzip", "the stream is damaged", 1))?;
        if plain.len() > MAX_BYTES {
            return Err(FhirError::TooLarge {
                bytes: plain.len(),
                limit: MAX_BYTES,
            });
        }
        // A second layer would be no call set.
        return match plain.starts_with(&[0x1F, 0x8B]) {
            true => Err(form("gzip", "compressed twice", 1)),
            false => read_record(&plain, hints),
        };
    }
    let begin = beginning(bytes);
    if begin.starts_with("MSH") || begin.starts_with("FHS") || begin.starts_with("BHS") {
        return hl7::read_messages(&decoded(bytes)?);
    }
    if begin.starts_with("##fileformat=VCF") {
        let patient = hints.patient.ok_or(FhirError::NoPatient)?;
        return genes::resources::from_vcf(&decoded(bytes)?, patient);
    }
    if begin.starts_with('{') && begin.contains("\"pharmcatVersion\"") {
        let patient = hints.patient.ok_or(FhirError::NoPatient)?;
        return genes::resources::from_pharmcat(&decoded(bytes)?, patient);
    }
    if hints.mapping.is_some() {
        return table::read_table(&table_draft::decoded(bytes), hints);
    }
    let json_like = begin.starts_with(['{', '[']) || begin.is_empty();
    if !json_like
        && begin
            .lines()
            .next()
            .is_some_and(|l| l.contains([',', ';', '\t']))
    {
        return Err(FhirError::NoMapping);
    }
    read_bundle(bytes)
}

/// The first characters, without byte order mark, frame characters of MLLP and white space.
fn beginning(bytes: &[u8]) -> String {
    let part = bytes.get(..bytes.len().min(4096)).unwrap_or_default();
    String::from_utf8_lossy(part)
        .trim_start_matches(['\u{FEFF}', '\u{0B}', ' ', '\t', '\r', '\n'])
        .to_owned()
}

/// UTF-8, else Windows-1252, which every byte can be.
fn decoded(bytes: &[u8]) -> Result<String, FhirError> {
    if bytes.len() > MAX_BYTES {
        return Err(FhirError::TooLarge {
            bytes: bytes.len(),
            limit: MAX_BYTES,
        });
    }
    Ok(match std::str::from_utf8(bytes) {
        Ok(text) => text.trim_start_matches('\u{FEFF}').to_owned(),
        Err(_) => encoding_rs::WINDOWS_1252.decode(bytes).0.into_owned(),
    })
}

pub(super) const fn form(form: &'static str, reason: &'static str, line: usize) -> FhirError {
    FhirError::Form { form, reason, line }
}

/// An id that the same parts always give.
pub(super) fn id_of(parts: &[&str]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part.as_bytes());
        digest.update([0]);
    }
    digest
        .finalize()
        .iter()
        .take(16)
        .map(|b| format!("{b:02x}"))
        .collect()
}

/// Resources as a bundle that went the way of every other.
pub(super) fn bundle(kind: &str, resources: &[Value]) -> Result<ParsedBundle, FhirError> {
    let entries: Vec<Value> = resources.iter().map(|r| json!({"resource": r})).collect();
    let text =
        json!({"resourceType": "Bundle", "type": "collection", "entry": entries}).to_string();
    let mut bundle = read_bundle(text.as_bytes())?;
    bundle.kind = kind.to_owned();
    Ok(bundle)
}

/// The source itself, as it came.
pub(super) fn original(kind: &str, content_type: &str, subject: &Value, text: &str) -> Value {
    json!({
        "resourceType": "DocumentReference",
        "id": id_of(&["original", kind, text]),
        "status": "current",
        "type": {"text": kind},
        "subject": subject,
        "content": [{"attachment": {
            "contentType": content_type,
            "size": text.len(),
            "data": base64(text.as_bytes()),
        }}],
    })
}

/// RFC 4648 section 4.
pub fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |i: usize| u32::from(chunk.get(i).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4usize {
            let six = (bits >> (18 - 6 * digit)) & 63;
            let known = digit <= chunk.len();
            let c = DIGITS.get(six as usize).copied().unwrap_or(b'=');
            out.push(char::from(if known { c } else { b'=' }));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_standard() {
        // RFC 4648 section 10.
        let check = |plain: &str, coded: &str| assert_eq!(base64(plain.as_bytes()), coded);
        check("", "");
        check("f", "Zg==");
        check("fo", "Zm8=");
        check("foo", "Zm9v");
        check("foob", "Zm9vYg==");
        check("fooba", "Zm9vYmE=");
        check("foobar", "Zm9vYmFy");
    }

    #[test]
    fn files_that_lack_something_say_what() {
        let read = |text: &str| read_record(text.as_bytes(), &Hints::default()).map(|b| b.kind);
        assert_eq!(read("a,b\n1,2\n"), Err(FhirError::NoMapping));
        assert_eq!(read("##fileformat=VCFv4.2\n"), Err(FhirError::NoPatient));
        assert_eq!(
            read("{\"resourceType\": \"Patient\", \"id\": \"1\"}").as_deref(),
            Ok("resource")
        );
        assert_eq!(read(""), Err(FhirError::Empty));
    }
}

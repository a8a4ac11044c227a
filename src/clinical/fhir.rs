//! FHIR R4 bundles, single resources and NDJSON into resources, each with its exact text.
//!
//! Must stay true: size, nesting, names and numbers are checked by [`super::json`] before `serde_json` sees
//! anything; no recursion follows the input; errors say where and never quote the content.

use super::{
    elements::{Target, target, text},
    json::{self, Fault, Position},
    loss::LossReport,
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::{collections::HashMap, fmt, ops::Range};

/// Largest accepted input, bytes.
pub const MAX_BYTES: usize = 256 << 20;
/// Deepest accepted nesting; below the 128 levels at which `serde_json` stops.
pub const MAX_DEPTH: usize = 100;

/// Why a text is not taken as FHIR.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FhirError {
    /// No content.
    #[error("the file is empty")]
    Empty,
    /// More bytes than the limit.
    #[error("{bytes} bytes are more than the limit of {limit}")]
    TooLarge {
        /// Size of the input.
        bytes: usize,
        /// [`MAX_BYTES`].
        limit: usize,
    },
    /// Nested deeper than the limit.
    #[error("nested deeper than {limit} levels at {position}")]
    TooDeep {
        /// [`MAX_DEPTH`].
        limit: usize,
        /// Where the level begins.
        position: Position,
    },
    /// Not UTF-8.
    #[error("not UTF-8 at {0}")]
    NotUtf8(Position),
    /// Not JSON.
    #[error("not JSON at {position}: {expected} was expected")]
    Syntax {
        /// What was expected there.
        expected: &'static str,
        /// Where.
        position: Position,
    },
    /// A name occurs twice in one object.
    #[error("a name occurs twice in one object at {0}")]
    RepeatedName(Position),
    /// A number beyond the range of 64-bit floats.
    #[error("a number is out of range at {0}")]
    NumberRange(Position),
    /// JSON, but no FHIR resource.
    #[error("no FHIR resource at {position}: {reason}")]
    NotFhir {
        /// What is missing.
        reason: &'static str,
        /// Where the object begins.
        position: Position,
    },
    /// Another form than FHIR, with a fault.
    #[error("not readable as {form} in line {line}: {reason}")]
    Form {
        /// The form that the beginning of the file promised.
        form: &'static str,
        /// What is wrong.
        reason: &'static str,
        /// Line, from 1.
        line: usize,
    },
    /// The file does not say whose it is, and nobody else did.
    #[error("the file does not say whose it is; name the patient")]
    NoPatient,
    /// A table came without the file that says what its columns mean.
    #[error("a table needs a mapping file")]
    NoMapping,
}

impl FhirError {
    /// Stable upper-case code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Empty => "FHIR_EMPTY",
            Self::TooLarge { .. } => "FHIR_TOO_LARGE",
            Self::TooDeep { .. } => "FHIR_TOO_DEEP",
            Self::NotUtf8(_) => "FHIR_NOT_UTF8",
            Self::Syntax { .. } => "FHIR_NOT_JSON",
            Self::RepeatedName(_) => "FHIR_REPEATED_NAME",
            Self::NumberRange(_) => "FHIR_NUMBER_RANGE",
            Self::NotFhir { .. } => "FHIR_NOT_FHIR",
            Self::Form { .. } => "RECORD_FORM",
            Self::NoPatient => "RECORD_NO_PATIENT",
            Self::NoMapping => "RECORD_NO_MAPPING",
        }
    }

    /// Whether a limit was the reason, not the form.
    pub const fn is_limit(&self) -> bool {
        matches!(self, Self::TooLarge { .. } | Self::TooDeep { .. })
    }
}

/// One resource as it came.
#[derive(Clone, PartialEq, Eq)]
pub struct Resource {
    /// `resourceType`.
    pub kind: String,
    /// Logical id; the UUID of the full URL, or `sha256-…` of the text, when the resource has none.
    pub id: String,
    /// `fullUrl` of the entry, empty when absent.
    pub full_url: String,
    /// Logical id of the Patient it belongs to (the Patient itself included).
    pub patient: Option<String>,
    /// The exact text.
    pub json: String,
}

/// The type alone: ids and text can identify somebody.
impl fmt::Debug for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Resource({})", self.kind)
    }
}

impl Resource {
    /// The parsed text; `Null` for a text that is no JSON, which [`read_bundle`] never gives.
    pub fn value(&self) -> Value {
        serde_json::from_str(&self.json).unwrap_or_default()
    }
}

/// What a file held.
#[derive(Clone, Debug, Default)]
pub struct ParsedBundle {
    /// `Bundle.type`, `ndjson` for lines of resources, `resource` for a single one.
    pub kind: String,
    /// All resources in file order.
    pub resources: Vec<Resource>,
    /// What came, what the panels show, and what they do not.
    pub report: LossReport,
}

impl ParsedBundle {
    /// Logical ids of all patients that resources belong to, sorted.
    pub fn patients(&self) -> Vec<&str> {
        let mut ids: Vec<&str> = self
            .resources
            .iter()
            .filter_map(|r| r.patient.as_deref())
            .collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// The resources of one patient, and those that belong to nobody (organisations, practitioners…).
    pub fn for_patient(&self, id: &str) -> Vec<Resource> {
        self.resources
            .iter()
            .filter(|r| r.patient.as_deref().is_none_or(|p| p == id))
            .cloned()
            .collect()
    }
}

struct Piece {
    span: Range<usize>,
    full_url: String,
}

/// Reads a Bundle of any type, a single resource, or NDJSON (one resource a line).
pub fn read_bundle(bytes: &[u8]) -> Result<ParsedBundle, FhirError> {
    if bytes.len() > MAX_BYTES {
        return Err(FhirError::TooLarge {
            bytes: bytes.len(),
            limit: MAX_BYTES,
        });
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|e| FhirError::NotUtf8(Position::at(bytes, e.valid_up_to())))?;
    // A byte order mark is not JSON (RFC 8259 section 8.1), but editors write it.
    let begin = if text.starts_with('\u{FEFF}') { 3 } else { 0 };
    let roots = root_values(text, begin)?;
    let mut bundle = ParsedBundle::default();
    let mut pieces = Vec::new();
    for root in &roots {
        take_root(text, root.clone(), &mut bundle, &mut pieces)?;
    }
    if roots.len() > 1 {
        bundle.kind = "ndjson".into();
    }
    let mut values = Vec::with_capacity(pieces.len());
    for piece in &pieces {
        let (resource, value) = take_resource(text, piece)?;
        bundle.resources.push(resource);
        values.push(value);
    }
    let index = ReferenceIndex::new(&bundle.resources);
    let owners: Vec<Option<String>> = bundle
        .resources
        .iter()
        .zip(&values)
        .map(|(resource, value)| owner(resource, value, &bundle.resources, &index))
        .collect();
    bundle.report.examine(&bundle.resources, &values, &index);
    drop(index);
    for (resource, owner) in bundle.resources.iter_mut().zip(owners) {
        resource.patient = owner;
    }
    Ok(bundle)
}

fn root_values(text: &str, begin: usize) -> Result<Vec<Range<usize>>, FhirError> {
    let fault = |fault| match fault {
        Fault::Syntax(expected, at) => FhirError::Syntax {
            expected,
            position: Position::at(text.as_bytes(), at),
        },
        Fault::TooDeep(at) => FhirError::TooDeep {
            limit: MAX_DEPTH,
            position: Position::at(text.as_bytes(), at),
        },
        Fault::RepeatedName(at) => FhirError::RepeatedName(Position::at(text.as_bytes(), at)),
        Fault::NumberRange(at) => FhirError::NumberRange(Position::at(text.as_bytes(), at)),
    };
    let mut roots: Vec<Range<usize>> = Vec::new();
    let mut at = begin;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let next = at + (rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len());
        if next >= text.len() {
            break;
        }
        if !roots.is_empty() && !text.get(at..next).unwrap_or_default().contains('\n') {
            return Err(FhirError::Syntax {
                expected: "the end of the file or of the line",
                position: Position::at(text.as_bytes(), next),
            });
        }
        let span = json::check_value(text, next, MAX_DEPTH).map_err(fault)?;
        at = span.end;
        roots.push(span);
    }
    if roots.is_empty() {
        return Err(FhirError::Empty);
    }
    Ok(roots)
}

fn take_root(
    text: &str,
    root: Range<usize>,
    bundle: &mut ParsedBundle,
    pieces: &mut Vec<Piece>,
) -> Result<(), FhirError> {
    let start = root.start;
    let not_fhir = |reason| FhirError::NotFhir {
        reason,
        position: Position::at(text.as_bytes(), start),
    };
    let members = json::members(text, root.clone());
    let member = |name: &str| members.iter().find(|(n, _)| n == name).map(|(_, s)| s);
    let kind = member("resourceType")
        .map(|span| json::unquote(text, span.clone()))
        .filter(|kind| !kind.is_empty())
        .ok_or_else(|| not_fhir("no resourceType"))?;
    if kind != "Bundle" {
        bundle.kind = "resource".into();
        pieces.push(Piece {
            span: root,
            full_url: String::new(),
        });
        return Ok(());
    }
    bundle.kind = member("type")
        .map(|span| json::unquote(text, span.clone()).into_owned())
        .unwrap_or_default();
    if !bundle
        .kind
        .chars()
        .all(|c| c.is_ascii_lowercase() || c == '-')
    {
        return Err(not_fhir("the type of the Bundle is no code"));
    }
    let Some(entries) = member("entry") else {
        return Ok(());
    };
    if text.as_bytes().get(entries.start) != Some(&b'[') {
        return Err(not_fhir("the entries of the Bundle are no list"));
    }
    for entry in json::elements(text, entries.clone()) {
        let members = json::members(text, entry);
        let member = |name: &str| members.iter().find(|(n, _)| n == name).map(|(_, s)| s);
        match member("resource") {
            Some(span) => pieces.push(Piece {
                span: span.clone(),
                full_url: member("fullUrl")
                    .map(|s| json::unquote(text, s.clone()).into_owned())
                    .unwrap_or_default(),
            }),
            // A request without a resource (a DELETE, a search answer's outcome).
            None => bundle.report.entries_without_resource += 1,
        }
    }
    Ok(())
}

fn take_resource(source: &str, piece: &Piece) -> Result<(Resource, Value), FhirError> {
    let json = source.get(piece.span.clone()).unwrap_or_default();
    let position = || Position::at(source.as_bytes(), piece.span.start);
    let value: Value = serde_json::from_str(json).map_err(|_| FhirError::Syntax {
        expected: "a readable resource",
        position: position(),
    })?;
    let kind = text(&value, "resourceType");
    // FHIR resource names are letters; anything else would also be unsafe to print.
    if kind.is_empty() || kind.len() > 64 || !kind.chars().all(|c| c.is_ascii_alphabetic()) {
        return Err(FhirError::NotFhir {
            reason: "no resourceType",
            position: position(),
        });
    }
    let own = text(&value, "id");
    let id = if !own.is_empty() && own.len() <= 256 && !own.chars().any(char::is_control) {
        own.to_owned()
    } else if let Some(uuid) = piece.full_url.strip_prefix("urn:uuid:") {
        uuid.to_owned()
    } else {
        let digest = Sha256::digest(json.as_bytes());
        let hex: String = digest.iter().take(16).map(|b| format!("{b:02x}")).collect();
        format!("sha256-{hex}")
    };
    let resource = Resource {
        kind: kind.to_owned(),
        id,
        full_url: piece.full_url.clone(),
        patient: None,
        json: json.to_owned(),
    };
    Ok((resource, value))
}

/// Answers references within a set of resources.
pub struct ReferenceIndex<'a> {
    by_url: HashMap<&'a str, usize>,
    by_name: HashMap<(&'a str, &'a str), usize>,
}

impl<'a> ReferenceIndex<'a> {
    /// Indexes full URLs and `Type/id`.
    pub fn new(resources: &'a [Resource]) -> Self {
        let mut index = Self {
            by_url: HashMap::with_capacity(resources.len()),
            by_name: HashMap::with_capacity(resources.len()),
        };
        for (number, resource) in resources.iter().enumerate() {
            if !resource.full_url.is_empty() {
                index.by_url.insert(&resource.full_url, number);
            }
            index.by_name.insert((&resource.kind, &resource.id), number);
        }
        index
    }

    /// Number of the resource that a `reference` text means.
    pub fn find(&self, reference: &str) -> Option<usize> {
        if let Some(&number) = self.by_url.get(reference) {
            return Some(number);
        }
        match target(reference) {
            Target::Typed(kind, id) => self.by_name.get(&(kind, id)).copied(),
            _ => None,
        }
    }
}

/// Elements that name the patient of a resource (the Patient compartment, FHIR R4 CompartmentDefinition/patient).
const OWNER_ELEMENTS: [&str; 4] = ["subject", "patient", "beneficiary", "for"];

/// Says the logical id of the patient where a resource type has no element for it.
pub const PATIENT_EXTENSION: &str = "urn:negatoscope:patient";

/// Whose a resource is.
fn owner(
    resource: &Resource,
    value: &Value,
    all: &[Resource],
    index: &ReferenceIndex<'_>,
) -> Option<String> {
    if resource.kind == "Patient" {
        return Some(resource.id.clone());
    }
    // A Linkage has no element for the patient; one that this program makes says it in an extension.
    let linked = value
        .get("extension")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter(|e| text(e, "url") == PATIENT_EXTENSION)
        .map(|e| text(e, "valueString"))
        .find(|id| !id.is_empty());
    if let Some(id) = linked {
        return Some(id.to_owned());
    }
    let reference = OWNER_ELEMENTS
        .iter()
        .filter_map(|name| value.get(name))
        .map(|subject| text(subject, "reference"))
        .find(|reference| !reference.is_empty())?;
    if let Some(&number) = index.by_url.get(reference) {
        // The urn of a bundle entry: the id is that of the resource behind it.
        return all
            .get(number)
            .filter(|r| r.kind == "Patient")
            .map(|r| r.id.clone());
    }
    match target(reference) {
        Target::Typed("Patient", id) => Some(id.to_owned()),
        _ => None,
    }
}

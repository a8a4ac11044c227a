//! The patient's record: FHIR R4 in, panels' data out.
//!
//! Must stay true: what comes in is kept as it came, byte by byte; the mapping only reads. A resource that the
//! panels do not show is counted, never dropped. Nothing here does input or output or reads a clock, and no
//! error or finding carries the content of a resource.

pub mod elements;
pub mod fhir;
pub mod json;
pub mod loss;
pub mod matching;
pub mod ranges;
pub mod record;
pub mod report_pdf;

pub use fhir::{FhirError, ParsedBundle, Resource, read_bundle};
pub use matching::match_record;
pub use record::build_record;

//! The patient's record: FHIR R4 and what else brings facts in, panels' data out; what texts say, what follows.
//!
//! Must stay true: what comes in is kept as it came, byte by byte; the mapping only reads. A resource that the
//! panels do not show is counted, never dropped. Nothing here does input or output or reads a clock, and no
//! error or finding carries the content of a resource.

pub mod advice;
pub mod cohort;
pub mod duplicates;
pub mod elements;
pub mod fhir;
pub mod genes;
pub mod graph;
mod hl7;
pub mod import;
pub mod json;
pub mod loss;
pub mod matching;
pub mod measures;
pub mod passage;
pub mod quality;
pub mod ranges;
pub mod record;
mod record_more;
pub mod report_pdf;
pub mod table;
pub mod table_draft;
pub mod text;
pub mod timeline;

pub use fhir::{FhirError, ParsedBundle, Resource, read_bundle};
pub use import::{Hints, read_record};
pub use matching::match_record;
pub use record::build_record;

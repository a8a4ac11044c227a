//! Encapsulated documents: PDF, CDA, surfaces for printing (PS3.3 sections A.45, A.85, C.24).

use super::{tree::Tree, writer::Writer};
use crate::{
    dicom::guard::{Fault, Structure},
    model::{
        content::{EmbeddedDocument, Value},
        finding::{Finding, Severity},
    },
};
use dicom_dictionary_std::tags;
use std::io::Write;

/// Bytes that are copied at once.
const PIECE: u64 = 256 << 10;

/// The tree: what kind of document, how long, from what.
pub(super) fn content(
    writer: &mut Writer<'_, '_>,
    findings: &mut Vec<Finding>,
) -> Option<EmbeddedDocument> {
    let root = writer.tree.root();
    let document = find(writer.tree, findings);
    writer.fields(
        0,
        root,
        &[
            tags::MIME_TYPE_OF_ENCAPSULATED_DOCUMENT,
            tags::CONCEPT_NAME_CODE_SEQUENCE,
            tags::DOCUMENT_TITLE,
        ],
    );
    if let Some(document) = &document {
        writer.fact(0, ("content-size", "Size"), Value::Bytes(document.length));
    }
    writer.fields(
        0,
        root,
        &[
            tags::BURNED_IN_ANNOTATION,
            tags::RECOGNIZABLE_VISUAL_FEATURES,
            tags::VERIFICATION_FLAG,
            tags::CONTENT_DATE,
            tags::CONTENT_TIME,
            tags::ACQUISITION_DATE_TIME,
            tags::HL7_INSTANCE_IDENTIFIER,
            tags::LIST_OF_MIME_TYPES,
            tags::MODEL_USAGE_CODE_SEQUENCE,
            tags::MODEL_MODIFICATION,
            tags::MEASUREMENT_UNITS_CODE_SEQUENCE,
            tags::SOURCE_INSTANCE_SEQUENCE,
            tags::REFERENCED_INSTANCE_SEQUENCE,
            tags::PREDECESSOR_DOCUMENTS_SEQUENCE,
            tags::SERIES_DESCRIPTION,
            tags::MANUFACTURER,
        ],
    );
    document
}

/// The document's bytes. An odd length is padded in the object; Encapsulated Document Length says how long it was.
fn find(tree: &Tree<'_>, findings: &mut Vec<Finding>) -> Option<EmbeddedDocument> {
    let root = tree.root();
    let Some((_, entry)) = tree.find(root, tags::ENCAPSULATED_DOCUMENT) else {
        let text = "the object holds no document (0042,0011)";
        findings.push(Finding::new("DOCUMENT_MISSING", Severity::Warning, text));
        return None;
    };
    let (offset, stored) = tree.place_of(entry);
    let said = tree.whole(root, tags::ENCAPSULATED_DOCUMENT_LENGTH);
    let length = match said.and_then(|n| u64::try_from(n).ok()) {
        Some(said) if said == stored || said + 1 == stored => said,
        Some(_) => {
            let text = "the document is not as long as the object says";
            let finding = Finding::new("DOCUMENT_LENGTH", Severity::Warning, text);
            findings.push(finding);
            stored
        }
        None => stored,
    };
    Some(EmbeddedDocument {
        mime_type: tree.text(root, tags::MIME_TYPE_OF_ENCAPSULATED_DOCUMENT),
        offset,
        length,
    })
}

/// Writes the document's bytes, piece by piece.
///
/// # Errors
/// Those of the disk, on either side.
pub fn export(
    structure: &Structure,
    document: &EmbeddedDocument,
    to: &mut dyn Write,
) -> Result<(), Fault> {
    let mut done = 0;
    while done < document.length {
        let step = PIECE.min(document.length - done);
        let piece = structure.source.read_vec(document.offset + done, step)?;
        to.write_all(&piece)?;
        done += step;
    }
    Ok(())
}

//! Sequences and documents that say nothing, where an object must have one (action D of PS3.15 E.1).

use super::{emit::Writer, value::REMOVED};
use dicom_object::Tag;

type Line<'a> = (Tag, [u8; 2], &'a [u8]);

/// A code that means that something was removed.
const CODE: [Line<'static>; 3] = [
    (Tag(0x0008, 0x0100), *b"SH", b"REMOVED"),
    (Tag(0x0008, 0x0102), *b"SH", b"99NEGATOSCOPE"),
    (Tag(0x0008, 0x0104), *b"LO", b"Removed"),
];

/// A sequence with one item in which nothing is said. `uid` stands for an object that there is not.
pub(super) fn sequence(writer: Writer, out: &mut Vec<u8>, tag: Tag, uid: &str) {
    let inner = |out: &mut Vec<u8>, tag, items: &[&[Line<'_>]]| writer.sequence(out, tag, items);
    writer.open_sequence(out, tag, *b"SQ");
    writer.open_item(out);
    let removed = REMOVED.as_bytes();
    match tag {
        // Codes of persons and institutions.
        Tag(0x0040, 0x1101) | Tag(0x0008, 0x0082) => {
            for (tag, vr, value) in CODE {
                writer.put(out, tag, vr, value);
            }
        }
        // Operator Identification Sequence: Person Identification Macro (PS3.3 table 10-1).
        Tag(0x0008, 0x1072) => {
            writer.put(out, Tag(0x0008, 0x0080), *b"LO", removed);
            inner(out, Tag(0x0040, 0x1101), &[&CODE]);
        }
        // Referenced Performed Procedure Step Sequence.
        Tag(0x0008, 0x1111) => {
            writer.put(out, Tag(0x0008, 0x1150), *b"UI", b"1.2.840.10008.3.1.2.3.3");
            writer.put(out, Tag(0x0008, 0x1155), *b"UI", uid.as_bytes());
        }
        // Flow Identifier Sequence.
        Tag(0x0034, 0x0001) => writer.put(out, Tag(0x0034, 0x0002), *b"OB", &[0, 0]),
        // Verifying Observer Sequence.
        Tag(0x0040, 0xA073) => {
            writer.put(out, Tag(0x0040, 0xA027), *b"LO", removed);
            writer.put(out, Tag(0x0040, 0xA030), *b"DT", b"20000101000000");
            writer.put(out, Tag(0x0040, 0xA075), *b"PN", removed);
            inner(out, Tag(0x0040, 0xA088), &[]);
        }
        // Content Sequence: one remark.
        Tag(0x0040, 0xA730) => {
            writer.put(out, Tag(0x0040, 0xA010), *b"CS", b"CONTAINS");
            writer.put(out, Tag(0x0040, 0xA040), *b"CS", b"TEXT");
            let comment: [Line<'_>; 3] = [
                (Tag(0x0008, 0x0100), *b"SH", b"121106"),
                (Tag(0x0008, 0x0102), *b"SH", b"DCM"),
                (Tag(0x0008, 0x0104), *b"LO", b"Comment"),
            ];
            inner(out, Tag(0x0040, 0xA043), &[&comment]);
            writer.put(out, Tag(0x0040, 0xA160), *b"UT", removed);
        }
        // Waveform Annotation Sequence.
        Tag(0x0040, 0xB020) => {
            writer.put(out, Tag(0x0040, 0xA0B0), *b"US", &[0; 4]);
            writer.put(out, Tag(0x0070, 0x0006), *b"ST", removed);
        }
        // Graphic Annotation Sequence: a text at the corner.
        Tag(0x0070, 0x0001) => {
            writer.put(out, Tag(0x0070, 0x0002), *b"CS", removed);
            let text: [Line<'_>; 4] = [
                (Tag(0x0070, 0x0004), *b"CS", b"PIXEL"),
                (Tag(0x0070, 0x0006), *b"ST", removed),
                (Tag(0x0070, 0x0014), *b"FL", &[0; 8]),
                (Tag(0x0070, 0x0015), *b"CS", b"N"),
            ];
            inner(out, Tag(0x0070, 0x0008), &[&text]);
        }
        _ => {}
    }
    writer.close_item(out);
    writer.close_sequence(out);
}

/// An empty page, the least that readers of PDF take (ISO 32000-1 section 7.5).
const PDF: &[u8] = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj\nxref\n0 4\n0000000000 65535 f \n0000000009 00000 n \n0000000052 00000 n \n0000000101 00000 n \ntrailer<</Size 4/Root 1 0 R>>\nstartxref\n164\n%%EOF\n";

/// A document that says nothing, of the kind that the object names (0042,0012).
pub(super) fn document(kind: &str) -> Vec<u8> {
    match kind {
        "application/pdf" => PDF.to_vec(),
        "text/XML" | "text/xml" | "application/xml" => b"<removed/>".to_vec(),
        _ => REMOVED.as_bytes().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_page_says_where_its_objects_are() {
        let text = std::str::from_utf8(PDF).unwrap();
        for number in 1..=3 {
            let at = text.find(&format!("{number} 0 obj")).unwrap();
            assert!(
                text.contains(&format!("{at:010} 00000 n")),
                "{number}: {at}"
            );
        }
        let xref = text.find("xref").unwrap();
        assert!(text.contains(&format!("startxref\n{xref}\n")), "{xref}");
    }
}

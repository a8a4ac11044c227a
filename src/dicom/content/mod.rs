//! What an object says beside or instead of a picture, as a tree for people: reports, structure sets, waveforms and all
//! the others, each family in a file, and a plain tree of attributes for classes that have none.
//!
//! Must stay true: the guard has walked the bytes; nothing here follows their depth with a recursion; a tree has at most
//! [`MOST_NODES`] nodes; points, samples and documents are counted and never read into memory; what is
//! odd becomes a finding with a code. Codes are shown as the object writes them.
//! Not here: what the window makes of a tree, and the words it uses for it.
//!
//! [`MOST_NODES`]: crate::model::content::MOST_NODES

mod circle;
mod embedded;
mod json_model;
mod kind;
pub mod marks;
mod presentation;
mod radiotherapy;
mod segmentation;
pub mod segments;
mod spatial;
mod sr;
pub mod structures;
mod table;
mod tree;
mod waveform;
mod writer;

pub use embedded::export;
pub use json_model::json_model;
pub use kind::kind_of;
pub use table::elements;

use super::{
    charset::Problem,
    guard::{Fault, Structure},
    header::safe_uid,
};
use crate::model::{
    content::{Code, Content, ObjectDescription, ObjectKind, Value},
    date::Date,
    finding::{Finding, Severity},
};
use dicom_dictionary_std::tags;
use dicom_object::Tag;
use tree::Tree;
use writer::{Writer, class_name, code_in, moment};

/// Reads everything that an object says.
///
/// # Errors
/// `FILE_CHANGED` when the bytes are not any more what was walked.
pub fn read(structure: &Structure) -> Result<Content, Fault> {
    let tree = Tree::read(structure, |_| true)?;
    let root = tree.root();
    let class_uid = tree.text(root, tags::SOP_CLASS_UID);
    let kind = kind_of(&class_uid);
    let mut findings = structure.findings.clone();
    let mut head = Writer::new(&tree);
    let mut body = Writer::new(&tree);
    let mut document = None;
    match kind {
        ObjectKind::Report | ObjectKind::KeyObjects => {
            sr::head(&mut head);
            sr::content(&mut body, &mut findings);
            let circles = circle::closing_references(&tree);
            if circles > 0 {
                let text = format!(
                    "{circles} items refer to what they belong to, in a circle, which the standard forbids: no marks are \
                     taken from this report"
                );
                let finding = Finding::new("CONTENT_CIRCLE", Severity::Warning, text);
                findings.push(finding.with("count", circles as f64));
            }
        }
        ObjectKind::PresentationState => {
            presentation::head(&mut head);
            presentation::content(&mut body);
        }
        ObjectKind::Segmentation | ObjectKind::Surface | ObjectKind::Tractography => {
            segmentation::head(&mut head);
            segmentation::content(&mut body, &mut findings);
        }
        ObjectKind::StructureSet => {
            radiotherapy::head(&mut head);
            radiotherapy::structure_set(&mut body, &mut findings);
        }
        ObjectKind::Plan => {
            radiotherapy::head(&mut head);
            radiotherapy::plan(&mut body);
        }
        ObjectKind::Dose => {
            radiotherapy::head(&mut head);
            radiotherapy::dose(&mut body);
        }
        ObjectKind::TreatmentRecord => {
            radiotherapy::head(&mut head);
            radiotherapy::record(&mut body);
        }
        ObjectKind::Waveform => {
            waveform::head(&mut head);
            waveform::content(&mut body, &mut findings);
        }
        ObjectKind::Document => document = embedded::content(&mut body, &mut findings),
        ObjectKind::Registration => {
            spatial::head(&mut head);
            spatial::registration(&mut body);
            spatial::fiducials(&mut body);
        }
        ObjectKind::ValueMapping => {
            spatial::head(&mut head);
            spatial::value_mapping(&mut body);
        }
        ObjectKind::Radiotherapy
        | ObjectKind::Measurements
        | ObjectKind::RawData
        | ObjectKind::HangingProtocol
        | ObjectKind::ColorPalette
        | ObjectKind::Picture
        | ObjectKind::Other => {}
    }
    if body.out.is_empty() {
        // Whatever it is, something of it can be said.
        body.generic(0, root);
    }
    let description = describe_tree(&tree, kind);
    let (head, _) = head.out.finish();
    let (nodes, left_out) = body.out.finish();
    let mut content = Content {
        kind,
        class_name: class_name(&class_uid),
        class_uid,
        instance_uid: safe_uid(&tree.text(root, tags::SOP_INSTANCE_UID)),
        title: description.title,
        title_written: description.written,
        head,
        nodes,
        left_out,
        document,
        findings: Vec::new(),
    };
    let links = content.nodes.iter();
    if links
        .into_iter()
        .any(|n| matches!(n.value, Value::Link { .. }))
    {
        let places = content.places();
        sr::resolve(&mut content.nodes, &places, &mut findings);
    }
    if left_out > 0 {
        let text = format!("{left_out} or more items are left out, since there are too many");
        let finding = Finding::new("CONTENT_TOO_LONG", Severity::Warning, text);
        findings.push(finding.with("count", left_out as f64));
    }
    texts(tree.problems(), &mut findings);
    content.findings = findings;
    Ok(content)
}

/// What was wrong with texts, each kind once; the codes are those of a header's.
fn texts(problems: Vec<Problem>, findings: &mut Vec<Finding>) {
    for problem in problems {
        let (code, severity) = match problem {
            Problem::UnknownTerm { .. } => ("CHARSET_UNKNOWN", Severity::Warning),
            Problem::Undecodable { .. } => ("TEXT_UNDECODABLE", Severity::Warning),
            Problem::ReadAs { .. } => ("TEXT_MISLABELLED", Severity::Warning),
            Problem::BidiDropped => ("TEXT_REORDERED", Severity::Warning),
            _ => ("TEXT_ENCODING", Severity::Info),
        };
        if !findings.iter().any(|f| f.code == code) {
            findings.push(Finding::new(code, severity, problem.to_string()));
        }
    }
}

/// Titles that people give, in the order in which they count.
const TITLES: [Tag; 8] = [
    tags::DOCUMENT_TITLE,
    tags::STRUCTURE_SET_LABEL,
    tags::RT_PLAN_LABEL,
    tags::HANGING_PROTOCOL_NAME,
    tags::CONTENT_DESCRIPTION,
    tags::CONTENT_LABEL,
    tags::STRUCTURE_SET_NAME,
    tags::SERIES_DESCRIPTION,
];

/// Days on which an object was made, with the time of that day, in the order in which they count.
const DAYS: [(Tag, Option<Tag>); 9] = [
    (tags::CONTENT_DATE, Some(tags::CONTENT_TIME)),
    (tags::STRUCTURE_SET_DATE, Some(tags::STRUCTURE_SET_TIME)),
    (tags::RT_PLAN_DATE, Some(tags::RT_PLAN_TIME)),
    (tags::TREATMENT_DATE, Some(tags::TREATMENT_TIME)),
    (
        tags::PRESENTATION_CREATION_DATE,
        Some(tags::PRESENTATION_CREATION_TIME),
    ),
    (tags::ACQUISITION_DATE_TIME, None),
    (tags::SERIES_DATE, Some(tags::SERIES_TIME)),
    (
        tags::INSTANCE_CREATION_DATE,
        Some(tags::INSTANCE_CREATION_TIME),
    ),
    (tags::STUDY_DATE, Some(tags::STUDY_TIME)),
];

/// What a list says about an object: looks at a few attributes only.
///
/// # Errors
/// As [`read`].
pub(super) fn describe(structure: &Structure, class_uid: &str) -> Result<ObjectDescription, Fault> {
    let tree = Tree::read(structure, |element| {
        let tag = element.tag;
        tag == tags::CONCEPT_NAME_CODE_SEQUENCE
            || TITLES.contains(&tag)
            || DAYS
                .iter()
                .any(|(day, time)| *day == tag || *time == Some(tag))
    })?;
    Ok(describe_tree(&tree, kind_of(class_uid)))
}

fn describe_tree(tree: &Tree<'_>, kind: ObjectKind) -> ObjectDescription {
    let root = tree.root();
    let coded = || {
        let code = code_in(tree, root, tags::CONCEPT_NAME_CODE_SEQUENCE);
        code.map_or_else(String::new, |c: Code| c.display().to_owned())
    };
    let written = || {
        let all = TITLES.into_iter().map(|tag| tree.text(root, tag));
        all.into_iter().find(|t| !t.is_empty()).unwrap_or_default()
    };
    // A report is titled by its concept, a document by what was written on it (PS3.3 sections C.17.3, C.24.2).
    let (title, is_written) = match kind {
        ObjectKind::Report | ObjectKind::KeyObjects => match coded() {
            title if title.is_empty() => (written(), true),
            title => (title, false),
        },
        _ => match written() {
            title if title.is_empty() => (coded(), false),
            title => (title, true),
        },
    };
    let day = DAYS.iter().find_map(|(day, time)| {
        let text = tree.text(root, *day);
        let date = Date::parse(text.get(..8).unwrap_or(&text))?;
        let time = time.map_or_else(
            || text.get(8..).unwrap_or_default().to_owned(),
            |time| tree.text(root, time),
        );
        let clock = moment(
            time.split(['.', '+', '-']).next().unwrap_or_default(),
            *b"TM",
        );
        Some((date, clock))
    });
    ObjectDescription {
        kind,
        title,
        written: is_written,
        date: day.as_ref().map(|(date, _)| *date),
        time: day.map_or_else(String::new, |(_, time)| time),
    }
}

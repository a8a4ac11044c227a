//! Structured reports and key object selections: the content tree (PS3.3 section C.17.3).
//!
//! Codes come from the object only: no concept is looked up or renamed. An item that refers to another one by its place is
//! a link; it is never followed while reading, so circles cost nothing.

use super::{
    tree::{Item, Tree},
    writer::{Writer, code, code_in, moment, reference},
};
use crate::model::{
    content::{Code, ContentNode, Name, Relationship, Value},
    finding::{Finding, Severity},
    identity::Phi,
};
use dicom_dictionary_std::tags;
use std::collections::HashMap;

/// What was odd, counted.
#[derive(Default)]
struct Odd {
    types: u64,
    values: u64,
    relationships: u64,
    names: u64,
}

/// The facts above the tree.
pub(super) fn head(writer: &mut Writer<'_, '_>) {
    let root = writer.tree.root();
    writer.fields(
        0,
        root,
        &[
            tags::COMPLETION_FLAG,
            tags::COMPLETION_FLAG_DESCRIPTION,
            tags::VERIFICATION_FLAG,
            tags::PRELIMINARY_FLAG,
            tags::CONTENT_DATE,
            tags::CONTENT_TIME,
        ],
    );
    people(
        writer,
        root,
        tags::VERIFYING_OBSERVER_SEQUENCE,
        &[
            tags::VERIFYING_OBSERVER_NAME,
            tags::VERIFYING_ORGANIZATION,
            tags::VERIFICATION_DATE_TIME,
        ],
    );
    let observer = [
        tags::PERSON_NAME,
        tags::MANUFACTURER,
        tags::MANUFACTURER_MODEL_NAME,
        tags::INSTITUTION_NAME,
    ];
    people(writer, root, tags::AUTHOR_OBSERVER_SEQUENCE, &observer);
    people(writer, root, tags::PARTICIPANT_SEQUENCE, &observer);
    writer.fields(0, root, &[tags::SERIES_DESCRIPTION, tags::INSTANCE_NUMBER]);
    evidence(writer, root);
}

/// Who made, attended or verified it.
fn people(
    writer: &mut Writer<'_, '_>,
    root: Item,
    sequence: dicom_object::Tag,
    wanted: &[dicom_object::Tag],
) {
    let items: Vec<Item> = writer.tree.items(root, sequence).take(100).collect();
    for item in items {
        writer.attribute(0, sequence, Value::None);
        writer.fields(1, item, wanted);
    }
}

/// How many instances the report rests on.
fn evidence(writer: &mut Writer<'_, '_>, root: Item) {
    let tree = writer.tree;
    let lists = [
        tags::CURRENT_REQUESTED_PROCEDURE_EVIDENCE_SEQUENCE,
        tags::PERTINENT_OTHER_EVIDENCE_SEQUENCE,
        tags::PREDECESSOR_DOCUMENTS_SEQUENCE,
    ];
    for list in lists {
        if !tree.has(root, list) {
            continue;
        }
        let series = tree
            .items(root, list)
            .flat_map(|study| tree.items(study, tags::REFERENCED_SERIES_SEQUENCE));
        let count: usize = series
            .map(|series| tree.items(series, tags::REFERENCED_SOP_SEQUENCE).count())
            .sum();
        writer.attribute(0, list, Value::Term(count.to_string()));
    }
}

/// The tree itself, root included.
pub(super) fn content(writer: &mut Writer<'_, '_>, findings: &mut Vec<Finding>) {
    let tree = writer.tree;
    let root = tree.root();
    let mut odd = Odd::default();
    let mut waiting: Vec<(usize, Item)> = vec![(0, root)];
    while let Some((depth, item)) = waiting.pop() {
        let node = content_item(tree, item, depth == 0, &mut odd);
        if writer.out.push(depth, node).is_none() {
            writer.out.leave_out(waiting.len() as u64);
            break;
        }
        // The next item to be taken is the last one.
        let below: Vec<Item> = tree.items(item, tags::CONTENT_SEQUENCE).collect();
        waiting.extend(below.into_iter().rev().map(|item| (depth + 1, item)));
    }
    if !tree.has(root, tags::CONTENT_SEQUENCE) {
        let text = "the report has no content (0040,A730)";
        findings.push(Finding::new("CONTENT_MISSING", Severity::Warning, text));
    }
    odd.into_findings(findings);
}

/// Finds where items by reference lead (PS3.3 section C.17.3.2.5).
pub(super) fn resolve(nodes: &mut [ContentNode], places: &[String], findings: &mut Vec<Finding>) {
    let by_place: HashMap<&str, usize> = places
        .iter()
        .enumerate()
        .map(|(at, place)| (place.as_str(), at))
        .collect();
    let mut lost = 0u64;
    for own in nodes {
        if let Value::Link { node, path } = &mut own.value {
            *node = by_place.get(path.as_str()).copied();
            lost += u64::from(node.is_none());
        }
    }
    if lost > 0 {
        let text = format!("{lost} items refer to a place of the report that is not there");
        let finding = Finding::new("CONTENT_LINK_LOST", Severity::Warning, text);
        findings.push(finding.with("count", lost as f64));
    }
}

impl Odd {
    fn into_findings(self, findings: &mut Vec<Finding>) {
        let rows = [
            (
                self.types,
                "CONTENT_TYPE_UNKNOWN",
                "items are of no value type that the standard knows",
            ),
            (
                self.values,
                "CONTENT_VALUE_MISSING",
                "items lack the value that their type asks for, or it is none",
            ),
            (
                self.relationships,
                "CONTENT_RELATIONSHIP_UNKNOWN",
                "items do not say how they belong to the one above",
            ),
            (
                self.names,
                "CONTENT_NAME_MISSING",
                "items lack a concept name",
            ),
        ];
        for (count, code, text) in rows {
            if count > 0 {
                let finding = Finding::new(code, Severity::Warning, format!("{count} {text}"));
                findings.push(finding.with("count", count as f64));
            }
        }
    }
}

fn content_item(tree: &Tree<'_>, item: Item, is_root: bool, odd: &mut Odd) -> ContentNode {
    let term = tree.text(item, tags::RELATIONSHIP_TYPE);
    let relationship = Relationship::parse(&term);
    odd.relationships += u64::from(relationship.is_none() && !is_root);
    let link = tree.numbers(item, tags::REFERENCED_CONTENT_ITEM_IDENTIFIER, 256);
    if !link.is_empty() {
        let path: Vec<String> = link.iter().map(|n| format!("{n:.0}")).collect();
        return ContentNode {
            relationship,
            value: Value::Link {
                node: None,
                path: path.join("."),
            },
            ..ContentNode::default()
        };
    }
    let kind = tree.text(item, tags::VALUE_TYPE);
    let concept = code_in(tree, item, tags::CONCEPT_NAME_CODE_SEQUENCE);
    // Headings, images and coordinates may go without a name (PS3.3 table C.17-5); the root may not.
    let optional = matches!(
        kind.as_str(),
        "CONTAINER" | "IMAGE" | "WAVEFORM" | "COMPOSITE" | "SCOORD" | "SCOORD3D" | "TCOORD"
    );
    odd.names += u64::from(concept.is_none() && (is_root || !optional));
    let (value, missing) = value(tree, item, &kind, odd);
    odd.values += u64::from(missing);
    // What is coded or measured says nothing of who somebody is; all else may.
    let personal = matches!(value, Value::Text(_) | Value::Person(_) | Value::Moment(_));
    ContentNode {
        relationship,
        personal,
        name: name(concept),
        value,
        template: template(tree, item),
        observed: moment(&tree.text(item, tags::OBSERVATION_DATE_TIME), *b"DT"),
        kind,
        ..ContentNode::default()
    }
}

fn name(concept: Option<Code>) -> Name {
    Name {
        text: concept
            .as_ref()
            .map_or_else(String::new, |c| c.display().to_owned()),
        code: concept.map(Box::new),
        ..Name::default()
    }
}

fn template(tree: &Tree<'_>, item: Item) -> String {
    let Some(template) = tree.first(item, tags::CONTENT_TEMPLATE_SEQUENCE) else {
        return String::new();
    };
    let id = tree.text(template, tags::TEMPLATE_IDENTIFIER);
    let resource = tree.text(template, tags::MAPPING_RESOURCE);
    if id.is_empty() {
        String::new()
    } else {
        format!("TID {id} ({resource})")
    }
}

/// What an item says, and whether that is missing.
fn value(tree: &Tree<'_>, item: Item, kind: &str, odd: &mut Odd) -> (Value, bool) {
    let written = |tag| {
        let text = tree.text(item, tag);
        let missing = text.is_empty();
        (text, missing)
    };
    match kind {
        "CONTAINER" => (Value::None, false),
        "TEXT" => {
            let (text, missing) = written(tags::TEXT_VALUE);
            (Value::Text(text), missing)
        }
        "NUM" => number(tree, item),
        "CODE" => match code_in(tree, item, tags::CONCEPT_CODE_SEQUENCE) {
            Some(code) => (Value::Code(Box::new(code)), false),
            None => (Value::None, true),
        },
        "DATETIME" => {
            let (text, missing) = written(tags::DATE_TIME);
            (Value::Moment(moment(&text, *b"DT")), missing)
        }
        "DATE" => {
            let (text, missing) = written(tags::DATE);
            (Value::Moment(moment(&text, *b"DA")), missing)
        }
        "TIME" => {
            let (text, missing) = written(tags::TIME);
            (Value::Moment(moment(&text, *b"TM")), missing)
        }
        "UIDREF" => {
            let (text, missing) = written(tags::UID);
            let name = super::writer::class_name(&text);
            (Value::Uid(text, name), missing)
        }
        "PNAME" => match tree.find(item, tags::PERSON_NAME) {
            Some((_, entry)) => {
                let name = tree.name_of(entry);
                let missing = name.is_empty();
                (Value::Person(Phi::new(name)), missing)
            }
            None => (Value::None, true),
        },
        "COMPOSITE" | "IMAGE" | "WAVEFORM" => {
            match tree.first(item, tags::REFERENCED_SOP_SEQUENCE) {
                Some(to) => {
                    let reference = reference(tree, to);
                    let missing = reference.instance_uid.is_empty();
                    (Value::Reference(Box::new(reference)), missing)
                }
                None => (Value::None, true),
            }
        }
        "SCOORD" | "SCOORD3D" => {
            let dimensions = if kind == "SCOORD" { 2 } else { 3 };
            let graphic = tree.text(item, tags::GRAPHIC_TYPE);
            let writer = Writer::new(tree);
            let mut points = writer.points(item, tags::GRAPHIC_DATA, graphic, dimensions);
            points.frame_of_reference_uid =
                tree.text(item, tags::REFERENCED_FRAME_OF_REFERENCE_UID);
            let missing = points.count == 0;
            (Value::Points(Box::new(points)), missing)
        }
        "TCOORD" => {
            let range = tree.text(item, tags::TEMPORAL_RANGE_TYPE);
            let samples = tree.numbers(item, tags::REFERENCED_SAMPLE_POSITIONS, 16);
            let at = if samples.is_empty() {
                let offsets = tree.text(item, tags::REFERENCED_TIME_OFFSETS);
                let moments = tree.text(item, tags::REFERENCED_DATE_TIME);
                let moments = moments.split('\\').map(|t| moment(t, *b"DT"));
                match offsets.as_str() {
                    "" => moments.collect::<Vec<_>>().join(", "),
                    offsets => offsets.replace('\\', ", ") + " s",
                }
            } else {
                super::writer::rows(&samples)
            };
            let missing = at.is_empty();
            (Value::Instants { kind: range, at }, missing)
        }
        "TABLE" => {
            let table = tree
                .first(item, tags::TABULATED_VALUES_SEQUENCE)
                .unwrap_or(item);
            let side = |tag| tree.whole(table, tag).and_then(|n| u64::try_from(n).ok());
            let columns = side(tags::NUMBER_OF_TABLE_COLUMNS);
            let rows = side(tags::NUMBER_OF_TABLE_ROWS);
            let missing = columns.is_none() || rows.is_none();
            let table = Value::Table {
                columns: columns.unwrap_or(0),
                rows: rows.unwrap_or(0),
            };
            (table, missing)
        }
        _ => {
            odd.types += 1;
            (Value::None, false)
        }
    }
}

/// A measured value with its unit, or the reason why there is none (PS3.3 section C.18.1).
fn number(tree: &Tree<'_>, item: Item) -> (Value, bool) {
    let qualifier = code_in(tree, item, tags::NUMERIC_VALUE_QUALIFIER_CODE_SEQUENCE).map(Box::new);
    let Some(measured) = tree.first(item, tags::MEASURED_VALUE_SEQUENCE) else {
        let missing = qualifier.is_none();
        let value = Value::Number {
            text: String::new(),
            value: None,
            unit: None,
            qualifier,
        };
        return (value, missing);
    };
    let text = tree.text(measured, tags::NUMERIC_VALUE);
    let exact = tree.numbers(measured, tags::FLOATING_POINT_VALUE, 1);
    let written = tree.numbers(measured, tags::NUMERIC_VALUE, 1);
    let value = exact.first().or(written.first()).copied();
    let unit = tree
        .first(measured, tags::MEASUREMENT_UNITS_CODE_SEQUENCE)
        .and_then(|unit| code(tree, unit));
    let missing = value.is_none() && qualifier.is_none();
    let number = Value::Number {
        text,
        value,
        unit: unit.map(Box::new),
        qualifier,
    };
    (number, missing)
}

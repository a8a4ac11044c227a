//! `negatoscope content`: what an object says beside or instead of a picture, as a tree.
//!
//! docs/content.md has the form of the JSON. Without `--show-phi` whatever people wrote is redacted: names, dates, numbers
//! of patients, free text, labels. Codes, measured numbers, counts and UIDs are printed.

use super::{
    Common, Exit, Output,
    inspect::{exit_of, findings, limits},
};
use crate::{
    dicom::{
        content::{self, export},
        guard::{Fault, Structure},
        scan::read_structure,
    },
    files::put_whole,
    i18n::Language,
    model::content::{Code, Content, ContentNode, MOST_POINTS, Name, Value as Said},
    workspace::content_words,
};
use clap::Args;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// Arguments of `content`.
#[derive(Debug, Args)]
#[command(
    after_help = "Without --show-phi everything that people wrote is replaced by [redacted]: \
names, dates, patient numbers, free text and labels. Codes, measured numbers, counts and UIDs are printed."
)]
pub struct ContentArgs {
    /// DICOM file, or one in an archive: a report, a structure set, a waveform, a document or any other object
    pub file: PathBuf,
    /// Write the encapsulated document (PDF, CDA, STL…) to this file
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// What stands in the place of what is not printed.
const REDACTED: &str = "[redacted]";

/// Runs `content`.
pub fn run(args: &ContentArgs, common: &Common, out: &mut Output) -> Exit {
    let limits = limits(common);
    let read = || -> Result<(Structure, Content), Fault> {
        let structure = read_structure(&args.file, &common.scan_options(limits))?;
        let content = content::read(&structure)?;
        Ok((structure, content))
    };
    let (structure, content) = match read() {
        Ok(read) => read,
        Err(fault) => {
            let text = format!("[{}] {}: {}", fault.code, fault.detail, args.file.display());
            out.error(text);
            return exit_of(fault.kind);
        }
    };
    if let Some(path) = &args.out {
        let Some(document) = &content.document else {
            out.error(format!(
                "the object holds no document: {}",
                args.file.display()
            ));
            return Exit::Unsupported;
        };
        let real = |path: &Path| path.canonicalize().ok();
        if real(path).is_some_and(|p| Some(p) == real(&args.file)) {
            out.error("a document is not written over the object that holds it");
            return Exit::Usage;
        }
        if let Err(fault) = put_whole(path, |file| export(&structure, document, file)) {
            out.error(format!(
                "[{}] {}: {}",
                fault.code,
                fault.detail,
                path.display()
            ));
            return exit_of(fault.kind);
        }
        out.note(format!("{}", path.display()));
    }
    if common.json {
        out.json(&describe(&content, common));
    } else {
        print(&content, common, out);
    }
    Exit::Done
}

/// One line for `inspect`: what it is, its title, how much there is.
pub(super) fn summary(content: &Content, common: &Common) -> String {
    let kind = Language::English.word(content.kind.message_key());
    let mut text = kind.to_lowercase();
    if !content.title.is_empty() {
        let hidden = content.title_written && !common.show_phi;
        let title = if hidden { REDACTED } else { &content.title };
        text.push_str(&format!(": {title}"));
    }
    let count = content.nodes.len();
    text.push_str(&format!(
        ", {count} item{}",
        if count == 1 { "" } else { "s" }
    ));
    text
}

fn print(content: &Content, common: &Common, out: &mut Output) {
    out.line(summary(content, common));
    if !content.class_name.is_empty() {
        out.line(content.class_name);
    }
    for node in &content.head {
        out.line(line(node, common));
    }
    out.line("");
    let places = content.places();
    for (node, place) in content.nodes.iter().zip(&places) {
        out.line(format!("{place}  {}", line(node, common)));
    }
    if content.left_out > 0 {
        out.line(format!("{} or more items are left out", content.left_out));
    }
    for finding in &content.findings {
        let severity = finding.severity.word();
        out.line(format!(
            "{severity} [{}] {}",
            finding.code, finding.sentence
        ));
    }
}

/// A node on one line, indented by its depth.
fn line(node: &ContentNode, common: &Common) -> String {
    let words = Language::English;
    let mut text = "  ".repeat(usize::from(node.depth));
    let relationship = node.relationship.map_or("", |r| r.term());
    let name = content_words::name_text(words, &node.name);
    let (value, unit) = if hidden(node, common) {
        (REDACTED.to_owned(), String::new())
    } else {
        content_words::value_text(words, &node.value)
    };
    let kind = if node.relationship.is_some() || !node.template.is_empty() {
        node.kind.as_str()
    } else {
        ""
    };
    let words = [relationship, kind, name.as_str()];
    let words = words.iter().filter(|w| !w.is_empty());
    text.push_str(&words.copied().collect::<Vec<_>>().join(" "));
    let value = value.replace(['\r', '\n'], " ");
    let rest = [value.as_str(), unit.as_str(), node.template.as_str()];
    let rest: Vec<&str> = rest.into_iter().filter(|w| !w.is_empty()).collect();
    if !rest.is_empty() {
        text.push_str(": ");
        text.push_str(&rest.join(" "));
    }
    text
}

fn hidden(node: &ContentNode, common: &Common) -> bool {
    node.personal && !common.show_phi && node.value != Said::None
}

/// Everything as one JSON value.
fn describe(content: &Content, common: &Common) -> Value {
    let title = if content.title_written {
        common.phi(&content.title)
    } else {
        &content.title
    };
    let places = content.places();
    let nodes = content.nodes.iter().zip(places);
    let nodes: Vec<Value> = nodes
        .map(|(n, place)| node(n, Some(place), common))
        .collect();
    let head: Vec<Value> = content.head.iter().map(|n| node(n, None, common)).collect();
    json!({
        "kind": content.kind.word(),
        "title": (!content.title.is_empty()).then_some(title),
        "sop_class_uid": content.class_uid,
        "sop_class": content.class_name,
        "sop_instance_uid": content.instance_uid,
        "document": content.document.as_ref().map(|d| json!({
            "mime_type": d.mime_type,
            "bytes": d.length,
        })),
        "head": head,
        "nodes": nodes,
        "left_out": content.left_out,
        "findings": findings(&content.findings),
    })
}

fn node(node: &ContentNode, place: Option<String>, common: &Common) -> Value {
    let mut object = Map::new();
    if let Some(place) = place {
        object.insert("place".into(), json!(place));
    }
    object.insert("depth".into(), json!(node.depth));
    let mut put = |name: &str, text: &str| {
        if !text.is_empty() {
            object.insert(name.to_owned(), json!(text));
        }
    };
    put("relationship", node.relationship.map_or("", |r| r.term()));
    put("type", &node.kind);
    put("template", &node.template);
    if !node.observed.is_empty() {
        put("observed", common.phi(&node.observed));
    }
    object.insert("name".into(), name(&node.name));
    let value = if hidden(node, common) {
        json!({"text": REDACTED})
    } else {
        value(&node.value)
    };
    if !value.is_null() {
        object.insert("value".into(), value);
    }
    Value::Object(object)
}

fn code(code: &Code) -> Value {
    let mut json = json!({
        "value": code.value,
        "scheme": code.scheme,
        "meaning": code.meaning,
    });
    if let (false, Some(object)) = (code.version.is_empty(), json.as_object_mut()) {
        object.insert("version".into(), json!(code.version));
    }
    json
}

fn name(name: &Name) -> Value {
    if let Some(concept) = &name.code {
        return code(concept);
    }
    let mut object = Map::new();
    object.insert("meaning".into(), json!(name.text));
    if let Some(number) = name.number {
        object.insert("number".into(), json!(number));
    }
    if let Some((group, element)) = name.tag {
        object.insert("tag".into(), json!(format!("({group:04X},{element:04X})")));
    }
    Value::Object(object)
}

fn value(value: &Said) -> Value {
    match value {
        Said::None => Value::Null,
        Said::Text(text) | Said::Term(text) | Said::Moment(text) => json!({"text": text}),
        Said::Number {
            text,
            value,
            unit,
            qualifier,
        } => json!({
            "text": text,
            "number": value,
            "unit": unit.as_deref().map(code),
            "qualifier": qualifier.as_deref().map(code),
        }),
        Said::Quantity(value, unit) => json!({"number": value, "unit": unit}),
        Said::Code(concept) => json!({"code": code(concept)}),
        Said::Uid(uid, name) => json!({"uid": uid, "uid_name": name}),
        Said::Person(name) => json!({"text": name.reveal().display()}),
        Said::Reference(to) => json!({"reference": {
            "sop_class_uid": to.class_uid,
            "sop_class": to.class_name,
            "sop_instance_uid": to.instance_uid,
            "frames": to.frames,
            "parts": to.parts,
        }}),
        Said::Points(points) => {
            let width = usize::from(points.dimensions.max(1));
            let first: Vec<&[f64]> = points.first.chunks(width).take(MOST_POINTS).collect();
            json!({"points": {
                "graphic_type": points.kind,
                "count": points.count,
                "dimensions": points.dimensions,
                "first": first,
                "frame_of_reference_uid": points.frame_of_reference_uid,
            }})
        }
        Said::Instants { kind, at } => json!({"instants": {"range_type": kind, "at": at}}),
        Said::Table { columns, rows } => json!({"table": {"columns": columns, "rows": rows}}),
        Said::Link { node, path } => json!({"link": {"place": path, "found": node.is_some()}}),
        Said::Color(rgb) => json!({"rgb": rgb}),
        Said::Bytes(bytes) => json!({"bytes": bytes}),
    }
}

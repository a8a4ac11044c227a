//! `negatoscope record text`: what a report or note says. Needs no store.

use crate::{
    cli::{Common, Exit, Output},
    clinical::text::{self, Entity, EntityKind, Understanding, lexicon},
};
use clap::Args;
use serde_json::{Value, json};
use std::{fs::File, io::Read as _, path::PathBuf};

/// Arguments of `record text`.
#[derive(Debug, Args)]
pub struct RecordTextArgs {
    /// Plain texts in UTF-8: reports, notes
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Take every line as a text of its own
    #[arg(long)]
    pub lines: bool,
}

/// Runs `record text`.
pub fn run(args: &RecordTextArgs, common: &Common, out: &mut Output) -> Exit {
    let mut worst = Exit::Done;
    let (mut texts, mut entities) = (0usize, 0usize);
    for path in &args.files {
        let mut bytes = Vec::new();
        let limit = text::MAX_BYTES as u64 + 1;
        let read = File::open(path).and_then(|f| f.take(limit).read_to_end(&mut bytes));
        let problem = match (read, std::str::from_utf8(&bytes)) {
            (Err(error), _) => Some((Exit::Io, error.kind().to_string())),
            (_, Err(_)) => Some((Exit::Rejected, "the text is not UTF-8".to_owned())),
            _ if bytes.len() > text::MAX_BYTES => Some((
                Exit::Limit,
                format!("longer than {} bytes", text::MAX_BYTES),
            )),
            _ => None,
        };
        if let Some((exit, reason)) = problem {
            worst = exit;
            out.error(format!("{reason}: {}", path.display()));
            continue;
        }
        let whole = String::from_utf8_lossy(&bytes);
        let parts: Vec<&str> = if args.lines {
            whole.lines().collect()
        } else {
            vec![whole.as_ref()]
        };
        for (number, part) in parts.into_iter().enumerate() {
            let found = text::understand(part);
            texts += 1;
            entities += found.entities.len();
            if common.json {
                let mut value = understanding_json(part, &found);
                value["path"] = json!(path.to_string_lossy());
                if args.lines {
                    value["line"] = json!(number + 1);
                }
                out.json(&value);
            } else {
                print(part, &found, out);
            }
        }
    }
    if common.json && (args.files.len() > 1 || args.lines) {
        out.json(&json!({"summary": {"texts": texts, "entities": entities}}));
    }
    match (worst, args.files.len()) {
        (Exit::Done, _) | (_, 1) => worst,
        _ => Exit::Finding,
    }
}

fn span(part: &str, span: &std::ops::Range<usize>) -> Value {
    json!({"start": span.start, "end": span.end, "text": part.get(span.clone()).unwrap_or_default()})
}

fn entity_json(part: &str, entity: &Entity) -> Value {
    let mut value = span(part, &entity.span);
    value["kind"] = json!(entity.kind.word());
    value["sentence"] = json!(entity.sentence);
    if let Some(concept) = lexicon::concept(entity.concept) {
        value["concept"] = json!(concept.id);
        value["name"] = json!({"en": concept.english, "zh": concept.chinese});
        if !concept.code.is_empty() {
            value["code"] = json!({"system": concept.system(), "code": concept.code});
            if entity.kind == EntityKind::Drug {
                value["code"]["checked_by"] = match concept.checked_by {
                    "" => Value::Null,
                    table => json!(table),
                };
            }
        }
    }
    if entity.kind.is_stated() {
        value["assertion"] = json!(entity.assertion.word());
        value["cue"] = json!(entity.cue.as_ref().map(|cue| span(part, cue)));
        value["change"] = json!(entity.change.map(|c| c.word()));
    }
    if let Some(side) = entity.side {
        value["side"] = json!(side.word());
    }
    if !entity.extents_mm.is_empty() {
        value["extents_mm"] = json!(entity.extents_mm);
        value["former"] = json!(entity.former);
    }
    if entity.normal {
        value["normal"] = json!(true);
    }
    value
}

/// What was understood, as JSON; places are bytes of the text.
pub fn understanding_json(part: &str, found: &Understanding) -> Value {
    json!({
        "sections": found.sections.iter().map(|s| json!({
            "kind": s.kind.word(), "start": s.span.start, "end": s.span.end,
        })).collect::<Vec<_>>(),
        "sentences": found.sentences.iter().map(|s| json!({
            "section": s.section, "start": s.span.start, "end": s.span.end,
        })).collect::<Vec<_>>(),
        "entities": found.entities.iter().map(|e| entity_json(part, e)).collect::<Vec<_>>(),
        "relations": found.relations.iter().map(|r| json!({
            "finding": r.finding, "kind": r.kind.word(), "other": r.other,
        })).collect::<Vec<_>>(),
        "chexpert": found.chexpert(),
        "cut": found.cut,
    })
}

fn print(part: &str, found: &Understanding, out: &mut Output) {
    for (number, entity) in found.entities.iter().enumerate() {
        let words = part.get(entity.span.clone()).unwrap_or_default();
        let mut line = format!("{:8} {words}", entity.kind.word());
        if entity.kind.is_stated() {
            line.push_str(&format!("  {}", entity.assertion.word()));
            if let Some(change) = entity.change {
                line.push_str(&format!(", {}", change.word()));
            }
            let (anatomy, side, size) = found.place(number);
            let of = |e: &Entity| part.get(e.span.clone()).unwrap_or_default().to_owned();
            let more = [
                anatomy.map(of),
                side.map(|s| s.word().to_owned()),
                size.map(of),
            ];
            for more in more.into_iter().flatten() {
                line.push_str(&format!("  · {more}"));
            }
        }
        out.line(line);
    }
}

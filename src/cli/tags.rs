//! `negatoscope tags`: all elements of an object, searched, compared with another, or as the DICOM JSON Model. docs/tags.md.

use super::{
    Common, Exit, Output,
    inspect::{exit_of, limits},
};
use crate::{
    dicom::{
        content::{elements, json_model},
        guard::Fault,
        scan::read_structure,
    },
    model::elements::{
        Change, DiffRow, ElementRow, ElementTable, Held, Query, compare, compare_below,
    },
};
use clap::Args;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// Arguments of `tags`.
#[derive(Debug, Args)]
#[command(
    after_help = "Without --show-phi values that may say who somebody is are replaced by [redacted], and no search \
looks at them."
)]
pub struct TagsArgs {
    /// DICOM file, or one in an archive
    pub file: PathBuf,
    /// Only elements whose keyword, tag or value holds this text, wherever they lie, with what they lie in
    #[arg(long, value_name = "TEXT")]
    pub search: Option<String>,
    /// Compare with another object
    #[arg(long, value_name = "OTHER", conflicts_with = "search")]
    pub diff: Option<PathBuf>,
    /// Compare the functional groups of two frames, counted from 1; with --diff those of the other object's second
    #[arg(long, value_name = "A,B", value_delimiter = ',', num_args = 2)]
    pub frames: Option<Vec<u32>>,
    /// With --diff or --frames also what is the same
    #[arg(long)]
    pub all: bool,
    /// Print the object as the DICOM JSON Model (PS3.18 annex F); long values are named by their place
    #[arg(long, conflicts_with_all = ["search", "diff", "frames"])]
    pub model: bool,
}

const REDACTED: &str = "[redacted]";

/// Most characters of a value on a line that is no JSON.
const LINE: usize = 120;

/// Runs `tags`.
pub fn run(args: &TagsArgs, common: &Common, out: &mut Output) -> Exit {
    let comparing = args.diff.is_some() || args.frames.is_some();
    let read = |path: &Path| -> Result<ElementTable, Fault> {
        let structure = read_structure(path, &common.scan_options(limits(common)))?;
        elements(&structure, comparing)
    };
    let mut tables = Vec::new();
    for path in [Some(&args.file), args.diff.as_ref()].into_iter().flatten() {
        match read(path) {
            Ok(table) => tables.push(table),
            Err(fault) => {
                let text = format!("[{}] {}: {}", fault.code, fault.detail, path.display());
                out.error(text);
                return exit_of(fault.kind);
            }
        }
    }
    let Some(first) = tables.first() else {
        return Exit::Internal;
    };
    if comparing {
        return difference(args, common, out, first, tables.last().unwrap_or(first));
    }
    let hide = !common.show_phi;
    if args.model {
        out.line(json_model(first, 0..first.rows.len(), hide));
        return Exit::Done;
    }
    let shown: Vec<usize> = match &args.search {
        Some(text) => {
            let found = first.search(&Query::new(text), hide);
            found.into_iter().map(|at| at as usize).collect()
        }
        None => (0..first.rows.len()).collect(),
    };
    if common.json {
        let mut wanted = shown.iter().copied().peekable();
        let rows: Vec<Value> = (0..)
            .zip(first.rows.iter().zip(first.paths()))
            .filter(|(at, _)| wanted.next_if_eq(at).is_some())
            .map(|(_, (row, path))| element(row, path, common))
            .collect();
        out.json(&json!({
            "sop_instance_uid": first.instance_uid,
            "elements": rows,
            "count": first.rows.len(),
            "left_out": first.left_out,
        }));
    } else {
        for at in &shown {
            if let Some(row) = first.rows.get(*at) {
                out.line(line(row, row.depth, common));
            }
        }
        if first.left_out > 0 {
            out.line(format!("{} more elements are left out", first.left_out));
        }
    }
    match (&args.search, shown.is_empty()) {
        (Some(_), true) => Exit::Finding,
        _ => Exit::Done,
    }
}

fn difference(
    args: &TagsArgs,
    common: &Common,
    out: &mut Output,
    first: &ElementTable,
    second: &ElementTable,
) -> Exit {
    let rows = match args.frames.as_deref() {
        Some(&[a, b]) => {
            let (Some(a), Some(b)) = (first.frame_groups(a), second.frame_groups(b)) else {
                out.error("there are no functional groups of such a frame");
                return Exit::Unsupported;
            };
            compare_below((first, a), (second, b))
        }
        _ => compare(first, second),
    };
    let differs = rows.iter().filter(|row| row.change != Change::Same);
    let leaves = differs.filter(|row| {
        let own = row.first.and_then(|at| first.rows.get(at as usize));
        let other = row.second.and_then(|at| second.rows.get(at as usize));
        own.or(other)
            .is_some_and(|row| !row.is_item() && &row.vr != b"SQ")
    });
    let count = leaves.count();
    let shown = rows
        .iter()
        .filter(|row| args.all || row.change != Change::Same);
    if common.json {
        let paths = [first, second].map(|table| table.paths().collect::<Vec<_>>());
        let shown: Vec<Value> = shown
            .map(|row| compared(row, [first, second], &paths, common))
            .collect();
        out.json(&json!({"elements": shown, "different": count}));
    } else {
        for row in shown {
            print_compared(row, first, second, common, out);
        }
        out.note(format!("{count} elements differ"));
    }
    if count > 0 { Exit::Finding } else { Exit::Done }
}

const fn word(change: Change) -> &'static str {
    match change {
        Change::Same => "same",
        Change::Changed => "changed",
        Change::First => "first-only",
        Change::Second => "second-only",
    }
}

fn compared(
    row: &DiffRow,
    tables: [&ElementTable; 2],
    paths: &[Vec<String>; 2],
    common: &Common,
) -> Value {
    let side = |table: &ElementTable, paths: &[String], at: Option<u32>| -> Value {
        let at = at.map(|at| at as usize);
        let row = at.and_then(|at| Some((table.rows.get(at)?, paths.get(at)?)));
        row.map_or(Value::Null, |(row, path)| {
            element(row, path.clone(), common)
        })
    };
    let ([first, second], [own, others]) = (tables, paths);
    json!({
        "change": word(row.change),
        "depth": row.depth,
        "first": side(first, own, row.first),
        "second": side(second, others, row.second),
    })
}

fn print_compared(
    row: &DiffRow,
    first: &ElementTable,
    second: &ElementTable,
    common: &Common,
    out: &mut Output,
) {
    let own = |table: &ElementTable, at: Option<u32>| -> Option<String> {
        Some(line(table.rows.get(at? as usize)?, row.depth, common))
    };
    let (left, right) = (own(first, row.first), own(second, row.second));
    match (row.change, left, right) {
        (Change::Same, Some(line), _) => out.line(format!("  {line}")),
        (_, Some(left), Some(right)) if left == right => out.line(format!("* {left}")),
        (_, left, right) => {
            for (sign, line) in [("-", left), ("+", right)] {
                if let Some(line) = line {
                    out.line(format!("{sign} {line}"));
                }
            }
        }
    }
}

fn hidden(row: &ElementRow, common: &Common) -> bool {
    row.personal && !common.show_phi && row.held != Held::Nothing
}

fn hex(bytes: &[u8]) -> String {
    let pairs: Vec<String> = bytes.iter().map(|b| format!("{b:02X}")).collect();
    pairs.join(" ")
}

fn line(row: &ElementRow, depth: u16, common: &Common) -> String {
    let indent = "  ".repeat(usize::from(depth));
    if row.is_item() {
        return format!("{indent}item {}", row.item);
    }
    let value = match &row.held {
        _ if hidden(row, common) => REDACTED.to_owned(),
        Held::Nothing => String::new(),
        Held::Text(text) | Held::Cut(text) => match text.char_indices().nth(LINE) {
            Some((cut, _)) => format!("{}…", text.get(..cut).unwrap_or_default()),
            None => text.to_string(),
        },
        Held::Bytes(bytes) => hex(bytes),
        Held::Away => format!("{} bytes", row.length),
    };
    let value = value.replace(['\r', '\n'], " ");
    let text = format!(
        "{indent}{} {} {} {value}",
        row.tag_text(),
        row.vr_text(),
        if row.keyword.is_empty() {
            "-"
        } else {
            row.keyword
        }
    );
    text.trim_end().to_owned()
}

fn element(row: &ElementRow, path: String, common: &Common) -> Value {
    let mut object = Map::new();
    object.insert("path".into(), json!(path));
    object.insert("depth".into(), json!(row.depth));
    if row.is_item() {
        object.insert("item".into(), json!(row.item));
        return Value::Object(object);
    }
    object.insert("tag".into(), json!(row.tag_text()));
    object.insert("vr".into(), json!(row.vr_text()));
    object.insert("keyword".into(), json!(row.keyword));
    if &row.vr != b"SQ" {
        object.insert("length".into(), json!(row.length));
    }
    let value = match &row.held {
        _ if hidden(row, common) => json!(REDACTED),
        Held::Nothing | Held::Away => Value::Null,
        Held::Text(text) => json!(&**text),
        Held::Cut(text) => {
            object.insert("cut".into(), json!(true));
            json!(&**text)
        }
        Held::Bytes(bytes) => json!(hex(bytes)),
    };
    object.insert("value".into(), value);
    Value::Object(object)
}

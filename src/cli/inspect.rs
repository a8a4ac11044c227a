//! `negatoscope inspect`: what each file is, or why it does not open.

use super::{Common, Exit, Output};
use crate::{
    dicom::{
        assemble::lay_out,
        frames::{FileFrames, FrameSource as _},
        guard::Limits,
        scan::{ScanEvent, scan},
    },
    model::{
        cover::{OverlayBits, OverlayKind, OverlayPlane},
        finding::{Finding, Severity},
        layout::SeriesLayout,
        study::{Instance, Rejection, RejectionKind},
    },
    task::{CancelToken, Progress, Turns},
};
use clap::Args;
use rayon::prelude::*;
use serde_json::{Map, Value, json};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

/// Arguments of `inspect`.
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// Files and folders
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// Decode every frame, and refuse files of which one does not decode
    #[arg(long, alias = "decode-all")]
    pub decode: bool,
    /// Name what is wrong with series: gaps, tilt, duplicates, lossy, uncalibrated, mixed patients
    #[arg(long)]
    pub check: bool,
}

/// What became of one file.
struct Row {
    path: Arc<Path>,
    instance: Option<Arc<Instance>>,
    /// What an object without a picture says, in a line.
    content: Option<String>,
    refusal: Option<(RejectionKind, &'static str, String)>,
}

/// Limits under `--max-memory`.
pub(super) fn limits(common: &Common) -> Limits {
    let mut limits = Limits::default();
    if let Some(most) = common.max_memory.and_then(|m| usize::try_from(m).ok()) {
        limits.frame_bytes = limits.frame_bytes.min(most);
        limits.inflated_bytes = limits.inflated_bytes.min(most);
    }
    limits
}

/// Runs work with `--jobs` threads whose stacks leave decoders room.
pub(super) fn in_pool<T: Send>(common: &Common, work: impl FnOnce() -> T + Send) -> T {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(common.jobs.unwrap_or(0))
        .stack_size(8 << 20)
        .thread_name(|i| format!("reader-{i}"))
        .build();
    match pool {
        Ok(pool) => pool.install(work),
        Err(_) => work(),
    }
}

/// Runs `inspect`.
pub fn run(args: &InspectArgs, common: &Common, out: &mut Output) -> Exit {
    let limits = limits(common);
    let rows = in_pool(common, || read(args, limits, common));
    let several = rows.len() > 1 && !wholly_locked(args, &rows);
    for row in &rows {
        print_row(row, common, out);
    }
    let shown: Vec<Arc<Instance>> = rows
        .iter()
        .filter(|r| r.refusal.is_none())
        .filter_map(|r| r.instance.clone())
        .collect();
    let layouts = lay_out(&shown);
    print_summary(&rows, &layouts, args.check, common, out);
    let locked = |row: &Row| {
        row.refusal
            .as_ref()
            .is_some_and(|r| r.1 == "ARCHIVE_LOCKED")
    };
    if rows.iter().any(locked) {
        out.note("the passphrase of an archive is read through --archive-passphrase-fd N");
    }
    let refused = rows.iter().find_map(|r| r.refusal.as_ref());
    match refused {
        Some(_) if several => Exit::Finding,
        Some((kind, ..)) => exit_of(*kind),
        None if args.check && layouts.iter().flat_map(|l| &l.findings).any(weighs) => Exit::Finding,
        None => Exit::Done,
    }
}

/// One archive of which nothing opens because it is encrypted: as one input that is locked, whatever it holds.
fn wholly_locked(args: &InspectArgs, rows: &[Row]) -> bool {
    let locked = |row: &Row| {
        let refusal = row.refusal.as_ref();
        refusal.is_some_and(|(kind, ..)| *kind == RejectionKind::Locked)
    };
    matches!(args.paths.as_slice(), [only] if only.is_file()) && rows.iter().all(locked)
}

fn weighs(finding: &Finding) -> bool {
    finding.severity >= Severity::Warning
}

/// The exit code for one refused input.
pub(super) const fn exit_of(kind: RejectionKind) -> Exit {
    match kind {
        RejectionKind::Rejected => Exit::Rejected,
        RejectionKind::Limit => Exit::Limit,
        RejectionKind::Unsupported => Exit::Unsupported,
        RejectionKind::Locked => Exit::Locked,
        RejectionKind::Io => Exit::Io,
    }
}

fn read(args: &InspectArgs, limits: Limits, common: &Common) -> Vec<Row> {
    let rows = Mutex::new(Vec::new());
    let sink = |event| {
        let row = match event {
            ScanEvent::Instance(instance) => Row {
                path: Arc::clone(&instance.source.path),
                instance: Some(instance),
                content: None,
                refusal: None,
            },
            ScanEvent::Rejected(found) if found.is_directory() => Row {
                path: found.path,
                instance: None,
                content: Some(found.detail),
                refusal: None,
            },
            ScanEvent::Rejected(Rejection {
                path,
                outcome,
                code,
                detail,
            }) => Row {
                path,
                instance: None,
                content: None,
                refusal: Some((outcome, code, detail)),
            },
        };
        let mut rows = rows.lock().unwrap_or_else(PoisonError::into_inner);
        rows.push(row);
    };
    let options = common.scan_options(limits);
    scan(
        &args.paths,
        &options,
        &CancelToken::default(),
        &Progress::default(),
        &sink,
    );
    let mut rows = rows.into_inner().unwrap_or_else(PoisonError::into_inner);
    let source = common.frame_source(limits);
    rows.par_iter_mut()
        .for_each(|row| read_content(row, &source, common));
    if args.decode {
        rows.par_iter_mut().for_each(|row| decode(row, &source));
    }
    rows
}

/// Reads what an object without a picture says; one that cannot be read is refused.
fn read_content(row: &mut Row, source: &FileFrames, common: &Common) {
    let object = row.instance.as_ref().filter(|i| i.image.is_none());
    let Some(object) = object else { return };
    match source.read_content(object) {
        Ok(content) => row.content = Some(super::content::summary(&content, common)),
        Err(error) => row.refusal = Some((error.kind(), error.code(), error.to_string())),
    }
}

/// A frame of more bytes is decoded while no other one of this kind is in memory.
const LARGE_FRAME: usize = 32 << 20;

static LARGE_FRAMES: Turns = Turns::new();

/// Decodes every frame into one buffer.
fn decode(row: &mut Row, source: &FileFrames) {
    let Some(instance) = row.instance.as_ref() else {
        return;
    };
    let Some(image) = instance.image.as_ref() else {
        return;
    };
    let _turn = (image.frame_bytes() > LARGE_FRAME).then(|| LARGE_FRAMES.wait());
    let mut buffer = vec![0; image.frame_bytes()];
    for frame in 0..image.frames {
        if let Err(error) = source.read_frame_into(instance, frame, &mut buffer) {
            let detail = format!("frame {}: {error}", frame + 1);
            row.refusal = Some((error.kind(), error.code(), detail));
            return;
        }
    }
}

/// Outcome word, code and sentence of a row.
fn verdict(row: &Row) -> (&'static str, Option<&'static str>, Option<&str>) {
    if let Some((kind, code, detail)) = &row.refusal {
        let word = match kind {
            RejectionKind::Rejected | RejectionKind::Locked | RejectionKind::Io => "rejected",
            RejectionKind::Limit => "limit",
            RejectionKind::Unsupported => "unsupported",
        };
        return (word, Some(code), Some(detail));
    }
    let findings = row.instance.iter().flat_map(|i| &i.findings);
    match findings.into_iter().find(|f| weighs(f)) {
        Some(finding) => ("warn", Some(finding.code), Some(&finding.sentence)),
        None => ("ok", None, None),
    }
}

/// Tag and offset that a refusal's sentence ends with: `…, at (7FE0,0010), byte 260`.
fn place(detail: Option<&str>) -> (Option<&str>, Option<u64>) {
    let Some(detail) = detail else {
        return (None, None);
    };
    let offset = detail
        .rsplit_once("byte ")
        .and_then(|(_, n)| n.parse().ok());
    let tag = detail
        .rsplit_once("at (")
        .and_then(|(_, rest)| rest.split_once(')'))
        .map(|(tag, _)| tag)
        .filter(|tag| tag.len() == 9);
    (tag, offset)
}

fn print_row(row: &Row, common: &Common, out: &mut Output) {
    let (outcome, code, detail) = verdict(row);
    if !common.json {
        let what = row.instance.as_ref().map_or(String::new(), |i| describe(i));
        let said = row
            .content
            .as_ref()
            .map_or(String::new(), |c| format!(" {c}"));
        let why = detail.map_or(String::new(), |d| format!(" [{}] {d}", code.unwrap_or("")));
        out.line(format!(
            "{outcome:<11} {}{what}{said}{why}",
            row.path.display()
        ));
        return;
    }
    let (tag, offset) = place(detail);
    let mut object = Map::new();
    let mut put = |name: &str, value: Value| {
        object.insert(name.to_owned(), value);
    };
    put("path", json!(row.path.to_string_lossy()));
    put("outcome", json!(outcome));
    put("code", json!(code));
    put("tag", json!(tag.map(|t| format!("({t})"))));
    put("offset", json!(offset));
    put("detail", json!(detail));
    if row.instance.is_none() && row.refusal.is_none() {
        put("object", json!("directory"));
        put("content", json!(row.content));
    }
    if let Some(instance) = &row.instance {
        put("sop_class_uid", json!(instance.sop_class_uid));
        put("transfer_syntax_uid", json!(instance.transfer_syntax_uid));
        put("study_instance_uid", json!(instance.study.uid));
        put("series_instance_uid", json!(instance.series.uid));
        put("sop_instance_uid", json!(instance.sop_instance_uid));
        put("modality", json!(instance.series.modality));
        put("instance_number", json!(instance.instance_number));
        let patient = &instance.patient;
        put(
            "patient_name",
            json!(common.phi(&patient.name.reveal().display())),
        );
        put("patient_id", json!(common.phi(patient.id.reveal())));
        let birth = patient.birth_date.reveal().map(|d| d.to_string());
        put(
            "patient_birth_date",
            json!(birth.as_deref().map(|d| common.phi(d))),
        );
        put("synthetic", json!(patient.synthetic));
        let object = instance.object.as_ref();
        put("object", json!(object.map(|o| o.kind.word())));
        put("content", json!(row.content));
        picture(instance, &mut put);
        put("findings", findings(&instance.findings));
    }
    out.json(&Value::Object(object));
}

/// Fields of the picture, null when there is none.
fn picture(instance: &Instance, put: &mut impl FnMut(&str, Value)) {
    let image = instance.image.as_ref();
    put("rows", json!(image.map(|i| i.rows)));
    put("columns", json!(image.map(|i| i.columns)));
    put("frames", json!(image.map(|i| i.frames)));
    put("samples", json!(image.map(|i| i.samples)));
    put("bits_stored", json!(image.map(|i| i.bits_stored)));
    put("signed", json!(image.map(|i| i.signed)));
    let photometric = image.map(|i| format!("{:?}", i.photometric));
    put("photometric", json!(photometric));
    let spacing = image.map(|i| i.frame(0).spacing);
    let (row, column) = spacing.map_or((None, None), |s| {
        let (row, column) = s.row_column();
        s.source()
            .map_or((None, None), |_| (Some(row), Some(column)))
    });
    put("row_spacing_mm", json!(row));
    put("column_spacing_mm", json!(column));
    put("spacing", json!(spacing.map(|s| s.unit_label())));
    put("unit", json!(image.map(|i| i.frame(0).unit.label())));
    let windows = image.map(|i| i.frame(0).voi.iter().map(|v| v.name()).collect::<Vec<_>>());
    put("windows", json!(windows));
    put(
        "overlays",
        json!(image.map(|i| overlays(i.display.planes.iter()))),
    );
    put("shutter", json!(image.map(|i| i.display.has_shutter())));
}

/// Overlay planes that can be drawn. Labels are free text and are not printed.
pub(super) fn overlays<'a>(planes: impl Iterator<Item = &'a OverlayPlane>) -> Value {
    let one = |plane: &OverlayPlane| {
        let frames = plane.frames.as_ref();
        json!({
            "group": format!("{:04X}", plane.group),
            "rows": plane.rows,
            "columns": plane.columns,
            "origin": plane.origin.map(|v| v + 1),
            "first_frame": frames.map(|f| f.start + 1),
            "frames": frames.map(ExactSizeIterator::len),
            "type": match plane.kind {
                OverlayKind::Graphics => "G",
                OverlayKind::Region => "R",
            },
            "embedded": matches!(plane.bits, OverlayBits::Embedded { .. }),
        })
    };
    Value::Array(planes.map(one).collect())
}

fn describe(instance: &Instance) -> String {
    let image = instance.image.as_ref().map_or(String::new(), |i| {
        let frames = if i.frames > 1 {
            format!(", {} frames", i.frames)
        } else {
            String::new()
        };
        format!(" {} x {}{frames}", i.columns, i.rows)
    });
    format!(" {}{image}", instance.series.modality)
}

/// Findings as JSON.
pub(super) fn findings(findings: &[Finding]) -> Value {
    let one = |f: &Finding| {
        let numbers: Map<String, Value> = f
            .numbers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect();
        json!({
            "code": f.code,
            "severity": f.severity.word(),
            "numbers": numbers,
            "sentence": f.sentence,
        })
    };
    Value::Array(findings.iter().map(one).collect())
}

/// Which part of its series a layout is; null where it is the only one.
pub(super) fn part(layout: &SeriesLayout) -> Value {
    if layout.part.count < 2 {
        return Value::Null;
    }
    json!({
        "number": layout.part.number,
        "count": layout.part.count,
        "label": layout.part.label(),
    })
}

fn series(layout: &SeriesLayout, check: bool) -> Value {
    let first = layout.first_instance();
    let mut images: Vec<_> = layout
        .frames
        .iter()
        .chain(&layout.duplicates)
        .map(|f| Arc::as_ptr(&f.instance))
        .collect();
    images.sort_unstable();
    images.dedup();
    let mut object = json!({
        "study_instance_uid": first.map(|i| &i.study.uid),
        "series_instance_uid": first.map(|i| &i.series.uid),
        "modality": first.map(|i| &i.series.modality),
        "images": images.len(),
        "frames": layout.frames.len(),
        "duplicates": layout.duplicates.len(),
        "kind": if layout.volume.is_some() { "volume" } else { "stack" },
        "size": layout.volume.map(|g| g.size),
        "spacing_mm": layout.volume.map(|g| g.spacing_mm()),
        "part": part(layout),
    });
    if check && let Some(object) = object.as_object_mut() {
        object.insert("findings".to_owned(), findings(&layout.findings));
    }
    object
}

fn print_summary(
    rows: &[Row],
    layouts: &[SeriesLayout],
    check: bool,
    common: &Common,
    out: &mut Output,
) {
    let count = |word: &str| rows.iter().filter(|r| verdict(r).0 == word).count();
    let (ok, warn) = (count("ok"), count("warn"));
    let (rejected, limit, unsupported) = (count("rejected"), count("limit"), count("unsupported"));
    let shown = ok + warn;
    let series_uids: std::collections::BTreeSet<&str> = layouts
        .iter()
        .filter_map(|l| l.first_instance().map(|i| i.series.uid.as_str()))
        .collect();
    if common.json {
        let series: Vec<Value> = layouts.iter().map(|l| series(l, check)).collect();
        out.json(&json!({"summary": {
            "received": rows.len(),
            "shown": shown,
            "rejected": rows.len() - shown,
            "outcomes": {
                "ok": ok, "warn": warn, "rejected": rejected, "limit": limit, "unsupported": unsupported,
            },
            "images": rows.iter().filter(|r| r.refusal.is_none()
                && r.instance.as_ref().is_some_and(|i| i.image.is_some())).count(),
            "series": series_uids.len(),
            "layouts": series,
        }}));
        return;
    }
    if check {
        for layout in layouts {
            let first = layout.first_instance();
            let kind = if layout.volume.is_some() {
                "volume"
            } else {
                "stack"
            };
            let part = &layout.part;
            let label = match (part.count, part.label()) {
                (0 | 1, _) => String::new(),
                (count, label) if label.is_empty() => format!(", part {} of {count}", part.number),
                (count, label) => format!(", part {} of {count}: {label}", part.number),
            };
            out.line(format!(
                "series      {} {} {kind} of {} frames{label}",
                first.map_or("", |i| &i.series.uid),
                first.map_or("", |i| &i.series.modality),
                layout.frames.len()
            ));
            for finding in &layout.findings {
                out.line(format!(
                    "            {} [{}] {}",
                    finding.severity.word(),
                    finding.code,
                    finding.sentence
                ));
            }
        }
    }
    out.line(format!(
        "{} received, {shown} shown ({warn} with a warning), {} rejected; {} series",
        rows.len(),
        rows.len() - shown,
        series_uids.len()
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tag_and_offset_are_found_in_the_sentence() {
        assert_eq!(
            place(Some(
                "a length of 9 where 3 bytes are left, at (7FE0,0010), byte 260"
            )),
            (Some("7FE0,0010"), Some(260))
        );
        assert_eq!(place(Some("the file is empty")), (None, None));
        assert_eq!(
            place(Some("the data end within a sequence, at byte 12")),
            (None, Some(12))
        );
    }
}

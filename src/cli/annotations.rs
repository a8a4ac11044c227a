//! `negatoscope annotations`: marks and key images as DICOM files, into the store from such files, and compared.
//! docs/annotations.md.
//!
//! Marks are printed as `edit --list` prints them. Without `--show-phi` what people wrote is redacted: labels, groups,
//! names of authors, and the words of what did not become a mark.

mod compare;
mod sets;
mod table;

use super::{
    Common, Exit, Output,
    edit::operations,
    inspect::{exit_of, limits},
    series::instances,
    store as store_cli,
};
use crate::{
    dicom::{
        assemble::lay_out,
        content::{kind_of, marks::settle},
        frames::FrameSource as _,
        write::marks::Making,
    },
    imaging::calibrate::{calibrated, that_hold},
    model::{
        access::{AuditKind, Right},
        annotation::AnnotationTarget,
        content::ObjectKind,
        edit::{Edit, Kept},
        exchange::{MarksRead, RestItem},
        layout::SeriesLayout,
        study::Instance,
    },
    store::{AuditEvent, Store},
    task::{CancelToken, Progress},
    workspace::{
        exchange::{Export, Format, leave_unkeepable, make, sources_for, write},
        label_sets::split::Shares,
        measuring::export::MarkFormat,
        sending::as_kept,
    },
};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use sets::SetForm;
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

/// What stands in the place of what is not printed.
const REDACTED: &str = "[redacted]";

/// Arguments of `annotations`.
#[derive(Debug, Args)]
pub struct AnnotationsArgs {
    #[command(subcommand)]
    command: AnnotationsCommand,
}

#[derive(Debug, Subcommand)]
enum AnnotationsCommand {
    /// Write marks and key images of the store as DICOM files
    Export(ExportArgs),
    /// Take marks and key images of reports, presentation states and key object selections into the store
    Import(ImportArgs),
    /// Compare the marks of two such files, or of folders of them
    Diff(DiffArgs),
}

/// A form that marks leave in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Key Object Selection Document
    Ko,
    /// Grayscale Softcopy Presentation State
    Gsps,
    /// Comprehensive 3D SR, TID 1500
    Sr,
    /// Segmentation objects of the segmentations
    Seg,
    /// A table of the marks and their numbers, and one of marks, tags and grades that can be imported
    Csv,
    /// The marks and their numbers as JSON
    Json,
    /// COCO: boxes, polygons, keypoints
    Coco,
    /// YOLO: boxes
    Yolo,
    /// YOLO pose: keypoints
    YoloPose,
    /// Pascal VOC: boxes
    Voc,
}

impl Form {
    /// As DICOM, where it is that.
    const fn dicom(self) -> Option<Format> {
        match self {
            Self::Ko => Some(Format::KeyObjects),
            Self::Gsps => Some(Format::Presentation),
            Self::Sr => Some(Format::Report),
            Self::Seg => Some(Format::Segmentation),
            Self::Csv | Self::Json | Self::Coco | Self::Yolo | Self::YoloPose | Self::Voc => None,
        }
    }

    /// As a table, where it is that.
    const fn table(self) -> Option<MarkFormat> {
        match self {
            Self::Csv => Some(MarkFormat::Csv),
            Self::Json => Some(MarkFormat::Json),
            Self::Ko
            | Self::Gsps
            | Self::Sr
            | Self::Seg
            | Self::Coco
            | Self::Yolo
            | Self::YoloPose
            | Self::Voc => None,
        }
    }

    /// As a set of labels for learning, where it is that.
    const fn set(self) -> Option<SetForm> {
        match self {
            Self::Coco => Some(SetForm::Coco),
            Self::Yolo => Some(SetForm::Yolo),
            Self::YoloPose => Some(SetForm::YoloPose),
            Self::Voc => Some(SetForm::Voc),
            Self::Csv => Some(SetForm::Csv),
            Self::Ko | Self::Gsps | Self::Sr | Self::Seg | Self::Json => None,
        }
    }
}

/// Arguments of `annotations export`.
#[derive(Debug, Args)]
struct ExportArgs {
    /// Images that the marks are on (default: where the store knows them to lie)
    paths: Vec<PathBuf>,
    /// Form; may be given several times (default: all that are DICOM)
    #[arg(long, value_enum)]
    format: Vec<Form>,
    /// Folder for the files; what is there is not written over
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Only marks of this study
    #[arg(long, value_name = "UID")]
    study: Option<String>,
    /// Marks that are hidden leave too
    #[arg(long)]
    hidden: bool,
    /// Name of who sends them
    #[arg(long, value_name = "NAME", default_value = "")]
    author: String,
    /// Pictures as PNG beside a set of labels (coco, yolo, yolo-pose, voc)
    #[arg(long)]
    images: bool,
    /// Pictures without any label too
    #[arg(long)]
    all_pictures: bool,
    /// Parts to learn from, to choose by and to test with, by patient: three shares such as 70,15,15
    #[arg(long, value_name = "A,B,C", value_parser = sets::shares)]
    split: Option<Shares>,
    /// Another split of the same shares
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Only marks and answers of this account (coco, yolo, yolo-pose, voc); the owner is an empty name
    #[arg(long, value_name = "NAME")]
    reader: Option<String>,
    /// Label schema, for the order of keypoints (docs/label-schema.md)
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
    /// Make all UIDs from this text, so that the same marks give the same files (with --clock)
    #[arg(long, value_name = "TEXT")]
    uid_seed: Option<String>,
}

/// Arguments of `annotations import`.
#[derive(Debug, Args)]
struct ImportArgs {
    /// DICOM files, or folders of them; with --format sets of labels
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The files are a set of labels of this form, and not DICOM
    #[arg(long, value_enum)]
    format: Option<SetForm>,
    /// Which picture of the set is which image (default: its images.csv)
    #[arg(long, value_name = "FILE.csv", requires = "format")]
    key: Option<PathBuf>,
    /// Images that the marks are on, to place those that name only a frame of reference
    #[arg(long, value_name = "PATH")]
    images: Vec<PathBuf>,
    /// Print what would come in; no store is needed
    #[arg(long)]
    dry_run: bool,
}

/// Arguments of `annotations diff`.
#[derive(Debug, Args)]
struct DiffArgs {
    /// A DICOM file with marks, or a folder of them
    first: PathBuf,
    /// The other
    second: PathBuf,
    /// Farthest that points may lie apart and count as the same, millimetres or pixels
    #[arg(long, value_name = "N", default_value_t = 1e-3, value_parser = parse_tolerance)]
    tolerance: f64,
}

fn parse_tolerance(text: &str) -> Result<f64, String> {
    // Nothing is farther than what is no number, so that all would count as the same.
    let number = text.parse().ok().filter(|n: &f64| *n >= 0.0);
    number.ok_or_else(|| format!("`{text}` is not a distance"))
}

/// Runs `annotations`.
pub fn run(args: &AnnotationsArgs, common: &Common, out: &mut Output) -> Exit {
    match &args.command {
        AnnotationsCommand::Export(args) => export(args, common, out),
        AnnotationsCommand::Import(args) => import(args, common, out),
        AnnotationsCommand::Diff(args) => diff(args, common, out),
    }
}

/// The series of some paths; those of studies in the store where none is named.
pub(super) fn series(
    paths: &[PathBuf],
    store: Option<&Store>,
    studies: &BTreeSet<String>,
    common: &Common,
) -> Vec<Arc<SeriesLayout>> {
    let mut paths = paths.to_vec();
    if paths.is_empty()
        && let Some(store) = store
    {
        for study in studies {
            paths.extend(store.study_files(study).unwrap_or_default());
        }
    }
    if paths.is_empty() {
        return Vec::new();
    }
    let (instances, _) = instances(&paths, common);
    let layouts = lay_out(&instances);
    let kept = store.map(|store| store.kept().calibrations.values());
    let holds = that_hold(&layouts, kept.into_iter().flatten());
    let apply = |layout: SeriesLayout| calibrated(&layout, &holds).unwrap_or(layout);
    layouts.into_iter().map(apply).map(Arc::new).collect()
}

fn export(args: &ExportArgs, common: &Common, out: &mut Output) -> Exit {
    let store = match store_cli::open(common, out) {
        Ok(store) => store,
        Err(exit) => return exit,
    };
    if let Err(error) = store.demand(Right::ExportMarks) {
        return store_cli::report(&error, out);
    }
    let wanted = |target: &AnnotationTarget| {
        let study = args.study.as_deref();
        study.is_none_or(|uid| uid == target.study_uid)
    };
    let kept = store.kept();
    let all = kept.marks.iter().filter(|m| wanted(&m.target));
    let (hidden, marks): (Vec<_>, Vec<_>) =
        all.cloned().partition(|mark| mark.hidden && !args.hidden);
    let key_images: Vec<_> = kept
        .key_images
        .iter()
        .filter(|t| wanted(t))
        .cloned()
        .collect();
    let of_study = |uid: &str| args.study.as_deref().is_none_or(|wanted| wanted == uid);
    let segmentations: Vec<_> = kept
        .segmentations
        .values()
        .filter(|whole| of_study(&whole.study_uid))
        .cloned()
        .collect();
    let studies: BTreeSet<String> = marks
        .iter()
        .map(|m| &m.target)
        .chain(&key_images)
        .map(|target| target.study_uid.clone())
        .chain(kept.answers.keys().map(|q| q.subject.study_uid.clone()))
        .chain(segmentations.iter().map(|whole| whole.study_uid.clone()))
        .filter(|uid| args.study.as_ref().is_none_or(|study| study == uid))
        .collect();
    let mut formats: Vec<Format> = args.format.iter().filter_map(|f| f.dicom()).collect();
    if args.format.is_empty() {
        formats = Format::ALL.to_vec();
    }
    // Before anything leaves.
    for study in &studies {
        let event = AuditEvent::new(AuditKind::Exported, Right::ExportMarks.name());
        if let Err(error) = store.log_now(event.of_study(study)) {
            return store_cli::report(&error, out);
        }
    }
    let layouts = series(&args.paths, Some(&store), &studies, common);
    let export = Export {
        shown: as_kept(kept, &layouts),
        layouts,
        marks,
        key_images,
        segmentations,
        formats,
    };
    let making = making(args, common);
    let frames = common.frame_source(limits(common));
    let (progress, cancel) = (Progress::default(), CancelToken::default());
    let sent = make(&export, &making, &frames, &progress, &cancel);
    let paths = match write(&args.out, &sent.objects) {
        Ok(paths) => paths,
        Err(error) => {
            out.error(format!("{error}: {}", args.out.display()));
            return match error.kind() {
                std::io::ErrorKind::PermissionDenied => Exit::Denied,
                _ => Exit::Io,
            };
        }
    };
    for format in args.format.iter().filter_map(|f| f.table()) {
        match table::write(&args.out, format, &export.marks, &export.layouts, &frames) {
            Ok(path) => out.note(format!("{}", path.display())),
            Err(error) => {
                out.error(format!("{error}: {}", args.out.display()));
                return Exit::Io;
            }
        }
    }
    let forms: Vec<SetForm> = args.format.iter().filter_map(|f| f.set()).collect();
    let sets = match forms.is_empty() {
        true => json!({}),
        false => match sets::export(args, &forms, kept, &export.layouts, common, out) {
            Ok(sets) => sets,
            Err(exit) => return exit,
        },
    };
    let no_labels = sets["left"].as_array().map_or(0, Vec::len);
    if common.json {
        let files: Vec<Value> = sent
            .objects
            .iter()
            .zip(&paths)
            .map(|(object, path)| {
                json!({
                    "path": path.display().to_string(),
                    "format": object.kind,
                    "sop_instance_uid": object.instance_uid,
                    "study_instance_uid": object.study_uid,
                    "count": object.count,
                })
            })
            .collect();
        let left: Vec<Value> = sent
            .left
            .iter()
            .map(|l| json!({"id": l.id, "code": l.reason.code(), "sentence": l.reason.to_string()}))
            .collect();
        let mut said = json!({"files": files, "left": left, "hidden": hidden.len()});
        if !forms.is_empty()
            && let Some(map) = said.as_object_mut()
        {
            map.insert("label_sets".into(), sets);
        }
        out.json(&said);
    } else {
        for (object, path) in sent.objects.iter().zip(&paths) {
            out.line(format!("{} ({})", path.display(), object.count));
        }
        for set in sets["sets"].as_array().into_iter().flatten() {
            out.line(set["path"].as_str().unwrap_or_default());
        }
        for left in sets["left"].as_array().into_iter().flatten() {
            let text = |name: &str| left[name].as_str().unwrap_or_default().to_owned();
            out.note(format!("no label: {} {}", text("id"), text("sentence")));
        }
        for left in &sent.left {
            out.note(format!("left out: {} {}", left.id, left.reason));
        }
        if !hidden.is_empty() {
            out.note(format!("{} hidden marks stay", hidden.len()));
        }
    }
    if sent.left.is_empty() && no_labels == 0 {
        Exit::Done
    } else {
        Exit::Finding
    }
}

fn making(args: &ExportArgs, common: &Common) -> Making {
    let mut making = Making::now(&args.author);
    if let Some(seed) = &args.uid_seed {
        making.uid_seed.clone_from(seed);
    }
    // `2024-02-29T14:23:01Z`: its digits.
    if let Some(clock) = &common.clock {
        let digits: String = clock.chars().filter(char::is_ascii_digit).collect();
        if let (Some(date), Some(time)) = (digits.get(..8), digits.get(8..14)) {
            making.date = date.to_owned();
            making.time = time.to_owned();
        }
    }
    making
}

/// Reads the marks of all files below some paths that hold any.
fn read(paths: &[PathBuf], common: &Common, out: &mut Output) -> Result<Vec<MarksRead>, Exit> {
    let (instances, rejected) = instances(paths, common);
    for rejection in &rejected {
        let path = rejection.path.display();
        out.error(format!("[{}] {}: {path}", rejection.code, rejection.detail));
    }
    if instances.is_empty()
        && let Some(first) = rejected.first()
    {
        return Err(exit_of(first.outcome));
    }
    let frames = common.frame_source(limits(common));
    let mut all = Vec::new();
    let may_hold = |instance: &&Arc<Instance>| {
        matches!(
            kind_of(&instance.sop_class_uid),
            ObjectKind::Report | ObjectKind::KeyObjects | ObjectKind::PresentationState
        )
    };
    let wanted: Vec<&Arc<Instance>> = instances.iter().filter(may_hold).collect();
    if wanted.is_empty() {
        out.error("no report, presentation state or key object selection is among the files");
        return Err(Exit::Unsupported);
    }
    for instance in wanted {
        match frames.read_marks(instance) {
            Ok(read) => all.push(read),
            Err(error) => {
                let path = instance.source.path.display();
                out.error(format!("[{}] {error}: {path}", error.code()));
                return Err(Exit::Rejected);
            }
        }
    }
    Ok(all)
}

fn import(args: &ImportArgs, common: &Common, out: &mut Output) -> Exit {
    if let Some(form) = args.format {
        return sets::import(args, form, common, out);
    }
    let mut store = match args.dry_run {
        true => None,
        false => match store_cli::open(common, out) {
            Ok(store) => Some(store),
            Err(exit) => return exit,
        },
    };
    let mut files = match read(&args.files, common, out) {
        Ok(files) => files,
        Err(exit) => return exit,
    };
    let targets: Vec<AnnotationTarget> = files
        .iter()
        .flat_map(|f| f.marks.iter().map(|m| &m.target).chain(&f.key_images))
        .cloned()
        .collect();
    let studies: BTreeSet<String> = targets.iter().map(|t| t.study_uid.clone()).collect();
    let layouts = series(&args.images, store.as_ref(), &studies, common);
    let sources = sources_for(&targets, &layouts);
    let mut rows = Vec::new();
    let mut edits = Vec::new();
    // What is there, or comes in with a file before.
    let mut known = store.as_ref().map(|s| s.kept().clone()).unwrap_or_default();
    for file in &mut files {
        settle(file, &sources);
        leave_unkeepable(file);
        let mut added = Kept::default();
        let mut skipped = 0;
        for mark in &file.marks {
            let edit = Edit::Add(mark.clone());
            match known.apply(&edit) {
                Ok(()) => {
                    let _ = added.apply(&edit);
                    edits.push(edit);
                }
                Err(_) => skipped += 1,
            }
        }
        for target in &file.key_images {
            let edit = Edit::KeyImage {
                target: target.clone(),
                on: true,
            };
            match known.apply(&edit) {
                Ok(()) => {
                    let _ = added.apply(&edit);
                    edits.push(edit);
                }
                Err(_) => skipped += 1,
            }
        }
        rows.push((file, added, skipped));
    }
    if let Some(store) = &mut store
        && !edits.is_empty()
        && let Err(error) = store.commit(&edits)
    {
        out.error(error.to_string());
        return store_cli::exit_of(&error);
    }
    for (file, added, skipped) in &rows {
        report(file, added, *skipped, common, out);
    }
    Exit::Done
}

/// Says what came in with a file.
fn report(file: &MarksRead, added: &Kept, skipped: usize, common: &Common, out: &mut Output) {
    let marks: Vec<Value> = operations(added)
        .map(|mut value| {
            redact(&mut value, common);
            value
        })
        .collect();
    let rest: Vec<Value> = file
        .rest
        .iter()
        .map(|r| json!({"what": r.what, "name": rest_name(r, common), "count": r.count}))
        .collect();
    if common.json {
        out.json(&json!({
            "sop_instance_uid": file.instance_uid,
            "sop_class_uid": file.class_uid,
            "ours": file.ours,
            "maker": file.maker,
            "marks": added.marks.len(),
            "key_images": added.key_images.len(),
            "there_already": skipped,
            "operations": marks,
            "rest": rest,
        }));
        return;
    }
    out.line(format!(
        "{}: {} marks, {} key images, {skipped} there already",
        file.instance_uid,
        added.marks.len(),
        added.key_images.len()
    ));
    for mark in &marks {
        out.line(format!("  {mark}"));
    }
    for item in &file.rest {
        let name = rest_name(item, common);
        out.line(format!("  no mark: {} × {} {name}", item.count, item.what));
    }
}

fn rest_name<'a>(item: &'a RestItem, common: &Common) -> &'a str {
    let hidden = item.written && !item.name.is_empty() && !common.show_phi;
    if hidden { REDACTED } else { &item.name }
}

/// Takes what people wrote out of an operation.
fn redact(value: &mut Value, common: &Common) {
    if common.show_phi {
        return;
    }
    let Some(object) = value.as_object_mut() else {
        return;
    };
    for field in ["label", "group"] {
        if let Some(found) = object.get_mut(field)
            && found.as_str().is_some_and(|text| !text.is_empty())
        {
            *found = json!(REDACTED);
        }
    }
    // A person's name is; that of a model or of a maker of programs is not.
    let person = object.get_mut("author").and_then(|a| a.get_mut("person"));
    if let Some(name) = person.filter(|name| name.as_str() != Some("")) {
        *name = json!(REDACTED);
    }
}

fn diff(args: &DiffArgs, common: &Common, out: &mut Output) -> Exit {
    let side = |path: &Path, out: &mut Output| read(&[path.to_path_buf()], common, out);
    let (first, second) = match (side(&args.first, out), side(&args.second, out)) {
        (Ok(first), Ok(second)) => (first, second),
        (Err(exit), _) | (_, Err(exit)) => return exit,
    };
    let changes = compare::compare(&first, &second, args.tolerance);
    if common.json {
        let rows: Vec<Value> = changes.iter().map(|c| c.json(common)).collect();
        out.json(&json!({"changes": rows, "different": changes.len()}));
    } else {
        for change in &changes {
            out.line(change.line());
        }
        out.note(format!("{} differences", changes.len()));
    }
    if changes.is_empty() {
        Exit::Done
    } else {
        Exit::Finding
    }
}

//! `negatoscope anonymize`: copies of files in which nobody can be recognised (PS3.15 annex E).

use super::{Common, Exit, Output};
use crate::{
    dicom::{
        deid::{
            BurnedIn, BurnedText, DeidEvent, DeidOption, DeidOptions, Detail, Secret, Settings,
            Summary, anonymize,
        },
        guard::Limits,
    },
    imaging::glyphs::PixelBox,
    model::{
        access::{AuditKind, Right},
        study::{Rejection, RejectionKind},
    },
    store::AuditEvent,
    task::{CancelToken, Progress},
};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use std::{
    fs::File,
    io::{self, BufWriter, Write as _},
    path::{Path, PathBuf},
};

/// A profile of PS3.15 annex E.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Profile {
    /// Basic Application Level Confidentiality Profile.
    Basic,
}

/// What is done about text in the pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum BurnedAction {
    /// Look for it and say so.
    #[default]
    Report,
    /// Cover it, and what `--mask` names.
    Mask,
    /// Write no file that has some.
    Refuse,
}

/// Arguments of `anonymize`.
#[derive(Debug, Args)]
pub struct AnonymizeArgs {
    /// File or folder; nothing in it is changed
    #[arg(value_name = "IN")]
    pub input: PathBuf,
    /// File or folder to write; files that are there are never replaced
    #[arg(value_name = "OUT")]
    pub out: PathBuf,
    /// The profile
    #[arg(long, value_enum, default_value = "basic")]
    pub profile: Profile,
    /// Options of the profile, with commas between them: retain-uids, retain-device, retain-institution,
    /// retain-patient-characteristics, retain-full-dates, retain-modified-dates, retain-safe-private, clean-descriptors,
    /// clean-structured-content, clean-graphics, clean-pixels, clean-faces
    #[arg(long, value_name = "OPTIONS", value_delimiter = ',', value_parser = parse_option)]
    pub options: Vec<DeidOption>,
    /// File with the key from which pseudonyms, UIDs and shifts of dates follow; made when it is not there. Without one
    /// two runs cannot be linked
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Write what was changed, as JSON
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Put the values that were removed into the report: it then identifies
    #[arg(long, requires = "report")]
    pub report_values: bool,
    /// What is done about text in the pixels
    #[arg(long, value_enum, default_value_t)]
    pub burned_in: BurnedAction,
    /// A rectangle to cover in every frame: column, row, width, height, in pixels from 0; can be given several times
    #[arg(long, value_name = "X,Y,W,H", value_parser = parse_box)]
    pub mask: Vec<PixelBox>,
    /// Decide and report, and write no file
    #[arg(long)]
    pub dry_run: bool,
}

fn parse_option(word: &str) -> Result<DeidOption, String> {
    DeidOption::of_word(word.trim()).ok_or_else(|| {
        let known: Vec<&str> = DeidOption::ALL.iter().map(|o| o.word()).collect();
        format!("no such option; there are {}", known.join(", "))
    })
}

fn parse_box(text: &str) -> Result<PixelBox, String> {
    let numbers: Result<Vec<usize>, _> = text.split(',').map(|n| n.trim().parse()).collect();
    match numbers.as_deref() {
        Ok([x, y, width, height]) if *width > 0 && *height > 0 => Ok(PixelBox {
            x: *x,
            y: *y,
            width: *width,
            height: *height,
        }),
        _ => Err("four whole numbers: column, row, width, height".into()),
    }
}

/// Runs `anonymize`. Where a store is opened with a passphrase, its account must be allowed to, and its log says so.
pub fn run(args: &AnonymizeArgs, common: &Common, out: &mut Output) -> Exit {
    let settings = match settings(args, common) {
        Ok(settings) => settings,
        Err((exit, text)) => {
            out.error(text);
            return exit;
        }
    };
    if common.passphrase_fd.is_none() {
        return carry_out(args, settings, common, out);
    }
    let store = match super::store::open(common, out) {
        Ok(store) => store,
        Err(exit) => return exit,
    };
    if let Err(error) = store.demand(Right::Anonymize) {
        return super::store::report(&error, out);
    }
    let exit = carry_out(args, settings, common, out);
    let event = AuditEvent::new(AuditKind::Anonymized, format!("exit code {}", exit as u8));
    store.log(match exit {
        Exit::Done | Exit::Finding => event,
        _ => event.failed(),
    });
    exit
}

fn settings(args: &AnonymizeArgs, common: &Common) -> Result<Settings, (Exit, String)> {
    let mut options: DeidOptions = args.options.iter().copied().collect();
    let usage = |text: &str| (Exit::Usage, text.to_owned());
    if options.contradict() {
        let text = "retain-full-dates and retain-modified-dates exclude each other";
        return Err(usage(text));
    }
    if !args.mask.is_empty() && args.burned_in != BurnedAction::Mask {
        return Err(usage("--mask needs --burned-in mask"));
    }
    if options.has(DeidOption::CleanPixels) && args.burned_in == BurnedAction::Report {
        let text = "clean-pixels needs --burned-in mask or --burned-in refuse";
        return Err(usage(text));
    }
    if args.burned_in == BurnedAction::Mask {
        options = options.with(DeidOption::CleanPixels);
    }
    if within(&args.out, &args.input) {
        return Err(usage("OUT lies within IN"));
    }
    let secret = match &args.key {
        Some(path) => Secret::of_file(path),
        None => Secret::random(),
    };
    let secret = secret.map_err(|error| {
        let exit = match error.kind() {
            io::ErrorKind::InvalidData => Exit::Rejected,
            io::ErrorKind::PermissionDenied => Exit::Denied,
            _ => Exit::Io,
        };
        (exit, format!("the key: {error}"))
    })?;
    let mut settings = Settings::new(secret);
    settings.options = options;
    settings.limits = Limits::default();
    settings.workers.clone_from(&common.workers);
    settings.keys = common.keys.clone();
    settings.jobs = common.jobs.unwrap_or(settings.jobs);
    settings.detail = match (&args.report, args.report_values) {
        (None, _) => Detail::None,
        (Some(_), false) => Detail::Changes,
        (Some(_), true) => Detail::Values,
    };
    settings.burned = match args.burned_in {
        BurnedAction::Report => BurnedIn::Report,
        BurnedAction::Mask => BurnedIn::Mask(args.mask.clone()),
        BurnedAction::Refuse => BurnedIn::Refuse,
    };
    Ok(settings)
}

/// Whether a path that may not be there yet is, or lies within, a folder.
fn within(path: &Path, folder: &Path) -> bool {
    let Ok(folder) = folder.canonicalize() else {
        return false;
    };
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let there = absolute.ancestors().find_map(|p| {
        let real = p.canonicalize().ok()?;
        let rest = absolute.strip_prefix(p).ok()?;
        Some(real.join(rest))
    });
    there.is_some_and(|path| path.starts_with(&folder))
}

/// The report as it grows: one JSON value with one line a file.
struct Report {
    file: BufWriter<File>,
    first: bool,
    failed: Option<io::Error>,
}

impl Report {
    fn create(path: &Path) -> io::Result<Self> {
        let mut file = BufWriter::new(File::create(path)?);
        file.write_all(b"{\"files\":[\n")?;
        Ok(Self {
            file,
            first: true,
            failed: None,
        })
    }

    fn add(&mut self, value: &Value) {
        let comma = if self.first { "" } else { ",\n" };
        self.first = false;
        let written = write!(self.file, "{comma}{value}");
        if let Err(error) = written {
            self.failed.get_or_insert(error);
        }
    }

    fn finish(mut self, summary: &Value, about: &Value) -> io::Result<()> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        write!(
            self.file,
            "\n],\"deidentification\":{about},\"summary\":{summary}}}\n"
        )?;
        self.file.flush()
    }
}

fn carry_out(args: &AnonymizeArgs, settings: Settings, common: &Common, out: &mut Output) -> Exit {
    let about = json!({
        "profile": "basic",
        "options": settings.options.iter().map(DeidOption::word).collect::<Vec<_>>(),
        "key_kept": args.key.is_some(),
        "at": common.now(),
        "program": concat!("negatoscope ", env!("CARGO_PKG_VERSION")),
    });
    let report = args.report.as_deref().map(Report::create).transpose();
    let mut report = match report {
        Ok(report) => report,
        Err(error) => return disk_error("the report", &error, out),
    };
    let mut only = None;
    let outcome = anonymize(
        std::slice::from_ref(&args.input),
        &args.out,
        settings,
        !args.dry_run,
        &CancelToken::default(),
        &Progress::default(),
        &mut |event| {
            if let DeidEvent::Rejected(rejection) = &event {
                only = Some(rejection.outcome);
            }
            say(&event, common, out);
            if let Some(report) = &mut report {
                report.add(&file_json(&event, common));
            }
        },
    );
    let summary = match outcome {
        Ok(summary) => summary,
        Err(error) => return disk_error("the folder", &error, out),
    };
    let json = summary_json(&summary);
    if let Some(Err(error)) = report.map(|r| r.finish(&json, &about)) {
        return disk_error("the report", &error, out);
    }
    if common.json {
        out.json(&json!({"summary": json}));
    } else {
        say_summary(&summary, args.dry_run, out);
    }
    exit_of(&summary, only)
}

fn disk_error(what: &str, error: &io::Error, out: &mut Output) -> Exit {
    out.error(format!("{what} could not be written: {}", error.kind()));
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Exit::Denied,
        _ => Exit::Io,
    }
}

const fn exit_of(summary: &Summary, only: Option<RejectionKind>) -> Exit {
    match (summary.received, only) {
        (1, Some(RejectionKind::Rejected)) => Exit::Rejected,
        (1, Some(RejectionKind::Limit)) => Exit::Limit,
        (1, Some(RejectionKind::Unsupported)) => Exit::Unsupported,
        (1, Some(RejectionKind::Locked)) => Exit::Locked,
        (1, Some(RejectionKind::Io)) => Exit::Io,
        (0, _) => Exit::Rejected,
        _ if summary.rejected > 0 || summary.with_text > 0 => Exit::Finding,
        _ => Exit::Done,
    }
}

fn text_json(text: &BurnedText) -> Value {
    if text.risk.is_empty() && text.boxes.is_empty() {
        return Value::Null;
    }
    let boxes: Vec<Value> = text
        .boxes
        .iter()
        .map(|(frame, b)| json!({"frame": frame + 1, "x": b.x, "y": b.y, "width": b.width, "height": b.height}))
        .collect();
    json!({"risk": text.risk, "lines": boxes, "covered": text.covered, "unread": text.unread})
}

fn file_json(event: &DeidEvent, common: &Common) -> Value {
    match event {
        DeidEvent::Written {
            path,
            output,
            class,
            changes,
            text,
            again,
        } => json!({
            // Names of files often are names of people.
            "path": common.phi(&path.to_string_lossy()),
            "output": output.to_string_lossy(),
            "outcome": "ok",
            "sop_class_uid": class,
            "again": again,
            "burned_in": text_json(text),
            "changes": changes.iter().map(crate::dicom::deid::Change::json).collect::<Vec<_>>(),
        }),
        DeidEvent::Rejected(rejection) => rejection_json(rejection, common),
    }
}

fn rejection_json(rejection: &Rejection, common: &Common) -> Value {
    json!({
        "path": common.phi(&rejection.path.to_string_lossy()),
        "outcome": super::store::outcome_word(rejection.outcome),
        "code": rejection.code,
        "detail": rejection.detail,
    })
}

fn say(event: &DeidEvent, common: &Common, out: &mut Output) {
    match event {
        DeidEvent::Written { changes, .. } if common.json => {
            let count = changes.len();
            let mut json = file_json(event, common);
            if let Some(members) = json.as_object_mut() {
                members.remove("changes");
                members.insert("changed".into(), json!(count));
            }
            out.json(&json);
        }
        DeidEvent::Written { output, text, .. } if !text.risk.is_empty() && !text.covered => {
            out.note(format!(
                "look at its pixels ({}{}): {}",
                text.risk,
                match text.boxes.len() {
                    0 => String::new(),
                    lines => format!("; {lines} lines of text seen"),
                },
                output.display()
            ));
        }
        DeidEvent::Written { .. } => {}
        DeidEvent::Rejected(rejection) if common.json => {
            out.json(&rejection_json(rejection, common));
        }
        DeidEvent::Rejected(rejection) => out.note(format!(
            "{}: {}: {}",
            rejection.code,
            rejection.detail,
            rejection.path.display()
        )),
    }
}

fn summary_json(summary: &Summary) -> Value {
    json!({
        "received": summary.received,
        "written": summary.written,
        "again": summary.again,
        "rejected": summary.rejected,
        "with_text": summary.with_text,
        "to_review": summary.to_review,
        "dicomdir": summary.directory,
    })
}

fn say_summary(summary: &Summary, dry: bool, out: &mut Output) {
    let word = if dry { "would be written" } else { "written" };
    out.line(format!(
        "received {} = {word} {} + there already {} + rejected {}",
        summary.received, summary.written, summary.again, summary.rejected
    ));
    if summary.to_review > 0 {
        out.line(format!(
            "{} objects may hold text in their pixels ({} with text seen): look at them before they leave",
            summary.to_review, summary.with_text
        ));
    }
}

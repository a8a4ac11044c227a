//! `negatoscope store`, `import` and `list`, and what every command needs that opens the store.

mod keep;
pub(super) mod upkeep;

use super::{Common, Exit, Output, common::read_passphrase};
use crate::{
    dicom::{
        guard::Limits,
        scan::{ScanEvent, ScanOptions, scan},
    },
    model::{
        identity::PatientIdentity,
        study::{Instance, Rejection, RejectionKind},
    },
    store::{
        CopyState, IndexReport, KdfCost, Passphrase, Store, StoreError, SystemKeyring,
        VerifyReport, remember::is_remembered_anywhere,
    },
    task::{CancelToken, Progress},
};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// Folder of the store: `--store`, else the platform's data folder.
pub fn folder(common: &Common) -> Option<PathBuf> {
    common.store.clone().or_else(|| {
        directories::ProjectDirs::from("", "", "negatoscope").map(|d| d.data_dir().join("store"))
    })
}

/// Reads the passphrase from `--passphrase-fd`, up to its end or first line feed.
pub fn passphrase(common: &Common, out: &mut Output) -> Result<Passphrase, Exit> {
    let Some(number) = common.passphrase_fd else {
        out.error("the store is locked; give the passphrase through --passphrase-fd N");
        return Err(Exit::Locked);
    };
    read_passphrase(number).map_err(|(exit, text)| {
        out.error(text);
        exit
    })
}

/// The exit code of a store's error.
pub fn exit_of(error: &StoreError) -> Exit {
    match error {
        StoreError::WrongPassphrase
        | StoreError::TooManyTries { .. }
        | StoreError::NotRemembered
        | StoreError::NeedsPassphrase(_) => Exit::Locked,
        StoreError::Keyring(_) => Exit::Unsupported,
        StoreError::NotAllowed(_) => Exit::Denied,
        StoreError::Damaged { .. } => Exit::StoreDamaged,
        StoreError::NewerVersion { .. } => Exit::Unsupported,
        StoreError::Fhir(fhir) if fhir.is_limit() => Exit::Limit,
        StoreError::Exists(_)
        | StoreError::NotEmpty(_)
        | StoreError::Fhir(_)
        | StoreError::Conflict(_)
        | StoreError::InvalidEdit(_)
        | StoreError::InvalidAccount(_)
        | StoreError::PatientConflict
        | StoreError::UnknownStudy
        | StoreError::SharedStudy
        | StoreError::UnknownPatient => Exit::Rejected,
        _ if error.is_denied() => Exit::Denied,
        _ => Exit::Io,
    }
}

/// Prints an error of the store and gives its exit code.
pub fn report(error: &StoreError, out: &mut Output) -> Exit {
    out.error(error.to_string());
    exit_of(error)
}

/// Opens the store of this command line, or says why not: with the passphrase, or without one with the key that this
/// computer remembers.
pub fn open(common: &Common, out: &mut Output) -> Result<Store, Exit> {
    let dir = existing_folder(common, out)?;
    let user = common.user.as_deref();
    let mut store = if common.passphrase_fd.is_none() && is_remembered_anywhere(&dir) {
        open_remembered(&dir, common, out)?
    } else {
        let passphrase = passphrase(common, out)?;
        Store::open_as(&dir, user, &passphrase).map_err(|error| report(&error, out))?
    };
    if let Some(reason) = &common.break_glass {
        store
            .break_glass(reason)
            .map_err(|error| report(&error, out))?;
        out.note("glass broken: the log says so, and why");
    }
    match store.vault() {
        // What it keeps is read as files are.
        Ok(vault) => vault.into_iter().for_each(|key| common.keys.add_vault(key)),
        Err(error) => out.note(format!("kept files cannot be read: {error}")),
    }
    if let Some(problem) = store.journal_damage() {
        out.note(format!(
            "the journal of edits is damaged: {problem}; what precedes can be read, nothing can be added"
        ));
    }
    Ok(store)
}

fn open_remembered(dir: &Path, common: &Common, out: &mut Output) -> Result<Store, Exit> {
    let opened = Store::open_remembered(dir, common.user.as_deref(), &SystemKeyring);
    opened.map_err(|error| match error {
        StoreError::NotRemembered | StoreError::Keyring(_) => {
            out.error(format!(
                "{error}; give the passphrase through --passphrase-fd N"
            ));
            Exit::Locked
        }
        other => report(&other, out),
    })
}

pub(super) fn existing_folder(common: &Common, out: &mut Output) -> Result<PathBuf, Exit> {
    let dir = named_folder(common, out)?;
    // A missing store is said before a passphrase is asked for.
    match Store::key_status(&dir) {
        Err(error @ StoreError::Missing(_)) => Err(report(&error, out)),
        _ => Ok(dir),
    }
}

pub(super) fn named_folder(common: &Common, out: &mut Output) -> Result<PathBuf, Exit> {
    folder(common).ok_or_else(|| {
        out.error("this account has no data folder; name one with --store DIR");
        Exit::Usage
    })
}

/// Arguments of `store`.
#[derive(Debug, Args)]
pub struct StoreArgs {
    /// What to do with it.
    #[command(subcommand)]
    pub action: StoreAction,
}

/// What `store` does.
#[derive(Debug, Subcommand)]
pub enum StoreAction {
    /// Make a store under the passphrase
    Init(InitArgs),
    /// Say what is there; without a passphrase what can be said without it
    Status,
    /// Read every page and record and hold it against what protects it
    Verify,
    /// Keep copies of files in the store, encrypted; the files themselves stay as they are
    Keep(keep::KeepArgs),
    /// What is kept, and the paths under which other commands open it
    Blobs(keep::BlobsArgs),
    /// Write the files of a study out, byte for byte what they were
    ExportImages(keep::ExportImagesArgs),
    /// Copy the store into a new folder, or among its own copies
    Backup(upkeep::BackupArgs),
    /// Put a copy in the place of the store; what stood there becomes a copy itself
    Restore(upkeep::RestoreArgs),
    /// Repair a damaged store: keep what can be read, take the rest from the last copy
    Recover,
    /// Give the store a new key and a new passphrase
    Rekey(upkeep::RekeyArgs),
    /// Let this computer remember the key, in the keyring of the operating system; the passphrase stays
    Remember,
    /// Take back what this computer remembers
    Forget(ForgetArgs),
}

/// Arguments of `store init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// Memory that trying one passphrase takes, KiB
    #[arg(long, value_name = "KIB", default_value_t = KdfCost::default().memory_kib, value_parser = clap::value_parser!(u32).range(8..=2_097_152))]
    pub kdf_memory_kib: u32,
    /// Passes over that memory
    #[arg(long, value_name = "N", default_value_t = KdfCost::default().passes, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub kdf_passes: u32,
}

/// Arguments of `store forget`.
#[derive(Debug, Args)]
pub struct ForgetArgs {
    /// What all computers remember for the account, not this one alone
    #[arg(long)]
    pub everywhere: bool,
}

/// Runs `store`.
pub fn run(args: &StoreArgs, common: &Common, out: &mut Output) -> Exit {
    let outcome = match &args.action {
        StoreAction::Init(init) => init_store(init, common, out),
        StoreAction::Status => status(common, out),
        StoreAction::Verify => verify(common, out),
        StoreAction::Keep(args) => keep::keep(args, common, out),
        StoreAction::Blobs(args) => keep::blobs(args, common, out),
        StoreAction::ExportImages(args) => keep::export_images(args, common, out),
        StoreAction::Backup(args) => upkeep::backup(args, common, out),
        StoreAction::Restore(args) => upkeep::restore(args, common, out),
        StoreAction::Recover => upkeep::recover(common, out),
        StoreAction::Rekey(args) => upkeep::rekey(args, common, out),
        StoreAction::Remember => remember(common, out),
        StoreAction::Forget(args) => forget(args, common, out),
    };
    outcome.unwrap_or_else(|exit| exit)
}

fn init_store(args: &InitArgs, common: &Common, out: &mut Output) -> Result<Exit, Exit> {
    let dir = named_folder(common, out)?;
    let passphrase = passphrase(common, out)?;
    if passphrase.is_empty() {
        out.error("the passphrase is empty");
        return Err(Exit::Usage);
    }
    let cost = KdfCost {
        memory_kib: args.kdf_memory_kib,
        passes: args.kdf_passes,
        lanes: 1,
    };
    Store::create(&dir, &passphrase, cost).map_err(|error| report(&error, out))?;
    if common.json {
        out.json(&json!({"state": "made", "kdf": kdf_json(cost)}));
    } else {
        out.line("The store is made. Without its passphrase nobody can open it, you included.");
    }
    Ok(Exit::Done)
}

fn remember(common: &Common, out: &mut Output) -> Result<Exit, Exit> {
    let mut store = open(common, out)?;
    let done = store.remember(&SystemKeyring);
    done.map_err(|error| report(&error, out))?;
    if common.json {
        out.json(&json!({"remembered": true}));
    } else {
        out.line("This computer remembers the key. The passphrase still opens the store.");
    }
    Ok(Exit::Done)
}

fn forget(args: &ForgetArgs, common: &Common, out: &mut Output) -> Result<Exit, Exit> {
    let mut store = open(common, out)?;
    let user = store.user().to_owned();
    let taken = match args.everywhere {
        true => store.forget_everywhere(&user),
        false => store.forget(&SystemKeyring),
    };
    let taken = taken.map_err(|error| report(&error, out))?;
    if common.json {
        out.json(&json!({"forgotten": taken}));
    } else {
        out.line(format!("keys taken back: {taken}"));
    }
    Ok(Exit::Done)
}

pub(super) fn kdf_json(cost: KdfCost) -> Value {
    json!({
        "name": "argon2id",
        "memory_kib": cost.memory_kib,
        "passes": cost.passes,
        "lanes": cost.lanes,
    })
}

fn status(common: &Common, out: &mut Output) -> Result<Exit, Exit> {
    let dir = existing_folder(common, out)?;
    let key = Store::key_status(&dir).map_err(|error| report(&error, out))?;
    let copies = key.copies.map(|copy| match copy {
        CopyState::Sound => "sound",
        CopyState::Absent => "missing",
        CopyState::Damaged => "damaged",
    });
    let mut value = json!({
        "state": "locked",
        "kdf": kdf_json(key.cost),
        "key_copies": copies,
    });
    let remembered = is_remembered_anywhere(&dir);
    value["remembered"] = json!(remembered);
    if common.passphrase_fd.is_some() || remembered {
        let store = match open(common, out) {
            Ok(store) => store,
            // What can be said without the key is said.
            Err(_) if common.passphrase_fd.is_none() => {
                return Ok(print_status(&value, common, out));
            }
            Err(exit) => return Err(exit),
        };
        let on = store.remembered_for(store.user());
        value["remembered_on"] = json!(on.map_err(|error| report(&error, out))?);
        value["opened_by"] = json!(match store.opened_remembered() {
            true => "keyring",
            false => "passphrase",
        });
        let sizes = store.sizes().map_err(|error| report(&error, out))?;
        value["state"] = json!("open");
        value["patients"] = json!(sizes.patients);
        value["resources"] = json!(sizes.resources);
        value["studies"] = json!(sizes.studies);
        value["files"] = json!(sizes.instances);
        let (kept, bytes) = store.kept_size().map_err(|error| report(&error, out))?;
        value["kept_files"] = json!(kept);
        value["kept_bytes"] = json!(bytes);
        value["marks"] = json!(store.marks().len());
        value["commits"] = json!(store.commits());
        value["last_saved"] = json!(store.last_saved_ms().and_then(iso));
        value["journal"] = json!(store.journal_damage().unwrap_or("sound"));
    }
    Ok(print_status(&value, common, out))
}

fn print_status(value: &Value, common: &Common, out: &mut Output) -> Exit {
    if common.json {
        out.json(value);
    } else if let Some(members) = value.as_object() {
        for (name, member) in members {
            let text = member
                .as_str()
                .map_or_else(|| member.to_string(), str::to_owned);
            out.line(format!("{name:12} {text}"));
        }
    }
    match value["journal"].as_str() {
        Some("sound") | None => Exit::Done,
        Some(_) => Exit::StoreDamaged,
    }
}

pub(super) fn iso(milliseconds: i64) -> Option<String> {
    let time = jiff::Timestamp::from_millisecond(milliseconds).ok()?;
    Some(time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

fn verify(common: &Common, out: &mut Output) -> Result<Exit, Exit> {
    let dir = existing_folder(common, out)?;
    let passphrase = passphrase(common, out)?;
    let report = match Store::verify_folder(&dir, &passphrase) {
        Ok(report) => report,
        Err(error) => return Err(self::report(&error, out)),
    };
    print_verify(&report, common, out);
    if !report.is_sound() {
        // Nothing is written to what is damaged.
        return Ok(Exit::StoreDamaged);
    }
    if let Ok(store) = Store::open(&dir, &passphrase) {
        store.log_verified();
    }
    Ok(Exit::Done)
}

fn print_verify(report: &VerifyReport, common: &Common, out: &mut Output) {
    if common.json {
        let checks: Vec<Value> = report
            .checks
            .iter()
            .map(|c| json!({"part": c.part, "sound": c.sound, "detail": c.detail}))
            .collect();
        out.json(&json!({
            "sound": report.is_sound(),
            "checks": checks,
            "commits": report.commits,
            "marks": report.marks,
        }));
        return;
    }
    for check in &report.checks {
        let word = if check.sound { "ok     " } else { "DAMAGED" };
        out.line(format!("{word} {}: {}", check.part, check.detail));
    }
}

/// Arguments of `import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// Files and folders
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
}

/// How many instances are written at once.
const BATCH: usize = 500;

#[derive(Default)]
struct Tally {
    index: IndexReport,
    rejections: Vec<Rejection>,
}

/// What becomes of the objects that were found.
type Take<'a> = dyn FnMut(&mut Store, &[Arc<Instance>], &mut Tally) -> Result<(), StoreError> + 'a;

/// Has the index say where they lie.
fn index(store: &mut Store, batch: &[Arc<Instance>], tally: &mut Tally) -> Result<(), StoreError> {
    let report = store.index_instances(batch)?;
    tally.index.new += report.new;
    tally.index.again += report.again;
    Ok(())
}

/// Runs `import`.
pub fn import(args: &ImportArgs, common: &Common, out: &mut Output) -> Exit {
    let mut store = match open(common, out) {
        Ok(store) => store,
        Err(exit) => return exit,
    };
    let options = common.scan_options(Limits::default());
    let tally = match import_into(&mut store, &args.paths, &options, &mut index) {
        Ok(tally) => tally,
        Err(ImportError::Scan(reason)) => {
            out.error(reason);
            return Exit::Unsupported;
        }
        Err(ImportError::Store(error)) => return report(&error, out),
    };
    let stored = tally.index.new + tally.index.again;
    let rejected = tally.rejections.len();
    print_rejections(&tally.rejections, common, out);
    if common.json {
        out.json(&json!({"summary": {
            "received": stored + rejected,
            "stored": stored,
            "rejected": rejected,
            "new": tally.index.new,
            "again": tally.index.again,
        }}));
    } else {
        out.line(format!(
            "received {} = stored {stored} + rejected {rejected}",
            stored + rejected
        ));
    }
    exit_of_files(&tally.rejections, stored)
}

fn print_rejections(rejections: &[Rejection], common: &Common, out: &mut Output) {
    for rejection in rejections {
        if common.json {
            out.json(&json!({
                "path": rejection.path.to_string_lossy(),
                "outcome": outcome_word(rejection.outcome),
                "code": rejection.code,
                "detail": rejection.detail,
            }));
        } else {
            out.note(format!(
                "{}: {}: {}",
                rejection.code,
                rejection.detail,
                rejection.path.display()
            ));
        }
    }
}

/// How a command ends that took files, of which some were rejected.
fn exit_of_files(rejections: &[Rejection], taken: usize) -> Exit {
    match (rejections, taken) {
        ([], _) => Exit::Done,
        ([one], 0) => match one.outcome {
            RejectionKind::Rejected => Exit::Rejected,
            RejectionKind::Limit => Exit::Limit,
            RejectionKind::Unsupported => Exit::Unsupported,
            RejectionKind::Locked => Exit::Locked,
            RejectionKind::Io => Exit::Io,
        },
        _ => Exit::Finding,
    }
}

pub(super) const fn outcome_word(kind: RejectionKind) -> &'static str {
    match kind {
        RejectionKind::Rejected => "rejected",
        RejectionKind::Limit => "limit",
        RejectionKind::Unsupported => "unsupported",
        RejectionKind::Locked => "locked",
        RejectionKind::Io => "io",
    }
}

enum ImportError {
    Scan(String),
    Store(StoreError),
}

/// Scans on other threads and writes on this one; the queue between them is bounded.
fn import_into(
    store: &mut Store,
    paths: &[PathBuf],
    options: &ScanOptions,
    take: &mut Take<'_>,
) -> Result<Tally, ImportError> {
    let (sender, receiver) = crossbeam_channel::bounded(BATCH);
    std::thread::scope(|scope| {
        // Dropped when writing fails, so that a full queue does not hold the scan for ever.
        let receiver = receiver;
        let scan = scope.spawn(move || {
            let (cancel, progress) = (CancelToken::default(), Progress::default());
            scan(paths, options, &cancel, &progress, &|found| {
                // Nobody listens any more once writing failed; the scan then runs out.
                if sender.send(found).is_err() {
                    cancel.cancel();
                }
            });
        });
        let mut tally = Tally::default();
        let mut batch = Vec::with_capacity(BATCH);
        let mut write = |batch: &mut Vec<Arc<Instance>>, tally: &mut Tally| {
            take(store, batch, tally)?;
            batch.clear();
            Ok(())
        };
        for found in &receiver {
            match found {
                ScanEvent::Instance(instance) => batch.push(instance),
                ScanEvent::Rejected(found) if found.is_directory() => {}
                ScanEvent::Rejected(rejection) => tally.rejections.push(rejection),
            }
            if batch.len() >= BATCH {
                write(&mut batch, &mut tally).map_err(ImportError::Store)?;
            }
        }
        write(&mut batch, &mut tally).map_err(ImportError::Store)?;
        tally.rejections.sort_by(|a, b| a.path.cmp(&b.path));
        match scan.join() {
            Ok(()) => Ok(tally),
            Err(_) => Err(ImportError::Scan("the scan ended unexpectedly".into())),
        }
    })
}

/// Who, as JSON; redacted unless identity was asked for.
pub fn identity_json(who: &PatientIdentity, common: &Common) -> Value {
    let birth = who.birth_date.reveal().map(|d| d.to_string());
    json!({
        "name": common.phi(&who.name.reveal().display()),
        "id": common.phi(who.id.reveal()),
        "birth_date": common.phi(&birth.unwrap_or_default()),
        "sex": common.phi(who.sex.reveal().code()),
        "synthetic": who.synthetic,
    })
}

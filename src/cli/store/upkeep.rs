//! `store backup`, `restore`, `recover`, `rekey`, and `erase-patient`.

use super::{
    Common, Exit, ImportError, Output, existing_folder, import_into, index, named_folder, open,
    passphrase, read_passphrase, report,
};
use crate::{
    dicom::guard::Limits,
    store::{KdfCost, Passphrase, Store},
};
use clap::Args;
use serde_json::json;
use std::path::PathBuf;

/// Arguments of `store backup`.
#[derive(Debug, Args)]
pub struct BackupArgs {
    /// A folder that is not there yet (default: among the store's own copies, of which the newest are kept)
    #[arg(long, value_name = "DIR")]
    pub to: Option<PathBuf>,
}

/// Arguments of `store restore`.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// The copy (default: the newest of the store's own)
    #[arg(long, value_name = "DIR")]
    pub from: Option<PathBuf>,
}

/// Where the new passphrase comes from.
#[derive(Debug, Args)]
pub struct RekeyArgs {
    /// File descriptor to read the new passphrase from
    #[arg(long, value_name = "N")]
    pub new_passphrase_fd: i32,
}

/// Arguments of `erase-patient`.
#[derive(Debug, Args)]
pub struct EraseArgs {
    /// Patient ID, or id of the record
    pub id: String,
}

/// Reads a new passphrase, which must not be empty.
pub(in crate::cli) fn new_passphrase(number: i32, out: &mut Output) -> Result<Passphrase, Exit> {
    let read = read_passphrase(number).map_err(|(exit, text)| {
        out.error(text);
        exit
    })?;
    if read.is_empty() {
        out.error("the new passphrase is empty");
        return Err(Exit::Usage);
    }
    Ok(read)
}

pub(super) fn backup(args: &BackupArgs, common: &Common, out: &mut Output) -> Result<Exit, Exit> {
    let store = open(common, out)?;
    let done = store.backup(args.to.as_deref());
    let (folder, bytes) = done.map_err(|error| report(&error, out))?;
    if common.json {
        out.json(&json!({"folder": folder.to_string_lossy(), "bytes": bytes}));
    } else {
        out.line(format!("{bytes} bytes copied to {}", folder.display()));
    }
    Ok(Exit::Done)
}

pub(super) fn restore(args: &RestoreArgs, common: &Common, out: &mut Output) -> Result<Exit, Exit> {
    let dir = named_folder(common, out)?;
    let newest = || crate::store::copies::backups(&dir).pop();
    let Some(from) = args.from.clone().or_else(newest) else {
        out.error("the store has no copy; name one with --from DIR");
        return Err(Exit::Rejected);
    };
    let passphrase = passphrase(common, out)?;
    Store::restore(&dir, &from, &passphrase).map_err(|error| report(&error, out))?;
    if common.json {
        out.json(&json!({"restored": from.to_string_lossy()}));
    } else {
        out.line(format!("restored from {}", from.display()));
    }
    Ok(Exit::Done)
}

pub(super) fn recover(common: &Common, out: &mut Output) -> Result<Exit, Exit> {
    let dir = existing_folder(common, out)?;
    let passphrase = passphrase(common, out)?;
    let done = Store::repair(&dir, &passphrase).map_err(|error| report(&error, out))?;
    let mut again = 0;
    if !done.loose.is_empty() {
        // Their headers say of what study and series they are.
        let mut store = Store::open(&dir, &passphrase).map_err(|error| report(&error, out))?;
        let paths: Vec<PathBuf> = done
            .loose
            .iter()
            .map(|path| path.reveal().clone())
            .collect();
        let options = common.scan_options(Limits::default());
        again = match import_into(&mut store, &paths, &options, &mut index) {
            Ok(tally) => tally.index.new + tally.index.again,
            Err(ImportError::Scan(_)) => 0,
            Err(ImportError::Store(error)) => return Err(report(&error, out)),
        };
    }
    if common.json {
        out.json(&json!({
            "keys": done.keys,
            "commits": done.commits,
            "journal": done.journal,
            "commits_missing": done.missing,
            "edits_not_made": done.unmade,
            "database": done.database,
            "rows": done.rows.0,
            "rows_from_copy": done.rows.1,
            "lost": done.lost,
            "kept_taken": done.kept_taken,
            "kept_mended": done.kept_mended,
            "kept_lost": done.kept_lost,
            "files_read_again": again,
            "files_not_read_again": done.loose.len().saturating_sub(again),
        }));
    } else {
        if done.keys {
            out.line("key file: written anew from its other copy");
        }
        match done.journal.as_str() {
            "" => out.line(format!("journal: sound, {} commits", done.commits)),
            text => out.line(format!(
                "journal: {text}; {} commits kept, {} could not be read, {} edits could not be made without them",
                done.commits, done.missing, done.unmade
            )),
        }
        match done.database {
            false => out.line("database: sound"),
            true => out.line(format!(
                "database: made anew from {} rows, {} of them from the last copy",
                done.rows.0, done.rows.1
            )),
        }
        if !done.loose.is_empty() {
            out.line(format!(
                "files of lost studies: {again} of {} read again",
                done.loose.len()
            ));
        }
        let (taken, mended, lost) = (done.kept_taken, done.kept_mended, done.kept_lost);
        if taken + mended + lost > 0 {
            out.line(format!(
                "kept files: {taken} taken into the index again, {mended} had again, {lost} lost"
            ));
        }
        for table in &done.lost {
            out.line(format!("not every row could be read: {table}"));
        }
    }
    Ok(
        match done.lost.is_empty() && done.missing + done.unmade == 0 && done.kept_lost == 0 {
            true => Exit::Done,
            false => Exit::Finding,
        },
    )
}

pub(super) fn rekey(args: &RekeyArgs, common: &Common, out: &mut Output) -> Result<Exit, Exit> {
    let store = open(common, out)?;
    let new = new_passphrase(args.new_passphrase_fd, out)?;
    let cost = Store::key_status(store.dir()).map_or(KdfCost::default(), |status| status.cost);
    store
        .rekey(&new, cost)
        .map_err(|error| report(&error, out))?;
    if common.json {
        out.json(&json!({"state": "rekeyed"}));
    } else {
        out.line(
            "The store has a new key. Copies with the old one are gone, and other accounts need new passphrases.",
        );
    }
    Ok(Exit::Done)
}

/// Runs `erase-patient`.
pub fn erase(args: &EraseArgs, common: &Common, out: &mut Output) -> Exit {
    let mut store = match open(common, out) {
        Ok(store) => store,
        Err(exit) => return exit,
    };
    match store.erase_patient(&args.id) {
        Ok(done) if common.json => out.json(&json!({
            "resources": done.resources,
            "studies": done.studies,
            "marks": done.marks,
            "copies": done.backups,
            "files_kept": done.kept,
            "files_left": done.files,
        })),
        Ok(done) => {
            out.line(format!(
                "taken out: {} resources, {} studies, {} marks, {} kept files; copies of the store: {}",
                done.resources, done.studies, done.marks, done.kept, done.backups
            ));
            if done.files > 0 {
                out.note(format!(
                    "{} image files are not part of the store and stay where they are",
                    done.files
                ));
            }
        }
        Err(error) => return report(&error, out),
    }
    Exit::Done
}

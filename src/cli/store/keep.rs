//! `store keep`, `store blobs` and `store export-images`: files that are kept in the store, encrypted.

use super::{
    Common, Exit, ImportError, Output, Tally, exit_of_files, import_into, open, print_rejections,
    report,
};
use crate::{
    dicom::guard::Limits,
    model::study::Instance,
    store::{Keeping, NotKept, SealedObject, Store, StoreError},
};
use clap::Args;
use rayon::prelude::*;
use serde_json::json;
use std::{path::PathBuf, sync::Arc};

/// Arguments of `store keep`.
#[derive(Debug, Args)]
pub struct KeepArgs {
    /// Files and folders
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
}

/// Arguments of `store blobs`.
#[derive(Debug, Args)]
pub struct BlobsArgs {
    /// Study Instance UID (default: everything that is kept)
    #[arg(value_name = "STUDY")]
    pub study: Option<String>,
    /// Paths alone, one a line, for other commands
    #[arg(long)]
    pub paths: bool,
}

/// Arguments of `store export-images`.
#[derive(Debug, Args)]
pub struct ExportImagesArgs {
    /// Study Instance UID
    #[arg(value_name = "STUDY")]
    pub study: String,
    /// Folder of what is written; it must not exist, or be empty
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
}

/// How many files are sealed before the index is told of them.
const SEALED: usize = 64;

/// What keeping did.
#[derive(Default)]
struct Kept {
    new: usize,
    again: usize,
}

/// Seals a batch on all cores, and puts it into the index.
fn seal(
    store: &mut Store,
    keeping: &Keeping,
    batch: &[Arc<Instance>],
    common: &Common,
    (tally, kept): (&mut Tally, &mut Kept),
) -> Result<(), StoreError> {
    let limits = Limits::default();
    for part in batch.chunks(SEALED) {
        let sealed: Vec<Result<Option<SealedObject>, NotKept>> = part
            .par_iter()
            .map(|instance| keeping.seal(instance, &limits, &common.keys))
            .collect();
        let mut settled = Vec::with_capacity(sealed.len());
        let mut failed = None;
        for outcome in sealed {
            match outcome {
                Ok(Some(object)) => {
                    kept.new += usize::from(object.new);
                    kept.again += usize::from(!object.new);
                    settled.push(object);
                }
                Ok(None) => kept.again += 1,
                Err(NotKept::Rejected(rejection)) => tally.rejections.push(rejection),
                Err(NotKept::Store(error)) => failed = Some(error),
            }
        }
        // What could be sealed is kept, also where the disk is full now.
        store.settle_kept(&settled)?;
        if let Some(error) = failed {
            return Err(error);
        }
    }
    Ok(())
}

pub(super) fn keep(args: &KeepArgs, common: &Common, out: &mut Output) -> Result<Exit, Exit> {
    let mut store = open(common, out)?;
    let keeping = store.keeping().map_err(|error| report(&error, out))?;
    common.keys.add_vault(keeping.key().clone());
    let options = common.scan_options(Limits::default());
    let mut kept = Kept::default();
    let taken = import_into(
        &mut store,
        &args.paths,
        &options,
        &mut |store, batch, tally| seal(store, &keeping, batch, common, (tally, &mut kept)),
    );
    let tally = match taken {
        Ok(tally) => tally,
        Err(ImportError::Scan(reason)) => {
            out.error(reason);
            return Err(Exit::Unsupported);
        }
        Err(ImportError::Store(error)) => return Err(report(&error, out)),
    };
    print_rejections(&tally.rejections, common, out);
    let (stored, rejected) = (kept.new + kept.again, tally.rejections.len());
    if common.json {
        out.json(&json!({"summary": {
            "received": stored + rejected,
            "kept": stored,
            "rejected": rejected,
            "new": kept.new,
            "again": kept.again,
        }}));
    } else {
        out.line(format!(
            "received {} = kept {stored} ({} of them new) + rejected {rejected}",
            stored + rejected,
            kept.new
        ));
    }
    Ok(exit_of_files(&tally.rejections, stored))
}

pub(super) fn blobs(args: &BlobsArgs, common: &Common, out: &mut Output) -> Result<Exit, Exit> {
    let store = open(common, out)?;
    let kept = store
        .kept_files(args.study.as_deref())
        .map_err(|error| report(&error, out))?;
    for file in &kept {
        // The name that is shown for it may be that of a patient, as names of files may.
        let place = file.place.to_string_lossy();
        if args.paths {
            out.line(place);
        } else if common.json {
            out.json(&json!({
                "blob": file.blob,
                "path": place,
                "original": common.phi(&file.original.reveal().to_string_lossy()),
                "study_instance_uid": file.study_uid,
                "series_instance_uid": file.series_uid,
                "sop_instance_uid": file.instance_uid,
                "bytes": file.bytes,
            }));
        } else {
            out.line(format!("{:12} {}  {place}", file.bytes, file.instance_uid));
        }
    }
    if !args.paths {
        let (blobs, bytes) = store.kept_size().map_err(|error| report(&error, out))?;
        out.note(format!(
            "{} files; the store keeps {blobs} blobs of {bytes} bytes in all",
            kept.len()
        ));
    }
    Ok(Exit::Done)
}

pub(super) fn export_images(
    args: &ExportImagesArgs,
    common: &Common,
    out: &mut Output,
) -> Result<Exit, Exit> {
    let store = open(common, out)?;
    let written = store
        .export_images(&args.study, &args.dir)
        .map_err(|error| report(&error, out))?;
    if common.json {
        out.json(&json!({
            "files": written.files,
            "bytes": written.bytes,
            "files_missing": written.missing,
        }));
    } else {
        out.line(format!(
            "{} files of {} bytes; what was written identifies the patient",
            written.files, written.bytes
        ));
        if written.missing > 0 {
            out.note(format!("{} files could not be read", written.missing));
        }
    }
    Ok(match written.missing {
        0 => Exit::Done,
        _ => Exit::Finding,
    })
}

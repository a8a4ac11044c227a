//! `negatoscope export`: what the store has of a patient, for another program: the record as it came, as a FHIR bundle, and
//! copies of the image files. What leaves identifies the patient; `anonymize` makes copies that do not.

use super::{Common, Exit, Output, store as store_cli};
use crate::{
    model::access::{AuditKind, Right},
    store::{AuditEvent, Store, StoreError},
};
use clap::Args;
use serde_json::json;
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

/// Arguments of `export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// FHIR id of the Patient, or any identifier (Patient ID)
    #[arg(value_name = "PATIENT")]
    pub patient: String,
    /// Folder of what is written; it must not exist, or be empty
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// The record alone, no image files
    #[arg(long)]
    pub record_only: bool,
}

/// Name of the bundle.
const BUNDLE: &str = "record.json";

/// What was written.
#[derive(Default)]
struct Written {
    counts: BTreeMap<String, usize>,
    files: usize,
    bytes: u64,
    /// Files of the index that could not be read.
    missing: usize,
    /// Studies whose UID belongs to somebody else too.
    shared: usize,
}

/// Runs `export`.
pub fn run(args: &ExportArgs, common: &Common, out: &mut Output) -> Exit {
    let occupied = fs::read_dir(&args.dir).is_ok_and(|mut entries| entries.next().is_some());
    if occupied || args.dir.is_file() {
        out.error(format!("the folder is not empty: {}", args.dir.display()));
        return Exit::Usage;
    }
    let store = match store_cli::open(common, out) {
        Ok(store) => store,
        Err(exit) => return exit,
    };
    match write(&store, args) {
        Ok(written) => {
            tell(&written, common, out);
            match written.missing + written.shared {
                0 => Exit::Done,
                _ => Exit::Finding,
            }
        }
        Err(error) => store_cli::report(&error, out),
    }
}

fn tell(written: &Written, common: &Common, out: &mut Output) {
    if common.json {
        return out.json(&json!({
            "counts": written.counts,
            "files": written.files,
            "bytes": written.bytes,
            "files_missing": written.missing,
            "studies_of_others_too": written.shared,
        }));
    }
    out.line(format!(
        "{} resources, {} files of {} bytes; what was written identifies the patient",
        written.counts.values().sum::<usize>(),
        written.files,
        written.bytes
    ));
    if written.missing > 0 {
        out.note(format!("{} files could not be read", written.missing));
    }
    if written.shared > 0 {
        out.note(format!(
            "{} studies left out: their UID belongs to somebody else too",
            written.shared
        ));
    }
}

fn write(store: &Store, args: &ExportArgs) -> Result<Written, StoreError> {
    store.demand(Right::ExportRecords)?;
    if !args.record_only {
        store.demand(Right::ExportImages)?;
    }
    let id = args.patient.trim();
    let record = store.patient_by_any_id(id)?;
    let studies = match args.record_only {
        true => Vec::new(),
        false => store.studies_with_id(id)?,
    };
    if record.is_none() && studies.is_empty() {
        return Err(StoreError::UnknownPatient);
    }
    // Before anything leaves.
    store
        .log_now(AuditEvent::new(AuditKind::Exported, "everything of a patient").of_patient(id))?;
    fs::create_dir_all(&args.dir).map_err(StoreError::io("making the folder"))?;
    let mut written = Written::default();
    if let Some(record) = &record {
        written.counts = write_bundle(store, record, &args.dir.join(BUNDLE))?;
    }
    let mut files = Vec::new();
    for study in studies {
        if store.owners_of_study(&study.uid)? > 1 {
            written.shared += 1;
            continue;
        }
        files.extend(store.study_files(&study.uid)?);
    }
    if !files.is_empty() {
        let folder = args.dir.join("images");
        fs::create_dir_all(&folder).map_err(StoreError::io("making the folder"))?;
        for (number, path) in files.iter().enumerate() {
            // Nothing of what a file or the place where it lies is called becomes a name.
            let to = folder.join(format!("{:06}.dcm", number + 1));
            match store.write_out(path, &to) {
                Ok(bytes) => {
                    written.files += 1;
                    written.bytes += bytes;
                }
                Err(error) if error.kind() == std::io::ErrorKind::StorageFull => {
                    return Err(StoreError::io("writing the files")(error));
                }
                Err(_) => written.missing += 1,
            }
        }
    }
    Ok(written)
}

/// Writes the record as a bundle, every resource with the text that it came with.
fn write_bundle(
    store: &Store,
    record: &str,
    path: &Path,
) -> Result<BTreeMap<String, usize>, StoreError> {
    let mut counts = BTreeMap::new();
    // As text, so that numbers keep their digits and nothing changes its order.
    let mut bundle = r#"{"resourceType":"Bundle","type":"collection","entry":["#.to_owned();
    for (number, resource) in store
        .resources_as_they_came(record)?
        .into_iter()
        .enumerate()
    {
        *counts.entry(resource.kind).or_default() += 1;
        bundle.push_str(if number > 0 { ",{" } else { "{" });
        if !resource.full_url.is_empty() {
            let _ = write!(bundle, r#""fullUrl":{},"#, json!(resource.full_url));
        }
        let _ = write!(bundle, r#""resource":{}}}"#, resource.json);
    }
    bundle.push_str("]}");
    fs::write(path, bundle).map_err(StoreError::io("writing the record"))?;
    Ok(counts)
}

//! Files that are kept in the store, as far as the disk goes: sealing one into a blob, what it says of itself, and
//! looking it over. The index is elsewhere (`keeping`).
//!
//! A blob lies in the folder `blobs` under a name that says nothing. It is written into a folder beside it, synced, and
//! then gets its name: it is whole or not there, and what a crash leaves goes with the next opening.
//!
//! Must stay true: the file that is kept is read and never written; a blob is never changed once it has its name, so that
//! copies of the store may share it.

use super::{StoreError, files, key, studies::path_bytes};
use crate::{
    dicom::{
        archive::{Keyring, describe_bytes, open_object},
        bytes::ByteSource,
        guard::{Fault, Limits},
        sealed::{self, BlobName, FOLDER, SealError, SealedHead, VaultKey},
    },
    model::{
        date::Date,
        identity::{PatientIdentity, PersonName, Phi, Sex},
        study::{Instance, Rejection, RejectionKind, SeriesDescription, StudyDescription},
    },
};
use serde_json::{Value, json};
use std::{
    ffi::OsStr,
    fs,
    io::{self, BufWriter, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

/// Folder of blobs in the making.
const NURSERY: &str = "keeping";
/// What stands in the name of a blob that was put aside.
const ASIDE: &str = ".damaged-";

/// Where a blob lies.
pub(super) fn path_of(dir: &Path, name: &BlobName) -> PathBuf {
    dir.join(FOLDER).join(name.to_string())
}

/// The names of all blobs of a store, in order.
///
/// # Errors
/// Those of the disk.
pub(super) fn names(dir: &Path) -> Result<Vec<BlobName>, StoreError> {
    let mut names = Vec::new();
    for entry in entries(dir)? {
        names.extend(BlobName::of_path(&entry));
    }
    names.sort_unstable();
    Ok(names)
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let reading = || StoreError::io("reading the folder of kept files");
    match fs::read_dir(dir.join(FOLDER)) {
        Ok(entries) => entries
            .map(|entry| Ok(entry.map_err(reading())?.path()))
            .collect(),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(reading()(e)),
    }
}

/// Removes what was being sealed when a process ended. Whoever does holds the lock of the store.
pub(super) fn sweep(dir: &Path) {
    // What cannot be removed now is tried again by the next opening.
    let _ = fs::remove_dir_all(dir.join(NURSERY));
}

/// Makes the names of blobs durable.
pub(super) fn sync(dir: &Path) -> Result<(), StoreError> {
    let folder = dir.join(FOLDER);
    match folder.is_dir() {
        true => files::sync_folder(&folder),
        false => Ok(()),
    }
}

/// Puts a damaged blob aside.
pub(super) fn put_aside(dir: &Path, name: &BlobName) -> Result<(), StoreError> {
    let aside = format!("{name}{ASIDE}{}", super::now_ms());
    fs::rename(path_of(dir, name), dir.join(FOLDER).join(aside))
        .map_err(StoreError::io("keeping a damaged file"))
}

/// Removes what was put aside, of which nobody can say whose it is.
pub(super) fn remove_aside(dir: &Path) -> Result<(), StoreError> {
    for entry in entries(dir)? {
        let name = entry.file_name().unwrap_or_default().to_string_lossy();
        if name.contains(ASIDE) {
            fs::remove_file(&entry).map_err(StoreError::io("removing a file"))?;
        }
    }
    Ok(())
}

/// Removes a blob; one that is gone already is no error.
pub(super) fn remove(dir: &Path, name: &BlobName) -> Result<(), StoreError> {
    match fs::remove_file(path_of(dir, name)) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => {
            Err(StoreError::io("removing a kept file")(e))
        }
        _ => Ok(()),
    }
}

/// Makes the folder of blobs, and its name durable.
pub(super) fn make_folder(dir: &Path) -> Result<(), StoreError> {
    let folder = dir.join(FOLDER);
    if !folder.is_dir() {
        files::make_private(&folder)?;
        files::sync_folder(dir)?;
    }
    Ok(())
}

/// Gives a blob another file, from a copy of the store: a second name of it where that can be, else its bytes.
pub(super) fn put(dir: &Path, name: &BlobName, from: &Path, link: bool) -> Result<(), StoreError> {
    let doing = || StoreError::io("taking a kept file from a copy");
    let nursery = dir.join(NURSERY);
    fs::create_dir_all(&nursery).map_err(doing())?;
    let new = nursery.join(name.to_string());
    let _ = fs::remove_file(&new);
    if !(link && fs::hard_link(from, &new).is_ok()) {
        fs::copy(from, &new)
            .and_then(|_| fs::File::open(&new)?.sync_all())
            .map_err(doing())?;
    }
    make_folder(dir)?;
    fs::rename(&new, path_of(dir, name)).map_err(doing())?;
    // Where both names were of one file, renaming does nothing (POSIX).
    let _ = fs::remove_file(&new);
    Ok(())
}

/// What the index says of one file.
#[derive(Clone)]
pub(super) struct Facts {
    /// Where the file lay that was kept.
    pub path: Vec<u8>,
    pub patient: Arc<PatientIdentity>,
    pub study: Arc<StudyDescription>,
    pub series: Arc<SeriesDescription>,
    pub sop_class: String,
    pub uid: String,
    pub number: Option<i32>,
    pub transfer_syntax: String,
    pub frames: i64,
    pub bytes: i64,
}

impl Facts {
    pub(super) fn of(instance: &Instance) -> Self {
        let frames = instance.image.as_ref().map_or(0, |i| i.frames);
        Self {
            path: path_bytes(&instance.source.path),
            patient: Arc::clone(&instance.patient),
            study: Arc::clone(&instance.study),
            series: Arc::clone(&instance.series),
            sop_class: instance.sop_class_uid.clone(),
            uid: instance.sop_instance_uid.clone(),
            number: instance.instance_number,
            transfer_syntax: instance.transfer_syntax_uid.clone(),
            frames: i64::try_from(frames).unwrap_or(i64::MAX),
            bytes: i64::try_from(instance.source.bytes).unwrap_or(i64::MAX),
        }
    }

    /// As JSON, so that later versions may say more.
    pub(super) fn encode(&self) -> Vec<u8> {
        let who = &self.patient;
        let name = who.name.reveal();
        let date = |date: Option<Date>| date.map(|d| d.to_string()).unwrap_or_default();
        let path = match std::str::from_utf8(&self.path) {
            Ok(text) => json!(text),
            Err(_) => json!(self.path),
        };
        let value = json!({
            "path": path,
            "name": [name.alphabetic, name.ideographic, name.phonetic],
            "patient_id": who.id.reveal(),
            "issuer": who.issuer.reveal(),
            "birth_date": date(*who.birth_date.reveal()),
            "sex": who.sex.reveal().code(),
            "synthetic": who.synthetic,
            "study": self.study.uid,
            "date": date(self.study.date),
            "time": self.study.time,
            "study_description": self.study.description,
            "accession": self.study.accession_number.reveal(),
            "series": self.series.uid,
            "modality": self.series.modality,
            "series_number": self.series.number,
            "series_description": self.series.description,
            "body_part": self.series.body_part,
            "class": self.sop_class,
            "instance": self.uid,
            "number": self.number,
            "transfer_syntax": self.transfer_syntax,
            "frames": self.frames,
            "bytes": self.bytes,
        });
        value.to_string().into_bytes()
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(bytes).ok()?;
        let text = |name: &str| value[name].as_str().map(str::to_owned);
        let number = |name: &str| value[name].as_i64().and_then(|n| i32::try_from(n).ok());
        let part = |at: usize| value["name"][at].as_str().map(str::to_owned);
        let path = match &value["path"] {
            Value::String(text) => text.clone().into_bytes(),
            Value::Array(bytes) => {
                let byte = |b: &Value| b.as_u64().and_then(|b| u8::try_from(b).ok());
                bytes.iter().map(byte).collect::<Option<_>>()?
            }
            _ => return None,
        };
        let patient = PatientIdentity {
            name: Phi::new(PersonName {
                alphabetic: part(0)?,
                ideographic: part(1)?,
                phonetic: part(2)?,
            }),
            id: Phi::new(text("patient_id")?),
            issuer: Phi::new(text("issuer")?),
            birth_date: Phi::new(Date::parse(&text("birth_date")?)),
            sex: Phi::new(Sex::parse(&text("sex")?)),
            synthetic: value["synthetic"].as_bool()?,
        };
        let study = StudyDescription {
            uid: text("study")?,
            date: Date::parse(&text("date")?),
            time: text("time")?,
            description: text("study_description")?,
            accession_number: Phi::new(text("accession")?),
            ..StudyDescription::default()
        };
        let series = SeriesDescription {
            uid: text("series")?,
            modality: text("modality")?,
            number: number("series_number"),
            description: text("series_description")?,
            body_part: text("body_part")?,
            ..SeriesDescription::default()
        };
        Some(Self {
            path,
            patient: Arc::new(patient),
            study: Arc::new(study),
            series: Arc::new(series),
            sop_class: text("class")?,
            uid: text("instance")?,
            number: number("number"),
            transfer_syntax: text("transfer_syntax")?,
            frames: value["frames"].as_i64()?,
            bytes: value["bytes"].as_i64()?,
        })
    }
}

/// What a blob says of itself.
///
/// # Errors
/// Why it does not open.
pub(super) fn facts_of(dir: &Path, name: &BlobName, key: &VaultKey) -> Result<Facts, SealError> {
    let (head, _) = sealed::SealedFile::open(&path_of(dir, name), key)?;
    Facts::decode(&head.facts).ok_or(SealError::Damaged("what it says of itself"))
}

/// The name that is shown for what lay at a path.
pub(super) fn shown_name(path: &Path) -> String {
    let name = path.file_name().map(OsStr::to_string_lossy);
    name.map_or_else(|| "object".to_owned(), Into::into)
}

/// One file that is on the disk as a blob, and waits for its row in the index.
#[derive(Clone)]
pub struct SealedObject {
    pub(super) name: BlobName,
    pub(super) facts: Facts,
    /// The store had none of this content yet.
    pub new: bool,
}

impl std::fmt::Debug for SealedObject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SealedObject({})", self.name)
    }
}

/// Why a file is not kept.
#[derive(Debug)]
pub enum NotKept {
    /// The file itself.
    Rejected(Rejection),
    /// The store.
    Store(StoreError),
}

impl From<StoreError> for NotKept {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Seals files for a store, on any thread and on several; the store itself need not be at hand.
#[derive(Clone, Debug)]
pub struct Keeping {
    pub(super) dir: PathBuf,
    pub(super) vault: VaultKey,
}

impl Keeping {
    /// The key that reads what is kept.
    pub fn key(&self) -> &VaultKey {
        &self.vault
    }

    /// Seals the file of an object. `None` where this store keeps it already. The index does not know of it before
    /// [`Store::settle_kept`](super::Store::settle_kept).
    ///
    /// # Errors
    /// Why the file is not kept: it does not open or changed; a part of it is in another file (`DETACHED_DATA`); those
    /// of the disk.
    pub fn seal(
        &self,
        instance: &Instance,
        limits: &Limits,
        keys: &Keyring,
    ) -> Result<Option<SealedObject>, NotKept> {
        let own = instance.source.member.as_ref().filter(|m| m.is_kept());
        if own.is_some_and(|m| m.archive.starts_with(self.dir.join(FOLDER))) {
            return Ok(None);
        }
        let shown = &instance.source.path;
        let rejected = |fault: Fault| NotKept::Rejected(fault.rejection(Arc::clone(shown)));
        let source = open_object(instance, limits, keys).map_err(rejected)?;
        // What cannot be read from these bytes alone would be no copy; and they are those that were looked at.
        let now = describe_bytes(shown, &source, limits).map_err(rejected)?;
        if now.sop_instance_uid != instance.sop_instance_uid {
            let text = "the file changed since it was scanned";
            return Err(rejected(Fault::new(
                RejectionKind::Io,
                "FILE_CHANGED",
                text,
            )));
        }
        let facts = Facts::of(instance);
        let name = self
            .vault
            .name_of(&source)
            .map_err(|error| rejected(error.into()))?;
        let new = self.put(&name, &facts, &source)?;
        Ok(Some(SealedObject { name, facts, new }))
    }

    /// Writes a blob unless a sound one is there.
    pub(super) fn put(
        &self,
        name: &BlobName,
        facts: &Facts,
        source: &ByteSource,
    ) -> Result<bool, StoreError> {
        let path = path_of(&self.dir, name);
        if path.exists() && sealed::check(&path, &self.vault).is_ok() {
            return Ok(false);
        }
        let head = SealedHead {
            bytes: source.len(),
            name: shown_name(&super::studies::path_from(facts.path.clone())),
            facts: facts.encode(),
        };
        let mut salt = [0; 24];
        key::fill_random(&mut salt)?;
        make_folder(&self.dir)?;
        let nursery = self.dir.join(NURSERY);
        let doing = || StoreError::io("keeping a file");
        fs::create_dir_all(&nursery).map_err(doing())?;
        let file = tempfile::Builder::new()
            .tempfile_in(&nursery)
            .map_err(doing())?;
        let mut out = BufWriter::with_capacity(1 << 17, file);
        sealed::write(&self.vault, name, &head, &salt, source, &mut out)
            .and_then(|()| out.flush())
            .map_err(doing())?;
        let file = out
            .into_inner()
            .map_err(|error| doing()(error.into_error()))?;
        file.as_file().sync_all().map_err(doing())?;
        file.persist(&path).map_err(|error| doing()(error.error))?;
        Ok(true)
    }
}

/// Looks all blobs of a store over: how many bytes are kept in sound ones, and what is wrong with which.
pub(super) fn check_all(
    dir: &Path,
    key: &VaultKey,
    names: &[BlobName],
) -> (u64, Vec<(BlobName, String)>) {
    use rayon::prelude::*;
    let checked: Vec<Result<u64, (BlobName, String)>> = names
        .par_iter()
        .map(|name| {
            let head = sealed::check(&path_of(dir, name), key);
            let head = head.map_err(|error| (*name, error.to_string()))?;
            match Facts::decode(&head.facts) {
                Some(_) => Ok(head.bytes),
                None => Err((*name, "what it says of itself cannot be read".to_owned())),
            }
        })
        .collect();
    let mut bytes = 0u64;
    let mut wrong = Vec::new();
    for one in checked {
        match one {
            Ok(count) => bytes = bytes.saturating_add(count),
            Err(found) => wrong.push(found),
        }
    }
    (bytes, wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_come_back() {
        let facts = Facts {
            path: vec![b'/', 0xC3, 0x28, b'a'],
            patient: Arc::new(PatientIdentity {
                name: Phi::new(PersonName {
                    alphabetic: "Zhang^San".into(),
                    ideographic: "张^三".into(),
                    phonetic: String::new(),
                }),
                id: Phi::new(" 17 ".into()),
                issuer: Phi::new("HOSP".into()),
                birth_date: Phi::new(Date::parse("19700203")),
                sex: Phi::new(Sex::Female),
                synthetic: true,
            }),
            study: Arc::new(StudyDescription {
                uid: "1.2".into(),
                date: Date::parse("20200102"),
                time: "10:11:12".into(),
                description: "Chest".into(),
                accession_number: Phi::new("A1".into()),
                ..StudyDescription::default()
            }),
            series: Arc::new(SeriesDescription {
                uid: "1.2.3".into(),
                modality: "CT".into(),
                number: Some(-4),
                description: "lung".into(),
                body_part: "CHEST".into(),
                ..SeriesDescription::default()
            }),
            sop_class: "1.2.840".into(),
            uid: "1.2.3.4".into(),
            number: None,
            transfer_syntax: "1.2.840.1".into(),
            frames: 3,
            bytes: 12345,
        };
        for path in [facts.path.clone(), b"/data/a.dcm".to_vec()] {
            let facts = Facts {
                path,
                ..facts.clone()
            };
            let back = Facts::decode(&facts.encode()).unwrap();
            assert_eq!(back.path, facts.path);
            assert!(back.patient == facts.patient);
            assert_eq!((back.study, back.series), (facts.study, facts.series));
            assert_eq!(
                (back.uid, back.sop_class, back.transfer_syntax),
                (facts.uid, facts.sop_class, facts.transfer_syntax)
            );
            assert_eq!(
                (back.number, back.frames, back.bytes),
                (facts.number, facts.frames, facts.bytes)
            );
        }
        assert!(Facts::decode(b"{}").is_none());
        assert!(Facts::decode(b"no JSON").is_none());
    }
}

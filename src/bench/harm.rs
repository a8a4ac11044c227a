//! A store that is harmed: bytes that change, files that are cut, passphrases that are wrong, logs that are forged.
//!
//! `damage` changes one bit or cuts one file of a store that has records, studies and marks, looks it over and repairs it
//! without any copy to help; every tenth time a copy is put back as well. `passphrases` tries wrong ones on a sound and on
//! a damaged store. `forgery` changes, removes, doubles, swaps, cuts and puts in entries of the log, and puts an older log
//! back. Nothing may go unseen, nothing be taken for something else (R8 to R10 of the safety table).

use super::{
    Cases, Failure,
    measure::{Case, Samples, quantile},
    people::dice,
};
use crate::{
    cli::store::exit_of,
    console::{Common, Exit},
    model::{
        access::AuditKind,
        annotation::{Annotation, AnnotationId, AnnotationTarget, MarkKind, PointSpace, Shape},
        edit::Edit,
        identity::{PatientIdentity, PersonName, Phi},
        study::{Instance, SeriesDescription, Source, SourceKind, StudyDescription, Technique},
    },
    store::{AuditEvent, Head, KdfCost, Passphrase, Store, StoreError},
};
use clap::Args;
use glam::DVec3;
use serde_json::json;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Arguments of `bench damage`.
#[derive(Clone, Debug, Args)]
pub struct DamageArgs {
    /// Copies of which one bit is changed
    #[arg(long, default_value_t = 1000, value_name = "N")]
    pub flips: u32,
    /// Copies of which one file is cut
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub cuts: u32,
}

/// Arguments of `bench passphrases`.
#[derive(Clone, Debug, Args)]
pub struct PassphraseArgs {
    /// Wrong passphrases
    #[arg(long, default_value_t = 1000, value_name = "N")]
    pub rounds: u32,
}

/// Arguments of `bench forgery`.
#[derive(Clone, Debug, Args)]
pub struct ForgeryArgs {
    /// Entries of the log
    #[arg(long, default_value_t = 10_000, value_name = "N")]
    pub entries: u32,
    /// Forgeries of each of seven kinds
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub rounds: u32,
}

const PASSPHRASE: &str = "bench";
const PATIENTS: usize = 60;
const FACTS: usize = 30;
const MARKS: usize = 400;
const FILES: usize = 600;

fn pass() -> Passphrase {
    Passphrase::new(PASSPHRASE)
}

fn failed(error: StoreError) -> Failure {
    Failure::new(exit_of(&error), error)
}

fn io(error: std::io::Error) -> Failure {
    Failure::new(Exit::Io, error)
}

fn instance(number: usize) -> Arc<Instance> {
    let who = number % PATIENTS;
    let patient = PatientIdentity {
        name: Phi::new(PersonName::parse(&format!("Bench^{who}"))),
        id: Phi::new(format!("ID{who}")),
        ..PatientIdentity::default()
    };
    Arc::new(Instance {
        source: Source {
            path: PathBuf::from(format!("/bench/{number}")).into(),
            kind: SourceKind::Dicom,
            bytes: 1,
            member: None,
        },
        sop_class_uid: "1.2.840.10008.5.1.4.1.1.2".into(),
        sop_instance_uid: format!("1.2.3.{number}"),
        transfer_syntax_uid: "1.2.840.10008.1.2.1".into(),
        patient: Arc::new(patient),
        study: Arc::new(StudyDescription {
            uid: format!("1.2.{who}"),
            ..StudyDescription::default()
        }),
        series: Arc::new(SeriesDescription {
            uid: format!("1.2.{who}.1"),
            ..SeriesDescription::default()
        }),
        instance_number: None,
        technique: Technique::default(),
        pet: None,
        object: None,
        image: None,
        findings: Vec::new(),
    })
}

fn mark(number: usize) -> Edit {
    let target = AnnotationTarget {
        study_uid: "1.2.3".into(),
        series_uid: "1.2.3.4".into(),
        instance_uid: "1.2.3.4.5".into(),
        frame: 1,
        frame_of_reference_uid: String::new(),
    };
    let id = AnnotationId(format!("{number:08}"));
    let ends = [DVec3::X * number as f64, DVec3::Y / 3.0];
    let shape = Shape::new(MarkKind::Length, ends);
    Edit::Add(Annotation::new(id, target, PointSpace::Patient, shape))
}

/// A store with something of everything.
fn filled(dir: &Path) -> Result<(), Failure> {
    let mut store = Store::create(dir, &pass(), KdfCost::CHEAP).map_err(failed)?;
    for who in 0..PATIENTS {
        let id = format!("p{who}");
        let subject = json!({"reference": format!("Patient/{id}")});
        let person = json!({"resource": {"resourceType": "Patient", "id": id,
            "name": [{"family": "Bench", "given": [who.to_string()]}],
            "identifier": [{"type": {"coding": [{"code": "MR"}]}, "value": format!("ID{who}")}]}});
        let facts = (0..FACTS).map(|number| {
            json!({"resource": {"resourceType": "Condition", "id": format!("{id}c{number}"),
                "subject": subject, "code": {"text": format!("condition {number} {}", "x".repeat(number * 9))}}})
        });
        let entries: Vec<_> = std::iter::once(person).chain(facts).collect();
        let bundle = json!({"resourceType": "Bundle", "type": "collection", "entry": entries});
        store
            .import_bundle(bundle.to_string().as_bytes())
            .map_err(failed)?;
    }
    let files: Vec<_> = (0..FILES).map(instance).collect();
    store.index_instances(&files).map_err(failed)?;
    for number in 0..MARKS {
        store.commit(&[mark(number)]).map_err(failed)?;
    }
    Ok(())
}

/// How many things a store has.
fn things(store: &Store) -> Result<usize, StoreError> {
    let sizes = store.sizes()?;
    Ok(sizes.patients + sizes.resources + sizes.studies + sizes.instances + store.marks().len())
}

type Contents = BTreeMap<PathBuf, Vec<u8>>;

/// The files of a folder, none of its folders.
fn contents(dir: &Path) -> std::io::Result<Contents> {
    let mut all = Contents::new();
    for entry in fs::read_dir(dir)?.flatten() {
        if entry.path().is_file() {
            all.insert(entry.path(), fs::read(entry.path())?);
        }
    }
    Ok(all)
}

/// Makes a folder what it was.
fn put_back(dir: &Path, all: &Contents) -> std::io::Result<()> {
    for path in contents(dir)?
        .keys()
        .filter(|path| !all.contains_key(*path))
    {
        fs::remove_file(path)?;
    }
    let backups = dir.join("backups");
    if backups.is_dir() {
        fs::remove_dir_all(backups)?;
    }
    all.iter()
        .try_for_each(|(path, bytes)| fs::write(path, bytes))
}

/// What became of the harmed copies.
#[derive(Default)]
struct Tally {
    unseen: u32,
    wrong_passphrase: u32,
    unrepaired: u32,
    grown: u32,
    /// Shares of what was kept where a bit was changed, and where a file was cut.
    kept: [Vec<f64>; 2],
    worst: String,
    restores: u32,
    not_restored: u32,
}

/// Runs `bench damage`.
pub(super) fn damage(
    args: &DamageArgs,
    common: &Common,
    cases: &mut Cases<'_>,
) -> Result<(), Failure> {
    let seed = common.seed.unwrap_or(1);
    let folder = tempfile::tempdir().map_err(io)?;
    let dir = folder.path().join("store");
    filled(&dir)?;
    let store = Store::open(&dir, &pass()).map_err(failed)?;
    let all = things(&store).map_err(failed)?;
    // A copy elsewhere, for the drill; repairing finds none beside the store.
    let copy = folder.path().join("copy");
    store.backup(Some(&copy)).map_err(failed)?;
    drop(store);
    let sound = contents(&dir).map_err(io)?;
    let targets: Vec<(&PathBuf, &Vec<u8>)> = sound
        .iter()
        .filter(|(_, bytes)| !bytes.is_empty())
        .collect();
    let total: usize = targets.iter().map(|(_, bytes)| bytes.len()).sum();
    let mut next = dice(seed);
    let mut tally = Tally::default();
    let mut samples = Samples::default();
    let done: Result<(), Failure> = samples.run(|| {
        for number in 0..args.flips + args.cuts {
            let cut = number >= args.flips;
            // Half of them anywhere, half in any file: small ones would else never be hit.
            let (path, bytes, at) = match next(2) {
                0 => place(&targets, next(total)),
                _ => {
                    let (path, bytes) = targets.get(next(targets.len())).copied().unzip();
                    let bytes = bytes.map_or(&[][..], Vec::as_slice);
                    (path, bytes, next(bytes.len()))
                }
            };
            let Some(path) = path else { continue };
            let harmed = match cut {
                true => bytes.get(..at).unwrap_or_default().to_vec(),
                false => {
                    let mut changed = bytes.to_vec();
                    if let Some(byte) = changed.get_mut(at) {
                        *byte ^= 1 << next(8);
                    }
                    changed
                }
            };
            fs::write(path, harmed).map_err(io)?;
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let what = format!("{name} {} {at}", if cut { "cut at" } else { "changed at" });
            one_damage(&dir, all, (&what, cut), &mut tally);
            if number % 10 == 0 {
                tally.restores += 1;
                let put = Store::restore(&dir, &copy, &pass()).and_then(|()| {
                    let store = Store::open(&dir, &pass())?;
                    Ok(things(&store)? == all && store.verify()?.is_sound())
                });
                tally.not_restored += u32::from(!put.unwrap_or(false));
            }
            put_back(&dir, &sound).map_err(io)?;
        }
        Ok(())
    });
    done?;
    let [changed, of_cut] = &tally.kept;
    let mean = |kept: &[f64]| kept.iter().sum::<f64>() / kept.len().max(1) as f64;
    let enough = changed.iter().filter(|share| **share >= 0.99).count();
    let case = Case::new(
        "damage",
        format!("{all} things, {total} bytes, seed {seed}"),
        samples,
    )
    .with("changed", args.flips)
    .with("cut", args.cuts)
    .with("unseen", tally.unseen)
    .with("called_wrong_passphrase", tally.wrong_passphrase)
    .with("unrepaired", tally.unrepaired)
    .with("kept_least", quantile(changed, 0.0))
    .with("kept_least_where", tally.worst.as_str())
    .with("kept_mean", mean(changed))
    .with("kept_99_percent", enough)
    .with("kept_mean_of_cut", mean(of_cut))
    .with("more_than_there_was", tally.grown)
    .with("restores", tally.restores)
    .with("not_restored", tally.not_restored);
    cases.push(&case);
    let bad =
        tally.unseen + tally.wrong_passphrase + tally.unrepaired + tally.grown + tally.not_restored;
    match bad {
        0 => Ok(()),
        bad => Err(Failure::new(
            Exit::Finding,
            format!("{bad} copies went wrong"),
        )),
    }
}

/// The file and the byte in it at a place in all files one after the other.
fn place<'a>(
    targets: &[(&'a PathBuf, &'a Vec<u8>)],
    mut at: usize,
) -> (Option<&'a PathBuf>, &'a [u8], usize) {
    for (path, bytes) in targets {
        if at < bytes.len() {
            return (Some(path), bytes, at);
        }
        at -= bytes.len();
    }
    (None, &[], 0)
}

/// Looks a harmed store over and repairs it.
fn one_damage(dir: &Path, all: usize, (what, cut): (&str, bool), tally: &mut Tally) {
    match Store::verify_folder(dir, &pass()) {
        Ok(report) => tally.unseen += u32::from(report.is_sound()),
        Err(StoreError::WrongPassphrase) => tally.wrong_passphrase += 1,
        // What refuses to be read has been seen.
        Err(_) => {}
    }
    let mended = Store::repair(dir, &pass()).and_then(|report| {
        let store = Store::open(dir, &pass())?;
        // Files whose place is known are read again by whoever repairs; here there are none to read.
        let kept = things(&store)? + report.loose.len();
        Ok((kept, store.verify()?.is_sound()))
    });
    let kept = match mended {
        Ok((kept, true)) => kept,
        other => {
            tally.unrepaired += 1;
            let why = other
                .err()
                .map_or_else(|| "not sound".to_owned(), |e| e.to_string());
            tally.worst = format!("not repaired: {what}: {why}");
            return;
        }
    };
    let share = kept as f64 / all as f64;
    tally.grown += u32::from(kept > all);
    let [changed, of_cut] = &mut tally.kept;
    if cut {
        of_cut.push(share);
        return;
    }
    if changed.iter().all(|other| share < *other) && tally.unrepaired == 0 {
        what.clone_into(&mut tally.worst);
    }
    changed.push(share);
}

/// Runs `bench passphrases`.
pub(super) fn passphrases(
    args: &PassphraseArgs,
    common: &Common,
    cases: &mut Cases<'_>,
) -> Result<(), Failure> {
    let seed = common.seed.unwrap_or(1);
    let folder = tempfile::tempdir().map_err(io)?;
    let dir = folder.path().join("store");
    drop(Store::create(&dir, &pass(), KdfCost::CHEAP).map_err(failed)?);
    let mut next = dice(seed);
    let (mut opened, mut mistaken, mut seen_damage) = (0, 0, 0);
    let mut samples = Samples::default();
    let sound = contents(&dir).map_err(io)?;
    let done: Result<(), Failure> = samples.run(|| {
        for number in 0..args.rounds {
            // Near misses and others: a letter more, less or otherwise, nothing, bytes that are no text.
            let mut word = PASSPHRASE.as_bytes().to_vec();
            match next(5) {
                0 => word.push(b' ' + next(90) as u8),
                1 => drop(word.pop()),
                2 => word.iter_mut().for_each(|b| b.make_ascii_uppercase()),
                3 => word = (0..next(40)).map(|_| next(256) as u8).collect(),
                _ => {
                    let at = next(word.len());
                    if let Some(byte) = word.get_mut(at) {
                        *byte ^= 1 + next(127) as u8;
                    }
                }
            }
            if word == PASSPHRASE.as_bytes() {
                word.push(0);
            }
            let wrong = Passphrase::new(word);
            match Store::open(&dir, &wrong) {
                Ok(_) => opened += 1,
                Err(StoreError::WrongPassphrase) => {}
                Err(_) => mistaken += 1,
            }
            // Waiting longer each time is another test's business.
            let _ = fs::remove_file(dir.join("tries"));
            if number % 10 == 0 {
                let length = sound.get(&dir.join("store.key")).map_or(0, Vec::len);
                let at = next(length);
                for name in ["store.key", "store.key.copy"] {
                    let path = dir.join(name);
                    let mut bytes = sound.get(&path).cloned().unwrap_or_default();
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte ^= 4;
                    }
                    fs::write(&path, bytes).map_err(io)?;
                }
                for tried in [&wrong, &pass()] {
                    match Store::open(&dir, tried) {
                        Err(StoreError::Damaged { .. } | StoreError::NewerVersion { .. }) => {
                            seen_damage += 1;
                        }
                        Ok(_) => opened += 1,
                        Err(_) => mistaken += 1,
                    }
                }
                put_back(&dir, &sound).map_err(io)?;
            }
        }
        Ok(())
    });
    done?;
    let case = Case::new("passphrases", format!("seed {seed}"), samples)
        .with("wrong", args.rounds)
        .with("opened", opened)
        .with("taken_for_something_else", mistaken)
        .with("damage_seen_as_damage", seen_damage);
    cases.push(&case);
    match opened + mistaken {
        0 => Ok(()),
        bad => Err(Failure::new(Exit::Finding, format!("{bad} went wrong"))),
    }
}

/// Where each entry of a log begins, and the end: a head of 64 bytes, then length, number, sealed text and chain value.
fn places(log: &[u8]) -> Vec<usize> {
    let mut at = 64;
    let mut found = vec![at];
    while let Some(bytes) = log.get(at..at + 4).and_then(|b| b.try_into().ok()) {
        at += 12 + u32::from_le_bytes(bytes) as usize + 32;
        found.push(at);
    }
    found
}

/// Runs `bench forgery`.
pub(super) fn forgery(
    args: &ForgeryArgs,
    common: &Common,
    cases: &mut Cases<'_>,
) -> Result<(), Failure> {
    let seed = common.seed.unwrap_or(1);
    let folder = tempfile::tempdir().map_err(io)?;
    let dir = folder.path().join("store");
    let store = Store::create(&dir, &pass(), KdfCost::CHEAP).map_err(failed)?;
    for number in 0..args.entries {
        let detail = format!("entry {number} {}", "x".repeat(number as usize % 17));
        store.log(AuditEvent::new(AuditKind::Query, detail));
    }
    drop(store);
    let (path, head_path) = (dir.join("audit.log"), dir.join("audit.head"));
    let older = [
        fs::read(&path).map_err(io)?,
        fs::read(&head_path).map_err(io)?,
    ];
    let store = Store::open(&dir, &pass()).map_err(failed)?;
    let head = store.audit_head().map(|head| head.text());
    drop(store);
    let expected = head.as_deref().and_then(Head::parse);
    let log = fs::read(&path).map_err(io)?;
    let places = places(&log);
    let count = places.len().saturating_sub(1);
    if places.last() != Some(&log.len()) || count < 3 {
        return Err(Failure::new(Exit::Internal, "the log has another form"));
    }
    let cut = |from: usize, to: usize| {
        let from = places.get(from).copied().unwrap_or(log.len());
        let to = places.get(to).copied().unwrap_or(log.len());
        log.get(from..to).unwrap_or_default()
    };
    let head_of = |n: usize| {
        log.get(..places.get(n).copied().unwrap_or(0))
            .unwrap_or_default()
    };
    let tail_of = |n: usize| cut(n, usize::MAX);
    let mut next = dice(seed);
    let (mut unseen, mut misplaced, mut tried) = (0, 0, 0);
    let mut samples = Samples::default();
    let done: Result<(), Failure> = samples.run(|| {
        for round in 0..args.rounds * 7 {
            let n = next(count - 1);
            let own = cut(n, n + 1);
            let within = 1 + next(own.len().saturating_sub(1));
            // The forged log, and the first entry that is not as it was.
            let (forged, first) = match round % 7 {
                0 => {
                    let mut changed = log.clone();
                    let at = places.get(n).copied().unwrap_or(0) + next(own.len());
                    if let Some(byte) = changed.get_mut(at) {
                        *byte ^= 1 << next(8);
                    }
                    (changed, Some(n))
                }
                1 => ([head_of(n), tail_of(n + 1)].concat(), Some(n)),
                2 => ([head_of(n + 1), own, tail_of(n + 1)].concat(), Some(n + 1)),
                3 => {
                    let swapped = [head_of(n), cut(n + 1, n + 2), own, tail_of(n + 2)];
                    (swapped.concat(), Some(n))
                }
                4 => (head_of(n).to_vec(), Some(n)),
                5 => {
                    let part = own.get(..within).unwrap_or_default();
                    ([head_of(n), part].concat(), Some(n))
                }
                _ => {
                    let foreign: Vec<u8> = (0..own.len()).map(|_| next(256) as u8).collect();
                    (
                        [head_of(n), foreign.as_slice(), tail_of(n)].concat(),
                        Some(n),
                    )
                }
            };
            fs::write(&path, forged).map_err(io)?;
            tried += 1;
            let found = Store::verify_audit(&dir, None, &pass(), None).map_err(failed)?;
            match found.problem {
                None => unseen += 1,
                Some((number, _)) => {
                    let right = first.is_none_or(|first| number as usize == first + 1);
                    misplaced += u32::from(!right);
                }
            }
            fs::write(&path, &log).map_err(io)?;
        }
        Ok(())
    });
    done?;
    // An older copy is whole in itself; a head that was kept elsewhere tells.
    let [older_log, older_head] = &older;
    fs::write(&path, older_log).map_err(io)?;
    fs::write(&head_path, older_head).map_err(io)?;
    let with_head = |head| Store::verify_audit(&dir, None, &pass(), head).map_err(failed);
    let alone = with_head(None)?.problem.is_none();
    let told = with_head(expected.as_ref())?.problem.is_some();
    let case = Case::new("forgery", format!("{count} entries, seed {seed}"), samples)
        .with("forged", tried)
        .with("unseen", unseen)
        .with("first_entry_misnamed", misplaced)
        .with("older_copy_whole_in_itself", alone)
        .with("older_copy_told_by_a_head", told);
    cases.push(&case);
    match unseen + misplaced + u32::from(!told) {
        0 => Ok(()),
        bad => Err(Failure::new(
            Exit::Finding,
            format!("{bad} forgeries went wrong"),
        )),
    }
}

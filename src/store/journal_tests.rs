//! What the journal promises, tried on a medium that forgets, refuses and lies.

use super::*;
use crate::{
    model::annotation::AnnotationId,
    store::codec::tests::{mark, point},
};
use glam::DVec3;
use std::{cell::RefCell, rc::Rc};

/// A disk in memory. What was not synced can be lost; writes and syncs can fail.
#[derive(Clone, Default)]
struct Disk(Rc<RefCell<DiskState>>);

#[derive(Default)]
struct DiskState {
    /// What a reader sees.
    seen: Vec<u8>,
    /// What survives a power loss.
    durable: Vec<u8>,
    fail_write_after: Option<usize>,
    fail_sync: bool,
    syncs: usize,
    /// Calls so far, and which of them fail.
    calls: usize,
    refuse: std::ops::Range<usize>,
}

impl DiskState {
    /// Counts a call; whether it fails.
    fn refuses(&mut self) -> bool {
        self.calls += 1;
        self.refuse.contains(&(self.calls - 1))
    }
}

impl Medium for Disk {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let state = &mut *self.0.borrow_mut();
        let offset = offset as usize;
        let refused = state.refuses();
        let (kept, outcome) = match state.fail_write_after {
            // Some of it may have been written before.
            _ if refused => (
                &bytes[..state.calls * 37 % bytes.len()],
                Err(io::Error::other("EIO")),
            ),
            Some(limit) if bytes.len() > limit => (
                &bytes[..limit],
                Err(io::Error::from(io::ErrorKind::StorageFull)),
            ),
            _ => (bytes, Ok(())),
        };
        state.seen.truncate(offset);
        assert_eq!(state.seen.len(), offset, "no hole");
        state.seen.extend(kept);
        outcome
    }

    fn sync(&mut self) -> io::Result<()> {
        let state = &mut *self.0.borrow_mut();
        if state.refuses() || state.fail_sync {
            return Err(io::Error::other("EIO"));
        }
        state.syncs += 1;
        state.durable = state.seen.clone();
        Ok(())
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        let state = &mut *self.0.borrow_mut();
        if state.refuses() {
            return Err(io::Error::other("EIO"));
        }
        state.seen.truncate(length as usize);
        Ok(())
    }
}

fn key() -> StoreKey {
    StoreKey::for_test(9)
}

fn read_bytes(bytes: &[u8]) -> Replay {
    replay(&mut &*bytes, bytes.len() as u64, &key()).unwrap()
}

fn fresh() -> (Disk, Journal<Disk>) {
    let disk = Disk::default();
    let bytes = header([3; 16]).to_vec();
    disk.0.borrow_mut().seen = bytes.clone();
    disk.0.borrow_mut().durable = bytes.clone();
    let journal = Journal::on(disk.clone(), read_bytes(&bytes), &key()).unwrap();
    (disk, journal)
}

fn add(id: &str) -> Edit {
    Edit::Add(mark(id, point(DVec3::new(1.5, -2.0, 0.1))))
}

fn relabel(id: &str, from: &str, to: &str) -> Edit {
    Edit::Relabel {
        id: AnnotationId(id.into()),
        from: from.into(),
        to: to.into(),
    }
}

/// A journal of twelve commits of differing size, with an undo and a redo; its bytes, and after each commit where
/// it ends and what the marks are.
fn sample() -> (Vec<u8>, Vec<(usize, AnnotationSet)>) {
    let (disk, mut journal) = fresh();
    let mut states = vec![(HEADER, AnnotationSet::default())];
    for step in 0..12i64 {
        match step {
            5 => drop(journal.undo(step).unwrap().unwrap()),
            6 => drop(journal.redo(step).unwrap().unwrap()),
            8 => drop(
                journal
                    .commit(
                        &[relabel("m0", "结节 nodule", "x"), relabel("m0", "x", "y")],
                        step,
                    )
                    .unwrap(),
            ),
            _ => drop(journal.commit(&[add(&format!("m{step}"))], step).unwrap()),
        }
        states.push((disk.0.borrow().durable.len(), journal.marks().clone()));
    }
    let bytes = disk.0.borrow().durable.clone();
    (bytes, states)
}

#[test]
fn what_was_committed_is_read_again() {
    let (bytes, states) = sample();
    let replay = read_bytes(&bytes);
    assert_eq!(replay.tail, Tail::Clean);
    assert_eq!((replay.commits, replay.last_ms), (12, Some(11)));
    assert_eq!(replay.kept.marks, states[12].1);
    assert_eq!(replay.bytes, bytes.len() as u64);
}

#[test]
fn cut_at_every_byte_it_keeps_what_was_whole() {
    let (bytes, states) = sample();
    for length in 0..bytes.len() {
        let replay = read_bytes(&bytes[..length]);
        let whole = states.iter().rposition(|(end, _)| *end <= length);
        let Some(whole) = whole else {
            assert!(!replay.is_sound(), "cut within the header at {length}");
            continue;
        };
        assert_eq!(replay.commits as usize, whole, "cut at {length}");
        assert_eq!(replay.kept.marks, states[whole].1, "cut at {length}");
        let left = (length - states[whole].0) as u64;
        let expected = if left == 0 {
            Tail::Clean
        } else {
            Tail::Torn(left)
        };
        assert_eq!(replay.tail, expected, "cut at {length}");
        // And it can be written on.
        let disk = Disk::default();
        disk.0.borrow_mut().seen = bytes[..length].to_vec();
        let mut journal = Journal::on(disk.clone(), replay, &key()).unwrap();
        journal.commit(&[add("after")], 0).unwrap();
        let again = read_bytes(&disk.0.borrow().durable.clone());
        assert_eq!(
            (again.commits as usize, &again.tail),
            (whole + 1, &Tail::Clean)
        );
    }
}

#[test]
fn every_flipped_bit_is_found_and_what_precedes_is_read() {
    let (bytes, states) = sample();
    for place in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[place] ^= 1 << (place % 8);
        let found = replay(&mut &*changed, changed.len() as u64, &key()).unwrap();
        let Tail::Damaged { number, offset, .. } = found.tail else {
            panic!("byte {place} flipped: {:?}", found.tail);
        };
        if place < HEADER {
            assert_eq!(number, 0);
            continue;
        }
        let whole = states.iter().rposition(|(end, _)| *end <= place).unwrap();
        assert_eq!(number as usize, whole + 1, "byte {place}");
        assert_eq!(offset as usize, states[whole].0, "byte {place}");
        assert_eq!(found.kept.marks, states[whole].1, "byte {place}");
        assert!(matches!(
            Journal::on(Disk::default(), found, &key()),
            Err(StoreError::Damaged {
                part: "journal",
                ..
            })
        ));
    }
}

#[test]
fn records_cannot_be_dropped_swapped_or_repeated() {
    let (bytes, states) = sample();
    let record = |n: usize| bytes[states[n].0..states[n + 1].0].to_vec();
    let join = |order: &[usize]| {
        let mut joined = bytes[..HEADER].to_vec();
        order.iter().for_each(|&n| joined.extend(record(n)));
        joined
    };
    for order in [&[0, 2, 3][..], &[1, 0, 2], &[0, 0, 1], &[0, 1, 1, 2]] {
        let replay = read_bytes(&join(order));
        assert!(!replay.is_sound(), "{order:?}");
    }
    assert_eq!(read_bytes(&join(&[0, 1, 2])).tail, Tail::Clean);
}

#[test]
fn another_key_opens_nothing() {
    let (bytes, _) = sample();
    let replay = replay(&mut &*bytes, bytes.len() as u64, &StoreKey::for_test(10)).unwrap();
    assert_eq!(replay.commits, 0);
    assert!(!replay.is_sound());
}

#[test]
fn nothing_of_a_mark_is_readable() {
    let (bytes, _) = sample();
    for canary in ["nodule", "结节", "1.2.840.1"] {
        let canary = canary.as_bytes();
        assert!(bytes.windows(canary.len()).all(|w| w != canary));
    }
}

#[test]
fn a_later_version_is_refused() {
    let (mut bytes, _) = sample();
    bytes[8] = 3;
    let digest = Sha256::digest(&bytes[..32]);
    bytes[32..64].copy_from_slice(&digest);
    assert!(matches!(
        replay(&mut &*bytes, bytes.len() as u64, &key()),
        Err(StoreError::NewerVersion { found: 3, .. })
    ));
}

#[test]
fn a_full_disk_loses_nothing_and_says_so() {
    let (disk, mut journal) = fresh();
    journal.commit(&[add("a")], 0).unwrap();
    let before = disk.0.borrow().seen.clone();
    let size = {
        let (record, _) = journal
            .seal(
                &Commit {
                    kind: Kind::Done,
                    time_ms: 0,
                    edits: vec![add("b")],
                },
                2,
            )
            .unwrap();
        record.len()
    };
    for room in 0..size {
        disk.0.borrow_mut().fail_write_after = Some(room);
        let error = journal.commit(&[add("b")], 0).unwrap_err();
        assert!(
            matches!(&error, StoreError::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull)
        );
        assert!(error.to_string().contains("NOT saved"));
        assert_eq!(disk.0.borrow().seen, before, "cut back");
        assert!(journal.marks().get(&AnnotationId("b".into())).is_none());
    }
    // Space returned.
    disk.0.borrow_mut().fail_write_after = None;
    assert_eq!(journal.commit(&[add("b")], 0).unwrap(), 2);
    assert_eq!(read_bytes(&disk.0.borrow().durable.clone()).commits, 2);
}

#[test]
fn after_a_failed_sync_nothing_more_is_promised() {
    let (disk, mut journal) = fresh();
    journal.commit(&[add("a")], 0).unwrap();
    disk.0.borrow_mut().fail_sync = true;
    assert!(matches!(
        journal.commit(&[add("b")], 0),
        Err(StoreError::Io { .. })
    ));
    disk.0.borrow_mut().fail_sync = false;
    assert!(matches!(
        journal.commit(&[add("b")], 0),
        Err(StoreError::Poisoned)
    ));
    assert_eq!(journal.marks().len(), 1);
}

#[test]
fn whichever_call_fails_nothing_false_is_acknowledged_and_all_is_saved_in_the_end() {
    // The n-th write, sync or cut fails, and up to five after it. After every refusal the power could go: what is
    // durable then is what was acknowledged, no less and no more. Each gesture is tried until it is saved.
    let gestures = 6;
    let mut refusals = 0;
    for first in 0..2 * gestures + 8 {
        for length in 1..=6 {
            let (disk, mut journal) = fresh();
            disk.0.borrow_mut().refuse = first..first + length;
            for step in 0..gestures {
                let number = step as u64;
                let mut saved = false;
                for _ in 0..=length {
                    if journal.is_poisoned() {
                        let look = || Ok(read_bytes(&disk.0.borrow().seen));
                        if journal.go_on(disk.clone(), look).is_err() {
                            refusals += 1;
                            continue;
                        }
                    }
                    match journal.commit(&[add(&format!("m{step}"))], 0) {
                        Ok(found) => {
                            assert_eq!(found, number + 1);
                            saved = true;
                            break;
                        }
                        Err(error) => {
                            refusals += 1;
                            assert!(matches!(error, StoreError::Io { .. }), "{error}");
                            let after = read_bytes(&disk.0.borrow().durable.clone());
                            assert_eq!((after.commits, after.tail), (number, Tail::Clean));
                        }
                    }
                }
                assert!(saved, "call {first} and {length}: gesture {step}");
                let after = read_bytes(&disk.0.borrow().durable.clone());
                assert_eq!(after.commits, number + 1, "acknowledged is durable");
                assert_eq!(&after.kept, journal.kept());
            }
        }
    }
    assert!(refusals > 100, "{refusals}");
}

#[test]
fn a_power_loss_loses_only_what_was_not_acknowledged() {
    // After each acknowledgement the power goes; of what comes later any prefix may have reached the disk, its
    // missing part absent or read as zeros.
    let (disk, mut journal) = fresh();
    let mut acknowledged = 0;
    for step in 0..20 {
        let durable = disk.0.borrow().durable.clone();
        let (record, _) = journal
            .seal(
                &Commit {
                    kind: Kind::Done,
                    time_ms: 0,
                    edits: vec![add(&format!("m{step}"))],
                },
                journal.commits() + 1,
            )
            .unwrap();
        for reached in 0..record.len() {
            let mut short = durable.clone();
            short.extend(&record[..reached]);
            let mut zeros = short.clone();
            zeros.resize(durable.len() + record.len() + 100, 0);
            for (image, kind) in [(&short, "short"), (&zeros, "zeros")] {
                let found = read_bytes(image);
                // Where all that is missing is zeros, nothing is missing.
                let whole = kind == "zeros" && record[reached..].iter().all(|b| *b == 0);
                let expected = acknowledged + u64::from(whole);
                assert_eq!(found.commits, expected, "{kind}, {reached} bytes");
                // With fewer than eight zeros at the end of the chain value a tear looks like damage; the record
                // is dropped then too.
                if kind == "short" || reached <= record.len() - CHAIN / 2 {
                    assert!(
                        found.is_sound(),
                        "{kind}, {reached} bytes: {:?}",
                        found.tail
                    );
                }
            }
        }
        journal.commit(&[add(&format!("m{step}"))], 0).unwrap();
        acknowledged += 1;
        assert_eq!(
            disk.0.borrow().syncs,
            acknowledged as usize,
            "one sync an edit"
        );
    }
}

#[test]
fn undo_goes_back_and_redo_forth_also_after_reopening() {
    let (disk, mut journal) = fresh();
    for id in ["a", "b", "c"] {
        journal.commit(&[add(id)], 0).unwrap();
    }
    let ids = |journal: &Journal<Disk>| {
        journal
            .marks()
            .iter()
            .map(|m| m.id.0.clone())
            .collect::<String>()
    };
    let reopen = |disk: &Disk| {
        let bytes = disk.0.borrow().durable.clone();
        Journal::on(disk.clone(), read_bytes(&bytes), &key()).unwrap()
    };
    assert!(journal.undo(0).unwrap().is_some());
    let layout = Edit::Layout {
        study_uid: "1".into(),
        from: String::new(),
        to: "noted".into(),
    };
    journal.note(std::slice::from_ref(&layout), 0).unwrap();
    let mut journal = reopen(&disk);
    assert!(journal.can_redo(), "a note ends nothing");
    assert!(journal.undo(0).unwrap().is_some());
    assert_eq!(ids(&journal), "a");
    assert_eq!(journal.kept().layouts["1"], "noted");
    let mut journal = reopen(&disk);
    assert!(journal.redo(0).unwrap().is_some());
    assert_eq!(ids(&journal), "ab");
    assert!(journal.can_redo());
    journal.commit(&[add("d")], 0).unwrap();
    assert!(
        !journal.can_redo(),
        "a new gesture ends what could be redone"
    );
    assert_eq!(journal.redo(0).unwrap(), None);
    for left in ["ab", "a", ""] {
        journal.undo(0).unwrap().unwrap();
        assert_eq!(ids(&journal), left);
    }
    assert_eq!(journal.undo(0).unwrap(), None);
    assert_eq!(reopen(&disk).commits(), 3 + 2 + 1 + 1 + 3 + 1);
}

#[test]
fn a_gesture_is_carried_out_whole_or_not_at_all() {
    let (disk, mut journal) = fresh();
    journal.commit(&[add("a")], 0).unwrap();
    let before = (journal.marks().clone(), disk.0.borrow().seen.clone());
    assert!(matches!(
        journal.commit(&[add("b"), relabel("b", "wrong", "x")], 0),
        Err(StoreError::Conflict(_))
    ));
    assert!(matches!(
        journal.commit(&[add("b"), add("a")], 0),
        Err(StoreError::Conflict(_))
    ));
    assert!(matches!(
        journal.commit(&[], 0),
        Err(StoreError::InvalidEdit(_))
    ));
    assert_eq!(journal.marks(), &before.0);
    assert_eq!(disk.0.borrow().seen, before.1);
}

#[test]
fn one_damaged_record_costs_that_record_alone() {
    let (bytes, states) = sample();
    let whole = salvage(&bytes, &key());
    assert_eq!((whole.len(), whole.missing()), (12, 0));
    for place in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[place] ^= 1 << (place % 8);
        let found = salvage(&changed, &key());
        let record = states.iter().rposition(|(end, _)| *end <= place);
        let within = record.map(|r| (place - states[r].0, states[r + 1].0 - states[r].0));
        // Header, head and chain value can be made again; what is sealed cannot.
        let sealed = within.is_some_and(|(at, size)| (HEAD..size - CHAIN).contains(&at));
        let expected = (12 - u64::from(sealed), u64::from(sealed));
        assert_eq!((found.len(), found.missing()), expected, "byte {place}");
    }
    // Two at once, and an end that is cut off.
    let mut changed = bytes.clone();
    for record in [2, 7] {
        changed[states[record].0 + HEAD + 3] ^= 1;
    }
    changed.truncate(bytes.len() - 5);
    let found = salvage(&changed, &key());
    assert_eq!((found.len(), found.missing()), (9, 3));
    // Another key, and no journal at all.
    let other = StoreKey::random().unwrap();
    assert_eq!(salvage(&bytes, &other).len(), 0);
    assert_eq!(salvage(b"nothing", &key()).len(), 0);
}

#[test]
fn what_was_found_again_makes_a_sound_journal() {
    let (bytes, states) = sample();
    let folder = tempfile::tempdir().unwrap();
    for (place, (begin, _)) in states.iter().enumerate().take(12) {
        let mut changed = bytes.clone();
        changed[begin + HEAD + 1] ^= 1;
        let path = folder.path().join(place.to_string());
        let mut journal = NewJournal::create(&path, &key()).unwrap();
        let unmade = write_salvaged(&salvage(&changed, &key()), &mut journal).unwrap();
        journal.finish().unwrap();
        let replay = read(&path, &key()).unwrap();
        assert!(replay.is_sound());
        // The record that is lost made one mark, or named it.
        let ids = |marks: &AnnotationSet| marks.iter().map(|m| m.id.0.clone()).collect::<Vec<_>>();
        let (kept, all) = (ids(&replay.kept.marks), ids(&states[12].1));
        assert!(
            all.len() - kept.len() <= 1 && kept.iter().all(|id| all.contains(id)),
            "{place}"
        );
        // Without its first record the mark is not there to be named.
        assert!(
            unmade <= if place == 0 { 2 } else { 1 },
            "{place}: {unmade}"
        );
    }
    // With nothing missing everything is as it was, steps back too.
    let mut changed = bytes.clone();
    changed[states[3].0 + 2] ^= 1;
    let path = folder.path().join("whole");
    let mut journal = NewJournal::create(&path, &key()).unwrap();
    assert_eq!(
        write_salvaged(&salvage(&changed, &key()), &mut journal).unwrap(),
        0
    );
    journal.finish().unwrap();
    let replay = read(&path, &key()).unwrap();
    assert_eq!(replay.kept.marks, states[12].1);
    let mut journal = Journal::open(&path, replay, &key()).unwrap();
    assert!(journal.undo(20).unwrap().is_some());
}

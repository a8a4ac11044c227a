//! Sessions of the window on a store: whether the last one ended as it should, and what it left; looking into a
//! store that another window has open; going on after the disk refused.

use super::{Store, StoreError, Writing, accounts, database, journal};
use crate::model::{
    edit::{Edit, Kept},
    passphrase::Passphrase,
    segmentation::{SegmentationEdit, SegmentationId},
};
use std::{collections::BTreeSet, path::Path};

/// Key of the note in the database: commits when the session began; empty when it ended as it should.
const NOTE: &str = "session";

/// What a session left that did not end as it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unfinished {
    /// Marks that are there and were made or changed in it.
    pub marks: usize,
    /// When its last edit was saved, milliseconds since 1970 UTC.
    pub at_ms: i64,
}

impl Store {
    /// Begins a session of the window; says what the last one left if it was cut short after an edit.
    ///
    /// # Errors
    /// When the database cannot be read or written; the session may go on without it.
    pub fn begin_session(&mut self) -> Result<Option<Unfinished>, StoreError> {
        let note = database::meta(&self.connection, NOTE)?.unwrap_or_default();
        let began = note.try_into().ok().map(u64::from_le_bytes);
        let unfinished = began.and_then(|began| self.since(began));
        let now = self.commits().to_le_bytes();
        database::set_meta(&self.connection, NOTE, &now)?;
        Ok(unfinished)
    }

    /// Ends it. Without this the next session says what was restored.
    pub fn end_session(&mut self) {
        // On a full disk the next session says it although nothing happened.
        let _ = database::set_meta(&self.connection, NOTE, &[]);
    }

    fn since(&self, began: u64) -> Option<Unfinished> {
        let Writing::Open(journal) = &self.journal else {
            return None;
        };
        let edits: Vec<_> = journal.edits_since(began).collect();
        let ids: BTreeSet<_> = edits.iter().filter_map(|edit| edit.mark_id()).collect();
        let marks = ids.iter().filter(|id| self.marks().get(id).is_some());
        // A segment that was drawn is one thing that somebody made, however many strokes it took.
        let segments: BTreeSet<_> = edits.iter().flat_map(|e| touched(e)).collect();
        let kept = &journal.kept().segmentations;
        let there = |(of, number): &&(&SegmentationId, u16)| {
            kept.get(of).is_some_and(|s| s.segment(*number).is_some())
        };
        (self.commits() > began).then(|| Unfinished {
            marks: marks.count() + segments.iter().filter(there).count(),
            at_ms: journal.last_ms().unwrap_or_default(),
        })
    }

    /// What a store keeps that another window has open: read, never written, and not followed.
    ///
    /// # Errors
    /// As [`Store::open`], but for [`StoreError::Busy`].
    pub fn peek(
        dir: &Path,
        user: Option<&str>,
        passphrase: &Passphrase,
    ) -> Result<Kept, StoreError> {
        let key = accounts::open_key(dir, user, passphrase)?;
        // What the other window is writing this moment looks like a torn end and is left out.
        journal::read(&dir.join(journal::FILE), &key).map(|replay| replay.kept)
    }

    /// Opens the journal anew after a write or a sync failed. What was acknowledged is held against what the disk
    /// says now; what was not is cut off.
    ///
    /// # Errors
    /// When the disk still refuses, or no longer has what was acknowledged.
    pub fn recover(&mut self) -> Result<(), StoreError> {
        let path = self.dir.join(journal::FILE);
        match &mut self.journal {
            Writing::Open(journal) => journal.reopen(&path, &self.key),
            Writing::Damaged(_, problem) => Err(StoreError::damaged("journal", problem.clone())),
        }
    }

    /// Whether a failed write or sync asks for [`Store::recover`].
    pub fn needs_recovery(&self) -> bool {
        matches!(&self.journal, Writing::Open(journal) if journal.is_poisoned())
    }
}

/// The segments that an edit made or changed.
fn touched(edit: &Edit) -> Vec<(&SegmentationId, u16)> {
    let Edit::Segmentation(edit) = edit else {
        return Vec::new();
    };
    let numbers = match edit {
        SegmentationEdit::Put(whole) => whole.segments().map(|s| s.number).collect(),
        SegmentationEdit::Drop(_) | SegmentationEdit::Title { .. } => Vec::new(),
        SegmentationEdit::Segment { to, .. } => to.iter().map(|s| s.number).collect(),
        SegmentationEdit::Voxels(change) => change.numbers().into_iter().collect::<Vec<_>>(),
    };
    numbers.into_iter().map(|n| (edit.of(), n)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{
        KdfCost,
        codec::tests::{mark, point},
    };
    use glam::DVec3;
    use std::{fs, io::Write as _};

    fn made() -> (tempfile::TempDir, std::path::PathBuf, Passphrase) {
        let folder = tempfile::tempdir().unwrap();
        let (dir, pass) = (folder.path().join("s"), Passphrase::new("p"));
        drop(Store::create(&dir, &pass, KdfCost::CHEAP).unwrap());
        (folder, dir, pass)
    }

    fn add(id: &str) -> Edit {
        Edit::Add(mark(id, point(DVec3::ONE)))
    }

    #[test]
    fn a_session_that_was_cut_short_says_what_it_left() {
        let (_folder, dir, pass) = made();
        let mut store = Store::open(&dir, &pass).unwrap();
        assert_eq!(store.begin_session().unwrap(), None);
        store.commit(&[add("a")]).unwrap();
        store.end_session();
        drop(store);
        let mut store = Store::open(&dir, &pass).unwrap();
        assert_eq!(store.begin_session().unwrap(), None, "it ended");
        drop(store);
        let mut store = Store::open(&dir, &pass).unwrap();
        assert_eq!(store.begin_session().unwrap(), None, "nothing was edited");
        store.commit(&[add("b"), add("c")]).unwrap();
        store.commit(&[add("d")]).unwrap();
        store.undo().unwrap();
        let at_ms = store.last_saved_ms().unwrap();
        drop(store);
        let mut store = Store::open(&dir, &pass).unwrap();
        let left = Unfinished { marks: 2, at_ms };
        assert_eq!(store.begin_session().unwrap(), Some(left));
    }

    #[test]
    fn a_store_in_use_can_be_looked_into() {
        let (_folder, dir, pass) = made();
        let mut store = Store::open(&dir, &pass).unwrap();
        store.commit(&[add("a")]).unwrap();
        assert!(matches!(Store::open(&dir, &pass), Err(StoreError::Busy)));
        let before = fs::read(dir.join(journal::FILE)).unwrap();
        assert_eq!(&Store::peek(&dir, None, &pass).unwrap(), store.kept());
        let wrong = Passphrase::new("q");
        assert!(matches!(
            Store::peek(&dir, None, &wrong),
            Err(StoreError::WrongPassphrase)
        ));
        assert_eq!(fs::read(dir.join(journal::FILE)).unwrap(), before);
    }

    #[test]
    fn recovering_keeps_what_was_acknowledged_and_nothing_else() {
        let (_folder, dir, pass) = made();
        let mut store = Store::open(&dir, &pass).unwrap();
        store.commit(&[add("a")]).unwrap();
        let acknowledged = fs::read(dir.join(journal::FILE)).unwrap();
        let mut file = fs::OpenOptions::new()
            .append(true)
            .open(dir.join(journal::FILE))
            .unwrap();
        file.write_all(b"what a failed write left").unwrap();
        store.recover().unwrap();
        assert_eq!(fs::read(dir.join(journal::FILE)).unwrap(), acknowledged);
        store.commit(&[add("b")]).unwrap();
        file.set_len(acknowledged.len() as u64 - 1).unwrap();
        assert!(matches!(store.recover(), Err(StoreError::Damaged { .. })));
    }
}

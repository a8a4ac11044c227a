//! A store is made, locked, opened again, and gone.

use super::{add, contents, made, mark, pass};
use negatoscope::{
    model::annotation::AnnotationId,
    store::{KdfCost, Passphrase, Store, StoreError},
};
use std::fs;

#[test]
fn a_store_is_made_once_and_opened_again() {
    let (_folder, dir) = made();
    let before = contents(&dir);
    assert!(matches!(
        Store::create(&dir, &pass(), KdfCost::CHEAP),
        Err(StoreError::Exists(_))
    ));
    assert!(contents(&dir) == before, "untouched");
    let mut store = Store::open(&dir, &pass()).unwrap();
    store.commit(&[add("a"), add("b")]).unwrap();
    assert!(matches!(Store::open(&dir, &pass()), Err(StoreError::Busy)));
    drop(store);
    let store = Store::open(&dir, &pass()).unwrap();
    assert_eq!(
        store.marks().get(&AnnotationId("b".into())),
        Some(&mark("b", "label"))
    );
    assert_eq!(store.commits(), 1, "one gesture");
    assert!(store.last_saved_ms().is_some());
    assert!(store.verify().unwrap().is_sound());

    let foreign = tempfile::tempdir().unwrap();
    fs::write(foreign.path().join("thesis.txt"), "years of work").unwrap();
    assert!(matches!(
        Store::create(foreign.path(), &pass(), KdfCost::CHEAP),
        Err(StoreError::NotEmpty(_))
    ));
    assert_eq!(contents(foreign.path()).len(), 1);
    assert!(matches!(
        Store::open(foreign.path(), &pass()),
        Err(StoreError::Missing(_))
    ));
    // An empty folder is taken.
    let empty = tempfile::tempdir().unwrap();
    drop(Store::create(empty.path(), &pass(), KdfCost::CHEAP).unwrap());
}

#[test]
fn many_wrong_passphrases_open_nothing() {
    let (_folder, dir) = made();
    for number in 0..200 {
        let wrong = Passphrase::new(format!("correct horse{number}"));
        assert!(matches!(
            Store::open(&dir, &wrong),
            Err(StoreError::WrongPassphrase)
        ));
        // Waiting is tested elsewhere.
        std::fs::remove_file(dir.join("tries")).unwrap();
    }
    for wrong in ["", "correct hors", "Correct horse", "correct horse\n"] {
        assert!(matches!(
            Store::open(&dir, &Passphrase::new(wrong)),
            Err(StoreError::WrongPassphrase)
        ));
    }
}

#[test]
fn a_throw_away_store_leaves_nothing() {
    let mut store = Store::throw_away().unwrap();
    let dir = store.dir().to_owned();
    store.commit(&[add("a")]).unwrap();
    assert!(dir.join("store.db").exists());
    drop(store);
    assert!(!dir.exists());
    assert!(!dir.parent().unwrap().exists());
}

#[test]
fn undo_survives_a_restart() {
    let (_folder, dir) = made();
    let mut store = Store::open(&dir, &pass()).unwrap();
    store.commit(&[add("a")]).unwrap();
    store.commit(&[add("b")]).unwrap();
    drop(store);
    let mut store = Store::open(&dir, &pass()).unwrap();
    assert_eq!(store.can_undo_redo(), (true, false));
    store.undo().unwrap().unwrap();
    drop(store);
    let mut store = Store::open(&dir, &pass()).unwrap();
    assert_eq!(store.marks().len(), 1);
    store.redo().unwrap().unwrap();
    assert_eq!(store.marks().len(), 2);
    store.undo().unwrap().unwrap();
    store.undo().unwrap().unwrap();
    assert_eq!(store.undo().unwrap(), None);
}

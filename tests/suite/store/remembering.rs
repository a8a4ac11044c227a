//! A key that a computer remembers: beside the passphrase, never instead of it, and taken back at any time.

use super::{add, made, pass, text};
use crate::support::PROGRAM;
use negatoscope::{
    model::access::{AuditKind, Right, Role},
    store::{
        KdfCost, Passphrase, Secrets, SecretsError, Store, StoreError,
        remember::is_remembered_anywhere,
    },
};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::Mutex,
};
use zeroize::Zeroizing;

/// A keyring in memory, which can be out of reach.
#[derive(Default)]
pub struct Pocket {
    kept: Mutex<BTreeMap<String, String>>,
    gone: Mutex<bool>,
}

impl Pocket {
    fn ask<T>(
        &self,
        work: impl FnOnce(&mut BTreeMap<String, String>) -> T,
    ) -> Result<T, SecretsError> {
        match *self.gone.lock().unwrap() {
            true => Err(SecretsError::Unreachable),
            false => Ok(work(&mut self.kept.lock().unwrap())),
        }
    }

    pub fn go(&self, gone: bool) {
        *self.gone.lock().unwrap() = gone;
    }

    pub fn len(&self) -> usize {
        self.kept.lock().unwrap().len()
    }

    fn contents(&self) -> BTreeMap<String, String> {
        self.kept.lock().unwrap().clone()
    }
}

impl Secrets for Pocket {
    fn put(&self, name: &str, secret: &str) -> Result<(), SecretsError> {
        self.ask(|kept| drop(kept.insert(name.to_owned(), secret.to_owned())))
    }

    fn get(&self, name: &str) -> Result<Option<Zeroizing<String>>, SecretsError> {
        self.ask(|kept| kept.get(name).cloned().map(Zeroizing::new))
    }

    fn remove(&self, name: &str) -> Result<(), SecretsError> {
        self.ask(|kept| drop(kept.remove(name)))
    }
}

fn remembered_files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|e| e.unwrap().path());
    let named = |path: &PathBuf| path.to_string_lossy().contains("remembered-");
    entries.filter(named).collect()
}

fn not_remembered(opened: Result<Store, StoreError>) -> bool {
    matches!(opened, Err(StoreError::NotRemembered))
}

#[test]
fn a_computer_that_remembers_opens_the_store_and_the_passphrase_still_does() {
    let (_folder, dir) = made();
    let pocket = Pocket::default();
    assert!(not_remembered(Store::open_remembered(&dir, None, &pocket)));
    let mut store = Store::open(&dir, &pass()).unwrap();
    store.commit(&[add("a")]).unwrap();
    store.remember(&pocket).unwrap();
    drop(store);
    assert!(is_remembered_anywhere(&dir));
    let mut store = Store::open_remembered(&dir, None, &pocket).unwrap();
    assert!(store.opened_remembered());
    assert_eq!((store.user(), store.role()), ("owner", Role::Admin));
    assert_eq!(store.marks().len(), 1);
    store.commit(&[add("b")]).unwrap();
    // Neither the passphrase nor the key is in the keyring, and its names say nobody.
    for (name, secret) in pocket.contents() {
        assert!(
            !name.contains("owner") && !secret.contains("horse"),
            "{name}"
        );
    }
    // Without the passphrase nobody changes keys, accounts or who is there.
    let refused = [
        (Right::ManageUsers, store.accounts().map(drop)),
        (Right::ErasePatient, store.erase_patient("77").map(drop)),
        (
            Right::ChangeOwnPassphrase,
            store.set_passphrase("owner", &Passphrase::new("x"), KdfCost::CHEAP),
        ),
        (Right::Rekey, store.demand(Right::Rekey)),
        (Right::ChangeOwnPassphrase, store.remember(&pocket)),
    ];
    for (right, outcome) in refused {
        assert!(
            matches!(outcome, Err(StoreError::NeedsPassphrase(named)) if named == right),
            "{right:?}"
        );
    }
    drop(store);
    let mut store = Store::open(&dir, &pass()).unwrap();
    assert!(!store.opened_remembered());
    assert_eq!(store.marks().len(), 2);
    assert_eq!(store.remembered_for("owner").unwrap(), 1);
    let mut seen = Vec::new();
    let log = store.read_audit(&mut |entry| seen.push((entry.kind, entry.detail)));
    assert_eq!(log.unwrap().problem, None);
    let opened = |(kind, detail): &(AuditKind, String)| {
        *kind == AuditKind::Opened && detail.ends_with("by the key that a computer remembers")
    };
    assert_eq!(seen.iter().filter(|e| opened(e)).count(), 1);
    assert!(
        seen.iter()
            .any(|(kind, _)| *kind == AuditKind::KeyRemembered)
    );
    // Taken back.
    assert_eq!(store.forget(&pocket).unwrap(), 1);
    assert_eq!(store.forget(&pocket).unwrap(), 0);
    assert_eq!((pocket.len(), remembered_files(&dir).len()), (0, 0));
    drop(store);
    assert!(not_remembered(Store::open_remembered(&dir, None, &pocket)));
    drop(Store::open(&dir, &pass()).unwrap());
}

#[test]
fn what_is_remembered_is_taken_back_also_out_of_reach() {
    let (_folder, dir) = made();
    let (here, there) = (Pocket::default(), Pocket::default());
    let mut store = Store::open(&dir, &pass()).unwrap();
    let lee = Passphrase::new("lee");
    store
        .add_account("Lee", Role::Reader, &lee, KdfCost::CHEAP)
        .unwrap();
    store.remember(&here).unwrap();
    store.remember(&here).unwrap();
    store.remember(&there).unwrap();
    assert_eq!(store.remembered_for("OWNER").unwrap(), 2, "one a computer");
    assert_eq!(remembered_files(&dir).len(), 4);
    // A copy of the store has none of it.
    let (copy, _) = store.backup(None).unwrap();
    assert_eq!(remembered_files(&copy).len(), 0);
    drop(store);
    let mut store = Store::open_as(&dir, Some("lee"), &lee).unwrap();
    store.remember(&there).unwrap();
    assert!(matches!(
        store.forget_everywhere("owner"),
        Err(StoreError::NotAllowed(Right::ManageUsers))
    ));
    drop(store);
    let store = Store::open_remembered(&dir, Some("LEE"), &there).unwrap();
    assert_eq!(store.role(), Role::Reader);
    drop(store);
    assert!(not_remembered(Store::open_remembered(
        &dir,
        Some("Lee"),
        &here
    )));
    // The other computer is out of reach; its key is worth nothing all the same.
    let mut store = Store::open(&dir, &pass()).unwrap();
    assert_eq!(store.forget_everywhere("owner").unwrap(), 2);
    drop(store);
    for pocket in [&here, &there] {
        assert_eq!(
            pocket.len(),
            if std::ptr::eq(pocket, &here) { 1 } else { 2 }
        );
        assert!(not_remembered(Store::open_remembered(&dir, None, pocket)));
    }
    // Another passphrase forgets, and so does an account that goes.
    let mut store = Store::open(&dir, &pass()).unwrap();
    store
        .set_passphrase("Lee", &Passphrase::new("new"), KdfCost::CHEAP)
        .unwrap();
    assert_eq!(store.remembered_for("Lee").unwrap(), 0);
    drop(store);
    assert!(not_remembered(Store::open_remembered(
        &dir,
        Some("Lee"),
        &there
    )));
    let mut store = Store::open_as(&dir, Some("Lee"), &Passphrase::new("new")).unwrap();
    store.remember(&there).unwrap();
    drop(store);
    let mut store = Store::open(&dir, &pass()).unwrap();
    store.remove_account("Lee").unwrap();
    drop(store);
    assert!(not_remembered(Store::open_remembered(
        &dir,
        Some("Lee"),
        &there
    )));
    assert_eq!(remembered_files(&dir).len(), 0);
    // Another key forgets everything.
    let mut store = Store::open(&dir, &pass()).unwrap();
    store.remember(&here).unwrap();
    store.rekey(&Passphrase::new("q"), KdfCost::CHEAP).unwrap();
    assert_eq!(remembered_files(&dir).len(), 0);
    assert!(not_remembered(Store::open_remembered(&dir, None, &here)));
    let store = Store::open(&dir, &Passphrase::new("q")).unwrap();
    assert_eq!(store.remembered_for("owner").unwrap(), 0);
}

#[test]
fn a_keyring_that_fails_or_lies_opens_nothing_and_leaves_nothing() {
    let (_folder, dir) = made();
    let pocket = Pocket::default();
    let mut store = Store::open(&dir, &pass()).unwrap();
    pocket.go(true);
    assert!(matches!(
        store.remember(&pocket),
        Err(StoreError::Keyring(SecretsError::Unreachable))
    ));
    assert!(remembered_files(&dir).is_empty());
    assert_eq!(store.remembered_for("owner").unwrap(), 0);
    pocket.go(false);
    store.remember(&pocket).unwrap();
    drop(store);
    pocket.go(true);
    assert!(matches!(
        Store::open_remembered(&dir, None, &pocket),
        Err(StoreError::Keyring(SecretsError::Unreachable))
    ));
    pocket.go(false);
    let (name, right) = pocket.contents().pop_first().unwrap();
    let zeros = format!("{} {}", &right[..16], "0".repeat(64));
    for lie in ["", "x", "../../etc/passwd 00", &right[..40], &zeros] {
        pocket.put(&name, lie).unwrap();
        assert!(
            not_remembered(Store::open_remembered(&dir, None, &pocket)),
            "{lie}"
        );
    }
    // None of that counts as a wrong passphrase: nobody waits.
    drop(Store::open(&dir, &pass()).unwrap());
    pocket.put(&name, &right).unwrap();
    drop(Store::open_remembered(&dir, None, &pocket).unwrap());
    // A file without its note in the database is worth nothing.
    let files = remembered_files(&dir);
    let kept: Vec<Vec<u8>> = files.iter().map(|f| fs::read(f).unwrap()).collect();
    let mut store = Store::open(&dir, &pass()).unwrap();
    store.forget(&pocket).unwrap();
    drop(store);
    for (file, bytes) in files.iter().zip(kept) {
        fs::write(file, bytes).unwrap();
    }
    pocket.put(&name, &right).unwrap();
    assert!(not_remembered(Store::open_remembered(&dir, None, &pocket)));
    assert!(remembered_files(&dir).is_empty(), "it is swept");
    // Where the keyring is out of reach, forgetting takes back all keys of the account.
    let mut store = Store::open(&dir, &pass()).unwrap();
    store.remember(&pocket).unwrap();
    pocket.go(true);
    assert_eq!(store.forget(&pocket).unwrap(), 1);
    assert!(remembered_files(&dir).is_empty());
}

/// Runs a script of the shell on a message bus of its own; `$NEGA` is the program, `$STORE` the store.
fn on_a_bus(dir: &Path, script: &str) -> Output {
    let home = dir.parent().unwrap();
    Command::new("dbus-run-session")
        .args(["--", "bash", "-c", script])
        .env("NEGA", PROGRAM)
        .env("STORE", dir)
        .env("HOME", home)
        .env("XDG_DATA_HOME", home.join("data"))
        .env("XDG_RUNTIME_DIR", home)
        .env_remove("DBUS_SESSION_BUS_ADDRESS")
        .output()
        .unwrap()
}

#[test]
#[cfg_attr(
    not(has_keyring),
    ignore = "needs gnome-keyring-daemon and dbus-run-session"
)]
fn the_keyring_of_the_system_remembers_until_it_is_told_to_forget() {
    let (_folder, dir) = made();
    let script = r#"
        printf pocket | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1
        p() { printf 'correct horse\n' | "$NEGA" "$@" --store "$STORE" --passphrase-fd 0; }
        n() { "$NEGA" "$@" --store "$STORE"; }
        n list; echo "locked $?"
        p store remember; echo "remember $?"
        n list; echo "open $?"
        n store status --json; echo "status $?"
        n user list; echo "accounts $?"
        n store forget; echo "forget $?"
        n list; echo "again $?"
        p store status --json
    "#;
    let output = on_a_bus(&dir, script);
    let (said, complaints) = (text(&output.stdout), text(&output.stderr));
    for line in [
        "locked 6",
        "remember 0",
        "open 0",
        "status 0",
        "accounts 6",
        "forget 0",
        "again 6",
    ] {
        assert!(
            said.lines().any(|l| l == line),
            "{line}: {said}\n{complaints}"
        );
    }
    assert!(said.contains(r#""opened_by":"keyring""#), "{said}");
    assert!(said.contains(r#""remembered":false"#), "{said}");
    assert!(complaints.contains("this needs the passphrase itself: manage-users"));
}

#[test]
fn without_a_keyring_it_is_said() {
    let (_folder, dir) = made();
    let mut command = Command::new(PROGRAM);
    command
        .args(["store", "remember", "--passphrase-fd", "0", "--store"])
        .arg(&dir)
        .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut stdin, b"correct horse\n").unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(5), "{output:?}");
    let said = text(&output.stderr);
    assert!(
        said.contains("this computer has no keyring that answers"),
        "{said}"
    );
    assert!(!is_remembered_anywhere(&dir));
}

//! A key that this computer remembers: beside the passphrase, never instead of it.
//!
//! The keyring of the operating system (Secret Service, Keychain, Credential Manager) gets 32 random bytes; a file in the
//! store gives the store's key for them, as an account's file does for its passphrase. One computer has one such file an
//! account. Whoever removes the file, or the note of it in the database, has taken the key back, also from a computer
//! that is out of reach.
//!
//! Must stay true: the passphrase stays what opens the store; a store that was opened without it changes neither
//! accounts nor keys and takes nobody out; a changed passphrase, a removed account and another key forget what was
//! remembered; copies of the store have no such files.

use super::{
    AuditEvent, KdfCost, Store, StoreError, accounts,
    accounts::{OWNER, Session},
    database, key,
};
use crate::model::{
    access::{AuditKind, Right},
    passphrase::Passphrase,
};
use rusqlite::params;
use std::{fmt::Write as _, fs, path::Path, sync::Arc};
use zeroize::Zeroizing;

/// How files begin that give the key for what a keyring keeps.
const FILES: &str = "remembered-";
/// How notes of them in the database begin; account and day follow as value.
const NOTES: &str = "remembered:";
/// What comes behind all of them.
const END_OF_NOTES: &str = "remembered;";
/// Under what the program keeps things in a keyring.
const SERVICE: &str = "negatoscope";

/// Why a keyring did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretsError {
    /// There is none, or nobody answers.
    #[error("this computer has no keyring that answers")]
    Unreachable,
    /// It is locked and stays so.
    #[error("the keyring of this computer is locked")]
    Locked,
    /// It refused; without content.
    #[error("the keyring of this computer refused")]
    Refused,
}

/// Where small secrets are kept.
pub trait Secrets: Send + Sync {
    /// Keeps a secret under a name; what was there is replaced.
    ///
    /// # Errors
    /// When it cannot.
    fn put(&self, name: &str, secret: &str) -> Result<(), SecretsError>;
    /// What is kept under a name. May wait for a human who unlocks the keyring.
    ///
    /// # Errors
    /// When it cannot be said.
    fn get(&self, name: &str) -> Result<Option<Zeroizing<String>>, SecretsError>;
    /// Removes what is kept under a name; nothing is fine too.
    ///
    /// # Errors
    /// When it cannot.
    fn remove(&self, name: &str) -> Result<(), SecretsError>;
}

/// The keyring of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemKeyring;

impl SystemKeyring {
    /// For who wants to share it.
    pub fn shared() -> Arc<dyn Secrets> {
        Arc::new(Self)
    }
}

#[cfg(target_os = "linux")]
mod system {
    //! Secret Service.
    use super::{SERVICE, Secrets, SecretsError, SystemKeyring};
    use crate::store::secret_service::{get, put, remove};
    use std::collections::HashMap;
    use zeroize::Zeroizing;

    fn attributes(name: &str) -> HashMap<&str, &str> {
        HashMap::from([("service", SERVICE), ("username", name)])
    }

    impl Secrets for SystemKeyring {
        fn put(&self, name: &str, secret: &str) -> Result<(), SecretsError> {
            put("Negatoscope", &attributes(name), secret)
        }

        fn get(&self, name: &str) -> Result<Option<Zeroizing<String>>, SecretsError> {
            get(&attributes(name))
        }

        fn remove(&self, name: &str) -> Result<(), SecretsError> {
            remove(&attributes(name))
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    //! Keychain and Credential Manager.
    use super::{SERVICE, Secrets, SecretsError, SystemKeyring};
    use keyring::{Entry, Error};
    use zeroize::Zeroizing;

    fn entry(name: &str) -> Result<Entry, SecretsError> {
        Entry::new(SERVICE, name).map_err(|error| refused(&error))
    }

    /// Its own words may name the entry; none of them goes on.
    fn refused(error: &Error) -> SecretsError {
        match error {
            Error::NoDefaultStore | Error::PlatformFailure(_) => SecretsError::Unreachable,
            Error::NoStorageAccess(_) => SecretsError::Locked,
            _ => SecretsError::Refused,
        }
    }

    impl Secrets for SystemKeyring {
        fn put(&self, name: &str, secret: &str) -> Result<(), SecretsError> {
            entry(name)?.set_password(secret).map_err(|e| refused(&e))
        }

        fn get(&self, name: &str) -> Result<Option<Zeroizing<String>>, SecretsError> {
            match entry(name)?.get_password() {
                Ok(secret) => Ok(Some(Zeroizing::new(secret))),
                Err(Error::NoEntry) => Ok(None),
                Err(error) => Err(refused(&error)),
            }
        }

        fn remove(&self, name: &str) -> Result<(), SecretsError> {
            match entry(name)?.delete_credential() {
                Ok(()) | Err(Error::NoEntry) => Ok(()),
                Err(error) => Err(refused(&error)),
            }
        }
    }
}

/// Whether a right needs the passphrase itself: what changes keys and accounts, and what cannot be taken back.
pub(super) const fn needs_passphrase(right: Right) -> bool {
    matches!(
        right,
        Right::ChangeOwnPassphrase | Right::ManageUsers | Right::Rekey | Right::ErasePatient
    )
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn random_hex(bytes: usize) -> Result<Zeroizing<String>, StoreError> {
    let mut random = Zeroizing::new(vec![0; bytes]);
    key::fill_random(&mut random)?;
    Ok(Zeroizing::new(hex(&random)))
}

/// The name in a keyring of what opens a store as an account. It says neither of them.
fn name_of(store_id: [u8; 16], user: &str) -> String {
    let [file, _] = accounts::key_names(store_id, user);
    let account = file.trim_start_matches("user-").trim_end_matches(".key");
    format!("store-{}-{account}", hex(&store_id))
}

/// The key files of a slot.
fn files_of(slot: &str) -> [String; 2] {
    [format!("{FILES}{slot}.key"), format!("{FILES}{slot}.copy")]
}

/// Whether a file of a store gives its key for what a keyring keeps.
pub(super) fn is_remembered_key(name: &str) -> bool {
    name.starts_with(FILES)
}

/// Whether some computer remembers the key of a store; asks no keyring.
pub fn is_remembered_anywhere(dir: &Path) -> bool {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut names = entries.map(|entry| entry.file_name());
    names.any(|name| is_remembered_key(&name.to_string_lossy()))
}

fn remove_slot(dir: &Path, slot: &str) -> Result<(), StoreError> {
    for file in files_of(slot) {
        match fs::remove_file(dir.join(file)) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(StoreError::io("removing a key file")(e));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Removes all key files of the kind: under another key they are worth nothing.
pub(super) fn remove_all(dir: &Path) -> Result<(), StoreError> {
    let entries = fs::read_dir(dir).map_err(StoreError::io("reading the folder"))?;
    for entry in entries.flatten() {
        if is_remembered_key(&entry.file_name().to_string_lossy()) {
            fs::remove_file(entry.path()).map_err(StoreError::io("removing a key file"))?;
        }
    }
    Ok(())
}

/// Removes all notes of remembered keys from a database.
pub(super) fn forget_notes(connection: &rusqlite::Connection) -> Result<(), StoreError> {
    connection.execute(
        "DELETE FROM meta WHERE name >= ?1 AND name < ?2",
        params![NOTES, END_OF_NOTES],
    )?;
    Ok(())
}

/// What a keyring says: the slot and its secret. Only letters and digits of ours make a file name.
fn parse(secret: &str) -> Option<(&str, &str)> {
    let (slot, secret) = secret.split_once(' ')?;
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit());
    (slot.len() == 16 && secret.len() == 64 && plain(slot) && plain(secret))
        .then_some((slot, secret))
}

impl Store {
    /// Opens a store with the key that this computer remembers for an account; nobody is the owner.
    ///
    /// # Errors
    /// [`StoreError::NotRemembered`] where nothing is remembered or it was taken back, [`StoreError::Keyring`] where
    /// the keyring does not answer, and those of [`Store::open`].
    pub fn open_remembered(
        dir: &Path,
        user: Option<&str>,
        secrets: &dyn Secrets,
    ) -> Result<Self, StoreError> {
        if !is_remembered_anywhere(dir) {
            return Err(StoreError::NotRemembered);
        }
        super::maintenance::finish_rekey(dir)?;
        let account = user
            .filter(|name| !name.eq_ignore_ascii_case(OWNER))
            .unwrap_or(OWNER);
        let name = name_of(key::status(dir)?.store_id, account);
        let secret = secrets.get(&name)?.ok_or(StoreError::NotRemembered)?;
        let (slot, secret) = parse(&secret).ok_or(StoreError::NotRemembered)?;
        let [file, copy] = files_of(slot);
        if !dir.join(&file).exists() && !dir.join(&copy).exists() {
            return Err(StoreError::NotRemembered);
        }
        let opened = key::open_named(dir, [&file, &copy], &Passphrase::new(secret));
        let key = opened.map_err(|error| match error {
            // Nobody mistyped: what the keyring has belongs to another key.
            StoreError::WrongPassphrase => StoreError::NotRemembered,
            other => other,
        })?;
        let mut store = Self::open_with(dir, key, false)?;
        let note = store.note_of(slot)?;
        if !note.is_some_and(|known| known.eq_ignore_ascii_case(account)) {
            remove_slot(dir, slot)?;
            return Err(StoreError::NotRemembered);
        }
        store.session = Session::owner();
        if account != OWNER {
            let role = store.role_of(account)?.ok_or(StoreError::NotRemembered)?;
            store.session.user = account.to_owned();
            store.session.role = role;
        }
        store.session.remembered = true;
        store.begin_log();
        Ok(store)
    }

    /// Whether this session was opened by what the computer remembers, without the passphrase.
    pub const fn opened_remembered(&self) -> bool {
        self.session.remembered
    }

    /// The account that a slot was made for.
    fn note_of(&self, slot: &str) -> Result<Option<String>, StoreError> {
        let note = database::meta(&self.connection, &format!("{NOTES}{slot}"))?;
        let text = note.and_then(|bytes| String::from_utf8(bytes).ok());
        Ok(text.and_then(|text| text.lines().next().map(str::to_owned)))
    }

    /// All slots: slot, account.
    fn slots(&self) -> Result<Vec<(String, String)>, StoreError> {
        let mut statement = self
            .connection
            .prepare("SELECT name, value FROM meta WHERE name >= ?1 AND name < ?2")?;
        let rows = statement.query_map(params![NOTES, END_OF_NOTES], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?))
        })?;
        let mut found = Vec::new();
        for row in rows {
            let (name, value) = row?;
            let account = String::from_utf8_lossy(&value);
            let account = account.lines().next().unwrap_or_default().to_owned();
            let slot = name.trim_start_matches(NOTES).to_owned();
            found.push((slot, account));
        }
        Ok(found)
    }

    /// On how many computers the key of an account is remembered.
    ///
    /// # Errors
    /// Those of the database.
    pub fn remembered_for(&self, user: &str) -> Result<usize, StoreError> {
        let slots = self.slots()?;
        let of = slots.iter().filter(|(_, a)| a.eq_ignore_ascii_case(user));
        Ok(of.count())
    }

    /// Lets this computer remember the key for the account that has the store open. Needs a session that the passphrase
    /// opened.
    ///
    /// # Errors
    /// [`StoreError::NeedsPassphrase`], [`StoreError::Keyring`]; those of the disk. Nothing is remembered then.
    pub fn remember(&mut self, secrets: &dyn Secrets) -> Result<(), StoreError> {
        if self.session.remembered {
            return Err(StoreError::NeedsPassphrase(Right::ChangeOwnPassphrase));
        }
        let store_id = key::status(&self.dir)?.store_id;
        let name = name_of(store_id, &self.session.user);
        // What this computer remembered until now is replaced.
        let before = secrets.get(&name)?;
        let (slot, secret) = (random_hex(8)?, random_hex(32)?);
        let [file, copy] = files_of(&slot);
        key::wrap(
            &self.dir,
            [&file, &copy],
            &self.key,
            store_id,
            &Passphrase::new(secret.as_bytes()),
            // The secret is as random as the key: trying all of them is hopeless however cheap one is.
            KdfCost::CHEAP,
        )?;
        let day = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
        let note = format!("{}\n{day}", self.session.user);
        let kept = database::set_meta(
            &self.connection,
            &format!("{NOTES}{}", *slot),
            note.as_bytes(),
        )
        .and_then(|()| self.checkpoint())
        .and_then(|()| {
            let secret = Zeroizing::new(format!("{} {}", *slot, *secret));
            Ok(secrets.put(&name, &secret)?)
        });
        if let Err(error) = kept {
            self.drop_slot(&slot)?;
            return Err(error);
        }
        if let Some((old, _)) = before.as_deref().and_then(|secret| parse(secret)) {
            self.drop_slot(old)?;
        }
        let user = self.session.user.clone();
        self.log_now(AuditEvent::new(AuditKind::KeyRemembered, user))
    }

    fn drop_slot(&self, slot: &str) -> Result<(), StoreError> {
        self.connection.execute(
            "DELETE FROM meta WHERE name = ?1",
            [format!("{NOTES}{slot}")],
        )?;
        self.checkpoint()?;
        remove_slot(&self.dir, slot)
    }

    /// Forgets what this computer remembers for the account that has the store open; how many keys were taken back. The
    /// key is taken back also where the keyring does not answer.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn forget(&mut self, secrets: &dyn Secrets) -> Result<usize, StoreError> {
        let store_id = key::status(&self.dir)?.store_id;
        let user = self.session.user.clone();
        let name = name_of(store_id, &user);
        let slot = match secrets.get(&name) {
            Ok(secret) => secret.and_then(|text| parse(&text).map(|(slot, _)| slot.to_owned())),
            // Which of them is this computer's only its keyring can say: all of the account go.
            Err(_) => return self.forget_account(&user),
        };
        // What stays in a keyring that refuses opens nothing any more.
        let _ = secrets.remove(&name);
        let Some(slot) = slot else { return Ok(0) };
        if self.note_of(&slot)?.is_none() {
            return Ok(0);
        }
        self.drop_slot(&slot)?;
        self.log_now(AuditEvent::new(AuditKind::KeyForgotten, user))?;
        Ok(1)
    }

    /// Forgets what all computers remember for an account, the own one or with the right for it that of somebody else;
    /// how many there were.
    ///
    /// # Errors
    /// When the role does not allow it; those of the disk.
    pub fn forget_everywhere(&mut self, user: &str) -> Result<usize, StoreError> {
        if !user.eq_ignore_ascii_case(&self.session.user) {
            self.demand(Right::ManageUsers)?;
        }
        self.forget_account(user)
    }

    /// The same without asking: an account that is gone or has another passphrase.
    pub(super) fn forget_account(&self, user: &str) -> Result<usize, StoreError> {
        let slots = self.slots()?;
        let own: Vec<_> = slots
            .into_iter()
            .filter(|(_, account)| account.eq_ignore_ascii_case(user))
            .collect();
        for (slot, _) in &own {
            self.drop_slot(slot)?;
        }
        if !own.is_empty() {
            self.log_now(AuditEvent::new(AuditKind::KeyForgotten, user))?;
        }
        Ok(own.len())
    }
}

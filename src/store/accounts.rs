//! Accounts: who may open a store, and what they may do in it.
//!
//! Each account has a key file of its own, which gives the store's key for its passphrase; its name is a hash, so that
//! the folder does not say who works with it. Roles are rows of the encrypted database. The passphrase that made the
//! store is that of its owner, who may do everything.
//!
//! Must stay true: what a role does not allow is refused by the store itself, before anything is changed, and is
//! written into the log. Roles bind people who use this program: whoever has a passphrase and writes a program of their
//! own has the key.

use super::{
    AuditEvent, KdfCost, Store, StoreError, files, key, now_ms, remember::needs_passphrase,
};
use crate::model::{
    access::{AuditKind, Right, Role},
    edit::Edit,
    passphrase::Passphrase,
};
use rusqlite::{OptionalExtension as _, params};
use sha2::{Digest as _, Sha256};
use std::{fs, path::Path};

/// The name of who made the store.
pub const OWNER: &str = "owner";

/// Tries that cost nothing.
const FREE_TRIES: u32 = 4;
/// Longest wait between two tries, seconds.
const LONGEST_WAIT: u64 = 60;
/// Where tries are counted. It says nothing but how many there were.
const TRIES: &str = "tries";

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// What it may.
    pub role: Role,
    /// When it was made, ISO; empty for the owner.
    pub created: String,
    /// Whether it has a key file: after the store got another key it needs a new passphrase.
    pub has_key: bool,
}

/// Who works with an open store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Session {
    pub(super) user: String,
    pub(super) role: Role,
    /// What was allowed beyond the role, and why.
    pub(super) broken: Option<String>,
    /// A key that the computer remembers opened it, not the passphrase.
    pub(super) remembered: bool,
}

impl Session {
    pub(super) fn owner() -> Self {
        Self {
            user: OWNER.to_owned(),
            role: Role::Admin,
            broken: None,
            remembered: false,
        }
    }

    /// The role that counts: with broken glass that of a reader at least.
    pub(super) fn effective(&self) -> Role {
        match self.broken {
            Some(_) => self.role.max(Role::Reader),
            None => self.role,
        }
    }
}

/// Whether a name can be that of an account.
fn check_name(name: &str) -> Result<(), StoreError> {
    let right = !name.is_empty()
        && name.chars().count() <= 64
        && name.trim() == name
        && !name.chars().any(char::is_control)
        && !name.eq_ignore_ascii_case(OWNER);
    match right {
        true => Ok(()),
        false => Err(StoreError::InvalidAccount("this cannot be a name")),
    }
}

/// Names of the key files of an account.
pub(super) fn key_names(store_id: [u8; 16], user: &str) -> [String; 2] {
    let hash = Sha256::new()
        .chain_update(b"negatoscope account")
        .chain_update(store_id)
        .chain_update(user.to_lowercase())
        .finalize();
    let digits: String = hash.iter().take(12).map(|b| format!("{b:02x}")).collect();
    [
        format!("user-{digits}.key"),
        format!("user-{digits}.key.copy"),
    ]
}

/// Tries in vain since somebody came in, and when the last was, milliseconds since 1970.
fn tries(dir: &Path) -> (u32, i64) {
    let text = fs::read_to_string(dir.join(TRIES)).unwrap_or_default();
    let mut words = text.split_whitespace();
    let count = words.next().and_then(|w| w.parse().ok()).unwrap_or(0);
    let at = words.next().and_then(|w| w.parse().ok()).unwrap_or(0);
    (count, at)
}

/// Makes who tried in vain often wait: twice as long each time.
///
/// # Errors
/// [`StoreError::TooManyTries`].
pub(super) fn check_tries(dir: &Path) -> Result<(), StoreError> {
    let (count, at) = tries(dir);
    let Some(over) = count.checked_sub(FREE_TRIES) else {
        return Ok(());
    };
    let wait = 1u64.checked_shl(over).unwrap_or(LONGEST_WAIT);
    let wait = wait.min(LONGEST_WAIT);
    // A clock that was set back does not lock anybody out for longer than the longest wait.
    let passed = u64::try_from(now_ms().saturating_sub(at)).unwrap_or(0) / 1000;
    match wait.checked_sub(passed) {
        Some(seconds @ 1..) => Err(StoreError::TooManyTries { seconds }),
        _ => Ok(()),
    }
}

pub(super) fn note_try(dir: &Path) {
    let count = tries(dir).0.saturating_add(1);
    // What cannot be counted is not: the wrong passphrase stays wrong.
    let _ = files::write_whole(
        &dir.join(TRIES),
        format!("{count} {}\n", now_ms()).as_bytes(),
    );
}

/// How many tries in vain there were, which are forgotten with this.
pub(super) fn take_tries(dir: &Path) -> u32 {
    let (count, _) = tries(dir);
    if count > 0 {
        let _ = fs::remove_file(dir.join(TRIES));
    }
    count
}

/// The right that an edit needs.
pub fn right_of(edit: &Edit) -> Right {
    match edit {
        Edit::Add(_) | Edit::Remove(_) | Edit::Reshape { .. } | Edit::Relabel { .. } => {
            Right::Annotate
        }
        Edit::Revise { .. } | Edit::Say { .. } | Edit::Segmentation(_) => Right::Annotate,
        Edit::KeyImage { .. } => Right::KeyImages,
        Edit::Calibrate { .. } => Right::Calibrate,
        Edit::View { .. } | Edit::Layout { .. } => Right::Arrange,
        Edit::ReadStatus { .. } => Right::ReadStatus,
        Edit::Report { .. } => Right::Report,
        // That two entries are one.
        Edit::Amend { place, .. } if place.kind == "Linkage" => Right::LinkRecords,
        Edit::Amend { .. } => Right::ImportRecords,
    }
}

impl Store {
    /// Who has opened it.
    pub fn user(&self) -> &str {
        &self.session.user
    }

    /// What they may: their role, or more where glass was broken.
    pub fn role(&self) -> Role {
        self.session.effective()
    }

    /// Refuses what the role does not allow, and writes that down.
    ///
    /// # Errors
    /// [`StoreError::NotAllowed`].
    pub fn demand(&self, right: Right) -> Result<(), StoreError> {
        let may = self.session.effective().may(right);
        let without = self.session.remembered && needs_passphrase(right);
        if may && !without {
            return Ok(());
        }
        let event = AuditEvent::new(AuditKind::Denied, right.name());
        self.log(event.failed());
        Err(match may {
            true => StoreError::NeedsPassphrase(right),
            false => StoreError::NotAllowed(right),
        })
    }

    /// Allows for this session what a reader may, for a reason that is written down before.
    ///
    /// # Errors
    /// `InvalidAccount` without a reason; when the log cannot be written, nothing is allowed.
    pub fn break_glass(&mut self, reason: &str) -> Result<(), StoreError> {
        let reason = reason.trim();
        if reason.chars().count() < 3 {
            return Err(StoreError::InvalidAccount("a reason is needed"));
        }
        let event = AuditEvent::new(AuditKind::BreakGlass, reason);
        self.log_now(event)?;
        self.session.broken = Some(reason.to_owned());
        Ok(())
    }

    /// The owner, then all accounts by name.
    ///
    /// # Errors
    /// When the role does not allow it, and those of the database.
    pub fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        self.demand(Right::ManageUsers)?;
        let store_id = key::status(&self.dir)?.store_id;
        let mut accounts = vec![Account {
            name: OWNER.to_owned(),
            role: Role::Admin,
            created: String::new(),
            has_key: true,
        }];
        let mut statement = self
            .connection
            .prepare("SELECT name, role, created FROM account ORDER BY name")?;
        let rows = statement.query_map([], |row| {
            let text = |column: usize| row.get::<_, String>(column);
            Ok((text(0)?, text(1)?, text(2)?))
        })?;
        for row in rows {
            let (name, role, created) = row?;
            let [file, copy] = key_names(store_id, &name);
            accounts.push(Account {
                has_key: self.dir.join(file).exists() || self.dir.join(copy).exists(),
                role: Role::named(&role).unwrap_or(Role::Viewer),
                name,
                created,
            });
        }
        Ok(accounts)
    }

    pub(super) fn role_of(&self, name: &str) -> Result<Option<Role>, StoreError> {
        let role: Option<String> = self
            .connection
            .query_row(
                "SELECT role FROM account WHERE name = ?1 COLLATE NOCASE",
                [name],
                |row| row.get(0),
            )
            .optional()?;
        // A role of a later version is the least one here.
        Ok(role.map(|role| Role::named(&role).unwrap_or(Role::Viewer)))
    }

    fn known(&self, name: &str) -> Result<Role, StoreError> {
        let unknown = StoreError::InvalidAccount("there is no such account");
        self.role_of(name)?.ok_or(unknown)
    }

    /// Adds an account under its own passphrase.
    ///
    /// # Errors
    /// When the role does not allow it, the name is none or taken, the passphrase is empty; those of the disk.
    pub fn add_account(
        &mut self,
        name: &str,
        role: Role,
        passphrase: &Passphrase,
        cost: KdfCost,
    ) -> Result<(), StoreError> {
        self.demand(Right::ManageUsers)?;
        check_name(name)?;
        if self.role_of(name)?.is_some() {
            return Err(StoreError::InvalidAccount("the account is there already"));
        }
        self.wrap_for(name, passphrase, cost)?;
        let created = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ");
        self.connection.execute(
            "INSERT INTO account (name, role, created) VALUES (?1, ?2, ?3)",
            params![name, role.name(), created.to_string()],
        )?;
        self.checkpoint()?;
        let detail = format!("{name}: {}", role.name());
        self.log_now(AuditEvent::new(AuditKind::UserAdded, detail))
    }

    fn wrap_for(
        &self,
        name: &str,
        passphrase: &Passphrase,
        cost: KdfCost,
    ) -> Result<(), StoreError> {
        if passphrase.is_empty() {
            return Err(StoreError::InvalidAccount("the passphrase is empty"));
        }
        let store_id = key::status(&self.dir)?.store_id;
        let names = key_names(store_id, name);
        let names = match name == OWNER {
            true => [key::FILE, key::COPY],
            false => [names[0].as_str(), names[1].as_str()],
        };
        key::wrap(&self.dir, names, &self.key, store_id, passphrase, cost)
    }

    /// Gives an account another role.
    ///
    /// # Errors
    /// When the role does not allow it or there is no such account; those of the database.
    pub fn set_role(&mut self, name: &str, role: Role) -> Result<(), StoreError> {
        self.demand(Right::ManageUsers)?;
        let before = self.known(name)?;
        self.connection.execute(
            "UPDATE account SET role = ?2 WHERE name = ?1 COLLATE NOCASE",
            params![name, role.name()],
        )?;
        self.checkpoint()?;
        let detail = format!("{name}: {} to {}", before.name(), role.name());
        self.log_now(AuditEvent::new(AuditKind::RoleChanged, detail))
    }

    /// Removes an account and its key files.
    ///
    /// # Errors
    /// When the role does not allow it or there is no such account; those of the disk.
    pub fn remove_account(&mut self, name: &str) -> Result<(), StoreError> {
        self.demand(Right::ManageUsers)?;
        self.known(name)?;
        let store_id = key::status(&self.dir)?.store_id;
        for file in key_names(store_id, name) {
            match fs::remove_file(self.dir.join(file)) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                    return Err(StoreError::io("removing a key file")(e));
                }
                _ => {}
            }
        }
        self.forget_account(name)?;
        self.connection
            .execute("DELETE FROM account WHERE name = ?1 COLLATE NOCASE", [name])?;
        self.checkpoint()?;
        self.log_now(AuditEvent::new(AuditKind::UserRemoved, name))
    }

    /// Gives an account another passphrase: the own one, or with the right for it that of somebody else.
    ///
    /// # Errors
    /// When the role does not allow it, there is no such account or the passphrase is empty; those of the disk.
    pub fn set_passphrase(
        &mut self,
        name: &str,
        passphrase: &Passphrase,
        cost: KdfCost,
    ) -> Result<(), StoreError> {
        let own = name.eq_ignore_ascii_case(&self.session.user);
        self.demand(match own {
            true => Right::ChangeOwnPassphrase,
            false => Right::ManageUsers,
        })?;
        if !name.eq_ignore_ascii_case(OWNER) {
            self.known(name)?;
        } else if !own {
            return Err(StoreError::InvalidAccount(
                "only the owner changes the passphrase of the owner",
            ));
        }
        self.wrap_for(name, passphrase, cost)?;
        self.forget_account(name)?;
        self.log_now(AuditEvent::new(AuditKind::PassphraseChanged, name))
    }

    /// Whether a passphrase is that of who has the store open; for unlocking a window. Tries in vain make wait.
    ///
    /// # Errors
    /// [`StoreError::WrongPassphrase`], [`StoreError::TooManyTries`], those of the disk.
    pub fn check_passphrase(
        dir: &Path,
        user: Option<&str>,
        passphrase: &Passphrase,
    ) -> Result<(), StoreError> {
        open_key(dir, user, passphrase).map(|_| ())
    }
}

/// The key of a store for an account and its passphrase.
pub(super) fn open_key(
    dir: &Path,
    user: Option<&str>,
    passphrase: &Passphrase,
) -> Result<key::StoreKey, StoreError> {
    super::maintenance::finish_rekey(dir)?;
    check_tries(dir)?;
    let opened = match user.filter(|name| !name.eq_ignore_ascii_case(OWNER)) {
        None => key::open(dir, passphrase),
        Some(name) => {
            let [file, copy] = key_names(key::status(dir)?.store_id, name);
            match dir.join(&file).exists() || dir.join(&copy).exists() {
                true => key::open_named(dir, [&file, &copy], passphrase),
                // Who is not known learns no more than who mistyped.
                false => Err(StoreError::WrongPassphrase),
            }
        }
    };
    if matches!(opened, Err(StoreError::WrongPassphrase)) {
        note_try(dir);
    }
    opened
}

//! Who works at the window: what they may do, and whether it is locked.
//!
//! Must stay true: what a role does not allow is refused before anything changes; a locked window shows nothing of what
//! is open, and what is open stays as it is.

use super::{
    Workspace,
    event::Event,
    keeper::{Answered, Ask},
};
use crate::{
    model::{
        access::{AuditKind, Right, Role},
        edit::Edit,
        passphrase::Passphrase,
    },
    store::{AuditEvent, Secrets, Store, StoreError, SystemKeyring, accounts},
    task::spawn_named,
};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Why the window stays locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StaysLocked {
    /// The passphrase is another one.
    WrongPassphrase,
    /// Too many were tried; so many seconds are left.
    Wait(u64),
    /// The disk or the system refused.
    Refused,
}

/// The keyring that the window uses.
#[derive(Clone)]
pub struct WindowKeyring(pub Arc<dyn Secrets>);

impl Default for WindowKeyring {
    fn default() -> Self {
        Self(SystemKeyring::shared())
    }
}

impl std::fmt::Debug for WindowKeyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[keyring]")
    }
}

/// Who works at the window.
#[derive(Debug, Default)]
pub struct Access {
    /// Where the key of the store is remembered.
    pub keyring: WindowKeyring,
    /// The store that opens next is to be remembered.
    pub remember: bool,
    /// This computer remembers the key of the open store.
    pub remembered: bool,
    /// Account and role of the open store; nobody where nothing is kept, who may do everything.
    pub who: Option<(String, Role)>,
    /// The window is locked.
    pub locked: bool,
    /// A passphrase is being tried.
    pub trying: bool,
    /// Why the last one did not unlock it.
    pub failed: Option<StaysLocked>,
    /// The account that the store is opened as; nobody is its owner.
    pub account: Option<String>,
    /// More than the role is allowed in this session.
    pub broken: bool,
    /// The reason for that is being asked.
    pub asking_reason: bool,
    /// Questions to the store for more than the role allows that are not answered yet.
    asked: Arc<AtomicUsize>,
    /// The study that was written down last.
    viewed: String,
}

impl Access {
    /// Whether an answer is still to come that decides what may be done.
    pub fn is_busy(&self) -> bool {
        self.trying || self.asked.load(Ordering::Acquire) > 0
    }
}

impl Workspace {
    /// What the role is that counts; everything where nobody is known.
    pub fn role(&self) -> Role {
        let role = self
            .access
            .who
            .as_ref()
            .map_or(Role::Admin, |(_, role)| *role);
        match self.access.broken {
            true => role.max(Role::Reader),
            false => role,
        }
    }

    /// Whether something may be done; if not, the user is told.
    pub fn allowed(&mut self, right: Right) -> bool {
        let allowed = self.role().may(right);
        if !allowed {
            self.notify("notice-not-allowed", String::new());
            let event = AuditEvent::new(AuditKind::Denied, right.name());
            self.log(event.failed());
        }
        allowed
    }

    /// Whether edits may be made.
    pub(super) fn may_edit(&mut self, edits: &[Edit]) -> bool {
        let rights: Vec<Right> = edits.iter().map(accounts::right_of).collect();
        rights.into_iter().all(|right| self.allowed(right))
    }

    /// Writes something into the log of the store, where one is open.
    pub fn log(&self, event: AuditEvent) {
        if let Some(asks) = self.marks.asks() {
            // A queue that is full is that of a disk that hangs; the window does not wait for it.
            let _ = asks.try_send(Ask::Log(event));
        }
    }

    /// Writes down that a study is looked at, once while it is.
    pub(super) fn log_viewed(&mut self, cell: usize) {
        let Some(viewport) = self.viewports.get(cell) else {
            return;
        };
        let Some((study, patient)) = viewport.study().zip(viewport.patient()) else {
            return;
        };
        // Before a store is open there is no log; what is looked at then is written down when it opens.
        if study.uid == self.access.viewed || self.access.who.is_none() {
            return;
        }
        let event = AuditEvent::new(AuditKind::StudyViewed, "")
            .of_study(&study.uid)
            .of_patient(patient.id.reveal());
        self.access.viewed.clone_from(&study.uid);
        self.log(event);
    }

    /// Whether the window can be locked: only what has a passphrase can be unlocked.
    pub fn can_lock(&self) -> bool {
        self.access.who.is_some() && !self.access.locked
    }

    /// Hides everything until the passphrase is given. What is open and unsaved stays.
    pub fn lock(&mut self) {
        if !self.can_lock() {
            return;
        }
        self.keep_reports(true);
        self.note_standing();
        self.access.locked = true;
        self.access.failed = None;
        self.log(AuditEvent::new(AuditKind::Locked, ""));
    }

    /// Tries a passphrase, away from the window's thread.
    pub fn try_unlock(&mut self, passphrase: Passphrase) {
        let Some(place) = self.marks.place.clone() else {
            return;
        };
        if self.access.trying || !self.access.locked {
            return;
        }
        self.access.trying = true;
        let user = self.access.account.clone();
        let (events, waker) = (self.sender(), self.waker.clone());
        let body = move || {
            let outcome = Store::check_passphrase(&place.dir, user.as_deref(), &passphrase);
            let answer = outcome.map_err(|error| match error {
                StoreError::WrongPassphrase => StaysLocked::WrongPassphrase,
                StoreError::TooManyTries { seconds } => StaysLocked::Wait(seconds),
                _ => StaysLocked::Refused,
            });
            let _ = events.send(Event::Unlock(answer));
            waker.wake("unlock");
        };
        if spawn_named("unlock", body).is_err() {
            self.access.trying = false;
            self.access.failed = Some(StaysLocked::Refused);
        }
    }

    pub(super) fn take_unlock(&mut self, answer: Result<(), StaysLocked>) {
        self.access.trying = false;
        match answer {
            Ok(()) => {
                self.access.locked = false;
                self.access.failed = None;
                self.log(AuditEvent::new(AuditKind::Unlocked, ""));
            }
            Err(why) => {
                self.access.failed = Some(why);
                self.log(AuditEvent::new(AuditKind::LoginFailed, "unlocking").failed());
            }
        }
    }

    /// Asks the store to allow more for a reason.
    pub fn break_glass(&mut self, reason: String) {
        self.access.asking_reason = false;
        if let Some(asks) = self.marks.asks() {
            let answered = Answered::new(&self.access.asked);
            let _ = asks.try_send(Ask::BreakGlass { reason, answered });
        }
    }

    /// Takes back what this computer remembers of the open store.
    pub fn forget_key(&mut self) {
        if let Some(asks) = self.marks.asks() {
            let answered = Answered::new(&self.access.asked);
            let keyring = self.access.keyring.clone();
            let _ = asks.try_send(Ask::Forget { keyring, answered });
        }
    }

    /// The key is remembered from now on, or no longer.
    pub(super) fn take_remembered(&mut self, answer: Result<bool, String>) {
        let (key, detail) = match answer {
            Ok(on) => {
                self.access.remembered = on;
                let key = match on {
                    true => "notice-key-remembered",
                    false => "notice-key-forgotten",
                };
                (key, String::new())
            }
            Err(text) => ("notice-key-not-remembered", text),
        };
        self.notify(key, detail);
    }

    /// The store allowed it, or not.
    pub(super) fn take_broken(&mut self, broken: bool) {
        self.access.broken |= broken;
        let key = match broken {
            true => "notice-glass-broken",
            false => "notice-glass-whole",
        };
        self.notify(key, String::new());
    }
}

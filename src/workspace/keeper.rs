//! The thread that owns the store: the record's questions and the saving of edits, one after the other.
//!
//! Must stay true: "saved" is said after the journal has the edit on the disk, never before. What the disk refuses
//! waits here and is tried again, in order, until it is saved; nothing behind it overtakes it. When the window goes,
//! what waits is tried once more. A panic ends the thread and closes the store, and is told like a disk that refuses.

use super::{
    access::WindowKeyring,
    audit_view::{self, AuditForm},
    cohort_view,
    event::Event,
    record_link, record_search,
    segmenting::origins::{AskedVoxel, OriginsFound},
    study_list::known::{self, KnownAsk},
    waker::Waker,
};
use crate::{
    dicom::archive::Keyring,
    model::{
        access::Role,
        date::Date,
        edit::{Edit, Kept},
        identity::{PatientIdentity, Phi},
        passphrase::Passphrase,
    },
    store::{
        AuditEvent, KdfCost, MOST_ORIGINS, Store, StoreError, Unfinished, accounts::OWNER,
        amend::Amendment,
    },
    task::spawn_named,
};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use std::{
    collections::VecDeque,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

/// How long until what the disk refused is tried again.
const AGAIN: Duration = Duration::from_secs(1);
/// How long nobody asks anything until what searching needs is made ready.
const QUIET: Duration = Duration::from_millis(60);
/// How long the window waits at its end for what is being written.
pub(super) const AT_THE_END: Duration = Duration::from_secs(10);

/// One step of saving, in the order in which they happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Gesture {
    /// A gesture.
    Commit(Vec<Edit>),
    /// How the window stands: no step of undo.
    Note(Vec<Edit>),
    /// The last gesture back.
    Undo,
    /// The last one again.
    Redo,
}

/// What the thread is asked.
pub(super) enum Ask {
    /// The record of a patient, unless somebody else is asked for meanwhile.
    Find {
        generation: u64,
        latest: Arc<AtomicU64>,
        identity: Arc<PatientIdentity>,
        answered: Answered,
    },
    /// Files to be taken in, with whose they are where they do not say it.
    Import {
        paths: Vec<PathBuf>,
        patient: Option<String>,
        answered: Answered,
    },
    /// Resources of the record to be read otherwise; of a store that only the record has.
    Amend {
        changes: Vec<Amendment>,
        answered: Answered,
    },
    /// A table to be taken in, by a mapping.
    Table {
        path: PathBuf,
        patient: Option<String>,
        mapping: String,
        answered: Answered,
    },
    /// The log.
    Audit { answered: Answered },
    /// The log, into a folder.
    WriteAudit {
        folder: PathBuf,
        form: AuditForm,
        answered: Answered,
    },
    /// Patients whom a query means, counted.
    Cohort {
        query: String,
        code: String,
        answered: Answered,
    },
    /// The same as tables without identity, into a folder.
    ExportCohort {
        query: String,
        folder: PathBuf,
        answered: Answered,
    },
    /// Where a voxel comes from.
    Origins {
        asked: AskedVoxel,
        answered: Answered,
    },
    /// Words of all records, or of one patient's, unless others are asked for meanwhile.
    Words {
        generation: u64,
        latest: Arc<AtomicU64>,
        words: Phi<String>,
        patient: Option<Phi<String>>,
        answered: Answered,
    },
    /// Where pictures of a patient are; the day comes back with the answer.
    Whereabouts {
        patient: Phi<String>,
        day: Option<Date>,
        answered: Answered,
    },
    /// Something about studies.
    Known(KnownAsk),
    /// Something to be written into the log.
    Log(AuditEvent),
    /// More than the role allows is to be allowed, for this reason.
    BreakGlass { reason: String, answered: Answered },
    /// What this computer remembers of the store is to be taken back.
    Forget {
        keyring: WindowKeyring,
        answered: Answered,
    },
    /// An edit to be saved.
    Save { number: u64, gesture: Gesture },
}

/// Counts a question as open until it is answered or given up.
pub(super) struct Answered(Arc<AtomicUsize>);

impl Answered {
    pub(super) fn new(open: &Arc<AtomicUsize>) -> Self {
        open.fetch_add(1, Ordering::AcqRel);
        Self(open.clone())
    }
}

impl Drop for Answered {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Which store.
pub enum Origin {
    /// An open one that need not keep edits (the demo's).
    Given(Box<Store>),
    /// A new one that vanishes with the program.
    ThrowAway,
    /// One in a folder, made when there is none.
    Folder {
        /// Where.
        dir: PathBuf,
        /// The account; nobody is the owner.
        user: Option<String>,
        /// Its passphrase.
        passphrase: Passphrase,
        /// There is none yet.
        create: bool,
        /// Where its key is to be remembered.
        remember: Option<WindowKeyring>,
    },
    /// One in a folder, by the key that this computer remembers.
    Remembered {
        /// Where.
        dir: PathBuf,
        /// The account; nobody is the owner.
        user: Option<String>,
        /// Where the key is remembered.
        keyring: WindowKeyring,
    },
}

impl Origin {
    /// Whether it keeps edits over the end of the window.
    const fn is_session(&self) -> bool {
        matches!(self, Self::Folder { .. } | Self::Remembered { .. })
    }
}

/// Why edits are not kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unkept {
    /// No store is open.
    #[default]
    NoStore,
    /// Another window or command has it open; what it kept is shown.
    InUse,
    /// Its journal is damaged; what stands before the damage is shown.
    Damaged,
}

/// Why a store did not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenFailure {
    /// Try another passphrase.
    WrongPassphrase,
    /// Too many were tried; so many seconds are left.
    Wait(u64),
    /// Written by a later version.
    Newer,
    /// A part that all needs is damaged.
    Damaged,
    /// The disk or the system refused.
    Refused,
    /// This computer remembers no key of it.
    NotRemembered,
    /// The keyring of this computer does not give the key.
    NoKeyring,
}

/// Why an edit is not saved yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// No room.
    DiskFull,
    /// The folder may not be written.
    Denied,
    /// The disk does not work.
    Disk,
    /// The journal refuses the edit itself; it is given up.
    Invalid,
    /// The account may not do it; it is given up.
    NotAllowed,
    /// The thread that saves came to an end; the store can be opened again.
    Stopped,
}

impl Problem {
    fn of(error: &StoreError) -> Self {
        match error {
            StoreError::Io { source, .. }
                if matches!(
                    source.kind(),
                    io::ErrorKind::StorageFull
                        | io::ErrorKind::QuotaExceeded
                        | io::ErrorKind::FileTooLarge
                ) =>
            {
                Self::DiskFull
            }
            StoreError::Conflict(_) | StoreError::InvalidEdit(_) => Self::Invalid,
            StoreError::NotAllowed(_) | StoreError::NeedsPassphrase(_) => Self::NotAllowed,
            error if error.is_denied() => Self::Denied,
            _ => Self::Disk,
        }
    }

    /// Stable word for the tree of `screen`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::DiskFull => "disk-full",
            Self::Denied => "denied",
            Self::Disk => "disk",
            Self::Invalid => "invalid",
            Self::NotAllowed => "not-allowed",
            Self::Stopped => "stopped",
        }
    }
}

/// A store that opened.
#[derive(Debug)]
pub struct Opened {
    /// What it keeps.
    pub kept: Kept,
    /// Why edits cannot go into it; `None` when they can.
    pub unkept: Option<Unkept>,
    /// When its last edit was saved.
    pub last_ms: Option<i64>,
    /// What the last session left, if it was cut short.
    pub unfinished: Option<Unfinished>,
    /// Account and role.
    pub who: (String, Role),
    /// It was opened by the key that this computer remembers.
    pub remembered: bool,
}

/// News of the store.
#[derive(Debug)]
pub enum StoreNews {
    /// It is open.
    Opened(Box<Opened>),
    /// It did not open.
    Failed(OpenFailure),
    /// All edits up to this number are on the disk.
    Saved {
        /// Number of the edit.
        number: u64,
        /// When.
        at_ms: Option<i64>,
    },
    /// The next edit could not be saved; it is tried again, unless it is invalid.
    NotSaved {
        /// Why.
        problem: Problem,
        /// The edit was given up.
        given_up: Option<u64>,
    },
    /// The thread ended by a fault of the program; the store is closed, and what is not on the disk yet will not be.
    Stopped {
        /// It was the store that keeps edits, not one of records only.
        keeps: bool,
    },
}

/// The line to the thread. When all ends of it are gone the thread ends.
#[derive(Debug)]
pub struct Keeper {
    asks: Option<Sender<Ask>>,
    ended: Receiver<()>,
}

impl Keeper {
    /// Starts the thread. As long as the store is open, the ring reads what it keeps.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        origin: Origin,
        keys: Keyring,
        events: Sender<Event>,
        waker: Waker,
    ) -> io::Result<Self> {
        let (asks, receiver) = bounded(64);
        let (ending, ended) = bounded(0);
        spawn_named("store", move || {
            let _ending: Sender<()> = ending;
            Serving {
                asks: receiver,
                keys,
                events,
                waker,
            }
            .run(origin);
        })?;
        Ok(Self {
            asks: Some(asks),
            ended,
        })
    }

    pub(super) fn asks(&self) -> Option<&Sender<Ask>> {
        self.asks.as_ref()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // What was sent is written before the program ends; a disk that hangs does not keep it alive for ever.
        self.asks = None;
        let _ = self.ended.recv_timeout(AT_THE_END);
    }
}

/// The thread's own side.
struct Serving {
    asks: Receiver<Ask>,
    keys: Keyring,
    events: Sender<Event>,
    waker: Waker,
}

impl Serving {
    fn tell(&self, event: Event) {
        let _ = self.events.send(event);
        self.waker.wake("store");
    }

    fn run(self, origin: Origin) {
        let session = origin.is_session();
        self.contain(session, || self.serve(origin));
    }

    /// Tells of a panic. What the memory of the store holds then is not known: it is closed, and nothing goes on with it.
    fn contain(&self, keeps: bool, work: impl FnOnce()) {
        if catch_unwind(AssertUnwindSafe(work)).is_err() {
            self.tell(Event::Store(StoreNews::Stopped { keeps }));
        }
    }

    fn serve(&self, origin: Origin) {
        let session = origin.is_session();
        let Some(mut store) = self.open(origin) else {
            return;
        };
        let mut waiting = VecDeque::new();
        // Something may have changed that searching wants to know.
        let mut derive = true;
        loop {
            let ask = if !waiting.is_empty() {
                self.asks.recv_timeout(AGAIN)
            } else if derive {
                self.asks.recv_timeout(QUIET)
            } else {
                self.asks.recv().map_err(|_| RecvTimeoutError::Disconnected)
            };
            if matches!(ask, Err(RecvTimeoutError::Timeout)) && waiting.is_empty() {
                // A few at a time: who saves an edit does not wait for it. What fails now is told to who searches.
                derive = store.tend_derived().unwrap_or(false);
                continue;
            }
            derive = true;
            let ended = matches!(ask, Err(RecvTimeoutError::Disconnected));
            if let Ok(ask) = ask {
                self.answer(&mut store, ask, &mut waiting);
            }
            if !waiting.is_empty() {
                self.save(&mut store, &mut waiting);
            }
            // What failed of a copy is tried again at the next opening.
            let _ = store.tend_copy();
            if ended {
                break;
            }
        }
        if session && waiting.is_empty() {
            store.end_session();
        }
        if let Ok(Some(vault)) = store.vault() {
            self.keys.forget_vault(&vault);
        }
    }

    fn open(&self, origin: Origin) -> Option<Store> {
        let session = origin.is_session();
        let remember = match &origin {
            Origin::Folder { remember, .. } => remember.clone(),
            _ => None,
        };
        let opened = match origin {
            Origin::Remembered { dir, user, keyring } => {
                match Store::open_remembered(&dir, user.as_deref(), &*keyring.0) {
                    // What another window has open is looked into with the passphrase.
                    Err(StoreError::Busy) => Err(StoreError::NotRemembered),
                    other => other,
                }
            }
            Origin::Given(store) => Ok(*store),
            Origin::ThrowAway => Store::throw_away(),
            Origin::Folder {
                dir,
                passphrase,
                create: true,
                ..
            } => Store::create(&dir, &passphrase, KdfCost::default()),
            Origin::Folder {
                dir,
                user,
                passphrase,
                ..
            } => match Store::open_as(&dir, user.as_deref(), &passphrase) {
                Err(StoreError::Busy) => {
                    let news = match Store::peek(&dir, user.as_deref(), &passphrase) {
                        Ok(kept) => StoreNews::Opened(Box::new(Opened {
                            kept,
                            unkept: Some(Unkept::InUse),
                            last_ms: None,
                            unfinished: None,
                            // What the role of an account is stands where the other window has it.
                            who: match user.filter(|name| !name.eq_ignore_ascii_case(OWNER)) {
                                Some(name) => (name, Role::Viewer),
                                None => (OWNER.to_owned(), Role::Admin),
                            },
                            remembered: false,
                        })),
                        Err(error) => StoreNews::Failed(failure(&error)),
                    };
                    self.tell(Event::Store(news));
                    return None;
                }
                other => other,
            },
        };
        match opened {
            Ok(mut store) => {
                // Where the key is damaged, what is kept is told to be locked, and all else is there.
                if let Ok(Some(vault)) = store.vault() {
                    self.keys.add_vault(vault);
                }
                if session {
                    let damaged = store.journal_damage().map(|_| Unkept::Damaged);
                    // Without its note the next session cannot say what was restored; nothing else is lost.
                    let unfinished = store.begin_session().ok().flatten();
                    self.tell(Event::Store(StoreNews::Opened(Box::new(Opened {
                        kept: store.kept().clone(),
                        unkept: damaged,
                        last_ms: store.last_saved_ms(),
                        unfinished,
                        who: (store.user().to_owned(), store.role()),
                        remembered: store.opened_remembered(),
                    }))));
                    if let Some(keyring) = remember {
                        let answer = store.remember(&*keyring.0);
                        let answer = answer.map(|()| true).map_err(|e| e.to_string());
                        self.tell(Event::Remembered(answer));
                    }
                    // A copy that cannot be made now is made at the next opening.
                    let _ = store.backup_daily();
                }
                Some(store)
            }
            Err(error) if session => {
                self.tell(Event::Store(StoreNews::Failed(failure(&error))));
                None
            }
            Err(error) => {
                let (key, detail) = ("notice-record-failed", error.to_string());
                self.tell(Event::Notice { key, detail });
                None
            }
        }
    }

    fn answer(&self, store: &mut Store, ask: Ask, waiting: &mut VecDeque<(u64, Gesture)>) {
        match ask {
            Ask::Find {
                generation,
                latest,
                identity,
                answered,
            } => {
                // Of many switches only the last one is worth the work.
                if latest.load(Ordering::Acquire) != generation {
                    return;
                }
                let answer = record_link::find(store, generation, &identity);
                let _ = self.events.send(Event::Record(answer));
                drop(answered);
                self.waker.wake("record");
            }
            Ask::Import {
                paths,
                patient,
                answered,
            } => {
                record_link::import(store, paths, patient.as_deref(), &self.events);
                drop(answered);
                self.waker.wake("record");
            }
            Ask::Amend { changes, answered } => {
                record_link::amend(store, changes, &self.events);
                drop(answered);
                self.waker.wake("record");
            }
            Ask::Table {
                path,
                patient,
                mapping,
                answered,
            } => {
                record_link::import_table(store, &path, patient.as_deref(), &mapping, &self.events);
                drop(answered);
                self.waker.wake("record");
            }
            Ask::Audit { answered } => {
                self.tell(Event::Audit(audit_view::read(store)));
                drop(answered);
            }
            Ask::WriteAudit {
                folder,
                form,
                answered,
            } => {
                audit_view::write(store, &folder, form, &self.events);
                drop(answered);
                self.waker.wake("audit");
            }
            Ask::Cohort {
                query,
                code,
                answered,
            } => {
                let answer = cohort_view::count(store, &query, &code);
                self.tell(Event::Cohort(answer.map(Box::new)));
                drop(answered);
            }
            Ask::ExportCohort {
                query,
                folder,
                answered,
            } => {
                cohort_view::export(store, &query, &folder, &self.events);
                drop(answered);
                self.waker.wake("cohort");
            }
            Ask::Origins { asked, answered } => {
                // What was painted last is to be told, too.
                self.save(store, waiting);
                let found = store.voxel_origins(&asked.of, asked.at).ok();
                let found =
                    found.map(|mut all| all.split_off(all.len().saturating_sub(MOST_ORIGINS)));
                self.tell(Event::VoxelOrigins(Box::new(OriginsFound { asked, found })));
                drop(answered);
            }
            Ask::Words {
                generation,
                latest,
                words,
                patient,
                answered,
            } => {
                if latest.load(Ordering::Acquire) != generation {
                    return;
                }
                let patient = patient.as_ref().map(|id| id.reveal().as_str());
                let answer = record_search::search(store, generation, words.reveal(), patient);
                self.tell(Event::Words(answer));
                drop(answered);
            }
            Ask::Whereabouts {
                patient,
                day,
                answered,
            } => {
                let places = record_search::whereabouts(store, patient, day);
                self.tell(Event::Whereabouts(places.map(Box::new)));
                drop(answered);
            }
            Ask::Log(event) => store.log(event),
            Ask::BreakGlass { reason, answered } => {
                let broken = store.break_glass(&reason).is_ok();
                self.tell(Event::Broken(broken));
                drop(answered);
            }
            Ask::Forget { keyring, answered } => {
                let answer = store.forget(&*keyring.0);
                let answer = answer.map(|_| false).map_err(|e| e.to_string());
                self.tell(Event::Remembered(answer));
                drop(answered);
            }
            Ask::Known(ask) => known::answer(store, ask, &self.keys, &self.events, &self.waker),
            Ask::Save { number, gesture } => waiting.push_back((number, gesture)),
        }
    }

    /// Saves what waits, in order, until the disk refuses.
    fn save(&self, store: &mut Store, waiting: &mut VecDeque<(u64, Gesture)>) {
        let mut saved = None;
        while let Some((number, gesture)) = waiting.front() {
            let number = *number;
            match save_one(store, gesture) {
                Ok(()) => saved = Some(number),
                Err(error) => {
                    let problem = Problem::of(&error);
                    let refused = matches!(problem, Problem::Invalid | Problem::NotAllowed);
                    let given_up = refused.then_some(number);
                    self.report(store, saved.take());
                    self.tell(Event::Store(StoreNews::NotSaved { problem, given_up }));
                    if given_up.is_none() {
                        return;
                    }
                }
            }
            waiting.pop_front();
        }
        self.report(store, saved);
    }

    fn report(&self, store: &Store, saved: Option<u64>) {
        if let Some(number) = saved {
            let at_ms = store.last_saved_ms();
            self.tell(Event::Store(StoreNews::Saved { number, at_ms }));
        }
    }
}

fn save_one(store: &mut Store, gesture: &Gesture) -> Result<(), StoreError> {
    if store.needs_recovery() {
        store.recover()?;
    }
    match gesture {
        Gesture::Commit(edits) => store.commit(edits).map(drop),
        Gesture::Note(edits) => store.note(edits).map(drop),
        Gesture::Undo => went(store.undo()?),
        Gesture::Redo => went(store.redo()?),
    }
}

/// A step back or forth that the journal does not have was not saved.
fn went(number: Option<u64>) -> Result<(), StoreError> {
    let none = StoreError::InvalidEdit("the journal has no such step");
    number.map(drop).ok_or(none)
}

fn failure(error: &StoreError) -> OpenFailure {
    match error {
        StoreError::WrongPassphrase => OpenFailure::WrongPassphrase,
        StoreError::TooManyTries { seconds } => OpenFailure::Wait(*seconds),
        StoreError::NewerVersion { .. } => OpenFailure::Newer,
        StoreError::Damaged { .. } => OpenFailure::Damaged,
        StoreError::NotRemembered => OpenFailure::NotRemembered,
        StoreError::Keyring(_) => OpenFailure::NoKeyring,
        _ => OpenFailure::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::codec::tests::{mark, point};
    use glam::DVec3;

    fn serving() -> (Serving, Receiver<Event>) {
        let (events, told) = bounded(16);
        let serving = Serving {
            asks: bounded(1).1,
            keys: Keyring::default(),
            events,
            waker: Waker::silent(),
        };
        (serving, told)
    }

    fn news(told: &Receiver<Event>) -> Vec<StoreNews> {
        let store = |event| match event {
            Event::Store(news) => Some(news),
            _ => None,
        };
        told.try_iter().filter_map(store).collect()
    }

    #[test]
    fn a_panic_is_told_and_closes_the_store() {
        let folder = tempfile::tempdir().unwrap();
        let (dir, pass) = (folder.path().join("s"), Passphrase::new("p"));
        let store = Store::create(&dir, &pass, KdfCost::CHEAP).unwrap();
        let (serving, told) = serving();
        serving.contain(true, move || {
            assert!(store.commits() > 0, "this store is new");
        });
        let stopped = |news: &[StoreNews], kept| matches!(news, [StoreNews::Stopped { keeps }] if *keeps == kept);
        assert!(stopped(&news(&told), true));
        Store::open(&dir, &pass).unwrap();
        serving.contain(false, || assert!(told.is_full(), "it is empty"));
        assert!(stopped(&news(&told), false));
        serving.contain(true, || {});
        assert!(news(&told).is_empty(), "nothing happened");
    }

    #[test]
    fn a_step_that_the_journal_does_not_have_is_not_called_saved() {
        let (serving, told) = serving();
        let mut store = Store::throw_away().unwrap();
        let add = Edit::Add(mark("a", point(DVec3::ONE)));
        let gestures = [Gesture::Undo, Gesture::Commit(vec![add]), Gesture::Redo];
        let mut waiting = (1..).zip(gestures).collect();
        serving.save(&mut store, &mut waiting);
        let refused = |news: &StoreNews, edit| {
            let StoreNews::NotSaved { problem, given_up } = news else {
                return false;
            };
            (*problem, *given_up) == (Problem::Invalid, Some(edit))
        };
        let [first, second, third] = &news(&told)[..] else {
            panic!("each is answered");
        };
        assert!(refused(first, 1) && refused(third, 3));
        assert!(matches!(second, StoreNews::Saved { number: 2, .. }));
        assert_eq!((store.commits(), waiting.len()), (1, 0));
    }
}

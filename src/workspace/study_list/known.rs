//! What the store knows of studies: asked for on the thread that owns it, never waited for.

use super::{beside, row::StudyEntry};
use crate::{
    dicom::archive::Keyring,
    model::{queue::CaseQueue, study::Instance, worklist::Worklist},
    store::{Keeping, SealedObject, Store, StoreError},
    task::spawn_named,
    workspace::{
        Workspace,
        event::Event,
        keeper::{Answered, Ask},
        waker::Waker,
    },
};
use crossbeam_channel::Sender;
use std::{path::PathBuf, sync::Arc};

/// Files that are taken in at once; between two such batches edits are saved.
const BATCH: usize = 500;

/// What the store is asked.
pub(in crate::workspace) enum KnownAsk {
    /// All studies, and the lists under names.
    Studies(Answered),
    /// Where the files of a study lie.
    Files {
        /// The row.
        key: u64,
        /// Study Instance UID.
        study_uid: String,
        answered: Answered,
    },
    /// Where the files of the other studies of a patient lie.
    Beside(Box<StudyEntry>, Answered),
    /// The case queue.
    Queue(Answered),
    /// Keep this case queue.
    KeepQueue(Box<CaseQueue>),
    /// Keep these lists.
    Worklists(Vec<Worklist>),
    /// Keep where these files lie.
    Index(Vec<Arc<Instance>>, Answered),
    /// All of an addition was asked for: say how many files it was.
    Indexed(usize),
    /// What seals files for the store; whoever asks waits for it.
    Keep(Sender<Result<Keeping, String>>),
    /// Files that were sealed; whether the index has them is told to whoever waits.
    Settle(Vec<SealedObject>, Sender<Result<(), String>>),
}

/// What it says.
pub enum KnownNews {
    /// All studies, and the lists under names.
    Studies(Vec<StudyEntry>, Vec<Worklist>),
    /// The case queue.
    Queue(Box<CaseQueue>),
    /// Where the files of a study lie; none when the store does not say.
    Files(u64, Vec<PathBuf>),
    /// Other studies of the patient of a study, each with where its files lie.
    Beside(Box<StudyEntry>, Vec<(StudyEntry, Vec<PathBuf>)>),
}

/// Answers on the store's thread.
pub(in crate::workspace) fn answer(
    store: &mut Store,
    ask: KnownAsk,
    keys: &Keyring,
    events: &Sender<Event>,
    waker: &Waker,
) {
    let tell = |news| {
        let _ = events.send(Event::Known(news));
    };
    let failed = |error: StoreError| {
        let (key, detail) = ("notice-library-failed", error.to_string());
        let _ = events.send(Event::Notice { key, detail });
    };
    match ask {
        KnownAsk::Studies(answered) => {
            match store.studies() {
                Ok(rows) => {
                    let entries = rows.into_iter().map(StudyEntry::of_row).collect();
                    let lists = store.worklists().unwrap_or_default();
                    tell(KnownNews::Studies(entries, lists));
                }
                Err(error) => failed(error),
            }
            drop(answered);
        }
        KnownAsk::Files {
            key,
            study_uid,
            answered,
        } => {
            let files = store.study_files(&study_uid).unwrap_or_default();
            tell(KnownNews::Files(key, files));
            drop(answered);
        }
        KnownAsk::Beside(read, answered) => {
            let found = beside::find(store, &read);
            tell(KnownNews::Beside(read, found));
            drop(answered);
        }
        KnownAsk::Queue(answered) => {
            match store.case_queue() {
                Ok(queue) => tell(KnownNews::Queue(Box::new(queue))),
                Err(error) => failed(error),
            }
            drop(answered);
        }
        KnownAsk::KeepQueue(queue) => {
            if let Err(error) = store.set_case_queue(&queue) {
                failed(error);
            }
        }
        KnownAsk::Worklists(lists) => {
            if let Err(error) = store.set_worklists(&lists) {
                failed(error);
            }
        }
        KnownAsk::Index(instances, answered) => {
            if let Err(error) = store.index_instances(&instances) {
                failed(error);
            }
            drop(answered);
        }
        KnownAsk::Keep(told) => {
            let keeping = store.keeping();
            if let Ok(keeping) = &keeping {
                // What is kept is read as files are.
                keys.add_vault(keeping.key().clone());
            }
            let _ = told.send(keeping.map_err(|error| error.to_string()));
        }
        KnownAsk::Settle(sealed, told) => {
            let settled = store.settle_kept(&sealed);
            let _ = told.send(settled.map(drop).map_err(|error| error.to_string()));
        }
        KnownAsk::Indexed(files) => {
            let (key, count) = ("notice-studies-imported", files);
            let _ = events.send(Event::Counted { key, count });
        }
    }
    waker.wake("library");
}

impl Workspace {
    /// Sends a question to the store; whether there is one that takes it.
    pub(super) fn ask_known(&self, ask: impl FnOnce(Answered) -> KnownAsk) -> bool {
        let Some(asks) = self.marks.asks() else {
            return false;
        };
        let answered = Answered::new(&self.list.open);
        asks.try_send(Ask::Known(ask(answered))).is_ok()
    }

    /// A store opened: what it knows joins the list, and what was to be added is.
    pub(in crate::workspace) fn known_opened(&mut self) {
        self.ask_known(KnownAsk::Queue);
        self.ask_known(KnownAsk::Studies);
        self.read_kept_again();
        if std::mem::take(&mut self.list.add_when_open) {
            self.add_to_library();
        }
        if std::mem::take(&mut self.list.keep_when_open) {
            self.keep_copies();
        }
    }

    /// Asks where the files of a study lie.
    pub(super) fn ask_files(&mut self, key: u64, study_uid: String) -> bool {
        let asked = self.ask_known(|answered| KnownAsk::Files {
            key,
            study_uid,
            answered,
        });
        if asked {
            self.list.asked.insert(key);
        }
        asked
    }

    /// Keeps the lists under names, when there is a store.
    pub(super) fn keep_lists(&mut self) {
        let lists = self.list.worklists.clone();
        let asks = self.marks.asks();
        let ask = Ask::Known(KnownAsk::Worklists(lists));
        if asks.is_some_and(|asks| asks.try_send(ask).is_err()) {
            self.store_is_busy();
        }
    }

    /// The store has more to do than its line holds, so that something was not asked.
    pub(super) fn store_is_busy(&mut self) {
        let busy = std::io::ErrorKind::ResourceBusy.to_string();
        self.notify("notice-library-failed", busy);
    }

    /// Has the store remember where everything that is open lies; asks for the store first when there is none.
    pub(super) fn add_to_library(&mut self) {
        let Some(asks) = self.marks.asks().cloned() else {
            self.list.add_when_open = true;
            self.ask_for_store(true);
            return;
        };
        let instances = self.open_instances();
        let open = Arc::clone(&self.list.open);
        // Something is open from now on, not only once the thread has begun.
        let asking = Answered::new(&open);
        // The line holds only so much, and waiting is not for the window's thread.
        let body = move || {
            let _asking = asking;
            let files = instances.len();
            for batch in instances.chunks(BATCH) {
                let ask = KnownAsk::Index(batch.to_vec(), Answered::new(&open));
                if asks.send(Ask::Known(ask)).is_err() {
                    return;
                }
            }
            let studies = KnownAsk::Studies(Answered::new(&open));
            let _ = asks.send(Ask::Known(KnownAsk::Indexed(files)));
            let _ = asks.send(Ask::Known(studies));
        };
        if spawn_named("library", body).is_err() {
            self.notify("notice-library-failed", String::new());
        }
    }

    /// Takes in what the store says.
    pub(in crate::workspace) fn take_known(&mut self, news: KnownNews) {
        match news {
            KnownNews::Studies(entries, lists) => {
                self.list.stored = Arc::new(entries);
                // What was put under a name before there was a store goes into it.
                let mut own = self.list.worklists.iter();
                let more = own.any(|own| !lists.contains(own));
                for list in lists {
                    if !self.list.worklists.iter().any(|w| w.name == list.name) {
                        self.list.worklists.push(list);
                    }
                }
                if more {
                    self.keep_lists();
                }
                self.ask_list();
            }
            KnownNews::Queue(queue) => self.take_queue(*queue),
            KnownNews::Beside(read, others) => self.take_beside(&read, others),
            KnownNews::Files(key, paths) => {
                self.list.asked.remove(&key);
                let wanted = self.list.pending == Some(key);
                if paths.is_empty() && wanted {
                    self.list.pending = None;
                    self.notify("notice-files-gone", String::new());
                } else if paths.is_empty() {
                    // Asked for again when it is wanted.
                    self.list.asked_ahead = None;
                } else if wanted || self.list.asked_ahead == Some(key) {
                    self.read(paths);
                }
            }
        }
    }

    /// How far the reading of studies is changed, or a store brought its own: what is searched follows.
    pub(in crate::workspace) fn follow_statuses(&mut self) {
        let revision = self.marks.revision();
        if self.list.revision == revision {
            return;
        }
        self.list.revision = revision;
        let kept = &self.marks.kept().read_status;
        let known = &self.list.statuses;
        let same = kept.len() == known.len()
            && kept
                .iter()
                .all(|(uid, status)| known.get(uid) == Some(status));
        if !same {
            let statuses = kept.iter().map(|(uid, status)| (uid.clone(), *status));
            self.list.statuses = Arc::new(statuses.collect());
            self.ask_list();
        }
    }
}

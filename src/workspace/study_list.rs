//! The list of studies: what is open and what the store knows, searched while one types, with how far reading is.
//!
//! Must stay true: nothing is searched, sorted or built on the window's thread; the list is what the newest answer says.
//! Names of patients are in memory only. Deliberately absent: reading files of studies that nobody opens.

mod beside;
mod control;
mod copies;
pub mod fold;
pub mod index;
pub mod known;
pub mod query;
pub mod row;
pub mod seek;

pub use index::ListIndex;
pub use query::Query;
pub use row::{Column, Held, StudyEntry};
pub use seek::{Sort, Statuses};

use super::{event::Event, library::Library, waker::Waker};
use crate::{
    model::{identity::PatientIdentity, reading::ReadStatus, worklist::Worklist},
    store,
};
use crossbeam_channel::Sender;
pub(in crate::workspace) use row::key_of;
use seek::{Answer, Question, Seeker};
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// What the list is asked for.
#[derive(Clone, Debug)]
pub enum ListAction {
    /// Show the list in the place of the pictures, or go back to them.
    Show(bool),
    /// Search.
    Search(String),
    /// Sort by a column; by the same one again the other way round.
    Sort(Column),
    /// Choose a row.
    Select(u64),
    /// Open a study.
    Open(u64),
    /// Say how far the reading of a study is.
    Status(u64, ReadStatus),
    /// Keep what is searched for under a name.
    Keep(String),
    /// Forget what is kept under a name.
    Forget(String),
}

/// State of the list.
#[derive(Default)]
pub struct StudyList {
    /// It fills the centre.
    pub shown: bool,
    /// What is searched for.
    pub text: String,
    /// In which order rows stand.
    pub sort: Sort,
    /// The chosen row.
    pub selected: Option<u64>,
    /// What is kept under names.
    pub worklists: Vec<Worklist>,
    stored: Arc<Vec<StudyEntry>>,
    statuses: Arc<Statuses>,
    answer: Answer,
    seeker: Option<Seeker>,
    questions: u64,
    /// Questions to the store that are not answered yet.
    open: Arc<AtomicUsize>,
    /// What is open is to be added to the library once there is one.
    add_when_open: bool,
    /// Copies of the shown study are to be kept once there is a store.
    keep_when_open: bool,
    /// Which state of the marks the statuses are from.
    revision: u64,
    /// The study whose files were asked for ahead.
    asked_ahead: Option<u64>,
    /// Where the reader came from, the last at the end.
    visited: Vec<u64>,
    /// A study whose files are being read, to be shown when they are.
    pending: Option<u64>,
    /// Studies whose files the store was asked for, and has not answered yet.
    asked: BTreeSet<u64>,
    /// Patients of whom studies were read because the list was gone through.
    fetched: BTreeSet<u64>,
    /// Studies whose patient's other studies were asked for.
    beside: BTreeSet<u64>,
    /// Series that are read ahead.
    ahead: Vec<String>,
}

impl StudyList {
    /// All studies.
    pub fn index(&self) -> &Arc<ListIndex> {
        &self.answer.index
    }

    /// The rows that were found, in order.
    pub fn rows(&self) -> &Arc<[u32]> {
        &self.answer.rows
    }

    /// Parts of the query that say nothing known.
    pub fn unread(&self) -> &[String] {
        &self.answer.unread
    }

    /// Whether an answer is still to come.
    pub fn is_busy(&self) -> bool {
        self.answer.number < self.questions || self.open.load(Ordering::Acquire) > 0
    }

    /// Whether a patient is open only because the list was gone through: whoever is read before or next is on the list, and
    /// not beside the pictures of somebody else.
    pub fn is_fetched(&self, patient: &PatientIdentity) -> bool {
        self.fetched.contains(&key_of("", patient))
    }

    /// Whoever is open is listed beside the pictures.
    pub(in crate::workspace) fn show_fetched(&mut self) {
        self.fetched.clear();
    }

    /// Everything was closed: what was open has to be read again.
    pub(in crate::workspace) fn forget_open(&mut self) {
        self.asked_ahead = None;
        self.pending = None;
        self.asked.clear();
        self.beside.clear();
        self.fetched.clear();
        self.ahead.clear();
    }

    /// Series that are read before somebody asks for them.
    pub fn ahead(&self) -> &[String] {
        &self.ahead
    }

    /// Asks again with what has changed.
    fn ask(&mut self, library: &Arc<Library>, events: Sender<Event>, waker: Waker) {
        if self.seeker.is_none() {
            // Without a thread there is no list; nothing else depends on it.
            self.seeker = Seeker::start(events, waker).ok();
        }
        let Some(seeker) = &self.seeker else { return };
        self.questions += 1;
        seeker.ask(Question {
            number: self.questions,
            library: Arc::clone(library),
            stored: Arc::clone(&self.stored),
            statuses: Arc::clone(&self.statuses),
            text: self.text.clone(),
            today: store::today(),
            sort: self.sort,
        });
    }

    /// Takes an answer in. One to an older question is shown until the newest comes.
    fn take(&mut self, answer: Answer) {
        self.answer = answer;
    }
}

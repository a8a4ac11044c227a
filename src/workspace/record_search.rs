//! Searching the words of all records while they are typed: what is found, its text, and the way to where it happened.
//!
//! Must stay true: the store's thread searches; of many letters only the last one is worth the work, and an answer to an
//! older question is dropped. Going somewhere shows a record only when the pictures of that very person are on the
//! screen: the panel beside them never shows another one.

use super::{
    Workspace,
    insight::RecordView,
    keeper::{Answered, Ask},
    record_link::RecordState,
    study_list::key_of,
};
use crate::{
    clinical::matching,
    model::{
        access::{AuditKind, Right},
        date::Date,
        identity::{IdentityMatch, PatientIdentity, Phi},
        record::PatientRecord,
    },
    store::{AuditEvent, Store, StoreError, found::Found},
};
use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

/// Most documents that are listed.
pub const MOST: usize = 100;

/// What is asked of the search.
#[derive(Clone, PartialEq, Eq)]
pub enum SearchAction {
    /// Close it. What was typed stays for the next time.
    Close,
    /// Search for these words.
    Words(String),
    /// In the record on the screen alone, or in all.
    OnlyShown(bool),
    /// Read this one of what was found.
    Select(usize),
    /// Go where it happened.
    Go(usize),
}

/// Nothing of what somebody typed.
impl std::fmt::Debug for SearchAction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SearchAction")
    }
}

/// What was found, or why nothing was.
#[derive(Clone, Debug)]
pub struct SearchAnswer {
    generation: u64,
    found: Result<Arc<Vec<Found>>, String>,
}

/// Where pictures of a patient are.
#[derive(Clone)]
pub struct Whereabouts {
    /// Logical id of the FHIR Patient.
    patient: Phi<String>,
    day: Option<Date>,
    person: Box<PatientRecord>,
    /// Studies of the store's index: who the pictures say it is, the study, its day.
    studies: Vec<(PatientIdentity, String, Option<Date>)>,
}

/// How many studies there are.
impl std::fmt::Debug for Whereabouts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Whereabouts({} studies)", self.studies.len())
    }
}

/// The search.
#[derive(Default)]
pub struct RecordSearch {
    /// It is open.
    pub open: bool,
    /// What is searched for.
    pub words: Phi<String>,
    /// In the record on the screen alone.
    pub only_shown: bool,
    /// What was found.
    pub found: Arc<Vec<Found>>,
    /// Why nothing was; free of identity.
    pub refusal: Option<String>,
    /// Which one is read.
    pub selected: usize,
    generation: u64,
    latest: Arc<AtomicU64>,
    /// The line to the store was full: it is asked again when the next answer comes.
    unsent: bool,
    /// A search was written into the log since it was opened.
    logged: bool,
    asked: Arc<AtomicUsize>,
    /// Whose record is shown at which day as soon as it is on the screen.
    going: Option<(Phi<String>, Option<Date>)>,
}

/// Nothing of what somebody typed or found.
impl std::fmt::Debug for RecordSearch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RecordSearch(open: {})", self.open)
    }
}

impl RecordSearch {
    /// Whether an answer is still to come.
    pub fn is_busy(&self) -> bool {
        self.asked.load(Ordering::Acquire) > 0
    }
}

impl Workspace {
    /// Opens the search, where a store with records is open.
    pub(super) fn show_search(&mut self) {
        if self.record.questions().is_none() {
            self.notify("notice-cohort-no-store", String::new());
        } else if self.allowed(Right::Search) && self.allowed(Right::ViewRecords) {
            self.search.open = true;
            self.search.logged = false;
            self.search.going = None;
            self.search.only_shown &= self.patient_shown().is_some();
            self.ask_words();
        }
    }

    /// The patient on the screen, where the record is surely theirs.
    pub fn patient_shown(&self) -> Option<&str> {
        match self.record.state().0 {
            RecordState::Found {
                record, sure: true, ..
            } => Some(&record.fhir_id),
            _ => None,
        }
    }

    pub(super) fn act_on_search(&mut self, action: SearchAction) {
        match action {
            SearchAction::Close => self.search.open = false,
            SearchAction::Words(words) => {
                self.search.words = Phi::new(words);
                self.search.selected = 0;
                self.ask_words();
            }
            SearchAction::OnlyShown(only) => {
                self.search.only_shown = only;
                self.search.selected = 0;
                self.ask_words();
            }
            SearchAction::Select(which) => self.search.selected = which,
            SearchAction::Go(which) => self.go_to_found(which),
        }
    }

    fn ask_words(&mut self) {
        let patient = match self.search.only_shown {
            true => self.patient_shown().map(|id| Phi::new(id.to_owned())),
            false => None,
        };
        let search = &mut self.search;
        search.generation += 1;
        search.latest.store(search.generation, Ordering::Release);
        if search.words.reveal().trim().is_empty() {
            search.found = Arc::default();
            search.refusal = None;
            return;
        }
        let Some(questions) = self.record.questions() else {
            return;
        };
        if !std::mem::replace(&mut search.logged, true) {
            let event = AuditEvent::new(AuditKind::Query, "words of records");
            let _ = questions.try_send(Ask::Log(event));
        }
        let ask = Ask::Words {
            generation: search.generation,
            latest: Arc::clone(&search.latest),
            words: search.words.clone(),
            patient,
            answered: Answered::new(&search.asked),
        };
        search.unsent = questions.try_send(ask).is_err();
    }

    pub(super) fn take_words(&mut self, answer: SearchAnswer) {
        if std::mem::take(&mut self.search.unsent) {
            self.ask_words();
        }
        if answer.generation != self.search.generation || !self.search.open {
            return;
        }
        match answer.found {
            Ok(found) => {
                self.search.selected = self.search.selected.min(found.len().saturating_sub(1));
                self.search.found = found;
                self.search.refusal = None;
            }
            Err(reason) => self.search.refusal = Some(reason),
        }
    }

    /// Goes where something that was found happened: to its day in the record on the screen, or to pictures of its
    /// patient first.
    fn go_to_found(&mut self, which: usize) {
        let Some(hit) = self.search.found.get(which).map(|found| found.hit.clone()) else {
            return;
        };
        self.search.selected = which;
        if self.patient_shown() == Some(hit.patient.reveal().as_str()) {
            self.search.open = false;
            self.show_day_of_record(hit.day);
            return;
        }
        if let Some(questions) = self.record.questions() {
            let ask = Ask::Whereabouts {
                patient: hit.patient,
                day: hit.day,
                answered: Answered::new(&self.search.asked),
            };
            let _ = questions.try_send(ask);
        }
    }

    pub(super) fn take_whereabouts(&mut self, answer: Result<Whereabouts, String>) {
        let places = match answer {
            Ok(places) => places,
            Err(reason) => {
                self.search.refusal = Some(reason);
                return;
            }
        };
        let same = |identity: &PatientIdentity| {
            matching::explain(identity, &places.person).0 == IdentityMatch::Same
        };
        // What is open, and what the store knows of.
        let open = self
            .library
            .patients
            .iter()
            .filter(|patient| same(&patient.identity))
            .flat_map(|patient| {
                let studies = patient.studies.iter();
                studies.map(|s| (&s.description.uid, &*patient.identity, s.description.date))
            });
        let known = places
            .studies
            .iter()
            .filter(|(identity, ..)| same(identity))
            .map(|(identity, uid, date)| (uid, identity, *date));
        let index = self.list.index();
        let near = |date: Option<Date>| match (date, places.day) {
            (Some(a), Some(b)) => (a.days_since_epoch() - b.days_since_epoch()).unsigned_abs(),
            _ => u64::MAX,
        };
        let key = open
            .chain(known)
            .map(|(uid, identity, date)| (near(date), key_of(uid, identity)))
            .filter(|(_, key)| index.row_of(*key).is_some())
            .min()
            .map(|(_, key)| key);
        let Some(key) = key else {
            self.notify("notice-search-no-pictures", String::new());
            return;
        };
        self.search.going = Some((places.patient, places.day));
        self.search.open = false;
        self.list.shown = false;
        self.go_to_study(key);
        self.follow_search();
    }

    /// A record came: it may be the one that was gone to.
    pub(super) fn follow_search(&mut self) {
        let Some((patient, day)) = &self.search.going else {
            return;
        };
        match (self.patient_shown(), self.record.state().0) {
            (Some(shown), _) if shown == patient.reveal() => {
                let day = *day;
                self.search.going = None;
                self.show_day_of_record(day);
            }
            (_, RecordState::Blank | RecordState::Loading | RecordState::Found { .. }) => {}
            _ => self.search.going = None,
        }
    }

    fn show_day_of_record(&mut self, day: Option<Date>) {
        self.show_record(match day {
            Some(_) => RecordView::Timeline,
            None => RecordView::Chart,
        });
        let day = day.map(Date::days_since_epoch);
        self.record.set_span(day.map(|day| (day, day)));
    }
}

/// Searches; on the store's thread.
pub(super) fn search(
    store: &Store,
    generation: u64,
    words: &str,
    patient: Option<&str>,
) -> SearchAnswer {
    let found = store.find_passages(words, patient, MOST);
    SearchAnswer {
        generation,
        found: found.map(Arc::new).map_err(|error| error.to_string()),
    }
}

/// Looks where pictures of a patient are; on the store's thread.
pub(super) fn whereabouts(
    store: &Store,
    patient: Phi<String>,
    day: Option<Date>,
) -> Result<Whereabouts, String> {
    let look = || {
        let person = store.person(patient.reveal())?;
        let pictures = store.pictures_of(&person)?;
        Ok::<_, StoreError>((person, pictures))
    };
    let (person, pictures) = look().map_err(|error| error.to_string())?;
    let studies = pictures
        .into_iter()
        .map(|picture| (picture.patient, picture.study_uid, picture.date));
    Ok(Whereabouts {
        patient,
        day,
        person: Box::new(person),
        studies: studies.collect(),
    })
}

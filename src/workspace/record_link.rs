//! The record beside the picture: it follows the active viewport's patient and never shows another person.
//!
//! Must stay true: the panel is blank from the very call of [`RecordPanel::follow`] that changes the patient until
//! the answer for that patient arrives; an answer to an older question is dropped.

use super::{
    event::Event,
    insight::{Insight, RecordView},
    keeper::{Answered, Ask, Keeper},
    mapping,
};
use crate::{
    clinical::{FhirError, Hints, timeline},
    model::{identity::PatientIdentity, record::PatientRecord},
    store::{self, RecordMatch, Store, StoreError, amend::Amendment},
};
use crossbeam_channel::Sender;
use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

/// What the panel shows.
#[derive(Clone, Debug, Default)]
pub enum RecordState {
    /// No patient is shown.
    #[default]
    Blank,
    /// Asked for, not here yet.
    Loading,
    /// No store is open.
    NoStore,
    /// The store has no record of this patient.
    Absent,
    /// The record. `sure` is false when too little is known to be certain that it is the same person.
    Found {
        /// The record.
        record: Arc<PatientRecord>,
        /// What follows from it.
        insight: Arc<Insight>,
        /// Identifier and demographics agree.
        sure: bool,
    },
    /// A record with this identifier belongs to somebody else.
    Mismatch,
    /// The store could not be read; identity-free reason.
    Failed(String),
}

/// An answer of the record worker.
#[derive(Debug)]
pub struct RecordAnswer {
    generation: u64,
    state: RecordState,
}

/// Files that wait; names of files may say who somebody is.
#[derive(Default)]
struct Waiting(Vec<PathBuf>);

impl std::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} files", self.0.len())
    }
}

/// The panel's state and the line to the thread that owns the store.
#[derive(Debug, Default)]
pub struct RecordPanel {
    /// The part that is open.
    pub view: RecordView,
    identity: Option<Arc<PatientIdentity>>,
    generation: u64,
    /// The same, for the thread that answers.
    latest: Arc<AtomicU64>,
    state: RecordState,
    /// The days that the chart shows, both ends, days since 1970-01-01; and what of the record lies in them.
    span: Option<((i64, i64), Arc<PatientRecord>)>,
    /// Files that do not say whose they are, with the mapping file of tables.
    whose: Waiting,
    questions: Option<Sender<Ask>>,
    /// The thread of a store that only the panel uses. After the line to it, whose end it waits for.
    own: Option<Keeper>,
    /// Questions that are not answered yet.
    open: Arc<AtomicUsize>,
}

impl RecordPanel {
    /// Gives the panel the line to the thread of the store that keeps the marks.
    pub(super) fn connect(&mut self, questions: Sender<Ask>) {
        // A store that only the panel had has what was imported in this session; it stays.
        if self.own.is_none() {
            self.questions = Some(questions);
            self.refresh();
        }
    }

    /// Gives the panel a store of its own.
    pub(super) fn attach(&mut self, keeper: Keeper) {
        self.questions = keeper.asks().cloned();
        self.own = Some(keeper);
        self.refresh();
    }

    /// The thread of the store that keeps the marks, or of the panel's own, ended.
    pub(super) fn disconnect(&mut self, keeps: bool) {
        if keeps != self.own.is_some() {
            (self.questions, self.own) = (None, None);
            self.refresh();
        }
    }

    /// Whether a store is open.
    pub fn has_store(&self) -> bool {
        self.questions.is_some()
    }

    /// Follows the active viewport. A new patient blanks the panel at once.
    pub fn follow(&mut self, identity: Option<&Arc<PatientIdentity>>) {
        if self.identity.as_ref() != identity {
            self.identity = identity.cloned();
            self.refresh();
        }
    }

    fn next(&mut self) {
        self.generation += 1;
        self.latest.store(self.generation, Ordering::Release);
    }

    /// Asks again for the same patient (after an import).
    pub fn refresh(&mut self) {
        self.next();
        self.span = None;
        self.state = match (&self.identity, &self.questions) {
            (None, _) => RecordState::Blank,
            (Some(_), None) => RecordState::NoStore,
            (Some(identity), Some(questions)) => {
                let question = Ask::Find {
                    latest: Arc::clone(&self.latest),
                    generation: self.generation,
                    identity: identity.clone(),
                    answered: Answered::new(&self.open),
                };
                match questions.try_send(question) {
                    Ok(()) => RecordState::Loading,
                    Err(_) => RecordState::Failed("the record worker is busy".into()),
                }
            }
        };
    }

    /// Takes files into the store. A mapping file among them (`.toml`) is that of the tables.
    pub fn import(&self, paths: Vec<PathBuf>) -> bool {
        self.import_for(paths, None)
    }

    fn import_for(&self, paths: Vec<PathBuf>, patient: Option<String>) -> bool {
        let Some(questions) = &self.questions else {
            return false;
        };
        let answered = Answered::new(&self.open);
        let question = Ask::Import {
            paths,
            patient,
            answered,
        };
        questions.try_send(question).is_ok()
    }

    /// Takes a table in by a mapping.
    pub(super) fn import_table(&self, path: PathBuf, patient: Option<String>, mapping: String) {
        if let Some(questions) = &self.questions {
            let question = Ask::Table {
                path,
                patient,
                mapping,
                answered: Answered::new(&self.open),
            };
            let _ = questions.try_send(question);
        }
    }

    /// The line to the thread of the store that the record comes from.
    pub(super) fn questions(&self) -> Option<&Sender<Ask>> {
        self.questions.as_ref()
    }

    /// Files that do not say whose they are: it is asked.
    pub(super) fn ask_whose(&mut self, paths: Vec<PathBuf>) {
        self.whose = Waiting(paths);
    }

    /// How many files wait for somebody to say whose they are.
    pub fn whose(&self) -> usize {
        let mapping = |path: &&PathBuf| is_mapping(path);
        self.whose.0.len() - self.whose.0.iter().filter(mapping).count()
    }

    /// Whether what waits belongs to the patient on the screen; only where the record is surely theirs.
    pub fn answer_whose(&mut self, yes: bool) {
        let patient = match &self.state {
            RecordState::Found {
                record, sure: true, ..
            } => Some(record.fhir_id.clone()),
            _ => None,
        };
        if !yes {
            self.whose.0.clear();
        } else if patient.is_some() {
            let paths = std::mem::take(&mut self.whose.0);
            self.import_for(paths, patient);
        }
    }

    /// Resources of the record are read otherwise from now on: they are asked for again, and what is on the screen stays
    /// until they come, for it is about the same person.
    pub(super) fn amended(&mut self, changes: Vec<Amendment>) {
        let (Some(questions), Some(identity)) = (&self.questions, &self.identity) else {
            return;
        };
        if self.own.is_some() {
            let answered = Answered::new(&self.open);
            let question = Ask::Amend { changes, answered };
            if questions.try_send(question).is_err() {
                return;
            }
        }
        self.generation += 1;
        self.latest.store(self.generation, Ordering::Release);
        let question = Ask::Find {
            latest: Arc::clone(&self.latest),
            generation: self.generation,
            identity: identity.clone(),
            answered: Answered::new(&self.open),
        };
        if questions.try_send(question).is_err() {
            self.state = RecordState::Failed("the record worker is busy".into());
        }
    }

    /// Whether a question is still open.
    pub fn is_busy(&self) -> bool {
        self.open.load(Ordering::Acquire) > 0
    }

    /// Accepts an answer, unless the question has changed meanwhile.
    pub fn answer(&mut self, answer: RecordAnswer) {
        if answer.generation == self.generation {
            self.state = answer.state;
        }
    }

    /// Grows with every question: who drew the answer of another one begins anew.
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Lets the chart show what lies in these days, both ends included, or everything.
    pub fn set_span(&mut self, span: Option<(i64, i64)>) {
        self.span = match (&self.state, span) {
            (RecordState::Found { record, .. }, Some((from, to))) if from <= to => {
                Some(((from, to), Arc::new(timeline::within(record, from, to))))
            }
            _ => None,
        };
    }

    /// The days that the chart shows; `None` for all.
    pub fn span(&self) -> Option<(i64, i64)> {
        self.span.as_ref().map(|(span, _)| *span)
    }

    /// What of the record lies in the days that the chart shows.
    pub fn part(&self) -> Option<&Arc<PatientRecord>> {
        self.span.as_ref().map(|(_, part)| part)
    }

    /// What to show, and for whom.
    pub fn state(&self) -> (&RecordState, Option<&Arc<PatientIdentity>>) {
        (&self.state, self.identity.as_ref())
    }
}

/// Looks the record of a patient up; on the store's thread.
pub(super) fn find(store: &Store, generation: u64, identity: &PatientIdentity) -> RecordAnswer {
    let insight = |record: &PatientRecord| {
        let resources = store.resources(&record.fhir_id)?;
        let common = store.resources("")?;
        let pictures = store.pictures_of(record)?;
        let mut insight = Insight::of(record, &resources, &common, &pictures, store::today());
        insight.amended = store.amended(&record.fhir_id);
        Ok::<_, StoreError>(insight)
    };
    let found = |record: Box<PatientRecord>, sure| match insight(&record) {
        Ok(insight) => RecordState::Found {
            insight: Arc::new(insight),
            record: Arc::from(record),
            sure,
        },
        Err(error) => RecordState::Failed(error.to_string()),
    };
    let state = match store.find_record(identity) {
        Ok(RecordMatch::Same(record)) => found(record, true),
        Ok(RecordMatch::Unsure(record, _)) => found(record, false),
        Ok(RecordMatch::Mismatch(_)) => RecordState::Mismatch,
        Ok(RecordMatch::None) => RecordState::Absent,
        Err(error) => RecordState::Failed(error.to_string()),
    };
    RecordAnswer { generation, state }
}

fn is_mapping(path: &Path) -> bool {
    path.extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("toml"))
}

/// Most bytes of a mapping file.
const MAPPING_BYTES: u64 = 1 << 20;

/// Takes files into the store; on its thread.
pub(super) fn import(
    store: &mut Store,
    paths: Vec<PathBuf>,
    patient: Option<&str>,
    events: &Sender<Event>,
) {
    let (mappings, files): (Vec<PathBuf>, Vec<PathBuf>) =
        paths.into_iter().partition(|path| is_mapping(path));
    let read = |path: &PathBuf| {
        let mut text = String::new();
        let file = File::open(path)?;
        file.take(MAPPING_BYTES).read_to_string(&mut text)?;
        Ok::<_, std::io::Error>(text)
    };
    let failed = |detail: String| Event::Notice {
        key: "notice-record-failed",
        detail,
    };
    let known = match mappings.first().map(read) {
        Some(Ok(text)) => Some(text),
        Some(Err(error)) => {
            let _ = events.send(failed(error.kind().to_string()));
            return;
        }
        None => None,
    };
    let hints = Hints {
        patient,
        mapping: known.as_deref(),
    };
    let mut whose = Vec::new();
    for path in files {
        let event = match store.import_record_file(&path, &hints, store::today()) {
            Ok(report) => Event::Counted {
                key: "notice-record-imported",
                count: report.new + report.replaced,
            },
            Err(StoreError::Fhir(FhirError::NoPatient)) if patient.is_none() => {
                whose.push(path);
                continue;
            }
            Err(StoreError::Fhir(FhirError::NoMapping)) => mapping::look_at(path),
            Err(error) => failed(error.to_string()),
        };
        let _ = events.send(event);
    }
    let _ = events.send(Event::RecordChanged);
    if !whose.is_empty() {
        whose.extend(mappings);
        let _ = events.send(Event::RecordWhose(whose));
    }
}

/// Takes a table in by a mapping; on the store's thread.
pub(super) fn import_table(
    store: &mut Store,
    path: &Path,
    patient: Option<&str>,
    mapping: &str,
    events: &Sender<Event>,
) {
    let hints = Hints {
        patient,
        mapping: Some(mapping),
    };
    let event = match store.import_record_file(path, &hints, store::today()) {
        Ok(report) => Event::Counted {
            key: "notice-record-imported",
            count: report.new + report.replaced,
        },
        Err(error) => Event::Notice {
            key: "notice-record-failed",
            detail: error.to_string(),
        },
    };
    let _ = events.send(event);
    let _ = events.send(Event::RecordChanged);
}

/// Reads resources otherwise; on the store's thread.
pub(super) fn amend(store: &mut Store, changes: Vec<Amendment>, events: &Sender<Event>) {
    if let Err(error) = store.amend(changes) {
        let _ = events.send(Event::Notice {
            key: "notice-record-failed",
            detail: error.to_string(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::identity::{PersonName, Phi};
    use crossbeam_channel::bounded;

    fn person(id: &str) -> Arc<PatientIdentity> {
        Arc::new(PatientIdentity {
            id: Phi::new(id.to_owned()),
            name: Phi::new(PersonName::parse(id)),
            ..PatientIdentity::default()
        })
    }

    fn found(id: &str) -> RecordState {
        let record = PatientRecord {
            fhir_id: id.to_owned(),
            ..PatientRecord::default()
        };
        RecordState::Found {
            record: Arc::new(record),
            insight: Arc::default(),
            sure: true,
        }
    }

    fn shown(panel: &RecordPanel) -> Option<String> {
        match panel.state().0 {
            RecordState::Found { record, .. } => Some(record.fhir_id.clone()),
            _ => None,
        }
    }

    #[test]
    fn a_late_answer_never_shows_another_person() {
        // 2,000 random switches with answers delivered late and out of order.
        let (sender, receiver) = bounded(4096);
        let mut panel = RecordPanel {
            questions: Some(sender),
            ..RecordPanel::default()
        };
        let people = ["A", "B", "C"].map(person);
        let mut late: Vec<RecordAnswer> = Vec::new();
        let mut seed = 0x9E37_79B9_7F4A_7C15u64;
        let mut answered = 0;
        for _ in 0..2000 {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            let who = &people[(seed % 3) as usize];
            panel.follow(Some(who));
            while let Ok(question) = receiver.try_recv() {
                if let Ask::Find {
                    generation,
                    identity,
                    ..
                } = question
                {
                    let state = found(identity.id.reveal());
                    late.push(RecordAnswer { generation, state });
                }
            }
            if seed & 24 != 0 && !late.is_empty() {
                let at = (seed >> 16) as usize % late.len();
                panel.answer(late.swap_remove(at));
            }
            if let Some(id) = shown(&panel) {
                assert_eq!(&id, who.id.reveal());
                answered += 1;
            }
        }
        assert!(
            answered > 50,
            "the sequence must also show records ({answered})"
        );
    }

    #[test]
    fn changing_the_patient_blanks_at_once() {
        let (sender, _receiver) = bounded(16);
        let mut panel = RecordPanel {
            questions: Some(sender),
            ..RecordPanel::default()
        };
        panel.follow(Some(&person("A")));
        panel.answer(RecordAnswer {
            generation: panel.generation,
            state: found("A"),
        });
        assert_eq!(shown(&panel).as_deref(), Some("A"));
        panel.follow(Some(&person("B")));
        assert!(matches!(panel.state().0, RecordState::Loading));
        panel.follow(None);
        assert!(matches!(panel.state().0, RecordState::Blank));
    }
}

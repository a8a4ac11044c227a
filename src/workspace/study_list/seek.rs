//! Searching on a thread of its own: the newest question wins, a longer query looks only at what the shorter one found.

use super::{
    index::ListIndex,
    query::Query,
    row::{Column, Held, StudyEntry},
};
use crate::{
    diary,
    model::{date::Date, reading::ReadStatus},
    task::{Latest, spawn_named},
    workspace::{event::Event, library::Library, waker::Waker},
};
use crossbeam_channel::Sender;
use std::{
    collections::{HashMap, HashSet},
    panic::AssertUnwindSafe,
    sync::Arc,
};

/// How far the reading of studies is, by Study Instance UID; what is not there is new.
pub type Statuses = HashMap<String, ReadStatus>;

/// In which order rows stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sort {
    /// By this column.
    pub column: Column,
    /// Smallest first; dates begin with the newest otherwise.
    pub ascending: bool,
}

/// All that an answer depends on.
#[derive(Clone)]
pub struct Question {
    /// Counts questions.
    pub number: u64,
    /// What is open.
    pub library: Arc<Library>,
    /// What the store's index has.
    pub stored: Arc<Vec<StudyEntry>>,
    /// How far reading is.
    pub statuses: Arc<Statuses>,
    /// The query.
    pub text: String,
    /// What `today` means.
    pub today: Option<Date>,
    /// The order.
    pub sort: Sort,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// Of which question.
    pub number: u64,
    /// All studies.
    pub index: Arc<ListIndex>,
    /// Those found, in the order asked for.
    pub rows: Arc<[u32]>,
    /// Parts of the query that say nothing known.
    pub unread: Vec<String>,
}

/// The thread that searches.
pub struct Seeker {
    slot: Arc<Latest<Question>>,
}

impl Seeker {
    /// Starts the thread; answers come as events.
    pub fn start(events: Sender<Event>, waker: Waker) -> std::io::Result<Self> {
        let slot: Arc<Latest<Question>> = Arc::default();
        let questions = Arc::clone(&slot);
        spawn_named("list", move || {
            let mut desk = Desk::default();
            while let Some(question) = questions.take() {
                let number = question.number;
                let answer = diary::contain(AssertUnwindSafe(|| desk.answer(question)));
                let answer = answer.unwrap_or_else(|_| {
                    desk = Desk::default();
                    Answer {
                        number,
                        ..Answer::default()
                    }
                });
                if events.send(Event::List(Box::new(answer))).is_err() {
                    return;
                }
                waker.wake("list");
            }
        })?;
        Ok(Self { slot })
    }

    /// Asks. A question that still waits is forgotten.
    pub fn ask(&self, question: Question) {
        self.slot.put(question);
    }
}

impl Drop for Seeker {
    fn drop(&mut self) {
        self.slot.close();
    }
}

/// What is known from the questions before.
#[derive(Default)]
pub struct Desk {
    last: Option<Question>,
    index: Arc<ListIndex>,
    query: Query,
    /// In the order of the list.
    found: Vec<u32>,
}

impl Desk {
    /// Answers one question.
    pub fn answer(&mut self, question: Question) -> Answer {
        let same = |last: &&Question| {
            Arc::ptr_eq(&last.library, &question.library)
                && Arc::ptr_eq(&last.stored, &question.stored)
        };
        let last = self.last.as_ref().filter(same);
        let query = Query::parse(&question.text, question.today);
        if last.is_none() {
            self.index = Arc::new(build(&question));
        }
        let within = last
            .filter(|last| {
                let statuses = Arc::ptr_eq(&last.statuses, &question.statuses);
                (statuses || query.statuses.is_empty()) && query.narrows(&self.query)
            })
            .map(|_| self.found.as_slice());
        let status = |entry: &StudyEntry| status_of(&question.statuses, &entry.uid);
        self.found = self.index.find(&query, within, &status);
        let rows = self.sorted(&question, &status);
        let unread = query.unread.clone();
        self.query = query;
        let number = question.number;
        self.last = Some(question);
        Answer {
            number,
            index: Arc::clone(&self.index),
            rows,
            unread,
        }
    }

    fn sorted(
        &self,
        question: &Question,
        status: &dyn Fn(&StudyEntry) -> ReadStatus,
    ) -> Arc<[u32]> {
        let Sort { column, ascending } = question.sort;
        let mut rows = self.found.clone();
        match column {
            // The order of the list.
            Column::Date if !ascending => return rows.into(),
            Column::Status => {
                rows.sort_by_cached_key(|row| self.index.get(*row).map(status));
            }
            _ => {
                let places = self.index.order(column);
                rows.sort_by_key(|row| places.get(*row as usize));
            }
        }
        if !ascending {
            rows.reverse();
        }
        rows.into()
    }
}

/// The status of a study.
pub fn status_of(statuses: &Statuses, study_uid: &str) -> ReadStatus {
    statuses.get(study_uid).copied().unwrap_or_default()
}

/// What is open comes first: of a study that the store has as well, what is open counts.
fn build(question: &Question) -> ListIndex {
    let patients = question.library.patients.iter();
    let mut open: Vec<StudyEntry> = patients
        .flat_map(|p| p.studies.iter().map(|s| StudyEntry::of_node(p, s)))
        .collect();
    // Where the files of an open study are is known to the store alone.
    let keys: HashSet<u64> = open.iter().map(|entry| entry.key).collect();
    let stored = question.stored.iter().filter(|e| keys.contains(&e.key));
    let held: HashMap<u64, Held> = stored.map(|e| (e.key, e.held)).collect();
    for entry in &mut open {
        entry.held = held.get(&entry.key).copied().unwrap_or_default();
    }
    let open = open.into_iter();
    ListIndex::build(open.chain(question.stored.iter().cloned()).collect())
}

#[cfg(test)]
mod tests {
    use super::{super::row::tests::entry, *};

    fn question(text: &str, stored: &Arc<Vec<StudyEntry>>) -> Question {
        Question {
            number: 7,
            library: Arc::default(),
            stored: Arc::clone(stored),
            statuses: Arc::default(),
            text: text.to_owned(),
            today: None,
            sort: Sort::default(),
        }
    }

    fn stored() -> Arc<Vec<StudyEntry>> {
        Arc::new(vec![
            entry("1", "Chen^A", "1", "20260301", "CT", ""),
            entry("2", "Chang^B", "2", "20260302", "MR", ""),
            entry("3", "Chen^C", "3", "20260303", "CT", ""),
        ])
    }

    fn uids(answer: &Answer) -> Vec<&str> {
        let entry = |row: &u32| answer.index.get(*row).unwrap().uid.as_str();
        answer.rows.iter().map(entry).collect()
    }

    #[test]
    fn answers_are_the_same_whatever_was_asked_before() {
        let library: Arc<Library> = Arc::default();
        let (stored, mut desk) = (stored(), Desk::default());
        let texts = [
            "",
            "c",
            "ch",
            "che",
            "cha",
            "ch",
            "chen modality:MR",
            "chen",
            "status:final",
            "",
        ];
        for text in texts {
            let ask = || Question {
                library: Arc::clone(&library),
                ..question(text, &stored)
            };
            let fresh = Desk::default().answer(ask());
            let again = desk.answer(ask());
            assert_eq!(again.rows, fresh.rows, "{text}");
            assert_eq!(again.number, 7);
        }
    }

    #[test]
    fn a_status_that_changed_is_looked_at_again() {
        let library: Arc<Library> = Arc::default();
        let (stored, mut desk) = (stored(), Desk::default());
        let ask = |statuses: &[(&str, ReadStatus)]| Question {
            library: Arc::clone(&library),
            statuses: Arc::new(
                statuses
                    .iter()
                    .map(|(u, s)| ((*u).to_owned(), *s))
                    .collect(),
            ),
            ..question("status:new", &stored)
        };
        assert_eq!(
            uids(&desk.answer(ask(&[("3", ReadStatus::Final)]))),
            ["2", "1"]
        );
        assert_eq!(uids(&desk.answer(ask(&[]))), ["3", "2", "1"]);
    }

    #[test]
    fn rows_stand_in_the_order_asked_for() {
        let stored = stored();
        for (column, ascending, expected) in [
            (Column::Date, false, ["3", "2", "1"]),
            (Column::Date, true, ["1", "2", "3"]),
            (Column::Patient, true, ["2", "1", "3"]),
            (Column::Patient, false, ["3", "1", "2"]),
            (Column::Modality, true, ["3", "1", "2"]),
            (Column::Status, true, ["3", "2", "1"]),
            (Column::Id, true, ["1", "2", "3"]),
        ] {
            let answer = Desk::default().answer(Question {
                sort: Sort { column, ascending },
                ..question("", &stored)
            });
            assert_eq!(uids(&answer), expected, "{column:?} {ascending}");
        }
    }
}

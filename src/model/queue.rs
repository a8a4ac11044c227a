//! The case queue: which studies are to be labelled, by whom, how far each is, and how long it took.
//!
//! Must stay true: a case is one study for one reader; changing one changes no other; time only grows.

/// How far a case is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CaseState {
    /// Nobody has begun.
    #[default]
    Waiting,
    /// Somebody works on it.
    InProgress,
    /// It wants another look.
    Flagged,
    /// It is done.
    Done,
}

impl CaseState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::InProgress, Self::Flagged, Self::Done];

    /// Stable name, as in files and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::InProgress => "in-progress",
            Self::Flagged => "flagged",
            Self::Done => "done",
        }
    }

    /// The state with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// A case: one study for one reader.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Case {
    /// Study Instance UID.
    pub study_uid: String,
    /// Account that it is assigned to; empty for whoever comes first.
    pub reader: String,
    /// How far it is.
    pub state: CaseState,
    /// How long somebody worked on it, milliseconds; pauses do not count.
    pub active_ms: u64,
    /// When its state changed last, milliseconds since 1970 UTC; 0 for never.
    pub changed_ms: i64,
}

/// All cases, in the order in which they are worked through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaseQueue {
    /// The cases.
    pub cases: Vec<Case>,
    /// Readers do not see what other readers drew and said.
    pub blind: bool,
}

/// Most cases of a queue.
pub const MOST_CASES: usize = 100_000;

/// How many cases are how far, and how long they took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueProgress {
    /// All.
    pub all: usize,
    /// By state, in the order of [`CaseState::ALL`].
    pub by_state: [usize; 4],
    /// Milliseconds of work on all of them.
    pub active_ms: u64,
    /// Milliseconds of work on those that are done.
    pub done_ms: u64,
}

impl QueueProgress {
    /// Cases that are done.
    pub const fn done(&self) -> usize {
        let [_, _, _, done] = self.by_state;
        done
    }

    /// Cases that are flagged.
    pub const fn flagged(&self) -> usize {
        let [_, _, flagged, _] = self.by_state;
        flagged
    }

    /// Whole percent of the cases that are done, rounded down: 100 only when all are.
    pub const fn percent(&self) -> usize {
        match self.all {
            0 => 0,
            all => self.done() * 100 / all,
        }
    }

    /// Milliseconds that a case that is done took on average.
    pub const fn mean_ms(&self) -> Option<u64> {
        match self.done() as u64 {
            0 => None,
            done => Some(self.done_ms / done),
        }
    }
}

impl CaseQueue {
    /// Whether a case is for a reader.
    fn is_for(case: &Case, reader: &str) -> bool {
        case.reader.is_empty() || case.reader == reader
    }

    /// Adds a study for a reader at the end; `false` where it is there, or the queue is full.
    pub fn add(&mut self, study_uid: &str, reader: &str) -> bool {
        let there = |case: &Case| case.study_uid == study_uid && case.reader == reader;
        if study_uid.is_empty() || self.cases.len() >= MOST_CASES || self.cases.iter().any(there) {
            return false;
        }
        self.cases.push(Case {
            study_uid: study_uid.to_owned(),
            reader: reader.to_owned(),
            ..Case::default()
        });
        true
    }

    /// The place of the case of a study for a reader: one that is his own before one for everybody.
    pub fn find(&self, study_uid: &str, reader: &str) -> Option<usize> {
        let fits = |own: bool| {
            self.cases.iter().position(|case| {
                case.study_uid == study_uid
                    && match own {
                        true => case.reader == reader,
                        false => case.reader.is_empty(),
                    }
            })
        };
        fits(true).or_else(|| fits(false))
    }

    /// Gives a case another state; whether that is another one.
    pub fn set_state(&mut self, at: usize, state: CaseState, now_ms: i64) -> bool {
        let Some(case) = self.cases.get_mut(at).filter(|case| case.state != state) else {
            return false;
        };
        (case.state, case.changed_ms) = (state, now_ms);
        true
    }

    /// The next of [`CaseQueue::ahead`].
    pub fn next(&self, reader: &str, behind: Option<&str>, flagged: bool) -> Option<usize> {
        self.ahead(reader, behind, flagged).next()
    }

    /// The cases for a reader behind a study, then from the beginning: begun or waiting, or those that are flagged. The study
    /// itself is none.
    pub fn ahead(
        &self,
        reader: &str,
        behind: Option<&str>,
        flagged: bool,
    ) -> impl Iterator<Item = usize> {
        let here = behind.and_then(|uid| self.find(uid, reader));
        let start = here.map_or(0, |at| at + 1);
        let wanted = move |at: &usize| {
            self.cases.get(*at).is_some_and(|case| {
                let open = match flagged {
                    true => case.state == CaseState::Flagged,
                    false => matches!(case.state, CaseState::Waiting | CaseState::InProgress),
                };
                open && Self::is_for(case, reader) && Some(case.study_uid.as_str()) != behind
            })
        };
        (start..self.cases.len()).chain(0..start).filter(wanted)
    }

    /// Work on a study by a reader took so much longer; whether it is a case.
    pub fn add_time(&mut self, study_uid: &str, reader: &str, ms: u64) -> bool {
        let at = self.find(study_uid, reader);
        let Some(case) = at.and_then(|at| self.cases.get_mut(at)) else {
            return false;
        };
        case.active_ms = case.active_ms.saturating_add(ms);
        true
    }

    /// How far a reader is; all cases where none is named.
    pub fn progress(&self, reader: Option<&str>) -> QueueProgress {
        let mut progress = QueueProgress::default();
        let mine = |case: &&Case| reader.is_none_or(|reader| Self::is_for(case, reader));
        for case in self.cases.iter().filter(mine) {
            progress.all += 1;
            progress.active_ms += case.active_ms;
            let slot = CaseState::ALL.iter().zip(&mut progress.by_state);
            for (_, count) in slot.filter(|(state, _)| **state == case.state) {
                *count += 1;
            }
            if case.state == CaseState::Done {
                progress.done_ms += case.active_ms;
            }
        }
        progress
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue() -> CaseQueue {
        let mut queue = CaseQueue::default();
        for (uid, reader) in [
            ("1", ""),
            ("2", "ann"),
            ("2", "bob"),
            ("3", "ann"),
            ("4", ""),
        ] {
            assert!(queue.add(uid, reader));
        }
        queue
    }

    fn next(queue: &CaseQueue, reader: &str, behind: Option<&str>, flagged: bool) -> String {
        let at = queue.next(reader, behind, flagged);
        at.map_or(String::new(), |at| queue.cases[at].study_uid.clone())
    }

    #[test]
    fn a_study_is_a_case_once_for_each_reader() {
        let mut queue = queue();
        assert!(!queue.add("2", "ann") && !queue.add("", "ann"));
        assert!(queue.add("2", ""));
        assert_eq!(queue.find("2", "bob"), Some(2), "his own comes first");
        assert_eq!(queue.find("2", "carol"), Some(5));
        assert_eq!(queue.find("3", "bob"), None);
    }

    #[test]
    fn the_next_case_is_one_for_the_reader_that_is_not_done() {
        let mut queue = queue();
        assert_eq!(next(&queue, "ann", None, false), "1");
        assert_eq!(next(&queue, "ann", Some("1"), false), "2");
        assert_eq!(next(&queue, "bob", Some("2"), false), "4");
        assert_eq!(
            next(&queue, "bob", Some("4"), false),
            "1",
            "from the beginning again"
        );
        assert!(queue.set_state(1, CaseState::Done, 5) && !queue.set_state(1, CaseState::Done, 6));
        assert!(queue.set_state(0, CaseState::Flagged, 7));
        assert_eq!(next(&queue, "ann", None, false), "3");
        assert_eq!(
            next(&queue, "bob", None, false),
            "2",
            "another reader's case is open"
        );
        assert_eq!(next(&queue, "ann", Some("3"), true), "1");
        assert_eq!(
            next(&queue, "ann", Some("1"), true),
            "",
            "the one that is open is none"
        );
        for at in 0..queue.cases.len() {
            queue.set_state(at, CaseState::Done, 9);
        }
        assert_eq!(queue.next("ann", None, false), None);
        assert_eq!(queue.progress(None).percent(), 100);
    }

    #[test]
    fn progress_counts_states_and_time() {
        let mut queue = queue();
        queue.set_state(1, CaseState::Done, 1);
        assert!(queue.add_time("2", "ann", 1500) && queue.add_time("3", "ann", 500));
        assert!(!queue.add_time("3", "bob", 1), "it is not his case");
        let ann = queue.progress(Some("ann"));
        assert_eq!((ann.all, ann.done(), ann.percent()), (4, 1, 25));
        assert_eq!((ann.active_ms, ann.mean_ms()), (2000, Some(1500)));
        assert_eq!(queue.progress(None).by_state, [4, 0, 0, 1]);
        assert_eq!(CaseQueue::default().progress(None).percent(), 0);
    }
}

//! Many patients at once, in the window: a query, counts and plots over who is meant, and tables without identity.
//!
//! Must stay true: the store's thread loads and counts; the window only draws.

use super::{
    Workspace,
    event::Event,
    keeper::{Answered, Ask},
};
use crate::{
    clinical::cohort::{
        query::Query,
        statistics::{Spread, Summary, spread, summary},
    },
    dicom::element_with_keyword,
    model::access::Right,
    store::{self, Store},
};
use crossbeam_channel::Sender;
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// What is asked of the view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CohortAction {
    /// Close it.
    Close,
    /// Count who a query means, and the spread of a value; an empty code is none.
    Ask {
        /// The query.
        query: String,
        /// LOINC code or name.
        code: String,
    },
}

/// What was counted.
#[derive(Debug, Default)]
pub struct CohortAnswer {
    /// Patients in all.
    pub of: usize,
    /// Counts.
    pub summary: Summary,
    /// The spread of the value that was asked for.
    pub spread: Option<Spread>,
    /// Series whose files could not be read for what the query asks of headers.
    pub unread: usize,
    /// How long loading and counting took, milliseconds.
    pub ms: [f64; 2],
}

/// Why nothing was counted.
#[derive(Clone, PartialEq, Eq)]
pub enum CohortRefusal {
    /// A word of the query.
    NotUnderstood(String),
    /// The store; free of identity.
    Failed(String),
}

/// Nothing of what somebody typed.
impl std::fmt::Debug for CohortRefusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CohortRefusal")
    }
}

/// The view.
#[derive(Default)]
pub struct CohortView {
    /// It is open.
    pub open: bool,
    /// The line that was asked last.
    pub query: String,
    /// The value whose spread was asked for last.
    pub code: String,
    /// What was counted.
    pub answer: Option<Arc<CohortAnswer>>,
    /// Why not.
    pub refusal: Option<CohortRefusal>,
    asked: Arc<AtomicUsize>,
}

/// Nothing of what somebody typed.
impl std::fmt::Debug for CohortView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CohortView(open: {})", self.open)
    }
}

impl CohortView {
    /// Whether an answer is still to come.
    pub fn is_busy(&self) -> bool {
        self.asked.load(Ordering::Acquire) > 0
    }
}

impl Workspace {
    /// Opens the view, where a store with records is open.
    pub(super) fn show_cohort(&mut self) {
        if self.record.questions().is_none() {
            self.notify("notice-cohort-no-store", String::new());
        } else if self.allowed(Right::Search) {
            self.cohort.open = true;
            let (query, code) = (self.cohort.query.clone(), self.cohort.code.clone());
            self.act_on_cohort(CohortAction::Ask { query, code });
        }
    }

    pub(super) fn act_on_cohort(&mut self, action: CohortAction) {
        match action {
            CohortAction::Close => {
                self.cohort.open = false;
                self.cohort.answer = None;
            }
            CohortAction::Ask { query, code } => {
                self.cohort.query.clone_from(&query);
                self.cohort.code.clone_from(&code);
                if let Some(questions) = self.record.questions() {
                    let answered = Answered::new(&self.cohort.asked);
                    let ask = Ask::Cohort {
                        query,
                        code,
                        answered,
                    };
                    let _ = questions.try_send(ask);
                }
            }
        }
    }

    pub(super) fn take_cohort(&mut self, answer: Result<CohortAnswer, CohortRefusal>) {
        match answer {
            Ok(answer) if self.cohort.open => {
                self.cohort.refusal = None;
                self.cohort.answer = Some(Arc::new(answer));
            }
            Ok(_) => {}
            Err(refusal) => self.cohort.refusal = Some(refusal),
        }
    }

    /// Writes who the last query means into a new folder within one, without identity.
    pub(super) fn export_cohort(&mut self, folder: PathBuf) {
        if !(self.allowed(Right::Anonymize) && self.allowed(Right::ExportRecords)) {
            return;
        }
        if let Some(questions) = self.record.questions() {
            let ask = Ask::ExportCohort {
                query: self.cohort.query.clone(),
                folder,
                answered: Answered::new(&self.cohort.asked),
            };
            let _ = questions.try_send(ask);
        }
    }
}

/// Counts; on the store's thread.
pub(super) fn count(store: &Store, query: &str, code: &str) -> Result<CohortAnswer, CohortRefusal> {
    let failed = |text: String| CohortRefusal::Failed(text);
    let today = store::today().ok_or_else(|| failed("no day".into()))?;
    let parsed = Query::parse(query, today, element_with_keyword)
        .map_err(|e| CohortRefusal::NotUnderstood(e.0))?;
    let begin = std::time::Instant::now();
    let cohort = store
        .cohort_with(&parsed.tags())
        .map_err(|e| failed(e.to_string()))?;
    let loaded = begin.elapsed().as_secs_f64() * 1e3;
    let begin = std::time::Instant::now();
    let chosen = parsed.find(&cohort, today);
    let summary = summary(&cohort, &chosen, today);
    let spread = match code.trim() {
        "" => None,
        code => spread(&cohort, &chosen, code),
    };
    Ok(CohortAnswer {
        of: cohort.len(),
        unread: cohort.unread,
        summary,
        spread,
        ms: [loaded, begin.elapsed().as_secs_f64() * 1e3],
    })
}

/// Name of the folder of the tables.
const TABLES: &str = "cohort";

/// Writes tables; on the store's thread.
pub(super) fn export(store: &Store, query: &str, folder: &Path, events: &Sender<Event>) {
    let done = || -> Result<usize, String> {
        let today = store::today().ok_or("no day")?;
        let parsed = Query::parse(query, today, element_with_keyword).map_err(|e| e.to_string())?;
        let cohort = store
            .cohort_with(&parsed.tags())
            .map_err(|e| e.to_string())?;
        let chosen = parsed.find(&cohort, today);
        let mut place = folder.join(TABLES);
        for number in 2..100 {
            if !place.exists() {
                break;
            }
            place = folder.join(format!("{TABLES}-{number}"));
        }
        let written = store
            .export_cohort(&cohort, &chosen, today, &place)
            .map_err(|e| e.to_string())?;
        Ok(written.patients)
    };
    let event = match done() {
        Ok(count) => Event::Counted {
            key: "notice-cohort-written",
            count,
        },
        Err(detail) => Event::Notice {
            key: "notice-cohort-failed",
            detail,
        },
    };
    let _ = events.send(event);
}

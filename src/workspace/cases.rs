//! The case queue in the window: `N` goes through it, work is timed, and the store keeps it.
//!
//! Must stay true: time runs only between two movements of the hand that lie near each other, on the study that is shown;
//! the window's thread never waits for the store. What the queue says is no step of undo.

use super::{Command, Workspace, keeper::Ask, study_list::known::KnownAsk};
use crate::model::{
    access::Right,
    queue::{Case, CaseQueue, CaseState},
};
use std::{
    collections::HashMap,
    time::{SystemTime, UNIX_EPOCH},
};

/// A longer rest of the hand is a pause and no work, seconds.
pub const PAUSE_S: f64 = 60.0;
/// So much time that is not kept yet is, milliseconds.
const KEEP_MS: u64 = 15_000;

/// The queue, and what is being timed.
#[derive(Debug, Default)]
pub struct Cases {
    queue: CaseQueue,
    /// `N` goes to those that are flagged.
    pub revisit: bool,
    /// When the hand moved last, on the clock of the window, and on which study.
    hand: Option<(f64, String)>,
    /// Time that the store does not have yet.
    loose_ms: u64,
}

/// What the window asks of the queue.
#[derive(Clone, Debug)]
pub enum CaseAction {
    /// The studies that the list shows become cases for whoever comes first.
    AddFound,
    /// To the next case.
    Next,
    /// To this case.
    Open(usize),
    /// The case that is shown has another state.
    State(CaseState),
    /// Go through what is flagged, or through what is open.
    Revisit(bool),
    /// Forget all cases; what was drawn stays.
    Clear,
    /// Readers do not see each other, or do.
    Blind(bool),
}

fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(0))
}

impl Cases {
    /// All cases.
    pub const fn queue(&self) -> &CaseQueue {
        &self.queue
    }

    /// Whether there is a queue to go through.
    pub const fn is_on(&self) -> bool {
        !self.queue.cases.is_empty()
    }
}

impl Workspace {
    fn study_uid_shown(&self) -> Option<String> {
        let study = self.active_viewport().and_then(|v| v.study().cloned());
        study.map(|study| study.uid.clone())
    }

    /// The place of the case that is shown.
    pub fn case_shown(&self) -> Option<usize> {
        let uid = self.study_uid_shown()?;
        self.cases.queue.find(&uid, self.reader())
    }

    /// The case that is shown.
    pub fn case_of_shown(&self) -> Option<&Case> {
        self.cases.queue.cases.get(self.case_shown()?)
    }

    /// What a case is in the list: date, modality and description of its study, and nothing of the patient.
    pub fn describe_case(&self, case: &Case) -> String {
        let index = self.list.index();
        let rows = u32::try_from(index.len()).unwrap_or(u32::MAX);
        let mut entries = (0..rows).filter_map(|row| index.get(row));
        entries
            .find(|entry| entry.uid == case.study_uid)
            .map(|entry| {
                let date = entry.date.map(|d| d.to_string()).unwrap_or_default();
                let parts = [date, entry.modalities.join("/"), entry.description.clone()];
                let said: Vec<String> = parts.into_iter().filter(|p| !p.is_empty()).collect();
                said.join("  ")
            })
            .unwrap_or_default()
    }

    /// The row of the study of a case.
    fn row_of_case(&self, at: usize) -> Option<u64> {
        let uid = &self.cases.queue.cases.get(at)?.study_uid;
        let index = self.list.index();
        let rows = u32::try_from(index.len()).unwrap_or(u32::MAX);
        (0..rows)
            .filter_map(|row| index.get(row))
            .find(|entry| entry.uid == *uid)
            .map(|entry| entry.key)
    }

    /// The next case of the reader whose study is known, as a row of the list.
    pub(super) fn case_ahead(&self) -> Option<u64> {
        let shown = self.study_uid_shown();
        let index = self.list.index();
        let rows = u32::try_from(index.len()).unwrap_or(u32::MAX);
        let entries = (0..rows).filter_map(|row| index.get(row));
        let known: HashMap<&str, u64> = entries.map(|e| (e.uid.as_str(), e.key)).collect();
        let (queue, revisit) = (&self.cases.queue, self.cases.revisit);
        let mut ahead = queue.ahead(self.reader(), shown.as_deref(), revisit);
        ahead.find_map(|at| known.get(queue.cases.get(at)?.study_uid.as_str()).copied())
    }

    /// Carries out what the window asks of the queue.
    pub(super) fn act_on_cases(&mut self, action: CaseAction) {
        let arranges = matches!(
            action,
            CaseAction::AddFound | CaseAction::Clear | CaseAction::Blind(_)
        );
        if arranges && !self.allowed(Right::ReadStatus) {
            return;
        }
        match action {
            CaseAction::AddFound => {
                let (index, rows) = (self.list.index().clone(), self.list.rows().clone());
                let entries = rows.iter().filter_map(|row| index.get(*row));
                let mut added = 0;
                for entry in entries {
                    added += usize::from(self.cases.queue.add(&entry.uid, ""));
                }
                self.notify_count("notice-cases-added", added, String::new());
                self.keep_queue();
            }
            CaseAction::Next => {
                self.execute(Command::NextUnread);
            }
            CaseAction::Open(at) => {
                if let Some(row) = self.row_of_case(at) {
                    self.go_to_study(row);
                } else {
                    self.notify("notice-files-gone", String::new());
                }
            }
            CaseAction::State(state) => {
                self.case_is(state);
            }
            CaseAction::Revisit(on) => self.cases.revisit = on,
            CaseAction::Clear => {
                self.cases.queue.cases.clear();
                self.keep_queue();
            }
            CaseAction::Blind(on) => {
                self.cases.queue.blind = on;
                self.measuring.touch();
                self.keep_queue();
            }
        }
    }

    /// The case that is shown has another state; `false` where none is shown.
    pub(super) fn case_is(&mut self, state: CaseState) -> bool {
        let Some(at) = self.case_shown() else {
            return false;
        };
        if !self.allowed(Right::Annotate) {
            return true;
        }
        if self.cases.queue.set_state(at, state, now_ms()) {
            self.keep_queue();
        }
        true
    }

    /// The hand moved at a time of the window's clock, seconds: work goes on since it moved before, unless that is long ago or
    /// was on another study.
    pub fn note_hand(&mut self, now: f64) {
        if !self.cases.is_on() || self.access.locked {
            self.cases.hand = None;
            return;
        }
        let Some(uid) = self.study_uid_shown() else {
            self.cases.hand = None;
            return;
        };
        let before = self.cases.hand.take();
        let gap = match &before {
            Some((then, study)) if *study == uid => now - then,
            _ => 0.0,
        };
        self.cases.hand = Some((now, uid.clone()));
        if !(gap > 0.0 && gap <= PAUSE_S) {
            return;
        }
        // Milliseconds of less than a minute.
        let ms = (gap * 1000.0).round() as u64;
        let reader = self.reader().to_owned();
        if !self.cases.queue.add_time(&uid, &reader, ms) {
            return;
        }
        let waits = self.case_of_shown().map(|case| case.state) == Some(CaseState::Waiting);
        if waits && self.role().may(Right::Annotate) {
            self.case_is(CaseState::InProgress);
        }
        self.cases.loose_ms += ms;
        if self.cases.loose_ms >= KEEP_MS {
            self.keep_queue();
        }
    }

    /// Has the store keep the queue as it is, where one is open.
    pub(super) fn keep_queue(&mut self) {
        self.cases.loose_ms = 0;
        let ask = Ask::Known(KnownAsk::KeepQueue(Box::new(self.cases.queue.clone())));
        let asks = self.marks.asks();
        if asks.is_some_and(|asks| asks.try_send(ask).is_err()) {
            // It is kept with the next change.
            self.cases.loose_ms = KEEP_MS;
        }
    }

    /// Time that is not kept yet is, before the window goes or the study is left.
    pub(super) fn keep_case_time(&mut self) {
        if self.cases.loose_ms > 0 {
            self.keep_queue();
        }
    }

    /// The queue of the store that opened; cases that were made before it come behind its own.
    pub(super) fn take_queue(&mut self, queue: CaseQueue) {
        let mine = std::mem::replace(&mut self.cases.queue, queue);
        let mut more = false;
        for case in mine.cases {
            more |= self.cases.queue.add(&case.study_uid, &case.reader);
        }
        self.measuring.touch();
        if more {
            self.keep_queue();
        }
    }
}

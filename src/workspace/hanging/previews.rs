//! What a draft of a protocol would hang, worked out over the whole library on a thread of its own: the newest draft wins.

use super::{
    example::{self, Match},
    item::StudyItems,
    protocol::Protocol,
};
use crate::{
    diary,
    task::{Latest, spawn_named},
    workspace::{event::Event, library::Library, waker::Waker},
};
use crossbeam_channel::Sender;
use std::{panic::AssertUnwindSafe, sync::Arc};

/// A draft, and what it may hang over.
#[derive(Debug)]
struct Question {
    number: u64,
    protocol: Protocol,
    library: Arc<Library>,
}

/// What the draft with this number would hang.
#[derive(Debug)]
pub struct Previewed {
    number: u64,
    matches: Vec<Match>,
}

/// The line to the thread, which starts with the first draft.
#[derive(Debug, Default)]
pub struct Previewer {
    slot: Option<Arc<Latest<Question>>>,
    asked: u64,
    answered: u64,
}

impl Previewer {
    /// Asks. A draft that still waits is forgotten. Without a thread there is no answer.
    pub fn ask(
        &mut self,
        protocol: Protocol,
        library: Arc<Library>,
        events: impl FnOnce() -> (Sender<Event>, Waker),
    ) {
        if self.slot.is_none() {
            let slot: Arc<Latest<Question>> = Arc::default();
            let questions = Arc::clone(&slot);
            let (events, waker) = events();
            let body = move || {
                while let Some(question) = questions.take() {
                    let number = question.number;
                    let found = diary::contain(AssertUnwindSafe(|| matches(&question)));
                    let answer = Previewed {
                        number,
                        matches: found.unwrap_or_default(),
                    };
                    if events.send(Event::Previewed(answer)).is_err() {
                        return;
                    }
                    waker.wake("hanging");
                }
            };
            if spawn_named("hanging", body).is_err() {
                return;
            }
            self.slot = Some(slot);
        }
        if let Some(slot) = &self.slot {
            self.asked += 1;
            slot.put(Question {
                number: self.asked,
                protocol,
                library,
            });
        }
    }

    /// Takes an answer; `None` when another draft was asked about since.
    pub fn take(&mut self, answer: Previewed) -> Option<Vec<Match>> {
        self.answered = self.answered.max(answer.number);
        (answer.number == self.asked).then_some(answer.matches)
    }

    /// Whether an answer is still to come.
    pub const fn is_busy(&self) -> bool {
        self.answered < self.asked
    }
}

impl Drop for Previewer {
    fn drop(&mut self) {
        if let Some(slot) = &self.slot {
            slot.close();
        }
    }
}

fn matches(question: &Question) -> Vec<Match> {
    let patients = question.library.patients.iter();
    patients
        .flat_map(|patient| {
            let studies: Vec<_> = patient.studies.iter().map(StudyItems::of_node).collect();
            let others = |at: usize| (0..studies.len()).filter(|n| *n != at).collect();
            example::preview(&question.protocol, &studies, others)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_answer_to_the_newest_draft_counts() {
        let (events, told) = crossbeam_channel::bounded(4);
        let mut previewer = Previewer::default();
        assert!(!previewer.is_busy());
        let line = || (events.clone(), Waker::silent());
        for _ in 0..2 {
            previewer.ask(Protocol::default(), Arc::default(), line);
        }
        assert!(previewer.is_busy());
        let old = Previewed {
            number: 1,
            matches: Vec::new(),
        };
        assert!(previewer.take(old).is_none() && previewer.is_busy());
        let second = loop {
            let wait = std::time::Duration::from_secs(20);
            match told.recv_timeout(wait).unwrap() {
                Event::Previewed(answer) if answer.number == 2 => break answer,
                _ => {}
            }
        };
        assert!(previewer.take(second).is_some_and(|found| found.is_empty()));
        assert!(!previewer.is_busy());
    }
}

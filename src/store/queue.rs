//! The case queue of a store. It names studies and accounts, so it lies in the encrypted database.

use super::{Store, StoreError, database};
use crate::model::{
    access::Right,
    queue::{Case, CaseQueue, CaseState, MOST_CASES},
};
use serde_json::{Value, json};

/// Key of the note in the database.
const NOTE: &str = "queue";

fn case_of(value: &Value) -> Option<Case> {
    let text = |name: &str| Some(value.get(name)?.as_str()?.to_owned());
    Some(Case {
        study_uid: text("study").filter(|uid| !uid.is_empty())?,
        reader: text("reader")?,
        state: CaseState::named(&text("state")?)?,
        active_ms: value.get("active_ms")?.as_u64()?,
        changed_ms: value.get("changed_ms")?.as_i64()?,
    })
}

impl Store {
    /// The case queue; an empty one where none was made.
    ///
    /// # Errors
    /// When the database cannot be read, or the queue in it is none.
    pub fn case_queue(&self) -> Result<CaseQueue, StoreError> {
        let Some(note) = database::meta(&self.connection, NOTE)? else {
            return Ok(CaseQueue::default());
        };
        let damaged = || StoreError::damaged("case queue", "it cannot be read");
        let value: Value = serde_json::from_slice(&note).map_err(|_| damaged())?;
        let cases = value
            .get("cases")
            .and_then(Value::as_array)
            .ok_or_else(damaged)?;
        let cases: Option<Vec<Case>> = cases.iter().map(case_of).collect();
        Ok(CaseQueue {
            cases: cases
                .filter(|c| c.len() <= MOST_CASES)
                .ok_or_else(damaged)?,
            blind: value
                .get("blind")
                .and_then(Value::as_bool)
                .unwrap_or_default(),
        })
    }

    /// Keeps the queue as it is now. Its list, who has which case, and whether readers see each other is for those who may
    /// say how far the reading is; state and time of his own cases for everybody who may draw.
    ///
    /// # Errors
    /// When the role does not allow it, or the database cannot be written.
    pub fn set_case_queue(&mut self, queue: &CaseQueue) -> Result<(), StoreError> {
        let before = self.case_queue()?;
        self.demand(match self.changes_only_own(&before, queue) {
            true => Right::Annotate,
            false => Right::ReadStatus,
        })?;
        let cases: Vec<Value> = queue
            .cases
            .iter()
            .map(|case| {
                json!({
                    "study": case.study_uid,
                    "reader": case.reader,
                    "state": case.state.name(),
                    "active_ms": case.active_ms,
                    "changed_ms": case.changed_ms,
                })
            })
            .collect();
        let note = json!({"cases": cases, "blind": queue.blind}).to_string();
        database::set_meta(&self.connection, NOTE, note.as_bytes())?;
        self.checkpoint()
    }

    fn changes_only_own(&self, before: &CaseQueue, after: &CaseQueue) -> bool {
        let pairs = || before.cases.iter().zip(&after.cases);
        before.blind == after.blind
            && before.cases.len() == after.cases.len()
            && pairs().all(|(a, b)| a.study_uid == b.study_uid && a.reader == b.reader)
            && pairs().all(|(a, b)| a == b || b.reader.is_empty() || b.reader == self.user())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_comes_back_as_it_was() {
        let mut store = Store::throw_away().unwrap();
        assert_eq!(store.case_queue().unwrap(), CaseQueue::default());
        let mut queue = CaseQueue {
            blind: true,
            ..CaseQueue::default()
        };
        queue.add("1.2", "");
        queue.add("1.3", "安娜");
        queue.set_state(1, CaseState::Flagged, -7);
        queue.add_time("1.3", "安娜", 12_345);
        store.set_case_queue(&queue).unwrap();
        assert_eq!(store.case_queue().unwrap(), queue);
        for damaged in [&b"no queue"[..], b"{}", br#"{"cases":[{"study":"1"}]}"#] {
            database::set_meta(&store.connection, NOTE, damaged).unwrap();
            assert!(store.case_queue().is_err());
        }
    }
}

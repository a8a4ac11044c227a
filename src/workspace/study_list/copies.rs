//! Keeping copies of the shown study in the store. Files are read and sealed on a thread of their own, so that edits are
//! saved meanwhile; the store's thread only writes their rows.

use super::{Held, known::KnownAsk, row::key_of};
use crate::{
    dicom::guard::Limits,
    model::{identity::PatientIdentity, study::Instance},
    store::NotKept,
    task::spawn_named,
    workspace::{
        Workspace,
        event::Event,
        keeper::{Answered, Ask},
        library::same_patient,
    },
};
use crossbeam_channel::bounded;
use std::sync::Arc;

/// Files that are sealed before the index is told of them.
const SEALED: usize = 32;

impl Workspace {
    /// Where the files of a study are, as far as the store says.
    pub fn held(&self, study_uid: &str, patient: &PatientIdentity) -> Held {
        let index = self.list.index();
        let row = index.row_of(key_of(study_uid, patient));
        row.and_then(|row| index.get(row))
            .map_or(Held::Unknown, |entry| entry.held)
    }

    /// The objects of the study in the active view.
    fn instances_shown(&self) -> Vec<Arc<Instance>> {
        let shown = self.active_viewport();
        let shown = shown.and_then(|v| Some((v.study()?.clone(), v.patient()?.clone())));
        let Some((study, patient)) = shown else {
            return Vec::new();
        };
        let mut instances = self.open_instances();
        instances.retain(|i| i.study.uid == study.uid && same_patient(&i.patient, &patient));
        instances
    }

    /// Has the store keep copies of the files of the shown study; asks for the store first when there is none.
    pub(in crate::workspace) fn keep_copies(&mut self) {
        let Some(asks) = self.marks.asks().cloned() else {
            self.list.keep_when_open = true;
            self.ask_for_store(true);
            return;
        };
        let instances = self.instances_shown();
        if instances.is_empty() {
            return;
        }
        let job = self.jobs.start("job-keeping");
        job.progress.set_total(instances.len() as u64);
        let ending = self.ending(job.id);
        let open = Arc::clone(&self.list.open);
        let keys = self.passphrases.keys.clone();
        let (events, waker) = (self.sender(), self.waker.clone());
        let id = job.id;
        let body = move || {
            let _ending = ending;
            let failed = |detail: String| {
                let key = "notice-copies-failed";
                let _ = events.send(Event::Notice { key, detail });
                waker.wake("library");
            };
            let (told, answer) = bounded(1);
            if asks.send(Ask::Known(KnownAsk::Keep(told))).is_err() {
                return;
            }
            let keeping = match answer.recv() {
                Ok(Ok(keeping)) => keeping,
                Ok(Err(detail)) => return failed(detail),
                Err(_) => return,
            };
            let (mut kept, mut refused, mut whole) = (0, 0, true);
            for part in instances.chunks(SEALED) {
                let mut sealed = Vec::with_capacity(part.len());
                let mut broken = None;
                for instance in part {
                    if job.cancel.is_cancelled() || broken.is_some() {
                        break;
                    }
                    match keeping.seal(instance, &Limits::default(), &keys) {
                        Ok(found) => sealed.extend(found),
                        Err(NotKept::Rejected(_)) => refused += 1,
                        Err(NotKept::Store(error)) => broken = Some(error.to_string()),
                    }
                    job.progress.add(1);
                }
                let new = sealed.iter().filter(|object| object.new).count();
                // What was sealed is kept, whatever becomes of the rest.
                let (told, answer) = bounded(1);
                if asks
                    .send(Ask::Known(KnownAsk::Settle(sealed, told)))
                    .is_err()
                {
                    return;
                }
                match answer.recv() {
                    Ok(Ok(())) => kept += new,
                    Ok(Err(detail)) => broken = Some(detail),
                    Err(_) => return,
                }
                if let Some(detail) = broken {
                    failed(detail);
                    whole = false;
                    break;
                }
            }
            let studies = KnownAsk::Studies(Answered::new(&open));
            let _ = asks.send(Ask::Known(studies));
            let count = |key, count| {
                let _ = events.send(Event::Counted { key, count });
            };
            whole &= refused == 0 && !job.cancel.is_cancelled();
            if kept > 0 || whole {
                count("notice-copies-kept", kept);
            }
            if refused > 0 {
                count("notice-copies-refused", refused);
            }
            waker.wake("library");
        };
        if spawn_named("keeping", body).is_err() {
            self.jobs.finish(id);
            self.notify("notice-copies-failed", String::new());
        }
    }
}

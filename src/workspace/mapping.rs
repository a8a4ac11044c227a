//! A table that came without a mapping file: its columns are shown, their meaning is chosen, its first rows are read for
//! a preview, and what was chosen is kept as a mapping file beside it.

use super::{Workspace, event::Event, keeper::Answered, record_link::RecordState};
use crate::{
    clinical::{
        FhirError, Hints,
        fhir::MAX_BYTES,
        table::{self, Checked},
        table_draft::{self, Draft, Look, Preview},
    },
    files::write_whole,
    model::access::Right,
    task::spawn_named,
};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// What is chosen in the question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MappingAction {
    /// The type of each row.
    Resource(String),
    /// The category of observations.
    Category(String),
    /// The system of the codes.
    System(String),
    /// The role of a column.
    Role {
        /// Which column, from 0.
        column: usize,
        /// Its role.
        role: Option<&'static str>,
    },
    /// LOINC code of a column that is a measure.
    Loinc(usize, String),
    /// Its name.
    Display(usize, String),
    /// Its unit.
    Unit(usize, String),
    /// Take the table in.
    Import {
        /// Keep what was chosen as a mapping file beside the table.
        keep: bool,
    },
    /// Leave it.
    Cancel,
}

/// The question. `Debug` says nothing of the table.
pub struct MappingQuestion {
    path: PathBuf,
    /// How the table begins.
    pub look: Look,
    /// What is chosen so far.
    pub draft: Draft,
    /// How the first rows would be read, or why not.
    pub preview: Result<Vec<Preview>, FhirError>,
    /// What the whole table gives, and what is wrong with its rows; `None` while that is looked at, and where the
    /// mapping does not do.
    pub checked: Option<Arc<Checked>>,
    /// Whose the preview was made for.
    patient: Option<String>,
    text: Arc<str>,
    /// Grows with every change; a check of an older one is dropped.
    latest: Arc<AtomicU64>,
}

impl std::fmt::Debug for MappingQuestion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MappingQuestion({:?})", self.look)
    }
}

impl MappingQuestion {
    /// Name of the file, for its title.
    pub fn name(&self) -> String {
        let name = self.path.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    fn renew(&mut self) {
        self.preview = self.draft.preview(&self.look, self.patient.as_deref());
    }
}

/// A table as it was looked at; nothing of it is printed.
pub struct LookedAt {
    path: PathBuf,
    look: Look,
    text: Arc<str>,
}

impl std::fmt::Debug for LookedAt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.look)
    }
}

/// Looks at a table; on the store's thread.
pub(super) fn look_at(path: PathBuf) -> Event {
    let failed = |detail: String| Event::Notice {
        key: "notice-record-failed",
        detail,
    };
    let size = std::fs::metadata(&path).map_or(0, |data| data.len());
    if size > MAX_BYTES as u64 {
        return failed("the table is too large".into());
    }
    let read = std::fs::read(&path).map_err(|e| e.kind().to_string());
    let look = read.and_then(|bytes| {
        let text: Arc<str> = table_draft::decoded(&bytes).into();
        let look = table_draft::look(&text).map_err(|e| e.to_string())?;
        Ok((look, text))
    });
    match look {
        Ok((look, text)) if look.header.len() > 1 => {
            Event::RecordTable(Box::new(LookedAt { path, look, text }))
        }
        Ok(_) => Event::Notice {
            key: "notice-record-mapping",
            detail: String::new(),
        },
        Err(detail) => failed(detail),
    }
}

impl Workspace {
    /// Asks what the columns of a table mean.
    pub(super) fn ask_mapping(&mut self, looked: LookedAt) {
        let patient = self.sure_patient();
        let draft = Draft::guess(&looked.look);
        let preview = draft.preview(&looked.look, patient.as_deref());
        self.mapping = Some(MappingQuestion {
            path: looked.path,
            look: looked.look,
            draft,
            preview,
            checked: None,
            patient,
            text: looked.text,
            latest: Arc::default(),
        });
        self.check_mapping();
    }

    /// Has the whole table read by the mapping on a thread of its own, to say what is wrong with its rows.
    fn check_mapping(&mut self) {
        let (events, waker) = (self.sender(), self.waker.clone());
        let Some(question) = &mut self.mapping else {
            return;
        };
        question.checked = None;
        let generation = question.latest.fetch_add(1, Ordering::AcqRel) + 1;
        if question.preview.is_err() {
            return;
        }
        let (latest, text) = (Arc::clone(&question.latest), Arc::clone(&question.text));
        let mapping = question.draft.text(&question.look);
        let patient = question.patient.clone();
        let answered = Answered::new(&self.checking);
        let body = move || {
            // Of many changes only the last one is worth the work.
            if latest.load(Ordering::Acquire) == generation {
                let hints = Hints {
                    patient: patient.as_deref(),
                    mapping: Some(&mapping),
                };
                let checked = table::check_table(&text, &hints).unwrap_or_default();
                let _ = events.send(Event::TableChecked(generation, Box::new(checked)));
            }
            drop(answered);
            waker.wake("mapping");
        };
        let _ = spawn_named("mapping check", body);
    }

    /// Takes in what the whole table gives.
    pub(super) fn take_checked(&mut self, generation: u64, checked: Checked) {
        if let Some(question) = &mut self.mapping
            && question.latest.load(Ordering::Acquire) == generation
        {
            question.checked = Some(Arc::new(checked));
        }
    }

    /// The patient on the screen, where the record is surely theirs.
    fn sure_patient(&self) -> Option<String> {
        match self.record.state().0 {
            RecordState::Found {
                record, sure: true, ..
            } => Some(record.fhir_id.clone()),
            _ => None,
        }
    }

    pub(super) fn act_on_mapping(&mut self, action: MappingAction) {
        let patient = self.sure_patient();
        let Some(question) = &mut self.mapping else {
            return;
        };
        question.patient = patient;
        match action {
            MappingAction::Resource(resource) => question.draft.resource = resource,
            MappingAction::Category(category) => question.draft.category = category,
            MappingAction::System(system) => question.draft.system = system,
            MappingAction::Role { column, role } => {
                question.draft.set_role(&question.look, column, role);
            }
            MappingAction::Loinc(column, loinc) => {
                question.draft.set_loinc(&question.look, column, &loinc);
            }
            MappingAction::Display(column, display) => {
                if let Some(measure) = question.draft.measures.get_mut(&column) {
                    measure.display = display;
                }
            }
            MappingAction::Unit(column, unit) => {
                if let Some(measure) = question.draft.measures.get_mut(&column) {
                    measure.set_unit(&unit);
                }
            }
            MappingAction::Cancel => {
                self.mapping = None;
                return;
            }
            MappingAction::Import { keep } => {
                question.renew();
                if question.preview.is_ok() && question.draft.unready().is_empty() {
                    self.import_table(keep);
                }
                return;
            }
        }
        question.renew();
        self.check_mapping();
    }

    fn import_table(&mut self, keep: bool) {
        if !self.allowed(Right::ImportRecords) {
            return;
        }
        let Some(question) = self.mapping.take() else {
            return;
        };
        let mapping = question.draft.text(&question.look);
        // Whose each row is the table says itself, where it has such a column.
        let patient = match question.draft.names_patients() {
            true => None,
            false => question.patient,
        };
        if keep {
            let (events, waker) = (self.sender(), self.waker.clone());
            let (path, text) = (question.path.clone(), mapping.clone());
            let body = move || {
                let _ = events.send(keep_mapping(&path, &text));
                waker.wake("mapping");
            };
            let _ = spawn_named("mapping", body);
        }
        self.record.import_table(question.path, patient, mapping);
    }
}

/// Writes a mapping file beside its table, over nothing that exists.
fn keep_mapping(table: &Path, text: &str) -> Event {
    for number in 1..100 {
        let path = match number {
            1 => table.with_extension("toml"),
            n => table.with_extension(format!("{n}.toml")),
        };
        if path.exists() {
            continue;
        }
        return match write_whole(&path, text.as_bytes()) {
            Ok(()) => Event::Notice {
                key: "notice-mapping-kept",
                detail: String::new(),
            },
            Err(error) => Event::Notice {
                key: "notice-mapping-unkept",
                detail: error.kind().to_string(),
            },
        };
    }
    Event::Notice {
        key: "notice-mapping-unkept",
        detail: String::new(),
    }
}

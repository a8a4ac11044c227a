//! The log of who did what, in the window: read, narrowed, held against itself, written out. For who may do that.

use super::{
    Workspace,
    event::Event,
    keeper::{Answered, Ask},
};
use crate::{
    model::access::{AuditKind, Right},
    store::{
        AuditEntry, AuditReport, Store, StoreError,
        audit_forms::{CSV_NAMES, csv, fhir},
    },
};
use crossbeam_channel::Sender;
use std::{
    fs::File,
    io::{self, Write as _},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Most entries that are shown: the newest.
pub const MOST: usize = 50_000;

/// In which form the log is written out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditForm {
    /// FHIR R4 AuditEvent, one a line.
    Fhir,
    /// Comma-separated values.
    Csv,
}

impl AuditForm {
    /// Name of the file.
    const fn file(self) -> &'static str {
        match self {
            Self::Fhir => "audit.ndjson",
            Self::Csv => "audit.csv",
        }
    }
}

/// What is asked of the view.
#[derive(Clone, Debug, PartialEq)]
pub enum AuditAction {
    /// Close it.
    Close,
    /// Read the log again.
    Read,
    /// Other entries.
    Narrow(AuditFilter),
}

/// Which entries are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Of this account; empty for all.
    pub user: String,
    /// Of this kind.
    pub kind: Option<AuditKind>,
    /// What was refused or failed alone.
    pub refused: bool,
    /// About the patient on the screen alone: what stands for them in the log.
    pub words: String,
}

impl AuditFilter {
    /// Whether an entry is shown.
    pub fn holds(&self, entry: &AuditEntry) -> bool {
        let words = self.words.trim().to_lowercase();
        (self.user.is_empty() || self.user == entry.user)
            && self.kind.is_none_or(|kind| kind == entry.kind)
            && (!self.refused || !entry.done)
            && (words.is_empty()
                || entry.detail.to_lowercase().contains(&words)
                || entry.patient.contains(&words)
                || entry.study.contains(&words))
    }
}

/// What was read.
#[derive(Debug, Default)]
pub struct AuditRead {
    /// Entries, the newest first.
    pub entries: Vec<AuditEntry>,
    /// Older ones that are not shown.
    pub left_out: usize,
    /// Accounts that occur, sorted.
    pub users: Vec<String>,
    /// Whether the log is as it was written.
    pub report: Option<AuditReport>,
}

/// The view.
#[derive(Debug, Default)]
pub struct AuditView {
    /// It is open.
    pub open: bool,
    /// What was read last.
    pub read: Arc<AuditRead>,
    /// Which entries are shown.
    pub filter: AuditFilter,
    /// Numbers of the entries that are shown.
    pub shown: Vec<usize>,
    /// Grows with every reading and narrowing.
    pub revision: u64,
    asked: Arc<AtomicUsize>,
}

impl AuditView {
    /// Whether an answer is still to come.
    pub fn is_busy(&self) -> bool {
        self.asked.load(Ordering::Acquire) > 0
    }

    fn narrow(&mut self) {
        let entries = self.read.entries.iter().enumerate();
        let filter = &self.filter;
        self.shown = entries
            .filter(|(_, entry)| filter.holds(entry))
            .map(|(number, _)| number)
            .collect();
        self.revision += 1;
    }
}

impl Workspace {
    /// Opens the log, where the role allows it and a store is open.
    pub(super) fn show_audit(&mut self) {
        if self.marks.asks().is_none() {
            self.notify("notice-audit-no-store", String::new());
        } else if self.allowed(Right::ReadAudit) {
            self.audit.open = true;
            self.read_audit();
        }
    }

    /// Whether there is a log to be shown.
    pub fn can_show_audit(&self) -> bool {
        self.marks.asks().is_some()
    }

    fn read_audit(&mut self) {
        if let Some(asks) = self.marks.asks() {
            let answered = Answered::new(&self.audit.asked);
            let _ = asks.try_send(Ask::Audit { answered });
        }
    }

    pub(super) fn act_on_audit(&mut self, action: AuditAction) {
        match action {
            AuditAction::Close => {
                self.audit.open = false;
                // What is not on the screen is not kept in memory.
                self.audit.read = Arc::default();
                self.audit.shown.clear();
            }
            AuditAction::Read => self.read_audit(),
            AuditAction::Narrow(filter) => {
                self.audit.filter = filter;
                self.audit.narrow();
            }
        }
    }

    pub(super) fn take_audit(&mut self, read: Result<AuditRead, String>) {
        match read {
            Ok(read) if self.audit.open => {
                self.audit.read = Arc::new(read);
                self.audit.narrow();
            }
            Ok(_) => {}
            Err(detail) => self.notify("notice-audit-failed", detail),
        }
    }

    /// Writes the log into a folder.
    pub(super) fn write_audit(&mut self, folder: std::path::PathBuf, form: AuditForm) {
        if !self.allowed(Right::ExportAudit) {
            return;
        }
        if let Some(asks) = self.marks.asks() {
            let answered = Answered::new(&self.audit.asked);
            let _ = asks.try_send(Ask::WriteAudit {
                folder,
                form,
                answered,
            });
        }
    }
}

/// Reads the log; on the store's thread.
pub(super) fn read(store: &Store) -> Result<AuditRead, String> {
    let mut out = AuditRead::default();
    let report = store.read_audit(&mut |entry| out.entries.push(entry));
    out.report = Some(report.map_err(|error| error.to_string())?);
    out.left_out = out.entries.len().saturating_sub(MOST);
    out.entries.drain(..out.left_out);
    out.entries.reverse();
    out.users = out.entries.iter().map(|e| e.user.clone()).collect();
    out.users.sort_unstable();
    out.users.dedup();
    Ok(out)
}

/// Writes the log out, nothing over what exists; on the store's thread.
pub(super) fn write(store: &Store, folder: &Path, form: AuditForm, events: &Sender<Event>) {
    let failed = |detail: String| Event::Notice {
        key: "notice-audit-failed",
        detail,
    };
    let event = match write_file(store, folder, form) {
        Ok(count) => Event::Counted {
            key: "notice-audit-written",
            count,
        },
        Err(Failed::Store(error)) => failed(error.to_string()),
        Err(Failed::Disk(error)) => failed(error.kind().to_string()),
    };
    let _ = events.send(event);
}

enum Failed {
    Store(StoreError),
    Disk(io::Error),
}

fn write_file(store: &Store, folder: &Path, form: AuditForm) -> Result<usize, Failed> {
    store.demand(Right::ExportAudit).map_err(Failed::Store)?;
    let mut entries = Vec::new();
    store
        .read_audit(&mut |entry| entries.push(entry))
        .map_err(Failed::Store)?;
    let file = File::create_new(folder.join(form.file())).map_err(Failed::Disk)?;
    let mut out = io::BufWriter::new(file);
    // References stay what they are: who may see the log need not see names.
    let name = |reference: &str| reference.to_owned();
    let mut line = |text: String| writeln!(out, "{text}").map_err(Failed::Disk);
    if form == AuditForm::Csv {
        line(CSV_NAMES.to_owned())?;
    }
    for entry in &entries {
        line(match form {
            AuditForm::Fhir => fhir(entry, &name).to_string(),
            AuditForm::Csv => csv(entry, &name),
        })?;
    }
    out.flush().map_err(Failed::Disk)?;
    Ok(entries.len())
}

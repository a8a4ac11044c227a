//! What the list does to the workspace: opening studies, going through them, saying how far reading is.

use super::{ListAction, Sort, StudyEntry, row::key_of};
use crate::{
    model::{queue::CaseState, reading::ReadStatus, worklist::Worklist},
    workspace::{
        Command, Workspace,
        library::{ObjectNode, SeriesNode, StudyNode, same_patient},
        state::Layout,
    },
};
use std::sync::Arc;

/// Studies that Shift+N can go back to.
const VISITED: usize = 256;

/// Lists that are kept, and letters of a name.
const MOST_WORKLISTS: usize = 64;
const LONGEST_NAME: usize = 60;

impl Workspace {
    /// Carries a wish about the list out.
    pub(in crate::workspace) fn act_on_list(&mut self, action: ListAction) {
        match action {
            ListAction::Show(shown) => self.show_list(shown),
            ListAction::Search(text) => {
                if self.list.text != text {
                    self.list.text = text;
                    self.ask_list();
                }
            }
            ListAction::Sort(column) => {
                let same = self.list.sort.column == column;
                self.list.sort = Sort {
                    column,
                    // Dates begin with the newest, all else with the smallest.
                    ascending: match same {
                        true => !self.list.sort.ascending,
                        false => column != super::Column::Date,
                    },
                };
                self.ask_list();
            }
            ListAction::Select(key) => self.list.selected = Some(key),
            ListAction::Open(key) => {
                self.list.shown = false;
                self.go_to_study(key);
            }
            ListAction::Status(key, status) => {
                let index = Arc::clone(self.list.index());
                if let Some(entry) = index.row_of(key).and_then(|row| index.get(row)) {
                    self.set_read_status(&entry.uid, status);
                }
            }
            ListAction::Keep(name) => self.keep_worklist(&name),
            ListAction::Forget(name) => {
                self.list.worklists.retain(|w| w.name != name);
                self.keep_lists();
            }
        }
    }

    /// Carries a command about the list out; whether it was one.
    pub(in crate::workspace) fn run_list_command(&mut self, command: Command) -> bool {
        if let Some(status) = command.read_status() {
            self.mark_shown(status);
            return true;
        }
        match command {
            Command::AddToLibrary => self.add_to_library(),
            Command::KeepCopies => self.keep_copies(),
            Command::ShowList => self.show_list(!self.list.shown),
            Command::NextUnread => self.next_unread(),
            Command::PreviousUnread => self.back(),
            Command::NextStudy => self.step_study(1, false),
            Command::PreviousStudy => self.step_study(-1, false),
            Command::NextPatient => self.step_study(1, true),
            Command::PreviousPatient => self.step_study(-1, true),
            Command::Finalise => {
                self.mark_shown(ReadStatus::Final);
                self.next_unread();
            }
            _ => return false,
        }
        true
    }

    /// What is open is not what it was.
    pub(in crate::workspace) fn library_changed(&mut self, done: bool) {
        self.ask_list();
        if !done {
            return;
        }
        // What was read may be another study while the store still looks where this one lies.
        if let Some(key) = self.list.pending
            && !self.show_listed(key)
            && !self.is_scanning()
            && !self.list.asked.contains(&key)
        {
            self.list.pending = None;
            self.notify("notice-files-gone", String::new());
        }
        self.read_ahead();
    }

    /// Takes an answer in.
    pub(in crate::workspace) fn take_list(&mut self, answer: super::seek::Answer) {
        self.list.take(answer);
        if !self.list.is_busy() {
            self.read_ahead();
        }
    }

    fn show_list(&mut self, shown: bool) {
        self.list.shown = shown;
        self.evaluation.shown &= !shown;
        self.read_ahead();
    }

    pub(super) fn ask_list(&mut self) {
        let (events, waker) = (self.sender(), self.waker.clone());
        self.list.ask(&self.library, events, waker);
    }

    fn keep_worklist(&mut self, name: &str) {
        let name: String = name.trim().chars().take(LONGEST_NAME).collect();
        if name.is_empty() {
            return;
        }
        let query = self.list.text.trim().to_owned();
        let lists = &mut self.list.worklists;
        if let Some(list) = lists.iter_mut().find(|w| w.name == name) {
            list.query = query;
        } else if lists.len() < MOST_WORKLISTS {
            lists.push(Worklist { name, query });
        }
        self.keep_lists();
    }

    fn mark_shown(&mut self, status: ReadStatus) {
        // Of a case it says how far the case is; the reading of the study is another thing.
        let state = match status {
            ReadStatus::New => CaseState::Waiting,
            ReadStatus::InProgress => CaseState::InProgress,
            ReadStatus::Flagged => CaseState::Flagged,
            ReadStatus::Preliminary | ReadStatus::Final => CaseState::Done,
        };
        if self.case_is(state) {
            return;
        }
        let study = self.active_viewport().and_then(|v| v.study().cloned());
        if let Some(study) = study {
            self.set_read_status(&study.uid, status);
        }
    }

    /// The row of the study in the active cell.
    pub fn study_shown(&self) -> Option<u64> {
        let viewport = self.active_viewport()?;
        let (study, patient) = viewport.study().zip(viewport.patient())?;
        Some(key_of(&study.uid, patient))
    }

    /// The rows of the list from the one behind the shown study on, then those before it.
    fn rows_from_here(&self) -> Vec<&StudyEntry> {
        let (index, rows) = (self.list.index(), self.list.rows());
        let shown = self.study_shown();
        let at = rows
            .iter()
            .position(|row| index.get(*row).map(|e| e.key) == shown);
        let (before, behind) = match at {
            Some(at) => (
                rows.get(..at).unwrap_or_default(),
                rows.get(at + 1..).unwrap_or_default(),
            ),
            None => (<&[u32]>::default(), &**rows),
        };
        let all = behind.iter().chain(before);
        all.filter_map(|row| index.get(*row)).collect()
    }

    /// The next study of the list that nobody has read; where there is a case queue, the next case.
    pub fn unread_ahead(&self) -> Option<u64> {
        if self.cases.is_on() {
            return self.case_ahead();
        }
        let shown = self.study_shown();
        let unread = |e: &&&StudyEntry| {
            Some(e.key) != shown && self.marks.read_status(&e.uid) == ReadStatus::New
        };
        self.rows_from_here().iter().find(unread).map(|e| e.key)
    }

    fn next_unread(&mut self) {
        match self.unread_ahead() {
            Some(key) => self.go_to_study(key),
            None if self.cases.is_on() => self.notify("notice-no-case", String::new()),
            None => self.notify("notice-none-unread", String::new()),
        }
    }

    /// To the study that the reader came from.
    fn back(&mut self) {
        let shown = self.study_shown();
        while let Some(key) = self.list.visited.pop() {
            if Some(key) != shown && (self.show_listed(key) || self.fetch(key)) {
                return;
            }
        }
        self.step_study(-1, false);
    }

    fn step_study(&mut self, by: isize, other_patient: bool) {
        let (index, rows) = (Arc::clone(self.list.index()), Arc::clone(self.list.rows()));
        let shown = self.study_shown();
        let entry = |row: &u32| index.get(*row);
        let Some(at) = rows
            .iter()
            .position(|row| entry(row).map(|e| e.key) == shown)
        else {
            if let Some(first) = rows.first().and_then(entry) {
                self.go_to_study(first.key);
            }
            return;
        };
        let here = rows.get(at).and_then(entry).map(|e| &e.patient);
        let fits = |e: &&StudyEntry| {
            !other_patient || here.is_none_or(|here| key_of("", here) != key_of("", &e.patient))
        };
        let next = if by > 0 {
            let later = rows.get(at + 1..).unwrap_or_default();
            later.iter().filter_map(entry).find(fits)
        } else {
            let earlier = rows.get(..at).unwrap_or_default();
            earlier.iter().rev().filter_map(entry).find(fits)
        };
        if let Some(next) = next {
            self.go_to_study(next.key);
        }
    }

    /// Opens a study of the list, and remembers where the reader came from.
    pub fn go_to_study(&mut self, key: u64) {
        let before = self.study_shown();
        if let Some(before) = before.filter(|b| *b != key) {
            self.list.visited.push(before);
            if self.list.visited.len() > VISITED {
                self.list.visited.remove(0);
            }
        }
        self.keep_case_time();
        // What was said of the study before is over.
        self.notices.retain(|notice| notice.left().is_none());
        self.list.selected = Some(key);
        if !self.show_listed(key) {
            self.fetch(key);
        }
    }

    /// What of an open study is shown first.
    fn listed(&self, key: u64) -> Option<(Option<Arc<SeriesNode>>, Option<Arc<ObjectNode>>)> {
        let index = self.list.index();
        let uid = &index.get(index.row_of(key)?)?.uid;
        let fits = |(patient, study): &(&crate::workspace::library::PatientNode, &StudyNode)| {
            study.description.uid == *uid && key_of(uid, &patient.identity) == key
        };
        let patients = self.library.patients.iter();
        let mut studies = patients.flat_map(|p| p.studies.iter().map(move |s| (p, s)));
        let (_, study) = studies.find(fits)?;
        let series = study.first_series().cloned();
        Some((series, study.objects.first().cloned()))
    }

    /// Shows a study that is open, alone on the screen: never beside another patient. Whether it is open.
    fn show_listed(&mut self, key: u64) -> bool {
        let Some((series, object)) = self.listed(key) else {
            return false;
        };
        if series.is_none() && object.is_none() {
            return false;
        }
        self.list.pending = None;
        self.standing_is_settled();
        // By its protocol, where it has pictures and one is meant for it.
        if let Some(series) = &series
            && self.settings.hang
        {
            let series = Arc::clone(series);
            if self.hang_study(&series.patient, &series.study.uid) {
                self.read_ahead();
                return true;
            }
        }
        for viewport in &mut self.viewports {
            viewport.clear();
        }
        self.hanging.now = None;
        self.active = 0;
        self.set_layout(Layout::ONE);
        match (series, object) {
            (Some(series), _) => self.show(0, &series),
            (None, Some(object)) => self.show_object(0, &object, None),
            (None, None) => {}
        }
        self.read_ahead();
        true
    }

    /// Remembers of whom a study is read because the list says so, unless something of this patient is open already.
    fn fetched(&mut self, entry: Option<&StudyEntry>) {
        let Some(entry) = entry else { return };
        let mut open = self.library.patients.iter();
        if !open.any(|p| same_patient(&p.identity, &entry.patient)) {
            self.list.fetched.insert(key_of("", &entry.patient));
        }
    }

    /// Has the files of a study read that the store knows; whether it knows them.
    fn fetch(&mut self, key: u64) -> bool {
        let index = Arc::clone(self.list.index());
        let entry = index.row_of(key).and_then(|row| index.get(row));
        if entry.is_none_or(|e| e.open) {
            return false;
        }
        let uid = entry.map(|e| e.uid.clone()).unwrap_or_default();
        self.list.pending = Some(key);
        if self.list.asked_ahead == Some(key) {
            // They are on their way.
            return true;
        }
        self.fetched(entry);
        let asked = self.ask_files(key, uid);
        if !asked {
            self.list.pending = None;
            self.store_is_busy();
        }
        asked
    }

    /// Has the first picture of the next unread study read, so that it is there when it is asked for.
    fn read_ahead(&mut self) {
        self.list.ahead.clear();
        self.fetch_beside();
        // While one searches, what comes next changes with every letter.
        if self.list.shown || self.study_shown().is_none() {
            return;
        }
        let Some(key) = self.unread_ahead() else {
            return;
        };
        let series = match self.listed(key) {
            Some((series, _)) => series,
            None => {
                self.fetch_ahead(key);
                return;
            }
        };
        let Some(series) = series else { return };
        // It takes no cell's place.
        let display = self.display(&series, usize::MAX);
        self.list.ahead.push(series.key.clone());
        self.loader.want_ahead(&display);
    }

    /// Has the headers of a study's files read that the store knows, once.
    fn fetch_ahead(&mut self, key: u64) {
        if self.list.asked_ahead == Some(key) {
            return;
        }
        let index = Arc::clone(self.list.index());
        let entry = index.row_of(key).and_then(|row| index.get(row));
        let entry = entry.filter(|e| !e.open);
        self.fetched(entry);
        if let Some(entry) = entry
            && self.ask_files(key, entry.uid.clone())
        {
            self.list.asked_ahead = Some(key);
        }
    }
}

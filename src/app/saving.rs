//! Writing what the window made to a file that the user chooses.

use super::{Program, dialogs};
use crate::workspace::measuring::export::{self, MarkFormat};

impl Program {
    /// Writes the marks of the patient in the active cell. What they say is put together at once, so that the file is
    /// what was on the screen when it was asked for; choosing and writing happen on a thread.
    pub(super) fn save_marks(&self, format: MarkFormat) {
        let workspace = &self.workspace;
        let rows: Vec<export::Row<'_>> = workspace
            .marks_in_order()
            .into_iter()
            .map(|mark| (mark, workspace.measuring.of(mark)))
            .collect();
        let text = export::write(&rows, format);
        let name = format!("marks.{}", format.extension());
        let (events, waker) = (workspace.sender(), workspace.waker.clone());
        dialogs::save(name, text.into_bytes(), events, waker);
    }
}

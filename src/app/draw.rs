//! Drawing one frame of the window.

use super::Program;
use crate::ui::root_ui;

impl Program {
    /// Draws and carries out what the user wished meanwhile.
    pub(super) fn draw(&mut self, ui: &mut egui::Ui) {
        self.frames += 1;
        let before = self.open_parts();
        let actions = root_ui(ui, &self.workspace, &mut self.state);
        let ctx = ui.ctx().clone();
        self.carry_out(&ctx, actions);
        self.clear_clipboard(&ctx);
        let opened = before.iter().zip(self.open_parts());
        if opened.into_iter().any(|(before, now)| now && !before) {
            // What opens is there in this very frame: the toolkit lays it out once more, without the keys it took.
            ctx.request_discard("something opened");
        }
    }

    /// A locked window leaves nothing that it put there in the clipboard.
    fn clear_clipboard(&mut self, ctx: &egui::Context) {
        use egui::OutputCommand::{CopyImage, CopyText, TextSelectionSettled};
        if !self.workspace.access.locked {
            self.copied |= ctx.output(|output| {
                let mut commands = output.commands.iter();
                commands.any(|c| matches!(c, CopyText(_) | CopyImage(_) | TextSelectionSettled(_)))
            });
        } else if std::mem::take(&mut self.copied) {
            ctx.output_mut(|output| {
                let nothing = [CopyText(String::new()), TextSelectionSettled(String::new())];
                output.commands.extend(nothing);
            });
        }
    }

    /// Which of the parts that come and go by a key are open.
    fn open_parts(&self) -> [bool; 8] {
        let state = &self.state;
        [
            state.palette.is_some(),
            state.help,
            state.settings.is_some(),
            state.picture_dialog.is_some(),
            state.deid_dialog.is_some(),
            self.workspace.access.locked,
            state.picker.open,
            self.workspace.tags.open,
        ]
    }
}

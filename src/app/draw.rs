//! Drawing one frame of the window.

use super::Program;
use crate::ui::root_ui;

impl Program {
    /// Draws and carries out what the user wished meanwhile.
    pub(super) fn draw(&mut self, ui: &mut egui::Ui) {
        self.frames += 1;
        let actions = root_ui(ui, &self.workspace, &mut self.state);
        let ctx = ui.ctx().clone();
        self.carry_out(&ctx, actions);
    }
}

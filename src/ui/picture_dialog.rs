//! Asking what picture shall leave the window, and where to.

use super::context::UiContext;
use crate::workspace::{
    Action,
    picture_out::{MAX_SIDE, PictureWish},
};
use egui::{DragValue, Grid, RichText, Ui};

/// What is chosen so far.
#[derive(Clone, Copy, Debug)]
pub struct PictureDialog {
    all: bool,
    identity: bool,
    as_shown: bool,
    size: [u32; 2],
}

impl PictureDialog {
    /// Begins with the active view as it is shown, without identity: what leaves by default names nobody.
    pub const fn new(on_screen: [u32; 2]) -> Self {
        Self {
            all: false,
            identity: false,
            as_shown: true,
            size: on_screen,
        }
    }
}

/// Draws the question when it is open.
pub fn picture_dialog_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    let Some(mut dialog) = context.state.picture_dialog.take() else {
        return;
    };
    let (mut copy, mut save, mut close) = (false, false, false);
    let frame = egui::Frame::popup(ui.style()).inner_margin(16.0);
    let modal = egui::Modal::new(egui::Id::unique("picture")).frame(frame);
    let modal = modal.show(ui.ctx(), |ui| {
        ui.set_width(420.0);
        ui.heading(context.word("picture-title"));
        ui.add_space(6.0);
        Grid::new("picture")
            .num_columns(2)
            .spacing([24.0, 10.0])
            .show(ui, |ui| {
                ui.label(context.word("picture-what"));
                ui.horizontal(|ui| {
                    ui.radio_value(&mut dialog.all, false, context.word("picture-active"));
                    ui.radio_value(&mut dialog.all, true, context.word("picture-all"));
                });
                ui.end_row();
                ui.label(context.word("picture-size"));
                ui.vertical(|ui| {
                    ui.radio_value(&mut dialog.as_shown, true, context.word("picture-as-shown"));
                    ui.horizontal(|ui| {
                        ui.radio_value(&mut dialog.as_shown, false, context.word("picture-pixels"));
                        for (side, key) in dialog
                            .size
                            .iter_mut()
                            .zip(["picture-width", "picture-height"])
                        {
                            let field = DragValue::new(side).range(16..=MAX_SIDE);
                            let response = ui.add_enabled(!dialog.as_shown, field);
                            response.on_hover_text(context.word(key));
                        }
                    });
                });
                ui.end_row();
                ui.label(context.word("picture-identity"));
                ui.checkbox(&mut dialog.identity, context.word("picture-with-identity"));
                ui.end_row();
            });
        let burned = context.word("picture-burned-in");
        ui.label(RichText::new(burned).color(super::theme::TEXT_DIM));
        ui.add_space(8.0);
        ui.horizontal(|ui| {
            copy = ui.button(context.word("picture-copy")).clicked();
            save = ui.button(context.word("picture-save")).clicked();
            close = ui.button(context.word("button-cancel")).clicked();
        });
    });
    if copy || save {
        let height_points = context.state.cells_points;
        let wish = PictureWish {
            all: dialog.all,
            identity: dialog.identity,
            size: (!dialog.as_shown).then_some(dialog.size),
            height_points,
        };
        context.actions.push(Action::PictureOut { wish, save });
    } else if !close && !modal.should_close() {
        context.state.picture_dialog = Some(dialog);
    }
}

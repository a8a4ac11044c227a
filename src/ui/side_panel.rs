//! The panel on the right: one tab at a time.

use super::{
    ai_panel, context::UiContext, findings_panel, labels_panel, record_panel, report_panel,
    segments, theme,
};
use crate::workspace::{Action, settings::SideTab};
use egui::{RichText, Ui};

/// Width of the panel, points.
pub const WIDTH: f32 = 336.0;

/// Draws tabs and the open panel.
pub fn side_panel_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    ui.add_space(4.0);
    let open = context.workspace.settings.side_tab;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 1.0;
        // Six tabs stand in one line in both languages.
        ui.spacing_mut().button_padding.x = 5.0;
        let tabs = [
            (SideTab::Record, "panel-tab-record"),
            (SideTab::Ai, "panel-tab-ai"),
            (SideTab::Findings, "panel-tab-findings"),
            (SideTab::Labels, "panel-tab-labels"),
            (SideTab::Segments, "panel-tab-segments"),
            (SideTab::Report, "panel-tab-report"),
        ];
        for (tab, key) in tabs {
            let selected = tab == open;
            let color = if selected {
                theme::TEXT
            } else {
                theme::TEXT_DIM
            };
            let response = ui.selectable_label(
                false,
                RichText::new(context.word(key)).color(color).strong(),
            );
            if selected {
                let rect = response.rect;
                ui.painter().hline(
                    rect.x_range(),
                    rect.bottom() + 1.0,
                    egui::Stroke::new(2.0, theme::ACCENT),
                );
            }
            if response.clicked() {
                context.actions.push(Action::Tab(tab));
            }
        }
    });
    ui.add_space(4.0);
    egui::ScrollArea::vertical()
        .auto_shrink([false, false])
        .id_salt(open)
        .show(ui, |ui| match open {
            SideTab::Record => record_panel::record_panel_ui(context, ui),
            SideTab::Ai => ai_panel::ai_panel_ui(context, ui),
            SideTab::Findings => findings_panel::findings_panel_ui(context, ui),
            SideTab::Labels => labels_panel::labels_panel_ui(context, ui),
            SideTab::Segments => segments::panel_ui(context, ui),
            SideTab::Report => report_panel::report_panel_ui(context, ui),
        });
}

//! What was noticed about the series in the active cell and about what did not open, with codes and numbers.

use super::{context::UiContext, overlay_text, theme, widgets};
use crate::model::finding::Severity;
use egui::{RichText, Ui};

/// Draws the panel.
pub fn findings_panel_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    super::marks::list::marks_list_ui(context, ui);
    super::lesions::course_ui(context, ui);
    let findings = context.workspace.findings(context.workspace.active);
    widgets::section(ui, context.word("panel-about-series"), Some(findings.len()));
    if findings.is_empty() {
        widgets::dim(ui, context.word("panel-nothing-noticed"));
    }
    for finding in &findings {
        let color = match finding.severity {
            Severity::Error => theme::ERROR,
            Severity::Warning => theme::WARN,
            Severity::Info => theme::TEXT_DIM,
        };
        ui.horizontal_wrapped(|ui| {
            ui.label(
                RichText::new(finding.code)
                    .size(theme::SMALL_PT)
                    .color(color)
                    .strong(),
            );
            ui.label(
                RichText::new(overlay_text::finding_text(context.language(), finding))
                    .color(theme::TEXT),
            );
        });
    }
    let library = &context.workspace.library;
    let shown = library.received - library.rejected.len();
    widgets::section(ui, context.word("panel-files"), None);
    widgets::dim(
        ui,
        context.tr(
            "rejected-count",
            &[
                ("received", library.received.into()),
                ("shown", shown.into()),
                ("rejected", library.rejected.len().into()),
            ],
        ),
    );
}

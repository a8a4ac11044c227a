//! AI results of the active frame: what it is, where it comes from, how it is drawn.

use super::{context::UiContext, explanation_legend, overlay_text, theme, widgets};
use crate::workspace::{Action, Command};
use egui::{RichText, Slider, Ui};

/// Draws the panel.
pub fn ai_panel_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    ui.add_space(8.0);
    widgets::tag(ui, context.word("ai-notice"), theme::AI);
    ui.add_space(8.0);
    let enabled = context.workspace.is_enabled(Command::SegmentLungs);
    let run = egui::Button::new(RichText::new(context.word("cmd-run-lung-segmentation")).strong());
    if ui
        .add_enabled(enabled, run)
        .on_hover_text(context.tooltip(Command::SegmentLungs))
        .clicked()
    {
        context.run(Command::SegmentLungs);
    }
    widgets::dim(ui, context.word("ai-only-chest"));
    ui.add_space(6.0);
    super::class_panel::class_panel_ui(context, ui);
    explanation(context, ui);
    super::volume_panel::volume_ui(context, ui);
    if context.workspace.active_volume_mask().is_some() {
        return;
    }
    let frame = context.workspace.frame_key(context.workspace.active);
    let mask = frame
        .as_ref()
        .and_then(|f| context.workspace.masks.get(f))
        .cloned();
    let answered = frame.as_ref().is_some_and(|f| {
        let workspace = &context.workspace;
        workspace.explanations.get(f).is_some() || workspace.classes.get(f).is_some()
    });
    let (Some(mask), Some(frame)) = (mask, frame) else {
        if !answered {
            ui.add_space(12.0);
            widgets::dim(ui, context.word("ai-no-result"));
        }
        return;
    };
    widgets::section(ui, context.word("ai-result"), None);
    for finding in &mask.findings {
        ui.label(
            RichText::new(overlay_text::finding_text(context.language(), finding))
                .color(theme::WARN),
        );
    }
    facts(context, ui, &mask.provenance, true);
    if mask.uploaded {
        widgets::dim(ui, context.word("ai-computed-elsewhere"));
    }
    ui.add_space(8.0);
    style(context, ui, false);
    ui.add_space(8.0);
    ui.horizontal(|ui| {
        let hide = context.word("cmd-toggle-overlay");
        let mut visible = context.workspace.masks.visible;
        if ui
            .checkbox(&mut visible, context.word("ai-visible"))
            .on_hover_text(hide)
            .changed()
        {
            context.run(Command::ToggleMasks);
        }
        super::volume_panel::propose_ui(context, ui);
        if ui.button(context.word("cmd-clear-segmentation")).clicked() {
            context.actions.push(Action::RemoveMask(frame.clone()));
        }
    });
}

/// Where a result comes from; `confidence` says how sure the network was, or that it found nothing.
pub(super) fn facts(
    context: &UiContext<'_>,
    ui: &mut Ui,
    provenance: &crate::model::inference::InferenceProvenance,
    confidence: bool,
) {
    let model = &provenance.model;
    let seconds = context.tr(
        "ai-duration-seconds",
        &[("seconds", crate::i18n::Value::Fixed(provenance.seconds, 2))],
    );
    let sure = match provenance.mean_probability {
        Some(mean) => context.tr(
            "badge-ai-confidence",
            &[(
                "percent",
                crate::i18n::Value::Fixed(f64::from(mean) * 100.0, 1),
            )],
        ),
        None => context.tr(
            "badge-ai-none",
            &[
                ("model", model.id.as_str().into()),
                ("version", model.version.as_str().into()),
            ],
        ),
    };
    let mut rows = vec![
        ("ai-model", format!("{} {}", model.id, model.version)),
        ("ai-trained", model.trained.clone()),
        (
            "ai-model-hash",
            model.sha256.get(..16).unwrap_or(&model.sha256).to_owned(),
        ),
        ("ai-device", provenance.device.clone()),
        ("ai-duration", seconds),
        ("ai-finished", provenance.finished.clone()),
    ];
    if confidence {
        rows.push(("ai-confidence", sure));
    }
    egui::Grid::new("ai-facts")
        .num_columns(2)
        .spacing([12.0, 4.0])
        .show(ui, |ui| {
            for (key, text) in rows {
                widgets::dim(ui, context.word(key));
                ui.add(egui::Label::new(RichText::new(text).color(theme::TEXT)).wrap());
                ui.end_row();
            }
        });
}

/// Threshold, opacity and outline are live: only uniforms change.
/// How masks are drawn. With `labels` each class has its own colour, and no probability that could be cut elsewhere.
pub(super) fn style(context: &mut UiContext<'_>, ui: &mut Ui, labels: bool) {
    let before = context.workspace.masks.style;
    let mut style = before;
    egui::Grid::new("ai-style")
        .num_columns(2)
        .spacing([12.0, 6.0])
        .show(ui, |ui| {
            let mut row =
                |key: &'static str, value: &mut f32, range: std::ops::RangeInclusive<f32>| {
                    let label = ui.label(
                        RichText::new(context.word(key))
                            .size(theme::SMALL_PT)
                            .color(theme::TEXT_DIM),
                    );
                    ui.add(Slider::new(value, range).fixed_decimals(2))
                        .labelled_by(label.id);
                    ui.end_row();
                };
            if !labels {
                row("ai-threshold", &mut style.threshold, 0.05..=0.95);
            }
            row("ai-opacity", &mut style.opacity, 0.0..=1.0);
            row("ai-outline", &mut style.outline_px, 0.0..=4.0);
            if labels {
                return;
            }
            let label = ui.label(
                RichText::new(context.word("ai-color"))
                    .size(theme::SMALL_PT)
                    .color(theme::TEXT_DIM),
            );
            ui.color_edit_button_rgb(&mut style.color)
                .labelled_by(label.id);
            ui.end_row();
        });
    if style != before {
        context.actions.push(Action::MaskStyle(style));
    }
}

/// Where a mask is in doubt, and what a class was decided by: how to ask for it, and how it is drawn.
fn explanation(context: &mut UiContext<'_>, ui: &mut Ui) {
    widgets::section(ui, context.word("explain-title"), None);
    ui.horizontal_wrapped(|ui| {
        let commands = [
            Command::ExplainGradCam,
            Command::ExplainIntegrated,
            Command::ExplainOcclusion,
            Command::ExplainEntropy,
            Command::ExplainDisagreement,
        ];
        for command in commands {
            let enabled = context.workspace.is_enabled(command);
            let name = context.word(command.row().message_key);
            if ui
                .add_enabled(enabled, egui::Button::new(name))
                .on_hover_text(context.tooltip(command))
                .clicked()
            {
                context.run(command);
            }
        }
    });
    let frame = context.workspace.frame_key(context.workspace.active);
    let explanations = &context.workspace.explanations;
    let (mut visible, before) = (explanations.visible, explanations.opacity);
    let Some((frame, map)) = frame.and_then(|f| {
        let map = explanations.get(&f).cloned()?;
        Some((f, map))
    }) else {
        return;
    };
    ui.add_space(6.0);
    for finding in &map.findings {
        ui.label(
            RichText::new(overlay_text::finding_text(context.language(), finding))
                .color(theme::WARN),
        );
    }
    for line in explanation_legend::lines(context, &map) {
        widgets::dim(ui, line);
    }
    if map.uploaded {
        widgets::dim(ui, context.word("ai-computed-elsewhere"));
    }
    ui.add_space(4.0);
    let mut opacity = before;
    ui.horizontal(|ui| {
        let label = ui.label(
            RichText::new(context.word("ai-opacity"))
                .size(theme::SMALL_PT)
                .color(theme::TEXT_DIM),
        );
        ui.add(Slider::new(&mut opacity, 0.0..=1.0).fixed_decimals(2))
            .labelled_by(label.id);
    });
    if opacity != before {
        context.actions.push(Action::ExplanationOpacity(opacity));
    }
    ui.horizontal(|ui| {
        if ui
            .checkbox(&mut visible, context.word("ai-visible"))
            .on_hover_text(context.tooltip(Command::ToggleExplanation))
            .changed()
        {
            context.actions.push(Action::ShowExplanations(visible));
        }
        if ui.button(context.word("explain-remove")).clicked() {
            context.actions.push(Action::RemoveExplanation(frame));
        }
    });
}

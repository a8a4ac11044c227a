//! AI results over whole volumes: which model runs, how far it is, what its labels are.

use super::{context::UiContext, overlay_text, theme, widgets};
use crate::{
    i18n::Value,
    model::labels::Meaning,
    workspace::{Action, Command, volume_masks::VolumeMaskDisplay},
};
use egui::{Color32, ComboBox, RichText, Ui};

/// Draws the part of the panel that is about volumes: nothing where no model takes them and none was drawn.
pub fn volume_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    lesions_ui(context, ui);
    let workspace = context.workspace;
    let enabled = workspace.is_enabled(Command::SegmentVolume);
    let Some(chosen) = workspace.volume_masks.model().cloned() else {
        return;
    };
    widgets::section(ui, context.word("ai-volumes"), None);
    if workspace.volume_masks.models.len() > 1 {
        let models = &workspace.volume_masks.models;
        let mut picked = None;
        ComboBox::from_id_salt("volume-model")
            .selected_text(&chosen.title)
            .width(ui.available_width())
            .show_ui(ui, |ui| {
                for model in models {
                    let here = model.id == chosen.id;
                    if ui.selectable_label(here, &model.title).clicked() && !here {
                        picked = Some(model.id.clone());
                    }
                }
            });
        if let Some(id) = picked {
            context.actions.push(Action::VolumeModel(id));
        }
    } else {
        ui.label(&chosen.title);
    }
    if chosen.synthetic_only {
        widgets::tag(ui, context.word("badge-ai-synthetic"), theme::WARN);
    }
    mirrors_ui(context, ui, chosen.mirror_images);
    ui.add_space(4.0);
    let run = egui::Button::new(RichText::new(context.word("cmd-segment-volume")).strong());
    if ui
        .add_enabled(enabled, run)
        .on_hover_text(context.tooltip(Command::SegmentVolume))
        .clicked()
    {
        context.run(Command::SegmentVolume);
    }
    let Some((series, mask)) = workspace.active_volume_mask() else {
        return;
    };
    let (series, mask) = (series.to_owned(), mask.clone());
    ui.add_space(8.0);
    progress(context, ui, &mask);
    for finding in &mask.findings {
        ui.label(
            RichText::new(overlay_text::finding_text(context.language(), finding))
                .color(theme::WARN),
        );
    }
    labels(ui, &mask);
    if !mask.in_progress() {
        // A label map says nothing of how sure the network was.
        let sure = mask.provenance.mean_probability.is_some();
        super::ai_panel::facts(context, ui, &mask.provenance, sure);
    }
    if mask.uploaded {
        widgets::dim(ui, context.word("ai-computed-elsewhere"));
    }
    ui.add_space(8.0);
    super::ai_panel::style(context, ui, mask.meaning == Meaning::Labels);
    ui.horizontal(|ui| {
        propose_ui(context, ui);
        if ui.button(context.word("cmd-clear-segmentation")).clicked() {
            context.actions.push(Action::RemoveVolumeMask(series));
        }
    });
}

/// Whether the model also sees mirror images, where its card allows it.
fn mirrors_ui(context: &mut UiContext<'_>, ui: &mut Ui, images: usize) {
    if images < 2 {
        return;
    }
    let mut wanted = context.workspace.volume_masks.mirrors;
    let tip = context.tr(
        "ai-mirrors-tip",
        &[("count", Value::Fixed(images as f64, 0))],
    );
    let choice = ui.checkbox(&mut wanted, context.word("ai-mirrors"));
    if choice.on_hover_text(tip).changed() {
        context.actions.push(Action::VolumeMirrors(wanted));
    }
}

/// The search for lesions, where there is a model for it.
fn lesions_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    let Some(model) = context.workspace.volume_masks.lesions.clone() else {
        return;
    };
    let command = Command::FindLesions;
    // A radiograph is nothing to look through.
    if !context.workspace.is_enabled(command) {
        return;
    }
    widgets::section(ui, context.word("ai-lesions"), None);
    widgets::line(ui, RichText::new(&model.title));
    if model.synthetic_only {
        widgets::tag(ui, context.word("badge-ai-synthetic"), theme::WARN);
    }
    ui.add_space(4.0);
    let run = egui::Button::new(RichText::new(context.word("cmd-find-lesions")).strong());
    if ui
        .add(run)
        .on_hover_text(context.tooltip(command))
        .clicked()
    {
        context.run(command);
    }
}

/// The mask as segments that can be corrected and kept.
pub(super) fn propose_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    let command = Command::ProposeSegments;
    let enabled = context.workspace.is_enabled(command);
    let button = egui::Button::new(context.word(command.row().message_key));
    let tip = context.tooltip(command);
    if ui.add_enabled(enabled, button).on_hover_text(tip).clicked() {
        context.run(command);
    }
}

fn progress(context: &UiContext<'_>, ui: &mut Ui, mask: &VolumeMaskDisplay) {
    if !mask.in_progress() {
        return;
    }
    let [done, all] = mask.windows;
    let text = context.tr(
        "ai-windows-done",
        &[
            ("done", Value::Fixed(done as f64, 0)),
            ("all", Value::Fixed(all as f64, 0)),
        ],
    );
    let share = done as f32 / all.max(1) as f32;
    ui.add(egui::ProgressBar::new(share).text(text));
}

fn labels(ui: &mut Ui, mask: &VolumeMaskDisplay) {
    if mask.meaning == Meaning::Probability {
        return;
    }
    for label in mask.labels.iter().filter(|label| label.value != 0) {
        ui.horizontal(|ui| {
            let side = ui.text_style_height(&egui::TextStyle::Body);
            let (rect, _) = ui.allocate_exact_size(egui::vec2(side, side), egui::Sense::hover());
            let [r, g, b] = label.color;
            let painter = ui.painter();
            painter.rect_filled(rect.shrink(3.0), 2.0, Color32::from_rgb(r, g, b));
            ui.label(&label.name);
        });
    }
}

/// What the corner of a view says of the mask over its series (safety S20); empty where there is none.
pub fn volume_lines(context: &UiContext<'_>, series: &str) -> Vec<String> {
    let workspace = context.workspace;
    let Some(mask) = workspace.volume_masks.get(series) else {
        return Vec::new();
    };
    if !workspace.masks.visible {
        return vec![context.word("badge-ai-hidden").to_owned()];
    }
    let model = &mask.provenance.model;
    let mut lines = vec![
        context.word("ai-notice").to_owned(),
        context.tr(
            "badge-ai-model",
            &[
                ("model", model.id.as_str().into()),
                ("version", model.version.as_str().into()),
            ],
        ),
    ];
    if mask.meaning == Meaning::Probability {
        let threshold = f64::from(workspace.masks.style.threshold);
        lines.push(context.tr(
            "badge-ai-threshold",
            &[("threshold", Value::Fixed(threshold, 2))],
        ));
    }
    if mask.in_progress() {
        let [done, all] = mask.windows.map(|n| Value::Fixed(n as f64, 0));
        lines.push(context.tr("ai-windows-done", &[("done", done), ("all", all)]));
    }
    lines
}

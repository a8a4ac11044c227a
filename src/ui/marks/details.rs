//! All numbers of a mark: on hover over it, and under its row in the list.

use crate::{
    model::annotation::{Annotation, Author, MarkKind},
    ui::{context::UiContext, mark_text, theme},
    workspace::measuring::Found,
};
use egui::{RichText, Sense, Stroke, Ui, Vec2, pos2};

/// The numbers with their names, and the histogram.
pub(super) fn numbers_ui(context: &UiContext<'_>, ui: &mut Ui, mark: &Annotation, found: &Found) {
    let words = context.language();
    let small = |text: &str| RichText::new(text.to_owned()).size(theme::SMALL_PT);
    let pairs = mark_text::full(words, found);
    egui::Grid::new(("numbers", &mark.id.0))
        .num_columns(2)
        .spacing([12.0, 2.0])
        .show(ui, |ui| {
            for (name, number) in pairs.iter().filter(|(name, _)| !name.is_empty()) {
                ui.label(small(name).color(theme::TEXT_DIM));
                ui.label(small(number).color(theme::TEXT));
                ui.end_row();
            }
            for number in context.workspace.measuring.said_of(&mark.id) {
                let name = words.tr("mark-file-says", &[("name", number.name.as_str().into())]);
                ui.label(small(&name).color(theme::TEXT_DIM));
                ui.label(small(&mark_text::foreign(number)).color(theme::PRIOR));
                ui.end_row();
            }
        });
    for (_, remark) in pairs.iter().filter(|(name, _)| name.is_empty()) {
        ui.label(small(remark).color(theme::WARN));
    }
    if let Author::Model { id, version } = &mark.author {
        let said = words.tr(
            "mark-ai-source",
            &[
                ("model", id.as_str().into()),
                ("version", version.as_str().into()),
            ],
        );
        ui.label(small(&said).color(theme::AI));
        if mark.shape.kind == MarkKind::CardiothoracicRatio {
            let from = words.word("mark-ratio-source");
            ui.label(small(from).color(theme::TEXT_DIM));
        }
    }
    if let Ok(measure) = found {
        for histogram in &measure.measurement.histograms {
            histogram_ui(ui, &histogram.counts, histogram.low, histogram.high);
        }
    }
}

/// Bars of the counts, with the lowest and the highest value under them.
fn histogram_ui(ui: &mut Ui, counts: &[u64], low: f64, high: f64) {
    let most = counts.iter().copied().max().unwrap_or(0);
    if most == 0 || counts.len() < 2 {
        return;
    }
    let size = Vec2::new(ui.available_width().clamp(80.0, 190.0), 34.0);
    let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
    let width = rect.width() / counts.len() as f32;
    for (i, count) in counts.iter().enumerate() {
        let height = rect.height() * (*count as f32 / most as f32);
        let left = rect.left() + width * i as f32;
        let bar = egui::Rect::from_min_max(
            pos2(left, rect.bottom() - height),
            pos2(left + (width - 1.0).max(1.0), rect.bottom()),
        );
        ui.painter().rect_filled(bar, 0.0, theme::TEXT_DIM);
    }
    let line = Stroke::new(1.0, theme::LINE);
    ui.painter().hline(rect.x_range(), rect.bottom(), line);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        let end = |value: f64| {
            RichText::new(format!("{value:.0}"))
                .size(theme::SMALL_PT)
                .color(theme::TEXT_DIM)
        };
        ui.label(end(low));
        ui.label(
            RichText::new("…")
                .size(theme::SMALL_PT)
                .color(theme::TEXT_FAINT),
        );
        ui.label(end(high));
    });
}

/// The numbers beside the pointer while it rests on a mark.
pub(in crate::ui) fn hover_ui(context: &UiContext<'_>, ui: &Ui, cell: usize) {
    let state = &context.state.marks;
    let Some((_, id)) = state
        .hover
        .as_ref()
        .filter(|(c, _)| *c == cell && !state.is_busy())
    else {
        return;
    };
    let rests = ui.input(|i| !i.pointer.any_down() && i.pointer.time_since_last_movement() > 0.35);
    if !rests {
        ui.ctx()
            .request_repaint_after(std::time::Duration::from_millis(360));
        return;
    }
    let workspace = context.workspace;
    let (Some(mark), Some(pointer)) =
        (workspace.marks.set().get(id), ui.ctx().pointer_latest_pos())
    else {
        return;
    };
    let Some(found) = workspace.measuring.of(mark) else {
        return;
    };
    egui::Area::new(egui::Id::unique("mark numbers"))
        // Below what stands beside the mark.
        .fixed_pos(pointer + egui::vec2(18.0, 44.0))
        .order(egui::Order::Tooltip)
        .interactable(false)
        .constrain(true)
        .show(ui.ctx(), |ui| {
            egui::Frame::popup(ui.style()).show(ui, |ui| {
                ui.set_max_width(300.0);
                numbers_ui(context, ui, mark, found);
            });
        });
}

//! What a classifier says of the active frame: the answer, the probability on a scale with the band of no answer, and how
//! much that is worth.

use super::{context::UiContext, overlay_text, theme};
use crate::{
    i18n::Value,
    workspace::{Command, classes::ClassShown},
};
use egui::{Align2, Color32, FontId, Rect, RichText, Sense, Stroke, Ui, pos2, vec2};

/// Height of the scale with its numbers.
const HEIGHT: f32 = 44.0;

/// Draws the button, and the answer when there is one.
pub fn class_panel_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    let command = Command::ClassifyTuberculosis;
    let enabled = context.workspace.is_enabled(command);
    let run = egui::Button::new(RichText::new(context.word("cmd-classify-tb")).strong());
    if ui
        .add_enabled(enabled, run)
        .on_hover_text(context.tooltip(command))
        .clicked()
    {
        context.run(command);
    }
    let frame = context.workspace.frame_key(context.workspace.active);
    let shown = frame
        .and_then(|f| context.workspace.classes.get(&f))
        .cloned();
    if let Some(shown) = shown {
        answer_ui(context, ui, &shown);
    }
    ui.add_space(6.0);
}

/// A class in the reader's language. One of an imported model has only the name that its card gives.
pub(super) fn class_name(context: &UiContext<'_>, class: &str) -> String {
    let key = match class {
        "tuberculosis" => "class-tuberculosis",
        "normal" => "class-normal",
        "abnormal" => "class-abnormal",
        other => return other.to_owned(),
    };
    context.word(key).to_owned()
}

fn answer_ui(context: &UiContext<'_>, ui: &mut Ui, shown: &ClassShown) {
    ui.add_space(4.0);
    let named = |class: &str| class_name(context, class);
    let text = match (shown.abstained, shown.probability >= 0.5) {
        (true, _) => context.word("class-no-answer").to_owned(),
        (false, true) => named(&shown.positive),
        (false, false) => named(&shown.negative),
    };
    let color = if shown.abstained {
        theme::WARN
    } else {
        theme::AI
    };
    ui.label(RichText::new(text).strong().size(16.0).color(color));
    scale_ui(ui, shown);
    let percent = |share: f64| Value::Fixed(100.0 * share, 0);
    let class = named(&shown.positive);
    let line = context.tr(
        "class-probability",
        &[
            ("class", class.as_str().into()),
            ("percent", percent(shown.probability)),
        ],
    );
    ui.add(egui::Label::new(RichText::new(line).color(theme::TEXT)).wrap());
    let calibrated = context.tr(
        "class-calibrated",
        &[("percent", percent(shown.prevalence))],
    );
    note(ui, calibrated);
    if let Some([value, low, high]) = shown.auroc {
        let numbers = [
            ("value", Value::Fixed(value, 2)),
            ("low", Value::Fixed(low, 2)),
            ("high", Value::Fixed(high, 2)),
        ];
        note(ui, context.tr("class-auroc", &numbers));
    }
    let model = &shown.provenance.model;
    note(ui, format!("{} {}", model.id, model.version));
    for finding in &shown.findings {
        let text = overlay_text::finding_text(context.language(), finding);
        ui.add(egui::Label::new(RichText::new(text).color(theme::WARN)).wrap());
    }
}

fn note(ui: &mut Ui, text: String) {
    let text = RichText::new(text)
        .size(theme::SMALL_PT)
        .color(theme::TEXT_DIM);
    ui.add(egui::Label::new(text).wrap());
}

/// 0 to 100 %, the band of no answer, and where the probability lies.
fn scale_ui(ui: &mut Ui, shown: &ClassShown) {
    let (rect, response) =
        ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT), Sense::hover());
    let percent = format!("{:.0} %", 100.0 * shown.probability);
    response.widget_info(|| {
        egui::WidgetInfo::labeled(egui::Role::ProgressIndicator, true, percent.as_str())
    });
    let bar = Rect::from_min_max(
        pos2(rect.left() + 14.0, rect.top() + 16.0),
        pos2(rect.right() - 14.0, rect.top() + 26.0),
    );
    let at = |p: f64| bar.left() + bar.width() * p.clamp(0.0, 1.0) as f32;
    let painter = ui.painter();
    painter.rect_filled(bar, 3.0, theme::CONTROL);
    let [low, high] = shown.abstain;
    let band = Rect::from_x_y_ranges(at(low)..=at(high), bar.y_range());
    painter.rect_filled(band, 0.0, Color32::from_rgb(0x6A, 0x56, 0x2C));
    let x = at(shown.probability);
    painter.line_segment(
        [pos2(x, bar.top() - 4.0), pos2(x, bar.bottom() + 4.0)],
        Stroke::new(2.5, theme::AI),
    );
    let font = FontId::proportional(theme::SMALL_PT);
    let above = pos2(
        x.clamp(bar.left() + 4.0, bar.right() - 4.0),
        bar.top() - 5.0,
    );
    painter.text(
        above,
        Align2::CENTER_BOTTOM,
        percent,
        font.clone(),
        theme::TEXT,
    );
    for p in [0.0, low, high, 1.0] {
        let text = format!("{:.0}", 100.0 * p);
        let below = pos2(at(p), bar.bottom() + 4.0);
        painter.text(
            below,
            Align2::CENTER_TOP,
            text,
            font.clone(),
            theme::TEXT_DIM,
        );
    }
}

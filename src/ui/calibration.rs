//! The question for the true length of a line.

use super::{
    context::UiContext,
    icons::{self, Icon},
    number_fields::{field_ui, number},
    spacing_text, theme,
};
use crate::{
    i18n::Value,
    model::{
        annotation::AnnotationId,
        calibration::{SHORTEST_PX, Signature, TRUE_MM},
        geometry::SpacingSource,
    },
    workspace::{
        Action,
        calibrating::{Asked, CalibrationAnswer, CalibrationQuestion, refusal_key},
    },
};
use egui::{Button, Id, Key, RichText, Sense, TextEdit, Ui, Vec2, vec2};

/// What is being typed.
#[derive(Clone, Debug, Default)]
pub struct CalibrationField {
    of: Option<AnnotationId>,
    length: String,
    centimetres: bool,
    by: String,
    confirmed: bool,
}

impl CalibrationField {
    fn true_mm(&self) -> Option<f64> {
        let value = number(&self.length)?;
        let mm = if self.centimetres {
            value * 10.0
        } else {
            value
        };
        Some(mm).filter(|mm| TRUE_MM.contains(mm))
    }
}

/// Draws the question, when there is one.
pub fn calibration_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    let workspace = context.workspace;
    let Asked::Length(id) = &workspace.calibrating.asked else {
        return;
    };
    let Some(question) = workspace.calibration_question() else {
        // The line was taken away meanwhile.
        let leave = CalibrationAnswer::Leave;
        context.actions.push(Action::Calibration(leave));
        return;
    };
    let mut field = std::mem::take(&mut context.state.calibration_field);
    let first = field.of.as_ref() != Some(id);
    if first {
        field = CalibrationField {
            of: Some(id.clone()),
            by: workspace.calibrating.by.clone(),
            centimetres: field.centimetres,
            ..CalibrationField::default()
        };
    }
    let mut answer = None;
    let frame = egui::Frame::popup(ui.style()).inner_margin(16.0);
    let modal = egui::Modal::new(Id::unique("calibration")).frame(frame);
    let shown = modal.show(ui.ctx(), |ui| {
        ui.set_width(400.0_f32.min(ui.ctx().content_rect().width() - 40.0));
        ui.heading(context.word("calibration-title"));
        ui.add_space(6.0);
        ui.label(RichText::new(drawn_text(context, &question)).color(theme::TEXT));
        ui.add_space(8.0);
        let enter = fields_ui(context, ui, &mut field, first);
        ui.add_space(6.0);
        // A line of text in any case, so that nothing jumps while a number is typed.
        let result = field
            .true_mm()
            .map(|mm| result_text(context, &question, mm));
        ui.label(RichText::new(result.unwrap_or_else(|| " ".into())).color(theme::TEXT_DIM));
        let short = question.header.source().is_none() && question.drawn < SHORTEST_PX;
        let bad = question.asks.filter(|e| !e.asks());
        let refused = bad
            .map(refusal_key)
            .or(short.then_some("calibration-too-short"));
        if let Some(refused) = refused {
            warning_ui(ui, context.word(refused));
        }
        if let Some(asks) = question.asks.filter(|e| e.asks()) {
            warning_ui(ui, context.word(refusal_key(asks)));
            if question.header.source().is_some() {
                let text = spacing_text::whole(context.language(), question.header);
                ui.label(RichText::new(text).color(theme::TEXT_DIM));
            }
            ui.checkbox(&mut field.confirmed, context.word("calibration-confirm"));
        }
        ui.add_space(10.0);
        let confirmed = field.confirmed || question.asks.is_none();
        let by = Signature::new(&field.by);
        let ready = field
            .true_mm()
            .zip(by)
            .filter(|_| confirmed && refused.is_none());
        ui.horizontal(|ui| {
            let button = Button::new(context.word("calibration-apply")).min_size(vec2(96.0, 30.0));
            let pressed = ui.add_enabled(ready.is_some(), button).clicked();
            if let Some((true_mm, by)) = ready
                && (pressed || enter)
            {
                answer = Some(CalibrationAnswer::Length {
                    true_mm,
                    by,
                    confirmed: field.confirmed,
                });
            }
            let button = Button::new(context.word("button-close")).min_size(vec2(96.0, 30.0));
            if ui.add(button).clicked() || ui.input(|i| i.key_pressed(Key::Escape)) {
                answer = Some(CalibrationAnswer::Leave);
            }
        });
    });
    if answer.is_none() && shown.should_close() {
        answer = Some(CalibrationAnswer::Leave);
    }
    if let Some(answer) = answer {
        field.of = None;
        context.actions.push(Action::Calibration(answer));
    }
    context.state.calibration_field = field;
}

/// The fields; whether Enter was pressed in one.
fn fields_ui(
    context: &UiContext<'_>,
    ui: &mut Ui,
    field: &mut CalibrationField,
    first: bool,
) -> bool {
    let mut enter = false;
    ui.horizontal(|ui| {
        let id = Id::unique("calibration").with("length");
        let word = context.word("calibration-field-length");
        enter |= field_ui(ui, id, word, &mut field.length, first);
        for (unit, centimetres) in [("mm", false), ("cm", true)] {
            ui.selectable_value(&mut field.centimetres, centimetres, unit);
        }
    });
    ui.horizontal(|ui| {
        let label =
            ui.label(RichText::new(context.word("calibration-field-by")).color(theme::TEXT_DIM));
        let edit = TextEdit::singleline(&mut field.by)
            .id(Id::unique("calibration").with("by"))
            .char_limit(64)
            .desired_width(180.0);
        let response = ui.add(edit).labelled_by(label.id);
        enter |= response.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
    });
    enter
}

fn warning_ui(ui: &mut Ui, text: &str) {
    ui.horizontal(|ui| {
        let (rect, _) = ui.allocate_exact_size(Vec2::splat(18.0), Sense::hover());
        icons::paint(ui.painter(), rect, Icon::Warning, theme::WARN);
        ui.add(egui::Label::new(RichText::new(text).color(theme::WARN)).wrap());
    });
}

/// What the line measures by the file.
fn drawn_text(context: &UiContext<'_>, question: &CalibrationQuestion) -> String {
    let length = Value::Fixed(question.drawn, 1);
    match question.header.source() {
        None => context.tr("calibration-drawn-px", &[("length", length)]),
        Some(_) => {
            let source = spacing_text::whole(context.language(), question.header);
            let args = [("length", length), ("source", source.as_str().into())];
            context.tr("calibration-drawn-mm", &args)
        }
    }
}

/// What comes of it.
fn result_text(context: &UiContext<'_>, question: &CalibrationQuestion, true_mm: f64) -> String {
    let factor = true_mm / question.drawn;
    let (_, column) = question.header.row_column();
    let width = ("width", Value::Fixed(column * factor, 4));
    match question.header.source() {
        Some(SpacingSource::ImagerPixelSpacing) => {
            let magnification = ("factor", Value::Fixed(factor.recip(), 2));
            context.tr("calibration-result-magnified", &[width, magnification])
        }
        _ => context.tr("calibration-result", &[width]),
    }
}

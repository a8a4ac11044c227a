//! Small fields for numbers: window and level of a view, and the size of the monitor for pictures in life size.

use super::{context::UiContext, theme};
use crate::{
    model::lut::WindowLevel,
    workspace::{Action, Command, view::VoiChoice},
};
use egui::{
    Align2, Area, Button, Frame, Id, Key, Order, Rect, RichText, TextEdit, Ui, text::CCursorRange,
    text_edit::TextEditState, vec2,
};

/// Millimetres of an inch.
const INCH_MM: f64 = 25.4;

/// Window and level while they are typed.
#[derive(Clone, Debug, Default)]
pub struct WindowField {
    width: String,
    center: String,
    begun: bool,
}

/// The size of the monitor while it is typed.
#[derive(Clone, Debug, Default)]
pub struct MonitorField {
    pitch_mm: String,
    diagonal_in: String,
    begun: bool,
}

/// A finite number as people write it, with a point or a comma.
pub(super) fn number(text: &str) -> Option<f64> {
    let text = text.trim().replace(',', ".").replace('−', "-");
    text.parse::<f64>().ok().filter(|v| v.is_finite())
}

impl WindowField {
    /// Filled with the present window.
    pub fn of(level: Option<WindowLevel>) -> Self {
        let text = |value: f64| {
            let text = format!("{value:.3}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        };
        Self {
            width: level.map(|l| text(l.width)).unwrap_or_default(),
            center: level.map(|l| text(l.center)).unwrap_or_default(),
            begun: false,
        }
    }

    fn level(&self) -> Option<WindowLevel> {
        let (width, center) = (number(&self.width)?, number(&self.center)?);
        (width > 0.0).then_some(WindowLevel { center, width })
    }
}

/// A field of one number with its name before it; whether Enter was pressed in it.
pub(super) fn field_ui(ui: &mut Ui, id: Id, name: &str, text: &mut String, focus: bool) -> bool {
    let label = ui.label(RichText::new(name).color(theme::TEXT_DIM));
    let edit = TextEdit::singleline(text).id(id).desired_width(64.0);
    let response = ui.add(edit).labelled_by(label.id);
    if focus {
        response.request_focus();
    }
    if focus || response.gained_focus() {
        // What is typed replaces what stands there.
        let mut state = TextEditState::load(ui.ctx(), id).unwrap_or_default();
        let everything = CCursorRange::select_all_str(text);
        state.cursor.set_char_range(Some(everything));
        state.store(ui.ctx(), id);
    }
    response.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter))
}

/// Draws the field for window and level at the foot of the active cell, when it is open.
pub(super) fn window_field_ui(context: &mut UiContext<'_>, ui: &Ui, cell: usize, rect: Rect) {
    if context.workspace.active != cell {
        return;
    }
    let Some(mut field) = context.state.window_field.take() else {
        return;
    };
    let first = !std::mem::replace(&mut field.begun, true);
    let (mut enter, mut leave) = (false, false);
    let area = Area::new(Id::unique("window field"))
        .order(Order::Foreground)
        .fixed_pos(rect.left_bottom() + vec2(8.0, -8.0))
        .pivot(Align2::LEFT_BOTTOM);
    let shown = area.show(ui.ctx(), |ui| {
        Frame::popup(ui.style()).inner_margin(8.0).show(ui, |ui| {
            ui.horizontal(|ui| {
                let id = |name: &str| Id::unique("window field").with(name);
                let word = context.word("field-window-width");
                enter |= field_ui(ui, id("width"), word, &mut field.width, first);
                let word = context.word("field-window-center");
                enter |= field_ui(ui, id("center"), word, &mut field.center, false);
                let ready = field.level().is_some();
                let button = Button::new(context.word("button-apply"));
                enter |= ui.add_enabled(ready, button).clicked();
            });
        });
    });
    leave |= ui.input(|i| i.key_pressed(Key::Escape));
    leave |= shown.response.clicked_elsewhere() && !first;
    match field.level().filter(|_| enter) {
        Some(level) => context
            .actions
            .push(Action::Window(VoiChoice::Custom(level))),
        None if leave => {}
        None => context.state.window_field = Some(field),
    }
}

/// Draws the question for the size of the monitor, when it is open.
pub fn monitor_field_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    let Some(mut field) = context.state.monitor_field.take() else {
        return;
    };
    let first = !std::mem::replace(&mut field.begun, true);
    let (points, scale) = ui.input(|i| {
        let viewport = i.viewport();
        (viewport.monitor_size, viewport.native_pixels_per_point)
    });
    let pixels = points.zip(scale).map(|(points, scale)| points * scale);
    let (mut enter, mut leave) = (false, false);
    let frame = Frame::popup(ui.style()).inner_margin(16.0);
    let modal = egui::Modal::new(Id::unique("monitor field")).frame(frame);
    let shown = modal.show(ui.ctx(), |ui| {
        ui.set_width(400.0_f32.min(ui.ctx().content_rect().width() - 40.0));
        ui.heading(context.word("monitor-title"));
        ui.add_space(6.0);
        ui.label(RichText::new(context.word("monitor-text")).color(theme::TEXT_DIM));
        ui.add_space(8.0);
        let id = |name: &str| Id::unique("monitor field").with(name);
        ui.horizontal(|ui| {
            let word = context.word("monitor-pitch");
            enter |= field_ui(ui, id("pitch"), word, &mut field.pitch_mm, first);
        });
        if let Some(pixels) = pixels {
            ui.horizontal(|ui| {
                let word = context.word("monitor-diagonal");
                let before = field.diagonal_in.clone();
                enter |= field_ui(ui, id("diagonal"), word, &mut field.diagonal_in, false);
                let across = f64::from(pixels.length());
                if before != field.diagonal_in
                    && across > 0.0
                    && let Some(inches) = number(&field.diagonal_in)
                {
                    field.pitch_mm = format!("{:.4}", inches * INCH_MM / across);
                }
            });
        }
        ui.add_space(10.0);
        ui.horizontal(|ui| {
            let ready = pitch(&field.pitch_mm).is_some();
            let button = Button::new(context.word("button-apply")).min_size(vec2(96.0, 30.0));
            enter |= ui.add_enabled(ready, button).clicked();
            let button = Button::new(context.word("button-close")).min_size(vec2(96.0, 30.0));
            leave |= ui.add(button).clicked() || ui.input(|i| i.key_pressed(Key::Escape));
        });
    });
    leave |= shown.should_close();
    match pitch(&field.pitch_mm).filter(|_| enter) {
        Some(pitch) => {
            context.actions.push(Action::PixelPitch(pitch));
            context.run(Command::LifeSize);
        }
        None if leave => {}
        None => context.state.monitor_field = Some(field),
    }
}

/// Millimetres of a monitor's pixel: those of telephones to those of walls of lamps.
fn pitch(text: &str) -> Option<f64> {
    number(text).filter(|mm| (0.02..=20.0).contains(mm))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_people_write_them() {
        let check = |text: &str, expected: Option<f64>| assert_eq!(number(text), expected);
        check(" 400 ", Some(400.0));
        check("0,27", Some(0.27));
        check("−600", Some(-600.0));
        check("1e400", None);
        check("nan", None);
        check("", None);
        let field = |width: &str, center: &str| WindowField {
            width: width.into(),
            center: center.into(),
            begun: true,
        };
        assert!(field("0", "40").level().is_none() && field("x", "40").level().is_none());
        let level = field("1500", "-600").level().unwrap();
        assert_eq!((level.width, level.center), (1500.0, -600.0));
        let filled = WindowField::of(Some(level));
        assert_eq!(
            (filled.width.as_str(), filled.center.as_str()),
            ("1500", "-600")
        );
        assert_eq!((pitch("0.27"), pitch("270")), (Some(0.27), None));
    }
}

//! The training panel: what is trained, start, pause and stop, and the curves while they grow.

use super::{context::UiContext, theme, widgets};
use crate::{
    i18n::Value,
    workspace::{
        Action, Command,
        training::{RunState, Training},
    },
};
use egui::{
    Align2, Color32, ComboBox, FontId, Pos2, Rect, RichText, Sense, Shape, Stroke, Ui, pos2, vec2,
};

const WIDTH: f32 = 440.0;
const PLOT_HEIGHT: f32 = 150.0;
/// Top of the plot, as a multiple of the highest loss.
const HEADROOM: f32 = 1.1;
/// Single steps scatter: they stand back behind the means of epochs, and can still be seen.
const STEPS: Color32 = theme::TEXT_FAINT;

/// Draws the panel when it is open.
pub fn training_panel_ui(context: &mut UiContext<'_>, ui: &Ui) {
    if !context.workspace.training.open {
        return;
    }
    let mut open = true;
    egui::Window::new(context.word("training-title"))
        .id(egui::Id::unique("training panel"))
        .open(&mut open)
        .resizable(false)
        .collapsible(true)
        .default_pos(ui.ctx().content_rect().center() - vec2(WIDTH / 2.0, 280.0))
        .show(ui.ctx(), |ui| {
            ui.set_width(WIDTH);
            body_ui(context, ui);
        });
    if !open {
        context.run(Command::Training);
    }
}

fn body_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    let training = context.workspace.training.clone();
    if training.tasks.is_empty() {
        widgets::dim(ui, context.word("notice-no-ai"));
        return;
    }
    choice_ui(context, ui, &training);
    ui.add_space(6.0);
    buttons_ui(context, ui, &training);
    ui.add_space(6.0);
    state_ui(context, ui, &training);
    if training.steps.is_empty() && training.curve.is_empty() {
        return;
    }
    ui.add_space(4.0);
    widgets::section(ui, context.word("training-loss"), None);
    loss_ui(context, ui, &training);
    let score = context.tr("training-score", &[("score", training.score.into())]);
    widgets::section(ui, &score, None);
    score_ui(ui, &training);
    for line in &training.figures {
        let text = RichText::new(line).monospace().size(theme::SMALL_PT);
        ui.add(egui::Label::new(text).wrap());
    }
}

/// The task, and the folder that it needs.
fn choice_ui(context: &mut UiContext<'_>, ui: &mut Ui, training: &Training) {
    let mut task = training.task;
    let name = |index: usize| training.tasks.get(index).map_or("", |t| t.model);
    ui.add_enabled_ui(!training.runs(), |ui| {
        ui.horizontal(|ui| {
            let label = widgets::dim(ui, context.word("training-task"));
            ComboBox::from_id_salt("training task")
                .width(180.0)
                .selected_text(name(task))
                .show_ui(ui, |ui| {
                    for index in 0..training.tasks.len() {
                        ui.selectable_value(&mut task, index, name(index));
                    }
                })
                .response
                .labelled_by(label.id);
        });
        let needs_data = training.tasks.get(task).is_some_and(|t| t.needs_data);
        if !needs_data {
            widgets::dim(ui, context.word("training-needs-nothing"));
            return;
        }
        ui.horizontal(|ui| {
            if ui.button(context.word("training-choose-data")).clicked() {
                context.actions.push(Action::ChooseTraining);
            }
            let folder = training.data.as_ref();
            let text = folder.map_or_else(
                || context.word("training-no-data").to_owned(),
                |folder| folder.display().to_string(),
            );
            let text = RichText::new(text)
                .size(theme::SMALL_PT)
                .color(theme::TEXT_DIM);
            ui.add(egui::Label::new(text).truncate());
        });
    });
    if task != training.task {
        context.actions.push(Action::TrainingTask(task));
    }
}

fn buttons_ui(context: &mut UiContext<'_>, ui: &mut Ui, training: &Training) {
    let pause = match training.pause.is_set() {
        true => "training-go-on",
        false => "cmd-training-pause",
    };
    let start = match training.state {
        RunState::Stopped => "training-go-on",
        _ => "cmd-training-start",
    };
    ui.horizontal(|ui| {
        for (command, word) in [
            (Command::StartTraining, start),
            (Command::PauseTraining, pause),
            (Command::StopTraining, "cmd-training-stop"),
        ] {
            let enabled = context.workspace.is_enabled(command);
            let button = egui::Button::new(context.word(word)).min_size(vec2(84.0, 26.0));
            if ui
                .add_enabled(enabled, button)
                .on_hover_text(context.tooltip(command))
                .clicked()
            {
                context.run(command);
            }
        }
    });
}

fn state_ui(context: &UiContext<'_>, ui: &mut Ui, training: &Training) {
    let [epoch, done, of] = training.at;
    let text = match &training.state {
        RunState::None => return,
        RunState::Preparing => context.word("training-preparing").to_owned(),
        RunState::Running => {
            let number = |n: u32| Value::Fixed(f64::from(n), 0);
            let key = match training.pause.is_set() {
                true => "training-paused-at",
                false => "training-at",
            };
            let numbers = [
                ("epoch", number(epoch)),
                ("epochs", number(training.epochs)),
                ("step", number(done)),
                ("steps", number(of)),
            ];
            context.tr(key, &numbers)
        }
        RunState::Stopped => context.word("training-stopped").to_owned(),
        RunState::Done => context.word("training-done").to_owned(),
        RunState::Failed(sentence) => sentence.clone(),
    };
    let color = match &training.state {
        RunState::Failed(_) => theme::ERROR,
        RunState::Done => theme::OK,
        _ => theme::TEXT,
    };
    ui.add(egui::Label::new(RichText::new(text).color(color)).wrap());
    if let Some(out) = &training.out {
        let text = RichText::new(out.display().to_string())
            .size(theme::SMALL_PT)
            .color(theme::TEXT_DIM);
        ui.add(egui::Label::new(text).truncate());
    }
}

/// A plot with its axes: values from `low` to `high` over the epochs.
struct Plot {
    rect: Rect,
    epochs: f32,
    low: f32,
    high: f32,
}

impl Plot {
    fn new(ui: &mut Ui, epochs: f32, low: f32, high: f32, name: &str) -> Self {
        let (outer, response) =
            ui.allocate_exact_size(vec2(ui.available_width(), PLOT_HEIGHT), Sense::hover());
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, name));
        let rect = Rect::from_min_max(
            pos2(outer.left() + 44.0, outer.top() + 6.0),
            pos2(outer.right() - 6.0, outer.bottom() - 18.0),
        );
        let plot = Self {
            rect,
            epochs: epochs.max(1.0),
            low,
            high: high.max(low + 1e-6),
        };
        let font = FontId::proportional(theme::SMALL_PT);
        let painter = ui.painter();
        painter.rect_filled(rect, 2.0, theme::APP);
        for part in 0..=4 {
            let value = plot.low + (plot.high - plot.low) * part as f32 / 4.0;
            let y = plot.at(0.0, value).y;
            painter.hline(rect.x_range(), y, Stroke::new(1.0, theme::LINE));
            let text = format!("{value:.2}");
            let left = pos2(rect.left() - 5.0, y);
            painter.text(
                left,
                Align2::RIGHT_CENTER,
                text,
                font.clone(),
                theme::TEXT_DIM,
            );
        }
        for part in 0..=4 {
            let epoch = (plot.epochs * part as f32 / 4.0).round();
            let below = pos2(plot.at(epoch, plot.low).x, rect.bottom() + 3.0);
            let align = match part {
                4 => Align2::RIGHT_TOP,
                _ => Align2::CENTER_TOP,
            };
            painter.text(
                below,
                align,
                format!("{epoch:.0}"),
                font.clone(),
                theme::TEXT_DIM,
            );
        }
        plot
    }

    fn at(&self, epoch: f32, value: f32) -> Pos2 {
        let x = epoch / self.epochs;
        let y = (value.clamp(self.low, self.high) - self.low) / (self.high - self.low);
        pos2(
            self.rect.left() + x * self.rect.width(),
            self.rect.bottom() - y * self.rect.height(),
        )
    }

    fn line(&self, ui: &Ui, points: impl Iterator<Item = [f32; 2]>, width: f32, color: Color32) {
        let points: Vec<Pos2> = points.map(|[x, y]| self.at(x, y)).collect();
        if let [only] = points.as_slice() {
            ui.painter().circle_filled(*only, 1.5 * width, color);
        }
        ui.painter()
            .add(Shape::line(points, Stroke::new(width, color)));
    }
}

fn loss_ui(context: &UiContext<'_>, ui: &mut Ui, training: &Training) {
    let all = training.steps.iter().map(|p| p[1]).chain(
        training
            .curve
            .iter()
            .flat_map(|p| [p.train_loss, p.validation_loss]),
    );
    let high = all.fold(0.0f32, f32::max) * HEADROOM;
    let name = context.word("training-loss");
    let plot = Plot::new(ui, training.epochs as f32, 0.0, high, name);
    plot.line(ui, training.steps.iter().copied(), 1.0, STEPS);
    let curve = |pick: fn(&crate::workspace::training::CurvePoint) -> f32| {
        training
            .curve
            .iter()
            .map(move |p| [p.epoch as f32, pick(p)])
    };
    plot.line(ui, curve(|p| p.train_loss), 1.8, theme::ACCENT);
    plot.line(ui, curve(|p| p.validation_loss), 1.8, theme::WARN);
    ui.horizontal(|ui| {
        for (key, color) in [
            ("training-steps", STEPS),
            ("training-train", theme::ACCENT),
            ("training-validation", theme::WARN),
        ] {
            ui.label(
                RichText::new(context.word(key))
                    .size(theme::SMALL_PT)
                    .color(color),
            );
        }
    });
}

fn score_ui(ui: &mut Ui, training: &Training) {
    let scores = || training.curve.iter().map(|p| p.score);
    let low = scores().fold(1.0f32, f32::min);
    // The upper end is where it is decided.
    let low = if low > 0.9 {
        0.9
    } else if low > 0.5 {
        0.5
    } else {
        0.0
    };
    let plot = Plot::new(ui, training.epochs as f32, low, 1.0, training.score);
    let points = training.curve.iter().map(|p| [p.epoch as f32, p.score]);
    plot.line(ui, points, 1.8, theme::OK);
    if let Some(last) = training.curve.last() {
        let at = plot.at(last.epoch as f32, last.score);
        let text = format!("{:.3}", last.score);
        let font = FontId::proportional(theme::SMALL_PT);
        let (place, align) = if at.x > plot.rect.center().x {
            (at - vec2(5.0, -4.0), Align2::RIGHT_TOP)
        } else {
            (at + vec2(5.0, 4.0), Align2::LEFT_TOP)
        };
        ui.painter().text(place, align, text, font, theme::TEXT);
    }
}

//! Labels for learning: the classes on their keys, sets of keypoints, and what the reader says of the image and the study.

use super::{context::UiContext, theme, widgets};
use crate::workspace::{
    Action, Command,
    label_schema::{LabelClass, Scope, ScoreClass, TagClass, shown},
    labelling::LabelAction,
};
use egui::{Align, Color32, Layout, RichText, Sense, Ui, Vec2};

/// Height of a row, points.
const ROW: f32 = 26.0;
/// Scores with more grades than this have a field in the place of buttons.
const BUTTONS: i32 = 11;

fn act(context: &mut UiContext<'_>, action: LabelAction) {
    context.actions.push(Action::Label(action));
}

/// Draws the panel.
pub fn labels_panel_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    super::cases_panel::cases_ui(context, ui);
    super::adjudication_panel::adjudication_ui(context, ui);
    let schema = context.workspace.labelling.schema.clone();
    answers(context, ui, Scope::Image, "labels-image");
    answers(context, ui, Scope::Study, "labels-study");
    if !schema.labels.is_empty() {
        widgets::section(
            ui,
            context.word("labels-classes"),
            Some(schema.labels.len()),
        );
        widgets::dim(ui, context.word("labels-classes-how"));
        for class in &schema.labels {
            class_row(context, ui, class);
        }
    }
    if !schema.keypoints.is_empty() {
        widgets::section(
            ui,
            context.word("labels-keypoints"),
            Some(schema.keypoints.len()),
        );
        keypoints(context, ui);
    }
    ui.add_space(10.0);
    ui.horizontal_wrapped(|ui| {
        let word = RichText::new(context.word("cmd-label-schema")).size(theme::SMALL_PT);
        if ui.button(word).clicked() {
            context.run(Command::ChooseSchema);
        }
        widgets::dim(ui, schema.name.clone());
    });
}

/// What is said of the image or of the study.
fn answers(context: &mut UiContext<'_>, ui: &mut Ui, of: Scope, title: &'static str) {
    let schema = context.workspace.labelling.schema.clone();
    let any = schema.tags.iter().any(|tag| tag.of == of)
        || schema.scores.iter().any(|score| score.of == of);
    if !any {
        return;
    }
    widgets::section(ui, context.word(title), None);
    if context.workspace.subject(of).is_none() {
        widgets::dim(ui, context.word("labels-nothing-open"));
        return;
    }
    for tag in schema.tags.iter().filter(|tag| tag.of == of) {
        tag_row(context, ui, tag);
    }
    for (at, score) in schema.scores.iter().enumerate() {
        if score.of == of {
            score_row(context, ui, at, score);
        }
    }
}

/// A row that can be pressed: what is said of it, and how it is drawn.
fn row(
    context: &UiContext<'_>,
    ui: &mut Ui,
    said: &str,
    on: bool,
    key: Option<Command>,
    add: impl FnOnce(&mut Ui),
) -> bool {
    let size = Vec2::new(ui.available_width(), ROW);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    response.widget_info(|| egui::WidgetInfo::selected(egui::Role::CheckBox, true, on, said));
    if !ui.is_rect_visible(rect) {
        return response.clicked();
    }
    if on {
        ui.painter()
            .rect_filled(rect, 4.0, theme::ACCENT.gamma_multiply(0.16));
    } else if response.hovered() {
        ui.painter().rect_filled(rect, 4.0, theme::RAISED);
    }
    let mut line = ui.new_child(
        egui::UiBuilder::new()
            .max_rect(rect.shrink2(Vec2::new(4.0, 0.0)))
            .layout(Layout::right_to_left(Align::Center)),
    );
    if let Some(command) = key {
        widgets::dim(&mut line, context.shortcut(command));
    }
    line.with_layout(Layout::left_to_right(Align::Center), add);
    response.clicked()
}

/// The text of a row, cut where it has no room. The row says it: it is no label of its own.
fn text(ui: &mut Ui, text: &str) {
    let text = egui::WidgetText::from(RichText::new(text).color(theme::TEXT));
    let wrap = Some(egui::TextWrapMode::Truncate);
    let galley = text.into_galley(ui, wrap, ui.available_width(), egui::TextStyle::Body);
    let (rect, _) = ui.allocate_exact_size(galley.size(), Sense::hover());
    ui.painter().galley(rect.min, galley, theme::TEXT);
}

fn swatch(ui: &mut Ui, color: Color32, filled: bool) {
    let (rect, _) = ui.allocate_exact_size(Vec2::splat(12.0), Sense::hover());
    match filled {
        true => {
            ui.painter().rect_filled(rect, 2.0, color);
        }
        false => {
            let line = egui::Stroke::new(1.5, color);
            ui.painter()
                .rect_stroke(rect, 2.0, line, egui::StrokeKind::Inside);
        }
    }
}

/// A box with a tick where it is on.
fn tick(ui: &mut Ui, on: bool) {
    let (rect, _) = ui.allocate_exact_size(Vec2::splat(14.0), Sense::hover());
    let edge = egui::Stroke::new(1.0, if on { theme::ACCENT } else { theme::TEXT_FAINT });
    ui.painter()
        .rect_stroke(rect, 3.0, edge, egui::StrokeKind::Inside);
    if on {
        let at = |x: f32, y: f32| rect.min + Vec2::new(x, y) * rect.width();
        let line = egui::Stroke::new(2.0, theme::ACCENT);
        ui.painter()
            .line_segment([at(0.22, 0.52), at(0.44, 0.74)], line);
        ui.painter()
            .line_segment([at(0.44, 0.74), at(0.80, 0.28)], line);
    }
}

fn class_row(context: &mut UiContext<'_>, ui: &mut Ui, class: &LabelClass) {
    let on = context.workspace.labelling.class.as_ref() == Some(&class.name);
    let name = shown(&class.name, class.name_zh.as_ref(), context.language());
    let [r, g, b] = class.color;
    let key = class.key.and_then(label_command);
    let pressed = row(context, ui, name, on, key, |ui| {
        swatch(ui, Color32::from_rgb(r, g, b), on);
        text(ui, name);
    });
    if pressed {
        act(context, LabelAction::Class(class.name.clone()));
    }
}

fn tag_row(context: &mut UiContext<'_>, ui: &mut Ui, tag: &TagClass) {
    let on = context.workspace.answer(&tag.name, tag.of).is_some();
    let name = shown(&tag.name, tag.name_zh.as_ref(), context.language());
    let key = tag.key.and_then(tag_command);
    let pressed = row(context, ui, name, on, key, |ui| {
        tick(ui, on);
        text(ui, name);
    });
    if pressed {
        act(context, LabelAction::Tag(tag.name.clone()));
    }
}

fn score_row(context: &mut UiContext<'_>, ui: &mut Ui, at: usize, score: &ScoreClass) {
    let workspace = context.workspace;
    let chosen = workspace.labelling.score == at;
    let now = workspace.graded(score);
    let name = shown(&score.name, score.name_zh.as_ref(), context.language());
    let said = match now {
        Some((grade, word)) => format!("{grade}  {word}").trim_end().to_owned(),
        None => context.word("labels-no-grade").to_owned(),
    };
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        let color = match chosen {
            true => theme::ACCENT,
            false => theme::TEXT,
        };
        let response = ui.selectable_label(false, RichText::new(name).color(color).strong());
        if response.clicked() {
            act(context, LabelAction::Score(at));
        }
        let color = match now {
            Some(_) => theme::TEXT,
            None => theme::TEXT_DIM,
        };
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            widgets::line(ui, RichText::new(said).color(color));
        });
    });
    let grade = now.map(|(grade, _)| grade);
    if score.high - score.low >= BUTTONS {
        let mut value = grade.unwrap_or(score.low);
        let field = egui::DragValue::new(&mut value).range(score.low..=score.high);
        if ui.add(field).changed() {
            act(context, LabelAction::Grade(score.name.clone(), value));
        }
        return;
    }
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = Vec2::splat(3.0);
        for value in score.low..=score.high {
            let on = grade == Some(value);
            let color = if on { theme::APP } else { theme::TEXT };
            let mut button = egui::Button::new(RichText::new(value.to_string()).color(color))
                .min_size(Vec2::new(30.0, ROW));
            if on {
                button = button.fill(theme::ACCENT);
            }
            let label = format!("{name} {value}");
            let mut response = ui.add(button);
            response.widget_info(|| {
                egui::WidgetInfo::selected(egui::Role::RadioButton, true, on, &label)
            });
            let word = score.word(value, context.language());
            if !word.is_empty() {
                response = response.on_hover_text(word);
            }
            if response.clicked() {
                act(context, LabelAction::Grade(score.name.clone(), value));
            }
        }
    });
    if chosen {
        widgets::dim(
            ui,
            context.tr(
                "labels-grade-how",
                &[
                    ("up", context.shortcut(Command::GradeUp).into()),
                    ("down", context.shortcut(Command::GradeDown).into()),
                ],
            ),
        );
    }
}

fn keypoints(context: &mut UiContext<'_>, ui: &mut Ui) {
    let schema = context.workspace.labelling.schema.clone();
    for (at, set) in schema.keypoints.iter().enumerate() {
        let placing = context.workspace.labelling.placing.clone();
        let on = placing.as_ref() == Some(&set.name);
        let name = shown(&set.name, set.name_zh.as_ref(), context.language());
        let key = (at == 0).then_some(Command::PlaceKeypoints);
        let pressed = row(context, ui, name, on, key, |ui| {
            tick(ui, on);
            text(ui, name);
        });
        if pressed {
            act(context, LabelAction::Keypoints(set.name.clone()));
        }
        if on {
            let next = context.workspace.next_keypoint();
            let text = match next {
                Some((group, point)) => context.tr(
                    "labels-keypoint-next",
                    &[("group", group.as_str().into()), ("point", point.into())],
                ),
                None => context.word("labels-keypoints-done").to_owned(),
            };
            widgets::dim(ui, text);
        }
    }
}

const fn label_command(key: u8) -> Option<Command> {
    Some(match key {
        1 => Command::Label1,
        2 => Command::Label2,
        3 => Command::Label3,
        4 => Command::Label4,
        5 => Command::Label5,
        6 => Command::Label6,
        7 => Command::Label7,
        8 => Command::Label8,
        9 => Command::Label9,
        _ => return None,
    })
}

const fn tag_command(key: u8) -> Option<Command> {
    Some(match key {
        1 => Command::Tag1,
        2 => Command::Tag2,
        3 => Command::Tag3,
        4 => Command::Tag4,
        5 => Command::Tag5,
        6 => Command::Tag6,
        7 => Command::Tag7,
        8 => Command::Tag8,
        9 => Command::Tag9,
        _ => return None,
    })
}

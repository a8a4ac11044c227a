//! The list of marks: going to one, its label, group, lock and numbers, and all of them as a file.

use super::details;
use crate::{
    clinical::advice::course::Role,
    i18n::Language,
    model::{
        annotation::{Annotation, AnnotationId, Author, MarkKind},
        identity::PatientIdentity,
    },
    ui::{
        context::UiContext,
        icons::{self, Icon},
        mark_text, theme, widgets,
    },
    workspace::{
        Action, Command,
        library::Library,
        measuring::{
            MarkAction, MarkChange,
            labels::{MarkLabel, exact, labels},
        },
    },
};
use egui::{
    Align, Align2, Color32, FontId, Layout, Rangef, RichText, Sense, TextEdit, Ui, Vec2,
    text::{LayoutJob, TextWrapping},
};
use std::sync::{Arc, Weak};

/// Height of a row, points.
const ROW: f32 = 26.0;

/// Between the parts of a row.
const BETWEEN: f32 = 6.0;

/// Lists with up to so many rows are laid out whole; of longer ones what is in sight.
const WHOLE: usize = 40;

/// What is being typed into the fields of a row.
#[derive(Default)]
pub struct Fields {
    /// Of which mark, and as it was when typing began.
    of: Option<(AnnotationId, String, String)>,
    label: String,
    group: String,
}

fn act(context: &mut UiContext<'_>, action: MarkAction) {
    context.actions.push(Action::Mark(action));
}

/// The rows of the list, as long as nothing changes that they tell.
#[derive(Default)]
pub struct Rows {
    of: Option<Told>,
    rows: Arc<[Row]>,
    /// Some of them are lesions that are followed over time.
    lesions: bool,
}

/// All that the rows depend on.
struct Told {
    /// Revision of the marks, and how often their numbers changed.
    revisions: [u64; 2],
    language: Language,
    library: Weak<Library>,
    patient: Option<Arc<PatientIdentity>>,
}

impl PartialEq for Told {
    fn eq(&self, other: &Self) -> bool {
        let Self {
            revisions,
            language,
            library,
            patient,
        } = self;
        *revisions == other.revisions
            && *language == other.language
            && library.ptr_eq(&other.library)
            && *patient == other.patient
    }
}

/// A mark as the list tells it.
struct Row {
    id: AnnotationId,
    group: String,
    kind: MarkKind,
    name: String,
    /// Empty where a mark has none.
    number: String,
    color: Color32,
    locked: bool,
    hidden: bool,
}

impl Rows {
    /// Whether some of the marks are lesions that are followed over time.
    pub fn has_lesions(&mut self, context: &UiContext<'_>) -> bool {
        let _ = self.now(context);
        self.lesions
    }

    fn now(&mut self, context: &UiContext<'_>) -> Arc<[Row]> {
        let workspace = context.workspace;
        let patient = workspace.active_viewport().and_then(|v| v.patient());
        let told = Told {
            revisions: [workspace.marks.revision(), workspace.measuring.changes()],
            language: context.language(),
            library: Arc::downgrade(&workspace.library),
            patient: patient.cloned(),
        };
        if self.of.as_ref() != Some(&told) {
            let marks = workspace.marks_in_order();
            self.lesions = marks.iter().any(|m| Role::of_group(&m.group).is_some());
            self.rows = marks.into_iter().map(|m| Row::of(context, m)).collect();
            self.of = Some(told);
        }
        Arc::clone(&self.rows)
    }
}

impl Row {
    fn of(context: &UiContext<'_>, mark: &Annotation) -> Self {
        let words = context.language();
        let kind = mark.shape.kind;
        let found = context.workspace.measuring.of(mark);
        let number = mark_text::short(words, kind, found).into_iter().next();
        let ai = matches!(mark.author, Author::Model { .. });
        Self {
            id: mark.id.clone(),
            group: mark.group.clone(),
            kind,
            name: match mark.label.is_empty() {
                true => mark_text::kind_word(words, kind).to_owned(),
                false => mark.label.clone(),
            },
            number: number.unwrap_or_default(),
            color: match (mark.hidden, ai) {
                (true, _) => theme::TEXT_FAINT,
                (false, true) => theme::AI,
                (false, false) => theme::TEXT,
            },
            locked: mark.locked,
            hidden: mark.hidden,
        }
    }
}

/// Draws the list.
pub(in crate::ui) fn marks_list_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    let mut kept = std::mem::take(&mut context.state.marks.rows);
    let rows = kept.now(context);
    context.state.marks.rows = kept;
    widgets::section(ui, context.word("panel-marks"), Some(rows.len()));
    if rows.is_empty() {
        widgets::dim(ui, context.word("panel-no-marks"));
        return;
    }
    let chosen = context.workspace.marks.selected.clone();
    // Somebody who has it read out gets all of it.
    let whole = rows.len() <= WHOLE || ui.ctx().has_accesskit_node(ui.unique_id());
    let between = ui.spacing().item_spacing.y;
    let clip = ui.clip_rect().y_range();
    // Height of rows out of sight that were left out so far.
    let mut left_out = 0.0;
    let mut group = None;
    for one in rows.iter() {
        if group != Some(one.group.as_str()) {
            room(ui, &mut left_out);
            if !one.group.is_empty() {
                ui.add_space(4.0);
                let name = RichText::new(&one.group).size(theme::SMALL_PT);
                widgets::line(ui, name.color(theme::TEXT_DIM).strong());
            }
            group = Some(&one.group);
        }
        let selected = chosen.as_ref() == Some(&one.id);
        let top = ui.cursor().top() + left_out;
        if whole || selected || clip.intersects(Rangef::new(top, top + ROW)) {
            room(ui, &mut left_out);
            row(context, ui, one, selected);
        } else {
            left_out += ROW + between;
        }
    }
    room(ui, &mut left_out);
    ui.add_space(6.0);
    ui.horizontal_wrapped(|ui| {
        for command in [Command::ExportMarksCsv, Command::ExportMarksJson] {
            let word = RichText::new(context.word(command.row().message_key)).size(theme::SMALL_PT);
            if ui.button(word).clicked() {
                context.run(command);
            }
        }
    });
}

/// Room for rows that were left out.
fn room(ui: &mut Ui, left_out: &mut f32) {
    let height = std::mem::take(left_out) - ui.spacing().item_spacing.y;
    if height > 0.0 {
        ui.allocate_space(Vec2::new(ui.available_width(), height));
    }
}

/// A mark as a line: what it is, what it is called, its number.
fn row(context: &mut UiContext<'_>, ui: &mut Ui, one: &Row, selected: bool) {
    let size = Vec2::new(ui.available_width(), ROW);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let said = || format!("{} {}", one.name, one.number);
    response.widget_info(|| {
        egui::WidgetInfo::selected(egui::Role::Button, true, selected, said().trim())
    });
    let painter = ui.painter();
    if selected {
        painter.rect_filled(rect, 4.0, theme::ACCENT.gamma_multiply(0.16));
    } else if response.hovered() {
        painter.rect_filled(rect, 4.0, theme::RAISED);
    }
    let inner = rect.shrink2(Vec2::new(4.0, 0.0));
    let mut right = inner.right();
    let icons = [(one.locked, Icon::Lock), (one.hidden, Icon::EyeShut)];
    for (_, icon) in icons.into_iter().filter(|(shown, _)| *shown) {
        let place = egui::Rect::from_center_size(
            egui::pos2(right - 6.5, inner.center().y),
            Vec2::splat(13.0),
        );
        icons::paint(painter, place, icon, theme::TEXT_FAINT);
        right -= 13.0 + BETWEEN;
    }
    if !one.number.is_empty() && !matches!(one.kind, MarkKind::Text | MarkKind::Arrow) {
        let font = FontId::proportional(theme::SMALL_PT);
        let number = painter.layout_no_wrap(one.number.clone(), font, theme::TEXT_DIM);
        let at = egui::pos2(right, inner.center().y);
        let place = Align2::RIGHT_CENTER.anchor_size(at, number.size());
        right = place.left() - BETWEEN;
        painter.galley(place.min, number, theme::TEXT_DIM);
    }
    let font = egui::TextStyle::Body.resolve(ui.style());
    let mut job = LayoutJob::simple_singleline(one.name.clone(), font, one.color);
    job.wrap = TextWrapping::truncate_at_width((right - inner.left()).max(0.0));
    let name = painter.layout_job(job);
    let cut = name.elided;
    let at = egui::pos2(inner.left(), inner.center().y);
    let place = Align2::LEFT_CENTER.anchor_size(at, name.size());
    painter.galley(place.min, name, one.color);
    let response = match cut {
        true => widgets::hover_text(response, said),
        false => response,
    };
    if response.clicked() {
        act(context, MarkAction::GoTo(one.id.clone()));
    }
    if selected && let Some(mark) = context.workspace.marks.set().get(&one.id) {
        let kind = mark_text::kind_word(context.language(), one.kind);
        ui.indent(("mark", &one.id.0), |ui| opened(context, ui, mark, kind));
    }
}

/// What the selected mark is called, and all of its numbers.
fn opened(context: &mut UiContext<'_>, ui: &mut Ui, mark: &Annotation, kind: &str) {
    let words = context.language();
    let mut fields = std::mem::take(&mut context.state.marks.fields);
    let now = (mark.id.clone(), mark.label.clone(), mark.group.clone());
    if fields.of.as_ref() != Some(&now) {
        fields.label.clone_from(&mark.label);
        fields.group.clone_from(&mark.group);
        fields.of = Some(now);
    }
    ui.add_space(2.0);
    let mut change = None;
    ui.horizontal(|ui| {
        let field = TextEdit::singleline(&mut fields.label)
            .hint_text(context.word("mark-label"))
            .char_limit(super::writing::MAX_TEXT)
            .desired_width((ui.available_width() - 92.0).max(60.0));
        let response = ui.add_enabled(!mark.locked, field);
        if response.lost_focus() && fields.label.trim() != mark.label {
            // A text that was typed has the code of the list only where it is a word of it.
            let text = fields.label.trim();
            let code = exact(words, text).map(MarkLabel::code);
            change = Some(MarkChange::Label(text.to_owned(), code));
        }
        if mark.locked {
            return;
        }
        ui.menu_button(context.word("mark-labels"), |ui| {
            egui::ScrollArea::vertical()
                .max_height(360.0)
                .show(ui, |ui| {
                    for label in labels() {
                        let word = label.word(words);
                        let code = label.code();
                        let chosen = mark.code.as_ref() == Some(&code);
                        let response = ui.selectable_label(chosen, &word);
                        let response =
                            response.on_hover_text(format!("{} {}", code.scheme, code.value));
                        if response.clicked() {
                            change = Some(MarkChange::Label(word, Some(code)));
                            ui.close();
                        }
                    }
                });
        });
    });
    if let Some(code) = &mark.code {
        widgets::dim(
            ui,
            format!("{} {}  {}", code.scheme, code.value, code.meaning),
        );
    }
    let field = TextEdit::singleline(&mut fields.group)
        .hint_text(context.word("mark-group"))
        .char_limit(64)
        .desired_width(f32::INFINITY);
    if ui.add_enabled(!mark.locked, field).lost_focus() && fields.group.trim() != mark.group {
        change = Some(MarkChange::Group(fields.group.trim().to_owned()));
    }
    if !mark.locked
        && let Some(group) = crate::ui::lesions::role_menu(context, ui, &mark.group)
    {
        change = Some(MarkChange::Group(group.to_owned()));
    }
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 2.0;
        widgets::dim(ui, kind.to_owned());
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let buttons = [
                (Icon::Bin, "mark-delete", false, !mark.locked),
                (
                    if mark.hidden {
                        Icon::EyeShut
                    } else {
                        Icon::Eye
                    },
                    "mark-hide",
                    mark.hidden,
                    true,
                ),
                (Icon::Lock, "mark-lock", mark.locked, true),
            ];
            for (icon, key, on, enabled) in buttons {
                let name = words.word(key);
                let response = widgets::icon_button(ui, icon, name, enabled, on, theme::TEXT_DIM);
                if !response.on_hover_text(name).clicked() {
                    continue;
                }
                match icon {
                    Icon::Lock => change = Some(MarkChange::Lock(!mark.locked)),
                    Icon::Bin => act(context, MarkAction::Remove(mark.id.clone())),
                    _ => change = Some(MarkChange::Hide(!mark.hidden)),
                }
            }
        });
    });
    if let Some(found) = context.workspace.measuring.of(mark) {
        details::numbers_ui(context, ui, mark, found);
    }
    ui.add_space(6.0);
    context.state.marks.fields = fields;
    if let Some(change) = change {
        act(context, MarkAction::Change(mark.id.clone(), change));
    }
}

//! Searching the words of all records: a field, what is found as it is typed, and the text of the chosen one.

use super::{context::UiContext, overlay_text, theme, widgets};
use crate::{
    clinical::passage::passage,
    i18n::Value,
    store::found::Found,
    workspace::{Action, record_link::RecordState, record_search::SearchAction},
};
use egui::{
    Align, Color32, FontId, Key, Layout, Modifiers, RichText, Role, ScrollArea, Sense, TextEdit,
    TextFormat, Ui, WidgetInfo, text::LayoutJob, vec2,
};
use std::{ops::Range, sync::Arc};

/// Size of the whole, points.
const SIZE: [f32; 2] = [980.0, 640.0];
/// Height of a row, points.
const ROW: f32 = 62.0;
/// Characters of the passage in a row; a row cuts what does not fit.
const PASSAGE: usize = 130;

/// Draws the search when it is open.
pub fn search_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    if !context.workspace.search.open {
        return;
    }
    let area = ui.ctx().content_rect();
    let frame = egui::Frame::popup(ui.style()).inner_margin(14.0);
    let modal = egui::Modal::new(egui::Id::unique("record search")).frame(frame);
    let modal = modal.show(ui.ctx(), |ui| {
        ui.set_width(SIZE[0].min(area.width() - 60.0));
        ui.set_height(SIZE[1].min(area.height() - 90.0));
        // Who hides identities does not want to see what people wrote of somebody either.
        if context.workspace.settings.hide_identity {
            title(context, ui);
            ui.add_space(12.0);
            ui.label(RichText::new(context.word("panel-identity-hidden")).color(theme::WARN));
            widgets::dim(ui, context.word("search-hidden"));
            return;
        }
        let found = Arc::clone(&context.workspace.search.found);
        title(context, ui);
        let moved = field_ui(context, ui, found.len());
        state_ui(context, ui, found.len());
        ui.separator();
        let selected = context.workspace.search.selected;
        let size = ui.available_size();
        ui.horizontal_top(|ui| {
            ui.allocate_ui_with_layout(
                vec2(size.x * 0.54, size.y),
                Layout::top_down(Align::Min),
                |ui| list_ui(context, ui, &found, selected, moved),
            );
            ui.separator();
            ui.allocate_ui_with_layout(
                vec2(ui.available_width(), size.y),
                Layout::top_down(Align::Min),
                |ui| text_ui(context, ui, found.get(selected), selected),
            );
        });
    });
    if modal.should_close() {
        context.actions.push(Action::Search(SearchAction::Close));
    }
}

fn title(context: &UiContext<'_>, ui: &mut Ui) {
    ui.label(
        RichText::new(context.word("search-title"))
            .size(15.0)
            .strong()
            .color(theme::TEXT),
    );
    ui.add_space(4.0);
}

/// The field, which keeps the keyboard, and the keys of the list. Whether the choice moved.
fn field_ui(context: &mut UiContext<'_>, ui: &mut Ui, found: usize) -> bool {
    let search = &context.workspace.search;
    let mut words = search.words.reveal().clone();
    let selected = search.selected;
    let hint = context.word("search-hint");
    let keys = [Key::ArrowDown, Key::ArrowUp, Key::PageDown, Key::PageUp];
    let [down, up, on, back] =
        keys.map(|key| ui.input_mut(|i| i.consume_key(Modifiers::NONE, key)));
    let enter = ui.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Enter));
    let field = TextEdit::singleline(&mut words)
        .id(egui::Id::unique("record search field"))
        .hint_text(hint)
        .desired_width(f32::INFINITY);
    let response = ui.add_sized(vec2(ui.available_width(), 30.0), field);
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::TextInput, true, hint);
        info.current_text_value = Some(words.clone());
        info
    });
    if ui.memory(|m| m.focused().is_none()) {
        response.request_focus();
    }
    if response.changed() {
        let action = SearchAction::Words(words);
        context.actions.push(Action::Search(action));
        return false;
    }
    let last = found.saturating_sub(1);
    let to = match () {
        () if down => selected + 1,
        () if up => selected.saturating_sub(1),
        () if on => selected + 8,
        () if back => selected.saturating_sub(8),
        () => selected,
    }
    .min(last);
    if enter && found > 0 {
        let action = SearchAction::Go(selected.min(last));
        context.actions.push(Action::Search(action));
    } else if to != selected {
        let action = SearchAction::Select(to);
        context.actions.push(Action::Search(action));
        return true;
    }
    false
}

/// How many there are, why there are none, and whether one record alone is searched.
fn state_ui(context: &mut UiContext<'_>, ui: &mut Ui, found: usize) {
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        let search = &context.workspace.search;
        let typed = !search.words.reveal().trim().is_empty();
        match &search.refusal {
            Some(reason) => {
                widgets::line(ui, RichText::new(reason).color(theme::WARN));
            }
            None if !typed => {
                widgets::dim(ui, context.word("search-help"));
            }
            None if search.is_busy() && found == 0 => {
                widgets::dim(ui, context.word("search-busy"));
            }
            None => {
                let most = crate::workspace::record_search::MOST;
                let key = match found == most {
                    true => "search-found-newest",
                    false => "search-found",
                };
                let count = [("count", Value::from(found))];
                widgets::dim(ui, context.tr(key, &count));
            }
        }
        let shown = match context.workspace.record.state().0 {
            RecordState::Found {
                record, sure: true, ..
            } => overlay_text::name_text(context.language(), &record.identity),
            _ => return,
        };
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let mut only = search.only_shown;
            let text = context.tr("search-only", &[("name", shown.as_str().into())]);
            if ui
                .checkbox(&mut only, RichText::new(text).size(theme::SMALL_PT))
                .changed()
            {
                let action = SearchAction::OnlyShown(only);
                context.actions.push(Action::Search(action));
            }
        });
    });
}

fn list_ui(
    context: &mut UiContext<'_>,
    ui: &mut Ui,
    found: &[Found],
    selected: usize,
    moved: bool,
) {
    ui.spacing_mut().item_spacing.y = 0.0;
    let mut area = ScrollArea::vertical()
        .id_salt("record search list")
        .auto_shrink([false, false]);
    if moved {
        // The row that the keys went to stands in sight, about the middle.
        let middle = ui.available_height() / 2.0;
        area = area.vertical_scroll_offset((ROW * selected as f32 - middle).max(0.0));
    }
    let wish = area
        .show_rows(ui, ROW, found.len(), |ui, rows| {
            let mut wish = None;
            for row in rows {
                if let Some(found) = found.get(row) {
                    wish = wish.or(row_ui(context, ui, found, row, row == selected));
                }
            }
            wish
        })
        .inner;
    context.actions.extend(wish.map(Action::Search));
}

/// One of what was found: a click reads it, another one goes there.
fn row_ui(
    context: &UiContext<'_>,
    ui: &mut Ui,
    found: &Found,
    number: usize,
    selected: bool,
) -> Option<SearchAction> {
    let hit = &found.hit;
    let size = vec2(ui.available_width(), ROW);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let name = overlay_text::name_text(context.language(), &found.person);
    let kind = context.word(kind_key(&hit.kind));
    let day = day_text(context, found);
    let passage = passage(found.text.reveal(), &found.marks, PASSAGE);
    response.widget_info(|| {
        let text = format!(
            "{day} {kind} {} {name}: {}",
            hit.title.reveal(),
            passage.text
        );
        WidgetInfo::selected(Role::Button, true, selected, text)
    });
    if ui.is_rect_visible(rect) {
        let painter = ui.painter_at(rect);
        let fill = match (selected, response.hovered()) {
            (true, _) => theme::ACCENT.gamma_multiply(0.18),
            (false, true) => theme::RAISED,
            (false, false) => Color32::TRANSPARENT,
        };
        painter.rect_filled(rect.shrink2(vec2(0.0, 1.0)), 4.0, fill);
        if response.has_focus() {
            painter.rect_stroke(
                rect.shrink2(vec2(0.0, 1.0)),
                4.0,
                egui::Stroke::new(1.0, theme::ACCENT),
                egui::StrokeKind::Inside,
            );
        }
        let inner = rect.shrink2(vec2(8.0, 5.0));
        let line = |parts: &[(&str, f32, Color32)], width: f32| {
            let mut job = LayoutJob::default();
            for (text, size, color) in parts {
                job.append(
                    text,
                    0.0,
                    TextFormat::simple(FontId::proportional(*size), *color),
                );
            }
            job.wrap = egui::text::TextWrapping::truncate_at_width(width);
            ui.ctx().fonts_mut(|f| f.layout_job(job))
        };
        let small = theme::SMALL_PT;
        let who = line(&[(&name, small, theme::TEXT_DIM)], inner.width() * 0.42);
        let room = inner.width() - who.size().x - 12.0;
        let head = [
            (day.as_str(), small, theme::TEXT_DIM),
            ("  ", small, theme::TEXT_DIM),
            (kind, small, theme::ACCENT),
        ];
        let head = line(&head, room);
        let right = inner.right_top() - vec2(who.size().x, 0.0);
        painter.galley(right, who, theme::TEXT_DIM);
        painter.galley(inner.left_top(), head, theme::TEXT);
        let title = [(hit.title.reveal().as_str(), theme::BODY_PT, theme::TEXT)];
        let title = line(&title, inner.width());
        painter.galley(inner.left_top() + vec2(0.0, 16.0), title, theme::TEXT);
        let mut job = marked(&passage.text, &passage.marks, small, theme::TEXT_DIM);
        job.wrap = egui::text::TextWrapping::truncate_at_width(inner.width());
        let text = ui.ctx().fonts_mut(|f| f.layout_job(job));
        painter.galley(inner.left_top() + vec2(0.0, 35.0), text, theme::TEXT_DIM);
    }
    match () {
        () if response.double_clicked() => Some(SearchAction::Go(number)),
        () if response.clicked() => Some(SearchAction::Select(number)),
        () => None,
    }
}

/// The whole text of the chosen one, and the way to where it happened.
fn text_ui(context: &mut UiContext<'_>, ui: &mut Ui, found: Option<&Found>, number: usize) {
    let Some(found) = found else {
        return;
    };
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if widgets::main_button(ui, context.word("search-go"), true)
                .on_hover_text(context.word("search-go-tip"))
                .clicked()
            {
                let action = SearchAction::Go(number);
                context.actions.push(Action::Search(action));
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let name = overlay_text::name_text(context.language(), &found.person);
                widgets::line(ui, RichText::new(name).size(15.0).strong());
            });
        });
    });
    let birth = overlay_text::birth_text(context.language(), &found.person, found.hit.day);
    widgets::dim(ui, birth);
    let kind = context.word(kind_key(&found.hit.kind));
    widgets::dim(ui, format!("{kind}  {}", day_text(context, found)));
    ui.add_space(6.0);
    ScrollArea::vertical()
        .id_salt(("record search text", number, found.hit.resource.reveal()))
        .auto_shrink([false, false])
        .show(ui, |ui| {
            let text = found.text.reveal();
            let mut job = marked(text, &found.marks, theme::BODY_PT, theme::TEXT);
            job.wrap.max_width = ui.available_width();
            ui.add(egui::Label::new(job).selectable(true));
            if found.cut {
                widgets::dim(ui, context.word("search-cut"));
            }
        });
}

fn day_text(context: &UiContext<'_>, found: &Found) -> String {
    match found.hit.day {
        Some(day) => day.to_string(),
        None => context.word("list-undated").to_owned(),
    }
}

/// A text with its places on a ground of their own.
fn marked(text: &str, marks: &[Range<usize>], size: f32, color: Color32) -> LayoutJob {
    let plain = TextFormat::simple(FontId::proportional(size), color);
    let lit = TextFormat {
        color: theme::TEXT,
        background: theme::WARN.gamma_multiply(0.38),
        ..plain.clone()
    };
    let mut job = LayoutJob::default();
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    let mut at = 0;
    for mark in marks {
        job.append(part(at, mark.start), 0.0, plain.clone());
        job.append(part(mark.start, mark.end), 0.0, lit.clone());
        at = mark.end;
    }
    job.append(part(at, text.len()), 0.0, plain);
    job
}

/// Word for what has none.
pub(super) const OTHER: &str = "search-kind-other";

/// Word for a type of resource.
pub(super) fn kind_key(kind: &str) -> &'static str {
    match kind {
        "DiagnosticReport" => "search-kind-report",
        "DocumentReference" => "search-kind-document",
        "Condition" => "search-kind-condition",
        "AllergyIntolerance" => "search-kind-allergy",
        "MedicationRequest" | "MedicationStatement" | "MedicationAdministration" => {
            "search-kind-medication"
        }
        "Procedure" => "search-kind-procedure",
        "ImagingStudy" => "search-kind-study",
        "Immunization" => "search-kind-immunization",
        "CarePlan" => "search-kind-care-plan",
        "Encounter" => "search-kind-encounter",
        "FamilyMemberHistory" => "search-kind-family",
        "Observation" => "search-kind-observation",
        _ => OTHER,
    }
}

//! The list of studies as a page: search above, narrowing words and saved lists below it, then the rows.
//!
//! Must stay true: only the rows in sight are drawn, so a hundred thousand studies cost no more than thirty. With
//! identity hidden nothing of a patient is drawn, and what is typed is dotted out.

pub mod table;

use super::{
    context::UiContext,
    icons::{self, Icon},
    theme, widgets,
};
use crate::{
    model::{reading::ReadStatus, worklist::Worklist},
    workspace::{
        Action, Command,
        study_list::{ListAction, query::with_values},
    },
};
use egui::{
    Align, Align2, Button, FontId, Key, Layout, Modifiers, Rect, RichText, Role, Sense, TextEdit,
    Ui, Vec2, WidgetInfo, vec2,
};

/// Height of the search row and of the row of narrowing words, points.
const SEARCH: f32 = 46.0;
const CHIPS: f32 = 32.0;

/// What the page remembers from frame to frame.
#[derive(Debug, Default)]
pub struct ListState {
    /// Rows that were in sight.
    pub(super) seen: std::ops::Range<usize>,
    /// A row to bring into sight.
    pub(super) reveal: Option<usize>,
    /// The name of a list to be kept, while it is typed.
    naming: Option<String>,
}

/// A worklist that is always there: word of the catalogue, and its query.
const ALWAYS: [(&str, &str); 4] = [
    ("list-all", ""),
    ("list-unread", "status:new"),
    ("list-flagged", "status:flagged"),
    ("list-today", "date:today"),
];

/// Spans of time that the menu offers.
const SPANS: [(&str, &str); 5] = [
    ("list-date-today", "today"),
    ("list-date-yesterday", "yesterday"),
    ("list-date-week", "7d"),
    ("list-date-month", "1m"),
    ("list-date-year", "1y"),
];

/// Draws the page.
pub fn study_list_ui(context: &mut UiContext<'_>, ui: &mut Ui, rect: Rect) {
    keys(context, ui);
    let inner = rect.shrink2(vec2(14.0, 6.0));
    let search = Rect::from_min_size(inner.min, vec2(inner.width(), SEARCH));
    let chips = Rect::from_min_size(search.left_bottom(), vec2(inner.width(), CHIPS));
    let table = Rect::from_min_max(chips.left_bottom() + vec2(0.0, 6.0), inner.max);
    ui.scope_builder(egui::UiBuilder::new().max_rect(search), |ui| {
        search_row(context, ui)
    });
    ui.scope_builder(egui::UiBuilder::new().max_rect(chips), |ui| {
        chip_row(context, ui)
    });
    ui.scope_builder(egui::UiBuilder::new().max_rect(table), |ui| {
        table::table_ui(context, ui);
    });
}

fn act(context: &mut UiContext<'_>, action: ListAction) {
    context.actions.push(Action::Studies(action));
}

/// Whether what is typed is meant for the list: nothing stands over it, and no other field is being typed into.
fn listens(context: &UiContext<'_>, ui: &Ui) -> bool {
    let free = ui.memory(|m| {
        m.top_modal_layer().is_none() && m.focused().is_none_or(|field| field == search_id())
    });
    free && context.state.list.naming.is_none()
}

fn search_id() -> egui::Id {
    egui::Id::unique("list search")
}

/// Arrows choose a row, Enter opens it. Taken before the search field sees them.
fn keys(context: &mut UiContext<'_>, ui: &Ui) {
    if !listens(context, ui) {
        return;
    }
    let step = ui.input_mut(|i| {
        let mut took = |key| i.consume_key(Modifiers::NONE, key);
        [
            (Key::ArrowDown, 1isize),
            (Key::ArrowUp, -1),
            (Key::PageDown, 12),
            (Key::PageUp, -12),
        ]
        .into_iter()
        .find_map(|(key, by)| took(key).then_some(by))
    });
    let workspace = context.workspace;
    let (index, rows) = (workspace.list.index(), workspace.list.rows());
    let selected = workspace.list.selected;
    if let Some(by) = step {
        let at = rows
            .iter()
            .position(|row| selected.is_some() && index.get(*row).map(|e| e.key) == selected);
        let last = rows.len().saturating_sub(1);
        let to = match at {
            Some(at) => at.saturating_add_signed(by).min(last),
            None => 0,
        };
        if let Some(entry) = rows.get(to).and_then(|row| index.get(*row)) {
            context.state.list.reveal = Some(to);
            act(context, ListAction::Select(entry.key));
        }
    }
    if ui.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Enter)) {
        // The row that is chosen and in the list, or the first one.
        let chosen = selected.filter(|key| {
            let row = index.row_of(*key);
            row.is_some_and(|row| rows.contains(&row))
        });
        let first = || rows.first().and_then(|row| index.get(*row)).map(|e| e.key);
        if let Some(key) = chosen.or_else(first) {
            act(context, ListAction::Open(key));
        }
    }
}

fn search_row(context: &mut UiContext<'_>, ui: &mut Ui) {
    ui.horizontal_centered(|ui| {
        let (icon, response) = ui.allocate_exact_size(Vec2::splat(22.0), Sense::hover());
        let name = context.word("list-search");
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, name));
        icons::paint(ui.painter(), icon, Icon::Search, theme::TEXT_DIM);
        let workspace = context.workspace;
        let mut text = workspace.list.text.clone();
        let field = TextEdit::singleline(&mut text)
            .id(search_id())
            .hint_text(context.word("list-search-hint"))
            .password(workspace.settings.hide_identity && !text_is_free(&workspace.list.text))
            .desired_width(f32::INFINITY)
            .margin(egui::Margin::symmetric(8, 6));
        let width = (ui.available_width() - 300.0).clamp(160.0, 560.0);
        let field = ui
            .add_sized(vec2(width, 30.0), field)
            .labelled_by(response.id);
        if field.changed() {
            context.state.list.reveal = Some(0);
            act(context, ListAction::Search(text));
        }
        // The field is where typing goes, unless something else was chosen.
        if listens(context, ui) && !field.has_focus() {
            field.request_focus();
        }
        let (found, all) = (workspace.list.rows().len(), workspace.list.index().len());
        let count = context.tr(
            "list-count",
            &[("found", found.into()), ("count", all.into())],
        );
        ui.label(RichText::new(count).color(theme::TEXT_DIM));
        let hide = workspace.settings.hide_identity;
        if let Some(part) = workspace.list.unread().first().filter(|_| !hide) {
            let text = context.tr("list-not-understood", &[("part", part.as_str().into())]);
            ui.label(RichText::new(text).color(theme::WARN));
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let name = context.word("list-close");
            let close = widgets::icon_button(ui, Icon::Close, name, true, false, theme::TEXT);
            let tip = format!("{name}\nEsc");
            if close.on_hover_text(tip).clicked() {
                act(context, ListAction::Show(false));
            }
            let open = Button::new(context.word("cmd-open-folder"));
            if ui.add(open).clicked() {
                context.run(Command::OpenFolder);
            }
        });
    });
}

/// Whether a query holds nothing but words with a colon, which name nobody.
fn text_is_free(text: &str) -> bool {
    let query = crate::workspace::study_list::Query::parse(text, None);
    query.words.is_empty() && query.days.is_none()
}

fn chip_row(context: &mut UiContext<'_>, ui: &mut Ui) {
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        let text = context.workspace.list.text.trim().to_owned();
        for (key, query) in ALWAYS {
            let response = ui.selectable_label(text == query, context.word(key));
            if response.clicked() {
                act(context, ListAction::Search(query.to_owned()));
            }
        }
        for list in context.workspace.list.worklists.clone() {
            saved(context, ui, &list, text == list.query);
        }
        widgets::group_gap(ui);
        modalities(context, ui, &text);
        statuses(context, ui, &text);
        spans(context, ui, &text);
        widgets::group_gap(ui);
        keep(context, ui, &text);
    });
}

fn saved(context: &mut UiContext<'_>, ui: &mut Ui, list: &Worklist, selected: bool) {
    // A list that is made of words may be called after the patient.
    let hidden = context.workspace.settings.hide_identity && !text_is_free(&list.query);
    let name = if hidden { "•••" } else { &list.name };
    let response = ui.selectable_label(selected, name);
    if response.clicked() {
        act(context, ListAction::Search(list.query.clone()));
    }
    response.context_menu(|ui| {
        if ui.button(context.word("list-forget")).clicked() {
            act(context, ListAction::Forget(list.name.clone()));
            ui.close();
        }
    });
    if !hidden && !list.query.is_empty() {
        response.on_hover_text(&list.query);
    }
}

/// A menu of boxes that narrow by one word of the query.
fn boxes(
    context: &mut UiContext<'_>,
    ui: &mut Ui,
    (title, name): (&'static str, &str),
    text: &str,
    choices: &[(String, String)],
    chosen: &[String],
) {
    let mut label = context.word(title).to_owned();
    if !chosen.is_empty() {
        let words = choices.iter().filter(|(value, _)| chosen.contains(value));
        let words: Vec<&str> = words.map(|(_, word)| word.as_str()).collect();
        label = format!("{label}  {}", words.join(", "));
    }
    let menu = ui.menu_button(format!("{label}     "), |ui| {
        ui.set_min_width(150.0);
        for (value, word) in choices {
            let mut on = chosen.contains(value);
            if ui.checkbox(&mut on, word).changed() {
                let values: Vec<&str> = choices
                    .iter()
                    .map(|(v, _)| v.as_str())
                    .filter(|v| match *v == value {
                        true => on,
                        false => chosen.iter().any(|c| c == v),
                    })
                    .collect();
                act(
                    context,
                    ListAction::Search(with_values(text, name, &values)),
                );
            }
        }
    });
    opens(ui, menu.response.rect);
}

/// The sign of a button that opens a menu.
fn opens(ui: &Ui, button: Rect) {
    let at = button.right_center() - vec2(12.0, 0.0);
    table::arrow(ui, at, false, theme::TEXT_DIM);
}

fn modalities(context: &mut UiContext<'_>, ui: &mut Ui, text: &str) {
    let known = context.workspace.list.index().modalities();
    let choices: Vec<(String, String)> = known.iter().map(|m| (m.clone(), m.clone())).collect();
    let query = crate::workspace::study_list::Query::parse(text, None);
    let title = ("list-column-modality", "modality");
    boxes(context, ui, title, text, &choices, &query.modalities);
}

fn statuses(context: &mut UiContext<'_>, ui: &mut Ui, text: &str) {
    let choices: Vec<(String, String)> = ReadStatus::ALL
        .into_iter()
        .map(|s| {
            (
                s.name().to_owned(),
                context.word(table::status_word(s)).to_owned(),
            )
        })
        .collect();
    let query = crate::workspace::study_list::Query::parse(text, None);
    let chosen: Vec<String> = query.statuses.iter().map(|s| s.name().to_owned()).collect();
    let title = ("list-column-status", "status");
    boxes(context, ui, title, text, &choices, &chosen);
}

fn spans(context: &mut UiContext<'_>, ui: &mut Ui, text: &str) {
    let has = |value: &str| {
        let word = format!("date:{value}");
        text.split_whitespace().any(|part| part == word)
    };
    let chosen = SPANS.into_iter().find(|(_, value)| has(value));
    let mut label = context.word("list-column-date").to_owned();
    if let Some((key, _)) = chosen {
        label = format!("{label}  {}", context.word(key));
    }
    let menu = ui.menu_button(format!("{label}     "), |ui| {
        ui.set_min_width(150.0);
        if ui
            .radio(chosen.is_none(), context.word("list-date-any"))
            .clicked()
        {
            act(context, ListAction::Search(with_values(text, "date", &[])));
            ui.close();
        }
        for (key, value) in SPANS {
            if ui.radio(has(value), context.word(key)).clicked() {
                let text = with_values(text, "date", &[value]);
                act(context, ListAction::Search(text));
                ui.close();
            }
        }
    });
    opens(ui, menu.response.rect);
}

/// The button that keeps what is searched for, and the field for its name.
fn keep(context: &mut UiContext<'_>, ui: &mut Ui, text: &str) {
    let Some(mut name) = context.state.list.naming.take() else {
        let known = ALWAYS.iter().any(|(_, query)| *query == text)
            || context
                .workspace
                .list
                .worklists
                .iter()
                .any(|w| w.query == text);
        let button = Button::new(context.word("list-keep"));
        let response = ui.add_enabled(!known, button);
        if response
            .on_hover_text(context.word("list-keep-tip"))
            .clicked()
        {
            context.state.list.naming = Some(String::new());
        }
        return;
    };
    let field = TextEdit::singleline(&mut name)
        .hint_text(context.word("list-keep-name"))
        .desired_width(150.0);
    let response = ui.add(field);
    if !response.has_focus() && !response.lost_focus() {
        response.request_focus();
    }
    if ui.input(|i| i.key_pressed(Key::Escape)) {
        return;
    }
    if response.lost_focus() {
        if ui.input(|i| i.key_pressed(Key::Enter)) && !name.trim().is_empty() {
            act(context, ListAction::Keep(name));
        }
        return;
    }
    context.state.list.naming = Some(name);
}

/// A sentence in the middle of an empty table.
pub(super) fn nothing(ui: &Ui, rect: Rect, text: &str) {
    ui.painter().text(
        rect.center(),
        Align2::CENTER_CENTER,
        text,
        FontId::proportional(15.0),
        theme::TEXT_DIM,
    );
}

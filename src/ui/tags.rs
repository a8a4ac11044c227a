//! The tag browser: a window over the cells with every element of the shown object, searched, or compared with another.
//!
//! Must stay true: only rows on the screen are laid out; a list is made anew only when what it depends on changed; a
//! search goes on over several frames, so that no frame takes long whatever the size; values of people are not told, not
//! searched and not copied while identity is hidden. Nothing here reads the disk.

mod rows;

use super::{context::UiContext, icons::Icon, theme, widgets};
use crate::{
    model::elements::{Change, ElementTable, Query, Search},
    workspace::{
        Action,
        tags::{CompareWith, Compared, TagsShown},
    },
};
use egui::{RichText, ScrollArea, Ui, vec2};
use rows::{Columns, Line};
use std::{collections::BTreeSet, sync::Arc};

/// Height of a row.
const ROW: f32 = 22.0;
/// Rows that a search looks at in one frame: about a millisecond.
const ROWS_A_FRAME: usize = 8_000;
/// Sequences with more rows than this begin closed.
const SHORT: u32 = 12;

/// What the browser remembers between frames.
#[derive(Default)]
pub struct TagsView {
    /// What was typed.
    query: String,
    /// Rows whose open state is not the usual one.
    toggled: BTreeSet<u32>,
    /// The chosen row.
    selected: Option<u32>,
    /// In a comparison also what is the same.
    all: bool,
    /// Number of the other frame, as it is typed.
    frame: u32,
    list: List,
    /// The browser was open in the last frame.
    shown: bool,
    /// The search field takes the keyboard.
    focus: bool,
}

/// The rows that are shown, with what they depend on.
#[derive(Default)]
struct List {
    key: Option<Key>,
    rows: Vec<u32>,
    search: Search,
    done: bool,
}

#[derive(Clone, PartialEq)]
struct Key {
    /// Which table, by its place in memory and its object.
    table: usize,
    object: String,
    query: String,
    toggled: BTreeSet<u32>,
    all: bool,
    hide: bool,
}

/// Draws the browser when it is open.
pub fn tags_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    if !context.workspace.tags.open {
        if context.state.tags.shown {
            context.state.tags = TagsView::default();
        }
        return;
    }
    let screen = ui.ctx().content_rect();
    let size = vec2(
        (screen.width() - 80.0).clamp(320.0, 980.0),
        (screen.height() - 120.0).clamp(240.0, 680.0),
    );
    let mut view = std::mem::take(&mut context.state.tags);
    view.focus |= !view.shown;
    view.shown = true;
    let title = context.word("tags-title");
    egui::Window::new(title)
        .id(egui::Id::unique("tags"))
        .title_bar(false)
        .default_size(size)
        .min_size(vec2(320.0, 240.0))
        .default_pos(screen.center() - size / 2.0)
        .constrain_to(screen.shrink(4.0))
        .frame(
            egui::Frame::new()
                .fill(theme::PANEL)
                .stroke(egui::Stroke::new(1.0, theme::LINE))
                .corner_radius(6.0)
                .inner_margin(12.0),
        )
        .show(ui.ctx(), |ui| {
            head(context, ui);
            tools(context, ui, &mut view);
            ui.add_space(6.0);
            match context.workspace.tags.shown.clone() {
                TagsShown::One(table) => one(context, ui, &mut view, &table),
                TagsShown::Two(compared) => two(context, ui, &mut view, &compared),
                TagsShown::Failed(reason) => {
                    notice(ui, context.word("content-failed"), theme::ERROR);
                    widgets::dim(ui, reason);
                    ui.allocate_space(ui.available_size());
                }
                TagsShown::Nothing => {
                    let key = match context.workspace.tags.is_reading() {
                        true => "content-loading",
                        false => "overlay-empty",
                    };
                    notice(ui, context.word(key), theme::TEXT_DIM);
                    ui.allocate_space(ui.available_size());
                }
            }
        });
    context.state.tags = view;
}

fn notice(ui: &mut Ui, text: &str, color: egui::Color32) {
    ui.add_space(24.0);
    ui.vertical_centered(|ui| ui.label(RichText::new(text).color(color)));
}

/// Title, whose object it is, and the way out.
fn head(context: &mut UiContext<'_>, ui: &mut Ui) {
    ui.horizontal(|ui| {
        let title = context.word("tags-title");
        ui.label(RichText::new(title).size(16.0).strong());
        if let Some((instance, frame)) = context.workspace.tags.instance() {
            let series = &instance.series;
            let mut parts = vec![series.modality.clone()];
            if let Some(number) = series.number {
                parts.push(context.tr("tags-series", &[("number", number.into())]));
            }
            if let Some(number) = instance.instance_number {
                parts.push(context.tr("tags-image", &[("number", number.into())]));
            }
            if instance.image.as_ref().is_some_and(|i| i.frames > 1) {
                parts.push(context.tr("tags-frame", &[("number", frame.into())]));
            }
            parts.retain(|p| !p.is_empty());
            widgets::dim(ui, parts.join("  "));
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let name = context.word("button-close");
            if widgets::icon_button(ui, Icon::Close, name, true, false, theme::TEXT_DIM).clicked() {
                context.run(crate::workspace::Command::Tags);
            }
        });
    });
}

/// Search, comparison, copying.
fn tools(context: &mut UiContext<'_>, ui: &mut Ui, view: &mut TagsView) {
    ui.horizontal(|ui| {
        let field = egui::TextEdit::singleline(&mut view.query)
            .hint_text(context.word("tags-search"))
            .desired_width(240.0);
        let response = ui.add(field);
        if std::mem::take(&mut view.focus) {
            response.request_focus();
        }
        if response.has_focus() && ui.input(|i| i.key_pressed(egui::Key::Escape)) {
            view.query.clear();
        }
        if !view.query.trim().is_empty() {
            let count = view.list.search.hits;
            let text = context.tr("tags-found", &[("count", count.into())]);
            widgets::dim(ui, text);
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            copy(context, ui, view);
            compare(context, ui, view);
        });
    });
}

fn copy(context: &mut UiContext<'_>, ui: &mut Ui, view: &TagsView) {
    let table = match &context.workspace.tags.shown {
        TagsShown::One(table) => Arc::clone(table),
        TagsShown::Two(compared) => Arc::clone(&compared.first),
        _ => return,
    };
    // The chosen element with all below it, else the whole object.
    let range = match view.selected.map(|at| at as usize) {
        Some(at) => {
            let end = table.rows.get(at).map_or(at, |row| row.end as usize);
            (at, end)
        }
        None => (0, table.rows.len()),
    };
    let key = match view.selected {
        Some(_) => "tags-copy-element",
        None => "tags-copy",
    };
    let response = ui
        .button(context.word(key))
        .on_hover_text(context.word("tags-copy-tip"));
    if response.clicked() {
        context.actions.push(Action::CopyElements {
            table,
            from: range.0,
            to: range.1,
        });
    }
}

fn compare(context: &mut UiContext<'_>, ui: &mut Ui, view: &mut TagsView) {
    let workspace = context.workspace;
    let with = workspace.tags.with;
    let frames = workspace
        .tags
        .instance()
        .and_then(|(instance, _)| Some(instance.image.as_ref()?.frames))
        .unwrap_or(1);
    let cells: Vec<usize> = workspace
        .visible_cells()
        .filter(|cell| *cell != workspace.active && workspace.shown_object(*cell).is_some())
        .collect();
    let number = |cell: usize| context.tr("tags-with-view", &[("number", (cell + 1).into())]);
    let label = match with {
        CompareWith::Nothing => context.word("tags-compare").to_owned(),
        CompareWith::Cell(cell) => number(cell),
        CompareWith::Frame(_) => context.word("tags-with-frame").to_owned(),
    };
    let mut wish = with;
    if frames > 1
        && let CompareWith::Frame(frame) = with
    {
        view.frame = frame;
        let last = u32::try_from(frames).unwrap_or(u32::MAX);
        let value = egui::DragValue::new(&mut view.frame).range(1..=last);
        if ui.add(value).changed() {
            wish = CompareWith::Frame(view.frame);
        }
    }
    ui.add_enabled_ui(!cells.is_empty() || frames > 1, |ui| {
        ui.menu_button(label, |ui| {
            let mut choice = |ui: &mut Ui, text: String, value: CompareWith| {
                if ui.selectable_label(with == value, text).clicked() {
                    wish = value;
                    ui.close();
                }
            };
            let nothing = context.word("tags-with-nothing").to_owned();
            choice(ui, nothing, CompareWith::Nothing);
            for cell in cells {
                choice(ui, number(cell), CompareWith::Cell(cell));
            }
            if frames > 1 {
                let text = context.word("tags-with-frame").to_owned();
                let own = workspace.tags.instance().map_or(1, |(_, frame)| frame);
                let next = if (own as usize) < frames { own + 1 } else { 1 };
                choice(ui, text, CompareWith::Frame(next));
            }
        });
    });
    if with != CompareWith::Nothing {
        ui.checkbox(&mut view.all, context.word("tags-all"));
    }
    if wish != with {
        view.selected = None;
        view.toggled.clear();
        context.actions.push(Action::CompareTags(wish));
    }
}

/// All elements of one object.
fn one(context: &mut UiContext<'_>, ui: &mut Ui, view: &mut TagsView, table: &Arc<ElementTable>) {
    let hide = context.workspace.settings.hide_identity;
    let key = Key {
        table: Arc::as_ptr(table).addr(),
        object: table.instance_uid.clone(),
        query: view.query.trim().to_owned(),
        toggled: view.toggled.clone(),
        all: false,
        hide,
    };
    let query = Query::new(&key.query);
    if view.list.key.as_ref() != Some(&key) {
        if view.list.key.as_ref().is_none_or(|k| k.table != key.table) {
            view.selected = None;
            view.toggled.clear();
        }
        view.list = List {
            key: Some(Key {
                toggled: view.toggled.clone(),
                ..key
            }),
            ..List::default()
        };
        if query.is_empty() {
            let open = |at: usize| {
                let row = table.rows.get(at)?;
                let short = row.is_item() || row.end - at as u32 <= SHORT;
                Some(short != view.toggled.contains(&(at as u32)))
            };
            view.list.rows = visible(table.rows.len(), |at| {
                (
                    table.rows.get(at).map_or(0, |row| row.end),
                    open(at) == Some(true),
                )
            });
            view.list.done = true;
        }
    }
    if !view.list.done {
        let list = &mut view.list;
        list.done = table.search_on(&query, hide, &mut list.search, ROWS_A_FRAME);
        if !list.done {
            ui.ctx().request_repaint();
        }
    }
    let searching = !query.is_empty();
    let rows = match searching {
        true => std::mem::take(&mut view.list.search.found),
        false => std::mem::take(&mut view.list.rows),
    };
    if rows.is_empty() && view.list.done {
        notice(ui, context.word("tags-nothing"), theme::TEXT_DIM);
        ui.allocate_space(ui.available_size());
    }
    let columns = Columns::of(ui.available_width(), false);
    let lines = |at: usize| -> Option<Line<'_>> {
        let place = *rows.get(at)? as usize;
        let row = table.rows.get(place)?;
        let below = rows.get(at + 1).copied().unwrap_or(u32::MAX);
        let open = row
            .holds(place)
            .then_some(below > place as u32 && below < row.end);
        Some(Line {
            at: place as u32,
            depth: row.depth,
            open: if searching { None } else { open },
            first: Some(row),
            second: None,
            change: Change::Same,
            found: searching && query.finds(row, hide),
        })
    };
    body(context, ui, view, &columns, rows.len(), &lines);
    match searching {
        true => view.list.search.found = rows,
        false => view.list.rows = rows,
    }
}

/// Two objects beside each other.
fn two(context: &mut UiContext<'_>, ui: &mut Ui, view: &mut TagsView, compared: &Arc<Compared>) {
    let hide = context.workspace.settings.hide_identity;
    let key = Key {
        table: Arc::as_ptr(compared).addr(),
        object: compared.first.instance_uid.clone(),
        query: view.query.trim().to_owned(),
        toggled: view.toggled.clone(),
        all: view.all,
        hide,
    };
    let query = Query::new(&key.query);
    let of = |table: &ElementTable, at: Option<u32>| {
        let row = at.and_then(|at| table.rows.get(at as usize));
        row.is_some_and(|row| query.finds(row, hide))
    };
    if view.list.key.as_ref() != Some(&key) {
        view.list = List {
            key: Some(key),
            done: true,
            ..List::default()
        };
        // Differences are few beside what is compared, so all that hold any are open.
        let rows = visible(compared.rows.len(), |at| {
            let Some(row) = compared.rows.get(at) else {
                return (0, false);
            };
            let open = (row.change != Change::Same) != view.toggled.contains(&(at as u32));
            (row.end, open)
        });
        let kept = rows.into_iter().filter(|at| {
            let row = compared.rows.get(*at as usize);
            row.is_some_and(|row| {
                let wanted = view.all || row.change != Change::Same;
                let found = query.is_empty()
                    || of(&compared.first, row.first)
                    || of(&compared.second, row.second);
                wanted && found
            })
        });
        view.list.rows = kept.collect();
        view.list.search.hits = view.list.rows.len();
    }
    let rows = std::mem::take(&mut view.list.rows);
    if rows.is_empty() {
        let key = match query.is_empty() {
            true => "tags-same",
            false => "tags-nothing",
        };
        notice(ui, context.word(key), theme::TEXT_DIM);
        ui.allocate_space(ui.available_size());
    }
    let columns = Columns::of(ui.available_width(), true);
    let lines = |at: usize| -> Option<Line<'_>> {
        let place = *rows.get(at)?;
        let row = compared.rows.get(place as usize)?;
        let holds = row.end > place + 1;
        let below = rows.get(at + 1).copied().unwrap_or(u32::MAX);
        Some(Line {
            at: place,
            depth: row.depth,
            open: holds.then_some(below > place && below < row.end),
            first: row
                .first
                .and_then(|at| compared.first.rows.get(at as usize)),
            second: row
                .second
                .and_then(|at| compared.second.rows.get(at as usize)),
            change: row.change,
            found: false,
        })
    };
    body(context, ui, view, &columns, rows.len(), &lines);
    view.list.rows = rows;
}

/// Places of the rows that are seen: what lies within closed ones is not.
fn visible(count: usize, row: impl Fn(usize) -> (u32, bool)) -> Vec<u32> {
    let mut rows = Vec::new();
    let mut at = 0;
    while at < count {
        rows.push(u32::try_from(at).unwrap_or(u32::MAX));
        let (end, open) = row(at);
        at = if open {
            at + 1
        } else {
            (end as usize).max(at + 1)
        };
    }
    rows
}

/// Head of the columns and the rows on the screen.
fn body<'t>(
    context: &UiContext<'_>,
    ui: &mut Ui,
    view: &mut TagsView,
    columns: &Columns,
    count: usize,
    line: &dyn Fn(usize) -> Option<Line<'t>>,
) {
    if count == 0 {
        return;
    }
    columns.head(context, ui);
    let hide = context.workspace.settings.hide_identity;
    ui.spacing_mut().item_spacing.y = 0.0;
    ui.spacing_mut().scroll.foreground_color = false;
    ScrollArea::vertical()
        .id_salt("rows")
        .auto_shrink([false, false])
        .show_rows(ui, ROW, count, |ui, range| {
            for at in range {
                let Some(line) = line(at) else { continue };
                let selected = view.selected == Some(line.at) && line.second.is_none();
                let response = line.draw(context, ui, columns, ROW, selected, hide);
                if response.clicked() {
                    if line.open.is_some() && !view.toggled.remove(&line.at) {
                        view.toggled.insert(line.at);
                    }
                    let again = view.selected == Some(line.at);
                    view.selected = (!again && columns.single()).then_some(line.at);
                }
            }
        });
}

//! The tag browser: a window over the cells with every element of the shown object, searched, or compared with another.
//!
//! Must stay true: only rows on the screen are laid out; a list is made anew only when what it depends on changed; a
//! search goes on over several frames, so that no frame takes long whatever the size; values of people are not told, not
//! searched and not copied while identity is hidden. What was opened stays open from object to object, by its path. Nothing
//! here reads the disk.

mod rows;

use super::{context::UiContext, icons::Icon, theme, widgets};
use crate::{
    model::elements::{Change, DiffRow, ElementTable, Query, Search},
    workspace::{
        Action,
        tags::{CompareWith, Compared, TagsShown},
    },
};
use egui::{Key as KeyName, RichText, ScrollArea, Ui, vec2};
use rows::{Columns, Line};
use std::{collections::BTreeSet, sync::Arc};

/// Height of a row.
const ROW: f32 = 22.0;
/// Rows that a search looks at in one frame: about a millisecond.
const ROWS_A_FRAME: usize = 8_000;
/// Rows that Page down goes.
const PAGE: isize = 15;
/// Sequences with more rows than this begin closed.
const SHORT: u32 = 12;

/// What the browser remembers between frames.
#[derive(Default)]
pub struct TagsView {
    /// What was typed.
    query: String,
    /// Paths of rows whose open state is not the usual one.
    toggled: BTreeSet<String>,
    /// The chosen row, and its path.
    selected: Option<u32>,
    selected_path: String,
    /// In a comparison also what is the same.
    all: bool,
    /// Number of the other frame, as it is typed.
    frame: u32,
    list: List,
    /// The browser was open in the last frame.
    shown: bool,
    /// The search field takes the keyboard.
    focus: bool,
    /// Where the browser stands; keys are its own until something outside of it is pressed.
    place: Option<egui::Rect>,
    outside: bool,
    /// What keys asked for.
    steps: Vec<Step>,
    /// Rows in sight in the last frame.
    seen: std::ops::Range<usize>,
}

impl TagsView {
    /// The path of the chosen row; empty where none is.
    pub fn chosen(&self) -> &str {
        &self.selected_path
    }
}

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    /// So many rows down.
    By(isize),
    /// Opens the row, or goes to the first in it.
    In,
    /// Closes the row, or goes to the one that holds it.
    Out,
    /// Opens or closes the row.
    Toggle,
}

/// The rows that are shown, with what they depend on.
#[derive(Default)]
struct List {
    key: Option<Key>,
    rows: Vec<u32>,
    /// The rows of this table whose paths are toggled.
    toggled: BTreeSet<u32>,
    search: Search,
    done: bool,
}

#[derive(Clone, PartialEq)]
struct Key {
    /// Which table, by its place in memory and its object.
    table: usize,
    object: String,
    query: String,
    toggled: BTreeSet<String>,
    all: bool,
    hide: bool,
}

/// Keys of the browser, before anything else sees them: arrows, Enter, and Escape, which empties the search or closes.
pub(super) fn take_keys(context: &mut UiContext<'_>, ui: &Ui) {
    if !context.workspace.tags.open || !context.state.tags.shown {
        return;
    }
    let ctx = ui.ctx();
    let view = &mut context.state.tags;
    let pressed = ctx.input(|i| {
        let down = |event: &egui::Event| match event {
            egui::Event::PointerButton {
                pos, pressed: true, ..
            } => Some(*pos),
            _ => None,
        };
        i.events.iter().find_map(down)
    });
    if let Some((at, place)) = pressed.zip(view.place) {
        view.outside = !place.contains(at);
    }
    if view.outside {
        return;
    }
    let typing = ctx.egui_wants_keyboard_input();
    let steps: [(KeyName, Step); 8] = [
        (KeyName::ArrowDown, Step::By(1)),
        (KeyName::ArrowUp, Step::By(-1)),
        (KeyName::PageDown, Step::By(PAGE)),
        (KeyName::PageUp, Step::By(-PAGE)),
        (KeyName::ArrowRight, Step::In),
        (KeyName::ArrowLeft, Step::Out),
        (KeyName::Enter, Step::Toggle),
        (KeyName::Space, Step::Toggle),
    ];
    let mut wanted = Vec::new();
    let escape = ctx.input_mut(|i| {
        let mut take = |key| i.consume_key(egui::Modifiers::NONE, key);
        for (key, step) in steps {
            // In the search field these move the caret and write.
            let of_field = matches!(step, Step::In | Step::Out) && !view.query.is_empty()
                || key == KeyName::Space;
            if !(typing && of_field) && take(key) {
                wanted.push(step);
            }
        }
        take(KeyName::Escape)
    });
    view.steps.extend(wanted);
    if escape && view.query.is_empty() {
        context.run(crate::workspace::Command::Tags);
    } else if escape {
        view.query.clear();
    }
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
    let drawn = egui::Window::new(title)
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
    view.place = drawn.map(|window| window.response.rect);
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
    // The chosen element with all below it, else the whole object. Rows of a comparison are none of one object.
    let single = matches!(context.workspace.tags.shown, TagsShown::One(_));
    let chosen = view.selected.filter(|_| single);
    let range = match chosen.map(|at| at as usize) {
        Some(at) => {
            let end = table.rows.get(at).map_or(at, |row| row.end as usize);
            (at, end)
        }
        None => (0, table.rows.len()),
    };
    let key = match chosen {
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
            // The same element of another object, where it has one.
            view.selected = place_of(table, &view.selected_path);
        }
        view.list = List {
            toggled: toggled_in(table, &key.toggled),
            key: Some(key),
            ..List::default()
        };
        if query.is_empty() {
            let toggled = &view.list.toggled;
            let open = |at: usize| {
                let row = table.rows.get(at)?;
                let short = row.is_item() || row.end - at as u32 <= SHORT;
                Some(short != toggled.contains(&(at as u32)))
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
    let path = |at: u32| path_of(table, at);
    body(context, ui, view, &columns, rows.len(), &lines, &path);
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
        if view.list.key.as_ref().is_none_or(|k| k.table != key.table) {
            view.selected = None;
        }
        let first = toggled_in(&compared.first, &key.toggled);
        let second = toggled_in(&compared.second, &key.toggled);
        let is_toggled = |row: &DiffRow| {
            let of = |set: &BTreeSet<u32>, at: Option<u32>| at.is_some_and(|at| set.contains(&at));
            of(&first, row.first) || of(&second, row.second)
        };
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
            let open = (row.change != Change::Same) != is_toggled(row);
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
    let path = |at: u32| {
        let row = compared.rows.get(at as usize)?;
        let of_first = row.first.and_then(|at| path_of(&compared.first, at));
        of_first.or_else(|| path_of(&compared.second, row.second?))
    };
    body(context, ui, view, &columns, rows.len(), &lines, &path);
    view.list.rows = rows;
}

/// The path of a row.
fn path_of(table: &ElementTable, at: u32) -> Option<String> {
    table.paths().nth(at as usize)
}

/// The row of a path.
fn place_of(table: &ElementTable, path: &str) -> Option<u32> {
    let at = table.paths().position(|p| !path.is_empty() && p == path)?;
    u32::try_from(at).ok()
}

/// The rows of paths.
fn toggled_in(table: &ElementTable, paths: &BTreeSet<String>) -> BTreeSet<u32> {
    if paths.is_empty() {
        return BTreeSet::new();
    }
    let all = (0u32..).zip(table.paths());
    all.filter(|(_, path)| paths.contains(path))
        .map(|(at, _)| at)
        .collect()
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
    path: &dyn Fn(u32) -> Option<String>,
) {
    let steps = std::mem::take(&mut view.steps);
    if count == 0 {
        return;
    }
    columns.head(context, ui);
    let hide = context.workspace.settings.hide_identity;
    ui.spacing_mut().item_spacing.y = 0.0;
    ui.spacing_mut().scroll.foreground_color = false;
    let mut area = ScrollArea::vertical()
        .id_salt("rows")
        .auto_shrink([false, false]);
    let mut toggle = None;
    let reveal = walk(view, count, line, &steps, &mut toggle);
    if let Some(row) = reveal
        && !(view.seen.start..view.seen.end.saturating_sub(1)).contains(&row)
    {
        let shown = (ui.available_height() / ROW).floor().max(1.0);
        let first = match row < view.seen.start {
            true => row as f32,
            false => row as f32 - shown + 2.0,
        };
        area = area.vertical_scroll_offset((first * ROW).max(0.0));
    }
    area.show_rows(ui, ROW, count, |ui, range| {
        view.seen = range.clone();
        for at in range {
            let Some(line) = line(at) else { continue };
            let selected = view.selected == Some(line.at);
            let drawn = ui.push_id(line.at, |ui| {
                line.draw(context, ui, columns, ROW, selected, hide)
            });
            if drawn.inner.clicked() {
                if line.open.is_some() {
                    toggle = Some(line.at);
                }
                let again = view.selected == Some(line.at);
                view.selected = (!again).then_some(line.at);
            }
        }
    });
    let at_path = |at: Option<u32>| at.and_then(path).unwrap_or_default();
    if let Some(path) = toggle.and_then(path)
        && !view.toggled.remove(&path)
    {
        view.toggled.insert(path);
    }
    if !steps.is_empty() || toggle.is_some() || ui.input(|i| i.pointer.any_released()) {
        view.selected_path = at_path(view.selected);
    }
}

/// Goes where the keys say; the row to bring into sight, and in `toggle` the one to open or close.
fn walk<'t>(
    view: &mut TagsView,
    count: usize,
    line: &dyn Fn(usize) -> Option<Line<'t>>,
    steps: &[Step],
    toggle: &mut Option<u32>,
) -> Option<usize> {
    let mut reveal = None;
    for step in steps {
        let chosen = view.selected;
        let at =
            chosen.and_then(|chosen| (0..count).find(|n| line(*n).is_some_and(|l| l.at == chosen)));
        let here = at.and_then(line);
        let next = match (step, at) {
            (Step::By(by), Some(at)) => Some(at.saturating_add_signed(*by).min(count - 1)),
            // Without a chosen row the first in sight is.
            (Step::By(_) | Step::In, None) => Some(view.seen.start.min(count - 1)),
            (Step::In, Some(at)) => match here.as_ref().and_then(|l| l.open) {
                Some(false) => {
                    *toggle = here.map(|l| l.at);
                    None
                }
                Some(true) => Some((at + 1).min(count - 1)),
                None => None,
            },
            (Step::Out, Some(at)) => match here.as_ref() {
                Some(l) if l.open == Some(true) => {
                    *toggle = Some(l.at);
                    None
                }
                Some(l) => (0..at)
                    .rev()
                    .find(|n| line(*n).is_some_and(|m| m.depth < l.depth)),
                None => None,
            },
            (Step::Toggle, Some(_)) => {
                *toggle = here.filter(|l| l.open.is_some()).map(|l| l.at);
                None
            }
            (Step::Out | Step::Toggle, None) => None,
        };
        if let Some(next) = next {
            view.selected = line(next).map(|l| l.at);
            reveal = Some(next);
        }
    }
    reveal
}

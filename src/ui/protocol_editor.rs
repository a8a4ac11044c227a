//! A protocol that is being made by example: its rules can be changed, and what it would hang is shown.

use super::{context::UiContext, theme, widgets};
use crate::workspace::{
    Action,
    hanging::{
        protocol::{CellRule, Linked, Plane, Protocol, Rule, Which},
        words::{Region, Sequence, Side},
    },
    presets,
};
use egui::{Button, Grid, Id, Key, RichText, Role, ScrollArea, TextEdit, Ui, WidgetInfo, vec2};
use std::collections::HashMap;

/// What is typed in the fields, by field, as long as it has the focus.
#[derive(Debug, Default)]
pub struct EditorState {
    typed: HashMap<Id, String>,
}

const WIDTH: f32 = 430.0;
/// So many studies are listed by their date and description.
const LISTED: usize = 60;

/// Draws the editor when there is a draft.
pub fn protocol_editor_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    let Some(draft) = context.workspace.hanging.draft.clone() else {
        context.state.editor.typed.clear();
        return;
    };
    let mut protocol = draft.protocol.clone();
    let (mut save, mut leave) = (false, false);
    let room = ui.ctx().content_rect();
    let window = egui::Window::new(context.word("protocol-title"))
        .id(Id::unique("protocol editor"))
        .collapsible(false)
        .resizable(false)
        .default_pos(egui::pos2(room.right() - WIDTH - 48.0, room.top() + 70.0))
        .frame(egui::Frame::window(ui.style()).inner_margin(14.0));
    window.show(ui.ctx(), |ui| {
        ui.set_width(WIDTH);
        let height = (room.height() - 330.0).max(120.0);
        name(context, ui, &mut protocol);
        ScrollArea::vertical().max_height(height).show(ui, |ui| {
            ui.set_width(WIDTH - 12.0);
            widgets::section(ui, context.word("protocol-study"), None);
            Grid::new("study")
                .num_columns(2)
                .spacing([10.0, 4.0])
                .show(ui, |ui| {
                    rule(context, ui, "study", &mut protocol.study, true);
                });
            for stage in &mut protocol.stages {
                link(context, ui, &mut stage.link);
                for (n, cell) in stage.cells.iter_mut().enumerate() {
                    cell_ui(context, ui, n, cell);
                }
            }
        });
        preview(context, ui);
        ui.add_space(10.0);
        ui.horizontal(|ui| {
            let ready = !protocol.name.trim().is_empty() && protocol.check().is_ok();
            let word = RichText::new(context.word("protocol-save"))
                .color(theme::APP)
                .strong();
            let button = Button::new(word)
                .fill(theme::ACCENT)
                .min_size(vec2(110.0, 30.0));
            save = ui.add_enabled(ready, button).clicked();
            let button = Button::new(context.word("button-cancel")).min_size(vec2(110.0, 30.0));
            leave = ui.add(button).clicked();
            if !ready {
                widgets::dim(ui, context.word("protocol-needs-name"));
            }
        });
        leave |= ui.input(|i| i.key_pressed(Key::Escape));
    });
    if protocol != draft.protocol {
        context
            .actions
            .push(Action::Draft(Some(Box::new(protocol))));
    }
    if save {
        context.actions.push(Action::SaveDraft);
    } else if leave {
        context.actions.push(Action::Draft(None));
    }
}

fn name(context: &mut UiContext<'_>, ui: &mut Ui, protocol: &mut Protocol) {
    let label = context.word("protocol-name");
    let field = TextEdit::singleline(&mut protocol.name)
        .hint_text(label)
        .char_limit(60)
        .desired_width(WIDTH);
    let response = ui.add(field);
    response.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, label));
}

/// A field with several words, parted by commas.
fn list(
    context: &mut UiContext<'_>,
    ui: &mut Ui,
    id: Id,
    key: &'static str,
    words: &mut Vec<String>,
) {
    let label = context.word(key);
    ui.label(
        RichText::new(label)
            .size(theme::SMALL_PT)
            .color(theme::TEXT_DIM),
    );
    let joined = words.join(", ");
    let typed = context
        .state
        .editor
        .typed
        .entry(id)
        .or_insert_with(|| joined.clone());
    let field = TextEdit::singleline(typed).id(id).desired_width(270.0);
    let response = ui.add(field);
    response.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, label));
    if response.changed() {
        *words = typed
            .split([',', '，', '、'])
            .map(str::trim)
            .filter(|w| !w.is_empty())
            .map(str::to_owned)
            .collect();
    } else if !response.has_focus() {
        *typed = joined;
    }
    ui.end_row();
}

/// The fields of a rule; what names nothing that there is is left out.
fn rule(context: &mut UiContext<'_>, ui: &mut Ui, name: &str, rule: &mut Rule, of_study: bool) {
    let id = |field: &str| Id::unique(("protocol", name.to_owned(), field.to_owned()));
    list(
        context,
        ui,
        id("modality"),
        "protocol-modality",
        &mut rule.modality,
    );
    let mut regions: Vec<String> = rule.region.iter().map(|r| r.word().to_owned()).collect();
    list(context, ui, id("region"), "protocol-region", &mut regions);
    rule.region = regions.iter().filter_map(|w| Region::of_word(w)).collect();
    if !of_study {
        list(context, ui, id("view"), "protocol-view", &mut rule.view);
        let mut side = rule
            .side
            .map(|s| side_word(s).to_owned())
            .into_iter()
            .collect();
        list(context, ui, id("side"), "protocol-side", &mut side);
        rule.side = side.first().and_then(|s| match s.as_str() {
            "R" | "r" => Some(Side::R),
            "L" | "l" => Some(Side::L),
            _ => None,
        });
        let mut sequences: Vec<String> =
            rule.sequence.iter().map(|s| s.word().to_owned()).collect();
        list(
            context,
            ui,
            id("sequence"),
            "protocol-sequence",
            &mut sequences,
        );
        rule.sequence = sequences
            .iter()
            .filter_map(|w| Sequence::of_word(w))
            .collect();
        let mut plane = rule
            .plane
            .map(|p| p.word().to_owned())
            .into_iter()
            .collect();
        list(context, ui, id("plane"), "protocol-plane", &mut plane);
        let named = |w: &String| Plane::ALL.into_iter().find(|p| p.word() == w);
        rule.plane = plane.first().and_then(named);
    }
    list(context, ui, id("words"), "protocol-words", &mut rule.words);
    list(
        context,
        ui,
        id("without"),
        "protocol-without",
        &mut rule.without,
    );
}

const fn side_word(side: Side) -> &'static str {
    match side {
        Side::R => "R",
        Side::L => "L",
    }
}

fn link(context: &UiContext<'_>, ui: &mut Ui, link: &mut Vec<Linked>) {
    widgets::section(ui, context.word("protocol-link"), None);
    ui.horizontal(|ui| {
        for (kind, key) in [
            (Linked::Scroll, "protocol-link-scroll"),
            (Linked::Zoom, "protocol-link-zoom"),
            (Linked::Window, "protocol-link-window"),
        ] {
            let mut on = link.contains(&kind);
            if ui.checkbox(&mut on, context.word(key)).changed() {
                link.retain(|k| *k != kind);
                if on {
                    link.push(kind);
                }
            }
        }
    });
}

fn cell_ui(context: &mut UiContext<'_>, ui: &mut Ui, n: usize, cell: &mut CellRule) {
    let number = [("number", (n + 1).into())];
    widgets::section(ui, &context.tr("protocol-cell", &number), None);
    let of = match cell.study {
        _ if cell.empty => context.word("protocol-empty").to_owned(),
        Which::Prior => match cell.like {
            Some(like) => context.tr("protocol-prior-like", &[("number", like.into())]),
            None => context.word("protocol-prior").to_owned(),
        },
        Which::Current => match cell.same_as {
            Some(same) => context.tr("protocol-same-as", &[("number", same.into())]),
            None => context.word("protocol-current").to_owned(),
        },
    };
    widgets::dim(ui, of);
    if cell.empty || cell.same_as.is_some() || cell.like.is_some() {
        return;
    }
    let name = format!("cell {n}");
    Grid::new(("cell", n))
        .num_columns(2)
        .spacing([10.0, 4.0])
        .show(ui, |ui| {
            rule(context, ui, &name, &mut cell.series, false);
            let mut window: Vec<String> = (!cell.window.is_empty())
                .then(|| cell.window.clone())
                .into_iter()
                .collect();
            let id = Id::unique(("protocol", name.clone(), "window"));
            list(context, ui, id, "protocol-window", &mut window);
            let known = |w: &&String| w.as_str() == "auto" || presets::preset_named(w).is_some();
            cell.window = window.iter().find(known).cloned().unwrap_or_default();
        });
}

/// How many studies it would hang, and which.
fn preview(context: &UiContext<'_>, ui: &mut Ui) {
    let draft = context.workspace.hanging.draft.as_ref();
    let Some(draft) = draft.filter(|draft| draft.known) else {
        return;
    };
    let counts = [
        ("studies", draft.matches.len().into()),
        ("series", draft.series.into()),
    ];
    widgets::section(ui, &context.tr("protocol-preview", &counts), None);
    let hide = context.workspace.settings.hide_identity;
    let library = &context.workspace.library;
    ScrollArea::vertical()
        .id_salt("preview")
        .max_height(90.0)
        .show(ui, |ui| {
            ui.set_width(WIDTH - 12.0);
            for found in draft.matches.iter().take(LISTED) {
                let mut studies = library.patients.iter().flat_map(|p| &p.studies);
                let Some(study) = studies.find(|s| s.description.uid == found.study) else {
                    continue;
                };
                let date = study
                    .description
                    .date
                    .filter(|_| !hide)
                    .map(|d| d.to_string());
                let filled = found
                    .cells
                    .iter()
                    .flatten()
                    .filter_map(|key| library.find(key));
                let series: Vec<&str> =
                    filled.map(|n| n.description.description.as_str()).collect();
                let parts = [
                    date.unwrap_or_default(),
                    study.description.description.clone(),
                    series.join(" · "),
                ];
                let parts: Vec<String> = parts.into_iter().filter(|p| !p.is_empty()).collect();
                let text = parts.join("  ");
                widgets::line(
                    ui,
                    RichText::new(text)
                        .size(theme::SMALL_PT)
                        .color(theme::TEXT_DIM),
                );
            }
        });
}

//! The choice of layouts like a light box: a field of eight by eight squares, tiles, saved layouts, hanging protocols.

use super::{context::UiContext, hanging_words, theme, widgets};
use crate::{
    model::arrangement::Grid,
    workspace::{
        Action, Command,
        state::{Layout, Workspace},
    },
};
use egui::{
    Button, Color32, Key, Rect, RichText, Role, Sense, Stroke, StrokeKind, TextEdit, Ui,
    WidgetInfo, vec2,
};

/// Side of a square of the field, points.
const SQUARE: f32 = 22.0;
const GAP: f32 = 4.0;

/// The choice, open or not.
#[derive(Debug, Default)]
pub struct PickerState {
    /// It is open.
    pub open: bool,
    /// The chosen grid shows one series as tiles.
    pub tiles: bool,
    /// The name under which the layout would be saved.
    pub name: String,
}

impl PickerState {
    /// Opens it, or closes it.
    pub fn toggle(&mut self) {
        self.open = !self.open;
        self.name.clear();
    }
}

/// Draws the choice when it is open.
pub fn layout_picker_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    if !context.state.picker.open {
        return;
    }
    let mut close = false;
    let frame = egui::Frame::popup(ui.style()).inner_margin(16.0);
    let modal = egui::Modal::new(egui::Id::unique("layouts")).frame(frame);
    let response = modal.show(ui.ctx(), |ui| {
        ui.set_width(2.0 * field_width() + 40.0);
        ui.heading(context.word("layout-title"));
        ui.add_space(6.0);
        ui.horizontal_top(|ui| {
            ui.vertical(|ui| {
                ui.set_width(field_width());
                close |= field(context, ui);
                ui.add_space(6.0);
                let word = context.word("layout-tiles");
                ui.checkbox(&mut context.state.picker.tiles, word);
                close |= own_layouts(context, ui);
            });
            ui.add_space(16.0);
            ui.vertical(|ui| {
                ui.set_width(field_width());
                close |= commands(context, ui);
                close |= protocols(context, ui);
            });
        });
    });
    if close || response.should_close() {
        context.state.picker.open = false;
    }
}

const fn field_width() -> f32 {
    8.0 * (SQUARE + GAP)
}

/// The field of squares: hovering shows the grid, a click takes it.
fn field(context: &mut UiContext<'_>, ui: &mut Ui) -> bool {
    let side = field_width();
    let (rect, _) = ui.allocate_exact_size(vec2(side, side), Sense::hover());
    let current = match &context.workspace.layout {
        Layout::Grid(grid) | Layout::Tiles(grid) => Some(*grid),
        _ => None,
    };
    let square = |column: usize, row: usize| {
        let at = vec2(column as f32, row as f32) * (SQUARE + GAP);
        Rect::from_min_size(rect.min + at, vec2(SQUARE, SQUARE))
    };
    let mut hovered = None;
    let mut clicked = None;
    for row in 0..8usize {
        for column in 0..8usize {
            let id = ui.scope_id().with(("square", column, row));
            let response = ui.interact(square(column, row).expand(GAP / 2.0), id, Sense::click());
            let name = context.tr(
                "layout-grid",
                &[("columns", (column + 1).into()), ("rows", (row + 1).into())],
            );
            let grid = Grid::new(column as u8 + 1, row as u8 + 1);
            let selected = current == Some(grid);
            response.widget_info(|| WidgetInfo::selected(Role::Button, true, selected, &name));
            if response.hovered() {
                hovered = Some((grid, name));
            }
            if response.clicked() {
                clicked = Some(grid);
            }
        }
    }
    let shown = hovered.as_ref().map(|(grid, _)| *grid).or(current);
    for row in 0..8usize {
        for column in 0..8usize {
            let inside = shown.is_some_and(|g| column < g.columns() && row < g.rows());
            let (fill, line): (Color32, Color32) = match (inside, hovered.is_some()) {
                (true, true) => (theme::ACCENT.gamma_multiply(0.45), theme::ACCENT),
                (true, false) => (theme::LINE, theme::TEXT_FAINT),
                (false, _) => (theme::RAISED, theme::LINE),
            };
            let place = square(column, row);
            ui.painter().rect_filled(place, 2.0, fill);
            let stroke = Stroke::new(1.0, line);
            ui.painter()
                .rect_stroke(place, 2.0, stroke, StrokeKind::Inside);
        }
    }
    let text = match hovered {
        Some((_, name)) => name,
        None => layout_name(context, &context.workspace.layout),
    };
    widgets::dim(ui, text);
    let Some(grid) = clicked else { return false };
    let action = if context.state.picker.tiles {
        Action::Tiles(grid)
    } else {
        Action::Layout(Layout::Grid(grid))
    };
    context.actions.push(action);
    true
}

/// What a layout is called.
fn layout_name(context: &UiContext<'_>, layout: &Layout) -> String {
    let grid = |grid: &Grid| {
        let numbers = [
            ("columns", grid.columns().into()),
            ("rows", grid.rows().into()),
        ];
        context.tr("layout-grid", &numbers)
    };
    match layout {
        Layout::Grid(g) => grid(g),
        Layout::Tiles(g) => format!("{}  {}", context.word("layout-tiles"), grid(g)),
        Layout::Mpr => context.word("cmd-layout-mpr").to_owned(),
        Layout::Free(_) => context.word("layout-free").to_owned(),
    }
}

fn commands(context: &mut UiContext<'_>, ui: &mut Ui) -> bool {
    widgets::section(ui, context.word("layout-change"), None);
    let mut done = false;
    for command in [
        Command::SplitRight,
        Command::SplitDown,
        Command::JoinCells,
        Command::Detach,
        Command::LayoutMpr,
    ] {
        let enabled = context.workspace.is_enabled(command);
        let button = row_button(context.word(command.row().message_key));
        if ui.add_enabled(enabled, button).clicked() {
            context.run(command);
            done = true;
        }
    }
    done
}

fn row_button(text: &str) -> Button<'_> {
    Button::new(text)
        .frame_when_inactive(false)
        .min_size(vec2(field_width(), 24.0))
        .wrap_mode(egui::TextWrapMode::Truncate)
}

/// Protocols that are meant for the study that is read.
fn protocols(context: &mut UiContext<'_>, ui: &mut Ui) -> bool {
    widgets::section(ui, context.word("layout-protocols"), None);
    let mut done = false;
    let offered = fitting(context.workspace);
    let now = context
        .workspace
        .hanging
        .now
        .as_ref()
        .map(|h| h.protocol.clone());
    egui::ScrollArea::vertical()
        .max_height(150.0)
        .show(ui, |ui| {
            for (id, own, name) in offered {
                let text = hanging_words::name(context.language(), &name, own);
                let color = if now.as_deref() == Some(id.as_str()) {
                    theme::ACCENT
                } else {
                    theme::TEXT
                };
                let button = Button::new(RichText::new(text).color(color))
                    .frame_when_inactive(false)
                    .min_size(vec2(field_width() - 12.0, 24.0))
                    .wrap_mode(egui::TextWrapMode::Truncate);
                if ui.add(button).clicked() {
                    context.actions.push(Action::HangBy(id));
                    done = true;
                }
            }
        });
    let save = row_button(context.word("cmd-save-protocol"));
    if ui
        .add_enabled(context.workspace.is_enabled(Command::SaveProtocol), save)
        .clicked()
    {
        context.run(Command::SaveProtocol);
        done = true;
    }
    done
}

/// Short name, whether it is the user's own, and name of each protocol that suits the modality in the active cell.
fn fitting(workspace: &Workspace) -> Vec<(String, bool, String)> {
    let modality = workspace
        .active_viewport()
        .and_then(|v| v.node.as_ref())
        .map(|n| n.description.modality.clone())
        .unwrap_or_default();
    let suits = |p: &&crate::workspace::hanging::protocol::Protocol| {
        p.study.modality.is_empty() || p.study.modality.contains(&modality)
    };
    let own = workspace.hanging.own.iter();
    own.chain(crate::workspace::hanging::built_in::built_in())
        .filter(suits)
        .map(|p| (p.id.clone(), p.own, p.name.clone()))
        .collect()
}

/// Layouts that were saved, and a field to save this one.
fn own_layouts(context: &mut UiContext<'_>, ui: &mut Ui) -> bool {
    widgets::section(ui, context.word("layout-own"), None);
    let mut done = false;
    let names: Vec<String> = context.workspace.shelf.names().map(str::to_owned).collect();
    egui::ScrollArea::vertical()
        .id_salt("own")
        .max_height(110.0)
        .show(ui, |ui| {
            for name in names {
                ui.horizontal(|ui| {
                    let button = Button::new(&name)
                        .frame_when_inactive(false)
                        .min_size(vec2(field_width() - 40.0, 24.0))
                        .wrap_mode(egui::TextWrapMode::Truncate);
                    if ui.add(button).clicked() {
                        context.actions.push(Action::RecallLayout(name.clone()));
                        done = true;
                    }
                    let word = context.tr("layout-forget", &[("name", name.as_str().into())]);
                    let icon = super::icons::Icon::Close;
                    if widgets::icon_button(ui, icon, &word, true, false, theme::TEXT_DIM).clicked()
                    {
                        context.actions.push(Action::ForgetLayout(name.clone()));
                    }
                });
            }
        });
    ui.horizontal(|ui| {
        let hint = context.word("layout-name");
        let field = TextEdit::singleline(&mut context.state.picker.name)
            .hint_text(hint)
            .desired_width(field_width() - 76.0);
        let response = ui.add(field);
        response.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, hint));
        let ready = !context.state.picker.name.trim().is_empty();
        let entered = response.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
        let button = ui.add_enabled(ready, Button::new(context.word("layout-save")));
        if button.clicked() || (entered && ready) {
            let name = std::mem::take(&mut context.state.picker.name);
            context.actions.push(Action::SaveLayout(name));
        }
    });
    done
}

//! Menus and the one thin row of tool buttons, both made from the command table.

use super::{
    context::UiContext,
    icons::Icon,
    overlay_text::voi_text,
    theme,
    widgets::{BUTTON, command_button, group_gap, icon_button},
};
use crate::{
    i18n::Language,
    workspace::{
        Action, Command,
        command::{Group, TABLE},
        state::Layout,
        view::VoiChoice,
    },
};
use egui::{Button, RichText, Ui};

/// Draws the row.
pub fn menu_bar_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    egui::MenuBar::new().ui(ui, |ui| {
        ui.spacing_mut().item_spacing.x = 2.0;
        for group in Group::ALL {
            menu(context, ui, group);
        }
        group_gap(ui);
        tools(context, ui);
    });
}

fn menu(context: &mut UiContext<'_>, ui: &mut Ui, group: Group) {
    ui.menu_button(context.word(group.message_key()), |ui| {
        ui.set_min_width(230.0);
        for row in TABLE.iter().filter(|r| r.group == group) {
            if row.command == Command::Language {
                language_menu(context, ui);
                continue;
            }
            let shortcut = context.shortcut(row.command);
            let button =
                Button::new(context.word(row.message_key)).shortcut_text(RichText::new(shortcut));
            let button = button.selected(context.workspace.is_on(row.command));
            let response = ui.add_enabled(context.workspace.is_enabled(row.command), button);
            if response.clicked() {
                context.run(row.command);
                ui.close();
            }
            if row.command == Command::WindowFile {
                file_windows(context, ui);
            }
        }
    });
}

/// The windows and tables that the shown image brings, by name, where there are several.
fn file_windows(context: &mut UiContext<'_>, ui: &mut Ui) {
    let Some(viewport) = context.workspace.active_viewport() else {
        return;
    };
    let Some(description) = viewport.frame_description() else {
        return;
    };
    if description.voi.len() < 2 {
        return;
    }
    let chosen = match viewport.view.voi {
        VoiChoice::File => Some(0),
        VoiChoice::FileIndex(index) => Some(index),
        _ => None,
    };
    let mut wish = None;
    ui.indent("file windows", |ui| {
        for (index, voi) in description.voi.iter().enumerate() {
            let text = voi_text(context.language(), voi);
            if ui.radio(chosen == Some(index), text).clicked() {
                wish = Some(VoiChoice::FileIndex(index));
                ui.close();
            }
        }
    });
    if let Some(voi) = wish {
        context.actions.push(Action::Window(voi));
    }
}

fn language_menu(context: &mut UiContext<'_>, ui: &mut Ui) {
    ui.menu_button(context.word("menu-language"), |ui| {
        for language in Language::ALL {
            if ui
                .radio(context.language() == language, language.own_name())
                .clicked()
            {
                context.actions.push(Action::Speak(language));
                ui.close();
            }
        }
    });
}

/// A button of the row.
struct Tool {
    icon: Icon,
    command: Command,
    /// Whether what it switches is on.
    on: bool,
    /// Whether a new group begins with it.
    group: bool,
}

/// Width of a line between groups, with the room around it.
const GAP: f32 = 9.0;

/// The row; what has no room goes into a menu at its end, so that nothing is cut off by the edge of the window.
fn tools(context: &mut UiContext<'_>, ui: &mut Ui) {
    let row = row(context);
    let between = ui.spacing().item_spacing.x;
    let width = |tool: &Tool| {
        let gap = if tool.group { GAP + 3.0 * between } else { 0.0 };
        let arrow = if tool.command == MEASURE {
            14.0 + between
        } else {
            0.0
        };
        gap + arrow + BUTTON + between
    };
    let all: f32 = row.iter().map(width).sum();
    let room = ui.available_width();
    let fits = match all <= room {
        true => row.len(),
        false => {
            let mut left = room - BUTTON - between;
            let taken = |tool: &&Tool| {
                left -= width(tool);
                left >= 0.0
            };
            row.iter().take_while(taken).count()
        }
    };
    let (shown, rest) = row.split_at(fits.min(row.len()));
    for tool in shown {
        if tool.group {
            group_gap(ui);
        }
        match tool.command {
            MEASURE => super::marks::menu::measuring_button(context, ui),
            command => {
                command_button(context, ui, tool.icon, command, tool.on);
            }
        }
    }
    if !rest.is_empty() {
        more(context, ui, rest);
    }
}

/// What had no room in the row.
fn more(context: &mut UiContext<'_>, ui: &mut Ui, rest: &[Tool]) {
    let name = context.word("menu-more-tools");
    let response = icon_button(ui, Icon::Down, name, true, false, theme::TEXT);
    let response = response.on_hover_text(name);
    egui::Popup::menu(&response).show(|ui| {
        ui.set_min_width(230.0);
        for tool in rest {
            let row = tool.command.row();
            let shortcut = RichText::new(context.shortcut(tool.command));
            let button = Button::new(context.word(row.message_key))
                .shortcut_text(shortcut)
                .selected(tool.on);
            let enabled = context.workspace.is_enabled(tool.command);
            if ui.add_enabled(enabled, button).clicked() {
                context.run(tool.command);
                ui.close();
            }
        }
    });
}

/// Stands for the button of all measuring tools.
const MEASURE: Command = Command::MarkLength;

/// The buttons in their order; those that are needed least, and have keys, come last.
fn row(context: &UiContext<'_>) -> [Tool; 25] {
    let workspace = context.workspace;
    let view = workspace.active_viewport().map(|v| &v.view);
    let inverted = view.is_some_and(|v| v.inverted);
    let settings = &workspace.settings;
    let button = |icon, command: Command, on| Tool {
        icon,
        command,
        on: on || command.tool() == Some(workspace.tool),
        group: false,
    };
    let plain = |icon, command| button(icon, command, false);
    let layout = |icon, command, layout| button(icon, command, workspace.layout == layout);
    let first = |tool: Tool| Tool {
        group: true,
        ..tool
    };
    [
        plain(Icon::Folder, Command::OpenFolder),
        first(plain(Icon::Window, Command::ToolWindowLevel)),
        plain(Icon::Zoom, Command::ToolZoom),
        plain(Icon::Pan, Command::ToolPan),
        plain(Icon::Scroll, Command::ToolScroll),
        plain(Icon::Crosshair, Command::ToolCrosshair),
        plain(Icon::Ruler, MEASURE),
        first(layout(Icon::One, Command::LayoutOne, Layout::ONE)),
        layout(Icon::Two, Command::LayoutTwo, Layout::TWO),
        layout(Icon::Four, Command::LayoutFour, Layout::FOUR),
        layout(Icon::Mpr, Command::LayoutMpr, Layout::Mpr),
        button(Icon::Grid, Command::LayoutPicker, context.state.picker.open),
        first(plain(Icon::Fit, Command::Fit)),
        button(Icon::Invert, Command::Invert, inverted),
        plain(Icon::RotateRight, Command::RotateRight),
        plain(Icon::FlipHorizontal, Command::FlipHorizontal),
        plain(Icon::FlipVertical, Command::FlipVertical),
        plain(Icon::Reset, Command::ResetView),
        plain(Icon::Undo, Command::Undo),
        first(plain(Icon::Lungs, Command::SegmentLungs)),
        button(Icon::Eye, Command::ToggleMasks, workspace.masks.visible),
        plain(Icon::Text, Command::OverlayText),
        first(button(
            Icon::Left,
            Command::ToggleBrowser,
            settings.show_browser,
        )),
        button(Icon::Right, Command::ToggleSide, settings.show_side),
        plain(Icon::Search, Command::Palette),
    ]
}

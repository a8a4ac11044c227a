//! Menus and the one thin row of tool buttons, both made from the command table.

use super::{
    context::UiContext,
    icons::Icon,
    overlay_text::voi_text,
    widgets::{command_button, group_gap},
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

fn tools(context: &mut UiContext<'_>, ui: &mut Ui) {
    let workspace = context.workspace;
    command_button(context, ui, Icon::Folder, Command::OpenFolder, false);
    group_gap(ui);
    let tools = [
        (Icon::Window, Command::ToolWindowLevel),
        (Icon::Zoom, Command::ToolZoom),
        (Icon::Pan, Command::ToolPan),
        (Icon::Scroll, Command::ToolScroll),
        (Icon::Crosshair, Command::ToolCrosshair),
    ];
    for (icon, command) in tools {
        let selected = command.tool() == Some(workspace.tool);
        command_button(context, ui, icon, command, selected);
    }
    super::marks::menu::measuring_button(context, ui);
    group_gap(ui);
    let layouts = [
        (Icon::One, Command::LayoutOne, Layout::ONE),
        (Icon::Two, Command::LayoutTwo, Layout::TWO),
        (Icon::Four, Command::LayoutFour, Layout::FOUR),
        (Icon::Mpr, Command::LayoutMpr, Layout::Mpr),
    ];
    for (icon, command, layout) in layouts {
        command_button(context, ui, icon, command, workspace.layout == layout);
    }
    let picker = context.state.picker.open;
    command_button(context, ui, Icon::Grid, Command::LayoutPicker, picker);
    group_gap(ui);
    let view = workspace
        .active_viewport()
        .map(|v| v.view.clone())
        .unwrap_or_default();
    command_button(context, ui, Icon::Fit, Command::Fit, false);
    command_button(context, ui, Icon::Invert, Command::Invert, view.inverted);
    command_button(context, ui, Icon::RotateRight, Command::RotateRight, false);
    command_button(
        context,
        ui,
        Icon::FlipHorizontal,
        Command::FlipHorizontal,
        false,
    );
    command_button(
        context,
        ui,
        Icon::FlipVertical,
        Command::FlipVertical,
        false,
    );
    command_button(context, ui, Icon::Reset, Command::ResetView, false);
    command_button(context, ui, Icon::Undo, Command::Undo, false);
    group_gap(ui);
    command_button(context, ui, Icon::Lungs, Command::SegmentLungs, false);
    command_button(
        context,
        ui,
        Icon::Eye,
        Command::ToggleMasks,
        workspace.masks.visible,
    );
    command_button(context, ui, Icon::Text, Command::OverlayText, false);
    group_gap(ui);
    command_button(
        context,
        ui,
        Icon::Left,
        Command::ToggleBrowser,
        workspace.settings.show_browser,
    );
    command_button(
        context,
        ui,
        Icon::Right,
        Command::ToggleSide,
        workspace.settings.show_side,
    );
    command_button(context, ui, Icon::Search, Command::Palette, false);
}

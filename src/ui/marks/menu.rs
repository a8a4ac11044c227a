//! One button for all measuring tools: it takes up the one that was used last, and its small arrow lists the others.

use crate::{
    tools::Tool,
    ui::{
        context::UiContext,
        icons::{self, Icon},
        theme, widgets,
    },
    workspace::{
        Command,
        command::{Group, TABLE},
    },
};
use egui::{Button, RichText, Sense, Ui, Vec2};

/// Draws button and arrow.
pub(in crate::ui) fn measuring_button(context: &mut UiContext<'_>, ui: &mut Ui) {
    let workspace = context.workspace;
    let last = Command::of_tool(Tool::Mark(workspace.measuring.last));
    let Some(last) = last else { return };
    let on = matches!(workspace.tool, Tool::Mark(_));
    widgets::command_button(context, ui, icon(last), last, on);
    let size = Vec2::new(14.0, widgets::BUTTON);
    let name = context.word("mark-tools");
    let arrow = |ui: &mut Ui| {
        let (rect, response) = ui.allocate_exact_size(size, Sense::click());
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, name));
        if response.hovered() {
            ui.painter().rect_filled(rect, 4.0, theme::RAISED);
        }
        let square = egui::Rect::from_center_size(rect.center(), Vec2::splat(9.0));
        icons::paint(ui.painter(), square, Icon::Down, theme::TEXT_DIM);
        response.on_hover_text(name)
    };
    let response = arrow(ui);
    egui::Popup::menu(&response).show(|ui| {
        ui.set_min_width(230.0);
        for row in TABLE.iter().filter(|r| r.group == Group::Measure) {
            let Some(tool) = row.command.tool() else {
                continue;
            };
            let shortcut = context.shortcut(row.command);
            let text = context.word(row.message_key);
            let button = Button::selectable(workspace.tool == tool, text)
                .shortcut_text(RichText::new(shortcut));
            if ui.add(button).clicked() {
                context.run(row.command);
                ui.close();
            }
        }
    });
}

/// The icon of a measuring tool.
const fn icon(command: Command) -> Icon {
    match command {
        Command::MarkAngle | Command::MarkCobb => Icon::Angle,
        Command::MarkEllipse | Command::MarkCircle => Icon::Ellipse,
        Command::MarkRectangle | Command::MarkBox => Icon::Box,
        Command::MarkPolygon
        | Command::MarkPolyline
        | Command::MarkFreehand
        | Command::MarkSpline => Icon::Polygon,
        Command::MarkArrow => Icon::Arrow,
        Command::MarkText => Icon::Letter,
        Command::MarkProbe => Icon::Crosshair,
        _ => Icon::Ruler,
    }
}

//! The whole window: where each panel stands.

use super::{
    banner, calibration, context::UiContext, context::UiState, daylight, help, keeping, keys,
    layout, layout_picker, link_question, marks, menu_bar, mixing, number_fields, palette,
    picture_dialog, protocol_editor, settings, side_panel, start_screen, status_bar, study_browser,
    theme, unlock,
};
use crate::workspace::{Action, Workspace, calibrating::Asked};
use egui::{CentralPanel, Color32, Frame, Key, Margin, Panel, Pos2, Ui};

/// Draws everything and gives back what the user wishes.
pub fn root_ui(ui: &mut Ui, workspace: &Workspace, state: &mut UiState) -> Vec<Action> {
    state.correct_screen(workspace);
    state.screen_check.take_keys(ui.ctx());
    let mut context = UiContext {
        workspace,
        state,
        actions: Vec::new(),
    };
    context.state.loupe.release(ui.ctx());
    let asking = workspace.passphrases.asking.is_some()
        || workspace.linking.asking
        || workspace.marks.asking.is_some()
        || workspace.marks.closing
        || workspace.mixing.asking.is_some()
        || matches!(workspace.calibrating.asked, Asked::Length(_))
        || context.state.picker.open
        || context.state.window_field.is_some()
        || context.state.monitor_field.is_some();
    let open = context.state.palette.is_some()
        || context.state.help
        || context.state.settings.is_some()
        || context.state.picture_dialog.is_some();
    if !open && !asking {
        marks::keys(&mut context, ui);
        let (map, tool) = (&workspace.settings.keys, workspace.tool);
        let wishes = keys::pressed(
            ui.ctx(),
            map,
            &mut context.state.hands,
            tool,
            std::time::Instant::now(),
        );
        context
            .actions
            .extend(wishes.into_iter().map(|wish| match wish {
                keys::Wish::Run(command) => Action::Run(command),
                keys::Wish::Tool(tool) => Action::Tool(tool),
            }));
    } else if ui.input(|i| i.key_pressed(Key::Escape)) {
        context.state.palette = None;
        context.state.help = false;
    }
    let bar = |margin: Margin| Frame::new().fill(theme::PANEL).inner_margin(margin);
    Panel::top("menu")
        .frame(bar(Margin::symmetric(6, 3)))
        .show(ui, |ui| menu_bar::menu_bar_ui(&mut context, ui));
    let empty = workspace.is_empty();
    if !empty {
        Panel::top("identity")
            .exact_size(30.0)
            .frame(bar(Margin::symmetric(10, 2)).fill(theme::APP))
            .show(ui, |ui| banner::banner_ui(&mut context, ui));
    }
    if keeping::has_alarm(&context) {
        Panel::top("not-saved")
            .exact_size(30.0)
            .frame(bar(Margin::symmetric(10, 2)))
            .show(ui, |ui| keeping::alarm_ui(&context, ui));
    }
    if workspace.settings.show_status || empty {
        Panel::bottom("status")
            .exact_size(26.0)
            .frame(bar(Margin::symmetric(10, 2)))
            .show(ui, |ui| status_bar::status_bar_ui(&mut context, ui));
    }
    if workspace.settings.show_browser && !empty && !workspace.list.shown {
        Panel::left("browser")
            .default_size(study_browser::WIDTH)
            .size_range(160.0..=320.0)
            .frame(bar(Margin::symmetric(8, 0)))
            .show(ui, |ui| study_browser::study_browser_ui(&mut context, ui));
    }
    if workspace.settings.show_side && !empty && !workspace.list.shown {
        Panel::right("side")
            .default_size(side_panel::WIDTH)
            .size_range(260.0..=360.0)
            .frame(bar(Margin::symmetric(12, 0)))
            .show(ui, |ui| side_panel::side_panel_ui(&mut context, ui));
    }
    let cells = !workspace.list.shown && !empty;
    // Views fill their own room: a fill below all of them would take as long to draw as they do.
    let fill = Frame::new().fill(if cells {
        Color32::TRANSPARENT
    } else {
        theme::APP
    });
    CentralPanel::default().frame(fill).show(ui, |ui| {
        let rect = ui.available_rect_before_wrap();
        if workspace.list.shown {
            super::study_list::study_list_ui(&mut context, ui, rect);
        } else if empty {
            start_screen::start_screen_ui(&mut context, ui, rect);
        } else {
            let scale = ui.ctx().pixels_per_point();
            let sides = [rect.width(), rect.height()];
            context.state.cells_pixels = sides.map(|s| (s * scale).round().max(1.0) as u32);
            context.state.cells_points = rect.height().max(1.0) as u32;
            layout::gaps_ui(workspace, ui, rect);
            daylight::begin_pictures(ui.ctx());
            layout::cells_ui(&mut context, ui, rect);
            daylight::end_pictures(ui.ctx());
        }
        ui.allocate_rect(rect, egui::Sense::hover());
    });
    dropped_files(&mut context, ui);
    super::filter_panel::filter_panel_ui(&mut context, ui);
    super::screen_check::screen_check_ui(&mut context, ui);
    super::tags::tags_ui(&mut context, ui);
    palette::palette_ui(&mut context, ui);
    help::help_ui(&mut context, ui);
    settings::settings_ui(&mut context, ui);
    picture_dialog::picture_dialog_ui(&mut context, ui);
    layout_picker::layout_picker_ui(&mut context, ui);
    protocol_editor::protocol_editor_ui(&mut context, ui);
    mixing::mixing_ui(&mut context, ui);
    unlock::unlock_ui(&mut context, ui);
    link_question::link_question_ui(&mut context, ui);
    number_fields::monitor_field_ui(&mut context, ui);
    calibration::calibration_ui(&mut context, ui);
    keeping::store_question_ui(&mut context, ui);
    keeping::closing_ui(&mut context, ui);
    context.actions
}

fn dropped_files(context: &mut UiContext<'_>, ui: &Ui) {
    let paths: Vec<_> = ui.input(|i| {
        i.raw
            .dropped_files
            .iter()
            .map(|f| f.path().to_path_buf())
            .collect()
    });
    if !paths.is_empty() {
        context.actions.push(Action::Open(paths));
    }
    if ui.input(|i| !i.raw.hovered_files.is_empty()) && !context.workspace.is_empty() {
        let painter = ui.ctx().layer_painter(egui::LayerId::new(
            egui::Order::Foreground,
            egui::Id::unique("drop"),
        ));
        let rect = ui.ctx().content_rect();
        painter.rect_stroke(
            rect.shrink(3.0),
            4.0,
            egui::Stroke::new(3.0, theme::ACCENT),
            egui::StrokeKind::Inside,
        );
        let at = Pos2::new(rect.center().x, rect.bottom() - 60.0);
        let text = context.word("first-drop-active");
        super::overlay_text::haloed(
            &painter,
            at,
            egui::Align2::CENTER_CENTER,
            text,
            18.0,
            theme::ACCENT,
        );
    }
}

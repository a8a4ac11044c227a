//! The whole window: where each panel stands.

use super::{
    banner, calibration, context::UiContext, context::UiState, daylight, deid_dialog, focus::Part,
    help, keeping, keys, layout, layout_picker, link_question, lock_screen, marks, menu_bar,
    mixing, number_fields, palette, picture_dialog, protocol_editor, settings, side_panel,
    start_screen, status_bar, study_browser, theme, unlock,
};
use crate::workspace::{Action, Workspace, calibrating::Asked};
use egui::{CentralPanel, Frame, Key, Margin, Panel, Pos2, Ui};

/// Draws everything and gives back what the user wishes.
pub fn root_ui(ui: &mut Ui, workspace: &Workspace, state: &mut UiState) -> Vec<Action> {
    state.correct_screens(workspace);
    if workspace.access.locked {
        return lock_screen::lock_screen_ui(workspace, state, ui);
    }
    state.screen_check.take_keys(ui.ctx());
    let mut context = UiContext {
        workspace,
        state,
        actions: Vec::new(),
    };
    context.state.loupe.release(ui.ctx());
    context.state.focus.settle(ui.ctx(), &parts(workspace));
    let (open, asking) = is_asking(&context);
    if !open && !asking {
        super::tags::take_keys(&mut context, ui);
        super::evaluation::take_keys(&mut context, ui);
        // In the list Escape goes back to the pictures at once.
        context.state.hands.escape_is_taken =
            !workspace.page_is_shown() && context.state.focus.gives_back(ui.ctx());
    }
    context.state.windows.screen = super::windows::screen_of(&context, ui.ctx());
    super::record_timeline::take_keys(ui);
    take_keys(&mut context, ui);
    let empty = workspace.is_empty();
    let cells = !workspace.page_is_shown() && !empty;
    // Views fill their own room, so where they are most of the rest are panels.
    let back = &mut context.state.back;
    back.begin(ui, if cells { theme::PANEL } else { theme::APP });
    let back = *back;
    let bar = |margin: Margin| {
        Frame::new()
            .fill(back.fill(theme::PANEL))
            .inner_margin(margin)
    };
    Panel::top("menu")
        .frame(bar(Margin::symmetric(6, 3)))
        .show(ui, |ui| {
            context.state.focus.enter(ui.ctx(), Part::Menu);
            menu_bar::menu_bar_ui(&mut context, ui);
        });
    let shown = parts(workspace);
    if !empty {
        Panel::top("identity")
            .exact_size(30.0)
            .frame(bar(Margin::symmetric(10, 2)).fill(back.fill(theme::APP)))
            .show(ui, |ui| banner::banner_ui(&mut context, ui));
    }
    if keeping::has_alarm(&context) {
        Panel::top("not-saved")
            .exact_size(30.0)
            .frame(bar(Margin::symmetric(10, 2)))
            .show(ui, |ui| keeping::alarm_ui(&context, ui));
    }
    if shown.contains(&Part::Status) {
        Panel::bottom("status")
            .exact_size(26.0)
            .frame(bar(Margin::symmetric(10, 2)))
            .show(ui, |ui| {
                context.state.focus.enter(ui.ctx(), Part::Status);
                status_bar::status_bar_ui(&mut context, ui);
            });
    }
    if shown.contains(&Part::Browser) {
        Panel::left("browser")
            .default_size(study_browser::WIDTH)
            .size_range(160.0..=320.0)
            .frame(bar(Margin::symmetric(8, 0)))
            .show(ui, |ui| {
                context.state.focus.enter(ui.ctx(), Part::Browser);
                study_browser::study_browser_ui(&mut context, ui);
            });
    }
    if shown.contains(&Part::Side) {
        Panel::right("side")
            .default_size(side_panel::WIDTH)
            .size_range(260.0..=360.0)
            .frame(bar(Margin::symmetric(12, 0)))
            .show(ui, |ui| {
                context.state.focus.enter(ui.ctx(), Part::Side);
                side_panel::side_panel_ui(&mut context, ui);
            });
    }
    if cells {
        super::filter_panel::filter_panel_ui(&mut context, ui);
    }
    CentralPanel::default().frame(Frame::new()).show(ui, |ui| {
        let rect = ui.available_rect_before_wrap();
        if workspace.list.shown {
            super::study_list::study_list_ui(&mut context, ui, rect);
        } else if workspace.evaluation.shown {
            super::evaluation::evaluation_ui(&mut context, ui, rect);
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
    super::screen_check::screen_check_ui(&mut context, ui);
    super::training_panel::training_panel_ui(&mut context, ui);
    super::tags::tags_ui(&mut context, ui);
    palette::palette_ui(&mut context, ui);
    help::help_ui(&mut context, ui);
    settings::settings_ui(&mut context, ui);
    picture_dialog::picture_dialog_ui(&mut context, ui);
    deid_dialog::deid_dialog_ui(&mut context, ui);
    super::audit_window::audit_ui(&mut context, ui);
    super::cohort_window::cohort_ui(&mut context, ui);
    super::search_window::search_ui(&mut context, ui);
    super::mapping_question::mapping_ui(&mut context, ui);
    lock_screen::reason_ui(&mut context, ui);
    layout_picker::layout_picker_ui(&mut context, ui);
    protocol_editor::protocol_editor_ui(&mut context, ui);
    mixing::mixing_ui(&mut context, ui);
    unlock::unlock_ui(&mut context, ui);
    link_question::link_question_ui(&mut context, ui);
    number_fields::monitor_field_ui(&mut context, ui);
    calibration::calibration_ui(&mut context, ui);
    keeping::store_question_ui(&mut context, ui);
    keeping::closing_ui(&mut context, ui);
    context.state.focus.remember(ui.ctx());
    lock_screen::watch_idle(&mut context, ui.ctx());
    context.actions
}

/// The panels on the screen, in the order of the walk through them.
fn parts(workspace: &Workspace) -> Vec<Part> {
    let (settings, empty) = (&workspace.settings, workspace.is_empty());
    let sides = !empty && !workspace.page_is_shown();
    [
        (true, Part::Menu),
        (settings.show_browser && sides, Part::Browser),
        (settings.show_side && sides, Part::Side),
        (settings.show_status || empty, Part::Status),
    ]
    .into_iter()
    .filter_map(|(on, part)| on.then_some(part))
    .collect()
}

/// Whether something is open that takes the keys for itself.
fn is_asking(context: &UiContext<'_>) -> (bool, bool) {
    let (workspace, state) = (context.workspace, &context.state);
    let asking = workspace.passphrases.asking.is_some()
        || workspace.linking.asking
        || workspace.marks.asking.is_some()
        || workspace.mapping.is_some()
        || workspace.marks.closing
        || workspace.mixing.asking.is_some()
        || matches!(workspace.calibrating.asked, Asked::Length(_))
        || state.picker.open
        || state.window_field.is_some()
        || state.monitor_field.is_some();
    let open = state.palette.is_some()
        || state.help
        || state.settings.is_some()
        || state.deid_dialog.is_some()
        || workspace.access.asking_reason
        || workspace.search.open
        || state.picture_dialog.is_some();
    (open, asking)
}

/// Turns the keys of the window that is drawn into commands, unless something asks.
pub(super) fn take_keys(context: &mut UiContext<'_>, ui: &Ui) {
    let (open, asking) = is_asking(context);
    if !open && !asking {
        marks::keys(context, ui);
        super::segments::keys(context, ui);
        let workspace = context.workspace;
        let (map, tool) = (&workspace.settings.keys, workspace.tool);
        let wishes = keys::pressed(
            ui.ctx(),
            map,
            &mut context.state.hands,
            tool,
            std::time::Instant::now(),
            |command| workspace.is_enabled(command) && !workspace.page_is_shown(),
        );
        // What is about a picture has none to act on while a page is in its place.
        let page = workspace.evaluation.shown;
        let acts = |wish: &keys::Wish| match wish {
            keys::Wish::Run(command) => !page || !command.row().group.is_of_pictures(),
            keys::Wish::Tool(_) => !page,
        };
        context
            .actions
            .extend(wishes.into_iter().filter(acts).map(|wish| match wish {
                keys::Wish::Run(command) => Action::Run(command),
                keys::Wish::Tool(tool) => Action::Tool(tool),
            }));
    } else if ui.input(|i| i.key_pressed(Key::Escape)) {
        context.state.palette = None;
        context.state.help = false;
    }
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
        super::halo::haloed(
            &painter,
            at,
            egui::Align2::CENTER_CENTER,
            text,
            18.0,
            theme::ACCENT,
        );
    }
}

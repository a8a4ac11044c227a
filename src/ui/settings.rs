//! Preferences: language, colours and sizes; keys with their profiles; buttons of the mouse.

use super::{context::UiContext, keys, screen_check, theme, widgets};
use crate::{
    i18n::Language,
    tools::{MouseUse, Press},
    workspace::{
        Action, Command,
        command::{Group, TABLE},
        keymap::{Chord, KeyMap, Profile},
        settings::{SCALE_RANGE, Settings, Theme},
    },
};
use egui::{
    Button, ComboBox, DragValue, Grid, Key, RichText, ScrollArea, Slider, TextEdit, Ui, vec2,
};

/// Which page is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Page {
    /// Language, colours, sizes.
    #[default]
    General,
    /// Keys.
    Keys,
    /// Buttons of the mouse.
    Mouse,
    /// How monitors were measured.
    Screen,
}

/// The open preferences.
#[derive(Clone, Debug, Default)]
pub struct SettingsView {
    page: Page,
    query: String,
    /// The command that waits for a key.
    binding: Option<Command>,
    /// A key that belongs to another command.
    clash: Option<(Command, Chord, Command)>,
    /// The monitor on the page of screens.
    monitor: Option<String>,
}

impl SettingsView {
    /// The preferences, open at a page.
    pub fn at(page: Page) -> Self {
        Self {
            page,
            ..Self::default()
        }
    }

    /// The same, with the commands narrowed to those that match.
    #[must_use]
    pub fn searching(mut self, query: &str) -> Self {
        query.clone_into(&mut self.query);
        self
    }
}

const WIDTH: f32 = 640.0;

/// Draws the preferences when they are open.
pub fn settings_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    let Some(mut view) = context.state.settings.take() else {
        return;
    };
    // While a key is waited for, Escape means that key's question and not the window.
    let waiting = view.binding.is_some() || view.clash.is_some();
    let mut settings = None;
    let screen = ui.ctx().content_rect();
    let frame = egui::Frame::popup(ui.style()).inner_margin(16.0);
    let modal = egui::Modal::new(egui::Id::unique("settings")).frame(frame);
    let modal = modal.show(ui.ctx(), |ui| {
        ui.set_width(WIDTH.min(screen.width() - 40.0));
        ui.heading(context.word("settings-title"));
        ui.horizontal(|ui| {
            for (page, key) in [
                (Page::General, "settings-general"),
                (Page::Keys, "settings-keys"),
                (Page::Mouse, "settings-mouse"),
                (Page::Screen, "settings-screen"),
            ] {
                ui.selectable_value(&mut view.page, page, context.word(key));
            }
        });
        ui.separator();
        let height = (screen.height() - 220.0).clamp(160.0, 460.0);
        settings = match view.page {
            Page::General => general(context, ui),
            Page::Keys => keys_page(context, ui, &mut view, height),
            Page::Mouse => mouse_page(context, ui, height),
            Page::Screen => {
                let chosen = view.monitor.take();
                view.monitor = screen_check::screen_setting_ui(context, ui, chosen);
                None
            }
        };
        ui.add_space(8.0);
        ui.button(context.word("button-close")).clicked()
    });
    if let Some(settings) = settings {
        context.actions.push(Action::Settings(Box::new(settings)));
    }
    if !modal.inner && (waiting || !modal.should_close()) {
        context.state.settings = Some(view);
    }
}

fn general(context: &UiContext<'_>, ui: &mut Ui) -> Option<Settings> {
    let now = &context.workspace.settings;
    let mut new = now.clone();
    Grid::new("general")
        .num_columns(2)
        .spacing([24.0, 10.0])
        .show(ui, |ui| {
            ui.label(context.word("menu-language"));
            ui.horizontal(|ui| {
                for language in Language::ALL {
                    ui.radio_value(&mut new.language, language, language.own_name());
                }
            });
            ui.end_row();
            ui.label(context.word("settings-theme"));
            ui.horizontal(|ui| {
                let dark = context.word("settings-theme-dark");
                ui.radio_value(&mut new.theme, Theme::Dark, dark);
                let light = context.word("settings-theme-light");
                ui.radio_value(&mut new.theme, Theme::Light, light);
            });
            ui.end_row();
            let label = ui.label(context.word("settings-scale"));
            // The slider would move under the pointer if the size followed it at once: it follows the release.
            let id = ui.scope_id().with("scale");
            let held = ui.data(|d| d.get_temp::<u16>(id));
            let mut percent = held.unwrap_or(now.scale_percent);
            let slider = Slider::new(&mut percent, SCALE_RANGE.0..=SCALE_RANGE.1)
                .step_by(5.0)
                .suffix(" %");
            let response = ui.add(slider).labelled_by(label.id);
            if response.dragged() {
                ui.data_mut(|d| d.insert_temp(id, percent));
            } else {
                ui.data_mut(|d| d.remove_temp::<u16>(id));
                new.set_scale(percent);
            }
            ui.end_row();
            let label = ui.label(context.word("settings-lock"));
            ui.horizontal(|ui| {
                let field = DragValue::new(&mut new.lock_after_minutes).range(0..=240);
                ui.add(field).labelled_by(label.id);
                ui.label(context.word("settings-lock-minutes"));
            });
            ui.end_row();
        });
    let of = |s: &Settings| (s.language, s.theme, s.scale_percent, s.lock_after_minutes);
    let same = of(&new) == of(now);
    (!same).then_some(new)
}

fn with_keys(context: &UiContext<'_>, keys: KeyMap) -> Settings {
    Settings {
        keys,
        ..context.workspace.settings.clone()
    }
}

fn keys_page(
    context: &UiContext<'_>,
    ui: &mut Ui,
    view: &mut SettingsView,
    height: f32,
) -> Option<Settings> {
    let map = &context.workspace.settings.keys;
    let mut new = None;
    ui.horizontal(|ui| {
        let label = ui.label(context.word("settings-key-profile"));
        let mut profile = map.profile();
        ComboBox::from_id_salt("profile")
            .selected_text(profile.own_name())
            .show_ui(ui, |ui| {
                for one in Profile::ALL {
                    ui.selectable_value(&mut profile, one, one.own_name());
                }
            })
            .response
            .labelled_by(label.id);
        if profile != map.profile() {
            new = Some(map.with_profile(profile));
        }
        let field = TextEdit::singleline(&mut view.query).desired_width(180.0);
        let hint = context.word("settings-key-search");
        let response = ui.add(field.hint_text(hint));
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::TextInput, true, hint));
        let changed = !map.own().is_empty();
        let reset = Button::new(context.word("settings-key-reset-all"));
        if ui.add_enabled(changed, reset).clicked() {
            new = Some(map.with_defaults());
        }
    });
    ui.add_space(4.0);
    question(context, ui, view, map, &mut new);
    ScrollArea::vertical()
        .max_height(height)
        .min_scrolled_height(height)
        .auto_shrink([false, true])
        .show(ui, |ui| {
            for group in Group::ALL {
                group_of_keys(context, ui, view, group, &mut new);
            }
        });
    new.map(|keys| with_keys(context, keys))
}

/// Waits for a key, and asks before it is taken from another command.
fn question(
    context: &UiContext<'_>,
    ui: &mut Ui,
    view: &mut SettingsView,
    map: &KeyMap,
    new: &mut Option<KeyMap>,
) {
    if let Some((command, chord, holder)) = view.clash.clone() {
        let args = [
            ("key", keys::display(&chord.to_string()).into()),
            ("command", context.word(holder.row().message_key).into()),
        ];
        ui.horizontal_wrapped(|ui| {
            ui.label(RichText::new(context.tr("settings-key-taken", &args)).color(theme::WARN));
            if ui.button(context.word("settings-key-take")).clicked() {
                *new = Some(added(map, command, &chord));
                view.clash = None;
            }
            if ui.button(context.word("button-cancel")).clicked() {
                view.clash = None;
            }
        });
    } else if let Some(command) = view.binding {
        let name = context.word(command.row().message_key);
        let text = context.tr("settings-key-press", &[("command", name.into())]);
        ui.label(RichText::new(text).color(theme::ACCENT));
        let chord = ui.input_mut(|i| {
            let found = i.events.iter().find_map(keys::chord_of);
            if found.is_some() {
                i.events.clear();
            }
            found
        });
        if let Some(chord) = chord {
            view.binding = None;
            if chord.key != "Escape" {
                match map.holder(&chord).filter(|holder| *holder != command) {
                    Some(holder) => view.clash = Some((command, chord, holder)),
                    None => *new = Some(added(map, command, &chord)),
                }
            }
        }
    } else {
        ui.label(RichText::new(context.word("settings-key-hint")).color(theme::TEXT_DIM));
    }
}

fn added(map: &KeyMap, command: Command, chord: &Chord) -> KeyMap {
    let mut chords = map.chords(command).to_vec();
    chords.push(chord.clone());
    map.with_chords(command, &chords)
}

fn group_of_keys(
    context: &UiContext<'_>,
    ui: &mut Ui,
    view: &mut SettingsView,
    group: Group,
    new: &mut Option<KeyMap>,
) {
    let map = &context.workspace.settings.keys;
    let query = view.query.trim().to_lowercase();
    let rows = TABLE.iter().filter(|row| {
        let name = context.word(row.message_key).to_lowercase();
        let of_key = |chord: &Chord| chord.to_string().to_lowercase() == query;
        row.group == group && (name.contains(&query) || map.chords(row.command).iter().any(of_key))
    });
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        return;
    }
    widgets::section(ui, context.word(group.message_key()), None);
    for row in rows {
        let name = context.word(row.message_key);
        ui.horizontal(|ui| {
            let left = egui::Layout::left_to_right(egui::Align::Center);
            ui.allocate_ui_with_layout(vec2(250.0, 22.0), left, |ui| {
                ui.set_min_width(250.0);
                ui.add(egui::Label::new(name).truncate());
            });
            for chord in map.chords(row.command) {
                let text = keys::display(&chord.to_string());
                let button = Button::new(RichText::new(text).monospace().size(theme::SMALL_PT));
                let remove = ui
                    .add(button)
                    .on_hover_text(context.word("settings-key-remove"));
                if remove.clicked() {
                    let left: Vec<Chord> = map.chords(row.command).to_vec();
                    let left: Vec<Chord> = left.into_iter().filter(|c| c != chord).collect();
                    *new = Some(map.with_chords(row.command, &left));
                }
            }
            let add = ui
                .small_button("+")
                .on_hover_text(context.word("settings-key-add"));
            let label = context.tr("settings-key-add-for", &[("command", name.into())]);
            add.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, label.clone()));
            if add.clicked() {
                view.binding = Some(row.command);
                view.clash = None;
            }
            let own = map.own().contains_key(row.command.name());
            if own
                && ui
                    .small_button(context.word("settings-key-reset"))
                    .clicked()
            {
                *new = Some(map.with_default(row.command));
            }
        });
    }
}

fn mouse_page(context: &UiContext<'_>, ui: &mut Ui, height: f32) -> Option<Settings> {
    let now = &context.workspace.settings.mouse;
    let mut new = now.clone();
    ui.label(RichText::new(context.word("settings-mouse-hint")).color(theme::TEXT_DIM));
    let area = ScrollArea::vertical().max_height(height);
    area.min_scrolled_height(height).show(ui, |ui| {
        Grid::new("mouse")
            .num_columns(2)
            .spacing([24.0, 6.0])
            .show(ui, |ui| {
                for press in Press::all() {
                    let label = ui.label(press_text(context, press));
                    let mut meaning = now.meaning(press);
                    ComboBox::from_id_salt(("press", press))
                        .width(260.0)
                        .selected_text(context.word(meaning.message_key()))
                        .show_ui(ui, |ui| {
                            for one in MouseUse::ALL {
                                let text = context.word(one.message_key());
                                ui.selectable_value(&mut meaning, one, text);
                            }
                        })
                        .response
                        .labelled_by(label.id);
                    new.set(press, meaning);
                    ui.end_row();
                }
            });
    });
    ui.add_space(4.0);
    if ui.button(context.word("settings-mouse-reset")).clicked() {
        new = crate::tools::MouseMap::default();
    }
    (new != *now).then(|| Settings {
        mouse: new,
        ..context.workspace.settings.clone()
    })
}

fn press_text(context: &UiContext<'_>, press: Press) -> String {
    let (button, ctrl, shift) = press.parts();
    let button = context.word(match button {
        "middle" => "mouse-middle",
        "right" => "mouse-right",
        _ => "mouse-left",
    });
    let held = match (ctrl, shift) {
        (true, true) => "Ctrl+Shift+",
        (true, false) => "Ctrl+",
        (false, true) => "Shift+",
        (false, false) => "",
    };
    format!("{held}{button}")
}

/// Opens the preferences at a page, or closes them.
pub fn toggle(settings: &mut Option<SettingsView>, page: Page) {
    *settings = match settings {
        Some(_) => None,
        None => Some(SettingsView::at(page)),
    };
}

/// Whether Escape closes them: not while a key is waited for.
pub fn takes_escape(settings: Option<&SettingsView>, ui: &Ui) -> bool {
    settings.is_some_and(|s| s.binding.is_none()) && ui.input(|i| i.key_pressed(Key::Escape))
}

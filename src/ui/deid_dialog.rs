//! Asking how copies without identity are made: the profile's options, what would change, where to.

use super::{context::UiContext, theme, widgets};
use crate::{
    dicom::deid::{BurnedIn, DeidOption, DeidOptions},
    workspace::{
        Action,
        deid::{DeidAction, DeidWish, Preview},
    },
};
use egui::{Button, Grid, RichText, ScrollArea, TextEdit, Ui, vec2};
use std::path::PathBuf;

/// Width of the question, points.
const WIDTH: f32 = 720.0;

/// What is chosen so far.
#[derive(Clone, Debug)]
pub struct DeidDialog {
    options: DeidOptions,
    burned: Burned,
    keep_key: bool,
    folder: String,
    /// The options of which the preview was asked for.
    looked_at: Option<DeidOptions>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Burned {
    Report,
    Mask,
    Refuse,
}

/// The options in the order of the question, in two columns: what stays, what is cleaned.
const RETAIN: [DeidOption; 7] = [
    DeidOption::RetainPatient,
    DeidOption::RetainModifiedDates,
    DeidOption::RetainFullDates,
    DeidOption::RetainDevice,
    DeidOption::RetainInstitution,
    DeidOption::RetainUids,
    DeidOption::RetainSafePrivate,
];
const CLEAN: [DeidOption; 4] = [
    DeidOption::CleanDescriptors,
    DeidOption::CleanStructuredContent,
    DeidOption::CleanGraphics,
    DeidOption::CleanFaces,
];

const fn key_of(option: DeidOption) -> &'static str {
    match option {
        DeidOption::RetainUids => "deid-retain-uids",
        DeidOption::RetainDevice => "deid-retain-device",
        DeidOption::RetainInstitution => "deid-retain-institution",
        DeidOption::RetainPatient => "deid-retain-patient",
        DeidOption::RetainFullDates => "deid-retain-full-dates",
        DeidOption::RetainModifiedDates => "deid-retain-modified-dates",
        DeidOption::CleanDescriptors => "deid-clean-descriptors",
        DeidOption::CleanStructuredContent => "deid-clean-structured-content",
        DeidOption::CleanGraphics => "deid-clean-graphics",
        DeidOption::RetainSafePrivate => "deid-retain-safe-private",
        DeidOption::CleanPixels => "deid-clean-pixels",
        DeidOption::CleanFaces => "deid-clean-faces",
    }
}

impl DeidDialog {
    /// Begins with the profile alone: what leaves by default says the least.
    pub fn new() -> Self {
        Self {
            options: DeidOptions::default(),
            burned: Burned::Report,
            keep_key: false,
            folder: String::new(),
            looked_at: None,
        }
    }
}

impl Default for DeidDialog {
    fn default() -> Self {
        Self::new()
    }
}

/// Draws the question when it is open.
pub fn deid_dialog_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    let Some(mut dialog) = context.state.deid_dialog.take() else {
        return;
    };
    if let Some(folder) = &context.workspace.deid.chosen
        && dialog.folder.is_empty()
    {
        dialog.folder = folder.to_string_lossy().into_owned();
    }
    if dialog.looked_at != Some(dialog.options) && !context.workspace.deid.looking {
        dialog.looked_at = Some(dialog.options);
        let action = DeidAction::Look(dialog.options);
        context.actions.push(Action::Deid(action));
    }
    let (mut write, mut close) = (false, false);
    let frame = egui::Frame::popup(ui.style()).inner_margin(16.0);
    let modal = egui::Modal::new(egui::Id::unique("deid")).frame(frame);
    let modal = modal.show(ui.ctx(), |ui| {
        ui.set_width(WIDTH.min(ui.ctx().content_rect().width() - 40.0));
        ui.heading(context.word("deid-title"));
        let files = context.workspace.study_files().len();
        let text = context.tr("deid-text", &[("count", files.into())]);
        ui.label(RichText::new(text).color(theme::TEXT_DIM));
        ui.add_space(8.0);
        ui.columns(2, |columns| {
            if let [left, right] = columns {
                options_ui(context, left, "deid-stays", &RETAIN, &mut dialog.options);
                options_ui(context, right, "deid-cleaned", &CLEAN, &mut dialog.options);
                right.add_space(8.0);
                burned_ui(context, right, &mut dialog.burned);
            }
        });
        ui.add_space(8.0);
        preview_ui(context, ui);
        ui.add_space(8.0);
        folder_ui(context, ui, &mut dialog);
        ui.add_space(10.0);
        ui.horizontal(|ui| {
            let ready = !dialog.folder.trim().is_empty() && files > 0;
            write = widgets::main_button(ui, context.word("deid-write"), ready).clicked();
            let button = Button::new(context.word("button-cancel")).min_size(vec2(96.0, 30.0));
            close = ui.add(button).clicked();
        });
    });
    if write {
        let wish = DeidWish {
            options: dialog.options,
            burned: match dialog.burned {
                Burned::Report => BurnedIn::Report,
                Burned::Mask => BurnedIn::Mask(Vec::new()),
                Burned::Refuse => BurnedIn::Refuse,
            },
            keep_key: dialog.keep_key,
            out: PathBuf::from(dialog.folder.trim()),
        };
        let action = DeidAction::Write(Box::new(wish));
        context.actions.push(Action::Deid(action));
    }
    if write || close || modal.should_close() {
        context.actions.push(Action::Deid(DeidAction::Close));
    } else {
        context.state.deid_dialog = Some(dialog);
    }
}

fn options_ui(
    context: &UiContext<'_>,
    ui: &mut Ui,
    title: &'static str,
    shown: &[DeidOption],
    options: &mut DeidOptions,
) {
    ui.label(
        RichText::new(context.word(title))
            .strong()
            .color(theme::TEXT),
    );
    for option in shown {
        let mut on = options.has(*option);
        if ui
            .checkbox(&mut on, context.word(key_of(*option)))
            .changed()
        {
            *options = match on {
                true => options.with(*option),
                false => options.without(*option),
            };
            // Dates stay, or they are moved.
            if options.contradict() {
                *options = match option {
                    DeidOption::RetainFullDates => options.without(DeidOption::RetainModifiedDates),
                    _ => options.without(DeidOption::RetainFullDates),
                };
            }
        }
    }
}

fn burned_ui(context: &UiContext<'_>, ui: &mut Ui, burned: &mut Burned) {
    let title = RichText::new(context.word("deid-burned")).strong();
    ui.label(title.color(theme::TEXT));
    for (value, key) in [
        (Burned::Report, "deid-burned-report"),
        (Burned::Mask, "deid-burned-mask"),
        (Burned::Refuse, "deid-burned-refuse"),
    ] {
        ui.radio_value(burned, value, context.word(key));
    }
}

/// What would change in the first object of the study.
fn preview_ui(context: &UiContext<'_>, ui: &mut Ui) {
    let deid = &context.workspace.deid;
    let preview = match &deid.preview {
        Some(Ok(preview)) => preview,
        Some(Err(reason)) => {
            ui.label(RichText::new(reason).color(theme::ERROR));
            return;
        }
        None => {
            ui.label(RichText::new(context.word("deid-looking")).color(theme::TEXT_DIM));
            return;
        }
    };
    let gone = preview.lines.iter().filter(|l| l.action == "X").count();
    let numbers = [("count", preview.lines.len().into()), ("gone", gone.into())];
    let title = RichText::new(context.tr("deid-preview", &numbers)).strong();
    ui.label(title.color(theme::TEXT));
    if !preview.risk.is_empty() {
        let lines = [("count", preview.text.into())];
        let text = RichText::new(context.tr("deid-pixel-text", &lines));
        ui.label(text.color(theme::WARN));
    }
    if preview.refused > 0 {
        let told = [
            ("count", preview.refused.into()),
            ("reason", preview.reason.as_str().into()),
        ];
        let text = RichText::new(context.tr("deid-refused", &told));
        ui.label(text.color(theme::WARN));
    }
    ScrollArea::vertical()
        .id_salt("deid preview")
        .max_height(150.0)
        .auto_shrink([false, true])
        .show(ui, |ui| lines_ui(context, ui, preview));
}

fn lines_ui(context: &UiContext<'_>, ui: &mut Ui, preview: &Preview) {
    Grid::new("deid lines")
        .num_columns(3)
        .spacing([16.0, 2.0])
        .striped(true)
        .show(ui, |ui| {
            for line in &preview.lines {
                let key = match line.action {
                    "X" => "deid-action-removed",
                    "Z" => "deid-action-emptied",
                    "U" => "deid-action-uid",
                    "C" => "deid-action-cleaned",
                    _ => "deid-action-replaced",
                };
                let small = |text: &str| RichText::new(text).size(theme::SMALL_PT);
                ui.label(small(context.word(key)).color(theme::TEXT_DIM));
                ui.label(small(line.name).color(theme::TEXT));
                // Deep in sequences it is long, and stands where nothing comes after it.
                ui.label(small(&line.at).monospace().color(theme::TEXT_DIM));
                ui.end_row();
            }
        });
}

fn folder_ui(context: &mut UiContext<'_>, ui: &mut Ui, dialog: &mut DeidDialog) {
    ui.horizontal(|ui| {
        let label = ui.label(context.word("deid-folder"));
        let edit = TextEdit::singleline(&mut dialog.folder)
            .id(egui::Id::unique("deid folder"))
            .hint_text(context.word("deid-folder-hint"))
            .desired_width(ui.available_width() - 90.0);
        ui.add(edit).labelled_by(label.id);
        if ui.button(context.word("deid-choose")).clicked() {
            dialog.folder.clear();
            context.actions.push(Action::Deid(DeidAction::Choose));
        }
    });
    ui.checkbox(&mut dialog.keep_key, context.word("deid-keep-key"));
}

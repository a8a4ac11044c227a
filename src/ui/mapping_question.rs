//! Asking what the columns of a table mean: columns with their first values, the meaning of each, and how its first rows
//! would be read.

use super::{context::UiContext, theme, widgets};
use crate::{
    clinical::{
        FhirError,
        measures::UnitFrom,
        table_draft::{ROLES, TYPES},
    },
    i18n::Value,
    workspace::{Action, mapping::MappingAction},
};
use egui::{ComboBox, Grid, RichText, ScrollArea, TextEdit, Ui, vec2};

/// Width of the question, points.
const WIDTH: f32 = 960.0;
/// Width of the name of a column, points.
const NAME: f32 = 170.0;
/// Values of a column that are shown.
const VALUES: usize = 3;
/// Rows of the preview.
const ROWS: usize = 8;
/// Faults of rows that are listed.
const FAULTS: usize = 100;

/// Draws the question when it is open.
pub fn mapping_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    if context.workspace.mapping.is_none() {
        return;
    }
    let frame = egui::Frame::popup(ui.style()).inner_margin(16.0);
    let modal = egui::Modal::new(egui::Id::unique("mapping")).frame(frame);
    let mut actions = Vec::new();
    let modal = modal.show(ui.ctx(), |ui| {
        ui.set_width(WIDTH.min(ui.ctx().content_rect().width() - 40.0));
        question_ui(context, ui, &mut actions);
    });
    if modal.should_close() {
        actions.push(MappingAction::Cancel);
    }
    let actions = actions.into_iter().map(Action::Mapping);
    context.actions.extend(actions);
}

fn question_ui(context: &UiContext<'_>, ui: &mut Ui, actions: &mut Vec<MappingAction>) {
    let Some(question) = &context.workspace.mapping else {
        return;
    };
    let (look, draft) = (&question.look, &question.draft);
    ui.heading(context.word("mapping-title"));
    let told = context.tr(
        "mapping-text",
        &[
            ("name", question.name().as_str().into()),
            ("rows", Value::from(look.count)),
            ("columns", Value::from(look.header.len())),
        ],
    );
    ui.label(RichText::new(told).color(theme::TEXT_DIM));
    ui.add_space(8.0);
    ui.horizontal_wrapped(|ui| {
        ui.label(context.word("mapping-rows-are"));
        ComboBox::from_id_salt("mapping resource")
            .selected_text(context.word(resource_key(&draft.resource)))
            .width(150.0)
            .show_ui(ui, |ui| {
                for resource in TYPES {
                    let word = context.word(resource_key(resource));
                    let chosen = draft.resource == resource;
                    if ui.selectable_label(chosen, word).clicked() {
                        actions.push(MappingAction::Resource(resource.to_owned()));
                    }
                }
            });
        if draft.resource == "Observation" {
            ui.label(context.word("mapping-category"));
            ComboBox::from_id_salt("mapping category")
                .selected_text(context.word(category_key(&draft.category)))
                .show_ui(ui, |ui| {
                    for category in ["laboratory", "vital-signs", "activity", ""] {
                        let word = context.word(category_key(category));
                        if ui
                            .selectable_label(draft.category == category, word)
                            .clicked()
                        {
                            actions.push(MappingAction::Category(category.to_owned()));
                        }
                    }
                });
        }
        ui.label(context.word("mapping-system"));
        let mut system = draft.system.clone();
        let field = TextEdit::singleline(&mut system).desired_width(220.0);
        if ui.add(field).changed() {
            actions.push(MappingAction::System(system));
        }
    });
    ui.add_space(6.0);
    ScrollArea::vertical()
        .id_salt("mapping columns")
        .max_height(210.0)
        .show(ui, |ui| columns_ui(context, ui, actions));
    ui.add_space(6.0);
    preview_ui(context, ui);
    ui.add_space(6.0);
    faults_ui(context, ui);
    ui.add_space(10.0);
    ui.horizontal(|ui| {
        let some = question.preview.as_ref().is_ok_and(|rows| !rows.is_empty());
        let ready = some && draft.unready().is_empty();
        if widgets::main_button(ui, context.word("mapping-import"), ready).clicked() {
            actions.push(MappingAction::Import { keep: false });
        }
        let keep = egui::Button::new(context.word("mapping-import-keep"));
        if ui
            .add_enabled(ready, keep.min_size(vec2(120.0, 30.0)))
            .clicked()
        {
            actions.push(MappingAction::Import { keep: true });
        }
        let cancel = egui::Button::new(context.word("mapping-cancel"));
        if ui.add(cancel.min_size(vec2(90.0, 30.0))).clicked() {
            actions.push(MappingAction::Cancel);
        }
    });
}

fn columns_ui(context: &UiContext<'_>, ui: &mut Ui, actions: &mut Vec<MappingAction>) {
    let Some(question) = &context.workspace.mapping else {
        return;
    };
    for (column, name) in question.look.header.iter().enumerate() {
        ui.horizontal(|ui| {
            ui.allocate_ui_with_layout(
                vec2(NAME, 24.0),
                egui::Layout::left_to_right(egui::Align::Center),
                |ui| {
                    ui.set_min_width(NAME);
                    widgets::line(ui, RichText::new(name).strong().color(theme::TEXT));
                },
            );
            role_ui(context, ui, column, name, actions);
            measure_ui(context, ui, column, name, actions);
            ui.add_space(8.0);
            let values: Vec<&str> = question
                .look
                .rows
                .iter()
                .filter_map(|row| row.get(column).map(|v| v.trim()))
                .filter(|v| !v.is_empty())
                .take(VALUES)
                .collect();
            let text = RichText::new(values.join("    "));
            widgets::line(ui, text.size(theme::SMALL_PT).color(theme::TEXT_DIM));
        });
    }
}

/// The choice of what a column means.
fn role_ui(
    context: &UiContext<'_>,
    ui: &mut Ui,
    column: usize,
    name: &str,
    actions: &mut Vec<MappingAction>,
) {
    let Some(question) = &context.workspace.mapping else {
        return;
    };
    let role = question.draft.roles.get(column).copied().flatten();
    let none = context.word("mapping-role-none");
    let shown = role.map_or(none, |role| context.word(role_key(role)));
    let shown = RichText::new(shown).color(match role {
        Some(_) => theme::TEXT,
        None => theme::TEXT_FAINT,
    });
    let label = context.tr("mapping-role-of", &[("name", name.into())]);
    let combo = ComboBox::from_id_salt(("mapping role", column))
        .selected_text(shown)
        .width(170.0)
        .show_ui(ui, |ui| {
            if ui.selectable_label(role.is_none(), none).clicked() {
                actions.push(MappingAction::Role { column, role: None });
            }
            for word in ROLES {
                let chosen = role == Some(word);
                let text = context.word(role_key(word));
                if ui.selectable_label(chosen, text).clicked() {
                    let role = Some(word);
                    actions.push(MappingAction::Role { column, role });
                }
            }
        });
    combo
        .response
        .widget_info(|| egui::WidgetInfo::labeled(egui::Role::ComboBox, true, &label));
}

/// What a column is that is a measure: its name, its code, and its unit, which is asked for where nothing says it.
fn measure_ui(
    context: &UiContext<'_>,
    ui: &mut Ui,
    column: usize,
    name: &str,
    actions: &mut Vec<MappingAction>,
) {
    let Some(question) = &context.workspace.mapping else {
        return;
    };
    let Some(measure) = question.draft.measures.get(&column) else {
        return;
    };
    let field = |ui: &mut Ui, text: &str, width: f32, hint: &'static str| {
        let mut text = text.to_owned();
        let label = context.tr(hint, &[("name", name.into())]);
        let field = TextEdit::singleline(&mut text).desired_width(width);
        let response = ui.add(field).on_hover_text(&label);
        response.widget_info(|| {
            let mut info = egui::WidgetInfo::labeled(egui::Role::TextInput, true, &label);
            info.current_text_value = Some(text.clone());
            info
        });
        response.changed().then_some(text)
    };
    if let Some(text) = field(ui, &measure.display, 186.0, "mapping-measure-name") {
        actions.push(MappingAction::Display(column, text));
    }
    if let Some(text) = field(ui, &measure.loinc, 62.0, "mapping-measure-code") {
        actions.push(MappingAction::Loinc(column, text));
    }
    let ready = measure.is_ready();
    let label = context.tr("mapping-measure-unit", &[("name", name.into())]);
    let units = measure.units();
    if units.len() < 2 {
        let wished = field(ui, &measure.unit, 62.0, "mapping-measure-unit");
        if let Some(unit) = wished {
            actions.push(MappingAction::Unit(column, unit));
        }
    } else {
        let shown = match measure.unit.is_empty() {
            true => context.word("mapping-unit-which"),
            false => measure.unit.as_str(),
        };
        let color = if ready { theme::TEXT } else { theme::WARN };
        let combo = ComboBox::from_id_salt(("mapping unit", column))
            .selected_text(RichText::new(shown).color(color))
            .width(84.0)
            .show_ui(ui, |ui| {
                for unit in units {
                    if ui.selectable_label(unit == measure.unit, unit).clicked() {
                        actions.push(MappingAction::Unit(column, unit.to_owned()));
                    }
                }
            });
        combo
            .response
            .widget_info(|| egui::WidgetInfo::labeled(egui::Role::ComboBox, true, &label));
    }
    let (key, color) = match (ready, measure.from) {
        (false, _) => ("mapping-unit-unknown", theme::WARN),
        (true, UnitFrom::Name) => ("mapping-unit-name", theme::TEXT_FAINT),
        (true, UnitFrom::Values) => ("mapping-unit-values", theme::TEXT_FAINT),
        _ => return,
    };
    ui.label(
        RichText::new(context.word(key))
            .size(theme::SMALL_PT)
            .color(color),
    );
}

/// What is wrong with rows of the whole table, and how much it gives.
fn faults_ui(context: &UiContext<'_>, ui: &mut Ui) {
    let Some(question) = &context.workspace.mapping else {
        return;
    };
    let unready = question.draft.unready();
    if !unready.is_empty() {
        let names = unready.iter().filter_map(|c| question.look.header.get(*c));
        let names: Vec<&str> = names.map(|name| name.trim()).collect();
        let text = context.tr(
            "mapping-units-open",
            &[("names", names.join(", ").as_str().into())],
        );
        ui.label(RichText::new(text).color(theme::WARN));
    }
    let Some(checked) = &question.checked else {
        return;
    };
    let told = context.tr(
        "mapping-gives",
        &[
            ("rows", Value::from(checked.rows)),
            ("facts", Value::from(checked.facts)),
            ("empty", Value::from(checked.empty)),
        ],
    );
    widgets::dim(ui, told);
    let all: usize = checked.fault_counts.values().sum();
    if all == 0 {
        return;
    }
    let count = [("count", Value::from(all))];
    let title = RichText::new(context.tr("mapping-faults", &count)).color(theme::WARN);
    ui.label(title.size(theme::SMALL_PT));
    ScrollArea::vertical()
        .id_salt("mapping faults")
        .max_height(74.0)
        .show(ui, |ui| {
            for fault in checked.faults.iter().take(FAULTS) {
                let name = fault
                    .column
                    .checked_sub(1)
                    .and_then(|column| question.look.header.get(column));
                let text = context.tr(
                    "mapping-fault",
                    &[
                        ("row", Value::from(fault.row)),
                        ("name", name.map_or("–", |name| name.trim()).into()),
                        ("fault", context.word(fault_key(fault.code)).into()),
                    ],
                );
                let text = RichText::new(text).size(theme::SMALL_PT);
                widgets::line(ui, text.color(theme::TEXT_DIM));
            }
            if all > FAULTS {
                let count = [("count", (all - FAULTS).into())];
                widgets::dim(ui, context.tr("panel-more", &count));
            }
        });
}

fn preview_ui(context: &UiContext<'_>, ui: &mut Ui) {
    let Some(question) = &context.workspace.mapping else {
        return;
    };
    widgets::section(ui, context.word("mapping-preview"), None);
    match &question.preview {
        Err(FhirError::NoPatient) => {
            let text = RichText::new(context.word("mapping-no-patient"));
            ui.label(text.color(theme::WARN));
        }
        Err(error) => {
            ui.label(RichText::new(error.to_string()).color(theme::WARN));
        }
        Ok(rows) if rows.is_empty() => {
            ui.label(RichText::new(context.word("mapping-nothing")).color(theme::WARN));
        }
        Ok(rows) => {
            Grid::new("mapping preview")
                .num_columns(4)
                .spacing([18.0, 3.0])
                .show(ui, |ui| {
                    for row in rows.iter().take(ROWS) {
                        for (text, color) in [
                            (&row.when, theme::TEXT_DIM),
                            (&row.code, theme::TEXT_DIM),
                            (&row.words, theme::TEXT),
                            (&row.value, theme::TEXT),
                        ] {
                            let short: String = text.chars().take(40).collect();
                            ui.label(RichText::new(short).color(color));
                        }
                        ui.end_row();
                    }
                });
        }
    }
}

fn resource_key(resource: &str) -> &'static str {
    match resource {
        "Condition" => "mapping-condition",
        "MedicationRequest" => "mapping-medication",
        "Procedure" => "mapping-procedure",
        "Immunization" => "mapping-immunization",
        "AllergyIntolerance" => "mapping-allergy",
        "Patient" => "mapping-patients",
        _ => "mapping-observation",
    }
}

fn category_key(category: &str) -> &'static str {
    match category {
        "laboratory" => "mapping-laboratory",
        "vital-signs" => "mapping-vital-signs",
        "activity" => "mapping-activity",
        _ => "mapping-no-category",
    }
}

fn role_key(role: &str) -> &'static str {
    match role {
        "patient" => "mapping-role-patient",
        "date" => "mapping-role-date",
        "measure" => "mapping-role-measure",
        "end" => "mapping-role-end",
        "code" => "mapping-role-code",
        "display" => "mapping-role-display",
        "value" => "mapping-role-value",
        "unit" => "mapping-role-unit",
        "low" => "mapping-role-low",
        "high" => "mapping-role-high",
        "status" => "mapping-role-status",
        "id" => "mapping-role-id",
        "system" => "mapping-role-system",
        "dosage" => "mapping-role-dosage",
        "criticality" => "mapping-role-criticality",
        "family" => "mapping-role-family",
        "given" => "mapping-role-given",
        "birth_date" => "mapping-role-birth-date",
        "sex" => "mapping-role-sex",
        _ => "mapping-role-none",
    }
}

fn fault_key(code: &str) -> &'static str {
    match code {
        "ROW_NO_PATIENT" => "mapping-fault-patient",
        "ROW_NO_DATE" => "mapping-fault-no-date",
        "ROW_BAD_DATE" => "mapping-fault-date",
        "ROW_NOT_A_NUMBER" => "mapping-fault-number",
        "ROW_NO_CODE" => "mapping-fault-code",
        "ROW_NO_VALUE" => "mapping-fault-value",
        _ => "mapping-fault-fields",
    }
}

//! The patient's record as a chart: active problems first, abnormal values marked, dates absolute, codes on hover.

use super::{
    context::UiContext, overlay_text, record_graph, record_insight, record_quality, record_review,
    record_timeline, sparkline::sparkline, theme, widgets,
};
use crate::{
    i18n::Value,
    model::{
        date::Date,
        record::{Coding, ObservationSeries, ObservationValue, PatientRecord},
    },
    workspace::{
        Action, Command,
        insight::{Insight, RecordView},
        record_link::RecordState,
    },
};
use egui::{Color32, RichText, Ui, vec2};
use std::cmp::Ordering;

/// Entries of a section before "more".
const FIRST: usize = 8;

/// Draws the record of the active cell's patient.
pub fn record_panel_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    let (state, identity) = context.workspace.record.state();
    let (state, identity) = (state.clone(), identity.cloned());
    record_review::whose_ui(context, ui);
    match state {
        RecordState::Blank => message(ui, context.word("patient-none"), "", theme::TEXT_DIM),
        RecordState::Loading => message(ui, context.word("panel-loading"), "", theme::TEXT_DIM),
        RecordState::NoStore | RecordState::Absent => {
            message(
                ui,
                context.word("panel-no-record"),
                context.word("panel-no-record-detail"),
                theme::TEXT_DIM,
            );
            if ui
                .button(context.word(Command::ImportRecord.row().message_key))
                .clicked()
            {
                context.run(Command::ImportRecord);
            }
        }
        RecordState::Failed(reason) => {
            message(ui, context.word("panel-failed"), &reason, theme::ERROR)
        }
        RecordState::Mismatch => mismatch(context, ui),
        RecordState::Found {
            record,
            insight,
            sure,
        } => {
            if context.workspace.settings.hide_identity {
                message(ui, context.word("panel-identity-hidden"), "", theme::WARN);
                return;
            }
            if !sure {
                message(
                    ui,
                    context.word("panel-not-sure"),
                    context.word("panel-not-sure-shown"),
                    theme::WARN,
                );
            }
            let name = overlay_text::name_text(context.language(), &record.identity);
            ui.add_space(4.0);
            ui.horizontal(|ui| {
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    score(context, ui, &insight);
                    ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                        widgets::line(ui, RichText::new(name).size(15.0).strong());
                    });
                });
            });
            let day = identity.and(
                context
                    .workspace
                    .active_viewport()
                    .and_then(|v| v.study()?.date),
            );
            let mut born = overlay_text::birth_text(context.language(), &record.identity, day);
            if let Some(died) = record.deceased {
                born = format!(
                    "{born}  {}",
                    context.tr(
                        "patient-deceased",
                        &[("date", died.to_string().as_str().into())]
                    )
                );
            }
            widgets::dim(ui, born);
            views(context, ui);
            match context.workspace.record.view {
                RecordView::Chart => {
                    let part = context.workspace.record.part().cloned();
                    if part.is_some() {
                        ui.add_space(4.0);
                        ui.horizontal_wrapped(|ui| record_timeline::span_ui(context, ui));
                    }
                    record_ui(context, ui, part.as_ref().unwrap_or(&record));
                    record_review::duplicates_ui(context, ui, &insight.review);
                }
                RecordView::Timeline => {
                    record_timeline::timeline_ui(context, ui, &record, &insight)
                }
                RecordView::Considerations => {
                    record_insight::considerations_ui(context, ui, &insight)
                }
                RecordView::Genes => record_insight::genes_ui(context, ui, &record, &insight),
                RecordView::Graph => record_graph::graph_ui(context, ui, &record, &insight),
                RecordView::Quality => record_quality::quality_ui(context, ui, &insight),
            }
        }
    }
}

/// How good the data are, which opens the part about it.
fn score(context: &mut UiContext<'_>, ui: &mut Ui, insight: &Insight) {
    let Some(score) = insight.quality.score() else {
        return;
    };
    let shown = context.workspace.record.view == RecordView::Quality;
    let text = RichText::new(record_quality::percent(score))
        .size(theme::SMALL_PT)
        .color(record_quality::color(score));
    let name = context.word("panel-view-quality");
    let label = format!("{name} {}", record_quality::percent(score));
    let response = ui.selectable_label(shown, text).on_hover_text(name);
    response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, shown, &label));
    if response.clicked() {
        let view = match shown {
            true => RecordView::Chart,
            false => RecordView::Quality,
        };
        context.actions.push(Action::RecordView(view));
    }
}

/// The parts of the panel, one open at a time.
fn views(context: &mut UiContext<'_>, ui: &mut Ui) {
    let open = context.workspace.record.view;
    let views = [
        (RecordView::Chart, "panel-view-chart"),
        (RecordView::Timeline, "panel-view-timeline"),
        (RecordView::Considerations, "panel-view-considerations"),
        (RecordView::Genes, "panel-view-genes"),
        (RecordView::Graph, "panel-view-graph"),
    ];
    ui.add_space(6.0);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        for (view, key) in views {
            let text = RichText::new(context.word(key)).size(theme::SMALL_PT);
            if ui.selectable_label(view == open, text).clicked() {
                context.actions.push(Action::RecordView(view));
            }
        }
    });
}

fn message(ui: &mut Ui, title: &str, detail: &str, color: Color32) {
    ui.add_space(16.0);
    ui.label(RichText::new(title).strong().color(color));
    if !detail.is_empty() {
        widgets::dim(ui, detail);
    }
    ui.add_space(8.0);
}

/// Safety S4: red and empty.
fn mismatch(context: &UiContext<'_>, ui: &mut Ui) {
    let frame = egui::Frame::new()
        .fill(theme::ERROR.gamma_multiply(0.14))
        .stroke(egui::Stroke::new(1.0, theme::ERROR))
        .corner_radius(4.0)
        .inner_margin(12.0);
    ui.add_space(12.0);
    frame.show(ui, |ui| {
        ui.label(
            RichText::new(context.word("panel-mismatch"))
                .size(15.0)
                .strong()
                .color(theme::ERROR),
        );
        ui.label(RichText::new(context.word("panel-mismatch-detail")).color(theme::TEXT));
    });
}

fn record_ui(context: &UiContext<'_>, ui: &mut Ui, record: &PatientRecord) {
    allergies(context, ui, record);
    let active = |s: &str| matches!(s, "active" | "recurrence" | "relapse");
    section(
        context,
        ui,
        "panel-conditions",
        &record.conditions,
        |ui, c| {
            let color = if active(&c.clinical_status) {
                theme::TEXT
            } else {
                theme::TEXT_DIM
            };
            dated(
                ui,
                c.onset,
                &c.code,
                color,
                if active(&c.clinical_status) {
                    ""
                } else {
                    context.word("panel-resolved")
                },
            );
        },
    );
    section(
        context,
        ui,
        "panel-medications",
        &record.medications,
        |ui, m| {
            let on = m.status == "active";
            let color = if on { theme::TEXT } else { theme::TEXT_DIM };
            let suffix = if on {
                m.dosage.as_str()
            } else {
                context.word("panel-stopped")
            };
            dated(ui, m.authored, &m.code, color, suffix);
        },
    );
    observations(context, ui, record, "panel-labs", |o| {
        o.category == "laboratory"
    });
    observations(context, ui, record, "panel-vitals", |o| {
        o.category == "vital-signs"
    });
    section(
        context,
        ui,
        "panel-imaging-studies",
        &record.imaging_studies,
        |ui, s| {
            let modality = s.modalities.join("/");
            let code = Coding {
                display: [
                    modality.as_str(),
                    s.description.as_str(),
                    s.body_site.as_str(),
                ]
                .into_iter()
                .filter(|t| !t.is_empty())
                .collect::<Vec<_>>()
                .join("  "),
                code: s.study_uid.clone(),
                system: "DICOM".into(),
            };
            let open = context
                .workspace
                .library
                .series()
                .any(|n| !s.study_uid.is_empty() && n.study.uid == s.study_uid);
            let (color, suffix) = if open {
                (theme::ACCENT, context.word("panel-open-study"))
            } else {
                (theme::TEXT, "")
            };
            dated(ui, s.started, &code, color, suffix);
        },
    );
    section(context, ui, "panel-reports", &record.reports, |ui, r| {
        let suffix = r.text.lines().next().unwrap_or_default();
        dated(ui, r.date, &r.code, theme::TEXT, suffix);
    });
    section(
        context,
        ui,
        "panel-procedures",
        &record.procedures,
        |ui, p| dated(ui, p.performed, &p.code, theme::TEXT, ""),
    );
    section(
        context,
        ui,
        "panel-encounters",
        &record.encounters,
        |ui, e| dated(ui, e.start, &e.code, theme::TEXT, &e.reason),
    );
    section(
        context,
        ui,
        "panel-immunizations",
        &record.immunizations,
        |ui, i| dated(ui, i.date, &i.code, theme::TEXT, ""),
    );
    section(
        context,
        ui,
        "panel-care-plans",
        &record.care_plans,
        |ui, p| {
            let on = p.status == "active";
            let color = if on { theme::TEXT } else { theme::TEXT_DIM };
            dated(ui, p.start, &p.code, color, &p.activities.join(", "));
        },
    );
    section(context, ui, "panel-family", &record.family, |ui, r| {
        let had: Vec<String> = r
            .conditions
            .iter()
            .map(|c| match (c.onset.is_empty(), c.fatal) {
                (true, false) => c.code.display.clone(),
                (true, true) => format!("{} †", c.code.display),
                (false, false) => format!("{} ({})", c.code.display, c.onset),
                (false, true) => format!("{} ({}) †", c.code.display, c.onset),
            })
            .collect();
        let dead = if r.deceased { " †" } else { "" };
        let who = Coding {
            display: format!("{}{dead}", r.relationship.display),
            ..r.relationship.clone()
        };
        dated(ui, r.noted, &who, theme::TEXT, &had.join(", "));
    });
    claims(context, ui, record);
    observations(context, ui, record, "panel-other-observations", |o| {
        o.category != "laboratory" && o.category != "vital-signs"
    });
    let hidden: usize = record.counts.iter().filter(|c| !c.2).map(|c| c.1).sum();
    if hidden > 0 {
        ui.add_space(10.0);
        let kinds = record
            .counts
            .iter()
            .filter(|c| !c.2)
            .map(|c| format!("{} {}", c.1, c.0))
            .collect::<Vec<_>>()
            .join("\n");
        widgets::dim(
            ui,
            context.tr("panel-unknown-resources", &[("count", hidden.into())]),
        )
        .on_hover_text(kinds);
    }
}

/// Claims and what was paid, newest first; the sums by currency stand above.
fn claims(context: &UiContext<'_>, ui: &mut Ui, record: &PatientRecord) {
    let mut sums: Vec<(&str, f64, f64)> = Vec::new();
    for claim in &record.claims {
        let (asked, paid) = match claim.is_benefit {
            true => (0.0, claim.paid.unwrap_or(0.0)),
            false => (claim.total.unwrap_or(0.0), 0.0),
        };
        match sums.iter_mut().find(|s| s.0 == claim.currency) {
            Some(sum) => (sum.1, sum.2) = (sum.1 + asked, sum.2 + paid),
            None => sums.push((&claim.currency, asked, paid)),
        }
    }
    section(context, ui, "panel-claims", &record.claims, |ui, c| {
        let amount = if c.is_benefit { c.paid } else { c.total };
        let amount = amount
            .map(|a| format!("{a:.2} {}", c.currency))
            .unwrap_or_default();
        let color = if c.is_benefit {
            theme::TEXT_DIM
        } else {
            theme::TEXT
        };
        dated(ui, c.date, &c.code, color, &amount);
    });
    for (currency, asked, paid) in sums {
        let text = context.tr(
            "panel-claims-sum",
            &[
                ("asked", format!("{asked:.2}").as_str().into()),
                ("paid", format!("{paid:.2}").as_str().into()),
                ("currency", currency.into()),
            ],
        );
        widgets::dim(ui, text);
    }
}

fn allergies(context: &UiContext<'_>, ui: &mut Ui, record: &PatientRecord) {
    widgets::section(
        ui,
        context.word("panel-allergies"),
        (!record.allergies.is_empty()).then_some(record.allergies.len()),
    );
    if record.allergies.is_empty() {
        widgets::dim(ui, context.word("panel-no-allergies-recorded"));
        return;
    }
    for allergy in &record.allergies {
        let gone = matches!(allergy.status.as_str(), "resolved" | "inactive");
        let color = match (gone, allergy.criticality.as_str()) {
            (true, _) => theme::TEXT_DIM,
            (false, "high") => theme::ERROR,
            _ => theme::WARN,
        };
        let suffix = if gone {
            context.word("panel-resolved")
        } else {
            ""
        };
        dated(ui, allergy.recorded, &allergy.code, color, suffix);
    }
}

fn section<T>(
    context: &UiContext<'_>,
    ui: &mut Ui,
    key: &'static str,
    entries: &[T],
    row: impl Fn(&mut Ui, &T),
) {
    if entries.is_empty() {
        return;
    }
    widgets::section(ui, context.word(key), Some(entries.len()));
    for entry in entries.iter().take(FIRST) {
        row(ui, entry);
    }
    if entries.len() > FIRST {
        let title = context.tr("panel-more", &[("count", (entries.len() - FIRST).into())]);
        egui::CollapsingHeader::new(
            RichText::new(title)
                .size(theme::SMALL_PT)
                .color(theme::TEXT_DIM),
        )
        .id_salt(key)
        .show(ui, |ui| {
            for entry in entries.iter().skip(FIRST) {
                row(ui, entry);
            }
        });
    }
}

/// Date in a fixed column, words, a lighter suffix; the code on hover.
fn dated(ui: &mut Ui, date: Option<Date>, code: &Coding, color: Color32, suffix: &str) {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        let text = date.map(|d| d.to_string()).unwrap_or_default();
        let (rect, _) = ui.allocate_exact_size(vec2(74.0, 18.0), egui::Sense::hover());
        ui.painter().text(
            rect.left_center(),
            egui::Align2::LEFT_CENTER,
            text,
            egui::FontId::proportional(theme::SMALL_PT),
            theme::TEXT_DIM,
        );
        let words = if code.display.is_empty() {
            code.code.clone()
        } else {
            code.display.clone()
        };
        let mut job = egui::text::LayoutJob::default();
        let format = |color: Color32, size: f32| {
            egui::TextFormat::simple(egui::FontId::proportional(size), color)
        };
        job.append(&words, 0.0, format(color, theme::BODY_PT));
        if !suffix.is_empty() {
            job.append(suffix, 6.0, format(theme::TEXT_FAINT, theme::SMALL_PT));
        }
        let response = ui.add(egui::Label::new(job).truncate());
        response.on_hover_text(format!("{words}\n{} {}", code.system, code.code));
    });
}

fn observations(
    context: &UiContext<'_>,
    ui: &mut Ui,
    record: &PatientRecord,
    key: &'static str,
    pick: impl Fn(&ObservationSeries) -> bool,
) {
    let mut series: Vec<&ObservationSeries> =
        record.observations.iter().filter(|o| pick(o)).collect();
    // Abnormal ones first, then the most recent.
    series.sort_by(|a, b| {
        let rank = |o: &ObservationSeries| {
            o.values
                .last()
                .map(|v| (abnormal(v).is_none(), std::cmp::Reverse(v.date)))
        };
        rank(a)
            .cmp(&rank(b))
            .then_with(|| a.code.display.cmp(&b.code.display))
    });
    section(context, ui, key, &series, |ui, o| {
        observation(context, ui, o)
    });
}

/// Whether the value lies above or below its own reference range, or says so itself.
fn abnormal(value: &ObservationValue) -> Option<Ordering> {
    match value.interpretation.as_str() {
        "H" | "HH" => return Some(Ordering::Greater),
        "L" | "LL" => return Some(Ordering::Less),
        _ => {}
    }
    let number = value.value?;
    match value.reference {
        (Some(low), _) if number < low => Some(Ordering::Less),
        (_, Some(high)) if number > high => Some(Ordering::Greater),
        _ => None,
    }
}

fn observation(context: &UiContext<'_>, ui: &mut Ui, series: &ObservationSeries) {
    let Some(last) = series.values.last() else {
        return;
    };
    let width = ui.available_width();
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        let name_width = (width - 182.0).max(80.0);
        ui.allocate_ui_with_layout(
            vec2(name_width, 18.0),
            egui::Layout::left_to_right(egui::Align::Center),
            |ui| {
                ui.set_min_width(name_width);
                let response = ui.add(
                    egui::Label::new(RichText::new(&series.code.display).color(theme::TEXT))
                        .truncate(),
                );
                response.on_hover_text(history(context, series));
            },
        );
        ui.allocate_ui_with_layout(
            vec2(124.0, 18.0),
            egui::Layout::right_to_left(egui::Align::Center),
            |ui| {
                ui.set_min_width(124.0);
                value(ui, last);
            },
        );
        sparkline(ui, &series.values, vec2(40.0, 18.0));
    });
}

fn value(ui: &mut Ui, value: &ObservationValue) {
    let Some(number) = value.value else {
        ui.add(egui::Label::new(RichText::new(&value.text).size(theme::SMALL_PT)).truncate());
        return;
    };
    let text = short(number);
    if !value.unit.is_empty() {
        widgets::line(
            ui,
            RichText::new(unit_text(&value.unit))
                .size(theme::SMALL_PT)
                .color(theme::TEXT_DIM),
        );
    }
    match abnormal(value) {
        Some(side) => {
            ui.label(RichText::new(text).strong().color(theme::WARN));
            arrow(ui, side);
        }
        None => {
            ui.label(RichText::new(text).color(theme::TEXT));
        }
    }
}

/// A small triangle: up for too high, down for too low. Drawn, because not every font has one.
fn arrow(ui: &mut Ui, side: Ordering) {
    let (rect, response) = ui.allocate_exact_size(vec2(9.0, 18.0), egui::Sense::hover());
    let name = if side == Ordering::Greater { "H" } else { "L" };
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, name));
    let centre = rect.center();
    let tip = if side == Ordering::Greater { -4.0 } else { 4.0 };
    let points = vec![
        centre + vec2(0.0, tip),
        centre + vec2(4.5, -tip * 0.8),
        centre + vec2(-4.5, -tip * 0.8),
    ];
    ui.painter().add(egui::Shape::convex_polygon(
        points,
        theme::WARN,
        egui::Stroke::NONE,
    ));
}

/// UCUM as people write it.
pub(super) fn unit_text(unit: &str) -> String {
    unit.replace("{1.73_m2}", "1.73 m²")
        .replace("umol", "µmol")
        .replace("10*9", "10^9")
        .replace("10*3", "10^3")
        .replace("[degF]", "°F")
}

pub(super) fn short(value: f64) -> String {
    let digits = match value.abs() {
        v if v >= 100.0 => 0,
        v if v >= 10.0 => 1,
        _ => 2,
    };
    let text = format!("{value:.digits$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// All values with their days, the range, and the code, for the tooltip.
fn history(context: &UiContext<'_>, series: &ObservationSeries) -> String {
    let mut lines = vec![series.code.display.clone()];
    if let Some(last) = series.values.last() {
        let limit = |v: f64| Value::Number(v);
        lines.push(match last.reference {
            (Some(l), Some(h)) => context.tr(
                "panel-reference-range",
                &[("low", limit(l)), ("high", limit(h))],
            ),
            (None, Some(h)) => context.tr("panel-reference-below", &[("high", limit(h))]),
            (Some(l), None) => context.tr("panel-reference-above", &[("low", limit(l))]),
            (None, None) => context.word("panel-no-reference-range").to_owned(),
        });
    }
    for value in series.values.iter().rev().take(8) {
        let date = value.date.map(|d| d.to_string()).unwrap_or_default();
        let text = value.value.map_or_else(
            || value.text.clone(),
            |v| format!("{} {}", short(v), unit_text(&value.unit)),
        );
        lines.push(format!("{date}   {text}"));
    }
    lines.push(format!("{} {}", series.code.system, series.code.code));
    lines.join("\n")
}

//! What follows from the record: alerts in the banner, considerations with every factor, genes.

use super::{context::UiContext, search_window, theme, widgets};
use crate::{
    clinical::{
        advice::{
            bayes::Suggestion,
            facts::Origin,
            safety::{Alert, AlertKind, Severity},
        },
        genes,
    },
    i18n::Language,
    model::record::{GeneCall, PatientRecord},
    workspace::insight::Insight,
};
use egui::{Color32, Label, RichText, Sense, Ui, vec2};

pub(super) fn is_chinese(context: &UiContext<'_>) -> bool {
    context.language() == Language::SimplifiedChinese
}

fn severity_color(severity: Severity) -> Color32 {
    match severity {
        Severity::Contraindicated => theme::ERROR,
        Severity::Major => theme::WARN,
        Severity::Moderate => theme::TEXT,
        Severity::Note => theme::TEXT_DIM,
    }
}

fn severity_key(severity: Severity) -> &'static str {
    match severity {
        Severity::Contraindicated => "panel-severity-contraindicated",
        Severity::Major => "panel-severity-major",
        Severity::Moderate => "panel-severity-moderate",
        Severity::Note => "panel-severity-note",
    }
}

fn alert_key(alert: &Alert) -> &'static str {
    match alert.kind {
        AlertKind::ContrastAllergy => "panel-alert-contrast-allergy",
        AlertKind::Allergy => "panel-alert-allergy",
        AlertKind::Renal => "panel-alert-renal",
        AlertKind::Pregnancy => "panel-alert-pregnancy",
        AlertKind::Implant => "panel-alert-implant",
        AlertKind::Anticoagulant => "panel-alert-anticoagulant",
        AlertKind::Metformin => "panel-alert-metformin",
        AlertKind::DrugDrug => "panel-alert-drug-drug",
        AlertKind::DrugAllergy => "panel-alert-drug-allergy",
        AlertKind::DrugRenal => "panel-alert-drug-renal",
        AlertKind::DrugPregnancy => "panel-alert-drug-pregnancy",
        AlertKind::DrugGene => "panel-alert-drug-gene",
    }
}

/// Where a fact stands, for hover texts.
fn origin_text(context: &UiContext<'_>, origin: &Origin) -> String {
    let date = origin.date.map(|d| d.to_string()).unwrap_or_default();
    let kind = match search_window::kind_key(origin.kind) {
        // What is no resource of the record has a word of its own.
        search_window::OTHER => origin.kind,
        key => context.word(key),
    };
    format!("{kind} {date} {}", origin.words).trim().to_owned()
}

/// Tags of the identity banner: what matters before an examination.
pub fn banner_alerts(context: &UiContext<'_>, ui: &mut Ui, insight: &Insight) {
    let chinese = is_chinese(context);
    let shown: Vec<&Alert> = insight
        .alerts
        .iter()
        .filter(|a| a.kind.in_banner())
        .collect();
    let mut rest = Vec::new();
    let mut names = Vec::new();
    for alert in shown {
        let name = context.word(alert_key(alert));
        let subject = alert.subject.get(chinese);
        // "Pregnancy: Pregnancy" says nothing more, and a drug is named by its alert.
        let mut text = match subject.contains(name) || alert.kind == AlertKind::Metformin {
            true => subject.to_owned(),
            false => format!("{name}: {subject}"),
        };
        if text.chars().count() > LONGEST_TAG {
            text = text.chars().take(LONGEST_TAG - 1).chain(['…']).collect();
        }
        let because: Vec<String> = {
            let of_alert = alert.because.iter();
            of_alert.map(|o| origin_text(context, o)).collect()
        };
        let hover = format!(
            "{name}: {subject}\n{}\n{}\n{}",
            alert.words.get(chinese),
            because.join("\n"),
            alert.source
        );
        if rest.is_empty() && fits(ui, &text) {
            widgets::tag(ui, &text, severity_color(alert.severity)).on_hover_text(hover);
        } else {
            rest.push(hover);
            names.push(text);
        }
    }
    if !rest.is_empty() {
        let tag = widgets::tag(ui, &format!("+{}", rest.len()), theme::WARN);
        // Somebody who has it read out hears what had no room.
        tag.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, names.join("; ")));
        tag.on_hover_text(rest.join("\n\n"));
    }
}

/// Longest text of a tag in the banner, characters.
const LONGEST_TAG: usize = 40;
/// Room of the reading status at the end of the banner, and of one more tag, points.
const KEPT_FREE: f32 = 190.0;

/// Whether a tag with this text has room in the banner.
pub(super) fn fits(ui: &Ui, text: &str) -> bool {
    let font = egui::FontId::proportional(theme::SMALL_PT);
    let galley = ui
        .painter()
        .layout_no_wrap(text.to_owned(), font, theme::TEXT);
    galley.size().x + 20.0 + KEPT_FREE <= ui.available_width()
}

/// Draws alerts and suggestions.
pub fn considerations_ui(context: &UiContext<'_>, ui: &mut Ui, insight: &Insight) {
    let chinese = is_chinese(context);
    ui.add_space(6.0);
    ui.label(RichText::new(context.word("panel-research")).color(theme::WARN));
    widgets::section(ui, context.word("panel-alerts"), Some(insight.alerts.len()));
    if insight.alerts.is_empty() {
        widgets::dim(ui, context.word("panel-no-alerts"));
    }
    for alert in &insight.alerts {
        alert_ui(context, ui, alert, chinese);
    }
    widgets::section(
        ui,
        context.word("panel-suggestions"),
        Some(insight.suggestions.len()),
    );
    if insight.suggestions.is_empty() {
        widgets::dim(ui, context.word("panel-no-suggestions"));
        return;
    }
    for suggestion in &insight.suggestions {
        suggestion_ui(context, ui, suggestion, chinese);
    }
    ui.add_space(8.0);
    widgets::dim(ui, context.word("panel-suggestion-note"));
}

fn alert_ui(context: &UiContext<'_>, ui: &mut Ui, alert: &Alert, chinese: bool) {
    ui.add_space(4.0);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        let color = severity_color(alert.severity);
        ui.label(
            RichText::new(context.word(severity_key(alert.severity)))
                .size(theme::SMALL_PT)
                .color(color),
        );
        ui.label(
            RichText::new(alert.subject.get(chinese))
                .strong()
                .color(theme::TEXT),
        );
    });
    let kind = context.word(alert_key(alert));
    let words = alert.words.get(chinese);
    let text = if words.starts_with(kind) {
        words.to_owned()
    } else {
        format!("{kind} · {words}")
    };
    ui.add(Label::new(RichText::new(text).color(theme::TEXT)).wrap());
    for origin in &alert.because {
        widgets::line(
            ui,
            RichText::new(origin_text(context, origin))
                .size(theme::SMALL_PT)
                .color(theme::TEXT_DIM),
        )
        .on_hover_text(origin_text(context, origin));
    }
    if !alert.source.is_empty() {
        source(context, ui, &alert.source);
    }
}

/// A source, and that a figure was not held against it where it was not.
fn source_text(context: &UiContext<'_>, source: &str, checked: bool) -> String {
    match checked {
        true => source.to_owned(),
        false => context.tr("panel-source-unchecked", &[("source", source.into())]),
    }
}

fn source(context: &UiContext<'_>, ui: &mut Ui, source: &str) {
    let text = context.tr("panel-source", &[("source", source.into())]);
    ui.add(
        Label::new(
            RichText::new(text)
                .size(theme::SMALL_PT)
                .color(theme::TEXT_DIM),
        )
        .wrap(),
    );
}

fn suggestion_ui(context: &UiContext<'_>, ui: &mut Ui, suggestion: &Suggestion, chinese: bool) {
    ui.add_space(6.0);
    let percent = suggestion.posterior * 100.0;
    ui.horizontal(|ui| {
        ui.label(
            RichText::new(suggestion.name.get(chinese))
                .strong()
                .color(theme::TEXT),
        );
        if suggestion.known {
            widgets::tag(ui, context.word("panel-suggestion-known"), theme::ACCENT);
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            ui.label(RichText::new(format!("{percent:.0} %")).color(theme::TEXT));
        });
    });
    bar(ui, suggestion.posterior as f32, theme::ACCENT);
    let prior = context.tr(
        "panel-suggestion-prior",
        &[(
            "percent",
            format!("{:.0}", suggestion.prior * 100.0).as_str().into(),
        )],
    );
    let hover = source_text(context, suggestion.prior_source, suggestion.prior_checked);
    widgets::dim(ui, prior).on_hover_text(hover);
    for factor in &suggestion.factors {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            let color = if factor.ratio >= 1.0 {
                theme::WARN
            } else {
                theme::OK
            };
            ui.allocate_ui_with_layout(
                vec2(46.0, 18.0),
                egui::Layout::right_to_left(egui::Align::Center),
                |ui| {
                    ui.set_min_width(46.0);
                    let ratio = format!("× {}", factor.ratio);
                    ui.label(RichText::new(ratio).size(theme::SMALL_PT).color(color));
                },
            );
            let mut name = factor.name.get(chinese).to_owned();
            if !factor.present {
                name = format!("{name} ({})", context.word("panel-factor-denied"));
            }
            ui.label(RichText::new(name).color(theme::TEXT));
            let source = source_text(context, factor.source, factor.checked);
            widgets::line(
                ui,
                RichText::new(&source)
                    .size(theme::SMALL_PT)
                    .color(theme::TEXT_DIM),
            )
            .on_hover_text(format!(
                "{}\n{source}",
                origin_text(context, &factor.origin)
            ));
        });
    }
    if !suggestion.unknown.is_empty() {
        let names: Vec<&str> = suggestion.unknown.iter().map(|w| w.get(chinese)).collect();
        let parting = if chinese { "、" } else { ", " };
        let text = context.tr(
            "panel-suggestion-unknown",
            &[("names", names.join(parting).as_str().into())],
        );
        ui.add(
            Label::new(
                RichText::new(text)
                    .size(theme::SMALL_PT)
                    .color(theme::TEXT_DIM),
            )
            .wrap(),
        );
    }
}

/// A bar of a share of one.
fn bar(ui: &mut Ui, share: f32, color: Color32) {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 5.0), Sense::hover());
    ui.painter().rect_filled(rect, 2.0, theme::RAISED);
    let mut full = rect;
    full.set_width(rect.width() * share.clamp(0.0, 1.0));
    ui.painter().rect_filled(full, 2.0, color);
}

/// Draws genes, hints, variants and recommendations.
pub fn genes_ui(context: &UiContext<'_>, ui: &mut Ui, record: &PatientRecord, insight: &Insight) {
    let chinese = is_chinese(context);
    ui.add_space(6.0);
    if record.genes.is_empty() && record.variants.is_empty() {
        widgets::dim(ui, context.word("panel-no-genes"));
        return;
    }
    ui.label(RichText::new(context.word("panel-research")).color(theme::WARN));
    hints(context, ui, record, insight, chinese);
    widgets::section(ui, context.word("panel-genes"), Some(record.genes.len()));
    for call in &record.genes {
        gene(ui, call);
    }
    if !record.variants.is_empty() {
        widgets::section(
            ui,
            context.word("panel-variants"),
            Some(record.variants.len()),
        );
        for variant in record.variants.iter().take(200) {
            let text = format!(
                "{}  {}  {}",
                variant.genes.join(", "),
                variant.ids.join(", "),
                variant.genotype
            );
            widgets::line(ui, RichText::new(text).color(theme::TEXT)).on_hover_text(&variant.name);
        }
    }
    if !record.guidance.is_empty() {
        widgets::section(
            ui,
            context.word("panel-guidance"),
            Some(record.guidance.len()),
        );
        for guidance in &record.guidance {
            let title = format!("{}  {}", guidance.drug, guidance.strength);
            widgets::line(ui, RichText::new(title).strong().color(theme::TEXT)).on_hover_text(
                format!(
                    "{}\n{}\n{}",
                    guidance.implication, guidance.population, guidance.link
                ),
            );
            widgets::line(
                ui,
                RichText::new(&guidance.recommendation)
                    .size(theme::SMALL_PT)
                    .color(theme::TEXT_DIM),
            )
            .on_hover_text(format!("{}\n{}", guidance.recommendation, guidance.source));
        }
    }
}

fn gene(ui: &mut Ui, call: &GeneCall) {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        let (rect, _) = ui.allocate_exact_size(vec2(74.0, 18.0), Sense::hover());
        ui.painter().text(
            rect.left_center(),
            egui::Align2::LEFT_CENTER,
            &call.gene,
            egui::FontId::proportional(theme::BODY_PT),
            theme::TEXT,
        );
        let text = format!("{}  {}", call.diplotype, call.phenotype);
        widgets::line(ui, RichText::new(text).color(theme::TEXT_DIM)).on_hover_text(format!(
            "{}\n{}\n{}\n{}",
            call.diplotype, call.phenotype, call.method, call.note
        ));
    });
}

/// Hints of the table for the phenotypes of the record; drugs that are taken first.
fn hints(
    context: &UiContext<'_>,
    ui: &mut Ui,
    record: &PatientRecord,
    insight: &Insight,
    chinese: bool,
) {
    let taken = |drug: &str| insight.facts.drugs.iter().any(|d| d.drug == drug);
    let mut found: Vec<(bool, &GeneCall, &genes::table::Hint)> = record
        .genes
        .iter()
        .filter_map(|call| genes::table::gene(&call.gene).map(|gene| (call, gene)))
        .flat_map(|(call, gene)| gene.hints.iter().map(move |hint| (call, hint)))
        .filter(|(call, hint)| {
            call.phenotype
                .split("; ")
                .any(|p| hint.phenotypes.contains(&p))
        })
        .map(|(call, hint)| (taken(hint.drug), call, hint))
        .collect();
    found.sort_by_key(|(taken, ..)| !taken);
    widgets::section(ui, context.word("panel-gene-hints"), Some(found.len()));
    for (taken, call, hint) in found {
        ui.add_space(3.0);
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            ui.label(
                RichText::new(format!("{} {}", call.gene, call.diplotype))
                    .size(theme::SMALL_PT)
                    .color(theme::TEXT_DIM),
            );
            if taken {
                widgets::tag(ui, context.word("panel-taken"), theme::WARN);
            }
        });
        let color = if taken { theme::WARN } else { theme::TEXT };
        let text = if chinese { hint.chinese } else { hint.english };
        ui.add(Label::new(RichText::new(text).color(color)).wrap());
        source(context, ui, hint.source);
    }
}

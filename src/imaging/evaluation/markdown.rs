//! The report of an evaluation as text for people.

use super::{Evaluation, FIGURES, Kind};
use crate::{imaging::metrics::Confusion, model::inference::RESEARCH_NOTICE};
use std::fmt::Write as _;

/// Figures of a case that a table shows; others are in the JSON.
const SHOWN: [&str; 8] = [
    "dice",
    "iou",
    "hd95",
    "assd",
    "precision",
    "recall",
    "specificity",
    "accuracy",
];

fn title(figure: &str, unit: Option<&str>) -> String {
    let name = match figure {
        "dice" => "Dice",
        "iou" => "IoU",
        "hd95" | "assd" => {
            let name = figure.to_ascii_uppercase();
            return unit.map_or(name.clone(), |unit| format!("{name} ({unit})"));
        }
        "auroc" => "AUROC",
        "average_precision" => "Average precision",
        "f1" => "F1",
        "brier" => "Brier score",
        "ece" => "ECE",
        "mse" => "MSE",
        other => {
            let mut letters = other.chars();
            let first = letters.next().map(|c| c.to_ascii_uppercase());
            return first.into_iter().chain(letters).collect();
        }
    };
    name.to_owned()
}

fn number(value: Option<f64>) -> String {
    value.map_or("–".into(), |v| format!("{v:.4}"))
}

/// A field of a table: what would end it is escaped.
fn cell(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('|', "\\|")
        .replace(['\n', '\r'], " ")
}

fn row(out: &mut String, fields: &[String]) {
    // Writing to a text cannot fail.
    let _ = writeln!(out, "| {} |", fields.join(" | "));
}

fn head(out: &mut String, titles: &[String]) {
    row(out, titles);
    let rule: Vec<String> = std::iter::once("---".to_owned())
        .chain(titles.iter().skip(1).map(|_| "---:".to_owned()))
        .collect();
    row(out, &rule);
}

/// The report in Markdown: summary with intervals, decisions, calibration, worst cases, all cases, what failed.
pub fn markdown(evaluation: &Evaluation) -> String {
    let mut out = String::new();
    let e = evaluation;
    let what = match e.kind {
        Kind::Segmentation => "masks",
        Kind::Classification => "scores",
    };
    let _ = writeln!(out, "# Evaluation of {what}\n\n{RESEARCH_NOTICE}\n");
    if !e.made.is_empty() {
        let _ = writeln!(out, "Made {}.", e.made);
    }
    let _ = writeln!(
        out,
        "{} cases, {} not compared.",
        e.cases.len(),
        e.failed.len()
    );
    if let Some(i) = &e.intervals {
        let _ = writeln!(
            out,
            "Intervals: {}, {} %, {} draws of {} {}s, seed {}.",
            i.method,
            i.level * 100.0,
            i.draws,
            i.groups,
            i.by,
            i.seed
        );
    }
    out.push('\n');
    summary(&mut out, e);
    if let (Kind::Classification, Some(threshold)) = (e.kind, e.threshold) {
        let (positive, scores) = e.scores();
        if let Some(c) = Confusion::at(&positive, &scores, threshold) {
            let _ = writeln!(out, "\n## Decisions at {threshold}\n");
            head(
                &mut out,
                &["", "called positive", "called negative"].map(str::to_owned),
            );
            let counts =
                |name: &str, a: u64, b: u64| [name.to_owned(), a.to_string(), b.to_string()];
            row(
                &mut out,
                &counts("positive", c.true_positive, c.false_negative),
            );
            row(
                &mut out,
                &counts("negative", c.false_positive, c.true_negative),
            );
        }
    }
    if !e.reliability.is_empty() {
        out.push_str("\n## Calibration\n\n");
        head(
            &mut out,
            &["probability", "cases", "mean probability", "share positive"].map(str::to_owned),
        );
        for b in e.reliability.iter().filter(|b| b.count > 0) {
            let place = format!("{:.2} to {:.2}", b.low, b.high);
            let means = [b.probability, b.share].map(|v| number(Some(v)));
            row(
                &mut out,
                &[&[place, b.count.to_string()], &means[..]].concat(),
            );
        }
    }
    cases(&mut out, e);
    if !e.failed.is_empty() {
        out.push_str("\n## Not compared\n\n");
        for failed in &e.failed {
            let _ = writeln!(out, "- {}: {}", failed.name, failed.reason);
        }
    }
    out
}

fn summary(out: &mut String, e: &Evaluation) {
    let masks = e.kind == Kind::Segmentation;
    let mut titles = vec!["figure", if masks { "mean" } else { "value" }, "from", "to"];
    if masks {
        titles.extend(["median", "worst twentieth"]);
    }
    titles.push("cases");
    head(
        out,
        &titles.into_iter().map(str::to_owned).collect::<Vec<_>>(),
    );
    for s in &e.summary {
        let mut fields = vec![title(&s.figure, e.length_unit.as_deref())];
        fields.extend([Some(s.value), s.low, s.high].map(number));
        if masks {
            fields.extend([s.median, s.worst_twentieth].map(number));
        }
        fields.push(s.cases.to_string());
        row(out, &fields);
    }
}

fn cases(out: &mut String, e: &Evaluation) {
    let figures: Vec<&str> = FIGURES
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| {
            SHOWN.contains(name) && e.cases.iter().any(|c| c.figures.contains_key(*name))
        })
        .collect();
    let scored = e.kind == Kind::Classification;
    let mut titles = vec!["case".to_owned()];
    if scored {
        titles.extend(["true class", "score"].map(str::to_owned));
    }
    titles.extend(figures.iter().map(|f| title(f, e.length_unit.as_deref())));
    let line = |out: &mut String, c: &super::Case| {
        let segment = c
            .segment
            .map_or(String::new(), |s| format!(", segment {s}"));
        let mut fields = vec![cell(&format!("{}{segment}", c.name))];
        if scored {
            fields.push(c.positive.map_or("–", |p| if p { "1" } else { "0" }).into());
            fields.push(number(c.score));
        }
        fields.extend(figures.iter().map(|f| number(c.figures.get(*f).copied())));
        row(out, &fields);
    };
    if !e.worst.is_empty() {
        out.push_str("\n## Worst cases\n\n");
        head(out, &titles);
        for name in &e.worst {
            // Names may repeat, by segment: the first is shown.
            if let Some(case) = e.cases.iter().find(|c| c.name == *name) {
                line(out, case);
            }
        }
    }
    out.push_str("\n## All cases\n\n");
    head(out, &titles);
    for case in &e.cases {
        line(out, case);
    }
}

//! The numbers of a mark as text: short beside the mark, whole on hover and in the list.
//!
//! Must stay true (safety S16 to S18): no number without its unit, no length without where its millimetres come from,
//! and what is not known is said to be so.

use super::{overlay_text, spacing_text};
use crate::{
    i18n::{Language, Value},
    imaging::{
        measure::{MarkMeasure, MeasureError, Measurement, Quantity, ValuesState},
        suv::{Attribute, SuvKind, SuvRefusal},
    },
    model::{annotation::MarkKind, exchange::MarkNumber},
    workspace::measuring::Found,
};

/// The word for a kind of mark.
pub fn kind_word(words: Language, kind: MarkKind) -> &'static str {
    words.word(match kind {
        MarkKind::Point => "mark-point",
        MarkKind::Length => "mark-length",
        MarkKind::Polyline => "mark-polyline",
        MarkKind::Angle => "mark-angle",
        MarkKind::Cobb => "mark-cobb",
        MarkKind::Bidirectional => "mark-bidirectional",
        MarkKind::Perpendicular => "mark-perpendicular",
        MarkKind::Ellipse => "mark-ellipse",
        MarkKind::Rectangle => "mark-rectangle",
        MarkKind::Circle => "mark-circle",
        MarkKind::Polygon => "mark-polygon",
        MarkKind::Freehand => "mark-freehand",
        MarkKind::Spline => "mark-spline",
        MarkKind::Arrow => "mark-arrow",
        MarkKind::Text => "mark-text",
        MarkKind::CardiothoracicRatio => "mark-cardiothoracic-ratio",
        MarkKind::Box => "mark-box",
    })
}

/// Digits that a number of a unit is worth.
fn digits(unit: &str, value: f64) -> usize {
    match unit {
        "mm²" | "px²" if value.abs() >= 100.0 => 0,
        "mm" | "px" | "mm²" | "px²" | "°" => 1,
        _ => 2,
    }
}

/// A number with its unit.
fn number(quantity: &Quantity) -> String {
    let Some(value) = quantity.value else {
        return "–".into();
    };
    let digits = match quantity.name.as_str() {
        "ratio" => 2,
        _ if value.fract() == 0.0 && !matches!(quantity.unit.as_str(), "mm" | "°") => 0,
        _ => digits(&quantity.unit, value),
    };
    // A minus before nothing is a slip of rounding.
    let value = if value.abs() < 0.5 * 10f64.powi(-(digits as i32)) {
        0.0
    } else {
        value
    };
    match quantity.unit.as_str() {
        "" => format!("{value:.digits$}"),
        "°" => format!("{value:.digits$}°"),
        unit => format!("{value:.digits$} {unit}"),
    }
}

/// A number as a file of others says it.
pub fn foreign(number: &MarkNumber) -> String {
    let digits = digits(&number.unit, number.value);
    let text = format!("{:.digits$} {}", number.value, number.unit);
    let text = text.trim_end();
    match number.source.as_str() {
        "" => text.to_owned(),
        source => format!("{text} ({source})"),
    }
}

fn quantity<'a>(measurement: &'a Measurement, name: &str) -> Option<&'a Quantity> {
    measurement.quantities.iter().find(|q| q.name == name)
}

/// What stands beside a mark on the picture, line by line; without the label.
pub fn short(words: Language, kind: MarkKind, found: Option<&Found>) -> Vec<String> {
    if matches!(kind, MarkKind::Arrow | MarkKind::Text) {
        return Vec::new();
    }
    let measure = match found {
        None => return vec!["…".into()],
        Some(Err(error)) => return vec![refusal(words, error)],
        Some(Ok(measure)) => measure,
    };
    let m = &measure.measurement;
    let by = |text: String| match spacing_text::short(words, measure.spacing) {
        source if source.is_empty() => text,
        source => format!("{text} ({source})"),
    };
    let text = |name: &str| quantity(m, name).map(number);
    let mut lines = Vec::new();
    match kind {
        MarkKind::Angle => lines.extend(text("angle")),
        MarkKind::Cobb => lines.extend(text("cobb_angle").map(|a| format!("Cobb {a}"))),
        MarkKind::Bidirectional => match (quantity(m, "long_axis"), quantity(m, "short_axis")) {
            (Some(long), Some(short)) => {
                let bare = number(long);
                let bare = bare
                    .strip_suffix(long.unit.as_str())
                    .unwrap_or(&bare)
                    .trim_end();
                lines.push(by(format!("{bare} × {}", number(short))));
            }
            _ => lines.extend(text("length").map(by)),
        },
        MarkKind::Box => {
            let sides = ["width", "height", "depth"].map(|name| {
                let side = quantity(m, name)?;
                let number = number(side);
                let bare = number.strip_suffix(side.unit.as_str()).unwrap_or(&number);
                Some((bare.trim_end().to_owned(), side.unit.clone()))
            });
            if let [Some((width, _)), Some((height, _)), Some((depth, unit))] = sides {
                lines.push(by(format!("{width} × {height} × {depth} {unit}")));
            }
        }
        MarkKind::Perpendicular => lines.extend(text("distance").map(by)),
        MarkKind::Point => {
            let colour = ["red", "green", "blue"].map(|n| quantity(m, n).and_then(|q| q.value));
            if let [Some(r), Some(g), Some(b)] = colour {
                lines.push(format!("R {r:.0} G {g:.0} B {b:.0}"));
            } else {
                lines.extend(
                    quantity(m, "value")
                        .filter(|q| q.value.is_some())
                        .map(number),
                );
            }
        }
        MarkKind::CardiothoracicRatio => {
            lines.extend(
                text("ratio").map(|r| words.tr("mark-ratio", &[("ratio", r.as_str().into())])),
            );
            if let (Some(heart), Some(thorax)) = (text("heart_width"), text("thorax_width")) {
                lines.push(by(format!("{heart} / {thorax}")));
            }
        }
        MarkKind::Length | MarkKind::Polyline => lines.extend(text("length").map(by)),
        _ => {
            lines.extend(text("area").map(by));
            let mean = quantity(m, "mean").filter(|q| q.value.is_some());
            if let Some(mean) = mean {
                let spread = quantity(m, "sd_sample").and_then(|q| q.value);
                let number = one_digit(mean);
                lines.push(match spread {
                    Some(sd) => format!("{number} ± {sd:.1} {}", mean.unit)
                        .trim_end()
                        .to_owned(),
                    None => format!("{number} {}", mean.unit).trim_end().to_owned(),
                });
            }
        }
    }
    lines.extend(uptake(words, measure));
    values_line(words, measure, &mut lines);
    lines
}

/// The usual uptake of a value or a region, or why there is none (safety S17).
fn uptake(words: Language, measure: &MarkMeasure) -> Option<String> {
    if let Some(refusal) = &measure.suv_refused {
        return Some(suv_refusal(words, refusal));
    }
    let told = |kind: SuvKind, name: &str| {
        let name = format!("{}.{name}", kind.word());
        quantity(&measure.measurement, &name).and_then(|q| q.value)
    };
    SuvKind::ALL.into_iter().find_map(|kind| {
        if let Some(value) = told(kind, "value") {
            return Some(format!("{} {value:.2}", kind.label()));
        }
        let (mean, max) = (told(kind, "mean")?, told(kind, "max")?);
        let args = [
            ("kind", kind.label().into()),
            ("mean", Value::Fixed(mean, 2)),
            ("max", Value::Fixed(max, 2)),
        ];
        Some(words.tr("mark-suv-region", &args))
    })
}

/// Why there is no uptake, in as few words as can be.
fn suv_refusal(words: Language, refusal: &SuvRefusal) -> String {
    let class = refusal.code().strip_prefix("SUV_").unwrap_or_default();
    let key = format!("mark-suv-{}", class.to_ascii_lowercase().replace('_', "-"));
    let what = refusal
        .attributes
        .first()
        .map(|a| attribute_word(words, *a));
    let what = what.unwrap_or_default();
    let text = words.find(&key, &[("what", what.into())]);
    text.unwrap_or_else(|| refusal.sentence.clone())
}

fn attribute_word(words: Language, attribute: Attribute) -> &'static str {
    words.word(match attribute {
        Attribute::TotalDose => "suv-attribute-total-dose",
        Attribute::HalfLife => "suv-attribute-half-life",
        Attribute::PatientWeight => "suv-attribute-weight",
        Attribute::Units => "suv-attribute-units",
        Attribute::CorrectedImage => "suv-attribute-correction",
        Attribute::DecayCorrection => "suv-attribute-decay",
        Attribute::StartTime | Attribute::StartDateTime => "suv-attribute-injection",
        Attribute::AcquisitionDate
        | Attribute::AcquisitionTime
        | Attribute::SeriesDate
        | Attribute::SeriesTime
        | Attribute::GeScanDateTime => "suv-attribute-scan",
        Attribute::RadiopharmaceuticalInformation | Attribute::RadionuclideCode => {
            "suv-attribute-tracer"
        }
        other => return other.name(),
    })
}

fn one_digit(quantity: &Quantity) -> String {
    quantity.value.map_or("–".into(), |v| format!("{v:.1}"))
}

/// How many values there are and what is not among them.
fn values_line(words: Language, measure: &MarkMeasure, lines: &mut Vec<String>) {
    match &measure.values {
        ValuesState::Waiting => lines.push("…".into()),
        ValuesState::Refused(error) => lines.push(refusal(words, error)),
        ValuesState::None | ValuesState::Here => {}
    }
    let Some(counts) = measure.measurement.counts else {
        return;
    };
    let region = measure.measurement.kind != "point";
    let mut parts = Vec::new();
    if region {
        parts.push(format!("n {}", counts.n));
    }
    if counts.padding > 0 {
        let n = if region {
            counts.padding.to_string()
        } else {
            String::new()
        };
        let text = words.tr("mark-padding", &[("count", n.as_str().into())]);
        parts.push(text.trim().to_owned());
    }
    if counts.outside > 0 {
        parts.push(words.word("mark-outside").to_owned());
    }
    if !parts.is_empty() {
        lines.push(parts.join("  "));
    }
}

/// Why something is not measured, in a sentence.
pub fn refusal(words: Language, error: &MeasureError) -> String {
    let key = format!(
        "measure-{}",
        error.code().to_ascii_lowercase().replace('_', "-")
    );
    words.find(&key, &[]).unwrap_or_else(|| error.to_string())
}

/// Name and number of everything that is known, for the list and on hover. The first pair is the source of the scale.
pub fn full(words: Language, found: &Found) -> Vec<(String, String)> {
    let measure = match found {
        Ok(measure) => measure,
        Err(error) => return vec![(String::new(), refusal(words, error))],
    };
    let mut pairs = Vec::new();
    for q in &measure.measurement.quantities {
        if q.name == "sum" {
            continue;
        }
        let uptake = q
            .name
            .split_once('.')
            .and_then(|(kind, of)| Some((SuvKind::named(kind)?, of)));
        if let Some((kind, of)) = uptake {
            let of = match of {
                "value" => "",
                "mean" => words.word("quantity-mean"),
                "max" => words.word("quantity-max"),
                _ => continue,
            };
            let name = format!("{} {of}", kind.label());
            pairs.push((name.trim_end().to_owned(), number(q)));
            continue;
        }
        let name = match q.name.strip_prefix("percentile_") {
            Some(share) => words.tr("quantity-percentile", &[("share", share.into())]),
            None => {
                // Channels of colour: `red.mean`.
                let (channel, bare) = q.name.split_once('.').unwrap_or(("", &q.name));
                let word = |name: &str| {
                    let key = format!("quantity-{}", name.replace('_', "-"));
                    words.find(&key, &[]).unwrap_or_else(|| name.to_owned())
                };
                match channel {
                    "" => word(bare),
                    channel => format!("{} {}", word(channel), word(bare)),
                }
            }
        };
        pairs.push((name, number(q)));
    }
    if let Some(counts) = measure.measurement.counts {
        pairs.push((words.word("quantity-n").to_owned(), counts.n.to_string()));
        for (key, n) in [
            ("quantity-padding", counts.padding),
            ("quantity-outside", counts.outside),
            ("quantity-not-finite", counts.not_finite),
        ] {
            if n > 0 {
                pairs.push((words.word(key).to_owned(), n.to_string()));
            }
        }
    }
    let scaled = measure
        .measurement
        .quantities
        .iter()
        .any(|q| q.unit.starts_with("mm") || q.unit.starts_with("px"));
    if scaled {
        pairs.push((
            words.word("quantity-scale").to_owned(),
            spacing_text::whole(words, measure.spacing),
        ));
    }
    match &measure.values {
        ValuesState::Refused(error) => pairs.push((String::new(), refusal(words, error))),
        ValuesState::Waiting => pairs.push((String::new(), "…".into())),
        ValuesState::None | ValuesState::Here => {}
    }
    if let Some(refusal) = &measure.suv_refused {
        let text = overlay_text::finding_text(words, &refusal.finding());
        pairs.push((String::new(), text));
    }
    for warning in &measure.measurement.warnings {
        let counted = matches!(
            warning.code,
            "OUTSIDE_IMAGE" | "PADDING_EXCLUDED" | "NOT_FINITE_EXCLUDED"
        );
        if !counted {
            pairs.push((String::new(), overlay_text::finding_text(words, warning)));
        }
    }
    pairs
}

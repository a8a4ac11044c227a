//! A measurement as JSON.

use crate::{imaging::measure::Measurement, model::finding::Finding};
use serde_json::{Map, Value, json};

/// Adds the numbers of a measurement.
pub(super) fn describe(measurement: &Measurement, answer: &mut Map<String, Value>) {
    let quantities: Map<String, Value> = measurement
        .quantities
        .iter()
        .map(|q| {
            let value = json!({
                "value": q.value, "unit": q.unit, "source": q.source, "label": q.label,
            });
            (q.name.clone(), value)
        })
        .collect();
    answer.insert("quantities".into(), Value::Object(quantities));
    answer.insert("n".into(), json!(measurement.counts.map(|c| c.n)));
    if let Some(counts) = measurement.counts {
        let value = json!({
            "inside": counts.inside,
            "padding": counts.padding,
            "not_finite": counts.not_finite,
            "outside": counts.outside,
            "unselected": counts.unselected,
        });
        answer.insert("counts".into(), value);
    }
    let places: Map<String, Value> = measurement
        .places
        .iter()
        .map(|(name, p)| ((*name).to_owned(), json!(p.to_array())))
        .collect();
    if !places.is_empty() {
        answer.insert("places".into(), Value::Object(places));
    }
    let histograms: Vec<Value> = measurement
        .histograms
        .iter()
        .map(|h| {
            json!({"low": h.low, "high": h.high, "counts": h.counts, "below": h.below, "above": h.above})
        })
        .collect();
    if !histograms.is_empty() {
        answer.insert("histograms".into(), Value::Array(histograms));
    }
    let warnings = measurement.warnings.iter().map(finding).collect();
    answer.insert("warnings".into(), Value::Array(warnings));
}

/// A finding as `inspect` prints it.
fn finding(finding: &Finding) -> Value {
    let numbers: Map<String, Value> = finding
        .numbers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), json!(value)))
        .collect();
    json!({
        "code": finding.code,
        "severity": finding.severity.word(),
        "numbers": numbers,
        "sentence": finding.sentence,
    })
}

//! Standardized uptake values in the answers of `probe` and `measure`.

use crate::{
    imaging::{
        measure::Quantity,
        suv::{self, InputValue, SuvRefusal, SuvScale},
    },
    model::layout::SeriesLayout,
};
use serde_json::{Map, Value, json};

/// Values of a place or of a region, as SUV of every kind that can be had: `{"SUVbw": {"unit", "value" | "mean", …}, …,
/// "inputs": {…}}`, or `{"refused": {"code", "attributes", "sentence"}}`. `None` where the series is none of PET.
/// `frame` is the one that the values are of; without it the series must have one factor for all.
pub(super) fn describe(
    layout: &SeriesLayout,
    frame: Option<usize>,
    values: &[(&str, f64)],
) -> Option<Value> {
    Some(match suv::of_layout(layout)? {
        Ok(scale) => kinds(&scale, frame, values).unwrap_or_else(|refusal| refused(&refusal)),
        Err(refusal) => refused(&refusal),
    })
}

fn kinds(
    scale: &SuvScale,
    frame: Option<usize>,
    values: &[(&str, f64)],
) -> Result<Value, SuvRefusal> {
    let mut answer = Map::new();
    let frame = match frame {
        Some(frame) => frame,
        None if scale.is_uniform() => 0,
        None => return Err(SuvRefusal::differs()),
    };
    for kind in scale.kinds() {
        let factor = scale.factor(kind, frame)?;
        let mut numbers = Map::new();
        numbers.insert("unit".into(), json!(kind.unit()));
        numbers.insert("factor".into(), json!(factor));
        for (name, value) in values {
            numbers.insert((*name).to_owned(), json!(value * factor));
        }
        answer.insert(kind.label().to_owned(), Value::Object(numbers));
    }
    // Times of the examination identify (PS3.15 table E.1-1); the span between them does not.
    let mut inputs: Map<String, Value> = scale
        .inputs
        .iter()
        .filter_map(|input| {
            let value = match &input.value {
                InputValue::Number(value, unit) => json!({"value": value, "unit": unit}),
                InputValue::Term(term) => json!(term),
                InputValue::Time(_) | InputValue::Moment { .. } | InputValue::Used => return None,
            };
            Some((input.attribute.name().to_owned(), value))
        })
        .collect();
    let decay = scale.decay.get(frame).or(scale.decay.first());
    if let Some(decay) = decay {
        inputs.insert("decay_seconds".into(), json!(decay.decay_secs));
        inputs.insert("decay_factor".into(), json!(decay.factor));
    }
    answer.insert("inputs".into(), Value::Object(inputs));
    Ok(Value::Object(answer))
}

fn refused(refusal: &SuvRefusal) -> Value {
    let names: Vec<&str> = refusal.attributes.iter().map(|a| a.name()).collect();
    json!({"refused": {
        "code": refusal.code(), "attributes": names, "sentence": refusal.sentence,
    }})
}

/// Those quantities that scale with the values of pixels.
pub(super) fn of_values(quantities: &[Quantity]) -> Vec<(&str, f64)> {
    let scales = |name: &str| {
        let plain = [
            "value",
            "mean",
            "sd_sample",
            "sd_population",
            "min",
            "max",
            "median",
        ];
        plain.contains(&name) || name.starts_with("percentile_")
    };
    let known = quantities.iter().filter(|q| scales(&q.name));
    known
        .filter_map(|q| Some((q.name.as_str(), q.value?)))
        .collect()
}

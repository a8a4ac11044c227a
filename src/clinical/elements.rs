//! FHIR R4 data types (section 2.24) read from JSON values: concepts, dates, quantities, names, references.

use crate::model::{
    date::Date,
    identity::PersonName,
    record::{Coding, ObservationValue},
};
use serde_json::Value;

/// UCUM.
pub const UCUM: &str = "http://unitsofmeasure.org";
/// LOINC.
pub const LOINC: &str = "http://loinc.org";

/// Text of a member, empty when absent or no text.
pub fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Elements of a member; nothing when absent. A single object counts as a list of one.
pub fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    match value.get(name) {
        Some(Value::Array(items)) => items,
        Some(single @ Value::Object(_)) => std::slice::from_ref(single),
        _ => &[],
    }
}

/// Text without characters that hide or reorder what a reader sees: controls, zero-width and bidi marks.
pub fn visible(text: &str) -> String {
    text.chars()
        .filter(|&c| {
            !c.is_control()
                && !matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
                    | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
        })
        .collect::<String>()
        .trim()
        .to_owned()
}

/// One Coding.
pub fn coding(value: &Value) -> Coding {
    Coding {
        system: text(value, "system").to_owned(),
        code: text(value, "code").to_owned(),
        display: visible(text(value, "display")),
    }
}

/// A CodeableConcept: the first coding with a code, one of `preferred` system before others; the words come
/// from the coding, else from the concept's text.
pub fn concept(value: Option<&Value>, preferred: &str) -> Coding {
    let Some(value) = value else {
        return Coding::default();
    };
    let codings = list(value, "coding");
    let of_system = codings
        .iter()
        .find(|c| text(c, "system") == preferred && !text(c, "code").is_empty());
    let with_code = codings.iter().find(|c| !text(c, "code").is_empty());
    let mut found = of_system
        .or(with_code)
        .or(codings.first())
        .map(coding)
        .unwrap_or_default();
    if found.display.is_empty() {
        found.display = visible(text(value, "text"));
    }
    if found.display.is_empty() {
        found.display = codings
            .iter()
            .map(|c| visible(text(c, "display")))
            .find(|d| !d.is_empty())
            .unwrap_or_default();
    }
    found
}

/// The words of a concept, its code when it has none.
pub fn words(value: Option<&Value>) -> String {
    let found = concept(value, "");
    if found.display.is_empty() {
        found.code
    } else {
        found.display
    }
}

/// First code of the first coding, for status concepts.
pub fn code(value: Option<&Value>) -> String {
    concept(value, "").code
}

/// Day of a `date`, `dateTime` or `instant` member.
pub fn date(value: &Value, name: &str) -> Option<Date> {
    Date::parse(text(value, name))
}

/// Day of a choice element such as `onset[x]`: dateTime, else the start of a period.
pub fn choice_date(value: &Value, stem: &str) -> Option<Date> {
    date(value, &format!("{stem}DateTime"))
        .or_else(|| date(value, &format!("{stem}Instant")))
        .or_else(|| {
            value
                .get(format!("{stem}Period"))
                .and_then(|p| date(p, "start").or_else(|| date(p, "end")))
        })
        .or_else(|| date(value, &format!("{stem}String")))
}

/// Shortest text of a number.
pub fn number(value: f64) -> String {
    format!("{value}")
}

/// Unit of a Quantity: its UCUM code, else its words.
pub fn unit(quantity: &Value) -> String {
    let (code, words) = (text(quantity, "code"), text(quantity, "unit"));
    let ucum = text(quantity, "system") == UCUM && !code.is_empty();
    visible(if ucum || words.is_empty() {
        code
    } else {
        words
    })
}

fn quantity_words(quantity: &Value) -> String {
    let amount = quantity.get("value").and_then(Value::as_f64).map(number);
    [
        text(quantity, "comparator").to_owned(),
        amount.unwrap_or_default(),
        unit(quantity),
    ]
    .into_iter()
    .filter(|part| !part.is_empty())
    .collect::<Vec<_>>()
    .join(" ")
}

/// `value[x]` of an Observation or component into the number, unit and text of `into`. Returns whether there
/// was a value that could be read. A quantity with a comparator (`<`, `>`…) is text: it is no point on a curve.
pub fn observation_value(source: &Value, into: &mut ObservationValue) -> bool {
    if let Some(quantity) = source.get("valueQuantity") {
        into.unit = unit(quantity);
        let amount = quantity.get("value").and_then(Value::as_f64);
        if text(quantity, "comparator").is_empty() {
            into.value = amount;
            return amount.is_some();
        }
        into.text = quantity_words(quantity);
        return amount.is_some();
    }
    if let Some(whole) = source.get("valueInteger").and_then(Value::as_f64) {
        into.value = Some(whole);
        return true;
    }
    let range = |range: &Value, low: &str, high: &str| {
        let side = |name| range.get(name).map(quantity_words).unwrap_or_default();
        format!("{} – {}", side(low), side(high)).trim().to_owned()
    };
    into.text = if let Some(concept) = source.get("valueCodeableConcept") {
        words(Some(concept))
    } else if let Some(string) = source.get("valueString").and_then(Value::as_str) {
        visible(string)
    } else if let Some(truth) = source.get("valueBoolean").and_then(Value::as_bool) {
        truth.to_string()
    } else if let Some(value) = source.get("valueRange") {
        range(value, "low", "high")
    } else if let Some(ratio) = source.get("valueRatio") {
        let side = |name| ratio.get(name).map(quantity_words).unwrap_or_default();
        format!("{} : {}", side("numerator"), side("denominator"))
    } else if let Some(samples) = source.get("valueSampledData") {
        let count = text(samples, "data").split_whitespace().count();
        format!("{count} samples")
    } else if let Some(period) = source.get("valuePeriod") {
        format!("{} – {}", text(period, "start"), text(period, "end"))
    } else if !text(source, "valueDateTime").is_empty() {
        text(source, "valueDateTime").to_owned()
    } else if !text(source, "valueTime").is_empty() {
        text(source, "valueTime").to_owned()
    } else {
        String::new()
    };
    !into.text.is_empty()
}

/// A HumanName in the groups of PS3.5 section 6.2.1. An ideographic or phonetic representation is told by the
/// ISO 21090 extension, else by its characters.
pub fn person_name(name: &Value) -> PersonName {
    let given: Vec<String> = list_of_text(name, "given");
    let mut components = [
        visible(text(name, "family")),
        given.first().cloned().unwrap_or_default(),
        given.get(1..).unwrap_or_default().join(" "),
        list_of_text(name, "prefix").join(" "),
        list_of_text(name, "suffix").join(" "),
    ];
    if components.iter().all(String::is_empty) {
        // `text` alone: everything stands in the family component.
        components[0] = visible(text(name, "text"));
    }
    // A caret or equals sign inside a component would move the others.
    let joined = components
        .map(|part| part.replace(['^', '='], " "))
        .join("^")
        .trim_end_matches('^')
        .to_owned();
    let representation = list(name, "extension")
        .iter()
        .find(|e| text(e, "url").ends_with("iso21090-EN-representation"))
        .map(|e| text(e, "valueCode"))
        .unwrap_or_default();
    let mut groups = PersonName::default();
    match representation {
        "IDE" => groups.ideographic = joined,
        "SYL" => groups.phonetic = joined,
        "" if is_ideographic(&joined) => groups.ideographic = joined,
        _ => groups.alphabetic = joined,
    }
    groups
}

fn list_of_text(value: &Value, name: &str) -> Vec<String> {
    list(value, name)
        .iter()
        .filter_map(Value::as_str)
        .map(visible)
        .filter(|s| !s.is_empty())
        .collect()
}

/// Whether a text is written in Han characters, kana or hangul.
pub fn is_ideographic(text: &str) -> bool {
    text.chars().any(|c| {
        matches!(c, '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}'
            | '\u{AC00}'..='\u{D7AF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{323AF}')
    })
}

/// What a `reference` text points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// `#id`: inside the same resource.
    Contained(&'a str),
    /// `Type/id`, also at the end of a URL, any version left out.
    Typed(&'a str, &'a str),
    /// `urn:uuid:…` or another URI; only a full URL can answer it.
    Uri(&'a str),
    /// `Type?search`: to be answered by a server.
    Conditional(&'a str),
}

/// Reads a `reference` text (FHIR R4 section 2.26.2).
pub fn target(reference: &str) -> Target<'_> {
    if let Some(id) = reference.strip_prefix('#') {
        return Target::Contained(id);
    }
    if reference.starts_with("urn:") {
        return Target::Uri(reference);
    }
    if let Some((kind, _)) = reference.split_once('?') {
        return Target::Conditional(kind);
    }
    let path = reference.split("/_history/").next().unwrap_or(reference);
    let mut parts = path.rsplit('/');
    match (parts.next(), parts.next()) {
        (Some(id), Some(kind))
            if !id.is_empty()
                && kind.starts_with(|c: char| c.is_ascii_uppercase())
                && kind.chars().all(|c| c.is_ascii_alphabetic()) =>
        {
            Target::Typed(kind, id)
        }
        _ => Target::Uri(reference),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_value_kind_is_read() {
        let check = |source: Value, number: Option<f64>, unit: &str, words: &str| {
            let mut value = ObservationValue::default();
            assert!(observation_value(&source, &mut value), "{source}");
            assert_eq!(
                (value.value, value.unit.as_str(), value.text.as_str()),
                (number, unit, words),
                "{source}"
            );
        };
        let mg = json!({"value": 5.4, "unit": "mg per dL", "system": UCUM, "code": "mg/dL"});
        check(json!({"valueQuantity": mg}), Some(5.4), "mg/dL", "");
        check(
            json!({"valueQuantity": {"value": 3, "unit": "drops"}}),
            Some(3.0),
            "drops",
            "",
        );
        check(
            json!({"valueQuantity": {"value": 0.5, "comparator": "<", "unit": "ng/mL"}}),
            None,
            "ng/mL",
            "< 0.5 ng/mL",
        );
        check(json!({"valueInteger": 7}), Some(7.0), "", "");
        check(
            json!({"valueCodeableConcept": {"text": "Never smoker"}}),
            None,
            "",
            "Never smoker",
        );
        check(json!({"valueString": "a\u{202E}b"}), None, "", "ab");
        check(json!({"valueBoolean": false}), None, "", "false");
        check(
            json!({"valueRange": {"low": {"value": 1, "unit": "g"}, "high": {"value": 2, "unit": "g"}}}),
            None,
            "",
            "1 g – 2 g",
        );
        check(
            json!({"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 128}}}),
            None,
            "",
            "1 : 128",
        );
        check(
            json!({"valueSampledData": {"data": "1 2 3"}}),
            None,
            "",
            "3 samples",
        );
        check(json!({"valueTime": "10:30:00"}), None, "", "10:30:00");
        check(json!({"valueDateTime": "2020-01"}), None, "", "2020-01");
        check(
            json!({"valuePeriod": {"start": "2020", "end": "2021"}}),
            None,
            "",
            "2020 – 2021",
        );
        let mut value = ObservationValue::default();
        assert!(!observation_value(
            &json!({"valueQuantity": {"unit": "g"}}),
            &mut value
        ));
        assert!(!observation_value(&json!({}), &mut value));
    }

    #[test]
    fn names_keep_their_scripts_apart() {
        let check = |name: Value, alphabetic: &str, ideographic: &str| {
            let found = person_name(&name);
            assert_eq!(
                (found.alphabetic.as_str(), found.ideographic.as_str()),
                (alphabetic, ideographic)
            );
        };
        check(
            json!({"family": "O'Keefe", "given": ["Mathilda", "Anne", "Rose"], "prefix": ["Dr."]}),
            "O'Keefe^Mathilda^Anne Rose^Dr.",
            "",
        );
        check(json!({"family": "张", "given": ["三"]}), "", "张^三");
        check(json!({"text": "Jane Doe"}), "Jane Doe", "");
        check(json!({"family": "A^B=C"}), "A B C", "");
        let ideographic = json!([{"url": "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation",
            "valueCode": "ABC"}]);
        check(json!({"family": "張", "extension": ideographic}), "張", "");
    }

    #[test]
    fn references_are_taken_apart() {
        let check = |text, expected| assert_eq!(target(text), expected);
        check("#m", Target::Contained("m"));
        check("Patient/1", Target::Typed("Patient", "1"));
        check(
            "https://a.example/fhir/Patient/1/_history/3",
            Target::Typed("Patient", "1"),
        );
        check("urn:uuid:9", Target::Uri("urn:uuid:9"));
        check("Patient?identifier=4", Target::Conditional("Patient"));
        check("nonsense", Target::Uri("nonsense"));
    }
}

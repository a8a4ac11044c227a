//! The words for what an object says, in the user's language; the same for the window and the command line.

use crate::{
    i18n::Language,
    model::content::{
        Code, Content, ContentNode, Name, ObjectDescription, Reference, Relationship, Value,
    },
};

/// What a node is called.
pub fn name_text(words: Language, name: &Name) -> String {
    let text = name
        .key
        .and_then(|key| words.find(key, &[]))
        .unwrap_or_else(|| name.text.clone());
    match name.number {
        Some(number) => {
            // Numbers of things are names, not quantities: no separators.
            let number = number.to_string();
            let args = [
                ("name", text.as_str().into()),
                ("number", number.as_str().into()),
            ];
            words.tr("content-numbered", &args)
        }
        None => text,
    }
}

/// What a node says, and the unit behind it; both may be empty. `places` are those of all nodes, for links.
pub fn value_text(words: Language, value: &Value) -> (String, String) {
    let alone = |text: String| (text, String::new());
    match value {
        Value::None => alone(String::new()),
        Value::Text(text) | Value::Term(text) | Value::Moment(text) => alone(text.clone()),
        Value::Number {
            text,
            value,
            unit,
            qualifier,
        } => {
            let number = match (text.as_str(), value) {
                ("", Some(value)) => value.to_string(),
                (text, _) => text.to_owned(),
            };
            let why = qualifier.as_deref().map(Code::display);
            let number = match (number.as_str(), why) {
                ("", Some(why)) => why.to_owned(),
                (number, Some(why)) => format!("{number} ({why})"),
                (number, None) => number.to_owned(),
            };
            (number, unit.as_deref().map_or_else(String::new, unit_text))
        }
        Value::Quantity(value, unit) => (short(*value), (*unit).to_owned()),
        Value::Code(code) => alone(code.display().to_owned()),
        Value::Uid(uid, "") => alone(uid.clone()),
        Value::Uid(uid, name) => ((*name).to_owned(), uid.clone()),
        Value::Person(name) => alone(name.reveal().display()),
        Value::Reference(reference) => (
            reference_text(words, reference),
            reference.instance_uid.clone(),
        ),
        Value::Points(points) => {
            let count = words.tr("content-value-points", &[("count", count(points.count))]);
            (points.kind.clone(), count)
        }
        Value::Instants { kind, at } => (kind.clone(), at.clone()),
        Value::Table { columns, rows } => alone(words.tr(
            "content-value-table",
            &[("columns", count(*columns)), ("rows", count(*rows))],
        )),
        Value::Link { path, .. } => {
            alone(words.tr("content-value-link", &[("place", path.as_str().into())]))
        }
        Value::Color([r, g, b]) => alone(format!("#{r:02X}{g:02X}{b:02X}")),
        Value::Bytes(bytes) => alone(words.tr("content-value-bytes", &[("count", count(*bytes))])),
    }
}

fn count(number: u64) -> crate::i18n::Value<'static> {
    (number as f64).into()
}

/// At most six significant places, none of them empty.
fn short(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A unit as people write it: the code where it is UCUM and plain, else its meaning.
pub fn unit_text(unit: &Code) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '%' | '.' | '*' | '-');
    match unit.value.as_str() {
        // UCUM's unity.
        "1" if unit.scheme == "UCUM" => String::new(),
        value if unit.scheme == "UCUM" && !value.is_empty() && value.chars().all(plain) => {
            value.to_owned()
        }
        _ => unit.display().to_owned(),
    }
}

/// The class of what is referred to, and which frames or parts of it.
pub fn reference_text(words: Language, reference: &Reference) -> String {
    let class = match reference.class_name {
        "" if reference.class_uid.is_empty() => words.word("object-other"),
        "" => reference.class_uid.as_str(),
        name => name.strip_suffix(" Storage").unwrap_or(name),
    };
    let mut parts = vec![class.to_owned()];
    if !reference.frames.is_empty() {
        let frames = list(reference.frames.iter().map(u32::to_string));
        parts.push(words.tr(
            "content-value-frames",
            &[("frames", frames.as_str().into())],
        ));
    }
    if !reference.parts.is_empty() {
        let list = list(reference.parts.iter().cloned());
        parts.push(words.tr("content-value-parts", &[("parts", list.as_str().into())]));
    }
    parts.join(", ")
}

/// How an item belongs to the one above.
pub fn relationship_text(words: Language, relationship: Relationship) -> String {
    let key = match relationship {
        Relationship::Contains => return String::new(),
        Relationship::HasObservationContext => "content-has-observation-context",
        Relationship::HasAcquisitionContext => "content-has-acquisition-context",
        Relationship::HasConceptModifier => "content-has-modifier",
        Relationship::HasProperties => "content-has-properties",
        Relationship::InferredFrom => "content-inferred-from",
        Relationship::SelectedFrom => "content-selected-from",
    };
    words.word(key).to_owned()
}

/// The first of many.
fn list(all: impl Iterator<Item = String>) -> String {
    let mut all: Vec<String> = all.take(9).collect();
    if all.len() > 8 {
        all.truncate(8);
        all.push("…".into());
    }
    all.join(", ")
}

/// One line of a node: name, value, unit.
pub fn line(words: Language, node: &ContentNode) -> String {
    let (value, unit) = value_text(words, &node.value);
    let name = name_text(words, &node.name);
    let parts = [name, value, unit];
    let parts = parts.iter().filter(|p| !p.is_empty());
    parts.cloned().collect::<Vec<_>>().join("  ")
}

/// What a list calls an object: its title, or what it is. Titles that people wrote are left out while identity is hidden.
pub fn title(words: Language, object: &ObjectDescription, hide: bool) -> String {
    let kind = words.word(object.kind.message_key());
    if object.title.is_empty() || (hide && object.written) {
        kind.to_owned()
    } else {
        object.title.clone()
    }
}

/// As [`title`], of an object that was read.
pub fn title_of(words: Language, content: &Content, hide: bool) -> String {
    let kind = words.word(content.kind.message_key());
    if content.title.is_empty() || (hide && content.title_written) {
        kind.to_owned()
    } else {
        content.title.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(value: &str, scheme: &str, meaning: &str) -> Code {
        Code {
            value: value.into(),
            scheme: scheme.into(),
            meaning: meaning.into(),
            ..Code::default()
        }
    }

    #[test]
    fn units_are_written_as_people_write_them() {
        let check = |value: &str, meaning: &str, shown: &str| {
            assert_eq!(unit_text(&code(value, "UCUM", meaning)), shown);
        };
        check("mm", "millimeter", "mm");
        check("cm2", "square centimeter", "cm2");
        check("g/ml", "gram per milliliter", "g/ml");
        check("%", "percent", "%");
        check("1", "no units", "");
        check("[hnsf'U]", "Hounsfield unit", "Hounsfield unit");
        check("{counts}", "counts", "counts");
        assert_eq!(unit_text(&code("X", "99LOCAL", "things")), "things");
    }

    #[test]
    fn numbers_say_why_they_are_missing() {
        let value = Value::Number {
            text: String::new(),
            value: None,
            unit: None,
            qualifier: Some(Box::new(code("114006", "DCM", "Measurement failure"))),
        };
        let words = Language::English;
        assert_eq!(value_text(words, &value).0, "Measurement failure");
    }

    #[test]
    fn names_of_ours_are_translated_and_numbered() {
        let name = Name {
            text: "Segment".into(),
            key: Some("content-segment"),
            number: Some(12_345),
            ..Name::default()
        };
        assert_eq!(name_text(Language::English, &name), "Segment 12345");
        assert_eq!(
            name_text(Language::SimplifiedChinese, &name),
            "分割段 12345"
        );
    }
}

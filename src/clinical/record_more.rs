//! Resources that are shown beside the first ones: reports, immunisations, care plans, claims.

use super::{
    elements::{choice_date, code, concept, date, list, text, visible, words},
    fhir::Resource,
};
use crate::model::record::{
    CarePlan, Claim, Coding, Immunization, Relative, RelativeCondition, Report,
};
use serde_json::Value;

/// A DiagnosticReport; its text is the conclusion, else the text form of the presented report.
pub fn report(resource: &Resource, value: &Value) -> Report {
    let conclusion = text(value, "conclusion");
    let presented = || {
        list(value, "presentedForm")
            .iter()
            .find(|form| text(form, "contentType").starts_with("text/"))
            .and_then(|form| String::from_utf8(from_base64(text(form, "data"))?).ok())
    };
    Report {
        id: resource.id.clone(),
        code: concept(value.get("code"), ""),
        date: choice_date(value, "effective").or_else(|| date(value, "issued")),
        status: text(value, "status").to_owned(),
        text: match conclusion.is_empty() {
            true => presented().unwrap_or_default(),
            false => conclusion.to_owned(),
        },
        results: list(value, "result").len(),
    }
}

/// A DocumentReference; its text where the attachment is plain text.
pub fn document(resource: &Resource, value: &Value) -> Report {
    let attachment = list(value, "content")
        .first()
        .and_then(|c| c.get("attachment"));
    let plain = attachment.filter(|a| text(a, "contentType").starts_with("text/plain"));
    let title = attachment
        .map(|a| visible(text(a, "title")))
        .filter(|t| !t.is_empty());
    let mut what = concept(value.get("type"), "");
    if what.display.is_empty() {
        what.display = title.unwrap_or_default();
    }
    Report {
        id: resource.id.clone(),
        code: what,
        date: date(value, "date"),
        status: text(value, "status").to_owned(),
        text: plain
            .and_then(|a| String::from_utf8(from_base64(text(a, "data"))?).ok())
            .unwrap_or_default(),
        results: 0,
    }
}

/// An Immunization.
pub fn immunization(value: &Value) -> Immunization {
    Immunization {
        code: concept(value.get("vaccineCode"), ""),
        date: choice_date(value, "occurrence"),
    }
}

/// A CarePlan; `follow` gives the words of what a reference leads to.
pub fn care_plan(value: &Value, follow: impl Fn(&Value) -> Option<String>) -> CarePlan {
    let title = visible(text(value, "title"));
    let code = match title.is_empty() {
        true => concept(list(value, "category").last(), ""),
        false => Coding {
            display: title,
            ..Coding::default()
        },
    };
    CarePlan {
        code,
        status: text(value, "status").to_owned(),
        start: value.get("period").and_then(|p| date(p, "start")),
        activities: list(value, "activity")
            .iter()
            .filter_map(|a| a.get("detail"))
            .map(|d| words(d.get("code")))
            .filter(|w| !w.is_empty())
            .collect(),
        addresses: list(value, "addresses")
            .iter()
            .filter_map(follow)
            .filter(|w| !w.is_empty())
            .collect(),
    }
}

/// A FamilyMemberHistory.
pub fn relative(value: &Value) -> Relative {
    let dead = |value: &Value| {
        let said = value.get("deceasedBoolean").and_then(Value::as_bool);
        let dated = [
            "deceasedAge",
            "deceasedRange",
            "deceasedDate",
            "deceasedString",
        ];
        said.unwrap_or_else(|| dated.iter().any(|name| value.get(*name).is_some()))
    };
    let conditions = list(value, "condition").iter();
    Relative {
        relationship: concept(value.get("relationship"), ""),
        noted: date(value, "date"),
        deceased: dead(value),
        conditions: conditions
            .map(|condition| RelativeCondition {
                code: concept(condition.get("code"), ""),
                onset: onset(condition),
                fatal: condition.get("contributedToDeath").and_then(Value::as_bool) == Some(true),
            })
            .collect(),
    }
}

/// When a condition of a relative began: an age, a range of ages, days, or words.
fn onset(condition: &Value) -> String {
    let age = |value: Option<&Value>| -> Option<String> {
        let value = value?;
        let number = value.get("value").and_then(Value::as_f64)?;
        let unit = match (text(value, "code"), text(value, "unit")) {
            ("", unit) | (unit, _) => unit,
        };
        Some(
            format!("{} {unit}", super::elements::number(number))
                .trim()
                .to_owned(),
        )
    };
    if let Some(age) = age(condition.get("onsetAge")) {
        return age;
    }
    let parted = |of: &Value, first: &str, last: &str| {
        let ends = [first, last].map(|name| match of.get(name) {
            Some(Value::String(day)) => day.clone(),
            end => age(end).unwrap_or_default(),
        });
        ends.join("–").trim_matches('–').to_owned()
    };
    if let Some(range) = condition.get("onsetRange") {
        return parted(range, "low", "high");
    }
    if let Some(period) = condition.get("onsetPeriod") {
        return parted(period, "start", "end");
    }
    visible(text(condition, "onsetString"))
}

/// A Claim or ExplanationOfBenefit.
pub fn claim(value: &Value) -> Claim {
    let is_benefit = text(value, "resourceType") == "ExplanationOfBenefit";
    let money = |value: Option<&Value>| value.and_then(|m| m.get("value")).and_then(Value::as_f64);
    // A claim has one total; a benefit has several, by category.
    let total = match value.get("total") {
        Some(Value::Array(totals)) => {
            let submitted = totals
                .iter()
                .find(|t| code(t.get("category")) == "submitted");
            money(submitted.or(totals.first()).and_then(|t| t.get("amount")))
        }
        other => money(other),
    };
    let amount = list(value, "total")
        .first()
        .and_then(|t| t.get("amount").or(Some(t)));
    Claim {
        is_benefit,
        code: list(value, "item")
            .first()
            .map(|item| concept(item.get("productOrService"), ""))
            .unwrap_or_default(),
        date: value
            .get("billablePeriod")
            .and_then(|p| date(p, "start"))
            .or_else(|| date(value, "created")),
        total,
        paid: money(value.get("payment").and_then(|p| p.get("amount"))),
        currency: amount
            .or_else(|| value.get("payment")?.get("amount"))
            .map(|m| text(m, "currency").to_owned())
            .unwrap_or_default(),
    }
}

/// RFC 4648 section 4, white space left out; `None` where it is no base64.
pub fn from_base64(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0u32, 0);
    for c in text
        .bytes()
        .filter(|c| !c.is_ascii_whitespace() && *c != b'=')
    {
        let digit = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(digit);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push(((bits >> count) & 255) as u8);
            bits &= (1 << count) - 1;
        }
    }
    Some(out)
}

//! HL7 v2 messages (ADT, ORU and whatever else carries PID, PV1, OBR, OBX, AL1, DG1) as FHIR resources.
//!
//! Chapter 2 of HL7 v2.x gives the encoding. Every OBX becomes an Observation, also an empty one; the whole message is
//! kept as it came, so segments that nothing reads are not lost, and they are counted.

use super::{
    fhir::{FhirError, ParsedBundle},
    import::{bundle, form, id_of, original},
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Most segments of one file.
const MAX_SEGMENTS: usize = 2_000_000;

/// The separators of a message, from MSH-1 and MSH-2.
#[derive(Clone, Copy, Debug)]
struct Signs {
    field: char,
    component: char,
    repetition: char,
    escape: char,
    subcomponent: char,
}

/// One segment: its name and fields as written; field 0 is the name.
struct Segment<'a> {
    fields: Vec<&'a str>,
    line: usize,
}

impl<'a> Segment<'a> {
    fn name(&self) -> &'a str {
        self.fields.first().copied().unwrap_or_default()
    }

    fn field(&self, number: usize) -> &'a str {
        self.fields.get(number).copied().unwrap_or_default()
    }
}

impl Signs {
    /// Section 2.5.4: MSH-1 is the character after `MSH`, MSH-2 the four that follow; a doubled escape character, as
    /// exports of other programs have it, counts once.
    fn read(header: &str) -> Option<Self> {
        let mut chars = header.chars().skip(3);
        let field = chars.next()?;
        let mut signs: Vec<char> = chars.take_while(|c| *c != field).collect();
        signs.dedup();
        let sign = |i: usize, usual| signs.get(i).copied().unwrap_or(usual);
        Some(Self {
            field,
            component: sign(0, '^'),
            repetition: sign(1, '~'),
            escape: sign(2, '\\'),
            subcomponent: sign(3, '&'),
        })
    }

    fn repetitions<'a>(&self, field: &'a str) -> impl Iterator<Item = &'a str> {
        field.split(self.repetition).filter(|r| !r.is_empty())
    }

    fn component<'a>(&self, field: &'a str, number: usize) -> &'a str {
        let first = field.split(self.repetition).next().unwrap_or_default();
        self.part(first, number)
    }

    fn part<'a>(&self, repetition: &'a str, number: usize) -> &'a str {
        let component = repetition
            .split(self.component)
            .nth(number - 1)
            .unwrap_or_default();
        component
            .split(self.subcomponent)
            .next()
            .unwrap_or_default()
    }

    /// Section 2.7: escape sequences to what they stand for; unknown ones stay as they are.
    fn plain(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(open) = rest.find(self.escape) {
            out.push_str(rest.get(..open).unwrap_or_default());
            let inner = rest
                .get(open + self.escape.len_utf8()..)
                .unwrap_or_default();
            let Some(close) = inner.find(self.escape) else {
                out.push_str(rest.get(open..).unwrap_or_default());
                return out;
            };
            let sequence = inner.get(..close).unwrap_or_default();
            match sequence {
                "F" => out.push(self.field),
                "S" => out.push(self.component),
                "T" => out.push(self.subcomponent),
                "R" => out.push(self.repetition),
                "E" => out.push(self.escape),
                "H" | "N" => {}
                ".br" | ".sp" => out.push('\n'),
                _ => match hexadecimal(sequence) {
                    Some(text) => out.push_str(&text),
                    None => {
                        out.push(self.escape);
                        out.push_str(sequence);
                        out.push(self.escape);
                    }
                },
            }
            rest = inner
                .get(close + self.escape.len_utf8()..)
                .unwrap_or_default();
        }
        out.push_str(rest);
        out
    }

    fn text(&self, field: &str) -> String {
        super::elements::visible(&self.plain(field))
    }
}

fn hexadecimal(sequence: &str) -> Option<String> {
    let digits = sequence
        .strip_prefix('X')
        .filter(|d| !d.is_empty() && d.len() % 2 == 0)?;
    let bytes: Option<Vec<u8>> = (0..digits.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(digits.get(i..i + 2)?, 16).ok())
        .collect();
    String::from_utf8(bytes?).ok()
}

/// `20200802124455`, `202008021244+0800`, `20200802` as FHIR dateTime.
fn date_time(text: &str) -> Option<String> {
    let end = text.find(['+', '-']).unwrap_or(text.len());
    let digits = text.get(..end)?.split('.').next()?;
    if digits.is_empty() || !digits.chars().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize, to: usize| digits.get(from..to);
    let zone = text.get(end..).filter(|z| z.len() == 5);
    let year = part(0, 4)?;
    let Some(month) = part(4, 6) else {
        return Some(year.to_owned());
    };
    let Some(day) = part(6, 8) else {
        return Some(format!("{year}-{month}"));
    };
    let date = format!("{year}-{month}-{day}");
    crate::model::date::Date::parse(&date)?;
    match (part(8, 10), part(10, 12)) {
        (Some(hour), Some(minute)) => {
            let second = part(12, 14).unwrap_or("00");
            // FHIR asks for a zone with a time; where none is written the day alone is certain, and UTC is said.
            let zone = zone.map_or("Z".to_owned(), |z| {
                format!(
                    "{}:{}",
                    z.get(..3).unwrap_or_default(),
                    z.get(3..).unwrap_or_default()
                )
            });
            Some(format!("{date}T{hour}:{minute}:{second}{zone}"))
        }
        _ => Some(date),
    }
}

/// Reads the messages of a file, batches included. Segments end with CR, LF or both.
pub fn read_messages(text: &str) -> Result<ParsedBundle, FhirError> {
    let mut resources: Vec<Value> = Vec::new();
    let mut unread: BTreeMap<String, usize> = BTreeMap::new();
    let mut message: Vec<(usize, &str)> = Vec::new();
    let mut segments = 0;
    let lines = text.split(['\r', '\n']).enumerate();
    let mut flush = |message: &mut Vec<(usize, &str)>, resources: &mut Vec<Value>| {
        let read = match message.is_empty() {
            true => Ok(()),
            false => read_message(message, resources, &mut unread),
        };
        message.clear();
        read
    };
    for (number, line) in lines {
        // MLLP frames a message in VT and FS (appendix C of the implementation guide).
        let line = line.trim_matches(['\u{0B}', '\u{1C}']);
        if line.trim().is_empty() {
            continue;
        }
        segments += 1;
        if segments > MAX_SEGMENTS {
            return Err(form("HL7 v2", "more segments than the limit", number + 1));
        }
        if line.starts_with("MSH") {
            flush(&mut message, &mut resources)?;
        }
        if ["FHS", "BHS", "BTS", "FTS"]
            .iter()
            .any(|batch| line.starts_with(batch))
        {
            continue;
        }
        if message.is_empty() && !line.starts_with("MSH") {
            return Err(form("HL7 v2", "a segment before MSH", number + 1));
        }
        message.push((number + 1, line));
    }
    flush(&mut message, &mut resources)?;
    if resources.is_empty() {
        return Err(form("HL7 v2", "no message", 1));
    }
    let mut bundle = bundle("hl7v2", &resources)?;
    for (segment, count) in unread {
        bundle
            .report
            .unread
            .insert(("HL7v2".into(), segment), count);
    }
    Ok(bundle)
}

struct Message<'a> {
    signs: Signs,
    segments: Vec<Segment<'a>>,
    /// What ids are made of: sender and control id.
    key: String,
    subject: Value,
    patient: String,
}

impl Message<'_> {
    fn id(&self, parts: &[&str]) -> String {
        let mut all = vec![self.patient.as_str(), self.key.as_str()];
        all.extend(parts);
        id_of(&all)
    }

    fn concept(&self, field: &str) -> Value {
        let part = |n| self.signs.text(self.signs.component(field, n));
        let mut codings = Vec::new();
        for (code, display, system) in [(part(1), part(2), part(3)), (part(4), part(5), part(6))] {
            if code.is_empty() && display.is_empty() {
                continue;
            }
            let mut coding = json!({});
            if !code.is_empty() {
                coding["code"] = json!(code);
                if let Some(system) = system_of(&system) {
                    coding["system"] = json!(system);
                }
            }
            if !display.is_empty() {
                coding["display"] = json!(display);
            }
            codings.push(coding);
        }
        let text = if part(2).is_empty() { part(1) } else { part(2) };
        json!({"coding": codings, "text": text})
    }
}

fn system_of(name: &str) -> Option<String> {
    match name {
        "" => None,
        "LN" => Some("http://loinc.org".into()),
        "SCT" | "SNM" => Some("http://snomed.info/sct".into()),
        "I10" | "I10C" => Some("http://hl7.org/fhir/sid/icd-10-cm".into()),
        "I9" | "I9C" => Some("http://hl7.org/fhir/sid/icd-9-cm".into()),
        "RXNORM" => Some("http://www.nlm.nih.gov/research/umls/rxnorm".into()),
        other => Some(format!("urn:hl7v2:{other}")),
    }
}

fn read_message(
    lines: &[(usize, &str)],
    resources: &mut Vec<Value>,
    unread: &mut BTreeMap<String, usize>,
) -> Result<(), FhirError> {
    let (first_line, header) = lines.first().copied().unwrap_or_default();
    let signs =
        Signs::read(header).ok_or_else(|| form("HL7 v2", "MSH without separators", first_line))?;
    let segments: Vec<Segment<'_>> = lines
        .iter()
        .map(|(line, text)| Segment {
            fields: text.split(signs.field).collect(),
            line: *line,
        })
        .collect();
    let msh = segments
        .first()
        .map(|m| (m.field(2), m.field(8), m.field(9)))
        .unwrap_or_default();
    // MSH-1 is the separator itself, so MSH-n is at n - 1.
    let (sender, kind, control) = msh;
    let Some(pid) = segments.iter().find(|s| s.name() == "PID") else {
        return Err(form("HL7 v2", "no PID segment", first_line));
    };
    let (patient, person) = person(&signs, pid);
    let message = Message {
        key: format!(
            "{sender}|{control}|{}",
            lines.iter().map(|l| l.1.len()).sum::<usize>()
        ),
        subject: json!({"reference": format!("Patient/{patient}")}),
        signs,
        segments,
        patient,
    };
    resources.push(person);
    let kind = signs.text(kind).replace(signs.component, "^");
    let whole: Vec<&str> = lines.iter().map(|l| l.1).collect();
    resources.push(original(
        &format!("HL7 v2 {kind}"),
        "x-application/hl7-v2+er7",
        &message.subject,
        &whole.join("\r"),
    ));
    read_segments(&message, resources, unread);
    Ok(())
}

/// PID to a Patient; its logical id comes from the first identifier, so that every message of a person agrees.
fn person(signs: &Signs, pid: &Segment<'_>) -> (String, Value) {
    let fields = if pid.field(3).is_empty() {
        pid.field(2)
    } else {
        pid.field(3)
    };
    let mut identifiers = Vec::new();
    for repetition in signs.repetitions(fields) {
        let (value, authority, kind) = (
            signs.text(signs.part(repetition, 1)),
            signs.text(signs.part(repetition, 4)),
            signs.text(signs.part(repetition, 5)),
        );
        if value.is_empty() {
            continue;
        }
        let mut identifier = json!({"value": value});
        if !authority.is_empty() {
            identifier["system"] = json!(format!("urn:hl7v2:{authority}"));
        }
        // An identifier without a type in the first place is the hospital's number (PID-3).
        let code = match (kind.as_str(), identifiers.is_empty()) {
            ("", true) => "MR",
            ("MRN", _) => "MR",
            (other, _) => other,
        };
        if !code.is_empty() {
            identifier["type"] = json!({"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": code}]});
        }
        identifiers.push(identifier);
    }
    let of = |value: Option<&Value>, name: &str| {
        value
            .and_then(|v| v.get(name))
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let first = identifiers.first();
    let id = id_of(&[
        "Patient",
        &of(first, "system"),
        &of(first, "value"),
        &signs.text(pid.field(5)),
    ]);
    let mut patient = json!({"resourceType": "Patient", "id": id, "identifier": identifiers});
    let names: Vec<Value> = signs
        .repetitions(pid.field(5))
        .map(|name| {
            let part = |n| signs.text(signs.part(name, n));
            let given: Vec<String> = [part(2), part(3)]
                .into_iter()
                .filter(|g| !g.is_empty())
                .collect();
            json!({"use": "official", "family": part(1), "given": given})
        })
        .collect();
    patient["name"] = json!(names);
    if let Some(birth) = date_time(pid.field(7)) {
        patient["birthDate"] = json!(birth.split('T').next().unwrap_or_default());
    }
    let gender = match pid.field(8) {
        "M" => "male",
        "F" => "female",
        "O" | "A" => "other",
        _ => "unknown",
    };
    patient["gender"] = json!(gender);
    if let Some(died) = date_time(pid.field(29)) {
        patient["deceasedDateTime"] = json!(died);
    } else if pid.field(30) == "Y" {
        patient["deceasedBoolean"] = json!(true);
    }
    (id, patient)
}

fn read_segments(
    message: &Message<'_>,
    resources: &mut Vec<Value>,
    unread: &mut BTreeMap<String, usize>,
) {
    // The report that OBX segments belong to.
    let mut report: Option<usize> = None;
    for segment in &message.segments {
        let line = segment.line.to_string();
        match segment.name() {
            "MSH" | "PID" | "EVN" => {}
            "PV1" => resources.push(encounter(message, segment)),
            "OBR" => {
                report = Some(resources.len());
                resources.push(diagnostic_report(message, segment, &line));
            }
            "OBX" => {
                let observation = observation(message, segment, &line);
                if let Some(report) = report.and_then(|r| resources.get_mut(r)) {
                    join(report, &observation, segment.field(2));
                }
                resources.push(observation);
            }
            "AL1" => {
                let mut allergy = json!({
                    "resourceType": "AllergyIntolerance",
                    "id": message.id(&["AL1", segment.field(3), segment.field(1)]),
                    "clinicalStatus": {"coding": [{"code": "active"}]},
                    "code": message.concept(segment.field(3)),
                    "patient": message.subject,
                });
                if segment.field(4).starts_with("SV") {
                    allergy["criticality"] = json!("high");
                }
                if let Some(date) = date_time(segment.field(6)) {
                    allergy["recordedDate"] = json!(date);
                }
                resources.push(allergy);
            }
            "DG1" => {
                let coded = if segment.field(3).is_empty() {
                    segment.field(4)
                } else {
                    segment.field(3)
                };
                let mut condition = json!({
                    "resourceType": "Condition",
                    "id": message.id(&["DG1", coded, segment.field(1)]),
                    "code": message.concept(coded),
                    "subject": message.subject,
                });
                if let Some(date) = date_time(segment.field(5)) {
                    condition["recordedDate"] = json!(date);
                }
                resources.push(condition);
            }
            other => {
                let name: String = other
                    .chars()
                    .filter(char::is_ascii_alphanumeric)
                    .take(3)
                    .collect();
                *unread.entry(name).or_default() += 1;
            }
        }
    }
}

fn encounter(message: &Message<'_>, segment: &Segment<'_>) -> Value {
    let class = match segment.field(2) {
        "I" => "IMP",
        "E" => "EMER",
        "P" | "O" | "R" | "B" => "AMB",
        _ => "UNK",
    };
    let visit = message.signs.component(segment.field(19), 1);
    let mut encounter = json!({
        "resourceType": "Encounter",
        "id": message.id(&["PV1", visit, segment.field(44)]),
        "status": "unknown",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": class},
        "subject": message.subject,
    });
    let (start, end) = (date_time(segment.field(44)), date_time(segment.field(45)));
    if let Some(start) = start {
        encounter["period"]["start"] = json!(start);
    }
    if let Some(end) = end {
        encounter["period"]["end"] = json!(end);
    }
    encounter
}

fn diagnostic_report(message: &Message<'_>, segment: &Segment<'_>, line: &str) -> Value {
    let filler = message.signs.component(segment.field(3), 1);
    let status = match segment.field(25) {
        "F" => "final",
        "C" => "corrected",
        "P" | "R" => "preliminary",
        "X" => "cancelled",
        _ => "unknown",
    };
    let mut report = json!({
        "resourceType": "DiagnosticReport",
        "id": message.id(&["OBR", filler, segment.field(1), line]),
        "status": status,
        "code": message.concept(segment.field(4)),
        "subject": message.subject,
    });
    if let Some(when) = date_time(segment.field(7)) {
        report["effectiveDateTime"] = json!(when);
    }
    report
}

/// Adds an observation to its report; lines of text become the report's conclusion.
fn join(report: &mut Value, observation: &Value, kind: &str) {
    let id = observation
        .get("id")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let reference = json!({"reference": format!("Observation/{id}")});
    match report.get_mut("result").and_then(Value::as_array_mut) {
        Some(results) => results.push(reference),
        None => report["result"] = json!([reference]),
    }
    if let ("TX" | "FT", Some(text)) =
        (kind, observation.get("valueString").and_then(Value::as_str))
    {
        let before = report
            .get("conclusion")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let joined = if before.is_empty() {
            text.to_owned()
        } else {
            format!("{before}\n{text}")
        };
        report["conclusion"] = json!(joined);
    }
}

fn observation(message: &Message<'_>, segment: &Segment<'_>, line: &str) -> Value {
    let signs = &message.signs;
    let status = match segment.field(11) {
        "F" => "final",
        "P" | "R" | "S" => "preliminary",
        "C" => "corrected",
        "D" | "W" => "entered-in-error",
        "X" => "cancelled",
        _ => "unknown",
    };
    let mut observation = json!({
        "resourceType": "Observation",
        "id": message.id(&["OBX", segment.field(1), segment.field(3), segment.field(4), line]),
        "status": status,
        "code": message.concept(segment.field(3)),
        "subject": message.subject,
    });
    if let Some(when) = date_time(segment.field(14)) {
        observation["effectiveDateTime"] = json!(when);
    }
    let raw = segment.field(5);
    let first = signs.component(raw, 1);
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|n| n.is_finite());
    let unit = signs.text(signs.component(segment.field(6), 1));
    let quantity = |value: f64, comparator: &str| {
        let mut quantity = json!({"value": value});
        if !unit.is_empty() {
            quantity["unit"] = json!(unit);
        }
        if !comparator.is_empty() {
            quantity["comparator"] = json!(comparator);
        }
        quantity
    };
    match (segment.field(2), raw) {
        (_, "" | "\"\"") => {
            observation["dataAbsentReason"] = json!({"coding": [{
                "system": "http://terminology.hl7.org/CodeSystem/data-absent-reason", "code": "unknown"}]});
        }
        ("NM", _) if number(first).is_some() => {
            observation["valueQuantity"] = quantity(number(first).unwrap_or_default(), "");
        }
        // Section 2A.3.75 SN: comparator, number, separator, number.
        ("SN", _)
            if number(signs.component(raw, 2)).is_some() && signs.component(raw, 4).is_empty() =>
        {
            let comparator = match first {
                "<" | ">" | "<=" | ">=" => first,
                _ => "",
            };
            observation["valueQuantity"] = quantity(
                number(signs.component(raw, 2)).unwrap_or_default(),
                comparator,
            );
        }
        ("CE" | "CWE" | "CNE", _) => observation["valueCodeableConcept"] = message.concept(raw),
        ("DT" | "TS" | "DTM", _) if date_time(first).is_some() => {
            observation["valueDateTime"] = json!(date_time(first));
        }
        _ => {
            let lines: Vec<String> = signs.repetitions(raw).map(|r| signs.plain(r)).collect();
            observation["valueString"] = json!(lines.join("\n"));
        }
    }
    if let Some((low, high)) = segment.field(7).split_once('-')
        && let (Some(low), Some(high)) = (number(low), number(high))
    {
        observation["referenceRange"] =
            json!([{"low": {"value": low, "unit": unit}, "high": {"value": high, "unit": unit}}]);
    }
    let flag = signs.component(segment.field(8), 1);
    if !flag.is_empty() {
        observation["interpretation"] = json!([{"coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation", "code": flag}]}]);
    }
    observation
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_become_those_of_fhir() {
        let check = |text, expected: Option<&str>| {
            assert_eq!(date_time(text).as_deref(), expected, "{text}")
        };
        check("20200802124455", Some("2020-08-02T12:44:55Z"));
        check("202008021244+0800", Some("2020-08-02T12:44:00+08:00"));
        check("20200802", Some("2020-08-02"));
        check("202008", Some("2020-08"));
        check("2020", Some("2020"));
        check("20201302", None);
        check("", None);
        check("yesterday", None);
    }

    #[test]
    fn escapes_stand_for_what_they_mean() {
        let signs = Signs::read("MSH|^~\\&|A").expect("separators");
        assert_eq!(
            signs.plain(r"a\F\b\S\c\T\d\R\e\E\f\.br\g\X41\h\Z1\i"),
            "a|b^c&d~e\\f\ngAh\\Z1\\i"
        );
        assert_eq!(signs.plain(r"open \F"), r"open \F");
        let doubled = Signs::read("MSH|^~\\\\&|A").expect("separators");
        assert_eq!((doubled.escape, doubled.subcomponent), ('\\', '&'));
    }
}

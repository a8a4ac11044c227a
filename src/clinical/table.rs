//! Tables as text: RFC 4180 with any separator, and their rows as FHIR by a mapping file.
//!
//! A long table has one fact a row; `[columns]` says which column is the code, the value, the unit, the day. A wide
//! table, as wearables write it, has one time a row and a column for each measure; `[[measure]]` names them. What of a
//! row cannot be read is said with its line, and the rest of the table is read.

use super::{
    fhir::{FhirError, ParsedBundle},
    import::{Hints, bundle, form, id_of},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Most rows of one table.
pub const MAX_ROWS: usize = 1_000_000;

/// Most fields of one row.
pub const MAX_FIELDS: usize = 4096;

/// Why a table cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// A quoted field is not closed.
    #[error("the quotation that begins in line {0} is not closed")]
    OpenQuote(usize),
    /// More fields than the limit.
    #[error("line {0} has more than {MAX_FIELDS} fields")]
    TooManyFields(usize),
}

/// Cuts a text into rows of fields. Empty lines are left out; a quoted field may hold separators and line breaks.
pub fn rows(text: &str, separator: char) -> Result<Vec<Vec<String>>, TableError> {
    let mut rows = Vec::new();
    let mut row: Vec<String> = Vec::new();
    let mut field = String::new();
    let mut quoted = None;
    let mut line = 1;
    let mut chars = text.trim_start_matches('\u{FEFF}').chars().peekable();
    let mut written = false;
    while let Some(c) = chars.next() {
        if c == '\n' {
            line += 1;
        }
        if quoted.is_some() {
            match c {
                '"' if chars.peek() == Some(&'"') => {
                    chars.next();
                    field.push('"');
                }
                '"' => quoted = None,
                _ => field.push(c),
            }
            continue;
        }
        match c {
            '"' if field.is_empty() => {
                quoted = Some(line);
                written = true;
            }
            '\r' if chars.peek() == Some(&'\n') => {}
            '\n' | '\r' => {
                if written || !field.is_empty() || !row.is_empty() {
                    row.push(std::mem::take(&mut field));
                    rows.push(std::mem::take(&mut row));
                }
                written = false;
            }
            c if c == separator => {
                row.push(std::mem::take(&mut field));
                if row.len() >= MAX_FIELDS {
                    return Err(TableError::TooManyFields(line));
                }
            }
            _ => field.push(c),
        }
    }
    if let Some(line) = quoted {
        return Err(TableError::OpenQuote(line));
    }
    if written || !field.is_empty() || !row.is_empty() {
        row.push(field);
        rows.push(row);
    }
    Ok(rows)
}

/// What the columns of a table mean.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mapping {
    /// FHIR type of a row: Observation (also of a wide table), Condition, MedicationRequest, Procedure, Immunization,
    /// AllergyIntolerance, Patient.
    resource: String,
    /// Between fields; a comma where it is not given.
    separator: Option<char>,
    /// Category of observations: `laboratory`, `vital-signs`, `activity`…
    category: Option<String>,
    /// Role to name of the column.
    #[serde(default)]
    columns: BTreeMap<String, String>,
    /// Role to a value that is the same in every row.
    #[serde(default)]
    constants: BTreeMap<String, String>,
    /// Columns of a wide table.
    #[serde(default)]
    measure: Vec<Measure>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Measure {
    column: String,
    /// Empty where it has none.
    #[serde(default)]
    loinc: String,
    display: String,
    unit: String,
    /// Category of its observations, where it is not that of the mapping.
    category: Option<String>,
    /// Values are multiplied by this: minutes to hours is 0.016666666666666666.
    scale: Option<f64>,
}

/// Roles that a mapping may name.
const ROLES: [&str; 14] = [
    "patient", "id", "system", "code", "display", "value", "unit", "date", "end", "status", "low",
    "high", "family", "given",
];
const MORE_ROLES: [&str; 4] = ["birth_date", "sex", "dosage", "criticality"];

/// FHIR types that a row can become, with the elements for its code and its day.
const TYPES: [(&str, &str, &str); 7] = [
    ("Observation", "code", "effectiveDateTime"),
    ("Condition", "code", "onsetDateTime"),
    (
        "MedicationRequest",
        "medicationCodeableConcept",
        "authoredOn",
    ),
    ("Procedure", "code", "performedDateTime"),
    ("Immunization", "vaccineCode", "occurrenceDateTime"),
    ("AllergyIntolerance", "code", "recordedDate"),
    ("Patient", "", ""),
];

/// What is wrong with a row: a stable code, and a sentence that says it without a value of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowFault {
    /// Number of the row below the header, from 1; empty lines are not counted.
    pub row: usize,
    /// Number of the column, from 1; 0 for the row as a whole.
    pub column: usize,
    /// Stable code.
    pub code: &'static str,
}

/// Most faults that are kept one by one; all are counted.
pub const MAX_FAULTS: usize = 1000;

/// What a table gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Rows below the header.
    pub rows: usize,
    /// Facts that it gives, one that stands twice counted once.
    pub facts: usize,
    /// Rows that give nothing.
    pub empty: usize,
    /// Facts that repeat another.
    pub twice: usize,
    /// What is wrong with rows, in order, at most [`MAX_FAULTS`].
    pub faults: Vec<RowFault>,
    /// How often each, all of them.
    pub fault_counts: BTreeMap<&'static str, usize>,
    /// Columns that nothing reads, from 1.
    pub unread: Vec<usize>,
}

impl Checked {
    fn fault(&mut self, row: usize, column: usize, code: &'static str) {
        *self.fault_counts.entry(code).or_default() += 1;
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(RowFault { row, column, code });
        }
    }
}

/// What a code of a row's fault means, in English.
pub fn fault_sentence(code: &str) -> &'static str {
    match code {
        "ROW_NO_PATIENT" => "the row does not say whose it is; it is left out",
        "ROW_NO_DATE" => "no day stands in the row; it is left out",
        "ROW_BAD_DATE" => "the day cannot be read",
        "ROW_NOT_A_NUMBER" => "no number, though the column is a measure; it is left out",
        "ROW_NO_CODE" => "neither code nor words say what it is; it is left out",
        "ROW_NO_VALUE" => "a value is missing; it is left out",
        "ROW_FIELDS" => "the row has more or fewer fields than there are columns",
        _ => "the row cannot be read",
    }
}

/// Whether a cell says that there is nothing.
fn is_missing(cell: &str) -> bool {
    let cell = cell.trim().to_lowercase();
    matches!(
        cell.as_str(),
        "" | "na" | "n/a" | "nan" | "null" | "none" | "-" | "--" | "/" | "无"
    )
}

struct Row<'a> {
    cells: &'a [String],
    columns: &'a BTreeMap<String, usize>,
    mapping: &'a Mapping,
}

impl Row<'_> {
    fn get(&self, role: &str) -> &str {
        let cell = self
            .columns
            .get(role)
            .and_then(|c| self.cells.get(*c))
            .map(|c| c.trim());
        cell.filter(|c| !c.is_empty())
            .or_else(|| self.mapping.constants.get(role).map(String::as_str))
            .unwrap_or_default()
    }
}

/// Reads a table by its mapping file.
///
/// # Errors
/// [`FhirError::Form`] where the mapping or the table cannot be read, [`FhirError::NoPatient`].
pub fn read_table(text: &str, hints: &Hints<'_>) -> Result<ParsedBundle, FhirError> {
    let mut resources = Vec::new();
    let checked = walk(text, hints, &mut |resource| resources.push(resource))?;
    let mut bundle = bundle("csv", &resources)?;
    for (what, count) in [
        ("row without a value", checked.empty),
        ("row that repeats another", checked.twice),
    ] {
        if count > 0 {
            bundle
                .report
                .unread
                .insert(("CSV".into(), what.into()), count);
        }
    }
    for column in checked.unread {
        // Names of columns can be anything; their number tells which.
        let key = ("CSV".into(), format!("column {column}"));
        bundle.report.unread.insert(key, checked.rows);
    }
    for fault in &checked.faults {
        let sentence = fault_sentence(fault.code);
        let sentence = match fault.column {
            0 => sentence.to_owned(),
            column => format!("column {column}: {sentence}"),
        };
        bundle.report.row_fault(fault.row, fault.code, &sentence);
    }
    bundle.report.doubt_counts.extend(checked.fault_counts);
    Ok(bundle)
}

/// What a table gives by its mapping file, without keeping it.
///
/// # Errors
/// As [`read_table`].
pub fn check_table(text: &str, hints: &Hints<'_>) -> Result<Checked, FhirError> {
    walk(text, hints, &mut drop)
}

/// The mapping file, with the type of its rows.
fn mapping_of(source: &str) -> Result<(Mapping, &'static str), FhirError> {
    let mapping: Mapping = toml::from_str(source).map_err(|e| {
        let at = e.span().map_or(0, |s| s.start);
        let line = source.get(..at).map_or(1, |s| s.matches('\n').count() + 1);
        form("mapping file", "an unknown or missing entry", line)
    })?;
    let Some((kind, ..)) = TYPES.iter().find(|(kind, ..)| *kind == mapping.resource) else {
        return Err(form(
            "mapping file",
            "this type of resource is not made from tables",
            1,
        ));
    };
    let roles = mapping.columns.keys().chain(mapping.constants.keys());
    if roles
        .into_iter()
        .any(|r| !ROLES.contains(&r.as_str()) && !MORE_ROLES.contains(&r.as_str()))
    {
        return Err(form("mapping file", "a role that no column can have", 1));
    }
    Ok((mapping, kind))
}

fn walk(text: &str, hints: &Hints<'_>, keep: &mut dyn FnMut(Value)) -> Result<Checked, FhirError> {
    let source = hints.mapping.ok_or(FhirError::NoMapping)?;
    let fault = |reason, line| form("CSV", reason, line);
    let (mapping, kind) = mapping_of(source)?;
    let rows = rows(text, mapping.separator.unwrap_or(',')).map_err(|e| match e {
        TableError::OpenQuote(line) => fault("a quotation is not closed", line),
        TableError::TooManyFields(line) => fault("more fields than the limit", line),
    })?;
    if rows.len() > MAX_ROWS {
        return Err(fault("more rows than the limit", MAX_ROWS));
    }
    let Some((header, rows)) = rows.split_first() else {
        return Err(FhirError::Empty);
    };
    let place = |name: &str| header.iter().position(|h| h.trim() == name);
    let mut columns = BTreeMap::new();
    for (role, name) in &mapping.columns {
        let place =
            place(name).ok_or_else(|| fault("a column of the mapping file is missing", 1))?;
        columns.insert(role.clone(), place);
    }
    let mut measures = Vec::new();
    for measure in &mapping.measure {
        let place = place(&measure.column)
            .ok_or_else(|| fault("a column of the mapping file is missing", 1))?;
        measures.push((place, measure));
    }
    // Where no column can say it, nobody's whole table it is.
    let says_whose = columns.contains_key("patient") || mapping.constants.contains_key("patient");
    if kind != "Patient" && hints.patient.is_none() && !says_whose {
        return Err(FhirError::NoPatient);
    }
    let mut checked = Checked {
        rows: rows.len(),
        ..Checked::default()
    };
    let mut seen = std::collections::HashSet::new();
    for (number, cells) in rows.iter().enumerate() {
        let row = Row {
            cells,
            columns: &columns,
            mapping: &mapping,
        };
        if cells.len() != header.len() {
            checked.fault(number + 1, 0, "ROW_FIELDS");
        }
        let made = made_of(&row, kind, &measures, hints, number + 1, &mut checked);
        checked.empty += usize::from(made.is_empty());
        for resource in made {
            // The same fact twice is one fact.
            match id_text(&resource).is_some_and(|id| !seen.insert(id)) {
                true => checked.twice += 1,
                false => {
                    checked.facts += 1;
                    keep(resource);
                }
            }
        }
    }
    let used = |column: &usize| {
        columns.values().any(|c| c == column) || measures.iter().any(|(c, _)| c == column)
    };
    let unread = (0..header.len()).filter(|column| !used(column));
    checked.unread = unread.map(|column| column + 1).collect();
    Ok(checked)
}

/// What one row gives; what is wrong with it is noted.
fn made_of(
    row: &Row<'_>,
    kind: &str,
    measures: &[(usize, &Measure)],
    hints: &Hints<'_>,
    number: usize,
    checked: &mut Checked,
) -> Vec<Value> {
    let column_of = |role: &str| row.columns.get(role).map_or(0, |column| column + 1);
    if kind == "Patient" {
        let person = person(row);
        if person.is_none() {
            checked.fault(number, column_of("patient"), "ROW_NO_PATIENT");
        }
        return person.into_iter().collect();
    }
    let Some(subject) = subject(row, hints) else {
        checked.fault(number, column_of("patient"), "ROW_NO_PATIENT");
        return Vec::new();
    };
    let date = row.get("date");
    let day = moment(date);
    if day.is_none() && !date.is_empty() {
        checked.fault(number, column_of("date"), "ROW_BAD_DATE");
    }
    if measures.is_empty() {
        let fact = fact(row, kind, &subject);
        if fact.is_none() {
            let nameless = row.get("code").is_empty() && row.get("display").is_empty();
            let (role, code) = match nameless {
                true => ("code", "ROW_NO_CODE"),
                false => ("value", "ROW_NO_VALUE"),
            };
            checked.fault(number, column_of(role), code);
        }
        return fact.into_iter().collect();
    }
    let Some(when) = day else {
        if date.is_empty() {
            checked.fault(number, column_of("date"), "ROW_NO_DATE");
        }
        return Vec::new();
    };
    let mut out = Vec::new();
    for (place, measure) in measures {
        let cell = row.cells.get(*place).map_or("", |cell| cell.trim());
        if is_missing(cell) {
            continue;
        }
        match cell.parse::<f64>().ok().filter(|value| value.is_finite()) {
            Some(value) => out.push(measured(row, value, &when, measure, &subject)),
            None => checked.fault(number, place + 1, "ROW_NOT_A_NUMBER"),
        }
    }
    out
}

fn id_text(resource: &Value) -> Option<String> {
    resource
        .get("id")
        .and_then(Value::as_str)
        .map(str::to_owned)
}

/// The id of a person whose table has only a number: the same in every table.
fn patient_id(number: &str) -> String {
    id_of(&["table patient", number])
}

fn subject(row: &Row<'_>, hints: &Hints<'_>) -> Option<Value> {
    let id = match (hints.patient, row.get("patient")) {
        (Some(id), _) => id.to_owned(),
        (None, "") => return None,
        (None, number) => patient_id(number),
    };
    Some(json!({"reference": format!("Patient/{id}")}))
}

fn person(row: &Row<'_>) -> Option<Value> {
    let number = row.get("patient");
    if number.is_empty() {
        return None;
    }
    let mut patient = json!({
        "resourceType": "Patient",
        "id": patient_id(number),
        "identifier": [{"type": {"coding": [{"code": "MR"}]}, "value": number}],
        "name": [{"use": "official", "family": row.get("family"), "given": [row.get("given")]}],
    });
    if !row.get("birth_date").is_empty() {
        patient["birthDate"] = json!(row.get("birth_date"));
    }
    let sex = match row.get("sex").to_lowercase().as_str() {
        "m" | "male" | "男" => "male",
        "f" | "female" | "女" => "female",
        "" => return Some(patient),
        _ => "other",
    };
    patient["gender"] = json!(sex);
    Some(patient)
}

/// `2024-03-05 07:30`, `2024/3/5`, `20240305`: as FHIR dateTime, else nothing.
fn moment(text: &str) -> Option<String> {
    let text = text.trim();
    let (day, time) = match text.find([' ', 'T']) {
        Some(at) => (text.get(..at)?, text.get(at + 1..)?),
        None => (text, ""),
    };
    let day = match day.split(['/', '-', '.']).collect::<Vec<_>>().as_slice() {
        [year, month, date] if year.len() == 4 => format!("{year}-{month:0>2}-{date:0>2}"),
        [whole] if whole.len() == 8 => format!(
            "{}-{}-{}",
            whole.get(..4)?,
            whole.get(4..6)?,
            whole.get(6..)?
        ),
        _ => return None,
    };
    crate::model::date::Date::parse(&day)?;
    if time.is_empty() {
        return Some(day);
    }
    let zone = time.find(['Z', '+', '-']).unwrap_or(time.len());
    let (clock, zone) = (time.get(..zone)?, time.get(zone..)?);
    let parts: Vec<&str> = clock.split(':').collect();
    let number = |i: usize| parts.get(i).map_or(Some(0.0), |p| p.parse::<f64>().ok());
    let (hour, minute, second) = (number(0)?, number(1)?, number(2)?);
    let sound = (0.0..24.0).contains(&hour)
        && (0.0..60.0).contains(&minute)
        && (0.0..=60.0).contains(&second);
    let zone = if zone.is_empty() { "Z" } else { zone };
    sound.then(|| {
        format!(
            "{day}T{:02}:{:02}:{:02}{zone}",
            hour as u32, minute as u32, second as u32
        )
    })
}

fn concept(system: &str, code: &str, display: &str) -> Value {
    let mut coding = Map::new();
    for (name, text) in [("system", system), ("code", code), ("display", display)] {
        if !text.is_empty() {
            coding.insert(name.to_owned(), json!(text));
        }
    }
    json!({"coding": [coding], "text": if display.is_empty() { code } else { display }})
}

fn fact(row: &Row<'_>, kind: &str, subject: &Value) -> Option<Value> {
    let (code, display) = (row.get("code"), row.get("display"));
    if code.is_empty() && display.is_empty() {
        return None;
    }
    let (_, coded, dated) = TYPES.iter().find(|(known, ..)| *known == kind)?;
    let subject_text = subject
        .get("reference")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let parts = [
        "date", "end", "system", "code", "display", "value", "unit", "id",
    ]
    .map(|role| row.get(role));
    let mut key = vec![kind, subject_text];
    key.extend(parts);
    let mut fact = json!({"resourceType": kind, "id": id_of(&key)});
    fact[*coded] = concept(row.get("system"), code, display);
    let owner = match kind {
        "AllergyIntolerance" | "Immunization" => "patient",
        _ => "subject",
    };
    fact[owner] = subject.clone();
    if let Some(when) = moment(row.get("date")) {
        fact[*dated] = json!(when);
    }
    let status = row.get("status");
    match kind {
        "Observation" => {
            fact["status"] = json!(if status.is_empty() { "final" } else { status });
            observe(row, &mut fact)?;
        }
        "Condition" | "AllergyIntolerance" => {
            let status = if status.is_empty() { "active" } else { status };
            fact["clinicalStatus"] = json!({"coding": [{"code": status}]});
            if kind == "Condition"
                && let Some(end) = moment(row.get("end"))
            {
                fact["abatementDateTime"] = json!(end);
            }
            if kind == "AllergyIntolerance" && !row.get("criticality").is_empty() {
                fact["criticality"] = json!(row.get("criticality"));
            }
        }
        _ => {
            let usual = if kind == "MedicationRequest" {
                "active"
            } else {
                "completed"
            };
            fact["status"] = json!(if status.is_empty() { usual } else { status });
            if kind == "MedicationRequest" && !row.get("dosage").is_empty() {
                fact["dosageInstruction"] = json!([{"text": row.get("dosage")}]);
            }
        }
    }
    Some(fact)
}

/// Value, unit, range and category of an observation.
fn observe(row: &Row<'_>, fact: &mut Value) -> Option<()> {
    let (value, unit) = (row.get("value"), row.get("unit"));
    if value.is_empty() {
        return None;
    }
    let number = |text: &str| text.parse::<f64>().ok().filter(|n| n.is_finite());
    match number(value) {
        Some(value) => fact["valueQuantity"] = quantity(value, unit),
        None => fact["valueString"] = json!(value),
    }
    if let (Some(low), Some(high)) = (number(row.get("low")), number(row.get("high"))) {
        fact["referenceRange"] =
            json!([{"low": quantity(low, unit), "high": quantity(high, unit)}]);
    }
    if let Some(category) = &row.mapping.category {
        fact["category"] = json!([{"coding": [{"code": category}]}]);
    }
    Some(())
}

fn quantity(value: f64, unit: &str) -> Value {
    match unit {
        "" => json!({"value": value}),
        unit => {
            json!({"value": value, "unit": unit, "system": super::elements::UCUM, "code": unit})
        }
    }
}

/// One cell of a wide table.
fn measured(row: &Row<'_>, value: f64, when: &str, measure: &Measure, subject: &Value) -> Value {
    let subject_text = subject
        .get("reference")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let value = value * measure.scale.unwrap_or(1.0);
    // What has no code is told apart by its name.
    let code = match measure.loinc.as_str() {
        "" => &measure.display,
        code => code,
    };
    let id = id_of(&["measured", subject_text, code, when, &value.to_string()]);
    let of_mapping = row.mapping.category.as_deref();
    let category = measure.category.as_deref().or(of_mapping);
    let system = match measure.loinc.as_str() {
        "" => "",
        _ => super::elements::LOINC,
    };
    let code = match system {
        "" => json!({"text": measure.display}),
        system => concept(system, &measure.loinc, &measure.display),
    };
    json!({
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "category": [{"coding": [{"code": category.unwrap_or("activity")}]}],
        "code": code,
        "subject": subject,
        "effectiveDateTime": when,
        "valueQuantity": quantity(value, &measure.unit),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_those_of_the_standard() {
        let check = |text: &str, expected: &[&[&str]]| {
            assert_eq!(
                rows(text, ',').map_err(|e| e.to_string()),
                Ok(expected
                    .iter()
                    .map(|r| r.iter().map(|f| (*f).to_owned()).collect())
                    .collect())
            );
        };
        check(
            "a,b\r\n1,\"x, \"\"y\"\"\nz\"\n",
            &[&["a", "b"], &["1", "x, \"y\"\nz"]],
        );
        check("\u{FEFF}a,\n\n,b", &[&["a", ""], &["", "b"]]);
        check("\"\"", &[&[""]]);
        assert_eq!(rows("a\n\"b", ','), Err(TableError::OpenQuote(2)));
        assert_eq!(
            rows(&",".repeat(MAX_FIELDS), ','),
            Err(TableError::TooManyFields(1))
        );
    }

    #[test]
    fn moments_are_read_as_people_write_them() {
        let check =
            |text, expected: Option<&str>| assert_eq!(moment(text).as_deref(), expected, "{text}");
        check("2024-03-05 07:30", Some("2024-03-05T07:30:00Z"));
        check(
            "2024-03-05T07:30:09+08:00",
            Some("2024-03-05T07:30:09+08:00"),
        );
        check("2024/3/5", Some("2024-03-05"));
        check("20240305", Some("2024-03-05"));
        check("5.3.2024", None);
        check("2024-13-05", None);
        check("2024-03-05 25:00", None);
    }
}

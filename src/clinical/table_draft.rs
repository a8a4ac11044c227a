//! A table that came without a mapping file: what its columns seem to mean, a mapping that is drawn up by hand, and how
//! its first rows would be read by it.

use super::{
    elements::{LOINC, concept, is_ideographic, list, number, text},
    fhir::FhirError,
    import::Hints,
    measures::{self, MeasureDraft},
    quality::codes::{SNOMED, is_loinc, is_snomed},
    table::{TableError, read_table, rows},
};
use serde_json::Value;
use std::{collections::BTreeMap, fmt::Write as _};

/// Rows that are shown and read for the preview.
pub const SHOWN: usize = 20;

/// Types that a row can become.
pub const TYPES: [&str; 7] = [
    "Observation",
    "Condition",
    "MedicationRequest",
    "Procedure",
    "Immunization",
    "AllergyIntolerance",
    "Patient",
];

/// Role of a column that is a measure of a wide table; the only one that several columns can have.
pub const MEASURE: &str = "measure";

/// Roles that stand for the one fact of a row; where columns are measures there is none.
const OF_A_FACT: [&str; 6] = ["code", "display", "value", "unit", "low", "high"];

/// Roles that a column can have, in the order of the menu.
pub const ROLES: [&str; 19] = [
    "patient",
    "date",
    MEASURE,
    "end",
    "code",
    "display",
    "value",
    "unit",
    "low",
    "high",
    "status",
    "id",
    "system",
    "dosage",
    "criticality",
    "family",
    "given",
    "birth_date",
    "sex",
];

/// How columns are named that have a role, in small letters, in English and Chinese.
const NAMES: [(&str, &[&str]); 18] = [
    (
        "patient",
        &[
            "patient",
            "patient_id",
            "patientid",
            "mrn",
            "pid",
            "subject",
            "病历号",
            "患者",
            "患者编号",
            "住院号",
            "门诊号",
        ],
    ),
    (
        "date",
        &[
            "date",
            "time",
            "datetime",
            "timestamp",
            "taken",
            "collected",
            "effective",
            "onset",
            "authored",
            "日期",
            "时间",
            "采样时间",
            "检验日期",
            "检查日期",
        ],
    ),
    (
        "end",
        &["end", "end_date", "resolved", "abated", "结束", "结束日期"],
    ),
    (
        "code",
        &[
            "code",
            "loinc",
            "snomed",
            "icd",
            "icd10",
            "rxnorm",
            "代码",
            "编码",
            "项目代码",
        ],
    ),
    (
        "display",
        &[
            "display",
            "name",
            "test",
            "test_name",
            "analyte",
            "item",
            "description",
            "diagnosis",
            "drug",
            "medication",
            "项目",
            "项目名称",
            "名称",
            "诊断",
            "药品",
            "药物",
        ],
    ),
    (
        "value",
        &["value", "result", "measurement", "结果", "数值", "检验结果"],
    ),
    ("unit", &["unit", "units", "uom", "单位"]),
    ("low", &["low", "ref_low", "lower", "参考下限", "下限"]),
    ("high", &["high", "ref_high", "upper", "参考上限", "上限"]),
    ("status", &["status", "状态"]),
    ("id", &["id", "record_id", "编号"]),
    ("system", &["system", "code_system", "编码体系"]),
    ("dosage", &["dosage", "dose", "sig", "用法", "剂量"]),
    ("criticality", &["criticality", "severity", "严重程度"]),
    (
        "family",
        &["family", "surname", "last_name", "lastname", "姓"],
    ),
    ("given", &["given", "first_name", "firstname", "名"]),
    (
        "birth_date",
        &[
            "birth_date",
            "birthdate",
            "dob",
            "date_of_birth",
            "出生日期",
        ],
    ),
    ("sex", &["sex", "gender", "性别"]),
];

/// How a table begins.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Look {
    /// Between fields.
    pub separator: char,
    /// Names of the columns.
    pub header: Vec<String>,
    /// The first rows.
    pub rows: Vec<Vec<String>>,
    /// How many rows there are.
    pub count: usize,
}

/// Its size alone.
impl std::fmt::Debug for Look {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Look({} columns, {} rows)",
            self.header.len(),
            self.count
        )
    }
}

/// Looks at a table: the separator is the one that cuts the first lines into most fields, alike in all.
///
/// # Errors
/// What cannot be cut into rows.
pub fn look(source: &str) -> Result<Look, TableError> {
    let begin: String = source
        .lines()
        .take(SHOWN)
        .fold(String::new(), |mut all, line| {
            all.push_str(line);
            all.push('\n');
            all
        });
    let width = |separator: char| {
        let rows = rows(&begin, separator).unwrap_or_default();
        let first = rows.first().map_or(0, Vec::len);
        let alike = rows.iter().filter(|r| r.len() == first).count();
        match first {
            0 | 1 => (0, 0),
            _ => (alike, first),
        }
    };
    let separator = [',', '\t', ';', '|']
        .into_iter()
        .max_by_key(|separator| width(*separator))
        .unwrap_or(',');
    let mut all = rows(source, separator)?.into_iter();
    let header = all.next().unwrap_or_default();
    let shown: Vec<Vec<String>> = all.by_ref().take(SHOWN).collect();
    let count = shown.len() + all.count();
    Ok(Look {
        separator,
        header,
        rows: shown,
        count,
    })
}

/// A table as text: UTF-8, else GB18030 where it is that and has Chinese in it, else Windows-1252, which every byte can be.
pub fn decoded(bytes: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.trim_start_matches('\u{FEFF}').to_owned();
    }
    let (text, _, faulty) = encoding_rs::GB18030.decode(bytes);
    match !faulty && is_ideographic(&text) {
        true => text.into_owned(),
        false => encoding_rs::WINDOWS_1252.decode(bytes).0.into_owned(),
    }
}

/// A mapping that is being drawn up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// Type of each row.
    pub resource: String,
    /// Category of observations.
    pub category: String,
    /// System of the codes.
    pub system: String,
    /// Role of each column, in the order of the table; a role belongs to one column, but for [`MEASURE`].
    pub roles: Vec<Option<&'static str>>,
    /// What the columns are that are measures, by their number from 0.
    pub measures: BTreeMap<usize, MeasureDraft>,
}

/// What a row would be read as.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Preview {
    /// Its day or moment.
    pub when: String,
    /// Its code.
    pub code: String,
    /// Its words.
    pub words: String,
    /// Its value with unit, or its status.
    pub value: String,
}

/// Nothing of it.
impl std::fmt::Debug for Preview {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Preview")
    }
}

impl Draft {
    /// What the columns seem to mean, by their names and by what stands in them.
    pub fn guess(look: &Look) -> Self {
        let mut draft = Self {
            roles: vec![None; look.header.len()],
            ..Self::default()
        };
        for (role, names) in NAMES {
            let named = look.header.iter().position(|column| {
                let plain = column.trim().to_lowercase().replace([' ', '-'], "_");
                names.iter().any(|name| *name == plain)
            });
            if let Some(slot) = named.and_then(|n| draft.roles.get_mut(n)) {
                slot.get_or_insert(role);
            }
        }
        draft.guess_measures(look);
        let has = |role: &str| draft.roles.contains(&Some(role));
        draft.resource = match () {
            () if has("value") || has("unit") || has(MEASURE) => "Observation",
            () if has("dosage") => "MedicationRequest",
            () if has("criticality") => "AllergyIntolerance",
            () if has("family") || has("birth_date") => "Patient",
            () => "Condition",
        }
        .to_owned();
        if draft.resource == "Observation" && draft.measures.is_empty() {
            draft.category = "laboratory".into();
        }
        if let Some(column) = draft.column_of("code") {
            let codes: Vec<&str> = look
                .rows
                .iter()
                .filter_map(|row| row.get(column).map(|c| c.trim()))
                .filter(|c| !c.is_empty())
                .collect();
            let all = |test: fn(&str) -> bool| !codes.is_empty() && codes.iter().all(|c| test(c));
            if all(is_loinc) {
                draft.system = LOINC.into();
            } else if all(is_snomed) {
                draft.system = SNOMED.into();
            }
        }
        draft
    }

    /// Columns that are measures by their names, where no column is the value of a long table.
    fn guess_measures(&mut self, look: &Look) {
        if self.column_of("value").is_some() {
            return;
        }
        let free = |draft: &Self, column: usize| {
            let role = draft.roles.get(column).copied().flatten();
            role.is_none_or(|role| OF_A_FACT.contains(&role))
        };
        let mut codes = std::collections::BTreeSet::new();
        for (column, name) in look.header.iter().enumerate() {
            let known = measures::of_column(name, values(look, column));
            // Two columns of one measure are not told apart by their names: the second one is asked about.
            if let Some(known) =
                known.filter(|k| free(self, column) && codes.insert(k.loinc.clone()))
            {
                self.measures.insert(column, known);
            }
        }
        // A lone name may be anything in a table of something else, as `k` or `map`.
        let sure = self.measures.len() > 1 || self.column_of("date").is_some();
        if !sure || self.measures.is_empty() {
            self.measures.clear();
            return;
        }
        for (column, slot) in self.roles.iter_mut().enumerate() {
            if self.measures.contains_key(&column) {
                *slot = Some(MEASURE);
            } else if slot.is_some_and(|role| OF_A_FACT.contains(&role)) {
                *slot = None;
            }
        }
    }

    /// Measures whose unit nobody knows yet, by their columns from 0.
    pub fn unready(&self) -> Vec<usize> {
        let all = self.measures.iter();
        let unready = all.filter(|(_, measure)| !measure.is_ready());
        unready.map(|(column, _)| *column).collect()
    }

    /// Another code of a measure.
    pub fn set_loinc(&mut self, look: &Look, column: usize, loinc: &str) {
        if let Some(measure) = self.measures.get_mut(&column) {
            measure.set_loinc(loinc, values(look, column));
        }
    }

    fn column_of(&self, role: &str) -> Option<usize> {
        self.roles.iter().position(|r| *r == Some(role))
    }

    /// Gives a column a role, or none; another column that had it loses it, but for measures, which are several. Where
    /// a column is the value of each row none is a measure, and the other way round.
    pub fn set_role(&mut self, look: &Look, column: usize, role: Option<&str>) {
        let role = role.and_then(|word| ROLES.into_iter().find(|r| *r == word));
        let measure = role == Some(MEASURE);
        for other in &mut self.roles {
            let taken = role.is_some() && *other == role && !measure;
            let of_a_fact = other.is_some_and(|other| OF_A_FACT.contains(&other));
            let long = role == Some("value") && *other == Some(MEASURE);
            if taken || long || (measure && of_a_fact) {
                *other = None;
            }
        }
        if let Some(slot) = self.roles.get_mut(column) {
            *slot = role;
        }
        if measure && !self.measures.contains_key(&column) {
            let name = look.header.get(column).map_or("", String::as_str);
            let known = measures::of_column(name, values(look, column));
            let known = known.unwrap_or_else(|| MeasureDraft::unknown(name));
            self.measures.insert(column, known);
            self.resource = "Observation".to_owned();
        }
        let roles = &self.roles;
        let stays = |column: &usize| roles.get(*column) == Some(&Some(MEASURE));
        self.measures.retain(|column, _| stays(column));
    }

    /// Whether the table itself says whose each row is.
    pub fn names_patients(&self) -> bool {
        self.column_of("patient").is_some()
    }

    /// The mapping file (docs/record.md).
    pub fn text(&self, look: &Look) -> String {
        let quoted = |text: &str| Value::from(text).to_string();
        let mut out = format!("resource = {}\n", quoted(&self.resource));
        // Writing to a String cannot fail.
        let _ = writeln!(out, "separator = {}", quoted(&look.separator.to_string()));
        if self.resource == "Observation" && !self.category.is_empty() {
            let _ = writeln!(out, "category = {}", quoted(&self.category));
        }
        out.push_str("[columns]\n");
        let mut columns = BTreeMap::new();
        for (column, role) in self.roles.iter().enumerate() {
            let role = role.filter(|role| *role != MEASURE);
            if let (Some(role), Some(name)) = (role.as_ref(), look.header.get(column)) {
                columns.insert(*role, name.trim());
            }
        }
        for (role, name) in columns {
            let _ = writeln!(out, "{role} = {}", quoted(name));
        }
        if !self.system.is_empty() && self.column_of("system").is_none() {
            let _ = writeln!(out, "[constants]\nsystem = {}", quoted(&self.system));
        }
        for (column, measure) in &self.measures {
            let Some(name) = look.header.get(*column) else {
                continue;
            };
            out.push_str("[[measure]]\n");
            let category = match self.category.as_str() {
                "" => &measure.category,
                category => category,
            };
            for (role, text) in [
                ("column", name.trim()),
                ("loinc", &measure.loinc),
                ("display", &measure.display),
                ("unit", &measure.unit),
                ("category", category),
            ] {
                let _ = writeln!(out, "{role} = {}", quoted(text));
            }
        }
        out
    }

    /// How the first rows would be read. `patient` is whose they are where no column says it.
    ///
    /// # Errors
    /// Why the mapping does not do.
    pub fn preview(&self, look: &Look, patient: Option<&str>) -> Result<Vec<Preview>, FhirError> {
        let mut table = String::new();
        for row in std::iter::once(&look.header).chain(&look.rows) {
            let fields: Vec<String> = row
                .iter()
                .map(|field| format!("\"{}\"", field.replace('"', "\"\"")))
                .collect();
            table.push_str(&fields.join(&look.separator.to_string()));
            table.push('\n');
        }
        let mapping = self.text(look);
        let hints = Hints {
            patient,
            mapping: Some(&mapping),
        };
        let bundle = read_table(&table, &hints)?;
        Ok(bundle
            .resources
            .iter()
            .map(|resource| preview_of(&resource.value()))
            .collect())
    }
}

/// What stands in a column of the first rows.
fn values(look: &Look, column: usize) -> impl Iterator<Item = &str> + Clone {
    look.rows
        .iter()
        .filter_map(move |row| row.get(column).map(String::as_str))
}

fn preview_of(value: &Value) -> Preview {
    let when = [
        "effectiveDateTime",
        "onsetDateTime",
        "authoredOn",
        "performedDateTime",
        "occurrenceDateTime",
        "recordedDate",
        "birthDate",
    ]
    .iter()
    .map(|name| text(value, name))
    .find(|t| !t.is_empty())
    .unwrap_or_default();
    let what = ["code", "medicationCodeableConcept", "vaccineCode"]
        .iter()
        .find_map(|name| value.get(*name))
        .map(|c| concept(Some(c), ""))
        .unwrap_or_default();
    let person = list(value, "name").first().map(|name| {
        let given = list_of(name, "given").join(" ");
        format!("{} {given}", text(name, "family"))
            .trim()
            .to_owned()
    });
    let quantity = value.get("valueQuantity").map(|q| {
        let value = q.get("value").and_then(Value::as_f64);
        let number = value.map(number).unwrap_or_default();
        format!("{number} {}", text(q, "unit"))
    });
    let said = quantity
        .or_else(|| Some(text(value, "valueString").to_owned()).filter(|t| !t.is_empty()))
        .or_else(|| Some(text(value, "gender").to_owned()).filter(|t| !t.is_empty()))
        .unwrap_or_else(|| text(value, "status").to_owned());
    Preview {
        when: when.to_owned(),
        code: what.code,
        words: person.unwrap_or(what.display),
        value: said.trim().to_owned(),
    }
}

fn list_of<'a>(value: &'a Value, name: &str) -> Vec<&'a str> {
    let items = value.get(name).and_then(Value::as_array);
    items
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clinical::table::check_table;

    const LABS: &str = "MRN;LOINC;Test;Result;Unit;Taken\n77;2160-0;Creatinine;0.9;mg/dL;2024-03-05\n77;718-7;\"Hb; total\";13.1;g/dL;2024/3/6\n";

    #[test]
    fn columns_are_understood_by_their_names() {
        let look = look(LABS).unwrap();
        assert_eq!((look.separator, look.header.len(), look.count), (';', 6, 2));
        let draft = Draft::guess(&look);
        let roles = ["patient", "code", "display", "value", "unit", "date"].map(Some);
        assert_eq!(draft.roles, roles);
        assert_eq!(
            (draft.resource.as_str(), draft.system.as_str()),
            ("Observation", LOINC)
        );
        let rows = draft.preview(&look, None).unwrap();
        assert_eq!(rows.len(), 2);
        let seen = |row: &Preview| {
            (
                row.when.clone(),
                row.code.clone(),
                row.words.clone(),
                row.value.clone(),
            )
        };
        let text = |words: [&str; 4]| words.map(str::to_owned).into();
        assert_eq!(
            seen(&rows[0]),
            text(["2024-03-05", "2160-0", "Creatinine", "0.9 mg/dL"])
        );
        assert_eq!(
            seen(&rows[1]),
            text(["2024-03-06", "718-7", "Hb; total", "13.1 g/dL"])
        );
        // The mapping is what the importer takes.
        let mapping = draft.text(&look);
        let hints = Hints {
            patient: None,
            mapping: Some(&mapping),
        };
        assert_eq!(read_table(LABS, &hints).unwrap().resources.len(), 2);
    }

    #[test]
    fn chinese_columns_and_roles_by_hand() {
        let look =
            super::look("检验日期\t项目名称\t结果\t单位\n2024-01-02\t肌酐\t80\tumol/L\n").unwrap();
        let mut draft = Draft::guess(&look);
        assert_eq!(draft.roles, ["date", "display", "value", "unit"].map(Some));
        assert_eq!(draft.preview(&look, None), Err(FhirError::NoPatient));
        let rows = draft.preview(&look, Some("p")).unwrap();
        assert_eq!(
            (rows[0].words.as_str(), rows[0].value.as_str()),
            ("肌酐", "80 umol/L")
        );
        draft.set_role(&look, 1, Some("value"));
        assert_eq!(
            draft.roles,
            [Some("date"), Some("value"), None, Some("unit")]
        );
        draft.set_role(&look, 0, None);
        draft.set_role(&look, 0, Some("nonsense"));
        assert_eq!(draft.roles[0], None);
        assert!(!draft.names_patients());
    }

    const WATCH: &str = "time,HR (bpm),systolic,Diastolic,weight,remark,steps\n\
        2024-05-01 07:00,58,121,80,71.5,well,400\n2024-05-02,,131,85,71,,NA\nnever,60,120,80,70,,1\n\
        2024-05-03,fast,119,79,70,,2,3\n";

    #[test]
    fn a_wide_table_is_understood_and_asks_for_what_nothing_says() {
        let look = super::look(WATCH).unwrap();
        let mut draft = Draft::guess(&look);
        assert_eq!(draft.resource, "Observation");
        let measure = Some(MEASURE);
        let date = Some("date");
        assert_eq!(
            draft.roles,
            [date, measure, measure, measure, measure, None, measure]
        );
        let units: Vec<(&str, &str)> = draft
            .measures
            .values()
            .map(|m| (m.unit.as_str(), m.from.word()))
            .collect();
        assert_eq!(
            units,
            [
                ("/min", "name"),
                ("mm[Hg]", "values"),
                ("mm[Hg]", "values"),
                ("", "unknown"),
                ("{steps}", "measure")
            ]
        );
        // Kilograms or pounds: somebody has to say it.
        assert_eq!(draft.unready(), [4]);
        draft.measures.get_mut(&4).unwrap().set_unit("lbs");
        assert_eq!(draft.unready(), Vec::<usize>::new());
        assert_eq!(draft.measures[&4].unit, "[lb_av]");
        let rows = draft.preview(&look, Some("p")).unwrap();
        let first = &rows[0];
        assert_eq!(
            (first.words.as_str(), first.value.as_str()),
            ("Heart rate", "58 /min")
        );
        assert_eq!(rows.len(), 5 + 3 + 4);
        let mapping = draft.text(&look);
        let hints = Hints {
            patient: Some("p"),
            mapping: Some(&mapping),
        };
        let checked = check_table(WATCH, &hints).unwrap();
        assert_eq!((checked.rows, checked.facts, checked.empty), (4, 12, 1));
        let faults: Vec<(usize, usize, &str)> = checked
            .faults
            .iter()
            .map(|f| (f.row, f.column, f.code))
            .collect();
        assert_eq!(
            faults,
            [
                (3, 1, "ROW_BAD_DATE"),
                (4, 0, "ROW_FIELDS"),
                (4, 2, "ROW_NOT_A_NUMBER")
            ]
        );
        assert_eq!(checked.unread, [6]);
        // The same stands in the report of the import.
        let bundle = read_table(WATCH, &hints).unwrap();
        assert_eq!(bundle.resources.len(), 12);
        assert_eq!(bundle.report.doubt_counts["ROW_NOT_A_NUMBER"], 1);
        assert!(
            bundle
                .report
                .doubts
                .iter()
                .any(|d| d.number == 3 && d.kind == "row")
        );
    }

    #[test]
    fn long_and_wide_are_chosen_by_hand() {
        let look = super::look("when,a,b\n2024-01-02,1,2\n").unwrap();
        let mut draft = Draft::guess(&look);
        assert!(draft.measures.is_empty());
        draft.set_role(&look, 0, Some("date"));
        draft.set_role(&look, 1, Some(MEASURE));
        draft.set_role(&look, 2, Some(MEASURE));
        assert_eq!(draft.unready(), [1, 2]);
        draft.set_loinc(&look, 1, "8867-4");
        assert_eq!(draft.unready(), [2]);
        assert_eq!(draft.measures[&1].display, "Heart rate");
        draft.measures.get_mut(&2).unwrap().set_unit("1");
        let rows = draft.preview(&look, Some("p")).unwrap();
        assert_eq!(
            (rows.len(), rows[1].words.as_str(), rows[1].code.as_str()),
            (2, "b", "")
        );
        // One of them becomes the value of a long table: then none is a measure.
        draft.set_role(&look, 1, Some("value"));
        assert!(draft.measures.is_empty());
        assert_eq!(draft.roles, [Some("date"), Some("value"), None]);
        draft.set_role(&look, 2, Some(MEASURE));
        assert_eq!(draft.roles, [Some("date"), None, Some(MEASURE)]);
    }

    #[test]
    fn tables_in_the_character_set_of_chinese_systems_are_read() {
        let (bytes, ..) = encoding_rs::GB18030.encode("项目,结果\n肌酐,80\n");
        assert_eq!(decoded(&bytes), "项目,结果\n肌酐,80\n");
        assert_eq!(decoded("a,é\n".as_bytes()), "a,é\n");
        assert_eq!(decoded(b"a,\xE9\n"), "a,é\n");
    }

    #[test]
    fn names_with_quotation_marks_stay_whole() {
        let found = look("\"a \"\"b\"\"\",value\n1,2\n").unwrap();
        let mut draft = Draft::guess(&found);
        draft.set_role(&found, 0, Some("display"));
        assert!(draft.text(&found).contains(r#"display = "a \"b\"""#));
        assert_eq!(draft.preview(&found, Some("p")).unwrap()[0].words, "1");
        assert!(look("\"open\n").is_err());
        assert_eq!(look("").unwrap().header.len(), 0);
    }
}

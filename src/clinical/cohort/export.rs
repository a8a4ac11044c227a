//! Patients and facts as tables without identity: Parquet files in folders that name a part of what is in them, as
//! DuckDB, Spark and Arrow read them. The schema is in docs/cohort.md.
//!
//! Must stay true: no name, identifier, UID, free text or day of a calendar goes out. A patient is a pseudonym made with
//! the key of the export; all days of a patient are shifted by one number of days; from 90 years on an age is 90. Words
//! go out beside a code only, for what people wrote in its place may name somebody.

use super::{Cohort, Kind, Person};
use crate::{
    formats::parquet::{Column, Values, write_table},
    model::{date::Date, identity::Sex},
};
use sha2::{Digest as _, Sha256};
use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

/// Version of the schema.
pub const SCHEMA: &str = "1";
/// Ages from here on are one.
pub const OLDEST: u16 = 90;
/// Most days that a patient's days are shifted back.
const SHIFT: u32 = 365;

/// What makes pseudonyms and shifts: the same key, the same ones.
#[derive(Clone)]
pub struct ExportKey([u8; 32]);

/// Nothing of it.
impl std::fmt::Debug for ExportKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ExportKey")
    }
}

impl ExportKey {
    /// A key.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    fn digest(&self, purpose: &str, id: &str) -> [u8; 32] {
        // HMAC-SHA256 (RFC 2104) with a key of 32 bytes.
        let pad = |byte: u8| {
            let mut block = [byte; 64];
            for (slot, key) in block.iter_mut().zip(self.0) {
                *slot ^= key;
            }
            block
        };
        let inner = Sha256::new()
            .chain_update(pad(0x36))
            .chain_update(purpose.as_bytes())
            .chain_update([0])
            .chain_update(id.as_bytes())
            .finalize();
        Sha256::new()
            .chain_update(pad(0x5C))
            .chain_update(inner)
            .finalize()
            .into()
    }

    /// What a patient is called.
    pub fn pseudonym(&self, id: &str) -> String {
        let digest = self.digest("pseudonym", id);
        digest.iter().take(10).map(|b| format!("{b:02x}")).collect()
    }

    /// By how many days the days of a patient are moved: back by 1 to `SHIFT`.
    pub fn shift(&self, id: &str) -> i32 {
        let digest = self.digest("shift", id);
        let number = digest
            .first_chunk::<4>()
            .map_or(0, |bytes| u32::from_le_bytes(*bytes));
        -((number % SHIFT + 1) as i32)
    }
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Files below the folder.
    pub files: Vec<PathBuf>,
    /// Patients.
    pub patients: usize,
    /// Facts.
    pub facts: usize,
    /// Facts whose words were left out, because no code stands for them.
    pub words_left_out: usize,
}

struct Row<'a> {
    patient: &'a str,
    kind: Kind,
    system: &'a str,
    code: &'a str,
    words: Option<&'a str>,
    place: Option<&'a str>,
    day: Option<i32>,
    end: Option<i32>,
    active: bool,
    value: Option<f64>,
    unit: &'a str,
    age: Option<u16>,
}

/// Writes patients and their facts below a folder: `patients/part-0.parquet`, and
/// `facts/kind=KIND/modality=CT/year=YEAR/part-0.parquet`; the modality of what is no picture is `none`.
///
/// # Errors
/// Those of the disk. What exists is not written over.
pub fn export(
    cohort: &Cohort,
    chosen: &[usize],
    key: &ExportKey,
    today: Date,
    folder: &Path,
) -> io::Result<Written> {
    let day = i32::try_from(today.days_since_epoch()).unwrap_or_default();
    let people: Vec<(usize, &Person, String, i32)> = chosen
        .iter()
        .filter_map(|n| Some((*n, cohort.person(*n)?)))
        .map(|(n, person)| {
            let id = person.id.reveal();
            (n, person, key.pseudonym(id), key.shift(id))
        })
        .collect();
    let mut written = Written {
        patients: people.len(),
        ..Written::default()
    };
    // In the order of pseudonyms: the order of a store tells who came when.
    let mut order: Vec<usize> = (0..people.len()).collect();
    order.sort_by_key(|n| people.get(*n).map(|p| p.2.clone()));
    let in_order = || order.iter().filter_map(|n| people.get(*n));
    let age = |p: &Person, at: i32| p.age(at).map(|a| i64::from(a.min(OLDEST)));
    let columns = vec![
        Column::new(
            "patient",
            Values::Text(in_order().map(|p| Some(p.2.clone())).collect()),
        ),
        Column::new(
            "sex",
            Values::Text(
                in_order()
                    .map(|p| (p.1.sex != Sex::Unknown).then(|| p.1.sex.code().to_owned()))
                    .collect(),
            ),
        ),
        Column::new(
            "age",
            Values::Integer(in_order().map(|p| age(p.1, day)).collect()),
        ),
        Column::new(
            "dead",
            Values::Truth(in_order().map(|p| Some(p.1.death.is_some())).collect()),
        ),
        Column::new(
            "facts",
            Values::Integer(
                in_order()
                    .map(|p| i64::try_from(cohort.facts_of(p.0).len()).ok())
                    .collect(),
            ),
        ),
    ];
    put(folder, Path::new("patients"), &columns, &mut written)?;
    let mut parts: BTreeMap<PathBuf, Vec<Row<'_>>> = BTreeMap::new();
    for (number, person, pseudonym, shift) in in_order() {
        for fact in cohort.facts_of(*number) {
            let Some(term) = cohort.term(fact) else {
                continue;
            };
            written.facts += 1;
            let coded = !term.code.is_empty() && is_safe(term.kind);
            written.words_left_out += usize::from(!coded && !term.words.is_empty());
            let moved = |day: Option<i32>| day.map(|d| d.saturating_add(*shift));
            let row = Row {
                patient: pseudonym,
                kind: term.kind,
                system: &term.system,
                code: &term.code,
                words: (coded && !term.words.is_empty()).then_some(term.words.as_str()),
                place: (coded && !term.place.is_empty()).then_some(term.place.as_str()),
                day: moved(fact.day),
                end: moved(fact.end),
                active: fact.active,
                value: fact.value,
                unit: &term.unit,
                age: fact.day.and_then(|d| age_on(person, d)),
            };
            parts.entry(part_of(&row)).or_default().push(row);
        }
    }
    for (part, rows) in &parts {
        put(folder, part, &columns_of(rows), &mut written)?;
    }
    Ok(written)
}

/// Kinds whose words are those of a code, not of a person.
const fn is_safe(kind: Kind) -> bool {
    !matches!(
        kind,
        Kind::Mark | Kind::Picture | Kind::Study | Kind::Report
    )
}

fn age_on(person: &Person, day: i32) -> Option<u16> {
    let date = |d: i32| Date::of_ms(i64::from(d) * 86_400_000);
    let age = date(person.birth?)?.years_until(date(day)?)?;
    Some(age.min(OLDEST))
}

/// The folder of a row, `=` in its name, as Hive names partitions.
fn part_of(row: &Row<'_>) -> PathBuf {
    let modality = if matches!(row.kind, Kind::Picture | Kind::Study) {
        // Modalities are letters; anything else would be a path of somebody's making.
        let sound = !row.code.is_empty()
            && row.code.len() <= 16
            && row
                .code
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '/');
        match sound {
            true => row.code.replace('/', "-"),
            false => "unknown".to_owned(),
        }
    } else {
        // Readers want the same parts in every path.
        "none".to_owned()
    };
    let path = PathBuf::from("facts")
        .join(format!("kind={}", row.kind.word()))
        .join(format!("modality={modality}"));
    let year = row
        .day
        .and_then(|d| Date::of_ms(i64::from(d) * 86_400_000))
        .map_or_else(|| "unknown".to_owned(), |d| d.year.to_string());
    path.join(format!("year={year}"))
}

fn columns_of(rows: &[Row<'_>]) -> Vec<Column> {
    let text =
        |pick: &dyn Fn(&Row<'_>) -> Option<String>| Values::Text(rows.iter().map(pick).collect());
    let filled = |t: &str| (!t.is_empty()).then(|| t.to_owned());
    vec![
        Column::new("patient", text(&|r| Some(r.patient.to_owned()))),
        Column::new("system", text(&|r| filled(r.system))),
        Column::new("code", text(&|r| filled(r.code))),
        Column::new("words", text(&|r| r.words.map(str::to_owned))),
        Column::new("place", text(&|r| r.place.map(str::to_owned))),
        Column::new("day", Values::Day(rows.iter().map(|r| r.day).collect())),
        Column::new("end", Values::Day(rows.iter().map(|r| r.end).collect())),
        Column::new(
            "active",
            Values::Truth(rows.iter().map(|r| Some(r.active)).collect()),
        ),
        Column::new(
            "value",
            Values::Double(rows.iter().map(|r| r.value).collect()),
        ),
        Column::new("unit", text(&|r| filled(r.unit))),
        Column::new(
            "age",
            Values::Integer(rows.iter().map(|r| r.age.map(i64::from)).collect()),
        ),
    ]
}

fn put(folder: &Path, part: &Path, columns: &[Column], written: &mut Written) -> io::Result<()> {
    let place = part.join("part-0.parquet");
    let path = folder.join(&place);
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let mut file = io::BufWriter::new(std::fs::File::create_new(&path)?);
    let notes = [
        ("negatoscope.schema", SCHEMA),
        ("negatoscope.identity", "removed"),
    ];
    write_table(&mut file, columns, &notes)?;
    io::Write::flush(&mut file)?;
    written.files.push(place);
    Ok(())
}

//! Tables of cases: comma-separated values with a header (RFC 4180), as other programs and `train` write them.
//!
//! A column `score` (or `probability`) with one of the true class makes a classification; columns named like figures
//! make a segmentation. Columns that are not known are passed over.

use super::{Case, Evaluation, EvaluationError, FIGURES, Rules};

/// Columns by what they mean; the first one that is there counts.
const NAME: &[&str] = &["name", "case", "id", "file"];
const PATIENT: &[&str] = &["patient", "patient_id", "subject"];
const SUBSET: &[&str] = &["subset", "stratum", "split"];
const CLASS: &[&str] = &["label", "truth", "target", "positive", "class"];
const SCORE: &[&str] = &["score", "probability", "prob", "prediction"];
const IMAGE: &[&str] = &["image", "picture", "path"];
/// Columns of a list of pairs.
const TRUTH: &[&str] = &["truth", "mask"];
const PREDICTION: &[&str] = &["pred", "prediction", "predicted"];

/// A table; every row is as long as the header.
struct Table {
    header: Vec<String>,
    rows: Vec<(usize, Vec<String>)>,
}

fn wrong(line: usize, reason: impl Into<String>) -> EvaluationError {
    EvaluationError::Line {
        line,
        reason: reason.into(),
    }
}

impl Table {
    fn read(text: &str) -> Result<Self, EvaluationError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut records = records(text)?.into_iter();
        let (_, header) = records.next().ok_or(EvaluationError::Empty)?;
        let header: Vec<String> = header
            .iter()
            .map(|h| h.trim().to_ascii_lowercase())
            .collect();
        let rows: Vec<_> = records.collect();
        if let Some((line, row)) = rows.iter().find(|(_, row)| row.len() != header.len()) {
            let (has, needs) = (row.len(), header.len());
            return Err(wrong(
                *line,
                format!("{has} fields where the header has {needs}"),
            ));
        }
        Ok(Self { header, rows })
    }

    fn column(&self, names: &[&str]) -> Option<usize> {
        let place = |name: &&str| self.header.iter().position(|h| h == name);
        names.iter().find_map(place)
    }

    fn text(row: &[String], column: Option<usize>) -> Option<String> {
        let field = row.get(column?)?.trim();
        (!field.is_empty()).then(|| field.to_owned())
    }
}

/// The records of a text with the lines they begin in; empty lines are passed over.
fn records(text: &str) -> Result<Vec<(usize, Vec<String>)>, EvaluationError> {
    let (mut out, mut row, mut field) = (Vec::new(), Vec::new(), String::new());
    let (mut quoted, mut was_quoted, mut line, mut begun) = (false, false, 1, 1);
    let mut chars = text.chars().peekable();
    let mut end = |row: &mut Vec<String>, field: &mut String, begun: usize| {
        row.push(std::mem::take(field));
        let row = std::mem::take(row);
        if row.iter().any(|f| !f.is_empty()) {
            out.push((begun, row));
        }
    };
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if field.is_empty() && !was_quoted => (quoted, was_quoted) = (true, true),
            ',' if !quoted => {
                row.push(std::mem::take(&mut field));
                was_quoted = false;
            }
            '\n' if !quoted => {
                end(&mut row, &mut field, begun);
                line += 1;
                (begun, was_quoted) = (line, false);
            }
            '\r' if !quoted && chars.peek().is_none_or(|next| *next == '\n') => {}
            '\0' => return Err(wrong(line, "a character that no text has")),
            other => {
                line += usize::from(other == '\n');
                field.push(other);
            }
        }
    }
    if quoted {
        return Err(wrong(begun, "a quotation mark is never closed"));
    }
    end(&mut row, &mut field, begun);
    Ok(out)
}

fn class(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "1.0" | "true" | "yes" | "positive" | "abnormal" => Some(true),
        "0" | "0.0" | "false" | "no" | "negative" | "normal" => Some(false),
        _ => None,
    }
}

fn number(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|v| v.is_finite())
}

/// Whether a table with this header is one of an evaluation.
pub fn is_table(header: &str) -> bool {
    let Ok(table) = Table::read(header) else {
        return false;
    };
    let mut names = table.header.iter();
    table.column(SCORE).is_some() || names.any(|header| figure_of(header).is_some())
}

/// The figure that a column has, and its unit where the name says one.
fn figure_of(header: &str) -> Option<(&'static str, Option<&str>)> {
    let (name, unit) = match header.rsplit_once('_') {
        Some((name, unit @ ("px" | "mm"))) => (name, Some(unit)),
        _ => (header, None),
    };
    let known = FIGURES.into_iter().find(|(figure, _)| *figure == name);
    known.map(|(figure, _)| (figure, unit))
}

/// The evaluation of a table.
///
/// # Errors
/// [`EvaluationError`] with the line or the column.
pub fn evaluation(text: &str, rules: &Rules) -> Result<Evaluation, EvaluationError> {
    let table = Table::read(text)?;
    match table.column(SCORE) {
        Some(score) => Evaluation::of_scores(scores(&table, score)?, rules),
        None => masks(&table, rules),
    }
}

/// The scores of a table.
///
/// # Errors
/// [`EvaluationError`] with the line or the column.
pub fn scored_cases(text: &str) -> Result<Vec<Case>, EvaluationError> {
    let table = Table::read(text)?;
    let score = table
        .column(SCORE)
        .ok_or(EvaluationError::Column("score"))?;
    scores(&table, score)
}

fn scores(table: &Table, score: usize) -> Result<Vec<Case>, EvaluationError> {
    let truth = table
        .column(CLASS)
        .ok_or(EvaluationError::Column("label"))?;
    let mut cases = Vec::with_capacity(table.rows.len());
    for (line, row) in &table.rows {
        let case = common(table, row, *line);
        let field = |column: usize| Table::text(row, Some(column)).unwrap_or_default();
        let (label, value) = (field(truth), field(score));
        let positive =
            class(&label).ok_or_else(|| wrong(*line, format!("`{label}` is neither 0 nor 1")))?;
        let score =
            number(&value).ok_or_else(|| wrong(*line, format!("`{value}` is not a number")))?;
        cases.push(Case {
            positive: Some(positive),
            score: Some(score),
            ..case
        });
    }
    if cases.is_empty() {
        return Err(EvaluationError::Empty);
    }
    Ok(cases)
}

fn common(table: &Table, row: &[String], line: usize) -> Case {
    let text = |names| Table::text(row, table.column(names));
    Case {
        name: text(NAME).unwrap_or_else(|| format!("line {line}")),
        patient: text(PATIENT),
        subset: text(SUBSET),
        image: text(IMAGE),
        ..Case::default()
    }
}

/// Figures that were measured before, one case a line. Distances may be called `hd95_px` or `hd95_mm`.
fn masks(table: &Table, rules: &Rules) -> Result<Evaluation, EvaluationError> {
    let mut columns = Vec::new();
    let mut units = Vec::new();
    for (place, header) in table.header.iter().enumerate() {
        if let Some((figure, unit)) = figure_of(header) {
            columns.push((place, figure));
            units.extend(unit);
        }
    }
    if columns.is_empty() {
        return Err(EvaluationError::Column("score, and none of a figure"));
    }
    units.dedup();
    let unit = match units.as_slice() {
        [] => None,
        [unit] => Some(*unit),
        _ => Some("mixed"),
    };
    let mut cases = Vec::with_capacity(table.rows.len());
    for (line, row) in &table.rows {
        let mut case = common(table, row, *line);
        for &(place, figure) in &columns {
            let Some(text) = Table::text(row, Some(place)) else {
                continue;
            };
            let value =
                number(&text).ok_or_else(|| wrong(*line, format!("`{text}` is not a number")))?;
            case.figures.insert(figure.to_owned(), value);
        }
        cases.push(case);
    }
    Evaluation::of_masks(cases, unit, rules)
}

/// Pairs of true and predicted masks by path, with name, patient and picture where the table has them.
///
/// # Errors
/// [`EvaluationError`] with the line or the column.
pub fn pairs(text: &str) -> Result<Vec<Case>, EvaluationError> {
    let table = Table::read(text)?;
    let truth = table
        .column(TRUTH)
        .ok_or(EvaluationError::Column("truth"))?;
    let prediction = table
        .column(PREDICTION)
        .ok_or(EvaluationError::Column("pred"))?;
    let mut cases = Vec::new();
    for (line, row) in &table.rows {
        let path = |column: usize| {
            Table::text(row, Some(column)).ok_or_else(|| wrong(*line, "a path is missing"))
        };
        let (truth, prediction) = (path(truth)?, path(prediction)?);
        let mut case = common(&table, row, *line);
        if table.column(NAME).is_none() {
            case.name = stem(&truth).to_owned();
        }
        cases.push(Case {
            truth: Some(truth),
            prediction: Some(prediction),
            ..case
        });
    }
    if cases.is_empty() {
        return Err(EvaluationError::Empty);
    }
    Ok(cases)
}

/// The name of a file without folders and endings; `.nii.gz` is one ending.
pub fn stem(path: &str) -> &str {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    let lower = name.to_ascii_lowercase();
    if let Some(bare) = lower
        .strip_suffix(".nii.gz")
        .and_then(|bare| name.get(..bare.len()))
    {
        return bare;
    }
    match name.rsplit_once('.') {
        Some((bare, _)) if !bare.is_empty() => bare,
        _ => name,
    }
}

//! Labels as a table, a line each: marks with every bit of their points, tags and grades. What is written is read back as it
//! was (RFC 4180).

use super::{Brought, MOST_LABELS, SetError};
use crate::model::{
    annotation::{
        Annotation, AnnotationId, AnnotationTarget, Author, Code, MAX_POINTS, MarkKind, PointSpace,
        Shape,
    },
    labelling::{Answer, Question, Subject},
};
use crate::workspace::agreement::Ratings;
use glam::DVec3;
use std::collections::BTreeMap;

/// Name of the file.
pub const FILE: &str = "labels.csv";

const COLUMNS: [&str; 23] = [
    "what",
    "id",
    "study",
    "series",
    "instance",
    "frame",
    "frame_of_reference",
    "space",
    "shape",
    "points",
    "label",
    "code",
    "scheme",
    "meaning",
    "group",
    "locked",
    "hidden",
    "author",
    "by",
    "version",
    "created_ms",
    "name",
    "grade",
];

/// Most readers of a table of readings: every two of them are compared.
const MOST_READERS: usize = 64;

/// What a spreadsheet would take for a formula begins so.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// Appends a record. A text that a spreadsheet would take for a formula gets an apostrophe, as does one that begins with
/// one; [`Rows`] takes it away again.
pub(super) fn line(text: &mut String, fields: impl IntoIterator<Item = String>) {
    for (at, field) in fields.into_iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        let formula = field.starts_with(FORMULA) && field.parse::<f64>().is_err();
        let field = match formula || field.starts_with('\'') {
            true => format!("'{field}"),
            false => field,
        };
        if field.contains([',', '"', '\n', '\r']) {
            text.push('"');
            text.push_str(&field.replace('"', "\"\""));
            text.push('"');
        } else {
            text.push_str(&field);
        }
    }
    text.push_str("\r\n");
}

/// A table with a header.
pub(super) struct Rows {
    header: BTreeMap<String, usize>,
    rows: Vec<(usize, Vec<String>)>,
}

/// One row of it.
pub(super) struct Row<'a> {
    header: &'a BTreeMap<String, usize>,
    fields: &'a [String],
}

impl<'a> Row<'a> {
    /// A field; empty where there is none.
    pub(super) fn text(&self, name: &str) -> &'a str {
        let at = self.header.get(name);
        at.and_then(|at| self.fields.get(*at))
            .map_or("", String::as_str)
    }
}

impl Rows {
    /// Reads a table; rows are counted by the line they begin in, from 1.
    pub(super) fn parse(text: &str) -> Result<Self, SetError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut records = records(text)?.into_iter();
        let (_, names) = records
            .next()
            .ok_or_else(|| SetError::Form("the table is empty".into()))?;
        let header = names
            .into_iter()
            .enumerate()
            .map(|(at, n)| (n, at))
            .collect();
        let rows: Vec<_> = records.collect();
        match rows.len() > MOST_LABELS {
            true => Err(SetError::TooLarge),
            false => Ok(Self { header, rows }),
        }
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = (usize, Row<'_>)> {
        self.rows.iter().map(|(line, fields)| {
            let header = &self.header;
            (*line, Row { header, fields })
        })
    }
}

type Record = (usize, Vec<String>);

fn records(text: &str) -> Result<Vec<Record>, SetError> {
    let mut records = Vec::new();
    let (mut fields, mut field) = (Vec::new(), String::new());
    let (mut quoted, mut was_quoted, mut line, mut began) = (false, false, 1, 1);
    let mut letters = text.chars().peekable();
    let plain = |field: &mut String| {
        let field = std::mem::take(field);
        match field.strip_prefix('\'') {
            Some(rest) if rest.starts_with(FORMULA) || rest.starts_with('\'') => rest.to_owned(),
            _ => field,
        }
    };
    while let Some(letter) = letters.next() {
        line += usize::from(letter == '\n');
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                field.push('"');
            }
            '"' if quoted => quoted = false,
            _ if quoted => field.push(letter),
            '"' if field.is_empty() && !was_quoted => (quoted, was_quoted) = (true, true),
            ',' => {
                fields.push(plain(&mut field));
                was_quoted = false;
            }
            '\r' if letters.peek() == Some(&'\n') => {}
            '\n' => {
                fields.push(plain(&mut field));
                records.push((began, std::mem::take(&mut fields)));
                (was_quoted, began) = (false, line);
            }
            _ => field.push(letter),
        }
    }
    if quoted {
        return Err(SetError::Form(format!(
            "line {began}: a quote is not closed"
        )));
    }
    if !field.is_empty() || !fields.is_empty() {
        fields.push(plain(&mut field));
        records.push((began, fields));
    }
    records.retain(|(_, fields)| fields.iter().any(|f| !f.is_empty()));
    Ok(records)
}

/// Reads readings: a column for each reader, a row for each thing, whole numbers or nothing.
///
/// # Errors
/// Where it is none: the line.
pub fn ratings(text: &str) -> Result<Ratings, SetError> {
    let table = Rows::parse(text)?;
    let mut names: Vec<(&usize, &String)> = table.header.iter().map(|(n, at)| (at, n)).collect();
    names.sort();
    let readers: Vec<String> = names.iter().map(|(_, name)| (*name).clone()).collect();
    if readers.len() < 2 || readers.len() > MOST_READERS {
        let why = format!(
            "there are {} columns, and 2 to {MOST_READERS} readers",
            readers.len()
        );
        return Err(SetError::Form(why));
    }
    let mut rows = Vec::new();
    for (line, row) in table.rows() {
        let grades: Result<Vec<Option<i32>>, SetError> = readers
            .iter()
            .map(|name| match row.text(name).trim() {
                "" => Ok(None),
                text => text.parse().map(Some).map_err(|_| {
                    SetError::Form(format!("line {line}: a grade is no whole number"))
                }),
            })
            .collect();
        rows.push(grades?);
    }
    Ok(Ratings {
        name: String::new(),
        graded: true,
        readers,
        rows,
    })
}

/// The text of a table of marks and answers.
pub fn write<'a>(
    marks: impl Iterator<Item = &'a Annotation>,
    answers: impl Iterator<Item = (&'a Question, &'a Answer)>,
) -> String {
    let mut text = String::new();
    line(&mut text, COLUMNS.map(str::to_owned));
    for mark in marks {
        line(&mut text, mark_fields(mark));
    }
    for (question, answer) in answers {
        let subject = &question.subject;
        let mut fields = [const { String::new() }; COLUMNS.len()];
        let what = match answer {
            Answer::Tag => "tag",
            Answer::Grade(_) => "score",
        };
        let grade = answer.grade().map_or(String::new(), |g| g.to_string());
        let said = [
            ("what", what.to_owned()),
            ("study", subject.study_uid.clone()),
            ("series", subject.series_uid.clone()),
            ("instance", subject.instance_uid.clone()),
            ("frame", subject.frame.to_string()),
            ("author", "person".to_owned()),
            ("by", question.reader.clone()),
            ("name", question.name.clone()),
            ("grade", grade),
        ];
        for (name, value) in said {
            let slot = COLUMNS.iter().zip(&mut fields).find(|(n, _)| **n == name);
            if let Some((_, slot)) = slot {
                *slot = value;
            }
        }
        line(&mut text, fields);
    }
    text
}

fn mark_fields(mark: &Annotation) -> [String; COLUMNS.len()] {
    let target = &mark.target;
    let points: Vec<[f64; 3]> = mark.shape.points.iter().map(|p| p.to_array()).collect();
    let code = mark.code.clone().unwrap_or_default();
    let [author, by, version] = match &mark.author {
        Author::Person(name) => ["person", name, ""],
        Author::Model { id, version } => ["model", id, version],
        Author::Foreign(name) => ["foreign", name, ""],
    };
    let space = match mark.space {
        PointSpace::Patient => "patient",
        PointSpace::Pixel => "pixel",
    };
    [
        "mark".to_owned(),
        mark.id.0.clone(),
        target.study_uid.clone(),
        target.series_uid.clone(),
        target.instance_uid.clone(),
        target.frame.to_string(),
        target.frame_of_reference_uid.clone(),
        space.to_owned(),
        mark.shape.kind.name().to_owned(),
        // Debug prints the shortest text that is read back as the same number, -0.0 too.
        format!("{points:?}").replace(' ', ""),
        mark.label.clone(),
        code.value,
        code.scheme,
        code.meaning,
        mark.group.clone(),
        mark.locked.to_string(),
        mark.hidden.to_string(),
        author.to_owned(),
        by.to_owned(),
        version.to_owned(),
        mark.created_ms.to_string(),
        String::new(),
        String::new(),
    ]
}

/// Reads a table.
///
/// # Errors
/// Where it is none: the line and the column.
pub fn read(text: &str) -> Result<Brought, SetError> {
    let rows = Rows::parse(text)?;
    let mut out = Brought::default();
    for (line, row) in rows.rows() {
        let wrong = |what: &str| SetError::Form(format!("line {line}: `{what}` does not fit"));
        match row.text("what") {
            "mark" => out.marks.push(mark_of(&row).map_err(wrong)?),
            "tag" | "score" => out.answers.push(answer_of(&row).map_err(wrong)?),
            _ => return Err(wrong("what")),
        }
    }
    Ok(out)
}

fn answer_of(row: &Row<'_>) -> Result<(Question, Answer), &'static str> {
    let subject = Subject {
        study_uid: row.text("study").to_owned(),
        series_uid: row.text("series").to_owned(),
        instance_uid: row.text("instance").to_owned(),
        frame: row.text("frame").parse().map_err(|_| "frame")?,
    };
    let answer = match row.text("what") {
        "tag" => Answer::Tag,
        _ => Answer::Grade(row.text("grade").parse().map_err(|_| "grade")?),
    };
    let question = Question {
        subject,
        name: row.text("name").to_owned(),
        reader: row.text("by").to_owned(),
    };
    Ok((question, answer))
}

fn flag(row: &Row<'_>, name: &'static str) -> Result<bool, &'static str> {
    match row.text(name) {
        "true" => Ok(true),
        "false" | "" => Ok(false),
        _ => Err(name),
    }
}

/// Points as they are written: `[[x,y,z],…]`, to the last bit. The parser of JSON rounds otherwise than that of numbers does.
fn points_of(text: &str) -> Option<Vec<DVec3>> {
    let inner = text.trim().strip_prefix('[')?.strip_suffix(']')?.trim();
    if inner.is_empty() {
        return Some(Vec::new());
    }
    let inner = inner.strip_prefix('[')?.strip_suffix(']')?;
    let mut points = Vec::new();
    for point in inner.split(']') {
        let point = match points.is_empty() {
            true => point,
            false => point
                .trim_start()
                .strip_prefix(',')?
                .trim_start()
                .strip_prefix('[')?,
        };
        let mut numbers = point.split(',').map(|n| n.trim().parse::<f64>().ok());
        let at = [numbers.next()??, numbers.next()??, numbers.next()??];
        if numbers.next().is_some() || points.len() >= MAX_POINTS {
            return None;
        }
        points.push(DVec3::from_array(at));
    }
    Some(points)
}

fn mark_of(row: &Row<'_>) -> Result<Annotation, &'static str> {
    let kind = MarkKind::named(row.text("shape")).ok_or("shape")?;
    let space = match row.text("space") {
        "patient" => PointSpace::Patient,
        "pixel" => PointSpace::Pixel,
        _ => return Err("space"),
    };
    let points = points_of(row.text("points")).ok_or("points")?;
    let target = AnnotationTarget {
        study_uid: row.text("study").to_owned(),
        series_uid: row.text("series").to_owned(),
        instance_uid: row.text("instance").to_owned(),
        frame: row.text("frame").parse().map_err(|_| "frame")?,
        frame_of_reference_uid: row.text("frame_of_reference").to_owned(),
    };
    let id = AnnotationId(row.text("id").to_owned());
    let mut mark = Annotation::new(id, target, space, Shape::new(kind, points));
    mark.shape.check().map_err(|_| "points")?;
    mark.label = row.text("label").to_owned();
    let code = ["code", "scheme", "meaning"].map(|name| row.text(name).to_owned());
    if code.iter().any(|part| !part.is_empty()) {
        let [value, scheme, meaning] = code;
        mark.code = Some(Code {
            value,
            scheme,
            meaning,
        });
    }
    mark.group = row.text("group").to_owned();
    mark.locked = flag(row, "locked")?;
    mark.hidden = flag(row, "hidden")?;
    let by = row.text("by").to_owned();
    mark.author = match row.text("author") {
        "person" | "" => Author::Person(by),
        "model" => Author::Model {
            id: by,
            version: row.text("version").to_owned(),
        },
        "foreign" => Author::Foreign(by),
        _ => return Err("author"),
    };
    mark.created_ms = match row.text("created_ms") {
        "" => 0,
        text => text.parse().map_err(|_| "created_ms")?,
    };
    Ok(mark)
}

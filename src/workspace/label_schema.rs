//! Label schemas: what a project labels, in one TOML file for segments and for marks (docs/label-schema.md).
//!
//! `label` names classes with colour, code and key (`Alt+1…9`): the segment that is painted, or the name of the mark that
//! is drawn. `keypoints` names points that belong together. `tag` and `score` are said of whole images or studies.
//! What is kept is the `name`; `name-zh` is only shown.
//!
//! Must stay true: a file that says something twice, or something out of range, is refused as a whole with the place; a
//! hostile file costs bounded memory. Nothing here identifies a patient.

use crate::{
    i18n::Language,
    model::{annotation::Code, labels::color_of},
    store::codec::MAX_ID,
};
use serde::Deserialize;
use std::{collections::BTreeSet, fs, io::Read as _, path::Path, sync::LazyLock};

/// Name of the file in the folder of the settings that is read at the start.
pub const FILE: &str = "label_schema.toml";
/// Largest file, bytes.
pub const MOST_BYTES: u64 = 4 << 20;
/// Most labels: as many as segments can have.
pub const MOST_LABELS: usize = 65_535;
/// Most keypoint sets, tags and scores each; most points of a set; most grades of a score.
pub const MOST_QUESTIONS: usize = 256;

/// A class of segments and marks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelClass {
    /// What is kept and written.
    pub name: String,
    /// In Chinese, where the file says it.
    pub name_zh: Option<String>,
    /// sRGB.
    pub color: [u8; 3],
    /// What files get beside the name.
    pub code: Option<Code>,
    /// 1 to 9: with Alt it chooses the class.
    pub key: Option<u8>,
}

/// Points that belong together, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeypointSet {
    /// What is kept and written: the group of the points.
    pub name: String,
    /// In Chinese, where the file says it.
    pub name_zh: Option<String>,
    /// Names of the points: the labels of the marks.
    pub points: Vec<String>,
    /// Pairs of points (from 0) that a skeleton joins.
    pub lines: Vec<[usize; 2]>,
}

/// What something is said of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// One frame.
    #[default]
    Image,
    /// The study.
    Study,
}

/// A tag: it applies or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagClass {
    /// What is kept and written.
    pub name: String,
    /// In Chinese, where the file says it.
    pub name_zh: Option<String>,
    /// Of what.
    pub of: Scope,
    /// 1 to 9: with Ctrl and Shift it sets the tag, and takes it away.
    pub key: Option<u8>,
}

/// An ordinal score.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScoreClass {
    /// What is kept and written.
    pub name: String,
    /// In Chinese, where the file says it.
    pub name_zh: Option<String>,
    /// Of what.
    pub of: Scope,
    /// Lowest grade.
    pub low: i32,
    /// Highest grade.
    pub high: i32,
    /// What the grades mean, from the lowest; none or one for each.
    pub grades: Vec<String>,
    /// The same in Chinese.
    pub grades_zh: Vec<String>,
}

/// What a project labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelSchema {
    /// Name of the schema.
    pub name: String,
    /// Classes of segments and marks.
    pub labels: Vec<LabelClass>,
    /// Sets of keypoints.
    pub keypoints: Vec<KeypointSet>,
    /// Tags.
    pub tags: Vec<TagClass>,
    /// Ordinal scores.
    pub scores: Vec<ScoreClass>,
}

/// Why a file is no label schema.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// It cannot be read.
    #[error("the file cannot be read: {0}")]
    Io(String),
    /// It is too large.
    #[error("the file is larger than {} MiB, or has more entries than can be handled", MOST_BYTES >> 20)]
    TooLarge,
    /// It is no TOML of this form.
    #[error("{0}")]
    Form(String),
    /// A name is empty or too long.
    #[error("a name in `{0}` is empty or longer than {MAX_ID} bytes")]
    Name(&'static str),
    /// A name stands twice.
    #[error("`{1}` stands twice in `{0}`")]
    Twice(&'static str, String),
    /// A key is none of 1 to 9, or stands twice.
    #[error("the key {1} in `{0}` is none of 1 to 9, or stands twice")]
    Key(&'static str, u8),
    /// A colour is none.
    #[error("`{0}` is no colour: write \"#RRGGBB\"")]
    Color(String),
    /// The range of a score is none, or its grades are not as many.
    #[error(
        "the score `{0}` needs `low` below `high`, at most {MOST_QUESTIONS} grades, and a word for each or none"
    )]
    Score(String),
    /// A line joins no two points.
    #[error("a line of the keypoints `{0}` joins points that are not there")]
    Line(String),
    /// There is nothing in it.
    #[error("there is no label, keypoint set, tag or score in it")]
    Empty,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    name: String,
    #[serde(default)]
    label: Vec<LabelRow>,
    #[serde(default)]
    keypoints: Vec<KeypointsRow>,
    #[serde(default)]
    tag: Vec<TagRow>,
    #[serde(default)]
    score: Vec<ScoreRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CodeRow {
    value: String,
    scheme: String,
    meaning: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct LabelRow {
    name: String,
    name_zh: Option<String>,
    color: Option<String>,
    code: Option<CodeRow>,
    key: Option<u8>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct KeypointsRow {
    name: String,
    name_zh: Option<String>,
    points: Vec<String>,
    #[serde(default)]
    lines: Vec<[usize; 2]>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct TagRow {
    name: String,
    name_zh: Option<String>,
    #[serde(default)]
    of: Scope,
    key: Option<u8>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct ScoreRow {
    name: String,
    name_zh: Option<String>,
    #[serde(default)]
    of: Scope,
    low: i32,
    high: i32,
    #[serde(default)]
    grades: Vec<String>,
    #[serde(default)]
    grades_zh: Vec<String>,
}

static BUILT_IN: LazyLock<LabelSchema> = LazyLock::new(|| {
    LabelSchema::parse(include_str!("../../assets/label_schema.toml")).unwrap_or_default()
});

impl LabelSchema {
    /// The schema that counts where nobody chose one.
    pub fn built_in() -> &'static Self {
        &BUILT_IN
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`SchemaError`].
    pub fn read(path: &Path) -> Result<Self, SchemaError> {
        let io = |e: std::io::Error| SchemaError::Io(e.kind().to_string());
        let mut text = String::new();
        let file = fs::File::open(path).map_err(io)?;
        file.take(MOST_BYTES + 1)
            .read_to_string(&mut text)
            .map_err(io)?;
        if text.len() as u64 > MOST_BYTES {
            return Err(SchemaError::TooLarge);
        }
        Self::parse(&text)
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// [`SchemaError`].
    pub fn parse(text: &str) -> Result<Self, SchemaError> {
        let file: File = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let line = text.get(..at).unwrap_or_default().matches('\n').count() + 1;
            SchemaError::Form(format!("line {line}: {}", error.message()))
        })?;
        let few = file.keypoints.len() <= MOST_QUESTIONS
            && file.tag.len() <= MOST_QUESTIONS
            && file.score.len() <= MOST_QUESTIONS;
        if file.label.len() > MOST_LABELS || !few {
            return Err(SchemaError::TooLarge);
        }
        let labels = labels_of(file.label)?;
        let keypoints = keypoints_of(file.keypoints)?;
        let tags = tags_of(file.tag)?;
        let scores = scores_of(file.score)?;
        // Tags and scores are kept by their names: they share them.
        let said = tags.iter().map(|t| &t.name);
        distinct("score", said.chain(scores.iter().map(|s| &s.name)))?;
        let schema = Self {
            name: file.name,
            labels,
            keypoints,
            tags,
            scores,
        };
        if schema.labels.is_empty()
            && schema.keypoints.is_empty()
            && schema.tags.is_empty()
            && schema.scores.is_empty()
        {
            return Err(SchemaError::Empty);
        }
        Ok(schema)
    }

    /// The class on a key, 1 to 9.
    pub fn label_on_key(&self, digit: u8) -> Option<&LabelClass> {
        self.labels.iter().find(|label| label.key == Some(digit))
    }

    /// The class with this name.
    pub fn label(&self, name: &str) -> Option<&LabelClass> {
        self.labels.iter().find(|label| label.name == name)
    }

    /// The tag on a key, 1 to 9.
    pub fn tag_on_key(&self, digit: u8) -> Option<&TagClass> {
        self.tags.iter().find(|tag| tag.key == Some(digit))
    }

    /// The set of keypoints with this name.
    pub fn keypoint_set(&self, name: &str) -> Option<&KeypointSet> {
        self.keypoints.iter().find(|set| set.name == name)
    }
}

impl ScoreClass {
    /// What a grade means in a language; empty where the schema does not say.
    pub fn word(&self, grade: i32, language: Language) -> &str {
        let words = match (language, self.grades_zh.is_empty()) {
            (Language::SimplifiedChinese, false) => &self.grades_zh,
            _ => &self.grades,
        };
        let at = grade
            .checked_sub(self.low)
            .and_then(|n| usize::try_from(n).ok());
        at.and_then(|at| words.get(at)).map_or("", String::as_str)
    }
}

/// What is shown of a name in a language.
pub fn shown<'a>(name: &'a str, name_zh: Option<&'a String>, language: Language) -> &'a str {
    match (language, name_zh) {
        (Language::SimplifiedChinese, Some(zh)) => zh,
        _ => name,
    }
}

fn distinct<'a>(
    list: &'static str,
    names: impl Iterator<Item = &'a String>,
) -> Result<(), SchemaError> {
    let mut known = BTreeSet::new();
    for name in names {
        if name.trim().is_empty() || name.len() > MAX_ID || name.chars().any(char::is_control) {
            return Err(SchemaError::Name(list));
        }
        if !known.insert(name.as_str()) {
            return Err(SchemaError::Twice(list, name.clone()));
        }
    }
    Ok(())
}

/// The keys of a list; the first nine in order where none is named.
fn keys(list: &'static str, keys: &[Option<u8>]) -> Result<Vec<Option<u8>>, SchemaError> {
    if keys.iter().all(Option::is_none) {
        let first = |at: usize| u8::try_from(at + 1).ok().filter(|key| *key <= 9);
        return Ok((0..keys.len()).map(first).collect());
    }
    let mut known = BTreeSet::new();
    for key in keys.iter().flatten() {
        if !(1..=9).contains(key) || !known.insert(*key) {
            return Err(SchemaError::Key(list, *key));
        }
    }
    Ok(keys.to_vec())
}

fn color(text: &str) -> Result<[u8; 3], SchemaError> {
    let digits = text.strip_prefix('#').filter(|d| d.len() == 6);
    let number = digits
        .filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))
        .and_then(|d| u32::from_str_radix(d, 16).ok());
    let [_, r, g, b] = number
        .ok_or_else(|| SchemaError::Color(text.chars().take(40).collect()))?
        .to_be_bytes();
    Ok([r, g, b])
}

fn labels_of(rows: Vec<LabelRow>) -> Result<Vec<LabelClass>, SchemaError> {
    distinct("label", rows.iter().map(|row| &row.name))?;
    let chosen: Vec<Option<u8>> = rows.iter().map(|row| row.key).collect();
    let keys = keys("label", &chosen)?;
    rows.into_iter()
        .zip(keys)
        .enumerate()
        .map(|(at, (row, key))| {
            let parts = row.code.iter().flat_map(|c| [&c.value, &c.scheme]);
            if parts
                .into_iter()
                .any(|part| part.is_empty() || part.len() > MAX_ID)
            {
                return Err(SchemaError::Name("code"));
            }
            Ok(LabelClass {
                color: match &row.color {
                    Some(text) => color(text)?,
                    // Colours repeat after 255, as those of segments do.
                    None => color_of((at % 255 + 1) as u8),
                },
                name: row.name,
                name_zh: row.name_zh,
                code: row.code.map(|code| Code {
                    value: code.value,
                    scheme: code.scheme,
                    meaning: code.meaning,
                }),
                key,
            })
        })
        .collect()
}

fn keypoints_of(rows: Vec<KeypointsRow>) -> Result<Vec<KeypointSet>, SchemaError> {
    distinct("keypoints", rows.iter().map(|row| &row.name))?;
    rows.into_iter()
        .map(|row| {
            if row.points.is_empty() || row.points.len() > MOST_QUESTIONS {
                return Err(SchemaError::Name("points"));
            }
            distinct("points", row.points.iter())?;
            let joins = |line: &[usize; 2]| {
                line.iter().all(|p| *p < row.points.len()) && line.first() != line.last()
            };
            if row.lines.len() > MOST_QUESTIONS || !row.lines.iter().all(joins) {
                return Err(SchemaError::Line(row.name));
            }
            Ok(KeypointSet {
                name: row.name,
                name_zh: row.name_zh,
                points: row.points,
                lines: row.lines,
            })
        })
        .collect()
}

fn tags_of(rows: Vec<TagRow>) -> Result<Vec<TagClass>, SchemaError> {
    distinct("tag", rows.iter().map(|row| &row.name))?;
    let chosen: Vec<Option<u8>> = rows.iter().map(|row| row.key).collect();
    let keys = keys("tag", &chosen)?;
    let tags = rows.into_iter().zip(keys).map(|(row, key)| TagClass {
        name: row.name,
        name_zh: row.name_zh,
        of: row.of,
        key,
    });
    Ok(tags.collect())
}

fn scores_of(rows: Vec<ScoreRow>) -> Result<Vec<ScoreClass>, SchemaError> {
    distinct("score", rows.iter().map(|row| &row.name))?;
    rows.into_iter()
        .map(|row| {
            let count = row
                .high
                .checked_sub(row.low)
                .and_then(|n| usize::try_from(n).ok());
            let fits = |words: &[String], span: usize| words.is_empty() || words.len() == span + 1;
            match count {
                Some(span @ 1..MOST_QUESTIONS)
                    if fits(&row.grades, span) && fits(&row.grades_zh, span) => {}
                _ => return Err(SchemaError::Score(row.name)),
            }
            Ok(ScoreClass {
                name: row.name,
                name_zh: row.name_zh,
                of: row.of,
                low: row.low,
                high: row.high,
                grades: row.grades,
                grades_zh: row.grades_zh,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_that_comes_along_is_sound() {
        let schema = LabelSchema::built_in();
        assert!(!schema.labels.is_empty() && !schema.tags.is_empty() && !schema.scores.is_empty());
        assert_eq!(schema.label_on_key(1), schema.labels.first());
        assert!(schema.labels.iter().all(|l| l.name_zh.is_some()));
    }

    #[test]
    fn everything_that_a_file_says_is_read() {
        let schema = LabelSchema::parse(
            r##"
name = "chest"
[[label]]
name = "Nodule"
name-zh = "结节"
color = "#E69F00"
code = { value = "27925004", scheme = "SCT", meaning = "Nodule" }
key = 3
[[label]]
name = "Mass"
[[keypoints]]
name = "Heart"
points = ["left", "right"]
lines = [[0, 1]]
[[tag]]
name = "poor quality"
[[tag]]
name = "exclude"
of = "study"
[[score]]
name = "BI-RADS"
of = "study"
low = 0
high = 2
grades = ["a", "b", "c"]
grades-zh = ["甲", "乙", "丙"]
"##,
        )
        .unwrap();
        let nodule = schema.label_on_key(3).unwrap();
        assert_eq!(
            (nodule.name.as_str(), nodule.color),
            ("Nodule", [0xE6, 0x9F, 0])
        );
        assert_eq!(nodule.code.as_ref().unwrap().value, "27925004");
        assert_eq!(
            shown(
                &nodule.name,
                nodule.name_zh.as_ref(),
                Language::SimplifiedChinese
            ),
            "结节"
        );
        assert_eq!(
            schema.label("Mass").unwrap().key,
            None,
            "one names a key, so none is given"
        );
        assert_eq!(schema.keypoint_set("Heart").unwrap().lines, [[0, 1]]);
        assert_eq!(schema.tag_on_key(2).unwrap().of, Scope::Study);
        let score = &schema.scores[0];
        let word = |grade| score.word(grade, Language::English);
        assert_eq!((word(2), word(3), word(-1)), ("c", "", ""));
        assert_eq!(score.word(1, Language::SimplifiedChinese), "乙");
    }

    #[test]
    fn what_is_said_twice_or_out_of_range_is_refused() {
        let cases = [
            ("", SchemaError::Empty),
            (
                "[[label]]\nname=\"a\"\n[[label]]\nname=\"a\"",
                SchemaError::Twice("label", "a".into()),
            ),
            ("[[label]]\nname=\" \"", SchemaError::Name("label")),
            ("[[label]]\nname=\"a\"\nkey=0", SchemaError::Key("label", 0)),
            (
                "[[tag]]\nname=\"a\"\nkey=2\n[[tag]]\nname=\"b\"\nkey=2",
                SchemaError::Key("tag", 2),
            ),
            (
                "[[label]]\nname=\"a\"\ncolor=\"red\"",
                SchemaError::Color("red".into()),
            ),
            (
                "[[score]]\nname=\"a\"\nlow=1\nhigh=1",
                SchemaError::Score("a".into()),
            ),
            (
                "[[score]]\nname=\"a\"\nlow=-2147483648\nhigh=2147483647",
                SchemaError::Score("a".into()),
            ),
            (
                "[[score]]\nname=\"a\"\nlow=0\nhigh=1\ngrades=[\"x\"]",
                SchemaError::Score("a".into()),
            ),
            (
                "[[keypoints]]\nname=\"a\"\npoints=[\"x\",\"y\"]\nlines=[[0,2]]",
                SchemaError::Line("a".into()),
            ),
            (
                "[[tag]]\nname=\"a\"\n[[score]]\nname=\"a\"\nlow=0\nhigh=1",
                SchemaError::Twice("score", "a".into()),
            ),
        ];
        for (text, error) in cases {
            assert_eq!(LabelSchema::parse(text), Err(error), "{text}");
        }
        let Err(SchemaError::Form(said)) = LabelSchema::parse("\n[[label]]\nnome = \"a\"") else {
            panic!("an unknown field is refused")
        };
        assert!(said.starts_with("line "), "{said}");
    }
}

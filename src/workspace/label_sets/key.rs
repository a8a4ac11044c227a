//! The key of a set: which file is which frame. It names studies; whoever hands the set on keeps it.

use super::{LabelSet, Picture, SetError, split::Part, table};
use crate::model::annotation::AnnotationTarget;
use std::collections::BTreeMap;

/// Name of the file.
pub const FILE: &str = "images.csv";

const COLUMNS: [&str; 8] = [
    "file", "split", "study", "series", "instance", "frame", "columns", "rows",
];

/// Frames and sizes by the name of the file without its ending.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Key(BTreeMap<String, (AnnotationTarget, [usize; 2])>);

/// The stem of a file's name: `images/train/000001.png` is `000001`.
pub fn stem(file: &str) -> &str {
    let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
    match name.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() && ending.len() <= 4 => stem,
        _ => name,
    }
}

/// The text of the key of a set.
pub fn write(set: &LabelSet) -> String {
    let mut text = String::new();
    table::line(&mut text, COLUMNS.map(str::to_owned));
    for picture in &set.pictures {
        let target = &picture.target;
        let part = picture.part.map_or("", Part::name);
        let [columns, rows] = picture.size;
        table::line(
            &mut text,
            [
                picture.file.clone(),
                part.to_owned(),
                target.study_uid.clone(),
                target.series_uid.clone(),
                target.instance_uid.clone(),
                target.frame.to_string(),
                columns.to_string(),
                rows.to_string(),
            ],
        );
    }
    text
}

impl Key {
    /// Reads a key. `frame` may be missing (1), as may `split`, `columns` and `rows`.
    ///
    /// # Errors
    /// Where it is none.
    pub fn parse(text: &str) -> Result<Self, SetError> {
        let rows = table::Rows::parse(text)?;
        let mut key = BTreeMap::new();
        for (line, row) in rows.rows() {
            let file = row.text("file");
            let instance = row.text("instance");
            if file.is_empty() || instance.is_empty() {
                return Err(SetError::Form(format!(
                    "line {line}: `file` or `instance` is missing"
                )));
            }
            let number = |name: &str, default: usize| match row.text(name) {
                "" => Ok(default),
                text => text
                    .parse::<usize>()
                    .map_err(|_| SetError::Form(format!("line {line}: `{name}` is no number"))),
            };
            let frame = u32::try_from(number("frame", 1)?).ok().filter(|f| *f > 0);
            let frame =
                frame.ok_or_else(|| SetError::Form(format!("line {line}: frames count from 1")))?;
            let target = AnnotationTarget {
                study_uid: row.text("study").to_owned(),
                series_uid: row.text("series").to_owned(),
                instance_uid: instance.to_owned(),
                frame,
                frame_of_reference_uid: String::new(),
            };
            let size = [number("columns", 0)?, number("rows", 0)?];
            key.insert(stem(file).to_owned(), (target, size));
        }
        Ok(Self(key))
    }

    /// The frame and the size of a picture, by its file.
    pub fn find(&self, file: &str) -> Option<&(AnnotationTarget, [usize; 2])> {
        self.0.get(stem(file))
    }

    /// A picture of a set without labels.
    ///
    /// # Errors
    /// [`SetError::NoKey`] where the file is not in it.
    pub fn picture(&self, file: &str) -> Result<Picture, SetError> {
        let (target, size) = self
            .find(file)
            .ok_or_else(|| SetError::NoKey(file.chars().take(120).collect()))?;
        Ok(Picture {
            file: file.to_owned(),
            target: target.clone(),
            size: *size,
            part: None,
            labels: Vec::new(),
            said: Vec::new(),
        })
    }

    /// Takes the sizes of the frames at hand where it says none.
    pub fn fill_sizes(&mut self, size: impl Fn(&AnnotationTarget) -> Option<[usize; 2]>) {
        for (target, known) in self.0.values_mut() {
            if known.contains(&0)
                && let Some(found) = size(target)
            {
                *known = found;
            }
        }
    }

    /// Frames of the key.
    pub fn targets(&self) -> impl Iterator<Item = &AnnotationTarget> {
        self.0.values().map(|(target, _)| target)
    }
}

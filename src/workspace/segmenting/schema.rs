//! Label schemas: names, colours and codes that segmentations begin with. Those of the program are in
//! `assets/label_schemas.toml`; files of the user's have the same form (docs/segments.md).

use crate::{
    i18n::Language,
    model::{annotation::Code, labels::color_of, segmentation::Segment},
    workspace::label_schema,
};
use serde::Deserialize;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Largest file, bytes.
pub const MAX_FILE: usize = 1 << 20;
/// Most labels of a schema.
const MAX_LABELS: usize = 1000;

/// A schema.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct LabelSchema {
    /// Short name, the same in all languages.
    pub name: String,
    /// Title in English.
    title: String,
    /// Title in Chinese.
    #[serde(default)]
    title_zh: String,
    /// Its labels, in the order of their numbers.
    #[serde(rename = "label")]
    pub labels: Vec<SchemaLabel>,
}

/// A label of a schema.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct SchemaLabel {
    name: String,
    #[serde(default)]
    name_zh: String,
    color: Option<[u8; 3]>,
    category: Option<SchemaCode>,
    #[serde(rename = "type")]
    kind: Option<SchemaCode>,
    region: Option<SchemaCode>,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct SchemaCode {
    value: String,
    scheme: String,
    meaning: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SchemaFile {
    #[serde(default)]
    schema: Vec<LabelSchema>,
}

impl LabelSchema {
    /// The labels of a project's schema, which marks have, too.
    pub fn of_project(project: &label_schema::LabelSchema) -> Self {
        let name = match project.name.is_empty() {
            true => "project".to_owned(),
            false => project.name.clone(),
        };
        let labels = project.labels.iter().take(MAX_LABELS);
        Self {
            title: name.clone(),
            title_zh: String::new(),
            name,
            labels: labels
                .map(|label| SchemaLabel {
                    name: label.name.clone(),
                    name_zh: label.name_zh.clone().unwrap_or_default(),
                    color: Some(label.color),
                    category: None,
                    kind: label.code.as_ref().map(|code| SchemaCode {
                        value: code.value.clone(),
                        scheme: code.scheme.clone(),
                        meaning: code.meaning.clone(),
                    }),
                    region: None,
                })
                .collect(),
        }
    }
}

/// Reads the schemas of a file.
///
/// # Errors
/// A sentence about what does not fit.
pub fn read(text: &str) -> Result<Vec<LabelSchema>, String> {
    if text.len() > MAX_FILE {
        return Err("the file is too large".into());
    }
    let file: SchemaFile = match toml::from_str(text) {
        Ok(file) => file,
        // What a project labels (docs/label-schema.md) is one list for marks and segments.
        Err(error) => {
            return match label_schema::LabelSchema::parse(text) {
                Ok(project) if (1..=MAX_LABELS).contains(&project.labels.len()) => {
                    Ok(vec![LabelSchema::of_project(&project)])
                }
                _ => Err(error.message().to_owned()),
            };
        }
    };
    for schema in &file.schema {
        if schema.name.is_empty() || schema.labels.is_empty() || schema.labels.len() > MAX_LABELS {
            return Err("a schema has a name, and 1 to 1000 labels".into());
        }
        if schema
            .labels
            .iter()
            .any(|label| label.name.trim().is_empty())
        {
            return Err("a label has a name".into());
        }
    }
    Ok(file.schema)
}

/// Most files of a folder.
const MAX_FILES: usize = 256;

/// Reads the files of a folder, in the order of their names; the names of those that are none come back, too.
pub fn read_folder(folder: &Path) -> (Vec<LabelSchema>, Vec<String>) {
    let entries = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .take(MAX_FILES * 4);
    let mut files: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "toml"));
    files.sort();
    let (mut schemas, mut damaged) = (Vec::new(), Vec::new());
    for path in files.into_iter().take(MAX_FILES) {
        let small = fs::metadata(&path).is_ok_and(|m| m.len() <= MAX_FILE as u64);
        let text = small.then(|| fs::read_to_string(&path).ok()).flatten();
        match text.and_then(|text| read(&text).ok()) {
            Some(found) => schemas.extend(found),
            None => damaged.extend(path.file_name().map(|n| n.to_string_lossy().into_owned())),
        }
    }
    (schemas, damaged)
}

/// Those of the program.
pub fn bundled() -> Vec<LabelSchema> {
    read(include_str!("../../../assets/label_schemas.toml")).unwrap_or_default()
}

const fn chosen<'a>(language: Language, english: &'a str, chinese: &'a str) -> &'a str {
    match language {
        Language::SimplifiedChinese if !chinese.is_empty() => chinese,
        _ => english,
    }
}

impl LabelSchema {
    /// Its title in the reader's language.
    pub fn title(&self, language: Language) -> &str {
        chosen(language, &self.title, &self.title_zh)
    }
}

impl SchemaLabel {
    /// Its name in the reader's language.
    pub fn name(&self, language: Language) -> &str {
        chosen(language, &self.name, &self.name_zh)
    }

    /// A segment of this kind.
    pub fn segment(&self, number: u16, language: Language) -> Segment {
        let code = |code: &Option<SchemaCode>| {
            code.as_ref().map(|code| Code {
                value: code.value.clone(),
                scheme: code.scheme.clone(),
                meaning: code.meaning.clone(),
            })
        };
        let plain = color_of((number.saturating_sub(1) % 255 + 1) as u8);
        Segment {
            color: self.color.unwrap_or(plain),
            category: code(&self.category),
            property_type: code(&self.kind),
            anatomic_region: code(&self.region),
            ..Segment::new(number, self.name(language))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_schemas_of_the_program_are_whole() {
        let schemas = bundled();
        assert!(schemas.len() >= 4);
        let names: BTreeSet<_> = schemas.iter().map(|s| &s.name).collect();
        assert_eq!(names.len(), schemas.len());
        for schema in &schemas {
            for label in &schema.labels {
                let segment = label.segment(3, Language::English);
                let code = segment.property_type.unwrap();
                assert!(code.scheme == "SCT" && code.value.len() >= 5, "{label:?}");
                assert!(segment.category.is_some());
                let chinese = label.name(Language::SimplifiedChinese);
                assert!(!chinese.is_ascii(), "{label:?}");
            }
        }
    }

    #[test]
    fn a_file_of_ones_own_is_read_and_a_wrong_one_says_why() {
        let text = "[[schema]]\nname = 'a'\ntitle = 'A'\n[[schema.label]]\nname = 'x'\n";
        let read_in = read(text).unwrap();
        let segment = read_in[0].labels[0].segment(2, Language::SimplifiedChinese);
        assert_eq!((segment.label.as_str(), segment.color), ("x", color_of(2)));
        for wrong in [
            "[[schema]]\nname = 'a'\ntitle = 'A'\nlabel = []\n",
            "[[schema]]\nname = 'a'\ntitle = 'A'\n[[schema.label]]\nname = ' '\n",
            "[[schema]]\nname = 'a'\ntitle = 'A'\n[[schema.label]]\nname = 'x'\ncolour = 1\n",
            "colour",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("b.toml"), text).unwrap();
        fs::write(folder.path().join("a.toml"), "colour").unwrap();
        fs::write(folder.path().join("notes.txt"), "x").unwrap();
        let (schemas, damaged) = read_folder(folder.path());
        assert_eq!((schemas, damaged), (read_in, vec!["a.toml".to_owned()]));
        assert!(read_folder(&folder.path().join("none")).0.is_empty());
    }
}

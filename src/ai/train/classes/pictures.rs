//! Pictures with a class: listed, split by patient, loaded as the network will see them.

use crate::{
    ai::{
        AiError, BurnDevice,
        classes::{LungLocator, shown},
        data::{is_picture, parts, read_grey},
        recipe::{Crop, LabelRecipe},
        registry::Registry,
    },
    task::CancelToken,
};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// A picture on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) patient: String,
    pub(super) stratum: String,
    pub(super) positive: bool,
    path: PathBuf,
}

/// A picture as the network will see it, before it is varied and standardised.
pub(super) struct Picture {
    pub(super) entry: Entry,
    pub(super) image: Vec<f32>,
}

/// All pictures by part of the split (train, validation, test), each in the order of names.
pub(super) fn listed(
    folder: &Path,
    labels: &LabelRecipe,
    seed: u64,
) -> Result<[Vec<Entry>; 3], AiError> {
    let mut found = Vec::new();
    for part in &labels.folders {
        let path = folder.join(&part.path);
        for item in fs::read_dir(&path).map_err(AiError::io("cannot list", &path))? {
            let file = item.map_err(AiError::io("cannot list", &path))?.path();
            if is_picture(&file) {
                found.push(entry(&file, labels, part.positive)?);
            }
        }
    }
    found.sort_by(|a: &Entry, b: &Entry| (&a.name, &a.path).cmp(&(&b.name, &b.path)));
    let items: Vec<(&str, &str)> = found
        .iter()
        .map(|e| (e.patient.as_str(), e.stratum.as_str()))
        .collect();
    let shares = [labels.train, labels.validation];
    let part_of = parts(&items, shares, seed);
    let take = |wanted: usize| -> Vec<Entry> {
        found
            .iter()
            .zip(&part_of)
            .filter(|(_, part)| **part == wanted)
            .map(|(entry, _)| entry.clone())
            .collect()
    };
    let split = [take(0), take(1), take(2)];
    let both =
        |part: &Vec<Entry>| part.iter().any(|e| e.positive) && part.iter().any(|e| !e.positive);
    if split.iter().all(both) {
        return Ok(split);
    }
    Err(AiError::Data(format!(
        "{} pictures do not give each part of the split both classes",
        found.len()
    )))
}

fn entry(file: &Path, labels: &LabelRecipe, positive: Option<bool>) -> Result<Entry, AiError> {
    let name = file
        .file_stem()
        .and_then(|n| n.to_str())
        .unwrap_or_default();
    let fields: Vec<&str> = name.split(labels.separator.as_str()).collect();
    let joined = |numbers: &[usize]| {
        let parts: Option<Vec<&str>> = numbers.iter().map(|&n| fields.get(n).copied()).collect();
        parts
            .map(|parts| parts.join(&labels.separator))
            .ok_or_else(|| {
                AiError::Data(format!("`{name}` has no field for the patient or stratum"))
            })
    };
    let positive = match (positive, &labels.class_field) {
        (Some(positive), _) => positive,
        (None, Some(class)) => fields
            .get(class.field)
            .is_some_and(|f| *f == class.positive),
        (None, None) => false,
    };
    let class = if positive {
        &labels.positive
    } else {
        &labels.negative
    };
    let stratum = match labels.stratum_fields.is_empty() {
        true => class.clone(),
        false => format!(
            "{}{}{class}",
            joined(&labels.stratum_fields)?,
            labels.separator
        ),
    };
    Ok(Entry {
        patient: joined(&labels.patient_fields)?,
        stratum,
        positive,
        name: name.to_owned(),
        path: file.to_owned(),
    })
}

/// Reads pictures and finds what is shown of them.
pub(super) struct Loader<'a> {
    lungs: Option<LungLocator>,
    side: usize,
    cancel: &'a CancelToken,
}

impl<'a> Loader<'a> {
    pub(super) fn new(
        labels: &LabelRecipe,
        side: usize,
        device: &BurnDevice,
        cancel: &'a CancelToken,
    ) -> Result<Self, AiError> {
        let lungs = match labels.crop {
            Crop::Whole => None,
            Crop::Lungs => Some(LungLocator::new(&Registry::default(), device)?),
        };
        Ok(Self {
            lungs,
            side,
            cancel,
        })
    }

    /// A picture as it is shown, and its side.
    pub(super) fn image(&self, entry: &Entry) -> Result<(Vec<f32>, usize), AiError> {
        let (values, size) = read_grey(&entry.path)?;
        let go_on = || !self.cancel.is_cancelled();
        let area = match &self.lungs {
            None => None,
            Some(lungs) => Some(lungs.locate(&values, size, &go_on)?.area),
        };
        Ok((shown(&values, size, area, self.side)?, self.side))
    }

    /// The whole picture, squeezed to the size of the lungs' mask; the mask; the side.
    ///
    /// # Errors
    /// A task that does not look for lungs.
    pub(super) fn lung_field(
        &self,
        entry: &Entry,
    ) -> Result<(Vec<f32>, Vec<bool>, usize), AiError> {
        let Some(lungs) = &self.lungs else {
            return Err(AiError::Task(
                "features of the lung fields need crop = \"lungs\"".into(),
            ));
        };
        let (values, size) = read_grey(&entry.path)?;
        let map = lungs
            .locate(&values, size, &|| !self.cancel.is_cancelled())?
            .map;
        let mask = map.values.iter().map(|&p| p >= 0.5).collect();
        Ok((shown(&values, size, None, map.rows)?, mask, map.rows))
    }

    pub(super) fn load(&self, entries: &[Entry]) -> Result<Vec<Picture>, AiError> {
        entries
            .iter()
            .map(|entry| {
                Ok(Picture {
                    entry: entry.clone(),
                    image: self.image(entry)?.0,
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ai::recipe::{ClassField, LabelFolder};

    #[test]
    fn the_name_tells_patient_stratum_and_class() {
        let labels = LabelRecipe {
            folders: vec![LabelFolder {
                path: String::new(),
                positive: None,
            }],
            separator: "_".into(),
            patient_fields: vec![0, 1],
            stratum_fields: vec![0],
            class_field: Some(ClassField {
                field: 2,
                positive: "1".into(),
            }),
            positive: "ill".into(),
            negative: "well".into(),
            train: 0.6,
            validation: 0.2,
            crop: Crop::Whole,
            abstain: [0.4, 0.6],
        };
        let found = entry(Path::new("a/MC_07_1.png"), &labels, None).unwrap();
        assert_eq!(
            (
                found.patient.as_str(),
                found.stratum.as_str(),
                found.positive
            ),
            ("MC_07", "MC_ill", true)
        );
        assert!(
            !entry(Path::new("a/MC_07_0.png"), &labels, None)
                .unwrap()
                .positive
        );
        // A folder's own class counts more.
        assert!(
            entry(Path::new("a/MC_07_0.png"), &labels, Some(true))
                .unwrap()
                .positive
        );
        assert!(entry(Path::new("a/MC.png"), &labels, None).is_err());
    }
}

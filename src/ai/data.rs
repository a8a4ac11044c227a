//! Pairs of picture and mask, and the split by patient.

use super::{AiError, preprocess, random::Random, recipe::DataRecipe};
use crate::imaging::resample;
use image::ImageReader;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Pixels that a training picture may have.
const MAX_PIXELS: u64 = 1 << 26;

/// One picture with its mask, on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// File name without extension.
    pub name: String,
    /// Whose picture; decides the part of the split.
    pub patient: String,
    /// Subset for the split and the report.
    pub stratum: String,
    image: PathBuf,
    mask: PathBuf,
}

/// Which pairs train, choose and test. Each list is in the order of names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// Pairs that train.
    pub train: Vec<Pair>,
    /// Pairs that choose the best epoch.
    pub validation: Vec<Pair>,
    /// Pairs that the final figures are measured on.
    pub test: Vec<Pair>,
}

/// A loaded pair.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Where it comes from.
    pub pair: Pair,
    /// Square picture, 0 to 1.
    pub image: Vec<f32>,
    /// Square mask, the covered share of each pixel.
    pub target: Vec<f32>,
    /// The mask at its own size.
    pub truth: Vec<bool>,
    /// Rows and columns of [`Self::truth`].
    pub truth_size: [usize; 2],
}

/// Whether the file's name is that of a picture that is read.
pub(crate) fn is_picture(path: &Path) -> bool {
    path.extension()
        .and_then(|e| e.to_str())
        .is_some_and(|e| ["png", "jpg", "jpeg"].contains(&e.to_ascii_lowercase().as_str()))
}

/// Lists the pairs of a data folder: picture files that have a mask of the same name. Sorted by name.
pub fn pairs(folder: &Path, recipe: &DataRecipe) -> Result<Vec<Pair>, AiError> {
    let (images, masks) = (folder.join(&recipe.images), folder.join(&recipe.masks));
    let mut found = Vec::new();
    for entry in fs::read_dir(&images).map_err(AiError::io("cannot list", &images))? {
        let image = entry.map_err(AiError::io("cannot list", &images))?.path();
        let (Some(file), Some(name)) = (
            image.file_name(),
            image.file_stem().and_then(|n| n.to_str()),
        ) else {
            continue;
        };
        let mask = masks.join(file);
        if !is_picture(&image) || !mask.is_file() {
            continue;
        }
        let fields: Vec<&str> = name.split(recipe.separator.as_str()).collect();
        let joined = |numbers: &[usize]| {
            let parts: Option<Vec<&str>> =
                numbers.iter().map(|&n| fields.get(n).copied()).collect();
            parts
                .map(|parts| parts.join(&recipe.separator))
                .ok_or_else(|| {
                    AiError::Data(format!("`{name}` has no field for the patient or stratum"))
                })
        };
        found.push(Pair {
            patient: joined(&recipe.patient_fields)?,
            stratum: joined(&recipe.stratum_fields)?,
            name: name.to_owned(),
            image,
            mask,
        });
    }
    if found.is_empty() {
        return Err(AiError::Data(
            "no picture has a mask of the same name".into(),
        ));
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// The part of each item of (patient, stratum): 0 trains, 1 chooses, 2 tests. Within each stratum the patients are
/// shuffled by the seed and cut by the shares of the first two parts; a patient with items in several strata counts in
/// the first of them.
pub(crate) fn parts(items: &[(&str, &str)], shares: [f64; 2], seed: u64) -> Vec<usize> {
    let mut seen = BTreeSet::new();
    let mut strata: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (patient, stratum) in items {
        if seen.insert(*patient) {
            strata.entry(stratum).or_default().push(patient);
        }
    }
    let mut part_of = BTreeMap::new();
    for (index, patients) in strata.values_mut().enumerate() {
        patients.sort_unstable();
        Random::new(seed, &[u64::from_le_bytes(*b"split\0\0\0"), index as u64]).shuffle(patients);
        let count = patients.len() as f64;
        let train = (count * shares[0]).round() as usize;
        let validation = train + (count * shares[1]).round() as usize;
        for (place, patient) in patients.iter().enumerate() {
            let part = usize::from(place >= train) + usize::from(place >= validation);
            part_of.insert(*patient, part);
        }
    }
    items
        .iter()
        .map(|(patient, _)| part_of.get(patient).copied().unwrap_or(2))
        .collect()
}

/// Splits pairs by patient.
pub fn split(pairs: &[Pair], shares: [f64; 2], seed: u64) -> Result<Split, AiError> {
    let items: Vec<(&str, &str)> = pairs
        .iter()
        .map(|pair| (pair.patient.as_str(), pair.stratum.as_str()))
        .collect();
    let part_of = parts(&items, shares, seed);
    let take = |part: usize| -> Vec<Pair> {
        pairs
            .iter()
            .zip(&part_of)
            .filter(|(_, own)| **own == part)
            .map(|(pair, _)| pair.clone())
            .collect()
    };
    let split = Split {
        train: take(0),
        validation: take(1),
        test: take(2),
    };
    if split.train.is_empty() || split.validation.is_empty() || split.test.is_empty() {
        return Err(AiError::Data(format!(
            "{} pairs are too few to train, validate and test by patient",
            pairs.len()
        )));
    }
    Ok(split)
}

/// Loads pairs and brings them to the network's size.
pub fn load(pairs: &[Pair], recipe: &DataRecipe, side: usize) -> Result<Vec<Sample>, AiError> {
    pairs
        .iter()
        .map(|pair| {
            let (image, size) = read_grey(&pair.image)?;
            let (mask, truth_size) = read_grey(&pair.mask)?;
            if size != truth_size {
                return Err(AiError::Data(format!(
                    "picture and mask of `{}` differ in size",
                    pair.name
                )));
            }
            let threshold = f32::from(recipe.mask_threshold) / 255.0;
            let truth: Vec<bool> = mask.iter().map(|&v| v > threshold + 1e-4).collect();
            let covered: Vec<f32> = truth.iter().map(|&t| f32::from(u8::from(t))).collect();
            let target = resample::area(&covered, truth_size, [side, side])
                .map_err(|error| AiError::Data(error.to_string()))?;
            Ok(Sample {
                image: preprocess::unit_square(&image, size, side)?,
                pair: pair.clone(),
                target,
                truth,
                truth_size,
            })
        })
        .collect()
}

/// Folders that are gone into below one that is given.
const MOST_DEPTH: usize = 4;

/// Picture files below a folder by name without ending; of two of one name the first in order of paths.
pub(crate) fn pictures_below(folder: &Path) -> Result<BTreeMap<String, PathBuf>, AiError> {
    let mut found = BTreeMap::new();
    let mut open = vec![(folder.to_owned(), 0)];
    while let Some((folder, depth)) = open.pop() {
        let listing = fs::read_dir(&folder).map_err(AiError::io("cannot list", &folder))?;
        let mut paths: Vec<PathBuf> = listing.filter_map(|e| Some(e.ok()?.path())).collect();
        paths.sort();
        for path in paths {
            let ending = path.extension().and_then(|e| e.to_str());
            let is_picture = ending
                .is_some_and(|e| ["png", "jpg", "jpeg"].contains(&e.to_ascii_lowercase().as_str()));
            if path.is_dir() && depth < MOST_DEPTH {
                open.push((path, depth + 1));
            } else if is_picture && let Some(name) = path.file_stem().and_then(|n| n.to_str()) {
                let name = name.to_owned();
                found.entry(name).or_insert(path);
            }
        }
    }
    Ok(found)
}

/// Reads a picture as grey values 0 to 1 with rows and columns.
pub(crate) fn read_grey(path: &Path) -> Result<(Vec<f32>, [usize; 2]), AiError> {
    let broken = |error: image::ImageError| AiError::Data(format!("{error}: {}", path.display()));
    let reader = || {
        ImageReader::open(path)
            .and_then(ImageReader::with_guessed_format)
            .map_err(AiError::io("cannot open", path))
    };
    let (columns, rows) = reader()?.into_dimensions().map_err(broken)?;
    if u64::from(columns) * u64::from(rows) > MAX_PIXELS {
        return Err(AiError::Data(format!(
            "more than {MAX_PIXELS} pixels: {}",
            path.display()
        )));
    }
    let picture = reader()?.decode().map_err(broken)?.into_luma16();
    let values = picture
        .as_raw()
        .iter()
        .map(|&v| f32::from(v) / 65535.0)
        .collect();
    Ok((values, [rows as usize, columns as usize]))
}

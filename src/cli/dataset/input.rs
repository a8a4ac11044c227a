//! Sets as they are read: lists of cases, nnU-Net folders, COCO files.

use crate::{
    cli::{Exit, series::Refusal},
    dicom::segmentation::grid_of,
    formats::coco::{from_runs, unpacked},
    imaging::contours::{Outline, filled},
    model::{
        layout::SeriesLayout,
        segmentation::{Painter, Segment, Segmentation, SegmentationId, Voxels},
    },
    workspace::label_sets::split::Part,
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Most bytes of a list.
const MOST_BYTES: u64 = 1 << 30;

/// A picture and its mask.
pub struct Case {
    /// A name for files; empty for none.
    pub name: String,
    /// File or folder of the picture.
    pub image: PathBuf,
    /// Its mask.
    pub mask: MaskOf,
    /// Whose it is, where the set says it.
    pub patient: Option<String>,
    /// The part that it is in.
    pub part: Option<Part>,
}

/// Where a mask comes from.
pub enum MaskOf {
    /// A file.
    File(PathBuf),
    /// Annotations of a picture: category and shape.
    Coco(Vec<(u16, String, Value)>),
}

/// A set.
pub struct Set {
    /// Its cases.
    pub cases: Vec<Case>,
    /// Names of labels by their numbers, where the set says them.
    pub labels: BTreeMap<u16, String>,
}

fn broken(text: impl Into<String>) -> Refusal {
    Refusal::new(Exit::Rejected, text)
}

fn json(path: &Path) -> Result<Value, Refusal> {
    let io = |error: std::io::Error| {
        Refusal::new(
            Exit::Io,
            format!("cannot read: {error}: {}", path.display()),
        )
    };
    if fs::metadata(path).map_err(io)?.len() > MOST_BYTES {
        return Err(Refusal::new(Exit::Limit, "the list is larger than is read"));
    }
    let text = fs::read(path).map_err(io)?;
    serde_json::from_slice(&text).map_err(|error| {
        broken(format!(
            "no JSON, line {}: {}",
            error.line(),
            path.display()
        ))
    })
}

/// Reads a set of any form.
///
/// # Errors
/// What it is not.
pub fn read(path: &Path) -> Result<Set, Refusal> {
    if path.is_dir() {
        return nnunet(path);
    }
    let value = json(path)?;
    let home = path.parent().unwrap_or(Path::new("."));
    match value.get("annotations").is_some() && value.get("images").is_some() {
        true => coco(&value, home),
        false => datalist(&value, home),
    }
}

fn text(value: &Value, keys: &[&str]) -> Option<String> {
    let found = keys.iter().find_map(|key| value.get(*key))?;
    match found {
        // MONAI allows a list of channels; one is taken here.
        Value::Array(list) => list.first()?.as_str().map(str::to_owned),
        found => found.as_str().map(str::to_owned),
    }
}

/// A list of cases, or lists by part.
fn datalist(value: &Value, home: &Path) -> Result<Set, Refusal> {
    let mut cases = Vec::new();
    let mut add = |list: &Value, part: Option<Part>| -> Result<(), Refusal> {
        for item in list.as_array().into_iter().flatten() {
            let image = text(item, &["image"]);
            let mask = text(item, &["label", "mask"]);
            let (Some(image), Some(mask)) = (image, mask) else {
                return Err(broken("a case has no image or no label"));
            };
            cases.push(Case {
                name: clean(&text(item, &["name"]).unwrap_or_default()),
                image: home.join(image),
                mask: MaskOf::File(home.join(mask)),
                patient: text(item, &["patient"]),
                part,
            });
        }
        Ok(())
    };
    if value.is_array() {
        add(value, None)?;
    }
    for (key, part) in [
        ("training", Part::Train),
        ("validation", Part::Val),
        ("testing", Part::Test),
        ("test", Part::Test),
    ] {
        if let Some(list) = value.get(key) {
            add(list, Some(part))?;
        }
    }
    let mut labels = BTreeMap::new();
    for (number, name) in value
        .get("labels")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        if let (Ok(number), Some(name)) = (number.parse::<u16>(), name.as_str()) {
            labels.insert(number, name.to_owned());
        }
    }
    Ok(Set { cases, labels })
}

/// Names of files: letters, digits, and what tells them apart.
fn clean(name: &str) -> String {
    let kept = name.chars().map(|c| {
        if c.is_ascii_alphanumeric() || matches!(c, '-' | '.') {
            c
        } else {
            '_'
        }
    });
    kept.take(64)
        .collect::<String>()
        .trim_start_matches('.')
        .to_owned()
}

/// A folder as nnU-Net has it; one channel.
fn nnunet(folder: &Path) -> Result<Set, Refusal> {
    let about = json(&folder.join("dataset.json"))?;
    let ending = text(&about, &["file_ending"]).unwrap_or_else(|| ".nii.gz".to_owned());
    let channels = about
        .get("channel_names")
        .or(about.get("modality"))
        .and_then(Value::as_object);
    if channels.is_some_and(|c| c.len() != 1) {
        return Err(broken("only sets of one channel are read"));
    }
    let mut labels = BTreeMap::new();
    for (name, number) in about
        .get("labels")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        let number = number
            .as_u64()
            .and_then(|n| u16::try_from(n).ok())
            .filter(|n| *n > 0);
        if let Some(number) = number {
            labels.insert(number, name.clone());
        }
    }
    let mut cases = Vec::new();
    for (images, masks, part) in [
        ("imagesTr", "labelsTr", Part::Train),
        ("imagesTs", "labelsTs", Part::Test),
    ] {
        let mut names = BTreeSet::new();
        for entry in fs::read_dir(folder.join(masks))
            .into_iter()
            .flatten()
            .flatten()
        {
            let name = entry.file_name().to_string_lossy().into_owned();
            names.extend(name.strip_suffix(&ending).map(str::to_owned));
        }
        for name in names {
            cases.push(Case {
                image: folder.join(images).join(format!("{name}_0000{ending}")),
                mask: MaskOf::File(folder.join(masks).join(format!("{name}{ending}"))),
                name: clean(&name),
                patient: None,
                part: Some(part),
            });
        }
    }
    Ok(Set { cases, labels })
}

fn coco(value: &Value, home: &Path) -> Result<Set, Refusal> {
    let list = |key: &str| {
        value
            .get(key)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    };
    let mut labels = BTreeMap::new();
    for category in list("categories") {
        let number = category
            .get("id")
            .and_then(Value::as_u64)
            .and_then(|n| u16::try_from(n).ok());
        if let (Some(number), Some(name)) = (number.filter(|n| *n > 0), text(category, &["name"])) {
            labels.insert(number, name);
        }
    }
    let mut of_image: BTreeMap<u64, Vec<(u16, String, Value)>> = BTreeMap::new();
    for annotation in list("annotations") {
        let image = annotation.get("image_id").and_then(Value::as_u64);
        let category = annotation
            .get("category_id")
            .and_then(Value::as_u64)
            .and_then(|n| u16::try_from(n).ok());
        let shape = annotation
            .get("segmentation")
            .filter(|s| !s.as_array().is_some_and(Vec::is_empty));
        let (Some(image), Some(category), Some(shape)) = (image, category, shape) else {
            continue;
        };
        let Some(name) = labels.get(&category) else {
            return Err(broken(format!(
                "an annotation is of category {category}, which is not described"
            )));
        };
        of_image
            .entry(image)
            .or_default()
            .push((category, name.clone(), shape.clone()));
    }
    let mut cases = Vec::new();
    for image in list("images") {
        let id = image.get("id").and_then(Value::as_u64);
        let (Some(id), Some(file)) = (id, text(image, &["file_name"])) else {
            return Err(broken("a picture has no id or no file_name"));
        };
        cases.push(Case {
            name: clean(
                Path::new(&file)
                    .file_stem()
                    .and_then(|s| s.to_str())
                    .unwrap_or_default(),
            ),
            image: home.join(&file),
            mask: MaskOf::Coco(of_image.remove(&id).unwrap_or_default()),
            patient: text(image, &["patient"]),
            part: text(image, &["split"]).and_then(|word| Part::named(&word)),
        });
    }
    Ok(Set { cases, labels })
}

/// Annotations of one picture as a mask; what overlaps lies in layers.
///
/// # Errors
/// Shapes that are none, or of another size.
pub fn painted(
    annotations: &[(u16, String, Value)],
    layout: &SeriesLayout,
) -> Result<Segmentation, Refusal> {
    let grid = grid_of(layout).filter(|g| g.size[2] == 1);
    let grid = grid.ok_or_else(|| broken("annotations of COCO are of single pictures"))?;
    let [columns, rows, _] = grid.size;
    let mut seg = Segmentation::new(SegmentationId("2.25.0".into()), grid);
    let mut masks: BTreeMap<u16, (String, Vec<bool>)> = BTreeMap::new();
    for (number, name, shape) in annotations {
        let part = shape_of(shape, columns, rows).ok_or_else(|| {
            broken("a mask of COCO is damaged, or of another size than its picture")
        })?;
        let entry = masks
            .entry(*number)
            .or_insert_with(|| (name.clone(), vec![false; columns * rows]));
        for (to, from) in entry.1.iter_mut().zip(part) {
            *to |= from;
        }
    }
    for (number, (name, mask)) in masks {
        let line = |y: usize| mask.get(y * columns..(y + 1) * columns).unwrap_or_default();
        let place = seg.layers().iter().position(|layer| {
            (0..rows).all(|y| {
                line(y)
                    .iter()
                    .enumerate()
                    .all(|(x, on)| !on || layer.get([x, y, 0]) == 0)
            })
        });
        let place = place.unwrap_or(seg.layers().len());
        if place == seg.layers().len() {
            seg.set_layer(place, Voxels::new(grid.size));
        }
        let mut segment = Segment::new(number, name);
        segment.layer = place;
        seg.put_segment(segment);
        if let Some(layer) = seg.layer_mut(place) {
            let mut painter = Painter::new(layer);
            for y in 0..rows {
                let line = line(y);
                painter.map_row([y, 0], 0..columns, |x, was| {
                    if line.get(x).copied().unwrap_or(false) {
                        number
                    } else {
                        was
                    }
                });
            }
        }
    }
    Ok(seg)
}

fn shape_of(shape: &Value, columns: usize, rows: usize) -> Option<Vec<bool>> {
    if let Some(polygons) = shape.as_array() {
        let outlines: Option<Vec<Outline>> = polygons.iter().map(outline).collect();
        let mut mask = vec![false; columns * rows];
        for (row, run) in filled(&outlines?, columns, rows) {
            mask.get_mut(row * columns + run.start..row * columns + run.end)?
                .fill(true);
        }
        return Some(mask);
    }
    let size = shape.get("size")?.as_array()?;
    let same = size.first()?.as_u64()? == rows as u64 && size.get(1)?.as_u64()? == columns as u64;
    let counts = shape.get("counts").filter(|_| same)?;
    let runs = match counts {
        Value::String(packed) => unpacked(packed)?,
        Value::Array(list) => list
            .iter()
            .map(|n| n.as_u64().and_then(|n| u32::try_from(n).ok()))
            .collect::<Option<_>>()?,
        _ => return None,
    };
    from_runs(&runs, columns, rows)
}

/// Columns and rows one after the other; a pixel's centre is a half there and a whole number here.
fn outline(polygon: &Value) -> Option<Outline> {
    let numbers: Option<Vec<f64>> = polygon.as_array()?.iter().map(Value::as_f64).collect();
    let numbers = numbers?;
    let (pairs, rest) = numbers.as_chunks::<2>();
    (rest.is_empty() && pairs.len() >= 3)
        .then(|| pairs.iter().map(|p| p.map(|v| v - 0.5)).collect())
}

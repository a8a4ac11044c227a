//! COCO: boxes, polygons and keypoints as one JSON file (cocodataset.org, "Data format").
//!
//! Boxes are left, top, width and height with the corner of the first pixel at (0, 0). What COCO has no field for stands
//! in fields of its own, which its readers pass over: `shape`, `polyline`, `mark`, `marks`, `reader`, `group` and `code`
//! of an annotation, `answers` of an image. Masks by run length become outlines when they are read.

use super::{
    Form, Label, LabelSet, MOST_LABELS, Picture, Said, SetError, key::Key, of_study, scope_word,
    split::Part,
};
use crate::{
    formats::coco::{cropped, unpacked},
    imaging::contours::outlines,
    model::{
        annotation::{Code, MAX_POINTS},
        exchange::NOTICE,
        labelling::Answer,
    },
    workspace::label_schema::MOST_QUESTIONS,
};
use glam::DVec2;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A category: its name, and the points of its set where it has any.
type Category = (String, Vec<String>);

fn category_of(label: &Label, sets: &BTreeMap<String, Vec<String>>) -> Category {
    let points = match &label.form {
        Form::Keypoints(_) => sets.get(&label.class).cloned().unwrap_or_default(),
        _ => Vec::new(),
    };
    (label.class.clone(), points)
}

/// The names of the points of each set, in the order of the schema where it knows the set, else in that of the alphabet.
pub fn point_sets(
    set: &LabelSet,
    known: &dyn Fn(&str) -> Vec<String>,
) -> BTreeMap<String, Vec<String>> {
    let mut sets: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for label in set.pictures.iter().flat_map(|p| &p.labels) {
        let Form::Keypoints(points) = &label.form else {
            continue;
        };
        let names = sets
            .entry(label.class.clone())
            .or_insert_with(|| known(&label.class));
        for (name, _) in points {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
    }
    for (class, names) in &mut sets {
        let fixed = known(class).len().min(names.len());
        if let Some(rest) = names.get_mut(fixed..) {
            rest.sort();
        }
    }
    sets
}

/// One file for each part of the split, or one for all: what it is called, and its JSON. `known` gives the names of the
/// points of a set, none where the schema does not know it.
pub fn write(set: &LabelSet, known: &dyn Fn(&str) -> Vec<String>) -> Vec<(Option<Part>, Value)> {
    let sets = point_sets(set, known);
    let mut categories: Vec<Category> = Vec::new();
    for label in set.pictures.iter().flat_map(|p| &p.labels) {
        let category = category_of(label, &sets);
        if let Err(at) = categories.binary_search(&category) {
            categories.insert(at, category);
        }
    }
    let mut parts: Vec<Option<Part>> = set.pictures.iter().map(|p| p.part).collect();
    parts.sort_unstable();
    parts.dedup();
    if parts.is_empty() {
        parts.push(None);
    }
    let files = parts.into_iter().map(|part| {
        let (mut images, mut annotations) = (Vec::new(), Vec::new());
        // Numbers of pictures are those of the whole set, so that files of parts can be joined.
        for (number, picture) in (1u64..).zip(&set.pictures) {
            if picture.part != part {
                continue;
            }
            images.push(image(number, picture));
            for label in &picture.labels {
                let category = category_of(label, &sets);
                let category_id = categories.binary_search(&category).map_or(0, |at| at + 1);
                let id = annotations.len() + 1;
                annotations.push(annotation(id, number, category_id, label, &category.1));
            }
        }
        let categories: Vec<Value> = (1u64..)
            .zip(&categories)
            .map(|(id, (name, points))| match points.is_empty() {
                true => json!({"id": id, "name": name, "supercategory": ""}),
                false => json!({
                    "id": id, "name": name, "supercategory": "",
                    "keypoints": points, "skeleton": [],
                }),
            })
            .collect();
        let value = json!({
            "info": {"description": NOTICE, "version": "1.0"},
            "licenses": [],
            "images": images,
            "annotations": annotations,
            "categories": categories,
        });
        (part, value)
    });
    files.collect()
}

fn image(number: u64, picture: &Picture) -> Value {
    let [width, height] = picture.size;
    let mut value = json!({
        "id": number,
        "file_name": picture.file,
        "width": width,
        "height": height,
    });
    if !picture.said.is_empty()
        && let Some(map) = value.as_object_mut()
    {
        let answers: Vec<Value> = picture
            .said
            .iter()
            .map(|said| {
                json!({
                    "name": said.name,
                    "of": scope_word(said.of_study),
                    "grade": said.answer.grade(),
                    "reader": said.reader,
                })
            })
            .collect();
        map.insert("answers".into(), answers.into());
    }
    value
}

fn flat(points: &[DVec2]) -> Vec<f64> {
    points.iter().flat_map(|p| [p.x, p.y]).collect()
}

fn annotation(id: usize, image: u64, category: usize, label: &Label, names: &[String]) -> Value {
    let [left, top, right, bottom] = label.form.bounds();
    let (width, height) = (right - left, bottom - top);
    let points = label.form.points();
    let (shape, area, segmentation) = match &label.form {
        Form::Box(_) => ("box", width * height, vec![flat(&points)]),
        Form::Polygon(_) => ("polygon", area(&points), vec![flat(&points)]),
        Form::Polyline(_) => ("polyline", 0.0, Vec::new()),
        Form::Keypoints(_) => ("keypoints", width * height, Vec::new()),
    };
    let mut value = json!({
        "id": id,
        "image_id": image,
        "category_id": category,
        "bbox": [left, top, width, height],
        "area": area,
        "segmentation": segmentation,
        "iscrowd": 0,
        "shape": shape,
    });
    let Some(map) = value.as_object_mut() else {
        return value;
    };
    match &label.form {
        Form::Polyline(points) => {
            map.insert("polyline".into(), flat(points).into());
        }
        Form::Keypoints(placed) => {
            let mut marks = Vec::new();
            let flat: Vec<f64> = names
                .iter()
                .flat_map(|name| {
                    let at = placed.iter().position(|(known, _)| known == name);
                    marks.push(at.and_then(|at| label.ids.get(at)).cloned());
                    match at.and_then(|at| placed.get(at)) {
                        // 2 is labelled and visible, 0 is not labelled.
                        Some((_, at)) => [at.x, at.y, 2.0],
                        None => [0.0; 3],
                    }
                })
                .collect();
            map.insert("keypoints".into(), flat.into());
            map.insert("num_keypoints".into(), placed.len().into());
            map.insert("marks".into(), json!(marks));
        }
        Form::Box(_) | Form::Polygon(_) => {}
    }
    if let (Some(id), false) = (label.ids.first(), matches!(label.form, Form::Keypoints(_))) {
        map.insert("mark".into(), id.as_str().into());
    }
    own_fields(map, label);
    value
}

fn own_fields(map: &mut Map<String, Value>, label: &Label) {
    for (name, text) in [("reader", &label.reader), ("group", &label.group)] {
        if !text.is_empty() {
            map.insert(name.into(), text.as_str().into());
        }
    }
    if let Some(code) = &label.code {
        let code = json!({"value": code.value, "scheme": code.scheme, "meaning": code.meaning});
        map.insert("code".into(), code);
    }
}

/// The area of a polygon (shoelace formula).
fn area(points: &[DVec2]) -> f64 {
    let mut last = points.last().copied().unwrap_or_default();
    let mut twice = 0.0;
    for point in points {
        twice += last.perp_dot(*point);
        last = *point;
    }
    (twice * 0.5).abs()
}

#[derive(Deserialize)]
struct File {
    images: Vec<ImageRow>,
    annotations: Vec<AnnotationRow>,
    categories: Vec<CategoryRow>,
}

#[derive(Deserialize)]
struct ImageRow {
    id: i64,
    file_name: String,
    #[serde(default)]
    width: usize,
    #[serde(default)]
    height: usize,
    #[serde(default)]
    answers: Vec<AnswerRow>,
}

#[derive(Deserialize)]
struct AnswerRow {
    name: String,
    #[serde(default)]
    of: String,
    grade: Option<i32>,
    #[serde(default)]
    reader: String,
}

#[derive(Deserialize)]
struct CategoryRow {
    id: i64,
    name: String,
    #[serde(default)]
    keypoints: Vec<String>,
}

#[derive(Deserialize)]
struct CodeRow {
    value: String,
    scheme: String,
    meaning: String,
}

#[derive(Deserialize)]
struct AnnotationRow {
    image_id: i64,
    category_id: i64,
    #[serde(default)]
    bbox: Option<[f64; 4]>,
    #[serde(default)]
    segmentation: Value,
    #[serde(default)]
    keypoints: Vec<f64>,
    #[serde(default)]
    shape: String,
    #[serde(default)]
    polyline: Vec<f64>,
    mark: Option<String>,
    #[serde(default)]
    marks: Vec<Option<String>>,
    #[serde(default)]
    reader: String,
    #[serde(default)]
    group: String,
    code: Option<CodeRow>,
}

/// Most pixels around the masks of a file, all together: what is packed into few letters may be large.
const MOST_PIXELS: usize = 1 << 32;

/// What was read of a file, and how many of its labels are of no form that there is here: masks without a pixel.
pub type Read = (LabelSet, usize);

/// Reads a file.
///
/// # Errors
/// Where it is none, and where the key does not know a picture.
pub fn read(text: &str, key: &Key) -> Result<Read, SetError> {
    let file: File = serde_json::from_str(text).map_err(|e| {
        let (line, column) = (e.line(), e.column());
        SetError::Form(format!(
            "line {line}, column {column}: not JSON, or a field of COCO is missing or of a wrong kind"
        ))
    })?;
    if file.annotations.len() > MOST_LABELS || file.images.len() > MOST_LABELS {
        return Err(SetError::TooLarge);
    }
    let categories: BTreeMap<i64, &CategoryRow> =
        file.categories.iter().map(|c| (c.id, c)).collect();
    let mut places = BTreeMap::new();
    let mut set = LabelSet::default();
    for image in &file.images {
        let mut picture = key.picture(&image.file_name)?;
        if image.width > 0 && image.height > 0 {
            picture.size = [image.width, image.height];
        }
        picture.said = image
            .answers
            .iter()
            .map(|answer| Said {
                name: answer.name.clone(),
                of_study: of_study(&answer.of),
                answer: answer.grade.map_or(Answer::Tag, Answer::Grade),
                reader: answer.reader.clone(),
            })
            .collect();
        places.insert(image.id, set.pictures.len());
        set.pictures.push(picture);
    }
    let (mut left, mut room) = (0, MOST_PIXELS);
    for (number, row) in file.annotations.iter().enumerate() {
        let missing = |what: &str| {
            SetError::Form(format!(
                "annotation {} is of no {what} of the file",
                number + 1
            ))
        };
        let at = places.get(&row.image_id).ok_or_else(|| missing("image"))?;
        let category = categories
            .get(&row.category_id)
            .ok_or_else(|| missing("category"))?;
        let Some(picture) = set.pictures.get_mut(*at) else {
            continue;
        };
        let forms = forms_of(row, category, picture.size, &mut room)
            .map_err(|why| SetError::Form(format!("annotation {}: {why}", number + 1)))?;
        left += usize::from(forms.is_empty());
        for (form, ids) in forms {
            let group = match (&form, row.group.is_empty()) {
                // Points of one label belong together.
                (Form::Keypoints(points), true) if points.len() > 1 => category.name.clone(),
                _ => row.group.clone(),
            };
            picture.labels.push(Label {
                ids,
                class: category.name.clone(),
                code: row.code.as_ref().map(|code| Code {
                    value: code.value.clone(),
                    scheme: code.scheme.clone(),
                    meaning: code.meaning.clone(),
                }),
                group,
                reader: row.reader.clone(),
                form,
            });
        }
    }
    Ok((set, left))
}

fn pairs(flat: &[f64]) -> Result<Vec<DVec2>, &'static str> {
    if flat.len() > MAX_POINTS * 2 || !flat.len().is_multiple_of(2) {
        return Err("coordinates do not come in pairs, or are too many");
    }
    let points: Vec<DVec2> = flat
        .chunks_exact(2)
        .filter_map(|pair| Some(DVec2::new(*pair.first()?, *pair.last()?)))
        .collect();
    match points.iter().all(|p| p.is_finite()) {
        true => Ok(points),
        false => Err("a coordinate is not finite"),
    }
}

/// The labels of an annotation of a picture of so many columns and rows, with the ids of their marks. None where it is a
/// mask without a pixel.
fn forms_of(
    row: &AnnotationRow,
    category: &CategoryRow,
    size: [usize; 2],
    room: &mut usize,
) -> Result<Vec<(Form, Vec<String>)>, &'static str> {
    let id = || row.mark.clone().into_iter().collect::<Vec<_>>();
    if !row.polyline.is_empty() {
        let points = pairs(&row.polyline)?;
        return match points.len() {
            0 | 1 => Err("a polyline has two points or more"),
            _ => Ok(vec![(Form::Polyline(points), id())]),
        };
    }
    if !row.keypoints.is_empty() {
        return keypoints(row, category).map(|found| vec![found]);
    }
    let boxed = match row.bbox {
        Some(bbox) if bbox.iter().all(|n| n.is_finite()) => {
            let [left, top, width, height] = bbox;
            if width < 0.0 || height < 0.0 {
                return Err("the box is inside out");
            }
            Some([left, top, left + width, top + height])
        }
        Some(_) => return Err("a coordinate is not finite"),
        None => None,
    };
    let mut around = Vec::new();
    match &row.segmentation {
        Value::Array(rings) => {
            for ring in rings {
                let flat: Option<Vec<f64>> = ring
                    .as_array()
                    .and_then(|n| n.iter().map(Value::as_f64).collect());
                let points = pairs(&flat.ok_or("a polygon is no list of numbers")?)?;
                if points.len() < 3 {
                    return Err("a polygon has three points or more");
                }
                around.push(points);
            }
        }
        Value::Object(mask) => {
            around = of_run_lengths(mask, size, room)?;
            if around.is_empty() {
                return Ok(Vec::new());
            }
        }
        _ => {}
    }
    if row.shape == "box" || around.is_empty() {
        let boxed = boxed.ok_or("there is neither box nor outline")?;
        return Ok(vec![(Form::Box(boxed), id())]);
    }
    let several = around.len() > 1;
    let forms = around.into_iter().map(|points| {
        // Only one mark can have the id.
        let ids = if several { Vec::new() } else { id() };
        (Form::Polygon(points), ids)
    });
    Ok(forms.collect())
}

/// The outlines of a mask by run lengths, packed or not, on the edges of its pixels: one for each part, its holes joined
/// to it by channels of no width.
fn of_run_lengths(
    mask: &Map<String, Value>,
    [columns, rows]: [usize; 2],
    room: &mut usize,
) -> Result<Vec<Vec<DVec2>>, &'static str> {
    let whole = |value: &Value| value.as_u64().and_then(|n| u32::try_from(n).ok());
    let size = mask.get("size").and_then(Value::as_array);
    let size: Option<Vec<u32>> = size.and_then(|n| n.iter().map(whole).collect());
    let Some([tall, wide]) = size.as_deref() else {
        return Err("a mask does not say its size");
    };
    let (tall, wide) = (*tall as usize, *wide as usize);
    if columns > 0 && rows > 0 && [wide, tall] != [columns, rows] {
        return Err("a mask is of another size than its picture");
    }
    let runs = match mask.get("counts") {
        Some(Value::String(packed)) => unpacked(packed),
        Some(Value::Array(counts)) => counts.iter().map(whole).collect(),
        _ => None,
    };
    let runs = runs.ok_or("the run lengths of a mask cannot be read")?;
    let found = cropped(&runs, wide, tall, *room)
        .ok_or("the run lengths of a mask are not those of its size, or the masks are too large")?;
    *room = room.saturating_sub(found.mask.len());
    let [left, top] = found.corner.map(|n| n as f64 + 0.5);
    let outlines = outlines(&found.mask, found.columns);
    if outlines.iter().any(|points| points.len() > MAX_POINTS) {
        return Err("the outline of a mask has too many corners");
    }
    let moved = |outline: Vec<[f64; 2]>| {
        let points = outline.into_iter();
        points.map(|[x, y]| DVec2::new(x + left, y + top)).collect()
    };
    Ok(outlines.into_iter().map(moved).collect())
}

fn keypoints(
    row: &AnnotationRow,
    category: &CategoryRow,
) -> Result<(Form, Vec<String>), &'static str> {
    let count = row.keypoints.len() / 3;
    if !row.keypoints.len().is_multiple_of(3) || count > MOST_QUESTIONS {
        return Err("keypoints do not come in threes, or are too many");
    }
    let (mut points, mut ids) = (Vec::new(), Vec::new());
    for (at, triple) in row.keypoints.chunks_exact(3).enumerate() {
        let [x, y, seen] = *triple else { continue };
        if !(x.is_finite() && y.is_finite()) {
            return Err("a coordinate is not finite");
        }
        if seen <= 0.0 {
            continue;
        }
        let name = category.keypoints.get(at);
        let name = name.cloned().unwrap_or_else(|| (at + 1).to_string());
        points.push((name, DVec2::new(x, y)));
        ids.extend(row.marks.get(at).cloned().flatten());
    }
    if points.is_empty() {
        return Err("no keypoint is labelled");
    }
    if ids.len() != points.len() {
        ids.clear();
    }
    Ok((Form::Keypoints(points), ids))
}

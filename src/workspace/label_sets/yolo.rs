//! YOLO: a text file a picture with a line a box (class, centre, width and height as fractions of the picture), and
//! `data.yaml` with the names of the classes, as Ultralytics reads them. Outlines become their boxes.

use super::{Form, Label, LabelSet, MOST_LABELS, Picture, SetError, key::Key, split::Part};
use std::fmt::Write as _;

/// Name of the file with the classes.
pub const CLASSES: &str = "data.yaml";

/// The folder of a part below `images` and `labels`.
pub const fn folder(part: Option<Part>) -> &'static str {
    match part {
        Some(part) => part.name(),
        None => "all",
    }
}

/// The text of [`CLASSES`]. Without a split the same pictures are to learn from and to choose by.
pub fn classes(names: &[String], split: bool) -> String {
    let mut out = String::from("path: .\n");
    let places = match split {
        true => Part::ALL.map(|part| (part.name(), part.name())).to_vec(),
        false => vec![("train", "all"), ("val", "all")],
    };
    for (part, folder) in places {
        // Writing to a text cannot fail.
        let _ = writeln!(out, "{part}: images/{folder}");
    }
    out.push_str("names:\n");
    for (at, name) in names.iter().enumerate() {
        // A text of JSON is one of YAML.
        let _ = writeln!(out, "  {at}: {}", serde_json::Value::from(name.as_str()));
    }
    out
}

/// The labels of a picture.
pub fn write(picture: &Picture, names: &[String]) -> String {
    let [columns, rows] = picture.size.map(|n| n.max(1) as f64);
    let mut out = String::new();
    for label in &picture.labels {
        let class = names.iter().position(|name| *name == label.class);
        if let (Some(class), Some([left, top, right, bottom])) = (class, label.form.area_box()) {
            let _ = writeln!(
                out,
                "{class} {} {} {} {}",
                (left + right) * 0.5 / columns,
                (top + bottom) * 0.5 / rows,
                (right - left) / columns,
                (bottom - top) / rows,
            );
        }
    }
    out
}

/// The names of the classes in `data.yaml`: a list in brackets, a list of lines with dashes, or lines with numbers.
///
/// # Errors
/// Where there are none, or two of one number.
pub fn read_classes(text: &str) -> Result<Vec<String>, SetError> {
    let none = || SetError::Form(format!("{CLASSES}: there are no `names` of classes"));
    let mut lines = text.lines();
    let first = lines
        .find_map(|line| line.strip_prefix("names:"))
        .ok_or_else(none)?;
    let first = first.trim();
    if let Some(list) = first.strip_prefix('[') {
        let list = list.strip_suffix(']').ok_or_else(none)?;
        let names: Vec<String> = list
            .split(',')
            .map(unquoted)
            .filter(|n| !n.is_empty())
            .collect();
        return match names.is_empty() {
            true => Err(none()),
            false => Ok(names),
        };
    }
    let mut names: Vec<(usize, String)> = Vec::new();
    for line in lines {
        let item = line.trim();
        if item.is_empty() || item.starts_with('#') {
            continue;
        }
        if let Some(name) = item.strip_prefix("- ") {
            names.push((names.len(), unquoted(name)));
        } else if let (true, Some((number, name))) =
            (line.starts_with([' ', '\t']), item.split_once(':'))
        {
            let number = number.trim().parse::<usize>().map_err(|_| none())?;
            names.push((number, unquoted(name)));
        } else {
            break;
        }
        if names.len() > MOST_LABELS {
            return Err(SetError::TooLarge);
        }
    }
    names.sort();
    if names.is_empty()
        || names
            .iter()
            .enumerate()
            .any(|(at, (number, _))| at != *number)
    {
        return Err(none());
    }
    Ok(names.into_iter().map(|(_, name)| name).collect())
}

pub(super) fn unquoted(text: &str) -> String {
    let text = text.trim();
    if let Ok(text) = serde_json::from_str::<String>(text) {
        return text;
    }
    let single = text.strip_prefix('\'').and_then(|t| t.strip_suffix('\''));
    single.map_or_else(|| text.to_owned(), |t| t.replace("''", "'"))
}

/// Reads the label files of a set: names and texts. Lines of more than five numbers are outlines (class, then pairs).
///
/// # Errors
/// Where one is none, and where the key does not know a picture or its size.
pub fn read(files: &[(String, String)], names: &[String], key: &Key) -> Result<LabelSet, SetError> {
    pictures(files, key, |line, size| label(line, names, size))
}

/// The pictures of label files, each line a label, which `label` makes for a picture of so many columns and rows.
pub(super) fn pictures(
    files: &[(String, String)],
    key: &Key,
    label: impl Fn(&str, [f64; 2]) -> Result<Label, &'static str>,
) -> Result<LabelSet, SetError> {
    let mut set = LabelSet::default();
    let mut count = 0;
    for (name, text) in files {
        let mut picture = key.picture(name)?;
        let [columns, rows] = picture.size;
        if columns == 0 || rows == 0 {
            let why = "the size of the picture is not known: give the images with --images";
            return Err(SetError::Form(format!("{name}: {why}")));
        }
        let size = [columns as f64, rows as f64];
        for (at, line) in text.lines().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            let label = label(line, size)
                .map_err(|why| SetError::Form(format!("{name}, line {}: {why}", at + 1)))?;
            picture.labels.push(label);
            count += 1;
            if count > MOST_LABELS {
                return Err(SetError::TooLarge);
            }
        }
        set.pictures.push(picture);
    }
    Ok(set)
}

fn label(line: &str, names: &[String], [columns, rows]: [f64; 2]) -> Result<Label, &'static str> {
    let mut words = line.split_whitespace();
    let class = words.next().and_then(|w| w.parse::<usize>().ok());
    let class = class
        .and_then(|class| names.get(class))
        .ok_or("the class has no name")?;
    let numbers: Option<Vec<f64>> = words
        .map(|w| w.parse::<f64>().ok().filter(|n| n.is_finite()))
        .collect();
    let numbers = numbers.ok_or("not a number")?;
    let form = match *numbers.as_slice() {
        [x, y, width, height] => {
            if width < 0.0 || height < 0.0 {
                return Err("the box is inside out");
            }
            Form::Box([
                (x - width * 0.5) * columns,
                (y - height * 0.5) * rows,
                (x + width * 0.5) * columns,
                (y + height * 0.5) * rows,
            ])
        }
        ref all if all.len() >= 6 && all.len().is_multiple_of(2) => {
            let point = |pair: &[f64]| {
                Some(glam::DVec2::new(
                    pair.first()? * columns,
                    pair.last()? * rows,
                ))
            };
            Form::Polygon(all.chunks_exact(2).filter_map(point).collect())
        }
        _ => return Err("a box has four numbers behind its class, an outline three pairs or more"),
    };
    Ok(Label {
        ids: Vec::new(),
        class: class.clone(),
        code: None,
        group: String::new(),
        reader: String::new(),
        form,
    })
}

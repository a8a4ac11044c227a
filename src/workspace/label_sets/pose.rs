//! YOLO pose: sets of named points (Ultralytics, "Pose Estimation Datasets"). A line a set: class, centre, width and
//! height of the box around its points, then three numbers a point (column, row, 2 where it was placed and else 0), all
//! but the last as fractions of the picture. `data.yaml` says how many points there are (`kpt_shape`), and their names by
//! class (`kpt_names`).
//!
//! All lines have as many points as the largest set; where a set has fewer, or a point was not placed, there are zeros.

use super::{Form, Label, LabelSet, Picture, SetError, key::Key, yolo};
use crate::workspace::label_schema::MOST_QUESTIONS;
use glam::DVec2;
use std::{collections::BTreeMap, fmt::Write as _};

/// The names of the points of each class.
pub type Points = BTreeMap<String, Vec<String>>;

/// The text of [`yolo::CLASSES`].
pub fn classes(sets: &Points, split: bool) -> String {
    let names: Vec<String> = sets.keys().cloned().collect();
    let mut out = yolo::classes(&names, split);
    let most = sets.values().map(Vec::len).max().unwrap_or(0);
    // Writing to a text cannot fail.
    let _ = writeln!(out, "kpt_shape: [{most}, 3]");
    out.push_str("kpt_names:\n");
    for (at, points) in sets.values().enumerate() {
        let _ = writeln!(out, "  {at}:");
        for name in points {
            let _ = writeln!(out, "    - {}", serde_json::Value::from(name.as_str()));
        }
    }
    out
}

/// The labels of a picture.
pub fn write(picture: &Picture, sets: &Points) -> String {
    let size = DVec2::from(picture.size.map(|n| n.max(1) as f64));
    let most = sets.values().map(Vec::len).max().unwrap_or(0);
    let mut out = String::new();
    for label in &picture.labels {
        let Form::Keypoints(placed) = &label.form else {
            continue;
        };
        let class = sets.keys().position(|name| *name == label.class);
        let Some((class, names)) = class.zip(sets.get(&label.class)) else {
            continue;
        };
        let [left, top, right, bottom] = label.form.bounds();
        let centre = DVec2::new(left + right, top + bottom) * 0.5 / size;
        let [wide, tall] = [(right - left) / size.x, (bottom - top) / size.y];
        let _ = write!(out, "{class} {} {} {wide} {tall}", centre.x, centre.y);
        for number in 0..most {
            let name = names.get(number);
            let place = name.and_then(|name| placed.iter().find(|(known, _)| known == name));
            let _ = match place {
                Some((_, at)) => write!(out, " {} {} 2", at.x / size.x, at.y / size.y),
                None => write!(out, " 0 0 0"),
            };
        }
        out.push('\n');
    }
    out
}

/// What `data.yaml` says of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Names of the classes.
    pub classes: Vec<String>,
    /// Points of a line.
    pub points: usize,
    /// Numbers of a point: 3, or 2 where nothing says whether it is seen.
    pub numbers: usize,
    /// Names of the points by class; where there are none they are called by their number.
    pub names: BTreeMap<usize, Vec<String>>,
}

/// Reads `data.yaml`.
///
/// # Errors
/// Where classes or `kpt_shape` are missing, or there are too many points.
pub fn read_shape(text: &str) -> Result<Shape, SetError> {
    let classes = yolo::read_classes(text)?;
    let bad = || {
        let why = "`kpt_shape` is no pair of at least one point and 2 or 3 numbers";
        SetError::Form(format!("{}: {why}", yolo::CLASSES))
    };
    let shape = text
        .lines()
        .find_map(|line| line.strip_prefix("kpt_shape:"))
        .ok_or_else(bad)?;
    let shape = shape.split('#').next().unwrap_or_default().trim();
    let pair = shape
        .strip_prefix('[')
        .and_then(|s| s.strip_suffix(']'))
        .and_then(|s| s.split_once(','))
        .ok_or_else(bad)?;
    let number = |text: &str| text.trim().parse::<usize>().map_err(|_| bad());
    let (points, numbers) = (number(pair.0)?, number(pair.1)?);
    if !(1..=MOST_QUESTIONS).contains(&points) || !(2..=3).contains(&numbers) {
        return Err(bad());
    }
    Ok(Shape {
        classes,
        points,
        numbers,
        names: names(text),
    })
}

/// `kpt_names`: below each class a list of lines with dashes, or one in brackets.
fn names(text: &str) -> BTreeMap<usize, Vec<String>> {
    let mut found: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    let mut class = None;
    let lines = text
        .lines()
        .skip_while(|line| !line.starts_with("kpt_names:"));
    for line in lines.skip(1) {
        let item = line.trim();
        if item.is_empty() || item.starts_with('#') {
            continue;
        }
        if !line.starts_with([' ', '\t']) {
            break;
        }
        if let (Some(name), Some(class)) = (item.strip_prefix("- "), class) {
            found.entry(class).or_default().push(yolo::unquoted(name));
            continue;
        }
        let Some((number, rest)) = item.split_once(':') else {
            break;
        };
        class = number.trim().parse::<usize>().ok();
        let list = rest.trim().strip_prefix('[');
        if let (Some(class), Some(list)) = (class, list.and_then(|l| l.strip_suffix(']'))) {
            let names = list.split(',').map(yolo::unquoted);
            found.insert(class, names.filter(|n| !n.is_empty()).collect());
        }
    }
    found
}

/// Reads the label files of a set: names and texts.
///
/// # Errors
/// Where one is none, and where the key does not know a picture or its size.
pub fn read(files: &[(String, String)], shape: &Shape, key: &Key) -> Result<LabelSet, SetError> {
    let mut set = yolo::pictures(files, key, |line, size| label(line, shape, size))?;
    for picture in &mut set.pictures {
        // Two sets of one kind in a picture stay two.
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for label in picture.labels.iter_mut().filter(|l| !l.group.is_empty()) {
            let count = counts.entry(label.class.clone()).or_insert(0);
            *count += 1;
            if *count > 1 {
                label.group = format!("{} #{count}", label.class);
            }
        }
    }
    Ok(set)
}

fn label(line: &str, shape: &Shape, [columns, rows]: [f64; 2]) -> Result<Label, &'static str> {
    let mut words = line.split_whitespace();
    let class = words.next().and_then(|w| w.parse::<usize>().ok());
    let (class, name) = class
        .and_then(|class| Some((class, shape.classes.get(class)?)))
        .ok_or("the class has no name")?;
    let numbers: Option<Vec<f64>> = words
        .map(|w| w.parse::<f64>().ok().filter(|n| n.is_finite()))
        .collect();
    let numbers = numbers.ok_or("not a number")?;
    if numbers.len() != 4 + shape.points * shape.numbers {
        return Err("there are not as many numbers behind the class as `kpt_shape` says");
    }
    let mut points = Vec::new();
    let triples = numbers.get(4..).unwrap_or_default();
    for (at, point) in triples.chunks_exact(shape.numbers).enumerate() {
        let (x, y, seen) = match *point {
            [x, y, seen] => (x, y, seen > 0.0),
            // Without a third number, zeros say that there is none.
            [x, y] => (x, y, x != 0.0 || y != 0.0),
            _ => continue,
        };
        if seen {
            let name = shape.names.get(&class).and_then(|names| names.get(at));
            let name = name.cloned().unwrap_or_else(|| (at + 1).to_string());
            points.push((name, DVec2::new(x * columns, y * rows)));
        }
    }
    if points.is_empty() {
        return Err("no point is labelled");
    }
    Ok(Label {
        ids: Vec::new(),
        class: name.clone(),
        code: None,
        // Points of one label belong together.
        group: if points.len() > 1 {
            name.clone()
        } else {
            String::new()
        },
        reader: String::new(),
        form: Form::Keypoints(points),
    })
}

impl LabelSet {
    /// Labels that are no points: YOLO pose leaves them out.
    pub fn without_points(&self) -> usize {
        let labels = self.pictures.iter().flat_map(|p| &p.labels);
        labels
            .filter(|l| !matches!(l.form, Form::Keypoints(_)))
            .count()
    }
}

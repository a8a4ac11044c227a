//! Pascal VOC: one XML file a picture with boxes whose corners are whole pixels, counted from 1, both inside (the VOC2012
//! development kit). Outlines become their boxes; the resolution of the form is one pixel.

use super::{Form, Label, LabelSet, MOST_LABELS, Picture, SetError, key::Key};
use std::fmt::Write as _;

/// Text in XML.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // XML 1.0 has no other control characters.
            c if c.is_control() && !matches!(c, '\t' | '\n') => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// First and last pixel that an edge-to-edge range covers, from 1.
fn pixels(low: f64, high: f64, count: usize) -> [usize; 2] {
    let most = count.max(1) as f64;
    let first = (low.round() + 1.0).clamp(1.0, most);
    let last = high.round().clamp(first, most);
    // Whole numbers within the size of a picture.
    [first as usize, last as usize]
}

/// The XML of a picture; `folder` is what it says of where the picture lies, `depth` its samples.
pub fn write(picture: &Picture, folder: &str, depth: usize) -> String {
    let [columns, rows] = picture.size;
    let mut out = String::new();
    // Writing to a text cannot fail.
    let _ = write!(
        out,
        "<annotation>\n\t<folder>{}</folder>\n\t<filename>{}</filename>\n\t<source>\n\t\t<database>Negatoscope</database>\n\t</source>\n\
         \t<size>\n\t\t<width>{columns}</width>\n\t\t<height>{rows}</height>\n\t\t<depth>{depth}</depth>\n\t</size>\n\t<segmented>0</segmented>\n",
        escaped(folder),
        escaped(&picture.file),
    );
    for label in &picture.labels {
        let Some([left, top, right, bottom]) = label.form.area_box() else {
            continue;
        };
        let [xmin, xmax] = pixels(left, right, columns);
        let [ymin, ymax] = pixels(top, bottom, rows);
        let _ = write!(
            out,
            "\t<object>\n\t\t<name>{}</name>\n\t\t<pose>Unspecified</pose>\n\t\t<truncated>0</truncated>\n\t\t<difficult>0</difficult>\n\
             \t\t<bndbox>\n\t\t\t<xmin>{xmin}</xmin>\n\t\t\t<ymin>{ymin}</ymin>\n\t\t\t<xmax>{xmax}</xmax>\n\t\t\t<ymax>{ymax}</ymax>\n\t\t</bndbox>\n\t</object>\n",
            escaped(&label.class),
        );
    }
    out.push_str("</annotation>\n");
    out
}

/// Reads the files of a set: names (for messages) and texts.
///
/// # Errors
/// Where one is none, and where the key does not know a picture.
pub fn read(files: &[(String, String)], key: &Key) -> Result<LabelSet, SetError> {
    let mut set = LabelSet::default();
    let mut count = 0;
    for (name, text) in files {
        let picture = picture(text, key).map_err(|error| match error {
            SetError::Form(why) => SetError::Form(format!("{name}: {why}")),
            other => other,
        })?;
        count += picture.labels.len();
        if count > MOST_LABELS {
            return Err(SetError::TooLarge);
        }
        set.pictures.push(picture);
    }
    Ok(set)
}

/// What of an object is known so far.
#[derive(Default)]
struct Object {
    name: Option<String>,
    edges: [Option<f64>; 4],
}

fn picture(text: &str, key: &Key) -> Result<Picture, SetError> {
    let form = |why: &str| SetError::Form(why.to_owned());
    let mut file = None;
    let mut labels = Vec::new();
    let mut object = None;
    let mut path: Vec<String> = Vec::new();
    for piece in Pieces(text) {
        match piece.map_err(form)? {
            Piece::Open(name) => {
                if path.len() >= 16 {
                    return Err(form("elements lie too deep in each other"));
                }
                if path.is_empty() && name != "annotation" {
                    return Err(form("the root is no `annotation`"));
                }
                if name == "object" && path.len() == 1 {
                    object = Some(Object::default());
                }
                path.push(name);
            }
            Piece::Close(name) => {
                if path.pop().as_ref() != Some(&name) {
                    return Err(form("elements do not close as they open"));
                }
                if path.len() == 1
                    && name == "object"
                    && let Some(object) = object.take()
                {
                    labels.push(label(object).map_err(form)?);
                }
            }
            Piece::Text(text) => {
                let names: Vec<&str> = path.iter().map(String::as_str).collect();
                let edge = |name: &str| {
                    ["xmin", "ymin", "xmax", "ymax"]
                        .iter()
                        .position(|e| *e == name)
                };
                match (names.as_slice(), &mut object) {
                    (["annotation", "filename"], _) => file = Some(text),
                    (["annotation", "object", "name"], Some(object)) => object.name = Some(text),
                    // Parts of an object have boxes, too; they are none of these.
                    (["annotation", "object", "bndbox", name], Some(object)) => {
                        let slot = edge(name).and_then(|at| object.edges.get_mut(at));
                        if let Some(slot) = slot {
                            let number = text.trim().parse::<f64>().ok();
                            *slot = number.filter(|n| n.is_finite());
                        }
                    }
                    _ => {}
                }
            }
        }
    }
    if !path.is_empty() {
        return Err(form("it ends within an element"));
    }
    let file = file.ok_or_else(|| form("`filename` is missing"))?;
    let mut picture = key.picture(file.trim())?;
    picture.labels = labels;
    Ok(picture)
}

fn label(object: Object) -> Result<Label, &'static str> {
    let [Some(xmin), Some(ymin), Some(xmax), Some(ymax)] = object.edges else {
        return Err("a box lacks an edge, or one is no number");
    };
    if xmax < xmin || ymax < ymin {
        return Err("a box is inside out");
    }
    Ok(Label {
        ids: Vec::new(),
        class: object.name.ok_or("an object has no name")?,
        code: None,
        group: String::new(),
        reader: String::new(),
        // The first pixel begins at 0 and the last one ends behind itself.
        form: Form::Box([xmin - 1.0, ymin - 1.0, xmax, ymax]),
    })
}

/// A piece of XML.
enum Piece {
    Open(String),
    Close(String),
    Text(String),
}

/// The elements and texts of an XML document without a document type: nothing is expanded.
struct Pieces<'a>(&'a str);

impl Iterator for Pieces<'_> {
    type Item = Result<Piece, &'static str>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if self.0.is_empty() {
                return None;
            }
            let Some(rest) = self.0.strip_prefix('<') else {
                let end = self.0.find('<').unwrap_or(self.0.len());
                let (text, rest) = self.0.split_at_checked(end)?;
                self.0 = rest;
                if text.trim().is_empty() {
                    continue;
                }
                return Some(plain(text).map(Piece::Text));
            };
            if let Some(rest) = rest.strip_prefix("!--") {
                let Some((_, rest)) = rest.split_once("-->") else {
                    self.0 = "";
                    return Some(Err("a comment does not end"));
                };
                self.0 = rest;
                continue;
            }
            let Some((tag, rest)) = rest.split_once('>') else {
                self.0 = "";
                return Some(Err("an element does not end"));
            };
            self.0 = rest;
            if tag.starts_with('?') {
                continue;
            }
            if tag.starts_with('!') {
                return Some(Err("document types and CDATA are not read"));
            }
            if let Some(name) = tag.strip_prefix('/') {
                return Some(Ok(Piece::Close(name.trim().to_owned())));
            }
            let name = tag
                .split([' ', '\t', '\r', '\n', '/'])
                .next()
                .unwrap_or_default();
            if tag.ends_with('/') {
                continue;
            }
            return Some(Ok(Piece::Open(name.to_owned())));
        }
    }
}

/// Text without its entities.
fn plain(text: &str) -> Result<String, &'static str> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('&') {
        out.push_str(before);
        let (name, after) = behind.split_once(';').ok_or("an entity does not end")?;
        let letter = match name {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            name => name.strip_prefix('#').and_then(|n| {
                let code = match n.strip_prefix('x') {
                    Some(hex) => u32::from_str_radix(hex, 16).ok(),
                    None => n.parse().ok(),
                };
                code.and_then(char::from_u32)
            }),
        };
        out.push(letter.ok_or("an entity is not known")?);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

//! Marks as graphics of Grayscale Softcopy Presentation States (PS3.3 sections A.33.1, C.10, C.11), with the window and the
//! turn in which they were seen.
//!
//! One object for the images of a series that share what a state says once: modality LUT, window, turn. Marks of the
//! patient's space are brought to the pixels of their frame; what does not lie in its plane is left out. Beside each
//! annotation stands, in private elements of the same item, what the graphics do not say.

use super::{
    Head, Making, codes, moment, person, reference,
    report::{ground, state, tracking_uid},
    shapes::{Drawn, Graphic, GraphicKind, Ground, graphics},
    tree::{self, flat},
};
use crate::{
    dicom::write::elements::{Elements, decimal},
    model::{
        annotation::{Annotation, Author, PointSpace, Shape},
        exchange::{
            MadeObject, MarkToSend, NOTICE, NotSent, NotSentReason, Sent, Shown, SourceObject,
            Sources,
        },
        lut::{ModalityLut, Voi},
    },
};
use glam::DVec3;
use std::collections::{BTreeMap, BTreeSet};

/// Grayscale Softcopy Presentation State Storage.
const CLASS: &str = "1.2.840.10008.5.1.4.1.1.11.1";

/// The one graphic layer.
const LAYER: &str = "NEGATOSCOPE";

/// Points further than this from the plane of a frame are not on it; what writing three decimals does is.
const FLAT_MM: f64 = 0.01;

/// Most characters of Unformatted Text Value, an ST.
const MOST_TEXT: usize = 1024;

/// A mark in the pixels of its frame, with where it lies.
struct Placed<'a> {
    sent: &'a MarkToSend,
    source: &'a SourceObject,
    graphics: Vec<Graphic>,
    knots: Option<Vec<DVec3>>,
}

/// Makes the states. `shown` says how an object's frames stand on the screen; without it they open in the window of the
/// file.
pub fn write_presentation(
    marks: &[MarkToSend],
    sources: &Sources,
    shown: &BTreeMap<String, Shown>,
    making: &Making,
) -> Sent {
    let mut sent = Sent::default();
    let mut states: BTreeMap<String, (Shown, Vec<Placed<'_>>)> = BTreeMap::new();
    for mark in marks {
        match place(mark, sources) {
            Ok(placed) => {
                let source = placed.source;
                let seen = shown.get(&source.instance.sop_instance_uid).copied();
                let seen = seen.unwrap_or_else(|| as_file(source, mark.mark.target.frame));
                let lut = modality_lut(source, mark.mark.target.frame);
                let (study, series) = (&source.instance.study.uid, &source.instance.series.uid);
                let key = format!("{study} {series} {lut:?} {seen:?}");
                let entry = states.entry(key).or_insert_with(|| (seen, Vec::new()));
                entry.1.push(placed);
            }
            Err(reason) => sent.left.push(NotSent {
                id: mark.mark.id.0.clone(),
                reason,
            }),
        }
    }
    for (number, (key, (seen, marks))) in (1i32..).zip(states) {
        let mut marks = marks;
        let items: Vec<Result<Elements, usize>> = marks
            .iter()
            .enumerate()
            .map(|(at, placed)| annotation(placed).ok_or(at))
            .collect();
        let mut annotations = Vec::new();
        let mut long = BTreeSet::new();
        for item in items {
            match item {
                Ok(item) => annotations.push(item),
                Err(at) => {
                    long.insert(at);
                }
            }
        }
        let mut at = 0;
        marks.retain(|placed| {
            let keep = !long.contains(&at);
            at += 1;
            if !keep {
                sent.left.push(NotSent {
                    id: placed.sent.mark.id.0.clone(),
                    reason: NotSentReason::TooLong,
                });
            }
            keep
        });
        if !marks.is_empty() {
            let made = document(&key, number, &seen, &marks, &annotations, making);
            sent.objects.extend(made);
        }
    }
    sent
}

/// The window of the file.
fn as_file(source: &SourceObject, frame: u32) -> Shown {
    let image = source.instance.image.as_ref();
    let description = image.map(|i| i.frame((frame as usize).saturating_sub(1)));
    let window = description.and_then(|d| {
        d.voi.iter().find_map(|voi| match voi {
            Voi::Window { level, .. } => Some((level.center, level.width)),
            _ => None,
        })
    });
    Shown {
        window,
        ..Shown::default()
    }
}

fn modality_lut(source: &SourceObject, frame: u32) -> Option<ModalityLut> {
    let image = source.instance.image.as_ref()?;
    let frame = image.frame((frame as usize).saturating_sub(1));
    Some(frame.modality_lut.clone())
}

/// Brings a mark to the pixels of its frame.
fn place<'a>(sent: &'a MarkToSend, sources: &'a Sources) -> Result<Placed<'a>, NotSentReason> {
    let mark = &sent.mark;
    let source = sources.get(&mark.target.instance_uid);
    let source = source.ok_or(NotSentReason::NoImage)?;
    let image = source
        .instance
        .image
        .as_ref()
        .ok_or(NotSentReason::NoImage)?;
    if image.samples != 1 || image.palette.is_some() {
        return Err(NotSentReason::Color);
    }
    let Drawn { graphics, knots } = graphics(&mark.shape, ground(mark, source)?)?;
    let flat = |points: &[DVec3]| -> Result<Vec<DVec3>, NotSentReason> {
        points.iter().map(|p| pixel(mark, source, *p)).collect()
    };
    let mut drawn = Vec::with_capacity(graphics.len());
    for graphic in &graphics {
        let kind = match graphic.kind {
            GraphicKind::Polygon => GraphicKind::Polyline,
            kind => kind,
        };
        drawn.push(Graphic {
            kind,
            points: flat(&graphic.points)?,
        });
    }
    // An ellipse keeps its axes through a turn and one scale; oblong pixels bend them, so that is drawn anew.
    let mut own = None;
    if mark.space == PointSpace::Patient
        && let Some(ellipse) = drawn.first().filter(|g| g.kind == GraphicKind::Ellipse)
        && let &[low, high, from, to] = ellipse.points.as_slice()
    {
        let centre = (low + high) / 2.0;
        let (a, b) = ((high - low) / 2.0, (to - from) / 2.0);
        let shape = Shape::new(
            crate::model::annotation::MarkKind::Ellipse,
            [centre, centre + a, centre + b],
        );
        let again = self::graphics(&shape, Ground::Pixel { aspect: 1.0 })?;
        drawn = again.graphics;
        own = again.knots.then(|| flat(&mark.shape.points)).transpose()?;
    }
    let knots = match (own, knots) {
        (Some(points), _) => Some(points),
        (None, true) => Some(flat(&mark.shape.points)?),
        (None, false) => None,
    };
    Ok(Placed {
        sent,
        source,
        graphics: drawn,
        knots,
    })
}

/// A point of a mark in the pixels of its frame.
fn pixel(mark: &Annotation, source: &SourceObject, point: DVec3) -> Result<DVec3, NotSentReason> {
    if mark.space == PointSpace::Pixel {
        return Ok(point);
    }
    let image = source
        .instance
        .image
        .as_ref()
        .ok_or(NotSentReason::NoImage)?;
    let frame = image.frame((mark.target.frame as usize).saturating_sub(1));
    let plane = frame.plane.ok_or(NotSentReason::OffFrame)?;
    let (row, column) = frame.spacing.row_column();
    let step = point - plane.origin;
    if step.dot(plane.normal()).abs() > FLAT_MM {
        return Err(NotSentReason::OffFrame);
    }
    let place = (
        step.dot(plane.along_row) / column,
        step.dot(plane.along_column) / row,
    );
    Ok(DVec3::new(place.0, place.1, 0.0))
}

/// An item of Graphic Annotation Sequence; `None` when an outline is too long.
fn annotation(placed: &Placed<'_>) -> Option<Elements> {
    let mark = &placed.sent.mark;
    let mut item = Elements::default();
    let image = reference(placed.source, &[mark.target.frame]);
    item.items(0x0008, 0x1140, &[image]);
    item.text(0x0070, 0x0002, b"CS", LAYER);
    let words = words(placed.sent);
    let anchor = placed
        .graphics
        .first()
        .and_then(|g| g.points.first().copied());
    if let Some(anchor) = anchor.filter(|_| !words.is_empty()) {
        let mut text = Elements::default();
        text.text(0x0070, 0x0004, b"CS", "PIXEL");
        text.text(0x0070, 0x0006, b"ST", &words);
        if !text.floats(0x0070, 0x0014, &flat(&[anchor])) {
            return None;
        }
        text.text(0x0070, 0x0015, b"CS", "N");
        item.items(0x0070, 0x0008, &[text]);
    }
    let mut objects = Vec::new();
    if mark.shape.kind != crate::model::annotation::MarkKind::Text {
        for graphic in &placed.graphics {
            objects.push(object(graphic, mark)?);
        }
        if mark.shape.kind == crate::model::annotation::MarkKind::Arrow
            && let Some(&[tip, tail]) = placed.graphics.first().map(|g| g.points.as_slice())
        {
            objects.push(object(&head(tip, tail), mark)?);
        }
        item.items(0x0070, 0x0009, &objects);
    }
    private(&mut item, placed)?;
    Some(item)
}

/// The two barbs of an arrow.
fn head(tip: DVec3, tail: DVec3) -> Graphic {
    let back = (tail - tip).normalize_or_zero() * (tail - tip).length().min(12.0);
    let side = DVec3::new(-back.y, back.x, 0.0) * 0.5;
    Graphic {
        kind: GraphicKind::Polyline,
        points: vec![tip + back + side, tip, tip + back - side],
    }
}

fn object(graphic: &Graphic, mark: &Annotation) -> Option<Elements> {
    let mut item = Elements::default();
    item.text(0x0070, 0x0005, b"CS", "PIXEL");
    item.number(0x0070, 0x0020, b"US", 2);
    let count = u16::try_from(graphic.points.len()).ok()?;
    item.number(0x0070, 0x0021, b"US", count);
    if !item.floats(0x0070, 0x0022, &flat(&graphic.points)) {
        return None;
    }
    item.text(0x0070, 0x0023, b"CS", graphic.kind.term());
    let closed = match graphic.kind {
        GraphicKind::Circle | GraphicKind::Ellipse => true,
        GraphicKind::Polyline => {
            graphic.points.len() > 2 && graphic.points.first() == graphic.points.last()
        }
        _ => false,
    };
    if closed {
        item.text(0x0070, 0x0024, b"CS", "N");
    }
    // Together: both or none (PS3.3 table C.10-5a).
    item.text(0x0062, 0x0020, b"UT", "");
    item.long_text(0x0062, 0x0020, &mark.id.0);
    item.text(0x0062, 0x0021, b"UI", &tracking_uid(mark));
    if let Author::Model { .. } = mark.author {
        item.items(0x0070, 0x0232, &[dashed()]);
    }
    Some(item)
}

/// What a network made looks unlike what a person did (safety S20): a dashed line (PS3.3 table C.10-5b).
fn dashed() -> Elements {
    let mut style = Elements::default();
    // PCS values of a violet.
    let violet = [39_000, 38_500, 22_500];
    style.words(0x0070, 0x0251, &violet);
    style.words(0x0070, 0x0252, &violet);
    for (element, value) in [(0x0284, 1.0), (0x0285, 0.0), (0x0253, 1.0), (0x0258, 0.0)] {
        let _ = style.floats(0x0070, element, &[value]);
    }
    style.text(0x0070, 0x0254, b"CS", "DASHED");
    style.long(0x0070, 0x0255, 0x0000_00FF);
    style.text(0x0070, 0x0244, b"CS", "OFF");
    let _ = style.floats(0x0070, 0x0245, &[0.0]);
    let _ = style.floats(0x0070, 0x0246, &[0.0]);
    style.words(0x0070, 0x0247, &[0, 0, 0]);
    style
}

/// Label and numbers as they stand beside a mark: unit and source with each (safety S16); a network by name (S20).
fn words(sent: &MarkToSend) -> String {
    let mut lines = Vec::new();
    if !sent.mark.label.is_empty() {
        lines.push(sent.mark.label.clone());
    }
    if let Author::Model { id, version } = &sent.mark.author {
        lines.push(format!("AI: {id} {version}"));
    }
    for number in &sent.numbers {
        let name = number.name.replace('_', " ");
        let value = format!("{:.2}", number.value);
        let value = value.trim_end_matches('0').trim_end_matches('.');
        let unit = if number.source.starts_with(&number.unit) && !number.unit.is_empty() {
            number.source.clone()
        } else {
            format!("{} ({})", number.unit, number.source).replace(" ()", "")
        };
        lines.push(format!("{name} {value} {unit}").trim_end().to_owned());
    }
    let text = lines.join("\r\n");
    match text.char_indices().nth(MOST_TEXT) {
        Some((cut, _)) => text.get(..cut).unwrap_or_default().to_owned(),
        None => text,
    }
}

/// What graphics do not say, for reading the mark back (PS3.5 section 7.8.1: private elements with their creator).
fn private(item: &mut Elements, placed: &Placed<'_>) -> Option<()> {
    let mark = &placed.sent.mark;
    item.text(0x0071, 0x0010, b"LO", codes::CREATOR);
    item.text(0x0071, 0x1001, b"LO", mark.shape.kind.name());
    item.long_text(0x0071, 0x1002, &mark.id.0);
    item.long_text(0x0071, 0x1003, &mark.label);
    item.long_text(0x0071, 0x1004, &mark.group);
    item.text(0x0071, 0x1005, b"LO", &state(mark));
    if let Some(code) = &mark.code {
        let code = (
            code.value.clone(),
            code.scheme.clone(),
            code.meaning.clone(),
        );
        item.items(0x0071, 0x1006, &[tree::code_item(&code)]);
    }
    let (kind, name, version) = match &mark.author {
        Author::Person(name) => ("PERSON", name.as_str(), ""),
        Author::Model { id, version } => ("MODEL", id.as_str(), version.as_str()),
        Author::Foreign(maker) => ("FOREIGN", maker.as_str(), ""),
    };
    item.text(0x0071, 0x1007, b"CS", kind);
    item.long_text(0x0071, 0x1008, name);
    item.long_text(0x0071, 0x1009, version);
    if let Some(moment) = moment(mark.created_ms) {
        item.text(0x0071, 0x100A, b"DT", &moment);
    }
    if let Some(knots) = &placed.knots
        && !item.floats(0x0071, 0x100B, &flat(knots))
    {
        return None;
    }
    Some(())
}

/// The whole object.
fn document(
    key: &str,
    number: i32,
    seen: &Shown,
    marks: &[Placed<'_>],
    annotations: &[Elements],
    making: &Making,
) -> Option<MadeObject> {
    let source = marks.first()?.source;
    let image = source.instance.image.as_ref()?;
    let head = Head {
        class: CLASS,
        modality: "PR",
        series_number: 9102,
        description: "Marks, not for diagnostic use",
        instance_uid: making.uid(&["presentation", key]),
        series_uid: making.uid(&["presentation series", &source.instance.study.uid]),
    };
    let mut e = head.elements(source, making);
    e.text(0x0020, 0x0013, b"IS", &number.to_string());
    // Type 2C of General Series: nothing is known of it.
    e.text(0x0020, 0x0060, b"CS", "");
    e.text(0x0070, 0x0080, b"CS", "MARKS");
    e.text(0x0070, 0x0081, b"LO", NOTICE);
    e.text(0x0070, 0x0082, b"DA", &making.date);
    e.text(0x0070, 0x0083, b"TM", &making.time);
    e.text(0x0070, 0x0084, b"PN", &person(&making.author));
    // Presentation State Relationship: all objects of the series with marks.
    let mut used: BTreeMap<&str, (&SourceObject, BTreeSet<u32>)> = BTreeMap::new();
    for placed in marks {
        let uid = placed.source.instance.sop_instance_uid.as_str();
        let entry = used.entry(uid).or_insert((placed.source, BTreeSet::new()));
        entry.1.insert(placed.sent.mark.target.frame);
    }
    let images: Vec<Elements> = used.values().map(|(s, _)| reference(s, &[])).collect();
    let mut series = Elements::default();
    series.text(0x0020, 0x000E, b"UI", &source.instance.series.uid);
    series.items(0x0008, 0x1140, &images);
    e.items(0x0008, 0x1115, &[series]);
    // Modality LUT: what the images say; tables stay with them.
    if let Some(ModalityLut::Rescale { slope, intercept }) =
        modality_lut(source, marks.first()?.sent.mark.target.frame)
    {
        e.text(0x0028, 0x1052, b"DS", &decimal(intercept));
        e.text(0x0028, 0x1053, b"DS", &decimal(slope));
        let frame = image.frame((marks.first()?.sent.mark.target.frame as usize).saturating_sub(1));
        let hounsfield = frame.unit.label() == "HU";
        e.text(0x0028, 0x1054, b"LO", if hounsfield { "HU" } else { "US" });
    }
    if let Some((center, width)) = seen.window {
        let mut window = Elements::default();
        window.text(0x0028, 0x1050, b"DS", &decimal(center));
        window.text(0x0028, 0x1051, b"DS", &decimal(width));
        if seen.sigmoid {
            window.text(0x0028, 0x1056, b"CS", "SIGMOID");
        }
        e.items(0x0028, 0x3110, &[window]);
    }
    // MONOCHROME1 shows its lowest value white, and the state says so itself (PS3.3 section C.11.6.1).
    let inverted = image.lowest_is_white() != seen.inverted;
    e.text(
        0x2050,
        0x0020,
        b"CS",
        if inverted { "INVERSE" } else { "IDENTITY" },
    );
    // Displayed Area: in pixels from 1.
    let [low, high] = seen
        .area
        .unwrap_or([[1, 1], [image.columns as i32, image.rows as i32]]);
    let frame = image.frame((marks.first()?.sent.mark.target.frame as usize).saturating_sub(1));
    let (quarters, flipped) = turn(seen);
    let [low, high] = corners([low, high], quarters, flipped);
    let mut area = Elements::default();
    area.longs(0x0070, 0x0052, &low);
    area.longs(0x0070, 0x0053, &high);
    area.text(0x0070, 0x0100, b"CS", "SCALE TO FIT");
    let (row, column) = frame.spacing.row_column();
    match frame.spacing.source() {
        Some(_) => {
            let spacing = format!("{}\\{}", decimal(row), decimal(column));
            area.text(0x0070, 0x0101, b"DS", &spacing);
        }
        None => area.text(0x0070, 0x0102, b"IS", &aspect_ratio(row / column)),
    }
    e.items(0x0070, 0x005A, &[area]);
    if quarters != 0 || flipped {
        e.number(0x0070, 0x0042, b"US", u16::from(quarters) * 90);
        let flip = if flipped { "Y" } else { "N" };
        e.text(0x0070, 0x0041, b"CS", flip);
    }
    let mut layer = Elements::default();
    layer.text(0x0070, 0x0002, b"CS", LAYER);
    layer.text(0x0070, 0x0062, b"IS", "1");
    layer.text(0x0070, 0x0068, b"LO", NOTICE);
    e.items(0x0070, 0x0060, &[layer]);
    e.items(0x0070, 0x0001, annotations);
    Some(MadeObject {
        kind: "gsps",
        instance_uid: head.instance_uid.clone(),
        study_uid: source.instance.study.uid.clone(),
        count: marks.len(),
        bytes: head.file(&e),
    })
}

/// Quarter turns to the right, and whether it is mirrored behind them. The standard turns first and mirrors then (PS3.3
/// section C.10.6); a turn to the right behind the mirror is one to the left before it.
const fn turn(seen: &Shown) -> (u8, bool) {
    match seen.flipped {
        true => ((4 - seen.quarters % 4) % 4, true),
        false => (seen.quarters % 4, false),
    }
}

/// The pixels of an area that are at its top left and at its bottom right when it is turned and mirrored (PS3.3 section
/// C.10.4: the corners are those behind the transformation, in columns and rows before it).
const fn corners(
    [[left, top], [right, bottom]]: [[i32; 2]; 2],
    quarters: u8,
    flipped: bool,
) -> [[i32; 2]; 2] {
    let [x, y] = match (quarters, flipped) {
        (0, false) | (1, true) => [left, top],
        (1, false) | (2, true) => [left, bottom],
        (2, false) | (3, true) => [right, bottom],
        _ => [right, top],
    };
    [[x, y], [left + right - x, top + bottom - y]]
}

/// A ratio of two whole numbers: rows to columns, vertical first.
fn aspect_ratio(aspect: f64) -> String {
    if (aspect - 1.0).abs() < 1e-9 {
        return "1\\1".to_owned();
    }
    format!("{}\\1000", (aspect * 1000.0).round().clamp(1.0, 1e9))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of numbered pixels, turned to the right.
    fn turned(pixels: &[Vec<[i32; 2]>]) -> Vec<Vec<[i32; 2]>> {
        let columns = pixels.first().map_or(0, Vec::len);
        (0..columns)
            .map(|c| pixels.iter().rev().map(|row| row[c]).collect())
            .collect()
    }

    /// `benches/peers/presentation` holds the same against DCMTK and pydicom.
    #[test]
    fn turns_and_mirrors_are_those_of_the_standard() {
        let area = [[3, 5], [6, 12]];
        let picture: Vec<Vec<[i32; 2]>> = (5..=12)
            .map(|row| (3..=6).map(|column| [column, row]).collect())
            .collect();
        let mirrored = |pixels: &[Vec<[i32; 2]>]| -> Vec<Vec<[i32; 2]>> {
            let rows = pixels.iter();
            rows.map(|row| row.iter().rev().copied().collect())
                .collect()
        };
        for flipped in [false, true] {
            for quarters in 0..4u8 {
                let seen = Shown {
                    quarters,
                    flipped,
                    ..Shown::default()
                };
                // Ours: mirrored first, then turned.
                let mut ours = picture.clone();
                if flipped {
                    ours = mirrored(&ours);
                }
                for _ in 0..quarters {
                    ours = turned(&ours);
                }
                // That of the standard: turned first, then mirrored.
                let (rotation, flip) = turn(&seen);
                let mut standard = picture.clone();
                for _ in 0..rotation {
                    standard = turned(&standard);
                }
                if flip {
                    standard = mirrored(&standard);
                }
                assert_eq!(standard, ours, "{quarters} {flipped}");
                let [first, last] = corners(area, rotation, flip);
                assert_eq!(ours[0][0], first, "{quarters} {flipped}");
                let end = ours.last().and_then(|row| row.last());
                assert_eq!(end, Some(&last), "{quarters} {flipped}");
            }
        }
    }
}

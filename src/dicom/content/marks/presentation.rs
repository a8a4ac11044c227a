//! Marks of presentation states: graphics and texts over images (PS3.3 section C.10.5).

use super::Reader;
use crate::{
    dicom::{
        content::{tree::Item, writer::code},
        header::safe_uid,
        write::marks::{
            codes,
            shapes::{Graphic, GraphicKind, points_of, shape_of},
        },
    },
    model::annotation::{
        Annotation, AnnotationId, AnnotationTarget, Author, Code, MarkKind, PointSpace, Shape,
    },
};
use dicom_dictionary_std::tags;
use dicom_object::Tag;
use glam::DVec3;
use std::{borrow::Cow, collections::HashMap};

/// Most images that one annotation is drawn on.
const MOST_IMAGES: usize = 200;

/// Most graphics and texts that are looked at, counted anew for every image that they are drawn on.
const MOST_LOOKS: usize = 400_000;

/// The displayed areas of a state, as left, top, right and bottom edges in the standard's pixels.
#[derive(Default)]
struct Areas {
    /// Of instances that are named.
    named: HashMap<String, [f64; 4]>,
    /// Of all others.
    rest: Option<[f64; 4]>,
}

/// What a state says of all its annotations, and how many of their parts are still looked at.
struct Sheet {
    areas: Areas,
    images: Vec<AnnotationTarget>,
    looks: usize,
}

impl Areas {
    fn of(&self, target: &AnnotationTarget) -> Option<[f64; 4]> {
        self.named.get(&target.instance_uid).copied().or(self.rest)
    }
}

/// The private elements of ours: see the writer.
const fn private(element: u16) -> Tag {
    Tag(0x0071, 0x1000 | element)
}

impl Reader<'_, '_> {
    pub(super) fn presentation(&mut self) {
        let tree = self.tree;
        let root = tree.root();
        let annotations: Vec<Item> = tree
            .items(root, tags::GRAPHIC_ANNOTATION_SEQUENCE)
            .collect();
        let mut sheet = Sheet {
            areas: self.areas(),
            images: self.state_images(),
            looks: MOST_LOOKS,
        };
        for (number, annotation) in (1u32..).zip(annotations) {
            if self.out.ours
                && let Some(mark) = self.own_annotation(annotation, &sheet)
            {
                self.push(mark);
            } else {
                self.annotation(annotation, number, &mut sheet);
            }
        }
        for (tag, what) in [
            (Tag(0x6000, 0x3000), "OVERLAY"),
            (tags::COMPOUND_GRAPHIC_SEQUENCE, "COMPOUND"),
        ] {
            if tree.has(root, tag) {
                self.out.leave(what, "");
            }
        }
    }

    /// The images of the state: one more than are drawn on, where there are more.
    fn state_images(&self) -> Vec<AnnotationTarget> {
        let tree = self.tree;
        let series = tree.items(tree.root(), tags::REFERENCED_SERIES_SEQUENCE);
        series
            .flat_map(|series| tree.items(series, tags::REFERENCED_IMAGE_SEQUENCE))
            .flat_map(|image| self.targets(image))
            .take(MOST_IMAGES + 1)
            .collect()
    }

    /// The images of an annotation: those that it names, else all of the state.
    fn images<'s>(&self, annotation: Item, sheet: &'s Sheet) -> Cow<'s, [AnnotationTarget]> {
        let tree = self.tree;
        if tree
            .first(annotation, tags::REFERENCED_IMAGE_SEQUENCE)
            .is_none()
        {
            return Cow::Borrowed(&sheet.images);
        }
        tree.items(annotation, tags::REFERENCED_IMAGE_SEQUENCE)
            .flat_map(|image| self.targets(image))
            .take(MOST_IMAGES + 1)
            .collect()
    }

    /// A graphic of an annotation in pixels.
    fn graphic(&self, item: Item, area: Option<[f64; 4]>) -> Option<Graphic> {
        let tree = self.tree;
        let kind = GraphicKind::parse(&tree.text(item, tags::GRAPHIC_TYPE))?;
        let points = self.coordinates(item, tags::GRAPHIC_DATA, 2)?;
        let units = tree.text(item, tags::GRAPHIC_ANNOTATION_UNITS);
        let points = points
            .into_iter()
            .map(|p| in_pixels(p, &units, area))
            .collect::<Option<Vec<_>>>()?;
        Some(Graphic { kind, points })
    }

    /// Where areas are said twice the first one counts; behind one for all images none counts.
    fn areas(&self) -> Areas {
        let tree = self.tree;
        let mut areas = Areas::default();
        for item in tree.items(tree.root(), tags::DISPLAYED_AREA_SELECTION_SEQUENCE) {
            let corner = |tag| tree.numbers(item, tag, 2);
            let low = corner(tags::DISPLAYED_AREA_TOP_LEFT_HAND_CORNER);
            let high = corner(tags::DISPLAYED_AREA_BOTTOM_RIGHT_HAND_CORNER);
            let area = match (low.as_slice(), high.as_slice()) {
                // Pixels from 1, both inside; edges lie around them.
                (&[left, top], &[right, bottom]) => [left - 1.0, top - 1.0, right, bottom],
                _ => continue,
            };
            let mut named = tree.items(item, tags::REFERENCED_IMAGE_SEQUENCE).peekable();
            if named.peek().is_none() {
                areas.rest = Some(area);
                break;
            }
            for image in named {
                let uid = safe_uid(&tree.text(image, tags::REFERENCED_SOP_INSTANCE_UID));
                areas.named.entry(uid).or_insert(area);
            }
        }
        areas
    }

    /// An annotation of others: each graphic is a mark, a text alone too; one text beside one graphic is its label.
    fn annotation(&mut self, annotation: Item, number: u32, sheet: &mut Sheet) {
        let tree = self.tree;
        let layer = tree.text(annotation, tags::GRAPHIC_LAYER);
        if sheet.looks == 0 || self.is_full() {
            self.out.leave("MARK", "");
            return;
        }
        let images = self.images(annotation, sheet).into_owned();
        let more = images.len().saturating_sub(MOST_IMAGES);
        for _ in 0..more.min(1) {
            self.out.leave_written("IMAGES", layer.as_str());
        }
        let objects: Vec<Item> = tree
            .items(annotation, tags::GRAPHIC_OBJECT_SEQUENCE)
            .take(super::MOST_MARKS)
            .collect();
        let texts: Vec<Item> = tree
            .items(annotation, tags::TEXT_OBJECT_SEQUENCE)
            .take(super::MOST_MARKS)
            .collect();
        let together = objects.len() == 1 && texts.len() == 1;
        for _ in tree.items(annotation, tags::COMPOUND_GRAPHIC_SEQUENCE) {
            self.out.leave_written("COMPOUND", layer.as_str());
        }
        for target in images.into_iter().take(MOST_IMAGES) {
            if sheet.looks == 0 || self.is_full() {
                self.out.leave("MARK", "");
                break;
            }
            let looks = 1 + objects.len() + texts.len();
            sheet.looks = sheet.looks.saturating_sub(looks);
            let area = sheet.areas.of(&target);
            let place = |what: &str, at: usize| {
                self.made_id(&[
                    &number.to_string(),
                    what,
                    &at.to_string(),
                    &target.instance_uid,
                    &target.frame.to_string(),
                ])
            };
            let words = |item: &Item| tree.text(*item, tags::UNFORMATTED_TEXT_VALUE);
            let mut found = Vec::new();
            let mut left = Vec::new();
            for (at, object) in objects.iter().enumerate() {
                let shape = self.graphic(*object, area).as_ref().and_then(shape_of);
                let label = match texts.first().filter(|_| together) {
                    Some(text) => words(text),
                    None => String::new(),
                };
                match shape {
                    Some(shape) => {
                        let id = place("graphic", at);
                        let space = PointSpace::Pixel;
                        found.push(self.foreign(id, target.clone(), space, shape, label));
                    }
                    None => left.push(tree.text(*object, tags::GRAPHIC_TYPE)),
                }
            }
            let alone = texts.iter().enumerate().filter(|_| !together);
            for (at, text) in alone {
                match self.text_place(*text, area) {
                    Some(point) => {
                        let shape = Shape::new(MarkKind::Text, [point]);
                        let id = place("text", at);
                        let space = PointSpace::Pixel;
                        found.push(self.foreign(id, target.clone(), space, shape, words(text)));
                    }
                    None => left.push("TEXT".to_owned()),
                }
            }
            for mark in found {
                self.push(mark);
            }
            for what in left {
                self.out.leave_written(what, layer.as_str());
            }
        }
    }

    /// Where a text stands: at its anchor, else at the corner of its box.
    fn text_place(&self, text: Item, area: Option<[f64; 4]>) -> Option<DVec3> {
        let tree = self.tree;
        let rows = [
            (tags::ANCHOR_POINT, tags::ANCHOR_POINT_ANNOTATION_UNITS),
            (
                tags::BOUNDING_BOX_TOP_LEFT_HAND_CORNER,
                tags::BOUNDING_BOX_ANNOTATION_UNITS,
            ),
        ];
        rows.into_iter().find_map(|(tag, units)| {
            let point = self.coordinates(text, tag, 2)?.first().copied()?;
            in_pixels(point, &tree.text(text, units), area)
        })
    }

    /// A mark of ours, as it was.
    fn own_annotation(&self, annotation: Item, sheet: &Sheet) -> Option<Annotation> {
        let tree = self.tree;
        let text = |element: u16| tree.text(annotation, private(element));
        if tree.text(annotation, Tag(0x0071, 0x0010)) != codes::CREATOR {
            return None;
        }
        let kind = MarkKind::named(&text(1))?;
        let target = self.images(annotation, sheet).first().cloned()?;
        let graphics: Vec<Graphic> = tree
            .items(annotation, tags::GRAPHIC_OBJECT_SEQUENCE)
            .filter_map(|item| self.graphic(item, None))
            .collect();
        let knots = self.coordinates(annotation, private(0x0B), 2);
        let points = match knots {
            Some(points) => points,
            None if kind == MarkKind::Text => {
                let item = tree.first(annotation, tags::TEXT_OBJECT_SEQUENCE)?;
                vec![self.text_place(item, None)?]
            }
            None => points_of(kind, &graphics)?,
        };
        let shape = Shape::new(kind, points);
        shape.check().ok()?;
        let mut mark = Annotation::new(AnnotationId(text(2)), target, PointSpace::Pixel, shape);
        mark.label = text(3);
        mark.group = text(4);
        let state = text(5);
        let has = |word: &str| state.split(' ').any(|w| w == word);
        mark.locked = has("locked");
        mark.hidden = has("hidden");
        mark.code = tree
            .first(annotation, private(6))
            .and_then(|item| code(tree, item))
            .map(|c| Code {
                value: c.value,
                scheme: c.scheme,
                meaning: c.meaning,
            });
        mark.author = match text(7).as_str() {
            "MODEL" => Author::Model {
                id: text(8),
                version: text(9),
            },
            "FOREIGN" => Author::Foreign(text(8)),
            _ => Author::Person(text(8)),
        };
        mark.created_ms = super::milliseconds(&text(0x0A));
        Some(mark)
    }
}

/// A point in pixels from one that was taken for such: PIXEL is, DISPLAY is a part of the displayed area, MATRIX is for
/// slides.
fn in_pixels(point: DVec3, units: &str, area: Option<[f64; 4]>) -> Option<DVec3> {
    match units {
        "DISPLAY" => {
            let [left, top, right, bottom] = area?;
            let part = (point.x + 0.5, point.y + 0.5);
            Some(DVec3::new(
                left + part.0 * (right - left) - 0.5,
                top + part.1 * (bottom - top) - 0.5,
                0.0,
            ))
        }
        "MATRIX" => None,
        _ => Some(point),
    }
}

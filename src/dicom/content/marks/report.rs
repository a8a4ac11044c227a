//! Marks of structured reports: measurement groups (TID 1410, 1411, 1501), and coordinates wherever else they stand.

use super::Reader;
use crate::{
    dicom::{
        content::{
            kind_of,
            tree::Item,
            writer::{code, code_in},
        },
        header::safe_uid,
        write::marks::{
            codes,
            shapes::{Graphic, GraphicKind, points_of, shape_of},
        },
    },
    model::{
        annotation::{
            Annotation, AnnotationId, AnnotationTarget, Author, Code, MarkKind, PointSpace, Shape,
        },
        content,
        exchange::MarkNumber,
    },
};
use dicom_dictionary_std::tags;
use dicom_object::Tag;

/// One item of the tree that is looked at, with what is around it.
#[derive(Clone)]
struct Visit {
    item: Item,
    /// The measurement group, by its place among those found.
    group: Option<usize>,
    /// The measured number that it belongs to, by its place in the group.
    number: Option<usize>,
    /// Place in the document, for ids.
    place: String,
}

/// Coordinates with where they lie.
struct Drawn {
    graphic: Graphic,
    space: PointSpace,
    target: Option<AnnotationTarget>,
    knots: bool,
    number: Option<usize>,
    place: String,
}

/// What a measurement group says.
#[derive(Default)]
struct Group {
    tracking_id: String,
    tracking_uid: String,
    finding: Option<Code>,
    kind: Option<MarkKind>,
    label: String,
    name: String,
    state: String,
    person: String,
    device: String,
    algorithm: (String, String),
    observed: String,
    target: Option<AnnotationTarget>,
    drawn: Vec<Drawn>,
    numbers: Vec<(Code, Option<MarkNumber>)>,
    /// It stands for coordinates outside of any group.
    loose: bool,
}

fn is(code: &content::Code, concept: codes::Concept) -> bool {
    code.value == concept.0 && code.scheme == concept.1
}

/// Codes of SNOMED RT that older reports write, and what they are called now (PS3.16 annex O).
fn is_long_axis(code: &Code) -> bool {
    matches!(code.value.as_str(), "103339001" | "G-A185")
}

fn is_short_axis(code: &Code) -> bool {
    matches!(code.value.as_str(), "103340004" | "G-A186")
}

impl Reader<'_, '_> {
    /// Walks the tree once, with a stack of its own.
    pub(super) fn report(&mut self) {
        let root = self.tree.root();
        let mut groups: Vec<Group> = Vec::new();
        let mut waiting = vec![Visit {
            item: root,
            group: None,
            number: None,
            place: "1".to_owned(),
        }];
        while let Some(visit) = waiting.pop() {
            let next = self.visit(&visit, &mut groups);
            let below: Vec<Item> = self
                .tree
                .items(visit.item, tags::CONTENT_SEQUENCE)
                .collect();
            let numbered = (1usize..).zip(below).collect::<Vec<_>>();
            for (number, item) in numbered.into_iter().rev() {
                waiting.push(Visit {
                    item,
                    place: format!("{}.{number}", visit.place),
                    ..next.clone()
                });
            }
        }
        for group in groups {
            self.group(group);
        }
    }

    /// Looks at one item; says what lies around those below it.
    fn visit(&mut self, visit: &Visit, groups: &mut Vec<Group>) -> Visit {
        let tree = self.tree;
        let item = visit.item;
        let mut next = visit.clone();
        let kind = tree.text(item, tags::VALUE_TYPE);
        let concept = code_in(tree, item, tags::CONCEPT_NAME_CODE_SEQUENCE).unwrap_or_default();
        match kind.as_str() {
            "CONTAINER" => {
                if is(&concept, codes::GROUP) {
                    groups.push(Group {
                        observed: tree.text(item, tags::OBSERVATION_DATE_TIME),
                        ..Group::default()
                    });
                    next.group = Some(groups.len() - 1);
                    next.number = None;
                }
            }
            "SCOORD" | "SCOORD3D" => self.coordinates_item(visit, groups, &kind, &concept),
            "IMAGE" => self.image_item(visit, groups, &concept),
            "NUM" => {
                let number = self.number(item);
                let concept = short(&concept);
                if let Some(group) = visit.group.and_then(|at| groups.get_mut(at)) {
                    group.numbers.push((concept, number));
                    next.number = Some(group.numbers.len() - 1);
                } else {
                    // A number outside of a group: its coordinates are a group of their own.
                    groups.push(Group {
                        label: concept.meaning.clone(),
                        numbers: vec![(concept, number)],
                        loose: true,
                        ..Group::default()
                    });
                    next.group = Some(groups.len() - 1);
                    next.number = Some(0);
                }
            }
            "TCOORD" | "WAVEFORM" | "COMPOSITE" | "TABLE" => {
                self.out.leave(kind, concept.display());
            }
            _ => {
                if let Some(group) = visit.group.and_then(|at| groups.get_mut(at)) {
                    self.said(group, visit, &kind, &concept);
                } else if kind == "TEXT" || kind == "CODE" {
                    let known = [
                        codes::LANGUAGE,
                        codes::OBSERVER_TYPE,
                        codes::DEVICE_NAME,
                        codes::PROCEDURE_REPORTED,
                        codes::KEY_DESCRIPTION,
                    ];
                    let ours = self.out.ours && is(&concept, codes::COMMENT);
                    if !known.iter().any(|k| is(&concept, *k)) && !ours {
                        self.out.leave(kind, concept.display());
                    }
                }
            }
        }
        next
    }

    /// What a group says of its mark.
    fn said(&mut self, group: &mut Group, visit: &Visit, kind: &str, concept: &content::Code) {
        let tree = self.tree;
        let item = visit.item;
        let text = |tag: Tag| tree.text(item, tag);
        let value = code_in(tree, item, tags::CONCEPT_CODE_SEQUENCE);
        match kind {
            "TEXT" if is(concept, codes::TRACKING_ID) => group.tracking_id = text(tags::TEXT_VALUE),
            "TEXT" if is(concept, codes::COMMENT) => group.label = text(tags::TEXT_VALUE),
            "TEXT" if is(concept, codes::MARK_GROUP) => group.name = text(tags::TEXT_VALUE),
            "TEXT" if is(concept, codes::STATE) => group.state = text(tags::TEXT_VALUE),
            "TEXT" if is(concept, codes::DEVICE_NAME) => group.device = text(tags::TEXT_VALUE),
            "TEXT" if is(concept, codes::ALGORITHM_NAME) => {
                group.algorithm.0 = text(tags::TEXT_VALUE);
            }
            "TEXT" if is(concept, codes::ALGORITHM_VERSION) => {
                group.algorithm.1 = text(tags::TEXT_VALUE);
            }
            "TEXT" if is(concept, codes::CALIBRATION) => {
                let number = visit.number.and_then(|at| group.numbers.get_mut(at));
                if let Some((_, Some(number))) = number {
                    number.source = text(tags::TEXT_VALUE);
                }
            }
            "UIDREF" if is(concept, codes::TRACKING_UID) => {
                group.tracking_uid = safe_uid(&text(tags::UID));
            }
            "PNAME" if is(concept, codes::PERSON_NAME) => {
                if let Some((_, entry)) = tree.find(item, tags::PERSON_NAME) {
                    group.person = tree.name_of(entry).alphabetic;
                }
            }
            "CODE" if is(concept, codes::KIND) => {
                let value = value.map(|c| c.value).unwrap_or_default();
                group.kind = MarkKind::ALL.into_iter().find(|k| {
                    let name: String = k.name().chars().take(16).collect();
                    name == value
                });
            }
            "CODE" if is(concept, codes::FINDING) => group.finding = value.as_ref().map(short),
            "CODE" if is(concept, codes::DERIVATION) => {
                let number = visit.number.and_then(|at| group.numbers.get_mut(at));
                if let (Some((_, Some(number))), Some(value)) = (number, value) {
                    number.name = format!("{}, {}", number.name, value.display().to_lowercase());
                }
            }
            "CODE" if is(concept, codes::OBSERVER_TYPE) => {}
            "TEXT" | "CODE" => self.out.leave(kind, concept.display()),
            _ => {}
        }
    }

    fn image_item(&mut self, visit: &Visit, groups: &mut [Group], concept: &content::Code) {
        let Some(reference) = self.tree.first(visit.item, tags::REFERENCED_SOP_SEQUENCE) else {
            return;
        };
        let targets = self.targets(reference);
        let key_objects = kind_of(&self.out.class_uid) == content::ObjectKind::KeyObjects;
        if key_objects {
            let whole = !self.tree.has(reference, tags::REFERENCED_FRAME_NUMBER);
            let room = super::MOST_MARKS.saturating_sub(self.out.key_images.len());
            let targets = targets.into_iter().take(if whole { 1 } else { room });
            self.out.key_images.extend(targets);
            return;
        }
        // A segment is an area that no points draw.
        if self.tree.has(reference, tags::REFERENCED_SEGMENT_NUMBER) {
            self.out.leave("SEGMENT", concept.display());
            return;
        }
        if let (Some(group), Some(target)) = (
            visit.group.and_then(|at| groups.get_mut(at)),
            targets.into_iter().next(),
        ) {
            group.target.get_or_insert(target);
        }
    }

    fn coordinates_item(
        &mut self,
        visit: &Visit,
        groups: &mut Vec<Group>,
        kind: &str,
        concept: &content::Code,
    ) {
        let tree = self.tree;
        let item = visit.item;
        let term = tree.text(item, tags::GRAPHIC_TYPE);
        let (space, dimensions) = match kind {
            "SCOORD" => (PointSpace::Pixel, 2),
            _ => (PointSpace::Patient, 3),
        };
        let points = self.coordinates(item, tags::GRAPHIC_DATA, dimensions);
        let (Some(graphic), Some(points)) = (GraphicKind::parse(&term), points) else {
            self.out.leave(format!("{kind} {term}"), concept.display());
            return;
        };
        // The image that they are selected from lies below them.
        let below = tree.items(item, tags::CONTENT_SEQUENCE);
        let image = below
            .filter(|i| tree.text(*i, tags::VALUE_TYPE) == "IMAGE")
            .find_map(|i| tree.first(i, tags::REFERENCED_SOP_SEQUENCE));
        let mut target = image.and_then(|reference| self.targets(reference).into_iter().next());
        if space == PointSpace::Patient {
            let uid = tree.text(item, tags::REFERENCED_FRAME_OF_REFERENCE_UID);
            let target = target.get_or_insert_with(AnnotationTarget::default);
            target.frame_of_reference_uid = safe_uid(&uid);
        }
        let at = visit.group.unwrap_or_else(|| {
            groups.push(Group {
                label: concept.display().to_owned(),
                loose: true,
                ..Group::default()
            });
            groups.len() - 1
        });
        if let Some(group) = groups.get_mut(at) {
            group.drawn.push(Drawn {
                graphic: Graphic {
                    kind: graphic,
                    points,
                },
                space,
                target,
                knots: is(concept, codes::KNOTS),
                number: visit.number,
                place: visit.place.clone(),
            });
        }
    }

    /// A measured number under its concept's name.
    fn number(&self, item: Item) -> Option<MarkNumber> {
        let tree = self.tree;
        let name = code_in(tree, item, tags::CONCEPT_NAME_CODE_SEQUENCE)?;
        let measured = tree.first(item, tags::MEASURED_VALUE_SEQUENCE)?;
        let exact = tree.numbers(measured, tags::FLOATING_POINT_VALUE, 1);
        let written = tree.numbers(measured, tags::NUMERIC_VALUE, 1);
        let unit = tree
            .first(measured, tags::MEASUREMENT_UNITS_CODE_SEQUENCE)
            .and_then(|unit| code(tree, unit))
            .unwrap_or_default();
        Some(MarkNumber {
            name: name.display().to_owned(),
            value: exact.first().or(written.first()).copied()?,
            unit: codes::unit_text(&unit.value, &unit.meaning),
            source: String::new(),
        })
    }

    /// Marks of one group.
    fn group(&mut self, group: Group) {
        if let (true, Some(kind)) = (self.out.ours, group.kind) {
            match self.own(&group, kind) {
                Some(mark) => self.take(mark, &group),
                None => self.out.leave("GROUP", kind.name()),
            }
            return;
        }
        if group.drawn.is_empty() {
            if !group.loose {
                self.out.leave_written("GROUP", group.tracking_id);
            }
            return;
        }
        let label = [&group.label, &group.tracking_id]
            .into_iter()
            .find(|text| !text.is_empty())
            .cloned()
            .or_else(|| Some(group.finding.as_ref()?.meaning.clone()))
            .unwrap_or_default();
        let together = together(&group);
        let shapes: Vec<(Shape, usize)> = match together {
            Some(shape) => vec![(shape, 0)],
            None => {
                let mut shapes = Vec::new();
                for (at, drawn) in group.drawn.iter().enumerate() {
                    let number = drawn.number.and_then(|n| group.numbers.get(n));
                    match alone(&drawn.graphic, number.map(|(code, _)| code), number) {
                        found if !found.is_empty() => {
                            shapes.extend(found.into_iter().map(|shape| (shape, at)));
                        }
                        _ => {
                            let what = drawn.graphic.kind.term();
                            self.out.leave_written(what, label.as_str());
                        }
                    }
                }
                shapes
            }
        };
        let single = shapes.len() == 1;
        for (count, (shape, at)) in shapes.into_iter().enumerate() {
            let Some(drawn) = group.drawn.get(at) else {
                continue;
            };
            let target = self.target(&group, drawn);
            let Some(target) = target else {
                self.out
                    .leave_written("SCOORD without image", label.as_str());
                continue;
            };
            let id = match (single, group.tracking_uid.as_str()) {
                (true, uid) if !uid.is_empty() => AnnotationId(uid.to_owned()),
                _ => self.made_id(&[&drawn.place, &count.to_string()]),
            };
            let mut mark = self.foreign(id, target, drawn.space, shape, label.clone());
            mark.code.clone_from(&group.finding);
            mark.created_ms = super::milliseconds(&group.observed);
            if let (name, version) = &group.algorithm
                && !name.is_empty()
            {
                mark.author = Author::Model {
                    id: name.clone(),
                    version: version.clone(),
                };
            }
            self.take(mark, &group);
        }
    }

    /// Takes a mark with what the file says of it in numbers.
    fn take(&mut self, mark: Annotation, group: &Group) {
        let id = mark.id.clone();
        if !self.push(mark) {
            return;
        }
        let said = group
            .numbers
            .iter()
            .filter_map(|(_, number)| number.as_ref());
        let room = super::MOST_NUMBERS_IN_ALL.saturating_sub(self.numbers);
        let numbers: Vec<MarkNumber> = said.take(room).cloned().collect();
        self.numbers += numbers.len();
        if !numbers.is_empty() {
            self.out.said.insert(id, numbers);
        }
    }

    /// Where coordinates lie: on their image, else on that of the group; in space the frame of reference is enough.
    fn target(&self, group: &Group, drawn: &Drawn) -> Option<AnnotationTarget> {
        let own = drawn.target.as_ref().filter(|t| !t.instance_uid.is_empty());
        let mut target = own.or(group.target.as_ref()).cloned();
        if drawn.space == PointSpace::Patient {
            let frame_of_reference = drawn
                .target
                .as_ref()
                .map(|t| t.frame_of_reference_uid.clone())
                .filter(|uid| !uid.is_empty())?;
            let target = target.get_or_insert_with(|| AnnotationTarget {
                frame: 1,
                ..AnnotationTarget::default()
            });
            target.frame_of_reference_uid = frame_of_reference;
        }
        target
    }

    /// A mark of ours, as it was.
    fn own(&self, group: &Group, kind: MarkKind) -> Option<Annotation> {
        let knots = group.drawn.iter().find(|d| d.knots);
        let graphics: Vec<Graphic> = group
            .drawn
            .iter()
            .filter(|d| !d.knots)
            .map(|d| d.graphic.clone())
            .collect();
        let first = group.drawn.first()?;
        let points = match knots {
            Some(knots) => knots.graphic.points.clone(),
            None => points_of(kind, &graphics)?,
        };
        let shape = Shape::new(kind, points);
        shape.check().ok()?;
        let target = self.target(group, first)?;
        let id = AnnotationId(group.tracking_id.clone());
        let mut mark = Annotation::new(id, target, first.space, shape);
        mark.label.clone_from(&group.label);
        mark.code.clone_from(&group.finding);
        mark.group.clone_from(&group.name);
        let has = |word: &str| group.state.split(' ').any(|w| w == word);
        mark.locked = has("locked");
        mark.hidden = has("hidden");
        mark.created_ms = super::milliseconds(&group.observed);
        let (model, version) = &group.algorithm;
        mark.author = if !model.is_empty() {
            Author::Model {
                id: model.clone(),
                version: version.clone(),
            }
        } else if has("foreign") {
            Author::Foreign(group.device.clone())
        } else if has("unsigned") {
            Author::Person(String::new())
        } else if group.person.is_empty() {
            Author::Person(self.sender())
        } else {
            Author::Person(group.person.clone())
        };
        Some(mark)
    }

    /// The person who sent the report.
    fn sender(&self) -> String {
        let tree = self.tree;
        let items = tree.items(tree.root(), tags::CONTENT_SEQUENCE);
        let mut people = items.filter(|item| tree.text(*item, tags::VALUE_TYPE) == "PNAME");
        let name = people.find_map(|item| Some(tree.find(item, tags::PERSON_NAME)?.1));
        name.map_or_else(String::new, |entry| tree.name_of(entry).alphabetic)
    }
}

fn short(code: &content::Code) -> Code {
    Code {
        value: code.value.clone(),
        scheme: code.scheme.clone(),
        meaning: code.meaning.clone(),
    }
}

/// A group whose coordinates are one mark of ours: two diameters, or two lines of an angle.
fn together(group: &Group) -> Option<Shape> {
    let [first, second] = group.drawn.as_slice() else {
        return None;
    };
    let line = |d: &Drawn| match (d.graphic.kind, d.graphic.points.as_slice()) {
        (GraphicKind::Polyline, &[a, b]) => Some([a, b]),
        _ => None,
    };
    let (one, two) = (line(first)?, line(second)?);
    let code = |d: &Drawn| Some(&group.numbers.get(d.number?)?.0);
    let (a, b) = (code(first)?, code(second)?);
    let kind = if is_long_axis(a) && is_short_axis(b) || is_short_axis(a) && is_long_axis(b) {
        MarkKind::Bidirectional
    } else if a.value == codes::COBB.0 && a == b {
        MarkKind::Cobb
    } else {
        return None;
    };
    let (one, two) = match kind {
        MarkKind::Bidirectional if is_short_axis(a) => (two, one),
        _ => (one, two),
    };
    Some(Shape::new(kind, [one, two].concat()))
}

/// A graphic that stands alone, with what was measured on it; several points are a mark each.
fn alone(
    graphic: &Graphic,
    concept: Option<&Code>,
    number: Option<&(Code, Option<MarkNumber>)>,
) -> Vec<Shape> {
    let degrees = number
        .and_then(|(_, n)| n.as_ref())
        .is_some_and(|n| n.unit == "°");
    let cobb = concept.is_some_and(|c| c.value == codes::COBB.0);
    match (graphic.kind, graphic.points.len()) {
        (GraphicKind::Multipoint, _) => graphic
            .points
            .iter()
            .map(|p| Shape::new(MarkKind::Point, [*p]))
            .collect(),
        (GraphicKind::Polyline, 3) if degrees => {
            vec![Shape::new(MarkKind::Angle, graphic.points.clone())]
        }
        (GraphicKind::Polyline, 4) if degrees || cobb => {
            vec![Shape::new(MarkKind::Cobb, graphic.points.clone())]
        }
        _ => shape_of(graphic).into_iter().collect(),
    }
}

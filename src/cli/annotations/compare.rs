//! What differs between the marks of two files.

use super::Common;
use crate::model::{
    annotation::{Annotation, AnnotationTarget},
    exchange::MarksRead,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// One difference.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Difference {
    /// Identity of the mark, or the SOP Instance UID and frame of a key image.
    pub(super) id: String,
    /// `first-only`, `second-only`, or the names of what differs.
    pub(super) what: Vec<&'static str>,
    /// How far the points that lie farthest apart do.
    pub(super) moved: Option<f64>,
}

impl Difference {
    pub(super) fn json(&self, _common: &Common) -> Value {
        json!({"id": self.id, "what": self.what, "moved": self.moved})
    }

    pub(super) fn line(&self) -> String {
        let moved = self.moved.map(|d| format!(" by {d}")).unwrap_or_default();
        format!("{}: {}{moved}", self.id, self.what.join(", "))
    }
}

/// Compares by identity; points may differ by `tolerance`.
pub(super) fn compare(
    first: &[MarksRead],
    second: &[MarksRead],
    tolerance: f64,
) -> Vec<Difference> {
    let marks = |files: &[MarksRead]| -> BTreeMap<String, Annotation> {
        let all = files.iter().flat_map(|f| &f.marks);
        all.map(|m| (m.id.0.clone(), m.clone())).collect()
    };
    let keys = |files: &[MarksRead]| -> BTreeMap<String, AnnotationTarget> {
        let all = files.iter().flat_map(|f| &f.key_images);
        all.map(|t| (format!("{} frame {}", t.instance_uid, t.frame), t.clone()))
            .collect()
    };
    let mut found = Vec::new();
    let (a, b) = (marks(first), marks(second));
    for (id, mark) in &a {
        match b.get(id) {
            None => found.push(only(id, "first-only")),
            Some(other) => found.extend(between(id, mark, other, tolerance)),
        }
    }
    found.extend(
        b.keys()
            .filter(|id| !a.contains_key(*id))
            .map(|id| only(id, "second-only")),
    );
    let (a, b) = (keys(first), keys(second));
    let lost = a.keys().filter(|id| !b.contains_key(*id));
    found.extend(lost.map(|id| only(id, "first-only")));
    let new = b.keys().filter(|id| !a.contains_key(*id));
    found.extend(new.map(|id| only(id, "second-only")));
    found
}

fn only(id: &str, what: &'static str) -> Difference {
    Difference {
        id: id.to_owned(),
        what: vec![what],
        moved: None,
    }
}

fn between(id: &str, a: &Annotation, b: &Annotation, tolerance: f64) -> Option<Difference> {
    let mut what = Vec::new();
    let mut moved = None;
    let same_points = a.shape.points.len() == b.shape.points.len();
    if a.shape.kind != b.shape.kind || !same_points || a.space != b.space {
        what.push("shape");
    } else {
        let pairs = a.shape.points.iter().zip(&b.shape.points);
        let farthest = pairs.map(|(p, q)| p.distance(*q)).fold(0.0, f64::max);
        if farthest > tolerance {
            what.push("moved");
            moved = Some(farthest);
        }
    }
    let rows = [
        ("target", a.target != b.target),
        ("label", a.label != b.label),
        ("code", a.code != b.code),
        ("group", a.group != b.group),
        ("locked", a.locked != b.locked),
        ("hidden", a.hidden != b.hidden),
        ("author", a.author != b.author),
        ("created", a.created_ms != b.created_ms),
    ];
    what.extend(rows.into_iter().filter(|r| r.1).map(|r| r.0));
    (!what.is_empty()).then(|| Difference {
        id: id.to_owned(),
        what,
        moved,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::annotation::{AnnotationId, MarkKind, PointSpace, Shape};
    use glam::DVec3;

    fn file(marks: &[(&str, f64, &str)]) -> Vec<MarksRead> {
        let marks = marks.iter().map(|(id, x, label)| {
            let shape = Shape::new(MarkKind::Length, [DVec3::ZERO, DVec3::X * *x]);
            let id = AnnotationId((*id).to_owned());
            let mut mark =
                Annotation::new(id, AnnotationTarget::default(), PointSpace::Pixel, shape);
            mark.label = (*label).to_owned();
            mark
        });
        vec![MarksRead {
            marks: marks.collect(),
            ..MarksRead::default()
        }]
    }

    #[test]
    fn marks_differ_by_what_they_say_and_where_they_lie() {
        let first = file(&[("a", 1.0, ""), ("b", 2.0, "x"), ("c", 3.0, "")]);
        let second = file(&[("a", 1.000_5, ""), ("b", 2.5, "y"), ("d", 3.0, "")]);
        let found = compare(&first, &second, 1e-3);
        let rows: Vec<(&str, &[&str], Option<f64>)> = found
            .iter()
            .map(|d| (d.id.as_str(), d.what.as_slice(), d.moved))
            .collect();
        assert_eq!(
            rows,
            [
                ("b", &["moved", "label"][..], Some(0.5)),
                ("c", &["first-only"], None),
                ("d", &["second-only"], None),
            ]
        );
        assert!(compare(&first, &first, 0.0).is_empty());
    }
}

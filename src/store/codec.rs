//! Commits of the journal as bytes. Numbers are little-endian; points keep every bit of their `f64`.
//!
//! Payload: kind (1 byte: 0 done, 1 undoes, 2 redoes), number of the commit it undoes or redoes (8), time in
//! milliseconds since 1970 (8, signed), number of edits (4), edits. A text is its length (4) and UTF-8.
//! Edit: 1 add, 2 remove (a mark); 3 reshape (id, two shapes); 4 relabel (id, two texts).
//! Mark: id, study, series and instance UID, frame (4), space (1: 0 patient, 1 pixel), shape, label.
//! Shape: 1 point, 2 line, 3 polygon with its number of points (4); points of three f64.

use crate::model::{
    annotation::{Annotation, AnnotationId, AnnotationTarget, PointSpace, Shape},
    edit::Edit,
};
use glam::DVec3;

/// Largest payload, bytes.
pub const MAX_PAYLOAD: usize = 64 << 20;
/// Most points of a polygon.
pub const MAX_POINTS: usize = 1_000_000;
/// Longest label, bytes.
pub const MAX_LABEL: usize = 64 << 10;
/// Longest id or UID, bytes.
pub const MAX_ID: usize = 256;

/// What a commit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A gesture of the user.
    Done,
    /// The inverse of an earlier commit.
    Undoes(u64),
    /// An earlier commit again.
    Redoes(u64),
}

/// Edits that belong together: one gesture.
#[derive(Clone, Debug, PartialEq)]
pub struct Commit {
    /// What it is.
    pub kind: Kind,
    /// When, milliseconds since 1970 UTC.
    pub time_ms: i64,
    /// The edits in order; at least one.
    pub edits: Vec<Edit>,
}

/// Says what keeps an edit out of the journal.
pub fn check_edit(edit: &Edit) -> Result<(), &'static str> {
    let shape = |shape: &Shape| {
        let points: &[DVec3] = match shape {
            Shape::Point(point) => std::slice::from_ref(point),
            Shape::Line(ends) => ends,
            Shape::Polygon(points) if points.len() < 3 => {
                return Err("a polygon has at least three points");
            }
            Shape::Polygon(points) if points.len() > MAX_POINTS => {
                return Err("a polygon has at most a million points");
            }
            Shape::Polygon(points) => points,
        };
        if points.iter().all(|p| p.is_finite()) {
            Ok(())
        } else {
            Err("a coordinate is not a finite number")
        }
    };
    let label = |text: &str| {
        if text.len() > MAX_LABEL {
            Err("the label is too long")
        } else {
            Ok(())
        }
    };
    let id = edit.id();
    if id.0.is_empty() || id.0.len() > MAX_ID {
        return Err("the id is empty or too long");
    }
    match edit {
        Edit::Add(mark) | Edit::Remove(mark) => {
            let target = &mark.target;
            let uids = [&target.study_uid, &target.series_uid, &target.instance_uid];
            if uids.iter().any(|uid| uid.len() > MAX_ID) {
                return Err("a UID is too long");
            }
            if target.frame == 0 {
                return Err("frames count from 1");
            }
            label(&mark.label)?;
            shape(&mark.shape)
        }
        Edit::Reshape { from, to, .. } => shape(from).and_then(|()| shape(to)),
        Edit::Relabel { from, to, .. } => label(from).and_then(|()| label(to)),
    }
}

/// The bytes of a commit whose edits were checked.
pub fn encode(commit: &Commit) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    let (kind, other) = match commit.kind {
        Kind::Done => (0, 0),
        Kind::Undoes(number) => (1, number),
        Kind::Redoes(number) => (2, number),
    };
    out.push(kind);
    out.extend(other.to_le_bytes());
    out.extend(commit.time_ms.to_le_bytes());
    put_length(&mut out, commit.edits.len());
    for edit in &commit.edits {
        match edit {
            Edit::Add(mark) => {
                out.push(1);
                put_mark(&mut out, mark);
            }
            Edit::Remove(mark) => {
                out.push(2);
                put_mark(&mut out, mark);
            }
            Edit::Reshape { id, from, to } => {
                out.push(3);
                put_text(&mut out, &id.0);
                put_shape(&mut out, from);
                put_shape(&mut out, to);
            }
            Edit::Relabel { id, from, to } => {
                out.push(4);
                put_text(&mut out, &id.0);
                put_text(&mut out, from);
                put_text(&mut out, to);
            }
        }
    }
    out
}

fn put_length(out: &mut Vec<u8>, length: usize) {
    // Checked edits are far below 4 GiB; a longer one would fail the size check of the journal.
    out.extend(u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_length(out, text.len());
    out.extend(text.as_bytes());
}

fn put_points(out: &mut Vec<u8>, points: &[DVec3]) {
    for point in points {
        for coordinate in point.to_array() {
            out.extend(coordinate.to_bits().to_le_bytes());
        }
    }
}

fn put_shape(out: &mut Vec<u8>, shape: &Shape) {
    match shape {
        Shape::Point(point) => {
            out.push(1);
            put_points(out, std::slice::from_ref(point));
        }
        Shape::Line(ends) => {
            out.push(2);
            put_points(out, ends);
        }
        Shape::Polygon(points) => {
            out.push(3);
            put_length(out, points.len());
            put_points(out, points);
        }
    }
}

fn put_mark(out: &mut Vec<u8>, mark: &Annotation) {
    put_text(out, &mark.id.0);
    put_text(out, &mark.target.study_uid);
    put_text(out, &mark.target.series_uid);
    put_text(out, &mark.target.instance_uid);
    out.extend(mark.target.frame.to_le_bytes());
    out.push(match mark.space {
        PointSpace::Patient => 0,
        PointSpace::Pixel => 1,
    });
    put_shape(out, &mark.shape);
    put_text(out, &mark.label);
}

/// Reads a commit; `None` when the bytes are none, or more than one.
pub fn decode(bytes: &[u8]) -> Option<Commit> {
    let mut reader = Reader { rest: bytes };
    let kind = reader.byte()?;
    let other = u64::from_le_bytes(reader.array()?);
    let kind = match kind {
        0 => Kind::Done,
        1 => Kind::Undoes(other),
        2 => Kind::Redoes(other),
        _ => return None,
    };
    let time_ms = i64::from_le_bytes(reader.array()?);
    let count = reader.length()?;
    // The shortest edit takes more than one byte; nothing is reserved on the word of the count.
    if count == 0 || count > reader.rest.len() {
        return None;
    }
    let mut edits = Vec::new();
    for _ in 0..count {
        edits.push(reader.edit()?);
    }
    reader.rest.is_empty().then_some(Commit {
        kind,
        time_ms,
        edits,
    })
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn byte(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn length(&mut self) -> Option<usize> {
        usize::try_from(u32::from_le_bytes(self.array()?)).ok()
    }

    fn text(&mut self) -> Option<String> {
        let length = self.length()?;
        String::from_utf8(self.take(length)?.to_vec()).ok()
    }

    fn point(&mut self) -> Option<DVec3> {
        let mut coordinate = || Some(f64::from_bits(u64::from_le_bytes(self.array()?)));
        Some(DVec3::new(coordinate()?, coordinate()?, coordinate()?))
    }

    fn shape(&mut self) -> Option<Shape> {
        Some(match self.byte()? {
            1 => Shape::Point(self.point()?),
            2 => Shape::Line([self.point()?, self.point()?]),
            3 => {
                let count = self.length()?;
                if count > self.rest.len() / 24 {
                    return None;
                }
                Shape::Polygon((0..count).map(|_| self.point()).collect::<Option<_>>()?)
            }
            _ => return None,
        })
    }

    fn mark(&mut self) -> Option<Annotation> {
        Some(Annotation {
            id: AnnotationId(self.text()?),
            target: AnnotationTarget {
                study_uid: self.text()?,
                series_uid: self.text()?,
                instance_uid: self.text()?,
                frame: u32::from_le_bytes(self.array()?),
            },
            space: match self.byte()? {
                0 => PointSpace::Patient,
                1 => PointSpace::Pixel,
                _ => return None,
            },
            shape: self.shape()?,
            label: self.text()?,
        })
    }

    fn edit(&mut self) -> Option<Edit> {
        Some(match self.byte()? {
            1 => Edit::Add(self.mark()?),
            2 => Edit::Remove(self.mark()?),
            3 => Edit::Reshape {
                id: AnnotationId(self.text()?),
                from: self.shape()?,
                to: self.shape()?,
            },
            4 => Edit::Relabel {
                id: AnnotationId(self.text()?),
                from: self.text()?,
                to: self.text()?,
            },
            _ => return None,
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn mark(id: &str, shape: Shape) -> Annotation {
        Annotation {
            id: AnnotationId(id.into()),
            target: AnnotationTarget {
                study_uid: "1.2.840.1".into(),
                series_uid: "1.2.840.1.1".into(),
                instance_uid: "1.2.840.1.1.1".into(),
                frame: 3,
            },
            space: PointSpace::Patient,
            shape,
            label: "结节 nodule".into(),
        }
    }

    fn every_edit() -> Vec<Edit> {
        let point = Shape::Point(DVec3::new(0.1, -0.0, f64::MIN_POSITIVE));
        let line = Shape::Line([DVec3::X, DVec3::new(1.0 / 3.0, 1e300, -7.25)]);
        let polygon = Shape::Polygon(vec![DVec3::ZERO, DVec3::X, DVec3::Y, DVec3::Z]);
        let mut pixel = mark("p", polygon.clone());
        pixel.space = PointSpace::Pixel;
        let id = AnnotationId("a".into());
        vec![
            Edit::Add(mark("a", point.clone())),
            Edit::Remove(mark("a", line.clone())),
            Edit::Add(pixel),
            Edit::Reshape {
                id: id.clone(),
                from: point,
                to: polygon,
            },
            Edit::Relabel {
                id,
                from: String::new(),
                to: "b".into(),
            },
        ]
    }

    #[test]
    fn what_is_written_is_read_bit_for_bit() {
        for kind in [Kind::Done, Kind::Undoes(4), Kind::Redoes(u64::MAX)] {
            let commit = Commit {
                kind,
                time_ms: -5,
                edits: every_edit(),
            };
            let bytes = encode(&commit);
            assert_eq!(decode(&bytes), Some(commit.clone()));
            assert_eq!(encode(&decode(&bytes).unwrap()), bytes, "also -0.0");
            for length in 0..bytes.len() {
                assert_eq!(decode(&bytes[..length]), None, "cut at {length}");
            }
            let mut longer = bytes;
            longer.push(0);
            assert_eq!(decode(&longer), None);
        }
    }

    #[test]
    fn a_lying_count_reserves_nothing() {
        let mut bytes = encode(&Commit {
            kind: Kind::Done,
            time_ms: 0,
            edits: vec![Edit::Add(mark(
                "a",
                Shape::Polygon(vec![DVec3::ZERO, DVec3::X, DVec3::Y]),
            ))],
        });
        let place = bytes.windows(4).position(|w| w == [3, 0, 0, 0]).unwrap();
        // The frame is 3 as well; the polygon's count is the last such word.
        let last = bytes.windows(4).rposition(|w| w == [3, 0, 0, 0]).unwrap();
        assert_ne!(place, last);
        bytes[last..last + 4].copy_from_slice(&[0xFF; 4]);
        assert_eq!(decode(&bytes), None);
        bytes[17..21].copy_from_slice(&[0xFF; 4]);
        assert_eq!(decode(&bytes), None);
    }

    #[test]
    fn edits_that_make_no_sense_are_refused() {
        for edit in every_edit() {
            assert_eq!(check_edit(&edit), Ok(()));
        }
        let refuse = |edit: Edit| assert!(check_edit(&edit).is_err());
        refuse(Edit::Add(mark("", Shape::Point(DVec3::ZERO))));
        refuse(Edit::Add(mark("a", Shape::Point(DVec3::NAN))));
        refuse(Edit::Add(mark(
            "a",
            Shape::Line([DVec3::ZERO, DVec3::INFINITY]),
        )));
        refuse(Edit::Add(mark("a", Shape::Polygon(vec![DVec3::ZERO; 2]))));
        refuse(Edit::Add(mark(&"a".repeat(257), Shape::Point(DVec3::ZERO))));
        let mut frameless = mark("a", Shape::Point(DVec3::ZERO));
        frameless.target.frame = 0;
        refuse(Edit::Add(frameless));
        let mut wordy = mark("a", Shape::Point(DVec3::ZERO));
        wordy.label = "x".repeat(MAX_LABEL + 1);
        refuse(Edit::Add(wordy));
    }
}

//! Edits as invertible values: what the journal keeps and undo replays backwards.

use super::annotation::{Annotation, AnnotationId, Shape};
use std::collections::BTreeMap;

/// One change to the marks of a store. Every variant holds what its inverse needs.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// A new mark.
    Add(Annotation),
    /// A mark is gone; the whole mark, so it can come back.
    Remove(Annotation),
    /// A mark was moved or reshaped.
    Reshape {
        /// Which.
        id: AnnotationId,
        /// Before.
        from: Shape,
        /// After.
        to: Shape,
    },
    /// A mark's label changed.
    Relabel {
        /// Which.
        id: AnnotationId,
        /// Before.
        from: String,
        /// After.
        to: String,
    },
}

/// Why an edit does not fit the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditConflict {
    /// A mark with this id exists already.
    Exists,
    /// No mark with this id.
    Missing,
    /// The mark is not in the state that the edit starts from.
    Stale,
}

impl Edit {
    /// The edit that takes this one back.
    #[must_use]
    pub fn inverse(&self) -> Self {
        match self.clone() {
            Self::Add(mark) => Self::Remove(mark),
            Self::Remove(mark) => Self::Add(mark),
            Self::Reshape { id, from, to } => Self::Reshape {
                id,
                from: to,
                to: from,
            },
            Self::Relabel { id, from, to } => Self::Relabel {
                id,
                from: to,
                to: from,
            },
        }
    }

    /// The mark it concerns.
    pub const fn id(&self) -> &AnnotationId {
        match self {
            Self::Add(mark) | Self::Remove(mark) => &mark.id,
            Self::Reshape { id, .. } | Self::Relabel { id, .. } => id,
        }
    }
}

/// All marks, by id: the state that replaying a journal gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AnnotationSet {
    marks: BTreeMap<AnnotationId, Annotation>,
}

impl AnnotationSet {
    /// Carries an edit out, or says why it does not fit; then nothing changed.
    pub fn apply(&mut self, edit: &Edit) -> Result<(), EditConflict> {
        match edit {
            Edit::Add(mark) => {
                if self.marks.contains_key(&mark.id) {
                    return Err(EditConflict::Exists);
                }
                self.marks.insert(mark.id.clone(), mark.clone());
            }
            Edit::Remove(mark) => {
                let found = self.marks.get(&mark.id).ok_or(EditConflict::Missing)?;
                if found != mark {
                    return Err(EditConflict::Stale);
                }
                self.marks.remove(&mark.id);
            }
            Edit::Reshape { id, from, to } => {
                let found = self.marks.get_mut(id).ok_or(EditConflict::Missing)?;
                if &found.shape != from {
                    return Err(EditConflict::Stale);
                }
                found.shape = to.clone();
            }
            Edit::Relabel { id, from, to } => {
                let found = self.marks.get_mut(id).ok_or(EditConflict::Missing)?;
                if &found.label != from {
                    return Err(EditConflict::Stale);
                }
                found.label.clone_from(to);
            }
        }
        Ok(())
    }

    /// The mark with this id.
    pub fn get(&self, id: &AnnotationId) -> Option<&Annotation> {
        self.marks.get(id)
    }

    /// All marks, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Annotation> {
        self.marks.values()
    }

    /// How many marks there are.
    pub fn len(&self) -> usize {
        self.marks.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.marks.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::annotation::{AnnotationTarget, PointSpace};
    use glam::DVec3;

    fn mark(id: &str) -> Annotation {
        Annotation {
            id: AnnotationId(id.into()),
            target: AnnotationTarget {
                study_uid: "1.2".into(),
                series_uid: "1.2.3".into(),
                instance_uid: "1.2.3.4".into(),
                frame: 1,
            },
            space: PointSpace::Patient,
            shape: Shape::Point(DVec3::new(1.0, 2.0, 3.0)),
            label: String::new(),
        }
    }

    #[test]
    fn every_edit_and_its_inverse_cancel() {
        let mut set = AnnotationSet::default();
        set.apply(&Edit::Add(mark("a"))).unwrap();
        let before = set.clone();
        let edits = [
            Edit::Add(mark("b")),
            Edit::Remove(mark("a")),
            Edit::Reshape {
                id: AnnotationId("a".into()),
                from: mark("a").shape,
                to: Shape::Point(DVec3::ZERO),
            },
            Edit::Relabel {
                id: AnnotationId("a".into()),
                from: String::new(),
                to: "nodule".into(),
            },
        ];
        for edit in edits {
            set.apply(&edit).unwrap();
            assert_ne!(set, before);
            set.apply(&edit.inverse()).unwrap();
            assert_eq!(set, before);
        }
    }

    #[test]
    fn an_edit_that_does_not_fit_changes_nothing() {
        let mut set = AnnotationSet::default();
        set.apply(&Edit::Add(mark("a"))).unwrap();
        let before = set.clone();
        assert_eq!(set.apply(&Edit::Add(mark("a"))), Err(EditConflict::Exists));
        assert_eq!(
            set.apply(&Edit::Remove(mark("c"))),
            Err(EditConflict::Missing)
        );
        let stale = Edit::Relabel {
            id: AnnotationId("a".into()),
            from: "x".into(),
            to: "y".into(),
        };
        assert_eq!(set.apply(&stale), Err(EditConflict::Stale));
        assert_eq!(set, before);
    }
}

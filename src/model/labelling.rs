//! What is said of whole images and studies for learning: tags ("nodule", "poor quality") and grades of ordinal scores
//! (BI-RADS 0–6), each by the reader who said it.
//!
//! Must stay true: two readers never overwrite each other; an answer is about exactly one frame or one study.

use super::annotation::AnnotationTarget;

/// What a tag or a grade is about: a study, or one frame of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject {
    /// Study Instance UID.
    pub study_uid: String,
    /// Series Instance UID; empty for a study.
    pub series_uid: String,
    /// SOP Instance UID; empty for a study.
    pub instance_uid: String,
    /// Frame, from 1; 0 for a study.
    pub frame: u32,
}

impl Subject {
    /// A whole study.
    pub fn study(uid: &str) -> Self {
        Self {
            study_uid: uid.to_owned(),
            ..Self::default()
        }
    }

    /// One frame.
    pub fn image(target: &AnnotationTarget) -> Self {
        Self {
            study_uid: target.study_uid.clone(),
            series_uid: target.series_uid.clone(),
            instance_uid: target.instance_uid.clone(),
            frame: target.frame,
        }
    }

    /// Whether it is one frame, and not the study.
    pub const fn is_image(&self) -> bool {
        !self.instance_uid.is_empty()
    }

    /// Whether the parts fit together: all of a frame, or only the study.
    pub const fn is_sound(&self) -> bool {
        let none = self.series_uid.is_empty() && self.frame == 0;
        match self.is_image() {
            true => self.frame > 0,
            false => none && !self.study_uid.is_empty(),
        }
    }

    /// Memory that it owns, bytes.
    pub const fn held_bytes(&self) -> usize {
        self.study_uid.capacity() + self.series_uid.capacity() + self.instance_uid.capacity()
    }
}

/// What a reader said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer {
    /// The tag applies.
    Tag,
    /// The grade of a score.
    Grade(i32),
}

impl Answer {
    /// The grade, where it is one.
    pub const fn grade(self) -> Option<i32> {
        match self {
            Self::Tag => None,
            Self::Grade(grade) => Some(grade),
        }
    }
}

/// Of what, which question, and who answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Question {
    /// What it is about.
    pub subject: Subject,
    /// Name of the tag or the score, as the label schema has it.
    pub name: String,
    /// Account of the reader; empty for the owner of the store, and where there is no store.
    pub reader: String,
}

impl Question {
    /// Memory that it owns, bytes.
    pub const fn held_bytes(&self) -> usize {
        self.subject.held_bytes() + self.name.capacity() + self.reader.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_a_frame_or_a_study() {
        let image = Subject::image(&AnnotationTarget {
            study_uid: "1".into(),
            series_uid: "1.2".into(),
            instance_uid: "1.2.3".into(),
            frame: 1,
            ..AnnotationTarget::default()
        });
        assert!(image.is_image() && image.is_sound());
        assert!(
            !Subject {
                frame: 0,
                ..image.clone()
            }
            .is_sound()
        );
        let study = Subject::study("1");
        assert!(!study.is_image() && study.is_sound());
        assert!(!Subject { frame: 2, ..study }.is_sound());
        assert!(!Subject::default().is_sound());
    }
}

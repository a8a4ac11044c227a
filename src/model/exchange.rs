//! Marks on their way into files of others and back: what is sent with a mark, what cannot be sent, what a file held.

use super::{
    annotation::{Annotation, AnnotationId, AnnotationTarget},
    study::Instance,
};
use std::{collections::BTreeMap, sync::Arc};

/// What every object that leaves says of itself (safety S1).
pub const NOTICE: &str = "Research and education. Not for diagnostic use.";

/// A number of a mark: what the measuring gave, as it is written.
#[derive(Clone, Debug, PartialEq)]
pub struct MarkNumber {
    /// Its name, as docs/measure.md has it: `length`, `area`, `mean`…
    pub name: String,
    /// The number.
    pub value: f64,
    /// Its unit as on the screen: `mm`, `mm²`, `°`, `HU`, `px`…
    pub unit: String,
    /// Where its scale comes from, in the words of the screen (safety S16).
    pub source: String,
}

/// A mark that leaves, with its numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct MarkToSend {
    /// The mark.
    pub mark: Annotation,
    /// What was measured of it; none where nothing can be.
    pub numbers: Vec<MarkNumber>,
}

/// How the images stand on the screen, for a presentation state.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Shown {
    /// Centre and width of the window, modality values.
    pub window: Option<(f64, f64)>,
    /// The window is that of a sigmoid.
    pub sigmoid: bool,
    /// Black and white are exchanged by the reader.
    pub inverted: bool,
    /// Turned to the right by so many quarters, after the flip.
    pub quarters: u8,
    /// Mirrored left to right, before the turn.
    pub flipped: bool,
    /// Columns and rows that are seen, from 1, both inside; none for all.
    pub area: Option<[[i32; 2]; 2]>,
}

/// What an object that is made here takes over from the object that was marked.
#[derive(Clone)]
pub struct SourceObject {
    /// The object, with what its header says of its picture.
    pub instance: Arc<Instance>,
    /// Attributes of the Patient, General Study and Patient Study modules: group and element, VR, and the values as text
    /// in Unicode. They name the patient.
    pub modules: Vec<((u16, u16), [u8; 2], String)>,
    /// Frame of Reference UID (0020,0052), empty when absent.
    pub frame_of_reference_uid: String,
}

impl std::fmt::Debug for SourceObject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SourceObject({})", self.instance.sop_instance_uid)
    }
}

/// The objects that marks lie on, by SOP Instance UID.
pub type Sources = BTreeMap<String, SourceObject>;

/// A file that was made.
#[derive(Clone)]
pub struct MadeObject {
    /// Word for its name: `ko`, `gsps`, `sr`.
    pub kind: &'static str,
    /// SOP Instance UID.
    pub instance_uid: String,
    /// Study Instance UID.
    pub study_uid: String,
    /// How many marks or key images it holds.
    pub count: usize,
    /// The whole file.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for MadeObject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MadeObject({}, {} marks)", self.kind, self.count)
    }
}

/// Why a mark was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum NotSentReason {
    /// The object it lies on is not at hand.
    #[error("the image it lies on is not at hand")]
    NoImage,
    /// It lies in patient space, and there is no frame of reference to say so.
    #[error("the image names no frame of reference")]
    NoFrameOfReference,
    /// A presentation state draws on frames, and this lies on none.
    #[error("it lies beside the plane of its frame")]
    OffFrame,
    /// Presentation states here are for grey images.
    #[error("the image is in colour")]
    Color,
    /// More points than the format has room for.
    #[error("it has more points than the format has room for")]
    TooLong,
    /// A segmentation that cannot be said as an object: its grid is not at right angles, or its pictures have no space.
    #[error("it cannot be written as a segmentation object")]
    NoMask,
    /// The points are not those of its kind.
    #[error("its points are not those of its kind")]
    BadShape,
    /// It measures something, or is a text: sets of labels have no form for it.
    #[error("it is a measurement or a text, and no label")]
    NoLabel,
    /// It is a box in space: sets of labels of pictures have no form for it.
    #[error("it is a box in space, and these sets are of pictures")]
    InSpace,
}

impl NotSentReason {
    /// Stable upper-case code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoImage => "NO_IMAGE",
            Self::NoFrameOfReference => "NO_FRAME_OF_REFERENCE",
            Self::OffFrame => "OFF_FRAME",
            Self::Color => "COLOR",
            Self::TooLong => "TOO_LONG",
            Self::NoMask => "NO_MASK",
            Self::BadShape => "BAD_SHAPE",
            Self::NoLabel => "NO_LABEL",
            Self::InSpace => "IN_SPACE",
        }
    }
}

/// A mark that was not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotSent {
    /// Which; for a key image the SOP Instance UID.
    pub id: String,
    /// Why.
    pub reason: NotSentReason,
}

/// What came out of making objects.
#[derive(Clone, Debug, Default)]
pub struct Sent {
    /// The objects.
    pub objects: Vec<MadeObject>,
    /// What is in none of them.
    pub left: Vec<NotSent>,
}

/// Something in a file that did not become a mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestItem {
    /// What it is, by the standard's word: `SCOORD3D ELLIPSOID`, `TEXT`, `BITMAP`…
    pub what: String,
    /// Its concept or layer, for people.
    pub name: String,
    /// The name is what somebody wrote, and no code's meaning.
    pub written: bool,
    /// How many of them.
    pub count: u64,
}

/// Marks that a file held.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MarksRead {
    /// SOP Class UID of the file.
    pub class_uid: String,
    /// SOP Instance UID of the file.
    pub instance_uid: String,
    /// Study Instance UID of the file.
    pub study_uid: String,
    /// This program wrote it.
    pub ours: bool,
    /// Who made it: manufacturer and model.
    pub maker: String,
    /// The marks.
    pub marks: Vec<Annotation>,
    /// Numbers that the file says of them, by the name of their concept: shown beside ours, never instead.
    pub said: BTreeMap<AnnotationId, Vec<MarkNumber>>,
    /// Images that it selects.
    pub key_images: Vec<AnnotationTarget>,
    /// What did not become a mark, counted by kind; it stays to be read in the document.
    pub rest: Vec<RestItem>,
}

impl MarksRead {
    /// Counts something that became no mark, under the name of a code.
    pub fn leave(&mut self, what: impl Into<String>, name: impl Into<String>) {
        self.count(what.into(), name.into(), false);
    }

    /// The same under a name that somebody wrote.
    pub fn leave_written(&mut self, what: impl Into<String>, name: impl Into<String>) {
        self.count(what.into(), name.into(), true);
    }

    fn count(&mut self, what: String, name: String, written: bool) {
        let same = |r: &RestItem| r.what == what && r.name == name;
        match self.rest.iter().position(same) {
            Some(at) => {
                if let Some(item) = self.rest.get_mut(at) {
                    item.count += 1;
                }
            }
            // A report may hold a hundred thousand different words.
            None if self.rest.len() >= 1000 => {}
            None => self.rest.push(RestItem {
                what,
                name,
                written,
                count: 1,
            }),
        }
    }
}

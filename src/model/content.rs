//! What an object says that is no picture: the tree of a report, the outlines of a structure set, the beams of a plan.
//!
//! A tree is a list in reading order, each node with its depth and the end of what lies below it: so it is walked,
//! counted, collapsed and drawn without recursion, and a node is found by its place.

use super::{
    date::Date,
    finding::Finding,
    identity::{PersonName, Phi},
};
use std::sync::Arc;

/// Most nodes of a tree; what lies behind them is counted and left out.
pub const MOST_NODES: usize = 100_000;

/// What kind of thing an object is, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// Structured report.
    Report,
    /// Key object selection.
    KeyObjects,
    /// An encapsulated document: PDF, CDA, a surface for printing.
    Document,
    /// Presentation state.
    PresentationState,
    /// Segmentation: voxels of segments.
    Segmentation,
    /// Surface segmentation, surface scan.
    Surface,
    /// Tractography results.
    Tractography,
    /// RT structure set.
    StructureSet,
    /// RT plan of any kind.
    Plan,
    /// RT dose.
    Dose,
    /// Record of a treatment.
    TreatmentRecord,
    /// Other objects of radiotherapy.
    Radiotherapy,
    /// Waveform: ECG, haemodynamics, sound.
    Waveform,
    /// Spatial registration and fiducials.
    Registration,
    /// Real world value mapping.
    ValueMapping,
    /// Measurements that are neither picture nor report, as of the eye.
    Measurements,
    /// Raw data.
    RawData,
    /// Hanging protocol.
    HangingProtocol,
    /// Colour palette.
    ColorPalette,
    /// A picture: its attributes.
    Picture,
    /// An object of another class.
    Other,
}

impl ObjectKind {
    /// Key of the message catalogue.
    pub const fn message_key(self) -> &'static str {
        match self {
            Self::Report => "object-report",
            Self::KeyObjects => "object-key-objects",
            Self::Document => "object-document",
            Self::PresentationState => "object-presentation-state",
            Self::Segmentation => "object-segmentation",
            Self::Surface => "object-surface",
            Self::Tractography => "object-tractography",
            Self::StructureSet => "object-structure-set",
            Self::Plan => "object-plan",
            Self::Dose => "object-dose",
            Self::TreatmentRecord => "object-treatment-record",
            Self::Radiotherapy => "object-radiotherapy",
            Self::Waveform => "object-waveform",
            Self::Registration => "object-registration",
            Self::ValueMapping => "object-value-mapping",
            Self::Measurements => "object-measurements",
            Self::RawData => "object-raw-data",
            Self::HangingProtocol => "object-hanging-protocol",
            Self::ColorPalette => "object-color-palette",
            Self::Picture => "object-picture",
            Self::Other => "object-other",
        }
    }

    /// Stable word for JSON.
    pub fn word(self) -> &'static str {
        self.message_key().trim_start_matches("object-")
    }
}

/// What a list of objects says about one that is not read yet.
#[derive(Clone, Debug)]
pub struct ObjectDescription {
    /// What it is.
    pub kind: ObjectKind,
    /// Its title as the object gives it; empty where it gives none. Codes speak; what people wrote does too.
    pub title: String,
    /// Whether the title is what somebody wrote and not a code's meaning.
    pub written: bool,
    /// Day on which it was made (Content Date and its like).
    pub date: Option<Date>,
    /// Time of that day, `hh:mm:ss` as far as it goes.
    pub time: String,
}

/// A coded term (PS3.3 section 8).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Code {
    /// Code Value, Long Code Value or URN Code Value.
    pub value: String,
    /// Coding Scheme Designator.
    pub scheme: String,
    /// Coding Scheme Version, mostly empty.
    pub version: String,
    /// Code Meaning, for people.
    pub meaning: String,
}

impl Code {
    /// The meaning; the value where there is none.
    pub fn display(&self) -> &str {
        if self.meaning.is_empty() {
            &self.value
        } else {
            &self.meaning
        }
    }

    /// `(value, scheme)` or `(value, scheme, version)`.
    pub fn notation(&self) -> String {
        let version = match self.version.as_str() {
            "" => String::new(),
            version => format!(" [{version}]"),
        };
        format!("({}, {}{version})", self.value, self.scheme)
    }
}

/// How a node is called.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Name {
    /// In English, or as the object says.
    pub text: String,
    /// Key of the message catalogue, where the name is ours.
    pub key: Option<&'static str>,
    /// Number of the thing, where the name is that of one among several.
    pub number: Option<i64>,
    /// The concept, where the object names one.
    pub code: Option<Box<Code>>,
    /// The attribute, where the name is that of one: group and element.
    pub tag: Option<(u16, u16)>,
}

/// How an item of a report belongs to the one above (PS3.3 table C.17.3-8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relationship {
    /// CONTAINS.
    Contains,
    /// HAS OBS CONTEXT.
    HasObservationContext,
    /// HAS ACQ CONTEXT.
    HasAcquisitionContext,
    /// HAS CONCEPT MOD.
    HasConceptModifier,
    /// HAS PROPERTIES.
    HasProperties,
    /// INFERRED FROM.
    InferredFrom,
    /// SELECTED FROM.
    SelectedFrom,
}

impl Relationship {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Contains,
        Self::HasObservationContext,
        Self::HasAcquisitionContext,
        Self::HasConceptModifier,
        Self::HasProperties,
        Self::InferredFrom,
        Self::SelectedFrom,
    ];

    /// As the standard writes it.
    pub const fn term(self) -> &'static str {
        match self {
            Self::Contains => "CONTAINS",
            Self::HasObservationContext => "HAS OBS CONTEXT",
            Self::HasAcquisitionContext => "HAS ACQ CONTEXT",
            Self::HasConceptModifier => "HAS CONCEPT MOD",
            Self::HasProperties => "HAS PROPERTIES",
            Self::InferredFrom => "INFERRED FROM",
            Self::SelectedFrom => "SELECTED FROM",
        }
    }

    /// Reads the standard's term.
    pub fn parse(term: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.term() == term)
    }
}

/// An instance that is referred to, or a part of one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reference {
    /// Referenced SOP Class UID.
    pub class_uid: String,
    /// The class's name; empty where it is not known.
    pub class_name: &'static str,
    /// Referenced SOP Instance UID, or that of a series.
    pub instance_uid: String,
    /// Frames, counted from 1; none means all.
    pub frames: Vec<u32>,
    /// Segments, or channels of a waveform as multiplex group and channel.
    pub parts: Vec<String>,
}

/// Coordinates that mark something (SCOORD, SCOORD3D, graphics): how many, and the first of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Points {
    /// Graphic Type as in the object.
    pub kind: String,
    /// How many points there are.
    pub count: u64,
    /// 2 for columns and rows of a picture, 3 for the patient's space.
    pub dimensions: u8,
    /// Coordinates of the first points.
    pub first: Vec<f64>,
    /// Frame of Reference UID, for three dimensions.
    pub frame_of_reference_uid: String,
}

/// Most points that are kept of a list.
pub const MOST_POINTS: usize = 8;

/// What a node says.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// Nothing but its name: a heading, or an attribute without a value.
    #[default]
    None,
    /// What somebody wrote, or an identifier in words.
    Text(String),
    /// A defined term or plain figures, as the object writes them.
    Term(String),
    /// A measured number.
    Number {
        /// As written.
        text: String,
        /// As a number.
        value: Option<f64>,
        /// Unit.
        unit: Option<Box<Code>>,
        /// Why there is no number, or what it is worth (Numeric Value Qualifier).
        qualifier: Option<Box<Code>>,
    },
    /// A plain number with a unit that the standard gives.
    Quantity(f64, &'static str),
    /// A coded term.
    Code(Box<Code>),
    /// A date, a time or both, made readable.
    Moment(String),
    /// A UID, with the name that the standard gives it.
    Uid(String, &'static str),
    /// Somebody.
    Person(Phi<PersonName>),
    /// Another object.
    Reference(Box<Reference>),
    /// Coordinates.
    Points(Box<Points>),
    /// Instants or spans of a recording (TCOORD).
    Instants {
        /// Temporal Range Type as in the object.
        kind: String,
        /// Sample positions, offsets in seconds or dates, as written.
        at: String,
    },
    /// A table of this many columns and rows.
    Table {
        /// Columns.
        columns: u64,
        /// Rows.
        rows: u64,
    },
    /// The same as a node of this tree, by its place in the list; `None` when it is not there.
    Link {
        /// Where it leads.
        node: Option<usize>,
        /// Referenced Content Item Identifier, `1.2.3`.
        path: String,
    },
    /// A colour, red, green, blue.
    Color([u8; 3]),
    /// Bytes that are not shown.
    Bytes(u64),
}

/// One node.
#[derive(Clone, Debug, Default)]
pub struct ContentNode {
    /// How deep it lies; 0 at the top.
    pub depth: u16,
    /// Behind the last node that lies below it, as a place in the list.
    pub end: usize,
    /// How it belongs to the one above, in a report.
    pub relationship: Option<Relationship>,
    /// Value Type (0040,A040) in a report, VR for a plain attribute, else empty.
    pub kind: String,
    /// Name.
    pub name: Name,
    /// What it says.
    pub value: Value,
    /// Whether it may say who somebody is: a name, a number of theirs, a date, or words that people wrote.
    pub personal: bool,
    /// Template as `TID 1500 (DCMR)`, for a container.
    pub template: String,
    /// When this was observed, where it is said.
    pub observed: String,
}

/// A document within an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EmbeddedDocument {
    /// MIME Type of Encapsulated Document.
    pub mime_type: String,
    /// Where it begins in the object's bytes.
    pub offset: u64,
    /// How long it is, without padding.
    pub length: u64,
}

/// Everything that an object says.
#[derive(Clone, Debug)]
pub struct Content {
    /// What it is.
    pub kind: ObjectKind,
    /// SOP Class UID.
    pub class_uid: String,
    /// The class's name; empty where it is not known.
    pub class_name: &'static str,
    /// SOP Instance UID.
    pub instance_uid: String,
    /// Title, with whether somebody wrote it.
    pub title: String,
    /// Whether the title is what somebody wrote.
    pub title_written: bool,
    /// Facts about the object as a whole: completion, verification, observers, labels, who and when.
    pub head: Vec<ContentNode>,
    /// The tree in reading order.
    pub nodes: Vec<ContentNode>,
    /// Nodes that are left out because there are too many.
    pub left_out: u64,
    /// A document within.
    pub document: Option<EmbeddedDocument>,
    /// What was noticed.
    pub findings: Vec<Finding>,
}

/// Shared content.
pub type SharedContent = Arc<Content>;

impl Content {
    /// Places `1`, `1.1`, `1.2`… of all nodes, as PS3.3 section C.17.3.2.5 counts: from 1, per level.
    pub fn places(&self) -> Vec<String> {
        let mut counts: Vec<u32> = Vec::new();
        let mut places = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let depth = usize::from(node.depth);
            counts.truncate(depth + 1);
            counts.resize(depth + 1, 0);
            if let Some(last) = counts.last_mut() {
                *last += 1;
            }
            let words: Vec<String> = counts.iter().map(u32::to_string).collect();
            places.push(words.join("."));
        }
        places
    }
}

/// Puts a tree together in reading order; ends and limits follow by themselves.
#[derive(Debug, Default)]
pub struct TreeBuilder {
    nodes: Vec<ContentNode>,
    open: Vec<usize>,
    left_out: u64,
}

impl TreeBuilder {
    /// Adds a node below the last one that is less deep. Gives its place, or `None` when there is no room.
    pub fn push(&mut self, depth: usize, mut node: ContentNode) -> Option<usize> {
        if self.nodes.len() >= MOST_NODES {
            self.left_out += 1;
            return None;
        }
        self.close(depth);
        let at = self.nodes.len();
        // A level that was never opened is no level.
        node.depth = u16::try_from(self.open.len()).unwrap_or(u16::MAX);
        node.end = at + 1;
        self.nodes.push(node);
        self.open.push(at);
        Some(at)
    }

    fn close(&mut self, depth: usize) {
        let end = self.nodes.len();
        while self.open.len() > depth {
            if let Some(node) = self.open.pop().and_then(|at| self.nodes.get_mut(at)) {
                node.end = end;
            }
        }
    }

    /// A node that was added.
    pub fn node_mut(&mut self, at: usize) -> Option<&mut ContentNode> {
        self.nodes.get_mut(at)
    }

    /// Counts what is left out without being looked at.
    pub fn leave_out(&mut self, count: u64) {
        self.left_out += count;
    }

    /// Whether nothing more fits.
    pub fn is_full(&self) -> bool {
        self.nodes.len() >= MOST_NODES
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The nodes, and how many were left out.
    pub fn finish(mut self) -> (Vec<ContentNode>, u64) {
        self.close(0);
        (self.nodes, self.left_out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> ContentNode {
        ContentNode {
            name: Name {
                text: text.to_owned(),
                ..Name::default()
            },
            ..ContentNode::default()
        }
    }

    #[test]
    fn a_tree_knows_where_its_parts_end() {
        let mut tree = TreeBuilder::default();
        for (depth, name) in [(0, "a"), (1, "b"), (2, "c"), (1, "d"), (5, "e"), (0, "f")] {
            tree.push(depth, named(name));
        }
        let (nodes, left_out) = tree.finish();
        let shape: Vec<(u16, usize)> = nodes.iter().map(|n| (n.depth, n.end)).collect();
        assert_eq!(left_out, 0);
        assert_eq!(shape, [(0, 5), (1, 3), (2, 3), (1, 5), (2, 5), (0, 6)]);
    }

    #[test]
    fn nodes_are_bounded_and_counted() {
        let mut tree = TreeBuilder::default();
        for _ in 0..MOST_NODES + 7 {
            tree.push(0, ContentNode::default());
        }
        assert!(tree.is_full());
        let (nodes, left_out) = tree.finish();
        assert_eq!((nodes.len(), left_out), (MOST_NODES, 7));
    }

    #[test]
    fn relationships_are_the_standards() {
        for relationship in Relationship::ALL {
            assert_eq!(Relationship::parse(relationship.term()), Some(relationship));
        }
        assert_eq!(Relationship::parse("CONTAIN"), None);
    }

    #[test]
    fn names_of_people_are_not_printed_by_accident() {
        let value = Value::Person(Phi::new(PersonName::parse("Doe^Jane")));
        assert!(!format!("{value:?}").contains("Doe"));
    }
}

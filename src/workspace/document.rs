//! An object shown as what it says, in a cell in the place of a picture.

use super::library::ObjectNode;
use crate::model::content::{Content, ObjectKind};
use std::{collections::BTreeSet, sync::Arc};

/// More nodes than this are an overview first.
const LONG: usize = 120;

/// As many nodes below another are shown before longer lists are.
const SHORT: usize = 24;

/// What is known of an object's content.
#[derive(Clone, Debug)]
pub enum DocumentState {
    /// On its way.
    Loading,
    /// Here.
    Ready(Arc<Content>),
    /// Cannot be read: code and sentence, free of identity.
    Failed(String),
}

/// A document in a cell.
#[derive(Clone, Debug)]
pub struct DocumentView {
    /// The object.
    pub object: Arc<ObjectNode>,
    /// Nodes whose inside is not shown, by place.
    pub closed: BTreeSet<usize>,
    /// The series whose object this is, and the frame that was shown, to go back to.
    pub from: Option<(String, usize)>,
    /// Where to go in it, with a number that tells one wish from the next.
    pub wish: Option<(Wish, u64)>,
}

/// Where to go in a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// To a node.
    Node(usize),
    /// By lines.
    Lines(i64),
}

impl DocumentView {
    /// A document from its beginning, everything open.
    pub fn new(object: Arc<ObjectNode>, from: Option<(String, usize)>) -> Self {
        Self {
            object,
            closed: BTreeSet::new(),
            from,
            wish: None,
        }
    }

    /// Places of the nodes that are shown, in order: those within closed ones are not.
    pub fn rows(&self, content: &Content) -> Vec<usize> {
        let mut rows = Vec::with_capacity(content.nodes.len());
        let mut at = 0;
        while let Some(node) = content.nodes.get(at) {
            rows.push(at);
            at = if self.closed.contains(&at) {
                node.end.max(at + 1)
            } else {
                at + 1
            };
        }
        rows
    }

    /// Opens a node, or closes it.
    pub fn toggle(&mut self, node: usize) {
        if !self.closed.remove(&node) {
            self.closed.insert(node);
        }
    }

    /// Wishes to go somewhere.
    pub fn wish(&mut self, wish: Wish) {
        let number = self.wish.map_or(1, |(_, number)| number + 1);
        self.wish = Some((wish, number));
    }

    /// Opens everything that hides a node, and asks for it to be in sight.
    pub fn show_node(&mut self, content: &Content, node: usize) {
        let hides = |at: &usize| {
            content
                .nodes
                .get(*at)
                .is_some_and(|outer| *at < node && node < outer.end)
        };
        self.closed.retain(|at| !hides(at));
        self.wish(Wish::Node(node));
    }

    /// How a document opens: a report whole, for it is there to be read; long lists of other objects by their headings.
    pub fn overview(&mut self, content: &Content) {
        let read = matches!(content.kind, ObjectKind::Report | ObjectKind::KeyObjects);
        if read || content.nodes.len() <= LONG || !self.closed.is_empty() {
            return;
        }
        self.close_all(content, true);
        // The longest first: among two hundred images stands a scale of three lines that matters.
        for most in [SHORT, 0] {
            if self.rows(content).len() > LONG {
                let nodes = content.nodes.iter().enumerate();
                let long = nodes.filter(|(at, node)| node.end > at + 1 + most);
                self.closed.extend(long.map(|(at, _)| at));
            }
        }
    }

    /// Closes all nodes that hold others below the second level, or opens all.
    pub fn close_all(&mut self, content: &Content, closed: bool) {
        self.closed.clear();
        if closed {
            let nodes = content.nodes.iter().enumerate();
            let holds = nodes.filter(|(at, node)| node.end > at + 1 && node.depth > 0);
            self.closed.extend(holds.map(|(at, _)| at));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        content::{ContentNode, TreeBuilder},
        study::{Instance, SeriesDescription, Source, SourceKind, StudyDescription, Technique},
    };
    use std::path::Path;

    fn object() -> Arc<ObjectNode> {
        Arc::new(ObjectNode::of(&Arc::new(Instance {
            source: Source {
                path: Arc::from(Path::new("a")),
                kind: SourceKind::Dicom,
                bytes: 1,
                member: None,
            },
            sop_class_uid: String::new(),
            sop_instance_uid: "1.2".into(),
            transfer_syntax_uid: String::new(),
            patient: Arc::default(),
            study: Arc::new(StudyDescription::default()),
            series: Arc::new(SeriesDescription::default()),
            instance_number: None,
            technique: Technique::default(),
            pet: None,
            object: None,
            image: None,
            findings: Vec::new(),
        })))
    }

    fn content(depths: &[usize]) -> Content {
        let mut tree = TreeBuilder::default();
        for depth in depths {
            tree.push(*depth, ContentNode::default());
        }
        Content {
            kind: ObjectKind::Report,
            class_uid: String::new(),
            class_name: "",
            instance_uid: String::new(),
            title: String::new(),
            title_written: false,
            head: Vec::new(),
            nodes: tree.finish().0,
            left_out: 0,
            document: None,
            findings: Vec::new(),
        }
    }

    #[test]
    fn long_lists_open_by_their_headings() {
        // Sixty regions of two lines each.
        let depths: Vec<usize> = (0..60).flat_map(|_| [0, 1, 1]).collect();
        let mut content = content(&depths);
        let mut view = DocumentView::new(object(), None);
        view.overview(&content);
        assert!(view.closed.is_empty(), "reports open whole");
        content.kind = ObjectKind::StructureSet;
        view.overview(&content);
        assert_eq!(view.rows(&content).len(), 60);
        // A short part stays open beside a long one.
        let depths = [vec![0, 1, 1, 0], vec![1; 200]].concat();
        content.nodes = self::content(&depths).nodes;
        let mut view = DocumentView::new(object(), None);
        view.overview(&content);
        assert_eq!(view.rows(&content), [0, 1, 2, 3]);
    }

    #[test]
    fn closed_nodes_hide_what_they_hold() {
        let content = content(&[0, 1, 2, 2, 1, 2, 0]);
        let mut view = DocumentView::new(object(), None);
        assert_eq!(view.rows(&content), [0, 1, 2, 3, 4, 5, 6]);
        view.toggle(1);
        assert_eq!(view.rows(&content), [0, 1, 4, 5, 6]);
        view.toggle(0);
        assert_eq!(view.rows(&content), [0, 6]);
        view.show_node(&content, 3);
        assert_eq!(view.rows(&content), [0, 1, 2, 3, 4, 5, 6]);
        view.close_all(&content, true);
        assert_eq!(view.rows(&content), [0, 1, 4, 6]);
        view.close_all(&content, false);
        assert_eq!(view.rows(&content).len(), 7);
    }
}

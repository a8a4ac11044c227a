//! Where in the pictures a finding of a report's text is: by a mark, a reference of a structured report, a key image,
//! or a mask of the part it lies in. When nothing links it there is no place, and none is made up.

use super::{Workspace, document::DocumentState, masks::key_of, state::Wanted};
use crate::{
    clinical::{
        graph::{EdgeKind, Graph, NodeKind},
        text::{EntityKind, Side, understand},
    },
    model::{
        annotation::AnnotationId,
        content::{Content, Value},
        record::PatientRecord,
    },
};

/// Most words of a label or a node of a report that are looked at.
const MOST_BYTES: usize = 2000;

/// What links a finding to a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// A mark whose label names the finding.
    Mark,
    /// An open structured report that names the finding and refers to an image.
    Reference,
    /// A key image of a study of the report's day: the day is equal, nothing more.
    KeyImage,
    /// A mask of the lungs, where the finding lies in them.
    Mask,
}

/// A place in the pictures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindingPlace {
    /// What links it.
    pub link: Link,
    /// The mark, where it is one.
    pub mark: Option<AnnotationId>,
    /// SOP Instance UID.
    pub instance: String,
    /// Frame, from 1.
    pub frame: u32,
}

/// A finding of a graph: its concept, part of the body, side.
struct Finding<'a> {
    concept: &'a str,
    part: &'a str,
    side: Option<&'a str>,
}

impl<'a> Finding<'a> {
    fn of(key: &'a str) -> Option<Self> {
        let rest = key.strip_prefix("finding:")?;
        let (concept, place) = rest.split_once('@').unwrap_or((rest, ""));
        let (part, side) = match place.split_once(':') {
            Some((part, side)) => (part, Some(side)),
            None => (place, None),
        };
        Some(Self {
            concept,
            part,
            side,
        })
    }

    /// Whether words name this finding, and nothing of their place contradicts.
    fn is_named_in(&self, words: &str) -> bool {
        let mut end = words.len().min(MOST_BYTES);
        while !words.is_char_boundary(end) {
            end -= 1;
        }
        let found = understand(words.get(..end).unwrap_or_default());
        found.entities.iter().enumerate().any(|(number, entity)| {
            // A label is short: a side in it is that of its finding, also where nothing joins the two.
            let (_, side, _) = found.place(number);
            let side = side.or_else(|| found.entities.iter().find_map(|e| e.side));
            let other_side = |side: Side| {
                let both = self.side == Some(Side::Both.word()) || side == Side::Both;
                !both && self.side.is_some_and(|own| own != side.word())
            };
            entity.kind == EntityKind::Finding
                && entity.concept == self.concept
                && !side.is_some_and(other_side)
        })
    }
}

impl Workspace {
    /// Where a node of the record's graph is seen, if anything says so. Only studies of the patient on the screen count.
    pub fn place_of_finding(
        &self,
        graph: &Graph,
        record: &PatientRecord,
        node: usize,
    ) -> Option<FindingPlace> {
        let node_of = |n: usize| graph.nodes.get(n);
        let finding = node_of(node)
            .filter(|n| n.kind == NodeKind::Finding)
            .and_then(|n| Finding::of(&n.key))?;
        // Studies of the days of the reports that say it.
        let mut studies: Vec<&str> = Vec::new();
        for said in graph
            .edges
            .iter()
            .filter(|e| e.to == node && e.kind == EdgeKind::Says)
        {
            let shown = graph
                .edges
                .iter()
                .filter(|e| e.to == said.from && e.kind == EdgeKind::Shows);
            studies.extend(
                shown
                    .filter_map(|e| node_of(e.from))
                    .map(|n| n.study_uid.as_str())
                    .filter(|uid| !uid.is_empty()),
            );
        }
        self.marked(&finding, &studies)
            .or_else(|| self.referred(&finding, record))
            .or_else(|| self.key_image_of(&studies))
            .or_else(|| self.masked(&finding, &studies))
    }

    /// A mark that names it, on a study of the report's day before others.
    fn marked(&self, finding: &Finding<'_>, studies: &[&str]) -> Option<FindingPlace> {
        let named = self
            .marks_in_order()
            .into_iter()
            .filter(|mark| !mark.label.is_empty() && finding.is_named_in(&mark.label));
        let best = named.min_by_key(|m| !studies.contains(&m.target.study_uid.as_str()))?;
        Some(FindingPlace {
            link: Link::Mark,
            mark: Some(best.id.clone()),
            instance: best.target.instance_uid.clone(),
            frame: best.target.frame,
        })
    }

    /// An image that an open report of a study of this record refers to where it names the finding.
    fn referred(&self, finding: &Finding<'_>, record: &PatientRecord) -> Option<FindingPlace> {
        self.read_documents()
            .filter(|(object, _)| {
                let uid = &object.instance.study.uid;
                record.imaging_studies.iter().any(|s| s.study_uid == *uid)
            })
            .find_map(|(_, state)| match state {
                DocumentState::Ready(content) => self.reference_in(finding, content),
                _ => None,
            })
    }

    fn reference_in(&self, finding: &Finding<'_>, content: &Content) -> Option<FindingPlace> {
        content.nodes.iter().enumerate().find_map(|(at, node)| {
            let words = match &node.value {
                Value::Text(text) => text.as_str(),
                Value::Code(code) => code.display(),
                _ => return None,
            };
            if !finding.is_named_in(words) {
                return None;
            }
            // Below the node that names it, else beside it: a group holds the finding and its picture.
            let group = content
                .nodes
                .get(..at)?
                .iter()
                .rposition(|n| n.depth < node.depth)
                .unwrap_or(at);
            let end = |n: usize| content.nodes.get(n).map_or(n, |node| node.end);
            [(at, end(at)), (group, end(group))]
                .into_iter()
                .find_map(|(from, to)| {
                    content.nodes.get(from..to)?.iter().find_map(|n| {
                        let Value::Reference(reference) = &n.value else {
                            return None;
                        };
                        self.library.place_of(&reference.instance_uid)?;
                        Some(FindingPlace {
                            link: Link::Reference,
                            mark: None,
                            instance: reference.instance_uid.clone(),
                            frame: reference.frames.first().copied().unwrap_or(1),
                        })
                    })
                })
        })
    }

    fn key_image_of(&self, studies: &[&str]) -> Option<FindingPlace> {
        let target = self.marks.key_images().iter().find(|target| {
            studies.contains(&target.study_uid.as_str())
                && self.library.place_of(&target.instance_uid).is_some()
        })?;
        Some(FindingPlace {
            link: Link::KeyImage,
            mark: None,
            instance: target.instance_uid.clone(),
            frame: target.frame,
        })
    }

    /// A frame with a mask. The masks of this program are of the lungs.
    fn masked(&self, finding: &Finding<'_>, studies: &[&str]) -> Option<FindingPlace> {
        let in_lungs = finding.part.contains("lobe")
            || finding.part.split('-').any(|word| word == "lung")
            || finding.part == "lingula";
        if !in_lungs {
            return None;
        }
        let series = self
            .library
            .series()
            .filter(|node| studies.contains(&node.study.uid.as_str()));
        series
            .flat_map(|node| &node.layout.frames)
            .find(|frame| self.masks.get(&key_of(frame)).is_some())
            .map(|frame| FindingPlace {
                link: Link::Mask,
                mark: None,
                instance: frame.instance.sop_instance_uid.clone(),
                frame: u32::try_from(frame.frame + 1).unwrap_or(1),
            })
    }

    /// Brings the place into sight.
    pub(super) fn see_finding(&mut self, place: FindingPlace) {
        if let Some(id) = place.mark {
            self.act_on_mark(super::measuring::MarkAction::GoTo(id));
            return;
        }
        let Some((node, first)) = self.library.place_of(&place.instance).cloned() else {
            return;
        };
        let frame = (place.frame as usize).saturating_sub(1);
        let same = |f: &crate::model::layout::FrameRef| {
            f.frame == frame && f.instance.sop_instance_uid == place.instance
        };
        let at = node.layout.frames.iter().position(same).unwrap_or(first);
        let shows = |w: &Self, cell: usize| {
            let viewport = w.viewports.get(cell);
            viewport.is_some_and(|v| v.node.as_ref().is_some_and(|n| n.key == node.key))
        };
        let cell = self
            .visible_cells()
            .find(|cell| shows(self, *cell))
            .unwrap_or(self.active);
        if !shows(self, cell) {
            // Beside another patient it is asked first.
            self.show_or_ask(cell, Wanted::Series(node.key.clone()));
            if self.mixing.asking.is_some() {
                return;
            }
        }
        self.active = cell;
        let cut = self.viewports.get(cell).is_some_and(|v| v.kind.is_cut());
        match (cut, &node.layout.volume) {
            (true, Some(grid)) => {
                let [columns, rows, _] = grid.size.map(|n| n as f64);
                let voxel = glam::DVec3::new(columns / 2.0, rows / 2.0, at as f64);
                self.set_crosshair(cell, grid.patient_from_voxel.transform_point3(voxel));
            }
            _ => self.go_to_slice(cell, at),
        }
        self.request_frames();
    }
}

//! What a segmentation is called, and in which layer a segment lies.

use crate::{
    i18n::Value,
    model::{
        edit::Edit,
        segmentation::{NotMoved, SegmentationEdit},
    },
    workspace::Workspace,
};

impl Workspace {
    /// Calls the segmentation in the active cell otherwise; one step.
    pub(super) fn rename_segmentation(&mut self, title: String) {
        let Some(whole) = self.active_segmentation() else {
            return;
        };
        let from = whole.title.clone();
        if from == title {
            return;
        }
        let edit = SegmentationEdit::Title {
            of: whole.id.clone(),
            from,
            to: title,
        };
        let id = whole.id.clone();
        self.change(&id, vec![Edit::Segmentation(edit)]);
    }

    /// Brings the chosen segment to the next layer that has room for it.
    pub(super) fn move_segment_on(&mut self) {
        let Some((whole, segment)) = self.active_segment() else {
            return;
        };
        let number = segment.number;
        let layers = whole.other_layers(number);
        self.move_segment(number, &layers);
    }

    /// Brings a segment to the first of some layers that has room for it; one step. Where none has, it says what is in the
    /// way in the first of them.
    pub(super) fn move_segment(&mut self, number: u16, layers: &[usize]) {
        let Some(whole) = self.active_segmentation() else {
            return;
        };
        if whole.segment(number).is_some_and(|s| s.locked) {
            return self.notify("notice-segment-locked", String::new());
        }
        let source = self.source("move", String::new());
        let mut refused = None;
        for layer in layers {
            match whole.edits_to_layer(number, *layer, &source) {
                Ok(edits) => {
                    let edits = edits.into_iter().map(Edit::Segmentation).collect();
                    let (id, to) = (whole.id.clone(), layer + 1);
                    if self.change(&id, edits) {
                        self.notify_count("notice-segment-moved", to, String::new());
                    }
                    return;
                }
                Err(why) => refused = refused.or(Some((why, *layer))),
            }
        }
        match refused {
            Some((NotMoved::Overlaps(other), layer)) => {
                let label = whole.segment(other).map_or("", |s| s.label.as_str());
                let args = [("layer", Value::from(layer + 1)), ("name", label.into())];
                let detail = self.settings.language.tr("segment-in-the-way", &args);
                self.notify("notice-segment-overlaps", detail);
            }
            Some((NotMoved::Layer | NotMoved::Missing, _)) => {}
            None => self.notify("notice-segment-no-layer", String::new()),
        }
    }
}

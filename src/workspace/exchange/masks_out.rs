//! Segmentations leave as segmentation objects on their pictures.

use super::Export;
use crate::{
    dicom::{
        frames::FrameSource,
        write::{marks::Making, segmentation::write_segmentation},
    },
    model::{
        exchange::{NotSent, NotSentReason, Sent},
        layout::SeriesLayout,
        segmentation::{
            SegmentState, Segmentation,
            exchange::{Form, Pictures},
        },
    },
};
use std::sync::Arc;

/// The pictures of a segmentation: the series, or the one frame that it is of.
pub(in crate::workspace) fn layout_of(
    whole: &Segmentation,
    layouts: &[Arc<SeriesLayout>],
) -> Option<Arc<SeriesLayout>> {
    let of_series = |layout: &&Arc<SeriesLayout>| {
        let first = layout.first_instance();
        first.is_some_and(|i| i.series.uid == whole.series_uid)
    };
    let Some((instance, number)) = &whole.frame else {
        let mut all = layouts.iter().filter(of_series);
        // Of several parts of a series the one whose voxels they are.
        let same = all.clone().find(|l| l.volume == Some(whole.grid));
        return same.or_else(|| all.next()).cloned();
    };
    layouts.iter().filter(of_series).find_map(|layout| {
        let frame = layout.frames.iter().find(|frame| {
            let of_frame = frame.frame + 1 == *number as usize;
            of_frame && frame.instance.sop_instance_uid == *instance
        })?;
        Some(Arc::new(SeriesLayout {
            frames: vec![frame.clone()],
            volume: None,
            ..SeriesLayout::clone(layout)
        }))
    })
}

/// What others shall have of it: segments that somebody called wrong stay here.
pub(in crate::workspace) fn sent_part(whole: &Segmentation) -> Segmentation {
    let mut part = whole.clone();
    let rejected: Vec<u16> = whole
        .segments()
        .filter(|segment| segment.state == SegmentState::Rejected)
        .map(|segment| segment.number)
        .collect();
    for number in rejected {
        part.remove_segment(number);
    }
    part
}

/// Makes an object for each segmentation that has a segment.
pub(super) fn write(export: &Export, making: &Making, source: &dyn FrameSource) -> Sent {
    let mut sent = Sent::default();
    for whole in &export.segmentations {
        let part = sent_part(whole);
        if part.is_empty() {
            continue;
        }
        let mut leave = |reason| {
            sent.left.push(NotSent {
                id: whole.id.0.clone(),
                reason,
            });
        };
        let layout = layout_of(whole, &export.layouts);
        let first = layout.as_ref().and_then(|l| l.first_instance());
        let read = first.and_then(|first| source.read_source(first).ok());
        let Some((layout, object)) = layout.as_ref().zip(read.as_ref()) else {
            leave(NotSentReason::NoImage);
            continue;
        };
        let pictures = Pictures {
            layout,
            source: object,
        };
        match write_segmentation(&part, Form::Binary, None, &pictures, making) {
            Ok(made) => sent.objects.push(made),
            Err(_) => leave(NotSentReason::NoMask),
        }
    }
    sent
}

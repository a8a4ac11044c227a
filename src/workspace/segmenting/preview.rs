//! What a tool would take, outlined before it does: computed by a thread of its own, the latest wish alone.

use super::{
    SegmentPlace,
    apply::{Frames, SegmentTool, flat_of, pointed},
    pointed::{PointedNews, PointsFound, PointsQuestion},
};
use crate::{
    diary,
    gpu::{GpuContext, MaskVolume},
    imaging::segment::{Bits, Image, outline::outlines},
    model::geometry::GridGeometry,
    task::{CancelToken, spawn_named},
    workspace::{Workspace, event::Event},
};
use glam::DVec3;
use std::{panic::AssertUnwindSafe, sync::Arc};

/// Pixels of a slice of which outlines are shown; a larger one is looked at by a click alone.
const MOST_PIXELS: usize = 16 << 20;
/// Corners of outlines that are shown.
const MOST_CORNERS: usize = 60_000;

/// A wish: a tool that is told a voxel, and the axis across which the slice of that voxel is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Wish {
    /// The cell that is pointed at.
    pub cell: usize,
    /// What it shows.
    pub place: SegmentPlace,
    /// The tool, as a click would carry it out.
    pub tool: SegmentTool,
    /// Its voxel.
    pub at: [usize; 3],
    /// The axis.
    pub axis: usize,
}

/// What a tool would take.
#[derive(Clone, Debug)]
pub struct Outlined {
    /// For which wish.
    pub wish: Wish,
    /// Closed lines in the space of the grid.
    pub lines: Arc<[Vec<DVec3>]>,
    /// Voxels, in all slices.
    pub voxels: u64,
    /// The voxels in the memory of the device that draws, in place of lines.
    pub there: Option<There>,
    /// What a network says.
    pub network: Option<Arc<PointsFound>>,
}

/// Voxels in the memory of the device.
#[derive(Clone, Debug)]
pub struct There {
    /// One bit each.
    pub mask: MaskVolume,
    /// Where they lie.
    pub grid: GridGeometry,
}

/// The wish of now, and what was found last.
#[derive(Debug, Default)]
pub struct Preview {
    wish: Option<Wish>,
    running: Option<CancelToken>,
    found: Option<Outlined>,
    /// What waits to be asked of a network, and what it is asked now.
    question: Option<Box<PointsQuestion>>,
    asked: Option<(u64, Wish)>,
    tickets: u64,
}

impl Preview {
    /// What was found last; of a wish before where the latest is still looked at.
    pub const fn found(&self) -> Option<&Outlined> {
        self.found.as_ref()
    }

    /// What is to be asked of a network, once.
    pub fn take_question(&mut self) -> Option<PointsQuestion> {
        self.question.take().map(|question| *question)
    }

    /// Whether something is being looked at.
    pub const fn is_busy(&self) -> bool {
        self.running.is_some()
    }
}

/// An answer.
#[derive(Debug)]
pub struct Previewed {
    wish: Wish,
    found: Option<Outlined>,
}

impl Workspace {
    /// Outlines what a tool would take, or nothing any more.
    pub(super) fn preview_tool(&mut self, wish: Option<Wish>) {
        let preview = &mut self.segmenting.preview;
        if preview.wish == wish {
            return;
        }
        if wish.is_none() {
            preview.found = None;
        }
        preview.wish = wish;
        // Of a network that is stopped no answer comes.
        preview.question = None;
        if preview.asked.take().is_some()
            && let Some(running) = preview.running.take()
        {
            running.cancel();
        }
        match &preview.running {
            Some(running) => running.cancel(),
            None => self.begin_preview(),
        }
    }

    fn begin_preview(&mut self) {
        let Some(wish) = self.segmenting.preview.wish.clone() else {
            return;
        };
        let Some(viewport) = self.viewports.get(wish.cell) else {
            return;
        };
        let Some(display) = viewport.display.as_ref() else {
            return;
        };
        if viewport.segment_place().as_ref() != Some(&wish.place) {
            return;
        }
        if let (SegmentTool::Prompts(prompts), Some(model)) =
            (&wish.tool, &self.segmenting.by_network)
        {
            if wish.place.frame.is_some() {
                return self.notify("notice-points-no-volume", String::new());
            }
            let from_voxel = wish.place.grid.patient_from_voxel;
            let in_patient = |list: &[[usize; 3]]| -> Vec<DVec3> {
                let middle = |at: &[usize; 3]| DVec3::from_array(at.map(|v| v as f64));
                let points = list.iter().map(middle);
                points.map(|p| from_voxel.transform_point3(p)).collect()
            };
            let cancel = CancelToken::default();
            let (display, model) = (Arc::clone(display), model.clone());
            let (plus, minus) = (in_patient(&prompts.plus), in_patient(&prompts.minus));
            let preview = &mut self.segmenting.preview;
            preview.tickets += 1;
            preview.question = Some(Box::new(PointsQuestion {
                ticket: preview.tickets,
                model,
                display,
                plus,
                minus,
                cancel: cancel.clone(),
            }));
            preview.asked = Some((preview.tickets, wish));
            preview.running = Some(cancel);
            // The program asks before the next frame.
            self.waker.wake("points");
            return;
        }
        let only = wish.place.frame.is_some();
        let shown = only.then(|| viewport.frame_shown());
        let frames = Frames::of(display, wish.place.grid.size, shown);
        let cancel = CancelToken::default();
        let (events, waker) = (self.sender(), self.waker.clone());
        let (token, gpu) = (cancel.clone(), self.gpu.clone());
        let body = move || {
            let looked = || {
                let there = there(&wish, &frames, &gpu, &token);
                there.or_else(|| outlined(&wish, &frames, &token))
            };
            let found = diary::contain(AssertUnwindSafe(looked)).unwrap_or_default();
            let found = found.filter(|_| !token.is_cancelled());
            let previewed = Previewed { wish, found };
            let _ = events.send(Event::SegmentPreview(Box::new(previewed)));
            waker.wake("segment preview");
        };
        if spawn_named("segment preview", body).is_ok() {
            self.segmenting.preview.running = Some(cancel);
        }
    }

    pub(in crate::workspace) fn take_pointed(&mut self, news: PointedNews) {
        let preview = &mut self.segmenting.preview;
        let Some((_, wish)) = preview.asked.take_if(|(ticket, _)| *ticket == news.ticket) else {
            return;
        };
        let found = match news.result {
            Ok(found) => Some(Outlined {
                voxels: found.voxels,
                there: Some(found.there(&wish.place.grid)),
                lines: Arc::from([]),
                network: Some(Arc::new(found)),
                wish: wish.clone(),
            }),
            Err((key, detail)) => {
                self.notify(key, detail);
                None
            }
        };
        self.take_preview(Previewed { wish, found });
    }

    pub(in crate::workspace) fn take_preview(&mut self, previewed: Previewed) {
        let preview = &mut self.segmenting.preview;
        let stopped = preview.running.take().is_some_and(|r| r.is_cancelled());
        if !stopped && preview.wish.as_ref() == Some(&previewed.wish) {
            preview.found = previewed.found;
        } else {
            self.begin_preview();
        }
    }
}

/// What follows from points and scribbles in space, from the device that draws: it stays in its memory.
fn there(
    wish: &Wish,
    values: &dyn Image,
    gpu: &GpuContext,
    cancel: &CancelToken,
) -> Option<Outlined> {
    let SegmentTool::Prompts(prompts) = &wish.tool else {
        return None;
    };
    let (mask, grid, voxels) = prompts.on_device(values, &wish.place.grid, gpu, cancel)?;
    Some(Outlined {
        wish: wish.clone(),
        lines: Arc::from([]),
        voxels,
        there: Some(There { mask, grid }),
        network: None,
    })
}

/// The outlines in the slice of the wish.
fn outlined(wish: &Wish, values: &dyn Image, cancel: &CancelToken) -> Option<Outlined> {
    let grid = &wish.place.grid;
    let (axis, index) = (wish.axis.min(2), *wish.at.get(wish.axis.min(2))?);
    let [columns, rows] = flat_of(axis, grid.size);
    if columns.saturating_mul(rows) > MOST_PIXELS {
        return None;
    }
    if cancel.is_cancelled() {
        return None;
    }
    let bits = pointed(&wish.tool, values, grid.spacing_mm(), None, cancel)?;
    let flat = Bits::from_fn([columns, rows, 1], |[u, v, _]| {
        bits.get(match axis {
            0 => [index, u, v],
            1 => [u, index, v],
            _ => [u, v, index],
        })
    });
    let mut corners = 0;
    let lines = outlines(&flat, 0).into_iter().map_while(|line| {
        corners += line.len();
        // Corners of pixels are half a pixel before their centres.
        let place = |[u, v]: [u32; 2]| {
            let (u, v, at) = (f64::from(u) - 0.5, f64::from(v) - 0.5, index as f64);
            let voxel = match axis {
                0 => DVec3::new(at, u, v),
                1 => DVec3::new(u, at, v),
                _ => DVec3::new(u, v, at),
            };
            grid.patient_from_voxel.transform_point3(voxel)
        };
        (corners <= MOST_CORNERS).then(|| line.into_iter().map(place).collect())
    });
    Some(Outlined {
        wish: wish.clone(),
        lines: lines.collect(),
        voxels: bits.count(),
        there: None,
        network: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::segment::Values;
    use crate::model::geometry::GridGeometry;
    use glam::DAffine3;

    #[test]
    fn what_is_outlined_is_what_a_click_takes() {
        let size = [20, 18, 10];
        // A bright box, and what is around it.
        let values: Vec<f32> = (0..20 * 18 * 10)
            .map(|i| {
                let at = [i % 20, i / 20 % 18, i / 360];
                let inside = (5..9).contains(&at[0]) && (4..11).contains(&at[1]);
                if inside && (2..5).contains(&at[2]) {
                    100.0
                } else {
                    0.0
                }
            })
            .collect();
        let image = Values::new(&values, size).unwrap();
        let grid = GridGeometry {
            size,
            patient_from_voxel: DAffine3::from_scale(DVec3::new(0.5, 0.5, 2.0)),
        };
        let at = [6, 6, 3];
        let sides = [4, 7, 3];
        for axis in 0..3 {
            let tool = SegmentTool::Trace {
                at,
                axis,
                dark: false,
                takes: false,
                range: None,
            };
            let place = SegmentPlace::of_grid(grid);
            let wish = Wish {
                cell: 0,
                place,
                tool,
                at,
                axis,
            };
            let found = outlined(&wish, &image, &CancelToken::default()).unwrap();
            let [wide, high] = flat_of(axis, sides);
            assert_eq!(found.voxels as usize, wide * high);
            assert_eq!((found.lines.len(), found.lines[0].len()), (1, 4));
            let step = grid.spacing_mm();
            for corner in &found.lines[0] {
                let voxel = (*corner / DVec3::from_array(step)).to_array();
                let ends = [[4.5, 8.5], [3.5, 10.5], [1.5, 4.5]];
                for (other, ends) in ends.into_iter().enumerate() {
                    match other == axis {
                        true => assert_eq!(voxel[other], at[other] as f64),
                        false => assert!(ends.contains(&voxel[other]), "{voxel:?}"),
                    }
                }
            }
            // Dark, from outside: what is around the box, with the box as its hole filled.
            let tool = SegmentTool::Trace {
                at: [0; 3],
                axis,
                dark: true,
                takes: false,
                range: Some([-1.0, 1.0]),
            };
            let all = pointed(&tool, &image, step, None, &CancelToken::default()).unwrap();
            let [w, h] = flat_of(axis, size);
            assert_eq!(all.count() as usize, w * h, "slice 0 has nothing bright");
        }
        let tool = SegmentTool::Grow {
            seed: at,
            range: [50.0, 150.0],
            slice: None,
        };
        let place = SegmentPlace::of_grid(grid);
        let wish = Wish {
            cell: 0,
            place,
            tool,
            at,
            axis: 2,
        };
        let found = outlined(&wish, &image, &CancelToken::default()).unwrap();
        assert_eq!(found.voxels, 4 * 7 * 3);
    }
}

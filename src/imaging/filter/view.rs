//! Which plane filters act on, and how their result is shown in its place.
//!
//! A frame of a stack is filtered in its own pixels; a cut in pixels as wide as the smallest distance of voxels, over all
//! of the volume that it crosses. So what a filter does depends neither on zoom nor on what part is looked at.

use super::FilterPlane;
use crate::model::{
    lut::ModalityLut,
    pixels::{Frame, PixelBytes, StoredType},
    view::{GreyPipeline, SliceView},
};
use glam::{DAffine3, DMat3, DVec3};

/// Longest side of the plane of a cut; above it its pixels are made larger.
const LONGEST_CUT: f64 = 2048.0;

/// A plane to be filtered, and the view of the result.
#[derive(Clone, Debug, PartialEq)]
pub struct FilterView {
    /// The plane: drawn as values, these are what the filters take.
    pub plane: SliceView,
    /// What shows the filtered plane, a single slice of floats ([`StoredType::F32`], no number where there is no
    /// image), in the place of the view that was asked for.
    pub result: SliceView,
}

impl FilterView {
    /// For a view along one frame of so many columns and rows. `None` for colour.
    pub fn of_frame(view: &SliceView, [columns, rows]: [usize; 2]) -> Option<Self> {
        let slice = view.voxel_from_viewport.translation.z;
        let voxel_from_plane = DAffine3::from_translation(DVec3::new(-0.5, -0.5, slice));
        Self::of(view, voxel_from_plane, [columns, rows].map(|n| n as u32))
    }

    /// For a cut through a grid of voxels whose smallest distance is `finest` viewport pixels. `None` for colour, and
    /// when the view has no inverse.
    pub fn of_cut(view: &SliceView, size: [usize; 3], finest: f64) -> Option<Self> {
        let voxel_from_viewport = view.voxel_from_viewport;
        let determinant = voxel_from_viewport.matrix3.determinant();
        if !determinant.is_finite() || determinant == 0.0 || !finest.is_finite() || finest <= 0.0 {
            return None;
        }
        let viewport_from_voxel = voxel_from_viewport.inverse();
        let end = DVec3::from_array(size.map(|n| n as f64 - 0.5));
        let corners = (0..8).map(|corner| {
            let at = |bit: u8, end: f64| if corner & bit == 0 { -0.5 } else { end };
            viewport_from_voxel.transform_point3(DVec3::new(
                at(1, end.x),
                at(2, end.y),
                at(4, end.z),
            ))
        });
        let (low, high) = corners.fold((DVec3::MAX, DVec3::MIN), |(l, h), c| (l.min(c), h.max(c)));
        let extent = (high - low).truncate();
        let pixel = finest.max(extent.max_element() / LONGEST_CUT);
        let plane_size = [extent.x, extent.y].map(|e| ((e / pixel).round() as u32).max(1));
        let viewport_from_plane = DAffine3 {
            matrix3: DMat3::from_diagonal(DVec3::new(pixel, pixel, 1.0)),
            translation: DVec3::new(low.x, low.y, 0.0),
        };
        Self::of(view, voxel_from_viewport * viewport_from_plane, plane_size)
    }

    fn of(view: &SliceView, voxel_from_plane: DAffine3, size: [u32; 2]) -> Option<Self> {
        if view.samples != 1 {
            return None;
        }
        let plane = SliceView {
            size,
            voxel_from_viewport: voxel_from_plane,
            // Pixels of the plane are no larger than voxels.
            area: false,
            ..view.clone()
        };
        // Pixel centres of the plane are at half-integers, those of the slice it becomes at integers.
        let mut slice_from_viewport = voxel_from_plane.inverse() * view.voxel_from_viewport;
        slice_from_viewport.translation -= DVec3::new(0.5, 0.5, 0.0);
        slice_from_viewport.translation.z = 0.0;
        slice_from_viewport.matrix3.x_axis.z = 0.0;
        slice_from_viewport.matrix3.y_axis.z = 0.0;
        let result = SliceView {
            voxel_from_viewport: slice_from_viewport,
            grey: GreyPipeline {
                stored_type: StoredType::F32,
                modality_lut: ModalityLut::IDENTITY,
                padding: None,
                ..view.grey.clone()
            },
            slab: None,
            ..view.clone()
        };
        Some(Self { plane, result })
    }

    /// Whether another view's filters take the same values: zoom, pan and window do not matter. Places within a
    /// millionth of a voxel are the same, since they were computed in different ways.
    pub fn same_plane(&self, other: &Self) -> bool {
        let close = |a: DAffine3, b: DAffine3| {
            // The direction across the plane does not matter.
            let axes = [
                a.matrix3.x_axis - b.matrix3.x_axis,
                a.matrix3.y_axis - b.matrix3.y_axis,
                a.translation - b.translation,
            ];
            axes.into_iter().all(|d| d.abs().max_element() < 1e-6)
        };
        let (a, b) = (&self.plane, &other.plane);
        a.size == b.size
            && close(a.voxel_from_viewport, b.voxel_from_viewport)
            && a.interpolation == b.interpolation
            && a.slab == b.slab
            && a.grey.stored_type == b.grey.stored_type
            && a.grey.modality_lut == b.grey.modality_lut
            && a.grey.padding == b.grey.padding
    }
}

impl FilterPlane {
    /// The plane as a frame of 32-bit floats.
    pub fn to_frame(&self) -> Option<Frame> {
        let bytes: Vec<u8> = self
            .values()
            .iter()
            .flat_map(|v| (*v as f32).to_le_bytes())
            .collect();
        let [columns, rows] = self.size();
        let pixels = PixelBytes::from_vec(bytes);
        Frame::new(rows, columns, 1, StoredType::F32, pixels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::reslice::{draw_cpu, values_cpu};
    use crate::model::{
        lut::{PaddingRange, Voi},
        view::Interpolation,
    };

    fn frame(columns: usize, rows: usize) -> Frame {
        let values = (0..columns * rows).map(|i| (i * i * 7 % 251) as u8);
        let bytes = PixelBytes::from_vec(values.collect());
        Frame::new(rows, columns, 1, StoredType::U8, bytes).unwrap()
    }

    fn view(voxel_from_viewport: DAffine3) -> SliceView {
        SliceView {
            size: [40, 30],
            voxel_from_viewport,
            interpolation: Interpolation::Linear,
            grey: GreyPipeline {
                stored_type: StoredType::U8,
                modality_lut: ModalityLut::Rescale {
                    slope: 2.0,
                    intercept: -100.0,
                },
                voi: Voi::window(100.0, 300.0),
                inverted: true,
                padding: Some(PaddingRange { low: 0, high: 3 }),
                presentation: None,
            },
            samples: 1,
            area: false,
            slab: None,
        }
    }

    /// Without any filter the result is the picture itself.
    fn shows_the_same(view: &SliceView, views: &FilterView, frames: &[Option<Frame>]) {
        let values = values_cpu(&views.plane, frames);
        let [columns, rows] = views.plane.size.map(|n| n as usize);
        let values = values.into_iter().map(f64::from).collect();
        let plane = FilterPlane::new(columns, rows, values).unwrap();
        let shown = draw_cpu(&views.result, &[plane.to_frame()]);
        for (a, b) in shown.iter().zip(draw_cpu(view, frames)) {
            assert!(a.abs_diff(b) <= 1, "{a} {b}");
        }
    }

    #[test]
    fn a_frame_is_filtered_in_its_own_pixels() {
        let turned = DAffine3 {
            matrix3: DMat3::from_cols(
                DVec3::new(0.0, 0.41, 0.0),
                DVec3::new(-0.41, 0.0, 0.0),
                DVec3::Z,
            ),
            translation: DVec3::new(13.2, 1.7, 1.0),
        };
        let frames = [None, Some(frame(16, 20)), None];
        let view = view(turned);
        let views = FilterView::of_frame(&view, [16, 20]).unwrap();
        assert_eq!(views.plane.size, [16, 20]);
        shows_the_same(&view, &views, &frames);
        let mut moved = view.clone();
        moved.voxel_from_viewport.translation.x += 3.0;
        moved.grey.voi = Voi::window(0.0, 10.0);
        moved.size = [7, 9];
        assert!(views.same_plane(&FilterView::of_frame(&moved, [16, 20]).unwrap()));
        moved.voxel_from_viewport.translation.z = 2.0;
        assert!(!views.same_plane(&FilterView::of_frame(&moved, [16, 20]).unwrap()));
        moved.samples = 3;
        assert!(FilterView::of_frame(&moved, [16, 20]).is_none());
    }

    #[test]
    fn a_cut_is_filtered_as_a_whole() {
        let frames = vec![Some(frame(14, 18)); 12];
        // Along columns and slices, slices twice as far apart as columns; 3.2 pixels to a column.
        let scale = 1.0 / 3.2;
        let across = DAffine3 {
            matrix3: DMat3::from_cols(DVec3::X * scale, DVec3::Z * (scale / 2.0), DVec3::Y * scale),
            translation: DVec3::new(2.0, 9.0, 3.0),
        };
        let mut view = view(across);
        view.interpolation = Interpolation::Nearest;
        view.grey.padding = None;
        let views = FilterView::of_cut(&view, [14, 18, 12], 3.2).unwrap();
        assert_eq!(views.plane.size, [14, 24]);
        shows_the_same(&view, &views, &frames);
        // Zoomed and moved within the plane it is the same plane.
        let mut other = view.clone();
        other.voxel_from_viewport.matrix3 *= 0.7;
        other.voxel_from_viewport.translation += DVec3::new(1.5, 0.0, -2.0);
        let other = FilterView::of_cut(&other, [14, 18, 12], 3.2 / 0.7).unwrap();
        assert!(views.same_plane(&other));
        view.voxel_from_viewport.translation.y += 1.0;
        assert!(!views.same_plane(&FilterView::of_cut(&view, [14, 18, 12], 3.2).unwrap()));
        view.voxel_from_viewport.matrix3 = DMat3::ZERO;
        assert!(FilterView::of_cut(&view, [14, 18, 12], 3.2).is_none());
    }
}

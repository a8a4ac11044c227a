//! Where what a viewport shows lies in the patient.
//!
//! Must stay true: a slice has a place only where its object gives position, orientation and millimetres; nothing is
//! guessed. Two viewports share a space when their objects name the same frame of reference of the same patient.

use super::{
    display::SeriesDisplay,
    link::SlicePlane,
    view::{ViewKind, Viewport},
};
use crate::model::geometry::GridGeometry;
use glam::DVec3;

/// The rectangle of a frame of a series.
pub fn frame_plane(display: &SeriesDisplay, index: usize) -> Option<SlicePlane> {
    let reference = display.layout.frames.get(index)?;
    let image = reference.instance.image.as_ref()?;
    let description = image.frame(reference.frame);
    let plane = description.plane.as_ref()?;
    let spacing = description.spacing;
    spacing.source()?;
    let (row_mm, column_mm) = spacing.row_column();
    let (columns, rows) = (image.columns as f64, image.rows as f64);
    Some(SlicePlane {
        centre: plane.patient_from_pixel(spacing, (columns - 1.0) / 2.0, (rows - 1.0) / 2.0),
        half_row: plane.along_row * (columns * column_mm / 2.0),
        half_column: plane.along_column * (rows * row_mm / 2.0),
    })
}

impl Viewport {
    /// Whether it shows a cut through a volume and not the frames themselves.
    pub fn is_cut(&self) -> bool {
        self.kind != ViewKind::Stack && self.display.as_ref().is_some_and(|d| d.is_volume())
    }

    /// Key of the series in it.
    pub fn series_key(&self) -> Option<&str> {
        self.node.as_ref().map(|node| node.key.as_str())
    }

    /// The rectangle that is shown: of the frame, or of the volume as seen along the normal of the cut.
    pub fn plane_shown(&self) -> Option<SlicePlane> {
        let display = self.display.as_ref()?;
        if !self.is_cut() {
            return frame_plane(display, self.slice);
        }
        let grid = display.layout.volume?;
        let picture = self.picture([64, 64])?;
        let normal = picture.right.cross(picture.down);
        let centre = grid.centre();
        let through = picture.patient_from_viewport.translation;
        Some(SlicePlane {
            centre: centre + normal * (through - centre).dot(normal),
            half_row: picture.right * reach(&grid, picture.right),
            half_column: picture.down * reach(&grid, picture.down),
        })
    }

    /// The rectangles of all frames of a stack, in order.
    pub fn frame_planes(&self) -> impl Iterator<Item = Option<SlicePlane>> + '_ {
        let display = self.display.as_deref();
        let count = display.map_or(0, |d| d.layout.frames.len());
        (0..count).map(move |index| frame_plane(display?, index))
    }

    /// Frame of Reference UID (0020,0052) of the shown frame; `None` where the object names none.
    pub fn frame_of_reference(&self) -> Option<&str> {
        let display = self.display.as_ref()?;
        let reference = display.layout.frames.get(self.frame_shown())?;
        let uid = reference.instance.series.frame_of_reference_uid.as_str();
        (!uid.is_empty()).then_some(uid)
    }

    /// Whether a point of one is a point of the other: the same frame of reference of the same patient.
    pub fn shares_space_with(&self, other: &Self) -> bool {
        let same = match (self.frame_of_reference(), other.frame_of_reference()) {
            (Some(own), Some(others)) => own == others,
            _ => false,
        };
        same && self.patient() == other.patient()
    }
}

/// Half of what a grid covers along a direction, millimetres.
fn reach(grid: &GridGeometry, direction: DVec3) -> f64 {
    let axes = grid.patient_from_voxel.matrix3;
    [axes.x_axis, axes.y_axis, axes.z_axis]
        .iter()
        .zip(grid.size)
        .map(|(step, n)| step.dot(direction).abs() * n as f64 / 2.0)
        .sum()
}

//! What a viewport shows, as numbers: the same description feeds the shader and its CPU twin.

use super::{
    explanation::MapPalette,
    geometry::{BodyPlane, GridGeometry, orientation_letters},
    lut::{LookupTable, ModalityLut, PaddingRange, Voi},
    pixels::StoredType,
    slab::SlabSteps,
};
use glam::{DAffine3, DMat3, DVec3};

/// How values between voxel centres are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Interpolation {
    /// The nearest voxel.
    Nearest,
    /// Linear between modality values; padding voxels are left out and the weights renormalised.
    #[default]
    Linear,
    /// Cubic convolution of modality values with Keys' kernel, a = -1/2 (Catmull-Rom): it meets the voxels and may
    /// overshoot between them. Where a voxel that it needs is padding, or lies in a slice that is not there, linear.
    Cubic,
}

impl Interpolation {
    /// All, in the order in which they are offered.
    pub const ALL: [Self; 3] = [Self::Nearest, Self::Linear, Self::Cubic];

    /// The next one, the first after the last.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::Nearest => Self::Linear,
            Self::Linear => Self::Cubic,
            Self::Cubic => Self::Nearest,
        }
    }

    /// Stable lower-case word for the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Nearest => "nearest",
            Self::Linear => "linear",
            Self::Cubic => "cubic",
        }
    }
}

/// How decoded samples become modality and display values.
#[derive(Clone, Debug, PartialEq)]
pub struct GreyPipeline {
    /// Type of a stored value.
    pub stored_type: StoredType,
    /// Stored to modality value.
    pub modality_lut: ModalityLut,
    /// Modality to display value.
    pub voi: Voi,
    /// Lowest is white: that of the image (`ImageDescription::lowest_is_white`), exclusive or the user's invert.
    pub inverted: bool,
    /// Values that carry no image; drawn black.
    pub padding: Option<PaddingRange>,
    /// Presentation LUT Sequence (PS3.3 C.11.6): VOI output, first entry black to last entry white, to P-values.
    pub presentation: Option<LookupTable>,
}

/// One picture: which grid is sampled where.
#[derive(Clone, Debug, PartialEq)]
pub struct SliceView {
    /// Width and height in pixels, both at least 1.
    pub size: [u32; 2],
    /// Voxel indices (column, row, slice) of the viewport point (x, y, 0) in pixels; pixel centres are at
    /// half-integers. Composed in f64 as `voxel_from_patient * patient_from_viewport`.
    pub voxel_from_viewport: DAffine3,
    /// How to sample.
    pub interpolation: Interpolation,
    /// Grey chain; for RGB frames only `inverted` counts.
    pub grey: GreyPipeline,
    /// Samples per pixel of the source: 1 or 3.
    pub samples: usize,
    /// Where pixels are larger than voxels, each shows the mean of the voxels under it, weighted by area, instead of
    /// the value in its middle: fine detail of a reduced picture does not alias. Only where the plane follows the axes
    /// of the grid, and not with [`Interpolation::Nearest`] or a slab.
    pub area: bool,
    /// What is looked at before and behind the plane; its points are sampled as `interpolation` says, linear for
    /// cubic.
    pub slab: Option<SlabSteps>,
}

/// Where the screen lies in the patient: one plane, its directions and its scale.
///
/// All ways of looking are built from this: the image's own rows and columns, a body plane, an oblique cut, turned
/// or mirrored. The letters at the edges come from the same vectors, so they cannot differ from the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ViewPlane {
    /// The patient point in the middle of the viewport, millimetres LPS.
    pub centre: DVec3,
    /// Patient direction to the right of the screen, unit length.
    pub right: DVec3,
    /// Patient direction down the screen, unit length and orthogonal to `right`.
    pub down: DVec3,
    /// Millimetres per viewport pixel, above zero.
    pub mm_per_pixel: f64,
}

impl ViewPlane {
    /// A body plane through a point, as radiologists look at it (see [`BodyPlane::screen_axes`]).
    pub const fn body(plane: BodyPlane, through: DVec3, mm_per_pixel: f64) -> Self {
        let (right, down) = plane.screen_axes();
        Self {
            centre: through,
            right,
            down,
            mm_per_pixel,
        }
    }

    /// A slice in the image's own axes: rows to the right, columns down, centred on the slice.
    pub fn of_slice(grid: &GridGeometry, slice: f64, mm_per_pixel: f64) -> Self {
        let axes = grid.patient_from_voxel.matrix3;
        let right = axes.x_axis.normalize_or(DVec3::X);
        // Sheared grids (gantry tilt) have columns that are not orthogonal to the normal, but always to the rows.
        let down = (axes.y_axis - right * right.dot(axes.y_axis)).normalize_or(DVec3::Y);
        let middle = DVec3::new(
            grid.size[0] as f64 * 0.5 - 0.5,
            grid.size[1] as f64 * 0.5 - 0.5,
            slice,
        );
        Self {
            centre: grid.patient_from_voxel.transform_point3(middle),
            right,
            down,
            mm_per_pixel,
        }
    }

    /// A cut through a point. `normal` points away from the viewer, `up` to the top of the screen.
    /// `None` when the two are parallel, zero or not finite.
    pub fn oblique(through: DVec3, normal: DVec3, up: DVec3, mm_per_pixel: f64) -> Option<Self> {
        let normal = normal.try_normalize()?;
        let up = up.try_normalize()?;
        let upright = up - normal * normal.dot(up);
        if upright.length() < 1e-6 {
            return None;
        }
        let down = -upright.normalize();
        Some(Self {
            centre: through,
            right: down.cross(normal),
            down,
            mm_per_pixel,
        })
    }

    /// The direction away from the viewer.
    pub fn normal(&self) -> DVec3 {
        self.right.cross(self.down)
    }

    /// The picture turned clockwise by quarter turns.
    #[must_use]
    pub fn turned(mut self, quarters: u32) -> Self {
        for _ in 0..quarters % 4 {
            (self.right, self.down) = (-self.down, self.right);
        }
        self
    }

    /// The picture mirrored: left and right exchanged, top and bottom exchanged.
    #[must_use]
    pub fn mirrored(mut self, horizontally: bool, vertically: bool) -> Self {
        if horizontally {
            self.right = -self.right;
        }
        if vertically {
            self.down = -self.down;
        }
        self
    }

    /// The picture moved by viewport pixels (to the right, down).
    #[must_use]
    pub fn panned(mut self, x: f64, y: f64) -> Self {
        self.centre -= (self.right * x + self.down * y) * self.mm_per_pixel;
        self
    }

    /// The picture enlarged by a factor, the patient point under a viewport pixel staying where it is.
    #[must_use]
    pub fn zoomed(mut self, factor: f64, size: [u32; 2], x: f64, y: f64) -> Self {
        let kept = self
            .patient_from_viewport(size)
            .transform_point3(DVec3::new(x, y, 0.0));
        self.mm_per_pixel /= factor;
        let moved = self
            .patient_from_viewport(size)
            .transform_point3(DVec3::new(x, y, 0.0));
        self.centre += kept - moved;
        self
    }

    /// Millimetres per pixel at which the whole grid, to the borders of its outer voxels, just fits the viewport.
    pub fn fitting(&self, grid: &GridGeometry, size: [u32; 2]) -> f64 {
        let half = grid.size.map(|n| n as f64 * 0.5);
        let axes = grid.patient_from_voxel.matrix3;
        // A single frame has no depth to fit.
        let depth = if grid.size[2] > 1 { half[2] } else { 0.0 };
        let reach = |direction: DVec3| {
            2.0 * (axes.x_axis.dot(direction).abs() * half[0]
                + axes.y_axis.dot(direction).abs() * half[1]
                + axes.z_axis.dot(direction).abs() * depth)
        };
        let fit = (reach(self.right) / f64::from(size[0].max(1)))
            .max(reach(self.down) / f64::from(size[1].max(1)));
        if fit.is_finite() && fit > 0.0 {
            fit
        } else {
            1.0
        }
    }

    /// Patient millimetres from viewport pixels (x, y, depth): pixel centres lie at half-integers, the middle of the
    /// viewport is `centre`, depth counts away from the viewer in the same scale.
    pub fn patient_from_viewport(&self, size: [u32; 2]) -> DAffine3 {
        let matrix3 = DMat3::from_cols(self.right, self.down, self.normal()) * self.mm_per_pixel;
        let middle = DVec3::new(f64::from(size[0]) * 0.5, f64::from(size[1]) * 0.5, 0.0);
        DAffine3 {
            matrix3,
            translation: self.centre - matrix3 * middle,
        }
    }

    /// Directions to the left, right, top and bottom edge.
    pub fn edges(&self) -> [DVec3; 4] {
        [-self.right, self.right, -self.down, self.down]
    }

    /// Letters at the left, right, top and bottom edge.
    pub fn edge_letters(&self) -> [String; 4] {
        self.edges().map(orientation_letters)
    }

    /// The picture of a grid on this plane; `None` when the grid is flat.
    pub fn slice_view(
        &self,
        grid: &GridGeometry,
        size: [u32; 2],
        interpolation: Interpolation,
        grey: GreyPipeline,
        samples: usize,
    ) -> Option<SliceView> {
        Some(SliceView {
            size,
            voxel_from_viewport: grid.voxel_from_patient()? * self.patient_from_viewport(size),
            interpolation,
            grey,
            samples,
            area: false,
            slab: None,
        })
    }
}

/// How a probability or label overlay is drawn over a slice.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OverlayStyle {
    /// Probability at and above which a point belongs to the mask, 0 to 1.
    pub threshold: f32,
    /// Opacity of the fill, 0 to 1.
    pub opacity: f32,
    /// sRGB colour, 0 to 1.
    pub color: [f32; 3],
    /// Width of the outline in viewport pixels; 0 for none.
    pub outline_px: f32,
    /// Dashed outline: the mark of AI output.
    pub dashed: bool,
    /// The values are those of an explanation: each is drawn in its colour, and nothing is thresholded or outlined.
    pub palette: Option<MapPalette>,
}

impl OverlayStyle {
    /// The look of an explanation.
    pub const fn explaining(palette: MapPalette, opacity: f32) -> Self {
        Self {
            threshold: 0.0,
            opacity,
            outline_px: 0.0,
            palette: Some(palette),
            ..Self::AI
        }
    }

    /// The look of an AI proposal (violet, dashed).
    pub const AI: Self = Self {
        threshold: 0.5,
        opacity: 0.35,
        color: [0.710, 0.549, 1.0],
        outline_px: 1.5,
        dashed: true,
        palette: None,
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: DVec3, b: DVec3) {
        assert!((a - b).length() < 1e-9, "{a} {b}");
    }

    fn grid() -> GridGeometry {
        GridGeometry {
            size: [8, 6, 4],
            patient_from_voxel: DAffine3 {
                matrix3: DMat3::from_diagonal(DVec3::new(0.5, 2.0, 3.0)),
                translation: DVec3::new(10.0, 20.0, 30.0),
            },
        }
    }

    #[test]
    fn letters_stand_where_the_patient_is() {
        let check = |plane: ViewPlane, expected: [&str; 4]| {
            assert_eq!(plane.edge_letters(), expected.map(String::from));
        };
        let body = |plane| ViewPlane::body(plane, DVec3::ZERO, 1.0);
        check(body(BodyPlane::Axial), ["R", "L", "A", "P"]);
        check(body(BodyPlane::Coronal), ["R", "L", "H", "F"]);
        check(body(BodyPlane::Sagittal), ["A", "P", "H", "F"]);
        // A quarter turn clockwise brings what was on top to the right.
        check(body(BodyPlane::Axial).turned(1), ["P", "A", "R", "L"]);
        check(body(BodyPlane::Axial).turned(2), ["L", "R", "P", "A"]);
        check(body(BodyPlane::Axial).turned(7), ["A", "P", "L", "R"]);
        check(
            body(BodyPlane::Axial).mirrored(true, false),
            ["L", "R", "A", "P"],
        );
        check(
            body(BodyPlane::Axial).mirrored(false, true),
            ["R", "L", "P", "A"],
        );
    }

    #[test]
    fn a_slice_view_meets_its_own_pixels() {
        let grid = grid();
        // The rows are 2 mm apart: at 0.5 mm a pixel, 8 columns take 8 pixels and 6 rows take 24.
        let plane = ViewPlane::of_slice(&grid, 2.0, 0.5);
        let view = plane
            .slice_view(&grid, [8, 24], Interpolation::Nearest, plain(), 1)
            .unwrap();
        let at = |x, y| {
            view.voxel_from_viewport
                .transform_point3(DVec3::new(x, y, 0.0))
        };
        near(at(0.5, 2.0), DVec3::new(0.0, 0.0, 2.0));
        near(at(7.5, 22.0), DVec3::new(7.0, 5.0, 2.0));
        assert_eq!(plane.fitting(&grid, [8, 24]), 0.5);
        assert_eq!(plane.fitting(&grid, [8, 12]), 1.0);
    }

    #[test]
    fn panning_and_zooming_keep_the_point_under_the_hand() {
        let plane = ViewPlane::body(BodyPlane::Coronal, DVec3::new(1.0, 2.0, 3.0), 0.7);
        let point = |p: &ViewPlane, x, y| {
            p.patient_from_viewport([200, 100])
                .transform_point3(DVec3::new(x, y, 0.0))
        };
        let before = point(&plane, 30.0, 40.0);
        near(point(&plane.panned(5.0, -7.0), 35.0, 33.0), before);
        let zoomed = plane.zoomed(2.5, [200, 100], 30.0, 40.0);
        near(point(&zoomed, 30.0, 40.0), before);
        assert!((zoomed.mm_per_pixel - 0.28).abs() < 1e-12);
        near(point(&plane, 100.0, 50.0), plane.centre);
    }

    #[test]
    fn an_oblique_cut_with_the_axial_normal_is_the_axial_plane() {
        let axial = ViewPlane::body(BodyPlane::Axial, DVec3::ONE, 1.0);
        let made = ViewPlane::oblique(DVec3::ONE, DVec3::Z, DVec3::NEG_Y, 1.0).unwrap();
        near(made.right, axial.right);
        near(made.down, axial.down);
        near(axial.normal(), DVec3::Z);
        assert!(ViewPlane::oblique(DVec3::ONE, DVec3::Z, DVec3::Z, 1.0).is_none());
        assert!(ViewPlane::oblique(DVec3::ONE, DVec3::ZERO, DVec3::Z, 1.0).is_none());
    }

    fn plain() -> GreyPipeline {
        GreyPipeline {
            stored_type: StoredType::U8,
            modality_lut: ModalityLut::IDENTITY,
            voi: Voi::window(128.0, 256.0),
            inverted: false,
            padding: None,
            presentation: None,
        }
    }
}

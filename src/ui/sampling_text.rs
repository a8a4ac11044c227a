//! What the corner says of how a picture was made: plane, slab, interpolation.

use super::overlay_text::plane_name;
use crate::{
    i18n::{Language, Value},
    imaging::reslice::{PixelGrid, area::half_widths},
    model::{
        geometry::BodyPlane,
        slab::Projection,
        view::{Interpolation, SliceView},
    },
    workspace::view::Viewport,
};

/// The name of a plane that was turned, and how far it leans.
pub fn oblique(words: Language, plane: BodyPlane, viewport: &Viewport) -> String {
    let degrees = Value::Fixed(viewport.cuts.tilt_degrees(plane), 1);
    let name = plane_name(words, plane);
    words.tr(
        "overlay-oblique",
        &[("plane", name.into()), ("degrees", degrees)],
    )
}

/// Mode, thickness and number of points of a slab.
pub fn slab(words: Language, viewport: &Viewport, view: &SliceView) -> Option<String> {
    let (asked, steps) = (viewport.view.slab?, view.slab?);
    let mode = words.word(match asked.projection {
        Projection::Mip => "overlay-slab-mip",
        Projection::MinIp => "overlay-slab-minip",
        Projection::Mean => "overlay-slab-mean",
    });
    let thickness = Value::Fixed(
        asked.thickness_mm,
        u8::from(asked.thickness_mm.fract() != 0.0),
    );
    Some(words.tr(
        "overlay-slab",
        &[
            ("mode", mode.into()),
            ("mm", thickness),
            ("points", (steps.count as usize).into()),
        ],
    ))
}

/// How values between voxels were made, or that a pixel is the mean of those under it.
pub fn interpolation(words: Language, view: &SliceView) -> &'static str {
    let grid = PixelGrid::of(&view.voxel_from_viewport);
    words.word(match view.interpolation {
        _ if half_widths(view, &grid).is_some() => "overlay-area",
        Interpolation::Nearest => "overlay-nearest",
        // Points of a slab are linear.
        Interpolation::Cubic if view.slab.is_none() => "overlay-cubic",
        Interpolation::Linear | Interpolation::Cubic => "overlay-linear",
    })
}

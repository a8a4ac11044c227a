//! What a mark comes to: its kind and points to the measurement of that kind, with the values of the frame it lies on.
//!
//! The window, its list, the exports and the command line all come here, so that no two of them can say different
//! numbers of one mark.
//!
//! Must stay true: a mark is measured on the frame that it was drawn on, and in a volume, where it lies on no frame,
//! on its own plane through the voxels. A circle keeps two points, which lie in many planes: it lies in that of its
//! frame, and whoever draws one on another plane keeps an ellipse with equal axes. Nothing here waits for a frame: one that is not there is said.

use super::{
    Anchor, Ask, FramePixels, MeasureError, Measurement, OutlineForm, Placed, Region, Ruler,
    VolumePixels, angle, bidirectional, cardiothoracic, cobb, cuboid, length, perpendicular, place,
    polyline, probe_frame, probe_volume, roi_in_volume, roi_on_frame, sampling_mm, slices_of_plane,
    slices_of_region, uptake::add_uptake,
};
use crate::{
    imaging::{suv::SuvRefusal, window::modality_frame},
    model::{
        annotation::{AnnotationTarget, MarkKind, PointSpace, Shape},
        geometry::{GridGeometry, Spacing},
        layout::{FrameRef, SeriesLayout},
        lut::ModalityLut,
        pixels::Frame,
    },
};
use glam::DVec3;
use std::ops::Range;

/// An outline this near to a frame's plane is on it, in a series that could be sampled between its frames.
pub const ON_FRAME_MM: f64 = 0.01;

/// What of a shape can be measured.
#[derive(Clone, Debug, PartialEq)]
pub enum ShapeMeasure {
    /// Numbers that need no pixels.
    Plain(Measurement),
    /// An outline; values under it may be looked at.
    Outline(Box<Placed>),
    /// The value at a point.
    Probe(DVec3),
    /// Arrows and texts, and shapes that are not finished yet.
    Nothing,
}

/// Measures a shape. `normal` is that of a circle in patient space.
///
/// # Errors
/// Points that cannot be measured.
pub fn measure_shape(
    ruler: &Ruler,
    shape: &Shape,
    normal: Option<DVec3>,
) -> Result<ShapeMeasure, MeasureError> {
    let outline = |form: &OutlineForm| {
        place(form, ruler, normal).map(|placed| ShapeMeasure::Outline(Box::new(placed)))
    };
    let plain = |found: Result<Measurement, MeasureError>| found.map(ShapeMeasure::Plain);
    match (shape.kind, shape.points.as_slice()) {
        (MarkKind::Point, &[p]) => Ok(ShapeMeasure::Probe(p)),
        (MarkKind::Length, &[a, b]) => plain(length(ruler, [a, b])),
        (MarkKind::Polyline, all) if all.len() >= 2 => plain(polyline(ruler, all, false)),
        (MarkKind::Angle, &[a, v, b]) => plain(angle(ruler, [a, v, b])),
        (MarkKind::Cobb, &[a, b, c, d]) => plain(cobb(ruler, [[a, b], [c, d]])),
        (MarkKind::Bidirectional, &[a, b]) => plain(length(ruler, [a, b])),
        (MarkKind::Bidirectional, &[a, b, c, d]) => plain(bidirectional(ruler, [[a, b], [c, d]])),
        (MarkKind::Perpendicular, &[p, a, b]) => plain(perpendicular(ruler, p, [a, b])),
        (MarkKind::CardiothoracicRatio, &[a, b, c, d]) => {
            plain(cardiothoracic(ruler, [a, b], [c, d]))
        }
        (MarkKind::Box, &[a, b, c, d]) => plain(cuboid(ruler, [a, b, c, d])),
        (MarkKind::Ellipse, &[c, a, b]) => outline(&OutlineForm::Ellipse([c, a, b])),
        (MarkKind::Rectangle, &[a, c]) => outline(&OutlineForm::RectangleAlongPixels([a, c])),
        (MarkKind::Rectangle, &[a, b, c]) => outline(&OutlineForm::RectangleCorners([a, b, c])),
        (MarkKind::Circle, &[c, r]) => outline(&OutlineForm::Circle([c, r])),
        (MarkKind::Polygon | MarkKind::Freehand, all) if all.len() >= 3 => {
            outline(&OutlineForm::Polygon(all.to_vec()))
        }
        (MarkKind::Spline, all) if all.len() >= 3 => outline(&OutlineForm::Spline(all.to_vec())),
        _ => Ok(ShapeMeasure::Nothing),
    }
}

/// Where the values of a mark stand.
#[derive(Clone, Debug, PartialEq)]
pub enum ValuesState {
    /// The mark looks at no pixels.
    None,
    /// They are in the measurement.
    Here,
    /// Their frames are not there yet.
    Waiting,
    /// They cannot be had.
    Refused(MeasureError),
}

/// A measured mark.
#[derive(Clone, Debug, PartialEq)]
pub struct MarkMeasure {
    /// The numbers.
    pub measurement: Measurement,
    /// What became of its values.
    pub values: ValuesState,
    /// Where the millimetres come from.
    pub spacing: Spacing,
    /// The frame (index in the series) that the values are of; none when they are sampled between frames.
    pub on_frame: Option<usize>,
    /// Why values of PET are not told as SUV; `None` where they are, or are none of PET.
    pub suv_refused: Option<SuvRefusal>,
}

impl MarkMeasure {
    /// Nothing known yet.
    pub fn waiting(spacing: Spacing) -> Self {
        Self {
            measurement: Measurement::default(),
            values: ValuesState::Waiting,
            spacing,
            on_frame: None,
            suv_refused: None,
        }
    }
}

/// The frame of a series (index) that a mark was drawn on.
pub fn target_frame(layout: &SeriesLayout, target: &AnnotationTarget) -> Option<usize> {
    let number = (target.frame as usize).checked_sub(1)?;
    let same =
        |f: &FrameRef| f.frame == number && f.instance.sop_instance_uid == target.instance_uid;
    layout.frames.iter().position(same)
}

/// The scale of a mark, and what its frame says.
///
/// # Errors
/// A frame that is not in the series, or one on which such points have no scale.
pub fn mark_ruler(
    space: PointSpace,
    target: &AnnotationTarget,
    layout: &SeriesLayout,
) -> Result<(Ruler, Anchor, usize), MeasureError> {
    let at = target_frame(layout, target).ok_or(MeasureError::NoImage)?;
    let anchor = anchor_of(layout, at).ok_or(MeasureError::NoImage)?;
    let ruler = Ruler::of(space, [&anchor])?;
    Ok((ruler, anchor, at))
}

fn anchor_of(layout: &SeriesLayout, at: usize) -> Option<Anchor> {
    let frame = layout.frames.get(at)?;
    Anchor::of(&frame.instance, frame.frame)
}

/// Measures a mark. `frame` gives a decoded frame of the series by its index, or `None` while it is not there;
/// without it only what needs no pixels is measured.
///
/// # Errors
/// What cannot be measured at all; values that cannot be had are said in the answer.
pub fn measure_mark(
    space: PointSpace,
    target: &AnnotationTarget,
    shape: &Shape,
    layout: &SeriesLayout,
    frame: Option<&dyn Fn(usize) -> Option<Frame>>,
    ask: &Ask,
) -> Result<MarkMeasure, MeasureError> {
    let (ruler, anchor, at) = mark_ruler(space, target, layout)?;
    let normal = anchor.plane.map(|p| p.normal());
    let begun = |measurement| MarkMeasure {
        measurement,
        values: ValuesState::None,
        spacing: anchor.spacing,
        on_frame: None,
        suv_refused: None,
    };
    let looking = |found: Result<(Measurement, Option<usize>), MeasureError>,
                   mut to: MarkMeasure| {
        match found {
            Ok((values, on_frame)) => {
                to.measurement.append(values);
                to.values = ValuesState::Here;
                to.on_frame = on_frame;
                add_uptake(layout, &mut to);
            }
            Err(MeasureError::SliceMissing) => to.values = ValuesState::Waiting,
            Err(error) => to.values = ValuesState::Refused(error),
        }
        to
    };
    Ok(match measure_shape(&ruler, shape, normal)? {
        ShapeMeasure::Nothing => begun(Measurement::new(shape.kind.name())),
        ShapeMeasure::Plain(measurement) => begun(measurement),
        ShapeMeasure::Outline(placed) => {
            let to = begun(placed.measurement.clone());
            let Some(frame) = frame else {
                return Ok(MarkMeasure {
                    values: ValuesState::Waiting,
                    ..to
                });
            };
            let found = outline_values(&placed, space, layout, &anchor, at, frame, ask);
            looking(found, to)
        }
        ShapeMeasure::Probe(point) => {
            let to = begun(Measurement::new("point"));
            let Some(frame) = frame else {
                return Ok(MarkMeasure {
                    values: ValuesState::Waiting,
                    ..to
                });
            };
            let found = probe_values(&ruler, space, layout, &anchor, at, frame, point);
            looking(found, to)
        }
    })
}

/// The values under an outline, and the frame that they are of.
fn outline_values(
    placed: &Placed,
    space: PointSpace,
    layout: &SeriesLayout,
    anchor: &Anchor,
    at: usize,
    frame: &dyn Fn(usize) -> Option<Frame>,
    ask: &Ask,
) -> Result<(Measurement, Option<usize>), MeasureError> {
    if space == PointSpace::Pixel {
        return on_frame(placed, layout, anchor, at, frame, ask);
    }
    let near = |anchor: &Anchor| {
        let distance = placed.distance_mm(anchor).ok()?;
        (layout.volume.is_none() || distance <= ON_FRAME_MM).then_some(distance)
    };
    if near(anchor).is_some() {
        return on_frame(placed, layout, anchor, at, frame, ask);
    }
    // It was moved off its frame, or drawn on a cut: the nearest frame that it lies on, where there is one.
    let others = (0..layout.frames.len()).filter_map(|i| {
        let anchor = anchor_of(layout, i)?;
        Some((i, near(&anchor)?, anchor))
    });
    if let Some((i, _, anchor)) = others.min_by(|a, b| a.1.total_cmp(&b.1)) {
        return on_frame(placed, layout, &anchor, i, frame, ask);
    }
    let grid = layout.volume.ok_or(MeasureError::NoVolume)?;
    let frames = slices(layout, &grid, slices_of_plane(&grid, placed), frame)?;
    let volume = volume_pixels(layout, &grid, &frames)?;
    let found = roi_in_volume(placed, &volume, sampling_mm(&grid), ask)?;
    Ok((found, None))
}

fn on_frame(
    placed: &Placed,
    layout: &SeriesLayout,
    anchor: &Anchor,
    at: usize,
    frame: &dyn Fn(usize) -> Option<Frame>,
    ask: &Ask,
) -> Result<(Measurement, Option<usize>), MeasureError> {
    let pixels = frame(at).ok_or(MeasureError::SliceMissing)?;
    let reference = layout.frames.get(at).ok_or(MeasureError::NoImage)?;
    let image = reference.instance.image.as_ref();
    let image = image.ok_or(MeasureError::NoImage)?;
    let pixels = FramePixels::of(image, reference.frame, &pixels);
    Ok((roi_on_frame(placed, anchor, &pixels, ask)?, Some(at)))
}

fn probe_values(
    ruler: &Ruler,
    space: PointSpace,
    layout: &SeriesLayout,
    anchor: &Anchor,
    at: usize,
    frame: &dyn Fn(usize) -> Option<Frame>,
    point: DVec3,
) -> Result<(Measurement, Option<usize>), MeasureError> {
    match (space, layout.volume) {
        (PointSpace::Patient, Some(grid)) => {
            let here = Region::Sphere {
                centre: ruler.metric(point)?,
                radius_mm: 0.0,
            };
            let frames = slices(layout, &grid, slices_of_region(&grid, &here), frame)?;
            let volume = volume_pixels(layout, &grid, &frames)?;
            Ok((probe_volume(ruler, &volume, point)?, None))
        }
        _ => {
            let pixels = frame(at).ok_or(MeasureError::SliceMissing)?;
            let reference = layout.frames.get(at).ok_or(MeasureError::NoImage)?;
            let image = reference.instance.image.as_ref();
            let image = image.ok_or(MeasureError::NoImage)?;
            let pixels = FramePixels::of(image, reference.frame, &pixels);
            Ok((probe_frame(ruler, anchor, &pixels, point)?, Some(at)))
        }
    }
}

/// The slices of a volume, those in the range there.
fn slices(
    layout: &SeriesLayout,
    grid: &GridGeometry,
    range: Range<usize>,
    frame: &dyn Fn(usize) -> Option<Frame>,
) -> Result<Vec<Option<Frame>>, MeasureError> {
    // A shape beside the volume needs no slice, but something that says how large they are.
    let range = if range.is_empty() { 0..1 } else { range };
    (0..grid.size[2])
        .map(|k| {
            if !range.contains(&k) {
                return Ok(None);
            }
            let held = frame(k).ok_or(MeasureError::SliceMissing)?;
            // Slices with scales of their own meet as modality values.
            Ok(
                match layout.frames.get(k).filter(|_| layout.mixed_rescale) {
                    Some(reference) => one_scale(&held, reference),
                    None => Some(held),
                },
            )
        })
        .collect()
}

fn one_scale(frame: &Frame, reference: &FrameRef) -> Option<Frame> {
    let image = reference.instance.image.as_ref()?;
    let lut = &image.frame(reference.frame).modality_lut;
    modality_frame(frame, lut, image.padding)
}

fn volume_pixels<'v>(
    layout: &'v SeriesLayout,
    grid: &'v GridGeometry,
    frames: &'v [Option<Frame>],
) -> Result<VolumePixels<'v>, MeasureError> {
    let first = layout.frames.first().ok_or(MeasureError::NoImage)?;
    let image = first.instance.image.as_ref().ok_or(MeasureError::NoImage)?;
    let description = image.frame(first.frame);
    let mixed = layout.mixed_rescale;
    Ok(VolumePixels {
        grid,
        frames,
        modality_lut: match mixed {
            true => &ModalityLut::IDENTITY,
            false => &description.modality_lut,
        },
        unit: &description.unit,
        padding: image.padding.filter(|_| !mixed),
    })
}

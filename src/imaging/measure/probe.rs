//! The value at one point: of the nearest pixel or voxel, and in a volume the one between voxels too.

use super::{
    Counts, MeasureError, Measurement, Ruler,
    plane::Plane,
    roi::{pixel_from_outline, viewport},
    ruler::Anchor,
    source::{FramePixels, VolumePixels, add_counts, lut_source, value_quantity},
};
use crate::{
    imaging::{
        measure::{Ground, Outline, Placed},
        reslice::{PixelGrid, Sample, sample},
        statistics::is_image,
        window::modality_value,
    },
    model::annotation::PointSpace,
};
use glam::{DVec2, DVec3};

/// The nearest index, when it is one of `size`. Halves belong to the upper pixel, as on the screen.
fn index(place: f64, size: usize) -> Option<usize> {
    let nearest = (place + 0.5).floor();
    (nearest >= 0.0 && nearest < size as f64).then_some(nearest as usize)
}

/// The value of the pixel nearest to a point. Grey gives `value` and `stored`, colour `red`, `green` and `blue`.
///
/// # Errors
/// A patient point further off the frame than half a slice.
pub fn probe_frame(
    ruler: &Ruler,
    anchor: &Anchor,
    pixels: &FramePixels<'_>,
    point: DVec3,
) -> Result<Measurement, MeasureError> {
    let metric = ruler.place(point)?;
    let mut measurement = Measurement::new("point");
    let place = match ruler.space() {
        PointSpace::Pixel => point.truncate(),
        PointSpace::Patient => {
            let frame = anchor.plane.ok_or(MeasureError::NoPatientSpace)?;
            let placed = Placed {
                measurement: Measurement::default(),
                outline: Outline::Polygon(vec![DVec2::ZERO]),
                ground: Ground::Patient(Plane::along(&frame, metric)),
            };
            let (map, _) = pixel_from_outline(&placed, anchor)?;
            map.transform_point2(DVec2::ZERO)
        }
    };
    measurement.places.push(("pixel", place.extend(0.0)));
    let frame = pixels.frame;
    let nearest = index(place.x, frame.columns).zip(index(place.y, frame.rows));
    let mut counts = Counts {
        inside: 1,
        ..Counts::default()
    };
    let Some((column, row)) = nearest else {
        counts.outside = 1;
        add_counts(&mut measurement, counts, "pixels");
        return Ok(measurement);
    };
    let (lut, unit, source, padding) = pixels.meaning();
    // A palette index is shown as what it is; only sums over indices mean nothing.
    let channels = pixels.channels().unwrap_or(&[""]);
    for (channel, name) in channels.iter().enumerate() {
        let Some(stored) = frame.value(column, row, channel) else {
            continue;
        };
        if name.is_empty() {
            let image = is_image(stored, frame.stored_type, padding);
            let value = image.then(|| modality_value(stored, lut));
            let quantities = &mut measurement.quantities;
            quantities.push(value_quantity("value".into(), value, &unit, source));
            quantities.push(value_quantity(
                "stored".into(),
                finite(stored),
                "",
                "stored values",
            ));
            counts.n = u64::from(image);
            counts.padding = u64::from(!image && stored.is_finite());
            counts.not_finite = u64::from(!stored.is_finite());
        } else {
            let name = name.trim_end_matches('.').to_owned();
            let quantity = value_quantity(name, finite(stored), &unit, source);
            measurement.quantities.push(quantity);
            counts.n = u64::from(stored.is_finite());
        }
    }
    let nearest = DVec3::new(column as f64, row as f64, 0.0);
    measurement.places.push(("nearest_pixel", nearest));
    add_counts(&mut measurement, counts, "pixels");
    Ok(measurement)
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// The value of the voxel nearest to a patient point, and the linear one between voxels.
///
/// # Errors
/// No patient space, or a slice that is not there.
pub fn probe_volume(
    ruler: &Ruler,
    volume: &VolumePixels<'_>,
    point: DVec3,
) -> Result<Measurement, MeasureError> {
    if ruler.space() != PointSpace::Patient {
        return Err(MeasureError::NoPatientSpace);
    }
    let point = ruler.metric(point)?;
    let map = volume.grid.voxel_from_patient();
    let place = map.ok_or(MeasureError::NoVolume)?.transform_point3(point);
    let mut measurement = Measurement::new("point");
    measurement.places.push(("voxel", place));
    let mut counts = Counts {
        inside: 1,
        ..Counts::default()
    };
    let [columns, rows, slices] = volume.grid.size;
    let (Some(column), Some(row), Some(slice)) = (
        index(place.x, columns),
        index(place.y, rows),
        index(place.z, slices),
    ) else {
        counts.outside = 1;
        add_counts(&mut measurement, counts, "voxels");
        return Ok(measurement);
    };
    let first = volume.first()?;
    let frame = volume.frames.get(slice).and_then(Option::as_ref);
    let stored = frame.ok_or(MeasureError::SliceMissing)?;
    let stored = stored.value(column, row, 0).unwrap_or(f64::NAN);
    let image = is_image(stored, first.stored_type, volume.padding);
    counts.n = u64::from(image);
    counts.padding = u64::from(!image && stored.is_finite());
    counts.not_finite = u64::from(!stored.is_finite());
    let (unit, source) = (volume.unit.label(), lut_source(volume.modality_lut));
    let value = image.then(|| modality_value(stored, volume.modality_lut));
    let between = between(volume, point)?;
    measurement.quantities.extend([
        value_quantity("value".into(), value, unit, source),
        value_quantity("stored".into(), finite(stored), "", "stored values"),
        value_quantity("interpolated".into(), between, unit, source),
    ]);
    let nearest = DVec3::new(column as f64, row as f64, slice as f64);
    measurement.places.push(("nearest_voxel", nearest));
    add_counts(&mut measurement, counts, "voxels");
    Ok(measurement)
}

/// The linear value; `None` where there is only padding.
fn between(volume: &VolumePixels<'_>, point: DVec3) -> Result<Option<f64>, MeasureError> {
    let plane = Plane {
        origin: point,
        right: DVec3::X,
        down: DVec3::Y,
    };
    let view = volume.view([1, 1], viewport(&plane, point, 1.0))?;
    let grid = PixelGrid::of(&view.voxel_from_viewport);
    match sample(&view, volume.frames, &grid, 0, 0) {
        Sample::Value(value) => Ok(Some(value)),
        Sample::Missing => Err(MeasureError::SliceMissing),
        Sample::Outside | Sample::Padding | Sample::Color(_) => Ok(None),
    }
}

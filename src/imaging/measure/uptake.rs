//! Uptake beside values: what was measured of a PET series, as SUV of every kind that can be had.
//!
//! SUV is the modality value times one factor (`imaging::suv`), so means and extremes of a region are those of its
//! values times the factor of their frame.

use super::{MarkMeasure, Measurement, Quantity, ValuesState};
use crate::{
    imaging::suv::{self, SuvRefusal, SuvScale},
    model::layout::SeriesLayout,
};

/// Statistics that are told as SUV.
const TOLD: [&str; 6] = ["value", "mean", "sd_sample", "min", "max", "median"];

/// Adds the uptake to what was measured, or why there is none.
pub(super) fn add_uptake(layout: &SeriesLayout, to: &mut MarkMeasure) {
    if to.values != ValuesState::Here {
        return;
    }
    let Some(scale) = suv::of_layout(layout) else {
        return;
    };
    let found = scale.and_then(|scale| {
        let frame = frame_of(&scale, to)?;
        quantities(&scale, frame, &to.measurement)
    });
    match found {
        Ok(more) => to.measurement.quantities.extend(more),
        Err(refusal) => to.suv_refused = Some(refusal),
    }
}

/// The frame whose factor counts; any where all have one.
fn frame_of(scale: &SuvScale, measure: &MarkMeasure) -> Result<usize, SuvRefusal> {
    let mut places = measure.measurement.places.iter();
    let voxel = places.find(|(name, _)| *name == "nearest_voxel");
    // The cast saturates.
    let of_voxel = voxel.map(|(_, p)| p.z.round().max(0.0) as usize);
    match measure.on_frame.or(of_voxel) {
        Some(frame) => Ok(frame),
        None if scale.is_uniform() => Ok(0),
        None => Err(SuvRefusal::differs()),
    }
}

fn quantities(
    scale: &SuvScale,
    frame: usize,
    of: &Measurement,
) -> Result<Vec<Quantity>, SuvRefusal> {
    let told = of.quantities.iter().filter_map(|q| {
        let name = TOLD.iter().find(|told| **told == q.name)?;
        Some((*name, q.value?))
    });
    let told: Vec<(&str, f64)> = told.collect();
    let mut found = Vec::new();
    for kind in scale.kinds() {
        let factor = scale.factor(kind, frame)?;
        found.extend(told.iter().map(|(name, value)| Quantity {
            name: format!("{}.{name}", kind.word()),
            value: Some(value * factor),
            unit: kind.unit().to_owned(),
            source: kind.label().to_owned(),
            label: format!("{} {}", kind.unit(), kind.label()),
        }));
    }
    Ok(found)
}

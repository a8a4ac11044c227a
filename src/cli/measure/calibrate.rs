//! Lines of known length in a spec, and those that a store keeps: the series as they are measured.

use super::{
    find::find_series,
    run::{RunError, refusal},
    series::Series,
    spec::{KnownLength, Place, Spec, SpecError},
};
use crate::{
    imaging::calibrate::{calibrated, spacing_by, that_hold},
    model::{
        annotation::AnnotationTarget,
        calibration::{Calibration, Signature},
        date::Date,
        geometry::Spacing,
        layout::SeriesLayout,
    },
};
use glam::DVec2;
use serde_json::{Value, json};

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// Series with their calibrations, and what is said of those of the spec.
pub(super) struct Calibrated {
    /// The series.
    pub layouts: Vec<SeriesLayout>,
    /// An answer for each line of the spec, in order.
    pub answers: Vec<Value>,
    /// How many of them do not count.
    pub refused: usize,
}

/// Applies the calibrations of a spec over those that are kept. `now_ms` is when those of the spec are made that name no
/// day.
pub(super) fn calibrate(
    spec: &Spec,
    kept: impl Iterator<Item = Calibration>,
    layouts: Vec<SeriesLayout>,
    now_ms: i64,
) -> Calibrated {
    let series: Vec<Series<'_>> = layouts.iter().map(Series::of).collect();
    let mut all: Vec<Calibration> = kept.collect();
    let mut refused = 0;
    let answers = spec
        .calibrations
        .iter()
        .map(|known| match resolve(known, &series, now_ms) {
            Ok((calibration, spacing)) => {
                let (row_mm, column_mm) = spacing.row_column();
                let target = &calibration.target;
                let answer = json!({
                    "series_instance_uid": target.series_uid,
                    "sop_instance_uid": target.instance_uid,
                    "frame": target.frame,
                    "row_mm": row_mm,
                    "column_mm": column_mm,
                    "source": spacing.unit_label(),
                });
                all.push(calibration);
                answer
            }
            Err(error) => {
                refused += 1;
                json!({"refused": refusal(&error)})
            }
        });
    let answers = answers.collect();
    let holds = that_hold(&layouts, &all);
    let apply = |layout: SeriesLayout| calibrated(&layout, &holds).unwrap_or(layout);
    Calibrated {
        layouts: layouts.into_iter().map(apply).collect(),
        answers,
        refused,
    }
}

fn resolve(
    known: &KnownLength,
    series: &[Series<'_>],
    now_ms: i64,
) -> Result<(Calibration, Spacing), RunError> {
    let place = Place {
        series: known.series.clone(),
        instance: known.instance.clone(),
        image: known.image,
        frame: known.frame,
    };
    let found = series
        .get(find_series(series, &place)?)
        .ok_or(RunError::NoSeries)?;
    let at = match place.names_frame() || found.layout.frames.len() > 1 {
        true => found.frame(&place)?,
        false => 0,
    };
    let frame = found.layout.frames.get(at).ok_or(RunError::NoFrame)?;
    let by = Signature::new(&known.by).ok_or(SpecError::Name)?;
    let at_ms = match &known.on {
        None => now_ms,
        Some(day) => Date::parse(day)
            .filter(|d| d.day > 0)
            .and_then(|d| d.days_since_epoch().checked_mul(DAY_MS))
            .ok_or(SpecError::Day)?,
    };
    let instance = &frame.instance;
    let calibration = Calibration {
        target: AnnotationTarget {
            study_uid: instance.study.uid.clone(),
            series_uid: instance.series.uid.clone(),
            instance_uid: instance.sop_instance_uid.clone(),
            frame: u32::try_from(frame.frame + 1).unwrap_or(u32::MAX),
            frame_of_reference_uid: String::new(),
        },
        ends: known.points.map(DVec2::from_array),
        true_mm: known.true_mm,
        by,
        at_ms,
        confirmed: known.confirmed,
    };
    let spacing = spacing_by(&calibration, instance, frame.frame)?;
    Ok((calibration, spacing))
}

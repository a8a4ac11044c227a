//! How much of the dose is left at the moment the pixel values mean (PS3.3 C.8.9.1.1.5, C.8.9.4.1.4 and .5).
//!
//! All times are microseconds of the scanner's own clock, of one zone. What is not known is refused.

use super::{Attribute, Input, InputValue, SuvRefusal, SuvRefusalKind};
use crate::model::{
    date::Date,
    finding::{Finding, Severity},
    pet::{
        FrameFacts, MICROS_PER_DAY, Moment, PetFacts, RadiopharmaceuticalFacts, TimeOfDay,
        known_to_the_day,
    },
};
use std::f64::consts::LN_2;

/// How much a time may be off before the number is: as a share of the activity.
const NEGLIGIBLE: f64 = 1e-3;
/// Disagreement between attributes that is worth a word, as a share of the activity.
const NOTABLE: f64 = 1e-2;
/// Half lives after which nothing is left to see: a time or a date is wrong.
const MOST_HALF_LIVES: f64 = 10.0;
/// A time of day tells the day only when nobody scans on a later one.
const SHORT_LIVED_SECS: f64 = 6.0 * 3600.0;
/// Seconds lost where one of two times has no fraction.
const ROUNDING_MICROS: i64 = 1_000_000;

/// Decay of the dose up to the moment that pixel values mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FrameDecay {
    /// From the injection to that moment, seconds.
    pub decay_secs: f64,
    /// Share of the dose that is left, 0 to 1.
    pub factor: f64,
}

/// The event to which pixel values are corrected, Decay Correction (0054,1102).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecayCorrection {
    /// The injection: the dose is taken as it was given. To let it decay as well would correct twice.
    Admin,
    /// The beginning of the scan.
    Start,
    /// No correction: each frame means its own time.
    None,
}

/// What the calculation found on its way.
pub(super) struct Notes {
    pub(super) inputs: Vec<Input>,
    pub(super) warnings: Vec<Finding>,
}

impl Notes {
    pub(super) fn warn(&mut self, code: &'static str, severity: Severity, text: &str) {
        if !self.warnings.iter().any(|w| w.code == code) {
            self.warnings.push(Finding::new(code, severity, text));
        }
    }

    pub(super) fn used(&mut self, attribute: Attribute, value: InputValue) {
        self.inputs.push(Input { attribute, value });
    }
}

/// Microseconds since 1970 on the clock of the file.
fn micros(date: Date, time: TimeOfDay) -> i64 {
    date.days_since_epoch() * MICROS_PER_DAY + time.micros()
}

fn seconds(micros: i64) -> f64 {
    micros as f64 * 1e-6
}

/// A number that must be above zero to mean anything.
pub(super) fn positive(value: Option<f64>) -> Option<f64> {
    value.filter(|v| v.is_finite() && *v > 0.0)
}

/// A span above zero that an examination can have, milliseconds.
fn milliseconds(value: Option<f64>) -> Option<f64> {
    positive(value).filter(|v| *v < 1e10)
}

/// From the beginning of a frame to when its mean activity occurs: ln(λT / (1 - exp(-λT))) / λ, the T_ave of
/// C.8.9.4.1.5. For λT of 1e-8 and less it is T / 2 to the last digit.
fn average_secs(lambda: f64, duration_secs: f64) -> f64 {
    let x = lambda * duration_secs;
    if x < 1e-8 {
        return duration_secs * 0.5;
    }
    (x / -(-x).exp_m1()).ln() / lambda
}

/// The times of a series, once all of them are known.
struct Times<'a> {
    frames: &'a [FrameFacts],
    /// Beginning of each frame.
    acquired: Vec<i64>,
    earliest: i64,
    /// Series Date and Time, which only the correction to the beginning of the scan needs.
    series: Result<i64, SuvRefusal>,
    zone: Option<i16>,
    lambda: f64,
}

impl<'a> Times<'a> {
    fn of(facts: &'a PetFacts, half_life_secs: f64) -> Result<Self, SuvRefusal> {
        let required = |date: Option<Date>, time: Option<TimeOfDay>, names: [Attribute; 2]| {
            let date = date.filter(|d| known_to_the_day(*d));
            let date = date.ok_or_else(|| SuvRefusal::missing(&[names[0]]))?;
            let time = time.ok_or_else(|| SuvRefusal::missing(&[names[1]]))?;
            Ok::<i64, SuvRefusal>(micros(date, time))
        };
        let names = [Attribute::SeriesDate, Attribute::SeriesTime];
        let series = required(facts.series_date, facts.series_time, names);
        let names = [Attribute::AcquisitionDate, Attribute::AcquisitionTime];
        let acquired: Result<Vec<i64>, SuvRefusal> = facts
            .frames
            .iter()
            .map(|f| required(f.acquisition_date, f.acquisition_time, names))
            .collect();
        let acquired = acquired?;
        let (Some(&earliest), Some(first)) = (acquired.iter().min(), facts.frames.first()) else {
            return Err(SuvRefusal::missing(&names));
        };
        let zone = first.utc_offset_minutes;
        if facts.frames.iter().any(|f| f.utc_offset_minutes != zone) {
            let why = "the images are of different time zones";
            return Err(time_zone(&[Attribute::TimezoneOffset], why));
        }
        Ok(Self {
            frames: &facts.frames,
            acquired,
            earliest,
            series,
            zone,
            lambda: LN_2 / half_life_secs,
        })
    }

    /// Share of activity that a difference in time stands for.
    fn share(&self, micros: i64) -> f64 {
        (self.lambda * seconds(micros).abs()).exp_m1()
    }

    /// Whether a time is that of the first acquisition or before it, but for a fraction of a second cut off.
    fn begins_scan(&self, moment: i64) -> bool {
        let late = moment - self.earliest;
        late <= 0 || (late < ROUNDING_MICROS && self.share(late) <= NEGLIGIBLE)
    }

    /// When the scan began, to which pixel values are corrected: Series Date and Time unless they were changed
    /// after the scan (as secondary reconstructions and archives do), then the scanner's own time, then the time
    /// that Frame Reference Time counts from. The order is that of the QIBA profile for FDG-PET.
    fn scan(&self, facts: &PetFacts, notes: &mut Notes) -> Result<i64, SuvRefusal> {
        let counted = self.counted_back();
        let series = self.series.clone()?;
        if self.begins_scan(series) {
            notes.used(Attribute::SeriesTime, time(facts.series_time));
            if let Ok(counted) = counted
                && self.share(counted - series) > NOTABLE
            {
                notes.warn(
                    "SUV_REFERENCE_TIME_DIFFERS",
                    Severity::Warning,
                    "Frame Reference Time counts from another time than Series Time",
                );
            }
            return Ok(series);
        }
        let ge = facts.ge.as_ref();
        let ge = ge.filter(|g| g.creator.as_deref() == Some("GEMS_PETD_01"));
        if let Some(moment) = ge.and_then(|g| g.scan) {
            let scan = self.local(&moment, Attribute::GeScanDateTime, false)?;
            if !self.begins_scan(scan) {
                let why = "Series Time and the scanner's time are both later than the acquisition";
                let names = [Attribute::SeriesTime, Attribute::GeScanDateTime];
                return Err(SuvRefusal::contradiction(&names, why));
            }
            notes.used(Attribute::GeScanDateTime, time(Some(moment.time)));
            notes.warn(
                "SUV_SERIES_TIME_UNUSED",
                Severity::Warning,
                "Series Time is later than the acquisition; the scanner's own time is used",
            );
            return Ok(scan);
        }
        let scan = counted?;
        if !self.begins_scan(scan) {
            let why = "the scan would begin after its first image";
            let names = [Attribute::FrameReferenceTime, Attribute::AcquisitionTime];
            return Err(SuvRefusal::contradiction(&names, why));
        }
        notes.used(Attribute::AcquisitionTime, InputValue::Used);
        notes.used(Attribute::FrameReferenceTime, InputValue::Used);
        notes.warn(
            "SUV_SERIES_TIME_UNUSED",
            Severity::Warning,
            "Series Time is later than the acquisition; the time is counted back from the images",
        );
        Ok(scan)
    }

    /// The time that Frame Reference Time counts from, when all frames agree on it: beginning of the frame, plus
    /// its T_ave, minus the offset.
    fn counted_back(&self) -> Result<i64, SuvRefusal> {
        let mut counted: Option<(i64, i64)> = None;
        let mut earliest = (i64::MAX, 0);
        for (frame, &acquired) in self.frames.iter().zip(&self.acquired) {
            let lack = |name| {
                SuvRefusal::new(
                    SuvRefusalKind::Missing,
                    &[name, Attribute::SeriesTime],
                    "Series Time is later than the acquisition, and without Frame Reference Time and Actual Frame \
                 Duration nothing tells when the scan began",
                )
            };
            let reference = milliseconds(frame.frame_reference_time_ms)
                .ok_or_else(|| lack(Attribute::FrameReferenceTime))?;
            let duration = milliseconds(frame.actual_frame_duration_ms)
                .ok_or_else(|| lack(Attribute::ActualFrameDuration))?;
            let average = average_secs(self.lambda, duration * 1e-3);
            let start = acquired + ((average - reference * 1e-3) * 1e6).round() as i64;
            let (low, high) = counted.unwrap_or((start, start));
            counted = Some((low.min(start), high.max(start)));
            earliest = earliest.min((acquired, start));
        }
        match counted {
            Some((low, high)) if self.share(high.saturating_sub(low)) <= NEGLIGIBLE => {
                Ok(earliest.1)
            }
            _ => Err(SuvRefusal::contradiction(
                &[Attribute::FrameReferenceTime, Attribute::AcquisitionTime],
                "the images count from different times",
            )),
        }
    }

    /// A date-time on the clock of the series. Zones must be the same; one that only the value names is taken as
    /// the series' own when something else says so.
    fn local(&self, moment: &Moment, name: Attribute, vouched: bool) -> Result<i64, SuvRefusal> {
        match (moment.utc_offset_minutes, self.zone) {
            (Some(own), Some(zone)) if own != zone => Err(time_zone(
                &[name, Attribute::TimezoneOffset],
                "the times are of different zones",
            )),
            (Some(_), None) if !vouched => Err(time_zone(
                &[Attribute::TimezoneOffset, name],
                "one time names its zone, the others do not",
            )),
            _ => Ok(micros(moment.date, moment.time)),
        }
    }

    /// When the dose was given; `scan` tells the day of a time without one.
    fn injection(
        &self,
        tracer: &RadiopharmaceuticalFacts,
        scan: i64,
        notes: &mut Notes,
    ) -> Result<i64, SuvRefusal> {
        let names = [Attribute::StartDateTime, Attribute::StartTime];
        if let Some(moment) = tracer.start_date_time.filter(|m| known_to_the_day(m.date)) {
            let apart = tracer.start_time.map(|t| {
                let apart = (t.micros() - moment.time.micros()).abs();
                apart.min(MICROS_PER_DAY - apart)
            });
            match apart {
                Some(apart) if self.share(apart) > NEGLIGIBLE.max(self.share(ROUNDING_MICROS)) => {
                    let why = "they are of different times of day";
                    return Err(SuvRefusal::contradiction(&names, why));
                }
                _ => {}
            }
            notes.used(
                names[0],
                InputValue::Moment {
                    date: moment.date,
                    time: moment.time,
                },
            );
            return self.local(&moment, names[0], apart.is_some());
        }
        let start = tracer
            .start_time
            .ok_or_else(|| SuvRefusal::missing(&names))?;
        if LN_2 / self.lambda > SHORT_LIVED_SECS {
            return Err(SuvRefusal::missing(&[names[0]]));
        }
        notes.used(names[1], time(Some(start)));
        let midnight = scan.div_euclid(MICROS_PER_DAY) * MICROS_PER_DAY;
        let same_day = midnight + start.micros();
        if same_day <= scan {
            return Ok(same_day);
        }
        notes.warn(
            "SUV_DAY_BEFORE",
            Severity::Info,
            "the injection has a time of day only, later than that of the scan: taken as of the day before",
        );
        Ok(same_day - MICROS_PER_DAY)
    }

    fn decay(
        &self,
        injection: i64,
        to_micros: i64,
        and_secs: f64,
    ) -> Result<FrameDecay, SuvRefusal> {
        let names = [
            Attribute::StartDateTime,
            Attribute::StartTime,
            Attribute::SeriesTime,
        ];
        let refused = |why| Err(SuvRefusal::new(SuvRefusalKind::Times, &names, why));
        let decay_secs = seconds(to_micros - injection) + and_secs;
        if to_micros < injection {
            return refused("the injection is later than the scan");
        }
        if self.lambda * decay_secs > MOST_HALF_LIVES * LN_2 {
            return refused("the injection is more than ten half lives before the scan");
        }
        Ok(FrameDecay {
            decay_secs,
            factor: (-self.lambda * decay_secs).exp(),
        })
    }

    /// Decay Factor (0054,1321) of the frames, where it tells more than 1: the share by which a frame was scaled
    /// up, to its beginning or to its T_ave. One that fits another event than Decay Correction names is a
    /// contradiction, one that fits neither is worth a word.
    fn check_decay_factor(
        &self,
        declared: i64,
        other: Option<i64>,
        notes: &mut Notes,
    ) -> Result<(), SuvRefusal> {
        for (frame, &acquired) in self.frames.iter().zip(&self.acquired) {
            let Some(factor) = frame.decay_factor.filter(|f| f.is_finite() && *f > 1.0) else {
                continue;
            };
            let average = milliseconds(frame.actual_frame_duration_ms)
                .map_or(0.0, |d| average_secs(self.lambda, d * 1e-3));
            let fits = |event: i64| {
                let begin = self.lambda * seconds(acquired - event);
                let mean = begin + self.lambda * average;
                (begin - factor.ln()).abs() <= NOTABLE || (mean - factor.ln()).abs() <= NOTABLE
            };
            if fits(declared) {
                continue;
            }
            if other.is_some_and(fits) {
                return Err(SuvRefusal::contradiction(
                    &[Attribute::DecayCorrection, Attribute::DecayFactor],
                    "the factor is that of another decay correction than the one named",
                ));
            }
            notes.warn(
                "SUV_DECAY_FACTOR_DIFFERS",
                Severity::Warning,
                "Decay Factor is not the one of the times and the half life",
            );
        }
        Ok(())
    }
}

fn time_zone(attributes: &[Attribute], why: &str) -> SuvRefusal {
    SuvRefusal::new(SuvRefusalKind::TimeZone, attributes, why)
}

fn time(time: Option<TimeOfDay>) -> InputValue {
    time.map_or(InputValue::Used, InputValue::Time)
}

/// Decay of the dose: one value for all frames, or, without correction, one for each.
pub(super) fn decay(
    facts: &PetFacts,
    tracer: &RadiopharmaceuticalFacts,
    correction: DecayCorrection,
    half_life_secs: Option<f64>,
    notes: &mut Notes,
) -> Result<Vec<FrameDecay>, SuvRefusal> {
    if correction == DecayCorrection::Admin {
        // Neither times nor half life enter. Where they are there they are compared, and shown.
        let mut quiet = Notes {
            inputs: Vec::new(),
            warnings: Vec::new(),
        };
        let times = half_life_secs.and_then(|h| Times::of(facts, h).ok());
        if let Some(times) = times
            && let Ok(injection) = times.injection(tracer, times.earliest, &mut quiet)
        {
            notes.inputs.append(&mut quiet.inputs);
            let scan = times.scan(facts, &mut quiet).ok();
            times.check_decay_factor(injection, scan, notes)?;
        }
        return Ok(vec![FrameDecay {
            decay_secs: 0.0,
            factor: 1.0,
        }]);
    }
    let half_life = half_life_secs.ok_or_else(|| SuvRefusal::missing(&[Attribute::HalfLife]))?;
    let times = Times::of(facts, half_life)?;
    if correction == DecayCorrection::Start {
        let scan = times.scan(facts, notes)?;
        let injection = times.injection(tracer, scan, notes)?;
        let decay = times.decay(injection, scan, 0.0)?;
        times.check_decay_factor(scan, Some(injection), notes)?;
        return Ok(vec![decay]);
    }
    let injection = times.injection(tracer, times.earliest, notes)?;
    notes.used(Attribute::AcquisitionTime, InputValue::Used);
    notes.used(Attribute::ActualFrameDuration, InputValue::Used);
    let each = times.frames.iter().zip(&times.acquired);
    each.map(|(frame, &acquired)| {
        let duration = milliseconds(frame.actual_frame_duration_ms)
            .ok_or_else(|| SuvRefusal::missing(&[Attribute::ActualFrameDuration]))?;
        times.decay(
            injection,
            acquired,
            average_secs(times.lambda, duration * 1e-3),
        )
    })
    .collect()
}

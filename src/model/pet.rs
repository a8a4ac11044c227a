//! What a PET series says of itself, read strictly by whoever knows the file format.

use super::date::Date;
use std::fmt;

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;
/// Microseconds of a day.
pub const MICROS_PER_DAY: i64 = SECONDS_PER_DAY * MICROS_PER_SECOND;

/// A time of day to the microsecond, as `TM` has it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay {
    micros: i64,
}

impl TimeOfDay {
    /// Reads `HHMMSS[.F…]` with one to six digits of fraction. A time without seconds is allowed in `TM` (PS3.5
    /// section 6.2) and refused here: half a minute is 0.3 % of F-18. Second 60 is a leap second.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim_matches(|c| matches!(c, ' ' | '\0'));
        let (whole, fraction) = match text.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (text, None),
        };
        let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
        if whole.len() != 6 || !digits(whole) {
            return None;
        }
        let part = |range: std::ops::Range<usize>| whole.get(range)?.parse::<i64>().ok();
        let (hour, minute, second) = (part(0..2)?, part(2..4)?, part(4..6)?);
        let micros = match fraction {
            None => 0,
            Some(f) if digits(f) && f.len() <= 6 => {
                f.parse::<i64>().ok()? * 10_i64.pow(6 - f.len() as u32)
            }
            Some(_) => return None,
        };
        (hour < 24 && minute < 60 && second <= 60).then_some(Self {
            micros: ((hour * 60 + minute) * 60 + second) * MICROS_PER_SECOND + micros,
        })
    }

    /// Microseconds since midnight.
    pub const fn micros(self) -> i64 {
        self.micros
    }
}

/// `HH:MM:SS`.
impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.micros / MICROS_PER_SECOND;
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        write!(f, "{hour:02}:{minute:02}:{second:02}")
    }
}

/// Times are among what PS3.15 table E.1-1 takes away, so they are never printed by accident.
impl fmt::Debug for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// A day and a time, as `DT` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The day, known to the day.
    pub date: Date,
    /// The time of day.
    pub time: TimeOfDay,
    /// The zone, when the value names one: minutes to the east of UTC.
    pub utc_offset_minutes: Option<i16>,
}

impl Moment {
    /// Reads `YYYYMMDDHHMMSS[.F…][&ZZXX]`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim_matches(|c| matches!(c, ' ' | '\0'));
        let (local, utc_offset_minutes) = match text.find(['+', '-']) {
            Some(at) => {
                let (local, zone) = text.split_at_checked(at)?;
                (local, Some(parse_utc_offset(zone)?))
            }
            None => (text, None),
        };
        let (date, time) = local.split_at_checked(8)?;
        Some(Self {
            date: Date::parse(date).filter(|d| known_to_the_day(*d))?,
            time: TimeOfDay::parse(time)?,
            utc_offset_minutes,
        })
    }
}

/// Reads `&ZZXX` of Timezone Offset From UTC (0008,0201): from -1200 to +1400 (PS3.3 C.12.1.1.8).
pub fn parse_utc_offset(text: &str) -> Option<i16> {
    let text = text.trim_matches(|c| matches!(c, ' ' | '\0'));
    let (sign, digits) = text.split_at_checked(1)?;
    if digits.len() != 4 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let hours: i16 = digits.get(0..2)?.parse().ok()?;
    let minutes: i16 = digits.get(2..4)?.parse().ok()?;
    let offset = match sign {
        "+" => hours * 60 + minutes,
        "-" => -(hours * 60 + minutes),
        _ => return None,
    };
    (minutes < 60 && (-720..=840).contains(&offset)).then_some(offset)
}

/// Whether a date names its day.
pub const fn known_to_the_day(date: Date) -> bool {
    date.year > 0 && date.month > 0 && date.day > 0
}

/// What one image (frame) says.
#[derive(Clone, Default, PartialEq)]
pub struct FrameFacts {
    /// Acquisition Date (0008,0022).
    pub acquisition_date: Option<Date>,
    /// Acquisition Time (0008,0032): when the frame began.
    pub acquisition_time: Option<TimeOfDay>,
    /// Timezone Offset From UTC (0008,0201), minutes.
    pub utc_offset_minutes: Option<i16>,
    /// Frame Reference Time (0054,1300), milliseconds.
    pub frame_reference_time_ms: Option<f64>,
    /// Actual Frame Duration (0018,1242), milliseconds.
    pub actual_frame_duration_ms: Option<f64>,
    /// Decay Factor (0054,1321).
    pub decay_factor: Option<f64>,
}

/// An item of Radiopharmaceutical Information Sequence (0054,0016).
#[derive(Clone, Default, PartialEq)]
pub struct RadiopharmaceuticalFacts {
    /// Radiopharmaceutical Start Time (0018,1072).
    pub start_time: Option<TimeOfDay>,
    /// Radiopharmaceutical Start DateTime (0018,1078).
    pub start_date_time: Option<Moment>,
    /// Radionuclide Total Dose (0018,1074), becquerel at the start.
    pub total_dose_bq: Option<f64>,
    /// Radionuclide Half Life (0018,1075), seconds.
    pub half_life_secs: Option<f64>,
    /// Coding Scheme Designator and Code Value of Radionuclide Code Sequence (0054,0300).
    pub nuclide: Option<(String, String)>,
}

/// Group 7053, block of the creator `Philips PET Private Group`.
#[derive(Clone, Default, PartialEq)]
pub struct PhilipsFacts {
    /// The creator of the block.
    pub creator: Option<String>,
    /// (7053,xx00): modality value to body-weight SUV.
    pub suv_scale: Option<f64>,
    /// (7053,xx09): modality value to Bq/ml.
    pub activity_scale: Option<f64>,
}

/// Group 0009, block of the creator `GEMS_PETD_01`.
#[derive(Clone, Default, PartialEq)]
pub struct GeFacts {
    /// The creator of the block.
    pub creator: Option<String>,
    /// (0009,xx0D): when the scan began.
    pub scan: Option<Moment>,
}

/// A PET series. What is absent, unreadable, or differs between images that must agree is `None`; nothing is
/// filled in. Numbers are as in the file, not yet judged.
#[derive(Clone, Default, PartialEq)]
pub struct PetFacts {
    /// Units (0054,1001).
    pub units: Option<String>,
    /// SUV Type (0054,1006). An unreadable one must not look absent: give it as it is.
    pub suv_type: Option<String>,
    /// Values of Corrected Image (0028,0051).
    pub corrected_image: Option<Vec<String>>,
    /// Decay Correction (0054,1102).
    pub decay_correction: Option<String>,
    /// Series Date (0008,0021).
    pub series_date: Option<Date>,
    /// Series Time (0008,0031).
    pub series_time: Option<TimeOfDay>,
    /// The images, in the order in which factors are asked for.
    pub frames: Vec<FrameFacts>,
    /// Items of Radiopharmaceutical Information Sequence (0054,0016).
    pub radiopharmaceuticals: Vec<RadiopharmaceuticalFacts>,
    /// Patient's Weight (0010,1030), kilograms.
    pub patient_weight_kg: Option<f64>,
    /// Patient's Size (0010,1020), metres.
    pub patient_size_m: Option<f64>,
    /// Patient's Sex (0010,0040).
    pub patient_sex: Option<String>,
    /// Private elements of Philips.
    pub philips: Option<PhilipsFacts>,
    /// Private elements of GE.
    pub ge: Option<GeFacts>,
}

/// Nothing of a patient is printed.
impl fmt::Debug for PetFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PetFacts")
            .field("units", &self.units)
            .field("decay_correction", &self.decay_correction)
            .field("frames", &self.frames.len())
            .finish_non_exhaustive()
    }
}

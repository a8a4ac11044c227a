//! Calendar values as DICOM and FHIR write them. No clock is read here.

use std::fmt;

/// A calendar day, possibly known only to the month or year (FHIR `date`, DICOM `DA`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    /// Year, four digits.
    pub year: u16,
    /// Month 1 to 12, or 0 when unknown.
    pub month: u8,
    /// Day 1 to 31, or 0 when unknown.
    pub day: u8,
}

impl Date {
    /// Reads DICOM `YYYYMMDD`, ACR-NEMA `YYYY.MM.DD` and FHIR `YYYY[-MM[-DD]]` (a time after `T` is ignored).
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_end_matches('\0');
        let text = text.split('T').next().unwrap_or(text);
        let digits: String = text.chars().filter(|c| !matches!(c, '-' | '.')).collect();
        if !digits.chars().all(|c| c.is_ascii_digit()) || !matches!(digits.len(), 4 | 6 | 8) {
            return None;
        }
        let year = digits.get(0..4)?.parse().ok()?;
        let part = |range: std::ops::Range<usize>| -> Option<u8> {
            digits.get(range).map_or(Some(0), |s| s.parse().ok())
        };
        let (month, day) = (part(4..6)?, part(6..8)?);
        let named_month = digits.len() < 6 || (1..=12).contains(&month);
        let named_day = digits.len() < 8 || (1..=days_in_month(year, month)).contains(&day);
        (year > 0 && named_month && named_day).then_some(Self { year, month, day })
    }

    /// The day of a moment, milliseconds since 1970 UTC; `None` before the year 1 and after 9999.
    pub fn of_ms(ms: i64) -> Option<Self> {
        // The calendar from days, the year beginning in March, so that leap days fall at its end.
        let z = ms.div_euclid(86_400_000) + 719_468;
        let era = z.div_euclid(146_097);
        let day_of_era = z.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let month = (month_from_march + 2) % 12 + 1;
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Some(Self {
            year: u16::try_from(year)
                .ok()
                .filter(|y| (1..=9999).contains(y))?,
            month: u8::try_from(month).ok()?,
            day: u8::try_from(day_of_year - (153 * month_from_march + 2) / 5 + 1).ok()?,
        })
    }

    /// Full years between this day and `later`; `None` when either lacks its year or `later` is earlier.
    pub fn years_until(self, later: Date) -> Option<u16> {
        let whole = later.year.checked_sub(self.year)?;
        let had_birthday = (later.month, later.day) >= (self.month, self.day);
        if had_birthday {
            Some(whole)
        } else {
            whole.checked_sub(1)
        }
    }

    /// Days since 1970-01-01, unknown parts counted as their first; for ordering and time axes only.
    pub fn days_since_epoch(self) -> i64 {
        // Days-from-civil with the year beginning in March, so leap days fall at its end.
        let (y, m, d) = (
            i64::from(self.year),
            i64::from(self.month.max(1)),
            i64::from(self.day.max(1)),
        );
        let y = if m <= 2 { y - 1 } else { y };
        let era = y.div_euclid(400);
        let year_of_era = y - era * 400;
        let day_of_year = (153 * ((m + 9) % 12) + 2) / 5 + d - 1;
        era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year
            - 719_468
    }
}

fn days_in_month(year: u16, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400) => {
            29
        }
        2 => 28,
        _ => 31,
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.month, self.day) {
            (0, _) => write!(f, "{:04}", self.year),
            (m, 0) => write!(f, "{:04}-{m:02}", self.year),
            (m, d) => write!(f, "{:04}-{m:02}-{d:02}", self.year),
        }
    }
}

/// A date can identify a person (PS3.15 table E.1-1), so it is never printed by accident.
impl fmt::Debug for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_dicom_and_fhir_dates() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(
                Date::parse(text).map(|d| d.to_string()).as_deref(),
                expected,
                "{text}"
            );
        };
        check("20240229", Some("2024-02-29"));
        check("2023-02-29", None);
        check("1997.04.24", Some("1997-04-24"));
        check("1997-04", Some("1997-04"));
        check("1997", Some("1997"));
        check("1997-04-24T10:00:00Z", Some("1997-04-24"));
        check("", None);
        check("19971324", None);
        check("0000", None);
    }

    #[test]
    fn counts_years_and_days() {
        let day = |s: &str| Date::parse(s).unwrap();
        assert_eq!(day("1980-06-15").years_until(day("2020-06-14")), Some(39));
        assert_eq!(day("1980-06-15").years_until(day("2020-06-15")), Some(40));
        assert_eq!(day("1970-01-01").days_since_epoch(), 0);
        assert_eq!(day("2000-03-01").days_since_epoch(), 11_017);
        for text in ["1970-01-01", "2000-02-29", "1969-12-31", "2026-11-30"] {
            let ms = day(text).days_since_epoch() * 86_400_000;
            assert_eq!(
                Date::of_ms(ms).map(|d| d.to_string()).as_deref(),
                Some(text)
            );
            assert_eq!(Date::of_ms(ms + 86_399_999), Date::of_ms(ms));
        }
        assert_eq!(Date::of_ms(i64::MAX), None);
        assert_eq!(Date::of_ms(i64::MIN), None);
    }
}

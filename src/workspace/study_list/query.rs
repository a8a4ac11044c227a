//! What is searched for, as one line of text: the search field, a saved list and the command line say the same.
//!
//! Words are looked for in names, numbers, descriptions, modalities and dates; a study must have all of them. Words with a
//! colon narrow the list: `modality:CT,MR`, `status:new,flagged`, `priority:stat`, and `date:` with a day, a month, a year,
//! a range `2026-01..2026-03`, `today`, `yesterday`, or a span back from today: `7d`, `4w`, `6m`, `2y`.

use super::fold::fold;
use crate::model::{date::Date, reading::ReadStatus, worklist::Priority};

/// A query, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Folded words; a study has all of them.
    pub words: Vec<String>,
    /// One of these modalities; empty for any.
    pub modalities: Vec<String>,
    /// One of these; empty for any.
    pub statuses: Vec<ReadStatus>,
    /// One of these; empty for any.
    pub priorities: Vec<Priority>,
    /// Days since 1970, both ends included.
    pub days: Option<(i64, i64)>,
    /// Parts that say nothing that is known, such as `status:red`: they narrow nothing.
    pub unread: Vec<String>,
}

impl Query {
    /// Takes a line apart. `today` gives words such as `today` their meaning; without it they are not known.
    pub fn parse(text: &str, today: Option<Date>) -> Self {
        let mut query = Self::default();
        // An input method gives the wide colon.
        for part in text.replace('：', ":").split_whitespace() {
            let Some((name, values)) = part.split_once(':') else {
                query.add_words(part);
                continue;
            };
            let values = values.to_ascii_lowercase();
            let each = || values.split(',').filter(|v| !v.is_empty());
            let known = match name.to_ascii_lowercase().as_str() {
                "modality" => {
                    query.modalities.extend(each().map(str::to_ascii_uppercase));
                    each().next().is_some()
                }
                "status" => all_known(each(), status, &mut query.statuses),
                "priority" => {
                    let parse = |v: &str| Some(Priority::parse(v)).filter(|p| !p.name().is_empty());
                    all_known(each(), parse, &mut query.priorities)
                }
                "date" => match days_of(&values, today) {
                    Some(days) => {
                        query.days = Some(days);
                        true
                    }
                    None => false,
                },
                _ => {
                    query.add_words(part);
                    continue;
                }
            };
            if !known {
                query.unread.push(part.to_owned());
            }
        }
        query
    }

    fn add_words(&mut self, part: &str) {
        let folded = fold(part);
        let words = folded.split(' ').filter(|w| !w.is_empty());
        self.words.extend(words.map(str::to_owned));
    }

    /// Whether every study is found.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
            && self.modalities.is_empty()
            && self.statuses.is_empty()
            && self.priorities.is_empty()
            && self.days.is_none()
    }

    /// Whether everything that this query finds was found by `earlier` too, in the same list.
    pub fn narrows(&self, earlier: &Self) -> bool {
        let held = |word: &String| self.words.iter().any(|w| w.contains(word.as_str()));
        self.modalities == earlier.modalities
            && self.statuses == earlier.statuses
            && self.priorities == earlier.priorities
            && self.days == earlier.days
            && earlier.words.iter().all(held)
    }
}

/// The status of a name; `unread` is another word for new.
fn status(name: &str) -> Option<ReadStatus> {
    match name {
        "unread" => Some(ReadStatus::New),
        _ => ReadStatus::named(name),
    }
}

/// Adds the values that are known; whether there are some, and all are.
fn all_known<'a, T>(
    values: impl Iterator<Item = &'a str>,
    parse: impl Fn(&str) -> Option<T>,
    into: &mut Vec<T>,
) -> bool {
    let (mut some, mut all) = (false, true);
    for value in values {
        match parse(value) {
            Some(value) => {
                into.push(value);
                some = true;
            }
            None => all = false,
        }
    }
    some && all
}

/// First and last day that a text means.
fn days_of(text: &str, today: Option<Date>) -> Option<(i64, i64)> {
    if let Some((from, to)) = text.split_once("..") {
        let first = match from {
            "" => i64::MIN,
            _ => one(from, today)?.0,
        };
        let last = match to {
            "" => i64::MAX,
            _ => one(to, today)?.1,
        };
        return (first <= last && text != "..").then_some((first, last));
    }
    one(text, today)
}

fn one(text: &str, today: Option<Date>) -> Option<(i64, i64)> {
    let now = || today.map(Date::days_since_epoch);
    match text {
        "today" => return now().map(|day| (day, day)),
        "yesterday" => return now().map(|day| (day - 1, day - 1)),
        _ => {}
    }
    let span = text.strip_suffix(['d', 'w', 'm', 'y']);
    if let Some(count) = span.and_then(|n| n.parse::<u16>().ok()) {
        let today = today?;
        let last = today.days_since_epoch();
        let count = i64::from(count);
        let first = match text.chars().next_back()? {
            'd' => last - count + 1,
            'w' => last - 7 * count + 1,
            'm' => months_before(today, count).days_since_epoch(),
            _ => months_before(today, 12 * count).days_since_epoch(),
        };
        return Some((first.min(last), last));
    }
    let date = Date::parse(text)?;
    let first = date.days_since_epoch();
    let next = match (date.month, date.day) {
        (0, _) => Date {
            year: date.year.checked_add(1)?,
            month: 1,
            day: 1,
        },
        (12, 0) => Date {
            year: date.year.checked_add(1)?,
            month: 1,
            day: 1,
        },
        (month, 0) => Date {
            month: month + 1,
            day: 1,
            ..date
        },
        _ => return Some((first, first)),
    };
    Some((first, next.days_since_epoch() - 1))
}

/// The same day so many months before; a day that the month has not is its first.
fn months_before(date: Date, months: i64) -> Date {
    let at = i64::from(date.year) * 12 + i64::from(date.month.max(1)) - 1 - months;
    Date {
        year: u16::try_from(at.div_euclid(12)).unwrap_or_default(),
        month: u8::try_from(at.rem_euclid(12) + 1).unwrap_or(1),
        day: if date.day > 28 { 1 } else { date.day },
    }
}

/// Exchanges one narrowing word of a line: the values of `name` become `values`, none take the word away. What else
/// stands there stays as it was typed.
pub fn with_values(text: &str, name: &str, values: &[&str]) -> String {
    let is_it = |part: &&str| {
        let head = part.split([':', '：']).next().unwrap_or_default();
        part.len() > head.len() && head.eq_ignore_ascii_case(name)
    };
    let mut parts: Vec<String> = text
        .split_whitespace()
        .filter(|part| !is_it(part))
        .map(str::to_owned)
        .collect();
    if !values.is_empty() {
        parts.insert(0, format!("{name}:{}", values.join(",")));
    }
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TODAY: &str = "2026-03-16";

    fn parse(text: &str) -> Query {
        Query::parse(text, Date::parse(TODAY))
    }

    fn day(text: &str) -> i64 {
        Date::parse(text).unwrap().days_since_epoch()
    }

    #[test]
    fn a_line_is_taken_apart() {
        let query = parse("Müller^Jürgen modality:ct,MR status:unread,flagged  Priority:STAT 张三");
        assert_eq!(query.words, ["muller", "jurgen", "张三"]);
        assert_eq!(query.modalities, ["CT", "MR"]);
        assert_eq!(query.statuses, [ReadStatus::New, ReadStatus::Flagged]);
        assert_eq!(query.priorities, [Priority::Stat]);
        assert!(query.unread.is_empty());
        assert!(parse("  ").is_empty() && !query.is_empty());
        // A name with a colon is a word as well.
        assert_eq!(parse("a:b").words, ["a:b"]);
        assert_eq!(parse("status：final").statuses, [ReadStatus::Final]);
    }

    #[test]
    fn dates_mean_days() {
        for (text, first, last) in [
            ("date:2026-03-16", "2026-03-16", "2026-03-16"),
            ("date:20260316", "2026-03-16", "2026-03-16"),
            ("date:2026-02", "2026-02-01", "2026-02-28"),
            ("date:2024-02", "2024-02-01", "2024-02-29"),
            ("date:2025", "2025-01-01", "2025-12-31"),
            ("date:2025-12", "2025-12-01", "2025-12-31"),
            ("date:2025-11..2026-01-05", "2025-11-01", "2026-01-05"),
            ("date:today", TODAY, TODAY),
            ("date:yesterday", "2026-03-15", "2026-03-15"),
            ("date:7d", "2026-03-10", TODAY),
            ("date:2w", "2026-03-03", TODAY),
            ("date:4m", "2025-11-16", TODAY),
            ("date:2y", "2024-03-16", TODAY),
        ] {
            assert_eq!(parse(text).days, Some((day(first), day(last))), "{text}");
        }
        assert_eq!(
            parse("date:2026..").days,
            Some((day("2026-01-01"), i64::MAX))
        );
        assert_eq!(
            parse("date:..2025").days,
            Some((i64::MIN, day("2025-12-31")))
        );
        for text in [
            "date:",
            "date:soon",
            "date:2026-13",
            "date:..",
            "date:2026..2025",
        ] {
            let query = parse(text);
            assert_eq!((query.days, query.unread.len()), (None, 1), "{text}");
        }
        assert_eq!(Query::parse("date:today", None).unread, ["date:today"]);
    }

    #[test]
    fn what_is_not_known_narrows_nothing() {
        for text in ["status:red", "priority:x", "modality:", "status:"] {
            let query = parse(text);
            assert!(query.is_empty(), "{text}");
            assert_eq!(query.unread, [text]);
        }
        // What is known among them counts.
        let query = parse("status:red,final");
        assert_eq!(query.statuses, [ReadStatus::Final]);
        assert_eq!(query.unread.len(), 1);
    }

    #[test]
    fn a_longer_query_narrows_a_shorter_one() {
        for (later, earlier, narrows) in [
            ("mul", "mu", true),
            ("mu", "mul", false),
            ("mu x", "mu", true),
            ("mux", "mu x", true),
            ("x mu", "mu", true),
            ("mu status:new", "mu", false),
            ("mul status:new", "mu status:new", true),
            ("mu", "", true),
            ("", "", true),
        ] {
            assert_eq!(
                parse(later).narrows(&parse(earlier)),
                narrows,
                "{later} | {earlier}"
            );
        }
    }

    #[test]
    fn one_narrowing_word_is_exchanged() {
        for (text, values, expected) in [
            ("chen", &["CT"][..], "modality:CT chen"),
            (
                "modality:MR chen status:new",
                &["CT", "MR"],
                "modality:CT,MR chen status:new",
            ),
            ("chen Modality：MR", &[], "chen"),
            ("modality", &[], "modality"),
        ] {
            assert_eq!(with_values(text, "modality", values), expected);
        }
    }
}

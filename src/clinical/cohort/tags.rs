//! Words of a query about elements of DICOM headers: `tag:KVP>=100&SliceThickness<=1.5@2y`.
//!
//! An element is named by its keyword or its number; conditions that `&` joins must hold for one series. What a series
//! says is what one of its files says, at any depth.

use super::query::Range;
use std::collections::BTreeSet;

/// What a series says of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tagged {
    /// Number of the series.
    pub series: u32,
    /// Day of the study, days since 1970-01-01.
    pub day: Option<i32>,
    /// Number of what it says.
    pub said: u32,
}

/// A value of an element.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Said {
    /// The element: group and number.
    pub tag: u32,
    /// Its value; several stand parted by `\`.
    pub value: String,
}

/// Elements of which one series must say something.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TagTest {
    /// All of these, in one series.
    all: Vec<Condition>,
    pub days: Option<(i32, i32)>,
}

#[derive(Clone, Debug, PartialEq)]
struct Condition {
    tag: u32,
    wanted: Wanted,
}

#[derive(Clone, Debug, PartialEq)]
enum Wanted {
    /// It has a value.
    Something,
    /// A value has this text in it; small.
    Part(String),
    /// A value is this text; small.
    Whole(String),
    /// A value is a number in a range.
    Number(Range),
}

/// Tells the number of the element with a keyword of the standard (PS3.6); the dictionary is that of the files' readers.
pub type Keywords = fn(&str) -> Option<u32>;

/// The number of an element by keyword or number: `KVP`, `(0018,0060)`, `0018,0060`, `00180060`.
fn tag_named(name: &str, keywords: Keywords) -> Option<u32> {
    let name = name.trim();
    let bare: String = name
        .trim_start_matches('(')
        .trim_end_matches(')')
        .replace(',', "");
    if bare.len() == 8
        && let Ok(tag) = u32::from_str_radix(&bare, 16)
    {
        return Some(tag);
    }
    keywords(name)
}

/// `(0018,0060)`.
pub fn tag_text(tag: u32) -> String {
    format!("({:04X},{:04X})", tag >> 16, tag & 0xFFFF)
}

impl TagTest {
    /// Reads what stands behind `tag:`.
    pub fn read(text: &str, days: Option<(i32, i32)>, keywords: Keywords) -> Option<Self> {
        let all: Option<Vec<Condition>> = text
            .split('&')
            .map(|part| Condition::read(part, keywords))
            .collect();
        Some(Self { all: all?, days })
    }

    pub fn tags(&self) -> impl Iterator<Item = u32> {
        self.all.iter().map(|condition| condition.tag)
    }

    /// For each of the values that are known, which conditions it meets.
    pub fn met_by(&self, said: &[Said]) -> Vec<u64> {
        said.iter()
            .map(|one| {
                let conditions = self.all.iter().take(64).enumerate();
                conditions
                    .filter(|(_, condition)| condition.holds(one))
                    .fold(0, |met, (bit, _)| met | (1 << bit))
            })
            .collect()
    }

    /// Whether one series meets all conditions; the facts of a series stand together.
    pub fn holds(&self, facts: &[Tagged], met: &[u64]) -> bool {
        let count = self.all.len().min(64);
        let wanted = u64::MAX >> (64 - count.max(1));
        facts.chunk_by(|a, b| a.series == b.series).any(|series| {
            let day = series.first().and_then(|fact| fact.day);
            let in_time = self
                .days
                .is_none_or(|(from, to)| day.is_some_and(|day| (from..=to).contains(&day)));
            let all = series
                .iter()
                .filter_map(|fact| met.get(fact.said as usize))
                .fold(0, |all, met| all | met);
            in_time && all & wanted == wanted
        })
    }
}

impl Condition {
    fn read(text: &str, keywords: Keywords) -> Option<Self> {
        let end = text.find([':', '<', '>', '=']).unwrap_or(text.len());
        let (name, rest) = text.split_at_checked(end)?;
        let tag = tag_named(name, keywords)?;
        let wanted = match (rest, rest.strip_prefix(':')) {
            ("", _) => Wanted::Something,
            (_, Some("")) => return None,
            (_, Some(part)) => Wanted::Part(part.trim().to_lowercase()),
            _ => match (Range::read(rest), rest.strip_prefix('=')) {
                (Some((range, "")), _) => Wanted::Number(range),
                (_, Some(whole)) if !whole.is_empty() => Wanted::Whole(whole.trim().to_lowercase()),
                _ => return None,
            },
        };
        Some(Self { tag, wanted })
    }

    fn holds(&self, said: &Said) -> bool {
        if said.tag != self.tag {
            return false;
        }
        let mut values = said.value.split('\\').map(str::trim);
        match &self.wanted {
            Wanted::Something => values.any(|value| !value.is_empty()),
            Wanted::Part(part) => said.value.to_lowercase().contains(part),
            Wanted::Whole(whole) => {
                said.value.trim().to_lowercase() == *whole
                    || values.any(|value| value.to_lowercase() == *whole)
            }
            Wanted::Number(range) => {
                values.any(|value| value.parse().is_ok_and(|number| range.holds(number)))
            }
        }
    }
}

/// Elements that are worth keeping of a series for queries: what is a text or a number, and says more than which object
/// it is.
pub fn is_asked_for(vr: [u8; 2], depth: u16) -> bool {
    match &vr {
        b"SQ" | b"OB" | b"OW" | b"OF" | b"OD" | b"OL" | b"OV" | b"UN" | b"AT" | b"  " => false,
        // References to other objects lie in sequences.
        b"UI" => depth == 0,
        _ => true,
    }
}

/// The elements that are asked about.
pub type Wished = BTreeSet<u32>;

#[cfg(test)]
mod tests {
    use super::*;

    /// The few keywords of these tests; the program has those of the standard.
    fn element_with_keyword(name: &str) -> Option<u32> {
        Some(match name {
            "KVP" => 0x0018_0060,
            "SliceThickness" => 0x0018_0050,
            "ConvolutionKernel" => 0x0018_1210,
            "PixelSpacing" => 0x0028_0030,
            "EchoTime" => 0x0018_0081,
            _ => return None,
        })
    }

    #[test]
    fn elements_are_named_by_keyword_and_number() {
        for name in ["KVP", "(0018,0060)", "0018,0060", "00180060"] {
            assert_eq!(
                tag_named(name, element_with_keyword),
                Some(0x0018_0060),
                "{name}"
            );
        }
        assert_eq!(
            tag_named("SliceThickness", element_with_keyword),
            Some(0x0018_0050)
        );
        // Private elements have numbers only.
        assert_eq!(
            tag_named("(0019,1008)", element_with_keyword),
            Some(0x0019_1008)
        );
        for name in ["", "kvp", "Nonsense", "(0018,00)", "0018"] {
            assert_eq!(tag_named(name, element_with_keyword), None, "{name}");
        }
        assert_eq!(tag_text(0x0018_0060), "(0018,0060)");
    }

    fn said(tag: u32, value: &str) -> Said {
        Said {
            tag,
            value: value.to_owned(),
        }
    }

    fn fact(series: u32, day: i32, said: u32) -> Tagged {
        Tagged {
            series,
            day: Some(day),
            said,
        }
    }

    #[test]
    fn conditions_that_are_joined_hold_for_one_series() {
        let all = [
            said(0x0018_0060, "120"),
            said(0x0018_0060, "80"),
            said(0x0018_0050, "1.25"),
            said(0x0018_0050, "5"),
            said(0x0028_0030, "0.7\\0.8"),
            said(0x0018_1210, "B30f"),
        ];
        // Thin slices with 80 kV, thick ones with 120 kV.
        let facts = [
            fact(1, 10, 1),
            fact(1, 10, 2),
            fact(1, 10, 5),
            fact(2, 900, 0),
            fact(2, 900, 3),
            fact(2, 900, 4),
        ];
        let holds = |text: &str, days| {
            let test = TagTest::read(text, days, element_with_keyword).unwrap();
            test.holds(&facts, &test.met_by(&all))
        };
        for (text, expected) in [
            ("KVP>=100", true),
            ("KVP>120", false),
            ("KVP=100..130", true),
            ("KVP>=100&SliceThickness<2", false),
            ("KVP<100&SliceThickness<2&ConvolutionKernel=b30F", true),
            ("ConvolutionKernel:b3", true),
            ("ConvolutionKernel=b3", false),
            ("PixelSpacing>=0.75", true),
            ("PixelSpacing>1", false),
            ("PixelSpacing", true),
            ("EchoTime", false),
        ] {
            assert_eq!(holds(text, None), expected, "{text}");
        }
        assert!(!holds("KVP=120", Some((0, 100))));
        assert!(holds("KVP=120", Some((0, 900))));
        for wrong in [
            "",
            "Nonsense=1",
            "KVP:",
            "KVP>",
            "KVP>abc",
            "KVP=",
            "KVP&",
            "KVP>1x",
        ] {
            assert!(
                TagTest::read(wrong, None, element_with_keyword).is_none(),
                "{wrong}"
            );
        }
    }
}

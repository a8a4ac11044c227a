//! The table of attributes of PS3.15 (E.1-1), the safe private attributes (E.3.10-1), and which of them an IOD needs.
//!
//! The three lists in `assets/deid` are made by `scripts/make-deid-table`.

use std::collections::{HashMap, HashSet};

const PROFILE: &str = include_str!("../../../assets/deid/profile.tsv");
const NEEDS: &str = include_str!("../../../assets/deid/needs.tsv");
const SAFE_PRIVATE: &str = include_str!("../../../assets/deid/safe-private.tsv");

/// What the Basic Profile does with an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Basic {
    /// X
    Remove,
    /// Z
    Empty,
    /// D
    Dummy,
    /// U
    Uid,
    /// X/Z
    RemoveOrEmpty,
    /// X/D
    RemoveOrDummy,
    /// Z/D
    EmptyOrDummy,
    /// X/Z/D
    RemoveEmptyOrDummy,
    /// X/Z/U*
    RemoveEmptyOrUids,
}

impl Basic {
    fn parse(code: &str) -> Option<Self> {
        Some(match code {
            "X" => Self::Remove,
            "Z" => Self::Empty,
            "D" => Self::Dummy,
            "U" => Self::Uid,
            "X/Z" => Self::RemoveOrEmpty,
            "X/D" => Self::RemoveOrDummy,
            "Z/D" => Self::EmptyOrDummy,
            "X/Z/D" => Self::RemoveEmptyOrDummy,
            "X/Z/U*" => Self::RemoveEmptyOrUids,
            _ => return None,
        })
    }
}

/// What an option does with an attribute that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// K
    Keep,
    /// C
    Clean,
}

/// Columns of the table.
pub(super) const COLUMNS: usize = 9;

/// One row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) vr: [u8; 2],
    pub(super) basic: Basic,
    pub(super) options: [Option<Mark>; COLUMNS],
}

/// What an IOD asks of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Type 3, or not there at all.
    None,
    /// Type 2: there, and it may be empty.
    Element,
    /// Type 1: a value.
    Value,
    /// The IOD is not known.
    Unknown,
}

/// The lists, ready for looking up.
pub(super) struct Table {
    rows: HashMap<u32, Row>,
    /// (50xx,xxxx), (60xx,3000) and (60xx,4000) are told by their group.
    pub(super) private: Option<Row>,
    top: HashMap<(u32, &'static str), Need>,
    nested: HashMap<(u32, u32), Need>,
    classes: HashSet<&'static str>,
    safe: HashSet<(&'static str, u16, u8)>,
}

fn lines(text: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    let lines = text.lines().filter(|l| !l.starts_with('#'));
    lines.map(|line| line.split('\t').collect())
}

const PREFIX: &str = "1.2.840.10008.5.1.4.";

impl Table {
    pub(super) fn new() -> Self {
        let mut table = Self {
            rows: HashMap::with_capacity(700),
            private: None,
            top: HashMap::new(),
            nested: HashMap::new(),
            classes: HashSet::new(),
            safe: HashSet::new(),
        };
        for fields in lines(PROFILE) {
            let [tag, vr, code, options, _] = fields[..] else {
                continue;
            };
            let (Some(basic), Ok(vr)) = (Basic::parse(code), vr.as_bytes().try_into()) else {
                continue;
            };
            let mut marks = [None; COLUMNS];
            for (slot, mark) in marks.iter_mut().zip(options.bytes()) {
                *slot = match mark {
                    b'K' => Some(Mark::Keep),
                    b'C' => Some(Mark::Clean),
                    _ => None,
                };
            }
            let row = Row {
                vr,
                basic,
                options: marks,
            };
            if tag == "private" {
                table.private = Some(row);
            } else if let Ok(key) = u32::from_str_radix(tag, 16) {
                table.rows.insert(key, row);
            }
        }
        for fields in lines(NEEDS) {
            let [tag, above, need, classes] = fields[..] else {
                continue;
            };
            let number = |text| u32::from_str_radix(text, 16).unwrap_or_default();
            let need = match need {
                "D" => Need::Value,
                _ => Need::Element,
            };
            if classes == "*" {
                table.nested.insert((number(tag), number(above)), need);
                continue;
            }
            for class in classes.split(' ') {
                table.top.insert((number(tag), class), need);
                table.classes.insert(class);
            }
        }
        for fields in lines(SAFE_PRIVATE) {
            let [creator, group, element, _] = fields[..] else {
                continue;
            };
            let numbers = (
                u16::from_str_radix(group, 16),
                u8::from_str_radix(element, 16),
            );
            if let (Ok(group), Ok(element)) = numbers {
                table.safe.insert((creator, group, element));
            }
        }
        table
    }

    pub(super) fn row(&self, key: u32) -> Option<&Row> {
        self.rows.get(&key)
    }

    /// What the IOD of a SOP class asks of an attribute, at the top level (`above` is 0) or within a sequence.
    pub(super) fn need(&self, key: u32, above: u32, class: &str) -> Need {
        if above != 0 {
            let need = self.nested.get(&(key, above));
            return need.copied().unwrap_or(Need::None);
        }
        let class = class.strip_prefix(PREFIX).unwrap_or(class);
        if !self.classes.contains(class) {
            return Need::Unknown;
        }
        let need = self.top.get(&(key, class));
        need.copied().unwrap_or(Need::None)
    }

    /// Whether a private attribute is known to be safe.
    pub(super) fn is_safe(&self, creator: &str, group: u16, element: u8) -> bool {
        // The set has `'static` names; a lookup by a shorter life needs the same type.
        self.safe
            .iter()
            .any(|(name, g, e)| *g == group && *e == element && *name == creator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_lists_is_read() {
        let table = Table::new();
        // Three rows stand for groups of tags, one for all private ones.
        assert_eq!(table.rows.len() + 3 + 1, lines(PROFILE).count());
        assert!(table.rows.len() >= 650, "{}", table.rows.len());
        assert!(table.private.is_some());
        assert_eq!(table.safe.len(), lines(SAFE_PRIVATE).count());
        // Codes of the edition 2026c, counted in another implementation's lists.
        let count = |basic| table.rows.values().filter(|r| r.basic == basic).count();
        assert_eq!(count(Basic::Uid), 55);
        assert_eq!(count(Basic::Empty), 42);
        assert_eq!(count(Basic::RemoveEmptyOrDummy), 8);
        assert_eq!(count(Basic::RemoveEmptyOrUids), 2);
    }

    #[test]
    fn types_come_from_the_iod() {
        let table = Table::new();
        let ct = "1.2.840.10008.5.1.4.1.1.2";
        let sr = "1.2.840.10008.5.1.4.1.1.88.11";
        assert_eq!(table.need(0x0008_0023, 0, ct), Need::Element);
        assert_eq!(table.need(0x0008_0023, 0, sr), Need::Value);
        assert_eq!(table.need(0x0008_0080, 0, ct), Need::None);
        assert_eq!(table.need(0x0008_0080, 0, "1.2.3"), Need::Unknown);
        assert_eq!(table.need(0x0010_0020, 0, ct), Need::Element);
    }
}

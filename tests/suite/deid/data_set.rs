//! Data sets of a test, written in all three ways and read again: a second, small implementation.

use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Explicit,
    Implicit,
    Big,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    Bytes([u8; 2], Vec<u8>),
    Items(Vec<DataSet>),
}

impl Body {
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Bytes(_, bytes) => bytes.is_empty(),
            Self::Items(items) => items.is_empty(),
        }
    }

    pub fn text(&self) -> String {
        match self {
            Self::Bytes(_, bytes) => String::from_utf8_lossy(bytes)
                .trim_end_matches(['\0', ' '])
                .to_owned(),
            Self::Items(_) => String::new(),
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct DataSet(pub BTreeMap<(u16, u16), Body>);

const LONG: [&[u8; 2]; 9] = [
    b"OB", b"OW", b"SQ", b"UC", b"UN", b"UR", b"UT", b"OF", b"OD",
];

impl DataSet {
    pub fn bytes(&mut self, group: u16, element: u16, vr: &[u8; 2], mut value: Vec<u8>) {
        if value.len() % 2 == 1 {
            value.push(if matches!(vr, b"UI" | b"OB") { 0 } else { b' ' });
        }
        self.0.insert((group, element), Body::Bytes(*vr, value));
    }

    pub fn text(&mut self, group: u16, element: u16, vr: &[u8; 2], value: &str) {
        self.bytes(group, element, vr, value.as_bytes().to_vec());
    }

    pub fn items(&mut self, group: u16, element: u16, items: Vec<Self>) {
        self.0.insert((group, element), Body::Items(items));
    }

    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub fn get(&self, group: u16, element: u16) -> Option<&Body> {
        self.0.get(&(group, element))
    }

    /// The text of an element; empty when it is not there.
    pub fn said(&self, group: u16, element: u16) -> String {
        self.get(group, element)
            .map_or_else(String::new, Body::text)
    }

    pub fn item(&self, group: u16, element: u16) -> &Self {
        match self.get(group, element) {
            Some(Body::Items(items)) => &items[0],
            other => panic!("({group:04X},{element:04X}): {other:?}"),
        }
    }

    fn encode(&self, way: Way) -> Vec<u8> {
        let u16 = |v: u16| {
            if way == Way::Big {
                v.to_be_bytes()
            } else {
                v.to_le_bytes()
            }
        };
        let u32 = |v: u32| {
            if way == Way::Big {
                v.to_be_bytes()
            } else {
                v.to_le_bytes()
            }
        };
        let mut out = Vec::new();
        for ((group, element), body) in &self.0 {
            out.extend(u16(*group));
            out.extend(u16(*element));
            let (vr, value) = match body {
                Body::Bytes(vr, value) => (*vr, value.clone()),
                Body::Items(items) => {
                    let mut value = Vec::new();
                    for item in items {
                        let bytes = item.encode(way);
                        value.extend(u16(0xFFFE));
                        value.extend(u16(0xE000));
                        value.extend(u32(bytes.len() as u32));
                        value.extend(bytes);
                    }
                    (*b"SQ", value)
                }
            };
            let length = value.len() as u32;
            if way == Way::Implicit {
                out.extend(u32(length));
            } else if LONG.contains(&&vr) {
                out.extend(vr);
                out.extend([0, 0]);
                out.extend(u32(length));
            } else {
                out.extend(vr);
                out.extend(u16(length as u16));
            }
            out.extend(value);
        }
        out
    }

    /// A whole file with a preamble that says something, and a sender in its meta header.
    pub fn file(&self, way: Way, preamble: &[u8], sender: &str) -> Vec<u8> {
        let mut meta = Self::default();
        let syntax = match way {
            Way::Explicit => "1.2.840.10008.1.2.1",
            Way::Implicit => "1.2.840.10008.1.2",
            Way::Big => "1.2.840.10008.1.2.2",
        };
        meta.bytes(2, 1, b"OB", vec![0, 1]);
        meta.text(2, 2, b"UI", &self.said(0x0008, 0x0016));
        meta.text(2, 3, b"UI", &self.said(0x0008, 0x0018));
        meta.text(2, 0x10, b"UI", syntax);
        meta.text(2, 0x16, b"AE", sender);
        let mut out = preamble.to_vec();
        out.resize(128, 0);
        out.extend(b"DICM");
        out.extend(meta.encode(Way::Explicit));
        out.extend(self.encode(way));
        out
    }

    /// Reads a file that the program wrote.
    pub fn read(file: &[u8], way: Way) -> Self {
        assert_eq!(&file[..128], [0; 128], "the preamble");
        assert_eq!(&file[128..132], b"DICM");
        let (meta, at) = Self::parse(file, 132, Way::Explicit, Some(2));
        assert_eq!(meta.said(2, 0x16), "", "who sent it");
        let (set, end) = Self::parse(file, at, way, None);
        assert_eq!(end, file.len());
        assert_eq!(meta.said(2, 3), set.said(0x0008, 0x0018));
        set
    }

    /// Elements from `at` on, up to a delimiter, the end, or another group.
    fn parse(bytes: &[u8], mut at: usize, way: Way, group: Option<u16>) -> (Self, usize) {
        let pair = |at: usize| [bytes[at], bytes[at + 1]];
        let four = |at: usize| [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
        let u16 = |at| {
            if way == Way::Big {
                u16::from_be_bytes(pair(at))
            } else {
                u16::from_le_bytes(pair(at))
            }
        };
        let u32 = |at| {
            if way == Way::Big {
                u32::from_be_bytes(four(at))
            } else {
                u32::from_le_bytes(four(at))
            }
        };
        let mut set = Self::default();
        while at < bytes.len() {
            let tag = (u16(at), u16(at + 2));
            if tag == (0xFFFE, 0xE00D) {
                return (set, at + 8);
            }
            if group.is_some_and(|g| g != tag.0) {
                break;
            }
            let vr = match way {
                Way::Implicit => *b"UN",
                _ => pair(at + 4),
            };
            let (length, value) = match way {
                Way::Implicit => (u32(at + 4), at + 8),
                _ if LONG.contains(&&vr) => (u32(at + 8), at + 12),
                _ => (u32::from(u16(at + 6)), at + 8),
            };
            at = value;
            if length == u32::MAX {
                let mut items = Vec::new();
                while (u16(at), u16(at + 2)) == (0xFFFE, 0xE000) {
                    assert_eq!(u32(at + 4), u32::MAX);
                    let (item, next) = Self::parse(bytes, at + 8, way, None);
                    items.push(item);
                    at = next;
                }
                assert_eq!((u16(at), u16(at + 2)), (0xFFFE, 0xE0DD));
                at += 8;
                set.0.insert(tag, Body::Items(items));
            } else {
                let end = at + length as usize;
                set.0.insert(tag, Body::Bytes(vr, bytes[at..end].to_vec()));
                at = end;
            }
        }
        (set, at)
    }
}

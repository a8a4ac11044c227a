//! The character sets: their terms (PS3.3 tables C.12-2 to C.12-5), their escape sequences, their characters.

use encoding_rs::{
    EUC_JP, EUC_KR, Encoding, GB18030, ISO_2022_JP, ISO_8859_2, ISO_8859_3, ISO_8859_4, ISO_8859_5,
    ISO_8859_6, ISO_8859_7, ISO_8859_8, ISO_8859_15, REPLACEMENT, SHIFT_JIS, UTF_8, UTF_16BE,
    UTF_16LE, WINDOWS_874, WINDOWS_1252, WINDOWS_1254, X_USER_DEFINED,
};

/// A set of graphic characters that G0 or G1 may hold, or an encoding that stands alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Set {
    /// ISO-IR 6, ISO 646.
    Ascii,
    /// ISO-IR 14, Latin part of JIS X 0201. Its 0x5C and 0x7E are shown as `\` and `~`, not as yen sign and
    /// overline: 0x5C is the delimiter between values whatever it looks like, and in long text what vendors of
    /// Japanese systems write with it is mostly a Windows path.
    Romaji,
    /// ISO-IR 13, half-width katakana of JIS X 0201.
    Katakana,
    /// High half of a single-byte table.
    Single(&'static Encoding),
    /// ISO-IR 87, JIS X 0208.
    Kanji,
    /// ISO-IR 159, JIS X 0212.
    Supplement,
    /// ISO-IR 149, KS X 1001.
    Hangul,
    /// ISO-IR 58, GB 2312.
    Hanzi,
    /// UTF-8, GB18030 or another encoding of several bytes: takes part in no code extension.
    Whole(&'static Encoding),
}

/// Registration numbers of the single-byte sets.
const SINGLE: [u16; 11] = [100, 101, 109, 110, 144, 127, 126, 138, 148, 203, 166];

/// The table whose high half is this set's. For Latin 1, Latin 5 and Thai it is the Windows table: equal from
/// 0xA0 on, and below, where DICOM allows nothing (PS3.5 section 6.1.3), it has what is found in practice.
fn single(number: u16) -> Option<&'static Encoding> {
    Some(match number {
        100 => WINDOWS_1252,
        101 => ISO_8859_2,
        109 => ISO_8859_3,
        110 => ISO_8859_4,
        144 => ISO_8859_5,
        127 => ISO_8859_6,
        126 => ISO_8859_7,
        138 => ISO_8859_8,
        148 => WINDOWS_1254,
        203 => ISO_8859_15,
        166 => WINDOWS_874,
        _ => return None,
    })
}

impl Set {
    fn by_number(number: u16) -> Option<Self> {
        Some(match number {
            6 => Self::Ascii,
            13 => Self::Katakana,
            87 => Self::Kanji,
            159 => Self::Supplement,
            149 => Self::Hangul,
            58 => Self::Hanzi,
            192 => Self::Whole(UTF_8),
            _ => Self::Single(single(number)?),
        })
    }

    /// What messages call it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ascii => "ISO_IR 6",
            Self::Romaji => "ISO_IR 14",
            Self::Katakana => "ISO_IR 13",
            Self::Kanji => "ISO 2022 IR 87",
            Self::Supplement => "ISO 2022 IR 159",
            Self::Hangul => "ISO 2022 IR 149",
            Self::Hanzi => "ISO 2022 IR 58",
            Self::Whole(encoding) => encoding.name(),
            Self::Single(encoding) => {
                const NAMES: [&str; SINGLE.len()] = [
                    "ISO_IR 100",
                    "ISO_IR 101",
                    "ISO_IR 109",
                    "ISO_IR 110",
                    "ISO_IR 144",
                    "ISO_IR 127",
                    "ISO_IR 126",
                    "ISO_IR 138",
                    "ISO_IR 148",
                    "ISO_IR 203",
                    "ISO_IR 166",
                ];
                let number = SINGLE.iter().position(|n| single(*n) == Some(encoding));
                number.map_or(encoding.name(), |n| NAMES[n])
            }
        }
    }

    pub(super) const fn is_whole(self) -> bool {
        matches!(self, Self::Whole(_))
    }

    pub(super) const fn is_two_byte(self) -> bool {
        matches!(
            self,
            Self::Kanji | Self::Supplement | Self::Hangul | Self::Hanzi
        )
    }

    /// Whether the standard puts it into G1.
    pub(super) const fn has_high_bytes(self) -> bool {
        matches!(
            self,
            Self::Katakana | Self::Single(_) | Self::Hangul | Self::Hanzi | Self::Whole(_)
        )
    }

    /// Whether bytes that look like delimiters are characters of it while it is in G0.
    pub(super) const fn hides_delimiters(self) -> bool {
        self.is_two_byte() || matches!(self, Self::Katakana)
    }

    /// What a term for it declares: JIS X 0201 is two sets.
    pub(super) fn members(&self) -> &[Self] {
        match self {
            Self::Katakana => &[Self::Katakana, Self::Romaji],
            one => std::slice::from_ref(one),
        }
    }

    /// The larger encoding that vendors write in this set's place.
    pub(super) fn extended(self) -> Option<&'static Encoding> {
        match self {
            Self::Katakana => Some(SHIFT_JIS),
            Self::Hangul => Some(EUC_KR),
            Self::Hanzi => Some(GB18030),
            _ => None,
        }
    }

    /// A character of a two-byte set, its bytes given with the high bits set (0xA1 to 0xFE).
    pub(super) fn two_byte(self, pair: [u8; 2]) -> Option<char> {
        match self {
            Self::Kanji => exact(EUC_JP, &pair).map(jis_punctuation),
            // Its tilde is the ASCII one, not the wave dash of JIS X 0208.
            Self::Supplement if pair == [0xA2, 0xB7] => Some('~'),
            Self::Supplement => exact(EUC_JP, &[0x8F, pair[0], pair[1]]),
            Self::Hangul => exact(EUC_KR, &pair),
            // The encoding fills the rows GB 2312 leaves empty with private characters that no font has.
            Self::Hanzi => exact(GB18030, &pair).filter(|c| !('\u{E000}'..='\u{F8FF}').contains(c)),
            _ => None,
        }
    }
}

/// The encoding follows Windows for some signs; this is what the JIS standards themselves call them.
const fn jis_punctuation(c: char) -> char {
    match c {
        '\u{FF5E}' => '\u{301C}',
        '\u{2225}' => '\u{2016}',
        '\u{FF0D}' => '\u{2212}',
        '\u{FFE0}' => '\u{A2}',
        '\u{FFE1}' => '\u{A3}',
        '\u{FFE2}' => '\u{AC}',
        other => other,
    }
}

/// The one character these bytes are.
pub(super) fn exact(encoding: &'static Encoding, bytes: &[u8]) -> Option<char> {
    let text = encoding.decode_without_bom_handling_and_without_replacement(bytes)?;
    let mut characters = text.chars();
    characters.next().filter(|_| characters.next().is_none())
}

/// The shortest prefix of some bytes that is text, and that text. Big5 has codes for two characters.
pub(super) fn shortest(encoding: &'static Encoding, bytes: &[u8]) -> Option<(usize, String)> {
    (1..=bytes.len().min(4)).find_map(|n| {
        let text = encoding.decode_without_bom_handling_and_without_replacement(&bytes[..n])?;
        (!text.is_empty()).then(|| (n, text.into_owned()))
    })
}

/// Half of the code table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Half {
    Left,
    Right,
}

/// What an escape sequence designates, by what follows ESC (PS3.3 tables C.12-3 and C.12-4). Some that the tables
/// do not have are here because ISO 2022 gives them one clear meaning; sets arriving by them count as undeclared.
pub(super) fn designation(sequence: &[u8]) -> Option<(Half, Set, bool)> {
    let (half, set, standard) = match sequence {
        b"(B" => (Half::Left, Set::Ascii, true),
        b"(J" => (Half::Left, Set::Romaji, true),
        b")I" => (Half::Right, Set::Katakana, true),
        b"$B" => (Half::Left, Set::Kanji, true),
        b"$(D" => (Half::Left, Set::Supplement, true),
        b"$)C" => (Half::Right, Set::Hangul, true),
        b"$)A" => (Half::Right, Set::Hanzi, true),
        b"(I" => (Half::Left, Set::Katakana, false),
        // JIS C 6226, the 1978 edition of JIS X 0208, and the long form of the present one.
        b"$@" | b"$(@" | b"$(B" => (Half::Left, Set::Kanji, false),
        b"$)B" => (Half::Right, Set::Kanji, false),
        b"$)D" => (Half::Right, Set::Supplement, false),
        b"$(C" => (Half::Left, Set::Hangul, false),
        b"$A" | b"$(A" => (Half::Left, Set::Hanzi, false),
        [b'-', last] => {
            let number = match last {
                b'A' => 100,
                b'B' => 101,
                b'C' => 109,
                b'D' => 110,
                b'F' => 126,
                b'G' => 127,
                b'H' => 138,
                b'L' => 144,
                b'M' => 148,
                b'T' => 166,
                b'b' => 203,
                _ => return None,
            };
            (Half::Right, Set::Single(single(number)?), true)
        }
        _ => return None,
    };
    Some((half, set, standard))
}

/// One value of (0008,0005).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Term {
    pub(super) set: Set,
    /// It has the prefix of code extension.
    pub(super) extension: bool,
    pub(super) empty: bool,
}

impl Default for Term {
    fn default() -> Self {
        Self {
            set: Set::Ascii,
            extension: false,
            empty: true,
        }
    }
}

impl Term {
    /// The term, and whether the standard spells it otherwise.
    pub(super) fn parse(value: &[u8]) -> Result<(Self, bool), ()> {
        let text = String::from_utf8_lossy(value);
        let text = text.trim_matches(|c: char| c == '\0' || c.is_whitespace());
        if text.is_empty() {
            return Ok((Self::default(), false));
        }
        // What differs in practice is case and what stands between the words.
        let folded: String = text
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|c| c.to_ascii_uppercase())
            .collect();
        let rest = folded
            .strip_prefix("ISO2022")
            .map(|r| (true, r))
            .or_else(|| folded.strip_prefix("ISO").map(|r| (false, r)))
            .unwrap_or((false, &folded));
        let (extension, rest) = rest;
        let number = rest.strip_prefix("IR").unwrap_or(rest);
        let number = number
            .parse::<u16>()
            .ok()
            .filter(|_| number.len() < rest.len() || extension);
        let found = number.and_then(Set::by_number).map(|set| Self {
            set,
            extension,
            empty: false,
        });
        if let Some(term) = found {
            let number = number.unwrap_or_default();
            let proper = match extension {
                true => format!("ISO 2022 IR {number}"),
                false => format!("ISO_IR {number}"),
            };
            // Two-byte sets have no term without code extension, UTF-8 none with it.
            let fits = match extension {
                true => !term.set.is_whole(),
                false => !term.set.is_two_byte(),
            };
            return Ok((term, proper != text || !fits));
        }
        if rest == "GB18030" || rest == "GBK" || rest == "GB2312" {
            // Each is part of the next: one decoder reads them all.
            let set = Set::Whole(GB18030);
            let term = Self {
                set,
                extension: false,
                empty: false,
            };
            return Ok((term, !matches!(text, "GB18030" | "GBK")));
        }
        // Names of encodings from elsewhere: UTF-8, windows-1251, Shift_JIS, ISO-8859-1.
        let spellings = [text.replace([' ', '_'], "-"), text.to_owned()];
        let encoding = spellings
            .iter()
            .find_map(|s| Encoding::for_label(s.as_bytes()))
            .filter(|e| ![REPLACEMENT, X_USER_DEFINED, ISO_2022_JP, UTF_16BE, UTF_16LE].contains(e))
            .ok_or(())?;
        let set = match encoding.is_single_byte() {
            true => Set::Single(encoding),
            false => Set::Whole(encoding),
        };
        let term = Self {
            set,
            extension: false,
            empty: false,
        };
        Ok((term, true))
    }
}

/// A term as it may be shown: no controls, no foreign letters, not long.
pub(super) fn printable(value: &[u8]) -> String {
    let kept = value.iter().filter(|b| (b' '..=b'~').contains(*b)).take(32);
    let text: String = kept.map(|b| char::from(*b)).collect();
    text.trim().to_owned()
}

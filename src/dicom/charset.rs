//! DICOM text as Unicode, by Specific Character Set (0008,0005).
//!
//! What it is for: turning the bytes of SH, LO, UC, ST, LT, UT and PN values into text as PS3.5 chapter 6.1 and
//! PS3.3 section C.12.1.1.2 say, code extensions (ISO 2022) included, and saying out loud whenever the bytes and
//! the declaration do not fit each other. Splitting at `\`, `^` and `=` happens while decoding, because the same
//! bytes occur inside two-byte characters.
//!
//! Must stay true: time is linear in the input, the text is never longer than three times the input, nothing
//! panics, and `Debug` never reveals a text.
//!
//! Deliberately not here: writing text; visual against logical order of Hebrew and Arabic; Unicode normalisation;
//! the repertoire rules of single value representations (length, which controls a `SH` may hold); VRs that are
//! always ASCII (AE, CS, UI, DA, ...), whose bytes no character set changes (PS3.5 section 6.1.2.2).

mod guess;
mod sets;
#[cfg(test)]
mod tests;
mod walk;

use crate::model::identity::PersonName;
use sets::{Set, Term};
use std::fmt;
use walk::Walker;

/// How many problems are kept of one declaration or one value; a hostile text has no say in how much is stored.
const PROBLEMS_KEPT: usize = 32;

/// A declaration longer than this is not one: a term has 16 bytes, and there are 16 sets that can be combined.
const DECLARATION_LIMIT: usize = 1024;

/// Whether text without any declaration is Chinese in GBK rather than anything Western.
pub(super) fn is_like_gbk(bytes: &[u8]) -> bool {
    guess::looks_like_gbk(bytes, TextKind::Short)
}

/// Which rules a value is read by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextKind {
    /// PN: `\` separates values, `=` component groups and `^` components.
    PersonName,
    /// SH, LO, UC: `\` separates values.
    Short,
    /// ST, LT, UT: one value with lines; `\` is a character like any other.
    Long,
}

impl TextKind {
    /// Whether a byte of the initial G0 set ends what came before it, and with it every designation.
    const fn delimits(self, byte: u8) -> bool {
        match self {
            Self::PersonName => matches!(byte, b'\\' | b'^' | b'='),
            Self::Short => byte == b'\\',
            Self::Long => false,
        }
    }
}

/// Bytes of a value that could not be read. They are part of a patient's data, so `Debug` tells their number only.
#[derive(Clone, PartialEq, Eq)]
pub struct RawBytes(pub Vec<u8>);

impl fmt::Debug for RawBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} bytes]", self.0.len())
    }
}

/// What was not as the standard wants it. None of these stops the reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// A value of Specific Character Set that says nothing known; it was left out.
    UnknownTerm {
        /// What it says, cut and without controls.
        term: String,
    },
    /// A value of Specific Character Set in a spelling the standard does not have.
    MisspeltTerm {
        /// What it says, cut and without controls.
        term: String,
        /// The set it was taken for.
        read_as: &'static str,
    },
    /// UTF-8, GB18030 and GBK stand alone (PS3.5 section 6.1.2.5.4 d); this value was left out.
    IgnoredTerm {
        /// The set that was left out.
        set: &'static str,
    },
    /// A two-byte set stands first, where only single-byte sets may (PS3.3 table C.12-4).
    MultiByteFirst {
        /// That set.
        set: &'static str,
    },
    /// One of several values lacks the prefix `ISO 2022` (PS3.3 table C.12-3).
    WithoutExtension {
        /// That value's set.
        set: &'static str,
    },
    /// Bytes that stand for no character; the text has U+FFFD there.
    Undecodable {
        /// Where in the text (in bytes of it) that U+FFFD is.
        at: usize,
        /// The bytes.
        bytes: RawBytes,
    },
    /// A set designated to G0 was still active at a delimiter, a control or the end (PS3.5 section 6.1.2.5.3).
    NotClosed,
    /// An escape sequence designates a set that (0008,0005) does not declare; it was followed.
    Undeclared {
        /// That set.
        set: &'static str,
    },
    /// An escape sequence that designates nothing known; it was left out.
    UnknownEscape,
    /// High bytes came before any escape sequence; the one declared set that has some was used.
    MissingEscape {
        /// That set.
        set: &'static str,
    },
    /// A character outside of the designated set, read with the larger encoding vendors use in its place.
    Outside {
        /// The designated set.
        set: &'static str,
        /// The encoding that has the character.
        read_as: &'static str,
    },
    /// The text cannot be, or is hardly, what is declared, and was read as something else.
    ReadAs {
        /// What is declared.
        declared: &'static str,
        /// What it was read as.
        read_as: &'static str,
    },
    /// Control characters were left out.
    ControlsDropped,
    /// Characters that reorder text (U+202A to U+202E, U+2066 to U+2069) were left out.
    BidiDropped,
    /// A name has more than three groups, or a group more than five components; the rest stays in the last one.
    TooManyParts,
    /// There were more problems than are kept.
    More,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownTerm { term } => write!(f, "unknown character set \"{term}\""),
            Self::MisspeltTerm { term, read_as } => {
                write!(
                    f,
                    "character set \"{term}\" is misspelt, taken for {read_as}"
                )
            }
            Self::IgnoredTerm { set } => write!(f, "{set} cannot be combined, left out"),
            Self::MultiByteFirst { set } => write!(f, "{set} cannot be the first character set"),
            Self::WithoutExtension { set } => {
                write!(f, "{set} is combined without the prefix ISO 2022")
            }
            Self::Undecodable { bytes, .. } => {
                write!(f, "{} bytes stand for no character", bytes.0.len())
            }
            Self::NotClosed => f.write_str("an escape sequence is not closed"),
            Self::Undeclared { set } => write!(f, "{set} is used but not declared"),
            Self::UnknownEscape => f.write_str("an unknown escape sequence"),
            Self::MissingEscape { set } => write!(f, "{set} is used without its escape sequence"),
            Self::Outside { set, read_as } => {
                write!(f, "a character is not in {set}, read as {read_as}")
            }
            Self::ReadAs { declared, read_as } => {
                write!(f, "declared {declared}, read as {read_as}")
            }
            Self::ControlsDropped => f.write_str("control characters were left out"),
            Self::BidiDropped => f.write_str("characters that reorder text were left out"),
            Self::TooManyParts => f.write_str("a name has too many parts"),
            Self::More => f.write_str("more problems of this kind"),
        }
    }
}

/// Adds a problem once, and no more than are kept.
fn note(problems: &mut Vec<Problem>, problem: Problem) {
    if problems.len() < PROBLEMS_KEPT {
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    } else if problems.len() == PROBLEMS_KEPT {
        problems.push(Problem::More);
    }
}

/// A text and what was wrong with it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Decoded {
    /// The text: without padding, escape sequences and, but for line ends and tabs of long text, controls.
    pub text: String,
    /// Each problem once, [`Problem::Undecodable`] once a place.
    pub problems: Vec<Problem>,
}

impl fmt::Debug for Decoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[redacted], {:?}", self.problems)
    }
}

/// A person name: three component groups of five components (PS3.5 section 6.2.1.1).
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Name {
    /// Alphabetic, ideographic and phonetic group; each family, given, middle name, prefix, suffix.
    pub groups: [[String; 5]; 3],
    /// As of [`Decoded`]; places of [`Problem::Undecodable`] are in the undivided text.
    pub problems: Vec<Problem>,
}

impl Name {
    /// A group in DICOM's form, without empty components at its end; empty when there is no such group.
    pub fn group(&self, index: usize) -> String {
        let group = self.groups.get(index).map(|g| g.join("^"));
        group.map_or_else(String::new, |g| g.trim_end_matches('^').to_owned())
    }

    /// The groups by their names, in DICOM's form.
    pub fn groups_by_name(&self) -> PersonName {
        PersonName {
            alphabetic: self.group(0),
            ideographic: self.group(1),
            phonetic: self.group(2),
        }
    }

    fn divide(decoded: Decoded) -> Self {
        // Splitting the text is right here: no character of two bytes becomes `=` or `^` (a test goes through all).
        let mut name = Self {
            problems: decoded.problems,
            ..Self::default()
        };
        for (group, text) in name.groups.iter_mut().zip(decoded.text.splitn(3, '=')) {
            for (component, part) in group.iter_mut().zip(text.splitn(5, '^')) {
                part.trim().clone_into(component);
            }
            // Nothing is lost: what is too much stays in the last component, delimiters included.
            if text.contains('=') || group[4].contains('^') {
                note(&mut name.problems, Problem::TooManyParts);
            }
        }
        name
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[redacted], {:?}", self.problems)
    }
}

/// The sets designated to the two halves of the code table (PS3.5 section 6.1.2.5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State {
    /// What bytes 0x21 to 0x7E stand for.
    g0: Set,
    /// What bytes from 0x80 stand for, if anything.
    g1: Option<Set>,
}

/// What Specific Character Set (0008,0005) declares. The default is an absent attribute: ISO 646.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CharacterSets {
    /// Active at the start of each value, line and name component.
    initial: State,
    /// The first value, by the name problems use.
    first: &'static str,
    /// Every set an escape sequence may designate.
    declared: Vec<Set>,
    /// The one declared set with high bytes that is not active at the start, for texts without escape sequences.
    spare: Option<Set>,
}

impl Default for CharacterSets {
    fn default() -> Self {
        Self::parse(b"").0
    }
}

impl CharacterSets {
    /// Reads the value of (0008,0005). Whatever it says, some sets come out: those that make the text readable.
    pub fn parse(raw: &[u8]) -> (Self, Vec<Problem>) {
        let mut problems = Vec::new();
        let raw = if raw.len() > DECLARATION_LIMIT {
            note(&mut problems, Problem::More);
            &raw[..DECLARATION_LIMIT]
        } else {
            raw
        };
        let mut terms = Vec::new();
        for (place, value) in raw.split(|b| *b == b'\\').enumerate() {
            match Term::parse(value) {
                Ok((term, misspelt)) => {
                    if misspelt {
                        let (term, read_as) = (sets::printable(value), term.set.name());
                        note(&mut problems, Problem::MisspeltTerm { term, read_as });
                    }
                    // Empty means ISO 646 in the first place (PS3.3 section C.12.1.1.2) and nothing behind it.
                    if place == 0 || !term.empty {
                        terms.push(term);
                    }
                }
                Err(()) => {
                    let term = sets::printable(value);
                    note(&mut problems, Problem::UnknownTerm { term });
                    if place == 0 {
                        terms.push(Term::default());
                    }
                }
            }
        }
        let sets = Self::combine(terms, &mut problems);
        (sets, problems)
    }

    fn combine(mut terms: Vec<Term>, problems: &mut Vec<Problem>) -> Self {
        let mut first = terms.first().copied().unwrap_or_default();
        // A complete encoding behind the default repertoire must be meant: the default says nothing on high bytes.
        if first.set == Set::Ascii
            && let Some(whole) = terms.iter().find(|t| t.set.is_whole())
        {
            first = *whole;
        }
        if terms.len() > 1 {
            if first.set.is_whole() {
                for term in terms.iter().filter(|t| t.set != first.set) {
                    note(
                        problems,
                        Problem::IgnoredTerm {
                            set: term.set.name(),
                        },
                    );
                }
                terms = vec![first];
            } else {
                for term in terms.iter().filter(|t| t.set.is_whole()) {
                    note(
                        problems,
                        Problem::IgnoredTerm {
                            set: term.set.name(),
                        },
                    );
                }
                terms.retain(|t| !t.set.is_whole());
                for term in terms.iter().filter(|t| !t.extension && !t.empty) {
                    note(
                        problems,
                        Problem::WithoutExtension {
                            set: term.set.name(),
                        },
                    );
                }
            }
        }
        if first.set.is_two_byte() {
            note(
                problems,
                Problem::MultiByteFirst {
                    set: first.set.name(),
                },
            );
        }
        let initial = match first.set {
            // Kanji in G0 would swallow the delimiters: they only begin with their escape sequence.
            Set::Ascii | Set::Kanji | Set::Supplement => State {
                g0: Set::Ascii,
                g1: None,
            },
            // ISO_IR 13 is the whole 8-bit table of JIS X 0201 (PS3.3 table C.12-2).
            Set::Katakana => State {
                g0: Set::Romaji,
                g1: Some(Set::Katakana),
            },
            set => State {
                g0: Set::Ascii,
                g1: Some(set),
            },
        };
        let mut declared = vec![Set::Ascii];
        for term in &terms {
            for set in term.set.members() {
                if !declared.contains(set) {
                    declared.push(*set);
                }
            }
        }
        let mut spares = declared
            .iter()
            .filter(|s| s.has_high_bytes() && initial.g1 != Some(**s));
        let spare = spares.next().copied().filter(|_| spares.next().is_none());
        Self {
            initial,
            first: first.set.name(),
            declared,
            spare,
        }
    }

    /// All values as one text, `\` between them.
    pub fn decode(&self, bytes: &[u8], kind: TextKind) -> Decoded {
        if let Some(text) = plain(bytes, kind) {
            return Decoded {
                text,
                problems: Vec::new(),
            };
        }
        let mut all = self.walk(bytes, kind, false);
        all.pop().unwrap_or_default()
    }

    /// The values one by one; a long text is always one. At least one, as a value of no bytes is one empty text.
    pub fn decode_values(&self, bytes: &[u8], kind: TextKind) -> Vec<Decoded> {
        if !bytes.contains(&b'\\')
            && let Some(text) = plain(bytes, kind)
        {
            return vec![Decoded {
                text,
                problems: Vec::new(),
            }];
        }
        self.walk(bytes, kind, kind != TextKind::Long)
    }

    /// The names of a PN element, divided.
    pub fn decode_names(&self, bytes: &[u8]) -> Vec<Name> {
        let values = self.decode_values(bytes, TextKind::PersonName);
        values.into_iter().map(Name::divide).collect()
    }

    fn walk(&self, bytes: &[u8], kind: TextKind, split: bool) -> Vec<Decoded> {
        let bytes = without_padding(bytes);
        let guess = guess::guess(self, bytes, kind);
        Walker::new(self, kind, split, guess).run(bytes)
    }
}

/// Padding is a space by PS3.5 section 6.2, in practice NUL as well. Neither ends a two-byte character.
fn without_padding(bytes: &[u8]) -> &[u8] {
    let padding = bytes.iter().rev().take_while(|b| matches!(b, 0 | b' '));
    &bytes[..bytes.len() - padding.count()]
}

/// A text of printing ASCII, which every declaration reads alike: all of them begin with a G0 set that has it, and only
/// escape sequences change that.
fn plain(bytes: &[u8], kind: TextKind) -> Option<String> {
    let bytes = without_padding(bytes);
    if !bytes.iter().all(|b| (b' '..=b'~').contains(b)) {
        return None;
    }
    let text = std::str::from_utf8(bytes).ok()?;
    let text = match kind {
        TextKind::Long => text,
        TextKind::PersonName | TextKind::Short => text.trim_start_matches(' '),
    };
    Some(text.to_owned())
}

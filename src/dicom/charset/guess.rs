//! Text that is not what its file declares. Only what can be told with near certainty is told.

use super::{CharacterSets, Problem, State, TextKind, sets::Set, walk::Walker};
use encoding_rs::{GB18030, UTF_8, WINDOWS_1252};

/// A state to start from in place of the declared one, and why.
#[derive(Clone, Debug)]
pub(super) struct Guess {
    pub(super) initial: State,
    pub(super) problem: Problem,
}

/// What a text is when it is hardly what is declared.
pub(super) fn guess(sets: &CharacterSets, bytes: &[u8], kind: TextKind) -> Option<Guess> {
    if bytes.is_ascii() {
        return None;
    }
    let read_as = |set: Set| {
        let problem = Problem::ReadAs {
            declared: sets.first,
            read_as: set.name(),
        };
        let initial = State {
            g0: Set::Ascii,
            g1: Some(set),
        };
        Some(Guess { initial, problem })
    };
    let latin1 = Set::Single(WINDOWS_1252);
    let right = sets.initial.g1;
    // Who declares code extensions knows about character sets.
    let plain = sets
        .declared
        .iter()
        .all(|s| *s == Set::Ascii || *s == latin1);
    // Escape sequences are no accident: that text is what it says.
    if !bytes.contains(&0x1B) {
        let utf8 = is_utf8(bytes);
        let may_be_utf8 = match right {
            None => !fits_spare(sets, bytes, kind),
            Some(set) if set == latin1 && plain => true,
            // DICOM uses no byte from 0x80 to 0x9F in these sets (PS3.5 section 6.1.3), UTF-8 hardly does without.
            Some(Set::Single(_) | Set::Katakana) => bytes.iter().any(|b| (0x80..0xA0).contains(b)),
            Some(_) => false,
        };
        if utf8 && may_be_utf8 {
            return read_as(Set::Whole(UTF_8));
        }
        let may_be_gbk = match right {
            None => plain,
            Some(set) => (set == latin1 && plain) || (set == Set::Whole(UTF_8) && !utf8),
        };
        if may_be_gbk && looks_like_gbk(bytes, kind) {
            return read_as(Set::Whole(GB18030));
        }
    }
    // Latin 1 under no declaration at all is the oldest habit of Western vendors.
    if right.is_none() && plain && sets.spare.is_none() {
        return read_as(latin1);
    }
    None
}

/// Valid UTF-8 with at least one character of several bytes. The last one may be cut, as length limits do; two whole
/// ones must then be there, as three accented letters of Latin 1 can look like one and a half.
fn is_utf8(bytes: &[u8]) -> bool {
    match std::str::from_utf8(bytes) {
        Ok(text) => !text.is_ascii(),
        Err(error) if error.error_len().is_none() => {
            let whole = &bytes[..error.valid_up_to()];
            // In valid text these begin characters of several bytes.
            whole.iter().filter(|b| **b >= 0xC0).nth(1).is_some()
        }
        Err(_) => false,
    }
}

/// Whether a declared two-byte set reads the whole text. Short Korean words are valid UTF-8 by chance.
fn fits_spare(sets: &CharacterSets, bytes: &[u8], kind: TextKind) -> bool {
    if !sets.spare.is_some_and(Set::is_two_byte) {
        return false;
    }
    let misfit = |p: &Problem| matches!(p, Problem::Undecodable { .. } | Problem::Outside { .. });
    let values = Walker::new(sets, kind, false, None).run(bytes);
    !values.iter().flat_map(|v| &v.problems).any(misfit)
}

/// Chinese in GBK under a Western declaration.
///
/// Every run of high bytes must pair up into characters of GB 2312, most of them common ones (level 1, lead byte up
/// to 0xD7; upper and lower case accents in one word make rare ones). And the Latin reading must be absurd: four
/// accented letters in a row, or no ASCII letter beside any accented one. `Þóra^Þórey` pairs up, but is written in
/// words; `王^伟` has none. In names only the second counts, as they do not mix the scripts in one word.
pub(super) fn looks_like_gbk(bytes: &[u8], kind: TextKind) -> bool {
    let (mut pairs, mut hanzi, mut common) = (0_usize, 0_usize, 0_usize);
    let (mut longest, mut beside_letters) = (0_usize, false);
    let mut at = 0;
    while at < bytes.len() {
        let run = bytes[at..].iter().take_while(|b| !b.is_ascii()).count();
        if run == 0 {
            at += 1;
            continue;
        }
        if run % 2 != 0 {
            return false;
        }
        for pair in bytes[at..at + run].chunks_exact(2) {
            let (lead, trail) = (pair[0], pair[1]);
            // Rows 1 to 9 are signs and foreign letters, 16 to 87 hanzi.
            let fits = matches!(lead, 0xA1..=0xA9 | 0xB0..=0xF7) && (0xA1..=0xFE).contains(&trail);
            if !fits {
                return false;
            }
            pairs += 1;
            hanzi += usize::from(lead >= 0xB0);
            common += usize::from((0xB0..=0xD7).contains(&lead));
        }
        longest = longest.max(run);
        let letter = |place: Option<usize>| {
            let byte = place.and_then(|p| bytes.get(p));
            byte.is_some_and(u8::is_ascii_alphabetic)
        };
        beside_letters |= letter(at.checked_sub(1)) || letter(Some(at + run));
        at += run;
    }
    let absurd = !beside_letters || (longest >= 4 && kind != TextKind::PersonName);
    hanzi >= 2 && common * 2 > pairs && absurd
}

//! Every code of every set, random text and hostile bytes: `tests/data/charset.tsv` holds what Python's codecs have them as.

use super::*;

// ---- Tables ----

#[test]
fn single_byte_sets_equal_those_of_python() {
    let mut checked = 0;
    for line in REFERENCE.lines().filter(|l| l.starts_with("single\t")) {
        let fields: Vec<&str> = line.split('\t').collect();
        let expected: Vec<char> = fields[2].chars().collect();
        assert_eq!(expected.len(), 96);
        for prefix in ["ISO_IR ", "ISO 2022 IR "] {
            let sets = CharacterSets::parse(format!("{prefix}{}", fields[1]).as_bytes()).0;
            for (byte, expected) in (0xA0..=0xFF_u8).zip(&expected) {
                // The letters keep the guessing of encodings out, and no digit is half of a Shift_JIS character.
                let decoded = sets.decode(&[b'a', b'b', byte, b'1'], Long);
                // TIS 620 leaves the place of the no-break space empty, ISO 8859-11 does not.
                let expected = match (fields[1], byte) {
                    ("166", 0xA0) => '\u{A0}',
                    _ => *expected,
                };
                assert_eq!(
                    decoded.text,
                    format!("ab{expected}1"),
                    "{} {byte:X}",
                    fields[1]
                );
                let fault = expected == char::REPLACEMENT_CHARACTER;
                assert_eq!(
                    !decoded.problems.is_empty(),
                    fault,
                    "{} {byte:X}",
                    fields[1]
                );
                checked += 1;
            }
        }
    }
    assert_eq!(checked, 12 * 2 * 96);
}

/// FNV-1a of a row, which a table of 8000 characters would otherwise have to stand here for.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xCBF2_9CE4_8422_2325, |h, b| {
        (h ^ u64::from(b)).wrapping_mul(0x100_0000_01B3)
    })
}

#[test]
fn two_byte_sets_equal_those_of_python() {
    let mut characters = 0;
    for line in REFERENCE.lines().filter(|l| l.starts_with("row\t")) {
        let fields: Vec<&str> = line.split('\t').collect();
        let (set, escape, high): (_, &[u8], u8) = match fields[1] {
            "87" => (Set::Kanji, b"$B", 0),
            "159" => (Set::Supplement, b"$(D", 0),
            "149" => (Set::Hangul, b"$)C", 0x80),
            _ => (Set::Hanzi, b"$)A", 0x80),
        };
        let row = u8::from_str_radix(fields[2], 16).unwrap();
        let text: String = (0x21..=0x7E_u8)
            .map(|cell| {
                let found = set.two_byte([row | 0x80, cell | 0x80]);
                let found = found.unwrap_or(char::REPLACEMENT_CHARACTER);
                // Through the whole reader as well, in a place where a delimiter would show.
                let bytes = [b"a\x1B", escape, &[row | high, cell | high], b"\x1B(Bz"].concat();
                let declared = format!("\\ISO 2022 IR {}", fields[1]);
                let decoded = decode(&declared, &bytes, Long);
                assert_eq!(decoded.text, format!("a{found}z"));
                match (set, row, cell, found) {
                    // Python takes the Hangul filler for the start of a composed syllable.
                    (Set::Hangul, 0x24, 0x54, '\u{3164}') => char::REPLACEMENT_CHARACTER,
                    // The dot between the parts of a foreign name, and the dash, as GB18030 has them.
                    (Set::Hanzi, 0x21, 0x24, '\u{B7}') => '\u{30FB}',
                    (Set::Hanzi, 0x21, 0x2A, '\u{2014}') => '\u{2015}',
                    // Roman numerals and vertical punctuation that GBK added to empty places.
                    (Set::Hanzi, 0x22, 0x21..=0x2A, _)
                    | (Set::Hanzi, 0x22, 0x63, _)
                    | (Set::Hanzi, 0x26, 0x59..=0x7E, _)
                    | (Set::Hanzi, 0x28, 0x3B..=0x40, _) => char::REPLACEMENT_CHARACTER,
                    // NEC's row 13 and its selection of IBM's characters: in wide use, not in JIS X 0208.
                    (Set::Kanji, 0x2D | 0x79..=0x7C, _, _) => char::REPLACEMENT_CHARACTER,
                    (.., found) => found,
                }
            })
            .collect();
        let count = text
            .chars()
            .filter(|c| *c != char::REPLACEMENT_CHARACTER)
            .count();
        assert_eq!(count.to_string(), fields[4], "{} {row:X}", fields[1]);
        assert_eq!(
            format!("{:016x}", hash(&text)),
            fields[3],
            "{} {row:X}",
            fields[1]
        );
        characters += count;
    }
    assert_eq!(characters, 6879 + 6067 + 8225 + 7445);
}

/// Names are divided after decoding; that is right only as long as this holds.
#[test]
fn no_character_of_several_bytes_is_a_delimiter() {
    let harmless = |text: &str| !text.contains(['\\', '^', '=']);
    for lead in 0x80..=0xFF_u8 {
        for trail in 0..=0xFF_u8 {
            for set in [Set::Kanji, Set::Supplement, Set::Hangul, Set::Hanzi] {
                assert!(
                    set.two_byte([lead, trail | 0x80])
                        .is_none_or(|c| harmless(&c.to_string()))
                );
            }
            for encoding in [GB18030, SHIFT_JIS, EUC_KR, EUC_JP, BIG5] {
                let two = exact(encoding, &[lead, trail]);
                assert!(two.is_none_or(|c| harmless(&c.to_string())));
                for end in [[0x30, 0x81], [0x81, 0x30], [0xA2, 0xB7]] {
                    if let Some((read, text)) = shortest(encoding, &[lead, trail, end[0], end[1]]) {
                        assert!(harmless(&text), "{lead:X} {trail:X} {read}");
                    }
                }
            }
        }
    }
}

// ---- Random text in all combinations ----

#[test]
fn random_text_comes_back_as_python_encoded_it() {
    let mut checked = 0;
    for line in REFERENCE.lines().filter(|l| l.starts_with("text\t")) {
        let fields: Vec<&str> = line.split('\t').collect();
        let kind = match fields[1] {
            "PN" => PersonName,
            "LO" => Short,
            _ => Long,
        };
        let expected = fields[4]
            .replace('\u{240D}', "\r")
            .replace('\u{240A}', "\n")
            .replace('\u{2409}', "\t")
            .replace('\u{240C}', "\u{C}");
        let bytes = from_hex(fields[3]);
        clean(fields[2], &bytes, kind, &expected);
        let sets = CharacterSets::parse(fields[2].as_bytes()).0;
        let values = sets.decode_values(&bytes, kind);
        let texts: Vec<&str> = values.iter().map(|v| v.text.as_str()).collect();
        if kind == Long {
            assert_eq!(texts, [expected]);
        } else {
            assert_eq!(texts, expected.split('\\').collect::<Vec<_>>());
        }
        if kind == PersonName {
            for (name, text) in sets.decode_names(&bytes).iter().zip(texts) {
                let joined = [name.group(0), name.group(1), name.group(2)].join("=");
                assert_eq!(joined.trim_end_matches('='), text.trim_end_matches('='));
            }
        }
        checked += 1;
    }
    assert!(checked >= 160, "{checked}");
}

// ---- Hostile bytes ----

/// Numbers that look random and are the same each time (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % below as u64) as usize
    }
}

fn within_bounds(sets: &CharacterSets, bytes: &[u8], kind: TextKind) {
    let whole = sets.decode(bytes, kind);
    assert!(whole.text.len() <= 3 * bytes.len());
    let bidi = |c: char| matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    let lines = |c: char| kind == Long && matches!(c, '\r' | '\n' | '\t' | '\u{C}');
    assert!(
        whole
            .text
            .chars()
            .all(|c| !bidi(c) && (!c.is_control() || lines(c)))
    );
    let values = sets.decode_values(bytes, kind);
    assert!(values.len() <= bytes.len() + 1);
    for value in values.iter().chain([&whole]) {
        assert!(value.problems.len() <= 33);
        for problem in &value.problems {
            if let Problem::Undecodable { at, bytes } = problem {
                assert!(value.text[*at..].starts_with('\u{FFFD}'));
                assert!(matches!(bytes.0.len(), 1 | 2));
            }
        }
    }
    // Splitting changes nothing but the spaces around.
    let texts: Vec<String> = values.into_iter().map(|v| v.text).collect();
    let bare = |text: &str| text.replace(' ', "");
    assert_eq!(bare(&texts.join("\\")), bare(&whole.text));
    for name in sets.decode_names(bytes) {
        let long: usize = name.groups.iter().flatten().map(String::len).sum();
        assert!(long <= 3 * bytes.len());
    }
}

#[test]
fn random_and_mutated_bytes_do_no_harm() {
    let mut dice = Dice(7);
    let samples: Vec<(&str, Vec<u8>)> = REFERENCE
        .lines()
        .filter(|l| l.starts_with("text\t"))
        .map(|l| {
            let fields: Vec<&str> = l.split('\t').collect();
            (fields[2], from_hex(fields[3]))
        })
        .collect();
    let special = b"\x1B\x1B$()-ABCDIJ\\^=\r\n\t\x0C\0 \x80\x8F\x8E\xA0\xA1\xFE\xFF\x81\x30\x5C";
    for round in 0..12_000 {
        let (declared, mut bytes) = samples[dice.next(samples.len())].clone();
        let other = samples[dice.next(samples.len())].0;
        if round % 3 == 0 {
            bytes = (0..dice.next(60)).map(|_| dice.next(256) as u8).collect();
        }
        for _ in 0..dice.next(6) {
            let at = dice.next(bytes.len().max(1));
            let byte = special[dice.next(special.len())];
            match dice.next(4) {
                0 if at < bytes.len() => bytes[at] = byte,
                1 if at < bytes.len() => bytes[at] ^= 1 << dice.next(8),
                2 if at < bytes.len() => {
                    bytes.remove(at);
                }
                _ => bytes.insert(at.min(bytes.len()), byte),
            }
        }
        let declared = if round % 2 == 0 { declared } else { other };
        let sets = CharacterSets::parse(declared.as_bytes()).0;
        for kind in [PersonName, Short, Long] {
            within_bounds(&sets, &bytes, kind);
        }
        // The declaration is as hostile as the text.
        let (sets, problems) = CharacterSets::parse(&bytes);
        assert!(problems.len() <= 33);
        let _ = format!("{problems:?}");
        within_bounds(&sets, &bytes, PersonName);
    }
}

/// Anything but linear time would not end.
#[test]
fn large_values_end_soon() {
    let patterns: [&[u8]; 10] = [
        b"\\",
        b"\x1B",
        b"\x1B$B",
        b"\xFF",
        b"^=",
        b"\xB0\xA1",
        b"\x1B   ",
        b"\x81\x30",
        b"\x00",
        b"\xE4",
    ];
    for declared in [
        "",
        "ISO_IR 192",
        "GB18030",
        "\\ISO 2022 IR 149",
        "ISO_IR 13",
    ] {
        let sets = CharacterSets::parse(declared.as_bytes()).0;
        for pattern in patterns {
            let bytes = pattern.repeat(100_000 / pattern.len());
            for kind in [PersonName, Long] {
                let text = sets.decode(&bytes, kind).text;
                assert!(text.len() <= 3 * bytes.len());
                sets.decode_names(&bytes);
            }
        }
    }
}

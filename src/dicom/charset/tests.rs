//! The examples of PS3.5, tables and random text as Python's codecs have them (`tests/data/charset.tsv`, written by
//! `scripts/make-charset-reference`), what vendors do wrong, and hostile bytes.

mod bulk;

use super::{
    CharacterSets, Decoded, Name, Problem, RawBytes, TextKind,
    sets::{Set, exact, shortest},
};
use TextKind::{Long, PersonName, Short};
use encoding_rs::{BIG5, EUC_JP, EUC_KR, GB18030, SHIFT_JIS};

const REFERENCE: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/data/charset.tsv"
));

fn decode(declared: &str, bytes: &[u8], kind: TextKind) -> Decoded {
    CharacterSets::parse(declared.as_bytes())
        .0
        .decode(bytes, kind)
}

/// The text, with nothing to complain about.
fn clean(declared: &str, bytes: &[u8], kind: TextKind, expected: &str) {
    let decoded = decode(declared, bytes, kind);
    assert_eq!(decoded.text, expected, "{declared}");
    assert_eq!(decoded.problems, [], "{declared}");
}

/// The text, with exactly these problems.
fn faulty(declared: &str, bytes: &[u8], kind: TextKind, expected: &str, problems: &[Problem]) {
    let decoded = decode(declared, bytes, kind);
    assert_eq!(decoded.text, expected, "{declared}");
    assert_eq!(decoded.problems, problems, "{declared} {expected}");
}

fn undecodable(at: usize, bytes: &[u8]) -> Problem {
    let bytes = RawBytes(bytes.to_vec());
    Problem::Undecodable { at, bytes }
}

fn read_as(declared: &'static str, read_as: &'static str) -> Problem {
    Problem::ReadAs { declared, read_as }
}

fn only_name(declared: &str, bytes: &[u8]) -> Name {
    let names = CharacterSets::parse(declared.as_bytes())
        .0
        .decode_names(bytes);
    assert_eq!(names.len(), 1);
    names.into_iter().next().unwrap()
}

fn from_hex(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks_exact(2);
    pairs
        .map(|p| u8::from_str_radix(std::str::from_utf8(p).unwrap(), 16).unwrap())
        .collect()
}

/// Bytes as the standard prints them: column and row of the code table.
fn from_table(codes: &str) -> Vec<u8> {
    let code = |c: &str| {
        let (column, row) = c.split_once('/').unwrap();
        column.parse::<u8>().unwrap() * 16 + row.parse::<u8>().unwrap()
    };
    codes.split_whitespace().map(code).collect()
}

// ---- The standard's examples ----

/// PS3.5 examples H.3-1, H.3-2, I.2-1, J.1-1, J.3-1, K.2-1: undivided and divided.
#[test]
fn names_of_the_annexes() {
    let check = |declared: &str, bytes: &[u8], expected: &str| {
        clean(declared, bytes, PersonName, expected);
        let name = only_name(declared, bytes);
        let groups: Vec<&str> = expected.split('=').collect();
        for index in 0..3 {
            let group = groups.get(index).copied().unwrap_or_default();
            assert_eq!(name.group(index), group);
            let mut components = group.split('^');
            assert_eq!(name.groups[index][0], components.next().unwrap_or_default());
            assert_eq!(name.groups[index][1], components.next().unwrap_or_default());
            assert_eq!(name.groups[index][2..], ["", "", ""]);
        }
        assert_eq!(name.problems, []);
    };
    check(
        "\\ISO 2022 IR 87",
        &from_table(
            "05/09 06/01 06/13 06/01 06/04 06/01 05/14 05/04 06/01 07/02 06/15 07/05 03/13 01/11 02/04 04/02 \
             03/11 03/03 04/05 04/04 01/11 02/08 04/02 05/14 01/11 02/04 04/02 04/02 04/00 04/15 03/10 01/11 \
             02/08 04/02 03/13 01/11 02/04 04/02 02/04 06/04 02/04 05/14 02/04 04/00 01/11 02/08 04/02 05/14 \
             01/11 02/04 04/02 02/04 03/15 02/04 06/13 02/04 02/06 01/11 02/08 04/02",
        ),
        "Yamada^Tarou=山田^太郎=やまだ^たろう",
    );
    check(
        "ISO 2022 IR 13\\ISO 2022 IR 87",
        &from_table(
            "13/04 12/15 12/00 13/14 05/14 12/00 13/11 11/03 03/13 01/11 02/04 04/02 03/11 03/03 04/05 04/04 \
             01/11 02/08 04/10 05/14 01/11 02/04 04/02 04/02 04/00 04/15 03/10 01/11 02/08 04/10 03/13 01/11 \
             02/04 04/02 02/04 06/04 02/04 05/14 02/04 04/00 01/11 02/08 04/10 05/14 01/11 02/04 04/02 02/04 \
             03/15 02/04 06/13 02/04 02/06 01/11 02/08 04/10",
        ),
        "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
    );
    check(
        "\\ISO 2022 IR 149",
        &from_table(
            "04/08 06/15 06/14 06/07 05/14 04/07 06/09 06/12 06/04 06/15 06/14 06/07 03/13 01/11 02/04 02/09 \
             04/03 15/11 15/03 05/14 01/11 02/04 02/09 04/03 13/01 12/14 13/04 13/07 03/13 01/11 02/04 02/09 \
             04/03 12/08 10/11 05/14 01/11 02/04 02/09 04/03 11/01 14/06 11/05 11/15",
        ),
        "Hong^Gildong=洪^吉洞=홍^길동",
    );
    check(
        "ISO_IR 192",
        b"Wang^XiaoDong=\xE7\x8E\x8B^\xE5\xB0\x8F\xE6\x9D\xB1=",
        "Wang^XiaoDong=王^小東=",
    );
    check(
        "GB18030",
        b"Wang^XiaoDong=\xCD\xF5^\xD0\xA1\xB6\xAB=",
        "Wang^XiaoDong=王^小东=",
    );
    check(
        "GBK",
        b"Wang^XiaoDong=\xCD\xF5^\xD0\xA1\xB6\xAB=",
        "Wang^XiaoDong=王^小东=",
    );
    check(
        "\\ISO 2022 IR 58",
        b"Zhang^XiaoDong=\x1B$)A\xD5\xC5^\x1B$)A\xD0\xA1\xB6\xAB= ",
        "Zhang^XiaoDong=张^小东=",
    );
}

/// PS3.5 examples I.3-1, J.2-1, J.4-1, K.3-1.
#[test]
fn texts_of_the_annexes() {
    clean(
        "\\ISO 2022 IR 149",
        b"\x1B$)CThe first line includes \xC7\xD1\xB1\xDB.\r\n\x1B$)CThe second line includes \xC7\xD1\xB1\xDB, \
          too.\r\nThe third line",
        Long,
        "The first line includes 한글.\r\nThe second line includes 한글, too.\r\nThe third line",
    );
    let lines =
        "The first line includes中文.\r\nThe second line includes中文, too.\r\nThe third line.\r\n";
    clean("ISO_IR 192", lines.as_bytes(), Long, lines);
    let gb18030 =
        b"The first line includes\xD6\xD0\xCE\xC4.\r\nThe second line includes\xD6\xD0\xCE\xC4, \
                    too.\r\nThe third line.\r\n";
    clean("GB18030", gb18030, Long, lines);
    clean(
        "\\ISO 2022 IR 58",
        b"1.\x1B$)A\xB5\xDA\xD2\xBB\xD0\xD0\xCE\xC4\xD7\xD6\xA1\xA3\r\n\
          2.\x1B$)A\xB5\xDA\xB6\xFE\xD0\xD0\xCE\xC4\xD7\xD6\xA1\xA3\r\n\
          3.\x1B$)A\xB5\xDA\xC8\xFD\xD0\xD0\xCE\xC4\xD7\xD6\xA1\xA3\r\n",
        Long,
        "1.第一行文字。\r\n2.第二行文字。\r\n3.第三行文字。\r\n",
    );
}

/// Patient's names of pydicom's `charset_files` (MIT), as far as they are not the annexes' examples.
#[test]
fn names_of_test_files() {
    let check =
        |declared: &str, bytes: &[u8], expected: &str| clean(declared, bytes, PersonName, expected);
    check(
        "ISO_IR 127",
        b"\xE2\xC8\xC7\xE6\xEA^\xE4\xE6\xD2\xC7\xD1 ",
        "قباني^لنزار",
    );
    check("ISO_IR 100", b"Buc^J\xE9r\xF4me", "Buc^Jérôme");
    check("ISO_IR 100", b"\xC4neas^R\xFCdiger ", "Äneas^Rüdiger");
    check(
        "ISO_IR 126",
        b"\xC4\xE9\xEF\xED\xF5\xF3\xE9\xEF\xF2 ",
        "Διονυσιος",
    );
    check(
        "ISO_IR 138",
        b"\xF9\xF8\xE5\xEF^\xE3\xE1\xE5\xF8\xE4",
        "שרון^דבורה",
    );
    check("ISO_IR 144", b"\xBB\xEE\xDAce\xDC\xD1yp\xD3", "Люкceмбypг");
    for declared in ["\\ISO 2022 IR 87", "ISO 2022 IR 6\\ISO 2022 IR 87"] {
        check(
            declared,
            b"\x1B$B$d$^$@\x1B(B^\x1B$B$?$m$&\x1B(B ",
            "やまだ^たろう",
        );
    }
    check(
        "\\ISO 2022 IR 149",
        b"\x1B$)C\xB1\xE8\xC8\xF1\xC1\xDF\x1B(B ",
        "김희중",
    );
    // ESC ( B where ISO-IR 14 was to come back: what is meant is the same.
    check(
        "ISO 2022 IR 13\\ISO 2022 IR 87",
        b"\xD4\xCF\xC0\xDE^\xC0\xDB\xB3=\x1B$B;3ED\x1B(B^\x1B$BB@O:\x1B(B",
        "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎",
    );
}

// ---- Delimiters ----

#[test]
fn bytes_inside_characters_are_no_delimiters() {
    // JIS X 0208 0x5C5E, 0x3D5C, 0x5E3D: every byte looks like a delimiter.
    let bytes = b"A=\x1B$B\\^=\\^=\x1B(B^B\\C";
    let declared = "\\ISO 2022 IR 87";
    clean(declared, bytes, PersonName, "A=權旬渊^B\\C");
    let sets = CharacterSets::parse(declared.as_bytes()).0;
    let values = sets.decode_values(bytes, PersonName);
    assert_eq!(values.len(), 2);
    let names = sets.decode_names(bytes);
    assert_eq!(names[0].groups[1][..2], ["權旬渊", "B"]);
    assert_eq!(names[1].groups[0][0], "C");
    // JIS X 0212 likewise.
    clean(
        "\\ISO 2022 IR 159",
        b"\x1B$(D\\^=\\\x1B(B\\x",
        Short,
        "褚怳\\x",
    );
    // GBK: 0x5C and 0x5E are second bytes.
    let sets = CharacterSets::parse(b"GBK").0;
    let values = sets.decode_values(b"\x81\\\x81^\\\x81]", PersonName);
    let texts: Vec<&str> = values.iter().map(|v| v.text.as_str()).collect();
    assert_eq!(texts, ["乗乛", "乚"]);
    // GB18030 of four bytes, with digits as second bytes.
    clean("GB18030", b"\x95\x32\x82\x36^a", PersonName, "𠀀^a");
}

#[test]
fn every_delimiter_resets() {
    let sets = "ISO 2022 IR 100\\ISO 2022 IR 144\\ISO 2022 IR 87";
    let bytes =
        |delimiter: &str| [b"\x1B-L\xD0".as_slice(), delimiter.as_bytes(), b"\xD0"].concat();
    for delimiter in ["^", "=", "\\"] {
        clean(
            sets,
            &bytes(delimiter),
            PersonName,
            &format!("а{delimiter}Ð"),
        );
    }
    clean(sets, &bytes("\\"), Short, "а\\Ð");
    clean(sets, &bytes("^"), Short, "а^а");
    clean(sets, &bytes("="), Short, "а=а");
    for delimiter in ["\r", "\n", "\t", "\u{C}"] {
        clean(sets, &bytes(delimiter), Long, &format!("а{delimiter}Ð"));
    }
    clean(sets, &bytes("\\^="), Long, "а\\^=а");
    // G0 as well, and that is a fault: kanji must be closed before.
    faulty(
        sets,
        b"\x1B$B;3\r\nab",
        Long,
        "山\r\nab",
        &[Problem::NotClosed],
    );
    faulty(sets, b"\x1B$B;3", Long, "山", &[Problem::NotClosed]);
    // No character begins with a last byte: only the delimiter makes sense.
    faulty(
        "\\ISO 2022 IR 87",
        b"\x1B$B;3\\",
        Short,
        "山\\",
        &[Problem::NotClosed],
    );
}

#[test]
fn values_are_split_and_trimmed() {
    let sets = CharacterSets::default();
    let texts = |bytes: &[u8], kind| -> Vec<String> {
        let values = sets.decode_values(bytes, kind);
        values.into_iter().map(|v| v.text).collect()
    };
    assert_eq!(texts(b"", Short), [""]);
    assert_eq!(texts(b" a \\ b\\\\c \0", Short), ["a", "b", "", "c"]);
    assert_eq!(texts(b"\\", Short), ["", ""]);
    assert_eq!(texts(b"  a\\b \0 ", Long), ["  a\\b"]);
    assert_eq!(sets.decode(b" a\\ b ", Short).text, "a\\ b");
    let name = only_name("", b" Adams ^ John ^^Rev.^B.A. M.Div. ");
    assert_eq!(name.groups[0], ["Adams", "John", "", "Rev.", "B.A. M.Div."]);
    assert_eq!(name.group(0), "Adams^John^^Rev.^B.A. M.Div.");
    assert_eq!(name.group(9), "");
    let name = only_name("", b"a^b^c^d^e^f=g=h=i");
    assert_eq!(name.groups[0][4], "e^f");
    assert_eq!(name.groups[2][0], "h=i");
    assert_eq!(name.problems, [Problem::TooManyParts]);
}

// ---- Escape sequences ----

#[test]
fn escape_sequences_out_of_the_ordinary() {
    let undeclared = |set| Problem::Undeclared { set };
    // Used without declaration.
    faulty(
        "",
        b"\x1B$B;3ED\x1B(B^x",
        PersonName,
        "山田^x",
        &[undeclared("ISO 2022 IR 87")],
    );
    faulty(
        "ISO_IR 100",
        b"\xE9 \x1B-L\xD0",
        Short,
        "é а",
        &[undeclared("ISO_IR 144")],
    );
    faulty(
        "ISO_IR 192",
        "é\u{1B}$B;3\u{1B}(Bé".as_bytes(),
        Short,
        "é山é",
        &[undeclared("ISO 2022 IR 87")],
    );
    // A designation ISO 2022 has and DICOM has not.
    faulty(
        "\\ISO 2022 IR 149",
        b"\x1B$(CH+\x1B(B",
        Short,
        "홍",
        &[undeclared("ISO 2022 IR 149")],
    );
    faulty(
        "ISO 2022 IR 13\\ISO 2022 IR 87",
        b"\x1B$@;3\x1B(I4E\x1B(J",
        Short,
        "山ｴﾅ",
        &[undeclared("ISO 2022 IR 87"), undeclared("ISO_IR 13")],
    );
    // Known to nobody, cut, broken.
    faulty("", b"a\x1B%Gb", Short, "ab", &[Problem::UnknownEscape]);
    faulty("", b"a\x1B", Short, "a", &[Problem::UnknownEscape]);
    faulty("", b"a\x1B$", Short, "a$", &[Problem::UnknownEscape]);
    faulty("", b"a\x1B\\b", Short, "a\\b", &[Problem::UnknownEscape]);
    faulty("", b"a\x1B^b", PersonName, "a^b", &[Problem::UnknownEscape]);
    faulty("", b"a\x1B^b", Short, "ab", &[Problem::UnknownEscape]);
    faulty("", b"\x1B-Za", Short, "a", &[Problem::UnknownEscape]);
    faulty("", b"a\x1B Fb", Short, "ab", &[Problem::UnknownEscape]);
    // What is designated is not guessed, whatever is declared.
    faulty(
        "",
        b"\x1B$)C\xB1\xE8",
        Short,
        "김",
        &[undeclared("ISO 2022 IR 149")],
    );
    // Half a character at the end.
    faulty(
        "\\ISO 2022 IR 87",
        b"\x1B$B;3E",
        Short,
        "山\u{FFFD}",
        &[undecodable(3, b"E"), Problem::NotClosed],
    );
    // A space is a space in a double-byte state too.
    clean("\\ISO 2022 IR 87", b"\x1B$B;3 ED\x1B(B", Short, "山 田");
    // G0 and G1 are two: kanji stays in G0 while katakana are read from G1.
    clean(
        "ISO 2022 IR 13\\ISO 2022 IR 87",
        b"\x1B$B;3\xB1ED\x1B(J",
        Short,
        "山ｱ田",
    );
}

#[test]
fn every_designation_of_the_tables() {
    let all = "ISO 2022 IR 6\\ISO 2022 IR 100\\ISO 2022 IR 101\\ISO 2022 IR 109\\ISO 2022 IR 110\\ISO 2022 IR 144\
               \\ISO 2022 IR 127\\ISO 2022 IR 126\\ISO 2022 IR 138\\ISO 2022 IR 148\\ISO 2022 IR 203\
               \\ISO 2022 IR 13\\ISO 2022 IR 166\\ISO 2022 IR 87\\ISO 2022 IR 159\\ISO 2022 IR 149\\ISO 2022 IR 58";
    assert_eq!(CharacterSets::parse(all.as_bytes()).1, []);
    let check = |bytes: &[u8], expected: &str| clean(all, bytes, Short, expected);
    check(b"\x1B-A\xF0", "ð");
    check(b"\x1B-B\xF0", "đ");
    check(b"\x1B-C\xE6", "ĉ");
    check(b"\x1B-D\xE7", "į");
    check(b"\x1B-L\xF0", "№");
    check(b"\x1B-G\xE4", "ل");
    check(b"\x1B-F\xF0", "π");
    check(b"\x1B-H\xF0", "נ");
    check(b"\x1B-M\xF0", "ğ");
    check(b"\x1B-b\xA4", "€");
    check(b"\x1B-T\xA1", "ก");
    check(b"\x1B)I\xB1\x1B(JA\\~", "ｱA\\~");
    check(b"\x1B$B0!\x1B(B", "亜");
    check(b"\x1B$(D0!\x1B(B", "丂");
    check(b"\x1B$)C\xB0\xA1a", "가a");
    check(b"\x1B$)A\xB0\xA1a", "啊a");
}

#[test]
fn escape_sequences_left_out() {
    let missing = |set| Problem::MissingEscape { set };
    // Korean devices write it once a value, or never.
    let once = b"\x1B$)C\xB1\xE8^\xC8\xF1\xC1\xDF";
    faulty(
        "\\ISO 2022 IR 149",
        once,
        PersonName,
        "김^희중",
        &[missing("ISO 2022 IR 149")],
    );
    // 0xC3A4 is one Hangul syllable, and UTF-8 for `ä`: what is declared goes first.
    faulty(
        "\\ISO 2022 IR 149",
        b"\xC3\xA4",
        PersonName,
        "채",
        &[missing("ISO 2022 IR 149")],
    );
    faulty(
        "\\ISO 2022 IR 149",
        "김희중".as_bytes(),
        PersonName,
        "김희중",
        &[read_as("ISO_IR 6", "UTF-8")],
    );
    faulty(
        "\\ISO 2022 IR 144",
        b"\xB8\xD2",
        PersonName,
        "Ив",
        &[missing("ISO_IR 144")],
    );
    // Two sets could be meant: nothing is guessed.
    faulty(
        "\\ISO 2022 IR 149\\ISO 2022 IR 58",
        b"a\xB1\xE8",
        Short,
        "a\u{FFFD}\u{FFFD}",
        &[undecodable(1, b"\xB1"), undecodable(4, b"\xE8")],
    );
    // The two-byte set alone: it is active from the start.
    clean(
        "ISO 2022 IR 149",
        b"\xB1\xE8^\xC8\xF1\xC1\xDF",
        PersonName,
        "김^희중",
    );
    clean("ISO 2022 IR 87", b"ab\x1B$B;3\x1B(B", PersonName, "ab山");
}

#[test]
fn larger_encodings_in_place_of_the_declared() {
    let outside = |set, read_as| Problem::Outside { set, read_as };
    // UHC: a syllable KS X 1001 lacks.
    faulty(
        "\\ISO 2022 IR 149",
        b"\x1B$)C\x8CcA",
        Short,
        "똠A",
        &[outside("ISO 2022 IR 149", "EUC-KR")],
    );
    // GBK: a hanzi GB 2312 lacks; but a delimiter is not swallowed.
    faulty(
        "\\ISO 2022 IR 58",
        b"\x1B$)A\xD6\xEC\xE9F",
        PersonName,
        "朱镕",
        &[outside("ISO 2022 IR 58", "gb18030")],
    );
    faulty(
        "\\ISO 2022 IR 58",
        b"\x1B$)A\xD6\xEC\xE9^F",
        PersonName,
        "朱\u{FFFD}^F",
        &[undecodable(3, b"\xE9")],
    );
    // Rows of GB 2312 that nobody filled stay unreadable, as a pair.
    faulty(
        "\\ISO 2022 IR 58",
        b"\x1B$)A\xAA\xA1a",
        Short,
        "\u{FFFD}a",
        &[undecodable(0, b"\xAA\xA1")],
    );
    // Shift_JIS under ISO_IR 13, second byte 0x5C included.
    faulty(
        "ISO_IR 13",
        b"\x8ER\x93c^\x95\\\xB1",
        PersonName,
        "山田^表ｱ",
        &[outside("ISO_IR 13", "Shift_JIS")],
    );
    faulty(
        "ISO_IR 100",
        b"\x8Arka \x80",
        Short,
        "Šrka €",
        &[outside("ISO_IR 100", "windows-1252")],
    );
}

// ---- (0008,0005) ----

#[test]
fn terms_in_all_spellings() {
    let check = |raw: &str, expected: &str, misspelt: bool| {
        let (sets, problems) = CharacterSets::parse(raw.as_bytes());
        assert_eq!(sets.first, expected, "{raw}");
        assert_eq!(!problems.is_empty(), misspelt, "{raw} {problems:?}");
        if misspelt {
            assert!(
                matches!(problems[..], [Problem::MisspeltTerm { .. }]),
                "{raw}"
            );
        }
    };
    for number in [100, 101, 109, 110, 144, 127, 126, 138, 148, 203, 166, 13] {
        check(
            &format!("ISO_IR {number}"),
            &format!("ISO_IR {number}"),
            false,
        );
        check(
            &format!("ISO 2022 IR {number}"),
            &format!("ISO_IR {number}"),
            false,
        );
    }
    for proper in ["", " ", "\0", "ISO_IR 6", "ISO 2022 IR 6 ", "ISO_IR 6\0"] {
        check(proper, "ISO_IR 6", false);
    }
    check("ISO_IR 192", "UTF-8", false);
    check("GB18030 ", "gb18030", false);
    check("GBK", "gb18030", false);
    for spelling in [
        "ISO-IR 100",
        "ISO_IR_100",
        "ISO 2022 IR100",
        "iso_ir 100",
        "ISO IR 100",
        "ISOIR100",
        "IR 100",
        "ISO_2022_IR_100",
        "ISO2022IR100",
        "ISO 2022-IR 100",
        "iso 2022 100",
        "ISO 8859-1",
        "ISO-8859-1",
        "ISO8859_1",
        "latin1",
    ] {
        check(spelling, "ISO_IR 100", true);
    }
    for spelling in ["UTF-8", "utf8", "ISO_IR192", "ISO 2022 IR 192", "UTF_8"] {
        check(spelling, "UTF-8", true);
    }
    check("GB2312", "gb18030", true);
    check("gb18030", "gb18030", true);
    check("ISO 2022 GBK", "gb18030", true);
    check("windows-1251", "windows-1251", true);
    check("Shift_JIS", "Shift_JIS", true);
    clean("windows-1251", b"\xC8\xE2\x80", Short, "ИвЂ");
    clean("Shift_JIS", b"\x95\\\\\xB1", Short, "表\\ｱ");
    // The way without code extension is none for these.
    let (sets, problems) = CharacterSets::parse(b"ISO_IR 6\\ISO_IR 58");
    assert!(sets.declared.contains(&Set::Hanzi));
    assert!(problems.contains(&Problem::MisspeltTerm {
        term: "ISO_IR 58".to_owned(),
        read_as: "ISO 2022 IR 58"
    }));
    for unknown in [
        "ISO_IR 999",
        "100",
        "ISO 100",
        "utf-16le",
        "iso-2022-jp",
        "x-user-defined",
        "\u{FFFD}",
        "ISO_IR 99999999",
        "ISO_IR -6x",
    ] {
        let (sets, problems) = CharacterSets::parse(unknown.as_bytes());
        assert_eq!(sets, CharacterSets::default(), "{unknown}");
        assert!(
            matches!(problems[..], [Problem::UnknownTerm { .. }]),
            "{unknown}"
        );
    }
}

#[test]
fn combinations() {
    let check = |raw: &str, first: &str, declared: &[Set], problems: &[Problem]| {
        let (sets, found) = CharacterSets::parse(raw.as_bytes());
        assert_eq!(sets.first, first, "{raw}");
        assert_eq!(sets.declared[0], Set::Ascii);
        assert_eq!(sets.declared[1..], *declared, "{raw}");
        assert_eq!(found, problems, "{raw}");
    };
    let utf8 = Set::Whole(encoding_rs::UTF_8);
    let gb18030 = Set::Whole(GB18030);
    let latin1 = Set::Single(encoding_rs::WINDOWS_1252);
    let ignored = |set| Problem::IgnoredTerm { set };
    check("\\ISO 2022 IR 87", "ISO_IR 6", &[Set::Kanji], &[]);
    check(
        "ISO 2022 IR 13\\ISO 2022 IR 87\\ISO 2022 IR 159",
        "ISO_IR 13",
        &[Set::Katakana, Set::Romaji, Set::Kanji, Set::Supplement],
        &[],
    );
    check(
        "ISO_IR 192\\ISO 2022 IR 87",
        "UTF-8",
        &[utf8],
        &[ignored("ISO 2022 IR 87")],
    );
    check("ISO_IR 192\\ISO_IR 192", "UTF-8", &[utf8], &[]);
    check("\\GB18030", "gb18030", &[gb18030], &[ignored("ISO_IR 6")]);
    check(
        "ISO 2022 IR 100\\GBK",
        "ISO_IR 100",
        &[latin1],
        &[ignored("gb18030")],
    );
    check(
        "ISO_IR 100\\ISO 2022 IR 87",
        "ISO_IR 100",
        &[latin1, Set::Kanji],
        &[Problem::WithoutExtension { set: "ISO_IR 100" }],
    );
    check(
        "ISO 2022 IR 149",
        "ISO 2022 IR 149",
        &[Set::Hangul],
        &[Problem::MultiByteFirst {
            set: "ISO 2022 IR 149",
        }],
    );
    check(
        "NONSENSE\\ISO 2022 IR 58\\",
        "ISO_IR 6",
        &[Set::Hanzi],
        &[Problem::UnknownTerm {
            term: "NONSENSE".to_owned(),
        }],
    );
    check(
        "ISO 2022 IR 6\\WRONG\u{1}\\ISO 2022 IR 58",
        "ISO_IR 6",
        &[Set::Hanzi],
        &[Problem::UnknownTerm {
            term: "WRONG".to_owned(),
        }],
    );
    let (_, problems) = CharacterSets::parse("X\\".repeat(100_000).as_bytes());
    assert!(problems.len() <= 3 && problems.contains(&Problem::More));
}

// ---- Text that is not what is declared ----

#[test]
fn western_names_are_not_guessed_away() {
    let names = [
        "Müller^Jürgen",
        "Buc^Jérôme",
        "Äneas^Rüdiger",
        "Øst^Åge",
        "João",
        "Þóra^Þórey",
        // Pairs of common hanzi, all of them, but for the letters beside.
        "Ääri^Öörni",
        "Þórður^Örn",
        "Åström^Märta",
        "Ærø^Bjørn",
        "Núñez^Íñigo",
        "Gonçalves^João",
        "François^Noël",
        "Groß^Öztürk",
        "ÄÖÜ^äöü",
        "Test^ÄÖÜäöü",
        "ÄÖÜäöüß",
        "Ñandú^Ñu",
        "Å^Ö",
        "Ö",
        "Lefèvre-Æbelø^Zoé",
        "ÅÄÖ ÉÈÊË",
        "Straße 5, ±3 µm, ½ °C",
        "Eyþór^Sævör",
        "Íris^Æsa",
    ];
    let missing = [read_as("ISO_IR 6", "ISO_IR 100")];
    for name in names {
        let bytes: Vec<u8> = name.chars().map(|c| u8::try_from(c).unwrap()).collect();
        for kind in [PersonName, Short, Long] {
            clean("ISO_IR 100", &bytes, kind, name);
            clean("ISO 2022 IR 100\\ISO 2022 IR 58", &bytes, kind, name);
            // Nothing declared: Latin 1 is a guess of its own, and said.
            faulty("", &bytes, kind, name, &missing);
            faulty("ISO_IR 6", &bytes, kind, name, &missing);
        }
    }
}

#[test]
fn utf8_under_another_name() {
    for text in ["Müller^Jürgen", "王^小東", "Иванов", "김희중", "é"] {
        faulty(
            "ISO_IR 100",
            text.as_bytes(),
            PersonName,
            text,
            &[read_as("ISO_IR 100", "UTF-8")],
        );
        faulty(
            "",
            text.as_bytes(),
            Long,
            text,
            &[read_as("ISO_IR 6", "UTF-8")],
        );
    }
    // Cut at a length limit.
    let mut bytes = "王小東".as_bytes().to_vec();
    bytes.pop();
    faulty(
        "ISO_IR 100",
        &bytes,
        Short,
        "王小\u{FFFD}\u{FFFD}",
        &[
            read_as("ISO_IR 100", "UTF-8"),
            undecodable(6, b"\xE6"),
            undecodable(9, b"\x9D"),
        ],
    );
    // `Î¿Ü` could be UTF-8 and a half; it is not enough to go by.
    clean("ISO_IR 100", b"\xCE\xBF\xDC", Short, "Î¿Ü");
    // Who declares code extensions is believed, unless there are bytes no such text has.
    let extended = "ISO 2022 IR 100\\ISO 2022 IR 87";
    clean(extended, b"\xC3\xA9", Short, "Ã©");
    faulty(
        extended,
        "\u{C9}tude".as_bytes(),
        Short,
        "\u{C9}tude",
        &[read_as("ISO_IR 100", "UTF-8")],
    );
    // Other single-byte sets: only with bytes DICOM does not use. `И` has one, `Ђ` in UTF-8 too.
    faulty(
        "ISO_IR 144",
        "Иванов".as_bytes(),
        Short,
        "Иванов",
        &[read_as("ISO_IR 144", "UTF-8")],
    );
    clean("ISO_IR 144", b"\xD0\xB8", Short, "аИ");
}

#[test]
fn gbk_under_another_name() {
    let guessed = [read_as("ISO_IR 100", "gb18030")];
    let check = |bytes: &[u8], kind, text: &str| {
        faulty("ISO_IR 100", bytes, kind, text, &guessed);
        let missing = [read_as("ISO_IR 6", "gb18030")];
        faulty("", bytes, kind, text, &missing);
        let wrong = [read_as("UTF-8", "gb18030")];
        faulty("ISO_IR 192", bytes, kind, text, &wrong);
    };
    check(b"\xD5\xC5\xCE\xB0", PersonName, "张伟");
    check(b"\xCD\xF5^\xCE\xB0", PersonName, "王^伟");
    check(
        b"Wang^XiaoDong=\xCD\xF5^\xD0\xA1\xB6\xAB",
        PersonName,
        "Wang^XiaoDong=王^小东",
    );
    check(b"\xD0\xD8\xB2\xBFCT\xC6\xBD\xC9\xA8", Short, "胸部CT平扫");
    check(
        b"\xB7\xCE\xCE\xC6\xC0\xED\xC7\xE5\xCE\xFA\xA3\xAC\xCE\xB4\xBC\xFB\xD2\xEC\xB3\xA3\xA1\xA3",
        Long,
        "肺纹理清晰，未见异常。",
    );
    // One hanzi alone is two Latin letters as well.
    clean("ISO_IR 100", b"\xCD\xF5", PersonName, "Íõ");
    // Who declares code extensions is believed.
    clean(
        "ISO 2022 IR 100\\ISO 2022 IR 87",
        b"\xD5\xC5\xCE\xB0",
        PersonName,
        "ÕÅÎ°",
    );
}

// ---- What must not reach the screen ----

#[test]
fn controls_and_reordering_are_left_out() {
    let dropped = [Problem::ControlsDropped];
    faulty("", b"a\x07b\0c\x7Fd", Short, "abcd", &dropped);
    faulty("", b"a\r\nb\tc\x0Cd", Short, "abcd", &dropped);
    clean("", b"a\r\nb\tc\x0Cd", Long, "a\r\nb\tc\u{C}d");
    faulty("", b"a\x0Bb", Long, "ab", &dropped);
    faulty("ISO_IR 101", b"a\x85b", Long, "ab", &dropped);
    faulty("ISO_IR 100", b"a\x81b", Long, "ab", &dropped);
    faulty(
        "ISO_IR 192",
        "\u{FEFF}a\u{85}b".as_bytes(),
        Long,
        "ab",
        &dropped,
    );
    let reordered =
        "a\u{202A}\u{202B}\u{202C}\u{202D}\u{202E}\u{2066}\u{2067}\u{2068}\u{2069}b\u{200F}";
    faulty(
        "ISO_IR 192",
        reordered.as_bytes(),
        PersonName,
        "ab\u{200F}",
        &[Problem::BidiDropped],
    );
    faulty(
        "GB18030",
        b"a\x81\x36\xA7\x31b",
        Short,
        "ab",
        &[Problem::BidiDropped],
    );
}

#[test]
fn unreadable_bytes_are_kept_aside() {
    faulty(
        "ISO_IR 192",
        b"a\xFFb\xE7\x8E",
        Short,
        "a\u{FFFD}b\u{FFFD}\u{FFFD}",
        &[
            undecodable(1, b"\xFF"),
            undecodable(5, b"\xE7"),
            undecodable(8, b"\x8E"),
        ],
    );
    faulty(
        "GB18030",
        b"\xCD=\xCD\xF5",
        PersonName,
        "\u{FFFD}=王",
        &[undecodable(0, b"\xCD")],
    );
    // The place is right behind spaces that were left out, and in each value.
    let sets = CharacterSets::parse(b"ISO_IR 192").0;
    let values = sets.decode_values(b"  \xFF \\ x\xFE", Short);
    assert_eq!(values[0].problems, [undecodable(0, b"\xFF")]);
    assert_eq!(values[1].problems, [undecodable(1, b"\xFE")]);
    assert_eq!(values[0].text, "\u{FFFD}");
    let many = decode("ISO_IR 192", &[0xFF; 1000], Short);
    assert_eq!(many.problems.len(), 33);
    assert_eq!(many.problems[32], Problem::More);
    assert_eq!(many.text.chars().count(), 1000);
}

#[test]
fn debug_reveals_nothing() {
    let sets = CharacterSets::parse(b"ISO_IR 192").0;
    let bytes = "Zhang^San=张^三".as_bytes();
    let decoded = sets.decode(&[bytes, b"\xFFA"].concat(), PersonName);
    let shown = format!("{decoded:?} {:?}", sets.decode_names(bytes));
    for secret in ["Zhang", "San", "张", "255", "FF"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert_eq!(
        decoded.problems[0].to_string(),
        "1 bytes stand for no character"
    );
}

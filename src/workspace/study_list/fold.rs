//! Text as searching sees it: lower case, without accents and separators, wide letters narrow. Stored keys and what is
//! typed go through the same function, so neither spelling has to be the other's.

/// Base letters of U+0100 to U+017F.
const LATIN_A: &[u8; 128] = b"aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkkllllllllllnnnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";

/// Base letters of U+01CD to U+01DC, the third tone of pinyin.
const PINYIN: &[u8; 16] = b"aaiioouuuuuuuuuu";

/// Adds `text` to `out` as searching sees it. Separators of names become blanks, and several blanks one.
pub fn fold_into(text: &str, out: &mut String) {
    let mut blank = out.chars().next_back().is_none_or(char::is_whitespace);
    for c in text.chars() {
        // Full-width forms, as an input method gives them.
        let c = match c {
            '\u{FF01}'..='\u{FF5E}' => char::from_u32(c as u32 - 0xFEE0).unwrap_or(c),
            '\u{3000}' => ' ',
            other => other,
        };
        if c.is_whitespace() || c.is_control() || matches!(c, '^' | '=' | ',' | ';' | '|') {
            if !blank {
                out.push(' ');
            }
            blank = true;
            continue;
        }
        blank = false;
        if c.is_ascii() {
            out.push(c.to_ascii_lowercase());
            continue;
        }
        for lower in c.to_lowercase() {
            push_base(lower, out);
        }
    }
}

/// `text` as searching sees it.
pub fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    fold_into(text, &mut out);
    out.truncate(out.trim_end().len());
    out
}

fn push_base(c: char, out: &mut String) {
    let letters = match c {
        'à'..='å' => "a",
        'æ' => "ae",
        'ç' => "c",
        'è'..='ë' => "e",
        'ì'..='ï' => "i",
        'ð' => "d",
        'ñ' => "n",
        'ò'..='ö' | 'ø' => "o",
        'ù'..='ü' => "u",
        'ý' | 'ÿ' => "y",
        'þ' => "th",
        'ß' => "ss",
        // Combining marks.
        '\u{300}'..='\u{36F}' => "",
        _ => {
            let table: (&[u8], u32) = match c {
                '\u{100}'..='\u{17F}' => (LATIN_A, 0x100),
                '\u{1CD}'..='\u{1DC}' => (PINYIN, 0x1CD),
                _ => return out.push(c),
            };
            let base = table.0.get((c as u32 - table.1) as usize);
            return out.push(base.map_or(c, |b| char::from(*b)));
        }
    };
    out.push_str(letters);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_meet() {
        for (written, seen) in [
            ("MÜLLER^Jürgen", "muller jurgen"),
            ("Mu\u{308}ller", "muller"),
            ("Zhāng Sān", "zhang san"),
            ("Lǚ", "lu"),
            ("Łukasz Šimůnek", "lukasz simunek"),
            ("ＡＢＣ　１２３", "abc 123"),
            ("张^三", "张 三"),
            ("  a ,, b  ", "a b"),
            ("Straße Æther Þór", "strasse aether thor"),
            ("İstanbul", "istanbul"),
            ("Жуков", "жуков"),
            ("Żółć Ŵ Ÿ ĳ", "zolc w y i"),
            ("", ""),
        ] {
            assert_eq!(fold(written), seen, "{written}");
        }
    }

    #[test]
    fn folding_twice_changes_nothing() {
        for c in (0u32..0x2_0000).filter_map(char::from_u32) {
            let once = fold(&c.to_string());
            assert_eq!(fold(&once), once, "U+{:04X}", c as u32);
        }
    }
}

//! Names of members: decoded, made fit to be shown, told apart. They lead nowhere: nothing is opened by them.

use crate::dicom::charset;
use encoding_rs::GB18030;
use std::{
    collections::{HashMap, HashSet},
    fmt::Write as _,
};

/// Longest component that is shown, bytes.
const COMPONENT: usize = 255;

/// Longest name that is shown, bytes.
const NAME: usize = 1024;

/// Code page 437 from 0x80 on: what names are in where nothing is said (APPNOTE appendix D).
const CP437: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{A0}";

/// A name that can be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    /// Components with `/` between them; signs that could mislead are written as `\u{…}`.
    pub(super) shown: String,
    /// It would lead out of a folder, or could not be a file's name everywhere.
    pub(super) odd: bool,
    /// It ends like a folder's.
    pub(super) folder: bool,
}

/// The text of a name. `unicode` is the name that an Info-ZIP extra field gives, `utf8` the general purpose bit 11.
pub(super) fn decode(raw: &[u8], utf8: bool, unicode: Option<&str>) -> String {
    if let Some(name) = unicode {
        return name.to_owned();
    }
    // Many writers use UTF-8 without saying so, and other text is hardly ever valid UTF-8.
    if let Ok(name) = std::str::from_utf8(raw) {
        return name.to_owned();
    }
    if utf8 {
        return String::from_utf8_lossy(raw).into_owned();
    }
    if charset::is_like_gbk(raw)
        && let Some(name) = GB18030.decode_without_bom_handling_and_without_replacement(raw)
    {
        return name.into_owned();
    }
    let sign = |byte: &u8| match byte.checked_sub(0x80) {
        None => char::from(*byte),
        Some(high) => CP437.chars().nth(usize::from(high)).unwrap_or('\u{FFFD}'),
    };
    raw.iter().map(sign).collect()
}

/// Whether a sign shows nothing, or changes the order of others.
fn misleads(sign: char) -> bool {
    sign.is_control()
        || matches!(sign, '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

/// Whether some system takes a component for a device.
fn is_device(component: &str) -> bool {
    let stem = component.split('.').next().unwrap_or_default().trim_end();
    let numbered = |kind: &str| {
        let (name, digit) = stem.split_at_checked(3).unwrap_or_default();
        name.eq_ignore_ascii_case(kind) && matches!(digit.as_bytes(), [b'0'..=b'9'])
    };
    ["CON", "PRN", "AUX", "NUL"]
        .iter()
        .any(|device| stem.eq_ignore_ascii_case(device))
        || numbered("COM")
        || numbered("LPT")
}

/// A name as it is shown. Some writers separate folders by backslashes.
pub(super) fn show(name: &str) -> Name {
    let separator = |c: char| c == '/' || c == '\\';
    let folder = name.ends_with(separator);
    let mut odd = name.starts_with(separator);
    let mut shown = String::new();
    for component in name.split(separator).filter(|c| !c.is_empty()) {
        if shown.len() > NAME {
            shown.push('…');
            odd = true;
            break;
        }
        if !shown.is_empty() {
            shown.push('/');
        }
        let dots = component.chars().all(|c| c == '.');
        let drive =
            matches!(component.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic());
        odd |= dots || drive || is_device(component);
        let start = shown.len();
        for sign in component.chars() {
            if dots || misleads(sign) {
                odd = true;
                let _ = write!(shown, "\\u{{{:x}}}", u32::from(sign));
            } else {
                shown.push(sign);
            }
            if shown.len() - start > COMPONENT {
                shown.push('…');
                odd = true;
                break;
            }
        }
    }
    if shown.is_empty() {
        shown.push_str("\\u{}");
        odd = true;
    }
    Name { shown, odd, folder }
}

/// Tells members of one archive apart whose names are equal, or equal but for case.
#[derive(Debug, Default)]
pub(super) struct Names {
    seen: HashMap<String, u32>,
    given: HashSet<String>,
}

impl Names {
    /// A name that no other member has, and whether another has nearly the same.
    pub(super) fn unique(&mut self, shown: String) -> (String, bool) {
        let count = self.seen.entry(shown.to_lowercase()).or_insert(0);
        *count += 1;
        let again = *count > 1;
        let mut name = shown.clone();
        let mut number = *count;
        while self.given.contains(&name) {
            number += 1;
            name = format!("{shown} ({number})");
        }
        self.given.insert(name.clone());
        (name, again)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_decoded_as_they_were_written() {
        for (raw, utf8, expected) in [
            (b"plain/IM1".as_slice(), false, "plain/IM1"),
            ("片/Ä".as_bytes(), true, "片/Ä"),
            ("片/Ä".as_bytes(), false, "片/Ä"),
            // "Schädel" in code page 437.
            (b"Sch\x84del", false, "Schädel"),
            // In GBK.
            (b"\xD0\xD8\xB2\xBF/1", false, "胸部/1"),
            (b"\xFF\xFEa", true, "\u{FFFD}\u{FFFD}a"),
            (b"\xE1\xFF", false, "ß\u{A0}"),
        ] {
            assert_eq!(decode(raw, utf8, None), expected, "{raw:?}");
        }
        assert_eq!(decode(b"x", false, Some("ÿ")), "ÿ");
        assert_eq!(CP437.chars().count(), 128);
    }

    #[test]
    fn what_misleads_is_written_out() {
        for (name, shown, odd) in [
            ("a/b.dcm", "a/b.dcm", false),
            (r"a\b", "a/b", false),
            ("a//b/./c", r"a/b/\u{2e}/c", true),
            (
                "../../etc/passwd",
                r"\u{2e}\u{2e}/\u{2e}\u{2e}/etc/passwd",
                true,
            ),
            ("/etc/passwd", "etc/passwd", true),
            (r"C:\x", "C:/x", true),
            ("NUL", "NUL", true),
            ("com1.txt", "com1.txt", true),
            ("common", "common", false),
            ("a\0b", r"a\u{0}b", true),
            ("a\u{202E}mcd.exe", r"a\u{202e}mcd.exe", true),
            ("a\x1b[31m", r"a\u{1b}[31m", true),
            ("", r"\u{}", true),
            ("...", r"\u{2e}\u{2e}\u{2e}", true),
        ] {
            let found = show(name);
            assert_eq!((found.shown.as_str(), found.odd), (shown, odd), "{name:?}");
        }
        let long = show(&"x/".repeat(5000));
        assert!(long.shown.len() < NAME + 8 && long.odd && long.folder);
        assert!(show(&"é".repeat(5000)).shown.len() < COMPONENT + 8);
    }

    #[test]
    fn equal_names_are_told_apart() {
        let mut names = Names::default();
        let mut next = |name: &str| names.unique(name.to_owned());
        assert_eq!(next("a"), ("a".to_owned(), false));
        assert_eq!(next("A"), ("A".to_owned(), true));
        assert_eq!(next("a (4)"), ("a (4)".to_owned(), false));
        assert_eq!(next("a").0, "a (5)");
        assert_eq!(next("b"), ("b".to_owned(), false));
    }
}

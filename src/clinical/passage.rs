//! Where the words that somebody looks for stand in a text, and the passage about the first of them.
//!
//! Words are told apart as the index of words does it: runs of letters and digits, each Han character, kana and hangul
//! by itself, without case and without the marks above and below Latin letters.

use super::elements::is_ideographic;
use std::ops::Range;

/// A word of a text, folded, and where it stands in bytes.
struct Token {
    place: Range<usize>,
    word: String,
}

/// A part of a text with the places of words in it, bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Passage {
    /// The part; line breaks are blanks, and an ellipsis stands where something was left out.
    pub text: String,
    /// Where words stand, in order, none over another.
    pub marks: Vec<Range<usize>>,
}

/// Where the words stand in a text: in order, none over another. The last word may be the beginning of one unless a blank
/// follows it, as in the search.
pub fn places(text: &str, words: &str) -> Vec<Range<usize>> {
    let tokens = tokens(text);
    let parts: Vec<&str> = words.split_whitespace().collect();
    let open = !words.ends_with(char::is_whitespace);
    let mut found: Vec<Range<usize>> = Vec::new();
    for (number, part) in parts.iter().enumerate() {
        let phrase = self::tokens(part);
        let begins = number + 1 == parts.len() && open && !is_ideographic(part);
        if phrase.is_empty() {
            continue;
        }
        for window in tokens.windows(phrase.len()) {
            let last = phrase.len() - 1;
            let mut pairs = window.iter().zip(&phrase).enumerate();
            let fits = pairs.all(|(n, (token, wanted))| match begins && n == last {
                true => token.word.starts_with(&wanted.word),
                false => token.word == wanted.word,
            });
            if let (true, Some(first), Some(last)) = (fits, window.first(), window.last()) {
                found.push(first.place.start..last.place.end);
            }
        }
    }
    found.sort_by_key(|place| (place.start, place.end));
    let mut out: Vec<Range<usize>> = Vec::with_capacity(found.len());
    for place in found {
        match out.last_mut() {
            Some(last) if place.start <= last.end => last.end = last.end.max(place.end),
            _ => out.push(place),
        }
    }
    out
}

/// The passage about the first place, of about so many characters; the beginning of the text where there is none.
pub fn passage(text: &str, places: &[Range<usize>], characters: usize) -> Passage {
    let first = places.first().map_or(0, |place| place.start);
    let before = text.get(..first).unwrap_or_default();
    // A third of the passage leads up to the word, from the beginning of a word on.
    let lead = before.char_indices().rev().take(characters / 3).last();
    let mut start = lead.map_or(first, |(at, _)| at);
    if start > 0 {
        let cut = text.get(start..first).unwrap_or_default();
        if let Some(blank) = cut.find(char::is_whitespace) {
            start += blank;
        }
    }
    let rest = text.get(start..).unwrap_or_default();
    let end = rest
        .char_indices()
        .nth(characters)
        .map_or(text.len(), |(at, _)| start + at);
    let mut out = Passage::default();
    if start > 0 {
        out.text.push('…');
    }
    let mut blank = true;
    let mut moved: Vec<Range<usize>> = Vec::new();
    for (at, c) in text.get(start..end).unwrap_or_default().char_indices() {
        let at = start + at;
        let space = c.is_whitespace() || c.is_control();
        if space && blank {
            continue;
        }
        let begin = out.text.len();
        out.text.push(if space { ' ' } else { c });
        blank = space;
        if places.iter().any(|place| place.contains(&at)) {
            match moved.last_mut() {
                Some(last) if last.end == begin && !starts(places, at) => last.end = out.text.len(),
                _ => moved.push(begin..out.text.len()),
            }
        }
    }
    if end < text.len() {
        out.text.push('…');
    }
    out.marks = moved;
    out
}

fn starts(places: &[Range<usize>], at: usize) -> bool {
    places.iter().any(|place| place.start == at)
}

fn tokens(text: &str) -> Vec<Token> {
    let mut out: Vec<Token> = Vec::new();
    let mut run: Option<Token> = None;
    let mut buffer = [0; 4];
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        if c.is_ascii() || !is_ideographic(c.encode_utf8(&mut buffer)) {
            if c.is_alphanumeric() {
                let token = run.get_or_insert_with(|| Token {
                    place: at..end,
                    word: String::new(),
                });
                token.place.end = end;
                token.word.extend(folded(c));
                continue;
            }
            // A mark that stands after its letter belongs to it.
            if matches!(c, '\u{300}'..='\u{36F}')
                && let Some(token) = &mut run
            {
                token.place.end = end;
                continue;
            }
            out.extend(run.take());
        } else {
            out.extend(run.take());
            out.push(Token {
                place: at..end,
                word: c.to_string(),
            });
        }
    }
    out.extend(run);
    out
}

/// A letter in small, a Latin one without what stands above and below it (Unicode blocks Latin-1 Supplement and Latin
/// Extended-A, whose letters come in runs).
fn folded(c: char) -> impl Iterator<Item = char> {
    c.to_lowercase().map(|c| match c {
        'à'..='å' | 'ā' | 'ă' | 'ą' => 'a',
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => 'c',
        'ď' => 'd',
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => 'e',
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => 'g',
        'ĥ' => 'h',
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' => 'i',
        'ĵ' => 'j',
        'ķ' => 'k',
        'ĺ' | 'ļ' | 'ľ' => 'l',
        'ñ' | 'ń' | 'ņ' | 'ň' => 'n',
        'ò'..='ö' | 'ō' | 'ŏ' | 'ő' => 'o',
        'ŕ' | 'ŗ' | 'ř' => 'r',
        'ś' | 'ŝ' | 'ş' | 'š' => 's',
        'ţ' | 'ť' => 't',
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => 'u',
        'ŵ' => 'w',
        'ý' | 'ÿ' | 'ŷ' => 'y',
        'ź' | 'ż' | 'ž' => 'z',
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked<'a>(text: &'a str, words: &str) -> Vec<&'a str> {
        places(text, words).into_iter().map(|p| &text[p]).collect()
    }

    #[test]
    fn words_stand_where_the_search_finds_them() {
        let text = "Solid nodule in the right upper lobe. Nodules: two. 右肺上叶实性结节，约 6 mm";
        assert_eq!(marked(text, "nodule "), ["nodule"]);
        assert_eq!(marked(text, "nodu"), ["nodule", "Nodules"]);
        assert_eq!(marked(text, "结节 6"), ["结节", "6"]);
        assert_eq!(marked(text, "上叶实"), ["上叶实"]);
        assert_eq!(marked(text, "节结"), Vec::<&str>::new());
        assert_eq!(marked(text, "upper-lobe"), ["upper lobe"]);
        assert_eq!(marked("Cardiomégalie", "cardiomegalie"), ["Cardiomégalie"]);
        assert_eq!(
            marked("Cardiome\u{301}galie, no", "cardiom"),
            ["Cardiome\u{301}galie"]
        );
        for words in ["", " ", "\"", "-*", "a"] {
            let _ = places(text, words);
        }
    }

    #[test]
    fn words_beside_each_other_are_one_place() {
        assert_eq!(marked("肺结节", "肺 结节"), ["肺结节"]);
        assert_eq!(marked("aa aa", "aa"), ["aa", "aa"]);
    }

    #[test]
    fn a_passage_is_about_the_first_place() {
        let text = format!(
            "{}\n\nsmall  nodule here {}",
            "before ".repeat(40),
            "after ".repeat(40)
        );
        let all = places(&text, "nodule");
        let passage = passage(&text, &all, 60);
        assert!(passage.text.starts_with("…before "), "{}", passage.text);
        assert!(passage.text.ends_with('…'));
        assert!(passage.text.contains("small nodule here"));
        assert!(passage.text.chars().count() <= 62);
        let marks: Vec<&str> = passage
            .marks
            .iter()
            .map(|m| &passage.text[m.clone()])
            .collect();
        assert_eq!(marks, ["nodule"]);
        // Without a place it is the beginning, and a short text is whole.
        let short = super::passage("结节\n右肺", &places("结节\n右肺", "肺"), 60);
        assert_eq!((short.text.as_str(), short.marks.len()), ("结节 右肺", 1));
        assert_eq!(super::passage("", &[], 10), Passage::default());
    }
}

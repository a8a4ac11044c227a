//! Sections and sentences.

use super::{Section, SectionKind, Sentence};
use std::ops::Range;

/// Headings as reports write them, lower case.
const HEADINGS: [(&str, SectionKind); 62] = [
    ("indication", SectionKind::Indication),
    ("indications", SectionKind::Indication),
    ("clinical indication", SectionKind::Indication),
    ("clinical information", SectionKind::Indication),
    ("clinical history", SectionKind::Indication),
    ("reason for exam", SectionKind::Indication),
    ("reason for examination", SectionKind::Indication),
    ("history", SectionKind::Indication),
    ("history of present illness", SectionKind::Indication),
    ("chief complaint", SectionKind::Indication),
    ("past medical history", SectionKind::History),
    ("past surgical history", SectionKind::History),
    ("family history", SectionKind::Family),
    ("technique", SectionKind::Technique),
    ("procedure", SectionKind::Technique),
    ("comparison", SectionKind::Comparison),
    ("comparisons", SectionKind::Comparison),
    ("findings", SectionKind::Findings),
    ("finding", SectionKind::Findings),
    ("lungs", SectionKind::Findings),
    ("heart", SectionKind::Findings),
    ("pleura", SectionKind::Findings),
    ("mediastinum", SectionKind::Findings),
    ("bones", SectionKind::Findings),
    ("impression", SectionKind::Impression),
    ("impressions", SectionKind::Impression),
    ("conclusion", SectionKind::Impression),
    ("conclusions", SectionKind::Impression),
    ("summary", SectionKind::Impression),
    ("assessment", SectionKind::Impression),
    ("diagnosis", SectionKind::Impression),
    ("medications", SectionKind::Medications),
    ("medication", SectionKind::Medications),
    ("current medications", SectionKind::Medications),
    ("allergies", SectionKind::Allergies),
    ("allergy", SectionKind::Allergies),
    ("recommendation", SectionKind::Recommendation),
    ("recommendations", SectionKind::Recommendation),
    ("plan", SectionKind::Recommendation),
    ("主诉", SectionKind::Indication),
    ("现病史", SectionKind::Indication),
    ("临床资料", SectionKind::Indication),
    ("临床诊断", SectionKind::Indication),
    ("检查目的", SectionKind::Indication),
    ("既往史", SectionKind::History),
    ("手术史", SectionKind::History),
    ("家族史", SectionKind::Family),
    ("检查方法", SectionKind::Technique),
    ("检查技术", SectionKind::Technique),
    ("对比", SectionKind::Comparison),
    ("比较", SectionKind::Comparison),
    ("影像所见", SectionKind::Findings),
    ("检查所见", SectionKind::Findings),
    ("影像表现", SectionKind::Findings),
    ("所见", SectionKind::Findings),
    ("影像诊断", SectionKind::Impression),
    ("诊断意见", SectionKind::Impression),
    ("诊断", SectionKind::Impression),
    ("印象", SectionKind::Impression),
    ("用药史", SectionKind::Medications),
    ("过敏史", SectionKind::Allergies),
    ("建议", SectionKind::Recommendation),
];

/// Longest heading, characters; longer lines are text.
const LONGEST: usize = 40;

/// The heading at the beginning of a line: kind, and bytes up to where its text begins.
fn heading(line: &str) -> Option<(SectionKind, usize)> {
    let colon = line
        .char_indices()
        .take(LONGEST)
        .find(|(_, c)| matches!(c, ':' | '：'));
    let (name, after) = match colon {
        Some((at, c)) => (line.get(..at)?, at + c.len_utf8()),
        // Without a colon only a line of its own in capitals, or in Chinese with brackets, is a heading.
        None => {
            let bare = line.trim();
            let capitals =
                bare.len() > 3 && bare.chars().all(|c| c.is_ascii_uppercase() || c == ' ');
            let bracketed = bare.starts_with(['【', '[']) && bare.ends_with(['】', ']']);
            if !capitals && !bracketed {
                return None;
            }
            (bare, line.len())
        }
    };
    let name = name
        .trim()
        .trim_start_matches(['【', '[', '#', '*'])
        .trim_end_matches(['】', ']', '*'])
        .trim()
        .to_lowercase();
    HEADINGS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, kind)| (*kind, after))
}

/// Cuts a text at its headings.
pub fn sections(text: &str) -> Vec<Section> {
    let mut found = Vec::new();
    let mut open = Section {
        kind: SectionKind::Body,
        span: 0..0,
    };
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if let Some((kind, after)) = heading(line.trim_end_matches(['\n', '\r'])) {
            open.span.end = at;
            if text
                .get(open.span.clone())
                .is_some_and(|t| !t.trim().is_empty())
            {
                found.push(open);
            }
            open = Section {
                kind,
                span: at + after..at + after,
            };
        }
        at += line.len();
    }
    open.span.end = text.len();
    if text
        .get(open.span.clone())
        .is_some_and(|t| !t.trim().is_empty())
    {
        found.push(open);
    }
    found
}

/// Bytes after which a sentence is cut at the next blank or comma, and at twice as many anywhere.
const LONGEST_SENTENCE: usize = 800;

/// Titles: a name follows.
const TITLES: &[&str] = &["dr", "mr", "mrs", "ms", "prof"];
/// Words before a full stop that do not end a sentence.
const SHORT: &[&str] = &[
    "vs", "e.g", "i.e", "approx", "fig", "no", "st", "cm", "mm", "ser", "im",
];

/// Cuts each section into sentences.
pub fn sentences(text: &str, sections: &[Section]) -> Vec<Sentence> {
    let mut found = Vec::new();
    for (number, section) in sections.iter().enumerate() {
        let part = text.get(section.span.clone()).unwrap_or_default();
        for span in cut(part) {
            found.push(Sentence {
                span: span.start + section.span.start..span.end + section.span.start,
                section: number,
            });
        }
    }
    found
}

fn cut(part: &str) -> Vec<Range<usize>> {
    let chars: Vec<(usize, char)> = part.char_indices().collect();
    let mut found = Vec::new();
    let mut start = 0;
    for (i, (at, c)) in chars.iter().enumerate() {
        let next = chars.get(i + 1).map(|(_, c)| *c);
        let ends = match c {
            '。' | '！' | '!' | '？' | '?' => true,
            // A line break ends a sentence before a blank line, a list item or a new capital after a stop.
            '\n' => {
                let rest = part
                    .get(at + 1..)
                    .unwrap_or_default()
                    .trim_start_matches([' ', '\t', '\r']);
                rest.starts_with('\n')
                    || is_item(rest)
                    || !part.get(start..*at).unwrap_or_default().is_ascii()
            }
            '.' => {
                let before = part.get(start..*at).unwrap_or_default();
                let word = before
                    .rsplit(|c: char| c.is_whitespace() || matches!(c, '(' | ','))
                    .next()
                    .unwrap_or_default()
                    .to_lowercase();
                let number = word.chars().all(|c| c.is_ascii_digit());
                let digit_follows = next.is_some_and(|c| c.is_ascii_digit());
                // `1.5`, `1.` of a list, `Dr.`
                let list = number && !word.is_empty() && before.trim().len() == word.len();
                let follows = next.is_none_or(char::is_whitespace) && !(number && digit_follows);
                let title = TITLES.contains(&word.as_str());
                follows
                    && !list
                    && !title
                    && (!SHORT.contains(&word.as_str()) || ends_paragraph(&chars, i))
            }
            // What never ends is cut all the same: the rules look at pairs of words of a sentence.
            _ if at - start > LONGEST_SENTENCE => {
                c.is_whitespace()
                    || matches!(c, ',' | '，' | ';' | '；')
                    || at - start > 2 * LONGEST_SENTENCE
            }
            _ => false,
        };
        if ends {
            push(part, start..at + c.len_utf8(), &mut found);
            start = at + c.len_utf8();
        }
    }
    push(part, start..part.len(), &mut found);
    found
}

/// After a short word: the stop ends the sentence all the same when nothing or a capital after a break follows.
fn ends_paragraph(chars: &[(usize, char)], i: usize) -> bool {
    let mut rest = chars.iter().skip(i + 1).map(|(_, c)| *c);
    match rest.next() {
        None => true,
        Some(c) if c.is_whitespace() => rest.next().is_none_or(|c| c.is_ascii_uppercase()),
        _ => false,
    }
}

/// `1. `, `2) `, `- `, `• `, `1、`
fn is_item(rest: &str) -> bool {
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let after = rest.get(digits..).unwrap_or_default();
    (digits > 0 && digits < 3 && after.starts_with(['.', ')', '、', '．']))
        || rest.starts_with(['-', '•', '*', '·'])
}

fn push(part: &str, span: Range<usize>, found: &mut Vec<Range<usize>>) {
    let words = part.get(span.clone()).unwrap_or_default();
    let left = words.len() - words.trim_start().len();
    let trimmed = words.trim();
    if trimmed.chars().any(char::is_alphanumeric) {
        let start = span.start + left;
        found.push(start..start + trimmed.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_where_people_end_them() {
        let check = |text: &str, expected: &[&str]| {
            let parts: Vec<&str> = cut(text).into_iter().map(|r| &text[r]).collect();
            assert_eq!(parts, expected, "{text}");
        };
        check(
            "1. A 1.5 cm nodule. 2. Dr. Smith was told.",
            &["1. A 1.5 cm nodule.", "2. Dr. Smith was told."],
        );
        check(
            "No effusion\nseen today.\n\nLungs clear",
            &["No effusion\nseen today.", "Lungs clear"],
        );
        check(
            "双肺清晰。未见气胸；心影不大。",
            &["双肺清晰。", "未见气胸；心影不大。"],
        );
        check("肺不张？\n请复查", &["肺不张？", "请复查"]);
        check(
            "Measures 3 cm. No change.",
            &["Measures 3 cm.", "No change."],
        );
        check(" . ", &[]);
    }

    #[test]
    fn headings_open_sections() {
        let text = "Note.\nINDICATION: cough\nFINDINGS:\nClear.\nIMPRESSION\nNormal.\n影像所见：双肺清晰\nNot: a heading";
        let found = sections(text);
        let kinds: Vec<(SectionKind, &str)> = found
            .iter()
            .map(|s| (s.kind, text[s.span.clone()].trim()))
            .collect();
        assert_eq!(
            kinds,
            [
                (SectionKind::Body, "Note."),
                (SectionKind::Indication, "cough"),
                (SectionKind::Findings, "Clear."),
                (SectionKind::Impression, "Normal."),
                (SectionKind::Findings, "双肺清晰\nNot: a heading"),
            ]
        );
    }
}

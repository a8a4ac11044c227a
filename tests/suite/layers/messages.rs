//! The message catalogues agree with each other, with the code, and with the font.

use super::{
    root,
    source::{Token, tokens, without_tests},
    sources,
};
use negatoscope::i18n::{Catalogue, Language};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

/// First words of message keys. A string of the program's upper layers that begins with one of them and has the
/// form of a key must be one.
const KINDS: &[&str] = &[
    "search",
    "labels",
    "judge",
    "judging",
    "origin",
    "cases",
    "case",
    "adjudication",
    "reader",
    "answer",
    "audit",
    "cohort",
    "mapping",
    "quality",
    "app",
    "deid",
    "glass",
    "lock",
    "menu",
    "notice",
    "cmd",
    "preset",
    "first",
    "overlay",
    "badge",
    "banner",
    "patient",
    "list",
    "panel",
    "finding",
    "status",
    "viewport",
    "job",
    "rejected",
    "error",
    "button",
    "word",
    "palette",
    "help",
    "part",
    "unlock",
    "object",
    "content",
    "tags",
    "cine",
    "field",
    "link",
    "monitor",
    "why",
    "save",
    "mouse",
    "picture",
    "settings",
    "layout",
    "hanging",
    "mixing",
    "protocol",
    "stage",
    "mark",
    "measure",
    "quantity",
    "label",
    "report",
    "calibration",
    "suv",
    "evaluation",
    "figure",
    "explain",
    "class",
    "training",
    "brush",
    "segment",
    "segments",
    "segmentation",
];

/// Methods whose first argument is a key.
const CALLS: &[&str] = &["tr", "word", "find"];

fn source_of(language: Language) -> String {
    let path = root().join(format!("assets/i18n/{}.ftl", language.tag()));
    fs::read_to_string(path).expect("a catalogue")
}

/// Messages of a catalogue: key, and the names of its placeables.
fn messages(source: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut out = BTreeMap::new();
    let mut current = None;
    for line in source.lines() {
        if line.starts_with(|c: char| c.is_ascii_lowercase()) {
            let (key, _) = line.split_once('=').expect("key = message");
            let key = key.trim_end().to_owned();
            let before = out.insert(key.clone(), BTreeSet::new());
            assert!(before.is_none(), "{key} is there twice");
            current = Some(key);
        } else if !line.starts_with(' ') {
            current = None;
        }
        let Some(names) = current.as_ref().and_then(|key| out.get_mut(key)) else {
            continue;
        };
        for piece in line.split('$').skip(1) {
            let end = piece.find(|c: char| !c.is_alphanumeric() && c != '_');
            names.insert(piece[..end.unwrap_or(piece.len())].to_owned());
        }
    }
    out
}

#[test]
fn the_catalogues_have_the_same_messages() {
    let english = messages(&source_of(Language::English));
    assert!(english.len() > 200, "{} messages", english.len());
    for language in Language::ALL {
        let other = messages(&source_of(language));
        let keys = |m: &BTreeMap<String, BTreeSet<String>>| -> BTreeSet<String> {
            m.keys().cloned().collect()
        };
        let (here, there) = (keys(&english), keys(&other));
        let differ: Vec<&String> = here.symmetric_difference(&there).collect();
        assert!(differ.is_empty(), "{language:?}: {differ:?}");
        for (key, names) in &english {
            assert_eq!(names, &other[key], "{language:?}: {key}");
            // What the file promises, the program delivers.
            let catalogue = Catalogue::of(language);
            let args: Vec<_> = names
                .iter()
                .map(|name| (name.as_str(), 3usize.into()))
                .collect();
            let text = catalogue.format(key, &args);
            assert!(
                text.is_some_and(|t| !t.trim().is_empty()),
                "{language:?}: {key}"
            );
            assert_eq!(catalogue.word(key).is_some(), names.is_empty(), "{key}");
        }
    }
}

/// One of something is said in the singular: no message makes `1 studies`.
#[test]
fn one_of_something_is_one() {
    let plural_anyway = ["series", "fps", "has", "belongs", "says"];
    let mut chosen = 0;
    for (key, names) in messages(&source_of(Language::English)) {
        for one in &names {
            let args = names.iter().map(|name| {
                let number = if name == one { 1usize } else { 3 };
                (name.as_str(), number.into())
            });
            let args: Vec<_> = args.collect();
            let text = Catalogue::of(Language::English).format(&key, &args);
            let text = text.expect("a message");
            let words: Vec<&str> = text.split_whitespace().collect();
            for (at, word) in words.iter().enumerate() {
                // What is said of a whole stays in the plural: 1 of 1 images.
                let of_many = at > 0 && words.get(at - 1) == Some(&"of");
                if word.trim_start_matches('(') != "1" || of_many {
                    continue;
                }
                let next = words.get(at + 1).copied().unwrap_or_default();
                let next = next.trim_end_matches(|c: char| !c.is_alphanumeric());
                let plural = next.len() > 2
                    && next.ends_with('s')
                    && !next.ends_with("ss")
                    && next.chars().all(|c| c.is_ascii_lowercase());
                assert!(
                    !plural || plural_anyway.contains(&next),
                    "{key} says `{text}`"
                );
                chosen += 1;
            }
        }
    }
    assert!(chosen > 60, "{chosen} numbers were looked at");
}

#[test]
fn messages_are_written_as_the_house_writes() {
    for language in Language::ALL {
        for (key, text) in messages_with_text(language) {
            assert!(
                !text.ends_with(['.', '。', ' ', ':', '：']) || key == "app-notice",
                "{key}: {text}"
            );
            assert!(!text.contains("..."), "{key}: write …");
            assert!(!text.contains("  "), "{key}: two spaces");
        }
    }
    // Only commands whose name promises more input end so.
    for (key, text) in messages_with_text(Language::SimplifiedChinese) {
        let english = Language::English.tr(&key, &[]);
        assert_eq!(text.ends_with('…'), english.ends_with('…'), "{key}");
    }
}

/// Messages without arguments.
fn messages_with_text(language: Language) -> Vec<(String, String)> {
    messages(&source_of(language))
        .into_keys()
        .filter_map(|key| {
            let text = Catalogue::of(language).word(&key)?.to_owned();
            Some((key, text))
        })
        .collect()
}

/// Strings of a program that must be keys: arguments of the calls, and, in the upper layers, everything that
/// looks like one.
fn keys_used(path: &str, source: &str) -> Vec<String> {
    let (program, _) = without_tests(&tokens(source));
    let upper = ["workspace/", "ui/", "app/", "tools/"]
        .iter()
        .any(|m| path.starts_with(m));
    let mut out = Vec::new();
    for (i, token) in program.iter().enumerate() {
        let Token::Text(text) = token else { continue };
        let is_argument = i >= 3
            && program[i - 1].is_mark('(')
            && program[i - 3].is_mark('.')
            && matches!(&program[i - 2], Token::Word(call) if CALLS.contains(&call.as_str()));
        // `cmd-` alone is a beginning, to be put before or taken off.
        let has_form = text.contains('-')
            && !text.ends_with('-')
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let kind = text.split('-').next().unwrap_or_default();
        if has_form && (is_argument || (upper && KINDS.contains(&kind))) {
            out.push(text.clone());
        }
    }
    out
}

#[test]
fn every_key_that_is_used_exists() {
    let known = messages(&source_of(Language::English));
    let unknown: Vec<String> = sources()
        .iter()
        .filter(|(path, _)| !path.starts_with("i18n/"))
        .flat_map(|(path, source)| {
            keys_used(path, source)
                .into_iter()
                .filter(|key| !known.contains_key(key))
                .map(move |key| format!("{path}: {key}"))
        })
        .collect();
    assert!(
        unknown.is_empty(),
        "no such message:\n{}",
        unknown.join("\n")
    );

    // The reader sees keys where they stand.
    assert_eq!(
        keys_used(
            "ui/a.rs",
            "const A: &str = \"cmd-open-all\"; fn f() { lang.word(\"x-y\"); g(\"lung-fields\", \"cmd-\") }"
        ),
        ["cmd-open-all", "x-y"]
    );
    assert_eq!(
        keys_used("dicom/a.rs", "lang.tr(\"no-key\", &[]); f(\"cmd-x\")"),
        ["no-key"]
    );
    assert_eq!(
        keys_used(
            "ui/a.rs",
            "#[cfg(test)] mod t { const A: &str = \"cmd-x\"; }"
        ),
        [""; 0]
    );
}

/// Functions beside `Finding::new` whose first text is the code of a finding. `refused` makes findings in `ai` only.
const FINDING_MAKERS: &[&str] = &["note", "flagged", "differs", "doubt"];

/// Codes of findings that a program makes: the first text of `Finding::new(…)` and of the functions above.
fn codes_made(path: &str, source: &str) -> Vec<String> {
    let (program, _) = without_tests(&tokens(source));
    let is_code =
        |text: &str| text.len() > 2 && text.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    let mut out = Vec::new();
    for (i, token) in program.iter().enumerate() {
        let Token::Word(word) = token else { continue };
        let makes = (word == "new" && i >= 3 && program[i - 3].is_word("Finding"))
            || FINDING_MAKERS.contains(&word.as_str())
            || (word == "refused" && path.starts_with("ai/"));
        if !makes || !program.get(i + 1).is_some_and(|t| t.is_mark('(')) {
            continue;
        }
        // The code is among the first arguments, before any closing parenthesis.
        let first = program[i + 2..]
            .iter()
            .take_while(|t| !t.is_mark(')'))
            .find_map(|t| match t {
                Token::Text(text) if is_code(text) => Some(text),
                _ => None,
            });
        out.extend(first.cloned());
    }
    out
}

#[test]
fn every_finding_has_its_message() {
    let known = messages(&source_of(Language::English));
    let key = |code: &str| format!("finding-{}", code.to_ascii_lowercase().replace('_', "-"));
    let unknown: BTreeSet<String> = sources()
        .iter()
        .flat_map(|(path, source)| {
            codes_made(path, source)
                .into_iter()
                .filter(|code| !known.contains_key(&key(code)))
                .map(move |code| format!("{path}: {code} needs {}", key(&code)))
        })
        .collect();
    let unknown: Vec<String> = unknown.into_iter().collect();
    assert!(unknown.is_empty(), "\n{}", unknown.join("\n"));

    let source = "Finding::new(\"A_B\", S, \"text\"); note(findings, \"CDE\", x); \
                  Finding::new(code, S, \"some text\"); refused(\"F_G\", y)";
    assert_eq!(codes_made("dicom/a.rs", source), ["A_B", "CDE"]);
    assert_eq!(codes_made("ai/a.rs", source), ["A_B", "CDE", "F_G"]);
}

/// Numbers that a message asks for are given somewhere under that name.
#[test]
fn findings_are_given_the_numbers_that_their_messages_ask_for() {
    let given: BTreeSet<String> = sources()
        .iter()
        .flat_map(|(_, source)| {
            let (program, _) = without_tests(&tokens(source));
            let at = |i: usize| program.get(i).cloned();
            (0..program.len())
                .filter(|i| at(i + 1) == Some(Token::Mark('(')))
                // `.with("name", …)`, `.with_term("name", …)`, and `warning("CODE", "name", …)` of the measuring engine.
                .filter_map(|i| match (&program[i], at(i + 2), at(i + 4)) {
                    (word, Some(Token::Text(name)), _)
                        if word.is_word("with") || word.is_word("with_term") =>
                    {
                        Some(name)
                    }
                    (word, _, Some(Token::Text(name))) if word.is_word("warning") => Some(name),
                    _ => None,
                })
                .collect::<Vec<_>>()
        })
        .collect();
    // Before any reader of files is built in there is nothing to compare.
    if !given.contains("ratio") {
        return;
    }
    for (key, names) in messages(&source_of(Language::English)) {
        if key.starts_with("finding-") {
            let unknown: Vec<&String> = names.difference(&given).collect();
            assert!(unknown.is_empty(), "{key}: nobody gives {unknown:?}");
        }
    }
}

/// Every kind of key is in the list above, so that no use goes unseen. `ai` is left out: too many strings begin so.
#[test]
fn every_kind_of_key_is_known() {
    let kinds: BTreeSet<String> = messages(&source_of(Language::English))
        .keys()
        .filter_map(|key| key.split('-').next().map(ToOwned::to_owned))
        .collect();
    let known: BTreeSet<String> = KINDS
        .iter()
        .chain(&["ai", "filter", "pattern", "screen"])
        .map(ToString::to_string)
        .collect();
    assert_eq!(kinds, known);
}

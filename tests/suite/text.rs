//! What reports say: against a gold set in both languages, against the labels of CheXpert, and against any input.

use crate::support;
use negatoscope::clinical::text::{
    Assertion, EntityKind, RelationKind, Understanding, lexicon, understand,
};
use serde_json::Value;
use std::{collections::BTreeMap, fmt, ops::Range};

/// One thing that the gold set marks: `{words|a}`, `{words|f+~new}`. See tests/data/text/gold.md.
struct Gold {
    kind: EntityKind,
    span: Range<usize>,
    assertion: Option<Assertion>,
    change: Option<String>,
}

struct Case {
    id: String,
    held: bool,
    text: String,
    gold: Vec<Gold>,
    /// Finding, kind, other; numbers into `gold`.
    relations: Vec<(usize, RelationKind, usize)>,
}

fn kind_of(letter: char) -> EntityKind {
    match letter {
        'f' => EntityKind::Finding,
        'a' => EntityKind::Anatomy,
        's' => EntityKind::Side,
        'z' => EntityKind::Size,
        'd' => EntityKind::Drug,
        'y' => EntityKind::Symptom,
        'v' => EntityKind::Device,
        _ => panic!("no kind {letter}"),
    }
}

fn assertion_of(letter: char) -> Assertion {
    match letter {
        '+' => Assertion::Present,
        '-' => Assertion::Absent,
        '?' => Assertion::Possible,
        'h' => Assertion::History,
        'm' => Assertion::Family,
        'x' => Assertion::Conditional,
        _ => panic!("no assertion {letter}"),
    }
}

fn case(line: &str) -> Case {
    let value: Value = serde_json::from_str(line).expect("JSON");
    let marked = value["marked"].as_str().expect("text");
    let (mut text, mut gold) = (String::new(), Vec::new());
    let mut rest = marked;
    while let Some(open) = rest.find('{') {
        text.push_str(&rest[..open]);
        let close = rest[open..].find('}').expect("a closing brace") + open;
        let (words, label) = rest[open + 1..close].split_once('|').expect("a label");
        let start = text.len();
        text.push_str(words);
        let (label, change) = match label.split_once('~') {
            Some((label, change)) => (label, Some(change.to_owned())),
            None => (label, None),
        };
        let mut letters = label.chars();
        gold.push(Gold {
            kind: kind_of(letters.next().expect("a kind")),
            span: start..text.len(),
            assertion: letters.next().map(assertion_of),
            change,
        });
        rest = &rest[close + 1..];
    }
    text.push_str(rest);
    let place = |words: &str| {
        gold.iter()
            .position(|g| text[g.span.clone()].eq_ignore_ascii_case(words))
            .unwrap_or_else(|| panic!("{words} is not marked in {marked}"))
    };
    let relations = value["relations"].as_array().expect("a list").iter();
    let relations = relations
        .map(|relation| {
            let relation = relation.as_str().expect("text");
            let at = relation.find(['@', '#', '&']).expect("a sign");
            let kind = match &relation[at..=at] {
                "@" => RelationKind::At,
                "#" => RelationKind::HasSize,
                _ => RelationKind::OnSide,
            };
            (place(&relation[..at]), kind, place(&relation[at + 1..]))
        })
        .collect();
    Case {
        id: value["id"].as_str().expect("an id").to_owned(),
        held: value["half"] == "held",
        relations,
        text,
        gold,
    }
}

fn cases(source: &str) -> Vec<Case> {
    source.lines().map(case).collect()
}

fn english() -> Vec<Case> {
    cases(include_str!("../data/text/gold-en.jsonl"))
}

fn chinese() -> Vec<Case> {
    cases(include_str!("../data/text/gold-zh.jsonl"))
}

macro_rules! say {
    ($quiet:expr, $($arg:tt)*) => {
        if !$quiet {
            println!($($arg)*);
        }
    };
}

#[derive(Default)]
struct Counts {
    right: usize,
    found: usize,
    wanted: usize,
}

impl Counts {
    fn f1(&self) -> f64 {
        let all = self.found + self.wanted;
        if all == 0 {
            1.0
        } else {
            2.0 * self.right as f64 / all as f64
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            right,
            found,
            wanted,
        } = self;
        write!(
            f,
            "{:.3} ({right} right of {found} found, {wanted} wanted)",
            self.f1()
        )
    }
}

#[derive(Default)]
struct Scores {
    entities: Counts,
    absent: Counts,
    assertions: Counts,
    relations: Counts,
    changes: Counts,
}

/// Scores one half; what is wrong is printed of the half that the rules may be tuned on only.
fn score(cases: &[Case], held: bool) -> Scores {
    let mut scores = Scores::default();
    for case in cases.iter().filter(|c| c.held == held) {
        let found = understand(&case.text);
        let twin = |gold: &Gold| {
            found
                .entities
                .iter()
                .position(|e| e.kind == gold.kind && e.span == gold.span)
        };
        let twins: Vec<Option<usize>> = case.gold.iter().map(twin).collect();
        scores.entities.found += found.entities.len();
        scores.entities.wanted += case.gold.len();
        scores.entities.right += twins.iter().flatten().count();
        scores.absent.found += found
            .entities
            .iter()
            .filter(|e| e.assertion == Assertion::Absent)
            .count();
        for (gold, twin) in case.gold.iter().zip(&twins) {
            let entity = twin.map(|t| &found.entities[t]);
            let said = entity.map(|e| e.assertion);
            if let Some(wanted) = gold.assertion {
                scores.assertions.wanted += 1;
                scores.assertions.found += usize::from(said.is_some());
                scores.assertions.right += usize::from(said == Some(wanted));
                if wanted == Assertion::Absent {
                    scores.absent.wanted += 1;
                    scores.absent.right += usize::from(said == Some(Assertion::Absent));
                }
                if said != Some(wanted) {
                    say!(
                        held,
                        "{}: {:?} is {said:?}, wanted {wanted:?}",
                        case.id,
                        &case.text[gold.span.clone()]
                    );
                }
            }
            let change = entity.and_then(|e| e.change).map(|c| c.word().to_owned());
            scores.changes.wanted += usize::from(gold.change.is_some());
            scores.changes.found += usize::from(change.is_some());
            scores.changes.right += usize::from(gold.change.is_some() && change == gold.change);
            if change != gold.change {
                say!(
                    held,
                    "{}: {:?} changed {change:?}, wanted {:?}",
                    case.id,
                    &case.text[gold.span.clone()],
                    gold.change
                );
            }
            if twin.is_none() {
                say!(
                    held,
                    "{}: {:?} not found",
                    case.id,
                    &case.text[gold.span.clone()]
                );
            }
        }
        for (number, entity) in found.entities.iter().enumerate() {
            if !twins.contains(&Some(number)) {
                say!(
                    held,
                    "{}: {:?} is not in the gold set",
                    case.id,
                    &case.text[entity.span.clone()]
                );
            }
        }
        score_relations(case, &found, &twins, &mut scores.relations);
    }
    scores
}

/// Relations of findings that are not denied.
fn score_relations(
    case: &Case,
    found: &Understanding,
    twins: &[Option<usize>],
    counts: &mut Counts,
) {
    let there = |gold: usize| case.gold[gold].assertion != Some(Assertion::Absent);
    let wanted: Vec<_> = case.relations.iter().filter(|(f, ..)| there(*f)).collect();
    let denied: Vec<usize> = (0..case.gold.len())
        .filter(|g| !there(*g))
        .filter_map(|g| twins[g])
        .collect();
    let read: Vec<_> = found
        .relations
        .iter()
        .filter(|r| !denied.contains(&r.finding))
        .map(|r| (Some(r.finding), r.kind, Some(r.other)))
        .collect();
    counts.wanted += wanted.len();
    counts.found += read.len();
    for (finding, kind, other) in wanted {
        let ours = (twins[*finding], *kind, twins[*other]);
        let hit = ours.0.is_some() && ours.2.is_some() && read.contains(&ours);
        counts.right += usize::from(hit);
        if !hit {
            say!(case.held, "{}: {kind:?} is missing", case.id);
        }
    }
    for (finding, kind, other) in &read {
        let known = case
            .relations
            .iter()
            .any(|(f, k, o)| twins[*f] == *finding && k == kind && twins[*o] == *other);
        if !known {
            let words = |i: &Option<usize>| i.map(|i| &case.text[found.entities[i].span.clone()]);
            say!(
                case.held,
                "{}: {kind:?} {:?} {:?} is not in the gold set",
                case.id,
                words(finding),
                words(other)
            );
        }
    }
}

#[expect(
    clippy::print_stdout,
    reason = "the figures are for whoever reads them"
)]
fn print(name: &str, scores: &Scores) {
    println!(
        "{name}\n  entities   {}\n  negation   {}\n  assertions {}\n  relations  {}\n  changes    {}",
        scores.entities, scores.absent, scores.assertions, scores.relations, scores.changes
    );
}

fn holds(name: &str, cases: &[Case]) {
    assert!(cases.len() >= 80, "{} sentences", cases.len());
    let tuned = score(cases, false);
    let held = score(cases, true);
    print(&format!("{name}, tuned on"), &tuned);
    print(&format!("{name}, held out"), &held);
    assert!(held.entities.wanted >= 80 && held.absent.wanted >= 20);
    for scores in [tuned, held] {
        assert!(scores.entities.f1() >= 0.85, "entities {}", scores.entities);
        assert!(scores.absent.f1() >= 0.90, "negation {}", scores.absent);
        assert!(
            scores.relations.f1() >= 0.75,
            "relations {}",
            scores.relations
        );
    }
}

#[test]
fn english_sentences_are_understood() {
    holds("English", &english());
}

#[test]
fn chinese_sentences_are_understood() {
    holds("Chinese", &chinese());
}

#[test]
fn one_nodule_is_one_concept_in_both_languages() {
    let check = |text: &str| {
        let found = understand(text);
        let nodule = found
            .entities
            .iter()
            .position(|e| e.concept == "nodule")
            .expect("a nodule");
        let (anatomy, side, size) = found.place(nodule);
        let anatomy = anatomy
            .and_then(|a| lexicon::concept(a.concept))
            .expect("anatomy");
        let part = anatomy.group.split(':').nth(2).unwrap_or(anatomy.id);
        (
            part.to_owned(),
            side.map(|s| s.word()),
            size.map(|s| s.extents_mm.clone()),
        )
    };
    let expected = ("upper-lobe".to_owned(), Some("right"), Some(vec![6.0]));
    assert_eq!(check("6 mm RUL nodule"), expected);
    assert_eq!(check("结节 右肺上叶 6mm"), expected);
    assert_eq!(
        check("A 0.6 cm nodule is seen in the right upper lobe."),
        expected
    );
    assert_eq!(check("右肺上叶见结节，大小约6毫米。"), expected);
}

#[test]
#[cfg_attr(not(has_data), ignore = "needs NEGATOSCOPE_DATA")]
fn the_sample_reports_get_the_labels_of_chexpert() {
    let folder = support::data("reports").join("chexpert-labeler");
    let table = std::fs::read_to_string(folder.join("labeled_reports.csv")).unwrap();
    let rows = negatoscope::clinical::table::rows(&table, ',').unwrap();
    let names = &rows[0];
    assert_eq!(rows.len(), 5);
    for row in &rows[1..] {
        let mut expected: BTreeMap<&str, i8> = BTreeMap::new();
        for (name, value) in names.iter().zip(row).skip(1) {
            if !value.is_empty() {
                expected.insert(name, value.parse::<f64>().unwrap() as i8);
            }
        }
        assert_eq!(understand(&row[0]).chexpert(), expected, "{}", row[0]);
    }
}

/// Every mention phrase of the labeller leads to its observation: said, denied and doubted.
#[test]
#[cfg_attr(not(has_data), ignore = "needs NEGATOSCOPE_DATA")]
fn the_phrases_of_chexpert_are_known() {
    let folder = support::data("reports").join("chexpert-labeler/phrases/mention");
    let (mut known, mut all, mut denied, mut doubted) = (0, 0, 0, 0);
    let groups = [
        ("atelectasis", "Atelectasis"),
        ("consolidation", "Consolidation"),
        ("edema", "Edema"),
        ("fracture", "Fracture"),
        ("lung_lesion", "Lung Lesion"),
        ("lung_opacity", "Lung Opacity"),
        ("pleural_effusion", "Pleural Effusion"),
        ("pleural_other", "Pleural Other"),
        ("pneumonia", "Pneumonia"),
        ("pneumothorax", "Pneumothorax"),
        ("support_devices", "Support Devices"),
    ];
    for (file, group) in groups {
        let text = std::fs::read_to_string(folder.join(format!("{file}.txt"))).unwrap();
        for phrase in text.lines() {
            // Stems and underscores are how the labeller matches; a reader sees words.
            let word = match phrase.trim_matches('_') {
                "atelecta" => "atelectasis",
                "opaci" => "opacification",
                "consolidat" => "consolidation",
                "arthroplast" => "arthroplasty",
                "defib" => "defibrillator",
                "support" => "support device",
                other => other,
            };
            all += 1;
            let label = |text: String| understand(&text).chexpert().get(group).copied();
            let said = label(format!("There is {word}."));
            known += usize::from(said == Some(1));
            denied += usize::from(label(format!("No {word}.")) == Some(0));
            doubted += usize::from(label(format!("Possible {word}.")) == Some(-1));
            if said != Some(1) {
                println!("{file}: {word} is {said:?}");
            }
        }
    }
    println!("{known} of {all} phrases known, {denied} denied, {doubted} doubted");
    assert!(all >= 70);
    assert_eq!((known, denied, doubted), (all, all, all));
}

#[test]
fn any_text_is_read() {
    // Every cut of a mixed text, and repeated signs: no panic, and every place is within the text.
    let text = "IMPRESSION: No 6 x 4 mm nodule；右肺上叶 é 结节，L4/5 12.5mm? ‐ (r/o PE) 未见。";
    let mut inputs: Vec<String> = (0..=text.len())
        .filter(|i| text.is_char_boundary(*i))
        .flat_map(|i| [text[..i].to_owned(), text[i..].to_owned()])
        .collect();
    for part in [
        "no ",
        "1 x ",
        "，",
        "未见",
        "\n",
        "((",
        "3 x 3 x 3 x 3 mm ",
        "可能",
        "右",
        "l4 5 ",
    ] {
        inputs.push(part.repeat(2000));
    }
    for input in inputs {
        let found = understand(&input);
        for entity in &found.entities {
            assert!(
                input
                    .get(entity.span.clone())
                    .is_some_and(|w| !w.is_empty())
            );
            assert!(
                entity
                    .cue
                    .as_ref()
                    .is_none_or(|c| input.get(c.clone()).is_some())
            );
        }
        for relation in &found.relations {
            assert_ne!(relation.finding, relation.other);
            assert!(relation.finding.max(relation.other) < found.entities.len());
        }
    }
}

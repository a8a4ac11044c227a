//! The dictionary: concepts with their names in English and Chinese, drugs, and the words that decide.
//!
//! Must stay true: the files are part of the program; a line that cannot be read is left out, and a test finds it.

use super::{Assertion, Change, EntityKind};
use std::{collections::HashMap, sync::OnceLock};

const TERMS: &str = include_str!("../../../assets/lexicon/terms.txt");
const DRUGS: &str = include_str!("../../../assets/lexicon/drugs.txt");
const CUES: &str = include_str!("../../../assets/lexicon/cues.txt");

/// One concept.
#[derive(Clone, Debug)]
pub struct Concept {
    /// Stable id.
    pub id: &'static str,
    /// What kind of thing.
    pub kind: EntityKind,
    /// Of findings and devices the CheXpert observation, of anatomy region, side and part; may be empty.
    pub group: &'static str,
    /// Code: ICD-10-CM for findings and symptoms, RxNorm for drugs; empty where none is given.
    pub code: &'static str,
    /// By which published table the code of a drug was checked; empty where it was not, and of others.
    pub checked_by: &'static str,
    /// Classes of a drug.
    pub classes: Vec<&'static str>,
    /// Name in English; the first Chinese name where there is none.
    pub english: &'static str,
    /// Name in Chinese; the English one where there is none.
    pub chinese: &'static str,
}

impl Concept {
    /// System of [`Concept::code`].
    pub const fn system(&self) -> &'static str {
        match self.kind {
            EntityKind::Drug => "http://www.nlm.nih.gov/research/umls/rxnorm",
            _ => "http://hl7.org/fhir/sid/icd-10-cm",
        }
    }
}

/// What a deciding word says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CueClass {
    /// Sets an assertion.
    Says(Assertion),
    /// Sets a change.
    Changes(Change),
    /// Anatomy is normal.
    Normal,
    /// A size of the past.
    Former,
    /// A scope ends.
    Stop,
    /// Looks like a cue and is none.
    Nothing,
}

/// What a deciding word speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// What follows.
    After,
    /// What came.
    Before,
    /// What follows close by, else what came.
    Either,
    /// Both.
    Around,
}

/// A deciding word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CueMeaning {
    /// What it says.
    pub class: CueClass,
    /// Of what.
    pub way: Way,
}

/// Ends of a word that a phrase allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// As written, or with a plural ending.
    Plural,
    /// Anything.
    Any,
    /// As written.
    Exact,
}

#[derive(Clone, Debug)]
struct Leaf<T> {
    value: T,
    ending: Ending,
}

/// Finds the longest phrase at a place.
#[derive(Debug)]
pub struct Phrases<T> {
    steps: HashMap<(u32, char), u32>,
    leaves: Vec<Option<Leaf<T>>>,
}

impl<T: Clone> Phrases<T> {
    fn new() -> Self {
        Self {
            steps: HashMap::new(),
            leaves: vec![None],
        }
    }

    fn add(&mut self, phrase: &str, value: T, ending: Ending) {
        let mut node = 0;
        for c in phrase.chars().map(fold) {
            let next = u32::try_from(self.leaves.len()).unwrap_or(u32::MAX);
            node = *self.steps.entry((node, c)).or_insert(next);
            if node == next {
                self.leaves.push(None);
            }
        }
        if let Some(leaf) = self.leaves.get_mut(node as usize)
            && leaf.is_none()
        {
            *leaf = Some(Leaf { value, ending });
        }
    }

    /// The longest phrase that begins at character `at` of folded text: its value, and where it ends. Latin words
    /// are matched as a whole.
    pub fn longest(&self, text: &[char], at: usize) -> Option<(T, usize)> {
        let first = *text.get(at)?;
        if is_word(first)
            && at
                .checked_sub(1)
                .and_then(|i| text.get(i))
                .is_some_and(|c| is_word(*c))
        {
            return None;
        }
        let (mut node, mut found) = (0, None);
        for (i, c) in text.iter().enumerate().skip(at) {
            let Some(next) = self.steps.get(&(node, *c)) else {
                break;
            };
            node = *next;
            if let Some(Some(leaf)) = self.leaves.get(node as usize)
                && let Some(end) = ends(text, i + 1, leaf.ending)
            {
                found = Some((leaf.value.clone(), end));
            }
        }
        found
    }
}

/// Where a phrase that was matched up to `at` ends, or `None` within a word.
fn ends(text: &[char], at: usize, ending: Ending) -> Option<usize> {
    let last = at.checked_sub(1).and_then(|i| text.get(i)).copied()?;
    if !is_word(last) {
        return Some(at);
    }
    let mut end = at;
    while text.get(end).is_some_and(|c| is_word(*c)) {
        end += 1;
    }
    let rest: String = text.get(at..end)?.iter().collect();
    let allowed = match ending {
        Ending::Any => true,
        Ending::Plural => matches!(rest.as_str(), "" | "s" | "es"),
        Ending::Exact => rest.is_empty(),
    };
    allowed.then_some(end)
}

/// Characters that make up a Latin word or number.
pub fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, 'à'..='ÿ' | 'µ')
}

/// Lower case, half width, one kind of space and hyphen; one character stays one.
pub fn fold(c: char) -> char {
    match c {
        '\u{FF01}'..='\u{FF5E}' if !matches!(c, '，' | '；' | '：' | '？' | '！' | '（' | '）') => {
            char::from_u32(c as u32 - 0xFEE0)
                .unwrap_or(c)
                .to_ascii_lowercase()
        }
        '-' | '‐' | '‑' | '\t' | '\n' | '\r' | '\u{00A0}' | '\u{3000}' => ' ',
        '’' => '\'',
        _ => c.to_ascii_lowercase(),
    }
}

/// The dictionary.
#[derive(Debug)]
pub struct Lexicon {
    concepts: Vec<Concept>,
    by_id: HashMap<&'static str, usize>,
    /// Names of concepts; the value is the number of the concept.
    pub names: Phrases<usize>,
    /// Deciding words.
    pub cues: Phrases<CueMeaning>,
    /// Lines that could not be read, for the test.
    faults: Vec<String>,
}

impl Lexicon {
    /// Concept by number.
    pub fn concept(&self, number: usize) -> Option<&Concept> {
        self.concepts.get(number)
    }

    /// All concepts.
    pub fn concepts(&self) -> &[Concept] {
        &self.concepts
    }
}

/// Concept by id.
pub fn concept(id: &str) -> Option<&'static Concept> {
    let all = lexicon();
    all.by_id.get(id).and_then(|n| all.concepts.get(*n))
}

/// The dictionary, read once.
pub fn lexicon() -> &'static Lexicon {
    static READ: OnceLock<Lexicon> = OnceLock::new();
    READ.get_or_init(read)
}

/// The concept that a whole text names, in either language: longest name at its beginning.
pub fn named(text: &str) -> Option<&'static Concept> {
    let folded: Vec<char> = text.trim().chars().map(fold).collect();
    let all = lexicon();
    all.names
        .longest(&folded, 0)
        .and_then(|(number, _)| all.concept(number))
}

/// Drugs that a text names, such as `Metformin hydrochloride 500 MG Oral Tablet`, in order and once each.
pub fn drugs_in(text: &str) -> Vec<&'static Concept> {
    let folded: Vec<char> = text.chars().map(fold).collect();
    let all = lexicon();
    let mut found: Vec<&'static Concept> = Vec::new();
    let mut at = 0;
    while at < folded.len() {
        match all.names.longest(&folded, at) {
            Some((number, end)) => {
                if let Some(concept) = all.concept(number)
                    && concept.kind == EntityKind::Drug
                    && found.iter().all(|f| f.id != concept.id)
                {
                    found.push(concept);
                }
                at = end.max(at + 1);
            }
            None => at += 1,
        }
    }
    found
}

fn fields<'a, const N: usize>(line: &'a str) -> Option<[&'a str; N]> {
    let parts: Vec<&'a str> = line.split('|').map(str::trim).collect();
    parts.try_into().ok()
}

fn lines(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines()
        .map(str::trim)
        .filter(|l| !l.is_empty() && !l.starts_with('#'))
}

fn phrases(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.split(';').map(str::trim).filter(|p| !p.is_empty())
}

fn read() -> Lexicon {
    let mut lexicon = Lexicon {
        concepts: Vec::new(),
        by_id: HashMap::new(),
        names: Phrases::new(),
        cues: Phrases::new(),
        faults: Vec::new(),
    };
    for line in lines(TERMS) {
        let read = fields::<6>(line).and_then(|[id, kind, group, code, en, zh]| {
            let kind = match kind {
                "finding" => EntityKind::Finding,
                "anatomy" => EntityKind::Anatomy,
                "device" => EntityKind::Device,
                "symptom" => EntityKind::Symptom,
                _ => return None,
            };
            add(&mut lexicon, (id, kind, group, code), Vec::new(), en, zh)
        });
        if read.is_none() {
            lexicon.faults.push(line.to_owned());
        }
    }
    for line in lines(DRUGS) {
        let read = fields::<6>(line).and_then(|[id, code, classes, en, zh, checked]| {
            let classes = phrases(classes).collect();
            add(
                &mut lexicon,
                (id, EntityKind::Drug, "", code),
                classes,
                en,
                zh,
            )?;
            let checked_by = match (checked, code) {
                ("unchecked", code) if !code.is_empty() => "",
                ("", "") => "",
                ("CPIC", code) if !code.is_empty() => "CPIC",
                _ => return None,
            };
            lexicon.concepts.last_mut()?.checked_by = checked_by;
            Some(())
        });
        if read.is_none() {
            lexicon.faults.push(line.to_owned());
        }
    }
    read_cues(&mut lexicon);
    lexicon
}

fn add(
    lexicon: &mut Lexicon,
    (id, kind, group, code): (&'static str, EntityKind, &'static str, &'static str),
    classes: Vec<&'static str>,
    en: &'static str,
    zh: &'static str,
) -> Option<()> {
    let number = lexicon.concepts.len();
    let english = phrases(en).next().or_else(|| phrases(zh).next())?;
    let chinese = phrases(zh).next().unwrap_or(english);
    if id.is_empty() || lexicon.by_id.insert(id, number).is_some() {
        return None;
    }
    for phrase in phrases(en).chain(phrases(zh)) {
        let (stem, ending) = match phrase.strip_suffix('*') {
            Some(stem) => (stem, Ending::Any),
            None => (phrase, Ending::Plural),
        };
        lexicon.names.add(stem, number, ending);
    }
    lexicon.concepts.push(Concept {
        id,
        kind,
        group,
        code,
        checked_by: "",
        classes,
        english: english.trim_end_matches('*'),
        chinese,
    });
    Some(())
}

fn read_cues(lexicon: &mut Lexicon) {
    // A phrase that stands under `after` and `before` of one class speaks of either.
    let mut meanings: Vec<(&'static str, CueMeaning)> = Vec::new();
    let mut places: HashMap<&'static str, usize> = HashMap::new();
    for line in lines(CUES) {
        let Some((class, way, en, zh)) = fields::<4>(line).and_then(|[class, way, en, zh]| {
            let class = match class {
                "absent" => CueClass::Says(Assertion::Absent),
                "possible" => CueClass::Says(Assertion::Possible),
                "present" => CueClass::Says(Assertion::Present),
                "history" => CueClass::Says(Assertion::History),
                "family" => CueClass::Says(Assertion::Family),
                "conditional" => CueClass::Says(Assertion::Conditional),
                "new" => CueClass::Changes(Change::New),
                "larger" => CueClass::Changes(Change::Larger),
                "smaller" => CueClass::Changes(Change::Smaller),
                "stable" => CueClass::Changes(Change::Stable),
                "resolved" => CueClass::Changes(Change::Resolved),
                "normal" => CueClass::Normal,
                "former" => CueClass::Former,
                "stop" => CueClass::Stop,
                "nothing" => CueClass::Nothing,
                _ => return None,
            };
            let way = match way {
                "after" => Way::After,
                "before" => Way::Before,
                "either" => Way::Either,
                "around" => Way::Around,
                _ => return None,
            };
            Some((class, way, en, zh))
        }) else {
            lexicon.faults.push(line.to_owned());
            continue;
        };
        for phrase in phrases(en).chain(phrases(zh)) {
            match places.get(phrase) {
                Some(&place) => {
                    if let Some((_, meaning)) = meanings.get_mut(place)
                        && meaning.class == class
                        && meaning.way != way
                    {
                        meaning.way = Way::Either;
                    }
                }
                None => {
                    places.insert(phrase, meanings.len());
                    meanings.push((phrase, CueMeaning { class, way }));
                }
            }
        }
    }
    for (phrase, meaning) in meanings {
        lexicon.cues.add(phrase, meaning, Ending::Exact);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_read_and_every_concept_is_found_by_its_names() {
        let all = lexicon();
        assert_eq!(all.faults, Vec::<String>::new());
        assert!(all.concepts.len() > 400, "{}", all.concepts.len());
        for concept in &all.concepts {
            for name in [concept.english, concept.chinese] {
                let found = named(name).map(|c| c.id);
                assert_eq!(found, Some(concept.id), "{name}");
            }
        }
    }

    #[test]
    fn words_are_matched_whole_and_longest() {
        assert_eq!(
            named("pleural effusions").map(|c| c.id),
            Some("pleural-effusion")
        );
        assert_eq!(named("massive").map(|c| c.id), None);
        assert_eq!(named("肺炎").map(|c| c.id), Some("pneumonia"));
        assert_eq!(
            named("Ground-Glass opacities").map(|c| c.id),
            Some("ground-glass")
        );
        let drugs = drugs_in("Hydrochlorothiazide 12.5 MG / Losartan Potassium 50 MG Oral Tablet");
        let ids: Vec<&str> = drugs.iter().map(|d| d.id).collect();
        assert_eq!(ids, ["hydrochlorothiazide", "losartan"]);
        assert!(drugs_in("Alcohol wipes").is_empty());
    }
}

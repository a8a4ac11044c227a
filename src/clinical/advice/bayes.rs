//! Diseases to think of, by likelihood ratios that are all shown.

use super::{
    Words,
    facts::{Facts, Origin},
};
use crate::clinical::text::lexicon;
use std::sync::OnceLock;

const TABLE: &str = include_str!("../../../assets/considerations.txt");

/// One factor of a disease.
#[derive(Clone, Debug, PartialEq)]
pub struct Factor {
    /// What.
    pub name: Words,
    /// Likelihood ratio that counted.
    pub ratio: f64,
    /// Whether it is there; false where it is denied.
    pub present: bool,
    /// Where the record says so.
    pub origin: Origin,
    /// Where the ratio is published.
    pub source: &'static str,
    /// The ratio was held against its source, or against a text that quotes it.
    pub checked: bool,
}

/// A disease to think of.
#[derive(Clone, Debug, PartialEq)]
pub struct Suggestion {
    /// Id.
    pub id: &'static str,
    /// Name.
    pub name: Words,
    /// Probability before any factor.
    pub prior: f64,
    /// Where the prior is from.
    pub prior_source: &'static str,
    /// The prior was held against its source, or against a text that quotes it.
    pub prior_checked: bool,
    /// Probability after all factors.
    pub posterior: f64,
    /// All factors that counted, strongest first.
    pub factors: Vec<Factor>,
    /// Concepts that would count and of which nothing is known.
    pub unknown: Vec<Words>,
    /// Whether the record names the disease already.
    pub known: bool,
}

#[derive(Clone, Debug)]
enum Weight {
    Concept {
        id: &'static str,
        present: Option<f64>,
        absent: Option<f64>,
        source: &'static str,
        checked: Checked,
    },
    Lab {
        loinc: &'static str,
        unit: &'static str,
        limit: f64,
        above: Option<f64>,
        below: Option<f64>,
        name: (&'static str, &'static str),
        source: &'static str,
        checked: Checked,
    },
}

/// Whether the ratios where something is there, and where it is not, were held against their source.
type Checked = [bool; 2];

#[derive(Clone, Debug)]
struct Disease {
    id: &'static str,
    prior: f64,
    name: (&'static str, &'static str),
    source: &'static str,
    checked: bool,
    weights: Vec<Weight>,
}

fn table() -> &'static [Disease] {
    static READ: OnceLock<Vec<Disease>> = OnceLock::new();
    // The text is part of the program and a test reads it; an unreadable table suggests nothing.
    READ.get_or_init(|| read(TABLE).unwrap_or_default())
}

fn read(text: &'static str) -> Option<Vec<Disease>> {
    let ratio = |text: &str| match text {
        "" => Some(None),
        text => text.parse::<f64>().ok().filter(|r| *r > 0.0).map(Some),
    };
    let checks = |word: &str| {
        Some(match word {
            "both" => [true, true],
            "present" => [true, false],
            "absent" => [false, true],
            "none" => [false, false],
            _ => return None,
        })
    };
    let mut diseases: Vec<Disease> = Vec::new();
    for line in text
        .lines()
        .filter(|l| !l.starts_with('#') && !l.trim().is_empty())
    {
        let fields: Vec<&'static str> = line.split('|').map(str::trim).collect();
        match *fields.as_slice() {
            ["disease", id, prior, english, chinese, source, checked] => diseases.push(Disease {
                id,
                prior: prior.parse().ok().filter(|p| *p > 0.0 && *p < 1.0)?,
                name: (english, chinese),
                source,
                checked: match checked {
                    "yes" => true,
                    "no" => false,
                    _ => return None,
                },
                weights: Vec::new(),
            }),
            ["factor", id, present, absent, source, checked] => {
                diseases.last_mut()?.weights.push(Weight::Concept {
                    id,
                    present: ratio(present)?,
                    absent: ratio(absent)?,
                    source,
                    checked: checks(checked)?,
                })
            }
            [
                "lab",
                loinc,
                unit,
                limit,
                above,
                below,
                english,
                chinese,
                source,
                checked,
            ] => {
                diseases.last_mut()?.weights.push(Weight::Lab {
                    loinc,
                    unit,
                    limit: limit.parse().ok()?,
                    above: ratio(above)?,
                    below: ratio(below)?,
                    name: (english, chinese),
                    source,
                    checked: checks(checked)?,
                });
            }
            _ => return None,
        }
    }
    Some(diseases)
}

fn words((english, chinese): (&str, &str)) -> Words {
    Words::new(english, chinese)
}

/// Ranks the diseases of the table by the facts; only those for which at least one fact counts.
pub fn suggest(facts: &Facts) -> Vec<Suggestion> {
    let mut found: Vec<Suggestion> = table()
        .iter()
        .map(|disease| weigh(disease, facts))
        .filter(|s| s.factors.iter().any(|f| f.present))
        .collect();
    found.sort_by(|a, b| b.posterior.total_cmp(&a.posterior).then(a.id.cmp(b.id)));
    found
}

fn weigh(disease: &Disease, facts: &Facts) -> Suggestion {
    let (mut factors, mut unknown) = (Vec::new(), Vec::new());
    for weight in &disease.weights {
        match weight {
            Weight::Concept {
                id,
                present,
                absent,
                source,
                checked,
            } => {
                let name = lexicon::concept(id)
                    .map(|c| Words::new(c.english, c.chinese))
                    .unwrap_or_default();
                match facts.concepts.get(id) {
                    Some(known) => {
                        let ratio = if known.present { present } else { absent };
                        if let Some(ratio) = ratio {
                            factors.push(Factor {
                                name,
                                ratio: *ratio,
                                present: known.present,
                                origin: known.origin.clone(),
                                source,
                                checked: checked[usize::from(!known.present)],
                            });
                        }
                    }
                    None => unknown.push(name),
                }
            }
            Weight::Lab {
                loinc,
                unit,
                limit,
                above,
                below,
                name,
                source,
                checked,
            } => match facts.labs.get(*loinc).filter(|lab| lab.unit == *unit) {
                Some(lab) => {
                    let high = lab.value >= *limit;
                    if let Some(ratio) = if high { above } else { below } {
                        factors.push(Factor {
                            name: words(*name),
                            ratio: *ratio,
                            present: high,
                            origin: Origin {
                                kind: "Observation",
                                words: format!("{} {} {}", lab.words, lab.value, lab.unit),
                                date: lab.date,
                            },
                            source,
                            checked: checked[usize::from(!high)],
                        });
                    }
                }
                None => unknown.push(words(*name)),
            },
        }
    }
    factors.sort_by(|a, b| b.ratio.ln().abs().total_cmp(&a.ratio.ln().abs()));
    let odds =
        disease.prior / (1.0 - disease.prior) * factors.iter().map(|f| f.ratio).product::<f64>();
    Suggestion {
        id: disease.id,
        name: words(disease.name),
        prior: disease.prior,
        prior_source: disease.source,
        prior_checked: disease.checked,
        posterior: odds / (1.0 + odds),
        factors,
        unknown,
        known: facts.concepts.get(disease.id).is_some_and(|k| k.present),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole() {
        let table = read(TABLE).expect("a readable table");
        assert_eq!(table.len(), 4);
        for disease in &table {
            for weight in &disease.weights {
                if let Weight::Concept { id, .. } = weight {
                    assert!(lexicon::concept(id).is_some(), "{id}");
                }
            }
        }
    }

    #[test]
    fn every_figure_names_its_source_and_says_whether_it_was_checked() {
        let (mut checked, mut all) = (0, 0);
        for disease in read(TABLE).expect("a readable table") {
            assert!(!disease.source.is_empty());
            for weight in &disease.weights {
                let (ratios, source, held) = match weight {
                    Weight::Concept {
                        present,
                        absent,
                        source,
                        checked,
                        ..
                    } => ([present, absent], source, checked),
                    Weight::Lab {
                        above,
                        below,
                        source,
                        checked,
                        ..
                    } => ([above, below], source, checked),
                };
                assert!(!source.is_empty());
                for (ratio, held) in ratios.into_iter().zip(held) {
                    // What is not there was not checked.
                    assert!(ratio.is_some() || !held);
                    all += usize::from(ratio.is_some());
                    checked += usize::from(*held);
                }
            }
        }
        assert_eq!((checked, all), (15, 58));
    }

    /// Worked by hand: pneumonia, 0.05 → odds 0.0526; cough 1.8, fever 1.7, consolidation 6.2, no sputum 0.55:
    /// 0.0526316 × 10.43460 = 0.549189; probability 0.354501.
    #[test]
    fn the_probability_is_that_of_bayes() {
        let mut facts = Facts::default();
        facts.note_text(
            "Cough and fever, no sputum. Consolidation in the right lower lobe.",
            "text",
            None,
        );
        let found = suggest(&facts);
        let pneumonia = found
            .iter()
            .find(|s| s.id == "pneumonia")
            .expect("pneumonia");
        assert_eq!(pneumonia.factors.len(), 4);
        assert!(
            (pneumonia.posterior - 0.354_501).abs() < 1e-5,
            "{}",
            pneumonia.posterior
        );
        assert_eq!(pneumonia.factors[0].ratio, 6.2);
        assert!(
            pneumonia
                .factors
                .iter()
                .any(|f| !f.present && f.ratio == 0.55)
        );
        assert!(!pneumonia.known && pneumonia.unknown.len() == 4);
        assert!(found.is_sorted_by(|a, b| a.posterior >= b.posterior));
    }

    #[test]
    fn the_same_facts_in_chinese_give_the_same_figures() {
        let of = |text: &str| {
            let mut facts = Facts::default();
            facts.note_text(text, "text", None);
            suggest(&facts)
                .iter()
                .map(|s| (s.id, s.posterior.to_bits()))
                .collect::<Vec<_>>()
        };
        let english = of("Cough and fever. Consolidation in the right lower lobe.");
        assert!(!english.is_empty());
        assert_eq!(of("咳嗽、发热。右肺下叶实变。"), english);
    }

    #[test]
    fn without_facts_nothing_is_suggested() {
        assert!(suggest(&Facts::default()).is_empty());
        let mut facts = Facts::default();
        facts.note_text("No cough, no fever.", "text", None);
        assert!(suggest(&facts).is_empty());
    }
}

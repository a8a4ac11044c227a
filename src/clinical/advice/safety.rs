//! Alerts of the banner, and what does not go together.

use super::{
    Words,
    facts::{Facts, Origin, Taken},
    renal,
};
use crate::{
    clinical::{genes, text::lexicon},
    model::record::PatientRecord,
};
use std::sync::OnceLock;

const TABLE: &str = include_str!("../../../assets/interactions.txt");

/// How grave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Never together.
    Contraindicated,
    /// Only with good reason.
    Major,
    /// To watch.
    Moderate,
    /// To know.
    Note,
}

impl Severity {
    /// Word in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Contraindicated => "contraindicated",
            Self::Major => "major",
            Self::Moderate => "moderate",
            Self::Note => "note",
        }
    }
}

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlertKind {
    /// Allergy to a contrast medium.
    ContrastAllergy,
    /// Another allergy.
    Allergy,
    /// Impaired renal function.
    Renal,
    /// Pregnancy.
    Pregnancy,
    /// A device that matters in a magnet.
    Implant,
    /// Drugs that thin the blood.
    Anticoagulant,
    /// Metformin, which contrast media concern.
    Metformin,
    /// Two drugs.
    DrugDrug,
    /// A drug and an allergy.
    DrugAllergy,
    /// A drug and renal function.
    DrugRenal,
    /// A drug and pregnancy.
    DrugPregnancy,
    /// A drug and a gene.
    DrugGene,
}

impl AlertKind {
    /// Word in JSON; the key of its words in the window is `panel-alert-` and this.
    pub const fn word(self) -> &'static str {
        match self {
            Self::ContrastAllergy => "contrast-allergy",
            Self::Allergy => "allergy",
            Self::Renal => "renal",
            Self::Pregnancy => "pregnancy",
            Self::Implant => "implant",
            Self::Anticoagulant => "anticoagulant",
            Self::Metformin => "metformin",
            Self::DrugDrug => "drug-drug",
            Self::DrugAllergy => "drug-allergy",
            Self::DrugRenal => "drug-renal",
            Self::DrugPregnancy => "drug-pregnancy",
            Self::DrugGene => "drug-gene",
        }
    }

    /// Whether it stands in the banner.
    pub const fn in_banner(self) -> bool {
        matches!(
            self,
            Self::ContrastAllergy
                | Self::Renal
                | Self::Pregnancy
                | Self::Implant
                | Self::Anticoagulant
                | Self::Metformin
        )
    }
}

/// Something to know before an examination or a prescription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// What it is about.
    pub kind: AlertKind,
    /// How grave.
    pub severity: Severity,
    /// What concerns whom, such as `Simvastatin + Verapamil`.
    pub subject: Words,
    /// What to know.
    pub words: Words,
    /// Facts of the record.
    pub because: Vec<Origin>,
    /// Where it is published; empty where the record alone says so.
    pub source: String,
}

struct Rule {
    kind: &'static str,
    one: &'static str,
    other: &'static str,
    severity: Severity,
    english: &'static str,
    chinese: &'static str,
    source: &'static str,
}

fn rules() -> &'static [Rule] {
    static READ: OnceLock<Vec<Rule>> = OnceLock::new();
    // The text is part of the program and a test reads it; an unreadable table warns of nothing.
    READ.get_or_init(|| read(TABLE).unwrap_or_default())
}

fn read(text: &'static str) -> Option<Vec<Rule>> {
    text.lines()
        .filter(|l| !l.starts_with('#') && !l.trim().is_empty())
        .map(|line| {
            let fields: Vec<&'static str> = line.split('|').map(str::trim).collect();
            let [kind, one, other, severity, english, chinese, source] = *fields.as_slice() else {
                return None;
            };
            let severity = match severity {
                "contraindicated" => Severity::Contraindicated,
                "major" => Severity::Major,
                "moderate" => Severity::Moderate,
                _ => return None,
            };
            matches!(kind, "pair" | "renal" | "pregnancy").then_some(Rule {
                kind,
                one,
                other,
                severity,
                english,
                chinese,
                source,
            })
        })
        .collect()
}

fn drug_words(id: &str) -> Words {
    lexicon::concept(id)
        .map(|c| {
            let mut english = c.english.to_owned();
            if let Some(first) = english.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            Words::new(english, c.chinese)
        })
        .unwrap_or_default()
}

fn joined(one: &Words, other: &Words) -> Words {
    Words::new(
        format!("{} + {}", one.english, other.english),
        format!("{} + {}", one.chinese, other.chinese),
    )
}

/// All alerts of a patient, gravest first. `considered` are drugs that are thought of, such as a contrast medium: they
/// are checked like those that are taken.
pub fn alerts(record: &PatientRecord, facts: &Facts, considered: &[&'static str]) -> Vec<Alert> {
    let mut drugs: Vec<Taken> = facts.drugs.clone();
    for drug in considered {
        if drugs.iter().all(|d| d.drug != *drug) {
            drugs.push(Taken {
                drug,
                origin: Origin {
                    kind: "considered",
                    words: drug_words(drug).english,
                    date: None,
                },
            });
        }
    }
    let mut found = Vec::new();
    of_record(facts, &mut found);
    drug_pairs(&drugs, &mut found);
    drug_allergies(&drugs, facts, &mut found);
    drug_states(&drugs, facts, &mut found);
    drug_genes(&drugs, record, &mut found);
    found.sort_by(|a, b| {
        (a.severity, a.kind, &a.subject.english).cmp(&(b.severity, b.kind, &b.subject.english))
    });
    found
}

fn of_record(facts: &Facts, found: &mut Vec<Alert>) {
    let mut push = |kind, severity, subject: Words, words: Words, because, source: &str| {
        found.push(Alert {
            kind,
            severity,
            subject,
            words,
            because,
            source: source.to_owned(),
        });
    };
    for (origin, drugs) in &facts.allergies {
        let contrast = drugs.iter().any(|d| Facts::is_of(d, "class:contrast"));
        let subject = Words::new(origin.words.clone(), origin.words.clone());
        if contrast {
            let words = Words::new("Reaction to a contrast medium", "对比剂过敏反应");
            push(
                AlertKind::ContrastAllergy,
                Severity::Major,
                subject,
                words,
                vec![origin.clone()],
                "",
            );
        } else {
            let words = Words::new("Allergy", "过敏");
            push(
                AlertKind::Allergy,
                Severity::Note,
                subject,
                words,
                vec![origin.clone()],
                "",
            );
        }
    }
    if let Some(renal) = facts.renal.as_ref().filter(|r| r.egfr < 60.0) {
        let severity = match renal.egfr {
            v if v < 30.0 => Severity::Major,
            v if v < 45.0 => Severity::Moderate,
            _ => Severity::Note,
        };
        let text = format!("eGFR {:.0} ({})", renal.egfr, renal::category(renal.egfr));
        let origin = Origin {
            kind: "Observation",
            words: format!("{} {} {}", renal.lab.words, renal.lab.value, renal.lab.unit),
            date: renal.lab.date,
        };
        let source = if renal.computed { renal::SOURCE } else { "" };
        let words = Words::new("Impaired renal function", "肾功能减退");
        push(
            AlertKind::Renal,
            severity,
            Words::new(text.clone(), text),
            words,
            vec![origin],
            source,
        );
    }
    if let Some(origin) = &facts.pregnancy {
        let subject = Words::new("Pregnancy", "妊娠");
        let words = Words::new("Weigh X-rays and contrast media", "权衡射线与对比剂的使用");
        push(
            AlertKind::Pregnancy,
            Severity::Major,
            subject,
            words,
            vec![origin.clone()],
            "ACR–SPR practice parameter, pregnancy, 2023",
        );
    }
    for origin in &facts.implants {
        let subject = Words::new(origin.words.clone(), origin.words.clone());
        let words = Words::new(
            "Check the device before magnetic resonance",
            "磁共振检查前核对植入物",
        );
        push(
            AlertKind::Implant,
            Severity::Major,
            subject,
            words,
            vec![origin.clone()],
            "ACR Manual on MR Safety 2024",
        );
    }
    for taken in &facts.drugs {
        let name = drug_words(taken.drug);
        if Facts::is_of(taken.drug, "class:anticoagulant") {
            let words = Words::new(
                "Anticoagulant: mind it before punctures",
                "抗凝药：穿刺前注意",
            );
            push(
                AlertKind::Anticoagulant,
                Severity::Moderate,
                name,
                words,
                vec![taken.origin.clone()],
                "SIR consensus 2019",
            );
        } else if taken.drug == "metformin" {
            let words = match facts.renal.as_ref().map(|r| r.egfr) {
                None => Words::new(
                    "Metformin: renal function is not recorded",
                    "二甲双胍：未记录肾功能",
                ),
                Some(v) if v < 30.0 => Words::new(
                    "Metformin: stop it at iodinated contrast for 48 hours",
                    "二甲双胍：使用碘对比剂时停用48小时",
                ),
                Some(_) => Words::new(
                    "Metformin: no need to stop it for contrast at this renal function",
                    "二甲双胍：此肾功能下使用对比剂无需停药",
                ),
            };
            push(
                AlertKind::Metformin,
                Severity::Note,
                name,
                words,
                vec![taken.origin.clone()],
                "ACR Manual on Contrast Media 2024",
            );
        }
    }
}

fn drug_pairs(drugs: &[Taken], found: &mut Vec<Alert>) {
    for (i, one) in drugs.iter().enumerate() {
        for other in drugs.get(i + 1..).unwrap_or_default() {
            // The gravest rule that joins both.
            let rule = rules()
                .iter()
                .filter(|r| r.kind == "pair")
                .filter(|r| {
                    let fits =
                        |a: &str, b: &str| Facts::is_of(a, r.one) && Facts::is_of(b, r.other);
                    fits(one.drug, other.drug) || fits(other.drug, one.drug)
                })
                .min_by_key(|r| r.severity);
            if let Some(rule) = rule {
                found.push(Alert {
                    kind: AlertKind::DrugDrug,
                    severity: rule.severity,
                    subject: joined(&drug_words(one.drug), &drug_words(other.drug)),
                    words: Words::new(rule.english, rule.chinese),
                    because: vec![one.origin.clone(), other.origin.clone()],
                    source: rule.source.to_owned(),
                });
            }
        }
    }
}

/// Classes whose members share allergies, and those that may.
const CROSS: [(&str, &str); 2] = [
    ("penicillin", "cephalosporin"),
    ("cephalosporin", "penicillin"),
];
const ALLERGIC_CLASSES: [&str; 10] = [
    "penicillin",
    "cephalosporin",
    "sulfonamide",
    "macrolide",
    "quinolone",
    "tetracycline",
    "nsaid",
    "opioid",
    "iodinated-contrast",
    "gadolinium-contrast",
];

fn drug_allergies(drugs: &[Taken], facts: &Facts, found: &mut Vec<Alert>) {
    for taken in drugs {
        for (origin, allergens) in &facts.allergies {
            let own = |class: &str| Facts::is_of(taken.drug, &format!("class:{class}"));
            let theirs = |class: &str| {
                allergens
                    .iter()
                    .any(|a| Facts::is_of(a, &format!("class:{class}")))
            };
            let same = allergens.contains(&taken.drug);
            let class = ALLERGIC_CLASSES.iter().any(|c| own(c) && theirs(c));
            let cross = CROSS.iter().any(|(a, b)| theirs(a) && own(b));
            let (severity, words) = match (same, class, cross) {
                (true, ..) => (
                    Severity::Contraindicated,
                    Words::new("Allergic to this drug", "对该药过敏"),
                ),
                (_, true, _) => (
                    Severity::Major,
                    Words::new("Allergic to a drug of this class", "对同类药物过敏"),
                ),
                (.., true) => (
                    Severity::Moderate,
                    Words::new(
                        "Cross-reaction with another class is possible, but rare",
                        "可能与另一类药物交叉过敏，但少见",
                    ),
                ),
                _ => continue,
            };
            found.push(Alert {
                kind: AlertKind::DrugAllergy,
                severity,
                subject: drug_words(taken.drug),
                words,
                because: vec![taken.origin.clone(), origin.clone()],
                source: if cross && !class && !same {
                    "Drug allergy practice parameter 2022, J Allergy Clin Immunol 150:1333".into()
                } else {
                    String::new()
                },
            });
        }
    }
}

fn drug_states(drugs: &[Taken], facts: &Facts, found: &mut Vec<Alert>) {
    for taken in drugs {
        if let Some(renal) = &facts.renal {
            let rule = rules()
                .iter()
                .filter(|r| r.kind == "renal" && Facts::is_of(taken.drug, r.one))
                .filter(|r| r.other.parse::<f64>().is_ok_and(|limit| renal.egfr < limit))
                .min_by_key(|r| r.severity);
            if let Some(rule) = rule {
                found.push(Alert {
                    kind: AlertKind::DrugRenal,
                    severity: rule.severity,
                    subject: joined(
                        &drug_words(taken.drug),
                        &Words::new(
                            format!("eGFR {:.0}", renal.egfr),
                            format!("eGFR {:.0}", renal.egfr),
                        ),
                    ),
                    words: Words::new(rule.english, rule.chinese),
                    because: vec![
                        taken.origin.clone(),
                        Origin {
                            kind: "Observation",
                            words: format!(
                                "{} {} {}",
                                renal.lab.words, renal.lab.value, renal.lab.unit
                            ),
                            date: renal.lab.date,
                        },
                    ],
                    source: rule.source.to_owned(),
                });
            }
        }
        let Some(pregnancy) = &facts.pregnancy else {
            continue;
        };
        for rule in rules()
            .iter()
            .filter(|r| r.kind == "pregnancy" && Facts::is_of(taken.drug, r.one))
        {
            found.push(Alert {
                kind: AlertKind::DrugPregnancy,
                severity: rule.severity,
                subject: joined(&drug_words(taken.drug), &Words::new("pregnancy", "妊娠")),
                words: Words::new(rule.english, rule.chinese),
                because: vec![taken.origin.clone(), pregnancy.clone()],
                source: rule.source.to_owned(),
            });
        }
    }
}

fn drug_genes(drugs: &[Taken], record: &PatientRecord, found: &mut Vec<Alert>) {
    for call in &record.genes {
        let Some(gene) = genes::table::gene(&call.gene) else {
            continue;
        };
        for hint in &gene.hints {
            let phenotype = call
                .phenotype
                .split("; ")
                .any(|p| hint.phenotypes.contains(&p));
            let Some(taken) = drugs
                .iter()
                .find(|d| d.drug == hint.drug)
                .filter(|_| phenotype)
            else {
                continue;
            };
            let alert = Alert {
                kind: AlertKind::DrugGene,
                severity: match hint.strength {
                    "strong" => Severity::Major,
                    "moderate" => Severity::Moderate,
                    _ => Severity::Note,
                },
                subject: joined(
                    &drug_words(taken.drug),
                    &Words::new(
                        format!("{} {}", call.gene, call.diplotype),
                        format!("{} {}", call.gene, call.diplotype),
                    ),
                ),
                words: Words::new(hint.english, hint.chinese),
                because: vec![
                    taken.origin.clone(),
                    Origin {
                        kind: "Observation",
                        words: format!("{} {} {}", call.gene, call.diplotype, call.phenotype),
                        date: None,
                    },
                ],
                source: hint.source.to_owned(),
            };
            // Two laboratories that agree are one alert.
            if found
                .iter()
                .all(|f| f.subject != alert.subject || f.words != alert.words)
            {
                found.push(alert);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clinical::advice::facts_of,
        model::{
            date::Date,
            record::{
                Allergy, Coding, Condition, GeneCall, Medication, ObservationSeries,
                ObservationValue,
            },
        },
    };

    fn coding(display: &str) -> Coding {
        Coding {
            display: display.to_owned(),
            ..Coding::default()
        }
    }

    fn record(drugs: &[&str], allergies: &[&str]) -> PatientRecord {
        PatientRecord {
            medications: drugs
                .iter()
                .map(|d| Medication {
                    code: coding(d),
                    status: "active".into(),
                    ..Medication::default()
                })
                .collect(),
            allergies: allergies
                .iter()
                .map(|a| Allergy {
                    code: coding(a),
                    status: "active".into(),
                    ..Allergy::default()
                })
                .collect(),
            ..PatientRecord::default()
        }
    }

    fn found(
        record: &PatientRecord,
        considered: &[&'static str],
    ) -> Vec<(&'static str, &'static str, String)> {
        let facts = facts_of(record, Date::parse("2024-01-01"));
        alerts(record, &facts, considered)
            .into_iter()
            .map(|a| (a.kind.word(), a.severity.word(), a.subject.english))
            .collect()
    }

    #[test]
    fn every_rule_names_known_drugs_and_classes() {
        let rules = read(TABLE).expect("a readable table");
        assert!(rules.len() >= 50);
        let all = lexicon::lexicon().concepts();
        for rule in &rules {
            let names = if rule.kind == "pair" {
                vec![rule.one, rule.other]
            } else {
                vec![rule.one]
            };
            for name in names {
                let known = match name.strip_prefix("class:") {
                    Some(class) => all.iter().any(|c| c.classes.contains(&class)),
                    None => all.iter().any(|c| c.id == name),
                };
                assert!(known, "{name}");
            }
        }
    }

    #[test]
    fn what_does_not_go_together_is_found() {
        let simvastatin = record(
            &[
                "Simvastatin 20 MG Oral Tablet",
                "Verapamil Hydrochloride 40 MG",
            ],
            &[],
        );
        assert_eq!(
            found(&simvastatin, &[]),
            [("drug-drug", "major", "Simvastatin + Verapamil".to_owned())]
        );
        let stopped = PatientRecord {
            medications: simvastatin
                .medications
                .iter()
                .cloned()
                .map(|m| Medication {
                    status: "stopped".into(),
                    ..m
                })
                .collect(),
            ..PatientRecord::default()
        };
        assert_eq!(found(&stopped, &[]), []);
        let penicillin = record(
            &["Amoxicillin 500 MG Oral Tablet"],
            &["Allergy to penicillin"],
        );
        assert_eq!(
            found(&penicillin, &[]),
            [
                ("drug-allergy", "major", "Amoxicillin".to_owned()),
                ("allergy", "note", "Allergy to penicillin".to_owned())
            ]
        );
        let contrast = record(&[], &["Iodinated contrast media allergy"]);
        assert_eq!(
            found(&contrast, &["iodinated-contrast"]),
            [
                (
                    "drug-allergy",
                    "contraindicated",
                    "Iodinated contrast".to_owned()
                ),
                (
                    "contrast-allergy",
                    "major",
                    "Iodinated contrast media allergy".to_owned()
                ),
            ]
        );
    }

    #[test]
    fn renal_function_pregnancy_and_genes_count() {
        let mut patient = record(
            &[
                "Metformin hydrochloride 500 MG",
                "Warfarin Sodium 5 MG Oral Tablet",
            ],
            &[],
        );
        patient.observations.push(ObservationSeries {
            code: Coding {
                code: "33914-3".into(),
                ..coding("eGFR")
            },
            category: "laboratory".into(),
            values: vec![ObservationValue {
                value: Some(28.0),
                unit: "mL/min".into(),
                date: Date::parse("2023-05-01"),
                ..ObservationValue::default()
            }],
        });
        patient.conditions.push(Condition {
            code: coding("Normal pregnancy"),
            clinical_status: "active".into(),
            ..Condition::default()
        });
        patient.genes.push(GeneCall {
            gene: "VKORC1".into(),
            diplotype: "A/A".into(),
            phenotype: "-1639 AA".into(),
            ..GeneCall::default()
        });
        let all = found(&patient, &["iodinated-contrast"]);
        let kinds: Vec<(&str, &str)> = all.iter().map(|a| (a.0, a.1)).collect();
        for expected in [
            ("drug-renal", "contraindicated"),
            ("drug-renal", "major"),
            ("drug-pregnancy", "contraindicated"),
            ("drug-gene", "major"),
            ("renal", "major"),
            ("pregnancy", "major"),
            ("anticoagulant", "moderate"),
            ("metformin", "note"),
        ] {
            assert!(kinds.contains(&expected), "{expected:?} of {kinds:?}");
        }
        assert!(all.is_sorted_by_key(|a| match a.1 {
            "contraindicated" => 0,
            "major" => 1,
            "moderate" => 2,
            _ => 3,
        }));
    }
}

//! The table of genes: core alleles, functions, phenotypes, and hints for drugs.

use std::sync::OnceLock;

const TABLE: &str = include_str!("../../../assets/pharmacogenes.txt");

/// One allele of a gene.
#[derive(Clone, Debug)]
pub struct Allele {
    /// Name, such as `*2`.
    pub name: &'static str,
    /// `normal`, `decreased`, `no`, `increased`…
    pub function: &'static str,
    /// Activity, where the gene is scored.
    pub activity: Option<f64>,
    /// dbSNP number and bases.
    pub marks: Vec<(&'static str, &'static str)>,
}

/// What follows for a drug.
#[derive(Clone, Debug)]
pub struct Hint {
    /// Phenotypes that it is for.
    pub phenotypes: Vec<&'static str>,
    /// Id of the drug in the dictionary.
    pub drug: &'static str,
    /// `strong`, `moderate`, `optional`, as CPIC classes it.
    pub strength: &'static str,
    /// In English.
    pub english: &'static str,
    /// In Chinese.
    pub chinese: &'static str,
    /// Where it is published.
    pub source: &'static str,
}

/// One gene.
#[derive(Clone, Debug)]
pub struct Gene {
    /// Symbol.
    pub symbol: &'static str,
    /// The allele without any variant; empty where the gene is not called from variants.
    pub reference: &'static str,
    /// Alleles, the reference first.
    pub alleles: Vec<Allele>,
    /// Two functions, in order of the alphabet, to a phenotype.
    pub pairs: Vec<[&'static str; 3]>,
    /// Activity from and to, to a phenotype.
    pub scores: Vec<(f64, f64, &'static str)>,
    /// Hints for drugs.
    pub hints: Vec<Hint>,
}

impl Gene {
    /// The positions that are looked at.
    pub fn positions(&self) -> Vec<&'static str> {
        let mut all: Vec<&'static str> = self
            .alleles
            .iter()
            .flat_map(|a| a.marks.iter().map(|m| m.0))
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Phenotype and activity of two alleles.
    pub fn phenotype(&self, one: &Allele, two: &Allele) -> (Option<&'static str>, Option<f64>) {
        let mut functions = [one.function, two.function];
        functions.sort_unstable();
        let pair = self
            .pairs
            .iter()
            .find(|[a, b, _]| [*a, *b] == functions)
            .map(|[_, _, phenotype]| *phenotype);
        let activity = one.activity.zip(two.activity).map(|(a, b)| a + b);
        let scored = activity.and_then(|sum| {
            self.scores
                .iter()
                .find(|(from, to, _)| (*from..=*to).contains(&sum))
                .map(|(.., phenotype)| *phenotype)
        });
        (pair.or(scored), activity)
    }

    /// Allele by name.
    pub fn allele(&self, name: &str) -> Option<&Allele> {
        self.alleles.iter().find(|a| a.name == name)
    }
}

/// All genes.
pub fn genes() -> &'static [Gene] {
    static READ: OnceLock<Vec<Gene>> = OnceLock::new();
    // The text is part of the program and a test reads it; an unreadable table knows no gene.
    READ.get_or_init(|| read(TABLE).unwrap_or_default())
}

/// Gene by symbol.
pub fn gene(symbol: &str) -> Option<&'static Gene> {
    genes().iter().find(|g| g.symbol == symbol)
}

fn read(text: &'static str) -> Option<Vec<Gene>> {
    let mut genes: Vec<Gene> = Vec::new();
    for line in text
        .lines()
        .filter(|l| !l.starts_with('#') && !l.trim().is_empty())
    {
        let fields: Vec<&'static str> = line.split('|').map(str::trim).collect();
        match *fields.as_slice() {
            ["gene", symbol, reference] => genes.push(Gene {
                symbol,
                reference,
                alleles: Vec::new(),
                pairs: Vec::new(),
                scores: Vec::new(),
                hints: Vec::new(),
            }),
            ["allele", name, function, activity, marks] => {
                let marks: Option<Vec<_>> = marks
                    .split_whitespace()
                    .map(|m| m.split_once(':'))
                    .collect();
                let activity = match activity {
                    "" => None,
                    text => Some(text.parse().ok()?),
                };
                genes.last_mut()?.alleles.push(Allele {
                    name,
                    function,
                    activity,
                    marks: marks?,
                });
            }
            ["pair", one, two, phenotype] => {
                let mut functions = [one, two];
                functions.sort_unstable();
                genes
                    .last_mut()?
                    .pairs
                    .push([functions[0], functions[1], phenotype]);
            }
            ["score", from, to, phenotype] => {
                genes
                    .last_mut()?
                    .scores
                    .push((from.parse().ok()?, to.parse().ok()?, phenotype));
            }
            ["hint", phenotypes, drug, strength, english, chinese, source] => {
                genes.last_mut()?.hints.push(Hint {
                    phenotypes: phenotypes.split(';').map(str::trim).collect(),
                    drug,
                    strength,
                    english,
                    chinese,
                    source,
                });
            }
            _ => return None,
        }
    }
    Some(genes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clinical::text::lexicon;

    #[test]
    fn the_table_is_whole() {
        let genes = read(TABLE).expect("a readable table");
        assert_eq!(genes.len(), 22);
        for gene in &genes {
            for hint in &gene.hints {
                let drug = lexicon::concept(hint.drug);
                assert!(drug.is_some(), "{} of {}", hint.drug, gene.symbol);
                for phenotype in &hint.phenotypes {
                    let known = gene.pairs.iter().any(|p| p[2] == *phenotype)
                        || gene.scores.iter().any(|s| s.2 == *phenotype)
                        || gene.alleles.is_empty();
                    assert!(known, "{phenotype} of {}", gene.symbol);
                }
            }
            if !gene.alleles.is_empty() {
                assert_eq!(gene.alleles[0].name, gene.reference);
                assert!(gene.alleles[0].marks.is_empty());
            }
        }
    }
}

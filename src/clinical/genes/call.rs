//! Diplotypes and phenotypes from variant calls.

use super::{
    table::{Allele, Gene, genes},
    vcf::{CallSet, Variant},
};
use std::collections::HashMap;

/// What the calls say of one gene.
#[derive(Clone, Debug, PartialEq)]
pub struct Diplotype {
    /// Symbol of the gene.
    pub gene: String,
    /// `*1/*2`; empty where no pair of the known alleles explains the calls.
    pub label: String,
    /// Other pairs that explain the calls as well.
    pub also: Vec<String>,
    /// Phenotype, empty where the table has none.
    pub phenotype: String,
    /// Activity score, where the gene is scored.
    pub activity: Option<f64>,
    /// Positions that were looked for.
    pub positions: usize,
    /// dbSNP numbers of those that were not called.
    pub missing: Vec<String>,
}

/// Calls every gene of the table that the file has a position of.
pub fn call_genes(set: &CallSet) -> Vec<Diplotype> {
    let mut by_id: HashMap<&str, &Variant> = HashMap::new();
    for variant in &set.variants {
        for id in &variant.ids {
            by_id.entry(id).or_insert(variant);
        }
    }
    genes()
        .iter()
        .filter(|gene| gene.positions().iter().any(|id| by_id.contains_key(id)))
        .map(|gene| call(gene, &by_id))
        .collect()
}

/// One position that was called: its number, bases of one or two chromosomes, phase.
struct Site<'a> {
    id: &'static str,
    bases: Vec<&'a str>,
    phased: bool,
}

fn call(gene: &Gene, by_id: &HashMap<&str, &Variant>) -> Diplotype {
    let positions = gene.positions();
    let mut sites = Vec::new();
    let mut missing = Vec::new();
    for id in &positions {
        let called = by_id.get(id).filter(|v| v.is_called());
        match called {
            Some(variant) => sites.push(Site {
                id,
                bases: variant
                    .genotype
                    .iter()
                    .flatten()
                    .filter_map(|a| variant.bases(*a))
                    .collect(),
                phased: variant.phased,
            }),
            None => missing.push((*id).to_owned()),
        }
    }
    let mut out = Diplotype {
        gene: gene.symbol.to_owned(),
        label: String::new(),
        also: Vec::new(),
        phenotype: String::new(),
        activity: None,
        positions: positions.len(),
        missing,
    };
    // An allele that needs a position that was not called cannot be told from another.
    let known: Vec<&Allele> = gene
        .alleles
        .iter()
        .filter(|a| {
            a.marks
                .iter()
                .all(|(id, _)| sites.iter().any(|s| s.id == *id))
        })
        .collect();
    let haploid = !sites.is_empty() && sites.iter().all(|s| s.bases.len() == 1);
    let mut pairs: Vec<(usize, &Allele, &Allele)> = Vec::new();
    for (i, one) in known.iter().enumerate() {
        let others = if haploid {
            known.get(i..=i)
        } else {
            known.get(i..)
        };
        for two in others.unwrap_or_default() {
            if explains(&sites, one, two, gene) {
                // Fewer variant alleles first: *1/*3A rather than *3B/*3C, as laboratories report it.
                let rank = usize::from(!one.marks.is_empty()) + usize::from(!two.marks.is_empty());
                pairs.push((rank, one, two));
            }
        }
    }
    pairs.sort_by_key(|(rank, ..)| *rank);
    let label = |one: &Allele, two: &Allele| match haploid {
        true => one.name.to_owned(),
        false => format!("{}/{}", one.name, two.name),
    };
    if let Some((_, one, two)) = pairs.first() {
        out.label = label(one, two);
        let (phenotype, activity) = gene.phenotype(one, two);
        out.phenotype = phenotype.unwrap_or_default().to_owned();
        out.activity = activity;
        out.also = pairs.iter().skip(1).map(|(_, a, b)| label(a, b)).collect();
    }
    out
}

/// Whether two alleles together give the bases at every position.
fn explains(sites: &[Site<'_>], one: &Allele, two: &Allele, gene: &Gene) -> bool {
    let mark = |allele: &Allele, id: &str| allele.marks.iter().find(|m| m.0 == id).map(|m| m.1);
    let marked = |id: &str| -> Vec<&'static str> {
        let mut all: Vec<&'static str> = gene.alleles.iter().filter_map(|a| mark(a, id)).collect();
        all.dedup();
        all
    };
    let all_phased = sites.iter().filter(|s| is_mixed(s)).all(|s| s.phased);
    let orders: &[[&Allele; 2]] = &[[one, two], [two, one]];
    let same = |site: &Site<'_>, order: &[&Allele; 2], sorted: bool| {
        let known = marked(site.id);
        // A base that no allele has stays itself, so that it is explained by none.
        let mut wanted: Vec<Option<&str>> = order
            .iter()
            .take(site.bases.len())
            .map(|a| mark(a, site.id))
            .collect();
        let reference = |base: &str| known.iter().all(|k| *k != base);
        let mut found: Vec<Option<&str>> = site
            .bases
            .iter()
            .map(|b| (!reference(b)).then_some(*b))
            .collect();
        if sorted {
            wanted.sort_unstable();
            found.sort_unstable();
        }
        wanted == found
    };
    if all_phased && sites.iter().filter(|s| is_mixed(s)).count() > 1 {
        orders
            .iter()
            .any(|order| sites.iter().all(|site| same(site, order, false)))
    } else {
        sites.iter().all(|site| same(site, &[one, two], true))
    }
}

fn is_mixed(site: &Site<'_>) -> bool {
    site.bases.first() != site.bases.last()
}

/// Genes of which a person may have one copy: on the X chromosome, and in the mitochondria.
const HAPLOID: [&str; 2] = ["G6PD", "MT-RNR1"];

/// Phenotype and activity of a diplotype that was named elsewhere, such as `*1/*3`.
pub fn outside_call(symbol: &str, label: &str) -> Option<(String, Option<f64>)> {
    let gene = super::table::gene(symbol)?;
    // HLA: what matters is whether an allele of a hint is there.
    if gene.alleles.is_empty() {
        let mut known: Vec<&str> = gene
            .hints
            .iter()
            .flat_map(|h| h.phenotypes.clone())
            .collect();
        known.sort_unstable();
        known.dedup();
        let found: Vec<String> = known
            .iter()
            .filter_map(|p| p.strip_suffix(" positive"))
            .map(|allele| {
                let there = label.split('/').any(|part| part.trim() == allele);
                format!("{allele} {}", if there { "positive" } else { "negative" })
            })
            .collect();
        return (!found.is_empty()).then(|| (found.join("; "), None));
    }
    // Of one chromosome there is one allele; mitochondrial variants are written with and without their `m.`.
    let (one, two) = match label.split_once('/') {
        Some(pair) => pair,
        None if HAPLOID.contains(&symbol) => (label, label),
        None => return None,
    };
    let [one, two] = [one, two].map(|part| part.trim().trim_start_matches("m."));
    let (phenotype, activity) = gene.phenotype(gene.allele(one)?, gene.allele(two)?);
    Some((phenotype?.to_owned(), activity))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(calls: &[(&str, &str, &str, &str)]) -> CallSet {
        let variants = calls
            .iter()
            .map(|(id, reference, alternate, genotype)| Variant {
                ids: vec![(*id).to_owned()],
                reference: (*reference).to_owned(),
                alternates: vec![(*alternate).to_owned()],
                genotype: genotype.split(['/', '|']).map(|a| a.parse().ok()).collect(),
                phased: genotype.contains('|'),
                ..Variant::default()
            })
            .collect();
        CallSet {
            variants,
            ..CallSet::default()
        }
    }

    fn of(gene: &str, calls: &[(&str, &str, &str, &str)]) -> (String, String, usize) {
        let found = call_genes(&set(calls));
        let call = found.iter().find(|d| d.gene == gene).expect("the gene");
        (
            call.label.clone(),
            call.phenotype.clone(),
            call.missing.len(),
        )
    }

    fn cyp2c19(
        two: &'static str,
        seventeen: &'static str,
        one: &'static str,
    ) -> (String, String, usize) {
        of(
            "CYP2C19",
            &[
                ("rs4244285", "G", "A", two),
                ("rs4986893", "G", "A", "0/0"),
                ("rs12248560", "C", "T", seventeen),
                ("rs3758581", "A", "G", one),
            ],
        )
    }

    /// Worked by hand from the tables of the CPIC guidelines that the asset names.
    #[test]
    fn diplotypes_and_phenotypes_are_those_of_the_guidelines() {
        let says = |label: &str, phenotype: &str| (label.to_owned(), phenotype.to_owned(), 0);
        assert_eq!(
            cyp2c19("0/0", "0/0", "0/0"),
            says("*38/*38", "Normal Metabolizer")
        );
        assert_eq!(
            cyp2c19("0/0", "0/0", "1/1"),
            says("*1/*1", "Normal Metabolizer")
        );
        assert_eq!(
            cyp2c19("0/1", "0/0", "1/1"),
            says("*1/*2", "Intermediate Metabolizer")
        );
        assert_eq!(
            cyp2c19("1/1", "0/0", "1/1"),
            says("*2/*2", "Poor Metabolizer")
        );
        assert_eq!(
            cyp2c19("0/0", "0/1", "1/1"),
            says("*1/*17", "Rapid Metabolizer")
        );
        assert_eq!(
            cyp2c19("0/1", "0/1", "1/1"),
            says("*2/*17", "Intermediate Metabolizer")
        );
        let tpmt = |b, c| {
            of(
                "TPMT",
                &[
                    ("rs1800462", "C", "G", "0/0"),
                    ("rs1800460", "C", "T", b),
                    ("rs1142345", "T", "C", c),
                ],
            )
        };
        assert_eq!(
            tpmt("0/1", "0/1"),
            says("*1/*3A", "Intermediate Metabolizer")
        );
        assert_eq!(tpmt("0|1", "1|0"), says("*3B/*3C", "Poor Metabolizer"));
        assert_eq!(
            tpmt("0|1", "0|1"),
            says("*1/*3A", "Intermediate Metabolizer")
        );
        assert_eq!(
            tpmt("0/0", "0/1"),
            says("*1/*3C", "Intermediate Metabolizer")
        );
        let dpyd = |call| {
            of(
                "DPYD",
                &[
                    ("rs3918290", "C", "T", call),
                    ("rs55886062", "A", "C", "0/0"),
                    ("rs67376798", "T", "A", "0/0"),
                ],
            )
        };
        assert_eq!(
            dpyd("0/1"),
            says("Reference/c.1905+1G>A (*2A)", "Intermediate Metabolizer")
        );
        assert_eq!(dpyd("1/1").1, "Poor Metabolizer");
        assert_eq!(
            of("VKORC1", &[("rs9923231", "C", "T", "0/1")]).1,
            "-1639 AG"
        );
        assert_eq!(
            of(
                "SLCO1B1",
                &[
                    ("rs4149056", "T", "C", "0/1"),
                    ("rs2306283", "A", "G", "0/1")
                ]
            )
            .0,
            "*1/*15"
        );
    }

    #[test]
    fn what_was_not_called_is_said() {
        let (label, _, missing) = of("CYP2C19", &[("rs3758581", "A", "G", "1/1")]);
        assert_eq!((label.as_str(), missing), ("*1/*1", 3));
        let (label, phenotype, missing) = of(
            "TPMT",
            &[
                ("rs1800462", "C", "G", "./."),
                ("rs1800460", "C", "T", "0/0"),
                ("rs1142345", "T", "C", "0/0"),
            ],
        );
        assert_eq!(
            (label.as_str(), phenotype.as_str(), missing),
            ("*1/*1", "Normal Metabolizer", 1)
        );
        // Haploid, as in men on the X chromosome.
        assert_eq!(
            of(
                "G6PD",
                &[("rs5030868", "G", "A", "1"), ("rs72554665", "C", "A", "0")]
            )
            .1,
            "Deficient"
        );
    }

    #[test]
    fn outside_calls_get_their_phenotype() {
        assert_eq!(
            outside_call("CYP2D6", "*1/*3"),
            Some(("Intermediate Metabolizer".into(), Some(1.0)))
        );
        assert_eq!(
            outside_call("CYP2D6", "*4/*5"),
            Some(("Poor Metabolizer".into(), Some(0.0)))
        );
        assert_eq!(outside_call("CYP2D6", "*1/*999"), None);
        assert_eq!(outside_call("NONE", "*1/*1"), None);
        // One allele is a call of a gene with one copy alone (CPIC 2021, PMID 34032273).
        assert_eq!(outside_call("CYP2D6", "*4"), None);
        for (label, risk) in [
            ("1555A>G", "increased"),
            ("m.1494C>T", "increased"),
            ("Reference", "normal"),
            ("827A>G", "normal"),
            ("961T>G", "uncertain"),
        ] {
            let phenotype = format!("{risk} risk of aminoglycoside-induced hearing loss");
            assert_eq!(outside_call("MT-RNR1", label), Some((phenotype, None)));
        }
        assert_eq!(outside_call("MT-RNR1", "1A>G"), None);
        let alleles = "*15:02 positive; *57:01 positive; *58:01 negative";
        assert_eq!(
            outside_call("HLA-B", "*15:02/*57:01"),
            Some((alleles.into(), None))
        );
    }
}

//! Variant Call Format 4.x, as far as genotypes of one sample need it.

use crate::clinical::{fhir::FhirError, import::form};

/// Most variants of one file.
pub const MAX_VARIANTS: usize = 5_000_000;

/// One line of a call set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variant {
    /// Chromosome as written.
    pub chromosome: String,
    /// Position, from 1.
    pub position: u64,
    /// Identifiers, such as dbSNP numbers.
    pub ids: Vec<String>,
    /// Reference bases.
    pub reference: String,
    /// Other bases, in order.
    pub alternates: Vec<String>,
    /// `PASS`, `.` or names of filters that failed.
    pub filter: String,
    /// Genes that the INFO field names (`PX`, `GENE`).
    pub genes: Vec<String>,
    /// Alleles of the sample: 0 the reference, n the n-th alternate, `None` not called. One for haploid calls.
    pub genotype: Vec<Option<usize>>,
    /// Whether it is known which allele lies on which chromosome.
    pub phased: bool,
}

impl Variant {
    /// Bases of an allele of the genotype.
    pub fn bases(&self, allele: usize) -> Option<&str> {
        match allele.checked_sub(1) {
            None => Some(&self.reference),
            Some(i) => self.alternates.get(i).map(String::as_str),
        }
    }

    /// Whether any allele is not the reference.
    pub fn is_variant(&self) -> bool {
        self.genotype.iter().flatten().any(|a| *a > 0)
    }

    /// Whether every allele was called.
    pub fn is_called(&self) -> bool {
        !self.genotype.is_empty() && self.genotype.iter().all(Option::is_some)
    }

    /// `G/A`, `G|A`, `./.`.
    pub fn bases_text(&self) -> String {
        let parts: Vec<&str> = self
            .genotype
            .iter()
            .map(|a| a.and_then(|a| self.bases(a)).unwrap_or("."))
            .collect();
        parts.join(if self.phased { "|" } else { "/" })
    }
}

/// A file of variant calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallSet {
    /// Genome assembly that a contig line names, empty when none does.
    pub assembly: String,
    /// Samples of the file; the first is read.
    pub samples: usize,
    /// All lines in order.
    pub variants: Vec<Variant>,
}

fn fault(reason: &'static str, line: usize) -> FhirError {
    form("VCF", reason, line)
}

/// Reads a call set.
///
/// # Errors
/// [`FhirError::Form`] with the line.
pub fn read_vcf(text: &str) -> Result<CallSet, FhirError> {
    let mut set = CallSet::default();
    let mut columns = None;
    for (number, line) in text.lines().enumerate() {
        let number = number + 1;
        if let Some(meta) = line.strip_prefix("##") {
            if number == 1 && !meta.starts_with("fileformat=VCF") {
                return Err(fault("no fileformat line", 1));
            }
            if set.assembly.is_empty()
                && let Some((_, after)) = meta.split_once("assembly=")
            {
                set.assembly = after
                    .chars()
                    .take_while(|c| c.is_ascii_alphanumeric() || *c == '.')
                    .take(32)
                    .collect();
            }
            continue;
        }
        if line.starts_with("#CHROM") {
            let count = line.split('\t').count();
            if count < 8 {
                return Err(fault("the header has fewer than eight columns", number));
            }
            set.samples = count.saturating_sub(9);
            columns = Some(count);
            continue;
        }
        if line.trim().is_empty() {
            continue;
        }
        let columns = columns.ok_or_else(|| fault("a variant before the header", number))?;
        if set.variants.len() >= MAX_VARIANTS {
            return Err(fault("more variants than the limit", number));
        }
        set.variants.push(variant(line, columns, number)?);
    }
    if columns.is_none() {
        return Err(fault("no header", 1));
    }
    Ok(set)
}

fn variant(line: &str, columns: usize, number: usize) -> Result<Variant, FhirError> {
    let fields: Vec<&str> = line.trim_end_matches('\r').split('\t').collect();
    if fields.len() != columns {
        return Err(fault("another number of columns than the header", number));
    }
    let field = |i: usize| fields.get(i).copied().unwrap_or_default();
    let list = |text: &str, sign: char| -> Vec<String> {
        text.split(sign)
            .filter(|part| !part.is_empty() && *part != ".")
            .map(str::to_owned)
            .collect()
    };
    let genes = field(7)
        .split(';')
        .filter_map(|entry| entry.split_once('='))
        .filter(|(key, _)| matches!(*key, "PX" | "GENE" | "Gene" | "SYMBOL"))
        .flat_map(|(_, value)| list(value, ','))
        .collect();
    let mut variant = Variant {
        chromosome: field(0).to_owned(),
        position: field(1)
            .parse()
            .map_err(|_| fault("the position is no number", number))?,
        ids: list(field(2), ';'),
        reference: field(3).to_ascii_uppercase(),
        alternates: list(&field(4).to_ascii_uppercase(), ','),
        filter: field(6).to_owned(),
        genes,
        ..Variant::default()
    };
    if let Some(place) = field(8).split(':').position(|key| key == "GT") {
        let call = field(9).split(':').nth(place).unwrap_or(".");
        variant.phased = call.contains('|');
        for allele in call.split(['/', '|']) {
            let allele = match allele {
                "." | "" => None,
                number_text => {
                    let allele: usize = number_text
                        .parse()
                        .map_err(|_| fault("the genotype is no number", number))?;
                    if allele > variant.alternates.len() {
                        return Err(fault(
                            "the genotype names an allele that is not there",
                            number,
                        ));
                    }
                    Some(allele)
                }
            };
            variant.genotype.push(allele);
        }
        if variant.genotype.len() > 2 {
            return Err(fault("more than two alleles", number));
        }
    }
    Ok(variant)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "##fileformat=VCFv4.2\n##contig=<ID=chr1,assembly=GRCh38.p14>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS\n";

    #[test]
    fn genotypes_are_read() {
        let text = format!(
            "{HEAD}chr1\t97\trs1;rs2\tg\tA,T\t.\tPASS\tPX=DPYD;POI\tDP:GT\t9:0|2\nchrX\t5\t.\tC\tT\t.\t.\t.\tGT\t1\n"
        );
        let set = read_vcf(&text).expect("a call set");
        assert_eq!(
            (set.assembly.as_str(), set.samples, set.variants.len()),
            ("GRCh38.p14", 1, 2)
        );
        let first = &set.variants[0];
        assert_eq!(
            (
                first.bases_text().as_str(),
                first.phased,
                first.is_variant()
            ),
            ("G|T", true, true)
        );
        assert_eq!(
            (first.ids.len(), first.genes.join(",").as_str()),
            (2, "DPYD")
        );
        assert_eq!(set.variants[1].bases_text(), "T");
    }

    #[test]
    fn faults_name_their_line() {
        let check = |line: &str, reason: &str| {
            let error = read_vcf(&format!("{HEAD}{line}\n"))
                .expect_err("a fault")
                .to_string();
            assert_eq!(error, format!("not readable as VCF in line 4: {reason}"));
        };
        check(
            "chr1\tx\t.\tG\tA\t.\t.\t.\tGT\t0/1",
            "the position is no number",
        );
        check(
            "chr1\t1\t.\tG\tA\t.\t.\t.\tGT\t0/2",
            "the genotype names an allele that is not there",
        );
        check(
            "chr1\t1\t.\tG\tA\t.\t.\t.\tGT",
            "another number of columns than the header",
        );
        check(
            "chr1\t1\t.\tG\tA\t.\t.\t.\tGT\t0/1/1",
            "more than two alleles",
        );
        assert!(read_vcf("chr1\t1").is_err());
    }
}

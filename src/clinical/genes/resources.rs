//! Genotypes as FHIR resources and back: Observations with the LOINC codes of the genomics reporting guide.

use super::{
    call::{self, Diplotype},
    vcf::{Variant, read_vcf},
};
use crate::{
    clinical::{
        elements::{LOINC, concept, list, text, words},
        fhir::{self, FhirError, ParsedBundle},
        import::{bundle, form, id_of, original},
        json,
    },
    model::record::{DrugGuidance, GeneCall, VariantCall},
};
use serde_json::{Value, json};

/// Genotype display name.
const GENOTYPE: &str = "84413-4";
/// Genetic variant assessment.
const VARIANT: &str = "69548-6";
/// Gene studied [ID].
const GENE: &str = "48018-6";
/// Genetic variation's effect on drug metabolism.
const METABOLISM: &str = "53040-2";
/// dbSNP [ID].
const DBSNP: &str = "81255-2";
/// Medication assessed [ID].
const MEDICATION: &str = "51963-7";
/// Genetic variation clinical significance [Imp].
const SIGNIFICANCE: &str = "53037-8";
/// Of the genomics reporting guide, which has no LOINC code for it yet.
const IMPLICATION: &str = "therapeutic-implication";

fn loinc(code: &str, display: &str) -> Value {
    json!({"coding": [{"system": LOINC, "code": code, "display": display}], "text": display})
}

fn part(code: &str, display: &str, words: &str) -> Value {
    json!({"code": loinc(code, display), "valueCodeableConcept": {"text": words}})
}

fn gene_observation(subject: &Value, found: &Diplotype, method: &str) -> Value {
    let owner = text(subject, "reference");
    let mut components = vec![part(GENE, "Gene studied", &found.gene)];
    if !found.phenotype.is_empty() {
        components.push(part(
            METABOLISM,
            "Effect on drug metabolism",
            &found.phenotype,
        ));
    }
    if let Some(activity) = found.activity {
        components.push(json!({"code": {"text": "Activity score"}, "valueQuantity": {"value": activity, "unit": "1"}}));
    }
    let mut observation = json!({
        "resourceType": "Observation",
        "id": id_of(&["genotype", owner, &found.gene, method]),
        "status": "final",
        "category": [{"coding": [{"code": "laboratory"}]}],
        "code": loinc(GENOTYPE, "Genotype display name"),
        "subject": subject,
        "method": {"text": method},
        "component": components,
    });
    if found.label.is_empty() {
        observation["dataAbsentReason"] =
            json!({"text": "no pair of known alleles explains the calls"});
    } else {
        observation["valueCodeableConcept"] = json!({"text": found.label});
    }
    let mut notes = Vec::new();
    if !found.missing.is_empty() {
        notes.push(format!(
            "{} of {} positions not called: {}",
            found.missing.len(),
            found.positions,
            found.missing.join(", ")
        ));
    }
    if !found.also.is_empty() {
        notes.push(format!("also possible: {}", found.also.join(", ")));
    }
    if !notes.is_empty() {
        observation["note"] = json!([{"text": notes.join("; ")}]);
    }
    observation
}

fn variant_observation(subject: &Value, variant: &Variant) -> Value {
    let name = format!(
        "{}:{} {}",
        variant.chromosome,
        variant.position,
        variant.bases_text()
    );
    let mut components =
        vec![json!({"code": {"text": "Genotype"}, "valueString": variant.bases_text()})];
    for gene in &variant.genes {
        components.push(part(GENE, "Gene studied", gene));
    }
    for id in &variant.ids {
        components.push(part(DBSNP, "dbSNP", id));
    }
    json!({
        "resourceType": "Observation",
        "id": id_of(&["variant", text(subject, "reference"), &name]),
        "status": "final",
        "category": [{"coding": [{"code": "laboratory"}]}],
        "code": loinc(VARIANT, "Genetic variant assessment"),
        "subject": subject,
        "valueCodeableConcept": {"coding": [{"system": LOINC, "code": "LA9633-4", "display": "Present"}], "text": name},
        "component": components,
    })
}

/// A call set: the file itself, every call that is not the reference, and what the table makes of it.
pub fn from_vcf(source: &str, patient: &str) -> Result<ParsedBundle, FhirError> {
    let set = read_vcf(source)?;
    if set.samples > 1 {
        return Err(form("VCF", "more than one sample", 1));
    }
    let subject = json!({"reference": format!("Patient/{patient}")});
    let mut resources = vec![original("VCF", "text/x-vcf", &subject, source)];
    let (mut reference, mut uncalled) = (0, 0);
    for variant in &set.variants {
        match (variant.is_variant(), variant.is_called()) {
            (true, _) => resources.push(variant_observation(&subject, variant)),
            (false, true) => reference += 1,
            (false, false) => uncalled += 1,
        }
    }
    // Positions are those of GRCh38; on another assembly the numbers of dbSNP still hold, the bases may not.
    if set.assembly.is_empty() || set.assembly.starts_with("GRCh38") {
        for found in call::call_genes(&set) {
            resources.push(gene_observation(
                &subject,
                &found,
                "core alleles of the table",
            ));
        }
    }
    let mut bundle = bundle("vcf", &resources)?;
    for (what, count) in [
        ("reference calls", reference),
        ("positions without a call", uncalled),
    ] {
        if count > 0 {
            bundle
                .report
                .unread
                .insert(("VCF".into(), what.into()), count);
        }
    }
    Ok(bundle)
}

/// A report of PharmCAT (JSON): the report itself, its gene calls, and its drug recommendations.
pub fn from_pharmcat(source: &str, patient: &str) -> Result<ParsedBundle, FhirError> {
    json::check_value(
        source,
        source.len() - source.trim_start().len(),
        fhir::MAX_DEPTH,
    )
    .map_err(|_| form("PharmCAT report", "not sound JSON", 1))?;
    let report: Value =
        serde_json::from_str(source).map_err(|e| form("PharmCAT report", "not JSON", e.line()))?;
    let subject = json!({"reference": format!("Patient/{patient}")});
    let method = format!("PharmCAT {}", text(&report, "pharmcatVersion"));
    let mut resources = vec![original(
        "PharmCAT report",
        "application/json",
        &subject,
        source,
    )];
    let genes = report
        .get("genes")
        .and_then(Value::as_object)
        .ok_or_else(|| form("PharmCAT report", "no genes", 1))?;
    for (symbol, gene) in genes {
        for diplotype in list(gene, "sourceDiplotypes") {
            let label = text(diplotype, "label");
            if label.starts_with("Unknown") {
                continue;
            }
            let phenotypes: Vec<&str> = list(diplotype, "phenotypes")
                .iter()
                .filter_map(Value::as_str)
                .filter(|p| *p != "n/a")
                .collect();
            let found = Diplotype {
                gene: symbol.clone(),
                label: label.to_owned(),
                also: Vec::new(),
                phenotype: phenotypes.join("; "),
                activity: text(diplotype, "activityScore").parse().ok(),
                positions: list(gene, "variants").len(),
                missing: Vec::new(),
            };
            resources.push(gene_observation(&subject, &found, &method));
        }
    }
    for (source_name, drugs) in report
        .get("drugs")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        for (drug, entry) in drugs.as_object().into_iter().flatten() {
            for guideline in list(entry, "guidelines") {
                for (number, annotation) in list(guideline, "annotations").iter().enumerate() {
                    resources.push(guidance(
                        &subject,
                        source_name,
                        drug,
                        guideline,
                        annotation,
                        number,
                    ));
                }
            }
        }
    }
    bundle("pharmcat", &resources)
}

fn guidance(
    subject: &Value,
    source: &str,
    drug: &str,
    guideline: &Value,
    annotation: &Value,
    number: usize,
) -> Value {
    let key = [
        text(guideline, "id"),
        drug,
        source,
        &number.to_string(),
        text(annotation, "population"),
    ]
    .join("|");
    let implications: Vec<&str> = list(annotation, "implications")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let mut genes: Vec<String> = list(annotation, "genotypes")
        .iter()
        .flat_map(|g| list(g, "diplotypes"))
        .map(|d| text(d, "gene").to_owned())
        .collect();
    genes.sort_unstable();
    genes.dedup();
    let plain = |text: &str| -> String {
        // The texts carry a little HTML; what is read is text.
        let mut out = String::with_capacity(text.len());
        let mut tag = false;
        for c in text.chars() {
            match c {
                '<' => tag = true,
                '>' if tag => {
                    tag = false;
                    out.push(' ');
                }
                c if !tag => out.push(c),
                _ => {}
            }
        }
        out.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let mut components = vec![
        part(MEDICATION, "Medication assessed", drug),
        json!({"code": {"text": "Recommendation"}, "valueString": plain(text(annotation, "drugRecommendation"))}),
        json!({"code": {"text": "Strength"}, "valueString": text(annotation, "classification")}),
        json!({"code": {"text": "Population"}, "valueString": text(annotation, "population")}),
    ];
    for gene in genes {
        components.push(part(GENE, "Gene studied", &gene));
    }
    json!({
        "resourceType": "Observation",
        "id": id_of(&["guidance", text(subject, "reference"), &key]),
        "status": "final",
        "category": [{"coding": [{"code": "laboratory"}]}],
        "code": {"coding": [{"system": "http://hl7.org/fhir/uv/genomics-reporting/CodeSystem/tbd-codes-cs",
            "code": IMPLICATION, "display": "Therapeutic implication"}]},
        "subject": subject,
        "method": {"text": source},
        "valueString": plain(&implications.join("; ")),
        "component": components,
        "note": [{"text": text(guideline, "url")}],
    })
}

/// What genomics an Observation says; `None` for all others.
pub enum Genomics {
    /// A gene with its diplotype.
    Gene(GeneCall),
    /// A variant.
    Variant(VariantCall),
    /// A recommendation of a laboratory's report.
    Guidance(DrugGuidance),
}

/// Reads an Observation that speaks of genes.
pub fn genomics(observation: &Value) -> Option<Genomics> {
    let codings = list(observation.get("code")?, "coding");
    let is = |code: &str| codings.iter().any(|c| text(c, "code") == code);
    let components = list(observation, "component");
    let value = |component: &Value| {
        let string = text(component, "valueString");
        match string.is_empty() {
            true => words(component.get("valueCodeableConcept")),
            false => string.to_owned(),
        }
    };
    let coded = |code: &str| {
        components
            .iter()
            .filter(|c| concept(c.get("code"), LOINC).code == code)
            .map(value)
            .collect::<Vec<_>>()
    };
    let named = |name: &str| components.iter().find(|c| words(c.get("code")) == name);
    let first = |code: &str| coded(code).into_iter().next().unwrap_or_default();
    let method = words(observation.get("method"));
    let note = list(observation, "note")
        .first()
        .map(|n| text(n, "text").to_owned())
        .unwrap_or_default();
    if is(GENOTYPE) {
        return Some(Genomics::Gene(GeneCall {
            gene: first(GENE),
            diplotype: words(observation.get("valueCodeableConcept")),
            phenotype: first(METABOLISM),
            activity: named("Activity score")
                .and_then(|c| c.get("valueQuantity")?.get("value")?.as_f64()),
            method,
            note,
        }));
    }
    if is(VARIANT) {
        return Some(Genomics::Variant(VariantCall {
            name: words(observation.get("valueCodeableConcept")),
            genes: coded(GENE),
            ids: coded(DBSNP),
            genotype: named("Genotype").map(value).unwrap_or_default(),
            significance: first(SIGNIFICANCE),
        }));
    }
    if is(IMPLICATION) {
        let text_of = |name: &str| named(name).map(value).unwrap_or_default();
        return Some(Genomics::Guidance(DrugGuidance {
            drug: first(MEDICATION),
            genes: coded(GENE),
            recommendation: text_of("Recommendation"),
            strength: text_of("Strength"),
            population: text_of("Population"),
            implication: text(observation, "valueString").to_owned(),
            source: method,
            link: note,
        }));
    }
    None
}

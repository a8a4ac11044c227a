//! What hangs together: patient, conditions, drugs, genes, findings, anatomy, pictures, reports, and why.
//!
//! Built in memory from the record and from what its texts say. The same statement in English and Chinese lands on one
//! node. Must stay true: every edge names the fact that it stands for, so that a path from the patient to a node is the
//! answer to "why is this shown".

pub mod layout;

use super::{
    advice::{Facts, Words, bayes, facts::Origin, safety},
    genes,
    text::{Assertion, EntityKind, Side, lexicon, understand},
};
use crate::model::{
    date::Date,
    record::{Coding, PatientRecord},
};
use std::collections::{HashMap, VecDeque};

/// Most nodes; what comes later is counted and left out.
pub const MAX_NODES: usize = 2000;

/// What a node stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NodeKind {
    /// The patient.
    Patient,
    /// A condition of the record.
    Condition,
    /// A drug, by its ingredient where it is known.
    Drug,
    /// A gene with its diplotype.
    Gene,
    /// A finding of a text, with its place.
    Finding,
    /// A part of the body.
    Anatomy,
    /// An imaging study.
    Image,
    /// A report.
    Report,
    /// A substance somebody is allergic to.
    Allergy,
    /// A disease to think of.
    Consideration,
}

impl NodeKind {
    /// Word in JSON; the key of its words in the window is `panel-graph-` and this.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Patient => "patient",
            Self::Condition => "condition",
            Self::Drug => "drug",
            Self::Gene => "gene",
            Self::Finding => "finding",
            Self::Anatomy => "anatomy",
            Self::Image => "image",
            Self::Report => "report",
            Self::Allergy => "allergy",
            Self::Consideration => "consideration",
        }
    }
}

/// How two nodes hang together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EdgeKind {
    /// The patient has it.
    Has,
    /// The patient takes it.
    Takes,
    /// The patient is allergic to it.
    AllergicTo,
    /// A picture was taken, a report written.
    Recorded,
    /// The report says it.
    Says,
    /// The finding is there.
    At,
    /// Both are one concept.
    SameAs,
    /// Two drugs, or a gene and a drug, concern each other.
    Concerns,
    /// It speaks for the disease.
    SpeaksFor,
    /// It speaks against the disease.
    SpeaksAgainst,
    /// The picture is of this part, or of the day of the report.
    Shows,
}

impl EdgeKind {
    /// Word in JSON; the key of its words in the window is `panel-edge-` and this.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Has => "has",
            Self::Takes => "takes",
            Self::AllergicTo => "allergic-to",
            Self::Recorded => "recorded",
            Self::Says => "says",
            Self::At => "at",
            Self::SameAs => "same-as",
            Self::Concerns => "concerns",
            Self::SpeaksFor => "speaks-for",
            Self::SpeaksAgainst => "speaks-against",
            Self::Shows => "shows",
        }
    }
}

/// A node.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Stable key, such as `finding:nodule@upper-lobe:right`.
    pub key: String,
    /// What it stands for.
    pub kind: NodeKind,
    /// Its words.
    pub words: Words,
    /// Of findings: denied, or doubtful, by the last text.
    pub assertion: Assertion,
    /// Of images: Study Instance UID.
    pub study_uid: String,
}

/// An edge.
#[derive(Clone, Debug, PartialEq)]
pub struct Edge {
    /// Number of the node it goes from.
    pub from: usize,
    /// Number of the node it goes to.
    pub to: usize,
    /// How.
    pub kind: EdgeKind,
    /// The fact that it stands for.
    pub origin: Origin,
}

/// The graph.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Graph {
    /// Nodes; the first is the patient.
    pub nodes: Vec<Node>,
    /// Edges.
    pub edges: Vec<Edge>,
    /// Nodes that were left out because there were too many.
    pub left_out: usize,
}

#[derive(Default)]
struct Builder {
    graph: Graph,
    by_key: HashMap<String, usize>,
    seen: HashMap<(usize, usize, EdgeKind), usize>,
}

impl Builder {
    fn node(&mut self, kind: NodeKind, key: &str, words: Words) -> Option<usize> {
        let key = format!("{}:{key}", kind.word());
        if let Some(known) = self.by_key.get(&key) {
            return Some(*known);
        }
        if self.graph.nodes.len() >= MAX_NODES {
            self.graph.left_out += 1;
            return None;
        }
        let number = self.graph.nodes.len();
        self.by_key.insert(key.clone(), number);
        self.graph.nodes.push(Node {
            key,
            kind,
            words,
            assertion: Assertion::Present,
            study_uid: String::new(),
        });
        Some(number)
    }

    fn edge(&mut self, from: Option<usize>, to: Option<usize>, kind: EdgeKind, origin: Origin) {
        let (Some(from), Some(to)) = (from, to) else {
            return;
        };
        if from != to
            && self
                .seen
                .insert((from, to, kind), self.graph.edges.len())
                .is_none()
        {
            self.graph.edges.push(Edge {
                from,
                to,
                kind,
                origin,
            });
        }
    }
}

fn origin(kind: &'static str, code: &Coding, date: Option<Date>) -> Origin {
    let words = if code.display.is_empty() {
        &code.code
    } else {
        &code.display
    };
    Origin {
        kind,
        words: words.clone(),
        date,
    }
}

fn named(concept: &lexicon::Concept) -> Words {
    Words::new(concept.english, concept.chinese)
}

/// Words and key of anatomy with its side, so that `RUL` and 右肺上叶 are one.
fn place(anatomy: &lexicon::Concept, side: Option<Side>) -> (String, Words) {
    let part = anatomy
        .group
        .split(':')
        .nth(2)
        .and_then(lexicon::concept)
        .unwrap_or(anatomy);
    let Some(side) = side else {
        return (part.id.to_owned(), named(part));
    };
    let chinese = match side {
        Side::Left => "左",
        Side::Right => "右",
        Side::Both => "双",
    };
    (
        format!("{}:{}", part.id, side.word()),
        Words::new(
            format!("{} {}", side.word(), part.english),
            format!("{chinese}{}", part.chinese),
        ),
    )
}

/// Builds the graph of a record.
pub fn build(record: &PatientRecord, facts: &Facts) -> Graph {
    let mut builder = Builder::default();
    let patient = builder.node(NodeKind::Patient, "", Words::new("Patient", "患者"));
    coded(&mut builder, patient, record);
    images(&mut builder, patient, record);
    for report in &record.reports {
        if !report.text.is_empty() {
            text(&mut builder, patient, record, report);
        }
    }
    genes_and_drugs(&mut builder, patient, record, facts);
    considerations(&mut builder, facts);
    same_concepts(&mut builder);
    builder.graph
}

fn coded(builder: &mut Builder, patient: Option<usize>, record: &PatientRecord) {
    for condition in &record.conditions {
        let concept = understand(&condition.code.display)
            .entities
            .into_iter()
            .find(|e| e.kind == EntityKind::Finding)
            .and_then(|e| lexicon::concept(e.concept));
        let display = condition.code.display.clone();
        // The words of the record stay; the concept makes synonyms one.
        let key = concept.map_or_else(|| display.to_lowercase(), |c| c.id.to_owned());
        let words = concept.map_or_else(
            || Words::new(display.clone(), display.clone()),
            |c| Words::new(display.clone(), c.chinese),
        );
        let node = builder.node(NodeKind::Condition, &key, words);
        builder.edge(
            patient,
            node,
            EdgeKind::Has,
            origin("Condition", &condition.code, condition.onset),
        );
    }
    for allergy in &record.allergies {
        let display = allergy.code.display.clone();
        let node = builder.node(
            NodeKind::Allergy,
            &display.to_lowercase(),
            Words::new(display.clone(), display),
        );
        builder.edge(
            patient,
            node,
            EdgeKind::AllergicTo,
            origin("AllergyIntolerance", &allergy.code, allergy.recorded),
        );
        for drug in lexicon::drugs_in(&allergy.code.display) {
            let substance = builder.node(NodeKind::Drug, drug.id, named(drug));
            builder.edge(
                node,
                substance,
                EdgeKind::SameAs,
                origin("AllergyIntolerance", &allergy.code, allergy.recorded),
            );
        }
    }
    for medication in &record.medications {
        let from = || origin("MedicationRequest", &medication.code, medication.authored);
        for drug in lexicon::drugs_in(&medication.code.display) {
            let node = builder.node(NodeKind::Drug, drug.id, named(drug));
            builder.edge(patient, node, EdgeKind::Takes, from());
        }
    }
}

fn images(builder: &mut Builder, patient: Option<usize>, record: &PatientRecord) {
    for study in &record.imaging_studies {
        let day = study.started.map(|d| d.to_string()).unwrap_or_default();
        let words = format!("{} {day} {}", study.modalities.join("/"), study.description);
        let key = if study.study_uid.is_empty() {
            words.clone()
        } else {
            study.study_uid.clone()
        };
        let node = builder.node(
            NodeKind::Image,
            &key,
            Words::new(words.trim(), words.trim()),
        );
        if let Some(node) = node.and_then(|n| builder.graph.nodes.get_mut(n)) {
            node.study_uid.clone_from(&study.study_uid);
        }
        let from = Origin {
            kind: "ImagingStudy",
            words: study.description.clone(),
            date: study.started,
        };
        builder.edge(patient, node, EdgeKind::Recorded, from.clone());
        for entity in understand(&study.body_site).entities {
            if let Some(concept) =
                lexicon::concept(entity.concept).filter(|c| c.kind == EntityKind::Anatomy)
            {
                let (key, words) = place(concept, entity.side);
                let anatomy = builder.node(NodeKind::Anatomy, &key, words);
                builder.edge(node, anatomy, EdgeKind::Shows, from.clone());
            }
        }
    }
}

fn text(
    builder: &mut Builder,
    patient: Option<usize>,
    record: &PatientRecord,
    report: &crate::model::record::Report,
) {
    let day = report.date.map(|d| d.to_string()).unwrap_or_default();
    let title = format!("{} {day}", report.code.display);
    let node = builder.node(
        NodeKind::Report,
        &report.id,
        Words::new(title.trim(), title.trim()),
    );
    builder.edge(
        patient,
        node,
        EdgeKind::Recorded,
        origin("DiagnosticReport", &report.code, report.date),
    );
    // Pictures of the same day are what the report most likely speaks of; the edge says that it is the day.
    for study in record
        .imaging_studies
        .iter()
        .filter(|s| s.started.is_some() && s.started == report.date)
    {
        let image = builder
            .by_key
            .get(&format!("image:{}", study.study_uid))
            .copied();
        let same_day = Origin {
            kind: "same day",
            words: study.description.clone(),
            date: study.started,
        };
        builder.edge(image, node, EdgeKind::Shows, same_day);
    }
    let found = understand(&report.text);
    for (number, entity) in found.entities.iter().enumerate() {
        let Some(concept) = lexicon::concept(entity.concept) else {
            continue;
        };
        if entity.kind != EntityKind::Finding || entity.assertion == Assertion::Conditional {
            continue;
        }
        let (anatomy, side, size) = found.place(number);
        let anatomy = anatomy.and_then(|a| lexicon::concept(a.concept));
        let at = anatomy.map(|a| place(a, side));
        let key = match &at {
            Some((key, _)) => format!("{}@{key}", concept.id),
            None => concept.id.to_owned(),
        };
        let words = match &at {
            Some((_, place)) => Words::new(
                format!("{}, {}", concept.english, place.english),
                format!("{}{}", place.chinese, concept.chinese),
            ),
            None => named(concept),
        };
        let finding = builder.node(NodeKind::Finding, &key, words);
        if let Some(finding) = finding.and_then(|n| builder.graph.nodes.get_mut(n)) {
            finding.assertion = entity.assertion;
        }
        let sentence = found
            .sentences
            .get(entity.sentence)
            .and_then(|s| report.text.get(s.span.clone()))
            .unwrap_or_default();
        let size = size
            .and_then(|s| report.text.get(s.span.clone()))
            .unwrap_or_default();
        let from = Origin {
            kind: "text",
            words: sentence.to_owned(),
            date: report.date,
        };
        builder.edge(node, finding, EdgeKind::Says, from.clone());
        if let Some((key, words)) = at {
            let anatomy = builder.node(NodeKind::Anatomy, &key, words);
            let from = if size.is_empty() {
                from
            } else {
                Origin {
                    words: format!("{sentence} ({size})"),
                    ..from
                }
            };
            builder.edge(finding, anatomy, EdgeKind::At, from);
        }
    }
}

fn genes_and_drugs(
    builder: &mut Builder,
    patient: Option<usize>,
    record: &PatientRecord,
    facts: &Facts,
) {
    for call in &record.genes {
        let words = format!("{} {}", call.gene, call.diplotype);
        let node = builder.node(
            NodeKind::Gene,
            &call.gene,
            Words::new(words.trim(), words.trim()),
        );
        let from = Origin {
            kind: "Observation",
            words: format!("{} {} {}", call.gene, call.diplotype, call.phenotype),
            date: None,
        };
        builder.edge(patient, node, EdgeKind::Has, from.clone());
        let Some(gene) = genes::table::gene(&call.gene) else {
            continue;
        };
        for hint in &gene.hints {
            let applies = call
                .phenotype
                .split("; ")
                .any(|p| hint.phenotypes.contains(&p));
            if let Some(drug) = lexicon::concept(hint.drug).filter(|_| applies) {
                let drug = builder.node(NodeKind::Drug, drug.id, named(drug));
                let from = Origin {
                    words: format!("{}: {}", hint.english, hint.source),
                    ..from.clone()
                };
                builder.edge(node, drug, EdgeKind::Concerns, from);
            }
        }
    }
    for alert in safety::alerts(record, facts, &[]) {
        if alert.kind != safety::AlertKind::DrugDrug {
            continue;
        }
        let drugs: Vec<Option<usize>> = alert
            .subject
            .english
            .split(" + ")
            .map(|name| {
                let concept = lexicon::named(name)?;
                builder.by_key.get(&format!("drug:{}", concept.id)).copied()
            })
            .collect();
        if let [one, other] = *drugs.as_slice() {
            let from = Origin {
                kind: "interaction",
                words: format!("{}: {}", alert.words.english, alert.source),
                date: None,
            };
            builder.edge(one, other, EdgeKind::Concerns, from);
        }
    }
}

fn considerations(builder: &mut Builder, facts: &Facts) {
    for suggestion in bayes::suggest(facts) {
        let node = builder.node(
            NodeKind::Consideration,
            suggestion.id,
            suggestion.name.clone(),
        );
        for factor in &suggestion.factors {
            let Some(concept) = lexicon::named(&factor.name.english) else {
                continue;
            };
            // The node of the fact: a condition, or a finding with or without place.
            let fact = builder.graph.nodes.iter().position(|n| {
                concept_of(n) == Some(concept.id) && n.kind != NodeKind::Consideration
            });
            let kind = if factor.ratio >= 1.0 {
                EdgeKind::SpeaksFor
            } else {
                EdgeKind::SpeaksAgainst
            };
            let from = Origin {
                kind: factor.origin.kind,
                words: format!("× {}: {}", factor.ratio, factor.source),
                date: factor.origin.date,
            };
            builder.edge(fact, node, kind, from);
        }
    }
}

/// Id of the concept of a node of a condition or finding.
fn concept_of(node: &Node) -> Option<&str> {
    match node.kind {
        NodeKind::Condition | NodeKind::Finding | NodeKind::Consideration => {
            let key = node.key.split_once(':').map_or("", |(_, key)| key);
            Some(key.split('@').next().unwrap_or(key))
        }
        _ => None,
    }
}

/// A condition, a finding and a consideration of one concept are joined.
fn same_concepts(builder: &mut Builder) {
    let mut first: HashMap<String, usize> = HashMap::new();
    for number in 0..builder.graph.nodes.len() {
        let Some(concept) = builder
            .graph
            .nodes
            .get(number)
            .and_then(concept_of)
            .map(str::to_owned)
        else {
            continue;
        };
        match first.get(&concept) {
            Some(&earlier) => {
                let from = Origin {
                    kind: "dictionary",
                    words: concept,
                    date: None,
                };
                builder.edge(Some(earlier), Some(number), EdgeKind::SameAs, from);
            }
            None => {
                first.insert(concept, number);
            }
        }
    }
}

impl Graph {
    /// Nodes whose words hold all parts of a query, in either language, in order.
    pub fn search(&self, query: &str) -> Vec<usize> {
        let parts: Vec<String> = query.split_whitespace().map(str::to_lowercase).collect();
        if parts.is_empty() {
            return Vec::new();
        }
        self.nodes
            .iter()
            .enumerate()
            .filter(|(_, node)| {
                let words = format!("{} {} {}", node.words.english, node.words.chinese, node.key)
                    .to_lowercase();
                parts.iter().all(|part| words.contains(part.as_str()))
            })
            .map(|(number, _)| number)
            .collect()
    }

    /// Node by key.
    pub fn find(&self, key: &str) -> Option<usize> {
        self.nodes.iter().position(|n| n.key == key)
    }

    /// Edges of the shortest way from the patient to a node: why it is shown. Empty for the patient and for what
    /// nothing leads to.
    pub fn why(&self, node: usize) -> Vec<usize> {
        let mut came: Vec<Option<usize>> = vec![None; self.nodes.len()];
        let mut touching: Vec<Vec<usize>> = vec![Vec::new(); self.nodes.len()];
        for (number, edge) in self.edges.iter().enumerate() {
            for end in [edge.from, edge.to] {
                if let Some(list) = touching.get_mut(end) {
                    list.push(number);
                }
            }
        }
        let mut waiting = VecDeque::from([0usize]);
        while let Some(at) = waiting.pop_front() {
            if at == node {
                break;
            }
            for number in touching.get(at).into_iter().flatten() {
                let Some(edge) = self.edges.get(*number) else {
                    continue;
                };
                let next = if edge.from == at { edge.to } else { edge.from };
                if let Some(slot @ None) = came.get_mut(next)
                    && next != 0
                {
                    *slot = Some(*number);
                    waiting.push_back(next);
                }
            }
        }
        let mut path = Vec::new();
        let mut at = node;
        while let Some(Some(number)) = came.get(at) {
            path.push(*number);
            let Some(edge) = self.edges.get(*number) else {
                break;
            };
            at = if edge.from == at { edge.to } else { edge.from };
        }
        path.reverse();
        path
    }

    /// Numbers of the nodes next to one.
    pub fn neighbours(&self, node: usize) -> Vec<usize> {
        let mut found: Vec<usize> = self
            .edges
            .iter()
            .filter_map(|e| match (e.from == node, e.to == node) {
                (true, _) => Some(e.to),
                (_, true) => Some(e.from),
                _ => None,
            })
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clinical::advice::facts_of,
        model::record::{Condition, GeneCall, ImagingStudy, Medication, Report},
    };

    fn record(text: &str) -> PatientRecord {
        let coding = |display: &str| Coding {
            display: display.to_owned(),
            ..Coding::default()
        };
        let day = Date::parse("2024-02-03");
        PatientRecord {
            conditions: vec![Condition {
                code: coding("Chronic congestive heart failure (disorder)"),
                clinical_status: "active".into(),
                ..Condition::default()
            }],
            medications: vec![
                Medication {
                    code: coding("Simvastatin 20 MG"),
                    status: "active".into(),
                    ..Medication::default()
                },
                Medication {
                    code: coding("Verapamil Hydrochloride 40 MG"),
                    status: "active".into(),
                    ..Medication::default()
                },
            ],
            imaging_studies: vec![ImagingStudy {
                study_uid: "1.2.3".into(),
                started: day,
                modalities: vec!["CT".into()],
                description: "CT chest".into(),
                body_site: "Thorax".into(),
            }],
            reports: vec![Report {
                id: "r".into(),
                code: coding("CT report"),
                date: day,
                status: "final".into(),
                text: text.into(),
                results: 0,
            }],
            genes: vec![GeneCall {
                gene: "SLCO1B1".into(),
                diplotype: "*1/*5".into(),
                phenotype: "Decreased Function".into(),
                ..GeneCall::default()
            }],
            ..PatientRecord::default()
        }
    }

    fn graph(text: &str) -> Graph {
        let record = record(text);
        build(&record, &facts_of(&record, Date::parse("2024-06-01")))
    }

    #[test]
    fn one_statement_in_two_languages_is_one_node() {
        let key = "finding:nodule@upper-lobe:right";
        for text in [
            "6 mm RUL nodule.",
            "结节 右肺上叶 6mm",
            "A nodule of 6 mm is seen in the right upper lobe.",
        ] {
            let graph = graph(text);
            assert!(
                graph.find(key).is_some(),
                "{text}: {:?}",
                graph.nodes.iter().map(|n| &n.key).collect::<Vec<_>>()
            );
            assert!(graph.find("anatomy:upper-lobe:right").is_some(), "{text}");
        }
    }

    #[test]
    fn why_something_is_shown_is_a_path_of_facts() {
        let graph = graph("6 mm nodule in the right upper lobe. Cardiomegaly.");
        let anatomy = graph.find("anatomy:upper-lobe:right").expect("anatomy");
        let path = graph.why(anatomy);
        let kinds: Vec<&str> = path.iter().map(|e| graph.edges[*e].kind.word()).collect();
        assert_eq!(kinds, ["recorded", "says", "at"]);
        assert!(graph.edges[path[2]].origin.words.contains("6 mm"));
        assert!(graph.why(0).is_empty());
        // The gene concerns the drug, the drugs each other, the finding speaks for the disease.
        let edge = |from: &str, to: &str| {
            let ends = (graph.find(from).expect(from), graph.find(to).expect(to));
            graph
                .edges
                .iter()
                .find(|e| (e.from, e.to) == ends || (e.to, e.from) == ends)
                .map(|e| e.kind)
        };
        assert_eq!(
            edge("gene:SLCO1B1", "drug:simvastatin"),
            Some(EdgeKind::Concerns)
        );
        assert_eq!(
            edge("drug:simvastatin", "drug:verapamil"),
            Some(EdgeKind::Concerns)
        );
        assert_eq!(
            edge("finding:cardiomegaly", "consideration:heart-failure"),
            Some(EdgeKind::SpeaksFor)
        );
        assert_eq!(
            edge("condition:heart-failure", "consideration:heart-failure"),
            Some(EdgeKind::SameAs)
        );
        assert_eq!(edge("image:1.2.3", "report:r"), Some(EdgeKind::Shows));
    }

    #[test]
    fn it_is_searched_in_both_languages() {
        let graph = graph("6 mm nodule in the right upper lobe.");
        let keys = |query: &str| {
            graph
                .search(query)
                .iter()
                .map(|n| graph.nodes[*n].key.as_str())
                .collect::<Vec<_>>()
        };
        assert_eq!(keys("nodule upper"), ["finding:nodule@upper-lobe:right"]);
        assert_eq!(keys("结节"), ["finding:nodule@upper-lobe:right"]);
        assert!(keys("").is_empty() && keys("zebra").is_empty());
    }
}

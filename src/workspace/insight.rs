//! What follows from the record on the screen: alerts, considerations, the graph with its picture. Made beside the
//! window's thread, together with the record, so that a frame only draws.

use crate::{
    clinical::{
        advice::{
            bayes::{self, Suggestion},
            facts::{Facts, facts_of},
            safety::{self, Alert},
        },
        duplicates::{self, Review},
        fhir::Resource,
        graph::{self, Graph, layout},
        quality::{Beside, Picture, Quality},
        timeline::Timeline,
    },
    model::{date::Date, record::PatientRecord},
};

/// Most nodes that are drawn at once.
pub const MAX_DRAWN: usize = 240;
/// Seed of the picture: it is the same every time.
const SEED: u64 = 6;

/// The parts of the record panel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RecordView {
    /// Conditions, drugs, values.
    #[default]
    Chart,
    /// Everything on one line of time.
    Timeline,
    /// Alerts and diseases to think of.
    Considerations,
    /// Genes, variants, recommendations.
    Genes,
    /// What hangs together.
    Graph,
    /// What is wrong with the data.
    Quality,
}

/// What follows from a record.
#[derive(Clone, Default)]
pub struct Insight {
    /// What it follows from.
    pub facts: Facts,
    /// Alerts, gravest first.
    pub alerts: Vec<Alert>,
    /// Diseases to think of, most likely first.
    pub suggestions: Vec<Suggestion>,
    /// What hangs together.
    pub graph: Graph,
    /// Numbers of the nodes that are drawn, the patient first.
    pub drawn: Vec<usize>,
    /// Where they are drawn, about one apart from their neighbours.
    pub places: Vec<[f32; 2]>,
    /// Everything on one line of time.
    pub timeline: Timeline,
    /// Facts that came twice, and those that somebody merged.
    pub review: Review,
    /// What is wrong with the data.
    pub quality: Quality,
    /// Resources that are read otherwise than they came.
    pub amended: usize,
}

/// Counts alone: the rest is about somebody.
impl std::fmt::Debug for Insight {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Insight")
            .field("alerts", &self.alerts.len())
            .field("suggestions", &self.suggestions.len())
            .field("nodes", &self.graph.nodes.len())
            .finish_non_exhaustive()
    }
}

impl Insight {
    /// Draws the conclusions of a record on a day.
    /// `resources` are those of the patient, `common` those of nobody, `pictures` the studies under identifiers of the
    /// patient.
    pub fn of(
        record: &PatientRecord,
        resources: &[Resource],
        common: &[Resource],
        pictures: &[Picture],
        today: Option<Date>,
    ) -> Self {
        let facts = facts_of(record, today);
        let alerts = safety::alerts(record, &facts, &[]);
        let suggestions = bayes::suggest(&facts);
        let graph = graph::build(record, &facts);
        let drawn = drawn(&graph);
        let places = layout::layout(&graph, &drawn, SEED);
        let timeline = Timeline::of(record);
        Self {
            facts,
            alerts,
            suggestions,
            graph,
            drawn,
            places,
            timeline,
            review: duplicates::review(resources),
            quality: Quality::of(
                &record.fhir_id,
                resources,
                &Beside {
                    today,
                    pictures,
                    common,
                },
            ),
            amended: 0,
        }
    }
}

/// The nodes that are drawn: those with most edges where there are too many, the patient always.
fn drawn(graph: &Graph) -> Vec<usize> {
    let mut degree = vec![0usize; graph.nodes.len()];
    for edge in &graph.edges {
        for end in [edge.from, edge.to] {
            if let Some(count) = degree.get_mut(end) {
                *count += 1;
            }
        }
    }
    let mut order: Vec<usize> = (0..graph.nodes.len()).collect();
    order.sort_by_key(|n| (*n != 0, std::cmp::Reverse(degree.get(*n).copied()), *n));
    order.truncate(MAX_DRAWN);
    order.sort_unstable();
    order
}

//! What can stand in a cell, and what is known of it: a series, or one image where each image is a view of its own.

use super::words::{self, BodyPart, Sequence, Side, Words};
use crate::{
    model::{
        date::Date,
        geometry::BodyPlane,
        layout::{FrameRef, SeriesLayout},
        lut::ModalityUnit,
        study::StudyDescription,
    },
    workspace::library::StudyNode,
};
use std::sync::Arc;

/// Modalities of which each image is a view of its own: several of them often stand in one series.
const VIEWS: &[&str] = &[
    "CR", "DX", "MG", "RF", "XA", "US", "IO", "PX", "XC", "OP", "SC", "OT", "GM", "ES",
];

/// So many images of one study are told apart; what comes after stays in its series.
const MOST_ITEMS: usize = 512;

/// Something that a cell can show.
#[derive(Clone, Debug)]
pub struct Item {
    /// Key of the series in the library.
    pub series: String,
    /// Series Instance UID.
    pub series_uid: String,
    /// The image that comes first, counted from 0 among the frames of the series.
    pub image: usize,
    /// How many frames it has from there on.
    pub frames: usize,
    /// Modality, in capitals.
    pub modality: String,
    /// Part of the body.
    pub part: Option<BodyPart>,
    /// Side.
    pub side: Option<Side>,
    /// View of a projection, empty when unknown.
    pub view: &'static str,
    /// Magnetic resonance sequence.
    pub sequence: Option<Sequence>,
    /// Plane of the slices.
    pub plane: Option<BodyPlane>,
    /// Words of the series' description.
    pub words: Words,
    /// A picture for planning.
    pub scout: bool,
    /// It can be cut in any plane.
    pub volume: bool,
    /// Its values are in Hounsfield units, so that presets mean something.
    pub hounsfield: bool,
    /// Series Number.
    pub number: i32,
    /// Something says how large its pixels are.
    pub calibrated: bool,
    /// Width and height of the first image in millimetres, or in pixels where nothing says millimetres.
    pub extent: [f64; 2],
    /// Where in the patient the columns lead, for example `P`; empty when unknown.
    pub columns_lead_to: String,
}

impl Item {
    /// It is a mask over pictures.
    pub fn is_mask(&self) -> bool {
        self.modality == "SEG"
    }

    /// What stands in a cell by the same rules.
    pub fn of_series(key: &str, layout: &SeriesLayout) -> Vec<Self> {
        let mut items: Vec<Self> = Vec::new();
        let Some(first) = layout.frames.first() else {
            return items;
        };
        let modality = first.instance.series.modality.to_uppercase();
        if !VIEWS.contains(&modality.as_str()) {
            items.extend(Self::of_frame(key, layout, 0, first));
            if let Some(item) = items.first_mut() {
                item.frames = layout.frames.len();
            }
            return items;
        }
        let mut last: Option<&str> = None;
        for (at, frame) in layout.frames.iter().enumerate() {
            let uid = frame.instance.sop_instance_uid.as_str();
            if last == Some(uid) || items.len() >= MOST_ITEMS {
                if let Some(item) = items.last_mut() {
                    item.frames += 1;
                }
                continue;
            }
            last = Some(uid);
            items.extend(Self::of_frame(key, layout, at, frame));
        }
        items
    }

    fn of_frame(key: &str, layout: &SeriesLayout, at: usize, frame: &FrameRef) -> Option<Self> {
        let instance = &frame.instance;
        let (series, study) = (&instance.series, &instance.study);
        let image = instance.image.as_ref()?;
        let description = image.frame(frame.frame);
        let modality = series.modality.to_uppercase();
        let part_label = layout.part.label();
        let words = Words::of([series.description.as_str(), part_label.as_str()]);
        let study_words = Words::of([study.description.as_str()]);
        let technique = &instance.technique;
        let plane = description
            .plane
            .as_ref()
            .map(|p| BodyPlane::of_normal(p.along_row.cross(p.along_column)))
            .or_else(|| words::plane(&words));
        let (row, column) = description.spacing.row_column();
        let sequence = (modality == "MR")
            .then(|| words::sequence(&words, technique.repetition_time_ms, technique.echo_time_ms));
        let part = words::body_part(&series.body_part, &words, &study_words);
        Some(Self {
            series: key.to_owned(),
            series_uid: series.uid.clone(),
            image: at,
            frames: 1,
            part: part.or_else(|| {
                (modality == "MG").then_some(BodyPart {
                    region: words::Region::Breast,
                    name: "breast",
                })
            }),
            side: words::side(&series.laterality, &words).or_else(|| words::side("", &study_words)),
            view: words::view(&series.view_position, &words),
            sequence: sequence.flatten(),
            plane,
            scout: words::is_scout(&words)
                || instance.findings.iter().any(|f| f.code == "LOCALIZER"),
            volume: layout.volume.is_some(),
            hounsfield: description.unit == ModalityUnit::Hounsfield,
            number: series.number.unwrap_or(i32::MAX),
            calibrated: description.spacing.source().is_some(),
            extent: [image.columns as f64 * column, image.rows as f64 * row],
            columns_lead_to: technique.columns_lead_to.clone(),
            modality,
            words,
        })
    }
}

/// A study with what it can show.
#[derive(Clone, Debug, Default)]
pub struct StudyItems {
    /// Study Instance UID.
    pub uid: String,
    /// When it was made.
    pub date: Option<Date>,
    /// Time of the day as `hh:mm:ss`, empty when unknown.
    pub time: String,
    /// Words of its description.
    pub words: Words,
    /// In the order of the list.
    pub items: Vec<Item>,
}

impl StudyItems {
    /// All that a study of the library can show.
    pub fn of_node(study: &StudyNode) -> Self {
        let series = study.series.iter().map(|n| (n.key.as_str(), &n.layout));
        Self::of(&study.description, series)
    }

    /// All that a study's series can show.
    pub fn of<'a>(
        study: &StudyDescription,
        series: impl IntoIterator<Item = (&'a str, &'a Arc<SeriesLayout>)>,
    ) -> Self {
        let items = series.into_iter();
        Self {
            uid: study.uid.clone(),
            date: study.date,
            time: study.time.clone(),
            words: Words::of([study.description.as_str()]),
            items: items
                .flat_map(|(key, layout)| Item::of_series(key, layout))
                .take(MOST_ITEMS)
                .collect(),
        }
    }

    /// The modality that most of it is of; objects that are made from others do not count.
    pub fn modality(&self) -> &str {
        // The CT beside an emission study is there for it.
        if self.items.iter().any(|i| i.modality == "PT") {
            return "PT";
        }
        let mut best = ("", 0);
        for item in &self.items {
            if matches!(
                item.modality.as_str(),
                "SC" | "OT" | "SEG" | "PR" | "KO" | "SR"
            ) && !best.0.is_empty()
            {
                continue;
            }
            let count = self
                .items
                .iter()
                .filter(|i| i.modality == item.modality)
                .count();
            if count > best.1 {
                best = (&item.modality, count);
            }
        }
        best.0
    }
}

//! A storm of switches between patients: whatever is late, nothing on the screen is of anybody but the patient of the
//! active view.
//!
//! Four made-up people have pictures, a record, a report, a mark and a mask. The window shows one of them after the
//! other at random, sometimes with time for things to arrive, sometimes without; panels change, the pointer rests where
//! tooltips are. After each switch everything that the window says (title, texts of views, panels, tooltips) is searched
//! for the words of the other people, and the objects that are drawn (picture, mask, record, report) are asked whose
//! they are. Where two people stand side by side, each view may say its own alone.

use super::{
    Cases, Failure, generate,
    measure::{Case, Samples},
    people::dice,
    scenery,
};
use crate::{
    app::{Options, screen, stage::Stage},
    console::{Common, Exit},
    i18n::Language,
    model::{
        edit::Edit,
        identity::{PatientIdentity, PersonName, Phi, Sex},
        study::{SeriesDescription, StudyDescription},
    },
    phantom::{demo, identifier::uid},
    workspace::{Command, record_link::RecordState, settings::SideTab},
};
use clap::Args;
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::Path, time::Duration};

/// Arguments of `bench switches`.
#[derive(Clone, Debug, Args)]
pub struct StormArgs {
    /// Switches
    #[arg(long, default_value_t = 10_000, value_name = "N")]
    pub count: u32,
}

/// Words that no other text has, one a person.
const FAMILIES: [&str; 4] = ["ALPHAQ", "BRAVOQ", "CHARLIEQ", "DELTAQ"];
const TABS: [SideTab; 6] = [
    SideTab::Record,
    SideTab::Findings,
    SideTab::Report,
    SideTab::Ai,
    SideTab::Labels,
    SideTab::Segments,
];

fn failed(text: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Internal, text)
}

fn person(seed: u64, family: &str) -> PatientIdentity {
    PatientIdentity {
        name: Phi::new(PersonName::parse(&format!("{family}^SYNTHETIC"))),
        id: Phi::new(format!("SYN-{family}")),
        sex: Phi::new(Sex::Female),
        ..demo::identity(seed)
    }
}

/// The study and the series of a person.
fn descriptions(seed: u64, family: &str) -> (StudyDescription, SeriesDescription) {
    let study = StudyDescription {
        uid: uid(seed, "storm study"),
        description: format!("Study {family}"),
        accession_number: Phi::new(format!("ACC-{family}")),
        ..StudyDescription::default()
    };
    let series = SeriesDescription {
        uid: uid(seed, "storm series"),
        modality: "CT".into(),
        number: Some(1),
        description: format!("Series {family}"),
        frame_of_reference_uid: uid(seed, "storm frame of reference"),
        ..SeriesDescription::default()
    };
    (study, series)
}

/// A record of a size of its own, so that records take differently long.
fn record(family: &str, facts: usize) -> Value {
    let subject = json!({"reference": format!("Patient/{family}")});
    let person = json!({"resource": {"resourceType": "Patient", "id": family,
        "name": [{"family": family, "given": ["SYNTHETIC"]}],
        "identifier": [{"type": {"coding": [{"code": "MR"}]}, "value": format!("SYN-{family}")}]}});
    let conditions = (0..facts).map(|number| {
        json!({"resource": {"resourceType": "Condition", "id": format!("{family}{number}"),
            "subject": subject, "code": {"text": format!("Disease of {family}")},
            "onsetDateTime": "2020-01-01"}})
    });
    let entries: Vec<Value> = std::iter::once(person).chain(conditions).collect();
    json!({"resourceType": "Bundle", "type": "collection", "entry": entries})
}

/// Everything that the storm goes through, and what it found.
struct Storm {
    stage: Stage,
    dice: Box<dyn FnMut(usize) -> usize>,
    seen: BTreeMap<&'static str, u32>,
    wrong: BTreeMap<String, u32>,
}

impl Storm {
    fn open(common: &Common, dir: &Path, seed: u64) -> Result<Self, Failure> {
        let files = dir.join("files");
        let mut records = Vec::new();
        for (number, family) in (0u64..).zip(FAMILIES) {
            let own = seed.wrapping_mul(16).wrapping_add(number);
            let (study, series) = descriptions(own, family);
            let who = person(own, family);
            generate::write_small_ct(&files.join(family), own, who, study, series)?;
            let path = dir.join(format!("{family}.json"));
            let facts = 20 + 60 * records.len();
            std::fs::write(&path, record(family, facts).to_string()).map_err(failed)?;
            records.push(path);
        }
        let options = Options {
            language: Some(Language::English),
            plain: true,
            settings_folder: Some(dir.join("settings")),
            paths: vec![files],
            ..Options::of(common)
        };
        let stage = Stage::open(options, [1100.0, 700.0])?;
        let mut storm = Self {
            stage,
            dice: Box::new(dice(seed ^ 0x5354_4f52)),
            seen: BTreeMap::new(),
            wrong: BTreeMap::new(),
        };
        storm.stage.settle()?;
        let workspace = &mut storm.stage.program_mut().workspace;
        // The browser and the list name everybody who is open.
        workspace.settings.show_browser = false;
        workspace.settings.show_side = true;
        workspace.import_records(records);
        storm.stage.command(Command::LayoutOne);
        storm.stage.settle()?;
        for number in 0..FAMILIES.len() {
            storm.furnish(number, seed)?;
        }
        Ok(storm)
    }

    /// Gives a person a report, a mark and a mask.
    fn furnish(&mut self, number: usize, seed: u64) -> Result<(), Failure> {
        self.show(0, number)?;
        self.stage.settle()?;
        let family = FAMILIES.get(number).copied().unwrap_or_default();
        let workspace = &mut self.stage.program_mut().workspace;
        let mut edits = scenery::edits(workspace, 1, seed)?;
        for edit in &mut edits {
            if let Edit::Add(mark) = edit {
                mark.label = format!("Mark {family}");
            }
        }
        let study = workspace.active_viewport().and_then(|v| v.study());
        let study = study.ok_or_else(|| failed("no study"))?;
        edits.push(Edit::Report {
            study_uid: study.uid.clone(),
            from: Phi::default(),
            to: Phi::new(format!("Report of {family}")),
        });
        if !workspace.commit(edits) {
            return Err(failed("the marks were not taken"));
        }
        scenery::put_mask(workspace)?;
        Ok(self.stage.settle()?)
    }

    /// Shows somebody in a view; in the same frame nothing of who was there may be left.
    fn show(&mut self, cell: usize, number: usize) -> Result<(), Failure> {
        let family = FAMILIES.get(number).copied().unwrap_or_default();
        let workspace = &mut self.stage.program_mut().workspace;
        let node = workspace
            .library
            .series()
            .find(|node| node.description.description.ends_with(family))
            .cloned();
        let node = node.ok_or_else(|| failed("a series is missing"))?;
        workspace.show(cell, &node);
        Ok(())
    }

    fn roll(&mut self, below: usize) -> usize {
        (self.dice)(below)
    }

    fn turn(&mut self, number: u32) -> Result<(), Failure> {
        if number.is_multiple_of(50) {
            let turn = number as usize / 50 % TABS.len();
            let tab = TABS.get(turn).copied().unwrap_or_default();
            self.stage.program_mut().workspace.settings.side_tab = tab;
        }
        // Every fifth hundred two people stand side by side.
        if number.is_multiple_of(100) {
            let two = number / 100 % 5 == 4;
            self.stage.command(match two {
                true => Command::LayoutTwo,
                false => Command::LayoutOne,
            });
        }
        let cells = self.stage.program().workspace.layout.cells();
        let (cell, who) = (self.roll(cells), self.roll(FAMILIES.len()));
        self.show(cell, who)?;
        match self.roll(16) {
            0 => self.stage.settle()?,
            1 => {
                let at = [self.roll(1100) as f32, self.roll(700) as f32];
                self.stage.hover(at);
                // Tooltips come when the pointer rests.
                (0..12).for_each(|_| self.stage.step());
            }
            _ => {}
        }
        for _ in 0..1 + self.roll(3) {
            self.stage.step();
            if self.roll(3) == 0 {
                std::thread::sleep(Duration::from_millis(self.roll(3) as u64));
            }
        }
        self.check();
        Ok(())
    }

    fn note(&mut self, what: &'static str) {
        *self.seen.entry(what).or_default() += 1;
    }

    fn blame(&mut self, what: impl Into<String>) {
        *self.wrong.entry(what.into()).or_default() += 1;
    }

    fn check(&mut self) {
        let said = screen::describe(&mut self.stage);
        let workspace = &self.stage.program().workspace;
        let whose = |id: &str| FAMILIES.iter().copied().find(|f| id.ends_with(f));
        let owner = |cell: usize| {
            let patient = workspace.viewports.get(cell)?.patient()?;
            whose(patient.id.reveal())
        };
        let cells: Vec<usize> = workspace.visible_cells().collect();
        let (active, alone) = (owner(workspace.active), cells.len() == 1);
        let mut blamed: Vec<String> = Vec::new();
        let mut seen: Vec<&'static str> = Vec::new();
        // What is drawn is asked whose it is.
        for &cell in &cells {
            let Some(own) = owner(cell) else { continue };
            let viewport = workspace.viewports.get(cell);
            match viewport.and_then(|v| v.instance()) {
                Some(shown) if whose(shown.patient.id.reveal()) == Some(own) => {
                    seen.push("picture")
                }
                Some(_) => blamed.push("picture".into()),
                None => seen.push("no picture yet"),
            }
            let mask = workspace
                .frame_key(cell)
                .and_then(|k| workspace.masks.get(&k));
            if let (Some(mask), Some(shown)) = (mask, viewport.and_then(|v| v.instance())) {
                match mask.provenance.input_uid == shown.sop_instance_uid {
                    true => seen.push("mask"),
                    false => blamed.push("mask".into()),
                }
            }
        }
        match workspace.record.state().0 {
            RecordState::Found { record, .. } if Some(record.fhir_id.as_str()) == active => {
                seen.push("record");
            }
            RecordState::Found { .. } => blamed.push("record".into()),
            _ => seen.push("no record yet"),
        }
        // What is said holds no word of anybody else.
        let foreign = |text: &str, own: Option<&str>| {
            FAMILIES.iter().any(|f| Some(*f) != own && text.contains(f))
        };
        if foreign(said["title"].as_str().unwrap_or_default(), active) {
            blamed.push("title".into());
        }
        let views = said["viewports"].as_array().map_or(&[][..], Vec::as_slice);
        for (view, &cell) in views.iter().zip(&cells) {
            let text = view["text"].to_string();
            // Side by side a view may say that another one shows somebody else.
            if foreign(&text, owner(cell)) && alone {
                blamed.push("text of a view".into());
            }
            seen.extend(owner(cell).filter(|own| text.contains(own)).map(|_| "text"));
        }
        for node in said["nodes"].as_array().map_or(&[][..], Vec::as_slice) {
            if node["role"] == "Canvas" && !alone {
                continue;
            }
            let texts = [&node["label"], &node["value"]].map(|v| v.as_str().unwrap_or_default());
            if alone && texts.iter().any(|text| foreign(text, active)) {
                blamed.push(format!("a {}", node["role"].as_str().unwrap_or("node")));
            }
            for (word, what) in [
                ("Report of", "report"),
                ("Disease of", "disease"),
                ("Mark ", "mark"),
            ] {
                if texts.iter().any(|text| text.contains(word)) {
                    seen.push(what);
                }
            }
        }
        seen.sort_unstable();
        seen.dedup();
        seen.into_iter().for_each(|what| self.note(what));
        blamed.into_iter().for_each(|what| self.blame(what));
    }
}

/// Runs `bench switches`.
pub(super) fn run(args: &StormArgs, common: &Common, cases: &mut Cases<'_>) -> Result<(), Failure> {
    let seed = common.seed.unwrap_or(1);
    let dir = tempfile::tempdir().map_err(|e| Failure::new(Exit::Io, e))?;
    let mut storm = Storm::open(common, dir.path(), seed)?;
    let mut samples = Samples::default();
    samples.run(|| (1..=args.count).try_for_each(|number| storm.turn(number)))?;
    let wrong: u32 = storm.wrong.values().sum();
    let case = Case::new(
        "switches",
        format!("{} switches, seed {seed}", args.count),
        samples,
    )
    .with("switches", args.count)
    .with("wrong", wrong)
    .with("wrong_where", json!(storm.wrong))
    .with("seen", json!(storm.seen));
    cases.push(&case);
    match wrong {
        0 => Ok(()),
        count => {
            let text = format!("{count} times something of another person was on the screen");
            Err(Failure::new(Exit::Finding, text))
        }
    }
}

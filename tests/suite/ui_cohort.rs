//! The quality of data, the cohort, tables without a mapping and the log, in the window; and the storm of switches.

use crate::{
    bad_input::build::Slice,
    keeping::{PASSPHRASE, made, window},
    support::Dice,
    ui_snapshots::{alone, ct, run, small_demo, stage},
};
use egui_kittest::kittest::Queryable as _;
use negatoscope::{
    app::stage::Stage,
    clinical::quality::Rule,
    i18n::Language,
    model::access::AuditKind,
    store::{Passphrase, Store},
    workspace::{
        Action, Command,
        audit_view::{AuditAction, AuditFilter, AuditForm},
        cohort_view::CohortAction,
        event::Event,
        insight::{Insight, RecordView},
        mapping::MappingAction,
        record_link::RecordState,
    },
};
use serde_json::{Value, json};
use std::{collections::BTreeSet, fs, path::Path, sync::Arc};
use tempfile::TempDir;

fn demo() -> Stage {
    let records = small_demo().1.bundles.clone();
    let mut stage = stage(vec![ct()], records);
    stage.settle().unwrap();
    stage
}

fn found(stage: &Stage) -> Option<(String, Arc<Insight>, Vec<f64>)> {
    match stage.program().workspace.record.state().0 {
        RecordState::Found {
            record, insight, ..
        } => {
            let of = |code: &str| {
                let series = record.observations.iter().filter(|o| o.code.code == code);
                series
                    .flat_map(|s| s.values.iter().filter_map(|v| v.value))
                    .collect()
            };
            Some((record.fhir_id.clone(), Arc::clone(insight), of("33762-6")))
        }
        _ => None,
    }
}

fn count(stage: &mut Stage, label: &str) -> usize {
    stage.harness().query_all_by_label_contains(label).count()
}

fn click(stage: &mut Stage, label: &str) {
    stage
        .harness()
        .query_all_by_label(label)
        .next()
        .unwrap_or_else(|| panic!("{label}"))
        .click();
    stage.settle().unwrap();
}

fn act(stage: &mut Stage, action: Action) {
    stage.program_mut().workspace.act(action);
    stage.settle().unwrap();
}

fn tell(stage: &mut Stage, event: Event) {
    let sender = stage.program().workspace.sender();
    sender.send(event).unwrap();
    stage.settle().unwrap();
}

/// Adds an observation to the record on the screen.
fn import(stage: &mut Stage, folder: &Path, resources: &[Value]) {
    let file = folder.join("more.ndjson");
    let lines: Vec<String> = resources.iter().map(Value::to_string).collect();
    fs::write(&file, lines.join("\n")).unwrap();
    stage.program_mut().workspace.import_records(vec![file]);
    stage.settle().unwrap();
}

#[test]
fn defects_are_listed_and_corrections_are_steps_of_undo() {
    let _one = alone();
    let folder = tempfile::tempdir().unwrap();
    let mut stage = demo();
    let (id, insight, _) = found(&stage).unwrap();
    // The made-up reports have titles and no codes; nothing else is wrong.
    let mut known = insight.quality.defects.iter();
    assert!(known.all(|d| d.rule == Rule::CodeMissing && d.kind == "DiagnosticReport"));
    let observation = |n: usize, unit: &str| {
        json!({"resourceType": "Observation", "id": format!("bnp{n}"), "status": "final",
            "subject": {"reference": format!("Patient/{id}")}, "effectiveDateTime": format!("2025-0{n}-02"),
            "category": [{"coding": [{"code": "laboratory"}]}],
            "code": {"coding": [{"system": "http://loinc.org", "code": "33762-6", "display": "NT-proBNP"}]},
            "valueQuantity": {"value": 120 + n, "unit": unit}})
    };
    import(
        &mut stage,
        folder.path(),
        &[observation(1, "pg/ml"), observation(2, "pg/ml")],
    );
    run(&mut stage, Command::ShowQuality);
    assert_eq!(stage.program().workspace.record.view, RecordView::Quality);
    let defects = |stage: &Stage| -> Vec<Rule> {
        let (_, insight, _) = found(stage).unwrap();
        let rules = insight.quality.defects.iter().map(|d| d.rule);
        rules.filter(|rule| *rule != Rule::CodeMissing).collect()
    };
    assert_eq!(defects(&stage), [Rule::UnitSpelling; 2]);
    assert!(count(&mut stage, "Unit not written as UCUM") >= 1);
    assert!(count(&mut stage, "Units") >= 1);
    click(&mut stage, "Correct all 2");
    assert_eq!(defects(&stage), []);
    assert_eq!(count(&mut stage, "2 resources are read as corrected"), 1);
    run(&mut stage, Command::Undo);
    assert_eq!(defects(&stage), [Rule::UnitSpelling; 2]);
    run(&mut stage, Command::Redo);
    assert_eq!(defects(&stage), []);
    stage.program_mut().workspace.settings.language = Language::SimplifiedChinese;
    stage.settle().unwrap();
    assert_eq!(count(&mut stage, "2 条资源按修正后显示"), 1);
}

#[test]
fn merged_facts_come_apart_by_undo() {
    let _one = alone();
    let folder = tempfile::tempdir().unwrap();
    let mut stage = demo();
    let (id, ..) = found(&stage).unwrap();
    let twin = |name: &str| {
        json!({"resourceType": "Observation", "id": name, "status": "final",
            "subject": {"reference": format!("Patient/{id}")}, "effectiveDateTime": "2025-01-02",
            "code": {"coding": [{"system": "http://loinc.org", "code": "33762-6", "display": "NT-proBNP"}]},
            "valueQuantity": {"value": 123, "unit": "pg/mL", "system": "http://unitsofmeasure.org", "code": "pg/mL"}})
    };
    import(&mut stage, folder.path(), &[twin("a"), twin("b")]);
    let values = |stage: &Stage| found(stage).unwrap().2.len();
    let before = values(&stage);
    let (_, insight, _) = found(&stage).unwrap();
    let pair = insight.review.pairs[0].pair.clone();
    act(&mut stage, Action::MergeFacts { pair, join: true });
    assert_eq!(values(&stage), before - 1);
    run(&mut stage, Command::Undo);
    assert_eq!(values(&stage), before);
    run(&mut stage, Command::Redo);
    assert_eq!(values(&stage), before - 1);
}

#[test]
fn a_cohort_is_counted_and_leaves_as_tables() {
    let _one = alone();
    let mut stage = demo();
    run(&mut stage, Command::ShowCohort);
    let of = stage.program().workspace.cohort.answer.as_ref().unwrap().of;
    assert!(of >= 1);
    assert_eq!(count(&mut stage, &format!("{of} of {of} patients")), 1);
    let ask = |stage: &mut Stage, query: &str, code: &str| {
        let (query, code) = (query.to_owned(), code.to_owned());
        act(stage, Action::Cohort(CohortAction::Ask { query, code }));
    };
    ask(&mut stage, "age>=40 -dead condition", "Creatinine");
    assert_eq!(count(&mut stage, "median"), 1);
    let answer = stage.program().workspace.cohort.answer.clone().unwrap();
    assert!((1..=of).contains(&answer.summary.patients));
    assert!(answer.spread.as_ref().unwrap().patients >= 1);
    ask(&mut stage, "colour:red", "");
    assert_eq!(count(&mut stage, "Not understood: colour:red"), 1);
    ask(&mut stage, "sex:F or sex:M", "");
    let folder = tempfile::tempdir().unwrap();
    tell(&mut stage, Event::ChosenCohort(folder.path().to_owned()));
    tell(&mut stage, Event::ChosenCohort(folder.path().to_owned()));
    for name in ["cohort", "cohort-2"] {
        let path = folder.path().join(name).join("patients/part-0.parquet");
        assert!(fs::read(path).unwrap().starts_with(b"PAR1"));
    }
    stage.program_mut().workspace.settings.language = Language::SimplifiedChinese;
    stage.settle().unwrap();
    assert!(count(&mut stage, "名患者") >= 1);
    act(&mut stage, Action::Cohort(CohortAction::Close));
    assert_eq!(count(&mut stage, "每年检查数"), 0);
}

#[test]
fn a_table_without_a_mapping_is_asked_about() {
    let _one = alone();
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("labs.csv");
    fs::write(&table, "taken;marker;loinc;result;unit\n2025-02-03;NT-proBNP;33762-6;88;pg/mL\n2025-03-03;NT-proBNP;33762-6;99;pg/mL\n").unwrap();
    let mut stage = demo();
    let before = found(&stage).unwrap().2.len();
    stage
        .program_mut()
        .workspace
        .import_records(vec![table.clone()]);
    stage.settle().unwrap();
    assert_eq!(count(&mut stage, "What do the columns mean?"), 1);
    assert_eq!(count(&mut stage, "labs.csv: rows 2, columns 5"), 1);
    // The name of the column says nothing: somebody chooses.
    let question = |stage: &Stage| {
        let question = stage.program().workspace.mapping.as_ref().unwrap();
        (question.draft.clone(), question.preview.clone())
    };
    let roles = [
        Some("date"),
        None,
        Some("code"),
        Some("value"),
        Some("unit"),
    ];
    assert_eq!(question(&stage).0.roles, roles);
    let role = MappingAction::Role {
        column: 1,
        role: Some("display"),
    };
    act(&mut stage, Action::Mapping(role));
    let rows = question(&stage).1.unwrap();
    assert_eq!(
        (rows.len(), rows[0].words.as_str(), rows[0].value.as_str()),
        (2, "NT-proBNP", "88 pg/mL")
    );
    act(
        &mut stage,
        Action::Mapping(MappingAction::Import { keep: true }),
    );
    assert!(stage.program().workspace.mapping.is_none());
    assert_eq!(found(&stage).unwrap().2.len(), before + 2);
    // The mapping that was kept does the same for the next table, without a question.
    let kept = folder.path().join("labs.toml");
    assert!(
        fs::read_to_string(&kept)
            .unwrap()
            .contains("display = \"marker\"")
    );
    let next = folder.path().join("next.csv");
    fs::write(
        &next,
        "taken;marker;loinc;result;unit\n2025-04-03;NT-proBNP;33762-6;77;pg/mL\n",
    )
    .unwrap();
    stage
        .program_mut()
        .workspace
        .import_records(vec![next, kept]);
    stage.settle().unwrap();
    assert_eq!(stage.program().workspace.record.whose(), 1);
    act(&mut stage, Action::AnswerWhose(true));
    assert_eq!(found(&stage).unwrap().2.len(), before + 3);
    // What nobody wants is left.
    stage.program_mut().workspace.import_records(vec![table]);
    stage.settle().unwrap();
    act(&mut stage, Action::Mapping(MappingAction::Cancel));
    assert_eq!(count(&mut stage, "What do the columns mean?"), 0);
    assert_eq!(found(&stage).unwrap().2.len(), before + 3);
}

fn slices(names: &[(&'static str, &'static str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (number, patient) in names.iter().enumerate() {
        for k in 0..3 {
            let study = format!("1.2.{}", number + 3);
            let slice = Slice {
                patient: *patient,
                uid: format!("{study}.1.{k}"),
                series: format!("{study}.1"),
                study,
                number: k + 1,
                position: Some([0.0, 0.0, -3.0 * f64::from(k)]),
                ..Slice::default()
            };
            slice.write(folder.path(), &format!("{number}-{k}.dcm"));
        }
    }
    folder
}

#[test]
fn the_log_is_shown_narrowed_and_written_out() {
    let _one = alone();
    let (study, (folder, dir)) = (slices(&[("CANARY^ANNA", "CANARY-7")]), made());
    let mut stage = window(&study, Some(&dir));
    run(&mut stage, Command::ShowAudit);
    assert!(count(&mut stage, "none changed, moved or missing") >= 1);
    assert!(count(&mut stage, "Study opened") >= 1);
    let entries = stage.program().workspace.audit.read.entries.len();
    assert!(entries >= 3, "{entries}");
    let filter = AuditFilter {
        kind: Some(AuditKind::StudyViewed),
        ..AuditFilter::default()
    };
    act(&mut stage, Action::Audit(AuditAction::Narrow(filter)));
    let shown = stage.program().workspace.audit.shown.len();
    assert!(shown >= 1 && shown < entries);
    for form in [AuditForm::Fhir, AuditForm::Csv] {
        tell(
            &mut stage,
            Event::ChosenAudit(folder.path().to_owned(), form),
        );
    }
    let lines = fs::read_to_string(folder.path().join("audit.ndjson")).unwrap();
    let events: Vec<Value> = lines
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert!(events.iter().all(|e| e["resourceType"] == "AuditEvent"));
    assert!(events.len() >= entries);
    let table = fs::read_to_string(folder.path().join("audit.csv")).unwrap();
    assert!(table.starts_with("number,time,user,role,kind"));
    assert!(!lines.contains("CANARY") && !table.contains("CANARY"));
    // Nothing is written over.
    tell(
        &mut stage,
        Event::ChosenAudit(folder.path().to_owned(), AuditForm::Csv),
    );
    assert_eq!(
        fs::read_to_string(folder.path().join("audit.csv")).unwrap(),
        table
    );
    stage.program_mut().workspace.settings.language = Language::SimplifiedChinese;
    stage.settle().unwrap();
    assert!(count(&mut stage, "未被更改、移动或删除") >= 1);
    act(&mut stage, Action::Audit(AuditAction::Close));
    assert!(stage.program().workspace.audit.read.entries.is_empty());
    drop(stage);
    let store = Store::open(&dir, &Passphrase::new(PASSPHRASE)).unwrap();
    let mut kinds = BTreeSet::new();
    store
        .read_audit(&mut |e| {
            kinds.insert(e.kind);
        })
        .unwrap();
    assert!(kinds.contains(&AuditKind::AuditRead));
}

/// Three patients, switched at random while pictures and records arrive late: what is on the screen is of the patient of
/// the active view, or nothing.
#[test]
fn a_storm_of_switches_never_shows_another_person() {
    const PEOPLE: [(&str, &str); 3] = [
        ("ALPHA^A", "ID-A"),
        ("BRAVO^B", "ID-B"),
        ("CHARLIE^C", "ID-C"),
    ];
    let _one = alone();
    let study = slices(&PEOPLE);
    let folder = tempfile::tempdir().unwrap();
    let people: Vec<Value> = PEOPLE
        .iter()
        .flat_map(|(name, id)| {
            let (family, given) = name.split_once('^').unwrap();
            let condition = |n: usize| {
                json!({"resourceType": "Condition", "id": format!("{family}{n}"),
                    "subject": {"reference": format!("Patient/{family}")},
                    "code": {"text": format!("Disease of {family}")}, "onsetDateTime": "2020-01-01"})
            };
            let person = json!({"resourceType": "Patient", "id": family,
                "name": [{"family": family, "given": [given]}],
                "identifier": [{"type": {"coding": [{"code": "MR"}]}, "value": id}]});
            // Records of different size take differently long.
            std::iter::once(person).chain((0..family.len() * 20).map(condition)).collect::<Vec<_>>()
        })
        .collect();
    let mut stage = window(&study, None);
    import(&mut stage, folder.path(), &people);
    let nodes: Vec<_> = stage
        .program()
        .workspace
        .library
        .series()
        .cloned()
        .collect();
    assert_eq!(nodes.len(), 3);
    let mut dice = Dice(99);
    let (mut shown, mut late) = (0, 0);
    for turn in 0..600 {
        let node = &nodes[dice.roll(3)];
        stage.program_mut().workspace.show(0, node);
        // Sometimes nothing has time to arrive, sometimes some of it has.
        if dice.roll(8) == 0 {
            stage.settle().unwrap();
        }
        // What is drawn follows the switch within the same frame.
        for _ in 0..1 + dice.roll(3) {
            stage.step();
            if dice.roll(3) == 0 {
                std::thread::sleep(std::time::Duration::from_millis(dice.roll(4) as u64));
            }
        }
        let workspace = &stage.program().workspace;
        let own = workspace
            .active_viewport()
            .unwrap()
            .patient()
            .unwrap()
            .clone();
        match workspace.record.state().0 {
            RecordState::Found {
                record, insight, ..
            } => {
                let family = &record.fhir_id;
                assert!(
                    own.name.reveal().alphabetic.starts_with(family.as_str()),
                    "turn {turn}"
                );
                let words = &insight.timeline.events[0].words;
                assert_eq!(words, &format!("Disease of {family}"));
                shown += 1;
            }
            _ => late += 1,
        }
        // What is drawn says the same.
        if turn % 20 == 0 {
            stage.step();
            let own = stage
                .program()
                .workspace
                .active_viewport()
                .unwrap()
                .patient()
                .unwrap()
                .clone();
            for (name, _) in PEOPLE {
                let family = name.split('^').next().unwrap();
                if !own.name.reveal().alphabetic.starts_with(family) {
                    let words = format!("Disease of {family}");
                    assert_eq!(count(&mut stage, &words), 0, "turn {turn}");
                }
            }
        }
    }
    println!("{shown} records shown, {late} turns without");
    assert!(shown > 50 && late > 50, "{shown} shown, {late} late");
}

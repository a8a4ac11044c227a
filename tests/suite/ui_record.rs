//! The parts of the record panel: considerations with their factors, the graph with why, genes; alerts in the banner.

use crate::ui_snapshots::{alone, ct, run, small_demo, stage};
use egui_kittest::kittest::Queryable as _;
use negatoscope::{
    app::stage::Stage,
    clinical::{
        graph::NodeKind,
        timeline::{Event, Leads},
    },
    i18n::Language,
    model::annotation::{Annotation, MarkKind, PointSpace, Shape},
    workspace::{
        Action, Command,
        insight::{Insight, RecordView},
        mapping::MappingAction,
        measuring::{MarkAction, mark_on, site::target_of},
        record_link::RecordState,
    },
};
use std::{fs, sync::Arc};

fn demo() -> Stage {
    let records = small_demo().1.bundles.clone();
    let mut stage = stage(vec![ct()], records);
    stage.settle().unwrap();
    assert!(matches!(
        stage.program().workspace.record.state().0,
        RecordState::Found { sure: true, .. }
    ));
    stage
}

fn count(stage: &mut Stage, label: &str) -> usize {
    stage.harness().query_all_by_label_contains(label).count()
}

fn click(stage: &mut Stage, label: &str) {
    stage
        .harness()
        .query_all_by_label_contains(label)
        .next()
        .unwrap_or_else(|| panic!("{label}"))
        .click();
    stage.settle().unwrap();
}

#[test]
fn considerations_show_alerts_and_every_factor() {
    let _one = alone();
    let mut stage = demo();
    // The banner: contrast allergy, kidneys, metformin; from the record alone, without opening a part.
    for label in [
        "Contrast allergy: Iohexol",
        "Renal function: eGFR",
        "Metformin",
    ] {
        assert!(count(&mut stage, label) >= 1, "{label}");
    }
    run(&mut stage, Command::ShowConsiderations);
    assert_eq!(
        stage.program().workspace.record.view,
        RecordView::Considerations
    );
    for label in [
        "Research and education. Not for diagnostic use",
        "Source: FDA safety communication, April 2016",
        "Heart failure",
        "× 1.7",
        "Wang 2005, JAMA 294:1944",
        "Not known:",
    ] {
        assert!(count(&mut stage, label) >= 1, "{label}");
    }
    stage.program_mut().workspace.settings.language = Language::SimplifiedChinese;
    stage.settle().unwrap();
    for label in [
        "心力衰竭",
        "对比剂过敏",
        "仅供研究和教学，不用于诊断",
        "来源：",
    ] {
        assert!(count(&mut stage, label) >= 1, "{label}");
    }
    // Identity hidden hides what follows from it as well.
    run(&mut stage, Command::HideIdentity);
    assert_eq!(count(&mut stage, "心力衰竭"), 0);
}

#[test]
fn the_graph_is_searched_and_says_why() {
    let _one = alone();
    let mut stage = demo();
    run(&mut stage, Command::ShowGraph);
    assert_eq!(count(&mut stage, "Knowledge graph, nodes:"), 1);
    assert_eq!(
        count(&mut stage, "Choose a node in the picture or search for one"),
        1
    );
    let field = stage
        .harness()
        .query_all_by_role(egui::accesskit::Role::TextInput)
        .last()
        .unwrap();
    field.focus();
    stage.settle().unwrap();
    stage
        .harness()
        .event(egui::Event::Text("right upper".into()));
    stage.settle().unwrap();
    // What is found are buttons, so that keys reach them; the path of facts ends in the report's sentence.
    click(&mut stage, "right upper lobe");
    assert_eq!(count(&mut stage, "Why this is shown"), 1);
    assert!(count(&mut stage, "Round shadow in the right upper field") >= 1);
    assert!(count(&mut stage, "Connected with") >= 1);
}

#[test]
fn genes_say_how_they_come_in_when_there_are_none() {
    let _one = alone();
    let mut stage = demo();
    run(&mut stage, Command::ShowGenes);
    assert_eq!(count(&mut stage, "No genes in the record"), 1);
    stage
        .program_mut()
        .workspace
        .act(Action::RecordView(RecordView::Chart));
    stage.settle().unwrap();
    assert!(count(&mut stage, "Conditions") >= 1);
}

fn insight(stage: &Stage) -> Arc<Insight> {
    match stage.program().workspace.record.state().0 {
        RecordState::Found { insight, .. } => insight.clone(),
        other => panic!("{other:?}"),
    }
}

fn act(stage: &mut Stage, action: Action) {
    stage.program_mut().workspace.act(action);
    stage.settle().unwrap();
}

#[test]
fn the_timeline_filters_hangs_and_plots() {
    let _one = alone();
    let mut stage = demo();
    run(&mut stage, Command::ShowTimeline);
    let insight = insight(&stage);
    let events = insight.timeline.events.len();
    assert!(events > 20, "{events}");
    let area = format!("Timeline, events: {events}");
    assert_eq!(count(&mut stage, &area), 1);
    // A brush over everything lists it all; then over the day of the newest study alone.
    let (first, last) = insight.timeline.span().unwrap();
    act(&mut stage, Action::RecordSpan(Some((first, last))));
    assert_eq!(count(&mut stage, "Show all"), 1);
    let study = insight
        .timeline
        .events
        .iter()
        .rfind(|e| matches!(e.leads, Leads::Study(_)) && e.words.starts_with("CT"))
        .unwrap();
    act(&mut stage, Action::RecordSpan(Some((study.day, study.day))));
    // The chart shows what lies in these days, and says so.
    run(&mut stage, Command::ShowTimeline);
    click(&mut stage, &study.words);
    let shown = stage.program().workspace.active_viewport().unwrap();
    assert_eq!(
        Leads::Study(shown.study().unwrap().uid.clone()),
        study.leads
    );
    act(&mut stage, Action::RecordView(RecordView::Chart));
    assert_eq!(count(&mut stage, "Only 2026-03-16 to 2026-03-16"), 1);
    assert_eq!(count(&mut stage, "Immunisations"), 0);
    // Allergies stay in sight whatever the days are.
    assert!(count(&mut stage, "Iohexol") >= 1);
    click(&mut stage, "Show all");
    assert_eq!(stage.program().workspace.record.span(), None);
    assert_eq!(count(&mut stage, "Only 2026-03-16"), 0);
    // A value is plotted.
    // The last one of its day stands on top of the list, in sight.
    let events = &insight.timeline.events;
    let is_value = |e: &&Event| matches!(e.leads, Leads::Values(_));
    let day = events.iter().rfind(is_value).unwrap().day;
    let of_day = &events[insight.timeline.begun(day, day)];
    let value = of_day.iter().rfind(is_value).unwrap();
    act(&mut stage, Action::RecordSpan(Some((value.day, value.day))));
    run(&mut stage, Command::ShowTimeline);
    click(&mut stage, &value.words);
    assert_eq!(count(&mut stage, ", values: "), 1);
    // Nothing of it stays for somebody else.
    run(&mut stage, Command::CloseAll);
    assert_eq!(stage.program().workspace.record.span(), None);
}

/// A length of so many pixels on the first frame of every film, of a lesion.
fn lesion(stage: &Stage, label: &str, group: &str, pixels: [f64; 2]) -> Vec<Annotation> {
    let mut films: Vec<_> = stage
        .program()
        .workspace
        .library
        .series()
        .filter(|n| n.description.modality == "DX")
        .cloned()
        .collect();
    films.sort_by_key(|n| n.study.date);
    assert_eq!(films.len(), 2);
    films
        .iter()
        .zip(pixels)
        .map(|(film, pixels)| {
            let points = [[20.0, 20.0], [20.0 + pixels, 20.0]];
            let points = points.map(|[x, y]| glam::DVec3::new(x, y, 0.0));
            let target = target_of(&film.layout.frames[0]);
            let shape = Shape::new(MarkKind::Length, points.to_vec());
            let mut mark = mark_on(target, PointSpace::Pixel, shape);
            mark.label = label.into();
            mark.group = group.into();
            mark
        })
        .collect()
}

#[test]
fn marks_of_several_studies_make_a_course() {
    let _one = alone();
    let demo = &small_demo().1;
    let mut stage = stage(demo.images.clone(), demo.bundles.clone());
    stage.settle().unwrap();
    for mark in lesion(&stage, "T1", "RECIST target", [100.0, 50.0]) {
        act(&mut stage, Action::Mark(MarkAction::Add(Box::new(mark))));
    }
    let course = stage.program().workspace.lesion_course();
    assert_eq!(course.faults, []);
    assert_eq!(course.dates.len(), 2);
    let sizes: Vec<f64> = course.lesions[0]
        .sizes_mm
        .iter()
        .flatten()
        .copied()
        .collect();
    // Both films have the same pixels, so half as many are half as long.
    assert!((sizes[1] / sizes[0] - 0.5).abs() < 1e-6, "{sizes:?}");
    assert_eq!(course.assessments[0].overall.code(), "PR");
    // A volume of an eighth is three halvings.
    let days = (course.dates[1].days_since_epoch() - course.dates[0].days_since_epoch()) as f64;
    let halved = course.lesions[0].doubling_days[1].unwrap();
    assert!(
        (halved + days / 3.0).abs() < 1e-3 * days,
        "{halved}, {days}"
    );
    run(&mut stage, Command::ShowFindings);
    if count(&mut stage, "Course of lesions") == 0 {
        run(&mut stage, Command::ShowFindings);
    }
    for label in ["Course of lesions", "Sum, mm", "-50 %", "PR", "halves in"] {
        assert!(count(&mut stage, label) >= 1, "{label}");
    }
}

#[test]
fn a_finding_is_seen_where_a_mark_names_it_and_nowhere_else() {
    let _one = alone();
    let demo = &small_demo().1;
    let mut stage = stage(demo.images.clone(), demo.bundles.clone());
    stage.settle().unwrap();
    let RecordState::Found {
        record, insight, ..
    } = stage.program().workspace.record.state().0.clone()
    else {
        panic!("no record");
    };
    let graph = &insight.graph;
    let node = graph
        .nodes
        .iter()
        .position(|n| n.kind == NodeKind::Finding && n.key.contains("upper-lobe:right"))
        .unwrap();
    let place = |stage: &Stage| {
        let workspace = &stage.program().workspace;
        workspace.place_of_finding(graph, &record, node)
    };
    assert_eq!(place(&stage), None);
    // The other side is another finding.
    let words = graph.nodes[node].words.english.clone();
    let wrong = words.replace("right", "left");
    for mark in lesion(&stage, &wrong, "", [30.0, 30.0]) {
        act(&mut stage, Action::Mark(MarkAction::Add(Box::new(mark))));
    }
    assert_eq!(place(&stage), None);
    let mark = lesion(&stage, &words, "", [30.0, 30.0]).remove(0);
    act(
        &mut stage,
        Action::Mark(MarkAction::Add(Box::new(mark.clone()))),
    );
    act(&mut stage, Action::Mark(MarkAction::Select(None)));
    let found = place(&stage).unwrap();
    assert_eq!(found.mark, Some(mark.id.clone()));
    act(&mut stage, Action::SeeFinding(Box::new(found)));
    let workspace = &stage.program().workspace;
    assert_eq!(workspace.marks.selected, Some(mark.id));
    let shown = workspace.active_viewport().unwrap().study().unwrap();
    assert_eq!(shown.uid, mark.target.study_uid);
}

#[test]
fn files_that_do_not_say_whose_they_are_are_asked_about() {
    let _one = alone();
    let mut stage = demo();
    let dir = tempfile::tempdir().unwrap();
    let table = dir.path().join("pulse.csv");
    fs::write(&table, "time,pulse\n2026-01-01,61\n2026-01-02,62\n").unwrap();
    let mapping = dir.path().join("pulse.toml");
    let text = "resource = \"Observation\"\n[columns]\ndate = \"time\"\n[[measure]]\ncolumn = \"pulse\"\nloinc = \"8893-0\"\ndisplay = \"Pulse of the wrist\"\nunit = \"/min\"\n";
    fs::write(&mapping, text).unwrap();
    // Dropped onto the window; without its mapping a table is asked about.
    stage.program_mut().workspace.open(vec![table.clone()]);
    stage.settle().unwrap();
    assert!(!stage.program().workspace.evaluation.shown);
    assert_eq!(count(&mut stage, "What do the columns mean?"), 1);
    act(&mut stage, Action::Mapping(MappingAction::Cancel));
    let both = vec![mapping.clone(), table.clone()];
    stage.program_mut().workspace.open(both);
    stage.settle().unwrap();
    run(&mut stage, Command::ShowTimeline);
    assert_eq!(count(&mut stage, "1 file does not say whose it is"), 1);
    click(&mut stage, "Leave out");
    assert_eq!(count(&mut stage, "does not say whose it is"), 0);
    stage
        .program_mut()
        .workspace
        .import_records(vec![table, mapping]);
    stage.settle().unwrap();
    click(&mut stage, "Take in for SYNTHETIC, MING");
    let events = &insight(&stage).timeline.events;
    let pulses = events
        .iter()
        .filter(|e| e.words.starts_with("Pulse of the wrist"));
    assert_eq!(pulses.count(), 2);
}

#[test]
fn duplicates_are_merged_and_parted_in_the_window() {
    let _one = alone();
    let mut stage = demo();
    let RecordState::Found { record, .. } = stage.program().workspace.record.state().0.clone()
    else {
        panic!("no record");
    };
    let observation = |id: &str| {
        serde_json::json!({
            "resourceType": "Observation", "id": id, "status": "final",
            "subject": {"reference": format!("Patient/{}", record.fhir_id)},
            "effectiveDateTime": "2020-01-01T08:00:00Z",
            "code": {"coding": [{"system": "http://loinc.org", "code": "2160-0", "display": "Creatinine twice"}]},
            "valueQuantity": {"value": 1.0, "unit": "mg/dL"}
        })
        .to_string()
    };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("twice.ndjson");
    fs::write(&path, [observation("a"), observation("b")].join("\n")).unwrap();
    stage.program_mut().workspace.open(vec![path]);
    stage.settle().unwrap();
    assert_eq!(insight(&stage).review.pairs.len(), 1);
    assert!(count(&mut stage, "Perhaps recorded twice") >= 1);
    let pair = insight(&stage).review.pairs[0].pair.clone();
    act(&mut stage, Action::MergeFacts { pair, join: true });
    let review = insight(&stage).review.clone();
    assert_eq!((review.pairs.len(), review.merged.len()), (0, 1));
    assert!(count(&mut stage, "Part again") >= 1);
    let pair = review.merged[0].pair.clone();
    act(&mut stage, Action::MergeFacts { pair, join: false });
    let review = insight(&stage).review.clone();
    assert_eq!((review.pairs.len(), review.merged.len()), (1, 0));
}

//! Searching the words of all records in the window: as it is typed, by keyboard, in both languages, and where it leads.

use crate::ui_snapshots::{alone, ct, run, small_demo, stage};
use egui_kittest::kittest::Queryable as _;
use negatoscope::{
    app::stage::Stage,
    i18n::Language,
    workspace::{
        Action, Command, insight::RecordView, record_link::RecordState,
        record_search::SearchAction, settings::SideTab,
    },
};
use serde_json::json;
use std::fs;

fn demo() -> Stage {
    let records = small_demo().1.bundles.clone();
    let mut stage = stage(vec![ct()], records);
    stage.settle().unwrap();
    stage
}

fn count(stage: &mut Stage, label: &str) -> usize {
    stage.harness().query_all_by_label_contains(label).count()
}

fn key(stage: &mut Stage, key: egui::Key) {
    stage.harness().key_press(key);
    stage.settle().unwrap();
}

fn write(stage: &mut Stage, text: &str) {
    stage.harness().event(egui::Event::Text(text.to_owned()));
    stage.settle().unwrap();
}

fn words(stage: &mut Stage, text: &str) {
    let action = SearchAction::Words(text.to_owned());
    stage.program_mut().workspace.act(Action::Search(action));
    stage.settle().unwrap();
}

fn found(stage: &Stage) -> Vec<(String, String)> {
    let search = &stage.program().workspace.search;
    let each = search.found.iter();
    each.map(|f| (f.hit.patient.reveal().clone(), f.text.reveal().clone()))
        .collect()
}

fn shown(stage: &Stage) -> String {
    let shown = stage.program().workspace.patient_shown();
    shown.map(str::to_owned).unwrap_or_default()
}

#[test]
fn words_are_found_as_they_are_typed_and_enter_goes_to_their_day() {
    let _one = alone();
    let mut stage = demo();
    let own = shown(&stage);
    assert!(!own.is_empty());
    run(&mut stage, Command::SearchRecords);
    assert_eq!(count(&mut stage, "Search all records"), 1);
    // Letters go into the field, and every one of them is asked for.
    for letter in ["s", "h", "a", "d"] {
        write(&mut stage, letter);
    }
    let search = &stage.program().workspace.search;
    assert_eq!(search.words.reveal(), "shad");
    assert!(!search.found.is_empty());
    for one in &*search.found {
        let text = one.text.reveal();
        assert!(!one.marks.is_empty());
        for mark in &one.marks {
            let word = text[mark.clone()].to_lowercase();
            assert!(word.starts_with("shad"), "{word}");
        }
    }
    // The newest stands first, and every row says what it is, whose, and the passage.
    let days: Vec<_> = search.found.iter().map(|f| f.hit.day).collect();
    assert!(days.is_sorted_by(|a, b| a >= b), "{days:?}");
    let first = search.found[0].clone();
    assert_eq!(first.hit.patient.reveal(), &own);
    assert!(count(&mut stage, &first.hit.day.unwrap().to_string()) >= 1);
    // The keys of the list move the choice and leave the field alone.
    let several = found(&stage).len() > 1;
    key(&mut stage, egui::Key::ArrowDown);
    let at = usize::from(several);
    assert_eq!(stage.program().workspace.search.selected, at);
    key(&mut stage, egui::Key::ArrowUp);
    assert_eq!(stage.program().workspace.search.selected, 0);
    // Of this patient pictures are on the screen: Enter goes to the day.
    key(&mut stage, egui::Key::Enter);
    let workspace = &stage.program().workspace;
    assert!(!workspace.search.open);
    assert_eq!(workspace.settings.side_tab, SideTab::Record);
    assert_eq!(workspace.record.view, RecordView::Timeline);
    let day = first.hit.day.unwrap().days_since_epoch();
    assert_eq!(workspace.record.span(), Some((day, day)));
    // Escape closes it; what was typed stays.
    run(&mut stage, Command::SearchRecords);
    assert!(!found(&stage).is_empty());
    key(&mut stage, egui::Key::Escape);
    assert!(!stage.program().workspace.search.open);
}

#[test]
fn another_patient_is_gone_to_only_with_pictures_of_their_own() {
    let _one = alone();
    let folder = tempfile::tempdir().unwrap();
    let mut stage = demo();
    let own = shown(&stage);
    let file = folder.path().join("other.json");
    let report = json!({"resourceType": "Bundle", "type": "collection", "entry": [
        {"resource": {"resourceType": "Patient", "id": "other",
            "identifier": [{"type": {"coding": [{"code": "MR"}]}, "value": "OTHER-7"}],
            "name": [{"family": "王", "given": ["小明"]}], "birthDate": "1950-02-03", "gender": "male"}},
        {"resource": {"resourceType": "DiagnosticReport", "id": "r1", "status": "final",
            "subject": {"reference": "Patient/other"}, "effectiveDateTime": "2025-04-05",
            "code": {"text": "胸部CT"}, "conclusion": "右肺上叶见实性结节，大小约 6 mm。未见胸腔积液。"}}]});
    fs::write(&file, report.to_string()).unwrap();
    stage.program_mut().workspace.import_records(vec![file]);
    stage.settle().unwrap();
    run(&mut stage, Command::SearchRecords);
    words(&mut stage, "实性结节");
    let all = found(&stage);
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].0, "other");
    let one = stage.program().workspace.search.found[0].clone();
    let marked: Vec<&str> = one
        .marks
        .iter()
        .map(|m| &one.text.reveal()[m.clone()])
        .collect();
    assert_eq!(marked, ["实性结节"]);
    assert!(count(&mut stage, "小明") >= 1 || count(&mut stage, "王") >= 1);
    // No pictures: the panel beside those of somebody else does not change.
    key(&mut stage, egui::Key::Enter);
    assert_eq!(count(&mut stage, "No pictures of this patient"), 1);
    assert!(stage.program().workspace.search.open);
    assert_eq!(shown(&stage), own);
    // In the record on the screen alone there is nothing of it.
    let only = |only| Action::Search(SearchAction::OnlyShown(only));
    stage.program_mut().workspace.act(only(true));
    stage.settle().unwrap();
    assert_eq!(found(&stage), []);
    assert_eq!(count(&mut stage, "Nothing found"), 1);
    stage.program_mut().workspace.act(only(false));
    stage.settle().unwrap();
    assert_eq!(found(&stage).len(), 1);
    stage.program_mut().workspace.settings.language = Language::SimplifiedChinese;
    stage.settle().unwrap();
    assert_eq!(count(&mut stage, "搜索全部病历"), 1);
    assert!(count(&mut stage, "实性结节，大小约") >= 1);
    // Hidden identities hide what people wrote as well.
    stage.program_mut().workspace.settings.hide_identity = true;
    stage.settle().unwrap();
    for label in ["王", "小明", "实性结节，大小约"] {
        assert_eq!(count(&mut stage, label), 0, "{label}");
    }
    assert!(count(&mut stage, "身份信息已隐藏") >= 1);
}

#[test]
fn from_somebody_elses_pictures_it_goes_to_those_of_the_patient() {
    let _one = alone();
    let mut stage = demo();
    let own = shown(&stage);
    // Nothing is shown in the active view, and the record's pictures are still open.
    run(&mut stage, Command::LayoutTwo);
    stage.program_mut().workspace.act(Action::Activate(1));
    stage.settle().unwrap();
    let blank = matches!(
        stage.program().workspace.record.state().0,
        RecordState::Blank
    );
    run(&mut stage, Command::SearchRecords);
    words(&mut stage, "shadow");
    let day = stage.program().workspace.search.found[0].hit.day.unwrap();
    key(&mut stage, egui::Key::Enter);
    assert!(!stage.program().workspace.search.open, "was blank: {blank}");
    assert_eq!(shown(&stage), own);
    let day = day.days_since_epoch();
    assert_eq!(stage.program().workspace.record.span(), Some((day, day)));
}

//! The case queue, blind reading and adjudication in the real window, with accounts of a store.

use crate::{
    ui_list::{OTHER, headers, shown, write},
    ui_snapshots::{alone, run},
};
use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use glam::DVec3;
use negatoscope::{
    app::{Options, stage::Stage},
    console::DeviceChoice,
    dicom::assemble::lay_out,
    i18n::Language,
    model::{
        access::Role,
        annotation::{
            Annotation, AnnotationId, AnnotationTarget, Author, MarkKind, PointSpace, Shape,
        },
        edit::Edit,
        labelling::{Answer, Question, Subject},
        queue::CaseState,
        segmentation::{Segment, SegmentState, Segmentation, SegmentationId, VoxelSource},
    },
    store::{KdfCost, Passphrase, Store},
    workspace::{
        Action, Command,
        adjudicating::AdjudicateAction,
        cases::CaseAction,
        marks::StorePlace,
        segmenting::{SegmentAction, SegmentChange, SegmentPlace},
        settings::SideTab,
    },
};
use std::path::{Path, PathBuf};

/// A store that knows three studies, with two annotators beside its owner.
fn prepared() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("files");
    for (number, words) in [(1, "Chest"), (2, "Knee"), (3, "Abdomen")] {
        write(&files, &OTHER, number, words);
    }
    let dir = folder.path().join("store");
    let mut store = Store::create(&dir, &Passphrase::new("p"), KdfCost::CHEAP).unwrap();
    store.index_instances(&headers(&files)).unwrap();
    for name in ["ann", "bob"] {
        let pass = Passphrase::new(name);
        store
            .add_account(name, Role::Annotator, &pass, KdfCost::CHEAP)
            .unwrap();
    }
    (folder, dir)
}

/// A window on a store, as an account; the owner where there is no name.
fn window(dir: &Path, account: &str) -> Stage {
    let options = Options {
        language: Some(Language::English),
        device: DeviceChoice::Cpu,
        threads: Some(2),
        store: Some(StorePlace {
            dir: dir.to_owned(),
            exists: true,
        }),
        account: (!account.is_empty()).then(|| account.to_owned()),
        store_passphrase: Some(Passphrase::new(if account.is_empty() {
            "p"
        } else {
            account
        })),
        ..Options::default()
    };
    let mut stage = Stage::open(options, [1000.0, 900.0]).unwrap();
    stage.settle().unwrap();
    stage
}

fn act(stage: &mut Stage, action: Action) {
    stage.program_mut().workspace.act(action);
    stage.settle().unwrap();
}

fn press(stage: &mut Stage, modifiers: Modifiers, key: Key) {
    stage.key(modifiers, key);
    stage.settle().unwrap();
}

fn states(stage: &Stage) -> Vec<(String, CaseState)> {
    let queue = stage.program().workspace.cases.queue();
    let cases = queue.cases.iter();
    cases.map(|c| (c.study_uid.clone(), c.state)).collect()
}

fn noticed(stage: &Stage, key: &str) -> bool {
    let notices = &stage.program().workspace.notices;
    notices.iter().any(|notice| notice.key == key)
}

#[test]
fn the_queue_is_gone_through_by_keys_timed_and_kept() {
    let _one = alone();
    let (_folder, dir) = prepared();
    let mut stage = window(&dir, "");
    act(&mut stage, Action::Case(CaseAction::AddFound));
    let uids: Vec<String> = states(&stage).into_iter().map(|(uid, _)| uid).collect();
    assert_eq!(uids.len(), 3);
    press(&mut stage, Modifiers::NONE, Key::N);
    assert_eq!(shown(&stage), uids[0]);
    assert_eq!(
        stage.program().workspace.list.ahead().len(),
        1,
        "the next one is read ahead"
    );
    let timed = |stage: &Stage| stage.program().workspace.case_of_shown().unwrap().active_ms;
    let before = timed(&stage);
    // Work runs between movements that lie near each other; a pause does not count.
    for now in [1000.0, 1002.5, 1003.0, 1200.0, 1200.25] {
        stage.program_mut().workspace.note_hand(now);
    }
    let case = stage.program().workspace.case_of_shown().unwrap().clone();
    assert_eq!(
        (case.active_ms - before, case.state),
        (3250, CaseState::InProgress)
    );
    let worked = case.active_ms;
    press(&mut stage, Modifiers::COMMAND, Key::Enter);
    assert_eq!(shown(&stage), uids[1]);
    let read = stage.program().workspace.marks.read_status(&uids[0]);
    assert_eq!(
        read,
        negatoscope::model::reading::ReadStatus::New,
        "that is another thing"
    );
    run(&mut stage, Command::MarkFlagged);
    press(&mut stage, Modifiers::NONE, Key::N);
    assert_eq!(shown(&stage), uids[2]);
    press(&mut stage, Modifiers::COMMAND, Key::Enter);
    assert!(noticed(&stage, "notice-no-case"));
    assert_eq!(
        shown(&stage),
        uids[2],
        "what is flagged is not gone to by itself"
    );
    act(&mut stage, Action::Case(CaseAction::Revisit(true)));
    press(&mut stage, Modifiers::NONE, Key::N);
    assert_eq!(shown(&stage), uids[1]);
    let now = states(&stage);
    drop(stage);

    // The store has it; the panel says it.
    let mut stage = window(&dir, "");
    assert_eq!(states(&stage), now);
    let queue = stage.program().workspace.cases.queue().clone();
    assert!(queue.cases[0].active_ms >= worked);
    let settings = &mut stage.program_mut().workspace.settings;
    (settings.show_side, settings.side_tab) = (true, SideTab::Labels);
    act(&mut stage, Action::Case(CaseAction::Revisit(true)));
    press(&mut stage, Modifiers::NONE, Key::N);
    assert_eq!(shown(&stage), uids[1]);
    stage.harness().get_by_label("2 of 3 done, 66 %, 1 flagged");
    stage.program_mut().workspace.settings.language = Language::SimplifiedChinese;
    stage.settle().unwrap();
    stage.harness().get_by_label("已完成 2 / 3，66 %，标旗 1");
}

#[test]
fn an_annotator_works_on_his_own_cases_and_arranges_nothing() {
    let _one = alone();
    let (_folder, dir) = prepared();
    let mut store = Store::open(&dir, &Passphrase::new("p")).unwrap();
    let mut queue = store.case_queue().unwrap();
    queue.add("1.2.2", "bob");
    queue.add("1.2.3", "ann");
    queue.add("1.2.1", "");
    store.set_case_queue(&queue).unwrap();
    drop(store);
    let mut stage = window(&dir, "ann");
    press(&mut stage, Modifiers::NONE, Key::N);
    assert_eq!(shown(&stage), "1.2.3");
    press(&mut stage, Modifiers::COMMAND, Key::Enter);
    assert_eq!(shown(&stage), "1.2.1");
    act(&mut stage, Action::Case(CaseAction::Clear));
    assert!(noticed(&stage, "notice-not-allowed"));
    act(&mut stage, Action::Case(CaseAction::Blind(true)));
    drop(stage);
    let mut store = Store::open_as(&dir, Some("ann"), &Passphrase::new("ann")).unwrap();
    let mut queue = store.case_queue().unwrap();
    let states: Vec<CaseState> = queue.cases.iter().map(|c| c.state).collect();
    assert_eq!(states[..2], [CaseState::Waiting, CaseState::Done]);
    assert!(!queue.blind);
    // Nor by any other way.
    queue.set_state(0, CaseState::Done, 1);
    assert!(store.set_case_queue(&queue).is_err(), "it is bob's case");
}

/// A box on the first frame of a study.
fn boxed(dir: &Path, id: &str, label: &str, by: &str, corners: [[f64; 2]; 2]) -> Annotation {
    let instances = headers(&dir.join("../files/1"));
    let layouts = lay_out(&instances);
    let instance = &layouts[0].frames[0].instance;
    let target = AnnotationTarget {
        study_uid: instance.study.uid.clone(),
        series_uid: instance.series.uid.clone(),
        instance_uid: instance.sop_instance_uid.clone(),
        frame: 1,
        frame_of_reference_uid: instance.series.frame_of_reference_uid.clone(),
    };
    let points = corners.map(|[x, y]| DVec3::new(x, y, 0.0));
    let shape = Shape::new(MarkKind::Rectangle, points);
    let id = AnnotationId(id.into());
    let mut mark = Annotation::new(id, target, PointSpace::Pixel, shape);
    mark.label = label.into();
    mark.author = Author::Person(by.into());
    mark
}

/// Two annotators label the first study: one nodule both found, one only bob; a grade differs, a tag does not.
fn two_readers(dir: &Path) {
    let mut store = Store::open(dir, &Passphrase::new("p")).unwrap();
    let mut queue = store.case_queue().unwrap();
    queue.blind = true;
    queue.add("1.2.1", "");
    store.set_case_queue(&queue).unwrap();
    drop(store);
    let work = [
        ("ann", vec![("a1", [[2.0, 2.0], [8.0, 8.0]])], 3),
        (
            "bob",
            vec![
                ("b1", [[2.5, 2.0], [8.5, 8.0]]),
                ("b2", [[10.0, 10.0], [14.0, 14.0]]),
            ],
            4,
        ),
    ];
    for (name, boxes, grade) in work {
        let mut store = Store::open_as(dir, Some(name), &Passphrase::new(name)).unwrap();
        let marks: Vec<Annotation> = boxes
            .iter()
            .map(|(id, corners)| boxed(dir, id, "Nodule", name, *corners))
            .collect();
        let image = Subject::image(&marks[0].target);
        let say = |subject: Subject, name: &str, reader: &str, to: Answer| Edit::Say {
            question: Question {
                subject,
                name: name.into(),
                reader: reader.into(),
            },
            from: None,
            to: Some(to),
        };
        let study = Subject::study("1.2.1");
        let mut edits: Vec<Edit> = marks.into_iter().map(Edit::Add).collect();
        edits.push(say(study, "BI-RADS", name, Answer::Grade(grade)));
        edits.push(say(image, "finding", name, Answer::Tag));
        store.commit(&edits).unwrap();
    }
}

fn seen(stage: &Stage) -> Vec<String> {
    let marks = stage.program().workspace.open_marks();
    marks.map(|mark| mark.id.0.clone()).collect()
}

/// Ids of the marks that a cell shows.
fn seen_in(stage: &Stage, cell: usize) -> Vec<String> {
    let workspace = &stage.program().workspace;
    let viewport = &workspace.viewports[cell];
    let picture = viewport.picture([400, 400]).unwrap();
    let site = viewport.mark_site(&picture).unwrap();
    let marks = workspace
        .open_marks()
        .filter(|mark| site.sees(mark).is_some());
    marks.map(|mark| mark.id.0.clone()).collect()
}

#[test]
fn blind_readers_do_not_see_each_other_and_an_adjudicator_sees_both() {
    let _one = alone();
    let (_folder, dir) = prepared();
    two_readers(&dir);
    // Each sees the own marks alone, in the list as in the picture, and not what the other said.
    for (name, own) in [("ann", &["a1"][..]), ("bob", &["b1", "b2"])] {
        let mut stage = window(&dir, name);
        press(&mut stage, Modifiers::NONE, Key::N);
        assert_eq!(shown(&stage), "1.2.1");
        assert_eq!(seen(&stage), own, "{name}");
        let workspace = &stage.program().workspace;
        assert_eq!(workspace.marks_in_order().len(), own.len());
        assert!(!workspace.may_adjudicate());
        act(
            &mut stage,
            Action::Adjudicate(AdjudicateAction::Compare(["ann", "bob"].map(Into::into))),
        );
        assert_eq!(seen(&stage), own, "it is not for annotators");
    }
    // The owner sees neither while reading is blind, until he compares them.
    let mut stage = window(&dir, "");
    press(&mut stage, Modifiers::NONE, Key::N);
    assert!(seen(&stage).is_empty());
    assert_eq!(stage.program().workspace.other_readers(), ["ann", "bob"]);
    run(&mut stage, Command::ShowLabels);
    stage.harness().get_by_label("Side by side").click();
    stage.settle().unwrap();
    assert_eq!(
        (seen_in(&stage, 0), seen_in(&stage, 1)),
        (vec!["a1".into()], vec!["b1".into(), "b2".into()])
    );
    let rows = stage.program().workspace.compared();
    let said: Vec<_> = rows.iter().map(|r| (r.name.as_str(), r.said)).collect();
    assert_eq!(
        said,
        [
            ("BI-RADS", [Some(Answer::Grade(3)), Some(Answer::Grade(4))]),
            ("finding", [Some(Answer::Tag); 2]),
        ]
    );
    // Merging takes the nodule of both once, and leaves the grade that differs to be said.
    stage.harness().get_by_label("Merge both").click();
    stage.settle().unwrap();
    let taken = |stage: &Stage| -> Vec<String> {
        let marks = stage.program().workspace.marks.set().iter();
        let mine = marks.filter(|m| m.author == Author::Person(String::new()));
        mine.map(|m| m.id.0.clone()).collect()
    };
    assert_eq!(taken(&stage), ["adj-a1", "adj-b2"]);
    assert!(noticed(&stage, "notice-answers-differ"));
    let mine = |stage: &Stage| -> Vec<(String, Answer)> {
        let answers = stage.program().workspace.marks.kept().answers.iter();
        let mine = answers.filter(|(q, _)| q.reader.is_empty());
        mine.map(|(q, a)| (q.name.clone(), *a)).collect()
    };
    assert_eq!(mine(&stage), [("finding".to_owned(), Answer::Tag)]);
    // Taking one comes in the place of it, and each is one step of undo.
    stage.harness().get_by_label("Take bob").click();
    stage.settle().unwrap();
    assert_eq!(taken(&stage), ["adj-b1", "adj-b2"]);
    assert_eq!(mine(&stage).len(), 2);
    run(&mut stage, Command::Undo);
    assert_eq!(taken(&stage), ["adj-a1", "adj-b2"]);
    run(&mut stage, Command::Undo);
    assert!(taken(&stage).is_empty() && mine(&stage).is_empty());
    stage.harness().get_by_label("End").click();
    stage.settle().unwrap();
    assert!(seen(&stage).is_empty(), "blind again");
    // What readers did stays as it was.
    assert_eq!(stage.program().workspace.marks.set().len(), 3);
}

/// A box of voxels on the first study's picture that a reader painted; without a name a network proposes it.
fn painted(dir: &Path, place: &SegmentPlace, by: &str, at: [usize; 2]) {
    let mut whole = place.bare(SegmentationId(format!("2.25.{}", by.len() + at[0])));
    let mut segment = Segment::new(1, "Nodule");
    segment.by = by.into();
    segment.changed_ms = 5;
    if by.is_empty() {
        segment.state = SegmentState::Proposed;
        segment.label = "Proposal".into();
    }
    whole.put_segment(segment);
    let layer = whole.layer_mut(0).unwrap();
    for y in at[1]..at[1] + 4 {
        layer.map_row([y, 0], at[0]..at[0] + 6, |_, _| 1);
    }
    let source = VoxelSource::restored();
    let edits = whole.edits_from(None, &source);
    let edits: Vec<Edit> = edits.into_iter().map(Edit::Segmentation).collect();
    let name = (!by.is_empty()).then_some(by);
    let pass = Passphrase::new(if by.is_empty() { "p" } else { by });
    let mut store = Store::open_as(dir, name, &pass).unwrap();
    store.commit(&edits).unwrap();
}

fn masks(stage: &Stage) -> Vec<String> {
    let mut all: Vec<String> = stage
        .program()
        .workspace
        .seen_segmentations()
        .flat_map(Segmentation::segments)
        .map(|s| format!("{} {}", s.label, s.by))
        .collect();
    all.sort();
    all
}

fn edit_segments(stage: &mut Stage, action: SegmentAction) {
    act(stage, Action::Segment(action));
}

#[test]
fn blind_readers_do_not_see_masks_and_an_adjudicator_takes_what_counts() {
    let _one = alone();
    let (_folder, dir) = prepared();
    two_readers(&dir);
    let place = {
        let mut stage = window(&dir, "");
        press(&mut stage, Modifiers::NONE, Key::N);
        let workspace = &stage.program().workspace;
        workspace.segment_place(workspace.active).unwrap()
    };
    for (by, at) in [("ann", [2, 2]), ("bob", [5, 2]), ("", [1, 8])] {
        painted(&dir, &place, by, at);
    }
    // Each sees the own masks and what a network proposed, in views, lists and what leaves.
    for name in ["ann", "bob"] {
        let mut stage = window(&dir, name);
        press(&mut stage, Modifiers::NONE, Key::N);
        run(&mut stage, Command::ShowSegments);
        assert_eq!(
            masks(&stage),
            [format!("Nodule {name}"), "Proposal ".to_owned()]
        );
        let workspace = &stage.program().workspace;
        let place = workspace.segment_place(0).unwrap();
        assert_eq!(workspace.segmentations_over(&place).len(), 2);
        assert!(workspace.hides_some(&place));
        let told = "Masks of other readers are not shown: reading is blind";
        assert!(stage.harness().query_by_label(told).is_some());
    }
    // Who judges a proposal judges a copy of it: the next reader finds it as it came.
    let mut stage = window(&dir, "ann");
    press(&mut stage, Modifiers::NONE, Key::N);
    let all = |stage: &Stage| stage.program().workspace.marks.kept().segmentations.clone();
    let before = all(&stage);
    let proposal = before
        .values()
        .find(|s| s.segments().any(|s| s.label == "Proposal"));
    let proposal = proposal.unwrap().clone();
    edit_segments(&mut stage, SegmentAction::Choose(proposal.id.clone()));
    edit_segments(
        &mut stage,
        SegmentAction::Change(1, SegmentChange::State(SegmentState::Accepted)),
    );
    assert_eq!(masks(&stage), ["Nodule ann", "Proposal ann"]);
    assert_eq!(all(&stage).len(), 4);
    assert_eq!(all(&stage)[&proposal.id], proposal);
    edit_segments(&mut stage, SegmentAction::Delete);
    assert_eq!(masks(&stage), ["Nodule ann", "Proposal "]);
    // What is for all is nobody's to delete.
    edit_segments(&mut stage, SegmentAction::Choose(proposal.id.clone()));
    edit_segments(&mut stage, SegmentAction::Delete);
    assert!(noticed(&stage, "notice-segmentation-for-all"));
    run(&mut stage, Command::Undo);
    run(&mut stage, Command::Undo);
    assert_eq!(all(&stage), before, "the copy was one step");
    drop(stage);
    // The adjudicator sees both, and where they differ.
    let mut stage = window(&dir, "");
    press(&mut stage, Modifiers::NONE, Key::N);
    assert_eq!(masks(&stage), ["Proposal "]);
    run(&mut stage, Command::ShowLabels);
    stage.harness().get_by_label("Side by side").click();
    stage.settle().unwrap();
    let in_cell = |stage: &Stage, cell: usize| -> Vec<String> {
        let workspace = &stage.program().workspace;
        let viewport = &workspace.viewports[cell];
        let place = viewport.segment_place().unwrap();
        let all = workspace.segmentations_in(viewport, &place);
        all.iter()
            .flat_map(|s| s.segments())
            .map(|s| s.by.clone())
            .collect()
    };
    assert_eq!(
        (in_cell(&stage, 0), in_cell(&stage, 1)),
        (vec!["ann".into()], vec!["bob".into()])
    );
    let found = stage
        .program()
        .workspace
        .segmenting
        .judging
        .found()
        .unwrap();
    let row = &found.rows[0];
    assert_eq!(
        (found.rows.len(), row.voxels, row.shared),
        (1, [24, 24], 12)
    );
    assert_eq!(row.dice(), Some(0.5));
    let (difference, _) = found.difference.as_ref().unwrap();
    assert_eq!(difference.counts().values().sum::<u64>(), 24);
    // Each button is one step, in the place of what was taken before.
    let before = all(&stage);
    for (button, voxels) in [
        ("Left", 24),
        ("Union", 36),
        ("Intersection", 12),
        ("Right", 24),
    ] {
        stage.harness().get_by_label(button).click();
        stage.settle().unwrap();
        let now = all(&stage);
        assert_eq!(now.len(), before.len() + 1);
        let own = now.values().find(|s| !before.contains_key(&s.id)).unwrap();
        let segment = own.segments().next().unwrap();
        assert_eq!(
            (segment.label.as_str(), segment.by.as_str()),
            ("Nodule", "owner")
        );
        let count: u64 = own.layers()[0].counts().values().sum();
        assert_eq!(count, voxels, "{button}");
    }
    let own = all(&stage)
        .into_values()
        .find(|s| !before.contains_key(&s.id))
        .unwrap();
    for _ in 0..4 {
        run(&mut stage, Command::Undo);
    }
    assert_eq!(all(&stage), before);
    for _ in 0..4 {
        run(&mut stage, Command::Redo);
    }
    assert_eq!(all(&stage)[&own.id], own);
    stage.harness().get_by_label("End").click();
    stage.settle().unwrap();
    assert_eq!(masks(&stage), ["Nodule owner", "Proposal "], "blind again");
    drop(stage);
    // Every voxel that was taken says so.
    let store = Store::open(&dir, &Passphrase::new("p")).unwrap();
    let origins = store.voxel_origins(&own.id, [6, 3, 0]).unwrap();
    let last = origins.last().unwrap();
    assert_eq!(last.source.tool, "reviewer");
    assert!(
        last.source.prompt.starts_with("right of "),
        "{}",
        last.source.prompt
    );
}

use super::*;
use crate::model::{
    annotation::{Code, MarkKind, PointSpace},
    labelling::Subject,
};
use glam::DVec3;

fn target(instance: &str) -> AnnotationTarget {
    AnnotationTarget {
        study_uid: "1.2".into(),
        series_uid: "1.2.3".into(),
        instance_uid: instance.into(),
        frame: 1,
        frame_of_reference_uid: "1.2.9".into(),
    }
}

fn mark(id: &str) -> Annotation {
    Annotation::new(
        AnnotationId(id.into()),
        target("1.2.3.4"),
        PointSpace::Patient,
        Shape::new(MarkKind::Point, [DVec3::new(1.0, 2.0, 3.0)]),
    )
}

fn calibration(instance: &str) -> Calibration {
    Calibration {
        target: target(instance),
        ends: [glam::DVec2::ZERO, glam::DVec2::new(0.0, 100.0)],
        true_mm: 25.0,
        by: crate::model::calibration::Signature::new("A").unwrap(),
        at_ms: 1,
        confirmed: false,
    }
}

fn coded() -> Annotation {
    Annotation {
        code: Some(Code {
            value: "27925004".into(),
            scheme: "SCT".into(),
            meaning: "Nodule".into(),
        }),
        locked: true,
        ..mark("a")
    }
}

/// One of each, all fitting a state with mark `a` and key image `k`.
fn every_edit() -> Vec<Edit> {
    let id = || AnnotationId("a".into());
    let study_uid = || "1.2".to_owned();
    vec![
        Edit::Add(mark("b")),
        Edit::Remove(mark("a")),
        Edit::Reshape {
            id: id(),
            from: mark("a").shape,
            to: Shape::new(MarkKind::Length, [DVec3::ZERO, DVec3::X]),
        },
        Edit::Relabel {
            id: id(),
            from: String::new(),
            to: "nodule".into(),
        },
        Edit::Revise {
            from: Box::new(mark("a")),
            to: Box::new(coded()),
        },
        Edit::KeyImage {
            target: target("new"),
            on: true,
        },
        Edit::Calibrate {
            target: target("new"),
            from: None,
            to: Some(Box::new(calibration("new"))),
        },
        Edit::KeyImage {
            target: target("k"),
            on: false,
        },
        Edit::View {
            place: ViewPlace::default(),
            from: String::new(),
            to: "zoom".into(),
        },
        Edit::Layout {
            study_uid: study_uid(),
            from: String::new(),
            to: "2x2".into(),
        },
        Edit::ReadStatus {
            study_uid: study_uid(),
            from: ReadStatus::New,
            to: ReadStatus::Final,
        },
        Edit::Report {
            study_uid: study_uid(),
            from: Phi::default(),
            to: Phi::new("text".into()),
        },
        Edit::Say {
            question: question(),
            from: None,
            to: Some(Answer::Tag),
        },
        Edit::Say {
            question: question(),
            from: None,
            to: Some(Answer::Grade(4)),
        },
    ]
}

fn question() -> Question {
    Question {
        subject: Subject::image(&target("s")),
        name: "nodule".into(),
        reader: "ann".into(),
    }
}

#[test]
fn two_readers_do_not_overwrite_each_other() {
    let mut kept = Kept::default();
    let other = Question {
        reader: "bob".into(),
        ..question()
    };
    for (question, to) in [(question(), Answer::Tag), (other, Answer::Grade(2))] {
        let (from, to) = (None, Some(to));
        kept.apply(&Edit::Say { question, from, to }).unwrap();
    }
    assert_eq!(kept.answers.len(), 2);
    let mut again = Kept::default();
    again.apply_all(&kept.as_edits()).unwrap();
    assert_eq!(again, kept);
}

fn state() -> Kept {
    let mut kept = Kept::default();
    kept.apply(&Edit::Add(mark("a"))).unwrap();
    kept.apply(&Edit::KeyImage {
        target: target("k"),
        on: true,
    })
    .unwrap();
    kept
}

#[test]
fn every_edit_and_its_inverse_cancel() {
    let mut kept = state();
    for edit in every_edit() {
        kept.apply(&edit).unwrap();
        assert_ne!(kept, state(), "{edit:?}");
        kept.apply(&edit.inverse()).unwrap();
        assert_eq!(kept, state(), "{edit:?}");
        assert_eq!(edit.inverse().inverse(), edit);
    }
}

#[test]
fn an_edit_that_does_not_fit_changes_nothing() {
    let stale = [
        Edit::Relabel {
            id: AnnotationId("a".into()),
            from: "x".into(),
            to: "y".into(),
        },
        Edit::Revise {
            from: Box::new(coded()),
            to: Box::new(mark("a")),
        },
        Edit::Revise {
            from: Box::new(mark("a")),
            to: Box::new(mark("b")),
        },
        Edit::ReadStatus {
            study_uid: "1.2".into(),
            from: ReadStatus::Final,
            to: ReadStatus::New,
        },
        Edit::Report {
            study_uid: "1.2".into(),
            from: Phi::new("x".into()),
            to: Phi::default(),
        },
        Edit::Say {
            question: question(),
            from: Some(Answer::Tag),
            to: None,
        },
    ];
    let cases = [
        (Edit::Add(mark("a")), EditConflict::Exists),
        (Edit::Remove(mark("c")), EditConflict::Missing),
        (
            Edit::KeyImage {
                target: target("k"),
                on: true,
            },
            EditConflict::Exists,
        ),
        (
            Edit::KeyImage {
                target: target("none"),
                on: false,
            },
            EditConflict::Missing,
        ),
    ]
    .into_iter()
    .chain(stale.into_iter().map(|edit| (edit, EditConflict::Stale)));
    let mut kept = state();
    for (edit, conflict) in cases {
        assert_eq!(kept.apply(&edit), Err(conflict), "{edit:?}");
        assert_eq!(kept, state());
        let gesture = [Edit::Add(mark("other")), edit];
        assert_eq!(kept.apply_all(&gesture), Err(conflict));
        assert_eq!(kept, state(), "all or nothing");
    }
}

#[test]
fn the_text_of_a_report_is_in_no_debug_output() {
    let edit = Edit::Report {
        study_uid: "1.2".into(),
        from: Phi::default(),
        to: Phi::new("CANARY".into()),
    };
    assert!(!format!("{edit:?}").contains("CANARY"));
}

#[test]
fn a_locked_mark_is_changed_by_nothing_but_its_flags() {
    let locked = |hidden| Annotation {
        locked: true,
        hidden,
        ..mark("a")
    };
    let revise = |from: Annotation, to: Annotation| Edit::Revise {
        from: Box::new(from),
        to: Box::new(to),
    };
    let mut kept = Kept::default();
    kept.apply(&Edit::Add(locked(false))).unwrap();
    let id = AnnotationId("a".into());
    let reshape = || Edit::Reshape {
        id: id.clone(),
        from: mark("a").shape,
        to: Shape::new(MarkKind::Length, [DVec3::ZERO, DVec3::X]),
    };
    let relabel = Edit::Relabel {
        id: id.clone(),
        from: String::new(),
        to: "x".into(),
    };
    let grouped = Annotation {
        group: "g".into(),
        ..locked(false)
    };
    let moved_and_freed = Annotation {
        label: "x".into(),
        ..mark("a")
    };
    for edit in [
        Edit::Remove(locked(false)),
        reshape(),
        relabel,
        revise(locked(false), grouped),
        revise(locked(false), moved_and_freed),
    ] {
        let edits = [edit];
        assert_eq!(kept.guarded(&edits), Some(&id), "{edits:?}");
    }
    let unlock = || revise(locked(false), mark("a"));
    assert_eq!(kept.guarded(&[unlock()]), None);
    assert_eq!(kept.guarded(&[revise(locked(false), locked(true))]), None);
    assert_eq!(kept.guarded(&[Edit::Add(mark("b"))]), None);
    // What a gesture itself unlocks or locks counts for the rest of it.
    assert_eq!(kept.guarded(&[unlock(), reshape()]), None);
    let lock_again = revise(mark("a"), locked(false));
    let edits = [unlock(), lock_again, reshape()];
    assert_eq!(kept.guarded(&edits), Some(&id));
}

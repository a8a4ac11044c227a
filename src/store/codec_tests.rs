use super::*;

pub(crate) fn mark(id: &str, shape: Shape) -> Annotation {
    let target = AnnotationTarget {
        study_uid: "1.2.840.1".into(),
        series_uid: "1.2.840.1.1".into(),
        instance_uid: "1.2.840.1.1.1".into(),
        frame: 3,
        frame_of_reference_uid: "1.2.840.1.9".into(),
    };
    Annotation {
        label: "结节 nodule".into(),
        ..Annotation::new(AnnotationId(id.into()), target, PointSpace::Patient, shape)
    }
}

pub(crate) fn point(point: DVec3) -> Shape {
    Shape::new(MarkKind::Point, [point])
}

#[test]
fn a_gesture_is_as_large_as_the_journal_takes() {
    let report = |from: usize, to: usize| Edit::Report {
        study_uid: "1.2".into(),
        from: Phi::new("x".repeat(from)),
        to: Phi::new("x".repeat(to)),
    };
    assert!(check_gesture(&[]).is_err());
    let edits = vec![report(MAX_REPORT, MAX_REPORT); 7];
    let commit = |edits: Vec<Edit>| Commit {
        kind: Kind::Done,
        time_ms: 0,
        edits,
    };
    let room = MAX_PAYLOAD - encode(&commit(edits.clone())).len();
    // What an edit of the report takes beside its texts.
    let around = encode(&commit(vec![report(0, 0)])).len() - HEAD;
    let rest = room - around;
    for (more, fits) in [(0, true), (1, false)] {
        let mut edits = edits.clone();
        edits.push(report(rest / 2, rest - rest / 2 + more));
        assert_eq!(check_gesture(&edits).is_ok(), fits);
        assert_eq!(encode(&commit(edits)).len() <= MAX_PAYLOAD, fits);
    }
}

fn calibration(target: &AnnotationTarget) -> Calibration {
    Calibration {
        target: target.clone(),
        ends: [DVec2::new(0.1, -3.0), DVec2::new(1.0 / 3.0, 512.25)],
        true_mm: 25.4,
        by: Signature::new("读者 A").unwrap(),
        at_ms: 1_796_000_000_123,
        confirmed: false,
    }
}

fn every_edit() -> Vec<Edit> {
    let id = || AnnotationId("a".into());
    let study_uid = || "1.2.840.1".to_owned();
    let first = point(DVec3::new(0.1, -0.0, f64::MIN_POSITIVE));
    let ends = [DVec3::X, DVec3::new(1.0 / 3.0, 1e300, -7.25)];
    let mut full = mark("p", Shape::new(MarkKind::Length, ends));
    full.space = PointSpace::Pixel;
    full.code = Some(Code {
        value: "27925004".into(),
        scheme: "SCT".into(),
        meaning: "Nodule".into(),
    });
    full.group = "右上 lobe".into();
    full.created_ms = -7;
    let mut edits = vec![
        Edit::Add(mark("a", first.clone())),
        Edit::Remove(mark("a", first.clone())),
        Edit::Reshape {
            id: id(),
            from: first,
            to: Shape::new(
                MarkKind::Polygon,
                [DVec3::ZERO, DVec3::X, DVec3::Y, DVec3::Z],
            ),
        },
        Edit::Relabel {
            id: id(),
            from: String::new(),
            to: "b".into(),
        },
        Edit::KeyImage {
            target: full.target.clone(),
            on: true,
        },
        Edit::KeyImage {
            target: full.target.clone(),
            on: false,
        },
        Edit::Calibrate {
            target: full.target.clone(),
            from: None,
            to: Some(Box::new(calibration(&full.target))),
        },
        Edit::Calibrate {
            target: full.target.clone(),
            from: Some(Box::new(Calibration {
                confirmed: true,
                ..calibration(&full.target)
            })),
            to: None,
        },
        Edit::View {
            place: ViewPlace {
                study_uid: study_uid(),
                series_uid: "1.2.840.1.1".into(),
                first_instance_uid: "1.2.840.1.1.1".into(),
                cell: 3,
            },
            from: String::new(),
            to: "{}".into(),
        },
        Edit::Layout {
            study_uid: study_uid(),
            from: "a".into(),
            to: "b".into(),
        },
        Edit::Report {
            study_uid: study_uid(),
            from: Phi::default(),
            to: Phi::new("正常".into()),
        },
        Edit::Amend {
            place: FactPlace {
                patient: Phi::new("p".into()),
                kind: "Observation".into(),
                id: Phi::new("o".into()),
            },
            from: Phi::default(),
            to: Phi::new("{\"resourceType\":\"Observation\"}".into()),
        },
    ];
    let image = Subject::image(&full.target);
    let answers = [None, Some(Answer::Tag), Some(Answer::Grade(-3))];
    for (from, to) in answers.into_iter().zip(answers.into_iter().rev()) {
        for subject in [image.clone(), Subject::study("1.2.840.1")] {
            let question = Question {
                subject,
                name: "BI-RADS".into(),
                reader: "读者".into(),
            };
            edits.push(Edit::Say { question, from, to });
        }
    }
    edits.extend(MarkKind::ALL.map(|kind| {
        let points = vec![DVec3::NEG_ONE; *kind.point_count().start()];
        Edit::Add(mark("k", Shape { kind, points }))
    }));
    edits.extend(ReadStatus::ALL.map(|to| Edit::ReadStatus {
        study_uid: study_uid(),
        from: ReadStatus::New,
        to,
    }));
    let authors = [
        Author::Person("读者".into()),
        Author::Model {
            id: "lungs".into(),
            version: "2".into(),
        },
        Author::Foreign("Other".into()),
    ];
    for (author, flags) in authors.into_iter().zip(1u8..) {
        let mut changed = full.clone();
        changed.author = author;
        (changed.locked, changed.hidden) = (flags & 1 != 0, flags & 2 != 0);
        edits.push(Edit::Revise {
            from: Box::new(full.clone()),
            to: Box::new(changed),
        });
    }
    edits
}

#[test]
fn the_tables_of_the_format_hold_every_value() {
    for kind in MarkKind::ALL {
        assert!(KINDS.contains(&kind));
    }
    for status in ReadStatus::ALL {
        assert!(STATUS.contains(&status));
    }
}

#[test]
fn what_is_written_is_read_bit_for_bit() {
    for kind in [
        Kind::Done,
        Kind::Undoes(4),
        Kind::Redoes(u64::MAX),
        Kind::Noted,
    ] {
        let commit = Commit {
            kind,
            time_ms: -5,
            edits: every_edit(),
        };
        let bytes = encode(&commit);
        assert_eq!(decode(&bytes), Some(commit.clone()));
        assert_eq!(encode(&decode(&bytes).unwrap()), bytes, "also -0.0");
        for length in 0..bytes.len() {
            assert_eq!(decode(&bytes[..length]), None, "cut at {length}");
        }
        let mut longer = bytes;
        longer.push(0);
        assert_eq!(decode(&longer), None);
    }
}

#[test]
fn a_lying_count_reserves_nothing() {
    let outline = Shape::new(MarkKind::Polygon, [DVec3::ZERO, DVec3::X, DVec3::Y]);
    let mut bytes = encode(&Commit {
        kind: Kind::Done,
        time_ms: 0,
        edits: vec![Edit::Reshape {
            id: AnnotationId("a".into()),
            from: outline.clone(),
            to: outline,
        }],
    });
    let last = bytes.windows(4).rposition(|w| w == [3, 0, 0, 0]).unwrap();
    bytes[last..last + 4].copy_from_slice(&[0xFF; 4]);
    assert_eq!(decode(&bytes), None);
    bytes[17..21].copy_from_slice(&[0xFF; 4]);
    assert_eq!(decode(&bytes), None);
}

#[test]
fn edits_that_make_no_sense_are_refused() {
    for edit in every_edit() {
        assert_eq!(check_edit(&edit), Ok(()));
    }
    let refuse = |edit: Edit| assert!(check_edit(&edit).is_err(), "{edit:?}");
    let fine = || mark("a", point(DVec3::ZERO));
    let refuse_mark = |change: &dyn Fn(&mut Annotation)| {
        let mut mark = fine();
        change(&mut mark);
        refuse(Edit::Add(mark.clone()));
        refuse(Edit::Remove(mark.clone()));
        refuse(Edit::Revise {
            from: Box::new(mark),
            to: Box::new(fine()),
        });
    };
    let long = || "x".repeat(MAX_LABEL + 1);
    refuse_mark(&|m| m.id.0.clear());
    refuse_mark(&|m| m.id.0 = "a".repeat(MAX_ID + 1));
    refuse_mark(&|m| m.shape = point(DVec3::NAN));
    refuse_mark(&|m| {
        m.shape = Shape::new(MarkKind::Length, [DVec3::ZERO, DVec3::INFINITY]);
    });
    refuse_mark(&|m| m.shape = Shape::new(MarkKind::Polygon, [DVec3::ZERO, DVec3::X]));
    refuse_mark(&|m| m.target.frame = 0);
    refuse_mark(&|m| m.target.frame_of_reference_uid = "1".repeat(MAX_ID + 1));
    refuse_mark(&|m| m.label = long());
    refuse_mark(&|m| m.group = long());
    refuse_mark(&|m| m.author = Author::Foreign(long()));
    refuse_mark(&|m| {
        m.code = Some(Code {
            value: long(),
            ..Code::default()
        });
    });
    refuse(Edit::Report {
        study_uid: String::new(),
        from: Phi::default(),
        to: Phi::default(),
    });
    let say = |subject: Subject, name: &str| Edit::Say {
        question: Question {
            subject,
            name: name.into(),
            reader: String::new(),
        },
        from: None,
        to: Some(Answer::Tag),
    };
    assert_eq!(check_edit(&say(Subject::study("1"), "a")), Ok(()));
    refuse(say(Subject::study("1"), ""));
    refuse(say(Subject::study("1"), &"a".repeat(MAX_ID + 1)));
    refuse(say(Subject::default(), "a"));
    refuse(Edit::Layout {
        study_uid: "1".into(),
        from: String::new(),
        to: "x".repeat(MAX_SETTINGS + 1),
    });
}

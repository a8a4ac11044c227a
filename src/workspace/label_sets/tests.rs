use super::{key::Key, *};
use crate::{
    model::{edit::Edit, exchange::NotSentReason},
    store::codec::tests::mark,
};

fn picture(labels: Vec<Label>) -> Picture {
    Picture {
        file: "000001.png".into(),
        target: AnnotationTarget {
            study_uid: "1.2".into(),
            series_uid: "1.2.3".into(),
            instance_uid: "1.2.3.4".into(),
            frame: 2,
            frame_of_reference_uid: String::new(),
        },
        size: [640, 480],
        part: None,
        labels,
        said: vec![
            Said {
                name: "BI-RADS".into(),
                of_study: true,
                answer: Answer::Grade(4),
                reader: "bob".into(),
            },
            Said {
                name: "poor quality".into(),
                of_study: false,
                answer: Answer::Tag,
                reader: String::new(),
            },
        ],
    }
}

fn label(id: &str, class: &str, form: Form) -> Label {
    Label {
        ids: vec![id.into()],
        class: class.into(),
        code: Some(Code {
            value: "1".into(),
            scheme: "SCT".into(),
            meaning: "结节".into(),
        }),
        group: String::new(),
        reader: "alice".into(),
        form,
    }
}

fn set() -> LabelSet {
    let at = DVec2::new;
    let heart = Form::Keypoints(vec![
        ("left".into(), at(1.0 / 3.0, 2.5)),
        ("right".into(), at(100.25, 3.5)),
    ]);
    let line = vec![at(1.0, 2.0), at(3.0, 4.5), at(7.0, 0.125)];
    let outline = vec![at(10.0, 10.0), at(20.0, 10.1), at(15.0, 30.0)];
    let mut heart = label("k1", "Heart", heart);
    heart.ids = vec!["k1".into(), "k2".into()];
    heart.group = "Heart #2".into();
    heart.code = None;
    LabelSet {
        pictures: vec![picture(vec![
            label(
                "b",
                "Nodule <\"&'",
                Form::Box([0.1, 200.0 / 3.0, 639.9, 470.0]),
            ),
            label("p", "Mass", Form::Polygon(outline)),
            label("l", "Catheter", Form::Polyline(line)),
            heart,
        ])],
    }
}

fn key_of(set: &LabelSet) -> Key {
    Key::parse(&key::write(set)).unwrap()
}

#[test]
fn coco_is_read_back_as_it_was_written() {
    let set = set();
    let files = coco::write(&set, &|_| Vec::new());
    assert_eq!(files.len(), 1);
    let text = files[0].1.to_string();
    let (back, left) = coco::read(&text, &key_of(&set)).unwrap();
    assert_eq!(left, 0);
    let (mine, found) = (&set.pictures[0], &back.pictures[0]);
    assert_eq!(found.said, mine.said);
    assert_eq!((found.size, &found.target), (mine.size, &mine.target));
    assert_eq!(found.labels.len(), 4);
    for (a, b) in mine.labels.iter().zip(&found.labels) {
        assert_eq!((&a.ids, &a.class, &a.code), (&b.ids, &b.class, &b.code));
        assert_eq!((&a.group, &a.reader), (&b.group, &b.reader));
        // A box is kept as its size: one rounding.
        for (p, q) in a.form.points().iter().zip(b.form.points()) {
            assert!(p.distance(q) < 1e-12, "{p} {q}");
        }
        assert_eq!(
            std::mem::discriminant(&a.form),
            std::mem::discriminant(&b.form)
        );
    }
}

#[test]
fn coco_of_others_is_read_and_what_is_broken_is_refused() {
    let key = key_of(&set());
    let file = |annotation: &str| {
        format!(
            r#"{{"images":[{{"id":7,"file_name":"a/000001.jpg","width":640,"height":480}}],
            "annotations":[{{"id":1,"image_id":7,"category_id":3,{annotation}}}],
            "categories":[{{"id":3,"name":"lung","keypoints":["a","b"]}}]}}"#
        )
    };
    let forms = |annotation: &str| {
        let (set, left) = coco::read(&file(annotation), &key)?;
        let labels = set.pictures.into_iter().flat_map(|p| p.labels);
        Ok::<_, SetError>((labels.map(|l| l.form).collect::<Vec<_>>(), left))
    };
    let boxed = Form::Box([1.0, 2.0, 4.0, 6.0]);
    assert_eq!(forms(r#""bbox":[1,2,3,4]"#), Ok((vec![boxed], 0)));
    let two = forms(r#""bbox":[0,0,9,9],"segmentation":[[0,0,1,0,1,1],[5,5,6,5,6,6]]"#).unwrap();
    assert_eq!(two.0.len(), 2);
    // Two pixels of the first column, and none at all.
    let mask = |counts: &str| {
        forms(&format!(
            r#""bbox":[0,0,9,9],"iscrowd":1,"segmentation":{{"counts":{counts},"size":[480,640]}}"#
        ))
    };
    let at = DVec2::new;
    let square = [at(0.0, 1.0), at(1.0, 1.0), at(1.0, 3.0), at(0.0, 3.0)];
    let (read, left) = mask("[1,2,307197]").unwrap();
    let [Form::Polygon(outline)] = read.as_slice() else {
        panic!("{read:?}");
    };
    assert_eq!((outline.len(), left), (4, 0));
    assert!(
        square.iter().all(|corner| outline.contains(corner)),
        "{outline:?}"
    );
    assert_eq!(mask("[307200]"), Ok((Vec::new(), 1)), "nothing is in it");
    let points = forms(r#""keypoints":[0,0,0,5,6,1]"#).unwrap();
    assert_eq!(
        points.0,
        [Form::Keypoints(vec![("b".into(), DVec2::new(5.0, 6.0))])]
    );
    for bad in [
        r#""bbox":[1,2,-3,4]"#,
        r#""segmentation":[[1,2,3]]"#,
        r#""segmentation":[[1,2,3,4]]"#,
        r#""segmentation":{"counts":[1,2],"size":[480,640]}"#,
        r#""segmentation":{"counts":[0,9],"size":[3,3]}"#,
        r#""segmentation":{"counts":[0,307200]}"#,
        r#""segmentation":{"counts":"!","size":[480,640]}"#,
        r#""segmentation":{"counts":[-1,307201],"size":[480,640]}"#,
        r#""keypoints":[1,2]"#,
        r#""keypoints":[1,2,0]"#,
        r#""area":1"#,
    ] {
        assert!(matches!(forms(bad), Err(SetError::Form(_))), "{bad}");
    }
    assert!(matches!(
        coco::read(&file(r#""bbox":[1,2,3,4]"#).replace("000001", "9"), &key),
        Err(SetError::NoKey(_))
    ));
    assert!(
        coco::read(
            &file("").replace("\"category_id\":3,", "\"category_id\":4"),
            &key
        )
        .is_err()
    );
    assert!(coco::read("[", &key).is_err());
}

/// Told by pycocotools 2.0: text, area and box of a mask with a hole, something in the hole, and a part at the border
/// that touches another at a corner.
#[test]
fn masks_of_the_reference_code_become_outlines_of_the_same_pixels() {
    let text = concat!(
        "Tag0T3l;00000000000000000000000000000000000000`MhDX1X;hNhDX1X;hNhDX1X;hNhDX1X;hNhDX1X;hNhD",
        "X1X;hNhDX1X;hNhDX1X;hNhDX1X;hNhDX1X;hN^DAKg1g;hN^DAKg1g;hN^DAKg1g;hN^DAKg1g;hN^DAKg1g;hNhD",
        "X1X;hNhDX1X;hNhDX1X;hNhDX1X;hNhDX1X;hNhDX1X;hNhDX1X;hNhDX1X;hNhDX1X;hNhDX1X;hNhDX1X;hNhDX1",
        "X;hNhDX1X;hNhDX1X;hNhDX1X;X100000000000000000000000000000000000000000000000000000000000000",
        "000000000000000000000000000000000000XTc6VMbn\\I00000000000000000000000000000000000000000000",
        "0000000000000000000000000000000oAG[=m0fF",
    );
    let runs = crate::formats::coco::unpacked(text).unwrap();
    let whole = crate::formats::coco::from_runs(&runs, 640, 480).unwrap();
    let key = key_of(&set());
    for counts in [json(text), serde_json::to_string(&runs).unwrap()] {
        let file = format!(
            r#"{{"images":[{{"id":7,"file_name":"000001.jpg","width":640,"height":480}}],
            "annotations":[{{"id":1,"image_id":7,"category_id":3,"iscrowd":1,
            "segmentation":{{"counts":{counts},"size":[480,640]}}}}],
            "categories":[{{"id":3,"name":"lung"}}]}}"#
        );
        let (read, left) = coco::read(&file, &key).unwrap();
        let labels = &read.pictures[0].labels;
        // The square, what is in its hole, the bar, and the pixel that touches nothing.
        assert_eq!((labels.len(), left), (4, 0));
        let outlines: Vec<Vec<[f64; 2]>> = labels
            .iter()
            .map(|label| {
                let points = label.form.points();
                points.iter().map(|p| [p.x - 0.5, p.y - 0.5]).collect()
            })
            .collect();
        let mut again = vec![false; 640 * 480];
        for (row, columns) in crate::imaging::contours::filled(&outlines, 640, 480) {
            again[row * 640 + columns.start..row * 640 + columns.end].fill(true);
        }
        assert_eq!(again.iter().filter(|inside| **inside).count(), 9846);
        assert!(again == whole, "the same pixels");
        let corners: Vec<DVec2> = labels.iter().flat_map(|l| l.form.points()).collect();
        assert_eq!(bounds(&corners), [50.0, 100.0, 640.0, 332.0]);
    }
}

fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[test]
fn pose_comes_back_with_the_names_of_its_points() {
    let mut first = set();
    let at = DVec2::new;
    let other = Form::Keypoints(vec![("tip: end".into(), at(320.0, 10.0))]);
    first.pictures[0].labels.push(label("t", "Tube", other));
    let known = |name: &str| match name {
        "Heart" => vec!["right".into(), "middle".into(), "left".into()],
        _ => Vec::new(),
    };
    let sets = coco::point_sets(&first, &known);
    let text = pose::classes(&sets, false);
    let shape = pose::read_shape(&text).unwrap();
    assert_eq!((shape.points, shape.numbers), (3, 3));
    assert_eq!(shape.classes, ["Heart", "Tube"]);
    assert_eq!(shape.names[&0], ["right", "middle", "left"]);
    assert_eq!(shape.names[&1], ["tip: end"]);
    let lines = pose::write(&first.pictures[0], &sets);
    assert_eq!(lines.lines().count(), 2, "{lines}");
    assert!(
        lines.lines().all(|l| l.split(' ').count() == 1 + 4 + 9),
        "{lines}"
    );
    assert_eq!(first.without_points(), 3);
    let files = [("000001.txt".to_owned(), lines)];
    let back = pose::read(&files, &shape, &key_of(&first)).unwrap();
    let back = &back.pictures[0].labels;
    let before: Vec<&Label> = first.pictures[0]
        .labels
        .iter()
        .filter(|l| matches!(l.form, Form::Keypoints(_)))
        .collect();
    assert_eq!(back.len(), before.len());
    for (back, before) in back.iter().zip(before) {
        assert_eq!(back.class, before.class);
        let (Form::Keypoints(a), Form::Keypoints(b)) = (&back.form, &before.form) else {
            panic!("no points");
        };
        let mut b = b.clone();
        b.sort_by(|p, q| q.0.cmp(&p.0));
        for ((name, place), (expected, there)) in a.iter().zip(&b) {
            assert_eq!(name, expected);
            assert!(place.distance(*there) < 1e-9);
        }
    }
    // As others write it: two numbers a point, no names.
    let of_others = "names: [person]\nkpt_shape: [2, 2] # two points\n";
    let shape = pose::read_shape(of_others).unwrap();
    let read = |line: &str| {
        let files = [("000001.txt".to_owned(), line.to_owned())];
        pose::read(&files, &shape, &key_of(&first))
    };
    let found = read("0 0.5 0.5 0.1 0.1 0.25 0.5 0 0\n").unwrap();
    let expected = Form::Keypoints(vec![("1".into(), at(160.0, 240.0))]);
    assert_eq!(found.pictures[0].labels[0].form, expected);
    for bad in [
        "0 0.5 0.5 0.1 0.1",
        "1 0.5 0.5 0.1 0.1 0 0 1 1",
        "0 1 1 1 1 0 0 0 0",
        "0 1 1 1 1 x 0 0 0",
    ] {
        assert!(matches!(read(bad), Err(SetError::Form(_))), "{bad}");
    }
    for bad in [
        "names: [a]\n",
        "names: [a]\nkpt_shape: [0, 3]\n",
        "names: [a]\nkpt_shape: [99999999, 3]\n",
        "names: [a]\nkpt_shape: 3\n",
    ] {
        assert!(pose::read_shape(bad).is_err(), "{bad}");
    }
}

#[test]
fn yolo_is_read_back_within_its_rounding() {
    let set = set();
    let names = set.box_classes();
    assert_eq!(names, ["Mass", "Nodule <\"&'"]);
    let text = yolo::write(&set.pictures[0], &names);
    assert_eq!(text.lines().count(), 2, "lines and points have no box");
    assert_eq!(set.without_area(), 2);
    let classes = yolo::read_classes(&yolo::classes(&names, true)).unwrap();
    assert_eq!(classes, names);
    let files = [("labels/train/000001.txt".to_owned(), text)];
    let back = yolo::read(&files, &classes, &key_of(&set)).unwrap();
    let boxes = set.pictures[0]
        .labels
        .iter()
        .filter_map(|l| l.form.area_box());
    for (mine, found) in boxes.zip(&back.pictures[0].labels) {
        let found = found.form.area_box().unwrap();
        for (a, b) in mine.into_iter().zip(found) {
            assert!((a - b).abs() < 1e-9, "{mine:?} {found:?}");
        }
    }
}

#[test]
fn yolo_of_others_is_read_and_what_is_broken_is_refused() {
    for text in [
        "names: [cat, 'dog''s']\n",
        "nc: 2\nnames:\n- cat\n- dog's\n",
        "names:\n  1: \"dog's\"\n  # a comment\n  0: cat\ntrain: x\n",
    ] {
        assert_eq!(
            yolo::read_classes(text).unwrap(),
            ["cat", "dog's"],
            "{text}"
        );
    }
    for text in [
        "",
        "names:\n",
        "names: [\n",
        "names:\n  1: a\n",
        "names:\n  x: a\n",
    ] {
        assert!(yolo::read_classes(text).is_err(), "{text}");
    }
    let key = key_of(&set());
    let names = ["a".to_owned()];
    let read = |text: &str| yolo::read(&[("000001.txt".into(), text.into())], &names, &key);
    assert!(read("0 0.5 0.5 1 1\n\n0 0 0 1 0 1 1\n").is_ok());
    for bad in [
        "1 0 0 1 1",
        "0 0 0 1",
        "0 0 0 1 x",
        "0 0 0 nan 1",
        "0 0 0 -1 1",
        "x 0 0 1 1",
    ] {
        assert!(read(bad).is_err(), "{bad}");
    }
}

#[test]
fn voc_is_read_back_within_a_pixel_and_exactly_on_pixels() {
    let mut set = set();
    set.pictures[0].labels[0].form = Form::Box([0.0, 12.0, 33.0, 480.0]);
    let xml = voc::write(&set.pictures[0], "JPEGImages", 1);
    assert!(
        xml.contains("<xmin>1</xmin>") && xml.contains("<xmax>33</xmax>"),
        "{xml}"
    );
    assert!(
        xml.contains("<ymin>13</ymin>") && xml.contains("<ymax>480</ymax>"),
        "{xml}"
    );
    let files = [("a.xml".to_owned(), xml)];
    let back = voc::read(&files, &key_of(&set)).unwrap();
    let labels = &back.pictures[0].labels;
    assert_eq!(labels[0].class, "Nodule <\"&'");
    assert_eq!(labels[0].form, Form::Box([0.0, 12.0, 33.0, 480.0]));
    let near = labels[1].form.area_box().unwrap();
    for (a, b) in [10.0, 10.0, 20.0, 30.0].into_iter().zip(near) {
        assert!((a - b).abs() <= 0.5);
    }
}

#[test]
fn broken_xml_is_refused() {
    let key = key_of(&set());
    let good = voc::write(&set().pictures[0], "x", 1);
    let read = |text: String| voc::read(&[("a.xml".into(), text)], &key);
    assert!(read(good.clone()).is_ok());
    assert!(read(format!("<?xml version=\"1.0\"?>\n<!-- x -->\n{good}")).is_ok());
    for bad in [
        String::new(),
        "<a></a>".into(),
        format!("<!DOCTYPE a [<!ENTITY x \"y\">]>{good}"),
        good.replace("</annotation>", ""),
        good.replace("<xmin>1</xmin>", "<xmin>one</xmin>"),
        good.replace("<xmin>1</xmin>", ""),
        good.replace("&amp;", "&x;"),
        good.replace("</object>", "</name>"),
        "<annotation>".repeat(40),
        good.replace("<filename>000001.png</filename>", ""),
    ] {
        assert!(read(bad.clone()).is_err(), "{bad}");
    }
    // What ends early anywhere is an error and no panic.
    for (end, _) in good.char_indices().skip(1) {
        let _ = read(good[..end].to_owned());
    }
}

fn kept() -> Kept {
    let mut kept = Kept::default();
    let shape = |kind: MarkKind| {
        let points: Vec<DVec3> = (0..*kind.point_count().start())
            .map(|n| DVec3::new(n as f64 + 1.0 / 3.0, -0.0, 1e-300))
            .collect();
        Shape::new(kind, points)
    };
    for kind in MarkKind::ALL {
        let mut mark = mark(kind.name(), shape(kind));
        mark.label = "=1+1, \"x\"\r\n'结节".into();
        mark.group = "-a".into();
        mark.author = Author::Model {
            id: "m".into(),
            version: "2".into(),
        };
        mark.code = Some(Code {
            value: "v".into(),
            scheme: String::new(),
            meaning: "'".into(),
        });
        (mark.locked, mark.created_ms) = (true, -5);
        kept.apply(&Edit::Add(mark)).unwrap();
    }
    for (answer, reader) in [(Answer::Tag, ""), (Answer::Grade(-2), "@bob")] {
        let question = Question {
            subject: Subject::study("1.2"),
            name: "-q".into(),
            reader: reader.into(),
        };
        let (from, to) = (None, Some(answer));
        kept.apply(&Edit::Say { question, from, to }).unwrap();
    }
    kept
}

#[test]
fn the_table_keeps_every_bit() {
    let kept = kept();
    let text = table::write(kept.marks.iter(), kept.answers.iter());
    let back = table::read(&text).unwrap();
    let mut again = Kept::default();
    for mark in back.marks {
        again.apply(&Edit::Add(mark)).unwrap();
    }
    for (question, answer) in back.answers {
        let (from, to) = (None, Some(answer));
        again.apply(&Edit::Say { question, from, to }).unwrap();
    }
    assert_eq!(again, kept);
    let bits = |kept: &Kept| -> Vec<u64> {
        let points = kept.marks.iter().flat_map(|m| &m.shape.points);
        points
            .flat_map(|p| p.to_array())
            .map(f64::to_bits)
            .collect()
    };
    assert_eq!(bits(&again), bits(&kept), "-0.0 too");
    for bad in [
        "",
        "what\nmarks\n",
        &text.replace(",length,", ",long,"),
        &text.replace("patient", "somewhere"),
        &format!("{text}\"open"),
        &text.replace(",true,", ",maybe,"),
    ] {
        assert!(table::read(bad).is_err());
    }
}

#[test]
fn measurements_are_no_labels() {
    let points = [DVec2::ZERO, DVec2::X, DVec2::ONE, DVec2::Y];
    for kind in MarkKind::ALL {
        let count =
            (*kind.point_count().start()).max(if kind == MarkKind::Rectangle { 3 } else { 0 });
        let is_label = form_of(kind, &points[..count]).is_some();
        let measures = matches!(
            kind,
            MarkKind::Length
                | MarkKind::Angle
                | MarkKind::Cobb
                | MarkKind::Bidirectional
                | MarkKind::Perpendicular
                | MarkKind::Arrow
                | MarkKind::Text
                | MarkKind::CardiothoracicRatio
                | MarkKind::Box
        );
        assert_eq!(is_label, !measures, "{kind:?}");
    }
    assert_eq!(NotSentReason::NoLabel.code(), "NO_LABEL");
}

#[test]
fn a_turned_rectangle_is_an_outline() {
    let at = DVec2::new;
    let upright = [at(1.0, 1.0), at(1.0, 5.0), at(3.0, 5.0)];
    assert_eq!(
        form_of(MarkKind::Rectangle, &upright),
        Some(Form::Box([1.0, 1.0, 3.0, 5.0]))
    );
    let turned = [at(1.0, 1.0), at(2.0, 2.0), at(1.0, 3.0)];
    let Some(Form::Polygon(corners)) = form_of(MarkKind::Rectangle, &turned) else {
        panic!("not a box")
    };
    assert_eq!(bounds(&corners), [0.0, 1.0, 2.0, 3.0]);
}

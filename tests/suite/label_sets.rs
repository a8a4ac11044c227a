//! Labels out of a store as COCO, YOLO, Pascal VOC and CSV, and into another one: by the command line, on real frames.

use crate::{
    readings::outside::{make, ran, run},
    ui_list::headers,
    ui_snapshots::{ct, small_film},
};
use glam::DVec3;
use negatoscope::{dicom::assemble::lay_out, imaging::measure::Anchor};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// A store that knows the CT and the radiographs of the demo.
fn store(folder: &Path, name: &str) -> PathBuf {
    let dir = folder.join(name);
    make(&dir, &[ct(), small_film()], &[]);
    dir
}

/// Lines of `edit` that draw on a slice of the CT, in patient space, and on a radiograph, in pixels.
fn lines() -> (String, usize, f64) {
    let mut lines = Vec::new();
    let slices = lay_out(&headers(&ct()));
    let frame = &slices[0].frames[3];
    let anchor = Anchor::of(&frame.instance, frame.frame).unwrap();
    let plane = anchor.plane.unwrap();
    let at = |column: f64, row: f64| {
        let point = plane.patient_from_pixel(anchor.spacing, column, row);
        point.to_array()
    };
    let target = |frame: &negatoscope::model::layout::FrameRef| {
        json!({
            "op": "add",
            "study": frame.instance.study.uid,
            "series": frame.instance.series.uid,
            "instance": frame.instance.sop_instance_uid,
            "frame": frame.frame + 1,
            "frame_of_reference": frame.instance.series.frame_of_reference_uid,
        })
    };
    let mut add = |of: &Value, id: &str, more: Value| {
        let mut line = of.clone();
        line["id"] = json!(id);
        for (name, value) in more.as_object().unwrap() {
            line[name] = value.clone();
        }
        lines.push(line.to_string());
    };
    let ct = target(frame);
    add(
        &ct,
        "box",
        json!({"shape": "rectangle", "label": "Nodule", "author": {"person": "ann"},
            "points": [at(10.25, 20.5), at(30.75, 20.5), at(30.75, 40.125)]}),
    );
    add(
        &ct,
        "outline",
        json!({"shape": "polygon", "label": "Mass", "group": "right",
            "points": [at(5.0, 5.0), at(15.0, 5.5), at(9.0, 17.0), at(4.0, 11.0)]}),
    );
    add(
        &ct,
        "line",
        json!({"shape": "polyline", "label": "Catheter", "points": [at(1.0, 2.0), at(20.0, 30.0)]}),
    );
    for (id, name, x) in [("k1", "heart left", 12.0), ("k2", "thorax right", 22.5)] {
        add(
            &ct,
            id,
            json!({"shape": "point", "label": name, "group": "Heart and thorax #2", "points": [at(x, 9.0)]}),
        );
    }
    add(
        &ct,
        "length",
        json!({"shape": "length", "points": [at(1.0, 1.0), at(9.0, 9.0)]}),
    );
    let films = lay_out(&headers(&small_film()));
    let film = &films[0].frames[0];
    add(
        &target(film),
        "film",
        json!({"shape": "rectangle", "label": "Nodule", "space": "pixel",
            "points": [[7.5, 3.5], [40.5, 22.5]]}),
    );
    let marks = lines.len();
    let mut said = target(film);
    said["op"] = json!("tag");
    said["name"] = json!("poor quality");
    said["reader"] = json!("bob");
    said["on"] = json!(true);
    said.as_object_mut().unwrap().remove("frame_of_reference");
    lines.push(said.to_string());
    let study = &film.instance.study.uid;
    lines.push(json!({"op": "score", "study": study, "name": "BI-RADS", "grade": 4}).to_string());
    let (row_mm, column_mm) = anchor.spacing.row_column();
    (lines.join("\n") + "\n", marks, row_mm.max(column_mm))
}

/// What a store keeps, by id; without times.
fn kept(store: &Path) -> Vec<Value> {
    let out = run(store, &["edit", "--list"], "");
    let mut all: Vec<Value> = out
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    for value in &mut all {
        value.as_object_mut().unwrap().remove("created_ms");
    }
    all.sort_by_key(|v| {
        (
            v["op"].to_string(),
            v["id"].to_string(),
            v["name"].to_string(),
        )
    });
    all
}

fn find<'a>(all: &'a [Value], id: &str) -> &'a Value {
    all.iter().find(|v| v["id"] == id).unwrap()
}

/// The farthest that points of two marks lie apart.
fn apart(a: &Value, b: &Value) -> f64 {
    let points = |v: &Value| -> Vec<DVec3> {
        let all = v["points"].as_array().unwrap().iter();
        let number = |p: &Value, at: usize| p[at].as_f64().unwrap();
        all.map(|p| DVec3::new(number(p, 0), number(p, 1), number(p, 2)))
            .collect()
    };
    let (a, b) = (points(a), points(b));
    assert_eq!(a.len(), b.len());
    a.iter()
        .zip(b)
        .map(|(p, q)| p.distance(q))
        .fold(0.0, f64::max)
}

#[test]
fn labels_go_out_and_come_back_in_four_forms() {
    let folder = tempfile::tempdir().unwrap();
    let first = store(folder.path(), "first");
    let (lines, marks, pixel_mm) = lines();
    let acks = run(&first, &["edit", "--stdin"], &lines);
    assert_eq!(acks.matches("ACK").count(), marks + 2, "{acks}");
    let out = folder.path().join("out");
    let out = out.to_str().unwrap();
    let export = [
        "annotations",
        "export",
        "--format",
        "coco",
        "--format",
        "yolo",
        "--format",
        "yolo-pose",
        "--format",
        "voc",
        "--format",
        "csv",
        "--images",
        "--out",
        out,
        "--json",
    ];
    let (code, said, errors) = ran(&first, &export, "");
    assert_eq!(code, Some(1), "a length is no label: {errors}");
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(
        said["label_sets"]["left"],
        json!([{"id": "length", "code": "NO_LABEL",
        "sentence": "it is a measurement or a text, and no label"}])
    );
    let mine = kept(&first);
    let into = |name: &str, form: &str, path: String| {
        let dir = store(folder.path(), name);
        let import = ["annotations", "import", &path, "--format", form, "--json"];
        let said = run(&dir, &import, "");
        let again: Value = serde_json::from_str(&run(&dir, &import, "")).unwrap();
        assert_eq!(
            (&again["marks"], &again["answers"]),
            (&json!(0), &json!(0)),
            "{form}"
        );
        let said: Value = serde_json::from_str(&said).unwrap();
        (said, kept(&dir))
    };

    // The table: everything, bit for bit.
    let (said, back) = into("csv", "csv", format!("{out}/labels.csv"));
    assert_eq!(
        (&said["marks"], &said["answers"]),
        (&json!(marks), &json!(2))
    );
    assert_eq!(back, mine);

    // COCO: everything but the measurement, in the space that it was drawn in.
    let (said, back) = into("coco", "coco", format!("{out}/coco"));
    assert_eq!(
        (&said["marks"], &said["answers"]),
        (&json!(marks - 1), &json!(2))
    );
    for mark in mine
        .iter()
        .filter(|v| v["op"] == "add" && v["id"] != "length")
    {
        let found = find(&back, mark["id"].as_str().unwrap());
        for field in [
            "study", "series", "instance", "frame", "label", "group", "space", "author",
        ] {
            assert_eq!(found[field], mark[field], "{field} of {}", mark["id"]);
        }
        if mark["id"] == "film" {
            // Two corners come back as three.
            assert_eq!(
                found["points"],
                json!([[7.5, 3.5, 0.0], [40.5, 3.5, 0.0], [40.5, 22.5, 0.0]])
            );
        } else {
            assert_eq!(found["shape"], mark["shape"]);
            assert!(apart(mark, found) < 1e-9, "{mark} {found}");
        }
    }
    let answers = |all: &[Value]| -> Vec<Value> {
        all.iter().filter(|v| v["op"] != "add").cloned().collect()
    };
    assert_eq!(answers(&back), answers(&mine));

    // YOLO and VOC: boxes.
    for (form, near) in [("yolo", 1e-6), ("voc", 0.75 * pixel_mm)] {
        let (said, back) = into(form, form, format!("{out}/{form}"));
        assert_eq!(said["marks"], json!(3), "{form}");
        let boxes = back.iter().filter(|v| v["op"] == "add");
        let found: Vec<&Value> = boxes
            .filter(|v| v["instance"] == find(&mine, "box")["instance"])
            .collect();
        let nodule = found.iter().find(|v| v["label"] == "Nodule").unwrap();
        assert!(apart(find(&mine, "box"), nodule) < near, "{form}");
        assert!(found.iter().any(|v| v["label"] == "Mass"));
        let film = back
            .iter()
            .find(|v| v["instance"] == find(&mine, "film")["instance"])
            .unwrap();
        // The edges lie between pixels: exact in both.
        let expected = json!([[7.5, 3.5, 0.0], [40.5, 3.5, 0.0], [40.5, 22.5, 0.0]]);
        let same = film["points"]
            .as_array()
            .unwrap()
            .iter()
            .zip(expected.as_array().unwrap());
        for (a, b) in same {
            let off = |at: usize| (a[at].as_f64().unwrap() - b[at].as_f64().unwrap()).abs();
            assert!(off(0) < 1e-9 && off(1) < 1e-9, "{form}: {film}");
        }
    }
    // YOLO pose: the points, together, with their names.
    let (said, back) = into("pose", "yolo-pose", format!("{out}/yolo-pose"));
    assert_eq!(said["marks"], json!(2));
    for id in ["k1", "k2"] {
        let before = find(&mine, id);
        let mut found = back.iter().filter(|v| v["label"] == before["label"]);
        let found = found.next().unwrap();
        assert_eq!(
            (&found["shape"], &found["group"]),
            (&json!("point"), &json!("Heart and thorax"))
        );
        assert!(apart(before, found) < 1e-6, "{id}");
    }
    // What leaves names nobody: neither names of people nor UIDs, but for the key.
    let key = std::fs::read_to_string(format!("{out}/coco/images.csv")).unwrap();
    let uid = find(&mine, "box")["instance"].as_str().unwrap().to_owned();
    assert!(key.contains(&uid));
    for file in [
        "coco/annotations/instances.json",
        "voc/Annotations/000001.xml",
        "yolo/data.yaml",
    ] {
        let text = std::fs::read_to_string(format!("{out}/{file}")).unwrap();
        assert!(!text.contains(&uid) && !text.contains("1.2.826"), "{file}");
    }
    // Pictures have the size that the sets say.
    let coco = std::fs::read_to_string(format!("{out}/coco/annotations/instances.json")).unwrap();
    let coco: Value = serde_json::from_str(&coco).unwrap();
    let images = coco["images"].as_array().unwrap();
    assert_eq!(images.len(), 2);
    for image in images {
        let name = image["file_name"].as_str().unwrap();
        for place in ["coco/images", "voc/JPEGImages", "yolo/images/all"] {
            let picture = image::open(format!("{out}/{place}/{name}")).unwrap();
            assert_eq!(json!(picture.width()), image["width"]);
            assert_eq!(json!(picture.height()), image["height"]);
        }
    }
}

#[test]
fn a_split_is_by_patient_and_what_is_there_is_not_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let first = store(folder.path(), "first");
    let (lines, ..) = lines();
    run(&first, &["edit", "--stdin"], &lines);
    let out = folder.path().join("out");
    let export = |out: &Path, seed: &str| {
        let out = out.to_str().unwrap();
        let arguments = [
            "annotations",
            "export",
            "--format",
            "coco",
            "--format",
            "yolo",
            "--all-pictures",
            "--split",
            "50,25,25",
            "--seed",
            seed,
            "--out",
            out,
            "--json",
        ];
        ran(&first, &arguments, "").0
    };
    assert_eq!(export(&out, "3"), Some(1), "a length is left");
    assert_eq!(export(&out, "3"), Some(9), "nothing is written over");
    // The CT and both radiographs of the demo are of one person: all are in one part.
    let key = std::fs::read_to_string(out.join("coco/images.csv")).unwrap();
    let parts: std::collections::BTreeSet<&str> = key
        .lines()
        .skip(1)
        .map(|l| l.split(',').nth(1).unwrap())
        .collect();
    assert_eq!(parts.len(), 1, "{parts:?}");
    assert!(
        key.lines().count() > 10,
        "slices without labels are there, too"
    );
    let part = parts.first().unwrap();
    assert!(
        out.join(format!("coco/annotations/instances_{part}.json"))
            .is_file()
    );
    assert!(out.join(format!("yolo/labels/{part}/000001.txt")).is_file());
    let again = folder.path().join("again");
    assert_eq!(export(&again, "3"), Some(1));
    assert_eq!(
        std::fs::read_to_string(again.join("coco/images.csv")).unwrap(),
        key
    );
}

#[test]
fn a_set_that_is_none_is_refused_and_nothing_is_taken_in() {
    let folder = tempfile::tempdir().unwrap();
    let dir = store(folder.path(), "first");
    let path = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let import = |form: &str, path: &str| {
        let (code, _, said) = ran(&dir, &["annotations", "import", path, "--format", form], "");
        (code, said)
    };
    let table = path("labels.csv", "what,study\ntag,1\n");
    let (code, said) = import("csv", &table);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("line 2"), "{said}");
    let coco = path("set/instances.json", "{}");
    assert_eq!(import("coco", &coco).0, Some(9), "there is no key");
    path("set/images.csv", "file,instance\n1.png,1.2\n");
    assert_eq!(import("coco", &coco).0, Some(3));
    assert_eq!(run(&dir, &["edit", "--list"], ""), "");
}

#[test]
fn the_queue_and_the_agreement_of_readers_are_told_by_commands() {
    let folder = tempfile::tempdir().unwrap();
    let dir = store(folder.path(), "first");
    let films = lay_out(&headers(&small_film()));
    let instance = &films[0].frames[0].instance;
    let study = instance.study.uid.as_str();
    let mut lines = Vec::new();
    for (reader, left, grade) in [("ann", 10.0, 2), ("bob", 15.0, 4)] {
        // Edges between pixels: ten columns and rows, of which five columns are shared.
        let [near, far, top] = [left - 0.5, left + 9.5, 19.5];
        lines.push(json!({"op": "add", "study": study, "series": instance.series.uid,
            "instance": instance.sop_instance_uid, "space": "pixel", "shape": "rectangle",
            "points": [[near, top], [far, top + 10.0]], "label": "Nodule", "author": {"person": reader}}));
        lines.push(json!({"op": "score", "study": study, "name": "BI-RADS", "grade": grade, "reader": reader}));
    }
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    run(&dir, &["edit", "--stdin"], &(lines.join("\n") + "\n"));
    let said: Value = serde_json::from_str(&run(&dir, &["agreement", "--json"], "")).unwrap();
    let score = &said["ratings"][0];
    assert_eq!(
        (&score["name"], &score["complete"]),
        (&json!("BI-RADS"), &json!(1))
    );
    assert_eq!(
        score["pairs"][0]["readers"],
        json!(["reader 1", "reader 2"]),
        "accounts are names"
    );
    assert_eq!(score["pairs"][0]["same"], json!(0.0));
    let nodule = &said["outlines"][0];
    assert_eq!(
        (&nodule["class"], &nodule["dice"]),
        (&json!("Nodule"), &json!([[1.0, 0.5], [0.5, 1.0]]))
    );
    let named = run(&dir, &["agreement", "--json", "--show-phi"], "");
    assert!(named.contains("ann") && named.contains("bob"));

    run(
        &dir,
        &[
            "queue",
            "add",
            "--query",
            "modality:DX",
            "--to",
            "ann",
            "--to",
            "bob",
        ],
        "",
    );
    run(&dir, &["queue", "blind", "on"], "");
    run(
        &dir,
        &[
            "queue", "state", "done", "--study", study, "--reader", "ann",
        ],
        "",
    );
    let listed = run(
        &dir,
        &["queue", "list", "--json", "--reader", "ann", "--show-phi"],
        "",
    );
    let last: Value = serde_json::from_str(listed.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&last["blind"], &last["summary"]["percent"]),
        (&json!(true), &json!(100))
    );
    let next = run(&dir, &["queue", "next", "--reader", "bob", "--json"], "");
    let next: Value = serde_json::from_str(&next).unwrap();
    assert_eq!(
        (&next["study_instance_uid"], &next["reader"]),
        (&json!(study), &json!("[redacted]"))
    );
    let (code, _, said) = ran(&dir, &["queue", "state", "done", "--study", "1.2"], "");
    assert_eq!(code, Some(3), "{said}");
}

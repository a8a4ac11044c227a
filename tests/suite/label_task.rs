//! A whole task of labelling radiographs, played in the window as `tests/data/labelling/radiograph.txt` has it, in both
//! languages: what lies in the store at the end, and what leaves as COCO.
//!
//! `LABELLING_OUT=DIR` keeps a picture of every part, to be looked at.

use crate::{
    readings::outside::{make, ran, run},
    ui_snapshots::{alone, small_demo},
};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/labelling/radiograph.txt")
}

fn part(parts: &Path, name: &str) -> Value {
    let entries = std::fs::read_dir(parts).unwrap().map(|e| e.unwrap().path());
    let ending = format!("-{name}.json");
    let mut found = entries.filter(|p| p.to_str().unwrap().ends_with(&ending));
    serde_json::from_slice(&std::fs::read(found.next().unwrap()).unwrap()).unwrap()
}

fn words(tree: &Value) -> Vec<String> {
    let nodes = tree["nodes"].as_array().unwrap().iter();
    let words = nodes.flat_map(|n| [&n["label"], &n["value"]]);
    words
        .filter_map(|w| w.as_str().map(str::to_owned))
        .collect()
}

#[test]
fn a_radiograph_is_labelled_and_leaves_as_coco() {
    let _one = alone();
    for (language, progress) in [
        ("en", "1 of 2 done, 50 %, 1 flagged"),
        ("zh-CN", "已完成 1 / 2，50 %，标旗 1"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("store");
        make(&store, &small_demo().1.images[1..], &[]);
        let added = run(&store, &["queue", "add", "--query", "", "--json"], "");
        assert_eq!(
            serde_json::from_str::<Value>(&added).unwrap(),
            json!({"added": 2})
        );
        let parts = match std::env::var_os("LABELLING_OUT") {
            Some(folder) => PathBuf::from(folder).join(language),
            None => folder.path().join("parts"),
        };
        let set = format!("language={language}");
        let played = [
            "screen",
            "--device",
            "cpu",
            "--script",
            script().to_str().unwrap(),
            "--set",
            &set,
            "--parts",
            parts.to_str().unwrap(),
        ]
        .map(str::to_owned);
        let played: Vec<&str> = played.iter().map(String::as_str).collect();
        run(&store, &played, "");
        let undone = part(&parts, "undo");
        assert_eq!(
            (&undone["keeping"]["marks"], &undone["keeping"]["unsaved"]),
            (&json!(0), &json!(0))
        );
        let first = part(&parts, "case")["viewports"][0]["study_uid"].clone();
        let second = part(&parts, "next")["viewports"][0]["study_uid"].clone();
        assert_ne!(first, second, "the next case is on the screen");
        let end = words(&part(&parts, "flagged"));
        assert!(end.iter().any(|w| w == progress), "{end:?}");

        // What the store keeps, asked from outside.
        let kept = run(&store, &["edit", "--list"], "");
        let kept: Vec<Value> = kept
            .lines()
            .map(|l| serde_json::from_str(l).unwrap())
            .collect();
        let ops: Vec<&str> = kept.iter().map(|v| v["op"].as_str().unwrap()).collect();
        assert_eq!(ops, ["add", "add", "score", "tag"], "{kept:?}");
        let (score, tag) = (&kept[2], &kept[3]);
        let drawn = |shape: &str| kept.iter().find(|v| v["shape"] == shape).unwrap();
        let (mark, point) = (drawn("rectangle"), drawn("point"));
        assert_eq!(
            (&point["label"], &point["instance"]),
            (&mark["label"], &mark["instance"])
        );
        assert_eq!(
            (&mark["label"], &mark["code"]["value"]),
            (&json!("Nodule"), &json!("27925004"))
        );
        assert_eq!(
            (&mark["study"], &score["study"], &tag["study"]),
            (&first, &first, &first)
        );
        assert_eq!(
            (&score["name"], &score["grade"]),
            (&json!("BI-RADS"), &json!(2))
        );
        assert_eq!(tag["instance"], mark["instance"]);
        let cases = run(&store, &["queue", "list", "--json"], "");
        let states: Vec<Value> = cases
            .lines()
            .filter_map(|l| {
                serde_json::from_str::<Value>(l)
                    .unwrap()
                    .get("state")
                    .cloned()
            })
            .collect();
        assert_eq!(states, ["done", "flagged"]);
        let (code, _, said) = ran(&store, &["queue", "next", "--json"], "");
        assert_eq!(code, Some(1), "no case is left: {said}");

        // It leaves as COCO, with its picture.
        let out = folder.path().join("out");
        let export = [
            "annotations",
            "export",
            "--format",
            "coco",
            "--images",
            "--out",
        ];
        run(
            &store,
            &[&export[..], &[out.to_str().unwrap()]].concat(),
            "",
        );
        let coco = out.join("coco/annotations/instances.json");
        let coco: Value = serde_json::from_slice(&std::fs::read(coco).unwrap()).unwrap();
        let annotations = coco["annotations"].as_array().unwrap();
        assert_eq!(annotations.len(), 2);
        let of = |shape: &str| annotations.iter().find(|a| a["shape"] == shape).unwrap();
        let floats = |value: &Value| -> Vec<f64> {
            let all = value.as_array().unwrap().iter();
            all.map(|n| n.as_f64().unwrap()).collect()
        };
        let bbox = floats(&of("box")["bbox"]);
        let at = floats(&of("keypoints")["keypoints"]);
        assert!(
            (at[0] - 70.5).abs() < 0.2 && (at[1] - 44.5).abs() < 0.2,
            "{at:?}"
        );
        assert_eq!(at[2], 2.0);
        // From the centres of pixels (30, 30) to (58, 52), as far as the hand hits them.
        for (found, expected) in bbox.iter().zip([30.5, 30.5, 28.0, 22.0]) {
            assert!((found - expected).abs() < 0.2, "{bbox:?}");
        }
        assert_eq!(coco["categories"][0]["name"], "Nodule");
        let answers = &coco["images"][0]["answers"];
        assert_eq!(answers.as_array().unwrap().len(), 2, "{answers}");
        assert!(out.join("coco/images/000001.png").is_file());

        // Another store takes it in: the same marks, tag and grade.
        let second = folder.path().join("second");
        make(&second, &small_demo().1.images[1..], &[]);
        let set = out.join("coco");
        let import = ["annotations", "import", set.to_str().unwrap()];
        run(&second, &[&import[..], &["--format", "coco"]].concat(), "");
        let back = run(&second, &["edit", "--list"], "");
        let back: Vec<Value> = back
            .lines()
            .map(|l| serde_json::from_str(l).unwrap())
            .collect();
        assert_eq!(back.len(), kept.len());
        for (before, after) in kept.iter().zip(&back) {
            for field in ["op", "study", "instance", "label", "name", "grade"] {
                assert_eq!(before[field], after[field], "{field}");
            }
        }
    }
}

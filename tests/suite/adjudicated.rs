//! Masks of two readers, one of them what a network proposed and a reader accepted, judged in the window as
//! `tests/data/labelling/adjudication.txt` has it: what was taken is seen, leaves as DICOM with its report, and is read back.
//!
//! `LABELLING_OUT=DIR` keeps a picture of every part, to be looked at.

use crate::{
    readings::outside::{PASSPHRASE, make, run},
    support::program,
    ui_list::headers,
    ui_snapshots::{alone, small_demo},
};
use negatoscope::{
    dicom::assemble::lay_out,
    model::{
        edit::Edit,
        layout::SeriesLayout,
        segmentation::{
            Segment, SegmentOrigin, SegmentState, Segmentation, SegmentationId, VoxelSource,
        },
    },
    store::{KdfCost, Passphrase, Store, accounts},
};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const NETWORK: &str = "ct-lesions";

/// A box of 6 × 4 × 2 voxels that a reader stands behind.
fn painted(store: &Path, ct: &SeriesLayout, reader: &str, at: [usize; 3]) {
    let grid = ct.volume.unwrap();
    let instance = ct.first_instance().unwrap();
    let mut whole = Segmentation::new(SegmentationId(format!("2.25.77{}", at[0])), grid);
    whole.study_uid = instance.study.uid.clone();
    whole.series_uid = instance.series.uid.clone();
    let mut segment = Segment::new(1, "Nodule");
    segment.by = reader.into();
    segment.changed_ms = 5;
    if reader == "ann" {
        segment.state = SegmentState::Accepted;
        segment.probability = Some(0.625);
        segment.origin = SegmentOrigin::Automatic {
            algorithm: NETWORK.into(),
            version: "1".into(),
            sha256: "ab".repeat(32),
        };
    }
    whole.put_segment(segment);
    let layer = whole.layer_mut(0).unwrap();
    for z in at[2]..at[2] + 2 {
        for y in at[1]..at[1] + 4 {
            layer.map_row([y, z], at[0]..at[0] + 6, |_, _| 1);
        }
    }
    let edits = whole.edits_from(None, &VoxelSource::restored());
    let edits: Vec<Edit> = edits.into_iter().map(Edit::Segmentation).collect();
    let mut store = Store::open_as(store, Some(reader), &Passphrase::new(reader)).unwrap();
    store.commit(&edits).unwrap();
}

fn nodes(said: &Value, name: &str) -> Vec<Value> {
    let all = said["nodes"].as_array().unwrap().iter();
    let named = |n: &&Value| n["name"]["meaning"] == name;
    all.filter(named).map(|n| n["value"].clone()).collect()
}

#[test]
fn what_an_adjudicator_took_is_seen_leaves_and_comes_back() {
    let _one = alone();
    let folder = tempfile::tempdir().unwrap();
    let series = small_demo().1.images[0].clone();
    let ct = lay_out(&headers(&series)).remove(0);
    let store = folder.path().join("store");
    make(&store, std::slice::from_ref(&series), &[]);
    {
        let mut store = Store::open(&store, &Passphrase::new(PASSPHRASE)).unwrap();
        for name in ["ann", "bob"] {
            let pass = Passphrase::new(name);
            let role = negatoscope::model::access::Role::Annotator;
            store
                .add_account(name, role, &pass, KdfCost::CHEAP)
                .unwrap();
        }
    }
    painted(&store, &ct, "ann", [20, 20, 10]);
    painted(&store, &ct, "bob", [23, 20, 10]);

    // The commands know what they share: half of each.
    let said: Value = serde_json::from_str(&run(&store, &["agreement", "--json"], "")).unwrap();
    let nodule = &said["segments"][0];
    assert_eq!(
        (&nodule["class"], &nodule["dice"], &nodule["series"]),
        (
            &json!("Nodule"),
            &json!([[1.0, 0.5], [0.5, 1.0]]),
            &json!([[1, 1], [1, 1]])
        )
    );

    let out = match std::env::var_os("LABELLING_OUT") {
        Some(folder) => PathBuf::from(folder).join("adjudication"),
        None => folder.path().join("out"),
    };
    std::fs::create_dir_all(&out).unwrap();
    for file in ["left.dcm", "union.dcm"] {
        let _ = std::fs::remove_file(out.join(file));
    }
    let script =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/labelling/adjudication.txt");
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let parts = out.join("parts");
    let played = [
        "screen".to_owned(),
        "--device".into(),
        "cpu".into(),
        "--script".into(),
        text(&script),
        "--set".into(),
        format!("series={}", text(&series)),
        "--set".into(),
        format!("out={}", text(&out)),
        "--set".into(),
        "slice=11".into(),
        "--parts".into(),
        text(&parts),
    ];
    let played: Vec<&str> = played.iter().map(String::as_str).collect();
    run(&store, &played, "");
    let part = |name: &str| -> Value {
        let ending = format!("-{name}.json");
        let entries = std::fs::read_dir(&parts)
            .unwrap()
            .map(|e| e.unwrap().path());
        let mut found = entries.filter(|p| text(p).ends_with(&ending));
        serde_json::from_slice(&std::fs::read(found.next().unwrap()).unwrap()).unwrap()
    };
    // Both are side by side, with Dice and volumes; “What was taken” is ticked where it was.
    let words = |name: &str| -> Vec<String> {
        let tree = part(name);
        let nodes = tree["nodes"].as_array().unwrap().iter();
        let said = nodes.flat_map(|n| [&n["label"], &n["value"]]);
        said.filter_map(|w| w.as_str().map(str::to_owned)).collect()
    };
    let compared = words("compared");
    assert!(compared.iter().any(|w| w == "Dice 0.500"), "{compared:?}");
    for name in ["ann", "bob"] {
        assert!(compared.iter().any(|w| w == name));
    }
    assert_eq!(part("compared")["viewports"].as_array().unwrap().len(), 2);
    // One step, taken back and done again.
    let redo =
        ["taken", "both", "undone", "again"].map(|name| part(name)["keeping"]["redo"] == true);
    assert_eq!(redo, [false, false, true, false]);

    // What left, with its report, read by other commands.
    let [columns, rows, _] = ct.volume.unwrap().size;
    let mm3 = ct.volume.unwrap().spacing_mm().iter().product::<f64>();
    for (name, width) in [("left", 6usize), ("union", 9)] {
        let seg = text(&out.join(format!("{name}.dcm")));
        let [again, report, mask] = ["again.dcm", "report.dcm", "mask.nrrd"].map(|end| {
            let file = folder.path().join(format!("{name}-{end}"));
            text(&file)
        });
        let image = text(&series);
        program(&[
            "convert-labels",
            &seg,
            "--image",
            &image,
            "--out",
            &again,
            "--report",
            &report,
        ]);
        let said: Value = serde_json::from_str(&program(&["content", &report, "--json"])).unwrap();
        let voxels = width * 4 * 2;
        let volumes: Vec<f64> = nodes(&said, "Volume")
            .iter()
            .map(|v| v["number"].as_f64().unwrap())
            .collect();
        assert_eq!(volumes.len(), 1);
        assert!(
            (volumes[0] / (voxels as f64 * mm3) - 1.0).abs() < 1e-6,
            "{volumes:?}"
        );
        // What the network was sure of is what it drew, not what two made of it.
        let sure: Vec<f64> = nodes(&said, "Certainty of Finding")
            .iter()
            .map(|v| v["number"].as_f64().unwrap())
            .collect();
        let wanted: &[f64] = if name == "left" { &[62.5] } else { &[] };
        assert_eq!(sure, wanted, "{name}");
        assert_eq!(nodes(&said, "Algorithm Name").len(), 1, "{name}");
        // The object names both pictures and network, and its voxels are those that were taken.
        program(&["convert-labels", &again, "--image", &image, "--out", &mask]);
        let read = negatoscope::formats::read(Path::new(&mask), &Default::default()).unwrap();
        let frames = read.volumes[0].frames.iter().enumerate();
        let inside: Vec<usize> = frames
            .flat_map(|(z, f)| {
                let values: Vec<f64> = f.values().collect();
                let set = values.into_iter().enumerate().filter(|(_, v)| *v > 0.0);
                set.map(|(i, _)| z * columns * rows + i).collect::<Vec<_>>()
            })
            .collect();
        let wanted: Vec<usize> = (10..12)
            .flat_map(|z| {
                (20..24)
                    .flat_map(move |y| (20..20 + width).map(move |x| (z * rows + y) * columns + x))
            })
            .collect();
        assert_eq!(inside, wanted, "{name}");
    }

    // The store says of every voxel what was taken of whom; readers' own masks are as they were.
    let store = Store::open(&store, &Passphrase::new(PASSPHRASE)).unwrap();
    let kept = &store.kept().segmentations;
    assert_eq!(kept.len(), 3);
    let own = kept
        .values()
        .find(|s| s.segments().any(|s| s.by == accounts::OWNER))
        .unwrap();
    let origins = store.voxel_origins(&own.id, [27, 21, 11]).unwrap();
    let last = origins.last().unwrap();
    assert_eq!(last.source.tool, "reviewer");
    assert!(
        last.source.prompt.starts_with("union of 2.25.77"),
        "{}",
        last.source.prompt
    );
    let segment = own.segments().next().unwrap();
    assert_eq!(
        (segment.state, segment.probability),
        (SegmentState::Accepted, None)
    );
    assert!(
        matches!(&segment.origin, SegmentOrigin::SemiAutomatic { algorithm, .. } if algorithm == NETWORK)
    );
}

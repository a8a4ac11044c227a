//! `segment`, `evaluate`, `models` and `train` on the command line.

use super::tiny_task;
use clap::Parser as _;
use image::{GrayImage, Luma};
use negatoscope::cli::{self, Common, Exit, Output};
use serde_json::Value;
use std::{
    io::{self, Write},
    path::Path,
    sync::{Arc, Mutex},
};

/// As the program's own, without the window.
#[derive(clap::Parser)]
struct Arguments {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: cli::Command,
}

/// What a command wrote and how it ended.
pub(super) struct Ended {
    pub(super) exit: Exit,
    pub(super) out: String,
    pub(super) err: String,
}

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// Runs a command in this process. Arguments that begin with `@` are paths in the folder.
pub(super) fn run(folder: &Path, arguments: &[&str]) -> Ended {
    let placed = arguments
        .iter()
        .map(|argument| match argument.strip_prefix('@') {
            Some(path) => folder.join(path).display().to_string(),
            None => (*argument).to_owned(),
        });
    let store = folder.join("store").display().to_string();
    let common = ["--store", &store, "--clock", "2026-11-23T12:00:00Z"].map(str::to_owned);
    let line = std::iter::once("negatoscope".to_owned())
        .chain(placed)
        .chain(common);
    let given = Arguments::try_parse_from(line).unwrap();
    let (out, err) = (Sink::default(), Sink::default());
    let mut output = Output::to(Box::new(out.clone()), Box::new(err.clone()));
    let exit = cli::run(given.command, &given.common, &mut output);
    drop(output);
    Ended {
        exit,
        out: out.text(),
        err: err.text(),
    }
}

pub(super) fn lines(ended: &Ended) -> Vec<Value> {
    assert_eq!(ended.exit, Exit::Done, "{}", ended.err);
    ended
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Two dark fields on bright ground, 300 wide and 260 high: enough for the lung model to say something.
fn film(path: &Path) {
    let film = GrayImage::from_fn(300, 260, |x, y| {
        let field = |cx: f64| {
            let (dx, dy) = (f64::from(x) - cx, f64::from(y) - 130.0);
            dx * dx / 2500.0 + dy * dy / 8100.0 <= 1.0
        };
        Luma([if field(90.0) || field(210.0) { 60 } else { 190 }])
    });
    film.save(path).unwrap();
}

#[test]
fn segment_writes_a_mask_of_the_pictures_size() {
    let folder = tempfile::tempdir().unwrap();
    film(&folder.path().join("film.png"));
    let segment = |out: &str| {
        lines(&run(
            folder.path(),
            &[
                "segment",
                "@film.png",
                "--model",
                "lung-fields",
                "--out",
                out,
                "--device",
                "cpu",
                "--json",
            ],
        ))
    };
    let found = segment("@mask.png");
    assert_eq!(found.len(), 1);
    let v = &found[0];
    assert_eq!(v["model"], "lung-fields");
    assert_eq!(v["device"], "CPU (flex)");
    assert_eq!(v["finished"], "2026-11-23T12:00:00Z");
    assert_eq!(v["sha256"].as_str().unwrap().len(), 64);
    assert!(v["seconds"].as_f64().unwrap() > 0.0);
    assert_eq!(v["notice"], "AI, not for diagnostic use");
    let s = &v["segments"][0];
    assert_eq!(s["confidence_note"], "confidence not calibrated");
    assert!(s["area_mm2"].is_null());
    assert_eq!(v["findings"][0]["code"], "SCOPE_UNKNOWN");
    let mask = image::open(folder.path().join("mask.png"))
        .unwrap()
        .into_luma8();
    assert_eq!(mask.dimensions(), (300, 260));
    assert!(mask.pixels().all(|p| p.0[0] == 0 || p.0[0] == 255));
    let white = mask.pixels().filter(|p| p.0[0] == 255).count();
    assert_eq!(s["area_px"].as_u64(), Some(white as u64));
    // Same input, same bytes.
    segment("@again.png");
    let bytes = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    assert_eq!(bytes("mask.png"), bytes("again.png"));
}

#[test]
fn segment_says_what_it_cannot_do() {
    let folder = tempfile::tempdir().unwrap();
    film(&folder.path().join("film.png"));
    let colour = image::RgbImage::from_fn(64, 64, |x, y| image::Rgb([x as u8 * 3, y as u8, 200]));
    colour.save(folder.path().join("holiday.png")).unwrap();
    std::fs::write(folder.path().join("text.png"), "no picture").unwrap();
    let check = |input: &str, out: &str, model: &str, exit: Exit, part: &str| {
        let arguments = [
            "segment", input, "--out", out, "--model", model, "--device", "cpu",
        ];
        let ended = run(folder.path(), &arguments);
        assert_eq!(ended.exit, exit, "{}", ended.err);
        assert!(
            ended.err.contains(part),
            "`{}` does not say `{part}`",
            ended.err
        );
    };
    let lungs = "lung-fields";
    check(
        "@film.png",
        "@m.dcm",
        lungs,
        Exit::Unsupported,
        "no DICOM objects",
    );
    check("@film.png", "@m.nii.gz", lungs, Exit::Unsupported, "NIfTI");
    check("@holiday.png", "@m.png", lungs, Exit::Rejected, "colour");
    check("@text.png", "@m.png", lungs, Exit::Rejected, "text.png");
    check("@nothing.png", "@m.png", lungs, Exit::Io, "nothing.png");
    check("@film.png", "@m.png", "liver", Exit::Usage, "liver");
    for name in ["m.png", "m.dcm", "m.nii.gz"] {
        assert!(!folder.path().join(name).exists());
    }
}

#[test]
fn classify_gives_a_calibrated_probability_or_says_why_not() {
    let folder = tempfile::tempdir().unwrap();
    film(&folder.path().join("film.png"));
    let grey = GrayImage::from_pixel(200, 200, Luma([90]));
    grey.save(folder.path().join("grey.png")).unwrap();
    let classify = |picture: &str, model: &str, more: &[&str]| {
        let arguments = ["classify", picture, "--model", model, "--device", "cpu"];
        run(folder.path(), &[&arguments[..], more].concat())
    };
    let found = lines(&classify("@film.png", "chest-tb", &["--json"]));
    let v = &found[0];
    assert_eq!(
        (&v["model"], &v["calibrated"]),
        (&"chest-tb".into(), &true.into())
    );
    let probability = v["probability"].as_f64().unwrap();
    let band: Vec<f64> = v["abstention_band"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_f64)
        .collect();
    let between = probability > band[0] && probability < band[1];
    assert_eq!(v["abstained"], between);
    assert_eq!(v["answer"].is_null(), between);
    // Both fields with room around them, and not the whole film.
    let side = |name: &str, i: usize| v["looked_at"][name][i].as_u64().unwrap();
    assert!(side("columns", 0) < 60 && side("columns", 1) > 240);
    assert!(side("rows", 0) > 10 && side("rows", 1) < 250, "{v}");
    assert_eq!(v["notice"], "AI, not for diagnostic use");
    let said = classify("@film.png", "chest-tb", &[]).out;
    assert!(
        said.contains(&format!("{:.0} %", 100.0 * probability)),
        "{said}"
    );
    let none = classify("@grey.png", "chest-tb", &[]);
    assert_eq!(none.exit, Exit::Rejected);
    assert!(none.err.contains("No lungs were found"), "{}", none.err);
    let masks = classify("@film.png", "lung-fields", &[]);
    assert_ne!(masks.exit, Exit::Done);
    assert!(masks.err.contains("tells no classes"), "{}", masks.err);
}

#[test]
fn evaluate_compares_files_and_folders() {
    let folder = tempfile::tempdir().unwrap();
    let square = |name: &str, from: u32, value: u8| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let inside = |x, y| (from..from + 8).contains(&x) && (4..12).contains(&y);
        GrayImage::from_fn(20, 20, |x, y| Luma([if inside(x, y) { value } else { 0 }]))
            .save(path)
            .unwrap();
    };
    square("truth/a.png", 4, 255);
    square("truth/b.png", 4, 1);
    square("truth/c.png", 4, 255);
    square("pred/a.png", 4, 255);
    square("pred/b.png", 6, 1);
    let one = lines(&run(
        folder.path(),
        &[
            "evaluate",
            "--truth",
            "@truth/b.png",
            "--pred",
            "@pred/b.png",
            "--spacing",
            "1,0.5",
            "--json",
        ],
    ));
    assert_eq!(one.len(), 1);
    // 8 × 8 against 8 × 8, two columns apart: 48 of 64 shared; edges one millimetre apart.
    assert_eq!(one[0]["dice"].as_f64(), Some(0.75));
    assert_eq!(one[0]["iou"].as_f64(), Some(0.6));
    assert_eq!(one[0]["hd95"].as_f64(), Some(1.0));
    let many = run(
        folder.path(),
        &["evaluate", "--truth", "@truth", "--pred", "@pred", "--json"],
    );
    assert_eq!(many.exit, Exit::Finding, "a prediction is missing");
    assert!(many.err.contains("no prediction for c"));
    let last: Value = serde_json::from_str(many.out.lines().last().unwrap()).unwrap();
    assert_eq!(last["summary"]["cases"], 2);
    assert_eq!(last["summary"]["failed"], 1);
    assert_eq!(last["summary"]["mean"]["dice"].as_f64(), Some(0.875));
    let mixed = run(
        folder.path(),
        &["evaluate", "--truth", "@truth", "--pred", "@pred/a.png"],
    );
    assert_eq!(mixed.exit, Exit::Usage);
}

#[test]
fn evaluate_knows_segments_and_probabilities() {
    let folder = tempfile::tempdir().unwrap();
    let save = |name: &str, values: [u8; 4]| {
        let row = GrayImage::from_raw(4, 1, values.to_vec()).unwrap();
        row.save(folder.path().join(name)).unwrap();
    };
    save("truth.png", [0, 1, 2, 2]);
    save("pred.png", [0, 1, 1, 2]);
    let found = lines(&run(
        folder.path(),
        &[
            "evaluate",
            "--truth",
            "@truth.png",
            "--pred",
            "@pred.png",
            "--labels",
            "--json",
        ],
    ));
    assert_eq!(
        (found[0]["label"].as_u64(), found[1]["label"].as_u64()),
        (Some(1), Some(2))
    );
    // One of two found for segment 2, one too many for segment 1.
    assert!((found[0]["dice"].as_f64().unwrap() - 2.0 / 3.0).abs() < 1e-12);
    assert_eq!(found[1]["recall"].as_f64(), Some(0.5));
    save("mask.png", [0, 0, 255, 255]);
    save("grey.png", [51, 153, 102, 255]);
    let found = lines(&run(
        folder.path(),
        &[
            "evaluate",
            "--truth",
            "@mask.png",
            "--pred",
            "@grey.png",
            "--json",
        ],
    ));
    // Of four pairs of a true and a false pixel, three are in the right order.
    assert_eq!(found[0]["auroc"].as_f64(), Some(0.75));
    let squares = 0.2f64.powi(2) + 0.6f64.powi(2) + 0.6f64.powi(2);
    assert!((found[0]["mse"].as_f64().unwrap() - squares / 4.0).abs() < 1e-12);
}

#[test]
fn a_model_is_trained_imported_and_used() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = tiny_task(&folder.path().join("data"), 2);
    std::fs::write(folder.path().join("task.toml"), recipe.to_toml().unwrap()).unwrap();
    let train = [
        "train",
        "--task",
        "@task.toml",
        "--data",
        "@data",
        "--out",
        "@run",
        "--json",
    ];
    let epochs = lines(&run(folder.path(), &train));
    assert_eq!(epochs.len(), 3);
    assert_eq!(epochs[1]["epoch"], 2);
    let sha = epochs[2]["summary"]["sha256"].as_str().unwrap().to_owned();
    assert_eq!(
        run(folder.path(), &train).exit,
        Exit::Rejected,
        "a run was overwritten"
    );
    let imported = lines(&run(
        folder.path(),
        &["models", "import", "@run/tiny.toml", "--json"],
    ));
    assert_eq!(imported[0]["id"], "tiny");
    let listed = lines(&run(folder.path(), &["models", "list", "--json"]));
    let ids: Vec<&str> = listed.iter().filter_map(|l| l["id"].as_str()).collect();
    let bundled = ["chest-tb", "ct-lesions", "lung-fields"];
    assert_eq!(ids, [&bundled[..], &["tiny"]].concat());
    assert_eq!(listed[3]["sha256"], sha.as_str());
    let verified = lines(&run(folder.path(), &["models", "verify", "--json"]));
    assert_eq!(verified.last().unwrap()["summary"]["failed"], 0);
    let shown = lines(&run(folder.path(), &["models", "show", "tiny", "--json"]));
    assert_eq!(shown[0]["about"]["title"], "Ellipses");
    for model in ["tiny", "@run/tiny.safetensors"] {
        let picture = "@data/pictures/set_a.png";
        let found = lines(&run(
            folder.path(),
            &[
                "segment", picture, "--model", model, "--out", "@m.png", "--device", "cpu",
                "--json",
            ],
        ));
        assert_eq!(found[0]["sha256"], sha.as_str());
    }
    // One changed bit, and the model is no longer the one on the card.
    let weights = folder.path().join("store/models/tiny.safetensors");
    let mut bytes = std::fs::read(&weights).unwrap();
    let last = bytes.len() - 3;
    bytes[last] ^= 1;
    std::fs::write(&weights, bytes).unwrap();
    let verify = run(folder.path(), &["models", "verify", "tiny"]);
    assert_eq!(verify.exit, Exit::Finding);
    assert!(verify.out.contains("the model card says"));
}

#[test]
fn scores_are_judged_with_intervals_and_a_report() {
    let folder = tempfile::tempdir().unwrap();
    let mut table = String::from("name,patient,label,score\n");
    for i in 0..40 {
        let positive = i % 2;
        let score = f64::from((i * 37) % 41) / 41.0 * 0.7 + 0.3 * f64::from(positive);
        table += &format!("c{i},Doe^{},{positive},{score:.3}\n", i / 2);
    }
    std::fs::write(folder.path().join("scores.csv"), &table).unwrap();
    let found = lines(&run(
        folder.path(),
        &[
            "evaluate",
            "--scores",
            "@scores.csv",
            "--report",
            "@report.json",
            "--json",
        ],
    ));
    let summary = &found[0]["summary"];
    assert_eq!(summary["cases"], 40);
    assert_eq!(summary["intervals"]["by"], "patient");
    assert_eq!(summary["intervals"]["groups"], 20);
    for figure in [
        "auroc",
        "average_precision",
        "precision",
        "recall",
        "specificity",
        "f1",
        "accuracy",
        "brier",
        "ece",
    ] {
        let value = summary["value"][figure].as_f64().unwrap();
        let [low, high] = [0, 1].map(|i| summary["interval"][figure][i].as_f64().unwrap());
        assert!(low <= high && (0.0..=1.0).contains(&value), "{figure}");
        // The calibration error of a draw is biased upwards; the others lie within.
        assert!(
            figure == "ece" || (low <= value && value <= high),
            "{figure}"
        );
    }
    let json = std::fs::read_to_string(folder.path().join("report.json")).unwrap();
    let text = std::fs::read_to_string(folder.path().join("report.md")).unwrap();
    assert!(
        !json.contains("Doe") && !text.contains("Doe"),
        "patients are numbered"
    );
    let report: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(report["roc"].as_array().unwrap().len(), 41);
    assert_eq!(report["made"], "2026-11-23T12:00:00Z");
    assert!(text.contains("## Worst cases") && text.contains("| AUROC |"));
    // The same seed gives the same bytes, another one other intervals.
    let again = |seed: &str, name: &str| {
        let place = format!("@{name}");
        let ended = run(
            folder.path(),
            &[
                "evaluate",
                "--scores",
                "@scores.csv",
                "--seed",
                seed,
                "--report",
                &place,
            ],
        );
        assert_eq!(ended.exit, Exit::Done);
        std::fs::read_to_string(folder.path().join(name)).unwrap()
    };
    assert_eq!(again("1", "same.json"), json);
    assert_ne!(again("2", "other.json"), json);
    let wrong = |text: &str| {
        std::fs::write(folder.path().join("wrong.csv"), text).unwrap();
        run(folder.path(), &["evaluate", "--scores", "@wrong.csv"])
    };
    let ended = wrong("label,score\n1,0.5\n0,nan\n");
    assert_eq!(ended.exit, Exit::Rejected);
    assert!(
        ended.err.contains("line 3: `nan` is not a number"),
        "{}",
        ended.err
    );
    assert_eq!(wrong("").exit, Exit::Rejected);
}

#[test]
fn volumes_and_listed_pairs_are_compared_in_millimetres() {
    use glam::{DAffine3, DMat3, DVec3};
    use negatoscope::{
        formats::{self, VolumeOut},
        model::{
            geometry::GridGeometry,
            lut::{ModalityLut, ModalityUnit},
            pixels::{Frame, PixelBytes, StoredType},
            volume::Volume,
        },
    };
    let folder = tempfile::tempdir().unwrap();
    // A box of 4 × 4 × 2 voxels, one column further for the prediction; columns are 2 mm wide, slices 5 mm apart.
    let save = |name: &str, shift: usize, far: f64| {
        let frame = |slice: usize| {
            let inside = |i: usize| {
                let (x, y) = (i % 12, i / 12);
                (3 + shift..7 + shift).contains(&x) && (2..6).contains(&y) && slice > 0
            };
            let bytes = (0..144).map(|i| u8::from(inside(i))).collect();
            Frame::new(12, 12, 1, StoredType::U8, PixelBytes::from_vec(bytes)).unwrap()
        };
        let volume = Volume {
            grid: GridGeometry {
                size: [12, 12, 3],
                patient_from_voxel: DAffine3 {
                    matrix3: DMat3::from_diagonal(DVec3::new(2.0, 1.0, 5.0)),
                    translation: DVec3::splat(far),
                },
            },
            frames: (0..3).map(frame).collect(),
            modality_lut: ModalityLut::IDENTITY,
            unit: ModalityUnit::Unspecified,
            padding: None,
        };
        let path = folder.path().join(name);
        formats::write(&path, &VolumeOut::new(&volume)).unwrap();
    };
    save("truth.nii.gz", 0, 0.0);
    save("pred.nrrd", 1, 0.0);
    save("elsewhere.nii.gz", 0, 30.0);
    let table = "name,truth,pred,patient\none,truth.nii.gz,pred.nrrd,A\nsame,truth.nii.gz,truth.nii.gz,B\n\
        off,truth.nii.gz,elsewhere.nii.gz,B\n";
    std::fs::write(folder.path().join("pairs.csv"), table).unwrap();
    let ended = run(
        folder.path(),
        &["evaluate", "--pairs", "@pairs.csv", "--json"],
    );
    assert_eq!(ended.exit, Exit::Finding, "{}", ended.err);
    assert!(
        ended.err.contains("off: the masks lie at different places"),
        "{}",
        ended.err
    );
    let found: Vec<Value> = ended
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(found.len(), 3);
    // Three of four columns overlap; the outermost columns are 2 mm apart.
    assert_eq!(found[0]["dice"].as_f64(), Some(0.75));
    assert_eq!(found[0]["hd95"].as_f64(), Some(2.0));
    assert_eq!(found[1]["assd"].as_f64(), Some(0.0));
    let summary = &found[2]["summary"];
    assert_eq!(
        (&summary["length_unit"], &summary["failed"]),
        (&"mm".into(), &1.into())
    );
    assert_eq!(summary["intervals"]["by"], "patient");
    assert_eq!(summary["worst"][0], "one");
}

#[test]
fn doubt_is_drawn_over_the_picture() {
    let folder = tempfile::tempdir().unwrap();
    film(&folder.path().join("film.png"));
    for method in ["entropy", "disagreement"] {
        let found = lines(&run(
            folder.path(),
            &[
                "explain",
                "@film.png",
                "--method",
                method,
                "--out",
                "@map.png",
                "--device",
                "cpu",
                "--json",
            ],
        ));
        let v = &found[0];
        assert_eq!(v["method"], method);
        assert_eq!(v["notice"], "AI, not for diagnostic use");
        let mean = v["mean"].as_f64().unwrap();
        assert!(mean > 0.0 && mean < 0.5, "{method}: {mean}");
        let bytes = std::fs::read(folder.path().join("map.png")).unwrap();
        let said = |text: &str| bytes.windows(text.len()).any(|w| w == text.as_bytes());
        assert!(said("AI, not for diagnostic use") && said("lung-fields"));
        let picture = image::load_from_memory(&bytes).unwrap().into_rgb8();
        assert_eq!(picture.dimensions(), (300, 260 + 24));
        let coloured = picture
            .pixels()
            .filter(|p| p.0[2] > p.0[1].saturating_add(12));
        assert!(coloured.count() > 200, "{method}");
    }
    let ended = run(
        folder.path(),
        &[
            "explain",
            "@film.png",
            "--method",
            "grad-cam",
            "--out",
            "@map.png",
        ],
    );
    assert_eq!(ended.exit, Exit::Unsupported);
}

//! Whole readings: `tests/data/readings/reading.txt` is played over studies of five modalities, made ones and real ones,
//! in both languages. After each of its parts the window is looked at as a reader sees it, and the store as others do.
//!
//! `READINGS_OUT=DIR` keeps a picture of every part, to be looked at.

mod cases;
pub mod outside;

use crate::{support::program, ui_snapshots::alone};
use cases::{MADE, REAL, Reading, Window, real_paths};
use negatoscope::{
    app::{
        Options,
        screen::{self, Script},
        stage::Stage,
    },
    console::{DeviceChoice, Output},
    i18n::Language,
    workspace::marks::StorePlace,
};
use outside::{Outside, PASSPHRASE};
use serde_json::Value;
use std::{
    io,
    path::{Path, PathBuf},
    sync::OnceLock,
};
use tempfile::TempDir;

const SCRIPT: &str = include_str!("../data/readings/reading.txt");

/// Studies in a store, of which the earlier ones are read.
struct Prepared {
    _folder: TempDir,
    store: PathBuf,
    images: PathBuf,
}

fn prepare(images: PathBuf, paths: &[PathBuf], read: &[&str], folder: TempDir) -> Prepared {
    let store = folder.path().join("store");
    outside::make(&store, paths, read);
    Prepared {
        _folder: folder,
        store,
        images,
    }
}

/// Study Instance UID of what lies at a path.
fn study_at(path: &Path) -> String {
    let out = program(&["hang", "--json", path.to_str().unwrap()]);
    let value: Value = serde_json::from_str(&out).unwrap();
    let studies = value["studies"].as_array().unwrap();
    assert_eq!(studies.len(), 1, "{}", path.display());
    studies[0]["study_uid"].as_str().unwrap().to_owned()
}

fn made() -> &'static Prepared {
    static MADE: OnceLock<Prepared> = OnceLock::new();
    MADE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let images = folder.path().join("images");
        program(&["bench", "gen", "READING", images.to_str().unwrap()]);
        let before = ["cr", "ct", "mr", "mg", "us"].map(|m| images.join(format!("{m}-before")));
        let before = before.map(|path| study_at(&path));
        let read: Vec<&str> = before.iter().map(String::as_str).collect();
        prepare(images.clone(), &[images], &read, folder)
    })
}

fn real() -> &'static Prepared {
    static REAL: OnceLock<Prepared> = OnceLock::new();
    REAL.get_or_init(|| {
        let before = study_at(&crate::support::data("mr-brain-t1").join("HFS/3_t1_fl2d_sag"));
        let folder = tempfile::tempdir().unwrap();
        let images = PathBuf::from(std::env::var_os("NEGATOSCOPE_DATA").unwrap());
        prepare(images, &real_paths(), &[&before], folder)
    })
}

impl Reading {
    fn values(&self) -> Vec<(String, String)> {
        let [from, to] = self.ends.map(|[x, y]| format!("{}@{x},{y}", self.view));
        [
            ("find", self.find.to_owned()),
            ("list", self.list.to_owned()),
            ("scroll", self.scroll.to_owned()),
            ("window", self.key.to_owned()),
            ("from", from),
            ("to", to),
            ("label", format!("%label-{}", self.label)),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }

    /// Where the view of the finding stands in the tree.
    fn cell(&self) -> usize {
        self.view - 1
    }

    fn length(&self) -> f64 {
        let [[x0, y0], [x1, y1]] = self.ends;
        (x1 - x0).hypot(y1 - y0) * self.pixel
    }
}

/// What is remembered from part to part.
struct Watch<'a> {
    reading: &'a Reading,
    language: Language,
    outside: Outside<'a>,
    images: &'a Path,
    study: String,
    prior: Option<String>,
    next: String,
    mark: Value,
    parts: Vec<String>,
}

/// The views that show something of a study, with the left edge of each on the screen.
fn views_of(tree: &Value, study: &str, language: Language) -> Vec<(usize, f64)> {
    let views = tree["viewports"].as_array().unwrap().iter().enumerate();
    views
        .filter(|(_, view)| view["study_uid"] == study)
        .map(|(at, _)| {
            let name = language.tr("viewport-name", &[("number", (at + 1).into())]);
            let nodes = tree["nodes"].as_array().unwrap();
            let node = nodes.iter().find(|n| n["label"] == name.as_str()).unwrap();
            (at, node["rect"][0].as_f64().unwrap())
        })
        .collect()
}

/// Everything that can be read on the screen.
fn words_of(tree: &Value) -> String {
    let nodes = tree["nodes"].as_array().unwrap().iter();
    let words = nodes.flat_map(|n| [&n["label"], &n["value"]]);
    let words: Vec<&str> = words.filter_map(Value::as_str).collect();
    words.join("\n")
}

fn text_of(tree: &Value, view: usize) -> String {
    let lines = tree["viewports"][view]["text"].as_array().unwrap();
    let lines: Vec<&str> = lines.iter().map(|l| l.as_str().unwrap()).collect();
    lines.join("\n")
}

impl Watch<'_> {
    /// What must hold at the end of a part.
    fn look(&mut self, stage: &mut Stage, part: &str) {
        let tree = screen::describe(stage);
        let at = format!("{} {part} {}", self.reading.name, self.language.tag());
        assert_eq!(tree["language"], self.language.tag());
        self.parts.push(part.to_owned());
        let list = &tree["list"];
        match part {
            "list" | "widen" => {
                let query = match part {
                    "list" => self.reading.find,
                    _ => self.reading.list,
                };
                assert_eq!(
                    (&list["shown"], &list["query"]),
                    (&true.into(), &query.into())
                );
                let found = self.outside.list(query).len();
                assert_eq!(list["found"], found, "{at}");
                assert!(found < list["studies"].as_u64().unwrap() as usize || part == "widen");
            }
            "open" | "pictures" => self.opened(&tree, &at),
            "prior" => self.beside(&tree, &at),
            "window" => self.windowed(&tree, &at),
            "measure" => self.measured(&tree, &at),
            "undo" => {
                assert_eq!(tree["keeping"]["marks"], 0, "{at}");
                assert_eq!(self.outside.operations("add"), Vec::<Value>::new(), "{at}");
            }
            "redo" => {
                let kept = self.outside.operations("add");
                assert_eq!(kept, std::slice::from_ref(&self.mark), "{at}");
                self.number_is_seen(&tree, &at);
            }
            "key-image" => self.key_image(&tree, &at),
            "label" => {
                let word = self
                    .language
                    .find(&format!("label-{}", self.reading.label), &[]);
                let field = self.language.word("mark-label");
                let nodes = tree["nodes"].as_array().unwrap();
                let typed = nodes.iter().find(|n| n["label"] == field).unwrap();
                assert_eq!(typed["value"].as_str(), word.as_deref(), "{at}");
            }
            "labelled" => self.labelled(&tree, &at),
            "final" => self.finished(&tree, &at),
            other => panic!("nobody looks at {other}"),
        }
        // Whatever is shown is on the disk, and of nobody else.
        let keeping = &tree["keeping"];
        assert_eq!(
            (&keeping["state"], &keeping["unsaved"]),
            (&"saved".into(), &0.into()),
            "{at}"
        );
        let shown = tree["viewports"].as_array().unwrap().iter();
        for view in shown.filter(|v| v["study_uid"].is_string()) {
            let own = [Some(&self.study), self.prior.as_ref(), Some(&self.next)];
            let study = view["study_uid"].as_str().unwrap();
            assert!(
                own.into_iter().flatten().any(|uid| uid == study),
                "{at}: {study}"
            );
        }
    }

    fn opened(&self, tree: &Value, at: &str) {
        assert_eq!(tree["list"]["shown"], false, "{at}");
        assert_eq!(tree["hanging"]["study_uid"], self.study.as_str(), "{at}");
        assert!(
            !views_of(tree, &self.study, self.language).is_empty(),
            "{at}"
        );
        for view in tree["viewports"].as_array().unwrap() {
            assert_eq!(
                view["days_before"],
                Value::Null,
                "{at}: nothing is a prior yet"
            );
        }
        assert_eq!(self.outside.status(&self.study), "new", "{at}");
    }

    fn beside(&self, tree: &Value, at: &str) {
        let (current, earlier) = self.reading.views;
        let here = views_of(tree, &self.study, self.language);
        assert_eq!(here.len(), current, "{at}");
        let Some(prior) = &self.prior else {
            assert_eq!(tree["hanging"]["prior"], Value::Null, "{at}");
            for view in tree["viewports"].as_array().unwrap() {
                assert_eq!(view["days_before"], Value::Null, "{at}");
            }
            let said = self.language.word("notice-no-prior");
            assert!(words_of(tree).contains(said), "{at}");
            return;
        };
        assert_eq!(tree["hanging"]["prior"], prior.as_str(), "{at}");
        let there = views_of(tree, prior, self.language);
        assert_eq!(there.len(), earlier, "{at}");
        // Everything earlier stands right of everything that is read.
        let rightmost = here.iter().map(|(_, x)| *x).fold(f64::MIN, f64::max);
        assert!(
            there.iter().all(|(_, x)| *x > rightmost),
            "{at}: {here:?} {there:?}"
        );
        let rows = self.outside.list("");
        let day = |uid: &str| {
            let row = rows.iter().find(|r| r["study_instance_uid"] == uid);
            row.unwrap()["date"].as_str().unwrap().to_owned()
        };
        for (uid, views) in [(&self.study, &here), (prior, &there)] {
            for (view, _) in views {
                let text = text_of(tree, *view);
                assert!(text.contains(&day(uid)), "{at}: {text}");
                let days = &tree["viewports"][*view]["days_before"];
                let is_prior = uid == prior;
                assert_eq!(
                    days.as_i64(),
                    self.reading.prior.filter(|_| is_prior),
                    "{at}"
                );
            }
        }
    }

    /// Width and centre of the window that must be over an object.
    fn expected(&self, instance: &str) -> Option<(f64, f64)> {
        match self.reading.window {
            Window::Is(width, center) => Some((width, center)),
            Window::Table(_) => None,
            Window::Auto => {
                let path = self.images.join(self.reading.path);
                Some(auto(&file_of(&path, instance)))
            }
        }
    }

    fn windowed(&self, tree: &Value, at: &str) {
        let cell = self.reading.cell();
        let view = &tree["viewports"][cell];
        assert_eq!(view["study_uid"], self.study.as_str(), "{at}");
        assert_eq!(view["slice"], self.reading.image, "{at}");
        let window = &view["window"];
        let instance = view["instance_uid"].as_str().unwrap();
        let Some((width, center)) = self.expected(instance) else {
            assert_eq!(window, &Value::Null, "{at}: a table has no width");
            let Window::Table(name) = self.reading.window else {
                panic!("{at}");
            };
            assert!(text_of(tree, cell).contains(name), "{at}");
            return;
        };
        let got = [&window[1], &window[0]].map(|v| v.as_f64().unwrap());
        let off = (got[0] - width).abs().max((got[1] - center).abs());
        // A thousandth of the values may lie a step aside where two are equally near.
        let most = match self.reading.window {
            Window::Auto => width * 0.01,
            _ => 1e-9,
        };
        assert!(
            off <= most,
            "{at}: {got:?}, and {width} {center} was wanted"
        );
        let text = text_of(tree, cell);
        for number in got {
            let said = format!("{number:.0}");
            assert!(text.contains(&said), "{at}: {said} in {text}");
        }
    }

    fn number_is_seen(&self, tree: &Value, at: &str) {
        let said = match self.reading.unit {
            "px" => format!("{:.1} px", self.reading.length()),
            _ => format!("{:.1} mm", self.reading.length()),
        };
        let text = text_of(tree, self.reading.cell());
        assert!(text.contains(&said), "{at}: {said} in {text}");
    }

    fn measured(&mut self, tree: &Value, at: &str) {
        assert_eq!(tree["keeping"]["marks"], 1, "{at}");
        self.number_is_seen(tree, at);
        let marks = self.outside.operations("add");
        assert_eq!(marks.len(), 1, "{at}");
        assert_eq!(
            (&marks[0]["study"], &marks[0]["shape"]),
            (&self.study.as_str().into(), &"length".into())
        );
        self.mark = marks[0].clone();
        let left = self.outside.marks();
        assert_eq!(left.len(), 1, "{at}");
        let quantity = &left[0]["quantities"]["length"];
        let value = quantity["value"].as_f64().unwrap();
        // The hand is as exact as the points of the window are: a tenth of a pixel at most.
        let off = (value - self.reading.length()).abs();
        assert!(
            off < 0.1 * self.reading.pixel,
            "{at}: {value}, {}",
            self.reading.length()
        );
        assert_eq!(quantity["unit"], self.reading.unit, "{at}");
        assert_eq!(quantity["source"], self.reading.source, "{at}");
    }

    fn key_image(&self, tree: &Value, at: &str) {
        assert_eq!(tree["keeping"]["key_images"], 1, "{at}");
        assert!(
            text_of(tree, self.reading.cell()).contains(self.language.word("badge-key-image")),
            "{at}"
        );
        let kept = self.outside.operations("key-image");
        let sent = self.outside.key_objects();
        assert_eq!((kept.len(), sent.len()), (1, 1), "{at}");
        for image in [&kept[0], &sent[0]] {
            assert_eq!(image["study"], self.study.as_str(), "{at}");
            // The image that was measured.
            assert_eq!(image["instance"], self.mark["instance"], "{at}");
            assert_eq!(image["frame"], self.mark["frame"], "{at}");
        }
    }

    fn labelled(&self, tree: &Value, at: &str) {
        let word = self
            .language
            .find(&format!("label-{}", self.reading.label), &[]);
        let word = word.unwrap();
        let marks = self.outside.operations("add");
        assert_eq!(marks[0]["label"], word.as_str(), "{at}");
        assert_eq!(marks[0]["code"]["value"], self.reading.code, "{at}");
        // Nothing but its name changed.
        for same in ["id", "points", "instance", "frame", "shape"] {
            assert_eq!(marks[0][same], self.mark[same], "{at}: {same}");
        }
        assert!(text_of(tree, self.reading.cell()).contains(&word), "{at}");
    }

    fn finished(&self, tree: &Value, at: &str) {
        assert_eq!(self.outside.status(&self.study), "final", "{at}");
        assert_eq!(self.outside.status(&self.next), "new", "{at}");
        assert_eq!(tree["hanging"]["study_uid"], self.next.as_str(), "{at}");
        for view in tree["viewports"].as_array().unwrap() {
            assert!(
                view["study_uid"].is_null() || view["study_uid"] == self.next.as_str(),
                "{at}"
            );
        }
        assert!(
            !views_of(tree, &self.next, self.language).is_empty(),
            "{at}"
        );
        self.kept(at);
    }

    /// What is on the disk when all is done.
    fn kept(&self, at: &str) {
        let counts = ["add", "key-image"].map(|kind| self.outside.operations(kind).len());
        assert_eq!(counts, [1, 1], "{at}");
        assert_eq!(self.outside.status(&self.study), "final", "{at}");
    }
}

/// Width and centre from the darkest to the brightest thousandth of the values of an image, by the array of its values.
fn auto(file: &Path) -> (f64, f64) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("values.npy");
    let (file, to) = (file.to_str().unwrap(), out.to_str().unwrap());
    program(&["pixels", file, "--stage", "modality", "--out", to]);
    let mut values = crate::support::npy_floats(&out);
    values.sort_by(f32::total_cmp);
    let at = |part: f64| f64::from(values[((values.len() - 1) as f64 * part).round() as usize]);
    let (low, high) = (at(0.001), at(0.999));
    (high - low, (high + low) / 2.0)
}

/// The file of an object below a path.
fn file_of(path: &Path, instance: &str) -> PathBuf {
    let out = program(&["inspect", path.to_str().unwrap(), "--json"]);
    let lines = out
        .lines()
        .map(|l| serde_json::from_str::<Value>(l).unwrap());
    let mut found = lines.filter(|line| line["sop_instance_uid"] == instance);
    PathBuf::from(found.next().unwrap()["path"].as_str().unwrap())
}

/// Plays the script over one study and looks at it after every part.
fn read(reading: &Reading, prepared: &Prepared, language: Language) {
    let _one = alone();
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    outside::copy(&prepared.store, &store);
    let outside = Outside::of(&store);
    let uid = |row: &Value| row["study_instance_uid"].as_str().unwrap().to_owned();
    let new = |row: &&Value| row["status"] == "new";
    let study = uid(outside.list(reading.find).iter().find(new).unwrap());
    assert_eq!(
        study,
        study_at(&prepared.images.join(reading.path)),
        "{}",
        reading.name
    );
    // From the study on, then from the top.
    let rows = outside.list(reading.list);
    let here = rows.iter().position(|row| uid(row) == study).unwrap();
    let behind = rows[here + 1..].iter().chain(&rows[..here]);
    let next = uid(behind.into_iter().find(new).unwrap());
    let priors = outside.list(&format!("modality:{} status:final", reading.modality));
    let prior = reading.prior.map(|_| uid(&priors[0]));
    let mut watch = Watch {
        reading,
        language,
        outside,
        images: &prepared.images,
        study,
        prior,
        next,
        mark: Value::Null,
        parts: Vec::new(),
    };
    let options = Options {
        language: Some(language),
        device: DeviceChoice::Cpu,
        threads: Some(2),
        store: Some(StorePlace {
            dir: store.clone(),
            exists: true,
        }),
        store_passphrase: Some(negatoscope::store::Passphrase::new(PASSPHRASE)),
        ..Options::default()
    };
    let script = Script::read(SCRIPT, &reading.values()).unwrap();
    let mut stage = Stage::open(options, [1440.0, 900.0]).unwrap();
    stage.settle().unwrap();
    let mut out = Output::to(Box::new(io::sink()), Box::new(io::sink()));
    let pictures = std::env::var_os("READINGS_OUT").map(PathBuf::from);
    let from = if prepared.images.join("cr-now").exists() {
        "made"
    } else {
        "real"
    };
    let played = script.play(&mut stage, &mut out, &mut |stage, part| {
        watch.look(stage, part);
        match &pictures {
            Some(folder) => {
                let tag = language.tag();
                let number = watch.parts.len();
                let file = format!(
                    "reading-{from}-{}-{tag}-{number:02}-{part}.png",
                    reading.name
                );
                stage.save(&folder.join(file))
            }
            None => Ok(()),
        }
    });
    played.unwrap();
    let steps = SCRIPT.lines().filter_map(|line| line.strip_prefix("step "));
    assert_eq!(watch.parts, steps.collect::<Vec<_>>());
    drop(stage);
    watch.kept("after the window is gone");
    watch.outside.verify();
}

fn read_all(readings: &[Reading], prepared: &Prepared, language: Language) {
    for reading in readings {
        read(reading, prepared, language);
    }
}

/// The command plays the same script, and leaves a picture and a tree of each part.
#[test]
fn the_command_plays_the_script_over_any_study() {
    let _one = alone();
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    outside::copy(&made().store, &store);
    let script = folder.path().join("reading.txt");
    std::fs::write(&script, SCRIPT).unwrap();
    let parts = folder.path().join("parts");
    let paths = [&script, &parts].map(|p| p.to_str().unwrap().to_owned());
    let reading = &MADE[4];
    let values = reading.values();
    let values: Vec<String> = values.iter().map(|(n, v)| format!("{n}={v}")).collect();
    let mut arguments = vec!["screen", "--language", "zh-CN", "--script", &paths[0]];
    arguments.extend(["--parts", &paths[1]]);
    arguments.extend(values.iter().flat_map(|value| ["--set", value]));
    outside::run(&store, &arguments, "");
    let outside = Outside::of(&store);
    let study = study_at(&made().images.join(reading.path));
    assert_eq!(outside.status(&study), "final");
    let steps: Vec<&str> = SCRIPT
        .lines()
        .filter_map(|l| l.strip_prefix("step "))
        .collect();
    for (number, step) in steps.iter().enumerate() {
        let name = format!("{:02}-{step}", number + 1);
        let tree = std::fs::read(parts.join(format!("{name}.json"))).unwrap();
        let tree: Value = serde_json::from_slice(&tree).unwrap();
        assert_eq!(tree["language"], "zh-CN");
        let picture = image::open(parts.join(format!("{name}.png"))).unwrap();
        assert_eq!((picture.width(), picture.height()), (1440, 900));
    }
    // A name without a value is said with its line, and nothing is carried out.
    let (code, _, said) = outside::ran(&store, &["screen", "--script", &paths[0]], "");
    assert_eq!(code, Some(2));
    assert!(said.contains("`$find` has no value"), "{said}");
}

#[test]
fn made_studies_are_read_in_english() {
    read_all(&MADE, made(), Language::English);
}

#[test]
fn made_studies_are_read_in_chinese() {
    read_all(&MADE, made(), Language::SimplifiedChinese);
}

#[test]
#[cfg_attr(not(has_data), ignore = "needs NEGATOSCOPE_DATA")]
fn real_studies_are_read_in_english() {
    read_all(&REAL, real(), Language::English);
}

#[test]
#[cfg_attr(not(has_data), ignore = "needs NEGATOSCOPE_DATA")]
fn real_studies_are_read_in_chinese() {
    read_all(&REAL, real(), Language::SimplifiedChinese);
}

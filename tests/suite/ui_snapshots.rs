//! The window as a user meets it: real buttons, real gestures, real pictures, and the words on the screen.
//! Numbers are asserted as text; a few small pictures are kept as references (`UPDATE_SNAPSHOTS=1` makes them anew).

use crate::bad_input::build::Slice;
use egui::{Key, Modifiers, PointerButton};
use egui_kittest::kittest::Queryable as _;
use negatoscope::{
    app::{Options, screen, stage::Stage},
    console::DeviceChoice,
    i18n::Language,
    model::{identity::IdentityMatch, lut::WindowLevel},
    phantom::demo::{DemoSize, DemoSpec},
    task::{CancelToken, Progress},
    workspace::{
        Action, Command,
        demo::{self, DemoFiles},
        record_link::RecordState,
        settings::SideTab,
        state::Layout,
        view::VoiChoice,
    },
};
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    process,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
};

const SIZE: [f32; 2] = [1000.0, 640.0];

/// Windows in memory wait for each other: one software device at a time.
pub fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The small demo, written once for all tests.
pub fn small_demo() -> &'static (tempfile::TempDir, DemoFiles) {
    static DEMO: OnceLock<(tempfile::TempDir, DemoFiles)> = OnceLock::new();
    DEMO.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let spec = DemoSpec {
            size: DemoSize::Small,
            ..DemoSpec::default()
        };
        let files = demo::write_spec(
            Some(dir.path().to_owned()),
            &spec,
            &Progress::default(),
            &CancelToken::default(),
        );
        (dir, files.unwrap())
    })
}

pub fn stage(paths: Vec<PathBuf>, records: Vec<PathBuf>) -> Stage {
    opened(paths, records, false)
}

/// The window on studies that do not hang by a protocol.
pub fn plain_stage(paths: Vec<PathBuf>) -> Stage {
    opened(paths, Vec::new(), true)
}

fn opened(paths: Vec<PathBuf>, records: Vec<PathBuf>, plain: bool) -> Stage {
    let options = Options {
        plain,
        paths,
        records,
        language: Some(Language::English),
        device: DeviceChoice::Cpu,
        threads: Some(2),
        ..Options::default()
    };
    let mut stage = Stage::open(options, SIZE).unwrap();
    stage.settle().unwrap();
    stage
}

pub fn ct() -> PathBuf {
    small_demo().1.images[0].clone()
}

/// The radiographs of the small demo.
pub fn small_film() -> PathBuf {
    film()
}

fn film() -> PathBuf {
    small_demo().1.images[1].clone()
}

/// The texts over one viewport.
pub fn texts(tree: &Value, cell: usize) -> String {
    let lines = tree["viewports"][cell]["text"].as_array().unwrap();
    lines
        .iter()
        .map(|l| l.as_str().unwrap())
        .collect::<Vec<_>>()
        .join("\n")
}

pub fn run(stage: &mut Stage, command: Command) {
    stage.command(command);
    stage.settle().unwrap();
}

fn window(stage: &Stage) -> WindowLevel {
    stage.program().workspace.viewports[0]
        .voi()
        .level()
        .unwrap()
}

/// Compares a part of the window with a kept picture: at most 10 pixels may differ by more than rounding.
fn like_reference(stage: &mut Stage, name: &str, [x, y, width, height]: [u32; 4]) {
    let picture = stage.screenshot().unwrap();
    let part = image::imageops::crop_imm(&picture, x, y, width, height).to_image();
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/snapshots")
        .join(format!("{name}.png"));
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        part.save(&path).unwrap();
        return;
    }
    let reference = image::open(&path).unwrap().to_rgba8();
    assert_eq!(reference.dimensions(), part.dimensions(), "{name}");
    let different = reference
        .pixels()
        .zip(part.pixels())
        .filter(|(a, b)| a.0.iter().zip(b.0).any(|(a, b)| a.abs_diff(b) > 8))
        .count();
    if different > 10 {
        let seen = std::env::temp_dir().join(format!("negatoscope-{name}-seen.png"));
        part.save(&seen).unwrap();
        panic!(
            "{different} pixels of {name} differ; see {}",
            seen.display()
        );
    }
}

#[test]
fn the_first_screen_says_what_to_do() {
    let _one = alone();
    let mut stage = stage(Vec::new(), Vec::new());
    let harness = stage.harness();
    for label in [
        "Open the demo",
        "Open folder",
        "Open files",
        "Research and education. Not for diagnostic use.",
    ] {
        harness.get_by_label(label);
    }
    like_reference(&mut stage, "light-box", [460, 180, 80, 90]);
}

#[test]
fn a_ct_opens_with_identity_letters_and_numbers() {
    let _one = alone();
    let mut stage = stage(vec![ct()], Vec::new());
    let tree = screen::describe(&mut stage);
    let text = texts(&tree, 0);
    for part in [
        "SYNTHETIC, MING (合成明)",
        "ID SYN-000001",
        "1958-09-03",
        "SYNTHETIC",
        "Image 1 of 64",
        "W 400 L 40",
        "R L A P",
        "mm (Pixel Spacing)",
        "120 kV",
        "HFS",
    ] {
        assert!(text.contains(part), "`{part}` is missing in\n{text}");
    }
    assert_eq!(tree["viewports"][0]["findings"], serde_json::json!([]));
}

#[test]
fn four_views_have_the_letters_of_their_planes() {
    let _one = alone();
    let mut stage = stage(vec![ct()], Vec::new());
    run(&mut stage, Command::LayoutMpr);
    let tree = screen::describe(&mut stage);
    let check = |cell: usize, kind: &str, letters: &str, slices: u64| {
        assert_eq!(tree["viewports"][cell]["kind"], kind);
        assert_eq!(tree["viewports"][cell]["slices"], slices);
        let text = texts(&tree, cell);
        assert!(text.starts_with(letters), "{kind}: {text}");
    };
    check(0, "axial", "R L A P", 64);
    check(1, "axial", "R L A P", 64);
    check(2, "coronal", "R L H F", 96);
    check(3, "sagittal", "A P H F", 96);
    // The same point in all views: scrolling one moves the lines of the others, not their slices.
    stage.program_mut().workspace.go_to_slice(2, 10);
    let points: Vec<_> = stage
        .program()
        .workspace
        .viewports
        .iter()
        .map(|v| v.crosshair.unwrap())
        .collect();
    assert!(points.iter().all(|p| *p == points[0]));
    assert_eq!(stage.program().workspace.viewports[2].slice_index(), 10);
}

#[test]
fn the_pointer_does_what_the_table_says() {
    let _one = alone();
    let mut stage = stage(vec![ct()], Vec::new());
    let before = window(&stage);
    let middle = [620.0, 300.0];
    // Right is wider, up is brighter: 4 HU a point at W 400 of 4096 stored values.
    stage.drag(
        middle,
        [640.0, 290.0],
        PointerButton::Primary,
        Modifiers::NONE,
    );
    let after = window(&stage);
    assert!(
        (after.width - before.width - 80.0).abs() < 1e-6,
        "{after:?}"
    );
    assert!(
        (after.center - before.center + 40.0).abs() < 1e-6,
        "{after:?}"
    );
    run(&mut stage, Command::Undo);
    assert_eq!(window(&stage), before);
    run(&mut stage, Command::Redo);
    assert_eq!(window(&stage), after);
    // Right drag zooms, middle drag pans, both undone by reset.
    stage.drag(
        middle,
        [620.0, 200.0],
        PointerButton::Secondary,
        Modifiers::NONE,
    );
    let zoom = stage.program().workspace.viewports[0].view.zoom;
    assert!((zoom - 2f64.sqrt()).abs() < 1e-6, "{zoom}");
    let centre = stage.program().workspace.viewports[0].view.centre;
    stage.drag(
        middle,
        [660.0, 300.0],
        PointerButton::Middle,
        Modifiers::NONE,
    );
    assert_ne!(stage.program().workspace.viewports[0].view.centre, centre);
    run(&mut stage, Command::ResetView);
    assert_eq!(window(&stage), before);
    assert_eq!(stage.program().workspace.viewports[0].view.zoom, 1.0);
    // The wheel pages.
    stage.wheel(middle, -3.0, Modifiers::NONE);
    stage.settle().unwrap();
    assert!(stage.program().workspace.viewports[0].slice_index() > 0);
}

#[test]
fn keys_act_on_the_active_view() {
    let _one = alone();
    let mut stage = stage(vec![ct()], Vec::new());
    stage.key(Modifiers::NONE, Key::ArrowDown);
    assert_eq!(stage.program().workspace.viewports[0].slice_index(), 1);
    stage.key(Modifiers::NONE, Key::End);
    assert_eq!(stage.program().workspace.viewports[0].slice_index(), 63);
    stage.key(Modifiers::NONE, Key::Num2);
    assert_eq!(
        stage.program().workspace.viewports[0].view.voi,
        VoiChoice::Preset("lung".into())
    );
    stage.key(Modifiers::NONE, Key::I);
    stage.key(Modifiers::NONE, Key::H);
    stage.key(Modifiers::NONE, Key::R);
    stage.settle().unwrap();
    let tree = screen::describe(&mut stage);
    let text = texts(&tree, 0);
    for part in [
        "W 1500 L -600  preset: Lung",
        "INVERTED",
        "FLIPPED",
        "ROTATED 90°",
    ] {
        assert!(text.contains(part), "`{part}` is missing in\n{text}");
    }
    // Flipped left-right, then turned to the right: A is at the right, R at the bottom.
    assert!(text.starts_with("P A L R"), "{text}");
    stage.key(Modifiers::COMMAND, Key::K);
    stage.harness().event(egui::Event::Text("invert".into()));
    stage.step();
    stage.key(Modifiers::NONE, Key::Enter);
    assert!(!stage.program().workspace.viewports[0].view.inverted);
}

#[test]
fn nothing_is_drawn_when_nothing_changed() {
    let _one = alone();
    let mut stage = stage(vec![ct()], Vec::new());
    run(&mut stage, Command::LayoutMpr);
    for _ in 0..3 {
        stage.step();
    }
    let (drawn, counts) = (
        stage.program().pictures_drawn(),
        stage.program().workspace.gpu.door.snapshot(),
    );
    for _ in 0..20 {
        stage.step();
    }
    assert_eq!(stage.program().pictures_drawn(), drawn);
    let moved = stage.program().workspace.gpu.door.since(&counts);
    assert_eq!((moved.uploaded_in_all(), moved.read_back_in_all()), (0, 0));
}

#[cfg(feature = "ai")]
#[test]
fn a_lung_mask_is_marked_as_ai_and_its_sliders_move_no_mask_bytes() {
    use negatoscope::gpu::Cargo;
    let _one = alone();
    let mut stage = stage(vec![film()], Vec::new());
    run(&mut stage, Command::SegmentLungs);
    run(&mut stage, Command::ShowAi);
    let tree = screen::describe(&mut stage);
    assert_eq!(tree["viewports"][0]["mask"], true);
    let text = texts(&tree, 0);
    for part in [
        "AI, not for diagnostic use",
        "lung-fields",
        "Threshold 0.50",
        "not calibrated",
    ] {
        assert!(text.contains(part), "`{part}` is missing in\n{text}");
    }
    let key = stage.program().workspace.frame_key(0).unwrap();
    let provenance = stage
        .program()
        .workspace
        .masks
        .get(&key)
        .unwrap()
        .provenance
        .clone();
    assert_eq!(provenance.device, "CPU (flex)");
    assert_eq!(provenance.model.sha256.len(), 64);
    // Threshold and opacity are uniforms: the picture is drawn again, no mask byte moves.
    let (drawn, counts) = (
        stage.program().pictures_drawn(),
        stage.program().workspace.gpu.door.snapshot(),
    );
    let before = stage.screenshot().unwrap();
    let mut style = stage.program().workspace.masks.style;
    style.threshold = 0.8;
    style.opacity = 0.9;
    stage.program_mut().workspace.act(Action::MaskStyle(style));
    stage.settle().unwrap();
    let after = stage.screenshot().unwrap();
    assert!(stage.program().pictures_drawn() > drawn);
    assert_ne!(before, after);
    let moved = stage.program().workspace.gpu.door.since(&counts);
    assert_eq!(moved.uploaded(Cargo::Mask), 0);
    assert_eq!(moved.read_back(Cargo::Mask), 0);
    // One key hides all AI, and says so.
    stage.key(Modifiers::NONE, Key::G);
    stage.settle().unwrap();
    let tree = screen::describe(&mut stage);
    assert!(texts(&tree, 0).contains("AI results hidden"));
}

#[test]
fn the_record_follows_its_patient() {
    let _one = alone();
    let records = small_demo().1.bundles.clone();
    let mut stage = stage(vec![ct()], records);
    assert_eq!(stage.program().workspace.settings.side_tab, SideTab::Record);
    let harness = stage.harness();
    for label in [
        "Conditions",
        "Medications",
        "Laboratory",
        "Type 2 diabetes mellitus",
    ] {
        assert!(
            harness.query_all_by_label_contains(label).next().is_some(),
            "{label}"
        );
    }
    run(&mut stage, Command::CloseAll);
    assert!(matches!(
        stage.program().workspace.record.state().0,
        RecordState::Blank
    ));
    let harness = stage.harness();
    assert!(
        harness
            .query_all_by_label_contains("diabetes")
            .next()
            .is_none()
    );
}

#[test]
fn another_person_with_the_same_number_is_never_shown() {
    let _one = alone();
    let near_miss = small_demo().1.bundles[1].clone();
    let mut stage = stage(vec![ct()], vec![near_miss]);
    assert!(matches!(
        stage.program().workspace.record.state().0,
        RecordState::Mismatch
    ));
    let harness = stage.harness();
    assert!(
        harness
            .query_all_by_label_contains("The record is of another patient")
            .next()
            .is_some()
    );
    assert!(
        harness
            .query_all_by_label_contains("MING, SYNTHETIC")
            .next()
            .is_none()
    );
    assert!(
        harness
            .query_all_by_label_contains("1958-03-09")
            .next()
            .is_none()
    );
    let person = negatoscope::phantom::demo::identity(1);
    let other = negatoscope::phantom::demo::near_miss_identity(1);
    assert_eq!(person.compare(&other), IdentityMatch::Different);
}

/// Four slices with a plane of graphics, a shutter and two windows.
fn covered_series(folder: &Path) {
    for k in 0..4i32 {
        let slice = Slice {
            uid: format!("1.2.3.4.{k}"),
            number: k + 1,
            position: Some([0.0, 0.0, f64::from(k)]),
            ..Slice::default()
        };
        let eight = 8u16.to_le_bytes();
        slice
            .text(0x28, 0x1050, b"DS", "-800\\40")
            .text(0x28, 0x1051, b"DS", "700\\400")
            .text(0x28, 0x1055, b"LO", "WIDE\\NARROW")
            .text(0x18, 0x1600, b"CS", "RECTANGULAR")
            .text(0x18, 0x1602, b"IS", "2")
            .text(0x18, 0x1604, b"IS", "7")
            .text(0x18, 0x1606, b"IS", "1")
            .text(0x18, 0x1608, b"IS", "8")
            .with(0x18, 0x1622, b"US", &[0, 0x80])
            .with(0x6000, 0x10, b"US", &eight)
            .with(0x6000, 0x11, b"US", &eight)
            .text(0x6000, 0x40, b"CS", "G")
            .with(0x6000, 0x50, b"SS", &[1, 0, 1, 0])
            .with(0x6000, 0x100, b"US", &[1, 0])
            .with(0x6000, 0x102, b"US", &[0, 0])
            .text(0x6000, 0x1500, b"LO", "Marks")
            .with(0x6000, 0x3000, b"OW", &[0, 0, 0x18, 0x18, 0, 0, 0, 0])
            .write(folder, &format!("{k}.dcm"));
    }
}

#[test]
fn what_a_header_lays_over_a_frame_is_named_and_switched() {
    let _one = alone();
    let folder = tempfile::tempdir().unwrap();
    covered_series(folder.path());
    let mut stage = stage(vec![folder.path().to_owned()], Vec::new());
    let shown = |stage: &mut Stage| {
        let picture = stage.screenshot().unwrap();
        let count = |wanted: [u8; 3]| {
            let same = |p: &&image::Rgba<u8>| p.0[..3] == wanted;
            picture.pixels().filter(same).count()
        };
        // The plane's yellow, the shutter's grey, which the picture has somewhere too.
        let counts = (count([0xF0, 0xE4, 0x42]) > 1000, count([128; 3]) > 20_000);
        (counts, texts(&screen::describe(stage), 0))
    };
    let (seen, text) = shown(&mut stage);
    assert_eq!(seen, (true, true));
    assert!(
        text.contains("Overlay Marks") && text.contains("SHUTTER ON"),
        "{text}"
    );
    run(&mut stage, Command::HideIdentity);
    assert!(!texts(&screen::describe(&mut stage), 0).contains("Marks"));
    run(&mut stage, Command::HideIdentity);
    run(&mut stage, Command::ToggleGraphics);
    let (seen, text) = shown(&mut stage);
    assert_eq!(seen, (false, true));
    assert!(
        text.contains("Overlay planes hidden") && !text.contains("Marks"),
        "{text}"
    );
    run(&mut stage, Command::ToggleShutter);
    let (seen, text) = shown(&mut stage);
    assert_eq!(seen, (false, false));
    assert!(text.contains("Shutter off"), "{text}");
    run(&mut stage, Command::ToggleGraphics);
    run(&mut stage, Command::ToggleShutter);
    // The file's windows are in the menu by name. CT hangs in soft tissue; this is the file's own.
    run(&mut stage, Command::WindowFile);
    stage.harness().get_by_label("Window presets").click();
    stage.settle().unwrap();
    stage.harness().get_by_label("NARROW  W 400 L 40").click();
    stage.settle().unwrap();
    assert_eq!(
        stage.program().workspace.viewports[0].view.voi,
        VoiChoice::FileIndex(1)
    );
    assert_eq!(window(&stage).width, 400.0);
    run(&mut stage, Command::Undo);
    assert_eq!(window(&stage).width, 700.0);
    // A cut is none of the frames: nothing lies over it, and nothing says so.
    run(&mut stage, Command::LayoutMpr);
    let tree = screen::describe(&mut stage);
    for cell in 0..4 {
        let text = texts(&tree, cell);
        assert!(
            !text.contains("Overlay") && !text.contains("SHUTTER"),
            "{text}"
        );
    }
    assert_eq!(shown(&mut stage).0, (false, false));
}

#[test]
fn identity_can_be_hidden_everywhere() {
    let _one = alone();
    let records = small_demo().1.bundles.clone();
    let mut stage = stage(vec![ct(), film()], records);
    run(&mut stage, Command::HideIdentity);
    run(&mut stage, Command::LayoutTwo);
    let tree = screen::describe(&mut stage).to_string();
    for secret in ["MING", "合成", "SYN-000001", "1958-09-03"] {
        assert!(!tree.contains(secret), "{secret}");
    }
    assert!(tree.contains("Identity hidden"));
}

#[test]
fn files_that_do_not_open_stay_visible_with_their_reason() {
    let _one = alone();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join("letter.dcm"),
        "Dear colleague, this is no image.\n",
    )
    .unwrap();
    let source = std::fs::read_dir(ct())
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let whole = std::fs::read(source).unwrap();
    std::fs::write(dir.path().join("cut.dcm"), &whole[..whole.len() / 2]).unwrap();
    let mut stage = stage(vec![dir.path().to_owned(), film()], Vec::new());
    let tree = screen::describe(&mut stage).to_string();
    assert!(
        tree.contains("letter.dcm") && tree.contains("NOT_DICOM"),
        "{tree}"
    );
    assert!(tree.contains("cut.dcm"), "{tree}");
    // The rest of the study opens.
    assert_eq!(stage.program().workspace.library.series().count(), 1);
    assert_eq!(stage.program().workspace.library.received, 3);
}

#[test]
fn the_window_speaks_chinese() {
    let _one = alone();
    let mut stage = stage(vec![ct()], small_demo().1.bundles.clone());
    stage
        .program_mut()
        .workspace
        .act(Action::Speak(Language::SimplifiedChinese));
    run(&mut stage, Command::LayoutMpr);
    let tree = screen::describe(&mut stage);
    let text = tree.to_string();
    for words in ["窗宽", "冠状位", "矢状位", "仅供科研与教学", "病历"] {
        assert!(text.contains(words), "{words}");
    }
    assert_eq!(tree["language"], "zh-CN");
    assert_eq!(stage.program().workspace.layout, Layout::Mpr);
}

#[test]
fn a_picture_of_the_phantom_stays_as_it_is() {
    let _one = alone();
    let mut stage = stage(vec![ct()], Vec::new());
    run(&mut stage, Command::ToggleBrowser);
    run(&mut stage, Command::LayoutMpr);
    run(&mut stage, Command::OverlayText);
    run(&mut stage, Command::OverlayText);
    // The middle of the coronal view, without text.
    like_reference(&mut stage, "coronal", [170, 400, 160, 160]);
}

/// The documented example of `docs/screen.md` is a script that runs.
#[cfg(feature = "ai")]
#[test]
fn the_documented_screen_script_runs() {
    let _one = alone();
    let document = include_str!("../../docs/screen.md");
    let example = document
        .split("```text\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let script = dir.path().join("script.txt");
    std::fs::write(&script, example).unwrap();
    let output = process::Command::new(env!("CARGO_BIN_EXE_negatoscope"))
        .current_dir(dir.path())
        .args(["screen", "--device", "cpu", "--script"])
        .arg(&script)
        .args(["--out", "last.png", "--tree", "tree.json"])
        .output()
        .unwrap();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let last = image::open(dir.path().join("last.png")).unwrap();
    assert_eq!((last.width(), last.height()), (1440, 900));
    assert!(dir.path().join("mpr.png").exists());
    let tree: Value =
        serde_json::from_slice(&std::fs::read(dir.path().join("tree.json")).unwrap()).unwrap();
    assert_eq!(tree["viewports"][0]["mask"], true);
}

/// The real window on a real (virtual) display: it opens, draws the study, and rests.
#[cfg(target_os = "linux")]
#[test]
fn the_real_window_opens_under_xvfb_and_rests() {
    let _one = alone();
    let display = Xvfb::start();
    let run = |arguments: &[&str]| {
        let output = process::Command::new(env!("CARGO_BIN_EXE_negatoscope"))
            .env("DISPLAY", &display.name)
            .env_remove("WAYLAND_DISPLAY")
            .args(["--json", "bench"])
            .args(arguments)
            .arg(ct())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(
            output.status.code(),
            Some(0),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_str::<Value>(text.lines().last().unwrap()).unwrap()
    };
    let start = run(&["start", "--until", "first-frame"]);
    assert_eq!(start["frames"], 1);
    // The display may send an exposure of its own on a busy machine; a program that wakes itself does so every time.
    let idle = (0..3)
        .map(|_| run(&["idle", "--seconds", "3"]))
        .find(|idle| idle["frames"] == 0)
        .expect("the window was drawn again although nothing happened, three times in a row");
    assert_eq!(idle["frames"], 0, "{idle}");
    assert_eq!(idle["pictures"], 0, "{idle}");
    // And a photograph of the root window shows the picture, not only black.
    let mut window = process::Command::new(env!("CARGO_BIN_EXE_negatoscope"))
        .env("DISPLAY", &display.name)
        .env_remove("WAYLAND_DISPLAY")
        .arg(ct())
        .stderr(process::Stdio::null())
        .spawn()
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let photo = dir.path().join("root.png");
    let mut bright = 0;
    for _ in 0..40 {
        std::thread::sleep(std::time::Duration::from_millis(500));
        let taken = process::Command::new("import")
            .args(["-display", &display.name, "-window", "root"])
            .arg(&photo)
            .status()
            .expect("ImageMagick's `import` is needed (scripts/test installs it)");
        if taken.success() {
            let picture = image::open(&photo).unwrap().to_luma8();
            bright = picture.pixels().filter(|p| p.0[0] > 100).count();
            if bright > 20_000 {
                break;
            }
        }
    }
    let _ = window.kill();
    let _ = window.wait();
    assert!(
        bright > 20_000,
        "the window shows no picture ({bright} bright pixels)"
    );
}

/// A display that nobody sees; it ends with this.
#[cfg(target_os = "linux")]
pub(crate) struct Xvfb {
    server: process::Child,
    name: String,
}

#[cfg(target_os = "linux")]
impl Xvfb {
    /// What `DISPLAY` is for it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn start() -> Self {
        for number in 190..240 {
            if Path::new(&format!("/tmp/.X11-unix/X{number}")).exists() {
                continue;
            }
            let name = format!(":{number}");
            let server = process::Command::new("Xvfb")
                .args([&name, "-screen", "0", "1280x800x24"])
                .stdout(process::Stdio::null())
                .stderr(process::Stdio::null())
                .spawn()
                .expect("Xvfb is needed (scripts/test installs it)");
            for _ in 0..100 {
                if Path::new(&format!("/tmp/.X11-unix/X{number}")).exists() {
                    return Self { server, name };
                }
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
        }
        panic!("no virtual display could be started");
    }
}

#[cfg(target_os = "linux")]
impl Drop for Xvfb {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

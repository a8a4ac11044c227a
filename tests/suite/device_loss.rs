//! A lost graphics device: what was open, how it stood and what was done goes on in the window that follows.

use crate::ui_snapshots::{alone, ct, small_film};
use glam::DVec3;
use negatoscope::{
    app::{Options, restart::OnLoss, stage::Stage},
    console::DeviceChoice,
    i18n::Language,
    model::{
        annotation::{MarkKind, PointSpace, Shape},
        edit::Edit,
        lut::WindowLevel,
    },
    workspace::{
        Action, Command,
        measuring::{mark_on, site::target_of},
        state::handover::Handover,
        view::VoiChoice,
    },
};
use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

fn options(on_loss: Option<OnLoss>) -> Options {
    Options {
        plain: true,
        language: Some(Language::English),
        device: DeviceChoice::Cpu,
        threads: Some(2),
        on_loss,
        ..Options::default()
    }
}

#[test]
#[cfg_attr(no_gpu, ignore = "needs a graphics adapter")]
fn the_next_window_goes_on_where_the_device_was_lost() {
    let _one = alone();
    let taken: Arc<Mutex<Option<Handover>>> = Arc::default();
    let keeper = taken.clone();
    let on_loss = OnLoss::new(move |handover| *keeper.lock().unwrap() = Some(handover));
    let mut stage = Stage::open(options(Some(on_loss)), [900.0, 600.0]).unwrap();
    stage.program_mut().workspace.open(vec![ct(), small_film()]);
    stage.settle().unwrap();
    stage.command(Command::LayoutTwo);
    stage.settle().unwrap();
    let workspace = &mut stage.program_mut().workspace;
    workspace.act(Action::GoTo { cell: 0, index: 3 });
    let level = WindowLevel {
        center: 55.0,
        width: 321.0,
    };
    workspace.viewports[0].view.voi = VoiChoice::Custom(level);
    let frame = {
        let viewport = &workspace.viewports[0];
        let display = viewport.display.as_ref().unwrap();
        display.layout.frames[viewport.frame_shown()].clone()
    };
    let ends = vec![DVec3::new(3.0, 4.0, 0.0), DVec3::new(20.0, 9.0, 0.0)];
    let shape = Shape::new(MarkKind::Length, ends);
    let mark = mark_on(target_of(&frame), PointSpace::Pixel, shape);
    assert!(workspace.commit(vec![Edit::Add(mark.clone())]));
    stage.settle().unwrap();
    // Nothing is handed over while the device is there.
    let until = Instant::now() + Duration::from_millis(1200);
    while Instant::now() < until {
        stage.step();
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(taken.lock().unwrap().is_none());
    let standing = {
        let workspace = &stage.program().workspace;
        let study = workspace
            .active_viewport()
            .unwrap()
            .study()
            .unwrap()
            .uid
            .clone();
        (workspace.layout.clone(), workspace.active, study)
    };
    let lost = Instant::now();
    stage.program().workspace.gpu.device.destroy();
    while taken.lock().unwrap().is_none() && lost.elapsed() < Duration::from_secs(10) {
        stage.step();
        std::thread::sleep(Duration::from_millis(5));
    }
    let handover = taken
        .lock()
        .unwrap()
        .take()
        .expect("nothing was handed over");
    drop(stage);
    // Through the pipe and into the next window.
    let handover = Handover::from_bytes(&handover.to_bytes()).unwrap();
    assert_eq!(handover.paths, [ct(), small_film()]);
    let next = Options {
        handover: Some(handover),
        ..options(None)
    };
    let mut stage = Stage::open(next, [900.0, 600.0]).unwrap();
    stage.settle().unwrap();
    let took = lost.elapsed();
    let workspace = &stage.program().workspace;
    assert_eq!(
        (workspace.layout.clone(), workspace.active),
        (standing.0, standing.1)
    );
    let viewport = &workspace.viewports[0];
    assert_eq!(viewport.slice_index(), 3);
    assert_eq!(viewport.voi().level(), Some(level));
    assert_eq!(workspace.marks.set().get(&mark.id), Some(&mark));
    // It is as unsaved as it was.
    assert_eq!(workspace.marks.unsaved(), 1);
    assert!(
        took < Duration::from_secs(if cfg!(debug_assertions) { 60 } else { 10 }),
        "{took:?}"
    );
    println!("from the loss to the same window: {took:?}");
}

/// The real program in a real window: its device is thrown away while it rests, and the process that follows shows the
/// same picture.
#[cfg(target_os = "linux")]
#[test]
#[cfg_attr(no_gpu, ignore = "needs a graphics adapter")]
fn a_process_goes_on_for_one_whose_device_is_lost_at_rest() {
    use std::{
        io::{BufRead as _, BufReader},
        process::{Command, Stdio},
        sync::mpsc,
    };
    let _one = alone();
    let display = crate::ui_snapshots::Xvfb::start();
    let home = tempfile::tempdir().unwrap();
    let mut first = Command::new(env!("CARGO_BIN_EXE_negatoscope"))
        .env("DISPLAY", display.name())
        .env("HOME", home.path())
        .env("NEGATOSCOPE_LOSE_DEVICE_AFTER", "4")
        .env_remove("WAYLAND_DISPLAY")
        .env_remove("NEGATOSCOPE_LOG")
        .arg(ct())
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stderr = BufReader::new(first.stderr.take().unwrap());
    let (told, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in stderr.lines().map_while(Result::ok) {
            if told.send((Instant::now(), line)).is_err() {
                return;
            }
        }
    });
    let mut seen = Vec::new();
    let mut wait = |words: &str| {
        let until = Instant::now() + Duration::from_secs(120);
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let Ok((at, line)) = lines.recv_timeout(left) else {
                panic!("no word of `{words}`: {seen:?}");
            };
            let found = line.contains(words);
            seen.push(line);
            if found {
                return at;
            }
        }
    };
    let lost = wait("thrown away");
    let noticed = wait("a new process goes on");
    assert!(first.wait().unwrap().success());
    let shown = wait("is shown again");
    println!(
        "from the loss: noticed and handed over after {:?}, shown again after {:?}",
        noticed - lost,
        shown - lost
    );
    let most = if cfg!(debug_assertions) { 60 } else { 15 };
    assert!(
        shown - lost < Duration::from_secs(most),
        "{:?}",
        shown - lost
    );
    // Without its display the process that goes on ends by itself.
    drop(display);
}

//! What the window's own thread does for a frame: layout, triangles and painting of the whole workspace, apart from
//! what the device (or the threads of a software one) draws.

use super::{
    Cases, Failure, listing,
    measure::{Case, Samples, quantile},
    process, scenery,
};
use crate::{
    app::frames::{Frames, Parts},
    console::{Common, Exit},
    gpu::{Cargo, CopyCounts},
    i18n::Language,
    tools::Tool,
    workspace::{
        Action, Command,
        event::Event,
        study_list::{ListAction, known::KnownNews},
    },
};
use clap::Args;
use std::{path::PathBuf, time::Instant};

/// Arguments of `bench ui`.
#[derive(Clone, Debug, Args)]
pub struct UiArgs {
    /// Width and height of the window
    #[arg(long, value_name = "WxH", default_value = "1920x1080", value_parser = super::drawing::parse_size)]
    pub size: [u32; 2],
    /// Frames of each case
    #[arg(long, value_name = "K", default_value_t = 200)]
    pub steps: usize,
    /// Marks on the shown frame
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub marks: usize,
    /// Studies in the list
    #[arg(long, value_name = "N", default_value_t = 2000)]
    pub studies: usize,
    /// Slices of the made-up series
    #[arg(long, value_name = "N", default_value_t = 120)]
    pub slices: usize,
    /// Elements that the tag browser shows, about
    #[arg(long, value_name = "N", default_value_t = 5000)]
    pub elements: u16,
    /// Events on the timeline of the record
    #[arg(long, value_name = "N", default_value_t = 5000)]
    pub events: usize,
    /// Only cases whose name contains this
    #[arg(long, value_name = "WORD")]
    pub only: Option<String>,
    /// Files and folders to open instead of the made-up series
    pub paths: Vec<PathBuf>,
}

/// One moment of a frame.
#[derive(Clone, Copy)]
struct Moment {
    wall: Instant,
    cpu: Option<f64>,
    /// Allocations before and after the clocks were read: reading them takes some itself.
    allocations: [Option<u64>; 2],
    copies: CopyCounts,
}

/// All that is known of the frames of a case.
#[derive(Default)]
struct Account {
    samples: Samples,
    parts: [Vec<f64>; 3],
    allocations: Vec<f64>,
    uniforms: Vec<f64>,
    pixels: u64,
    made: u64,
    texels: u64,
    vertices: Vec<f64>,
    pictures: u64,
    marks: u64,
}

impl Account {
    /// Adds a frame.
    fn add(&mut self, parts: &Parts<Moment>, frames: &Frames) {
        let moments = [
            parts.begun,
            parts.laid_out,
            parts.tessellated,
            parts.painted,
        ];
        let (mut wall, mut cpu, mut allocations) = (0.0, Some(0.0), Some(0));
        for (part, pair) in self.parts.iter_mut().zip(moments.windows(2)) {
            let [from, to] = pair else { continue };
            let spent = to.cpu.zip(from.cpu).map(|(to, from)| (to - from).max(0.0));
            part.extend(spent);
            cpu = cpu.zip(spent).map(|(sum, more)| sum + more);
            wall += to.wall.duration_since(from.wall).as_secs_f64() * 1e3;
            let [before, after] = [from.allocations[1], to.allocations[0]];
            allocations = allocations
                .zip(after.zip(before))
                .map(|(sum, (after, before)): (u64, _)| sum + (after - before));
        }
        self.samples.wall_ms.push((wall * 1e4).round() / 1e4);
        self.samples
            .cpu_ms
            .extend(cpu.map(|ms: f64| (ms * 1e4).round() / 1e4));
        self.allocations.extend(allocations.map(|n| n as f64));
        let copied = parts.painted.copies.since(&parts.begun.copies);
        let uniforms = copied.uploaded(Cargo::Uniform);
        self.uniforms.push(uniforms as f64);
        self.pixels += copied.uploaded_in_all() - uniforms;
        self.made += copied.made_in_all();
        self.texels += frames.brought().texels;
        self.vertices.push(frames.brought().vertices as f64);
    }

    /// As it is printed.
    fn case(self, name: &str, input: &str) -> Case {
        let [layout, triangles, painting] = self.parts;
        let frames = self.samples.wall_ms.len() as u64;
        let cpu = self.samples.cpu_ms.clone();
        let both = |values: &[f64]| {
            let at = |share| quantile(values, share).map(|v| (v * 1e4).round() / 1e4);
            serde_json::json!([at(0.5), at(0.99)])
        };
        let mut case = Case::new(name, input, self.samples)
            .with("cpu_p50_p99_ms", both(&cpu))
            .with("layout_p50_p99_ms", both(&layout))
            .with("triangles_p50_p99_ms", both(&triangles))
            .with("painting_p50_p99_ms", both(&painting))
            .with("uniform_bytes_p50_p99", both(&self.uniforms))
            .with("other_bytes_in_all", self.pixels)
            .with("made_in_all", self.made)
            .with("toolkit_texel_bytes_in_all", self.texels)
            .with("vertices_p50_p99", both(&self.vertices))
            .with("allocations_p50_p99", both(&self.allocations))
            .with("pictures", self.pictures)
            .with("marks_drawn_anew", self.marks);
        case.frames = Some(frames);
        case.allocs = quantile(&self.allocations, 0.5).map(|n| n as u64);
        case.bytes_uploaded = quantile(&self.uniforms, 1.0).map(|n| n as u64 + self.pixels);
        case
    }
}

/// The stage, and which cases are wanted.
struct Bench<'a, 'b> {
    frames: Frames,
    args: &'a UiArgs,
    cases: &'a mut Cases<'b>,
    input: String,
}

impl Bench<'_, '_> {
    fn wanted(&self, name: &str) -> bool {
        let only = self.args.only.as_deref();
        only.is_none_or(|word| name.contains(word))
    }

    /// Whether any case of a scene is wanted: it is set up then.
    fn wants_any(&self, scene: &str, cases: &[&str]) -> bool {
        let mut names = cases.iter().map(|case| format!("ui-{scene}-{case}"));
        names.any(|name| self.wanted(&name))
    }

    fn moment(frames_gpu: &crate::gpu::GpuContext) -> Moment {
        let before = process::allocations();
        let cpu = process::thread_cpu_ms();
        let copies = frames_gpu.door.snapshot();
        Moment {
            wall: Instant::now(),
            cpu,
            allocations: [before, process::allocations()],
            copies,
        }
    }

    /// One frame, added to an account.
    fn frame(&mut self, account: &mut Account) -> Result<(), Failure> {
        let gpu = self.frames.program().workspace.gpu.clone();
        let drawn = |frames: &Frames| {
            let program = frames.program();
            (program.pictures_drawn(), program.state.marks.drawn)
        };
        let before = drawn(&self.frames);
        let parts = self.frames.frame(|| Self::moment(&gpu));
        account.add(&parts, &self.frames);
        let now = drawn(&self.frames);
        account.pictures += now.0 - before.0;
        account.marks += now.1 - before.1;
        Ok(self.frames.finish()?)
    }

    /// A case: `hand` is told the number of each frame before it is drawn. The first frames do not count.
    fn case(
        &mut self,
        name: &str,
        mut hand: impl FnMut(&mut Frames, usize),
    ) -> Result<(), Failure> {
        if !self.wanted(name) {
            return Ok(());
        }
        process::forget_peak();
        let mut account = Account::default();
        for step in 0..WARM {
            hand(&mut self.frames, step);
            self.frame(&mut Account::default())?;
        }
        for step in WARM..WARM + self.args.steps.max(1) {
            hand(&mut self.frames, step);
            self.frame(&mut account)?;
        }
        let mut case = account.case(name, &self.input);
        case.adapter = Some(self.frames.program().workspace.gpu.info.name.clone());
        self.cases.push(&case);
        Ok(())
    }

    /// The five things that a hand does to pictures, and nothing.
    fn hands(&mut self, scene: &str) -> Result<(), Failure> {
        let [width, height] = self.args.size.map(|n| n as f32);
        // In the first cell, whatever the layout is, and on no line of a plane.
        let at = |step: usize| {
            let around = step as f32 * 0.37;
            [
                width * 0.31 + around.sin() * 30.0,
                height * 0.31 + around.cos() * 24.0,
            ]
        };
        let rest = [width * 0.31, height * 0.31];
        self.frames.point(rest);
        self.case(&format!("ui-{scene}-still"), |_, _| {})?;
        self.case(&format!("ui-{scene}-hover"), |frames, step| {
            frames.point(at(step));
        })?;
        self.case(&format!("ui-{scene}-scroll"), |frames, step| {
            frames.point(rest);
            frames.wheel(if (step / 40).is_multiple_of(2) {
                -1.0
            } else {
                1.0
            });
        })?;
        // The wheel runs on for some frames; then back to where the marks are.
        for _ in 0..30 {
            let _ = self.frames.frame(|| ());
        }
        self.frames.finish()?;
        let (cell, index) = (self.frames.program().workspace.active, self.args.slices / 2);
        let workspace = &mut self.frames.program_mut().workspace;
        workspace.act(Action::GoTo { cell, index });
        self.frames.settle()?;
        for (hand, right) in [("window", false), ("zoom", true)] {
            let name = format!("ui-{scene}-{hand}");
            if !self.wanted(&name) {
                continue;
            }
            self.frames.program_mut().workspace.tool = Tool::WindowLevel;
            self.frames.point(rest);
            self.frames.frame(|| ());
            self.frames.press(right, true);
            self.frames.frame(|| ());
            self.case(&name, |frames, step| frames.point(at(step)))?;
            self.frames.press(right, false);
            self.frames.settle()?;
            self.frames.command(Command::ResetView);
            self.frames.settle()?;
        }
        Ok(())
    }

    /// Opens something by its key again and again: how many frames until it is seen, and what the dearest of them costs.
    fn opening(&mut self, name: &str, key: &str, word: &'static str) -> Result<(), Failure> {
        let text = Language::English.word(word);
        let name = format!("ui-open-{name}");
        if !self.wanted(&name) {
            return Ok(());
        }
        let mut account = Account::default();
        let (mut until, mut dearest) = (Vec::new(), Vec::new());
        for _ in 0..OPENINGS {
            self.frames.look_for(Some(text));
            if !self.frames.key(key) {
                return Err(Failure::new(
                    Exit::Internal,
                    format!("there is no key {key}"),
                ));
            }
            let from = account.samples.cpu_ms.len();
            // The first frame takes the key, so what it asks for is in the next one at the earliest.
            for frame in 0..=MOST_FRAMES {
                self.frame(&mut account)?;
                if self.frames.seen() {
                    until.push(frame as f64);
                    break;
                }
                if frame == MOST_FRAMES {
                    let text = format!("{key} does not open anything in {MOST_FRAMES} frames");
                    return Err(Failure::new(Exit::Internal, text));
                }
            }
            let spent = account.samples.cpu_ms.get(from..).unwrap_or_default();
            dearest.extend(quantile(spent, 1.0));
            self.frames.look_for(None);
            self.frames.settle()?;
            self.frames.key("Escape");
            self.frames.settle()?;
        }
        let mut case = account
            .case(&name, &self.input)
            .with("frames_until_seen_max", quantile(&until, 1.0))
            .with("dearest_frame_p50_ms", quantile(&dearest, 0.5))
            .with("dearest_frame_max_ms", quantile(&dearest, 1.0));
        case.adapter = Some(self.frames.program().workspace.gpu.info.name.clone());
        self.cases.push(&case);
        Ok(())
    }
}

/// What a hand does to pictures, by the names of the cases.
const HANDS: [&str; 5] = ["still", "hover", "scroll", "window", "zoom"];
/// Frames that bring everything into its place before the counted ones.
const WARM: usize = 8;
/// How often each thing is opened.
const OPENINGS: usize = 10;
/// Frames after which something should have opened.
const MOST_FRAMES: usize = 30;

/// Runs `bench ui`.
pub(super) fn run(args: &UiArgs, common: &Common, cases: &mut Cases<'_>) -> Result<(), Failure> {
    let seed = common.seed.unwrap_or(1);
    let (frames, made) = scenery::window(
        common,
        args.size,
        &args.paths,
        args.slices,
        args.elements,
        None,
    )?;
    let [width, height] = args.size;
    let mut bench = Bench {
        frames,
        args,
        cases,
        input: format!("{width} x {height}, {} marks", args.marks),
    };
    // The first frame of the series is the one with many elements; in the middle there is more to see.
    bench.opening("tags", "Ctrl+I", "tags-title")?;
    if bench.wants_any("tags", &["still", "scroll"]) {
        bench.frames.key("Ctrl+I");
        bench.frames.settle()?;
        bench
            .frames
            .point([width as f32 / 2.0, height as f32 / 2.0]);
        bench.case("ui-tags-still", |_, _| {})?;
        bench.case("ui-tags-scroll", |frames, step| {
            frames.wheel(if (step / 60).is_multiple_of(2) {
                -6.0
            } else {
                6.0
            });
        })?;
        bench.frames.key("Escape");
        bench.frames.settle()?;
    }
    let middle = args.slices / 2;
    let cell = bench.frames.program().workspace.active;
    let workspace = &mut bench.frames.program_mut().workspace;
    workspace.act(Action::GoTo {
        cell,
        index: middle,
    });
    bench.frames.settle()?;
    scenery::marks(&mut bench.frames, args.marks, seed)?;
    if bench.wants_any("one", &HANDS) {
        bench.hands("one")?;
    }
    bench.opening("help", "F1", "help-title")?;
    bench.opening("palette", "Ctrl+K", "palette-hint")?;
    if bench.wants_any("mpr", &HANDS) {
        bench.frames.command(Command::LayoutMpr);
        bench.frames.settle()?;
        bench.hands("mpr")?;
    }
    if bench.wants_any("list", &["still", "scroll"]) {
        let entries = listing::studies(seed, args.studies);
        let news = Event::Known(KnownNews::Studies(entries, Vec::new()));
        let workspace = &mut bench.frames.program_mut().workspace;
        if workspace.sender().send(news).is_err() {
            return Err(Failure::new(Exit::Internal, "nobody takes the studies"));
        }
        workspace.act(Action::Studies(ListAction::Show(true)));
        bench.frames.settle()?;
        bench.input = format!("{width} x {height}, {} studies", args.studies);
        bench
            .frames
            .point([width as f32 / 2.0, height as f32 / 2.0]);
        bench.case("ui-list-still", |_, _| {})?;
        bench.case("ui-list-scroll", |frames, step| {
            frames.wheel(if (step / 60).is_multiple_of(2) {
                -6.0
            } else {
                6.0
            });
        })?;
    }
    if bench.wants_any("timeline", &["still", "hover", "zoom"]) {
        bench
            .frames
            .program_mut()
            .workspace
            .act(Action::Studies(ListAction::Show(false)));
        let events = scenery::record(&mut bench.frames, made.path(), args.events, seed)?;
        bench.frames.command(Command::ShowTimeline);
        bench.frames.settle()?;
        bench.input = format!("{width} x {height}, {events} events");
        // Over the lanes, in the middle of their days.
        let at = |step: usize| {
            let around = step as f32 * 0.37;
            [
                width as f32 - 120.0 + around.sin() * 80.0,
                300.0 + around.cos() * 60.0,
            ]
        };
        bench.frames.point(at(0));
        bench.case("ui-timeline-still", |_, _| {})?;
        bench.case("ui-timeline-hover", |frames, step| frames.point(at(step)))?;
        bench.frames.point(at(0));
        bench.case("ui-timeline-zoom", |frames, step| {
            frames.wheel(if (step / 30).is_multiple_of(2) {
                1.0
            } else {
                -1.0
            });
        })?;
    }
    drop(made);
    Ok(())
}

//! The real window with somebody watching: when its first frame came, and what it does while nothing happens.

use super::{AppError, Options, Program, window};
use crate::workspace::{Action, Command};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// A clock that the caller brings: milliseconds, or `None` where the system does not say.
pub type Clock = fn() -> Option<f64>;

/// The first frame.
#[derive(Clone, Debug)]
pub struct FirstFrame {
    /// What the caller's clock said.
    pub clock_ms: Option<f64>,
    /// Milliseconds since the call.
    pub since_call_ms: f64,
    /// The adapter that drew it.
    pub adapter: String,
}

/// What happened while nothing happened.
#[derive(Clone, Debug)]
pub struct Idle {
    /// Frames of the window.
    pub frames: u64,
    /// Pictures drawn by the renderer.
    pub pictures: u64,
    /// Difference of the caller's clock (processor time).
    pub clock_ms: Option<f64>,
    /// Milliseconds that passed.
    pub wall_ms: f64,
    /// Who woke the window, and how often.
    pub causes: BTreeMap<&'static str, u64>,
    /// The adapter.
    pub adapter: String,
}

/// Opens the window, notes when its first frame is on the screen, closes it.
///
/// # Errors
/// As [`window::run`]; [`AppError::Window`] when it closed before.
pub fn first_frame(options: Options, clock: Clock) -> Result<FirstFrame, AppError> {
    let (seen, notes) = shared();
    let called = Instant::now();
    window::open(move |cc, state| {
        let adapter = state.adapter.get_info().name;
        let program = Program::new(&cc.egui_ctx, state, options)?;
        Ok(FirstShown::new(program, notes, (clock, called, adapter)))
    })?;
    taken(&seen)
}

/// The same with nothing in the window: what toolkit and device cost by themselves.
///
/// # Errors
/// As [`first_frame`].
pub fn bare_first_frame(clock: Clock) -> Result<FirstFrame, AppError> {
    let (seen, notes) = shared();
    let called = Instant::now();
    window::open(move |_, state| {
        let adapter = state.adapter.get_info().name;
        Ok(FirstShown::new(Bare, notes, (clock, called, adapter)))
    })?;
    taken(&seen)
}

type Seen = Arc<Mutex<Option<FirstFrame>>>;

fn shared() -> (Seen, Seen) {
    let seen = Seen::default();
    (seen.clone(), seen)
}

fn taken(seen: &Seen) -> Result<FirstFrame, AppError> {
    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    seen.take()
        .ok_or_else(|| AppError::Window("it closed before its first frame".into()))
}

/// A window with nothing in it.
struct Bare;

impl eframe::App for Bare {
    fn ui(&mut self, _: &mut egui::Ui, _: &mut eframe::Frame) {}
}

/// An application whose first frame is noted once it was handed to the screen: when the next one begins.
struct FirstShown<A> {
    inner: A,
    drawn: bool,
    notes: Seen,
    clock: Clock,
    called: Instant,
    adapter: String,
}

impl<A> FirstShown<A> {
    fn new(inner: A, notes: Seen, (clock, called, adapter): (Clock, Instant, String)) -> Self {
        Self {
            inner,
            drawn: false,
            notes,
            clock,
            called,
            adapter,
        }
    }
}

impl<A: eframe::App> eframe::App for FirstShown<A> {
    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        self.inner.clear_color(visuals)
    }

    fn logic(&mut self, ctx: &egui::Context, frame: &mut eframe::Frame) {
        if self.drawn {
            let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
            notes.get_or_insert_with(|| FirstFrame {
                clock_ms: (self.clock)(),
                since_call_ms: self.called.elapsed().as_secs_f64() * 1e3,
                adapter: self.adapter.clone(),
            });
            ctx.send_viewport_cmd(egui::ViewportCommand::Close);
        }
        self.inner.logic(ctx, frame);
    }

    fn ui(&mut self, ui: &mut egui::Ui, frame: &mut eframe::Frame) {
        self.inner.ui(ui, frame);
        self.drawn = true;
        ui.ctx().request_repaint();
    }
}

/// Opens the window, waits until everything has arrived, carries the commands out, waits again, then counts for `length`,
/// then closes it. The counting is
/// done by a thread that leaves the window alone: looking must not wake it.
///
/// # Errors
/// As [`first_frame`].
pub fn idle(
    options: Options,
    mut commands: Vec<Command>,
    length: Duration,
    clock: Clock,
) -> Result<Idle, AppError> {
    let frames = Arc::new(AtomicU64::new(0));
    let pictures = Arc::new(AtomicU64::new(0));
    let result: Arc<Mutex<Option<Idle>>> = Arc::default();
    let mut at_rest: Option<Instant> = None;
    let mut counting = false;
    let notes = result.clone();
    observe(options, move |program, ctx, (): &mut ()| {
        frames.store(program.frames, Ordering::Relaxed);
        pictures.store(program.pictures_drawn(), Ordering::Relaxed);
        if counting {
            return;
        }
        if !program.workspace.is_idle() {
            at_rest = None;
        } else if !commands.is_empty() {
            let wishes = std::mem::take(&mut commands).into_iter().map(Action::Run);
            program.carry_out(ctx, wishes.collect());
            at_rest = None;
        } else if at_rest.get_or_insert_with(Instant::now).elapsed() >= SETTLE {
            counting = true;
            let (frames, pictures) = (frames.clone(), pictures.clone());
            let (waker, notes, ctx) = (program.workspace.waker.clone(), notes.clone(), ctx.clone());
            let adapter = program.workspace.gpu.info.name.clone();
            let now = move || Idle {
                frames: frames.load(Ordering::Relaxed),
                pictures: pictures.load(Ordering::Relaxed),
                clock_ms: clock(),
                wall_ms: 0.0,
                causes: waker.causes(),
                adapter: adapter.clone(),
            };
            let _ = crate::task::spawn_named("idle-clock", move || {
                std::thread::sleep(SETTLE);
                let (since, before) = (Instant::now(), now());
                std::thread::sleep(length);
                let report = difference(&before, now(), since.elapsed());
                *notes.lock().unwrap_or_else(PoisonError::into_inner) = Some(report);
                ctx.send_viewport_cmd(egui::ViewportCommand::Close);
                ctx.request_repaint();
            });
            return;
        }
        ctx.request_repaint_after(Duration::from_millis(20));
    })?;
    let mut report = result.lock().unwrap_or_else(PoisonError::into_inner);
    report
        .take()
        .ok_or_else(|| AppError::Window("it closed before the time was over".into()))
}

/// Time for tooltips and fading bars to end.
const SETTLE: Duration = Duration::from_secs(1);

fn difference(before: &Idle, mut after: Idle, wall: Duration) -> Idle {
    after.frames -= before.frames;
    after.pictures -= before.pictures;
    after.clock_ms = after.clock_ms.zip(before.clock_ms).map(|(a, b)| a - b);
    after.wall_ms = wall.as_secs_f64() * 1e3;
    after.causes = after
        .causes
        .into_iter()
        .map(|(cause, n)| (cause, n - before.causes.get(cause).unwrap_or(&0)))
        .filter(|(_, n)| *n > 0)
        .collect();
    after
}

/// Runs the window and looks at it after every frame.
fn observe<T: Default + Send + 'static>(
    options: Options,
    look: impl FnMut(&mut Program, &egui::Context, &mut T) + 'static,
) -> Result<T, AppError> {
    let seen = Arc::new(Mutex::new(T::default()));
    let notes = seen.clone();
    window::run_with(options, move |program| Watched {
        program,
        notes,
        look,
    })?;
    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(std::mem::take(&mut seen))
}

struct Watched<T, F> {
    program: Program,
    notes: Arc<Mutex<T>>,
    look: F,
}

impl<T, F: FnMut(&mut Program, &egui::Context, &mut T)> eframe::App for Watched<T, F> {
    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        self.program.clear_color(visuals)
    }

    fn logic(&mut self, ctx: &egui::Context, frame: &mut eframe::Frame) {
        self.program.logic(ctx, frame);
    }

    fn ui(&mut self, ui: &mut egui::Ui, frame: &mut eframe::Frame) {
        self.program.ui(ui, frame);
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        (self.look)(&mut self.program, ui.ctx(), &mut notes);
    }
}

//! Filters that take long, away from the window's thread: the f64 reference on the decoded frames, latest wins.
//!
//! Must stay true: a cell has one waiting request at most, and a newer one of the same cell stops the running one.
//! What is not finished is never shown: the cell shows what it has and says so.

use super::{
    Action, Workspace,
    display::FrameState,
    display::SeriesDisplay,
    view::{Picture, Viewport},
    waker::Waker,
};
use crate::{
    diary,
    gpu::{FrameTexture, GpuContext},
    imaging::{
        filter::{FilterPlane, FilterView, apply},
        reslice,
    },
    model::{
        filter::{FilterError, FilterStack, FilterStep},
        lut::WindowLevel,
        pixels::Frame,
    },
    task::{CancelToken, spawn_named},
};
use std::{
    collections::BTreeMap,
    panic::AssertUnwindSafe,
    sync::{Arc, Condvar, Mutex, PoisonError},
};

/// Why a picture is shown without its filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotFiltered {
    /// Colour.
    Color,
    /// The device holds fewer pixels than the frame has.
    Reduced,
    /// Slices of the volume are not there yet.
    Incomplete,
}

impl NotFiltered {
    /// Key of the message catalogue.
    pub const fn message_key(self) -> &'static str {
        match self {
            Self::Color => "badge-not-filtered-color",
            Self::Reduced => "badge-not-filtered-reduced",
            Self::Incomplete => "badge-not-filtered-incomplete",
        }
    }
}

impl Workspace {
    /// Gives a view the filters that are written down, in their order, as one step of undo.
    ///
    /// # Errors
    /// What is wrong with a filter; nothing is changed then.
    pub fn set_filters(&mut self, cell: usize, texts: &[String]) -> Result<(), FilterError> {
        let Some(viewport) = self.viewports.get(cell) else {
            return Ok(());
        };
        let before = viewport.view.clone();
        let width = viewport.voi().level().map_or(1.0, |level| level.width);
        let mut view = before.clone();
        let mut filters = FilterStack::default();
        for text in texts {
            filters.push(FilterStep::parse(text, width)?)?;
        }
        view.set_filters(filters);
        self.act(Action::View { cell, view });
        self.act(Action::Commit { cell, before });
        Ok(())
    }
}

/// The plane that the filters of a viewport act on.
///
/// # Errors
/// Why there is none.
pub fn filter_view(viewport: &Viewport, picture: &Picture) -> Result<FilterView, NotFiltered> {
    let Some(display) = &viewport.display else {
        return Err(NotFiltered::Incomplete);
    };
    if display.reduced() > 1 {
        return Err(NotFiltered::Reduced);
    }
    let is_cut = viewport.kind.is_cut() && display.is_volume();
    let view = match (is_cut, display.layout.volume) {
        (true, Some(grid)) => {
            let progress = display.progress();
            if progress.loaded < progress.total {
                return Err(NotFiltered::Incomplete);
            }
            let finest = grid.spacing_mm().into_iter().fold(f64::INFINITY, f64::min);
            FilterView::of_cut(&picture.view, grid.size, finest / picture.unit_per_pixel)
        }
        _ => display
            .image_of(picture.frame)
            .and_then(|image| FilterView::of_frame(&picture.view, [image.columns, image.rows])),
    };
    view.ok_or(NotFiltered::Color)
}

/// What is asked for.
pub struct Request {
    /// Which request of the cell: the answer has the same number.
    pub id: u64,
    /// The frames.
    pub display: Arc<SeriesDisplay>,
    /// The one frame that is needed, or all of a volume.
    pub frame: Option<usize>,
    /// The plane.
    pub view: FilterView,
    /// The filters.
    pub stack: FilterStack,
    /// The plane itself is wanted; else only its window.
    pub texture: bool,
    /// Percentiles between which the window of the result is wanted.
    pub percent: Option<[u8; 2]>,
}

/// What came of it.
pub struct Answer {
    /// Which request.
    pub id: u64,
    /// The filtered plane, where it was wanted.
    pub texture: Option<Result<Arc<FrameTexture>, String>>,
    /// The window of the result, where it was wanted and there is one.
    pub window: Option<WindowLevel>,
}

impl Answer {
    fn failed(request: &Request, why: &str) -> Self {
        Self {
            id: request.id,
            texture: request.texture.then(|| Err(why.to_owned())),
            window: None,
        }
    }
}

#[derive(Default)]
struct Desk {
    waiting: BTreeMap<usize, Request>,
    running: Option<(usize, CancelToken)>,
    answers: BTreeMap<usize, Answer>,
    closed: bool,
}

/// One thread that filters for all cells; it starts with the first request.
pub struct FilterWorker {
    desk: Arc<(Mutex<Desk>, Condvar)>,
    gpu: GpuContext,
    waker: Waker,
    started: Mutex<bool>,
}

impl std::fmt::Debug for FilterWorker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FilterWorker")
    }
}

fn lock(desk: &(Mutex<Desk>, Condvar)) -> std::sync::MutexGuard<'_, Desk> {
    desk.0.lock().unwrap_or_else(PoisonError::into_inner)
}

impl FilterWorker {
    /// A worker for a device; nothing runs yet.
    pub fn new(gpu: GpuContext, waker: Waker) -> Self {
        Self {
            desk: Arc::default(),
            gpu,
            waker,
            started: Mutex::new(false),
        }
    }

    /// Asks for a plane; what the cell asked for before is forgotten.
    pub fn ask(&self, cell: usize, request: Request) {
        {
            let mut desk = lock(&self.desk);
            if let Some((running, cancel)) = &desk.running
                && *running == cell
            {
                cancel.cancel();
            }
            desk.answers.remove(&cell);
            desk.waiting.insert(cell, request);
        }
        self.desk.1.notify_one();
        let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        if !*started {
            let (desk, gpu, waker) = (self.desk.clone(), self.gpu.clone(), self.waker.clone());
            // Without a thread the pictures stay as they are, and say that their filters are awaited.
            *started = spawn_named("filters", move || work(&desk, &gpu, &waker)).is_ok();
        }
    }

    /// Forgets what a cell asked for.
    pub fn forget(&self, cell: usize) {
        let mut desk = lock(&self.desk);
        desk.waiting.remove(&cell);
        desk.answers.remove(&cell);
        if let Some((running, cancel)) = &desk.running
            && *running == cell
        {
            cancel.cancel();
        }
    }

    /// The answer to a cell's newest request, once.
    pub fn answer(&self, cell: usize) -> Option<Answer> {
        lock(&self.desk).answers.remove(&cell)
    }

    /// Whether something waits or runs.
    pub fn is_busy(&self) -> bool {
        let desk = lock(&self.desk);
        !desk.waiting.is_empty() || desk.running.is_some()
    }
}

impl Drop for FilterWorker {
    fn drop(&mut self) {
        let mut desk = lock(&self.desk);
        desk.closed = true;
        if let Some((_, cancel)) = &desk.running {
            cancel.cancel();
        }
        drop(desk);
        self.desk.1.notify_all();
    }
}

fn work(desk: &(Mutex<Desk>, Condvar), gpu: &GpuContext, waker: &Waker) {
    loop {
        let (cell, request, cancel) = {
            let mut inner = lock(desk);
            loop {
                if inner.closed {
                    return;
                }
                if let Some((cell, request)) = inner.waiting.pop_first() {
                    let cancel = CancelToken::default();
                    inner.running = Some((cell, cancel.clone()));
                    break (cell, request, cancel);
                }
                inner = desk.1.wait(inner).unwrap_or_else(PoisonError::into_inner);
            }
        };
        let made = diary::contain(AssertUnwindSafe(|| plane(gpu, &request, &cancel)))
            .unwrap_or_else(|_| Some(Answer::failed(&request, "the filter failed")));
        let mut inner = lock(desk);
        inner.running = None;
        let newest = !cancel.is_cancelled() && !inner.waiting.contains_key(&cell);
        if let (Some(answer), true) = (made, newest) {
            inner.answers.insert(cell, answer);
        }
        drop(inner);
        waker.wake("filters");
    }
}

/// The filtered plane and its window; `None` once cancelled.
fn plane(gpu: &GpuContext, request: &Request, cancel: &CancelToken) -> Option<Answer> {
    let loaded = |index: usize| match request.display.frame(index) {
        FrameState::Loaded(frame) => Some(frame),
        _ => None,
    };
    let frames: Vec<Option<Frame>> = match request.frame {
        Some(index) => vec![loaded(index)],
        None => (0..request.display.layout.frames.len())
            .map(loaded)
            .collect(),
    };
    if frames.iter().all(Option::is_none) {
        // Their memory was needed for others; without values there would be a black picture.
        return Some(Answer::failed(request, "the frames are not in memory"));
    }
    let mut view = request.view.plane.clone();
    if request.frame.is_some() {
        // The one frame is the only slice here.
        view.voxel_from_viewport.translation.z = 0.0;
    }
    let values = reslice::values_cpu(&view, &frames);
    let [columns, rows] = view.size.map(|n| n as usize);
    let values = values.into_iter().map(f64::from).collect();
    let filtered = match FilterPlane::new(columns, rows, values) {
        Some(plane) => apply(&request.stack, plane, cancel)?,
        None => {
            return Some(Answer::failed(request, "there is nothing to filter"));
        }
    };
    let upload = || {
        let texture = FrameTexture::computed(gpu, columns, rows)?;
        if let Some(frame) = filtered.to_frame() {
            texture.upload(0, &frame)?;
        }
        Ok::<_, crate::gpu::GpuError>(Arc::new(texture))
    };
    Some(Answer {
        id: request.id,
        texture: request
            .texture
            .then(|| upload().map_err(|error| error.to_string())),
        window: request.percent.and_then(|percent| filtered.window(percent)),
    })
}

//! A series on display: its frames in memory and on the GPU, arriving one chunk after the other.
//!
//! Must stay true: memory is bounded. When all frames fit the budget they stay; otherwise a window of them
//! does, the least recently shown going first, and the series is shown as a stack.

use crate::{
    dicom::{frames::FrameSource, load, window_default::window_default},
    gpu::{FrameTexture, GpuContext},
    imaging::palette,
    model::{
        cover::FrameCover,
        layout::SeriesLayout,
        lut::Voi,
        pixels::{Frame, StoredType},
        study::ImageDescription,
    },
};
use std::{
    collections::{BTreeMap, VecDeque},
    ops::Range,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

/// State of one frame.
#[derive(Clone, Debug)]
pub enum FrameState {
    /// Not asked for yet, on its way, or given up to the budget.
    Waiting,
    /// Here.
    Loaded(Frame),
    /// Does not decode; the reason, free of identity.
    Failed(String),
}

/// A series and what of it is resident.
pub struct SeriesDisplay {
    /// Identity of the arrangement of frames ([`super::library::SeriesNode::key`]).
    pub key: String,
    /// The frames in order.
    pub layout: Arc<SeriesLayout>,
    chunks: Vec<Range<usize>>,
    capacity: usize,
    frame_bytes: usize,
    held: Arc<Held>,
}

/// What is here of a series. Two displays share it when only what the header says of place and scale differs.
struct Held {
    texture: OnceLock<Result<Arc<FrameTexture>, String>>,
    state: Mutex<Resident>,
    seen: AtomicUsize,
    first_voi: OnceLock<Voi>,
    /// Windows of frames by their data, of those that were asked for.
    automatic: Mutex<BTreeMap<usize, Voi>>,
}

struct Resident {
    /// Changed by [`Resident::set`] only.
    frames: Vec<FrameState>,
    /// How many of them are here, and how many failed: both are asked for several times a frame.
    loaded: usize,
    failed: usize,
    /// What lies over resident frames, where anything does.
    covers: BTreeMap<usize, Arc<FrameCover>>,
    /// Texture layer of a resident frame, when not all fit.
    layers: BTreeMap<usize, usize>,
    /// Resident frames, least recently shown first, when not all fit.
    recency: VecDeque<usize>,
}

impl Resident {
    fn set(&mut self, index: usize, state: FrameState) {
        let Some(slot) = self.frames.get_mut(index) else {
            return;
        };
        let counted = |state: &FrameState| match state {
            FrameState::Waiting => (0, 0),
            FrameState::Loaded(_) => (1, 0),
            FrameState::Failed(_) => (0, 1),
        };
        let (before, after) = (counted(slot), counted(&state));
        self.loaded = self.loaded + after.0 - before.0;
        self.failed = self.failed + after.1 - before.1;
        *slot = state;
    }
}

/// How far a series is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadProgress {
    /// Frames that arrived at least once.
    pub loaded: usize,
    /// Frames that do not decode.
    pub failed: usize,
    /// All frames.
    pub total: usize,
}

impl SeriesDisplay {
    /// Prepares a series; reads nothing. `budget` is the upper bound of its decoded frames in bytes; what the device
    /// holds follows from its limits.
    pub fn new(key: String, layout: Arc<SeriesLayout>, budget: u64, gpu: &GpuContext) -> Self {
        let total = layout.frames.len();
        let image = layout.first_instance().and_then(|i| i.image.as_ref());
        let bytes = |image: &ImageDescription| {
            // Drawn as it is stored, or as 32-bit floats.
            let drawn = match layout.mixed_rescale {
                true => image.frame_bytes().max(4 * image.rows * image.columns),
                false => image.frame_bytes(),
            };
            let cover = image.display.cover_bytes(image.columns, image.rows);
            drawn.saturating_add(cover)
        };
        let frame_bytes = image.map_or(1, bytes).max(1);
        let by_device = image.map_or(1, |i| {
            let held_rows = i
                .rows
                .div_ceil(FrameTexture::reduction(gpu, i.columns, i.rows));
            FrameTexture::most_frames(gpu, held_rows)
        });
        let by_budget = usize::try_from(budget / frame_bytes as u64).unwrap_or(usize::MAX);
        let capacity = total.min(by_budget.max(2)).min(by_device).max(1);
        let chunks = if capacity >= total {
            load::chunk_ranges(&layout)
        } else {
            (0..total).map(|k| k..k + 1).collect()
        };
        let state = Resident {
            frames: vec![FrameState::Waiting; total],
            loaded: 0,
            failed: 0,
            covers: BTreeMap::new(),
            layers: BTreeMap::new(),
            recency: VecDeque::new(),
        };
        Self {
            key,
            layout,
            chunks,
            capacity,
            frame_bytes,
            held: Arc::new(Held {
                texture: OnceLock::new(),
                state: Mutex::new(state),
                seen: AtomicUsize::new(0),
                first_voi: OnceLock::new(),
                automatic: Mutex::default(),
            }),
        }
    }

    /// The same frames, here or on their way, under headers with another scale.
    pub fn with_layout(&self, layout: Arc<SeriesLayout>) -> Self {
        Self {
            key: self.key.clone(),
            layout,
            chunks: self.chunks.clone(),
            capacity: self.capacity,
            frame_bytes: self.frame_bytes,
            held: self.held.clone(),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Resident> {
        self.held
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether every frame may stay.
    pub fn all_fit(&self) -> bool {
        self.capacity >= self.layout.frames.len()
    }

    /// How many pieces to each side of the shown one are read ahead: all, or few enough that they do not push it out.
    pub fn reach(&self) -> usize {
        match self.all_fit() {
            true => usize::MAX,
            false => (self.capacity.saturating_sub(1) / 2).min(4),
        }
    }

    /// Bytes of decoded frames that it holds at most; the device holds as much again.
    pub const fn most_bytes(&self) -> u64 {
        self.capacity as u64 * self.frame_bytes as u64
    }

    /// Whether the series may be cut in any plane: a clean volume that fits.
    pub fn is_volume(&self) -> bool {
        self.layout.volume.is_some() && self.all_fit()
    }

    /// The pieces in which it is read.
    pub fn chunks(&self) -> &[Range<usize>] {
        &self.chunks
    }

    /// The piece that holds a frame.
    pub fn chunk_of(&self, frame: usize) -> Option<usize> {
        let at = self.chunks.partition_point(|c| c.end <= frame);
        (at < self.chunks.len()).then_some(at)
    }

    /// Whether a piece still has to be read.
    pub fn wants(&self, chunk: usize) -> bool {
        let state = self.lock();
        self.chunks.get(chunk).is_some_and(|range| {
            range
                .clone()
                .any(|k| matches!(state.frames.get(k), Some(FrameState::Waiting)))
        })
    }

    /// The description of the image of a frame.
    pub fn image_of(&self, frame: usize) -> Option<&ImageDescription> {
        self.layout.frames.get(frame)?.instance.image.as_ref()
    }

    /// State of a frame; cheap, pixels are shared.
    pub fn frame(&self, index: usize) -> FrameState {
        self.lock()
            .frames
            .get(index)
            .cloned()
            .unwrap_or(FrameState::Waiting)
    }

    /// What lies over a frame that is here: its overlay planes and display shutter.
    pub fn cover(&self, index: usize) -> Option<Arc<FrameCover>> {
        self.lock().covers.get(&index).cloned()
    }

    /// The texture, once the first chunk arrived; or why there is none.
    pub fn texture(&self) -> Option<&Result<Arc<FrameTexture>, String>> {
        self.held.texture.get()
    }

    /// Every how many pixels the device holds one of each row; 1 where it holds them all, or while it holds none.
    pub fn reduced(&self) -> usize {
        match self.held.texture.get() {
            Some(Ok(texture)) => texture.reduced(),
            _ => 1,
        }
    }

    /// Texture layer of a frame; `None` while it is not resident. Marks it as shown now.
    pub fn layer_of(&self, frame: usize) -> Option<usize> {
        let mut state = self.lock();
        if !matches!(state.frames.get(frame), Some(FrameState::Loaded(_))) {
            return None;
        }
        if self.all_fit() {
            return Some(frame);
        }
        let layer = state.layers.get(&frame).copied();
        if layer.is_some() {
            state.recency.retain(|&k| k != frame);
            state.recency.push_back(frame);
        }
        layer
    }

    /// How far loading is.
    pub fn progress(&self) -> LoadProgress {
        let state = self.lock();
        LoadProgress {
            loaded: match self.all_fit() {
                true => state.loaded,
                false => self
                    .held
                    .seen
                    .load(Ordering::Relaxed)
                    .min(state.frames.len()),
            },
            failed: state.failed,
            total: state.frames.len(),
        }
    }

    /// Bytes of decoded frames held for computing (the texture holds as much again), and of what lies over them.
    pub fn resident_bytes(&self) -> u64 {
        let state = self.lock();
        let bits = |cover: &Arc<FrameCover>| {
            let words = cover.layers.iter().map(|l| l.bits.words().len() as u64);
            words.sum::<u64>() * 4
        };
        let frames: u64 = state
            .frames
            .iter()
            .map(|f| match f {
                FrameState::Loaded(frame) => frame.pixels.as_slice().len() as u64,
                _ => 0,
            })
            .sum();
        frames + state.covers.values().map(bits).sum::<u64>()
    }

    /// The window with which the series opens, from its first loaded frame.
    pub fn first_voi(&self) -> Option<&Voi> {
        self.held.first_voi.get()
    }

    /// The window of a frame by its data: what was worked out before, or what `make` works out from all of its pixels.
    pub fn automatic_voi(&self, frame: usize, make: impl FnOnce() -> Option<Voi>) -> Option<Voi> {
        let kept = || {
            self.held
                .automatic
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        if let Some(found) = kept().get(&frame) {
            return Some(found.clone());
        }
        let made = make()?;
        kept().insert(frame, made.clone());
        Some(made)
    }

    /// Reads a piece, uploads it and notes what failed. Called by loader threads.
    pub fn load_chunk(&self, chunk: usize, source: &dyn FrameSource, gpu: &GpuContext) {
        let Some(range) = self.chunks.get(chunk).cloned() else {
            return;
        };
        let texture = self
            .held
            .texture
            .get_or_init(|| self.make_texture(gpu))
            .clone();
        let frames = match load::read_chunk(&self.layout, source, range.clone()) {
            Ok(frames) => frames.into_iter().map(Ok).collect::<Vec<_>>(),
            // One bad frame must not take its neighbours with it: read them one by one.
            Err(_) => range
                .clone()
                .map(|k| {
                    load::read_chunk(&self.layout, source, k..k + 1)
                        .map_err(|e| e.to_string())
                        .and_then(|mut f| f.pop().ok_or_else(|| "no frame".to_owned()))
                })
                .collect(),
        };
        for (index, frame) in range.zip(frames) {
            match frame {
                Ok(frame) => {
                    let cover = self.read_cover(index, source);
                    self.accept(index, frame, cover, texture.as_deref().ok());
                }
                Err(reason) => {
                    if let (Ok(texture), true) = (&texture, self.all_fit()) {
                        // A layer that cannot be marked stays "not loaded", which is hatched as well.
                        let _ = texture.mark_failed(index);
                    }
                    self.lock().set(index, FrameState::Failed(reason));
                }
            }
        }
    }

    /// What lies over a frame; nothing where it cannot be read, since the frame itself can be shown.
    fn read_cover(&self, index: usize, source: &dyn FrameSource) -> Option<Arc<FrameCover>> {
        let reference = self.layout.frames.get(index)?;
        let image = reference.instance.image.as_ref()?;
        if !image.display.has_cover() {
            return None;
        }
        let cover = source.read_cover(&reference.instance, reference.frame);
        let cover = cover.ok().filter(|cover| !cover.layers.is_empty())?;
        // The shutter of a run is the same for all its frames, and is kept once.
        let state = self.lock();
        let same = state.covers.values().next_back().filter(|c| ***c == cover);
        Some(same.cloned().unwrap_or_else(|| Arc::new(cover)))
    }

    fn accept(
        &self,
        index: usize,
        frame: Frame,
        cover: Option<Arc<FrameCover>>,
        texture: Option<&FrameTexture>,
    ) {
        let layer = if self.all_fit() {
            Some(index)
        } else {
            self.make_room(index)
        };
        let colours = match self.layout.frames.get(index) {
            // Slices with scales of their own meet as modality values.
            Some(reference) if self.layout.mixed_rescale => load::one_scale(&frame, reference),
            _ => self
                .image_of(index)
                .and_then(|image| palette::expand(&frame, image.palette.as_deref()?)),
        };
        if let (Some(texture), Some(layer)) = (texture, layer)
            && let Err(error) = texture.upload(layer, colours.as_ref().unwrap_or(&frame))
        {
            self.lock()
                .set(index, FrameState::Failed(error.to_string()));
            return;
        }
        if let (Some(texture), true) = (texture, self.is_volume()) {
            // Without it projections look everywhere.
            let _ = texture.note_values(index, colours.as_ref().unwrap_or(&frame));
        }
        if let (None, Some(reference)) = (self.held.first_voi.get(), self.layout.frames.get(index))
        {
            let image = reference.instance.image.as_ref();
            let voi = image.map_or(super::loader::FALLBACK_VOI, |image| {
                window_default(
                    image.frame(reference.frame),
                    &frame,
                    image.padding,
                    image.bits_stored,
                )
            });
            let _ = self.held.first_voi.set(voi);
        }
        let mut state = self.lock();
        let first_time = matches!(state.frames.get(index), Some(FrameState::Waiting));
        state.set(index, FrameState::Loaded(frame));
        if let Some(cover) = cover {
            state.covers.insert(index, cover);
        }
        if first_time {
            self.held.seen.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Frees the layer of the frame that was not shown for the longest time.
    fn make_room(&self, index: usize) -> Option<usize> {
        let mut state = self.lock();
        if let Some(&layer) = state.layers.get(&index) {
            return Some(layer);
        }
        let layer = if state.layers.len() < self.capacity {
            state.layers.len()
        } else {
            let oldest = state.recency.pop_front()?;
            state.set(oldest, FrameState::Waiting);
            state.covers.remove(&oldest);
            state.layers.remove(&oldest)?
        };
        state.layers.insert(index, layer);
        state.recency.push_back(index);
        Some(layer)
    }

    fn make_texture(&self, gpu: &GpuContext) -> Result<Arc<FrameTexture>, String> {
        let image = self
            .layout
            .first_instance()
            .and_then(|i| i.image.as_ref())
            .ok_or("the series has no picture")?;
        let (stored_type, samples) = displayed_type(image, self.layout.mixed_rescale);
        FrameTexture::fitting(
            gpu,
            image.columns,
            image.rows,
            self.capacity,
            stored_type,
            samples,
        )
        .map(Arc::new)
        .map_err(|e| e.to_string())
    }
}

/// Type and samples of a picture's texture: palette images are drawn as the RGB they stand for, slices with scales of
/// their own as modality values.
pub fn displayed_type(image: &ImageDescription, mixed_rescale: bool) -> (StoredType, usize) {
    if mixed_rescale {
        (StoredType::F32, 1)
    } else if image.palette.is_some() {
        (StoredType::U8, 3)
    } else {
        (image.stored_type, image.samples)
    }
}

impl std::fmt::Debug for SeriesDisplay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SeriesDisplay({:?})", self.progress())
    }
}

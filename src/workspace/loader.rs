//! Reading frames in the order in which they are needed: what is shown, its neighbours, the rest.

pub mod small;

use super::{
    display::SeriesDisplay,
    document::DocumentState,
    event::Event,
    library::{Library, ObjectNode, SeriesNode},
    waker::Waker,
};
use crate::{
    diary,
    dicom::{frames::FrameSource, load, window_default::window_default},
    gpu::GpuContext,
    imaging::{palette, window},
    model::{layout::SeriesLayout, lut::Voi, pixels::Frame, view::GreyPipeline},
    task::{Class, PriorityQueue, spawn_named},
};
use crossbeam_channel::Sender;
use std::{panic::AssertUnwindSafe, sync::Arc, thread::JoinHandle};

enum Work {
    Chunk(Arc<SeriesDisplay>),
    Thumbnail(Arc<SeriesNode>),
    Document(Arc<ObjectNode>, Arc<Library>),
    Other(Other),
}

type Key = (String, usize);

/// Key of a series' thumbnail among its chunks.
const THUMBNAIL: usize = usize::MAX;

/// Key of an object's content, which has no chunks.
const DOCUMENT: usize = usize::MAX - 1;

/// Key of other work with files, by its name.
const OTHER: usize = usize::MAX - 2;

/// Work that a decode thread does for another part of the workspace.
pub type Other = Box<dyn FnOnce(&dyn FrameSource, &Sender<Event>) + Send>;

/// The decode threads and their queue.
pub struct Loader {
    queue: Arc<PriorityQueue<Key, Work>>,
    threads: Vec<JoinHandle<()>>,
    gpu: GpuContext,
}

impl Loader {
    /// Starts the threads.
    pub fn start(
        threads: usize,
        source: Arc<dyn FrameSource>,
        gpu: GpuContext,
        events: Sender<Event>,
        waker: Waker,
    ) -> std::io::Result<Self> {
        let queue: Arc<PriorityQueue<Key, Work>> = Arc::default();
        let device = gpu.clone();
        let mut running = Vec::new();
        for number in 1..=threads.max(1) {
            let (queue, source, gpu) = (queue.clone(), source.clone(), gpu.clone());
            let (events, waker) = (events.clone(), waker.clone());
            running.push(spawn_named(&format!("decode-{number}"), move || {
                while let Some(((key, chunk), work)) = queue.pop() {
                    match work {
                        Work::Chunk(display) => {
                            display.load_chunk(chunk, source.as_ref(), &gpu);
                            // Frames wake the window at most as often as they arrive; the state itself
                            // is read from the display, so a full channel loses nothing.
                            let _ = events.try_send(Event::Frames);
                            waker.wake("frames");
                        }
                        Work::Document(object, library) => {
                            let state = read_document(&object, source.as_ref());
                            // Made here, so that the window's thread does not have to.
                            let _ = library.places();
                            let _ = events.send(Event::Document { object: key, state });
                            waker.wake("document");
                        }
                        Work::Other(work) => {
                            let run = AssertUnwindSafe(|| work(source.as_ref(), &events));
                            if diary::contain(run).is_err() {
                                let key = "notice-work-failed";
                                let detail = String::new();
                                let _ = events.send(Event::Notice { key, detail });
                            }
                            waker.wake("work");
                        }
                        Work::Thumbnail(node) => {
                            // A reader that fails on it leaves the row without a picture.
                            let made =
                                AssertUnwindSafe(|| thumbnail(&node.layout, source.as_ref()));
                            let made = diary::contain(made).ok().flatten();
                            let picture = made.map(|(size, rgba)| small::Thumbnail {
                                size,
                                rgba: rgba.into(),
                            });
                            let series = key;
                            let _ = events.send(Event::Thumbnail { series, picture });
                            waker.wake("thumbnail");
                        }
                    }
                }
            })?);
        }
        Ok(Self {
            queue,
            threads: running,
            gpu: device,
        })
    }

    /// Asks for a series around the shown frame; what waits from other series goes behind.
    pub fn want(&self, display: &Arc<SeriesDisplay>, shown: usize) {
        let Some(centre) = display.chunk_of(shown) else {
            return;
        };
        let reach = display.reach();
        for chunk in 0..display.chunks().len() {
            let distance = chunk.abs_diff(centre);
            if distance > reach || !display.wants(chunk) {
                continue;
            }
            let class = if distance == 0 {
                Class::Interaction
            } else {
                Class::Prefetch
            };
            self.queue.push(
                (display.key.clone(), chunk),
                class,
                distance as u64,
                Work::Chunk(display.clone()),
            );
        }
    }

    /// Asks for the first picture of a series that will be looked at soon.
    pub fn want_ahead(&self, display: &Arc<SeriesDisplay>) {
        if let Some(chunk) = display.chunk_of(0)
            && display.wants(chunk)
        {
            let key = (display.key.clone(), chunk);
            let work = Work::Chunk(display.clone());
            self.queue.push(key, Class::Prefetch, 1, work);
        }
    }

    /// Asks for a small picture of a series.
    pub fn want_thumbnail(&self, node: &Arc<SeriesNode>, place: u64) {
        let key = (node.key.clone(), THUMBNAIL);
        self.queue
            .push(key, Class::Thumbnail, place, Work::Thumbnail(node.clone()));
    }

    /// Asks for what an object says.
    pub fn want_document(&self, object: &Arc<ObjectNode>, library: &Arc<Library>) {
        let key = (object.key.clone(), DOCUMENT);
        let work = Work::Document(object.clone(), library.clone());
        self.queue.push(key, Class::Interaction, 0, work);
    }

    /// Has other work done. What waits under the same name is replaced.
    pub fn want_other(&self, name: &str, class: Class, work: Other) {
        let key = (name.to_owned(), OTHER);
        self.queue.push(key, class, 0, Work::Other(work));
    }

    /// Drops what waits for series that are no longer shown.
    pub fn keep_only(&self, shown: &[String]) {
        self.queue.reprioritize(|(key, chunk)| {
            match *chunk {
                THUMBNAIL => return Some((Class::Thumbnail, 0)),
                DOCUMENT | OTHER => return Some((Class::Interaction, 0)),
                _ => {}
            }
            shown.contains(key).then_some((Class::Prefetch, 0))
        });
    }

    /// How many pieces wait.
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        // What waits is dropped. A thread that still copied to a device that is going away would crash the driver, so
        // each ends its piece first, and then the device ends what it was given.
        self.queue.close();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
        let _ = self.gpu.device.poll(wgpu::PollType::wait_indefinitely());
    }
}

/// Reads an object; a panic of a reader is a refusal.
fn read_document(object: &ObjectNode, source: &dyn FrameSource) -> DocumentState {
    let read = AssertUnwindSafe(|| source.read_content(&object.instance));
    match diary::contain(read) {
        Ok(Ok(content)) => DocumentState::Ready(Arc::new(content)),
        Ok(Err(error)) => DocumentState::Failed(format!("{}: {error}", error.code())),
        Err(_) => DocumentState::Failed("PARSER_PANIC".to_owned()),
    }
}

/// Longest side of a thumbnail in pixels.
const THUMBNAIL_SIDE: usize = 112;

/// The middle frame, windowed as it would open, made small. `None` when it does not decode.
fn thumbnail(layout: &SeriesLayout, source: &dyn FrameSource) -> Option<([usize; 2], Vec<u8>)> {
    let middle = layout.frames.len() / 2;
    let reference = layout.frames.get(middle)?;
    let frame = load::read_chunk(layout, source, middle..middle + 1)
        .ok()?
        .pop()?;
    let image = reference.instance.image.as_ref()?;
    let description = image.frame(reference.frame);
    let voi = window_default(description, &frame, image.padding, image.bits_stored);
    // Of large pictures a few pixels are enough for one of the thumbnail.
    let step = frame.rows.max(frame.columns) / (8 * THUMBNAIL_SIDE);
    let frame = match step {
        0 | 1 => frame,
        _ => frame.thinned(step),
    };
    let frame = match image.palette.as_deref() {
        Some(palette) => palette::expand(&frame, palette)?,
        None => frame,
    };
    let grey = GreyPipeline {
        stored_type: frame.stored_type,
        modality_lut: description.modality_lut.clone(),
        voi,
        inverted: image.lowest_is_white(),
        padding: image.padding,
        presentation: image.display.presentation_lut.clone(),
    };
    let (row, column) = description.spacing.row_column();
    Some(shrink(&frame, &grey, row / column))
}

/// Averages display values into a picture of at most [`THUMBNAIL_SIDE`], keeping the pixels' aspect.
fn shrink(frame: &Frame, grey: &GreyPipeline, aspect: f64) -> ([usize; 2], Vec<u8>) {
    let display = window::display_u8(frame, grey);
    let (width_mm, height_mm) = (frame.columns as f64, frame.rows as f64 * aspect);
    let scale = THUMBNAIL_SIDE as f64 / width_mm.max(height_mm);
    let size =
        [width_mm, height_mm].map(|s| ((s * scale).round() as usize).clamp(1, THUMBNAIL_SIDE));
    let mut rgba = Vec::with_capacity(size[0] * size[1] * 4);
    let range = |i: usize, n: usize, source: usize| {
        let (start, end) = (
            i * source / n,
            ((i + 1) * source / n).max(i * source / n + 1),
        );
        start..end.min(source)
    };
    for y in 0..size[1] {
        for x in 0..size[0] {
            let mut sum = [0u32; 3];
            let mut count = 0;
            for row in range(y, size[1], frame.rows) {
                for column in range(x, size[0], frame.columns) {
                    let at = (row * frame.columns + column) * frame.samples;
                    for (channel, total) in sum.iter_mut().enumerate() {
                        let offset = if frame.samples == 3 { channel } else { 0 };
                        *total += u32::from(display.get(at + offset).copied().unwrap_or(0));
                    }
                    count += 1;
                }
            }
            let mean = sum.map(|s| (s / count.max(1)) as u8);
            rgba.extend_from_slice(&[mean[0], mean[1], mean[2], 255]);
        }
    }
    (size, rgba)
}

/// A window that is certain to exist, for code that draws before anything is known.
pub const FALLBACK_VOI: Voi = Voi::window(127.5, 256.0);

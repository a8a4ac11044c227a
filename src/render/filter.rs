//! Filters over a plane of modality values: the passes of `shaders/filter_*.wgsl`, whose f64 twins are in
//! `imaging::filter`.
//!
//! Must stay true: everything stays on the device. The values are taken from a [`Target`] of values, the filtered plane
//! is left in a [`FrameTexture`] of floats that the slice pass draws like any frame, so zoom, window and interpolation
//! are those of every picture. Nothing is waited for. What takes long is not for here: see [`cost`].

use super::{STORAGE, Target, TargetKind, UNIFORM, buffer_of, entry_of};
use crate::{
    gpu::{Cargo, FrameTexture, GpuContext, GpuError, shader},
    imaging::filter::{CLAHE_BINS, clahe_tile, gaussian_kernel},
    model::filter::{FilterKind, FilterStack, FilterStep},
};
use gpu_data::FilterDraw;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// Uniforms of the passes; the names are those of `shaders/lib/filter.wgsl`.
pub mod gpu_data {
    use bytemuck::{Pod, Zeroable};

    /// `FilterDraw` of the shaders.
    #[repr(C)]
    #[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
    pub struct FilterDraw {
        /// Width of the plane.
        pub columns: u32,
        /// Its height.
        pub rows: u32,
        /// Pixels to each side of the middle; for patches half of their side.
        pub reach: u32,
        /// How far patches are looked for.
        pub distance: u32,
        /// First number of the filter.
        pub first: f32,
        /// Second number of the filter.
        pub second: f32,
        /// Width of a tile.
        pub tile_columns: u32,
        /// Height of a tile.
        pub tile_rows: u32,
        /// Tiles in a row.
        pub tiles_across: u32,
        /// Rows of tiles.
        pub tiles_down: u32,
        /// Limit of the bins of a whole tile.
        pub limit: u32,
        /// Unused.
        pub spare: u32,
    }
}

/// Fetches of a pixel's neighbours that a stack takes for a plane of so many pixels: what takes more than a device
/// does in a tenth of a second or so belongs on a worker, with the twin.
pub fn cost(stack: &FilterStack, pixels: u64) -> u64 {
    let of = |step: &FilterStep| {
        let whole = |index| step.value(index).max(0.0) as u64;
        let square = |reach: u64| (2 * reach + 1).pow(2);
        let gauss = |sigma: f64| 2 * gaussian_kernel(sigma).len() as u64;
        match step.kind {
            FilterKind::Gaussian | FilterKind::Unsharp => gauss(step.value(0)),
            FilterKind::Mean => 2 * (2 * whole(0) + 1),
            // The range of keys is halved a few dozen times.
            FilterKind::Median => square(whole(0)) * 30,
            FilterKind::Erode | FilterKind::Dilate => square(whole(0)),
            FilterKind::Open | FilterKind::Close | FilterKind::TopHat => 2 * square(whole(0)),
            FilterKind::Bilateral => 3 * square((3.0 * step.value(0)).ceil().max(2.0) as u64),
            FilterKind::NonLocalMeans => 3 * square(whole(2)) * whole(1).pow(2),
            FilterKind::Laplacian | FilterKind::Sobel => 9,
            FilterKind::Clahe | FilterKind::Gamma | FilterKind::Otsu => 12,
        }
    };
    let all: u64 = stack.active().map(of).sum();
    all.saturating_mul(pixels)
}

/// The entry points, each with its shader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Entry(&'static str, &'static str);

const TAKE: Entry = Entry("filter_plane.wgsl", "take");
const GIVE: Entry = Entry("filter_plane.wgsl", "give");
const ALONG_ROWS: Entry = Entry("filter_average.wgsl", "along_rows");
const ALONG_COLUMNS: Entry = Entry("filter_average.wgsl", "along_columns");
const LOWEST: Entry = Entry("filter_window.wgsl", "lowest");
const HIGHEST: Entry = Entry("filter_window.wgsl", "highest");
const MEDIAN: Entry = Entry("filter_window.wgsl", "median");
const BILATERAL: Entry = Entry("filter_similar.wgsl", "bilateral");
const NON_LOCAL_MEANS: Entry = Entry("filter_similar.wgsl", "non_local_means");
const SHARPEN: Entry = Entry("filter_point.wgsl", "sharpen");
const SUBTRACT: Entry = Entry("filter_point.wgsl", "subtract");
const LAPLACIAN: Entry = Entry("filter_point.wgsl", "laplacian");
const SOBEL: Entry = Entry("filter_point.wgsl", "sobel");
const POWER: Entry = Entry("filter_point.wgsl", "power");
const DIVIDE: Entry = Entry("filter_point.wgsl", "divide");
const RESCALE: Entry = Entry("filter_point.wgsl", "rescale");
const EXTREMES: Entry = Entry("filter_range.wgsl", "extremes");
const HISTOGRAM: Entry = Entry("filter_range.wgsl", "histogram");
const THRESHOLD: Entry = Entry("filter_range.wgsl", "threshold");
const BINS: Entry = Entry("filter_clahe.wgsl", "bins");
const MAPS: Entry = Entry("filter_clahe.wgsl", "maps");
const LEVELS: Entry = Entry("filter_clahe.wgsl", "levels");

/// Bytes of the numbers that are known of a plane: two extremes, a threshold, a histogram.
const STATS_BYTES: u64 = (3 + 256) * 4;

/// Pixels of a row that one invocation of `extremes` looks at, and the side of a workgroup.
const RUN: u32 = 32;
const GROUP: u32 = 8;

/// Buffers of a plane's size, kept for the next run.
struct Work {
    pixels: u64,
    /// Planes: what is filtered, and what comes out; what is between.
    planes: [wgpu::Buffer; 4],
    /// Sums of weighted values and of weights.
    pairs: wgpu::Buffer,
    /// What is known of a plane, and of its levels.
    stats: [wgpu::Buffer; 2],
    /// Bound where a pass reads nothing.
    nothing: wgpu::Buffer,
}

/// Filters planes on one device. May be shared between threads; one run at a time.
pub struct FilterRenderer {
    layout: wgpu::BindGroupLayout,
    take: wgpu::BindGroupLayout,
    give: wgpu::BindGroupLayout,
    pipelines: Mutex<HashMap<Entry, wgpu::ComputePipeline>>,
    work: Mutex<Option<Work>>,
}

impl std::fmt::Debug for FilterRenderer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FilterRenderer")
    }
}

/// A dispatch that is being put together.
struct Pass<'a> {
    entry: Entry,
    draw: FilterDraw,
    source: &'a wgpu::Buffer,
    second: &'a wgpu::Buffer,
    table: &'a wgpu::Buffer,
    result: &'a wgpu::Buffer,
    groups: [u32; 2],
}

impl FilterRenderer {
    /// Prepares the layouts; shaders are compiled when they are first needed.
    ///
    /// # Errors
    /// [`GpuError::Refused`].
    pub fn new(gpu: &GpuContext) -> Result<Self, GpuError> {
        const WRITTEN: wgpu::BindingType =
            buffer_of(wgpu::BufferBindingType::Storage { read_only: false });
        let entry = |binding, ty| entry_of(wgpu::ShaderStages::COMPUTE, binding, ty);
        let values = wgpu::BindingType::Texture {
            sample_type: wgpu::TextureSampleType::Float { filterable: false },
            view_dimension: wgpu::TextureViewDimension::D2,
            multisampled: false,
        };
        let frame = wgpu::BindingType::StorageTexture {
            access: wgpu::StorageTextureAccess::WriteOnly,
            format: wgpu::TextureFormat::R32Uint,
            view_dimension: wgpu::TextureViewDimension::D2,
        };
        let layout = |entries: &[wgpu::BindGroupLayoutEntry]| {
            let label = Some("filter");
            let descriptor = wgpu::BindGroupLayoutDescriptor { label, entries };
            gpu.device.create_bind_group_layout(&descriptor)
        };
        gpu.checked(0, || Self {
            layout: layout(&[
                entry(0, UNIFORM),
                entry(1, STORAGE),
                entry(2, STORAGE),
                entry(3, STORAGE),
                entry(4, WRITTEN),
            ]),
            take: layout(&[entry(0, values), entry(1, WRITTEN)]),
            give: layout(&[entry(2, STORAGE), entry(3, frame)]),
            pipelines: Mutex::default(),
            work: Mutex::default(),
        })
    }

    /// Whether a device's buffers hold a plane of this size at all.
    pub fn holds(gpu: &GpuContext, [columns, rows]: [u32; 2]) -> bool {
        let bytes = u64::from(columns) * u64::from(rows) * 8;
        let limits = gpu.device.limits();
        bytes <= limits.max_storage_buffer_binding_size && bytes <= limits.max_buffer_size
    }

    /// Applies the filters that are on to the values of `source`; the result becomes the only layer of `into`, made
    /// by [`FrameTexture::computed`] in the size of the source. Submits and does not wait.
    ///
    /// # Errors
    /// [`GpuError::Mismatch`] when source and result do not fit each other, [`GpuError::OutOfMemory`],
    /// [`GpuError::Refused`].
    pub fn run(
        &self,
        gpu: &GpuContext,
        stack: &FilterStack,
        source: &Target,
        into: &FrameTexture,
    ) -> Result<(), GpuError> {
        let size = source.size();
        if source.kind() != TargetKind::Values
            || into.size() != [size[0] as usize, size[1] as usize, 1]
        {
            return Err(GpuError::Mismatch(
                "the filtered plane is not of the source's size",
            ));
        }
        if !Self::holds(gpu, size) {
            return Err(GpuError::Mismatch(
                "the plane is larger than this device's buffers",
            ));
        }
        let mut work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        let pixels = u64::from(size[0]) * u64::from(size[1]);
        let work = match &mut *work {
            Some(work) if work.pixels == pixels => work,
            other => other.insert(Work::new(gpu, pixels)?),
        };
        let mut run = Run {
            gpu,
            renderer: self,
            work,
            size,
            encoder: gpu.device.create_command_encoder(&Default::default()),
            now: 0,
        };
        run.take(source)?;
        for step in stack.active() {
            run.apply(step)?;
        }
        run.give(into)?;
        gpu.door.submit(run.encoder.finish());
        Ok(())
    }

    fn pipeline(&self, gpu: &GpuContext, entry: Entry) -> Result<wgpu::ComputePipeline, GpuError> {
        let mut pipelines = self
            .pipelines
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = pipelines.get(&entry) {
            return Ok(found.clone());
        }
        let Entry(file, name) = entry;
        let group = match entry {
            TAKE => &self.take,
            GIVE => &self.give,
            _ => &self.layout,
        };
        let made = gpu.checked(0, || {
            let module = shader::module(&gpu.device, file)?;
            let layout = gpu
                .device
                .create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
                    label: Some(file),
                    bind_group_layouts: &[Some(group)],
                    immediate_size: 0,
                });
            Ok::<_, GpuError>(gpu.device.create_compute_pipeline(
                &wgpu::ComputePipelineDescriptor {
                    label: Some(name),
                    layout: Some(&layout),
                    module: &module,
                    entry_point: Some(name),
                    compilation_options: Default::default(),
                    cache: None,
                },
            ))
        })??;
        pipelines.insert(entry, made.clone());
        Ok(made)
    }
}

impl Work {
    fn new(gpu: &GpuContext, pixels: u64) -> Result<Self, GpuError> {
        gpu.checked(pixels * 24, || {
            let buffer = |size: u64| {
                gpu.door.buffer(&wgpu::BufferDescriptor {
                    label: Some("filter"),
                    size: size.max(4),
                    usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST,
                    mapped_at_creation: false,
                })
            };
            Self {
                pixels,
                planes: std::array::from_fn(|_| buffer(pixels * 4)),
                pairs: buffer(pixels * 8),
                stats: std::array::from_fn(|_| buffer(STATS_BYTES)),
                nothing: buffer(4),
            }
        })
    }
}

/// One run through a stack.
struct Run<'a> {
    gpu: &'a GpuContext,
    renderer: &'a FilterRenderer,
    work: &'a Work,
    size: [u32; 2],
    encoder: wgpu::CommandEncoder,
    /// Which of the first two planes holds the values so far; the other takes the next.
    now: usize,
}

/// Where a pass reads from and writes to, among the buffers of the work.
#[derive(Clone, Copy)]
enum At {
    Now,
    Next,
    /// The third plane, and the fourth.
    Third,
    Fourth,
    Pairs,
    Stats,
    LevelStats,
    Nothing,
}

impl Run<'_> {
    fn buffer(&self, at: At) -> &wgpu::Buffer {
        let [a, b, third, fourth] = &self.work.planes;
        match (at, self.now) {
            (At::Now, 0) | (At::Next, 1) => a,
            (At::Now | At::Next, _) => b,
            (At::Third, _) => third,
            (At::Fourth, _) => fourth,
            (At::Pairs, _) => &self.work.pairs,
            (At::Stats, _) => &self.work.stats[0],
            (At::LevelStats, _) => &self.work.stats[1],
            (At::Nothing, _) => &self.work.nothing,
        }
    }

    fn draw(&self) -> FilterDraw {
        FilterDraw {
            columns: self.size[0],
            rows: self.size[1],
            ..Default::default()
        }
    }

    fn whole(&self) -> [u32; 2] {
        self.size.map(|n| n.div_ceil(GROUP))
    }

    fn dispatch(
        &mut self,
        entry: Entry,
        group: &wgpu::BindGroup,
        [x, y]: [u32; 2],
    ) -> Result<(), GpuError> {
        let pipeline = self.renderer.pipeline(self.gpu, entry)?;
        let mut pass = self
            .encoder
            .begin_compute_pass(&wgpu::ComputePassDescriptor {
                label: Some(entry.1),
                timestamp_writes: None,
            });
        pass.set_pipeline(&pipeline);
        pass.set_bind_group(0, group, &[]);
        pass.dispatch_workgroups(x, y, 1);
        Ok(())
    }

    /// A pass over the plane, or over other groups.
    fn pass(
        &mut self,
        entry: Entry,
        draw: FilterDraw,
        [source, second, table, result]: [At; 4],
        groups: Option<[u32; 2]>,
    ) -> Result<(), GpuError> {
        let pass = Pass {
            entry,
            draw,
            source: &self.buffer(source).clone(),
            second: &self.buffer(second).clone(),
            table: &self.buffer(table).clone(),
            result: &self.buffer(result).clone(),
            groups: groups.unwrap_or_else(|| self.whole()),
        };
        self.run(&pass)
    }

    fn run(&mut self, pass: &Pass<'_>) -> Result<(), GpuError> {
        let bytes = bytemuck::bytes_of(&pass.draw);
        let usage = wgpu::BufferUsages::UNIFORM;
        let uniforms = self
            .gpu
            .door
            .new_buffer(Cargo::Uniform, "filter", usage, bytes)?;
        let group = self.gpu.door.group(&wgpu::BindGroupDescriptor {
            label: Some(pass.entry.1),
            layout: &self.renderer.layout,
            entries: &[
                bound(0, &uniforms),
                bound(1, pass.source),
                bound(2, pass.second),
                bound(3, pass.table),
                bound(4, pass.result),
            ],
        });
        self.dispatch(pass.entry, &group, pass.groups)
    }

    fn take(&mut self, source: &Target) -> Result<(), GpuError> {
        let group = self.gpu.door.group(&wgpu::BindGroupDescriptor {
            label: Some("take"),
            layout: &self.renderer.take,
            entries: &[
                wgpu::BindGroupEntry {
                    binding: 0,
                    resource: wgpu::BindingResource::TextureView(source.view()),
                },
                bound(1, self.buffer(At::Now)),
            ],
        });
        self.dispatch(TAKE, &group, self.whole())
    }

    fn give(&mut self, into: &FrameTexture) -> Result<(), GpuError> {
        let view = into
            .storage_view()
            .ok_or(GpuError::Mismatch("the filtered plane cannot be written"))?;
        let group = self.gpu.door.group(&wgpu::BindGroupDescriptor {
            label: Some("give"),
            layout: &self.renderer.give,
            entries: &[
                bound(2, self.buffer(At::Now)),
                wgpu::BindGroupEntry {
                    binding: 3,
                    resource: wgpu::BindingResource::TextureView(&view),
                },
            ],
        });
        self.dispatch(GIVE, &group, self.whole())
    }

    /// A pass with weights of its own.
    fn weighted(
        &mut self,
        entry: Entry,
        draw: FilterDraw,
        weights: &[f64],
        [source, second, result]: [At; 3],
    ) -> Result<(), GpuError> {
        let weights: Vec<f32> = weights.iter().map(|w| *w as f32).collect();
        let bytes = bytemuck::cast_slice(&weights);
        let usage = wgpu::BufferUsages::STORAGE;
        let table = self
            .gpu
            .door
            .new_buffer(Cargo::Lut, "weights", usage, bytes)?;
        let pass = Pass {
            entry,
            draw,
            source: &self.buffer(source).clone(),
            second: &self.buffer(second).clone(),
            table: &table,
            result: &self.buffer(result).clone(),
            groups: self.whole(),
        };
        self.run(&pass)
    }

    fn turn(&mut self) {
        self.now = 1 - self.now;
    }

    /// Averages of the values now, into a plane.
    fn average(&mut self, kernel: &[f64], result: At) -> Result<(), GpuError> {
        let draw = FilterDraw {
            reach: (kernel.len() / 2) as u32,
            ..self.draw()
        };
        self.weighted(ALONG_ROWS, draw, kernel, [At::Now, At::Nothing, At::Pairs])?;
        self.weighted(ALONG_COLUMNS, draw, kernel, [At::Pairs, At::Now, result])
    }

    fn apply(&mut self, step: &FilterStep) -> Result<(), GpuError> {
        let whole = |index| step.value(index).max(0.0) as u32;
        let reach = FilterDraw {
            reach: whole(0),
            ..self.draw()
        };
        match step.kind {
            FilterKind::Gaussian => self.average(&gaussian_kernel(step.value(0)), At::Next)?,
            FilterKind::Mean => {
                let size = 2 * whole(0) as usize + 1;
                self.average(&vec![1.0 / size as f64; size], At::Next)?;
            }
            FilterKind::Unsharp => {
                self.average(&gaussian_kernel(step.value(0)), At::Third)?;
                let draw = FilterDraw {
                    first: step.value(1) as f32,
                    ..self.draw()
                };
                self.pass(
                    SHARPEN,
                    draw,
                    [At::Now, At::Third, At::Nothing, At::Next],
                    None,
                )?;
            }
            FilterKind::Median => self.plain(MEDIAN, reach, At::Now, At::Next)?,
            FilterKind::Erode => self.plain(LOWEST, reach, At::Now, At::Next)?,
            FilterKind::Dilate => self.plain(HIGHEST, reach, At::Now, At::Next)?,
            FilterKind::Open => {
                self.plain(LOWEST, reach, At::Now, At::Third)?;
                self.plain(HIGHEST, reach, At::Third, At::Next)?;
            }
            FilterKind::Close => {
                self.plain(HIGHEST, reach, At::Now, At::Third)?;
                self.plain(LOWEST, reach, At::Third, At::Next)?;
            }
            FilterKind::TopHat => {
                self.plain(LOWEST, reach, At::Now, At::Third)?;
                self.plain(HIGHEST, reach, At::Third, At::Fourth)?;
                let places = [At::Now, At::Fourth, At::Nothing, At::Next];
                self.pass(SUBTRACT, reach, places, None)?;
            }
            FilterKind::Bilateral => self.bilateral(step)?,
            FilterKind::NonLocalMeans => self.non_local_means(step)?,
            FilterKind::Laplacian => self.plain(LAPLACIAN, self.draw(), At::Now, At::Next)?,
            FilterKind::Sobel => self.plain(SOBEL, self.draw(), At::Now, At::Next)?,
            FilterKind::Gamma => {
                self.extremes(At::Now, At::Stats)?;
                let draw = FilterDraw {
                    first: step.value(0) as f32,
                    ..self.draw()
                };
                self.pass(
                    POWER,
                    draw,
                    [At::Now, At::Stats, At::Nothing, At::Next],
                    None,
                )?;
            }
            FilterKind::Otsu => {
                self.extremes(At::Now, At::Stats)?;
                self.plain(HISTOGRAM, self.draw(), At::Now, At::Stats)?;
                let places = [At::Now, At::Nothing, At::Nothing, At::Stats];
                self.pass(THRESHOLD, self.draw(), places, Some([1, 1]))?;
                let places = [At::Now, At::Stats, At::Nothing, At::Next];
                self.pass(DIVIDE, self.draw(), places, None)?;
            }
            FilterKind::Clahe => self.clahe(step)?,
        }
        self.turn();
        Ok(())
    }

    fn plain(
        &mut self,
        entry: Entry,
        draw: FilterDraw,
        source: At,
        result: At,
    ) -> Result<(), GpuError> {
        self.pass(
            entry,
            draw,
            [source, At::Nothing, At::Nothing, result],
            None,
        )
    }

    /// Lowest and highest value of a plane, the rest of what is known of it set to nothing.
    fn extremes(&mut self, source: At, stats: At) -> Result<(), GpuError> {
        let buffer = self.buffer(stats).clone();
        self.encoder.clear_buffer(&buffer, 0, None);
        let [columns, rows] = self.size;
        let groups = [columns.div_ceil(RUN).div_ceil(GROUP), rows.div_ceil(GROUP)];
        let places = [source, At::Nothing, At::Nothing, stats];
        self.pass(EXTREMES, self.draw(), places, Some(groups))
    }

    fn bilateral(&mut self, step: &FilterStep) -> Result<(), GpuError> {
        let (sigma, range) = (step.value(0), step.value(1));
        let reach = ((3.0 * sigma).ceil() as i32).max(2);
        let weight = |at: i32| (-0.5 * f64::from(at * at) / (sigma * sigma)).exp();
        let weights: Vec<f64> = (-reach..=reach).map(weight).collect();
        let draw = FilterDraw {
            reach: reach as u32,
            first: (-0.5 / (range * range)).max(-1e30) as f32,
            ..self.draw()
        };
        self.weighted(BILATERAL, draw, &weights, [At::Now, At::Nothing, At::Next])
    }

    fn non_local_means(&mut self, step: &FilterStep) -> Result<(), GpuError> {
        let (strength, patch, distance) = (step.value(0), step.value(1), step.value(2));
        let half = (patch / 2.0).floor();
        let deviation = half / 2.0;
        let gauss: Vec<f64> = (0..=(2.0 * half) as u32)
            .map(|i| (-(f64::from(i) - half).powi(2) / (2.0 * deviation * deviation)).exp())
            .collect();
        let total: f64 = gauss.iter().sum();
        let gauss: Vec<f64> = gauss.iter().map(|w| w / (total * strength)).collect();
        let draw = FilterDraw {
            reach: half as u32,
            distance: distance.max(0.0) as u32,
            ..self.draw()
        };
        self.weighted(
            NON_LOCAL_MEANS,
            draw,
            &gauss,
            [At::Now, At::Nothing, At::Next],
        )
    }

    fn clahe(&mut self, step: &FilterStep) -> Result<(), GpuError> {
        let [columns, rows] = self.size.map(|n| n as usize);
        let tiles = step.value(0).max(1.0) as usize;
        let (wide, high) = (clahe_tile(columns, tiles), clahe_tile(rows, tiles));
        let (across, down) = (columns.div_ceil(wide), rows.div_ceil(high));
        let draw = FilterDraw {
            first: step.value(1) as f32,
            tile_columns: wide as u32,
            tile_rows: high as u32,
            tiles_across: across as u32,
            tiles_down: down as u32,
            limit: ((step.value(1) * (wide * high) as f64) as u32).max(1),
            ..self.draw()
        };
        self.extremes(At::Now, At::Stats)?;
        self.pass(
            BINS,
            draw,
            [At::Now, At::Stats, At::Nothing, At::Third],
            None,
        )?;
        let maps = self.gpu.checked(0, || {
            self.gpu.door.buffer(&wgpu::BufferDescriptor {
                label: Some("levels of tiles"),
                size: (across * down * CLAHE_BINS) as u64 * 4,
                usage: wgpu::BufferUsages::STORAGE,
                mapped_at_creation: false,
            })
        })?;
        let (bins, nothing) = (
            self.buffer(At::Third).clone(),
            self.buffer(At::Nothing).clone(),
        );
        self.run(&Pass {
            entry: MAPS,
            draw,
            source: &bins,
            second: &nothing,
            table: &nothing,
            result: &maps,
            groups: [across as u32, down as u32],
        })?;
        let levels = self.buffer(At::Fourth).clone();
        self.run(&Pass {
            entry: LEVELS,
            draw,
            source: &bins,
            second: &maps,
            table: &nothing,
            result: &levels,
            groups: self.whole(),
        })?;
        self.extremes(At::Fourth, At::LevelStats)?;
        self.pass(
            RESCALE,
            draw,
            [At::Fourth, At::Stats, At::LevelStats, At::Next],
            None,
        )
    }
}

fn bound(binding: u32, buffer: &wgpu::Buffer) -> wgpu::BindGroupEntry<'_> {
    wgpu::BindGroupEntry {
        binding,
        resource: buffer.as_entire_binding(),
    }
}

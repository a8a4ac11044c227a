//! `negatoscope render`: one picture, drawn by the renderer that draws the window, or by its f64 reference.

use super::{
    Common, Exit, Output,
    common::Backend,
    filtering,
    inspect::{exit_of, findings, limits, overlays},
    series::{Refusal, choose, fits},
};
use crate::{
    dicom::{
        frames::{FrameError, FrameSource as _},
        load::one_scale,
        window_default::window_default,
    },
    files::put_whole,
    formats::png::write_picture,
    gpu::{FrameTexture, GpuContext},
    imaging::{cover, filter::FilterView, labels::LabelPlane, reslice, window},
    model::{
        cover::{CoverShown, FrameCover},
        filter::FilterStack,
        geometry::{BodyPlane, GridGeometry, Leads},
        layout::{FrameRef, SeriesLayout},
        lut::{ModalityLut, ModalityUnit, Photometric, Voi},
        pixels::Frame,
        slab::step_along_mm,
        study::ImageDescription,
        view::{GreyPipeline, Interpolation, SliceView, ViewPlane},
    },
    render::{CoverScene, LabelScene, SliceRenderer, SliceScene, Target, TargetKind},
};
use clap::{Args, ValueEnum};
use glam::DVec3;
use rayon::prelude::*;
use serde_json::json;
use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

mod depth;
pub mod mask;

/// Which plane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum View {
    /// One frame in its own rows and columns.
    #[default]
    Stack,
    /// Seen from the feet.
    Axial,
    /// Seen from the front.
    Coronal,
    /// Seen from the left.
    Sagittal,
    /// Any plane: `--normal` and `--up`.
    Oblique,
    /// Volume rendering.
    Vr,
}

/// What is made of the depth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// The plane itself.
    #[default]
    Slice,
    /// Maximum of a slab.
    Mip,
    /// Minimum of a slab.
    Minip,
    /// Mean of a slab.
    Mean,
}

/// How values between voxels are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Between {
    /// The nearest voxel.
    Nearest,
    /// Linear between modality values.
    #[default]
    Linear,
    /// Cubic convolution (Catmull-Rom) of modality values.
    Cubic,
}

/// Arguments of `render`.
#[derive(Clone, Debug, Args)]
pub struct RenderArgs {
    /// File or folder
    pub path: PathBuf,
    /// Series Instance UID, where the path holds several series
    #[arg(long, value_name = "UID")]
    pub series: Option<String>,
    /// Part of the series, where it holds several stacks (as `inspect --check` counts them)
    #[arg(long, value_name = "N")]
    pub part: Option<usize>,
    /// Which plane
    #[arg(long, value_enum, default_value_t)]
    pub view: View,
    /// What is made of the depth
    #[arg(long, value_enum, default_value_t)]
    pub mode: Mode,
    /// Thickness of the slab, half of it before and half behind the plane
    #[arg(long, value_name = "MM", allow_hyphen_values = true)]
    pub slab: Option<f64>,
    /// Frame or plane of the grid, counted from 1 (default: the middle one)
    #[arg(long, value_name = "N", conflicts_with = "lps")]
    pub index: Option<usize>,
    /// Patient point that the plane goes through, millimetres
    #[arg(long, value_name = "X,Y,Z", value_parser = parse_point, allow_hyphen_values = true)]
    pub lps: Option<DVec3>,
    /// Direction away from the viewer, for oblique planes
    #[arg(long, value_name = "X,Y,Z", value_parser = parse_point, allow_hyphen_values = true)]
    pub normal: Option<DVec3>,
    /// Direction to the top of the picture, for oblique planes (default: to the head, or to the front)
    #[arg(long, value_name = "X,Y,Z", value_parser = parse_point, allow_hyphen_values = true)]
    pub up: Option<DVec3>,
    /// Window centre and width, modality values
    #[arg(long, value_name = "C,W", value_parser = parse_window, allow_hyphen_values = true, conflicts_with = "preset")]
    pub window: Option<(f64, f64)>,
    /// A named window (lung, bone, …), or a window of the file by its name, or `full`
    #[arg(long, value_name = "NAME")]
    pub preset: Option<String>,
    /// The file's own window or VOI LUT, by number counted from 1 or by name
    #[arg(long, value_name = "N|NAME", conflicts_with_all = ["window", "preset"])]
    pub voi: Option<String>,
    /// A filter such as `gaussian sigma=1.5`, before the window; several act in their order (docs/filters.md)
    #[arg(long = "filter", value_name = "FILTER")]
    pub filters: Vec<String>,
    /// Percentiles between which slopes and differences are windowed where no window is asked for
    #[arg(long, value_name = "LOW,HIGH", value_parser = parse_percent, default_value = "5,95")]
    pub filter_window: [u8; 2],
    /// Leave out the overlay planes that the image brings
    #[arg(long)]
    pub no_overlays: bool,
    /// Leave out the display shutter that the image brings
    #[arg(long)]
    pub no_shutter: bool,
    /// Exchange black and white
    #[arg(long)]
    pub invert: bool,
    /// Enlargement; 1 fits the whole image into the picture
    #[arg(long, value_name = "Z", default_value_t = 1.0)]
    pub zoom: f64,
    /// Clockwise turn in degrees: 0, 90, 180 or 270
    #[arg(long, value_name = "DEGREES", default_value_t = 0, value_parser = parse_turn)]
    pub rotate: u32,
    /// Exchange left and right
    #[arg(long)]
    pub flip: bool,
    /// How values between voxels are made
    #[arg(long, value_enum, default_value_t)]
    pub interpolation: Between,
    /// Where pixels are larger than voxels, show the mean of the voxels under each, as the window does (default: the
    /// value in the middle of each pixel)
    #[arg(long)]
    pub area: bool,
    /// Width and height (default: the frame's own, or 512x512 for cuts)
    #[arg(long, value_name = "WxH", value_parser = parse_size)]
    pub size: Option<[u32; 2]>,
    /// Segmentation to lay over the picture
    #[arg(long, value_name = "SEG.dcm")]
    pub overlay: Option<PathBuf>,
    /// The picture, 8 bits a channel
    #[arg(long, value_name = "FILE.png")]
    pub out: Option<PathBuf>,
    /// The modality values behind the picture as a NumPy array of float32; NaN where there is no image
    #[arg(long, value_name = "FILE.npy", required_unless_present = "out")]
    pub raw16: Option<PathBuf>,
}

/// A series that was found, and the way to its pixels.
pub struct LoadedSeries {
    /// How its frames lie.
    pub layout: SeriesLayout,
    /// Decodes the frame at an index of `layout.frames`. May be called from several threads.
    pub decode: Box<dyn Fn(usize) -> Result<Frame, Refusal> + Send + Sync>,
    /// Reads what lies over the frame at an index of `layout.frames`.
    pub cover: Box<dyn Fn(usize) -> Result<FrameCover, Refusal> + Send + Sync>,
    /// A mask to lay over it.
    pub mask: Option<mask::Mask>,
}

/// Finds the series at the path of the arguments: the one that was named, or the one with most frames.
fn load(args: &RenderArgs, common: &Common) -> Result<LoadedSeries, Refusal> {
    let layout = choose(&args.path, args.series.as_deref(), args.part, common)?;
    let source = Arc::new(common.frame_source(limits(common)));
    let (covers, frames) = (source.clone(), layout.frames.clone());
    let decode = move |index: usize| {
        let frame = frame_at(&frames, index)?;
        let read = source.read_frame(&frame.instance, frame.frame);
        read.map_err(|error| refused(frame, &error))
    };
    let frames = layout.frames.clone();
    let cover = move |index: usize| {
        let frame = frame_at(&frames, index)?;
        let read = covers.read_cover(&frame.instance, frame.frame);
        read.map_err(|error| refused(frame, &error))
    };
    let mask = match &args.overlay {
        Some(path) => Some(mask::load(path, &layout, common)?),
        None => None,
    };
    Ok(LoadedSeries {
        layout,
        decode: Box::new(decode),
        cover: Box::new(cover),
        mask,
    })
}

fn frame_at(frames: &[FrameRef], index: usize) -> Result<&FrameRef, Refusal> {
    let found = frames.get(index);
    found.ok_or_else(|| Refusal::new(Exit::Usage, "there is no such frame"))
}

fn refused(frame: &FrameRef, error: &FrameError) -> Refusal {
    let path = frame.instance.source.path.display();
    let text = format!("[{}] {error}: {path}", error.code());
    Refusal::new(exit_of(error.kind()), text)
}

/// Runs `render`.
pub fn run(args: &RenderArgs, common: &Common, out: &mut Output) -> Exit {
    let done = refuse_unsupported(args)
        .and_then(|()| load(args, common))
        .and_then(|series| {
            if args.view != View::Stack {
                fits(&series.layout, common)?;
            }
            draw(args, common.backend, &series)
        })
        .and_then(|picture| picture.write(args).map(|()| picture));
    match done {
        Ok(picture) => {
            let reduced = picture.report["reduced"].as_u64();
            if let Some(step) = reduced.filter(|step| *step > 1) {
                out.note(format!("drawn at 1/{step} resolution, which the device holds; --backend cpu draws all of it"));
            }
            if common.json {
                out.json(&picture.report);
            }
            Exit::Done
        }
        Err(refusal) => {
            out.error(refusal.message);
            refusal.exit
        }
    }
}

fn refuse_unsupported(args: &RenderArgs) -> Result<(), Refusal> {
    let what = if args.view == View::Vr {
        "volume rendering is not supported yet"
    } else if args.overlay.is_some() && !args.filters.is_empty() {
        "a mask does not lie over filtered pictures yet"
    } else {
        return Ok(());
    };
    Err(Refusal::new(Exit::Unsupported, what))
}

/// A finished picture.
#[derive(Debug)]
pub struct Picture {
    /// Width and height.
    pub size: [u32; 2],
    /// RGBA code values.
    pub rgba: Vec<u8>,
    /// Modality values, when asked for.
    pub values: Option<Vec<f32>>,
    /// What `--json` prints.
    pub report: serde_json::Value,
}

impl Picture {
    /// Writes the files that the arguments name.
    fn write(&self, args: &RenderArgs) -> Result<(), Refusal> {
        let failed = |path: &Path, error: &dyn std::fmt::Display| {
            Refusal::new(Exit::Io, format!("{error}: {}", path.display()))
        };
        if let Some(path) = &args.out {
            let rgb: Vec<u8> = self
                .rgba
                .as_chunks::<4>()
                .0
                .iter()
                .flat_map(|&[r, g, b, _]| [r, g, b])
                .collect();
            write_picture(path, &rgb, self.size, image::ExtendedColorType::Rgb8)
                .map_err(|error| failed(path, &error))?;
        }
        if let (Some(path), Some(values)) = (&args.raw16, &self.values) {
            write_npy(path, self.size, values).map_err(|error| failed(path, &error))?;
        }
        Ok(())
    }
}

/// Writes float32 values as a NumPy array (format 1.0) of `height` rows and `width` columns.
fn write_npy(path: &Path, [width, height]: [u32; 2], values: &[f32]) -> io::Result<()> {
    let shape = format!("({height}, {width})");
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
    // Magic, version and length take 10 bytes; the data starts at a multiple of 64.
    let padded = (10 + header.len() + 1).next_multiple_of(64) - 10;
    header.extend(std::iter::repeat_n(' ', padded - header.len() - 1));
    header.push('\n');
    put_whole(path, |file| {
        let mut file = io::BufWriter::new(file);
        file.write_all(b"\x93NUMPY\x01\x00")?;
        file.write_all(&(padded as u16).to_le_bytes())?;
        file.write_all(header.as_bytes())?;
        for value in values {
            file.write_all(&value.to_le_bytes())?;
        }
        file.flush()
    })
}

/// The grid that is cut, the frames that it needs, and the plane.
struct Plan {
    grid: GridGeometry,
    /// Index of the first frame in the layout, and how many there are.
    frames: std::ops::Range<usize>,
    plane: ViewPlane,
    /// The frames say where they lie in the patient; else the plane's directions mean nothing.
    oriented: bool,
    /// The frames say how large their pixels are.
    calibrated: bool,
    size: [u32; 2],
}

/// Draws the picture that the arguments describe.
///
/// # Errors
/// A refusal with the exit code that says why: no such frame or plane (usage), no clean volume (unsupported), larger
/// than the device (limit), or whatever decoding said.
pub fn draw(
    args: &RenderArgs,
    backend: Backend,
    series: &LoadedSeries,
) -> Result<Picture, Refusal> {
    let slab = depth::slab_of(args)?;
    let plan = plan(args, &series.layout)?;
    let Some(first) = series.layout.frames.get(plan.frames.start) else {
        return Err(Refusal::new(Exit::Usage, "there is no such frame"));
    };
    let image = first
        .instance
        .image
        .as_ref()
        .ok_or_else(|| Refusal::new(Exit::Unsupported, "this object has no picture"))?;
    // Cuts through slices with scales of their own are made from modality values.
    let scaled = series.layout.mixed_rescale && plan.frames.len() > 1;
    let frames = plan
        .frames
        .clone()
        .into_par_iter()
        .map(|i| {
            let frame = (series.decode)(i).and_then(|frame| in_color(frame, image))?;
            if scaled {
                in_one_scale(&frame, series.layout.frames.get(i))
            } else {
                Ok(frame)
            }
        })
        .collect::<Result<Vec<_>, _>>()?;
    let mut view = view_of(args, image, first.frame, &plan, &frames, scaled)?;
    view.area = args.area;
    view.slab = slab.and_then(|slab| slab.steps(&plan.grid, plan.plane.normal()));
    let step_mm = plan
        .grid
        .voxel_from_patient()
        .map_or(1.0, |m| step_along_mm(&m.matrix3, plan.plane.normal()));
    // A cut is none of the frames, so nothing of theirs lies over it.
    let (cover, cover_error) = match args.view {
        View::Stack => match (series.cover)(plan.frames.start) {
            Ok(cover) => (Arc::new(cover), None),
            Err(refusal) => (Arc::default(), Some(refusal.message)),
        },
        _ => (Arc::default(), None),
    };
    let shown = CoverShown {
        graphics: !args.no_overlays,
        shutter: !args.no_shutter,
    };
    let stack = filtering::stack_of(&args.filters, &view.grey.voi)?;
    let finest = if args.view == View::Stack {
        0.0
    } else {
        let steps = plan.grid.spacing_mm().into_iter();
        steps.fold(f64::INFINITY, f64::min) / plan.plane.mm_per_pixel
    };
    let size = [image.columns, image.rows, plan.frames.len()];
    let mut filter_views = match stack.is_active() {
        true => Some((&stack, filtering::views_of(&view, size, finest)?)),
        false => None,
    };
    let asked = args.window.is_some() || args.voi.is_some() || args.preset.is_some();
    if let Some((stack, views)) = &mut filter_views
        && stack.changes_range()
        && !asked
    {
        let frames: Vec<_> = frames.iter().cloned().map(Some).collect();
        let plane = filtering::plane_cpu(stack, views, &frames)?;
        if let Some(voi) = filtering::result_voi(&plane, args.filter_window) {
            view.grey.voi = voi.clone();
            views.result.grey.voi = voi;
        }
    }
    let laid = series.mask.as_ref().and_then(|mask| {
        let plane = mask.plane(&plan.grid, plan.frames.start, &view)?;
        Some((mask, plane))
    });
    let wants_values = args.raw16.is_some();
    let (rgba, values, adapter, reduced) = match backend {
        Backend::Cpu => {
            let mut frames: Vec<_> = frames.into_iter().map(Some).collect();
            let mut view = view.clone();
            if let Some((stack, views)) = filter_views {
                let plane = filtering::plane_cpu(stack, &views, &frames)?;
                frames = vec![Some(filtering::frame_of(&plane)?)];
                view = views.result;
            }
            let values = wants_values.then(|| reslice::values_cpu(&view, &frames));
            let mut rgba = reslice::draw_cpu(&view, &frames);
            cover::paint_cpu(&view, &cover, shown, &mut rgba);
            if let Some((mask, plane)) = &laid {
                mask.paint(&mut rgba, view.size, plane);
            }
            (rgba, values, None, 1)
        }
        Backend::Gpu => {
            let gpu = GpuContext::headless()?;
            let scene = CoverScene {
                cover: &cover,
                shown,
            };
            let reduced = FrameTexture::reduction(&gpu, image.columns, image.rows);
            if reduced > 1 && filter_views.is_some() {
                let text =
                    "the device does not hold all pixels of the frame; --backend cpu filters them";
                return Err(Refusal::new(Exit::Limit, text));
            }
            let (rgba, values) = draw_gpu(
                &gpu,
                &view,
                filter_views,
                &frames,
                scene,
                laid.as_ref(),
                wants_values,
            )?;
            (rgba, values, Some(gpu.info.name), reduced)
        }
    };
    let said = &first.instance.technique;
    let leads = Leads::read(&said.columns_lead_to, &said.rows_lead_to);
    let edges = match plan.oriented {
        true => Some(plan.plane.edge_letters()),
        false => leads.map(|leads| plan.plane.edges().map(|edge| leads.letters(edge))),
    };
    let letters = edges.map(|[left, right, top, bottom]| {
        json!({"left": left, "right": right, "top": top, "bottom": bottom})
    });
    let level = view.grey.voi.level();
    let drawn = |group| shown.graphics && cover.layers.iter().any(|l| l.group == Some(group));
    let report = json!({
        "width": view.size[0],
        "height": view.size[1],
        "backend": if adapter.is_some() { "gpu" } else { "cpu" },
        "adapter": adapter,
        "window": level.map(|level| json!({"center": level.center, "width": level.width})),
        "voi": view.grey.voi.name(),
        "inverted": view.grey.inverted,
        "filters": stack.steps().iter().map(ToString::to_string).collect::<Vec<_>>(),
        "overlays": overlays(image.display.graphics().filter(|p| drawn(p.group))),
        "overlay_error": cover_error,
        "mask": series.mask.as_ref().map(mask::Mask::report),
        "shutter": cover.layers.iter().any(|l| l.group.is_none() && shown.shows(l)),
        "mm_per_pixel": plan.calibrated.then_some(plan.plane.mm_per_pixel),
        "spacing": image.frame(first.frame).spacing.unit_label(),
        "centre": plan.oriented.then(|| plan.plane.centre.to_array()),
        "letters": letters,
        "interpolation": view.interpolation.word(),
        "slab": depth::report(slab.as_ref(), &view, step_mm),
        "frames": plan.frames.len(),
        "reduced": reduced,
        "findings": findings(&series.layout.findings),
    });
    Ok(Picture {
        size: view.size,
        rgba,
        values,
        report,
    })
}

/// Palette indices become colour before anything is interpolated.
fn in_color(frame: Frame, image: &ImageDescription) -> Result<Frame, Refusal> {
    if image.photometric != Photometric::PaletteColor {
        return Ok(frame);
    }
    image
        .palette
        .as_ref()
        .and_then(|palette| window::palette_rgb(&frame, palette))
        .ok_or_else(|| Refusal::new(Exit::Rejected, "the palette of this image is missing"))
}

fn in_one_scale(frame: &Frame, reference: Option<&FrameRef>) -> Result<Frame, Refusal> {
    reference
        .and_then(|reference| one_scale(frame, reference))
        .ok_or_else(|| Refusal::new(Exit::Unsupported, "a slice of the volume has no values"))
}

fn draw_gpu(
    gpu: &GpuContext,
    view: &SliceView,
    filters: Option<(&FilterStack, FilterView)>,
    frames: &[Frame],
    cover: CoverScene<'_>,
    laid: Option<&(&mask::Mask, LabelPlane)>,
    wants_values: bool,
) -> Result<(Vec<u8>, Option<Vec<f32>>), Refusal> {
    let Some(first) = frames.first() else {
        return Err(Refusal::new(Exit::Usage, "there is no such frame"));
    };
    let texture = FrameTexture::fitting(
        gpu,
        first.columns,
        first.rows,
        frames.len(),
        first.stored_type,
        first.samples,
    )?;
    for (layer, frame) in frames.iter().enumerate() {
        texture.upload(layer, frame)?;
        if view.slab.is_some() {
            texture.note_values(layer, frame)?;
        }
    }
    let renderer = SliceRenderer::new(gpu)?;
    let filtered = match &filters {
        Some((stack, views)) => Some(filtering::texture_gpu(
            gpu, &renderer, stack, views, &texture,
        )?),
        None => None,
    };
    let (view, texture) = match (&filters, &filtered) {
        (Some((_, views)), Some(filtered)) => (&views.result, filtered),
        _ => (view, &texture),
    };
    let uploaded = match laid {
        Some((mask, _)) => Some(mask.upload(gpu)?),
        None => None,
    };
    let labels = laid.zip(uploaded.as_ref());
    let scene = SliceScene {
        view,
        texture,
        cover: Some(cover),
        overlay: None,
        labels: labels.map(|((mask, plane), uploaded)| LabelScene {
            mask: uploaded,
            look: mask.look(),
            plane: *plane,
        }),
    };
    let picture = Target::new(gpu, view.size, TargetKind::Picture)?;
    renderer.draw(gpu, &picture, &scene)?;
    let values = if wants_values {
        let target = Target::new(gpu, view.size, TargetKind::Values)?;
        renderer.draw(gpu, &target, &scene)?;
        Some(target.read_values()?)
    } else {
        None
    };
    Ok((picture.read_back()?, values))
}

fn plan(args: &RenderArgs, layout: &SeriesLayout) -> Result<Plan, Refusal> {
    let (grid, frames, plane) = match args.view {
        View::Stack => stack_plan(args, layout)?,
        _ => cut_plan(args, layout)?,
    };
    let mut plane = plane.turned(args.rotate / 90).mirrored(args.flip, false);
    let size = args.size.unwrap_or(match args.view {
        View::Stack => {
            let [columns, rows] = [grid.size[0], grid.size[1]].map(|n| n as u32);
            if args.rotate.is_multiple_of(180) {
                [columns, rows]
            } else {
                [rows, columns]
            }
        }
        _ => [512, 512],
    });
    if !(args.zoom.is_finite() && args.zoom > 0.0) {
        return Err(Refusal::new(Exit::Usage, "the zoom must be above 0"));
    }
    plane.mm_per_pixel = plane.fitting(&grid, size) / args.zoom;
    let described = layout
        .frames
        .get(frames.start)
        .and_then(|frame| Some(frame.instance.image.as_ref()?.frame(frame.frame)));
    Ok(Plan {
        grid,
        frames,
        plane,
        oriented: described.is_some_and(|frame| frame.plane.is_some()),
        calibrated: described.is_some_and(|frame| frame.spacing.source().is_some()),
        size,
    })
}

type Cut = (GridGeometry, std::ops::Range<usize>, ViewPlane);

/// One frame in its own axes.
fn stack_plan(args: &RenderArgs, layout: &SeriesLayout) -> Result<Cut, Refusal> {
    let count = layout.frames.len();
    let index = match (args.index, args.lps) {
        (Some(index), _) => checked_index(index, count)?,
        (None, None) => count.saturating_sub(1) / 2,
        (None, Some(point)) => {
            let volume = volume_of(layout)?;
            let voxel = to_voxel(&volume, point)?;
            // The cast saturates; points beyond the last slice have none.
            let slice = (voxel.z + 0.5).floor();
            if slice < 0.0 || slice >= count as f64 {
                return Err(Refusal::new(
                    Exit::Usage,
                    "the point lies outside the series",
                ));
            }
            slice as usize
        }
    };
    let frame = layout
        .frames
        .get(index)
        .ok_or_else(|| Refusal::new(Exit::Usage, "the series is empty"))?;
    let image = frame
        .instance
        .image
        .as_ref()
        .ok_or_else(|| Refusal::new(Exit::Unsupported, "this object has no picture"))?;
    let description = image.frame(frame.frame);
    let (columns, rows) = (image.columns, image.rows);
    let grid = match &description.plane {
        Some(plane) => GridGeometry::of_plane(plane, description.spacing, columns, rows),
        None => GridGeometry::unoriented(description.spacing, columns, rows),
    };
    let plane = ViewPlane::of_slice(&grid, 0.0, 1.0);
    Ok((grid, index..index + 1, plane))
}

/// A plane through a clean volume.
fn cut_plan(args: &RenderArgs, layout: &SeriesLayout) -> Result<Cut, Refusal> {
    let grid = volume_of(layout)?;
    let middle = grid.centre();
    let body = match args.view {
        View::Coronal => Some(BodyPlane::Coronal),
        View::Sagittal => Some(BodyPlane::Sagittal),
        View::Oblique => None,
        _ => Some(BodyPlane::Axial),
    };
    let plane = match (body, args.normal) {
        (Some(body), _) => ViewPlane::body(body, middle, 1.0),
        (None, Some(normal)) => {
            let upright = normal.try_normalize().is_some_and(|n| n.z.abs() < 0.99);
            let up = args
                .up
                .unwrap_or(if upright { DVec3::Z } else { DVec3::NEG_Y });
            ViewPlane::oblique(middle, normal, up, 1.0).ok_or_else(|| {
                Refusal::new(
                    Exit::Usage,
                    "normal and up must be two different directions",
                )
            })?
        }
        (None, None) => {
            return Err(Refusal::new(Exit::Usage, "an oblique plane needs --normal"));
        }
    };
    let through = match (args.lps, args.index) {
        (Some(point), _) => {
            to_voxel(&grid, point)?;
            point
        }
        (None, None) => middle,
        (None, Some(index)) => {
            // The planes of the grid along the axis that is nearest to the normal.
            let normal = plane.normal();
            let steps = grid.patient_from_voxel.matrix3;
            let along = |axis: usize| steps.col(axis).normalize_or_zero().dot(normal).abs();
            let axis = (0..3)
                .max_by(|&a, &b| along(a).total_cmp(&along(b)))
                .unwrap_or(2);
            let index = checked_index(index, grid.size[axis])?;
            let half = grid.size[axis] as f64 * 0.5 - 0.5;
            middle + steps.col(axis) * (index as f64 - half)
        }
    };
    // The point decides the depth only; the grid stays in the middle of the picture.
    let normal = plane.normal();
    let centre = middle + normal * normal.dot(through - middle);
    Ok((grid, 0..layout.frames.len(), ViewPlane { centre, ..plane }))
}

fn volume_of(layout: &SeriesLayout) -> Result<GridGeometry, Refusal> {
    layout.volume.ok_or_else(|| {
        let reason = layout
            .findings
            .iter()
            .max_by_key(|finding| finding.severity)
            .map_or(String::new(), |finding| format!(": {}", finding.sentence));
        Refusal::new(
            Exit::Unsupported,
            format!("this series is no regular volume{reason}"),
        )
    })
}

fn to_voxel(grid: &GridGeometry, point: DVec3) -> Result<DVec3, Refusal> {
    grid.voxel_from_patient()
        .map(|m| m.transform_point3(point))
        .ok_or_else(|| Refusal::new(Exit::Unsupported, "this series has no depth"))
}

/// From the number that people count to the index from 0.
fn checked_index(index: usize, count: usize) -> Result<usize, Refusal> {
    match index.checked_sub(1) {
        Some(found) if found < count => Ok(found),
        _ => Err(Refusal::new(
            Exit::Usage,
            format!("--index {index} is not among 1 to {count}"),
        )),
    }
}

fn view_of(
    args: &RenderArgs,
    image: &ImageDescription,
    frame: usize,
    plan: &Plan,
    frames: &[Frame],
    scaled: bool,
) -> Result<SliceView, Refusal> {
    let mut description = image.frame(frame).clone();
    let mut padding = image.padding;
    if scaled {
        (description.modality_lut, padding) = (ModalityLut::IDENTITY, None);
        // The windows of a file are those of its own slice, the volume is more.
        description.voi.clear();
    }
    let description = &description;
    let first = frames
        .first()
        .ok_or_else(|| Refusal::new(Exit::Usage, "there is no such frame"))?;
    // Where the file has no window, the middle frame decides: most of the patient is there.
    let middle = frames.get(frames.len() / 2).unwrap_or(first);
    let mut grey = GreyPipeline {
        stored_type: first.stored_type,
        modality_lut: description.modality_lut.clone(),
        voi: window_default(description, middle, padding, image.bits_stored),
        inverted: image.samples == 1 && image.lowest_is_white(),
        padding,
        presentation: image.display.presentation_lut.clone(),
    };
    if let Some((center, width)) = args.window {
        grey.voi = Voi::window(center, width);
    }
    if let Some(words) = &args.voi {
        let count = description.voi.len();
        let found = description.voi_chosen(words).ok_or_else(|| {
            let text = format!("the file has no window `{words}`; it brings {count}");
            Refusal::new(Exit::Usage, text)
        })?;
        grey.voi = found.clone();
    }
    if let Some(name) = &args.preset {
        let preset = window::CT_PRESETS
            .iter()
            .find(|preset| preset.0 == name.as_str());
        let named = description
            .voi
            .iter()
            .find(|voi| voi.name().eq_ignore_ascii_case(name));
        grey.voi = match (named, preset) {
            (Some(voi), _) => voi.clone(),
            (None, Some((_, center, width))) if description.unit == ModalityUnit::Hounsfield => {
                Voi::window(*center, *width)
            }
            (None, Some(_)) => {
                return Err(Refusal::new(
                    Exit::Usage,
                    format!(
                        "the window `{name}` is for Hounsfield units, which this image has not"
                    ),
                ));
            }
            (None, None) if name == "full" => {
                let all: Vec<&Frame> = frames.iter().collect();
                window::full_dynamic(&all, &grey, (0.0, 1.0)).ok_or_else(|| {
                    Refusal::new(Exit::Unsupported, "the image holds nothing but padding")
                })?
            }
            (None, None) => {
                return Err(Refusal::new(
                    Exit::Usage,
                    format!("there is no window `{name}`"),
                ));
            }
        };
    }
    grey.inverted ^= args.invert;
    let interpolation = match args.interpolation {
        Between::Nearest => Interpolation::Nearest,
        Between::Linear => Interpolation::Linear,
        Between::Cubic => Interpolation::Cubic,
    };
    plan.plane
        .slice_view(&plan.grid, plan.size, interpolation, grey, first.samples)
        .ok_or_else(|| Refusal::new(Exit::Unsupported, "this series has no depth"))
}

fn parse_numbers<const N: usize>(text: &str) -> Result<[f64; N], String> {
    let numbers: Vec<f64> = text
        .split(',')
        .map(|part| part.trim().parse::<f64>().ok().filter(|v| v.is_finite()))
        .collect::<Option<_>>()
        .ok_or_else(|| format!("`{text}` is not a list of numbers"))?;
    numbers
        .try_into()
        .map_err(|_| format!("`{text}` is not {N} numbers"))
}

fn parse_point(text: &str) -> Result<DVec3, String> {
    parse_numbers::<3>(text).map(DVec3::from_array)
}

pub(super) fn parse_window(text: &str) -> Result<(f64, f64), String> {
    match parse_numbers(text)? {
        // PS3.3 C.11.2.1.2.1: the width of a linear window is at least 1.
        [center, width] if width >= 1.0 => Ok((center, width)),
        _ => Err("the width of a window is at least 1".into()),
    }
}

fn parse_percent(text: &str) -> Result<[u8; 2], String> {
    match parse_numbers(text)? {
        [low, high] if low >= 0.0 && high <= 100.0 && low < high => {
            Ok([low, high].map(|p: f64| p.round() as u8))
        }
        _ => Err(format!("`{text}` is not two percentiles")),
    }
}

fn parse_turn(text: &str) -> Result<u32, String> {
    match text {
        "0" => Ok(0),
        "90" => Ok(90),
        "180" => Ok(180),
        "270" => Ok(270),
        _ => Err("a turn is 0, 90, 180 or 270".into()),
    }
}

pub(super) fn parse_size(text: &str) -> Result<[u32; 2], String> {
    let parts = text.split_once(['x', 'X']).and_then(|(w, h)| {
        let size = [w.parse::<u32>().ok()?, h.parse::<u32>().ok()?];
        size.iter().all(|n| (1..=16384).contains(n)).then_some(size)
    });
    parts.ok_or_else(|| format!("`{text}` is not a size such as 512x512, at most 16384x16384"))
}

#[cfg(test)]
mod tests;

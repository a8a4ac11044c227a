//! `negatoscope render`: one picture, drawn by the renderer that draws the window, or by its f64 reference.

use super::{
    Common, Exit, Output,
    common::Backend,
    inspect::{exit_of, findings, limits},
    series::{Refusal, choose},
};
use crate::{
    dicom::{frames::FrameSource as _, load::one_scale, window_default::window_default},
    gpu::{FrameTexture, GpuContext},
    imaging::{reslice, window},
    model::{
        geometry::{BodyPlane, GridGeometry},
        layout::{FrameRef, SeriesLayout},
        lut::{ModalityLut, ModalityUnit, Photometric, Voi},
        pixels::Frame,
        study::ImageDescription,
        view::{GreyPipeline, Interpolation, SliceView, ViewPlane},
    },
    render::{SliceRenderer, SliceScene, Target, TargetKind},
};
use clap::{Args, ValueEnum};
use glam::DVec3;
use rayon::prelude::*;
use serde_json::json;
use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

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
    /// Thickness of the slab
    #[arg(long, value_name = "MM")]
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
}

/// Finds the series at the path of the arguments: the one that was named, or the one with most frames.
fn load(args: &RenderArgs, common: &Common) -> Result<LoadedSeries, Refusal> {
    let layout = choose(&args.path, args.series.as_deref(), args.part, common)?;
    let source = common.frame_source(limits(common));
    let frames = layout.frames.clone();
    let decode = move |index: usize| {
        let frame: &FrameRef = frames
            .get(index)
            .ok_or_else(|| Refusal::new(Exit::Usage, "there is no such frame"))?;
        source
            .read_frame(&frame.instance, frame.frame)
            .map_err(|error| {
                let path = frame.instance.source.path.display();
                let text = format!("[{}] {error}: {path}", error.code());
                Refusal::new(exit_of(error.kind()), text)
            })
    };
    Ok(LoadedSeries {
        layout,
        decode: Box::new(decode),
    })
}

/// Runs `render`.
pub fn run(args: &RenderArgs, common: &Common, out: &mut Output) -> Exit {
    let done = refuse_unsupported(args)
        .and_then(|()| load(args, common))
        .and_then(|series| draw(args, common.backend, &series))
        .and_then(|picture| picture.write(args).map(|()| picture));
    match done {
        Ok(picture) => {
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
    } else if args.mode != Mode::Slice || args.slab.is_some() {
        "slabs (mip, minip, mean) are not supported yet"
    } else if args.overlay.is_some() {
        "overlays are not supported yet"
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
        let [width, height] = self.size;
        if let Some(path) = &args.out {
            let rgb: Vec<u8> = self
                .rgba
                .as_chunks::<4>()
                .0
                .iter()
                .flat_map(|&[r, g, b, _]| [r, g, b])
                .collect();
            image::save_buffer_with_format(
                path,
                &rgb,
                width,
                height,
                image::ExtendedColorType::Rgb8,
                image::ImageFormat::Png,
            )
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
    let mut file = io::BufWriter::new(fs::File::create(path)?);
    file.write_all(b"\x93NUMPY\x01\x00")?;
    file.write_all(&(padded as u16).to_le_bytes())?;
    file.write_all(header.as_bytes())?;
    for value in values {
        file.write_all(&value.to_le_bytes())?;
    }
    file.into_inner()?.sync_all()
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
    let view = view_of(args, image, first.frame, &plan, &frames, scaled)?;
    let wants_values = args.raw16.is_some();
    let (rgba, values, adapter) = match backend {
        Backend::Cpu => {
            let frames: Vec<_> = frames.into_iter().map(Some).collect();
            let values = wants_values.then(|| reslice::values_cpu(&view, &frames));
            (reslice::draw_cpu(&view, &frames), values, None)
        }
        Backend::Gpu => {
            let gpu = GpuContext::headless()?;
            let (rgba, values) = draw_gpu(&gpu, &view, &frames, wants_values)?;
            (rgba, values, Some(gpu.info.name))
        }
    };
    let letters = plan.oriented.then(|| {
        let [left, right, top, bottom] = plan.plane.edge_letters();
        json!({"left": left, "right": right, "top": top, "bottom": bottom})
    });
    let level = view.grey.voi.level();
    let report = json!({
        "width": view.size[0],
        "height": view.size[1],
        "backend": if adapter.is_some() { "gpu" } else { "cpu" },
        "adapter": adapter,
        "window": level.map(|level| json!({"center": level.center, "width": level.width})),
        "inverted": view.grey.inverted,
        "mm_per_pixel": plan.calibrated.then_some(plan.plane.mm_per_pixel),
        "spacing": image.frame(first.frame).spacing.unit_label(),
        "centre": plan.oriented.then(|| plan.plane.centre.to_array()),
        "letters": letters,
        "frames": plan.frames.len(),
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
    frames: &[Frame],
    wants_values: bool,
) -> Result<(Vec<u8>, Option<Vec<f32>>), Refusal> {
    let Some(first) = frames.first() else {
        return Err(Refusal::new(Exit::Usage, "there is no such frame"));
    };
    let texture = FrameTexture::new(
        gpu,
        first.columns,
        first.rows,
        frames.len(),
        first.stored_type,
        first.samples,
    )?;
    for (layer, frame) in frames.iter().enumerate() {
        texture.upload(layer, frame)?;
    }
    let renderer = SliceRenderer::new(gpu)?;
    let scene = SliceScene {
        view,
        texture: &texture,
        overlay: None,
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
        voi: window_default(description, middle, padding),
        inverted: image.samples == 1 && image.lowest_is_white(),
        padding,
    };
    if let Some((center, width)) = args.window {
        grey.voi = Voi::window(center, width);
    }
    if let Some(name) = &args.preset {
        let preset = window::CT_PRESETS
            .iter()
            .find(|preset| preset.0 == name.as_str());
        let named = description.voi.iter().find(|voi| match voi {
            Voi::Window { explanation, .. } => explanation.eq_ignore_ascii_case(name),
            Voi::Table(table) => table.explanation.eq_ignore_ascii_case(name),
        });
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

fn parse_window(text: &str) -> Result<(f64, f64), String> {
    match parse_numbers(text)? {
        // PS3.3 C.11.2.1.2.1: the width of a linear window is at least 1.
        [center, width] if width >= 1.0 => Ok((center, width)),
        _ => Err("the width of a window is at least 1".into()),
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

fn parse_size(text: &str) -> Result<[u32; 2], String> {
    let parts = text.split_once(['x', 'X']).and_then(|(w, h)| {
        let size = [w.parse::<u32>().ok()?, h.parse::<u32>().ok()?];
        size.iter().all(|n| (1..=16384).contains(n)).then_some(size)
    });
    parts.ok_or_else(|| format!("`{text}` is not a size such as 512x512, at most 16384x16384"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_checked() {
        assert_eq!(parse_size("640x480"), Ok([640, 480]));
        for bad in ["0x5", "5", "16385x1", "-1x1", "axb"] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
        assert_eq!(parse_window("-600,1500"), Ok((-600.0, 1500.0)));
        for bad in ["40", "40,0", "40,nan", "40,400,1", ""] {
            assert!(parse_window(bad).is_err(), "{bad}");
        }
        assert_eq!(parse_point("1, -2,3.5"), Ok(DVec3::new(1.0, -2.0, 3.5)));
        assert!(parse_turn("45").is_err());
    }

    #[test]
    fn indices_count_from_one() {
        assert_eq!(checked_index(1, 3).unwrap(), 0);
        assert_eq!(checked_index(3, 3).unwrap(), 2);
        for bad in [0, 4] {
            assert_eq!(checked_index(bad, 3).unwrap_err().exit, Exit::Usage);
        }
    }

    use crate::model::{
        geometry::{ImagePlane, Spacing, SpacingSource},
        lut::ModalityLut,
        pixels::{PixelBytes, StoredType},
        study::{FrameDescription, Instance, SeriesDescription, Source, SourceKind, Technique},
    };
    use clap::Parser as _;
    use glam::{DAffine3, DMat3};
    use std::sync::Arc;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: RenderArgs,
    }

    fn args(line: &str) -> RenderArgs {
        let words = format!("render folder --out x.png {line}");
        Line::try_parse_from(words.split(' ').filter(|word| !word.is_empty()))
            .unwrap()
            .args
    }

    /// Six axial slices of 8 columns and 5 rows, 2 × 2 × 4 mm; the stored value is 100 z + 10 y + x.
    fn series(regular: bool) -> LoadedSeries {
        let spacing = Spacing::Millimetres {
            row_mm: 2.0,
            column_mm: 2.0,
            source: SpacingSource::PixelSpacing,
        };
        let instance = |z: usize| Instance {
            source: Source {
                path: Arc::from(Path::new("slice")),
                kind: SourceKind::Dicom,
                bytes: 0,
            },
            sop_class_uid: String::new(),
            sop_instance_uid: String::new(),
            transfer_syntax_uid: String::new(),
            patient: Arc::default(),
            study: Arc::default(),
            series: Arc::new(SeriesDescription::default()),
            instance_number: None,
            technique: Technique::default(),
            image: Some(ImageDescription {
                rows: 5,
                columns: 8,
                frames: 1,
                samples: 1,
                bits_allocated: 16,
                bits_stored: 16,
                high_bit: 15,
                signed: true,
                stored_type: StoredType::I16,
                photometric: Photometric::Monochrome2,
                palette: None,
                padding: None,
                presentation_inverse: false,
                lossy: None,
                shared: FrameDescription {
                    plane: ImagePlane::new(
                        [0.0, 0.0, 4.0 * z as f64],
                        [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
                    ),
                    spacing,
                    slice_thickness_mm: None,
                    modality_lut: ModalityLut::Rescale {
                        slope: 1.0,
                        intercept: -1000.0,
                    },
                    unit: ModalityUnit::Hounsfield,
                    voi: vec![Voi::window(-700.0, 1000.0)],
                },
                per_frame: vec![],
                parts: Default::default(),
            }),
            findings: vec![],
        };
        let grid = GridGeometry {
            size: [8, 5, 6],
            patient_from_voxel: DAffine3::from_mat3(DMat3::from_diagonal(DVec3::new(
                2.0, 2.0, 4.0,
            ))),
        };
        let frames = (0..6).map(|z| FrameRef {
            instance: Arc::new(instance(z)),
            frame: 0,
        });
        LoadedSeries {
            layout: SeriesLayout {
                frames: frames.collect(),
                volume: regular.then_some(grid),
                mixed_rescale: false,
                findings: vec![],
                duplicates: vec![],
                part: Default::default(),
            },
            decode: Box::new(|z| {
                let stored = |i: usize| (100 * z + 10 * (i / 8) + i % 8) as i16;
                let bytes = (0..40).flat_map(|i| stored(i).to_le_bytes()).collect();
                let bytes = PixelBytes::from_vec(bytes);
                Frame::new(5, 8, 1, StoredType::I16, bytes)
                    .ok_or_else(|| Refusal::new(Exit::Internal, "frame"))
            }),
        }
    }

    fn values(line: &str) -> ([u32; 2], Vec<f32>) {
        let picture = draw(
            &args(&format!("{line} --raw16 x.npy")),
            Backend::Cpu,
            &series(true),
        );
        let picture = picture.unwrap();
        (picture.size, picture.values.unwrap())
    }

    #[test]
    fn a_frame_is_drawn_one_to_one() {
        let (size, shown) = values("--index 3");
        assert_eq!(size, [8, 5]);
        assert_eq!((shown[0], shown[7], shown[8]), (-800.0, -793.0, -790.0));
        // A quarter turn clockwise brings the lower left corner to the upper left.
        let (size, shown) = values("--index 3 --rotate 90");
        assert_eq!(size, [5, 8]);
        assert_eq!((shown[0], shown[4]), (-760.0, -800.0));
        let (_, shown) = values("--index 3 --flip");
        assert_eq!(shown[0], -793.0);
        assert_eq!(values("--lps 0,0,8.1").1, values("--index 3").1);
    }

    #[test]
    fn planes_are_seen_as_radiologists_do() {
        // Axial: the planes of the grid by number; the grid fills the width of 8 × 2 mm exactly.
        assert_eq!(
            values("--view axial --index 3 --size 8x5").1,
            values("--index 3").1
        );
        // Coronal: the head is up, so the last slice is the first line; 6 × 4 mm at 2 mm a pixel.
        let (_, shown) = values("--view coronal --index 2 --size 8x12 --interpolation nearest");
        assert_eq!((shown[0], shown[8 * 11]), (-490.0, -990.0));
        // Sagittal: seen from the left, the front is on the left.
        let (_, shown) = values("--view sagittal --index 8 --size 5x12 --interpolation nearest");
        assert_eq!((shown[0], shown[4]), (-493.0, -453.0));
        let oblique = "--view oblique --normal 0,0,1 --up 0,-1,0 --size 8x5 --lps 3,3,8";
        assert_eq!(values(oblique).1, values("--index 3").1);
    }

    #[test]
    fn letters_are_given_only_where_the_patient_is_known() {
        let report = |known: bool| {
            let mut series = series(true);
            if !known {
                for frame in &mut series.layout.frames {
                    let mut instance = (*frame.instance).clone();
                    let shared = &mut instance.image.as_mut().unwrap().shared;
                    shared.plane = None;
                    shared.spacing = Spacing::Unknown { aspect: 1.0 };
                    frame.instance = Arc::new(instance);
                }
            }
            draw(&args(""), Backend::Cpu, &series).unwrap().report
        };
        let known = report(true);
        assert_eq!(
            (&known["letters"]["left"], &known["letters"]["top"]),
            (&json!("R"), &json!("A"))
        );
        assert_eq!(known["mm_per_pixel"], json!(2.0));
        let unknown = report(false);
        for field in ["letters", "centre", "mm_per_pixel"] {
            assert!(unknown[field].is_null(), "{field}");
        }
    }

    #[test]
    fn windows_are_chosen_by_number_and_by_name() {
        let level = |line: &str| {
            let picture = draw(&args(line), Backend::Cpu, &series(true)).unwrap();
            let window = &picture.report["window"];
            (
                window["center"].as_f64().unwrap(),
                window["width"].as_f64().unwrap(),
            )
        };
        assert_eq!(level(""), (-700.0, 1000.0));
        assert_eq!(level("--window -600,1500"), (-600.0, 1500.0));
        assert_eq!(level("--preset lung"), (-600.0, 1500.0));
        // Slice 3, the middle one, holds -800 to -753.
        assert_eq!(level("--preset full"), (-776.0, 48.0));
    }

    #[test]
    fn what_cannot_be_drawn_says_why() {
        let exit = |line: &str, regular| {
            let args = args(line);
            let refused = refuse_unsupported(&args)
                .and_then(|()| draw(&args, Backend::Cpu, &series(regular)));
            refused.unwrap_err().exit
        };
        assert_eq!(exit("--view vr", true), Exit::Unsupported);
        assert_eq!(exit("--mode mip --slab 10", true), Exit::Unsupported);
        assert_eq!(exit("--view axial", false), Exit::Unsupported);
        assert_eq!(exit("--index 7", true), Exit::Usage);
        assert_eq!(exit("--lps 0,0,99", true), Exit::Usage);
        assert_eq!(exit("--view oblique", true), Exit::Usage);
        assert_eq!(exit("--zoom 0", true), Exit::Usage);
        assert_eq!(exit("--preset none", true), Exit::Usage);
    }

    #[test]
    fn arrays_are_what_numpy_reads() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npy");
        write_npy(&path, [3, 2], &[0.0, 1.0, 2.0, 3.0, 4.0, f32::NAN]).unwrap();
        let bytes = fs::read(path).unwrap();
        assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
        let length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
        assert_eq!((10 + length) % 64, 0);
        let header = std::str::from_utf8(&bytes[10..10 + length]).unwrap();
        assert!(header.contains("'shape': (2, 3)") && header.ends_with('\n'));
        assert_eq!(bytes.len(), 10 + length + 24);
        assert_eq!(bytes[10 + length + 4..][..4], 1f32.to_le_bytes());
    }
}

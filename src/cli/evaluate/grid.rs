//! Masks and probabilities of whatever kind the readers open, as numbers on a grid.

use super::Refusal;
use crate::{
    cli::{
        Common, Exit,
        inspect::{exit_of, limits},
    },
    dicom::{frames::FrameSource as _, scan::read_instance},
    formats::{self, Placement, SNIFF_BYTES, sniff},
    imaging::window::modality_value,
    model::geometry::Spacing,
};
use glam::DAffine3;
use image::ImageReader;
use std::{fs::File, io::Read as _, path::Path};

/// Pixels of a mask that are read.
const MAX_PIXELS: usize = 1 << 27;

/// Numbers of a file; shape and spacing are outermost first (slices, rows, columns).
pub(in crate::cli) struct Grid {
    /// One number a pixel.
    pub values: Vec<f32>,
    /// The largest value that stands for certainty; `None` where the file's type does not say.
    pub top: Option<f64>,
    /// Two or three sides.
    pub shape: Vec<usize>,
    /// Steps and their unit; `None` where slices have no known distance.
    pub spacing: Option<(Vec<f64>, &'static str)>,
    /// Where the grid lies, where that is known.
    place: Option<DAffine3>,
}

impl Grid {
    /// Reads a file. `spacing` is that of pictures, which have none.
    pub fn read(path: &Path, spacing: Option<[f64; 2]>, common: &Common) -> Result<Self, Refusal> {
        let io = |error: std::io::Error| {
            let text = format!("cannot read: {error}: {}", path.display());
            (Exit::Io, text)
        };
        let mut head = Vec::new();
        let file = File::open(path).map_err(io)?;
        file.take(SNIFF_BYTES as u64)
            .read_to_end(&mut head)
            .map_err(io)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if sniff(&head, &name).is_some() {
            return Self::volume(path);
        }
        if image::guess_format(&head).is_ok() {
            return Self::picture(path, spacing);
        }
        Self::dicom(path, common)
    }

    fn picture(path: &Path, spacing: Option<[f64; 2]>) -> Result<Self, Refusal> {
        let io = |error: std::io::Error| {
            let text = format!("cannot read: {error}: {}", path.display());
            (Exit::Io, text)
        };
        let reader = || {
            ImageReader::open(path)
                .and_then(ImageReader::with_guessed_format)
                .map_err(io)
        };
        let broken =
            |error: image::ImageError| (Exit::Rejected, format!("{error}: {}", path.display()));
        let (columns, rows) = reader()?.into_dimensions().map_err(broken)?;
        let shape = vec![rows as usize, columns as usize];
        check_count(&shape, path)?;
        let picture = reader()?.decode().map_err(broken)?;
        let color = picture.color();
        let deep = color.bytes_per_pixel() > color.channel_count();
        let (values, top) = if deep {
            let raw = picture.into_luma16().into_raw();
            (raw.into_iter().map(f32::from).collect(), 65535.0)
        } else {
            let raw = picture.into_luma8().into_raw();
            (raw.into_iter().map(f32::from).collect(), 255.0)
        };
        let spacing = spacing.map_or((vec![1.0; 2], "px"), |s| (s.to_vec(), "mm"));
        Ok(Self {
            values,
            top: Some(top),
            shape,
            spacing: Some(spacing),
            place: None,
        })
    }

    fn volume(path: &Path) -> Result<Self, Refusal> {
        let limits = formats::Limits::default();
        let read = formats::read(path, &limits).map_err(|error| {
            let text = format!("[{}] {error}: {}", error.code(), path.display());
            (exit_of(error.kind()), text)
        })?;
        let volume = match read.volumes.as_slice() {
            [volume] => volume,
            many => {
                let text = format!(
                    "{} volumes where one is expected: {}",
                    many.len(),
                    path.display()
                );
                return Err((Exit::Unsupported, text));
            }
        };
        let [columns, rows, slices] = volume.grid.size;
        let flat = slices == 1;
        let shape = match flat {
            true => vec![rows, columns],
            false => vec![slices, rows, columns],
        };
        check_count(&shape, path)?;
        let frames = volume.frames.iter();
        let stored = frames.flat_map(|frame| frame.values());
        let values: Vec<f32> = stored
            .map(|v| modality_value(v, &volume.modality_lut) as f32)
            .collect();
        if values.len() != shape.iter().product::<usize>() {
            let text = format!("more than one value a voxel: {}", path.display());
            return Err((Exit::Unsupported, text));
        }
        let [column, row, slice] = volume.grid.spacing_mm();
        let steps = match flat {
            true => vec![row, column],
            false => vec![slice, row, column],
        };
        let unit = match read.placement {
            Placement::Uncalibrated => "px",
            Placement::Patient | Placement::Unoriented => "mm",
        };
        let oriented = read.placement == Placement::Patient;
        Ok(Self {
            // Probabilities of volumes are shares; other types hold labels.
            top: values.iter().all(|v| *v <= 1.0).then_some(1.0),
            values,
            shape,
            spacing: Some((steps, unit)),
            place: oriented.then_some(volume.grid.patient_from_voxel),
        })
    }

    fn dicom(path: &Path, common: &Common) -> Result<Self, Refusal> {
        let limits = limits(common);
        let instance = read_instance(path, &common.scan_options(limits)).map_err(|rejection| {
            let (code, detail) = (rejection.code, &rejection.detail);
            let text = format!("[{code}] {detail}: {}", path.display());
            (exit_of(rejection.outcome), text)
        })?;
        let Some(image) = instance.image.as_ref().filter(|i| i.samples == 1) else {
            let text = format!("the object holds no grey picture: {}", path.display());
            return Err((Exit::Unsupported, text));
        };
        let shape = match image.frames {
            1 => vec![image.rows, image.columns],
            frames => vec![frames, image.rows, image.columns],
        };
        check_count(&shape, path)?;
        let source = common.frame_source(limits);
        let mut values = Vec::with_capacity(shape.iter().product());
        for index in 0..image.frames {
            let frame = source.read_frame(&instance, index).map_err(|error| {
                let text = format!("[{}] {error}: {}", error.code(), path.display());
                (exit_of(error.kind()), text)
            })?;
            let lut = &image.frame(index).modality_lut;
            values.extend(frame.values().map(|v| modality_value(v, lut) as f32));
        }
        // Frames in depth have a distance only where all planes are known to be one step apart.
        let steps = match image.frame(0).spacing {
            Spacing::Millimetres {
                row_mm, column_mm, ..
            } => (vec![row_mm, column_mm], "mm"),
            Spacing::Unknown { .. } => (vec![1.0; 2], "px"),
        };
        let spacing = match depth_step(image) {
            _ if image.frames == 1 => Some(steps),
            Some(step) if steps.1 == "mm" => Some(([vec![step], steps.0].concat(), "mm")),
            _ => None,
        };
        Ok(Self {
            top: values.iter().all(|v| *v <= 1.0).then_some(1.0),
            values,
            shape,
            spacing,
            place: None,
        })
    }

    /// Refuses what lies on another grid.
    pub fn fits(&self, other: &Self) -> Result<(), Refusal> {
        if self.shape != other.shape {
            let sides = |shape: &[usize]| {
                let sides: Vec<String> = shape.iter().rev().map(usize::to_string).collect();
                sides.join(" × ")
            };
            let (a, b) = (sides(&self.shape), sides(&other.shape));
            return Err((Exit::Rejected, format!("the sizes differ: {a} and {b}")));
        }
        if let (Some(a), Some(b)) = (self.place, other.place) {
            // A hundredth of a millimetre at the far corner is rounding of a header.
            let corner = |place: DAffine3| {
                let far = self.shape.iter().rev().map(|&n| n as f64);
                let far: Vec<f64> = far.chain([1.0]).take(3).collect();
                let at = |i: usize| far.get(i).copied().unwrap_or(1.0);
                place.transform_point3(glam::DVec3::new(at(0), at(1), at(2)))
            };
            let apart = (a.translation - b.translation)
                .length()
                .max((corner(a) - corner(b)).length());
            if apart > 0.01 {
                let text = format!("the masks lie at different places, {apart:.2} mm apart");
                return Err((Exit::Rejected, text));
            }
        }
        Ok(())
    }

    /// The pixels above a threshold; by default half of what the type can hold, or 0 where no value exceeds 1.
    pub fn mask(&self, threshold: Option<f64>) -> Vec<bool> {
        let largest = self.values.iter().copied().fold(0.0f32, f32::max);
        let default = match self.top {
            Some(top) if largest > 1.0 => (top / 2.0).floor(),
            // A share that is not 0 or 1 is a probability.
            Some(_) if self.values.iter().any(|v| *v > 0.0 && *v < 1.0) => 0.5,
            _ => 0.0,
        };
        let threshold = threshold.unwrap_or(default);
        self.values
            .iter()
            .map(|&v| f64::from(v) > threshold)
            .collect()
    }

    /// Whether there is one value beside 0.
    pub fn is_binary(&self) -> bool {
        let Some(&first) = self.values.iter().find(|v| **v > 0.0) else {
            return true;
        };
        self.values.iter().all(|&v| v == 0.0 || v == first)
    }
}

fn check_count(shape: &[usize], path: &Path) -> Result<(), Refusal> {
    let count = shape.iter().try_fold(1usize, |n, s| n.checked_mul(*s));
    match count {
        Some(count) if count <= MAX_PIXELS => Ok(()),
        _ => {
            let text = format!("more than {MAX_PIXELS} pixels: {}", path.display());
            Err((Exit::Limit, text))
        }
    }
}

/// The distance of frames along their normal, when all planes are known and one step apart.
fn depth_step(image: &crate::model::study::ImageDescription) -> Option<f64> {
    let planes: Option<Vec<_>> = (0..image.frames).map(|i| image.frame(i).plane).collect();
    let planes = planes?;
    let normal = planes.first()?.normal();
    let depths: Vec<f64> = planes.iter().map(|p| p.origin.dot(normal)).collect();
    let steps: Vec<f64> = depths.windows(2).map(|w| (w[1] - w[0]).abs()).collect();
    let step = *steps.first()?;
    let even = steps.iter().all(|s| (s - step).abs() <= 0.01 * step);
    (step > 0.0 && even).then_some(step)
}

//! What is measured in: frames and volumes with the meaning of their values, and how numbers of them are named.
//!
//! Values are modality values (PS3.3 C.11.1), each frame by its own modality LUT, in the unit that the model carries:
//! HU only where the file or its rules say so. Colour gives numbers for each channel in stored values, since modality
//! LUTs belong to grey pixels; palette indices are refused, since neighbours in a palette need not be alike.

use super::{Counts, MeasureError, Measurement, Quantity, values::Statistics};
use crate::model::{
    finding::{Finding, Severity},
    geometry::GridGeometry,
    lut::{ModalityLut, ModalityUnit, PaddingRange, Photometric, Voi},
    pixels::Frame,
    study::ImageDescription,
    view::{GreyPipeline, Interpolation, SliceView},
    volume::Volume,
};
use glam::DAffine3;

/// A decoded frame and what its values mean.
#[derive(Clone, Copy, Debug)]
pub struct FramePixels<'a> {
    /// The pixels.
    pub frame: &'a Frame,
    /// Stored to modality value, of this frame.
    pub modality_lut: &'a ModalityLut,
    /// Unit of the modality value.
    pub unit: &'a ModalityUnit,
    /// Values that carry no image.
    pub padding: Option<PaddingRange>,
    /// Photometric Interpretation.
    pub photometric: Photometric,
}

impl<'a> FramePixels<'a> {
    /// A decoded frame (from 0) of an image.
    pub fn of(image: &'a ImageDescription, index: usize, frame: &'a Frame) -> Self {
        let description = image.frame(index);
        Self {
            frame,
            modality_lut: &description.modality_lut,
            unit: &description.unit,
            padding: image.padding,
            photometric: image.photometric,
        }
    }

    /// Names of the samples; one without a name for grey.
    pub(super) fn channels(&self) -> Result<&'static [&'static str], MeasureError> {
        match (self.frame.samples, self.photometric) {
            (3, _) => Ok(&["red.", "green.", "blue."]),
            (_, Photometric::PaletteColor) => Err(MeasureError::PaletteIndices),
            _ => Ok(&[""]),
        }
    }

    /// What a sample is measured in, and the attribute behind it. Colour has neither LUT nor unit nor padding.
    pub(super) fn meaning(&self) -> (&'a ModalityLut, String, &'static str, Option<PaddingRange>) {
        if self.frame.samples == 3 {
            (&ModalityLut::IDENTITY, String::new(), "stored values", None)
        } else {
            let unit = self.unit.label().to_owned();
            let source = lut_source(self.modality_lut);
            (self.modality_lut, unit, source, self.padding)
        }
    }
}

/// The frames of a clean volume and what their values mean; a slice that was not loaded is `None`.
#[derive(Clone, Copy, Debug)]
pub struct VolumePixels<'a> {
    /// The grid.
    pub grid: &'a GridGeometry,
    /// One a slice.
    pub frames: &'a [Option<Frame>],
    /// Stored to modality value, of all frames.
    pub modality_lut: &'a ModalityLut,
    /// Unit of the modality value.
    pub unit: &'a ModalityUnit,
    /// Values that carry no image.
    pub padding: Option<PaddingRange>,
}

impl<'a> VolumePixels<'a> {
    /// A volume that is held whole; `frames` are its own, as [`Option`]s (handles: nothing is copied).
    pub fn of(volume: &'a Volume, frames: &'a [Option<Frame>]) -> Self {
        Self {
            grid: &volume.grid,
            frames,
            modality_lut: &volume.modality_lut,
            unit: &volume.unit,
            padding: volume.padding,
        }
    }

    /// Any frame that is there, when it fits and is grey.
    pub(super) fn first(&self) -> Result<&'a Frame, MeasureError> {
        let first = self.frames.iter().flatten().next();
        let first = first.ok_or(MeasureError::SliceMissing)?;
        if first.samples != 1 {
            return Err(MeasureError::ColorVolume);
        }
        let [columns, rows, slices] = self.grid.size;
        let fits = self.frames.len() == slices
            && self.frames.iter().flatten().all(|f| {
                [f.columns, f.rows, f.samples] == [columns, rows, 1]
                    && f.stored_type == first.stored_type
            });
        fits.then_some(first).ok_or(MeasureError::NoVolume)
    }

    /// A picture of the volume on a plane, for sampling it.
    pub(super) fn view(
        &self,
        size: [u32; 2],
        patient_from_viewport: DAffine3,
    ) -> Result<SliceView, MeasureError> {
        let voxel_from_patient = self.grid.voxel_from_patient();
        Ok(SliceView {
            size,
            voxel_from_viewport: voxel_from_patient.ok_or(MeasureError::NoVolume)?
                * patient_from_viewport,
            interpolation: Interpolation::Linear,
            grey: GreyPipeline {
                stored_type: self.first()?.stored_type,
                modality_lut: self.modality_lut.clone(),
                // Sampling stops at the modality value.
                voi: Voi::window(0.0, 1.0),
                inverted: false,
                padding: self.padding,
                presentation: None,
            },
            samples: 1,
            area: false,
            slab: None,
        })
    }
}

/// The attribute behind a modality value.
pub(super) fn lut_source(lut: &ModalityLut) -> &'static str {
    match lut {
        _ if *lut == ModalityLut::IDENTITY => "stored values",
        ModalityLut::Rescale { .. } => "Rescale Slope and Intercept",
        ModalityLut::Table(_) => "Modality LUT Sequence",
    }
}

/// A quantity in the unit of the values.
pub(super) fn value_quantity(
    name: String,
    value: Option<f64>,
    unit: &str,
    source: &str,
) -> Quantity {
    Quantity {
        name,
        value,
        unit: unit.to_owned(),
        source: source.to_owned(),
        label: unit.to_owned(),
    }
}

/// Adds the numbers of one channel.
pub(super) fn add_statistics(
    into: &mut Measurement,
    channel: &str,
    found: Statistics,
    unit: &str,
    source: &str,
) {
    let mut put = |name: &str, value: Option<f64>| {
        into.quantities.push(value_quantity(
            format!("{channel}{name}"),
            value,
            unit,
            source,
        ));
    };
    put("sum", Some(found.sum));
    put("mean", Some(found.mean));
    put("sd_sample", found.sd_sample);
    put("sd_population", Some(found.sd_population));
    put("min", Some(found.min));
    put("max", Some(found.max));
    put("median", Some(found.median));
    for (share, value) in found.percentiles {
        put(&format!("percentile_{share}"), Some(value));
    }
    into.histograms.extend(found.histogram);
}

/// Adds what was counted, and what of it needs care.
pub(super) fn add_counts(into: &mut Measurement, counts: Counts, what: &str) {
    into.counts = Some(counts);
    let mut say = |code, n: u64, severity, sentence: String| {
        if n > 0 {
            into.warnings
                .push(Finding::new(code, severity, sentence).with("count", n as f64));
        }
    };
    let Counts {
        inside,
        n,
        padding,
        not_finite,
        outside,
        ..
    } = counts;
    say(
        "OUTSIDE_IMAGE",
        outside,
        Severity::Warning,
        format!("{outside} of {inside} {what} lie outside the image and do not count"),
    );
    say(
        "PADDING_EXCLUDED",
        padding,
        Severity::Info,
        format!("{padding} of {inside} {what} are padding and do not count"),
    );
    say(
        "NOT_FINITE_EXCLUDED",
        not_finite,
        Severity::Warning,
        format!("{not_finite} of {inside} {what} are no finite numbers and do not count"),
    );
    if n == 0 {
        into.warnings.push(Finding::new(
            "NOTHING_COUNTED",
            Severity::Warning,
            format!("no {what} count: there is no mean"),
        ));
    }
}

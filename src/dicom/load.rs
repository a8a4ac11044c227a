//! Voxels into memory: chunks of anonymous pages, filled by `pread` or a codec in parallel, then frozen and sliced per
//! frame without a copy.

use super::{
    frames::{FrameError, FrameSource},
    syntax::{self, Packing},
};
use crate::{
    imaging::window::modality_frame,
    model::{
        layout::{FrameRef, SeriesLayout},
        lut::ModalityLut,
        pixels::{BytesOwner, Frame, PixelBytes},
        volume::Volume,
    },
    task::{CancelToken, Progress},
};
use memmap2::MmapMut;
use rayon::prelude::*;
use std::{io, ops::Range, sync::Arc};

/// Bytes that one chunk aims at.
const CHUNK_BYTES: usize = 4 << 20;

/// Why a volume could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The layout is a stack, not a volume.
    #[error("the series is not a regular volume")]
    NotAVolume,
    /// Somebody asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// A frame was refused.
    #[error("slice {slice}: {source}")]
    Frame {
        /// The slice, counted from 1 in reading order.
        slice: usize,
        /// Why.
        source: FrameError,
    },
    /// Memory could not be had.
    #[error("no memory for {bytes} bytes: {source}")]
    Memory {
        /// Bytes asked for.
        bytes: usize,
        /// What the system said.
        source: io::Error,
    },
}

/// Whether frames of this layout come about as fast as memory for them: small pages would cost as much as they do.
fn is_quick(layout: &SeriesLayout) -> bool {
    layout.frames.iter().all(|f| {
        let syntax = syntax::find(&f.instance.transfer_syntax_uid);
        let quick = |packing| {
            matches!(
                packing,
                Packing::Native
                    | Packing::EncapsulatedNative
                    | Packing::Rle
                    | Packing::DeflatedFrame
            )
        };
        syntax.is_some_and(|s| quick(s.packing) && !s.deflated)
    })
}

fn frame_bytes(layout: &SeriesLayout) -> usize {
    let image = layout.first_instance().and_then(|i| i.image.as_ref());
    image.map_or(0, |i| i.frame_bytes())
}

/// Slices of each chunk, in reading order: about 4 MiB of whole slices, or one slice where decoding takes its time.
pub fn chunk_ranges(layout: &SeriesLayout) -> Vec<Range<usize>> {
    let slices = if is_quick(layout) {
        (CHUNK_BYTES / frame_bytes(layout).max(1)).max(1)
    } else {
        1
    };
    (0..layout.frames.len())
        .step_by(slices)
        .map(|start| start..(start + slices).min(layout.frames.len()))
        .collect()
}

/// Reads some slices into one chunk of memory and gives them as frames that share it.
///
/// # Errors
/// [`LoadError::Frame`] for the first slice that is refused, [`LoadError::Memory`].
pub fn read_chunk(
    layout: &SeriesLayout,
    source: &dyn FrameSource,
    slices: Range<usize>,
) -> Result<Vec<Frame>, LoadError> {
    let first = slices.start;
    let chosen = layout.frames.get(slices).unwrap_or_default();
    let size = |f: &FrameRef| {
        let image = f.instance.image.as_ref();
        image.map_or(0, |i| i.frame_bytes())
    };
    let sizes: Vec<usize> = chosen.iter().map(size).collect();
    let total: usize = sizes.iter().sum();
    if total == 0 {
        return Ok(Vec::new());
    }
    let memory = |source| LoadError::Memory {
        bytes: total,
        source,
    };
    let mut pages = MmapMut::map_anon(total).map_err(memory)?;
    advise_huge(&pages);
    let mut rest: &mut [u8] = &mut pages;
    for (i, (frame, size)) in chosen.iter().zip(&sizes).enumerate() {
        let (room, behind) = rest.split_at_mut(*size);
        rest = behind;
        source
            .read_frame_into(&frame.instance, frame.frame, room)
            .map_err(|source| LoadError::Frame {
                slice: first + i + 1,
                source,
            })?;
    }
    let owner: BytesOwner = Arc::new(pages.make_read_only().map_err(memory)?);
    let mut at = 0;
    let mut frames = Vec::with_capacity(chosen.len());
    for (i, (frame, size)) in chosen.iter().zip(&sizes).enumerate() {
        let refused = || LoadError::Frame {
            slice: first + i + 1,
            source: FrameError::NoPicture,
        };
        let image = frame.instance.image.as_ref().ok_or_else(refused)?;
        let pixels = PixelBytes::slice_of(Arc::clone(&owner), at..at + size).ok_or_else(refused)?;
        at += size;
        let made = Frame::new(
            image.rows,
            image.columns,
            image.samples,
            image.stored_type,
            pixels,
        );
        frames.push(made.ok_or_else(refused)?);
    }
    Ok(frames)
}

/// Large pages spare most of the cost of touching fresh memory; a system without them ignores the wish.
fn advise_huge(pages: &MmapMut) {
    #[cfg(target_os = "linux")]
    let _ = pages.advise(memmap2::Advice::HugePage);
    #[cfg(not(target_os = "linux"))]
    let _ = pages;
}

/// Loads all slices of a volume, in parallel. `progress` counts slices.
///
/// # Errors
/// [`LoadError`]; the first refused slice in reading order is named.
pub fn load_volume(
    layout: &SeriesLayout,
    source: &dyn FrameSource,
    cancel: &CancelToken,
    progress: &Progress,
) -> Result<Volume, LoadError> {
    let (Some(grid), Some(first)) = (layout.volume, layout.frames.first()) else {
        return Err(LoadError::NotAVolume);
    };
    let Some(image) = first.instance.image.as_ref() else {
        return Err(LoadError::NotAVolume);
    };
    progress.set_total(layout.frames.len() as u64);
    let chunks: Vec<Result<Vec<Frame>, LoadError>> = chunk_ranges(layout)
        .into_par_iter()
        .map(|slices| {
            if cancel.is_cancelled() {
                return Err(LoadError::Cancelled);
            }
            let count = slices.len() as u64;
            let frames = read_chunk(layout, source, slices)?;
            progress.add(count);
            Ok(frames)
        })
        .collect();
    let mut frames = Vec::with_capacity(layout.frames.len());
    for chunk in chunks {
        frames.extend(chunk?);
    }
    if frames.len() != grid.size[2] {
        return Err(LoadError::NotAVolume);
    }
    let description = image.frame(first.frame);
    if layout.mixed_rescale {
        return Ok(Volume {
            grid,
            frames: frames
                .par_iter()
                .zip(&layout.frames)
                .map(|(frame, reference)| one_scale(frame, reference))
                .collect::<Option<_>>()
                .ok_or(LoadError::NotAVolume)?,
            modality_lut: ModalityLut::IDENTITY,
            unit: description.unit.clone(),
            padding: None,
        });
    }
    Ok(Volume {
        grid,
        frames,
        modality_lut: description.modality_lut.clone(),
        unit: description.unit.clone(),
        padding: image.padding,
    })
}

/// A slice of a volume whose slices have scales of their own, as modality values.
pub fn one_scale(frame: &Frame, reference: &FrameRef) -> Option<Frame> {
    let image = reference.instance.image.as_ref()?;
    let lut = &image.frame(reference.frame).modality_lut;
    modality_frame(frame, lut, image.padding)
}

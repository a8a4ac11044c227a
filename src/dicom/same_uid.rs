//! Objects that carry the identifier of an earlier one: copies of it, or something else under its name.
//!
//! A SOP Instance UID names one object for ever (PS3.5 chapter 9). Of two that share it only the first is shown, so it
//! must be said when the other holds other pixels. Compared are bytes as they lie in the files; pixels that were packed
//! otherwise are left alone, since packing without loss keeps the identifier.

use super::{
    guard::{Fault, Limits, PixelPlace, Structure},
    scan::ScanEvent,
    syntax,
};
use crate::model::{
    finding::{Finding, Severity},
    study::{ImageDescription, Instance, SourceKind},
};
use rayon::prelude::*;
use std::{collections::HashMap, sync::Arc};

/// Bytes that are compared at once.
const BLOCK: u64 = 64 << 10;

/// Blocks that are compared at most, evenly over the pixels.
const MOST_BLOCKS: u64 = 32;

/// The first object of each identifier.
#[derive(Default)]
pub(super) struct Known(HashMap<String, Arc<Instance>>);

impl Known {
    /// Adds a finding to each object that holds other pixels than the first of its identifier.
    pub(super) fn compare(&mut self, events: &mut [Option<ScanEvent>], limits: &Limits) {
        let mut pairs = Vec::new();
        for (index, event) in events.iter().enumerate() {
            let Some(ScanEvent::Instance(instance)) = event else {
                continue;
            };
            let uid = &instance.sop_instance_uid;
            let comparable = instance.image.is_some() && instance.source.kind == SourceKind::Dicom;
            if uid.is_empty() || !comparable {
                continue;
            }
            match self.0.get(uid) {
                Some(first) => pairs.push((index, Arc::clone(first), Arc::clone(instance))),
                None => {
                    self.0.insert(uid.clone(), Arc::clone(instance));
                }
            }
        }
        let other: Vec<usize> = pairs
            .into_par_iter()
            .filter(|(_, first, instance)| differ(first, instance, limits))
            .map(|(index, ..)| index)
            .collect();
        for index in other {
            if let Some(Some(ScanEvent::Instance(instance))) = events.get_mut(index) {
                let text = "another object with the same identifier holds other pixels";
                let finding = Finding::new("SAME_UID_OTHER_PIXELS", Severity::Error, text);
                Arc::make_mut(instance).findings.push(finding);
            }
        }
    }
}

/// Whether two objects surely hold different pixels.
fn differ(a: &Instance, b: &Instance, limits: &Limits) -> bool {
    let (Some(image_a), Some(image_b)) = (&a.image, &b.image) else {
        return false;
    };
    if a.source.path == b.source.path {
        return false;
    }
    let shape = |i: &ImageDescription| (i.rows, i.columns, i.frames, i.samples, i.stored_type);
    if shape(image_a) != shape(image_b) {
        return true;
    }
    // Equal data sets may be deflated differently.
    let plain = syntax::find(&a.transfer_syntax_uid).is_some_and(|s| !s.deflated);
    plain
        && a.transfer_syntax_uid == b.transfer_syntax_uid
        && other_bytes(a, b, limits).unwrap_or(false)
}

fn other_bytes(a: &Instance, b: &Instance, limits: &Limits) -> Result<bool, Fault> {
    let (a, b) = (
        Structure::of_file(&a.source.path, limits)?,
        Structure::of_file(&b.source.path, limits)?,
    );
    if a.encoding != b.encoding {
        return Ok(false);
    }
    let (a_parts, b_parts) = (places(&a), places(&b));
    let lengths = |parts: &[(u64, u64)]| parts.iter().map(|p| p.1).collect::<Vec<_>>();
    if lengths(&a_parts) != lengths(&b_parts) {
        return Ok(true);
    }
    let total: u64 = a_parts.iter().map(|p| p.1.div_ceil(BLOCK)).sum();
    let step = total.div_ceil(MOST_BLOCKS).max(1);
    let mut number = 0;
    for ((at_a, length), (at_b, _)) in a_parts.iter().zip(&b_parts) {
        for block in 0..length.div_ceil(BLOCK) {
            number += 1;
            if (number - 1) % step != 0 && number != total {
                continue;
            }
            let from = block * BLOCK;
            let count = BLOCK.min(length - from);
            if a.source.read_vec(at_a + from, count)? != b.source.read_vec(at_b + from, count)? {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Offset and length of each run of pixels.
fn places(structure: &Structure) -> Vec<(u64, u64)> {
    match structure.pixels.as_ref().map(|p| &p.place) {
        Some(PixelPlace::Native { offset, length }) => vec![(*offset, *length)],
        Some(PixelPlace::Encapsulated(fragments)) => {
            let filled = fragments.list.iter().filter(|f| f.length > 0);
            filled.map(|f| (f.offset, u64::from(f.length))).collect()
        }
        None => Vec::new(),
    }
}

//! From loose instances to displayable series: grouping, order, and whether the frames form a clean volume.
//!
//! Must stay true: every frame that was given is in exactly one layout, shown or among its duplicates. A volume is only
//! what is regular; everything else stays a stack with the reason as a finding.
//!
//! Order: by position along the normal where every frame has one, turned so that it runs as the instance numbers
//! do (an axial stack numbered from the head begins at the head); else by instance number.

mod geometry;
mod group;
mod missing;
mod orient;
mod split;
mod terms;

use crate::{
    imaging::{calibrate::spacing_findings, suv},
    model::{
        finding::Finding,
        layout::{FrameRef, SeriesLayout},
        lut::Photometric,
        study::{ImageDescription, Instance},
    },
};
use geometry::arrange;
use group::{Group, group};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// Lays out all instances that have a picture. The result is ordered by study, series number and series UID.
pub fn lay_out(instances: &[Arc<Instance>]) -> Vec<SeriesLayout> {
    let mut layouts: Vec<SeriesLayout> = group(instances)
        .into_iter()
        .flat_map(lay_out_group)
        .collect();
    count_parts(&mut layouts);
    missing::by_acquisition(&mut layouts);
    layouts
}

/// Numbers the layouts of each series.
fn count_parts(layouts: &mut [SeriesLayout]) {
    let series = |layout: &SeriesLayout| {
        let instance = layout.first_instance()?;
        let (study, series) = (&instance.study.uid, &instance.series.uid);
        (!series.is_empty()).then(|| (study.clone(), series.clone()))
    };
    let mut counts: HashMap<_, usize> = HashMap::new();
    for layout in layouts.iter_mut() {
        let number = match series(layout) {
            Some(key) => {
                let count = counts.entry(key).or_default();
                *count += 1;
                *count
            }
            None => 1,
        };
        layout.part.number = number;
    }
    for layout in layouts {
        let count = series(layout).and_then(|key| counts.get(&key).copied());
        layout.part.count = count.unwrap_or(1);
    }
}

/// The picture of a frame's instance; every frame of a layout has one.
fn image(frame: &FrameRef) -> Option<&ImageDescription> {
    frame.instance.image.as_ref()
}

fn lay_out_group(group: Group) -> Vec<SeriesLayout> {
    let Group {
        frames,
        repeated,
        one_object,
        findings,
    } = group;
    let colour = frames
        .first()
        .and_then(image)
        .is_some_and(|i| i.samples > 1 || matches!(i.photometric, Photometric::PaletteColor));
    let mut layouts = arrange(frames, one_object, colour);
    let mut findings = findings;
    // Of what came twice only this is said: it is not shown.
    let other = |f: &&FrameRef| {
        let codes = f.instance.findings.iter().map(|f| f.code);
        codes
            .into_iter()
            .any(|code| code == "SAME_UID_OTHER_PIXELS")
    };
    if let Some(frame) = repeated.iter().find(other) {
        let said = frame.instance.findings.iter();
        findings.extend(said.filter(|f| f.code == "SAME_UID_OTHER_PIXELS").cloned());
    }
    for layout in &mut layouts {
        let mut all = findings.clone();
        merge_header_findings(layout.frames.iter().chain(&layout.duplicates), &mut all);
        spacing_findings(&layout.frames, &mut all);
        missing::by_number(layout, one_object);
        all.append(&mut layout.findings);
        uptake(layout, &mut all);
        all.sort_by_key(|f| std::cmp::Reverse(f.severity));
        layout.findings = all;
    }
    if let Some(first) = layouts.first_mut() {
        first.duplicates.extend(repeated);
    }
    layouts
}

/// Findings of the headers, each code with its terms once, with how many objects have it.
fn merge_header_findings<'a>(
    frames: impl Iterator<Item = &'a FrameRef>,
    findings: &mut Vec<Finding>,
) {
    let mut seen = HashSet::new();
    let instances: Vec<&Arc<Instance>> = frames
        .map(|f| &f.instance)
        .filter(|i| seen.insert(Arc::as_ptr(i)))
        .collect();
    let mut merged: Vec<(Finding, usize)> = Vec::new();
    for finding in instances.iter().flat_map(|i| &i.findings) {
        let same = |f: &Finding| f.code == finding.code && f.terms == finding.terms;
        match merged.iter_mut().find(|(f, _)| same(f)) {
            Some((_, count)) => *count += 1,
            None => merged.push((finding.clone(), 1)),
        }
    }
    for (mut finding, count) in merged {
        if count < instances.len() {
            finding.sentence = format!(
                "{} (in {count} of {} objects)",
                finding.sentence,
                instances.len()
            );
        }
        findings.push(finding);
    }
}

/// Whether values of a PET series can become SUV, and what needs care there.
fn uptake(layout: &SeriesLayout, findings: &mut Vec<Finding>) {
    match suv::of_layout(layout) {
        None => {}
        Some(Ok(scale)) => findings.extend(scale.warnings),
        Some(Err(refusal)) => findings.push(refusal.finding()),
    }
}

//! What each tool does, and what is told of it.

use super::{
    Operation, Seeds, Smoothing, Target,
    files::{check_output, labels as read_labels, same_grid, volume, write},
};
use crate::{
    cli::{Common, Exit, Output, series::Refusal},
    console::DeviceChoice,
    gpu::{GpuContext, GpuError},
    imaging::segment::{
        Bits, Combine, Image, Modality,
        between::filled_between,
        features::{Statistics, statistics},
        forest::{Costs, Ground, slope, spread},
        grow::{Ball, Limit, grow},
        image::{crop, plane},
        islands::{Islands, filled, filled_in_slices, largest, without_small},
        livewire::closed as wired,
        margin::{closed, hollow, margin, opened},
        scissors::{Part, in_slice},
        smooth::{box_radius, gaussian, median},
        threshold::{Histogram, threshold},
        walker::{System, Walk, random_walker},
    },
    model::{labels::voxel_ml, volume::Volume},
    render::{forest, walker},
    task::CancelToken,
};
use serde_json::json;
use std::{collections::BTreeSet, path::Path};

/// Nothing cancels a command but its end.
fn token() -> CancelToken {
    CancelToken::default()
}

fn ended<T>(result: Option<T>) -> Result<T, Refusal> {
    result.ok_or_else(|| Refusal::new(Exit::Internal, "the work ended early"))
}

pub(super) fn labels(
    operation: &Operation,
    common: &Common,
    out: &mut Output,
) -> Result<(), Refusal> {
    match operation {
        Operation::Margin { target, mm } => {
            positive(mm.abs())?;
            each("margin", target, common, out, &|bits, s| {
                ended(margin(bits, *mm, s, &token()))
            })
        }
        Operation::Smooth { target, kind, mm } => {
            positive(*mm)?;
            each("smooth", target, common, out, &|bits, s| {
                ended(match kind {
                    Smoothing::Median => median(bits, box_radius(*mm, s), &token()),
                    Smoothing::Gaussian => gaussian(bits, *mm, s, &token()),
                    Smoothing::Opening => opened(bits, *mm, s, &token()),
                    Smoothing::Closing => closed(bits, *mm, s, &token()),
                })
            })
        }
        Operation::Islands {
            target,
            split: true,
            touching,
            ..
        } => split(target, (*touching).into(), common, out),
        Operation::Islands {
            target,
            largest: keep,
            least_ml,
            touching,
            ..
        } => {
            let touching = (*touching).into();
            match (keep, least_ml) {
                (true, _) => each("islands", target, common, out, &|bits, _| {
                    Ok(largest(bits, touching))
                }),
                (_, Some(ml)) => {
                    positive(*ml)?;
                    each("islands", target, common, out, &|bits, s| {
                        Ok(without_small(bits, *ml, s, touching))
                    })
                }
                _ => {
                    let text = "say what becomes of the parts: --largest, --least-ml or --split";
                    Err(Refusal::new(Exit::Usage, text))
                }
            }
        }
        Operation::Holes { target, across } => each("holes", target, common, out, &|bits, _| {
            Ok(match across {
                Some(axis) => filled_in_slices(bits, axis.index()),
                None => filled(bits),
            })
        }),
        Operation::Hollow { target, mm, side } => {
            positive(*mm)?;
            each("hollow", target, common, out, &|bits, s| {
                ended(hollow(bits, *mm, (*side).into(), s, &token()))
            })
        }
        Operation::Boolean { target, with, how } => {
            boolean(target, with, (*how).into(), common, out)
        }
        Operation::Between { target, across } => {
            each("between", target, common, out, &|bits, s| {
                ended(filled_between(bits, across.index(), s, &token()))
            })
        }
        Operation::Threshold { .. } | Operation::Grow { .. } | Operation::Livewire { .. } => {
            of_values(operation, common, out)
        }
        Operation::Watershed { seeds, values } => {
            from_seeds("watershed", seeds, common, out, &|picture| {
                let relief = match values {
                    true => picture.values.to_vec(),
                    false => slope(picture.values, picture.size, picture.spacing),
                };
                let ground = ended(Ground::of_heights(&relief, picture.size, None))?;
                spread_by(&ground, picture.seeds, &Costs::Highest, common)
            })
        }
        Operation::GrowCut { seeds } => from_seeds("grow-cut", seeds, common, out, &|p| {
            let ground = ended(Ground::of_differences(p.values, p.size, None))?;
            spread_by(&ground, p.seeds, &Costs::grow_cut(p.spacing), common)
        }),
        Operation::Geodesic { seeds, contrast } => {
            from_seeds("geodesic", seeds, common, out, &|p| {
                let ground = ended(Ground::of_differences(p.values, p.size, None))?;
                let costs = Costs::geodesic(p.spacing, *contrast);
                spread_by(&ground, p.seeds, &costs, common)
            })
        }
        Operation::RandomWalker { seeds, beta } => {
            positive(*beta)?;
            let walk = Walk {
                beta: *beta,
                ..Walk::default()
            };
            from_seeds("random-walker", seeds, common, out, &|p| {
                walk_by(p.values, p.size, p.spacing, p.seeds, walk, common)
            })
        }
        Operation::Statistics { path, image } => tell(path, image.as_deref(), common, out),
    }
}

/// Voxels from which on a graphics device is looked for where nobody says on what to run.
const WORTH_A_DEVICE: usize = 8 << 20;

/// The device where the command says that it works, or where so many voxels suit one.
fn device(
    common: &Common,
    voxels: usize,
    suits: impl Fn(&GpuContext, usize) -> bool,
) -> Result<Option<GpuContext>, Refusal> {
    let wanted = match common.device {
        DeviceChoice::Cpu => false,
        DeviceChoice::Gpu => true,
        DeviceChoice::Auto => voxels >= WORTH_A_DEVICE,
    };
    if !wanted {
        return Ok(None);
    }
    match GpuContext::headless() {
        Ok(gpu) if common.device == DeviceChoice::Gpu || suits(&gpu, voxels) => Ok(Some(gpu)),
        Err(error) if common.device == DeviceChoice::Gpu => Err(failed(error)),
        Ok(_) | Err(_) => Ok(None),
    }
}

fn failed(error: GpuError) -> Refusal {
    Refusal::new(Exit::Unsupported, error.to_string())
}

/// Labels spread where the command says, to the same labels.
fn spread_by(
    ground: &Ground,
    seeds: &[u16],
    costs: &Costs,
    common: &Common,
) -> Result<Vec<u16>, Refusal> {
    match device(common, seeds.len(), forest::suits)? {
        Some(gpu) => {
            let found = forest::spread(&gpu, ground, seeds, costs, &token());
            ended(found.map_err(failed)?)
        }
        None => ended(spread(ground, seeds, costs, &token())),
    }
}

/// Random walks where the command says.
fn walk_by(
    values: &[f32],
    size: [usize; 3],
    spacing: [f64; 3],
    seeds: &[u16],
    walk: Walk,
    common: &Common,
) -> Result<Vec<u16>, Refusal> {
    match device(common, seeds.len(), walker::suits)? {
        Some(gpu) => {
            let system = ended(System::new(values, size, spacing, seeds, walk.beta))?;
            let found = walker::walk_there(&gpu, &system, walk, &token()).map_err(failed)?;
            ended(found)?.labels(&gpu).map_err(failed)
        }
        None => ended(random_walker(values, size, spacing, seeds, walk, &token())),
    }
}

fn positive(value: f64) -> Result<(), Refusal> {
    match value.is_finite() && value > 0.0 {
        true => Ok(()),
        false => Err(Refusal::new(
            Exit::Usage,
            format!("`{value}` is not above 0"),
        )),
    }
}

/// The labels that occur, in their order.
fn used(labels: &[u16]) -> Vec<u16> {
    let mut seen = vec![false; 1 << 16];
    for &label in labels {
        if let Some(slot) = seen.get_mut(usize::from(label)) {
            *slot = true;
        }
    }
    (1..=u16::MAX).filter(|&l| seen[usize::from(l)]).collect()
}

fn set_of(labels: &[u16], size: [usize; 3], label: u16) -> Result<Bits, Refusal> {
    ended(Bits::from_label(labels, size, &label))
}

/// Puts a set in place of a label. Voxels of other labels are only taken where that is allowed.
fn replace(labels: &mut [u16], before: &Bits, after: &Bits, label: u16, over: bool) {
    before.stamp(0, labels);
    let [columns, rows, _] = after.size();
    for (y, z, run) in after.runs() {
        let start = (z * rows + y) * columns;
        let part = labels.get_mut(start + run.start..start + run.end);
        for slot in part.unwrap_or_default() {
            if over || *slot == 0 {
                *slot = label;
            }
        }
    }
}

/// One tool for each label by itself.
fn each(
    name: &str,
    target: &Target,
    common: &Common,
    out: &mut Output,
    tool: &dyn Fn(&Bits, [f64; 3]) -> Result<Bits, Refusal>,
) -> Result<(), Refusal> {
    check_output(&target.out)?;
    let (before, volume) = read_labels(&target.path, common)?;
    let (size, spacing) = (volume.grid.size, volume.grid.spacing_mm());
    let chosen = chosen(&before, target)?;
    let mut after = before.clone();
    for label in chosen {
        let set = set_of(&before, size, label)?;
        let made = tool(&set, spacing)?;
        // What an earlier label has taken since is no longer this one's.
        let mut own = set;
        own.combine(Combine::Intersect, &set_of(&after, size, label)?);
        replace(&mut after, &own, &made, label, target.over);
    }
    finish(name, &target.out, [&before, &after], &volume, common, out)
}

/// The label that was named, or all; refused where it does not occur.
fn chosen(labels: &[u16], target: &Target) -> Result<Vec<u16>, Refusal> {
    let all = used(labels);
    match target.label {
        None => Ok(all),
        Some(label) if all.contains(&label) => Ok(vec![label]),
        Some(label) => {
            let text = format!("no voxel has label {label}: {}", target.path.display());
            Err(Refusal::new(Exit::Rejected, text))
        }
    }
}

fn split(
    target: &Target,
    touching: crate::imaging::segment::islands::Neighbours,
    common: &Common,
    out: &mut Output,
) -> Result<(), Refusal> {
    check_output(&target.out)?;
    let (before, volume) = read_labels(&target.path, common)?;
    let size = volume.grid.size;
    let wanted = chosen(&before, target)?;
    let set = ended(Bits::where_is(&before, size, |label| {
        wanted.contains(label)
    }))?;
    let islands = Islands::of(&set, touching);
    if islands.parts.len() > usize::from(u16::MAX) {
        let text = format!("{} parts are more than 65535 labels", islands.parts.len());
        return Err(Refusal::new(Exit::Limit, text));
    }
    let after = islands.labels(u16::MAX);
    finish(
        "islands",
        &target.out,
        [&before, &after],
        &volume,
        common,
        out,
    )
}

fn boolean(
    target: &Target,
    with: &Path,
    how: Combine,
    common: &Common,
    out: &mut Output,
) -> Result<(), Refusal> {
    check_output(&target.out)?;
    let (before, volume) = read_labels(&target.path, common)?;
    let (second, other) = read_labels(with, common)?;
    same_grid(&volume.grid, &other.grid, with)?;
    let size = volume.grid.size;
    let wanted = match target.label {
        Some(label) => vec![label],
        None => {
            let both: BTreeSet<u16> = used(&before).into_iter().chain(used(&second)).collect();
            both.into_iter().collect()
        }
    };
    let mut after = before.clone();
    for label in wanted {
        let first = set_of(&before, size, label)?;
        let mut made = first.clone();
        made.combine(how, &set_of(&second, size, label)?);
        let mut own = first;
        own.combine(Combine::Intersect, &set_of(&after, size, label)?);
        replace(&mut after, &own, &made, label, target.over);
    }
    finish(
        "boolean",
        &target.out,
        [&before, &after],
        &volume,
        common,
        out,
    )
}

/// Tools that begin with a picture alone.
fn of_values(operation: &Operation, common: &Common, out: &mut Output) -> Result<(), Refusal> {
    let (Operation::Threshold {
        image, out: path, ..
    }
    | Operation::Grow {
        image, out: path, ..
    }
    | Operation::Livewire {
        image, out: path, ..
    }) = operation
    else {
        return Err(Refusal::new(Exit::Internal, "no tool for a picture"));
    };
    check_output(path)?;
    let volume = volume(image, common)?;
    let size = volume.grid.size;
    let values = ended(Modality::new(&volume))?;
    let none = || Refusal::new(Exit::Rejected, "the picture has too few different values");
    let mut labels = vec![0u16; size.iter().product()];
    let mut name = "threshold";
    match operation {
        Operation::Threshold {
            otsu: Some(classes),
            ..
        } => {
            let histogram = Histogram::of(&values, None, 256).ok_or_else(none)?;
            let histogram = match classes {
                2 => histogram,
                _ => histogram.in_steps(256),
            };
            let cuts = histogram
                .multi_otsu(usize::from(*classes))
                .ok_or_else(none)?;
            for (class, cut) in cuts.iter().enumerate() {
                let above = threshold(&values, [cut.next_up(), f64::INFINITY]);
                above.stamp(class as u16 + 1, &mut labels);
            }
            if !common.json {
                let cuts: Vec<String> = cuts.iter().map(|c| format!("{c:.4}")).collect();
                out.line(format!("thresholds: {}", cuts.join(", ")));
            }
        }
        Operation::Threshold {
            range: Some(range), ..
        } => threshold(&values, *range).stamp(1, &mut labels),
        Operation::Grow {
            at: seed,
            range,
            within_mm,
            flat,
            ..
        } => {
            name = "grow";
            let first = seed.first().copied().unwrap_or_default();
            if let Some(at) = seed.iter().find(|s| (0..3).any(|i| s[i] >= size[i])) {
                let text = format!("the seed {},{},{} lies outside", at[0], at[1], at[2]);
                return Err(Refusal::new(Exit::Usage, text));
            }
            let mut limit = match flat {
                Some(axis) => Limit::slice(size, axis.index(), first[axis.index()]),
                None => Limit::whole(size),
            };
            if let Some(mm) = within_mm {
                positive(*mm)?;
                limit.ball = Some(Ball {
                    centre: first.map(|v| v as f64),
                    radius_mm: *mm,
                    spacing: volume.grid.spacing_mm(),
                });
            }
            let found = grow(&values, seed, *range, &limit, None, &token());
            ended(found)?.stamp(1, &mut labels);
        }
        Operation::Livewire {
            across,
            slice,
            anchor,
            ..
        } => {
            name = "livewire";
            let axis = across.index();
            let (picture, flat) = plane(&values, axis, *slice);
            let [x, y, z] = volume.grid.spacing_mm();
            let spacing = match axis {
                0 => [y, z],
                1 => [x, z],
                _ => [x, y],
            };
            let outline = wired(&picture, flat, spacing, anchor).ok_or_else(|| {
                let text =
                    "an outline needs three anchors or more, all in one slice of the picture";
                Refusal::new(Exit::Usage, text)
            })?;
            let corners: Vec<[f64; 2]> = outline.iter().map(|p| p.map(|v| v as f64)).collect();
            in_slice(size, axis, *slice, &corners, Part::Inside).stamp(1, &mut labels);
        }
        _ => {}
    }
    let before = vec![0u16; labels.len()];
    finish(name, path, [&before, &labels], &volume, common, out)
}

/// What tools with seeds work on.
struct Picture<'a> {
    values: &'a [f32],
    size: [usize; 3],
    spacing: [f64; 3],
    seeds: &'a [u16],
}

fn from_seeds(
    name: &str,
    seeds: &Seeds,
    common: &Common,
    out: &mut Output,
    tool: &dyn Fn(&Picture<'_>) -> Result<Vec<u16>, Refusal>,
) -> Result<(), Refusal> {
    check_output(&seeds.out)?;
    let (before, volume) = read_labels(&seeds.path, common)?;
    if used(&before).is_empty() {
        let text = format!("there is no seed: {}", seeds.path.display());
        return Err(Refusal::new(Exit::Rejected, text));
    }
    let image = self::volume(&seeds.image, common)?;
    same_grid(&volume.grid, &image.grid, &seeds.image)?;
    let values = ended(Modality::new(&image))?;
    let size = volume.grid.size;
    let (values, _) = crop(&values, [0; 3], size.map(|side| side.saturating_sub(1)));
    let mut after = tool(&Picture {
        values: &values,
        size,
        spacing: volume.grid.spacing_mm(),
        seeds: &before,
    })?;
    if let Some(background) = seeds.background {
        after
            .iter_mut()
            .filter(|label| **label == background)
            .for_each(|label| *label = 0);
    }
    finish(name, &seeds.out, [&before, &after], &volume, common, out)
}

/// Writes the result and tells of it.
fn finish(
    name: &str,
    path: &Path,
    [before, after]: [&[u16]; 2],
    volume: &Volume,
    common: &Common,
    out: &mut Output,
) -> Result<(), Refusal> {
    write(path, after, volume)?;
    let ml = voxel_ml(&volume.grid);
    let counts = |labels: &[u16]| {
        let mut counts = vec![0u64; 1 << 16];
        for &label in labels {
            if let Some(count) = counts.get_mut(usize::from(label)) {
                *count += 1;
            }
        }
        counts
    };
    let rows: Vec<(usize, u64, u64)> = counts(before)
        .into_iter()
        .zip(counts(after))
        .enumerate()
        .skip(1)
        .filter(|(_, (a, b))| *a > 0 || *b > 0)
        .map(|(label, (a, b))| (label, a, b))
        .collect();
    if common.json {
        let labels: Vec<_> = rows
            .iter()
            .map(|(label, before, after)| {
                json!({
                    "label": label,
                    "voxels_before": before,
                    "voxels": after,
                    "ml": *after as f64 * ml,
                })
            })
            .collect();
        out.json(&json!({
            "operation": name,
            "out": path.display().to_string(),
            "size": volume.grid.size,
            "spacing_mm": volume.grid.spacing_mm(),
            "labels": labels,
        }));
        return Ok(());
    }
    for (label, before, after) in rows {
        let size = after as f64 * ml;
        out.line(format!("{label}: {before} → {after} voxels, {size:.3} ml"));
    }
    Ok(())
}

/// `labels statistics`.
fn tell(
    path: &Path,
    image: Option<&Path>,
    common: &Common,
    out: &mut Output,
) -> Result<(), Refusal> {
    let (labels, volume) = read_labels(path, common)?;
    let picture = image.map(|path| self::volume(path, common)).transpose()?;
    if let (Some(picture), Some(path)) = (&picture, image) {
        same_grid(&volume.grid, &picture.grid, path)?;
    }
    let spacing = volume.grid.spacing_mm();
    // Without a picture there are no values: every voxel of the labels counts as one without.
    let values = ended(Modality::new(picture.as_ref().unwrap_or(&volume)))?;
    let unit = picture.as_ref().map_or("", |p| p.unit.label()).to_owned();
    let mut told = Vec::new();
    for label in used(&labels) {
        let set = set_of(&labels, volume.grid.size, label)?;
        let mut found = ended(statistics(&values as &dyn Image, &set, spacing))?;
        if picture.is_none() {
            found.values = None;
        }
        told.push((label, found));
    }
    let place = |found: &Statistics| {
        let centre = glam::DVec3::from_array(found.shape.centroid);
        volume
            .grid
            .patient_from_voxel
            .transform_point3(centre)
            .to_array()
    };
    if common.json {
        let rows: Vec<_> = told
            .iter()
            .map(|(label, found)| {
                let shape = &found.shape;
                json!({
                    "label": label,
                    "voxels": shape.voxels,
                    "volume_ml": shape.voxel_volume / 1000.0,
                    "volume_definition": "voxels times the volume of one",
                    "mesh_volume_ml": shape.mesh_volume / 1000.0,
                    "surface_mm2": shape.surface,
                    "sphericity": shape.sphericity(),
                    "feret_mm": shape.diameter,
                    "centroid_lps": place(found),
                    "unit": unit,
                    "values": found.values.map(|v| json!({
                        "n": found.valued,
                        "mean": v.mean,
                        "deviation": v.deviation,
                        "min": v.min,
                        "max": v.max,
                        "median": v.median,
                        "p5": v.p5,
                        "p95": v.p95,
                    })),
                })
            })
            .collect();
        out.json(&json!({ "path": path.display().to_string(), "labels": rows }));
        return Ok(());
    }
    for (label, found) in &told {
        let shape = &found.shape;
        out.line(format!(
            "{label}: {} voxels, {:.3} ml, surface {:.1} mm², Feret {:.1} mm, sphericity {:.3}",
            shape.voxels,
            shape.voxel_volume / 1000.0,
            shape.surface,
            shape.diameter,
            shape.sphericity(),
        ));
        if let Some(v) = &found.values {
            out.line(format!(
                "   mean {:.2} ± {:.2} {unit}, {:.2} to {:.2}, median {:.2}, 5 to 95 %: {:.2} to {:.2}",
                v.mean, v.deviation, v.min, v.max, v.median, v.p5, v.p95
            ));
        }
    }
    Ok(())
}

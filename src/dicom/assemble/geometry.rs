//! Order in space, and whether frames form a grid: one orientation, one spacing, one step, no tilt, no gap, no double.

use super::{image, orient, split, terms};
use crate::model::{
    facts::{Axis, FrameFacts, numbers_first},
    finding::{Finding, Severity},
    geometry::{GridGeometry, ImagePlane, Spacing},
    layout::{FrameRef, Part, SeriesLayout},
    study::FrameDescription,
};
use glam::{DAffine3, DMat3, DVec3};

/// Orientations closer than this are one (0.1°, as the sine).
const SAME_DIRECTION: f64 = 1.745e-3;
/// Positions closer than this are one, millimetres.
const SAME_PLACE_MM: f64 = 0.01;
/// Steps that differ less than this part are regular without a word…
const QUIET_PART: f64 = 0.002;
/// …or less than this, since positions are written with few digits.
const QUIET_MM: f64 = 0.004;
/// Steps that differ less than this part are named and still make a volume; no voxel moves by more.
const BEARABLE_PART: f64 = 0.01;

/// A frame with its place.
pub(super) struct Placed {
    pub(super) frame: FrameRef,
    pub(super) plane: ImagePlane,
    /// Along the normal.
    pub(super) depth: f64,
    /// Instance number, or frame index within one object.
    pub(super) number: Option<f64>,
}

impl Placed {
    /// What tells it from others at its place.
    pub(super) fn facts(&self) -> Option<&FrameFacts> {
        image(&self.frame)?.facts(self.frame.frame)
    }
}

/// Orders the frames and finds the volumes in them. `one_object` says that they are frames of one object, in their
/// order; `colour` frames are never a volume.
pub(super) fn arrange(frames: Vec<FrameRef>, one_object: bool, colour: bool) -> Vec<SeriesLayout> {
    if one_object && frames.len() > 1 && still(&frames) {
        // Frames in time at one place: cine, dynamic.
        return vec![stack(frames, Vec::new())];
    }
    if frames.len() == 1 {
        let text = "a single slice";
        let spatial = frames.iter().all(|f| plane(f).is_some());
        let findings = if spatial {
            vec![Finding::new("SINGLE_SLICE", Severity::Info, text)]
        } else {
            Vec::new()
        };
        return vec![stack(frames, findings)];
    }
    let without = frames.iter().filter(|f| plane(f).is_none()).count();
    if without > 0 {
        let text = if without == frames.len() {
            "no positions in the patient; ordered by number".to_owned()
        } else {
            format!(
                "{without} of {} frames have no position in the patient; ordered by number",
                frames.len()
            )
        };
        let finding = Finding::new("NO_GEOMETRY", Severity::Warning, text);
        return vec![stack(frames, vec![finding.with("frames", without as f64)])];
    }
    let planes: Vec<ImagePlane> = frames.iter().filter_map(plane).collect();
    let runs = orient::runs(frames.into_iter().zip(planes).collect());
    let (count, scouts) = (
        runs.len(),
        runs.iter()
            .filter(|r| r.scout)
            .map(|r| r.frames.len())
            .sum::<usize>(),
    );
    let mut layouts = Vec::new();
    for (number, run) in runs.into_iter().enumerate() {
        let mut findings = Vec::new();
        if scouts > 0 {
            let text = format!(
                "{scouts} {} of another direction than the rest of the series, apart from it",
                if scouts == 1 { "image" } else { "images" }
            );
            let finding = Finding::new("LOCALIZER_APART", Severity::Info, text);
            findings.push(finding.with("count", scouts as f64));
        } else if count > 1 {
            let text = format!(
                "the planes of the series lie in {count} directions; this is stack {} of them",
                number + 1
            );
            let finding = Finding::new("ORIENTATION_SPLIT", Severity::Info, text)
                .with("parts", count as f64)
                .with("part", (number + 1) as f64);
            findings.push(finding);
        }
        let terms = if count > 1 {
            vec![terms::plane(run.body, number + 1, count)]
        } else {
            Vec::new()
        };
        for mut layout in one_direction(run.frames, one_object, colour) {
            layout.findings.extend(findings.iter().cloned());
            layout.part.terms.splice(0..0, terms.iter().cloned());
            layouts.push(layout);
        }
    }
    layouts
}

/// Whether all frames of an object lie at one place because it describes none of them.
fn still(frames: &[FrameRef]) -> bool {
    let first = frames.first().and_then(plane);
    frames.iter().all(|f| {
        let described = image(f).is_some_and(|i| !i.per_frame.is_empty());
        !described && plane(f) == first
    })
}

/// Frames of one direction: in order along the normal, split where positions repeat for a reason.
fn one_direction(
    frames: Vec<(FrameRef, ImagePlane)>,
    one_object: bool,
    colour: bool,
) -> Vec<SeriesLayout> {
    let planes: Vec<ImagePlane> = frames.iter().map(|(_, plane)| *plane).collect();
    let spread = orientation_spread(&planes);
    if spread > SAME_DIRECTION {
        let degrees = spread.min(1.0).asin().to_degrees();
        let text = format!(
            "planes of different orientation, up to {degrees:.1}° apart; ordered by number"
        );
        let finding = Finding::new("MIXED_ORIENTATION", Severity::Warning, text);
        let frames = frames.into_iter().map(|(frame, _)| frame).collect();
        return vec![stack(frames, vec![finding.with("degrees", degrees)])];
    }
    let normal = planes.first().map_or(DVec3::Z, ImagePlane::normal);
    let mut placed: Vec<Placed> = frames
        .into_iter()
        .enumerate()
        .map(|(index, (frame, plane))| Placed {
            depth: plane.origin.dot(normal),
            number: if one_object {
                Some(index as f64)
            } else {
                frame.instance.instance_number.map(f64::from)
            },
            plane,
            frame,
        })
        .collect();
    // Stable: frames at one place stay in the order of their numbers.
    placed.sort_by(|a, b| a.depth.total_cmp(&b.depth));
    let by_place = places(placed);
    let repeated = by_place.iter().any(|p| p.len() > 1);
    if !repeated || by_place.len() == 1 {
        return phases(by_place, one_object, normal, colour);
    }
    let positions = by_place.len();
    let stacks = split::explain(by_place);
    let count = stacks.len();
    let mut layouts = Vec::new();
    for (number, stack) in stacks.into_iter().enumerate() {
        let split::Stack {
            frames,
            terms,
            axes,
        } = stack;
        let finding = (count > 1).then(|| {
            let by: Vec<&str> = axes.iter().map(|a| a.words()).collect();
            let label: Vec<&str> = terms.iter().map(|t| t.text.as_str()).collect();
            let text = format!(
                "the series holds {count} stacks over {positions} positions, told apart by {}; this is number {}: {}",
                by.join(" and "),
                number + 1,
                label.join(", ")
            );
            Finding::new("STACK_SPLIT", Severity::Info, text)
                .with("parts", count as f64)
                .with("part", (number + 1) as f64)
                .with("positions", positions as f64)
        });
        let mut found = phases(places(frames), one_object, normal, colour);
        if found.len() == 1 && count > 1 {
            missing_ends(&mut found, positions);
        }
        for mut layout in found {
            layout.findings.extend(finding.iter().cloned());
            layout.part.terms.splice(0..0, terms.iter().cloned());
            layouts.push(layout);
        }
    }
    layouts
}

/// A stack that has fewer positions than the others lacks some, even where no gap shows it.
fn missing_ends(layouts: &mut [SeriesLayout], positions: usize) {
    for layout in layouts {
        let gap = layout.findings.iter().any(|f| f.code == "SLICE_GAP");
        let here = layout.frames.len();
        if gap || here >= positions {
            continue;
        }
        let count = positions - here;
        let text = format!("{count} of {positions} positions that other stacks have are missing");
        let finding = Finding::new("POSITIONS_MISSING", Severity::Warning, text)
            .with("count", count as f64)
            .with("positions", positions as f64);
        layout.findings.push(finding);
    }
}

fn plane(frame: &FrameRef) -> Option<ImagePlane> {
    image(frame)?.frame(frame.frame).plane
}

fn description(frame: &FrameRef) -> Option<&FrameDescription> {
    image(frame).map(|i| i.frame(frame.frame))
}

fn stack(frames: Vec<FrameRef>, findings: Vec<Finding>) -> SeriesLayout {
    SeriesLayout {
        frames,
        volume: None,
        mixed_rescale: false,
        findings,
        duplicates: Vec::new(),
        part: Part::default(),
    }
}

/// Largest sine between the axes of the first plane and any other; 1 and more when they oppose.
fn orientation_spread(planes: &[ImagePlane]) -> f64 {
    let Some(first) = planes.first() else {
        return 0.0;
    };
    let apart = |a: DVec3, b: DVec3| {
        let sine = a.cross(b).length();
        if a.dot(b) < 0.0 { 1.0 } else { sine }
    };
    planes.iter().fold(0.0, |spread: f64, p| {
        spread
            .max(apart(first.along_row, p.along_row))
            .max(apart(first.along_column, p.along_column))
    })
}

/// Frames gathered by place: the same depth and the same origin.
fn places(placed: Vec<Placed>) -> Vec<Vec<Placed>> {
    let mut places: Vec<Vec<Placed>> = Vec::new();
    for frame in placed {
        let here = places.last_mut().filter(|place| {
            place
                .first()
                .is_some_and(|p| p.plane.origin.distance(frame.plane.origin) < SAME_PLACE_MM)
        });
        match here {
            Some(place) => place.push(frame),
            None => places.push(vec![frame]),
        }
    }
    places
}

/// Splits a series in which every place was imaged equally often; drops what came twice in others.
fn phases(
    places: Vec<Vec<Placed>>,
    one_object: bool,
    normal: DVec3,
    colour: bool,
) -> Vec<SeriesLayout> {
    let most = places.iter().map(Vec::len).max().unwrap_or(0);
    let even = places.iter().all(|p| p.len() == most);
    if most <= 1 {
        let frames = places.into_iter().flatten().collect();
        return vec![measure(frames, normal, colour, Vec::new())];
    }
    if places.len() == 1 {
        let mut frames: Vec<Placed> = places.into_iter().flatten().collect();
        let (code, order) = match by_trigger_time(&mut frames) {
            true => ("SINGLE_POSITION_PHASES", "trigger time"),
            false => {
                by_number(&mut frames);
                ("SINGLE_POSITION", "number")
            }
        };
        let text = format!(
            "{} frames at one position; ordered by {order}",
            frames.len()
        );
        let finding = Finding::new(code, Severity::Info, text);
        let finding = finding.with("frames", frames.len() as f64);
        return vec![stack(
            frames.into_iter().map(|p| p.frame).collect(),
            vec![finding],
        )];
    }
    if even {
        let mut phases: Vec<Vec<Placed>> = (0..most).map(|_| Vec::new()).collect();
        for mut place in places {
            by_number(&mut place);
            for (phase, frame) in phases.iter_mut().zip(place) {
                phase.push(frame);
            }
        }
        return phases
            .into_iter()
            .enumerate()
            .map(|(index, frames)| {
                let text = format!(
                    "every position was imaged {most} times; this is number {} in the order of instance numbers",
                    index + 1
                );
                let finding = Finding::new("SEVERAL_PHASES", Severity::Info, text)
                    .with("phases", most as f64)
                    .with("phase", (index + 1) as f64);
                let mut layout = measure(frames, normal, colour, vec![finding]);
                layout.part.terms.push(terms::repeat(index + 1, most));
                layout
            })
            .collect();
    }
    let extra: usize = places.iter().map(|p| p.len() - 1).sum();
    let finding = |text: String| {
        Finding::new("DUPLICATE_POSITION", Severity::Warning, text).with("count", extra as f64)
    };
    if one_object {
        // Frames of one object are never left out: segments, for instance, lie at the same places.
        let mut frames: Vec<Placed> = places.into_iter().flatten().collect();
        by_number(&mut frames);
        let text = format!("{extra} frames lie where another one lies; ordered as stored");
        let frames = frames.into_iter().map(|p| p.frame).collect();
        return vec![stack(frames, vec![finding(text)])];
    }
    let (mut kept, mut left_out) = (Vec::new(), Vec::new());
    for place in places {
        let mut place = place.into_iter();
        kept.extend(place.next());
        left_out.extend(place.map(|p| p.frame));
    }
    let text = format!("{extra} frames lie where another one lies and are left out");
    let mut layout = measure(kept, normal, colour, vec![finding(text)]);
    layout.volume = None;
    layout.mixed_rescale = false;
    layout.duplicates = left_out;
    vec![layout]
}

/// Orders frames in time where each says how long after the beat of the heart it was made (0018,1060) and no two say the
/// same; `false` leaves them.
fn by_trigger_time(frames: &mut [Placed]) -> bool {
    let time = |f: &Placed| f.facts()?.get(Axis::TriggerTime)?.number();
    let mut times: Vec<f64> = frames.iter().filter_map(time).collect();
    times.sort_by(f64::total_cmp);
    let apart = |w: &[f64]| matches!(w, [a, b] if b - a >= 1e-4);
    if times.len() != frames.len() || !times.windows(2).all(apart) {
        return false;
    }
    frames.sort_by(|a, b| numbers_first(time(a), time(b)));
    true
}

pub(super) fn by_number(frames: &mut [Placed]) {
    frames.sort_by(|a, b| numbers_first(a.number, b.number));
}

/// Turns the order so that it runs as the numbers do.
fn run_as_numbered(frames: &mut [Placed]) {
    let numbers: Vec<f64> = frames.iter().filter_map(|f| f.number).collect();
    if numbers.len() != frames.len() {
        return;
    }
    let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
    let middle = (numbers.len() as f64 - 1.0) / 2.0;
    let slope: f64 = numbers
        .iter()
        .enumerate()
        .map(|(i, n)| (i as f64 - middle) * (n - mean))
        .sum();
    if slope < 0.0 {
        frames.reverse();
    }
}

/// Looks at the steps from frame to frame and gives the volume when all is regular.
fn measure(
    mut frames: Vec<Placed>,
    normal: DVec3,
    colour: bool,
    mut findings: Vec<Finding>,
) -> SeriesLayout {
    run_as_numbered(&mut frames);
    let before = findings.len();
    let steps: Vec<f64> = frames
        .windows(2)
        .filter_map(|w| Some((w.get(1)?.depth - w.first()?.depth).abs()))
        .collect();
    let mut clean = !colour && !steps.is_empty();
    clean &= regular(&steps, &frames, &mut findings);
    let tilt = match straight(&frames, normal, &mut findings) {
        Run::Straight => None,
        Run::Tilted(degrees) => Some(degrees),
        Run::Broken => {
            clean = false;
            None
        }
    };
    let scales = uniform(&frames, &mut findings);
    clean &= scales != Uniform::No;
    if let Some(degrees) = tilt {
        // The grid holds the shear, so cuts through it are right without moving a voxel.
        let (code, severity, end) = if clean {
            (
                "GANTRY_TILT_CORRECTED",
                Severity::Info,
                "cuts are corrected",
            )
        } else {
            ("GANTRY_TILT", Severity::Warning, "not corrected")
        };
        let text = format!("the gantry was tilted: slices are sheared by {degrees:.1}°; {end}");
        findings.push(Finding::new(code, severity, text).with("degrees", degrees));
    }
    if frames.len() == 1 && findings.len() == before {
        findings.push(Finding::new(
            "SINGLE_SLICE",
            Severity::Info,
            "a single slice",
        ));
    }
    let grid = if clean { grid(&frames) } else { None };
    if grid.is_some() {
        // Each slice keeps its own; nothing is wrong with the picture or its numbers.
        for finding in findings.iter_mut().filter(|f| f.code == "MIXED_RESCALE") {
            finding.severity = Severity::Info;
        }
    }
    if let Some(finding) = disorder(&frames) {
        findings.push(finding);
    }
    SeriesLayout {
        frames: frames.into_iter().map(|p| p.frame).collect(),
        volume: grid,
        mixed_rescale: grid.is_some() && scales == Uniform::OtherRescale,
        findings,
        duplicates: Vec::new(),
        part: Part::default(),
    }
}

/// Numbers that do not run along the positions.
fn disorder(frames: &[Placed]) -> Option<Finding> {
    let numbers: Vec<f64> = frames.iter().filter_map(|f| f.number).collect();
    if numbers.len() != frames.len() {
        return None;
    }
    let turns = numbers.windows(2).filter(|w| matches!(w, [a, b] if b < a));
    let count = turns.count();
    (count > 0).then(|| {
        let text = format!(
            "image numbers do not follow the positions, {count} times; ordered by position"
        );
        Finding::new("NUMBERS_DISORDERED", Severity::Info, text).with("count", count as f64)
    })
}

/// Gaps and uneven steps.
fn regular(steps: &[f64], frames: &[Placed], findings: &mut Vec<Finding>) -> bool {
    let mut sorted = steps.to_vec();
    sorted.sort_by(f64::total_cmp);
    // The lower median: with two steps of which one is a gap, the smaller is the step.
    let Some(&step) = sorted.get(sorted.len().saturating_sub(1) / 2) else {
        return true;
    };
    if step < SAME_PLACE_MM {
        let text = "frames at one depth lie beside each other";
        findings.push(Finding::new("IRREGULAR_SPACING", Severity::Warning, text));
        return false;
    }
    let (mut missing, mut gaps, mut first_gap) = (0.0, 0, None);
    let (mut low, mut high) = (f64::INFINITY, 0.0f64);
    for (i, &length) in steps.iter().enumerate() {
        let times = (length / step).round();
        if times >= 2.0 && (length / step - times).abs() < 0.1 {
            missing += times - 1.0;
            gaps += 1;
            first_gap.get_or_insert(i);
        } else {
            low = low.min(length);
            high = high.max(length);
        }
    }
    if let Some(after) = first_gap {
        let number = |i: usize| {
            frames
                .get(i)
                .and_then(|f| f.number)
                .unwrap_or((i + 1) as f64)
        };
        let (a, b) = (number(after), number(after + 1));
        let total = missing + frames.len() as f64;
        let first = if gaps > 1 { "the first " } else { "" };
        let text = format!(
            "{missing} of {total} images missing ({first}between {a} and {b}); steps are {step:.3} mm"
        );
        findings.push(
            Finding::new("SLICE_GAP", Severity::Warning, text)
                .with("count", missing)
                .with("total", total)
                .with("gaps", f64::from(gaps))
                .with("after", a)
                .with("before", b)
                .with("step_mm", step),
        );
    }
    let deviation = (high - step).max(step - low).max(0.0);
    let quiet = deviation <= (QUIET_PART * step).max(QUIET_MM);
    let bearable = deviation <= (BEARABLE_PART * step).max(QUIET_MM);
    if !quiet && low.is_finite() {
        let end = if bearable {
            "taken as even"
        } else {
            "not a volume"
        };
        let text = format!("steps between slices vary from {low:.3} to {high:.3} mm; {end}");
        findings.push(
            Finding::new("IRREGULAR_SPACING", Severity::Warning, text)
                .with("min_mm", low)
                .with("max_mm", high),
        );
    }
    first_gap.is_none() && bearable
}

/// How the origins run from slice to slice.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Run {
    /// Along the normal.
    Straight,
    /// On a straight line that leans by some degrees.
    Tilted(f64),
    /// On no line.
    Broken,
}

/// Gantry tilt and sideways jumps, from the vectors and not from the tilt attribute.
fn straight(frames: &[Placed], normal: DVec3, findings: &mut Vec<Finding>) -> Run {
    let (Some(first), Some(last)) = (frames.first(), frames.last()) else {
        return Run::Straight;
    };
    let path = last.plane.origin - first.plane.origin;
    let along = path.dot(normal);
    let sideways = (path - normal * along).length();
    if along.abs() < SAME_PLACE_MM {
        return Run::Broken;
    }
    let degrees = sideways.atan2(along.abs()).to_degrees();
    let tilted = sideways > 0.1 && degrees > 0.1;
    // Distance of each origin from the straight line between first and last.
    let off = frames.iter().fold(0.0, |off: f64, f| {
        let way = f.plane.origin - first.plane.origin;
        let part = way.dot(normal) / along;
        let beside = way - path * part;
        off.max((beside - normal * beside.dot(normal)).length())
    });
    if off > 0.1 {
        let text = format!("slices are shifted sideways against each other by up to {off:.2} mm");
        findings.push(Finding::new("SHIFTED_SLICES", Severity::Warning, text).with("mm", off));
    }
    match (off <= 0.1, tilted) {
        (true, true) => Run::Tilted(degrees),
        (true, false) => Run::Straight,
        (false, _) => Run::Broken,
    }
}

/// Whether all frames are alike.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Uniform {
    /// In everything.
    Yes,
    /// In everything but the rescale, which is part of every frame of its own.
    OtherRescale,
    /// No.
    No,
}

/// One scale, one rescale, one padding, one frame of reference.
fn uniform(frames: &[Placed], findings: &mut Vec<Finding>) -> Uniform {
    let Some(first) = frames.first() else {
        return Uniform::Yes;
    };
    let (Some(own), Some(picture)) = (description(&first.frame), image(&first.frame)) else {
        return Uniform::No;
    };
    let mut alike = |code, text: &str, same: &dyn Fn(&FrameRef) -> bool| {
        let others = frames.iter().filter(|f| !same(&f.frame)).count();
        if others > 0 {
            let text = format!("{text} in {others} of {} frames", frames.len());
            let finding = Finding::new(code, Severity::Warning, text);
            findings.push(finding.with("frames", others as f64));
        }
        others == 0
    };
    let mut clean = alike("MIXED_UNIT", "another unit", &|f| {
        description(f).is_some_and(|d| d.unit == own.unit)
    });
    clean &= alike("MIXED_SPACING", "another pixel spacing", &|f| {
        description(f).is_some_and(|d| same_spacing(d.spacing, own.spacing))
    });
    clean &= alike("MIXED_PADDING", "another padding value", &|f| {
        image(f).is_some_and(|i| i.padding == picture.padding)
    });
    clean &= alike(
        "MIXED_PHOTOMETRIC",
        "another photometric interpretation",
        &|f| {
            image(f).is_some_and(|i| {
                i.photometric == picture.photometric
                    && i.presentation_inverse == picture.presentation_inverse
            })
        },
    );
    let reference = &first.frame.instance.series.frame_of_reference_uid;
    clean &= alike(
        "MIXED_FRAME_OF_REFERENCE",
        "another frame of reference",
        &|f| f.instance.series.frame_of_reference_uid == *reference,
    );
    clean &= matches!(own.spacing, Spacing::Millimetres { .. });
    let one_rescale = alike(
        "MIXED_RESCALE",
        "each slice keeps its own rescale: another one",
        &|f| description(f).is_some_and(|d| d.modality_lut == own.modality_lut),
    );
    match (clean, one_rescale) {
        (true, true) => Uniform::Yes,
        (true, false) => Uniform::OtherRescale,
        (false, _) => Uniform::No,
    }
}

fn same_spacing(a: Spacing, b: Spacing) -> bool {
    let ((row_a, column_a), (row_b, column_b)) = (a.row_column(), b.row_column());
    let close = |a: f64, b: f64| (a - b).abs() <= 1e-4 * a.abs().max(b.abs());
    a.source().is_some() == b.source().is_some() && close(row_a, row_b) && close(column_a, column_b)
}

/// The grid of regular frames: columns and rows by the pixel spacing, slices by the way from the first to the last.
fn grid(frames: &[Placed]) -> Option<GridGeometry> {
    let (first, last) = (frames.first()?, frames.last()?);
    let picture = image(&first.frame)?;
    let (row_mm, column_mm) = description(&first.frame)?.spacing.row_column();
    let steps = (frames.len() - 1) as f64;
    let step = (last.plane.origin - first.plane.origin) / steps;
    Some(GridGeometry {
        size: [picture.columns, picture.rows, frames.len()],
        patient_from_voxel: DAffine3 {
            matrix3: DMat3::from_cols(
                first.plane.along_row * column_mm,
                first.plane.along_column * row_mm,
                step,
            ),
            translation: first.plane.origin,
        },
    })
}

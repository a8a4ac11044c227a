//! Lesions of made-up people: patches around planted nodules and anywhere in the lungs, Dice over all patches, and a
//! final test on whole people that nobody has seen.

use crate::{
    ai::{
        AiError, BurnDevice,
        card::{
            self, CardVolume, CaseMetrics, LesionMetrics, ModelCard, Parts, SLICES, SubsetMetrics,
        },
        learning::{Lesson, Run, TrainEvent},
        lesions::{HounsfieldGrid, LesionFinder, Window, cut},
        loss,
        random::Random,
        recipe::{AugmentationRecipe, PhantomRecipe, Recipe},
        registry::Model,
        train::TrainReport,
        unet::{UNet, UNetConfig},
        weights::{MAX_FILE_BYTES, Weights, read_bounded, write_atomic},
    },
    imaging::metrics::{Confusion, surface_distances},
    phantom::{CtSpec, Nodule, Organ, ct_with, scattered_nodules},
    task::{CancelToken, Progress},
};
use burn::tensor::{Device, Tensor, TensorData, activation::sigmoid};
use std::{collections::BTreeSet, ops::Range};

/// Diameter from which on nodules are counted in the figures.
const COUNTED_FROM_MM: f64 = 4.0;
/// Voxels around the lungs that are kept of a person to learn from.
const CROP_MARGIN: usize = 12;
/// Where masks may begin.
const THRESHOLDS: [f32; 4] = [0.25, 0.375, 0.5, 0.625];
/// How much Dice may be given up for lesions found.
const DICE_ROOM: f64 = 0.003;
/// Names the random sequences of patches.
const LABEL: u64 = u64::from_le_bytes(*b"patch\0\0\0");

/// A made-up person, cut to the slices of the lungs.
struct Person {
    seed: u64,
    grid: HounsfieldGrid,
    /// Numbers of [`Organ`].
    organs: Vec<u8>,
    nodules: Vec<Nodule>,
    /// Centres of the nodules in voxels of the grid, and their radius in slices.
    places: Vec<([f64; 3], f64)>,
}

struct LesionLesson<'a> {
    recipe: &'a Recipe,
    phantom: &'a PhantomRecipe,
    network: &'a UNetConfig,
    train: Vec<Person>,
    validation: Vec<Person>,
    device: &'a Device,
}

/// A whole run.
pub(super) fn run(
    run: &Run<'_>,
    (phantom, network): (&PhantomRecipe, &UNetConfig),
    resume: bool,
    now: &str,
    seen: &mut dyn FnMut(TrainEvent),
) -> Result<TrainReport, AiError> {
    let recipe = run.recipe;
    let checkpoint = run.begin(resume, |seed| network.random_weights(seed))?;
    let parts = Parts {
        train: names(phantom.train),
        validation: names(phantom.validation),
        test: names(phantom.test),
    };
    write_atomic(
        &run.file("split.json"),
        &card::split_json(&parts, recipe.seed)?,
    )?;
    let people = |part: [u64; 2]| -> Result<Vec<Person>, AiError> {
        seeds(part)
            .map(|seed| Ok(Person::new(phantom, seed, run.cancel)?.cropped()))
            .collect()
    };
    let lesson = LesionLesson {
        recipe,
        phantom,
        network,
        train: people(phantom.train)?,
        validation: people(phantom.validation)?,
        device: run.device,
    };
    let checkpoint = run.learn(&lesson, checkpoint, seen)?;
    let weights_file = run.weights_file();
    let bytes = read_bounded(&weights_file, MAX_FILE_BYTES)?;
    let mut card = card::from_training(
        recipe,
        *network,
        &bytes,
        parts,
        Vec::new(),
        &checkpoint,
        now,
    );
    card.input.preprocessing = SLICES.into();
    card.input.volume = Some(CardVolume {
        spacing_mm: phantom.spacing_mm,
        window_hu: phantom.window_hu,
        smallest_mm3: phantom.smallest_mm3,
        least_peak: 0.0,
    });
    let weights = Weights::load(&weights_file)?;
    let point = operating_point(run, phantom, &card, weights.clone())?;
    card.input.threshold = point.threshold;
    if let Some(volume) = &mut card.input.volume {
        volume.least_peak = point.least_peak;
    }
    let (cases, lesions, rows) = test(run, phantom, &card, weights)?;
    card.metrics = SubsetMetrics::all(&cases);
    card.lesions = Some(lesions);
    let name = format!("{}.toml", recipe.model);
    write_atomic(&run.file(&name), card.to_toml()?.as_bytes())?;
    write_atomic(&run.file("test.csv"), rows.as_bytes())?;
    Ok(TrainReport {
        card,
        curve: checkpoint.curve,
        cases,
        weights: weights_file,
    })
}

fn seeds([first, people]: [u64; 2]) -> Range<u64> {
    first..first.saturating_add(people)
}

fn names(part: [u64; 2]) -> Vec<String> {
    seeds(part).map(|seed| format!("phantom-{seed}")).collect()
}

impl Person {
    fn new(recipe: &PhantomRecipe, seed: u64, cancel: &CancelToken) -> Result<Self, AiError> {
        let spec = CtSpec {
            seed,
            size: recipe.size,
            spacing_mm: recipe.spacing_mm,
            noise_hu: recipe.noise_hu,
            labels: true,
        };
        let nodules = scattered_nodules(seed, recipe.nodules, recipe.diameter_mm);
        let made = ct_with(&spec, nodules, &Progress::default(), cancel).map_err(|error| {
            if cancel.is_cancelled() {
                AiError::Cancelled
            } else {
                AiError::Data(error.to_string())
            }
        })?;
        let voxel_from_patient = made.volume.grid.patient_from_voxel.inverse();
        let places = made
            .truth
            .nodules
            .iter()
            .map(|nodule| {
                let at = voxel_from_patient.transform_point3(nodule.centre_lps.into());
                (at.to_array(), nodule.diameter_mm * 0.5 / spec.spacing_mm[2])
            })
            .collect();
        Ok(Self {
            seed,
            grid: HounsfieldGrid::of(&made.volume)?,
            organs: made.truth.labels,
            nodules: made.truth.nodules,
            places,
        })
    }

    /// Only the box of the lungs and a little around it: many people are held at once.
    fn cropped(self) -> Self {
        let size = self.grid.size;
        let [columns, rows, _] = size;
        let (mut low, mut high) = ([usize::MAX; 3], [0usize; 3]);
        for (index, _) in self
            .organs
            .iter()
            .enumerate()
            .filter(|(_, organ)| Organ::is_lung(**organ))
        {
            let at = [
                index % columns,
                index / columns % rows,
                index / (columns * rows),
            ];
            for axis in 0..3 {
                low[axis] = low[axis].min(at[axis]);
                high[axis] = high[axis].max(at[axis]);
            }
        }
        if low[0] == usize::MAX {
            return self;
        }
        let low = low.map(|at| at.saturating_sub(CROP_MARGIN));
        let high = [0, 1, 2].map(|axis| (high[axis] + 1 + CROP_MARGIN).min(size[axis]));
        let (mut values, mut organs) = (Vec::new(), Vec::new());
        for slice in low[2]..high[2] {
            for row in low[1]..high[1] {
                let line = (slice * rows + row) * columns;
                let range = line + low[0]..line + high[0];
                values.extend_from_slice(self.grid.values.get(range.clone()).unwrap_or_default());
                organs.extend_from_slice(self.organs.get(range).unwrap_or_default());
            }
        }
        let places = self
            .places
            .iter()
            .map(|(centre, radius)| ([0, 1, 2].map(|a| centre[a] - low[a] as f64), *radius))
            .collect();
        Self {
            grid: HounsfieldGrid {
                size: [0, 1, 2].map(|axis| high[axis] - low[axis]),
                spacing_mm: self.grid.spacing_mm,
                values,
            },
            organs,
            places,
            ..self
        }
    }

    fn organ(&self, [column, row, slice]: [usize; 3]) -> u8 {
        let [columns, rows, _] = self.grid.size;
        let inside = column < columns && row < rows;
        let index = (slice * rows + row) * columns + column;
        inside
            .then(|| self.organs.get(index).copied())
            .flatten()
            .unwrap_or(0)
    }

    fn truth(&self) -> Vec<bool> {
        self.organs
            .iter()
            .map(|&o| o == Organ::Nodule as u8)
            .collect()
    }

    /// The middle of a patch: on a nodule, or anywhere in the lungs.
    fn place(&self, lesion_share: f64, random: &mut Random) -> [usize; 3] {
        let size = self.grid.size;
        let inside = |at: [f64; 3]| {
            [0, 1, 2].map(|axis| (at[axis].round().max(0.0) as usize).min(size[axis] - 1))
        };
        let on_nodule = random.unit() < lesion_share;
        if on_nodule && !self.places.is_empty() {
            let pick = random.range(0.0, self.places.len() as f64) as usize;
            if let Some((centre, radius)) = self.places.get(pick) {
                // A little beyond the nodule's ends too: that it ends is to be learnt.
                let slices = radius + 1.0;
                return inside([
                    centre[0],
                    centre[1],
                    centre[2] + random.range(-slices, slices),
                ]);
            }
        }
        let mut at = [0; 3];
        for _ in 0..1000 {
            at = inside([0, 1, 2].map(|axis| random.range(0.0, size[axis] as f64 - 1.0)));
            if Organ::is_lung(self.organ(at)) {
                break;
            }
        }
        at
    }
}

/// One patch: the network's input and the mask.
fn patch(
    person: &Person,
    (phantom, slices, side): (&PhantomRecipe, usize, usize),
    varied: Option<&AugmentationRecipe>,
    random: &mut Random,
) -> (Vec<f32>, Vec<f32>) {
    let middle = person.place(phantom.lesion_share, random);
    let jitter = side as f64 * 0.35;
    let corner = |axis: usize, random: &mut Random| {
        let shifted = middle[axis] as f64 + random.range(-jitter, jitter);
        let most = person.grid.size[axis].saturating_sub(side);
        ((shifted - side as f64 / 2.0).round().max(0.0) as usize).min(most)
    };
    let (left, top) = (corner(0, random), corner(1, random));
    let window = Window {
        columns: [left, left + side],
        rows: [top, top + side],
    };
    let mut input = person
        .grid
        .input(middle[2], window, slices, phantom.window_hu);
    let mut target: Vec<f32> = (top..top + side)
        .flat_map(|row| (left..left + side).map(move |column| [column, row, middle[2]]))
        .map(|at| f32::from(u8::from(person.organ(at) == Organ::Nodule as u8)))
        .collect();
    if let Some(recipe) = varied {
        let flips = [0, 1, 2].map(|_| random.unit() < recipe.flip);
        let plane = side * side;
        if flips[2] {
            let planes: Vec<&[f32]> = input.chunks_exact(plane).rev().collect();
            input = planes.concat();
        }
        for values in [&mut input, &mut target] {
            if flips[1] {
                for picture in values.chunks_exact_mut(plane) {
                    let rows: Vec<f32> = picture
                        .chunks_exact(side)
                        .rev()
                        .flatten()
                        .copied()
                        .collect();
                    picture.copy_from_slice(&rows);
                }
            }
            if flips[0] {
                values.chunks_exact_mut(side).for_each(<[f32]>::reverse);
            }
        }
        let contrast = 1.0 + random.range(-recipe.contrast, recipe.contrast);
        // The window's range is 2.
        let shift = 2.0 * random.range(-recipe.brightness, recipe.brightness);
        let noise = 2.0 * recipe.noise * random.unit();
        for value in &mut input {
            let varied = f64::from(*value) * contrast + shift + noise * random.normal();
            *value = varied.clamp(-1.0, 1.0) as f32;
        }
    }
    (input, target)
}

impl Lesson for LesionLesson<'_> {
    type Network = UNet;

    fn score(&self) -> &'static str {
        "Dice"
    }

    fn steps(&self) -> usize {
        self.phantom.patches.div_ceil(self.recipe.training.batch)
    }

    fn build(&self, weights: &Weights, device: &Device) -> Result<UNet, AiError> {
        UNet::new(self.network, weights, device)
    }

    fn loss(
        &self,
        network: &UNet,
        device: &Device,
        (epoch, step): (usize, usize),
        go_on: &dyn Fn() -> bool,
    ) -> Result<(Tensor<1>, usize), AiError> {
        let size = self.recipe.training.batch;
        let last = self.phantom.patches.min((step + 1) * size);
        let (mut images, mut targets) = (Vec::new(), Vec::new());
        for number in step * size..last {
            let mut random = Random::new(self.recipe.seed, &[LABEL, epoch as u64, number as u64]);
            let pick = random.range(0.0, self.train.len() as f64) as usize;
            let Some(person) = self.train.get(pick) else {
                continue;
            };
            let (image, target) = patch(
                person,
                self.shape(),
                Some(&self.recipe.augmentation),
                &mut random,
            );
            images.extend(image);
            targets.extend(target);
        }
        let (images, targets) = self.tensors(images, targets, device);
        let logits = network.forward_while(images, go_on)?;
        let loss = loss::total(&self.recipe.training.loss, &logits, &targets)?;
        Ok((loss, last - step * size))
    }

    /// Mean loss and Dice over all voxels of patches that are the same in each epoch.
    fn validate(&self, network: &UNet, go_on: &dyn Fn() -> bool) -> Result<(f32, f32), AiError> {
        let batch = self.recipe.training.batch;
        let patches = (self.phantom.patches / 4).clamp(batch, 400);
        let (mut loss_sum, mut steps) = (0.0f64, 0usize);
        let (mut overlap, mut sizes) = (0.0f64, 0.0f64);
        for first in (0..patches).step_by(batch) {
            let (mut images, mut truth) = (Vec::new(), Vec::new());
            for number in first..(first + batch).min(patches) {
                let mut random = Random::new(self.recipe.seed, &[LABEL, u64::MAX, number as u64]);
                let Some(person) = self.validation.get(number % self.validation.len().max(1))
                else {
                    continue;
                };
                let (image, target) = patch(person, self.shape(), None, &mut random);
                images.extend(image);
                truth.extend(target);
            }
            let (images, targets) = self.tensors(images, truth.clone(), self.device);
            let logits = network.forward_while(images, go_on)?;
            let loss = loss::total(&self.recipe.training.loss, &logits, &targets)?;
            loss_sum += f64::from(loss.into_scalar::<f32>());
            steps += 1;
            let found: Vec<f32> = sigmoid(logits)
                .try_into_vec_as()
                .map_err(|error| AiError::Compute(error.to_string()))?;
            for (&p, &t) in found.iter().zip(&truth) {
                let p = f64::from(u8::from(p >= 0.5));
                overlap += p * f64::from(t);
                sizes += p + f64::from(t);
            }
        }
        let dice = if sizes > 0.0 {
            2.0 * overlap / sizes
        } else {
            1.0
        };
        Ok(((loss_sum / steps.max(1) as f64) as f32, dice as f32))
    }
}

impl LesionLesson<'_> {
    fn shape(&self) -> (&PhantomRecipe, usize, usize) {
        (
            self.phantom,
            self.network.input_channels,
            self.recipe.input.side,
        )
    }

    fn tensors(
        &self,
        images: Vec<f32>,
        targets: Vec<f32>,
        device: &Device,
    ) -> (Tensor<4>, Tensor<4>) {
        let side = self.recipe.input.side;
        let channels = self.network.input_channels;
        let count = targets.len() / (side * side);
        let tensor = |values, channels| {
            let data = TensorData::new(values, [count, channels, side, side]);
            Tensor::<4>::from_data(data, device)
        };
        (tensor(images, channels), tensor(targets, 1))
    }
}

/// What is cut out of the probabilities, chosen on the people who chose the epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct OperatingPoint {
    /// Where a mask begins.
    threshold: f32,
    /// Least peak of a reported lesion.
    least_peak: f64,
    /// Lesions that touch a planted one, less those that touch none.
    kept: i64,
    /// Mean over the people.
    dice: f64,
}

/// The threshold and the least peak with most planted nodules less false ones, among the thresholds that give nearly the
/// best Dice.
fn operating_point(
    run: &Run<'_>,
    phantom: &PhantomRecipe,
    card: &ModelCard,
    weights: Weights,
) -> Result<OperatingPoint, AiError> {
    let model = Model {
        card: card.clone(),
        weights,
    };
    let Some(volume) = card.input.volume else {
        return Err(AiError::Card("the card has no volume".into()));
    };
    let finder = LesionFinder::new(&model, &BurnDevice::of(run.device))?;
    let mut points = THRESHOLDS.map(|threshold| OperatingPoint {
        threshold,
        ..OperatingPoint::default()
    });
    // The peak of each lesion, and whether it is a planted one.
    let mut peaks: [Vec<(f64, bool)>; THRESHOLDS.len()] = Default::default();
    for seed in seeds(phantom.validation) {
        let person = Person::new(phantom, seed, run.cancel)?;
        let truth = person.truth();
        let found = finder.find(&person.grid, run.cancel, &Progress::default())?;
        for (point, peaks) in points.iter_mut().zip(&mut peaks) {
            let probability = found.probability.clone();
            let found = cut(&person.grid, probability, &volume, point.threshold);
            let mask: Vec<bool> = found.labels.iter().map(|&l| l > 0).collect();
            point.dice += Confusion::of(&truth, &mask).unwrap_or_default().dice();
            let right = Hits::of(&person, &found.labels, found.list.len()).right;
            peaks.extend(
                found
                    .list
                    .iter()
                    .map(|l| (l.peak_probability, right.contains(&l.part.label))),
            );
        }
    }
    let people = seeds(phantom.validation).count().max(1) as f64;
    for (point, peaks) in points.iter_mut().zip(&mut peaks) {
        point.dice /= people;
        (point.least_peak, point.kept) = best_cut(peaks);
    }
    Ok(best_point(&points))
}

fn best_point(points: &[OperatingPoint]) -> OperatingPoint {
    let best_dice = points.iter().map(|p| p.dice).fold(0.0, f64::max);
    let good = points.iter().filter(|p| p.dice >= best_dice - DICE_ROOM);
    // The higher threshold of equals: the smaller masks.
    good.max_by_key(|p| p.kept).copied().unwrap_or_default()
}

/// The least peak that leaves most true lesions less false ones, and that difference; the lowest of equals, so that nothing
/// is dropped without need.
fn best_cut(peaks: &mut [(f64, bool)]) -> (f64, i64) {
    peaks.sort_by(|a, b| a.0.total_cmp(&b.0));
    let all: i64 = peaks.iter().map(|p| if p.1 { 1 } else { -1 }).sum();
    let (mut best, mut gained, mut least) = (0i64, 0i64, 0.0);
    // Dropping the lowest first: a false one gains, a true one loses.
    for (index, (peak, right)) in peaks.iter().enumerate() {
        gained += if *right { -1 } else { 1 };
        if gained > best {
            best = gained;
            // Half way to the next one.
            let next = peaks.get(index + 1).map_or(1.0, |(peak, _)| *peak);
            least = 0.5 * (peak + next);
        }
    }
    (least, all + best)
}

/// Whole people that neither trained nor chose: masks, and how many lesions are found.
fn test(
    run: &Run<'_>,
    phantom: &PhantomRecipe,
    card: &ModelCard,
    weights: Weights,
) -> Result<(Vec<CaseMetrics>, LesionMetrics, String), AiError> {
    let model = Model {
        card: card.clone(),
        weights,
    };
    let finder = LesionFinder::new(&model, &BurnDevice::of(run.device))?;
    let mut total = LesionMetrics {
        counted_from_mm: COUNTED_FROM_MM,
        ..LesionMetrics::default()
    };
    let mut rows = String::from(
        "name,dice,iou,precision,recall,hd95_mm,assd_mm,planted,found,planted_smaller,found_smaller,false_positives,missed\n",
    );
    let mut cases = Vec::new();
    for seed in seeds(phantom.test) {
        let person = Person::new(phantom, seed, run.cancel)?;
        let lesions = finder.find(&person.grid, run.cancel, &Progress::default())?;
        let (truth, mask) = (
            person.truth(),
            lesions.labels.iter().map(|&l| l > 0).collect::<Vec<_>>(),
        );
        let counts = Confusion::of(&truth, &mask).unwrap_or_default();
        let [columns, counted_rows, slices] = person.grid.size;
        let [dx, dy, dz] = person.grid.spacing_mm;
        let distances = surface_distances(
            &truth,
            &mask,
            &[slices, counted_rows, columns],
            &[dz, dy, dx],
        );
        let hits = Hits::of(&person, &lesions.labels, lesions.list.len());
        total.cases += 1;
        total.planted += hits.planted[0];
        total.found += hits.found[0];
        total.planted_smaller += hits.planted[1];
        total.found_smaller += hits.found[1];
        total.false_positives += hits.false_positives;
        total.false_positives_most = total.false_positives_most.max(hits.false_positives);
        let case = CaseMetrics {
            name: format!("phantom-{}", person.seed),
            subset: "people".into(),
            dice: counts.dice(),
            iou: counts.iou(),
            precision: counts.precision(),
            recall: counts.recall(),
            hd95_px: distances.map(|d| d.hd95),
            assd_px: distances.map(|d| d.assd),
        };
        let optional = |value: Option<f64>| value.map_or(String::new(), |v| format!("{v:.3}"));
        rows.push_str(&format!(
            "{},{:.5},{:.5},{:.5},{:.5},{},{},{},{},{},{},{},{}\n",
            case.name,
            case.dice,
            case.iou,
            case.precision,
            case.recall,
            optional(case.hd95_px),
            optional(case.assd_px),
            hits.planted[0],
            hits.found[0],
            hits.planted[1],
            hits.found[1],
            hits.false_positives,
            hits.missed.join(" ")
        ));
        cases.push(case);
    }
    Ok((cases, total, rows))
}

/// Planted nodules that a reported lesion touches, large ones and smaller ones, and lesions that touch none.
struct Hits {
    planted: [usize; 2],
    found: [usize; 2],
    false_positives: usize,
    missed: Vec<String>,
    /// Numbers of the lesions that touch a planted one.
    right: BTreeSet<u32>,
}

impl Hits {
    fn of(person: &Person, labels: &[u32], lesions: usize) -> Self {
        let [columns, rows, slices] = person.grid.size;
        let mut out = Self {
            planted: [0; 2],
            found: [0; 2],
            false_positives: 0,
            missed: Vec::new(),
            right: BTreeSet::new(),
        };
        for (nodule, (centre, _)) in person.nodules.iter().zip(&person.places) {
            let radius = nodule.diameter_mm * 0.5;
            let mut touched = BTreeSet::new();
            let around = |axis: usize, count: usize| {
                let reach = radius / person.grid.spacing_mm[axis] + 1.0;
                let low = (centre[axis] - reach).floor().max(0.0) as usize;
                let high = (centre[axis] + reach).ceil().max(0.0) as usize;
                low..(high + 1).min(count)
            };
            for z in around(2, slices) {
                for y in around(1, rows) {
                    for x in around(0, columns) {
                        let at = [x as f64, y as f64, z as f64];
                        let away: f64 = (0..3)
                            .map(|a| ((at[a] - centre[a]) * person.grid.spacing_mm[a]).powi(2))
                            .sum();
                        let label = labels.get((z * rows + y) * columns + x).copied();
                        if away <= radius * radius && label.is_some_and(|l| l > 0) {
                            touched.extend(label);
                        }
                    }
                }
            }
            let class = usize::from(nodule.diameter_mm < COUNTED_FROM_MM);
            out.planted[class] += 1;
            if touched.is_empty() {
                let kind = nodule.kind.word();
                out.missed.push(format!("{kind}-{}", nodule.diameter_mm));
            } else {
                out.found[class] += 1;
            }
            out.right.extend(touched);
        }
        out.false_positives = lesions.saturating_sub(out.right.len());
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cut_drops_false_lesions_and_keeps_true_ones() {
        let mut peaks = [
            (0.95, true),
            (0.6, false),
            (0.7, false),
            (0.9, true),
            (0.65, true),
            (0.75, false),
        ];
        // Dropping 0.6, 0.65, 0.7 and 0.75 loses one and gains three.
        let (least, kept) = best_cut(&mut peaks);
        assert!((least - 0.825).abs() < 1e-12);
        assert_eq!(kept, 2);
        assert_eq!(best_cut(&mut [(0.6, true), (0.9, false)]), (0.0, 0));
        assert_eq!(best_cut(&mut []), (0.0, 0));
    }

    #[test]
    fn a_threshold_with_more_lesions_wins_where_masks_are_as_good() {
        let point = |threshold, kept, dice| OperatingPoint {
            threshold,
            least_peak: 0.0,
            kept,
            dice,
        };
        let points = [
            point(0.2, 30, 0.90),
            point(0.3, 25, 0.953),
            point(0.4, 25, 0.954),
            point(0.5, 24, 0.955),
        ];
        assert_eq!(best_point(&points).threshold, 0.4);
        assert_eq!(best_point(&points[..1]).threshold, 0.2);
    }
}

//! A network over a whole volume, window by window: nearest to the reader first, visible while it computes.
//!
//! Must stay true: the result does not depend on the order of the windows, not in a bit; memory is reckoned before
//! anything is computed; a job ends with a sentence, never with the program; on a device that draws nothing of the mask
//! leaves it.

mod blend;
pub mod budget;
pub mod input;
pub mod plan;
pub mod prompted;

use super::{
    AiError, BurnDevice,
    device::Pace,
    guidance::Guidance,
    network::{Network, OutputKind},
};
use crate::{
    gpu::{Cargo, MaskVolume, blend::Decision},
    model::{
        finding::{Finding, Severity},
        geometry::GridGeometry,
        inference::ModelIdentity,
        labels::{Label, Meaning},
        volume::Volume,
    },
    task::{CancelToken, Progress},
};
use blend::{Blender, Canvas};
use budget::{Budget, Free, OVERLAP, Order};
use burn::tensor::{Tensor, TensorData};
use glam::DVec3;
use input::{NetworkInput, Preparation};
use plan::{Part, Plan};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

/// A network for volumes, its weights on a device, and what surrounds it.
#[derive(Debug)]
pub struct VolumeModel {
    /// For provenance.
    pub identity: ModelIdentity,
    /// The network.
    pub network: Box<dyn Network>,
    /// What it wants to see.
    pub preparation: Preparation,
    /// How it is shown points; `None` where it takes none.
    pub guidance: Option<Guidance>,
    /// What its classes are: one for each output channel, in their order.
    pub labels: Vec<Label>,
    /// Probability at which the only class of a network with one output begins.
    pub threshold: f32,
}

impl VolumeModel {
    /// How answers become bytes, and what the bytes mean.
    fn decision(&self) -> Result<(Decision, Meaning), AiError> {
        let shape = self.network.shape();
        shape.check()?;
        if self.labels.len() != shape.classes {
            return Err(AiError::Network(format!(
                "{} labels for {} classes",
                self.labels.len(),
                shape.classes
            )));
        }
        Ok(match (shape.output, shape.classes) {
            (OutputKind::Sigmoid, 1) => (Decision::Probability, Meaning::Probability),
            (OutputKind::Sigmoid, _) => (Decision::Last, Meaning::Labels),
            (OutputKind::Softmax, _) => (Decision::Largest, Meaning::Labels),
        })
    }
}

/// Where the reader looks, in the patient (LPS, millimetres). Clones share it; it may move while a job runs.
#[derive(Clone, Debug, Default)]
pub struct Focus(Arc<Mutex<Option<DVec3>>>);

impl Focus {
    /// Looks somewhere from now on.
    pub fn set(&self, place: Option<DVec3>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = place;
    }

    /// Where it looks.
    pub fn get(&self) -> Option<DVec3> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a job is to run.
#[derive(Clone, Debug, Default)]
pub struct Conduct {
    /// To stop it.
    pub cancel: CancelToken,
    /// Windows done, of windows in all.
    pub progress: Progress,
    /// Where windows come first; without a place they come in their order.
    pub focus: Focus,
    /// Most memory that it may take.
    pub limit: Option<u64>,
    /// The numbers of the windows in the order in which they are to come, instead.
    pub sequence: Option<Vec<usize>>,
}

/// A mask in the making, or made.
#[derive(Clone, Copy, Debug)]
pub enum MaskSoFar<'a> {
    /// On the device that draws; what was computed is in it for whatever is submitted from now on.
    Gpu(&'a MaskVolume),
    /// In memory, one byte a voxel, columns fastest.
    Cpu(&'a [u8]),
}

/// What a job tells after each window.
#[derive(Clone, Copy, Debug)]
pub struct News<'a> {
    /// The mask so far.
    pub mask: MaskSoFar<'a>,
    /// Where it lies.
    pub grid: &'a GridGeometry,
    /// What its bytes mean.
    pub meaning: Meaning,
    /// The voxels (slice, row, column) that may have changed.
    pub changed: Part,
    /// Windows done.
    pub done: usize,
    /// Windows in all.
    pub total: usize,
}

/// A finished mask.
#[derive(Clone, Debug)]
pub enum VolumeMask {
    /// On the device that draws: eight bits a voxel, or one where the only label is 1.
    Gpu(MaskVolume),
    /// In memory, one byte a voxel, columns fastest.
    Cpu(Arc<[u8]>),
}

/// What a job gives.
#[derive(Clone, Debug)]
pub struct SegmentedVolume {
    /// The mask.
    pub mask: VolumeMask,
    /// Where it lies.
    pub grid: GridGeometry,
    /// What its bytes mean.
    pub meaning: Meaning,
    /// How it ran.
    pub budget: Budget,
    /// Windows.
    pub windows: usize,
    /// The most that the sums took, bytes.
    pub most_open_bytes: u64,
    /// What was noticed.
    pub findings: Vec<Finding>,
}

/// Runs a network over a volume.
///
/// `tell` is called after each window, on this thread.
///
/// # Errors
/// [`AiError::Memory`] before anything is computed when nothing fits, [`AiError::Cancelled`], [`AiError::Fault`], and what
/// the network says.
pub fn segment_volume(
    model: &VolumeModel,
    volume: &Volume,
    device: &BurnDevice,
    conduct: &Conduct,
    tell: &mut dyn FnMut(News<'_>) -> Result<(), AiError>,
) -> Result<SegmentedVolume, AiError> {
    if device.on_gpu() && device.context().is_none() {
        return Err(AiError::Device("nothing draws with it".into()));
    }
    let (decision, meaning) = model.decision()?;
    let network = model.network.as_ref();
    let shape = network.shape();
    if model.guidance.is_some() {
        return Err(AiError::Network(
            "it answers to points, and none were given".into(),
        ));
    }
    if shape.input_channels != 1 {
        return Err(AiError::Network(format!(
            "it wants {} series at once, and one is given",
            shape.input_channels
        )));
    }
    let pace = Pace::new(device, &conduct.cancel);
    let input = NetworkInput::new(volume, &model.preparation, &|| {
        !conduct.cancel.is_cancelled()
    })?;
    let size = input.grid().size;
    let free = Free::of(device, conduct.limit);
    let budget = budget::choose(network, size, free, device)?;
    let plan = Plan::new(size, budget.window, OVERLAP)?;
    let values: Vec<u8> = model.labels.iter().map(|label| label.value).collect();
    let mut blender = Blender::new(&plan, &values, decision, device)?;
    let grid = input.grid().geometry(&volume.grid);
    conduct.progress.set_total(plan.count() as u64);
    let mut queue = Queue::new(&plan, conduct, &budget, &grid);
    let mut done = 0;
    while let Some(start) = queue.next() {
        let lead = plan.lead();
        let first = std::array::from_fn(|axis| start[axis] as i64 - lead[axis] as i64);
        let values = input.window(first, plan.window(), !device.on_gpu());
        device.note_upload(Cargo::ModelInput, values.len());
        let [slices, rows, columns] = plan.window();
        let data = TensorData::new(values, [1, 1, slices, rows, columns]);
        let tensor = Tensor::<5>::from_data(data, device.burn());
        let answer = network.forward(tensor, &|| pace.go_on());
        pace.check()?;
        blender.add(start, answer?)?;
        // What was just submitted is waited for, so that frames come between the windows, and faults belong to theirs.
        pace.go_on();
        pace.check()?;
        done += 1;
        conduct.progress.set(done as u64);
        let part = Part {
            start,
            size: plan.window(),
        };
        if let Some(mut changed) = plan.inside(&part) {
            for (start, lead) in changed.start.iter_mut().zip(lead) {
                *start -= lead;
            }
            tell(News {
                mask: match blender.canvas() {
                    Canvas::Gpu(mask) => MaskSoFar::Gpu(mask),
                    Canvas::Cpu(bytes) => MaskSoFar::Cpu(bytes),
                },
                grid: &grid,
                meaning,
                changed,
                done,
                total: plan.count(),
            })?;
        }
    }
    let most_open_bytes = blender.most_open_bytes();
    let mask = match blender.into_canvas() {
        Canvas::Cpu(bytes) => VolumeMask::Cpu(bytes.into()),
        Canvas::Gpu(mask) => VolumeMask::Gpu(packed(mask, meaning, &values, device)?),
    };
    pace.go_on();
    pace.check()?;
    Ok(SegmentedVolume {
        mask,
        grid,
        meaning,
        findings: noticed(&budget, shape.patch),
        budget,
        windows: plan.count(),
        most_open_bytes,
    })
}

/// A mask whose only label is 1 needs one bit a voxel.
fn packed(
    mask: MaskVolume,
    meaning: Meaning,
    values: &[u8],
    device: &BurnDevice,
) -> Result<MaskVolume, AiError> {
    let single = meaning == Meaning::Labels && values.iter().all(|v| *v <= 1);
    match device.context() {
        Some(gpu) if single => Ok(mask.to_bits(gpu, 1)?),
        _ => Ok(mask),
    }
}

fn noticed(budget: &Budget, trained: [usize; 3]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let text = |[slices, rows, columns]: [usize; 3]| format!("{columns} × {rows} × {slices}");
    if budget.smaller {
        let sentence = format!(
            "Memory did not suffice for windows of {}, which the network was trained on; {} were used",
            text(trained),
            text(budget.window)
        );
        findings.push(Finding::new("SMALLER_WINDOW", Severity::Warning, sentence));
    }
    findings
}

/// The windows that are still to come.
struct Queue<'a> {
    plan: &'a Plan,
    left: BTreeSet<usize>,
    sequence: Option<std::vec::IntoIter<usize>>,
    focus: Option<&'a Focus>,
    grid: &'a GridGeometry,
}

impl<'a> Queue<'a> {
    fn new(plan: &'a Plan, conduct: &'a Conduct, budget: &Budget, grid: &'a GridGeometry) -> Self {
        Self {
            plan,
            left: (0..plan.count()).collect(),
            sequence: conduct.sequence.clone().map(Vec::into_iter),
            focus: (budget.order == Order::Nearest).then_some(&conduct.focus),
            grid,
        }
    }

    /// Where the next window starts.
    fn next(&mut self) -> Option<[usize; 3]> {
        let asked = self.sequence.as_mut().and_then(Iterator::next);
        let index = asked
            .filter(|index| self.left.contains(index))
            .or_else(|| self.nearest())
            .or_else(|| self.left.first().copied())?;
        self.left.remove(&index);
        self.plan.start(index)
    }

    fn nearest(&self) -> Option<usize> {
        let place = self.focus?.get()?;
        let voxel = self.grid.voxel_from_patient()?.transform_point3(place);
        self.plan.nearest(&self.left, [voxel.z, voxel.y, voxel.x])
    }
}

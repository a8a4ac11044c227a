//! The thread that owns burn. GPU work is ordered by thread, so all networks run on this one, and it also turns
//! results into buffers before handing them over.
//!
//! Requests are latest-wins per view: a newer one replaces the waiting one and stops the running one. Every
//! request gets exactly one answer. A cancelled request is answered at once by whoever cancels it; what the
//! thread still computes for it is thrown away.

use super::{
    AiError, BurnDevice,
    card::CardClassifier,
    classes::{Classified, Classifier},
    explain::answer,
    infer::{MaskOutput, Segmenter},
    lesions::{HounsfieldGrid, LesionFinder, Lesions},
    preprocess::FrameInput,
    readback::{self, ProbabilityMap},
    registry::Registry,
    scope,
    sliding::{
        Conduct, News, SegmentedVolume, VolumeModel,
        prompted::{self, Points, Prompted},
        segment_volume,
    },
};
use crate::{
    model::{
        explanation::{ExplanationFacts, Method},
        finding::Finding,
        inference::{InferenceProvenance, ModelIdentity},
        labels::Label,
        layout::SeriesLayout,
        lut::{ModalityLut, PaddingRange},
        pixels::Frame,
        volume::Volume,
    },
    task::{CancelToken, Progress, spawn_named},
};
use glam::DAffine2;
use std::{
    collections::BTreeMap,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::Instant,
};

/// A picture to be segmented for a view.
#[derive(Clone, Debug)]
pub struct Request {
    /// Which view asks; a newer request of the same view replaces this one.
    pub view: u64,
    /// Registry id of the model.
    pub model: String,
    /// The decoded frame; its bytes are shared, not copied.
    pub frame: Frame,
    /// Stored to modality value.
    pub modality_lut: ModalityLut,
    /// Stored values that carry no image.
    pub padding: Option<PaddingRange>,
    /// The lowest value is white.
    pub inverted: bool,
    /// SOP Instance UID of the frame, for provenance.
    pub input_uid: String,
    /// The numbers are wanted on the CPU, to be measured and not to be drawn; on a GPU that is counted.
    pub to_measure: bool,
    /// Not the mask is wanted but where it is in doubt, or what a class was decided by.
    pub explain: Option<Method>,
}

/// The number of a request, rising.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// Which request.
    pub ticket: Ticket,
    /// Whose.
    pub view: u64,
    /// How it ended.
    pub outcome: Outcome,
}

/// How a request ended.
#[derive(Debug)]
pub enum Outcome {
    /// A proposal.
    Done(Box<Proposal>),
    /// A proposal for a volume.
    Volume(Box<VolumeProposal>),
    /// What the picture shows, in the opinion of a model that tells classes.
    Classified(Box<ClassAnswer>),
    /// Cancelled or replaced.
    Cancelled,
    /// Refused or failed.
    Failed(AiError),
}

/// What a network says of a picture.
#[derive(Clone, Debug)]
pub struct ClassAnswer {
    /// The probability, and whether it is an answer.
    pub found: Classified,
    /// What the card says of the classes.
    pub classes: CardClassifier,
    /// Where the answer comes from.
    pub provenance: InferenceProvenance,
    /// What was noticed about the picture.
    pub findings: Vec<Finding>,
}

/// A model whose weights lie on the device.
enum Loaded {
    Masks(Box<Segmenter>),
    Classes(Box<Classifier>),
}

/// A mask proposed by a network.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// The probabilities.
    pub mask: MaskOutput,
    /// Frame pixel (column, row) from pixel of the probability map; centres at whole numbers.
    pub frame_from_probability: DAffine2,
    /// Probability at which the model's card draws the line.
    pub threshold: f32,
    /// Where the result comes from. The mean probability is known only when the numbers are in CPU memory:
    /// on a GPU it stays `None` until the mask is read back.
    pub provenance: InferenceProvenance,
    /// For a map that is no mask: what it says.
    pub explanation: Option<ExplanationFacts>,
    /// What was noticed about picture and result.
    pub findings: Vec<Finding>,
}

/// A volume to be segmented for a view.
pub struct VolumeRequest {
    /// Which view asks; a newer request of the same view replaces this one.
    pub view: u64,
    /// Name of the model: one that is loaded already under this name is used again.
    pub model: String,
    /// Loads the model; called on the worker's thread.
    pub load: Box<dyn FnOnce(&BurnDevice) -> Result<VolumeModel, AiError> + Send>,
    /// Gives the volume; called on the worker's thread.
    pub volume: Box<dyn FnOnce() -> Result<Volume, AiError> + Send>,
    /// For provenance.
    pub input_uid: String,
    /// How it is to run; its token stops it.
    pub conduct: Conduct,
    /// Told after each window, on the worker's thread, with the labels of the model.
    pub tell: Box<dyn FnMut(News<'_>, &VolumeModel) -> Result<(), AiError> + Send>,
}

/// A volume to be looked through for lesions for a view.
pub struct LesionRequest {
    /// Which view asks; a newer request of the same view replaces this one.
    pub view: u64,
    /// Registry id of the model.
    pub model: String,
    /// The series: whether the model is meant for it.
    pub layout: Arc<SeriesLayout>,
    /// Gives the volume; called on the worker's thread.
    pub volume: Box<dyn FnOnce() -> Result<Volume, AiError> + Send>,
    /// How far it is: slices.
    pub progress: Progress,
    /// Stops it.
    pub cancel: CancelToken,
    /// Told how it ended, on the worker's thread; dropped when it was cancelled.
    pub tell: Box<dyn FnOnce(LesionAnswer) + Send>,
}

/// How the search for lesions ended.
#[derive(Debug)]
pub enum LesionAnswer {
    /// What was found, which may be nothing.
    Found(Box<FoundLesions>),
    /// The model is not meant for this series.
    Refused(Finding),
    /// It failed.
    Failed(AiError),
}

/// The lesions of a volume.
#[derive(Debug)]
pub struct FoundLesions {
    /// On the grid of the volume.
    pub lesions: Lesions,
    /// Which model found them.
    pub identity: ModelIdentity,
    /// What was noticed about the series.
    pub findings: Vec<Finding>,
}

/// A network by points to be asked for a view.
pub struct PointsRequest {
    /// Which view asks; a newer request of the same view replaces this one.
    pub view: u64,
    /// Name of the model: one that is loaded already under this name is used again.
    pub model: String,
    /// Loads the model; called on the worker's thread.
    pub load: Box<dyn FnOnce(&BurnDevice) -> Result<VolumeModel, AiError> + Send>,
    /// Gives the volume; called on the worker's thread.
    pub volume: Box<dyn FnOnce() -> Result<Volume, AiError> + Send>,
    /// The points.
    pub points: Points,
    /// Stops it.
    pub cancel: CancelToken,
    /// Told how it ended, on the worker's thread; dropped when it was cancelled.
    pub tell: Box<dyn FnOnce(Result<PointsAnswer, AiError>) + Send>,
}

/// The answer of a network by points.
#[derive(Debug)]
pub struct PointsAnswer {
    /// What it says.
    pub found: Prompted,
    /// Which network says it.
    pub identity: ModelIdentity,
}

/// A mask of a volume proposed by a network.
#[derive(Clone, Debug)]
pub struct VolumeProposal {
    /// The mask.
    pub segmented: SegmentedVolume,
    /// What its numbers are.
    pub labels: Arc<[Label]>,
    /// Probability at which the model's card draws the line.
    pub threshold: f32,
    /// Where the result comes from.
    pub provenance: InferenceProvenance,
}

type Deliver = Arc<dyn Fn(Answer) + Send + Sync>;

enum Task {
    Frame(Request),
    Volume(VolumeRequest),
    Lesions(LesionRequest),
    Points(PointsRequest),
}

impl Task {
    const fn view(&self) -> u64 {
        match self {
            Self::Frame(request) => request.view,
            Self::Volume(request) => request.view,
            Self::Lesions(request) => request.view,
            Self::Points(request) => request.view,
        }
    }
}

struct Job {
    ticket: Ticket,
    view: u64,
    task: Task,
    cancel: CancelToken,
}

#[derive(Default)]
struct State {
    /// In the order of arrival; one per view.
    waiting: Vec<Job>,
    running: Option<(Ticket, u64, CancelToken)>,
    issued: u64,
    closed: bool,
}

struct Shared {
    state: Mutex<State>,
    ready: Condvar,
    deliver: Deliver,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a view's requests out of the way and answers them.
    fn drop_view(&self, view: u64) {
        let mut state = self.lock();
        let mut gone = Vec::new();
        state.waiting.retain(|job| {
            let stays = job.view != view;
            if !stays {
                gone.push(job.ticket);
            }
            stays
        });
        if state
            .running
            .as_ref()
            .is_some_and(|(_, running, _)| *running == view)
            && let Some((ticket, _, cancel)) = state.running.take()
        {
            cancel.cancel();
            gone.push(ticket);
        }
        drop(state);
        for ticket in gone {
            self.answer(ticket, view, Outcome::Cancelled);
        }
    }

    fn answer(&self, ticket: Ticket, view: u64, outcome: Outcome) {
        (self.deliver)(Answer {
            ticket,
            view,
            outcome,
        });
    }
}

/// The worker; dropping it cancels everything and waits for the current block of layers.
pub struct NetworkWorker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl NetworkWorker {
    /// Starts the thread. `deliver` is called from it, or from the thread that cancels; it must not block.
    pub fn start(
        device: BurnDevice,
        registry: Registry,
        deliver: impl Fn(Answer) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            ready: Condvar::new(),
            deliver: Arc::new(deliver),
        });
        let theirs = Arc::clone(&shared);
        let thread = spawn_named("networks", move || work(&theirs, &device, &registry))?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// Asks for a mask. An older request of the same view is cancelled.
    pub fn request(&self, request: Request) -> Ticket {
        self.put(Task::Frame(request), CancelToken::default())
    }

    /// Asks for a mask of a volume. An older request of the same view is cancelled.
    pub fn request_volume(&self, request: VolumeRequest) -> Ticket {
        let cancel = request.conduct.cancel.clone();
        self.put(Task::Volume(request), cancel)
    }

    /// Asks for the lesions of a volume. An older request of the same view is cancelled.
    pub fn request_lesions(&self, request: LesionRequest) -> Ticket {
        let cancel = request.cancel.clone();
        self.put(Task::Lesions(request), cancel)
    }

    /// Asks a network by points. An older request of the same view is cancelled.
    pub fn request_points(&self, request: PointsRequest) -> Ticket {
        let cancel = request.cancel.clone();
        self.put(Task::Points(request), cancel)
    }

    fn put(&self, task: Task, cancel: CancelToken) -> Ticket {
        let view = task.view();
        self.shared.drop_view(view);
        let mut state = self.shared.lock();
        state.issued += 1;
        let ticket = Ticket(state.issued);
        state.waiting.push(Job {
            ticket,
            view,
            task,
            cancel,
        });
        self.shared.ready.notify_one();
        ticket
    }

    /// Cancels what a view asked for; answered before this returns.
    pub fn cancel(&self, view: u64) {
        self.shared.drop_view(view);
    }

    /// Whether anything waits or runs.
    pub fn is_busy(&self) -> bool {
        let state = self.shared.lock();
        state.running.is_some() || !state.waiting.is_empty()
    }
}

impl Drop for NetworkWorker {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.closed = true;
        let views: Vec<u64> = state
            .waiting
            .iter()
            .map(|job| job.view)
            .chain(state.running.as_ref().map(|(_, view, _)| *view))
            .collect();
        drop(state);
        for view in views {
            self.shared.drop_view(view);
        }
        self.shared.ready.notify_all();
        if let Some(thread) = self.thread.take() {
            // A panic outside of a job has nobody left to be told.
            let _ = thread.join();
        }
    }
}

fn work(shared: &Shared, device: &BurnDevice, registry: &Registry) {
    let mut loaded: BTreeMap<String, Loaded> = BTreeMap::new();
    // One at a time: these are large.
    let mut for_volumes: Option<(String, VolumeModel)> = None;
    let pool = device.pool();
    loop {
        let mut state = shared.lock();
        let job = loop {
            if state.closed {
                return;
            }
            if !state.waiting.is_empty() {
                break state.waiting.remove(0);
            }
            state = shared
                .ready
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        };
        let (ticket, view) = (job.ticket, job.view);
        state.running = Some((ticket, view, job.cancel.clone()));
        drop(state);
        let run = || match job.task {
            Task::Frame(request) => propose(&request, &job.cancel, device, registry, &mut loaded),
            Task::Volume(request) => propose_volume(request, device, &mut for_volumes)
                .map(|proposal| Outcome::Volume(Box::new(proposal))),
            // It is told by itself, so nobody waits for the answer of this view.
            Task::Lesions(request) => {
                look_through(request, device, registry);
                Ok(Outcome::Cancelled)
            }
            Task::Points(request) => {
                ask_by_points(request, device, &mut for_volumes);
                Ok(Outcome::Cancelled)
            }
        };
        let result = catch_unwind(AssertUnwindSafe(|| match &pool {
            Some(pool) => pool.install(run),
            None => run(),
        }));
        let outcome = match result {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(AiError::Cancelled)) => Outcome::Cancelled,
            Ok(Err(error)) => Outcome::Failed(error),
            Err(_) => {
                // Whatever state the models are in, they are not used again.
                loaded.clear();
                for_volumes = None;
                Outcome::Failed(AiError::Compute(
                    "the computation stopped with a defect".into(),
                ))
            }
        };
        // Whoever cancelled has taken the job away and answered it.
        let mine = shared
            .lock()
            .running
            .take_if(|(running, _, _)| *running == ticket);
        if mine.is_some() {
            shared.answer(ticket, view, outcome);
        }
    }
}

fn propose(
    request: &Request,
    cancel: &CancelToken,
    device: &BurnDevice,
    registry: &Registry,
    loaded: &mut BTreeMap<String, Loaded>,
) -> Result<Outcome, AiError> {
    if let Some(method) = request.explain.filter(|m| !m.is_of_masks()) {
        let proposal = answer::of_class(request, method, (device, registry), cancel)?;
        return Ok(Outcome::Done(Box::new(proposal)));
    }
    if !loaded.contains_key(&request.model) {
        let model = registry.load(&request.model)?;
        let ready = if model.card.classifier.is_some() {
            Loaded::Classes(Box::new(Classifier::new(&model, registry, device)?))
        } else {
            Loaded::Masks(Box::new(Segmenter::new(&model, device)?))
        };
        loaded.insert(request.model.clone(), ready);
    }
    let input = FrameInput {
        frame: &request.frame,
        modality_lut: &request.modality_lut,
        padding: request.padding,
        inverted: request.inverted,
    };
    match loaded.get(&request.model) {
        Some(Loaded::Masks(segmenter)) => mask((request, cancel), segmenter, input, device),
        Some(Loaded::Classes(classifier)) => class((request, cancel), classifier, input, device),
        None => Err(AiError::UnknownModel(request.model.clone())),
    }
}

fn provenance(
    model: ModelIdentity,
    device: &BurnDevice,
    start: Instant,
    request: &Request,
    mean_probability: Option<f32>,
) -> InferenceProvenance {
    InferenceProvenance {
        model,
        device: device.name().to_owned(),
        seconds: start.elapsed().as_secs_f64(),
        finished: jiff::Timestamp::now()
            .strftime("%Y-%m-%dT%H:%M:%SZ")
            .to_string(),
        input_uid: request.input_uid.clone(),
        mean_probability,
    }
}

fn class(
    (request, cancel): (&Request, &CancelToken),
    classifier: &Classifier,
    input: FrameInput<'_>,
    device: &BurnDevice,
) -> Result<Outcome, AiError> {
    let start = Instant::now();
    let found = classifier.run(input, cancel)?;
    Ok(Outcome::Classified(Box::new(ClassAnswer {
        classes: classifier.classes().clone(),
        provenance: provenance(classifier.identity(), device, start, request, None),
        findings: found.findings.clone(),
        found,
    })))
}

fn mask(
    (request, cancel): (&Request, &CancelToken),
    segmenter: &Segmenter,
    input: FrameInput<'_>,
    device: &BurnDevice,
) -> Result<Outcome, AiError> {
    let start = Instant::now();
    let (segmented, explanation) = match request.explain {
        Some(method) => answer::of_mask(segmenter, input, method, cancel)?,
        None => (segmenter.run(input, cancel)?, None),
    };
    let mut made = provenance(segmenter.identity(), device, start, request, None);
    let mask = match request.to_measure {
        true => MaskOutput::Cpu(readback::read_back(&segmented.probability)?),
        false => segmented.probability.share()?,
    };
    let threshold = segmenter.card().input.threshold;
    let mut findings = segmented.findings;
    if let (MaskOutput::Cpu(map), None) = (&mask, request.explain) {
        made.mean_probability = ProbabilityMap::mean_inside(map, threshold);
        findings.extend(scope::plausibility(map, threshold));
    }
    Ok(Outcome::Done(Box::new(Proposal {
        mask,
        frame_from_probability: segmented.frame_from_probability,
        threshold,
        provenance: made,
        explanation,
        findings,
    })))
}

/// Looks for lesions and tells what came of it, a defect too.
fn look_through(request: LesionRequest, device: &BurnDevice, registry: &Registry) {
    let LesionRequest {
        model,
        layout,
        volume,
        progress,
        cancel,
        tell,
        ..
    } = request;
    let find = || -> Result<LesionAnswer, AiError> {
        let model = registry.load(&model)?;
        let (about, own) = (&model.card.about, model.card.scope.as_ref());
        let findings = match scope::volume_scope(&layout, about, own) {
            Ok(findings) => findings,
            Err(reason) => return Ok(LesionAnswer::Refused(reason)),
        };
        let finder = LesionFinder::new(&model, device)?;
        let grid = HounsfieldGrid::of(&volume()?)?;
        Ok(LesionAnswer::Found(Box::new(FoundLesions {
            lesions: finder.find(&grid, &cancel, &progress)?,
            identity: model.card.identity(),
            findings,
        })))
    };
    let found = catch_unwind(AssertUnwindSafe(find)).unwrap_or_else(|_| {
        let text = "the computation stopped with a defect";
        Err(AiError::Compute(text.into()))
    });
    match found {
        Err(AiError::Cancelled) => {}
        Ok(answer) => tell(answer),
        Err(error) => tell(LesionAnswer::Failed(error)),
    }
}

/// Has a model at hand under its name: the one before goes first.
fn at_hand<'a>(
    loaded: &'a mut Option<(String, VolumeModel)>,
    name: String,
    load: Box<dyn FnOnce(&BurnDevice) -> Result<VolumeModel, AiError> + Send>,
    device: &BurnDevice,
) -> Result<&'a VolumeModel, AiError> {
    if loaded.as_ref().is_none_or(|(known, _)| *known != name) {
        // The room of the old one is free before the new one comes.
        *loaded = None;
        *loaded = Some((name.clone(), load(device)?));
    }
    match loaded {
        Some((_, model)) => Ok(model),
        None => Err(AiError::UnknownModel(name)),
    }
}

/// Asks a network by points and tells what it says, a defect too.
fn ask_by_points(
    request: PointsRequest,
    device: &BurnDevice,
    loaded: &mut Option<(String, VolumeModel)>,
) {
    let PointsRequest {
        model: name,
        load,
        volume,
        points,
        cancel,
        tell,
        ..
    } = request;
    let ask = || {
        let model = at_hand(loaded, name, load, device)?;
        let found = prompted::answer(model, &volume()?, &points, device, &cancel)?;
        let identity = model.identity.clone();
        Ok(PointsAnswer { found, identity })
    };
    let found = catch_unwind(AssertUnwindSafe(ask));
    if found.is_err() {
        // Whatever state the model is in, it is not used again.
        *loaded = None;
    }
    let found = found.unwrap_or_else(|_| {
        let text = "the computation stopped with a defect";
        Err(AiError::Compute(text.into()))
    });
    match found {
        Err(AiError::Cancelled) => {}
        answer => tell(answer),
    }
}

fn propose_volume(
    request: VolumeRequest,
    device: &BurnDevice,
    loaded: &mut Option<(String, VolumeModel)>,
) -> Result<VolumeProposal, AiError> {
    let VolumeRequest {
        model: name,
        load,
        volume,
        input_uid,
        conduct,
        mut tell,
        ..
    } = request;
    let model = at_hand(loaded, name, load, device)?;
    let start = Instant::now();
    let volume = volume()?;
    let mut told = |news: News<'_>| tell(news, model);
    let segmented = segment_volume(model, &volume, device, &conduct, &mut told)?;
    Ok(VolumeProposal {
        labels: model.labels.clone().into(),
        threshold: model.threshold,
        provenance: InferenceProvenance {
            model: model.identity.clone(),
            device: device.name().to_owned(),
            seconds: start.elapsed().as_secs_f64(),
            finished: jiff::Timestamp::now()
                .strftime("%Y-%m-%dT%H:%M:%SZ")
                .to_string(),
            input_uid,
            mean_probability: None,
        },
        segmented,
    })
}

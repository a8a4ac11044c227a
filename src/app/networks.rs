//! Segmentation from the window: the network worker, its device, and the way of its masks onto the screen.

use super::volume_networks::{self, Running};
use crate::{
    ai::{
        self,
        device::BurnDevice,
        infer::MaskOutput,
        registry::{CHEST_TB, LUNG_FIELDS, Registry},
        scope, thorax,
        worker::{Answer, ClassAnswer, NetworkWorker, Outcome, Proposal, Request},
    },
    console::DeviceChoice,
    gpu::GpuContext,
    model::{
        annotation::{Annotation, Author, MarkKind, PointSpace, Shape},
        explanation::Method,
        finding::Finding,
        layout::FrameRef,
    },
    render::overlay,
    task::spawn_named,
    workspace::{
        Workspace,
        classes::{ClassOutcome, ClassShown},
        display::FrameState,
        event::Event,
        explaining::{ExplanationDisplay, ExplanationOutcome},
        jobs::JobId,
        masks::{FrameKey, MaskDisplay, MaskOutcome},
        measuring::{self, mark_on},
    },
};
use glam::{DVec2, DVec3};
use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

/// What is asked for, by view.
struct Asked {
    job: JobId,
    frame: FrameKey,
    /// What the scope of the model says of the picture.
    findings: Vec<Finding>,
    want: Want,
}

/// What is wanted of an answer.
enum Want {
    /// A mask over the frame.
    Mask,
    /// The ratio of heart and thorax: this mark, with its points.
    Ratio(Box<Annotation>),
    /// Where the mask is in doubt, or what the class was decided by.
    Explanation(Method),
    /// Its class.
    Class,
}

type Pending = Arc<Mutex<HashMap<u64, Asked>>>;

/// The line to the network worker; nothing is loaded before the first request.
pub struct Networks {
    choice: DeviceChoice,
    first_choice: DeviceChoice,
    pub(super) worker: Option<NetworkWorker>,
    pending: Pending,
    volumes: Arc<Mutex<HashMap<u64, Running>>>,
    /// Where imported models are.
    pub(super) models_folder: Option<PathBuf>,
    views: u64,
}

impl Networks {
    /// Remembers where networks run; burn is touched at the first request.
    pub fn new(choice: DeviceChoice, models_folder: Option<PathBuf>) -> Self {
        Self {
            choice,
            first_choice: match choice {
                DeviceChoice::Cpu => DeviceChoice::Auto,
                other => other,
            },
            models_folder,
            volumes: Arc::default(),
            worker: None,
            pending: Pending::default(),
            views: 0,
        }
    }

    /// Lets networks run on the CPU, or where they ran before; whether it is the CPU now. What runs is cancelled.
    pub fn toggle_cpu(&mut self) -> bool {
        self.choice = match self.choice {
            DeviceChoice::Cpu => self.first_choice,
            DeviceChoice::Auto | DeviceChoice::Gpu => DeviceChoice::Cpu,
        };
        if let Some(worker) = self.worker.take() {
            // It waits for its piece of work, which a device in trouble may not end soon.
            let _ = spawn_named("networks-end", move || drop(worker));
        }
        self.choice == DeviceChoice::Cpu
    }

    /// Segments the lungs of the active frame.
    pub fn segment(&mut self, workspace: &mut Workspace) {
        self.ask(workspace, |_| Want::Mask);
    }

    /// Shows where the mask of the active frame is in doubt, or what its class was decided by.
    pub fn explain(&mut self, workspace: &mut Workspace, method: Method) {
        self.ask(workspace, |_| Want::Explanation(method));
    }

    /// Measures heart and thorax of the active frame from its lung fields.
    pub fn cardiothoracic(&mut self, workspace: &mut Workspace) {
        self.ask(workspace, |reference| {
            Want::Ratio(Box::new(ratio_mark(reference)))
        });
    }

    /// Tells whether the active frame shows tuberculosis or is normal.
    pub fn classify(&mut self, workspace: &mut Workspace) {
        self.ask(workspace, |_| Want::Class);
    }

    fn ask(&mut self, workspace: &mut Workspace, want: impl FnOnce(&FrameRef) -> Want) {
        let cell = workspace.active;
        let Some(frame_key) = workspace.frame_key(cell) else {
            return;
        };
        let Some(viewport) = workspace.viewports.get(cell) else {
            return;
        };
        let Some(display) = viewport.display.clone() else {
            return;
        };
        let index = viewport.frame_shown();
        let (Some(reference), FrameState::Loaded(frame)) = (
            display.layout.frames.get(index).cloned(),
            display.frame(index),
        ) else {
            workspace.notify("badge-ai-failed", "the frame is not decoded yet".into());
            return;
        };
        let Some(image) = reference.instance.image.as_ref() else {
            return;
        };
        let findings = match scope::scope_check(&reference.instance) {
            Ok(findings) => findings,
            Err(refused) => {
                workspace.notify("badge-ai-refused", refused.sentence);
                return;
            }
        };
        if let Err(error) = self.start(workspace) {
            workspace.notify("badge-ai-failed", error);
            return;
        }
        let view = self.next_view();
        let want = want(&reference);
        let (word, explain) = match want {
            Want::Explanation(method) => ("job-explaining", Some(method)),
            Want::Class => ("job-classifying", None),
            Want::Mask | Want::Ratio(_) => ("job-segmenting", None),
        };
        let to_measure = matches!(want, Want::Ratio(_));
        // What a class was decided by is asked of the model that tells the class beside the picture.
        let model = match want {
            Want::Class => CHEST_TB,
            Want::Explanation(method) if !method.is_of_masks() => CHEST_TB,
            Want::Mask | Want::Ratio(_) | Want::Explanation(_) => LUNG_FIELDS,
        };
        let job = workspace.jobs.start(word);
        let asked = Asked {
            job: job.id,
            frame: frame_key,
            findings,
            want,
        };
        self.lock().insert(view, asked);
        let request = Request {
            view,
            model: model.to_owned(),
            frame,
            modality_lut: image.frame(reference.frame).modality_lut.clone(),
            padding: image.padding,
            inverted: image.lowest_is_white(),
            input_uid: reference.instance.sop_instance_uid.clone(),
            to_measure,
            explain,
        };
        if let Some(worker) = &self.worker {
            worker.request(request);
        }
    }

    /// Stops what the user cancelled. Acknowledged at once; what is still computed is thrown away.
    pub fn obey(&self, workspace: &Workspace) {
        self.obey_volumes(workspace);
        let Some(worker) = &self.worker else { return };
        let cancelled: Vec<u64> = {
            let jobs = workspace.jobs.running();
            let stop = |id: JobId| jobs.iter().any(|j| j.id == id && j.cancel.is_cancelled());
            self.lock()
                .iter()
                .filter(|(_, p)| stop(p.job))
                .map(|(view, _)| *view)
                .collect()
        };
        for view in cancelled {
            worker.cancel(view);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Asked>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The volumes that are being segmented.
    pub(super) fn volumes(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Running>> {
        self.volumes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number for a request.
    pub(super) const fn next_view(&mut self) -> u64 {
        self.views += 1;
        self.views
    }

    /// Starts the worker, at the first request.
    pub(super) fn start(&mut self, workspace: &Workspace) -> Result<(), String> {
        if self.worker.is_some() {
            return Ok(());
        }
        let gpu = workspace.gpu.clone();
        let device = self.device(&gpu).map_err(|e| e.to_string())?;
        // burn brought its own handler, which panics; ours logs.
        gpu.install_error_handler();
        let pending = self.pending.clone();
        let volumes = self.volumes.clone();
        let (events, waker) = (workspace.sender(), workspace.waker.clone());
        let deliver = move |answer: Answer| {
            let running = volumes
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(&answer.view);
            if let Some(running) = running {
                let outcome = match answer.outcome {
                    Outcome::Volume(proposal) => Ok(proposal),
                    Outcome::Failed(error) => Err(error),
                    Outcome::Cancelled | Outcome::Done(_) | Outcome::Classified(_) => {
                        Err(ai::AiError::Cancelled)
                    }
                };
                let _ = events.send(volume_networks::ended(&running, outcome));
                waker.wake("mask");
                return;
            }
            let entry = pending
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(&answer.view);
            let Some(asked) = entry else {
                return;
            };
            let event = answered(&gpu, asked, answer.outcome);
            let _ = events.send(event);
            waker.wake("mask");
        };
        let worker =
            NetworkWorker::start(device, Registry::new(self.models_folder.clone()), deliver)
                .map_err(|e| e.to_string())?;
        self.worker = Some(worker);
        Ok(())
    }

    fn device(&self, gpu: &GpuContext) -> Result<BurnDevice, ai::AiError> {
        let GpuContext {
            instance,
            adapter,
            device,
            queue,
            ..
        } = gpu;
        match self.choice {
            DeviceChoice::Cpu => Ok(BurnDevice::flex()),
            DeviceChoice::Gpu => ai::device::join(instance, adapter, device, queue),
            DeviceChoice::Auto => ai::device::auto(instance, adapter, device, queue),
        }
        .map(|device| device.with_context(gpu))
    }
}

/// What the workspace is told of an answer.
fn answered(gpu: &GpuContext, asked: Asked, outcome: Outcome) -> Event {
    let Asked {
        job,
        frame,
        findings,
        want,
    } = asked;
    let proposal = match outcome {
        Outcome::Cancelled | Outcome::Volume(_) => return Event::JobEnded(job),
        Outcome::Done(proposal) => Ok(*proposal),
        Outcome::Classified(answer) => {
            let mut shown = *answer;
            shown.findings.splice(0..0, findings);
            return Event::Classified(Box::new(ClassOutcome {
                job,
                frame,
                result: Ok(class_shown(shown)),
            }));
        }
        Outcome::Failed(error) => Err(("badge-ai-failed", error.to_string())),
    };
    let failed = |e| ("badge-ai-failed", e);
    match want {
        Want::Ratio(mark) => Event::ProposedMark {
            job,
            result: proposal
                .and_then(|p| contained(|| measured(*mark, &p)))
                .map(Box::new),
        },
        // A model that draws masks has no opinion on classes; what it drew is thrown away.
        Want::Class => Event::Classified(Box::new(ClassOutcome {
            job,
            frame,
            result: Err(match proposal {
                Err(error) => error,
                Ok(_) => failed(String::new()),
            }),
        })),
        Want::Mask => Event::Mask(Box::new(MaskOutcome {
            job,
            frame,
            result: proposal.and_then(|p| contained(|| display(gpu, p, findings).map_err(failed))),
        })),
        Want::Explanation(_) => Event::Explained(Box::new(ExplanationOutcome {
            job,
            frame,
            result: proposal.and_then(|p| {
                contained(|| {
                    let facts = p.explanation.clone().ok_or_else(|| failed(String::new()))?;
                    let mask = display(gpu, p, findings).map_err(failed)?;
                    Ok(ExplanationDisplay {
                        buffer: mask.buffer,
                        map_from_pixel: mask.map_from_pixel,
                        facts,
                        provenance: mask.provenance,
                        findings: mask.findings,
                        uploaded: mask.uploaded,
                    })
                })
            }),
        })),
    }
}

/// A message key and an identity-free detail.
type Failure = (&'static str, String);

/// What is done with an answer on the network's thread: a fault ends this job and not the thread.
fn contained<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    let fault = || ("badge-ai-failed", "a fault of the program".to_owned());
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(fault()))
}

/// An answer as the panel shows it.
fn class_shown(answer: ClassAnswer) -> ClassShown {
    let figure = answer
        .classes
        .figures
        .iter()
        .find(|f| f.subset == "all" && f.figure == "auroc");
    let auroc = figure.and_then(|f| Some([f.value, f.low?, f.high?]));
    ClassShown {
        probability: answer.found.probability,
        abstain: answer.classes.abstain,
        abstained: answer.found.abstained,
        positive: answer.classes.positive,
        negative: answer.classes.negative,
        prevalence: answer.classes.prevalence,
        auroc,
        provenance: answer.provenance,
        findings: answer.findings,
    }
}

/// The mark that will hold the ratio; its points are found later.
fn ratio_mark(reference: &FrameRef) -> Annotation {
    mark_on(
        measuring::site::target_of(reference),
        PointSpace::Pixel,
        Shape::new(MarkKind::CardiothoracicRatio, Vec::new()),
    )
}

/// The widths that the lung fields show.
fn measured(mut mark: Annotation, proposal: &Proposal) -> Result<Annotation, Failure> {
    let MaskOutput::Cpu(map) = &proposal.mask else {
        return Err(("badge-ai-failed", String::new()));
    };
    // The map covers the whole frame, outer edges on outer edges.
    let edge = DVec2::new(map.columns as f64 - 0.5, map.rows as f64 - 0.5);
    let edge = proposal.frame_from_probability.transform_point2(edge) + 0.5;
    let size = [edge.y, edge.x].map(|n| n.round().max(1.0) as usize);
    let found = thorax::frame_widths(map, size, proposal.threshold)
        .map_err(|error| ("badge-ai-failed", error.to_string()))?;
    // A width lies across the film: its borders are met in different rows, and a slanted line would be longer.
    let [right, left] = found.heart;
    let row = 0.5 * (right[1] + left[1]);
    let heart = [[right[0], row], [left[0], row]];
    let ends = heart.into_iter().chain(found.thorax);
    mark.shape.points = ends.map(|[x, y]| DVec3::new(x, y, 0.0)).collect();
    mark.author = Author::Model {
        id: proposal.provenance.model.id.clone(),
        version: proposal.provenance.model.version.clone(),
    };
    Ok(mark)
}

/// A proposal as the screen shows it. On the GPU its buffer is taken as it is; from the CPU it is uploaded once.
fn display(
    gpu: &GpuContext,
    proposal: Proposal,
    mut findings: Vec<Finding>,
) -> Result<MaskDisplay, String> {
    let (buffer, uploaded) = match proposal.mask {
        MaskOutput::Gpu(buffer) => (buffer, false),
        MaskOutput::Cpu(map) => {
            let buffer = overlay::upload_probabilities(gpu, [map.rows, map.columns], &map.values)
                .map_err(|e| e.to_string())?;
            (buffer, true)
        }
    };
    findings.extend(proposal.findings);
    Ok(MaskDisplay {
        buffer,
        map_from_pixel: proposal.frame_from_probability.inverse(),
        provenance: proposal.provenance,
        findings,
        uploaded,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_the_answer_to_its_own_request() {
        let fault = |fails: bool| {
            contained(|| {
                assert!(!fails, "this one fails");
                Ok::<_, Failure>(5)
            })
        };
        assert_eq!(fault(false), Ok(5));
        assert_eq!(fault(true).map_err(|e| e.0), Err("badge-ai-failed"));
    }
}

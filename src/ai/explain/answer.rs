//! Explanations as the window asks for them: in the place of a mask, on the thread that owns burn.

use super::{Explanation, classes::ClassExplainer, uncertainty};
use crate::{
    ai::{
        AiError, BurnDevice,
        infer::{Segmented, Segmenter},
        preprocess::FrameInput,
        registry::Registry,
        worker::{Proposal, Request},
    },
    model::{
        explanation::{ExplanationFacts, Method},
        inference::InferenceProvenance,
    },
    task::CancelToken,
};
use std::time::Instant;

fn facts(explanation: &Explanation) -> ExplanationFacts {
    ExplanationFacts {
        method: explanation.method,
        scale: explanation.scale,
        class: None,
        probability: None,
        missed: explanation.completeness.map(|c| c.error()),
    }
}

/// The doubt about a mask in the place of the mask.
pub(in crate::ai) fn of_mask(
    segmenter: &Segmenter,
    input: FrameInput<'_>,
    method: Method,
    cancel: &CancelToken,
) -> Result<(Segmented, Option<ExplanationFacts>), AiError> {
    let (explanation, segmented) = match method {
        Method::Disagreement => {
            let [straight, mirrored] = segmenter.run_both(input, cancel)?;
            let map = uncertainty::disagreement(&straight.probability, &mirrored.probability);
            (map, straight)
        }
        Method::Entropy => {
            let segmented = segmenter.run(input, cancel)?;
            (uncertainty::entropy(&segmented.probability), segmented)
        }
        Method::GradCam | Method::IntegratedGradients | Method::Occlusion => {
            let text = "this method is about classes, and the model draws masks";
            return Err(AiError::Compute(text.into()));
        }
    };
    let facts = facts(&explanation);
    let probability = explanation.map;
    Ok((
        Segmented {
            probability,
            ..segmented
        },
        Some(facts),
    ))
}

/// What a class was decided by. The network is built for it: maps are asked for seldom, and one with automatic
/// differentiation need not wait beside the one that only answers.
pub(in crate::ai) fn of_class(
    request: &Request,
    method: Method,
    (device, registry): (&BurnDevice, &Registry),
    cancel: &CancelToken,
) -> Result<Proposal, AiError> {
    let start = Instant::now();
    let explainer = ClassExplainer::new(&registry.load(&request.model)?, registry, device)?;
    let input = FrameInput {
        frame: &request.frame,
        modality_lut: &request.modality_lut,
        padding: request.padding,
        inverted: request.inverted,
    };
    let found = explainer.run(input, method, cancel)?;
    Ok(Proposal {
        mask: found.explanation.map.share()?,
        frame_from_probability: found.frame_from_map,
        threshold: 0.0,
        provenance: InferenceProvenance {
            model: explainer.identity().clone(),
            device: device.name().to_owned(),
            seconds: start.elapsed().as_secs_f64(),
            finished: jiff::Timestamp::now()
                .strftime("%Y-%m-%dT%H:%M:%SZ")
                .to_string(),
            input_uid: request.input_uid.clone(),
            mean_probability: None,
        },
        explanation: Some(ExplanationFacts {
            class: Some(found.class),
            probability: Some(found.probability),
            ..facts(&found.explanation)
        }),
        findings: found.findings,
    })
}

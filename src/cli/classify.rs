//! `negatoscope classify`.

use super::{
    Common, Exit, Output, explain,
    inspect::in_pool,
    models::registry_of,
    segment::{self, Refusal, device_of, ended, read_input, refusal},
};
use crate::{
    ai::classes::{Classified, Classifier},
    model::inference::AI_NOTICE,
    task::CancelToken,
};
use clap::Args;
use std::{path::PathBuf, time::Instant};

/// Arguments of `classify`.
#[derive(Debug, Args)]
pub struct ClassifyArgs {
    /// The picture: DICOM, PNG or JPEG
    path: PathBuf,
    /// Id of a model, or a model file
    #[arg(long, value_name = "ID|FILE")]
    model: String,
    /// Frame, counted from 1
    #[arg(long, default_value_t = 1, value_name = "N")]
    frame: usize,
    /// Run although the picture is out of the model's scope; the reason stays a finding
    #[arg(long)]
    ignore_scope: bool,
    /// Write what the class was decided by as colours over the picture (Grad-CAM); `explain` has other methods
    #[arg(long, value_name = "FILE.png")]
    explain: Option<PathBuf>,
}

/// Runs `classify`.
pub fn run(args: &ClassifyArgs, common: &Common, out: &mut Output) -> Exit {
    let done = in_pool(common, || classify(args, common, out));
    ended(done, &args.path, common, out)
}

fn classify(args: &ClassifyArgs, common: &Common, out: &mut Output) -> Result<(), Refusal> {
    let model = segment::find_model(&args.model, common)?;
    let device = device_of(common)?;
    let classifier = Classifier::new(&model, &registry_of(common), &device).map_err(refusal)?;
    let mut input = read_input(
        &args.path,
        args.frame,
        args.ignore_scope,
        &model.card.scope(),
        common,
    )?;
    let start = Instant::now();
    let found = classifier
        .run(input.frame_input(), &CancelToken::default())
        .map_err(refusal)?;
    let seconds = start.elapsed().as_secs_f64();
    input.findings.extend(found.findings.iter().cloned());
    if let Some(out) = &args.explain {
        explain::write_class_map(out, &model, &mut input, &device, common)?;
    }
    report(
        args,
        common,
        &classifier,
        &input,
        &found,
        (device.name(), seconds),
        out,
    );
    Ok(())
}

fn report(
    args: &ClassifyArgs,
    common: &Common,
    classifier: &Classifier,
    input: &segment::Input,
    found: &Classified,
    (device, seconds): (&str, f64),
    out: &mut Output,
) {
    let (what, identity) = (classifier.classes(), classifier.identity());
    let answer = found.answer(what);
    if common.json {
        let findings: Vec<_> = input
            .findings
            .iter()
            .map(|f| serde_json::json!({"code": f.code, "severity": f.severity.word(), "sentence": f.sentence}))
            .collect();
        let area = found
            .area
            .map(|a| serde_json::json!({"columns": a.columns, "rows": a.rows}));
        out.json(&serde_json::json!({
            "path": args.path.display().to_string(),
            "outcome": "ok",
            "finding": what.positive,
            "probability": (found.probability * 1e4).round() / 1e4,
            "calibrated": true,
            "calibration_prevalence": (what.prevalence * 1e3).round() / 1e3,
            "abstained": found.abstained,
            "abstention_band": what.abstain,
            "answer": answer,
            "looked_at": area,
            "rows": input.frame.rows,
            "columns": input.frame.columns,
            "model": identity.id,
            "version": identity.version,
            "sha256": identity.sha256,
            "trained": identity.trained,
            "device": device,
            "seconds": seconds,
            "finished": common.now(),
            "input_uid": input.uid,
            "findings": findings,
            "explanation": args.explain.as_ref().map(|p| p.display().to_string()),
            "notice": AI_NOTICE,
        }));
        return;
    }
    let percent = 100.0 * found.probability;
    out.line(match answer {
        Some(answer) => format!("{answer}: probability of {} {percent:.0} %", what.positive),
        None => format!(
            "no answer: probability of {} {percent:.0} %, too near one half",
            what.positive
        ),
    });
    out.line(format!(
        "calibrated where {:.0} % of the patients have it; where fewer have, the probability is lower",
        100.0 * what.prevalence
    ));
    out.line(format!(
        "{} {} on {device} in {seconds:.2} s",
        identity.id, identity.version
    ));
    for finding in &input.findings {
        out.line(format!("{}: {}", finding.severity.word(), finding.sentence));
    }
    out.line(AI_NOTICE);
}

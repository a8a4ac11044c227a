//! `negatoscope explain`.

use super::{
    Common, Exit, Output,
    inspect::in_pool,
    models::registry_of,
    segment::{Input, Refusal, device_of, ended, find_model, read_input, refusal},
};
use crate::{
    ai::{
        BurnDevice,
        explain::{Completeness, Explanation, classes::ClassExplainer, uncertainty},
        infer::{Segmenter, frame_from_grid},
        readback::{ProbabilityMap, read_back},
        registry::{self, Model},
    },
    formats::png::write_noted_picture,
    imaging::{overlay, resample, window::modality_value},
    model::{
        explanation::Method,
        inference::{AI_NOTICE, ModelIdentity},
        view::OverlayStyle,
    },
    task::CancelToken,
};
use clap::Args;
use glam::{DAffine2, DVec2};
use std::{
    path::{Path, PathBuf},
    time::Instant,
};

/// Longest side of the picture that is written.
const MOST_SIDE: usize = 1024;

/// Height of the bar of colours below the picture, pixels.
const BAR: usize = 24;

/// Share of the darkest and of the brightest pixels that become black and white.
const CLIPPED: f64 = 0.005;

/// Opacity of the strongest colour where nothing else is asked for.
const OPACITY: f32 = 0.6;

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// The picture: DICOM, PNG or JPEG
    path: PathBuf,
    /// Id of a model, or a model file
    #[arg(long, value_name = "ID|FILE", default_value = registry::LUNG_FIELDS)]
    model: String,
    /// How: grad-cam, integrated-gradients or occlusion for classes, entropy or disagreement for masks (default:
    /// grad-cam or entropy)
    #[arg(long, value_name = "NAME", value_parser = parse_method)]
    method: Option<Method>,
    /// The picture to write: the map over the picture, its colours below
    #[arg(long, value_name = "FILE.png")]
    out: PathBuf,
    /// Opacity of the strongest colour, 0 to 1
    #[arg(long, value_name = "P", default_value_t = OPACITY, value_parser = parse_opacity)]
    opacity: f32,
    /// Frame, counted from 1
    #[arg(long, default_value_t = 1, value_name = "N")]
    frame: usize,
    /// Run although the picture is out of the model's scope; the reason stays a finding
    #[arg(long)]
    ignore_scope: bool,
}

fn parse_method(text: &str) -> Result<Method, String> {
    Method::named(text).ok_or_else(|| {
        let names = Method::ALL.map(Method::name);
        format!("`{text}` is none of {}", names.join(", "))
    })
}

fn parse_opacity(text: &str) -> Result<f32, String> {
    let value = text.parse::<f32>().ok();
    value
        .filter(|v| (0.0..=1.0).contains(v))
        .ok_or_else(|| format!("`{text}` does not lie within 0 and 1"))
}

/// Runs `explain`.
pub fn run(args: &ExplainArgs, common: &Common, out: &mut Output) -> Exit {
    let done = in_pool(common, || explain(args, common, out));
    ended(done, &args.path, common, out)
}

/// An answer with its map.
struct Explained {
    explanation: Explanation,
    map: ProbabilityMap,
    /// Frame pixel (column, row) from pixel of the map.
    frame_from_map: DAffine2,
    /// What the map is about, beside a mask.
    class: Option<ClassAnswer>,
}

/// The class that a map is about.
struct ClassAnswer {
    name: String,
    probability: f64,
}

fn explain(args: &ExplainArgs, common: &Common, out: &mut Output) -> Result<(), Refusal> {
    check_name(&args.out)?;
    let model = find_model(&args.model, common)?;
    let scope = model.card.scope();
    let mut input = read_input(&args.path, args.frame, args.ignore_scope, &scope, common)?;
    let device = device_of(common)?;
    let start = Instant::now();
    let found = match model.card.classifier {
        Some(_) => {
            let method = args.method.unwrap_or(Method::GradCam);
            of_class(method, &model, &mut input, &device, common)?
        }
        None => of_mask(args, &model, &mut input, &device)?,
    };
    let seconds = start.elapsed().as_secs_f64();
    let identity = model.card.identity();
    let look = (args.out.as_path(), args.opacity);
    write(look, &input, &found, &identity, common)?;
    report(
        args, common, &input, &found, &identity, &device, seconds, out,
    );
    Ok(())
}

fn of_mask(
    args: &ExplainArgs,
    model: &Model,
    input: &mut Input,
    device: &BurnDevice,
) -> Result<Explained, Refusal> {
    let method = args.method.unwrap_or(Method::Entropy);
    let segmenter = Segmenter::new(model, device).map_err(refusal)?;
    let cancel = CancelToken::default();
    let (explanation, findings) = match method {
        Method::Entropy => {
            let found = segmenter
                .run(input.frame_input(), &cancel)
                .map_err(refusal)?;
            (uncertainty::entropy(&found.probability), found.findings)
        }
        Method::Disagreement => {
            let both = segmenter.run_both(input.frame_input(), &cancel);
            let [a, b] = both.map_err(refusal)?;
            let map = uncertainty::disagreement(&a.probability, &b.probability);
            (map, a.findings)
        }
        Method::GradCam | Method::IntegratedGradients | Method::Occlusion => {
            let text = "this method is for models that tell classes; this one draws masks";
            return Err((Exit::Unsupported, text.into()));
        }
    };
    input.findings.extend(findings);
    let map = read_back(&explanation.map).map_err(refusal)?;
    let frame = [input.frame.rows, input.frame.columns];
    Ok(Explained {
        frame_from_map: frame_from_grid(frame, [map.rows, map.columns]),
        explanation,
        map,
        class: None,
    })
}

fn of_class(
    method: Method,
    model: &Model,
    input: &mut Input,
    device: &BurnDevice,
    common: &Common,
) -> Result<Explained, Refusal> {
    if method.is_of_masks() {
        let text = "this method is for models that draw masks; this one tells classes";
        return Err((Exit::Unsupported, text.into()));
    }
    let explainer = ClassExplainer::new(model, &registry_of(common), device).map_err(refusal)?;
    let found = explainer
        .run(input.frame_input(), method, &CancelToken::default())
        .map_err(refusal)?;
    let known: Vec<&str> = input.findings.iter().map(|f| f.code).collect();
    let new: Vec<_> = found
        .findings
        .into_iter()
        .filter(|f| !known.contains(&f.code))
        .collect();
    input.findings.extend(new);
    let map = read_back(&found.explanation.map).map_err(refusal)?;
    Ok(Explained {
        frame_from_map: found.frame_from_map,
        explanation: found.explanation,
        map,
        class: Some(ClassAnswer {
            name: found.class,
            probability: found.probability,
        }),
    })
}

/// Writes what a class was decided by, for `classify --explain`: Grad-CAM at the usual opacity.
pub(super) fn write_class_map(
    out: &Path,
    model: &Model,
    input: &mut Input,
    device: &BurnDevice,
    common: &Common,
) -> Result<(), Refusal> {
    check_name(out)?;
    let found = of_class(Method::GradCam, model, input, device, common)?;
    write(
        (out, OPACITY),
        input,
        &found,
        &model.card.identity(),
        common,
    )
}

fn check_name(out: &Path) -> Result<(), Refusal> {
    match crate::formats::png::is_png(out) {
        true => Ok(()),
        false => Err((Exit::Unsupported, "the picture is written as .png".into())),
    }
}

/// The picture in grey, at most [`MOST_SIDE`] pixels long, bright where more X-rays were stopped.
fn grey(input: &Input) -> Result<(Vec<u8>, [usize; 2]), Refusal> {
    let frame = &input.frame;
    let samples = frame.samples.max(1);
    let padding = |v: f64| {
        let range = input.padding;
        range.is_some_and(|p| v >= f64::from(p.low) && v <= f64::from(p.high))
    };
    let mut values: Vec<f32> = frame
        .values()
        .step_by(samples)
        .map(|stored| match padding(stored) {
            true => f32::NAN,
            false if input.inverted => -modality_value(stored, &input.modality_lut) as f32,
            false => modality_value(stored, &input.modality_lut) as f32,
        })
        .collect();
    let mut sorted: Vec<f32> = values.iter().copied().filter(|v| v.is_finite()).collect();
    sorted.sort_unstable_by(f32::total_cmp);
    let cut = (sorted.len() as f64 * CLIPPED) as usize;
    let low = sorted.get(cut).copied().unwrap_or_default();
    let high = sorted.iter().rev().nth(cut).copied().unwrap_or_default();
    for value in &mut values {
        let unit = (*value - low) / (high - low).max(f32::MIN_POSITIVE);
        *value = if unit.is_finite() {
            unit.clamp(0.0, 1.0)
        } else {
            0.0
        };
    }
    let longest = frame.rows.max(frame.columns).max(1);
    let fit = |side: usize| match longest > MOST_SIDE {
        true => (side * MOST_SIDE / longest).max(1),
        false => side,
    };
    let size = [fit(frame.rows), fit(frame.columns)];
    let small = resample::area(&values, [frame.rows, frame.columns], size)
        .map_err(|e| (Exit::Internal, e.to_string()))?;
    let codes = small.into_iter().map(|v| (v * 255.0).round() as u8);
    Ok((codes.collect(), size))
}

/// Writes the picture with the map over it, at an opacity.
fn write(
    (out, opacity): (&Path, f32),
    input: &Input,
    found: &Explained,
    model: &ModelIdentity,
    common: &Common,
) -> Result<(), Refusal> {
    let (codes, [rows, columns]) = grey(input)?;
    let mut picture: Vec<u8> = codes.iter().flat_map(|&v| [v, v, v, 255]).collect();
    let method = found.explanation.method;
    let style = OverlayStyle::explaining(method.palette(), opacity);
    // Pixel centres of the written picture lie at half-integers; outer edges meet those of the frame.
    let [wide, high] = [
        input.frame.columns as f64 / columns.max(1) as f64,
        input.frame.rows as f64 / rows.max(1) as f64,
    ];
    let frame_from_picture = DAffine2 {
        matrix2: glam::DMat2::from_diagonal(DVec2::new(wide, high)),
        translation: DVec2::splat(-0.5),
    };
    let map = overlay::ProbabilityMap {
        shape: [found.map.rows, found.map.columns],
        values: &found.map.values,
    };
    let too_large = || (Exit::Internal, "the picture is too large".to_owned());
    let size = [columns, rows].map(u32::try_from);
    let [Ok(width), Ok(height)] = size else {
        return Err(too_large());
    };
    let map_from_picture = found.frame_from_map.inverse() * frame_from_picture;
    overlay::draw_cpu(
        &mut picture,
        [width, height],
        &map,
        &style,
        &map_from_picture,
    );
    let mut rgb: Vec<u8> = picture
        .as_chunks::<4>()
        .0
        .iter()
        .flat_map(|[r, g, b, _]| [*r, *g, *b])
        .collect();
    rgb.extend(bar(columns, method));
    let bottom = height + u32::try_from(BAR).unwrap_or(0);
    let notes = [
        ("Comment", AI_NOTICE.to_owned()),
        (
            "Source",
            format!("{} {}, trained {}", model.id, model.version, model.trained),
        ),
        ("Title", method.name().to_owned()),
        ("Creation Time", common.now()),
    ];
    let color = image::ExtendedColorType::Rgb8;
    write_noted_picture(out, &rgb, [width, bottom], color, &notes).map_err(|error| {
        let text = format!("cannot write: {error}: {}", out.display());
        (Exit::Io, text)
    })
}

/// The colours from 0 at the left to 1 at the right, over black, below a black line.
fn bar(columns: usize, method: Method) -> Vec<u8> {
    let palette = method.palette();
    let mut out = Vec::with_capacity(3 * columns * BAR);
    for row in 0..BAR {
        for column in 0..columns {
            let [r, g, b, a] = palette.at(column as f64 / columns.saturating_sub(1).max(1) as f64);
            let shown = if row < 4 { 0.0 } else { a };
            out.extend([r, g, b].map(|v| (v * shown * 255.0).round() as u8));
        }
    }
    out
}

fn completeness_json(found: Option<Completeness>) -> serde_json::Value {
    found.map_or(serde_json::Value::Null, |c| {
        serde_json::json!({
            "sum": c.sum,
            "difference": c.difference,
            "missed_share": c.error(),
            "steps": c.steps,
        })
    })
}

fn report(
    args: &ExplainArgs,
    common: &Common,
    input: &Input,
    found: &Explained,
    model: &ModelIdentity,
    device: &BurnDevice,
    seconds: f64,
    out: &mut Output,
) {
    let e = &found.explanation;
    let unit = match e.method {
        Method::Entropy => "bits",
        Method::Disagreement => "probability",
        Method::GradCam | Method::IntegratedGradients | Method::Occlusion => "logits",
    };
    if common.json {
        let findings: Vec<_> = input
            .findings
            .iter()
            .map(|f| serde_json::json!({"code": f.code, "severity": f.severity.word(), "sentence": f.sentence}))
            .collect();
        out.json(&serde_json::json!({
            "path": args.path.display().to_string(),
            "outcome": "ok",
            "picture": args.out.display().to_string(),
            "model": model.id,
            "version": model.version,
            "sha256": model.sha256,
            "trained": model.trained,
            "method": e.method.name(),
            "signed": e.method.is_signed(),
            "map_rows": found.map.rows,
            "map_columns": found.map.columns,
            "scale": e.scale,
            "scale_unit": unit,
            "mean": mean_of(&found.map),
            "class": found.class.as_ref().map(|c| c.name.as_str()),
            "probability": found.class.as_ref().map(|c| c.probability),
            "logit": found.class.as_ref().map(|_| e.logit),
            "completeness": completeness_json(e.completeness),
            "device": device.name(),
            "seconds": seconds,
            "finished": common.now(),
            "input_uid": input.uid,
            "findings": findings,
            "notice": AI_NOTICE,
        }));
        return;
    }
    if let Some(class) = &found.class {
        out.line(format!(
            "{}: {:.1} %",
            class.name,
            class.probability * 100.0
        ));
    }
    out.line(format!(
        "{} of {} {}, strongest colour {:.3} {unit}, in {seconds:.2} s on {}",
        e.method.name(),
        model.id,
        model.version,
        e.scale,
        device.name()
    ));
    if let Some(c) = e.completeness {
        out.line(format!(
            "attributions sum to {:.4}, the answer differs by {:.4}: {:.2} % missed after {} steps",
            c.sum,
            c.difference,
            c.error() * 100.0,
            c.steps
        ));
    }
    for finding in &input.findings {
        out.line(format!("{}: {}", finding.severity.word(), finding.sentence));
    }
    out.line(AI_NOTICE);
}

fn mean_of(map: &ProbabilityMap) -> f64 {
    let sum: f64 = map.values.iter().map(|&v| f64::from(v)).sum();
    sum / map.values.len().max(1) as f64
}

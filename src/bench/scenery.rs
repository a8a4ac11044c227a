//! What stands in the window when it is measured: a made-up series, marks on it, a mask over it, studies in the list.

use super::{Failure, generate, people::dice};
use crate::{
    app::{AppError, Options, frames::Frames},
    console::{Common, Exit},
    i18n::Language,
    model::{
        annotation::{MarkKind, PointSpace, Shape},
        date::Date,
        edit::Edit,
        inference::{InferenceProvenance, ModelIdentity},
    },
    phantom::{demo, record as phantom_record},
    render::upload_probabilities,
    workspace::{
        Command, Workspace,
        masks::{self, MaskDisplay},
        measuring::mark_on,
        record_link::RecordState,
        settings::SideTab,
    },
};
use glam::{DAffine2, DVec3};
use std::path::{Path, PathBuf};

impl From<AppError> for Failure {
    fn from(error: AppError) -> Self {
        let exit = match error {
            AppError::NoAdapter(_) | AppError::NoDisplay => Exit::Unsupported,
            _ => Exit::Internal,
        };
        Self::new(exit, error)
    }
}

/// Opens a window of this many pixels with files in it, or with a made-up CT of `slices` slices, the first of which
/// has `elements` private elements. The folder of those files, and that of the preferences, goes with what is given
/// back.
pub(super) fn window(
    common: &Common,
    size: [u32; 2],
    paths: &[PathBuf],
    slices: usize,
    elements: u16,
    models_folder: Option<PathBuf>,
) -> Result<(Frames, tempfile::TempDir), Failure> {
    let dir = tempfile::tempdir().map_err(|e| Failure::new(Exit::Io, e))?;
    let mut paths = paths.to_vec();
    if paths.is_empty() {
        let files = dir.path().join("files");
        let seed = common.seed.unwrap_or(1);
        generate::write_ct(&files, "CT", seed, slices.clamp(1, 3000), elements)?;
        paths.push(files);
    }
    let options = Options {
        language: Some(Language::English),
        plain: true,
        models_folder,
        settings_folder: Some(dir.path().join("settings")),
        ..Options::of(common)
    };
    let mut frames = Frames::open(options, size)?;
    let workspace = &mut frames.program_mut().workspace;
    workspace.settings.show_browser = true;
    workspace.settings.show_side = true;
    workspace.settings.side_tab = SideTab::Findings;
    workspace.open(paths);
    frames.settle()?;
    frames.command(Command::LayoutOne);
    frames.settle()?;
    Ok((frames, dir))
}

/// Draws so many marks on the frame that the active view shows, of six kinds, some with a label, and waits until they
/// are measured.
pub(super) fn marks(frames: &mut Frames, count: usize, seed: u64) -> Result<(), Failure> {
    let edits = edits(&frames.program().workspace, count, seed)?;
    if !frames.program_mut().workspace.commit(edits) {
        return Err(Failure::new(Exit::Internal, "the marks were not taken"));
    }
    Ok(frames.settle()?)
}

/// Takes in a record of the made-up series' person with so many events in twenty years; how many stand on the line.
pub(super) fn record(
    frames: &mut Frames,
    dir: &Path,
    count: usize,
    seed: u64,
) -> Result<usize, Failure> {
    let fault = |text: &str| Failure::new(Exit::Internal, text);
    let who = demo::identity(seed);
    let day = Date::parse("2026-03-16").ok_or_else(|| fault("no day"))?;
    let mut bundle = phantom_record::record(seed, &who, day, &[]);
    let subject = bundle["entry"][0]["fullUrl"].clone();
    let entries = bundle["entry"]
        .as_array_mut()
        .ok_or_else(|| fault("no bundle"))?;
    let mut next = dice(seed);
    let more = count.saturating_sub(entries.len());
    for number in 0..more {
        let days = (next(20 * 365) as i64) * 86_400_000;
        let when = Date::of_ms(day.days_since_epoch() * 86_400_000 - days)
            .ok_or_else(|| fault("no day"))?;
        let category = ["laboratory", "vital-signs", "survey"][number % 3];
        entries.push(serde_json::json!({
            "fullUrl": format!("urn:negatoscope:bench:{number}"),
            "resource": {
                "resourceType": "Observation",
                "id": format!("bench-{number}"),
                "status": "final",
                "category": [{"coding": [{"code": category}]}],
                "code": {"coding": [{"system": "http://loinc.org", "code": format!("bench-{}", number % 40), "display": format!("Value {}", number % 40)}]},
                "subject": {"reference": subject},
                "effectiveDateTime": when.to_string(),
                "valueQuantity": {"value": next(1000) as f64 / 10.0, "unit": "mmol/L", "code": "mmol/L"}
            }
        }));
    }
    let path = dir.join("record.json");
    std::fs::write(&path, bundle.to_string()).map_err(|e| Failure::new(Exit::Io, e))?;
    let workspace = &mut frames.program_mut().workspace;
    workspace.import_records(vec![path]);
    frames.settle()?;
    match frames.program().workspace.record.state().0 {
        RecordState::Found { insight, .. } => Ok(insight.timeline.events.len()),
        _ => Err(fault("the record is not shown")),
    }
}

/// New marks on the frame that the active view shows.
pub(super) fn edits(workspace: &Workspace, count: usize, seed: u64) -> Result<Vec<Edit>, Failure> {
    let none = || Failure::new(Exit::Internal, "the view shows no frame");
    let size = workspace.linking.size_of(workspace.active);
    let viewport = workspace.active_viewport().ok_or_else(none)?;
    let [width, height] = size.ok_or_else(none)?;
    let picture = viewport.picture([width, height]).ok_or_else(none)?;
    let site = viewport.mark_site(&picture).ok_or_else(none)?;
    let mut next = dice(seed);
    let side = f64::from(width.min(height));
    let (left, top) = (
        (f64::from(width) - side) / 2.0,
        (f64::from(height) - side) / 2.0,
    );
    let edits = (0..count).map(|number| {
        let x = left + side * (0.1 + 0.7 * next(1000) as f64 / 1000.0);
        let y = top + side * (0.1 + 0.7 * next(1000) as f64 / 1000.0);
        let far = side * (0.02 + 0.04 * next(1000) as f64 / 1000.0);
        let (kind, places): (_, &[(f64, f64)]) = match number % 6 {
            0 => (MarkKind::Length, &[(0.0, 0.0), (1.0, 0.6)]),
            1 => (MarkKind::Ellipse, &[(0.5, 0.5), (1.0, 0.5), (0.5, 0.9)]),
            2 => (MarkKind::Rectangle, &[(0.0, 0.0), (1.0, 0.0), (1.0, 0.7)]),
            3 => (MarkKind::Angle, &[(0.0, 0.0), (0.2, 0.9), (1.0, 0.8)]),
            4 => (MarkKind::Arrow, &[(0.0, 0.0), (1.0, 1.0)]),
            _ => (
                MarkKind::Polygon,
                &[(0.0, 0.2), (0.5, 0.0), (1.0, 0.4), (0.7, 1.0), (0.1, 0.8)],
            ),
        };
        let points: Vec<DVec3> = places
            .iter()
            .map(|(across, down)| picture.patient_at(x + across * far, y + down * far))
            .collect();
        let shape = Shape::new(kind, points);
        let mut mark = mark_on(site.target.clone(), PointSpace::Patient, shape);
        if number.is_multiple_of(4) {
            mark.label = format!("Mark {}", number + 1);
        }
        Edit::Add(mark)
    });
    Ok(edits.collect())
}

/// Puts a probability map over the frame that the active view shows: a soft disc.
pub(super) fn mask(frames: &mut Frames) -> Result<(), Failure> {
    put_mask(&mut frames.program_mut().workspace)?;
    Ok(frames.settle()?)
}

/// The same without waiting until it is drawn.
pub(super) fn put_mask(workspace: &mut Workspace) -> Result<(), Failure> {
    let none = || Failure::new(Exit::Internal, "the view shows no frame");
    let viewport = workspace.active_viewport().ok_or_else(none)?;
    let display = viewport.display.as_ref().ok_or_else(none)?;
    let reference = display.layout.frames.get(viewport.frame_shown());
    let reference = reference.ok_or_else(none)?;
    let image = reference.instance.image.as_ref().ok_or_else(none)?;
    let [rows, columns] = [image.rows, image.columns];
    let middle = [rows as f64 / 2.0, columns as f64 / 2.0];
    let radius = middle[0].min(middle[1]) * 0.6;
    let values: Vec<f32> = (0..rows * columns)
        .map(|at| {
            let (y, x) = ((at / columns) as f64, (at % columns) as f64);
            let far = (y - middle[0]).hypot(x - middle[1]);
            (0.5 + (radius - far) / radius).clamp(0.0, 1.0) as f32
        })
        .collect();
    let buffer = upload_probabilities(&workspace.gpu, [rows, columns], &values)?;
    let key = masks::key_of(reference);
    let mask = MaskDisplay {
        buffer,
        map_from_pixel: DAffine2::IDENTITY,
        provenance: InferenceProvenance {
            model: ModelIdentity {
                id: "bench".into(),
                version: "1".into(),
                sha256: String::new(),
                trained: String::new(),
            },
            device: String::new(),
            seconds: 0.0,
            finished: "1".into(),
            input_uid: reference.instance.sop_instance_uid.clone(),
            mean_probability: Some(0.8),
        },
        findings: Vec::new(),
        uploaded: true,
    };
    workspace.masks.insert(key, mask);
    Ok(())
}

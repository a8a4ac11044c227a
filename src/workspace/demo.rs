//! Writing the demo: the phantom's CT, its radiograph with a prior, its record, and the truth beside them.
//!
//! Everything is made here, on this computer; nothing comes from elsewhere. The record goes into a throw-away store.

use crate::{
    dicom::write::{self, Projection, RadiographDescription, SeriesIdentity},
    model::{
        geometry::{Spacing, SpacingSource},
        lut::WindowLevel,
    },
    phantom::{
        PhantomError,
        demo::{Demo, DemoRadiograph, DemoSpec, DemoStudy, demo},
    },
    store::{Store, StoreError},
    task::{CancelToken, Progress},
};
use glam::DVec3;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

/// What was written.
#[derive(Clone)]
pub struct DemoFiles {
    /// The folder of all.
    pub folder: PathBuf,
    /// Image files and folders to open.
    pub images: Vec<PathBuf>,
    /// FHIR bundles: the patient's, and a near miss that must not be taken for it.
    pub bundles: Vec<PathBuf>,
    /// Ground truth (nodules, positions) as JSON.
    pub truth: PathBuf,
    /// Centre of the largest nodule of the CT: where the demo opens.
    pub sight: Option<DVec3>,
    store: Arc<Mutex<Option<Store>>>,
    /// Keeps a folder of our own alive until the last clone is gone, then removes it.
    temporary: Option<Arc<tempfile::TempDir>>,
}

impl DemoFiles {
    /// The throw-away store with the demo's record; the first caller gets it.
    pub fn take_store(&self) -> Option<Store> {
        self.store
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// Whether the files vanish at the end.
    pub const fn is_temporary(&self) -> bool {
        self.temporary.is_some()
    }
}

/// Why the demo could not be written.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// A file.
    #[error("a file of the demo could not be written: {0}")]
    Io(#[from] std::io::Error),
    /// The throw-away store.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The phantom.
    #[error("{0}")]
    Phantom(#[from] PhantomError),
}

/// Makes and writes the demo: images into `images/`, the record into `record/`, `truth.json` and the true lung
/// fields of the radiographs as PNG into `truth/`.
///
/// # Errors
/// Those of the disk and the store, and [`PhantomError::Cancelled`].
pub fn write(
    folder: Option<PathBuf>,
    seed: Option<u64>,
    progress: &Progress,
    cancel: &CancelToken,
) -> Result<DemoFiles, DemoError> {
    let mut spec = DemoSpec::default();
    if let Some(seed) = seed {
        spec.seed = seed;
    }
    write_spec(folder, &spec, progress, cancel)
}

/// As [`write()`], for a given size and day.
///
/// # Errors
/// As [`write()`].
pub fn write_spec(
    folder: Option<PathBuf>,
    spec: &DemoSpec,
    progress: &Progress,
    cancel: &CancelToken,
) -> Result<DemoFiles, DemoError> {
    let made = demo(spec, progress, cancel)?;
    let temporary = match folder {
        Some(_) => None,
        None => Some(Arc::new(tempfile::tempdir()?)),
    };
    let folder = match (&temporary, folder) {
        (Some(dir), _) => dir.path().to_owned(),
        (None, folder) => folder.unwrap_or_default(),
    };
    let images = write_images(&folder.join("images"), &made)?;
    let record = write_json(&folder.join("record/patient.json"), &made.record)?;
    let near_miss = write_json(
        &folder.join("record/near-miss.json"),
        &made.near_miss_record,
    )?;
    let truth = write_json(&folder.join("truth/truth.json"), &made.truth)?;
    for (index, film) in made.radiographs.iter().enumerate() {
        write_mask(
            &folder.join(format!("truth/lung-fields-{}.png", index + 1)),
            film,
        )?;
    }
    let mut store = Store::throw_away()?;
    store.import_bundle(&fs::read(&record)?)?;
    store.import_bundle(&fs::read(&near_miss)?)?;
    Ok(DemoFiles {
        folder,
        images,
        bundles: vec![record, near_miss],
        truth,
        sight: sight(&made),
        store: Arc::new(Mutex::new(Some(store))),
        temporary,
    })
}

fn sight(made: &Demo) -> Option<DVec3> {
    let nodules = &made.ct.phantom.truth.nodules;
    let largest = nodules
        .iter()
        .max_by(|a, b| a.diameter_mm.total_cmp(&b.diameter_mm))?;
    Some(DVec3::from_array(largest.centre_lps))
}

fn write_images(folder: &Path, made: &Demo) -> Result<Vec<PathBuf>, DemoError> {
    let windows = [level(40.0, 400.0), level(-600.0, 1500.0)];
    let identity = series_identity(made, &made.ct.study, &windows);
    let ct = folder.join("ct-chest");
    write::write_ct_series(&ct, &made.ct.phantom.volume, &identity)?;
    let mut paths = vec![ct];
    for (index, film) in made.radiographs.iter().enumerate() {
        let [center, width] = film.radiograph.window;
        let identity = series_identity(made, &film.study, &[level(center, width)]);
        let path = folder.join(format!("chest-pa-{}.dcm", index + 1));
        let pixel = film.radiograph.pixel_mm;
        let description = RadiographDescription {
            projection: Projection::Digital,
            spacing: Spacing::Millimetres {
                row_mm: pixel,
                column_mm: pixel,
                source: SpacingSource::ImagerPixelSpacing,
            },
            view_position: "PA".into(),
            instance_number: 1,
            magnification: None,
        };
        write::write_radiograph(&path, &film.radiograph.frame, &description, &identity)?;
        paths.push(path);
    }
    Ok(paths)
}

const fn level(center: f64, width: f64) -> WindowLevel {
    WindowLevel { center, width }
}

fn series_identity(made: &Demo, study: &DemoStudy, windows: &[WindowLevel]) -> SeriesIdentity {
    SeriesIdentity {
        patient: made.identity.clone(),
        study: study.study.clone(),
        series: study.series.clone(),
        study_id: String::new(),
        comment: study.model_name.to_owned(),
        windows: windows.to_vec(),
        instance_uids: study.instance_uids.clone(),
    }
}

fn write_json(path: &Path, value: &serde_json::Value) -> Result<PathBuf, DemoError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let text = serde_json::to_vec_pretty(value).map_err(std::io::Error::other)?;
    fs::write(path, text)?;
    Ok(path.to_owned())
}

/// The true lung fields as the segmenter writes masks: 0 and 255.
fn write_mask(path: &Path, film: &DemoRadiograph) -> Result<(), DemoError> {
    let frame = &film.radiograph.frame;
    let bytes: Vec<u8> = film
        .radiograph
        .truth
        .lung_fields
        .iter()
        .map(|v| v.saturating_mul(255))
        .collect();
    let side = |n: usize| u32::try_from(n).map_err(std::io::Error::other);
    let picture = image::GrayImage::from_raw(side(frame.columns)?, side(frame.rows)?, bytes)
        .ok_or_else(|| std::io::Error::other("the mask is not of the picture's size"))?;
    picture
        .save_with_format(path, image::ImageFormat::Png)
        .map_err(std::io::Error::other)?;
    Ok(())
}

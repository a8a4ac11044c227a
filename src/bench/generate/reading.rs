//! `READING`: a morning's list. Of each of CR, CT, MR, MG and US one patient with a study of today and the one before,
//! and one more patient with ultrasound alone: eleven studies that can be read from the first to the last.

use super::{Failure, io_failure};
use crate::{
    dicom::write::{
        MrDescription, Projection, RadiographDescription, SeriesIdentity,
        film::{FilmDescription, write_film},
        write_ct_series, write_mr_series, write_radiograph,
    },
    model::{
        date::Date,
        geometry::{Spacing, SpacingSource},
        identity::{PatientIdentity, PersonName, Phi, Sex},
        lut::WindowLevel,
        study::{SeriesDescription, StudyDescription},
    },
    phantom::{
        self, BreastView, CtSpec, HeadSpec, MammogramSpec, RadiographSpec, Side, SonogramSpec,
        demo::{ISSUER, prior_nodules},
        identifier::uid,
    },
    task::{CancelToken, Progress},
};
use std::path::{Path, PathBuf};

/// Somebody on the list.
struct Person {
    /// Word in identifiers and names of folders.
    word: &'static str,
    name: &'static str,
    born: &'static str,
    sex: Sex,
    part: &'static str,
    described: &'static str,
    /// When the study of today began.
    time: &'static str,
    /// Day of the one before; none where there is none.
    before: Option<&'static str>,
}

const TODAY: &str = "20260316";

const PEOPLE: [Person; 6] = [
    Person {
        word: "cr",
        name: "SYNTHETIC^CLARA=合成^晨",
        born: "19610427",
        sex: Sex::Female,
        part: "CHEST",
        described: "CHEST PA (SYNTHETIC)",
        time: "11:20:00",
        before: Some("20240902"),
    },
    Person {
        word: "ct",
        name: "SYNTHETIC^LIN=合成^林",
        born: "19550119",
        sex: Sex::Male,
        part: "CHEST",
        described: "CT CHEST (SYNTHETIC)",
        time: "10:42:00",
        before: Some("20250610"),
    },
    Person {
        word: "mr",
        name: "SYNTHETIC^MEI=合成^梅",
        born: "19880730",
        sex: Sex::Female,
        part: "BRAIN",
        described: "MR BRAIN (SYNTHETIC)",
        time: "10:05:00",
        before: Some("20251203"),
    },
    Person {
        word: "mg",
        name: "SYNTHETIC^ANNA=合成^安",
        born: "19701111",
        sex: Sex::Female,
        part: "BREAST",
        described: "SCREENING MAMMOGRAPHY (SYNTHETIC)",
        time: "09:31:00",
        before: Some("20240311"),
    },
    Person {
        word: "us",
        name: "SYNTHETIC^OMAR=合成^欧",
        born: "19791005",
        sex: Sex::Male,
        part: "ABDOMEN",
        described: "US LIVER (SYNTHETIC)",
        time: "09:02:00",
        before: Some("20250822"),
    },
    Person {
        word: "us-alone",
        name: "SYNTHETIC^PAUL=合成^保",
        born: "19930212",
        sex: Sex::Male,
        part: "ABDOMEN",
        described: "US LIVER (SYNTHETIC)",
        time: "08:40:00",
        before: None,
    },
];

/// One study of the list, before its pictures are made.
struct Sitting<'a> {
    person: &'a Person,
    seed: u64,
    /// The study of today.
    now: bool,
    day: &'a str,
    folder: PathBuf,
}

impl Sitting<'_> {
    /// Which study, as a word in identifiers.
    fn name(&self) -> String {
        let word = self.person.word;
        format!("reading {word} {}", if self.now { "now" } else { "before" })
    }

    /// A number that is another one for the study before.
    const fn exposure(&self) -> u64 {
        if self.now { 1 } else { 0 }
    }

    fn patient(&self) -> PatientIdentity {
        let person = self.person;
        PatientIdentity {
            name: Phi::new(PersonName::parse(person.name)),
            id: Phi::new(format!(
                "SYN-{}-{:04}",
                person.word.to_uppercase(),
                self.seed
            )),
            issuer: Phi::new(ISSUER.to_owned()),
            birth_date: Phi::new(Date::parse(person.born)),
            sex: Phi::new(person.sex),
            synthetic: true,
        }
    }

    fn series(
        &self,
        modality: &str,
        number: i32,
        description: &str,
        windows: &[[f64; 2]],
    ) -> SeriesIdentity {
        let person = self.person;
        let name = self.name();
        SeriesIdentity {
            patient: self.patient(),
            study: StudyDescription {
                uid: uid(self.seed, &name),
                date: Date::parse(self.day),
                time: if self.now { person.time } else { "09:00:00" }.into(),
                description: person.described.into(),
                accession_number: Phi::new(format!("SYN{}{}", self.day, modality)),
                institution: Phi::new("SYNTHETIC DATA - NO HOSPITAL".into()),
                ..StudyDescription::default()
            },
            series: SeriesDescription {
                uid: uid(self.seed, &format!("{name} series {number}")),
                modality: modality.into(),
                number: Some(number),
                description: description.into(),
                body_part: person.part.into(),
                frame_of_reference_uid: uid(self.seed, &format!("{name} frame of reference")),
                ..SeriesDescription::default()
            },
            study_id: "1".into(),
            comment: "Bench input READING".into(),
            windows: windows
                .iter()
                .map(|[center, width]| WindowLevel {
                    center: *center,
                    width: *width,
                })
                .collect(),
            instance_uids: Vec::new(),
        }
    }

    fn write(&self) -> Result<Vec<PathBuf>, Failure> {
        match self.person.word {
            "cr" => self.film(),
            "ct" => self.tomogram(),
            "mr" => self.head(),
            "mg" => self.breasts(),
            _ => self.sonogram(),
        }
    }

    fn film(&self) -> Result<Vec<PathBuf>, Failure> {
        let made = RadiographSpec {
            seed: self.seed,
            exposure: self.exposure(),
            columns: 512,
            rows: 512,
            pixel_mm: 0.84,
            ..RadiographSpec::default()
        };
        let spec = match self.now {
            true => made,
            false => RadiographSpec {
                shift_mm: [-5.0, 6.0],
                nodules: Some(prior_nodules(&phantom::nodules(self.seed))),
                ..made
            },
        };
        let film = phantom::radiograph(&spec, &Progress::default(), &CancelToken::default())?;
        let [center, width] = film.window;
        // The film as it is, and harder for the lungs.
        let windows = [[center, width], [center * 0.9, width * 0.75]];
        let identity = self.series("CR", 1, "Chest PA", &windows);
        let path = self.folder.join("IM00001.dcm");
        let described = at_detector(Projection::Computed, film.pixel_mm, "PA");
        write_radiograph(&path, &film.frame, &described, &identity).map_err(io_failure)?;
        Ok(vec![path])
    }

    fn tomogram(&self) -> Result<Vec<PathBuf>, Failure> {
        let found = phantom::nodules(self.seed);
        let (size, spacing_mm, nodules) = match self.now {
            true => ([192, 192, 56], [1.9, 1.9, 5.0], found),
            // Another scanner: only millimetres bring the two together.
            false => ([176, 176, 46], [2.0, 2.0, 6.0], prior_nodules(&found)),
        };
        let spec = CtSpec {
            seed: self.seed,
            size,
            spacing_mm,
            labels: false,
            ..CtSpec::default()
        };
        let (progress, cancel) = (Progress::default(), CancelToken::default());
        let made = phantom::ct_with(&spec, nodules, &progress, &cancel)?;
        let windows = [[40.0, 400.0], [-600.0, 1500.0]];
        let identity = self.series("CT", 2, "Chest soft axial", &windows);
        write_ct_series(&self.folder, &made.volume, &identity).map_err(io_failure)
    }

    fn head(&self) -> Result<Vec<PathBuf>, Failure> {
        let made = HeadSpec {
            seed: self.seed,
            exposure: self.exposure(),
            ..HeadSpec::default()
        };
        let spec = match self.now {
            true => made,
            false => HeadSpec {
                shift_mm: [3.0, -4.0, 2.0],
                lesion_mm: 11.0,
                ..made
            },
        };
        let mut paths = Vec::new();
        for (number, (weighting, volume)) in (1..).zip(phantom::head(&spec)?.volumes) {
            let (repetition_ms, echo_ms, inversion_ms) = weighting.times_ms();
            let name = weighting.name();
            let windows = [[600.0, 1200.0], [700.0, 700.0]];
            let identity = self.series("MR", number, &format!("AX {name}"), &windows);
            let described = MrDescription {
                repetition_ms,
                echo_ms,
                inversion_ms,
                field_t: 1.5,
            };
            let folder = self.folder.join(name);
            let written = write_mr_series(&folder, &volume, &described, &identity);
            paths.extend(written.map_err(io_failure)?);
        }
        Ok(paths)
    }

    fn breasts(&self) -> Result<Vec<PathBuf>, Failure> {
        let mut paths = Vec::new();
        let views = [
            (Side::Right, BreastView::Cc),
            (Side::Left, BreastView::Cc),
            (Side::Right, BreastView::Mlo),
            (Side::Left, BreastView::Mlo),
        ];
        for (number, (side, view)) in (1..).zip(views) {
            let mass_mm = if self.now { 14.0 } else { 8.0 };
            let made = phantom::breast(&MammogramSpec {
                seed: self.seed,
                exposure: self.exposure() + 2 * u64::from(side == Side::Right),
                columns: 800,
                rows: 1040,
                side,
                view,
                mass_mm: (side == Side::Left).then_some(mass_mm),
            })?;
            let letter = if side == Side::Right { "R" } else { "L" };
            let code = view.code();
            let windows = [[2048.0, 4096.0], [2300.0, 2000.0]];
            let mut identity = self.series("MG", number, &format!("{letter} {code}"), &windows);
            identity.series.laterality = letter.into();
            let path = self.folder.join(format!("{letter}-{code}.dcm"));
            let described = at_detector(Projection::Mammogram, made.pixel_mm, code);
            write_radiograph(&path, &made.frame, &described, &identity).map_err(io_failure)?;
            paths.push(path);
        }
        Ok(paths)
    }

    fn sonogram(&self) -> Result<Vec<PathBuf>, Failure> {
        let made = phantom::sonogram(&SonogramSpec {
            seed: self.seed,
            exposure: self.exposure(),
            cyst_mm: if self.now { 24.0 } else { 17.0 },
            ..SonogramSpec::default()
        })?;
        let windows = [[128.0, 256.0], [100.0, 160.0]];
        let identity = self.series("US", 1, "Liver", &windows);
        let path = self.folder.join("IM00001.dcm");
        let described = FilmDescription {
            pixel_mm: made.pixel_mm,
            region: made.region,
            frame_ms: made.frame_ms,
            instance_number: 1,
        };
        write_film(&path, &made.frames, &described, &identity).map_err(io_failure)?;
        Ok(vec![path])
    }
}

fn at_detector(projection: Projection, pixel_mm: f64, view: &str) -> RadiographDescription {
    RadiographDescription {
        projection,
        spacing: Spacing::Millimetres {
            row_mm: pixel_mm,
            column_mm: pixel_mm,
            source: SpacingSource::ImagerPixelSpacing,
        },
        view_position: view.into(),
        instance_number: 1,
        magnification: None,
    }
}

/// Writes the list: a folder a study, `cr-now`, `cr-before` and so on.
pub(super) fn write(dir: &Path, seed: u64) -> Result<Vec<PathBuf>, Failure> {
    let mut paths = Vec::new();
    for (number, person) in (0..).zip(&PEOPLE) {
        let days = [(true, Some(TODAY)), (false, person.before)];
        for (now, day) in days {
            let Some(day) = day else { continue };
            let sitting = Sitting {
                person,
                seed: seed.wrapping_mul(16).wrapping_add(number),
                now,
                day,
                folder: dir.join(format!(
                    "{}-{}",
                    person.word,
                    if now { "now" } else { "before" }
                )),
            };
            paths.extend(sitting.write()?);
        }
    }
    Ok(paths)
}

//! What we write reads back as it was.

use super::{codes, lay_out_folder, load, read};
use glam::{DAffine3, DMat3, DVec3};
use negatoscope::{
    dicom::{
        frames::{FileFrames, FrameSource as _},
        window_default::window_default,
        write::{
            Projection, RadiographDescription, SeriesIdentity, write_ct_series, write_radiograph,
        },
    },
    model::{
        date::Date,
        geometry::{GridGeometry, Spacing, SpacingSource},
        identity::{PatientIdentity, PersonName, Phi, Sex},
        lut::{ModalityLut, ModalityUnit, Photometric, Voi, WindowLevel},
        pixels::{Frame, PixelBytes, StoredType},
        study::{SeriesDescription, StudyDescription},
        volume::Volume,
    },
};

fn made_up() -> SeriesIdentity {
    SeriesIdentity {
        patient: PatientIdentity {
            name: Phi::new(PersonName::parse("Phantom^Anna=幻^影")),
            id: Phi::new("SYN-001".to_owned()),
            issuer: Phi::default(),
            birth_date: Phi::new(Date::parse("19700102")),
            sex: Phi::new(Sex::Female),
            synthetic: true,
        },
        study: StudyDescription {
            uid: "2.25.1".into(),
            date: Date::parse("20240229"),
            time: "10:20:30".into(),
            description: "Chest CT".into(),
            accession_number: Phi::new("A1".into()),
            ..StudyDescription::default()
        },
        series: SeriesDescription {
            uid: "2.25.2".into(),
            number: Some(4),
            description: "Lung".into(),
            ..SeriesDescription::default()
        },
        study_id: "S1".into(),
        comment: "Two spheres.".into(),
        windows: vec![WindowLevel {
            center: -600.0,
            width: 1500.0,
        }],
        instance_uids: Vec::new(),
    }
}

fn phantom() -> Volume {
    let frames = (0..5)
        .map(|k| {
            let values = (0..8 * 6)
                .flat_map(|i| (i as i16 * 3 - 7 * k).to_le_bytes())
                .collect();
            Frame::new(6, 8, 1, StoredType::I16, PixelBytes::from_vec(values)).unwrap()
        })
        .collect();
    let turn = DMat3::from_rotation_x(0.3) * DMat3::from_diagonal(DVec3::new(0.75, 1.25, 2.5));
    Volume {
        grid: GridGeometry {
            size: [8, 6, 5],
            patient_from_voxel: DAffine3 {
                matrix3: turn,
                translation: DVec3::new(-100.5, 20.25, 300.125),
            },
        },
        frames,
        modality_lut: ModalityLut::Rescale {
            slope: 1.0,
            intercept: -1024.0,
        },
        unit: ModalityUnit::Hounsfield,
        padding: None,
    }
}

#[test]
fn a_written_ct_series_reads_back_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let volume = phantom();
    let identity = made_up();
    let paths = write_ct_series(folder.path(), &volume, &identity).unwrap();
    assert_eq!(paths.len(), 5);
    let layouts = lay_out_folder(folder.path());
    assert_eq!(layouts.len(), 1);
    assert_eq!(codes(&layouts[0]), Vec::<&str>::new());
    let first = layouts[0].first_instance().unwrap();
    assert_eq!(*first.patient, identity.patient);
    assert!(first.patient.synthetic);
    assert_eq!(*first.study, identity.study);
    assert_eq!(first.series.modality, "CT");
    let back = load(&layouts[0]);
    let (a, b) = (back.grid.patient_from_voxel, volume.grid.patient_from_voxel);
    assert!(a.abs_diff_eq(b, 1e-6), "{a} {b}");
    assert_eq!(back.modality_lut, volume.modality_lut);
    assert_eq!(back.unit, volume.unit);
    for (a, b) in back.frames.iter().zip(&volume.frames) {
        assert_eq!(a.pixels.as_slice(), b.pixels.as_slice());
    }
    let voi = window_default(
        first.image.as_ref().unwrap().frame(0),
        &back.frames[0],
        None,
        16,
    );
    assert_eq!(voi, Voi::window(-600.0, 1500.0));
    // Writing again gives the same bytes.
    let again = tempfile::tempdir().unwrap();
    let copies = write_ct_series(again.path(), &volume, &identity).unwrap();
    for (a, b) in paths.iter().zip(&copies) {
        assert_eq!(std::fs::read(a).unwrap(), std::fs::read(b).unwrap());
    }
}

#[test]
fn a_written_radiograph_reads_back_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pa.dcm");
    let values: Vec<u8> = (0..20u16).flat_map(|v| (v * 200).to_le_bytes()).collect();
    let frame = Frame::new(4, 5, 1, StoredType::U16, PixelBytes::from_vec(values)).unwrap();
    let description = RadiographDescription {
        projection: Projection::Digital,
        spacing: Spacing::Millimetres {
            row_mm: 0.143,
            column_mm: 0.143,
            source: SpacingSource::ImagerPixelSpacing,
        },
        view_position: "PA".into(),
        instance_number: 1,
        magnification: None,
    };
    write_radiograph(&path, &frame, &description, &made_up()).unwrap();
    let instance = read(&path);
    assert!(instance.patient.synthetic);
    assert_eq!(instance.series.view_position, "PA");
    let image = instance.image.as_ref().unwrap();
    assert_eq!(image.shared.spacing, description.spacing);
    assert_eq!(image.photometric, Photometric::Monochrome2);
    assert!(!image.presentation_inverse);
    let back = FileFrames::default().read_frame(&instance, 0).unwrap();
    assert_eq!(back.pixels.as_slice(), frame.pixels.as_slice());
}

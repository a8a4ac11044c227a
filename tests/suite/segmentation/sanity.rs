//! Pictures that a model was not made for are refused or flagged, whatever they are.

use super::bundled::lungs;
use crate::support::data;
use negatoscope::{
    ai::{AiError, BurnDevice, infer::Segmenter, preprocess::FrameInput, scope::scope_check},
    dicom::{
        frames::{FileFrames, FrameSource as _},
        guard::Limits,
        scan::{ScanOptions, read_instance},
    },
    model::study::Instance,
    task::CancelToken,
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Files below a folder, a few of each folder.
fn files(folder: &Path, of_each: usize) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        let listing = std::fs::read_dir(&folder).unwrap();
        let mut paths: Vec<PathBuf> = listing.map(|e| e.unwrap().path()).collect();
        paths.sort();
        let (folders, files): (Vec<_>, Vec<_>) = paths.into_iter().partition(|p| p.is_dir());
        open.extend(folders);
        found.extend(files.into_iter().take(of_each));
    }
    found
}

fn read(path: &Path) -> Option<Instance> {
    read_instance(path, &ScanOptions::default()).ok()
}

/// What the network says of a picture beside its answer, or why it refuses to look.
fn said_by_network(segmenter: &Segmenter, instance: &Instance) -> Option<Vec<&'static str>> {
    let image = instance.image.as_ref()?;
    let source = FileFrames::with_limits(Limits::default());
    let frame = source.read_frame(instance, image.frames / 2).ok()?;
    let input = FrameInput {
        frame: &frame,
        modality_lut: &image.frame(0).modality_lut,
        padding: image.padding,
        inverted: image.lowest_is_white(),
    };
    match segmenter.run(input, &CancelToken::default()) {
        Ok(found) => Some(found.findings.iter().map(|f| f.code).collect()),
        Err(AiError::Input(finding)) => Some(vec![finding.code]),
        Err(_) => None,
    }
}

#[test]
#[cfg_attr(not(has_data), ignore = "needs NEGATOSCOPE_DATA")]
fn real_pictures_of_other_kinds_are_all_refused_by_their_header() {
    let mut by_modality: BTreeMap<String, usize> = BTreeMap::new();
    for group in [
        "ct-chest-abdomen",
        "ct-head-tiny",
        "mr-brain-t1",
        "dicom-mr-misc",
        "dicom-pydicom",
        "dicom-fo",
        "dicom-transfer-syntaxes",
        "xray",
        "nifti",
    ] {
        for path in files(&data(group), 12) {
            let Some(instance) = read(&path) else {
                continue;
            };
            let modality = instance.series.modality.clone();
            let radiograph = ["CR", "DX", "RG"].contains(&modality.as_str());
            let is_file = modality.is_empty() && !path.to_string_lossy().contains("nii");
            if instance.image.is_none() || radiograph || is_file {
                continue;
            }
            let refused = scope_check(&instance);
            assert!(refused.is_err(), "{modality} {}", path.display());
            *by_modality.entry(modality).or_default() += 1;
        }
    }
    for modality in ["CT", "MR", "MG", "US"] {
        let count = by_modality.get(modality).copied().unwrap_or(0);
        assert!(count > 0, "no {modality} among {by_modality:?}");
    }
}

#[test]
#[cfg_attr(not(has_data), ignore = "needs NEGATOSCOPE_DATA")]
fn pictures_of_other_kinds_are_flagged_without_their_header() {
    let model = lungs();
    let Some(usual) = &model.card.usual else {
        panic!("the bundled model knows its usual inputs")
    };
    assert!(usual.held_out >= 40);
    let segmenter = Segmenter::new(&model, &BurnDevice::flex()).unwrap();
    let mut by_modality: BTreeMap<String, usize> = BTreeMap::new();
    for (group, of_each) in [
        ("ct-chest-abdomen", 3),
        ("ct-head-tiny", 2),
        ("mr-brain-t1", 2),
        ("dicom-pydicom", 40),
        ("xray", 3),
    ] {
        for path in files(&data(group), of_each) {
            let Some(instance) = read(&path) else {
                continue;
            };
            let modality = instance.series.modality.clone();
            let known = by_modality.get(&modality).copied().unwrap_or(0);
            if !["CT", "MR", "MG", "US"].contains(&modality.as_str()) || known >= 4 {
                continue;
            }
            let Some(said) = said_by_network(&segmenter, &instance) else {
                continue;
            };
            let odd = [
                "UNUSUAL_INPUT",
                "COLOUR_PICTURE",
                "NO_CONTRAST",
                "UNUSUAL_SHAPE",
            ];
            assert!(
                said.iter().any(|code| odd.contains(code)),
                "{modality} {}: {said:?}",
                path.display()
            );
            *by_modality.entry(modality).or_default() += 1;
        }
    }
    assert!(by_modality.len() >= 3, "{by_modality:?}");
}

#[test]
#[cfg_attr(not(has_data), ignore = "needs NEGATOSCOPE_DATA")]
fn radiographs_that_did_not_train_are_seldom_flagged() {
    let model = lungs();
    let usual = model.card.usual.as_ref().unwrap();
    let side = model.card.input.side;
    let segmenter = Segmenter::new(&model, &BurnDevice::flex()).unwrap();
    let names = model.card.training.test.iter().step_by(8);
    let (mut flagged, mut all) = (0, 0);
    for name in names {
        let path = data("lung-masks").join("cxr").join(format!("{name}.png"));
        let Some(instance) = read(&path) else {
            continue;
        };
        let said = said_by_network(&segmenter, &instance).unwrap();
        flagged += usize::from(said.contains(&"UNUSUAL_INPUT"));
        all += 1;
    }
    assert!(side > 0 && usual.limit > 0.5);
    assert!(all >= 5 && flagged <= 1, "{flagged} of {all}");
}

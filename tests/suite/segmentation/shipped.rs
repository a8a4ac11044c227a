//! The models that ship beside the lung fields: their cards are whole, and state what the models do.

use super::{bundled::picture, devices::input};
use crate::support;
use negatoscope::{
    ai::{
        BurnDevice,
        classes::Classifier,
        lesions::{HounsfieldGrid, LesionFinder},
        recipe::Recipe,
        registry::{BUNDLED_TASKS, CHEST_TB, LUNG_FIELDS, Registry},
    },
    imaging::metrics::auroc,
    phantom::{CtSpec, ct_with, scattered_nodules},
    task::{CancelToken, Progress},
};
use std::collections::BTreeSet;

#[test]
fn each_has_a_whole_card_and_the_recipe_that_made_it() {
    let registry = Registry::default();
    for id in [CHEST_TB, "ct-lesions", LUNG_FIELDS] {
        let (_, task) = BUNDLED_TASKS
            .iter()
            .find(|(model, _)| *model == id)
            .unwrap();
        let model = registry.load(id).unwrap_or_else(|e| panic!("{id}: {e}"));
        let card = &model.card;
        let recipe = Recipe::parse(task).unwrap();
        assert_eq!(
            (card.training.seed, &card.version, &card.about),
            (recipe.seed, &recipe.model_version, &recipe.about),
            "{id}: the card is not of this recipe"
        );
        assert_eq!(model.weights.count(), card.weights.parameters, "{id}");
        assert!(card.weights.bytes <= 8 << 20, "{id} is large");
        assert_eq!(card.about.synthetic_only, id == "ct-lesions");
        assert!(card.about.limits[0].starts_with("Not for diagnostic use"));
        let parts = [
            &card.training.train,
            &card.training.validation,
            &card.training.test,
        ];
        let cases: BTreeSet<&String> = parts.into_iter().flatten().collect();
        let listed: usize = parts.map(Vec::len).iter().sum();
        assert!(
            cases.len() == listed && !card.training.test.is_empty(),
            "{id}"
        );
        let held_out = match (&card.classifier, card.lesions) {
            (Some(what), _) => what.figures.iter().find(|f| f.figure == "auroc").map(|f| {
                assert!(f.low.is_some_and(|low| low <= f.value), "{id}");
                f.cases
            }),
            (None, Some(lesions)) => {
                assert!(lesions.found <= lesions.planted && lesions.planted > 0);
                Some(lesions.cases)
            }
            (None, None) => card.metrics.first().map(|m| m.cases),
        };
        assert_eq!(held_out, Some(card.training.test.len()), "{id}");
    }
}

/// The figures on the card, computed anew by the way that users go.
#[test]
#[cfg_attr(not(has_data), ignore = "needs NEGATOSCOPE_DATA")]
fn the_classifier_does_on_unseen_patients_what_its_card_says() {
    let registry = Registry::default();
    let model = registry.load(CHEST_TB).unwrap();
    let card = &model.card;
    let folder = support::data("lung-masks").join("cxr");
    // MCUCXR_0001_0: source and number are the patient, then the class.
    let patients = |part: &[String]| -> BTreeSet<String> {
        let of = |name: &String| name.rsplit_once('_').unwrap().0.to_owned();
        part.iter().map(of).collect()
    };
    let held_out = patients(&card.training.test);
    // What finds the lungs has not learnt from them either.
    let lungs = registry.load(LUNG_FIELDS).unwrap().card.training;
    for part in [
        &card.training.train,
        &card.training.validation,
        &lungs.train,
        &lungs.validation,
    ] {
        assert!(held_out.is_disjoint(&patients(part)));
    }
    let classifier = Classifier::new(&model, &registry, &BurnDevice::flex()).unwrap();
    let (mut truth, mut said, mut answered) = (Vec::new(), Vec::new(), 0usize);
    for name in &card.training.test {
        let frame = picture(&folder.join(format!("{name}.png")));
        let answer = classifier
            .run(input(&frame), &CancelToken::default())
            .unwrap();
        truth.push(name.ends_with("_1"));
        said.push(answer.probability);
        answered += usize::from(!answer.abstained);
    }
    let figures = &classifier.classes().figures;
    let stated = |name: &str| {
        let found = figures
            .iter()
            .find(|f| f.subset == "all" && f.figure == name);
        found.unwrap().value
    };
    let measured = auroc(&truth, &said).unwrap();
    assert!(
        (measured - stated("auroc")).abs() < 5e-3,
        "{measured} measured, {} on the card",
        stated("auroc")
    );
    let share = answered as f64 / said.len() as f64;
    assert!((share - stated("answered")).abs() < 0.03, "{share}");
}

#[test]
fn nodules_of_a_person_that_nobody_has_seen_are_found() {
    let model = Registry::default().load("ct-lesions").unwrap();
    // A slab of the chest, as thick as the network looks and a little more.
    let spec = CtSpec {
        seed: 77_000,
        size: [256, 256, 20],
        spacing_mm: model.card.input.volume.unwrap().spacing_mm,
        noise_hu: 12.0,
        labels: false,
    };
    let (cancel, progress) = (CancelToken::default(), Progress::default());
    let nodules = scattered_nodules(77_000, [16, 16], [9.0, 24.0]);
    let made = ct_with(&spec, nodules, &progress, &cancel).unwrap();
    let grid = HounsfieldGrid::of(&made.volume).unwrap();
    let finder = LesionFinder::new(&model, &BurnDevice::flex()).unwrap();
    let found = finder.find(&grid, &cancel, &progress).unwrap();
    let voxel_from_patient = made.volume.grid.patient_from_voxel.inverse();
    let [columns, rows, slices] = grid.size;
    let (mut planted, mut missed, mut right) = (0, Vec::new(), BTreeSet::new());
    for nodule in &made.truth.nodules {
        let at = voxel_from_patient
            .transform_point3(nodule.centre_lps.into())
            .round();
        let at = [at.x, at.y, at.z].map(|v| v as isize);
        let radius = (0.5 * nodule.diameter_mm / grid.spacing_mm[2]) as isize;
        // Those that the slab cuts are no test of anything, but they are nodules.
        let cut = at[2] < 3 || at[2] >= slices as isize - 3;
        if at[2] < -radius || at[2] >= slices as isize + radius {
            continue;
        }
        let slice = at[2].clamp(0, slices as isize - 1) as usize;
        let label = found.labels[(slice * rows + at[1] as usize) * columns + at[0] as usize];
        right.insert(label);
        if !cut {
            planted += 1;
            if label == 0 {
                missed.push(nodule.diameter_mm);
            }
        }
    }
    assert!(planted >= 3, "{planted} nodules in the slab");
    assert!(
        missed.is_empty(),
        "{missed:?} mm missed of {planted} nodules"
    );
    let false_ones = found
        .list
        .iter()
        .filter(|l| !right.contains(&l.part.label))
        .count();
    assert!(false_ones <= 2, "{false_ones} false lesions");
}

//! Metrics and resizing against scikit-learn, MedPy, SimpleITK, scikit-image and NumPy.
//! `tests/data/metrics/masks.py` made the numbers.

use negatoscope::imaging::{
    metrics::{Confusion, auroc, mean_squared_error, surface_distances},
    resample,
};
use serde_json::Value;

fn reference() -> Value {
    serde_json::from_str(include_str!("../../data/metrics/masks.json")).unwrap()
}

fn list(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v.as_f64().unwrap())
        .collect()
}

fn sizes(value: &Value) -> Vec<usize> {
    list(value).iter().map(|&v| v as usize).collect()
}

fn mask(runs: &Value) -> Vec<bool> {
    let runs = sizes(runs);
    runs.iter()
        .enumerate()
        .flat_map(|(i, &n)| std::iter::repeat_n(i % 2 == 1, n))
        .collect()
}

#[test]
fn mask_figures_are_those_of_other_programs() {
    let reference = reference();
    let cases = reference["masks"].as_array().unwrap();
    assert_eq!(cases.len(), 12);
    for case in cases {
        let (truth, predicted) = (mask(&case["truth"]), mask(&case["predicted"]));
        let counts = Confusion::of(&truth, &predicted).unwrap();
        let d = surface_distances(
            &truth,
            &predicted,
            &sizes(&case["shape"]),
            &list(&case["spacing"]),
        )
        .unwrap();
        for (name, found) in [
            ("dice", counts.dice()),
            ("iou", counts.iou()),
            ("precision", counts.precision()),
            ("recall", counts.recall()),
            ("f1", counts.f1()),
            ("accuracy", counts.accuracy().unwrap()),
            ("hd95", d.hd95),
            ("assd", d.assd),
            ("hausdorff", d.hausdorff),
        ] {
            let expected = case[name].as_f64().unwrap();
            assert!(
                (found - expected).abs() < 1e-9,
                "{} of {}: {found} is not {expected}",
                name,
                case["name"]
            );
        }
    }
}

#[test]
fn empty_masks_have_fixed_answers() {
    let (none, some) = (vec![false; 6], vec![true, false, false, true, false, false]);
    let all = |t: &[bool], p: &[bool]| {
        let c = Confusion::of(t, p).unwrap();
        [c.dice(), c.iou(), c.precision(), c.recall(), c.f1()]
    };
    assert_eq!(all(&none, &none), [1.0; 5]);
    assert_eq!(all(&some, &none), [0.0; 5]);
    assert_eq!(all(&none, &some), [0.0; 5]);
    assert_eq!(all(&some, &some), [1.0; 5]);
    let distance =
        |t: &[bool], p: &[bool]| surface_distances(t, p, &[2, 3], &[1.0, 1.0]).map(|d| d.hd95);
    assert_eq!(distance(&none, &none), Some(0.0));
    assert_eq!(distance(&some, &none), None);
    assert_eq!(distance(&none, &some), None);
    assert_eq!(distance(&some, &some), Some(0.0));
    assert_eq!(Confusion::of(&none, &[]), None);
    assert_eq!(Confusion::default().accuracy(), None);
    assert!(surface_distances(&none, &none, &[2, 2], &[1.0, 1.0]).is_none());
    assert!(surface_distances(&none, &none, &[2, 3], &[1.0, 0.0]).is_none());
}

#[test]
fn scores_are_ranked_as_elsewhere() {
    for case in reference()["scores"].as_array().unwrap() {
        let labels: Vec<bool> = case["labels"]
            .as_array()
            .unwrap()
            .iter()
            .map(|v| v.as_bool().unwrap())
            .collect();
        let scores = list(&case["scores"]);
        let goal: Vec<f64> = labels.iter().map(|&l| f64::from(u8::from(l))).collect();
        assert!((auroc(&labels, &scores).unwrap() - case["auroc"].as_f64().unwrap()).abs() < 1e-12);
        let mse = mean_squared_error(&goal, &scores).unwrap();
        assert!((mse - case["mse"].as_f64().unwrap()).abs() < 1e-12);
    }
    assert_eq!(auroc(&[true, true], &[0.1, 0.2]), None);
    assert_eq!(auroc(&[true, false], &[0.1, f64::NAN]), None);
    assert_eq!(auroc(&[true, false], &[0.0, -0.0]), Some(0.5));
    assert_eq!(mean_squared_error(&[], &[]), None);
}

#[test]
fn resizing_is_that_of_other_programs() {
    for case in reference()["grids"].as_array().unwrap() {
        let sides = |name: &str| -> [usize; 2] { sizes(&case[name]).try_into().unwrap() };
        let grid: Vec<f32> = list(&case["values"]).iter().map(|&v| v as f32).collect();
        for (name, found) in [
            (
                "area",
                resample::area(&grid, sides("from"), sides("to")).unwrap(),
            ),
            (
                "bilinear",
                resample::bilinear(&grid, sides("from"), sides("to")).unwrap(),
            ),
        ] {
            for (f, e) in found.iter().zip(list(&case[name])) {
                // Values up to 100 in f32: a few units in the last place of the sums.
                assert!((f64::from(*f) - e).abs() < 5e-5, "{name}: {f} is not {e}");
            }
        }
    }
}

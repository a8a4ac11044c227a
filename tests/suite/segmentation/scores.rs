//! Figures of scores against scikit-learn, NumPy and SciPy; `benches/peers/metrics` made the numbers.

use negatoscope::imaging::metrics::{
    Confusion, CurvePoint, Resampling, auroc, average_precision, brier, expected_calibration_error,
    mean_squared_error, precision_recall_curve, rank_correlation, reliability, roc_curve,
};
use serde_json::Value;

fn list(value: &Value) -> Vec<f64> {
    let values = value.as_array().unwrap().iter();
    values.map(|v| v.as_f64().unwrap()).collect()
}

fn near(found: f64, expected: &Value, what: &str) {
    let expected = expected.as_f64().unwrap();
    assert!(
        (found - expected).abs() < 1e-12,
        "{what}: {found} is not {expected}"
    );
}

struct Case {
    name: String,
    labels: Vec<bool>,
    scores: Vec<f64>,
    patients: Vec<String>,
    value: Value,
}

fn cases() -> Vec<Case> {
    let all: Value = serde_json::from_str(include_str!("../../data/metrics/scores.json")).unwrap();
    let cases = all["cases"].as_array().unwrap().iter();
    cases
        .map(|value| Case {
            name: value["name"].as_str().unwrap().into(),
            labels: serde_json::from_value(value["labels"].clone()).unwrap(),
            scores: list(&value["scores"]),
            patients: serde_json::from_value(value["patients"].clone()).unwrap(),
            value: value.clone(),
        })
        .collect()
}

/// Points beside those of a peer, which has no threshold for the first one.
fn same_curve(found: &[CurvePoint], expected: &Value, what: &str) {
    let (x, y, thresholds) = (
        list(&expected["x"]),
        list(&expected["y"]),
        list(&expected["thresholds"]),
    );
    assert_eq!(found.len(), x.len(), "{what}");
    assert_eq!(found[0].threshold, f64::INFINITY);
    for (i, point) in found.iter().enumerate() {
        assert!(
            (point.x - x[i]).abs() < 1e-12,
            "{what} {i}: {point:?} {}",
            x[i]
        );
        assert!(
            (point.y - y[i]).abs() < 1e-12,
            "{what} {i}: {point:?} {}",
            y[i]
        );
        if i > 0 {
            assert_eq!(point.threshold, thresholds[i - 1], "{what} {i}");
        }
    }
}

#[test]
fn scores_have_the_figures_of_other_programs() {
    let cases = cases();
    assert_eq!(cases.len(), 6);
    for c in &cases {
        let (labels, scores, v) = (&c.labels, &c.scores, &c.value);
        near(auroc(labels, scores).unwrap(), &v["auroc"], &c.name);
        let ap = average_precision(labels, scores).unwrap();
        near(ap, &v["average_precision"], &c.name);
        near(brier(labels, scores).unwrap(), &v["brier"], &c.name);
        let goal: Vec<f64> = labels.iter().map(|&l| f64::from(u8::from(l))).collect();
        near(
            mean_squared_error(&goal, scores).unwrap(),
            &v["mse"],
            &c.name,
        );
        let rank = rank_correlation(scores, &goal).unwrap();
        near(rank, &v["rank_correlation"], &c.name);
        same_curve(&roc_curve(labels, scores).unwrap(), &v["roc"], &c.name);
        let pr = precision_recall_curve(labels, scores).unwrap();
        same_curve(&pr, &v["pr"], &c.name);
        for at in v["at"].as_array().unwrap() {
            let threshold = at["threshold"].as_f64().unwrap();
            let counts = Confusion::at(labels, scores, threshold).unwrap();
            let what = format!("{} at {threshold}", c.name);
            near(counts.precision(), &at["precision"], &what);
            near(counts.recall(), &at["recall"], &what);
            near(counts.specificity().unwrap(), &at["specificity"], &what);
            near(counts.f1(), &at["f1"], &what);
            near(counts.accuracy().unwrap(), &at["accuracy"], &what);
        }
    }
}

#[test]
fn reliability_is_that_of_scikit_learn() {
    for c in cases() {
        for expected in c.value["calibration"].as_array().unwrap() {
            let bins = expected["bins"].as_u64().unwrap() as usize;
            let found = reliability(&c.labels, &c.scores, bins).unwrap();
            assert_eq!(found.len(), bins);
            let filled: Vec<_> = found.iter().filter(|b| b.count > 0).collect();
            let counts: Vec<u64> = filled.iter().map(|b| b.count).collect();
            let wanted: Vec<u64> = serde_json::from_value(expected["counts"].clone()).unwrap();
            assert_eq!(counts, wanted, "{} in {bins}", c.name);
            for (i, bin) in filled.iter().enumerate() {
                near(bin.probability, &expected["mean"][i], &c.name);
                near(bin.share, &expected["share"][i], &c.name);
                // A mean of equal numbers may round beyond them.
                let range = bin.low - 1e-12..=bin.high + 1e-12;
                assert!(range.contains(&bin.probability), "{bin:?}");
            }
            let ece = expected_calibration_error(&c.labels, &c.scores, bins).unwrap();
            near(ece, &expected["ece"], &c.name);
        }
    }
}

#[test]
fn intervals_are_those_of_the_same_draws_elsewhere() {
    for c in cases() {
        let v = &c.value["intervals"];
        let pick = |drawn: &[usize]| -> (Vec<bool>, Vec<f64>) {
            drawn.iter().map(|&i| (c.labels[i], c.scores[i])).unzip()
        };
        let rank = |drawn: &[usize]| {
            let (labels, scores) = pick(drawn);
            auroc(&labels, &scores)
        };
        let square = |drawn: &[usize]| {
            let (labels, scores) = pick(drawn);
            brier(&labels, &scores)
        };
        let draws = v["draws"].as_u64().unwrap() as usize;
        let (seed, level) = (v["seed"].as_u64().unwrap(), v["level"].as_f64().unwrap());
        let by_case = Resampling::by_case(c.labels.len(), seed, draws);
        let by_patient = Resampling::by_patient(&c.patients, seed, draws);
        for (key, found) in [
            ("auroc_by_case", by_case.interval(level, rank)),
            ("auroc_by_patient", by_patient.interval(level, rank)),
            ("brier_by_patient", by_patient.interval(level, square)),
        ] {
            let found = found.unwrap();
            let what = format!("{key} of {}", c.name);
            near(found.low, &v[key][0], &what);
            near(found.high, &v[key][1], &what);
            assert_eq!(found.draws as f64, v[key][2].as_f64().unwrap(), "{what}");
        }
        // Other draws: the ends agree within a fifth of the width.
        let many = Resampling::by_case(c.labels.len(), 11, 4000);
        let (ours, theirs) = (
            many.interval(0.95, square).unwrap(),
            list(&v["brier_of_scipy"]),
        );
        let width = theirs[1] - theirs[0];
        assert!((ours.low - theirs[0]).abs() < 0.2 * width, "{}", c.name);
        assert!((ours.high - theirs[1]).abs() < 0.2 * width, "{}", c.name);
    }
}

#[test]
fn scores_that_say_nothing_have_no_figures() {
    let (two, half) = ([true, false], [0.5, 0.5]);
    // One class.
    for one in [[true, true], [false, false]] {
        assert_eq!(auroc(&one, &half), None);
        assert_eq!(roc_curve(&one, &half), None);
    }
    assert_eq!(average_precision(&[false, false], &half), None);
    assert_eq!(precision_recall_curve(&[false, false], &half), None);
    assert_eq!(average_precision(&[true, true], &half), Some(1.0));
    assert_eq!(
        Confusion::at(&[true, true], &half, 0.5)
            .unwrap()
            .specificity(),
        None
    );
    // All tied: one point between the ends, half the area, the share of positives as precision.
    assert_eq!(auroc(&two, &half), Some(0.5));
    assert_eq!(average_precision(&two, &half), Some(0.5));
    assert_eq!(roc_curve(&two, &half).unwrap().len(), 2);
    // Not a number, not a probability, not as many.
    let nan = [0.1, f64::NAN];
    assert!(Confusion::at(&two, &nan, 0.5).is_none());
    assert!(Confusion::at(&two, &half, f64::NAN).is_none());
    assert!(roc_curve(&two, &nan).is_none() && average_precision(&two, &nan).is_none());
    assert!(mean_squared_error(&[1.0, f64::NAN], &half).is_none());
    for wrong in [nan, [0.1, 1.1], [-0.1, 0.5], [0.1, f64::INFINITY]] {
        assert!(brier(&two, &wrong).is_none());
        assert!(reliability(&two, &wrong, 10).is_none());
    }
    assert!(auroc(&two, &[0.1]).is_none() && brier(&two, &[0.1]).is_none());
    assert!(auroc(&[], &[]).is_none() && reliability(&[], &[], 10).is_none());
    assert!(reliability(&two, &half, 0).is_none());
    assert_eq!(rank_correlation(&half, &[0.1, 0.2]), None);
    assert_eq!(rank_correlation(&[1.0, f64::NAN], &half), None);
    assert_eq!(
        rank_correlation(&[1.0, 2.0, 2.0], &[9.0, 3.0, 3.0]),
        Some(-1.0)
    );
    // Ranks may be infinite.
    assert_eq!(auroc(&two, &[f64::INFINITY, f64::NEG_INFINITY]), Some(1.0));
}

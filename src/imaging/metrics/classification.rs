//! Scores against two classes: what can be said without a threshold, and at every threshold.
//!
//! Cases with one score cannot be told apart, so they count together: a tie is one point of a curve, and half a win
//! of the area. Scores may be infinite, but not NaN.

/// One threshold of a curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CurvePoint {
    /// Scores at or above it are positive. Infinite at the end where nothing is positive.
    pub threshold: f64,
    /// False positive rate on a ROC curve, recall on a curve of precision and recall.
    pub x: f64,
    /// True positive rate (recall) on a ROC curve, precision on the other.
    pub y: f64,
}

/// True and false positives of each threshold, from the highest score down. `None` for nothing, different lengths or
/// a NaN.
fn steps(positive: &[bool], scores: &[f64]) -> Option<Vec<(f64, f64, f64)>> {
    if positive.is_empty() || positive.len() != scores.len() || scores.iter().any(|s| s.is_nan()) {
        return None;
    }
    let mut order: Vec<(f64, bool)> = scores
        .iter()
        .copied()
        .zip(positive.iter().copied())
        .collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut hits, mut alarms) = (0.0f64, 0.0f64);
    let mut out = Vec::new();
    let mut rest = order.as_slice();
    while let Some(first) = rest.first() {
        // -0.0 and 0.0 tie although their total order differs.
        let ties = rest.iter().take_while(|c| c.0 == first.0).count();
        let (group, after) = rest.split_at(ties);
        let positives = group.iter().filter(|c| c.1).count() as f64;
        hits += positives;
        alarms += ties as f64 - positives;
        out.push((first.0, hits, alarms));
        rest = after;
    }
    Some(out)
}

/// Area under the ROC curve: the probability that a positive case scores above a negative one, ties counting
/// half. `None` when a class is missing, the lengths differ, or a score is not a number.
pub fn auroc(positive: &[bool], scores: &[f64]) -> Option<f64> {
    let steps = steps(positive, scores)?;
    let &(_, positives, negatives) = steps.last()?;
    let (mut wins, mut hits, mut alarms) = (0.0f64, 0.0f64, 0.0f64);
    for (_, now_hits, now_alarms) in steps {
        wins += (now_alarms - alarms) * (hits + now_hits) / 2.0;
        (hits, alarms) = (now_hits, now_alarms);
    }
    (positives > 0.0 && negatives > 0.0).then(|| wins / (positives * negatives))
}

/// The ROC curve from (0, 0) at an infinite threshold to (1, 1), a point for each score that occurs. `None` as for
/// [`auroc`].
pub fn roc_curve(positive: &[bool], scores: &[f64]) -> Option<Vec<CurvePoint>> {
    let steps = steps(positive, scores)?;
    let &(_, positives, negatives) = steps.last()?;
    if positives == 0.0 || negatives == 0.0 {
        return None;
    }
    let start = CurvePoint {
        threshold: f64::INFINITY,
        x: 0.0,
        y: 0.0,
    };
    let points = steps
        .into_iter()
        .map(|(threshold, hits, alarms)| CurvePoint {
            threshold,
            x: alarms / negatives,
            y: hits / positives,
        });
    Some(std::iter::once(start).chain(points).collect())
}

/// Recall and precision from the highest score down to the lowest, behind the point (0, 1) at an infinite threshold,
/// where nothing is called positive. `None` without a positive case, for different lengths or a NaN.
pub fn precision_recall_curve(positive: &[bool], scores: &[f64]) -> Option<Vec<CurvePoint>> {
    let steps = steps(positive, scores)?;
    let &(_, positives, _) = steps.last()?;
    if positives == 0.0 {
        return None;
    }
    let start = CurvePoint {
        threshold: f64::INFINITY,
        x: 0.0,
        y: 1.0,
    };
    let points = steps
        .into_iter()
        .map(|(threshold, hits, alarms)| CurvePoint {
            threshold,
            x: hits / positives,
            y: hits / (hits + alarms),
        });
    Some(std::iter::once(start).chain(points).collect())
}

/// Average precision: the precision of each threshold weighted by the recall that it adds; nothing is interpolated.
/// `None` as for [`precision_recall_curve`].
pub fn average_precision(positive: &[bool], scores: &[f64]) -> Option<f64> {
    let curve = precision_recall_curve(positive, scores)?;
    let mut sum = 0.0;
    let mut recall = 0.0;
    for point in curve {
        sum += (point.x - recall) * point.y;
        recall = point.x;
    }
    Some(sum)
}

//! Whether two lists of numbers are in the same order.

/// Spearman's rank correlation: 1 for the same order, 0 for none, -1 for the opposite one. Ties have the mean of their
/// ranks. `None` for fewer than two numbers, different lengths, a NaN, or a list in which all numbers are the same.
pub fn rank_correlation(a: &[f64], b: &[f64]) -> Option<f64> {
    if a.len() != b.len() || a.len() < 2 {
        return None;
    }
    let (a, b) = (ranks(a)?, ranks(b)?);
    let mean = (a.len() as f64 + 1.0) / 2.0;
    let (mut both, mut of_a, mut of_b) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(&b) {
        let (a, b) = (a - mean, b - mean);
        both += a * b;
        of_a += a * a;
        of_b += b * b;
    }
    (of_a > 0.0 && of_b > 0.0).then(|| both / (of_a * of_b).sqrt())
}

/// Ranks from 1; `None` when a number is none.
fn ranks(values: &[f64]) -> Option<Vec<f64>> {
    if values.iter().any(|v| v.is_nan()) {
        return None;
    }
    let mut order: Vec<(usize, f64)> = values.iter().copied().enumerate().collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut out = vec![0.0; values.len()];
    let mut below = 0;
    let mut rest = order.as_slice();
    while let Some(first) = rest.first() {
        let ties = rest.iter().take_while(|v| v.1 == first.1).count();
        let (group, after) = rest.split_at(ties);
        let rank = below as f64 + (ties as f64 + 1.0) / 2.0;
        for (place, _) in group {
            if let Some(slot) = out.get_mut(*place) {
                *slot = rank;
            }
        }
        below += ties;
        rest = after;
    }
    Some(out)
}

//! How much voxels differ from the mean around them: the neighbouring grey-tone difference matrix (Amadasun and King 1989).

use super::levels::{Levels, neighbours};

pub(super) fn features(levels: &Levels) -> Vec<(&'static str, f64)> {
    // For each level: voxels that have a neighbour in the segment, and their differences.
    let mut rows = vec![(0.0f64, 0.0f64); levels.highest + 1];
    for (at, level) in levels.voxels() {
        let (mut sum, mut count) = (0.0, 0.0);
        for step in neighbours() {
            let beside = levels.beside(at, step);
            if beside > 0 {
                sum += f64::from(beside);
                count += 1.0;
            }
        }
        if count > 0.0
            && let Some(row) = rows.get_mut(usize::from(level))
        {
            row.0 += 1.0;
            row.1 += (f64::from(level) - sum / count).abs();
        }
    }
    let all: f64 = rows.iter().map(|r| r.0).sum();
    // Level, chance, difference of the levels that occur.
    let used: Vec<(f64, f64, f64)> = rows
        .iter()
        .enumerate()
        .filter(|(_, row)| row.0 > 0.0)
        .map(|(level, row)| (level as f64, row.0 / all, row.1))
        .collect();
    let pairs = |term: &dyn Fn((f64, f64, f64), (f64, f64, f64)) -> f64| {
        let each = used.iter().flat_map(|a| used.iter().map(move |b| (*a, *b)));
        each.map(|(a, b)| term(a, b)).sum::<f64>()
    };
    let differences: f64 = used.iter().map(|(.., s)| s).sum();
    let coarse: f64 = used.iter().map(|(_, p, s)| p * s).sum();
    let n = used.len() as f64;
    let contrast = match n > 1.0 {
        true => {
            pairs(&|a, b| a.1 * b.1 * (a.0 - b.0).powi(2)) / (n * (n - 1.0)) * differences / all
        }
        false => 0.0,
    };
    let uneven = pairs(&|a, b| (a.0 * a.1 - b.0 * b.1).abs());
    let complex = pairs(&|a, b| (a.0 - b.0).abs() * (a.1 * a.2 + b.1 * b.2) / (a.1 + b.1));
    let strong = pairs(&|a, b| (a.1 + b.1) * (a.0 - b.0).powi(2));
    let over = |value: f64, by: f64| if by > 0.0 { value / by } else { 0.0 };
    vec![
        ("Busyness", over(coarse, uneven)),
        // Without any difference there is no end to it; a million stands for that.
        ("Coarseness", if coarse > 0.0 { 1.0 / coarse } else { 1e6 }),
        ("Complexity", over(complex, all)),
        ("Contrast", contrast),
        ("Strength", over(strong, differences)),
    ]
}

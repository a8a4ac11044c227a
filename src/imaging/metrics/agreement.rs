//! How well readers agree: Cohen's and Fleiss' kappa, and the intraclass correlation of single readings.
//!
//! Categories are places 0, 1, 2…: whole numbers without gaps, so that weights count true steps. What does not exist is
//! `None`: nothing was rated, or chance alone would agree always.

/// How far apart two different categories count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weights {
    /// All the same (Cohen 1960).
    None,
    /// By the number of steps.
    Linear,
    /// By its square (Cohen 1968).
    Quadratic,
}

impl Weights {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::None, Self::Linear, Self::Quadratic];

    /// Its word in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "unweighted",
            Self::Linear => "linear",
            Self::Quadratic => "quadratic",
        }
    }

    fn of(self, a: usize, b: usize) -> f64 {
        let steps = a.abs_diff(b) as f64;
        match self {
            Self::None => f64::from(u8::from(a != b)),
            Self::Linear => steps,
            Self::Quadratic => steps * steps,
        }
    }
}

/// Largest number of categories: the sums run over pairs of them.
pub const MOST_CATEGORIES: usize = 1024;

/// Cohen's kappa of two readers over the same things: one minus the disagreement that was seen over that of chance. `None`
/// also for more than [`MOST_CATEGORIES`] categories.
pub fn cohen_kappa(pairs: &[(usize, usize)], weights: Weights) -> Option<f64> {
    let count = pairs.iter().map(|(a, b)| a.max(b) + 1).max()?;
    if count > MOST_CATEGORIES {
        return None;
    }
    let (mut first, mut second) = (vec![0.0; count], vec![0.0; count]);
    let mut seen = 0.0;
    for (a, b) in pairs {
        *first.get_mut(*a)? += 1.0;
        *second.get_mut(*b)? += 1.0;
        seen += weights.of(*a, *b);
    }
    let mut chance = 0.0;
    for (a, x) in first.iter().enumerate() {
        for (b, y) in second.iter().enumerate() {
            chance += weights.of(a, b) * x * y;
        }
    }
    chance /= pairs.len() as f64;
    (chance > 0.0).then(|| 1.0 - seen / chance)
}

/// Fleiss' kappa (1971): for each thing how many readers chose each category, the same number of readers for all, two or
/// more.
pub fn fleiss_kappa(table: &[Vec<usize>]) -> Option<f64> {
    let readers = table.first()?.iter().sum::<usize>();
    let categories = table.first()?.len();
    let even = |row: &Vec<usize>| row.len() == categories && row.iter().sum::<usize>() == readers;
    if readers < 2 || !table.iter().all(even) {
        return None;
    }
    let (things, n) = (table.len() as f64, readers as f64);
    let mut shares = vec![0.0; categories];
    let mut agreed = 0.0;
    for row in table {
        for (share, count) in shares.iter_mut().zip(row) {
            *share += *count as f64;
        }
        let squares: f64 = row.iter().map(|c| (*c as f64) * (*c as f64)).sum();
        agreed += (squares - n) / (n * (n - 1.0));
    }
    agreed /= things;
    let chance: f64 = shares.iter().map(|s| (s / (things * n)).powi(2)).sum();
    (chance < 1.0).then(|| (agreed - chance) / (1.0 - chance))
}

/// ICC(2,1) of Shrout and Fleiss (1979): two-way random effects, absolute agreement, single readings. A row is a thing, a
/// column a reader; two or more of each.
pub fn intraclass_correlation(rows: &[Vec<f64>]) -> Option<f64> {
    let readers = rows.first()?.len();
    let sound = |row: &Vec<f64>| row.len() == readers && row.iter().all(|v| v.is_finite());
    if readers < 2 || rows.len() < 2 || !rows.iter().all(sound) {
        return None;
    }
    let (n, k) = (rows.len() as f64, readers as f64);
    let mean = rows.iter().flatten().sum::<f64>() / (n * k);
    let by_row: Vec<f64> = rows.iter().map(|row| row.iter().sum::<f64>() / k).collect();
    let by_reader: Vec<f64> = (0..readers)
        .map(|at| rows.iter().filter_map(|row| row.get(at)).sum::<f64>() / n)
        .collect();
    let squares = |means: &[f64]| means.iter().map(|m| (m - mean).powi(2)).sum::<f64>();
    let between_rows = k * squares(&by_row) / (n - 1.0);
    let between_readers = n * squares(&by_reader) / (k - 1.0);
    let mut rest = 0.0;
    for (row, row_mean) in rows.iter().zip(&by_row) {
        for (value, reader_mean) in row.iter().zip(&by_reader) {
            rest += (value - row_mean - reader_mean + mean).powi(2);
        }
    }
    rest /= (n - 1.0) * (k - 1.0);
    let whole = between_rows + (k - 1.0) * rest + k * (between_readers - rest) / n;
    (whole > 0.0).then(|| (between_rows - rest) / whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: Option<f64>, expected: f64) {
        let found = found.unwrap();
        assert!(
            (found - expected).abs() < 1e-12,
            "{found} is not {expected}"
        );
    }

    /// Grades of two readers for 40 things, and what scikit-learn 1.9.1 says of them:
    /// `cohen_kappa_score(a, b, labels=range(6), weights=None | "linear" | "quadratic")`.
    #[test]
    fn cohen_is_that_of_scikit_learn() {
        let a = RATINGS[0];
        let b = RATINGS[1];
        let pairs: Vec<(usize, usize)> = a.into_iter().zip(b).collect();
        near(cohen_kappa(&pairs, Weights::None), COHEN[0]);
        near(cohen_kappa(&pairs, Weights::Linear), COHEN[1]);
        near(cohen_kappa(&pairs, Weights::Quadratic), COHEN[2]);
    }

    /// The same and two more readers: `fleiss_kappa(aggregate_raters(array)[0])` of statsmodels.
    #[test]
    fn fleiss_is_that_of_statsmodels() {
        let table: Vec<Vec<usize>> = (0..40)
            .map(|thing| {
                let mut row = vec![0; 6];
                for reader in RATINGS {
                    row[reader[thing]] += 1;
                }
                row
            })
            .collect();
        near(fleiss_kappa(&table), FLEISS);
        let uneven = vec![vec![1, 1], vec![2, 1]];
        assert_eq!(fleiss_kappa(&uneven), None);
        assert_eq!(
            fleiss_kappa(&[vec![3, 0], vec![3, 0]]),
            None,
            "chance alone agrees"
        );
    }

    /// The example of Shrout and Fleiss (1979), table 2: ICC(2,1) is .29.
    #[test]
    fn the_correlation_is_that_of_the_paper() {
        let rows: Vec<Vec<f64>> = [
            [9.0, 2.0, 5.0, 8.0],
            [6.0, 1.0, 3.0, 2.0],
            [8.0, 4.0, 6.0, 8.0],
            [7.0, 1.0, 2.0, 6.0],
            [10.0, 5.0, 6.0, 9.0],
            [6.0, 2.0, 4.0, 7.0],
        ]
        .map(Vec::from)
        .to_vec();
        let found = intraclass_correlation(&rows).unwrap();
        assert!((found - 0.29).abs() < 0.005, "{found}");
    }

    #[test]
    fn what_does_not_exist_is_no_number() {
        assert_eq!(cohen_kappa(&[], Weights::None), None);
        assert_eq!(cohen_kappa(&[(1, 1), (1, 1)], Weights::Linear), None);
        assert_eq!(cohen_kappa(&[(0, usize::MAX - 1)], Weights::None), None);
        assert_eq!(
            cohen_kappa(&[(0, 0), (1, 1)], Weights::Quadratic),
            Some(1.0)
        );
        assert_eq!(fleiss_kappa(&[]), None);
        assert_eq!(intraclass_correlation(&[vec![1.0, 2.0]]), None);
        assert_eq!(
            intraclass_correlation(&[vec![1.0, f64::NAN], vec![1.0, 2.0]]),
            None
        );
    }

    #[rustfmt::skip]
    const RATINGS: [[usize; 40]; 4] = [
        [4, 5, 5, 4, 4, 5, 4, 0, 2, 3, 1, 2, 3, 4, 3, 2, 5, 5, 1, 2, 1, 5, 0, 2, 5, 2, 0, 4, 5, 5, 5, 3, 4, 5, 3, 5, 2, 1, 2, 3],
        [4, 4, 5, 3, 5, 5, 5, 0, 3, 3, 1, 2, 3, 4, 3, 1, 3, 4, 1, 3, 3, 5, 0, 2, 5, 2, 0, 4, 5, 5, 5, 2, 4, 5, 3, 5, 2, 1, 2, 3],
        [4, 5, 5, 4, 5, 4, 4, 0, 2, 3, 1, 2, 3, 4, 2, 1, 5, 5, 1, 4, 2, 5, 0, 3, 5, 3, 0, 4, 5, 5, 5, 1, 4, 5, 3, 5, 3, 1, 2, 3],
        [4, 5, 5, 3, 5, 5, 5, 0, 2, 3, 1, 2, 4, 5, 2, 1, 3, 5, 0, 3, 3, 5, 1, 3, 4, 2, 0, 5, 5, 4, 5, 2, 3, 5, 3, 5, 4, 1, 2, 3],
    ];
    const COHEN: [f64; 3] = [0.6597061098221191, 0.8184357541899441, 0.9164619164619164];
    const FLEISS: f64 = 0.5585418898302333;
}

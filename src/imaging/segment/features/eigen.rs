//! Eigenvalues of symmetric matrices by Jacobi's rotations.

/// All eigenvalues of a symmetric matrix of `n` rows, in no order. Empty where the numbers are not as many.
pub(super) fn symmetric(mut matrix: Vec<f64>, n: usize) -> Vec<f64> {
    if n.checked_mul(n) != Some(matrix.len()) {
        return Vec::new();
    }
    let scale: f64 = matrix.iter().map(|v| v * v).sum();
    // Converges quadratically; this many sweeps are never needed.
    for _ in 0..64 {
        let mut left = 0.0;
        for i in 0..n {
            for j in 0..i {
                left += matrix[i * n + j].powi(2);
            }
        }
        if left <= scale * 1e-30 {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                rotate(&mut matrix, n, p, q);
            }
        }
    }
    (0..n).map(|i| matrix[i * n + i]).collect()
}

/// The rotation that makes the element of a row and a column 0.
fn rotate(matrix: &mut [f64], n: usize, p: usize, q: usize) {
    let off = matrix[p * n + q];
    if off == 0.0 {
        return;
    }
    let theta = (matrix[q * n + q] - matrix[p * n + p]) / (2.0 * off);
    let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
    let t = if theta == 0.0 { 1.0 } else { t };
    let c = 1.0 / (t * t + 1.0).sqrt();
    let s = t * c;
    for k in 0..n {
        let (a, b) = (matrix[k * n + p], matrix[k * n + q]);
        matrix[k * n + p] = c * a - s * b;
        matrix[k * n + q] = s * a + c * b;
    }
    for k in 0..n {
        let (a, b) = (matrix[p * n + k], matrix[q * n + k]);
        matrix[p * n + k] = c * a - s * b;
        matrix[q * n + k] = s * a + c * b;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eigenvalues_of_known_matrices() {
        let mut found = symmetric(vec![2.0, 1.0, 0.0, 1.0, 2.0, 1.0, 0.0, 1.0, 2.0], 3);
        found.sort_unstable_by(f64::total_cmp);
        let root = std::f64::consts::SQRT_2;
        for (value, expected) in found.iter().zip([2.0 - root, 2.0, 2.0 + root]) {
            assert!((value - expected).abs() < 1e-12);
        }
        // The path of twelve: 2 cos(k π / 13).
        let n = 12usize;
        let path: Vec<f64> = (0..n * n)
            .map(|i| f64::from(u8::from((i / n).abs_diff(i % n) == 1)))
            .collect();
        let mut found = symmetric(path, n);
        found.sort_unstable_by(|a, b| b.total_cmp(a));
        for (k, value) in found.iter().enumerate() {
            let expected = 2.0 * ((k + 1) as f64 * std::f64::consts::PI / 13.0).cos();
            assert!((value - expected).abs() < 1e-12);
        }
        assert!(symmetric(vec![1.0; 3], 2).is_empty());
    }
}

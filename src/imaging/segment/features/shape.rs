//! The form of a segment, whatever its values.

use super::{
    super::bits::Bits,
    eigen,
    mesh::{Surface, surface},
};
use std::collections::HashMap;

/// What a segment measures in space. The surface is that of marching cubes half-way between voxel centres.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    /// Voxels.
    pub voxels: u64,
    /// Voxels times the volume of one, mm³.
    pub voxel_volume: f64,
    /// What the surface shuts in, mm³.
    pub mesh_volume: f64,
    /// Area of the surface, mm².
    pub surface: f64,
    /// Largest distance of two points of the surface, mm: the Feret diameter.
    pub diameter: f64,
    /// The same within a plane of slices, of rows, of columns: where slice, row or column do not change.
    pub flat_diameters: [f64; 3],
    /// Mean of the voxels' indices: column, row, slice.
    pub centroid: [f64; 3],
    /// Variances along the principal axes of the voxels' centres, mm², largest first.
    pub variances: [f64; 3],
}

impl Shape {
    /// Of a set; `None` for the empty one. `spacing` is millimetres from column to column, row to row, slice to slice.
    pub fn of(bits: &Bits, spacing: [f64; 3]) -> Option<Self> {
        let voxels = bits.count();
        if voxels == 0 {
            return None;
        }
        let n = voxels as f64;
        let mut sums = [0.0f64; 3];
        for (y, z, run) in bits.runs() {
            let count = run.len() as f64;
            sums[0] += (run.start + run.end - 1) as f64 / 2.0 * count;
            sums[1] += y as f64 * count;
            sums[2] += z as f64 * count;
        }
        let centroid = sums.map(|sum| sum / n);
        let mut covariance = [0.0f64; 9];
        for at in bits.ones() {
            let away = [0, 1, 2].map(|i| (at[i] as f64 - centroid[i]) * spacing[i]);
            for i in 0..3 {
                for j in 0..3 {
                    covariance[3 * i + j] += away[i] * away[j] / n;
                }
            }
        }
        let mut variances = eigen::symmetric(covariance.to_vec(), 3);
        variances.sort_unstable_by(|a, b| b.total_cmp(a));
        let variance = |i: usize| variances.get(i).copied().unwrap_or(0.0).max(0.0);
        let Surface {
            area,
            volume,
            corners,
        } = surface(bits, spacing);
        let across = |axis: usize| {
            let mut planes: HashMap<usize, Vec<[usize; 3]>> = HashMap::new();
            for corner in &corners {
                planes.entry(corner[axis]).or_default().push(*corner);
            }
            planes
                .into_values()
                .map(|plane| widest(plane, spacing))
                .fold(0.0, f64::max)
        };
        Some(Self {
            voxels,
            voxel_volume: n * spacing.iter().product::<f64>(),
            mesh_volume: volume,
            surface: area,
            flat_diameters: [across(2), across(1), across(0)],
            diameter: widest(corners, spacing),
            centroid,
            variances: [variance(0), variance(1), variance(2)],
        })
    }

    /// How near to a ball it is, 1 for a ball: the area of a ball of the same volume over its own.
    pub fn sphericity(&self) -> f64 {
        (36.0 * std::f64::consts::PI * self.mesh_volume * self.mesh_volume).cbrt() / self.surface
    }

    /// The names of pyradiomics.
    pub(super) fn features(&self) -> Vec<(&'static str, f64)> {
        let [major, minor, least] = self.variances;
        let share = |of: f64| {
            if major > 0.0 {
                (of / major).sqrt()
            } else {
                0.0
            }
        };
        let [slice, row, column] = self.flat_diameters;
        vec![
            ("Elongation", share(minor)),
            ("Flatness", share(least)),
            ("LeastAxisLength", 4.0 * least.sqrt()),
            ("MajorAxisLength", 4.0 * major.sqrt()),
            // Where the row does not change, a plane shows the columns; the names are those of pyradiomics.
            ("Maximum2DDiameterColumn", row),
            ("Maximum2DDiameterRow", column),
            ("Maximum2DDiameterSlice", slice),
            ("Maximum3DDiameter", self.diameter),
            ("MeshVolume", self.mesh_volume),
            ("MinorAxisLength", 4.0 * minor.sqrt()),
            ("Sphericity", self.sphericity()),
            ("SurfaceArea", self.surface),
            ("SurfaceVolumeRatio", self.surface / self.mesh_volume),
            ("VoxelVolume", self.voxel_volume),
        ]
    }
}

/// The largest distance of two points, given in half voxels.
fn widest(points: Vec<[usize; 3]>, spacing: [f64; 3]) -> f64 {
    let points = outermost(points);
    let mut points: Vec<[f64; 3]> = points
        .iter()
        .map(|p| [0, 1, 2].map(|i| p[i] as f64 * spacing[i] / 2.0))
        .collect();
    let n = points.len().max(1) as f64;
    let mut middle = [0.0; 3];
    for point in &points {
        (0..3).for_each(|i| middle[i] += point[i] / n);
    }
    let apart = |a: &[f64; 3], b: &[f64; 3]| {
        let d = [0, 1, 2].map(|i| a[i] - b[i]);
        d[0] * d[0] + d[1] * d[1] + d[2] * d[2]
    };
    // Two points are no further apart than both are from the middle: from the outside in, the search ends early.
    points.sort_unstable_by(|a, b| apart(b, &middle).total_cmp(&apart(a, &middle)));
    let reach: Vec<f64> = points.iter().map(|p| apart(p, &middle).sqrt()).collect();
    let mut best = 0.0f64;
    for (i, a) in points.iter().enumerate() {
        let own = reach.get(i).copied().unwrap_or(0.0);
        if own + reach.first().copied().unwrap_or(0.0) <= best {
            break;
        }
        for (b, other) in points.iter().zip(&reach).take(i) {
            if own + other <= best {
                break;
            }
            best = best.max(apart(a, b).sqrt());
        }
    }
    best
}

/// Points that end a line of points along every axis: the ends of the largest distance are among them.
fn outermost(mut points: Vec<[usize; 3]>) -> Vec<[usize; 3]> {
    for axis in 0..3 {
        let mut ends: HashMap<[usize; 2], [usize; 2]> = HashMap::new();
        let line = |p: &[usize; 3]| match axis {
            0 => [p[1], p[2]],
            1 => [p[0], p[2]],
            _ => [p[0], p[1]],
        };
        for point in &points {
            let at = point[axis];
            let range = ends.entry(line(point)).or_insert([at, at]);
            *range = [range[0].min(at), range[1].max(at)];
        }
        points.retain(|p| ends.get(&line(p)).is_some_and(|r| r.contains(&p[axis])));
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_measures_what_it_should() {
        let mut bits = Bits::new([20, 20, 20]);
        for z in 5..9 {
            for y in 3..13 {
                bits.set_run(y, z, 2..8);
            }
        }
        let spacing = [1.0, 0.5, 2.0];
        let found = Shape::of(&bits, spacing).unwrap();
        assert_eq!((found.voxels, found.voxel_volume), (240, 240.0));
        assert_eq!(found.centroid, [4.5, 7.5, 6.5]);
        // Variance of n points one step apart: (n² - 1) / 12.
        let of = |n: f64, s: f64| (n * n - 1.0) / 12.0 * s * s;
        let mut expected = [of(6.0, 1.0), of(10.0, 0.5), of(4.0, 2.0)];
        expected.sort_unstable_by(|a, b| b.total_cmp(a));
        for (found, expected) in found.variances.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12);
        }
        // The furthest corners of the surface: a face's middle line to the one opposite.
        let corners = surface(&bits, spacing).corners;
        let mut most = 0.0f64;
        for a in &corners {
            for b in &corners {
                let d = |i: usize| (a[i] as f64 - b[i] as f64) / 2.0 * spacing[i];
                most = most.max((d(0).powi(2) + d(1).powi(2) + d(2).powi(2)).sqrt());
            }
        }
        assert!((found.diameter - most).abs() < 1e-12);
        assert!(Shape::of(&Bits::new([3; 3]), spacing).is_none());
    }
}

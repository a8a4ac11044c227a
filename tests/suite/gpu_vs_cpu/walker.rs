//! Random walks on the device and on the CPU: the same labels, but where two are as probable as each other.

use super::{Noise, bench};
use negatoscope::{
    gpu::{Cargo, GpuError},
    imaging::segment::walker::{System, Walk, random_walker},
    render::walker,
    task::CancelToken,
};

/// Two round things in noise, with a wall without values that shuts a corner in.
fn values(size: [usize; 3]) -> Vec<f32> {
    let mut noise = Noise(77);
    (0..size.iter().product::<usize>())
        .map(|i| {
            let at = [i % size[0], i / size[0] % size[1], i / (size[0] * size[1])];
            let near = |c: [f64; 3], r: f64| {
                (0..3).map(|k| (at[k] as f64 - c[k]).powi(2)).sum::<f64>() < r * r
            };
            if at[0] + at[1] == 6 {
                return f32::NAN;
            }
            let base = match () {
                () if near([24.0, 26.0, 0.0], 13.0) => 300.0,
                () if near([58.0, 24.0, 1.0], 11.0) => 420.0,
                () => 0.0,
            };
            base + (noise.next() % 90) as f32
        })
        .collect()
}

#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn walks_end_alike() {
    let bench = bench();
    let gpu = &bench.gpu;
    let token = CancelToken::default();
    let spacing = [0.7, 0.9, 2.0];
    // Sides that fill no group, a single slice and a box.
    for size in [[83, 61, 1], [75, 49, 3]] {
        let values = values(size);
        let count = values.len();
        for labels in if size[2] == 1 { 1..=4usize } else { 2..=2 } {
            let mut seeds = vec![0u16; count];
            let middle = size[2] / 2 * size[0] * size[1];
            let places = [[24usize, 26], [40, 40], [58, 24], [70, 6]];
            for ([x, y], label) in places.into_iter().zip([5u16, 2, 65_535, 9]).take(labels) {
                for x in x - 3..x + 3 {
                    seeds[middle + y * size[0] + x] = label;
                }
            }
            let walk = Walk::default();
            let here = random_walker(&values, size, spacing, &seeds, walk, &token).unwrap();
            let system = System::new(&values, size, spacing, &seeds, walk.beta).unwrap();
            let before = gpu.door.snapshot();
            let spread = walker::walk_there(gpu, &system, walk, &token);
            let spread = spread.unwrap().unwrap();
            let (mask, voxels) = spread.mask(gpu, 5, None).unwrap();
            let back = gpu.door.since(&before);
            assert!(back.read_back(Cargo::Mask) == 0 && back.read_back(Cargo::Uniform) > 0);
            let there = spread.labels(gpu).unwrap();
            let apart = here.iter().zip(&there).filter(|(a, b)| a != b).count();
            assert!(
                apart <= count / 2000,
                "{size:?} {labels}: {apart} of {count}"
            );
            // What the wall shuts in is reached by nobody; a label has more than what was drawn of it.
            let nobody = |labels: &[u16]| labels.iter().filter(|l| **l == 0).count();
            assert_eq!(nobody(&here), nobody(&there));
            assert!(nobody(&there) >= 21 * size[2] && nobody(&there) < 60 * size[2]);
            let bits: Vec<u8> = there.iter().map(|&l| u8::from(l == 5)).collect();
            assert!(mask.read_back(gpu).unwrap() == bits);
            assert_eq!(voxels, bits.iter().map(|&b| u64::from(b)).sum::<u64>());
            assert!(voxels > 100);
            // The same bits each time.
            let again = walker::walk_there(gpu, &system, walk, &token).unwrap();
            assert!(again.unwrap().labels(gpu).unwrap() == there);
        }
        let none = vec![0u16; count];
        let system = System::new(&values, size, spacing, &none, 130.0).unwrap();
        let found = walker::walk_there(gpu, &system, Walk::default(), &token).unwrap();
        assert!(found.unwrap().labels(gpu).unwrap() == none);
        let stopped = CancelToken::default();
        stopped.cancel();
        let found = walker::walk_there(gpu, &system, Walk::default(), &stopped);
        assert!(found.unwrap().is_none());
    }
}

#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn more_than_a_device_takes_is_refused() {
    let bench = bench();
    let most = walker::most_voxels(&bench.gpu);
    let size = [most as usize + 1, 1, 1];
    let (values, seeds) = (vec![0.0f32; size[0]], vec![0u16; size[0]]);
    let system = System::new(&values, size, [1.0; 3], &seeds, 130.0).unwrap();
    let found = walker::walk_there(
        &bench.gpu,
        &system,
        Walk::default(),
        &CancelToken::default(),
    );
    assert!(matches!(found, Err(GpuError::MaskTooLarge { .. })));
    assert!(!walker::suits(&bench.gpu, size[0]));
}

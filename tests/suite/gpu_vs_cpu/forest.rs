//! Labels spread on the device and on the CPU: the same to the last voxel.

use super::{Noise, bench};
use negatoscope::{
    gpu::{Cargo, GpuError},
    imaging::segment::{
        Bits,
        forest::{Costs, Ground, slope, spread},
    },
    render::forest,
    task::CancelToken,
};

/// Three round things in noise, and a wall with a gap.
fn values(size: [usize; 3]) -> (Vec<f32>, Bits) {
    let mut noise = Noise(31);
    let values = (0..size.iter().product::<usize>())
        .map(|i| {
            let at = [i % size[0], i / size[0] % size[1], i / (size[0] * size[1])];
            let near = |c: [f64; 3], r: f64| {
                (0..3).map(|k| (at[k] as f64 - c[k]).powi(2)).sum::<f64>() < r * r
            };
            let base = match () {
                () if near([14.0, 15.0, 7.0], 8.0) => 300.0,
                () if near([33.0, 14.0, 9.0], 7.0) => 420.0,
                () if near([25.0, 31.0, 6.0], 6.0) => 150.0,
                () => 0.0,
            };
            base + (noise.next() % 40) as f32
        })
        .collect();
    let open = Bits::from_fn(size, |[x, y, z]| y != 22 || x < 4 || z == 0);
    (values, open)
}

#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn labels_spread_alike() {
    let bench = bench();
    let gpu = &bench.gpu;
    let token = CancelToken::default();
    let spacing = [0.8, 0.8, 2.0];
    // Odd sides: levels are packed in pairs.
    for size in [[49, 41, 13], [67, 9, 1]] {
        let (values, open) = values(size);
        let count = values.len();
        let mut seeds = vec![0u16; count];
        for (k, label) in [
            (0.01, 7u16),
            (0.33, 2),
            (0.52, 65_535),
            (0.77, 3),
            (0.97, 2),
        ] {
            seeds[(count as f64 * k) as usize] = label;
        }
        let differences = Ground::of_differences(&values, size, Some(&open)).unwrap();
        let relief = slope(&values, size, spacing);
        let heights = Ground::of_heights(&relief, size, Some(&open)).unwrap();
        // Few levels, so that steps and labels have to decide.
        let coarse: Vec<f32> = values.iter().map(|v| (v / 60.0).round()).collect();
        let coarse = Ground::of_heights(&coarse, size, None).unwrap();
        for (ground, costs) in [
            (&differences, Costs::grow_cut(spacing)),
            (&differences, Costs::geodesic(spacing, 0.8)),
            (&heights, Costs::Highest),
            (&coarse, Costs::Highest),
        ] {
            let cpu = spread(ground, &seeds, &costs, &token).unwrap();
            let device = forest::spread(gpu, ground, &seeds, &costs, &token).unwrap();
            assert!(cpu.iter().filter(|&&l| l != 0).count() > count / 2);
            assert!(device.unwrap() == cpu, "{size:?}");
            // The same from a mask that is made on the device, of which nothing comes back but its number of voxels.
            let before = gpu.door.snapshot();
            let there = forest::spread_there(gpu, ground, &seeds, &costs, &token);
            let there = there.unwrap().unwrap();
            let (mask, voxels) = there.mask(gpu, 2, None).unwrap();
            let back = gpu.door.since(&before);
            assert!(back.read_back(Cargo::Mask) == 0 && back.read_back(Cargo::Uniform) > 0);
            let wanted: Vec<u8> = cpu.iter().map(|&label| u8::from(label == 2)).collect();
            assert_eq!(voxels, wanted.iter().map(|&b| u64::from(b)).sum::<u64>());
            assert!(voxels > 0 && mask.read_back(gpu).unwrap() == wanted);
            let (mask, _) = there.mask(gpu, 7, Some(&open)).unwrap();
            let kept = mask.read_back(gpu).unwrap();
            assert!(kept.iter().zip(&cpu).enumerate().all(|(i, (bit, label))| {
                let at = [i % size[0], i / size[0] % size[1], i / (size[0] * size[1])];
                (*bit == 1) == (*label == 7 && open.get(at))
            }));
            assert!(there.mask(gpu, 7, Some(&Bits::new([1, 1, 1]))).is_err());
        }
        // Without seeds nothing is reached; with too few there is no answer; and one may stop.
        let none = vec![0u16; count];
        let costs = Costs::Highest;
        let found = forest::spread(gpu, &heights, &none, &costs, &token);
        assert_eq!(found.unwrap().unwrap(), none);
        let found = forest::spread(gpu, &heights, &seeds[1..], &costs, &token);
        assert_eq!(found.unwrap(), None);
        let stopped = CancelToken::default();
        stopped.cancel();
        let found = forest::spread(gpu, &heights, &seeds, &costs, &stopped);
        assert_eq!(found.unwrap(), None);
    }
}

#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn what_no_binding_holds_is_refused() {
    let bench = bench();
    let most = forest::most_voxels(&bench.gpu);
    if most > 1 << 25 {
        return;
    }
    let size = [most as usize + 1, 1, 1];
    let values = vec![0.0f32; size[0]];
    let ground = Ground::of_heights(&values, size, None).unwrap();
    let seeds = vec![0u16; size[0]];
    let found = forest::spread(
        &bench.gpu,
        &ground,
        &seeds,
        &Costs::Highest,
        &CancelToken::default(),
    );
    assert!(matches!(found, Err(GpuError::MaskTooLarge { .. })));
}

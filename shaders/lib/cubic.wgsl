// Cubic convolution: Keys' kernel with a = -1/2 (Catmull-Rom). Its twin is imaging/reslice/cubic.rs.

struct Taps {
    // The second of the four voxels, before it is kept inside the grid.
    low: i32,
    // Only that one counts: the place is on a voxel.
    single: bool,
    weights: vec4f,
}

fn taps_of(hi: i32, lo: u32) -> Taps {
    let found = between(hi, lo);
    let t = f32(found.fraction) * FRACTION_UNIT;
    let u = f32(0u - found.fraction) * FRACTION_UNIT;
    let weights = vec4f(
        -0.5 * t * u * u,
        1.0 + t * t * (1.5 * t - 2.5),
        1.0 + u * u * (1.5 * u - 2.5),
        -0.5 * u * t * t,
    );
    let single = found.fraction == 0u;
    return Taps(found.low, single, select(weights, vec4f(0.0, 1.0, 0.0, 0.0), single));
}

// Offsets of the first and the last voxel that count, to the second.
fn taps_first(taps: Taps) -> i32 {
    return select(-1, 0, taps.single);
}

fn taps_last(taps: Taps) -> i32 {
    return select(2, 0, taps.single);
}

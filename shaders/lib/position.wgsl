// Positions: voxel index + 1/2, in fixed point with 32 fractional bits. Integer arithmetic, so that every device and
// the f64 twin (imaging/reslice.rs) choose the same voxels.
struct Position {
    hi: vec3i,
    lo: vec3u,
}

fn position_add(a: Position, b: Position) -> Position {
    let lo = a.lo + b.lo;
    let carry = select(vec3i(0), vec3i(1), lo < a.lo);
    return Position(a.hi + b.hi + carry, lo);
}

fn position_sub(a: Position, b: Position) -> Position {
    let borrow = select(vec3i(0), vec3i(1), a.lo < b.lo);
    return Position(a.hi - b.hi - borrow, a.lo - b.lo);
}

// n is below 65536.
fn position_scale(step: Position, n: u32) -> Position {
    let low = (step.lo & vec3u(0xffffu)) * n;
    let high = (step.lo >> vec3u(16u)) * n;
    let lo = low + (high << vec3u(16u));
    let carry = (high >> vec3u(16u)) + select(vec3u(0u), vec3u(1u), lo < low);
    return Position(step.hi * i32(n) + vec3i(carry), lo);
}

struct Neighbours {
    low: i32,
    high: i32,
    low_weight: f32,
    high_weight: f32,
}

const FRACTION_UNIT = 1.0 / 4294967296.0;

// The voxel below a position along one axis, -1 before the first, and how far beyond its centre the position lies.
struct Between {
    low: i32,
    fraction: u32,
}

fn between(hi: i32, lo: u32) -> Between {
    let low = hi - select(0, 1, lo < 0x80000000u);
    let fraction = lo - 0x80000000u;
    // Less weight than 2^-16 is none: rounding of geometry must not make a slice wait for the next one.
    if fraction < 0x10000u {
        return Between(low, 0u);
    }
    if fraction > 0xffff0000u {
        return Between(low + 1, 0u);
    }
    return Between(low, fraction);
}

// The two voxels around a position inside the grid, along one axis.
fn neighbours(hi: i32, lo: u32, size: u32) -> Neighbours {
    let found = between(hi, lo);
    let last = i32(size) - 1;
    let high = clamp(found.low + select(1, 0, found.fraction == 0u), 0, last);
    let low = clamp(found.low, 0, last);
    if low == high {
        return Neighbours(low, high, 1.0, 0.0);
    }
    // Both weights from integers: 1 - weight would lose the digits of a small one.
    return Neighbours(low, high, f32(0u - found.fraction) * FRACTION_UNIT, f32(found.fraction) * FRACTION_UNIT);
}

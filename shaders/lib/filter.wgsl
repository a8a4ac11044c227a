// What all passes over a plane of values have in common. The twins are in imaging/filter.
//
// Planes hold the bits of 32-bit floats, rows top to bottom. Where there is no image the bits are those of no number:
// they are looked at as integers, because comparisons of floats may be compiled as if that never occurred.

// The Rust side is render/filter.rs; a test compares names, offsets and sizes.
struct FilterDraw {
    columns: u32,
    rows: u32,
    // Pixels to each side of the middle; for patches half of their side.
    reach: u32,
    // How far patches are looked for.
    distance: u32,
    // Numbers of the filter.
    first: f32,
    second: f32,
    // Side of the tiles, how many there are, and the limit of a whole one's bins.
    tile_columns: u32,
    tile_rows: u32,
    tiles_across: u32,
    tiles_down: u32,
    limit: u32,
    spare: u32,
}

@group(0) @binding(0) var<uniform> draw: FilterDraw;
@group(0) @binding(1) var<storage, read> source: array<u32>;
@group(0) @binding(2) var<storage, read> second: array<u32>;
@group(0) @binding(3) var<storage, read> table: array<u32>;

const NONE = 0x7fc00000u;

fn is_none(raw: u32) -> bool {
    return (raw & 0x7f800000u) == 0x7f800000u;
}

fn place(column: i32, row: i32) -> u32 {
    return u32(row) * draw.columns + u32(column);
}

// Mirrored at the borders with the outermost pixel twice.
fn reflected(index: i32, size: u32) -> i32 {
    let n = i32(size);
    var turn = index % (2 * n);
    turn = select(turn, turn + 2 * n, turn < 0);
    return select(2 * n - 1 - turn, turn, turn < n);
}

// Mirrored with the outermost pixel once.
fn mirrored(index: i32, size: u32) -> i32 {
    let last = i32(size) - 1;
    if last < 1 {
        return 0;
    }
    var turn = index % (2 * last);
    turn = select(turn, turn + 2 * last, turn < 0);
    return select(2 * last - turn, turn, turn <= last);
}

// The bits in the order of the values, as an unsigned integer, and back.
fn key_of(raw: u32) -> u32 {
    return raw ^ select(0x80000000u, 0xffffffffu, (raw & 0x80000000u) != 0u);
}

fn bits_of(key: u32) -> u32 {
    return key ^ select(0xffffffffu, 0x80000000u, (key & 0x80000000u) != 0u);
}

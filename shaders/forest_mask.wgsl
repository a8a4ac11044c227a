// One label of what spread over a grid as a packed mask of one bit a voxel, and how many voxels it has. The Rust side is
// render/forest.rs.

struct MaskDraw {
    // Columns, rows of all slices, the label, and 1 where `allowed` keeps it to some voxels.
    columns: u32,
    rows: u32,
    label: u32,
    limited: u32,
}

// The cost of what no seed has reached.
const NEVER = 4294967295u;

@group(0) @binding(0) var<uniform> draw: MaskDraw;
// As in forest_spread.wgsl: cost, then level above label.
@group(0) @binding(1) var<storage, read> keys: array<vec2u>;
// Packed as the mask is.
@group(0) @binding(2) var<storage, read> allowed: array<u32>;
@group(0) @binding(3) var<storage, read_write> bits: array<u32>;
@group(0) @binding(4) var<storage, read_write> count: array<atomic<u32>>;

@compute @workgroup_size(8, 8, 1)
fn cs_mask(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
    let words = (draw.columns + 31u) / 32u;
    let row = id.z * groups.y * 8u + id.y;
    if id.x >= words || row >= draw.rows {
        return;
    }
    var word = 0u;
    for (var k = 0u; k < 32u; k++) {
        let column = id.x * 32u + k;
        if column >= draw.columns {
            break;
        }
        let key = keys[row * draw.columns + column];
        word |= select(0u, 1u, key.x != NEVER && (key.y & 65535u) == draw.label) << k;
    }
    if draw.limited == 1u {
        word &= allowed[row * words + id.x];
    }
    bits[row * words + id.x] = word;
    if word != 0u {
        atomicAdd(&count[0], countOneBits(word));
    }
}

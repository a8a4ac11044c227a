// A mask of eight bits a voxel as one of a single bit: set where the byte is large enough. The Rust side is gpu/mask.rs.

struct BitsDraw {
    // Words of a row of bytes, words of a row of bits, rows of all slices, the smallest byte that counts.
    words_in: u32,
    words_out: u32,
    rows: u32,
    least: u32,
}

@group(0) @binding(0) var<uniform> draw: BitsDraw;
@group(0) @binding(1) var<storage, read> bytes: array<u32>;
@group(0) @binding(2) var<storage, read_write> bits: array<u32>;

@compute @workgroup_size(8, 8, 1)
fn cs_bits(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
    let row = id.z * groups.y * 8u + id.y;
    if id.x >= draw.words_out || row >= draw.rows {
        return;
    }
    var word = 0u;
    for (var k = 0u; k < 8u; k++) {
        let at = id.x * 8u + k;
        if at >= draw.words_in {
            break;
        }
        let four = bytes[row * draw.words_in + at];
        for (var lane = 0u; lane < 4u; lane++) {
            let byte = (four >> (8u * lane)) & 255u;
            word |= select(0u, 1u, byte >= draw.least) << (4u * k + lane);
        }
    }
    bits[row * draw.words_out + id.x] = word;
}

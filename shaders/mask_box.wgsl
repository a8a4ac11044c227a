// A box of words at its place in a packed mask, and boxes of bricks in their slots. The Rust side is gpu/mask_box.rs.

struct BoxDraw {
    // First word of a row, first row, first slice, and rows of a slice of the mask.
    first: vec4u,
    // Words, rows and slices of the box, and words of a row of the mask; of bricks how many there are, and words of one.
    size: vec4u,
}

@group(0) @binding(0) var<uniform> draw: BoxDraw;
@group(0) @binding(1) var<storage, read> words: array<u32>;
@group(0) @binding(2) var<storage, read_write> mask: array<u32>;

@compute @workgroup_size(8, 8, 1)
fn cs_box(@builtin(global_invocation_id) id: vec3u) {
    if any(id >= draw.size.xyz) {
        return;
    }
    let row = (draw.first.z + id.z) * draw.first.w + draw.first.y + id.y;
    mask[row * draw.size.w + draw.first.x + id.x] = words[(id.z * draw.size.y + id.y) * draw.size.x + id.x];
}

// Words of a row, and rows of a slice of a brick.
const ROW: u32 = 4u;
const ROWS: u32 = 16u;

fn parts(packed: u32) -> vec3u {
    return vec3u(packed, packed >> 8u, packed >> 16u) & vec3u(0xffu);
}

// A group a brick. Before the words of all lies of each: its slot, where the box begins in it and whether the rest becomes
// zeros, how large the box is, and its first word.
@compute @workgroup_size(64, 1, 1)
fn cs_bricks(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) thread: u32,
) {
    let brick = group.y * groups.x + group.x;
    if brick >= draw.size.x {
        return;
    }
    let head = 4u * brick;
    let slot = words[head] * draw.size.y;
    let first = parts(words[head + 1u]);
    let fresh = words[head + 1u] >> 24u != 0u;
    let size = parts(words[head + 2u]);
    let start = 4u * draw.size.x + words[head + 3u];
    for (var word = thread; word < draw.size.y; word += 64u) {
        let at = vec3u(word % ROW, word / ROW % ROWS, word / (ROW * ROWS));
        // What lies before the box is far behind it without a sign.
        let inside = at - first;
        if all(inside < size) {
            mask[slot + word] = words[start + (inside.z * size.y + inside.y) * size.x + inside.x];
        } else if fresh {
            mask[slot + word] = 0u;
        }
    }
}

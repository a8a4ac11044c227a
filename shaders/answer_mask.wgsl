// The answer of a network for one window as a packed mask of one bit a voxel, on the grid of the volume; how many voxels it has,
// and the sum of their probabilities. The Rust side is gpu/answer_mask.rs.

struct AnswerDraw {
    // Columns of the mask, its rows in all slices, rows of a slice, and words of a row.
    size: vec4u,
    // Index of the first answer in the binding, from one class to the other (0 where there is one), and nothing twice.
    answer: vec4u,
    // The least logit that is inside.
    least: vec4f,
}

// What lies outside of the window.
const NONE = 4294967295u;
// Steps of a probability that are told apart: 2048 of a group make less than 2^32.
const STEPS = 1048576.0;

@group(0) @binding(0) var<uniform> draw: AnswerDraw;
@group(0) @binding(1) var<storage, read> answers: array<f32>;
// For each column, then row, then slice of the mask, how far its nearest answer lies from the first, or NONE.
@group(0) @binding(2) var<storage, read> nearest: array<u32>;
@group(0) @binding(3) var<storage, read_write> bits: array<u32>;
// Voxels, and the sum in steps: its lower and its upper half.
@group(0) @binding(4) var<storage, read_write> found: array<atomic<u32>>;

var<workgroup> of_group: array<atomic<u32>, 2>;

@compute @workgroup_size(8, 8, 1)
fn cs_answer(
    @builtin(global_invocation_id) id: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) thread: u32,
) {
    let row = id.z * groups.y * 8u + id.y;
    if id.x < draw.size.w && row < draw.size.y {
        let down = nearest[draw.size.x + row % draw.size.z];
        let deep = nearest[draw.size.x + draw.size.z + row / draw.size.z];
        var word = 0u;
        var sum = 0u;
        for (var k = 0u; k < 32u; k++) {
            let column = id.x * 32u + k;
            if column >= draw.size.x || down == NONE || deep == NONE {
                break;
            }
            let across = nearest[column];
            if across == NONE {
                continue;
            }
            let at = draw.answer.x + across + down + deep;
            var logit = answers[at];
            if draw.answer.y != 0u {
                logit = answers[at + draw.answer.y] - logit;
            }
            if logit >= draw.least.x {
                word |= 1u << k;
                sum += u32(STEPS / (1.0 + exp(-logit)) + 0.5);
            }
        }
        bits[row * draw.size.w + id.x] = word;
        if word != 0u {
            atomicAdd(&of_group[0], countOneBits(word));
            atomicAdd(&of_group[1], sum);
        }
    }
    workgroupBarrier();
    if thread == 0u {
        atomicAdd(&found[0], atomicLoad(&of_group[0]));
        let sum = atomicLoad(&of_group[1]);
        let before = atomicAdd(&found[1], sum);
        // Whoever brings the lower half round carries.
        if before + sum < before {
            atomicAdd(&found[2], 1u);
        }
    }
}

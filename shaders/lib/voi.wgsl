// Stored value -> modality value -> display value (PS3.3 C.11.1, C.11.2). The f64 reference is imaging/window.rs.
//
// Values are kept as the difference to a reference value near the middle of the window (draw.zero). The difference of
// integers is exact, so f32 is enough for narrow windows on large values.
//
// The constants are set when a pipeline is made: software devices execute both sides of every branch.

// Stored values are 32-bit floats, not integers.
override STORED_FLOAT: bool = false;
// The modality LUT is a table.
override MODALITY_TABLE: bool = false;
override VOI_MODE: u32 = 0u;
// Some stored values are padding.
override HAS_PADDING: bool = true;
// VOI output goes through a Presentation LUT (C.11.6).
override PRESENTATION_TABLE: bool = false;

const VOI_LINE = 0u;
const VOI_STEP = 1u;
const VOI_SIGMOID = 2u;
const VOI_TABLE = 3u;

// An unsigned integer in the order of the stored values: sign-extended, the sign bit turned over.
fn ordered(raw: u32) -> u32 {
    return bitcast<u32>(bitcast<i32>(raw << draw.sign_shift) >> draw.sign_shift) ^ draw.sign_flip;
}

fn is_padding(raw: u32) -> bool {
    if STORED_FLOAT {
        let value = bitcast<f32>(raw);
        // What is no number is no image; comparisons of floats may be compiled as if it never occurred.
        return (raw & 0x7f800000u) == 0x7f800000u
            || (HAS_PADDING && value >= draw.padding_low_value && value <= draw.padding_high_value);
    }
    let rank = ordered(raw);
    return HAS_PADDING && rank >= draw.padding_low && rank <= draw.padding_high;
}

// Value of a voxel less the reference value; in modality units where the modality LUT is a table, else in stored units.
fn difference(raw: u32) -> f32 {
    if MODALITY_TABLE {
        return luts[draw.modality_start + modality_index(raw)] - draw.zero_value;
    }
    if STORED_FLOAT {
        return bitcast<f32>(raw) - draw.zero_value;
    }
    let rank = ordered(raw);
    return select(-f32(draw.zero - rank), f32(rank - draw.zero), rank >= draw.zero);
}

// Entry of the modality LUT: the first below and the last above its range (C.11.1.1.1).
fn modality_index(raw: u32) -> u32 {
    // As if signed; unsigned values beyond that are beyond every table.
    var rank = select(min(raw, 0x7fffffffu) ^ 0x80000000u, ordered(raw), draw.sign_flip != 0u);
    if STORED_FLOAT {
        let value = clamp(floor(bitcast<f32>(raw) + 0.5009765625), -2147483648.0, 2147483520.0);
        rank = bitcast<u32>(i32(value)) ^ 0x80000000u;
    }
    let first = bitcast<u32>(draw.modality_first) ^ 0x80000000u;
    return min(select(0u, rank - first, rank > first), draw.modality_length - 1u);
}

fn modality_value(difference: f32) -> f32 {
    return difference * draw.value_scale + draw.value_offset;
}

// What the VOI stage makes of a difference, 0 to 1.
fn voi_value(difference: f32) -> f32 {
    let value = difference * draw.display_scale + draw.display_offset;
    if VOI_MODE == VOI_STEP {
        return select(0.0, 1.0, value > 0.0);
    }
    if VOI_MODE == VOI_SIGMOID {
        return 1.0 / (1.0 + exp(-clamp(value, -80.0, 80.0)));
    }
    if VOI_MODE == VOI_TABLE {
        let index = u32(clamp(floor(value), 0.0, f32(draw.voi_length - 1u)));
        return clamp(luts[draw.voi_start + index] * draw.voi_scale, 0.0, 1.0);
    }
    return clamp(value, 0.0, 1.0);
}

fn presentation_entry(index: u32) -> f32 {
    return luts[draw.presentation_start + min(index, draw.presentation_length - 1u)];
}

fn display_value(difference: f32) -> f32 {
    let value = voi_value(difference);
    if PRESENTATION_TABLE {
        let place = value * f32(draw.presentation_length - 1u);
        let low = u32(place);
        let shown = mix(presentation_entry(low), presentation_entry(low + 1u), place - f32(low));
        return clamp(shown * draw.presentation_scale, 0.0, 1.0);
    }
    return value;
}

// The part of each voxel under one pixel of a reduced picture. Its twin is imaging/reslice/area.rs.

struct Span {
    first: i32,
    last: i32,
    // How much of the first and of the last voxel is covered; those between are covered whole.
    head: f32,
    tail: f32,
}

// Voxels from a low to a high border, fixed-point numbers whose whole part is the voxel; `size` voxels in all.
fn span_of(low_hi: i32, low_lo: u32, high_hi: i32, high_lo: u32, size: u32) -> Span {
    var first = low_hi;
    var start = low_lo;
    if first < 0 {
        first = 0;
        start = 0u;
    }
    if start > 0xffff0000u {
        first += 1;
        start = 0u;
    }
    var last = high_hi;
    var end = high_lo;
    if last >= i32(size) {
        last = i32(size);
        end = 0u;
    }
    if end < 0x10000u {
        end = 0u;
        last -= 1;
    }
    // An end of 0 is the whole last voxel.
    let head = select(f32(0u - start) * FRACTION_UNIT, 1.0, start == 0u);
    let tail = select(f32(end) * FRACTION_UNIT, 1.0, end == 0u);
    if first == last {
        let part = select(f32(end - start) * FRACTION_UNIT, 1.0, end == start);
        return Span(first, last, part, part);
    }
    return Span(first, last, head, tail);
}

fn span_weight(span: Span, voxel: i32) -> f32 {
    return select(select(1.0, span.tail, voxel == span.last), span.head, voxel == span.first);
}

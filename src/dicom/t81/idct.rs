//! The inverse DCT (T.81 A.3.3), and the samples it ends in.
//!
//! The eight-point transform is the one of Loeffler, Ligtenberg and Moschytz with 12 multiplications, in integers
//! with 13 bits of fraction, columns first. T.81 leaves the arithmetic open; this is the one that libjpeg calls
//! "islow", so that pictures come out as nearly every other program shows them, to the bit.

/// Bits of fraction of the constants.
const FRACTION: u32 = 13;

/// A value of a decoded component.
pub(super) trait Sample:
    Copy + Default + Into<u32> + TryFrom<u32> + std::fmt::Debug
{
    /// Bits of fraction kept between columns and rows; larger samples leave room for fewer.
    const KEPT: u32;

    /// A value between columns and rows.
    type Half: Copy + Default + Into<i32>;

    /// A value that fits.
    fn of(value: i32) -> Self;

    /// A value between columns and rows; no coefficients of a picture go past its ends.
    fn half(value: i32) -> Self::Half;

    /// The same for a sum, without a look at the ends.
    fn narrow(value: i32) -> Self::Half;

    /// Level shift (A.3.1) and limits for a result of the transform.
    fn level(value: i32) -> Self;

    /// Writes values of one component into interleaved little-endian pixels of `count` components.
    fn write(values: &[Self], place: usize, count: usize, out: &mut [u8]);

    /// Writes the three components of a line.
    fn write_three(values: [&[Self]; 3], out: &mut [u8]);
}

impl Sample for u8 {
    const KEPT: u32 = 2;

    type Half = i16;

    #[inline(always)]
    fn half(value: i32) -> Self::Half {
        value.clamp(-32768, 32767) as i16
    }

    #[inline(always)]
    fn narrow(value: i32) -> Self::Half {
        value as i16
    }

    #[inline(always)]
    fn level(value: i32) -> Self {
        // In 16 bits, which vectors have instructions for.
        let value = value.clamp(-32768, 32767) as i16;
        value.saturating_add(128).clamp(0, 255) as Self
    }

    #[inline(always)]
    fn of(value: i32) -> Self {
        value as Self
    }

    fn write(values: &[Self], place: usize, count: usize, out: &mut [u8]) {
        if count == 1 {
            out.iter_mut().zip(values).for_each(|(to, v)| *to = *v);
            return;
        }
        let places = out.iter_mut().skip(place).step_by(count);
        places.zip(values).for_each(|(to, v)| *to = *v);
    }

    fn write_three([a, b, c]: [&[Self]; 3], out: &mut [u8]) {
        let pixels = out.as_chunks_mut::<3>().0.iter_mut();
        for (((to, a), b), c) in pixels.zip(a).zip(b).zip(c) {
            *to = [*a, *b, *c];
        }
    }
}

impl Sample for u16 {
    const KEPT: u32 = 1;

    type Half = i32;

    #[inline(always)]
    fn half(value: i32) -> Self::Half {
        value
    }

    #[inline(always)]
    fn narrow(value: i32) -> Self::Half {
        value
    }

    #[inline(always)]
    fn level(value: i32) -> Self {
        value.wrapping_add(2048).clamp(0, 4095) as Self
    }

    #[inline(always)]
    fn of(value: i32) -> Self {
        value as Self
    }

    fn write(values: &[Self], place: usize, count: usize, out: &mut [u8]) {
        let (pairs, _) = out.as_chunks_mut::<2>();
        if count == 1 {
            let places = pairs.iter_mut().zip(values);
            places.for_each(|(to, v)| *to = v.to_le_bytes());
            return;
        }
        let places = pairs.iter_mut().skip(place).step_by(count);
        places.zip(values).for_each(|(to, v)| *to = v.to_le_bytes());
    }

    fn write_three([a, b, c]: [&[Self]; 3], out: &mut [u8]) {
        let pixels = out.as_chunks_mut::<6>().0.iter_mut();
        for (((to, a), b), c) in pixels.zip(a).zip(b).zip(c) {
            let ([a, d], [b, e], [c, f]) = (a.to_le_bytes(), b.to_le_bytes(), c.to_le_bytes());
            *to = [a, d, b, e, c, f];
        }
    }
}

/// Dequantized coefficients of a block by row.
pub(super) type Block = [i16; 64];

/// Where a block has coefficients that are not zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// Only the mean.
    Mean,
    /// The four lowest frequencies either way.
    Quarter,
    /// Anywhere.
    Whole,
}

impl Extent {
    /// From the last place in zigzag order.
    #[inline(always)]
    pub(super) fn of_last(last: usize) -> Self {
        match last {
            0 => Self::Mean,
            1..=9 => Self::Quarter,
            _ => Self::Whole,
        }
    }

    /// By looking.
    pub(super) fn of_block(block: &Block) -> Self {
        let mut any = 0;
        let mut far = 0;
        for (y, [mean, near @ .., a, b, c, d]) in block.as_chunks::<8>().0.iter().enumerate() {
            let [e, f, g] = near;
            any |= e | f | g | if y > 0 { *mean } else { 0 };
            far |= a | b | c | d | if y > 3 { mean | e | f | g } else { 0 };
        }
        match (any, far) {
            (0, 0) => Self::Mean,
            (_, 0) => Self::Quarter,
            _ => Self::Whole,
        }
    }
}

/// Transforms a block into `plane` at `at`.
#[inline]
pub(super) fn inverse<S: Sample>(
    block: &Block,
    extent: Extent,
    plane: &mut [S],
    at: usize,
    stride: usize,
) {
    let Some(target) = plane.get_mut(at..) else {
        return;
    };
    match extent {
        Extent::Mean => {
            let mean = i32::from(block[0]);
            let value = S::level(mean.wrapping_add(4) >> 3);
            for row in target.chunks_mut(stride).take(8) {
                if let Some(row) = row.first_chunk_mut::<8>() {
                    *row = [value; 8];
                }
            }
        }
        Extent::Quarter => both::<S, true>(block, target, stride),
        Extent::Whole => both::<S, false>(block, target, stride),
    }
}

/// Columns, then rows. With `QUARTER` the higher four inputs of each transform are known to be zero.
///
/// Both passes go through eight columns side by side, which compilers turn into vectors; between them the block is
/// turned over.
#[inline(never)]
fn both<S: Sample, const QUARTER: bool>(block: &Block, target: &mut [S], stride: usize) {
    let mut half = [S::Half::default(); 64];
    let shift = FRACTION - S::KEPT;
    pass::<S, i16, _, QUARTER>(block, &mut half, shift, S::half);
    let half = turned(&half);
    let mut whole = [S::default(); 64];
    let shift = FRACTION + S::KEPT + 3;
    pass::<S, S::Half, _, QUARTER>(&half, &mut whole, shift, S::level);
    let whole = turned(&whole);
    for (row, to) in whole
        .as_chunks::<8>()
        .0
        .iter()
        .zip(target.chunks_mut(stride))
    {
        if let Some(to) = to.first_chunk_mut::<8>() {
            *to = *row;
        }
    }
}

#[inline(always)]
fn turned<T: Copy>(block: &[T; 64]) -> [T; 64] {
    let mut out = *block;
    for y in 0..8 {
        for x in 0..8 {
            out[y * 8 + x] = block[x * 8 + y];
        }
    }
    out
}

#[inline(always)]
fn pass<S: Sample, A: Copy + Into<i32>, B: Copy, const QUARTER: bool>(
    from: &[A; 64],
    to: &mut [B; 64],
    shift: u32,
    ended: impl Fn(i32) -> B,
) {
    for x in 0..8 {
        let mut column = [0; 8];
        for y in 0..if QUARTER { 4 } else { 8 } {
            column[y] = from[y * 8 + x].into();
        }
        let result = eight::<S>(column, 1 << (shift - 1));
        for y in 0..8 {
            to[y * 8 + x] = ended(result[y] >> shift);
        }
    }
}

/// The eight-point transform; `round` is added to every result, which has 13 more bits of fraction than the input.
///
/// Sums that are multiplied go through [`Sample::narrow`]: where that has 16 bits, so do both factors, and vectors of
/// products cost a third. That is also why the odd part has a product more than it needs.
#[inline(always)]
fn eight<S: Sample>(input: [i32; 8], round: i32) -> [i32; 8] {
    let add = i32::wrapping_add;
    let sub = i32::wrapping_sub;
    let mul = i32::wrapping_mul;
    let sum = |a: i32, b: i32| -> i32 { S::narrow(a.wrapping_add(b)).into() };
    let [s0, s1, s2, s3, s4, s5, s6, s7] = input;
    // Even part: a rotation by 3 pi / 8 and two butterflies. 4433 is sqrt 2 times cos(3 pi / 8); with it, the other
    // factors are 4433 - 15137 and 4433 + 6270.
    let low = add(mul(s2, 4433), mul(s6, -10704));
    let high = add(mul(s6, 4433), mul(s2, 10703));
    let even = add(add(s0, s4) << FRACTION, round);
    let difference = add(sub(s0, s4) << FRACTION, round);
    let (e0, e3) = (add(even, high), sub(even, high));
    let (e1, e2) = (add(difference, low), sub(difference, low));
    // Odd part: the four-point transform of figure 8 of Loeffler and others. 9633 is common to both sums; the other
    // factors are 9633 - 16069 and 9633 - 3196.
    let (a, b) = (sum(s7, s3), sum(s5, s1));
    let (a, b) = (
        add(mul(a, -6436), mul(b, 9633)),
        add(mul(a, 9633), mul(b, 6437)),
    );
    let c = mul(sum(s7, s1), -7373);
    let d = mul(sum(s5, s3), -20995);
    let o0 = add(mul(s7, 2446), add(c, a));
    let o1 = add(mul(s5, 16819), add(d, b));
    let o2 = add(mul(s3, 25172), add(d, a));
    let o3 = add(mul(s1, 12299), add(c, b));
    [
        add(e0, o3),
        add(e1, o2),
        add(e2, o1),
        add(e3, o0),
        sub(e3, o0),
        sub(e2, o1),
        sub(e1, o2),
        sub(e0, o3),
    ]
}

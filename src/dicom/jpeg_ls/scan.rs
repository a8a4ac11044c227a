//! A scan of JPEG-LS: context modelling, prediction, codes and runs (T.87 annex A).

use super::{
    Fault, Interleave, Preset, Reader,
    bits::{Bits, Broken},
    short, wrong,
};
use std::{array, hint::cold_path};

/// Parameters of a scan (A.2.1, C.2.4.1.1).
#[derive(Clone, Copy, Debug)]
pub(super) struct Coding {
    maxval: i32,
    near: i32,
    /// Width of a quantised prediction error, 2 NEAR + 1.
    step: i32,
    range: i32,
    qbpp: u32,
    /// Zeros of a code that announce a value written out in full (A.5.3).
    escape: u32,
    /// A window from which this is up begins with a code that is short and has no such value.
    short: u64,
    /// No mapped error is above this.
    most: u32,
    reset: u32,
    pub(super) thresholds: [i32; 3],
}

impl Coding {
    pub(super) fn new(precision: u8, near: u8, preset: &Preset) -> Result<Self, Fault> {
        let full = (1i32 << precision) - 1;
        let given = |value: u32| i32::try_from(value).ok().filter(|v| *v != 0);
        let maxval = given(preset.maxval).unwrap_or(full);
        let near = i32::from(near);
        if maxval > full || near > maxval / 2 {
            return Err(wrong("MAXVAL or NEAR past what the precision allows"));
        }
        // The defaults of C.2.4.1.1.1.
        let basic = if maxval >= 128 {
            let factor = (maxval.min(4095) + 128) >> 8;
            [(2, factor + 2), (3, factor * 4 + 3), (4, factor * 17 + 4)]
        } else {
            let factor = 256 / (maxval + 1);
            [(2, 3 / factor), (3, 7 / factor), (4, 21 / factor)]
        };
        let mut thresholds = [0; 3];
        let mut least = near + 1;
        let chosen = thresholds.iter_mut().zip(preset.thresholds);
        for ((threshold, preset), ((floor, basic), weight)) in
            chosen.zip(basic.into_iter().zip([3, 5, 7]))
        {
            let default = floor.max(basic + near * weight);
            let fits = (least..=maxval).contains(&default);
            let default = if fits { default } else { least };
            *threshold = given(preset).unwrap_or(default);
            if !(least..=maxval).contains(threshold) {
                return Err(wrong("thresholds that are not in order"));
            }
            least = *threshold;
        }
        let reset = given(preset.reset).unwrap_or(64);
        if !(3..=maxval.max(255)).contains(&reset) {
            return Err(wrong("a RESET outside its bounds"));
        }
        let step = 2 * near + 1;
        let range = (maxval + 2 * near) / step + 1;
        let width = |values: i32| (values - 1).checked_ilog2().unwrap_or(0) + 1;
        let bpp = width(maxval + 1).max(2);
        let qbpp = width(range);
        let escape = 2 * (bpp + bpp.max(8)) - qbpp - 1;
        Ok(Self {
            maxval,
            near,
            step,
            range,
            qbpp,
            escape,
            short: 1 << (64 - escape.min(32)),
            most: 1 << qbpp,
            reset: reset.unsigned_abs(),
            thresholds,
        })
    }

    /// The sample that a prediction and an error make (A.4.4, A.4.5). `PLAIN` is lossless with a MAXVAL of all ones,
    /// where the sum modulo RANGE is a mask.
    #[inline(always)]
    fn sample<const PLAIN: bool>(&self, prediction: i32, error: i32) -> i32 {
        if PLAIN {
            return prediction.wrapping_add(error) & self.maxval;
        }
        let value = prediction.wrapping_add(error.wrapping_mul(self.step));
        let turn = self.range.wrapping_mul(self.step);
        let value = if value < -self.near {
            value.wrapping_add(turn)
        } else if value > self.maxval.wrapping_add(self.near) {
            value.wrapping_sub(turn)
        } else {
            value
        };
        value.min(self.maxval).max(0)
    }
}

/// Quantised gradients (A.3.3) by difference, from -65535 on at index 1.
pub(super) struct Steps(Box<[i8]>);

/// Place of the difference 0.
const MIDDLE: i32 = 0x1_0000;

impl Steps {
    pub(super) fn new() -> Self {
        Self(vec![0; 2 * MIDDLE as usize].into_boxed_slice())
    }

    /// Fills in what samples up to MAXVAL can ask for.
    fn set(&mut self, coding: &Coding) {
        let [t1, t2, t3] = coding.thresholds;
        let bounds = [coding.near + 1, t1, t2, t3, coding.maxval + 1];
        let mut from = 0;
        for (step, to) in (0..).zip(bounds) {
            for (start, end, value) in [(from, to, step), (1 - to, 1 - from, -step)] {
                let place = (MIDDLE + start) as usize..(MIDDLE + end) as usize;
                if let Some(places) = self.0.get_mut(place) {
                    places.fill(value);
                }
            }
            from = to;
        }
    }
}

/// Contexts of regular mode (A.3.4), the one without gradients first.
const CONTEXTS: usize = 365;

/// Adaptation of a context of regular mode (A.6).
#[derive(Clone, Copy)]
struct Context {
    a: u32,
    b: i32,
    c: i32,
    n: u32,
}

/// Adaptation of a context of run interruption (A.7.2).
#[derive(Clone, Copy)]
struct RunContext {
    a: u32,
    n: u32,
    negative: u32,
}

/// Everything that adapts.
struct Model {
    contexts: [Context; CONTEXTS],
    /// The Golomb parameter k of each context: apart, because the next sample waits for nothing else.
    parameters: [u8; CONTEXTS],
    runs: [RunContext; 2],
}

/// The least k for which N times 2^k reaches A (A.5.1).
#[inline(always)]
fn parameter(a: u32, n: u32) -> u8 {
    let top = |value: u32| 31 ^ value.leading_zeros();
    let k = top(a | n).wrapping_sub(top(n));
    k.wrapping_add(u32::from(n.wrapping_shl(k) < a)) as u8
}

impl Model {
    /// The state at the start of a scan or restart interval (A.2.1, A.8).
    fn new(coding: &Coding) -> Self {
        let a = (coding.range.unsigned_abs() + 32) / 64;
        let a = a.max(2);
        let run = RunContext {
            a,
            n: 1,
            negative: 0,
        };
        Self {
            contexts: [Context {
                a,
                b: 0,
                c: 0,
                n: 1,
            }; CONTEXTS],
            parameters: [parameter(a, 1); CONTEXTS],
            runs: [run; 2],
        }
    }

    /// A sample in regular mode (A.4 to A.6), its context `signed`; returns it and the bit behind its code.
    #[inline(always)]
    fn regular<const PLAIN: bool>(
        &mut self,
        coding: &Coding,
        bits: &mut Bits,
        bit: usize,
        signed: i32,
        [ra, rb, rc]: [i32; 3],
    ) -> Result<(i32, usize), Broken> {
        let mut bit = bits.ready(bit)?;
        // The context is within 0 to 364 because steps are within -4 to 4; to check costs nothing beside the load.
        let place = signed.unsigned_abs() as usize;
        let contexts = self.contexts.get_mut(place);
        let (Some(context), Some(next)) = (contexts, self.parameters.get_mut(place)) else {
            return Err(Broken::Code);
        };
        let Context { a, b, c, n } = *context;
        let k = u32::from(*next);
        let sign = signed >> 31;
        let window = bits.window(bit);
        let mapped = if window >= coding.short {
            // The code is in the window whole: there are less than 32 zeros, and k is at most 16 (see below).
            let top = 63 ^ (window | 1).leading_zeros();
            let below = top.wrapping_sub(k);
            bit = bit.wrapping_add(64).wrapping_sub(below as usize);
            let zeros = 62u32.wrapping_sub(top).wrapping_shl(k);
            zeros.wrapping_add(window.wrapping_shr(below) as u32)
        } else {
            cold_path();
            let (mapped, behind) = bits.golomb(bit, k, coding.escape, coding.qbpp)?;
            bit = behind;
            mapped
        };
        // Without this a hostile code could grow A without bound.
        if mapped > coding.most {
            return Err(Broken::Code);
        }
        let mapped = mapped as i32;
        // A.5.2: with k = 0 errors are inverted where they lean to the negative, 2 B <= -N.
        let lean = if PLAIN || coding.near == 0 {
            let lean = b.wrapping_add(b).wrapping_add(n as i32).wrapping_sub(1);
            (lean & (k as i32).wrapping_sub(1)) >> 31
        } else {
            0
        };
        let half = (mapped >> 1) ^ (mapped & 1).wrapping_neg();

        // A.4: the edge-detecting prediction is the middle one of three.
        let edge = ra.wrapping_add(rb).wrapping_sub(rc);
        let edge = edge.max(ra.min(rb)).min(ra.max(rb));
        let mut prediction = edge.wrapping_add(c ^ sign).wrapping_sub(sign);
        if prediction as u32 > coding.maxval as u32 {
            cold_path();
            prediction = prediction.max(0).min(coding.maxval);
        }
        // To negate is to invert and to add one; where errors are not scaled the one can be given to the prediction,
        // which is known earlier.
        let turned = half ^ (lean ^ sign);
        let value = if PLAIN {
            coding.sample::<PLAIN>(prediction.wrapping_sub(sign), turned)
        } else {
            coding.sample::<PLAIN>(prediction, turned.wrapping_sub(sign))
        };

        // A.6. Errors are at most 2^16, A starts below that and N at 1; A and N grow together and are halved together,
        // N rounded down and then raised by 1: so A stays within N times 2^16, k within 16, and N within RESET.
        let error = half ^ lean;
        let scaled = if PLAIN {
            error
        } else {
            error.wrapping_mul(coding.step)
        };
        let mut a = a.wrapping_add(error.unsigned_abs());
        let mut b = b.wrapping_add(scaled);
        let mut n = n;
        if n == coding.reset {
            cold_path();
            (a, b, n) = (a >> 1, b >> 1, n >> 1);
        }
        n = n.wrapping_add(1);
        let count = n as i32;
        // A.6.2 without its branches: at most one of the two is -1.
        let down = b.wrapping_add(count).wrapping_sub(1) >> 31;
        let up = b.wrapping_neg() >> 31;
        let mut c = c.wrapping_add(down).wrapping_sub(up);
        if c != i32::from(c as i8) {
            cold_path();
            c = c.clamp(-128, 127);
        }
        let b = b.wrapping_add(count & down).wrapping_sub(count & up);
        let b = b.max(1i32.wrapping_sub(count)).min(0);
        *next = parameter(a, n);
        *context = Context { a, b, c, n };
        Ok((value, bit))
    }

    /// The sample that ends a run (A.7.2), its left neighbour `ra` and the one above `rb`.
    fn interruption<const PLAIN: bool>(
        &mut self,
        coding: &Coding,
        bits: &mut Bits,
        order: u32,
        alike: bool,
        [ra, rb]: [i32; 2],
    ) -> Result<i32, Broken> {
        bits.bit = bits.ready(bits.bit)?;
        let kind = u32::from(alike);
        let context = &mut self.runs[usize::from(alike)];
        let a = context.a.wrapping_add((context.n >> 1) * kind);
        let k = u32::from(parameter(a, context.n));
        let escape = coding.escape.saturating_sub(order + 1);
        let (mapped, bit) = bits.golomb(bits.bit, k, escape, coding.qbpp)?;
        bits.bit = bit;
        if mapped > coding.most {
            return Err(Broken::Code);
        }
        // The inverse of A.7.2.2's mapping: which parity is negative depends on k and on the balance so far.
        let doubled = mapped.wrapping_add(kind);
        let odd = doubled & 1 == 1;
        let size = (doubled.wrapping_add(1) >> 1) as i32;
        let leaning = k != 0 || 2 * context.negative >= context.n;
        let negative = i32::from(odd == leaning).wrapping_neg();
        let error = (size ^ negative).wrapping_sub(negative);

        context.negative += u32::from(error < 0);
        context.a = context.a.wrapping_add(mapped.wrapping_add(1 - kind) >> 1);
        if context.n == coding.reset {
            context.a >>= 1;
            context.n >>= 1;
            context.negative >>= 1;
        }
        context.n += 1;
        let prediction = if alike { ra } else { rb };
        let turn = i32::from(!alike & (ra > rb)).wrapping_neg();
        Ok(coding.sample::<PLAIN>(prediction, (error ^ turn).wrapping_sub(turn)))
    }
}

/// Orders of run segments (table J of A.2.1).
pub(super) const ORDERS: [u8; 32] = [
    0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13,
    14, 15,
];

/// RUNindex of a component.
#[derive(Clone, Copy, Default)]
struct Run(u8);

impl Run {
    fn order(self) -> u32 {
        u32::from(ORDERS[usize::from(self.0 & 31)])
    }

    /// Length of a run of at most `most` samples (A.7.1.2); less than that when a sample interrupts it.
    fn length(&mut self, bits: &mut Bits, most: usize) -> Result<usize, Broken> {
        let mut length = 0;
        loop {
            // A portion of 32 segments, then the rest of the last one, is within what a window holds.
            let bit = bits.ready(bits.bit)?;
            let mut window = bits.window(bit);
            for segments in 0..32 {
                let order = self.order();
                let segment = 1 << order;
                if window >> 63 == 0 {
                    length += ((window >> (63 - order)) & (segment - 1)) as usize;
                    bits.bit = bit + segments + 1 + order as usize;
                    return if length > most {
                        Err(Broken::Run)
                    } else {
                        Ok(length)
                    };
                }
                window <<= 1;
                let left = (most - length) as u64;
                if left >= segment {
                    self.0 = (self.0 + 1).min(31);
                }
                if left <= segment {
                    bits.bit = bit + segments + 1;
                    return Ok(most);
                }
                length += segment as usize;
            }
            bits.bit = bit + 32;
        }
    }

    fn interrupted(&mut self) {
        self.0 = self.0.saturating_sub(1);
    }
}

/// A scan, ready to be decoded.
pub(super) struct Scan {
    /// Places of its components in a pixel.
    pub(super) components: Vec<usize>,
    pub(super) interleave: Interleave,
    pub(super) coding: Coding,
}

/// What a line is decoded with.
struct Decoder<'a> {
    coding: Coding,
    bits: Bits<'a>,
    model: Model,
    steps: &'a [i8; 2 * MIDDLE as usize],
}

impl Decoder<'_> {
    /// A line of one component. Both lines have a value more at either end, for the neighbours outside (A.2.1).
    fn line<const PLAIN: bool>(
        &mut self,
        run: &mut Run,
        above: &[u16],
        line: &mut [u16],
    ) -> Result<(), Broken> {
        let Self {
            coding,
            bits,
            model,
            steps,
        } = self;
        let step = |from: u16, to: u16| {
            // Within the table for all values of the type, which the compiler sees.
            i32::from(steps[(MIDDLE + i32::from(to) - i32::from(from)) as usize])
        };
        let end = line.len() - 1;
        let above = &above[..=end];
        let (mut ra, mut rb, mut rc) = (line[0], above[1], above[0]);
        let mut second = 9 * step(rc, rb);
        let (mut x, mut bit) = (1, bits.bit);
        // Every index below is at most `end`, the last of both lines.
        while x < end {
            let rd = above[x + 1];
            let first = 9 * step(rb, rd);
            let signed = 9 * first + second + step(ra, rc);
            if signed != 0 {
                let near = [i32::from(ra), i32::from(rb), i32::from(rc)];
                let (value, behind) = model.regular::<PLAIN>(coding, bits, bit, signed, near)?;
                (ra, bit) = (value as u16, behind);
                line[x] = ra;
                (rc, rb, second) = (rb, rd, first);
                x += 1;
                continue;
            }
            bits.bit = bit;
            let length = run.length(bits, end - x)?;
            line[x..x + length].fill(ra);
            x += length;
            if x < end {
                rb = above[x];
                let (left, up) = (i32::from(ra), i32::from(rb));
                let alike = (left - up).abs() <= coding.near;
                let order = run.order();
                ra = model.interruption::<PLAIN>(coding, bits, order, alike, [left, up])? as u16;
                run.interrupted();
                line[x] = ra;
                (rc, rb) = (rb, above[x + 1]);
                second = 9 * step(rc, rb);
                x += 1;
            }
            bit = bits.bit;
        }
        bits.bit = bit;
        Ok(())
    }

    /// A line of `N` components that are interleaved by sample: a run needs all of them to be flat (A.7.1.1).
    fn samples<const PLAIN: bool, const N: usize>(
        &mut self,
        run: &mut Run,
        above: &[u16],
        line: &mut [u16],
    ) -> Result<(), Broken> {
        let Self {
            coding,
            bits,
            model,
            steps,
        } = self;
        let step = |from: u16, to: u16| {
            i32::from(steps[(MIDDLE + i32::from(to) - i32::from(from)) as usize])
        };
        let (above, line) = (above.as_chunks::<N>().0, line.as_chunks_mut::<N>().0);
        let end = line.len() - 1;
        let above = &above[..=end];
        let (mut x, mut bit) = (1, bits.bit);
        let (mut ra, mut rb, mut rc) = (line[0], above[1], above[0]);
        let mut second: [i32; N] = array::from_fn(|i| 9 * step(rc[i], rb[i]));
        // Every index below is at most `end`, the last of both lines.
        while x < end {
            let rd = above[x + 1];
            let first: [i32; N] = array::from_fn(|i| 9 * step(rb[i], rd[i]));
            let signed: [i32; N] =
                array::from_fn(|i| 9 * first[i] + second[i] + step(ra[i], rc[i]));
            if signed != [0; N] {
                // Written out for each component: the values stay in registers.
                macro_rules! component {
                    ($($i:literal)*) => {$(
                        if $i < N {
                            let near = [i32::from(ra[$i]), i32::from(rb[$i]), i32::from(rc[$i])];
                            let (value, behind) =
                                model.regular::<PLAIN>(coding, bits, bit, signed[$i], near)?;
                            (ra[$i], bit) = (value as u16, behind);
                        }
                    )*};
                }
                component!(0 1 2 3);
                line[x] = ra;
                (rc, rb, second) = (rb, rd, first);
                x += 1;
                continue;
            }
            bits.bit = bit;
            let length = run.length(bits, end - x)?;
            line[x..x + length].fill(ra);
            x += length;
            if x < end {
                rb = above[x];
                let order = run.order();
                for i in 0..N {
                    let near = [i32::from(ra[i]), i32::from(rb[i])];
                    ra[i] = model.interruption::<PLAIN>(coding, bits, order, false, near)? as u16;
                }
                run.interrupted();
                line[x] = ra;
                (rc, rb) = (rb, above[x + 1]);
                second = array::from_fn(|i| 9 * step(rc[i], rb[i]));
                x += 1;
            }
            bit = bits.bit;
        }
        bits.bit = bit;
        Ok(())
    }
}

impl Scan {
    /// Decodes the scan that begins where the reader is into its places of the picture; returns where it ends.
    ///
    /// # Errors
    /// `JPEG_LS_CORRUPT`, `JPEG_LS_SHORT` (rejected).
    pub(super) fn decode(
        &self,
        reader: &Reader,
        steps: &mut Steps,
        out: &mut [u8],
    ) -> Result<usize, Fault> {
        steps.set(&self.coding);
        let Some(steps) = steps.0.first_chunk() else {
            return Err(wrong("no table"));
        };
        let count = self.components.len();
        // How many line buffers there are of each kind, and how many values a place in them has.
        let (lines, width) = match self.interleave {
            Interleave::Sample => (1, count),
            Interleave::None | Interleave::Line => (count, 1),
        };
        let span = (reader.header.columns as usize + 2) * width;
        let mut above = vec![0; span * lines];
        let mut line = above.clone();
        let mut runs = [Run::default(); 4];
        let mut decoder = Decoder {
            coding: self.coding,
            bits: Bits::new(reader.bytes, reader.at)?,
            model: Model::new(&self.coding),
            steps,
        };
        let plain = self.coding.near == 0 && self.coding.maxval & (self.coding.maxval + 1) == 0;
        let decode = match (self.interleave, count, plain) {
            (Interleave::Sample, 2, true) => Decoder::samples::<true, 2>,
            (Interleave::Sample, 2, false) => Decoder::samples::<false, 2>,
            (Interleave::Sample, 3, true) => Decoder::samples::<true, 3>,
            (Interleave::Sample, 3, false) => Decoder::samples::<false, 3>,
            (Interleave::Sample, _, true) => Decoder::samples::<true, 4>,
            (Interleave::Sample, _, false) => Decoder::samples::<false, 4>,
            (_, _, true) => Decoder::line::<true>,
            (_, _, false) => Decoder::line::<false>,
        };
        let size = reader.header.size();
        let pixel = usize::from(reader.header.components) * size;
        let row = pixel * reader.header.columns as usize;
        let ordered = self.components.is_sorted();
        let (mut interval, mut marker) = (reader.restart, 0);
        for row in out.chunks_exact_mut(row) {
            if reader.restart != 0 && interval == 0 {
                // Everything starts anew behind a restart marker (C.2.5), the line above included.
                let at = decoder.bits.finish()?;
                let fill = reader.bytes.get(at..).unwrap_or_default();
                let fill = fill.iter().take_while(|b| **b == 0xFF).count();
                if reader.bytes.get(at + fill).ok_or_else(short)? != &(0xD0 + marker) {
                    return Err(wrong("a restart marker is missing"));
                }
                decoder.bits.restart(at + fill + 1)?;
                decoder.model = Model::new(&self.coding);
                line.fill(0);
                runs = [Run::default(); 4];
                (interval, marker) = (reader.restart, (marker + 1) & 7);
            }
            interval = interval.saturating_sub(1);
            std::mem::swap(&mut above, &mut line);
            let pairs = above
                .chunks_exact_mut(span)
                .zip(line.chunks_exact_mut(span));
            for ((above, line), run) in pairs.zip(&mut runs) {
                // Outside the picture: above right as above, left as above, and above left as left of the line above.
                above.copy_within(span - 2 * width..span - width, span - width);
                line[..width].copy_from_slice(&above[width..2 * width]);
                decode(&mut decoder, run, above, line)?;
            }
            if count * size == pixel && width == count && ordered {
                put(line[width..].iter(), row, size, size);
                continue;
            }
            for (i, &component) in self.components.iter().enumerate() {
                let first = if width == 1 { i * span + 1 } else { width + i };
                let places = row.get_mut(component * size..).unwrap_or_default();
                put(line[first..].iter().step_by(width), places, size, pixel);
            }
        }
        decoder.bits.finish()
    }
}

/// Puts values of `size` bytes where there is one every `pixel` bytes.
fn put<'a>(values: impl Iterator<Item = &'a u16>, places: &mut [u8], size: usize, pixel: usize) {
    match (size, pixel) {
        (1, 1) => values.zip(places).for_each(|(v, o)| *o = *v as u8),
        (1, _) => {
            let places = places.iter_mut().step_by(pixel);
            values.zip(places).for_each(|(v, o)| *o = *v as u8);
        }
        (_, 2) => {
            let places = places.as_chunks_mut().0;
            values.zip(places).for_each(|(v, o)| *o = v.to_le_bytes());
        }
        _ => {
            let places = places.chunks_mut(pixel).flat_map(<[u8]>::first_chunk_mut);
            values.zip(places).for_each(|(v, o)| *o = v.to_le_bytes());
        }
    }
}

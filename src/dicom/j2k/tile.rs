//! From the bytes of a tile to its samples.

use super::{
    Broken,
    block::{Blocks, Coded, Segment},
    header::Codestream,
    ht,
    packets::Packets,
    plan::{Band, Block, Component, Plan},
    wavelet::{self, Coefficient, SCALE},
};

/// The coefficients of a component, and later its samples.
enum Plane {
    Whole(Vec<i32>),
    Real(Vec<f32>),
}

/// What is kept from one block and tile to the next.
#[derive(Default)]
struct Room {
    shared: Shared,
    whole: Kept<i32>,
    real: Kept<f32>,
}

/// What blocks are decoded with.
#[derive(Default)]
struct Shared {
    blocks: Blocks,
    ht: ht::Blocks,
    segments: Vec<Segment>,
    bytes: Vec<u8>,
}

/// How a decoded magnitude becomes a coefficient.
#[derive(Clone, Copy)]
struct Rule {
    /// Step of the sub-band; half of it is the unit of doubled magnitudes.
    step: f32,
    /// Doubled magnitudes from here on are of a raised region of interest.
    raised_from: u32,
    raised: u32,
}

/// A coefficient that comes from a sign and a doubled magnitude.
trait Dequantise: Coefficient {
    fn coefficient(sample: u32, rule: &Rule) -> Self;
}

impl Dequantise for i32 {
    #[inline(always)]
    fn coefficient(sample: u32, _: &Rule) -> Self {
        let magnitude = (sample & 0x7FFF_FFFF) >> 1;
        let sign = (sample as i32) >> 31;
        (magnitude as i32 ^ sign).wrapping_sub(sign)
    }
}

impl Dequantise for f32 {
    #[inline(always)]
    fn coefficient(sample: u32, rule: &Rule) -> Self {
        let magnitude = (sample & 0x7FFF_FFFF) as i32 as f32 * rule.step;
        f32::from_bits(magnitude.to_bits() | sample & 0x8000_0000)
    }
}

/// Brings a sample of a raised region of interest down (H.1).
#[inline(always)]
fn lower(sample: u32, rule: &Rule) -> u32 {
    let magnitude = sample & 0x7FFF_FFFF;
    if magnitude >= rule.raised_from {
        sample & 0x8000_0000 | magnitude >> rule.raised
    } else {
        sample
    }
}

/// Decodes all tiles.
pub(super) fn decode(
    codestream: &Codestream<'_>,
    bytes: usize,
    memory: usize,
) -> Result<Vec<u8>, Broken> {
    let size = &codestream.size;
    let (columns, rows) = (size.columns() as usize, size.rows() as usize);
    let components = usize::from(size.components);
    let pixel = components.checked_mul(bytes).ok_or(Broken::Memory)?;
    let total = columns
        .checked_mul(rows)
        .and_then(|pixels| pixels.checked_mul(pixel))
        .filter(|total| *total <= memory)
        .ok_or(Broken::Memory)?;
    let mut out = Vec::new();
    let mut room = Room::default();
    for index in 0..size.tiles() as u32 {
        let area = size.tile(index);
        let tile = codestream.tile(index)?;
        let coding = &tile.coding;
        // Of a component its sub-bands in rows of blocks and its lower resolutions, less than five bytes a sample in
        // all; and components as a whole where they are transformed.
        let whole = if coding.colour_transform {
            components.min(3)
        } else {
            0
        };
        let left = area
            .width()
            .checked_mul(area.height())
            .and_then(|samples| samples.checked_mul(5 + 4 * whole))
            .and_then(|bytes| (memory - total).checked_sub(bytes))
            .ok_or(Broken::Memory)?;
        let headers = tile.headers.as_deref();
        let available = headers.unwrap_or(&tile.data).len();
        let mut plan = Plan::new(&area, coding, size.precision, available, left)?;
        let mut packets = Packets::new(&tile.data, headers, coding.starts, coding.ends);
        plan.read(coding, &mut packets)?;
        plan.sort();
        if out.is_empty() {
            // Not before the first tile proved to hold packets.
            out = vec![0; total];
        }
        let mut to = Target {
            out: &mut out,
            low: -(1i32 << (size.precision.min(31) - 1)),
            shift: if size.signed {
                0
            } else {
                1i32 << (size.precision.min(31) - 1)
            },
            bytes,
            pixel,
            line: columns * pixel,
            first: (area.y0 - size.y0) as usize * columns * pixel
                + (area.x0 - size.x0) as usize * pixel,
        };
        let mut planes: Vec<Plane> = Vec::new();
        for (index, component) in plan.components.iter().enumerate() {
            let source = Source {
                plan: &plan,
                component,
                data: &tile.data,
            };
            let transformed = coding.colour_transform && index < 3;
            match (transformed, component.reversible) {
                (false, true) => {
                    source.decode(&mut room.shared, &mut room.whole, |y, row| {
                        to.whole(index, y, row)
                    })?;
                }
                (false, false) => {
                    source.decode(&mut room.shared, &mut room.real, |y, row| {
                        to.real(index, y, row)
                    })?;
                }
                (true, true) => {
                    let mut plane = Vec::with_capacity(area.width() * area.height());
                    source.decode(&mut room.shared, &mut room.whole, |_, row| {
                        plane.extend_from_slice(row)
                    })?;
                    planes.push(Plane::Whole(plane));
                }
                (true, false) => {
                    let mut plane = Vec::with_capacity(area.width() * area.height());
                    source.decode(&mut room.shared, &mut room.real, |_, row| {
                        plane.extend_from_slice(row)
                    })?;
                    planes.push(Plane::Real(plane));
                }
            }
        }
        if coding.colour_transform {
            untransform(&mut planes)?;
            for (index, plane) in planes.iter().enumerate() {
                match plane {
                    Plane::Whole(all) => {
                        for (y, row) in all.chunks(area.width().max(1)).enumerate() {
                            to.whole(index, y, row);
                        }
                    }
                    Plane::Real(all) => {
                        for (y, row) in all.chunks(area.width().max(1)).enumerate() {
                            to.real(index, y, row);
                        }
                    }
                }
            }
        }
    }
    Ok(out)
}

/// What is kept from one component to the next.
#[derive(Default)]
struct Kept<T> {
    join: wavelet::Room<T>,
    strips: [Strip<T>; 3],
    own: Vec<T>,
    next: Vec<T>,
}

/// The coefficients of a sub-band in one row of its code blocks.
#[derive(Default)]
struct Strip<T> {
    coefficients: Vec<T>,
    /// Its first row in the sub-band, and behind its last.
    rows: (usize, usize),
    /// The block that comes next.
    next: u32,
}

impl<T> Strip<T> {
    fn row(&self, at: usize, width: usize) -> &[T] {
        let from = at.saturating_sub(self.rows.0) * width;
        self.coefficients
            .get(from..from + width)
            .unwrap_or_default()
    }
}

/// A component and where its bytes are.
struct Source<'a> {
    plan: &'a Plan,
    component: &'a Component,
    data: &'a [u8],
}

impl Source<'_> {
    /// Decodes a component; `done` gets its rows in their order.
    fn decode<T: Dequantise>(
        &self,
        shared: &mut Shared,
        kept: &mut Kept<T>,
        mut done: impl FnMut(usize, &[T]),
    ) -> Result<(), Broken> {
        let resolutions = &self.component.resolutions;
        let Kept {
            join,
            strips,
            own,
            next,
        } = kept;
        let rules = self.rules();
        let Some((lowest, rules)) = rules.split_first() else {
            return Ok(());
        };
        let Some((first, others)) = resolutions.split_first() else {
            return Ok(());
        };
        let last = others.len();
        // The lowest resolution is a sub-band as it is.
        if let (Some(band), Some(rule)) = (first.bands.first(), lowest.first()) {
            let strip = &mut strips[0];
            strip.begin(band);
            own.clear();
            for y in 0..band.area.height() {
                self.advance(band, rule, y, strip, shared)?;
                let row = strip.row(y, band.area.width());
                if last == 0 {
                    done(y, row);
                } else {
                    own.extend_from_slice(row);
                }
            }
        }
        for (n, (resolution, rules)) in others.iter().zip(rules).enumerate() {
            let (Some([hl, lh, hh]), Some(rules)) = (
                resolution.bands.first_chunk::<3>(),
                rules.first_chunk::<3>(),
            ) else {
                return Ok(());
            };
            for (strip, band) in strips.iter_mut().zip([hl, lh, hh]) {
                strip.begin(band);
            }
            let [hl_strip, lh_strip, hh_strip] = strips;
            let (lows, highs) = (lh.area.width(), hl.area.width());
            next.clear();
            join.join(
                &resolution.area,
                |high, y, put| {
                    if high {
                        self.advance(lh, &rules[1], y, lh_strip, shared)?;
                        self.advance(hh, &rules[2], y, hh_strip, shared)?;
                        put(lh_strip.row(y, lows), hh_strip.row(y, highs));
                    } else {
                        self.advance(hl, &rules[0], y, hl_strip, shared)?;
                        let low = own.get(y * lows..(y + 1) * lows).unwrap_or_default();
                        put(low, hl_strip.row(y, highs));
                    }
                    Ok(())
                },
                |y, row| {
                    if n + 1 == last {
                        done(y, row);
                    } else {
                        next.extend_from_slice(row);
                    }
                },
            )?;
            std::mem::swap(own, next);
        }
        Ok(())
    }

    /// How the magnitudes of each sub-band become coefficients.
    fn rules(&self) -> Vec<Vec<Rule>> {
        let mut out = Vec::new();
        // Factors of the 9-7 filter for all levels that follow; they are linear, so the step takes them along.
        let mut scale = 1.0f32;
        for (level, resolution) in self.component.resolutions.iter().enumerate().rev() {
            let (wide, tall) = (resolution.area.width() > 1, resolution.area.height() > 1);
            let factor = |high: bool, many: bool| match (high, many) {
                (false, true) => SCALE,
                (true, true) => 1.0 / SCALE,
                (false, false) => 1.0,
                (true, false) => 0.5,
            };
            let rule = |band: &Band| {
                let own = factor(band.high.0, wide) * factor(band.high.1, tall);
                let step =
                    (1.0 + f32::from(band.mantissa) / 2048.0) * (band.exponent as f32).exp2();
                Rule {
                    step: 0.5 * step * scale * if level > 0 { own } else { 1.0 },
                    raised_from: 1u32.checked_shl(self.component.raised + 1).unwrap_or(0),
                    raised: self.component.raised,
                }
            };
            out.push(resolution.bands.iter().map(rule).collect());
            if level > 0 {
                scale *= factor(false, wide) * factor(false, tall);
            }
        }
        out.reverse();
        out
    }

    /// Decodes the rows of blocks up to the one that row `y` of the sub-band is in.
    #[inline]
    fn advance<T: Dequantise>(
        &self,
        band: &Band,
        rule: &Rule,
        y: usize,
        strip: &mut Strip<T>,
        shared: &mut Shared,
    ) -> Result<(), Broken> {
        if y < strip.rows.1 {
            return Ok(());
        }
        self.decode_strip(band, rule, strip, shared)
    }

    #[inline(never)]
    fn decode_strip<T: Dequantise>(
        &self,
        band: &Band,
        rule: &Rule,
        strip: &mut Strip<T>,
        shared: &mut Shared,
    ) -> Result<(), Broken> {
        let width = band.area.width();
        let blocks = self
            .plan
            .blocks
            .get(strip.next as usize..band.blocks.1 as usize);
        let blocks = blocks.unwrap_or_default();
        let top = blocks.first().map_or(0, |block| block.y);
        let height = blocks.first().map_or(0, |block| usize::from(block.height));
        strip.rows = (top as usize, top as usize + height);
        strip.coefficients.resize(width * height, T::default());
        for block in blocks.iter().take_while(|block| block.y == top) {
            strip.next += 1;
            let target = strip
                .coefficients
                .get_mut(block.x as usize..)
                .unwrap_or_default();
            self.decode_block(band, rule, block, width, shared, target)?;
        }
        Ok(())
    }

    fn decode_block<T: Dequantise>(
        &self,
        band: &Band,
        rule: &Rule,
        block: &Block,
        width: usize,
        shared: &mut Shared,
        target: &mut [T],
    ) -> Result<(), Broken> {
        let own = usize::from(block.width);
        if block.passes == 0 {
            for row in target.chunks_mut(width) {
                if let Some(row) = row.get_mut(..own) {
                    row.fill(T::default());
                }
            }
            return Ok(());
        }
        let Shared {
            blocks,
            ht,
            segments,
            bytes,
        } = shared;
        let data = gather(self.plan, block, self.data, segments, bytes)?;
        let coded = Coded {
            width: own,
            height: usize::from(block.height),
            kind: band.kind,
            mode: self.component.mode,
            planes: band.planes,
            empty: u32::from(block.empty) + u32::from(block.placeholders),
            segments,
            data,
        };
        if coded.mode.high_throughput() {
            ht.decode(&coded, u32::from(block.placeholders))?;
            let height = usize::from(block.height);
            for ((n, rows), quads) in (0..).zip(target.chunks_mut(2 * width)).zip(ht.lines()) {
                let (upper, lower) = rows.split_at_mut(rows.len().min(width));
                let lower = if 2 * n + 1 < height { lower } else { &mut [] };
                scatter(upper, own, quads, 0, rule);
                scatter(lower, own, quads, 1, rule);
            }
        } else {
            blocks.decode(&coded)?;
            for (stripe, rows) in target.chunks_mut(4 * width).enumerate() {
                let samples = blocks.stripe(stripe);
                for (n, row) in rows.chunks_mut(width).enumerate() {
                    for (x, sample) in row.iter_mut().zip(samples) {
                        *x = T::coefficient(lowered(sample[n & 3], rule), rule);
                    }
                }
            }
        }
        Ok(())
    }
}

impl<T> Strip<T> {
    fn begin(&mut self, band: &Band) {
        (self.rows, self.next) = ((0, 0), band.blocks.0);
    }
}

/// Writes a line of quads: of each the samples with this index and the second next.
#[inline(always)]
fn scatter<T: Dequantise>(
    row: &mut [T],
    width: usize,
    quads: &[[u32; 4]],
    line: usize,
    rule: &Rule,
) {
    let row = row.get_mut(..width).unwrap_or_default();
    let (pairs, last) = row.as_chunks_mut::<2>();
    for (pair, quad) in pairs.iter_mut().zip(quads) {
        *pair = [quad[line], quad[line + 2]].map(|s| T::coefficient(lowered(s, rule), rule));
    }
    if let (Some(x), Some(quad)) = (last.first_mut(), quads.get(width / 2)) {
        *x = T::coefficient(lowered(quad[line], rule), rule);
    }
}

#[inline(always)]
fn lowered(sample: u32, rule: &Rule) -> u32 {
    if rule.raised == 0 {
        sample
    } else {
        lower(sample, rule)
    }
}

/// The bytes of a block, one after the other, and its codeword segments.
fn gather<'a>(
    plan: &Plan,
    block: &Block,
    data: &'a [u8],
    segments: &mut Vec<Segment>,
    bytes: &'a mut Vec<u8>,
) -> Result<&'a [u8], Broken> {
    segments.clear();
    bytes.clear();
    let mut next = block.first;
    let mut only: Option<&[u8]> = None;
    while let Some(chunk) = plan.chunks.get(next as usize) {
        let from = chunk.at as usize;
        let own = data
            .get(from..from + chunk.bytes as usize)
            .ok_or(Broken::Corrupt("packets that end early"))?;
        match segments.last_mut() {
            Some(last) if !chunk.fresh => {
                last.passes += u32::from(chunk.passes);
                last.bytes += chunk.bytes;
            }
            _ => segments.push(Segment {
                passes: u32::from(chunk.passes),
                bytes: chunk.bytes,
            }),
        }
        // One chunk needs no copy.
        if next == block.first && chunk.next == super::plan::NONE {
            only = Some(own);
        } else {
            bytes.extend_from_slice(own);
        }
        next = chunk.next;
    }
    Ok(only.unwrap_or(bytes))
}

/// The inverse component transforms (annex G).
fn untransform(planes: &mut [Plane]) -> Result<(), Broken> {
    let Some([y, b, r]) = planes.first_chunk_mut::<3>() else {
        return Err(Broken::Corrupt(
            "a colour transform of fewer than three components",
        ));
    };
    match (y, b, r) {
        (Plane::Whole(y), Plane::Whole(u), Plane::Whole(v)) => {
            for (y, (u, v)) in y.iter_mut().zip(u.iter_mut().zip(v)) {
                let green = y.wrapping_sub(u.wrapping_add(*v) >> 2);
                let (red, blue) = (v.wrapping_add(green), u.wrapping_add(green));
                (*y, *u, *v) = (red, green, blue);
            }
        }
        (Plane::Real(y), Plane::Real(b), Plane::Real(r)) => {
            for (y, (b, r)) in y.iter_mut().zip(b.iter_mut().zip(r)) {
                let red = *y + 1.402 * *r;
                let green = *y - 0.344_13 * *b - 0.714_14 * *r;
                let blue = *y + 1.772 * *b;
                (*y, *b, *r) = (red, green, blue);
            }
        }
        _ => {
            return Err(Broken::Corrupt(
                "a colour transform over two kinds of wavelets",
            ));
        }
    }
    Ok(())
}

/// Where samples go.
struct Target<'a> {
    out: &'a mut [u8],
    /// The least signed value of the precision.
    low: i32,
    /// What unsigned samples are shifted by.
    shift: i32,
    bytes: usize,
    pixel: usize,
    line: usize,
    first: usize,
}

impl Target<'_> {
    /// Shifts samples to their range (G.1), limits them to it and writes them.
    fn whole(&mut self, component: usize, y: usize, row: &[i32]) {
        let (low, high, shift) = (self.low, -1 - self.low, self.shift);
        self.write(component, y, row, |x| {
            x.clamp(low, high).wrapping_add(shift)
        });
    }

    fn real(&mut self, component: usize, y: usize, row: &[f32]) {
        let (low, high, shift) = (self.low, -1 - self.low, self.shift);
        let (lowest, highest) = (low as f32, high as f32);
        if high < 1 << 22 {
            // With this added a float has no room for fractions: the lowest bits are the rounded number.
            const ROUND: f32 = 12_582_912.0;
            let shift = shift.wrapping_sub(ROUND.to_bits() as i32);
            self.write(component, y, row, |x| {
                let x = x.max(lowest).min(highest) + ROUND;
                (x.to_bits() as i32).wrapping_add(shift)
            });
        } else {
            self.write(component, y, row, |x| {
                (x.round_ties_even() as i32)
                    .clamp(low, high)
                    .wrapping_add(shift)
            });
        }
    }

    #[inline(always)]
    fn write<T: Copy>(&mut self, component: usize, y: usize, row: &[T], sample: impl Fn(T) -> i32) {
        let first = self.first + y * self.line + component * self.bytes;
        let out = self.out.get_mut(first..).unwrap_or_default();
        match (self.bytes, self.pixel) {
            (2, 2) => {
                for (x, to) in row.iter().zip(out.as_chunks_mut::<2>().0) {
                    *to = (sample(*x) as u16).to_le_bytes();
                }
            }
            (1, 1) => {
                for (x, to) in row.iter().zip(out) {
                    *to = sample(*x) as u8;
                }
            }
            (2, _) => {
                for (x, to) in row.iter().zip(out.chunks_mut(self.pixel)) {
                    if let Some(to) = to.first_chunk_mut() {
                        *to = (sample(*x) as u16).to_le_bytes();
                    }
                }
            }
            _ => {
                for (x, to) in row.iter().zip(out.chunks_mut(self.pixel)) {
                    if let Some(to) = to.first_mut() {
                        *to = sample(*x) as u8;
                    }
                }
            }
        }
    }
}

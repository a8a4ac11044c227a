//! From the bytes of a tile to its samples.

use super::{
    Broken,
    block::{Blocks, Coded, Segment},
    header::Codestream,
    ht,
    packets::Packets,
    plan::{Band, Block, Component, Plan},
    samples::Target,
    wavelet::{self, Coefficient, LOW_SCALE, high_scale},
};
use std::cell::Cell;

/// What is kept from one block and tile to the next, and of small pictures from one to the next.
#[derive(Default)]
struct Room {
    shared: Shared,
    whole: Vec<Stage<i32>>,
    real: Vec<Stage<f32>>,
}

/// Pictures up to this size, counted with five bytes a sample, leave their room to the next one of the thread.
const KEPT_BYTES: usize = 16 << 20;

thread_local! {
    /// Memory that went back to the system is cleared page by page when it is taken again, which costs a small picture
    /// as much as a quarter of its decoding.
    static KEPT: Cell<Option<Box<Room>>> = const { Cell::new(None) };
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

/// A coefficient that comes from a sign and a doubled magnitude, and becomes a sample.
trait Dequantise: Coefficient {
    fn coefficient(sample: u32, rule: &Rule) -> Self;
    /// The inverse component transforms (annex G).
    fn untransform(pixel: [Self; 3]) -> [Self; 3];
    /// Writes a row of a component.
    fn write(to: &mut Target<'_>, component: usize, y: usize, row: &[Self]);
    /// Writes a row of the first three components.
    fn write_pixels(to: &mut Target<'_>, y: usize, rows: [&[Self]; 3]);
}

impl Dequantise for i32 {
    #[inline(always)]
    fn coefficient(sample: u32, _: &Rule) -> Self {
        let magnitude = (sample & 0x7FFF_FFFF) >> 1;
        let sign = (sample as i32) >> 31;
        (magnitude as i32 ^ sign).wrapping_sub(sign)
    }

    #[inline(always)]
    fn untransform([y, u, v]: [Self; 3]) -> [Self; 3] {
        let green = y.wrapping_sub(u.wrapping_add(v) >> 2);
        [v.wrapping_add(green), green, u.wrapping_add(green)]
    }

    fn write(to: &mut Target<'_>, component: usize, y: usize, row: &[Self]) {
        let limits = to.limits;
        to.write(component, y, row, |x| limits.whole(x));
    }

    fn write_pixels(to: &mut Target<'_>, y: usize, rows: [&[Self]; 3]) {
        let limits = to.limits;
        to.write_pixels(y, rows, |x| limits.whole(x));
    }
}

impl Dequantise for f32 {
    #[inline(always)]
    fn coefficient(sample: u32, rule: &Rule) -> Self {
        let magnitude = (sample & 0x7FFF_FFFF) as i32 as f32 * rule.step;
        f32::from_bits(magnitude.to_bits() | sample & 0x8000_0000)
    }

    #[inline(always)]
    fn untransform([y, b, r]: [Self; 3]) -> [Self; 3] {
        let green = y - 0.344_13 * b - 0.714_14 * r;
        [y + 1.402 * r, green, y + 1.772 * b]
    }

    fn write(to: &mut Target<'_>, component: usize, y: usize, row: &[Self]) {
        let limits = to.limits;
        to.write(component, y, row, |x| limits.real(x));
    }

    fn write_pixels(to: &mut Target<'_>, y: usize, rows: [&[Self]; 3]) {
        let limits = to.limits;
        to.write_pixels(y, rows, |x| limits.real(x));
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

/// Decodes all tiles into `out`, which has room for all samples of `bytes` bytes each.
pub(super) fn decode(
    codestream: &Codestream<'_>,
    bytes: usize,
    memory: usize,
    out: &mut [u8],
) -> Result<(), Broken> {
    let size = &codestream.size;
    let components = usize::from(size.components);
    if usize::from(size.precision) > 8 * bytes {
        return Err(Broken::Planes);
    }
    let mut room = KEPT.take().unwrap_or_default();
    for index in 0..size.tiles() as u32 {
        let area = size.tile(index);
        let tile = codestream.tile(index)?;
        let coding = &tile.coding;
        // Of each component its sub-bands in rows of blocks, and its lower resolutions: less than five bytes a sample.
        let left = area
            .width()
            .checked_mul(area.height())
            .and_then(|samples| samples.checked_mul(5 * components))
            .and_then(|bytes| memory.checked_sub(bytes))
            .ok_or(Broken::Memory)?;
        let headers = tile.headers.as_deref();
        let available = headers.unwrap_or(&tile.data).len();
        let mut plan = Plan::new(&area, coding, size.precision, available, left)?;
        let mut packets = Packets::new(&tile.data, headers, coding.starts, coding.ends);
        plan.read(coding, &mut packets)?;
        plan.sort();
        let mut to = Target::new(size, &area, bytes, out);
        let sources: Vec<Source<'_>> = plan
            .components
            .iter()
            .map(|component| Source {
                plan: &plan,
                component,
                data: &tile.data,
            })
            .collect();
        // Components that are transformed go together; others may differ in their wavelet.
        let together = if coding.colour_transform { 3 } else { 1 };
        let mut index = 0;
        while let Some(group) = sources.get(index..(index + together).min(sources.len())) {
            let Some(first) = group.first() else {
                break;
            };
            let reversible = first.component.reversible;
            if group.iter().any(|s| s.component.reversible != reversible) {
                return Err(Broken::Corrupt(
                    "a colour transform over two kinds of wavelets",
                ));
            }
            let transformed = coding.colour_transform && index == 0;
            if transformed && group.len() < 3 {
                return Err(Broken::Corrupt(
                    "a colour transform of fewer than three components",
                ));
            }
            if reversible {
                decode_group(
                    group,
                    transformed,
                    index,
                    &mut room.shared,
                    &mut room.whole,
                    &mut to,
                )?;
            } else {
                decode_group(
                    group,
                    transformed,
                    index,
                    &mut room.shared,
                    &mut room.real,
                    &mut to,
                )?;
            }
            index += group.len();
        }
    }
    if out.len() / bytes <= KEPT_BYTES / 5 {
        KEPT.set(Some(room));
    }
    Ok(())
}

/// Decodes components side by side, row by row, to where they go.
fn decode_group<T: Dequantise>(
    group: &[Source<'_>],
    transformed: bool,
    first: usize,
    shared: &mut Shared,
    stages: &mut Vec<Stage<T>>,
    to: &mut Target<'_>,
) -> Result<(), Broken> {
    stages.resize_with(group.len().max(stages.len()), Stage::default);
    let mut height = 0;
    for (source, stage) in group.iter().zip(&mut *stages) {
        height = source.begin(stage, shared)?;
    }
    let mut lines: [Vec<T>; 3] = Default::default();
    for y in 0..height {
        if !transformed {
            for (index, (source, stage)) in (first..).zip(group.iter().zip(&mut *stages)) {
                T::write(to, index, y, source.row(stage, shared)?);
            }
            continue;
        }
        let ([a, b, c, ..], [one, two, three, ..]) = (group, &mut stages[..]) else {
            return Ok(());
        };
        let one = a.row(one, shared)?;
        let two = b.row(two, shared)?;
        let three = c.row(three, shared)?;
        let [red, green, blue] = &mut lines;
        for line in [&mut *red, green, blue] {
            line.resize(one.len(), T::default());
        }
        let from = one.iter().zip(two).zip(three);
        let into = red.iter_mut().zip(green.iter_mut()).zip(blue.iter_mut());
        for (((r, g), b), ((x, y), z)) in into.zip(from) {
            [*r, *g, *b] = T::untransform([*x, *y, *z]);
        }
        T::write_pixels(to, y, [red, green, blue]);
    }
    Ok(())
}

/// What a component is decoded in.
#[derive(Default)]
struct Stage<T> {
    join: wavelet::Room<T>,
    strips: [Strip<T>; 3],
    /// The resolution below the one that is put together.
    below: Vec<T>,
    next: Vec<T>,
    rules: Vec<Vec<Rule>>,
    /// Resolution that is put together, and rows of it so far.
    resolution: usize,
    y: usize,
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
    /// Decodes all resolutions but the highest; gives how many rows that one has.
    fn begin<T: Dequantise>(
        &self,
        stage: &mut Stage<T>,
        shared: &mut Shared,
    ) -> Result<usize, Broken> {
        stage.rules = self.rules();
        let mut height = 0;
        for (n, resolution) in self.component.resolutions.iter().enumerate() {
            stage.resolution = n;
            stage.y = 0;
            stage.join.begin(resolution.area.width());
            for (strip, band) in stage.strips.iter_mut().zip(&resolution.bands) {
                (strip.rows, strip.next) = ((0, 0), band.blocks.0);
            }
            height = resolution.area.height();
            if n + 1 == self.component.resolutions.len() {
                break;
            }
            let mut next = std::mem::take(&mut stage.next);
            next.clear();
            next.reserve_exact(resolution.area.width() * height);
            for _ in 0..height {
                next.extend_from_slice(self.row(stage, shared)?);
            }
            stage.next = std::mem::replace(&mut stage.below, next);
        }
        Ok(height)
    }

    /// The next row of the resolution.
    fn row<'s, T: Dequantise>(
        &self,
        stage: &'s mut Stage<T>,
        shared: &mut Shared,
    ) -> Result<&'s [T], Broken> {
        let Stage {
            join,
            strips,
            below,
            rules,
            resolution,
            y,
            ..
        } = stage;
        let (Some(resolution), Some(rules)) = (
            self.component.resolutions.get(*resolution),
            rules.get(*resolution),
        ) else {
            return Ok(&[]);
        };
        let [first, second, third] = strips;
        match (&resolution.bands[..], &rules[..]) {
            // The lowest resolution is a sub-band as it is.
            ([band], [rule]) => {
                self.advance(band, rule, *y, first, shared)?;
                *y += 1;
                Ok(first.row(*y - 1, band.area.width()))
            }
            ([hl, lh, hh], [hl_rule, lh_rule, hh_rule]) => {
                let (lows, highs) = (lh.area.width(), hl.area.width());
                join.row(&resolution.area, |high, y, put| {
                    if high {
                        self.advance(lh, lh_rule, y, second, shared)?;
                        self.advance(hh, hh_rule, y, third, shared)?;
                        put(second.row(y, lows), third.row(y, highs));
                    } else {
                        self.advance(hl, hl_rule, y, first, shared)?;
                        let low = below.get(y * lows..(y + 1) * lows).unwrap_or_default();
                        put(low, first.row(y, highs));
                    }
                    Ok(())
                })
            }
            _ => Ok(&[]),
        }
    }

    /// How the magnitudes of each sub-band become coefficients.
    fn rules(&self) -> Vec<Vec<Rule>> {
        let mut out = Vec::new();
        // Factors of the 9-7 filter for all levels that follow; they are linear, so the step takes them along.
        let mut scale = 1.0f32;
        let high_scale = high_scale(self.component.mode.high_throughput());
        for (level, resolution) in self.component.resolutions.iter().enumerate().rev() {
            let (wide, tall) = (resolution.area.width() > 1, resolution.area.height() > 1);
            let factor = |high: bool, many: bool| match (high, many) {
                (false, true) => LOW_SCALE,
                (true, true) => high_scale,
                (false, false) => 1.0,
                (true, false) => 0.5,
            };
            let rule = |band: &Band| {
                let own = factor(band.high.0, wide) * factor(band.high.1, tall);
                let step =
                    (1.0 + f32::from(band.mantissa) / 2048.0) * (band.exponent as f32).exp2();
                Rule {
                    step: 0.5 * step * scale * if level > 0 { own } else { 1.0 },
                    raised_from: 1u32
                        .checked_shl(self.component.raised + 1)
                        .unwrap_or(u32::MAX),
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

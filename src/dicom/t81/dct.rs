//! The sequential and progressive DCT processes with Huffman coding (T.81 annexes F and G).
//!
//! Sequential scans are transformed block by block as they are read; a picture of one component needs no more than a row
//! of blocks beside what comes out. Progressive ones collect the coefficients of
//! the whole picture first, two bytes each.

use super::{
    Header, Scan, Tables,
    block::{Band, dequantized, first_ac, ordered, read_block, refine_ac},
    corrupt,
    huffman::{Bits, Broken, Entropy, Meaning, Table},
    idct::{self, Extent, Sample},
    short,
    upsample::{Plane, Upsampler},
};
use crate::{dicom::guard::Fault, model::study::RejectionKind};

/// A coefficient that no scan has brought yet.
const UNSEEN: u8 = 255;

/// One component of the frame.
#[derive(Debug)]
struct Channel<S> {
    plane: Plane<S>,
    /// Blocks of a row and rows of blocks, filled up to whole MCUs.
    across: usize,
    down: usize,
    /// Quantization steps in zigzag order, as they were at the component's first scan.
    steps: Option<[u16; 64]>,
    quantization: usize,
    /// Progressive: coefficients of all blocks.
    coefficients: Vec<i16>,
    /// For each coefficient the lowest bit that scans have brought.
    seen: [u8; 64],
}

/// A picture of DCT blocks.
#[derive(Debug)]
pub(super) struct Frame<S> {
    rows: usize,
    columns: usize,
    progressive: bool,
    /// One component that is coded in sequence: its plane is one row of blocks, written out as soon as it is full.
    rolling: bool,
    most: (usize, usize),
    channels: Vec<Channel<S>>,
}

/// The tables of one component in one scan.
struct Coder {
    dc: Option<Table>,
    ac: Option<Table>,
    prediction: i32,
}

impl<S: Sample> Frame<S> {
    /// Makes room for the picture, if it takes at most `most` bytes.
    pub(super) fn new(header: &Header, most: usize) -> Result<Self, Fault> {
        let sampling = header.sampling();
        let (rows, columns) = (usize::from(header.rows), usize::from(header.columns));
        let mcus = (
            columns.div_ceil(8 * sampling.0),
            rows.div_ceil(8 * sampling.1),
        );
        let progressive = header.process == 0xC2;
        let size = size_of::<S>() + if progressive { 2 } else { 0 };
        let rolling = !progressive && header.components.len() == 1;
        let kept_down = |down: usize| if rolling { 1 } else { down };
        let blocks = header.components.iter().map(|c| {
            mcus.0 * usize::from(c.horizontal) * kept_down(mcus.1 * usize::from(c.vertical))
        });
        if blocks.sum::<usize>().saturating_mul(64 * size) > most {
            return Err(Fault::new(
                RejectionKind::Limit,
                "FRAME_TOO_LARGE",
                "the decoded frame would be larger than is decoded",
            ));
        }
        let channels = header.components.iter().map(|c| {
            let (h, v) = (usize::from(c.horizontal), usize::from(c.vertical));
            let (across, down) = (mcus.0 * h, mcus.1 * v);
            let samples = across * kept_down(down) * 64;
            Channel {
                plane: Plane {
                    samples: vec![S::default(); if progressive { 0 } else { samples }],
                    stride: across * 8,
                    columns: (columns * h).div_ceil(sampling.0),
                    rows: (rows * v).div_ceil(sampling.1),
                    horizontal: h,
                    vertical: v,
                },
                across,
                down,
                steps: None,
                quantization: usize::from(c.quantization),
                coefficients: vec![0; if progressive { samples } else { 0 }],
                seen: [UNSEEN; 64],
            }
        });
        Ok(Self {
            rows,
            columns,
            progressive,
            rolling,
            most: sampling,
            channels: channels.collect(),
        })
    }

    /// Decodes a scan; whether nothing can follow that would change the picture. What needs no later line is written.
    pub(super) fn scan(
        &mut self,
        scan: &Scan,
        tables: &Tables,
        entropy: &Entropy,
        out: &mut [u8],
    ) -> Result<bool, Fault> {
        let band = self.band(scan)?;
        let mut coders = Vec::new();
        for &(place, dc, ac) in &scan.components {
            let Some(channel) = self.channels.get_mut(place) else {
                return Err(corrupt("a component that is not there"));
            };
            channel.see(band)?;
            if channel.steps.is_none() {
                let table = tables.quantization.get(channel.quantization);
                let Some(Some(steps)) = table else {
                    return Err(corrupt("a component without its quantization table"));
                };
                channel.steps = Some(*steps);
            }
            let needs_dc = band.start == 0 && !band.refine;
            let needs_ac = band.end > 0;
            coders.push(Coder {
                dc: needs_dc
                    .then(|| tables.table(dc, Meaning::Dc))
                    .transpose()?,
                ac: needs_ac
                    .then(|| tables.table(ac, Meaning::Ac))
                    .transpose()?,
                prediction: 0,
            });
        }
        if self.progressive {
            self.progressive(scan, band, tables.restart, entropy, &mut coders)?;
        } else {
            self.sequential(scan, tables.restart, entropy, &mut coders, out)?;
        }
        let whole = |channel: &Channel<S>| channel.seen == [0; 64];
        Ok(self.channels.iter().all(whole))
    }

    /// What the scan brings (G.1.1.1). Sequential scans bring everything; what their headers say of it is not
    /// looked at, since some encoders leave it zero.
    fn band(&self, scan: &Scan) -> Result<Band, Fault> {
        let (start, end) = (usize::from(scan.start), usize::from(scan.end));
        if !self.progressive {
            return Ok(Band {
                start: 0,
                end: 63,
                low: 0,
                refine: false,
            });
        }
        let band = match start {
            0 => end == 0,
            _ => start <= end && end < 64 && scan.components.len() == 1,
        };
        if !band || scan.low > 13 || (scan.high > 0 && scan.high != scan.low + 1) {
            return Err(corrupt("a progressive scan of an impossible band"));
        }
        Ok(Band {
            start,
            end,
            low: u32::from(scan.low),
            refine: scan.high > 0,
        })
    }

    /// Calls `each` for all blocks of a scan in their order (A.2): the component's place in the scan, the column and
    /// the row of the block. A scan of one component goes through that component's own blocks only.
    fn blocks<'a>(
        &mut self,
        scan: &Scan,
        restart: usize,
        entropy: &'a Entropy,
        mut each: impl FnMut(
            &mut Channel<S>,
            usize,
            (usize, usize),
            Entry<'_, 'a>,
        ) -> Result<(), Broken>,
    ) -> Result<(), Fault> {
        let single = scan.components.len() == 1;
        let mcus = match scan.components.first() {
            Some((place, ..)) if single => match self.channels.get(*place) {
                Some(c) => (c.plane.columns.div_ceil(8), c.plane.rows.div_ceil(8)),
                None => (0, 0),
            },
            _ => (
                self.columns.div_ceil(8 * self.most.0),
                self.rows.div_ceil(8 * self.most.1),
            ),
        };
        let mut bits = entropy.interval(0)?;
        let mut interval = 0;
        let mut left = if restart == 0 { usize::MAX } else { restart };
        let mut fresh = true;
        for y in 0..mcus.1 {
            for x in 0..mcus.0 {
                if left == 0 {
                    bits.check()?;
                    interval += 1;
                    bits = entropy.interval(interval)?;
                    left = restart;
                    fresh = true;
                }
                left -= 1;
                for (index, (place, ..)) in scan.components.iter().enumerate() {
                    let Some(channel) = self.channels.get_mut(*place) else {
                        continue;
                    };
                    let (h, v) = match single {
                        true => (1, 1),
                        false => (channel.plane.horizontal, channel.plane.vertical),
                    };
                    for j in 0..v {
                        for i in 0..h {
                            let entry = Entry {
                                bits: &mut bits,
                                fresh,
                            };
                            each(channel, index, (x * h + i, y * v + j), entry)?;
                            fresh = false;
                        }
                    }
                }
            }
            // Data that ends does not keep the rest of the picture busy.
            bits.check()?;
        }
        Ok(())
    }

    fn sequential(
        &mut self,
        scan: &Scan,
        restart: usize,
        entropy: &Entropy,
        coders: &mut [Coder],
        out: &mut [u8],
    ) -> Result<(), Fault> {
        let (rolling, columns) = (self.rolling, self.columns);
        let steps: Vec<[(u16, u8); 128]> = scan
            .components
            .iter()
            .map(|(place, ..)| {
                let channel = self.channels.get(*place);
                ordered(&channel.and_then(|c| c.steps).unwrap_or([1; 64]))
            })
            .collect();
        self.blocks(scan, restart, entropy, |channel, index, (x, y), entry| {
            if entry.fresh {
                coders.iter_mut().for_each(|c| c.prediction = 0);
            }
            let (Some(coder), Some(steps)) = (coders.get_mut(index), steps.get(index)) else {
                return Ok(());
            };
            let (Some(dc), Some(ac)) = (&coder.dc, &coder.ac) else {
                return Ok(());
            };
            let mut block = [0; 64];
            let last = read_block(entry.bits, dc, ac, &mut coder.prediction, steps, &mut block)?;
            let extent = Extent::of_last(last);
            let plane = &mut channel.plane;
            let first = if rolling { 0 } else { y * 8 };
            let at = first * plane.stride + x * 8;
            idct::inverse(&block, extent, &mut plane.samples, at, plane.stride);
            if rolling && (x + 1) * 8 >= columns {
                let lines = out.chunks_exact_mut(columns * size_of::<S>()).skip(y * 8);
                for (line, target) in plane.samples.chunks_exact(plane.stride).zip(lines) {
                    S::write(line.get(..columns).unwrap_or_default(), 0, 1, target);
                }
            }
            Ok(())
        })
    }

    fn progressive(
        &mut self,
        scan: &Scan,
        band: Band,
        restart: usize,
        entropy: &Entropy,
        coders: &mut [Coder],
    ) -> Result<(), Fault> {
        // EOBRUN: blocks of the band that are still to be passed over (G.1.2.2).
        let mut passing = 0;
        self.blocks(scan, restart, entropy, |channel, index, (x, y), entry| {
            if entry.fresh {
                coders.iter_mut().for_each(|c| c.prediction = 0);
                passing = 0;
            }
            let at = (y * channel.across + x) * 64;
            let place = channel.coefficients.get_mut(at..);
            let Some(block) = place.and_then(|p| p.first_chunk_mut()) else {
                return Ok(());
            };
            let Some(coder) = coders.get_mut(index) else {
                return Ok(());
            };
            let bits = entry.bits;
            match (band.start, band.refine, &coder.dc, &coder.ac) {
                (0, false, Some(table), _) => {
                    bits.need();
                    let difference = bits.symbol(table)?.value();
                    coder.prediction = coder.prediction.wrapping_add(difference);
                    block[0] = coder.prediction.wrapping_shl(band.low) as i16;
                }
                (0, true, ..) => block[0] |= i16::from(bits.bit()) << band.low,
                (_, false, _, Some(table)) => first_ac(bits, table, band, &mut passing, block)?,
                (_, true, _, Some(table)) => refine_ac(bits, table, band, &mut passing, block)?,
                _ => {}
            }
            Ok(())
        })
    }

    /// Writes the picture. `whole` and `marked` say whether all bits of all coefficients came, and whether the end
    /// of image was there.
    pub(super) fn finish(mut self, whole: bool, marked: bool, out: &mut [u8]) -> Result<(), Fault> {
        if !whole && !self.enough(marked) {
            return Err(short("scans are missing"));
        }
        if self.rolling {
            return Ok(());
        }
        if self.progressive {
            self.channels.iter_mut().for_each(Channel::transform);
        }
        let count = self.channels.len();
        let width = size_of::<S>() * count;
        let mut lines: Vec<Upsampler<'_, S>> = self
            .channels
            .iter()
            .map(|c| Upsampler::new(&c.plane, self.most, self.columns))
            .collect();
        for (y, target) in out.chunks_exact_mut(self.columns * width).enumerate() {
            match lines.as_mut_slice() {
                [a, b, c] => S::write_three([a.line(y), b.line(y), c.line(y)], target),
                lines => {
                    for (place, line) in lines.iter_mut().enumerate() {
                        S::write(line.line(y), place, count, target);
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether a progressive picture is one, although coefficients were never coded: an encoder may leave out bands
    /// that are zero everywhere. What was begun has to be brought to its last bit, and the end has to be marked.
    fn enough(&self, marked: bool) -> bool {
        self.progressive
            && marked
            && self.channels.iter().all(|channel| {
                channel.seen.first() == Some(&0)
                    && channel.seen.iter().all(|bit| matches!(*bit, 0 | UNSEEN))
            })
    }
}

/// What a block is read with.
struct Entry<'a, 'b> {
    bits: &'a mut Bits<'b>,
    /// The first block of a restart interval: predictions begin anew (F.1.1.5.1).
    fresh: bool,
}

impl<S: Sample> Channel<S> {
    /// Notes what a scan brings; refuses what came before or comes too early (G.1.1.1).
    fn see(&mut self, band: Band) -> Result<(), Fault> {
        let before = match band.refine {
            true => band.low as u8 + 1,
            false => UNSEEN,
        };
        for bit in self.seen.iter_mut().take(band.end + 1).skip(band.start) {
            if *bit != before {
                return Err(corrupt("scans that do not follow each other"));
            }
            *bit = band.low as u8;
        }
        Ok(())
    }

    /// Turns the coefficients of a progressive picture into samples.
    fn transform(&mut self) {
        let steps = ordered(&self.steps.unwrap_or([1; 64]));
        let mut natural = [1; 64];
        for (step, place) in steps.iter().take(64) {
            natural[usize::from(*place & 63)] = i32::from(*step);
        }
        self.plane.samples = vec![S::default(); self.across * self.down * 64];
        let blocks = self.coefficients.as_chunks::<64>().0.iter();
        for (index, coefficients) in blocks.enumerate() {
            let (x, y) = (index % self.across, index / self.across);
            let mut block = [0; 64];
            for ((to, value), step) in block.iter_mut().zip(coefficients).zip(&natural) {
                *to = dequantized(i32::from(*value), *step);
            }
            let at = y * 8 * self.plane.stride + x * 8;
            let extent = Extent::of_block(&block);
            let stride = self.plane.stride;
            idct::inverse(&block, extent, &mut self.plane.samples, at, stride);
        }
    }
}

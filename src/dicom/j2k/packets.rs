//! Packets (T.800 B.9, B.10): which blocks get bytes, and where these lie.

use super::{
    Broken,
    plan::{Chunk, NONE, Plan},
};

/// Bits of packet headers: behind FF a bit was stuffed in.
#[derive(Debug)]
struct Bits<'a> {
    data: &'a [u8],
    at: usize,
    byte: u8,
    left: u32,
}

fn early() -> Broken {
    Broken::Corrupt("packets that end early")
}

impl Bits<'_> {
    #[inline]
    fn bit(&mut self) -> Result<u32, Broken> {
        if self.left == 0 {
            self.left = if self.byte == 0xFF { 7 } else { 8 };
            self.byte = *self.data.get(self.at).ok_or_else(early)?;
            self.at += 1;
        }
        self.left -= 1;
        Ok(u32::from(self.byte >> self.left) & 1)
    }

    fn bits(&mut self, count: u32) -> Result<u32, Broken> {
        let mut value = 0u32;
        for _ in 0..count {
            value = value << 1 | self.bit()?;
        }
        Ok(value)
    }

    /// Ends a header at a byte (B.10.1).
    fn align(&mut self) -> Result<usize, Broken> {
        if self.byte == 0xFF {
            self.data.get(self.at).ok_or_else(early)?;
            self.at += 1;
        }
        Ok(self.at)
    }

    /// Number of coding passes (table B.4).
    fn passes(&mut self) -> Result<u32, Broken> {
        if self.bit()? == 0 {
            return Ok(1);
        }
        if self.bit()? == 0 {
            return Ok(2);
        }
        let two = self.bits(2)?;
        if two < 3 {
            return Ok(3 + two);
        }
        let five = self.bits(5)?;
        if five < 31 {
            return Ok(6 + five);
        }
        Ok(37 + self.bits(7)?)
    }
}

/// A node of a tag tree: the least that its value can be, and in the lowest bit whether it is that.
pub(super) type Node = u32;

/// Most empty planes that are believed; there are 38 with all guard bits.
const MOST_EMPTY: u32 = 80;

/// Reads a tag tree (B.10.2) of `width` by `height` leaves until the value of one is known or not below `limit`.
/// Gives the least that it can be and whether it is that.
fn tag(
    bits: &mut Bits<'_>,
    nodes: &mut [Node],
    (width, height): (u32, u32),
    (x, y): (u32, u32),
    limit: u32,
) -> Result<(u32, bool), Broken> {
    // Where each level begins; a tree of 1024 x 1024 leaves and more does not occur, blocks are at least 4 wide.
    let mut levels = [(0u32, 0u32); 32];
    let (mut w, mut h, mut at, mut count) = (width, height, 0u32, 0usize);
    while let Some(level) = levels.get_mut(count) {
        *level = (at, w);
        count += 1;
        if w <= 1 && h <= 1 {
            break;
        }
        at += w * h;
        (w, h) = (w.div_ceil(2), h.div_ceil(2));
    }
    let mut least = 0;
    let mut known = false;
    for (depth, (start, across)) in levels.iter().take(count).enumerate().rev() {
        let index = start + (y >> depth) * across + (x >> depth);
        let node = nodes
            .get_mut(index as usize)
            .ok_or(Broken::Corrupt("a block outside its precinct"))?;
        let mut value = (*node >> 1).max(least);
        known = *node & 1 != 0;
        while !known && value < limit {
            if bits.bit()? == 1 {
                known = true;
            } else {
                value += 1;
            }
        }
        *node = value << 1 | u32::from(known);
        least = value;
        // A node that is not known yet is at the limit, and so is what lies below it.
    }
    Ok((least, known))
}

/// Nodes of a tag tree.
pub(super) fn nodes(width: u32, height: u32) -> u64 {
    let (mut w, mut h) = (u64::from(width), u64::from(height));
    let mut all = w * h;
    while w > 1 || h > 1 {
        (w, h) = (w.div_ceil(2), h.div_ceil(2));
        all += w * h;
    }
    all
}

/// Where packets are read from.
#[derive(Debug)]
pub(super) struct Packets<'a> {
    data: &'a [u8],
    at: usize,
    headers: Option<(&'a [u8], usize)>,
    /// Markers may stand before packets.
    starts: bool,
    /// A marker stands behind the header of each packet.
    ends: bool,
}

impl<'a> Packets<'a> {
    pub(super) fn new(data: &'a [u8], headers: Option<&'a [u8]>, starts: bool, ends: bool) -> Self {
        Self {
            data,
            at: 0,
            headers: headers.map(|bytes| (bytes, 0)),
            starts,
            ends,
        }
    }

    /// Reads the packet of a precinct for a layer.
    pub(super) fn read(&mut self, plan: &mut Plan, place: usize, layer: u32) -> Result<(), Broken> {
        let rest = self.data.get(self.at..).unwrap_or_default();
        if self.starts && rest.starts_with(&[0xFF, 0x91, 0, 4]) {
            self.at += 6;
        }
        let (data, at) = self.headers.unwrap_or((self.data, self.at));
        let mut bits = Bits {
            data,
            at,
            byte: 0,
            left: 0,
        };
        let begun = plan.chunks.len();
        if bits.bit()? == 1 {
            header(&mut bits, plan, place, layer)?;
        }
        let mut at = bits.align()?;
        let rest = data.get(at..).unwrap_or_default();
        if self.ends && rest.starts_with(&[0xFF, 0x92]) {
            at += 2;
        }
        match &mut self.headers {
            Some((_, own)) => *own = at,
            None => self.at = at,
        }
        for chunk in plan.chunks.get_mut(begun..).unwrap_or_default() {
            chunk.at = u32::try_from(self.at).map_err(|_| early())?;
            self.at = self
                .at
                .checked_add(chunk.bytes as usize)
                .filter(|end| *end <= self.data.len())
                .ok_or_else(early)?;
        }
        Ok(())
    }
}

/// The header of a packet that is not empty: the chunks of its blocks, whose places in the data are not known yet.
fn header(bits: &mut Bits<'_>, plan: &mut Plan, place: usize, layer: u32) -> Result<(), Broken> {
    let Plan {
        precincts,
        blocks,
        nodes,
        chunks,
        most_chunks,
        ..
    } = plan;
    let Some(precinct) = precincts.get(place) else {
        return Ok(());
    };
    for grid in precinct.grids {
        let size = (grid.width, grid.height);
        let count = (grid.width * grid.height) as usize;
        let first = grid.blocks as usize;
        let blocks = blocks.get_mut(first..first + count).unwrap_or_default();
        let all = nodes.get_mut(grid.nodes as usize..).unwrap_or_default();
        let own = super::packets::nodes(grid.width, grid.height) as usize;
        let (inclusion, rest) = all.split_at_mut_checked(own).unwrap_or_default();
        for (index, block) in (0..).zip(blocks) {
            let leaf = (index % grid.width, index / grid.width);
            let included = if block.passes == 0 {
                let (least, known) = tag(bits, inclusion, size, leaf, layer + 1)?;
                known && least <= layer
            } else {
                bits.bit()? == 1
            };
            if !included {
                continue;
            }
            if block.passes == 0 {
                let (empty, known) = tag(bits, rest, size, leaf, MOST_EMPTY)?;
                if !known {
                    return Err(Broken::Corrupt("a code block without bit planes"));
                }
                block.empty = empty as u8;
                block.length_bits = 3;
            }
            let mut passes = bits.passes()?;
            while bits.bit()? == 1 {
                block.length_bits += 1;
                if block.length_bits > 32 {
                    return Err(Broken::Corrupt(
                        "a code block whose length has too many bits",
                    ));
                }
            }
            while passes > 0 {
                let (now, fresh) = if grid.mode.high_throughput() {
                    throughput(block.passes, passes, &mut block.placeholders)?
                } else {
                    classic(grid.mode, block.passes, passes)
                };
                let length = u32::from(block.length_bits) + now.ilog2();
                if length > 32 {
                    return Err(Broken::Corrupt(
                        "a code block whose length has too many bits",
                    ));
                }
                let bytes = bits.bits(length)?;
                if chunks.len() >= *most_chunks {
                    return Err(Broken::Memory);
                }
                let id = chunks.len() as u32;
                chunks.push(Chunk {
                    at: 0,
                    bytes,
                    next: NONE,
                    passes: now as u16,
                    fresh,
                });
                match chunks.get_mut(block.last as usize) {
                    Some(last) => last.next = id,
                    None => block.first = id,
                }
                block.last = id;
                block.passes = block
                    .passes
                    .checked_add(now as u16)
                    .ok_or(Broken::Corrupt("a code block with too many passes"))?;
                passes -= now;
            }
        }
    }
    Ok(())
}

/// How many of `passes` go into the next codeword segment of a block that has `done` already, and whether that
/// segment begins here (B.10.7, table D.9).
fn classic(mode: super::block::Mode, done: u16, passes: u32) -> (u32, bool) {
    let done = u32::from(done);
    if mode.terminate() {
        return (1, true);
    }
    if !mode.bypass() {
        return (passes, done == 0);
    }
    // Ten passes, then two that are written as they are and one that is not.
    let (left, fresh) = match done.checked_sub(10) {
        None => (10 - done, done == 0),
        Some(over) if over % 3 == 2 => (1, true),
        Some(over) => (2 - over % 3, over % 3 == 0),
    };
    (passes.min(left), fresh)
}

/// The same for blocks of T.814 (annex B): the cleanup pass, with the passes of empty sets before it, then both passes that
/// refine it.
fn throughput(done: u16, passes: u32, placeholders: &mut u8) -> Result<(u32, bool), Broken> {
    if done == 0 {
        let empty = (passes - 1) / 3;
        *placeholders = u8::try_from(empty).unwrap_or(u8::MAX);
        return Ok((1 + 3 * empty, true));
    }
    let own = u32::from(done) - 3 * u32::from(*placeholders);
    match own {
        1 => Ok((passes.min(2), true)),
        2 => Ok((1, false)),
        _ => Err(Broken::Unsupported(
            "JPEG 2000 with more than one set of passes in a code block",
        )),
    }
}

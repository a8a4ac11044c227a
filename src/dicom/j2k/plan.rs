//! The parts of a tile (T.800 annex B): resolutions, sub-bands, precincts and code blocks of its components.

use super::{
    Broken,
    block::{Kind, Mode},
    header::{Area, Coding, Order, Volume},
    packets::{self, Node, Packets},
};

/// No chunk.
pub(super) const NONE: u32 = u32::MAX;

/// Bytes that a packet has for a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chunk {
    /// Where they lie in the tile's data.
    pub(super) at: u32,
    pub(super) bytes: u32,
    /// The block's next chunk.
    pub(super) next: u32,
    /// Coding passes that these bytes are of.
    pub(super) passes: u16,
    /// A codeword segment begins with them.
    pub(super) fresh: bool,
}

/// A code block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    /// Place in its sub-band.
    pub(super) x: u32,
    pub(super) y: u32,
    pub(super) width: u16,
    pub(super) height: u16,
    /// First and last chunk.
    pub(super) first: u32,
    pub(super) last: u32,
    /// Coding passes so far.
    pub(super) passes: u16,
    /// Bit planes without a bit.
    pub(super) empty: u8,
    /// Empty sets of passes in front (T.814).
    pub(super) placeholders: u8,
    /// Least number of bits of a length.
    pub(super) length_bits: u8,
}

/// The code blocks of a precinct in one sub-band, row by row.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Grid {
    pub(super) width: u32,
    pub(super) height: u32,
    /// The first of them.
    pub(super) blocks: u32,
    /// First node of the tag tree of inclusion; that of empty planes follows.
    pub(super) nodes: u32,
    pub(super) mode: Mode,
}

/// A precinct.
#[derive(Clone, Copy, Debug)]
pub(super) struct Precinct {
    component: u16,
    resolution: u8,
    /// Place of its corner on the reference grid, within the tile.
    x: u32,
    y: u32,
    /// Layers that were read.
    layers: u32,
    pub(super) grids: [Grid; 3],
}

/// A sub-band.
#[derive(Clone, Copy, Debug)]
pub(super) struct Band {
    pub(super) area: Area,
    pub(super) kind: Kind,
    /// High-pass horizontally, vertically.
    pub(super) high: (bool, bool),
    /// Magnitude bit planes, those of a raised region of interest counted.
    pub(super) planes: u32,
    /// Exponent of its step against the range of its values, and the step's mantissa.
    pub(super) exponent: i32,
    pub(super) mantissa: u16,
    /// Its blocks.
    pub(super) blocks: (u32, u32),
}

/// A resolution.
#[derive(Clone, Debug)]
pub(super) struct Resolution {
    pub(super) area: Area,
    /// LL at the lowest; HL, LH and HH at the others.
    pub(super) bands: Vec<Band>,
}

/// A component of a tile.
#[derive(Clone, Debug)]
pub(super) struct Component {
    pub(super) resolutions: Vec<Resolution>,
    pub(super) mode: Mode,
    pub(super) reversible: bool,
    pub(super) raised: u32,
}

/// A tile, ready for its packets.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) components: Vec<Component>,
    pub(super) precincts: Vec<Precinct>,
    pub(super) blocks: Vec<Block>,
    pub(super) nodes: Vec<Node>,
    pub(super) chunks: Vec<Chunk>,
    pub(super) most_chunks: usize,
}

/// Precincts of a resolution: exponents of their size, and the first and the number of them in each direction.
struct Precincts {
    exponents: (u32, u32),
    first: (u32, u32),
    count: (u32, u32),
}

impl Precincts {
    /// Equation B-16.
    fn new(area: &Area, size: u8) -> Self {
        let exponents = (u32::from(size & 15), u32::from(size >> 4));
        let first = (area.x0 >> exponents.0, area.y0 >> exponents.1);
        let across = |low: u32, high: u32, exponent: u32| {
            (u64::from(high).div_ceil(1 << exponent) - u64::from(low >> exponent)) as u32
        };
        let count = if area.is_empty() {
            (0, 0)
        } else {
            (
                across(area.x0, area.x1, exponents.0),
                across(area.y0, area.y1, exponents.1),
            )
        };
        Self {
            exponents,
            first,
            count,
        }
    }
}

/// Coordinates of a sub-band that comes from `levels` decompositions (equation B-15).
fn reduced(area: &Area, levels: u32, high: (bool, bool)) -> Area {
    let edge = |at: u32, high: bool| {
        let half = if high { 1u64 << levels >> 1 } else { 0 };
        u64::from(at).saturating_sub(half).div_ceil(1 << levels) as u32
    };
    Area {
        x0: edge(area.x0, high.0),
        y0: edge(area.y0, high.1),
        x1: edge(area.x1, high.0),
        y1: edge(area.y1, high.1),
    }
}

impl Plan {
    /// Lays a tile out. `headers` is how many bytes there are for packet headers: each takes one at least, so more
    /// packets than that are refused before they take memory; `memory` is how many bytes the plan may take.
    pub(super) fn new(
        area: &Area,
        coding: &Coding,
        precision: u8,
        headers: usize,
        memory: usize,
    ) -> Result<Self, Broken> {
        let mut plan = Self::default();
        let mut left = memory;
        let mut packets = 0u64;
        let mut pay = |bytes: usize| {
            left = left.checked_sub(bytes).ok_or(Broken::Memory)?;
            Ok(left)
        };
        for (index, component) in (0..).zip(&coding.components) {
            let (Some(style), Some(steps)) = (component.style, &component.steps) else {
                return Err(Broken::Corrupt("no coding style"));
            };
            let mut resolutions = Vec::new();
            for resolution in 0..=style.levels {
                let levels = u32::from(style.levels - resolution);
                let own = reduced(area, levels, (false, false));
                let size = style.precincts.get(usize::from(resolution));
                let precincts = Precincts::new(&own, size.copied().unwrap_or(0xFF));
                let here = u64::from(precincts.count.0) * u64::from(precincts.count.1);
                packets = packets.saturating_add(here.saturating_mul(u64::from(coding.layers)));
                if packets > headers as u64 {
                    return Err(Broken::Corrupt("packets that end early"));
                }
                let here = here as usize;
                // Twice, since they are sorted as well.
                pay(2 * here * size_of::<(usize, Precinct)>()
                    + size_of::<Resolution>()
                    + 3 * size_of::<Band>())?;
                let begun = plan.precincts.len();
                let (first, exponents) = (precincts.first, precincts.exponents);
                for at in 0..here as u32 {
                    let place = |first: u32, n: u32, exponent: u32, low: u32| {
                        let at = u64::from(first + n) << exponent << levels;
                        at.clamp(u64::from(low), u64::from(u32::MAX)) as u32
                    };
                    let (column, row) = (at % precincts.count.0, at / precincts.count.0);
                    plan.precincts.push(Precinct {
                        component: index,
                        resolution,
                        x: place(first.0, column, exponents.0, area.x0),
                        y: place(first.1, row, exponents.1, area.y0),
                        layers: 0,
                        grids: [Grid::default(); 3],
                    });
                }
                let directions: &[(bool, bool)] = if resolution == 0 {
                    &[(false, false)]
                } else {
                    &[(true, false), (false, true), (true, true)]
                };
                let mut bands = Vec::new();
                for (n, high) in directions.iter().copied().enumerate() {
                    let from = levels + u32::from(resolution > 0);
                    let (exponent, mantissa) = steps
                        .step(resolution, n)
                        .ok_or(Broken::Corrupt("fewer quantisation steps than sub-bands"))?;
                    // The range of values grows by a bit in each direction that is high-pass (table E.1).
                    let gain = i32::from(high.0) + i32::from(high.1);
                    let planes = u32::from(steps.guard) + u32::from(exponent);
                    let planes = planes.saturating_sub(1) + u32::from(component.raised);
                    let area = reduced(area, from, high);
                    let blocks = plan.blocks.len() as u32;
                    for (place, at) in (begun..plan.precincts.len()).zip(0u32..) {
                        let cell = (
                            first.0 + at % precincts.count.0,
                            first.1 + at / precincts.count.0,
                        );
                        let halved = u32::from(resolution > 0);
                        let size = (
                            exponents.0.saturating_sub(halved),
                            exponents.1.saturating_sub(halved),
                        );
                        let block = (
                            u32::from(style.block_width).min(size.0),
                            u32::from(style.block_height).min(size.1),
                        );
                        let grid = plan.grid(&area, cell, size, block, style.mode, &mut pay)?;
                        let grids = plan.precincts.get_mut(place).map(|p| &mut p.grids);
                        if let Some(room) = grids.and_then(|grids| grids.get_mut(n)) {
                            *room = grid;
                        }
                    }
                    bands.push(Band {
                        area,
                        kind: match high {
                            (true, true) => Kind::Diagonal,
                            (true, false) => Kind::Horizontal,
                            _ => Kind::Low,
                        },
                        high,
                        planes,
                        exponent: i32::from(precision) + gain - i32::from(exponent),
                        mantissa,
                        blocks: (blocks, plan.blocks.len() as u32),
                    });
                }
                resolutions.push(Resolution { area: own, bands });
            }
            plan.components.push(Component {
                resolutions,
                mode: style.mode,
                reversible: style.reversible,
                raised: u32::from(component.raised),
            });
        }
        plan.most_chunks = pay(0)? / (2 * size_of::<Chunk>());
        Ok(plan)
    }

    /// The code blocks of a precinct in a sub-band (B.7).
    fn grid(
        &mut self,
        band: &Area,
        cell: (u32, u32),
        size: (u32, u32),
        block: (u32, u32),
        mode: Mode,
        pay: &mut impl FnMut(usize) -> Result<usize, Broken>,
    ) -> Result<Grid, Broken> {
        let part = |n: u32, exponent: u32, low: u32, high: u32| {
            let edge = |n: u64| (n << exponent).clamp(u64::from(low), u64::from(high)) as u32;
            (edge(u64::from(n)), edge(u64::from(n) + 1))
        };
        let (x0, x1) = part(cell.0, size.0, band.x0, band.x1);
        let (y0, y1) = part(cell.1, size.1, band.y0, band.y1);
        if x0 >= x1 || y0 >= y1 {
            return Ok(Grid::default());
        }
        let span = |low: u32, high: u32, exponent: u32| {
            let first = low >> exponent;
            (first, ((high - 1) >> exponent) - first + 1)
        };
        let (column, width) = span(x0, x1, block.0);
        let (row, height) = span(y0, y1, block.1);
        let (count, nodes) = (
            u64::from(width) * u64::from(height),
            2 * packets::nodes(width, height),
        );
        let bytes = count.saturating_mul(2 * size_of::<Block>() as u64);
        let bytes = bytes.saturating_add(nodes.saturating_mul(2 * size_of::<Node>() as u64));
        pay(usize::try_from(bytes).map_err(|_| Broken::Memory)?)?;
        let grid = Grid {
            width,
            height,
            blocks: self.blocks.len() as u32,
            nodes: self.nodes.len() as u32,
            mode,
        };
        self.nodes.resize(self.nodes.len() + nodes as usize, 0);
        for j in 0..height {
            let (top, bottom) = part(row + j, block.1, y0, y1);
            for i in 0..width {
                let (left, right) = part(column + i, block.0, x0, x1);
                self.blocks.push(Block {
                    x: left - band.x0,
                    y: top - band.y0,
                    width: (right - left) as u16,
                    height: (bottom - top) as u16,
                    first: NONE,
                    last: NONE,
                    passes: 0,
                    empty: 0,
                    placeholders: 0,
                    length_bits: 0,
                });
            }
        }
        Ok(grid)
    }

    /// Brings the blocks of each sub-band into the order of their rows; no packet can be read afterwards.
    pub(super) fn sort(&mut self) {
        let resolutions = self.components.iter().flat_map(|c| &c.resolutions);
        for band in resolutions.flat_map(|r| &r.bands) {
            let blocks = self
                .blocks
                .get_mut(band.blocks.0 as usize..band.blocks.1 as usize);
            let blocks = blocks.unwrap_or_default();
            if !blocks.is_sorted_by_key(|b| (b.y, b.x)) {
                blocks.sort_by_key(|b| (b.y, b.x));
            }
        }
    }

    /// Reads all packets in the order of the tile (B.12).
    pub(super) fn read(
        &mut self,
        coding: &Coding,
        packets: &mut Packets<'_>,
    ) -> Result<(), Broken> {
        let all = Volume {
            order: coding.order,
            resolutions: (0, u8::MAX),
            components: (0, u16::MAX),
            layers: coding.layers,
        };
        if coding.volumes.is_empty() {
            self.read_volume(&all, packets)?;
        }
        for volume in &coding.volumes {
            let layers = volume.layers.min(coding.layers);
            self.read_volume(&Volume { layers, ..*volume }, packets)?;
        }
        let whole = |precinct: &Precinct| precinct.layers == u32::from(coding.layers);
        if self.precincts.iter().all(whole) {
            Ok(())
        } else {
            Err(Broken::Corrupt("packets that are missing"))
        }
    }

    fn read_volume(&mut self, volume: &Volume, packets: &mut Packets<'_>) -> Result<(), Broken> {
        let within = |precinct: &Precinct| {
            (volume.resolutions.0..volume.resolutions.1).contains(&precinct.resolution)
                && (volume.components.0..volume.components.1).contains(&precinct.component)
        };
        // By component, resolution and place already.
        let mut places: Vec<(usize, Precinct)> = (0..)
            .zip(self.precincts.iter().copied())
            .filter(|(_, precinct)| within(precinct))
            .collect();
        let order = volume.order;
        places.sort_by_key(|(_, p)| {
            let (component, resolution) = (u32::from(p.component), u32::from(p.resolution));
            match order {
                Order::LayerResolution | Order::ResolutionLayer => (resolution, component, 0, 0),
                Order::ResolutionPosition => (resolution, p.y, p.x, component),
                Order::PositionComponent => (p.y, p.x, component, resolution),
                Order::ComponentPosition => (component, p.y, p.x, resolution),
            }
        });
        let layers = u32::from(volume.layers);
        match order {
            Order::LayerResolution => {
                for layer in 0..layers {
                    for (place, _) in &places {
                        self.read_packet(*place, layer, packets)?;
                    }
                }
            }
            Order::ResolutionLayer => {
                for group in places.chunk_by(|(_, a), (_, b)| a.resolution == b.resolution) {
                    for layer in 0..layers {
                        for (place, _) in group {
                            self.read_packet(*place, layer, packets)?;
                        }
                    }
                }
            }
            _ => {
                for (place, _) in &places {
                    for layer in 0..layers {
                        self.read_packet(*place, layer, packets)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Reads a packet unless an earlier volume had it.
    fn read_packet(
        &mut self,
        place: usize,
        layer: u32,
        packets: &mut Packets<'_>,
    ) -> Result<(), Broken> {
        match self.precincts.get_mut(place) {
            Some(precinct) if precinct.layers == layer => precinct.layers += 1,
            _ => return Ok(()),
        }
        packets.read(self, place, layer)
    }
}

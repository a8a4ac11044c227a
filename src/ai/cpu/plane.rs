//! Pictures of many channels as the convolutions of this folder want them: sixteen channels of a pixel lie side by side,
//! and around each picture lies a border of zeros, so that a 3 × 3 window never leaves it.

use bytemuck::{Pod, Zeroable};

/// Channels that lie side by side.
pub const LANES: usize = 16;

/// Pixels behind the last picture: a kernel works on several pixels at once and reads past the end of a row.
const SLACK: usize = 32;

/// Sixteen channels of one pixel, or the weights to sixteen channels from one. A cache line.
#[repr(C, align(64))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
pub struct Block(pub [f32; LANES]);

/// Channels of a picture, `[channels / 16][rows + 2][columns + 2]` blocks. Channels that fill up the last block are zero.
#[derive(Clone, Debug, Default)]
pub struct Plane {
    blocks: Vec<Block>,
    channels: usize,
    rows: usize,
    columns: usize,
}

impl Plane {
    /// A picture whose pixels are still to be written: only its border is sure to be zero. Memory is taken from `from`.
    pub fn new(channels: usize, [rows, columns]: [usize; 2], from: Vec<Block>) -> Self {
        let mut plane = Self {
            blocks: from,
            channels,
            rows,
            columns,
        };
        let each = plane.each();
        plane
            .blocks
            .resize(plane.depth() * each + SLACK, Block::default());
        let (stride, depth) = (plane.stride(), plane.depth());
        for picture in plane.blocks.chunks_exact_mut(each.max(1)).take(depth) {
            for (index, row) in picture.chunks_exact_mut(stride).enumerate() {
                if index == 0 || index == rows + 1 {
                    row.fill(Block::default());
                } else if let [first, .., last] = row {
                    *first = Block::default();
                    *last = Block::default();
                }
            }
        }
        plane
    }

    /// A picture `[channels, rows, columns]`.
    pub fn from_values(values: &[f32], channels: usize, [rows, columns]: [usize; 2]) -> Self {
        let mut plane = Self::new(channels, [rows, columns], Vec::new());
        let (each, stride) = (plane.each(), plane.stride());
        plane.blocks.fill(Block::default());
        let pictures = values.chunks_exact((rows * columns).max(1));
        for (channel, picture) in pictures.take(channels).enumerate() {
            let start = channel / LANES * each + stride + 1;
            for (row, line) in picture.chunks_exact(columns).enumerate() {
                let from = start + row * stride;
                let Some(target) = plane.blocks.get_mut(from..from + columns) else {
                    continue;
                };
                for (block, value) in target.iter_mut().zip(line) {
                    block.0[channel % LANES] = *value;
                }
            }
        }
        plane
    }

    /// The picture `[channels, rows, columns]`.
    pub fn values(&self) -> Vec<f32> {
        let mut out = Vec::with_capacity(self.channels * self.rows * self.columns);
        for channel in 0..self.channels {
            for row in 0..self.rows {
                let line = self.row(channel / LANES, row + 1);
                let inner = line.iter().skip(1).take(self.columns);
                out.extend(inner.map(|block| block.0[channel % LANES]));
            }
        }
        out
    }

    /// Channels.
    pub const fn channels(&self) -> usize {
        self.channels
    }

    /// Blocks of channels.
    pub const fn depth(&self) -> usize {
        self.channels.div_ceil(LANES)
    }

    /// Rows and columns, without the border.
    pub const fn size(&self) -> [usize; 2] {
        [self.rows, self.columns]
    }

    /// Blocks from a row to the next.
    pub const fn stride(&self) -> usize {
        self.columns + 2
    }

    const fn each(&self) -> usize {
        (self.rows + 2) * (self.columns + 2)
    }

    /// A row of a block of channels, counted with the border, and what lies in memory behind it.
    pub fn row(&self, depth: usize, row: usize) -> &[Block] {
        let start = depth * self.each() + row * self.stride();
        self.blocks.get(start..).unwrap_or(&[])
    }

    /// Its memory, to be used again.
    pub fn into_blocks(self) -> Vec<Block> {
        self.blocks
    }

    /// Strips of at most `rows` rows, each with all blocks of channels: what different threads write. Rows have their
    /// border, whose blocks stay as they are.
    pub fn strips(&mut self, rows: usize) -> Vec<Strip<'_>> {
        let (each, stride, depth) = (self.each(), self.stride(), self.depth());
        let rows = rows.clamp(1, self.rows.max(1));
        let mut strips: Vec<Strip<'_>> = (0..self.rows.div_ceil(rows))
            .map(|index| Strip {
                first: index * rows,
                stride,
                planes: Vec::with_capacity(depth),
            })
            .collect();
        let inner = stride..stride * (self.rows + 1);
        for picture in self.blocks.chunks_exact_mut(each.max(1)).take(depth) {
            let Some(inner) = picture.get_mut(inner.clone()) else {
                continue;
            };
            for (strip, part) in strips.iter_mut().zip(inner.chunks_mut(rows * stride)) {
                strip.planes.push(part);
            }
        }
        strips
    }
}

/// Some rows of a picture that one thread writes.
#[derive(Debug)]
pub struct Strip<'a> {
    /// The first of its rows.
    pub first: usize,
    stride: usize,
    planes: Vec<&'a mut [Block]>,
}

impl<'a> Strip<'a> {
    /// How many rows it has.
    pub fn rows(&self) -> usize {
        self.planes
            .first()
            .map_or(0, |part| part.len() / self.stride.max(1))
    }

    /// Pixels of a row of the strip, without the border.
    pub fn row(&mut self, depth: usize, row: usize) -> &mut [Block] {
        let (start, end) = (row * self.stride + 1, (row + 1) * self.stride - 1);
        match self.planes.get_mut(depth) {
            Some(part) => part.get_mut(start..end).unwrap_or_default(),
            None => &mut [],
        }
    }

    /// Strips of some blocks of channels each: `size` blocks, and the rest.
    pub fn by_depth(self, size: usize) -> Vec<Self> {
        let mut out = Vec::new();
        let mut planes = self.planes.into_iter().peekable();
        while planes.peek().is_some() {
            out.push(Strip {
                first: self.first,
                stride: self.stride,
                planes: planes.by_ref().take(size.max(1)).collect(),
            });
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_and_the_border_is_zero() {
        let values: Vec<f32> = (0..19 * 3 * 5).map(|i| i as f32 + 1.0).collect();
        let plane = Plane::from_values(&values, 19, [3, 5]);
        assert_eq!(plane.values(), values);
        assert_eq!((plane.depth(), plane.stride()), (2, 7));
        for depth in 0..2 {
            for row in 0..5 {
                let line = &plane.row(depth, row)[..7];
                let border = row == 0 || row == 4;
                assert!(border == line[1..6].iter().all(|b| *b == Block::default()));
                assert_eq!((line[0], line[6]), (Block::default(), Block::default()));
            }
        }
        // The memory of a larger picture makes a smaller one whose border is zero again.
        let mut dirty = plane.into_blocks();
        dirty.fill(Block([7.0; LANES]));
        let next = Plane::new(16, [2, 2], dirty);
        assert_eq!(next.row(0, 0)[..4], [Block::default(); 4]);
        assert_eq!(next.row(0, 1)[0], Block::default());
        assert_eq!(next.row(0, 3)[..4], [Block::default(); 4]);
    }

    #[test]
    fn strips_cover_every_pixel_once() {
        let mut plane = Plane::new(40, [7, 4], Vec::new());
        let mut seen = Vec::new();
        for strip in plane.strips(3) {
            seen.push((strip.first, strip.rows()));
            for (part, mut strip) in strip.by_depth(2).into_iter().enumerate() {
                for row in 0..strip.rows() {
                    for depth in 0..2 {
                        for block in strip.row(depth, row) {
                            block.0[0] += 1.0 + part as f32;
                        }
                    }
                }
            }
        }
        assert_eq!(seen, [(0, 3), (3, 3), (6, 1)]);
        let values = plane.values();
        assert!(values[..28].iter().all(|v| *v == 1.0));
        assert!(values[32 * 28..33 * 28].iter().all(|v| *v == 2.0));
        assert_eq!(values.iter().sum::<f32>(), 28.0 * (1.0 + 1.0 + 2.0));
    }
}

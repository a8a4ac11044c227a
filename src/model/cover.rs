//! What an image's header lays over its pixels: overlay planes (PS3.3 C.9.2) and display shutters (C.7.6.11,
//! C.7.6.15).
//!
//! Descriptions are read with the header; bits only for the frame that is shown. A cover changes what is seen, never a
//! value: statistics and measurements do not know it.

use std::{ops::Range, sync::Arc};

/// Type of an overlay plane (60xx,0040).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OverlayKind {
    /// G: lines and text.
    Graphics,
    /// R: a region of interest.
    Region,
}

/// Where the bits of an overlay plane are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OverlayBits {
    /// Overlay Data (60xx,3000), one bit a pixel.
    Own {
        /// Offset of the first byte in the bytes that the structure counts in.
        offset: u64,
        /// Bytes.
        length: u64,
        /// Bytes lie swapped in pairs (OW in big endian).
        swapped_pairs: bool,
    },
    /// A bit of every pixel that its stored bits do not use (PS3.3-2004 C.9.2, retired).
    Embedded {
        /// Overlay Bit Position (60xx,0102).
        bit: u16,
    },
}

/// One overlay plane, as its header describes it. Its data were found to be there.
#[derive(Clone, Debug, PartialEq)]
pub struct OverlayPlane {
    /// Group, 0x6000 to 0x601E.
    pub group: u16,
    /// Overlay Rows (60xx,0010), at least 1.
    pub rows: usize,
    /// Overlay Columns (60xx,0011), at least 1.
    pub columns: usize,
    /// Row and column of the image's pixel (from 0, may be negative) under the first point of the plane.
    pub origin: [i64; 2],
    /// Frames of the image (from 0) that the plane's frames lie on; `None` for one plane over all frames.
    pub frames: Option<Range<usize>>,
    /// Graphics or region.
    pub kind: OverlayKind,
    /// Overlay Label (60xx,1500), empty when absent.
    pub label: String,
    /// Overlay Description (60xx,0022), empty when absent.
    pub description: String,
    /// Overlay Subtype (60xx,0045), empty when absent.
    pub subtype: String,
    /// Where its bits are.
    pub bits: OverlayBits,
}

impl OverlayPlane {
    /// The name to show: label, description, subtype or the group's number.
    pub fn name(&self) -> String {
        [&self.label, &self.description, &self.subtype]
            .into_iter()
            .find(|text| !text.is_empty())
            .cloned()
            .unwrap_or_else(|| format!("{:04X}", self.group))
    }

    /// Which of the plane's frames lies on a frame of the image; both from 0.
    pub fn frame_on(&self, image_frame: usize) -> Option<usize> {
        match &self.frames {
            None => Some(0),
            Some(range) => range
                .contains(&image_frame)
                .then(|| image_frame - range.start),
        }
    }
}

/// Shape of a shutter, in rows and columns counted from 1. What lies on an edge is seen.
#[derive(Clone, Debug, PartialEq)]
pub enum ShutterShape {
    /// Left, right column; upper, lower row.
    Rectangle {
        /// Shutter Left Vertical Edge (0018,1602).
        left: i32,
        /// Shutter Right Vertical Edge (0018,1604).
        right: i32,
        /// Shutter Upper Horizontal Edge (0018,1606).
        upper: i32,
        /// Shutter Lower Horizontal Edge (0018,1608).
        lower: i32,
    },
    /// Row, column of the middle, and the radius counted in columns.
    Circle {
        /// Center of Circular Shutter (0018,1610), row.
        row: i32,
        /// Column.
        column: i32,
        /// Radius of Circular Shutter (0018,1612), pixels along a row.
        radius: i32,
        /// Columns that are as long as one row: distances of rows count so many times.
        row_step: f64,
    },
    /// Vertices (row, column) of a polygon.
    Polygon(Arc<[[i32; 2]]>),
}

/// A display shutter: only what lies within all its shapes is seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Shutter {
    /// At most one of each kind; empty for a bitmap alone.
    pub shapes: Vec<ShutterShape>,
    /// Shutter Overlay Group (0018,1623): bits that are set hide.
    pub bitmap_group: Option<u16>,
    /// What hides, red, green and blue from 0 to 1.
    pub color: [f32; 3],
}

/// What the header of an image says of its display alone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DisplayModules {
    /// Overlay planes, by group.
    pub planes: Vec<OverlayPlane>,
    /// Display shutter of all frames.
    pub shutter: Option<Shutter>,
    /// Shutters of single frames (Frame Display Shutter, C.7.6.16.2.16); empty when frames have none of their own.
    pub frame_shutters: Vec<Option<Shutter>>,
    /// Presentation LUT Sequence (2050,0010).
    pub presentation_lut: Option<super::lut::LookupTable>,
}

impl DisplayModules {
    /// Whether anything lies over the pixels of some frame.
    pub const fn has_cover(&self) -> bool {
        self.has_shutter() || !self.planes.is_empty()
    }

    /// Whether a part of some frame is hidden.
    pub const fn has_shutter(&self) -> bool {
        self.shutter.is_some() || !self.frame_shutters.is_empty()
    }

    /// The shutter of a frame (from 0): its own, or that of all.
    pub fn shutter_on(&self, frame: usize) -> Option<&Shutter> {
        let own = self.frame_shutters.get(frame).and_then(Option::as_ref);
        own.or(self.shutter.as_ref())
    }

    /// The planes that are drawn as graphics: a bitmap shutter is not (PS3.3 C.7.6.15).
    pub fn graphics(&self) -> impl Iterator<Item = &OverlayPlane> {
        let hiding = self.shutter.as_ref().and_then(|s| s.bitmap_group);
        let drawn = move |plane: &&OverlayPlane| Some(plane.group) != hiding;
        self.planes.iter().filter(drawn)
    }

    /// Bytes that the cover of one frame takes at most.
    pub fn cover_bytes(&self, columns: usize, rows: usize) -> usize {
        let planes = self.planes.len() + usize::from(self.has_shutter());
        let bits = Bits::words_per_row(columns).saturating_mul(rows);
        bits.saturating_mul(4).saturating_mul(planes)
    }
}

/// One bit for every pixel of an image; rows begin at words, the lowest bit is the leftmost.
#[derive(Clone, PartialEq, Eq)]
pub struct Bits {
    columns: usize,
    rows: usize,
    words: Arc<[u32]>,
}

impl Bits {
    /// Words of a row.
    pub const fn words_per_row(columns: usize) -> usize {
        columns.div_ceil(32)
    }

    /// Bits from words; `None` when there are not as many as the size needs.
    pub fn new(columns: usize, rows: usize, words: Vec<u32>) -> Option<Self> {
        let needed = Self::words_per_row(columns).checked_mul(rows)?;
        (words.len() == needed).then(|| Self {
            columns,
            rows,
            words: words.into(),
        })
    }

    /// The words, row after row.
    pub fn words(&self) -> &[u32] {
        &self.words
    }

    /// Columns and rows.
    pub const fn size(&self) -> [usize; 2] {
        [self.columns, self.rows]
    }

    /// Whether a pixel's bit is set; not outside.
    pub fn get(&self, column: usize, row: usize) -> bool {
        if column >= self.columns || row >= self.rows {
            return false;
        }
        let word = row * Self::words_per_row(self.columns) + column / 32;
        let word = self.words.get(word).copied().unwrap_or_default();
        word >> (column % 32) & 1 == 1
    }

    /// Whether any bit is set.
    pub fn any(&self) -> bool {
        self.words.iter().any(|word| *word != 0)
    }
}

impl std::fmt::Debug for Bits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Bits({} x {})", self.columns, self.rows)
    }
}

/// A part of a cover: the pixels with a set bit take a colour.
#[derive(Clone, Debug, PartialEq)]
pub struct CoverLayer {
    /// Group of the overlay plane; `None` for the shutter.
    pub group: Option<u16>,
    /// Name of the plane, empty for the shutter.
    pub name: String,
    /// Red, green and blue from 0 to 1.
    pub color: [f32; 3],
    /// Which pixels.
    pub bits: Bits,
}

/// What lies over one frame; later layers lie over earlier ones. All layers are of the frame's size.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FrameCover {
    /// Shutter first, then overlay planes by group.
    pub layers: Vec<CoverLayer>,
}

/// Most layers of a cover: a shutter and sixteen overlay planes.
pub const MOST_LAYERS: usize = 17;

/// Which parts of a cover are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoverShown {
    /// Overlay planes.
    pub graphics: bool,
    /// Display shutter.
    pub shutter: bool,
}

impl CoverShown {
    /// Everything: what an image opens with.
    pub const ALL: Self = Self {
        graphics: true,
        shutter: true,
    };

    /// Whether a layer is drawn.
    pub const fn shows(self, layer: &CoverLayer) -> bool {
        match layer.group {
            Some(_) => self.graphics,
            None => self.shutter,
        }
    }
}

/// Colours of overlay planes by group, code values: eight hues that stay apart for colour-blind readers.
const GROUP_COLORS: [[u8; 3]; 8] = [
    [0xF0, 0xE4, 0x42],
    [0x56, 0xB4, 0xE9],
    [0xE6, 0x9F, 0x00],
    [0x00, 0x9E, 0x73],
    [0xCC, 0x79, 0xA7],
    [0xD5, 0x5E, 0x00],
    [0x8F, 0xD1, 0xC2],
    [0xE6, 0xE9, 0xEE],
];

/// Colour of an overlay plane, red, green and blue from 0 to 1. How a plane is drawn is not defined (PS3.3 C.9.2).
pub fn group_color(group: u16) -> [f32; 3] {
    let at = usize::from(group.saturating_sub(0x6000) / 2) % GROUP_COLORS.len();
    let code = GROUP_COLORS.get(at).copied().unwrap_or_default();
    code.map(|v| f32::from(v) / 255.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_found_by_column_and_row() {
        let bits = Bits::new(33, 2, vec![1 << 31, 1, 2, 0]).unwrap();
        let set: Vec<(usize, usize)> = (0..2)
            .flat_map(|row| (0..40).map(move |column| (column, row)))
            .filter(|&(column, row)| bits.get(column, row))
            .collect();
        assert_eq!(set, [(31, 0), (32, 0), (1, 1)]);
        assert!(bits.any() && !bits.get(0, 9));
        assert!(Bits::new(33, 2, vec![0; 3]).is_none());
    }

    #[test]
    fn planes_lie_on_their_frames() {
        let mut plane = OverlayPlane {
            group: 0x6002,
            rows: 1,
            columns: 1,
            origin: [0, 0],
            frames: None,
            kind: OverlayKind::Graphics,
            label: String::new(),
            description: String::new(),
            subtype: String::new(),
            bits: OverlayBits::Embedded { bit: 12 },
        };
        assert_eq!((plane.frame_on(0), plane.frame_on(9)), (Some(0), Some(0)));
        plane.frames = Some(2..4);
        let on: Vec<_> = (0..5).map(|k| plane.frame_on(k)).collect();
        assert_eq!(on, [None, None, Some(0), Some(1), None]);
        assert_eq!(plane.name(), "6002");
        plane.description = "Marks".into();
        assert_eq!(plane.name(), "Marks");
    }
}

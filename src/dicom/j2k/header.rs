//! Marker segments (T.800 annex A, T.814 annex A): what the main header and those of tile-parts say.

use super::{Beginning, Broken, block::Mode};

/// Most tiles that a codestream can number.
const MOST_TILES: u64 = 65_535;
/// Most changes of the progression order in a tile; each costs a walk over its precincts.
const MOST_VOLUMES: usize = 64;
/// Most decomposition levels.
pub(super) const MOST_LEVELS: usize = 32;

const SIZ: u16 = 0xFF51;
const COD: u16 = 0xFF52;
const COC: u16 = 0xFF53;
const QCD: u16 = 0xFF5C;
const QCC: u16 = 0xFF5D;
const RGN: u16 = 0xFF5E;
const POC: u16 = 0xFF5F;
const PPM: u16 = 0xFF60;
const PPT: u16 = 0xFF61;
const SOT: u16 = 0xFF90;
const SOD: u16 = 0xFF93;
const EOC: u16 = 0xFFD9;

fn corrupt(what: &'static str) -> Broken {
    Broken::Corrupt(what)
}

fn short() -> Broken {
    Broken::Corrupt("a marker segment that is too short")
}

/// Reads big-endian numbers one after the other.
#[derive(Clone, Copy, Debug)]
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Broken> {
        let (first, rest) = self.0.split_first_chunk().ok_or_else(short)?;
        self.0 = rest;
        Ok(*first)
    }

    fn byte(&mut self) -> Result<u8, Broken> {
        Ok(u8::from_be_bytes(self.take()?))
    }

    fn word(&mut self) -> Result<u16, Broken> {
        Ok(u16::from_be_bytes(self.take()?))
    }

    fn long(&mut self) -> Result<u32, Broken> {
        Ok(u32::from_be_bytes(self.take()?))
    }

    /// Number of a component: one byte where there are at most 256 of them.
    fn component(&mut self, components: usize) -> Result<usize, Broken> {
        let index = if components <= 256 {
            usize::from(self.byte()?)
        } else {
            usize::from(self.word()?)
        };
        if index < components {
            Ok(index)
        } else {
            Err(corrupt("a component that is none"))
        }
    }
}

/// Image and tile size (A.5.1), on the reference grid; the components have all its points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) x0: u32,
    pub(super) y0: u32,
    pub(super) x1: u32,
    pub(super) y1: u32,
    pub(super) tile_width: u32,
    pub(super) tile_height: u32,
    pub(super) tile_x0: u32,
    pub(super) tile_y0: u32,
    pub(super) components: u16,
    /// Bits of a sample, the same for all components.
    pub(super) precision: u8,
    pub(super) signed: bool,
}

impl Size {
    fn read(body: &[u8]) -> Result<Self, Broken> {
        let mut fields = Fields(body);
        fields.word()?;
        let mut size = Self {
            x1: fields.long()?,
            y1: fields.long()?,
            x0: fields.long()?,
            y0: fields.long()?,
            tile_width: fields.long()?,
            tile_height: fields.long()?,
            tile_x0: fields.long()?,
            tile_y0: fields.long()?,
            components: fields.word()?,
            precision: 0,
            signed: false,
        };
        let empty = size.x1 <= size.x0 || size.y1 <= size.y0 || size.components == 0;
        let tiles = size.tile_width == 0
            || size.tile_height == 0
            || size.tile_x0 > size.x0
            || size.tile_y0 > size.y0
            || u64::from(size.tile_x0) + u64::from(size.tile_width) <= u64::from(size.x0)
            || u64::from(size.tile_y0) + u64::from(size.tile_height) <= u64::from(size.y0);
        if empty || tiles {
            return Err(corrupt("an impossible size"));
        }
        let (details, _) = fields.0.as_chunks::<3>();
        let details = details
            .get(..usize::from(size.components))
            .ok_or_else(short)?;
        let first = details.first().map_or(0, |d| d[0]);
        if details.iter().any(|d| *d != [first, 1, 1]) {
            return Err(Broken::Components);
        }
        size.precision = (first & 0x7F) + 1;
        size.signed = first & 0x80 != 0;
        if size.precision > 38 {
            return Err(corrupt("an impossible precision"));
        }
        if size.tiles() > MOST_TILES {
            return Err(Broken::Tiles);
        }
        Ok(size)
    }

    pub(super) const fn columns(&self) -> u32 {
        self.x1 - self.x0
    }

    pub(super) const fn rows(&self) -> u32 {
        self.y1 - self.y0
    }

    const fn tile_columns(&self) -> u32 {
        (self.x1 - self.tile_x0).div_ceil(self.tile_width)
    }

    const fn tile_rows(&self) -> u32 {
        (self.y1 - self.tile_y0).div_ceil(self.tile_height)
    }

    pub(super) const fn tiles(&self) -> u64 {
        self.tile_columns() as u64 * self.tile_rows() as u64
    }

    /// Place of a tile on the reference grid (B.3).
    pub(super) fn tile(&self, index: u32) -> Area {
        let (column, row) = (index % self.tile_columns(), index / self.tile_columns());
        let edge = |origin: u32, step: u32, n: u32, low: u32, high: u32| {
            let at = u64::from(origin) + u64::from(step) * u64::from(n);
            at.clamp(u64::from(low), u64::from(high)) as u32
        };
        let x = |n| edge(self.tile_x0, self.tile_width, n, self.x0, self.x1);
        let y = |n| edge(self.tile_y0, self.tile_height, n, self.y0, self.y1);
        Area {
            x0: x(column),
            y0: y(row),
            x1: x(column + 1),
            y1: y(row + 1),
        }
    }
}

/// A rectangle; the far edges are not part of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) x0: u32,
    pub(super) y0: u32,
    pub(super) x1: u32,
    pub(super) y1: u32,
}

impl Area {
    pub(super) const fn width(&self) -> usize {
        self.x1.saturating_sub(self.x0) as usize
    }

    pub(super) const fn height(&self) -> usize {
        self.y1.saturating_sub(self.y0) as usize
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.width() == 0 || self.height() == 0
    }
}

/// Order of the packets (table A.16).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Order {
    #[default]
    LayerResolution,
    ResolutionLayer,
    ResolutionPosition,
    PositionComponent,
    ComponentPosition,
}

impl Order {
    fn read(byte: u8) -> Result<Self, Broken> {
        Ok(match byte {
            0 => Self::LayerResolution,
            1 => Self::ResolutionLayer,
            2 => Self::ResolutionPosition,
            3 => Self::PositionComponent,
            4 => Self::ComponentPosition,
            _ => return Err(corrupt("a progression order that is none")),
        })
    }
}

/// How a component of a tile is coded (A.6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Style {
    pub(super) levels: u8,
    /// Exponents of the code block's size.
    pub(super) block_width: u8,
    pub(super) block_height: u8,
    pub(super) mode: Mode,
    pub(super) reversible: bool,
    /// Exponents of the precinct's size for each resolution, height in the upper half.
    pub(super) precincts: [u8; MOST_LEVELS + 1],
}

impl Style {
    fn read(fields: &mut Fields<'_>, precincts: bool) -> Result<Self, Broken> {
        let [levels, width, height, mode, wavelet] = fields.take()?;
        // Exponents are offset by 2, at most 10 each and 12 together (table A.18).
        let blocks = width <= 8 && height <= 8 && width + height <= 8;
        if usize::from(levels) > MOST_LEVELS || !blocks || wavelet > 1 {
            return Err(corrupt("an impossible coding style"));
        }
        if mode & 0x80 != 0 {
            return Err(Broken::Unsupported(
                "JPEG 2000 that mixes both kinds of code blocks",
            ));
        }
        let mut style = Self {
            levels,
            block_width: width + 2,
            block_height: height + 2,
            mode: Mode(mode),
            reversible: wavelet == 1,
            precincts: [0xFF; MOST_LEVELS + 1],
        };
        if precincts {
            let all = style.precincts.iter_mut().take(usize::from(levels) + 1);
            for (resolution, size) in all.enumerate() {
                *size = fields.byte()?;
                if resolution > 0 && (*size & 0xF == 0 || *size >> 4 == 0) {
                    return Err(corrupt("a precinct without size"));
                }
            }
        }
        Ok(style)
    }
}

/// Quantisation of a component of a tile (A.6.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Steps {
    /// Bits that the magnitudes may grow by.
    pub(super) guard: u8,
    /// One step is given, from which the others follow.
    derived: bool,
    /// Exponent and mantissa of each sub-band.
    steps: Vec<(u8, u16)>,
}

impl Steps {
    fn read(fields: &mut Fields<'_>) -> Result<Self, Broken> {
        let style = fields.byte()?;
        let wide = |bytes: &[u8; 2]| {
            let word = u16::from_be_bytes(*bytes);
            ((word >> 11) as u8, word & 0x7FF)
        };
        let mut steps: Vec<(u8, u16)> = match style & 0x1F {
            0 => fields.0.iter().map(|byte| (byte >> 3, 0)).collect(),
            1 | 2 => fields.0.as_chunks::<2>().0.iter().map(wide).collect(),
            _ => return Err(corrupt("an unknown quantisation")),
        };
        let derived = style & 0x1F == 1;
        steps.truncate(if derived { 1 } else { 3 * MOST_LEVELS + 1 });
        if steps.is_empty() {
            return Err(short());
        }
        Ok(Self {
            guard: style >> 5,
            derived,
            steps,
        })
    }

    /// Exponent and mantissa of a sub-band: of `resolution`, and there the n-th from the lowest frequency on.
    pub(super) fn step(&self, resolution: u8, band: usize) -> Option<(u8, u16)> {
        if self.derived {
            // Equation E-5: the exponent falls with each level above the lowest.
            let (exponent, mantissa) = *self.steps.first()?;
            let exponent = exponent.checked_sub(resolution.saturating_sub(1))?;
            return Some((exponent, mantissa));
        }
        let index = match resolution {
            0 => 0,
            r => 3 * (usize::from(r) - 1) + 1 + band,
        };
        self.steps.get(index).copied()
    }
}

/// A component as a header describes it; what was said of this component alone counts more than defaults.
#[derive(Clone, Debug, Default)]
pub(super) struct Component {
    pub(super) style: Option<Style>,
    own_style: bool,
    pub(super) steps: Option<Steps>,
    own_steps: bool,
    /// Planes that a region of interest is raised by.
    pub(super) raised: u8,
}

/// Part of the packets, in an order (A.6.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Volume {
    pub(super) order: Order,
    pub(super) resolutions: (u8, u8),
    pub(super) components: (u16, u16),
    pub(super) layers: u16,
}

/// All that the headers say of how tiles are coded.
#[derive(Clone, Debug, Default)]
pub(super) struct Coding {
    pub(super) order: Order,
    pub(super) layers: u16,
    /// The first three components are transformed (RCT or ICT).
    pub(super) colour_transform: bool,
    /// Packets may begin with a marker.
    pub(super) starts: bool,
    /// Headers of packets end with a marker.
    pub(super) ends: bool,
    pub(super) components: Vec<Component>,
    pub(super) volumes: Vec<Volume>,
}

impl Coding {
    /// Takes a marker segment in; `false` for one that is not about coding.
    fn read(&mut self, marker: u16, body: &[u8]) -> Result<bool, Broken> {
        let mut fields = Fields(body);
        let count = self.components.len();
        match marker {
            COD => {
                let style = fields.byte()?;
                self.order = Order::read(fields.byte()?)?;
                self.layers = fields.word()?;
                let transform = fields.byte()?;
                if self.layers == 0 || transform > 1 {
                    return Err(corrupt("an impossible coding style"));
                }
                self.colour_transform = transform == 1;
                self.starts = style & 2 != 0;
                self.ends = style & 4 != 0;
                let style = Style::read(&mut fields, style & 1 != 0)?;
                for component in self.components.iter_mut().filter(|c| !c.own_style) {
                    component.style = Some(style);
                }
            }
            COC => {
                let index = fields.component(count)?;
                let precincts = fields.byte()? & 1 != 0;
                let style = Style::read(&mut fields, precincts)?;
                if let Some(component) = self.components.get_mut(index) {
                    (component.style, component.own_style) = (Some(style), true);
                }
            }
            QCD => {
                let steps = Steps::read(&mut fields)?;
                for component in self.components.iter_mut().filter(|c| !c.own_steps) {
                    component.steps = Some(steps.clone());
                }
            }
            QCC => {
                let index = fields.component(count)?;
                let steps = Steps::read(&mut fields)?;
                if let Some(component) = self.components.get_mut(index) {
                    (component.steps, component.own_steps) = (Some(steps), true);
                }
            }
            RGN => {
                let index = fields.component(count)?;
                let [style, raised] = fields.take()?;
                if style != 0 {
                    return Err(corrupt("an unknown region of interest"));
                }
                if let Some(component) = self.components.get_mut(index) {
                    component.raised = raised;
                }
            }
            POC => {
                while !fields.0.is_empty() {
                    let wide = count > 256;
                    let component = |fields: &mut Fields<'_>| {
                        if wide {
                            fields.word()
                        } else {
                            fields.byte().map(u16::from)
                        }
                    };
                    let first = fields.byte()?;
                    let from = component(&mut fields)?;
                    let layers = fields.word()?;
                    let last = fields.byte()?;
                    let to = component(&mut fields)?;
                    // In one byte, 256 is written as 0.
                    let to = if !wide && to == 0 { 256 } else { to };
                    let order = Order::read(fields.byte()?)?;
                    if self.volumes.len() >= MOST_VOLUMES {
                        return Err(corrupt("too many changes of the progression order"));
                    }
                    self.volumes.push(Volume {
                        order,
                        resolutions: (first, last),
                        components: (from, to),
                        layers,
                    });
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// One tile-part (A.4.2).
#[derive(Clone, Copy, Debug)]
struct Part<'a> {
    tile: u32,
    /// Marker segments between its own and the data.
    header: &'a [u8],
    data: &'a [u8],
}

/// A codestream whose main header was read and whose tile-parts were followed to its end.
#[derive(Clone, Debug)]
pub(super) struct Codestream<'a> {
    pub(super) size: Size,
    coding: Coding,
    parts: Vec<Part<'a>>,
    /// For each tile-part, the packet headers that the main header has for it.
    packed: Option<Vec<Vec<u8>>>,
    /// For each tile, the places of its parts in `parts`.
    tiles: Vec<Vec<u32>>,
}

/// A tile before its packets are read.
#[derive(Debug)]
pub(super) struct Tile<'a> {
    pub(super) coding: Coding,
    /// Packets, or their bodies alone.
    pub(super) data: std::borrow::Cow<'a, [u8]>,
    /// Packet headers where they are kept apart (A.7.4, A.7.5).
    pub(super) headers: Option<Vec<u8>>,
}

/// Splits off the next marker segment: its marker, its body, and what follows.
fn segment(bytes: &[u8]) -> Result<(u16, &[u8], &[u8]), Broken> {
    let (head, rest) = bytes
        .split_first_chunk::<4>()
        .ok_or(Broken::Corrupt("a header that ends early"))?;
    let marker = u16::from_be_bytes([head[0], head[1]]);
    let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
    if !(0xFF01..=0xFFFE).contains(&marker) {
        return Err(corrupt("no marker where one must be"));
    }
    let (body, rest) = length
        .checked_sub(2)
        .and_then(|length| rest.split_at_checked(length))
        .ok_or(Broken::Corrupt("a marker segment past the end"))?;
    Ok((marker, body, rest))
}

/// Reads the beginning of a main header, as far as it goes.
pub(super) fn beginning(bytes: &[u8]) -> Beginning {
    let mut found = Beginning::default();
    let mut rest = bytes.strip_prefix(&[0xFF, 0x4F]).unwrap_or_default();
    while let Ok((marker, body, after)) = segment(rest) {
        match marker {
            SIZ => found.signed = body.get(36).map(|depth| depth & 0x80 != 0),
            COD => found.irreversible = body.get(9).map(|wavelet| *wavelet == 0),
            SOT => break,
            _ => {}
        }
        rest = after;
    }
    found
}

/// Reads the main header and gives what follows; `other` sees the segments that are not about coding.
fn read_main<'a>(
    bytes: &'a [u8],
    mut other: impl FnMut(u16, &'a [u8]) -> Result<(), Broken>,
) -> Result<(Size, Coding, &'a [u8]), Broken> {
    let rest = bytes
        .strip_prefix(&[0xFF, 0x4F])
        .ok_or(Broken::Corrupt("it does not begin with its size"))?;
    let (marker, body, mut rest) = segment(rest)?;
    if marker != SIZ {
        return Err(corrupt("it does not begin with its size"));
    }
    let size = Size::read(body)?;
    let mut coding = Coding {
        components: vec![Component::default(); usize::from(size.components)],
        ..Coding::default()
    };
    while !rest.starts_with(&SOT.to_be_bytes()) {
        let (marker, body, after) = segment(rest)?;
        rest = after;
        match marker {
            SIZ | SOD | EOC | PPT | 0xFF30..=0xFF3F => {
                return Err(corrupt("a marker out of place"));
            }
            _ if coding.read(marker, body)? => {}
            _ => other(marker, body)?,
        }
    }
    if coding.layers == 0 {
        return Err(corrupt("no coding style"));
    }
    if coding.components.iter().any(|c| c.steps.is_none()) {
        return Err(corrupt("no quantisation"));
    }
    Ok((size, coding, rest))
}

impl<'a> Codestream<'a> {
    /// Reads all headers but those of packets.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, Broken> {
        let mut packed: Vec<(u8, &[u8])> = Vec::new();
        let (size, coding, rest) = read_main(bytes, |marker, body| {
            if marker == PPM {
                let (index, rest) = body.split_first().ok_or_else(short)?;
                packed.push((*index, rest));
            }
            Ok(())
        })?;
        let parts = parts(rest, size.tiles())?;
        let packed = if packed.is_empty() {
            None
        } else {
            Some(split_packed(packed, parts.len())?)
        };
        let mut tiles = vec![Vec::new(); usize::try_from(size.tiles()).unwrap_or(0)];
        for (place, part) in (0..).zip(&parts) {
            if let Some(tile) = tiles.get_mut(part.tile as usize) {
                tile.push(place);
            }
        }
        let missing = tiles.iter().filter(|parts| parts.is_empty()).count();
        if missing > 0 {
            return Err(Broken::Missing(missing, tiles.len()));
        }
        Ok(Self {
            size,
            coding,
            parts,
            packed,
            tiles,
        })
    }

    /// The main header's word on how the picture is coded.
    pub(super) const fn coding(&self) -> &Coding {
        &self.coding
    }

    /// A tile by its number.
    pub(super) fn tile(&self, index: u32) -> Result<Tile<'a>, Broken> {
        let places = self
            .tiles
            .get(index as usize)
            .map_or(&[][..], Vec::as_slice);
        let mut coding = self.coding.clone();
        for component in &mut coding.components {
            (component.own_style, component.own_steps) = (false, false);
        }
        let mut data = std::borrow::Cow::Borrowed(&[][..]);
        let mut headers = self.packed.as_ref().map(|_| Vec::new());
        let mut first = true;
        let mut volumes_are_own = false;
        for &place in places {
            let Some(part) = self.parts.get(place as usize) else {
                continue;
            };
            let mut packed: Vec<(u8, &[u8])> = Vec::new();
            let mut rest = part.header;
            while !rest.is_empty() {
                let (marker, body, after) = segment(rest)?;
                rest = after;
                match marker {
                    COD | COC | QCD | QCC | RGN if !first => {
                        return Err(corrupt("a marker out of place"));
                    }
                    SIZ | SOT | EOC | PPM => return Err(corrupt("a marker out of place")),
                    PPT => {
                        let (index, rest) = body.split_first().ok_or_else(short)?;
                        packed.push((*index, rest));
                    }
                    POC if !volumes_are_own => {
                        coding.volumes.clear();
                        volumes_are_own = true;
                        coding.read(marker, body)?;
                    }
                    _ => {
                        coding.read(marker, body)?;
                    }
                }
            }
            if let Some(all) = &self.packed {
                if !packed.is_empty() {
                    return Err(corrupt("packet headers in two places"));
                }
                if let (Some(own), Some(headers)) = (all.get(place as usize), &mut headers) {
                    headers.extend_from_slice(own);
                }
            } else if !packed.is_empty() {
                packed.sort_by_key(|(index, _)| *index);
                let headers = headers.get_or_insert_default();
                for (_, bytes) in packed {
                    headers.extend_from_slice(bytes);
                }
            }
            if first {
                data = std::borrow::Cow::Borrowed(part.data);
            } else {
                data.to_mut().extend_from_slice(part.data);
            }
            first = false;
        }
        Ok(Tile {
            coding,
            data,
            headers,
        })
    }
}

/// Follows the chain of tile-parts to the end of codestream.
fn parts(mut rest: &[u8], tiles: u64) -> Result<Vec<Part<'_>>, Broken> {
    let mut parts: Vec<Part<'_>> = Vec::new();
    let mut counts = vec![0u8; usize::try_from(tiles).unwrap_or(0)];
    loop {
        if rest.starts_with(&EOC.to_be_bytes()) {
            return Ok(parts);
        }
        let whole = rest;
        let Some((head, _)) = rest.split_first_chunk::<12>() else {
            return Err(Broken::Cut);
        };
        let mut fields = Fields(head);
        if fields.word()? != SOT {
            return Err(Broken::Cut);
        }
        if fields.word()? != 10 {
            return Err(corrupt("a tile-part header of another length"));
        }
        let tile = u32::from(fields.word()?);
        let length = fields.long()? as usize;
        let number = fields.byte()?;
        let count = counts
            .get_mut(tile as usize)
            .ok_or(Broken::Corrupt("a tile that is not part of the picture"))?;
        if number != *count {
            return Err(corrupt("tile-parts out of order"));
        }
        *count = count
            .checked_add(1)
            .ok_or(Broken::Corrupt("tile-parts out of order"))?;
        let part = if length == 0 {
            // The last tile-part runs to the end of codestream, behind which padding may follow.
            let used = whole.iter().rposition(|b| *b != 0).map_or(0, |i| i + 1);
            let body = whole
                .get(..used)
                .and_then(|w| w.strip_suffix(&EOC.to_be_bytes()));
            rest = &[0xFF, 0xD9];
            body.ok_or(Broken::Cut)?
        } else if length < 14 {
            return Err(corrupt("a tile-part that is too short"));
        } else {
            let (part, after) = whole.split_at_checked(length).ok_or(Broken::Cut)?;
            rest = after;
            part
        };
        let body = part.get(12..).unwrap_or_default();
        let mut after = body;
        while !after.starts_with(&SOD.to_be_bytes()) {
            (_, _, after) = segment(after)?;
        }
        parts.push(Part {
            tile,
            header: body.get(..body.len() - after.len()).unwrap_or_default(),
            data: after.get(2..).unwrap_or_default(),
        });
    }
}

/// Packed packet headers of the main header (A.7.4): for each tile-part a length and so many bytes.
fn split_packed(mut packed: Vec<(u8, &[u8])>, parts: usize) -> Result<Vec<Vec<u8>>, Broken> {
    packed.sort_by_key(|(index, _)| *index);
    let all: Vec<u8> = packed
        .iter()
        .flat_map(|(_, bytes)| *bytes)
        .copied()
        .collect();
    let mut fields = Fields(&all);
    let mut out = Vec::new();
    for _ in 0..parts {
        let length = fields.long()? as usize;
        let (own, rest) = fields.0.split_at_checked(length).ok_or_else(short)?;
        fields.0 = rest;
        out.push(own.to_vec());
    }
    Ok(out)
}

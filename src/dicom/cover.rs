//! Overlay planes (PS3.3 C.9.2, C.9.3), display shutters (C.7.6.11, C.7.6.15) and the presentation LUT (C.11.6) of an
//! image: described with the header, their bits read for one frame at a time.
//!
//! Must stay true: a plane that is described can be drawn, and its data are all there; one that is not is counted in a
//! finding and the picture stays. Reading a frame's cover touches the bytes of that frame and of the rows that lie on
//! the image, in pieces of at most [`PIECE_BYTES`], and keeps one bit a pixel.
//! Not here: what hides and what lies on top is painted in `imaging::cover` and `render::cover`.

use super::{
    colour::rgb_from_lab,
    elements::{DataSet, Numbers, first_item, integer, items, numbers, text, texts},
    guard::{Fault, PixelPlace, Structure},
    lookup::lut_item,
    native::{NativeShape, swap_pairs},
    syntax::Packing,
};
use crate::{
    imaging::cover::shutter_bits,
    model::{
        cover::{
            Bits, CoverLayer, DisplayModules, FrameCover, OverlayBits, OverlayKind, OverlayPlane,
            Shutter, ShutterShape, group_color,
        },
        finding::{Finding, Severity},
        study::{ImageDescription, RejectionKind},
    },
};
use dicom_dictionary_std::tags;
use dicom_object::Tag;

/// Bytes that are read at once.
const PIECE_BYTES: u64 = 1 << 20;

/// Bytes that the cover of one frame may take.
const MOST_COVER_BYTES: usize = 64 << 20;

/// Vertices of a polygon that are followed.
const MOST_VERTICES: usize = 1024;

/// Coordinates of shutters stay below this, so that products of them are exact.
const FARTHEST: f64 = (1 << 20) as f64;

const ROWS: u16 = 0x0010;
const COLUMNS: u16 = 0x0011;
const FRAMES: u16 = 0x0015;
const DESCRIPTION: u16 = 0x0022;
const TYPE: u16 = 0x0040;
const SUBTYPE: u16 = 0x0045;
const ORIGIN: u16 = 0x0050;
const FRAME_ORIGIN: u16 = 0x0051;
const BITS_ALLOCATED: u16 = 0x0100;
const BIT_POSITION: u16 = 0x0102;
const LABEL: u16 = 0x1500;
const DATA: u16 = 0x3000;

/// Whether a tag describes an overlay plane and is read with the header.
pub(super) const fn is_overlay_text(tag: Tag) -> bool {
    is_overlay_group(tag.0)
        && matches!(
            tag.1,
            ROWS | COLUMNS
                | FRAMES
                | DESCRIPTION
                | TYPE
                | SUBTYPE
                | ORIGIN
                | FRAME_ORIGIN
                | BITS_ALLOCATED
                | BIT_POSITION
                | LABEL
        )
}

/// Groups 60xx that the standard has (PS3.5 section 7.6).
const fn is_overlay_group(group: u16) -> bool {
    group >= 0x6000 && group <= 0x601E && group.is_multiple_of(2)
}

/// Describes what lies over the image and what its grey values go through last. `said` gives text that people wrote.
pub(super) fn display_modules(
    structure: &Structure,
    data_set: &DataSet,
    image: &ImageDescription,
    said: &mut dyn FnMut(Tag) -> String,
    findings: &mut Vec<Finding>,
) -> DisplayModules {
    let planes = planes(structure, data_set, image, said, findings);
    // Enhanced objects have the same attributes in functional groups.
    let group = |set| first_item(set, tags::FRAME_DISPLAY_SHUTTER_SEQUENCE);
    let common = first_item(data_set, tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE).and_then(group);
    let frames = items(data_set, tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE);
    let mut frame_shutters = Vec::new();
    if frames.iter().any(|set| group(set).is_some()) {
        let own = |set| shutter(group(set)?, image, &planes, findings);
        frame_shutters = frames.iter().take(image.frames).map(own).collect();
    }
    DisplayModules {
        shutter: shutter(common.unwrap_or(data_set), image, &planes, findings),
        frame_shutters,
        presentation_lut: presentation_lut(data_set, image, findings),
        planes,
    }
}

fn planes(
    structure: &Structure,
    data_set: &DataSet,
    image: &ImageDescription,
    said: &mut dyn FnMut(Tag) -> String,
    findings: &mut Vec<Finding>,
) -> Vec<OverlayPlane> {
    // Overlay Rows are there for planes of their own and for those in unused bits of the pixels.
    let tells = |tag: &Tag| {
        (0x6000..=0x60FE).contains(&tag.0)
            && tag.0.is_multiple_of(2)
            && matches!(tag.1, ROWS | DATA)
    };
    let mut groups: Vec<u16> = structure
        .elements
        .iter()
        .map(|e| e.tag)
        .filter(tells)
        .map(|t| t.0)
        .collect();
    groups.sort_unstable();
    groups.dedup();
    let (mut planes, mut dropped, mut clipped) = (Vec::new(), 0, 0);
    for group in groups {
        let mut made = plane(structure, data_set, image, group);
        match &mut made {
            Some(plane) => {
                plane.label = said(Tag(group, LABEL));
                plane.description = said(Tag(group, DESCRIPTION));
            }
            None => dropped += 1,
        }
        clipped += usize::from(
            made.as_ref()
                .is_some_and(|plane| !lies_within(plane, image)),
        );
        planes.extend(made);
    }
    if dropped > 0 {
        let text = format!("{dropped} overlay planes are damaged or empty and not drawn");
        let finding = Finding::new("OVERLAY_NOT_DRAWN", Severity::Warning, text);
        findings.push(finding.with("planes", f64::from(dropped)));
    }
    if clipped > 0 {
        let text =
            format!("{clipped} overlay planes reach beyond the image and are cut at its border");
        let finding = Finding::new("OVERLAY_CLIPPED", Severity::Warning, text);
        findings.push(finding.with("planes", clipped as f64));
    }
    planes
}

/// The part of a plane that lies on the image, along one axis: from which to which of its points.
fn overlap(origin: i64, points: usize, pixels: usize) -> std::ops::Range<i64> {
    (-origin).max(0)..(points as i64).min(pixels as i64 - origin)
}

fn lies_within(plane: &OverlayPlane, image: &ImageDescription) -> bool {
    let whole =
        |origin, points: usize, pixels| overlap(origin, points, pixels) == (0..points as i64);
    let [row, column] = plane.origin;
    whole(row, plane.rows, image.rows) && whole(column, plane.columns, image.columns)
}

/// One plane, when it can be drawn.
fn plane(
    structure: &Structure,
    data_set: &DataSet,
    image: &ImageDescription,
    group: u16,
) -> Option<OverlayPlane> {
    if !is_overlay_group(group) {
        return None;
    }
    let whole = |element, missing: i64| match integer(data_set, Tag(group, element)) {
        Ok(value) => Some(value.unwrap_or(missing)),
        Err(()) => None,
    };
    let side = |element| whole(element, 0).filter(|n| (1..=65_535).contains(n));
    let (rows, columns) = (side(ROWS)? as usize, side(COLUMNS)? as usize);
    let origin = match numbers(data_set, Tag(group, ORIGIN)) {
        Numbers::Absent => [0, 0],
        Numbers::Bad => return None,
        Numbers::Values(values) => {
            let &[row, column] = values.as_slice() else {
                return None;
            };
            // Counted from 1.
            [row as i64 - 1, column as i64 - 1]
        }
    };
    let frames = frames(data_set, image, group)?;
    let count = frames.as_ref().map_or(1, |f| f.declared);
    let bits = match structure.element(Tag(group, DATA)) {
        Some(data) if data.end > data.value => {
            let length = data.end - data.value;
            let needed = (rows as u64 * columns as u64)
                .checked_mul(count as u64)?
                .div_ceil(8);
            (length >= needed).then_some(OverlayBits::Own {
                offset: data.value,
                length,
                swapped_pairs: structure.encoding.big_endian && &data.vr == b"OW",
            })?
        }
        _ => embedded(structure, image, [rows, columns], whole(BIT_POSITION, 0)?)?,
    };
    let plane = OverlayPlane {
        group,
        rows,
        columns,
        origin,
        frames: frames.map(|f| f.on_image),
        kind: match text(data_set, Tag(group, TYPE)).as_str() {
            "R" => OverlayKind::Region,
            _ => OverlayKind::Graphics,
        },
        label: String::new(),
        description: String::new(),
        subtype: text(data_set, Tag(group, SUBTYPE)),
        bits,
    };
    let [row, column] = origin;
    let somewhere = !overlap(row, rows, image.rows).is_empty()
        && !overlap(column, columns, image.columns).is_empty();
    somewhere.then_some(plane)
}

/// Frames of a multi-frame overlay.
struct OverlayFrames {
    /// Number of Frames in Overlay: what the data must hold.
    declared: usize,
    on_image: std::ops::Range<usize>,
}

/// Which frames an overlay lies on (PS3.3 C.9.3.1): `Some(None)` for all, when nothing is said of frames.
#[expect(
    clippy::option_option,
    reason = "no plane, one plane for all frames, planes for some"
)]
fn frames(
    data_set: &DataSet,
    image: &ImageDescription,
    group: u16,
) -> Option<Option<OverlayFrames>> {
    let count = integer(data_set, Tag(group, FRAMES)).ok()?;
    let origin = integer(data_set, Tag(group, FRAME_ORIGIN)).ok()?;
    if count.is_none() && origin.is_none() {
        return Some(None);
    }
    let declared = usize::try_from(count.unwrap_or(1))
        .ok()
        .filter(|n| *n > 0)?;
    let start = usize::try_from(origin.unwrap_or(1)).ok()?.checked_sub(1)?;
    let end = start.checked_add(declared)?.min(image.frames);
    (start < end).then_some(Some(OverlayFrames {
        declared,
        on_image: start..end,
    }))
}

/// A plane in a bit of the pixels: only in native grey pixels of its own size, and only where no stored bit is.
fn embedded(
    structure: &Structure,
    image: &ImageDescription,
    size: [usize; 2],
    bit: i64,
) -> Option<OverlayBits> {
    let bit = u16::try_from(bit)
        .ok()
        .filter(|b| *b < image.bits_allocated)?;
    let stored = (image.high_bit + 1).saturating_sub(image.bits_stored)..=image.high_bit;
    let native = structure.syntax.packing == Packing::Native
        && structure
            .pixels
            .as_ref()
            .is_some_and(|p| p.tag == tags::PIXEL_DATA);
    let fits = native
        && image.samples == 1
        && image.bits_allocated >= 8
        && size == [image.rows, image.columns]
        && !stored.contains(&bit);
    fits.then_some(OverlayBits::Embedded { bit })
}

fn shutter(
    data_set: &DataSet,
    image: &ImageDescription,
    planes: &[OverlayPlane],
    findings: &mut Vec<Finding>,
) -> Option<Shutter> {
    let mut shutter = Shutter {
        shapes: Vec::new(),
        bitmap_group: None,
        color: shutter_color(data_set, image),
    };
    let mut broken = false;
    for word in texts(data_set, tags::SHUTTER_SHAPE) {
        let shape = match word.as_str() {
            "" => continue,
            "RECTANGULAR" => rectangle(data_set, image),
            "CIRCULAR" => circle(data_set, image),
            "POLYGONAL" => polygon(data_set),
            "BITMAP" => {
                let group = integer(data_set, tags::SHUTTER_OVERLAY_GROUP)
                    .ok()
                    .flatten();
                let plane = planes.iter().find(|p| Some(i64::from(p.group)) == group);
                shutter.bitmap_group = plane.map(|p| p.group);
                broken |= plane.is_none();
                continue;
            }
            _ => None,
        };
        broken |= shape.is_none();
        shutter.shapes.extend(shape);
    }
    if broken && !findings.iter().any(|f| f.code == "SHUTTER_NOT_APPLIED") {
        let text = "a display shutter, or a part of it, is damaged and not applied";
        findings.push(Finding::new("SHUTTER_NOT_APPLIED", Severity::Warning, text));
    }
    (!shutter.shapes.is_empty() || shutter.bitmap_group.is_some()).then_some(shutter)
}

/// Whole numbers of an attribute, small enough to count with.
fn places(data_set: &DataSet, tag: Tag) -> Option<Vec<i32>> {
    let values = numbers(data_set, tag).values();
    let sane = |v: &f64| v.fract() == 0.0 && v.abs() < FARTHEST;
    (!values.is_empty() && values.iter().all(sane))
        .then(|| values.into_iter().map(|v| v as i32).collect())
}

fn rectangle(data_set: &DataSet, image: &ImageDescription) -> Option<ShutterShape> {
    let edge = |tag| places(data_set, tag)?.first().copied();
    let left = edge(tags::SHUTTER_LEFT_VERTICAL_EDGE)?;
    let right = edge(tags::SHUTTER_RIGHT_VERTICAL_EDGE)?;
    let upper = edge(tags::SHUTTER_UPPER_HORIZONTAL_EDGE)?;
    let lower = edge(tags::SHUTTER_LOWER_HORIZONTAL_EDGE)?;
    // One that would show nothing is a mistake, not a wish.
    let shows = |first: i32, last: i32, size: usize| {
        first <= last && last >= 1 && i64::from(first) <= size as i64
    };
    (shows(left, right, image.columns) && shows(upper, lower, image.rows)).then_some(
        ShutterShape::Rectangle {
            left,
            right,
            upper,
            lower,
        },
    )
}

fn circle(data_set: &DataSet, image: &ImageDescription) -> Option<ShutterShape> {
    let centre = places(data_set, tags::CENTER_OF_CIRCULAR_SHUTTER)?;
    let &[row, column] = centre.as_slice() else {
        return None;
    };
    let radius = *places(data_set, tags::RADIUS_OF_CIRCULAR_SHUTTER)?.first()?;
    // The radius counts pixels along a row: where rows lie further apart than columns, fewer rows are within.
    let (row_size, column_size) = image.shared.spacing.row_column();
    let row_step = row_size / column_size;
    (radius > 0 && row_step.is_finite() && row_step > 0.0).then_some(ShutterShape::Circle {
        row,
        column,
        radius,
        row_step,
    })
}

fn polygon(data_set: &DataSet) -> Option<ShutterShape> {
    let values = places(data_set, tags::VERTICES_OF_THE_POLYGONAL_SHUTTER)?;
    let (vertices, rest) = values.as_chunks::<2>();
    (rest.is_empty() && (3..=MOST_VERTICES).contains(&vertices.len()))
        .then(|| ShutterShape::Polygon(vertices.into()))
}

/// What hides: P-values for grey pictures, CIELab for colour ones, each for the other where it is alone; black when
/// nothing is said.
fn shutter_color(data_set: &DataSet, image: &ImageDescription) -> [f32; 3] {
    let word = |v: &f64| (0.0..=65_535.0).contains(v);
    let grey = numbers(data_set, tags::SHUTTER_PRESENTATION_VALUE)
        .first()
        .filter(word)
        .map(|v| [(v / 65_535.0) as f32; 3]);
    let lab = numbers(data_set, tags::SHUTTER_PRESENTATION_COLOR_CIE_LAB_VALUE).values();
    let color = <[f64; 3]>::try_from(lab)
        .ok()
        .filter(|lab| lab.iter().all(word))
        .map(|lab| rgb_from_lab(lab.map(|v| v as u16)));
    let in_color = image.samples == 3 || image.palette.is_some();
    let chosen = if in_color {
        color.or(grey)
    } else {
        grey.or(color)
    };
    chosen.unwrap_or_default()
}

fn presentation_lut(
    data_set: &DataSet,
    image: &ImageDescription,
    findings: &mut Vec<Finding>,
) -> Option<crate::model::lut::LookupTable> {
    if image.samples != 1 || image.palette.is_some() {
        return None;
    }
    let item = items(data_set, tags::PRESENTATION_LUT_SEQUENCE).first()?;
    let table = lut_item(item, false);
    if table.is_none() {
        let text = "the presentation LUT does not fit its descriptor and is left out";
        findings.push(Finding::new(
            "PRESENTATION_LUT_INVALID",
            Severity::Warning,
            text,
        ));
    }
    table
}

/// Reads what lies over one frame (from 0).
///
/// # Errors
/// `COVER_TOO_LARGE`, and what reading the file says.
pub(super) fn read_cover(
    structure: &Structure,
    image: &ImageDescription,
    frame: usize,
) -> Result<FrameCover, Fault> {
    let display = &image.display;
    let (columns, rows) = (image.columns, image.rows);
    if display.cover_bytes(columns, rows) > MOST_COVER_BYTES {
        let text = "overlay planes of more bits than are read";
        return Err(Fault::new(RejectionKind::Limit, "COVER_TOO_LARGE", text));
    }
    let read = |plane: &OverlayPlane| -> Result<Option<Bits>, Fault> {
        let Some(own_frame) = plane.frame_on(frame) else {
            return Ok(None);
        };
        let words = match plane.bits {
            OverlayBits::Own {
                offset,
                length,
                swapped_pairs,
            } => {
                let data = Run {
                    structure,
                    offset,
                    length,
                    swapped_pairs,
                };
                own_bits(&data, plane, own_frame, image)?
            }
            OverlayBits::Embedded { bit } => embedded_bits(structure, image, frame, bit)?,
        };
        Ok(Bits::new(columns, rows, words))
    };
    let mut cover = FrameCover::default();
    if let Some(shutter) = display.shutter_on(frame) {
        let group = shutter.bitmap_group;
        let hiding = display.planes.iter().find(|p| Some(p.group) == group);
        let bitmap = hiding.map(&read).transpose()?.flatten();
        let hidden = shutter_bits(shutter, columns, rows, bitmap.as_ref());
        // A shutter that leaves nothing to see is a mistake: the picture is shown.
        let leaves = |bits: &Bits| {
            let hidden: u64 = bits.words().iter().map(|w| u64::from(w.count_ones())).sum();
            hidden > 0 && hidden < columns as u64 * rows as u64
        };
        cover
            .layers
            .extend(hidden.filter(leaves).map(|bits| CoverLayer {
                group: None,
                name: String::new(),
                color: shutter.color,
                bits,
            }));
    }
    for plane in display.graphics() {
        let bits = read(plane)?.filter(Bits::any);
        cover.layers.extend(bits.map(|bits| CoverLayer {
            group: Some(plane.group),
            name: plane.name(),
            color: group_color(plane.group),
            bits,
        }));
    }
    Ok(cover)
}

/// The value of an element.
struct Run<'a> {
    structure: &'a Structure,
    offset: u64,
    length: u64,
    swapped_pairs: bool,
}

impl Run<'_> {
    /// Bytes `from` to `to` in the order of little endian.
    fn read(&self, from: u64, to: u64) -> Result<Vec<u8>, Fault> {
        let (mut start, mut end) = (from, to);
        if self.swapped_pairs {
            start -= start % 2;
            end += end % 2;
        }
        let end = end.min(self.length);
        if to > self.length {
            let text = "overlay data end before the frame does";
            return Err(Fault::rejected("OVERLAY_SHORT", text));
        }
        let source = &self.structure.source;
        let mut bytes = source.read_vec(self.offset + start, end - start)?;
        if self.swapped_pairs {
            swap_pairs(&mut bytes);
        }
        bytes.drain(..(from - start) as usize);
        bytes.truncate((to - from) as usize);
        Ok(bytes)
    }
}

/// Rows that are read at once.
fn rows_of_piece(row_bytes: u64) -> usize {
    (PIECE_BYTES / row_bytes.max(1)).max(1) as usize
}

/// The part of a frame of an overlay plane that lies on the image.
fn own_bits(
    data: &Run<'_>,
    plane: &OverlayPlane,
    frame: usize,
    image: &ImageDescription,
) -> Result<Vec<u32>, Fault> {
    let across = Bits::words_per_row(image.columns);
    let mut words = vec![0u32; across * image.rows];
    let [row_origin, column_origin] = plane.origin;
    let on_rows = overlap(row_origin, plane.rows, image.rows);
    let on_columns = overlap(column_origin, plane.columns, image.columns);
    if on_rows.is_empty() || on_columns.is_empty() {
        return Ok(words);
    }
    let (points, count) = (
        plane.columns as u64,
        (on_columns.end - on_columns.start) as u64,
    );
    // Frames and rows follow each other without padding (PS3.3 C.9.3).
    let first = frame as u64 * plane.rows as u64 * points + on_columns.start as u64;
    let to_image = |row: i64| (row + row_origin) as usize;
    let left = (on_columns.start + column_origin) as usize;
    let step = rows_of_piece(points.div_ceil(8));
    for start in on_rows.clone().step_by(step) {
        let end = (start + step as i64).min(on_rows.end);
        let begin = first + start as u64 * points;
        let behind = first + (end - 1) as u64 * points + count;
        let (from, to) = (begin / 8, behind.div_ceil(8));
        let bytes = data.read(from, to)?;
        for row in start..end {
            let bit = first + row as u64 * points - from * 8;
            let at = to_image(row) * across;
            if let Some(line) = words.get_mut(at..at + across) {
                copy_bits(&bytes, bit as usize, count as usize, line, left);
            }
        }
    }
    Ok(words)
}

/// Copies `count` bits from bit `from` of packed bytes to bit `to` of a row of words.
fn copy_bits(bytes: &[u8], from: usize, count: usize, line: &mut [u32], to: usize) {
    let end = to + count;
    for (i, word) in line
        .iter_mut()
        .enumerate()
        .take(end.div_ceil(32))
        .skip(to / 32)
    {
        let first = to.max(i * 32);
        let used = end.min(i * 32 + 32) - first;
        let bits = bits_at(bytes, from + first - to) & (u32::MAX >> (32 - used));
        *word |= bits << (first - i * 32);
    }
}

/// The 32 bits from a bit on, lowest first; what lies behind the end is zero.
fn bits_at(bytes: &[u8], bit: usize) -> u32 {
    let five = (0..5).rev().fold(0u64, |value, i| {
        let byte = bytes.get(bit / 8 + i).copied().unwrap_or_default();
        value << 8 | u64::from(byte)
    });
    (five >> (bit % 8)) as u32
}

/// One bit of every pixel of a frame.
fn embedded_bits(
    structure: &Structure,
    image: &ImageDescription,
    frame: usize,
    bit: u16,
) -> Result<Vec<u32>, Fault> {
    let Some(PixelPlace::Native { offset, length }) = structure.pixels.as_ref().map(|p| &p.place)
    else {
        return Err(Fault::rejected(
            "OVERLAY_SHORT",
            "there are no native pixels",
        ));
    };
    let shape = NativeShape::of(image, structure, *length);
    let data = Run {
        structure,
        offset: *offset,
        length: *length,
        swapped_pairs: shape.swapped_pairs,
    };
    let size = usize::from(image.bits_allocated) / 8;
    let byte = usize::from(bit) / 8;
    // Bytes of a value as written; single bytes have no order.
    let byte = if shape.big_endian {
        size - 1 - byte
    } else {
        byte
    };
    let across = Bits::words_per_row(image.columns);
    let mut words = vec![0u32; across * image.rows];
    let row_bytes = (image.columns * size) as u64;
    let first = shape.frame_at(frame).0 / 8;
    let step = rows_of_piece(row_bytes);
    for (piece, lines) in words.chunks_mut(across * step).enumerate() {
        let from = first + (piece * step) as u64 * row_bytes;
        let bytes = data.read(from, from + (lines.len() / across) as u64 * row_bytes)?;
        let rows = bytes.chunks_exact(image.columns * size);
        for (line, row) in lines.chunks_exact_mut(across).zip(rows) {
            for (column, value) in row.chunks_exact(size).enumerate() {
                let set = value.get(byte).is_some_and(|b| b >> (bit % 8) & 1 == 1);
                if let Some(word) = line.get_mut(column / 32) {
                    *word |= u32::from(set) << (column % 32);
                }
            }
        }
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_copied_from_anywhere_to_anywhere() {
        // A pattern without period, so that a shift by any number shows.
        let bytes: Vec<u8> = (0..40u32).map(|i| (i * i * 37 + i * 11) as u8).collect();
        let source = |bit: usize| bytes[bit / 8] >> (bit % 8) & 1;
        for from in [0, 1, 7, 8, 13, 100] {
            for (count, to) in [
                (1, 0),
                (31, 1),
                (32, 32),
                (33, 31),
                (64, 5),
                (100, 28),
                (3, 127),
            ] {
                let mut line = [0u32; 5];
                copy_bits(&bytes, from, count, &mut line, to);
                for at in 0..160 {
                    let found = (line[at / 32] >> (at % 32) & 1) as u8;
                    let inside = (to..to + count).contains(&at);
                    let expected = if inside { source(from + at - to) } else { 0 };
                    assert_eq!(
                        found, expected,
                        "from {from}, {count} bits to {to}, at {at}"
                    );
                }
            }
        }
        assert_eq!(bits_at(&[0xFF], 4), 0x0F);
    }

    #[test]
    fn overlaps_are_counted_on_the_plane() {
        assert_eq!(overlap(0, 5, 9), 0..5);
        assert_eq!(overlap(-2, 5, 9), 2..5);
        assert_eq!(overlap(6, 5, 9), 0..3);
        assert_eq!(overlap(-3, 20, 9), 3..12);
        assert!(overlap(9, 5, 9).is_empty());
        assert!(overlap(-5, 5, 9).is_empty());
    }
}

//! The value under the pointer: as stored, as modality value with its uptake, as shown; where it lies; which mark is there.
//!
//! Must stay true: all numbers are of the voxel nearest to the pointer, from the frame itself and by the f64 twin of the
//! picture's grey chain. What filters made of a picture is not told: then nothing is said of what is shown.

use super::{
    context::{Hover, UiContext},
    overlay_text, segments,
};
use crate::{
    i18n::{Language, Value},
    imaging::{palette, statistics, window},
    model::{
        lut::LookupTable,
        pixels::{Frame, StoredType},
        study::ImageDescription,
    },
    workspace::{
        display::FrameState,
        view::{Picture, Viewport},
    },
};
use glam::DVec3;

/// A value of a frame.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Found {
    /// Grey: stored and modality value.
    Grey {
        /// As in the file.
        stored: f64,
        /// Through the modality LUT.
        modality: f64,
    },
    /// Stored red, green and blue, and the largest that they may be.
    Color([f64; 3], f64),
    /// An index into a palette, and the colour that it stands for.
    Palette(f64, [f64; 3]),
    /// A stored value that carries no image.
    Padding(f64),
}

/// A value under the pointer, and its column, row and slice.
pub(super) struct Probe {
    /// What is there.
    pub found: Found,
    /// Where, from 0.
    pub voxel: [usize; 3],
}

impl Probe {
    /// The modality value of a grey one.
    pub fn modality(&self) -> Option<f64> {
        match self.found {
            Found::Grey { modality, .. } => Some(modality),
            _ => None,
        }
    }
}

/// What lies under a viewport pixel; `None` beside the picture, or while its frame is not here.
pub(super) fn value_at(viewport: &Viewport, picture: &Picture, at: [f64; 2]) -> Option<Probe> {
    let display = viewport.display.as_ref()?;
    let is_cut = viewport.kind.is_cut() && display.is_volume();
    let voxel = picture.voxel_at(at[0], at[1]).round();
    let slice = if is_cut {
        voxel.z
    } else {
        picture.frame as f64
    };
    let image = display.image_of(picture.frame)?;
    let inside = |v: f64, n: usize| v >= 0.0 && v < n as f64;
    let ok = inside(voxel.x, image.columns)
        && inside(voxel.y, image.rows)
        && inside(slice, display.layout.frames.len());
    if !ok {
        return None;
    }
    let voxel = [voxel.x as usize, voxel.y as usize, slice as usize];
    let FrameState::Loaded(frame) = display.frame(voxel[2]) else {
        return None;
    };
    let reference = display.layout.frames.get(voxel[2])?;
    let image = reference.instance.image.as_ref()?;
    let found = read(&frame, image, reference.frame, [voxel[0], voxel[1]])?;
    Some(Probe { found, voxel })
}

/// The value of a frame (from 0 in its object) at a column and row.
fn read(frame: &Frame, image: &ImageDescription, index: usize, at: [usize; 2]) -> Option<Found> {
    let sample = |s| frame.value(at[0], at[1], s);
    if frame.samples == 3 {
        let white = window::color_white(frame.stored_type);
        return Some(Found::Color([sample(0)?, sample(1)?, sample(2)?], white));
    }
    let stored = sample(0)?;
    if let Some(tables) = image.palette.as_deref() {
        return Some(Found::Palette(stored, palette_color(stored, tables)?));
    }
    Some(
        match statistics::is_image(stored, frame.stored_type, image.padding) {
            true => Found::Grey {
                stored,
                modality: window::modality_value(stored, &image.frame(index).modality_lut),
            },
            false => Found::Padding(stored),
        },
    )
}

fn palette_color(index: f64, tables: &[LookupTable; 3]) -> Option<[f64; 3]> {
    let bytes = crate::model::pixels::PixelBytes::from_vec((index as i32).to_le_bytes().to_vec());
    let one = Frame::new(1, 1, 1, StoredType::I32, bytes)?;
    let rgb = palette::expand(&one, tables)?;
    Some([
        rgb.value(0, 0, 0)?,
        rgb.value(0, 0, 1)?,
        rgb.value(0, 0, 2)?,
    ])
}

/// What the screen shows of a value, in codes of 8 bits.
fn shown(found: &Found, picture: &Picture) -> String {
    let grey = &picture.view.grey;
    let color = |rgb: [f64; 3], white: f64| {
        let code = |v: f64| window::code_value(if grey.inverted { white - v } else { v } / white);
        let [r, g, b] = rgb.map(code);
        format!("R {r} G {g} B {b}")
    };
    match *found {
        Found::Grey { modality, .. } => {
            window::code_value(window::shown_value(modality, grey)).to_string()
        }
        Found::Color(rgb, white) => color(rgb, white),
        Found::Palette(_, rgb) => color(rgb, 255.0),
        Found::Padding(_) => "0".into(),
    }
}

/// A stored value as it is.
fn plain(value: f64) -> String {
    // Whole numbers without a point; of others as many digits as a float of 32 bits has.
    if value.fract() == 0.0 && value.abs() < 1e15 {
        format!("{value:.0}")
    } else {
        format!("{:?}", value as f32)
    }
}

/// The lines about what lies under the pointer.
pub(super) fn hover(
    context: &UiContext<'_>,
    cell: usize,
    viewport: &Viewport,
    picture: &Picture,
    at: [f64; 2],
) -> Option<Hover> {
    let probe = value_at(viewport, picture, at)?;
    let words = context.language();
    let filtered = viewport.view.filters.is_active() && !context.workspace.show_original;
    let mut lines = vec![values(words, viewport, picture, &probe, filtered)];
    let narrow = picture.view.size[0] < NARROW_PX;
    let parts = place(words, viewport, picture, &probe, at);
    match narrow {
        true => lines.extend(parts),
        false => lines.push(parts.join("  ")),
    }
    let marks = &context.state.marks;
    if let Some((_, id)) = marks.hover.as_ref().filter(|(c, _)| *c == cell)
        && let Some(mark) = context.workspace.marks.set().get(id)
        && !mark.label.is_empty()
    {
        lines.push(mark.label.clone());
    }
    let point = picture.patient_at(at[0], at[1]);
    lines.extend(segments::texts_at(context, viewport, point));
    // From the middle of the picture outwards: where there is no room the innermost goes first and the value last, and
    // nothing moves when a line about a mark comes.
    lines.reverse();
    Some(Hover {
        cell,
        text: lines.join("\n"),
        point,
    })
}

/// Modality value with unit and uptake, stored value, what is shown.
fn values(
    words: Language,
    viewport: &Viewport,
    picture: &Picture,
    probe: &Probe,
    filtered: bool,
) -> String {
    let stored = |text: &str| words.tr("overlay-stored", &[("value", text.into())]);
    let mut parts = Vec::new();
    match probe.found {
        Found::Grey {
            stored: value,
            modality,
        } => {
            let unit = viewport.frame_description().map(|d| d.unit.clone());
            parts.push(overlay_text::value_text(
                modality,
                &unit.unwrap_or_default(),
            ));
            parts.extend(uptake(viewport, probe.voxel[2], modality));
            parts.push(stored(&plain(value)));
        }
        Found::Color(rgb, _) => {
            let [r, g, b] = rgb.map(plain);
            parts.push(stored(&format!("R {r} G {g} B {b}")));
        }
        Found::Palette(index, _) => parts.push(stored(&plain(index))),
        Found::Padding(value) => {
            parts.push(words.word("overlay-padding").to_owned());
            parts.push(stored(&plain(value)));
        }
    }
    if !filtered {
        let text = shown(&probe.found, picture);
        parts.push(words.tr("overlay-shown", &[("value", text.as_str().into())]));
    }
    parts.join("  ")
}

fn uptake(viewport: &Viewport, frame: usize, modality: f64) -> Option<String> {
    let scale = viewport.node.as_ref()?.suv.as_ref()?.as_ref().ok()?;
    let kind = scale.kinds().next()?;
    let factor = scale.factor(kind, frame).ok()?;
    Some(format!("{} {:.2}", kind.label(), modality * factor))
}

/// In cells with fewer pixels to the right the place takes a line for each of its parts.
const NARROW_PX: u32 = 400;

/// Where it is: in the patient, and on the grid.
fn place(
    words: Language,
    viewport: &Viewport,
    picture: &Picture,
    probe: &Probe,
    at: [f64; 2],
) -> Vec<String> {
    let [column, row, slice] = probe.voxel;
    if !picture.oriented {
        let args = [("column", column.into()), ("row", row.into())];
        return vec![words.tr("overlay-pixel", &args)];
    }
    let DVec3 { x, y, z } = picture.patient_at(at[0], at[1]);
    let side = |v: f64, plus: char, minus: char| {
        format!("{}{:.1}", if v >= 0.0 { plus } else { minus }, v.abs())
    };
    let patient = format!(
        "{} {} {} mm",
        side(x, 'L', 'R'),
        side(y, 'P', 'A'),
        side(z, 'H', 'F')
    );
    let volume = viewport
        .display
        .as_ref()
        .is_some_and(|d| d.layout.volume.is_some());
    let index = match volume {
        true => format!("{column}, {row}, {slice}"),
        false => format!("{column}, {row}"),
    };
    let voxel = Value::from(index);
    let voxel = words.tr("overlay-voxel", &[("index", voxel)]);
    vec![patient, voxel]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_values_are_told_as_they_are() {
        let check = |value: f64, text: &str| assert_eq!(plain(value), text);
        check(-1024.0, "-1024");
        check(4294967295.0, "4294967295");
        check(0.1f32 as f64, "0.1");
        check(-0.0, "-0");
    }

    #[test]
    fn a_palette_index_has_its_colour() {
        let table = |entries: &[u16]| LookupTable {
            first_mapped: 10,
            entries: entries.into(),
            bits: 16,
            explanation: String::new(),
        };
        let tables = [
            table(&[0, 0xFF00]),
            table(&[0x8000, 0]),
            table(&[0, 0x0100]),
        ];
        assert_eq!(palette_color(11.0, &tables), Some([255.0, 0.0, 1.0]));
        assert_eq!(palette_color(-5.0, &tables), Some([0.0, 128.0, 0.0]));
    }
}

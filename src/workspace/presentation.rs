//! How a view and a layout are written down, so that they come back after reopening bit for bit.
//!
//! Text, a line each: a word and its values, `zoom 1.5`. Lines that are not known are passed over and lines that are
//! not there mean "as it opens", so later versions may add some and earlier ones still read the rest. Numbers are
//! written as Rust does, which reads back every bit.

use super::view::{ScreenTurn, ViewKind, ViewState, VoiChoice};
use crate::model::{
    cuts::Cuts,
    filter::FilterStep,
    geometry::BodyPlane,
    lut::WindowLevel,
    slab::{Projection, Slab},
    view::Interpolation,
};
use glam::DVec3;
use std::fmt::Write as _;

/// Everything that a cell shows of its series.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CellState {
    /// What is shown.
    pub kind: ViewKind,
    /// Frame of a stack, from 0.
    pub slice: usize,
    /// Point through which cuts go.
    pub crosshair: Option<DVec3>,
    /// Directions of the cuts.
    pub cuts: Cuts,
    /// How it is shown.
    pub view: ViewState,
}

impl CellState {
    /// Memory that it takes, bytes: itself and all that it owns.
    pub fn held_bytes(&self) -> usize {
        let name = match &self.view.voi {
            VoiChoice::Preset(name) => name.capacity(),
            _ => 0,
        };
        size_of::<Self>() + size_of_val(self.view.filters.steps()) + name
    }

    /// As text.
    pub fn text(&self) -> String {
        let mut out = String::new();
        let plain = ViewState::default();
        match self.kind {
            ViewKind::Stack => {}
            ViewKind::Plane(plane) => line(&mut out, &format_args!("kind {}", plane.word())),
            ViewKind::Oblique(plane) => {
                line(&mut out, &format_args!("kind oblique {}", plane.word()));
            }
        }
        if self.cuts != Cuts::default() {
            let numbers = self.cuts.numbers().map(|n| format!("{n:?}"));
            line(&mut out, &format_args!("cuts {}", numbers.join(" ")));
        }
        if self.slice > 0 {
            line(&mut out, &format_args!("slice {}", self.slice));
        }
        if let Some(p) = self.crosshair {
            line(
                &mut out,
                &format_args!("crosshair {:?} {:?} {:?}", p.x, p.y, p.z),
            );
        }
        let view = &self.view;
        if let Some(p) = view.centre {
            line(
                &mut out,
                &format_args!("centre {:?} {:?} {:?}", p.x, p.y, p.z),
            );
        }
        if view.zoom != plain.zoom {
            line(&mut out, &format_args!("zoom {:?}", view.zoom));
        }
        if view.turn != plain.turn {
            let [[a, b], [c, d]] = view.turn.matrix();
            line(&mut out, &format_args!("turn {a} {b} {c} {d}"));
        }
        if view.inverted {
            line(&mut out, &format_args!("inverted"));
        }
        for step in view.filters.steps() {
            let off = if step.on { "" } else { "off " };
            line(&mut out, &format_args!("filter {off}{step}"));
        }
        if view.voi != plain.voi {
            line(&mut out, &format_args!("window {}", window_text(&view.voi)));
        }
        if view.framing != plain.framing {
            line(&mut out, &format_args!("framing {}", view.framing.text()));
        }
        if view.interpolation != plain.interpolation {
            let word = view.interpolation.word();
            line(&mut out, &format_args!("interpolation {word}"));
        }
        if !view.area {
            line(&mut out, &format_args!("area off"));
        }
        if let Some(slab) = view.slab {
            let word = slab.projection.word();
            line(
                &mut out,
                &format_args!("slab {word} {:?}", slab.thickness_mm),
            );
        }
        out
    }

    /// From text; what it does not say, or not as it should, is as it opens.
    pub fn read(text: &str) -> Self {
        let mut state = Self::default();
        for line in text.lines() {
            state.take(line);
        }
        state
    }

    fn take(&mut self, line: &str) {
        let (word, values) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
        let view = &mut self.view;
        match word {
            "kind" => {
                let oblique = values.strip_prefix("oblique ");
                let word = oblique.unwrap_or(values);
                let plane = BodyPlane::ALL.into_iter().find(|p| p.word() == word);
                self.kind = match (plane, oblique) {
                    (Some(plane), Some(_)) => ViewKind::Oblique(plane),
                    (Some(plane), None) => ViewKind::Plane(plane),
                    (None, _) => ViewKind::Stack,
                };
            }
            "slice" => self.slice = values.parse().unwrap_or_default(),
            "crosshair" => self.crosshair = numbers(values).map(DVec3::from_array),
            "cuts" => {
                let cuts = numbers(values).and_then(|n| Cuts::of_numbers(&n));
                self.cuts = cuts.unwrap_or_default();
            }
            "centre" => view.centre = numbers(values).map(DVec3::from_array),
            "zoom" => {
                let (lowest, highest) = crate::tools::navigate::SCALE_RANGE;
                if let Some([zoom]) = numbers(values) {
                    view.zoom = zoom.clamp(lowest, highest);
                }
            }
            "turn" => {
                let turn = numbers(values).and_then(|n: [f64; 4]| {
                    let [a, b, c, d] = n.map(|v| v as i8);
                    ScreenTurn::of_matrix([[a, b], [c, d]])
                });
                view.turn = turn.unwrap_or_default();
            }
            "inverted" => view.inverted = true,
            "filter" => {
                // One that a later version knows is passed over; the stack keeps its bound.
                let off = values.strip_prefix("off ");
                if let Ok(mut step) = FilterStep::parse(off.unwrap_or(values), 1.0) {
                    step.on = off.is_none();
                    let _ = view.filters.push(step);
                }
            }
            "window" => view.voi = window(values).unwrap_or_default(),
            "framing" => view.framing = super::framing::Framing::read(values),
            "interpolation" => {
                let known = Interpolation::ALL.into_iter().find(|i| i.word() == values);
                view.interpolation = known.unwrap_or_default();
            }
            "area" => view.area = values != "off",
            "slab" => view.slab = slab(values),
            _ => {}
        }
    }
}

fn line(out: &mut String, words: &std::fmt::Arguments<'_>) {
    // Writing to a text cannot fail.
    let _ = writeln!(out, "{words}");
}

/// Exactly so many finite numbers.
fn numbers<const N: usize>(values: &str) -> Option<[f64; N]> {
    let read: Vec<f64> = values
        .split_whitespace()
        .map(|v| v.parse::<f64>().ok().filter(|v| v.is_finite()))
        .collect::<Option<_>>()?;
    read.try_into().ok()
}

fn window_text(voi: &VoiChoice) -> String {
    match voi {
        VoiChoice::File => "file".to_owned(),
        VoiChoice::FileIndex(index) => format!("file {index}"),
        VoiChoice::Auto => "auto".to_owned(),
        VoiChoice::Preset(name) => format!("preset {name}"),
        VoiChoice::Custom(level) => format!("custom {:?} {:?}", level.center, level.width),
        VoiChoice::Result { percent, before } => {
            let [low, high] = percent;
            // One lies in no other.
            let before = match before.as_ref() {
                VoiChoice::Result { .. } => String::new(),
                before => window_text(before),
            };
            format!("result {low} {high} {before}")
                .trim_end()
                .to_owned()
        }
    }
}

fn window(values: &str) -> Option<VoiChoice> {
    let (kind, rest) = values.split_once(' ').unwrap_or((values, ""));
    match kind {
        "file" if rest.is_empty() => Some(VoiChoice::File),
        "file" => rest.parse().ok().map(VoiChoice::FileIndex),
        "result" => {
            let mut words = rest.splitn(3, ' ');
            let mut percent = || words.next()?.parse::<u8>().ok().filter(|p| *p <= 100);
            let percent = [percent()?, percent()?];
            let before = words.next().filter(|text| !text.starts_with("result"));
            (percent[0] < percent[1]).then(|| VoiChoice::Result {
                percent,
                before: Box::new(before.and_then(window).unwrap_or_default()),
            })
        }
        "auto" => Some(VoiChoice::Auto),
        "preset" => Some(VoiChoice::Preset(rest.to_owned())),
        "custom" => {
            let [center, width] = numbers(rest)?;
            (width > 0.0).then_some(VoiChoice::Custom(WindowLevel { center, width }))
        }
        _ => None,
    }
}

fn slab(values: &str) -> Option<Slab> {
    let (word, rest) = values.split_once(' ')?;
    let projection = Projection::ALL.into_iter().find(|p| p.word() == word)?;
    let [thickness_mm] = numbers(rest)?;
    (thickness_mm > 0.0).then_some(Slab {
        projection,
        thickness_mm,
    })
}

/// What stands in a cell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CellRecord {
    /// Which cell, from 0.
    pub cell: usize,
    /// Series Instance UID.
    pub series_uid: String,
    /// SOP Instance UID of the first frame of the stack.
    pub first_instance_uid: String,
    /// How it is shown.
    pub state: CellState,
}

/// A layout with what stands in its cells.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LayoutRecord {
    /// Word of the layout.
    pub layout: String,
    /// The active cell, from 0.
    pub active: usize,
    /// It fills all.
    pub maximised: bool,
    /// Cells with a series.
    pub cells: Vec<CellRecord>,
}

/// No layout has more cells than this many.
const MOST_CELLS: usize = 64;

impl LayoutRecord {
    /// As text.
    pub fn text(&self) -> String {
        let mut out = String::new();
        line(&mut out, &format_args!("layout {}", self.layout));
        line(&mut out, &format_args!("active {}", self.active));
        if self.maximised {
            line(&mut out, &format_args!("maximised"));
        }
        for cell in &self.cells {
            let words = format_args!(
                "cell {} {} {}",
                cell.cell, cell.series_uid, cell.first_instance_uid
            );
            line(&mut out, &words);
            out.push_str(&cell.state.text());
        }
        out
    }

    /// From text; `None` when it names no layout.
    pub fn read(text: &str) -> Option<Self> {
        let mut record = Self::default();
        for line in text.lines() {
            let (word, values) = line.split_once(' ').unwrap_or((line, ""));
            match (word, record.cells.last_mut()) {
                ("cell", _) => {
                    if record.cells.len() == MOST_CELLS {
                        break;
                    }
                    let mut parts = values.splitn(3, ' ');
                    let mut part = || parts.next().unwrap_or_default().to_owned();
                    record.cells.push(CellRecord {
                        cell: part().parse().ok()?,
                        series_uid: part(),
                        first_instance_uid: part(),
                        state: CellState::default(),
                    });
                }
                (_, Some(cell)) => cell.state.take(line),
                ("layout", None) => record.layout = values.to_owned(),
                ("active", None) => record.active = values.parse().unwrap_or_default(),
                ("maximised", None) => record.maximised = true,
                _ => {}
            }
        }
        (!record.layout.is_empty()).then_some(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::framing::{End, Framing};

    fn states() -> Vec<CellState> {
        let view = ViewState::default;
        let custom = WindowLevel {
            center: -0.1,
            width: 1.0 / 3.0,
        };
        let views = [
            view(),
            ViewState {
                centre: Some(DVec3::new(-0.0, 1e-300, 12.345_678_901_234_567)),
                zoom: std::f64::consts::E,
                turn: ScreenTurn::default().rotated_right().flipped_vertically(),
                inverted: true,
                filters: filters(),
                voi: VoiChoice::Custom(custom),
                interpolation: Interpolation::Nearest,
                area: false,
                slab: Some(Slab {
                    projection: Projection::Mean,
                    thickness_mm: 0.1 + 0.2,
                }),
                framing: Framing {
                    wall: Some(End::Last),
                    extent: Some([0.1 + 0.2, 1e-300]),
                    pixels: true,
                    part: Some(2),
                },
            },
            ViewState {
                voi: VoiChoice::Preset("soft tissue".into()),
                ..view()
            },
            // Life size of a small picture.
            ViewState {
                zoom: 0.01,
                ..view()
            },
            ViewState {
                voi: VoiChoice::Result {
                    percent: [5, 95],
                    before: Box::new(VoiChoice::Preset("lung".into())),
                },
                ..view()
            },
            ViewState {
                voi: VoiChoice::FileIndex(3),
                ..view()
            },
            ViewState {
                voi: VoiChoice::Auto,
                ..view()
            },
        ];
        let kinds = [
            ViewKind::Stack,
            ViewKind::Plane(BodyPlane::Axial),
            ViewKind::Plane(BodyPlane::Coronal),
            ViewKind::Plane(BodyPlane::Sagittal),
            ViewKind::Oblique(BodyPlane::Coronal),
        ];
        let turned =
            Cuts::default().turned(BodyPlane::Axial, BodyPlane::Coronal, DVec3::Z, 0.3, true);
        let states = views.into_iter().zip(kinds.into_iter().cycle());
        let mut slice = 0;
        states
            .map(|(view, kind)| {
                slice += 7;
                CellState {
                    kind,
                    slice,
                    cuts: if matches!(kind, ViewKind::Oblique(_)) {
                        turned
                    } else {
                        Cuts::default()
                    },
                    crosshair: (kind != ViewKind::Stack).then_some(DVec3::new(0.1, 0.2, -0.3)),
                    view,
                }
            })
            .collect()
    }

    /// Two filters, the second off.
    fn filters() -> crate::model::filter::FilterStack {
        use crate::model::filter::{FilterKind, FilterStack};
        let mut stack = FilterStack::default();
        for kind in [FilterKind::NonLocalMeans, FilterKind::Sobel] {
            stack.push(FilterStep::for_window(kind, 1.0 / 3.0)).unwrap();
        }
        stack.step_mut(1).unwrap().on = false;
        stack
    }

    #[test]
    fn views_come_back_bit_for_bit() {
        for state in states() {
            let text = state.text();
            let read = CellState::read(&text);
            assert_eq!(read, state, "{text}");
            assert_eq!(read.text(), text, "also -0.0");
        }
        assert_eq!(CellState::default().text(), "");
    }

    #[test]
    fn layouts_come_back() {
        let cells = states().into_iter().enumerate().map(|(cell, state)| {
            let first_instance_uid = format!("1.2.3.{cell}");
            CellRecord {
                cell,
                series_uid: "1.2.3".into(),
                first_instance_uid,
                state,
            }
        });
        let record = LayoutRecord {
            layout: "2x2".into(),
            active: 3,
            maximised: true,
            cells: cells.collect(),
        };
        assert_eq!(LayoutRecord::read(&record.text()), Some(record));
        assert_eq!(LayoutRecord::read(""), None);
    }

    #[test]
    fn what_a_later_version_adds_is_passed_over_and_nonsense_is_as_it_opens() {
        let text =
            "fusion hot 0.5\nzoom 2\nwindow custom 40 -1\nturn 9 9 9 9\ncentre 1 nan 2\nslice -4\n";
        let expected = CellState {
            view: ViewState {
                zoom: 2.0,
                ..ViewState::default()
            },
            ..CellState::default()
        };
        assert_eq!(CellState::read(text), expected);
    }
}

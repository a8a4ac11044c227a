//! A hanging protocol as a file says it: for which studies, and stage by stage which series stands in which cell.
//! docs/hanging.md describes the file.

use super::words::{Region, Sequence, Side};
use crate::model::arrangement::{CellRect, FreeCells, Grid, Layout, MAX_CELLS};
use serde::{Deserialize, Serialize};

/// Most stages of a protocol.
pub const MOST_STAGES: usize = 16;

/// Largest file, bytes.
pub const MOST_BYTES: usize = 64 << 10;

/// What is asked of a series or a study; what is empty is not asked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rule {
    /// Modality (0008,0060), any of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub modality: Vec<String>,
    /// Part of the body, any of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub region: Vec<Region>,
    /// Side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub side: Option<Side>,
    /// View of a projection, any of these: PA, AP, LAT, CC, MLO…
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub view: Vec<String>,
    /// Magnetic resonance sequence, any of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sequence: Vec<Sequence>,
    /// Plane of the slices as they were made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plane: Option<Plane>,
    /// Words of the description, all of these; `a|b` asks for one of several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
    /// Words that must not stand there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<String>,
}

/// A plane of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Plane {
    /// Across the body.
    Axial,
    /// Front and back.
    Coronal,
    /// Left and right.
    Sagittal,
}

impl Plane {
    /// All.
    pub const ALL: [Self; 3] = [Self::Axial, Self::Coronal, Self::Sagittal];

    /// The plane of the model.
    pub const fn body(self) -> crate::model::geometry::BodyPlane {
        use crate::model::geometry::BodyPlane;
        match self {
            Self::Axial => BodyPlane::Axial,
            Self::Coronal => BodyPlane::Coronal,
            Self::Sagittal => BodyPlane::Sagittal,
        }
    }

    /// From the plane of the model.
    pub const fn of_body(plane: crate::model::geometry::BodyPlane) -> Self {
        use crate::model::geometry::BodyPlane;
        match plane {
            BodyPlane::Axial => Self::Axial,
            BodyPlane::Coronal => Self::Coronal,
            BodyPlane::Sagittal => Self::Sagittal,
        }
    }

    /// The word of protocol files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Axial => "axial",
            Self::Coronal => "coronal",
            Self::Sagittal => "sagittal",
        }
    }
}

/// Of which study a cell shows a series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Which {
    /// The one that is read.
    #[default]
    Current,
    /// The most relevant earlier one.
    Prior,
}

/// What a cell shows of its series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Show {
    /// The frames as they were made.
    #[default]
    Stack,
    /// Cuts of the volume.
    Axial,
    /// Cuts of the volume.
    Coronal,
    /// Cuts of the volume.
    Sagittal,
    /// The volume in space; until there is such a view, an axial cut in a second window.
    Volume,
}

/// Which image of a series comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Image {
    /// The first.
    #[default]
    First,
    /// The one in the middle.
    Middle,
}

/// To which side of its cell a picture is pushed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Justify {
    /// It stands in the middle.
    #[default]
    Middle,
    /// By the side of the breast: chest walls meet, so a right breast is pushed to the right and a left one to the left.
    ChestWall,
}

/// What moves together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Linked {
    /// Slices, by patient millimetres.
    Scroll,
    /// Pan and zoom.
    Zoom,
    /// Window.
    Window,
}

/// One cell of a stage.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CellRule {
    /// The cell stays empty.
    #[serde(skip_serializing_if = "is_default")]
    pub empty: bool,
    /// Of which study.
    #[serde(skip_serializing_if = "is_default")]
    pub study: Which,
    /// The series of this cell again, counted from 1 and before this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub same_as: Option<usize>,
    /// The series that resembles most what this cell shows, counted from 1 and before this one: for priors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub like: Option<usize>,
    /// What its series must be.
    #[serde(skip_serializing_if = "is_default")]
    pub series: Rule,
    /// Words that decide between several that fit.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub prefer: Vec<String>,
    /// Any series will do when none fits.
    #[serde(skip_serializing_if = "is_default")]
    pub or_any: bool,
    /// Without it the stage is not offered.
    #[serde(skip_serializing_if = "is_default")]
    pub required: bool,
    /// What is shown of it.
    #[serde(skip_serializing_if = "is_default")]
    pub show: Show,
    /// The name of a window preset, `auto`, or empty for the file's own.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub window: String,
    /// Which image comes first.
    #[serde(skip_serializing_if = "is_default")]
    pub image: Image,
    /// Where the picture stands in its cell.
    #[serde(skip_serializing_if = "is_default")]
    pub justify: Justify,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// One arrangement of a protocol.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Stage {
    /// Name as shown; a built-in protocol has a key of the message catalogue here.
    pub name: String,
    /// `2x2` (columns × rows), `mpr`, `tiles 3x3`, `fit 5x5`: as small a grid as holds what was found, at most so large, or
    /// `crop 2x2`: this grid without rows and columns that stay empty.
    /// Empty where `rects` says it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub layout: String,
    /// Cells of any size: left, top, right and bottom as fractions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rects: Vec<[f64; 4]>,
    /// Not offered with fewer cells filled.
    #[serde(skip_serializing_if = "is_default")]
    pub least: usize,
    /// What moves together.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub link: Vec<Linked>,
    /// All cells show pictures at one scale in millimetres.
    #[serde(skip_serializing_if = "is_default")]
    pub same_scale: bool,
    /// One pixel of the image is one pixel of the screen.
    #[serde(skip_serializing_if = "is_default")]
    pub pixels: bool,
    /// The picture is gone through in parts that fill the cell, one after the other, before the next stage. With `pixels`.
    #[serde(skip_serializing_if = "is_default")]
    pub quadrants: bool,
    /// Cells that the rules leave empty take the series that are left.
    #[serde(skip_serializing_if = "is_default")]
    pub fill: bool,
    /// The cells, in their order.
    #[serde(rename = "cell", skip_serializing_if = "Vec::is_empty")]
    pub cells: Vec<CellRule>,
}

/// A hanging protocol.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Protocol {
    /// Name as shown; a built-in protocol has a key of the message catalogue here.
    pub name: String,
    /// Chosen by hand only.
    #[serde(skip_serializing_if = "is_default")]
    pub by_hand: bool,
    /// Which studies: at least one of the study's series must fit.
    #[serde(skip_serializing_if = "is_default")]
    pub study: Rule,
    /// The arrangements, in order.
    #[serde(rename = "stage", skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<Stage>,
    /// Short name, that of its file; decided by where it lies.
    #[serde(skip)]
    pub id: String,
    /// Made by a user.
    #[serde(skip)]
    pub own: bool,
}

/// Why a file is no protocol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// Not the form.
    #[error("not a protocol: {0}")]
    Form(String),
    /// It is huge.
    #[error("a protocol has at most {MOST_BYTES} bytes")]
    Size,
    /// No stage, or too many.
    #[error("a protocol has 1 to {MOST_STAGES} stages")]
    Stages,
    /// A layout that there is not.
    #[error("stage {stage}: no such layout")]
    Layout {
        /// Counted from 1.
        stage: usize,
    },
    /// A cell that refers to one that does not stand before it.
    #[error("stage {stage}, cell {cell}: refers to a cell that does not come before it")]
    Reference {
        /// Counted from 1.
        stage: usize,
        /// Counted from 1.
        cell: usize,
    },
    /// More cells than the layout has.
    #[error("stage {stage}: more cells than the layout has")]
    Cells {
        /// Counted from 1.
        stage: usize,
    },
}

/// The layout of a stage before it is known what was found.
#[derive(Clone, Debug, PartialEq)]
pub enum StageLayout {
    /// This one.
    Fixed(Layout),
    /// As small a grid as holds what was found.
    Fit(Grid),
    /// This grid without the rows and columns of which every cell stays empty.
    Crop(Grid),
}

impl Stage {
    /// The layout that its words mean.
    pub fn plan(&self) -> Option<StageLayout> {
        if !self.rects.is_empty() {
            let cells: Option<Vec<CellRect>> = self
                .rects
                .iter()
                .map(|r| CellRect::of_fractions(*r))
                .collect();
            let free = FreeCells::new(cells?)?;
            return self
                .layout
                .is_empty()
                .then_some(StageLayout::Fixed(Layout::Free(free)));
        }
        let grid = |word: &str| match Layout::of_word(word)? {
            Layout::Grid(grid) => Some(grid),
            _ => None,
        };
        match self.layout.trim().split_once(' ') {
            Some(("fit", most)) => grid(most).map(StageLayout::Fit),
            Some(("crop", whole)) => grid(whole).map(StageLayout::Crop),
            _ => Layout::of_word(&self.layout).map(StageLayout::Fixed),
        }
    }
}

/// The words of a layout, as [`Stage::plan`] reads them.
pub fn layout_words(layout: &Layout) -> (String, Vec<[f64; 4]>) {
    match layout {
        Layout::Free(free) => (
            String::new(),
            free.rects().iter().map(|r| r.fractions()).collect(),
        ),
        layout => (layout.word(), Vec::new()),
    }
}

impl Protocol {
    /// Reads a protocol.
    ///
    /// # Errors
    /// Why it is none; nothing of it is used then.
    pub fn parse(id: &str, text: &str) -> Result<Self, ProtocolError> {
        if text.len() > MOST_BYTES {
            return Err(ProtocolError::Size);
        }
        let mut protocol: Self =
            toml::from_str(text).map_err(|e| ProtocolError::Form(e.message().to_owned()))?;
        id.clone_into(&mut protocol.id);
        protocol.check()?;
        Ok(protocol)
    }

    /// Whether it holds together.
    ///
    /// # Errors
    /// What does not.
    pub fn check(&self) -> Result<(), ProtocolError> {
        if !(1..=MOST_STAGES).contains(&self.stages.len()) {
            return Err(ProtocolError::Stages);
        }
        for (n, stage) in self.stages.iter().enumerate() {
            let number = n + 1;
            let most = match stage.plan() {
                None => return Err(ProtocolError::Layout { stage: number }),
                Some(StageLayout::Fixed(layout)) => layout.cells(),
                Some(StageLayout::Fit(grid) | StageLayout::Crop(grid)) => grid.cells(),
            };
            if stage.cells.len() > most.min(MAX_CELLS) {
                return Err(ProtocolError::Cells { stage: number });
            }
            for (c, cell) in stage.cells.iter().enumerate() {
                let before = |other: Option<usize>| other.is_none_or(|o| o >= 1 && o <= c);
                if !before(cell.same_as) || !before(cell.like) {
                    let (stage, cell) = (number, c + 1);
                    return Err(ProtocolError::Reference { stage, cell });
                }
            }
        }
        Ok(())
    }

    /// The file that says it.
    ///
    /// # Errors
    /// When it cannot be written as a file.
    pub fn to_text(&self) -> Result<String, ProtocolError> {
        toml::to_string(self).map_err(|e| ProtocolError::Form(e.to_string()))
    }
}

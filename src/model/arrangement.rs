//! How the cells of the window are arranged: a grid, free cells after splitting, one series as tiles, or cuts of a volume.
//!
//! Must stay true: the cells of every layout fill the square exactly, without gap and without overlap. Therefore edges are
//! whole numbers of [`SIDE`] parts, which every grid up to 8×8 divides. A change gives a new value, so that the old one
//! takes it back. What the cells show is not here.

mod free;

pub use free::{Divider, FreeCells};

/// Parts of a side: a multiple of 1 to 8, so that every grid is exact.
pub const SIDE: u16 = 50_400;

/// No layout has more cells.
pub const MAX_CELLS: usize = 64;

/// No cell is narrower or lower than this, in parts of [`SIDE`].
pub const LEAST: u16 = SIDE / 16;

/// Where a cell lies, in parts of [`SIDE`] from the upper left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellRect {
    /// Left edge.
    pub left: u16,
    /// Upper edge.
    pub top: u16,
    /// Right edge, greater than the left one.
    pub right: u16,
    /// Lower edge, greater than the upper one.
    pub bottom: u16,
}

impl CellRect {
    /// All of it.
    pub const ALL: Self = Self {
        left: 0,
        top: 0,
        right: SIDE,
        bottom: SIDE,
    };

    /// Left, top, right and bottom as fractions.
    pub fn fractions(self) -> [f64; 4] {
        [self.left, self.top, self.right, self.bottom].map(|v| f64::from(v) / f64::from(SIDE))
    }

    /// From fractions of the whole; `None` when it is empty or lies outside.
    pub fn of_fractions([left, top, right, bottom]: [f64; 4]) -> Option<Self> {
        let part = |v: f64| {
            let parts = (v * f64::from(SIDE)).round();
            (0.0..=f64::from(SIDE))
                .contains(&parts)
                .then_some(parts as u16)
        };
        let rect = Self {
            left: part(left)?,
            top: part(top)?,
            right: part(right)?,
            bottom: part(bottom)?,
        };
        (rect.left < rect.right && rect.top < rect.bottom).then_some(rect)
    }

    fn area(self) -> u64 {
        let side = |from: u16, to: u16| u64::from(to.saturating_sub(from));
        side(self.left, self.right) * side(self.top, self.bottom)
    }

    fn overlaps(self, other: Self) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }
}

/// Rows and columns of equal cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Grid {
    columns: u8,
    rows: u8,
}

impl Grid {
    /// Most columns, and most rows.
    pub const MOST: u8 = 8;

    /// A grid; both numbers are brought into 1 to 8.
    pub const fn new(columns: u8, rows: u8) -> Self {
        const fn held(n: u8) -> u8 {
            match n {
                0 => 1,
                n if n > Grid::MOST => Grid::MOST,
                n => n,
            }
        }
        Self {
            columns: held(columns),
            rows: held(rows),
        }
    }

    /// Columns, 1 to 8.
    pub const fn columns(self) -> usize {
        self.columns as usize
    }

    /// Rows, 1 to 8.
    pub const fn rows(self) -> usize {
        self.rows as usize
    }

    /// Number of cells.
    pub const fn cells(self) -> usize {
        self.columns() * self.rows()
    }

    /// Where a cell lies; cells are counted row by row.
    pub fn rect(self, cell: usize) -> Option<CellRect> {
        if cell >= self.cells() {
            return None;
        }
        let (column, row) = (
            (cell % self.columns()) as u16,
            (cell / self.columns()) as u16,
        );
        let (width, height) = (SIDE / u16::from(self.columns), SIDE / u16::from(self.rows));
        Some(CellRect {
            left: column * width,
            top: row * height,
            right: (column + 1) * width,
            bottom: (row + 1) * height,
        })
    }
}

/// Which way a line runs that parts two cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Parting {
    /// From top to bottom: one cell left, one right.
    Upright,
    /// From left to right: one cell above, one below.
    Level,
}

/// Why a layout does not change as asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LayoutRefusal {
    /// There is no such cell.
    #[error("there is no such cell")]
    NoCell,
    /// There are as many cells as there can be.
    #[error("a layout has at most {MAX_CELLS} cells")]
    TooMany,
    /// A part would be too small to read.
    #[error("a cell would be too small")]
    TooSmall,
    /// Two cells that are to be one have no whole side in common.
    #[error("the cells have no whole side in common")]
    NotBeside,
    /// Cuts of one volume stand together.
    #[error("the cuts of a volume stand together")]
    Fixed,
}

/// How the cells are arranged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Equal cells.
    Grid(Grid),
    /// Equal cells that show consecutive images of one series.
    Tiles(Grid),
    /// Cells of any size.
    Free(FreeCells),
    /// Two by two: axial, axial in a second window, coronal, sagittal of one volume.
    Mpr,
}

impl Default for Layout {
    fn default() -> Self {
        Self::ONE
    }
}

impl Layout {
    /// One cell.
    pub const ONE: Self = Self::Grid(Grid::new(1, 1));
    /// Two cells side by side.
    pub const TWO: Self = Self::Grid(Grid::new(2, 1));
    /// Two by two.
    pub const FOUR: Self = Self::Grid(Grid::new(2, 2));

    /// Equal cells.
    pub const fn grid(columns: u8, rows: u8) -> Self {
        Self::Grid(Grid::new(columns, rows))
    }

    /// Number of cells.
    pub fn cells(&self) -> usize {
        match self {
            Self::Grid(grid) | Self::Tiles(grid) => grid.cells(),
            Self::Free(free) => free.len(),
            Self::Mpr => 4,
        }
    }

    /// Rows and columns, where the cells are equal.
    pub const fn as_grid(&self) -> Option<Grid> {
        match self {
            Self::Grid(grid) | Self::Tiles(grid) => Some(*grid),
            Self::Mpr => Some(Grid::new(2, 2)),
            Self::Free(_) => None,
        }
    }

    /// Where a cell lies.
    pub fn rect(&self, cell: usize) -> Option<CellRect> {
        match self {
            Self::Free(free) => free.rect(cell),
            Self::Grid(grid) | Self::Tiles(grid) => grid.rect(cell),
            Self::Mpr => Grid::new(2, 2).rect(cell),
        }
    }

    /// Where the cells lie, in their order.
    pub fn rects(&self) -> impl Iterator<Item = CellRect> + '_ {
        (0..self.cells()).filter_map(|cell| self.rect(cell))
    }

    /// One line that says it: `2x2` (columns × rows), `mpr`, `tiles 3x3`, or `free` with left, top, right and bottom of each
    /// cell in parts of [`SIDE`].
    pub fn word(&self) -> String {
        match self {
            Self::Grid(grid) => format!("{}x{}", grid.columns, grid.rows),
            Self::Tiles(grid) => format!("tiles {}x{}", grid.columns, grid.rows),
            Self::Mpr => "mpr".into(),
            Self::Free(free) => {
                let cell = |r: &CellRect| format!(" {},{},{},{}", r.left, r.top, r.right, r.bottom);
                let cells: String = free.rects().iter().map(cell).collect();
                format!("free{cells}")
            }
        }
    }

    /// The layout of such a line; `None` when it is none.
    pub fn of_word(word: &str) -> Option<Self> {
        let grid = |text: &str| -> Option<Grid> {
            let (columns, rows) = text.trim().split_once('x')?;
            let (columns, rows) = (columns.parse().ok()?, rows.parse().ok()?);
            let bounds = 1..=Grid::MOST;
            (bounds.contains(&columns) && bounds.contains(&rows)).then(|| Grid::new(columns, rows))
        };
        let word = word.trim();
        if word == "mpr" {
            return Some(Self::Mpr);
        }
        if let Some(cells) = word.strip_prefix("free ") {
            let cell = |text: &str| -> Option<CellRect> {
                let edges: Option<Vec<u16>> = text.split(',').map(|v| v.parse().ok()).collect();
                let [left, top, right, bottom] = edges?.try_into().ok()?;
                Some(CellRect {
                    left,
                    top,
                    right,
                    bottom,
                })
            };
            let cells = cells.split_whitespace().take(MAX_CELLS + 1).map(cell);
            return FreeCells::new(cells.collect::<Option<_>>()?).map(Self::tidy);
        }
        match word.strip_prefix("tiles ") {
            Some(tiles) => grid(tiles).map(Self::Tiles),
            None => grid(word).map(Self::Grid),
        }
    }

    /// The same cells, each of any size.
    fn free(&self) -> FreeCells {
        match self {
            Self::Free(free) => free.clone(),
            _ => FreeCells::of(self.rects().collect()),
        }
    }

    /// Equal cells are a grid again.
    fn tidy(free: FreeCells) -> Self {
        for columns in 1..=Grid::MOST {
            for rows in 1..=Grid::MOST {
                let grid = Grid::new(columns, rows);
                let same = |cell: usize| grid.rect(cell) == free.rect(cell);
                if grid.cells() == free.len() && (0..free.len()).all(same) {
                    return Self::Grid(grid);
                }
            }
        }
        Self::Free(free)
    }

    /// Parts a cell in two at a fraction of its own width or height. The new cell is the right or lower one and comes
    /// last; the others keep their numbers.
    ///
    /// # Errors
    /// No such cell, too many cells, or one would be too small.
    pub fn split(&self, cell: usize, way: Parting, at: f64) -> Result<Self, LayoutRefusal> {
        Ok(Self::tidy(self.free().split(cell, way, at)?))
    }

    /// Makes one cell of two that have a whole side in common. `keep` is the one that grows; the numbers above `gone` go
    /// down by one.
    ///
    /// # Errors
    /// No such cell, or no whole side in common.
    pub fn join(&self, keep: usize, gone: usize) -> Result<Self, LayoutRefusal> {
        Ok(Self::tidy(self.free().join(keep, gone)?))
    }

    /// The cell that can be joined with this one: the right one, the one below, the left one, the one above.
    pub fn partner(&self, cell: usize) -> Option<usize> {
        self.free().partner(cell)
    }

    /// The lines between cells.
    pub fn dividers(&self) -> Vec<Divider> {
        self.free().dividers()
    }

    /// With a line moved to a place in parts of [`SIDE`]; it stops where a cell would be too small.
    #[must_use]
    pub fn with_moved(&self, divider: Divider, to: u16) -> Self {
        Self::tidy(self.free().with_moved(divider, to))
    }

    /// Where the cells lie when some of them are elsewhere: their neighbours fill the room. A cell whose room nobody can
    /// fill keeps it.
    pub fn rects_without(&self, away: impl Fn(usize) -> bool) -> Vec<Option<CellRect>> {
        self.free().rects_without(away)
    }
}

#[cfg(test)]
mod tests;

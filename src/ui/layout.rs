//! Where the cells of the layout stand in the window.

use crate::model::arrangement::{CellRect, SIDE};
use egui::{Rect, pos2};

/// Points between two cells.
pub const GAP: f32 = 1.0;

/// The place of a cell in the area of all cells: cells stand one point apart, and the outer ones reach the border.
pub fn cell_rect(area: Rect, cell: CellRect) -> Rect {
    let edge = |at: u16, low: f32, length: f32, far: bool| {
        let whole = low + length * f32::from(at) / f32::from(SIDE);
        match (at, far) {
            (0, _) | (SIDE, _) => whole,
            (_, false) => whole + GAP / 2.0,
            (_, true) => whole - GAP / 2.0,
        }
    };
    let x = |at: u16, far: bool| edge(at, area.left(), area.width(), far);
    let y = |at: u16, far: bool| edge(at, area.top(), area.height(), far);
    Rect::from_min_max(
        pos2(x(cell.left, false), y(cell.top, false)),
        pos2(x(cell.right, true), y(cell.bottom, true)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::arrangement::Layout;

    #[test]
    fn cells_stand_one_point_apart_and_fill_the_area() {
        let area = Rect::from_min_max(pos2(10.0, 20.0), pos2(811.0, 621.0));
        let place = |cell| cell_rect(area, Layout::FOUR.rect(cell).unwrap());
        assert_eq!(place(0).min, area.min);
        assert_eq!(place(3).max, area.max);
        assert!((place(1).left() - place(0).right() - GAP).abs() < 1e-3);
        assert!((place(2).top() - place(0).bottom() - GAP).abs() < 1e-3);
        assert!((place(0).width() - place(1).width()).abs() < 1e-3);
    }
}

//! Scissors: what lies inside of an outline that was drawn over a plane, in that plane or however deep.

use crate::{
    imaging::segment::{
        Bits, Combine, Image,
        scissors::{Look, Part, Sheet, on_sheet, through},
    },
    model::geometry::GridGeometry,
};
use glam::DVec3;

/// A cut.
#[derive(Clone, Debug, PartialEq)]
pub struct Cut {
    /// Corners of the outline, millimetres along the two axes of the screen (pixels where nobody knows their size).
    pub outline: Vec<[f64; 2]>,
    /// Where columns of the screen lead, a unit vector in the space of the grid.
    pub right: DVec3,
    /// Where its rows lead.
    pub down: DVec3,
    /// A point of the plane that was shown.
    pub point: DVec3,
    /// However deep, and not only what the plane goes through.
    pub deep: bool,
    /// It is taken from the segment, and not given to it.
    pub takes: bool,
    /// Only values from here to there.
    pub range: Option<[f64; 2]>,
}

impl Cut {
    /// What it was told, as voxels remember it.
    pub(super) fn prompt(&self) -> String {
        let place = if self.deep { "through" } else { "slice" };
        let how = if self.takes { "take" } else { "add" };
        let mut prompt = format!("{place} {how} {} corners", self.outline.len());
        if let Some([low, high]) = self.range {
            prompt.push_str(&format!(" range {low} {high}"));
        }
        prompt
    }

    /// The voxels of a grid inside of it; `None` where values are asked for and there are none.
    pub(super) fn voxels(&self, grid: &GridGeometry, values: Option<&dyn Image>) -> Option<Bits> {
        let look = Look::along(grid, self.right, self.down);
        let mut inside = match self.deep {
            true => through(grid.size, &look, &self.outline, Part::Inside, None),
            false => {
                let normal = self.right.cross(self.down).normalize_or(DVec3::Z);
                let sheet = Sheet::of(grid, self.point, normal);
                on_sheet(grid.size, &look, &self.outline, &sheet)
            }
        };
        if let Some(range) = self.range {
            keep_values(&mut inside, range, values?);
        }
        Some(inside)
    }
}

/// Leaves the voxels whose values lie in a range, both ends included.
pub(super) fn keep_values(bits: &mut Bits, [low, high]: [f64; 2], values: &dyn Image) {
    let mut outside = Bits::new(bits.size());
    for at in bits.ones() {
        let value = values.value(at);
        if !(low <= value && value <= high) {
            outside.set(at, true);
        }
    }
    bits.combine(Combine::Subtract, &outside);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::segmentation::Voxels,
        tools::brush::{self, BrushShape, Stamp},
    };
    use glam::{DAffine3, DMat3};

    /// An outline around everything cuts what a disc of the brush covers that reaches over everything.
    #[test]
    fn a_plane_is_the_same_to_scissors_and_brush() {
        let turned = DMat3::from_axis_angle(DVec3::new(0.3, 1.0, -0.2).normalize(), 0.5);
        let grids = [
            DMat3::from_diagonal(DVec3::new(0.7, 0.9, 2.5)),
            turned * DMat3::from_diagonal(DVec3::new(-0.7, 0.8, 1.9)),
        ];
        let axes = [
            (DVec3::X, DVec3::Y),
            (DVec3::Y, DVec3::X),
            (DVec3::X, -DVec3::Z),
            (DVec3::Y, -DVec3::Z),
            (
                DVec3::new(0.8, 0.6, 0.0),
                DVec3::new(-0.48, 0.64, 0.6).normalize(),
            ),
        ];
        for matrix in grids {
            let grid = GridGeometry {
                size: [21, 19, 11],
                patient_from_voxel: DAffine3 {
                    matrix3: matrix,
                    translation: DVec3::new(-3.0, 7.5, 1.0),
                },
            };
            for (right, down) in axes {
                // On a voxel, and between two.
                for index in [DVec3::new(10.0, 9.0, 5.0), DVec3::new(10.5, 9.5, 5.5)] {
                    let point = grid.patient_from_voxel.transform_point3(index);
                    let cut = Cut {
                        outline: vec![[-1e4, -1e4], [1e4, -1e4], [1e4, 1e4], [-1e4, 1e4]],
                        right,
                        down,
                        point,
                        deep: false,
                        takes: false,
                        range: None,
                    };
                    let found = cut.voxels(&grid, None).unwrap();
                    let mut drawn = Voxels::new(grid.size);
                    let stamp = Stamp {
                        centre: point,
                        normal: right.cross(down),
                        radius: 200.0,
                        shape: BrushShape::Disc,
                    };
                    brush::stamp(&mut drawn, &grid, &stamp, |_, _| 1);
                    let all = Bits::from_fn(grid.size, |at| drawn.get(at) == 1);
                    assert!(!all.is_empty());
                    assert_eq!(found, all, "{right} {down} {index}");
                    let deep = Cut { deep: true, ..cut };
                    assert_eq!(deep.voxels(&grid, None).unwrap(), Bits::full(grid.size));
                }
            }
        }
    }
}

//! Connected parts of a mask.

/// One connected part.
#[derive(Clone, Debug, PartialEq)]
pub struct Component {
    /// Its number in the labels, from 1.
    pub label: u32,
    /// Voxels.
    pub voxels: usize,
    /// Mean of the voxels' indices (column, row, slice).
    pub centroid: [f64; 3],
    /// Lowest index of each axis.
    pub low: [usize; 3],
    /// Highest index of each axis, included.
    pub high: [usize; 3],
}

/// The parts of a mask of `size` (columns, rows, slices; columns fastest) that hang together over faces, edges or corners,
/// in the order of their first voxels; and for each voxel the number of its part, 0 for none. A mask of another length
/// than `size` says has no parts.
pub fn components(mask: &[bool], size: [usize; 3]) -> (Vec<u32>, Vec<Component>) {
    let [columns, rows, slices] = size;
    let mut labels = vec![0u32; mask.len()];
    let mut found: Vec<Component> = Vec::new();
    if mask.len() != columns * rows * slices {
        return (labels, found);
    }
    let place = |index: usize| {
        [
            index % columns,
            index / columns % rows,
            index / (columns * rows),
        ]
    };
    let mut open = Vec::new();
    for start in 0..mask.len() {
        if !mask.get(start).copied().unwrap_or(false) || labels.get(start) != Some(&0) {
            continue;
        }
        let label = found.len() as u32 + 1;
        let first = place(start);
        let mut part = Component {
            label,
            voxels: 0,
            centroid: [0.0; 3],
            low: first,
            high: first,
        };
        if let Some(value) = labels.get_mut(start) {
            *value = label;
        }
        open.push(start);
        while let Some(index) = open.pop() {
            let at = place(index);
            part.voxels += 1;
            for (axis, &position) in at.iter().enumerate() {
                part.centroid[axis] += position as f64;
                part.low[axis] = part.low[axis].min(position);
                part.high[axis] = part.high[axis].max(position);
            }
            let around = |axis: usize| {
                let last = size[axis] - 1;
                at[axis].saturating_sub(1)..=(at[axis] + 1).min(last)
            };
            for z in around(2) {
                for y in around(1) {
                    for x in around(0) {
                        let next = (z * rows + y) * columns + x;
                        if mask.get(next) != Some(&true) {
                            continue;
                        }
                        if let Some(value) = labels.get_mut(next)
                            && *value == 0
                        {
                            *value = label;
                            open.push(next);
                        }
                    }
                }
            }
        }
        part.centroid = part.centroid.map(|sum| sum / part.voxels as f64);
        found.push(part);
    }
    (labels, found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_hang_together_over_corners_and_no_further() {
        let size = [5, 4, 3];
        let mut mask = vec![false; 60];
        let at = |x: usize, y: usize, z: usize| (z * 4 + y) * 5 + x;
        for index in [at(0, 0, 0), at(1, 1, 1), at(1, 2, 1), at(4, 3, 2)] {
            mask[index] = true;
        }
        let (labels, found) = components(&mask, size);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].voxels, 3);
        assert_eq!((found[0].low, found[0].high), ([0, 0, 0], [1, 2, 1]));
        assert_eq!(found[0].centroid, [2.0 / 3.0, 1.0, 2.0 / 3.0]);
        assert_eq!(found[1].centroid, [4.0, 3.0, 2.0]);
        assert_eq!(labels[at(1, 2, 1)], 1);
        assert_eq!(labels[at(4, 3, 2)], 2);
        assert_eq!(labels.iter().filter(|&&l| l == 0).count(), 56);
        // The last column and the first of the next row are no neighbours.
        let mut row_end = vec![false; 60];
        row_end[at(4, 0, 0)] = true;
        row_end[at(0, 1, 0)] = true;
        assert_eq!(components(&row_end, size).1.len(), 2);
        assert!(components(&mask, [5, 4, 2]).1.is_empty());
    }
}

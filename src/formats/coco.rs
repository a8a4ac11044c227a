//! Masks as COCO has them: run lengths and polygons (cocodataset.org, "Data format"; the packed text of run lengths as its
//! reference code writes it).
//!
//! Run lengths go down the columns, the first run being outside. Polygons are columns and rows with the corner of the
//! first pixel at (0, 0).

/// Most pixels of a mask that is read.
const MOST_PIXELS: usize = 1 << 28;

/// Run lengths of a mask of rows.
pub fn runs(mask: &[bool], columns: usize) -> Vec<u32> {
    let rows = mask.len().checked_div(columns).unwrap_or(0);
    let (mut runs, mut inside, mut length) = (Vec::new(), false, 0_u32);
    for x in 0..columns {
        for y in 0..rows {
            let here = mask.get(y * columns + x).copied().unwrap_or(false);
            if here != inside {
                runs.push(std::mem::take(&mut length));
                inside = here;
            }
            length += 1;
        }
    }
    runs.push(length);
    runs
}

/// A mask of rows from run lengths; `None` when they are not those of its size.
pub fn from_runs(runs: &[u32], columns: usize, rows: usize) -> Option<Vec<bool>> {
    let pixels = columns.checked_mul(rows).filter(|n| *n <= MOST_PIXELS)?;
    let total: u64 = runs.iter().map(|n| u64::from(*n)).sum();
    if total != pixels as u64 {
        return None;
    }
    let mut mask = vec![false; pixels];
    let (mut at, mut inside) = (0_usize, false);
    for run in runs {
        let end = at + *run as usize;
        for place in (at..end).filter(|_| inside) {
            if let Some(slot) = mask.get_mut(place % rows * columns + place / rows) {
                *slot = true;
            }
        }
        (at, inside) = (end, !inside);
    }
    Some(mask)
}

/// The part of a mask that has anything in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cropped {
    /// Its first column and row.
    pub corner: [usize; 2],
    /// Its columns.
    pub columns: usize,
    /// Its pixels, rows in order; empty where nothing is in the mask.
    pub mask: Vec<bool>,
}

/// The smallest box around a mask and its pixels, from run lengths, so that a small part of a large picture costs
/// little; `None` when they are not those of its size, or the box has more than `most` pixels.
pub fn cropped(runs: &[u32], columns: usize, rows: usize, most: usize) -> Option<Cropped> {
    let pixels = columns.checked_mul(rows)? as u64;
    if runs.iter().map(|n| u64::from(*n)).sum::<u64>() != pixels || pixels > u64::from(u32::MAX) {
        return None;
    }
    let inside = || {
        let mut at = 0_usize;
        let places = runs.iter().map(move |run| {
            let from = at;
            at += *run as usize;
            (from, at)
        });
        places.skip(1).step_by(2).filter(|(from, end)| from < end)
    };
    let (mut low, mut high) = ([usize::MAX; 2], [0; 2]);
    for (from, end) in inside() {
        let (first, last) = (from / rows, (end - 1) / rows);
        let lines = match first == last {
            true => [from % rows, (end - 1) % rows],
            // It goes on at the top of the next column.
            false => [0, rows - 1],
        };
        low = [low[0].min(first), low[1].min(lines[0])];
        high = [high[0].max(last), high[1].max(lines[1])];
    }
    let [left, top] = low;
    if left == usize::MAX {
        return Some(Cropped {
            corner: [0; 2],
            columns: 0,
            mask: Vec::new(),
        });
    }
    let (wide, tall) = (high[0] - left + 1, high[1] - top + 1);
    let mut mask = vec![false; wide.checked_mul(tall).filter(|n| *n <= most)?];
    for place in inside().flat_map(|(from, end)| from..end) {
        let (x, y) = (place / rows - left, place % rows - top);
        if let Some(slot) = mask.get_mut(y * wide + x) {
            *slot = true;
        }
    }
    Some(Cropped {
        corner: low,
        columns: wide,
        mask,
    })
}

/// Run lengths from their packed text: numbers of five bits a character, from the third on as differences.
pub fn unpacked(text: &str) -> Option<Vec<u32>> {
    let mut runs: Vec<i64> = Vec::new();
    let mut bytes = text.bytes();
    while let Some(first) = bytes.next() {
        let (mut value, mut shift, mut byte) = (0_i64, 0_u32, first);
        loop {
            let code = i64::from(byte.checked_sub(48)?);
            if shift > 30 || code > 63 {
                return None;
            }
            value |= (code & 0x1f) << shift;
            shift += 5;
            if code & 0x20 == 0 {
                if code & 0x10 != 0 {
                    value |= -1 << shift;
                }
                break;
            }
            byte = bytes.next()?;
        }
        if runs.len() > 2 {
            value += runs.get(runs.len() - 2).copied().unwrap_or(0);
        }
        runs.push(value);
    }
    runs.into_iter().map(|n| u32::try_from(n).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_lengths_go_down_the_columns_and_come_back() {
        // Two rows of three.
        let mask = [false, true, true, false, false, true];
        assert_eq!(runs(&mask, 3), [2, 1, 1, 2]);
        assert_eq!(from_runs(&[2, 1, 1, 2], 3, 2).unwrap(), mask);
        let full = [true; 4];
        assert_eq!(runs(&full, 2), [0, 4]);
        assert_eq!(from_runs(&[0, 4], 2, 2).unwrap(), full);
        assert_eq!(from_runs(&[0, 5], 2, 2), None);
    }

    #[test]
    fn a_cropped_mask_is_the_part_of_the_whole() {
        // 5 columns, 4 rows: two columns of part, and one pixel.
        for (runs, box_) in [
            (vec![5, 2, 2, 2, 9], [1, 1, 2, 2]),
            (vec![0, 20], [0, 0, 5, 4]),
            (vec![6, 4, 10], [1, 0, 2, 4]),
            (vec![19, 1], [4, 3, 1, 1]),
        ] {
            let whole = from_runs(&runs, 5, 4).unwrap();
            let part = cropped(&runs, 5, 4, 100).unwrap();
            let [left, top, wide, tall] = box_;
            assert_eq!((part.corner, part.columns), ([left, top], wide), "{runs:?}");
            assert_eq!(part.mask.len(), wide * tall);
            for y in 0..4 {
                for x in 0..5 {
                    let there = x >= left && x < left + wide && y >= top && y < top + tall;
                    let inside = there && part.mask[(y - top) * wide + x - left];
                    assert_eq!(whole[y * 5 + x], inside, "{runs:?} {x} {y}");
                }
            }
        }
        assert!(cropped(&[20], 5, 4, 100).unwrap().mask.is_empty());
        assert_eq!(cropped(&[21], 5, 4, 100), None);
        assert_eq!(cropped(&[0, 20], 5, 4, 19), None);
        assert_eq!(cropped(&[0, 0], 0, 0, 9).unwrap().columns, 0);
    }

    /// Told by pycocotools 2.0: `decode` of the longer text, and `encode` of 6 x 8 pixels with rows 1 to 3 of columns 2 to 5 and the last pixel set.
    #[test]
    fn packed_text_is_that_of_the_reference_code() {
        let runs = vec![13, 3, 3, 3, 3, 3, 3, 3, 13, 1];
        assert_eq!(unpacked("=3300000:N"), Some(runs));
        let long = unpacked("V_1h8d000").unwrap();
        assert_eq!(long, [1510, 280, 20, 280, 20]);
        assert_eq!(unpacked("!"), None);
        assert_eq!(unpacked("oooooooooooo"), None);
    }
}

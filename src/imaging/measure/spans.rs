//! Which pixel centres lie inside an outline: row by row, as runs of columns.
//!
//! Works on axes where a pixel is one unit and centres lie at whole numbers. A centre on the outline is inside, within
//! [`ON`]; so the pixels of a mirrored or turned outline are the mirrored or turned pixels.

use super::{MAX_ROWS, MAX_WORK, MeasureError, crossing::edges, outline::Outline, spend};
use glam::DVec2;

/// A centre this near to the outline, in pixels, is on it: a million times what f64 rounds, a millionth of a pixel.
pub(super) const ON: f64 = 1e-6;

/// First and last column of a run, both included.
pub(super) type Run = [i64; 2];

/// The whole numbers between two bounds, both included.
pub(super) fn whole(low: f64, high: f64) -> Option<Run> {
    if low.is_nan() || high.is_nan() {
        return None;
    }
    let run = [(low - ON).ceil() as i64, (high + ON).floor() as i64];
    (run[0] <= run[1]).then_some(run)
}

/// How many columns a run has.
pub(super) const fn count(run: Run) -> u64 {
    run[1].abs_diff(run[0]) + 1
}

/// Calls with each row that holds pixels of the outline: row, and its runs from left to right, apart from each other.
///
/// # Errors
/// More rows than [`MAX_ROWS`], an outline too tangled, or what the call says.
pub(super) fn rows(
    outline: &Outline,
    mut each: impl FnMut(i64, &[Run]) -> Result<(), MeasureError>,
) -> Result<(), MeasureError> {
    let [low, high] = outline.bounds();
    let Some([first, last]) = whole(low.y, high.y) else {
        return Ok(());
    };
    if last.saturating_sub(first) >= MAX_ROWS {
        return Err(MeasureError::RegionTooLarge);
    }
    match outline {
        Outline::Ellipse { centre, axes } => {
            for row in first..=last {
                if let Some(run) = ellipse_run(*centre, *axes, row as f64) {
                    each(row, &[run])?;
                }
            }
            Ok(())
        }
        Outline::Polygon(points) => polygon_rows(points, first, last, each),
    }
}

/// The run of an ellipse. With `B` the inverse of the matrix of half-diameters, inside is `|B (p - centre)| <= 1`.
fn ellipse_run(centre: DVec2, [a, b]: [DVec2; 2], row: f64) -> Option<Run> {
    let determinant = a.perp_dot(b);
    let (bx, by) = (
        DVec2::new(b.y, -a.y) / determinant,
        DVec2::new(-b.x, a.x) / determinant,
    );
    let (alpha, beta) = (bx.length_squared(), bx.dot(by));
    let reach = a.y.hypot(b.y);
    let y = row - centre.y;
    // Rows that only touch the ellipse hold the one place where they do.
    let inside = (1.0 - (y / reach) * (y / reach)).max(0.0) / alpha;
    let middle = centre.x - beta / alpha * y;
    whole(middle - inside.sqrt(), middle + inside.sqrt())
}

/// The even-odd rule, with the outline itself counted as inside.
fn polygon_rows(
    points: &[DVec2],
    first: i64,
    last: i64,
    mut each: impl FnMut(i64, &[Run]) -> Result<(), MeasureError>,
) -> Result<(), MeasureError> {
    let mut work = MAX_WORK;
    let mut waiting: Vec<[DVec2; 2]> = edges(points).collect();
    // Taken from the end, so highest first.
    waiting.sort_by(|[a, b], [c, d]| c.y.min(d.y).total_cmp(&a.y.min(b.y)));
    let mut active: Vec<[DVec2; 2]> = Vec::new();
    let (mut crossed, mut runs) = (Vec::new(), Vec::<Run>::new());
    for row in first..=last {
        let y = row as f64;
        while let Some(edge) = waiting.pop_if(|[a, b]| a.y.min(b.y) <= y + ON) {
            active.push(edge);
        }
        active.retain(|[a, b]| a.y.max(b.y) >= y - ON);
        spend(&mut work, active.len() as u64 + 1)?;
        crossed.clear();
        runs.clear();
        for [a, b] in &active {
            let at = |y: f64| a.x + (b.x - a.x) * ((y - a.y) / (b.y - a.y)).clamp(0.0, 1.0);
            // Each corner belongs to the edge below it or above it, never to both.
            if (a.y <= y) != (b.y <= y) {
                crossed.push(at(y));
            }
            // The edge itself: all of it when it lies along the row, else where it meets the row.
            let on = if (b.y - a.y).abs() <= ON {
                whole(a.x.min(b.x), a.x.max(b.x))
            } else {
                whole(at(y), at(y))
            };
            runs.extend(on);
        }
        crossed.sort_by(f64::total_cmp);
        runs.extend(
            crossed
                .as_chunks::<2>()
                .0
                .iter()
                .filter_map(|[l, r]| whole(*l, *r)),
        );
        join(&mut runs);
        if !runs.is_empty() {
            each(row, &runs)?;
        }
    }
    Ok(())
}

/// Sorts runs and joins those that share columns.
fn join(runs: &mut Vec<Run>) {
    runs.sort_unstable();
    runs.dedup_by(|next, kept| {
        let joined = next[0] <= kept[1];
        if joined {
            kept[1] = kept[1].max(next[1]);
        }
        joined
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use glam::{DAffine2, DMat2};

    fn pixels(outline: &Outline) -> Vec<(i64, i64)> {
        let mut all = Vec::new();
        rows(outline, |row, runs| {
            for run in runs {
                all.extend((run[0]..=run[1]).map(|column| (column, row)));
            }
            Ok(())
        })
        .unwrap();
        all.sort_unstable();
        all
    }

    fn polygon(points: &[(f64, f64)]) -> Outline {
        Outline::Polygon(points.iter().map(|(x, y)| DVec2::new(*x, *y)).collect())
    }

    #[test]
    fn centres_on_the_outline_are_inside() {
        let n = |points: &[(f64, f64)]| pixels(&polygon(points)).len();
        assert_eq!(n(&[(2., 3.), (6., 3.), (6., 5.), (2., 5.)]), 15);
        assert_eq!(n(&[(1.5, 2.5), (6.5, 2.5), (6.5, 5.5), (1.5, 5.5)]), 15);
        assert_eq!(n(&[(2.1, 3.1), (5.9, 3.1), (5.9, 4.9), (2.1, 4.9)]), 3);
        assert_eq!(n(&[(0., 0.), (4., 0.), (0., 4.)]), 15);
        assert_eq!(n(&[(0.2, 0.2), (0.8, 0.2), (0.8, 0.8)]), 0);
        let circle = Outline::Ellipse {
            centre: DVec2::new(10.0, 10.0),
            axes: [DVec2::X * 5.0, DVec2::Y * 5.0],
        };
        // Gauss's circle problem: 81 points within a radius of 5, twelve of them on it.
        assert_eq!(pixels(&circle).len(), 81);
    }

    #[test]
    fn the_eight_ways_of_turning_pixels_turn_the_run() {
        let shapes = [
            polygon(&[
                (2.0, 3.0),
                (17.0, 5.0),
                (14.3, 9.0),
                (18.0, 15.0),
                (7.5, 11.0),
                (3.0, 19.0),
            ]),
            polygon(&[(2.0, 2.0), (18.0, 18.0), (18.0, 2.0), (2.0, 18.0)]),
            polygon(&[
                (2.0, 2.0),
                (8.0, 2.0),
                (18.0, 2.0),
                (10.0, 2.0),
                (10.0, 9.0),
                (2.0, 9.0),
            ]),
            Outline::Ellipse {
                centre: DVec2::new(9.0, 11.0),
                axes: [DVec2::new(6.0, 3.0), DVec2::new(-2.0, 4.0)],
            },
        ];
        for shape in shapes {
            let plain = pixels(&shape);
            assert!(plain.len() > 50);
            for way in 0..8 {
                let sign = |bit: i32| if way & bit == 0 { 1.0 } else { -1.0 };
                let mut matrix2 = DMat2::from_diagonal(DVec2::new(sign(1), sign(2)));
                if way & 4 != 0 {
                    matrix2 *= DMat2::from_cols(DVec2::Y, DVec2::X);
                }
                let map = DAffine2 {
                    matrix2,
                    translation: DVec2::new(100.0, 200.0),
                };
                let turned = pixels(&shape.mapped(&map));
                let mut expected: Vec<(i64, i64)> = plain
                    .iter()
                    .map(|(x, y)| {
                        let p = map.transform_point2(DVec2::new(*x as f64, *y as f64));
                        (p.x.round() as i64, p.y.round() as i64)
                    })
                    .collect();
                expected.sort_unstable();
                assert_eq!(turned, expected, "way {way}");
            }
        }
    }

    #[test]
    fn pixels_are_those_of_a_plain_even_odd_test() {
        // A star of 37 corners that crosses itself, at odd places: no centre is on it.
        let points: Vec<DVec2> = (0..37)
            .map(|i| {
                let t = f64::from(i) * 2.399_963;
                DVec2::new(40.013, 39.987) + DVec2::from_angle(t) * (10.0 + f64::from(i))
            })
            .collect();
        let found = pixels(&Outline::Polygon(points.clone()));
        let mut expected = Vec::new();
        for x in -20..100i64 {
            for y in -20..100i64 {
                let p = DVec2::new(x as f64, y as f64);
                let odd = edges(&points)
                    .filter(|[a, b]| {
                        (a.y > p.y) != (b.y > p.y)
                            && p.x < (b.x - a.x) * (p.y - a.y) / (b.y - a.y) + a.x
                    })
                    .count();
                if odd % 2 == 1 {
                    expected.push((x, y));
                }
            }
        }
        assert_eq!(found, expected);
    }

    #[test]
    fn endless_shapes_are_refused() {
        let circle = Outline::Ellipse {
            centre: DVec2::ZERO,
            axes: [DVec2::X * 1e9, DVec2::Y * 1e9],
        };
        let found = rows(&circle, |_, _| Ok(()));
        assert_eq!(found, Err(MeasureError::RegionTooLarge));
    }
}

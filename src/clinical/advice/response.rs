//! How a tumour answers treatment: RECIST 1.1.
//!
//! Eisenhauer et al., Eur J Cancer 45:228 (2009): sections 4.3 and 4.4, tables 1 and 2.

/// Where the rules are published.
pub const SOURCE: &str = "RECIST 1.1, Eur J Cancer 45:228 (2009)";

/// Answer of the target lesions, or as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Response {
    /// Complete response.
    Complete,
    /// Partial response.
    Partial,
    /// Stable disease.
    Stable,
    /// Progressive disease.
    Progressive,
    /// Neither complete response nor progression of non-target lesions.
    NonCrNonPd,
    /// Not evaluable.
    NotEvaluable,
}

impl Response {
    /// Abbreviation as people write it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Complete => "CR",
            Self::Partial => "PR",
            Self::Stable => "SD",
            Self::Progressive => "PD",
            Self::NonCrNonPd => "non-CR/non-PD",
            Self::NotEvaluable => "NE",
        }
    }
}

/// A target lesion at one time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Target {
    /// Longest diameter, of a lymph node the short axis, mm; none where it was not measured.
    pub diameter_mm: Option<f64>,
    /// A lymph node: below 10 mm it is normal.
    pub node: bool,
}

/// Non-target lesions at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NonTarget {
    /// There are none.
    None,
    /// All gone.
    Complete,
    /// Some are there.
    Present,
    /// Clearly more.
    Progressive,
    /// Not looked at.
    NotEvaluated,
}

/// One examination.
#[derive(Clone, Debug, PartialEq)]
pub struct TimePoint {
    /// Target lesions, in the same order at every time.
    pub targets: Vec<Target>,
    /// Non-target lesions.
    pub non_target: NonTarget,
    /// A new lesion.
    pub new_lesion: bool,
}

/// What one examination amounts to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Assessment {
    /// Sum of diameters, mm, of what was measured.
    pub sum_mm: f64,
    /// Change against the first, per cent.
    pub from_baseline: f64,
    /// Change against the smallest sum before, per cent.
    pub from_nadir: f64,
    /// Target lesions.
    pub targets: Response,
    /// All together.
    pub overall: Response,
}

/// Most target lesions, and most of them in one organ (section 3.1.2).
pub const MOST_TARGETS: usize = 5;

/// Assesses a course of examinations; the first is the baseline. One assessment for each that follows.
pub fn assess(points: &[TimePoint]) -> Vec<Assessment> {
    let sum = |point: &TimePoint| {
        point
            .targets
            .iter()
            .filter_map(|t| t.diameter_mm)
            .sum::<f64>()
    };
    let Some((baseline, later)) = points.split_first() else {
        return Vec::new();
    };
    let first = sum(baseline);
    let mut nadir = first;
    let mut out = Vec::new();
    for point in later {
        let now = sum(point);
        let change = |from: f64| {
            if from > 0.0 {
                (now - from) / from * 100.0
            } else {
                0.0
            }
        };
        let complete = point.targets.len() == baseline.targets.len()
            && point.targets.iter().all(|t| t.diameter_mm.is_some());
        let targets = target_response(point, baseline, now, first, nadir, complete);
        out.push(Assessment {
            sum_mm: now,
            from_baseline: change(first),
            from_nadir: change(nadir),
            targets,
            overall: overall(targets, point.non_target, point.new_lesion),
        });
        if complete {
            nadir = nadir.min(now);
        }
    }
    out
}

fn target_response(
    point: &TimePoint,
    baseline: &TimePoint,
    now: f64,
    first: f64,
    nadir: f64,
    complete: bool,
) -> Response {
    // A sum that is too large already is progression, whatever was not measured (section 4.4.2).
    let progressive = now - nadir >= 5.0 && now >= 1.2 * nadir;
    if baseline.targets.is_empty() {
        return Response::NotEvaluable;
    }
    if progressive {
        return Response::Progressive;
    }
    if !complete {
        return Response::NotEvaluable;
    }
    // Section 4.3.1: all gone, and lymph nodes below 10 mm, so that the sum may be above zero.
    let gone = point.targets.iter().all(|t| {
        let size = t.diameter_mm.unwrap_or(f64::MAX);
        if t.node { size < 10.0 } else { size == 0.0 }
    });
    match now {
        _ if gone => Response::Complete,
        now if now <= 0.7 * first => Response::Partial,
        _ => Response::Stable,
    }
}

/// Table 1, and table 2 where there are no target lesions.
fn overall(targets: Response, non_target: NonTarget, new_lesion: bool) -> Response {
    if new_lesion || targets == Response::Progressive || non_target == NonTarget::Progressive {
        return Response::Progressive;
    }
    match (targets, non_target) {
        (Response::Complete, NonTarget::None | NonTarget::Complete) => Response::Complete,
        (Response::Complete, _) => Response::Partial,
        (other, _) => other,
    }
}

/// Table 2: disease without target lesions.
pub fn without_targets(non_target: NonTarget, new_lesion: bool) -> Response {
    match (non_target, new_lesion) {
        (NonTarget::Progressive, _) | (_, true) => Response::Progressive,
        (NonTarget::Complete, _) => Response::Complete,
        (NonTarget::Present, _) => Response::NonCrNonPd,
        (NonTarget::None | NonTarget::NotEvaluated, _) => Response::NotEvaluable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(sizes: &[f64], non_target: NonTarget, new_lesion: bool) -> TimePoint {
        TimePoint {
            targets: sizes
                .iter()
                .map(|s| Target {
                    diameter_mm: (*s >= 0.0).then_some(*s),
                    node: false,
                })
                .collect(),
            non_target,
            new_lesion,
        }
    }

    /// Twelve courses worked by hand.
    #[test]
    fn twelve_courses() {
        use NonTarget::{Complete, None, NotEvaluated, Present, Progressive};
        let check = |name: &str,
                     base: &[f64],
                     later: &[(&[f64], NonTarget, bool)],
                     expected: &[(&str, &str)]| {
            let mut points = vec![point(base, None, false)];
            points.extend(later.iter().map(|(s, n, new)| point(s, *n, *new)));
            let found: Vec<(&str, &str)> = assess(&points)
                .iter()
                .map(|a| (a.targets.code(), a.overall.code()))
                .collect();
            assert_eq!(found, expected, "{name}");
        };
        check(
            "a sum of 100 to 70 is partial",
            &[60.0, 40.0],
            &[(&[42.0, 28.0], None, false)],
            &[("PR", "PR")],
        );
        check(
            "29 per cent less is stable",
            &[60.0, 40.0],
            &[(&[43.0, 28.0], None, false)],
            &[("SD", "SD")],
        );
        check(
            "20 per cent and 20 mm more is progression",
            &[100.0],
            &[(&[120.0], None, false)],
            &[("PD", "PD")],
        );
        check(
            "20 per cent, but 4 mm, is stable",
            &[20.0],
            &[(&[24.0], None, false)],
            &[("SD", "SD")],
        );
        check(
            "5 mm, but 10 per cent, is stable",
            &[50.0],
            &[(&[55.0], None, false)],
            &[("SD", "SD")],
        );
        check(
            "against the nadir, not the baseline",
            &[100.0],
            &[(&[50.0], None, false), (&[61.0], None, false)],
            &[("PR", "PR"), ("PD", "PD")],
        );
        check(
            "all gone",
            &[30.0, 12.0],
            &[(&[0.0, 0.0], Complete, false)],
            &[("CR", "CR")],
        );
        check(
            "targets gone, others there",
            &[30.0],
            &[(&[0.0], Present, false)],
            &[("CR", "PR")],
        );
        check(
            "targets gone, others not looked at",
            &[30.0],
            &[(&[0.0], NotEvaluated, false)],
            &[("CR", "PR")],
        );
        check(
            "a new lesion",
            &[30.0],
            &[(&[10.0], None, true)],
            &[("PR", "PD")],
        );
        check(
            "others progress",
            &[30.0],
            &[(&[20.0], Progressive, false)],
            &[("PR", "PD")],
        );
        check(
            "one not measured",
            &[30.0, 20.0],
            &[(&[30.0, -1.0], None, false)],
            &[("NE", "NE")],
        );
    }

    /// Lymph nodes below 10 mm are normal, so a complete response may have a sum above zero (section 4.3.1).
    #[test]
    fn lymph_nodes_count_by_their_short_axis() {
        let targets = |size: f64, node: f64| TimePoint {
            targets: vec![
                Target {
                    diameter_mm: Some(size),
                    node: false,
                },
                Target {
                    diameter_mm: Some(node),
                    node: true,
                },
            ],
            non_target: NonTarget::None,
            new_lesion: false,
        };
        let found = assess(&[targets(30.0, 18.0), targets(0.0, 9.0), targets(0.0, 10.0)]);
        assert_eq!(found[0].targets, Response::Complete);
        assert!((found[0].sum_mm - 9.0).abs() < 1e-12);
        // 9 to 10 mm is 11 per cent and 1 mm: no progression; 10 mm is no longer normal.
        assert_eq!(found[1].targets, Response::Partial);
        assert_eq!(
            without_targets(NonTarget::Present, false).code(),
            "non-CR/non-PD"
        );
        assert_eq!(
            without_targets(NonTarget::Complete, true),
            Response::Progressive
        );
    }
}

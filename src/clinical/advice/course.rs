//! The course of lesions that somebody marked on the studies of one patient: RECIST 1.1 sums and answers, and how fast
//! each lesion grows. The window and the command line both ask here.

use super::{
    growth,
    response::{self, Assessment, NonTarget, Target, TimePoint},
};
use crate::model::{annotation::MarkKind, date::Date};
use std::collections::BTreeMap;

/// What a lesion counts as, by the group of its marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// A target lesion: its longest diameter counts.
    Target,
    /// A target lymph node: its short axis counts.
    Node,
    /// Measured in no sum: there, or gone.
    NonTarget,
    /// A new lesion.
    New,
}

impl Role {
    /// All roles, in the order of the window.
    pub const ALL: [Self; 4] = [Self::Target, Self::Node, Self::NonTarget, Self::New];

    /// Name of the group that marks of such a lesion have, the same in every language.
    pub const fn group(self) -> &'static str {
        match self {
            Self::Target => "RECIST target",
            Self::Node => "RECIST node",
            Self::NonTarget => "RECIST non-target",
            Self::New => "RECIST new",
        }
    }

    /// The role that a group stands for.
    pub fn of_group(group: &str) -> Option<Self> {
        let group = group.trim();
        Self::ALL
            .into_iter()
            .find(|role| role.group().eq_ignore_ascii_case(group))
    }

    const fn is_target(self) -> bool {
        matches!(self, Self::Target | Self::Node)
    }
}

/// The diameters among the numbers of a mark, the longest first: (name, value, unit) of each. Only those in mm count:
/// pixels of unknown size make no sum.
pub fn diameters_mm<'a>(
    numbers: impl Iterator<Item = (&'a str, Option<f64>, &'a str)>,
) -> Vec<f64> {
    let mut found: Vec<f64> = numbers
        .filter(|(name, _, unit)| {
            let across = [
                "length",
                "long_axis",
                "short_axis",
                "major_axis",
                "minor_axis",
            ];
            across.contains(name) && *unit == "mm"
        })
        .filter_map(|(_, value, _)| value.filter(|v| v.is_finite() && *v > 0.0))
        .collect();
    found.sort_by(|a, b| b.total_cmp(a));
    found
}

/// One mark, as far as it counts here.
#[derive(Clone, Debug, PartialEq)]
pub struct LesionMark {
    /// Day of its study.
    pub date: Option<Date>,
    /// Name of the lesion: the label of the mark.
    pub lesion: String,
    /// What it counts as.
    pub role: Role,
    /// What was drawn.
    pub kind: MarkKind,
    /// Diameters in mm, the longest first; empty where nothing was measured in mm.
    pub diameters_mm: Vec<f64>,
}

/// A lesion at all times.
#[derive(Clone, Debug, PartialEq)]
pub struct Lesion {
    /// Its name, as it was first written.
    pub name: String,
    /// What it counts as.
    pub role: Role,
    /// The diameter that counts at each time, mm; 0 where it is said to be gone, none where nothing was drawn or
    /// nothing could be measured.
    pub sizes_mm: Vec<Option<f64>>,
    /// Days in which its volume doubles since the time before at which it was measured, negative where it shrinks.
    pub doubling_days: Vec<Option<f64>>,
}

/// What speaks against a figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Marks on studies without a day: how many. They do not count.
    NoDate(usize),
    /// Marks without a label: how many. They do not count.
    NoName(usize),
    /// A lesion has no diameter in mm at a time.
    NotMeasured(String, Date),
    /// More targets than the rule takes: how many.
    TooManyTargets(usize),
    /// A target that is not there at the first time: it does not count.
    NotAtBaseline(String),
}

/// All together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Course {
    /// Days of the studies, in order; the first is the baseline.
    pub dates: Vec<Date>,
    /// Lesions by role and name.
    pub lesions: Vec<Lesion>,
    /// Sum of the targets at the baseline, mm.
    pub baseline_mm: f64,
    /// What each later time amounts to.
    pub assessments: Vec<Assessment>,
    /// What speaks against a figure.
    pub faults: Vec<Fault>,
}

/// What is known of one lesion on one day: the diameters, or that it is gone.
#[derive(Clone, Default)]
struct Seen {
    diameters_mm: Vec<f64>,
    gone: bool,
}

/// Lesions by role and name, each with its name as first written and what was seen on each day.
type ByLesion = BTreeMap<(Role, String), (String, BTreeMap<Date, Seen>)>;

/// Puts marks together. Marks with one label (whatever the case) are one lesion; of several on one day the largest
/// counts. A point with a lesion's label says that it is gone (0 mm).
pub fn course(marks: &[LesionMark]) -> Course {
    let mut out = Course::default();
    let mut seen = ByLesion::new();
    let (mut undated, mut unnamed) = (0, 0);
    for mark in marks {
        let name = mark.lesion.trim();
        let Some(date) = mark.date else {
            undated += 1;
            continue;
        };
        if name.is_empty() {
            unnamed += 1;
            continue;
        }
        let (_, days) = seen
            .entry((mark.role, name.to_lowercase()))
            .or_insert_with(|| (name.to_owned(), BTreeMap::new()));
        let day = days.entry(date).or_default();
        if mark.kind == MarkKind::Point {
            day.gone |= day.diameters_mm.is_empty();
        } else {
            day.gone = false;
            let first = |of: &[f64]| of.first().copied().unwrap_or(0.0);
            if first(&mark.diameters_mm) > first(&day.diameters_mm) {
                day.diameters_mm.clone_from(&mark.diameters_mm);
            }
        }
    }
    if undated > 0 {
        out.faults.push(Fault::NoDate(undated));
    }
    if unnamed > 0 {
        out.faults.push(Fault::NoName(unnamed));
    }
    let mut dates: Vec<Date> = seen.values().flat_map(|(_, d)| d.keys().copied()).collect();
    dates.sort_unstable();
    dates.dedup();
    for ((role, _), (name, days)) in &seen {
        out.lesions.push(lesion(*role, name, days, &dates));
        for (date, _) in days
            .iter()
            .filter(|(_, s)| role.is_target() && !s.gone && s.diameters_mm.is_empty())
        {
            out.faults.push(Fault::NotMeasured(name.clone(), *date));
        }
    }
    out.dates = dates;
    assess(&mut out, &seen);
    out
}

fn lesion(role: Role, name: &str, days: &BTreeMap<Date, Seen>, dates: &[Date]) -> Lesion {
    let mut out = Lesion {
        name: name.to_owned(),
        role,
        sizes_mm: Vec::new(),
        doubling_days: Vec::new(),
    };
    let mut before: Option<(Date, &Seen)> = None;
    for date in dates {
        let now = days.get(date);
        out.sizes_mm.push(now.and_then(|seen| size(role, seen)));
        let measured = now.filter(|seen| !seen.diameters_mm.is_empty());
        let doubling = measured.zip(before).and_then(|(now, (then, first))| {
            let days = date.days_since_epoch() - then.days_since_epoch();
            // Like is compared with like: both diameters where both times have them.
            let shared = now.diameters_mm.len().min(first.diameters_mm.len()).min(2);
            let volume = |seen: &Seen| growth::volume_mm3(seen.diameters_mm.get(..shared)?);
            growth::doubling_days(volume(first)?, volume(now)?, days as f64)
        });
        out.doubling_days.push(doubling);
        if let Some(now) = measured {
            before = Some((*date, now));
        }
    }
    out
}

/// The diameter that counts. A node of which only one diameter was drawn is taken by it.
fn size(role: Role, seen: &Seen) -> Option<f64> {
    if seen.gone {
        return Some(0.0);
    }
    match role {
        Role::Node => seen.diameters_mm.last().copied(),
        _ => seen.diameters_mm.first().copied(),
    }
}

fn assess(out: &mut Course, seen: &ByLesion) {
    let at_baseline = |lesion: &&Lesion| lesion.sizes_mm.first().is_some_and(Option::is_some);
    let mut faults = Vec::new();
    let targets: Vec<&Lesion> = out
        .lesions
        .iter()
        .filter(|l| l.role.is_target())
        .filter(|l| {
            let there = at_baseline(l);
            if !there {
                faults.push(Fault::NotAtBaseline(l.name.clone()));
            }
            there
        })
        .collect();
    if targets.len() > response::MOST_TARGETS {
        faults.push(Fault::TooManyTargets(targets.len()));
    }
    let others: Vec<&BTreeMap<Date, Seen>> = seen
        .iter()
        .filter(|((role, _), _)| *role == Role::NonTarget)
        .map(|(_, (_, days))| days)
        .filter(|days| out.dates.first().is_some_and(|day| days.contains_key(day)))
        .collect();
    let mut new_lesion = false;
    let points: Vec<TimePoint> = out
        .dates
        .iter()
        .enumerate()
        .map(|(number, date)| {
            // What was new stays new: the disease progressed.
            new_lesion |= out.lesions.iter().any(|l| {
                let drawn = seen
                    .get(&(l.role, l.name.to_lowercase()))
                    .and_then(|(_, days)| days.get(date));
                l.role == Role::New && drawn.is_some_and(|s| !s.gone)
            });
            let states: Vec<Option<bool>> = others
                .iter()
                .map(|days| days.get(date).map(|s| s.gone))
                .collect();
            let non_target = match states.as_slice() {
                [] => NonTarget::None,
                all if all.iter().any(Option::is_none) => NonTarget::NotEvaluated,
                all if all.iter().all(|gone| *gone == Some(true)) => NonTarget::Complete,
                _ => NonTarget::Present,
            };
            TimePoint {
                targets: targets
                    .iter()
                    .map(|l| Target {
                        diameter_mm: l.sizes_mm.get(number).copied().flatten(),
                        node: l.role == Role::Node,
                    })
                    .collect(),
                non_target,
                new_lesion,
            }
        })
        .collect();
    out.baseline_mm = points
        .first()
        .map(|p| p.targets.iter().filter_map(|t| t.diameter_mm).sum())
        .unwrap_or_default();
    // Without targets, or with too many, there is no sum to judge.
    if !targets.is_empty() && targets.len() <= response::MOST_TARGETS {
        out.assessments = response::assess(&points);
    }
    out.faults.extend(faults);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::LN_2;

    fn mark(date: &str, lesion: &str, role: Role, diameters: &[f64]) -> LesionMark {
        LesionMark {
            date: Date::parse(date),
            lesion: lesion.into(),
            role,
            kind: if diameters.is_empty() {
                MarkKind::Point
            } else {
                MarkKind::Bidirectional
            },
            diameters_mm: diameters.to_vec(),
        }
    }

    #[test]
    fn sums_follow_the_marks() {
        let found = course(&[
            mark("2024-01-01", "T1", Role::Target, &[60.0, 40.0]),
            mark("2024-01-01", "Node", Role::Node, &[30.0, 20.0]),
            mark("2024-03-01", "t1 ", Role::Target, &[36.0, 30.0]),
            // The larger of two on one day, whichever comes first.
            mark("2024-03-01", "T1", Role::Target, &[20.0]),
            mark("2024-03-01", "node", Role::Node, &[25.0, 9.0]),
            mark("2024-06-01", "T1", Role::Target, &[]),
            mark("2024-06-01", "Node", Role::Node, &[12.0, 8.0]),
        ]);
        assert_eq!(found.faults, []);
        assert_eq!(found.dates.len(), 3);
        assert!((found.baseline_mm - 80.0).abs() < 1e-12);
        let said: Vec<(f64, &str)> = found
            .assessments
            .iter()
            .map(|a| (a.sum_mm, a.overall.code()))
            .collect();
        // 80 to 45 is 44 per cent less; then one is gone and the node is below 10 mm.
        assert_eq!(said, [(45.0, "PR"), (8.0, "CR")]);
        let first = &found.lesions[0];
        assert_eq!(first.sizes_mm, [Some(60.0), Some(36.0), Some(0.0)]);
        // Volumes of ellipsoids whose third extent is the geometric mean: 60 days from January to March of 2024.
        let ratio: f64 = (36.0 * 30.0 / (60.0 * 40.0f64)).powf(1.5);
        let expected = 60.0 * LN_2 / ratio.ln();
        let doubling = first.doubling_days[1].unwrap();
        assert!((doubling - expected).abs() < 1e-9, "{doubling}");
        assert_eq!(
            (first.doubling_days[0], first.doubling_days[2]),
            (None, None)
        );
    }

    #[test]
    fn what_does_not_count_is_said() {
        let found = course(&[
            mark("2024-01-01", "T1", Role::Target, &[20.0]),
            mark("2024-01-01", "", Role::Target, &[20.0]),
            mark("", "T2", Role::Target, &[20.0]),
            mark("2024-02-01", "T1", Role::Target, &[20.0]),
            mark("2024-02-01", "T3", Role::Target, &[20.0]),
            mark("2024-02-01", "N1", Role::New, &[5.0]),
            LesionMark {
                kind: MarkKind::Length,
                ..mark("2024-03-01", "T1", Role::Target, &[])
            },
        ]);
        assert_eq!(
            found.faults,
            [
                Fault::NoDate(1),
                Fault::NoName(1),
                Fault::NotMeasured("T1".into(), Date::parse("2024-03-01").unwrap()),
                Fault::NotAtBaseline("T3".into()),
            ]
        );
        let said: Vec<&str> = found.assessments.iter().map(|a| a.overall.code()).collect();
        // A new lesion is progression, and stays it.
        assert_eq!(said, ["PD", "PD"]);
        assert_eq!(found.assessments[1].targets.code(), "NE");
        let many: Vec<LesionMark> = (0..6)
            .map(|n| mark("2024-01-01", &n.to_string(), Role::Target, &[20.0]))
            .collect();
        let found = course(&many);
        assert_eq!(found.faults, [Fault::TooManyTargets(6)]);
        assert_eq!(found.assessments, []);
    }

    #[test]
    fn other_lesions_are_there_or_gone() {
        let with = |later: &[LesionMark]| {
            let mut marks = vec![
                mark("2024-01-01", "T1", Role::Target, &[20.0]),
                mark("2024-01-01", "E", Role::NonTarget, &[9.0]),
                mark("2024-02-01", "T1", Role::Target, &[]),
            ];
            marks.extend_from_slice(later);
            course(&marks).assessments[0].overall.code()
        };
        assert_eq!(with(&[]), "PR");
        assert_eq!(
            with(&[mark("2024-02-01", "E", Role::NonTarget, &[9.0])]),
            "PR"
        );
        assert_eq!(with(&[mark("2024-02-01", "E", Role::NonTarget, &[])]), "CR");
    }

    #[test]
    fn groups_name_roles() {
        for role in Role::ALL {
            assert_eq!(Role::of_group(&role.group().to_uppercase()), Some(role));
        }
        assert_eq!(Role::of_group("liver"), None);
    }
}

//! How well the readers of a store agree: in tags and grades by kappa, in what they outlined and painted by Dice.
//!
//! Must stay true: who did not look at something is no vote that there is nothing. A reader looked at an image or a study when
//! he said or drew anything there, at a series (or the frame of one that is no volume) for masks when he stands behind a segment there.

use super::{
    label_sets::{Form, Gathered, Label},
    segmenting::readers::reader_of,
};
use crate::{
    imaging::metrics::agreement::{Weights, cohen_kappa, fleiss_kappa, intraclass_correlation},
    model::{
        edit::Kept,
        geometry::GridGeometry,
        labelling::{Answer, Subject},
        segmentation::{SegmentState, VoxelBox, Voxels},
    },
};
use glam::DVec2;
use std::collections::{BTreeMap, BTreeSet};

/// Readings of the same things by several readers; `None` where a reader did not look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ratings {
    /// Name of the tag or score.
    pub name: String,
    /// Grades, and no tags.
    pub graded: bool,
    /// The readers.
    pub readers: Vec<String>,
    /// A row for each thing, a column for each reader.
    pub rows: Vec<Vec<Option<i32>>>,
}

/// How two readers agree.
#[derive(Clone, Debug, PartialEq)]
pub struct PairAgreement {
    /// Places of the two among the readers.
    pub readers: [usize; 2],
    /// Things that both rated.
    pub things: usize,
    /// Share of those that both rated the same.
    pub same: Option<f64>,
    /// Cohen's kappa, in the order of [`Weights::ALL`].
    pub kappa: [Option<f64>; 3],
}

/// How readers agree in one tag or score.
#[derive(Clone, Debug, PartialEq)]
pub struct Agreement {
    /// Every two readers.
    pub pairs: Vec<PairAgreement>,
    /// Things that all rated: Fleiss' kappa and the correlation are over those.
    pub complete: usize,
    /// Fleiss' kappa.
    pub fleiss: Option<f64>,
    /// ICC(2,1), of grades.
    pub icc: Option<f64>,
}

impl Ratings {
    /// How well they agree. Weights count steps between grades, whether anybody gave the grades between or not.
    pub fn agreement(&self) -> Agreement {
        let all = || self.rows.iter().flatten().flatten();
        let low = all().copied().min().unwrap_or(0);
        let high = all().copied().max().unwrap_or(0);
        let place = |grade: i32| usize::try_from(i64::from(grade) - i64::from(low)).unwrap_or(0);
        let mut pairs = Vec::new();
        for a in 0..self.readers.len() {
            for b in a + 1..self.readers.len() {
                let both: Vec<(usize, usize)> = self
                    .rows
                    .iter()
                    .filter_map(|row| {
                        let first = row.get(a).copied().flatten()?;
                        let second = row.get(b).copied().flatten()?;
                        Some((place(first), place(second)))
                    })
                    .collect();
                let same = both.iter().filter(|(a, b)| a == b).count();
                pairs.push(PairAgreement {
                    readers: [a, b],
                    things: both.len(),
                    same: (!both.is_empty()).then(|| same as f64 / both.len() as f64),
                    kappa: Weights::ALL.map(|weights| cohen_kappa(&both, weights)),
                });
            }
        }
        let complete: Vec<Vec<i32>> = self
            .rows
            .iter()
            .filter_map(|row| row.iter().copied().collect::<Option<Vec<i32>>>())
            .collect();
        let categories = place(high) + 1;
        let few = categories <= crate::imaging::metrics::agreement::MOST_CATEGORIES;
        let table: Vec<Vec<usize>> = match few {
            true => complete
                .iter()
                .map(|row| {
                    let mut counts = vec![0; categories];
                    for grade in row {
                        if let Some(count) = counts.get_mut(place(*grade)) {
                            *count += 1;
                        }
                    }
                    counts
                })
                .collect(),
            false => Vec::new(),
        };
        let numbers: Vec<Vec<f64>> = complete
            .iter()
            .map(|row| row.iter().map(|g| f64::from(*g)).collect())
            .collect();
        Agreement {
            pairs,
            complete: complete.len(),
            fleiss: fleiss_kappa(&table),
            icc: self
                .graded
                .then(|| intraclass_correlation(&numbers))
                .flatten(),
        }
    }
}

/// What readers looked at: every frame and study where they said or drew something.
fn looked(kept: &Kept) -> BTreeMap<&str, BTreeSet<Subject>> {
    let mut looked: BTreeMap<&str, BTreeSet<Subject>> = BTreeMap::new();
    for question in kept.answers.keys() {
        let set = looked.entry(&question.reader).or_default();
        set.insert(question.subject.clone());
    }
    for mark in kept.marks.iter() {
        if let crate::model::annotation::Author::Person(name) = &mark.author {
            let set = looked.entry(name).or_default();
            set.insert(Subject::image(&mark.target));
            set.insert(Subject::study(&mark.target.study_uid));
        }
    }
    looked
}

/// The tags and scores of a store that two readers or more answered.
pub fn ratings(kept: &Kept, study: Option<&str>) -> Vec<Ratings> {
    let looked = looked(kept);
    let mut names: BTreeMap<(&str, bool, bool), BTreeSet<&Subject>> = BTreeMap::new();
    for (question, answer) in &kept.answers {
        let subject = &question.subject;
        if study.is_some_and(|uid| uid != subject.study_uid) {
            continue;
        }
        let graded = matches!(answer, Answer::Grade(_));
        let key = (question.name.as_str(), graded, subject.is_image());
        names.entry(key).or_default().insert(subject);
    }
    let mut all = Vec::new();
    for ((name, graded, image), subjects) in names {
        // Of a tag also what readers saw without it.
        let things: BTreeSet<&Subject> = match graded {
            true => subjects,
            false => looked
                .values()
                .flatten()
                .filter(|s| s.is_image() == image && study.is_none_or(|uid| uid == s.study_uid))
                .collect(),
        };
        let answer = |subject: &Subject, reader: &str| {
            let question = crate::model::labelling::Question {
                subject: subject.clone(),
                name: name.to_owned(),
                reader: reader.to_owned(),
            };
            match (kept.answers.get(&question), graded) {
                (Some(answer), true) => answer.grade(),
                (Some(_), false) => Some(1),
                (None, true) => None,
                (None, false) => looked
                    .get(reader)
                    .is_some_and(|set| set.contains(subject))
                    .then_some(0),
            }
        };
        let readers: Vec<&str> = looked
            .keys()
            .copied()
            .filter(|reader| things.iter().any(|thing| answer(thing, reader).is_some()))
            .collect();
        if readers.len() < 2 {
            continue;
        }
        let rows = things
            .iter()
            .map(|thing| readers.iter().map(|reader| answer(thing, reader)).collect())
            .collect();
        all.push(Ratings {
            name: name.to_owned(),
            graded,
            readers: readers.into_iter().map(str::to_owned).collect(),
            rows,
        });
    }
    all
}

/// Dice between readers in what they outlined of a class; 1 of a reader with himself.
#[derive(Clone, Debug, PartialEq)]
pub struct DiceMatrix {
    /// Name of the class.
    pub class: String,
    /// The readers.
    pub readers: Vec<String>,
    /// Row and column are readers; `None` where both outlined nothing, or have no picture in common.
    pub matrix: Vec<Vec<Option<f64>>>,
    /// Pictures that each two readers looked at, in the same form.
    pub pictures: Vec<Vec<usize>>,
}

/// The pixels of a picture whose centres lie in boxes and outlines, row by row.
pub fn covered(labels: &[&Label], [columns, rows]: [usize; 2]) -> Vec<bool> {
    let mut mask = vec![false; columns * rows];
    for label in labels {
        let points = match &label.form {
            Form::Box(_) | Form::Polygon(_) => label.form.points(),
            Form::Polyline(_) | Form::Keypoints(_) => continue,
        };
        fill(&points, &mut mask, [columns, rows]);
    }
    mask
}

/// Fills an outline by the even-odd rule.
fn fill(points: &[DVec2], mask: &mut [bool], [columns, rows]: [usize; 2]) {
    for row in 0..rows {
        let y = row as f64 + 0.5;
        let mut crossings = Vec::new();
        let mut last = points.last().copied().unwrap_or_default();
        for point in points {
            if (last.y <= y) != (point.y <= y) {
                let share = (y - last.y) / (point.y - last.y);
                crossings.push(last.x + share * (point.x - last.x));
            }
            last = *point;
        }
        crossings.sort_by(f64::total_cmp);
        for pair in crossings.chunks_exact(2) {
            let &[from, to] = pair else { continue };
            // Centres at or behind the first crossing, before the second; casts saturate.
            let first = (from - 0.5).ceil().max(0.0) as usize;
            let end = ((to - 0.5).ceil().max(0.0) as usize).min(columns);
            let line = mask.get_mut(row * columns..(row + 1) * columns);
            if let Some(run) = line.and_then(|line| line.get_mut(first.min(end)..end)) {
                run.fill(true);
            }
        }
    }
}

/// Dice of every class between readers, over the pictures that both looked at.
pub fn dice(kept: &Kept, gathered: &[Gathered]) -> Vec<DiceMatrix> {
    let looked = looked(kept);
    let readers: Vec<&str> = looked.keys().copied().collect();
    let labels = || gathered.iter().flat_map(|g| &g.picture.labels);
    let classes: BTreeSet<&str> = labels()
        .filter(|label| label.form.area_box().is_some())
        .map(|label| label.class.as_str())
        .collect();
    let mut all = Vec::new();
    for class in classes {
        // Shared, first and second pixels, and pictures, of every two readers.
        let count = readers.len();
        let mut sums = vec![vec![([0u64; 3], 0usize); count]; count];
        for gathered in gathered {
            let picture = &gathered.picture;
            let subject = Subject::image(&picture.target);
            let saw: Vec<bool> = readers
                .iter()
                .map(|reader| looked.get(reader).is_some_and(|set| set.contains(&subject)))
                .collect();
            let masks: Vec<Option<Vec<bool>>> = readers
                .iter()
                .map(|reader| {
                    let of = picture.labels.iter();
                    let of: Vec<&Label> = of
                        .filter(|l| l.reader == **reader && l.class == class)
                        .collect();
                    (!of.is_empty()).then(|| covered(&of, picture.size))
                })
                .collect();
            for (a, row) in sums.iter_mut().enumerate() {
                for (b, sum) in row.iter_mut().enumerate() {
                    if !(saw.get(a) == Some(&true) && saw.get(b) == Some(&true)) {
                        continue;
                    }
                    let mask = |at: usize| masks.get(at).and_then(Option::as_ref);
                    let size = |m: Option<&Vec<bool>>| {
                        m.map_or(0, |m| m.iter().filter(|on| **on).count() as u64)
                    };
                    let shared = match (mask(a), mask(b)) {
                        (Some(x), Some(y)) => {
                            x.iter().zip(y).filter(|(x, y)| **x && **y).count() as u64
                        }
                        _ => 0,
                    };
                    let (pixels, pictures) = sum;
                    for (slot, more) in
                        pixels
                            .iter_mut()
                            .zip([shared, size(mask(a)), size(mask(b))])
                    {
                        *slot += more;
                    }
                    *pictures += 1;
                }
            }
        }
        let value = |([shared, a, b], _): &([u64; 3], usize)| {
            (a + b > 0).then(|| 2.0 * *shared as f64 / (a + b) as f64)
        };
        all.push(DiceMatrix {
            class: class.to_owned(),
            readers: readers.iter().map(|r| (*r).to_owned()).collect(),
            matrix: sums
                .iter()
                .map(|row| row.iter().map(value).collect())
                .collect(),
            pictures: sums
                .iter()
                .map(|row| row.iter().map(|(_, n)| *n).collect())
                .collect(),
        });
    }
    all
}

/// What a reader painted of a class at one place: layers of one grid, and the numbers in them.
#[derive(Default)]
struct Painted<'a> {
    layers: Vec<(&'a Voxels, u16)>,
}

impl Painted<'_> {
    fn bounds(&self) -> Option<VoxelBox> {
        let all = self.layers.iter();
        all.filter_map(|(layer, number)| layer.bounds(Some(*number)))
            .reduce(|a, b| a.union(&b))
    }

    fn row(&self, part: &VoxelBox, y: usize, z: usize) -> Vec<bool> {
        let row = VoxelBox {
            first: [part.first[0], y, z],
            end: [part.end[0], y + 1, z + 1],
        };
        let mut inside = vec![false; part.size()[0]];
        for (layer, number) in &self.layers {
            for (inside, found) in inside.iter_mut().zip(layer.read(&row)) {
                *inside |= found == *number;
            }
        }
        inside
    }
}

/// Voxels that both have, and that each has.
fn shared(both: [Option<&Painted<'_>>; 2]) -> [u64; 3] {
    let mut sums = [0; 3];
    let bounds = both.iter().flatten().filter_map(|one| one.bounds());
    let Some(part) = bounds.reduce(|a, b| a.union(&b)) else {
        return sums;
    };
    let none = vec![false; part.size()[0]];
    for z in part.range(2) {
        for y in part.range(1) {
            let [a, b] = both.map(|one| one.map_or_else(|| none.clone(), |p| p.row(&part, y, z)));
            for (a, b) in a.into_iter().zip(b) {
                for (sum, more) in sums.iter_mut().zip([a && b, a, b]) {
                    *sum += u64::from(more);
                }
            }
        }
    }
    sums
}

/// Where a segmentation lies: study, series, and the frame of what is no volume.
type Place<'a> = (&'a str, &'a str, Option<&'a (String, u32)>);

/// Dice of the segments of one name between readers, over the series that both looked at; `pictures` are those. What somebody
/// rejected is not counted; voxels of two grids are not the same ones, so such a series does not count.
pub fn dice_of_segments(kept: &Kept, study: Option<&str>) -> Vec<DiceMatrix> {
    let mut looked: BTreeMap<&str, BTreeMap<Place<'_>, GridGeometry>> = BTreeMap::new();
    // Names regardless of case, as where two readers are compared in the window; the first one is told.
    let mut classes: BTreeMap<String, &str> = BTreeMap::new();
    let mut painted: BTreeMap<(String, &str, Place<'_>), Painted<'_>> = BTreeMap::new();
    for whole in kept.segmentations.values() {
        if study.is_some_and(|uid| uid != whole.study_uid) {
            continue;
        }
        let place: Place<'_> = (&whole.study_uid, &whole.series_uid, whole.frame.as_ref());
        for segment in whole.segments() {
            let (Some(reader), Some(layer)) =
                (reader_of(segment), whole.layers().get(segment.layer))
            else {
                continue;
            };
            let grid = looked.entry(reader).or_default();
            let grid = *grid.entry(place).or_insert(whole.grid);
            if segment.state == SegmentState::Rejected || whole.grid != grid {
                continue;
            }
            let class = segment.label.trim().to_lowercase();
            classes.entry(class.clone()).or_insert(&segment.label);
            let of = painted.entry((class, reader, place)).or_default();
            of.layers.push((layer, segment.number));
        }
    }
    let readers: Vec<&str> = looked.keys().copied().collect();
    let places: BTreeSet<Place<'_>> = looked.values().flat_map(|of| of.keys().copied()).collect();
    let mut all = Vec::new();
    for (class, name) in classes {
        let count = readers.len();
        let mut matrix = vec![vec![None; count]; count];
        let mut pictures = vec![vec![0usize; count]; count];
        for (a, first) in readers.iter().enumerate() {
            for (b, second) in readers.iter().enumerate() {
                let mut sums = [0u64; 3];
                for place in &places {
                    let grid = |reader: &str| looked.get(reader).and_then(|of| of.get(place));
                    let (Some(one), Some(other)) = (grid(first), grid(second)) else {
                        continue;
                    };
                    if one != other {
                        continue;
                    }
                    let of = |reader| painted.get(&(class.clone(), reader, *place));
                    let more = shared([of(*first), of(*second)]);
                    sums.iter_mut()
                        .zip(more)
                        .for_each(|(sum, more)| *sum += more);
                    if let Some(slot) = pictures.get_mut(a).and_then(|row| row.get_mut(b)) {
                        *slot += 1;
                    }
                }
                let [both, one, other] = sums;
                let dice = (one + other > 0).then(|| 2.0 * both as f64 / (one + other) as f64);
                if let Some(slot) = matrix.get_mut(a).and_then(|row| row.get_mut(b)) {
                    *slot = dice;
                }
            }
        }
        all.push(DiceMatrix {
            class: name.trim().to_owned(),
            readers: readers.iter().map(|r| (*r).to_owned()).collect(),
            matrix,
            pictures,
        });
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        edit::Edit,
        labelling::Question,
        segmentation::{Segment, Segmentation, SegmentationId},
    };

    /// A segmentation of a reader over a series, with one segment in two rows of a box of 20³.
    fn painted(kept: &mut Kept, reader: &str, series: &str, label: &str, columns: [usize; 2]) {
        let grid = GridGeometry {
            size: [20; 3],
            patient_from_voxel: glam::DAffine3::IDENTITY,
        };
        let id = SegmentationId(format!("2.25.{}", kept.segmentations.len()));
        let mut whole = Segmentation::new(id.clone(), grid);
        (whole.study_uid, whole.series_uid) = ("1".into(), series.into());
        let mut segment = Segment::new(1, label);
        segment.by = reader.into();
        whole.put_segment(segment);
        let layer = whole.layer_mut(0).unwrap();
        for y in 3..5 {
            layer.fill_row([y, 7], columns[0]..columns[1], 1);
        }
        kept.segmentations.insert(id, whole);
    }

    #[test]
    fn masks_of_readers_are_held_against_each_other() {
        let mut kept = Kept::default();
        painted(&mut kept, "ann", "1.1", "Nodule", [2, 12]);
        painted(&mut kept, "bob", "1.1", "nodule ", [7, 15]);
        // Bob looked at the second series and found nothing of it there; Carol was never there.
        painted(&mut kept, "ann", "1.2", "Nodule", [0, 1]);
        painted(&mut kept, "bob", "1.2", "Cyst", [5, 9]);
        painted(&mut kept, "carol", "1.1", "Cyst", [0, 1]);
        let found = dice_of_segments(&kept, Some("1"));
        let names: Vec<&str> = found.iter().map(|m| m.class.as_str()).collect();
        assert_eq!(names, ["Cyst", "Nodule"]);
        let nodule = &found[1];
        assert_eq!(nodule.readers, ["ann", "bob", "carol"]);
        // 10 and 8 columns, 5 of them shared, in two rows; and one column of Ann's alone, in two rows.
        let dice = 2.0 * 10.0 / (22.0 + 16.0);
        assert_eq!(nodule.matrix[0], [Some(1.0), Some(dice), Some(0.0)]);
        assert_eq!(nodule.matrix[1][0], Some(dice));
        assert_eq!(nodule.matrix[2], [Some(0.0), Some(0.0), None]);
        assert_eq!(nodule.pictures, [[2, 2, 1], [2, 2, 1], [1, 1, 1]]);
        // What was rejected is nobody's, another grid cannot be compared, another study is not asked for.
        let bobs = kept.segmentations.values_mut().nth(1).unwrap();
        let mut segment = bobs.segment(1).unwrap().clone();
        segment.state = SegmentState::Rejected;
        bobs.put_segment(segment);
        let found = dice_of_segments(&kept, None);
        assert_eq!(found[1].matrix[0][1], Some(0.0));
        let bobs = kept.segmentations.values_mut().nth(1).unwrap();
        bobs.grid.patient_from_voxel.translation.x = 0.5;
        assert_eq!(dice_of_segments(&kept, None)[1].pictures[0][1], 1);
        assert!(dice_of_segments(&kept, Some("2")).is_empty());
    }

    fn say(kept: &mut Kept, image: u32, name: &str, reader: &str, to: Answer) {
        let question = Question {
            subject: Subject {
                study_uid: "1".into(),
                series_uid: "1.1".into(),
                instance_uid: format!("1.1.{image}"),
                frame: 1,
            },
            name: name.into(),
            reader: reader.into(),
        };
        let (from, to) = (None, Some(to));
        kept.apply(&Edit::Say { question, from, to }).unwrap();
    }

    #[test]
    fn who_did_not_look_has_no_vote() {
        let mut kept = Kept::default();
        for image in 0..4 {
            say(
                &mut kept,
                image,
                "quality",
                "ann",
                Answer::Grade(image as i32),
            );
        }
        say(&mut kept, 0, "nodule", "ann", Answer::Tag);
        say(&mut kept, 1, "nodule", "ann", Answer::Tag);
        // Bob saw the first three, and found one of the two.
        for (image, grade) in [(0, 0), (1, 1), (2, 3)] {
            say(&mut kept, image, "quality", "bob", Answer::Grade(grade));
        }
        say(&mut kept, 0, "nodule", "bob", Answer::Tag);
        let all = ratings(&kept, None);
        assert_eq!(all.len(), 2);
        let nodule = &all[0];
        assert_eq!((nodule.name.as_str(), nodule.graded), ("nodule", false));
        let found = nodule.agreement();
        assert_eq!((found.pairs[0].things, found.complete), (3, 3));
        assert_eq!(found.pairs[0].same, Some(2.0 / 3.0));
        assert_eq!(found.icc, None, "a tag is no number");
        let quality = all[1].agreement();
        assert_eq!(quality.pairs[0].things, 3);
        // Seen one step; by chance 11 over the nine pairs of their grades, a third of that each.
        let linear = quality.pairs[0].kappa[1].unwrap();
        assert!((linear - (1.0 - 3.0 / 11.0)).abs() < 1e-12, "{linear}");
        assert!(quality.icc.unwrap() > 0.8);
        assert!(ratings(&kept, Some("2")).is_empty());
    }

    #[test]
    fn outlines_cover_the_pixels_whose_centres_they_hold() {
        let label = |form: Form| Label {
            ids: Vec::new(),
            class: String::new(),
            code: None,
            group: String::new(),
            reader: String::new(),
            form,
        };
        let count = |form: Form| {
            let label = label(form);
            covered(&[&label], [10, 8]).iter().filter(|on| **on).count()
        };
        assert_eq!(count(Form::Box([2.0, 1.0, 5.0, 3.0])), 6);
        assert_eq!(count(Form::Box([-5.0, -5.0, 50.0, 50.0])), 80);
        assert_eq!(count(Form::Box([2.6, 1.0, 2.7, 3.0])), 0);
        let at = DVec2::new;
        // A triangle of half a square of eight.
        let triangle = vec![at(0.0, 0.0), at(8.0, 0.0), at(0.0, 8.0)];
        assert_eq!(count(Form::Polygon(triangle)), 28);
        assert_eq!(count(Form::Polyline(vec![at(0.0, 0.0), at(9.0, 9.0)])), 0);
    }
}

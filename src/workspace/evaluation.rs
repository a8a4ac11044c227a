//! An evaluation on a page of its own: what is shown of it, at which threshold, in which order.
//!
//! Reading and judging happen on a thread; what the page shows at another threshold is counted again here, which is
//! one pass over the cases.

use super::{
    Waker,
    event::Event,
    library::SeriesNode,
    state::{Layout, Workspace},
};
use crate::{
    imaging::{
        evaluation::{
            Case, Evaluation, EvaluationError, FIGURES, Kind, MAX_BYTES, Rules, decided,
            table::stem,
        },
        metrics::Confusion,
    },
    task::spawn_named,
};
use crossbeam_channel::Sender;
use std::{
    io::Read as _,
    path::{Path, PathBuf},
    sync::Arc,
};

/// What the rows are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SortBy {
    /// The order of the file.
    #[default]
    File,
    /// Name.
    Name,
    /// Patient.
    Patient,
    /// True class.
    Class,
    /// Score.
    Score,
    /// How far the score is on the wrong side of the threshold.
    Error,
    /// A figure, by its name.
    Figure(&'static str),
}

/// What the user does on the page.
#[derive(Clone, Debug, PartialEq)]
pub enum EvaluationAction {
    /// Show the page, or go back to the pictures.
    Show(bool),
    /// Decide at another threshold.
    Threshold(f64),
    /// Sort by a column; by the same again, the other way round.
    Sort(SortBy),
    /// Choose a case, by its place in the file.
    Select(usize),
    /// Open the picture of a case.
    Open(usize),
    /// Choose a file.
    Choose,
    /// Choose the folder of the pictures.
    ChooseImages,
}

/// An evaluation that was read.
#[derive(Clone, Debug)]
pub struct ReadEvaluation {
    /// It.
    pub evaluation: Arc<Evaluation>,
    /// Its file.
    pub file: Arc<Path>,
}

/// The page.
#[derive(Clone, Debug, Default)]
pub struct EvaluationPage {
    /// It is shown in the place of the pictures.
    pub shown: bool,
    /// What was read last.
    pub read: Option<ReadEvaluation>,
    /// A file is being read.
    pub reading: bool,
    /// Why the last file could not be read.
    pub refused: Option<String>,
    /// Threshold of decisions.
    pub threshold: f64,
    /// Decisions at it.
    pub counts: Option<Confusion>,
    /// Order of the rows.
    pub sort: SortBy,
    /// The largest first.
    pub descending: bool,
    /// Places of cases in the file, in the order of rows.
    pub rows: Arc<Vec<usize>>,
    /// The chosen case.
    pub selected: Option<usize>,
    /// Folder of the pictures that was chosen.
    pub images: Option<PathBuf>,
    /// A picture that is shown once it was read.
    wanted: Option<PathBuf>,
}

impl EvaluationPage {
    /// The evaluation.
    pub fn evaluation(&self) -> Option<&Evaluation> {
        self.read.as_ref().map(|r| r.evaluation.as_ref())
    }

    /// Figures of decisions at the threshold.
    pub fn decided(&self) -> Option<[(&'static str, Option<f64>); 5]> {
        self.counts.map(decided)
    }

    /// Whether intervals of decisions hold: they are of the threshold of the file.
    pub fn at_threshold_of_file(&self) -> bool {
        let of_file = self.evaluation().and_then(|e| e.threshold);
        of_file.is_some_and(|t| (t - self.threshold).abs() < 1e-12)
    }

    /// Thresholds that the scores allow: from the lowest to the highest, and 0 to 1 at least.
    pub fn thresholds(&self) -> [f64; 2] {
        let scores = self
            .evaluation()
            .into_iter()
            .flat_map(|e| e.cases.iter().filter_map(|c| c.score));
        scores.fold([0.0, 1.0], |[low, high], s| [low.min(s), high.max(s)])
    }

    /// How far a score is on the wrong side of the threshold; below 0 it is on the right one.
    pub fn error(&self, case: &Case) -> Option<f64> {
        let margin = case.score? - self.threshold;
        Some(if case.positive? { -margin } else { margin })
    }

    fn take(&mut self, read: ReadEvaluation) {
        self.threshold = read.evaluation.threshold.unwrap_or(0.5);
        (self.sort, self.descending) = match read.evaluation.kind {
            Kind::Segmentation => (SortBy::Figure("dice"), false),
            Kind::Classification => (SortBy::Error, true),
        };
        self.read = Some(read);
        self.selected = None;
        self.refused = None;
        self.decide();
        self.order();
    }

    fn decide(&mut self) {
        self.counts = self
            .evaluation()
            .filter(|e| e.kind == Kind::Classification)
            .and_then(|e| {
                let (positive, scores) = e.scores();
                Confusion::at(&positive, &scores, self.threshold)
            });
    }

    /// Sorts the rows; cases that lack what is sorted by stand behind the others either way.
    fn order(&mut self) {
        let Some(evaluation) = self.read.as_ref().map(|r| Arc::clone(&r.evaluation)) else {
            return;
        };
        let cases = &evaluation.cases;
        let mut rows: Vec<usize> = (0..cases.len()).collect();
        let number = |case: &Case| match self.sort {
            SortBy::Class => case.positive.map(|p| f64::from(u8::from(p))),
            SortBy::Score => case.score,
            SortBy::Error => self.error(case),
            SortBy::Figure(name) => case.figures.get(name).copied(),
            SortBy::File | SortBy::Name | SortBy::Patient => None,
        };
        let text = |case: &Case| match self.sort {
            SortBy::Name => Some((case.name.clone(), case.segment)),
            SortBy::Patient => Some((case.patient.clone()?, case.segment)),
            _ => None,
        };
        let turned = |order: std::cmp::Ordering| match self.descending {
            true => order.reverse(),
            false => order,
        };
        match self.sort {
            SortBy::File if self.descending => rows.reverse(),
            SortBy::File => {}
            SortBy::Name | SortBy::Patient => {
                let keys: Vec<_> = cases.iter().map(text).collect();
                rows.sort_by(|a, b| match (keys.get(*a), keys.get(*b)) {
                    (Some(Some(a)), Some(Some(b))) => {
                        turned(natural(&a.0, &b.0).then(a.1.cmp(&b.1)))
                    }
                    (a, b) => is_missing(a).cmp(&is_missing(b)),
                });
            }
            _ => {
                let keys: Vec<_> = cases.iter().map(number).collect();
                rows.sort_by(|a, b| match (keys.get(*a), keys.get(*b)) {
                    (Some(Some(a)), Some(Some(b))) => turned(a.total_cmp(b)),
                    (a, b) => is_missing(a).cmp(&is_missing(b)),
                });
            }
        }
        self.rows = Arc::new(rows);
    }

    /// The picture of a case, or why it is not known where it lies.
    fn picture_of(&self, place: usize) -> Option<PathBuf> {
        let read = self.read.as_ref()?;
        let case = read.evaluation.cases.get(place)?;
        let folder = read.file.parent();
        let there = |path: PathBuf| path.is_file().then_some(path);
        let named = |path: &String| {
            let path = Path::new(path);
            there(path.to_owned()).or_else(|| there(folder?.join(path)))
        };
        if let Some(found) = case.image.as_ref().and_then(named) {
            return Some(found);
        }
        let name = stem(&case.name);
        let folders = self.images.iter().map(PathBuf::as_path).chain(folder);
        for folder in folders {
            for ending in [
                "", ".png", ".jpg", ".jpeg", ".dcm", ".nii.gz", ".nii", ".nrrd", ".mha",
            ] {
                if let Some(found) = there(folder.join(format!("{name}{ending}"))) {
                    return Some(found);
                }
            }
        }
        // A true mask is better than nothing to look at.
        case.truth.as_ref().and_then(named)
    }
}

fn is_missing<T>(value: Option<&Option<T>>) -> bool {
    !matches!(value, Some(Some(_)))
}

/// Names in the order that people expect: numbers in them count as numbers.
fn natural(a: &str, b: &str) -> std::cmp::Ordering {
    let parts = |text: &str| -> Vec<(Option<u64>, String)> {
        let mut words: Vec<String> = Vec::new();
        let mut of_digits = None;
        for c in text.chars() {
            match words.last_mut() {
                Some(word) if of_digits == Some(c.is_ascii_digit()) => word.push(c),
                _ => words.push(c.to_string()),
            }
            of_digits = Some(c.is_ascii_digit());
        }
        words.into_iter().map(|w| (w.parse().ok(), w)).collect()
    };
    parts(a).cmp(&parts(b))
}

/// Reads a file; why not is one sentence without its path.
pub fn read_file(path: &Path, rules: &Rules) -> Result<Evaluation, String> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|e| e.kind().to_string())?;
    file.take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| e.kind().to_string())?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(format!("more than {MAX_BYTES} bytes"));
    }
    let text = String::from_utf8(bytes).map_err(|_| "the file is not UTF-8".to_owned())?;
    Evaluation::read(&text, rules).map_err(|e: EvaluationError| e.to_string())
}

fn start(path: PathBuf, events: Sender<Event>, waker: Waker) -> std::io::Result<()> {
    let work = move || {
        let read = read_file(&path, &Rules::default()).map(|evaluation| ReadEvaluation {
            evaluation: Arc::new(evaluation),
            file: Arc::from(path.as_path()),
        });
        let _ = events.send(Event::Evaluation(read.map(Box::new)));
        waker.wake("evaluation");
    };
    spawn_named("evaluation", work).map(drop)
}

impl Workspace {
    /// Whether a page stands in the place of the pictures.
    pub const fn page_is_shown(&self) -> bool {
        self.list.shown || self.evaluation.shown
    }

    /// Reads an evaluation in the background and shows its page.
    pub fn open_evaluation(&mut self, path: PathBuf) {
        self.list.shown = false;
        self.evaluation.shown = true;
        self.evaluation.reading = true;
        if start(path, self.sender(), self.waker.clone()).is_err() {
            self.take_evaluation(Err(String::new()));
        }
    }

    pub(super) fn take_evaluation(&mut self, read: Result<Box<ReadEvaluation>, String>) {
        self.evaluation.reading = false;
        match read {
            Ok(read) => self.evaluation.take(*read),
            Err(reason) => self.evaluation.refused = Some(reason),
        }
    }

    /// Shows a picture alone; one that is not open yet is opened first.
    fn show_picture(&mut self, path: PathBuf) {
        self.evaluation.wanted = Some(path.clone());
        if !self.show_wanted_picture() {
            self.open(vec![path]);
        }
    }

    /// Shows the picture of a case once the library has it.
    pub(super) fn show_wanted_picture(&mut self) -> bool {
        let Some(path) = &self.evaluation.wanted else {
            return false;
        };
        let is_it = |node: &&Arc<SeriesNode>| {
            let mut frames = node.layout.frames.iter();
            frames.any(|f| f.instance.source.path.as_ref() == path.as_path())
        };
        let Some(key) = self.library.series().find(is_it).map(|n| n.key.clone()) else {
            return false;
        };
        self.evaluation.wanted = None;
        self.opened_first = true;
        self.with_layout(|w| {
            w.set_layout(Layout::ONE);
            w.show_key(0, &key);
        });
        true
    }

    pub(super) fn act_on_evaluation(
        &mut self,
        action: EvaluationAction,
    ) -> Option<super::state::Effect> {
        let page = &mut self.evaluation;
        match action {
            EvaluationAction::Show(shown) => {
                page.shown = shown;
                self.list.shown &= !shown;
            }
            EvaluationAction::Threshold(threshold) if threshold.is_finite() => {
                page.threshold = threshold;
                page.decide();
                if page.sort == SortBy::Error {
                    page.order();
                }
            }
            EvaluationAction::Threshold(_) => {}
            EvaluationAction::Sort(by) => {
                if page.sort == by {
                    page.descending ^= true;
                } else {
                    page.sort = by;
                    page.descending = worst_is_high(by);
                }
                page.order();
            }
            EvaluationAction::Select(place) => page.selected = Some(place),
            EvaluationAction::Open(place) => {
                page.selected = Some(place);
                match page.picture_of(place) {
                    Some(path) => {
                        page.shown = false;
                        self.show_picture(path);
                    }
                    None => self.notify("notice-evaluation-no-picture", String::new()),
                }
            }
            EvaluationAction::Choose => return Some(super::state::Effect::ChooseEvaluation),
            EvaluationAction::ChooseImages => {
                return Some(super::state::Effect::ChooseEvaluationImages);
            }
        }
        None
    }
}

/// Whether the first look at a column is at its largest values: there the worst stands on top.
fn worst_is_high(by: SortBy) -> bool {
    match by {
        SortBy::Error | SortBy::Score => true,
        SortBy::Figure(name) => {
            let known = FIGURES.into_iter().find(|(figure, _)| *figure == name);
            known.is_some_and(|(_, more_is_better)| !more_is_better)
        }
        SortBy::File | SortBy::Name | SortBy::Patient | SortBy::Class => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> EvaluationPage {
        let evaluation = Evaluation::read(text, &Rules::default()).unwrap();
        let mut page = EvaluationPage::default();
        page.take(ReadEvaluation {
            evaluation: Arc::new(evaluation),
            file: Arc::from(Path::new("cases.csv")),
        });
        page
    }

    fn names(page: &EvaluationPage) -> Vec<&str> {
        let cases = &page.evaluation().unwrap().cases;
        page.rows.iter().map(|&i| cases[i].name.as_str()).collect()
    }

    #[test]
    fn the_worst_case_stands_on_top_and_follows_the_threshold() {
        let mut page = page("name,label,score\na,1,0.9\nb,0,0.8\nc,1,0.45\nd,0,0.15\n");
        assert_eq!(names(&page), ["b", "c", "d", "a"]);
        let counts = page.counts.unwrap();
        assert_eq!((counts.true_positive, counts.false_positive), (1, 1));
        assert!(page.at_threshold_of_file());
        page.threshold = 0.85;
        page.decide();
        page.order();
        assert_eq!(page.counts.unwrap().false_positive, 0);
        assert_eq!(names(&page)[0], "c");
        assert!(!page.at_threshold_of_file());
    }

    #[test]
    fn rows_sort_by_every_column_and_gaps_stand_last() {
        let mut page = page("name,dice,hd95_px\ncase 10,0.9,3\ncase 9,0.5,\ncase 2,0.7,8\n");
        assert_eq!(names(&page), ["case 9", "case 2", "case 10"]);
        for (sort, descending, expected) in [
            (SortBy::Name, false, ["case 2", "case 9", "case 10"]),
            (SortBy::Name, true, ["case 10", "case 9", "case 2"]),
            (
                SortBy::Figure("hd95"),
                true,
                ["case 2", "case 10", "case 9"],
            ),
            (
                SortBy::Figure("hd95"),
                false,
                ["case 10", "case 2", "case 9"],
            ),
            (SortBy::File, false, ["case 10", "case 9", "case 2"]),
        ] {
            (page.sort, page.descending) = (sort, descending);
            page.order();
            assert_eq!(names(&page), expected, "{sort:?}");
        }
        assert!(page.counts.is_none() && page.decided().is_none());
    }

    #[test]
    fn a_picture_is_found_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.png"), b"").unwrap();
        let mut page = page("name,label,score\na,1,0.9\nb,0,0.8\n");
        assert_eq!(page.picture_of(0), None);
        page.images = Some(folder.path().to_owned());
        assert_eq!(page.picture_of(0), Some(folder.path().join("a.png")));
        assert_eq!(page.picture_of(1), None);
    }
}

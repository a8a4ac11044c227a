//! Labels for learning: the class of new marks, sets of keypoints, and what the reader says of images and studies.
//!
//! Must stay true: everything goes through [`Workspace::commit`], so that one answer is one step of undo and one commit of
//! the journal; a reader changes only his own answers.

use super::{
    Command, Workspace,
    event::Event,
    label_schema::{
        FILE, KeypointSet, LabelClass, LabelSchema, SchemaError, Scope, ScoreClass, TagClass,
    },
    measuring::{MarkAction, MarkChange, site::target_of},
    segmenting,
    settings::SideTab,
};
use crate::{
    model::{
        annotation::{Annotation, AnnotationTarget, Author, MarkKind},
        edit::Edit,
        labelling::{Answer, Question, Subject},
    },
    store::accounts::OWNER,
    task::spawn_named,
    tools::Tool,
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// What the reader labels with.
#[derive(Debug)]
pub struct Labelling {
    /// The schema that counts.
    pub schema: Arc<LabelSchema>,
    /// Name of the class that new marks get.
    pub class: Option<String>,
    /// Name of the set of keypoints that is being placed.
    pub placing: Option<String>,
    /// The score that the arrow keys change, by its place in the schema.
    pub score: usize,
}

impl Default for Labelling {
    fn default() -> Self {
        Self {
            schema: Arc::new(LabelSchema::built_in().clone()),
            class: None,
            placing: None,
            score: 0,
        }
    }
}

/// What the window asks of labels.
#[derive(Clone, Debug)]
pub enum LabelAction {
    /// Give the selected mark this class, or new marks; again to give none.
    Class(String),
    /// Set a tag, or take it away.
    Tag(String),
    /// Grade a score; again the same grade to take it away.
    Grade(String, i32),
    /// Let the arrow keys change this score.
    Score(usize),
    /// Place a set of keypoints; again to stop.
    Keypoints(String),
    /// Choose a schema in a dialog.
    Choose,
}

/// Whether a path is that of a label schema.
pub fn may_be(path: &Path) -> bool {
    path.extension()
        .and_then(|e| e.to_str())
        .is_some_and(|e| e.eq_ignore_ascii_case("toml"))
}

/// Name of a group of keypoints without its number: `Heart #2` is of the set `Heart`.
pub fn set_of_group(group: &str) -> &str {
    match group.rsplit_once(" #") {
        Some((set, number)) if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) => {
            set
        }
        _ => group,
    }
}

/// Whether marks of a kind are labels of something: a class belongs to them.
const fn takes_class(kind: MarkKind) -> bool {
    matches!(
        kind,
        MarkKind::Point
            | MarkKind::Polyline
            | MarkKind::Ellipse
            | MarkKind::Rectangle
            | MarkKind::Circle
            | MarkKind::Polygon
            | MarkKind::Freehand
            | MarkKind::Spline
            | MarkKind::Box
    )
}

impl Workspace {
    /// The reader's account, as answers and marks keep it; empty for the owner and where no store is open.
    pub fn reader(&self) -> &str {
        let who = self.access.who.as_ref().map(|(name, _)| name.as_str());
        who.filter(|name| !name.eq_ignore_ascii_case(OWNER))
            .unwrap_or_default()
    }

    /// The frame in the active cell.
    pub fn frame_target(&self) -> Option<AnnotationTarget> {
        let viewport = self.active_viewport()?;
        let display = viewport.display.as_ref()?;
        let frame = display.layout.frames.get(viewport.frame_shown())?;
        Some(target_of(frame))
    }

    /// What a tag or a score of this scope is about now.
    pub fn subject(&self, of: Scope) -> Option<Subject> {
        match of {
            Scope::Image => self.frame_target().map(|target| Subject::image(&target)),
            Scope::Study => {
                let study = self.active_viewport().and_then(|v| v.study().cloned())?;
                Some(Subject::study(&study.uid))
            }
        }
    }

    fn question(&self, name: &str, of: Scope) -> Option<Question> {
        Some(Question {
            subject: self.subject(of)?,
            name: name.to_owned(),
            reader: self.reader().to_owned(),
        })
    }

    /// What the reader said of what is shown.
    pub fn answer(&self, name: &str, of: Scope) -> Option<Answer> {
        let question = self.question(name, of)?;
        self.marks.kept().answers.get(&question).copied()
    }

    fn say(&mut self, name: &str, of: Scope, to: Option<Answer>) {
        let Some(question) = self.question(name, of) else {
            return;
        };
        let from = self.marks.kept().answers.get(&question).copied();
        if from != to {
            self.commit(vec![Edit::Say { question, from, to }]);
        }
    }

    /// Carries out what the window asks of labels.
    pub(super) fn act_on_labels(&mut self, action: LabelAction) {
        let schema = self.labelling.schema.clone();
        match action {
            LabelAction::Class(name) => {
                if let Some(class) = schema.label(&name) {
                    self.give_class(class);
                }
            }
            LabelAction::Tag(name) => {
                if let Some(tag) = schema.tags.iter().find(|tag| tag.name == name) {
                    self.toggle_tag(tag);
                }
            }
            LabelAction::Grade(name, grade) => {
                let found = schema.scores.iter().position(|score| score.name == name);
                if let Some((at, score)) = found.and_then(|at| Some((at, schema.scores.get(at)?))) {
                    self.labelling.score = at;
                    let again = self.answer(&score.name, score.of) == Some(Answer::Grade(grade));
                    let to = (!again).then_some(Answer::Grade(grade));
                    self.say(&score.name, score.of, to);
                }
            }
            LabelAction::Score(at) => self.labelling.score = at,
            LabelAction::Keypoints(name) => {
                if let Some(set) = schema.keypoint_set(&name) {
                    self.place_keypoints(set);
                }
            }
            // The program around opens the dialog.
            LabelAction::Choose => {}
        }
    }

    /// Carries a command about labels out; whether it was one.
    pub(super) fn label_command(&mut self, command: Command) -> bool {
        let schema = self.labelling.schema.clone();
        if let Some(digit) = command.label_digit() {
            match schema.label_on_key(digit) {
                Some(class) => self.give_class(class),
                None => self.notify("notice-no-such-key", digit.to_string()),
            }
            return true;
        }
        if let Some(digit) = command.tag_digit() {
            match schema.tag_on_key(digit) {
                Some(tag) => self.toggle_tag(tag),
                None => self.notify("notice-no-such-key", digit.to_string()),
            }
            return true;
        }
        match command {
            Command::GradeUp => self.step_grade(&schema, 1),
            Command::GradeDown => self.step_grade(&schema, -1),
            Command::NextScore => self.step_score(&schema, 1),
            Command::PreviousScore => self.step_score(&schema, -1),
            Command::PlaceKeypoints => {
                let current = self.labelling.placing.clone();
                let at =
                    current.and_then(|name| schema.keypoints.iter().position(|s| s.name == name));
                match (at, schema.keypoints.first()) {
                    // Behind the last set placing ends.
                    (Some(at), _) => {
                        self.labelling.placing = None;
                        if let Some(next) = schema.keypoints.get(at + 1) {
                            self.place_keypoints(next);
                        }
                    }
                    (None, Some(first)) => self.place_keypoints(first),
                    (None, None) => self.notify("notice-no-keypoints", String::new()),
                }
            }
            _ => return false,
        }
        self.open_labels();
        true
    }

    fn open_labels(&mut self) {
        self.settings.show_side = true;
        self.settings.side_tab = SideTab::Labels;
    }

    fn step_score(&mut self, schema: &LabelSchema, by: isize) {
        let count = schema.scores.len().max(1) as isize;
        let next = (self.labelling.score as isize + by).rem_euclid(count);
        self.labelling.score = usize::try_from(next).unwrap_or(0);
    }

    fn step_grade(&mut self, schema: &LabelSchema, by: i32) {
        let Some(score) = schema.scores.get(self.labelling.score) else {
            return self.notify("notice-no-scores", String::new());
        };
        let now = self.answer(&score.name, score.of).and_then(Answer::grade);
        let to = match now {
            // Below the lowest there is no answer, and above it begins with the lowest.
            None => (by > 0).then_some(score.low),
            Some(grade) if grade.saturating_add(by) < score.low => None,
            Some(grade) => Some(grade.saturating_add(by).min(score.high)),
        };
        self.say(&score.name, score.of, to.map(Answer::Grade));
    }

    fn toggle_tag(&mut self, tag: &TagClass) {
        let on = self.answer(&tag.name, tag.of).is_some();
        self.say(&tag.name, tag.of, (!on).then_some(Answer::Tag));
    }

    /// The selected mark gets the class; where none is selected, new marks do.
    fn give_class(&mut self, class: &LabelClass) {
        let selected = self
            .selected_mark()
            .filter(|mark| takes_class(mark.shape.kind));
        if let Some(mark) = selected {
            let change = MarkChange::Label(class.name.clone(), class.code.clone());
            let id = mark.id.clone();
            self.labelling.class = Some(class.name.clone());
            self.act_on_mark(MarkAction::Change(id, change));
        } else {
            let again = self.labelling.class.as_ref() == Some(&class.name);
            self.labelling.class = (!again).then(|| class.name.clone());
        }
    }

    fn place_keypoints(&mut self, set: &KeypointSet) {
        if self.labelling.placing.take().as_ref() == Some(&set.name) {
            return;
        }
        self.labelling.placing = Some(set.name.clone());
        self.tool = Tool::Mark(MarkKind::Point);
        self.measuring.last = MarkKind::Point;
        self.marks.selected = None;
    }

    /// The points of a group on a frame that the reader placed.
    fn placed(&self, group: &str, target: &AnnotationTarget) -> Vec<&Annotation> {
        let series = self.marks.of_series(&target.series_uid);
        let here = series.filter(|mark| {
            mark.group == group
                && mark.author == Author::Person(self.reader().to_owned())
                && mark.shape.kind == MarkKind::Point
                && mark.target.instance_uid == target.instance_uid
                && mark.target.frame == target.frame
        });
        here.collect()
    }

    /// The first group of a set on a frame that is not full.
    fn free_group(&self, set: &KeypointSet, target: &AnnotationTarget) -> String {
        let mut number = 1;
        loop {
            let group = match number {
                1 => set.name.clone(),
                number => format!("{} #{number}", set.name),
            };
            if next_point(set, &self.placed(&group, target)).is_some() {
                return group;
            }
            number += 1;
        }
    }

    /// Group and name of the point that a click places next.
    pub fn next_keypoint(&self) -> Option<(String, &str)> {
        let set = self.labelling.placing.as_ref()?;
        let set = self.labelling.schema.keypoint_set(set)?;
        let target = self.frame_target()?;
        let group = self.free_group(set, &target);
        let next = next_point(set, &self.placed(&group, &target))?;
        Some((group, next))
    }

    /// Gives a mark that was just drawn its author, and the class or the keypoint that is chosen.
    pub(super) fn dress(&mut self, mark: &mut Annotation) {
        if mark.author == Author::default() {
            mark.author = Author::Person(self.reader().to_owned());
        }
        if !mark.label.is_empty() || mark.author != Author::Person(self.reader().to_owned()) {
            return;
        }
        if mark.shape.kind == MarkKind::Point
            && let Some(set) = self.labelling.placing.clone()
            && let Some(set) = self.labelling.schema.clone().keypoint_set(&set)
        {
            // The first group that is not full: one that was taken back is placed again.
            let group = self.free_group(set, &mark.target);
            let next = next_point(set, &self.placed(&group, &mark.target));
            mark.label = next.unwrap_or_default().to_owned();
            mark.group = group;
            return;
        }
        if !takes_class(mark.shape.kind) {
            return;
        }
        let class = self.labelling.class.as_deref();
        if let Some(class) = class.and_then(|name| self.labelling.schema.label(name)) {
            mark.label.clone_from(&class.name);
            mark.code.clone_from(&class.code);
        }
    }

    /// Reads a label schema, away from the window's thread.
    pub fn open_schema(&mut self, path: PathBuf, asked: bool) {
        let (events, waker) = (self.sender(), self.waker.clone());
        let job = self.jobs.start("job-schema").id;
        let ending = self.ending(job);
        let body = move || {
            let read = LabelSchema::read(&path).map(Box::new);
            let _ = events.send(Event::LabelSchema { read, asked });
            waker.wake("schema");
            drop(ending);
        };
        if let Err(error) = spawn_named("schema", body) {
            self.notify("notice-schema-failed", error.kind().to_string());
        }
    }

    /// Reads the schema in the folder of the settings, where there is one.
    pub fn open_own_schema(&mut self, folder: &Path) {
        let path = folder.join(FILE);
        if path.is_file() {
            self.open_schema(path, false);
        }
    }

    pub(super) fn take_schema(&mut self, read: Result<Box<LabelSchema>, SchemaError>, asked: bool) {
        match read {
            Ok(schema) => {
                // Segments have the same classes.
                if !schema.labels.is_empty() {
                    let list = segmenting::schema::LabelSchema::of_project(&schema);
                    let lists = &mut self.segmenting.schemas;
                    lists.retain(|known| known.name != list.name);
                    self.segmenting.schema = Some(list.name.clone());
                    lists.push(list);
                }
                self.labelling = Labelling {
                    schema: Arc::new(*schema),
                    ..Labelling::default()
                };
                if asked {
                    self.open_labels();
                }
            }
            Err(error) => self.notify("notice-schema-failed", error.to_string()),
        }
    }

    /// What the reader said of a score, with its schema.
    pub fn graded<'a>(&self, score: &'a ScoreClass) -> Option<(i32, &'a str)> {
        let grade = self.answer(&score.name, score.of)?.grade()?;
        Some((grade, score.word(grade, self.settings.language)))
    }
}

/// The first point of a set that is not placed yet.
fn next_point<'a>(set: &'a KeypointSet, placed: &[&Annotation]) -> Option<&'a str> {
    let mut points = set.points.iter();
    let next = points.find(|name| !placed.iter().any(|mark| mark.label == **name));
    next.map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_of_keypoints_have_numbers() {
        for (group, set) in [
            ("Heart", "Heart"),
            ("Heart #2", "Heart"),
            ("Heart #", "Heart #"),
            ("Lesion #1 a", "Lesion #1 a"),
        ] {
            assert_eq!(set_of_group(group), set);
        }
    }
}

//! Which protocol hangs a study, and what stands in each cell of a stage.
//!
//! Must stay true: the same study and protocols give the same arrangement, whatever order files came in. A prior stands
//! only in a cell that asks for one. Nothing here shows anything.

use super::{
    item::{Item, StudyItems},
    priors::{self, Ranked},
    protocol::{CellRule, Image, Protocol, Rule, Show, Stage, StageLayout, Which},
};
use crate::model::arrangement::{Grid, Layout};

/// What a cell shows.
#[derive(Clone, Debug)]
pub struct HungCell<'a> {
    /// The series or image.
    pub item: &'a Item,
    /// Of the prior.
    pub prior: bool,
    /// What is shown of it.
    pub show: Show,
    /// Name of a window, empty for the file's own.
    pub window: String,
    /// The frame of the series that comes first, from 0.
    pub image: usize,
    /// Chest walls meet.
    pub chest_wall: bool,
    /// No rule asked for it; it took an empty cell.
    pub filled: bool,
}

/// A stage with what it shows.
#[derive(Clone, Debug)]
pub struct Hung<'a> {
    /// Place among the protocol's stages.
    pub stage: usize,
    /// Cells.
    pub layout: Layout,
    /// One a cell.
    pub cells: Vec<Option<HungCell<'a>>>,
    /// The prior that stands in it.
    pub prior: Option<&'a StudyItems>,
}

impl Rule {
    /// Whether a series is what is asked for.
    pub fn fits(&self, item: &Item) -> bool {
        let any = |wanted: &[String], is: &str| {
            wanted.is_empty() || wanted.iter().any(|w| w.trim().eq_ignore_ascii_case(is))
        };
        any(&self.modality, &item.modality)
            && (self.region.is_empty()
                || item.part.is_some_and(|p| self.region.contains(&p.region)))
            && self.side.is_none_or(|side| item.side == Some(side))
            && any(&self.view, item.view)
            && (self.sequence.is_empty()
                || item.sequence.is_some_and(|s| self.sequence.contains(&s)))
            && self
                .plane
                .is_none_or(|plane| item.plane == Some(plane.body()))
            && self
                .words
                .iter()
                .all(|w| w.split('|').any(|one| item.words.has(one)))
            && !self.without.iter().any(|w| item.words.has(w))
    }

    /// How much is asked: a rule that asks for more and fits counts over one that asks for less.
    pub fn weight(&self) -> usize {
        let asked = [
            (!self.modality.is_empty(), 8),
            (!self.region.is_empty(), 4),
            (self.side.is_some(), 2),
            (!self.view.is_empty(), 2),
            (!self.sequence.is_empty(), 2),
            (self.plane.is_some(), 1),
            (!self.words.is_empty(), 2 + self.words.len()),
            (!self.without.is_empty(), 1),
        ];
        asked.iter().filter(|(on, _)| *on).map(|(_, n)| n).sum()
    }
}

/// Whether a protocol is meant for a study. Words may stand in the study's description too.
pub fn is_for(protocol: &Protocol, study: &StudyItems) -> bool {
    let rule = &protocol.study;
    let by_series = Rule {
        words: Vec::new(),
        without: Vec::new(),
        ..rule.clone()
    };
    let has = |item: &Item, w: &str| {
        w.split('|')
            .any(|one| item.words.has(one) || study.words.has(one))
    };
    // A study is of the modality that most of it is of: a screen shot beside a CT does not make it something else.
    let main = study.modality();
    let meant = rule.modality.is_empty()
        || rule
            .modality
            .iter()
            .any(|m| m.trim().eq_ignore_ascii_case(main));
    meant
        && !study
            .items
            .iter()
            .any(|item| rule.without.iter().any(|w| has(item, w)))
        && study
            .items
            .iter()
            .any(|item| by_series.fits(item) && rule.words.iter().all(|w| has(item, w)))
}

/// The protocol that hangs a study, and its first stage that can be hung. One that asks for more comes first, a user's own
/// before a built-in one that asks for as much.
pub fn choose<'p>(
    protocols: &'p [Protocol],
    study: &StudyItems,
    priors: &[Ranked<'_>],
) -> Option<&'p Protocol> {
    let mut fitting: Vec<&Protocol> = protocols
        .iter()
        .filter(|p| !p.by_hand && is_for(p, study))
        .collect();
    fitting.sort_by_key(|p| {
        (
            std::cmp::Reverse(p.study.weight()),
            std::cmp::Reverse(p.own),
            p.id.clone(),
        )
    });
    fitting.into_iter().find(|p| {
        p.stages
            .iter()
            .enumerate()
            .any(|(n, _)| hang(p, n, study, priors).is_some())
    })
}

/// Hangs a stage; `None` when it is not offered for this study.
pub fn hang<'a>(
    protocol: &Protocol,
    number: usize,
    study: &'a StudyItems,
    priors: &[Ranked<'a>],
) -> Option<Hung<'a>> {
    let stage = protocol.stages.get(number)?;
    let wants_prior = stage.cells.iter().any(|c| c.study == Which::Prior);
    // Of several priors the first that fills what must be filled.
    let candidates = priors
        .iter()
        .filter(|p| p.hangable())
        .map(|p| Some(p.study));
    let tries: Vec<Option<&StudyItems>> = if wants_prior {
        candidates.chain([None]).collect()
    } else {
        vec![None]
    };
    tries
        .into_iter()
        .find_map(|prior| hang_with(stage, number, study, prior))
}

fn hang_with<'a>(
    stage: &Stage,
    number: usize,
    study: &'a StudyItems,
    prior: Option<&'a StudyItems>,
) -> Option<Hung<'a>> {
    let plan = stage.plan()?;
    let mut cells: Vec<Option<HungCell<'a>>> = Vec::new();
    for rule in &stage.cells {
        let cell = fill(rule, &cells, study, prior);
        if cell.is_none() && rule.required {
            return None;
        }
        cells.push(cell);
    }
    if stage.fill {
        let room = match &plan {
            StageLayout::Fixed(layout) => layout.cells(),
            StageLayout::Fit(grid) | StageLayout::Crop(grid) => grid.cells(),
        };
        fill_rest(&mut cells, room, study);
    }
    let layout = match plan {
        StageLayout::Fixed(layout) => layout,
        StageLayout::Fit(most) => {
            cells.retain(Option::is_some);
            fitting_grid(cells.len(), most)
        }
        StageLayout::Crop(grid) => crop(&mut cells, grid),
    };
    let filled = cells.iter().flatten().count();
    if filled == 0 || filled < stage.least {
        return None;
    }
    cells.resize(layout.cells(), None);
    let hung_prior = cells.iter().flatten().any(|c| c.prior);
    Some(Hung {
        stage: number,
        layout,
        cells,
        prior: prior.filter(|_| hung_prior),
    })
}

/// Takes rows and columns out of a grid of which every cell is empty; what stands beside and below each other still does.
fn crop(cells: &mut Vec<Option<HungCell<'_>>>, grid: Grid) -> Layout {
    cells.resize(grid.cells(), None);
    let columns = grid.columns();
    let filled = |at: usize| cells.get(at).is_some_and(Option::is_some);
    let rows: Vec<usize> = (0..grid.rows())
        .filter(|row| (0..columns).any(|column| filled(row * columns + column)))
        .collect();
    let kept: Vec<usize> = (0..columns)
        .filter(|column| (0..grid.rows()).any(|row| filled(row * columns + column)))
        .collect();
    let mut left = Vec::with_capacity(rows.len() * kept.len());
    for row in &rows {
        for column in &kept {
            left.push(cells.get_mut(row * columns + column).and_then(Option::take));
        }
    }
    *cells = left;
    Layout::Grid(Grid::new(kept.len() as u8, rows.len() as u8))
}

/// As small a grid as holds so many, wider than high, within bounds.
pub fn fitting_grid(count: usize, most: Grid) -> Layout {
    let mut best = most;
    for columns in 1..=most.columns() {
        for rows in 1..=most.rows() {
            let grid = Grid::new(columns as u8, rows as u8);
            let key = |g: Grid| {
                let (c, r) = (g.columns(), g.rows());
                // Cells as large as can be, then few empty ones, then rather wide than high.
                (c.max(r), g.cells(), r)
            };
            if grid.cells() >= count && key(grid) < key(best) {
                best = grid;
            }
        }
    }
    Layout::Grid(best)
}

fn fill<'a>(
    rule: &CellRule,
    before: &[Option<HungCell<'a>>],
    study: &'a StudyItems,
    prior: Option<&'a StudyItems>,
) -> Option<HungCell<'a>> {
    if rule.empty {
        return None;
    }
    let is_prior = rule.study == Which::Prior;
    let source = if is_prior { prior? } else { study };
    let at = |n: usize| before.get(n.checked_sub(1)?)?.as_ref();
    let item = if let Some(other) = rule.same_as {
        at(other)?.item
    } else {
        let taken = |item: &Item| {
            before
                .iter()
                .flatten()
                .any(|c| c.item.series == item.series && c.item.image == item.image)
        };
        let free = || source.items.iter().filter(|item| !taken(item));
        let needs_volume = rule.show != Show::Stack;
        let model = match rule.like {
            Some(other) => Some(at(other)?.item),
            None => None,
        };
        let suits = |item: &&Item| {
            rule.series.fits(item)
                && (!needs_volume || item.volume)
                && model.is_none_or(|m| priors::may_stand_beside(m, item))
        };
        let best = |fits: &mut dyn Iterator<Item = &'a Item>| {
            // The first of those that are equal: the order of the list decides.
            fits.min_by_key(|item| {
                (
                    std::cmp::Reverse(model.map_or(0, |m| priors::resemblance(m, item))),
                    rank(rule, item),
                )
            })
        };
        best(&mut free().filter(suits)).or_else(|| {
            let any = rule.or_any && !is_prior;
            any.then(|| best(&mut free().filter(|i| !needs_volume || i.volume)))
                .flatten()
        })?
    };
    let image = match rule.image {
        Image::First => item.image,
        Image::Middle => item.image + item.frames / 2,
    };
    Some(HungCell {
        item,
        prior: is_prior,
        show: rule.show,
        window: window_for(rule, item),
        image,
        chest_wall: rule.justify == super::protocol::Justify::ChestWall,
        filled: false,
    })
}

/// A window of a preset needs values that it speaks of.
fn window_for(rule: &CellRule, item: &Item) -> String {
    match rule.window.as_str() {
        "" | "file" => String::new(),
        "auto" => "auto".into(),
        name if item.hounsfield => name.to_owned(),
        _ => String::new(),
    }
}

/// The lower, the rather: pictures before masks, which are seen over them, and before scouts, those with the words that are preferred, volumes, the larger,
/// then as they are numbered.
fn rank(rule: &CellRule, item: &Item) -> impl Ord + use<> {
    let preferred = rule
        .prefer
        .iter()
        .filter(|w| w.split('|').any(|one| item.words.has(one)))
        .count();
    (
        item.is_mask(),
        item.scout,
        std::cmp::Reverse(preferred),
        !item.volume,
        std::cmp::Reverse(item.frames),
        item.number,
    )
}

/// Empty cells take the series that are left, in their order; scouts and masks last.
fn fill_rest<'a>(cells: &mut Vec<Option<HungCell<'a>>>, room: usize, study: &'a StudyItems) {
    cells.resize(room.max(cells.len()), None);
    let shown = |cells: &[Option<HungCell<'_>>], item: &Item| {
        cells
            .iter()
            .flatten()
            .any(|c| c.item.series == item.series && c.item.image == item.image)
    };
    let (scouts, rest): (Vec<&Item>, Vec<&Item>) =
        study.items.iter().partition(|i| i.scout || i.is_mask());
    for item in rest.into_iter().chain(scouts) {
        if shown(cells, item) {
            continue;
        }
        let Some(slot) = cells.iter_mut().find(|c| c.is_none()) else {
            return;
        };
        *slot = Some(HungCell {
            item,
            prior: false,
            show: Show::Stack,
            window: String::new(),
            image: item.image,
            chest_wall: false,
            filled: true,
        });
    }
}

/// The next stage that can be hung, in a direction; `None` at the end.
pub fn next_stage<'a>(
    protocol: &Protocol,
    from: Option<usize>,
    forward: bool,
    study: &'a StudyItems,
    priors: &[Ranked<'a>],
) -> Option<Hung<'a>> {
    let count = protocol.stages.len();
    let order: Vec<usize> = match (from, forward) {
        (Some(from), true) => (from + 1..count).collect(),
        (Some(from), false) => (0..from.min(count)).rev().collect(),
        (None, _) => (0..count).collect(),
    };
    order
        .into_iter()
        .find_map(|n| hang(protocol, n, study, priors))
}

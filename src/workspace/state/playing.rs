//! Films in the views: starting, stopping, and the frame that is due.

use super::{Viewport, Workspace};
use crate::{
    model::{cine::CineFacts, layout::FrameRef},
    workspace::{
        cine::{Player, Schedule, TimeSource},
        command::Command,
        display::FrameState,
    },
};
use std::collections::BTreeMap;

/// What a film is asked for by the bar in its cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FilmWish {
    /// Start or stop.
    Toggle,
    /// The next higher speed, or the next lower.
    Speed {
        /// Higher.
        faster: bool,
    },
    /// Forth and back, or round and round.
    Sweep(bool),
    /// Play these frames only, from 0.
    Range([usize; 2]),
}

/// The films, one a cell at most, and the clock of the window.
#[derive(Debug, Default)]
pub struct Films {
    films: BTreeMap<usize, Film>,
    now_secs: f64,
}

#[derive(Debug)]
struct Film {
    series: String,
    player: Player,
    /// Somebody played it, so that it has a bar also where the file is no film.
    used: bool,
    /// Its frames say when in the beat of the heart they were made.
    timed: bool,
}

impl Films {
    /// Whether any runs.
    pub fn any_running(&self) -> bool {
        self.films.values().any(|f| f.player.is_running())
    }

    /// Stops the film of a cell.
    pub(in crate::workspace) fn stop(&mut self, cell: usize) {
        if let Some(film) = self.films.get_mut(&cell) {
            film.player.stop();
        }
    }

    pub(super) fn stop_all(&mut self) {
        for film in self.films.values_mut() {
            film.player.stop();
        }
    }

    /// The cells have other numbers now, or are gone.
    pub(super) fn renumber(&mut self, moved: impl Fn(usize) -> Option<usize>) {
        let films = std::mem::take(&mut self.films).into_iter();
        self.films = films
            .filter_map(|(c, film)| Some((moved(c)?, film)))
            .collect();
    }

    /// Seconds until the next frame of any film is due.
    pub fn wait_secs(&self) -> Option<f64> {
        let waits = self.films.values();
        let waits = waits.filter_map(|f| f.player.wait_secs(self.now_secs));
        waits.min_by(f64::total_cmp)
    }
}

/// What the object of a view says of times; nothing for a cut.
fn facts_of(viewport: &Viewport) -> Option<&CineFacts> {
    let display = viewport.display.as_ref().filter(|_| !viewport.is_cut())?;
    display.layout.first_instance()?.technique.cine.as_deref()
}

/// The times of frames that lie at one place and were made at different moments of the heart's beat.
fn beat_of(viewport: &Viewport) -> Option<Schedule> {
    let display = viewport.display.as_ref().filter(|_| !viewport.is_cut())?;
    let frames = &display.layout.frames;
    let first = frames.first()?;
    if !frames.iter().all(|frame| frame.lies_with(first)) {
        return None;
    }
    let times: Option<Vec<f64>> = frames.iter().map(FrameRef::trigger_time_ms).collect();
    Schedule::of_trigger_times(&times?)
}

impl Workspace {
    /// The film of a cell: of any cell that plays or played, and of every object that is one by its header.
    pub fn film(&self, cell: usize) -> Option<&Player> {
        let film = self.films.films.get(&cell)?;
        let of_file = || {
            self.viewports
                .get(cell)
                .is_some_and(|v| facts_of(v).is_some())
        };
        (film.used || film.timed || of_file()).then_some(&film.player)
    }

    /// Shows what is due at this moment of the window's clock. Called before every frame; costs nothing without a film.
    pub fn play(&mut self, now_secs: f64) {
        self.films.now_secs = now_secs;
        for cell in self.visible_cells() {
            self.fit_film(cell);
        }
        let shown = self.visible_cells();
        self.films.films.retain(|cell, _| shown.contains(*cell));
        let mut lacking = false;
        for (&cell, film) in &mut self.films.films {
            let Some(due) = film.player.advance(now_secs) else {
                continue;
            };
            let Some(viewport) = self.viewports.get_mut(cell) else {
                continue;
            };
            if due == viewport.slice_index() {
                continue;
            }
            let display = viewport.display.clone().filter(|_| !viewport.is_cut());
            let waiting = |d: &std::sync::Arc<super::SeriesDisplay>| {
                matches!(d.frame(due), FrameState::Waiting)
            };
            if display.as_ref().is_some_and(waiting) {
                // It is not here yet: the last one stays, under its own number.
                film.player.missed();
                lacking = true;
            } else {
                lacking |= display.is_some_and(|d| !d.all_fit());
                viewport.go_to_slice(due);
            }
        }
        if lacking {
            self.request_frames();
        }
    }

    /// Gives a cell the film of what it shows now.
    fn fit_film(&mut self, cell: usize) {
        let Some(viewport) = self.viewports.get(cell) else {
            return;
        };
        let frames = viewport.slice_count();
        let Some(node) = viewport.node.as_ref().filter(|_| frames > 1) else {
            self.films.films.remove(&cell);
            return;
        };
        let film = self.films.films.get(&cell);
        if film.is_some_and(|f| f.series == node.key && f.player.schedule.frames() == frames) {
            return;
        }
        let mut player = match facts_of(viewport) {
            Some(facts) => Player::new(facts, frames),
            None => Player::new(&CineFacts::default(), frames),
        };
        let beat = match player.schedule.source {
            TimeSource::Assumed | TimeSource::CineRate => beat_of(viewport),
            _ => None,
        };
        let timed = beat.is_some();
        if let Some(schedule) = beat {
            player.schedule = schedule;
        }
        let film = Film {
            series: node.key.clone(),
            player,
            used: false,
            timed,
        };
        self.films.films.insert(cell, film);
    }

    /// Does with a film what its bar or a key asks for.
    pub(in crate::workspace) fn change_film(&mut self, cell: usize, wish: FilmWish) {
        self.fit_film(cell);
        let now = self.films.now_secs;
        let shown = self.viewports.get(cell).map_or(0, Viewport::slice_index);
        let Some(film) = self.films.films.get_mut(&cell) else {
            return;
        };
        film.used = true;
        let player = &mut film.player;
        match wish {
            FilmWish::Toggle if player.is_running() => player.stop(),
            FilmWish::Toggle => player.start(shown, now),
            FilmWish::Speed { faster } => player.change_speed(now, faster),
            FilmWish::Sweep(on) => player.change(now, |p| p.sweep = on),
            FilmWish::Range(range) => player.change(now, |p| p.range = range),
        }
    }

    /// Carries out what belongs to films; whether it did.
    pub(super) fn film_command(&mut self, command: Command) -> bool {
        let wish = match command {
            Command::Cine => FilmWish::Toggle,
            Command::CineFaster => FilmWish::Speed { faster: true },
            Command::CineSlower => FilmWish::Speed { faster: false },
            _ => return false,
        };
        self.change_film(self.active, wish);
        true
    }
}

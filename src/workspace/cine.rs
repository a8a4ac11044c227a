//! Playing the frames of a view: which frame is due at which moment.
//!
//! Must stay true: the clock is an argument, so that a film of a minute is tested in no time; what is due follows from
//! the time since the start and not from how often somebody asked, so that a slow window drops frames and never plays
//! slow. What was dropped is counted. Nothing here asks for repaints or knows a viewport.

use crate::model::cine::CineFacts;
use std::ops::RangeInclusive;

/// Where the times of a film come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeSource {
    /// Frame Time Vector (0018,1065).
    FrameTimeVector,
    /// Frame Time (0018,1063).
    FrameTime,
    /// Recommended Display Frame Rate (0008,2144).
    RecommendedRate,
    /// Trigger Time (0018,1060) of each frame.
    TriggerTime,
    /// Cine Rate (0018,0040).
    CineRate,
    /// The file says nothing.
    Assumed,
}

/// Frames a second where the file says nothing.
pub const ASSUMED_RATE: f64 = 15.0;

/// Speeds that the keys go through, as factors on the file's own.
pub const SPEEDS: [f64; 9] = [0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0];

/// Shortest and longest time of a frame that is believed, ms: 1000 frames a second to one a minute.
const FRAME_MS: RangeInclusive<f64> = 1.0..=60_000.0;

/// A longer silence of the window is no slowness but an interruption (a hidden window, a sleeping computer), seconds.
const INTERRUPTED_SECS: f64 = 2.0;

/// When each frame begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// Beginning of each frame, ms; one more entry for the end of the last.
    starts_ms: Vec<f64>,
    /// Where it comes from.
    pub source: TimeSource,
}

impl Schedule {
    /// The schedule of a series of frames. What was measured between the frames comes first, then what is the same for
    /// all, then what is recommended.
    pub fn of(facts: &CineFacts, frames: usize) -> Self {
        if let Some(starts_ms) = from_vector(&facts.frame_time_vector_ms, frames) {
            return Self {
                starts_ms,
                source: TimeSource::FrameTimeVector,
            };
        }
        let believed = |ms: Option<f64>| ms.filter(|ms| FRAME_MS.contains(ms));
        let of_rate = |rate: Option<f64>| believed(rate.map(|rate| 1000.0 / rate));
        let (frame_ms, source) = None
            .or_else(|| Some((believed(facts.frame_time_ms)?, TimeSource::FrameTime)))
            .or_else(|| {
                Some((
                    of_rate(facts.recommended_rate)?,
                    TimeSource::RecommendedRate,
                ))
            })
            .or_else(|| Some((of_rate(facts.cine_rate)?, TimeSource::CineRate)))
            .unwrap_or((1000.0 / ASSUMED_RATE, TimeSource::Assumed));
        Self {
            starts_ms: (0..=frames).map(|k| k as f64 * frame_ms).collect(),
            source,
        }
    }

    /// The schedule of frames that were made so long after the beat of the heart, ms; `None` where these do not rise.
    pub fn of_trigger_times(times_ms: &[f64]) -> Option<Self> {
        let first = times_ms.first()?;
        let steps = times_ms.windows(2).map(|w| match w {
            [a, b] => b - a,
            _ => 0.0,
        });
        let vector: Vec<f64> = std::iter::once(0.0).chain(steps).collect();
        let rise = vector.iter().skip(1).all(|step| *step > 0.0);
        let starts_ms =
            from_vector(&vector, times_ms.len()).filter(|_| rise && first.is_finite())?;
        Some(Self {
            starts_ms,
            source: TimeSource::TriggerTime,
        })
    }

    /// How many frames there are.
    pub fn frames(&self) -> usize {
        self.starts_ms.len().saturating_sub(1)
    }

    fn start(&self, frame: usize) -> f64 {
        self.starts_ms.get(frame).copied().unwrap_or(0.0)
    }

    /// Frames a second, on the average over a range.
    pub fn rate(&self, range: &RangeInclusive<usize>) -> f64 {
        let span = self.start(range.end() + 1) - self.start(*range.start());
        (range.end() + 1).saturating_sub(*range.start()) as f64 * 1000.0 / span.max(1e-9)
    }

    /// What is due so long after the first frame of a range was shown. `range` lies within the frames.
    fn due(&self, range: &RangeInclusive<usize>, sweep: bool, elapsed_ms: f64) -> Due {
        let (first, last) = (*range.start(), *range.end());
        let forth = self.start(last + 1) - self.start(first);
        // Backwards a frame stays as long as it lies after its predecessor; both ends are shown once.
        let back = match sweep && last >= first + 2 {
            true => self.start(last - 1) - self.start(first),
            false => 0.0,
        };
        let period = forth + back;
        let frames_forth = (last - first + 1) as u64;
        let frames_back = if back > 0.0 {
            (last - first - 1) as u64
        } else {
            0
        };
        if !(period > 0.0 && elapsed_ms.is_finite()) || elapsed_ms < 0.0 {
            return Due {
                frame: first,
                ordinal: 0,
                until_ms: f64::INFINITY,
            };
        }
        let rounds = (elapsed_ms / period).floor();
        let at = (elapsed_ms - rounds * period).clamp(0.0, period);
        let (frame, within, until) = if at < forth || back <= 0.0 {
            let time = self.start(first) + at;
            let next = self.starts_ms.partition_point(|start| *start <= time);
            let frame = next.saturating_sub(1).clamp(first, last);
            let until = self.start(frame + 1) - self.start(first);
            (frame, (frame - first) as u64, until)
        } else {
            let time = self.start(last - 1) - (at - forth);
            let frame = self.starts_ms.partition_point(|start| *start < time);
            let frame = frame.clamp(first + 1, last - 1);
            let until = forth + self.start(last - 1) - self.start(frame - 1);
            (frame, frames_forth + (last - 1 - frame) as u64, until)
        };
        Due {
            frame,
            // Casts saturate: 10^19 frames are not played.
            ordinal: (rounds as u64)
                .saturating_mul(frames_forth + frames_back)
                .saturating_add(within),
            until_ms: rounds * period + until,
        }
    }
}

/// Beginnings from the distances between frames; `None` where these cannot be those of the frames.
fn from_vector(vector: &[f64], frames: usize) -> Option<Vec<f64>> {
    if frames < 2 || vector.len() != frames {
        return None;
    }
    let mut starts = Vec::with_capacity(frames + 1);
    let mut at = 0.0;
    starts.push(at);
    for step in vector.iter().skip(1) {
        if !(step.is_finite() && *step >= 0.0 && *step <= *FRAME_MS.end()) {
            return None;
        }
        at += step;
        starts.push(at);
    }
    // The file has no time for the last frame: it stays as long as the others on the average.
    let mean = at / (frames - 1) as f64;
    starts.push(at + mean);
    FRAME_MS.contains(&mean).then_some(starts)
}

/// A frame that is due.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Due {
    frame: usize,
    /// How many frames were due before it since the start.
    ordinal: u64,
    /// When the next one is due, ms since the start.
    until_ms: f64,
}

/// A film in a view: running or resting.
#[derive(Clone, Debug, PartialEq)]
pub struct Player {
    /// When which frame is due.
    pub schedule: Schedule,
    /// First and last frame that are played, from 0.
    pub range: [usize; 2],
    /// Forth and back instead of round and round.
    pub sweep: bool,
    /// Factor on the file's own speed.
    pub speed: f64,
    /// Frames that were due and not shown, since it was started.
    pub dropped: u64,
    running: Option<Running>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Running {
    /// Film time at `since_secs`, ms since the first frame of the range.
    base_ms: f64,
    since_secs: f64,
    /// What was shown last, and when.
    ordinal: Option<u64>,
    asked_secs: f64,
}

impl Player {
    /// A film that rests, as the file wants it shown.
    pub fn new(facts: &CineFacts, frames: usize) -> Self {
        let schedule = Schedule::of(facts, frames);
        let last = frames.saturating_sub(1);
        let trim =
            |value: Option<usize>| value.and_then(|n| n.checked_sub(1)).filter(|n| *n <= last);
        let (first, end) = (trim(facts.trim[0]), trim(facts.trim[1]));
        let range = match [first.unwrap_or(0), end.unwrap_or(last)] {
            [first, end] if first < end => [first, end],
            _ => [0, last],
        };
        Self {
            schedule,
            range,
            sweep: facts.sweep,
            speed: 1.0,
            dropped: 0,
            running: None,
        }
    }

    /// Whether it runs.
    pub const fn is_running(&self) -> bool {
        self.running.is_some()
    }

    fn span(&self) -> RangeInclusive<usize> {
        self.range[0]..=self.range[1]
    }

    /// Frames a second at the present speed.
    pub fn rate(&self) -> f64 {
        self.schedule.rate(&self.span()) * self.speed
    }

    /// Starts at a frame, which is due now; outside of the range at its beginning.
    pub fn start(&mut self, frame: usize, now_secs: f64) {
        let inside = self.span().contains(&frame);
        // At the last frame it begins anew.
        let frame = if inside && frame != self.range[1] {
            frame
        } else {
            self.range[0]
        };
        self.dropped = 0;
        self.running = Some(Running {
            base_ms: self.schedule.start(frame) - self.schedule.start(self.range[0]),
            since_secs: now_secs,
            ordinal: None,
            asked_secs: now_secs,
        });
    }

    /// Stops where it is.
    pub const fn stop(&mut self) {
        self.running = None;
    }

    fn film_ms(&self, running: &Running, now_secs: f64) -> f64 {
        running.base_ms + (now_secs - running.since_secs).max(0.0) * 1000.0 * self.speed
    }

    /// The frame that is due now, when it runs. Counts what was dropped since the last call.
    pub fn advance(&mut self, now_secs: f64) -> Option<usize> {
        let mut running = self.running?;
        if now_secs - running.asked_secs > INTERRUPTED_SECS {
            // It goes on from where the window fell silent.
            running.base_ms = self.film_ms(&running, running.asked_secs);
            running.since_secs = now_secs;
        }
        let elapsed = self.film_ms(&running, now_secs);
        let due = self.schedule.due(&self.span(), self.sweep, elapsed);
        if let Some(shown) = running.ordinal {
            self.dropped += due.ordinal.saturating_sub(shown + 1);
        }
        running.ordinal = Some(due.ordinal);
        running.asked_secs = now_secs;
        self.running = Some(running);
        Some(due.frame)
    }

    /// Says that the frame which was due could not be shown.
    pub const fn missed(&mut self) {
        self.dropped += 1;
    }

    /// Seconds until the next frame is due, while it runs.
    pub fn wait_secs(&self, now_secs: f64) -> Option<f64> {
        let running = self.running.as_ref()?;
        let elapsed = self.film_ms(running, now_secs);
        let due = self.schedule.due(&self.span(), self.sweep, elapsed);
        Some(((due.until_ms - elapsed) / (1000.0 * self.speed)).clamp(0.0, 3600.0))
    }

    /// Goes on from the frame that is due now with another speed, range or way.
    pub fn change(&mut self, now_secs: f64, change: impl FnOnce(&mut Self)) {
        let due = self.running.map(|running| {
            let elapsed = self.film_ms(&running, now_secs);
            self.schedule.due(&self.span(), self.sweep, elapsed).frame
        });
        change(self);
        let last = self.schedule.frames().saturating_sub(1);
        let [first, end] = self.range.map(|n| n.min(last));
        self.range = [first.min(end), end];
        if let Some(frame) = due {
            let dropped = self.dropped;
            self.start(frame, now_secs);
            self.dropped = dropped;
        }
    }

    /// The next faster or slower of [`SPEEDS`].
    pub fn change_speed(&mut self, now_secs: f64, faster: bool) {
        let next = match faster {
            true => SPEEDS.iter().find(|s| **s > self.speed + 1e-9),
            false => SPEEDS.iter().rev().find(|s| **s < self.speed - 1e-9),
        };
        if let Some(speed) = next.copied() {
            self.change(now_secs, |player| player.speed = speed);
        }
    }
}

#[cfg(test)]
mod tests;

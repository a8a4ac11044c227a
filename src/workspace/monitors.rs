//! The monitors that are there, and where windows stand on them.
//!
//! Must stay true: sizes and places are in pixels of the desktop, as the system has them; where it does not tell (Wayland
//! has no places of windows) nothing is made up.

use std::fmt::Write as _;

/// A monitor.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Monitor {
    /// Its upper left corner on the desktop.
    pub at: [i32; 2],
    /// Its size.
    pub size: [u32; 2],
    /// The system's name of its socket, for example `DP-1`; empty where there is none.
    pub name: String,
}

impl Monitor {
    /// Under what its measurement is kept: socket and size.
    pub fn key(&self) -> String {
        let [width, height] = self.size;
        format!("{} {width}x{height}", self.name).trim().to_owned()
    }

    /// Width and height of what a rectangle has in common with it.
    fn common(&self, at: [i32; 2], size: [u32; 2]) -> [u64; 2] {
        let side = |from: i32, length: u32, at: i32, size: u32| {
            let low = i64::from(from).max(i64::from(at));
            let high = (i64::from(from) + i64::from(length)).min(i64::from(at) + i64::from(size));
            u64::try_from(high - low).unwrap_or(0)
        };
        let ([x, y], [width, height]) = (self.at, self.size);
        [
            side(x, width, at[0], size[0]),
            side(y, height, at[1], size[1]),
        ]
    }

    /// Pixels that a rectangle has in common with it.
    fn overlap(&self, at: [i32; 2], size: [u32; 2]) -> u64 {
        self.common(at, size).iter().product()
    }
}

/// Where a window stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its upper left corner with the frame; `None` where the system does not tell.
    pub at: Option<[i32; 2]>,
    /// Its size without the frame.
    pub size: [u32; 2],
    /// It fills its monitor.
    pub maximised: bool,
}

/// So much of each side of a window lies on a monitor when it can be taken hold of, pixels.
const HOLD: u64 = 64;

/// All monitors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Monitors(Vec<Monitor>);

impl Monitors {
    /// These monitors, in whichever order the system names them.
    pub fn new(mut monitors: Vec<Monitor>) -> Self {
        monitors.retain(|m| m.size.iter().all(|side| *side > 0));
        monitors.sort();
        monitors.dedup();
        Self(monitors)
    }

    /// From left to right.
    pub fn list(&self) -> &[Monitor] {
        &self.0
    }

    /// Whether the system tells of none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The set of them as one word: sizes and places. Sockets do not count, so a plug that was moved is the same set.
    pub fn key(&self) -> String {
        let mut key = String::new();
        for Monitor {
            at: [x, y],
            size: [width, height],
            ..
        } in &self.0
        {
            let _ = write!(
                key,
                "{}{width}x{height}{x:+}{y:+}",
                if key.is_empty() { "" } else { " " }
            );
        }
        key
    }

    /// The monitor that most of a window lies on; the only one where there is no other.
    pub fn of(&self, place: Option<Place>) -> Option<usize> {
        if self.0.len() == 1 {
            return Some(0);
        }
        let place = place?;
        let at = place.at?;
        let under = |(n, monitor): (usize, &Monitor)| (monitor.overlap(at, place.size), n);
        let (pixels, n) = self
            .0
            .iter()
            .enumerate()
            .map(under)
            .max_by_key(|(pixels, n)| (*pixels, usize::MAX - n))?;
        (pixels > 0).then_some(n)
    }

    /// The only monitor of this size, where no two have it.
    pub fn of_size(&self, size: [u32; 2]) -> Option<usize> {
        let mut found = self.0.iter().enumerate().filter(|(_, m)| m.size == size);
        let (n, _) = found.next()?;
        found.next().is_none().then_some(n)
    }

    /// A monitor beside the one that this window stands on: the largest.
    pub fn beside(&self, main: Option<Place>) -> Option<&Monitor> {
        let taken = self.of(main)?;
        let others = self.0.iter().enumerate().filter(|(n, _)| *n != taken);
        let area = |m: &Monitor| u64::from(m.size[0]) * u64::from(m.size[1]);
        others.map(|(_, m)| m).max_by_key(|m| area(m))
    }

    /// Whether a window would be seen: enough of it lies on a monitor, or nobody knows where it lies.
    pub fn reach(&self, place: Place) -> bool {
        let Some(at) = place.at else { return true };
        let held = |m: &Monitor| m.common(at, place.size).iter().all(|side| *side >= HOLD);
        self.is_empty() || self.0.iter().any(held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn monitor(name: &str, at: [i32; 2], size: [u32; 2]) -> Monitor {
        Monitor {
            at,
            size,
            name: name.to_owned(),
        }
    }

    fn place(at: [i32; 2], size: [u32; 2]) -> Place {
        Place {
            at: Some(at),
            size,
            maximised: false,
        }
    }

    #[test]
    fn a_set_is_the_same_in_any_order_and_on_any_socket() {
        let (left, right) = ([1920, 1080], [2048, 2560]);
        let one = Monitors::new(vec![
            monitor("DP-1", [0, 0], left),
            monitor("DP-2", [1920, -200], right),
        ]);
        let two = Monitors::new(vec![
            monitor("DP-1", [1920, -200], right),
            monitor("HDMI-1", [0, 0], left),
        ]);
        assert_eq!(one.key(), "1920x1080+0+0 2048x2560+1920-200");
        assert_eq!(one.key(), two.key());
        assert_eq!(Monitors::default().key(), "");
        assert_eq!(one.list()[1].key(), "DP-2 2048x2560");
    }

    #[test]
    fn a_window_is_on_the_monitor_that_holds_most_of_it() {
        let set = Monitors::new(vec![
            monitor("a", [0, 0], [1920, 1080]),
            monitor("b", [1920, 0], [2048, 2560]),
        ]);
        let check =
            |at, size, on: Option<usize>| assert_eq!(set.of(Some(place(at, size))), on, "{at:?}");
        check([100, 100], [800, 600], Some(0));
        check([1800, 100], [800, 600], Some(1));
        check([1500, 100], [800, 600], Some(0));
        check([-900, 0], [800, 600], None);
        assert_eq!(set.of(None), None);
        assert_eq!(set.of_size([2048, 2560]), Some(1));
        assert_eq!(set.of_size([800, 600]), None);
        let twins = vec![
            monitor("a", [0, 0], [1920, 1080]),
            monitor("b", [1920, 0], [1920, 1080]),
        ];
        assert_eq!(Monitors::new(twins).of_size([1920, 1080]), None);
        let main = Some(place([100, 100], [800, 600]));
        assert_eq!(set.beside(main).map(|m| m.name.as_str()), Some("b"));
        assert!(!set.reach(place([5000, 0], [800, 600])));
        assert!(!set.reach(place([3968 - 20, 0], [800, 600])));
        assert!(set.reach(place([3968 - 200, 0], [800, 600])));
        // Nobody says where: on one monitor there is no question.
        let one = Monitors::new(vec![monitor("a", [0, 0], [1920, 1080])]);
        assert_eq!(one.of(None), Some(0));
        assert_eq!(one.beside(main), None);
    }
}

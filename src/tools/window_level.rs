//! The window drag law (product section 6.2): right is wider, up is brighter on the screen.

use crate::model::lut::WindowLevel;

/// Facts that are frozen when the drag begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WindowDrag {
    start: WindowLevel,
    gain: f64,
    min_width: f64,
    up_sign: f64,
}

impl WindowDrag {
    /// The same drag where an upward movement raises the level, as in Horos and 3D Slicer.
    #[must_use]
    pub const fn upside_down(mut self) -> Self {
        self.up_sign = -self.up_sign;
        self
    }

    /// Begins a drag. `value_range` is the span of modality values that the stored bits can hold (or the
    /// span of the data for floats), `float_data` lowers the smallest width, `inverted` is the state of
    /// the display (MONOCHROME1 or inverted by the user), so that "up" stays brighter.
    pub fn begin(start: WindowLevel, value_range: f64, float_data: bool, inverted: bool) -> Self {
        let range = if value_range.is_finite() && value_range > 0.0 {
            value_range
        } else {
            256.0
        };
        Self {
            start,
            gain: (start.width / 100.0).clamp(range / 8192.0, range / 256.0),
            min_width: if float_data { range / 65536.0 } else { 1.0 },
            up_sign: if inverted { 1.0 } else { -1.0 },
        }
    }

    /// The window after a movement of `dx`, `dy` logical pixels (y grows downwards), scaled by `speed`.
    pub fn moved(&self, dx: f64, dy: f64, speed: f64) -> WindowLevel {
        let step = self.gain * speed;
        WindowLevel {
            center: self.start.center + self.up_sign * -dy * step,
            width: (self.start.width + dx * step).max(self.min_width),
        }
    }
}

/// A window that spans the given values (5th to 95th of what a region holds); at least `min_width` wide.
pub fn window_from_range(low: f64, high: f64, min_width: f64) -> WindowLevel {
    WindowLevel {
        center: (low + high) / 2.0,
        width: (high - low).abs().max(min_width),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_drag_law_is_the_table() {
        let check =
            |start: (f64, f64), range, inverted, (dx, dy): (f64, f64), expected: (f64, f64)| {
                let start = WindowLevel {
                    center: start.0,
                    width: start.1,
                };
                let moved = WindowDrag::begin(start, range, false, inverted).moved(dx, dy, 1.0);
                assert_eq!((moved.center, moved.width), expected);
            };
        // 4 HU a pixel at width 400; up (dy < 0) lowers the level, which is brighter.
        check((40.0, 400.0), 4096.0, false, (10.0, 0.0), (40.0, 440.0));
        check((40.0, 400.0), 4096.0, false, (0.0, -10.0), (0.0, 400.0));
        // 0.5 at a stroke window: clamped from 0.4 by range / 8192.
        check((40.0, 40.0), 4096.0, false, (4.0, 0.0), (40.0, 42.0));
        // 15 at lung, 16 at most.
        check(
            (-600.0, 1500.0),
            4096.0,
            false,
            (0.0, 10.0),
            (-450.0, 1500.0),
        );
        check((0.0, 4000.0), 4096.0, false, (1.0, 0.0), (0.0, 4016.0));
        // Inverted display: up is still brighter, so the level rises.
        check((40.0, 400.0), 4096.0, true, (0.0, -10.0), (80.0, 400.0));
        // The habit of Horos and 3D Slicer.
        let level = WindowLevel {
            center: 40.0,
            width: 400.0,
        };
        let drag = WindowDrag::begin(level, 4096.0, false, false).upside_down();
        assert_eq!(drag.moved(0.0, -10.0, 1.0).center, 80.0);
        // Never narrower than one.
        check((40.0, 400.0), 4096.0, false, (-1000.0, 0.0), (40.0, 1.0));
    }
}

//! Zoom, pan and scroll laws.

/// Smallest and largest zoom relative to the picture that just fits.
pub const ZOOM_RANGE: (f64, f64) = (0.05, 64.0);
/// Smallest and largest zoom that a scale may ask for: a small picture on a large monitor is far below the one that just
/// fits.
pub const SCALE_RANGE: (f64, f64) = (ZOOM_RANGE.0 / 64.0, ZOOM_RANGE.1 * 64.0);

/// Zoom after a vertical drag: 200 logical pixels upwards double it.
pub fn zoom_dragged(start: f64, dy: f64, speed: f64) -> f64 {
    (start * 2f64.powf(-dy * speed / 200.0)).clamp(ZOOM_RANGE.0, ZOOM_RANGE.1)
}

/// Zoom after wheel notches (positive: away from the user, in).
pub fn zoom_wheeled(start: f64, notches: f64) -> f64 {
    (start * 1.15f64.powf(notches)).clamp(ZOOM_RANGE.0, ZOOM_RANGE.1)
}

/// How the pan (in viewport pixels, at the new zoom) must change so that the point under `anchor` stays.
/// `anchor` is measured from the viewport's centre, as is the pan of the picture's centre.
pub fn pan_for_zoom_at(anchor: [f64; 2], pan: [f64; 2], old_zoom: f64, new_zoom: f64) -> [f64; 2] {
    let ratio = new_zoom / old_zoom;
    [0, 1].map(|i| anchor[i] + (pan[i] - anchor[i]) * ratio)
}

/// Turns fractional scrolling into whole steps and keeps the rest for the next event.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ScrollSteps {
    rest: f64,
}

impl ScrollSteps {
    /// Adds a movement in steps; gives the whole steps to take now.
    pub fn add(&mut self, steps: f64) -> i64 {
        if !steps.is_finite() {
            return 0;
        }
        self.rest += steps;
        // A notch that arrives in parts may lack its last bit.
        let whole = (self.rest + 1e-4_f64.copysign(self.rest)).trunc();
        self.rest -= whole;
        whole as i64
    }
}

/// Slices to move for a drag of `dy` logical pixels through a series of `count` slices: the height of the
/// viewport is the whole series, but a step never needs less than 2 pixels.
pub fn scroll_dragged(dy: f64, count: usize, viewport_height: f64) -> f64 {
    let per_pixel = (count as f64 / viewport_height.max(1.0)).min(0.5);
    dy * per_pixel.max(0.05)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zooming_keeps_the_point_under_the_cursor() {
        let (anchor, pan, old, new) = ([30.0, -12.0], [5.0, 7.0], 1.5, 4.0);
        let moved = pan_for_zoom_at(anchor, pan, old, new);
        // The picture point under the anchor, in units of the fitted picture, before and after.
        for i in 0..2 {
            let before = (anchor[i] - pan[i]) / old;
            let after = (anchor[i] - moved[i]) / new;
            assert!((before - after).abs() < 1e-12);
        }
    }

    #[test]
    fn zoom_has_ends_and_a_way_back() {
        assert_eq!(zoom_dragged(1.0, -200.0, 1.0), 2.0);
        assert_eq!(zoom_dragged(1.0, 1e9, 1.0), ZOOM_RANGE.0);
        assert!((zoom_wheeled(zoom_wheeled(1.0, 3.0), -3.0) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn scrolling_loses_no_fraction() {
        let mut steps = ScrollSteps::default();
        let taken: i64 = (0..10).map(|_| steps.add(0.25)).sum();
        assert_eq!(taken, 2);
        assert_eq!(steps.add(-2.5), -2);
        assert_eq!(steps.add(f64::NAN), 0);
        let mut parts = ScrollSteps::default();
        let taken: i64 = (0..3)
            .map(|_| parts.add(f64::from(1.0_f32 / 3.0) - 1e-7))
            .sum();
        assert_eq!(taken, 1);
    }
}

//! Pictures for looking at a screen: grey steps with details near the threshold, ramps, line pairs, geometry.
//!
//! Drawn pixel by pixel for the size that is asked for, in P-values of eight bits; whoever shows them must not resample
//! them. After the ideas of AAPM TG18 and IEC 62563-1, in a design of our own: nothing of theirs is copied.

/// Which picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pattern {
    /// Eighteen grey steps from black to white, each with two squares that differ by three levels; fields of 5 % on
    /// black and 95 % on white; edges at the corners.
    Steps,
    /// Black to white and back, a level at a time: banding and clipping show.
    Ramps,
    /// Pairs of one, two and three pixels, upright and lying, in full and in faint contrast, in nine places.
    Lines,
    /// A grid, circles, and the outermost pixels: what is cut off or out of round shows.
    Geometry,
    /// All of 80 % with the corners and the middle marked: unevenness shows.
    Bright,
    /// All of 10 %, likewise.
    Dark,
}

/// Levels between a square and the step that it lies on.
pub const FAINT: u8 = 3;

/// Grey steps of [`Pattern::Steps`].
pub const STEPS: usize = 18;

/// Grey of a step.
pub const fn step_level(step: usize) -> u8 {
    (step * 255 / (STEPS - 1)) as u8
}

impl Pattern {
    /// All, in the order in which they are leafed through.
    pub const ALL: [Self; 6] = [
        Self::Steps,
        Self::Ramps,
        Self::Lines,
        Self::Geometry,
        Self::Bright,
        Self::Dark,
    ];

    /// Name, as on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Steps => "steps",
            Self::Ramps => "ramps",
            Self::Lines => "lines",
            Self::Geometry => "geometry",
            Self::Bright => "bright",
            Self::Dark => "dark",
        }
    }

    /// Key of the message catalogue; `<key>-tip` says what to look for.
    pub const fn message_key(self) -> &'static str {
        match self {
            Self::Steps => "pattern-steps",
            Self::Ramps => "pattern-ramps",
            Self::Lines => "pattern-lines",
            Self::Geometry => "pattern-geometry",
            Self::Bright => "pattern-bright",
            Self::Dark => "pattern-dark",
        }
    }

    /// The next one, or the one before.
    #[must_use]
    pub fn step(self, by: isize) -> Self {
        let at = Self::ALL.iter().position(|p| *p == self).unwrap_or(0);
        let count = Self::ALL.len() as isize;
        let next = (at as isize + by).rem_euclid(count) as usize;
        Self::ALL.get(next).copied().unwrap_or(self)
    }

    /// The picture: levels of eight bits, rows top to bottom. Sides of 0 are taken as 1, those above 16384 as that.
    pub fn draw(self, size: [u32; 2]) -> GreyPicture {
        let size = size.map(|n| n.clamp(1, 16384));
        let mut picture = GreyPicture {
            size,
            levels: vec![0; size[0] as usize * size[1] as usize],
        };
        match self {
            Self::Steps => steps(&mut picture),
            Self::Ramps => ramps(&mut picture),
            Self::Lines => lines(&mut picture),
            Self::Geometry => geometry(&mut picture),
            Self::Bright => even(&mut picture, 204),
            Self::Dark => even(&mut picture, 26),
        }
        picture
    }
}

/// Grey levels of eight bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GreyPicture {
    /// Width and height.
    pub size: [u32; 2],
    /// Rows top to bottom.
    pub levels: Vec<u8>,
}

/// Left, top, width, height.
type Area = [i64; 4];

impl GreyPicture {
    /// A level; black outside.
    pub fn level(&self, x: u32, y: u32) -> u8 {
        let index = y as usize * self.size[0] as usize + x as usize;
        if x < self.size[0] {
            self.levels.get(index).copied().unwrap_or(0)
        } else {
            0
        }
    }

    /// RGBA.
    pub fn rgba(&self) -> Vec<u8> {
        self.levels.iter().flat_map(|&l| [l, l, l, 255]).collect()
    }

    fn paint(&mut self, area: Area, level: impl Fn(i64, i64) -> Option<u8>) {
        let [left, top, width, height] = area;
        let [columns, rows] = self.size.map(i64::from);
        for y in top.max(0)..(top + height).min(rows) {
            for x in left.max(0)..(left + width).min(columns) {
                if let (Some(level), Some(slot)) =
                    (level(x, y), self.levels.get_mut((y * columns + x) as usize))
                {
                    *slot = level;
                }
            }
        }
    }

    fn fill(&mut self, area: Area, level: u8) {
        self.paint(area, |_, _| Some(level));
    }

    fn whole(&self) -> Area {
        [0, 0, i64::from(self.size[0]), i64::from(self.size[1])]
    }

    /// The border of an area, inside of it.
    fn frame(&mut self, [left, top, width, height]: Area, thick: i64, level: u8) {
        self.fill([left, top, width, thick], level);
        self.fill([left, top + height - thick, width, thick], level);
        self.fill([left, top, thick, height], level);
        self.fill([left + width - thick, top, thick, height], level);
    }
}

fn steps(picture: &mut GreyPicture) {
    let [_, _, width, height] = picture.whole();
    picture.fill(picture.whole(), 128);
    // Six by three steps, in the order of a snake so that neighbours differ by one, above two fields for the ends.
    let side = (width / 8).min(height / 6).max(1);
    let left = (width - 6 * side) / 2;
    let top = (height - 5 * side) / 2;
    for step in 0..STEPS {
        let (row, place) = ((step / 6) as i64, (step % 6) as i64);
        let column = if row % 2 == 0 { place } else { 5 - place };
        let level = step_level(step);
        let at = [left + column * side, top + row * side, side, side];
        picture.fill(at, level);
        // Two squares: one lighter, one darker, where there is room for it.
        let detail = side / 4;
        let lighter = level.saturating_add(FAINT);
        let darker = level.saturating_sub(FAINT);
        picture.fill(
            [at[0] + detail / 2, at[1] + detail / 2, detail, detail],
            lighter,
        );
        let corner = side - detail - detail / 2;
        picture.fill([at[0] + corner, at[1] + corner, detail, detail], darker);
    }
    // 5 % on black and 95 % on white, as everybody knows them.
    let row = top + 3 * side + side / 2;
    for (column, outer, inner) in [(1, 0u8, 13u8), (3, 255, 242)] {
        let at = [left + column * side, row, side * 3 / 2, side];
        picture.fill(at, outer);
        let third = side / 3;
        picture.fill(
            [
                at[0] + side * 3 / 4 - third / 2,
                at[1] + third,
                third,
                third,
            ],
            inner,
        );
    }
    picture.frame(picture.whole(), 1, 255);
}

fn ramps(picture: &mut GreyPicture) {
    let [_, _, width, height] = picture.whole();
    let ramp = |at: i64, length: i64| (at * 256 / length.max(1)).clamp(0, 255) as u8;
    let band = height / 4;
    picture.paint([0, 0, width, band], |x, _| Some(ramp(x, width)));
    picture.paint([0, band, width, band], |x, _| Some(255 - ramp(x, width)));
    // Only the darkest and only the brightest sixteenth, spread over the width.
    picture.paint([0, 2 * band, width, band], |x, _| Some(ramp(x, width) / 16));
    picture.paint([0, 3 * band, width, height - 3 * band], |x, _| {
        Some(240 + ramp(x, width) / 16)
    });
}

fn lines(picture: &mut GreyPicture) {
    let [_, _, width, height] = picture.whole();
    picture.fill(picture.whole(), 128);
    // A whole number of the periods 2, 4 and 6.
    let side = ((width / 16).min(height / 12) / 12 * 12).max(12);
    for (across, down) in (0..3).flat_map(|y| (0..3).map(move |x| (x, y))) {
        let along = |part: i64, length: i64, block: i64| {
            let margin = length / 40;
            margin + (length - 2 * margin - block) * part / 2
        };
        let block_left = along(across, width, 3 * side);
        let block_top = along(down, height, 4 * side);
        for (column, pixels) in (0..).zip([1, 2, 3]) {
            for (row, (upright, low, high)) in (0..).zip([
                (true, 0, 255),
                (false, 0, 255),
                (true, 122, 134),
                (false, 122, 134),
            ]) {
                let at = [
                    block_left + column * side,
                    block_top + row * side,
                    side,
                    side,
                ];
                picture.paint(at, |x, y| {
                    let place = if upright { x - at[0] } else { y - at[1] };
                    Some(if place / pixels % 2 == 0 { low } else { high })
                });
            }
        }
    }
}

fn geometry(picture: &mut GreyPicture) {
    let [_, _, width, height] = picture.whole();
    let step = (width.min(height) / 16).max(2);
    // From the middle outwards, so that both sides are alike.
    let on_grid = |at: i64, length: i64| (at - length / 2).rem_euclid(step) == 0;
    picture.paint(picture.whole(), |x, y| {
        (on_grid(x, width) || on_grid(y, height)).then_some(96)
    });
    let circle = |picture: &mut GreyPicture, centre: [i64; 2], radius: i64| {
        let area = [
            centre[0] - radius - 1,
            centre[1] - radius - 1,
            2 * radius + 3,
            2 * radius + 3,
        ];
        picture.paint(area, |x, y| {
            let (dx, dy) = (x - centre[0], y - centre[1]);
            let distance = ((dx * dx + dy * dy) as f64).sqrt();
            ((distance - radius as f64).abs() < 0.75).then_some(255)
        });
    };
    circle(picture, [width / 2, height / 2], width.min(height) / 2 - 4);
    let small = 2 * step;
    for x in [small + 2, width - small - 3] {
        for y in [small + 2, height - small - 3] {
            circle(picture, [x, y], small);
        }
    }
    picture.fill([width / 2, 0, 1, height], 255);
    picture.fill([0, height / 2, width, 1], 255);
    picture.frame(picture.whole(), 1, 255);
    picture.frame([2, 2, width - 4, height - 4], 1, 160);
}

fn even(picture: &mut GreyPicture, level: u8) {
    let [_, _, width, height] = picture.whole();
    picture.fill(picture.whole(), level);
    let side = (width.min(height) / 10).max(4);
    let mark = level.saturating_sub(20).max(8);
    for x in [0, (width - side) / 2, width - side] {
        for y in [0, (height - side) / 2, height - side] {
            let middle = x != 0 && x != width - side;
            if middle == (y != 0 && y != height - side) {
                picture.frame([x, y, side, side], 1, mark);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_size_is_drawn() {
        for pattern in Pattern::ALL {
            for size in [[0, 0], [1, 1], [7, 3], [640, 480], [479, 641]] {
                let picture = pattern.draw(size);
                let pixels = picture.size[0] as usize * picture.size[1] as usize;
                assert_eq!(picture.levels.len(), pixels, "{pattern:?} {size:?}");
            }
            assert_eq!(pattern.step(1).step(-1), pattern);
        }
        let names: BTreeSet<_> = Pattern::ALL.iter().map(|p| p.name()).collect();
        assert_eq!(names.len(), Pattern::ALL.len());
    }

    #[test]
    fn steps_are_even_and_have_their_details() {
        let picture = Pattern::Steps.draw([1600, 1200]);
        let side = 200;
        for step in 0..STEPS {
            let (row, place) = ((step / 6) as u32, (step % 6) as u32);
            let column = if row % 2 == 0 { place } else { 5 - place };
            let (left, top) = (200 + column * side, 100 + row * side);
            let level = step_level(step);
            assert_eq!(picture.level(left + 100, top + 100), level);
            assert_eq!(
                picture.level(left + 40, top + 40),
                level.saturating_add(FAINT)
            );
            assert_eq!(
                picture.level(left + 160, top + 160),
                level.saturating_sub(FAINT)
            );
        }
        assert_eq!((step_level(0), step_level(1), step_level(17)), (0, 15, 255));
    }

    #[test]
    fn ramps_hold_every_level() {
        let picture = Pattern::Ramps.draw([256, 16]);
        let row = |y: u32| (0..256).map(|x| picture.level(x, y)).collect::<Vec<_>>();
        assert_eq!(row(0), (0..=255).collect::<Vec<u8>>());
        assert_eq!(row(4), (0..=255).rev().collect::<Vec<u8>>());
        assert_eq!((row(8)[255], row(12)[0], row(15)[255]), (15, 240, 255));
    }

    #[test]
    fn line_pairs_are_as_wide_as_they_say() {
        let picture = Pattern::Lines.draw([1600, 1200]);
        // The block in the top left: margins of 40 and 30 pixels, fields of 96 pixels.
        for (column, pixels) in [(0u32, 1u32), (1, 2), (2, 3)] {
            for place in 0..96 {
                let on = place / pixels % 2 == 1;
                let x = 40 + column * 96;
                assert_eq!(picture.level(x + place, 30 + 48), if on { 255 } else { 0 });
                assert_eq!(
                    picture.level(x + 48, 30 + 96 + place),
                    if on { 255 } else { 0 }
                );
                assert_eq!(
                    picture.level(x + place, 30 + 240),
                    if on { 134 } else { 122 }
                );
            }
        }
    }

    #[test]
    fn geometry_reaches_the_outermost_pixels() {
        let picture = Pattern::Geometry.draw([301, 203]);
        for (x, y) in [(0, 0), (300, 0), (0, 202), (300, 202), (150, 0), (0, 101)] {
            assert_eq!(picture.level(x, y), 255);
        }
        // The large circle, a pixel beside the line through the middle, touches above and below.
        let beside = [3, 4, 198, 199].map(|y| picture.level(149, y) == 255);
        assert_eq!(beside, [false, true, true, false]);
    }
}

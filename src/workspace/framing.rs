//! Where a hung picture stands in its cell and at which scale it just fits.

/// Which end of the columns of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The first column.
    First,
    /// The last column.
    Last,
}

/// Where a hung picture stands in its cell and at which scale it just fits. Fitting and resetting a view keep it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Framing {
    /// This end of the columns touches the cell's edge on its side, wherever turning and flipping bring it: chest walls
    /// meet so. `None`: the picture stands in the middle.
    pub wall: Option<End>,
    /// Width and height that just fit, millimetres: pictures with the same stand at one scale. `None`: those of the picture.
    pub extent: Option<[f64; 2]>,
    /// A pixel of the image is a pixel of the screen, in the place of what just fits.
    pub pixels: bool,
    /// Which part of the picture fills the cell, counted from 0 row by row ([`parts`]); one behind the last is the last.
    /// `None`: all of it stands there.
    pub part: Option<u16>,
}

/// Into how many parts a picture goes across and down so that each fits into the cell. Both in pixels of the cell.
pub fn parts(picture: [f64; 2], cell: [u32; 2]) -> [u32; 2] {
    let along = |n: usize| {
        let whole = picture.get(n).copied().unwrap_or_default();
        let one = f64::from(cell.get(n).copied().unwrap_or(1).max(1));
        // What is cut off by less than a pixel is nothing.
        (((whole - 0.5) / one).ceil()).clamp(1.0, 64.0) as u32
    };
    [along(0), along(1)]
}

impl Framing {
    /// Units of a viewport pixel, from those at which the picture itself just fits and those of a column.
    pub fn unit_per_pixel(&self, own: f64, column_unit: f64, size: [u32; 2]) -> f64 {
        let shared = self
            .extent
            .map(|[width, height]| (width / f64::from(size[0])).max(height / f64::from(size[1])));
        let unit = match shared {
            _ if self.pixels => column_unit,
            Some(shared) => shared,
            None => own,
        };
        if unit.is_finite() && unit > 1e-9 {
            unit
        } else {
            own
        }
    }

    /// How far the middle of a cell is to the right of the picture's middle, in units. `last` is the way to the right from
    /// the picture's middle to its last column; negative when that is at the left of the screen.
    pub fn offset(&self, last: f64, cell_width: f64) -> f64 {
        let edge = match self.wall {
            None => return 0.0,
            Some(End::Last) => last,
            Some(End::First) => -last,
        };
        // Turned by a quarter the wall is at neither side.
        if edge.abs() < 1e-9 {
            return 0.0;
        }
        edge - edge.signum() * cell_width / 2.0
    }

    /// How far the middle of the cell is from the picture's middle, to the right and down, in pixels of the cell, where a
    /// part of the picture is shown. First and last parts touch its borders; neighbours overlap, so nothing is missed, and
    /// all lie on whole pixels.
    pub fn part_offset(&self, picture: [f64; 2], cell: [u32; 2]) -> Option<[f64; 2]> {
        let [across, down] = parts(picture, cell);
        let part = u32::from(self.part?).min(across * down - 1);
        let along = |whole: f64, cell: u32, number: u32, of: u32| {
            let room = whole - f64::from(cell);
            let from = match of {
                0 | 1 => (room / 2.0).round(),
                _ => (room * f64::from(number) / f64::from(of - 1)).round(),
            };
            // The last ends where the picture does.
            let from = if number + 1 == of && of > 1 {
                room
            } else {
                from
            };
            from + f64::from(cell) / 2.0 - whole / 2.0
        };
        let [width, height] = picture;
        Some([
            along(width, cell[0], part % across, across),
            along(height, cell[1], part / across, down),
        ])
    }

    /// As a line of text, for the journal; empty when it is as pictures open.
    pub fn text(&self) -> String {
        let wall = match self.wall {
            None => "",
            Some(End::First) => " first",
            Some(End::Last) => " last",
        };
        let extent = self.extent.map(|[w, h]| format!(" {w:?} {h:?}"));
        let pixels = if self.pixels { " pixels" } else { "" };
        let part = self.part.map(|part| format!(" part-{part}"));
        let part = part.unwrap_or_default();
        let text = format!("{wall}{pixels}{part}{}", extent.unwrap_or_default());
        text.trim_start().to_owned()
    }

    /// From such a line; what it does not say is as pictures open.
    pub fn read(text: &str) -> Self {
        let mut framing = Self::default();
        let mut numbers = Vec::new();
        for word in text.split_whitespace() {
            match word {
                "first" => framing.wall = Some(End::First),
                "last" => framing.wall = Some(End::Last),
                "pixels" => framing.pixels = true,
                other => match other.strip_prefix("part-") {
                    Some(part) => framing.part = part.parse().ok(),
                    None => numbers.extend(other.parse::<f64>().ok()),
                },
            }
        }
        if let [width, height] = numbers[..]
            && [width, height].iter().all(|v| v.is_finite() && *v > 0.0)
        {
            framing.extent = Some([width, height]);
        }
        framing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framing(wall: Option<End>) -> Framing {
        Framing {
            wall,
            ..Framing::default()
        }
    }

    #[test]
    fn chest_walls_touch_the_edge_of_their_side() {
        // A breast of 100 mm in a cell of 300 mm: the middle of the cell is 100 mm from that of the picture.
        for (wall, last, expected) in [
            (None, 50.0, 0.0),
            // The last column at the right edge of the screen: the cell's middle lies to the left.
            (Some(End::Last), 50.0, -100.0),
            (Some(End::First), 50.0, 100.0),
            // Mirrored, the last column is at the left, and the picture goes there.
            (Some(End::Last), -50.0, 100.0),
            (Some(End::First), -50.0, -100.0),
            // Turned by a quarter it is at neither side.
            (Some(End::Last), 0.0, 0.0),
        ] {
            let offset = framing(wall).offset(last, 300.0);
            assert_eq!(offset, expected, "{wall:?} {last}");
        }
        // Enlarged beyond the cell, the wall stays at the edge.
        assert_eq!(framing(Some(End::Last)).offset(50.0, 40.0), 30.0);
    }

    #[test]
    fn parts_cover_all_of_a_picture_on_whole_pixels() {
        for (picture, cell, expected) in [
            // A mammogram on an upright monitor of five megapixels: quadrants.
            ([3328.0, 4096.0], [2048, 2400], [2, 2]),
            ([3328.0, 4096.0], [1000, 801], [4, 6]),
            ([640.0, 480.0], [1000, 800], [1, 1]),
            ([1000.3, 900.0], [1000, 800], [1, 2]),
        ] {
            let [across, down] = parts(picture, cell);
            assert_eq!([across, down], expected);
            let mut before = [f64::NAN; 2];
            for part in 0..across * down {
                let framing = Framing {
                    part: u16::try_from(part).ok(),
                    ..Framing::default()
                };
                let offset = framing.part_offset(picture, cell).unwrap();
                for n in 0..2 {
                    let from = picture[n] / 2.0 + offset[n] - f64::from(cell[n]) / 2.0;
                    let to = from + f64::from(cell[n]);
                    let (of, number) = match n {
                        0 => (across, part % across),
                        _ => (down, part / across),
                    };
                    if of == 1 {
                        assert!(from <= 0.5 && to >= picture[n] - 0.5, "{from} {to}");
                        continue;
                    }
                    assert!(
                        number > 0 || from == 0.0,
                        "the first begins where the picture does"
                    );
                    assert!(number + 1 < of || (to - picture[n]).abs() < 1e-9);
                    if number > 0 && before[n] < from {
                        assert!(
                            from <= before[n] + f64::from(cell[n]),
                            "a gap before {from}"
                        );
                    }
                    before[n] = from;
                }
            }
            // Behind the last is the last.
            let at = |part| {
                Framing {
                    part: Some(part),
                    ..Framing::default()
                }
                .part_offset(picture, cell)
            };
            assert_eq!(at(u16::MAX), at(u16::try_from(across * down - 1).unwrap()));
        }
        assert_eq!(Framing::default().part_offset([10.0, 10.0], [5, 5]), None);
    }

    #[test]
    fn pictures_with_one_extent_have_one_scale() {
        let shared = Framing {
            extent: Some([200.0, 300.0]),
            ..Framing::default()
        };
        assert_eq!(shared.unit_per_pixel(0.1, 0.07, [400, 400]), 0.75);
        let own = Framing::default().unit_per_pixel(0.1, 0.07, [400, 400]);
        assert_eq!(own, 0.1);
        let pixels = Framing {
            pixels: true,
            ..shared
        };
        assert_eq!(pixels.unit_per_pixel(0.1, 0.07, [400, 400]), 0.07);
    }

    #[test]
    fn framings_come_back_bit_for_bit() {
        for wall in [None, Some(End::First), Some(End::Last)] {
            for extent in [None, Some([0.1 + 0.2, 1e-300])] {
                for (pixels, part) in [(false, None), (true, None), (true, Some(3))] {
                    let one = Framing {
                        wall,
                        extent,
                        pixels,
                        part,
                    };
                    assert_eq!(Framing::read(&one.text()), one, "{}", one.text());
                }
            }
        }
        assert_eq!(Framing::default().text(), "");
        assert_eq!(Framing::read("later 3 nonsense"), Framing::default());
    }
}

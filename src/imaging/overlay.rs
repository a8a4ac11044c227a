//! The f64 twin of the overlay pass: a probability map laid over a picture.
//!
//! The edge of the mask is where the bilinear probability crosses the threshold. Its distance in viewport pixels is
//! estimated from the differences to the neighbouring pixels, so fill and outline end within one screen pixel at
//! every zoom.

use super::reslice::{PixelGrid, neighbours};
use crate::model::view::OverlayStyle;
use glam::{DAffine2, DAffine3, DMat3, DVec3};

/// Length of a dash with its gap, and of the dash alone, in viewport pixels.
pub const DASH_PERIOD: u32 = 8;
/// See [`DASH_PERIOD`].
pub const DASH_LENGTH: u32 = 5;

/// A difference of probabilities under this, per pixel, is none.
pub const FLAT: f64 = 1e-6;

/// Which of the two directions an edge follows is decided with this margin, so that edges at exactly 45° do not
/// flicker with rounding.
pub const DASH_MARGIN: f64 = 1.001;

/// A probability map in CPU memory: rows top to bottom.
#[derive(Clone, Copy, Debug)]
pub struct ProbabilityMap<'a> {
    /// Rows and columns.
    pub shape: [usize; 2],
    /// `rows * columns` probabilities.
    pub values: &'a [f32],
}

impl ProbabilityMap<'_> {
    fn value(&self, column: usize, row: usize) -> f64 {
        let value = self.values.get(row * self.shape[1] + column);
        value.copied().map_or(0.0, f64::from)
    }

    /// Bilinear probability at a position, with the border values continued outside.
    fn at(&self, position: [i64; 3]) -> f64 {
        let [rows, columns] = self.shape;
        let inside = |p: i64, size: usize| p.clamp(0, ((size as i64) << 32) - 1);
        let column = neighbours(inside(position[0], columns), columns);
        let row = neighbours(inside(position[1], rows), rows);
        let (Some(c), Some(r)) = (column, row) else {
            return 0.0;
        };
        let along =
            |row| self.value(c.low, row) * (1.0 - c.weight) + self.value(c.high, row) * c.weight;
        (along(r.low) * (1.0 - r.weight) + along(r.high) * r.weight).clamp(0.0, 1.0)
    }
}

/// A flat mapping as one of space, for [`PixelGrid`].
pub fn lifted(map_from_viewport: &DAffine2) -> DAffine3 {
    let m = map_from_viewport.matrix2;
    DAffine3 {
        matrix3: DMat3::from_cols(m.x_axis.extend(0.0), m.y_axis.extend(0.0), DVec3::ZERO),
        translation: map_from_viewport.translation.extend(0.0),
    }
}

/// How far around a pixel the differences are taken, in viewport pixels: as far as the outline reaches, at least one.
pub fn reach(style: &OverlayStyle) -> u32 {
    (style.outline_px * 0.5).ceil().clamp(1.0, 16.0) as u32
}

/// Opacity of the overlay at a viewport pixel, 0 to 1.
pub fn opacity_at(
    map: &ProbabilityMap<'_>,
    style: &OverlayStyle,
    grid: &PixelGrid,
    x: u32,
    y: u32,
) -> f64 {
    let [rows, columns] = map.shape;
    let here = grid.at(x, y);
    let outside = |p: i64, size: usize| p < 0 || p >= (size as i64) << 32;
    if outside(here[0], columns) || outside(here[1], rows) {
        return 0.0;
    }
    let p = map.at(here);
    let far = i64::from(reach(style));
    let step = |dx: i64, dy: i64| {
        let at = std::array::from_fn(|i| {
            here[i] + grid.step_x[i] * dx * far + grid.step_y[i] * dy * far
        });
        (map.at(at) - p).abs()
    };
    // The larger of the two one-sided differences: of a sharp edge, only one side sees the step.
    let gx = step(1, 0).max(step(-1, 0));
    let gy = step(0, 1).max(step(0, -1));
    let slope = (gx * gx + gy * gy).sqrt() / far as f64;
    let threshold = f64::from(style.threshold);
    let distance = if slope > FLAT {
        (p - threshold) / slope
    } else if p >= threshold {
        1e6
    } else {
        -1e6
    };
    let fill = (distance + 0.5).clamp(0.0, 1.0) * f64::from(style.opacity);
    let width = f64::from(style.outline_px);
    let mut outline = 0.0;
    if width > 0.0 {
        // An edge that changes mostly along x runs along y.
        let along = if gx > gy * DASH_MARGIN { y } else { x };
        if !style.dashed || along % DASH_PERIOD < DASH_LENGTH {
            outline = (width * 0.5 - distance.abs() + 0.5).clamp(0.0, 1.0);
        }
    }
    1.0 - (1.0 - fill) * (1.0 - outline)
}

/// Colour and opacity of the overlay at a viewport pixel, 0 to 1.
pub fn colour_at(
    map: &ProbabilityMap<'_>,
    style: &OverlayStyle,
    grid: &PixelGrid,
    x: u32,
    y: u32,
) -> [f64; 4] {
    let Some(palette) = style.palette else {
        let [r, g, b] = style.color.map(f64::from);
        return [r, g, b, opacity_at(map, style, grid, x, y)];
    };
    let here = grid.at(x, y);
    let [rows, columns] = map.shape;
    let outside = |p: i64, size: usize| p < 0 || p >= (size as i64) << 32;
    if outside(here[0], columns) || outside(here[1], rows) {
        return [0.0; 4];
    }
    let [r, g, b, a] = palette.at(map.at(here));
    [r, g, b, a * f64::from(style.opacity)]
}

/// Lays the map over an RGBA picture of the given width and height.
pub fn draw_cpu(
    picture: &mut [u8],
    size: [u32; 2],
    map: &ProbabilityMap<'_>,
    style: &OverlayStyle,
    map_from_viewport: &DAffine2,
) {
    let grid = PixelGrid::of(&lifted(map_from_viewport));
    let width = size[0].max(1);
    for (i, pixel) in picture.as_chunks_mut::<4>().0.iter_mut().enumerate() {
        let (x, y) = (i as u32 % width, i as u32 / width);
        let [r, g, b, opacity] = colour_at(map, style, &grid, x, y);
        for (code, color) in pixel.iter_mut().zip([r, g, b]) {
            let mixed = color * opacity + f64::from(*code) / 255.0 * (1.0 - opacity);
            *code = super::window::code_value(mixed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use glam::{DMat2, DVec2};

    const PLAIN: OverlayStyle = OverlayStyle {
        threshold: 0.5,
        opacity: 1.0,
        color: [1.0, 1.0, 1.0],
        outline_px: 0.0,
        dashed: false,
        palette: None,
    };

    /// A half-plane mask of 8 columns, set from column 4 on, drawn over black at a zoom.
    fn half(zoom: f64, style: &OverlayStyle) -> Vec<u8> {
        let values: Vec<f32> = (0..64).map(|i| f32::from(u8::from(i % 8 >= 4))).collect();
        let map = ProbabilityMap {
            shape: [8, 8],
            values: &values,
        };
        let size = (8.0 * zoom) as u32;
        let mut picture = vec![0; (size * size * 4) as usize];
        let mapping = DAffine2 {
            matrix2: DMat2::IDENTITY * (1.0 / zoom),
            translation: DVec2::splat(-0.5),
        };
        draw_cpu(&mut picture, [size, size], &map, style, &mapping);
        picture.chunks_exact(4).map(|p| p[0]).collect()
    }

    #[test]
    fn the_fill_has_the_masks_size_at_every_zoom() {
        for zoom in [1.0, 2.0, 8.0] {
            let row = &half(zoom, &PLAIN)[..(8.0 * zoom) as usize];
            let covered: f64 = row.iter().map(|&v| f64::from(v) / 255.0).sum();
            assert!((covered - 4.0 * zoom).abs() < 0.6, "{zoom}: {row:?}");
        }
        assert_eq!(half(1.0, &PLAIN)[..8], [0, 0, 0, 0, 255, 255, 255, 255]);
    }

    #[test]
    fn the_outline_is_as_wide_on_screen_at_every_zoom() {
        let style = OverlayStyle {
            opacity: 0.0,
            outline_px: 1.5,
            ..PLAIN
        };
        for zoom in [1.0, 2.0, 4.0, 16.0] {
            let row = &half(zoom, &style)[..(8.0 * zoom) as usize];
            let covered: f64 = row.iter().map(|&v| f64::from(v) / 255.0).sum();
            assert!((covered - 1.5).abs() < 0.3, "{zoom}: {row:?}");
        }
    }

    #[test]
    fn dashes_leave_gaps_along_the_edge() {
        let style = OverlayStyle {
            opacity: 0.0,
            outline_px: 2.0,
            dashed: true,
            ..PLAIN
        };
        let picture = half(4.0, &style);
        let column: Vec<u8> = picture.chunks_exact(32).map(|row| row[16]).collect();
        assert!(column[..5].iter().all(|&v| v > 200), "{column:?}");
        assert_eq!(column[5..8], [0, 0, 0]);
        assert!(column[8] > 200);
    }

    #[test]
    fn nothing_is_drawn_beside_the_map() {
        let values = [1.0; 4];
        let map = ProbabilityMap {
            shape: [2, 2],
            values: &values,
        };
        let mut picture = vec![0; 4 * 4 * 4];
        let mapping = DAffine2::from_translation(DVec2::new(-1.5, -1.5));
        draw_cpu(&mut picture, [4, 4], &map, &PLAIN, &mapping);
        let shown: Vec<u8> = picture.chunks_exact(4).map(|p| p[0]).collect();
        let row = [0, 255, 255, 0];
        assert_eq!(shown, [[0; 4], row, row, [0; 4]].concat());
    }
}

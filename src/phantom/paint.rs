//! Paints one axial plane of a person: Hounsfield values and organ numbers.
//!
//! Later layers cover earlier ones; every edge is as soft as a pixel is wide (partial volume). Values are those
//! of a chest CT without contrast medium at about 120 kV.

use super::{
    anatomy::{Anatomy, Cut, Side},
    ct::Nodule,
    random::NoisePlane,
    shape::{Ellipsoid, Tube, smooth_min, smooth_step},
    skeleton::{DISC_MM, RIB_SQUEEZE, canal},
};
use glam::DVec3;

/// What a voxel mostly holds; the number is the value in a label volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Organ {
    /// Air and table around the body.
    Outside = 0,
    /// Skin, fat, muscle and everything without a number of its own.
    Body = 1,
    /// Right lung with its vessels, without nodules.
    RightLung = 2,
    /// Left lung with its vessels, without nodules.
    LeftLung = 3,
    /// Heart muscle and chambers.
    Heart = 4,
    /// Aorta.
    Aorta = 5,
    /// Air and wall of trachea and bronchi.
    Airway = 6,
    /// Liver.
    Liver = 7,
    /// Spleen.
    Spleen = 8,
    /// Stomach with its content.
    Stomach = 9,
    /// Kidneys.
    Kidney = 10,
    /// Vertebrae, without discs.
    Vertebra = 11,
    /// Bone of the ribs.
    Rib = 12,
    /// Breastbone.
    Sternum = 13,
    /// Collar bones, shoulder blades, upper arms.
    Shoulder = 14,
    /// Nodules of the lungs.
    Nodule = 15,
    /// Fat, vessels and bowel inside the chest wall that have no number of their own, and the diaphragm.
    Interior = 16,
}

impl Organ {
    /// All with a shape of their own, in order of their numbers.
    pub const ALL: [Self; 15] = [
        Self::RightLung,
        Self::LeftLung,
        Self::Heart,
        Self::Aorta,
        Self::Airway,
        Self::Liver,
        Self::Spleen,
        Self::Stomach,
        Self::Kidney,
        Self::Vertebra,
        Self::Rib,
        Self::Sternum,
        Self::Shoulder,
        Self::Nodule,
        Self::Interior,
    ];

    /// Whether a number means lung, nodules included.
    pub const fn is_lung(number: u8) -> bool {
        matches!(number, 2 | 3 | 15)
    }

    /// Whether a number means something inside the chest wall.
    pub const fn is_inside_chest_wall(number: u8) -> bool {
        matches!(number, 2..=10 | 15 | 16)
    }

    /// Whether a number means an organ whose shadow hides the lung behind it on a radiograph.
    pub const fn hides_lung(number: u8) -> bool {
        matches!(number, 4 | 5 | 7..=10)
    }

    /// Stable lower-case word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Outside => "outside",
            Self::Body => "body",
            Self::RightLung => "right-lung",
            Self::LeftLung => "left-lung",
            Self::Heart => "heart",
            Self::Aorta => "aorta",
            Self::Airway => "airway",
            Self::Liver => "liver",
            Self::Spleen => "spleen",
            Self::Stomach => "stomach",
            Self::Kidney => "kidney",
            Self::Vertebra => "vertebra",
            Self::Rib => "rib",
            Self::Sternum => "sternum",
            Self::Shoulder => "shoulder",
            Self::Nodule => "nodule",
            Self::Interior => "interior",
        }
    }
}

/// The pixels of an axial plane: centre of the first, steps, counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlaneGrid {
    pub(crate) first: [f64; 2],
    pub(crate) step: [f64; 2],
    pub(crate) columns: usize,
    pub(crate) rows: usize,
    /// Number of a plane whose points are woven: neighbours in columns and planes lie at four different parts
    /// of a step along y, so that their mean samples y four times as finely. `None`: a plain grid.
    pub(crate) weave: Option<usize>,
}

impl PlaneGrid {
    /// Where the points of even and of odd columns lie, as a part of a step along y.
    const fn phases(&self) -> [f64; 2] {
        match self.weave {
            None => [0.0, 0.0],
            Some(plane) if plane % 2 == 0 => [-0.375, 0.375],
            Some(_) => [0.125, -0.125],
        }
    }
}

/// What belongs to the way of imaging, not to the person.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Setting {
    /// On the back on the CT's table, arms up and away.
    Lying,
    /// Upright with the arms down.
    Upright,
}

/// A painted plane.
pub(crate) struct Plane {
    /// Hounsfield units, row-major.
    pub(crate) hounsfield: Vec<f32>,
    /// Numbers of [`Organ`].
    pub(crate) organs: Vec<u8>,
}

struct Canvas {
    grid: PlaneGrid,
    z: f64,
    /// Width of an edge, millimetres.
    edge: f64,
    hounsfield: Vec<f32>,
    organs: Vec<u8>,
    /// Distances that are gathered from many pieces before painting; large where nothing is near.
    scratch: Vec<f32>,
}

const FAR: f32 = 1e6;
/// No point of a plane lies further from the middle than this.
const REACH_MM: f64 = 330.0;
/// No point of the chest does.
const CHEST_MM: f64 = 145.0;
/// No point of the spine and the arch of the aorta does.
const MIDDLE_MM: f64 = 110.0;

impl Canvas {
    fn span(&self, axis: usize, low: f64, high: f64) -> std::ops::Range<usize> {
        let (first, step, count) = match axis {
            0 => (self.grid.first[0], self.grid.step[0], self.grid.columns),
            _ => (self.grid.first[1], self.grid.step[1], self.grid.rows),
        };
        let begin = ((low - first) / step).ceil().clamp(0.0, count as f64) as usize;
        let end = ((high - first) / step + 1.0)
            .floor()
            .clamp(begin as f64, count as f64) as usize;
        begin..end
    }

    /// Calls `visit` for every pixel within bounds (low x, low y, high x, high y).
    fn visit(
        &mut self,
        bounds: [f64; 4],
        mut visit: impl FnMut(f64, f64, &mut f32, &mut u8, &mut f32),
    ) {
        let [x_low, y_low, x_high, y_high] = bounds;
        let columns = self.span(0, x_low, x_high);
        let phases = self.grid.phases().map(|p| p * self.grid.step[1]);
        for row in self.span(1, y_low, y_high) {
            let y = self.grid.first[1] + row as f64 * self.grid.step[1];
            let start = row * self.grid.columns;
            let range = start + columns.start..start + columns.end;
            let (Some(values), Some(organs), Some(scratch)) = (
                self.hounsfield.get_mut(range.clone()),
                self.organs.get_mut(range.clone()),
                self.scratch.get_mut(range),
            ) else {
                continue;
            };
            for (i, ((value, organ), near)) in
                values.iter_mut().zip(organs).zip(scratch).enumerate()
            {
                let column = columns.start + i;
                let x = self.grid.first[0] + column as f64 * self.grid.step[0];
                let phase = if column.is_multiple_of(2) {
                    phases[0]
                } else {
                    phases[1]
                };
                visit(x, y + phase, value, organ, near);
            }
        }
    }

    /// Paints a shape: `shade` gives distance and Hounsfield value, or `None` where there is nothing.
    fn paint(
        &mut self,
        bounds: [f64; 4],
        organ: Organ,
        shade: impl Fn(f64, f64) -> Option<(f64, f64)>,
    ) {
        let edge = self.edge;
        self.visit(bounds, |x, y, value, number, _| {
            if let Some((distance, hounsfield)) = shade(x, y) {
                cover(value, number, distance, hounsfield, edge, organ);
            }
        });
    }

    /// Paints a large shape. Where the distance says that the next pixels lie wholly outside, or deeper inside
    /// than `deep` (below which the shade does not depend on the distance), it is not worked out for each.
    fn paint_large(
        &mut self,
        bounds: [f64; 4],
        organ: Organ,
        deep: f64,
        distance: impl Fn(f64, f64) -> f64,
        shade: impl Fn(f64, f64, f64) -> f64,
    ) {
        let (edge, step) = (self.edge, self.grid.step[0]);
        let deep = deep.max(edge);
        let woven = self.grid.phases()[0].abs() * 2.0 * self.grid.step[1];
        let (mut last_x, mut known, mut left) = (f64::MAX, 0.0, 0usize);
        self.visit(bounds, |x, y, value, number, _| {
            if x <= last_x {
                // A new row.
                left = 0;
            }
            last_x = x;
            if left == 0 {
                known = distance(x, y);
                // First-order distances may be too large by up to a factor of two, hence 0.4.
                let free = (known - edge).max(-known - deep);
                left = ((free - woven) * 0.4 / step).clamp(0.0, 1e3) as usize;
            } else {
                left -= 1;
            }
            if known < edge {
                cover(value, number, known, shade(x, y, known), edge, organ);
            }
        });
    }

    /// Gathers the distance to tubes into the scratch plane; gives the bounds of what was touched.
    fn gather<'a>(
        &mut self,
        tubes: impl Iterator<Item = &'a Tube>,
        squeeze: f64,
        margin: f64,
    ) -> Option<[f64; 4]> {
        let z = self.z * squeeze;
        let mut touched: Option<[f64; 4]> = None;
        for tube in tubes {
            let Some(box_) = tube.footprint(z, margin) else {
                continue;
            };
            self.visit(box_, |x, y, _, _, near| {
                *near = near.min(tube.distance(DVec3::new(x, y, z)) as f32);
            });
            touched = Some(touched.map_or(box_, |t| {
                [
                    t[0].min(box_[0]),
                    t[1].min(box_[1]),
                    t[2].max(box_[2]),
                    t[3].max(box_[3]),
                ]
            }));
        }
        touched
    }

    /// Paints what was gathered and empties the scratch plane.
    fn paint_gathered(
        &mut self,
        touched: Option<[f64; 4]>,
        organ: Organ,
        shade: impl Fn(f64) -> f64,
    ) {
        let Some(bounds) = touched else { return };
        let edge = self.edge;
        self.visit(bounds, |_, _, value, number, near| {
            let distance = f64::from(*near);
            *near = FAR;
            if distance < edge {
                cover(value, number, distance, shade(distance), edge, organ);
            }
        });
    }
}

/// Bounds that hold nothing.
const NOWHERE: [f64; 4] = [1e9, 1e9, 1e9, 1e9];

/// Bounds of an ellipsoid in a plane; `None` where they do not meet.
fn footprint(ellipsoid: &Ellipsoid, z: f64) -> Option<[f64; 4]> {
    let reach = ellipsoid.reach() + 2.0;
    let c = ellipsoid.centre;
    ((z - c.z).abs() <= reach).then_some([c.x - reach, c.y - reach, c.x + reach, c.y + reach])
}

/// Mixes a value in as far as the shape covers the pixel.
fn cover(
    value: &mut f32,
    number: &mut u8,
    distance: f64,
    hounsfield: f64,
    edge: f64,
    organ: Organ,
) {
    let part = (0.5 - distance / edge).clamp(0.0, 1.0);
    if part > 0.0 {
        *value += (hounsfield - f64::from(*value)) as f32 * part as f32;
        if distance < 0.0 {
            *number = organ as u8;
        }
    }
}

/// Bone with a dense shell around a spongy middle.
fn bone(distance: f64, shell_mm: f64, shell: f64, middle: f64) -> f64 {
    shell + (middle - shell) * smooth_step(shell_mm - 0.6, shell_mm + 0.9, -distance)
}

/// Paints the plane at height `z`.
pub(crate) fn paint_plane(
    anatomy: &Anatomy,
    nodules: &[Nodule],
    z: f64,
    grid: PlaneGrid,
    setting: Setting,
) -> Plane {
    let count = grid.columns * grid.rows;
    let mut canvas = Canvas {
        grid,
        z,
        edge: grid.step[0].max(grid.step[1] * 0.5).max(0.4) + 0.3,
        hounsfield: vec![-1000.0; count],
        organs: vec![Organ::Outside as u8; count],
        scratch: vec![FAR; count],
    };
    let cut = anatomy.cut(z);
    if matches!(setting, Setting::Lying) {
        paint_table(&mut canvas);
    }
    paint_body(&mut canvas, &cut, setting);
    paint_bones(&mut canvas, &cut, setting);
    paint_abdomen(&mut canvas, &cut, setting);
    paint_mediastinum(&mut canvas, &cut);
    paint_lungs(&mut canvas, &cut, nodules);
    Plane {
        hounsfield: canvas.hounsfield,
        organs: canvas.organs,
    }
}

fn paint_table(canvas: &mut Canvas) {
    canvas.paint([-215.0, 90.0, 215.0, 170.0], Organ::Outside, |x, y| {
        let depth = y - (127.0 - x * x / 2600.0);
        let inside = (-depth).max(depth - 24.0).max(x.abs() - 210.0);
        let value = if inside > -1.6 { -320.0 } else { -930.0 };
        Some((inside, value))
    });
}

fn paint_body(canvas: &mut Canvas, cut: &Cut<'_>, setting: Setting) {
    let z = canvas.z;
    let anatomy = cut.anatomy;
    let seed = anatomy.seed;
    let arms: Vec<Tube> = match setting {
        Setting::Lying => Vec::new(),
        Setting::Upright => anatomy.arms.clone(),
    };
    let [half_width, half_depth, middle] = cut.body;
    let reach = if arms.is_empty() {
        half_width + 4.0
    } else {
        320.0
    };
    let bounds = [
        -reach,
        middle - half_depth - 8.0,
        reach,
        middle + half_depth + 8.0,
    ];
    // The neck is muscle, the chest and belly are padded with fat.
    let neck = smooth_step(112.0, 138.0, z);
    let wide_noise = NoisePlane::new(seed, 48.0, z, REACH_MM);
    let fine_noise = NoisePlane::new(seed ^ 1, 10.0, z, REACH_MM);
    let skin = |x: f64, y: f64| {
        let mut distance = cut.body(x, y);
        if x.abs() < 110.0 {
            return distance;
        }
        for arm in &arms {
            let flesh = arm.distance(DVec3::new(x, y, z)) - 33.0;
            distance = smooth_min(distance, flesh, 14.0);
        }
        distance
    };
    canvas.paint_large(bounds, Organ::Body, 46.0, skin, |x, y, distance| {
        let depth = -distance;
        let wide = wide_noise.at(x, y);
        let fine = fine_noise.at(x, y);
        let flank = 1.0 + 0.35 * (x / half_width).powi(2) + 0.25 * wide;
        let fat = anatomy.fat_mm * flank;
        if depth < 1.9 {
            return 25.0;
        }
        // Skin, fat, muscle; a thin plane of fat runs between two layers of muscle.
        let mut muscle = 55.0 + 7.0 * fine;
        let between = (depth - fat - 13.0 - 5.0 * wide).abs() - 1.1;
        if between < 1.0 && wide > -0.35 && cut.chest(x, y) > 9.0 {
            muscle -= 95.0 * smooth_step(1.0, -0.6, between);
        }
        muscle + (-102.0 + 5.0 * fine - muscle) * smooth_step(0.9, -0.9, depth - fat)
    });
    let [chest_x, chest_y, chest_middle] = cut.chest;
    let inside = [
        -chest_x,
        chest_middle - chest_y,
        chest_x,
        chest_middle + chest_y,
    ];
    canvas.paint_large(
        inside,
        Organ::Interior,
        1.0,
        |x, y| cut.chest(x, y),
        |x, y, _| {
            let (wide, fine) = (wide_noise.at(x, y), fine_noise.at(x, y));
            let fat = -97.0 + 9.0 * fine + 14.0 * wide;
            fat + (48.0 + 22.0 * wide + 8.0 * fine - fat) * neck
        },
    );
    // The diaphragm itself.
    if z > -35.0 {
        return;
    }
    canvas.paint_large(
        inside,
        Organ::Interior,
        1.0,
        |x, y| (cut.diaphragm(x, y).abs() - 1.6).max(cut.chest(x, y)),
        |_, _, _| 48.0,
    );
}

fn paint_bones(canvas: &mut Canvas, cut: &Cut<'_>, setting: Setting) {
    let z = canvas.z;
    let skeleton = &cut.anatomy.skeleton;
    let seed = cut.anatomy.seed;
    for rib in &skeleton.ribs {
        let touched = canvas.gather(rib.cartilage.iter(), RIB_SQUEEZE, 2.0);
        canvas.paint_gathered(touched, Organ::Body, |d| bone(d, 1.2, 150.0, 105.0));
        let touched = canvas.gather(rib.bone.iter(), RIB_SQUEEZE, 2.0);
        canvas.paint_gathered(touched, Organ::Rib, |d| bone(d, 1.5, 900.0, 240.0));
    }
    let touched = canvas.gather(skeleton.bars.iter(), 1.0, 2.0);
    canvas.paint_gathered(touched, Organ::Shoulder, |d| bone(d, 1.8, 950.0, 260.0));
    if matches!(setting, Setting::Upright) {
        let touched = canvas.gather(cut.anatomy.arms.iter(), 1.0, 2.0);
        canvas.paint_gathered(touched, Organ::Shoulder, |d| bone(d, 2.6, 1050.0, 180.0));
    }
    for blade in &skeleton.blades {
        let Some(bounds) = footprint(blade, z) else {
            continue;
        };
        canvas.paint(bounds, Organ::Shoulder, |x, y| {
            let d = blade.distance(DVec3::new(x, y, z));
            Some((d, bone(d, 1.2, 850.0, 380.0)))
        });
    }
    let front = cut.chest[2] - cut.chest[1];
    canvas.paint(
        [-40.0, front - 24.0, 40.0, front + 8.0],
        Organ::Sternum,
        |x, y| {
            let d = skeleton.sternum(DVec3::new(x, y, z), front);
            Some((d, bone(d, 1.3, 560.0, 150.0)))
        },
    );
    let spongy_noise = NoisePlane::new(seed ^ 2, 4.0, z, MIDDLE_MM);
    for vertebra in &skeleton.vertebrae {
        let c = vertebra.centre;
        if (z - c.z).abs() > 34.0 {
            continue;
        }
        let bounds = [-42.0, c.y - 24.0, 42.0, c.y + 66.0];
        canvas.paint(bounds, Organ::Body, |x, y| {
            Some((vertebra.disc(DVec3::new(x, y, z), DISC_MM), 85.0))
        });
        canvas.paint(bounds, Organ::Vertebra, |x, y| {
            let point = DVec3::new(x, y, z);
            let d = vertebra.body(point);
            let spongy = 175.0 + 30.0 * spongy_noise.at(x, y);
            Some((d, bone(d, 1.1, 620.0, spongy)))
        });
        canvas.paint(bounds, Organ::Vertebra, |x, y| {
            let d = vertebra.arch(DVec3::new(x, y, z));
            Some((d, bone(d, 1.4, 720.0, 260.0)))
        });
    }
    // Water around the cord, and the cord.
    let half_depth = skeleton
        .vertebrae
        .iter()
        .min_by(|a, b| (a.centre.z - z).abs().total_cmp(&(b.centre.z - z).abs()))
        .map_or(14.0, |v| v.half.y);
    let y = cut.spine_y;
    canvas.paint([-12.0, y, 12.0, y + 50.0], Organ::Body, |x, y| {
        let d = canal(x, y, cut.spine_y, half_depth);
        let value = if d < -3.8 { 38.0 } else { 12.0 };
        Some((d + 0.8, value))
    });
}

fn paint_abdomen(canvas: &mut Canvas, cut: &Cut<'_>, setting: Setting) {
    let z = canvas.z;
    let anatomy = cut.anatomy;
    let seed = anatomy.seed;
    if z > -45.0 {
        return;
    }
    let [half_x, half_y, middle] = cut.chest;
    let inside = [-half_x, middle - half_y, half_x, middle + half_y];
    let content_noise = NoisePlane::new(seed ^ 3, 6.0, z, CHEST_MM);
    let liver_noise = NoisePlane::new(seed ^ 4, 14.0, z, CHEST_MM);
    // How far a point lies below the level of fluid: gas rises to the front, or to the head.
    let sunk = |centre: DVec3, y: f64| match setting {
        Setting::Lying => y - centre.y,
        Setting::Upright => centre.z - z,
    };
    for gas in &anatomy.bowel {
        let Some(bounds) = footprint(gas, z) else {
            continue;
        };
        canvas.paint_large(
            bounds,
            Organ::Interior,
            4.0,
            |x, y| cut.under_diaphragm(gas, x, y),
            |x, y, d| {
                if d > -3.0 {
                    40.0
                } else if sunk(gas.centre, y) < 3.0 {
                    -960.0
                } else {
                    25.0 + 30.0 * content_noise.at(x, y)
                }
            },
        );
    }
    for kidney in &anatomy.kidneys {
        let Some(bounds) = footprint(kidney, z) else {
            continue;
        };
        canvas.paint_large(
            bounds,
            Organ::Kidney,
            18.0,
            |x, y| kidney.distance(DVec3::new(x, y, z)),
            |_, _, d| if d < -17.0 { -60.0 } else { 33.0 },
        );
    }
    canvas.paint_large(
        footprint(&anatomy.stomach, z).unwrap_or(NOWHERE),
        Organ::Stomach,
        5.0,
        |x, y| cut.under_diaphragm(&anatomy.stomach, x, y),
        |_, y, d| {
            // Wall, then air in front of fluid.
            let level = sunk(anatomy.stomach.centre, y) - 8.0;
            let content = 18.0 - 1013.0 * smooth_step(0.7, -0.7, level);
            42.0 + (content - 42.0) * smooth_step(-3.0, -4.2, d)
        },
    );
    canvas.paint_large(
        footprint(&anatomy.spleen, z).unwrap_or(NOWHERE),
        Organ::Spleen,
        1.0,
        |x, y| cut.under_diaphragm(&anatomy.spleen, x, y),
        |_, _, _| 50.0,
    );
    canvas.paint_large(
        inside,
        Organ::Liver,
        1.0,
        |x, y| cut.liver(x, y),
        |x, y, _| 61.0 + 3.0 * liver_noise.at(x, y),
    );
    let touched = canvas.gather(anatomy.liver_vessels.iter(), 1.0, 2.0);
    canvas.paint_gathered(touched, Organ::Liver, |_| 42.0);
}

fn paint_mediastinum(canvas: &mut Canvas, cut: &Cut<'_>) {
    let z = canvas.z;
    let anatomy = cut.anatomy;
    let seed = anatomy.seed;
    if (-105.0..60.0).contains(&z) {
        canvas.paint_large(
            [-70.0, -90.0, 110.0, 60.0],
            Organ::Heart,
            1.0,
            |x, y| cut.heart(x, y),
            |x, y, _| {
                let point = DVec3::new(x, y, z);
                let blood = anatomy
                    .chambers
                    .iter()
                    .map(|c| c.distance(point))
                    .fold(1e3, f64::min);
                41.0 + 9.0 * smooth_step(-1.0, 1.5, blood)
            },
        );
    }
    let touched = canvas.gather(anatomy.oesophagus.iter(), 1.0, 2.0);
    canvas.paint_gathered(touched, Organ::Interior, |d| {
        36.0 - 330.0 * smooth_step(3.6, 5.0, -d)
    });
    let touched = canvas.gather(anatomy.great_vessels.iter(), 1.0, 2.0);
    canvas.paint_gathered(touched, Organ::Interior, |_| 41.0);
    let touched = canvas.gather(anatomy.aorta.iter(), 1.0, 2.0);
    canvas.paint_gathered(touched, Organ::Aorta, |_| 43.0);
    // Calcium in the wall of the arch.
    if (40.0..92.0).contains(&z) {
        let arch: Vec<Tube> = anatomy
            .aorta
            .iter()
            .filter(|t| t.footprint(z, 2.0).is_some())
            .copied()
            .collect();
        let plaque_noise = NoisePlane::new(seed ^ 5, 6.0, z, MIDDLE_MM);
        canvas.paint(MIDDLE, Organ::Aorta, |x, y| {
            let d = arch
                .iter()
                .map(|t| t.distance(DVec3::new(x, y, z)))
                .fold(1e3, f64::min);
            let plaque = plaque_noise.at(x, y);
            (plaque > 0.5 && d < 2.0).then_some(((d + 0.8).abs() - 0.9, 480.0))
        });
    }
}

/// Where the great vessels lie.
const MIDDLE: [f64; 4] = [-40.0, -60.0, 60.0, 70.0];

fn paint_lungs(canvas: &mut Canvas, cut: &Cut<'_>, nodules: &[Nodule]) {
    let z = canvas.z;
    let anatomy = cut.anatomy;
    let seed = anatomy.seed;
    let [half_x, half_y, middle] = cut.chest;
    // The back of the lungs is denser: the patient lies on it.
    let bend_noise = NoisePlane::new(seed ^ 8, 40.0, z, CHEST_MM);
    let grain_noise = NoisePlane::new(seed ^ 6, 7.0, z, CHEST_MM);
    let fine_noise = NoisePlane::new(seed ^ 7, 2.6, z, CHEST_MM);
    let tissue = |x: f64, y: f64| {
        // The oblique fissure: two layers of pleura.
        let fissure = 0.80 * (y - 16.0) - 0.60 * (z + 8.0) + 7.0 * bend_noise.at(x, y);
        -868.0
            + 0.33 * (y - middle)
            + 13.0 * grain_noise.at(x, y)
            + 10.0 * fine_noise.at(x, y)
            + 85.0 * smooth_step(1.2, 0.1, fissure.abs())
    };
    if (-150.0..150.0).contains(&z) {
        for side in Side::BOTH {
            let organ = match side {
                Side::Right => Organ::RightLung,
                Side::Left => Organ::LeftLung,
            };
            let (low, high) = match side {
                Side::Right => (-half_x, 0.0),
                Side::Left => (0.0, half_x),
            };
            let bounds = [low, middle - half_y, high, middle + half_y];
            canvas.paint_large(
                bounds,
                organ,
                1.0,
                |x, y| cut.lung(side, x, y),
                |x, y, _| tissue(x, y),
            );
        }
    }
    // Vessels are part of the lung: they keep its number.
    let edge = canvas.edge;
    for tube in &anatomy.lung_vessels {
        let Some(bounds) = tube.footprint(z, 1.0) else {
            continue;
        };
        canvas.visit(bounds, |x, y, value, _, _| {
            let d = tube.distance(DVec3::new(x, y, z));
            let part = (0.5 - d / edge).clamp(0.0, 1.0) as f32;
            // Never darker than what is there already.
            *value = value.max(*value + (40.0 - *value) * part);
        });
    }
    let walls = canvas.gather(anatomy.airway_walls.iter(), 1.0, 2.0);
    canvas.paint_gathered(walls, Organ::Airway, |_| 30.0);
    let air = canvas.gather(anatomy.airway.iter(), 1.0, 2.0);
    canvas.paint_gathered(air, Organ::Airway, |_| -990.0);
    for nodule in nodules {
        paint_nodule(canvas, nodule, &tissue);
    }
}

fn paint_nodule(canvas: &mut Canvas, nodule: &Nodule, tissue: &impl Fn(f64, f64) -> f64) {
    let z = canvas.z;
    let centre = DVec3::from_array(nodule.centre_lps);
    let radius = nodule.diameter_mm * 0.5;
    let reach = radius + 6.0;
    if (z - centre.z).abs() > reach {
        return;
    }
    let bounds = [
        centre.x - reach,
        centre.y - reach,
        centre.x + reach,
        centre.y + reach,
    ];
    let edge = canvas.edge;
    canvas.visit(bounds, |x, y, value, number, _| {
        let d = DVec3::new(x, y, z).distance(centre) - radius;
        // Vessels end a little before the nodule, so its voxels can be counted.
        let clear = smooth_step(4.5, 2.5, d) as f32;
        *value += (tissue(x, y) as f32 - *value) * clear;
        cover(value, number, d, nodule.hounsfield, edge, Organ::Nodule);
    });
}

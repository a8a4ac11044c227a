//! The made-up body: where every organ lies. One description serves the CT and the radiographs.
//!
//! Patient space, LPS millimetres: x = 0 is the middle, y = 0 about the middle of the chest, z = 0 the middle of
//! the heart; the carina lies near z = 58, the right dome of the diaphragm near z = -58. The liver and the
//! longer lung are on the patient's right (negative x), the apex of the heart, the aortic arch, the spleen and
//! the stomach on the left, so a mirrored picture is seen at once.
//! All sizes are round numbers of an average adult, varied by a few per cent with the seed.

use super::{
    random::Random,
    shape::{Ellipsoid, Profile, Tube, chain, ellipse, smooth_max, smooth_min, super_ellipse},
    skeleton::Skeleton,
    vessels,
};
use glam::DVec3;

/// A side of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The patient's right: negative x.
    Right,
    /// The patient's left: positive x.
    Left,
}

impl Side {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Right, Self::Left];

    /// -1 for right, 1 for left.
    pub const fn sign(self) -> f64 {
        match self {
            Self::Right => -1.0,
            Self::Left => 1.0,
        }
    }

    /// Stable lower-case word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Left => "left",
        }
    }
}

/// One half of the diaphragm: the height of its surface above each point.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dome {
    /// Highest point.
    top: DVec3,
    /// Outwards of the top: half width and drop there.
    lateral: (f64, f64),
    /// Towards the middle.
    medial: (f64, f64),
    /// Towards the front.
    front: (f64, f64),
    /// Towards the back.
    back: (f64, f64),
}

impl Dome {
    /// Height of the surface and the root of 1 + slope².
    fn height(&self, x: f64, y: f64) -> (f64, f64) {
        let u = x - self.top.x;
        let v = y - self.top.y;
        let (half_x, drop_x) = if u * self.top.x > 0.0 {
            self.lateral
        } else {
            self.medial
        };
        let (half_y, drop_y) = if v < 0.0 { self.front } else { self.back };
        let (u, v) = (u / half_x, v / half_y);
        let (slope_x, slope_y) = (2.0 * drop_x * u / half_x, 2.0 * drop_y * v / half_y);
        (
            self.top.z - drop_x * u * u - drop_y * v * v,
            (1.0 + slope_x * slope_x + slope_y * slope_y).sqrt(),
        )
    }
}

/// All shapes of one made-up person.
#[derive(Clone, Debug)]
pub(crate) struct Anatomy {
    /// Seed of its small-scale texture.
    pub(crate) seed: u64,
    /// Inner chest wall: half width, half depth and middle of the super-ellipse at each height.
    chest_width: Profile,
    chest_depth: Profile,
    chest_middle: Profile,
    /// Skin.
    body_width: Profile,
    body_depth: Profile,
    body_middle: Profile,
    /// Front-to-back place of the vertebral bodies.
    pub(crate) spine_y: Profile,
    mediastinum_width: Profile,
    /// Thickness of fat under the skin.
    pub(crate) fat_mm: f64,
    right_dome: Dome,
    left_dome: Dome,
    /// Heart muscle and chambers.
    pub(crate) heart: Vec<Ellipsoid>,
    /// Blood inside it.
    pub(crate) chambers: Vec<Ellipsoid>,
    /// Aorta with the arch.
    pub(crate) aorta: Vec<Tube>,
    /// Great vessels beside the aorta.
    pub(crate) great_vessels: Vec<Tube>,
    /// Air of trachea and bronchi (radius of the air).
    pub(crate) airway: Vec<Tube>,
    /// The same with their wall.
    pub(crate) airway_walls: Vec<Tube>,
    /// Gullet.
    pub(crate) oesophagus: Vec<Tube>,
    /// Vessels within the lungs.
    pub(crate) lung_vessels: Vec<Tube>,
    /// Vessels within the liver.
    pub(crate) liver_vessels: Vec<Tube>,
    /// Bones.
    pub(crate) skeleton: Skeleton,
    /// Upper arms: bone tubes; drawn on radiographs only, a CT has the arms up and away.
    pub(crate) arms: Vec<Tube>,
    /// Spleen.
    pub(crate) spleen: Ellipsoid,
    /// Stomach.
    pub(crate) stomach: Ellipsoid,
    /// Bowel with gas.
    pub(crate) bowel: Vec<Ellipsoid>,
    /// Kidneys.
    pub(crate) kidneys: [Ellipsoid; 2],
}

impl Anatomy {
    /// The person of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed, "anatomy");
        let mut vary = |percent: f64| 1.0 + random.between(-percent, percent) / 100.0;
        let width = vary(3.0);
        let depth = vary(3.0);
        let heart_size = 0.96 * vary(4.0);
        let fat_mm = 11.0 * vary(20.0);
        let right_top = -58.0 * vary(5.0);
        let left_top = right_top - 14.0 * vary(15.0);

        let chest_width = Profile::new(&[
            (-200.0, 118.0),
            (-130.0, 129.0),
            (-80.0, 132.0),
            (-30.0, 129.0),
            (20.0, 121.0),
            (60.0, 111.0),
            (90.0, 100.0),
            (112.0, 86.0),
            (130.0, 67.0),
            (145.0, 50.0),
        ])
        .scaled(width);
        let chest_depth = Profile::new(&[
            (-200.0, 82.0),
            (-80.0, 84.0),
            (-30.0, 82.0),
            (20.0, 76.0),
            (60.0, 67.0),
            (100.0, 53.0),
            (130.0, 40.0),
            (145.0, 34.0),
        ])
        .scaled(depth);
        let chest_middle = Profile::new(&[
            (-200.0, -4.0),
            (-80.0, 0.0),
            (0.0, 3.0),
            (60.0, 9.0),
            (100.0, 16.0),
            (145.0, 24.0),
        ]);
        let body_width = Profile::new(&[
            (-220.0, 158.0),
            (-120.0, 160.0),
            (-40.0, 163.0),
            (20.0, 163.0),
            (60.0, 166.0),
            (90.0, 176.0),
            (115.0, 188.0),
            (132.0, 184.0),
            (146.0, 156.0),
            (158.0, 108.0),
            (170.0, 74.0),
            (182.0, 63.0),
            (220.0, 60.0),
        ])
        .scaled(width);
        let body_depth = Profile::new(&[
            (-220.0, 110.0),
            (-120.0, 114.0),
            (-60.0, 115.0),
            (0.0, 112.0),
            (60.0, 101.0),
            (100.0, 86.0),
            (130.0, 73.0),
            (170.0, 60.0),
            (220.0, 60.0),
        ])
        .scaled(depth);
        let body_middle = Profile::new(&[
            (-220.0, -2.0),
            (-120.0, 2.0),
            (0.0, 8.0),
            (60.0, 15.0),
            (100.0, 23.0),
            (130.0, 21.0),
            (170.0, 12.0),
            (220.0, 9.0),
        ]);
        let spine_y = Profile::new(&[
            (-220.0, 38.0),
            (-150.0, 46.0),
            (-100.0, 52.0),
            (-30.0, 57.0),
            (40.0, 57.0),
            (90.0, 49.0),
            (130.0, 36.0),
            (160.0, 25.0),
            (220.0, 19.0),
        ])
        .scaled(depth);
        let mediastinum_width = Profile::new(&[
            (-90.0, 15.0),
            (-20.0, 19.0),
            (20.0, 26.0),
            (50.0, 29.0),
            (80.0, 28.0),
            (100.0, 25.0),
            (125.0, 27.0),
            (150.0, 30.0),
        ]);

        let h = heart_size;
        let apex = DVec3::new(0.72, -0.45, -0.52);
        let heart = vec![
            // Left ventricle, right ventricle, right atrium, left atrium.
            Ellipsoid::along(
                DVec3::new(36.0, -19.0, -40.0),
                DVec3::new(61.0, 42.0, 42.0) * h,
                apex,
                DVec3::Y,
            ),
            Ellipsoid::along(
                DVec3::new(14.0, -44.0, -36.0),
                DVec3::new(47.0, 26.0, 38.0) * h,
                DVec3::new(0.85, -0.2, -0.45),
                DVec3::Y,
            ),
            Ellipsoid::straight(
                DVec3::new(-14.0, -10.0, -26.0),
                DVec3::new(27.0, 33.0, 42.0) * h,
            ),
            Ellipsoid::straight(
                DVec3::new(6.0, 13.0, -6.0),
                DVec3::new(36.0, 22.0, 25.0) * h,
            ),
        ];
        let chambers = vec![
            Ellipsoid::along(
                DVec3::new(36.0, -17.0, -38.0),
                DVec3::new(44.0, 25.0, 25.0) * h,
                apex,
                DVec3::Y,
            ),
            Ellipsoid::along(
                DVec3::new(12.0, -46.0, -36.0),
                DVec3::new(41.0, 20.0, 32.0) * h,
                DVec3::new(0.85, -0.2, -0.45),
                DVec3::Y,
            ),
            Ellipsoid::straight(
                DVec3::new(-14.0, -10.0, -26.0),
                DVec3::new(23.0, 29.0, 38.0) * h,
            ),
            Ellipsoid::straight(
                DVec3::new(6.0, 13.0, -6.0),
                DVec3::new(32.0, 18.0, 21.0) * h,
            ),
        ];
        let v = DVec3::new;
        let aorta = chain(&[
            (v(2.0, -12.0, -8.0), 15.0),
            (v(-6.0, -18.0, 15.0), 15.5),
            (v(-9.0, -20.0, 40.0), 15.0),
            (v(-4.0, -15.0, 60.0), 14.5),
            (v(8.0, -2.0, 72.0), 13.8),
            (v(19.0, 16.0, 73.0), 13.2),
            (v(26.0, 32.0, 64.0), 12.8),
            (v(28.0, 40.0, 46.0), 12.3),
            (v(27.0, 41.0, 20.0), 12.0),
            (v(25.0, 40.0, -20.0), 11.8),
            (v(20.0, 37.0, -60.0), 11.4),
            (v(10.0, 30.0, -100.0), 11.0),
            (v(4.0, 23.0, -140.0), 10.5),
            (v(3.0, 16.0, -220.0), 10.0),
        ]);
        let mut great_vessels = chain(&[
            // Superior vena cava and right brachiocephalic vein.
            (v(-24.0, -6.0, -4.0), 9.5),
            (v(-25.0, -10.0, 40.0), 9.5),
            (v(-22.0, -14.0, 84.0), 9.0),
            (v(-32.0, -12.0, 122.0), 7.0),
            (v(-34.0, -8.0, 200.0), 6.5),
        ]);
        great_vessels.extend(chain(&[
            // Left brachiocephalic vein.
            (v(-20.0, -17.0, 86.0), 7.0),
            (v(10.0, -24.0, 94.0), 6.5),
            (v(32.0, -14.0, 122.0), 7.0),
            (v(34.0, -8.0, 200.0), 6.5),
        ]));
        great_vessels.extend(chain(&[
            // Pulmonary trunk and its two arteries.
            (v(18.0, -36.0, 4.0), 13.0),
            (v(22.0, -22.0, 28.0), 13.5),
            (v(26.0, -6.0, 40.0), 12.0),
            (v(44.0, 12.0, 42.0), 9.5),
        ]));
        great_vessels.extend(chain(&[
            (v(24.0, -12.0, 36.0), 10.5),
            (v(-10.0, 2.0, 32.0), 10.0),
            (v(-38.0, 9.0, 28.0), 8.5),
        ]));
        // Inferior vena cava, then the three branches of the arch.
        great_vessels.extend(chain(&[
            (v(-18.0, 0.0, -56.0), 11.0),
            (v(-20.0, 8.0, -90.0), 11.0),
            (v(-18.0, 18.0, -220.0), 10.5),
        ]));
        for (begin, middle, end) in [
            (
                v(-2.0, -10.0, 72.0),
                v(-12.0, -8.0, 105.0),
                v(-24.0, -2.0, 200.0),
            ),
            (
                v(8.0, 0.0, 76.0),
                v(14.0, -4.0, 105.0),
                v(24.0, -2.0, 200.0),
            ),
            (
                v(17.0, 14.0, 76.0),
                v(23.0, 10.0, 105.0),
                v(52.0, 8.0, 135.0),
            ),
        ] {
            great_vessels.extend(chain(&[(begin, 6.0), (middle, 5.2), (end, 4.2)]));
        }
        let airway = vessels::airway();
        let airway_walls = vessels::airway_walls(&airway);
        let oesophagus = chain(&[
            (v(3.0, 4.0, 220.0), 5.0),
            (v(4.0, 14.0, 130.0), 5.5),
            (v(6.0, 30.0, 70.0), 5.5),
            (v(5.0, 37.0, 20.0), 5.5),
            (v(8.0, 36.0, -30.0), 6.0),
            (v(18.0, 24.0, -68.0), 6.5),
            (v(36.0, 8.0, -86.0), 7.0),
        ]);
        let mut anatomy = Self {
            seed,
            chest_width,
            chest_depth,
            chest_middle,
            body_width,
            body_depth,
            body_middle,
            spine_y,
            mediastinum_width,
            fat_mm,
            right_dome: Dome {
                top: v(-60.0 * width, -8.0, right_top),
                lateral: (71.0 * width, 52.0),
                medial: (75.0, 24.0),
                front: (80.0, 30.0),
                back: (84.0, 68.0),
            },
            left_dome: Dome {
                top: v(64.0 * width, -8.0, left_top),
                lateral: (67.0 * width, 44.0),
                medial: (70.0, 18.0),
                front: (80.0, 26.0),
                back: (84.0, 58.0),
            },
            heart,
            chambers,
            aorta,
            great_vessels,
            airway,
            airway_walls,
            oesophagus,
            lung_vessels: Vec::new(),
            liver_vessels: Vec::new(),
            skeleton: Skeleton::default(),
            arms: Side::BOTH
                .iter()
                .flat_map(|side| {
                    let s = side.sign();
                    chain(&[
                        (v(s * 172.0 * width, 8.0, 122.0), 19.0),
                        (v(s * 180.0 * width, 8.0, 112.0), 13.0),
                        (v(s * 214.0 * width, 2.0, 20.0), 10.5),
                        (v(s * 240.0 * width, -6.0, -90.0), 11.0),
                    ])
                })
                .collect(),
            spleen: Ellipsoid::along(
                v(92.0 * width, 38.0, left_top - 34.0),
                v(50.0, 33.0, 27.0),
                v(0.2, 0.85, -0.45),
                v(0.0, 0.4, 0.9),
            ),
            stomach: Ellipsoid::along(
                v(58.0, -16.0, left_top - 40.0),
                v(48.0, 40.0, 34.0),
                v(0.3, 0.3, 0.9),
                v(0.0, 1.0, 0.0),
            ),
            bowel: vec![
                Ellipsoid::straight(v(96.0, -34.0, left_top - 66.0), v(24.0, 22.0, 22.0)),
                Ellipsoid::straight(v(30.0, -62.0, left_top - 92.0), v(42.0, 17.0, 18.0)),
                Ellipsoid::straight(v(98.0, 6.0, left_top - 104.0), v(20.0, 20.0, 34.0)),
            ],
            kidneys: Side::BOTH.map(|side| {
                Ellipsoid::along(
                    v(
                        side.sign() * 62.0,
                        48.0,
                        if side == Side::Right { -182.0 } else { -170.0 },
                    ),
                    v(52.0, 26.0, 28.0),
                    v(side.sign() * 0.25, 0.1, -1.0),
                    v(side.sign(), 0.3, 0.0),
                )
            }),
        };
        anatomy.skeleton = Skeleton::new(&anatomy);
        anatomy.lung_vessels = vessels::lung_vessels(&anatomy);
        anatomy.liver_vessels = vessels::liver_vessels(&anatomy);
        anatomy
    }

    /// The shapes cut by one axial plane.
    pub(crate) fn cut(&self, z: f64) -> Cut<'_> {
        let chest = [
            self.chest_width.at(z),
            self.chest_depth.at(z),
            self.chest_middle.at(z),
        ];
        let chest_slope = self.chest_width.slope(z).hypot(self.chest_depth.slope(z));
        let crosses = |tube: &&Tube| tube.footprint(z, 12.0).is_some();
        Cut {
            anatomy: self,
            z,
            chest,
            chest_lean: 1.0 / 1.0f64.hypot(chest_slope * 0.7),
            body: [
                self.body_width.at(z),
                self.body_depth.at(z),
                self.body_middle.at(z),
            ],
            body_lean: 1.0 / 1.0f64.hypot(self.body_width.slope(z) * 0.7),
            spine_y: self.spine_y.at(z),
            mediastinum_width: self.mediastinum_width.at(z),
            tubes: self
                .aorta
                .iter()
                .chain(&self.great_vessels)
                .filter(crosses)
                .copied()
                .collect(),
            heart: self
                .heart
                .iter()
                .filter(|e| (z - e.centre.z).abs() < e.reach() + 12.0)
                .copied()
                .collect(),
        }
    }

    /// A point of the inner chest wall moved outwards by `out` millimetres: `angle` from the back (0) over the
    /// side (90°) to the front (180°).
    pub(crate) fn chest_wall(&self, side: Side, angle: f64, z: f64, out: f64) -> DVec3 {
        let (sine, cosine) = angle.sin_cos();
        let power = 2.0 / 2.5;
        let x = sine.abs().powf(power) * (self.chest_width.at(z) + out);
        let y = cosine.abs().powf(power) * cosine.signum() * (self.chest_depth.at(z) + out);
        DVec3::new(side.sign() * x, self.chest_middle.at(z) + y, z)
    }
}

/// The shapes cut by one axial plane: numbers that depend on the height are worked out once.
#[derive(Clone, Debug)]
pub(crate) struct Cut<'a> {
    /// Whose.
    pub(crate) anatomy: &'a Anatomy,
    /// Height of the plane.
    pub(crate) z: f64,
    /// Half width, half depth, middle of the inner chest wall.
    pub(crate) chest: [f64; 3],
    chest_lean: f64,
    /// Half width, half depth, middle of the skin.
    pub(crate) body: [f64; 3],
    body_lean: f64,
    /// Front-to-back place of the vertebral body.
    pub(crate) spine_y: f64,
    mediastinum_width: f64,
    tubes: Vec<Tube>,
    heart: Vec<Ellipsoid>,
}

impl Cut<'_> {
    /// Distance to the skin.
    pub(crate) fn body(&self, x: f64, y: f64) -> f64 {
        let [a, b, middle] = self.body;
        let flat = super_ellipse(x, y - middle, a, b) * self.body_lean;
        // A shallow groove along the spine.
        let groove = 3.5 * (-(x * x) / 300.0).exp() * f64::from(u8::from(y > middle));
        flat + groove
    }

    /// Distance to the inner chest wall.
    pub(crate) fn chest(&self, x: f64, y: f64) -> f64 {
        let [a, b, middle] = self.chest;
        super_ellipse(x, y - middle, a, b) * self.chest_lean
    }

    /// Distance to the upper side of the diaphragm, negative below it.
    pub(crate) fn diaphragm(&self, x: f64, y: f64) -> f64 {
        if self.z > -35.0 {
            // Well above both domes, whose tops lie under -55.
            return self.z + 55.0;
        }
        let (right, right_lean) = self.anatomy.right_dome.height(x, y);
        let (left, left_lean) = self.anatomy.left_dome.height(x, y);
        smooth_min(
            (self.z - right) / right_lean,
            (self.z - left) / left_lean,
            8.0,
        )
    }

    /// Distance to the heart with its muscle, flattened where it rests on the diaphragm.
    pub(crate) fn heart(&self, x: f64, y: f64) -> f64 {
        if self.heart.is_empty() || !(-75.0..125.0).contains(&x) || !(-95.0..65.0).contains(&y) {
            return 50.0;
        }
        let point = DVec3::new(x, y, self.z);
        let heart = self
            .heart
            .iter()
            .map(|e| e.distance(point))
            .fold(1e3, |a, b| smooth_min(a, b, 10.0));
        if heart > 20.0 {
            return heart;
        }
        smooth_max(heart, 0.5 - self.diaphragm(x, y), 3.0)
    }

    /// Distance to what keeps the lungs apart.
    fn mediastinum(&self, x: f64, y: f64) -> f64 {
        let front = self.chest[2] - self.chest[1];
        let back = self.spine_y;
        let mut core = 50.0;
        if x.abs() < 60.0 {
            // Column of the great vessels between breastbone and spine.
            let (centre, half) = ((front + back) * 0.5 + 6.0, (back - front) * 0.5 - 6.0);
            let column = super_ellipse(x - 1.5, y - centre, self.mediastinum_width, half);
            // The thin fold between both lungs behind the breastbone.
            let fold = ((x - 4.0).abs() - 2.5).max(y - centre);
            // Vertebral bodies, and behind them the heads of the ribs.
            let spine = ellipse(x, y - self.spine_y - 3.0, 24.0, 25.0);
            let heads = ellipse(x, y - self.spine_y - 34.0, 40.0, 24.0);
            let spine = smooth_min(spine, heads, 10.0);
            core = smooth_min(smooth_min(column, fold, 8.0), spine, 8.0);
            let point = DVec3::new(x, y, self.z);
            for tube in &self.tubes {
                core = smooth_min(core, tube.distance(point) - 2.5, 6.0);
            }
        }
        smooth_min(core, self.heart(x, y) - 3.5, 6.0)
    }

    /// Distance to the lung of a side.
    pub(crate) fn lung(&self, side: Side, x: f64, y: f64) -> f64 {
        let chest = self.chest(x, y) + 2.0;
        let across = -side.sign() * x;
        if chest > 15.0 || across > 15.0 {
            return chest.max(across);
        }
        let base = 2.5 - self.diaphragm(x, y);
        // The apex: a paraboloid cap whose top lies beside the spine, a little higher on the right.
        let top = if side == Side::Right { 141.0 } else { 138.0 };
        let (u, v) = (x - side.sign() * 44.0, y - 24.0);
        let radius = u.hypot(v * 0.9);
        let cap = (self.z - (top - 0.014 * radius * radius)) / 1.0f64.hypot(0.028 * radius);
        let outer = smooth_max(smooth_max(chest, cap, 10.0), base, 2.0);
        if outer > 15.0 {
            return outer;
        }
        smooth_max(outer, -self.mediastinum(x, y), 5.0).max(across)
    }

    /// Distance to the liver.
    pub(crate) fn liver(&self, x: f64, y: f64) -> f64 {
        let below = self.diaphragm(x, y) + 3.5;
        if below > 12.0 {
            return below;
        }
        let chest = self.chest(x, y) + 6.0;
        // Its left edge runs down to the right; behind it stops before spine and kidney.
        let edge = x - 48.0 - 0.55 * (self.z + 70.0) + 0.25 * (y + 20.0);
        let behind = y - 44.0 + 0.45 * (x + 30.0).max(-60.0) + 0.12 * (self.z + 100.0).min(0.0);
        let spine = 34.0 - x.hypot((y - self.spine_y) * 0.95);
        // The lower edge rises from the right flank to the left.
        let bottom = -(self.z + 152.0 - 0.55 * x - 0.2 * y);
        let cut = smooth_max(edge * 0.85, behind * 0.9, 22.0);
        let body = smooth_max(smooth_max(below, chest, 4.0), cut, 10.0);
        smooth_max(smooth_max(body, spine, 10.0), bottom * 0.85, 18.0)
    }

    /// Distance to an organ of the left upper abdomen, kept under the diaphragm and within the ribs.
    pub(crate) fn under_diaphragm(&self, organ: &Ellipsoid, x: f64, y: f64) -> f64 {
        let shape = organ.distance(DVec3::new(x, y, self.z));
        let roof = self.diaphragm(x, y) + 3.5;
        smooth_max(smooth_max(shape, roof, 5.0), self.chest(x, y) + 6.0, 5.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn organs_lie_on_their_sides() {
        for seed in 0..4 {
            let anatomy = Anatomy::new(seed);
            let upper = anatomy.cut(40.0);
            assert!(upper.lung(Side::Right, -80.0, 10.0) < -20.0);
            assert!(upper.lung(Side::Left, 80.0, 10.0) < -20.0);
            assert!(upper.lung(Side::Right, 80.0, 10.0) > 0.0);
            let heart = anatomy.cut(-45.0);
            assert!(heart.heart(55.0, -25.0) < 0.0 && heart.heart(-55.0, -25.0) > 0.0);
            let abdomen = anatomy.cut(-120.0);
            assert!(abdomen.liver(-70.0, -10.0) < -10.0 && abdomen.liver(90.0, -10.0) > 0.0);
            let spleen = anatomy.spleen.centre;
            assert!(anatomy.cut(spleen.z).liver(spleen.x, spleen.y) > 0.0);
        }
    }
}

//! Bones: vertebrae with their canal, ribs as slanted rings, breastbone, collar bones, shoulder blades.

use super::{
    anatomy::{Anatomy, Side},
    shape::{Ellipsoid, Profile, Tube, chain, ellipse, smooth_min, super_ellipse},
};
use glam::DVec3;

/// Ribs are taller than thick: heights are pressed together by this factor before a distance is taken.
pub(crate) const RIB_SQUEEZE: f64 = 0.6;

/// A vertebra.
#[derive(Clone, Debug)]
pub(crate) struct Vertebra {
    /// `C5` to `L4`.
    pub(crate) name: String,
    /// Middle of its body.
    pub(crate) centre: DVec3,
    /// Half sizes of the body: across, front to back, up.
    pub(crate) half: DVec3,
    /// From the middle of the body back to the middle of the canal.
    canal: f64,
    /// From the middle to the tips of the transverse processes.
    wing: f64,
}

/// Half width and half depth of the canal.
const CANAL: (f64, f64) = (9.5, 8.0);

impl Vertebra {
    /// Distance to the body.
    pub(crate) fn body(&self, point: DVec3) -> f64 {
        let q = point - self.centre;
        // Waisted: a tenth narrower half way up.
        let level = (q.z / self.half.z).clamp(-1.0, 1.0);
        let waist = 0.9 + 0.1 * level * level;
        let outline = super_ellipse(q.x, q.y, self.half.x * waist, self.half.y * waist);
        let hollow = ellipse(q.x, q.y - self.canal, CANAL.0, CANAL.1);
        outline.max(-hollow).max(q.z.abs() - self.half.z)
    }

    /// Distance to the disc below it, as thick as `gap`.
    pub(crate) fn disc(&self, point: DVec3, gap: f64) -> f64 {
        let q = point - self.centre;
        let outline = super_ellipse(q.x, q.y, self.half.x * 0.98, self.half.y * 0.98);
        outline.max((q.z + self.half.z + gap * 0.5).abs() - gap * 0.5)
    }

    /// Distance to the arch with its processes.
    pub(crate) fn arch(&self, point: DVec3) -> f64 {
        let q = DVec3::new((point.x - self.centre.x).abs(), point.y, point.z)
            - DVec3::new(0.0, self.centre.y, self.centre.z);
        let canal = self.canal;
        let hollow = ellipse(q.x, q.y - canal, CANAL.0, CANAL.1);
        // The plates slope down to the back.
        let slope = q.z + 0.35 * (q.y - canal);
        let plates = (hollow - 2.6).abs() - 2.6;
        let plates = plates
            .max(slope.abs() - self.half.z * 0.78)
            .max(self.half.y - 2.0 - q.y);
        let v = DVec3::new;
        let root = Tube {
            a: v(11.5, self.half.y - 3.0, 4.0),
            b: v(12.5, canal + 2.0, 3.0),
            radius_a: 4.2,
            radius_b: 4.2,
        };
        let side = Tube {
            a: v(13.0, canal, 2.5),
            b: v(self.wing, canal + 8.0, 4.5),
            radius_a: 4.6,
            radius_b: 3.8,
        };
        let spine = Tube {
            a: v(0.0, canal + 10.0, -2.0),
            b: v(0.0, canal + 25.0, -15.0),
            radius_a: 4.2,
            radius_b: 3.6,
        };
        let arch = smooth_min(
            smooth_min(plates, spine.distance(q), 2.0),
            smooth_min(root.distance(q), side.distance(q), 2.0),
            2.0,
        );
        arch.max(-hollow)
    }
}

/// Distance to the spinal canal.
pub(crate) fn canal(x: f64, y: f64, spine_y: f64, half_depth: f64) -> f64 {
    ellipse(x, y - spine_y - half_depth - 8.5, CANAL.0, CANAL.1)
}

/// One rib: bone, and the cartilage in front of it. Heights are squeezed by [`RIB_SQUEEZE`].
#[derive(Clone, Debug)]
pub(crate) struct Rib {
    /// Bone.
    pub(crate) bone: Vec<Tube>,
    /// Cartilage, empty for the two floating ribs.
    pub(crate) cartilage: Vec<Tube>,
}

/// All bones of one person.
#[derive(Clone, Debug, Default)]
pub(crate) struct Skeleton {
    /// From the neck down.
    pub(crate) vertebrae: Vec<Vertebra>,
    /// Twelve a side.
    pub(crate) ribs: Vec<Rib>,
    /// Collar bones and the ridges of the shoulder blades.
    pub(crate) bars: Vec<Tube>,
    /// Shoulder blades.
    pub(crate) blades: Vec<Ellipsoid>,
    /// Half width of the breastbone at each height.
    sternum_width: Option<Profile>,
}

/// Thickness of a disc.
pub(crate) const DISC_MM: f64 = 4.5;
/// Upper and lower end of the breastbone.
const STERNUM: (f64, f64) = (-74.0, 108.0);

impl Skeleton {
    /// Bones that fit the chest of a person.
    pub(crate) fn new(anatomy: &Anatomy) -> Self {
        let vertebrae = vertebrae(anatomy);
        let thoracic: Vec<&Vertebra> = vertebrae
            .iter()
            .filter(|v| v.name.starts_with('T'))
            .collect();
        let mut ribs = Vec::new();
        for (index, vertebra) in thoracic.iter().enumerate() {
            for side in Side::BOTH {
                ribs.push(rib(anatomy, vertebra, index + 1, side));
            }
        }
        let v = DVec3::new;
        let mut bars = Vec::new();
        let mut blades = Vec::new();
        for side in Side::BOTH {
            let s = side.sign();
            bars.extend(chain(&[
                (v(s * 15.0, -37.0, 111.0), 7.0),
                (v(s * 30.0, -41.0, 114.0), 6.2),
                (v(s * 60.0, -39.0, 119.0), 5.8),
                (v(s * 92.0, -27.0, 126.0), 5.6),
                (v(s * 122.0, -9.0, 132.0), 5.4),
                (v(s * 146.0, 9.0, 134.0), 5.6),
            ]));
            // The blade lies on the ribs, turned outwards as with the shoulders drawn forward.
            let on = anatomy.chest_wall(side, 0.95, 72.0, 24.0);
            let far = anatomy.chest_wall(side, 0.95, 72.0, 60.0);
            let outward = (far - on).normalize_or(DVec3::Y);
            blades.push(Ellipsoid::along(
                on,
                v(2.6, 64.0, 36.0),
                outward,
                v(-s * 0.12, 0.0, 1.0),
            ));
            bars.extend(chain(&[
                (on + v(-s * 26.0, 14.0, 24.0), 3.4),
                (v(s * 118.0, 50.0, 118.0), 4.2),
                (v(s * 148.0, 24.0, 130.0), 6.0),
                (v(s * 150.0, 10.0, 133.0), 5.5),
            ]));
            // Outer edge of the blade up to the socket of the shoulder.
            bars.extend(chain(&[
                (on + v(s * 4.0, -6.0, -58.0), 3.2),
                (on + v(s * 26.0, -10.0, 0.0), 4.2),
                (v(s * 146.0, 16.0, 118.0), 8.0),
            ]));
        }
        Self {
            vertebrae,
            ribs,
            bars,
            blades,
            sternum_width: Some(Profile::new(&[
                (-74.0, 5.0),
                (-60.0, 10.0),
                (-30.0, 17.0),
                (20.0, 15.0),
                (52.0, 13.0),
                (66.0, 18.0),
                (92.0, 25.0),
                (108.0, 22.0),
            ])),
        }
    }

    /// Distance to the breastbone in a plane whose front chest wall lies at `front`.
    pub(crate) fn sternum(&self, point: DVec3, front: f64) -> f64 {
        let Some(profile) = &self.sternum_width else {
            return 1e3;
        };
        let ends = (point.z - STERNUM.1).max(STERNUM.0 - point.z);
        if ends > 4.0 {
            return ends;
        }
        // A thin joint between its upper and its lower piece.
        let joint = 1.2 - (point.z - 62.0).abs();
        super_ellipse(point.x, point.y - front + 8.0, profile.at(point.z), 5.6)
            .max(ends)
            .max(joint)
    }
}

fn vertebrae(anatomy: &Anatomy) -> Vec<Vertebra> {
    // Height with disc; the first chest vertebra has its middle at z = 128.
    let chest: Vec<f64> = (0..12).map(|i| 17.5 + 0.55 * f64::from(i)).collect();
    let mut list = Vec::new();
    let mut push = |name: String, z: f64, height: f64, half_x: f64, half_y: f64| {
        list.push(Vertebra {
            centre: DVec3::new(0.0, anatomy.spine_y.at(z), z),
            half: DVec3::new(half_x, half_y, (height - DISC_MM) * 0.5),
            canal: half_y + 8.5,
            wing: if name.starts_with('C') { 24.0 } else { 33.0 },
            name,
        });
    };
    for (i, number) in (5..=7).enumerate() {
        let z = 128.0 + 17.0 + 16.0 * (2.0 - i as f64);
        push(format!("C{number}"), z, 16.0, 12.5, 8.5);
    }
    let mut z = 128.0;
    let mut last = 17.5;
    for (i, height) in chest.iter().enumerate() {
        if i > 0 {
            z -= (last + height) * 0.5;
        }
        last = *height;
        let t = i as f64 / 11.0;
        push(
            format!("T{}", i + 1),
            z,
            *height,
            14.5 + 5.5 * t,
            10.0 + 5.0 * t,
        );
    }
    for number in 1..=4 {
        let height = 26.5 + f64::from(number) * 0.5;
        z -= (last + height) * 0.5;
        last = height;
        push(format!("L{number}"), z, height, 22.0, 16.5);
    }
    list
}

fn rib(anatomy: &Anatomy, vertebra: &Vertebra, number: usize, side: Side) -> Rib {
    // Drop from back to front, angle of the front end of the bone (from the back, degrees), thickness.
    let (drop, end, radius) = match number {
        1 => (30.0, 142.0, 4.2),
        2 => (52.0, 146.0, 4.2),
        3 => (68.0, 148.0, 4.3),
        4 => (80.0, 149.0, 4.4),
        5 => (90.0, 149.0, 4.5),
        6 => (98.0, 147.0, 4.6),
        7 => (105.0, 142.0, 4.6),
        8 => (110.0, 134.0, 4.5),
        9 => (112.0, 124.0, 4.4),
        10 => (110.0, 118.0, 4.2),
        11 => (92.0, 95.0, 3.8),
        _ => (70.0, 66.0, 3.4),
    };
    let squeeze = |p: DVec3| DVec3::new(p.x, p.y, p.z * RIB_SQUEEZE);
    let s = side.sign();
    let c = vertebra.centre;
    let half = vertebra.half;
    let top = c.z + half.z * 0.55;
    let end_angle = f64::to_radians(end);
    let on_wall = |angle: f64| {
        // The slope is gentle at the back and steeper to the front.
        let t = angle / std::f64::consts::PI;
        let z = top - drop * (0.75 * t + 0.45 * t * t);
        anatomy.chest_wall(side, angle, z, radius + 2.5)
    };
    let mut points = vec![
        (
            squeeze(DVec3::new(
                s * (half.x + 1.5),
                c.y + half.y * 0.7,
                top - 1.0,
            )),
            radius * 0.85,
        ),
        (
            squeeze(DVec3::new(s * 29.0, c.y + half.y + 13.0, top + 2.5)),
            radius * 0.85,
        ),
    ];
    let start = f64::to_radians(22.0);
    let steps = 28;
    for step in 0..=steps {
        let angle = start + (end_angle - start) * f64::from(step) / f64::from(steps);
        points.push((squeeze(on_wall(angle)), radius));
    }
    let bone = chain(&points);
    let mut cartilage = Vec::new();
    if number <= 10 {
        // To the breastbone, or up along the cartilage of the rib above.
        let from = on_wall(end_angle);
        let height = match number {
            1 => 98.0,
            2 => 62.0,
            3 => 38.0,
            4 => 14.0,
            5 => -10.0,
            6 => -32.0,
            7 => -50.0,
            8 => -70.0,
            9 => -92.0,
            _ => -116.0,
        };
        let goal_angle = match number {
            1..=7 => 169.0,
            8 => 158.0,
            9 => 148.0,
            _ => 136.0,
        };
        let mut line = Vec::new();
        for step in 0..=8 {
            let t = f64::from(step) / 8.0;
            let angle = end_angle + (f64::to_radians(goal_angle) - end_angle) * t;
            // Falls on for a little, then rises to its goal.
            let z = from.z + (f64::min(height, from.z + 60.0) - from.z) * t * t;
            let p = anatomy.chest_wall(side, angle, z, radius + 2.5);
            line.push((squeeze(p), radius * 0.95));
        }
        cartilage = chain(&line);
    }
    Rib { bone, cartilage }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bones_lie_outside_the_lungs() {
        let anatomy = Anatomy::new(1);
        assert_eq!(anatomy.skeleton.ribs.len(), 24);
        for rib in &anatomy.skeleton.ribs {
            for tube in &rib.bone {
                let p = DVec3::new(tube.b.x, tube.b.y, tube.b.z / RIB_SQUEEZE);
                let cut = anatomy.cut(p.z);
                for side in Side::BOTH {
                    assert!(cut.lung(side, p.x, p.y) > 2.0, "{p}");
                }
                assert!(cut.body(p.x, p.y) < -4.0, "{p}");
            }
        }
        for vertebra in &anatomy.skeleton.vertebrae {
            assert!(vertebra.body(vertebra.centre) < -4.0);
            let canal = vertebra.centre + DVec3::new(0.0, vertebra.half.y + 8.5, 0.0);
            assert!(vertebra.body(canal) > 2.0 && vertebra.arch(canal) > 2.0);
        }
    }
}

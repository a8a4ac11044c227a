//! Branching tubes: the airway, the vessels of the lungs and of the liver.

use super::{
    anatomy::{Anatomy, Side},
    random::Random,
    shape::{Tube, chain},
};
use glam::DVec3;

/// Radius of the thinnest lung vessel that is drawn.
const LEAF_RADIUS_MM: f64 = 0.62;
/// Exponent of the radii at a branching (Murray's law has 3; measured lungs lie a little lower).
const BRANCHING_POWER: f64 = 2.7;

/// Trachea and the first bronchi; radii are those of the air.
pub(crate) fn airway() -> Vec<Tube> {
    let v = DVec3::new;
    let carina = v(-1.0, 13.0, 58.0);
    let mut tubes = chain(&[
        (v(0.0, -16.0, 220.0), 8.5),
        (v(0.0, -12.0, 160.0), 8.5),
        (v(0.0, 0.0, 110.0), 8.8),
        (carina, 9.0),
    ]);
    // The right main bronchus is shorter, wider and steeper.
    let right = v(-25.0, 17.0, 36.0);
    let left = v(38.0, 20.0, 27.0);
    tubes.extend(chain(&[
        (carina, 8.0),
        (v(-12.0, 15.0, 47.0), 7.2),
        (right, 6.6),
    ]));
    tubes.extend(chain(&[
        (carina, 7.5),
        (v(18.0, 17.0, 42.0), 6.4),
        (left, 5.8),
    ]));
    let branches = [
        (right, v(-48.0, 14.0, 52.0), v(-62.0, 6.0, 74.0)),
        (right, v(-38.0, 17.0, 10.0), v(-58.0, 34.0, -30.0)),
        (
            v(-38.0, 17.0, 10.0),
            v(-52.0, -4.0, 0.0),
            v(-68.0, -28.0, -14.0),
        ),
        (left, v(56.0, 12.0, 38.0), v(70.0, 0.0, 62.0)),
        (left, v(52.0, 26.0, 4.0), v(70.0, 40.0, -36.0)),
        (
            v(56.0, 12.0, 38.0),
            v(68.0, -8.0, 22.0),
            v(80.0, -30.0, 0.0),
        ),
    ];
    for (begin, middle, end) in branches {
        tubes.extend(chain(&[(begin, 4.2), (middle, 2.6), (end, 1.0)]));
    }
    tubes
}

/// The airway with its wall, which is thinner further out.
pub(crate) fn airway_walls(air: &[Tube]) -> Vec<Tube> {
    let with_wall = |radius: f64| radius + (0.25 + 0.17 * radius).min(1.6);
    air.iter()
        .map(|tube| Tube {
            radius_a: with_wall(tube.radius_a),
            radius_b: with_wall(tube.radius_b),
            ..*tube
        })
        .collect()
}

struct Node {
    at: DVec3,
    parent: usize,
    path_mm: f64,
    flow: f64,
}

/// Grows a tree from `root` to all `goals`: nearest first, each joined to the node that makes the way short.
fn grow(root: DVec3, mut goals: Vec<DVec3>, random: &mut Random) -> Vec<Node> {
    goals.sort_by(|a, b| {
        a.distance_squared(root)
            .total_cmp(&b.distance_squared(root))
    });
    let mut nodes = vec![Node {
        at: root,
        parent: 0,
        path_mm: 0.0,
        flow: 0.0,
    }];
    for goal in goals {
        let cost = |node: &Node| node.at.distance(goal) + 0.25 * node.path_mm;
        let Some((parent, from, path)) = nodes
            .iter()
            .enumerate()
            .min_by(|a, b| cost(a.1).total_cmp(&cost(b.1)))
            .map(|(i, node)| (i, node.at, node.path_mm))
        else {
            continue;
        };
        // Two points on the way, a little off the straight line, so vessels bend and later ones can join.
        let length = from.distance(goal);
        let mut last = parent;
        for step in [1.0 / 3.0, 2.0 / 3.0, 1.0] {
            let off = DVec3::new(
                random.between(-1.0, 1.0),
                random.between(-1.0, 1.0),
                random.between(-1.0, 1.0),
            );
            let bend = if step < 1.0 { 0.07 * length } else { 0.0 };
            nodes.push(Node {
                at: from.lerp(goal, step) + off * bend,
                parent: last,
                path_mm: path + length * step,
                flow: 0.0,
            });
            last = nodes.len() - 1;
        }
    }
    nodes
}

/// Tubes of a grown tree: the radius at each place carries all the ends behind it.
fn tubes(mut nodes: Vec<Node>, leaf_radius: f64, largest: f64) -> Vec<Tube> {
    let mut has_child = vec![false; nodes.len()];
    for node in nodes.iter().skip(1) {
        if let Some(flag) = has_child.get_mut(node.parent) {
            *flag = true;
        }
    }
    // Children come after their parents, so one pass from the end gathers the flow.
    for i in (1..nodes.len()).rev() {
        let leaf = !has_child.get(i).copied().unwrap_or(true);
        let Some(node) = nodes.get_mut(i) else {
            continue;
        };
        if leaf {
            node.flow = leaf_radius.powf(BRANCHING_POWER);
        }
        let (parent, flow) = (node.parent, node.flow);
        if let Some(parent) = nodes.get_mut(parent) {
            parent.flow += flow;
        }
    }
    let radius = |node: &Node| node.flow.powf(1.0 / BRANCHING_POWER).min(largest);
    nodes
        .iter()
        .skip(1)
        .filter_map(|node| {
            let parent = nodes.get(node.parent)?;
            Some(Tube {
                a: parent.at,
                b: node.at,
                // A branch leaves with its own radius, not with that of the trunk.
                radius_a: radius(node).max(radius(parent).min(radius(node) * 1.25)),
                radius_b: radius(node),
            })
        })
        .collect()
}

/// Arteries and veins of both lungs.
pub(crate) fn lung_vessels(anatomy: &Anatomy) -> Vec<Tube> {
    let mut all = Vec::new();
    for side in Side::BOTH {
        for (name, hilum) in [
            ("arteries", DVec3::new(44.0, 11.0, 36.0)),
            ("veins", DVec3::new(38.0, 12.0, 2.0)),
        ] {
            let mut random = Random::new(anatomy.seed, &format!("{name} {}", side.word()));
            let mut goals = Vec::new();
            // Heights in steps, several points each: the lung is filled evenly from base to apex.
            for level in 0..66 {
                let z = -124.0 + 4.0 * (f64::from(level) + random.uniform());
                let cut = anatomy.cut(z);
                let mut found = 0;
                for _ in 0..80 {
                    let x = side.sign() * random.between(4.0, 128.0);
                    let y = random.between(-82.0, 84.0);
                    if cut.lung(side, x, y) < -4.0 {
                        goals.push(DVec3::new(x, y, z));
                        found += 1;
                    }
                    if found == 8 {
                        break;
                    }
                }
            }
            let root = DVec3::new(side.sign() * hilum.x, hilum.y, hilum.z);
            let nodes = grow(root, goals, &mut random);
            all.extend(tubes(nodes, LEAF_RADIUS_MM, 7.0));
        }
    }
    all
}

/// Veins of the liver: a little darker than it without contrast.
pub(crate) fn liver_vessels(anatomy: &Anatomy) -> Vec<Tube> {
    let mut random = Random::new(anatomy.seed, "liver veins");
    let mut goals = Vec::new();
    for _ in 0..900 {
        let goal = DVec3::new(
            random.between(-125.0, 40.0),
            random.between(-75.0, 60.0),
            random.between(-185.0, -66.0),
        );
        if goals.len() < 45 && anatomy.cut(goal.z).liver(goal.x, goal.y) < -12.0 {
            goals.push(goal);
        }
    }
    let nodes = grow(DVec3::new(-20.0, 6.0, -76.0), goals, &mut random);
    tubes(nodes, 1.3, 5.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lung_vessels_stay_in_the_lungs_and_thin_out() {
        let anatomy = Anatomy::new(3);
        let thin: Vec<&Tube> = anatomy
            .lung_vessels
            .iter()
            .filter(|t| t.radius_b <= LEAF_RADIUS_MM * 1.001)
            .collect();
        assert!(thin.len() > 800, "{}", thin.len());
        let inside = thin
            .iter()
            .filter(|t| {
                let cut = anatomy.cut(t.b.z);
                Side::BOTH.iter().any(|s| cut.lung(*s, t.b.x, t.b.y) < 0.0)
            })
            .count();
        // Goals lie inside by construction; the two bends on the way may leave through a concave wall.
        assert!(
            inside * 100 >= thin.len() * 97,
            "{inside} of {}",
            thin.len()
        );
        assert!(anatomy.lung_vessels.iter().any(|t| t.radius_b > 3.0));
    }
}

//! Where nodes are drawn: springs along edges, repulsion between neighbours, the same picture every time.

use super::Graph;

/// Steps of the simulation.
const STEPS: usize = 160;
/// Distance that an edge strives for, in units of the layout.
const LENGTH: f32 = 1.0;
/// Beyond this distance nodes do not see each other.
const SIGHT: f32 = 3.0;

/// A place for each of these nodes, about the first at the centre; neighbours are about one apart.
pub fn layout(graph: &Graph, shown: &[usize], seed: u64) -> Vec<[f32; 2]> {
    let mut state = seed | 1;
    let mut random = move || {
        // xorshift64*: a picture needs no better.
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 40) as f32 / (1u64 << 24) as f32
    };
    let count = shown.len();
    let mut at: Vec<[f32; 2]> = (0..count)
        .map(|i| {
            let angle = i as f32 * 2.399_963;
            let radius = LENGTH * (i as f32).sqrt() * 0.8;
            [
                radius * angle.cos() + random() * 0.05,
                radius * angle.sin() + random() * 0.05,
            ]
        })
        .collect();
    let mut place = vec![usize::MAX; graph.nodes.len()];
    for (i, node) in shown.iter().enumerate() {
        if let Some(slot) = place.get_mut(*node) {
            *slot = i;
        }
    }
    let springs: Vec<(usize, usize)> = graph
        .edges
        .iter()
        .filter_map(|e| {
            let (a, b) = (*place.get(e.from)?, *place.get(e.to)?);
            (a < count && b < count).then_some((a, b))
        })
        .collect();
    for step in 0..STEPS {
        let heat = 0.35 * (1.0 - step as f32 / STEPS as f32) + 0.01;
        let mut push = vec![[0.0f32; 2]; count];
        repel(&at, &mut push);
        for &(a, b) in &springs {
            let (Some(pa), Some(pb)) = (at.get(a).copied(), at.get(b).copied()) else {
                continue;
            };
            let (dx, dy) = (pb[0] - pa[0], pb[1] - pa[1]);
            let distance = dx.hypot(dy).max(1e-3);
            let pull = (distance - LENGTH) * 0.25 / distance;
            for (i, sign) in [(a, 1.0), (b, -1.0)] {
                if let Some(p) = push.get_mut(i) {
                    p[0] += sign * dx * pull;
                    p[1] += sign * dy * pull;
                }
            }
        }
        for (i, (p, force)) in at.iter_mut().zip(&push).enumerate() {
            // The first node is what the graph is about: it stays.
            if i == 0 {
                *p = [0.0, 0.0];
                continue;
            }
            let length = force[0].hypot(force[1]).max(1e-6);
            let scale = length.min(heat) / length;
            p[0] += force[0] * scale - p[0] * 0.004;
            p[1] += force[1] * scale - p[1] * 0.004;
        }
    }
    at
}

/// Pushes nodes that are close apart, cell by cell.
fn repel(at: &[[f32; 2]], push: &mut [[f32; 2]]) {
    use std::collections::HashMap;
    let cell = |p: &[f32; 2]| ((p[0] / SIGHT).floor() as i32, (p[1] / SIGHT).floor() as i32);
    let mut cells: HashMap<(i32, i32), Vec<usize>> = HashMap::new();
    for (i, p) in at.iter().enumerate() {
        cells.entry(cell(p)).or_default().push(i);
    }
    for (i, p) in at.iter().enumerate() {
        let (cx, cy) = cell(p);
        let mut sum = [0.0f32; 2];
        for x in cx - 1..=cx + 1 {
            for y in cy - 1..=cy + 1 {
                for &j in cells.get(&(x, y)).into_iter().flatten() {
                    let Some(q) = at.get(j).filter(|_| j != i) else {
                        continue;
                    };
                    let (dx, dy) = (p[0] - q[0], p[1] - q[1]);
                    let square = (dx * dx + dy * dy).max(0.01);
                    if square < SIGHT * SIGHT {
                        sum[0] += dx / square * 0.35;
                        sum[1] += dy / square * 0.35;
                    }
                }
            }
        }
        if let Some(force) = push.get_mut(i) {
            force[0] += sum[0];
            force[1] += sum[1];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clinical::{
        advice::{Words, facts::Origin},
        graph::{Edge, EdgeKind, Node, NodeKind},
        text::Assertion,
    };

    fn star(count: usize) -> Graph {
        let node = |i: usize| Node {
            key: i.to_string(),
            kind: NodeKind::Finding,
            words: Words::default(),
            assertion: Assertion::Present,
            study_uid: String::new(),
        };
        let edge = |i: usize| Edge {
            from: (i - 1) / 4,
            to: i,
            kind: EdgeKind::Has,
            origin: Origin {
                kind: "text",
                words: String::new(),
                date: None,
            },
        };
        Graph {
            nodes: (0..count).map(node).collect(),
            edges: (1..count).map(edge).collect(),
            left_out: 0,
        }
    }

    #[test]
    fn it_is_the_same_every_time_and_nothing_lies_on_another() {
        let graph = star(120);
        let shown: Vec<usize> = (0..120).collect();
        let places = layout(&graph, &shown, 7);
        assert_eq!(places, layout(&graph, &shown, 7));
        assert_eq!(places[0], [0.0, 0.0]);
        let distance = |a: [f32; 2], b: [f32; 2]| (a[0] - b[0]).hypot(a[1] - b[1]);
        for i in 0..120 {
            assert!(places[i].iter().all(|c| c.is_finite()));
            for j in 0..i {
                assert!(distance(places[i], places[j]) > 0.15, "{i} {j}");
            }
        }
        // What hangs together lies together.
        let joined: f32 = graph
            .edges
            .iter()
            .map(|e| distance(places[e.from], places[e.to]))
            .sum::<f32>()
            / 119.0;
        let all: f32 = (1..120)
            .map(|i| distance(places[i], places[(i * 53) % 120]))
            .sum::<f32>()
            / 119.0;
        assert!(joined < all * 0.6, "{joined} {all}");
    }
}

//! What was used before networks, to compare with: a linear support vector machine and a forest of decision trees. Both
//! are repeatable from a seed.

use super::random::Random;

/// Passes of the support vector machine over its data.
const PASSES: usize = 400;
/// A change of all multipliers below this ends it.
const SETTLED: f64 = 1e-6;

/// A linear classifier: evidence is `w·x + b`.
#[derive(Clone, Debug, PartialEq)]
pub struct Linear {
    weights: Vec<f64>,
    bias: f64,
}

impl Linear {
    /// Evidence for the positive class.
    pub fn evidence(&self, x: &[f64]) -> f64 {
        self.bias + dot(&self.weights, x)
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// A support vector machine with hinge loss, its cost `c` for each sample, by dual coordinate descent (Hsieh et al. 2008).
/// The bias is the weight of a constant 1, so it is held small as the others are.
pub fn support_vectors(x: &[Vec<f64>], positive: &[bool], c: f64, seed: u64) -> Linear {
    let features = x.first().map_or(0, Vec::len);
    let mut model = Linear {
        weights: vec![0.0; features],
        bias: 0.0,
    };
    let norms: Vec<f64> = x.iter().map(|x| dot(x, x) + 1.0).collect();
    let mut multipliers = vec![0.0f64; x.len()];
    let mut order: Vec<usize> = (0..x.len()).collect();
    let mut random = Random::new(seed, &[u64::from_le_bytes(*b"vectors\0")]);
    for _ in 0..PASSES {
        random.shuffle(&mut order);
        let mut moved = 0.0f64;
        for &i in &order {
            let (Some(sample), Some(&norm), Some(&t)) = (x.get(i), norms.get(i), positive.get(i))
            else {
                continue;
            };
            let sign = if t { 1.0 } else { -1.0 };
            let gradient = sign * model.evidence(sample) - 1.0;
            let Some(multiplier) = multipliers.get_mut(i) else {
                continue;
            };
            let new = (*multiplier - gradient / norm).clamp(0.0, c);
            let step = (new - *multiplier) * sign;
            *multiplier = new;
            if step != 0.0 {
                for (w, v) in model.weights.iter_mut().zip(sample) {
                    *w += step * v;
                }
                model.bias += step;
                moved = moved.max(step.abs());
            }
        }
        if moved < SETTLED * c {
            break;
        }
    }
    model
}

/// How trees grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Growth {
    /// Trees.
    pub trees: usize,
    /// Questions from the root to a leaf at most.
    pub depth: usize,
    /// Samples of a leaf at least.
    pub leaf: usize,
}

/// A question and where the answers lead, or a leaf.
#[derive(Clone, Debug, PartialEq)]
enum Node {
    Leaf(f64),
    Question {
        feature: usize,
        at_most: f64,
        yes: usize,
        no: usize,
    },
}

/// A forest (Breiman 2001).
#[derive(Clone, Debug, PartialEq)]
pub struct Forest(Vec<Vec<Node>>);

impl Forest {
    /// Grows trees on resampled data; each question looks at the root of the number of features, chosen anew, and takes the
    /// cut that makes the halves purest (Gini).
    pub fn grow(x: &[Vec<f64>], positive: &[bool], growth: Growth, seed: u64) -> Self {
        let trees = (0..growth.trees)
            .map(|tree| {
                let label = u64::from_le_bytes(*b"forest\0\0");
                let mut random = Random::new(seed, &[label, tree as u64]);
                let samples = (0..x.len())
                    .map(|_| random.range(0.0, x.len() as f64) as usize)
                    .collect();
                let mut nodes = Vec::new();
                branch(&mut nodes, (x, positive), samples, growth, &mut random);
                nodes
            })
            .collect();
        Self(trees)
    }

    /// Mean share of positive samples in the leaves where `x` ends.
    pub fn probability(&self, x: &[f64]) -> f64 {
        let sum: f64 = self.0.iter().map(|nodes| leaf(nodes, x)).sum();
        sum / self.0.len().max(1) as f64
    }
}

fn leaf(nodes: &[Node], x: &[f64]) -> f64 {
    let mut at = 0;
    // Each answer leads to a later node, so this ends.
    while let Some(node) = nodes.get(at) {
        match node {
            Node::Leaf(share) => return *share,
            Node::Question {
                feature,
                at_most,
                yes,
                no,
            } => {
                let value = x.get(*feature).copied().unwrap_or(0.0);
                at = if value <= *at_most { *yes } else { *no };
            }
        }
    }
    0.5
}

/// Grows one tree, a branch after the other.
fn branch(
    nodes: &mut Vec<Node>,
    (x, positive): (&[Vec<f64>], &[bool]),
    samples: Vec<usize>,
    growth: Growth,
    random: &mut Random,
) {
    nodes.push(Node::Leaf(0.5));
    let mut open = vec![(0usize, samples, 0usize)];
    while let Some((place, samples, depth)) = open.pop() {
        let truth = |i: &usize| positive.get(*i).copied().unwrap_or(false);
        let count = samples.iter().filter(|i| truth(i)).count();
        let share = count as f64 / samples.len().max(1) as f64;
        let pure = count == 0 || count == samples.len();
        let cut = match pure || depth >= growth.depth || samples.len() < 2 * growth.leaf {
            true => None,
            false => best_cut((x, positive), &samples, growth.leaf, random),
        };
        let node = match cut {
            None => Node::Leaf(share),
            Some((feature, at_most)) => {
                let value = |i: &usize| x.get(*i).and_then(|x| x.get(feature)).copied();
                let (left, right): (Vec<usize>, Vec<usize>) = samples
                    .iter()
                    .partition(|i| value(i).is_some_and(|v| v <= at_most));
                let (yes, no) = (nodes.len(), nodes.len() + 1);
                nodes.extend([Node::Leaf(0.5), Node::Leaf(0.5)]);
                open.push((yes, left, depth + 1));
                open.push((no, right, depth + 1));
                Node::Question {
                    feature,
                    at_most,
                    yes,
                    no,
                }
            }
        };
        if let Some(slot) = nodes.get_mut(place) {
            *slot = node;
        }
    }
}

/// The feature and the value that cut best, or none where no cut makes the halves purer.
fn best_cut(
    (x, positive): (&[Vec<f64>], &[bool]),
    samples: &[usize],
    leaf: usize,
    random: &mut Random,
) -> Option<(usize, f64)> {
    let features = x.first().map_or(0, Vec::len);
    let mut order: Vec<usize> = (0..features).collect();
    random.shuffle(&mut order);
    let looked_at = (features as f64).sqrt().ceil() as usize;
    let total = samples.len() as f64;
    // Gini impurity of a part times its size: 2 p (1 - p) n.
    let impurity = |positives: f64, n: f64| 2.0 * positives * (n - positives) / n.max(1.0);
    let all = samples
        .iter()
        .filter(|i| positive.get(**i).copied().unwrap_or(false))
        .count() as f64;
    let mut best: Option<(f64, usize, f64)> = None;
    for &feature in order.iter().take(looked_at) {
        let mut values: Vec<(f64, bool)> = samples
            .iter()
            .filter_map(|&i| Some((*x.get(i)?.get(feature)?, *positive.get(i)?)))
            .collect();
        values.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut before = 0.0;
        for (n, pair) in values.windows(2).enumerate() {
            let [(low, t), (high, _)] = [pair.first()?, pair.last()?].map(|v| *v);
            before += f64::from(u8::from(t));
            let n = n + 1;
            if low >= high || n < leaf || values.len() - n < leaf {
                continue;
            }
            let left = impurity(before, n as f64);
            let right = impurity(all - before, total - n as f64);
            let gain = impurity(all, total) - left - right;
            if gain > 1e-9 && best.is_none_or(|b| gain > b.0) {
                best = Some((gain, feature, 0.5 * (low + high)));
            }
        }
    }
    best.map(|(_, feature, at_most)| (feature, at_most))
}

/// Brings each feature to mean 0 and standard deviation 1, as its values in the first data were.
#[derive(Clone, Debug, PartialEq)]
pub struct Scaling {
    mean: Vec<f64>,
    scale: Vec<f64>,
}

impl Scaling {
    /// Of the features of some samples.
    pub fn of(x: &[Vec<f64>]) -> Self {
        let features = x.first().map_or(0, Vec::len);
        let n = x.len().max(1) as f64;
        let column = |j: usize| x.iter().filter_map(move |x| x.get(j).copied());
        let mean: Vec<f64> = (0..features).map(|j| column(j).sum::<f64>() / n).collect();
        let scale = mean
            .iter()
            .enumerate()
            .map(|(j, m)| {
                let variance = column(j).map(|v| (v - m).powi(2)).sum::<f64>() / n;
                if variance > 1e-18 {
                    variance.sqrt().recip()
                } else {
                    0.0
                }
            })
            .collect();
        Self { mean, scale }
    }

    /// A sample, scaled.
    pub fn apply(&self, x: &[f64]) -> Vec<f64> {
        x.iter()
            .zip(&self.mean)
            .zip(&self.scale)
            .map(|((x, m), s)| (x - m) * s)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cloud(seed: u64, n: usize) -> (Vec<Vec<f64>>, Vec<bool>) {
        let mut random = Random::new(seed, &[]);
        (0..n)
            .map(|i| {
                let t = i % 2 == 0;
                let shift = if t { 1.5 } else { -1.5 };
                let x = vec![shift + random.normal(), random.normal(), random.normal()];
                (x, t)
            })
            .unzip()
    }

    fn right(truth: &[bool], said: impl Iterator<Item = bool>) -> f64 {
        let right = truth.iter().zip(said).filter(|(a, b)| **a == *b).count();
        right as f64 / truth.len() as f64
    }

    #[test]
    fn the_margin_is_as_wide_as_it_can_be() {
        // Two points at -1 and 3 on a line, bias held small as the weight is: of all w and b with 3 w + b >= 1 and
        // -w + b <= -1 the smallest lies where both are equal, at w = 0.5, b = -0.5.
        let model = support_vectors(&[vec![-1.0], vec![3.0]], &[false, true], 1e3, 1);
        assert!((model.evidence(&[-1.0]) + 1.0).abs() < 1e-4, "{model:?}");
        assert!((model.evidence(&[3.0]) - 1.0).abs() < 1e-4, "{model:?}");
        // What cannot be told apart costs, and no multiplier is above its bound.
        let model = support_vectors(&[vec![1.0], vec![1.0]], &[false, true], 1.0, 1);
        assert!(model.evidence(&[1.0]).abs() < 1.0 + 1e-9);
    }

    #[test]
    fn both_tell_two_clouds_apart() {
        let (x, truth) = cloud(1, 200);
        let (unseen, expected) = cloud(2, 400);
        let scaling = Scaling::of(&x);
        let scaled: Vec<Vec<f64>> = x.iter().map(|x| scaling.apply(x)).collect();
        let model = support_vectors(&scaled, &truth, 1.0, 3);
        let said = unseen
            .iter()
            .map(|x| model.evidence(&scaling.apply(x)) > 0.0);
        // The best that is possible is 93 %.
        assert!(right(&expected, said) > 0.90);
        let growth = Growth {
            trees: 60,
            depth: 6,
            leaf: 3,
        };
        let forest = Forest::grow(&x, &truth, growth, 4);
        let said = unseen.iter().map(|x| forest.probability(x) > 0.5);
        assert!(right(&expected, said) > 0.88);
        assert_eq!(forest, Forest::grow(&x, &truth, growth, 4));
        assert_ne!(forest, Forest::grow(&x, &truth, growth, 5));
    }

    #[test]
    fn a_forest_sees_what_no_line_does() {
        // The exclusive or of two signs.
        let mut random = Random::new(9, &[]);
        let (x, truth): (Vec<Vec<f64>>, Vec<bool>) = (0..400)
            .map(|_| {
                let (a, b) = (random.normal(), random.normal());
                (vec![a, b], (a > 0.0) != (b > 0.0))
            })
            .unzip();
        let growth = Growth {
            trees: 40,
            depth: 8,
            leaf: 2,
        };
        let forest = Forest::grow(&x, &truth, growth, 1);
        let said = x.iter().map(|x| forest.probability(x) > 0.5);
        assert!(right(&truth, said) > 0.9);
    }
}

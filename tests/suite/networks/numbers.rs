//! The logits of each family are those that the original framework computes from the same weights.

use super::{bytes, fixture, seed, uniform};
use burn::tensor::{Device, Tensor, TensorData};
use negatoscope::ai::{
    import::load_weights,
    network::{Network as _, NetworkShape, OutputKind},
    networks::{Architecture, Net, Plan, PlannedNetwork},
    weights::Weights,
};
use serde::Deserialize;

/// The bound of what may differ: logits of the fixtures are a few units large, and the framework computed them in
/// double precision.
const LOGITS: f32 = 1e-3;

#[derive(Deserialize)]
struct Case {
    name: String,
    formula: bool,
    input: Vec<usize>,
    architecture: Architecture,
}

fn cases() -> Vec<Case> {
    serde_json::from_slice(&bytes("cases.json")).unwrap()
}

/// The weights of a whole network, made by the formula of the script.
fn by_formula(plan: &Plan) -> Weights {
    let mut weights = Weights::default();
    for parameter in &plan.parameters {
        let count = parameter.shape.iter().product();
        let x = uniform(seed(&parameter.name), count);
        let name = &parameter.name;
        let last = name.rsplit('.').next().unwrap();
        let values = match last {
            "weight" if parameter.shape.len() > 1 => {
                let fan_in = count / parameter.shape[0];
                let scale = (6.0 / fan_in as f64).sqrt() as f32;
                x.iter().map(|v| v * scale).collect()
            }
            "running_var" => x.iter().map(|v| 1.0 + 0.5 * v).collect(),
            "running_mean" | "bias" => x.iter().map(|v| 0.2 * v).collect(),
            _ => x.iter().map(|v| 1.0 + 0.3 * v).collect(),
        };
        weights.insert(name.clone(), parameter.shape.clone(), values);
    }
    weights
}

fn expected(name: &str) -> Vec<f32> {
    let weights = Weights::from_bytes(&bytes(&format!("{name}.safetensors"))).unwrap();
    weights.get("logits").unwrap().values.clone()
}

fn run(net: &Net, shape: &[usize], values: Vec<f32>) -> Vec<f32> {
    let device = Device::flex();
    let data = TensorData::new(values, shape.to_vec());
    if shape.len() == 4 {
        let logits = net.forward(Tensor::<4>::from_data(data, &device)).unwrap();
        logits.try_into_vec_as().unwrap()
    } else {
        let logits = net.forward(Tensor::<5>::from_data(data, &device)).unwrap();
        logits.try_into_vec_as().unwrap()
    }
}

/// Largest difference, and the share of places where the same class is first.
pub(super) fn compare(found: &[f32], expected: &[f32], classes: usize) -> (f32, f64) {
    assert_eq!(found.len(), expected.len());
    let far = found
        .iter()
        .zip(expected)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max);
    let places = found.len() / classes;
    let first = |logits: &[f32], place: usize| {
        (0..classes)
            .max_by(|&a, &b| logits[a * places + place].total_cmp(&logits[b * places + place]))
            .unwrap()
    };
    let same = (0..places)
        .filter(|&p| first(found, p) == first(expected, p))
        .count();
    (far, same as f64 / places as f64)
}

#[test]
fn logits_are_those_of_the_original_framework() {
    let mut seen = 0;
    for case in cases() {
        let plan = case.architecture.plan().unwrap();
        let weights = match case.formula {
            true => by_formula(&plan),
            false => load_weights(
                &fixture(&format!("{}.pt", case.name)),
                &case.architecture,
                &[],
            )
            .unwrap_or_else(|error| panic!("{}: {error}", case.name)),
        };
        let input = uniform(seed("input"), case.input.iter().product());
        let net = Net::new(&plan, &weights, &Device::flex()).unwrap();
        let found = run(&net, &case.input, input.clone());
        let truth = expected(&case.name);
        let size = truth.iter().fold(0.0f32, |m, v| m.max(v.abs()));
        let (far, same) = compare(&found, &truth, plan.classes());
        assert!(far <= LOGITS, "{}: {far} of {size}", case.name);
        assert!(same >= 0.999, "{}: {same}", case.name);
        assert!(size > 0.1, "{}: the logits say nothing", case.name);
        // The same with normalisation folded into convolutions, which is what is run.
        let (folded, smaller) = plan.folded(&weights).unwrap();
        let net = Net::new(&folded, &smaller, &Device::flex()).unwrap();
        let (far, _) = compare(&run(&net, &case.input, input), &truth, plan.classes());
        assert!(far <= LOGITS, "{} folded: {far}", case.name);
        seen += 1;
    }
    assert_eq!(seen, 23);
}

#[test]
fn the_engine_sees_shape_memory_and_reach_of_a_plan() {
    let case = cases()
        .into_iter()
        .find(|c| c.name == "meshnet-relu")
        .unwrap();
    let plan = case.architecture.plan().unwrap();
    // Dilations 1, 2, 4, 2, 1.
    assert_eq!(plan.reach(), Some([10, 10, 10]));
    let weights = load_weights(&fixture("meshnet-relu.pt"), &case.architecture, &[]).unwrap();
    let shape = NetworkShape {
        input_channels: 1,
        classes: 3,
        output: OutputKind::Softmax,
        patch: [16, 16, 16],
        multiple: [1, 1, 1],
        reach: plan.reach(),
    };
    let device = Device::flex();
    let network = PlannedNetwork::new(&plan, shape.clone(), &weights, &device).unwrap();
    // One voxel changes nothing beyond the reach, and something at its end.
    let at = |place: usize, value: f32| {
        let mut values = uniform(1, 24 * 24 * 24);
        values[place] = value;
        let input = Tensor::<5>::from_data(TensorData::new(values, [1, 1, 24, 24, 24]), &device);
        let logits = network.forward(input, &|| true).unwrap();
        logits.try_into_vec_as::<f32>().unwrap()
    };
    let place = |z: usize, y: usize, x: usize| (z * 24 + y) * 24 + x;
    let (one, other) = (at(place(12, 12, 12), 0.0), at(place(12, 12, 12), 9.0));
    let changed = |z, y, x| one[place(z, y, x)] != other[place(z, y, x)];
    assert!(!changed(1, 12, 12) && !changed(12, 12, 23) && !changed(12, 1, 12));
    assert!((0..24).any(|x| changed(2, 12, x)) && (0..24).any(|y| changed(12, y, 22)));
    let memory = network.memory(1, [24, 24, 24]);
    let voxels = 24 * 24 * 24u64;
    // Two results of five channels and the work space of a convolution between them.
    assert_eq!(memory.largest, 4 * 5 * voxels);
    assert_eq!(memory.activations, 4 * 20 * voxels);
    assert_eq!(memory.weights, 4 * plan.parameter_count() as u64);
    let operations = 2 * voxels * (27 * 5 + 4 * 27 * 25 + 15);
    assert_eq!(network.operations(1, [24, 24, 24]), operations);
    // What looks at the whole picture says so.
    let case = cases()
        .into_iter()
        .find(|c| c.name == "unet3-plain-thick")
        .unwrap();
    let plan = case.architecture.plan().unwrap();
    assert_eq!((plan.reach(), plan.multiple), (None, [2, 4, 4]));
    // A plan is not run as something that it is not.
    let wrong = NetworkShape {
        classes: 2,
        ..shape
    };
    assert!(PlannedNetwork::new(&plan, wrong, &weights, &device).is_err());
}

#[test]
fn descriptions_of_no_network_are_refused() {
    for case in cases() {
        let text = serde_json::to_string(&case.architecture).unwrap();
        // Each number made absurd, one after the other.
        let numbers: Vec<(usize, usize)> = text
            .char_indices()
            .filter(|(i, c)| {
                c.is_ascii_digit()
                    && !text[..*i].ends_with(|b: char| b.is_ascii_digit() || b == '.')
            })
            .map(|(i, _)| {
                let end = text[i..]
                    .find(|c: char| !c.is_ascii_digit() && c != '.' && c != 'e' && c != '-');
                (i, i + end.unwrap())
            })
            .collect();
        for (start, end) in numbers {
            for absurd in ["0", "99999", "4611686018427387904"] {
                let changed = format!("{}{absurd}{}", &text[..start], &text[end..]);
                // Whatever it is now, it is refused or a network of sane size; nothing panics.
                if let Ok(architecture) = serde_json::from_str::<Architecture>(&changed)
                    && let Ok(plan) = architecture.plan()
                {
                    assert!(plan.parameter_count() <= 120_000_000, "{changed}");
                }
            }
        }
    }
}

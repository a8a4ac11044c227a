//! Maps that say why a network answers as it does, on a network whose answer is known.

use burn::tensor::{
    Device, Tensor, TensorData, activation::relu, module::conv2d, ops::ConvOptions,
};
use negatoscope::{
    ai::{
        AiError, BurnDevice,
        card::{Calibration, CardClassifier},
        classes::Classifier,
        explain::{Explained, Question, classes::ClassExplainer, explain, integrated, uncertainty},
        infer::Probability,
        networks::{Architecture, ResNetConfig},
        preprocess::FrameInput,
        random::Random,
        readback::read_back,
        recipe::Crop,
        registry::{CHEST_TB, Model, Registry},
    },
    imaging::metrics::rank_correlation,
    model::{
        explanation::Method,
        lut::ModalityLut,
        pixels::{Frame, PixelBytes, StoredType},
    },
    phantom::{RadiographSpec, radiograph},
    task::{CancelToken, Progress},
};

const SIDE: usize = 32;

/// Convolution, rectifier, convolution, rectifier, mean, linear: two classes.
struct Finder {
    first: Tensor<4>,
    second: Tensor<4>,
    last: Tensor<2>,
}

impl Finder {
    fn of(device: &Device, [first, second, last]: [Vec<f32>; 3]) -> Self {
        let device = device.clone().autodiff();
        let kernel = |values, shape: [usize; 4]| {
            Tensor::<4>::from_data(TensorData::new(values, shape), &device)
        };
        Self {
            first: kernel(first, [4, 1, 5, 5]),
            second: kernel(second, [4, 4, 3, 3]),
            last: Tensor::from_data(TensorData::new(last, [4, 2]), &device),
        }
    }

    /// Class 1 is "there is a bright spot": what is brighter than its surroundings, by two kernels of one kind, and
    /// two that look at edges and count little.
    fn trained(device: &Device) -> Self {
        let mut first = Vec::new();
        for channel in 0..4 {
            for i in 0..25usize {
                let (x, y) = (i % 5, i / 5);
                let centre = (1..4).contains(&x) && (1..4).contains(&y);
                first.push(match channel {
                    0 | 1 if centre => 0.3,
                    0 | 1 => -0.17,
                    2 => (x as f32 - 2.0) * 0.02,
                    _ => (y as f32 - 2.0) * 0.02,
                });
            }
        }
        let mut second = vec![0.0; 4 * 4 * 9];
        for channel in 0..4 {
            for i in 0..9 {
                second[(channel * 4 + channel) * 9 + i] = 0.2;
            }
        }
        let last = vec![-3.0, 3.0, -2.0, 2.0, 0.1, -0.1, 0.1, -0.1];
        Self::of(device, [first, second, last])
    }

    fn random(device: &Device, seed: u64) -> Self {
        let mut random = Random::new(seed, &[]);
        let mut draw = |count: usize| -> Vec<f32> {
            (0..count).map(|_| 0.3 * random.normal() as f32).collect()
        };
        let weights = [draw(100), draw(144), draw(8)];
        Self::of(device, weights)
    }
}

impl Explained for Finder {
    fn features(&self, pictures: Tensor<4>) -> Result<Tensor<4>, AiError> {
        let step = |x, kernel: &Tensor<4>, stride, padding| {
            let options = ConvOptions::new([stride; 2], [padding; 2], [1, 1], 1);
            relu(conv2d(x, kernel.clone(), None, options))
        };
        let x = step(pictures, &self.first, 2, 2);
        Ok(step(x, &self.second, 1, 1))
    }

    fn logits(&self, features: Tensor<4>) -> Result<Tensor<2>, AiError> {
        let [batch, channels, _, _] = features.dims();
        let mean = features.mean_dim(2).mean_dim(3).reshape([batch, channels]);
        Ok(mean.matmul(self.last.clone()) * 20.0)
    }
}

/// Noise with a bright square, 5 pixels wide, at (column, row).
fn spot(at: [usize; 2], seed: u64) -> Vec<f32> {
    let mut random = Random::new(seed, &[]);
    let mut picture: Vec<f32> = (0..SIDE * SIDE)
        .map(|_| 0.3 * random.normal() as f32)
        .collect();
    for y in 0..5 {
        for x in 0..5 {
            picture[(at[1] + y) * SIDE + at[0] + x] += 4.0;
        }
    }
    picture
}

fn question<'a>(
    picture: &'a [f32],
    device: &'a BurnDevice,
    cancel: &'a CancelToken,
) -> Question<'a> {
    Question {
        picture,
        side: SIDE,
        class: 1,
        device,
        cancel,
    }
}

/// The map as it is shown, on a grid of 16 × 16.
fn shown(map: &Probability, method: Method) -> Vec<f64> {
    let map = read_back(map).unwrap();
    assert!(
        map.values.iter().all(|v| (0.0..=1.0).contains(v)),
        "{method:?}"
    );
    let values: Vec<f32> = match method.is_signed() {
        true => map.values.iter().map(|v| (v - 0.5).max(0.0)).collect(),
        false => map.values.clone(),
    };
    let grid = negatoscope::imaging::resample::area(&values, [map.rows, map.columns], [16, 16]);
    grid.unwrap().into_iter().map(f64::from).collect()
}

const OF_CLASSES: [Method; 3] = [
    Method::GradCam,
    Method::IntegratedGradients,
    Method::Occlusion,
];

#[test]
fn maps_point_at_what_the_network_looks_for() {
    let (device, cancel) = (BurnDevice::flex(), CancelToken::default());
    let network = Finder::trained(&Device::flex());
    for at in [[4, 6], [22, 3], [12, 24]] {
        let picture = spot(at, 3);
        for method in OF_CLASSES {
            let found = explain(&network, &question(&picture, &device, &cancel), method).unwrap();
            assert_eq!(found.method, method);
            assert!(found.scale > 0.0 && found.logit.is_finite());
            let map = shown(&found.map, method);
            let (best, _) = map
                .iter()
                .enumerate()
                .max_by(|a, b| a.1.total_cmp(b.1))
                .unwrap();
            let (x, y) = (2 * (best % 16) + 1, 2 * (best / 16) + 1);
            let off = x.abs_diff(at[0] + 2).max(y.abs_diff(at[1] + 2));
            assert!(off <= 4, "{method:?} at {x}, {y} and not at {at:?}");
        }
    }
}

#[test]
fn integrated_gradients_add_up_to_the_answer() {
    let (device, cancel) = (BurnDevice::flex(), CancelToken::default());
    for seed in 1..6 {
        let network = match seed {
            1 => Finder::trained(&Device::flex()),
            _ => Finder::random(&Device::flex(), seed),
        };
        let picture = spot([9, 14], seed);
        let asked = question(&picture, &device, &cancel);
        let (map, complete, logit) = integrated::attribute(&network, &asked).unwrap();
        let sum: f64 = map.into_data().iter::<f64>().sum();
        assert!((sum - complete.sum).abs() < 1e-4 * sum.abs().max(1.0));
        assert!(complete.error() <= 0.01, "seed {seed}: {complete:?}");
        // The other side, from the network itself.
        let answer = |values: Vec<f32>| -> f64 {
            let data = TensorData::new(values, [1, 1, SIDE, SIDE]);
            let picture = Tensor::<4>::from_data(data, &Device::flex().autodiff());
            let logits = network.answer(picture).unwrap().inner();
            logits.into_data().iter::<f64>().nth(1).unwrap()
        };
        let difference = answer(picture.clone()) - answer(vec![0.0; SIDE * SIDE]);
        assert!((difference - complete.difference).abs() < 1e-4);
        assert!((answer(picture.clone()) - f64::from(logit)).abs() < 1e-4);
        assert!((sum - difference).abs() <= 0.01 * difference.abs().max(0.1));
    }
}

#[test]
fn random_weights_destroy_the_map() {
    let (device, cancel) = (BurnDevice::flex(), CancelToken::default());
    let picture = spot([20, 8], 5);
    let asked = question(&picture, &device, &cancel);
    let map =
        |network: &Finder, method| shown(&explain(network, &asked, method).unwrap().map, method);
    for method in OF_CLASSES {
        let trained = map(&Finder::trained(&Device::flex()), method);
        let again = map(&Finder::trained(&Device::flex()), method);
        assert_eq!(trained, again, "the same network gives the same map");
        let likeness: Vec<f64> = (1..=8)
            .map(|seed| {
                let random = map(&Finder::random(&Device::flex(), seed), method);
                // A network that finds nothing for the class has a flat map, which is like no other.
                rank_correlation(&trained, &random).unwrap_or(0.0)
            })
            .collect();
        let mean = likeness.iter().sum::<f64>() / likeness.len() as f64;
        assert!(mean < 0.5, "{method:?}: {mean:.2} {likeness:.2?}");
    }
}

#[test]
fn what_is_no_question_is_refused() {
    let (device, cancel) = (BurnDevice::flex(), CancelToken::default());
    let network = Finder::trained(&Device::flex());
    let picture = spot([9, 9], 1);
    let asked = question(&picture, &device, &cancel);
    let wrong = Question { class: 2, ..asked };
    for method in OF_CLASSES {
        assert!(matches!(
            explain(&network, &wrong, method),
            Err(AiError::Network(_))
        ));
        let short = Question { side: 31, ..asked };
        assert!(matches!(
            explain(&network, &short, method),
            Err(AiError::Network(_))
        ));
    }
    assert!(explain(&network, &asked, Method::Entropy).is_err());
    cancel.cancel();
    for method in OF_CLASSES {
        assert!(matches!(
            explain(&network, &asked, method),
            Err(AiError::Cancelled)
        ));
    }
}

#[test]
fn doubt_is_entropy_and_disagreement() {
    let device = BurnDevice::flex();
    let of = |values: &[f32]| {
        let data = TensorData::new(values.to_vec(), [1, values.len()]);
        Probability::computed(Tensor::from_data(data, &Device::flex()), &device)
    };
    let values = [0.0, 0.11, 0.5, 0.89, 1.0];
    let entropy = read_back(&uncertainty::entropy(&of(&values)).map).unwrap();
    for (found, p) in entropy.values.iter().zip(values.map(f64::from)) {
        let term = |p: f64| if p > 0.0 { -p * p.log2() } else { 0.0 };
        let expected = term(p) + term(1.0 - p);
        assert!(
            (f64::from(*found) - expected).abs() < 1e-5,
            "{found} {expected}"
        );
    }
    let other = of(&[0.0, 0.31, 0.5, 0.49, 0.0]);
    let apart = read_back(&uncertainty::disagreement(&of(&values), &other).map).unwrap();
    for (found, expected) in apart.values.iter().zip([0.0, 0.2, 0.0, 0.4, 1.0]) {
        assert!((found - expected).abs() < 1e-6);
    }
}

/// A model that tells classes: a small residual network with random weights.
fn class_model(seed: u64) -> Model {
    let network = Architecture::Resnet(ResNetConfig {
        dimensions: 2,
        input_channels: 1,
        classes: 1,
        width: 8,
        blocks: vec![1, 1],
        bottleneck: false,
        stem: 3,
        groups: 2,
    });
    let weights = network.plan().unwrap().random_weights(seed);
    let mut card = super::bundled::lungs().card;
    card.input.side = 64;
    card.classifier = Some(CardClassifier {
        network,
        crop: Crop::Whole,
        positive: "spot".into(),
        negative: "no spot".into(),
        calibration: Calibration {
            slope: 1.0,
            offset: 0.0,
        },
        abstain: [0.4, 0.6],
        prevalence: 0.5,
        figures: vec![],
    });
    Model { card, weights }
}

#[test]
fn a_model_that_tells_classes_is_explained_as_it_answers() {
    let (device, cancel) = (BurnDevice::flex(), CancelToken::default());
    let registry = Registry::default();
    let bytes: Vec<u8> = spot([12, 9], 4)
        .iter()
        .map(|v| (64.0 + 30.0 * v).clamp(0.0, 255.0) as u8)
        .collect();
    let frame = Frame::new(SIDE, SIDE, 1, StoredType::U8, PixelBytes::from_vec(bytes)).unwrap();
    let input = FrameInput {
        frame: &frame,
        modality_lut: &ModalityLut::IDENTITY,
        padding: None,
        inverted: false,
    };
    let shown_of = |model: &Model, method| {
        let explainer = ClassExplainer::new(model, &registry, &device).unwrap();
        let found = explainer.run(input, method, &cancel).unwrap();
        (shown(&found.explanation.map, method), found)
    };
    for seed in [1, 2, 3] {
        let model = class_model(seed);
        let answer = Classifier::new(&model, &registry, &device)
            .unwrap()
            .run(input, &cancel)
            .unwrap();
        for method in OF_CLASSES {
            let (map, found) = shown_of(&model, method);
            assert_eq!(found.class, "spot");
            assert!((found.probability - answer.probability).abs() < 1e-5);
            assert!(map.iter().any(|v| *v > 0.0), "{method:?} {seed}");
            if let Some(complete) = found.explanation.completeness {
                assert!(complete.error() <= 0.01, "{complete:?}");
            }
            let has = found.explanation.completeness.is_some();
            assert_eq!(has, method == Method::IntegratedGradients);
            // The corners of the map are those of the frame.
            let size = found.explanation.map.size();
            let far = glam::DVec2::new(size[1] as f64, size[0] as f64) - 0.5;
            let corner = found.frame_from_map.transform_point2(far);
            assert!((corner - (SIDE as f64 - 0.5)).length() < 1e-9);
        }
    }
    for method in OF_CLASSES {
        let (one, _) = shown_of(&class_model(1), method);
        let likeness: Vec<f64> = (10..18)
            .map(|seed| rank_correlation(&one, &shown_of(&class_model(seed), method).0))
            .map(|r| r.unwrap_or(0.0).abs())
            .collect();
        let mean = likeness.iter().sum::<f64>() / likeness.len() as f64;
        assert!(mean < 0.6, "{method:?}: {likeness:.2?}");
    }
    let masks = super::bundled::lungs();
    let refused = ClassExplainer::new(&masks, &registry, &device);
    assert!(matches!(refused, Err(AiError::Card(_))));
}

/// Every classifier that ships, by its id.
fn shipped_classifiers(registry: &Registry) -> Vec<Model> {
    let (entries, broken) = registry.list();
    assert!(broken.is_empty());
    let tells_classes = entries
        .iter()
        .filter(|entry| entry.card.classifier.is_some());
    tells_classes
        .map(|entry| registry.load(&entry.card.id).unwrap())
        .collect()
}

/// Holds the maps of a shipped classifier against those of the same network with random weights. Those that add up do so
/// within the tolerance; returned are the likenesses by method.
fn against_random_weights(
    model: &Model,
    input: FrameInput<'_>,
    (seeds, real): (&[u64], bool),
) -> Vec<(Method, Vec<f64>)> {
    let (device, cancel) = (BurnDevice::flex(), CancelToken::default());
    let registry = Registry::default();
    let plan = model.card.classifier.as_ref().unwrap().network.plan();
    let plan = plan.unwrap();
    let trained = ClassExplainer::new(model, &registry, &device).unwrap();
    let random = seeds.iter().map(|&seed| {
        let weights = plan.random_weights(seed);
        ClassExplainer::with_weights(model, &weights, &registry, &device).unwrap()
    });
    let random: Vec<ClassExplainer> = random.collect();
    let mut out = Vec::new();
    for method in OF_CLASSES {
        let found = match trained.run(input, method, &cancel) {
            Ok(found) => found.explanation,
            // Of what does not add up there is no map, and a made-up film is none of those that trained it.
            Err(AiError::Compute(_)) if method == Method::IntegratedGradients && !real => continue,
            Err(error) => panic!("{error}"),
        };
        let adds_up = found.completeness.map(|complete| complete.error());
        assert_eq!(adds_up.is_some(), method == Method::IntegratedGradients);
        assert!(adds_up.unwrap_or(0.0) <= 0.01, "{adds_up:?}");
        let map = shown(&found.map, method);
        let mut likeness = Vec::new();
        for other in &random {
            match other.run(input, method, &cancel) {
                Ok(other) => {
                    let error = other.explanation.completeness.map(|c| c.error());
                    assert!(error.unwrap_or(0.0) <= 0.01, "{error:?}");
                    let other = shown(&other.explanation.map, method);
                    // A flat map is like no other.
                    likeness.push(rank_correlation(&map, &other).unwrap_or(0.0));
                }
                // What does not add up has no map to be like.
                Err(AiError::Compute(_)) if method == Method::IntegratedGradients => {}
                Err(error) => panic!("{error}"),
            }
        }
        let compared = !likeness.is_empty() || method == Method::IntegratedGradients;
        assert!(compared, "{method:?}: nothing was compared");
        out.push((method, likeness));
    }
    out
}

fn destroyed(model: &Model, name: &str, likeness: &[(Method, Vec<f64>)]) {
    for (method, values) in likeness {
        let mean = values.iter().map(|r| r.abs()).sum::<f64>() / values.len().max(1) as f64;
        assert!(
            mean < 0.5 && values.iter().all(|r| r.abs() < 0.75),
            "{} {name} {method:?}: {values:.2?}",
            model.card.id
        );
    }
}

#[test]
fn random_weights_destroy_the_maps_of_every_classifier_that_ships() {
    let spec = RadiographSpec {
        columns: 256,
        rows: 256,
        pixel_mm: 1.68,
        ..RadiographSpec::default()
    };
    let film = radiograph(&spec, &Progress::default(), &CancelToken::default()).unwrap();
    let input = FrameInput {
        frame: &film.frame,
        modality_lut: &ModalityLut::IDENTITY,
        padding: None,
        inverted: false,
    };
    let models = shipped_classifiers(&Registry::default());
    assert!(models.iter().any(|model| model.card.id == CHEST_TB));
    for model in models {
        let likeness = against_random_weights(&model, input, (&[1, 2], false));
        destroyed(&model, "made up", &likeness);
    }
}

#[test]
#[cfg_attr(not(has_data), ignore = "needs NEGATOSCOPE_DATA")]
fn what_ships_adds_up_on_real_films_and_random_weights_destroy_its_maps() {
    let folder = crate::support::data("lung-masks").join("cxr");
    for model in shipped_classifiers(&Registry::default()) {
        let mut likeness: Vec<(Method, Vec<f64>)> = Vec::new();
        // Neither trained it. A map of few cells is somewhat like one in three by chance, so all of them are judged together.
        for (name, seeds) in [("CHNCXR_0511_1", [1, 2]), ("MCUCXR_0144_1", [3, 4])] {
            assert!(model.card.training.test.iter().any(|t| t == name));
            let frame = super::bundled::picture(&folder.join(format!("{name}.png")));
            let input = FrameInput {
                frame: &frame,
                modality_lut: &ModalityLut::IDENTITY,
                padding: None,
                inverted: false,
            };
            for (method, values) in against_random_weights(&model, input, (&seeds, true)) {
                match likeness.iter_mut().find(|(known, _)| *known == method) {
                    Some((_, all)) => all.extend(values),
                    None => likeness.push((method, values)),
                }
            }
        }
        destroyed(&model, "real films", &likeness);
    }
}

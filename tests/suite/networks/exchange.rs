//! ONNX files: taken apart into steps and weights, with the numbers of the framework that wrote them.

use super::{bytes, fixture, numbers::compare, seed, uniform};
use burn::tensor::{Device, Tensor, TensorData};
use negatoscope::ai::{
    import::{InputForm, Wishes, read_onnx},
    networks::Net,
    random::Random,
    registry::Registry,
    weights::Weights,
};
use std::fs;

#[test]
fn exchanged_networks_give_the_logits_of_the_originals() {
    for (name, shape) in [
        ("enlarging", &[1usize, 16, 24][..]),
        ("unet2-plain-instance", &[2, 16, 24]),
        ("unet3-plain-batch-max", &[2, 8, 8, 12]),
        ("resnet-basic", &[1, 64, 48]),
        ("densenet-small", &[1, 64, 48]),
        ("monai-unet3-residual", &[2, 8, 8, 12]),
        ("monai-unet2-order", &[2, 24, 18]),
    ] {
        let (architecture, weights) = read_onnx(&fixture(&format!("{name}.onnx")))
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let plan = architecture
            .plan()
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let device = Device::flex();
        let net = Net::new(&plan, &weights, &device).unwrap();
        let values = uniform(seed("input"), shape.iter().product());
        let sides: Vec<usize> = [1].iter().chain(shape).copied().collect();
        let data = TensorData::new(values, sides.clone());
        let found: Vec<f32> = match sides.len() {
            4 => net
                .forward(Tensor::<4>::from_data(data, &device))
                .unwrap()
                .try_into_vec_as()
                .unwrap(),
            _ => net
                .forward(Tensor::<5>::from_data(data, &device))
                .unwrap()
                .try_into_vec_as()
                .unwrap(),
        };
        let truth = Weights::from_bytes(&bytes(&format!("{name}.safetensors"))).unwrap();
        let truth = &truth.get("logits").unwrap().values;
        let (far, same) = compare(&found, truth, plan.classes());
        assert!(far <= 1e-3 && same >= 0.999, "{name}: {far}, {same}");
        // The card keeps the steps; what is read from it is the same network.
        let text = toml::to_string(&architecture).unwrap();
        assert_eq!(
            toml::from_str::<negatoscope::ai::networks::Architecture>(&text).unwrap(),
            architecture
        );
    }
}

#[test]
fn an_exchange_file_is_taken_in() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::new(Some(folder.path().join("models")));
    let wishes = Wishes {
        today: "2026-11-30".into(),
        licence: Some("CC0-1.0".into()),
        ..Wishes::default()
    };
    let card = registry
        .take_in(&fixture("unet2-plain-instance.onnx"), &wishes)
        .unwrap();
    assert_eq!(
        (card.id.as_str(), card.about.licence.as_str()),
        ("unet2-plain-instance", "CC0-1.0")
    );
    assert_eq!(card.source.framework, "ONNX");
    assert!(matches!(&card.input, InputForm::Prepared { patch, .. } if *patch == [256, 256]));
    assert!(card.output.exclusive);
    assert!(registry.load_imported(&card.id).unwrap().is_ok());
}

/// A file with one text changed to another of the same length.
fn changed(name: &str, from: &str, to: &str) -> Vec<u8> {
    let mut file = bytes(name);
    let at = file.windows(from.len()).position(|w| w == from.as_bytes());
    let at = at.unwrap_or_else(|| panic!("`{from}` is not in {name}"));
    file[at..at + from.len()].copy_from_slice(to.as_bytes());
    file
}

/// A file with another operator: the field of a node that names it (number 4) has its length before it.
fn operator(name: &str, from: &str, to: &str) -> Vec<u8> {
    let field = |word: &str| format!("\u{22}{}{word}", char::from(word.len() as u8));
    changed(name, &field(from), &field(to))
}

#[test]
fn what_is_not_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    let refusal = |content: &[u8]| {
        fs::write(&path, content).unwrap();
        read_onnx(&path).map(|_| ()).and_then(|()| {
            let (architecture, _) = read_onnx(&path)?;
            architecture.plan().map(|_| ())
        })
    };
    for (content, part) in [
        (
            operator(
                "resnet-basic.onnx",
                "GlobalAveragePool",
                "GlobalAveragePooL",
            ),
            "`GlobalAveragePooL`",
        ),
        (operator("resnet-basic.onnx", "Conv", "Conx"), "`Conx`"),
        (
            changed("enlarging.onnx", "align_corners", "tf_crop_and_r"),
            "is not read",
        ),
        (bytes("resnet-basic.pt"), "damaged"),
        (b"".to_vec(), "no graph"),
        (b"PK\x03\x04".to_vec(), "damaged"),
        (vec![0xFF; 64], "damaged"),
    ] {
        let found = refusal(&content).unwrap_err().to_string();
        assert!(found.contains(part), "`{found}` does not say `{part}`");
    }
    let good = bytes("enlarging.onnx");
    assert!(refusal(&good).is_ok());
    for cut in [good.len() - 1, good.len() / 2, 100, 7] {
        assert!(refusal(&good[..cut]).is_err(), "{cut}");
    }
    let mut random = Random::new(9, &[]);
    for _ in 0..400 {
        let mut content = good.clone();
        for _ in 0..1 + random.next_bits() % 4 {
            let place = random.next_bits() as usize % content.len();
            content[place] = random.next_bits() as u8;
        }
        // Refused or read; either way it ends.
        let _ = refusal(&content);
    }
}

//! Folders of nnU-Net, bundles of MONAI, TensorFlow.js models and plain weights, taken in by the registry.

use super::{bytes, fixture, numbers::compare, seed, uniform};
use burn::tensor::{Device, Tensor, TensorData};
use negatoscope::ai::{
    AiError,
    import::{ChannelScaling, Description, InputForm, Wishes, load_weights},
    networks::{Architecture, Net},
    registry::{ImportedModel, Registry},
    weights::Weights,
};
use std::{fs, path::Path};

fn wishes() -> Wishes {
    Wishes {
        today: "2026-11-30".into(),
        ..Wishes::default()
    }
}

/// Takes a model in and loads it as it is used.
fn taken(path: &Path, wishes: &Wishes) -> Result<(ImportedModel, tempfile::TempDir), AiError> {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::new(Some(folder.path().join("models")));
    let card = registry.take_in(path, wishes)?;
    assert!(registry.imported().1.is_empty() && registry.list().1.is_empty());
    let model = registry.load_imported(&card.id).unwrap()?;
    assert_eq!(model.card, card);
    Ok((model, folder))
}

/// Logits of a fold for the fixtures' input, `side` voxels in each direction.
fn logits(model: &ImportedModel, fold: usize, side: usize) -> Vec<f32> {
    let device = Device::flex();
    let net = Net::new(&model.plan, &model.folds[fold], &device).unwrap();
    let dimensions = model.plan.dimensions as u32;
    let values = uniform(seed("input"), side.pow(dimensions));
    let run = if dimensions == 2 {
        let data = TensorData::new(values, [1, 1, side, side]);
        let logits = net.forward(Tensor::<4>::from_data(data, &device)).unwrap();
        logits.try_into_vec_as()
    } else {
        let data = TensorData::new(values, [1, 1, side, side, side]);
        let logits = net.forward(Tensor::<5>::from_data(data, &device)).unwrap();
        logits.try_into_vec_as()
    };
    run.unwrap()
}

fn expected(name: &str) -> Vec<f32> {
    let weights = Weights::from_bytes(&bytes(name)).unwrap();
    weights.get("logits").unwrap().values.clone()
}

pub(super) const THREE: &str = "nnunet/nnUNetTrainer__nnUNetPlans__3d_fullres";
const REGIONS: &str = "nnunet-regions/nnUNetTrainer__nnUNetPlans__2d";

#[test]
fn an_nnunet_folder_is_taken_in_with_its_folds() {
    let (model, _folder) = taken(&fixture(THREE), &wishes()).unwrap();
    let card = &model.card;
    assert_eq!(card.id, "nnunet-dataset900-made-3d-fullres");
    assert_eq!(card.about.licence, "CC0-1.0");
    assert_eq!(card.source.framework, "nnU-Net v2");
    assert_eq!(card.source.files.len(), 4);
    assert_eq!(card.source.files[0].name, "fold_0/checkpoint_final.pth");
    let names: Vec<&str> = card.output.labels.iter().map(|l| l.name.as_str()).collect();
    assert_eq!(names, ["background", "kidney", "tumour"]);
    assert!(card.output.exclusive && card.output.regions.is_empty());
    let InputForm::Resampled {
        spacing_mm,
        patch,
        channels,
        mirror,
        ..
    } = &card.input
    else {
        panic!("{:?}", card.input);
    };
    assert_eq!(*spacing_mm, [2.0, 1.0, 1.0]);
    assert_eq!(
        (patch.as_slice(), mirror.as_slice()),
        (&[16; 3][..], &[0, 1, 2][..])
    );
    assert_eq!(
        channels[0].scaling,
        ChannelScaling::Fixed {
            low: -700.0,
            high: 800.0,
            mean: 40.0,
            deviation: 100.0
        }
    );
    assert_eq!(model.folds.len(), 2);
    for fold in 0..2 {
        let truth = expected(&format!("{THREE}/fold_{fold}/expected.safetensors"));
        let (far, same) = compare(&logits(&model, fold, 16), &truth, 3);
        assert!(far <= 1e-3 && same >= 0.999, "fold {fold}: {far}, {same}");
    }
    // One fold alone.
    let one = Wishes {
        folds: vec!["1".into()],
        id: Some("kidney".into()),
        ..wishes()
    };
    let (model, folder) = taken(&fixture(THREE), &one).unwrap();
    assert_eq!((model.card.id.as_str(), model.folds.len()), ("kidney", 1));
    assert_eq!(model.card.weights[0].fold, "fold-1");
    let missing = Wishes {
        folds: vec!["7".into()],
        ..wishes()
    };
    let error = taken(&fixture(THREE), &missing).unwrap_err().to_string();
    assert!(error.contains("no checkpoint of fold 7"), "{error}");
    // On another machine, from the card alone.
    let card = folder.path().join("models/kidney.toml");
    let (copy, _) = taken(&card, &wishes()).unwrap();
    assert_eq!(copy.folds, model.folds);
}

#[test]
fn plans_of_older_versions_say_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("nnUNetTrainer__nnUNetPlans__3d_fullres");
    copy(&fixture(THREE), &place);
    let (new, _kept) = taken(&place, &wishes()).unwrap();
    // Before version 2.2 the network followed from numbers, and configurations took over from others.
    let file = place.join("plans.json");
    let mut plans: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let mut base = plans["configurations"]["3d_fullres"].clone();
    base.as_object_mut().unwrap().remove("architecture");
    base["UNet_class_name"] = "PlainConvUNet".into();
    base["UNet_base_num_features"] = 4.into();
    base["unet_max_num_features"] = 6.into();
    base["conv_kernel_sizes"] = serde_json::json!([[3, 3, 3], [3, 3, 3], [3, 3, 3]]);
    base["pool_op_kernel_sizes"] = serde_json::json!([[1, 1, 1], [2, 2, 2], [2, 2, 2]]);
    base["n_conv_per_stage_encoder"] = serde_json::json!([1, 2, 1]);
    base["n_conv_per_stage_decoder"] = serde_json::json!([1, 1]);
    plans["configurations"] = serde_json::json!({
        "3d_lowres": base, "3d_fullres": {"inherits_from": "3d_lowres", "unet_max_num_features": 320}});
    fs::write(&file, plans.to_string()).unwrap();
    // 4, 8, 16 channels are not those of the checkpoint, which has 4, 6, 8.
    let error = taken(&place, &wishes())
        .map(drop)
        .expect_err("other widths")
        .to_string();
    assert!(
        error.contains("the network needs [8, 4, 3, 3, 3]"),
        "{error}"
    );
    let Architecture::StagedUnet(config) = &new.card.network else {
        panic!("{:?}", new.card.network);
    };
    // With a checkpoint of that shape they are read as the same network, but for the widths.
    let wide = negatoscope::ai::networks::StagedUNetConfig {
        features: vec![4, 8, 16],
        ..config.clone()
    };
    let wide = Architecture::StagedUnet(wide);
    assert_eq!(negatoscope::ai::import::read_plans(&place).unwrap(), wide);
}

#[test]
fn regions_and_residual_encoders_are_taken_in() {
    let (model, _folder) = taken(&fixture(REGIONS), &wishes()).unwrap();
    let output = &model.card.output;
    assert!(!output.exclusive);
    assert_eq!(output.regions, [1, 2]);
    let names: Vec<&str> = output.labels.iter().map(|l| l.name.as_str()).collect();
    assert_eq!(names, ["whole", "core"]);
    for fold in 0..2 {
        let truth = expected(&format!("{REGIONS}/fold_{fold}/expected.safetensors"));
        let (far, same) = compare(&logits(&model, fold, 16), &truth, 2);
        assert!(far <= 1e-3 && same >= 0.999, "fold {fold}: {far}, {same}");
    }
}

#[test]
fn a_monai_bundle_is_taken_in() {
    let (model, _folder) = taken(&fixture("monai-bundle"), &wishes()).unwrap();
    assert_eq!(
        (model.card.id.as_str(), model.card.version.as_str()),
        ("made-unet", "0.1.0")
    );
    assert_eq!(model.card.about.licence, "Apache-2.0");
    assert_eq!(model.card.output.labels[1].name, "spleen");
    let truth = expected("monai-bundle/expected.safetensors");
    let (far, same) = compare(&logits(&model, 0, 16), &truth, 2);
    assert!(far <= 1e-3 && same >= 0.999, "{far}, {same}");
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}

/// Changes a text in a file of a copied fixture and says how the import is refused.
fn refused(fixture_name: &str, changes: &[(&str, &str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("nnUNetTrainer__nnUNetPlans__3d_fullres");
    copy(&fixture(fixture_name), &place);
    for (file, from, to) in changes {
        let path = place.join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "`{from}` is not in {file}");
        fs::write(&path, text.replacen(from, to, 1)).unwrap();
    }
    let registry = Registry::new(Some(folder.path().join("models")));
    let error = registry.take_in(&place, &wishes()).unwrap_err();
    assert!(
        !folder.path().join("models").exists(),
        "something was written"
    );
    error.to_string()
}

#[test]
fn what_is_not_read_of_a_folder_is_named() {
    let plans = "plans.json";
    let inference = "configs/inference.json";
    for (fixture_name, changes, part) in [
        (
            THREE,
            (plans, "unet.PlainConvUNet", "os.system"),
            "class `system`",
        ),
        (
            THREE,
            (plans, "conv.Conv3d", "conv.Conv1d"),
            "class `Conv1d`",
        ),
        (
            THREE,
            (plans, "CTNormalization", "Magic"),
            "`Magic` is not read",
        ),
        (
            THREE,
            (plans, "\"conv_bias\"", "\"surprise\""),
            "`surprise` that is not read",
        ),
        (
            THREE,
            (
                plans,
                "\"batch_size\": 2",
                "\"previous_stage\": \"3d_lowres\"",
            ),
            "cascade",
        ),
        (
            THREE,
            (
                plans,
                "\"batch_size\": 2",
                "\"inherits_from\": \"3d_fullres\"",
            ),
            "without end",
        ),
        (
            THREE,
            ("dataset.json", "\"tumour\": 2", "\"tumour\": 3"),
            "numbered 0, 1, 2",
        ),
        (
            THREE,
            ("dataset.json", ",\n  \"tumour\": 2", ""),
            "the network needs [2, 4, 1, 1, 1]",
        ),
        (
            REGIONS,
            ("dataset.json", "regions_class_order", "x"),
            "regions_class_order",
        ),
        (
            "monai-bundle",
            (inference, "\"UNet\"", "\"os.system\""),
            "class `os.system`",
        ),
        (
            "monai-bundle",
            (inference, "\"UNet\"", "\"evil.UNet\""),
            "class `evil.UNet`",
        ),
        (
            "monai-bundle",
            (inference, "\"norm\": \"batch\"", "\"norm\": \"$print(1)\""),
            "not evaluated",
        ),
        (
            "monai-bundle",
            (
                inference,
                "\"in_channels\": 1",
                "\"in_channels\": \"@channels\"",
            ),
            "not evaluated",
        ),
        (
            "monai-bundle",
            (inference, "\"num_res_units\"", "\"_num_res_units\""),
            "is missing",
        ),
        (
            "monai-bundle",
            (
                inference,
                "\"norm\": \"batch\"",
                "\"norm\": \"batch\", \"surprise\": 1",
            ),
            "`surprise`",
        ),
    ] {
        let found = refused(fixture_name, &[changes]);
        assert!(found.contains(part), "`{found}` does not say `{part}`");
    }
}

/// The MeshNet of a fixture as a TensorFlow.js model: kernels with channels last, one file of numbers.
pub(super) fn tensorflow(folder: &Path, change: impl FnOnce(&mut String, &mut Vec<u8>)) {
    let cases: serde_json::Value = serde_json::from_slice(&bytes("cases.json")).unwrap();
    let case = cases
        .as_array()
        .unwrap()
        .iter()
        .find(|c| c["name"] == "meshnet-relu")
        .unwrap();
    let architecture: Architecture = serde_json::from_value(case["architecture"].clone()).unwrap();
    let weights = load_weights(&fixture("meshnet-relu.pt"), &architecture, &[]).unwrap();
    let (mut layers, mut manifest, mut numbers) = (Vec::new(), Vec::new(), Vec::<u8>::new());
    let node = |from: &str| serde_json::json!([[[from, 0, 0, {}]]]);
    layers.push(
        serde_json::json!({"class_name": "InputLayer", "name": "input", "inbound_nodes": [],
        "config": {"batch_input_shape": [null, 16, 16, 16, 1]}}),
    );
    let mut before = "input".to_owned();
    for (index, dilation) in [1, 2, 4, 2, 1, 0].into_iter().enumerate() {
        let (own, name, kernel) = match dilation {
            0 => ("output".to_owned(), "output".to_owned(), 1),
            _ => (format!("layers.{index}"), format!("c{index}"), 3),
        };
        let array = weights.get(&format!("{own}.weight")).unwrap();
        let [o, i] = [array.shape[0], array.shape[1]];
        let places = kernel * kernel * kernel;
        layers.push(serde_json::json!({"class_name": "Conv3D", "name": name, "inbound_nodes": node(&before),
            "config": {"name": name, "filters": o, "kernel_size": [kernel, kernel, kernel], "strides": [1, 1, 1],
                "padding": "same", "data_format": "channels_last", "dilation_rate": [dilation.max(1), dilation.max(1), dilation.max(1)],
                "activation": "linear", "use_bias": true}}));
        before.clone_from(&name);
        if dilation != 0 {
            let name = format!("a{index}");
            layers.push(serde_json::json!({"class_name": "Activation", "name": name, "inbound_nodes": node(&before),
                "config": {"name": name, "activation": "relu"}}));
            before = name;
        }
        for place in 0..places {
            for input in 0..i {
                for output in 0..o {
                    numbers
                        .extend(array.values[(output * i + input) * places + place].to_le_bytes());
                }
            }
        }
        let bias = &weights.get(&format!("{own}.bias")).unwrap().values;
        numbers.extend(bias.iter().flat_map(|v| v.to_le_bytes()));
        manifest.push(serde_json::json!({"name": format!("{name}/kernel"), "dtype": "float32", "shape": [kernel, kernel, kernel, i, o]}));
        manifest.push(
            serde_json::json!({"name": format!("{name}/bias"), "dtype": "float32", "shape": [o]}),
        );
    }
    let model = serde_json::json!({"format": "layers-model",
        "modelTopology": {"model_config": {"class_name": "Functional", "config": {"layers": layers}}},
        "weightsManifest": [{"paths": ["numbers.bin"], "weights": manifest}]});
    let mut text = model.to_string();
    change(&mut text, &mut numbers);
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("model.json"), text).unwrap();
    fs::write(folder.join("numbers.bin"), numbers).unwrap();
    fs::write(
        folder.join("labels.json"),
        r#"{"0": "none", "1": "white", "2": "grey"}"#,
    )
    .unwrap();
    fs::write(
        folder.join("LICENSE"),
        "MIT License\n\nCopyright (c) somebody\n\nPermission",
    )
    .unwrap();
}

#[test]
fn a_tensorflow_model_is_the_network_it_was_made_from() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("My Model_5");
    tensorflow(&place, |_, _| ());
    let (model, _kept) = taken(&place, &wishes()).unwrap();
    assert_eq!(model.card.id, "brain-meshnet-my-model-5");
    assert_eq!(
        model.card.about.licence,
        "MIT License Copyright (c) somebody"
    );
    assert_eq!(model.card.output.labels[2].name, "grey");
    assert_eq!(model.card.source.files.len(), 4);
    let Architecture::Meshnet(config) = &model.card.network else {
        panic!("{:?}", model.card.network);
    };
    assert_eq!(config.dilations, [1, 2, 4, 2, 1]);
    let original = load_weights(&fixture("meshnet-relu.pt"), &model.card.network, &[]).unwrap();
    assert_eq!(model.folds, [original]);
    let json: &dyn Fn(&str, &str, &mut String) = &|from, to, text| {
        assert!(text.contains(from), "`{from}` is not there");
        *text = text.replacen(from, to, 1);
    };
    for (part, from, to) in [
        ("graph models", "layers-model", "graph-model"),
        ("of the kind `Dense`", "Conv3D", "Dense"),
        ("a kind that is not read", "\"same\"", "\"valid\""),
        ("a kind that is not read", "[1,1,1]", "[2,2,2]"),
        ("do not make a MeshNet", "\"relu\"", "\"elu\""),
        ("`softmax` is not read", "\"relu\"", "\"softmax\""),
        ("just the layer before it", "[\"a0\",0,0", "[\"input\",0,0"),
        ("is not beside the model", "numbers.bin", "../numbers.bin"),
        ("32-bit floats", "float32", "int8"),
        ("end within", "[3,3,3,1,5]", "[3,3,3,1,999999]"),
        ("`c0/kernel` is missing", "c0/kernel", "other/kernel"),
        ("is no volume", "[null,16,16,16,1]", "[null,16,16,1]"),
        (
            "too many",
            ",{\"name\":\"output/bias\",\"dtype\":\"float32\",\"shape\":[3]}",
            "",
        ),
    ] {
        let place = folder.path().join("changed");
        tensorflow(&place, |text, _| {
            if part == "`softmax` is not read" {
                *text = text.replace(from, to);
            } else {
                json(from, to, text);
            }
        });
        let found = taken(&place, &wishes())
            .map(drop)
            .expect_err(part)
            .to_string();
        assert!(found.contains(part), "`{found}` does not say `{part}`");
    }
    for (part, change) in [
        (
            "end within",
            &(|b: &mut Vec<u8>| b.truncate(b.len() - 1)) as &dyn Fn(&mut Vec<u8>),
        ),
        ("too many", &|b| b.extend([0; 4])),
        ("not finite", &|b| {
            b[..4].copy_from_slice(&f32::NAN.to_le_bytes())
        }),
    ] {
        let place = folder.path().join("changed");
        tensorflow(&place, |_, numbers| change(numbers));
        let found = taken(&place, &wishes())
            .map(drop)
            .expect_err(part)
            .to_string();
        assert!(found.contains(part), "`{found}` does not say `{part}`");
    }
}

const DESCRIPTION: &str = r#"
weights = "net.pt"
id = "made"
[[rename]]
from = "net."
to = ""
[about]
title = "Made"
finds = "two classes"
modalities = ["MR"]
licence = "CC0-1.0"
terms = ""
data_owners = []
citations = []
intended_use = "tests"
limits = []
synthetic_only = false
[network]
family = "meshnet"
input_channels = 1
classes = 3
width = 5
dilations = [1, 2, 4, 2, 1]
rectifier = "relu"
[input]
kind = "prepared"
patch = [32, 32, 32]
words = "0 to 1"
[output]
exclusive = true
labels = [{ value = 0, name = "none" }, { value = 1, name = "one" }, { value = 2, name = "two" }]
"#;

#[test]
fn the_documented_description_is_one() {
    let text = include_str!("../../../docs/models.md");
    let block = text
        .split("```toml")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let description: Description = toml::from_str(block).unwrap();
    assert_eq!(description.id.as_deref(), Some("spleen"));
    assert_eq!(description.network.plan().unwrap().classes(), 2);
}

#[test]
fn plain_weights_need_a_description_and_keep_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let (weights, description) = (
        folder.path().join("net.pt"),
        folder.path().join("net.import.toml"),
    );
    fs::copy(fixture("meshnet-relu.pt"), &weights).unwrap();
    // Without a description nobody knows what they are.
    let registry = Registry::new(Some(folder.path().join("models")));
    assert!(
        registry
            .import(&weights)
            .unwrap_err()
            .to_string()
            .contains("with a description")
    );
    fs::write(&description, DESCRIPTION).unwrap();
    let (model, _) = taken(&description, &wishes()).unwrap();
    assert_eq!(
        (model.card.id.as_str(), model.card.source.framework.as_str()),
        ("made", "PyTorch state dict")
    );
    let (same, _) = taken(&weights, &wishes()).unwrap();
    assert_eq!(same.folds, model.folds);
    // Renamed tensors of a safetensors file, in half precision.
    let mut renamed = Weights::default();
    for (name, array) in model.folds[0].iter() {
        renamed.insert(
            format!("module.net.{name}"),
            array.shape.clone(),
            array.values.clone(),
        );
    }
    renamed
        .save(&folder.path().join("net.safetensors"))
        .unwrap();
    fs::write(
        &description,
        DESCRIPTION.replace("net.pt", "net.safetensors"),
    )
    .unwrap();
    let (other, _) = taken(&description, &wishes()).unwrap();
    assert_eq!(other.folds, model.folds);
    // Hashes are kept to, whoever names them.
    let (hash, wrong) = (&model.card.source.files[0].sha256, "0".repeat(64));
    fs::write(&description, format!("sha256 = \"{hash}\"{DESCRIPTION}")).unwrap();
    assert!(taken(&description, &wishes()).is_ok());
    let wished = Wishes {
        sha256: Some(wrong.clone()),
        ..wishes()
    };
    assert!(matches!(
        taken(&description, &wished),
        Err(AiError::Hash { .. })
    ));
    fs::write(&description, format!("sha256 = \"{wrong}\"{DESCRIPTION}")).unwrap();
    assert!(matches!(
        taken(&description, &wishes()),
        Err(AiError::Hash { .. })
    ));
    for (part, from, to) in [
        ("is missing", "[1, 2, 4, 2, 1]", "[1, 2, 4, 2, 1, 1]"),
        ("does not belong", "[1, 2, 4, 2, 1]", "[1, 2, 4, 2]"),
        (
            "the network needs [4, 5, 1, 1, 1]",
            "classes = 3",
            "classes = 4",
        ),
        ("not one label", "{ value = 2, name = \"two\" }", ""),
        ("unknown field", "exclusive", "surprise"),
        ("the window does not fit", "[32, 32, 32]", "[32, 32]"),
        ("lies beside it", "\"net.pt\"", "\"../net.pt\""),
        ("made of letters", "\"made\"", "\"../made\""),
        ("part of the program", "\"made\"", "\"lung-fields\""),
    ] {
        fs::write(&description, DESCRIPTION.replace(from, to)).unwrap();
        let found = taken(&description, &wishes())
            .map(drop)
            .expect_err(part)
            .to_string();
        assert!(found.contains(part), "`{found}` does not say `{part}`");
    }
}

#[test]
fn a_changed_file_of_an_imported_model_is_seen_and_models_are_removed() {
    let (_, folder) = taken(&fixture(THREE), &wishes()).unwrap();
    let models = folder.path().join("models");
    let registry = Registry::new(Some(models.clone()));
    let id = "nnunet-dataset900-made-3d-fullres";
    let file = models.join(format!("{id}.fold-1.safetensors"));
    let mut bytes = fs::read(&file).unwrap();
    let last = bytes.len() - 2;
    bytes[last] ^= 1;
    fs::write(&file, bytes).unwrap();
    let loaded = registry.load_imported(id).unwrap();
    assert!(matches!(loaded, Err(AiError::Hash { .. })));
    // Taken in again with one fold, the others go.
    let one = Wishes {
        folds: vec!["0".into()],
        ..wishes()
    };
    registry.take_in(&fixture(THREE), &one).unwrap();
    assert!(!file.exists() && registry.load_imported(id).unwrap().is_ok());
    registry.remove(id).unwrap();
    assert_eq!(fs::read_dir(&models).unwrap().count(), 0);
    assert!(matches!(registry.remove(id), Err(AiError::UnknownModel(_))));
    assert!(matches!(
        registry.remove("lung-fields"),
        Err(AiError::Card(_))
    ));
}

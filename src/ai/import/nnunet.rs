//! nnU-Net v2 folders: `plans.json`, `dataset.json`, and a checkpoint for each fold.
//!
//! The plans say what the network is and how pictures are prepared, the dataset names channels and labels, the
//! checkpoint tells which of the plans' configurations it was trained with and along which axes mirror images may be
//! shown. Plans of all versions are read: those that spell the network out, and those before, where it follows from
//! a few numbers.

use super::{
    ChannelForm, ChannelScaling, Foreign, InputForm, Label, OutputForm, Wishes,
    pickle::Value as Plain, plain_of, torch::Checkpoint,
};
use crate::ai::{
    AiError,
    card::About,
    networks::{Architecture, Down, Norm, StagedUNetConfig, Up},
    weights::{Weights, read_bounded},
};
use serde_json::Value;
use std::path::{Path, PathBuf};

const MAX_JSON_BYTES: u64 = 32 << 20;
/// Configurations may take over from others so often.
const MAX_HEIRS: usize = 8;

fn refuse<T>(what: impl Into<String>) -> Result<T, AiError> {
    Err(AiError::Network(what.into()))
}

pub(super) fn json(path: &Path) -> Result<Value, AiError> {
    let bytes = read_bounded(path, MAX_JSON_BYTES)?;
    serde_json::from_slice(&bytes).map_err(|error| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        AiError::Network(format!("{name} is not valid: {error}"))
    })
}

/// Reads a folder.
pub(super) fn read(folder: &Path, wishes: &Wishes) -> Result<Foreign, AiError> {
    let (plans_file, dataset_file) = (folder.join("plans.json"), folder.join("dataset.json"));
    let (plans, dataset) = (json(&plans_file)?, json(&dataset_file)?);
    let checkpoints = folds(folder, &wishes.folds)?;
    let mut files: Vec<PathBuf> = checkpoints.iter().map(|(_, file)| file.clone()).collect();
    files.extend([plans_file, dataset_file]);
    let (mut configured, mut opened) = (None, Vec::new());
    for (fold, file) in &checkpoints {
        let checkpoint = Checkpoint::open(file)?;
        let name = configuration_name(&checkpoint, folder);
        let mirror = mirror_axes(&checkpoint)?;
        let this = (name, mirror);
        match &configured {
            None => configured = Some(this),
            Some(first) if *first == this => {}
            Some(_) => return refuse("the folds were trained with different configurations"),
        }
        opened.push((fold.clone(), checkpoint));
    }
    let Some((name, mirror)) = configured else {
        return refuse("the folder has no fold with a checkpoint");
    };
    let (configuration, name) = configuration(&plans, name.as_deref())?;
    let (output, classes) = labels(&dataset)?;
    let network = network(&plans, &configuration, &dataset, classes)?;
    let mut read = Vec::new();
    for (fold, checkpoint) in &mut opened {
        read.push((fold.clone(), weights(checkpoint, &network)?));
    }
    let input = input(&plans, &configuration, &dataset, &network, mirror)?;
    let dataset_name = plans
        .get("dataset_name")
        .and_then(Value::as_str)
        .unwrap_or("model");
    Ok(Foreign {
        id: format!("nnunet-{}-{}", plain_of(dataset_name), plain_of(&name)),
        version: "1".into(),
        about: about(&dataset, dataset_name, &output, wishes),
        network,
        input,
        output,
        folds: read,
        framework: "nnU-Net v2",
        files,
        root: folder.to_owned(),
    })
}

/// The network that the plans of a folder describe, without its weights. The configuration is the one that the folder's
/// name ends in.
pub(super) fn planned(folder: &Path) -> Result<Architecture, AiError> {
    let (plans, dataset) = (
        json(&folder.join("plans.json"))?,
        json(&folder.join("dataset.json"))?,
    );
    let (configuration, _) = configuration(&plans, named_by(folder).as_deref())?;
    let (_, classes) = labels(&dataset)?;
    network(&plans, &configuration, &dataset, classes)
}

fn named_by(folder: &Path) -> Option<String> {
    let name = folder.file_name()?.to_string_lossy().into_owned();
    name.rsplit_once("__").map(|(_, last)| last.to_owned())
}

/// Names and checkpoints of the folds, in the order of names.
fn folds(folder: &Path, wanted: &[String]) -> Result<Vec<(String, PathBuf)>, AiError> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(AiError::io("cannot list", folder))? {
        let path = entry.map_err(AiError::io("cannot list", folder))?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let Some(fold) = name.strip_prefix("fold_") else {
            continue;
        };
        if !wanted.is_empty() && !wanted.iter().any(|w| w == fold) {
            continue;
        }
        let file = ["checkpoint_final.pth", "checkpoint_best.pth"]
            .iter()
            .map(|file| path.join(file))
            .find(|file| file.is_file());
        if let Some(file) = file {
            found.push((format!("fold-{}", plain_of(fold)), file));
        }
    }
    found.sort();
    let missing = wanted.iter().find(|fold| {
        !found
            .iter()
            .any(|(name, _)| *name == format!("fold-{}", plain_of(fold)))
    });
    if let Some(fold) = missing {
        return refuse(format!("there is no checkpoint of fold {fold}"));
    }
    if found.is_empty() {
        return refuse("the folder has no fold with a checkpoint");
    }
    if found.len() > 16 {
        return refuse("the folder has more than 16 folds");
    }
    Ok(found)
}

/// What the checkpoint says that it was trained with, else what the folder's name ends in.
fn configuration_name(checkpoint: &Checkpoint, folder: &Path) -> Option<String> {
    let pickle = checkpoint.pickle();
    let said = pickle
        .entry(pickle.root(), "init_args")
        .and_then(|args| pickle.entry(args, "configuration"))
        .map(|id| pickle.value(id));
    if let Some(Plain::Text(name)) = said {
        return Some(name.clone());
    }
    named_by(folder)
}

fn mirror_axes(checkpoint: &Checkpoint) -> Result<Vec<usize>, AiError> {
    let pickle = checkpoint.pickle();
    let Some(id) = pickle.entry(pickle.root(), "inference_allowed_mirroring_axes") else {
        return Ok(Vec::new());
    };
    if matches!(pickle.value(id), Plain::None) {
        return Ok(Vec::new());
    }
    let axes = pickle.whole_numbers(id).and_then(|axes| {
        let axis = axes.into_iter().map(usize::try_from);
        axis.collect::<Result<Vec<_>, _>>().ok()
    });
    axes.ok_or_else(|| AiError::Network("the axes to mirror are no list of numbers".into()))
}

fn weights(checkpoint: &mut Checkpoint, network: &Architecture) -> Result<Weights, AiError> {
    let tensors = checkpoint
        .tensors_under(&["network_weights", "state_dict"])?
        .0;
    super::statedict::taken(checkpoint, &tensors, network, &[])
}

/// A configuration with what it takes over from others, and its name.
fn configuration(plans: &Value, name: Option<&str>) -> Result<(Value, String), AiError> {
    let Some(all) = plans.get("configurations").and_then(Value::as_object) else {
        return refuse("the plans have no configurations");
    };
    let name = match (name, all.len()) {
        (Some(name), _) if all.contains_key(name) => name.to_owned(),
        (_, 1) => all.keys().next().cloned().unwrap_or_default(),
        _ => return refuse("it is not said which configuration of the plans the model has"),
    };
    let mut chain = Vec::new();
    let mut next = Some(name.clone());
    while let Some(name) = next {
        let Some(configuration) = all.get(&name).and_then(Value::as_object) else {
            return refuse(format!("the plans have no configuration `{name}`"));
        };
        if chain.len() >= MAX_HEIRS {
            return refuse("configurations of the plans take over from each other without end");
        }
        chain.push(configuration);
        next = configuration
            .get("inherits_from")
            .and_then(Value::as_str)
            .map(str::to_owned);
    }
    let mut merged = serde_json::Map::new();
    for configuration in chain.into_iter().rev() {
        merged.extend(configuration.clone());
    }
    if merged.get("previous_stage").is_some_and(|v| !v.is_null()) {
        return refuse(
            "the second stage of a cascade needs the answer of the first; that is not read",
        );
    }
    Ok((Value::Object(merged), name))
}

fn whole(value: Option<&Value>) -> Option<usize> {
    value?.as_u64().and_then(|n| usize::try_from(n).ok())
}

fn wholes(value: Option<&Value>) -> Option<Vec<usize>> {
    value?.as_array()?.iter().map(|v| whole(Some(v))).collect()
}

fn tables(value: Option<&Value>) -> Option<Vec<Vec<usize>>> {
    value?.as_array()?.iter().map(|v| wholes(Some(v))).collect()
}

fn numbers(value: Option<&Value>) -> Option<Vec<f64>> {
    value?.as_array()?.iter().map(Value::as_f64).collect()
}

fn channels(dataset: &Value) -> usize {
    let names = dataset
        .get("channel_names")
        .or_else(|| dataset.get("modality"));
    names
        .and_then(Value::as_object)
        .map_or(1, serde_json::Map::len)
}

fn network(
    plans: &Value,
    configuration: &Value,
    dataset: &Value,
    classes: usize,
) -> Result<Architecture, AiError> {
    let input_channels = channels(dataset);
    let config = match configuration.get("architecture") {
        Some(architecture) => spelt_out(architecture, input_channels, classes)?,
        None => from_numbers(plans, configuration, input_channels, classes)?,
    };
    Ok(Architecture::StagedUnet(config))
}

fn is_residual(class: &str) -> Result<bool, AiError> {
    match class.rsplit('.').next().unwrap_or_default() {
        "PlainConvUNet" => Ok(false),
        "ResidualEncoderUNet" => Ok(true),
        other => refuse(format!("networks of the class `{other}` are not read")),
    }
}

/// Plans from version 2.2 on name the class and all of its arguments.
fn spelt_out(
    architecture: &Value,
    input_channels: usize,
    classes: usize,
) -> Result<StagedUNetConfig, AiError> {
    let class = architecture
        .get("network_class_name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let residual = is_residual(class)?;
    let Some(given) = architecture.get("arch_kwargs").and_then(Value::as_object) else {
        return refuse("the plans do not say what the network is");
    };
    const READ: &[&str] = &[
        "n_stages",
        "features_per_stage",
        "conv_op",
        "kernel_sizes",
        "strides",
        "n_conv_per_stage",
        "n_blocks_per_stage",
        "n_conv_per_stage_decoder",
        "conv_bias",
        "norm_op",
        "norm_op_kwargs",
        "dropout_op",
        "dropout_op_kwargs",
        "nonlin",
        "nonlin_kwargs",
        "deep_supervision",
        "nonlin_first",
        "input_channels",
        "num_classes",
    ];
    if let Some(other) = given.keys().find(|key| !READ.contains(&key.as_str())) {
        return refuse(format!(
            "the network has a property `{other}` that is not read"
        ));
    }
    let word = |key: &str| given.get(key).and_then(Value::as_str).unwrap_or_default();
    let last = |text: &str| text.rsplit('.').next().unwrap_or_default().to_owned();
    let dimensions = match last(word("conv_op")).as_str() {
        "Conv2d" => 2,
        "Conv3d" => 3,
        other => return refuse(format!("convolutions of the class `{other}` are not read")),
    };
    let features = wholes(given.get("features_per_stage"));
    let kernels = tables(given.get("kernel_sizes"));
    let strides = tables(given.get("strides"));
    let (Some(features), Some(kernels), Some(strides)) = (features, kernels, strides) else {
        return refuse("features, kernels or strides of the network are not lists of numbers");
    };
    let stages = features.len();
    // One number stands for the same in each stage.
    let each = |key: &str, count: usize| {
        let value = given.get(key);
        wholes(value).or_else(|| whole(value).map(|n| vec![n; count]))
    };
    let depth = if residual {
        "n_blocks_per_stage"
    } else {
        "n_conv_per_stage"
    };
    let (Some(encoder), Some(decoder)) = (
        each(depth, stages),
        each("n_conv_per_stage_decoder", stages.saturating_sub(1)),
    ) else {
        return refuse("the network does not say how many convolutions its stages have");
    };
    let option = |key: &str, inner: &str| given.get(key).and_then(|v| v.get(inner));
    let flag = |value: Option<&Value>, other| value.and_then(Value::as_bool).unwrap_or(other);
    let epsilon = option("norm_op_kwargs", "eps")
        .and_then(Value::as_f64)
        .unwrap_or(1e-5);
    let norm = match last(word("norm_op")).as_str() {
        "InstanceNorm2d" | "InstanceNorm3d" => Norm::Instance {
            epsilon,
            // PyTorch's own default.
            affine: flag(option("norm_op_kwargs", "affine"), false),
        },
        "BatchNorm2d" | "BatchNorm3d" => Norm::Batch { epsilon },
        "" => Norm::None,
        other => return refuse(format!("normalisation of the class `{other}` is not read")),
    };
    let slope = match last(word("nonlin")).as_str() {
        "LeakyReLU" => option("nonlin_kwargs", "negative_slope")
            .and_then(Value::as_f64)
            .unwrap_or(0.01),
        "ReLU" => 0.0,
        other => return refuse(format!("rectifiers of the class `{other}` are not read")),
    };
    Ok(StagedUNetConfig {
        dimensions,
        input_channels,
        classes,
        residual,
        features,
        kernels,
        strides,
        encoder,
        decoder,
        bias: flag(given.get("conv_bias"), false),
        norm,
        slope,
        rectify_first: flag(given.get("nonlin_first"), false),
        down: Down::Stride,
        up: Up::Transposed,
    })
}

/// Plans before that: a base number of channels that doubles to a most, and fixed layers.
fn from_numbers(
    plans: &Value,
    configuration: &Value,
    input_channels: usize,
    classes: usize,
) -> Result<StagedUNetConfig, AiError> {
    let class = configuration
        .get("UNet_class_name")
        .or_else(|| plans.get("UNet_class_name"))
        .and_then(Value::as_str);
    let Some(class) = class else {
        return refuse("the plans do not say what the network is");
    };
    let residual = is_residual(class)?;
    let get = |key: &str| configuration.get(key);
    let (Some(base), Some(most), Some(kernels), Some(strides), Some(encoder), Some(decoder)) = (
        whole(get("UNet_base_num_features")),
        whole(get("unet_max_num_features")),
        tables(get("conv_kernel_sizes")),
        tables(get("pool_op_kernel_sizes")),
        wholes(get("n_conv_per_stage_encoder")),
        wholes(get("n_conv_per_stage_decoder")),
    ) else {
        return refuse("the plans do not say what the network is");
    };
    let dimensions = strides.first().map_or(0, Vec::len);
    let features = (0..strides.len().min(16))
        .map(|stage| base.saturating_mul(1 << stage).min(most))
        .collect();
    Ok(StagedUNetConfig {
        dimensions,
        input_channels,
        classes,
        residual,
        features,
        kernels,
        strides,
        encoder,
        decoder,
        bias: true,
        norm: Norm::Instance {
            epsilon: 1e-5,
            affine: true,
        },
        slope: 0.01,
        rectify_first: false,
        down: Down::Stride,
        up: Up::Transposed,
    })
}

/// What the output channels mean, and how many there are.
///
/// A label is a number, or with regions a list of numbers. With regions each of them but the background is an
/// output channel of its own, and `regions_class_order` tells which number it writes, one over the other.
fn labels(dataset: &Value) -> Result<(OutputForm, usize), AiError> {
    let Some(named) = dataset.get("labels").and_then(Value::as_object) else {
        return refuse("the dataset names no labels");
    };
    let numbers_of =
        |value: &Value| wholes(Some(value)).or_else(|| whole(Some(value)).map(|n| vec![n]));
    let mut all = Vec::new();
    for (name, value) in named {
        if name == "ignore" {
            continue;
        }
        // Version 1 wrote the number as the name.
        let turned = name.parse().ok().zip(value.as_str());
        let (name, numbers) = match (turned, numbers_of(value)) {
            (Some((number, name)), _) => (name.to_owned(), vec![number]),
            (None, Some(numbers)) if !numbers.is_empty() => (name.clone(), numbers),
            _ => return refuse(format!("the label `{name}` is no number")),
        };
        let is_region = value.is_array();
        all.push((name, numbers, is_region));
    }
    let regions = all.iter().any(|(_, _, is_region)| *is_region);
    let number = |n: usize| u16::try_from(n).or_else(|_| refuse("a label is above 65535"));
    if !regions {
        all.sort_by(|a, b| a.1.cmp(&b.1));
        let consecutive = all
            .iter()
            .enumerate()
            .all(|(i, (_, numbers, _))| *numbers == [i]);
        if !consecutive {
            return refuse("labels are not numbered 0, 1, 2 and so on");
        }
        let labels = all.into_iter().enumerate().map(|(value, (name, _, _))| {
            Ok(Label {
                value: number(value)?,
                name,
            })
        });
        let labels: Vec<Label> = labels.collect::<Result<_, AiError>>()?;
        let classes = labels.len();
        return Ok((
            OutputForm {
                exclusive: true,
                labels,
                regions: Vec::new(),
            },
            classes,
        ));
    }
    all.retain(|(_, numbers, _)| *numbers != [0]);
    let order = wholes(dataset.get("regions_class_order"));
    let Some(order) = order.filter(|order| order.len() == all.len()) else {
        return refuse(
            "the dataset has regions, and not one number of regions_class_order for each",
        );
    };
    let values: Vec<u16> = order.into_iter().map(number).collect::<Result<_, _>>()?;
    let labels: Vec<Label> = all
        .into_iter()
        .zip(&values)
        .map(|((name, _, _), &value)| Label { value, name })
        .collect();
    let classes = labels.len();
    Ok((
        OutputForm {
            exclusive: false,
            labels,
            regions: values,
        },
        classes,
    ))
}

fn input(
    plans: &Value,
    configuration: &Value,
    dataset: &Value,
    network: &Architecture,
    mirror: Vec<usize>,
) -> Result<InputForm, AiError> {
    let spacing_mm = numbers(configuration.get("spacing"));
    let patch = wholes(configuration.get("patch_size"));
    let (Some(spacing_mm), Some(patch)) = (spacing_mm, patch) else {
        return refuse("the plans do not say spacing and patch_size");
    };
    // The plans of slices may name three distances; the first is that between slices.
    let dimensions = network.plan()?.dimensions;
    let spacing_mm = spacing_mm
        .iter()
        .skip(spacing_mm.len().saturating_sub(dimensions))
        .copied()
        .collect();
    let transpose = wholes(plans.get("transpose_forward")).unwrap_or_else(|| vec![0, 1, 2]);
    let schemes = configuration
        .get("normalization_schemes")
        .and_then(Value::as_array);
    let count = channels(dataset);
    let Some(schemes) = schemes.filter(|schemes| schemes.len() == count) else {
        return refuse("the plans do not say how each channel is normalised");
    };
    let names = dataset
        .get("channel_names")
        .or_else(|| dataset.get("modality"));
    let mut forms = Vec::new();
    for (index, scheme) in schemes.iter().enumerate() {
        let key = index.to_string();
        let name = names
            .and_then(|n| n.get(&key))
            .and_then(Value::as_str)
            .unwrap_or(&key);
        let masked = configuration
            .get("use_mask_for_norm")
            .and_then(|v| v.get(index))
            .and_then(Value::as_bool)
            .unwrap_or(false);
        forms.push(ChannelForm {
            name: name.to_owned(),
            scaling: scaling(scheme, plans, &key, masked)?,
        });
    }
    Ok(InputForm::Resampled {
        spacing_mm,
        transpose,
        patch,
        channels: forms,
        mirror,
        guidance: None,
    })
}

fn scaling(
    scheme: &Value,
    plans: &Value,
    key: &str,
    masked: bool,
) -> Result<ChannelScaling, AiError> {
    match scheme.as_str().unwrap_or_default() {
        "CTNormalization" => {
            let found = plans
                .get("foreground_intensity_properties_per_channel")
                .or_else(|| plans.get("foreground_intensity_properties_by_modality"))
                .and_then(|all| all.get(key));
            let number = |name: &str| found?.get(name)?.as_f64();
            match (
                number("percentile_00_5"),
                number("percentile_99_5"),
                number("mean"),
                number("std"),
            ) {
                (Some(low), Some(high), Some(mean), Some(deviation)) => Ok(ChannelScaling::Fixed {
                    low,
                    high,
                    mean,
                    deviation,
                }),
                _ => refuse("the plans do not say the values of the training set"),
            }
        }
        "ZScoreNormalization" => Ok(ChannelScaling::Picture { masked }),
        "RescaleTo01Normalization" => Ok(ChannelScaling::Unit),
        "RGBTo01Normalization" => Ok(ChannelScaling::Bytes),
        "NoNormalization" => Ok(ChannelScaling::Kept),
        other => refuse(format!("normalisation by `{other}` is not read")),
    }
}

fn about(dataset: &Value, name: &str, output: &OutputForm, wishes: &Wishes) -> About {
    let text = |key: &str| dataset.get(key).and_then(Value::as_str).map(str::to_owned);
    let modality = |name: &str| match name.to_ascii_uppercase().as_str() {
        "CT" => Some("CT"),
        "MR" | "MRI" | "T1" | "T2" | "FLAIR" | "T1W" | "T2W" | "T1C" | "ADC" => Some("MR"),
        "PET" | "PT" => Some("PT"),
        _ => None,
    };
    let names = dataset
        .get("channel_names")
        .or_else(|| dataset.get("modality"));
    let mut modalities: Vec<String> = names
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(|map| map.values())
        .filter_map(|v| modality(v.as_str()?).map(str::to_owned))
        .collect();
    modalities.dedup();
    let finds: Vec<&str> = output
        .labels
        .iter()
        .filter(|label| label.value != 0)
        .map(|label| label.name.as_str())
        .take(8)
        .collect();
    About {
        title: text("description").unwrap_or_else(|| name.to_owned()),
        finds: finds.join(", "),
        modalities,
        licence: wishes
            .licence
            .clone()
            .or_else(|| text("licence"))
            .or_else(|| text("license"))
            .unwrap_or_else(|| "not stated".into()),
        terms: "not stated".into(),
        data_owners: text("reference").into_iter().collect(),
        citations: vec![
            "Isensee et al. 2021, nnU-Net: a self-configuring method for deep learning-based biomedical image segmentation".into(),
        ],
        intended_use: "research and education".into(),
        limits: vec!["quality was not measured here".into()],
        synthetic_only: false,
    }
}

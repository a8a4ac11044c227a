//! TensorFlow.js layers models: `model.json` with layers and a list of weights, and files of raw numbers.
//!
//! Read are stacks of 3-D convolutions that keep the size, with an activation after each: MeshNets. What the file
//! says beside that is refused, so nothing is computed other than it was meant. Layers whose names end in `_gn` are
//! followed by a normalisation of each channel, which is how the exporter of these models marks it.

use crate::ai::{
    AiError,
    networks::{Architecture, MeshNetConfig, Rectifier},
    weights::{Array, MAX_FILE_BYTES, Weights, read_bounded},
};
use serde::Deserialize;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Largest description.
const MAX_MODEL_BYTES: u64 = 8 << 20;

#[derive(Deserialize)]
struct File {
    format: String,
    #[serde(rename = "modelTopology")]
    topology: Value,
    #[serde(rename = "weightsManifest")]
    manifest: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    paths: Vec<String>,
    weights: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    shape: Vec<usize>,
    dtype: String,
    quantization: Option<Value>,
}

/// What an import gives.
#[derive(Debug)]
pub(super) struct TfModel {
    pub architecture: Architecture,
    pub weights: Weights,
    /// Sides of the input, `[x, y, z]` as the file has them.
    pub sides: [usize; 3],
    /// All files that were read.
    pub files: Vec<PathBuf>,
}

fn refuse<T>(what: impl Into<String>) -> Result<T, AiError> {
    Err(AiError::Weights(what.into()))
}

/// One convolution of the stack.
struct Layer {
    name: String,
    filters: usize,
    kernel: u64,
    dilation: usize,
    bias: bool,
    activation: String,
}

/// Reads a model.
pub(super) fn read(path: &Path) -> Result<TfModel, AiError> {
    let bytes = read_bounded(path, MAX_MODEL_BYTES)?;
    let file: File = serde_json::from_slice(&bytes)
        .map_err(|e| AiError::Weights(format!("this is no TensorFlow.js model: {e}")))?;
    if file.format != "layers-model" {
        return refuse("only layers models of TensorFlow.js are read, not graph models");
    }
    let (layers, channels, sides) = stack(&file.topology)?;
    let architecture = architecture(&layers, channels)?;
    let mut files = vec![path.to_owned()];
    let tensors = numbers(path, &file.manifest, &mut files)?;
    let weights = named(&layers, tensors)?;
    Ok(TfModel {
        architecture,
        weights,
        sides,
        files,
    })
}

/// The layers in their order, the channels of the input, and its sides.
fn stack(topology: &Value) -> Result<(Vec<Layer>, usize, [usize; 3]), AiError> {
    let model = topology.get("model_config").unwrap_or(topology);
    let list = model.pointer("/config/layers").and_then(Value::as_array);
    let Some(list) = list else {
        return refuse("the model has no list of layers");
    };
    let mut layers: Vec<Layer> = Vec::new();
    let mut input = None;
    let mut before: Option<String> = None;
    for layer in list {
        let class = layer
            .get("class_name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let Some(config) = layer.get("config") else {
            return refuse("a layer has no configuration");
        };
        let name = layer
            .get("name")
            .or_else(|| config.get("name"))
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        // Each layer reads the one before it and nothing else.
        let from: Vec<&str> = layer
            .get("inbound_nodes")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .flat_map(|node| node.as_array().into_iter().flatten())
            .filter_map(|tensor| tensor.get(0)?.as_str())
            .collect();
        let expected: Vec<&str> = before.as_deref().into_iter().collect();
        if from != expected {
            return refuse(format!(
                "layer `{name}` does not read just the layer before it"
            ));
        }
        match class {
            "InputLayer" if input.is_none() => input = Some(input_shape(config)?),
            "Conv3D" => layers.push(convolution(config, &name)?),
            "Activation" => {
                let word = config
                    .get("activation")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                match layers.last_mut() {
                    Some(last) if last.activation == "linear" => last.activation = word.to_owned(),
                    _ => return refuse(format!("layer `{name}` has no convolution before it")),
                }
            }
            other => return refuse(format!("layers of the kind `{other}` are not read")),
        }
        before = Some(name);
    }
    match input {
        Some((channels, sides)) if layers.len() >= 2 => Ok((layers, channels, sides)),
        _ => refuse("the model has no input or no layers"),
    }
}

fn input_shape(config: &Value) -> Result<(usize, [usize; 3]), AiError> {
    let shape = config.get("batch_input_shape").and_then(Value::as_array);
    let sides: Option<Vec<usize>> = shape.and_then(|shape| {
        let sides = shape.iter().skip(1).map(|v| v.as_u64());
        sides.map(|v| usize::try_from(v?).ok()).collect()
    });
    match sides.as_deref() {
        Some(&[x, y, z, channels]) if [x, y, z].iter().all(|s| (1..=1024).contains(s)) => {
            Ok((channels, [x, y, z]))
        }
        _ => refuse("the model's input is no volume with channels"),
    }
}

fn convolution(config: &Value, name: &str) -> Result<Layer, AiError> {
    let word = |key: &str| config.get(key).and_then(Value::as_str);
    let sides = |key: &str| -> Option<u64> {
        let sides = config.get(key)?.as_array()?;
        let first = sides.first()?.as_u64()?;
        (sides.len() == 3 && sides.iter().all(|s| s.as_u64() == Some(first))).then_some(first)
    };
    let groups = config.get("groups").and_then(Value::as_u64).unwrap_or(1);
    let plain = word("padding") == Some("same")
        && word("data_format") == Some("channels_last")
        && sides("strides") == Some(1)
        && groups == 1;
    let whole = |key: &str| config.get(key).and_then(Value::as_u64);
    let (Some(kernel), Some(dilation), Some(filters), true) = (
        sides("kernel_size"),
        sides("dilation_rate"),
        whole("filters"),
        plain,
    ) else {
        return refuse(format!(
            "layer `{name}` is a convolution of a kind that is not read"
        ));
    };
    Ok(Layer {
        name: name.to_owned(),
        filters: filters as usize,
        kernel,
        dilation: dilation as usize,
        bias: config
            .get("use_bias")
            .and_then(Value::as_bool)
            .unwrap_or(true),
        activation: word("activation").unwrap_or("linear").to_owned(),
    })
}

fn architecture(layers: &[Layer], input_channels: usize) -> Result<Architecture, AiError> {
    let Some((head, body)) = layers.split_last() else {
        return refuse("the model has no layers");
    };
    let Some(first) = body.first() else {
        return refuse("the model has no layers before its last");
    };
    let normalised = first.name.ends_with("_gn");
    let even = body.iter().all(|layer| {
        layer.filters == first.filters
            && layer.kernel == 3
            && layer.activation == first.activation
            && layer.name.ends_with("_gn") == normalised
            && layer.bias != normalised
    });
    if !even || head.kernel != 1 || head.activation != "linear" || !head.bias {
        return refuse("the layers do not make a MeshNet");
    }
    let rectifier = match first.activation.as_str() {
        "relu" => Rectifier::Relu,
        "elu" => Rectifier::Elu,
        "gelu" => Rectifier::Gelu,
        other => return refuse(format!("the activation `{other}` is not read")),
    };
    Ok(Architecture::Meshnet(MeshNetConfig {
        input_channels,
        classes: head.filters,
        width: first.filters,
        dilations: body.iter().map(|layer| layer.dilation).collect(),
        rectifier,
        normalised,
    }))
}

/// The tensors of all files of the manifest, in its order.
fn numbers(
    model: &Path,
    manifest: &[Group],
    files: &mut Vec<PathBuf>,
) -> Result<BTreeMap<String, Array>, AiError> {
    let mut tensors = BTreeMap::new();
    let mut left = MAX_FILE_BYTES;
    for group in manifest {
        let mut bytes = Vec::new();
        for part in &group.paths {
            // Beside the model, nowhere else.
            let plain = !part.is_empty()
                && !part.starts_with('.')
                && part
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
            if !plain {
                return refuse("a file of the weights is not beside the model");
            }
            let path = model.with_file_name(part);
            let part = read_bounded(&path, left)?;
            left -= part.len() as u64;
            bytes.extend(part);
            files.push(path);
        }
        let mut rest = bytes.as_slice();
        for entry in &group.weights {
            if entry.dtype != "float32" || entry.quantization.is_some() {
                return refuse(format!("`{}` is not made of 32-bit floats", entry.name));
            }
            let count = entry
                .shape
                .iter()
                .try_fold(4usize, |product, &side| product.checked_mul(side));
            let split = count.and_then(|count| rest.split_at_checked(count));
            let Some((head, tail)) = split else {
                return refuse(format!("the weights end within `{}`", entry.name));
            };
            rest = tail;
            let values: Vec<f32> = head
                .as_chunks::<4>()
                .0
                .iter()
                .map(|b| f32::from_le_bytes(*b))
                .collect();
            if values.iter().any(|v| !v.is_finite()) {
                return refuse(format!("`{}` has numbers that are not finite", entry.name));
            }
            let array = Array {
                shape: entry.shape.clone(),
                values,
            };
            if tensors.insert(entry.name.clone(), array).is_some() {
                return refuse(format!(
                    "`{}` stands twice in the list of weights",
                    entry.name
                ));
            }
        }
        if !rest.is_empty() {
            return refuse(format!("the weights have {} bytes too many", rest.len()));
        }
    }
    Ok(tensors)
}

/// Tensors under the names and in the order of sides of a MeshNet.
fn named(layers: &[Layer], mut tensors: BTreeMap<String, Array>) -> Result<Weights, AiError> {
    let mut weights = Weights::default();
    let last = layers.len().saturating_sub(1);
    for (index, layer) in layers.iter().enumerate() {
        let name = match index == last {
            true => "output".to_owned(),
            false => format!("layers.{index}"),
        };
        let mut take = |part: &str| {
            let key = format!("{}/{part}", layer.name);
            let missing = || AiError::Weights(format!("`{key}` is missing"));
            tensors.remove(&key).ok_or_else(missing)
        };
        let kernel = channels_first(take("kernel")?)?;
        weights.insert(format!("{name}.weight"), kernel.shape, kernel.values);
        if layer.bias {
            let bias = take("bias")?;
            weights.insert(format!("{name}.bias"), bias.shape, bias.values);
        }
    }
    match tensors.keys().next() {
        Some(surplus) => refuse(format!("`{surplus}` does not belong to a layer")),
        None => Ok(weights),
    }
}

/// `[x, y, z, in, out]` becomes `[out, in, x, y, z]`.
fn channels_first(array: Array) -> Result<Array, AiError> {
    let &[x, y, z, inputs, outputs] = array.shape.as_slice() else {
        return refuse("a kernel does not have five sides");
    };
    let places = x * y * z;
    let mut values = vec![0.0; array.values.len()];
    let lines = array.values.chunks_exact(outputs.max(1));
    // Line `place · in + i` holds what place and input channel `i` give to each output channel.
    for (line, numbers) in lines.enumerate() {
        let (place, input) = (line / inputs.max(1), line % inputs.max(1));
        for (output, &number) in numbers.iter().enumerate() {
            if let Some(value) = values.get_mut((output * inputs + input) * places + place) {
                *value = number;
            }
        }
    }
    Ok(Array {
        shape: vec![outputs, inputs, x, y, z],
        values,
    })
}

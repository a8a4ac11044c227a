//! MONAI bundles: `configs/metadata.json`, `configs/inference.json`, `models/model.pt`.
//!
//! The inference configuration is a little language with references (`@`) and Python expressions (`$`). It is not
//! evaluated: only the network's definition is read, its class is looked up in a list, and its arguments must be
//! plain values. How pictures are prepared is recorded in words; who uses the model prepares them.

use super::{Foreign, InputForm, Label, OutputForm, Wishes, nnunet::json, plain_of, statedict};
use crate::ai::{
    AiError,
    card::About,
    networks::{
        Act, Architecture, BasicUNetConfig, DenseNetConfig, MonaiUNetConfig, Naming, Norm,
        SegResNetConfig, Upsample,
    },
};
use serde_json::{Map, Value};
use std::path::Path;

fn refuse<T>(what: impl Into<String>) -> Result<T, AiError> {
    Err(AiError::Network(what.into()))
}

/// Reads a bundle.
pub(super) fn read(folder: &Path, wishes: &Wishes) -> Result<Foreign, AiError> {
    let (metadata_file, inference_file, weights_file) = (
        folder.join("configs/metadata.json"),
        folder.join("configs/inference.json"),
        folder.join("models/model.pt"),
    );
    if !inference_file.is_file() {
        return refuse("the bundle has no configs/inference.json");
    }
    let (metadata, inference) = (json(&metadata_file)?, json(&inference_file)?);
    let Some(definition) = inference
        .get("network_def")
        .or_else(|| inference.get("network"))
        .and_then(Value::as_object)
    else {
        return refuse("the bundle's inference configuration defines no network");
    };
    let network = network(definition)?;
    let plan = network.plan()?;
    let (weights, _) = statedict::load(&weights_file, &network, &[])?;
    let image = metadata.pointer("/network_data_format/inputs/image");
    let prediction = metadata.pointer("/network_data_format/outputs/pred");
    let patch = patch(&inference, image, plan.dimensions, plan.multiple)?;
    let text = |key: &str| metadata.get(key).and_then(Value::as_str).map(str::to_owned);
    let name = text("name").unwrap_or_else(|| "bundle".into());
    let mut files = vec![weights_file, inference_file, metadata_file];
    let licence = super::licence_beside(folder, &mut files);
    let list = |key: &str| -> Vec<String> {
        let items = metadata
            .get(key)
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        items
            .filter_map(|v| v.as_str().map(str::to_owned))
            .collect()
    };
    let modality = image
        .and_then(|i| i.get("modality"))
        .and_then(Value::as_str);
    let about = About {
        title: text("task")
            .or_else(|| text("description"))
            .unwrap_or_else(|| name.clone()),
        finds: text("task").unwrap_or_else(|| name.clone()),
        modalities: modality.map(modality_code).into_iter().collect(),
        licence: wishes
            .licence
            .clone()
            .or_else(|| text("license"))
            .or(licence)
            .unwrap_or_else(|| "not stated".into()),
        terms: text("copyright").unwrap_or_else(|| "not stated".into()),
        data_owners: text("data_source").into_iter().collect(),
        citations: list("references"),
        intended_use: text("intended_use").unwrap_or_else(|| "research and education".into()),
        limits: vec!["quality was not measured here".into()],
        synthetic_only: false,
    };
    Ok(Foreign {
        id: plain_of(&name),
        version: text("version")
            .filter(|v| super::card::is_plain(v))
            .unwrap_or_else(|| "1".into()),
        about,
        input: InputForm::Prepared {
            patch,
            words: preparation(&inference, image),
        },
        output: output(prediction, plan.classes()),
        network,
        folds: vec![(String::new(), weights)],
        framework: "MONAI bundle",
        files,
        root: folder.to_owned(),
    })
}

fn modality_code(word: &str) -> String {
    match word.to_ascii_uppercase().as_str() {
        "MRI" | "MR" => "MR".into(),
        "PET" => "PT".into(),
        other => other.to_owned(),
    }
}

/// The window of the inferer where it is written in numbers, else the shape that the metadata name.
fn patch(
    inference: &Value,
    image: Option<&Value>,
    dimensions: usize,
    multiple: [usize; 3],
) -> Result<Vec<usize>, AiError> {
    let wholes = |value: Option<&Value>| -> Option<Vec<usize>> {
        let list = value?.as_array()?.iter();
        list.map(|v| v.as_u64().and_then(|n| usize::try_from(n).ok()))
            .collect()
    };
    let fits = |patch: &Vec<usize>| patch.len() == dimensions && patch.iter().all(|&s| s > 0);
    let found = wholes(inference.pointer("/inferer/roi_size"))
        .filter(fits)
        .or_else(|| wholes(image.and_then(|i| i.get("spatial_shape"))).filter(fits));
    let Some(mut patch) = found else {
        return refuse("the bundle does not say in numbers how large its windows are");
    };
    for (side, multiple) in patch.iter_mut().zip(multiple.iter().skip(3 - dimensions)) {
        *side = side.next_multiple_of(*multiple);
    }
    Ok(patch)
}

/// What is known of the preparation, for people: the names of the transforms, and the range of values.
fn preparation(inference: &Value, image: Option<&Value>) -> String {
    let transforms = inference
        .pointer("/preprocessing/transforms")
        .or_else(|| inference.get("preprocessing_transforms"))
        .and_then(Value::as_array);
    let names: Vec<&str> = transforms
        .into_iter()
        .flatten()
        .filter_map(|t| t.get("_target_")?.as_str())
        .take(30)
        .collect();
    let range = image
        .and_then(|i| i.get("value_range"))
        .map(Value::to_string);
    let mut words = match names.is_empty() {
        true => "not stated".to_owned(),
        false => names.join(", "),
    };
    if let Some(range) = range {
        words.push_str(&format!("; values {range}"));
    }
    words.chars().take(1000).collect()
}

fn output(prediction: Option<&Value>, classes: usize) -> OutputForm {
    let names = prediction.and_then(|p| p.get("channel_def"));
    let labels: Vec<Label> = (0..classes)
        .map(|value| {
            let name = names
                .and_then(|n| n.get(value.to_string()))
                .and_then(Value::as_str);
            Label {
                value: value as u16,
                name: name.map_or_else(|| format!("class {value}"), str::to_owned),
            }
        })
        .collect();
    let background = labels
        .first()
        .is_some_and(|label| label.name.eq_ignore_ascii_case("background"));
    // Without a background the channels are questions of their own; numbers then begin at 1.
    let exclusive = classes > 1 && (background || names.is_none());
    let labels = labels
        .into_iter()
        .map(|label| Label {
            value: label.value + u16::from(!exclusive),
            ..label
        })
        .collect();
    OutputForm {
        exclusive,
        labels,
        regions: Vec::new(),
    }
}

/// Arguments of a network's definition: each is asked for by name, and none may be left.
struct Arguments<'a> {
    given: &'a Map<String, Value>,
    asked: Vec<&'static str>,
}

impl<'a> Arguments<'a> {
    fn get(&mut self, key: &'static str) -> Option<&'a Value> {
        self.asked.push(key);
        self.given.get(key).filter(|v| !v.is_null())
    }

    fn whole(&mut self, key: &'static str, other: Option<usize>) -> Result<usize, AiError> {
        let value = self.get(key);
        match value.map_or(other, |v| v.as_u64().and_then(|n| usize::try_from(n).ok())) {
            Some(n) => Ok(n),
            None => refuse(format!("the network's `{key}` is no whole number")),
        }
    }

    fn wholes(
        &mut self,
        key: &'static str,
        other: Option<&[usize]>,
    ) -> Result<Vec<usize>, AiError> {
        let Some(value) = self.get(key) else {
            return match other {
                Some(other) => Ok(other.to_vec()),
                None => refuse(format!("the network has no `{key}`")),
            };
        };
        let list = value.as_array().and_then(|list| {
            let items = list
                .iter()
                .map(|v| v.as_u64().and_then(|n| usize::try_from(n).ok()));
            items.collect::<Option<Vec<_>>>()
        });
        list.map_or_else(
            || refuse(format!("the network's `{key}` is no list of whole numbers")),
            Ok,
        )
    }

    fn flag(&mut self, key: &'static str, other: bool) -> Result<bool, AiError> {
        match self.get(key) {
            None => Ok(other),
            Some(Value::Bool(value)) => Ok(*value),
            Some(_) => refuse(format!("the network's `{key}` is neither true nor false")),
        }
    }

    /// A word, or a word with options: the word in lower case, and the options.
    fn chosen(
        &mut self,
        key: &'static str,
    ) -> Result<Option<(String, Map<String, Value>)>, AiError> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        let found = match value {
            Value::String(word) => Some((word.to_ascii_lowercase(), Map::new())),
            Value::Array(pair) => match pair.as_slice() {
                [Value::String(word)] => Some((word.to_ascii_lowercase(), Map::new())),
                [Value::String(word), Value::Object(options)] => {
                    Some((word.to_ascii_lowercase(), options.clone()))
                }
                _ => None,
            },
            _ => None,
        };
        match found {
            Some(found) => Ok(Some(found)),
            None => refuse(format!(
                "the network's `{key}` is of a form that is not read"
            )),
        }
    }

    fn norm(&mut self, other: Norm) -> Result<Norm, AiError> {
        let Some((word, options)) = self.chosen("norm")? else {
            return Ok(other);
        };
        let epsilon = options.get("eps").and_then(Value::as_f64).unwrap_or(1e-5);
        let flag = |key: &str, other| options.get(key).and_then(Value::as_bool).unwrap_or(other);
        match word.as_str() {
            "instance" => Ok(Norm::Instance {
                epsilon,
                // PyTorch's own default.
                affine: flag("affine", false),
            }),
            "batch" if flag("affine", true) => Ok(Norm::Batch { epsilon }),
            "group" if flag("affine", true) => {
                let groups = options.get("num_groups").and_then(Value::as_u64);
                Ok(Norm::Group {
                    groups: groups.and_then(|g| usize::try_from(g).ok()).unwrap_or(0),
                    epsilon,
                })
            }
            other => refuse(format!("normalisation by `{other}` is not read")),
        }
    }

    fn act(&mut self, other: Act) -> Result<Act, AiError> {
        let Some((word, options)) = self.chosen("act")? else {
            return Ok(other);
        };
        match word.as_str() {
            "relu" => Ok(Act::Relu),
            "prelu" => Ok(Act::Prelu),
            "elu" => Ok(Act::Elu),
            "gelu" => Ok(Act::Gelu),
            "leakyrelu" => Ok(Act::Leaky {
                slope: options
                    .get("negative_slope")
                    .and_then(Value::as_f64)
                    .unwrap_or(0.01),
            }),
            other => refuse(format!("the rectifier `{other}` is not read")),
        }
    }

    fn upsample(&mut self, key: &'static str, other: Upsample) -> Result<Upsample, AiError> {
        match self.chosen(key)?.map(|(word, _)| word).as_deref() {
            None => Ok(other),
            Some("deconv") => Ok(Upsample::Deconv),
            Some("nontrainable") => Ok(Upsample::Nontrainable),
            Some(other) => refuse(format!("enlarging by `{other}` is not read")),
        }
    }

    /// Dropout does nothing when a network is run.
    fn ignore(&mut self, keys: &[&'static str]) {
        self.asked.extend(keys);
    }

    fn finish(self) -> Result<(), AiError> {
        let known = |key: &&String| !key.starts_with('_') && !self.asked.contains(&key.as_str());
        match self.given.keys().find(known) {
            Some(other) => refuse(format!(
                "the network has a property `{other}` that is not read"
            )),
            None => Ok(()),
        }
    }
}

/// A text of the bundle's language: something to be looked up or evaluated, which is not done. Without recursion.
fn has_expression(definition: &Map<String, Value>) -> Option<String> {
    let mut waiting: Vec<&Value> = definition.values().collect();
    while let Some(value) = waiting.pop() {
        match value {
            Value::String(text) if text.starts_with(['$', '@', '%']) => return Some(text.clone()),
            Value::Array(list) => waiting.extend(list),
            Value::Object(map) => waiting.extend(map.values()),
            _ => {}
        }
    }
    None
}

fn network(definition: &Map<String, Value>) -> Result<Architecture, AiError> {
    if let Some(text) = has_expression(definition) {
        let shown: String = text.chars().take(60).collect();
        return refuse(format!(
            "the network is defined by an expression, `{shown}`, which is not evaluated"
        ));
    }
    let target = definition
        .get("_target_")
        .or_else(|| definition.get("_path_"))
        .and_then(Value::as_str)
        .unwrap_or_default();
    let (module, class) = target.rsplit_once('.').unwrap_or(("", target));
    let of_monai = module.is_empty() || module.starts_with("monai.networks.nets");
    let mut a = Arguments {
        given: definition,
        asked: Vec::new(),
    };
    let network = match class {
        "UNet" | "Unet" if of_monai => unet(&mut a)?,
        "BasicUNet" | "BasicUnet" if of_monai => basic(&mut a)?,
        "SegResNet" if of_monai => segresnet(&mut a)?,
        "DenseNet121" | "DenseNet" | "Densenet121" if of_monai => densenet(&mut a)?,
        _ => return refuse(format!("networks of the class `{target}` are not read")),
    };
    a.finish()?;
    Ok(network)
}

fn unet(a: &mut Arguments<'_>) -> Result<Architecture, AiError> {
    let order = a
        .get("adn_ordering")
        .and_then(Value::as_str)
        .unwrap_or("NDA")
        .to_ascii_uppercase();
    let (norm, act) = (order.find('N'), order.find('A'));
    let (Some(norm), Some(act)) = (norm, act) else {
        return refuse("a network without normalisation or rectifier is not read");
    };
    a.ignore(&["dropout"]);
    let dimensions = a
        .whole("spatial_dims", None)
        .or_else(|_| a.whole("dimensions", None))?;
    Ok(Architecture::MonaiUnet(MonaiUNetConfig {
        dimensions,
        input_channels: a.whole("in_channels", None)?,
        classes: a.whole("out_channels", None)?,
        channels: a.wholes("channels", None)?,
        strides: a.wholes("strides", None)?,
        kernel: a.whole("kernel_size", Some(3))?,
        up_kernel: a.whole("up_kernel_size", Some(3))?,
        units: a.whole("num_res_units", Some(0))?,
        norm: a.norm(Norm::Instance {
            epsilon: 1e-5,
            affine: false,
        })?,
        act: a.act(Act::Prelu)?,
        bias: a.flag("bias", true)?,
        act_first: act < norm,
    }))
}

fn basic(a: &mut Arguments<'_>) -> Result<Architecture, AiError> {
    a.ignore(&["dropout"]);
    Ok(Architecture::BasicUnet(BasicUNetConfig {
        dimensions: a.whole("spatial_dims", Some(3))?,
        input_channels: a.whole("in_channels", Some(1))?,
        classes: a.whole("out_channels", Some(2))?,
        features: a.wholes("features", Some(&[32, 32, 64, 128, 256, 32]))?,
        norm: a.norm(Norm::Instance {
            epsilon: 1e-5,
            affine: true,
        })?,
        act: a.act(Act::Leaky { slope: 0.1 })?,
        bias: a.flag("bias", true)?,
        upsample: a.upsample("upsample", Upsample::Deconv)?,
    }))
}

fn segresnet(a: &mut Arguments<'_>) -> Result<Architecture, AiError> {
    a.ignore(&["dropout_prob"]);
    let groups = a.whole("num_groups", Some(8))?;
    if !a.flag("use_conv_final", true)? {
        return refuse("a SegResNet without its last convolution is not read");
    }
    // An older name of the same.
    if a.chosen("norm_name")?
        .is_some_and(|(word, _)| !word.is_empty() && word != "group")
    {
        return refuse("normalisation of a SegResNet is by groups");
    }
    Ok(Architecture::Segresnet(SegResNetConfig {
        dimensions: a.whole("spatial_dims", Some(3))?,
        filters: a.whole("init_filters", Some(8))?,
        input_channels: a.whole("in_channels", Some(1))?,
        classes: a.whole("out_channels", Some(2))?,
        down: a.wholes("blocks_down", Some(&[1, 2, 2, 4]))?,
        up: a.wholes("blocks_up", Some(&[1, 1, 1]))?,
        norm: a.norm(Norm::Group {
            groups,
            epsilon: 1e-5,
        })?,
        act: a.act(Act::Relu)?,
        upsample: a.upsample("upsample_mode", Upsample::Nontrainable)?,
    }))
}

fn densenet(a: &mut Arguments<'_>) -> Result<Architecture, AiError> {
    a.ignore(&["dropout_prob", "pretrained", "progress"]);
    if a.act(Act::Relu)? != Act::Relu
        || a.norm(Norm::Batch { epsilon: 1e-5 })? != (Norm::Batch { epsilon: 1e-5 })
    {
        return refuse("a DenseNet has batch normalisation and plain rectifiers");
    }
    Ok(Architecture::Densenet(DenseNetConfig {
        dimensions: a.whole("spatial_dims", None)?,
        input_channels: a.whole("in_channels", None)?,
        classes: a.whole("out_channels", None)?,
        width: a.whole("init_features", Some(64))?,
        growth: a.whole("growth_rate", Some(32))?,
        blocks: a.wholes("block_config", Some(&[6, 12, 24, 16]))?,
        bottleneck: a.whole("bn_size", Some(4))?,
        naming: Naming::Monai,
    }))
}

//! ONNX files of networks made of convolutions: taken apart into steps and weights.
//!
//! The file is data: nodes with operators of a fixed list, and tensors. Each operator that is known becomes a step of
//! a plan, which runs on every device that the other networks run on; an operator or property that is not on the list
//! is refused by name. Weights lie in the file itself; files that keep them elsewhere are refused.

use super::protobuf::{self, Field, Message, damaged};
use crate::ai::{
    AiError,
    networks::{Architecture, GraphConfig, GraphStep, Made},
    weights::{Array, MAX_FILE_BYTES, Weights, half, read_bounded},
};
use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

/// Most nodes of a file.
const MAX_NODES: usize = 4096;

fn refuse<T>(what: impl Into<String>) -> Result<T, AiError> {
    Err(AiError::Network(what.into()))
}

/// What a file holds.
#[derive(Debug)]
pub(super) struct OnnxModel {
    pub architecture: Architecture,
    pub weights: Weights,
    /// Sides of the input that the file fixes.
    pub sides: Vec<Option<usize>>,
    /// What follows the logits.
    pub ending: Ending,
    pub producer: String,
}

/// What follows the logits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Ending {
    /// Nothing.
    #[default]
    Logits,
    /// Each is a probability of its own.
    Sigmoid,
    /// Probabilities of one class of several.
    Softmax,
}

/// A property of a node.
#[derive(Clone, Debug, Default)]
struct Attribute {
    float: Option<f32>,
    number: Option<i64>,
    text: Option<String>,
    numbers: Vec<i64>,
    tensor: Option<Array>,
}

struct Node {
    op: String,
    domain: String,
    inputs: Vec<String>,
    outputs: Vec<String>,
    attributes: BTreeMap<String, Attribute>,
}

/// Reads a file.
pub(super) fn read(path: &Path) -> Result<OnnxModel, AiError> {
    let bytes = read_bounded(path, MAX_FILE_BYTES)?;
    let (mut graph, mut producer) = (None, String::new());
    for (number, field) in Message(&bytes).fields()? {
        match number {
            2 => producer = protobuf::text(field)?.chars().take(60).collect(),
            7 => graph = Some(protobuf::inner(field)?),
            _ => {}
        }
    }
    let Some(graph) = graph else {
        return refuse("this is no ONNX file: it has no graph");
    };
    let mut builder = Builder::default();
    let (mut nodes, mut inputs, mut outputs) = (Vec::new(), Vec::new(), Vec::new());
    for (number, field) in graph.fields()? {
        match number {
            1 => nodes.push(node(protobuf::inner(field)?)?),
            5 => {
                let (name, array) = tensor(protobuf::inner(field)?)?;
                builder.constants.insert(name, array);
            }
            11 => inputs.push(value_info(protobuf::inner(field)?)?),
            12 => outputs.push(value_info(protobuf::inner(field)?)?),
            15 => return refuse("sparse tensors are not read"),
            _ => {}
        }
        if nodes.len() > MAX_NODES {
            return refuse(format!("the graph has more than {MAX_NODES} nodes"));
        }
    }
    inputs.retain(|(name, _)| !builder.constants.contains_key(name));
    let ([(input, shape)], [(output, _)]) = (inputs.as_slice(), outputs.as_slice()) else {
        return refuse("a network has one input and one output");
    };
    let (Some(Some(channels)), 4..=5) = (shape.get(1), shape.len()) else {
        return refuse("the input is no picture or volume with a known number of channels");
    };
    builder.dimensions = shape.len() - 2;
    builder.places.insert(input.clone(), Place::step(0));
    for node in &nodes {
        builder.add(node)?;
    }
    let place = builder.places.get(output);
    if place.map(|p| p.step) != Some(builder.steps.len()) {
        return refuse("the output is not the result of the last step");
    }
    Ok(OnnxModel {
        architecture: Architecture::Graph(GraphConfig {
            dimensions: builder.dimensions,
            input_channels: *channels,
            steps: builder.steps,
        }),
        weights: builder.weights,
        sides: shape.iter().skip(2).copied().collect(),
        ending: builder.ending,
        producer,
    })
}

fn node(message: Message<'_>) -> Result<Node, AiError> {
    let mut node = Node {
        op: String::new(),
        domain: String::new(),
        inputs: Vec::new(),
        outputs: Vec::new(),
        attributes: BTreeMap::new(),
    };
    for (number, field) in message.fields()? {
        match number {
            1 => node.inputs.push(protobuf::text(field)?),
            2 => node.outputs.push(protobuf::text(field)?),
            4 => node.op = protobuf::text(field)?,
            5 => {
                let (name, value) = attribute(protobuf::inner(field)?)?;
                node.attributes.insert(name, value);
            }
            7 => node.domain = protobuf::text(field)?,
            _ => {}
        }
    }
    Ok(node)
}

fn attribute(message: Message<'_>) -> Result<(String, Attribute), AiError> {
    let (mut name, mut value) = (String::new(), Attribute::default());
    for (number, field) in message.fields()? {
        match (number, field) {
            (1, field) => name = protobuf::text(field)?,
            (2, Field::Word(bits)) => value.float = Some(f32::from_bits(bits)),
            (3, Field::Number(n)) => value.number = Some(n.cast_signed()),
            (4, field) => value.text = Some(protobuf::text(field)?),
            (5, field) => value.tensor = Some(tensor(protobuf::inner(field)?)?.1),
            (8, field) => protobuf::numbers(field, &mut value.numbers)?,
            // A graph within a node: branches and loops.
            (6 | 11, _) => return refuse("the graph has branches or loops"),
            _ => {}
        }
    }
    Ok((name, value))
}

fn tensor(message: Message<'_>) -> Result<(String, Array), AiError> {
    let (mut name, mut dims, mut kind) = (String::new(), Vec::new(), 0);
    let (mut values, mut wholes, mut raw) = (Vec::new(), Vec::new(), None);
    for (number, field) in message.fields()? {
        match (number, field) {
            (1, field) => protobuf::numbers(field, &mut dims)?,
            (2, Field::Number(n)) => kind = n,
            (4, field) => protobuf::floats(field, &mut values)?,
            (5 | 7, field) => protobuf::numbers(field, &mut wholes)?,
            (8, field) => name = protobuf::text(field)?,
            (9, Field::Bytes(bytes)) => raw = Some(bytes),
            (13 | 14, Field::Bytes(_) | Field::Number(1..)) => {
                return refuse("the file keeps its weights in another file; that is not read");
            }
            _ => {}
        }
    }
    let shape: Result<Vec<usize>, _> = dims.into_iter().map(usize::try_from).collect();
    let shape = shape.or_else(|_| damaged())?;
    let count = shape
        .iter()
        .try_fold(1usize, |n, &side| n.checked_mul(side));
    let Some(count) = count.filter(|&count| count <= 1 << 28) else {
        return damaged();
    };
    if let Some(raw) = raw {
        let read: (usize, fn(&[u8]) -> Option<f32>) = match kind {
            1 => (4, |b| Some(f32::from_le_bytes(*b.first_chunk()?))),
            11 => (8, |b| Some(f64::from_le_bytes(*b.first_chunk()?) as f32)),
            10 => (2, |b| Some(half(u16::from_le_bytes(*b.first_chunk()?)))),
            // Sizes and axes.
            7 => (8, |b| Some(i64::from_le_bytes(*b.first_chunk()?) as f32)),
            6 => (4, |b| Some(i32::from_le_bytes(*b.first_chunk()?) as f32)),
            _ => return refuse(format!("tensor `{name}` is of a type that is not read")),
        };
        if Some(raw.len()) != count.checked_mul(read.0) {
            return refuse(format!(
                "tensor `{name}`: its shape does not fit its length"
            ));
        }
        values = raw.chunks_exact(read.0).filter_map(read.1).collect();
    } else if values.is_empty() {
        values = wholes.iter().map(|&n| n as f32).collect();
    }
    if values.len() != count {
        return refuse(format!(
            "tensor `{name}`: its shape does not fit its length"
        ));
    }
    if values.iter().any(|v| !v.is_finite()) {
        return Err(AiError::Weights(format!(
            "tensor `{name}` has numbers that are not finite"
        )));
    }
    Ok((name, Array { shape, values }))
}

/// Name and sides; `None` for sides that are not fixed.
fn value_info(message: Message<'_>) -> Result<(String, Vec<Option<usize>>), AiError> {
    let (mut name, mut sides) = (String::new(), Vec::new());
    for (number, field) in message.fields()? {
        match number {
            1 => name = protobuf::text(field)?,
            2 => {
                for (number, field) in protobuf::inner(field)?.fields()? {
                    if number == 1 {
                        sides = tensor_type(protobuf::inner(field)?)?;
                    }
                }
            }
            _ => {}
        }
    }
    Ok((name, sides))
}

fn tensor_type(message: Message<'_>) -> Result<Vec<Option<usize>>, AiError> {
    let mut sides = Vec::new();
    for (number, field) in message.fields()? {
        if number != 2 {
            continue;
        }
        for (number, field) in protobuf::inner(field)?.fields()? {
            if number != 1 {
                continue;
            }
            let mut side = None;
            for (number, field) in protobuf::inner(field)?.fields()? {
                if let (1, Field::Number(n)) = (number, field) {
                    side = usize::try_from(n).ok().filter(|&n| n > 0);
                }
            }
            sides.push(side);
        }
    }
    Ok(sides)
}

/// Where a value of the graph stands.
#[derive(Clone, Copy, Debug)]
struct Place {
    step: usize,
    /// Rows of numbers instead of pictures of one pixel: after a Flatten.
    flattened: bool,
}

impl Place {
    const fn step(step: usize) -> Self {
        Self {
            step,
            flattened: false,
        }
    }
}

#[derive(Default)]
struct Builder {
    dimensions: usize,
    constants: HashMap<String, Array>,
    places: HashMap<String, Place>,
    steps: Vec<GraphStep>,
    weights: Weights,
    ending: Ending,
}

impl Builder {
    fn place(&self, node: &Node, index: usize) -> Result<Place, AiError> {
        let name = node.inputs.get(index).map_or("", String::as_str);
        match self.places.get(name) {
            Some(place) => Ok(*place),
            None => refuse(format!(
                "a node `{}` reads something that is not computed before",
                node.op
            )),
        }
    }

    fn constant(&self, node: &Node, index: usize) -> Option<&Array> {
        self.constants.get(node.inputs.get(index)?)
    }

    fn array(&self, node: &Node, index: usize) -> Result<Array, AiError> {
        match self.constant(node, index) {
            Some(array) => Ok(array.clone()),
            None => refuse(format!(
                "a node `{}` has weights that are not in the file",
                node.op
            )),
        }
    }

    /// What the outputs of a node are from now on.
    fn is(&mut self, node: &Node, place: Place) -> Result<(), AiError> {
        let Some(name) = node.outputs.first() else {
            return damaged();
        };
        self.places.insert(name.clone(), place);
        Ok(())
    }

    fn push(&mut self, node: &Node, step: GraphStep) -> Result<(), AiError> {
        if self.ending != Ending::Logits {
            return refuse("the network goes on after its probabilities");
        }
        self.steps.push(step);
        self.is(node, Place::step(self.steps.len()))
    }

    /// A name for the tensors of the next step.
    fn name(&self, word: &str) -> String {
        format!("{word}.{}", self.steps.len() + 1)
    }

    fn keep(&mut self, name: &str, part: &str, array: Array) {
        self.weights
            .insert(format!("{name}.{part}"), array.shape, array.values);
    }

    fn add(&mut self, node: &Node) -> Result<(), AiError> {
        if !matches!(node.domain.as_str(), "" | "ai.onnx") {
            return refuse(format!("operators of `{}` are not read", node.domain));
        }
        let known = Properties { node };
        match node.op.as_str() {
            "Constant" => {
                let value = node.attributes.get("value").and_then(|a| a.tensor.clone());
                let (Some(value), Some(name)) = (value, node.outputs.first()) else {
                    return refuse("a constant is of a kind that is not read");
                };
                self.constants.insert(name.clone(), value);
                Ok(())
            }
            "Identity" | "Dropout" => {
                if let (Some(array), Some(name)) =
                    (self.constant(node, 0).cloned(), node.outputs.first())
                {
                    self.constants.insert(name.clone(), array);
                    return Ok(());
                }
                let place = self.place(node, 0)?;
                self.is(node, place)
            }
            // Exporters put one in front of windows, also where nothing is added.
            "Pad" => {
                let none = match self.constant(node, 1) {
                    Some(pads) => pads.values.iter().all(|&v| v == 0.0),
                    None => known.sides_or("pads", &[1])?.iter().all(|&p| p == 0),
                };
                if !none {
                    return refuse("pixels that are added at the edges are not read");
                }
                let place = self.place(node, 0)?;
                self.is(node, place)
            }
            "Flatten" | "Squeeze" => {
                let place = self.place(node, 0)?;
                self.is(
                    node,
                    Place {
                        flattened: true,
                        ..place
                    },
                )
            }
            "Conv" => self.convolution(node, &known),
            "ConvTranspose" => self.transposed(node, &known),
            "BatchNormalization" => self.batch_norm(node, &known),
            "InstanceNormalization" => self.instance_norm(node, &known),
            "Relu" => {
                let from = self.place(node, 0)?.step;
                self.push(node, GraphStep::Relu { from })
            }
            "LeakyRelu" => {
                let (from, slope) = (self.place(node, 0)?.step, known.float("alpha", 0.01));
                self.push(node, GraphStep::Leaky { from, slope })
            }
            "Elu" if (known.float("alpha", 1.0) - 1.0).abs() < 1e-9 => {
                let from = self.place(node, 0)?.step;
                self.push(node, GraphStep::Elu { from })
            }
            "PRelu" => self.prelu(node),
            "MaxPool" => self.max_pool(node, &known),
            "AveragePool" => self.mean_pool(node, &known),
            "GlobalAveragePool" => {
                let from = self.place(node, 0)?.step;
                self.push(node, GraphStep::GlobalMean { from })
            }
            "ReduceMean" => self.reduce_mean(node, &known),
            "Gemm" => self.linear(node, &known),
            "Resize" | "Upsample" => self.resize(node, &known),
            "Add" => {
                let from = [self.place(node, 0)?.step, self.place(node, 1)?.step];
                self.push(node, GraphStep::Add { from })
            }
            "Concat" => {
                if known.number("axis", 1) != 1 {
                    return refuse("results are joined along something else than channels");
                }
                let from: Result<Vec<usize>, AiError> = (0..node.inputs.len())
                    .map(|index| Ok(self.place(node, index)?.step))
                    .collect();
                self.push(node, GraphStep::Concat { from: from? })
            }
            "Sigmoid" => self.end(node, Ending::Sigmoid),
            "Softmax" if known.number("axis", 1) == 1 => self.end(node, Ending::Softmax),
            other => refuse(format!(
                "the operator `{other}`, or what it does here, is not read"
            )),
        }
    }

    /// Probabilities are computed from the logits by who reads them, so nothing may come after.
    fn end(&mut self, node: &Node, ending: Ending) -> Result<(), AiError> {
        let place = self.place(node, 0)?;
        if place.step != self.steps.len() || self.ending != Ending::Logits {
            return refuse("probabilities in the middle of a network are not read");
        }
        self.ending = ending;
        self.is(node, place)
    }

    fn convolution(&mut self, node: &Node, known: &Properties<'_>) -> Result<(), AiError> {
        let from = self.place(node, 0)?.step;
        let weight = self.array(node, 1)?;
        let (kernel, channels) = self.kernel(&weight, known)?;
        let stride = known.sides("strides", self.dimensions, 1)?;
        let dilation = known.sides("dilations", self.dimensions, 1)?;
        let groups = usize::try_from(known.number("group", 1)).or_else(|_| damaged())?;
        let expected: Vec<usize> = kernel
            .iter()
            .zip(&dilation)
            .map(|(k, d)| {
                if k.is_multiple_of(2) {
                    0
                } else {
                    (k - 1) / 2 * d
                }
            })
            .collect();
        known.padding(&expected)?;
        let name = self.name("convolution");
        let bias = self.bias(node, 2, &name)?;
        self.keep(&name, "weight", weight);
        let step = GraphStep::Convolution {
            from,
            name,
            channels,
            kernel,
            stride,
            dilation,
            groups,
            bias,
        };
        self.push(node, step)
    }

    /// Sides of a kernel and the channels of its outer side.
    fn kernel(
        &self,
        weight: &Array,
        known: &Properties<'_>,
    ) -> Result<(Vec<usize>, usize), AiError> {
        let kernel: Vec<usize> = weight.shape.iter().skip(2).copied().collect();
        let said = known.sides_or("kernel_shape", &kernel)?;
        let channels = weight.shape.first().copied().unwrap_or(0);
        if kernel.len() != self.dimensions || said != kernel || kernel.contains(&0) {
            return refuse("a kernel does not fit the picture");
        }
        Ok((kernel, channels))
    }

    fn bias(&mut self, node: &Node, index: usize, name: &str) -> Result<bool, AiError> {
        if node.inputs.get(index).is_none_or(String::is_empty) {
            return Ok(false);
        }
        let bias = self.array(node, index)?;
        self.keep(name, "bias", bias);
        Ok(true)
    }

    fn transposed(&mut self, node: &Node, known: &Properties<'_>) -> Result<(), AiError> {
        let from = self.place(node, 0)?.step;
        let weight = self.array(node, 1)?;
        let (kernel, _) = self.kernel(&weight, known)?;
        let channels = weight.shape.get(1).copied().unwrap_or(0);
        let stride = known.sides("strides", self.dimensions, 1)?;
        let plain = known
            .sides("dilations", self.dimensions, 1)?
            .iter()
            .all(|&d| d == 1)
            && known.number("group", 1) == 1;
        let extra = known.sides("output_padding", self.dimensions, 0)?;
        let centred = known.pads()?.iter().any(|&p| p != 0);
        let padding: Vec<usize> = kernel
            .iter()
            .map(|k| if centred { k.saturating_sub(1) / 2 } else { 0 })
            .collect();
        known.padding(&padding)?;
        let enlarges = kernel
            .iter()
            .zip(&stride)
            .zip(padding.iter().zip(&extra))
            .all(|((k, s), (p, e))| s + 2 * p == k + e);
        if !plain || !enlarges {
            return refuse("a transposed convolution does not enlarge by its stride");
        }
        let name = self.name("transposed");
        let bias = self.bias(node, 2, &name)?;
        self.keep(&name, "weight", weight);
        let step = GraphStep::Transposed {
            from,
            name,
            channels,
            kernel,
            stride,
            centred,
            bias,
        };
        self.push(node, step)
    }

    fn batch_norm(&mut self, node: &Node, known: &Properties<'_>) -> Result<(), AiError> {
        if known.number("training_mode", 0) != 0 {
            return refuse("the network is in training mode");
        }
        let from = self.place(node, 0)?.step;
        let name = self.name("norm");
        for (index, part) in ["weight", "bias", "running_mean", "running_var"]
            .into_iter()
            .enumerate()
        {
            let array = self.array(node, index + 1)?;
            self.keep(&name, part, array);
        }
        let epsilon = known.float("epsilon", 1e-5);
        self.push(
            node,
            GraphStep::BatchNorm {
                from,
                name,
                epsilon,
            },
        )
    }

    fn instance_norm(&mut self, node: &Node, known: &Properties<'_>) -> Result<(), AiError> {
        let from = self.place(node, 0)?.step;
        let name = self.name("norm");
        for (index, part) in ["weight", "bias"].into_iter().enumerate() {
            let array = self.array(node, index + 1)?;
            self.keep(&name, part, array);
        }
        let epsilon = known.float("epsilon", 1e-5);
        self.push(
            node,
            GraphStep::InstanceNorm {
                from,
                name,
                epsilon,
            },
        )
    }

    fn prelu(&mut self, node: &Node) -> Result<(), AiError> {
        let from = self.place(node, 0)?.step;
        let name = self.name("slope");
        let slope = self.array(node, 1)?;
        // One number, or one for each channel with sides of 1 behind.
        let count = slope.values.len();
        if slope.shape.iter().filter(|&&side| side != 1).count() > 1 {
            return refuse("the slopes of a rectifier differ from pixel to pixel");
        }
        let array = Array {
            shape: vec![count],
            values: slope.values,
        };
        self.keep(&name, "weight", array);
        let each = count != 1;
        self.push(node, GraphStep::Prelu { from, name, each })
    }

    fn max_pool(&mut self, node: &Node, known: &Properties<'_>) -> Result<(), AiError> {
        let from = self.place(node, 0)?.step;
        let kernel = known.sides("kernel_shape", self.dimensions, 1)?;
        let stride = known.sides("strides", self.dimensions, 1)?;
        let plain = known
            .sides("dilations", self.dimensions, 1)?
            .iter()
            .all(|&d| d == 1)
            && known.number("ceil_mode", 0) == 0
            && node.outputs.len() == 1;
        let padding = known.pads()?;
        let (low, high) = padding.split_at(padding.len() / 2);
        if !plain || low != high {
            return refuse("windows are of a kind that is not read");
        }
        let padding = match low.is_empty() {
            true => vec![0; self.dimensions],
            false => low.to_vec(),
        };
        let step = GraphStep::MaxPool {
            from,
            kernel,
            stride,
            padding,
        };
        self.push(node, step)
    }

    fn mean_pool(&mut self, node: &Node, known: &Properties<'_>) -> Result<(), AiError> {
        let from = self.place(node, 0)?.step;
        let kernel = known.sides("kernel_shape", self.dimensions, 1)?;
        let stride = known.sides("strides", self.dimensions, 1)?;
        if stride != kernel
            || known.pads()?.iter().any(|&p| p != 0)
            || known.number("ceil_mode", 0) != 0
        {
            return refuse("windows are of a kind that is not read");
        }
        self.push(node, GraphStep::MeanPool { from, kernel })
    }

    /// The mean over all pixels under another name.
    fn reduce_mean(&mut self, node: &Node, known: &Properties<'_>) -> Result<(), AiError> {
        let from = self.place(node, 0)?.step;
        let mut axes = known.numbers("axes");
        if let Some(array) = self.constant(node, 1) {
            axes = array.values.iter().map(|&v| v as i64).collect();
        }
        let rank = self.dimensions as i64 + 2;
        let mut axes: Vec<i64> = axes
            .iter()
            .map(|&a| if a < 0 { a + rank } else { a })
            .collect();
        axes.sort_unstable();
        if axes != (2..rank).collect::<Vec<_>>() {
            return refuse("a mean over something else than all pixels is not read");
        }
        self.push(node, GraphStep::GlobalMean { from })
    }

    fn linear(&mut self, node: &Node, known: &Properties<'_>) -> Result<(), AiError> {
        let place = self.place(node, 0)?;
        let plain = place.flattened
            && (known.float("alpha", 1.0) - 1.0).abs() < 1e-9
            && (known.float("beta", 1.0) - 1.0).abs() < 1e-9
            && known.number("transA", 0) == 0;
        let weight = self.array(node, 1)?;
        let &[rows, columns] = weight.shape.as_slice() else {
            return damaged();
        };
        if !plain {
            return refuse("a linear layer is of a kind that is not read");
        }
        let weight = match known.number("transB", 0) {
            0 => {
                let values = (0..columns)
                    .flat_map(|c| (0..rows).map(move |r| r * columns + c))
                    .filter_map(|at| weight.values.get(at).copied())
                    .collect();
                Array {
                    shape: vec![columns, rows],
                    values,
                }
            }
            _ => weight,
        };
        let name = self.name("linear");
        let channels = weight.shape.first().copied().unwrap_or(0);
        if !self.bias(node, 2, &name)? {
            let none = Array {
                shape: vec![channels],
                values: vec![0.0; channels],
            };
            self.keep(&name, "bias", none);
        }
        self.keep(&name, "weight", weight);
        let from = place.step;
        self.push(
            node,
            GraphStep::Linear {
                from,
                name,
                channels,
            },
        )?;
        // What comes out are rows, too.
        let step = self.steps.len();
        self.is(
            node,
            Place {
                step,
                flattened: true,
            },
        )
    }

    fn resize(&mut self, node: &Node, known: &Properties<'_>) -> Result<(), AiError> {
        let from = self.place(node, 0)?.step;
        // Scales stand last of what is given: input, (region), scales, (sizes).
        let scales = (1..node.inputs.len()).rev().find_map(|index| {
            let array = self.constant(node, index)?;
            (array.values.len() == self.dimensions + 2).then_some((index, array.clone()))
        });
        let Some((index, scales)) = scales else {
            return refuse("a picture is enlarged to a size that is not a fixed multiple");
        };
        let whole = |v: f32| (v.fract() == 0.0 && (1.0..=8.0).contains(&v)).then_some(v as usize);
        let factors: Option<Vec<usize>> = scales.values.iter().map(|&v| whole(v)).collect();
        let factors = match factors {
            // Sizes, the fourth input, are no factors.
            Some(factors) if index <= 2 && factors.iter().take(2).all(|&f| f == 1) => factors,
            _ => return refuse("a picture is enlarged to a size that is not a fixed multiple"),
        };
        let mode = known.text("mode", "nearest");
        let place = known.text("coordinate_transformation_mode", "half_pixel");
        let nearest = known.text("nearest_mode", "round_prefer_floor");
        let between = match (mode.as_str(), place.as_str(), nearest.as_str()) {
            ("nearest", "asymmetric", "floor") => Made::Nearest,
            ("nearest", "half_pixel", "round_prefer_floor") => Made::Nearest,
            ("linear", "half_pixel" | "pytorch_half_pixel", _) => Made::Linear,
            ("linear", "align_corners", _) => Made::Corners,
            _ => return refuse(format!("enlarging by `{mode}` and `{place}` is not read")),
        };
        let step = GraphStep::Enlarge {
            from,
            factor: factors.into_iter().skip(2).collect(),
            between,
        };
        self.push(node, step)
    }
}

/// Properties of a node with what holds where they are not given.
struct Properties<'a> {
    node: &'a Node,
}

impl Properties<'_> {
    fn get(&self, name: &str) -> Option<&Attribute> {
        self.node.attributes.get(name)
    }

    fn float(&self, name: &str, other: f64) -> f64 {
        self.get(name)
            .and_then(|a| a.float)
            .map_or(other, f64::from)
    }

    fn number(&self, name: &str, other: i64) -> i64 {
        self.get(name).and_then(|a| a.number).unwrap_or(other)
    }

    fn text(&self, name: &str, other: &str) -> String {
        self.get(name)
            .and_then(|a| a.text.clone())
            .unwrap_or_else(|| other.to_owned())
    }

    fn numbers(&self, name: &str) -> Vec<i64> {
        self.get(name)
            .map(|a| a.numbers.clone())
            .unwrap_or_default()
    }

    fn sides_or(&self, name: &str, other: &[usize]) -> Result<Vec<usize>, AiError> {
        match self.get(name) {
            None => Ok(other.to_vec()),
            Some(found) => {
                let sides: Result<Vec<usize>, _> =
                    found.numbers.iter().map(|&n| usize::try_from(n)).collect();
                sides.or_else(|_| damaged())
            }
        }
    }

    fn sides(&self, name: &str, count: usize, other: usize) -> Result<Vec<usize>, AiError> {
        let sides = self.sides_or(name, &vec![other; count])?;
        match sides.len() == count {
            true => Ok(sides),
            false => refuse(format!(
                "`{name}` does not have one number for each direction"
            )),
        }
    }

    /// What is added at the near ends of all directions, then at the far ends.
    fn pads(&self) -> Result<Vec<usize>, AiError> {
        if self.text("auto_pad", "NOTSET") != "NOTSET" {
            return refuse("edges that are chosen by the runtime are not read");
        }
        self.sides_or("pads", &[])
    }

    /// Refuses edges other than these, the same at both ends.
    fn padding(&self, expected: &[usize]) -> Result<(), AiError> {
        let pads = self.pads()?;
        let zeros = pads.is_empty() && expected.iter().all(|&p| p == 0);
        let (low, high) = pads.split_at(pads.len() / 2);
        if zeros || low == expected && high == expected {
            return Ok(());
        }
        refuse("a convolution does not keep the size of the picture")
    }
}

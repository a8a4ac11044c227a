//! Which tensor of a foreign file is which of the network's.
//!
//! Frameworks repeat tensors under second names and keep counters; those are left out by rule. Everything else must
//! fit one to one: a tensor that is missing, too many, or of another shape is refused by name.

use crate::ai::{AiError, networks::Architecture};
use std::collections::BTreeMap;

/// What wrappers of PyTorch put in front of every name.
const WRAPPERS: &[&str] = &["module.", "_orig_mod."];

/// One name of a foreign file and the name that it gets.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rename {
    /// What the name begins with.
    pub from: String,
    /// What stands there instead.
    pub to: String,
}

/// Foreign name of each tensor of the network. `found` are names and shapes of the foreign file.
pub(super) fn fit(
    architecture: &Architecture,
    found: &BTreeMap<String, Vec<usize>>,
    renames: &[Rename],
) -> Result<BTreeMap<String, String>, AiError> {
    let refuse = |what: String| Err(AiError::Weights(what));
    let plan = architecture.plan()?;
    let mut by_name: BTreeMap<String, &str> = BTreeMap::new();
    for foreign in found.keys() {
        let name = renamed(foreign, renames);
        if is_repeated(architecture, &name) {
            continue;
        }
        if let Some(other) = by_name.insert(name.clone(), foreign) {
            return refuse(format!(
                "tensors `{other}` and `{foreign}` would both be `{name}`"
            ));
        }
    }
    let mut fitted = BTreeMap::new();
    for parameter in &plan.parameters {
        let name = &parameter.name;
        let Some(foreign) = by_name.remove(name.as_str()) else {
            return refuse(format!("tensor `{name}` is missing"));
        };
        let shape = found.get(foreign);
        if shape != Some(&parameter.shape) {
            return refuse(format!(
                "tensor `{foreign}` is {:?}, the network needs {:?}",
                shape.cloned().unwrap_or_default(),
                parameter.shape
            ));
        }
        fitted.insert(name.clone(), foreign.to_owned());
    }
    match by_name.values().next() {
        Some(surplus) => refuse(format!(
            "tensor `{surplus}` does not belong to the network ({} in all)",
            by_name.len()
        )),
        None => Ok(fitted),
    }
}

fn renamed(foreign: &str, renames: &[Rename]) -> String {
    let mut name = foreign;
    while let Some(rest) = WRAPPERS.iter().find_map(|w| name.strip_prefix(w)) {
        name = rest;
    }
    let rule = renames
        .iter()
        .find_map(|rule| Some(format!("{}{}", rule.to, name.strip_prefix(&rule.from)?)));
    rule.unwrap_or_else(|| name.to_owned())
}

/// Counters, and tensors that stand a second time under another name or are used while training only.
fn is_repeated(architecture: &Architecture, name: &str) -> bool {
    if name.ends_with(".num_batches_tracked") {
        return true;
    }
    let Architecture::StagedUnet(config) = architecture else {
        return false;
    };
    // nnU-Net keeps each layer also in the list that it is run by, and the encoder also in the decoder.
    if name.contains(".all_modules.") || name.starts_with("decoder.encoder.") {
        return true;
    }
    // Heads of the lower levels serve deep supervision.
    let last = config.features.len().saturating_sub(2);
    name.strip_prefix("decoder.seg_layers.")
        .and_then(|rest| rest.split('.').next()?.parse::<usize>().ok())
        .is_some_and(|level| level < last)
}

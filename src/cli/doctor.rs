//! `negatoscope doctor`: what this computer offers the program.

use super::{Common, Exit, Output};
use crate::{dicom::syntax, gpu::GpuContext};
use clap::Args;
use serde_json::{Value, json};

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {}

/// Runs `doctor`. Without a graphics device it says so and ends with a finding.
pub fn run(_args: &DoctorArgs, common: &Common, out: &mut Output) -> Exit {
    let gpu = GpuContext::headless();
    let adapter = match &gpu {
        Ok(gpu) => adapter(gpu),
        Err(error) => json!({ "error": error.to_string() }),
    };
    let report = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "features": { "ai": cfg!(feature = "ai"), "screen": cfg!(feature = "screen") },
        "cores": std::thread::available_parallelism().map_or(1, usize::from),
        "adapter": adapter,
        "transfer_syntaxes": syntaxes(),
        "models": models(),
    });
    if common.json {
        out.json(&report);
    } else {
        print(&report, 0, out);
    }
    if gpu.is_ok() {
        Exit::Done
    } else {
        Exit::Finding
    }
}

fn adapter(gpu: &GpuContext) -> Value {
    let limits = gpu.device.limits();
    json!({
        "name": gpu.info.name,
        "backend": format!("{:?}", gpu.info.backend),
        "type": format!("{:?}", gpu.info.device_type),
        "driver": gpu.info.driver_info,
        "software": gpu.is_software(),
        "max_texture_2d": limits.max_texture_dimension_2d,
        "max_texture_layers": limits.max_texture_array_layers,
        "max_storage_binding": limits.max_storage_buffer_binding_size,
        "max_buffer": limits.max_buffer_size,
    })
}

fn syntaxes() -> Vec<Value> {
    syntax::SYNTAXES
        .iter()
        .map(|s| {
            let decoded = s.packing != syntax::Packing::Unsupported;
            json!({ "uid": s.uid, "name": s.name, "decoded": decoded })
        })
        .collect()
}

#[cfg(feature = "ai")]
fn models() -> Vec<Value> {
    let (entries, _) = crate::ai::registry::Registry::new(None).list();
    entries
        .iter()
        .map(|e| json!({ "id": e.card.id, "version": e.card.version }))
        .collect()
}

#[cfg(not(feature = "ai"))]
fn models() -> Vec<Value> {
    Vec::new()
}

/// Indented lines for people. The report has three levels.
fn print(value: &Value, depth: usize, out: &mut Output) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                if value.is_object() || value.is_array() {
                    out.line(format!("{indent}{key}:"));
                    if depth < 4 {
                        print(value, depth + 1, out);
                    }
                } else {
                    let text = value
                        .as_str()
                        .map_or_else(|| value.to_string(), str::to_owned);
                    out.line(format!("{indent}{key}: {text}"));
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                let fields: Vec<String> = item
                    .as_object()
                    .map(|o| {
                        o.values()
                            .map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned))
                            .collect()
                    })
                    .unwrap_or_default();
                out.line(format!("{indent}{}", fields.join("  ")));
            }
        }
        _ => {}
    }
}

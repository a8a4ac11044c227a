//! The WGSL sources, embedded, and their includes.
//!
//! A line `//!include lib/x.wgsl` stands for the content of that file; a file is taken in once, however often it is
//! asked for.

use super::error::GpuError;
use std::borrow::Cow;

macro_rules! sources {
    ($($name:literal),* $(,)?) => {
        /// Every WGSL file by its path below `shaders/`.
        pub const SOURCES: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../shaders/", $name)))),*];
    };
}

sources![
    "slice.wgsl",
    "cover.wgsl",
    "overlay.wgsl",
    "blit.wgsl",
    "drift.wgsl",
    "filter_plane.wgsl",
    "filter_average.wgsl",
    "filter_window.wgsl",
    "filter_similar.wgsl",
    "filter_point.wgsl",
    "filter_range.wgsl",
    "filter_clahe.wgsl",
    "blend_window.wgsl",
    "forest_spread.wgsl",
    "forest_mask.wgsl",
    "walker.wgsl",
    "answer_mask.wgsl",
    "mask_bits.wgsl",
    "mask_box.wgsl",
    "labels.wgsl",
    "lib/filter.wgsl",
    "lib/fullscreen.wgsl",
    "lib/position.wgsl",
    "lib/voi.wgsl",
    "lib/cubic.wgsl",
    "lib/area.wgsl",
    "lib/quick.wgsl",
];

/// The files that are modules of their own; all others are included by them.
pub const PASSES: &[&str] = &[
    "slice.wgsl",
    "cover.wgsl",
    "overlay.wgsl",
    "blit.wgsl",
    "drift.wgsl",
    "filter_plane.wgsl",
    "filter_average.wgsl",
    "filter_window.wgsl",
    "filter_similar.wgsl",
    "filter_point.wgsl",
    "filter_range.wgsl",
    "filter_clahe.wgsl",
    "blend_window.wgsl",
    "forest_spread.wgsl",
    "forest_mask.wgsl",
    "walker.wgsl",
    "answer_mask.wgsl",
    "mask_bits.wgsl",
    "mask_box.wgsl",
    "labels.wgsl",
];

/// The WGSL of a pass with its includes in place.
///
/// # Errors
/// [`GpuError::Refused`] when a name is unknown.
pub fn assemble(name: &str) -> Result<String, GpuError> {
    let mut taken: Vec<&str> = vec![];
    let mut text = String::new();
    // A stack of line iterators instead of recursion; `taken` bounds its depth.
    let mut open = vec![source(name)?.lines()];
    while let Some(lines) = open.last_mut() {
        let Some(line) = lines.next() else {
            open.pop();
            continue;
        };
        match line.strip_prefix("//!include ") {
            Some(path) => {
                let path = path.trim();
                if !taken.contains(&path) {
                    taken.push(path);
                    open.push(source(path)?.lines());
                }
            }
            None => {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    Ok(text)
}

fn source(name: &str) -> Result<&'static str, GpuError> {
    SOURCES
        .iter()
        .find(|(path, _)| *path == name)
        .map(|(_, text)| *text)
        .ok_or_else(|| GpuError::Refused(format!("there is no shader {name}")))
}

/// Compiles a pass.
///
/// # Errors
/// [`GpuError::Refused`] when a name is unknown; errors of the compiler go to the device's error scope.
pub fn module(device: &wgpu::Device, name: &str) -> Result<wgpu::ShaderModule, GpuError> {
    let text = assemble(name)?;
    Ok(device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: Some(name),
        source: wgpu::ShaderSource::Wgsl(Cow::Owned(text)),
    }))
}

/// What a pass that computes reads and writes: uniforms at binding 0, and storage behind them, of which those that are
/// written say so.
pub fn compute_layout(
    device: &wgpu::Device,
    label: &str,
    written: &[bool],
) -> wgpu::BindGroupLayout {
    let storage = written
        .iter()
        .map(|written| wgpu::BufferBindingType::Storage {
            read_only: !written,
        });
    let entries: Vec<wgpu::BindGroupLayoutEntry> = (0..)
        .zip(std::iter::once(wgpu::BufferBindingType::Uniform).chain(storage))
        .map(|(binding, ty)| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer {
                ty,
                has_dynamic_offset: false,
                min_binding_size: None,
            },
            count: None,
        })
        .collect();
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some(label),
        entries: &entries,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn includes_are_taken_once() {
        let text = assemble("slice.wgsl").unwrap();
        assert!(!text.contains("//!include"));
        assert_eq!(text.matches("fn position_add").count(), 1);
        assert!(assemble("lib/none.wgsl").is_err());
    }
}

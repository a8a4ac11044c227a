//! Clocks, counters and the JSON object of a case.

use super::process;
use serde::Serialize;
use serde_json::{Map, Value};
use std::{hint::black_box, time::Instant};

/// Wall and processor time of each run.
#[derive(Clone, Debug, Default)]
pub(super) struct Samples {
    pub(super) wall_ms: Vec<f64>,
    pub(super) cpu_ms: Vec<f64>,
}

impl Samples {
    /// None yet.
    pub(super) const fn new() -> Self {
        Self {
            wall_ms: Vec::new(),
            cpu_ms: Vec::new(),
        }
    }

    /// Runs `work` once and adds its times.
    pub(super) fn run<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let cpu = process::cpu_ms();
        let start = Instant::now();
        let value = black_box(work());
        let wall = start.elapsed();
        self.wall_ms.push(round(wall.as_secs_f64() * 1e3));
        if let (Some(before), Some(after)) = (cpu, process::cpu_ms()) {
            self.cpu_ms.push(round((after - before).max(0.0)));
        }
        value
    }

    /// The shortest wall time.
    pub(super) fn best(&self) -> Option<f64> {
        self.wall_ms.iter().copied().min_by(f64::total_cmp)
    }
}

/// To a ten-thousandth of a millisecond.
fn round(ms: f64) -> f64 {
    (ms * 1e4).round() / 1e4
}

/// The value below which `share` (0 to 1) of the samples lie, nearest rank; `None` without samples.
pub(super) fn quantile(samples: &[f64], share: f64) -> Option<f64> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied()
}

/// One measured case, as printed.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Case {
    /// Name, for example `load`.
    pub(super) case: String,
    /// What it worked on: a name or a size, never a path or a person.
    pub(super) input: String,
    /// Wall time of each run.
    pub(super) wall_ms: Vec<f64>,
    /// Processor time of all threads in each run; empty where the system does not say.
    pub(super) cpu_ms: Vec<f64>,
    /// Bytes that read calls gave in the last run.
    pub(super) bytes_read: Option<u64>,
    /// Bytes copied in memory in one run, where the case counts them.
    pub(super) bytes_copied: Option<u64>,
    /// Bytes from CPU to GPU in the last run.
    pub(super) bytes_uploaded: Option<u64>,
    /// Bytes from GPU to CPU in the last run.
    pub(super) bytes_readback: Option<u64>,
    /// Pictures drawn, slices read or files seen in one run.
    pub(super) frames: Option<u64>,
    /// Allocations of the main thread in one run, where the program runs under `benches/allocations` and the case
    /// counts them.
    pub(super) allocs: Option<u64>,
    /// Largest resident set during the case, bytes.
    pub(super) peak_rss: Option<u64>,
    /// Best wall time of what the hardware needs at least, measured in this run.
    pub(super) floor_ms: Option<f64>,
    /// The graphics adapter, or the device of a network.
    pub(super) adapter: Option<String>,
    /// Commit of the build.
    pub(super) git: Option<&'static str>,
    /// Threads that the work may use.
    pub(super) threads: usize,
    /// What only this case has.
    #[serde(flatten)]
    pub(super) more: Map<String, Value>,
}

impl Case {
    /// A case with its times.
    pub(super) fn new(case: impl Into<String>, input: impl Into<String>, samples: Samples) -> Self {
        Self {
            case: case.into(),
            input: input.into(),
            wall_ms: samples.wall_ms,
            cpu_ms: samples.cpu_ms,
            bytes_read: None,
            bytes_copied: None,
            bytes_uploaded: None,
            bytes_readback: None,
            frames: None,
            allocs: None,
            peak_rss: process::peak_rss(),
            floor_ms: None,
            adapter: None,
            git: option_env!("NEGATOSCOPE_GIT"),
            threads: rayon::current_num_threads(),
            more: Map::new(),
        }
    }

    /// Adds a field of its own.
    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.insert(name.into(), value.into());
        self
    }

    /// For people: name, best and median.
    pub(super) fn sentence(&self) -> String {
        let text = |value: Option<f64>| value.map_or("-".into(), |v| format!("{v:.3}"));
        let mut line = format!(
            "{:<16} {:<22} best {:>10} ms   median {:>10} ms   cpu {:>10} ms",
            self.case,
            self.input,
            text(quantile(&self.wall_ms, 0.0)),
            text(quantile(&self.wall_ms, 0.5)),
            text(quantile(&self.cpu_ms, 0.5)),
        );
        if let Some(floor) = self.floor_ms {
            line += &format!("   floor {floor:.3} ms");
        }
        for (name, value) in &self.more {
            line += &format!("   {name} {value}");
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_nearest_rank() {
        let samples = [5.0, 1.0, 4.0, 2.0, 3.0];
        assert_eq!(quantile(&samples, 0.0), Some(1.0));
        assert_eq!(quantile(&samples, 0.5), Some(3.0));
        assert_eq!(quantile(&samples, 0.99), Some(5.0));
        assert_eq!(quantile(&[], 0.5), None);
    }

    #[test]
    fn every_field_of_the_contract_is_printed() {
        let mut samples = Samples::default();
        assert_eq!(samples.run(|| 7), 7);
        let case = Case::new("x", "y", samples).with("gflops", 2.5);
        let value = serde_json::to_value(&case).unwrap();
        for name in [
            "wall_ms",
            "cpu_ms",
            "bytes_read",
            "bytes_copied",
            "bytes_uploaded",
            "bytes_readback",
            "frames",
            "allocs",
            "peak_rss",
            "floor_ms",
            "adapter",
            "git",
            "gflops",
        ] {
            assert!(value.get(name).is_some(), "{name}");
        }
        assert_eq!(value["wall_ms"].as_array().unwrap().len(), 1);
    }
}

//! What this machine can do right now: the denominators of a run.

use super::{
    Cases, Failure, drawing,
    measure::{Case, Samples},
    process,
};
use crate::{console::Exit, gpu::GpuContext};
use clap::Args;
use rayon::prelude::*;
use std::{
    fs::{self, File},
    hint::black_box,
    io::Read as _,
    path::{Path, PathBuf},
};

/// Arguments of `bench floor`.
#[derive(Clone, Debug, Args)]
pub struct FloorArgs {
    /// Folder whose files are read; without one the reading floors are left out
    pub dir: Option<PathBuf>,
    /// Runs of each case
    #[arg(long, value_name = "K", default_value_t = 5)]
    pub repeat: usize,
    /// Leave the graphics device out
    #[arg(long)]
    pub no_gpu: bool,
}

/// Bytes copied by the copy floor.
const COPY_BYTES: usize = 256 << 20;
/// Side of the matrices of the multiply floor.
const MATRIX: usize = 512;

/// Runs `bench floor`.
pub(super) fn run(args: &FloorArgs, cases: &mut Cases<'_>) -> Result<(), Failure> {
    cases.push(&copy(args.repeat));
    if let Some(dir) = &args.dir {
        let files = files(dir)?;
        let name = format!("{} files", files.len());
        process::forget_peak();
        let mut samples = Samples::default();
        let mut read = 0;
        for _ in 0..args.repeat.max(1) {
            read = samples.run(|| heads(&files)).map_err(io_failure)?;
        }
        let mut case = Case::new("floor-heads", name.clone(), samples);
        case.bytes_read = Some(read);
        case.frames = Some(files.len() as u64);
        cases.push(&case);

        process::forget_peak();
        let mut buffer = Buffer::for_files(&files)?;
        let mut samples = Samples::default();
        for _ in 0..args.repeat.max(1) {
            samples.run(|| buffer.fill()).map_err(io_failure)?;
        }
        let mut case = Case::new("floor-read", name, samples);
        case.bytes_read = Some(buffer.bytes() as u64);
        case.frames = Some(files.len() as u64);
        cases.push(&case);
    }
    cases.push(&multiply(args.repeat));
    if !args.no_gpu {
        match GpuContext::headless() {
            Ok(gpu) => cases.push(&drawing::blit_floor(&gpu, [3840, 2160], args.repeat)?),
            Err(error) => cases.out.note(format!("floor-blit: not measured, {error}")),
        }
    }
    Ok(())
}

fn io_failure(error: std::io::Error) -> Failure {
    Failure::new(Exit::Io, error)
}

/// All files of a folder and its folders, in order of their paths.
pub(super) fn files(dir: &Path) -> Result<Vec<(PathBuf, u64)>, Failure> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(io_failure)?.flatten() {
            let kind = entry.file_type().map_err(io_failure)?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                let length = entry.metadata().map_err(io_failure)?.len();
                found.push((entry.path(), length));
            }
        }
    }
    found.sort();
    if found.is_empty() {
        return Err(Failure::new(Exit::Usage, "the folder holds no files"));
    }
    Ok(found)
}

/// Opens every file, reads its first 8 KiB and closes it, one after the other: what a header scan needs at least.
pub(super) fn heads(files: &[(PathBuf, u64)]) -> std::io::Result<u64> {
    let mut head = [0u8; 8192];
    let mut total = 0;
    for (path, _) in files {
        total += File::open(path)?.read(&mut head)? as u64;
        black_box(&head);
    }
    Ok(total)
}

/// Memory that was touched before, with a place for every file.
pub(super) struct Buffer {
    files: Vec<(PathBuf, u64)>,
    bytes: Vec<u8>,
}

impl Buffer {
    /// Room for all files.
    pub(super) fn for_files(files: &[(PathBuf, u64)]) -> Result<Self, Failure> {
        let total: u64 = files.iter().map(|f| f.1).sum();
        if total > 16 << 30 {
            return Err(Failure::new(Exit::Limit, "more than 16 GiB of files"));
        }
        Ok(Self {
            files: files.to_vec(),
            bytes: vec![1; total as usize],
        })
    }

    /// Bytes of all files.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Reads every file into its place, in parallel: what loading native pixels needs at least.
    pub(super) fn fill(&mut self) -> std::io::Result<()> {
        let mut places = Vec::with_capacity(self.files.len());
        let mut rest = self.bytes.as_mut_slice();
        for (path, length) in &self.files {
            let (place, behind) = rest.split_at_mut(*length as usize);
            places.push((path, place));
            rest = behind;
        }
        places
            .into_par_iter()
            .try_for_each(|(path, place)| File::open(path)?.read_exact(place))
    }
}

fn copy(repeat: usize) -> Case {
    process::forget_peak();
    let from = vec![1u8; COPY_BYTES];
    let mut to = vec![2u8; COPY_BYTES];
    let mut samples = Samples::default();
    for _ in 0..repeat.max(1) {
        samples.run(|| {
            to.copy_from_slice(black_box(&from));
            black_box(&mut to);
        });
    }
    let best = samples.best();
    let mut case = Case::new("floor-copy", "256 MiB", samples);
    case.bytes_copied = Some(COPY_BYTES as u64);
    match best {
        Some(ms) if ms > 0.0 => case.with("gb_per_s", rounded(COPY_BYTES as f64 / ms / 1e6)),
        _ => case,
    }
}

fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// `c += a · b` in f32, a row of `b` at a time so that the compiler can use vectors: not the best that can be had,
/// but the same in every run, so that a busy machine shows.
fn multiply(repeat: usize) -> Case {
    process::forget_peak();
    let n = MATRIX;
    let a: Vec<f32> = (0..n * n).map(|i| (i % 7) as f32 - 3.0).collect();
    let b: Vec<f32> = (0..n * n).map(|i| (i % 5) as f32 - 2.0).collect();
    let mut samples = Samples::default();
    for _ in 0..repeat.max(1) {
        samples.run(|| product(black_box(&a), black_box(&b), n));
    }
    let operations = 2.0 * (n as f64).powi(3);
    let best = samples.best();
    let case = Case::new("floor-multiply", format!("{n} x {n} f32"), samples);
    match best {
        Some(ms) if ms > 0.0 => case.with("gflops", rounded(operations / ms / 1e6)),
        _ => case,
    }
}

fn product(a: &[f32], b: &[f32], n: usize) -> Vec<f32> {
    let mut c = vec![0.0f32; n * n];
    c.par_chunks_exact_mut(n)
        .zip(a.par_chunks_exact(n))
        .for_each(|(row, factors)| {
            for (factor, line) in factors.iter().zip(b.chunks_exact(n)) {
                for (sum, value) in row.iter_mut().zip(line) {
                    *sum += factor * value;
                }
            }
        });
    c
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_product_is_a_product() {
        let a = [1.0, 2.0, 3.0, 4.0];
        let b = [5.0, 6.0, 7.0, 8.0];
        assert_eq!(product(&a, &b, 2), [19.0, 22.0, 43.0, 50.0]);
    }

    #[test]
    fn the_reading_floors_read_everything() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("deeper")).unwrap();
        fs::write(dir.path().join("a"), vec![7u8; 10_000]).unwrap();
        fs::write(dir.path().join("deeper/b"), vec![9u8; 100]).unwrap();
        let files = files(dir.path()).unwrap();
        assert_eq!(files.len(), 2);
        assert_eq!(heads(&files).unwrap(), 8192 + 100);
        let mut buffer = Buffer::for_files(&files).unwrap();
        buffer.fill().unwrap();
        assert_eq!(buffer.bytes.iter().filter(|b| **b == 7).count(), 10_000);
        assert_eq!(buffer.bytes.iter().filter(|b| **b == 9).count(), 100);
        assert!(super::files(&dir.path().join("deeper")).is_ok());
        fs::remove_file(dir.path().join("deeper/b")).unwrap();
        assert!(super::files(&dir.path().join("deeper")).is_err());
    }
}

//! Networks of other frameworks: their files are taken in, and their numbers come out.

mod brain;
mod exchange;
mod foreign;
pub mod guidance;
mod hostile;
mod numbers;
mod volumes;

use std::{fs, path::PathBuf};

/// A fixture; `scripts/make-network-fixtures` makes them.
fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/networks")
        .join(name)
}

/// Uniform numbers between -1 and 1, the same as in the script that makes the fixtures.
fn uniform(seed: u32, count: usize) -> Vec<f32> {
    (0..count as u32)
        .map(|i| {
            let x = i.wrapping_mul(2_654_435_761).wrapping_add(seed);
            let x = (x ^ (x >> 15)).wrapping_mul(2_246_822_519);
            (f64::from(x >> 8) / f64::from(1 << 23) - 1.0) as f32
        })
        .collect()
}

/// The seed that goes with a name.
fn seed(name: &str) -> u32 {
    crc32fast::hash(name.as_bytes())
}

fn bytes(name: &str) -> Vec<u8> {
    let path = fixture(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{error}: {}", path.display()))
}

/// A ZIP archive of stored members, as PyTorch writes it.
fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut directory = Vec::new();
    for (name, content) in members {
        let start = out.len() as u32;
        let check = crc32fast::hash(content);
        let sizes = [content.len() as u32; 2];
        let mut fields = vec![];
        fields.extend(check.to_le_bytes());
        sizes.iter().for_each(|s| fields.extend(s.to_le_bytes()));
        fields.extend((name.len() as u16).to_le_bytes());
        fields.extend(0u16.to_le_bytes());
        out.extend(b"PK\x03\x04\0\0\0\0\0\0\0\0\0\0");
        out.extend(&fields);
        out.extend(name.as_bytes());
        out.extend(*content);
        directory.extend(b"PK\x01\x02\0\0\0\0\0\0\0\0\0\0\0\0");
        directory.extend(&fields);
        directory.extend([0; 10]);
        directory.extend(start.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let (start, size) = (out.len() as u32, directory.len() as u32);
    out.extend(directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend([members.len() as u16; 2].map(u16::to_le_bytes).concat());
    out.extend(size.to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend(0u16.to_le_bytes());
    out
}

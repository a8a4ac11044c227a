//! What several tests need.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// The program.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_negatoscope");

/// A folder of the shared real data. Tests that call this carry
/// `#[cfg_attr(not(has_data), ignore = "needs NEGATOSCOPE_DATA")]`, so they show as ignored without it.
pub fn data(group: &str) -> PathBuf {
    let root = std::env::var_os("NEGATOSCOPE_DATA")
        .expect("NEGATOSCOPE_DATA was set when this test was built");
    PathBuf::from(root).join(group)
}

/// Runs a command of the program and gives what it printed; it must end well.
pub fn program(arguments: &[&str]) -> String {
    let run = Command::new(PROGRAM).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{arguments:?}: {said}");
    String::from_utf8(run.stdout).unwrap()
}

/// The header and the bytes of a `.npy` file.
pub fn npy(path: &Path) -> (String, Vec<u8>) {
    let bytes = std::fs::read(path).unwrap();
    let length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = String::from_utf8_lossy(&bytes[10..10 + length]).into_owned();
    (header, bytes[10 + length..].to_vec())
}

/// The values of a `.npy` file of 32-bit floats.
pub fn npy_floats(path: &Path) -> Vec<f32> {
    let (_, bytes) = npy(path);
    let (values, _) = bytes.as_chunks::<4>();
    values.iter().map(|v| f32::from_le_bytes(*v)).collect()
}

/// A generator of numbers that repeats (xorshift64*).
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % below.max(1)
    }
}

/// Runs a script in a mount namespace of its own; `None` where the system does not allow it.
pub fn in_namespace(script: &str, arguments: &[&Path]) -> Option<Output> {
    let allowed = Command::new("unshare")
        .args(["-m", "sh", "-c", "mount -t tmpfs none /mnt"])
        .output()
        .is_ok_and(|o| o.status.success());
    allowed.then(|| {
        Command::new("unshare")
            .args(["-m", "sh", "-c", script, PROGRAM])
            .args(arguments)
            .output()
            .unwrap()
    })
}

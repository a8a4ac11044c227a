//! Tells the tests at compile time what is at hand, so that those that need more show as ignored:
//! `has_data` when NEGATOSCOPE_DATA names the real data, `no_gpu` when NEGATOSCOPE_NO_GPU says that this machine has
//! no graphics adapter, not even a software one, `has_keyring` when a keyring of the system can be started on a message
//! bus of its own.

use std::{env, path::Path};

fn main() {
    println!("cargo::rustc-check-cfg=cfg(has_data)");
    println!("cargo::rustc-check-cfg=cfg(no_gpu)");
    println!("cargo::rustc-check-cfg=cfg(has_keyring)");
    println!("cargo::rerun-if-env-changed=NEGATOSCOPE_DATA");
    println!("cargo::rerun-if-env-changed=NEGATOSCOPE_NO_GPU");
    println!("cargo::rerun-if-changed=build.rs");
    if env::var_os("NEGATOSCOPE_DATA").is_some_and(|path| Path::new(&path).is_dir()) {
        println!("cargo::rustc-cfg=has_data");
    }
    let paths = env::var_os("PATH").unwrap_or_default();
    let found = |program: &str| env::split_paths(&paths).any(|dir| dir.join(program).is_file());
    if found("gnome-keyring-daemon") && found("dbus-run-session") {
        println!("cargo::rustc-cfg=has_keyring");
    }
    if env::var_os("NEGATOSCOPE_NO_GPU").is_some_and(|value| value == "1") {
        println!("cargo::rustc-cfg=no_gpu");
    }
}

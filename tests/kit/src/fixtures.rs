//! Test data in files: recorded tokens, events, and fuzz inputs.

use std::fs;
use std::path::{Path, PathBuf};

/// The folder of events, which are `NAME.json` files for `cargo lambda invoke`.
pub fn events() -> PathBuf {
    root().join("events")
}

/// Reads an event by its name, such as `create-task.me`.
///
/// # Panics
/// If it does not exist.
pub fn event(name: &str) -> String {
    read(&events().join(format!("{name}.json")))
}

/// Reads a token that Better Auth issued, together with its issuer's keys, by file name.
///
/// # Panics
/// If it does not exist.
pub fn better_auth(name: &str) -> String {
    read(&root().join("tests/fixtures/better-auth").join(format!("{name}.json")))
}

/// The folder of a fuzz target's kept inputs.
pub fn corpus(target: &str) -> PathBuf {
    root().join("fuzz/corpus").join(target)
}

/// The root of the project.
pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

//! What is kept in files: recorded tokens, test vectors, events.

use std::fs;
use std::path::{Path, PathBuf};

/// The folder of events: `NAME.json` for `cargo lambda invoke`.
pub fn events() -> PathBuf {
    root().join("events")
}

/// An event, by its name, such as `create-task.me`.
///
/// # Panics
/// If there is none.
pub fn event(name: &str) -> String {
    read(&events().join(format!("{name}.json")))
}

/// A token that Better Auth issued, with the keys of its issuer, by the name of its file.
///
/// # Panics
/// If there is none.
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

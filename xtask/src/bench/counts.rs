//! `cargo xtask bench --counts`: what is the same on every machine and in every run, and may not be lost.

use anyhow::{Result, ensure};
use signer::Key;

use super::binaries::{Binaries, Size};
use super::instructions::{self, Instructions};
use super::laboratory::{Laboratory, Subject};
use super::{OPERATIONS, aside};

/// Bytes. A second library for TLS would not go in.
const MAX_FILE: u64 = 5_000_000;
const MAX_ZIP: u64 = 2_200_000;
/// Instructions of a warm request: a tenth more than there were when this was written, which is more than processors
/// differ in what they let the C library choose.
const MAX_INSTRUCTIONS: [(&str, u64); 3] = [("get-task", 730_000), ("create-task", 780_000), ("list-tasks", 2_400_000)];

/// Builds all functions, and fails if sizes or instructions exceed their bounds.
pub(crate) async fn check() -> Result<()> {
    let binaries = Binaries::build().await?;
    let mut sizes = binaries.sizes()?;
    sizes.retain(|name, _| OPERATIONS.contains(&name.as_str()));
    ensure!(sizes.len() == OPERATIONS.len(), "of {} functions, {} were built", OPERATIONS.len(), sizes.len());
    for (name, Size { file, zip }) in &sizes {
        println!("{name}: {file} bytes, {zip} in a zip");
    }
    for (name, Size { file, zip }) in sizes {
        ensure!(file <= MAX_FILE, "{name} has {file} bytes, more than {MAX_FILE}");
        ensure!(zip <= MAX_ZIP, "{name} has {zip} bytes in a zip, more than {MAX_ZIP}");
    }
    let Some(valgrind) = instructions::valgrind() else {
        println!("Instructions are not counted: valgrind is not installed.");
        return Ok(());
    };
    let laboratory = Laboratory::with(binaries).await?;
    aside(move || {
        for (name, most) in MAX_INSTRUCTIONS {
            let subject = Subject::function(name, Key::Secret);
            let Instructions { warm, .. } = laboratory.count(&valgrind, &subject)?;
            println!("{name}: {warm} instructions a request");
            ensure!(warm <= most, "{name} executes {warm} instructions a request, more than {most}");
        }
        Ok(())
    })
    .await
}

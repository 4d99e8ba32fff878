//! Makes a twin of every program in `refused/`: the same with the line that its last comment gives.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=refused");
    let mut allowed = String::new();
    for entry in fs::read_dir("refused")? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            let program = fs::read_to_string(&path)?;
            let twin = twin(&program).ok_or_else(|| format!("{} does not say what it should be", path.display()))?;
            let name = path.file_stem().unwrap_or_default().display();
            allowed.push_str(&format!("mod {name} {{\n{twin}}}\n"));
        }
    }
    fs::write(Path::new(&env::var("OUT_DIR")?).join("allowed.rs"), allowed)?;
    Ok(())
}

/// The program without its comments, and with the other line.
fn twin(program: &str) -> Option<String> {
    let (program, correction) = program.split_once("\n// Line ")?;
    let (number, line) = correction.split_once(" should have been:\n// ")?;
    let number: usize = number.parse().ok()?;
    let lines = program.lines().zip(1..).skip(1).map(|(same, at)| if at == number { line.trim() } else { same });
    Some(lines.map(|line| format!("{line}\n")).collect())
}

//! Misuse that does not compile. The compiler rejects every program in `refused/` with the message beside it, and accepts
//! its twin, which differs in the line that the program's last comment gives and is part of this package.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue should stop")]

use std::fs;

const ALLOWED: &str = include_str!(concat!(env!("OUT_DIR"), "/allowed.rs"));

/// Names and texts.
fn programs() -> Vec<(String, String)> {
    let paths = fs::read_dir("refused").unwrap().map(|entry| entry.unwrap().path());
    let programs = paths.filter(|path| path.extension().unwrap() == "rs");
    programs
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(path).unwrap()))
        .collect()
}

#[test]
fn misuse_does_not_compile() {
    trybuild::TestCases::new().compile_fail("refused/*.rs");
}

#[test]
fn every_misuse_has_a_message_and_a_compiling_twin() {
    assert!(programs().len() >= 14);
    for (name, _) in programs() {
        assert!(fs::exists(format!("refused/{name}.stderr")).unwrap(), "add refused/{name}.stderr");
        assert!(ALLOWED.contains(&format!("mod {name} {{\n")), "{name} has no twin that is compiled");
    }
}

#[test]
fn misuse_differs_from_its_twin_in_one_line() {
    for (name, program) in programs() {
        let (_, twin) = ALLOWED.split_once(&format!("mod {name} {{\n")).unwrap();
        // The first line is a comment that differs.
        let differences =
            program.lines().skip(1).zip(twin.lines()).take_while(|(refused, _)| *refused != "fn main() {}");
        assert_eq!(differences.filter(|(refused, allowed)| refused != allowed).count(), 1, "{name}");
    }
}

//! Misuse that does not compile. The compiler rejects every program in `refused/` with the message beside it, and
//! accepts its twin in `src/allowed/`, which differs in one line and is part of this package.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue should stop")]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn programs(name: &str) -> BTreeSet<String> {
    let files = fs::read_dir(folder(name)).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    files.filter_map(|file| file.strip_suffix(".rs").map(str::to_owned)).collect()
}

#[test]
fn misuse_does_not_compile() {
    trybuild::TestCases::new().compile_fail("refused/*.rs");
}

#[test]
fn every_misuse_has_a_message_and_a_compiling_twin() {
    let compiled = fs::read_to_string(folder("src/allowed.rs")).unwrap();
    for program in programs("refused") {
        assert!(folder("refused").join(format!("{program}.stderr")).is_file(), "add refused/{program}.stderr");
        assert!(compiled.contains(&format!("\nmod {program};\n")), "add {program} to src/allowed.rs");
    }
    assert_eq!(programs("refused"), programs("src/allowed"));
}

#[test]
fn misuse_differs_from_its_twin_in_one_line() {
    for program in programs("refused") {
        let [refused, allowed] = ["refused", "src/allowed"]
            .map(|name| fs::read_to_string(folder(name).join(format!("{program}.rs"))).unwrap());
        assert_eq!(refused.lines().count(), allowed.lines().count(), "{program}");
        // The first line is a comment that differs.
        let differences = refused.lines().zip(allowed.lines()).skip(1).filter(|(refused, allowed)| refused != allowed);
        assert_eq!(differences.count(), 1, "{program}");
    }
}

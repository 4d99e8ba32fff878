//! What the project is built with.

use std::fs;

#[test]
fn ci_pins_its_actions_by_commit() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../.github/workflows");
    let workflows = fs::read_dir(folder).unwrap().map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap());
    let workflows: String = workflows.collect();
    let actions: Vec<_> = workflows.split("uses: ").skip(1).map(|action| action.lines().next().unwrap()).collect();
    assert!(!actions.is_empty());
    for action in actions {
        let commit = action.split_once('@').unwrap().1.split(' ').next().unwrap();
        assert!(commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()), "{action}");
    }
}

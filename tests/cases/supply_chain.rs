//! Checks the functions' bill of materials, and that CI actions are pinned.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;
use tests::Operation;
use xtask::supply_chain;

fn texts<'a>(values: &'a Value, member: &str) -> BTreeSet<&'a str> {
    values.as_array().unwrap().iter().map(|value| value[member].as_str().unwrap()).collect()
}

#[test]
fn functions_bill_lists_what_they_ship() {
    let bill = supply_chain::functions_bill().unwrap();
    let names = texts(&bill["components"], "name");
    let functions = Operation::ALL.map(Operation::name);
    let shipped = [
        "shared",
        "aws-config",
        "aws-sdk-dynamodb",
        "jsonwebtoken",
        "lambda_http",
        "lambda_runtime",
        "ring",
        "rustls",
        "tokio",
    ];
    for name in functions.into_iter().chain(shipped) {
        assert!(names.contains(name), "{name}");
    }
    // Crates that only tests and commands use, build dependencies, and a crate that only a command's feature would
    // enable.
    let others = ["tests", "xtask", "aws-lc-rs", "dynoxide-rs", "signer"];
    for name in others.into_iter().chain(["cc", "serde_derive", "syn"]).chain(["signal-hook-registry"]) {
        assert!(!names.contains(name), "{name}");
    }
    for component in bill["components"].as_array().unwrap() {
        assert!(!component["licenses"][0]["expression"].as_str().unwrap().is_empty(), "{component}");
        // Downloaded crates have a checksum and a package URL.
        let is_ours = component["name"] == "shared" || component["type"] == "application";
        assert_eq!(component["hashes"][0]["content"].is_string(), !is_ours, "{component}");
        assert_eq!(component["purl"].is_string(), !is_ours, "{component}");
    }
}

#[test]
fn functions_bill_says_what_uses_what() {
    let bill = supply_chain::functions_bill().unwrap();
    let product = &bill["metadata"]["component"]["bom-ref"];
    let mut known = texts(&bill["components"], "bom-ref");
    known.insert(product.as_str().unwrap());
    let uses = bill["dependencies"].as_array().unwrap();
    assert_eq!(texts(&bill["dependencies"], "ref"), known);
    let used = uses.iter().flat_map(|user| user["dependsOn"].as_array().unwrap());
    let used: BTreeSet<_> = used.map(|reference| reference.as_str().unwrap()).collect();
    for &reference in &used {
        assert!(known.contains(reference), "{reference}");
    }
    assert_eq!(used.len() + 1, known.len(), "everything except the product itself is used by something");
    let of_product = uses.iter().find(|user| user["ref"] == *product).unwrap();
    assert_eq!(of_product["dependsOn"].as_array().unwrap().len(), Operation::ALL.len());
}

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

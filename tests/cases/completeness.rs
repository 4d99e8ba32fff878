//! Every operation is in every place that lists operations. Matrices take an operation up by themselves; what they cannot
//! make up is looked for here, and a failure says what to add and where.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::fs;

use kit::fixtures::{events, root};
use tests::{OpenApi, Operation};

use crate::agreement::{local_routes, metadata, template_routes};
use crate::calls::{Call, writes};

/// A place that lists all operations.
struct Place {
    /// What people have to open.
    name: &'static str,
    /// The operations that are there.
    list: fn() -> BTreeSet<String>,
}

const PLACES: [Place; 10] = [
    Place { name: "functions/", list: folders },
    Place { name: "tests/kit/src/operation.rs", list: || names(Operation::ALL) },
    Place { name: "template.yaml", list: || template_routes().into_keys().collect() },
    Place { name: "the router in Cargo.toml", list: || local_routes().into_keys().collect() },
    Place { name: "default-members in Cargo.toml, which the bench measures", list: default_members },
    Place { name: "openapi.yaml", list: contract },
    Place { name: "the table of routes in docs/api.md", list: documented },
    Place { name: "events/", list: with_events },
    Place { name: "Call::all() in tests/cases/calls.rs", list: called },
    Place { name: "client/src/task-api.ts", list: client },
];

fn names(operations: impl IntoIterator<Item = Operation>) -> BTreeSet<String> {
    operations.into_iter().map(|operation| operation.name().to_owned()).collect()
}

/// A call is for a user: what takes no token has none.
fn called() -> BTreeSet<String> {
    let others = Operation::ALL.into_iter().filter(|operation| !operation.takes_token());
    names(Call::all().map(Call::operation).chain(others))
}

fn folders() -> BTreeSet<String> {
    let entries = fs::read_dir(root().join("functions")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn default_members() -> BTreeSet<String> {
    let metadata = metadata();
    let defaults = metadata["workspace_default_members"].as_array().unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter().filter(|package| defaults.contains(&package["id"]));
    packages.map(|package| package["name"].as_str().unwrap().to_owned()).collect()
}

fn contract() -> BTreeSet<String> {
    OpenApi::read().operations().into_iter().map(|(_, _, definition)| tests::openapi::function(definition)).collect()
}

fn documented() -> BTreeSet<String> {
    let text = fs::read_to_string(root().join("docs/api.md")).unwrap();
    let has_row = |operation: &Operation| text.contains(&format!("| `{} {}` |", operation.method(), operation.path()));
    names(Operation::ALL.into_iter().filter(has_row))
}

fn with_events() -> BTreeSet<String> {
    let has_one = |operation: &Operation| events().join(operation.name()).with_extension("json").exists();
    names(Operation::ALL.into_iter().filter(has_one))
}

/// Methods are named after operations: `createTask` of `create-task`.
fn client() -> BTreeSet<String> {
    let source = fs::read_to_string(root().join("client/src/task-api.ts")).unwrap();
    let has_method = |operation: &Operation| {
        let mut words = operation.name().split('-');
        let first = words.next().unwrap().to_owned();
        let method = words.fold(first, |name, word| format!("{name}{}{}", word[..1].to_uppercase(), &word[1..]));
        source.contains(&format!("{method}("))
    };
    names(Operation::ALL.into_iter().filter(has_method))
}

/// What has to be done so that a place lists these operations and no others.
fn differences(place: &str, listed: &BTreeSet<String>, operations: &BTreeSet<String>) -> Vec<String> {
    let missing = operations.difference(listed).map(|name| format!("add {name} to {place}"));
    let unknown = listed.difference(operations).map(|name| format!("{name} is no operation: remove it from {place}"));
    missing.chain(unknown).collect()
}

/// The same for all places.
fn all_differences(operations: &BTreeSet<String>) -> Vec<String> {
    PLACES.iter().flat_map(|Place { name, list }| differences(name, &list(), operations)).collect()
}

/// Checks that two places say the same, and names what is in only one of them.
#[track_caller]
pub(crate) fn assert_same<T: Ord + Debug>(place: &str, listed: &BTreeSet<T>, other: &str, expected: &BTreeSet<T>) {
    let (missing, unknown): (Vec<_>, Vec<_>) =
        (expected.difference(listed).collect(), listed.difference(expected).collect());
    assert!(missing.is_empty(), "missing in {place}, but in {other}: {missing:?}");
    assert!(unknown.is_empty(), "in {place}, but missing in {other}: {unknown:?}");
}

#[test]
fn every_place_lists_every_operation() {
    let differences = all_differences(&names(Operation::ALL));
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// The tests of faults and of crashes repeat every write under its key.
#[test]
fn every_keyed_write_is_a_call() {
    let listed = names(Call::all().filter(|call| call.is_keyed()).map(Call::operation));
    let keyed = names(Operation::ALL.into_iter().filter(|operation| operation.takes_idempotency_key()));
    assert_same("the calls with a key in tests/cases/calls.rs", &listed, "tests/kit/src/operation.rs", &keyed);
}

/// The tests of late attempts make every write of a task that is there.
#[test]
fn every_write_of_a_task_is_overtaken() {
    let listed = names(writes().map(|write| write.operation));
    // Others do not write what is deleted, and a skip is of the version that it has read.
    let others = [Operation::RestoreTask, Operation::SkipTask];
    let expected = Operation::answering_a_task()
        .filter(|operation| operation.is_on_a_task() && !operation.reads() && !others.contains(operation));
    assert_same("writes() of tests/cases/calls.rs", &listed, "tests/kit/src/operation.rs", &names(expected));
}

#[test]
fn new_operation_is_missed_in_every_place() {
    let mut operations = names(Operation::ALL);
    operations.insert("dummy-task".to_owned());
    let expected = PLACES.map(|place| format!("add dummy-task to {}", place.name));
    let mut differences = all_differences(&operations);
    // What an operation lacks that is being added, the test above names.
    differences.retain(|difference| difference.contains("dummy-task"));
    assert_eq!(differences, expected);
}

#[test]
fn removed_operation_is_found_everywhere() {
    let listed = BTreeSet::from(["get-task".to_owned(), "dummy-task".to_owned()]);
    let operations = BTreeSet::from(["get-task".to_owned()]);
    let expected = ["dummy-task is no operation: remove it from template.yaml"];
    assert_eq!(differences("template.yaml", &listed, &operations), expected);
}

#[test]
fn unequal_sets_name_what_differs() {
    let message = |listed: &[&str], expected: &[&str]| {
        let sets = [listed, expected].map(|names| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>());
        let panic = std::panic::catch_unwind(|| assert_same("template.yaml", &sets[0], "functions/", &sets[1]));
        *panic.unwrap_err().downcast::<String>().unwrap()
    };
    assert_eq!(message(&["a"], &["a", "b"]), r#"missing in template.yaml, but in functions/: ["b"]"#);
    assert_eq!(message(&["a", "b"], &["a"]), r#"in template.yaml, but missing in functions/: ["b"]"#);
}

/// The lock file of the fuzz targets is a copy of the workspace's, which does not have the crates that only they need.
#[test]
fn fuzz_targets_pin_what_the_workspace_does_not_lock() {
    let manifest = fs::read_to_string(root().join("fuzz/Cargo.toml")).unwrap();
    let (_, dependencies) = manifest.split_once("[dependencies]").unwrap();
    let dependencies =
        dependencies.lines().take_while(|line| !line.starts_with("[[")).filter(|line| line.contains(" = "));
    for dependency in dependencies {
        assert!(dependency.contains("path = ") || dependency.contains("\"="), "{dependency}");
    }
}

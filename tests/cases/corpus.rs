//! Replays the kept fuzz inputs: all of them with the fake DynamoDB of the fuzz targets, and requests with a complete
//! database too.

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use invariants::{INVARIANTS, changes_query_of, event_of, query_of, request_of};
use kit::fixtures;
use tests::{ALICE, Api, Event, Operation, Signer};

use crate::completeness::assert_same;

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn corpus(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let files = files(&fixtures::corpus(name));
    assert!(!files.is_empty(), "{name}");
    files.into_iter().map(|file| (file.clone(), fs::read(file).unwrap())).collect()
}

fn fails(holds: fn(&[u8]), input: &[u8]) -> bool {
    catch_unwind(AssertUnwindSafe(|| holds(input))).is_err()
}

#[test]
fn every_invariant_has_a_target_and_a_corpus() {
    let names: BTreeSet<_> = INVARIANTS.iter().map(|(name, _)| (*name).to_owned()).collect();
    for folder in ["fuzz_targets", "corpus"] {
        let files = files(&fixtures::root().join("fuzz").join(folder));
        let stems = files.iter().map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
        assert_same(&format!("fuzz/{folder}"), &stems, "INVARIANTS", &names);
    }
}

/// Kept inputs name the operations that existed when they were found, so each one is tried with all operations.
#[test]
fn corpus_holds_for_every_operation() {
    let mut failing = Vec::new();
    for (name, holds) in INVARIANTS.into_iter().filter(|(name, _)| ["database", "event"].contains(name)) {
        for (file, mut input) in corpus(name) {
            for operation in Operation::ALL {
                input[0] = operation.letter();
                failing.extend(fails(holds, &input).then(|| format!("{operation:?}: {}", file.display())));
            }
        }
    }
    assert!(failing.is_empty(), "{}", failing.join("\n"));
}

#[test]
fn every_invariant_holds_of_its_corpus() {
    let inputs =
        INVARIANTS.into_iter().flat_map(|(name, holds)| corpus(name).into_iter().map(move |file| (holds, file)));
    let failing = inputs.filter_map(|(holds, (file, input))| fails(holds, &input).then_some(file)).collect::<Vec<_>>();
    assert_eq!(failing, Vec::<PathBuf>::new());
}

#[tokio::test]
async fn corpus_never_fails_on_a_real_database() {
    let api = Api::start().await;
    let token = Signer::default().token(ALICE);
    let id = api.create_titled("one").await;
    let events = corpus("event").into_iter().filter_map(|(file, input)| {
        let (operation, _, event) = event_of(&input, &token, &id)?;
        Some((file, operation, event))
    });
    let requests = corpus("request").into_iter().filter_map(|(file, input)| {
        let (_, request) = request_of(&input, &token, &id)?;
        Some((file, request.operation, request.event))
    });
    let lists = corpus("cursor").into_iter().filter_map(|(file, input)| {
        let event = Event::by(ALICE).raw_query(&query_of(&input)?);
        Some([Operation::ListTasks, Operation::ListTags].map(|list| (file.clone(), list, event.to_string())))
    });
    let changes = corpus("sync_token").into_iter().filter_map(|(file, input)| {
        let event = Event::by(ALICE).raw_query(&changes_query_of(&input)?);
        Some((file, Operation::ListChanges, event.to_string()))
    });
    for (file, operation, event) in events.chain(requests).chain(lists.flatten()).chain(changes) {
        let answer = api.call_raw(operation, &event).await;
        assert!(answer.status < 500, "{operation:?}, {}: {answer:?}", file.display());
    }
}

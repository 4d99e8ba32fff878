//! What is started in a process group ends with it.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use local::processes::{GUARD_COMMAND, ProcessGroup};
use tokio::process::{Child, Command};
use tokio::time::timeout;

const LOCAL: &str = env!("CARGO_BIN_EXE_local");

fn sleeper(group: &ProcessGroup) -> std::io::Result<Child> {
    Command::new("sleep").arg("60").process_group(group.id()).spawn()
}

async fn ends(mut child: Child) -> bool {
    timeout(Duration::from_secs(5), child.wait()).await.is_ok()
}

#[tokio::test]
async fn a_stopped_group_ends_its_processes() {
    let group = ProcessGroup::start(Path::new(LOCAL)).unwrap();
    let child = sleeper(&group).unwrap();
    group.stop().await;
    assert!(ends(child).await);
}

#[tokio::test]
async fn a_dropped_group_ends_its_processes() {
    let group = ProcessGroup::start(Path::new(LOCAL)).unwrap();
    let child = sleeper(&group).unwrap();
    drop(group);
    assert!(ends(child).await);
}

#[tokio::test]
async fn a_guard_started_by_hand_kills_nobody() {
    let mut guard = Command::new(LOCAL);
    let output = guard.arg(GUARD_COMMAND).stdin(Stdio::null()).output().await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("error: "));
}

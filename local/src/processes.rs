//! Child processes that do not outlive their parent, however it ends.

use std::io::Read;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use rustix::process::{Signal, getpgrp, getpid, kill_process_group};
use tokio::process::{Child, ChildStdin, Command};

/// The hidden command of the `local` binary that runs [`guard`].
pub const GUARD_COMMAND: &str = "guard";

/// A process group that is killed when it is dropped, and also when this process is killed.
///
/// Its leader is a small process that kills the group when its standard input ends, which happens in either case.
pub struct ProcessGroup {
    leader: Child,
    /// Held open for as long as the group lives.
    _lifeline: ChildStdin,
    id: i32,
}

impl ProcessGroup {
    /// Starts an empty group; `local` is the binary of this crate.
    ///
    /// # Errors
    /// The binary cannot be started.
    pub fn start(local: &Path) -> Result<Self> {
        let mut leader = Command::new(local)
            .arg(GUARD_COMMAND)
            .stdin(Stdio::piped())
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {}", local.display()))?;
        let lifeline = leader.stdin.take().context("the guard has no standard input")?;
        let id = leader.id().and_then(|id| i32::try_from(id).ok()).context("the guard ended at once")?;
        Ok(Self { leader, _lifeline: lifeline, id })
    }

    /// The group for [`Command::process_group`].
    #[must_use]
    pub fn id(&self) -> i32 {
        self.id
    }

    /// Kills every process of the group and waits until that is done.
    pub async fn stop(self) {
        let Self { mut leader, _lifeline: lifeline, .. } = self;
        drop(lifeline);
        // If this fails, nothing is left to kill.
        let _ = leader.wait().await;
    }
}

/// The leader of a [`ProcessGroup`]: waits until its parent drops the group or dies, then kills the group.
///
/// # Errors
/// It was started by hand, so that the group is not its own.
pub fn guard() -> Result<()> {
    if getpgrp() != getpid() {
        bail!("only the stack may start `{GUARD_COMMAND}`");
    }
    // An error ends the wait as the end of the input does.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    kill_process_group(getpgrp(), Signal::KILL).context("cannot kill the process group")
}

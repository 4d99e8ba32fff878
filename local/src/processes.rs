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
/// Its leader is a small process that waits for the end of its standard input, which the operating system brings
/// about in either case, and then kills its group.
pub struct ProcessGroup {
    leader: Child,
    /// Held open for as long as the group shall live.
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

    /// Kills every process of the group, and returns when that has been done.
    pub async fn stop(self) {
        let Self { mut leader, _lifeline: lifeline, .. } = self;
        drop(lifeline);
        // There is nobody left to tell about a failure, and nothing left to kill.
        let _ = leader.wait().await;
    }
}

/// The leader of a [`ProcessGroup`]: waits for its parent to let go, or to die, and kills the group.
///
/// # Errors
/// It was started by hand: then the group is not its own.
pub fn guard() -> Result<()> {
    if getpgrp() != getpid() {
        bail!("`{GUARD_COMMAND}` is started by the stack only");
    }
    // An error ends the wait as the end of the input does.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    kill_process_group(getpgrp(), Signal::KILL).context("cannot kill the process group")
}

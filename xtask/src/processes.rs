//! Child processes that do not outlive their parent, however it ends.

use std::ffi::OsStr;
use std::io::Read;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, getpgrp, getpid, kill_process_group};
use tokio::process::{Child, ChildStdin, Command};

/// The hidden command of the `xtask` binary that runs [`guard`].
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
    /// Starts an empty group; `xtask` is the project's `xtask` binary.
    ///
    /// # Errors
    /// The binary cannot be started.
    pub fn start(xtask: &Path) -> Result<Self> {
        let mut leader = Command::new(xtask)
            .arg(GUARD_COMMAND)
            .stdin(Stdio::piped())
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {}", xtask.display()))?;
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
        bail!("`{GUARD_COMMAND}` is started by the other commands only");
    }
    // An error ends the wait as the end of the input does.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    kill_process_group(getpgrp(), Signal::KILL).context("cannot kill the process group")
}

/// Runs a command to its end; when the returned future is dropped, the command and its children are killed.
///
/// # Errors
/// The command cannot be started, or fails.
pub async fn run(command: &mut Command) -> Result<()> {
    let mut running = Running::start(command)?;
    running.finish().await
}

/// A command that runs in a process group of its own, which is killed if the command has not ended when it is dropped.
pub struct Running {
    name: String,
    child: Child,
}

impl Running {
    /// Starts a command.
    ///
    /// # Errors
    /// The program is missing or cannot be started.
    pub fn start(command: &mut Command) -> Result<Self> {
        let name = name_of(command);
        let child = command
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start `{name}`, which must be installed"))?;
        Ok(Self { name, child })
    }

    /// The started process.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Waits for the command to succeed.
    ///
    /// # Errors
    /// It fails.
    pub async fn finish(&mut self) -> Result<()> {
        let status = self.child.wait().await.with_context(|| format!("cannot wait for `{}`", self.name))?;
        if !status.success() {
            bail!("`{}` failed ({status})", self.name);
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A process that was waited for has no id any more.
        if let Some(group) = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// The program and its first words, short enough for a message.
fn name_of(command: &Command) -> String {
    let command = command.as_std();
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let arguments = command.get_args().filter(|argument| !argument.as_encoded_bytes().contains(&b'/'));
    let words: Vec<_> = std::iter::once(program).chain(arguments.take(2)).map(OsStr::to_string_lossy).collect();
    words.join(" ")
}

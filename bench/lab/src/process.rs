//! Pins everything to one processor and reads the kernel's figures about a process.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::time::{clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;

/// Moves this process to one processor. The threads and processes that it starts afterwards run there too.
pub(crate) fn pin() -> Result<()> {
    let this = Pid::from_raw(0);
    let available = sched_getaffinity(this).context("cannot read the available processors")?;
    // The last one, because the first usually serves interrupts.
    let last = (0..CpuSet::count()).rev().find(|&processor| available.is_set(processor).unwrap_or(false));
    let mut one = CpuSet::new();
    one.set(last.context("no processor")?)?;
    sched_setaffinity(this, &one).context("cannot choose a processor")
}

/// The CPU time of a process so far, including threads that have exited, taken when all its threads are waiting.
pub(crate) fn cpu_time(process: Pid) -> Result<Duration> {
    let deadline = Instant::now() + Duration::from_secs(10);
    let clock = clock_getcpuclockid(process).context("the function has exited")?;
    let mut counted = None;
    while Instant::now() < deadline {
        let is_waiting = is_waiting(process)?;
        let time = Duration::from(clock_gettime(clock)?);
        // Two equal readings, because a thread may wake up while the state of the others is read.
        if is_waiting && counted == Some(time) {
            return Ok(time);
        }
        counted = is_waiting.then_some(time);
        std::thread::sleep(Duration::from_micros(30));
    }
    bail!("the function does not become idle")
}

fn is_waiting(process: Pid) -> Result<bool> {
    for thread in fs::read_dir(format!("/proc/{process}/task")).context("the function has exited")? {
        // The thread may have exited meanwhile.
        let Ok(stat) = fs::read_to_string(thread?.path().join("stat")) else { continue };
        if !stat.rsplit_once(") ").is_some_and(|(_, state)| state.starts_with('S')) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The peak resident memory of a process in MiB.
pub(crate) fn peak_memory(process: Pid) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).context("the function has exited")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no peak memory")?;
    let kibibytes: f64 = line.trim().trim_end_matches(" kB").parse().context("no peak memory")?;
    Ok(kibibytes / 1024.0)
}

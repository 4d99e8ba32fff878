//! What the kernel knows about a process, and on which processors it runs.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// One processor for the functions, the others for everything that they talk to.
#[derive(Debug)]
pub(super) struct Processors {
    function: CpuSet,
    others: CpuSet,
}

impl Processors {
    /// Moves all threads of this process away from one processor; `None` if there is only one.
    pub(super) fn divide() -> Result<Option<Self>> {
        let all = sched_getaffinity(None).context("cannot see the processors")?;
        let mut available = (0..CpuSet::MAX_CPU).filter(|&processor| all.is_set(processor));
        let Some(last) = available.next_back().filter(|_| all.count() > 1) else { return Ok(None) };
        let (mut function, mut others) = (CpuSet::new(), all);
        function.set(last);
        others.unset(last);
        for thread in fs::read_dir("/proc/self/task")? {
            let id = thread?.file_name().to_string_lossy().parse().context("not a thread")?;
            // A thread that has ended since needs no place.
            let _ = sched_setaffinity(Pid::from_raw(id), &others);
        }
        Ok(Some(Self { function, others }))
    }

    /// Does something, such as starting a process that shall inherit it, on the functions' processor.
    pub(super) fn on_function_processor<T>(&self, work: impl FnOnce() -> T) -> Result<T> {
        sched_setaffinity(None, &self.function).context("cannot change the processor")?;
        let result = work();
        sched_setaffinity(None, &self.others).context("cannot change the processor")?;
        Ok(result)
    }
}

/// The CPU time of a process so far, taken when all of its threads wait: only then has the kernel counted all of it.
pub(super) fn cpu_time(process: u32) -> Result<Duration> {
    let given_up = Instant::now() + Duration::from_secs(10);
    let mut counted = None;
    while Instant::now() < given_up {
        let (nanoseconds, is_waiting) = count(process)?;
        // Twice the same, as a thread may have been woken between the two files that are read.
        if is_waiting && counted == Some(nanoseconds) {
            return Ok(Duration::from_nanos(nanoseconds));
        }
        counted = is_waiting.then_some(nanoseconds);
        std::thread::sleep(Duration::from_micros(30));
    }
    bail!("the function does not come to rest")
}

fn count(process: u32) -> Result<(u64, bool)> {
    let (mut nanoseconds, mut is_waiting) = (0, true);
    for thread in fs::read_dir(format!("/proc/{process}/task")).context("the function has ended")? {
        let thread = thread?.path();
        let (Ok(stat), Ok(schedstat)) =
            (fs::read_to_string(thread.join("stat")), fs::read_to_string(thread.join("schedstat")))
        else {
            continue;
        };
        let time = schedstat.split(' ').next().context("no CPU time")?;
        nanoseconds += time.parse::<u64>().context("no CPU time")?;
        is_waiting &= stat.rsplit_once(") ").is_some_and(|(_, state)| state.starts_with('S'));
    }
    Ok((nanoseconds, is_waiting))
}

/// The most memory that a process has had, in bytes.
pub(super) fn peak_memory(process: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).context("the function has ended")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no peak memory")?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().context("no peak memory")?;
    Ok(kibibytes * 1024)
}

/// The processor's name, how many there are, and the kernel.
pub(super) fn machine() -> Result<String> {
    let processors = fs::read_to_string("/proc/cpuinfo")?;
    let model = processors.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let count = processors.lines().filter(|line| line.starts_with("processor")).count();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let release: String = kernel.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    let model = model.map_or("unknown processor", |(_, model)| model.trim());
    Ok(format!("{model}, {count} cores, Linux {}, {}", release.trim_end_matches('.'), std::env::consts::ARCH))
}

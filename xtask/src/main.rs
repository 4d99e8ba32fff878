//! The project's commands, run as `cargo xtask <command>`.
#![expect(clippy::print_stderr, reason = "an error is told on the terminal")]

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};
use xtask::{
    bench::Bench, checks, contract, coverage, dev::Dev, fuzz::Fuzz, mutants::Mutants, processes, supply_chain::Audit,
};

/// The project's commands.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the whole stack on this machine: the API, the functions, the tables.
    Dev(Dev),
    /// Runs all checks: format, lints, the template, all tests.
    Test,
    /// Says how much of `shared` the tests run, and fails below the bounds.
    Coverage,
    /// Checks what the product is made of, and writes bills of materials into target/sbom.
    Audit(Audit),
    /// Measures what a call costs.
    Bench(Bench),
    /// Searches for inputs that an invariant does not hold of.
    Fuzz(Fuzz),
    /// Runs a client and requests that are generated from openapi.yaml against the API, and checks the answers.
    Contract {
        /// Further arguments of `schemathesis run`.
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Makes small faults in the product, and tells which of them no test notices.
    Mutants(Mutants),
    #[command(name = processes::GUARD_COMMAND, hide = true)]
    Guard,
}

#[tokio::main]
async fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Dev(dev) => until_stopped(dev.run()).await,
        Command::Test => until_stopped(checks::run()).await.and_then(|ending| match ending {
            Ending::Finished => Ok(Ending::Finished),
            Ending::Stopped => anyhow::bail!("stopped before all checks had run"),
        }),
        Command::Contract { arguments } => until_stopped(contract::check(&arguments)).await,
        Command::Coverage => until_stopped(coverage::run()).await,
        Command::Audit(audit) => until_stopped(audit.run()).await,
        Command::Bench(bench) => until_stopped(bench.run()).await,
        Command::Mutants(mutants) => mutants.run().await.map(|()| Ending::Finished),
        Command::Fuzz(fuzz) => until_stopped(fuzz.run()).await,
        Command::Guard => processes::guard().map(|()| Ending::Finished),
    };
    match result {
        Ok(Ending::Finished | Ending::Stopped) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

enum Ending {
    Finished,
    Stopped,
}

/// Runs a command until it is done or told to stop: dropping it stops what it has started.
async fn until_stopped(command: impl Future<Output = Result<()>>) -> Result<Ending> {
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen to Ctrl-C")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen to SIGTERM")?;
    let mut hang_up = signal(SignalKind::hangup()).context("cannot listen to SIGHUP")?;
    tokio::select! {
        result = command => result.map(|()| Ending::Finished),
        _ = interrupt.recv() => Ok(Ending::Stopped),
        _ = terminate.recv() => Ok(Ending::Stopped),
        _ = hang_up.recv() => Ok(Ending::Stopped),
    }
}

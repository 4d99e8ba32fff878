//! The stack on one machine, run as `cargo xtask dev`.
#![expect(clippy::print_stderr, reason = "an error is told on the terminal")]

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use local::{dev::Dev, processes};
use tokio::signal::unix::{SignalKind, signal};

/// Runs the whole stack on this machine: the API, the functions, the tables, the issuer, the page.
#[derive(Parser)]
#[command(name = "cargo xtask dev", bin_name = "cargo xtask dev", subcommand_negates_reqs = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    dev: Dev,
}

#[derive(Subcommand)]
enum Command {
    #[command(name = processes::GUARD_COMMAND, hide = true)]
    Guard,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.command {
        None => until_stopped(arguments.dev.run()).await,
        Some(Command::Guard) => processes::guard(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the stack until it is told to stop: dropping it stops what it has started.
async fn until_stopped(stack: impl Future<Output = Result<()>>) -> Result<()> {
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen to Ctrl-C")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen to SIGTERM")?;
    let mut hang_up = signal(SignalKind::hangup()).context("cannot listen to SIGHUP")?;
    tokio::select! {
        result = stack => result,
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
        _ = hang_up.recv() => Ok(()),
    }
}

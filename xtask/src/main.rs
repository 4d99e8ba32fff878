//! The project's commands, run as `cargo xtask <command>`.
#![expect(clippy::print_stderr, reason = "an error is told on the terminal")]

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use xtask::{bench, contract, coverage, dev, fuzz::Fuzz, mutants::Mutants, supply_chain::Audit, test};

/// The project's commands.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the whole stack on this machine: the API, the functions, the tables, the issuer, the page.
    #[command(disable_help_flag = true)]
    Dev(Others),
    /// Runs all checks: format, template, lints, tests, contract, page, sizes and instructions.
    Test,
    /// Prints how much of `shared` the tests run, and fails below the bounds.
    Coverage,
    /// Checks licences, sources and known vulnerabilities of dependencies, and writes bills of materials into target/sbom.
    Audit(Audit),
    /// Measures what a call costs.
    #[command(disable_help_flag = true)]
    Bench(Others),
    /// Fuzzes what reads a stranger's bytes.
    Fuzz(Fuzz),
    /// Runs a generated client and generated requests against the API, and checks the answers against openapi.yaml.
    Contract {
        /// Further arguments of `schemathesis run`.
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Makes small faults in the product, and fails if a test does not notice one.
    Mutants(Mutants),
}

/// The options of another program, which explains them itself: `--help` lists them.
#[derive(Args)]
struct Others {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Dev(Others { arguments }) => dev::run(&arguments),
        Command::Test => test::run(),
        Command::Coverage => coverage::run(),
        Command::Audit(audit) => audit.run(),
        Command::Bench(Others { arguments }) => bench::run(&arguments),
        Command::Fuzz(fuzz) => fuzz.run(),
        Command::Contract { arguments } => contract::check(&arguments),
        Command::Mutants(mutants) => mutants.run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

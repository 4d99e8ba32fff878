//! The project's commands, run as `cargo xtask <command>`.
#![expect(clippy::print_stderr, reason = "errors are printed to the terminal")]

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use xtask::{
    bench, contract, coverage, dev, fuzz::Fuzz, load, mutants::Mutants, smoke::Smoke, supply_chain::Audit, test::Test,
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
    /// Runs the whole stack on this machine: API, functions, tables, issuer, and page.
    #[command(disable_help_flag = true)]
    Dev(Others),
    /// Runs all checks: format, template, lints, tests, contract, page, sizes, and instructions.
    Test(Test),
    /// Prints how much of `shared` the tests cover and fails below the bounds.
    Coverage,
    /// Checks dependencies for licenses, sources, and known vulnerabilities, and writes SBOMs into target/sbom.
    Audit(Audit),
    /// Measures what a call costs.
    #[command(disable_help_flag = true)]
    Bench(Others),
    /// Loads the local stack with many users and faults, and checks that no write is lost or doubled.
    #[command(disable_help_flag = true)]
    Load(Others),
    /// Fuzzes the parsers of untrusted input.
    Fuzz(Fuzz),
    /// Runs a generated client and generated requests against the API and checks the responses against openapi.yaml.
    Contract {
        /// Additional arguments for `schemathesis run`.
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Injects small faults into the product and fails if the tests miss one.
    Mutants(Mutants),
    /// Calls every operation of a deployed stack, and removes the tasks that it has created.
    Smoke(Smoke),
}

/// The arguments of another program, including `--help`.
#[derive(Args)]
struct Others {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Dev(Others { arguments }) => dev::run(&arguments),
        Command::Test(test) => test.run(),
        Command::Coverage => coverage::run(),
        Command::Audit(audit) => audit.run(),
        Command::Bench(Others { arguments }) => bench::run(&arguments),
        Command::Load(Others { arguments }) => load::run(&arguments),
        Command::Fuzz(fuzz) => fuzz.run(),
        Command::Contract { arguments } => contract::check(&arguments),
        Command::Mutants(mutants) => mutants.run(),
        Command::Smoke(smoke) => smoke.run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

//! `cargo xtask load`: release builds of the functions behind the local gateway, under the load of many users, with faults
//! of DynamoDB. Every response and, at the end, everything stored is compared with what was acknowledged.
//!
//! The load is open: operations start at random times at a given rate, however slow the responses are, and a latency
//! counts from the time at which the operation was due.
#![expect(clippy::print_stderr, clippy::print_stdout, reason = "this command prints a report and its progress")]

mod client;
mod processes;
mod report;
mod usage;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use local::dynamodb::{EmbeddedDynamoDb, Storage};
use local::processes::{GUARD_COMMAND, guard};
use local::stack::{DynamoDb, Options, Stack};
use local::tables::Service;
use rand::SeedableRng;
use rand::distr::weighted::WeightedIndex;
use rand::rngs::StdRng;
use rand_distr::{Distribution, Exp, Zipf};
use signer::{SECRET_SETTINGS, SharedSecretIssuer};
use tests::{Fault, Wire};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep_until};
use xtask::project::root;

use crate::client::{Client, Kind, MIX, User};
use crate::report::{Measurements, Report};

/// What happens to the requests that are chosen for a fault, each as often.
const FAULTS: [Fault; 6] = [
    Fault::Error(500, "InternalServerError"),
    Fault::Error(400, "ThrottlingException"),
    Fault::Reset,
    Fault::LostAnswer,
    Fault::NoAnswer,
    Fault::Truncated,
];

/// How many tasks a user has who syncs.
const SYNCED: usize = 10_000;

const TOKEN_LIFETIME: Duration = Duration::from_hours(12);

/// Loads the stack on this machine, and checks that no acknowledged write is lost or doubled.
#[derive(Debug, Clone, Parser)]
#[command(name = "cargo xtask load", bin_name = "cargo xtask load")]
struct Arguments {
    /// Operations a second; otherwise 70 % of what this machine bears, which is measured first.
    #[arg(long)]
    rate: Option<f64>,
    /// How long, in seconds.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// The number of users.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    users: u32,
    /// The exponent of Zipf's law by which users are chosen; 0 chooses all as often.
    #[arg(long, default_value_t = 0.8)]
    skew: f64,
    /// One in so many requests to DynamoDB gets a fault; 0 for none.
    #[arg(long, default_value_t = 100)]
    fault_one_in: u64,
    /// The processes of each function.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=32))]
    processes: u16,
    /// The seed of operations, users, and times.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Uses development builds, which are quicker to build.
    #[arg(long, conflicts_with = "record")]
    development: bool,
    /// Writes docs/load-figures.md.
    #[arg(long)]
    record: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let result = match std::env::args().nth(1).as_deref() {
        Some(GUARD_COMMAND) => guard(),
        _ => run(Arguments::parse()).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<()> {
    if !arguments.development {
        eprintln!("Building the functions in release mode; this takes some minutes after a change …");
    }
    let logs = root().join("target/load");
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let database = EmbeddedDynamoDb::start(Storage::Memory, address).await?;
    let wire = Wire::to(database.endpoint()).await;
    let stack = Stack::start(Options {
        port: 0,
        dynamodb: DynamoDb::Other(Service::unchecked(wire.endpoint())),
        logs: logs.clone(),
        settings: SECRET_SETTINGS.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        issuer: None,
        processes: arguments.processes.into(),
        release: !arguments.development,
        shows_requests: false,
    })
    .await?;
    let load = Load::new(&stack, &arguments)?;
    let rate = match arguments.rate {
        Some(rate) => rate,
        None => 0.7 * load.capacity().await?,
    };
    eprintln!("Creating {SYNCED} tasks of a user who syncs at the end …");
    let syncing = User::new(load.tokens.token("user-who-syncs", TOKEN_LIFETIME));
    load.client.fill(&syncing, SYNCED).await?;
    wire.fail_one_in(arguments.fault_one_in, &FAULTS);
    let report = load.drive(rate, &wire, &logs, &arguments).await?;
    wire.settle().await;
    let mut report = load.audit(report).await?;
    // Before, changes of the last six minutes would come again.
    if report.duration > Duration::from_mins(6) {
        report.sync = Some(load.client.sync(&syncing).await?);
    }
    stack.stop().await;
    println!("{report}");
    if arguments.record {
        std::fs::write(root().join("docs/load-figures.md"), report.page()).context("cannot write the figures")?;
    }
    report.verdict()
}

/// The users, and what is measured of their operations.
struct Load {
    client: Client,
    users: Vec<User>,
    tokens: SharedSecretIssuer,
    popularity: Zipf<f64>,
    measurements: Mutex<Measurements>,
}

impl Load {
    fn new(stack: &Stack, arguments: &Arguments) -> Result<Arc<Self>> {
        let [(_, secret), (_, issuer), (_, audience)] = SECRET_SETTINGS.map(|(name, value)| (name, value.to_owned()));
        let tokens = SharedSecretIssuer { secret, issuer, audience };
        let token = |number| tokens.token(&format!("user-{number}"), TOKEN_LIFETIME);
        Ok(Arc::new(Self {
            client: Client::new(stack.base_url(), arguments.seed),
            users: (1..=arguments.users).map(|number| User::new(token(number))).collect(),
            tokens,
            popularity: Zipf::new(arguments.users.into(), arguments.skew).context("--skew")?,
            measurements: Mutex::default(),
        }))
    }

    /// How many operations a second are done if each of some clients starts one as soon as the one before is answered.
    async fn capacity(self: &Arc<Self>) -> Result<f64> {
        const CLIENTS: u64 = 16;
        const TIME: Duration = Duration::from_secs(20);
        let begun = Instant::now();
        let mut clients = JoinSet::new();
        for number in 0..CLIENTS {
            let this = Arc::clone(self);
            clients.spawn(async move {
                let mut random = StdRng::seed_from_u64(number);
                for round in 0.. {
                    if begun.elapsed() > TIME {
                        break;
                    }
                    // Numbers that no operation of the load has.
                    let number = u64::MAX - (round * CLIENTS + number);
                    this.operation(this.kind(&mut random)?, this.user(&mut random), number, Instant::now()).await;
                }
                anyhow::Ok(())
            });
        }
        while let Some(client) = clients.join_next().await {
            client??;
        }
        let measured = std::mem::take(&mut *self.measured());
        ensure!(measured.violations.is_empty(), "without faults: {:?}", measured.violations);
        let capacity = measured.operations() as f64 / begun.elapsed().as_secs_f64();
        eprintln!("{CLIENTS} clients without pauses: {capacity:.0} operations a second");
        Ok(capacity)
    }

    /// Starts operations at the given rate, as if many independent users did.
    async fn drive(self: &Arc<Self>, rate: f64, wire: &Wire, logs: &Path, arguments: &Arguments) -> Result<Report> {
        /// With so many under way, further ones are not started, so that the emulator of Lambda survives.
        const MOST: usize = 300;
        let time = Duration::from_secs(arguments.seconds);
        let gaps = Exp::new(rate).context("--rate")?;
        let mut random = StdRng::seed_from_u64(arguments.seed);
        let (begun, begun_at, mut operations) = (Instant::now(), milliseconds(), JoinSet::new());
        let (mut due, mut progress, mut number) = (begun, interval(Duration::from_secs(10)), 0);
        let (mut settled, mut most, mut dropped, before) = (None, 0, 0, wire.totals().0);
        while due < begun + time {
            tokio::select! {
                () = sleep_until(due) => {
                    let (kind, user) = (self.kind(&mut random)?, self.user(&mut random));
                    while operations.try_join_next().is_some() {}
                    if operations.len() < MOST {
                        let this = Arc::clone(self);
                        operations.spawn(async move { this.operation(kind, user, number, due).await });
                    } else {
                        dropped += 1;
                    }
                    number += 1;
                    due += Duration::from_secs_f64(gaps.sample(&mut random));
                    most = most.max(operations.len());
                }
                _ = progress.tick() => {
                    // Not needed here, and it grows.
                    wire.take();
                    if settled.is_none() && begun.elapsed() * 4 > time {
                        settled = Some(processes::resident()?);
                    }
                    let (under_way, faults) = (operations.len(), wire.injected());
                    let measured = self.measured();
                    eprintln!("{:>5} s: {measured}, {under_way} under way, {faults} faults", begun.elapsed().as_secs());
                }
            }
        }
        while operations.join_next().await.is_some() {}
        wire.take();
        let memory = processes::growth(&settled.unwrap_or_default(), &processes::resident()?);
        let measured = std::mem::take(&mut *self.measured());
        Ok(Report {
            circumstances: report::circumstances()?,
            arguments: arguments.clone(),
            rate,
            duration: begun.elapsed(),
            measured,
            memory,
            requests: wire.totals().0 - before,
            faults: wire.injected(),
            usage: usage::read(logs, &(begun_at..milliseconds() + 1))?,
            most_under_way: most,
            dropped,
            sync: None,
            tasks: 0,
            unsettled: 0,
        })
    }

    /// Reads everything that is stored.
    async fn audit(self: &Arc<Self>, mut report: Report) -> Result<Report> {
        eprintln!("Reading everything that is stored …");
        let mut audits = JoinSet::new();
        for index in 0..self.users.len() {
            while audits.len() >= 8 {
                report.audited(audits.join_next().await.context("an audit")??);
            }
            let this = Arc::clone(self);
            audits.spawn(async move {
                let user = this.users.get(index).context("a user")?;
                let totals = user.totals();
                this.client
                    .audit(user)
                    .await
                    .with_context(|| format!("user-{}", index + 1))
                    .map(|read| (read, totals.1))
            });
        }
        while let Some(audit) = audits.join_next().await {
            report.audited(audit?);
        }
        Ok(report)
    }

    async fn operation(&self, kind: Kind, user: usize, number: u64, due: Instant) {
        let Some(user) = self.users.get(user) else { return };
        let outcome = self.client.perform(user, kind, number).await;
        self.measured().record(kind, due.elapsed(), outcome);
    }

    fn kind(&self, random: &mut StdRng) -> Result<Kind> {
        let index = WeightedIndex::new(MIX.map(|(_, weight)| weight))?.sample(random);
        MIX.get(index).map(|(kind, _)| *kind).context("a weight without an operation")
    }

    fn user(&self, random: &mut StdRng) -> usize {
        // Zipf's law counts from one.
        self.popularity.sample(random) as usize - 1
    }

    fn measured(&self) -> std::sync::MutexGuard<'_, Measurements> {
        self.measurements.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Milliseconds since the epoch.
fn milliseconds() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

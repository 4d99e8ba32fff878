//! What is measured, and all that has to be around it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use dynoxide::Database;
use serde_json::{Value, json};
use signer::{Key, Signer};

use super::binaries::Binaries;
use super::instructions::{self, Instructions};
use super::lambda::{Lambda, Start};
use super::measure::{self, Processors};
use super::report::{self, Cold, Counted, Report, Sized, Spread, Transport, Warm};
use super::stand_in::StandIn;
use super::{BY_HAND, NO_OP, OPERATIONS};
use crate::dynamodb::{EmbeddedDynamoDb, Storage};
use crate::project;

/// Whose tasks they are.
const USER: &str = "alice";
/// How many tasks a list gives.
const PAGE: usize = 50;
/// Requests before those that are measured.
const WARM_UP: usize = 30;
/// How many requests each subject is sent before it is the next one's turn.
const IN_TURN: usize = 50;

/// How often things are done.
#[derive(Debug, Clone, Copy)]
pub(super) struct Effort {
    pub(super) cold_starts: usize,
    pub(super) rounds: usize,
    pub(super) requests: usize,
}

/// Something that is measured: a binary that is sent one event again and again.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    name: String,
    binary: &'static str,
    event: &'static str,
    key: Key,
}

impl Subject {
    pub(super) fn function(operation: &'static str, key: Key) -> Self {
        let name = match key {
            Key::Secret => operation.to_owned(),
            other => format!("{operation}, {}", other.algorithm_name()),
        };
        Self { name, binary: operation, event: operation, key }
    }

    fn yardstick(name: &str, binary: &'static str, event: &'static str) -> Self {
        Self { name: name.to_owned(), binary, event, key: Key::Secret }
    }

    fn yardsticks() -> Vec<Self> {
        vec![
            Self::yardstick(NO_OP, NO_OP, "get-task"),
            Self::yardstick(report::BY_HAND_GET, BY_HAND, "get-task"),
            Self::yardstick(report::BY_HAND_LIST, BY_HAND, "list-tasks"),
        ]
    }
}

/// What is measured of warm requests, round by round, and every latency.
#[derive(Debug, Clone, Default)]
struct Samples {
    cpu: Vec<f64>,
    ratio: Vec<f64>,
    latency: Vec<f64>,
    memory: Vec<f64>,
}

/// All that the functions need around them.
pub(super) struct Laboratory {
    binaries: Binaries,
    engine: EmbeddedDynamoDb,
    processors: Option<Processors>,
    certificates: PathBuf,
}

impl Laboratory {
    pub(super) async fn open() -> Result<Self> {
        eprintln!("Building the functions for release, which takes some minutes after a change …");
        Self::with(Binaries::build().await?).await
    }

    pub(super) async fn with(binaries: Binaries) -> Result<Self> {
        let engine = EmbeddedDynamoDb::start(Storage::Memory, "127.0.0.1:0".parse()?).await?;
        let processors = Processors::divide()?;
        if processors.is_none() {
            eprintln!("There is one processor only: functions share it with what they talk to.");
        }
        let certificates = std::env::temp_dir().join(format!("bench-root-{}.pem", std::process::id()));
        Ok(Self { binaries, engine, processors, certificates })
    }

    /// Measures everything, all subjects in turn, so that a machine that is busy for a while is so for all of them.
    pub(super) fn measure(&self, effort: Effort, only: &[String]) -> Result<Report> {
        let wanted =
            |subject: &Subject| only.is_empty() || only.iter().any(|part| subject.name.contains(part.as_str()));
        let with_yardsticks = |subjects: Vec<Subject>| -> Vec<Subject> {
            Subject::yardsticks().into_iter().chain(subjects.into_iter().filter(wanted)).collect()
        };
        let each = || OPERATIONS.map(|operation| Subject::function(operation, Key::Secret));
        let with_keys = ["get-task", "list-tasks", "create-task"];

        let items = self.items()?;
        let stand_in = self.stand_in(&items)?;
        let mut report = Report::new(measure::machine()?, effort.cold_starts, effort.rounds, effort.requests);

        let mut cold = with_yardsticks(each().into());
        cold.extend(with_keys.map(|operation| Subject::function(operation, Key::Ed25519)).into_iter().filter(wanted));
        for transport in [Transport::Tls, Transport::Plain] {
            report.cold.extend(self.cold(&cold, transport, stand_in.endpoint(transport), &items, effort)?);
        }

        let mut warm = with_yardsticks(each().into());
        let keys = [Key::Ed25519, Key::P256, Key::Rs256, Key::Ps256];
        warm.extend(keys.map(|key| Subject::function("get-task", key)).into_iter().filter(wanted));
        for transport in [Transport::Plain, Transport::Tls] {
            report.warm.extend(self.warm(&warm, transport, stand_in.endpoint(transport), &items, effort)?);
        }

        let with_engine = with_keys.map(|operation| Subject::function(operation, Key::Secret));
        let with_engine: Vec<_> = with_engine.into_iter().filter(wanted).collect();
        report.engine = self.warm(&with_engine, Transport::Plain, self.engine.endpoint(), &items, effort)?;

        for (name, size) in self.binaries.sizes()? {
            report.sizes.push(Sized { name, size });
        }

        if let Some(valgrind) = instructions::valgrind() {
            let few = with_keys.map(|operation| Subject::function(operation, Key::Secret));
            for subject in with_yardsticks(few.into()) {
                eprintln!("instructions: {}", subject.name);
                let instructions = self.run_counted(&valgrind, &subject, &stand_in, &items)?;
                report.instructions.push(Counted { name: subject.name, instructions });
            }
        } else {
            eprintln!("Instructions are not counted: valgrind is not installed.");
        }
        Ok(report)
    }

    /// The instructions of one subject.
    pub(super) fn count(&self, valgrind: &Path, subject: &Subject) -> Result<Instructions> {
        let items = self.items()?;
        let stand_in = self.stand_in(&items)?;
        self.run_counted(valgrind, subject, &stand_in, &items)
    }

    fn run_counted(
        &self,
        valgrind: &Path,
        subject: &Subject,
        stand_in: &StandIn,
        items: &[Value],
    ) -> Result<Instructions> {
        let environment = self.environment(subject, &stand_in.tls)?;
        instructions::count(valgrind, &self.start(subject, &environment)?, &self.event(subject, items)?)
    }

    fn cold(
        &self,
        subjects: &[Subject],
        transport: Transport,
        endpoint: &str,
        items: &[Value],
        effort: Effort,
    ) -> Result<Vec<Cold>> {
        let mut samples = vec![Vec::new(); subjects.len()];
        for round in 1..=effort.cold_starts {
            eprintln!("cold starts, {transport}: {round} of {}", effort.cold_starts);
            for (subject, samples) in subjects.iter().zip(&mut samples) {
                let (mut lambda, event) = self.ready(subject, endpoint, items)?;
                let ready = lambda.elapsed()?;
                lambda.send(&event).with_context(|| subject.name.clone())?;
                samples.push((ready, lambda.elapsed()?));
            }
        }
        let no_op = samples.first().cloned().unwrap_or_default();
        let rows = subjects.iter().zip(samples).map(|(subject, samples)| Cold {
            name: subject.name.clone(),
            transport,
            answer_ratio: Spread::of(
                samples
                    .iter()
                    .zip(&no_op)
                    .map(|((_, own), (_, least))| own.cpu.as_secs_f64() / least.cpu.as_secs_f64()),
            ),
            ready_cpu: Spread::of(samples.iter().map(|(ready, _)| ready.cpu.as_secs_f64() * 1e3)),
            ready_wall: Spread::of(samples.iter().map(|(ready, _)| ready.wall.as_secs_f64() * 1e3)),
            answer_cpu: Spread::of(samples.iter().map(|(_, answer)| answer.cpu.as_secs_f64() * 1e3)),
            answer_wall: Spread::of(samples.iter().map(|(_, answer)| answer.wall.as_secs_f64() * 1e3)),
        });
        Ok(rows.collect())
    }

    /// All subjects live at the same time and are sent a few requests in turn.
    fn warm(
        &self,
        subjects: &[Subject],
        transport: Transport,
        endpoint: &str,
        items: &[Value],
        effort: Effort,
    ) -> Result<Vec<Warm>> {
        let mut samples = vec![Samples::default(); subjects.len()];
        for round in 1..=effort.rounds {
            eprintln!("warm requests, {transport}: {round} of {}", effort.rounds);
            let mut running = Vec::new();
            for subject in subjects {
                let (mut lambda, event) = self.ready(subject, endpoint, items)?;
                for _ in 0..WARM_UP {
                    lambda.invoke(&event).with_context(|| subject.name.clone())?;
                }
                running.push((lambda, event, 0.0));
            }
            for _ in 0..effort.requests / IN_TURN {
                for ((lambda, event, cpu), samples) in running.iter_mut().zip(&mut samples) {
                    // The processor has forgotten this process meanwhile.
                    for _ in 0..IN_TURN / 10 {
                        lambda.invoke(event)?;
                    }
                    let before = lambda.elapsed()?.cpu;
                    for _ in 0..IN_TURN {
                        samples.latency.push(lambda.invoke(event)?.as_secs_f64() * 1e6);
                    }
                    *cpu += (lambda.elapsed()?.cpu.saturating_sub(before)).as_secs_f64() * 1e6;
                }
            }
            let requests = f64::from(u32::try_from(effort.requests)?);
            let no_op = running.first().map_or(f64::NAN, |(_, _, cpu)| *cpu);
            for ((lambda, _, cpu), samples) in running.iter().zip(&mut samples) {
                samples.cpu.push(cpu / requests);
                samples.ratio.push(cpu / no_op);
                samples.memory.push(f64::from(u32::try_from(lambda.peak_memory()? / 1024)?) / 1024.0);
            }
        }
        let rows = subjects.iter().zip(samples).map(|(subject, samples)| Warm {
            name: subject.name.clone(),
            transport,
            cpu: Spread::of(samples.cpu.into_iter()),
            ratio: Spread::of(samples.ratio.into_iter()),
            latency: report::Latency::of(samples.latency),
            memory: Spread::of(samples.memory.into_iter()),
        });
        Ok(rows.collect())
    }

    /// A subject that has asked for its first event, and the event.
    fn ready(&self, subject: &Subject, endpoint: &str, items: &[Value]) -> Result<(Lambda, String)> {
        let environment = self.environment(subject, endpoint)?;
        let event = self.event(subject, items)?;
        let mut lambda = Lambda::start(&self.start(subject, &environment)?)?;
        lambda.ready().with_context(|| subject.name.clone())?;
        Ok((lambda, event))
    }

    fn start<'a>(&'a self, subject: &Subject, environment: &'a [(&'static str, String)]) -> Result<Start<'a>> {
        let program = self.binaries.path(subject.binary)?;
        Ok(Start { program, arguments: &[], environment, processors: self.processors.as_ref() })
    }

    fn environment(&self, subject: &Subject, endpoint: &str) -> Result<Vec<(&'static str, String)>> {
        let certificates = self.certificates.to_str().context("a path that is not UTF-8")?;
        let fixed = [
            ("TASKS_TABLE", "tasks"),
            ("IDEMPOTENCY_TABLE", "idempotency"),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
            ("AWS_ENDPOINT_URL_DYNAMODB", endpoint),
            ("AWS_CA_BUNDLE", certificates),
        ];
        let mut environment: Vec<_> = fixed.map(|(name, value)| (name, value.to_owned())).into();
        environment.extend(subject.key.settings());
        Ok(environment)
    }

    /// The event of an operation, as the folder `events` has it, with a token and the id of a task that is there.
    fn event(&self, subject: &Subject, items: &[Value]) -> Result<String> {
        let path = project::root().join("events").join(subject.event).with_extension("json");
        let event = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        // API Gateway puts no spaces between members.
        let event: Value = serde_json::from_str(&event)?;
        let id = items.first().and_then(|item| item.pointer("/task_id/S")).and_then(Value::as_str);
        let event =
            event.to_string().replace("Bearer TOKEN", &format!("Bearer {}", Signer::with(subject.key).token(USER)));
        Ok(event.replace("TASK_ID", id.unwrap_or_default()))
    }

    fn stand_in(&self, items: &[Value]) -> Result<StandIn> {
        let stand_in = StandIn::start(items)?;
        std::fs::write(&self.certificates, &stand_in.root).context("cannot write the root certificate")?;
        Ok(stand_in)
    }

    /// A page of items in DynamoDB's JSON, written by the product itself.
    fn items(&self) -> Result<Vec<Value>> {
        let create = Subject::function("create-task", Key::Secret);
        // The engine does not speak TLS, but a bundle that is named must be there.
        std::fs::write(&self.certificates, StandIn::start(&[json!({})])?.root)?;
        let (mut lambda, event) = self.ready(&create, self.engine.endpoint(), &[])?;
        for _ in 0..PAGE {
            lambda.invoke(&event)?;
        }
        let items = query(self.engine.database())?;
        ensure!(items.len() == PAGE, "the functions wrote {} tasks instead of {PAGE}", items.len());
        Ok(items)
    }
}

impl Drop for Laboratory {
    fn drop(&mut self) {
        // It may never have been written.
        let _ = std::fs::remove_file(&self.certificates);
    }
}

impl StandIn {
    fn endpoint(&self, transport: Transport) -> &str {
        match transport {
            Transport::Plain => &self.plain,
            Transport::Tls => &self.tls,
        }
    }
}

fn query(database: &Database) -> Result<Vec<Value>> {
    let request = json!({
        "TableName": "tasks",
        "KeyConditionExpression": "user_id = :user_id",
        "ExpressionAttributeValues": { ":user_id": { "S": USER } },
        "Limit": PAGE,
    });
    let response = database.query(serde_json::from_value(request)?).map_err(|error| anyhow::anyhow!("{error}"))?;
    let response = serde_json::to_value(response)?;
    Ok(response.get("Items").and_then(Value::as_array).cloned().unwrap_or_default())
}

//! Runs the measurements: the subjects and their environment.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use serde_json::Value;
use signer::{ENVIRONMENT, ISSUER, Key, Signer};
use xshell::TempDir;
use xtask::project::{root, shell};

use crate::instructions::{self, Instructions};
use crate::lambda::Lambda;
use crate::peers::Peer;
use crate::programs::{Builds, Program, Size};
use crate::report::{Cold, Latency, Named, Report, Row, Spread, Transport, Warm};
use crate::stand_in::{PAGE, StandIn};
use crate::{BY_HAND, COMPARED, NO_OP};

/// The owner of the tasks.
const USER: &str = "alice";
/// How many requests a subject gets before the next one's turn.
const BATCH: usize = 50;

/// The files with the system's trusted certificates on Debian and on Amazon Linux.
const SYSTEM_CERTIFICATES: [&str; 2] = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"];

/// The files of the laboratory's certificates.
const ROOT: &str = "root.pem";
const ROOTS: &str = "roots.pem";

/// How often each measurement is repeated.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Effort {
    pub(crate) cold_starts: usize,
    pub(crate) rounds: usize,
    pub(crate) requests: usize,
}

impl Effort {
    /// For a rough result.
    pub(crate) const QUICK: Self = Self { cold_starts: 7, rounds: 3, requests: 150 };
    /// For published figures.
    pub(crate) const WHOLE: Self = Self { cold_starts: 21, rounds: 5, requests: 300 };
}

/// Everything that can be measured.
pub(crate) struct Subjects<'a> {
    pub(crate) builds: &'a Builds,
    /// Functions of another build, by name.
    pub(crate) baseline: &'a BTreeMap<String, Program>,
    pub(crate) peers: &'a [Peer],
}

/// Something that is measured: a program that gets the same event repeatedly.
#[derive(Debug, Clone)]
struct Subject<'a> {
    name: String,
    program: &'a Program,
    operation: &'a str,
    key: Key,
    is_peer: bool,
}

impl<'a> Subject<'a> {
    fn new(name: &str, program: &'a Program, operation: &'a str) -> Self {
        Self { name: name.to_owned(), program, operation, key: Key::Secret, is_peer: false }
    }

    /// The number of requests before those that are measured. JIT-compiled peers need more.
    fn warm_up(&self) -> usize {
        if self.is_peer { 300 } else { 30 }
    }

    /// Whether it is started in this round of cold starts. Peers are slow and start only in every third round.
    fn takes_part(&self, round: usize) -> bool {
        !self.is_peer || round % 3 == 1
    }
}

/// Functions that need other responses than the stand-in's: a table that becomes empty, neighbors, a recurring task.
const UNSERVED: [&str; 3] = ["erase-tasks", "move-task", "skip-task"];

/// Prefix of the names of the other build's functions.
const BASELINE: &str = "baseline";

fn baseline_of(function: &str) -> String {
    format!("{BASELINE}: {function}")
}

impl<'a> Subjects<'a> {
    /// The yardsticks, starting with the no-op.
    fn yardsticks(&self) -> Result<Vec<Subject<'a>>> {
        let yardstick = |name| self.builds.yardsticks.get(name).with_context(|| format!("no binary {name}"));
        let (no_op, by_hand) = (yardstick(NO_OP)?, yardstick(BY_HAND)?);
        Ok(vec![
            Subject::new(NO_OP, no_op, "get-task"),
            Subject::new("by hand: get-task", by_hand, "get-task"),
            Subject::new("by hand: list-tasks", by_hand, "list-tasks"),
        ])
    }

    /// A function that verifies tokens of this key, from this build and from the other one.
    fn function(&self, operation: &'a str, key: Key) -> Vec<Subject<'a>> {
        let name = match key {
            Key::Secret => operation.to_owned(),
            other => format!("{operation}, {}", other.algorithm_name()),
        };
        let own = self.builds.functions.get(operation).map(|program| Subject::new(&name, program, operation));
        let baseline = self.baseline.get(operation);
        let baseline = baseline.map(|program| Subject::new(&baseline_of(&name), program, operation));
        own.into_iter().chain(baseline).map(|subject| Subject { key, ..subject }).collect()
    }

    fn peers(&self) -> impl Iterator<Item = Subject<'a>> {
        self.peers.iter().flat_map(|Peer { name, program }| {
            COMPARED.map(|operation| Subject {
                is_peer: true,
                ..Subject::new(&format!("{name}: {operation}"), program, operation)
            })
        })
    }

    /// The yardsticks, and every other subject whose name contains one of these words, or all that the stand-in can serve.
    fn chosen(&self, with_keys: &[(&'a str, Key)], only: &[String]) -> Result<Vec<Subject<'a>>> {
        let functions = self.builds.functions.keys().map(|operation| (operation.as_str(), Key::Secret));
        let functions = functions.chain(with_keys.iter().copied());
        let functions = functions.flat_map(|(operation, key)| self.function(operation, key));
        let contains = |name: &str, parts: &[&str]| parts.iter().any(|part| name.contains(part));
        let only: Vec<_> = only.iter().map(String::as_str).collect();
        let wanted = |Subject { name, .. }: &Subject<'_>| {
            if only.is_empty() { !contains(name, &UNSERVED) } else { contains(name, &only) }
        };
        let mut chosen = self.yardsticks()?;
        chosen.extend(functions.chain(self.peers()).filter(wanted));
        Ok(chosen)
    }
}

/// The measurements of warm requests: one per round, except that latency has one per request.
#[derive(Debug, Clone, Default)]
struct Samples {
    cpu: Vec<f64>,
    latency: Vec<f64>,
    memory: Vec<f64>,
}

/// Everything that the functions need around them.
pub(crate) struct Laboratory {
    stand_in: StandIn,
    task_id: String,
    /// Contains the stand-in's root certificate, alone and appended to the system's for programs that take one bundle for
    /// everything.
    folder: TempDir,
}

impl Laboratory {
    /// Starts the stand-in and fills it with tasks through `create-task`.
    pub(crate) fn open(builds: &Builds) -> Result<Self> {
        let stand_in = StandIn::start()?;
        let folder = shell()?.create_temp_dir()?;
        let system = SYSTEM_CERTIFICATES.iter().find_map(|path| std::fs::read_to_string(path).ok());
        std::fs::write(folder.path().join(ROOT), &stand_in.root).context("cannot write the root certificate")?;
        std::fs::write(folder.path().join(ROOTS), system.unwrap_or_default() + &stand_in.root)?;
        let mut laboratory = Self { stand_in, task_id: String::new(), folder };
        let create = builds.functions.get("create-task").context("no function create-task")?;
        let create = Subject::new("create-task", create, "create-task");
        let (mut lambda, event) = laboratory.ready(&create, Transport::Plain)?;
        for _ in 0..PAGE {
            lambda.invoke(&event)?;
        }
        let items = laboratory.stand_in.items();
        ensure!(items.len() == PAGE, "the function wrote {} tasks instead of {PAGE}", items.len());
        let id = items.first().and_then(|item| item.pointer("/task_id/S")).and_then(Value::as_str);
        laboratory.task_id = id.context("the task has no id")?.to_owned();
        Ok(laboratory)
    }

    /// Measures everything. The subjects take turns, so that temporary load on the machine affects all of them.
    pub(crate) fn measure(&self, subjects: &Subjects<'_>, effort: Effort, only: &[String]) -> Result<Report> {
        let mut report = Report::new(effort, subjects.peers)?;
        let cold = subjects.chosen(&COMPARED.map(|operation| (operation, Key::Ed25519)), only)?;
        let keys = [Key::Ed25519, Key::P256, Key::Rs256, Key::Ps256];
        let warm = subjects.chosen(&keys.map(|key| ("get-task", key)), only)?;
        self.check_answers(subjects)?;
        for transport in [Transport::Tls, Transport::Plain] {
            report.cold.extend(self.cold(&cold, transport, effort.cold_starts)?);
        }
        for transport in [Transport::Plain, Transport::Tls] {
            report.warm.extend(self.warm(&warm, transport, effort)?);
        }
        report.sizes = sizes(subjects)?;
        if let Some(valgrind) = instructions::valgrind() {
            let compared = COMPARED.iter().flat_map(|operation| subjects.function(operation, Key::Secret));
            for subject in subjects.yardsticks()?.into_iter().chain(compared) {
                eprintln!("instructions: {}", subject.name);
                let figures = self.count(&valgrind, &subject)?;
                report.instructions.push(Named { name: subject.name, figures });
            }
        } else {
            eprintln!("Instructions are not counted: valgrind is not installed.");
        }
        Ok(report)
    }

    /// Counts the instructions of a function.
    pub(crate) fn count_function(&self, valgrind: &Path, program: &Program, operation: &str) -> Result<Instructions> {
        self.count(valgrind, &Subject::new(operation, program, operation))
    }

    fn count(&self, valgrind: &Path, subject: &Subject<'_>) -> Result<Instructions> {
        let environment = self.environment(subject, Transport::Tls);
        instructions::count(valgrind, subject.program, &environment, &self.event(subject)?)
    }

    /// Fails unless the yardsticks and peers respond as the functions do. Otherwise they would be doing another job.
    fn check_answers(&self, subjects: &Subjects<'_>) -> Result<()> {
        let answer = |subject: &Subject<'_>| -> Result<Value> {
            let (mut lambda, event) = self.ready(subject, Transport::Plain)?;
            let mut body =
                lambda.invoke(&event).and_then(|reply| reply.body()).with_context(|| subject.name.clone())?;
            if let (true, Some(task)) = (subject.operation == "create-task", body.as_object_mut()) {
                // These differ with every new task.
                task.retain(|name, _| !["id", "created_at", "updated_at"].contains(&name.as_str()));
            }
            Ok(body)
        };
        let working = subjects.yardsticks()?.into_iter().filter(|yardstick| yardstick.name != NO_OP);
        for other in working.chain(subjects.peers()) {
            let function = subjects.builds.functions.get(other.operation);
            let function = function.with_context(|| format!("no function {}", other.operation))?;
            let expected = answer(&Subject::new(other.operation, function, other.operation))?;
            let answered = answer(&other)?;
            ensure!(answered == expected, "{} answers {answered} instead of {expected}", other.name);
        }
        Ok(())
    }

    fn cold(&self, subjects: &[Subject<'_>], transport: Transport, rounds: usize) -> Result<Vec<Row<Cold>>> {
        let mut samples = vec![Vec::new(); subjects.len()];
        for round in 1..=rounds {
            eprintln!("cold starts, {transport}: {round} of {rounds}");
            for (subject, samples) in subjects.iter().zip(&mut samples) {
                let mut sample = [f64::NAN; 3];
                if subject.takes_part(round) {
                    let (mut lambda, event) = self.ready(subject, transport)?;
                    let ready = lambda.elapsed()?;
                    lambda.send(&event).with_context(|| subject.name.clone())?;
                    let answer = lambda.elapsed()?;
                    sample = [ready.cpu, answer.cpu, answer.wall].map(|time| time.as_secs_f64() * 1e3);
                }
                samples.push(sample);
            }
        }
        let cpu: Vec<Vec<_>> = samples.iter().map(|samples| samples.iter().map(|[_, cpu, _]| *cpu).collect()).collect();
        let more = samples.iter().map(|samples| Cold {
            ready_cpu: Spread::of(samples.iter().map(|[ready, ..]| *ready)),
            answer_wall: Spread::of(samples.iter().map(|[.., wall]| *wall)),
        });
        Ok(compare(subjects, transport, &cpu, more))
    }

    /// Runs all subjects at the same time and sends each a few requests in turn.
    fn warm(&self, subjects: &[Subject<'_>], transport: Transport, effort: Effort) -> Result<Vec<Row<Warm>>> {
        let mut samples = vec![Samples::default(); subjects.len()];
        for round in 1..=effort.rounds {
            eprintln!("warm requests, {transport}: {round} of {}", effort.rounds);
            let mut running = Vec::new();
            for subject in subjects {
                let (mut lambda, event) = self.ready(subject, transport)?;
                for _ in 0..subject.warm_up() {
                    lambda.invoke(&event).with_context(|| subject.name.clone())?;
                }
                running.push((lambda, event, 0.0));
            }
            for _ in 0..effort.requests / BATCH {
                for (((lambda, event, cpu), samples), subject) in running.iter_mut().zip(&mut samples).zip(subjects) {
                    let invoke =
                        |lambda: &mut Lambda| lambda.invoke(event).with_context(|| format!("{}, warm", subject.name));
                    // Meanwhile, this process has lost the processor's caches.
                    for _ in 0..BATCH / 10 {
                        invoke(lambda)?;
                    }
                    let before = lambda.elapsed()?.cpu;
                    for _ in 0..BATCH {
                        samples.latency.push(invoke(lambda)?.latency.as_secs_f64() * 1e6);
                    }
                    *cpu += (lambda.elapsed()?.cpu.saturating_sub(before)).as_secs_f64() * 1e6;
                }
            }
            let requests = f64::from(u32::try_from(effort.requests)?);
            for ((lambda, _, cpu), samples) in running.iter().zip(&mut samples) {
                samples.cpu.push(*cpu / requests);
                samples.memory.push(lambda.peak_memory()?);
            }
        }
        let cpu: Vec<_> = samples.iter().map(|samples| samples.cpu.clone()).collect();
        let more = samples
            .into_iter()
            .map(|Samples { latency, memory, .. }| Warm { latency: Latency::of(latency), memory: Spread::of(memory) });
        Ok(compare(subjects, transport, &cpu, more))
    }

    /// Starts a subject and waits until it asks for its first event. Returns it with that event.
    fn ready(&self, subject: &Subject<'_>, transport: Transport) -> Result<(Lambda, String)> {
        let environment = self.environment(subject, transport);
        let event = self.event(subject)?;
        let mut lambda = Lambda::start(subject.program, &environment)?;
        lambda.ready().with_context(|| subject.name.clone())?;
        Ok((lambda, event))
    }

    fn environment(&self, subject: &Subject<'_>, transport: Transport) -> Vec<(&'static str, String)> {
        let [certificate, certificates] = [ROOT, ROOTS].map(|name| self.folder.path().join(name).display().to_string());
        let endpoint = match transport {
            Transport::Plain => &self.stand_in.plain,
            Transport::Tls => &self.stand_in.tls,
        };
        let fixed = [
            ("AWS_DEFAULT_REGION", "eu-central-1"),
            ("TOKEN_ISSUER", ISSUER),
            ("TOKEN_AUDIENCE", ISSUER),
            ("AWS_ENDPOINT_URL_DYNAMODB", endpoint),
        ];
        let fixed = ENVIRONMENT.into_iter().chain(fixed);
        let mut environment: Vec<_> = fixed.map(|(name, value)| (name, value.to_owned())).collect();
        environment.extend(subject.key.settings());
        environment.extend(if subject.is_peer {
            let of_node = [("NODE_EXTRA_CA_CERTS", certificate), ("NODE_NO_WARNINGS", "1".to_owned())];
            let of_all = [("AWS_CA_BUNDLE", certificates.clone()), ("SSL_CERT_FILE", certificates)];
            of_node.into_iter().chain(of_all).collect::<Vec<_>>()
        } else {
            // As template.yaml sets it. The baseline has it too: what differs is the program alone.
            vec![("AWS_CA_BUNDLE", certificate), ("GLIBC_TUNABLES", "glibc.malloc.tcache_count=64".to_owned())]
        });
        environment
    }

    /// The operation's event from the folder `events`, with a valid token and the id of an existing task.
    fn event(&self, subject: &Subject<'_>) -> Result<String> {
        let path = root().join("events").join(subject.operation).with_extension("json");
        let event = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        // Removes whitespace between members, as API Gateway does.
        let event: Value = serde_json::from_str(&event)?;
        let token = Signer::with(subject.key).token(USER);
        Ok(event.to_string().replace("Bearer TOKEN", &format!("Bearer {token}")).replace("TASK_ID", &self.task_id))
    }
}

/// Compares the CPU times of each subject by round with those of the no-op and the baseline.
fn compare<T>(
    subjects: &[Subject<'_>],
    transport: Transport,
    times: &[Vec<f64>],
    more: impl Iterator<Item = T>,
) -> Vec<Row<T>> {
    let of = |name: &str| subjects.iter().zip(times).find(|(other, _)| other.name == name).map(|(_, times)| times);
    let rows = subjects.iter().zip(times).zip(more).map(|((Subject { name, .. }, times), more)| Row {
        name: name.clone(),
        transport,
        cpu: Spread::of(times.iter().copied()),
        to_no_op: Spread::of(of(NO_OP).into_iter().flat_map(|others| ratios(times, others))),
        to_baseline: of(&baseline_of(name)).map(|others| Spread::of(ratios(times, others))),
        more,
    });
    rows.collect()
}

/// The ratio of each time to the other one of the same round.
fn ratios(times: &[f64], others: &[f64]) -> impl Iterator<Item = f64> {
    times.iter().zip(others).map(|(time, other)| time / other)
}

fn sizes(subjects: &Subjects<'_>) -> Result<Vec<Named<Size>>> {
    let builds = subjects.builds.yardsticks.iter().chain(&subjects.builds.functions);
    let named = builds.map(|(name, program)| (name.clone(), program));
    let named = named.chain(subjects.baseline.iter().map(|(name, program)| (baseline_of(name), program)));
    let named = named.chain(subjects.peers.iter().map(|peer| (peer.name.to_owned(), &peer.program)));
    named.map(|(name, program)| Ok(Named { name, figures: program.size()? })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_compare_times_of_the_same_round() {
        let [rare, usual] = [[6.0, f64::NAN, 9.0], [2.0, 5.0, 3.0]];
        let measured = ratios(&rare, &usual).filter(|ratio| !ratio.is_nan());
        assert_eq!(measured.collect::<Vec<_>>(), [3.0, 3.0]);
        assert_eq!(ratios(&usual, &[]).count(), 0);
    }
}

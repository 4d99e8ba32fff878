//! The whole stack on one machine: the embedded DynamoDB, the gateway, `cargo lambda watch` in the role of Lambda, the
//! function binaries as Lambda starts them, and the issuer.
//!
//! `cargo lambda watch` could start the functions itself, but it does not restart one that has ended, and after a compile
//! error its callers wait forever.
#![expect(clippy::print_stderr, reason = "the terminal shows what the functions do")]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{Instant, sleep};
use xtask::tools::Toolset;
use xtask::{node, project};

use crate::dynamodb::{EmbeddedDynamoDb, Storage};
use crate::executables::Executables;
use crate::gateway::Gateway;
use crate::issuer::Issuer;
use crate::processes::ProcessGroup;
use crate::tables::Service;
use crate::template::{Route, Template};
use crate::{page, probe};

/// The name of `cargo lambda watch` among the processes and the logs.
const ROUTER: &str = "router";

/// The name of the issuer among the processes and the logs.
pub const ISSUER: &str = "issuer";

const STARTUP: Duration = Duration::from_secs(60);
const SWEEP_INTERVAL: Duration = Duration::from_secs(60);

/// How to run the stack.
#[derive(Debug, Clone)]
pub struct Options {
    /// The port on 127.0.0.1; 0 takes a free port.
    pub port: u16,
    /// The DynamoDB behind the functions.
    pub dynamodb: DynamoDb,
    /// The folder that gets a log file for each function.
    pub logs: PathBuf,
    /// The settings of the functions, by the name of the environment variable.
    pub settings: BTreeMap<String, String>,
    /// The issuer to run beside the API, if any. It serves the page as well.
    pub issuer: Option<Issuer>,
    /// How many processes of each function run. One process answers one request at a time.
    pub processes: usize,
    /// Whether the functions are those that are deployed, instead of development builds.
    pub release: bool,
    /// Whether the terminal shows every request.
    pub shows_requests: bool,
}

/// Where the tables are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DynamoDb {
    /// In an embedded DynamoDB.
    Embedded(Storage),
    /// In another DynamoDB that is already running.
    Other(Service),
}

/// A running stack. It stops when it is dropped, and when this process is killed.
pub struct Stack {
    address: SocketAddr,
    router: SocketAddr,
    gateway: Gateway,
    dynamodb: Service,
    _embedded: Option<EmbeddedDynamoDb>,
    processes: ProcessGroup,
    supervisors: JoinSet<()>,
    logs: PathBuf,
    ended: mpsc::Sender<Ending>,
    endings: mpsc::Receiver<Ending>,
    restarts: BTreeMap<String, watch::Sender<()>>,
    /// Set once every function answers; requests before only find that out. Never set if requests are not shown.
    has_started: Arc<AtomicBool>,
}

/// A process that ended on its own.
struct Ending {
    name: String,
    status: ExitStatus,
}

impl Stack {
    /// Installs what is missing, builds the functions, starts everything, and returns when every function answers.
    ///
    /// # Errors
    /// Something is missing, does not compile, or does not answer.
    pub async fn start(options: Options) -> Result<Self> {
        let has_issuer = options.issuer.is_some();
        let emulator = spawn_blocking(move || install(has_issuer)).await??;
        let template = Template::read()?;
        let functions = template.functions.iter().map(|function| function.binary.as_str());
        let executables =
            if options.release { Executables::build_release().await? } else { Executables::build(functions).await? };
        let port = if options.port == 0 { probe::free_port().await? } else { options.port };
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        probe::wait_until_free(address).await?;
        fs::create_dir_all(&options.logs).with_context(|| format!("cannot create {}", options.logs.display()))?;

        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let (dynamodb, embedded) = match options.dynamodb {
            DynamoDb::Embedded(storage) => {
                let embedded = EmbeddedDynamoDb::start(storage, anywhere).await?.sweep_every(SWEEP_INTERVAL);
                (embedded.service().clone(), Some(embedded))
            }
            DynamoDb::Other(service) => {
                service.prepare(&template.tables).await?;
                (service, None)
            }
        };
        let processes = ProcessGroup::start(&std::env::current_exe().context("cannot find this program's own path")?)?;
        let (ended, endings) = mpsc::channel(64);
        let router = SocketAddr::from((Ipv4Addr::LOCALHOST, probe::free_port().await?));
        let mut stack = Self {
            address,
            router,
            gateway: Gateway::start(address, router, &template, origins(port, &options.settings)).await?,
            dynamodb,
            _embedded: embedded,
            processes,
            supervisors: JoinSet::new(),
            logs: options.logs,
            ended,
            endings,
            restarts: BTreeMap::new(),
            has_started: Arc::default(),
        };
        let port = router.port().to_string();
        let watch = ["lambda", "watch", "--only-lambda-apis", "--ignore-changes", "--disable-cors"];
        let watch = [&watch[..], &["--invoke-address", "127.0.0.1", "--invoke-port", &port]].concat();
        stack.supervise(1, ROUTER, emulator.join("cargo-lambda"), &watch, BTreeMap::new())?;
        stack.unless_a_process_ends(probe::wait_until_open(router, STARTUP)).await?;
        if let Some(issuer) = &options.issuer {
            let main = project::root().join("issuer/src/main.js").display().to_string();
            let environment = issuer.environment(&stack.base_url());
            stack.supervise(1, ISSUER, "node".into(), &[&main], environment)?;
            stack.unless_a_process_ends(answers(issuer.address(), "GET", "/config.json", 200)).await?;
        }
        let environment = environment(&template, options.settings, &stack.dynamodb);
        for name in template.functions.iter().map(|function| function.binary.as_str()) {
            let mut environment = environment.clone();
            environment.insert("AWS_LAMBDA_FUNCTION_NAME".to_owned(), name.to_owned());
            environment.insert("AWS_LAMBDA_RUNTIME_API".to_owned(), format!("http://{router}/.rt/{name}"));
            let program = executables.path(name)?.to_path_buf();
            stack.supervise(options.processes, name, program, &[], environment)?;
        }
        stack.unless_a_process_ends(all_functions_answer(&template, address)).await?;
        stack.has_started.store(options.shows_requests, Ordering::Relaxed);
        Ok(stack)
    }

    /// The URL that the paths of the API are appended to.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The port of `cargo lambda watch`, for `cargo lambda invoke`.
    #[must_use]
    pub fn lambda_port(&self) -> u16 {
        self.router.port()
    }

    /// The DynamoDB behind the functions.
    #[must_use]
    pub fn dynamodb(&self) -> &Service {
        &self.dynamodb
    }

    /// Restarts the processes of a function or of the issuer. Returns whether there are any.
    pub fn restart(&self, name: &str) -> bool {
        self.restarts.get(name).map(|restart| restart.send_replace(())).is_some()
    }

    /// Reports processes that end and are restarted. Never returns.
    pub async fn attend(&mut self) {
        while let Some(Ending { name, status }) = self.endings.recv().await {
            eprintln!("{name} ended ({status}) and is being restarted");
        }
    }

    /// Stops everything, and returns when it has stopped.
    pub async fn stop(mut self) {
        self.supervisors.shutdown().await;
        self.processes.stop().await;
    }

    /// Keeps so many processes of a program running.
    fn supervise(
        &mut self,
        processes: usize,
        name: &str,
        program: PathBuf,
        arguments: &[&str],
        environment: BTreeMap<String, String>,
    ) -> Result<()> {
        let log = self.log_of(name);
        let supervised = Arc::new(Supervised {
            name: name.to_owned(),
            program,
            arguments: arguments.iter().copied().map(str::to_owned).collect(),
            environment,
            group: self.processes.id(),
            log: File::create(&log).with_context(|| format!("cannot write {}", log.display()))?,
            ended: self.ended.clone(),
            has_started: Arc::clone(&self.has_started),
            crashed: self.gateway.crashes(name),
        });
        let (restart, _) = watch::channel(());
        for _ in 0..processes {
            self.supervisors.spawn(Arc::clone(&supervised).keep_running(restart.subscribe()));
        }
        self.restarts.insert(name.to_owned(), restart);
        Ok(())
    }

    fn log_of(&self, name: &str) -> PathBuf {
        self.logs.join(name).with_extension("log")
    }

    /// The result of `startup`, unless a process ends before it.
    async fn unless_a_process_ends(&mut self, startup: impl Future<Output = Result<()>>) -> Result<()> {
        tokio::select! {
            started = startup => started,
            Some(Ending { name, status }) = self.endings.recv() => {
                let text = fs::read_to_string(self.log_of(&name)).unwrap_or_default();
                let last = text.lines().last().unwrap_or("it logged nothing");
                bail!("{name} ended before it could serve ({status}): {last}")
            }
        }
    }
}

/// Installs what is missing and returns the folder of the emulator's programs.
fn install(has_issuer: bool) -> Result<PathBuf> {
    if has_issuer {
        node::check()?;
    }
    let emulator = Toolset::EMULATOR.install()?;
    if has_issuer {
        node::install(ISSUER)?;
        // The API works without the page, and the page is rebuilt when it changes.
        if let Err(error) = page::build() {
            eprintln!("the page is not built: {error:#}");
        }
    }
    Ok(emulator)
}

async fn all_functions_answer(template: &Template, address: SocketAddr) -> Result<()> {
    for function in &template.functions {
        for Route { method, path } in &function.routes {
            let path = path.replace("{user_id}", "me").replace("{task_id}", "none");
            // What is for no user takes no token.
            let status = if path.starts_with("/api/") { 401 } else { 200 };
            answers(address, method, &path, status).await.with_context(|| function.binary.clone())?;
        }
    }
    Ok(())
}

/// The origins from which browsers may call the API on `port`: that of the page, and that of an issuer of your own.
fn origins(port: u16, settings: &BTreeMap<String, String>) -> Vec<String> {
    let of_issuer = settings.get("BETTER_AUTH_URL").map(|url| url.split('/').take(3).collect::<Vec<_>>().join("/"));
    [page_origin(port)].into_iter().chain(of_issuer).collect()
}

/// The origin of the page that belongs to the API on `port`.
#[must_use]
pub fn page_origin(port: u16) -> String {
    format!("http://127.0.0.1:{}", port.saturating_add(1))
}

/// A program that is kept running: a function, or the router.
struct Supervised {
    name: String,
    program: PathBuf,
    arguments: Vec<String>,
    environment: BTreeMap<String, String>,
    group: i32,
    log: File,
    ended: mpsc::Sender<Ending>,
    has_started: Arc<AtomicBool>,
    /// Tells the gateway of a process that is gone.
    crashed: Arc<Notify>,
}

impl Supervised {
    /// Runs one process of the program, and a new one whenever it ends or a restart is requested.
    async fn keep_running(self: Arc<Self>, mut restart: watch::Receiver<()>) {
        const SHORTEST: Duration = Duration::from_millis(100);
        const LONGEST: Duration = Duration::from_secs(5);
        let mut pause = SHORTEST;
        loop {
            let started = Instant::now();
            match self.spawn() {
                Ok(mut child) => {
                    tokio::select! {
                        status = child.wait() => {
                            self.crashed.notify_waiters();
                            let Ok(status) = status else { return };
                            let _ = self.ended.send(Ending { name: self.name.clone(), status }).await;
                        }
                        Ok(()) = restart.changed() => {
                            let _ = child.kill().await;
                            self.crashed.notify_waiters();
                            pause = SHORTEST;
                            continue;
                        }
                    }
                }
                Err(error) => eprintln!("{}: {error:#}", self.name),
            }
            if started.elapsed() > LONGEST {
                pause = SHORTEST;
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST);
        }
    }

    fn spawn(self: &Arc<Self>) -> Result<Child> {
        let mut command = Command::new(&self.program);
        // Lambda sets the account and region; the developer's own must not leak in.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"AWS_")) {
            command.env_remove(name);
        }
        let mut child = command
            .args(&self.arguments)
            .current_dir(project::root())
            .envs(&self.environment)
            .process_group(self.group)
            .kill_on_drop(true)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", self.program.display()))?;
        self.keep_log(child.stdout.take());
        self.keep_log(child.stderr.take());
        Ok(child)
    }

    /// Keeps what the program prints. Requests, warnings and errors, but not the router's, are also shown on the terminal.
    fn keep_log(self: &Arc<Self>, output: Option<impl AsyncRead + Unpin + Send + 'static>) {
        let (Some(output), this) = (output, Arc::clone(self)) else { return };
        tokio::spawn(async move {
            let mut lines = BufReader::new(output).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let _ = (&this.log).write_all(format!("{line}\n").as_bytes());
                if let Some(text) = for_terminal(&line, this.has_started.load(Ordering::Relaxed))
                    && this.name != ROUTER
                {
                    eprintln!("{}: {text}", this.name);
                }
            }
        });
    }
}

/// What the terminal shows of a log line: a request in short, and as it is a warning, an error, or what is not a log entry at
/// all, such as the message of a panic.
fn for_terminal(line: &str, shows_requests: bool) -> Option<String> {
    let entry = serde_json::from_str::<Value>(line).unwrap_or_default();
    if entry.get("_aws").is_some() {
        return shows_requests.then(|| in_short(&entry));
    }
    let deserves_attention = match entry.get("level").and_then(Value::as_str) {
        Some(level) => matches!(level, "WARN" | "ERROR"),
        None => !line.trim().is_empty(),
    };
    deserves_attention.then(|| line.to_owned())
}

/// The line of a request, for people.
fn in_short(line: &Value) -> String {
    let parts = [
        ("", "/status"),
        ("", "/code"),
        ("because ", "/cause"),
        ("latency ms ", "/latency_ms"),
        ("DynamoDB requests ", "/dynamodb/requests"),
        ("ms ", "/dynamodb/time_ms"),
        ("read units ", "/dynamodb/read_units"),
        ("write units ", "/dynamodb/write_units"),
        ("failed items ", "/failed_items"),
        ("cold start", "/cold_start"),
        ("init ms ", "/init_ms"),
        ("user ", "/user"),
        ("audit ", "/audit/event"),
        ("path user ", "/audit/path_user"),
        ("request ", "/request_id"),
    ];
    let parts = parts.into_iter().filter_map(|(label, path)| match line.pointer(path)? {
        Value::Bool(is_set) => is_set.then(|| label.to_owned()),
        Value::String(text) => Some(format!("{label}{text}")),
        Value::Number(number) if number.as_f64() == Some(0.0) => None,
        value => Some(format!("{label}{value}")),
    });
    parts.collect::<Vec<_>>().join(", ")
}

/// The environment of the functions, without their names.
#[must_use]
pub fn environment(
    template: &Template,
    settings: BTreeMap<String, String>,
    dynamodb: &Service,
) -> BTreeMap<String, String> {
    let mut environment = settings;
    let fixed = [("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"), ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")];
    environment.extend(fixed.map(|(name, value)| (name.to_owned(), value.to_owned())));
    environment.extend(dynamodb.environment(&template.tables));
    environment
}

async fn answers(address: SocketAddr, method: &str, path: &str, expected: u16) -> Result<()> {
    let deadline = Instant::now() + STARTUP;
    loop {
        match probe::status(address, method, path, Duration::from_secs(2)).await {
            Ok(status) if status == expected => return Ok(()),
            Ok(status) if Instant::now() > deadline => bail!("{method} {path} returns {status}"),
            Err(error) if Instant::now() > deadline => return Err(error.context(format!("{method} {path}"))),
            _ => sleep(Duration::from_millis(50)).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_front_end_may_call_the_api() {
        let settings = BTreeMap::from([("BETTER_AUTH_URL".to_owned(), "http://localhost:3000/auth".to_owned())]);
        assert_eq!(origins(9000, &settings), ["http://127.0.0.1:9001", "http://localhost:3000"]);
        assert_eq!(origins(9000, &BTreeMap::new()), ["http://127.0.0.1:9001"]);
    }

    #[test]
    fn warnings_errors_and_panics_reach_the_terminal() {
        for line in [r#"{"level":"ERROR","message":"no table"}"#, r#"{"level":"WARN"}"#, "thread 'main' panicked"] {
            assert_eq!(for_terminal(line, false).as_deref(), Some(line));
        }
        for line in [r#"{"level":"INFO","message":"served"}"#, ""] {
            assert_eq!(for_terminal(line, true), None);
        }
    }

    #[test]
    fn requests_reach_the_terminal_in_short() {
        let line = |members: &str| format!(r#"{{"_aws":{{}},"level":"INFO","request_id":"r",{members}}}"#);
        for (members, expected) in [
            (
                r#""status":200,"latency_ms":4.1,"cold_start":true,"init_ms":20.5,"dynamodb":{"time_ms":3.6,"requests":1,"read_units":0.5,"write_units":0.0},"user":"6c65""#,
                "200, latency ms 4.1, DynamoDB requests 1, ms 3.6, read units 0.5, cold start, init ms 20.5, user 6c65, request r",
            ),
            (
                r#""status":401,"code":"token_invalid","cause":"the signature does not match","cold_start":false,"dynamodb":{"requests":0},"audit":{"event":"token_refused"}"#,
                "401, token_invalid, because the signature does not match, audit token_refused, request r",
            ),
            (
                r#""status":503,"code":"unavailable","cause":"ThrottlingException with status 400""#,
                "503, unavailable, because ThrottlingException with status 400, request r",
            ),
        ] {
            assert_eq!(for_terminal(&line(members), true).as_deref(), Some(expected));
            assert_eq!(for_terminal(&line(members), false), None);
        }
    }
}

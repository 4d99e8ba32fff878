//! Runs `cargo xtask dev` as a developer would, and sends HTTP requests to it.

use std::collections::HashMap;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{self, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use http_body_util::BodyExt;
use local::executables::Executables;
use local::template::Template;
use serde_json::Value;
use shared::aws::{Connector, TrustedRoots};
use tokio::process::{Child, Command};
use tokio::sync::OnceCell;

use crate::Answer;

/// A running `cargo xtask dev` with its own data. It stops when dropped.
pub struct Dev {
    process: Child,
    port: u16,
}

impl Dev {
    /// Starts it on free ports and waits until it serves requests. Its data is in `folder`.
    pub async fn start(folder: &Path, options: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::start_on(free_ports().await, folder, options, environment).await
    }

    /// Starts it on this port and the next.
    pub async fn start_on(port: u16, folder: &Path, options: &[&str], environment: &[(&str, &str)]) -> Self {
        let ready_file = folder.join("ready");
        let _ = fs::remove_file(&ready_file);
        let mut command = command(folder, options, environment).await;
        command.args(["--port", &port.to_string(), "--ready-file"]).arg(&ready_file);
        let mut process = command.spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(600);
        while !fs::read_to_string(&ready_file).is_ok_and(|url| !url.is_empty()) {
            assert!(Instant::now() < deadline, "the stack does not become ready");
            assert!(process.try_wait().unwrap().is_none(), "the stack does not start");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Self { process, port }
    }

    /// Checks that it refuses to start, and returns its error message.
    pub async fn refusal(folder: &Path, options: &[&str], environment: &[(&str, &str)]) -> String {
        let output = command(folder, options, environment).await.stderr(Stdio::piped()).output().await.unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    }

    /// The port of the API.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The base URL of the API.
    pub fn api(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The base URL of the page and the issuer.
    pub fn page(&self) -> String {
        format!("http://127.0.0.1:{}", self.port + 1)
    }

    /// Kills it with SIGKILL, like a crash.
    pub async fn kill(mut self) {
        self.process.kill().await.unwrap();
    }
}

async fn command(folder: &Path, options: &[&str], environment: &[(&str, &str)]) -> Command {
    /// Built once per test run.
    static LOCAL: OnceCell<Executables> = OnceCell::const_new();
    let executables = LOCAL.get_or_init(async || Executables::build(["local"]).await.unwrap()).await;
    let mut command = Command::new(executables.path("local").unwrap());
    for name in Template::read().unwrap().settings() {
        command.env_remove(name);
    }
    command.args(options).arg("--data").arg(folder.join("data"));
    // Instead of the embedded DynamoDB, the tests can use another one, with separate tables for each folder.
    if let Some(url) = std::env::var_os("TEST_DYNAMODB_URL") {
        let prefix = format!("{}-", folder.file_name().unwrap().to_string_lossy());
        command.arg("--dynamodb").arg(url).args(["--table-prefix", &prefix]);
    }
    command.envs(environment.iter().copied()).stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// Finds two consecutive free ports and returns the first. They are below 32768, because systems give higher ones to outgoing
/// connections, which could take one before the stack listens on it. Each test process has 64 of them, below those that the
/// stack chooses for itself.
async fn free_ports() -> u16 {
    static TRIED: AtomicU16 = AtomicU16::new(0);
    let first = 16_384 + (process::id() % 128) as u16 * 64;
    loop {
        let port = first + TRIED.fetch_add(2, Ordering::Relaxed) % 64;
        let both = [port, port + 1].map(|port| TcpListener::bind(("127.0.0.1", port)));
        if both.iter().all(Result::is_ok) {
            return port;
        }
    }
}

/// Creates an empty folder for one test.
pub fn temporary_folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("task-api-{name}-{}", process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Sends a request and returns the response with any status. A body that is not JSON is returned as a string.
pub async fn send(method: &str, url: &str, headers: &[(&str, &str)], body: impl Into<SdkBody>) -> Answer {
    try_send(method, url, headers, body).await.expect("a response")
}

/// Sends a request. Returns `None` without a complete response, because the server is gone.
pub async fn try_send(method: &str, url: &str, headers: &[(&str, &str)], body: impl Into<SdkBody>) -> Option<Answer> {
    let mut request = HttpRequest::new(body.into());
    request.set_method(method).unwrap();
    request.set_uri(url).unwrap();
    for (name, value) in headers {
        request.headers_mut().append((*name).to_owned(), (*value).to_owned());
    }
    // No request uses TLS, so any roots will do. These are the fewest.
    let response = Connector::trusting(TrustedRoots::amazon().ok()?).call(request).await.ok()?;
    let status = response.status().as_u16();
    let headers: HashMap<_, _> =
        response.headers().iter().map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
    let bytes = response.into_body().collect().await.ok()?.to_bytes();
    let text = || Value::String(String::from_utf8_lossy(&bytes).into_owned());
    let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap_or_else(|_| text()) };
    Some(Answer { status, headers, body, raw: Value::Null })
}

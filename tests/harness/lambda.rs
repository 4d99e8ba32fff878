//! Lambda from a function's point of view: a process with an environment, and the Runtime API, which hands out events.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::process::{Output, Stdio};

use local::executables::Executables;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::sync::OnceCell;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::http::Message;
use crate::{Answer, Operation, TIMEOUT, lines};

/// All functions, built once per test run.
static EXECUTABLES: OnceCell<Executables> = OnceCell::const_new();

/// A function's process, which polls for events.
pub struct Lambda {
    process: Child,
    /// Its output, which is read continuously because a full pipe would block it.
    stdout: JoinHandle<Vec<u8>>,
    stderr: JoinHandle<Vec<u8>>,
    listener: TcpListener,
    connection: Option<BufReader<TcpStream>>,
}

impl Lambda {
    /// Starts a function with these environment variables in addition to those that Lambda sets.
    pub async fn start(function: &str, environment: &[(&str, &str)]) -> Self {
        let executables = EXECUTABLES
            .get_or_init(async || Executables::build(Operation::ALL.map(Operation::name)).await.unwrap())
            .await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut process = Command::new(executables.path(function).unwrap())
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", listener.local_addr().unwrap().to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", function)
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let stdout = tokio::spawn(read_all(process.stdout.take().unwrap()));
        let stderr = tokio::spawn(read_all(process.stderr.take().unwrap()));
        Self { process, stdout, stderr, listener, connection: None }
    }

    /// Sends an event and returns the response.
    pub async fn invoke(&mut self, event: &str) -> Answer {
        self.ready().await;
        self.begin(event).await;
        let answer = self.request().await;
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(answer.path(), "/2018-06-01/runtime/invocation/invocation/response", "{body}");
        self.respond(&Message::answer(202, "application/json", "")).await;
        Answer::from(serde_json::from_str::<Value>(&body).unwrap())
    }

    /// Waits until the function has started and asks for an event.
    pub async fn ready(&mut self) {
        assert_eq!(self.request().await.path(), "/2018-06-01/runtime/invocation/next");
    }

    /// Sends an event to a function that is [ready](Self::ready), without waiting for the response.
    pub async fn begin(&mut self, event: &str) {
        let invocation = Message::answer(200, "application/json", event)
            .with("lambda-runtime-aws-request-id", "invocation")
            .with("lambda-runtime-deadline-ms", "9999999999999")
            .with("lambda-runtime-invoked-function-arn", "arn");
        self.respond(&invocation).await;
    }

    /// Kills the function and returns everything that it printed.
    pub async fn stop(mut self) -> Output {
        self.process.start_kill().unwrap();
        self.output().await
    }

    /// Waits until the function exits by itself and returns everything that it printed, lines of requests checked.
    pub async fn output(mut self) -> Output {
        let status = timeout(TIMEOUT, self.process.wait()).await.expect("the function exits").unwrap();
        let output = Output { status, stdout: self.stdout.await.unwrap(), stderr: self.stderr.await.unwrap() };
        lines::of(&output.stdout);
        output
    }

    /// Reads the function's next request.
    async fn request(&mut self) -> Message {
        timeout(TIMEOUT, async {
            loop {
                if let Some(connection) = &mut self.connection
                    && let Some(request) = Message::read(connection).await
                {
                    return request;
                }
                let (stream, _) = self.listener.accept().await.unwrap();
                self.connection = Some(BufReader::new(stream));
            }
        })
        .await
        .expect("the function asks for an event or responds to the last one")
    }

    async fn respond(&mut self, response: &Message) {
        response.send(self.connection.as_mut().unwrap()).await.expect("the function listens");
    }
}

async fn read_all(mut output: impl AsyncRead + Unpin) -> Vec<u8> {
    let mut bytes = Vec::new();
    output.read_to_end(&mut bytes).await.unwrap();
    bytes
}

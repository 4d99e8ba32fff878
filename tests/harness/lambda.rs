//! Lambda, as far as a function sees it: a binary with an environment, and the Runtime API that it asks for events.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::time::timeout;
use xtask::executables::Executables;

use crate::Answer;

const PATIENCE: Duration = Duration::from_secs(30);

/// A function's process, which waits for events.
pub struct Lambda {
    process: Child,
    listener: TcpListener,
    connection: Option<BufReader<TcpStream>>,
}

impl Lambda {
    /// Starts the binary of a function with these environment variables and those that Lambda sets.
    pub async fn start(function: &str, environment: &[(&str, &str)]) -> Self {
        let executables = Executables::build([function]).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let process = Command::new(executables.path(function).unwrap())
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
        Self { process, listener, connection: None }
    }

    /// Has the function answer an event.
    pub async fn invoke(&mut self, event: &str) -> Answer {
        let (path, _) = self.request().await;
        assert_eq!(path, "/2018-06-01/runtime/invocation/next");
        let head = format!(
            "HTTP/1.1 200 OK\r\nlambda-runtime-aws-request-id: invocation\r\nlambda-runtime-deadline-ms: 9999999999999\r\n\
             lambda-runtime-invoked-function-arn: arn\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            event.len()
        );
        self.respond(&(head + event)).await;
        let (path, answer) = self.request().await;
        assert_eq!(path, "/2018-06-01/runtime/invocation/invocation/response", "{}", String::from_utf8_lossy(&answer));
        self.respond("HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n").await;
        Answer::from(serde_json::from_slice::<Value>(&answer).unwrap())
    }

    /// Ends the function, and gives all that it printed.
    pub async fn stop(mut self) -> Output {
        self.process.start_kill().unwrap();
        self.output().await
    }

    /// Waits until the function ends by itself, and gives all that it printed.
    pub async fn output(self) -> Output {
        timeout(PATIENCE, self.process.wait_with_output()).await.expect("the function ends").unwrap()
    }

    /// The next request of the function: its path and its body.
    async fn request(&mut self) -> (String, Vec<u8>) {
        timeout(PATIENCE, async {
            loop {
                if let Some(connection) = &mut self.connection
                    && let Some(request) = read_request(connection).await
                {
                    return request;
                }
                let (stream, _) = self.listener.accept().await.unwrap();
                self.connection = Some(BufReader::new(stream));
            }
        })
        .await
        .expect("the function asks for its next event, or answers the last one")
    }

    async fn respond(&mut self, response: &str) {
        self.connection.as_mut().unwrap().write_all(response.as_bytes()).await.unwrap();
    }
}

/// A request with a body of known or chunked length; `None` if the connection was closed.
async fn read_request(connection: &mut BufReader<TcpStream>) -> Option<(String, Vec<u8>)> {
    let mut line = String::new();
    connection.read_line(&mut line).await.ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    let mut is_chunked = false;
    loop {
        let mut field = String::new();
        connection.read_line(&mut field).await.ok()?;
        let field = field.trim_end().to_ascii_lowercase();
        if field.is_empty() {
            break;
        }
        is_chunked |= field == "transfer-encoding: chunked";
        length = field.strip_prefix("content-length: ").map_or(length, |length| length.parse().unwrap());
    }
    let mut body = Vec::new();
    if is_chunked {
        loop {
            let mut size = String::new();
            connection.read_line(&mut size).await.ok()?;
            let size = usize::from_str_radix(size.trim_end(), 16).unwrap();
            let mut chunk = vec![0; size + 2];
            connection.read_exact(&mut chunk).await.ok()?;
            body.extend_from_slice(&chunk[..size]);
            if size == 0 {
                break;
            }
        }
    } else {
        body.resize(length, 0);
        connection.read_exact(&mut body).await.ok()?;
    }
    Some((path, body))
}

//! Lambda from a function's point of view: a process with an environment, and the Runtime API, which hands out one
//! event at a time.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::io::{BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::http::{Request, read_request};
use crate::process;
use crate::programs::Program;

const TIMEOUT: Duration = Duration::from_secs(120);

/// A function's process.
pub(crate) struct Lambda {
    process: Child,
    id: Pid,
    listener: TcpListener,
    connections: Vec<BufReader<TcpStream>>,
    started: Instant,
}

/// Time since a process was started.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Elapsed {
    pub(crate) cpu: Duration,
    pub(crate) wall: Duration,
}

/// A function's response and how long it took.
pub(crate) struct Reply {
    pub(crate) latency: Duration,
    text: Vec<u8>,
}

impl Reply {
    /// Parses the body that the client would get.
    pub(crate) fn body(&self) -> Result<Value> {
        let answer: Value = serde_json::from_slice(&self.text)?;
        let body = answer.get("body").and_then(Value::as_str).context("an answer without a body")?;
        serde_json::from_str(body).context("the body is not JSON")
    }
}

impl Lambda {
    /// Starts a program with these environment variables in addition to those that Lambda sets.
    pub(crate) fn start(program: &Program, environment: &[(&'static str, String)]) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").context("no port for the Runtime API")?;
        listener.set_nonblocking(true)?;
        let mut command = Command::new(&program.path);
        command
            .args(&program.arguments)
            .current_dir(&program.folder)
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", listener.local_addr()?.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "function")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let started = Instant::now();
        let process = command.spawn().with_context(|| format!("cannot start {}", program.path.display()))?;
        let id = Pid::from_raw(i32::try_from(process.id())?);
        Ok(Self { process, id, listener, connections: Vec::new(), started })
    }

    /// Sends an event to a function that has asked for one.
    ///
    /// Does not acknowledge the response, so the function stays idle until [`Lambda::finish`].
    pub(crate) fn send(&mut self, event: &str) -> Result<Reply> {
        let head = format!(
            "HTTP/1.1 200 OK\r\nlambda-runtime-aws-request-id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\r\n\
             lambda-runtime-deadline-ms: 9999999999999\r\n\
             lambda-runtime-invoked-function-arn: arn:aws:lambda:eu-central-1:123456789012:function:function\r\n\
             lambda-runtime-trace-id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            event.len()
        );
        let started = Instant::now();
        self.respond(&(head + event))?;
        let Request { path, body: text, .. } = self.request()?;
        let latency = started.elapsed();
        ensure!(
            path.ends_with("/response") && is_success(&text),
            "the function responded {}",
            String::from_utf8_lossy(&text)
        );
        Ok(Reply { latency, text })
    }

    /// Sends an event and waits until the function asks for the next one.
    pub(crate) fn invoke(&mut self, event: &str) -> Result<Reply> {
        let reply = self.send(event)?;
        self.respond("HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n")?;
        self.ready()?;
        Ok(reply)
    }

    /// The time since the start, taken once the function is idle.
    pub(crate) fn elapsed(&self) -> Result<Elapsed> {
        let wall = self.started.elapsed();
        Ok(Elapsed { cpu: process::cpu_time(self.id)?, wall })
    }

    pub(crate) fn peak_memory(&self) -> Result<f64> {
        process::peak_memory(self.id)
    }

    /// Sends SIGTERM to the process and waits until it exits.
    pub(crate) fn terminate(mut self) -> Result<()> {
        kill(self.id, Signal::SIGTERM)?;
        self.process.wait()?;
        Ok(())
    }

    /// Waits until the function asks for an event.
    pub(crate) fn ready(&mut self) -> Result<()> {
        let request = self.request()?;
        ensure!(
            request.method == "GET" && request.path.ends_with("/invocation/next"),
            "the function failed: {}",
            String::from_utf8_lossy(&request.body)
        );
        Ok(())
    }

    /// Reads the next request from any connection and moves that connection to the end of the list. A function with
    /// more than one thread sometimes opens a second one, because the first is not back in its pool yet.
    fn request(&mut self) -> Result<Request> {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            if let Some(index) = self.wait()? {
                let mut connection = self.connections.swap_remove(index);
                if let Some(request) = read_request(&mut connection)? {
                    self.connections.push(connection);
                    return Ok(request);
                }
            }
            if let Some(status) = self.process.try_wait()? {
                bail!("the function exited: {status}");
            }
            ensure!(Instant::now() < deadline, "the function neither asks for an event nor responds");
        }
    }

    /// Waits without using the processor, which the function shares. Accepts a new connection, or returns the index of
    /// one that has data.
    fn wait(&mut self) -> Result<Option<usize>> {
        if let Some(index) = self.connections.iter().position(|connection| !connection.buffer().is_empty()) {
            return Ok(Some(index));
        }
        let sockets = self.connections.iter().map(|connection| connection.get_ref().as_fd());
        let mut sockets: Vec<_> = sockets.map(|socket| PollFd::new(socket, PollFlags::POLLIN)).collect();
        sockets.push(PollFd::new(self.listener.as_fd(), PollFlags::POLLIN));
        poll(&mut sockets, PollTimeout::from(100_u8))?;
        let ready = sockets.iter().position(|socket| socket.any().unwrap_or_default());
        if ready != Some(self.connections.len()) {
            return Ok(ready);
        }
        let (stream, _) = self.listener.accept()?;
        stream.set_nonblocking(false)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        self.connections.push(BufReader::with_capacity(64 * 1024, stream));
        Ok(None)
    }

    fn respond(&mut self, response: &str) -> Result<()> {
        let connection = self.connections.last_mut().context("the function has closed its connection")?;
        connection.get_mut().write_all(response.as_bytes())?;
        Ok(())
    }
}

impl Drop for Lambda {
    fn drop(&mut self) {
        // The process may have exited already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Whether the response has a status of 200 to 209. Parsing it would evict the function from the processor's caches.
fn is_success(answer: &[u8]) -> bool {
    const NAME: &[u8] = br#""statusCode":"#;
    let found = answer.windows(NAME.len()).position(|window| window == NAME);
    let status = found.and_then(|at| answer.get(at + NAME.len()..)).unwrap_or_default();
    status.trim_ascii_start().starts_with(b"20")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_answers_with_a_success_status_count() {
        assert!(is_success(br#"{"body":"{}","statusCode":201}"#));
        assert!(is_success(br#"{"statusCode": 200, "body": "{}"}"#));
        assert!(!is_success(br#"{"statusCode":401}"#));
        assert!(!is_success(br#"{"errorMessage":"statusCode"}"#));
    }
}

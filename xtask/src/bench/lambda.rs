//! Lambda, as far as a function sees it: a process with an environment, and the Runtime API, which hands out one event
//! at a time.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::io::{BufReader, ErrorKind, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use super::http::{Request, read_request};
use super::measure::{self, Processors};

const PATIENCE: Duration = Duration::from_secs(120);

/// How a function is started.
#[derive(Debug, Clone)]
pub(super) struct Start<'a> {
    /// The function's binary, or a tool that runs it.
    pub(super) program: &'a Path,
    pub(super) arguments: &'a [String],
    /// Beside what Lambda itself sets.
    pub(super) environment: &'a [(&'static str, String)],
    pub(super) processors: Option<&'a Processors>,
}

/// A function's process.
pub(super) struct Lambda {
    process: Child,
    listener: TcpListener,
    connection: Option<BufReader<TcpStream>>,
    begun: Instant,
}

/// Time since a process was started.
#[derive(Debug, Clone, Copy)]
pub(super) struct Elapsed {
    pub(super) cpu: Duration,
    pub(super) wall: Duration,
}

impl Lambda {
    pub(super) fn start(start: &Start<'_>) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").context("no port for the Runtime API")?;
        listener.set_nonblocking(true)?;
        let mut command = Command::new(start.program);
        command
            .args(start.arguments)
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", listener.local_addr()?.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "function")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .envs(start.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let begun = Instant::now();
        let process = match start.processors {
            Some(processors) => processors.on_function_processor(|| command.spawn())?,
            None => command.spawn(),
        };
        let process = process.with_context(|| format!("cannot start {}", start.program.display()))?;
        Ok(Self { process, listener, connection: None, begun })
    }

    /// Waits until the function asks for its first event.
    pub(super) fn ready(&mut self) -> Result<()> {
        self.expect_next().map(drop)
    }

    /// Sends an event to a function that has asked for one, and gives the time until the answer was here.
    ///
    /// The function is left waiting for the acknowledgement of its answer.
    pub(super) fn send(&mut self, event: &str) -> Result<Duration> {
        let head = format!(
            "HTTP/1.1 200 OK\r\nlambda-runtime-aws-request-id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\r\n\
             lambda-runtime-deadline-ms: 9999999999999\r\n\
             lambda-runtime-invoked-function-arn: arn:aws:lambda:eu-central-1:123456789012:function:function\r\n\
             lambda-runtime-trace-id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            event.len()
        );
        let begun = Instant::now();
        self.respond(&(head + event))?;
        let answer = self.request()?;
        let elapsed = begun.elapsed();
        let text = String::from_utf8_lossy(&answer.body);
        ensure!(answer.path.ends_with("/response") && text.contains(r#""statusCode":20"#), "answered {text}");
        Ok(elapsed)
    }

    /// Acknowledges the answer, and waits until the function asks for its next event.
    pub(super) fn finish(&mut self) -> Result<()> {
        self.respond("HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n")?;
        self.expect_next().map(drop)
    }

    /// Has the function answer an event, and gives how long that took.
    pub(super) fn invoke(&mut self, event: &str) -> Result<Duration> {
        let latency = self.send(event)?;
        self.finish()?;
        Ok(latency)
    }

    /// Time since the start, when the function has come to rest.
    pub(super) fn elapsed(&self) -> Result<Elapsed> {
        let wall = self.begun.elapsed();
        Ok(Elapsed { cpu: measure::cpu_time(self.process.id())?, wall })
    }

    pub(super) fn peak_memory(&self) -> Result<u64> {
        measure::peak_memory(self.process.id())
    }

    /// Asks the process to end, and waits for it.
    pub(super) fn terminate(mut self) -> Result<()> {
        let id = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw).context("no process")?;
        kill_process(id, Signal::TERM)?;
        self.process.wait()?;
        Ok(())
    }

    fn expect_next(&mut self) -> Result<Request> {
        let request = self.request()?;
        ensure!(
            request.method == "GET" && request.path.ends_with("/invocation/next"),
            "the function failed: {}",
            String::from_utf8_lossy(&request.body)
        );
        Ok(request)
    }

    fn request(&mut self) -> Result<Request> {
        loop {
            if let Some(connection) = &mut self.connection
                && let Some(request) = read_request(connection)?
            {
                return Ok(request);
            }
            self.connection = Some(self.accept()?);
        }
    }

    fn accept(&mut self) -> Result<BufReader<TcpStream>> {
        let given_up = Instant::now() + PATIENCE;
        loop {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    stream.set_nonblocking(false)?;
                    stream.set_nodelay(true)?;
                    stream.set_read_timeout(Some(PATIENCE))?;
                    return Ok(BufReader::with_capacity(64 * 1024, stream));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
            if let Some(status) = self.process.try_wait()? {
                bail!("the function ended: {status}");
            }
            ensure!(Instant::now() < given_up, "the function does not ask for events");
            std::thread::sleep(Duration::from_micros(50));
        }
    }

    fn respond(&mut self, response: &str) -> Result<()> {
        let connection = self.connection.as_mut().context("the function has closed its connection")?;
        connection.get_mut().write_all(response.as_bytes())?;
        Ok(())
    }
}

impl Drop for Lambda {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

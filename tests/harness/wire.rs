//! The wire between the functions and a server behind them, DynamoDB or the issuer: a proxy that keeps a record, and
//! that spoils requests and answers when told to, as a network and a server in trouble do it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

use crate::http::Message;

/// A proxy on a port of its own. It ends when it is dropped.
#[derive(Debug)]
pub struct Wire {
    endpoint: String,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    /// Host and port.
    upstream: String,
    state: Mutex<State>,
    traffic: watch::Sender<Traffic>,
}

#[derive(Debug, Default)]
struct State {
    recorded: Vec<Recorded>,
    faults: VecDeque<Fault>,
    all: Option<Fault>,
    metered: bool,
    units: f64,
}

/// How many requests were sent, are on their way to the server, and were done.
#[derive(Debug, Default, Clone, Copy)]
struct Traffic {
    sent: usize,
    on_the_way: usize,
    done: usize,
}

/// A request that was sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// The operation of DynamoDB, such as `UpdateItem`; of other servers, method and path.
    pub operation: String,
    /// Its body, if it is JSON.
    pub body: Value,
}

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// It is answered with this status and DynamoDB error, whose message repeats the request, and not done.
    Error(u16, &'static str),
    /// It is answered as a transaction that was cancelled for this reason.
    Cancelled(&'static str),
    /// The connection is reset before it arrives.
    Reset,
    /// It is never answered, and never arrives.
    Hang,
    /// It is done, and answered, only after this time: if the sender has given it up, it is done nevertheless.
    Late(Duration),
    /// It is done, and the answer takes this time.
    Slow(Duration),
    /// It is done, and the answer comes in drops that take this time.
    Dribble(Duration),
    /// It is done, and never answered.
    NoAnswer,
    /// It is done, and the connection is reset instead of an answer.
    LostAnswer,
    /// It is done, and the connection is closed in the middle of the answer.
    Truncated,
    /// It is done, and the answer is whole, but not what it should be.
    Garbled,
}

impl Wire {
    /// A wire to the server at this URL, which has neither path nor TLS.
    pub async fn to(upstream: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let upstream = upstream.strip_prefix("http://").expect("a URL without TLS").to_owned();
        let shared = Shared { upstream, state: Mutex::default(), traffic: watch::Sender::default() };
        let shared = Arc::new(shared);
        let server = tokio::spawn(serve(listener, Arc::clone(&shared)));
        Self { endpoint, shared, server }
    }

    /// The URL of this end.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// What was sent since this was asked last.
    pub fn take(&self) -> Vec<Recorded> {
        std::mem::take(&mut self.shared.state.lock().unwrap().recorded)
    }

    /// The operations that were sent since this was asked last.
    pub fn take_operations(&self) -> Vec<String> {
        self.take().into_iter().map(|recorded| recorded.operation).collect()
    }

    /// Has DynamoDB say from now on what requests cost.
    pub fn meter(&self) {
        self.shared.state.lock().unwrap().metered = true;
    }

    /// The capacity units, of reads and of writes, that requests took since this was asked last.
    pub fn take_units(&self) -> f64 {
        std::mem::take(&mut self.shared.state.lock().unwrap().units)
    }

    /// Spoils the next requests, each in its way.
    pub fn fail_next(&self, faults: impl IntoIterator<Item = Fault>) {
        self.shared.state.lock().unwrap().faults = faults.into_iter().collect();
    }

    /// Spoils all requests from now on, or none.
    pub fn fail_all(&self, fault: Fault) {
        self.shared.state.lock().unwrap().all = Some(fault);
    }

    /// Spoils nothing any more, and returns when all that is still on its way has arrived.
    pub async fn settle(&self) {
        self.fail_next([]);
        self.fail_all(Fault::None);
        self.until(|traffic| traffic.on_the_way == 0).await;
    }

    /// Returns when so many requests have been sent in all.
    pub async fn has_been_sent(&self, requests: usize) {
        self.until(|traffic| traffic.sent >= requests).await;
    }

    /// Returns when so many requests have been done in all.
    pub async fn has_done(&self, requests: usize) {
        self.until(|traffic| traffic.done >= requests).await;
    }

    async fn until(&self, condition: impl FnMut(&Traffic) -> bool) {
        self.shared.traffic.subscribe().wait_for(condition).await.unwrap();
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(Connection::new(stream, Arc::clone(&shared)).run());
        while connections.try_join_next().is_some() {}
    }
}

/// A connection of a sender, and the one to the server that belongs to it.
struct Connection {
    stream: BufReader<TcpStream>,
    upstream: Option<BufReader<TcpStream>>,
    shared: Arc<Shared>,
}

impl Connection {
    fn new(stream: TcpStream, shared: Arc<Shared>) -> Self {
        stream.set_nodelay(true).unwrap();
        Self { stream: BufReader::new(stream), upstream: None, shared }
    }

    async fn run(mut self) {
        while let Some(request) = Message::read(&mut self.stream).await {
            let fault = self.shared.record(&request);
            if self.exchange(&request, fault).await.is_none() {
                break;
            }
        }
    }

    /// Does with a request and its answer what the fault says; `None` ends the connection.
    async fn exchange(&mut self, request: &Message, fault: Fault) -> Option<()> {
        match fault {
            Fault::Error(status, code) => return error(status, code, request, "").send(&mut self.stream).await,
            Fault::Cancelled(reason) => {
                let reasons = format!(r#","CancellationReasons":[{{"Code":"None"}},{{"Code":"{reason}"}}]"#);
                return error(400, "TransactionCanceledException", request, &reasons).send(&mut self.stream).await;
            }
            Fault::Reset => return self.reset(),
            Fault::Hang => std::future::pending().await,
            _ => {}
        }
        self.shared.traffic.send_modify(|traffic| traffic.on_the_way += 1);
        if let Fault::Late(delay) = fault {
            sleep(delay).await;
        }
        let answer = self.forward(request).await;
        self.shared.traffic.send_modify(|traffic| {
            traffic.on_the_way -= 1;
            traffic.done += usize::from(answer.is_some());
        });
        let mut answer = answer?;
        match fault {
            Fault::NoAnswer => std::future::pending().await,
            Fault::LostAnswer => return self.reset(),
            Fault::Slow(delay) => sleep(delay).await,
            Fault::Dribble(time) => return self.dribble(&answer, time).await,
            Fault::Truncated => return self.truncate(&answer).await,
            Fault::Garbled => answer = Message::answer(200, "text/html", "<html>"),
            _ => {}
        }
        answer.send(&mut self.stream).await
    }

    /// Has the server do it.
    async fn forward(&mut self, request: &Message) -> Option<Message> {
        if self.upstream.is_none() {
            let stream = TcpStream::connect(&self.shared.upstream).await.ok()?;
            stream.set_nodelay(true).ok()?;
            self.upstream = Some(BufReader::new(stream));
        }
        let upstream = self.upstream.as_mut()?;
        if !self.shared.state.lock().unwrap().metered {
            request.send(upstream).await?;
            return Message::read(upstream).await;
        }
        metered(request).send(upstream).await?;
        let answer = Message::read(upstream).await?;
        self.shared.state.lock().unwrap().units += units(&answer);
        Some(answer)
    }

    async fn dribble(&mut self, answer: &Message, time: Duration) -> Option<()> {
        const DROPS: usize = 20;
        let bytes = answer.to_bytes();
        let drops: Vec<_> = bytes.chunks(bytes.len().div_ceil(DROPS)).collect();
        for drop in &drops {
            sleep(time / u32::try_from(drops.len()).unwrap()).await;
            self.stream.write_all(drop).await.ok()?;
        }
        Some(())
    }

    async fn truncate(&mut self, answer: &Message) -> Option<()> {
        let bytes = answer.to_bytes();
        self.stream.write_all(&bytes[..bytes.len() - answer.body.len().div_ceil(2)]).await.ok()?;
        None
    }

    fn reset(&self) -> Option<()> {
        self.stream.get_ref().set_zero_linger().unwrap();
        None
    }
}

impl Shared {
    /// Keeps a record of a request, and tells what happens to it.
    fn record(&self, request: &Message) -> Fault {
        let operation = request.field("x-amz-target").and_then(|target| target.rsplit_once('.'));
        let operation = operation.map_or_else(|| request.method_and_path(), |(_, operation)| operation).to_owned();
        let body = serde_json::from_slice(&request.body).unwrap_or_default();
        self.traffic.send_modify(|traffic| traffic.sent += 1);
        let mut state = self.state.lock().unwrap();
        state.recorded.push(Recorded { operation, body });
        state.faults.pop_front().or(state.all).unwrap_or(Fault::None)
    }
}

/// The same request, of which DynamoDB says what it costs.
fn metered(request: &Message) -> Message {
    let mut body: Value = serde_json::from_slice(&request.body).unwrap();
    body["ReturnConsumedCapacity"] = json!("TOTAL");
    let mut metered = request.clone();
    metered.body = body.to_string().into_bytes();
    metered
}

/// What DynamoDB says that a request cost: of a transaction, in each of its tables. It does not say it of a write whose
/// condition failed, which costs the units of the item as it is: one, for items of less than a kilobyte.
///
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithItems.html#WorkingWithItems.ConditionalUpdate>
fn units(answer: &Message) -> f64 {
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    let units = |consumed: &Value| consumed["CapacityUnits"].as_f64().unwrap_or_default();
    if body["__type"].as_str().is_some_and(|name| name.ends_with("ConditionalCheckFailedException")) {
        return 1.0;
    }
    match &body["ConsumedCapacity"] {
        Value::Array(tables) => tables.iter().map(units).sum(),
        table => units(table),
    }
}

fn error(status: u16, code: &str, request: &Message, more: &str) -> Message {
    let message = json!(format!("made by the test of {}", String::from_utf8_lossy(&request.body)));
    let body = format!(r#"{{"__type":"com.amazonaws.dynamodb.v20120810#{code}","message":{message}{more}}}"#);
    Message::answer(status, "application/x-amz-json-1.0", body)
}

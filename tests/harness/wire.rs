//! The wire between the functions and a server, DynamoDB or the issuer: a proxy that records requests and injects the
//! faults of networks and overloaded servers.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::TIMEOUT;
use crate::http::Message;

/// A proxy on its own port. It stops when dropped.
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
    /// One in so many requests gets one of these faults.
    some: Option<(u64, &'static [Fault])>,
    injected: usize,
    metered: bool,
    units: f64,
}

/// How many requests were sent, are being forwarded, and got a response from the server.
#[derive(Debug, Default, Clone, Copy)]
struct Traffic {
    sent: usize,
    in_flight: usize,
    done: usize,
}

/// A recorded request.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// The DynamoDB operation, such as `UpdateItem`; for other servers, method and path.
    pub operation: String,
    /// The body; null if it is not JSON.
    pub body: Value,
}

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// The proxy returns this status and DynamoDB error, with a message that quotes the request, and does not forward
    /// it.
    Error(u16, &'static str),
    /// The proxy responds that the transaction was canceled for this reason, because of its last action.
    Cancelled(&'static str),
    /// The proxy responds that nothing of a `BatchWriteItem` was done, and does not forward it.
    Unprocessed,
    /// The connection is reset before the request is forwarded.
    Reset,
    /// The request is neither forwarded nor answered.
    Hang,
    /// The request is forwarded only after this time, even if the sender has given up.
    Late(Duration),
    /// The request is forwarded, and the response is delayed by this time.
    Slow(Duration),
    /// The request is forwarded, and the response arrives in small pieces over this time.
    Dribble(Duration),
    /// The request is forwarded, but no response arrives.
    NoAnswer,
    /// The request is forwarded, but the connection is reset instead of a response.
    LostAnswer,
    /// The request is forwarded, but the connection is closed in the middle of the response.
    Truncated,
    /// The request is forwarded, but the response is replaced by HTML.
    Garbled,
}

impl Wire {
    /// Starts a wire to the server at this URL, which has neither a path nor TLS.
    pub async fn to(upstream: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let upstream = upstream.strip_prefix("http://").expect("a URL without TLS").to_owned();
        let shared = Shared { upstream, state: Mutex::default(), traffic: watch::Sender::default() };
        let shared = Arc::new(shared);
        let server = tokio::spawn(serve(listener, Arc::clone(&shared)));
        Self { endpoint, shared, server }
    }

    /// The proxy's URL.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Takes the requests since the last call.
    pub fn take(&self) -> Vec<Recorded> {
        std::mem::take(&mut self.shared.state.lock().unwrap().recorded)
    }

    /// Takes the requests since the last call and returns only their operations.
    pub fn take_operations(&self) -> Vec<String> {
        self.take().into_iter().map(|recorded| recorded.operation).collect()
    }

    /// Starts metering: sums the consumed capacity that the functions ask for with each request.
    pub fn meter(&self) {
        self.shared.state.lock().unwrap().metered = true;
    }

    /// Takes the capacity units, of reads and writes together, that were consumed since the last call.
    pub fn take_units(&self) -> f64 {
        std::mem::take(&mut self.shared.state.lock().unwrap().units)
    }

    /// Injects these faults into the next requests, one each.
    pub fn fail_next(&self, faults: impl IntoIterator<Item = Fault>) {
        self.shared.state.lock().unwrap().faults = faults.into_iter().collect();
    }

    /// Injects this fault into all further requests.
    pub fn fail_all(&self, fault: Fault) {
        self.shared.state.lock().unwrap().all = Some(fault);
    }

    /// Injects one of these faults into one in `n` further requests, chosen by their numbers as if by chance; 0 for none.
    pub fn fail_one_in(&self, n: u64, faults: &'static [Fault]) {
        self.shared.state.lock().unwrap().some = (n > 0).then_some((n, faults));
    }

    /// How many requests [`Self::fail_one_in`] has failed.
    pub fn injected(&self) -> usize {
        self.shared.state.lock().unwrap().injected
    }

    /// Stops injecting faults and waits until the server has responded to all forwarded requests.
    pub async fn settle(&self) {
        self.fail_next([]);
        self.fail_all(Fault::None);
        self.fail_one_in(0, &[]);
        self.until(|traffic| traffic.in_flight == 0).await;
    }

    /// How many requests have been sent in total, and how many of them the server has responded to.
    pub fn totals(&self) -> (usize, usize) {
        let traffic = self.shared.traffic.borrow();
        (traffic.sent, traffic.done)
    }

    /// Waits until this many requests have been sent in total.
    pub async fn has_been_sent(&self, requests: usize) {
        self.until(|traffic| traffic.sent >= requests).await;
    }

    /// Waits until the server has responded to this many requests in total.
    pub async fn has_done(&self, requests: usize) {
        self.until(|traffic| traffic.done >= requests).await;
    }

    async fn until(&self, condition: impl FnMut(&Traffic) -> bool) {
        let mut traffic = self.shared.traffic.subscribe();
        timeout(TIMEOUT, traffic.wait_for(condition)).await.expect("the traffic is as expected in time").unwrap();
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

/// A client's connection and the corresponding one to the server.
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

    /// Forwards a request and its response, with the fault injected. Returns `None` if the connection must be closed.
    async fn exchange(&mut self, request: &Message, fault: Fault) -> Option<()> {
        match fault {
            Fault::Error(status, code) => return error(status, code, request, "").send(&mut self.stream).await,
            Fault::Cancelled(reason) => {
                let body: Value = serde_json::from_slice(&request.body).unwrap();
                let others = r#"{"Code":"None"},"#.repeat(body["TransactItems"].as_array().unwrap().len() - 1);
                let reasons = format!(r#","CancellationReasons":[{others}{{"Code":"{reason}"}}]"#);
                return error(400, "TransactionCanceledException", request, &reasons).send(&mut self.stream).await;
            }
            Fault::Unprocessed => {
                let request: Value = serde_json::from_slice(&request.body).unwrap();
                let body = json!({ "UnprocessedItems": request["RequestItems"] }).to_string();
                return Message::answer(200, "application/x-amz-json-1.0", body).send(&mut self.stream).await;
            }
            Fault::Reset => return self.reset(),
            Fault::Hang => std::future::pending().await,
            _ => {}
        }
        self.shared.traffic.send_modify(|traffic| traffic.in_flight += 1);
        if let Fault::Late(delay) = fault {
            sleep(delay).await;
        }
        let answer = self.forward(request).await;
        self.shared.traffic.send_modify(|traffic| {
            traffic.in_flight -= 1;
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

    /// Sends a request to the server and reads the response.
    async fn forward(&mut self, request: &Message) -> Option<Message> {
        if self.upstream.is_none() {
            let stream = TcpStream::connect(&self.shared.upstream).await.ok()?;
            stream.set_nodelay(true).ok()?;
            self.upstream = Some(BufReader::new(stream));
        }
        let upstream = self.upstream.as_mut()?;
        request.send(upstream).await?;
        let answer = Message::read(upstream).await?;
        let mut state = self.shared.state.lock().unwrap();
        if state.metered {
            state.units += units(&answer);
        }
        Some(answer)
    }

    async fn dribble(&mut self, answer: &Message, time: Duration) -> Option<()> {
        const DROPS: usize = 20;
        let bytes = answer.to_bytes();
        let drops: Vec<_> = bytes.chunks(bytes.len().div_ceil(DROPS)).collect();
        let (begun, pause) = (Instant::now(), time / u32::try_from(drops.len()).unwrap());
        for (number, drop) in (1..).zip(&drops) {
            sleep_until(begun + pause * number).await;
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
    /// Records a request and chooses its fault.
    fn record(&self, request: &Message) -> Fault {
        let operation = request.field("x-amz-target").and_then(|target| target.rsplit_once('.'));
        let operation = operation.map_or_else(|| request.method_and_path(), |(_, operation)| operation).to_owned();
        let body = serde_json::from_slice(&request.body).unwrap_or_default();
        self.traffic.send_modify(|traffic| traffic.sent += 1);
        let mut state = self.state.lock().unwrap();
        state.recorded.push(Recorded { operation, body });
        let by_chance = state.some.and_then(|(n, faults)| chance(self.traffic.borrow().sent, n, faults));
        state.injected += usize::from(by_chance.is_some());
        state.faults.pop_front().or(state.all).or(by_chance).unwrap_or(Fault::None)
    }
}

/// The fault of the request with this number, the same in every run.
fn chance(number: usize, n: u64, faults: &[Fault]) -> Option<Fault> {
    let mut hasher = DefaultHasher::new();
    number.hash(&mut hasher);
    let hash = hasher.finish();
    if hash.is_multiple_of(n) { faults.get((hash / n) as usize % faults.len()).copied() } else { None }
}

/// The consumed capacity that DynamoDB reports, summed over the tables of a transaction. It reports none for a write
/// whose condition failed, although that consumes the units of the existing item: one for items of less than a
/// kilobyte.
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

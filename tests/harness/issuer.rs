//! An issuer with configurable responses, behind a wire that records requests and injects faults.

use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::BufReader;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::http::Message;
use crate::wire::Wire;

/// A server that returns the same response to every request. It stops when dropped.
#[derive(Debug)]
pub struct Issuer {
    /// The wire through which it is reached.
    pub wire: Wire,
    answer: Arc<Mutex<Message>>,
    server: JoinHandle<()>,
}

impl Issuer {
    /// Starts an issuer that publishes this key set.
    pub async fn publishing(key_set: &Value) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let wire = Wire::to(&format!("http://{}", listener.local_addr().unwrap())).await;
        let answer = Arc::new(Mutex::new(document(200, &key_set.to_string())));
        let server = tokio::spawn(serve(listener, Arc::clone(&answer)));
        Self { wire, answer, server }
    }

    /// Returns this response from now on.
    pub fn answers(&self, status: u16, body: &str) {
        *self.answer.lock().unwrap() = document(status, body);
    }

    /// Redirects every request to another path on the same wire from now on.
    pub fn redirects(&self) {
        let elsewhere = format!("{}/elsewhere", self.wire.endpoint());
        *self.answer.lock().unwrap() = document(302, "").with("location", &elsewhere);
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn document(status: u16, body: &str) -> Message {
    Message::answer(status, "application/json", body)
}

async fn serve(listener: TcpListener, answer: Arc<Mutex<Message>>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(serve_connection(BufReader::new(stream), Arc::clone(&answer)));
    }
}

async fn serve_connection(mut stream: BufReader<TcpStream>, answer: Arc<Mutex<Message>>) {
    while Message::read(&mut stream).await.is_some() {
        let answer = answer.lock().unwrap().clone();
        if answer.send(&mut stream).await.is_none() {
            break;
        }
    }
}

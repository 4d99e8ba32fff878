//! An issuer that answers what it is told, behind a wire that counts and fails.

use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::BufReader;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::http::Message;
use crate::wire::Wire;

/// A server of one document. It ends when it is dropped.
#[derive(Debug)]
pub struct Issuer {
    /// The way to it.
    pub wire: Wire,
    answer: Arc<Mutex<Message>>,
    server: JoinHandle<()>,
}

impl Issuer {
    /// An issuer that publishes this key set.
    pub async fn publishing(key_set: &Value) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let wire = Wire::to(&format!("http://{}", listener.local_addr().unwrap())).await;
        let answer = Arc::new(Mutex::new(document(200, &key_set.to_string())));
        let server = tokio::spawn(serve(listener, Arc::clone(&answer)));
        Self { wire, answer, server }
    }

    /// Answers every request like this from now on.
    pub fn answers(&self, status: u16, body: &str) {
        *self.answer.lock().unwrap() = document(status, body);
    }

    /// Sends every request somewhere else on the same wire.
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

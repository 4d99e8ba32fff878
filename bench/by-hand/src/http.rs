//! HTTP/1.1 on one persistent connection, for responses of known length.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::Result;

/// Something to write requests to and read responses from.
pub(crate) trait Stream: Read + Write {}

impl<T: Read + Write> Stream for T {}

pub(crate) struct Client {
    stream: Box<dyn Stream>,
    request: Vec<u8>,
    received: Vec<u8>,
}

/// A response with any status.
pub(crate) struct Response {
    /// The invocation that a response of the Runtime API belongs to; empty in other responses.
    pub(crate) request_id: String,
    pub(crate) body: Vec<u8>,
}

/// Connects with `TCP_NODELAY`.
pub(crate) fn open(host: &str) -> Result<TcpStream> {
    let socket = TcpStream::connect(host)?;
    socket.set_nodelay(true)?;
    Ok(socket)
}

impl Client {
    pub(crate) fn new(stream: Box<dyn Stream>) -> Self {
        Self { stream, request: Vec::new(), received: Vec::new() }
    }

    /// Sends a request and waits for the response.
    pub(crate) fn exchange(&mut self, head: &[u8], body: &[u8]) -> Result<Response> {
        self.request.clear();
        self.request.extend_from_slice(head);
        self.request.extend_from_slice(body);
        self.stream.write_all(&self.request)?;
        self.stream.flush()?;

        self.received.clear();
        let end = loop {
            if let Some(end) = self.received.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break end;
            }
            self.receive()?;
        };
        let (head, _) = self.received.split_at(end);
        let (mut length, mut request_id) = (0, String::new());
        for (name, value) in std::str::from_utf8(head)?.lines().filter_map(|line| line.split_once(": ")) {
            if name.eq_ignore_ascii_case("content-length") {
                length = value.parse()?;
            } else if name.eq_ignore_ascii_case("lambda-runtime-aws-request-id") {
                value.clone_into(&mut request_id);
            }
        }
        while self.received.len() < end + 4 + length {
            self.receive()?;
        }
        Ok(Response { request_id, body: self.received.split_off(end + 4) })
    }

    fn receive(&mut self) -> Result<()> {
        let mut chunk = [0; 16 * 1024];
        let count = self.stream.read(&mut chunk)?;
        if count == 0 {
            return Err("the connection was closed".into());
        }
        self.received.extend_from_slice(chunk.get(..count).unwrap_or_default());
        Ok(())
    }
}

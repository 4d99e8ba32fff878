//! Just enough HTTP/1.1 for a proxy.

use std::fmt::Write;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// A complete request or response.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    start_line: String,
    /// Header fields with lowercase names, except those that delimit the body.
    fields: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Message {
    /// Creates a response.
    pub(crate) fn answer(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let fields = vec![("content-type".to_owned(), content_type.to_owned())];
        Self { start_line: format!("HTTP/1.1 {status} Status"), fields, body: body.into() }
    }

    /// Adds a header field.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Reads the next message, with a body of known length or in chunks. Returns `None` if the connection is closed.
    pub(crate) async fn read(connection: &mut (impl AsyncBufRead + Unpin)) -> Option<Self> {
        let start_line = read_line(connection).await?;
        let mut fields = Vec::new();
        let (mut length, mut is_chunked) = (0, false);
        loop {
            let line = read_line(connection).await?;
            let Some((name, value)) = line.split_once(':') else { break };
            let (name, value) = (name.to_ascii_lowercase(), value.trim());
            match name.as_str() {
                "content-length" => length = value.parse().ok()?,
                "transfer-encoding" => is_chunked = value.eq_ignore_ascii_case("chunked"),
                _ => fields.push((name, value.to_owned())),
            }
        }
        let mut body = vec![0; length];
        connection.read_exact(&mut body).await.ok()?;
        while is_chunked {
            let size = usize::from_str_radix(&read_line(connection).await?, 16).ok()?;
            let mut chunk = vec![0; size + 2];
            connection.read_exact(&mut chunk).await.ok()?;
            body.extend_from_slice(&chunk[..size]);
            is_chunked = size > 0;
        }
        Some(Self { start_line, fields, body })
    }

    /// The path and query of a request.
    pub(crate) fn path(&self) -> &str {
        self.start_line.split(' ').nth(1).unwrap_or_default()
    }

    /// The method and path of a request.
    pub(crate) fn method_and_path(&self) -> &str {
        self.start_line.trim_end_matches(" HTTP/1.1")
    }

    /// A header field by its lowercase name.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(candidate, _)| candidate == name).map(|(_, value)| value.as_str())
    }

    /// The message as it is sent.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut head = format!("{}\r\n", self.start_line);
        for (name, value) in &self.fields {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        let _ = write!(head, "content-length: {}\r\n\r\n", self.body.len());
        [head.as_bytes(), &self.body].concat()
    }

    /// Sends the message. Returns `None` if the connection is closed.
    pub(crate) async fn send(&self, connection: &mut (impl AsyncWrite + Unpin)) -> Option<()> {
        connection.write_all(&self.to_bytes()).await.ok()
    }
}

/// Reads a line without its end. Returns `None` if the connection is closed.
async fn read_line(connection: &mut (impl AsyncBufRead + Unpin)) -> Option<String> {
    let mut line = String::new();
    let read = connection.read_line(&mut line).await.ok()?;
    (read > 0).then(|| line.trim_end().to_owned())
}

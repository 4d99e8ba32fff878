//! Just enough HTTP/1.1 for the two servers that a function talks to. Unlike the tests' HTTP reader, it blocks and
//! discards header fields, to cost as little as possible while a function is measured.

use std::io::{self, BufRead, Read};

#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    /// The operation that `X-Amz-Target` names; empty in requests that are not for DynamoDB.
    pub(crate) operation: String,
    pub(crate) body: Vec<u8>,
}

/// Reads the next request, with a body of known length or in chunks. Returns `None` if the connection was closed.
pub(crate) fn read_request(connection: &mut impl BufRead) -> io::Result<Option<Request>> {
    let mut line = String::new();
    if connection.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split(' ');
    let (Some(method), Some(path)) = (words.next(), words.next()) else {
        return Err(io::Error::other("not a request"));
    };
    let (method, path) = (method.to_owned(), path.to_owned());
    let (mut length, mut is_chunked, mut operation) = (0, false, String::new());
    loop {
        line.clear();
        connection.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        let value = value.trim_start();
        if name.eq_ignore_ascii_case("content-length") {
            length = value.parse().map_err(io::Error::other)?;
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            is_chunked = true;
        } else if name.eq_ignore_ascii_case("x-amz-target") {
            operation = value.rsplit('.').next().unwrap_or_default().to_owned();
        }
    }
    let body = if is_chunked { read_chunks(connection)? } else { read_bytes(connection, length)? };
    Ok(Some(Request { method, path, operation, body }))
}

fn read_chunks(connection: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut size = String::new();
        connection.read_line(&mut size)?;
        let size = usize::from_str_radix(size.trim_end(), 16).map_err(io::Error::other)?;
        body.extend(read_bytes(connection, size)?);
        read_bytes(connection, 2)?;
        if size == 0 {
            return Ok(body);
        }
    }
}

fn read_bytes(connection: &mut impl Read, count: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; count];
    connection.read_exact(&mut bytes)?;
    Ok(bytes)
}

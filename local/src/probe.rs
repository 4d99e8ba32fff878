//! Just enough HTTP to see whether a server answers.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, timeout};

/// The status of the answer to a request without headers or body.
///
/// # Errors
/// No response within `patience`.
pub async fn status(address: SocketAddr, method: &str, path: &str, patience: Duration) -> Result<u16> {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        let request =
            format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        anyhow::Ok(answer)
    };
    let answer = timeout(patience, exchange).await.with_context(|| format!("no answer within {patience:?}"))??;
    let line = String::from_utf8_lossy(&answer);
    line.split(' ').nth(1).and_then(|status| status.parse().ok()).context("the answer is not HTTP")
}

/// Returns once `address` is free. Gives a stack that was just killed time to release it.
///
/// # Errors
/// It stays in use.
pub async fn wait_until_free(address: SocketAddr) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(3);
    loop {
        match TcpListener::bind(address).await {
            Ok(_) => return Ok(()),
            Err(error) if Instant::now() > deadline => {
                bail!("port {} cannot be used ({}); choose another with --port", address.port(), error.kind())
            }
            Err(_) => sleep(Duration::from_millis(100)).await,
        }
    }
}

/// Returns once connections to `address` are accepted.
///
/// # Errors
/// None is accepted within `patience`.
pub async fn wait_until_open(address: SocketAddr, patience: Duration) -> Result<()> {
    let deadline = Instant::now() + patience;
    while let Err(error) = TcpStream::connect(address).await {
        if Instant::now() > deadline {
            return Err(error).with_context(|| format!("cannot connect to {address}"));
        }
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// A free port of this machine.
///
/// # Errors
/// No port is free.
pub async fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port())
}

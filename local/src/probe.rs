//! Just enough HTTP to see whether a server answers.

use std::net::{Ipv4Addr, SocketAddr};
use std::process;
use std::sync::atomic::{AtomicU16, Ordering};
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

/// A free port of this machine, for a program that is started next. It is below 32768, because systems assign higher ports to
/// other programs, which could take it before this one listens. Two stacks that start at the same time try different ports.
///
/// # Errors
/// No port is free.
pub async fn free_port() -> Result<u16> {
    const FIRST: u16 = 24_576;
    const PORTS: u16 = 8_192;
    static TRIED: AtomicU16 = AtomicU16::new(0);
    let start = (process::id() % u32::from(PORTS / 4)) as u16 * 4;
    for _ in 0..PORTS {
        let port = FIRST + start.wrapping_add(TRIED.fetch_add(1, Ordering::Relaxed)) % PORTS;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.is_ok() {
            return Ok(port);
        }
    }
    bail!("no port from {FIRST} to {} is free", FIRST + PORTS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn free_port_is_none_that_a_system_gives_to_others() {
        let (one, other) = (free_port().await.unwrap(), free_port().await.unwrap());
        assert_ne!(one, other);
        for port in [one, other] {
            assert!((24_576..32_768).contains(&port), "{port}");
        }
    }

    #[tokio::test]
    async fn port_in_use_is_passed_over() {
        let port = free_port().await.unwrap();
        let _listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port + 1)).await;
        assert_ne!(free_port().await.unwrap(), port + 1);
    }
}

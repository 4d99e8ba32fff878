//! Names and their addresses, as the operating system knows them.

use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};

/// Looks names up in a thread, because the operating system keeps whoever asks waiting.
#[derive(Debug, Clone, Default)]
pub(super) struct Resolver {
    /// Whether the next lookup is made on the spot.
    on_the_spot: Arc<AtomicBool>,
}

impl Resolver {
    /// A resolver that makes its first lookup on the spot: for one before the first request, when nobody is kept
    /// waiting, and the thread would be a twelfth of a cold start.
    pub(super) fn first_on_the_spot() -> Self {
        Self { on_the_spot: Arc::new(AtomicBool::new(true)) }
    }
}

impl ResolveDns for Resolver {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        if self.on_the_spot.swap(false, Ordering::Relaxed) {
            return DnsFuture::ready(addresses(name).map_err(ResolveDnsError::new));
        }
        let name = name.to_owned();
        DnsFuture::new(async move {
            let lookup = tokio::task::spawn_blocking(move || addresses(&name));
            lookup.await.map_err(ResolveDnsError::new)?.map_err(ResolveDnsError::new)
        })
    }
}

fn addresses(name: &str) -> io::Result<Vec<IpAddr>> {
    Ok((name, 0).to_socket_addrs()?.map(|address| address.ip()).collect())
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn only_a_first_lookup_is_made_on_the_spot() {
        let resolver = Resolver::first_on_the_spot();
        let first = resolver.resolve_dns("localhost").now_or_never().expect("at once").unwrap();
        assert!(first.iter().all(IpAddr::is_loopback) && !first.is_empty(), "{first:?}");
        for resolver in [resolver, Resolver::default()] {
            assert!(resolver.resolve_dns("localhost").now_or_never().is_none());
            assert_eq!(resolver.resolve_dns("localhost").await.unwrap(), first);
            assert!(resolver.resolve_dns("no name").await.is_err());
        }
    }
}

//! Names and their addresses, as the operating system knows them; at the start, looked up without a thread.
//!
//! - **Figure:** the thread is a tenth of a cold start.
//! - **Reason:** a lookup keeps whoever makes it waiting, and one that hangs cannot be given up. So each has a thread, but
//!   for the first: before the first request nobody is kept waiting.
//! - **To be rid of it:** delete this file and [`super::Connector::connected_at_start`]; the SDK brings a resolver.

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
    /// waiting, and the thread would be a tenth of a cold start.
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
#[cfg_attr(coverage_nightly, coverage(off))]
mod tests {
    use std::sync::mpsc;

    use futures_util::FutureExt;
    use tokio::runtime::Builder;

    use super::*;

    #[test]
    fn only_a_first_lookup_is_made_on_the_spot() {
        let runtime = Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
        let _entered = runtime.enter();
        // The only thread for lookups is busy.
        let (release, released) = mpsc::channel::<()>();
        let busy = runtime.spawn_blocking(move || released.recv());

        let resolver = Resolver::first_on_the_spot();
        let first = resolver.resolve_dns("localhost").now_or_never().expect("at once").unwrap();
        assert!(first.iter().all(IpAddr::is_loopback) && !first.is_empty(), "{first:?}");
        let others = [resolver, Resolver::default()];
        let mut lookups = others.each_ref().map(|resolver| resolver.resolve_dns("localhost"));
        assert!(lookups.iter_mut().all(|lookup| lookup.now_or_never().is_none()));

        drop(release);
        assert!(runtime.block_on(busy).unwrap().is_err());
        for lookup in lookups {
            assert_eq!(runtime.block_on(lookup).unwrap(), first);
        }
        assert!(runtime.block_on(others[0].resolve_dns("no name")).is_err());
    }
}

//! Looks names up with the operating system, for the first time without a thread.
//!
//! - **Figure:** the thread is a tenth of a cold start.
//! - **Reason:** a lookup blocks, and one that hangs cannot be given up, so each has a thread. The first one needs none: it
//!   is made before the first request, when nothing else waits.
//! - **To remove it:** delete this file; the SDK brings a resolver.

use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};

#[derive(Debug, Clone, Default)]
pub(super) struct Resolver {
    was_used: Arc<AtomicBool>,
}

impl ResolveDns for Resolver {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        if !self.was_used.swap(true, Ordering::Relaxed) {
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
    fn only_the_first_lookup_has_no_thread() {
        let runtime = Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
        let _entered = runtime.enter();
        // The only thread for lookups is busy.
        let (release, released) = mpsc::channel::<()>();
        let busy = runtime.spawn_blocking(move || released.recv());

        let resolver = Resolver::default();
        let first = resolver.resolve_dns("localhost").now_or_never().expect("at once").unwrap();
        assert!(first.iter().all(IpAddr::is_loopback) && !first.is_empty(), "{first:?}");
        let mut lookup = resolver.resolve_dns("localhost");
        assert!((&mut lookup).now_or_never().is_none());

        drop(release);
        assert!(runtime.block_on(busy).unwrap().is_err());
        assert_eq!(runtime.block_on(lookup).unwrap(), first);
        assert!(runtime.block_on(resolver.resolve_dns("no name")).is_err());
    }
}

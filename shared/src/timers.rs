//! Timers that are kept and reset.
//!
//! - **Figure:** 2 µs of a warm get and 2 to 12 % of a cold start in a prototype; not measured alone since.
//! - **Reason:** a new timer that ends before all others makes tokio write to an eventfd, so that the thread waiting for
//!   events wakes up in time: twice a request, for the answer and for DynamoDB. One that is only moved later does not.
//! - **To remove it:** delete this file; `app` then uses `tokio::time::timeout`, and `aws::client` uses `TokioSleep`.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use aws_smithy_async::rt::sleep::{AsyncSleep, Sleep};
use tokio::time::Instant;

/// Timers of one duration. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Timers {
    duration: Duration,
    idle: Arc<Mutex<Vec<Pin<Box<tokio::time::Sleep>>>>>,
}

impl Timers {
    pub(crate) fn of(duration: Duration) -> Self {
        Self { duration, idle: Arc::default() }
    }

    /// Ends when the duration has passed.
    pub(crate) fn start(&self) -> Timer {
        let idle = self.idle().pop();
        let sleep = match idle {
            Some(mut sleep) => {
                sleep.as_mut().reset(Instant::now() + self.duration);
                sleep
            }
            None => Box::pin(tokio::time::sleep(self.duration)),
        };
        Timer { sleep: Some(sleep), timers: self.clone() }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Pin<Box<tokio::time::Sleep>>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For the AWS SDK: keeps timers of the duration that every request waits for, and no others.
impl AsyncSleep for Timers {
    fn sleep(&self, duration: Duration) -> Sleep {
        if duration == self.duration { Sleep::new(self.start()) } else { Sleep::new(tokio::time::sleep(duration)) }
    }
}

/// A timer that is running. Dropping it keeps it for the next one.
pub(crate) struct Timer {
    /// `Some` until the timer is dropped.
    sleep: Option<Pin<Box<tokio::time::Sleep>>>,
    timers: Timers,
}

impl Future for Timer {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.sleep.as_mut().map_or(Poll::Ready(()), |sleep| sleep.as_mut().poll(context))
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        let sleep = self.sleep.take();
        self.timers.idle().extend(sleep);
    }
}

#[cfg(test)]
#[cfg_attr(coverage_nightly, coverage(off))]
mod tests {
    use super::*;

    const DURATION: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn kept_timer_takes_the_whole_duration_again() {
        let timers = Timers::of(DURATION);
        for _ in 0..3 {
            let begun = Instant::now();
            timers.start().await;
            assert!(begun.elapsed() >= DURATION);
        }
        // Given up half-way.
        drop(timers.start());
        let begun = Instant::now();
        timers.start().await;
        assert!(begun.elapsed() >= DURATION);
        assert_eq!(timers.idle().len(), 1);
    }

    #[tokio::test]
    async fn concurrent_timers_are_distinct() {
        let timers = Timers::of(DURATION);
        let begun = Instant::now();
        tokio::join!(timers.start(), timers.start(), timers.sleep(2 * DURATION));
        assert!(begun.elapsed() >= 2 * DURATION);
        assert_eq!(timers.idle().len(), 2);
    }
}

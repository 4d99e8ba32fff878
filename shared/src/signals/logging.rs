//! What a function has to say besides the lines of its requests: lines on standard output, in the format and at the level
//! of Lambda's logging configuration. They never contain tokens, headers, bodies or titles. The debug output of libraries
//! would show whole requests, so they may only warn.

use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::Level;

/// Starts logging: JSON at `INFO` by default. Panics are logged unless they are expected.
pub(crate) fn start(is_expected: fn() -> bool) {
    let variable = |name: &str| std::env::var(name).ok();
    let level = variable("AWS_LAMBDA_LOG_LEVEL").and_then(|level| Level::parse(&level)).unwrap_or_default().filter();
    let targets =
        Targets::new().with_target(env!("CARGO_CRATE_NAME"), level).with_default(LevelFilter::WARN.min(level));
    let lines = tracing_subscriber::fmt::layer().with_ansi(false);
    let lines = if variable("AWS_LAMBDA_LOG_FORMAT").is_some_and(|format| format.eq_ignore_ascii_case("text")) {
        lines.boxed()
    } else {
        lines.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed()
    };
    // A second start, in a test, changes nothing.
    let _ = tracing_subscriber::registry().with(targets).with(lines).try_init();
    // A panic's message may contain anything, so only its location is logged.
    std::panic::set_hook(Box::new(move |panic| {
        if is_expected() {
            return;
        }
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "a panic");
    }));
}

/// What a test logs while it runs `action`.
#[cfg(test)]
#[cfg_attr(coverage_nightly, coverage(off))]
pub(crate) fn captured<T>(action: impl FnOnce() -> T) -> (T, String) {
    use std::io::{self, Write};
    use std::sync::{Arc, LazyLock, Mutex};

    use tracing::Dispatch;
    use tracing::subscriber::NoSubscriber;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    // While there is only one dispatcher, `tracing` asks whichever thread reaches a line first whether the line is of
    // interest, and remembers the answer for all: a test that captures nothing would silence this one.
    static ANOTHER: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(NoSubscriber::new()));
    LazyLock::force(&ANOTHER);

    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let result = tracing::subscriber::with_default(subscriber, action);
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    (result, text)
}

#[cfg(test)]
#[cfg_attr(coverage_nightly, coverage(off))]
mod tests {
    #[test]
    fn line_that_another_thread_reached_first_is_captured() {
        let reach = || tracing::warn!("reached");
        let ((), log) = super::captured(|| {
            std::thread::spawn(reach).join().unwrap();
            reach();
        });
        assert!(log.contains("reached"), "{log:?}");
    }
}

//! What a function has to say besides the lines of its requests: lines on standard output, in the format and at the level
//! of Lambda's logging configuration. They never contain tokens, headers, bodies or titles. The debug output of libraries
//! would show whole requests, so they may only warn.

use std::panic::PanicHookInfo;

use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::Level;

/// Starts logging. Panics are logged unless they are expected.
pub(crate) fn start(is_expected: fn() -> bool) {
    // A second start, in a test, changes nothing.
    let _ = subscriber(|name| std::env::var(name).ok(), std::io::stdout).try_init();
    std::panic::set_hook(Box::new(move |panic| log_panic(panic, is_expected)));
}

/// Writes lines as these environment variables say: JSON at `INFO` by default.
fn subscriber(
    variable: impl Fn(&str) -> Option<String>,
    writer: impl for<'a> MakeWriter<'a> + Send + Sync + 'static,
) -> impl Subscriber + Send + Sync {
    let level = variable("AWS_LAMBDA_LOG_LEVEL").and_then(|level| Level::parse(&level)).unwrap_or_default().filter();
    let targets =
        Targets::new().with_target(env!("CARGO_CRATE_NAME"), level).with_default(LevelFilter::WARN.min(level));
    let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(writer);
    let lines = if variable("AWS_LAMBDA_LOG_FORMAT").is_some_and(|format| format.eq_ignore_ascii_case("text")) {
        lines.boxed()
    } else {
        lines.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed()
    };
    tracing_subscriber::registry().with(targets).with(lines)
}

/// A panic's message may contain anything, so only its location is logged.
fn log_panic(panic: &PanicHookInfo<'_>, is_expected: fn() -> bool) {
    if is_expected() {
        return;
    }
    let place = panic.location().map(ToString::to_string);
    tracing::error!(place, "a panic");
}

/// What a test logs while it runs `action`.
#[cfg(test)]
#[cfg_attr(coverage_nightly, coverage(off))]
pub(crate) fn captured<T>(action: impl FnOnce() -> T) -> (T, String) {
    tests::captured_by(|log| tracing_subscriber::fmt().with_ansi(false).with_writer(log).finish(), action)
}

#[cfg(test)]
#[cfg_attr(coverage_nightly, coverage(off))]
mod tests {
    use std::io::{self, Write};
    use std::panic::{catch_unwind, set_hook, take_hook};
    use std::sync::{Arc, LazyLock, Mutex};
    use std::thread;

    use serde_json::Value;
    use tracing::Dispatch;
    use tracing::subscriber::NoSubscriber;

    use super::*;

    #[derive(Clone, Default)]
    pub(super) struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Log {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    /// What this subscriber writes while a test runs `action`.
    pub(super) fn captured_by<S: Subscriber + Send + Sync + 'static, T>(
        subscriber: impl FnOnce(Log) -> S,
        action: impl FnOnce() -> T,
    ) -> (T, String) {
        // While there is only one dispatcher, `tracing` asks whichever thread reaches a line first whether the line is of
        // interest, and remembers the answer for all: a test that captures nothing would silence this one.
        static ANOTHER: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(NoSubscriber::new()));
        LazyLock::force(&ANOTHER);

        let log = Log::default();
        let result = tracing::subscriber::with_default(subscriber(log.clone()), action);
        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        (result, text)
    }

    /// The lines of a function with these environment variables.
    fn lines(variables: &[(&str, &str)], action: impl FnOnce()) -> Vec<String> {
        let variable = |name: &str| {
            let value = variables.iter().find(|(known, _)| *known == name);
            value.map(|(_, value)| (*value).to_owned())
        };
        let ((), log) = captured_by(|log| subscriber(variable, log), action);
        log.lines().map(str::to_owned).collect()
    }

    fn at_every_level() {
        tracing::debug!("a debug line");
        tracing::info!(answer = 42, "an info line");
        tracing::warn!("a warning");
        tracing::error!("an error");
        tracing::info!(target: "hyper", "a library's info line");
        tracing::warn!(target: "hyper", "a library's warning");
    }

    #[test]
    fn lines_are_flat_json_at_info_by_default() {
        let lines = lines(&[], at_every_level);
        let lines: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        let messages: Vec<_> = lines.iter().map(|line| line["message"].as_str().unwrap()).collect();
        assert_eq!(messages, ["an info line", "a warning", "an error", "a library's warning"]);
        assert_eq!((&lines[0]["level"], &lines[0]["answer"]), (&"INFO".into(), &42.into()));
    }

    #[test]
    fn text_is_a_format_of_lambda() {
        for format in ["Text", "TEXT"] {
            let lines = lines(&[("AWS_LAMBDA_LOG_FORMAT", format)], at_every_level);
            assert!(lines[0].contains(" INFO ") && lines[0].ends_with("an info line answer=42"), "{lines:?}");
        }
        let lines = lines(&[("AWS_LAMBDA_LOG_FORMAT", "JSON")], at_every_level);
        assert!(lines[0].starts_with('{'), "{lines:?}");
    }

    #[test]
    fn libraries_never_say_more_than_warnings() {
        for (level, count) in [("DEBUG", 5), ("WARN", 3), ("ERROR", 1), ("FATAL", 0)] {
            let lines = lines(&[("AWS_LAMBDA_LOG_LEVEL", level)], at_every_level);
            assert_eq!(lines.len(), count, "{level}: {lines:?}");
            assert!(!lines.concat().contains("a library's info line"), "{lines:?}");
        }
    }

    #[test]
    fn unexpected_panic_is_logged_without_its_message() {
        let (others, this) = (Arc::new(take_hook()), thread::current().id());
        let logged = |is_expected: fn() -> bool| {
            let others = Arc::clone(&others);
            set_hook(Box::new(move |panic| {
                if thread::current().id() == this { log_panic(panic, is_expected) } else { others(panic) }
            }));
            lines(&[], || drop(catch_unwind(|| panic!("a secret"))))
        };
        let (expected, unexpected) = (logged(|| true), logged(|| false));
        set_hook(Box::new(move |panic| others(panic)));
        assert_eq!((expected.len(), unexpected.len()), (0, 1), "{expected:?} {unexpected:?}");
        let line: Value = serde_json::from_str(&unexpected[0]).unwrap();
        assert_eq!((&line["level"], &line["message"]), (&"ERROR".into(), &"a panic".into()));
        assert!(line["place"].as_str().unwrap().contains("logging.rs:"), "{line}");
        assert!(!unexpected[0].contains("a secret"), "{line}");
    }

    #[test]
    fn line_that_another_thread_reached_first_is_captured() {
        let reach = || tracing::warn!("reached");
        let ((), log) = captured(|| {
            thread::spawn(reach).join().unwrap();
            reach();
        });
        assert!(log.contains("reached"), "{log:?}");
    }
}

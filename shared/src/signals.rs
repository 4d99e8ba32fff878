//! What an operator sees of a request: one line on standard output, which is both its log entry and its metrics, and a span
//! if traces are on. docs/observability.md lists the fields and the metrics.
//!
//! While a request is answered, the parts that answer it [`note`] what they know in its [`Record`]. They need not pass it
//! on, and requests that run concurrently in one process do not see each other's.

mod level;
mod line;
mod logging;
mod record;
mod settings;
mod span;
mod trace;

use std::fmt;
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ring::hmac;

pub use self::record::AuditEvent;
pub use self::settings::SignalSettings;

pub(crate) use self::level::Level;
#[cfg(test)]
pub(crate) use self::logging::captured;
pub(crate) use self::logging::start as start_logging;
pub(crate) use self::record::{Failure, Record, note, recorded};
pub(crate) use self::trace::TraceContext;

use self::line::Line;
use crate::hex::hex;

/// Where the line of a request goes.
type Lines = Box<dyn Fn(&[u8]) + Send + Sync>;

/// Writes the lines of one function.
pub(crate) struct Signals {
    settings: SignalSettings,
    /// Taken by the first request, which reports it.
    start: Mutex<Option<Start>>,
    lines: Option<Lines>,
    /// The memory of the last line, for the next one.
    buffer: Mutex<Vec<u8>>,
}

/// What happened before the first request.
#[derive(Debug, Default)]
struct Start {
    init: Option<Duration>,
    key_set_failures: u32,
}

impl Signals {
    /// Signals that write no lines yet.
    pub(crate) fn new(settings: SignalSettings) -> Self {
        Self { settings, start: Mutex::new(Some(Start::default())), lines: None, buffer: Mutex::default() }
    }

    /// Writes lines with this function, each with its line feed.
    pub(crate) fn write_with(&mut self, write: impl Fn(&[u8]) + Send + Sync + 'static) {
        self.lines = Some(Box::new(write));
    }

    /// Reports how long the start took, and what was recorded in it, with the first request.
    pub(crate) fn started(&self, init: Option<Duration>, record: &Record) {
        let start = Start { init, key_set_failures: record.key_set_failures };
        *self.start.lock().unwrap_or_else(PoisonError::into_inner) = Some(start);
    }

    /// The keyed hash that stands for a user in lines: 32 hexadecimal digits. `None` without a key.
    pub(crate) fn hash(&self, user_id: &str) -> Option<String> {
        let tag = hmac::sign(self.settings.hash_key.as_ref()?, user_id.as_bytes());
        tag.as_ref().get(..16).map(hex)
    }

    /// Writes the line of an answered request.
    ///
    /// Returns the span to export, if traces are on and the caller has not decided against this one.
    pub(crate) fn emit(&self, mut record: Record) -> Option<Vec<u8>> {
        let start = self.start.lock().unwrap_or_else(PoisonError::into_inner).take();
        let traced = self.settings.collector.is_some();
        if traced {
            record.trace.get_or_insert_with(TraceContext::random);
        }
        let line = Line::new(&record, &self.settings, start.as_ref());
        if let Some(write) = &self.lines {
            let mut buffer = self.buffer.lock().unwrap_or_else(PoisonError::into_inner);
            buffer.clear();
            line.write_to(&mut buffer);
            write(&buffer);
        }
        traced.then(|| span::export(&line, &record)).flatten()
    }

    /// The URL that spans are posted to, if traces are on.
    pub(crate) fn collector(&self) -> Option<&str> {
        self.settings.collector.as_deref()
    }
}

impl fmt::Debug for Signals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signals").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// Writes a line to standard output, in one piece.
pub(crate) fn to_stdout(line: &[u8]) {
    // There is nowhere to report that it failed.
    let _ = std::io::stdout().lock().write_all(line);
}

//! How lines name the service and its users, and where spans go.

use ring::hmac;
use url::Url;

use super::Level;
use crate::environment::{InvalidSetting, Variables, is_this_machine};

const DEFAULT_SERVICE: &str = "daylist";
const MAX_SERVICE_BYTES: usize = 255;
/// As long as the hash (RFC 2104 §3).
const MIN_HASH_KEY_BYTES: usize = 32;

/// Checked settings of what an operator sees.
#[derive(Debug)]
pub struct SignalSettings {
    pub(super) service: String,
    pub(super) hash_key: Option<hmac::Key>,
    pub(super) collector: Option<String>,
    /// Lambda drops lines below this level.
    pub(super) level: Level,
}

impl SignalSettings {
    /// Reads the settings.
    ///
    /// # Errors
    /// Names the setting that is wrong.
    pub(crate) fn read(variables: &Variables<'_>) -> Result<Self, InvalidSetting> {
        let level = variables.optional("AWS_LAMBDA_LOG_LEVEL")?;
        Ok(Self {
            service: variables.optional("SERVICE_NAME")?.map_or(Ok(DEFAULT_SERVICE.to_owned()), service)?,
            hash_key: variables.optional("LOG_HASH_KEY")?.map(hash_key).transpose()?,
            collector: variables.optional("OTEL_EXPORTER_OTLP_ENDPOINT")?.map(collector).transpose()?,
            level: level.and_then(|level| Level::parse(&level)).unwrap_or_default(),
        })
    }
}

fn service(name: String) -> Result<String, InvalidSetting> {
    let is_name = name.len() <= MAX_SERVICE_BYTES
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    let problem = "must be at most 255 letters, digits, and characters of -._";
    if is_name { Ok(name) } else { Err(InvalidSetting::new("SERVICE_NAME", problem)) }
}

fn hash_key(key: String) -> Result<hmac::Key, InvalidSetting> {
    if key.len() < MIN_HASH_KEY_BYTES {
        return Err(InvalidSetting::new("LOG_HASH_KEY", "must be at least 32 bytes long"));
    }
    Ok(hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()))
}

/// The URL that spans are posted to. Only to this machine, where a collector runs as an extension: so spans need no TLS,
/// and a wrong setting sends them nowhere else.
///
/// <https://opentelemetry.io/docs/specs/otel/protocol/exporter/#endpoint-urls-for-otlphttp>
fn collector(endpoint: String) -> Result<String, InvalidSetting> {
    let url = Url::parse(&endpoint).ok().filter(|url| url.scheme() == "http" && is_this_machine(url));
    let url = url.filter(|_| !endpoint.contains(['@', '?', '#']));
    let problem = "must be an http URL of this machine, such as http://localhost:4318";
    let url = url.ok_or(InvalidSetting::new("OTEL_EXPORTER_OTLP_ENDPOINT", problem))?;
    Ok(format!("{}/v1/traces", url.as_str().trim_end_matches('/')))
}

#[cfg(test)]
#[cfg_attr(coverage_nightly, coverage(off))]
mod tests {
    use super::*;

    fn read(name: &str, value: &str) -> Result<SignalSettings, InvalidSetting> {
        SignalSettings::read(&Variables::new(&|other| (other == name).then(|| value.to_owned())))
    }

    #[test]
    fn wrong_setting_is_named() {
        let long = "x".repeat(256);
        for (name, value, problem) in [
            ("SERVICE_NAME", "", "is set but empty"),
            ("SERVICE_NAME", "my tasks", "must be at most 255 letters, digits, and characters of -._"),
            ("SERVICE_NAME", &long, "must be at most 255 letters, digits, and characters of -._"),
            ("LOG_HASH_KEY", "too short", "must be at least 32 bytes long"),
            (
                "OTEL_EXPORTER_OTLP_ENDPOINT",
                "http://collector.example:4318",
                "must be an http URL of this machine, such as http://localhost:4318",
            ),
            (
                "OTEL_EXPORTER_OTLP_ENDPOINT",
                "https://localhost:4318",
                "must be an http URL of this machine, such as http://localhost:4318",
            ),
            (
                "OTEL_EXPORTER_OTLP_ENDPOINT",
                "http://localhost@collector.example",
                "must be an http URL of this machine, such as http://localhost:4318",
            ),
        ] {
            assert_eq!(read(name, value).unwrap_err().to_string(), format!("{name} {problem}"));
        }
    }

    #[test]
    fn service_and_hash_key_are_as_set() {
        let longest = "x".repeat(255);
        for name in ["my-tasks_2.0", &longest] {
            assert_eq!(read("SERVICE_NAME", name).unwrap().service, name);
        }
        assert!(read("LOG_HASH_KEY", &"k".repeat(32)).unwrap().hash_key.is_some());
        assert!(read("LOG_HASH_KEY", &"k".repeat(31)).is_err());
    }

    #[test]
    fn defaults_send_nothing() {
        let settings = read("", "").unwrap();
        assert_eq!((settings.service.as_str(), settings.level), ("daylist", Level::Info));
        assert!(settings.hash_key.is_none() && settings.collector.is_none());
    }

    #[test]
    fn spans_go_below_the_endpoint() {
        for (endpoint, url) in [
            ("http://localhost:4318", "http://localhost:4318/v1/traces"),
            ("http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/traces"),
            ("http://[::1]:4318/otlp", "http://[::1]:4318/otlp/v1/traces"),
        ] {
            assert_eq!(read("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint).unwrap().collector.as_deref(), Some(url));
        }
    }

    #[test]
    fn level_is_lambdas() {
        for (text, level) in
            [("TRACE", Level::Trace), ("warn", Level::Warn), ("FATAL", Level::Fatal), ("?", Level::Info)]
        {
            assert_eq!(read("AWS_LAMBDA_LOG_LEVEL", text).unwrap().level, level);
        }
    }
}

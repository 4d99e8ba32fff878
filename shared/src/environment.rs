//! The environment variables of a function, from which each part reads its settings.

use std::borrow::Cow;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use thiserror::Error;
use url::{Host, Url};

/// The environment, as a function from name to value.
pub(crate) struct Variables<'a>(&'a dyn Fn(&str) -> Option<String>);

impl<'a> Variables<'a> {
    pub(crate) fn new(variable: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self(variable)
    }

    pub(crate) fn required(&self, name: &'static str) -> Result<String, InvalidSetting> {
        self.optional(name)?.ok_or(InvalidSetting::new(name, "must be set"))
    }

    /// An empty value is an error, not a default: somebody meant to set it.
    pub(crate) fn optional(&self, name: &'static str) -> Result<Option<String>, InvalidSetting> {
        match (self.0)(name) {
            Some(value) if value.is_empty() => Err(InvalidSetting::new(name, "is set but empty")),
            value => Ok(value),
        }
    }

    /// A number within bounds; the default if none is set.
    pub(crate) fn number<T: FromStr + PartialOrd + Display>(
        &self,
        name: &'static str,
        allowed: RangeInclusive<T>,
        default: T,
    ) -> Result<T, InvalidSetting> {
        let Some(text) = self.optional(name)? else { return Ok(default) };
        let number = text.parse().ok().filter(|number| allowed.contains(number));
        let (least, most) = allowed.into_inner();
        number.ok_or_else(|| InvalidSetting::new(name, format!("must be a number from {least} to {most}")))
    }

    /// Fails with `problem` if this is set.
    pub(crate) fn refuse(&self, name: &'static str, problem: &'static str) -> Result<(), InvalidSetting> {
        self.optional(name)?.map_or(Ok(()), |_| Err(InvalidSetting::new(name, problem)))
    }
}

/// Whether a URL names the machine that it is used on.
pub(crate) fn is_this_machine(url: &Url) -> bool {
    url.host().is_some_and(|host| match host {
        Host::Domain(domain) => domain == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    })
}

/// The URL that a setting holds.
///
/// # Errors
/// If it is relative, or has another scheme, a user, a query, or a fragment.
pub(crate) fn parse_url(name: &'static str, text: &str) -> Result<Url, InvalidSetting> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    url.filter(|_| !text.contains(['@', '?', '#']))
        .ok_or(InvalidSetting::new(name, "must be an absolute http or https URL without user, query or fragment"))
}

/// Fails for a URL of plain http, unless it names this machine.
pub(crate) fn must_be_private(name: &'static str, url: &Url) -> Result<(), InvalidSetting> {
    if url.scheme() == "https" || is_this_machine(url) {
        return Ok(());
    }
    Err(InvalidSetting::new(
        name,
        "must be https, or http to this machine: others could read or replace what is sent on its way",
    ))
}

/// A setting that is missing or wrong. Displays as one line that names it and never repeats its value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{name} {problem}")]
pub struct InvalidSetting {
    name: &'static str,
    problem: Cow<'static, str>,
}

impl InvalidSetting {
    pub(crate) fn new(name: &'static str, problem: impl Into<Cow<'static, str>>) -> Self {
        Self { name, problem: problem.into() }
    }
}

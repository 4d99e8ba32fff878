//! The environment of a function, as the settings of each part are read from it.

use std::fmt;

/// The environment, as a function of a name.
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
}

/// A setting that cannot be worked with. Displays as one line that names it and never repeats its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidSetting {
    name: &'static str,
    problem: &'static str,
}

impl InvalidSetting {
    pub(crate) const fn new(name: &'static str, problem: &'static str) -> Self {
        Self { name, problem }
    }
}

impl fmt::Display for InvalidSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.problem)
    }
}

impl std::error::Error for InvalidSetting {}

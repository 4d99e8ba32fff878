//! Which tables tasks are in, and how to reach them.

use std::time::Duration;

use crate::aws::{Access, AwsSettings, Connector, DYNAMODB};
use crate::environment::{InvalidSetting, Variables};

/// Checked settings of the [`super::TaskStore`].
#[derive(Debug)]
pub struct StoreSettings {
    pub(super) tasks_table: String,
    pub(super) idempotency_table: String,
    pub(super) access_table: Option<String>,
    /// For how long a deleted task can be restored. Without any, its content is removed when it is deleted.
    pub(super) restorable: Duration,
    pub(super) aws: AwsSettings,
}

impl StoreSettings {
    /// Reads the tables' names, and what AWS needs besides `access`.
    ///
    /// # Errors
    /// Names the setting that is missing or cannot be worked with.
    pub(crate) fn read(variables: &Variables<'_>, access: Access) -> Result<Self, InvalidSetting> {
        Ok(Self {
            aws: AwsSettings::read(variables, access, DYNAMODB)?,
            tasks_table: variables.required("TASKS_TABLE")?,
            idempotency_table: variables.required("IDEMPOTENCY_TABLE")?,
            access_table: variables.optional("ACCESS_TABLE")?,
            restorable: Duration::from_hours(24) * variables.number("RESTORE_WINDOW_DAYS", 0..=30, 7)?,
        })
    }

    /// The way to DynamoDB.
    pub(crate) fn connector(&self) -> Connector {
        self.aws.connector()
    }
}

#[cfg(test)]
#[cfg_attr(coverage_nightly, coverage(off))]
mod tests {
    use super::*;

    #[test]
    fn empty_access_table_is_a_mistake() {
        let variable = |name: &str| match name {
            "ACCESS_TABLE" => Some(String::new()),
            _ => name.ends_with("_TABLE").then(|| "x".to_owned()),
        };
        let error = StoreSettings::read(&Variables::new(&variable), Access::new("eu-central-1", "x", "x"));
        assert_eq!(error.unwrap_err().to_string(), "ACCESS_TABLE is set but empty");
    }

    #[test]
    fn both_tables_are_needed() {
        for name in ["TASKS_TABLE", "IDEMPOTENCY_TABLE"] {
            let variable = |other: &str| (other.ends_with("_TABLE") && other != name).then(|| "x".to_owned());
            let error = StoreSettings::read(&Variables::new(&variable), Access::new("eu-central-1", "x", "x"));
            assert_eq!(error.unwrap_err().to_string(), format!("{name} must be set"));
        }
    }
}

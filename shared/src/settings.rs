//! The settings of a function, read from its environment and checked before the first request.

use crate::auth::AuthSettings;
use crate::aws::Access;
use crate::environment::Variables;
use crate::signals::SignalSettings;
use crate::store::StoreSettings;

pub use crate::environment::InvalidSetting;

/// All settings of a function. docs/settings.md lists them.
#[derive(Debug)]
pub struct Settings {
    /// Which tokens are accepted.
    pub auth: AuthSettings,
    /// Where the tasks are.
    pub store: StoreSettings,
    /// What an operator sees.
    pub signals: SignalSettings,
}

impl Settings {
    /// Reads the settings of a function that reaches AWS with `access`; `variable` gives the value of an environment
    /// variable, if it is set.
    ///
    /// # Errors
    /// Names the first setting that is missing or wrong.
    pub fn read(variable: impl Fn(&str) -> Option<String>, access: Access) -> Result<Self, InvalidSetting> {
        let variables = Variables::new(&variable);
        Ok(Self {
            auth: AuthSettings::read(&variables, &access)?,
            store: StoreSettings::read(&variables, access)?,
            signals: SignalSettings::read(&variables)?,
        })
    }

    /// Reads the settings from the environment of this process.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn from_env() -> Result<Self, InvalidSetting> {
        Self::read(|name| std::env::var(name).ok(), Access::from_env()?)
    }
}

//! Settings for tests, fuzz targets, and benches.

use shared::aws::Access;
use shared::settings::{InvalidSetting, Settings};
use signer::ENVIRONMENT;

/// Reads a function's settings from these variables and, for all others, [`ENVIRONMENT`].
///
/// # Errors
/// See [`Settings::read`].
pub fn settings(variables: &[(&str, &str)]) -> Result<Settings, InvalidSetting> {
    let value = |name: &str| {
        let all = variables.iter().chain(&ENVIRONMENT);
        all.copied().find_map(|(known, value)| (known == name).then(|| value.to_owned()))
    };
    let required = |name: &str| value(name).expect("it is in ENVIRONMENT");
    let access =
        Access::new(&required("AWS_REGION"), &required("AWS_ACCESS_KEY_ID"), &required("AWS_SECRET_ACCESS_KEY"));
    Settings::read(value, access)
}

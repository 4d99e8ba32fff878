//! The secrets that the issuer signs with HS256, from the environment or from Secrets Manager: the same rules hold for both.

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;

use super::keys::{Expectations, VerificationKey};
use crate::environment::InvalidSetting;

/// The setting that names a secret in Secrets Manager.
pub(super) const SECRET_ARN: &str = "BETTER_AUTH_SECRET_ARN";

const MIN_BYTES: usize = 32;
/// What Better Auth signs with when no secret is configured. It is public.
pub(super) const BETTER_AUTH_DEFAULT: &str = "better-auth-secret-12345678901234567890";

/// The secret that the issuer signs with, and during a rotation a second one, whose tokens are accepted as well.
pub(crate) struct Secrets {
    pub(super) current: String,
    pub(super) previous: Option<String>,
}

impl Secrets {
    /// Checks secrets that errors call by these names.
    ///
    /// # Errors
    /// Names the one that is weak, or says that they are equal. A secret is never repeated.
    pub(super) fn new(
        names: [&'static str; 2],
        current: String,
        previous: Option<String>,
    ) -> Result<Self, InvalidSetting> {
        let [current_name, previous_name] = names;
        must_be_strong(current_name, &current)?;
        if let Some(previous) = &previous {
            must_be_strong(previous_name, previous)?;
            if *previous == current {
                let problem = format!("must not be {current_name}: it is the secret from before a rotation");
                return Err(InvalidSetting::new(previous_name, problem));
            }
        }
        Ok(Self { current, previous })
    }

    /// Parses what Secrets Manager holds: the secret itself, or `{"current": "…", "previous": "…"}` during a rotation.
    ///
    /// # Errors
    /// As [`Self::new`], or that it is other JSON.
    pub(super) fn parse(text: &str) -> Result<Self, InvalidSetting> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Pair {
            current: String,
            previous: Option<String>,
        }

        const NAMES: [&str; 2] = ["current", "previous"];
        if !text.trim_start().starts_with('{') {
            return Self::new(NAMES, text.to_owned(), None);
        }
        // The error itself could repeat a secret.
        let pair: Pair = serde_json::from_str(text).map_err(|_| {
            InvalidSetting::new("the secret", "is JSON, but has other members than current and previous")
        })?;
        Self::new(NAMES, pair.current, pair.previous)
    }

    /// The keys that verify their tokens.
    pub(super) fn into_keys(self, expected: &Expectations) -> Vec<Arc<VerificationKey>> {
        let secrets = [Some(self.current), self.previous].into_iter().flatten();
        secrets.map(|secret| Arc::new(VerificationKey::from_secret(secret.as_bytes(), expected))).collect()
    }
}

/// Without the secrets.
impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").finish_non_exhaustive()
    }
}

fn must_be_strong(name: &'static str, secret: &str) -> Result<(), InvalidSetting> {
    let weakness = if secret.len() < MIN_BYTES {
        "must be at least 32 bytes long"
    } else if secret == BETTER_AUTH_DEFAULT {
        "must not be Better Auth's default secret, which is public"
    } else if secret.contains("-----BEGIN") {
        "must not be a PEM: it is the secret of HS256, not a public key"
    } else {
        return Ok(());
    };
    Err(InvalidSetting::new(name, weakness))
}

#[cfg(test)]
#[cfg_attr(coverage_nightly, coverage(off))]
mod tests {
    use super::*;

    const ONE: &str = "a secret of at least thirty-two bytes";
    const TWO: &str = "another secret of at least thirty-two bytes";

    #[test]
    fn stored_secret_is_plain_or_a_pair() {
        let pair = format!(r#"{{"current":"{ONE}","previous":"{TWO}"}}"#);
        let alone = format!(r#"{{"current":"{ONE}","previous":null}}"#);
        let braces = format!("x{{{ONE}");
        for (text, current, previous) in [
            (ONE, ONE, None),
            (&braces, &braces, None),
            (&pair, ONE, Some(TWO)),
            (&format!("\n {pair}\n"), ONE, Some(TWO)),
            (&alone, ONE, None),
            (&format!(r#"{{"current":"{ONE}"}}"#), ONE, None),
        ] {
            let secrets = Secrets::parse(text).unwrap();
            assert_eq!((secrets.current.as_str(), secrets.previous.as_deref()), (current, previous), "{text}");
            assert_eq!(format!("{secrets:?}"), "Secrets { .. }");
        }
    }

    #[test]
    fn other_stored_value_is_refused_and_never_repeated() {
        const OTHER_JSON: &str = "the secret is JSON, but has other members than current and previous";
        for (text, reason) in [
            ("{}", OTHER_JSON),
            (&format!(r#"{{"current":"{ONE}""#), OTHER_JSON),
            (&format!(r#"{{"current":["{ONE}"]}}"#), OTHER_JSON),
            (&format!(r#"{{"current":"{ONE}","{TWO}":1}}"#), OTHER_JSON),
            (&format!(r#"{{"current":"{ONE}","current":"{TWO}"}}"#), OTHER_JSON),
            (
                &format!(r#"{{"current":"{ONE}","previous":"{ONE}"}}"#),
                "previous must not be current: it is the secret from before a rotation",
            ),
            (&format!(r#"{{"current":"{ONE}","previous":""}}"#), "previous must be at least 32 bytes long"),
            (&format!(r#"{{"current":"short","previous":"{ONE}"}}"#), "current must be at least 32 bytes long"),
            ("short", "current must be at least 32 bytes long"),
            ("", "current must be at least 32 bytes long"),
            (BETTER_AUTH_DEFAULT, "current must not be Better Auth's default secret, which is public"),
        ] {
            assert_eq!(Secrets::parse(text).unwrap_err().to_string(), reason, "{text}");
        }
    }
}

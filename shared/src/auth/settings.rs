//! Which tokens are accepted: read once at the start, which fails if anything is doubtful.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::key_set::MAX_AGE;
use super::keys::{Expectations, VerificationKey, parse_key_set};
use crate::environment::{InvalidSetting, Variables, is_this_machine};

const DEFAULT_MAX_TOKEN_BYTES: usize = 8 * 1024;
const DAY: u64 = 24 * 60 * 60;
/// As long as Better Auth's own sessions.
const DEFAULT_MAX_LIFETIME: u64 = 7 * DAY;
const MIN_SECRET_BYTES: usize = 32;
/// What Better Auth signs with when no secret is configured. It is public.
const BETTER_AUTH_DEFAULT_SECRET: &str = "better-auth-secret-12345678901234567890";
/// Turns off the check of a claim.
const ANY: &str = "any";

/// Checked settings of the [`super::TokenVerifier`].
#[derive(Debug)]
pub struct AuthSettings {
    pub(crate) mode: Mode,
    pub(crate) expected: Expectations,
    pub(crate) max_token_bytes: usize,
    pub(crate) max_lifetime: Duration,
}

/// How tokens are verified.
pub(crate) enum Mode {
    /// With HS256 and either of these secrets.
    SharedSecret {
        /// What the issuer signs with.
        current: String,
        /// What it signed with before a rotation, as long as such tokens are valid.
        previous: Option<String>,
    },
    /// With the keys that the issuer publishes at `url`.
    KeySet {
        /// `https`, or `http` on this machine.
        url: String,
        /// Configured keys, used until the issuer answers.
        keys: Vec<Arc<VerificationKey>>,
        /// How long keys are used while the issuer cannot be reached.
        max_stale: Duration,
    },
}

impl fmt::Debug for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SharedSecret { .. } => f.write_str("SharedSecret"),
            Self::KeySet { url, .. } => f.debug_struct("KeySet").field("url", url).finish_non_exhaustive(),
        }
    }
}

impl AuthSettings {
    /// Reads the settings of docs/settings.md that begin with `BETTER_AUTH_`, `JWKS` and `TOKEN_`.
    ///
    /// # Errors
    /// Names the setting that is missing, contradicts another one, or is weak. A secret is never repeated.
    pub(crate) fn read(variables: &Variables<'_>) -> Result<Self, InvalidSetting> {
        let max_token_bytes = variables.number("TOKEN_MAX_BYTES", 256..=65_536, DEFAULT_MAX_TOKEN_BYTES)?;
        let max_lifetime = variables.number("TOKEN_MAX_LIFETIME_SECONDS", 60..=36_525 * DAY, DEFAULT_MAX_LIFETIME)?;
        let max_stale = variables.number("JWKS_MAX_STALE_SECONDS", MAX_AGE.as_secs()..=7 * DAY, DAY)?;
        let secret = variables.optional("BETTER_AUTH_SECRET")?;
        let (mode, expected) = match (secret, variables.optional("BETTER_AUTH_URL")?) {
            (Some(secret), None) => shared_secret(variables, secret)?,
            (None, Some(url)) => key_set(variables, &url, Duration::from_secs(max_stale))?,
            (Some(_), Some(_)) => {
                return Err(InvalidSetting::new(
                    "BETTER_AUTH_SECRET",
                    "and BETTER_AUTH_URL are both set: set the one that says how tokens are verified",
                ));
            }
            (None, None) => {
                return Err(InvalidSetting::new(
                    "BETTER_AUTH_SECRET",
                    "or BETTER_AUTH_URL must be set: nothing says how tokens are verified",
                ));
            }
        };
        Ok(Self { mode, expected, max_token_bytes, max_lifetime: Duration::from_secs(max_lifetime) })
    }
}

fn shared_secret(variables: &Variables<'_>, current: String) -> Result<(Mode, Expectations), InvalidSetting> {
    for name in ["JWKS_URL", "JWKS"] {
        variables.refuse(name, "has no meaning with BETTER_AUTH_SECRET, only with BETTER_AUTH_URL")?;
    }
    must_be_strong("BETTER_AUTH_SECRET", &current)?;
    let previous = variables.optional("BETTER_AUTH_SECRET_PREVIOUS")?;
    if let Some(previous) = &previous {
        must_be_strong("BETTER_AUTH_SECRET_PREVIOUS", previous)?;
        if *previous == current {
            let problem = "must not be BETTER_AUTH_SECRET: it is the secret from before a rotation";
            return Err(InvalidSetting::new("BETTER_AUTH_SECRET_PREVIOUS", problem));
        }
    }
    // A secret may sign more than one kind of token, and nothing else says which are meant for this API. So there is no
    // default, and turning the check off takes a word.
    let claim = |name| match variables.optional(name)? {
        None => Err(InvalidSetting::new(name, "must be set with BETTER_AUTH_SECRET; the word any turns the check off")),
        value => Ok(value.filter(|value| value != ANY)),
    };
    let expected = Expectations { issuer: claim("TOKEN_ISSUER")?, audience: claim("TOKEN_AUDIENCE")? };
    Ok((Mode::SharedSecret { current, previous }, expected))
}

fn key_set(
    variables: &Variables<'_>,
    base_url: &str,
    max_stale: Duration,
) -> Result<(Mode, Expectations), InvalidSetting> {
    let problem = "has no meaning with BETTER_AUTH_URL, only with BETTER_AUTH_SECRET";
    variables.refuse("BETTER_AUTH_SECRET_PREVIOUS", problem)?;
    let base = parse_url("BETTER_AUTH_URL", base_url)?;
    let (name, url) = match variables.optional("JWKS_URL")? {
        Some(url) => ("JWKS_URL", parse_url("JWKS_URL", &url)?),
        None => ("BETTER_AUTH_URL", jwks_url(&base)),
    };
    must_be_private(name, &url)?;
    // What Better Auth puts into `iss` and `aud` itself.
    let origin = base.origin().ascii_serialization();
    let claim = |name| match variables.optional(name)? {
        None => Ok(Some(origin.clone())),
        Some(value) if value == ANY => {
            Err(InvalidSetting::new(name, "must not be any with BETTER_AUTH_URL, which says what it is"))
        }
        value => Ok(value),
    };
    let expected = Expectations { issuer: claim("TOKEN_ISSUER")?, audience: claim("TOKEN_AUDIENCE")? };
    let keys = match variables.optional("JWKS")? {
        None => Vec::new(),
        Some(document) => parse_key_set(document.as_bytes(), &expected)
            .filter(|keys| !keys.is_empty())
            .ok_or(InvalidSetting::new("JWKS", "must be a JSON Web Key Set with a key that can be used"))?,
    };
    Ok((Mode::KeySet { url: url.into(), keys, max_stale }, expected))
}

fn must_be_strong(name: &'static str, secret: &str) -> Result<(), InvalidSetting> {
    let weakness = if secret.len() < MIN_SECRET_BYTES {
        "must be at least 32 bytes long"
    } else if secret == BETTER_AUTH_DEFAULT_SECRET {
        "must not be Better Auth's default secret, which is public"
    } else if secret.contains("-----BEGIN") {
        "must not be a PEM: it is the secret of HS256, not a public key"
    } else {
        return Ok(());
    };
    Err(InvalidSetting::new(name, weakness))
}

fn parse_url(name: &'static str, text: &str) -> Result<Url, InvalidSetting> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    url.filter(|_| !text.contains(['@', '?', '#']))
        .ok_or(InvalidSetting::new(name, "must be an absolute http or https URL without user, query or fragment"))
}

/// Better Auth mounts itself at `/api/auth` unless its base URL says where.
fn jwks_url(base: &Url) -> Url {
    let mount = match base.path().trim_end_matches('/') {
        "" => "/api/auth",
        path => path,
    };
    let mut url = base.clone();
    url.set_path(&format!("{mount}/jwks"));
    url
}

fn must_be_private(name: &'static str, url: &Url) -> Result<(), InvalidSetting> {
    if url.scheme() == "https" || is_this_machine(url) {
        return Ok(());
    }
    Err(InvalidSetting::new(name, "must be https, or http to this machine: others could replace the keys on their way"))
}

#[cfg(test)]
#[cfg_attr(coverage_nightly, coverage(off))]
mod tests {
    use super::*;
    use std::collections::HashMap;

    const SECRET: &str = "a secret of at least thirty-two bytes";
    const OTHER_SECRET: &str = "another secret of at least thirty-two bytes";

    fn read(variables: &[(&str, &str)]) -> Result<AuthSettings, InvalidSetting> {
        let variables: HashMap<_, _> = variables.iter().copied().collect();
        AuthSettings::read(&Variables::new(&|name| variables.get(name).map(|&value| value.to_owned())))
    }

    /// With a shared secret, and all that it requires.
    fn read_with_secret(secret: &str, more: &[(&str, &str)]) -> Result<AuthSettings, InvalidSetting> {
        read(&[&[("BETTER_AUTH_SECRET", secret), ("TOKEN_ISSUER", "i"), ("TOKEN_AUDIENCE", "a")], more].concat())
    }

    #[test]
    fn exactly_one_way_of_verifying_is_needed() {
        let neither = read(&[]).unwrap_err().to_string();
        assert!(neither.contains("BETTER_AUTH_SECRET") && neither.contains("BETTER_AUTH_URL"), "{neither}");
        let both = read(&[("BETTER_AUTH_SECRET", SECRET), ("BETTER_AUTH_URL", "https://a.example")]).unwrap_err();
        assert!(both.to_string().contains("BETTER_AUTH_SECRET") && both.to_string().contains("BETTER_AUTH_URL"));
        assert!(
            matches!(read_with_secret(SECRET, &[]).unwrap().mode, Mode::SharedSecret { current, .. } if current == SECRET)
        );
        for foreign in [("JWKS_URL", "https://a.example/jwks"), ("JWKS", "{}")] {
            let error = read_with_secret(SECRET, &[foreign]).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{} has no meaning", foreign.0)), "{error}");
        }
        let url = ("BETTER_AUTH_URL", "https://a.example");
        let error = read(&[url, ("BETTER_AUTH_SECRET_PREVIOUS", SECRET)]).unwrap_err().to_string();
        assert!(error.starts_with("BETTER_AUTH_SECRET_PREVIOUS has no meaning"), "{error}");
    }

    #[test]
    fn weak_secret_is_refused_and_never_repeated() {
        for weak in
            ["", "short", &"x".repeat(31), BETTER_AUTH_DEFAULT_SECRET, "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA"]
        {
            let error = read_with_secret(weak, &[]).unwrap_err().to_string();
            assert!(error.starts_with("BETTER_AUTH_SECRET ") && (weak.is_empty() || !error.contains(weak)), "{error}");
            let error = read_with_secret(SECRET, &[("BETTER_AUTH_SECRET_PREVIOUS", weak)]).unwrap_err().to_string();
            assert!(error.starts_with("BETTER_AUTH_SECRET_PREVIOUS "), "{error}");
            assert!(weak.is_empty() || !error.contains(weak), "{error}");
        }
        let exact = format!(" {} ", "x".repeat(30));
        let settings = read_with_secret(&exact, &[]).unwrap();
        assert!(matches!(settings.mode, Mode::SharedSecret { current, previous: None } if current == exact));
    }

    #[test]
    fn previous_secret_is_another_one() {
        let error = read_with_secret(SECRET, &[("BETTER_AUTH_SECRET_PREVIOUS", SECRET)]).unwrap_err().to_string();
        assert!(error.starts_with("BETTER_AUTH_SECRET_PREVIOUS must not be") && !error.contains(SECRET), "{error}");
        let settings = read_with_secret(SECRET, &[("BETTER_AUTH_SECRET_PREVIOUS", OTHER_SECRET)]).unwrap();
        let Mode::SharedSecret { current, previous } = settings.mode else { panic!("not a shared secret") };
        assert_eq!((current.as_str(), previous.as_deref()), (SECRET, Some(OTHER_SECRET)));
    }

    #[test]
    fn secret_requires_issuer_and_audience() {
        let secret = ("BETTER_AUTH_SECRET", SECRET);
        for (given, missing) in [("TOKEN_ISSUER", "TOKEN_AUDIENCE"), ("TOKEN_AUDIENCE", "TOKEN_ISSUER")] {
            let error = read(&[secret, (given, "any")]).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{missing} must be set")), "{error}");
        }
        let expected = |issuer, audience| {
            let settings = read(&[secret, ("TOKEN_ISSUER", issuer), ("TOKEN_AUDIENCE", audience)]).unwrap();
            (settings.expected.issuer, settings.expected.audience)
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(expected("i", "a"), (some("i"), some("a")));
        assert_eq!(expected("any", "a"), (None, some("a")));
        assert_eq!(expected("i", "any"), (some("i"), None));
        // Only the word itself.
        assert_eq!(expected("Any", "any "), (some("Any"), some("any ")));
    }

    #[test]
    fn with_a_key_set_no_check_can_be_given_up() {
        for name in ["TOKEN_ISSUER", "TOKEN_AUDIENCE"] {
            let error = read(&[("BETTER_AUTH_URL", "https://a.example"), (name, "any")]).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{name} must not be any")), "{error}");
        }
    }

    #[test]
    fn issuer_and_audience_default_to_the_origin() {
        for (url, origin, jwks_url) in [
            ("https://App.Example", "https://app.example", "https://app.example/api/auth/jwks"),
            ("https://app.example:443/", "https://app.example", "https://app.example/api/auth/jwks"),
            ("http://localhost:3000", "http://localhost:3000", "http://localhost:3000/api/auth/jwks"),
            ("http://[::1]:80/", "http://[::1]", "http://[::1]/api/auth/jwks"),
            ("https://app.example:8443/auth/", "https://app.example:8443", "https://app.example:8443/auth/jwks"),
        ] {
            let settings = read(&[("BETTER_AUTH_URL", url)]).unwrap();
            assert_eq!(settings.expected.issuer.as_deref(), Some(origin));
            assert_eq!(settings.expected.audience.as_deref(), Some(origin));
            assert!(matches!(settings.mode, Mode::KeySet { url, .. } if url == jwks_url), "{url}");
        }
        let set = [("TOKEN_ISSUER", "i"), ("TOKEN_AUDIENCE", "a"), ("BETTER_AUTH_URL", "https://app.example")];
        let Expectations { issuer, audience } = read(&set).unwrap().expected;
        assert_eq!((issuer.as_deref(), audience.as_deref()), (Some("i"), Some("a")));
    }

    #[test]
    fn keys_come_encrypted_or_from_this_machine() {
        for refused in [
            "http://app.example",
            "http://10.0.0.1",
            "http://localhost.example",
            "http://127.0.0.1.example",
            "ftp://localhost",
            "app.example",
            "/jwks",
            "",
            "https://",
            "https://user@app.example",
            "https://app.example/?a=b",
            "https://app.example/#a",
        ] {
            let error = read(&[("BETTER_AUTH_URL", refused)]).unwrap_err().to_string();
            assert!(error.starts_with("BETTER_AUTH_URL "), "{error}");
            let error =
                read(&[("BETTER_AUTH_URL", "https://app.example"), ("JWKS_URL", refused)]).unwrap_err().to_string();
            assert!(error.starts_with("JWKS_URL "), "{error}");
        }
        // The name of the issuer may be an inner one, as long as its keys come from elsewhere.
        assert!(read(&[("BETTER_AUTH_URL", "http://app.internal"), ("JWKS_URL", "https://app.example/keys")]).is_ok());
    }

    #[test]
    fn empty_setting_is_a_mistake() {
        for name in [
            "TOKEN_ISSUER",
            "TOKEN_AUDIENCE",
            "TOKEN_MAX_BYTES",
            "TOKEN_MAX_LIFETIME_SECONDS",
            "JWKS_MAX_STALE_SECONDS",
            "BETTER_AUTH_SECRET_PREVIOUS",
        ] {
            let error = read_with_secret(SECRET, &[(name, "")]).unwrap_err();
            assert_eq!(error.to_string(), format!("{name} is set but empty"));
        }
    }

    #[test]
    fn token_length_setting_is_bounded() {
        let read = |bytes| read_with_secret(SECRET, &[("TOKEN_MAX_BYTES", bytes)]);
        assert_eq!(read("16384").unwrap().max_token_bytes, 16_384);
        for refused in ["0", "255", "65537", "-1", "8k", "999999999999999999999"] {
            assert!(read(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn lifetime_and_staleness_settings_are_bounded() {
        let lifetime = |seconds: &str| read_with_secret(SECRET, &[("TOKEN_MAX_LIFETIME_SECONDS", seconds)]);
        assert_eq!(read_with_secret(SECRET, &[]).unwrap().max_lifetime.as_secs(), 604_800);
        for allowed in [60, 3_155_760_000] {
            assert_eq!(lifetime(&allowed.to_string()).unwrap().max_lifetime.as_secs(), allowed);
        }
        for refused in ["0", "59", "3155760001", "-1", "7d", "1e3"] {
            let error = lifetime(refused).unwrap_err().to_string();
            assert!(error.starts_with("TOKEN_MAX_LIFETIME_SECONDS must be"), "{error}");
        }
        let stale = |more: &[(&str, &str)]| read(&[&[("BETTER_AUTH_URL", "https://a.example")], more].concat());
        let max_stale = |settings: AuthSettings| match settings.mode {
            Mode::KeySet { max_stale, .. } => max_stale.as_secs(),
            Mode::SharedSecret { .. } => 0,
        };
        assert_eq!(max_stale(stale(&[]).unwrap()), 86_400);
        for allowed in [600, 604_800] {
            assert_eq!(max_stale(stale(&[("JWKS_MAX_STALE_SECONDS", &allowed.to_string())]).unwrap()), allowed);
        }
        for refused in ["0", "599", "604801", "1d"] {
            let error = stale(&[("JWKS_MAX_STALE_SECONDS", refused)]).unwrap_err().to_string();
            assert!(error.starts_with("JWKS_MAX_STALE_SECONDS must be"), "{error}");
        }
    }
}

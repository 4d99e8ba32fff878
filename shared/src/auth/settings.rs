//! Which tokens are accepted: read once at the start, which fails if anything is doubtful.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::key_cache::MAX_AGE;
use super::keys::{Expectations, VerificationKey, parse_key_set};
use super::secrets::{SECRET_ARN, Secrets};
use crate::aws::{Access, AwsSettings, Connector, SECRETS_MANAGER, StoredSecret, TrustedRoots};
use crate::environment::{InvalidSetting, Variables, must_be_private, parse_url};

const DEFAULT_MAX_TOKEN_BYTES: usize = 8 * 1024;
const DAY: u64 = 24 * 60 * 60;
/// As long as Better Auth's own sessions.
const DEFAULT_MAX_LIFETIME: u64 = 7 * DAY;
const SECRET: &str = "BETTER_AUTH_SECRET";
const PREVIOUS_SECRET: &str = "BETTER_AUTH_SECRET_PREVIOUS";
const URL: &str = "BETTER_AUTH_URL";
const WITHOUT_SECRET: &str = "has no meaning without BETTER_AUTH_SECRET";
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
    /// With HS256 and secrets of the environment.
    SharedSecret(Secrets),
    /// With HS256 and the secrets that Secrets Manager holds.
    StoredSecret {
        /// Where they are.
        secret: StoredSecret,
        /// How long they are used while they cannot be read.
        max_stale: Duration,
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
            Self::SharedSecret(_) => f.write_str("SharedSecret"),
            Self::StoredSecret { secret, .. } => {
                f.debug_struct("StoredSecret").field("secret", secret).finish_non_exhaustive()
            }
            Self::KeySet { url, .. } => f.debug_struct("KeySet").field("url", url).finish_non_exhaustive(),
        }
    }
}

impl AuthSettings {
    /// Reads the settings of docs/settings.md that begin with `BETTER_AUTH_`, `JWKS` and `TOKEN_`. Secrets Manager is reached with
    /// `access`.
    ///
    /// # Errors
    /// Names the setting that is missing, contradicts another one, or is weak. A secret is never repeated.
    pub(crate) fn read(variables: &Variables<'_>, access: &Access) -> Result<Self, InvalidSetting> {
        let max_token_bytes = variables.number("TOKEN_MAX_BYTES", 256..=65_536, DEFAULT_MAX_TOKEN_BYTES)?;
        let max_lifetime = variables.number("TOKEN_MAX_LIFETIME_SECONDS", 60..=36_525 * DAY, DEFAULT_MAX_LIFETIME)?;
        let max_stale = variables.number("JWKS_MAX_STALE_SECONDS", MAX_AGE.as_secs()..=7 * DAY, DAY)?;
        let max_stale = Duration::from_secs(max_stale);
        let mut ways = Vec::new();
        for name in [SECRET, SECRET_ARN, URL] {
            ways.extend(variables.optional(name)?.map(|value| (name, value)));
        }
        let (mode, expected) = match ways.as_slice() {
            [(SECRET, secret)] => (shared_secret(variables, secret)?, claims_with_secret(variables)?),
            [(SECRET_ARN, arn)] => (stored_secret(variables, arn, access, max_stale)?, claims_with_secret(variables)?),
            [(_, url)] => key_set(variables, url, max_stale)?,
            [(name, _), (other, _), ..] => {
                let problem = format!("and {other} are both set: set the one that says how tokens are verified");
                return Err(InvalidSetting::new(name, problem));
            }
            [] => {
                let problem = format!("or {SECRET_ARN} or {URL} must be set: nothing says how tokens are verified");
                return Err(InvalidSetting::new(SECRET, problem));
            }
        };
        Ok(Self { mode, expected, max_token_bytes, max_lifetime: Duration::from_secs(max_lifetime) })
    }

    /// The way to where keys are fetched.
    pub(crate) fn connector(&self) -> Connector {
        Connector::trusting(self.trusted_roots())
    }

    /// An issuer may have its certificate from any authority.
    fn trusted_roots(&self) -> TrustedRoots {
        match &self.mode {
            Mode::StoredSecret { secret, .. } => secret.trusted_roots(),
            Mode::SharedSecret(_) | Mode::KeySet { .. } => TrustedRoots::System,
        }
    }
}

fn shared_secret(variables: &Variables<'_>, current: &str) -> Result<Mode, InvalidSetting> {
    let previous = variables.optional(PREVIOUS_SECRET)?;
    Secrets::new([SECRET, PREVIOUS_SECRET], current.to_owned(), previous).map(Mode::SharedSecret)
}

fn stored_secret(
    variables: &Variables<'_>,
    arn: &str,
    access: &Access,
    max_stale: Duration,
) -> Result<Mode, InvalidSetting> {
    variables.refuse(PREVIOUS_SECRET, WITHOUT_SECRET)?;
    let secret = StoredSecret::new(arn, AwsSettings::read(variables, access.clone(), SECRETS_MANAGER)?)
        .ok_or(InvalidSetting::new(SECRET_ARN, "must be the ARN of a secret in Secrets Manager, in this region"))?;
    Ok(Mode::StoredSecret { secret, max_stale })
}

/// The claims that tokens must have, if a secret signs them.
fn claims_with_secret(variables: &Variables<'_>) -> Result<Expectations, InvalidSetting> {
    for name in ["JWKS_URL", "JWKS"] {
        variables.refuse(name, "has no meaning with a secret, only with BETTER_AUTH_URL")?;
    }
    // A secret may sign more than one kind of token, and nothing else says which are meant for this API. So there is no
    // default, and turning the check off takes a word.
    let claim = |name| match variables.optional(name)? {
        None => Err(InvalidSetting::new(name, "must be set with a secret; the word any turns the check off")),
        value => Ok(value.filter(|value| value != ANY)),
    };
    Ok(Expectations { issuer: claim("TOKEN_ISSUER")?, audience: claim("TOKEN_AUDIENCE")? })
}

fn key_set(
    variables: &Variables<'_>,
    base_url: &str,
    max_stale: Duration,
) -> Result<(Mode, Expectations), InvalidSetting> {
    variables.refuse(PREVIOUS_SECRET, WITHOUT_SECRET)?;
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

#[cfg(test)]
#[cfg_attr(coverage_nightly, coverage(off))]
mod tests {
    use super::*;
    use crate::auth::secrets::BETTER_AUTH_DEFAULT;
    use std::collections::HashMap;

    const SECRET: &str = "a secret of at least thirty-two bytes";
    const OTHER_SECRET: &str = "another secret of at least thirty-two bytes";
    const ARN: &str = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:daylist-AbCdEf";
    const CLAIMS: [(&str, &str); 2] = [("TOKEN_ISSUER", "i"), ("TOKEN_AUDIENCE", "a")];

    fn read(variables: &[(&str, &str)]) -> Result<AuthSettings, InvalidSetting> {
        let variables: HashMap<_, _> = variables.iter().copied().collect();
        let variable = |name: &str| variables.get(name).map(|&value| value.to_owned());
        AuthSettings::read(&Variables::new(&variable), &Access::new("eu-central-1", "x", "x"))
    }

    /// With a shared secret, and all that it requires.
    fn read_with_secret(secret: &str, more: &[(&str, &str)]) -> Result<AuthSettings, InvalidSetting> {
        read(&[&[("BETTER_AUTH_SECRET", secret), ("TOKEN_ISSUER", "i"), ("TOKEN_AUDIENCE", "a")], more].concat())
    }

    #[test]
    fn exactly_one_way_of_verifying_is_needed() {
        let ways =
            [("BETTER_AUTH_SECRET", SECRET), ("BETTER_AUTH_SECRET_ARN", ARN), ("BETTER_AUTH_URL", "https://a.example")];
        let none = read(&CLAIMS).unwrap_err().to_string();
        assert!(ways.iter().all(|(name, _)| none.contains(name)), "{none}");
        for (name, value) in ways {
            assert!(read(&[CLAIMS[0], CLAIMS[1], (name, value)]).is_ok(), "{name}");
        }
        for (one, other) in [(0, 1), (0, 2), (1, 2)] {
            let error = read(&[ways[one], ways[other]]).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{} and {} are both set", ways[one].0, ways[other].0)), "{error}");
        }
        assert!(read(&ways).is_err());
        let [secret, arn, url] = ways;
        for (way, foreign) in [
            (secret, ("JWKS_URL", "https://a.example/jwks")),
            (secret, ("JWKS", "{}")),
            (arn, ("JWKS_URL", "https://a.example/jwks")),
            (arn, ("JWKS", "{}")),
            (arn, ("BETTER_AUTH_SECRET_PREVIOUS", OTHER_SECRET)),
            (url, ("BETTER_AUTH_SECRET_PREVIOUS", OTHER_SECRET)),
        ] {
            let error = read(&[CLAIMS[0], CLAIMS[1], way, foreign]).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{} has no meaning", foreign.0)), "{error}");
        }
    }

    #[test]
    fn stored_secret_has_an_arn_of_this_region() {
        let read = |arn| read(&[&CLAIMS[..], &[("BETTER_AUTH_SECRET_ARN", arn)]].concat());
        for accepted in [ARN, "arn:aws-us-gov:secretsmanager:eu-central-1:123456789012:secret:a:b"] {
            assert!(matches!(read(accepted).unwrap().mode, Mode::StoredSecret { .. }), "{accepted}");
        }
        for refused in [
            SECRET,
            "daylist",
            "arn:aws:secretsmanager:eu-central-1:123456789012:secret:",
            "arn:aws:secretsmanager:eu-central-1:123456789012:secret",
            "arn:aws:secretsmanager:us-east-1:123456789012:secret:daylist",
            "arn:aws:ssm:eu-central-1:123456789012:secret:daylist",
            "arn:aws:secretsmanager:eu-central-1:123456789012:key:daylist",
            "urn:aws:secretsmanager:eu-central-1:123456789012:secret:daylist",
        ] {
            let error = read(refused).unwrap_err().to_string();
            assert!(error.starts_with("BETTER_AUTH_SECRET_ARN must be the ARN") && !error.contains(refused), "{error}");
        }
        assert_eq!(read("").unwrap_err().to_string(), "BETTER_AUTH_SECRET_ARN is set but empty");
    }

    #[test]
    fn only_secrets_manager_is_checked_against_amazons_roots() {
        let roots = |way| read(&[CLAIMS[0], CLAIMS[1], way]).unwrap().trusted_roots();
        assert!(matches!(roots(("BETTER_AUTH_SECRET_ARN", ARN)), TrustedRoots::Only(_)));
        assert!(matches!(roots(("BETTER_AUTH_URL", "https://a.example")), TrustedRoots::System));
    }

    #[test]
    fn weak_secret_is_refused_and_never_repeated() {
        for weak in ["", "short", &"x".repeat(31), BETTER_AUTH_DEFAULT, "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA"]
        {
            let error = read_with_secret(weak, &[]).unwrap_err().to_string();
            assert!(error.starts_with("BETTER_AUTH_SECRET ") && (weak.is_empty() || !error.contains(weak)), "{error}");
            let error = read_with_secret(SECRET, &[("BETTER_AUTH_SECRET_PREVIOUS", weak)]).unwrap_err().to_string();
            assert!(error.starts_with("BETTER_AUTH_SECRET_PREVIOUS "), "{error}");
            assert!(weak.is_empty() || !error.contains(weak), "{error}");
        }
        let exact = format!(" {} ", "x".repeat(30));
        let settings = read_with_secret(&exact, &[]).unwrap();
        assert!(matches!(settings.mode, Mode::SharedSecret(Secrets { current, previous: None }) if current == exact));
    }

    #[test]
    fn previous_secret_is_another_one() {
        let error = read_with_secret(SECRET, &[("BETTER_AUTH_SECRET_PREVIOUS", SECRET)]).unwrap_err().to_string();
        assert!(error.starts_with("BETTER_AUTH_SECRET_PREVIOUS must not be") && !error.contains(SECRET), "{error}");
        let settings = read_with_secret(SECRET, &[("BETTER_AUTH_SECRET_PREVIOUS", OTHER_SECRET)]).unwrap();
        let Mode::SharedSecret(Secrets { current, previous }) = settings.mode else { panic!("not a shared secret") };
        assert_eq!((current.as_str(), previous.as_deref()), (SECRET, Some(OTHER_SECRET)));
    }

    #[test]
    fn secret_requires_issuer_and_audience() {
        let secret = ("BETTER_AUTH_SECRET", SECRET);
        for (given, missing) in [("TOKEN_ISSUER", "TOKEN_AUDIENCE"), ("TOKEN_AUDIENCE", "TOKEN_ISSUER")] {
            for secret in [secret, ("BETTER_AUTH_SECRET_ARN", ARN)] {
                let error = read(&[secret, (given, "any")]).unwrap_err().to_string();
                assert!(error.starts_with(&format!("{missing} must be set")), "{error}");
            }
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
            _ => 0,
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

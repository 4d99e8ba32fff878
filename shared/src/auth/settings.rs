//! Which tokens are believed: read once at start-up, and refused as a whole if anything is doubtful.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use http::Uri;
use http::uri::Scheme;

use super::keys::{VerificationKey, parse_key_set};
use crate::settings::{InvalidSetting, Variables};

const DEFAULT_MAX_TOKEN_BYTES: usize = 8 * 1024;
const MIN_SECRET_BYTES: usize = 32;
/// What Better Auth signs with when nobody configured a secret: everybody knows it.
const BETTER_AUTH_DEFAULT_SECRET: &str = "better-auth-secret-12345678901234567890";

/// Checked settings of the [`super::TokenVerifier`].
#[derive(Debug)]
pub struct AuthSettings {
    pub(crate) mode: Mode,
    pub(crate) issuer: Option<String>,
    pub(crate) audience: Option<String>,
    pub(crate) max_token_bytes: usize,
}

/// The one way that tokens are verified in.
pub(crate) enum Mode {
    /// HS256 with this secret.
    SharedSecret(String),
    /// The keys that the issuer publishes at `url`, starting with `keys`.
    KeySet {
        /// `https`, or `http` on this machine.
        url: String,
        /// Configured keys, so that the first token needs no fetch.
        keys: Vec<Arc<VerificationKey>>,
    },
}

impl fmt::Debug for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SharedSecret(_) => f.write_str("SharedSecret"),
            Self::KeySet { url, .. } => f.debug_struct("KeySet").field("url", url).finish_non_exhaustive(),
        }
    }
}

impl AuthSettings {
    /// Reads the settings of the README's table that begin with `BETTER_AUTH_`, `JWKS` and `TOKEN_`.
    ///
    /// # Errors
    /// Names the setting that is missing, contradicts another one, or is weak. A secret is never repeated.
    pub(crate) fn read(variables: &Variables<'_>) -> Result<Self, InvalidSetting> {
        let issuer = variables.optional("TOKEN_ISSUER")?;
        let audience = variables.optional("TOKEN_AUDIENCE")?;
        let jwks_url = variables.optional("JWKS_URL")?;
        let jwks = variables.optional("JWKS")?;
        let max_token_bytes = match variables.optional("TOKEN_MAX_BYTES")? {
            None => DEFAULT_MAX_TOKEN_BYTES,
            Some(text) => text
                .parse()
                .ok()
                .filter(|bytes| (256..=65_536).contains(bytes))
                .ok_or_else(|| InvalidSetting::new("TOKEN_MAX_BYTES", "must be a number from 256 to 65536"))?,
        };

        match (variables.optional("BETTER_AUTH_SECRET")?, variables.optional("BETTER_AUTH_URL")?) {
            (Some(_), Some(_)) => Err(InvalidSetting::new(
                "BETTER_AUTH_SECRET",
                "and BETTER_AUTH_URL are both set: set the one that says how tokens are verified",
            )),
            (None, None) => Err(InvalidSetting::new(
                "BETTER_AUTH_SECRET",
                "or BETTER_AUTH_URL must be set: nothing says how tokens are verified",
            )),
            (Some(secret), None) => {
                if jwks_url.is_some() || jwks.is_some() {
                    let name = if jwks_url.is_some() { "JWKS_URL" } else { "JWKS" };
                    return Err(InvalidSetting::new(
                        name,
                        "has no meaning with BETTER_AUTH_SECRET, only with BETTER_AUTH_URL",
                    ));
                }
                let mode = Mode::SharedSecret(strong_secret(secret)?);
                Ok(Self { mode, issuer, audience, max_token_bytes })
            }
            (None, Some(base_url)) => {
                let base = BaseUrl::parse("BETTER_AUTH_URL", &base_url)?;
                let (name, url) = match jwks_url {
                    Some(url) => ("JWKS_URL", url),
                    None => ("BETTER_AUTH_URL", base.jwks_url()),
                };
                BaseUrl::parse(name, &url)?.must_be_private(name)?;
                let keys = match jwks {
                    None => Vec::new(),
                    Some(document) => {
                        parse_key_set(document.as_bytes()).filter(|keys| !keys.is_empty()).ok_or_else(|| {
                            InvalidSetting::new("JWKS", "must be a JSON Web Key Set with a key that can be used")
                        })?
                    }
                };
                let mode = Mode::KeySet { url, keys };
                let issuer = issuer.or_else(|| Some(base.origin.clone()));
                let audience = audience.or(Some(base.origin));
                Ok(Self { mode, issuer, audience, max_token_bytes })
            }
        }
    }
}

fn strong_secret(secret: String) -> Result<String, InvalidSetting> {
    let weakness = if secret.len() < MIN_SECRET_BYTES {
        "must be at least 32 bytes long"
    } else if secret == BETTER_AUTH_DEFAULT_SECRET {
        "must not be the secret that Better Auth falls back to: everybody knows it"
    } else if secret.contains("-----BEGIN") {
        "must not be a PEM: it is the secret of HS256, and a public key is none"
    } else {
        return Ok(secret);
    };
    Err(InvalidSetting::new("BETTER_AUTH_SECRET", weakness))
}

/// An absolute URL, taken apart the way Better Auth does it.
struct BaseUrl {
    /// Scheme, lower-case host, and the port unless it is the scheme's own: what Better Auth puts into `iss` and `aud`.
    origin: String,
    path: String,
    encrypted: bool,
    loopback: bool,
}

impl BaseUrl {
    fn parse(name: &'static str, text: &str) -> Result<Self, InvalidSetting> {
        let invalid =
            || InvalidSetting::new(name, "must be an absolute http or https URL without user, query or fragment");
        let uri: Uri = text.parse().map_err(|_| invalid())?;
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else { return Err(invalid()) };
        let encrypted = *scheme == Scheme::HTTPS;
        if !encrypted && *scheme != Scheme::HTTP || authority.as_str().contains('@') || text.contains(['?', '#']) {
            return Err(invalid());
        }
        let host = authority.host().to_ascii_lowercase();
        let default_port = if encrypted { 443 } else { 80 };
        let origin = match authority.port_u16().filter(|&port| port != default_port) {
            Some(port) => format!("{scheme}://{host}:{port}"),
            None => format!("{scheme}://{host}"),
        };
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        let loopback = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
        Ok(Self { origin, path: uri.path().trim_end_matches('/').to_owned(), encrypted, loopback })
    }

    /// Better Auth mounts itself at `/api/auth` unless its base URL says where.
    fn jwks_url(&self) -> String {
        let mount = if self.path.is_empty() { "/api/auth" } else { &self.path };
        format!("{}{mount}/jwks", self.origin)
    }

    fn must_be_private(&self, name: &'static str) -> Result<(), InvalidSetting> {
        if self.encrypted || self.loopback {
            return Ok(());
        }
        Err(InvalidSetting::new(
            name,
            "must be https: who can change the keys on their way can be anybody (http only to this machine)",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    const SECRET: &str = "a secret of at least thirty-two bytes";

    fn read(variables: &[(&str, &str)]) -> Result<AuthSettings, InvalidSetting> {
        let variables: HashMap<_, _> = variables.iter().copied().collect();
        AuthSettings::read(&Variables::new(&|name| variables.get(name).map(|&value| value.to_owned())))
    }

    #[test]
    fn exactly_one_way_of_verifying_is_needed() {
        let neither = read(&[]).unwrap_err().to_string();
        assert!(neither.contains("BETTER_AUTH_SECRET") && neither.contains("BETTER_AUTH_URL"), "{neither}");
        let both = read(&[("BETTER_AUTH_SECRET", SECRET), ("BETTER_AUTH_URL", "https://a.example")]).unwrap_err();
        assert!(both.to_string().contains("BETTER_AUTH_SECRET") && both.to_string().contains("BETTER_AUTH_URL"));
        assert!(
            matches!(read(&[("BETTER_AUTH_SECRET", SECRET)]).unwrap().mode, Mode::SharedSecret(secret) if secret == SECRET)
        );
        for foreign in [("JWKS_URL", "https://a.example/jwks"), ("JWKS", "{}")] {
            let error = read(&[("BETTER_AUTH_SECRET", SECRET), foreign]).unwrap_err().to_string();
            assert!(error.starts_with(foreign.0), "{error}");
        }
    }

    #[test]
    fn a_weak_secret_is_refused_and_never_repeated() {
        for weak in
            ["", "short", &"x".repeat(31), BETTER_AUTH_DEFAULT_SECRET, "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA"]
        {
            let error = read(&[("BETTER_AUTH_SECRET", weak)]).unwrap_err().to_string();
            assert!(error.starts_with("BETTER_AUTH_SECRET ") && (weak.is_empty() || !error.contains(weak)), "{error}");
        }
        let exact = format!(" {} ", "x".repeat(30));
        assert!(
            matches!(read(&[("BETTER_AUTH_SECRET", &exact)]).unwrap().mode, Mode::SharedSecret(secret) if secret == exact)
        );
    }

    #[test]
    fn issuer_and_audience_are_the_origin_of_the_url_unless_they_are_set() {
        for (url, origin, jwks_url) in [
            ("https://App.Example", "https://app.example", "https://app.example/api/auth/jwks"),
            ("https://app.example:443/", "https://app.example", "https://app.example/api/auth/jwks"),
            ("http://localhost:3000", "http://localhost:3000", "http://localhost:3000/api/auth/jwks"),
            ("http://[::1]:80/", "http://[::1]", "http://[::1]/api/auth/jwks"),
            ("https://app.example:8443/auth/", "https://app.example:8443", "https://app.example:8443/auth/jwks"),
        ] {
            let settings = read(&[("BETTER_AUTH_URL", url)]).unwrap();
            assert_eq!(settings.issuer.as_deref(), Some(origin));
            assert_eq!(settings.audience.as_deref(), Some(origin));
            assert!(matches!(settings.mode, Mode::KeySet { url, .. } if url == jwks_url), "{url}");
        }
        let set = [("TOKEN_ISSUER", "i"), ("TOKEN_AUDIENCE", "a"), ("BETTER_AUTH_URL", "https://app.example")];
        let settings = read(&set).unwrap();
        assert_eq!((settings.issuer.as_deref(), settings.audience.as_deref()), (Some("i"), Some("a")));
        let settings = read(&[("BETTER_AUTH_SECRET", SECRET)]).unwrap();
        assert_eq!((settings.issuer, settings.audience), (None, None));
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
    fn an_empty_setting_is_a_mistake() {
        for name in ["TOKEN_ISSUER", "TOKEN_AUDIENCE", "TOKEN_MAX_BYTES"] {
            let error = read(&[("BETTER_AUTH_SECRET", SECRET), (name, "")]).unwrap_err();
            assert_eq!(error.to_string(), format!("{name} is set but empty"));
        }
    }

    #[test]
    fn the_longest_token_is_a_setting_with_bounds() {
        let read = |bytes| read(&[("BETTER_AUTH_SECRET", SECRET), ("TOKEN_MAX_BYTES", bytes)]);
        assert_eq!(read("16384").unwrap().max_token_bytes, 16_384);
        for refused in ["0", "255", "65537", "-1", "8k", "999999999999999999999"] {
            assert!(read(refused).is_err(), "{refused}");
        }
    }
}

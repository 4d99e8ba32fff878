//! Runs the Better Auth in `issuer/`, which signs users in and serves the page on the same origin.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use xtask::project;

use crate::page;

/// The default audience of this API's tokens.
pub const AUDIENCE: &str = "task-api";

/// How the issuer signs tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// With a key pair of its own, whose public half it publishes.
    KeySet,
    /// With a secret shared with the functions.
    SharedSecret,
}

/// The issuer to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    /// How it signs.
    pub mode: Mode,
    /// Its port on 127.0.0.1.
    pub port: u16,
    /// The audience that its tokens name.
    pub audience: String,
    /// The secret that protects its keys and sessions.
    pub secret: String,
    /// The secret that signs its tokens with [`Mode::SharedSecret`]. The functions know it, so it is not `secret`.
    pub token_secret: String,
    /// The file of its users, sessions and keys.
    pub database: PathBuf,
}

impl Issuer {
    /// Where it is served.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    /// The origin of the issuer and of the page.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.address())
    }

    /// What the functions must be told to verify its tokens.
    #[must_use]
    pub fn settings(&self) -> BTreeMap<String, String> {
        let settings = match self.mode {
            Mode::KeySet => vec![("BETTER_AUTH_URL", self.origin())],
            Mode::SharedSecret => {
                vec![("BETTER_AUTH_SECRET", self.token_secret.clone()), ("TOKEN_ISSUER", self.origin())]
            }
        };
        let audience = ("TOKEN_AUDIENCE", self.audience.clone());
        settings.into_iter().chain([audience]).map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// The environment of its process; `api_url` is the API that the page calls.
    #[must_use]
    pub fn environment(&self, api_url: &str) -> BTreeMap<String, String> {
        let mode = match self.mode {
            Mode::KeySet => "key-set",
            Mode::SharedSecret => "shared-secret",
        };
        let variables = [
            ("ISSUER_PORT", self.port.to_string()),
            ("ISSUER_MODE", mode.to_owned()),
            ("ISSUER_API_URL", api_url.to_owned()),
            ("ISSUER_AUDIENCE", self.audience.clone()),
            ("ISSUER_SECRET", self.secret.clone()),
            ("ISSUER_TOKEN_SECRET", self.token_secret.clone()),
            ("ISSUER_DATABASE", self.database.display().to_string()),
            ("ISSUER_PAGES", page::folder().display().to_string()),
            ("ISSUER_CONTRACT", project::root().join("openapi.yaml").display().to_string()),
            // `ISSUER_MAIL_URL` still switches to production rules.
            ("NODE_ENV", "development".to_owned()),
        ];
        variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

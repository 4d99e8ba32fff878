//! schemathesis, a generator of requests from `openapi.yaml`, against the whole stack: whatever it makes up, the answer is
//! one that the contract has, and one user's task is never another's.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;
use signer::SharedSecretIssuer;
use tokio::process::Command;

use crate::dynamodb::Storage;
use crate::stack::{Options, Stack};
use crate::tools::{self, Toolset};
use crate::{processes, project};

const SECRET: &str = "known-to-everybody-because-only-this-test-signs-with-it";
/// The issuer of the tokens, and their audience.
const ISSUER: &str = "https://schemathesis.example";

/// The users of `schemathesis.toml`.
const USERS: [&str; 2] = ["alice", "bob"];

/// Runs a stack of its own, with empty tables in memory, and schemathesis with these further arguments against it.
///
/// # Errors
/// An answer is not as the contract says, or the stack does not start.
pub async fn check(arguments: &[String]) -> Result<()> {
    let programs = tools::install(Toolset::Schemathesis).await?;
    let folder = project::tools_folder().join("schemathesis-run");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let users = folder.join("users.json");
    fs::write(&users, users_with_tokens()?).with_context(|| format!("cannot write {}", users.display()))?;

    let stack = Stack::start(Options {
        port: 0,
        storage: Storage::Memory,
        logs: folder.join("logs"),
        settings: [("BETTER_AUTH_SECRET", SECRET), ("TOKEN_ISSUER", ISSUER), ("TOKEN_AUDIENCE", ISSUER)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        issuer: None,
    })
    .await?;
    let configuration = project::root().join("xtask/schemathesis");
    let mut schemathesis = Command::new(programs.join("schemathesis"));
    schemathesis
        .current_dir(&folder)
        .arg("--config-file")
        .arg(configuration.join("schemathesis.toml"))
        .arg("run")
        .arg(project::root().join("openapi.yaml"))
        .args(arguments)
        .env("API_URL", stack.base_url())
        .env("USERS", &users)
        .env("HOOKS", configuration.join("hooks.py"))
        .env("PYTHONDONTWRITEBYTECODE", "1");
    let result = processes::run(&mut schemathesis).await;
    stack.stop().await;
    result
}

/// The users as the Web Fuzzing Commons describe them.
fn users_with_tokens() -> Result<String> {
    let issuer =
        SharedSecretIssuer { secret: SECRET.to_owned(), issuer: ISSUER.to_owned(), audience: ISSUER.to_owned() };
    let mut users = Vec::new();
    for name in USERS {
        let token = issuer.token(name, Duration::from_secs(3600));
        let header = json!({ "name": "Authorization", "value": format!("Bearer {token}") });
        users.push(json!({ "name": name, "fixedHeaders": [header] }));
    }
    Ok(json!({ "auth": users }).to_string())
}

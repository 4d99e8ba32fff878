//! The contract in the hands of other people's tools, against the whole stack: the client that openapi-python-client
//! generates from `openapi.yaml` works, and no request that schemathesis generates gets an answer that is not in it.

use std::fs;
use std::path::Path;
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

/// The user of `tour.py`, whose list starts empty.
const CLIENT_USER: &str = "carol";

/// Runs a stack of its own, with empty tables in memory, and against it the generated client, then schemathesis with these
/// further arguments.
///
/// # Errors
/// No client can be generated without a warning, an answer is not as the contract says, or the stack does not start.
pub async fn check(arguments: &[String]) -> Result<()> {
    let generator = tools::install(Toolset::PythonClient).await?;
    let schemathesis = tools::install(Toolset::Schemathesis).await?;
    let folder = project::tools_folder().join("contract-run");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;

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
    let checks = async {
        run_python_client(&generator, &folder, &stack.base_url()).await?;
        run_schemathesis(&schemathesis, &folder, &stack.base_url(), arguments).await
    };
    let result = checks.await;
    stack.stop().await;
    result
}

/// Generates a Python client, and takes the tour with it. A warning of the generator is a failure: it means that the client
/// lacks something.
async fn run_python_client(programs: &Path, folder: &Path, api_url: &str) -> Result<()> {
    // The generator formats what it writes with ruff, which it looks for there.
    let path = std::env::join_paths(
        std::iter::once(programs.to_owned())
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
    )?;
    let mut generate = Command::new(programs.join("openapi-python-client"));
    generate
        .current_dir(folder)
        .args(["generate", "--fail-on-warning", "--overwrite", "--meta", "none", "--output-path", "task_api_client"])
        .arg("--path")
        .arg(project::root().join("openapi.yaml"))
        .env("PATH", path);
    processes::run(&mut generate).await?;
    let mut tour = Command::new(programs.join("python"));
    tour.current_dir(folder)
        .arg(project::root().join("xtask/python-client/tour.py"))
        .env("PYTHONPATH", folder)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("API_URL", api_url)
        .env("TOKEN", token(CLIENT_USER));
    processes::run(&mut tour).await
}

async fn run_schemathesis(programs: &Path, folder: &Path, api_url: &str, arguments: &[String]) -> Result<()> {
    let users = folder.join("users.json");
    fs::write(&users, users_with_tokens()).with_context(|| format!("cannot write {}", users.display()))?;
    let configuration = project::root().join("xtask/schemathesis");
    let mut schemathesis = Command::new(programs.join("schemathesis"));
    schemathesis
        .current_dir(folder)
        .arg("--config-file")
        .arg(configuration.join("schemathesis.toml"))
        .arg("run")
        .arg(project::root().join("openapi.yaml"))
        .args(arguments)
        .env("API_URL", api_url)
        .env("USERS", &users)
        .env("HOOKS", configuration.join("hooks.py"))
        .env("PYTHONDONTWRITEBYTECODE", "1");
    processes::run(&mut schemathesis).await
}

/// The users as the Web Fuzzing Commons describe them.
fn users_with_tokens() -> String {
    let users = USERS.map(|name| {
        let header = json!({ "name": "Authorization", "value": format!("Bearer {}", token(name)) });
        json!({ "name": name, "fixedHeaders": [header] })
    });
    json!({ "auth": users }).to_string()
}

fn token(user: &str) -> String {
    let issuer =
        SharedSecretIssuer { secret: SECRET.to_owned(), issuer: ISSUER.to_owned(), audience: ISSUER.to_owned() };
    issuer.token(user, Duration::from_secs(3600))
}

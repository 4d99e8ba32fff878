//! `cargo xtask contract`: checks `openapi.yaml` with third-party tools against the whole stack. The client that
//! openapi-python-client generates must work, and every request that schemathesis generates must get a documented
//! response.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::json;
use xshell::{Shell, cmd};

use crate::project;
use crate::tools::Toolset;

/// The users of `schemathesis.toml`. The first one also runs the client's tour, which leaves no tasks behind.
const USERS: [&str; 2] = ["alice", "bob"];

/// Starts a stack with empty tables and runs the generated client against it, then schemathesis with these additional
/// arguments.
///
/// # Errors
/// The generator reports a warning, a response violates the contract, or the stack does not start.
pub fn check(arguments: &[String]) -> Result<()> {
    let generator = Toolset::PYTHON_CLIENT.install()?;
    let schemathesis = Toolset::SCHEMATHESIS.install()?;
    let folder = project::tools_folder().join("contract-run");
    let shell = project::shell()?;
    shell.create_dir(&folder)?;
    let stack = Stack::start(&shell, &folder)?;

    shell.change_dir(&folder);
    shell.set_var("API_URL", &stack.api_url);
    shell.set_var("PYTHONDONTWRITEBYTECODE", "1");
    run_python_client(&shell, &generator, &stack)?;
    run_schemathesis(&shell, &schemathesis, &stack, arguments)
}

/// Generates a Python client and runs the tour with it. A warning of the generator is a failure, because it means that
/// the client is incomplete.
fn run_python_client(shell: &Shell, programs: &Path, stack: &Stack) -> Result<()> {
    let [generator, python] = ["openapi-python-client", "python"].map(|program| programs.join(program));
    // The generator formats its output with ruff, which it looks up on the PATH.
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths([programs.to_owned()].into_iter().chain(std::env::split_paths(&path)))?;
    let contract = project::root().join("openapi.yaml");
    let generate = cmd!(shell, "{generator} generate --fail-on-warning --overwrite --meta none");
    generate.args(["--output-path", "task_api_client", "--path"]).arg(contract).env("PATH", path).quiet().run()?;
    let tour = project::root().join("xtask/python-client/tour.py");
    let [user, _] = USERS;
    let tour = cmd!(shell, "{python} {tour}").env("PYTHONPATH", shell.current_dir());
    Ok(tour.env("TOKEN", stack.token(user)?).quiet().run()?)
}

fn run_schemathesis(shell: &Shell, programs: &Path, stack: &Stack, arguments: &[String]) -> Result<()> {
    // The format of the Web Fuzzing Commons.
    let users = USERS.map(|name| {
        let header = json!({ "name": "Authorization", "value": format!("Bearer {}", stack.token(name)?) });
        anyhow::Ok(json!({ "name": name, "fixedHeaders": [header] }))
    });
    let users = users.into_iter().collect::<Result<Vec<_>>>()?;
    let file = shell.current_dir().join("users.json");
    shell.write_file(&file, json!({ "auth": users }).to_string())?;
    let schemathesis = programs.join("schemathesis");
    let configuration = project::root().join("xtask/schemathesis");
    let (settings, contract) = (configuration.join("schemathesis.toml"), project::root().join("openapi.yaml"));
    let run = cmd!(shell, "{schemathesis} --config-file {settings} run {contract} {arguments...}");
    Ok(run.env("USERS", file).env("HOOKS", configuration.join("hooks.py")).quiet().run()?)
}

/// A running stack without an issuer. It stops when dropped.
struct Stack {
    process: Child,
    data: PathBuf,
    api_url: String,
}

impl Stack {
    /// Starts it with empty tables.
    fn start(shell: &Shell, folder: &Path) -> Result<Self> {
        let local = project::build(shell, "local")?;
        let (data, ready) = (folder.join("data"), folder.join("ready"));
        shell.remove_path(&data)?;
        shell.remove_path(&ready)?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port().to_string();
        let mut local: Command =
            cmd!(shell, "{local} --no-issuer --port {port} --data {data} --ready-file {ready}").into();
        // The stack must accept its own tokens, whatever the developer's environment contains.
        let is_setting = |name: &str| ["BETTER_AUTH_", "JWKS", "TOKEN_"].iter().any(|start| name.starts_with(start));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_setting)) {
            local.env_remove(name);
        }
        let log = fs::File::create(folder.join("stack.log"))?;
        let process = local.stdout(log).spawn().context("cannot start the stack")?;
        let mut stack = Self { process, data, api_url: String::new() };
        while stack.api_url.is_empty() {
            if stack.process.try_wait()?.is_some() {
                bail!("the stack did not start");
            }
            sleep(Duration::from_millis(50));
            stack.api_url = fs::read_to_string(&ready).unwrap_or_default();
        }
        Ok(stack)
    }

    fn token(&self, user: &str) -> Result<String> {
        let file = self.data.join(format!("token-{user}"));
        fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // Its child processes exit with it.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

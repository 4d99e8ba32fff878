//! `cargo xtask contract`: the contract in the hands of other people's tools, against the whole stack. The client that
//! openapi-python-client generates from `openapi.yaml` works, and no request that schemathesis generates gets an answer
//! that is not in it.

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

/// The users of `schemathesis.toml`. The first takes the tour, which leaves nothing behind.
const USERS: [&str; 2] = ["alice", "bob"];

/// Runs a stack of its own, with empty tables, and against it the generated client, then schemathesis with these further
/// arguments.
///
/// # Errors
/// No client can be generated without a warning, an answer is not as the contract says, or the stack does not start.
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

/// Generates a Python client, and takes the tour with it. A warning of the generator is a failure: it means that the client
/// lacks something.
fn run_python_client(shell: &Shell, programs: &Path, stack: &Stack) -> Result<()> {
    let [generator, python] = ["openapi-python-client", "python"].map(|program| programs.join(program));
    // The generator formats what it writes with ruff, which it looks for there.
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
    // The users as the Web Fuzzing Commons describe them.
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

/// A running stack without an issuer. It stops when it is dropped.
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
        // The tokens are those that the stack signs, whatever the developer's environment says.
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
        // Killed, it takes all that it has started with it.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

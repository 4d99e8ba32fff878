//! `cargo xtask dev`: the stack for a developer, with tokens to try it.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this command talks to a developer")]

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{ErrorKind, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use shared::settings::Settings;
use tokio::time::sleep;

use crate::dynamodb::Storage;
use crate::executables::Executables;
use crate::stack::{Options, Stack, environment};
use crate::template::Template;
use crate::token::{Signing, development_token};
use crate::{probe, project};

/// The settings of the functions that a developer can give in the environment.
pub const SETTINGS: [&str; 7] =
    ["BETTER_AUTH_SECRET", "BETTER_AUTH_URL", "JWKS_URL", "JWKS", "TOKEN_ISSUER", "TOKEN_AUDIENCE", "TOKEN_MAX_BYTES"];

/// The users that get a token.
const USERS: [&str; 2] = ["alice", "bob"];

const TOKEN_LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);

/// Runs the whole stack on this machine.
#[derive(Debug, Clone, Args)]
pub struct Dev {
    /// The port on 127.0.0.1.
    #[arg(long, default_value_t = 9000, value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
    /// Empties the tables first.
    #[arg(long)]
    fresh: bool,
    /// The folder that keeps tables, tokens and logs, instead of `.dev`.
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// A file that gets the base URL once requests are served.
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

impl Dev {
    /// Runs the stack until it is stopped.
    ///
    /// # Errors
    /// Says in one line what is in the way.
    pub async fn run(self) -> Result<()> {
        let folder = self.data.clone().unwrap_or_else(project::dev_folder);
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let verification = Verification::read(&folder)?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let _lock = lock(&folder, address)?;
        if let Some(file) = &self.ready_file {
            remove(file)?;
        }
        probe::wait_until_free(address).await?;
        let tables = folder.join("dynamodb");
        if self.fresh && tables.exists() {
            fs::remove_dir_all(&tables).with_context(|| format!("cannot empty {}", tables.display()))?;
        }
        let mut sources = Sources::now();
        let mut stack = Stack::start(Options {
            port: self.port,
            storage: Storage::File(tables.join("tables.sqlite")),
            logs: folder.join("logs"),
            settings: verification.settings.clone(),
        })
        .await?;
        verification.introduce(&stack, &folder)?;
        if let Some(file) = &self.ready_file {
            announce(file, &stack.base_url())?;
        }
        loop {
            tokio::select! {
                () = stack.attend() => {}
                () = sources.changed() => rebuild(&stack).await,
            }
        }
    }
}

/// How the functions verify tokens, and what development tokens are signed with.
struct Verification {
    settings: BTreeMap<String, String>,
    signing: Option<Signing>,
}

impl Verification {
    fn read(folder: &Path) -> Result<Self> {
        let given = SETTINGS.iter().filter_map(|name| Some((*name, std::env::var_os(name)?)));
        let mut settings: BTreeMap<_, _> =
            given.map(|(name, value)| (name.to_owned(), value.to_string_lossy().into_owned())).collect();
        if !settings.contains_key("BETTER_AUTH_SECRET") && !settings.contains_key("BETTER_AUTH_URL") {
            settings.insert("BETTER_AUTH_SECRET".to_owned(), development_secret(&folder.join("secret"))?);
        }
        let environment = environment(&Template::read()?, settings.clone(), "http://127.0.0.1");
        Settings::read(|name| environment.get(name).cloned())?;
        let signing = settings.get("BETTER_AUTH_SECRET").map(|secret| Signing {
            secret: secret.clone(),
            issuer: settings.get("TOKEN_ISSUER").cloned(),
            audience: settings.get("TOKEN_AUDIENCE").cloned(),
        });
        Ok(Self { settings, signing })
    }

    fn issuer(&self) -> &str {
        self.settings.get("BETTER_AUTH_URL").map_or("the issuer", String::as_str)
    }

    fn introduce(&self, stack: &Stack, folder: &Path) -> Result<()> {
        let base_url = stack.base_url();
        println!("\nThe API is served on {base_url}");
        println!("The tables are in {}, served on {}", folder.join("dynamodb").display(), stack.dynamodb().endpoint());
        println!("The logs are in {}; warnings and errors show up here as well", folder.join("logs").display());
        let token = match &self.signing {
            Some(signing) => {
                let hours = TOKEN_LIFETIME.as_secs() / 3600;
                println!("\nTokens, valid for {hours} hours and also in {}", folder.join("token-…").display());
                for user in USERS {
                    let token = development_token(signing, user, TOKEN_LIFETIME)?;
                    write_private(&folder.join(format!("token-{user}")), &token)?;
                    println!("\n  {user}: {token}");
                }
                format!("$(cat '{}')", folder.join("token-alice").display())
            }
            None => {
                for user in USERS {
                    remove(&folder.join(format!("token-{user}")))?;
                }
                println!("\nTokens are signed by {}, not here: put one into the variable TOKEN", self.issuer());
                "$TOKEN".to_owned()
            }
        };
        let authorization = format!("-H \"authorization: Bearer {token}\"");
        let tasks = format!("{base_url}/api/me/tasks");
        println!("\nTo try it, create a task, list the tasks, and complete the newest one:\n");
        println!(
            "  curl -sS {authorization} -H 'content-type: application/json' -d '{{\"title\":\"Water the plants\"}}' {tasks}\n"
        );
        println!("  curl -sS {authorization} {tasks}\n");
        println!(
            "  curl -sS {authorization} -X PATCH \"{tasks}/$(curl -sS {authorization} '{tasks}?limit=1' | sed -E 's/.*\"id\":\"([^\"]*)\".*/\\1/')/complete\"\n"
        );
        println!("Ctrl-C stops everything. Changed sources are built and the functions started again.");
        Ok(())
    }
}

/// The secret of this project's copy on this machine, made at the first start and kept, so that tokens survive.
fn development_secret(path: &Path) -> Result<String> {
    match fs::read_to_string(path) {
        Ok(secret) => return Ok(secret),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
    let mut bytes = [0; 32];
    if aws_lc_rs::rand::fill(&mut bytes).is_err() {
        bail!("the operating system gives no random numbers");
    }
    let secret: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    write_private(path, &secret)?;
    Ok(secret)
}

/// Replaces the file at once, for this user's eyes only.
fn write_private(path: &Path, text: &str) -> Result<()> {
    let unfinished = path.with_extension("new");
    let write = || {
        remove_if_there(&unfinished)?;
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(&unfinished)?;
        file.write_all(text.as_bytes())?;
        fs::rename(&unfinished, path)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

fn lock(folder: &Path, address: SocketAddr) -> Result<File> {
    let path = folder.join("lock");
    let mut options = File::options();
    let mut file = options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let owner = fs::read_to_string(&path).unwrap_or_default();
            bail!("`cargo xtask dev` runs already, on {owner}; stop it first");
        }
        Err(TryLockError::Error(error)) => {
            return Err(error).with_context(|| format!("cannot lock {}", path.display()));
        }
    }
    file.set_len(0)
        .and_then(|()| write!(file, "http://{address}"))
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(file)
}

fn announce(file: &Path, base_url: &str) -> Result<()> {
    // Whoever waits for the file must not read half of it.
    let mut unfinished = file.as_os_str().to_owned();
    unfinished.push(".new");
    let written = fs::write(&unfinished, base_url).and_then(|()| fs::rename(&unfinished, file));
    written.with_context(|| format!("cannot write {}", file.display()))
}

fn remove(file: &Path) -> Result<()> {
    remove_if_there(file).with_context(|| format!("cannot remove {}", file.display()))
}

fn remove_if_there(file: &Path) -> std::io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

async fn rebuild(stack: &Stack) {
    let Ok(template) = Template::read() else { return };
    match Executables::build(template.functions().iter().map(|function| function.binary.as_str())).await {
        Ok(executables) => {
            let restarted = stack.restart_changed(&executables);
            if !restarted.is_empty() {
                println!("started again: {}", restarted.join(", "));
            }
        }
        Err(error) => eprintln!("{error:#}; the functions answer as before"),
    }
}

/// The sources of the functions, as they were last seen.
struct Sources {
    seen: u64,
}

impl Sources {
    fn now() -> Self {
        Self { seen: fingerprint() }
    }

    /// Returns when the sources have changed and then kept still for a moment.
    async fn changed(&mut self) {
        const INTERVAL: Duration = Duration::from_millis(500);
        let mut before = self.seen;
        loop {
            sleep(INTERVAL).await;
            let now = fingerprint();
            if now != self.seen && now == before {
                self.seen = now;
                return;
            }
            before = now;
        }
    }
}

fn fingerprint() -> u64 {
    let mut hasher = DefaultHasher::new();
    for folder in ["functions", "shared"] {
        hash_tree(&project::root().join(folder), &mut hasher);
    }
    hash_file(&project::root().join("Cargo.toml"), &mut hasher);
    hasher.finish()
}

fn hash_tree(folder: &Path, hasher: &mut DefaultHasher) {
    let mut paths: Vec<_> = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            hash_tree(&path, hasher);
        } else if path.extension().is_some_and(|extension| extension == "rs" || extension == "toml") {
            hash_file(&path, hasher);
        }
    }
}

fn hash_file(path: &Path, hasher: &mut DefaultHasher) {
    path.hash(hasher);
    fs::metadata(path).and_then(|metadata| metadata.modified()).ok().hash(hasher);
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9000);

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("xtask-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn the_secret_is_made_once_and_read_by_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = folder("secret");
        let path = folder.join("secret");
        let secret = development_secret(&path).unwrap();
        assert_eq!(secret.len(), 64);
        assert_eq!(development_secret(&path).unwrap(), secret);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_folder_belongs_to_one_run_at_a_time() {
        let folder = folder("lock");
        let first = lock(&folder, ADDRESS).unwrap();
        let error = lock(&folder, ADDRESS).unwrap_err();
        assert!(error.to_string().contains("http://127.0.0.1:9000"), "{error}");
        drop(first);
        assert!(lock(&folder, ADDRESS).is_ok());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn the_base_url_is_announced_whole() {
        let folder = folder("ready");
        let file = folder.join("ready");
        announce(&file, "http://127.0.0.1:9000").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "http://127.0.0.1:9000");
        remove(&file).unwrap();
        remove(&file).unwrap();
        fs::remove_dir_all(folder).unwrap();
    }
}

//! `cargo xtask dev`: the stack for a developer, with tokens to try it.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this command talks to a developer")]

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use shared::aws::Access;
use shared::settings::Settings;
use signer::SharedSecretIssuer;
use tokio::task::spawn_blocking;
use xshell::Shell;
use xtask::{node, project};

use crate::dynamodb::Storage;
use crate::executables::Executables;
use crate::issuer::{AUDIENCE, Issuer, Mode};
use crate::sources::Sources;
use crate::stack::{DynamoDb, ISSUER, Options, Stack, environment};
use crate::tables::Service;
use crate::template::Template;
use crate::{page, probe};

/// The users that get a token.
const USERS: [&str; 2] = ["alice", "bob"];

/// Who signs the tokens that are printed.
const DEVELOPMENT_ISSUER: &str = "cargo-xtask-dev";
const TOKEN_LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);

/// Runs the whole stack on this machine.
#[derive(Debug, Clone, Args)]
pub struct Dev {
    /// Port of the API on 127.0.0.1; the page and the issuer use the next one.
    #[arg(long, default_value_t = 9000, value_parser = clap::value_parser!(u16).range(1..=65534))]
    port: u16,
    /// The issuer signs tokens with a shared secret instead of a key pair.
    #[arg(long)]
    shared_secret: bool,
    /// Runs no issuer and no page, and prints tokens for development; needs no Node.
    #[arg(long, conflicts_with = "shared_secret")]
    no_issuer: bool,
    /// Deletes users and tasks first, but never tasks in another DynamoDB.
    #[arg(long)]
    fresh: bool,
    /// Uses another DynamoDB, such as DynamoDB Local on http://127.0.0.1:8000, and creates missing tables there. Region and
    /// credentials come from the environment if they are set.
    #[arg(long, value_name = "URL", value_parser = url)]
    dynamodb: Option<String>,
    /// Prefix of the table names in another DynamoDB.
    #[arg(long, value_name = "PREFIX", requires = "dynamodb", default_value = "")]
    table_prefix: String,
    /// Folder for tasks, users, tokens, and logs, instead of `.dev`.
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// File to which the base URL is written once requests are served.
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

impl Dev {
    /// Runs the stack until it is stopped.
    ///
    /// # Errors
    /// Says in one line what prevents it.
    pub async fn run(self) -> Result<()> {
        // Not under version control.
        let (shell, folder) = (Shell::new()?, self.data.clone().unwrap_or_else(|| project::root().join(".dev")));
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let verification = Verification::read(&self, &folder)?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let _lock = lock(&folder, address)?;
        if let Some(file) = &self.ready_file {
            shell.remove_path(file)?;
        }
        probe::wait_until_free(address).await?;
        if let Some(issuer) = verification.issuer() {
            probe::wait_until_free(issuer.address()).await?;
        }
        let tables = folder.join("dynamodb");
        if self.fresh {
            shell.remove_path(&tables)?;
            shell.remove_path(issuer_folder(&folder))?;
        }
        let mut functions = Sources::now(["functions", "shared", "Cargo.toml"]);
        let mut issuer = Sources::now(["issuer"]);
        let mut page = page::sources();
        let mut stack = Stack::start(Options {
            port: self.port,
            dynamodb: match &self.dynamodb {
                Some(url) => DynamoDb::Other(Service::from_env(url, &self.table_prefix)),
                None => DynamoDb::Embedded(Storage::File(tables.join("tables.sqlite"))),
            },
            logs: folder.join("logs"),
            settings: verification.settings.clone(),
            issuer: verification.issuer().cloned(),
            processes: 2,
            release: false,
            shows_requests: true,
        })
        .await?;
        verification.introduce(&stack, &folder, self.dynamodb.is_none())?;
        if let Some(file) = &self.ready_file {
            write(file, &stack.base_url())?;
        }
        let has_issuer = verification.issuer().is_some();
        loop {
            tokio::select! {
                () = stack.attend() => {}
                () = functions.changed() => rebuild(&stack).await,
                () = issuer.changed(), if has_issuer => restart_issuer(&stack).await,
                () = page.changed(), if has_issuer => rebuild_page().await,
            }
        }
    }
}

/// How the functions verify tokens, and where the tokens come from.
struct Verification {
    settings: BTreeMap<String, String>,
    tokens: Tokens,
}

enum Tokens {
    /// From the issuer that runs beside the API.
    Issuer(Issuer),
    /// Signed here, for users that need not exist.
    Development(SharedSecretIssuer),
    /// From an external issuer at this URL.
    Elsewhere(String),
}

impl Verification {
    fn read(options: &Dev, folder: &Path) -> Result<Self> {
        let template = Template::read()?;
        let given = template.settings().into_iter().filter_map(|name| Some((name.to_owned(), std::env::var_os(name)?)));
        let mut settings: BTreeMap<_, _> =
            given.map(|(name, value)| (name, value.to_string_lossy().into_owned())).collect();
        let foreign = ["BETTER_AUTH_SECRET", "BETTER_AUTH_URL"].into_iter().find(|name| settings.contains_key(*name));
        if let (Some(name), true) = (foreign, options.shared_secret) {
            bail!("--shared-secret runs an issuer, but {name} is set: unset one of them");
        }
        let issuer = if foreign.is_none() && !options.no_issuer {
            let issuer = own_issuer(options, folder, &settings)?;
            settings.extend(issuer.settings());
            Some(issuer)
        } else {
            if foreign.is_none() {
                settings.insert("BETTER_AUTH_SECRET".to_owned(), development_secret(&folder.join("secret"))?);
                for (name, default) in [("TOKEN_ISSUER", DEVELOPMENT_ISSUER), ("TOKEN_AUDIENCE", AUDIENCE)] {
                    settings.entry(name.to_owned()).or_insert_with(|| default.to_owned());
                }
            }
            None
        };
        if !settings.contains_key("LOG_HASH_KEY") {
            settings.insert("LOG_HASH_KEY".to_owned(), development_secret(&folder.join("log-hash-key"))?);
        }
        let environment = environment(&template, settings.clone(), &Service::unchecked("http://127.0.0.1"));
        // Only checks the settings: nothing is sent from here.
        Settings::read(|name| environment.get(name).cloned(), Access::new("eu-central-1", "local", "local"))?;
        let tokens = match (issuer, settings.get("BETTER_AUTH_SECRET"), settings.get("BETTER_AUTH_URL")) {
            (Some(issuer), ..) => Tokens::Issuer(issuer),
            (None, Some(secret), _) => Tokens::Development(SharedSecretIssuer {
                secret: secret.clone(),
                issuer: settings.get("TOKEN_ISSUER").cloned().unwrap_or_default(),
                audience: settings.get("TOKEN_AUDIENCE").cloned().unwrap_or_default(),
            }),
            (None, None, url) => Tokens::Elsewhere(url.cloned().unwrap_or_default()),
        };
        Ok(Self { settings, tokens })
    }

    /// The issuer to run here, if any.
    fn issuer(&self) -> Option<&Issuer> {
        match &self.tokens {
            Tokens::Issuer(issuer) => Some(issuer),
            Tokens::Development(_) | Tokens::Elsewhere(_) => None,
        }
    }

    fn introduce(&self, stack: &Stack, folder: &Path, is_embedded: bool) -> Result<()> {
        let base_url = stack.base_url();
        write(&folder.join("lambda-port"), &stack.lambda_port().to_string())?;
        for user in USERS {
            Shell::new()?.remove_path(folder.join(format!("token-{user}")))?;
        }
        let page = self.issuer().map(Issuer::origin).map_or_else(String::new, |origin| {
            format!("Open {origin} to sign up and work with tasks\nThe API reference is on {origin}/reference/\n")
        });
        let endpoint = stack.dynamodb().endpoint();
        let tables = match is_embedded {
            true => format!("in {}, served on {endpoint}", folder.join("dynamodb").display()),
            false => format!("on {endpoint}"),
        };
        let mut token = "$TOKEN".to_owned();
        let tokens = match &self.tokens {
            Tokens::Issuer(issuer) => {
                let commands = sign_up_commands(&issuer.origin()).join("\n  ");
                format!("\nFor curl, sign up a new user and get a token:\n\n  {commands}\n")
            }
            Tokens::Development(issuer) => {
                token = format!("$(cat '{}')", folder.join("token-alice").display());
                let (hours, files) = (TOKEN_LIFETIME.as_secs() / 3600, folder.join("token-…"));
                let mut tokens = format!("\nTokens, valid for {hours} hours, also in {}\n", files.display());
                for user in USERS {
                    let token = issuer.token(user, TOKEN_LIFETIME);
                    write(&folder.join(format!("token-{user}")), &token)?;
                    tokens.push_str(&format!("\n  {user}: {token}\n"));
                }
                tokens
            }
            Tokens::Elsewhere(url) => format!("\nTokens come from {url}: put one into the variable TOKEN\n"),
        };
        let introduction = include_str!("introduction.txt").replace("{page}", &page).replace("{tables}", &tables);
        let introduction = introduction.replace("{logs}", &folder.join("logs").display().to_string());
        let introduction = introduction.replace("{tokens}", &tokens).replace("{api}", &base_url);
        print!("{}", introduction.replace("{authorization}", &format!("-H \"authorization: Bearer {token}\"")));
        Ok(())
    }
}

fn own_issuer(options: &Dev, folder: &Path, settings: &BTreeMap<String, String>) -> Result<Issuer> {
    for name in ["JWKS_URL", "JWKS", "TOKEN_ISSUER"] {
        if settings.contains_key(name) {
            bail!(
                "{name} is for an issuer of your own: set BETTER_AUTH_URL or BETTER_AUTH_SECRET as well, or unset it"
            );
        }
    }
    Ok(Issuer {
        mode: if options.shared_secret { Mode::SharedSecret } else { Mode::KeySet },
        port: options.port + 1,
        audience: settings.get("TOKEN_AUDIENCE").cloned().unwrap_or_else(|| AUDIENCE.to_owned()),
        secret: development_secret(&folder.join("secret"))?,
        token_secret: development_secret(&folder.join("signing-secret"))?,
        database: std::path::absolute(issuer_folder(folder))?.join("users.sqlite"),
    })
}

/// The commands that sign up a new user with curl and put a token into the variable `TOKEN`. The session is a cookie, as it
/// is for the page.
#[must_use]
pub fn sign_up_commands(origin: &str) -> [String; 3] {
    // A new user each time, because an address can sign up only once.
    let account = r#"{"name":"Ada","email":"ada-'$(date +%s)'@example.com","password":"correct horse"}"#;
    [
        "COOKIES=$(mktemp)".to_owned(),
        format!(
            "curl -sS -o /dev/null -c \"$COOKIES\" -H 'content-type: application/json' -d '{account}' {origin}/api/auth/sign-up/email"
        ),
        format!(r#"TOKEN=$(curl -sS -b "$COOKIES" {origin}/api/auth/token | sed -E 's/.*"token":"([^"]*)".*/\1/')"#),
    ]
}

/// Where the issuer keeps its users and keys.
fn issuer_folder(folder: &Path) -> PathBuf {
    folder.join("issuer")
}

/// The secret of this checkout, generated at the first start and kept, so that tokens survive a restart.
fn development_secret(path: &Path) -> Result<String> {
    match fs::read_to_string(path) {
        Ok(secret) => return Ok(secret),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
    let secret = signer::random_secret();
    write(path, &secret)?;
    Ok(secret)
}

/// Replaces a file, readable by this user alone, so that no reader sees half of it.
fn write(path: &Path, text: &str) -> Result<()> {
    let unfinished = path.with_extension("new");
    // Left by a run that was killed.
    let _ = fs::remove_file(&unfinished);
    let mut options = File::options();
    let file = options.write(true).create_new(true).mode(0o600).open(&unfinished);
    let written =
        file.and_then(|mut file| file.write_all(text.as_bytes())).and_then(|()| fs::rename(&unfinished, path));
    written.with_context(|| format!("cannot write {}", path.display()))
}

fn lock(folder: &Path, address: SocketAddr) -> Result<File> {
    let path = folder.join("lock");
    let failure = || format!("cannot lock {}", path.display());
    let mut options = File::options();
    let file = options.read(true).write(true).create(true).truncate(false).open(&path);
    let mut file = file.with_context(failure)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let owner = fs::read_to_string(&path).unwrap_or_default();
            bail!("`cargo xtask dev` is already running on {owner}; stop it first");
        }
        Err(TryLockError::Error(error)) => return Err(error).with_context(failure),
    }
    file.set_len(0).and_then(|()| write!(file, "http://{address}")).with_context(failure)?;
    Ok(file)
}

async fn rebuild(stack: &Stack) {
    let Ok(template) = Template::read() else { return };
    match Executables::build(template.functions.iter().map(|function| function.binary.as_str())).await {
        Ok(executables) => {
            let restarted: Vec<_> = executables.changed().filter(|name| stack.restart(name)).collect();
            if !restarted.is_empty() {
                println!("restarted: {}", restarted.join(", "));
            }
        }
        Err(error) => eprintln!("{error:#}; the functions are unchanged"),
    }
}

async fn restart_issuer(stack: &Stack) {
    match blocking(|| node::install(ISSUER)).await {
        Ok(()) => {
            stack.restart(ISSUER);
            println!("restarted: {ISSUER}");
        }
        Err(error) => eprintln!("{error:#}; the issuer is unchanged"),
    }
}

async fn rebuild_page() {
    match blocking(page::build).await {
        Ok(()) => println!("rebuilt: the page"),
        Err(error) => eprintln!("{error:#}; the page may be incomplete"),
    }
}

async fn blocking(work: impl FnOnce() -> Result<()> + Send + 'static) -> Result<()> {
    spawn_blocking(work).await?
}

fn url(text: &str) -> Result<String, String> {
    let has_scheme = text.starts_with("http://") || text.starts_with("https://");
    if has_scheme { Ok(text.to_owned()) } else { Err("a URL begins with http:// or https://".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9000);

    #[test]
    fn the_secret_is_made_once_and_read_by_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = Shell::new().unwrap().create_temp_dir().unwrap();
        let path = folder.path().join("secret");
        let secret = development_secret(&path).unwrap();
        assert_eq!(secret.len(), 64);
        assert_eq!(development_secret(&path).unwrap(), secret);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_folder_belongs_to_one_run_at_a_time() {
        let folder = Shell::new().unwrap().create_temp_dir().unwrap();
        let first = lock(folder.path(), ADDRESS).unwrap();
        let error = lock(folder.path(), ADDRESS).unwrap_err();
        assert!(error.to_string().contains("http://127.0.0.1:9000"), "{error}");
        drop(first);
        assert!(lock(folder.path(), ADDRESS).is_ok());
    }

    #[test]
    fn the_base_url_is_announced_whole() {
        let folder = Shell::new().unwrap().create_temp_dir().unwrap();
        let file = folder.path().join("ready");
        write(&file, "http://127.0.0.1:9000").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "http://127.0.0.1:9000");
    }
}

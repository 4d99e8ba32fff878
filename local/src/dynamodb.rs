//! The embedded DynamoDB: the tables of `template.yaml`, served on this machine.

use std::fmt::Display;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use dynoxide::Database;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::tables::Service;
use crate::template::Template;

/// Where the items are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Storage {
    /// In memory: gone when the database stops.
    Memory,
    /// In a file, which is created if it is missing.
    File(PathBuf),
}

/// A running DynamoDB. It stops when it is dropped.
pub struct EmbeddedDynamoDb {
    database: Database,
    service: Service,
    stop: Option<oneshot::Sender<()>>,
    sweeper: Option<JoinHandle<()>>,
}

impl EmbeddedDynamoDb {
    /// Serves the tables of `template.yaml` on `address` and creates those that are missing; port 0 takes a free port.
    ///
    /// # Errors
    /// The database cannot be opened or served, or its tables differ from the template's.
    pub async fn start(storage: Storage, address: SocketAddr) -> Result<Self> {
        let database = open(&storage)?;
        let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let (stop, stopped) = oneshot::channel();
        let served = database.clone();
        tokio::spawn(async move {
            let stopped = async {
                // A dropped sender stops the server as well.
                let _ = stopped.await;
            };
            dynoxide::server::serve_with_shutdown(listener, served, stopped).await
        });
        let service = Service::unchecked(&endpoint);
        let embedded = Self { database, service, stop: Some(stop), sweeper: None };
        embedded.service.prepare(&Template::read()?.tables).await?;
        Ok(embedded)
    }

    /// Removes expired items every `interval` from now on.
    #[must_use]
    pub fn sweep_every(mut self, interval: Duration) -> Self {
        let database = self.database.clone();
        self.sweeper = Some(tokio::spawn(async move {
            loop {
                tokio::time::sleep(interval).await;
                let database = database.clone();
                // The next sweep removes what this one misses, and readers filter expired items anyway.
                let _ = tokio::task::spawn_blocking(move || database.sweep_ttl()).await;
            }
        }));
        self
    }

    /// The URL of the service, for `AWS_ENDPOINT_URL_DYNAMODB`.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        self.service.endpoint()
    }

    /// How it is reached.
    #[must_use]
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// The database itself, to look into it.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.database
    }
}

impl Drop for EmbeddedDynamoDb {
    fn drop(&mut self) {
        if let Some(sweeper) = self.sweeper.take() {
            sweeper.abort();
        }
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }
}

fn open(storage: &Storage) -> Result<Database> {
    let path = match storage {
        Storage::Memory => return Database::memory().map_err(engine),
        Storage::File(path) => path,
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    }
    let text = path.to_str().with_context(|| format!("{} is not a UTF-8 path", path.display()))?;
    Database::new(text).map_err(engine).with_context(|| format!("cannot open {text}"))
}

fn engine(error: impl Display) -> anyhow::Error {
    anyhow::anyhow!("{error}")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use xshell::Shell;

    use super::*;

    const ANYWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

    fn parsed<T: serde::de::DeserializeOwned>(request: Value) -> T {
        serde_json::from_value(request).unwrap()
    }

    #[tokio::test]
    async fn the_tables_of_the_template_are_served() {
        let dynamodb = EmbeddedDynamoDb::start(Storage::Memory, ANYWHERE).await.unwrap();
        assert!(dynamodb.endpoint().starts_with("http://127.0.0.1:"));
        let mut tables = dynamodb.database().list_tables(parsed(json!({}))).unwrap().table_names;
        tables.sort();
        assert_eq!(tables, ["access", "idempotency", "tasks"]);
    }

    #[tokio::test]
    async fn a_file_is_opened_again_with_what_was_in_it() {
        let folder = Shell::new().unwrap().create_temp_dir().unwrap();
        let storage = Storage::File(folder.path().join("tables.sqlite"));
        let item = json!({ "user_id": { "S": "alice" }, "task_id": { "S": "1" } });
        let first = EmbeddedDynamoDb::start(storage.clone(), ANYWHERE).await.unwrap();
        let put = json!({ "TableName": "tasks", "Item": item });
        first.database().put_item(parsed(put)).unwrap();
        drop(first);
        let second = EmbeddedDynamoDb::start(storage, ANYWHERE).await.unwrap();
        let get = json!({ "TableName": "tasks", "Key": item });
        assert!(second.database().get_item(parsed(get)).unwrap().item.is_some());
    }

    #[tokio::test]
    async fn a_table_of_another_template_is_refused() {
        let folder = Shell::new().unwrap().create_temp_dir().unwrap();
        let path = folder.path().join("tables.sqlite");
        let database = Database::new(path.to_str().unwrap()).unwrap();
        let mut tasks = Template::read().unwrap().tables.first().unwrap().clone();
        tasks.local_indexes.retain(|index| index.index_name() != "by_updated");
        tasks.attributes.retain(|attribute| attribute.attribute_name() != "updated");
        let listener = TcpListener::bind(ANYWHERE).await.unwrap();
        let other = Service::unchecked(&format!("http://{}", listener.local_addr().unwrap()));
        let server = tokio::spawn(dynoxide::server::serve_with_shutdown(listener, database, std::future::pending()));
        other.prepare(&[tasks]).await.unwrap();
        server.abort();
        let _ = server.await;
        let error = EmbeddedDynamoDb::start(Storage::File(path), ANYWHERE).await.err().unwrap();
        assert!(format!("{error:#}").contains("--fresh"), "{error:#}");
    }
}

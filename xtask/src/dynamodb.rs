//! The embedded DynamoDB: the tables of `template.yaml`, served on this machine.

use std::fmt::Display;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use dynoxide::Database;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::template::{Key, Table, Template};

/// Where the items are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Storage {
    /// In memory: gone when the database stops.
    Memory,
    /// In a file, which is made when it is not there.
    File(PathBuf),
}

/// A running DynamoDB. It stops when it is dropped.
pub struct EmbeddedDynamoDb {
    database: Database,
    endpoint: String,
    stop: Option<oneshot::Sender<()>>,
    sweeper: Option<JoinHandle<()>>,
}

impl EmbeddedDynamoDb {
    /// Serves the tables of `template.yaml` on `address`, those that are missing being made; port 0 takes a free one.
    ///
    /// # Errors
    /// Says why the database cannot be opened or served, or that its tables are not those of the template.
    pub async fn start(storage: Storage, address: SocketAddr) -> Result<Self> {
        let database = open(&storage)?;
        for table in Template::read()?.tables() {
            prepare(&database, table).with_context(|| format!("table {}", table.local_name()))?;
        }
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
        Ok(Self { database, endpoint, stop: Some(stop), sweeper: None })
    }

    /// Removes expired items every `interval` from now on.
    #[must_use]
    pub fn sweep_every(mut self, interval: Duration) -> Self {
        let database = self.database.clone();
        self.sweeper = Some(tokio::spawn(async move {
            loop {
                tokio::time::sleep(interval).await;
                let database = database.clone();
                // Whatever a sweep misses is removed by the next one: readers filter expired items anyway.
                let _ = tokio::task::spawn_blocking(move || database.sweep_ttl()).await;
            }
        }));
        self
    }

    /// The URL of the service, for `AWS_ENDPOINT_URL_DYNAMODB`.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The database itself, to look at what is in it.
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
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let text = path.to_str().with_context(|| format!("{} is not a path in UTF-8", path.display()))?;
    Database::new(text).map_err(engine).with_context(|| format!("cannot open {text}"))
}

/// Makes the table when it is missing, and refuses one that was made from another template: its indexes cannot be
/// changed any more.
fn prepare(database: &Database, table: &Table) -> Result<()> {
    let name = table.local_name();
    let wanted = definition(table);
    let existing = database.list_tables(parsed(json!({}))?).map_err(engine)?.table_names;
    if !existing.contains(&name) {
        database.create_table(parsed(wanted)?).map_err(engine)?;
    } else if !is_made_from(database, &wanted)? {
        bail!("it was made from another template.yaml; `cargo xtask dev --fresh` makes it anew and empty");
    }
    if let Some(attribute) = &table.time_to_live {
        let specification = json!({ "AttributeName": attribute, "Enabled": true });
        let request = json!({ "TableName": name, "TimeToLiveSpecification": specification });
        database.update_time_to_live(parsed(request)?).map_err(engine)?;
    }
    Ok(())
}

fn definition(table: &Table) -> Value {
    let attributes = table.attributes.iter();
    let mut definition = json!({
        "TableName": table.local_name(),
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": key_schema(&table.key),
        "AttributeDefinitions": attributes
            .map(|(name, kind)| json!({ "AttributeName": name, "AttributeType": kind }))
            .collect::<Vec<_>>(),
    });
    let indexes: Vec<_> = table
        .local_indexes
        .iter()
        .map(|index| {
            json!({
                "IndexName": index.name,
                "KeySchema": key_schema(&index.key),
                "Projection": { "ProjectionType": index.projection },
            })
        })
        .collect();
    // An empty list is refused.
    if let (false, Some(fields)) = (indexes.is_empty(), definition.as_object_mut()) {
        fields.insert("LocalSecondaryIndexes".to_owned(), Value::Array(indexes));
    }
    definition
}

fn key_schema(key: &Key) -> Value {
    let mut schema = vec![json!({ "AttributeName": key.partition, "KeyType": "HASH" })];
    schema.extend(key.sort.iter().map(|sort| json!({ "AttributeName": sort, "KeyType": "RANGE" })));
    Value::Array(schema)
}

fn is_made_from(database: &Database, wanted: &Value) -> Result<bool> {
    let request = json!({ "TableName": wanted.get("TableName") });
    let response = database.describe_table(parsed(request)?).map_err(engine)?;
    let described = serde_json::to_value(response.table)?;
    Ok(outline(&described) == outline(wanted))
}

/// What can never be changed of a table: its key and its local indexes, in one order.
fn outline(definition: &Value) -> (Option<&Value>, Vec<[Option<&Value>; 3]>) {
    let indexes = definition.get("LocalSecondaryIndexes").and_then(Value::as_array).into_iter().flatten();
    let mut indexes: Vec<_> =
        indexes.map(|index| ["IndexName", "KeySchema", "Projection"].map(|field| index.get(field))).collect();
    indexes.sort_by_key(|[name, ..]| name.map(ToString::to_string));
    (definition.get("KeySchema"), indexes)
}

fn parsed<T: serde::de::DeserializeOwned>(request: Value) -> Result<T> {
    Ok(serde_json::from_value(request)?)
}

fn engine(error: impl Display) -> anyhow::Error {
    anyhow::anyhow!("{error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANYWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("xtask-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[tokio::test]
    async fn the_tables_of_the_template_are_served() {
        let dynamodb = EmbeddedDynamoDb::start(Storage::Memory, ANYWHERE).await.unwrap();
        assert!(dynamodb.endpoint().starts_with("http://127.0.0.1:"));
        let mut tables = dynamodb.database().list_tables(parsed(json!({})).unwrap()).unwrap().table_names;
        tables.sort();
        assert_eq!(tables, ["idempotency", "tasks"]);
    }

    #[tokio::test]
    async fn a_file_is_opened_again_with_what_was_in_it() {
        let folder = folder("again");
        let storage = Storage::File(folder.join("tables.sqlite"));
        let item = json!({ "user_id": { "S": "alice" }, "task_id": { "S": "1" } });
        let first = EmbeddedDynamoDb::start(storage.clone(), ANYWHERE).await.unwrap();
        let put = json!({ "TableName": "tasks", "Item": item });
        first.database().put_item(parsed(put).unwrap()).unwrap();
        drop(first);
        let second = EmbeddedDynamoDb::start(storage, ANYWHERE).await.unwrap();
        let get = json!({ "TableName": "tasks", "Key": item });
        assert!(second.database().get_item(parsed(get).unwrap()).unwrap().item.is_some());
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[tokio::test]
    async fn a_table_of_another_template_is_refused() {
        let folder = folder("other");
        let path = folder.join("tables.sqlite");
        let database = Database::new(path.to_str().unwrap()).unwrap();
        let mut tasks = Template::read().unwrap().tables().first().unwrap().clone();
        tasks.local_indexes.pop();
        tasks.attributes.remove("updated");
        database.create_table(parsed(definition(&tasks)).unwrap()).unwrap();
        drop(database);
        let error = EmbeddedDynamoDb::start(Storage::File(path), ANYWHERE).await.err().unwrap();
        assert!(format!("{error:#}").contains("--fresh"), "{error:#}");
        std::fs::remove_dir_all(folder).unwrap();
    }
}

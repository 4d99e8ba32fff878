//! Creates the tables of `template.yaml` in the embedded DynamoDB or in another one.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Error, Result, bail};
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::error::DisplayErrorContext;
use aws_sdk_dynamodb::types::{
    BillingMode, LocalSecondaryIndex, Projection, TableDescription, TableStatus, TimeToLiveSpecification,
    TimeToLiveStatus,
};
use aws_sdk_dynamodb::{Client, Config};
use shared::aws::{Connector, TrustedRoots};
use tokio::time::{Instant, sleep};

use crate::template::Table;

const REGION: &str = "AWS_REGION";
const ACCESS_KEY_ID: &str = "AWS_ACCESS_KEY_ID";
const SECRET_ACCESS_KEY: &str = "AWS_SECRET_ACCESS_KEY";
const SESSION_TOKEN: &str = "AWS_SESSION_TOKEN";

/// How long a new table may take to become active.
const CREATION: Duration = Duration::from_secs(120);

/// A DynamoDB, and how it is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    endpoint: String,
    /// Region and credentials, by the name of the variable.
    access: BTreeMap<&'static str, String>,
    table_prefix: String,
}

impl Service {
    /// A DynamoDB that does not check signatures, such as the embedded one.
    #[must_use]
    pub fn unchecked(endpoint: &str) -> Self {
        let access = [(REGION, "eu-central-1"), (ACCESS_KEY_ID, "local"), (SECRET_ACCESS_KEY, "local")];
        let access = access.map(|(name, value)| (name, value.to_owned())).into();
        Self { endpoint: endpoint.to_owned(), access, table_prefix: String::new() }
    }

    /// Another DynamoDB, with region and credentials from the environment if they are set. Table names begin with
    /// `table_prefix`.
    #[must_use]
    pub fn from_env(endpoint: &str, table_prefix: &str) -> Self {
        let mut service = Self { table_prefix: table_prefix.to_owned(), ..Self::unchecked(endpoint) };
        for name in [REGION, ACCESS_KEY_ID, SECRET_ACCESS_KEY, SESSION_TOKEN] {
            service.access.extend(std::env::var(name).ok().map(|value| (name, value)));
        }
        service
    }

    /// Its URL.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The environment that functions need to reach it, without the tables that they use only if they are told to.
    #[must_use]
    pub fn environment(&self, tables: &[Table]) -> BTreeMap<String, String> {
        let access = self.access.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        let needed = tables.iter().filter(|table| !table.is_optional);
        let names = needed.map(|table| (table.variable(), self.name_of(table)));
        let endpoint = ("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), self.endpoint.clone());
        access.chain(names).chain([endpoint]).collect()
    }

    /// Creates missing tables.
    ///
    /// # Errors
    /// The service does not answer or refuses, or it has a table with another key or other local indexes, which cannot be
    /// changed.
    pub async fn prepare(&self, tables: &[Table]) -> Result<()> {
        let client = self.client();
        for table in tables {
            let name = self.name_of(table);
            prepare(&client, &name, table).await.with_context(|| format!("table {name} on {}", self.endpoint))?;
        }
        Ok(())
    }

    fn name_of(&self, table: &Table) -> String {
        format!("{}{}", self.table_prefix, table.local_name)
    }

    fn client(&self) -> Client {
        let access = |name| self.access.get(name).cloned();
        let (id, secret) = (access(ACCESS_KEY_ID).unwrap_or_default(), access(SECRET_ACCESS_KEY).unwrap_or_default());
        let config = Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(access(REGION).map(Region::new))
            .credentials_provider(Credentials::new(id, secret, access(SESSION_TOKEN), None, "local"))
            .endpoint_url(&self.endpoint)
            .http_client(Connector::trusting(TrustedRoots::System).http_client());
        Client::from_conf(config.build())
    }
}

async fn prepare(client: &Client, name: &str, table: &Table) -> Result<()> {
    let creation = client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_key_schema(Some(table.key.clone()))
        .set_attribute_definitions(Some(table.attributes.clone()))
        // An empty list is refused.
        .set_local_secondary_indexes(Some(table.local_indexes.clone()).filter(|indexes| !indexes.is_empty()));
    let (is_new, mut description) = match creation.send().await {
        Ok(output) => (true, output.table_description.context("DynamoDB does not describe the new table")?),
        Err(error) if error.as_service_error().is_some_and(|error| error.is_resource_in_use_exception()) => {
            (false, describe(client, name).await?)
        }
        Err(error) => return Err(failure(error)),
    };
    if !has_shape(&description, table) {
        bail!(
            "it was created from another template.yaml: delete it (the embedded one: `cargo xtask dev --fresh`, which deletes all tasks)"
        );
    }
    let deadline = Instant::now() + CREATION;
    // The embedded one is asked at once, another one less and less often.
    let mut pause = Duration::from_millis(1);
    while description.table_status != Some(TableStatus::Active) {
        if Instant::now() > deadline {
            bail!("it is not active after {CREATION:?}");
        }
        sleep(pause).await;
        pause = (pause * 4).min(Duration::from_millis(200));
        description = describe(client, name).await?;
    }
    if let Some(attribute) = &table.time_to_live
        && (is_new || !expires(client, name).await?)
    {
        let specification = TimeToLiveSpecification::builder().attribute_name(attribute).enabled(true).build()?;
        let update = client.update_time_to_live().table_name(name).time_to_live_specification(specification);
        update.send().await.map_err(failure)?;
    }
    Ok(())
}

async fn describe(client: &Client, name: &str) -> Result<TableDescription> {
    let output = client.describe_table().table_name(name).send().await.map_err(failure)?;
    output.table.context("DynamoDB does not describe it")
}

/// Whether time to live is enabled.
async fn expires(client: &Client, name: &str) -> Result<bool> {
    let output = client.describe_time_to_live().table_name(name).send().await.map_err(failure)?;
    let status = output.time_to_live_description.and_then(|description| description.time_to_live_status);
    Ok(matches!(status, Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)))
}

/// Whether a table has what can never be changed about it: its key and its local indexes.
fn has_shape(description: &TableDescription, table: &Table) -> bool {
    let found = description.local_secondary_indexes();
    let has = |index: &LocalSecondaryIndex| {
        let mut of_name = found.iter().filter(|found| found.index_name() == Some(index.index_name()));
        let projection = index.projection().and_then(Projection::projection_type);
        of_name.any(|found| {
            found.key_schema() == index.key_schema()
                && found.projection().and_then(Projection::projection_type) == projection
        })
    };
    description.key_schema() == table.key
        && found.len() == table.local_indexes.len()
        && table.local_indexes.iter().all(has)
}

fn failure(error: impl std::error::Error) -> Error {
    anyhow::anyhow!("{}", DisplayErrorContext(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::Template;

    #[test]
    fn functions_get_prefixed_tables() {
        let service = Service { table_prefix: "mine-".to_owned(), ..Service::unchecked("http://127.0.0.1:8000") };
        let environment = service.environment(&Template::read().unwrap().tables);
        assert_eq!(environment["TASKS_TABLE"], "mine-tasks");
        assert_eq!(environment["IDEMPOTENCY_TABLE"], "mine-idempotency");
        assert!(!environment.contains_key("ACCESS_TABLE"));
        assert_eq!(environment["AWS_ENDPOINT_URL_DYNAMODB"], "http://127.0.0.1:8000");
        assert_eq!(environment[REGION], "eu-central-1");
    }
}

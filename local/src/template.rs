//! Reads from `template.yaml` what the local stack and the tests need.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use aws_sdk_dynamodb::types::{AttributeDefinition, KeySchemaElement, LocalSecondaryIndex, Projection};
use serde::Deserialize;
use serde_yaml_ng::Value;
use xtask::project;

/// What the template declares, in its order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Template {
    /// The functions.
    pub functions: Vec<Function>,
    /// The tables.
    pub tables: Vec<Table>,
    /// The CORS settings of the API.
    pub cors: Cors,
}

/// What browsers on other origins may do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Cors {
    /// The methods that they may use.
    pub allow_methods: Vec<String>,
    /// The header fields that they may send.
    pub allow_headers: Vec<String>,
    /// The header fields of a response that they may read.
    pub expose_headers: Vec<String>,
    /// For how many seconds they may cache this.
    pub max_age: u64,
}

/// One `AWS::Serverless::Function`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// The name of the resource, such as `CreateTaskFunction`.
    pub logical_id: String,
    /// The binary that is built for it, such as `create-task`.
    pub binary: String,
    /// The routes that lead to it.
    pub routes: Vec<Route>,
    /// What its role allows in DynamoDB: actions, such as `GetItem`, and the tables or indexes, such as `tasks/by_state`.
    pub permissions: BTreeSet<(String, String)>,
    /// What its role allows elsewhere: actions, such as `logs:PutLogEvents`, and what the template calls the resource.
    pub other_permissions: BTreeSet<(String, String)>,
    /// Its time-out in seconds.
    pub timeout: u64,
    /// The names of its environment variables, including those of `Globals`.
    pub environment: BTreeSet<String>,
}

/// A method and a path, such as `GET /api/{user_id}/tasks`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// The method, in upper case.
    pub method: String,
    /// The path with its parameters in braces.
    pub path: String,
}

/// One `AWS::DynamoDB::Table`.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// The name that the table has on this machine: `tasks` for `TasksTable`.
    pub local_name: String,
    /// Its primary key.
    pub key: Vec<KeySchemaElement>,
    /// Its local secondary indexes.
    pub local_indexes: Vec<LocalSecondaryIndex>,
    /// The key attributes and their types.
    pub attributes: Vec<AttributeDefinition>,
    /// The attribute with an item's expiry.
    pub time_to_live: Option<String>,
    /// Whether functions use it only if they are told to.
    pub is_optional: bool,
}

impl Template {
    /// Reads the project's `template.yaml`.
    ///
    /// # Errors
    /// Says what cannot be read or parsed.
    pub fn read() -> Result<Self> {
        let path = project::root().join("template.yaml");
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).context("template.yaml")
    }

    /// Parses a template.
    ///
    /// # Errors
    /// Says what cannot be parsed.
    pub fn parse(text: &str) -> Result<Self> {
        let document: Value = serde_yaml_ng::from_str(text)?;
        let mut template = Self::default();
        let resources = at(&document, "Resources");
        for (logical_id, resource) in resources.as_mapping().context("no Resources")? {
            let logical_id = text_of(logical_id)?;
            let mut add = || {
                match text_of(at(resource, "Type"))?.as_str() {
                    "AWS::Serverless::Function" => {
                        let function = function(&logical_id, resource, at(&document, "Globals/Function"), resources)?;
                        template.functions.push(function);
                    }
                    "AWS::Serverless::HttpApi" => {
                        template.cors = cors(at(resource, "Properties"))?;
                    }
                    "AWS::DynamoDB::Table" => {
                        template.tables.push(table(&logical_id, resource)?);
                    }
                    _ => {}
                }
                anyhow::Ok(())
            };
            add().with_context(|| format!("resource {logical_id}"))?;
        }
        Ok(template)
    }

    /// The settings of the functions: their environment variables, except for the names of tables that they all need.
    #[must_use]
    pub fn settings(&self) -> BTreeSet<&str> {
        let needed: Vec<_> = self.tables.iter().filter(|table| !table.is_optional).map(Table::variable).collect();
        let variables = self.functions.iter().flat_map(|function| &function.environment);
        variables.filter(|name| !needed.contains(name)).map(String::as_str).collect()
    }
}

impl Table {
    /// The environment variable with its name.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("{}_TABLE", self.local_name.to_uppercase())
    }
}

/// Parses `!If [HasAllowedOrigins, settings, nothing]`. Which origins are allowed, each stack says for itself.
fn cors(properties: &Value) -> Result<Cors> {
    let mut settings = at(properties, "CorsConfiguration/1").clone();
    settings.as_mapping_mut().and_then(|settings| settings.remove("AllowOrigins")).context("no AllowOrigins")?;
    serde_yaml_ng::from_value(settings).context("CorsConfiguration")
}

fn function(logical_id: &str, resource: &Value, globals: &Value, resources: &Value) -> Result<Function> {
    let properties = at(resource, "Properties");
    let role = text_of(at(properties, "Role")).context("Role")?;
    let role = role.strip_suffix(".Arn").with_context(|| format!("{role} is not an ARN"))?;
    let role = resources.get(role).with_context(|| format!("add {role}"))?;
    let log = text_of(at(properties, "LoggingConfig/LogGroup")).context("LoggingConfig")?;
    resources.get(&log).with_context(|| format!("add {log}"))?;
    let events = at(properties, "Events").as_mapping().context("no Events")?;
    let routes = events.values().map(|event| at(event, "Properties")).map(|event| {
        Ok(Route { method: text_of(at(event, "Method"))?.to_uppercase(), path: text_of(at(event, "Path"))? })
    });
    let (mut permissions, mut other_permissions) = (BTreeSet::new(), BTreeSet::new());
    for policy in at(role, "Properties/Policies").as_sequence().context("a role without policies")? {
        let statements = at(policy, "PolicyDocument/Statement").as_sequence().context("a policy without statements")?;
        // `!If [condition, statement, nothing]`
        for statement in statements.iter().map(|statement| statement.get(1).unwrap_or(statement)) {
            let (action, resource) = (text_of(at(statement, "Action"))?, at(statement, "Resource"));
            for resource in one_or_many(resource) {
                match action.strip_prefix("dynamodb:") {
                    Some(action) => permissions.insert((action.to_owned(), table_or_index(resource)?)),
                    None => other_permissions.insert((action.clone(), text_of(resource)?)),
                };
            }
        }
    }
    let variables = [globals, properties].map(|of| at(of, "Environment/Variables").as_mapping());
    Ok(Function {
        logical_id: logical_id.to_owned(),
        binary: text_of(at(resource, "Metadata/BuildProperties/Binary")).context("Binary")?,
        routes: routes.collect::<Result<_>>().context("Events")?,
        permissions,
        other_permissions,
        timeout: at(properties, "Timeout").as_u64().or(at(globals, "Timeout").as_u64()).context("no Timeout")?,
        environment: variables.into_iter().flatten().flat_map(|all| all.keys()).map(text_of).collect::<Result<_>>()?,
    })
}

/// Parses `!GetAtt Table.Arn` and `!Sub ${Table.Arn}/index/name`, the only resources that the roles name.
fn table_or_index(resource: &Value) -> Result<String> {
    let text = text_of(resource)?;
    if !matches!(resource, Value::Tagged(_)) {
        bail!("{text} is not the ARN of a table of the template");
    }
    let (table, index) = match text.strip_prefix("${").and_then(|rest| rest.split_once('}')) {
        Some((table, index)) => (table, Some(index.strip_prefix("/index/").context("not an index")?)),
        None => (text.as_str(), None),
    };
    let table = local_name(table.strip_suffix(".Arn").with_context(|| format!("{text} is not an ARN"))?);
    Ok(index.map_or_else(|| table.clone(), |index| format!("{table}/{index}")))
}

fn table(logical_id: &str, resource: &Value) -> Result<Table> {
    let properties = at(resource, "Properties");
    let attributes = one_or_many(at(properties, "AttributeDefinitions")).iter().map(|attribute| {
        let definition = AttributeDefinition::builder().attribute_name(text_of(at(attribute, "AttributeName"))?);
        Ok(definition.attribute_type(text_of(at(attribute, "AttributeType"))?.as_str().into()).build()?)
    });
    let indexes = at(properties, "LocalSecondaryIndexes").as_sequence().into_iter().flatten().map(|index| {
        let kind = text_of(at(index, "Projection/ProjectionType"))?;
        let projection = Projection::builder().projection_type(kind.as_str().into()).build();
        let described = LocalSecondaryIndex::builder().index_name(text_of(at(index, "IndexName"))?);
        Ok(described.projection(projection).set_key_schema(Some(key(at(index, "KeySchema"))?)).build()?)
    });
    let time_to_live = at(properties, "TimeToLiveSpecification");
    let expires = at(time_to_live, "Enabled").as_bool().unwrap_or_default();
    Ok(Table {
        local_name: local_name(logical_id),
        key: key(at(properties, "KeySchema"))?,
        local_indexes: indexes.collect::<Result<_>>().context("LocalSecondaryIndexes")?,
        attributes: attributes.collect::<Result<_>>().context("AttributeDefinitions")?,
        is_optional: at(resource, "Condition").is_string(),
        time_to_live: expires.then(|| text_of(at(time_to_live, "AttributeName"))).transpose()?,
    })
}

fn key(schema: &Value) -> Result<Vec<KeySchemaElement>> {
    let elements = one_or_many(schema).iter().map(|element| {
        let kind = text_of(at(element, "KeyType"))?;
        let element = KeySchemaElement::builder().attribute_name(text_of(at(element, "AttributeName"))?);
        Ok(element.key_type(kind.as_str().into()).build()?)
    });
    elements.collect::<Result<_>>().context("KeySchema")
}

fn local_name(logical_id: &str) -> String {
    logical_id.strip_suffix("Table").unwrap_or(logical_id).to_lowercase()
}

/// What a path of names and numbers leads to; null where nothing is.
fn at<'a>(value: &'a Value, path: &str) -> &'a Value {
    static NOTHING: Value = Value::Null;
    let child = |value: &'a Value, name: &str| match name.parse::<usize>() {
        Ok(number) => value.get(number),
        Err(_) => value.get(name),
    };
    path.split('/').fold(value, |value, name| child(value, name).unwrap_or(&NOTHING))
}

fn one_or_many(value: &Value) -> &[Value] {
    value.as_sequence().map_or(std::slice::from_ref(value), Vec::as_slice)
}

fn text_of(value: &Value) -> Result<String> {
    value.as_str().map(str::to_owned).with_context(|| format!("{value:?} is not a text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_of_the_project_is_understood() {
        let template = Template::read().unwrap();
        assert!(template.functions.iter().all(|function| !function.routes.is_empty()));
        let idle = template.functions.iter().filter(|function| function.permissions.is_empty());
        assert!(idle.map(|function| function.binary.as_str()).eq(["get-health"]));
        let create = template.functions.iter().find(|function| function.binary == "create-task").unwrap();
        assert_eq!(create.routes, [Route { method: "POST".into(), path: "/api/{user_id}/tasks".into() }]);
        assert!(create.environment.contains("TASKS_TABLE"));
        let tasks = template.tables.iter().find(|table| table.local_name == "tasks").unwrap();
        let key = tasks.key.iter().map(|element| (element.key_type().as_str(), element.attribute_name()));
        assert_eq!(key.collect::<Vec<_>>(), [("HASH", "user_id"), ("RANGE", "task_id")]);
        assert_eq!(tasks.local_indexes.len(), 4);
        assert_eq!(tasks.time_to_live.as_deref(), Some("expires_at"));
        assert!(template.cors.allow_methods.contains(&"PATCH".to_owned()));
        assert!(template.cors.expose_headers.contains(&"etag".to_owned()));
    }

    #[test]
    fn an_index_is_told_from_its_table() {
        let parse = |yaml: &str| table_or_index(&serde_yaml_ng::from_str(yaml).unwrap());
        assert_eq!(parse("!GetAtt TasksTable.Arn").unwrap(), "tasks");
        assert_eq!(parse("!Sub ${TasksTable.Arn}/index/by_state").unwrap(), "tasks/by_state");
        assert!(parse("'*'").is_err());
        assert!(parse("!Sub ${TasksTable.Arn}/*").is_err());
    }
}

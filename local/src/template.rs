//! Reads from `template.yaml` what the local stack and the tests need.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_yaml_ng::{Mapping, Value};
use xtask::project;

/// What the template declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    functions: Vec<Function>,
    tables: Vec<Table>,
    cors: Cors,
}

/// What browsers on other origins may do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cors {
    /// The origins that are allowed by default.
    pub allow_origins: Vec<String>,
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
    /// What its role allows.
    pub statements: Vec<Statement>,
    /// Its time-out in seconds.
    pub timeout: u64,
    /// The names of its environment variables, including those of `Globals`.
    pub environment: Vec<String>,
}

/// A method and a path, such as `GET /api/{user_id}/tasks`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// The method, in upper case.
    pub method: String,
    /// The path with its parameters in braces.
    pub path: String,
}

/// One statement of a function's policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The statement's name.
    pub sid: String,
    /// The actions it allows, such as `dynamodb:GetItem`.
    pub actions: Vec<String>,
    /// The resources it allows them on.
    pub resources: Vec<Resource>,
}

/// A table, or an index of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Resource {
    /// The logical id of the table.
    pub table: String,
    /// The name of the index, if it is one.
    pub index: Option<String>,
}

/// One `AWS::DynamoDB::Table`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The name of the resource, such as `TasksTable`.
    pub logical_id: String,
    /// Its primary key.
    pub key: Key,
    /// Its local secondary indexes.
    pub local_indexes: Vec<LocalIndex>,
    /// The key attributes and their types, such as `S`.
    pub attributes: BTreeMap<String, String>,
    /// The attribute with an item's expiry.
    pub time_to_live: Option<String>,
}

/// The key of a table or an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The partition key.
    pub partition: String,
    /// The sort key.
    pub sort: Option<String>,
}

/// A local secondary index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalIndex {
    /// Its name.
    pub name: String,
    /// Its key.
    pub key: Key,
    /// Which attributes it holds, such as `ALL`.
    pub projection: String,
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
        let document: Document = serde_yaml_ng::from_str(text)?;
        let mut template = Self { functions: Vec::new(), tables: Vec::new(), cors: Cors::default() };
        for (name, resource) in document.resources {
            let logical_id = text_of(&name)?;
            let resource: RawResource =
                serde_yaml_ng::from_value(resource).with_context(|| format!("resource {logical_id}"))?;
            match resource.kind.as_str() {
                "AWS::Serverless::Function" => template
                    .functions
                    .push(function(&logical_id, resource, &document.globals.function).context(logical_id)?),
                "AWS::Serverless::HttpApi" => {
                    template.cors = cors(resource.properties, &document.parameters).context(logical_id)?;
                }
                "AWS::DynamoDB::Table" => template.tables.push(table(&logical_id, resource).context(logical_id)?),
                _ => {}
            }
        }
        Ok(template)
    }

    /// The functions, in the order of the template.
    #[must_use]
    pub fn functions(&self) -> &[Function] {
        &self.functions
    }

    /// The CORS settings of the API.
    #[must_use]
    pub fn cors(&self) -> &Cors {
        &self.cors
    }

    /// The tables, in the order of the template.
    #[must_use]
    pub fn tables(&self) -> &[Table] {
        &self.tables
    }
}

impl Table {
    /// The name that the table has on this machine: `tasks` for `TasksTable`.
    #[must_use]
    pub fn local_name(&self) -> String {
        self.logical_id.strip_suffix("Table").unwrap_or(&self.logical_id).to_lowercase()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    #[serde(default)]
    parameters: BTreeMap<String, Parameter>,
    #[serde(default)]
    globals: Globals,
    resources: Mapping,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Parameter {
    default: Option<Value>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Globals {
    #[serde(default)]
    function: FunctionProperties,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawResource {
    #[serde(rename = "Type")]
    kind: String,
    #[serde(default)]
    metadata: Value,
    #[serde(default)]
    properties: Value,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FunctionProperties {
    timeout: Option<u64>,
    #[serde(default)]
    environment: RawEnvironment,
    #[serde(default)]
    events: BTreeMap<String, RawEvent>,
    #[serde(default)]
    policies: Vec<RawPolicy>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawEnvironment {
    #[serde(default)]
    variables: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawEvent {
    properties: RawRoute,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawRoute {
    method: String,
    path: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawPolicy {
    statement: Vec<RawStatement>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawStatement {
    sid: String,
    action: Value,
    resource: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata {
    build_properties: BuildProperties,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BuildProperties {
    binary: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TableProperties {
    attribute_definitions: Vec<RawAttribute>,
    key_schema: Vec<RawKeyElement>,
    #[serde(default)]
    local_secondary_indexes: Vec<RawIndex>,
    time_to_live_specification: Option<RawTimeToLive>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawAttribute {
    attribute_name: String,
    attribute_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ApiProperties {
    cors_configuration: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct RawCors {
    allow_origins: Value,
    allow_methods: Vec<String>,
    allow_headers: Vec<String>,
    expose_headers: Vec<String>,
    max_age: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawKeyElement {
    attribute_name: String,
    key_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawIndex {
    index_name: String,
    key_schema: Vec<RawKeyElement>,
    projection: RawProjection,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawProjection {
    projection_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawTimeToLive {
    attribute_name: String,
    enabled: bool,
}

/// Parses `!If [HasAllowedOrigins, settings, nothing]` with `AllowOrigins: !Split [",", !Ref parameter]`.
fn cors(properties: Value, parameters: &BTreeMap<String, Parameter>) -> Result<Cors> {
    let properties: ApiProperties = serde_yaml_ng::from_value(properties).context("Properties")?;
    let settings = argument(&properties.cors_configuration, "!If", 1).context("CorsConfiguration")?;
    let raw: RawCors = serde_yaml_ng::from_value(settings.clone()).context("CorsConfiguration")?;
    let parameter = match argument(&raw.allow_origins, "!Split", 1)? {
        Value::Tagged(tagged) if tagged.tag == "Ref" => text_of(&tagged.value)?,
        other => bail!("AllowOrigins: {other:?} is not a reference to a parameter"),
    };
    let default = parameters.get(&parameter).and_then(|parameter| parameter.default.as_ref());
    let default = text_of(default.with_context(|| format!("parameter {parameter} has no default"))?)?;
    Ok(Cors {
        allow_origins: default.split(',').filter(|origin| !origin.is_empty()).map(str::to_owned).collect(),
        allow_methods: raw.allow_methods,
        allow_headers: raw.allow_headers,
        expose_headers: raw.expose_headers,
        max_age: raw.max_age,
    })
}

/// One of the arguments of an intrinsic function.
fn argument<'a>(value: &'a Value, function: &str, index: usize) -> Result<&'a Value> {
    let Value::Tagged(tagged) = value else { bail!("{value:?} is not {function}") };
    let argument = tagged.value.as_sequence().filter(|_| tagged.tag == function).and_then(|all| all.get(index));
    argument.with_context(|| format!("{value:?} is not {function} with {} arguments", index + 1))
}

fn function(logical_id: &str, resource: RawResource, globals: &FunctionProperties) -> Result<Function> {
    let metadata: Metadata = serde_yaml_ng::from_value(resource.metadata).context("Metadata")?;
    let properties: FunctionProperties = serde_yaml_ng::from_value(resource.properties).context("Properties")?;
    let variables = globals.environment.variables.keys().chain(properties.environment.variables.keys());
    let statements = properties.policies.iter().flat_map(|policy| &policy.statement);
    Ok(Function {
        logical_id: logical_id.to_owned(),
        binary: metadata.build_properties.binary,
        routes: properties
            .events
            .into_values()
            .map(|event| Route { method: event.properties.method.to_uppercase(), path: event.properties.path })
            .collect(),
        statements: statements.map(statement).collect::<Result<_>>()?,
        timeout: properties.timeout.or(globals.timeout).context("no Timeout")?,
        environment: variables.cloned().collect(),
    })
}

fn statement(raw: &RawStatement) -> Result<Statement> {
    Ok(Statement {
        sid: raw.sid.clone(),
        actions: one_or_many(&raw.action).iter().map(text_of).collect::<Result<_>>()?,
        resources: one_or_many(&raw.resource).iter().map(resource).collect::<Result<_>>()?,
    })
}

/// Parses `!GetAtt Table.Arn` and `!Sub ${Table.Arn}/index/name`, the only resources that the roles name.
fn resource(value: &Value) -> Result<Resource> {
    let Value::Tagged(tagged) = value else { bail!("{value:?} is not the ARN of a table of the template") };
    let text = text_of(&tagged.value)?;
    let (table, index) = match text.strip_prefix("${").and_then(|rest| rest.split_once('}')) {
        Some((arn, suffix)) => {
            (arn, Some(suffix.strip_prefix("/index/").with_context(|| format!("{text} is not an index"))?))
        }
        None => (text.as_str(), None),
    };
    let table = table.strip_suffix(".Arn").with_context(|| format!("{text} is not an ARN"))?;
    Ok(Resource { table: table.to_owned(), index: index.map(str::to_owned) })
}

fn table(logical_id: &str, resource: RawResource) -> Result<Table> {
    let properties: TableProperties = serde_yaml_ng::from_value(resource.properties).context("Properties")?;
    let time_to_live = properties.time_to_live_specification.filter(|specification| specification.enabled);
    Ok(Table {
        logical_id: logical_id.to_owned(),
        key: key(properties.key_schema)?,
        local_indexes: properties
            .local_secondary_indexes
            .into_iter()
            .map(|index| {
                let key = key(index.key_schema)?;
                Ok(LocalIndex { name: index.index_name, key, projection: index.projection.projection_type })
            })
            .collect::<Result<_>>()?,
        attributes: properties
            .attribute_definitions
            .into_iter()
            .map(|attribute| (attribute.attribute_name, attribute.attribute_type))
            .collect(),
        time_to_live: time_to_live.map(|specification| specification.attribute_name),
    })
}

fn key(schema: Vec<RawKeyElement>) -> Result<Key> {
    let (mut partition, mut sort) = (None, None);
    for element in schema {
        match element.key_type.as_str() {
            "HASH" => partition = Some(element.attribute_name),
            "RANGE" => sort = Some(element.attribute_name),
            other => bail!("unknown key type {other}"),
        }
    }
    Ok(Key { partition: partition.context("no HASH key")?, sort })
}

fn one_or_many(value: &Value) -> Vec<Value> {
    match value {
        Value::Sequence(values) => values.clone(),
        value => vec![value.clone()],
    }
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
        assert_eq!(template.functions().len(), 7);
        let create = template.functions().iter().find(|function| function.binary == "create-task").unwrap();
        assert_eq!(create.routes, [Route { method: "POST".into(), path: "/api/{user_id}/tasks".into() }]);
        assert!(create.environment.contains(&"TASKS_TABLE".to_owned()));
        let tasks = template.tables().iter().find(|table| table.local_name() == "tasks").unwrap();
        assert_eq!(tasks.key, Key { partition: "user_id".into(), sort: Some("task_id".into()) });
        assert_eq!(tasks.local_indexes.len(), 2);
        assert_eq!(tasks.time_to_live.as_deref(), Some("expires_at"));
        assert_eq!(template.cors().allow_origins, ["http://localhost:3000"]);
        assert!(template.cors().expose_headers.contains(&"etag".to_owned()));
    }

    #[test]
    fn an_index_is_told_from_its_table() {
        let parse = |yaml: &str| resource(&serde_yaml_ng::from_str(yaml).unwrap());
        let table = Resource { table: "TasksTable".into(), index: None };
        assert_eq!(parse("!GetAtt TasksTable.Arn").unwrap(), table);
        assert_eq!(
            parse("!Sub ${TasksTable.Arn}/index/open_by_due").unwrap(),
            Resource { index: Some("open_by_due".into()), ..table }
        );
        assert!(parse("'*'").is_err());
        assert!(parse("!Sub ${TasksTable.Arn}/*").is_err());
    }
}

//! The same job in Rust, with the default features of all crates.

use std::env;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{SecondsFormat, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use lambda_http::http::{Method, StatusCode, header};
use lambda_http::{Body, Error, Request, RequestExt, RequestPayloadExt, Response, run, service_fn, tracing};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

const PAGE: i32 = 50;

struct App {
    dynamodb: Client,
    table: String,
    key: DecodingKey,
    validation: Validation,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewTask {
    title: String,
    description: Option<String>,
    #[serde(default)]
    priority: Priority,
    due: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Priority {
    #[default]
    None,
    Low,
    Medium,
    High,
}

/// A task as it is stored.
#[derive(Serialize, Deserialize)]
struct Item {
    user_id: String,
    task_id: String,
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_at: Option<String>,
    priority: Priority,
    #[serde(skip_serializing_if = "Option::is_none")]
    due: Option<String>,
    tags: Vec<String>,
    created_at: String,
    updated_at: String,
    version: u64,
}

/// A task as clients see it.
#[derive(Serialize)]
struct Task {
    id: String,
    title: String,
    description: Option<String>,
    completed: bool,
    completed_at: Option<String>,
    priority: Priority,
    due: Option<String>,
    tags: Vec<String>,
    created_at: String,
    updated_at: String,
    version: u64,
}

#[derive(Serialize)]
struct Page {
    tasks: Vec<Task>,
    next_cursor: Option<String>,
}

impl From<Item> for Task {
    fn from(item: Item) -> Self {
        Self {
            id: item.task_id,
            title: item.title,
            description: item.description,
            completed: item.completed_at.is_some(),
            completed_at: item.completed_at,
            priority: item.priority,
            due: item.due,
            tags: item.tags,
            created_at: item.created_at,
            updated_at: item.updated_at,
            version: item.version,
        }
    }
}

impl App {
    async fn new() -> Result<Self, Error> {
        let config = aws_config::load_from_env().await;
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[env::var("TOKEN_ISSUER")?]);
        validation.set_audience(&[env::var("TOKEN_AUDIENCE")?]);
        Ok(Self {
            dynamodb: Client::new(&config),
            table: env::var("TASKS_TABLE")?,
            key: DecodingKey::from_secret(env::var("BETTER_AUTH_SECRET")?.as_bytes()),
            validation,
        })
    }

    async fn handle(&self, request: Request) -> Result<Response<Body>, Error> {
        let Some(user) = self.user(&request) else {
            return problem(StatusCode::UNAUTHORIZED, "token_invalid");
        };
        let parameters = request.path_parameters();
        if !parameters.first("user_id").is_some_and(|id| id == user || id == "me") {
            return problem(StatusCode::FORBIDDEN, "forbidden");
        }
        match (request.method(), parameters.first("task_id")) {
            (&Method::GET, Some(task_id)) => self.get(user, task_id).await,
            (&Method::GET, None) => self.list(user, request.query_string_parameters().first("cursor")).await,
            (&Method::POST, None) => self.create(user, &request).await,
            _ => problem(StatusCode::NOT_FOUND, "not_found"),
        }
    }

    /// The subject of the token if it is valid.
    fn user(&self, request: &Request) -> Option<String> {
        let token = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")?;
        decode::<Claims>(token, &self.key, &self.validation).ok().map(|token| token.claims.sub)
    }

    async fn get(&self, user: String, task_id: &str) -> Result<Response<Body>, Error> {
        let request = self.dynamodb.get_item().table_name(&self.table);
        let request = request.key("user_id", AttributeValue::S(user));
        let output = request.key("task_id", AttributeValue::S(task_id.to_owned())).send().await?;
        match output.item {
            Some(item) => respond(StatusCode::OK, &Task::from(serde_dynamo::from_item::<_, Item>(item)?)),
            None => problem(StatusCode::NOT_FOUND, "task_not_found"),
        }
    }

    async fn list(&self, user: String, cursor: Option<&str>) -> Result<Response<Body>, Error> {
        let mut request = self.dynamodb.query().table_name(&self.table).limit(PAGE).scan_index_forward(false);
        if let Some(cursor) = cursor {
            request = request
                .exclusive_start_key("user_id", AttributeValue::S(user.clone()))
                .exclusive_start_key("task_id", AttributeValue::S(cursor.to_owned()));
        }
        let output = request
            .key_condition_expression("user_id = :user_id")
            .expression_attribute_values(":user_id", AttributeValue::S(user))
            .send()
            .await?;
        let last = output.last_evaluated_key.as_ref().and_then(|key| key.get("task_id")?.as_s().ok());
        let next_cursor = last.cloned();
        let items: Vec<Item> = serde_dynamo::from_items(output.items.unwrap_or_default())?;
        respond(StatusCode::OK, &Page { tasks: items.into_iter().map(Task::from).collect(), next_cursor })
    }

    async fn create(&self, user: String, request: &Request) -> Result<Response<Body>, Error> {
        let new = match request.json::<NewTask>() {
            Ok(Some(new)) if (1..=200).contains(&new.title.chars().count()) => new,
            _ => return problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field"),
        };
        let now = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
        let item = Item {
            user_id: user,
            task_id: Uuid::now_v7().to_string(),
            title: new.title,
            description: new.description,
            completed_at: None,
            priority: new.priority,
            due: new.due,
            tags: new.tags,
            created_at: now.clone(),
            updated_at: now,
            version: 1,
        };
        let put = self.dynamodb.put_item().table_name(&self.table);
        put.set_item(Some(serde_dynamo::to_item(&item)?)).send().await?;
        respond(StatusCode::CREATED, &Task::from(item))
    }
}

fn respond(status: StatusCode, body: &impl Serialize) -> Result<Response<Body>, Error> {
    let response = Response::builder().status(status).header(header::CONTENT_TYPE, "application/json");
    Ok(response.body(serde_json::to_string(body)?.into())?)
}

fn problem(status: StatusCode, code: &str) -> Result<Response<Body>, Error> {
    respond(status, &json!({ "status": status.as_u16(), "code": code }))
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let app = App::new().await?;
    run(service_fn(|request| app.handle(request))).await
}

//! A yardstick, not a product: what `get-task` and `list-tasks` would cost without an SDK, a runtime crate, or async.
//!
//! It does the same job (HS256, one signed DynamoDB request, the same JSON) on blocking sockets. It has no retries, no
//! time-outs, and no pagination, and exits on any error, which is much of why it is small and fast. It duplicates some
//! code of the project and its tests on purpose: a yardstick built from what it measures would change with it.

mod aws;
mod http;
mod task;
mod token;

use std::error::Error;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde::Deserialize;
use serde_json::json;

use crate::aws::DynamoDb;
use crate::http::{Client, Stream};
use crate::token::Verifier;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The part of an API Gateway event that is read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    #[serde(borrow)]
    headers: Headers<'a>,
    #[serde(borrow)]
    path_parameters: PathParameters<'a>,
}

#[derive(Deserialize)]
struct Headers<'a> {
    authorization: &'a str,
}

#[derive(Deserialize)]
struct PathParameters<'a> {
    user_id: &'a str,
    task_id: Option<&'a str>,
}

fn main() -> Result<()> {
    let verifier = Verifier::new(&variable("BETTER_AUTH_SECRET")?);
    let mut dynamodb = DynamoDb::new(connect(&variable("AWS_ENDPOINT_URL_DYNAMODB")?)?)?;
    let runtime_api = variable("AWS_LAMBDA_RUNTIME_API")?;
    let mut runtime = Client::new(Box::new(http::open(&runtime_api)?));
    let next = format!("GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nhost: {runtime_api}\r\n\r\n");
    loop {
        let invocation = runtime.exchange(next.as_bytes(), b"")?;
        let answer = answer(&verifier, &mut dynamodb, &invocation.body)?;
        let head = format!(
            "POST /2018-06-01/runtime/invocation/{}/response HTTP/1.1\r\nhost: {runtime_api}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            invocation.request_id,
            answer.len()
        );
        runtime.exchange(head.as_bytes(), answer.as_bytes())?;
    }
}

fn variable(name: &str) -> Result<String> {
    std::env::var(name).map_err(|error| format!("{name}: {error}").into())
}

/// Reads one task, or a page of fifty if the path names none.
fn answer(verifier: &Verifier, dynamodb: &mut DynamoDb, event: &[u8]) -> Result<String> {
    let event: Event<'_> = serde_json::from_slice(event)?;
    let token = event.headers.authorization.strip_prefix("Bearer ").ok_or("no bearer token")?;
    let user = verifier.verify(token)?;
    if event.path_parameters.user_id != user {
        return Err("another user".into());
    }
    let body = match event.path_parameters.task_id {
        Some(task_id) => {
            let request = json!({
                "TableName": dynamodb.table,
                "Key": { "user_id": { "S": user }, "task_id": { "S": task_id } },
                "ConsistentRead": true,
            });
            task::one(&dynamodb.call("GetItem", &request.to_string())?)?
        }
        None => {
            let request = json!({
                "TableName": dynamodb.table,
                "ProjectionExpression":
                    "task_id, title, description, completed_at, priority, due, tags, created_at, updated_at, version",
                "KeyConditionExpression": "user_id = :user_id",
                "FilterExpression": "attribute_not_exists(deleted_at)",
                "ExpressionAttributeValues": { ":user_id": { "S": user } },
                "ScanIndexForward": false,
                "ConsistentRead": true,
                "Limit": 51,
            });
            task::page(&dynamodb.call("Query", &request.to_string())?)?
        }
    };
    let headers = json!({ "content-type": "application/json" });
    Ok(json!({ "statusCode": 200, "headers": headers, "body": body, "isBase64Encoded": false }).to_string())
}

/// Connects to `http://…` or `https://…`, including the TLS handshake.
fn connect(endpoint: &str) -> Result<(Client, String)> {
    let (scheme, host) = endpoint.split_once("://").ok_or("not a URL")?;
    let mut socket = http::open(host)?;
    let stream: Box<dyn Stream> = if scheme == "https" {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(variable("AWS_CA_BUNDLE")?)? {
            roots.add(certificate?)?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let config = config.with_root_certificates(roots).with_no_client_auth();
        let name = host.split(':').next().unwrap_or_default().to_owned();
        let mut connection = ClientConnection::new(Arc::new(config), ServerName::try_from(name)?)?;
        while connection.is_handshaking() {
            connection.complete_io(&mut socket)?;
        }
        Box::new(StreamOwned::new(connection, socket))
    } else {
        Box::new(socket)
    };
    Ok((Client::new(stream), host.to_owned()))
}

//! API Gateway's part on this machine, in front of `cargo lambda watch`: the routes, the CORS and the limits that an HTTP
//! API made from `template.yaml` has.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HeaderMap,
    HeaderValue, ORIGIN, TE, TRAILER, TRANSFER_ENCODING, UPGRADE, VARY,
};
use axum::http::{Method, StatusCode, Uri, request};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::template::{Cors, Template};

/// The largest body that API Gateway takes.
pub const LARGEST_BODY: usize = 10 * 1024 * 1024;

/// How long API Gateway waits for a function.
const PATIENCE: Duration = Duration::from_secs(30);

/// How many requests of one function are with `cargo lambda watch` at a time, the others wait here: a hundred that wait
/// there for the same function make it stop answering at all.
const CONCURRENCY: usize = 32;

/// What concerns one connection only.
const HOP_BY_HOP: [axum::http::HeaderName; 6] = [CONNECTION, EXPECT, TE, TRAILER, TRANSFER_ENCODING, UPGRADE];

/// A running gateway. It stops when it is dropped.
pub struct Gateway {
    server: JoinHandle<std::io::Result<()>>,
}

impl Gateway {
    /// Serves the API of the template on `address`. `origins` are allowed beside those that the template allows by default.
    ///
    /// # Errors
    /// The address is taken, or the template has CORS settings that are no headers.
    pub async fn start(
        address: SocketAddr,
        router: SocketAddr,
        template: &Template,
        origins: impl IntoIterator<Item = String>,
    ) -> Result<Self> {
        let functions = template.functions().iter().map(|function| {
            let permits = Arc::new(Semaphore::new(CONCURRENCY));
            let routes = function.routes.iter();
            routes.map(move |route| Destination {
                method: route.method.clone(),
                path: route.path.clone(),
                permits: Arc::clone(&permits),
            })
        });
        let api = Api {
            destinations: functions.flatten().collect(),
            cors: CorsHeaders::new(template.cors(), origins).context("CorsConfiguration of template.yaml")?,
            router,
            client: Client::builder(TokioExecutor::new()).build_http(),
        };
        let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
        let service = Router::new().fallback(answer).with_state(Arc::new(api));
        Ok(Self { server: tokio::spawn(axum::serve(listener, service).into_future()) })
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.server.abort();
    }
}

struct Api {
    destinations: Vec<Destination>,
    cors: CorsHeaders,
    router: SocketAddr,
    client: Client<HttpConnector, Body>,
}

/// Where requests of one method and path go.
struct Destination {
    method: String,
    path: String,
    permits: Arc<Semaphore>,
}

async fn answer(State(api): State<Arc<Api>>, request: Request) -> Response {
    let origin = api.cors.allowed(request.headers());
    if request.method() == Method::OPTIONS {
        return api.cors.preflight(origin);
    }
    // Nobody cancels an invocation: a client that goes away does not stop it, here as there.
    let inner = Arc::clone(&api);
    let response = tokio::spawn(async move { inner.invoke(request).await.unwrap_or_else(|refusal| refusal) }).await;
    api.cors.complete(response.unwrap_or_else(|_| refusal(StatusCode::INTERNAL_SERVER_ERROR)), origin)
}

impl Api {
    async fn invoke(&self, request: Request) -> Result<Response, Response> {
        let (head, body) = request.into_parts();
        let destination = self.destination(&head).ok_or_else(|| refusal(StatusCode::NOT_FOUND))?;
        // Of a field that is not ASCII, `cargo lambda watch` makes an error of its own.
        if head.headers.values().any(|value| value.to_str().is_err()) {
            return Err(refusal(StatusCode::BAD_REQUEST));
        }
        let body = read(body).await?;
        let request = self.forwarded(&head, &destination.path, body).map_err(|_| refusal(StatusCode::BAD_REQUEST))?;
        let unavailable = |_| refusal(StatusCode::SERVICE_UNAVAILABLE);
        let exchange = async {
            let _permit = destination.permits.acquire().await.map_err(|error| unavailable(error.to_string()))?;
            self.client.request(request).await.map_err(|error| unavailable(error.to_string()))
        };
        let response = timeout(PATIENCE, exchange).await.map_err(|error| unavailable(error.to_string()))??;
        Ok(response.map(Body::new))
    }

    fn destination(&self, head: &request::Parts) -> Option<&Destination> {
        let method = head.method.as_str();
        let fitting = self.destinations.iter().filter(|route| route.method == method);
        // Of several, the one with the fewest parameters.
        fitting
            .filter(|route| matches(&route.path, head.uri.path()))
            .min_by_key(|route| route.path.matches('{').count())
    }

    fn forwarded(&self, head: &request::Parts, route: &str, body: Bytes) -> Result<Request, axum::http::Error> {
        let query = head.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        let literals: HashSet<_> = self.destinations.iter().flat_map(|route| route.path.split('/')).collect();
        let path = spelled(head.uri.path(), route, &literals) + &query;
        let uri = Uri::builder().scheme("http").authority(self.router.to_string()).path_and_query(path).build()?;
        let body = if is_text(&head.headers) { without_invalid_utf8(body) } else { body };
        let mut request = Request::builder().method(head.method.clone()).uri(uri).body(Body::from(body))?;
        *request.headers_mut() = folded(&head.headers);
        Ok(request)
    }
}

/// Whether the path has the segments of the route, none of the parameters being empty.
fn matches(route: &str, path: &str) -> bool {
    let mut segments = path.split('/');
    let same = route.split('/').all(|expected| {
        segments
            .next()
            .is_some_and(|found| if expected.starts_with('{') { !found.is_empty() } else { found == expected })
    });
    same && segments.next().is_none()
}

/// The path in which parameters do not read like another route's literals. `cargo lambda watch` knows only one route a
/// path, and never answers its other methods.
fn spelled(path: &str, route: &str, literals: &HashSet<&str>) -> String {
    let segments = path.split('/').zip(route.split('/')).map(|(found, expected)| match found.split_at_checked(1) {
        Some((first, rest)) if expected.starts_with('{') && literals.contains(found) => {
            format!("%{:02X}{rest}", first.as_bytes().first().unwrap_or(&b'/'))
        }
        _ => found.to_owned(),
    });
    segments.collect::<Vec<_>>().join("/")
}

/// The body, unless it is too large: then what is left of it is read as well, so that the client hears the answer.
async fn read(mut body: Body) -> Result<Bytes, Response> {
    const ENOUGH: usize = 8 * LARGEST_BODY;
    let (mut bytes, mut length) = (Vec::new(), 0_usize);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| refusal(StatusCode::BAD_REQUEST))?.into_data() else { continue };
        length = length.saturating_add(data.len());
        if length <= LARGEST_BODY {
            bytes.extend_from_slice(&data);
        } else if length > ENOUGH {
            break;
        }
    }
    if length > LARGEST_BODY { Err(refusal(StatusCode::PAYLOAD_TOO_LARGE)) } else { Ok(bytes.into()) }
}

/// The fields as a function gets them: those of one name in one, with commas between the values.
fn folded(headers: &HeaderMap) -> HeaderMap {
    let mut folded = HeaderMap::new();
    for name in headers.keys().filter(|name| !HOP_BY_HOP.contains(name) && *name != CONTENT_LENGTH) {
        let values: Vec<_> = headers.get_all(name).iter().map(HeaderValue::as_bytes).collect();
        if let Ok(value) = HeaderValue::from_bytes(&values.join(&b","[..])) {
            folded.insert(name, value);
        }
    }
    folded
}

/// Whether `cargo lambda watch` hands the body on as text.
fn is_text(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes).to_ascii_lowercase();
    kind.is_empty() || kind.starts_with(b"text/") || kind.starts_with(b"application/json")
}

/// Text in an event is Unicode; of bytes that are none, `cargo lambda watch` makes an error of its own.
fn without_invalid_utf8(body: Bytes) -> Bytes {
    match str::from_utf8(&body) {
        Ok(_) => body,
        Err(_) => String::from_utf8_lossy(&body).into_owned().into(),
    }
}

/// An answer of API Gateway itself.
fn refusal(status: StatusCode) -> Response {
    let reason = match status {
        StatusCode::PAYLOAD_TOO_LARGE => "Request Entity Too Large",
        status => status.canonical_reason().unwrap_or_default(),
    };
    let body = serde_json::json!({ "message": reason }).to_string();
    (status, [(CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
}

/// The template's CORS settings, as headers.
struct CorsHeaders {
    origins: Vec<HeaderValue>,
    preflight: HeaderMap,
    exposed: HeaderValue,
}

impl CorsHeaders {
    fn new(cors: &Cors, origins: impl IntoIterator<Item = String>) -> Result<Self> {
        let value = |text: &str| HeaderValue::from_str(text).with_context(|| format!("{text} is no header"));
        let origins = cors.allow_origins.iter().cloned().chain(origins);
        Ok(Self {
            origins: origins.map(|origin| value(&origin)).collect::<Result<_>>()?,
            preflight: HeaderMap::from_iter([
                (ACCESS_CONTROL_ALLOW_METHODS, value(&cors.allow_methods.join(","))?),
                (ACCESS_CONTROL_ALLOW_HEADERS, value(&cors.allow_headers.join(","))?),
                (ACCESS_CONTROL_MAX_AGE, value(&cors.max_age.to_string())?),
            ]),
            exposed: value(&cors.expose_headers.join(","))?,
        })
    }

    /// The origin of a request, if it is allowed.
    fn allowed(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        headers.get(ORIGIN).filter(|origin| self.origins.contains(origin)).cloned()
    }

    fn preflight(&self, origin: Option<HeaderValue>) -> Response {
        let mut response = StatusCode::NO_CONTENT.into_response();
        if let Some(origin) = origin {
            response.headers_mut().extend(self.preflight.clone());
            response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        }
        response.headers_mut().insert(VARY, ORIGIN.into());
        response
    }

    fn complete(&self, mut response: Response, origin: Option<HeaderValue>) -> Response {
        let headers = response.headers_mut();
        if let Some(origin) = origin {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, self.exposed.clone());
        }
        headers.append(VARY, ORIGIN.into());
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_the_whole_path() {
        let route = "/api/{user_id}/tasks/{task_id}";
        assert!(matches(route, "/api/me/tasks/1"));
        for path in [
            "/api/me/tasks",
            "/api/me/tasks/",
            "/api//tasks/1",
            "/api/me/tasks/1/",
            "/api/me/tasks/1/2",
            "/x/me/tasks/1",
        ] {
            assert!(!matches(route, path), "{path}");
        }
    }

    #[test]
    fn parameter_is_no_literal_of_another_route() {
        let literals = HashSet::from(["", "api", "{user_id}", "tasks", "{task_id}", "batch"]);
        let spelled = |path: &str, route: &str| spelled(path, route, &literals);
        assert_eq!(spelled("/api/me/tasks/batch", "/api/{user_id}/tasks/batch"), "/api/me/tasks/batch");
        assert_eq!(spelled("/api/me/tasks/batch", "/api/{user_id}/tasks/{task_id}"), "/api/me/tasks/%62atch");
        assert_eq!(spelled("/api/tasks/tasks/1", "/api/{user_id}/tasks/{task_id}"), "/api/%74asks/tasks/1");
    }

    #[test]
    fn fields_of_one_name_are_one() {
        let mut headers = HeaderMap::new();
        headers.append("if-match", HeaderValue::from_static("\"1\""));
        headers.append("if-match", HeaderValue::from_static("\"2\""));
        headers.append(CONNECTION, HeaderValue::from_static("close"));
        let folded = folded(&headers);
        assert_eq!(folded.len(), 1);
        assert_eq!(folded["if-match"], "\"1\",\"2\"");
    }

    #[tokio::test]
    async fn a_body_may_have_ten_megabytes() {
        assert_eq!(read(Body::from(vec![0; LARGEST_BODY])).await.unwrap().len(), LARGEST_BODY);
        let refused = read(Body::from(vec![0; LARGEST_BODY + 1])).await.unwrap_err();
        assert_eq!(refused.status(), StatusCode::PAYLOAD_TOO_LARGE);
    }
}

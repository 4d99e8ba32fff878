//! Plays API Gateway in front of `cargo lambda watch`: the routes, CORS rules, and limits of the HTTP API in
//! `template.yaml`.

use std::collections::BTreeMap;
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
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::template::{Cors, Route, Template};

/// The largest body that API Gateway accepts.
pub const LARGEST_BODY: usize = 10 * 1024 * 1024;

/// How long API Gateway waits for a function.
const PATIENCE: Duration = Duration::from_secs(30);

/// How many requests for one function are passed to `cargo lambda watch` at a time; the others wait here. With a hundred
/// waiting for the same function, it stops answering.
const CONCURRENCY: usize = 32;

/// `cargo lambda watch` does not learn that a process is gone, and its caller would wait for [`PATIENCE`]. What the function's
/// other processes have not answered so long after one ended is taken for that process's request.
const CRASH_GRACE: Duration = Duration::from_millis(500);

/// Header fields that concern one connection (RFC 9110 §7.6.1).
const HOP_BY_HOP: [axum::http::HeaderName; 6] = [CONNECTION, EXPECT, TE, TRAILER, TRANSFER_ENCODING, UPGRADE];

/// A running gateway. It stops when it is dropped.
pub struct Gateway {
    server: JoinHandle<std::io::Result<()>>,
    crashes: BTreeMap<String, Arc<Notify>>,
}

impl Gateway {
    /// Serves the API of the template on `address`. Browsers may call it from `origins`.
    ///
    /// # Errors
    /// The address is in use, or the template's CORS settings are not valid header values.
    pub async fn start(
        address: SocketAddr,
        router: SocketAddr,
        template: &Template,
        origins: impl IntoIterator<Item = String>,
    ) -> Result<Self> {
        let mut crashes = BTreeMap::new();
        let mut destinations = Vec::new();
        for function in &template.functions {
            let traffic = Arc::new(Traffic { permits: Semaphore::new(CONCURRENCY), crashed: Arc::default() });
            crashes.insert(function.binary.clone(), Arc::clone(&traffic.crashed));
            destinations.extend(function.routes.iter().map(|route| (route.clone(), Arc::clone(&traffic))));
        }
        let api = Api {
            destinations,
            cors: CorsHeaders::new(&template.cors, origins).context("CorsConfiguration of template.yaml")?,
            router,
            client: Client::builder(TokioExecutor::new()).build_http(),
        };
        let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
        let service = Router::new().fallback(answer).with_state(Arc::new(api));
        Ok(Self { server: tokio::spawn(axum::serve(listener, service).into_future()), crashes })
    }

    /// What is to be notified when a process of this function ends: as with API Gateway, the request that it was working on
    /// is then answered with 500.
    #[must_use]
    pub fn crashes(&self, function: &str) -> Arc<Notify> {
        self.crashes.get(function).cloned().unwrap_or_default()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// A route, and what is under way for its function.
type Destination = (Route, Arc<Traffic>);

struct Traffic {
    permits: Semaphore,
    /// Is notified when one of the function's processes ends.
    crashed: Arc<Notify>,
}

struct Api {
    destinations: Vec<Destination>,
    cors: CorsHeaders,
    router: SocketAddr,
    client: Client<HttpConnector, Body>,
}

async fn answer(State(api): State<Arc<Api>>, request: Request) -> Response {
    let origin = api.cors.allowed(request.headers());
    if request.method() == Method::OPTIONS {
        return api.cors.preflight(origin);
    }
    // As in AWS, an invocation goes on when its client disconnects.
    let inner = Arc::clone(&api);
    let response = tokio::spawn(async move { inner.invoke(request).await.unwrap_or_else(|refusal| refusal) }).await;
    api.cors.complete(response.unwrap_or_else(|_| refusal(StatusCode::INTERNAL_SERVER_ERROR)), origin)
}

impl Api {
    async fn invoke(&self, request: Request) -> Result<Response, Response> {
        let (head, body) = request.into_parts();
        let destination = destination(&self.destinations, head.method.as_str(), head.uri.path());
        let (route, traffic) = destination.ok_or_else(|| refusal(StatusCode::NOT_FOUND))?;
        // `cargo lambda watch` fails on a field that is not ASCII.
        if head.headers.values().any(|value| value.to_str().is_err()) {
            return Err(refusal(StatusCode::BAD_REQUEST));
        }
        let body = read(body).await?;
        let request = self.forwarded(&head, body, route).map_err(|_| refusal(StatusCode::BAD_REQUEST))?;
        let unavailable = |_| refusal(StatusCode::SERVICE_UNAVAILABLE);
        let exchange = async {
            let _permit = traffic.permits.acquire().await.map_err(|error| unavailable(error.to_string()))?;
            self.client.request(request).await.map_err(|error| unavailable(error.to_string()))
        };
        let crash = async {
            traffic.crashed.notified().await;
            sleep(CRASH_GRACE).await;
        };
        tokio::select! {
            response = timeout(PATIENCE, exchange) => {
                Ok(response.map_err(|error| unavailable(error.to_string()))??.map(Body::new))
            }
            () = crash => Err(refusal(StatusCode::INTERNAL_SERVER_ERROR)),
        }
    }

    fn forwarded(&self, head: &request::Parts, body: Bytes, route: &Route) -> Result<Request, axum::http::Error> {
        let path = unambiguous(&self.destinations, &route.path, head.uri.path());
        let path = head.uri.query().map_or_else(|| path.clone(), |query| format!("{path}?{query}"));
        let uri = Uri::builder().scheme("http").authority(self.router.to_string()).path_and_query(path).build()?;
        let body = if is_text(&head.headers) { without_invalid_utf8(body) } else { body };
        let mut request = Request::builder().method(head.method.clone()).uri(uri).body(Body::from(body))?;
        *request.headers_mut() = folded(&head.headers);
        Ok(request)
    }
}

/// The most specific route (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html>): of
/// those that are as long as the path, the one that has the fewest parameters.
fn destination<'a>(routes: &'a [Destination], method: &str, path: &str) -> Option<&'a Destination> {
    let matching = routes.iter().filter(|(route, _)| route.method == method && matches(&route.path, path));
    matching.min_by_key(|(route, _)| route.path.matches('{').count())
}

/// The path, of which no segment that is a parameter here is a literal of another route: `cargo lambda watch` takes the most
/// specific path first, and then has no function for its method. A function decodes the parameter.
fn unambiguous(routes: &[Destination], route: &str, path: &str) -> String {
    let is_literal = |index: usize, segment: &str| {
        let mut others = routes.iter().map(|(other, _)| other.path.split('/').nth(index));
        others.any(|literal| literal == Some(segment))
    };
    let segments = path.split('/').zip(route.split('/')).enumerate().map(|(index, (segment, expected))| match segment
        .split_at_checked(1)
    {
        Some((first, rest)) if expected.starts_with('{') && is_literal(index, segment) => {
            format!("%{:02X}{rest}", first.as_bytes().first().copied().unwrap_or_default())
        }
        _ => segment.to_owned(),
    });
    segments.collect::<Vec<_>>().join("/")
}

/// Whether the path has the segments of the route, with no empty parameter.
fn matches(route: &str, path: &str) -> bool {
    let mut segments = path.split('/');
    let same = route.split('/').all(|expected| {
        segments
            .next()
            .is_some_and(|found| if expected.starts_with('{') { !found.is_empty() } else { found == expected })
    });
    same && segments.next().is_none()
}

/// The body, unless it is too large. The rest of it is read even then, so that the client gets the response.
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

/// The fields as a function gets them: repeated fields joined by commas.
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

/// Whether `cargo lambda watch` passes the body on as text.
fn is_text(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes).to_ascii_lowercase();
    kind.is_empty() || kind.starts_with(b"text/") || kind.starts_with(b"application/json")
}

/// Text in an event is Unicode; `cargo lambda watch` fails on other bytes.
fn without_invalid_utf8(body: Bytes) -> Bytes {
    match str::from_utf8(&body) {
        Ok(_) => body,
        Err(_) => String::from_utf8_lossy(&body).into_owned().into(),
    }
}

/// A response of API Gateway itself.
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
        let value = |text: &str| HeaderValue::from_str(text).with_context(|| format!("{text} is not a header value"));
        Ok(Self {
            origins: origins.into_iter().map(|origin| value(&origin)).collect::<Result<_>>()?,
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
    fn literal_goes_before_parameter() {
        let get = |path: &str| Route { method: "GET".to_owned(), path: path.to_owned() };
        let routes = ["/api/{user_id}/tasks/{task_id}", "/api/{user_id}/tasks/changes"]
            .map(|path| (get(path), Arc::new(Traffic { permits: Semaphore::new(1), crashed: Arc::default() })));
        let path = |path: &str| destination(&routes, "GET", path).unwrap().0.path.clone();
        assert_eq!(path("/api/me/tasks/changes"), routes[1].0.path);
        assert_eq!(path("/api/me/tasks/change"), routes[0].0.path);
        assert!(destination(&routes, "PUT", "/api/me/tasks/changes").is_none());
        // As a task of another method.
        for (path, expected) in [
            ("/api/me/tasks/changes", "/api/me/tasks/%63hanges"),
            ("/api/tasks/tasks/%63hange", "/api/tasks/tasks/%63hange"),
        ] {
            assert_eq!(unambiguous(&routes, &routes[0].0.path, path), expected);
            assert_eq!(unambiguous(&routes, &routes[1].0.path, path), path);
        }
    }

    #[tokio::test]
    async fn request_of_a_crashed_process_is_answered() {
        // Takes requests, and never answers them.
        let router = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], crate::probe::free_port().await.unwrap()));
        let template = Template::read().unwrap();
        let gateway = Gateway::start(address, router.local_addr().unwrap(), &template, []).await.unwrap();
        let (status, ()) =
            tokio::join!(crate::probe::status(address, "GET", "/api/me/tasks", Duration::from_secs(10)), async {
                let (connection, _) = router.accept().await.unwrap();
                connection.readable().await.unwrap();
                gateway.crashes("get-task").notify_waiters();
                gateway.crashes("list-tasks").notify_waiters();
                // Held open, as `cargo lambda watch` does.
                sleep(2 * CRASH_GRACE).await;
                drop(connection);
            });
        assert_eq!(status.unwrap(), 500);
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

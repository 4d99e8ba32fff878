//! Connections over HTTP/1.1, plain and over TLS, that are used again.
//!
//! - **Figure:** 0.6 MB of each file, which is an eighth.
//! - **Reason:** DynamoDB speaks HTTP/1.1. The SDK's connector also has HTTP/2, proxies, and a pool whose connections are
//!   waited for, in the function's client and, by feature unification, in that of the Lambda runtime.
//! - **To remove it:** delete this file, and make the connector with `aws_smithy_http_client::Connector::builder()`.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_smithy_runtime_api::client::dns::ResolveDns;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::ErrorKind;
use http::header::{HOST, HeaderValue};
use http::uri::{Authority, Scheme, Uri};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout_at;
use tokio_rustls::TlsConnector;

use super::resolver::Resolver;
use super::roots::TrustedRoots;

/// A connection in a Lambda's region opens in a few milliseconds; one that takes a second will not open.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// What has been unused for longer may be gone without a sign of it.
const MAX_IDLE: Duration = Duration::from_secs(90);

type Request = http::Request<SdkBody>;

/// Sends requests, each over a connection that no other one uses at the time.
#[derive(Clone)]
pub(super) struct Connections(Arc<Inner>);

struct Inner {
    tls: TlsConnector,
    resolver: Resolver,
    /// The one that was used last comes last.
    idle: Mutex<Vec<Idle>>,
}

struct Idle {
    origin: Origin,
    connection: SendRequest<SdkBody>,
    since: Instant,
}

/// Whom a connection is to.
#[derive(Clone, PartialEq, Eq)]
struct Origin {
    scheme: Scheme,
    authority: Authority,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Connections {
    /// None is open yet.
    #[expect(clippy::expect_used, reason = "it depends on no input: ring has the cipher suites of TLS 1.2 and 1.3")]
    pub(super) fn new(roots: &TrustedRoots) -> Self {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("cipher suites for both versions");
        let mut config = config.with_root_certificates(roots.store()).with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self(Arc::new(Inner {
            tls: TlsConnector::from(Arc::new(config)),
            resolver: Resolver::default(),
            idle: Mutex::default(),
        }))
    }
}

impl HttpConnector for Connections {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let inner = Arc::clone(&self.0);
        HttpConnectorFuture::new(async move {
            let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
            inner.send(request).await
        })
    }
}

impl Inner {
    async fn send(&self, mut request: Request) -> Result<HttpResponse, ConnectorError> {
        let origin = Origin::of(request.uri()).ok_or_else(|| ConnectorError::user("the URL has no origin".into()))?;
        let host = HeaderValue::from_str(host(&origin.scheme, &origin.authority));
        request.headers_mut().insert(HOST, host.map_err(|error| ConnectorError::user(error.into()))?);
        *request.uri_mut() = request.uri().path_and_query().cloned().map_or_else(|| Uri::from_static("/"), Uri::from);
        let (connection, response) = loop {
            let idle = self.take(&origin);
            let was_used = idle.is_some();
            let mut connection = match idle {
                Some(connection) => connection,
                None => self.connect(&origin).await?,
            };
            match connection.try_send_request(request).await {
                Ok(response) => break (connection, response),
                Err(mut error) => match error.take_message() {
                    // The server closed it before anything was sent.
                    Some(unsent) if was_used => request = unsent,
                    _ => return Err(failure(error.into_error())),
                },
            }
        };
        // A server that fails may be about to go; another connection may lead to another one.
        if !response.status().is_server_error() {
            self.keep(origin, connection);
        }
        HttpResponse::try_from(response.map(SdkBody::from_body_1_x))
            .map_err(|error| ConnectorError::other(error.into(), None))
    }

    /// A connection that waits for a request.
    fn take(&self, origin: &Origin) -> Option<SendRequest<SdkBody>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|idle| !idle.connection.is_closed() && idle.since.elapsed() < MAX_IDLE);
        // One whose response is still being read is not ready.
        let position = idle.iter().rposition(|idle| idle.origin == *origin && idle.connection.is_ready())?;
        Some(idle.remove(position).connection)
    }

    fn keep(&self, origin: Origin, connection: SendRequest<SdkBody>) {
        let idle = Idle { origin, connection, since: Instant::now() };
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(idle);
    }

    async fn connect(&self, origin: &Origin) -> Result<SendRequest<SdkBody>, ConnectorError> {
        let until = tokio::time::Instant::now() + CONNECT_TIMEOUT;
        let connected = timeout_at(until, async {
            let stream = self.open(origin).await.map_err(ConnectorError::io)?;
            http1::handshake(TokioIo::new(stream)).await.map_err(failure)
        });
        let (requests, connection) = connected
            .await
            .map_err(|_| ConnectorError::timeout(format!("no connection within {CONNECT_TIMEOUT:?}").into()))??;
        // What happens to the connection, the request on it says.
        tokio::spawn(async { drop(connection.await) });
        Ok(requests)
    }

    async fn open(&self, origin: &Origin) -> Result<Box<dyn Stream>, Box<dyn Error + Send + Sync>> {
        let is_encrypted = origin.scheme == Scheme::HTTPS;
        let port = origin.authority.port_u16().unwrap_or(if is_encrypted { 443 } else { 80 });
        let name = origin.authority.host().trim_start_matches('[').trim_end_matches(']');
        let addresses: Vec<_> =
            self.resolver.resolve_dns(name).await?.into_iter().map(|ip| (ip, port).into()).collect();
        let stream = TcpStream::connect::<&[SocketAddr]>(&addresses).await?;
        stream.set_nodelay(true)?;
        if !is_encrypted {
            return Ok(Box::new(stream));
        }
        let name = ServerName::try_from(name.to_owned())?;
        Ok(Box::new(self.tls.connect(name, stream).await?))
    }
}

impl Origin {
    fn of(uri: &Uri) -> Option<Self> {
        Some(Self { scheme: uri.scheme()?.clone(), authority: uri.authority()?.clone() })
    }
}

/// The field `Host` of requests to a URL: its port is left out where the scheme implies it.
pub(super) fn host<'a>(scheme: &Scheme, authority: &'a Authority) -> &'a str {
    let implied = if *scheme == Scheme::HTTPS { ":443" } else { ":80" };
    let host = authority.as_str().rsplit('@').next().unwrap_or_default();
    host.strip_suffix(implied).unwrap_or(host)
}

/// As the SDK's own connector has it: it decides by this what to send again.
fn failure(error: hyper::Error) -> ConnectorError {
    if error.is_timeout() {
        ConnectorError::timeout(error.into())
    } else if error.is_user() {
        ConnectorError::user(error.into())
    } else if error.is_closed() || error.is_canceled() || error.source().is_some_and(|source| source.is::<io::Error>())
    {
        ConnectorError::io(error.into())
    } else {
        let kind = error.is_incomplete_message().then_some(ErrorKind::TransientError);
        ConnectorError::other(error.into(), kind)
    }
}

impl std::fmt::Debug for Connections {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connections").finish_non_exhaustive()
    }
}

#[cfg(test)]
#[cfg_attr(coverage_nightly, coverage(off))]
mod tests {
    use std::io::{Read, Write};
    use std::net::Ipv4Addr;
    use std::thread;

    use http_body_util::BodyExt;
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use tokio::net::TcpListener;
    use tokio::task::JoinHandle;

    use super::*;

    const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n";
    const BODY: &str = "ok";

    /// Accepts connections and answers the requests on each with these texts, then closes it. Gives the heads it has read.
    async fn server(connections: Vec<Vec<String>>) -> (String, JoinHandle<Vec<Vec<String>>>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}/path?query", listener.local_addr().unwrap());
        let served = tokio::spawn(async move {
            let mut accepted = Vec::new();
            for responses in connections {
                let (stream, _) = listener.accept().await.unwrap();
                accepted.push(tokio::spawn(answer(stream, responses)));
            }
            drop(listener);
            let mut heads = Vec::new();
            for connection in accepted {
                heads.push(connection.await.unwrap());
            }
            heads
        });
        (url, served)
    }

    async fn answer(stream: TcpStream, responses: Vec<String>) -> Vec<String> {
        let mut stream = BufReader::new(stream);
        let mut heads = Vec::new();
        for response in responses {
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") && stream.read_line(&mut head).await.unwrap() > 0 {}
            heads.push(head);
            stream.write_all(response.as_bytes()).await.unwrap();
        }
        heads
    }

    fn connections() -> Connections {
        Connections::new(&TrustedRoots::System)
    }

    async fn call(connections: &Connections, url: &str) -> Result<(u16, Vec<u8>), ConnectorError> {
        let response = connections.call(HttpRequest::get(url).unwrap()).await?;
        let status = response.status().as_u16();
        Ok((status, response.into_body().collect().await.unwrap().to_bytes().to_vec()))
    }

    fn ok() -> String {
        format!("{OK}{BODY}")
    }

    #[tokio::test]
    async fn requests_share_a_connection() {
        let (url, served) = server(vec![vec![ok(), ok(), ok()]]).await;
        let connections = connections();
        for _ in 0..3 {
            assert_eq!(call(&connections, &url).await.unwrap(), (200, BODY.into()));
        }
        let host = url.split('/').nth(2).unwrap();
        let head = format!("GET /path?query HTTP/1.1\r\nhost: {host}\r\n\r\n");
        assert_eq!(served.await.unwrap(), [vec![head; 3]]);
    }

    #[tokio::test]
    async fn closed_connection_is_replaced() {
        let (url, served) = server(vec![vec![ok()], vec![ok()], vec![ok()]]).await;
        let connections = connections();
        for _ in 0..3 {
            assert_eq!(call(&connections, &url).await.unwrap().0, 200);
        }
        assert_eq!(served.await.unwrap().len(), 3);
    }

    #[tokio::test]
    async fn connection_that_closed_unnoticed_is_replaced() {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let server = thread::spawn(move || {
            for _ in 0..2 {
                let (mut stream, _) = listener.accept().unwrap();
                assert_ne!(stream.read(&mut [0; 1024]).unwrap(), 0);
                stream.write_all(ok().as_bytes()).unwrap();
            }
        });
        let connections = connections();
        assert_eq!(call(&connections, &url).await.unwrap().0, 200);
        // As Lambda freezes a function between requests: nothing runs that could see the connection close.
        thread::sleep(Duration::from_millis(100));
        assert_eq!(call(&connections, &url).await.unwrap().0, 200);
        server.join().unwrap();
    }

    #[tokio::test]
    async fn connection_of_a_failing_server_is_not_used_again() {
        let failure = format!("HTTP/1.1 503 Busy\r\ncontent-length: 2\r\n\r\n{BODY}");
        let (url, served) = server(vec![vec![failure], vec![ok(), ok()]]).await;
        let connections = connections();
        for status in [503, 200, 200] {
            assert_eq!(call(&connections, &url).await.unwrap().0, status);
        }
        assert_eq!(served.await.unwrap().len(), 2);
    }

    #[tokio::test]
    async fn unread_response_keeps_its_connection_to_itself() {
        let (url, served) = server(vec![vec![OK.to_owned(), ok()], vec![ok()]]).await;
        let connections = connections();
        let unread = connections.call(HttpRequest::get(&url).unwrap()).await.unwrap();
        assert_eq!(call(&connections, &url).await.unwrap().0, 200);
        drop((unread, connections));
        assert_eq!(served.await.unwrap().len(), 2);
    }

    #[tokio::test]
    async fn lost_response_can_be_tried_again() {
        let (url, served) = server(vec![vec![String::new()], vec!["HTTP/1.1 200 OK\r\n".to_owned()]]).await;
        let connections = connections();
        for _ in 0..2 {
            let error = call(&connections, &url).await.unwrap_err();
            assert!(error.is_io() || error.as_other() == Some(ErrorKind::TransientError), "{error:?}");
        }
        assert_eq!(served.await.unwrap().len(), 2);
        assert!(call(&connections, &url).await.unwrap_err().is_io(), "nobody listens any more");
    }

    #[tokio::test]
    async fn silent_server_is_not_waited_for() {
        // It accepts the connection, and never begins TLS.
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("https://{}/", listener.local_addr().unwrap());
        let error = call(&connections(), &url).await.unwrap_err();
        assert!(error.is_timeout(), "{error:?}");
    }

    #[test]
    fn implied_port_is_left_out() {
        for (url, expected) in [
            ("https://a.example", "a.example"),
            ("https://a.example:443/x", "a.example"),
            ("https://a.example:80", "a.example:80"),
            ("http://a.example:80", "a.example"),
            ("http://user@[::1]:8000", "[::1]:8000"),
        ] {
            let url: Uri = url.parse().unwrap();
            assert_eq!(host(url.scheme().unwrap(), url.authority().unwrap()), expected);
        }
    }
}

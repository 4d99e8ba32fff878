//! A stand-in for DynamoDB that responds immediately, in plain HTTP and over TLS. Its certificate chain resembles that
//! of AWS: RSA keys and an intermediate authority.

use std::collections::HashMap;
use std::io::{BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use flate2::Crc;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_RSA_SHA256, RsaKeySize,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::{CipherSuite, ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

use crate::http::{Request, read_request};

/// How many of the items that are put it keeps: one page.
pub(crate) const PAGE: usize = 50;

/// A running stand-in. It runs as long as this process.
pub(crate) struct StandIn {
    pub(crate) plain: String,
    pub(crate) tls: String,
    /// The root certificate as PEM.
    pub(crate) root: String,
    responses: Arc<Mutex<Responses>>,
}

/// The first items that were put, and a cache of the responses that contain them.
#[derive(Default)]
struct Responses {
    items: Vec<Value>,
    cache: HashMap<CacheKey, Arc<[u8]>>,
}

/// The operation and the projection expression, if any.
type CacheKey = (String, Option<String>);

impl StandIn {
    /// Keeps the first items that are put. `Query` returns all of them; other operations return the first.
    pub(crate) fn start() -> Result<Self> {
        let responses = Arc::default();
        let (config, root) = certify()?;
        let config = Arc::new(config);
        let plain = listen(Arc::clone(&responses), Ok)?;
        let tls = listen(Arc::clone(&responses), move |socket| {
            Ok(StreamOwned::new(ServerConnection::new(config.clone())?, socket))
        })?;
        let (plain, tls) = (format!("http://localhost:{plain}"), format!("https://localhost:{tls}"));
        Ok(Self { plain, tls, root, responses })
    }

    /// A copy of the items.
    pub(crate) fn items(&self) -> Vec<Value> {
        self.responses.lock().unwrap_or_else(PoisonError::into_inner).items.clone()
    }
}

impl Responses {
    fn response_to(&mut self, request: &Request) -> Result<Arc<[u8]>> {
        let body: Option<Value> = serde_json::from_slice(&request.body).ok();
        let member = |name: &str| body.as_ref().and_then(|body| body.get(name));
        if let Some(item) = member("Item").filter(|_| self.items.len() < PAGE) {
            self.items.push(item.clone());
        }
        let projection = member("ProjectionExpression").and_then(Value::as_str);
        let key = (request.operation.clone(), projection.map(str::to_owned));
        if let Some(response) = self.cache.get(&key) {
            return Ok(response.clone());
        }
        let response: Arc<[u8]> = self.create(&request.operation, projection)?.into();
        self.cache.insert(key, response.clone());
        Ok(response)
    }

    fn create(&self, operation: &str, projection: Option<&str>) -> Result<Vec<u8>> {
        let items: Vec<_> = self.items.iter().map(|item| project(item, projection)).collect();
        let count = items.len();
        let first = || items.first().context("the stand-in has no items");
        Ok(match operation {
            "" => response("200 OK", "text/plain", b"healthy"),
            "GetItem" => json_response(&json!({ "Item": first()? })),
            "PutItem" => json_response(&json!({})),
            "UpdateItem" => json_response(&json!({ "Attributes": first()? })),
            "Query" => json_response(&json!({ "Count": count, "Items": items, "ScannedCount": count })),
            other => bail!("the stand-in does not implement {other}"),
        })
    }
}

/// Applies a projection expression that is a plain list of attribute names.
fn project(item: &Value, projection: Option<&str>) -> Value {
    let mut item = item.clone();
    if let (Some(projection), Some(attributes)) = (projection, item.as_object_mut()) {
        let wanted: Vec<_> = projection.split(',').map(str::trim).collect();
        attributes.retain(|name, _| wanted.contains(&name.as_str()));
    }
    item
}

fn json_response(body: &Value) -> Vec<u8> {
    response("200 OK", "application/x-amz-json-1.0", body.to_string().as_bytes())
}

/// A response as DynamoDB sends it, with the checksum that the SDK verifies.
fn response(status: &str, content_type: &str, body: &[u8]) -> Vec<u8> {
    let mut checksum = Crc::new();
    checksum.update(body);
    let head = format!(
        "HTTP/1.1 {status}\r\nServer: Server\r\nDate: Mon, 30 Nov 2026 10:15:00 GMT\r\nContent-Type: {content_type}\r\n\
         Content-Length: {}\r\nConnection: keep-alive\r\n\
         x-amzn-RequestId: 4KBNVRGD25RG1KEO9UT4V3FQDJVV4KQNSO5AEMVJF66Q9ASUAAJG\r\nx-amz-crc32: {}\r\n\r\n",
        body.len(),
        checksum.sum()
    );
    [head.as_bytes(), body].concat()
}

/// Serves each connection on its own thread. Returns the port.
fn listen<S: Read + Write>(
    responses: Arc<Mutex<Responses>>,
    wrap: impl Fn(TcpStream) -> Result<S> + Clone + Send + 'static,
) -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no port for the stand-in")?;
    let port = listener.local_addr()?.port();
    std::thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            let (responses, wrap) = (responses.clone(), wrap.clone());
            // A function that is killed breaks its connection.
            std::thread::spawn(move || {
                socket.set_nodelay(true).map_err(Into::into).and_then(|()| serve(wrap(socket)?, &responses))
            });
        }
    });
    Ok(port)
}

fn serve(stream: impl Read + Write, responses: &Mutex<Responses>) -> Result<()> {
    let mut connection = BufReader::with_capacity(64 * 1024, stream);
    while let Some(request) = read_request(&mut connection)? {
        let response = responses.lock().unwrap_or_else(PoisonError::into_inner).response_to(&request)?;
        connection.get_mut().write_all(&response)?;
        connection.get_mut().flush()?;
    }
    Ok(())
}

/// Creates a server configuration with a certificate for this machine, issued by an intermediate authority. Returns it
/// with the root certificate as PEM.
fn certify() -> Result<(ServerConfig, String)> {
    let root_key = key()?;
    let root = authority("Root")?;
    let root_certificate = root.self_signed(&root_key)?;
    let root = Issuer::new(root, root_key);
    let intermediate_key = key()?;
    let intermediate = authority("Authority")?;
    let intermediate_certificate = intermediate.signed_by(&intermediate_key, &root)?;
    let intermediate = Issuer::new(intermediate, intermediate_key);
    let server_key = key()?;
    let mut server = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()])?;
    server.distinguished_name.push(DnType::CommonName, "localhost");
    server.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
    let server = server.signed_by(&server_key, &intermediate)?;

    let mut provider = rustls::crypto::ring::default_provider();
    // The choice of AWS's endpoints, according to `tlsDetails` in CloudTrail records.
    provider.cipher_suites.sort_by_key(|suite| suite.suite() != CipherSuite::TLS13_AES_128_GCM_SHA256);
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(
            vec![server.der().clone(), intermediate_certificate.der().clone()],
            PrivateKeyDer::try_from(server_key.serialize_der()).map_err(anyhow::Error::msg)?,
        )?;
    config.ignore_client_order = true;
    // DynamoDB does not support HTTP/2.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok((config, root_certificate.pem()))
}

fn key() -> Result<KeyPair> {
    KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).context("cannot generate an RSA key")
}

fn authority(name: &str) -> Result<CertificateParams> {
    let mut authority = CertificateParams::new([])?;
    authority.distinguished_name.push(DnType::CommonName, name);
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(authority)
}

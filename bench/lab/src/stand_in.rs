//! A stand-in for DynamoDB that answers at once, plain and over TLS with a chain like that of AWS: RSA keys, and an
//! authority between the root and the server.

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

/// How many items it keeps of those that are put: a page of them.
pub(crate) const PAGE: usize = 50;

/// A running stand-in. It lives as long as this process.
pub(crate) struct StandIn {
    pub(crate) plain: String,
    pub(crate) tls: String,
    /// The root certificate, in PEM.
    pub(crate) root: String,
    answers: Arc<Mutex<Answers>>,
}

/// The first items that were put, and what is answered with them, made when it is first asked for.
#[derive(Default)]
struct Answers {
    items: Vec<Value>,
    made: HashMap<Question, Arc<[u8]>>,
}

/// The operation, and the projection if there is one.
type Question = (String, Option<String>);

impl StandIn {
    /// Keeps the first items that are put, and serves all of them to a `Query`, the first one to everything else.
    pub(crate) fn start() -> Result<Self> {
        let answers = Arc::default();
        let (config, root) = certify()?;
        let config = Arc::new(config);
        let plain = listen(Arc::clone(&answers), Ok)?;
        let tls = listen(Arc::clone(&answers), move |socket| {
            Ok(StreamOwned::new(ServerConnection::new(config.clone())?, socket))
        })?;
        let (plain, tls) = (format!("http://localhost:{plain}"), format!("https://localhost:{tls}"));
        Ok(Self { plain, tls, root, answers })
    }

    /// The items that it keeps.
    pub(crate) fn items(&self) -> Vec<Value> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).items.clone()
    }
}

impl Answers {
    fn to(&mut self, request: &Request) -> Result<Arc<[u8]>> {
        let body: Option<Value> = serde_json::from_slice(&request.body).ok();
        let member = |name: &str| body.as_ref().and_then(|body| body.get(name));
        if let Some(item) = member("Item").filter(|_| self.items.len() < PAGE) {
            self.items.push(item.clone());
        }
        let projection = member("ProjectionExpression").and_then(Value::as_str);
        let question = (request.operation.clone(), projection.map(str::to_owned));
        if let Some(answer) = self.made.get(&question) {
            return Ok(answer.clone());
        }
        let answer: Arc<[u8]> = self.make(&request.operation, projection)?.into();
        self.made.insert(question, answer.clone());
        Ok(answer)
    }

    fn make(&self, operation: &str, projection: Option<&str>) -> Result<Vec<u8>> {
        let items: Vec<_> = self.items.iter().map(|item| project(item, projection)).collect();
        let count = items.len();
        let first = || items.first().context("no items");
        Ok(match operation {
            "" => response("200 OK", "text/plain", b"healthy"),
            "GetItem" => answer(&json!({ "Item": first()? })),
            "PutItem" => answer(&json!({})),
            "UpdateItem" => answer(&json!({ "Attributes": first()? })),
            "Query" => answer(&json!({ "Count": count, "Items": items, "ScannedCount": count })),
            other => bail!("no answer to {other}"),
        })
    }
}

/// What DynamoDB leaves of an item for a projection that lists attributes by their names.
fn project(item: &Value, projection: Option<&str>) -> Value {
    let mut item = item.clone();
    if let (Some(projection), Some(attributes)) = (projection, item.as_object_mut()) {
        let wanted: Vec<_> = projection.split(',').map(str::trim).collect();
        attributes.retain(|name, _| wanted.contains(&name.as_str()));
    }
    item
}

/// An answer as DynamoDB sends it, with the checksum that the SDK looks at.
fn answer(body: &Value) -> Vec<u8> {
    response("200 OK", "application/x-amz-json-1.0", body.to_string().as_bytes())
}

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

/// Answers connections, each on a thread of its own, and gives the port.
fn listen<S: Read + Write>(
    answers: Arc<Mutex<Answers>>,
    wrap: impl Fn(TcpStream) -> Result<S> + Clone + Send + 'static,
) -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no port for the stand-in")?;
    let port = listener.local_addr()?.port();
    std::thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            let (answers, wrap) = (answers.clone(), wrap.clone());
            // A function that is ended breaks its connection.
            std::thread::spawn(move || {
                socket.set_nodelay(true).map_err(Into::into).and_then(|()| serve(wrap(socket)?, &answers))
            });
        }
    });
    Ok(port)
}

fn serve(stream: impl Read + Write, answers: &Mutex<Answers>) -> Result<()> {
    let mut connection = BufReader::with_capacity(64 * 1024, stream);
    while let Some(request) = read_request(&mut connection)? {
        let answer = answers.lock().unwrap_or_else(PoisonError::into_inner).to(&request)?;
        connection.get_mut().write_all(&answer)?;
        connection.get_mut().flush()?;
    }
    Ok(())
}

/// A server's certificate for this machine, from an authority below a root, and the root in PEM.
fn certify() -> Result<(ServerConfig, String)> {
    let root_key = key()?;
    let root = authority("Root")?;
    let root_certificate = root.self_signed(&root_key)?;
    let root = Issuer::new(root, root_key);
    let between_key = key()?;
    let between = authority("Authority")?;
    let between_certificate = between.signed_by(&between_key, &root)?;
    let between = Issuer::new(between, between_key);
    let server_key = key()?;
    let mut server = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()])?;
    server.distinguished_name.push(DnType::CommonName, "localhost");
    server.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
    let server = server.signed_by(&server_key, &between)?;

    let mut provider = rustls::crypto::ring::default_provider();
    // What AWS's endpoints choose, by the `tlsDetails` of CloudTrail's records.
    provider.cipher_suites.sort_by_key(|suite| suite.suite() != CipherSuite::TLS13_AES_128_GCM_SHA256);
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(
            vec![server.der().clone(), between_certificate.der().clone()],
            PrivateKeyDer::try_from(server_key.serialize_der()).map_err(anyhow::Error::msg)?,
        )?;
    config.ignore_client_order = true;
    // As DynamoDB, which speaks nothing newer.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok((config, root_certificate.pem()))
}

fn key() -> Result<KeyPair> {
    KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).context("no RSA key")
}

fn authority(name: &str) -> Result<CertificateParams> {
    let mut authority = CertificateParams::new([])?;
    authority.distinguished_name.push(DnType::CommonName, name);
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(authority)
}

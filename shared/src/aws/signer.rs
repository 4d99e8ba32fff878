//! Signatures (SigV4) of requests in AWS's JSON protocols, which have no query.
//!
//! - **Figure:** 120,000 instructions of each request, which is a sixth of a get's.
//! - **Reason:** the SDK's signer prepares for any request: it escapes paths, parses and sorts queries and headers, and
//!   derives the key anew each time, which changes once a day.
//! - **To remove it:** delete this file and the line on `push_auth_scheme` in `client.rs`, and sign with
//!   `aws_sigv4::http_request` in `stored_secret.rs`.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use aws_runtime::auth::sigv4::SCHEME_ID;
use aws_sdk_dynamodb::config::{ConfigBag, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_sigv4::sign::v4::generate_signing_key;
use aws_smithy_runtime_api::client::auth::{AuthScheme, AuthSchemeEndpointConfig, AuthSchemeId, Sign};
use aws_smithy_runtime_api::client::identity::{Identity, SharedIdentityResolver};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::GetIdentityResolver;
use http::Uri;
use ring::{digest, hmac};
use time::OffsetDateTime;

use super::Access;
use super::connections::host;
use crate::hex::hex;

/// Signs requests to one service in one region.
#[derive(Debug)]
pub(super) struct Signer {
    access: Access,
    service: &'static str,
    key: Mutex<Option<DayKey>>,
}

/// What signs requests on one day.
#[derive(Debug)]
struct DayKey {
    /// Eight digits, in UTC.
    day: String,
    key: hmac::Key,
}

impl Signer {
    pub(super) fn new(access: Access, service: &'static str) -> Self {
        Self { access, service, key: Mutex::default() }
    }

    /// Adds the header fields that authenticate the request.
    ///
    /// # Errors
    /// The request has a query, no host, or a body that is not in memory.
    pub(super) fn sign(&self, request: &mut HttpRequest, now: SystemTime) -> Result<(), BoxError> {
        let url: Uri = request.uri().parse()?;
        let (Some(scheme), Some(authority), None) = (url.scheme(), url.authority(), url.query()) else {
            return Err("only requests to a host and without a query are signed".into());
        };
        let credentials = &self.access.credentials;
        let time = basic_format(now);
        let (day, _) = time.split_once('T').unwrap_or_default();
        let headers = request.headers();
        let fields = [
            ("content-type", headers.get("content-type")),
            ("host", Some(host(scheme, authority))),
            ("x-amz-date", Some(time.as_str())),
            ("x-amz-security-token", credentials.session_token()),
            ("x-amz-target", headers.get("x-amz-target")),
        ];
        // Concatenated, because every request is signed, and formatting takes longer.
        let mut canonical = [request.method(), "\n", url.path(), "\n\n"].concat();
        let mut names = String::new();
        for (name, value) in fields.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            canonical.extend([name, ":", value, "\n"]);
            names.extend([if names.is_empty() { "" } else { ";" }, name]);
        }
        let body = request.body().bytes().ok_or("only a body in memory is signed")?;
        canonical.extend(["\n", &names, "\n", &sha256(body)]);

        let scope = [day, "/", self.access.region.as_ref(), "/", self.service, "/aws4_request"].concat();
        let to_sign = ["AWS4-HMAC-SHA256\n", &time, "\n", &scope, "\n", &sha256(canonical.as_bytes())].concat();
        let (id, signature) = (credentials.access_key_id(), self.signature(day, now, &to_sign));
        let authorization =
            ["AWS4-HMAC-SHA256 Credential=", id, "/", &scope, ", SignedHeaders=", &names, ", Signature=", &signature];
        let headers = request.headers_mut();
        headers.try_insert("authorization", authorization.concat())?;
        if let Some(token) = credentials.session_token() {
            headers.try_insert("x-amz-security-token", token.to_owned())?;
        }
        headers.try_insert("x-amz-date", time)?;
        Ok(())
    }

    fn signature(&self, day: &str, now: SystemTime, text: &str) -> String {
        let mut kept = self.key.lock().unwrap_or_else(PoisonError::into_inner);
        let key = match kept.take().filter(|kept| kept.day == day) {
            Some(key) => key,
            None => {
                let (secret, region) = (self.access.credentials.secret_access_key(), self.access.region.as_ref());
                let key = generate_signing_key(secret, now, region, self.service);
                DayKey { day: day.to_owned(), key: hmac::Key::new(hmac::HMAC_SHA256, key.as_ref()) }
            }
        };
        hex(hmac::sign(&kept.insert(key).key, text.as_bytes()).as_ref())
    }
}

/// In place of the SDK's own.
impl AuthScheme for Signer {
    fn scheme_id(&self) -> AuthSchemeId {
        SCHEME_ID
    }

    fn identity_resolver(&self, resolvers: &dyn GetIdentityResolver) -> Option<SharedIdentityResolver> {
        resolvers.identity_resolver(SCHEME_ID)
    }

    fn signer(&self) -> &dyn Sign {
        self
    }
}

impl Sign for Signer {
    fn sign_http_request(
        &self,
        request: &mut HttpRequest,
        _: &Identity,
        _: AuthSchemeEndpointConfig<'_>,
        components: &RuntimeComponents,
        _: &ConfigBag,
    ) -> Result<(), BoxError> {
        self.sign(request, components.time_source().unwrap_or_default().now())
    }
}

/// As `20261121T103000Z`.
fn basic_format(time: SystemTime) -> String {
    let utc = OffsetDateTime::from(time);
    let (date, (hour, minute, second)) = (utc.date(), utc.to_hms());
    let day = date.year() * 10_000 + i32::from(u8::from(date.month())) * 100 + i32::from(date.day());
    let time = i32::from(hour) * 10_000 + i32::from(minute) * 100 + i32::from(second);
    format!("{day:08}T{time:06}Z")
}

fn sha256(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

#[cfg(test)]
#[cfg_attr(coverage_nightly, coverage(off))]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use aws_sdk_dynamodb::config::Credentials;
    use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
    use aws_sigv4::sign::v4::SigningParams;

    use super::*;

    #[test]
    fn signature_is_that_of_the_sdk() {
        let long = "a".repeat(1_300);
        let headers = [("content-type", "application/x-amz-json-1.0"), ("x-amz-target", "DynamoDB_20120810.Query")];
        for token in [None, Some("token"), Some(long.as_str())] {
            let credentials = Credentials::new("AKID", "secret", token.map(str::to_owned), None, "test");
            let access = Access { credentials: credentials.clone(), ..Access::new("eu-central-1", "", "") };
            let signer = Signer::new(access, "dynamodb");
            // Twice on one day, across midnight, and back.
            for seconds in [1_795_219_200, 1_795_305_599, 1_795_305_600, 1_795_219_201, 951_782_400] {
                let now = UNIX_EPOCH + Duration::from_secs(seconds);
                for url in [
                    "https://dynamodb.eu-central-1.amazonaws.com",
                    "https://dynamodb.eu-central-1.amazonaws.com:443/",
                    "http://127.0.0.1:8000/",
                    "http://[::1]:80",
                    "https://localhost/a/path",
                ] {
                    for (body, headers) in [("{}", &headers[..]), (&long, &headers[..1]), ("", &[])] {
                        let mut request = http::Request::post(url);
                        for &(name, value) in headers {
                            request = request.header(name, value);
                        }
                        let request = request.body(body.into()).unwrap();
                        let mut ours = HttpRequest::try_from(request).unwrap();
                        signer.sign(&mut ours, now).unwrap();

                        let identity = Identity::from(credentials.clone());
                        let parameters = SigningParams::builder()
                            .identity(&identity)
                            .region("eu-central-1")
                            .name("dynamodb")
                            .time(now)
                            .settings(SigningSettings::default());
                        let parameters = parameters.build().unwrap().into();
                        let body = SignableBody::Bytes(body.as_bytes());
                        let theirs = SignableRequest::new("POST", url, headers.iter().copied(), body).unwrap();
                        let (theirs, _) = sign(theirs, &parameters).unwrap().into_parts();
                        for (name, value) in theirs.headers() {
                            assert_eq!(ours.headers().get(name), Some(value), "{name} of {url} at {seconds}");
                        }
                        assert_eq!(ours.headers().iter().count(), headers.len() + theirs.headers().count());
                    }
                }
            }
        }
    }

    #[test]
    fn request_with_a_query_is_not_signed() {
        let signer = Signer::new(Access::new("eu-central-1", "x", "x"), "dynamodb");
        for url in ["https://localhost/?a=b", "/"] {
            assert!(signer.sign(&mut HttpRequest::get(url).unwrap(), UNIX_EPOCH).is_err(), "{url}");
        }
    }
}

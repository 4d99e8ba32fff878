//! Requests that clients send through API Gateway.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kit::Operation;
use lambda_http::http::{HeaderName, HeaderValue};
use serde_json::{Map, json};

use crate::api::TOKEN;
use crate::event::call;
use crate::{TASK_ID, USER, tokens};

/// Input: a digit for the state of the task, a letter for the gateway, and a request in the form of HTTP/1.1 with the
/// placeholders `TOKEN` and `TASK_ID`.
///
/// The rules for all events hold, and the decision on 401 and 403 matches an independent implementation.
pub fn request(input: &[u8]) {
    let token = TOKEN.with(Clone::clone);
    let Some((state, request)) = request_of(input, &token, TASK_ID) else { return };
    let answer = call(request.operation, state, &request.event);
    assert_ne!(answer.code(), "invalid_event");
    if answer.code() == "invalid_request" {
        assert!(request.is_malformed, "{answer:?}");
        return;
    }
    let is_signed_in = match request.authorization.as_slice() {
        [field] => tokens::of_field(field) == Some(&token),
        _ => false,
    };
    match (is_signed_in, request.user.as_str()) {
        (true, "me" | USER) => assert!(![401, 403].contains(&answer.status), "{answer:?}"),
        (true, _) => assert_eq!(answer.status, 403),
        (false, _) => assert_eq!(answer.status, 401),
    }
}

/// A request that passed through a gateway.
#[derive(Debug)]
pub struct Sent {
    /// The operation that it calls.
    pub operation: Operation,
    /// The event that the gateway creates from it.
    pub event: String,
    /// The user in its path.
    user: String,
    authorization: Vec<String>,
    /// Whether its target, or a header field that describes the target, may make its URI invalid.
    is_malformed: bool,
}

/// The gateways that events come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gateway {
    /// An HTTP API with routes: it decodes path parameters.
    Http,
    /// The emulator: its only route is `$default`, and it does not decode path parameters.
    Emulator,
}

/// Parses an input of [`request`] into the digit and the request. `None` if it is too short or a gateway would reject
/// it.
pub fn request_of(input: &[u8], token: &str, task_id: &str) -> Option<(u8, Sent)> {
    let (&[state, gateway], request) = input.split_first_chunk()?;
    let gateway = match gateway {
        b'h' => Gateway::Http,
        _ => Gateway::Emulator,
    };
    let end_of_head = request.windows(2).position(|window| window == b"\n\n");
    let (head, body) = end_of_head.map_or((request, &[][..]), |end| (&request[..end], &request[end + 2..]));
    let head = String::from_utf8_lossy(head).replace("TOKEN", token).replace("TASK_ID", task_id);
    let mut lines = head.lines();
    let (method, target) = lines.next()?.split_once(' ').unwrap_or_default();
    let fields: Vec<_> = lines.map(|line| line.split_once(": ").unwrap_or((line, ""))).collect();
    let is_http =
        |(name, value): &(&str, &str)| name.parse::<HeaderName>().is_ok() && value.parse::<HeaderValue>().is_ok();
    if !fields.iter().all(is_http) {
        return None;
    }
    Some((state, sent(gateway, method, target, &fields, body)))
}

fn sent(gateway: Gateway, method: &str, target: &str, fields: &[(&str, &str)], body: &[u8]) -> Sent {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (_mount, route) = path.split_once("/api/").unwrap_or(("", path));
    let segments: Vec<_> = route.split('/').collect();
    let user = segments[0];
    let operation = Operation::routed(method, &segments);
    let parameter = |segment: &str| if gateway == Gateway::Http { json!(decode(segment)) } else { json!(segment) };
    let named = operation.route().zip(&segments).filter_map(|(part, segment)| {
        let name = part.strip_prefix('{')?.strip_suffix('}')?;
        Some((name.to_owned(), parameter(segment)))
    });
    let parameters: Map<_, _> = named.collect();
    let (text, is_base64) = in_event(body);
    let mut event =
        json!({ "version": "2.0", "pathParameters": parameters, "body": text, "isBase64Encoded": is_base64 });
    let names: Vec<_> = fields.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    let values_of = |name: &str| -> Vec<_> {
        fields
            .iter()
            .filter(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| (*value).to_owned())
            .collect()
    };
    let mut authorization = values_of("authorization");
    // API Gateway joins fields of the same name with commas.
    if authorization.len() > 1 {
        authorization = vec![authorization.join(",")];
    }
    event["rawPath"] = json!(path);
    event["rawQueryString"] = json!(query);
    event["headers"] = names.iter().map(|name| (name.clone(), json!(values_of(name).join(",")))).collect();
    event["requestContext"] = json!({
        "requestId": "request-id",
        "routeKey": if gateway == Gateway::Http { "ANY /api/{user_id}/tasks" } else { "$default" },
        "stage": "$default",
        "http": { "method": operation.method(), "path": path },
    });
    let fields = ["host", "x-forwarded-proto"].map(values_of).concat();
    let is_malformed = !fields.is_empty() || !in_uri(target) || !target.starts_with('/');
    Sent { operation, event: event.to_string(), user: decode(user), authorization, is_malformed }
}

/// A body as it is in an event, and whether it is Base64: API Gateway encodes binary ones.
pub(crate) fn in_event(body: &[u8]) -> (String, bool) {
    match std::str::from_utf8(body) {
        Ok(text) => (text.to_owned(), false),
        Err(_) => (STANDARD.encode(body), true),
    }
}

/// Whether a string can be part of a URI (RFC 3986 §2) and is not too long for the crate `http`.
pub(crate) fn in_uri(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?@!$&'()*+,;=%".contains(&byte);
    text.bytes().all(allowed) && text.len() < 60_000
}

/// Percent-decodes a string. Returns it unchanged if the result is not UTF-8.
pub(crate) fn decode(segment: &str) -> String {
    let mut decoded = Vec::new();
    let mut rest = segment.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let hex = after.first_chunk().filter(|_| byte == b'%').and_then(|[high, low]| {
            let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            Some(digit(*high)? << 4 | digit(*low)?)
        });
        decoded.push(hex.unwrap_or(byte));
        rest = if hex.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(decoded).unwrap_or_else(|_| segment.to_owned())
}

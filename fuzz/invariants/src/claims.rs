//! Headers and claims of tokens with a valid signature.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::api::{API, MAX_LIFETIME_SECONDS};
use crate::json::parse;
use crate::tokens::sign;

/// Input: a header, a line feed, and a payload, which are signed unchanged.
///
/// The token is accepted, with `sub` as the user, exactly if an independent implementation of the documentation and the
/// RFCs accepts it.
pub fn claims(input: &[u8]) {
    let mut lines = input.splitn(2, |byte| *byte == b'\n');
    let (Some(header), Some(payload)) = (lines.next(), lines.next()) else { return };
    let token = sign(header, payload);
    let (answer, accepted) = API.with(|api| api.authenticate(&format!("Bearer {token}")));
    let Some(is_good_header) = is_good_header(header) else { return };
    let expected = if token.len() <= 8 * 1024 && is_good_header { judge(payload) } else { Verdict::Refused };
    let status = if matches!(expected, Verdict::Accepted(_)) { 204 } else { 401 };
    match expected {
        Verdict::Either => return,
        Verdict::Accepted(subject) => assert_eq!(accepted, Some(subject)),
        Verdict::Expired => assert_eq!((accepted, answer.code()), (None, "token_expired")),
        Verdict::Refused => assert_eq!((accepted, answer.code()), (None, "token_invalid")),
    }
    assert_eq!(answer.status, status);
}

enum Verdict {
    Accepted(String),
    Expired,
    Refused,
    /// The result depends on when exactly the clock is read.
    Either,
}

/// `None` if the header contains a key, whose syntax is not checked here.
fn is_good_header(header: &[u8]) -> Option<bool> {
    let Some(Value::Object(header)) = parse(header) else { return Some(false) };
    // Registered members must have the right type or be null, even if they are not used.
    let given = |name: &str| header.get(name).filter(|value| !value.is_null());
    if given("jwk").is_some() {
        return None;
    }
    let is_good = header.get("alg").is_some_and(|algorithm| algorithm == "HS256")
        && header.get("typ").is_none_or(|kind| kind.as_str().is_some_and(is_type_of_token))
        && header.get("kid").is_none_or(|id| id.as_str().is_some_and(|id| id.len() <= 256))
        && !["crit", "b64", "enc", "zip", "cty"].iter().any(|name| header.contains_key(*name))
        && ["jku", "x5u", "x5t", "x5t#S256", "url", "nonce"]
            .iter()
            .all(|name| given(name).is_none_or(Value::is_string))
        && given("x5c").is_none_or(is_texts);
    Some(is_good)
}

pub(crate) fn is_texts(value: &Value) -> bool {
    value.as_array().is_some_and(|values| values.iter().all(Value::is_string))
}

fn is_type_of_token(kind: &str) -> bool {
    ["jwt", "application/jwt"].contains(&kind.to_ascii_lowercase().as_str())
}

fn judge(payload: &[u8]) -> Verdict {
    const LEEWAY: f64 = 15.0;
    let max_lifetime: f64 = MAX_LIFETIME_SECONDS.parse().expect("a number");
    let Some(Value::Object(claims)) = parse(payload) else { return Verdict::Refused };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let text = |name: &str| claims.get(name).is_none_or(Value::is_string);
    let is_text_or_texts = match claims.get("aud") {
        Some(audiences @ Value::Array(_)) => is_texts(audiences),
        _ => text("aud"),
    };
    // Times before 1970 or beyond 64 bits are rejected.
    let is_time = |time: f64| (0.0..u64::MAX as f64).contains(&time);
    // `None` if it exists but is not a number.
    let moment = |name: &str| claims.get(name).map_or(Some(f64::NEG_INFINITY), Value::as_f64);
    let (Some(expires), Some(begins), Some(issued)) =
        (claims.get("exp").and_then(Value::as_f64), moment("nbf"), moment("iat"))
    else {
        return Verdict::Refused;
    };
    let Some(subject) = claims.get("sub").and_then(Value::as_str).filter(|subject| is_user_id(subject)) else {
        return Verdict::Refused;
    };
    let bounds = [expires + LEEWAY, expires - LEEWAY - max_lifetime, begins - LEEWAY, issued - LEEWAY];
    if !text("iss") || !is_text_or_texts || !is_time(expires) || claims.contains_key("nbf") && !is_time(begins) {
        Verdict::Refused
    } else if bounds.iter().any(|bound| (bound - now).abs() < 60.0) {
        Verdict::Either
    } else if begins > now || issued > now || expires > now + max_lifetime {
        Verdict::Refused
    } else if expires < now {
        Verdict::Expired
    } else {
        Verdict::Accepted(subject.to_owned())
    }
}

fn is_user_id(subject: &str) -> bool {
    let allowed = |character: char| character.is_ascii_alphanumeric() || "-._~:@|".contains(character);
    !["", "me", ".", ".."].contains(&subject) && subject.len() <= 128 && subject.chars().all(allowed)
}

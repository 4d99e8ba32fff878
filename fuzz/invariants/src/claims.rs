//! Header and claims of a token whose signature holds.

use std::cell::RefCell;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use shared::api::{Request, Response};
use shared::app::App;

use crate::api::Api;
use crate::json::parse;
use crate::tokens::sign;

thread_local! {
    static API: Api = Api::with_secret();
}

/// A header, a line feed, and a payload, which are signed as they are: the token is accepted if both are what the README and
/// the RFCs want, read here in another way, and it names the user of its `sub`.
pub fn claims(input: &[u8]) {
    let mut lines = input.splitn(2, |byte| *byte == b'\n');
    let (Some(header), Some(payload)) = (lines.next(), lines.next()) else { return };
    let token = sign(header, payload);
    let accepted = RefCell::new(None);
    let who = async |app: &App, request: &Request| {
        let user = app.authenticate(request).await?;
        accepted.replace(Some(user.id().to_owned()));
        Ok(Response::no_content())
    };
    let event = json!({ "version": "2.0", "headers": { "authorization": format!("Bearer {token}") } }).to_string();
    let answer = API.with(|api| api.answer(who, &event));

    let expected = if token.len() <= 8 * 1024 && is_good_header(header) { judge(payload) } else { Verdict::Refused };
    let status = if matches!(expected, Verdict::Accepted(_)) { 204 } else { 401 };
    match expected {
        Verdict::Either => return,
        Verdict::Accepted(subject) => assert_eq!(accepted.into_inner(), Some(subject)),
        Verdict::Expired => assert_eq!((accepted.into_inner(), answer.code()), (None, "token_expired")),
        Verdict::Refused => assert_eq!((accepted.into_inner(), answer.code()), (None, "token_invalid")),
    }
    assert_eq!(answer.status, status);
}

enum Verdict {
    Accepted(String),
    Expired,
    Refused,
    /// A moment is so near that it depends on when the clock is read.
    Either,
}

fn is_good_header(header: &[u8]) -> bool {
    let Some(Value::Object(header)) = parse(header) else { return false };
    header.get("alg").is_some_and(|algorithm| algorithm == "HS256")
        && header.get("typ").is_none_or(|kind| kind == "JWT" || kind == "application/jwt")
        && header.get("kid").is_none_or(|id| id.as_str().is_some_and(|id| id.len() <= 256))
        && !["crit", "b64", "enc", "zip", "cty"].iter().any(|name| header.contains_key(*name))
}

fn judge(payload: &[u8]) -> Verdict {
    const LEEWAY: f64 = 15.0;
    let Some(Value::Object(claims)) = parse(payload) else { return Verdict::Refused };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let text = |name: &str| claims.get(name).is_none_or(Value::is_string);
    let is_text_or_texts = match claims.get("aud") {
        Some(Value::Array(audiences)) => audiences.iter().all(Value::is_string),
        _ => text("aud"),
    };
    // `None` if it is there and no number.
    let moment = |name: &str| claims.get(name).map_or(Some(f64::NEG_INFINITY), Value::as_f64);
    let (Some(expires), Some(begins), Some(issued)) =
        (claims.get("exp").and_then(Value::as_f64), moment("nbf"), moment("iat"))
    else {
        return Verdict::Refused;
    };
    let Some(subject) = claims.get("sub").and_then(Value::as_str).filter(|subject| is_user_id(subject)) else {
        return Verdict::Refused;
    };
    if !text("iss") || !is_text_or_texts {
        Verdict::Refused
    } else if [expires + LEEWAY, begins - LEEWAY, issued - LEEWAY].iter().any(|bound| (bound - now).abs() < 60.0) {
        Verdict::Either
    } else if begins > now || issued > now {
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

//! A real Better Auth in front of the real functions, in both of the ways that they verify tokens.

use std::fs;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tests::{Answer, Dev, send, temporary_folder};

const JSON: (&str, &str) = ("content-type", "application/json");
const PASSWORD: &str = "correct horse battery";

/// Posts JSON to Better Auth.
async fn post(dev: &Dev, path: &str, body: Value) -> Answer {
    send("POST", &format!("{}/api/auth/{path}", dev.page()), &[JSON], body.to_string()).await
}

async fn get(dev: &Dev, path: &str, bearer: &str) -> Answer {
    let authorization = format!("Bearer {bearer}");
    send("GET", &format!("{}/api/auth/{path}", dev.page()), &[("authorization", &authorization)], "").await
}

/// Signs a new user up and gives the session.
async fn sign_up(dev: &Dev, name: &str) -> String {
    let email = format!("{name}@example.com");
    let answer = post(dev, "sign-up/email", json!({ "name": name, "email": email, "password": PASSWORD })).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    text(&answer.body["token"])
}

async fn sign_in(dev: &Dev, name: &str, password: &str) -> Answer {
    post(dev, "sign-in/email", json!({ "email": format!("{name}@example.com"), "password": password })).await
}

/// The token of a session for the API.
async fn token(dev: &Dev, session: &str) -> String {
    let answer = get(dev, "token", session).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    text(&answer.body["token"])
}

/// Calls the API.
async fn call(dev: &Dev, token: &str, method: &str, path: &str, body: Option<Value>) -> Answer {
    let authorization = format!("Bearer {token}");
    let body = body.map(|body| body.to_string()).unwrap_or_default();
    send(method, &format!("{}/api/{path}", dev.api()), &[JSON, ("authorization", &authorization)], body).await
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// A part of a token, without any check.
fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// The token with another subject, and with another signature.
fn tampered(token: &str) -> [String; 2] {
    let parts: Vec<_> = token.split('.').collect();
    let mut claims = part(token, 1);
    claims["sub"] = json!("somebody-else");
    let claims = BASE64_URL_SAFE_NO_PAD.encode(claims.to_string());
    let mut signature = BASE64_URL_SAFE_NO_PAD.decode(parts[2]).unwrap();
    signature[0] ^= 1;
    let signature = BASE64_URL_SAFE_NO_PAD.encode(signature);
    [format!("{}.{claims}.{}", parts[0], parts[2]), format!("{}.{}.{signature}", parts[0], parts[1])]
}

/// What holds in both modes: a new user works with tasks, and nothing but a whole token of the issuer is believed.
async fn works_for_a_new_user(dev: &Dev, session: &str) -> String {
    let token = token(dev, session).await;
    let claims = part(&token, 1);
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!(dev.page()), &json!("task-api")));

    let created = call(dev, &token, "POST", "me/tasks", Some(json!({ "title": "mine" }))).await;
    assert_eq!(created.status, 201, "{created:?}");
    let own = format!("{}/tasks", text(&claims["sub"]));
    assert_eq!(call(dev, &token, "GET", &own, None).await.titles(), ["mine"]);
    assert_eq!(call(dev, &token, "GET", "somebody-else/tasks", None).await.status, 403);

    let [subject, signature] = tampered(&token);
    // The last two are what front ends send by mistake.
    for refused in [subject.as_str(), &signature, session, "undefined"] {
        let answer = call(dev, refused, "GET", "me/tasks", None).await;
        assert_eq!((answer.status, answer.code()), (401, "token_invalid"), "{refused}");
    }
    token
}

#[tokio::test(flavor = "multi_thread")]
async fn users_keys_and_tasks_survive_a_crash_and_sign_out_ends_a_session() {
    let folder = temporary_folder("key-set");
    let dev = Dev::start(&folder, &[], &[]).await;
    let (anna, ben) = (sign_up(&dev, "anna").await, sign_up(&dev, "ben").await);
    let annas = works_for_a_new_user(&dev, &anna).await;
    assert_eq!(part(&annas, 0)["alg"], "EdDSA");
    let bens = token(&dev, &ben).await;
    assert!(call(&dev, &bens, "GET", "me/tasks", None).await.titles().is_empty());
    let keys = get(&dev, "jwks", "").await.body;
    assert_eq!(keys["keys"].as_array().unwrap().len(), 1);

    let config = send("GET", &format!("{}/config.json", dev.page()), &[], "").await;
    assert_eq!(config.body, json!({ "api_url": dev.api(), "auth_url": dev.page() }));
    for path in ["..%2f..%2fCargo.toml", "%2e%2e/%2e%2e/Cargo.toml", "..%5c..%5cCargo.toml", ".built", "%00"] {
        let answer = send("GET", &format!("{}/{path}", dev.page()), &[], "").await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.header("content-security-policy").contains(&format!("connect-src 'self' {}", dev.api())));
    }

    let port = dev.port();
    dev.kill().await;
    let dev = Dev::start_on(port, &folder, &[], &[]).await;
    assert_eq!(get(&dev, "jwks", "").await.body, keys);
    assert_eq!(call(&dev, &annas, "GET", "me/tasks", None).await.titles(), ["mine"], "the token from before");
    let again = sign_in(&dev, "anna", PASSWORD).await;
    assert_eq!(again.status, 200, "{again:?}");
    assert_eq!(sign_in(&dev, "anna", "another password").await.status, 401);

    let session = text(&again.body["token"]);
    let bearer = format!("Bearer {session}");
    let url = format!("{}/api/auth/sign-out", dev.page());
    assert_eq!(send("POST", &url, &[JSON, ("authorization", &bearer)], "{}").await.status, 200);
    assert_eq!(get(&dev, "token", &session).await.status, 401);
    assert_eq!(get(&dev, "token", &anna).await.status, 200, "another session of the same user");
    drop(dev);
    fs::remove_dir_all(folder).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_signed_with_the_shared_secret_and_a_fresh_start_forgets_users() {
    let folder = temporary_folder("shared-secret");
    let dev = Dev::start(&folder, &["--shared-secret"], &[("ISSUER_TOKEN_LIFETIME", "20s")]).await;
    let session = sign_up(&dev, "anna").await;
    let token = works_for_a_new_user(&dev, &session).await;
    assert_eq!(part(&token, 0), json!({ "alg": "HS256", "typ": "JWT" }));
    let claims = part(&token, 1);
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 20);
    assert_eq!(get(&dev, "jwks", "").await.status, 404);
    dev.kill().await;

    let dev = Dev::start(&folder, &["--shared-secret", "--fresh"], &[]).await;
    assert_eq!(sign_in(&dev, "anna", PASSWORD).await.status, 401);
    drop(dev);
    fs::remove_dir_all(folder).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_contradict_each_other_are_refused_in_one_line() {
    let folder = temporary_folder("refused");
    let url = ("BETTER_AUTH_URL", "https://front.example");
    let secret = ("BETTER_AUTH_SECRET", "0123456789abcdef0123456789abcdef");
    let cases = [
        (vec!["--shared-secret"], vec![url], "BETTER_AUTH_URL"),
        (vec!["--shared-secret"], vec![secret], "BETTER_AUTH_SECRET"),
        (vec![], vec![url, secret], "BETTER_AUTH_SECRET"),
        (vec![], vec![("JWKS", "{}")], "JWKS"),
    ];
    for (options, environment, named) in cases {
        let refusal = Dev::refusal(&folder, &options, &environment).await;
        assert!(refusal.starts_with("error: ") && refusal.contains(named), "{refusal}");
        assert_eq!(refusal.lines().count(), 1, "{refusal}");
    }
    fs::remove_dir_all(folder).unwrap();
}

//! A real Better Auth server with the real functions, in both verification modes.

use std::fs;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use kit::fixtures::root;
use serde_json::{Value, json};
use tests::{Answer, Dev, Issuer, send, temporary_folder};
use tokio::process::Command;

const JSON: (&str, &str) = ("content-type", "application/json");
const PASSWORD: &str = "correct horse battery";

/// A session of Better Auth.
struct Session {
    /// The cookie that a browser sends.
    cookie: String,
    /// The session token that scripts can read.
    token: String,
}

impl Session {
    fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{answer:?}");
        let cookie = answer.header("set-cookie");
        assert!(cookie.contains("; HttpOnly"), "{cookie}");
        Self { cookie: cookie.split(';').next().unwrap().to_owned(), token: text(&answer.body["token"]) }
    }
}

/// Calls Better Auth as the page does, with additional header fields.
async fn auth(dev: &Dev, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
    let origin = dev.page();
    let headers = [&[JSON, ("origin", &origin)], headers].concat();
    let body = if method == "GET" { String::new() } else { body.to_string() };
    send(method, &format!("{}/api/auth/{path}", dev.page()), &headers, body).await
}

async fn get(dev: &Dev, path: &str, headers: &[(&str, &str)]) -> Answer {
    auth(dev, "GET", path, headers, &Value::Null).await
}

fn account(name: &str) -> Value {
    json!({ "name": name, "email": format!("{name}@example.com"), "password": PASSWORD })
}

/// Signs up a new user.
async fn sign_up(dev: &Dev, account: &Value) -> Session {
    Session::of(&auth(dev, "POST", "sign-up/email", &[], account).await)
}

async fn sign_in(dev: &Dev, name: &str, password: &str) -> Answer {
    let credentials = json!({ "email": format!("{name}@example.com"), "password": password });
    auth(dev, "POST", "sign-in/email", &[], &credentials).await
}

/// Gets a session's token for the API.
async fn token(dev: &Dev, session: &Session) -> String {
    let answer = get(dev, "token", &[("cookie", &session.cookie)]).await;
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

/// Decodes a part of a token without verifying it.
fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// Returns the token with another subject, and with another signature.
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

/// Checks both modes' common behavior: a new user can work with tasks, and only an unmodified token of the issuer is
/// accepted.
async fn works_for_a_new_user(dev: &Dev, session: &Session) -> String {
    let token = token(dev, session).await;
    let claims = part(&token, 1);
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!(dev.page()), &json!("task-api")));

    let created = call(dev, &token, "POST", "me/tasks", Some(json!({ "title": "mine" }))).await;
    assert_eq!(created.status, 201, "{created:?}");
    let own = format!("{}/tasks", text(&claims["sub"]));
    assert_eq!(call(dev, &token, "GET", &own, None).await.titles(), ["mine"]);
    assert_eq!(call(dev, &token, "GET", "somebody-else/tasks", None).await.status, 403);

    let [subject, signature] = tampered(&token);
    // Front ends send the last two by mistake.
    for refused in [subject.as_str(), &signature, &session.token, "undefined"] {
        let answer = call(dev, refused, "GET", "me/tasks", None).await;
        assert_eq!((answer.status, answer.code()), (401, "token_invalid"), "{refused}");
    }
    token
}

/// The Content-Security-Policy that web/README.md recommends, adapted to an issuer on the page's origin.
fn recommended_policy(api: &str) -> String {
    let readme = fs::read_to_string(root().join("web/README.md")).unwrap();
    let mut lines = readme.lines().map(str::trim);
    let policy = lines.find_map(|line| line.strip_prefix("Content-Security-Policy: ")).unwrap();
    policy.replace("https://api.example.com https://auth.example.com", api)
}

/// The commands of the README's tour, without the block for the other way to get a token.
fn tour(other_way_to_a_token: &str, dev: &Dev) -> String {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let (_, tour) = readme.split_once("### A tour with curl").unwrap();
    let (tour, _) = tour.split_once("\n## ").unwrap();
    let blocks = tour.split("```sh\n").skip(1).map(|block| block.split_once("```").unwrap().0);
    let tour: String = blocks.filter(|block| !block.contains(other_way_to_a_token)).collect();
    tour.replace("http://127.0.0.1:9001", &dev.page()).replace("http://127.0.0.1:9000", &dev.api())
}

#[tokio::test(flavor = "multi_thread")]
async fn tour_of_the_readme_works_twice_in_a_row() {
    for (options, other_way_to_a_token) in [(&[][..], ".dev/token-alice"), (&["--no-issuer"], "sign-up/email")] {
        let folder = temporary_folder("tour");
        let dev = Dev::start(&folder, options, &[]).await;
        let tour = tour(other_way_to_a_token, &dev).replace(".dev/", "data/");
        let script = format!("{tour}\n{tour}");
        let output = Command::new("sh").args(["-euc", &script]).current_dir(&folder).output().await.unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        let printed = String::from_utf8(output.stdout).unwrap();
        for (expected, count) in
            [("\"next_cursor\":", 2), ("version_mismatch", 2), ("\"code\":", 4), ("HTTP/1.1 204", 2), ("forbidden", 2)]
        {
            assert_eq!(printed.matches(expected).count(), count, "{options:?} {expected}: {printed}");
        }
        assert!(printed.ends_with('\n') && !printed.contains("}{"), "{printed}");
        drop(dev);
        fs::remove_dir_all(folder).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn users_keys_and_tasks_survive_a_crash() {
    let folder = temporary_folder("key-set");
    let dev = Dev::start(&folder, &[], &[]).await;
    let (anna, ben) = (sign_up(&dev, &account("anna")).await, sign_up(&dev, &account("ben")).await);
    let annas = works_for_a_new_user(&dev, &anna).await;
    assert_eq!(part(&annas, 0)["alg"], "EdDSA");
    let bens = token(&dev, &ben).await;
    assert!(call(&dev, &bens, "GET", "me/tasks", None).await.titles().is_empty());
    let keys = get(&dev, "jwks", &[]).await.body;
    assert_eq!(keys["keys"].as_array().unwrap().len(), 1);

    let config = send("GET", &format!("{}/config.json", dev.page()), &[], "").await;
    assert_eq!(config.body, json!({ "api_url": dev.api(), "auth_url": dev.page() }));
    for path in ["..%2f..%2fCargo.toml", "%2e%2e/%2e%2e/Cargo.toml", "..%5c..%5cCargo.toml", ".built", "%00"] {
        let answer = send("GET", &format!("{}/{path}", dev.page()), &[], "").await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.header("content-security-policy"), recommended_policy(&dev.api()));
    }

    let port = dev.port();
    dev.kill().await;
    let dev = Dev::start_on(port, &folder, &[], &[]).await;
    assert_eq!(get(&dev, "jwks", &[]).await.body, keys);
    assert_eq!(call(&dev, &annas, "GET", "me/tasks", None).await.titles(), ["mine"], "the token from before");
    let again = Session::of(&sign_in(&dev, "anna", PASSWORD).await);
    assert_eq!(sign_in(&dev, "anna", "another password").await.status, 401);

    let cookie = [("cookie", again.cookie.as_str())];
    assert_eq!(auth(&dev, "POST", "sign-out", &cookie, &json!({})).await.status, 200);
    assert_eq!(get(&dev, "token", &cookie).await.status, 401);
    token(&dev, &anna).await; // Another session of the same user still works.
    drop(dev);
    fs::remove_dir_all(folder).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn shared_secret_signs_and_fresh_start_forgets_users() {
    let folder = temporary_folder("shared-secret");
    let dev = Dev::start(&folder, &["--shared-secret"], &[("ISSUER_TOKEN_LIFETIME", "20s")]).await;
    let session = sign_up(&dev, &account("anna")).await;
    let token = works_for_a_new_user(&dev, &session).await;
    assert_eq!(part(&token, 0), json!({ "alg": "HS256", "typ": "JWT" }));
    let claims = part(&token, 1);
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 20);
    assert_claims_of_the_subject_alone(&claims);
    assert_eq!(get(&dev, "jwks", &[]).await.status, 404);
    dev.kill().await;

    let dev = Dev::start(&folder, &["--shared-secret", "--fresh"], &[]).await;
    assert_eq!(sign_in(&dev, "anna", PASSWORD).await.status, 401);
    drop(dev);
    fs::remove_dir_all(folder).unwrap();
}

fn assert_claims_of_the_subject_alone(claims: &Value) {
    let mut names: Vec<_> = claims.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["aud", "exp", "iat", "iss", "sub"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_need_the_cookie_and_tokens_stay_small() {
    let folder = temporary_folder("session");
    let dev = Dev::start(&folder, &[], &[]).await;
    let mut eve = account("eve");
    eve["image"] = json!(format!("data:image/png;base64,{}", "A".repeat(8 * 1024)));
    let session = sign_up(&dev, &eve).await;

    let jwt = token(&dev, &session).await;
    assert!(jwt.len() < 1000, "{} bytes", jwt.len());
    assert_claims_of_the_subject_alone(&part(&jwt, 1));

    // A script can read the session token but cannot use it.
    let cookie = [("cookie", session.cookie.as_str())];
    assert_eq!(get(&dev, "get-session", &cookie).await.body["session"]["token"], session.token.as_str());
    let bearer = format!("Bearer {}", session.token);
    let (name, signed) = session.cookie.split_once('=').unwrap();
    let signed = format!("Bearer {signed}");
    for refused in
        [("authorization", &bearer), ("authorization", &signed), ("cookie", &format!("{name}={}", session.token))]
    {
        assert_eq!(get(&dev, "token", &[(refused.0, refused.1)]).await.status, 401, "{refused:?}");
    }

    // The commands that `cargo xtask dev` prints for curl.
    let script = format!("{}\necho $TOKEN", local::dev::sign_up_commands(&dev.page()).join("\n"));
    let output = Command::new("sh").args(["-euc", &script]).env("TMPDIR", &folder).output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(call(&dev, printed.trim(), "GET", "me/tasks", None).await.status, 200, "{printed}");
    drop(dev);
    fs::remove_dir_all(folder).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn production_issuer_verifies_addresses_and_limits_attempts() {
    let folder = temporary_folder("production");
    // Mail can be sent to any server that accepts JSON.
    let mail = Issuer::publishing(&json!({})).await;
    let dev = Dev::start(&folder, &[], &[("ISSUER_MAIL_URL", mail.wire.endpoint())]).await;
    let answer = auth(&dev, "POST", "sign-up/email", &[], &account("anna")).await;
    assert_eq!((answer.status, &answer.body["token"]), (200, &Value::Null), "{answer:?}");
    assert!(!answer.headers.contains_key("set-cookie"));
    let unverified = sign_in(&dev, "anna", PASSWORD).await;
    assert_eq!((unverified.status, &unverified.body["code"]), (403, &json!("EMAIL_NOT_VERIFIED")));

    let mut messages = Vec::new();
    while messages.len() < 2 {
        messages.extend(mail.wire.take());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let message = &messages[0].body;
    assert_eq!(message["to"], "anna@example.com");
    let link = message["text"].as_str().unwrap().split_whitespace().find(|word| word.starts_with("http")).unwrap();
    assert_eq!(send("GET", link, &[], "").await.status, 302);
    let session = Session::of(&sign_in(&dev, "anna", PASSWORD).await);
    token(&dev, &session).await;

    assert_eq!(sign_in(&dev, "anna", "wrong password").await.status, 401);
    let disguise = [("x-forwarded-for", "192.0.2.1")];
    assert_eq!(auth(&dev, "POST", "sign-in/email", &disguise, &account("anna")).await.status, 429);
    for _ in 0..150 {
        assert_eq!(get(&dev, "jwks", &[]).await.status, 200);
    }
    drop(dev);
    fs::remove_dir_all(folder).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn contradicting_settings_are_refused_in_one_line() {
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

/// In both modes, because the issuer signs a token of its own for the erasure.
#[tokio::test(flavor = "multi_thread")]
async fn deleted_account_takes_its_tasks_along() {
    for options in [&[][..], &["--shared-secret"]] {
        let folder = temporary_folder("delete-user");
        let dev = Dev::start(&folder, options, &[]).await;
        let (anna, ben) = (sign_up(&dev, &account("anna")).await, sign_up(&dev, &account("ben")).await);
        let (annas, bens) = (token(&dev, &anna).await, token(&dev, &ben).await);
        for token in [&annas, &bens] {
            assert_eq!(call(&dev, token, "POST", "me/tasks", Some(json!({ "title": "mine" }))).await.status, 201);
        }
        let cookie = [("cookie", anna.cookie.as_str())];
        let wrong = auth(&dev, "POST", "delete-user", &cookie, &json!({ "password": "another" })).await;
        assert_eq!(wrong.status, 400, "{wrong:?}");
        assert_eq!(call(&dev, &annas, "GET", "me/tasks", None).await.titles(), ["mine"]);

        let deleted = auth(&dev, "POST", "delete-user", &cookie, &json!({ "password": PASSWORD })).await;
        assert_eq!(deleted.status, 200, "{deleted:?}");
        assert_eq!(sign_in(&dev, "anna", PASSWORD).await.status, 401);
        assert_eq!(get(&dev, "token", &cookie).await.status, 401);
        // Tokens from before are valid until they expire.
        let export = call(&dev, &annas, "GET", "me/tasks/export", None).await;
        assert_eq!(export.body, json!({ "tasks": [], "deleted": [], "next_cursor": null }));
        assert_eq!(call(&dev, &bens, "GET", "me/tasks", None).await.titles(), ["mine"]);
        drop(dev);
        fs::remove_dir_all(folder).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn account_stays_if_its_tasks_cannot_be_erased() {
    let folder = temporary_folder("not-erased");
    // The functions refuse the token, because it lives longer than they allow.
    let dev = Dev::start(&folder, &[], &[("TOKEN_MAX_LIFETIME_SECONDS", "60")]).await;
    let anna = sign_up(&dev, &account("anna")).await;
    let cookie = [("cookie", anna.cookie.as_str())];
    let refused = auth(&dev, "POST", "delete-user", &cookie, &json!({ "password": PASSWORD })).await;
    assert_eq!((refused.status, &refused.body["code"]), (503, &json!("TASKS_NOT_ERASED")), "{refused:?}");
    token(&dev, &Session::of(&sign_in(&dev, "anna", PASSWORD).await)).await;
    drop(dev);
    fs::remove_dir_all(folder).unwrap();
}

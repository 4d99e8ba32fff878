//! The operator's switch that ends a user's access.

use std::fs;

use kit::fixtures::root;
use serde_json::{Value, json};
use tests::{ALICE, Answer, Api, BOB, Event, Operation, SWITCH_SETTINGS, Signer, now};

async fn api_with_switch() -> Api {
    Api::start_with(&SWITCH_SETTINGS).await
}

/// The item of the command that docs/emergencies.md gives.
fn documented_item(user: &str, not_before: &str) -> Value {
    let page = fs::read_to_string(root().join("docs/emergencies.md")).unwrap();
    let (_, command) = page.split_once("aws dynamodb put-item").unwrap();
    let (_, item) = command.split_once("--item '").unwrap();
    let item = item.split_once('\'').unwrap().0.replace("USER_ID", user).replace("SECONDS", not_before);
    serde_json::from_str(&item).unwrap()
}

async fn call(api: &Api, operation: Operation, user: &str, claims: Value) -> Answer {
    let id = api.create_for(operation, user).await;
    api.wire.take();
    let token = Signer::default().claims(claims).token(user);
    api.call(operation, &Event::anonymous("me").bearer(&token).of(operation, &id)).await
}

#[tokio::test]
async fn ended_access_is_refused_everywhere() {
    let (off, issued) = (Api::start().await, now() - 60);
    let on = off.another_with(&SWITCH_SETTINGS).await;
    off.put("access", &documented_item(ALICE, &issued.to_string()));
    for operation in Operation::of_a_user() {
        for (claims, is_refused) in [
            (json!({ "iat": issued - 1 }), true),
            (json!({ "iat": issued as f64 - 0.5 }), true),
            (json!({ "iat": null }), true),
            (json!({ "iat": issued }), false),
            (json!({ "iat": issued + 1 }), false),
        ] {
            let id = off.create_for(operation, ALICE).await;
            on.wire.take();
            let token = Signer::default().claims(claims.clone()).token(ALICE);
            let answer = on.call(operation, &Event::anonymous("me").bearer(&token).of(operation, &id)).await;
            if !is_refused {
                assert_eq!(answer.status, operation.success(), "{operation:?}, {claims}");
                continue;
            }
            assert_eq!((answer.status, answer.code()), (401, "token_invalid"), "{operation:?}, {claims}");
            assert_eq!(answer.header("www-authenticate"), r#"Bearer realm="tasks", error="invalid_token""#);
            assert_eq!(on.wire.take_operations(), ["GetItem"], "{operation:?}: the switch alone is read");
        }
        let others = call(&on, operation, BOB, json!({ "iat": issued - 1 })).await;
        assert_eq!(others.status, operation.success(), "{operation:?}");
        let ignored = call(&off, operation, ALICE, json!({ "iat": issued - 1 })).await;
        assert_eq!(ignored.status, operation.success(), "{operation:?}: it is off by default");
    }
}

#[tokio::test]
async fn access_ends_and_returns_with_the_next_request() {
    let api = api_with_switch().await;
    let event = Event::by(ALICE);
    for (not_before, status) in [(now() + 1, 401), (9_999_999_999, 401), (0, 200)] {
        api.put("access", &documented_item(ALICE, &not_before.to_string()));
        assert_eq!(api.call(Operation::ListTasks, &event).await.status, status, "{not_before}");
    }
}

#[tokio::test]
async fn malformed_switch_fails_closed() {
    let api = api_with_switch().await;
    for item in [
        json!({}),
        json!({ "not_before": { "S": "0" } }),
        json!({ "not_before": { "NULL": true } }),
        json!({ "Not_before": { "N": "0" } }),
    ] {
        let mut stored = json!({ "user_id": { "S": ALICE } });
        stored.as_object_mut().unwrap().extend(item.as_object().unwrap().clone());
        api.put("access", &stored);
        for operation in Operation::of_a_user() {
            api.wire.take();
            let answer = api.call(operation, &Event::by(ALICE).of(operation, "x")).await;
            assert_eq!((answer.status, answer.code()), (503, "unavailable"), "{operation:?}, {item}");
            assert_eq!(api.wire.take_operations(), ["GetItem"], "{operation:?}");
        }
    }
}

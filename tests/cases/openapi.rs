//! `openapi.yaml` says what the API does: all of it, and nothing else.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use kit::fixtures::{event, root};
use serde_json::{Value, json};
use tests::{ALICE, Answer, Api, BOB, Content, Event, Fault, ISSUER, Key, OpenApi, Operation, Signer};

use crate::completeness::assert_same;

const UNKNOWN: &str = "01990000-0000-7000-8000-000000000000";

#[test]
fn contract_has_exactly_the_routes() {
    let contract = OpenApi::read();
    let listed = contract
        .operations()
        .into_iter()
        .map(|(method, path, definition)| format!("{}: {method} {path}", tests::openapi::function(definition)));
    let routes = Operation::ALL.map(|operation| {
        let (name, method, path) = (operation.name(), operation.method(), operation.path());
        format!("{name}: {method} {path}")
    });
    assert_same("openapi.yaml", &listed.collect(), "tests/kit/src/operation.rs", &BTreeSet::from(routes));
    assert_eq!(contract.document()["info"]["version"], env!("CARGO_PKG_VERSION"));
}

/// Matrices are made from the facts in the list of operations: with a wrong one, cases would drop out.
#[test]
fn operation_facts_match_the_contract() {
    let contract = OpenApi::read();
    for operation in Operation::ALL {
        let at = operation.name();
        let definition = contract.operation(operation);
        let parameters = definition["parameters"].as_array().into_iter().flatten();
        let parameters: BTreeSet<_> = parameters
            .map(|parameter| {
                let parameter = contract.resolve(parameter);
                (parameter["in"].as_str().unwrap(), parameter["name"].as_str().unwrap().to_ascii_lowercase())
            })
            .collect();
        let takes_field = |name: &str| parameters.contains(&("header", name.to_owned()));
        assert_eq!(operation.takes_if_match(), takes_field("if-match"), "If-Match of {at}");
        assert_eq!(
            operation.condition() == Some("if-none-match") || operation.creates_under_its_id(),
            takes_field("if-none-match"),
            "If-None-Match of {at}"
        );
        assert_eq!(operation.takes_idempotency_key(), takes_field("idempotency-key"), "Idempotency-Key of {at}");
        assert_eq!(operation.takes_query(), parameters.iter().any(|(place, _)| *place == "query"), "query of {at}");

        let body = contract.resolve(&definition["requestBody"]);
        assert_eq!(operation.takes_body(), body.is_object(), "body of {at}");
        assert_eq!(operation.needs_body(), body["required"] == true, "required body of {at}");
        if let Some(good) = operation.good_body() {
            let schema = &body["content"]["application/json"]["schema"];
            assert_eq!(contract.errors(schema, &good), [""; 0], "good body of {at}");
        }
        let responses = definition["responses"].as_object().unwrap();
        let successes: Vec<_> = responses.keys().filter(|status| status.starts_with('2')).collect();
        let expected = [Some(operation.success()), operation.creates_under_its_id().then_some(201)];
        let expected: Vec<_> = expected.into_iter().flatten().map(|status| status.to_string()).collect();
        assert!(successes.into_iter().eq(&expected), "success of {at}");
    }
}

#[test]
fn every_body_has_valid_examples() {
    let contract = OpenApi::read();
    let mut count = 0;
    let mut check = |place: &str, schema: &Value, example: &Value| {
        assert_eq!(contract.errors(schema, example), [""; 0], "{place}");
        count += 1;
    };
    let check_content = |place: &str, content: &Value, check: &mut dyn FnMut(&str, &Value, &Value)| {
        for (media_type, content) in content.as_object().into_iter().flatten() {
            let examples = content["examples"].as_object().unwrap_or_else(|| panic!("{place} has no examples"));
            for (name, example) in examples {
                check(
                    &format!("{name} of {media_type} of {place}"),
                    &content["schema"],
                    &contract.resolve(example)["value"],
                );
            }
        }
    };
    for (method, path, definition) in contract.operations() {
        let place = format!("{method} {path}");
        check_content(&place, &definition["requestBody"]["content"], &mut check);
        for (status, response) in definition["responses"].as_object().unwrap() {
            check_content(&format!("{status} of {place}"), &contract.resolve(response)["content"], &mut check);
        }
    }
    for kind in ["parameters", "headers"] {
        for (name, definition) in contract.document()["components"][kind].as_object().unwrap() {
            check(name, &definition["schema"], &definition["example"]);
        }
    }
    assert!(count > 150, "{count}");
}

#[test]
fn documented_fields_are_those_of_a_task() {
    let page = fs::read_to_string(root().join("docs/api.md")).unwrap();
    let (_, section) = page.split_once("\n## Fields\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let first_column = section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once(" | "));
    let listed = first_column.flat_map(|(names, _)| names.split(", ").map(|name| name.trim_matches('`').to_owned()));
    let contract = OpenApi::read();
    let members = contract.document()["components"]["schemas"]["Task"]["properties"].as_object().unwrap();
    // A scope is of a request alone.
    let expected = members.keys().cloned().chain(["scope".to_owned()]);
    assert_same("the table of fields in docs/api.md", &listed.collect(), "Task in openapi.yaml", &expected.collect());
}

#[test]
fn contract_lists_every_problem_code() {
    let source =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/src/api/problem.rs")).unwrap();
    let literal =
        |text: &str| text.trim_start().strip_prefix('"').and_then(|text| Some(text.split_once('"')?.0.to_owned()));
    // A problem is made of `StatusCode::<STATUS>, <code>, …`, with a literal or a constant for the code.
    let after_status = source.split("StatusCode::").skip(1).filter_map(|text| text.split_once(','));
    let made = after_status.filter(|(status, _)| status.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'));
    let codes: BTreeSet<_> = made
        .filter_map(|(_, code)| {
            literal(code).or_else(|| {
                let constant = code.trim_start().split(',').next()?;
                literal(source.split_once(&format!("const {constant}: &str ="))?.1)
            })
        })
        .collect();
    let contract = OpenApi::read();
    let listed = contract.document()["components"]["schemas"]["ProblemCode"]["enum"].as_array().unwrap();
    let listed: BTreeSet<_> = listed.iter().map(|code| code.as_str().unwrap().to_owned()).collect();
    assert_same("ProblemCode in openapi.yaml", &listed, "shared/src/api/problem.rs", &codes);

    let operations = contract.operations();
    let responses =
        operations.iter().flat_map(|(_, _, definition)| definition["responses"].as_object().unwrap().values());
    let mut used: BTreeSet<_> = responses.flat_map(|response| contract.codes(response)).collect();
    used.extend(["invalid_event", "not_attempted", "batch_too_large"].map(str::to_owned));
    assert_same("the responses of openapi.yaml", &used, "shared/src/api/problem.rs", &codes);
}

#[test]
fn contract_names_the_security_headers() {
    let contract = OpenApi::read();
    let description = contract.document()["info"]["description"].as_str().unwrap();
    for (name, value) in &kit::ON_EVERY_ANSWER[1..] {
        assert!(description.contains(&format!("`{name}: {value}`")), "{name}");
    }
}

/// Calls an operation in every way that is answered differently, and gives the answers.
struct Caller {
    api: Api,
    operation: Operation,
    answers: Vec<Answer>,
}

impl Caller {
    /// To a new task of Alice's, if the operation needs one.
    async fn on_a_task(&self, event: Event) -> Event {
        if self.operation.is_on_a_task() {
            event.task(&self.api.create_for(self.operation, ALICE).await)
        } else {
            event
        }
    }

    async fn send(&mut self, event: Event) {
        let answer = self.api.call(self.operation, &event).await;
        self.answers.push(answer);
    }

    /// With a good body, while DynamoDB answers so.
    async fn good(&mut self, event: Event, fault: Fault) {
        let event = self.on_a_task(event).await.good_body(self.operation);
        self.api.wire.fail_all(fault);
        self.send(event).await;
        self.api.wire.fail_all(Fault::None);
    }

    /// Everything that takes one request.
    async fn everything(&mut self) {
        let (operation, me, nobody) = (self.operation, || Event::by(ALICE), || Event::anonymous(ALICE));
        let expired = Signer::default().claims(json!({ "exp": 1 })).token(ALICE);
        let mut good = vec![me(), nobody(), nobody().bearer("undefined"), nobody().bearer(&expired), me().at(BOB)];
        let mut queries = vec!["limit=0&x=y", "x=<y>"];
        if operation.takes_query() {
            queries.extend(["status=open&limit=1", "cursor=x", "limit=1", "since=x"]);
            for title in ["one", "two"] {
                self.api.create_titled(title).await;
            }
        }
        good.extend(queries.into_iter().map(|query| me().raw_query(query)));
        let (is_on_a_task, takes_key) = (operation.is_on_a_task(), operation.takes_idempotency_key());
        let condition = operation.condition().unwrap_or("if-match");
        let fields = [
            (is_on_a_task, condition, "1"),
            (is_on_a_task, condition, "\"1\""),
            (is_on_a_task, "if-match", "\"7\""),
            (takes_key, "idempotency-key", "a b"),
            (takes_key, "idempotency-key", "k"),
        ];
        good.extend(fields.into_iter().filter(|field| field.0).map(|(_, name, value)| me().header(name, value)));
        for event in good {
            self.good(event, Fault::None).await;
        }
        let faults = [(500, "InternalServerError"), (400, "ValidationException")];
        let of_writes = (!operation.reads()).then_some((400, "ItemCollectionSizeLimitExceededException"));
        for (status, name) in faults.into_iter().chain(of_writes) {
            self.good(me(), Fault::Error(status, name)).await;
        }
        let bodies = [
            ("application/json", "{\"title\""),
            ("application/json", "{\"user_id\":\"bob\",\"tags\":[1]}"),
            ("application/x-www-form-urlencoded", "title=x"),
            ("application/json", &" ".repeat(operation.max_body_bytes() + 1)),
        ];
        for (content_type, body) in bodies.into_iter().filter(|_| operation.takes_body()) {
            let event = self.on_a_task(me()).await.body(content_type, body);
            self.send(event).await;
        }
        for id in [UNKNOWN, "none"].into_iter().filter(|_| is_on_a_task) {
            self.send(me().task(id).good_body(operation)).await;
        }
        let own = [(UNKNOWN, "*"), (UNKNOWN, "*"), ("none", "*"), (UNKNOWN, "\"1\"")];
        for (id, condition) in own.into_iter().filter(|_| operation.creates_under_its_id()) {
            self.send(me().task(id).header("if-none-match", condition).good_body(operation)).await;
        }
    }

    async fn everything_about_a_sync_token(&mut self) {
        let expired = event("list-changes.expired-since").replace("TOKEN", &Signer::default().token(ALICE));
        self.answers.push(self.api.call_raw(self.operation, &expired).await);
        let latest = self.api.call(self.operation, &Event::by(ALICE).raw_query("since=latest")).await;
        self.api.call(Operation::EraseTasks, &Event::by(ALICE)).await;
        self.send(Event::by(ALICE).query(&[("since", latest.body["next"].as_str().unwrap())])).await;
    }

    async fn everything_about_a_key_of_another_write(&mut self) {
        let id = self.api.create_titled("one").await;
        let keyed = || Event::by(ALICE).task(&id).header("idempotency-key", "k");
        self.api.call(Operation::UpdateTask, &keyed().json(&json!({ "title": "two" }))).await;
        self.send(keyed().good_body(self.operation)).await;
        if self.operation == Operation::SkipTask {
            self.send(Event::by(ALICE).task(&id)).await;
        }
    }

    async fn everything_about_a_deleted_task(&mut self) {
        let id = self.api.create_titled("one").await;
        self.api.call(Operation::DeleteTask, &Event::by(ALICE).task(&id)).await;
        self.send(Event::by(ALICE).task(&id)).await;
        self.api.call(Operation::DeleteTask, &Event::by(ALICE).task(&id)).await;
        let mut item = self.api.item(ALICE, &id);
        item["deleted_at"]["S"] = json!("2026-01-01T00:00:00.000Z");
        self.api.put("tasks", &item);
        self.send(Event::by(ALICE).task(&id)).await;

        let parent = self.api.create_titled("parent").await;
        let subtask = self.api.create_id(ALICE, json!({ "title": "subtask", "parent_id": parent })).await;
        for id in [&subtask, &parent] {
            self.api.call(Operation::DeleteTask, &Event::by(ALICE).task(id)).await;
        }
        self.send(Event::by(ALICE).task(&subtask)).await;
    }

    async fn everything_about_a_remembered_key(&mut self) {
        let keyed = |title: &str| Event::by(ALICE).header("idempotency-key", "l").json(&json!({ "title": title }));
        for title in ["x", "x", "y"] {
            self.send(keyed(title)).await;
        }
        let created = self.answers.iter().rev().find(|answer| answer.status == 201);
        let created = created.unwrap_or_else(|| panic!("{:?} creates no task", self.operation));
        let id = created.body["id"].clone();
        self.api.call(Operation::DeleteTask, &Event::by(ALICE).task(id.as_str().unwrap())).await;
        self.send(keyed("x")).await;
        let keyed = Event::by(ALICE).header("idempotency-key", "m");
        self.good(keyed, Fault::Cancelled("TransactionConflict")).await;
    }

    async fn everything_about_a_batch(&mut self) {
        let nowhere = [("BETTER_AUTH_URL", ISSUER), ("JWKS_URL", "http://127.0.0.1:1/jwks")];
        let without_keys = self.api.another_with(&nowhere).await;
        let event = Event::anonymous(ALICE).bearer(&Signer::with(Key::Ed25519).token(ALICE));
        self.answers.push(without_keys.call(self.operation, &event.good_body(self.operation)).await);
    }
}

#[tokio::test]
async fn answers_and_contract_agree() {
    let contract = OpenApi::read();
    for operation in Operation::ALL {
        let mut caller = Caller { api: Api::start().await, operation, answers: Vec::new() };
        caller.everything().await;
        if operation.takes_idempotency_key() && operation.is_on_a_task() {
            caller.everything_about_a_key_of_another_write().await;
        } else if operation.takes_idempotency_key() {
            caller.everything_about_a_remembered_key().await;
        }
        match operation.answers() {
            _ if operation == Operation::RestoreTask => caller.everything_about_a_deleted_task().await,
            Content::Changes => caller.everything_about_a_sync_token().await,
            Content::Rows => caller.everything_about_a_batch().await,
            Content::Erasure => caller.send(Event::by(ALICE).header("confirm-erase", BOB)).await,
            _ => {}
        }

        let mut given = BTreeSet::new();
        for answer in &caller.answers {
            contract.check(operation, answer);
            given.insert((answer.status.to_string(), answer.code().to_owned()));
        }
        if operation.answers() == Content::Rows {
            // What DynamoDB fails is said of each item: this is left for a panic.
            given.insert(("500".to_owned(), "internal".to_owned()));
        }
        let responses = contract.operation(operation)["responses"].as_object().unwrap();
        let listed = responses.iter().flat_map(|(status, response)| {
            let codes = contract.codes(response);
            let success = codes.is_empty().then(String::new);
            codes.into_iter().chain(success).map(move |code| (status.clone(), code))
        });
        // Only API Gateway throttles.
        let listed: BTreeSet<_> = listed.filter(|(status, _)| status != "429").collect();
        assert_same(&format!("{} in openapi.yaml", operation.name()), &listed, "the answers given", &given);
    }
}

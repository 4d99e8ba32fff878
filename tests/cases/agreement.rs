//! Checks that all places that describe an operation agree: `functions/`, `template.yaml`, the local routes, the
//! documentation, and the code.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use kit::fixtures::root;
use local::template::{Route, Template};
use serde_json::{Value, json};
use shared::app::ANSWER_WITHIN;
use shared::aws::Access;
use shared::settings::Settings;
use tests::{ALICE, Api, Content, Event, Operation, Recorded, SECRET_SETTINGS, SWITCH_SETTINGS};

use crate::completeness::assert_same;

fn names() -> BTreeSet<&'static str> {
    Operation::ALL.into_iter().map(Operation::name).collect()
}

/// The routes of each function.
pub(crate) type Routes = BTreeMap<String, BTreeSet<Route>>;

pub(crate) fn template_routes() -> Routes {
    let template = Template::read().unwrap();
    let routes = template.functions.iter().map(|function| {
        let routes = function.routes.iter().cloned().collect();
        (function.binary.clone(), routes)
    });
    routes.collect()
}

/// The output of `cargo metadata` for the workspace.
pub(crate) fn metadata() -> Value {
    let cargo = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version=1"])
        .current_dir(root())
        .output()
        .unwrap();
    serde_json::from_slice(&cargo.stdout).unwrap()
}

pub(crate) fn local_routes() -> Routes {
    let mut routes = Routes::new();
    for (path, methods) in metadata()["metadata"]["lambda"]["watch"]["router"].as_object().unwrap() {
        for route in methods.as_array().unwrap() {
            let text = |name: &str| route[name].as_str().unwrap().to_owned();
            let route = Route { method: text("method"), path: path.clone() };
            routes.entry(text("function")).or_default().insert(route);
        }
    }
    routes.remove("_");
    routes
}

#[test]
fn routes_agree_everywhere() {
    let routes = Operation::ALL.map(|operation| {
        let route = Route { method: operation.method().to_owned(), path: operation.path().to_owned() };
        (operation.name().to_owned(), BTreeSet::from([route]))
    });
    let routes = flat(&Routes::from(routes));
    for (place, listed) in [("template.yaml", template_routes()), ("the router in Cargo.toml", local_routes())] {
        assert_same(place, &flat(&listed), "tests/kit/src/operation.rs", &routes);
    }
}

/// One line per route.
fn flat(routes: &Routes) -> BTreeSet<String> {
    let lines = routes
        .iter()
        .flat_map(|(name, routes)| routes.iter().map(move |Route { method, path }| format!("{name}: {method} {path}")));
    lines.collect()
}

#[test]
fn resource_is_named_after_its_binary() {
    for function in Template::read().unwrap().functions {
        let words = function.binary.split('-').map(|word| format!("{}{}", word[..1].to_uppercase(), &word[1..]));
        assert_eq!(function.logical_id, format!("{}Function", words.collect::<String>()));
    }
}

/// Whether a file has a test with this name.
fn has_test(file: &Path, name: &str) -> bool {
    let Ok(text) = fs::read_to_string(file) else { return false };
    let declaration_first = text.lines().rev().skip_while(|line| !line.contains(&format!("fn {name}()")));
    let mut attributes = declaration_first.skip(1).map(str::trim).take_while(|line| line.starts_with("#["));
    attributes.any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
}

#[test]
fn documented_tests_exist() {
    let security = fs::read_to_string(root().join("SECURITY.md")).unwrap();
    let mut named = 0;
    // [`module::name`](file)
    for link in security.split("[`").skip(1) {
        let Some(((test, rest), (module, name))) =
            link.split_once("`](").and_then(|parts| Some((parts, parts.0.rsplit_once("::")?)))
        else {
            continue;
        };
        let file = root().join(rest.split_once(')').unwrap().0);
        assert!(has_test(&file, name), "{test} is not in {}", file.display());
        assert!(module == "tests" || file.file_stem().unwrap() == module, "{test} names another module");
        named += 1;
    }
    assert!(named > 50, "only {named} tests are named");

    // `module::name`, where the module is one of the cases or of the verifier's
    for page in ["docs/architecture.md", "docs/emergencies.md"] {
        let text = fs::read_to_string(root().join(page)).unwrap();
        for (module, name) in text.split('`').filter_map(|text| text.split_once("::")) {
            let folders = ["tests/cases", "tests/cases/faults", "shared/src/auth"];
            let files = folders.map(|folder| root().join(folder).join(module).with_extension("rs"));
            let mut existing = files.iter().filter(|file| file.exists()).peekable();
            assert!(
                existing.peek().is_none() || existing.any(|file| has_test(file, name)),
                "{page} names {module}::{name}, which does not exist"
            );
        }
    }
}

#[test]
fn every_guarantee_has_a_test() {
    let security = fs::read_to_string(root().join("SECURITY.md")).unwrap();
    let tables: Vec<_> = security.split("| guarantee | tests |\n|---|---|\n").skip(1).collect();
    assert!(tables.len() > 3);
    for row in tables.into_iter().flat_map(|table| table.lines().take_while(|line| line.starts_with('|'))) {
        assert!(row.contains("`]("), "{row}");
    }
}

#[test]
fn documented_handler_is_the_functions_own() {
    let lines = |text: &str| text.lines().map(str::trim).collect::<Vec<_>>().join("\n");
    let [page, function] = ["docs/architecture.md", "functions/update-task/src/lib.rs"]
        .map(|file| fs::read_to_string(root().join(file)).unwrap());
    let sample = page.split("```rust\n").nth(1).unwrap().split("```").next().unwrap();
    assert!(lines(&function).contains(&lines(sample)), "docs/architecture.md differs from update-task");
}

#[test]
fn functions_depend_on_shared_and_tokio_alone() {
    let packages = metadata()["packages"].as_array().unwrap().clone();
    for name in names() {
        let package = packages.iter().find(|package| package["name"] == *name);
        let package = package.unwrap_or_else(|| panic!("add a package {name} to functions/"));
        let dependencies: Vec<_> = package["dependencies"].as_array().unwrap().iter().map(|on| &on["name"]).collect();
        assert_eq!(dependencies, ["shared", "tokio"], "functions/{name}/Cargo.toml");
    }
}

/// Names that only some modules may use, although the crate's manifest allows them everywhere, and those modules.
const RESTRICTED: [(&str, &[&str]); 6] = [
    // `aws` creates the client but knows neither tables nor items.
    ("aws_sdk_dynamodb", &["shared/src/store", "shared/src/aws/"]),
    ("StatusCode", &["shared/src/api/"]),
    ("jsonwebtoken", &["shared/src/auth"]),
    ("ring::signature", &["shared/src/auth/"]),
    ("hmac::verify(", &["shared/src/auth/ring_provider.rs"]),
    ("jsonwebtoken::decode(", &["shared/src/auth/keys.rs"]),
];

#[test]
fn one_module_verifies_and_one_knows_dynamodb() {
    let mut used = BTreeMap::new();
    for file in rust_files(&root().join("shared/src")).into_iter().chain(rust_files(&root().join("functions"))) {
        let text = fs::read_to_string(&file).unwrap();
        let path = file.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
        // An import would hide the calls that are counted below.
        for import in text.split("use jsonwebtoken").skip(1).filter_map(|rest| rest.split(';').next()) {
            let mut words = import.split(|c: char| !(c.is_alphanumeric() || "_*".contains(c)));
            assert!(!words.any(|word| ["as", "*", "self", "decode", "dangerous"].contains(&word)), "{path}: {import}");
        }
        for (word, places) in RESTRICTED {
            let uses = text.matches(word).count();
            assert!(uses == 0 || places.iter().any(|place| path.starts_with(place)), "{path} uses {word}");
            *used.entry(word).or_insert(0) += uses;
        }
    }
    assert!(used.values().all(|&uses| uses > 0), "{used:?}");
    assert_eq!(used["jsonwebtoken::decode("], 1, "one call verifies tokens");
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = paths.flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] });
    files.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

#[test]
fn function_gets_exactly_the_settings_it_reads() {
    let read = RefCell::new(BTreeSet::new());
    let values = BTreeMap::from(SECRET_SETTINGS);
    let variable = |name: &str| {
        read.borrow_mut().insert(name.to_owned());
        values.get(name).map(ToString::to_string).or_else(|| name.ends_with("_TABLE").then(|| "x".to_owned()))
    };
    Settings::read(variable, Access::new("eu-central-1", "x", "x")).unwrap();
    let read = read.into_inner();
    // Lambda sets the region and the credentials, and on AWS no endpoint is set.
    let mut ours: BTreeSet<_> = read.into_iter().filter(|name| !name.starts_with("AWS_")).collect();
    // The C library reads these.
    ours.extend(["RES_OPTIONS", "GLIBC_TUNABLES"].map(str::to_owned));
    for function in Template::read().unwrap().functions {
        assert_same(&format!("{} in template.yaml", function.logical_id), &function.environment, "the code", &ours);
    }
    let page = fs::read_to_string(root().join("docs/settings.md")).unwrap();
    for name in ours {
        assert!(page.contains(&format!("| `{name}` |")), "missing in docs/settings.md: {name}");
    }
}

#[test]
fn answers_come_before_lambda_and_gateway_time_out() {
    const API_GATEWAY_SECONDS: u64 = 30;
    for function in Template::read().unwrap().functions {
        assert!(ANSWER_WITHIN.as_secs() + 3 <= function.timeout, "{}", function.logical_id);
        assert!(function.timeout < API_GATEWAY_SECONDS);
    }
}

/// Calls an operation in every way that causes different requests to DynamoDB, and returns the requests.
pub(crate) async fn every_request_of(api: &Api, operation: Operation) -> Vec<Recorded> {
    let bodies = [json!({}), json!({ "due": "2026-12-01" }), json!({ "completed": true })]
        .into_iter()
        .chain(operation.good_body());
    let keys = if operation.takes_idempotency_key() { &["k", "k"][..] } else { &[] };
    let mut recorded = Vec::new();
    let daily = json!({ "rule": "FREQ=DAILY" });
    for (completed, recurrence) in [(false, &Value::Null), (true, &Value::Null), (false, &daily)] {
        let task = json!({ "title": "one", "tags": ["work"], "due": "2026-12-01", "recurrence": recurrence });
        let id = api.create_id(ALICE, task).await;
        if completed {
            api.call(Operation::CompleteTask, &Event::by(ALICE).task(&id)).await;
        }
        let parent = api.create_id(ALICE, json!({ "title": "parent", "position": "a1" })).await;
        let subtask = api.create_id(ALICE, json!({ "title": "subtask", "parent_id": parent })).await;
        if operation == Operation::RestoreTask {
            api.call(Operation::DeleteTask, &Event::by(ALICE).task(&parent)).await;
        }
        let good = Event::by(ALICE).of(operation, &id);
        let mut events = vec![good.clone()];
        events.extend(keys.iter().map(|key| good.clone().header("idempotency-key", key)));
        events.extend(operation.queries().iter().map(|query| good.clone().raw_query(query)));
        events.push(good.clone().at("me"));
        if operation.creates_under_its_id() {
            let other = format!("01990000-0000-7000-8000-{:012}", recorded.len());
            events.push(good.clone().task(&other).header("if-none-match", "*"));
        }
        if operation.takes_body() {
            let on_task = if operation.is_on_a_task() { Event::by(ALICE).task(&id) } else { Event::by(ALICE) };
            events.extend(bodies.clone().map(|body| on_task.clone().json(&body)));
        }
        if operation.is_on_a_task() {
            events.extend([&subtask, &parent].map(|task| Event::by(ALICE).of(operation, task)));
        }
        if operation == Operation::UpdateTask || operation == Operation::ReplaceTask {
            let completes = json!({ "title": "parent", "completed": true });
            events.push(Event::by(ALICE).task(&parent).json(&completes));
        }
        if operation == Operation::CreateTask {
            events.push(Event::by(ALICE).json(&json!({ "title": "one more", "parent_id": parent })));
        }
        if operation.answers() == Content::Rows {
            let parent = json!({ "items": [{ "op": "delete", "id": parent }] });
            events.push(Event::by(ALICE).json(&parent));
            events.extend(batches(&id).map(|body| Event::by(ALICE).json(&body)));
        }
        if operation.answers() == Content::Erasure {
            let keyed = Event::by(ALICE).header("idempotency-key", &id).json(&json!({ "title": "one" }));
            api.call(Operation::CreateTask, &keyed).await;
        }
        api.wire.take();
        for (number, event) in events.iter().enumerate() {
            let answer = api.call(operation, event).await;
            // Not every operation accepts every body, and a deleted task is gone.
            let is_known = answer.status < 300
                || (number > 0 && [404, 422].contains(&answer.status))
                || answer.code() == "no_next_occurrence";
            assert!(is_known, "{operation:?}: {answer:?}");
        }
        recorded.extend(api.wire.take());
    }
    recorded
}

/// Batches of everything that there is to write, in one way and in the other.
fn batches(id: &str) -> [Value; 2] {
    let items = [
        json!({ "op": "update", "id": id, "changes": { "title": "two" } }),
        json!({ "op": "update", "id": id, "changes": {} }),
        json!({ "op": "skip", "id": id }),
        json!({ "op": "complete", "id": id, "completed": true }),
        json!({ "op": "delete", "id": id }),
    ];
    let new = json!({ "op": "create", "id": "01990000-0000-7000-8000-000000000001", "task": { "title": "new" } });
    [json!({ "atomic": true, "items": [items[0], new] }), json!({ "items": items })]
}

/// The permissions that a request needs. A transaction is authorized like its individual actions.
fn permissions(request: &Recorded) -> Vec<(String, String)> {
    let permission = |action: &Value| {
        let (name, request) = action.as_object().unwrap().iter().next().unwrap();
        assert!(["Put", "Update"].contains(&name.as_str()), "{name}");
        (format!("{name}Item"), table(request))
    };
    if let Some(actions) = request.body["TransactItems"].as_array() {
        return actions.iter().map(permission).collect();
    }
    if let Some(tables) = request.body["RequestItems"].as_object() {
        return tables.keys().map(|table| (request.operation.clone(), table.clone())).collect();
    }
    vec![(request.operation.clone(), table(&request.body))]
}

fn table(request: &Value) -> String {
    let table = request["TableName"].as_str().unwrap();
    request["IndexName"].as_str().map_or_else(|| table.to_owned(), |index| format!("{table}/{index}"))
}

#[tokio::test]
async fn role_allows_exactly_what_its_function_does() {
    let api = Api::start_with(&SWITCH_SETTINGS).await;
    let template = Template::read().unwrap();
    for operation in Operation::ALL {
        let requests = every_request_of(&api, operation).await;
        let needed: BTreeSet<_> = requests.iter().flat_map(permissions).collect();

        let function = template.functions.iter().find(|function| function.binary == operation.name());
        let function = function.unwrap_or_else(|| panic!("add {} to template.yaml", operation.name()));
        assert_same(
            &format!("the role of {}", operation.name()),
            &function.permissions,
            &format!("the code of {}", operation.name()),
            &needed,
        );
    }
}

#[test]
fn no_role_can_scan_or_manage_a_table() {
    for function in Template::read().unwrap().functions {
        for (action, table) in function.permissions {
            let is_allowed = match action.as_str() {
                "GetItem" | "PutItem" | "Query" | "UpdateItem" => true,
                "BatchWriteItem" => function.binary == "erase-tasks",
                _ => false,
            };
            assert!(is_allowed, "{} may {action} on {table}", function.binary);
        }
    }
}

#[test]
fn role_writes_the_log_of_its_function_alone() {
    for function in Template::read().unwrap().functions {
        let log = function.logical_id.replace("Function", "LogGroup.Arn");
        let needed = [
            ("logs:CreateLogStream", log.as_str()),
            ("logs:PutLogEvents", &log),
            ("kms:Decrypt", "KeyArn"),
            ("secretsmanager:GetSecretValue", "BetterAuthSecretArn"),
        ];
        let takes_token = Operation::named(&function.binary).is_some_and(Operation::takes_token);
        let needed = needed.into_iter().filter(|(_, resource)| takes_token || *resource != "BetterAuthSecretArn");
        let needed = needed.map(|(action, resource)| (action.to_owned(), resource.to_owned()));
        let role = format!("the role of {}", function.logical_id);
        assert_same(&role, &function.other_permissions, "what every function needs", &needed.collect());
    }
}

#[tokio::test]
async fn items_expire_by_the_templates_attribute() {
    let api = Api::start().await;
    let event = Event::by(ALICE).header("idempotency-key", "k").json(&json!({ "title": "one" }));
    let id = api.call(Operation::CreateTask, &event).await.body["id"].as_str().unwrap().to_owned();
    api.call(Operation::DeleteTask, &Event::by(ALICE).task(&id)).await;
    for table in Template::read().unwrap().tables {
        let attribute = table.time_to_live.unwrap();
        let items = api.items(&table.local_name, ALICE);
        assert!(items.iter().all(|item| item[&attribute]["N"].is_string()), "{}", table.local_name);
        for index in &table.local_indexes {
            let projection = index.projection().and_then(|projection| projection.projection_type()).unwrap();
            assert_eq!(projection.as_str(), "ALL", "attributes that are not projected are silently missing");
        }
    }
}

//! One name in every place: what `functions/`, `template.yaml`, the local routes and the code itself say of an operation
//! is the same.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use local::template::{Route, Template};
use serde_json::{Value, json};
use shared::app::ANSWER_WITHIN;
use shared::aws::Access;
use shared::settings::Settings;
use tests::{ALICE, Api, Event, Operation, Recorded, SECRET_SETTINGS};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn names() -> BTreeSet<String> {
    Operation::ALL.iter().map(|operation| operation.name().to_owned()).collect()
}

/// The routes of each function.
type Routes = BTreeMap<String, BTreeSet<Route>>;

fn template_routes() -> Routes {
    let template = Template::read().unwrap();
    let routes = template.functions().iter().map(|function| {
        let routes = function.routes.iter().cloned().collect();
        (function.binary.clone(), routes)
    });
    routes.collect()
}

fn local_routes() -> Routes {
    let cargo = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version=1"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&cargo.stdout).unwrap();
    let mut routes = Routes::new();
    for (path, methods) in metadata["metadata"]["lambda"]["watch"]["router"].as_object().unwrap() {
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
fn directories_template_and_local_routes_list_the_same_operations() {
    let directories = fs::read_dir(root().join("functions")).unwrap();
    let directories: BTreeSet<_> = directories.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(directories, names());
    assert_eq!(template_routes().into_keys().collect::<BTreeSet<_>>(), names());
    assert_eq!(local_routes(), template_routes());
    assert!(template_routes().values().all(|routes| routes.len() == 1), "one operation, one route");
}

#[test]
fn a_resource_is_named_after_its_binary() {
    for function in Template::read().unwrap().functions() {
        let words = function.binary.split('-').map(|word| format!("{}{}", word[..1].to_uppercase(), &word[1..]));
        assert_eq!(function.logical_id, format!("{}Function", words.collect::<String>()));
    }
}

#[test]
fn documentation_lists_every_route() {
    let page = fs::read_to_string(root().join("docs/api.md")).unwrap();
    for route in template_routes().into_values().flatten() {
        let row = format!("| `{} {}` |", route.method, route.path);
        assert!(page.contains(&row), "missing in docs/api.md: {row}");
    }
}

/// Whether a file has a test of this name.
fn has_test(file: &Path, name: &str) -> bool {
    let Ok(text) = fs::read_to_string(file) else { return false };
    let declaration_first = text.lines().rev().skip_while(|line| !line.contains(&format!("fn {name}()")));
    let mut attributes = declaration_first.skip(1).map(str::trim).take_while(|line| line.starts_with("#["));
    attributes.any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
}

#[test]
fn every_test_that_the_documentation_names_is_there() {
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
        assert!(module == "tests" || file.file_stem().unwrap() == module, "{test} has another module");
        named += 1;
    }
    assert!(named > 50, "{named} tests are named");

    // `module::name`, of the cases
    let architecture = fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    for (module, name) in architecture.split('`').filter_map(|text| text.split_once("::")) {
        let file = root().join("tests/cases").join(module).with_extension("rs");
        assert!(!file.exists() || has_test(&file, name), "{module}::{name} is not there");
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
fn a_function_is_a_few_lines_of_wiring_around_a_short_operation() {
    for name in names() {
        let folder = root().join("functions").join(&name);
        let main = fs::read_to_string(folder.join("src/main.rs")).unwrap();
        assert!(main.lines().count() <= 10, "{name}");
        let operation = fs::read_to_string(folder.join("src/lib.rs")).unwrap();
        let (_, body) = operation.split_once("pub async fn handle(").unwrap();
        assert!(body.lines().count() <= 13, "{name}: {body}");
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let (_, dependencies) = manifest.split_once("[dependencies]\n").unwrap();
        let dependencies: Vec<_> = dependencies.lines().take_while(|line| !line.is_empty()).collect();
        assert_eq!(dependencies, ["shared.workspace = true", "tokio.workspace = true"], "{name}");
    }
}

#[test]
fn only_one_file_verifies_signatures_and_only_the_store_knows_dynamodb() {
    let (mut verifying, mut decoding) = (Vec::new(), Vec::new());
    for file in rust_files(&root().join("shared/src")).into_iter().chain(rust_files(&root().join("functions"))) {
        let text = fs::read_to_string(&file).unwrap();
        let path = file.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
        // `aws` makes the client, and knows neither tables nor items.
        let knows_dynamodb = path.starts_with("shared/src/store") || path.starts_with("shared/src/aws/");
        assert!(!text.contains("aws_sdk_dynamodb") || knows_dynamodb, "{path}");
        assert!(!text.contains("ring::signature") || path.starts_with("shared/src/auth/"), "{path}");
        assert!(!text.contains("StatusCode") || path.starts_with("shared/src/api/"), "{path}");
        assert!(!text.contains("jsonwebtoken") || path.starts_with("shared/src/auth"), "{path}");
        if text.contains("hmac::verify(") {
            verifying.push(path.clone());
        }
        decoding.extend(text.matches("jsonwebtoken::decode(").map(|_| path.clone()));
    }
    assert_eq!(verifying, ["shared/src/auth/ring_provider.rs"]);
    assert_eq!(decoding, ["shared/src/auth/keys.rs"]);
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

#[test]
fn a_function_gets_the_settings_that_it_reads_and_no_others() {
    let read = RefCell::new(BTreeSet::new());
    let values = BTreeMap::from(SECRET_SETTINGS);
    let variable = |name: &str| {
        read.borrow_mut().insert(name.to_owned());
        values.get(name).map(ToString::to_string).or_else(|| name.ends_with("_TABLE").then(|| "x".to_owned()))
    };
    Settings::read(variable, Access::new("eu-central-1", "x", "x")).unwrap();
    let read = read.into_inner();
    // Lambda itself sets region and credentials; nobody sets an endpoint in AWS.
    let mut ours: BTreeSet<_> = read.into_iter().filter(|name| !name.starts_with("AWS_")).collect();
    // Read by the C library, when it looks up a name, and when it starts.
    ours.extend(["RES_OPTIONS", "GLIBC_TUNABLES"].map(str::to_owned));
    for function in Template::read().unwrap().functions() {
        assert_eq!(function.environment.iter().cloned().collect::<BTreeSet<_>>(), ours, "{}", function.logical_id);
    }
    let page = fs::read_to_string(root().join("docs/settings.md")).unwrap();
    for name in ours {
        assert!(page.contains(&format!("| `{name}` |")), "missing in docs/settings.md: {name}");
    }
}

#[test]
fn an_answer_comes_before_lambda_and_api_gateway_give_up() {
    const API_GATEWAY_SECONDS: u64 = 30;
    for function in Template::read().unwrap().functions() {
        assert!(ANSWER_WITHIN.as_secs() + 3 <= function.timeout, "{}", function.logical_id);
        assert!(function.timeout < API_GATEWAY_SECONDS);
    }
}

/// Calls an operation in every way that makes it ask DynamoDB something else.
async fn every_request_of(api: &Api, operation: Operation) -> Vec<Recorded> {
    let mut recorded = Vec::new();
    for completed in [false, true] {
        let id = api.create(ALICE, json!({ "title": "one", "tags": ["a"] })).await["id"].as_str().unwrap().to_owned();
        if completed {
            api.call(Operation::CompleteTask, &Event::by(ALICE).task(&id)).await;
        }
        let new = Event::by(ALICE).json(&json!({ "title": "x" }));
        let on_task = Event::by(ALICE).task(&id);
        let events = match operation {
            Operation::CreateTask => {
                let keyed = new.clone().header("idempotency-key", "k");
                vec![new, keyed.clone(), keyed]
            }
            Operation::ListTasks => {
                let lists = [&[("status", "all")][..], &[("status", "open")], &[("status", "completed"), ("tag", "a")]];
                lists.map(|query| Event::by(ALICE).query(query)).to_vec()
            }
            Operation::UpdateTask => {
                let patches = [json!({}), json!({ "title": "x" }), json!({ "due": "2026-12-01" })];
                patches.map(|patch| on_task.clone().json(&patch)).to_vec()
            }
            Operation::ReplaceTask => vec![on_task.json(&json!({ "title": "x" }))],
            Operation::GetTask | Operation::CompleteTask | Operation::DeleteTask => vec![on_task],
        };
        api.wire.take();
        for event in events {
            let answer = api.call(operation, &event).await;
            assert!(answer.status < 300, "{answer:?}");
        }
        recorded.extend(api.wire.take());
    }
    recorded
}

/// What a role must allow for a request: a transaction of puts is authorized as its puts are.
fn permissions(request: &Recorded) -> Vec<(String, String)> {
    let puts = request.body["TransactItems"].as_array();
    if let Some(puts) = puts {
        assert!(puts.iter().all(|item| item["Put"].is_object()));
        return puts.iter().map(|item| ("PutItem".to_owned(), table(&item["Put"]))).collect();
    }
    vec![(request.operation.clone(), table(&request.body))]
}

fn table(request: &Value) -> String {
    let table = request["TableName"].as_str().unwrap();
    request["IndexName"].as_str().map_or_else(|| table.to_owned(), |index| format!("{table}/{index}"))
}

#[tokio::test]
async fn a_role_allows_what_its_function_does_and_nothing_else() {
    let api = Api::start().await;
    let template = Template::read().unwrap();
    for operation in Operation::ALL {
        let requests = every_request_of(&api, operation).await;
        let needed: BTreeSet<_> = requests.iter().flat_map(permissions).collect();

        let function = template.functions().iter().find(|function| function.binary == operation.name()).unwrap();
        let mut allowed = BTreeSet::new();
        for statement in &function.statements {
            for (action, resource) in
                statement.actions.iter().flat_map(|action| statement.resources.iter().map(move |on| (action, on)))
            {
                let table = template.tables().iter().find(|table| table.logical_id == resource.table).unwrap();
                let index = resource.index.iter().map(|index| format!("/{index}")).collect::<String>();
                let action = action.strip_prefix("dynamodb:").unwrap().to_owned();
                allowed.insert((action, format!("{}{index}", table.local_name())));
            }
        }
        assert_eq!(allowed, needed, "{operation:?}");
    }
}

#[tokio::test]
async fn items_expire_by_the_attribute_that_the_template_names() {
    let api = Api::start().await;
    let event = Event::by(ALICE).header("idempotency-key", "k").json(&json!({ "title": "one" }));
    let id = api.call(Operation::CreateTask, &event).await.body["id"].as_str().unwrap().to_owned();
    api.call(Operation::DeleteTask, &Event::by(ALICE).task(&id)).await;
    for table in Template::read().unwrap().tables() {
        let attribute = table.time_to_live.clone().unwrap();
        let items = api.items(&table.local_name(), ALICE);
        assert!(items.iter().all(|item| item[&attribute]["N"].is_string()), "{}", table.logical_id);
        for index in &table.local_indexes {
            assert_eq!(index.projection, "ALL", "what is not projected silently is missing");
        }
    }
}

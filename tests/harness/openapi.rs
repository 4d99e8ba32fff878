//! Reads `openapi.yaml` and checks responses against it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::{Answer, Operation};

/// The contract.
pub struct OpenApi {
    document: Value,
    /// The components, with schemas that reject unknown members in responses.
    closed: Value,
}

impl OpenApi {
    /// Reads the file.
    pub fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../openapi.yaml");
        let document: Value = serde_yaml_ng::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        let mut closed = document["components"].clone();
        for schema in [
            "Task",
            "Page",
            "TagsPage",
            "TagCount",
            "Changes",
            "Export",
            "DeletedTask",
            "Erasure",
            "Health",
            "Problem",
            "BatchResults",
            "BatchResult",
            "BatchProblem",
        ] {
            closed["schemas"][schema]["additionalProperties"] = json!(false);
        }
        Self { document, closed }
    }

    /// The whole file.
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// Method, path, and definition of every operation.
    pub fn operations(&self) -> Vec<(String, &str, &Value)> {
        let mut operations = Vec::new();
        for (path, item) in self.document["paths"].as_object().unwrap() {
            let methods = item.as_object().unwrap().iter().filter(|(name, _)| *name != "parameters");
            operations.extend(methods.map(|(method, definition)| (method.to_uppercase(), path.as_str(), definition)));
        }
        operations
    }

    /// The definition of an operation.
    pub fn operation(&self, operation: Operation) -> &Value {
        let operations = self.operations();
        let same = |definition: &Value| function(definition) == operation.name();
        let found = operations.iter().find(|(_, _, definition)| same(definition));
        found
            .map(|(_, _, definition)| *definition)
            .unwrap_or_else(|| panic!("add {} to openapi.yaml", operation.name()))
    }

    /// Follows the value's `$ref`, if it has one.
    pub fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(reference) => self.document.pointer(reference.trim_start_matches('#')).expect(reference),
            None => value,
        }
    }

    /// The problem codes of a response; empty if it is not a problem of the functions.
    pub fn codes(&self, response: &Value) -> BTreeSet<String> {
        let schema = &self.resolve(response)["content"]["application/problem+json"]["schema"];
        let code = &schema["properties"]["code"];
        let codes = code["enum"].as_array().cloned().unwrap_or_else(|| vec![code["const"].clone()]);
        codes.iter().filter_map(|code| code.as_str().map(str::to_owned)).collect()
    }

    /// Validates a value against a schema of the file and returns the errors.
    pub fn errors(&self, schema: &Value, value: &Value) -> Vec<String> {
        errors(&self.document["components"], schema, value)
    }

    /// Checks that the contract allows an operation this response: status, header fields, and body, with no
    /// undocumented members.
    ///
    /// # Panics
    /// If it does not allow it.
    pub fn check(&self, operation: Operation, answer: &Answer) {
        let at = format!("{operation:?} {}", answer.status);
        let response = self.resolve(&self.operation(operation)["responses"][answer.status.to_string()]);
        assert!(response.is_object(), "{at} is not in openapi.yaml: {answer:?}");

        let headers = response["headers"].as_object().unwrap_or_else(|| panic!("openapi.yaml has no headers for {at}"));
        for (name, header) in headers {
            let value = answer.headers.get(name).unwrap_or_else(|| panic!("{at} has no {name}"));
            let schema = &self.resolve(header)["schema"];
            let value = if schema["type"] == "integer" { json!(value.parse::<u64>().unwrap()) } else { json!(value) };
            assert_eq!(self.errors(schema, &value), [""; 0], "{name} of {at}");
        }
        let on_every_answer = |name: &str| kit::ON_EVERY_ANSWER.iter().any(|(known, _)| *known == name);
        for name in answer.headers.keys().filter(|name| *name != "content-type" && !on_every_answer(name)) {
            assert!(headers.contains_key(name), "{at} has {name}, which is not in openapi.yaml");
        }

        let Some(content) = response["content"].as_object() else {
            assert_eq!(answer.body, Value::Null, "openapi.yaml has no body for {at}");
            return;
        };
        let media_type = answer.header("content-type");
        let content = content.get(media_type).unwrap_or_else(|| panic!("openapi.yaml has no {media_type} for {at}"));
        assert_eq!(errors(&self.closed, &content["schema"], &answer.body), [""; 0], "{at}: {}", answer.body);
    }
}

/// Derives the function's name from the `operationId`.
pub fn function(definition: &Value) -> String {
    let id = definition["operationId"].as_str().unwrap();
    id.chars().fold(String::new(), |name, character| match character {
        'A'..='Z' => format!("{name}-{}", character.to_ascii_lowercase()),
        _ => format!("{name}{character}"),
    })
}

fn errors(components: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let schema = json!({ "components": components, "allOf": [schema] });
    let validator = jsonschema::draft202012::options().should_validate_formats(true).build(&schema).unwrap();
    validator.iter_errors(value).map(|error| format!("{} at {}", error, error.instance_path())).collect()
}

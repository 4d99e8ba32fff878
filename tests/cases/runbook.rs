//! docs/runbook.md has a section for each alarm, and its queries can find something.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use kit::fixtures::root;
use serde_yaml_ng::Value;

fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap()
}

fn template() -> Value {
    serde_yaml_ng::from_str(&read("template.yaml")).unwrap()
}

#[test]
fn every_alarm_has_a_section_and_every_section_an_alarm() {
    let template = template();
    let resources = template["Resources"].as_mapping().unwrap();
    let alarms = resources.iter().filter(|(_, resource)| resource["Type"] == "AWS::CloudWatch::Alarm");
    let alarms: BTreeSet<_> = alarms.map(|(name, _)| name.as_str().unwrap()).collect();
    let runbook = read("docs/runbook.md");
    let sections: Vec<_> = runbook.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    assert_eq!(sections.iter().copied().collect::<BTreeSet<_>>(), alarms);
    for section in runbook.split("\n### ").skip(1) {
        let section = section.split("\n## ").next().unwrap();
        let (name, links) = (section.lines().next().unwrap(), section.contains("query are those of"));
        assert!(links || !queries(section).is_empty(), "{name} needs a query");
    }
}

#[test]
fn queries_use_fields_that_exist() {
    let known = fields();
    let mut used = BTreeSet::new();
    for query in queries(&read("docs/runbook.md")) {
        // Values are in quotation marks, and a name after `as` is the query's own.
        let outside: String = query.split('"').step_by(2).collect::<Vec<_>>().join(" ");
        let words: Vec<_> = outside.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.')).collect();
        let own: BTreeSet<_> = words.windows(2).filter(|pair| pair[0] == "as").map(|pair| pair[1]).collect();
        let is_field = |word: &&str| word.starts_with(char::is_alphabetic) && !own.contains(word) && !is_syntax(word);
        for field in words.iter().copied().filter(is_field) {
            assert!(known.contains(field), "no line has the field {field}: {query}");
            used.insert(field.to_owned());
        }
    }
    assert!(used.contains("dynamodb.throttles") && used.contains("integrationError"), "{used:?}");
}

/// The code blocks without a language.
fn queries(text: &str) -> Vec<&str> {
    let blocks = text.split("\n```").skip(1).step_by(2);
    blocks.filter_map(|block| block.strip_prefix('\n')).collect()
}

fn is_syntax(word: &str) -> bool {
    const WORDS: [&str; 21] = [
        "and",
        "as",
        "avg",
        "bin",
        "by",
        "count",
        "count_distinct",
        "desc",
        "fields",
        "filter",
        "ispresent",
        "limit",
        "max",
        "min",
        "not",
        "or",
        "pct",
        "sort",
        "stats",
        "sum",
        "like",
    ];
    WORDS.contains(&word)
}

/// The fields of the functions' lines, as docs/observability.md lists them, and of API Gateway's access log.
fn fields() -> BTreeSet<String> {
    let mut fields = BTreeSet::from(["timestamp".to_owned()]);
    let observability = read("docs/observability.md");
    for section in observability.split("\n## ") {
        let prefix = if section.starts_with("Audit") { "audit." } else { "" };
        let cells = section.lines().filter_map(|line| line.strip_prefix("| `")?.split(" |").next());
        for cell in cells {
            let mut parent = String::new();
            for name in cell.split(", ").map(|name| name.trim_matches('`')) {
                let name = name.strip_prefix('.').map_or_else(|| name.to_owned(), |short| format!("{parent}.{short}"));
                parent = name.rsplit_once('.').map(|(parent, _)| parent.to_owned()).unwrap_or_default();
                fields.insert(format!("{prefix}{name}"));
            }
        }
    }
    let template = template();
    let log = template["Resources"]["Api"]["Properties"]["AccessLogSettings"]["Format"].as_str().unwrap();
    let log: BTreeMap<String, String> = serde_json::from_str(log).unwrap();
    fields.extend(log.into_keys());
    fields
}

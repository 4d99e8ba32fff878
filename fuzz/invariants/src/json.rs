//! A reference implementation of strict JSON, based on `serde_json`'s values and on counting.

use serde_json::Value;

/// Parses JSON, unless an object has a duplicate member.
pub(crate) fn parse(text: &[u8]) -> Option<Value> {
    let value = serde_json::from_slice(text).ok()?;
    // The value has only one of two members with the same name.
    (members(&value) == colons(text)).then_some(value)
}

fn members(value: &Value) -> usize {
    match value {
        Value::Object(object) => object.values().map(|value| 1 + members(value)).sum(),
        Value::Array(array) => array.iter().map(members).sum(),
        _ => 0,
    }
}

/// Counts the colons outside strings.
fn colons(text: &[u8]) -> usize {
    let (mut colons, mut in_string, mut escaped) = (0, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b':' if !in_string => colons += 1,
            _ => {}
        }
    }
    colons
}

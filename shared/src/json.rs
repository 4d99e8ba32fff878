//! JSON without ambiguity: an object with duplicate member names is refused, at any depth. RFC 7515 §4 and RFC 7519 §4
//! allow that for headers and claims; for a request body it is what a careful client would want.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Reads a value from UTF-8 JSON text whose objects have no duplicate members.
///
/// # Errors
/// What `serde_json` found, or that a member is a duplicate.
pub(crate) fn from_slice<'de, T: Deserialize<'de>>(text: &'de [u8]) -> serde_json::Result<T> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    UniqueNames.deserialize(&mut deserializer)?;
    deserializer.end()?;
    serde_json::from_slice(text)
}

/// What an object is read into, in a single pass that finds duplicate members at any depth.
pub(crate) trait FromMembers<'de>: Default {
    /// Reads the value of the member with this name, or passes over it with [`skip_value`].
    ///
    /// # Errors
    /// What is wrong with the value.
    fn member<A: MapAccess<'de>>(&mut self, name: &str, members: &mut A) -> Result<(), A::Error>;
}

/// An object, and not an array, which a derived implementation would take as well.
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: FromMembers<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Self(T::default()))
    }
}

impl<'de, T: FromMembers<'de>> Visitor<'de> for Object<T> {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, map: A) -> Result<Self, A::Error> {
        read_members(map, |name, members| self.0.member(name, members))?;
        Ok(self)
    }
}

/// Reads a member's value and discards it.
///
/// # Errors
/// What is wrong with the JSON, or that an object in it has a duplicate member.
pub(crate) fn skip_value<'de, A: MapAccess<'de>>(members: &mut A) -> Result<(), A::Error> {
    members.next_value_seed(UniqueNames)
}

fn read_members<'de, A: MapAccess<'de>>(
    mut members: A,
    mut read: impl FnMut(&str, &mut A) -> Result<(), A::Error>,
) -> Result<(), A::Error> {
    let mut names: Vec<Cow<'de, str>> = Vec::new();
    while let Some(Text(name)) = members.next_key()? {
        read(&name, &mut members)?;
        names.push(name);
    }
    names.sort_unstable();
    match names.windows(2).find(|pair| pair.first() == pair.last()) {
        Some(_) => Err(A::Error::custom("an object names a member twice")),
        None => Ok(()),
    }
}

/// Walks a value and discards it.
#[derive(Clone, Copy)]
struct UniqueNames;

impl<'de> DeserializeSeed<'de> for UniqueNames {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for UniqueNames {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        read_members(map, |_, members| members.next_value_seed(self))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        while sequence.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// A string, or a member's name, borrowed unless it had escapes.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

#[cfg(test)]
#[cfg_attr(coverage_nightly, coverage(off))]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn duplicate_member_is_refused_at_any_depth() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"b":2,"\u0061":3}"#,
            r#"{"x":{"a":1,"a":2}}"#,
            r#"[{"a":[{"b":null,"b":null}]}]"#,
        ] {
            assert!(from_slice::<Value>(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn other_json_is_read() {
        let text = r#"{"a":{"a":[1,-2,3.5,"\n",true,null,{}]},"b":"a"}"#;
        assert_eq!(from_slice::<Value>(text.as_bytes()).unwrap(), serde_json::from_str::<Value>(text).unwrap());
        for text in [&b"{} {}"[..], b"", b"{'a':1}", b"\xff", b"\"\xff\"", b"{\"a\":1,}"] {
            assert!(from_slice::<Value>(text).is_err());
        }
        let deep = "[".repeat(200) + &"]".repeat(200);
        assert!(from_slice::<Value>(deep.as_bytes()).is_err(), "nesting is bounded");
    }
}

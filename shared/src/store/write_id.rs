//! Names of writes. A task keeps those of its last three, so that a repetition finds what it repeats.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use ring::digest::{Context, Digest, SHA256};
use uuid::Uuid;

use super::IdempotencyKey;
use super::item::{Item, attribute};
use crate::task::{Patch, TaskChanges, TaskId};

/// The name of one write, in 16 bytes, because a list is paid for by the size of its items. A client that repeats a
/// write has its key in the first half, and what it asks for in the second; without a key nobody else has that name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WriteId {
    name: [u8; 16],
    is_keyed: bool,
}

/// What an item remembers of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Memory {
    /// It is none of the last three.
    None,
    /// It was done.
    Done,
    /// Another one was done under the same key.
    KeyReused,
}

impl WriteId {
    pub(super) fn new() -> Self {
        Self { name: Uuid::now_v7().into_bytes(), is_keyed: false }
    }

    /// The name that a client gave a write of this task by its key, if it did.
    pub(super) fn of(key: Option<&IdempotencyKey>, id: TaskId, operation: &str, changes: &TaskChanges) -> Self {
        let Some(key) = key else { return Self::new() };
        let key = hash(&[key.as_str(), &id.to_string()]);
        let asked = fingerprint(operation, changes);
        let halves = [key, asked];
        let bytes = halves.iter().flat_map(|half| half.as_ref().iter().take(8));
        let mut name = [0; 16];
        name.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        Self { name, is_keyed: true }
    }

    pub(super) fn value(&self) -> AttributeValue {
        binary(&self.name)
    }

    /// What no write of the item may begin with, if it is not the whole name.
    pub(super) fn key(&self) -> Option<AttributeValue> {
        self.is_keyed.then(|| binary(self.prefix()))
    }

    /// What this item remembers of the write.
    pub(super) fn in_memory_of(&self, item: &Item) -> Memory {
        let names = attribute::WRITE_IDS.into_iter().filter_map(|name| item.get(name)?.as_b().ok());
        match names.map(AsRef::as_ref).find(|name: &&[u8]| name.starts_with(self.prefix())) {
            None => Memory::None,
            Some(name) if name == self.name => Memory::Done,
            Some(_) => Memory::KeyReused,
        }
    }

    fn prefix(&self) -> &[u8] {
        if self.is_keyed { &self.name[..8] } else { &self.name }
    }
}

/// Two requests ask for the same if what they ask for is the same after validation, whatever its JSON looked like.
pub(super) fn fingerprint(operation: &str, changes: &TaskChanges) -> Digest {
    let TaskChanges { title, description, completed, priority, due, tags, parent_id, position, recurrence, this_only } =
        changes;
    let parent_id = parent_id.map(|id| id.to_string());
    let mut parts = vec![operation];
    if let Some(title) = title {
        parts.extend(["title", title.as_str()]);
    }
    match description {
        Patch::Keep => {}
        Patch::Clear => parts.push("no description"),
        Patch::Set(description) => parts.extend(["description", description.as_str()]),
    }
    parts.extend(completed.map(|completed| if completed { "completed" } else { "open" }));
    if let Some(priority) = priority {
        parts.extend(["priority", priority.as_str()]);
    }
    match due {
        Patch::Keep => {}
        Patch::Clear => parts.push("no due"),
        Patch::Set(due) => parts.extend(["due", due.as_str()]),
    }
    if let Some(tags) = tags {
        parts.push("tags");
        parts.extend(tags.iter().map(|tag| tag.as_str()));
    }
    parts.extend(parent_id.iter().flat_map(|id| ["parent", id]));
    match position {
        Patch::Keep => {}
        Patch::Clear => parts.push("no position"),
        Patch::Set(position) => parts.extend(["position", position.as_str()]),
    }
    let stored;
    match recurrence {
        Patch::Keep => {}
        Patch::Clear if operation == "update" => parts.push("no recurrence"),
        // A task that does not recur has the same fingerprint as before there were any that do.
        Patch::Clear => {}
        Patch::Set(recurrence) => {
            stored = recurrence.to_store();
            parts.extend(["recurrence", &stored]);
        }
    }
    parts.extend(this_only.then_some("this only"));
    hash(&parts)
}

/// The length of each part goes before it, so that no other parts have the same hash.
fn hash(parts: &[&str]) -> Digest {
    let mut hash = Context::new(&SHA256);
    for part in parts {
        hash.update(&part.len().to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finish()
}

fn binary(bytes: &[u8]) -> AttributeValue {
    AttributeValue::B(Blob::new(bytes))
}

#[cfg(test)]
#[cfg_attr(coverage_nightly, coverage(off))]
mod tests {
    use super::*;
    use crate::task::{Description, Due, Priority, Recurrence, Tag, Tags, Title};

    fn name(key: &str, id: TaskId, operation: &str, changes: &TaskChanges) -> [u8; 16] {
        let key = IdempotencyKey::parse(key).unwrap();
        WriteId::of(Some(&key), id, operation, changes).name
    }

    #[test]
    fn halves_are_of_key_and_request() {
        let (id, changes) = (TaskId::new(), TaskChanges::default());
        let one = name("k", id, "update", &changes);
        assert_eq!(one, name("k", id, "update", &changes));
        let other_request = name("k", id, "delete", &changes);
        assert!(one[..8] == other_request[..8] && one[8..] != other_request[8..]);
        for other in [name("l", id, "update", &changes), name("k", TaskId::new(), "update", &changes)] {
            assert!(one[..8] != other[..8] && one[8..] == other[8..]);
        }
        assert_ne!(WriteId::new(), WriteId::new());
    }

    #[test]
    fn item_remembers_three_writes() {
        let key = IdempotencyKey::parse("k").unwrap();
        let id = TaskId::new();
        let keyed = |operation| WriteId::of(Some(&key), id, operation, &TaskChanges::default());
        let (write, other) = (keyed("update"), keyed("delete"));
        for name in attribute::WRITE_IDS {
            let item = Item::from([(name.to_owned(), write.value())]);
            assert_eq!(write.in_memory_of(&item), Memory::Done, "{name}");
            assert_eq!(other.in_memory_of(&item), Memory::KeyReused, "{name}");
            assert_eq!(WriteId::new().in_memory_of(&item), Memory::None, "{name}");
        }
        assert_eq!(write.in_memory_of(&Item::new()), Memory::None);
    }

    #[test]
    fn different_requests_have_different_fingerprints() {
        let set = |change: fn(&mut TaskChanges)| {
            let mut changes = TaskChanges::default();
            change(&mut changes);
            fingerprint("update", &changes).as_ref().to_vec()
        };
        let tags = |tags: &[&str]| Some(Tags::new(tags.iter().map(|tag| Tag::parse(tag).unwrap()).collect()).unwrap());
        let mut with_tags = TaskChanges { tags: tags(&["a", "b"]), ..TaskChanges::default() };
        let fingerprints = [
            set(|_| {}),
            set(|changes| changes.title = Title::parse("x").ok()),
            set(|changes| changes.description = Patch::Clear),
            set(|changes| changes.description = Patch::Set(Description::parse("x".to_owned()).unwrap())),
            set(|changes| changes.completed = Some(true)),
            set(|changes| changes.completed = Some(false)),
            set(|changes| changes.priority = Some(Priority::None)),
            set(|changes| changes.priority = Some(Priority::High)),
            set(|changes| changes.due = Patch::Clear),
            set(|changes| changes.due = Patch::Set(Due::parse("2026-12-01").unwrap())),
            set(|changes| changes.tags = Some(Tags::default())),
            set(|changes| changes.recurrence = Patch::Clear),
            set(|changes| changes.recurrence = Patch::Set(Recurrence::from_store("due - FREQ=DAILY").unwrap())),
            set(|changes| changes.this_only = true),
            fingerprint("update", &with_tags).as_ref().to_vec(),
            {
                with_tags.tags = tags(&["ab"]);
                fingerprint("update", &with_tags).as_ref().to_vec()
            },
            fingerprint("replace", &TaskChanges::default()).as_ref().to_vec(),
        ];
        for (index, one) in fingerprints.iter().enumerate() {
            assert!(!fingerprints[..index].contains(one), "{index}");
        }
    }
}

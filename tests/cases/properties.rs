//! What must hold for every input, tried with inputs that are made up: other ones in each run, and as many as the
//! environment variable `PROPTEST_CASES` says.
//!
//! No seeds are kept: a failure prints the smallest input that was found to fail, which then becomes a case of its own.

use std::cell::{Cell, RefCell};
use std::env;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use tests::{ALICE, Api, BOB, Content, Event, Key, Operation, Signer};
use tokio::runtime::Runtime;

use crate::calls::incoherence;
use crate::isolation::partitions;

/// As many cases as the environment says, or as take a second.
fn runner(cases: u32) -> TestRunner {
    let mut config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if env::var_os("PROPTEST_CASES").is_none() {
        config.cases = cases;
    }
    TestRunner::new(config)
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// A change of a token's text: what it does and where, with which character, and how often.
type Change = (Kind, [Index; 3], char, usize);

#[derive(Debug, Clone, Copy)]
enum Kind {
    Flip,
    Insert,
    Delete,
    Swap,
    /// Puts in a segment of another token, or one more of its own.
    Splice,
    // Other ways to write the bytes of a segment.
    Padded,
    OtherAlphabet,
    Twice,
    OtherLeftOverBits,
    OtherWhiteSpace,
}

fn change() -> impl Strategy<Value = Change> {
    use Kind::{Delete, Flip, Insert, OtherAlphabet, OtherLeftOverBits, OtherWhiteSpace, Padded, Splice, Swap, Twice};
    let kinds = [Flip, Insert, Delete, Swap, Splice, Padded, OtherAlphabet, Twice, OtherLeftOverBits, OtherWhiteSpace];
    let character = prop_oneof![any::<char>(), select(b"A_-.=+/ ,\t\"".to_vec()).prop_map(char::from)];
    (select(kinds.to_vec()), any::<[Index; 3]>(), character, 1..8_usize)
}

/// The text after these changes. `tokens` are others, of which segments are taken.
fn changed(text: &str, changes: &[Change], tokens: &[(&str, String)]) -> String {
    changes.iter().fold(text.to_owned(), |text, (kind, [at, other, third], character, count)| {
        let mut characters: Vec<char> = text.chars().collect();
        let mut segments: Vec<String> = text.split('.').map(str::to_owned).collect();
        let length = characters.len();
        match kind {
            // Nothing is left to change.
            _ if text.is_empty() => {}
            Kind::Flip => {
                let character = at.get_mut(&mut characters);
                *character = char::from_u32(u32::from(*character) ^ (1 << (count - 1))).unwrap_or('\u{fffd}');
            }
            Kind::Insert => characters.insert(at.index(length + 1), *character),
            Kind::Delete => drop(characters.drain(at.index(length)..length.min(at.index(length) + count))),
            Kind::Swap => characters.swap(at.index(length), other.index(length)),
            Kind::Splice => {
                let theirs: Vec<_> = other.get(tokens).1.split('.').collect();
                let into = at.index(segments.len() + 1);
                segments.splice(into..segments.len().min(into + 1), [(*third.get(&theirs)).to_owned()]);
                return segments.join(".");
            }
            spelling => {
                let segment = at.get_mut(&mut segments);
                *segment = spelled(*spelling, segment);
                return segments.join(".");
            }
        }
        characters.into_iter().collect()
    })
}

/// The segment as it is, if it cannot be spelled so.
fn spelled(spelling: Kind, segment: &str) -> String {
    let bytes = URL_SAFE_NO_PAD.decode(segment).unwrap_or_default();
    match (spelling, segment.char_indices().last(), serde_json::from_slice::<Value>(&bytes)) {
        (Kind::Padded, ..) => URL_SAFE.encode(bytes),
        (Kind::OtherAlphabet, ..) => STANDARD_NO_PAD.encode(bytes),
        (Kind::Twice, ..) => URL_SAFE_NO_PAD.encode(segment),
        (Kind::OtherLeftOverBits, Some((at, last)), _) if segment.len() % 4 > 1 => {
            format!("{}{}", &segment[..at], char::from_u32(u32::from(last) + 1).unwrap_or(last))
        }
        (Kind::OtherWhiteSpace, _, Ok(json)) => URL_SAFE_NO_PAD.encode(format!("{json:#}")),
        _ => segment.to_owned(),
    }
}

/// An API, and good tokens for it.
struct Believer {
    api: Api,
    tokens: Vec<(&'static str, String)>,
}

impl Believer {
    fn new(api: Api, keys: &[Key]) -> Self {
        let token = |key: &Key, user| (user, Signer::with(*key).token(user));
        let tokens = keys.iter().flat_map(|key| [ALICE, BOB].map(|user| token(key, user))).collect();
        Self { api, tokens }
    }

    /// The text is believed if it is a good token, for its user, and of nobody otherwise.
    async fn check(&self, text: &str) {
        let answer = self.api.call(Operation::ListTasks, &Event::anonymous("me").bearer(text)).await;
        let recorded = self.api.wire.take();
        // White space around a token, and around the whole field, is no part of it.
        let token = text.trim_start_matches(' ').trim_end_matches([' ', '\t']);
        match self.tokens.iter().find(|(_, good)| good == token) {
            Some((user, _)) => {
                assert_eq!(answer.status, 200, "{answer:?}");
                assert!(recorded.iter().flat_map(|request| partitions(&request.body)).all(|owner| owner == *user));
            }
            None => {
                // No gateway lets a control character through.
                let is_field = !token.contains(|character: char| character.is_ascii_control() && character != '\t');
                assert_eq!(answer.status, if is_field { 401 } else { 400 }, "{answer:?}");
                assert_eq!(recorded, []);
            }
        }
    }
}

#[test]
fn changed_token_is_refused() {
    let runtime = runtime();
    let (secret, key_set) = runtime.block_on(async { (Api::start().await, Api::start_with_key_set().await) });
    let believers = [Believer::new(secret, &[Key::Secret]), Believer::new(key_set, &Key::PUBLISHED)];
    let tokens: Vec<_> = believers.iter().flat_map(|believer| believer.tokens.clone()).collect();
    runtime.block_on(async {
        for (believer, other) in [(0, 1), (1, 0)] {
            for (_, token) in &believers[believer].tokens {
                believers[believer].check(token).await;
                believers[other].check(token).await;
            }
        }
    });
    let input = (any::<Index>(), vec(change(), 1..4));
    let tried = runner(1_500).run(&input, |(token, changes)| {
        let (_, token) = token.get(&tokens);
        let changed = changed(token, &changes, &tokens);
        for believer in &believers {
            runtime.block_on(believer.check(&changed));
        }
        Ok(())
    });
    tried.unwrap();
}

/// A call of Alice's, whatever it says.
#[derive(Debug, Clone)]
struct Call {
    operation: Operation,
    user: String,
    /// Whether the gateway has decoded the path's parameters.
    decoded: bool,
    task: Name,
    /// One of the lists of the [`World`].
    list: Index,
    cursor: Option<Cursor>,
    parameters: Vec<(String, String)>,
    headers: [(&'static str, Option<String>); 3],
    body: Option<String>,
}

/// Which task a path names.
#[derive(Debug, Clone)]
enum Name {
    Hers(Index),
    His(Index),
    Other(String),
}

/// Which cursor a query has.
#[derive(Debug, Clone)]
enum Cursor {
    Hers,
    His,
    Changed(Vec<Change>),
    /// One that says all that a cursor could.
    Forged(Value),
    Other(String),
}

/// What nobody should get to see.
const HIS_TITLE: &str = "Bob's secret";
const HIS_KEY: &str = "bobs-key";

fn text() -> impl Strategy<Value = String> {
    prop_oneof![Just(BOB.to_owned()), any::<String>()]
}

/// The value of a header field, as a gateway lets it through.
fn field() -> impl Strategy<Value = String> {
    text().prop_map(|text| text.replace(char::is_control, ""))
}

fn one_of(texts: &[&str]) -> impl Strategy<Value = String> + use<> {
    select(texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>())
}

fn user() -> impl Strategy<Value = String> {
    let others = [BOB, "%62ob", "%6de", "%2562ob", "bob%00", "alice,bob", "..", "", "Alice", "%61lice"];
    prop_oneof![6 => one_of(&[ALICE, "me"]), 2 => one_of(&others), 1 => any::<String>()]
}

fn cursor() -> impl Strategy<Value = Cursor> {
    let due = prop_oneof![Just(json!("2026-12-01")), text().prop_map(Value::String), Just(Value::Null)];
    let members = (any::<bool>(), due)
        .prop_map(|(owner, due)| if owner { json!({ "user_id": BOB, "due": due }) } else { json!({ "due": due }) });
    prop_oneof![
        Just(Cursor::Hers),
        Just(Cursor::His),
        vec(change(), 1..3).prop_map(Cursor::Changed),
        members.prop_map(Cursor::Forged),
        text().prop_map(Cursor::Other),
    ]
}

fn body() -> impl Strategy<Value = Option<String>> {
    let name = one_of(&["user_id", "id", "due", "tags", "description"]);
    let value = prop_oneof![text().prop_map(Value::String), Just(Value::Null)];
    let task = (text(), prop_oneof![3 => Just(None), 1 => (name, value).prop_map(Some)]);
    let task = task.prop_map(|(title, more)| {
        let mut body = json!({ "title": title });
        body.as_object_mut().unwrap().extend(more);
        body
    });
    let completion = any::<bool>().prop_map(|completed| json!({ "completed": completed }));
    let json = prop_oneof![2 => task, 1 => completion];
    prop_oneof![6 => json.prop_map(|body| Some(body.to_string())), 1 => text().prop_map(Some), 1 => Just(None)]
}

prop_compose! {
    fn call()(
        operation in select(Operation::of_a_user().collect::<Vec<_>>()),
        user in user(),
        decoded in any::<bool>(),
        task in prop_oneof![
            4 => any::<Index>().prop_map(Name::Hers),
            2 => any::<Index>().prop_map(Name::His),
            1 => any::<String>().prop_map(Name::Other),
        ],
        list in any::<Index>(),
        cursor in prop_oneof![1 => Just(None), 5 => cursor().prop_map(Some)],
        parameters in prop_oneof![
            3 => Just(Vec::new()),
            1 => vec((prop_oneof![one_of(&["user_id", "tag"]), text()], text()), 1..3),
        ],
        if_match in maybe(one_of(&["\"1\"", "\"2\"", "*"])),
        if_none_match in maybe(one_of(&["*", "\"1\""])),
        key in maybe(one_of(&[HIS_KEY])),
        body in body(),
    ) -> Call {
        let headers = [("if-match", if_match), ("if-none-match", if_none_match), ("idempotency-key", key)];
        Call { operation, user, decoded, task, list, cursor, parameters, headers, body }
    }
}

/// A header field that is absent, good, or anything.
fn maybe(good: impl Strategy<Value = String>) -> impl Strategy<Value = Option<String>> {
    prop_oneof![5 => Just(None), 2 => good.prop_map(Some), 1 => field().prop_map(Some)]
}

/// A list that has a next page, for both of them.
struct List {
    query: Vec<(&'static str, &'static str)>,
    her_cursor: String,
    his_cursor: String,
}

/// Two users with tasks.
struct World {
    api: Api,
    lists: Vec<List>,
    hers: RefCell<Vec<String>>,
    his: Vec<String>,
    her_token: String,
}

impl World {
    async fn new() -> Self {
        let api = Api::start().await;
        let (mut hers, mut his) = (Vec::new(), Vec::new());
        for (user, title, ids) in [(ALICE, "hers", &mut hers), (BOB, HIS_TITLE, &mut his)] {
            for number in 0..8 {
                let id = api.create_id(user, json!({ "title": title, "due": "2026-12-01" })).await;
                let operation = [Operation::ListTasks, Operation::CompleteTask, Operation::DeleteTask][number % 3];
                api.call(operation, &Event::by(user).task(&id)).await;
                ids.push(id);
            }
        }
        let his_create = Event::by(BOB).json(&json!({ "title": HIS_TITLE })).header("idempotency-key", HIS_KEY);
        assert_eq!(api.call(Operation::CreateTask, &his_create).await.status, 201);

        let mut lists = Vec::new();
        for query in [
            vec![("limit", "1")],
            vec![("status", "completed"), ("limit", "1")],
            vec![("status", "open"), ("limit", "1")],
            vec![("status", "open"), ("limit", "1"), ("due_from", "2026-01-01"), ("due_before", "2027-01-01")],
        ] {
            let mut cursors = Vec::new();
            for user in [ALICE, BOB] {
                cursors.push(api.list(user, &query).await.body["next_cursor"].as_str().unwrap().to_owned());
            }
            let [her_cursor, his_cursor] = cursors.try_into().unwrap();
            lists.push(List { query, her_cursor, his_cursor });
        }
        let her_token = Signer::default().token(ALICE);
        Self { api, lists, hers: RefCell::new(hers), his, her_token }
    }

    /// All that is Bob's.
    fn of_bob(&self) -> [Vec<Value>; 2] {
        ["tasks", "idempotency"].map(|table| self.api.items(table, BOB))
    }

    fn event(&self, call: &Call) -> String {
        let task = match &call.task {
            Name::Hers(index) => index.get(&self.hers.borrow()).clone(),
            Name::His(index) => index.get(&self.his).clone(),
            Name::Other(text) => text.clone(),
        };
        let parameters = if call.operation.takes_query() { self.parameters(call) } else { call.parameters.clone() };
        let parameters: Vec<_> = parameters.iter().map(|(name, value)| (&**name, &**value)).collect();
        let event = Event::anonymous(&call.user).bearer(&self.her_token).query(&parameters);
        let event = if call.operation.is_on_a_task() { event.task(&task) } else { event };
        let headers = call.headers.iter();
        let event = headers.fold(event, |event, (name, value)| event.maybe_header(name, value.as_deref()));
        let event = call.body.iter().fold(event, |event, body| event.body("application/json", body));
        let mut event: Value = serde_json::from_str(&event.to_string()).unwrap();
        if !call.decoded {
            event["requestContext"]["routeKey"] = json!("$default");
        }
        event.to_string()
    }

    /// The query of a list.
    fn parameters(&self, call: &Call) -> Vec<(String, String)> {
        let List { query, her_cursor, his_cursor } = call.list.get(&self.lists);
        let cursor = call.cursor.as_ref().map(|cursor| match cursor {
            Cursor::Hers => her_cursor.clone(),
            Cursor::His => his_cursor.clone(),
            Cursor::Changed(changes) => {
                changed(his_cursor, changes, &[(ALICE, her_cursor.clone()), (BOB, his_cursor.clone())])
            }
            Cursor::Forged(members) => {
                let mut forged: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(his_cursor).unwrap()).unwrap();
                forged.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
                URL_SAFE_NO_PAD.encode(forged.to_string())
            }
            Cursor::Other(text) => text.clone(),
        });
        let query = query.iter().map(|&(name, value)| (name.to_owned(), value.to_owned()));
        query.chain(cursor.map(|cursor| ("cursor".to_owned(), cursor))).chain(call.parameters.clone()).collect()
    }

    /// Whatever Alice sends, DynamoDB is asked for nothing but what is hers, and nothing of Bob's is seen or changed.
    async fn check(&self, call: &Call) -> u16 {
        if self.hers.borrow().is_empty() {
            let id = self.api.create_titled("hers").await;
            self.hers.borrow_mut().push(id);
            self.api.wire.take();
        }
        let answer = self.api.call_raw(call.operation, &self.event(call)).await;
        let recorded = self.api.wire.take();
        let user = if call.decoded { call.user.clone() } else { decoded_once(&call.user) };
        if user == ALICE || user == "me" {
            assert!(answer.status != 500 && answer.status != 403, "{answer:?}");
        } else {
            assert_eq!((answer.status, answer.code()), (403, "forbidden"));
            assert_eq!(recorded, []);
        }
        for request in &recorded {
            let partitions = partitions(&request.body);
            assert!(!partitions.is_empty() && partitions.iter().all(|owner| owner == ALICE), "{request:?}");
        }
        assert!(!answer.raw.to_string().contains(HIS_TITLE), "{answer:?}");
        match (answer.status, &call.task) {
            (200, _) if call.operation.answers() == Content::Erasure => self.hers.borrow_mut().clear(),
            (201, _) => self.hers.borrow_mut().push(answer.body["id"].as_str().unwrap().to_owned()),
            (204, Name::Hers(index)) => {
                let gone = index.index(self.hers.borrow().len());
                self.hers.borrow_mut().remove(gone);
            }
            _ => {}
        }
        answer.status
    }
}

/// What cannot be decoded stays as it is.
fn decoded_once(text: &str) -> String {
    // `+` is a space only in queries.
    let encoded = format!("={}", text.replace('+', "%2B").replace('&', "%26"));
    let (_, value) = form_urlencoded::parse(encoded.as_bytes()).next().unwrap();
    if value.contains('\u{fffd}') { text.to_owned() } else { value.into_owned() }
}

#[test]
fn no_input_leaves_the_callers_partition() {
    let runtime = runtime();
    let world = runtime.block_on(World::new());
    let of_bob = world.of_bob();
    world.api.wire.take();
    let statuses = RefCell::new(Vec::new());
    let tried = runner(400).run(&call(), |call| {
        statuses.borrow_mut().push(runtime.block_on(world.check(&call)));
        Ok(())
    });
    tried.unwrap();
    assert_eq!(world.of_bob(), of_bob);
    let statuses = statuses.into_inner();
    let percent = |among: std::ops::Range<u16>| {
        statuses.iter().filter(|status| among.contains(status)).count() * 100 / statuses.len()
    };
    let (done, forbidden) = (percent(200..300), percent(403..404));
    assert!(done >= 5 && forbidden >= 5, "{done} % were done and {forbidden} % forbidden: most calls are trivial");
}

/// A write of one task, as a client asks for it.
#[derive(Debug, Clone, PartialEq)]
struct Asked {
    operation: Operation,
    /// Whether it is to create the task.
    is_new: bool,
    /// `None` of a deletion, and of a toggle.
    body: Option<Value>,
}

/// How it asks: under which key, and for the version that the task has, or for another one.
type Terms = (Option<&'static str>, Option<bool>);

/// What the contract makes of a task. It remembers its last three writes, by their keys.
#[derive(Debug, Default)]
struct Model {
    version: u64,
    completed: bool,
    deleted: bool,
    memory: Vec<Option<(&'static str, Asked)>>,
}

impl Model {
    fn exists(&self) -> bool {
        self.version > 0
    }

    /// The status that a read of the task is answered with.
    fn status(&self) -> u16 {
        if self.exists() && !self.deleted { 200 } else { 404 }
    }

    /// The status that the request is answered with.
    fn call(&mut self, asked: &Asked, (key, is_current): Terms) -> u16 {
        let success = if asked.is_new { 201 } else { asked.operation.success() };
        let remembered = self.memory.iter().rev().take(3).flatten().find(|(known, _)| Some(*known) == key);
        if let Some((_, earlier)) = remembered {
            let is_gone = self.deleted && asked.operation != Operation::DeleteTask;
            return match is_gone {
                _ if earlier != asked => 422,
                true => 404,
                false => success,
            };
        }
        match asked.is_new {
            true if self.exists() => return 412,
            false if !self.exists() || (self.deleted && asked.operation != Operation::RestoreTask) => return 404,
            false if is_current == Some(false) => return 412,
            _ => {}
        }
        let completed = match (asked.operation, &asked.body) {
            (Operation::CompleteTask, None) => !self.completed,
            (Operation::ReplaceTask, Some(body)) => body["completed"] == true,
            (_, Some(body)) => body["completed"].as_bool().unwrap_or(self.completed),
            (_, None) => self.completed,
        };
        // What is so already is not written, and leaves nothing to remember.
        let is_so = match asked.operation {
            Operation::CompleteTask => completed == self.completed,
            Operation::RestoreTask => !self.deleted,
            _ => false,
        };
        if is_so {
            return success;
        }
        self.version += 1;
        self.completed = completed;
        self.deleted = asked.operation == Operation::DeleteTask;
        self.memory.push(key.map(|key| (key, asked.clone())));
        success
    }
}

fn asked() -> impl Strategy<Value = Asked> {
    let bodies = select(vec![json!({ "title": "x" }), json!({ "title": "x", "completed": true })]);
    let due = select(vec![json!({ "due": "2026-12-01" }), json!({ "due": null }), json!({ "title": "y" })]);
    let completion = select(vec![None, Some(json!({ "completed": true })), Some(json!({ "completed": false }))]);
    let with = |operation, is_new| move |body| Asked { operation, is_new, body };
    prop_oneof![
        2 => bodies.clone().prop_map(Some).prop_map(with(Operation::ReplaceTask, true)),
        2 => bodies.prop_map(Some).prop_map(with(Operation::ReplaceTask, false)),
        4 => due.prop_map(Some).prop_map(with(Operation::UpdateTask, false)),
        4 => completion.prop_map(with(Operation::CompleteTask, false)),
        2 => Just(None).prop_map(with(Operation::DeleteTask, false)),
        2 => Just(None).prop_map(with(Operation::RestoreTask, false)),
    ]
}

/// Writes of a new task, many of them under the same few keys.
fn try_writes(asked: impl Strategy<Value = Asked>, check: impl Fn(&str, &mut Model, &[(Asked, Terms)])) {
    let key = prop_oneof![1 => Just(None), 2 => select(vec!["a", "b", "c"]).prop_map(Some)];
    let is_current = prop_oneof![4 => Just(None), 1 => any::<bool>().prop_map(Some)];
    let number = Cell::new(0_u64);
    let tried = runner(150).run(&vec((asked, (key, is_current)), 1..14), |calls| {
        number.set(number.get() + 1);
        check(&format!("01990000-0000-7000-8000-{:012}", number.get()), &mut Model::default(), &calls);
        Ok(())
    });
    tried.unwrap();
}

/// Each write is done, refused or recognized as the contract says, in whichever order they come.
#[test]
fn keyed_writes_follow_the_contract() {
    let runtime = runtime();
    let api = runtime.block_on(Api::start());
    let repeated = Cell::new(0);
    try_writes(asked(), |id, model, calls| {
        for (asked, (key, is_current)) in calls {
            let version = if *is_current == Some(true) { model.version } else { model.version + 7 };
            let event = Event::by(ALICE).task(id).maybe_header("idempotency-key", *key).maybe_json(asked.body.as_ref());
            let event = match is_current {
                _ if asked.is_new => event.header("if-none-match", "*"),
                Some(_) => event.header("if-match", &format!("\"{version}\"")),
                None => event,
            };
            let before = model.version;
            let status = model.call(asked, (*key, *is_current));
            let answer = runtime.block_on(api.call(asked.operation, &event));
            assert_eq!(answer.status, status, "{asked:?} of {calls:?}: {answer:?}");
            if answer.status < 203 {
                let shown = (&answer.body["version"], &answer.body["completed"]);
                assert_eq!(shown, (&json!(model.version), &json!(model.completed)), "{asked:?} of {calls:?}");
            }
            let is_repetition = key.is_some() && before == model.version && status < 300;
            repeated.set(repeated.get() + usize::from(is_repetition));
        }
        assert_eq!(runtime.block_on(api.get(ALICE, id)).status, model.status(), "{calls:?}");
        let items = api.items("tasks", ALICE);
        let item = items.iter().find(|item| item["task_id"]["S"] == id);
        assert_eq!(item.and_then(incoherence), None, "{calls:?}");
    });
    assert!(repeated.get() > 5, "hardly anything was repeated");
}

/// The item of a batch that asks the same, if there is one.
fn item(asked: &Asked, id: &str) -> Option<Value> {
    match (asked.operation, &asked.body) {
        (Operation::ReplaceTask, Some(task)) if asked.is_new => Some(json!({ "op": "create", "id": id, "task": task })),
        (Operation::UpdateTask, Some(changes)) => Some(json!({ "op": "update", "id": id, "changes": changes })),
        (Operation::CompleteTask, Some(body)) => {
            Some(json!({ "op": "complete", "id": id, "completed": body["completed"] }))
        }
        (Operation::DeleteTask, None) => Some(json!({ "op": "delete", "id": id })),
        (Operation::RestoreTask, None) => Some(json!({ "op": "restore", "id": id })),
        _ => None,
    }
}

/// The items of a batch are answered as single requests would be, one after another; and an item under the key of a
/// single request is its repetition.
#[test]
fn batched_writes_follow_the_contract() {
    let runtime = runtime();
    let api = runtime.block_on(Api::start());
    let asked = asked().prop_filter("a batch has no such item", |asked| item(asked, "").is_some());
    let done = Cell::new(0);
    try_writes(asked, |id, model, calls| {
        let (mut items, mut expected) = (Vec::new(), Vec::new());
        for (asked, (key, is_current)) in calls {
            let mut item = item(asked, id).unwrap();
            if let Some(key) = key {
                item["idempotency_key"] = json!(key);
            }
            if let (Some(is_current), false) = (is_current, asked.is_new) {
                // A version that was never there is none of a batch, and no other status than 404 could come of it.
                item["if_match"] = json!((model.version + if *is_current { 0 } else { 7 }).max(1));
            }
            items.push(item);
            expected.push(u64::from(model.call(asked, (*key, *is_current))));
        }
        let event = Event::by(ALICE).json(&json!({ "items": items }));
        let answer = runtime.block_on(api.call(Operation::BatchTasks, &event));
        let rows = answer.body["results"].as_array().into_iter().flatten();
        let statuses: Vec<_> = rows.filter_map(|row| row["status"].as_u64()).collect();
        done.set(done.get() + statuses.iter().filter(|status| **status < 300).count());
        assert_eq!(statuses, expected, "{items:?}: {answer:?}");
        assert_eq!(runtime.block_on(api.get(ALICE, id)).status, model.status(), "{items:?}");
    });
    assert!(done.get() > 20, "hardly anything was done");
}

//! What must hold for every input, tried with inputs that are made up: other ones in each run, and as many as the
//! environment variable `PROPTEST_CASES` says.
//!
//! No seeds are kept: a failure prints the smallest input that was found to fail, which then becomes a case of its own.

use std::cell::RefCell;
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

/// A change of a token's text.
#[derive(Debug, Clone)]
enum Change {
    Flip(Index, u8),
    Insert(Index, char),
    Delete(Index, usize),
    Swap(Index, Index),
    /// Puts in a segment of another token, or one more of its own.
    Splice {
        into: Index,
        token: Index,
        from: Index,
    },
    Spell(Index, Spelling),
}

/// Another way to write the bytes of a segment.
#[derive(Debug, Clone, Copy)]
enum Spelling {
    Padded,
    OtherAlphabet,
    Twice,
    OtherLeftOverBits,
    OtherWhiteSpace,
}

fn change() -> impl Strategy<Value = Change> {
    let index = any::<Index>;
    let spellings = [
        Spelling::Padded,
        Spelling::OtherAlphabet,
        Spelling::Twice,
        Spelling::OtherLeftOverBits,
        Spelling::OtherWhiteSpace,
    ];
    prop_oneof![
        (index(), 0..7_u8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        (index(), prop_oneof![any::<char>(), select(b"A_-.=+/ ,\t\"".to_vec()).prop_map(char::from)])
            .prop_map(|(at, character)| Change::Insert(at, character)),
        (index(), 1..8_usize).prop_map(|(at, length)| Change::Delete(at, length)),
        (index(), index()).prop_map(|(one, other)| Change::Swap(one, other)),
        (index(), index(), index()).prop_map(|(into, token, from)| Change::Splice { into, token, from }),
        (index(), select(spellings.to_vec())).prop_map(|(segment, spelling)| Change::Spell(segment, spelling)),
    ]
}

impl Change {
    fn apply(&self, text: &str, tokens: &[(&str, String)]) -> String {
        let mut characters: Vec<char> = text.chars().collect();
        let mut segments: Vec<String> = text.split('.').map(str::to_owned).collect();
        match self {
            // Nothing is left to change.
            _ if text.is_empty() => {}
            Self::Flip(at, bit) => {
                let character = at.get_mut(&mut characters);
                *character = char::from_u32(u32::from(*character) ^ (1 << bit)).unwrap_or('\u{fffd}');
            }
            Self::Insert(at, character) => characters.insert(at.index(characters.len() + 1), *character),
            Self::Delete(at, length) => {
                let at = at.index(characters.len());
                characters.drain(at..characters.len().min(at + length));
            }
            Self::Swap(one, other) => {
                let (one, other) = (one.index(characters.len()), other.index(characters.len()));
                characters.swap(one, other);
            }
            Self::Splice { into, token, from } => {
                let (_, token) = token.get(tokens);
                let theirs: Vec<_> = token.split('.').collect();
                let into = into.index(segments.len() + 1);
                let segment = (*from.get(&theirs)).to_owned();
                if into == segments.len() {
                    segments.push(segment)
                } else {
                    segments[into] = segment
                }
                return segments.join(".");
            }
            Self::Spell(at, spelling) => {
                let segment = at.get_mut(&mut segments);
                *segment = spelling.of(segment);
                return segments.join(".");
            }
        }
        characters.into_iter().collect()
    }
}

impl Spelling {
    /// The segment as it is, if it cannot be spelled so.
    fn of(self, segment: &str) -> String {
        let bytes = URL_SAFE_NO_PAD.decode(segment).unwrap_or_default();
        match self {
            Self::Padded => URL_SAFE.encode(bytes),
            Self::OtherAlphabet => STANDARD_NO_PAD.encode(bytes),
            Self::Twice => URL_SAFE_NO_PAD.encode(segment),
            Self::OtherLeftOverBits => match segment.char_indices().last() {
                Some((at, last)) if segment.len() % 4 > 1 => {
                    format!("{}{}", &segment[..at], char::from_u32(u32::from(last) + 1).unwrap_or(last))
                }
                _ => segment.to_owned(),
            },
            Self::OtherWhiteSpace => match serde_json::from_slice::<Value>(&bytes) {
                Ok(json) => URL_SAFE_NO_PAD.encode(format!("{json:#}")),
                Err(_) => segment.to_owned(),
            },
        }
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
        let changed = changes.iter().fold(token.clone(), |text, change| change.apply(&text, &tokens));
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
    cursor: Cursor,
    parameters: Vec<(String, String)>,
    if_match: Option<String>,
    if_none_match: Option<String>,
    idempotency_key: Option<String>,
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
    None,
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
        Just(Cursor::None),
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

fn call() -> impl Strategy<Value = Call> {
    let task = prop_oneof![
        4 => any::<Index>().prop_map(Name::Hers),
        2 => any::<Index>().prop_map(Name::His),
        1 => any::<String>().prop_map(Name::Other),
    ];
    let parameter = (prop_oneof![one_of(&["user_id", "tag"]), text()], text());
    let parameters = prop_oneof![3 => Just(Vec::new()), 1 => vec(parameter, 1..3)];
    let tag = one_of(&["\"1\"", "\"2\"", "*"]);
    let if_match = prop_oneof![5 => Just(None), 2 => tag.prop_map(Some), 1 => field().prop_map(Some)];
    let tag = one_of(&["*", "\"1\""]).prop_map(Some);
    let conditions = (if_match, prop_oneof![5 => Just(None), 2 => tag]);
    let key = prop_oneof![3 => Just(None), 2 => Just(Some(HIS_KEY.to_owned())), 1 => field().prop_map(Some)];
    let target = (user(), any::<bool>(), task, any::<Index>(), cursor(), parameters);
    let operation = select(Operation::of_a_user().collect::<Vec<_>>());
    (operation, target, conditions, key, body()).prop_map(|(operation, target, conditions, idempotency_key, body)| {
        let (user, decoded, task, list, cursor, parameters) = target;
        let (if_match, if_none_match) = conditions;
        Call {
            operation,
            user,
            decoded,
            task,
            list,
            cursor,
            parameters,
            if_match,
            if_none_match,
            idempotency_key,
            body,
        }
    })
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
                let task = api.create(user, json!({ "title": title, "due": "2026-12-01" })).await;
                let id = task["id"].as_str().unwrap().to_owned();
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
        let mut event = Event::anonymous(&call.user).bearer(&self.her_token);
        let parameters = if call.operation.takes_query() { self.parameters(call) } else { call.parameters.clone() };
        event = event.query(&parameters.iter().map(|(name, value)| (&**name, &**value)).collect::<Vec<_>>());
        if call.operation.is_on_a_task() {
            event = event.task(&task);
        }
        let headers = [
            ("if-match", &call.if_match),
            ("if-none-match", &call.if_none_match),
            ("idempotency-key", &call.idempotency_key),
        ];
        for (name, value) in headers {
            event = value.iter().fold(event, |event, value| event.header(name, value));
        }
        event = call.body.iter().fold(event, |event, body| event.body("application/json", body));
        let mut event: Value = serde_json::from_str(&event.to_string()).unwrap();
        if !call.decoded {
            event["requestContext"]["routeKey"] = json!("$default");
        }
        event.to_string()
    }

    /// The query of a list.
    fn parameters(&self, call: &Call) -> Vec<(String, String)> {
        let List { query, her_cursor, his_cursor } = call.list.get(&self.lists);
        let cursor = match &call.cursor {
            Cursor::None => None,
            Cursor::Hers => Some(her_cursor.clone()),
            Cursor::His => Some(his_cursor.clone()),
            Cursor::Changed(changes) => {
                let cursors = [(ALICE, her_cursor.clone()), (BOB, his_cursor.clone())];
                Some(changes.iter().fold(his_cursor.clone(), |text, change| change.apply(&text, &cursors)))
            }
            Cursor::Forged(members) => {
                let mut forged: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(his_cursor).unwrap()).unwrap();
                forged.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
                Some(URL_SAFE_NO_PAD.encode(forged.to_string()))
            }
            Cursor::Other(text) => Some(text.clone()),
        };
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
            (200, _) if answer.body["has_more"] == false && call.operation.answers() == Content::Erasure => {
                self.hers.borrow_mut().clear();
            }
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
#[derive(Debug, Clone)]
struct Terms {
    key: Option<&'static str>,
    is_current: Option<bool>,
}

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

    /// The status that the request is answered with.
    fn call(&mut self, asked: &Asked, terms: &Terms) -> u16 {
        let success = if asked.is_new { 201 } else { asked.operation.success() };
        let remembered = self.memory.iter().rev().take(3).flatten().find(|(key, _)| Some(*key) == terms.key);
        if let Some((_, earlier)) = remembered {
            let is_gone = self.deleted && asked.operation != Operation::DeleteTask;
            return if earlier != asked {
                422
            } else if is_gone {
                404
            } else {
                success
            };
        }
        if asked.is_new && self.exists() {
            return 412;
        }
        if !asked.is_new && (!self.exists() || self.deleted) {
            return 404;
        }
        if terms.is_current == Some(false) && !asked.is_new {
            return 412;
        }
        let completed = match (asked.operation, &asked.body) {
            (Operation::CompleteTask, None) => !self.completed,
            (Operation::ReplaceTask, Some(body)) => body["completed"] == true,
            (_, Some(body)) => body["completed"].as_bool().unwrap_or(self.completed),
            (_, None) => self.completed,
        };
        // What is so already is not written, and leaves nothing to remember.
        if asked.operation == Operation::CompleteTask && completed == self.completed {
            return success;
        }
        self.version += 1;
        self.completed = completed;
        self.deleted = asked.operation == Operation::DeleteTask;
        self.memory.push(terms.key.map(|key| (key, asked.clone())));
        success
    }
}

fn asked() -> impl Strategy<Value = Asked> {
    let ask = |operation, is_new, body| Just(Asked { operation, is_new, body });
    let bodies = select(vec![json!({ "title": "x" }), json!({ "title": "x", "completed": true })]);
    let due = select(vec![json!({ "due": "2026-12-01" }), json!({ "due": null }), json!({ "title": "y" })]);
    let completion = select(vec![None, Some(json!({ "completed": true })), Some(json!({ "completed": false }))]);
    let with = |operation, is_new| move |body| Asked { operation, is_new, body };
    prop_oneof![
        2 => bodies.clone().prop_map(Some).prop_map(with(Operation::ReplaceTask, true)),
        2 => bodies.prop_map(Some).prop_map(with(Operation::ReplaceTask, false)),
        4 => due.prop_map(Some).prop_map(with(Operation::UpdateTask, false)),
        4 => completion.prop_map(with(Operation::CompleteTask, false)),
        1 => ask(Operation::DeleteTask, false, None),
    ]
}

/// Writes of one task in any order, many of them under the same few keys: each is done, refused or recognized as the
/// contract says.
#[test]
fn keyed_writes_follow_the_contract() {
    let runtime = runtime();
    let api = runtime.block_on(Api::start());
    let key = prop_oneof![1 => Just(None), 2 => select(vec!["a", "b", "c"]).prop_map(Some)];
    let is_current = prop_oneof![4 => Just(None), 1 => any::<bool>().prop_map(Some)];
    let terms = (key, is_current).prop_map(|(key, is_current)| Terms { key, is_current });
    let repeated = RefCell::new(0);
    let number = RefCell::new(0_u64);
    let tried = runner(60).run(&vec((asked(), terms), 1..14), |calls| {
        *number.borrow_mut() += 1;
        let id = format!("01990000-0000-7000-8000-{:012}", number.borrow());
        let mut model = Model::default();
        for (asked, terms) in &calls {
            let version = if terms.is_current == Some(true) { model.version } else { model.version + 7 };
            let mut event = Event::by(ALICE).task(&id);
            event = terms.key.iter().fold(event, |event, key| event.header("idempotency-key", key));
            event = asked.body.iter().fold(event, |event, body| event.json(body));
            if asked.is_new {
                event = event.header("if-none-match", "*");
            } else if terms.is_current.is_some() {
                event = event.header("if-match", &format!("\"{version}\""));
            }
            let before = model.version;
            let status = model.call(asked, terms);
            let answer = runtime.block_on(api.call(asked.operation, &event));
            prop_assert_eq!(answer.status, status, "{:?} of {:?}: {:?}", asked, calls, answer);
            if answer.status < 203 {
                prop_assert_eq!(&answer.body["version"], &json!(model.version), "{:?} of {:?}", asked, calls);
                prop_assert_eq!(&answer.body["completed"], &json!(model.completed), "{:?} of {:?}", asked, calls);
            }
            *repeated.borrow_mut() += usize::from(terms.key.is_some() && before == model.version && status < 300);
        }
        let task = runtime.block_on(api.get(ALICE, &id));
        prop_assert_eq!(task.status, if model.exists() && !model.deleted { 200 } else { 404 }, "{:?}", calls);
        Ok(())
    });
    tried.unwrap();
    assert!(repeated.into_inner() > 5, "hardly anything was repeated");
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
        _ => None,
    }
}

/// The items of a batch are answered as single requests would be, one after another; and an item under the key of a
/// single request is its repetition.
#[test]
fn batched_writes_follow_the_contract() {
    let runtime = runtime();
    let api = runtime.block_on(Api::start());
    let key = prop_oneof![1 => Just(None), 2 => select(vec!["a", "b", "c"]).prop_map(Some)];
    let is_current = prop_oneof![4 => Just(None), 1 => any::<bool>().prop_map(Some)];
    let terms = (key, is_current).prop_map(|(key, is_current)| Terms { key, is_current });
    let asked = asked().prop_filter("a batch has no such item", |asked| item(asked, "").is_some());
    let number = RefCell::new(0_u64);
    let done = RefCell::new(0);
    let tried = runner(60).run(&vec((asked, terms), 1..14), |calls| {
        *number.borrow_mut() += 1;
        let id = format!("01990000-0000-7000-8000-{:012}", number.borrow());
        let mut model = Model::default();
        let (mut items, mut expected) = (Vec::new(), Vec::new());
        for (asked, terms) in &calls {
            let mut item = item(asked, &id).unwrap();
            if let Some(key) = terms.key {
                item["idempotency_key"] = json!(key);
            }
            if !asked.is_new && terms.is_current.is_some() {
                let off_by = if terms.is_current == Some(true) { 0 } else { 7 };
                // A version that was never there is none of a batch, and no other status than 404 could come of it.
                item["if_match"] = json!((model.version + off_by).max(1));
            }
            items.push(item);
            expected.push(u64::from(model.call(asked, terms)));
        }
        let event = Event::by(ALICE).json(&json!({ "items": items }));
        let answer = runtime.block_on(api.call(Operation::BatchTasks, &event));
        let rows = answer.body["results"].as_array().cloned().unwrap_or_default();
        let statuses: Vec<_> = rows.iter().filter_map(|row| row["status"].as_u64()).collect();
        *done.borrow_mut() += statuses.iter().filter(|status| **status < 300).count();
        prop_assert_eq!(statuses, expected, "{:?}: {:?}", items, answer);
        let task = runtime.block_on(api.get(ALICE, &id));
        prop_assert_eq!(task.status, if model.exists() && !model.deleted { 200 } else { 404 }, "{:?}", items);
        Ok(())
    });
    tried.unwrap();
    assert!(done.into_inner() > 20, "hardly anything was done");
}

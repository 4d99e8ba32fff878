//! Tokens, and a model of clients that read while others write: simulated time, an ordered map for the index, and for all else
//! what [`UserTasks::changes`] is made of.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound::{Excluded, Unbounded};
use std::time::UNIX_EPOCH;

use aws_sdk_dynamodb::types::AttributeValue;

use super::*;
use crate::aws::{Answer, Value};

const SCHEDULES: u64 = 2_000;
const SECOND: u64 = 1_000;
/// The longest that a write is under way after its timestamp was taken.
const LATEST: u64 = (SIGNATURE_LIFETIME.as_secs() + FUNCTION_TIMEOUT.as_secs()) * SECOND;
/// How far a clock is wrong at most, so that no two are further apart than what is allowed for.
const WRONG: u64 = CLOCK_SKEW.as_secs() * SECOND / 2;
/// When a schedule begins. Times are milliseconds.
const BEGIN: u64 = 1_795_218_924_000;

/// splitmix64, by Sebastiano Vigna.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn one_in(&mut self, chances: u64) -> bool {
        self.below(chances) == 0
    }

    /// The clock of an instance: how far it is ahead, counted from [`WRONG`] behind.
    fn clock(&mut self) -> u64 {
        // The extremes are what matters.
        match self.below(3) {
            0 => 0,
            1 => 2 * WRONG,
            _ => self.below(2 * WRONG + 1),
        }
    }

    /// How long until a write has landed.
    fn delay(&mut self) -> u64 {
        match self.below(8) {
            0 => LATEST,
            1 => self.below(LATEST),
            2 | 3 => self.below(FUNCTION_TIMEOUT.as_secs() * SECOND),
            _ => 5 + self.below(50),
        }
    }
}

/// What an instance whose clock is wrong by so much takes a moment for.
fn by_clock(clock: u64, time: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(time + clock - WRONG)
}

/// An item, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    version: u64,
    at: Timestamp,
    is_deleted: bool,
}

impl Entry {
    fn attributes(&self, id: TaskId) -> TaskAttributes {
        let mut attributes = TaskAttributes::default();
        attributes.set("task_id", Value::S(id.to_string().into()));
        attributes.set("version", Value::N(self.version.to_string().into()));
        let at = || Value::S(self.at.as_str().to_owned().into());
        if self.is_deleted {
            attributes.set("deleted_at", at());
        } else {
            for (name, value) in [("title", "x"), ("priority", "none")] {
                attributes.set(name, Value::S(value.into()));
            }
            attributes.set("tags", Value::L(Vec::new()));
            attributes.set("created_at", at());
            attributes.set("updated_at", at());
        }
        attributes
    }
}

/// A user's partition.
#[derive(Default)]
struct Table {
    items: HashMap<TaskId, Entry>,
    by_updated: BTreeMap<String, TaskId>,
    /// How often something was erased.
    erasures: usize,
}

impl Table {
    /// Whatever the timestamp, a write that lands later makes the later version.
    fn write(&mut self, id: TaskId, at: Timestamp, is_deleted: bool) {
        let version = match self.items.get(&id) {
            Some(Entry { is_deleted: true, .. }) => return,
            Some(entry) => {
                self.by_updated.remove(&updated(&entry.at, id));
                entry.version + 1
            }
            None => 1,
        };
        self.by_updated.insert(updated(&at, id), id);
        self.items.insert(id, Entry { version, at, is_deleted });
    }

    /// Erases a part of what is there, or all of it.
    fn erase(&mut self, is_erased: impl Fn(TaskId) -> bool) {
        self.items.retain(|id, entry| {
            let is_erased = ![FIRST_MARK, MARK].contains(id) && is_erased(*id);
            if is_erased {
                self.by_updated.remove(&updated(&entry.at, *id));
            }
            !is_erased
        });
        self.erasures += 1;
    }

    /// Both marks of an erasure at once, over those of an earlier one.
    fn mark(&mut self, at: &Timestamp) {
        self.by_updated.retain(|_, id| ![FIRST_MARK, MARK].contains(id));
        for (id, position) in [(FIRST_MARK, &Timestamp::from(UNIX_EPOCH)), (MARK, at)] {
            self.by_updated.insert(updated(position, id), id);
            self.items.insert(id, Entry { version: 1, at: at.clone(), is_deleted: true });
        }
    }

    /// As DynamoDB answers.
    fn query(&self, after: Option<&str>, limit: usize) -> Answer<TaskAttributes> {
        let begin = after.map_or(Unbounded, Excluded);
        let items = self.by_updated.range::<str, _>((begin, Unbounded)).take(limit);
        let items: Vec<_> = items.map(|(key, id)| (key, self.items[id].attributes(*id))).collect();
        let last = items.last().filter(|_| items.len() == limit);
        let last_evaluated_key =
            last.map(|(key, _)| HashMap::from([("updated".to_owned(), AttributeValue::S((*key).clone()))]));
        Answer {
            scanned_count: items.len(),
            items: items.into_iter().map(|(_, attributes)| attributes).collect(),
            last_evaluated_key,
            consumed_capacity: None,
        }
    }

    fn versions(&self) -> HashMap<TaskId, (u64, bool)> {
        let tasks = self.items.iter().filter(|(id, _)| ![FIRST_MARK, MARK].contains(id));
        tasks.map(|(id, entry)| (*id, (entry.version, entry.is_deleted))).collect()
    }
}

/// What happens next.
enum Event {
    Land {
        id: TaskId,
        at: Timestamp,
        is_deleted: bool,
    },
    /// Every second task is erased, or all of them.
    Erase {
        all: bool,
    },
    /// The marks of the erasure land.
    Mark {
        at: Timestamp,
    },
    Read,
}

/// A client, and what it knows.
#[derive(Default)]
struct Client {
    token: Option<String>,
    /// The version of each task, and whether it was deleted.
    knows: HashMap<TaskId, (u64, bool)>,
    /// What was there when the pull began that is under way.
    owed: HashMap<TaskId, (u64, bool)>,
    is_within: bool,
    /// How often something was erased before it read anything, and before the pull under way.
    erasures: usize,
    erasures_before_pull: usize,
    /// By the clock of the instance that answered, when the pull under way began, and when the one before it did.
    begun: Option<SystemTime>,
    begun_before: Option<SystemTime>,
    given: HashMap<(TaskId, u64), usize>,
    pulls: usize,
}

/// What must never happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// A pull ended, and the client does not know what was there when it began, and still is.
    Missed,
    /// In the end, the client knows something else than what is there.
    Kept,
    /// A change was given again by the same pull, or by one although the one before it began longer than the overlap after
    /// the change.
    Repeated,
}

impl Client {
    /// Asks for a page, of an instance with this clock.
    fn read(&mut self, table: &Table, now: SystemTime, limit: usize, overlap: Duration) -> Result<(), Fault> {
        // What `UserTasks::changes` does, but for the request.
        let since =
            self.token.as_deref().map(|text| Since::Token(SyncToken::decode(text).unwrap())).unwrap_or_default();
        let place = if let Since::Token(token) = &since { Some(&token.place) } else { None };
        if place.is_none() {
            *self = Self { erasures: table.erasures, pulls: self.pulls, ..Self::default() };
        }
        assert!(!place.is_some_and(|place| place.has_expired(now, overlap)));
        if !self.is_within {
            self.owed = table.versions();
            self.begun_before = self.begun.replace(now);
            self.pulls += 1;
            self.erasures_before_pull = table.erasures;
        }
        let answer = table.query(place.map(Place::key).as_deref(), limit + 1);
        let mut page = Page::of(answer, limit).unwrap();
        let Ok(erased_at) = page.last_erasure(&since) else {
            // It begins again.
            (self.token, self.is_within) = (None, false);
            return Ok(());
        };
        let place = Pull::from(place, now, overlap).next(page.reached.take(), overlap);
        let changes = Changes::new(page, SyncToken { user: String::new(), erased_at, place });

        assert!(changes.tasks.len() + changes.deleted.len() <= limit);
        let tasks = changes.tasks.iter().map(|task| (task.id, task.version, false, &task.updated_at));
        let deleted = changes.deleted.iter().map(|task| (task.id, task.version, true, &task.deleted_at));
        for (id, version, is_deleted, at) in tasks.chain(deleted) {
            self.knows.insert(id, (version, is_deleted));
            let is_near = self.begun_before.is_none_or(|begun| at.time().unwrap() + overlap > begun - MILLISECOND);
            let given = self.given.insert((id, version), self.pulls);
            // What was erased may have been created again.
            let is_the_same = self.erasures == table.erasures;
            if given.is_some_and(|pull| is_the_same && (pull == self.pulls || !is_near)) {
                return Err(Fault::Repeated);
            }
        }
        self.is_within = changes.has_more;
        self.token = Some(changes.next);
        // A task that was written since then may have moved behind what was read: the next pull owes it.
        let knows = |(id, (version, _)): (&TaskId, &(u64, bool))| {
            self.knows.get(id).is_some_and(|(known, _)| known >= version) || table.items[id].version > *version
        };
        let is_erased = self.erasures_before_pull != table.erasures;
        if changes.has_more || is_erased || self.owed.iter().all(knows) { Ok(()) } else { Err(Fault::Missed) }
    }
}

/// What a timestamp leaves away.
const MILLISECOND: Duration = Duration::from_millis(1);

/// Writers race against one client. What was wrong, if anything was.
fn run(seed: u64, overlap: Duration, marks: bool) -> Result<(), Fault> {
    let mut random = Random(seed);
    let ids: Vec<_> = (0..1 + random.below(10)).map(|_| TaskId::new()).collect();
    let writers: Vec<_> = (0..1 + random.below(4)).map(|_| random.clock()).collect();
    let readers: Vec<_> = (0..1 + random.below(3)).map(|_| random.clock()).collect();
    let limit = usize::try_from(1 + random.below(4)).unwrap();

    // Times are unique by a counter, so that nothing is lost from the map.
    let mut events: BTreeMap<(u64, u64), Event> = BTreeMap::new();
    let mut time = BEGIN;
    let pause = 1 + random.below(120 * SECOND);
    for number in 0..random.below(60) {
        time += random.below(pause);
        let clock = *random.pick(&writers);
        let at = Timestamp::from(by_clock(clock, time));
        let event = Event::Land { id: *random.pick(&ids), at, is_deleted: random.one_in(20) };
        events.insert((time + random.delay(), number), event);
    }
    for number in 0..random.below(6).saturating_sub(3) {
        let begin = BEGIN + random.below(time - BEGIN + 60 * SECOND);
        let is_done = begin + random.below(30 * SECOND);
        events.insert((begin, 100 + number), Event::Erase { all: false });
        events.insert((is_done, 200 + number), Event::Erase { all: true });
        let at = Timestamp::from(by_clock(random.clock(), is_done + 1));
        events.insert((is_done + 1 + random.delay(), 300 + number), Event::Mark { at });
    }
    let end = time + LATEST + 91 * SECOND;
    let pause = 5 * SECOND + random.below(300 * SECOND);
    let mut time = BEGIN;
    for number in 1_000.. {
        time += if random.one_in(3) { random.below(20) } else { random.below(pause) };
        events.insert((time, number), Event::Read);
        if time > end {
            break;
        }
    }

    let (mut table, mut client) = (Table::default(), Client::default());
    for ((time, _), event) in events {
        match event {
            Event::Land { id, at, is_deleted } => table.write(id, at, is_deleted),
            Event::Erase { all } => {
                table.erase(|id| all || ids.iter().position(|other| *other == id) < Some(ids.len() / 2))
            }
            Event::Mark { at } if marks => table.mark(&at),
            Event::Mark { .. } => {}
            Event::Read => client.read(&table, by_clock(*random.pick(&readers), time), limit, overlap)?,
        }
    }
    // Nothing is written any more: the pull under way ends, another one gives what landed meanwhile, and one after the
    // overlap gives nothing.
    let mut pages = 0;
    let mut read = |client: &mut Client, time| {
        pages += 1;
        assert!(pages < 100, "a pull does not end");
        client.read(&table, by_clock(*random.pick(&readers), time), limit, overlap)
    };
    for time in [end, end + SECOND, end + 1_000 * SECOND, end + 2_000 * SECOND] {
        read(&mut client, time)?;
        while client.is_within {
            read(&mut client, time)?;
        }
    }
    if client.knows != table.versions() {
        return Err(Fault::Kept);
    }
    let answer = client.token.as_deref().map(|text| SyncToken::decode(text).unwrap().place.key());
    assert!(table.query(answer.as_deref(), 1).items.is_empty(), "an old change is given again");
    Ok(())
}

impl Random {
    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        let index = self.below(u64::try_from(from.len()).unwrap());
        &from[usize::try_from(index).unwrap()]
    }
}

#[test]
fn no_schedule_misses_a_change() {
    for seed in 0..SCHEDULES {
        assert_eq!(run(seed, OVERLAP, true), Ok(()), "seed {seed}");
    }
}

/// The model can tell: each part of the overlap is needed.
#[test]
fn any_shorter_overlap_misses_changes() {
    for (left_out, overlap) in [
        ("everything", Duration::ZERO),
        ("late attempts", FUNCTION_TIMEOUT + CLOCK_SKEW),
        ("the function's time", SIGNATURE_LIFETIME + CLOCK_SKEW),
        ("clocks", SIGNATURE_LIFETIME + FUNCTION_TIMEOUT),
    ] {
        let misses = (0..SCHEDULES).any(|seed| run(seed, overlap, true) == Err(Fault::Missed));
        assert!(misses, "without {left_out} nothing is missed");
    }
}

#[test]
fn without_marks_erased_tasks_stay_on_devices() {
    assert!((0..SCHEDULES).any(|seed| run(seed, OVERLAP, false) == Err(Fault::Kept)));
}

/// A client that reads one change per second sees ten others in the meantime.
#[test]
fn pull_ends_although_writers_never_do() {
    let ids: Vec<_> = (0..20).map(|_| TaskId::new()).collect();
    let (mut table, mut client) = (Table::default(), Client::default());
    let (mut ended, mut time) = (0, BEGIN);
    while ended < 3 {
        for id in ids.iter().cycle().take(10) {
            time += SECOND / 10;
            table.write(*id, Timestamp::from(by_clock(2 * WRONG, time)), false);
        }
        client.read(&table, by_clock(0, time), 1, OVERLAP).unwrap();
        ended += usize::from(!client.is_within);
        assert!(time < BEGIN + 3 * (OVERLAP.as_secs() + 30) * SECOND, "{ended} pulls have ended");
    }
}

const ID: &str = "01990000-0000-7000-8000-000000000000";

fn decode(json: &str) -> Result<Place, InvalidSyncToken> {
    SyncToken::decode(&URL_SAFE_NO_PAD.encode(json)).map(|token| token.place)
}

fn kept(after: &str) -> String {
    format!(r#"{{"list":"changes","user":"u","after":"{after}"}}"#)
}

fn within(after: &str, floor: &str, is_first: bool) -> String {
    let pull = format!(r#"{{"task_id":"{ID}","floor":"{floor}","is_first":{is_first}}}"#);
    format!(r#"{{"list":"changes","user":"u","after":"{after}","pull":{pull}}}"#)
}

#[test]
fn token_has_one_spelling() {
    const AT: &str = "2026-11-20T23:55:24.007Z";
    assert_eq!(decode(&kept(AT)).unwrap().key(), AT);
    assert_eq!(decode(&within(AT, AT, true)).unwrap().key(), format!("{AT}#{ID}"));
    let good = within(AT, AT, false);
    for other in [
        kept(AT).replace("changes", "tasks"),
        kept(AT).replace("007", "0070"),
        kept(AT).replace("Z", "+00:00"),
        kept(AT).replace(':', ": "),
        kept(AT).replace('}', r#","pull":null}"#),
        kept(AT).replace(r#""list""#, r#""\u006cist""#),
        format!(r#"["changes","u","{AT}"]"#),
        good.replace(ID, "none"),
        good.replace(ID, &ID.replace("-7", "-4")),
        good.replace("false", "0"),
        good.replace(r#""floor""#, r#""more":1,"floor""#),
    ] {
        assert_eq!(decode(&other), Err(InvalidSyncToken), "{other}");
    }
}

#[test]
fn token_lasts_as_long_as_what_it_needs() {
    let time = |text: &str| Timestamp::parse(text).unwrap().time().unwrap();
    const OLD: &str = "2020-01-01T00:00:00.000Z";
    const AT: &str = "2026-11-01T00:00:00.000Z";
    let end = time("2026-12-01T00:00:00.000Z") - OVERLAP;
    for (place, lasts) in [
        (kept(AT), true),
        // Old tasks of a first pull: deletions matter from when it began.
        (within(OLD, AT, true), true),
        (within(AT, OLD, true), true),
        (within(AT, OLD, false), true),
        // Deletions since then matter.
        (within(OLD, AT, false), false),
        (kept(OLD), false),
    ] {
        let place = decode(&place).unwrap();
        assert_eq!(place.has_expired(end, OVERLAP), !lasts, "{place:?}");
        assert!(place.has_expired(end + MILLISECOND, OVERLAP), "{place:?}");
    }
}

#[test]
fn next_pull_never_begins_before_the_last() {
    let begun = by_clock(WRONG, BEGIN);
    let since = |time: SystemTime| Place::Kept(Timestamp::from(time));
    let next = |place: &Place| Pull::from(Some(place), begun, OVERLAP).next(None, OVERLAP);
    assert_eq!(next(&since(begun - 2 * OVERLAP)), since(begun - OVERLAP));
    // Of a clock that is ahead.
    assert_eq!(next(&since(begun - OVERLAP + MILLISECOND)), since(begun - OVERLAP + MILLISECOND));
}

#[test]
fn moments_at_the_ends_of_time_are_moments() {
    for moment in ["0000-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"] {
        for place in [kept(moment), within(moment, moment, false)].map(|place| decode(&place).unwrap()) {
            place.has_expired(by_clock(0, BEGIN), OVERLAP);
            let reached = Some((Timestamp::parse(moment).unwrap(), TaskId::new()));
            Pull::from(Some(&place), by_clock(0, BEGIN), OVERLAP).next(reached, OVERLAP);
        }
    }
}

#[test]
fn page_ends_before_too_much_text() {
    let task = || {
        let entry = Entry { version: 1, at: Timestamp::from(by_clock(0, BEGIN)), is_deleted: false };
        let mut attributes = entry.attributes(TaskId::new());
        attributes.set("description", Value::S("x".repeat(MAX_PAGE_TEXT_BYTES / 2).into()));
        attributes
    };
    let answer = Answer {
        items: vec![task(), task(), task()],
        scanned_count: 3,
        last_evaluated_key: None,
        consumed_capacity: None,
    };
    let page = Page::of(answer, 500).unwrap();
    assert_eq!(page.tasks.len(), 1);
    assert_eq!(page.reached, page.tasks.first().map(|task| (task.updated_at.clone(), task.id)));
}

#[test]
fn page_without_items_goes_on() {
    let key = |text: &str| HashMap::from([("updated".to_owned(), AttributeValue::S(text.to_owned()))]);
    let page = |key| {
        Page::of(
            Answer { items: Vec::new(), scanned_count: 1_000, last_evaluated_key: Some(key), consumed_capacity: None },
            100,
        )
    };
    let at = Timestamp::from(by_clock(0, BEGIN));
    let reached = page(key(&format!("{}#{ID}", at.as_str()))).unwrap().reached;
    assert_eq!(reached, Some((at, TaskId::parse(ID).unwrap())));
    for malformed in ["", "2026-11-20T23:55:24.007Z", "2026-11-20#01990000-0000-7000-8000-000000000000"] {
        assert!(matches!(page(key(malformed)), Err(StoreError::Unexpected(_))), "{malformed}");
    }
}

//! Lists: their order, their pages, and what a query may say.

use kit::fixtures::refused;

use super::*;

#[tokio::test]
async fn lists_are_newest_first_and_open_ones_by_due_date() {
    let api = Api::start().await;
    for (title, due) in [
        ("undated", None),
        ("later", Some("2027-01-01")),
        ("at nine", Some("2026-12-01T09:00:00Z")),
        ("that day", Some("2026-12-01")),
        ("done", Some("2020-01-01")),
    ] {
        let task = api.create(ALICE, json!({ "title": title, "due": due })).await;
        if title == "done" {
            complete(&api, task["id"].as_str().unwrap(), Some(true)).await;
        }
    }
    assert_eq!(api.list(ALICE, &[]).await.titles(), ["done", "that day", "at nine", "later", "undated"]);
    assert_eq!(api.list(ALICE, &[("status", "open")]).await.titles(), ["that day", "at nine", "later", "undated"]);
    assert_eq!(api.list(ALICE, &[("status", "completed")]).await.titles(), ["done"]);
    for (from, before, expected) in [
        (Some("2026-12-01"), Some("2026-12-02"), vec!["that day", "at nine"]),
        (Some("2026-12-01T09:00:00Z"), None, vec!["at nine", "later"]),
        (None, Some("2026-12-01T09:00:00Z"), vec!["that day"]),
        (None, Some("2027-01-01"), vec!["that day", "at nine"]),
        (Some("2026-12-01T10:00:00+01:00"), Some("2026-12-01T09:00:00.001Z"), vec!["at nine"]),
        (Some("2028-01-01"), None, vec![]),
    ] {
        let mut query = vec![("status", "open")];
        query.extend(from.map(|from| ("due_from", from)));
        query.extend(before.map(|before| ("due_before", before)));
        assert_eq!(api.list(ALICE, &query).await.titles(), expected, "{query:?}");
    }
}

#[tokio::test]
async fn open_list_follows_completion_and_dates() {
    let api = Api::start().await;
    let first = api.create_id(ALICE, json!({ "title": "first", "due": "2026-12-01" })).await;
    api.create(ALICE, json!({ "title": "second", "due": "2026-12-02" })).await;
    let open = async || api.list(ALICE, &[("status", "open")]).await.titles().join(",");
    assert_eq!(open().await, "first,second");
    patch(&api, &first, json!({ "due": "2026-12-03" })).await;
    assert_eq!(open().await, "second,first");
    complete(&api, &first, Some(true)).await;
    patch(&api, &first, json!({ "due": "2026-11-01" })).await;
    assert_eq!(open().await, "second", "a new date does not reopen");
    complete(&api, &first, None).await;
    assert_eq!(open().await, "first,second", "but it applies when the task is reopened");
    let event = Event::by(ALICE).task(&first).json(&json!({ "title": "replaced" }));
    api.call(Operation::ReplaceTask, &event).await;
    assert_eq!(open().await, "second,replaced");
}

#[tokio::test]
async fn completed_list_is_by_completion() {
    let api = Api::start().await;
    let mut ids = Vec::new();
    for title in ["first", "second", "third"] {
        ids.push(api.create_id(ALICE, json!({ "title": title })).await);
    }
    for index in [2, 0, 1] {
        complete(&api, &ids[index], Some(true)).await;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let completed = async || {
        let pages = api.pages(ALICE, &[("status", "completed"), ("limit", "1")]).await;
        pages.iter().flat_map(Answer::titles).collect::<Vec<_>>().join(",")
    };
    assert_eq!(completed().await, "second,first,third");
    patch(&api, &ids[0], json!({ "due": "2026-12-01", "completed": true })).await;
    assert_eq!(completed().await, "second,first,third", "the first completion counts");
    complete(&api, &ids[2], None).await;
    assert_eq!(completed().await, "second,first");
    patch(&api, &ids[2], json!({ "completed": true })).await;
    assert_eq!(completed().await, "third,second,first");
}

#[tokio::test]
async fn pages_hold_every_task_once() {
    let api = Api::start().await;
    for number in 0..25 {
        let due = (number % 3 > 0).then(|| format!("2026-12-{:02}", number % 7 + 1));
        let body =
            json!({ "title": number.to_string(), "due": due, "tags": [if number % 2 == 0 { "even" } else { "odd" }] });
        let task = api.create(ALICE, body).await;
        let id = task["id"].as_str().unwrap();
        match number % 5 {
            0 => drop(complete(&api, id, Some(true)).await),
            1 => drop(api.call(Operation::DeleteTask, &Event::by(ALICE).task(id)).await),
            _ => {}
        }
    }
    for (query, count) in [
        (vec![("status", "all")], 20),
        (vec![("status", "open")], 15),
        (vec![("status", "completed")], 5),
        (vec![("status", "all"), ("tag", "even")], 11),
        (vec![("status", "open"), ("tag", "odd")], 7),
        (vec![("status", "open"), ("due_from", "2026-12-01"), ("due_before", "2026-12-08")], 10),
    ] {
        let whole = api.list(ALICE, &[query.as_slice(), &[("limit", "100")]].concat()).await;
        assert_eq!((whole.titles().len(), &whole.body["next_cursor"]), (count, &Value::Null), "{query:?}");
        for limit in ["1", "2", "7", "25"] {
            let pages = api.pages(ALICE, &[&query, &[("limit", limit)][..]].concat()).await;
            let (_, full) = pages.split_last().unwrap();
            assert!(full.iter().all(|page| page.titles().len().to_string() == limit), "full unless it is the last");
            assert!(pages.iter().all(|page| !page.titles().is_empty()), "a cursor leads to more");
            let titles: Vec<_> = pages.iter().flat_map(Answer::titles).collect();
            assert_eq!(titles, whole.titles(), "{query:?} by {limit}");
        }
    }
}

#[tokio::test]
async fn cursor_belongs_to_its_list() {
    let api = Api::start().await;
    for number in 0..5 {
        api.create(ALICE, json!({ "title": number.to_string(), "due": "2026-12-01", "tags": ["t"] })).await;
    }
    let list = [("status", "open"), ("limit", "2"), ("tag", "t"), ("due_from", "2026-01-01")];
    let page = api.list(ALICE, &list).await;
    let cursor = page.body["next_cursor"].as_str().unwrap().to_owned();
    assert!(cursor.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "URL-safe: {cursor}");
    let again: Vec<_> = list.iter().rev().copied().chain([("cursor", cursor.as_str())]).collect();
    assert_eq!(api.list(ALICE, &again).await.titles(), ["2", "3"], "the order of parameters does not matter");

    let other_lists: [&[(&str, &str)]; 6] = [
        &[("limit", "2"), ("tag", "t")],
        &[("status", "open"), ("limit", "3"), ("tag", "t"), ("due_from", "2026-01-01")],
        &[("status", "open"), ("limit", "2"), ("due_from", "2026-01-01")],
        &[("status", "open"), ("limit", "2"), ("tag", "u"), ("due_from", "2026-01-01")],
        &[("status", "open"), ("limit", "2"), ("tag", "t")],
        &[("status", "open"), ("limit", "2"), ("tag", "t"), ("due_from", "2026-01-02")],
    ];
    for other in other_lists {
        let answer = api.list(ALICE, &[other, &[("cursor", cursor.as_str())]].concat()).await;
        let problem = (answer.status, answer.code(), named(&answer));
        assert_eq!(problem, (400, "invalid_cursor", vec!["cursor"]), "{other:?}");
    }
    let [longer, padded, long] = [format!("{cursor}A"), format!("{cursor}="), "A".repeat(5000)];
    for foreign in ["", "x", "e30", "bnVsbA", &cursor[1..], &longer, &padded, &long] {
        let answer = api.list(ALICE, &[&list[..], &[("cursor", foreign)]].concat()).await;
        assert_eq!((answer.status, answer.code()), (400, "invalid_cursor"), "{foreign}");
    }
}

#[tokio::test]
async fn query_errors_are_all_named() {
    let api = Api::start().await;
    for (query, expected) in refused("queries of lists") {
        let query = query.as_str().unwrap();
        let answer = api.call(Operation::ListTasks, &Event::by(ALICE).raw_query(query)).await;
        assert_eq!((answer.status, answer.code()), (400, "invalid_parameter"), "{query}");
        assert_eq!(named(&answer), expected, "{query}");
    }
    assert_eq!(api.wire.take(), []);
}

#[tokio::test]
async fn search_finds_words_and_tags() {
    let api = Api::start().await;
    for (title, description, tags) in [
        ("Call the Café", None, vec!["Work", "phone"]),
        ("Buy milk", Some("at the café, with oats"), vec!["shop"]),
        ("Milk the cow", None, vec!["WORK", "Milch"]),
    ] {
        api.create(ALICE, json!({ "title": title, "description": description, "tags": tags })).await;
    }
    for (query, expected) in [
        ("q=cafe", "Buy milk,Call the Café"),
        ("q=CAF%C3%89", "Buy milk,Call the Café"),
        ("q=the+caf", "Buy milk,Call the Café"),
        ("q=mil", "Milk the cow,Buy milk"),
        ("q=mil+work", "Milk the cow"),
        ("q=ilk", ""),
        ("q=milk&tag=work", "Milk the cow"),
        ("tag=work", "Milk the cow,Call the Café"),
        ("tag=WORK&tag=Phone", "Call the Café"),
        ("tag=wor", ""),
        ("q=oat&status=completed", ""),
        ("q=oat&status=open", "Buy milk"),
    ] {
        let answer = api.call(Operation::ListTasks, &Event::by(ALICE).raw_query(query)).await;
        assert_eq!((answer.status, answer.titles().join(",")), (200, expected.to_owned()), "{query}");
    }
    let page = api.list(ALICE, &[("q", "the"), ("limit", "1")]).await;
    let cursor = ("cursor", page.body["next_cursor"].as_str().unwrap());
    for (same, status) in [("The", 200), (" thé!", 200), ("the a", 400)] {
        assert_eq!(api.list(ALICE, &[("q", same), ("limit", "1"), cursor]).await.status, status, "{same}");
    }
}

#[tokio::test]
async fn tags_are_counted_whatever_their_case() {
    let api = Api::start().await;
    for (tags, operation) in [
        (vec!["Work"], Operation::GetTask),
        (vec!["work", "Café"], Operation::CompleteTask),
        (vec!["cafe"], Operation::CompleteTask),
        (vec!["work", "gone"], Operation::DeleteTask),
        (vec!["shop"], Operation::GetTask),
    ] {
        let id = api.create_id(ALICE, json!({ "title": "one", "tags": tags })).await;
        api.call(operation, &Event::by(ALICE).task(&id)).await;
    }
    let page = api.call(Operation::ListTags, &Event::by(ALICE)).await;
    let counts: Vec<_> = page.body["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|count| {
            assert!(["Work", "work", "Café", "cafe", "shop"].contains(&count["tag"].as_str().unwrap()), "{count}");
            format!("{} {} {}", count["key"].as_str().unwrap(), count["open"], count["completed"])
        })
        .collect();
    assert_eq!(counts, ["cafe 0 2", "shop 1 0", "work 1 1"]);
    assert_eq!(page.body["next_cursor"], Value::Null);
    for (query, code) in
        [("cursor=x", "invalid_cursor"), ("q=x", "invalid_parameter"), ("limit=1", "invalid_parameter")]
    {
        let answer = api.call(Operation::ListTags, &Event::by(ALICE).raw_query(query)).await;
        assert_eq!((answer.status, answer.code()), (400, code), "{query}");
    }
}

/// More tags than a page has room for, so that pages are added up.
#[tokio::test]
async fn pages_of_tags_add_up() {
    let api = Api::start().await;
    let id = api.create_id(ALICE, json!({ "title": "one", "tags": ["mine"] })).await;
    let item = api.item(ALICE, &id);
    let item_of = |number: usize| {
        let mut item: Value =
            serde_json::from_str(&item.to_string().replace(&id, &format!("01990000-0000-7000-8000-{number:012}")))
                .unwrap();
        let tags = (0..20).map(|tag| json!({ "S": format!("{}{:05}", "\u{1d11e}".repeat(45), number * 20 + tag) }));
        item["tags"] = json!({ "L": tags.collect::<Vec<_>>() });
        item
    };
    api.import("tasks", (0..120).map(item_of));
    let (mut pages, mut open, mut cursor) = (0, 0, None::<String>);
    loop {
        let query: Vec<_> = cursor.iter().map(|cursor| ("cursor", cursor.as_str())).collect();
        let page = api.call(Operation::ListTags, &Event::by(ALICE).query(&query)).await;
        assert!(page.raw["body"].as_str().unwrap().len() < 1_000_000);
        open += page.body["tags"].as_array().unwrap().iter().map(|count| count["open"].as_u64().unwrap()).sum::<u64>();
        (pages, cursor) = (pages + 1, page.body["next_cursor"].as_str().map(str::to_owned));
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!((pages, open), (2, 120 * 20 + 1));
}

#[tokio::test]
async fn tag_may_hold_what_a_url_may_not() {
    let api = Api::start().await;
    let tag = "a&b=c, ä%";
    api.create(ALICE, json!({ "title": "one", "tags": [tag, "other"] })).await;
    api.create(ALICE, json!({ "title": "two", "tags": ["a&b=c", "ä%"] })).await;
    assert_eq!(api.list(ALICE, &[("tag", tag)]).await.titles(), ["one"]);
    api.create(ALICE, json!({ "title": "three", "priority": "high" })).await;
    assert_eq!(api.list(ALICE, &[("priority", "high")]).await.titles(), ["three"]);
    assert_eq!(api.list(ALICE, &[("priority", "none"), ("status", "open")]).await.titles(), ["one", "two"]);
}

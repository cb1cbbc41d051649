//! Records how status lists are read and checked, and the preparation of operations.

use serde_json::{Value, json};

use super::book::Book;
use super::sweep::{salt, sweep, sweep_read};
use super::world::{AUTHORITY, ISSUER, PRINCIPAL, ROTATED, STRANGER, World};
use crate::common::client::with_members;

const WORDS: [&str; 5] = ["revocation", "suspension", "refresh", "message", "ended"];

pub(super) async fn record() -> Book {
    let world = World::new().await;
    let (mut book, server) = (Book::new("status"), &world.server);
    let list = world.id("suspension");
    for word in WORDS {
        let id = world.id(word);
        for (method, params) in [
            ("status_getList", json!({ "list": id, "array": true })),
            ("status_history", json!({ "list": id })),
            ("status_check", json!({ "list": id, "entry": 3 })),
            ("status_check", json!({ "list": id, "entry": 0 })),
            ("status_check", json!({ "list": id, "entry": 7 })),
            ("status_checkMany", json!({ "list": id, "entries": [0, 1, 7, 3] })),
        ] {
            let what = params.to_string().replace(&id, word);
            book.call(server, &what, method, params).await;
        }
    }
    sweep_read(&mut book, &world, "status_getList", json!({ "list": list, "array": true })).await;
    for version in [json!(0), json!(1), json!(2), json!(4), json!(9), json!("1")] {
        let params = json!({ "list": list, "versionId": version });
        book.call(server, &format!("version {version}"), "status_getList", params).await;
    }
    let both = json!({ "list": list, "versionId": 1, "at": world.early });
    book.call(server, "version and time", "status_getList", both).await;
    let positions = json!([list, null, 2, 1, true]);
    book.call(server, "by position", "status_getList", positions).await;
    sweep_read(&mut book, &world, "status_history", json!({ "list": list })).await;
    for from in [json!(0), json!(2), json!(99), json!("2")] {
        let params = json!({ "list": list, "from": from });
        book.call(server, &format!("from {from}"), "status_history", params).await;
    }
    sweep_read(&mut book, &world, "status_check", json!({ "list": list, "entry": 7 })).await;
    let many = json!({ "list": list, "entries": [7, 5, 7] });
    sweep_read(&mut book, &world, "status_checkMany", many).await;
    for (what, method, entries) in [
        ("beyond the list", "status_check", json!({ "entry": 64 })),
        ("below the list", "status_check", json!({ "entry": -1 })),
        ("none", "status_checkMany", json!({ "entries": [] })),
        ("one beyond the list", "status_checkMany", json!({ "entries": [1, 64] })),
        ("too many", "status_checkMany", json!({ "entries": vec![1; 1_001] })),
    ] {
        let params = with_members(json!({ "list": list }), entries);
        book.call(server, what, method, params).await;
    }
    book
}

/// Records the four `status_prepare…` methods of operations.
pub(super) async fn prepare() -> Book {
    let world = World::new().await;
    let mut book = Book::new("status_prepare");
    let issuer = world.dids[ISSUER].as_str();
    let create = json!({
        "author": issuer,
        "purpose": "message",
        "length": 300,
        "bits": 2,
        "uri": "https://lists.example/2",
        "validFrom": "2023-11-14T22:13:20Z",
        "validUntil": "2033-11-14T22:13:20Z",
        "delegates": [
            { "did": world.dids[STRANGER], "start": 0, "length": 300, "entriesPerHour": 1 },
            { "did": world.dids[PRINCIPAL], "start": 10, "length": 2, "entriesPerHour": 8_388_608,
                "validUntil": "2033-11-14T22:13:20Z" }],
        "messages": ["a", "b", "c", "d"],
        "salt": salt(),
    });
    sweep(&mut book, &world, "status_prepareCreate", create.clone()).await;
    let list = world.id("suspension");
    let set = json!({
        "author": issuer, "list": list, "entries": [9, 1, 9], "value": 1, "salt": salt(),
    });
    sweep(&mut book, &world, "status_prepareSet", set.clone()).await;
    let update = json!({
        "author": issuer,
        "list": list,
        "validUntil": "2035-11-14T22:13:20Z",
        "delegates": [
            { "did": world.dids[STRANGER], "start": 63, "length": 1, "entriesPerHour": 1 }],
        "salt": salt(),
    });
    sweep(&mut book, &world, "status_prepareUpdate", update.clone()).await;
    let close = json!({ "author": issuer, "list": list, "salt": salt() });
    sweep(&mut book, &world, "status_prepareClose", close.clone()).await;
    creates(&mut book, &world, &create).await;
    sets(&mut book, &world, &set).await;
    for (what, author) in [("by a delegate", PRINCIPAL), ("by another", AUTHORITY)] {
        for (method, good) in [("Set", &set), ("Update", &update), ("Close", &close)] {
            let params = with_members(good.clone(), json!({ "author": world.dids[author] }));
            book.call(&world.server, what, &format!("status_prepare{method}"), params).await;
        }
    }
    let beyond = json!({ "author": world.dids[PRINCIPAL], "entries": [31, 32] });
    let beyond = with_members(set.clone(), beyond);
    book.call(&world.server, "by a delegate beyond its range", "status_prepareSet", beyond).await;
    for word in ["refresh", "ended"] {
        for (method, good) in [("Update", &update), ("Close", &close)] {
            let params = with_members(good.clone(), json!({ "list": world.id(word) }));
            book.call(&world.server, word, &format!("status_prepare{method}"), params).await;
        }
    }
    book
}

async fn creates(book: &mut Book, world: &World, good: &Value) {
    let plain = json!({ "author": world.dids[ISSUER], "purpose": "revocation", "length": 64,
        "salt": salt() });
    let server = &world.server;
    book.call(server, "plain", "status_prepareCreate", plain.clone()).await;
    let delegate = |who: usize, members: Value| {
        let all = json!({ "did": world.dids[who], "start": 0, "length": 64, "entriesPerHour": 64 });
        with_members(all, members)
    };
    for (what, members) in [
        ("no entries", json!({ "length": 0 })),
        ("too many entries", json!({ "length": 1_u64 << 40 })),
        ("a width of three", json!({ "bits": 3 })),
        ("a width of 300", json!({ "bits": 300 })),
        ("a width of two for revocation", json!({ "bits": 2 })),
        ("messages of a revocation", json!({ "messages": ["a", "b"] })),
        ("a URI of another scheme", json!({ "uri": "ftp://a.example/" })),
        (
            "an end before its begin",
            json!({ "validFrom": "2033-01-01T00:00:00Z",
            "validUntil": "2032-01-01T00:00:00Z" }),
        ),
        (
            "a delegate twice",
            json!({ "delegates": [delegate(STRANGER, json!({})), delegate(STRANGER, json!({}))] }),
        ),
        ("a delegate with more", json!({ "delegates": [delegate(STRANGER, json!({ "a": 1 }))] })),
        ("its issuer as delegate", json!({ "delegates": [delegate(ISSUER, json!({}))] })),
        (
            "a delegate without range and number",
            json!({ "delegates": [{ "did": world.dids[STRANGER] }] }),
        ),
        (
            "a delegate of no entry",
            json!({ "delegates": [delegate(STRANGER, json!({ "length": 0 }))] }),
        ),
        (
            "a delegate beyond the list",
            json!({ "delegates": [delegate(STRANGER, json!({ "start": 1 }))] }),
        ),
        (
            "a delegate of no entries in an hour",
            json!({ "delegates": [delegate(STRANGER, json!({ "entriesPerHour": 0 }))] }),
        ),
        (
            "a delegate of too many entries in an hour",
            json!({ "delegates": [delegate(STRANGER, json!({ "entriesPerHour": 8_388_609 }))] }),
        ),
    ] {
        let params = with_members(plain.clone(), members);
        book.call(server, what, "status_prepareCreate", params).await;
    }
    for author in [ROTATED, AUTHORITY] {
        let params = with_members(good.clone(), json!({ "author": world.dids[author] }));
        book.call(server, &format!("by {author}"), "status_prepareCreate", params).await;
    }
}

async fn sets(book: &mut Book, world: &World, good: &Value) {
    let bare = json!({ "author": good["author"], "list": good["list"], "salt": salt() });
    let run = |members: Value| {
        let run = json!({ "start": 2, "length": 3, "value": 1 });
        json!({ "runs": [with_members(run, members)] })
    };
    for (what, list, members) in [
        ("runs", "suspension", run(json!({}))),
        ("a run that expects", "suspension", run(json!({ "expect": 0 }))),
        ("a run that expects in vain", "suspension", run(json!({ "expect": 1 }))),
        ("a run of nothing", "suspension", run(json!({ "length": 0 }))),
        ("a run beyond the list", "suspension", run(json!({ "start": 63 }))),
        ("a run with more", "suspension", run(json!({ "more": 1 }))),
        ("a run of too large a value", "suspension", run(json!({ "value": 2 }))),
        ("no runs", "suspension", json!({ "runs": [] })),
        ("entries and runs", "suspension", json!({ "entries": [1], "value": 1, "runs": [] })),
        ("no entries", "suspension", json!({ "entries": [], "value": 1 })),
        ("an entry beyond the list", "suspension", json!({ "entries": [64], "value": 1 })),
        ("an entry beyond all", "suspension", json!({ "entries": [1_u64 << 60], "value": 1 })),
        ("what is set already", "suspension", json!({ "entries": [7], "value": 1 })),
        ("a revocation cleared", "revocation", json!({ "entries": [3], "value": 0 })),
        ("a list that is closed", "refresh", json!({ "entries": [3], "value": 1 })),
        ("a list that has ended", "ended", json!({ "entries": [3], "value": 1 })),
        ("two bits", "message", json!({ "entries": [3], "value": 2 })),
        (
            "until a time",
            "suspension",
            json!({ "entries": [1], "value": 1, "until": "2023-11-14T22:30:00Z" }),
        ),
        (
            "until a time that is past",
            "suspension",
            json!({ "entries": [1], "value": 1, "until": "2023-11-14T22:13:20Z" }),
        ),
        (
            "until a time too far",
            "suspension",
            json!({ "entries": [1], "value": 1, "until": "2033-11-14T22:13:20Z" }),
        ),
    ] {
        let list = json!({ "list": world.id(list) });
        let params = with_members(with_members(bare.clone(), list), members);
        book.call(&world.server, what, "status_prepareSet", params).await;
    }
}

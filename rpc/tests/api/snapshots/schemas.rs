//! Records how schemas and credential types are read and listed, and the preparation of operations.

use serde_json::{Value, json};

use super::book::Book;
use super::story::CONTENT;
use super::sweep::{salt, sweep, sweep_read};
use super::world::{ACCREDITOR, AUTHORITY, ISSUER, World};
use crate::common::client::with_members;

pub(super) async fn record() -> Book {
    let world = World::new().await;
    let (mut book, server) = (Book::new("schema"), &world.server);
    sweep_read(&mut book, &world, "schema_get", json!({ "schema": world.id("schema") })).await;
    for word in ["newer", "withdrawn"] {
        let params = json!({ "schema": world.id(word) });
        book.call(server, word, "schema_get", params).await;
    }
    let of =
        |publisher: usize, name: &str| json!({ "publisher": world.dids[publisher], "name": name });
    sweep_read(&mut book, &world, "schema_getType", of(AUTHORITY, "degrees/bachelor")).await;
    for (publisher, name) in [
        (AUTHORITY, "degrees/old"),
        (ISSUER, "licences/a"),
        (ISSUER, "degrees/bachelor"),
        (AUTHORITY, "degrees/*"),
    ] {
        let what = format!("{name} of {publisher}");
        book.call(server, &what, "schema_getType", of(publisher, name)).await;
    }
    let publisher = world.dids[AUTHORITY].as_str();
    sweep_read(&mut book, &world, "schema_list", json!({ "publisher": publisher })).await;
    for (what, members) in [
        ("schemas", json!({ "kind": "schema" })),
        ("types", json!({ "kind": "type" })),
        ("of another kind", json!({ "kind": "list" })),
        ("the most", json!({ "limit": 50 })),
        ("more than the most", json!({ "limit": 51 })),
        ("from a bad cursor", json!({ "cursor": "?" })),
        ("of one who has few", json!({ "publisher": world.dids[ISSUER] })),
        ("of one who has none", json!({ "publisher": world.dids[ACCREDITOR] })),
    ] {
        let params = with_members(json!({ "publisher": publisher }), members);
        book.call(server, what, "schema_list", params).await;
    }
    let mut params = json!({ "publisher": publisher, "limit": 2 });
    for page in 1..5 {
        let what = format!("page {page}");
        let answer = book.call(server, &what, "schema_list", params.clone()).await;
        let next = &answer["result"]["next"];
        if next.is_null() {
            break;
        }
        params["cursor"] = next.clone();
    }
    let positions = json!([publisher, "type", null, 1]);
    book.call(server, "by position", "schema_list", positions).await;
    prepare(&mut book, &world).await;
    book
}

async fn prepare(book: &mut Book, world: &World) {
    let author = world.dids[AUTHORITY].as_str();
    let publish = json!({
        "author": author,
        "content": CONTENT,
        "credentialType": "degrees/bachelor",
        "supersedes": world.id("newer"),
        "salt": salt(),
    });
    sweep(book, world, "schema_preparePublish", publish.clone()).await;
    let withdraw = json!({ "author": author, "schema": world.id("newer"), "salt": salt() });
    sweep(book, world, "schema_prepareWithdraw", withdraw.clone()).await;
    let publish_type = json!({
        "author": author,
        "name": "degrees/bachelor",
        "schema": world.id("newer"),
        "validityMsMax": 1_000,
        "statusPurposes": ["suspension", "revocation"],
        "assurance": "high",
        "formats": ["vc+jwt", "dc+sd-jwt"],
        "suites": ["Ed25519", "ES256"],
        "salt": salt(),
    });
    sweep(book, world, "schema_preparePublishType", publish_type.clone()).await;
    let withdraw_type = json!({ "author": author, "name": "degrees/bachelor", "salt": salt() });
    sweep(book, world, "schema_prepareWithdrawType", withdraw_type.clone()).await;
    contents(book, world, &publish).await;
    for (what, method, good, members) in [
        ("of another", "Withdraw", &withdraw, json!({ "author": world.dids[ISSUER] })),
        ("again", "Withdraw", &withdraw, json!({ "schema": world.id("withdrawn") })),
        ("a new name", "PublishType", &publish_type, json!({ "name": "b", "schema": null })),
        ("a schema of another type", "PublishType", &publish_type, json!({ "name": "b" })),
        (
            "a schema of another",
            "PublishType",
            &publish_type,
            json!({ "author": world.dids[ISSUER] }),
        ),
        ("a name with a star", "PublishType", &publish_type, json!({ "name": "b/*" })),
        ("again", "PublishType", &publish_type, json!({ "name": "degrees/old", "schema": null })),
        ("a format twice", "PublishType", &publish_type, json!({ "formats": ["a", "a"] })),
        (
            "a purpose that refuses nothing",
            "PublishType",
            &publish_type,
            json!({ "statusPurposes": ["refresh"] }),
        ),
        ("no validity", "PublishType", &publish_type, json!({ "validityMsMax": 0 })),
        ("again", "WithdrawType", &withdraw_type, json!({ "name": "degrees/old" })),
        ("of nothing", "WithdrawType", &withdraw_type, json!({ "name": "b" })),
    ] {
        let params = with_members(good.clone(), members);
        book.call(&world.server, what, &format!("schema_prepare{method}"), params).await;
    }
}

async fn contents(book: &mut Book, world: &World, good: &Value) {
    let published = CONTENT.replace("1.50", "1.50, \"title\": \"degree\"");
    for (what, content) in [
        ("what is published", published),
        ("a reference outward", CONTENT.replace("1.50", "1, \"$ref\": \"https://a.example\"")),
        ("no JSON", "{".to_owned()),
        ("no schema", "[]".to_owned()),
        ("nothing", String::new()),
        ("another dialect", CONTENT.replace("2020-12", "2019-09")),
        ("a bad keyword", CONTENT.replace("1.50", "\"a\"")),
        ("a member twice", CONTENT.replace("1.50", "1, \"maximum\": 2")),
        (
            "too large",
            CONTENT.replace("1.50", &format!("1, \"title\": \"{}\"", "x".repeat(70_000))),
        ),
    ] {
        let params = with_members(good.clone(), json!({ "content": content }));
        book.call(&world.server, what, "schema_preparePublish", params).await;
    }
    for (what, members) in [
        ("by another", json!({ "author": world.dids[ISSUER] })),
        ("in place of a withdrawn one", json!({ "supersedes": world.id("withdrawn") })),
        ("of a type with a star", json!({ "credentialType": "degrees/*" })),
        ("of no type", json!({ "credentialType": null, "supersedes": null })),
    ] {
        let params = with_members(good.clone(), members);
        book.call(&world.server, what, "schema_preparePublish", params).await;
    }
}

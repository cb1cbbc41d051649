//! Records questions about rights and recognitions, listings, and the preparation of operations.

use serde_json::{Value, json};

use super::book::Book;
use super::sweep::{NOBODY, salt, sweep, sweep_read};
use super::world::{
    ACCREDITOR, AUTHORITY, GONE, ISSUER, PRINCIPAL, RECOVERING, ROTATED, STRANGER, World,
};
use crate::common::client::with_members;

/// The four questions about a right.
const QUESTIONS: [&str; 4] = ["authorization", "recognition", "chain", "explain"];

pub(super) async fn record() -> Book {
    let world = World::new().await;
    let mut book = Book::new("trust");
    for question in QUESTIONS {
        let method = format!("trust_{question}");
        let entity = if question == "recognition" { ACCREDITOR } else { PRINCIPAL };
        let resource = if question == "recognition" { "degrees/*" } else { "degrees/bachelor" };
        sweep_read(&mut book, &world, &method, world.right(entity, resource)).await;
        for (entity, resource) in asked() {
            let right = world.right(entity, resource);
            book.call(&world.server, &format!("of {entity} on {resource}"), &method, right).await;
        }
        for (what, members) in [
            ("of high assurance", json!({ "minimumAssurance": "high" })),
            ("of low assurance", json!({ "minimumAssurance": "low" })),
            ("of some assurance", json!({ "minimumAssurance": "some" })),
            ("of another method", json!({ "entity": "did:web:issuer.example", "resource": "x/y" })),
            ("under the accreditor", json!({ "authority": world.dids[ACCREDITOR] })),
            ("under a deactivated authority", json!({ "authority": world.dids[GONE] })),
            ("to do another thing", json!({ "action": "verify" })),
        ] {
            let params = with_members(world.right(entity, resource), members);
            book.call(&world.server, what, &method, params).await;
        }
        let elsewhere = world.dids[AUTHORITY].replace(":local:", ":other:");
        let params = with_members(
            world.right(STRANGER, "degrees/*"),
            json!({
                "entity": elsewhere,
            }),
        );
        book.call(&world.server, "of another network's authority", &method, params).await;
        let positions = json!([world.dids[AUTHORITY], world.dids[ISSUER], "issue", "degrees/a"]);
        book.call(&world.server, "by position", &method, positions).await;
    }
    listings(&mut book, &world).await;
    let roots = json!({ "did": world.dids[ACCREDITOR] });
    sweep_read(&mut book, &world, "trust_roots", roots).await;
    book
}

fn asked() -> [(usize, &'static str); 12] {
    [
        (AUTHORITY, "degrees/bachelor"),
        (ACCREDITOR, "degrees/*"),
        (ACCREDITOR, "degrees/doctor"),
        (ISSUER, "degrees/bachelor"),
        (ISSUER, "degrees/doctor"),
        (STRANGER, "licences/a"),
        (STRANGER, "licences/b"),
        (STRANGER, "licences/old"),
        (STRANGER, "licences/new"),
        (STRANGER, "degrees/*"),
        (GONE, "licences/c"),
        (RECOVERING, "licences/d"),
    ]
}

async fn listings(book: &mut Book, world: &World) {
    let (server, method) = (&world.server, "trust_list");
    let authority = world.dids[AUTHORITY].as_str();
    sweep_read(book, world, method, json!({ "authority": authority, "action": "issue" })).await;
    for (what, params) in [
        ("of an entity", json!({ "entity": world.dids[STRANGER] })),
        ("of an entity under one", json!({ "entity": world.dids[ISSUER], "authority": authority })),
        ("of an entity and action", json!({ "entity": world.dids[ISSUER], "action": "issue" })),
        ("of an action", json!({ "action": "issue" })),
        ("of another method", json!({ "entity": "did:web:issuer.example" })),
        ("of nobody", json!({ "authority": NOBODY })),
        ("from a cursor", json!({ "authority": authority, "after": "AAAA" })),
        ("from a bad cursor", json!({ "authority": authority, "after": "?" })),
        ("the most", json!({ "authority": authority, "limit": 100 })),
        ("more than the most", json!({ "authority": authority, "limit": 101 })),
        (
            "since a time",
            json!({
                "authority": authority, "grantor": authority, "since": "2023-11-14T22:13:20Z",
            }),
        ),
        ("by one without a time", json!({ "authority": authority, "grantor": authority })),
    ] {
        book.call(server, what, method, params).await;
    }
    let mut params = json!({ "authority": authority, "limit": 5 });
    for page in 1..5 {
        let answer = book.call(server, &format!("page {page}"), method, params.clone()).await;
        let next = &answer["result"]["next"];
        if next.is_null() {
            break;
        }
        params["after"] = next.clone();
    }
    book.call(server, "by position", method, json!([authority, world.dids[ISSUER]])).await;
}

/// Records the eight `trust_prepare…` methods.
pub(super) async fn prepare() -> Book {
    let world = World::new().await;
    let mut book = Book::new("trust_prepare");
    let conditions = json!({
        "validFrom": "2023-11-14T22:13:20Z",
        "validUntil": "2030-11-14T22:13:20Z",
        "assurance": "low",
        "evidence": "66".repeat(32),
        "terms": "https://terms.example/3",
    });
    for (action, author, entity, resource, more) in [
        ("Grant", AUTHORITY, RECOVERING, "degrees/*", json!({ "maxDepth": 3 })),
        ("Change", AUTHORITY, ACCREDITOR, "degrees/*", json!({ "maxDepth": 1 })),
        ("Suspend", AUTHORITY, ACCREDITOR, "degrees/*", Value::Null),
        ("Resume", AUTHORITY, STRANGER, "licences/a", Value::Null),
        ("Revoke", AUTHORITY, STRANGER, "licences/a", Value::Null),
        ("Recognise", AUTHORITY, RECOVERING, "degrees/*", json!({})),
        ("Derecognise", AUTHORITY, ACCREDITOR, "degrees/*", Value::Null),
    ] {
        let mut good = with_members(
            world.right(entity, resource),
            json!({
                "author": world.dids[author], "salt": salt(),
            }),
        );
        if !more.is_null() {
            good = with_members(with_members(good, conditions.clone()), more);
        }
        if action == "Recognise" {
            good.as_object_mut().expect("an object").remove("assurance");
        }
        sweep(&mut book, &world, &format!("trust_prepare{action}"), good).await;
    }
    let forget = json!({
        "author": world.dids[ACCREDITOR], "authority": world.dids[AUTHORITY], "salt": salt(),
    });
    sweep(&mut book, &world, "trust_prepareForgetRoot", forget).await;
    refusals(&mut book, &world).await;
    book
}

/// A preparation: action, author, entity and resource of the right, and further members.
type Tried = (&'static str, usize, usize, &'static str, Value);

async fn refusals(book: &mut Book, world: &World) {
    for (action, author, entity, resource, members) in grants(world).into_iter().chain(steps(world))
    {
        let right = with_members(world.right(entity, resource), members);
        let params = json!({ "author": world.dids[author], "salt": salt() });
        let what = format!("by {author} of {entity} on {resource}");
        let method = format!("trust_prepare{action}");
        book.call(&world.server, &what, &method, with_members(right, params)).await;
    }
    let (author, entity) = (&world.dids[AUTHORITY], &world.dids[STRANGER]);
    let own = json!({ "author": author, "entity": entity, "action": "issue", "resource": "z" });
    let own = with_members(own, json!({ "salt": salt() }));
    book.call(&world.server, "of the author", "trust_prepareGrant", own).await;
}

fn parent(world: &World, resource: &str, grantor: usize) -> Value {
    let grantor = &world.dids[grantor];
    json!({ "parent": { "resource": resource, "grantor": grantor } })
}

fn grants(world: &World) -> Vec<Tried> {
    let none = || json!({});
    let own = |resource: &str| parent(world, resource, AUTHORITY);
    let beyond = json!({ "validUntil": "2099-01-01T00:00:00Z", "assurance": "high" });
    let backwards =
        json!({ "validFrom": "2033-01-01T00:00:00Z", "validUntil": "2032-01-01T00:00:00Z" });
    vec![
        ("Grant", ACCREDITOR, STRANGER, "degrees/a", none()),
        ("Grant", ACCREDITOR, STRANGER, "degrees/b", own("degrees/*")),
        ("Grant", ACCREDITOR, STRANGER, "degrees/c", own("degrees/c")),
        ("Grant", ACCREDITOR, STRANGER, "degrees/d", parent(world, "degrees/*", ISSUER)),
        ("Grant", AUTHORITY, STRANGER, "degrees/e", own("degrees/*")),
        ("Grant", ACCREDITOR, STRANGER, "degrees/f", json!({ "maxDepth": 2 })),
        ("Grant", ACCREDITOR, STRANGER, "degrees/g", beyond),
        ("Grant", ACCREDITOR, STRANGER, "licences/h", none()),
        ("Grant", ACCREDITOR, AUTHORITY, "degrees/i", none()),
        ("Grant", ACCREDITOR, ACCREDITOR, "degrees/j", none()),
        ("Grant", STRANGER, ISSUER, "licences/a", none()),
        ("Grant", AUTHORITY, ACCREDITOR, "degrees/*", none()),
        ("Grant", AUTHORITY, ISSUER, "k", json!({ "maxDepth": 0 })),
        ("Grant", AUTHORITY, ISSUER, "l", json!({ "maxDepth": 8 })),
        ("Grant", AUTHORITY, ISSUER, "m", json!({ "terms": "ftp://a.b/" })),
        ("Grant", AUTHORITY, ISSUER, "n", backwards),
        ("Grant", AUTHORITY, ISSUER, "o", json!({ "entity": "https://issuer.example/" })),
        ("Grant", AUTHORITY, ISSUER, "p", json!({ "entity": "mailto:a@b.example" })),
    ]
}

fn steps(world: &World) -> Vec<Tried> {
    let none = || json!({});
    let network = json!({ "network": {
        "chain": "22".repeat(32),
        "height": 9,
        "header": "33".repeat(32),
        "validators": "44".repeat(32),
    } });
    let elsewhere = world.dids[STRANGER].replace(":local:", ":other:");
    let unknown = json!({ "void": true, "operation": "66".repeat(32) });
    let of_network = with_members(network.clone(), json!({ "entity": elsewhere }));
    vec![
        ("Change", AUTHORITY, ACCREDITOR, "degrees/*", parent(world, "degrees/*", AUTHORITY)),
        ("Change", ISSUER, ACCREDITOR, "degrees/*", none()),
        ("Change", AUTHORITY, STRANGER, "licences/b", none()),
        ("Suspend", AUTHORITY, STRANGER, "licences/a", none()),
        ("Suspend", AUTHORITY, STRANGER, "licences/b", none()),
        ("Suspend", AUTHORITY, ISSUER, "degrees/bachelor", none()),
        ("Suspend", AUTHORITY, STRANGER, "nothing", none()),
        ("Resume", AUTHORITY, ACCREDITOR, "degrees/*", none()),
        ("Revoke", ACCREDITOR, ISSUER, "degrees/bachelor", none()),
        ("Revoke", AUTHORITY, STRANGER, "licences/b", none()),
        ("Revoke", AUTHORITY, STRANGER, "licences/old", json!({ "void": true })),
        ("Revoke", AUTHORITY, STRANGER, "licences/new", json!({ "operation": "66".repeat(32) })),
        ("Revoke", AUTHORITY, STRANGER, "degrees/*", unknown),
        ("Recognise", ACCREDITOR, STRANGER, "degrees/*", none()),
        ("Recognise", AUTHORITY, STRANGER, "degrees/*", none()),
        ("Recognise", AUTHORITY, STRANGER, "degrees/q", network),
        ("Recognise", AUTHORITY, STRANGER, "degrees/r", of_network),
        ("Derecognise", AUTHORITY, STRANGER, "degrees/*", none()),
        ("Derecognise", AUTHORITY, ROTATED, "degrees/*", none()),
    ]
}

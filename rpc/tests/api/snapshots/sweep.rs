//! Variations of a valid call, tried on every method.

use registry_core::codec::FixedBytes;
use serde_json::{Value, json};

use super::book::Book;
use super::world::World;
use crate::common::client::with_members;

/// A DID that nobody registered.
pub(super) const NOBODY: &str = "did:idem:local:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// Returns the salt of every operation that is prepared for the snapshots.
pub(super) fn salt() -> Value {
    json!(FixedBytes([0xa5; 16]))
}

/// Members that hold the DID of a party.
const PARTIES: [&str; 7] = ["did", "author", "agent", "authority", "publisher", "entity", "issuer"];

/// Calls a method with valid parameters, and then with one usual mistake at a time.
pub(super) async fn sweep(book: &mut Book, world: &World, method: &str, good: Value) {
    book.call(&world.server, "good", method, good.clone()).await;
    for (what, params) in mistakes(&good) {
        book.call(&world.server, &what, method, params).await;
    }
    for (what, member, value) in values(world, &good) {
        let params = with_members(good.clone(), json!({ member: value }));
        book.call(&world.server, &format!("{member} {what}"), method, params).await;
    }
}

/// Does the same as [`sweep`] with a read, and also asks about other times and for other pages.
pub(super) async fn sweep_read(book: &mut Book, world: &World, method: &str, good: Value) {
    sweep(book, world, method, good.clone()).await;
    for (what, members) in [
        ("at an early time", json!({ "at": world.early })),
        ("at a late time", json!({ "at": world.late })),
        ("at the time of genesis", json!({ "at": "2023-11-14T22:13:20Z" })),
        ("before genesis", json!({ "at": "2020-01-01T00:00:00Z" })),
        ("in the future", json!({ "at": "2100-01-01T00:00:00Z" })),
        ("at no time", json!({ "at": "yesterday" })),
        ("at a time without a zone", json!({ "at": "2023-11-14T22:13:20" })),
        ("from a height that is there", json!({ "minHeight": 1 })),
        ("from a height below all", json!({ "minHeight": -1 })),
        ("a page of none", json!({ "limit": 0 })),
        ("a page of one", json!({ "limit": 1 })),
        ("a page of too many", json!({ "limit": 1_000_000 })),
        ("a page of less than none", json!({ "limit": -1 })),
    ] {
        let params = with_members(good.clone(), members);
        book.call(&world.server, what, method, params).await;
    }
}

/// Returns the parameters with each member left out, null and of a wrong type, with an unknown
/// member, without members, and with too many by position.
fn mistakes(good: &Value) -> Vec<(String, Value)> {
    let members = good.as_object().expect("an object");
    let mut tried = Vec::new();
    // Without a salt, the answer contains a random one.
    for (name, value) in members.iter().filter(|(name, _)| *name != "salt") {
        let mut without = members.clone();
        without.remove(name);
        tried.push((format!("without {name}"), json!(without)));
        let wrong = if value.is_object() { json!(7) } else { json!({ "other": 7 }) };
        for (what, value) in [("of a wrong type", wrong), ("null", Value::Null)] {
            tried.push((
                format!("{name} {what}"),
                with_members(good.clone(), json!({ name: value })),
            ));
        }
    }
    tried.push((
        "with an unknown member".to_owned(),
        with_members(good.clone(), json!({ "unknown": 1 })),
    ));
    if !members.is_empty() {
        tried.push(("without members".to_owned(), json!({})));
    }
    tried.push(("with too many positions".to_owned(), json!(vec![json!({}); 20])));
    tried
}

/// Returns values of the right type that are malformed or name something that does not exist.
fn values<'g>(world: &World, good: &'g Value) -> Vec<(&'static str, &'g str, Value)> {
    let mut tried = Vec::new();
    for (name, value) in good.as_object().expect("an object") {
        let name = name.as_str();
        if PARTIES.contains(&name) {
            let own = value.as_str().expect("a DID");
            tried.extend([
                ("nobody's", name, json!(NOBODY)),
                ("of another network", name, json!(own.replace(":local:", ":other:"))),
                ("deactivated", name, json!(world.dids[super::world::GONE])),
                ("the network's own", name, json!(world.network_did())),
                ("of another method", name, json!("did:web:issuer.example")),
                ("malformed", name, json!("did:idem:local:short")),
                ("no DID", name, json!("Alice")),
            ]);
        }
        let unknown = match name {
            "list" | "schema" | "supersedes" => Some("b".repeat(32)),
            "proposal" | "operation" => Some("00".repeat(32)),
            _ => None,
        };
        if let Some(unknown) = unknown {
            tried.extend([
                ("unknown", name, json!(unknown)),
                ("too short", name, json!("ab")),
                ("in capitals", name, json!(unknown.to_uppercase())),
            ]);
        }
        let wrong = match name {
            "action" | "name" => json!("not a name"),
            "resource" => json!("degrees*"),
            "salt" => json!("AAAA"),
            "document" => json!({ "authentication": ["nothing"] }),
            "purpose" | "form" | "minimumAssurance" | "assurance" | "kind" => json!("other"),
            "validUntil" | "validFrom" | "issuedAt" => json!("2023-11-14T22:13:20.0001Z"),
            _ => continue,
        };
        tried.push(("malformed", name, wrong));
    }
    tried
}

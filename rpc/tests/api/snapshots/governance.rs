//! Records the network's rules and proposals, and the preparation of operations on them.

use serde_json::{Value, json};

use super::book::Book;
use super::story::heartbeat;
use super::sweep::{salt, sweep, sweep_read};
use super::world::{ACCREDITOR, AUTHORITY, ISSUER, PRINCIPAL, World};
use crate::common::client::{Server, with_members};
use crate::common::genesis::entry;

pub(super) async fn record() -> Book {
    let world = World::new().await;
    let (mut book, server) = (Book::new("governance"), &world.server);
    sweep_read(&mut book, &world, "governance_show", json!({})).await;
    sweep_read(&mut book, &world, "governance_list", json!({})).await;
    let open = json!({ "proposal": world.id("open") });
    sweep_read(&mut book, &world, "governance_getProposal", open).await;
    for word in ["active", "cancelled", "waits"] {
        let params = json!({ "proposal": world.id(word) });
        book.call(server, word, "governance_getProposal", params.clone()).await;
        let then = with_members(params, json!({ "at": "2023-11-14T22:13:42Z" }));
        book.call(server, &format!("{word}, then"), "governance_getProposal", then).await;
    }
    for (what, params) in [
        ("page of two", json!({ "limit": 2 })),
        ("after one", json!({ "after": world.id("open"), "limit": 2 })),
        ("after none", json!({ "after": "00" })),
        ("the most", json!({ "limit": 100 })),
        ("more than the most", json!({ "limit": 101 })),
        ("by position", json!([null, 1])),
    ] {
        book.call(server, what, "governance_list", params).await;
    }
    prepare(&mut book, &world).await;
    let ungoverned = Server::start().await;
    book.call(&ungoverned, "without governors", "governance_show", json!({})).await;
    book.call(&ungoverned, "without governors", "governance_list", json!({})).await;
    book
}

async fn prepare(book: &mut Book, world: &World) {
    let propose = json!({
        "author": world.dids[AUTHORITY],
        "change": heartbeat(30_000),
        "height": 500,
        "salt": salt(),
    });
    sweep(book, world, "governance_preparePropose", propose.clone()).await;
    for (what, members) in [
        ("at no height", json!({ "height": null })),
        ("too soon", json!({ "height": 1 })),
        ("too late", json!({ "height": 100_000_000 })),
        ("by none of the governors", json!({ "author": world.dids[PRINCIPAL] })),
    ] {
        let params = with_members(propose.clone(), members);
        book.call(&world.server, what, "governance_preparePropose", params).await;
    }
    for change in changes(world) {
        let params = with_members(propose.clone(), json!({ "change": change }));
        let what = format!("of {change}");
        book.call(&world.server, &what, "governance_preparePropose", params).await;
    }
    let step = |author: usize, word: &str| {
        let (author, proposal) = (&world.dids[author], world.id(word));
        json!({ "author": author, "proposal": proposal, "salt": salt() })
    };
    sweep(book, world, "governance_prepareApprove", step(ACCREDITOR, "open")).await;
    sweep(book, world, "governance_prepareWithdraw", step(AUTHORITY, "open")).await;
    for action in ["Approve", "Withdraw"] {
        let method = format!("governance_prepare{action}");
        for word in ["active", "cancelled", "open", "waits"] {
            for author in [AUTHORITY, ISSUER, PRINCIPAL] {
                let what = format!("by {author} of {word}");
                book.call(&world.server, &what, &method, step(author, word)).await;
            }
        }
    }
}

fn changes(world: &World) -> Vec<Value> {
    let governors = |threshold: u8, members: &[usize]| {
        let mut members: Vec<&String> = members.iter().map(|at| &world.dids[*at]).collect();
        members.sort();
        json!({ "governors": { "threshold": threshold, "members": members } })
    };
    vec![
        json!({ "validators": { "put": [entry("third", 21, 1)] } }),
        json!({ "validators": { "put": [entry("third", 21, 100)] } }),
        json!({ "validators": { "remove": ["solo"] } }),
        json!({ "validators": { "remove": ["nobody"] } }),
        json!({ "validators": {} }),
        json!({ "publishing": { "remove": ["node-1"] } }),
        json!({ "publishing": { "remove": ["node-2", "node-1"] } }),
        json!({ "version": 2 }),
        json!({ "version": 1 }),
        json!({ "version": 0 }),
        governors(1, &[PRINCIPAL]),
        governors(3, &[AUTHORITY, PRINCIPAL]),
        governors(0, &[AUTHORITY]),
        heartbeat(1),
        json!({ "parameters": {} }),
        json!({ "other": 1 }),
        json!("version"),
    ]
}

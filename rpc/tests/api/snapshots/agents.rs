//! Records the answers about agents, and the preparation of operations on them.

use serde_json::{Value, json};

use super::book::Book;
use super::sweep::{salt, sweep, sweep_read};
use super::world::{
    AGENT, AUTHORITY, GONE, PRINCIPAL, REVOKED_AGENT, STRANGER, SUBAGENT, SUSPENDED_AGENT, World,
};
use crate::common::client::with_members;

pub(super) async fn record() -> Book {
    let world = World::new().await;
    let mut book = Book::new("agent");
    let ask = |agent: usize, action: &str, resource: &str| {
        let agent = &world.dids[agent];
        json!({ "agent": agent, "action": action, "resource": resource })
    };
    let good = ask(SUBAGENT, "reply", "mail/inbox");
    sweep_read(&mut book, &world, "agent_verify", good).await;
    sweep_read(&mut book, &world, "agent_get", json!({ "agent": world.dids[AGENT] })).await;
    for (agent, action, resource) in [
        (AGENT, "reply", "mail/inbox"),
        (AGENT, "issue", "degrees/bachelor"),
        (AGENT, "send", "mail/inbox"),
        (SUBAGENT, "read", "mail/inbox"),
        (SUBAGENT, "reply", "mail/sent"),
        (SUSPENDED_AGENT, "reply", "mail/inbox"),
        (REVOKED_AGENT, "reply", "mail/inbox"),
        (STRANGER, "reply", "mail/inbox"),
        (GONE, "reply", "mail/inbox"),
    ] {
        let what = format!("of {agent}, {action} on {resource}");
        book.call(&world.server, &what, "agent_verify", ask(agent, action, resource)).await;
        let params = json!({ "agent": world.dids[agent] });
        let what = format!("of {agent}, before {action} on {resource}");
        book.call(&world.server, &what, "agent_get", params).await;
    }
    let positions = json!([world.dids[AGENT], "reply", "mail/a"]);
    book.call(&world.server, "by position", "agent_verify", positions).await;
    prepare(&mut book, &world).await;
    book
}

async fn prepare(book: &mut Book, world: &World) {
    let terms = json!({
        "author": world.dids[PRINCIPAL],
        "agent": world.dids[STRANGER],
        "actions": ["reply", "read"],
        "resources": ["mail/*", "letters/*"],
        "validFrom": "2023-11-14T22:13:20Z",
        "validUntil": "2033-01-01T00:00:00Z",
        "maxDepth": 2,
        "salt": salt(),
    });
    sweep(book, world, "agent_prepareDelegate", terms.clone()).await;
    let step = |author: usize, agent: usize| {
        let (author, agent) = (&world.dids[author], &world.dids[agent]);
        json!({ "author": author, "agent": agent, "salt": salt() })
    };
    for (action, agent) in
        [("Suspend", AGENT), ("Resume", SUSPENDED_AGENT), ("Revoke", SUSPENDED_AGENT)]
    {
        let method = format!("agent_prepare{action}");
        sweep(book, world, &method, step(PRINCIPAL, agent)).await;
        for (author, agent) in [
            (PRINCIPAL, SUSPENDED_AGENT),
            (PRINCIPAL, REVOKED_AGENT),
            (PRINCIPAL, SUBAGENT),
            (AGENT, SUBAGENT),
            (STRANGER, AGENT),
            (AGENT, AGENT),
            (STRANGER, AUTHORITY),
        ] {
            let what = format!("by {author} of {agent}");
            book.call(&world.server, &what, &method, step(author, agent)).await;
        }
    }
    delegations(book, world, &terms).await;
}

async fn delegations(book: &mut Book, world: &World, terms: &Value) {
    let narrow = json!({ "actions": ["read"], "resources": ["mail/a"], "maxDepth": null });
    let by_agent = with_members(narrow.clone(), json!({ "author": world.dids[AGENT] }));
    for (what, members) in [
        ("in place of another", json!({ "agent": world.dids[AGENT] })),
        ("of one who is revoked", json!({ "agent": world.dids[REVOKED_AGENT] })),
        ("by an agent", by_agent.clone()),
        ("by an agent, too deep", with_members(by_agent.clone(), json!({ "maxDepth": 1 }))),
        ("by an agent, too much", with_members(by_agent.clone(), json!({ "actions": ["send"] }))),
        (
            "by an agent, too long",
            with_members(by_agent, json!({ "validUntil": "2034-01-01T00:00:00Z" })),
        ),
        (
            "of its principal",
            with_members(
                narrow,
                json!({ "author": world.dids[AGENT], "agent": world.dids[PRINCIPAL] }),
            ),
        ),
        ("of itself", json!({ "agent": world.dids[PRINCIPAL] })),
        (
            "of another's agent",
            json!({ "author": world.dids[AUTHORITY],
            "agent": world.dids[AGENT] }),
        ),
        ("of no actions", json!({ "actions": [] })),
        ("of no resources", json!({ "resources": [] })),
        ("of an action twice", json!({ "actions": ["read", "read"] })),
        ("that ends before it begins", json!({ "validUntil": "2023-01-01T00:00:00Z" })),
        ("too deep", json!({ "maxDepth": 200 })),
        ("deeper than a number", json!({ "maxDepth": 300 })),
    ] {
        let params = with_members(terms.clone(), members);
        book.call(&world.server, what, "agent_prepareDelegate", params).await;
    }
}

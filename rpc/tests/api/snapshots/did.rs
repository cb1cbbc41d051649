//! Records the resolution, dereferencing and history of DIDs, and the preparation of operations.

use serde_json::{Value, json};

use super::book::{Book, SALTED};
use super::story::{rich_document, shared_sets};
use super::sweep::{NOBODY, salt, sweep, sweep_read};
use super::world::{
    AUTHORITY, GONE, MATURED, PRINCIPAL, RECOVERING, ROTATED, SHARED, World, person,
};
use crate::common::client::with_members;
use crate::common::people::{Person, member};

pub(super) async fn record() -> Book {
    let world = World::new().await;
    let mut book = Book::new("did");
    resolutions(&mut book, &world).await;
    dereferences(&mut book, &world).await;
    histories(&mut book, &world).await;
    book
}

async fn resolutions(book: &mut Book, world: &World) {
    let (server, method) = (&world.server, "did_resolve");
    let did = &world.dids[ROTATED];
    sweep_read(book, world, method, json!({ "did": did })).await;
    for (who, number) in [
        ("deactivated", GONE),
        ("recovering", RECOVERING),
        ("matured", MATURED),
        ("shared", SHARED),
        ("invoking", PRINCIPAL),
    ] {
        book.call(server, who, method, json!({ "did": world.dids[number] })).await;
    }
    book.call(server, "by position", method, json!([did, { "versionId": "2" }])).await;
    for options in resolution_options() {
        let params = json!({ "did": did, "resolutionOptions": options });
        book.call(server, &options.to_string(), method, params).await;
    }
    let params = json!({ "did": world.network_did(), "resolutionOptions": { "versionId": 1 } });
    book.call(server, "the network's own at a version", method, params).await;
    let params = json!({ "did": world.dids[GONE], "resolutionOptions": { "versionId": 1 } });
    book.call(server, "deactivated at a version", method, params).await;
    for did in ["did:web:example.com", "did:example", "did:example:%zz", "", "did:key:z6Mk a"] {
        book.call(server, &format!("of {did:?}"), method, json!({ "did": did })).await;
    }
}

fn resolution_options() -> Vec<Value> {
    vec![
        json!({}),
        json!(7),
        json!({ "versionId": "1" }),
        json!({ "versionId": 3 }),
        json!({ "versionId": "4" }),
        json!({ "versionId": "0" }),
        json!({ "versionId": "01" }),
        json!({ "versionId": null }),
        json!({ "versionId": ["1"] }),
        json!({ "versionTime": "2023-11-14T22:13:23Z" }),
        json!({ "versionTime": "2023-11-14T22:13:24Z" }),
        json!({ "versionTime": "2023-11-14T22:13:19Z" }),
        json!({ "versionTime": "2100-01-01T00:00:00Z" }),
        json!({ "versionTime": "2023-11-14T22:13:23.500Z" }),
        json!({ "versionTime": "2023-11-14T22:13:23+01:00" }),
        json!({ "versionTime": "2023-11-14T22:13:23Z", "versionId": "1" }),
        json!({ "noCache": true, "expandRelativeUrls": "false", "minHeight": 1 }),
        json!({ "noCache": "yes" }),
        json!({ "minHeight": "-1" }),
        json!({ "accept": "application/did" }),
        json!({ "accept": "application/did+ld+json" }),
        json!({ "accept": "text/html" }),
        json!({ "service": "files" }),
        json!({ "verificationRelationship": "authentication" }),
        json!({ "other": 1 }),
    ]
}

async fn dereferences(book: &mut Book, world: &World) {
    let (server, method) = (&world.server, "did_dereference");
    let did = &world.dids[ROTATED];
    sweep(book, world, method, json!({ "didUrl": format!("{did}#key-1") })).await;
    for rest in [
        "",
        "#idle",
        "#files",
        "#nothing",
        "#",
        "#%",
        "/path",
        "?versionId=1#key-1",
        "?versionId=1&versionId=1",
        "?service=files",
        "?service=files&relativeRef=a%2Fb%3Fc",
        "?service=files&relativeRef=https%3A%2F%2Fother.example%2F",
        "?service=chat",
        "?service=nothing",
        "?serviceType=DIDCommMessaging",
        "?serviceType=LinkedDomains&relativeRef=x",
        "?relativeRef=x",
        "?service=files#key-1",
        "?versionTime=2023-11-14T22%3A13%3A23Z",
        "?other=1",
        "?a=%ff",
    ] {
        book.call(
            server,
            &format!("the DID and {rest:?}"),
            method,
            json!([format!("{did}{rest}")]),
        )
        .await;
    }
    for (rest, options) in [
        ("#key-1", json!({ "verificationRelationship": "capabilityInvocation" })),
        ("#key-1", json!({ "verificationRelationship": "keyAgreement" })),
        ("#key-1", json!({ "verificationRelationship": "other" })),
        ("#files", json!({ "verificationRelationship": "authentication" })),
        ("", json!({ "verificationRelationship": "authentication" })),
        ("#key-1", json!({ "accept": "application/did+json" })),
        ("#key-1", json!({ "accept": "text/html" })),
        ("", json!({ "accept": "text/uri-list" })),
        ("?service=files", json!({ "accept": "text/uri-list" })),
        ("?service=files", json!({ "accept": "application/did" })),
        ("?versionId=1", json!({ "versionId": "1" })),
    ] {
        let params = json!({ "didUrl": format!("{did}{rest}"), "dereferenceOptions": options });
        book.call(server, &format!("{rest:?} with {options}"), method, params).await;
    }
    for (what, url) in [
        ("of a deactivated DID", format!("{}#key-1", world.dids[GONE])),
        ("of a DID with a recovery", format!("{}#key-1", world.dids[RECOVERING])),
        ("of the network", format!("{}#node-2", world.network_did())),
        ("of nobody", format!("{NOBODY}#key-1")),
        ("of another method", "did:web:example.com#key-1".to_owned()),
        ("of no DID", "Alice".to_owned()),
    ] {
        book.call(server, what, method, json!({ "didUrl": url })).await;
    }
}

async fn histories(book: &mut Book, world: &World) {
    let server = &world.server;
    sweep_read(book, world, "did_history", json!({ "did": world.dids[ROTATED] })).await;
    let paged = json!([world.dids[ROTATED], 2, 1]);
    book.call(server, "by position", "did_history", paged).await;
    for cursor in [0, 1, 99] {
        let params = json!({ "did": world.dids[ROTATED], "cursor": cursor });
        book.call(server, &format!("from {cursor}"), "did_history", params).await;
    }
    sweep_read(book, world, "did_getRecord", json!({ "did": world.dids[SHARED] })).await;
    for (who, number) in [("deactivated", GONE), ("recovering", RECOVERING), ("matured", MATURED)] {
        let params = json!({ "did": world.dids[number] });
        book.call(server, who, "did_history", params.clone()).await;
        book.call(server, who, "did_getRecord", params).await;
    }
}

/// Records the seven `did_prepare…` methods.
pub(super) async fn prepare() -> Book {
    let world = World::new().await;
    let mut book = Book::new("did_prepare");
    let newcomer = Person::new(120);
    let create = json!({
        "sets": newcomer.sets(), "document": newcomer.document_json(), "salt": salt(),
    });
    sweep(&mut book, &world, "did_prepareCreate", create.clone()).await;
    let update = json!({
        "did": world.dids[PRINCIPAL],
        "document": person(PRINCIPAL).document_json(),
        "salt": salt(),
    });
    sweep(&mut book, &world, "did_prepareUpdate", update.clone()).await;
    let now = person(ROTATED).rotated();
    let then = now.rotated();
    let rotate = json!({
        "did": world.dids[ROTATED],
        "revealed": [member(&now.next())],
        "sets": then.sets(),
        "document": rich_document(),
        "salt": salt(),
    });
    sweep(&mut book, &world, "did_prepareRotate", rotate.clone()).await;
    let recover = json!({
        "did": world.dids[ROTATED],
        "sets": then.sets(),
        "document": then.document_json(),
        "salt": salt(),
    });
    sweep(&mut book, &world, "did_prepareRecover", recover.clone()).await;
    let cancel = json!({ "did": world.dids[RECOVERING], "salt": salt() });
    sweep(&mut book, &world, "did_prepareRecoverCancel", cancel).await;
    let complete = json!({ "did": world.dids[MATURED], "salt": salt() });
    sweep(&mut book, &world, "did_prepareRecoverComplete", complete).await;
    let deactivate = json!({
        "did": world.dids[ROTATED], "revealed": [member(&now.next())], "salt": salt(),
    });
    sweep(&mut book, &world, "did_prepareDeactivate", deactivate).await;
    variations(&mut book, &world, [create, update, rotate, recover]).await;
    unsalted(&mut book, &world).await;
    book
}

async fn variations(book: &mut Book, world: &World, good: [Value; 4]) {
    let [create, update, rotate, recover] = good;
    let shared = shared_sets(world);
    let shared_did = world.dids[SHARED].as_str();
    let own = person(SHARED).rotated();
    let weak = with_members(
        shared.clone(),
        json!({ "control": { "threshold": 3,
        "members": [member(&own.control())] } }),
    );
    let quick = with_members(
        shared.clone(),
        json!({ "recovery": {
        "keys": { "threshold": 1, "members": [member(&own.recovery())] }, "delay_ms": 1 } }),
    );
    let none = with_members(shared.clone(), json!({ "recovery": null }));
    let large = "x".repeat(70_000);
    for (what, method, good, members) in [
        ("several who control", "Create", &create, json!({ "sets": shared })),
        ("a threshold that cannot be met", "Create", &create, json!({ "sets": weak })),
        ("too short a delay", "Create", &create, json!({ "sets": quick })),
        ("no recovery", "Create", &create, json!({ "sets": none })),
        ("an empty document", "Create", &create, json!({ "document": {} })),
        (
            "a document that is too large",
            "Create",
            &create,
            json!({ "document": { "alsoKnownAs": [format!("https://a.example/{large}")] } }),
        ),
        ("several who control", "Update", &update, json!({ "did": shared_did })),
        ("a rich document", "Update", &update, json!({ "document": rich_document() })),
        (
            "a key that is not committed",
            "Rotate",
            &rotate,
            json!({ "revealed": [member(&own.control())] }),
        ),
        ("nobody revealed", "Rotate", &rotate, json!({ "revealed": [] })),
        ("a recovery that waits", "Recover", &recover, json!({ "did": world.dids[RECOVERING] })),
    ] {
        let params = with_members(good.clone(), members);
        book.call(&world.server, what, &format!("did_prepare{method}"), params).await;
    }
    let salted = json!({ "did": world.dids[RECOVERING], "salt": salt() });
    book.call(&world.server, "too early", "did_prepareRecoverComplete", salted).await;
    let positions = json!([world.dids[AUTHORITY], person(AUTHORITY).document_json(), salt()]);
    book.call(&world.server, "by position", "did_prepareUpdate", positions).await;
}

/// Records an operation without a salt. The node draws one, so that three members are random.
async fn unsalted(book: &mut Book, world: &World) {
    let document = person(AUTHORITY).document_json();
    let params = json!({ "did": world.dids[AUTHORITY], "document": document });
    let server = &world.server;
    book.call_masked(server, "without salt", "did_prepareUpdate", params, &SALTED).await;
}

//! Records submission, receipts, blocks, the state of the node, and the subscription to blocks.

use futures::future::join_all;
use http::Request;
use registry_core::code::{Code, Refusal};
use registry_core::codec::{base64url, from_base64url};
use registry_core::id::Did;
use registry_core::operation::Role;
use registry_core::record::RecordKey;
use rpc::service::SubmitError;
use serde_json::{Value, json};

use super::book::Book;
use super::sweep::{NOBODY, salt, sweep, sweep_read};
use super::world::{AUTHORITY, PRINCIPAL, STRANGER, World, envelope, key, person};
use crate::common::client::with_members;
use crate::common::websocket::WebSocket;

pub(super) async fn record() -> Book {
    let world = World::new().await;
    let (mut book, server) = (Book::new("ledger"), &world.server);
    for method in ["ledger_status", "net_peers", "rpc_methods"] {
        sweep(&mut book, &world, method, json!({})).await;
        book.call(server, "by no position", method, json!([])).await;
    }
    sweep_read(&mut book, &world, "ledger_getBlock", json!({ "height": 0 })).await;
    let head = server.ledger.head().height;
    for height in [1, head - 2, head - 1, head, head + 1] {
        let params = json!({ "height": height });
        book.call(server, &format!("of {height}"), "ledger_getBlock", params).await;
    }
    for from in [json!(1), json!(2), json!(-1)] {
        let params = json!({ "height": head - 1, "from": from });
        book.call(server, &format!("from {from}"), "ledger_getBlock", params).await;
    }
    book.call(server, "by position", "ledger_getBlock", json!([head - 1, 1])).await;
    records(&mut book, &world).await;
    let receipt = json!({ "operation": world.id("update") });
    sweep(&mut book, &world, "ledger_getReceipt", receipt).await;
    applied(&mut book, &world).await;
    submissions(&mut book, &world).await;
    book
}

/// Records reads of the records themselves.
async fn records(book: &mut Book, world: &World) {
    let method = "ledger_getRecords";
    let parameters = json!(RecordKey::governance("parameters"));
    let did: Did = world.dids[PRINCIPAL].parse().expect("a DID");
    let unknown = json!(RecordKey::did(&NOBODY.parse::<Did>().expect("a DID").suffix));
    let good = json!({ "records": [parameters, RecordKey::did(&did.suffix), unknown] });
    sweep(book, world, method, good.clone()).await;
    for (what, records) in [
        ("none", json!([])),
        ("of no kind", json!([{ "kind": "person", "key": "" }])),
        ("with a key that is no base64url", json!([{ "kind": "did", "key": "*" }])),
        ("with a short key", json!([{ "kind": "did", "key": "AA" }])),
        ("too many", json!(vec![&parameters; 33])),
    ] {
        book.call(&world.server, what, method, json!({ "records": records })).await;
    }
    for (what, members) in [
        ("from a height that is there", json!({ "minHeight": 1 })),
        ("from a height below all", json!({ "minHeight": -1 })),
    ] {
        let params = with_members(good.clone(), members);
        book.call(&world.server, what, method, params).await;
    }
    book.call(&world.server, "by position", method, json!([[parameters]])).await;
}

/// Records the submission of operations that are applied already.
async fn applied(book: &mut Book, world: &World) {
    for number in [1, 2] {
        let envelope = json!({ "envelope": world.id(&format!("envelope {number}")) });
        for method in ["ledger_submit", "ledger_submitAndWait"] {
            let what = format!("applied already, {number}");
            book.call(&world.server, &what, method, envelope.clone()).await;
        }
    }
    let good = json!({ "envelope": world.id("envelope 1"), "timeoutMs": 1 });
    sweep(book, world, "ledger_submitAndWait", good).await;
    let late = json!({ "envelope": world.id("envelope 1"), "timeoutMs": 30_001 });
    book.call(&world.server, "for too long", "ledger_submitAndWait", late).await;
}

/// Records an operation that waits, invalid envelopes, and a node that accepts no operation.
async fn submissions(book: &mut Book, world: &World) {
    let server = &world.server;
    let params = json!({
        "did": world.dids[PRINCIPAL],
        "document": person(PRINCIPAL).document_json(),
        "salt": salt(),
    });
    let (prepared, good) =
        world.sign("did_prepareUpdate", params, &[(Role::Control, key(PRINCIPAL))]).await;
    let body = || from_base64url(prepared["body"].as_str().expect("a body")).expect("base64url");
    let mut forged = good.clone();
    forged.signatures[0].value.0[3] ^= 1;
    for (what, envelope) in [
        ("by a stranger", envelope(body(), &[(Role::Control, key(STRANGER))])),
        ("in another role", envelope(body(), &[(Role::Next, key(PRINCIPAL))])),
        ("unsigned", envelope(body(), &[])),
        ("forged", forged),
    ] {
        let params = json!({ "envelope": base64url(&envelope.bytes()) });
        for method in ["ledger_submit", "ledger_submitAndWait"] {
            book.call(server, what, method, params.clone()).await;
        }
    }
    for (what, bytes) in [("malformed", vec![0; 3]), ("too large", vec![0; 90_000])] {
        let params = json!({ "envelope": base64url(&bytes) });
        book.call(server, what, "ledger_submit", params).await;
    }
    let waiting = json!({ "envelope": base64url(&good.bytes()) });
    sweep(book, world, "ledger_submit", waiting.clone()).await;
    book.call(server, "by position", "ledger_submit", json!([waiting["envelope"]])).await;
    let late = with_members(waiting.clone(), json!({ "timeoutMs": 1 }));
    book.call(server, "in vain", "ledger_submitAndWait", late).await;
    let receipt = json!({ "operation": prepared["operation"] });
    book.call(server, "of what waits", "ledger_getReceipt", receipt.clone()).await;
    book.call(server, "while one waits", "ledger_status", json!({})).await;
    let refusal = Refusal::new(Code::GuardStale, "guard", "another was first");
    server.ledger.refuse_pending(&refusal);
    book.call(server, "of what was refused", "ledger_getReceipt", receipt).await;
    server.ledger.prune(2);
    book.call(server, "of what is forgotten", "ledger_getBlock", json!({ "height": 1 })).await;
    server.ledger.set_view_key(None);
    book.call(server, "without a publishing key", "ledger_status", json!({})).await;
    server.ledger.set_view_key(Some(203));
    book.call(server, "with an unknown publishing key", "ledger_status", json!({})).await;
    server.ledger.answer(SubmitError::Full { what: "operations" });
    book.call(server, "while all is full", "ledger_submit", waiting.clone()).await;
    server.ledger.answer(SubmitError::Unavailable { reason: "it stops".to_owned() });
    for method in ["ledger_submit", "ledger_submitAndWait"] {
        book.call(server, "while it stops", method, waiting.clone()).await;
    }
}

/// Records messages over a WebSocket. The number of a subscription is random and therefore masked.
pub(super) async fn subscription() -> Book {
    let world = World::new().await;
    let mut book = Book::new("ledger_subscription");
    for method in ["ledger_subscribeBlocks", "ledger_unsubscribeBlocks"] {
        book.call(&world.server, "over HTTP", method, json!([])).await;
    }
    let head = world.server.ledger.head().height;
    let method = "ledger_subscribeBlocks";
    for (what, params, messages) in [
        ("from the past", json!([head - 1]), 3),
        ("beyond the next", json!({ "cursor": head + 2 }), 1),
        ("from below all", json!([-1]), 1),
        ("with an unknown member", json!({ "from": 1 }), 1),
    ] {
        let mut socket = WebSocket::open(world.server.running.public).await;
        let shown = json!({ "method": method, "params": params });
        let call = with_members(shown.clone(), json!({ "jsonrpc": "2.0", "id": 1 }));
        socket.send(&call.to_string()).await;
        for number in 1..=messages {
            let message = socket.receive().await;
            book.add_message(&format!("{method}: {what}, message {number}"), &shown, &message);
        }
    }
    let mut socket = WebSocket::open(world.server.running.public).await;
    let call = |method: &str, params: Value| {
        let shown = json!({ "method": method, "params": params });
        with_members(shown, json!({ "jsonrpc": "2.0", "id": 1 }))
    };
    socket.send(&call(method, json!([])).to_string()).await;
    let number = socket.receive().await["result"].clone();
    for (what, params) in
        [("its own", json!([number])), ("again", json!([number])), ("nothing", json!({}))]
    {
        let call = call("ledger_unsubscribeBlocks", params);
        socket.send(&call.to_string()).await;
        let shown = json!({ "method": "ledger_unsubscribeBlocks" });
        let message = socket.receive().await;
        book.add_message(&format!("ledger_unsubscribeBlocks: {what}"), &shown, &message);
    }
    world.server.ledger.prune(3);
    let mut socket = WebSocket::open(world.server.running.public).await;
    socket.send(&call(method, json!([1])).to_string()).await;
    let message = socket.receive().await;
    book.add_message("ledger_subscribeBlocks: what is forgotten", &json!({}), &message);
    book
}

/// Records reads that time out waiting for a height. All run at the same time, since each takes
/// five seconds.
pub(super) async fn late_heights() -> Book {
    let world = World::new().await;
    let mut book = Book::new("late_heights");
    let right = world.right(PRINCIPAL, "degrees/a");
    let calls = [
        ("did_history", json!({ "did": NOBODY })),
        ("did_getRecord", json!({ "did": NOBODY })),
        ("status_getList", json!({ "list": world.id("message") })),
        ("status_history", json!({ "list": world.id("message") })),
        ("status_check", json!({ "list": world.id("message"), "entry": 1 })),
        ("status_checkMany", json!({ "list": world.id("message"), "entries": [] })),
        ("trust_authorization", right.clone()),
        ("trust_recognition", right.clone()),
        ("trust_chain", right.clone()),
        ("trust_explain", right),
        ("trust_list", json!({ "authority": world.dids[AUTHORITY] })),
        ("trust_explainWrite", json!({ "operation": "did_create" })),
        ("agent_get", json!({ "agent": NOBODY })),
        ("agent_verify", json!({ "agent": NOBODY, "action": "a", "resource": "b" })),
        ("schema_get", json!({ "schema": world.id("schema") })),
        ("schema_list", json!({ "publisher": NOBODY })),
        ("governance_show", json!({})),
        ("governance_list", json!({})),
        ("ledger_getBlock", json!({})),
        ("ledger_getRecords", json!({ "records": [] })),
    ];
    let resolve = json!({ "did": NOBODY, "resolutionOptions": { "minHeight": 1_000 } });
    let dereference = json!({ "didUrl": NOBODY, "dereferenceOptions": { "minHeight": 1_000 } });
    let late = |(method, params)| (method, with_members(params, json!({ "minHeight": 1_000 })));
    let calls = calls.map(late).into_iter();
    let calls: Vec<(&str, Value)> =
        calls.chain([("did_resolve", resolve), ("did_dereference", dereference)]).collect();
    let server = &world.server;
    let answers = join_all(calls.iter().map(|(method, params)| {
        let call = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        async move { server.post(&call.to_string()).await }
    }));
    let paths = [
        format!("/1.0/identifiers/{NOBODY}?minHeight=1000"),
        format!("/status-lists/{}?minHeight=1000", world.id("message")),
        format!("/token-status-lists/{}?minHeight=1000", world.id("message")),
    ];
    let pages = join_all(paths.iter().map(|path| world.server.send(false, Request::get(path), "")));
    let (answers, pages) = tokio::join!(answers, pages);
    for ((method, params), answer) in calls.iter().zip(&answers) {
        let shown = json!({ "method": method, "params": params });
        book.add(format!("{method}: too late"), &shown, answer, &[]);
    }
    for (path, page) in paths.iter().zip(&pages) {
        let shown = json!({ "http": format!("GET {path}") });
        book.add(format!("GET {path}: too late"), &shown, page, &[]);
    }
    book
}

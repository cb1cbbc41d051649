//! Records an endorsed network, on which those may write who hold the right to it, and those for
//! whom one of them signs. Its time is in 2100, later than any clock, so that quotas are those of
//! the same hour and ages are 0.

use registry_core::governance::{EndorsedWrites, WritePolicy};
use registry_core::operation::{Action, Operation, Role};
use serde_json::{Value, json};

use super::book::{Asked, Book};
use super::sweep::{NOBODY, salt};
use super::world::{envelope, key};
use crate::common::client::{Server, config, with_members};
use crate::common::genesis::{genesis, register};
use crate::common::ledger::Ledger;
use crate::common::people::Person;
use registry_core::codec::{FixedBytes, base64url, decode, from_base64url};

/// 2100-01-01T00:00:00Z in Unix milliseconds.
const START_MS: u64 = 4_102_444_800_000;

const AUTHORITY: usize = 0;
const WRITER: usize = 1;
const STRANGER: usize = 2;

struct Network {
    server: Server,
    dids: Vec<String>,
}

impl Network {
    async fn new() -> Self {
        let mut genesis = genesis();
        let dids = register(&mut genesis, 4);
        let (authority, cost_per_hour) = (dids[AUTHORITY].clone(), 450);
        let policy = EndorsedWrites { authority, cost_per_hour };
        genesis.parameters.write_policy = WritePolicy::Endorsed(policy);
        genesis.time_ms = START_MS;
        let server = Server::over(Ledger::of(&genesis), config()).await;
        let dids = dids.iter().map(ToString::to_string).collect();
        Self { server, dids }
    }

    /// Prepares an operation with a salt, signs it with the control key and applies it.
    async fn act(&self, author: usize, method: &str, params: Value, salt: u8) {
        let more = json!({ "author": self.dids[author], "salt": FixedBytes([salt; 16]) });
        let prepared = self.server.call(method, with_members(params, more)).await;
        let envelope = signed(&prepared.expect("prepared"), author);
        let params = json!({ "envelope": envelope });
        self.server.call("ledger_submitAndWait", params).await.expect("applied");
    }

    fn create(&self, author: usize) -> Value {
        json!({ "author": self.dids[author], "purpose": "refresh", "length": 8, "salt": salt() })
    }
}

fn signed(prepared: &Value, author: usize) -> Value {
    let body = from_base64url(prepared["body"].as_str().expect("a body")).expect("base64url");
    json!(base64url(&envelope(body, &[(Role::Control, key(author))]).bytes()))
}

/// Signs an operation after its endorser is taken out of the body.
fn alone(prepared: &Value, author: usize) -> Value {
    let body = from_base64url(prepared["body"].as_str().expect("a body")).expect("base64url");
    let operation: Operation = decode(&body, body.len()).expect("an operation");
    let body = Operation { endorser: None, ..operation }.body();
    json!(base64url(&envelope(body, &[(Role::Control, key(author))]).bytes()))
}

pub(super) async fn record() -> Book {
    let network = Network::new().await;
    let (mut book, server) = (Book::new("endorsed"), &network.server);
    let right = json!({
        "action": "registry:write",
        "resource": "registry/status",
        "entity": network.dids[WRITER],
    });
    network.act(AUTHORITY, "trust_prepareGrant", right, 1).await;
    network.act(WRITER, "status_prepareCreate", network.create(WRITER), 2).await;
    for operation in Action::ALL.iter().map(|facts| facts.name) {
        explain(&mut book, &network, operation).await;
    }
    for (what, params) in [
        ("of no operation", json!({})),
        ("of an unknown operation", json!({ "operation": "did_fly" })),
        ("of a number", json!({ "operation": 1 })),
        ("of nobody", json!({ "operation": "did_update", "did": NOBODY })),
        ("of no DID", json!({ "operation": "did_update", "did": "Alice" })),
        ("with an unknown member", json!({ "operation": "did_update", "more": 1 })),
        ("by position", json!([network.dids[WRITER], "did_update"])),
    ] {
        book.call(server, what, "trust_explainWrite", params).await;
    }
    endorsements(&mut book, &network).await;
    for method in ["ledger_status", "governance_show", "net_peers"] {
        book.call(server, "in 2100", method, json!({})).await;
    }
    pages(&mut book, &network).await;
    book
}

async fn explain(book: &mut Book, network: &Network, operation: &str) {
    for (who, params) in [
        ("a newcomer", json!({})),
        ("the authority", json!({ "did": network.dids[AUTHORITY] })),
        ("a writer", json!({ "did": network.dids[WRITER] })),
        ("a stranger", json!({ "did": network.dids[STRANGER] })),
    ] {
        let params = with_members(params, json!({ "operation": operation }));
        let what = format!("{operation} by {who}");
        book.call(&network.server, &what, "trust_explainWrite", params).await;
    }
}

/// Records that prepared and refused operations name those who can endorse them, and then uses up
/// the quota of a control set.
async fn endorsements(book: &mut Book, network: &Network) {
    let server = &network.server;
    let newcomer = Person::new(121);
    let create = json!({
        "sets": newcomer.sets(), "document": newcomer.document_json(), "salt": salt(),
    });
    book.call(server, "by a newcomer", "did_prepareCreate", create.clone()).await;
    let stranger = Person::new(2);
    let update = json!({
        "did": network.dids[STRANGER], "document": stranger.document_json(), "salt": salt(),
    });
    book.call(server, "by a stranger", "did_prepareUpdate", update.clone()).await;
    for (who, endorser) in [
        ("the authority", network.dids[AUTHORITY].as_str()),
        ("a writer of lists", &network.dids[WRITER]),
        ("the stranger itself", &network.dids[STRANGER]),
        ("nobody", NOBODY),
        ("no DID", "Alice"),
    ] {
        let (what, endorser) = (format!("endorsed by {who}"), json!({ "endorser": endorser }));
        let params = with_members(create.clone(), endorser.clone());
        book.call(server, &what, "did_prepareCreate", params).await;
        let params = with_members(update.clone(), endorser);
        book.call(server, &what, "did_prepareUpdate", params).await;
    }
    let endorser = json!({ "endorser": network.dids[AUTHORITY] });
    let prepared = server.call("did_prepareUpdate", with_members(update, endorser)).await;
    let prepared = prepared.expect("prepared");
    for (what, envelope) in [
        ("without its endorser's signature", signed(&prepared, STRANGER)),
        ("by a stranger", alone(&prepared, STRANGER)),
    ] {
        for method in ["ledger_submit", "ledger_submitAndWait"] {
            book.call(server, what, method, json!({ "envelope": envelope })).await;
        }
    }
    for (who, author) in [("the authority", 0), ("a writer", 1), ("a stranger", 2)] {
        let what = format!("by {who}");
        book.call(server, &what, "status_prepareCreate", network.create(author)).await;
    }
    let schema = json!({ "author": network.dids[WRITER], "name": "a", "salt": salt() });
    book.call(server, "by a writer", "schema_preparePublishType", schema).await;
    for salt in 3..5 {
        network.act(WRITER, "status_prepareCreate", network.create(WRITER), salt).await;
    }
    let create = network.create(WRITER);
    let prepared = book
        .call(server, "without a quota of control", "status_prepareCreate", create.clone())
        .await;
    let envelope = json!({ "envelope": signed(&prepared["result"], WRITER) });
    book.call(server, "without a quota of control", "ledger_submit", envelope).await;
    let own = json!({ "did": network.dids[WRITER], "operation": "status_create" });
    book.call(server, "without a quota of control", "trust_explainWrite", own).await;
}

/// Records pages of a node that has no public URL, so that its answers contain no port.
async fn pages(book: &mut Book, network: &Network) {
    let identifier = format!("/1.0/identifiers/{}", network.dids[WRITER]);
    for path in [
        "/1.0/properties",
        "/1.0/methods",
        "/.well-known/trqp",
        "/livez",
        identifier.as_str(),
        "/schemas/none",
    ] {
        let asked = Asked { admin: false, method: "GET", path, headers: &[], body: "" };
        book.ask(&network.server, "in 2100", asked).await;
    }
}

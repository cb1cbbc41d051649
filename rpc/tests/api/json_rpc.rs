//! Tests of the JSON-RPC methods over HTTP and WebSocket, and of the form of every error.

use crate::common::BLOCK_MS;
use crate::common::client::{Server, signed, status};
use crate::common::ledger::Ledger;
use crate::common::people::{Person, create, member, sign};
use jsonrpsee::core::client::ClientT;
use jsonrpsee::core::params::ObjectParams;
use jsonrpsee::rpc_params;
use registry_core::code::{Code, Refusal};
use registry_core::codec::{self, base64url, from_base64url};
use registry_core::operation::{Role, SignedOperation};
use registry_core::record::Entry;
use rpc::error::NodeCode;
use rpc::service::{Reader, SubmitError};
use serde_json::{Value, json};

fn envelope(envelope: &SignedOperation) -> Value {
    json!({ "envelope": base64url(&envelope.bytes()) })
}

#[tokio::test]
async fn http_and_websocket_take_names_and_positions() {
    let server = Server::start().await;
    let did = server.register(Person::new(1)).await;
    let (http, ws) = (server.http(), server.ws().await);
    assert_eq!(status(&http).await["height"], 1);
    assert_eq!(status(&ws).await["network"], "local");
    let mut named = ObjectParams::new();
    named.insert("did", &did).expect("JSON");
    let by_name: Value = http.request("did_resolve", named.clone()).await.expect("a result");
    let by_position: Value =
        ws.request("did_resolve", rpc_params![&did, json!({})]).await.expect("a result");
    assert_eq!(by_name, by_position);
    assert_eq!(by_name["didDocument"]["id"], did);
    let page: Value = ws.request("did_history", rpc_params![&did, 1, 1]).await.expect("a page");
    assert_eq!(page["versions"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn status_and_peers_say_what_the_node_does() {
    let server = Server::start().await;
    let status = server.call("ledger_status", json!({})).await.expect("a status");
    assert_eq!(status["network"], "local");
    assert_eq!(status["chainId"], "07".repeat(32));
    assert_eq!(status["role"], "validator");
    assert_eq!(status["time"], "2023-11-14T22:13:20.000Z");
    assert_eq!(status["validators"][0]["name"], "solo");
    assert_eq!(status["mempool"], json!({ "operations": 0, "bytes": 0 }));
    let peers = server.call("net_peers", json!([])).await.expect("peers");
    assert_eq!(peers[0]["connectedMs"], 1);
}

#[tokio::test]
async fn resolution_answers_every_fault_with_a_result() {
    let server = Server::start().await;
    for (did, options, name) in [
        ("nonsense", json!({}), "INVALID_DID"),
        ("did:web:example.com", json!({}), "METHOD_NOT_SUPPORTED"),
        ("did:idem:local:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", json!({}), "NOT_FOUND"),
        (
            "did:idem:local:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            json!({ "x": 1 }),
            "FEATURE_NOT_SUPPORTED",
        ),
        (
            "did:idem:local:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            json!({ "versionId": "0" }),
            "INVALID_OPTIONS",
        ),
    ] {
        let params = json!([did, options]);
        let result = server.call("did_resolve", params).await.expect("a result");
        assert_eq!(result["didDocument"], Value::Null);
        let error = result["didResolutionMetadata"]["error"]["type"].as_str().expect("a type");
        assert!(error.ends_with(&format!("#{name}")), "{error}");
    }
}

#[tokio::test]
async fn a_did_lives_by_prepared_operations() {
    let server = Server::start().await;
    let person = Person::new(1);
    let did = server.register(person).await;
    let document = person.document_json();
    let update = json!({ "did": did, "document": document });
    let prepared = server.act("Update", update, &person.control()).await;
    assert_eq!(prepared["signatures"][0]["role"], "control");
    assert_eq!(prepared["signatures"][0]["threshold"], 1);
    let explanation = prepared["explanation"].as_str().expect("text");
    assert!(explanation.contains(&did) && explanation.contains("version 1"), "{explanation}");
    let heir = person.rotated();
    let rotate = json!({
        "did": did,
        "revealed": [member(&person.next())],
        "sets": heir.sets(),
        "document": document,
    });
    server.act("Rotate", rotate, &person.next()).await;
    let recover = json!({ "did": did, "sets": heir.sets(), "document": document });
    server.act("Recover", recover, &heir.recovery()).await;
    server.act("RecoverCancel", json!({ "did": did }), &heir.recovery()).await;
    let deactivate = json!({ "did": did, "revealed": [member(&heir.next())] });
    server.act("Deactivate", deactivate, &heir.next()).await;
    let history = server.call("did_history", json!({ "did": did })).await.expect("a page");
    let versions = history["versions"].as_array().expect("versions");
    let numbers: Vec<_> = versions.iter().map(|version| version["version"].as_u64()).collect();
    assert_eq!(numbers, [6, 5, 4, 3, 2, 1].map(Some));
    assert_eq!(versions[0]["value"], "deactivated");
    assert!(versions[2]["value"]["active"]["pending"].is_object());
    assert_eq!(versions[5]["value"]["active"]["sets"], json!(person.sets()));
}

#[tokio::test]
async fn history_comes_in_pages_and_a_record_byte_for_byte() {
    let server = Server::start().await;
    let person = Person::new(1);
    let did = server.register(person).await;
    for _ in 0..2 {
        let update = json!({ "did": did, "document": person.document_json() });
        server.act("Update", update, &person.control()).await;
    }
    let page = |cursor: Option<u64>| {
        let params = json!({ "did": did, "cursor": cursor, "limit": 2 });
        server.call("did_history", params)
    };
    let (first, second) = (page(None).await.expect("a page"), page(Some(1)).await.expect("a page"));
    assert_eq!(first["next"], 1);
    assert_eq!(first["versions"][0]["version"], 3);
    assert_eq!(second["versions"][0]["version"], 1);
    assert!(second.get("next").is_none());
    let record = server.call("did_getRecord", json!({ "did": did })).await.expect("a record");
    let bytes = from_base64url(record["entry"].as_str().expect("text")).expect("base64url");
    let entry: Entry = codec::decode(&bytes, 65_536).expect("an entry");
    assert_eq!(first["versions"][0]["record"], entry.record.hash().to_string());
    for limit in [0, 101] {
        let params = json!({ "did": did, "limit": limit });
        assert_eq!(server.refusal("did_history", params).await.1, "INVALID_PARAMS");
    }
}

#[tokio::test]
async fn a_submission_is_pending_then_has_a_receipt_that_a_certificate_proves() {
    let server = Server::start().await;
    server.ledger.hold();
    let envelope_of = create(server.ledger.chain(), Person::new(1), 1);
    let admitted = server.call("ledger_submit", envelope(&envelope_of)).await.expect("admitted");
    assert_eq!(admitted["status"], "pending");
    let receipt = json!({ "operation": admitted["operation"] });
    let pending = server.call("ledger_getReceipt", receipt.clone()).await.expect("a status");
    assert_eq!(pending["status"], "pending");
    let waiting = server.call("ledger_submitAndWait", envelope(&envelope_of));
    let committing = async {
        while server.ledger.head().height < 1 {
            server.ledger.commit();
            tokio::task::yield_now().await;
        }
    };
    let (committed, ()) = tokio::join!(waiting, committing);
    let committed = committed.expect("committed");
    assert_eq!(committed["height"], 1);
    assert_eq!(committed["receipt"]["operation"], admitted["operation"]);
    assert_eq!(committed["receipt"]["envelope"], admitted["envelope"]);
    let head = server.ledger.head();
    assert_eq!(committed["certificate"]["value"], head.hash.to_string());
    let applied = server.call("ledger_getReceipt", receipt).await.expect("a status");
    assert_eq!(applied["status"], "applied");
    assert_eq!(applied["receipt"], committed["receipt"]);
    let again = server.call("ledger_submitAndWait", envelope(&envelope_of)).await;
    assert_eq!(again.expect("a retry gets the receipt"), committed);
    let replayed = server.call("ledger_submit", envelope(&envelope_of)).await;
    let code = i32::from(Code::AlreadyApplied.number());
    assert_eq!(replayed.expect_err("applied once").code(), code);
    let unknown = json!(["00".repeat(32)]);
    let unknown = server.call("ledger_getReceipt", unknown).await.expect("a status");
    assert_eq!(unknown["status"], "unknown");
}

#[tokio::test]
async fn a_receipt_waits_for_the_head_that_shows_its_block() {
    let server = Server::start().await;
    server.ledger.hold();
    let envelope_of = create(server.ledger.chain(), Person::new(1), 1);
    server.call("ledger_submit", envelope(&envelope_of)).await.expect("admitted");
    let head = server.ledger.commit_unseen(BLOCK_MS);
    let waiting = server.call("ledger_submitAndWait", envelope(&envelope_of));
    tokio::pin!(waiting);
    let awaited = async {
        while server.ledger.readers() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        answer = &mut waiting => panic!("answered before the head: {answer:?}"),
        () = awaited => {}
    }
    server.ledger.show(head);
    assert_eq!(waiting.await.expect("committed")["height"], 1);
}

#[tokio::test]
async fn blocks_come_with_pages_of_operations() {
    let server = Server::start().await;
    server.ledger.hold();
    for salt in 0..101 {
        let envelope_of = create(server.ledger.chain(), Person::new(1), salt);
        server.call("ledger_submit", envelope(&envelope_of)).await.expect("admitted");
    }
    server.ledger.commit();
    let block = server.call("ledger_getBlock", json!({ "height": 1 })).await.expect("a block");
    assert_eq!(block["hash"], server.ledger.head().hash.to_string());
    assert_eq!(block["operationsCount"], 101);
    assert_eq!(block["operations"].as_array().map(Vec::len), Some(100));
    let from = block["next"].as_u64().expect("a next page");
    let rest = json!({ "height": 1, "from": from });
    let rest = server.call("ledger_getBlock", rest).await.expect("a page");
    assert_eq!(rest["operations"].as_array().map(Vec::len), Some(1));
    assert!(rest.get("next").is_none());
    let genesis = server.call("ledger_getBlock", json!([0])).await.expect("genesis");
    assert_eq!(genesis["certificate"], Value::Null);
    let (code, name) = server.refusal("ledger_getBlock", json!([9])).await;
    assert_eq!((code, name.as_str()), (3004, "BLOCK_NOT_FOUND"));
}

#[tokio::test]
async fn refusals_keep_their_own_code() {
    let server = Server::start().await;
    let (person, other) = (Person::new(1), Person::new(2));
    let did = server.register(person).await;
    let update = json!({ "did": did, "document": person.document_json() });
    let prepared = server.call("did_prepareUpdate", update.clone()).await.expect("prepared");
    let by_stranger = signed(&prepared, &other.control());
    let body = by_stranger.body.0.clone();
    let wrong_role = sign(body.clone(), Role::Next, &person.control());
    let mut forged = sign(body.clone(), Role::Control, &person.control());
    forged.signatures[0].value.0[3] ^= 1;
    let unsigned = SignedOperation::new(body, Vec::new());
    let elsewhere = create(registry_core::crypto::Hash([8; 32]), other, 1);
    for (envelope_of, code) in [
        (by_stranger, Code::SignerNotMember),
        (wrong_role, Code::SignatureRole),
        (forged, Code::SignatureInvalid),
        (unsigned, Code::SignatureCount),
        (elsewhere, Code::ChainMismatch),
    ] {
        for method in ["ledger_submit", "ledger_submitAndWait"] {
            let refusal = server.refusal(method, envelope(&envelope_of)).await;
            assert_eq!(refusal, (i32::from(code.number()), code.name().to_owned()), "{method}");
        }
    }
    server.act("Update", update, &person.control()).await;
    let stale = signed(&prepared, &person.control());
    assert_eq!(server.refusal("ledger_submit", envelope(&stale)).await.1, "GUARD_STALE");
    let malformed = json!({ "envelope": "AAAA" });
    assert_eq!(server.refusal("ledger_submit", malformed).await.1, "OPERATION_MALFORMED");
    let large = json!({ "envelope": base64url(&[0; 90_000]) });
    assert_eq!(server.refusal("ledger_submit", large).await.1, "OPERATION_TOO_LARGE");
}

#[tokio::test]
async fn preparing_refuses_at_once_what_signing_could_not_mend() {
    let server = Server::start().await;
    let person = Person::new(1);
    let did = server.register(person).await;
    let document = person.document_json();
    let absent = "did:idem:local:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    let mut dangling = document.clone();
    dangling["authentication"] = json!(["nothing"]);
    for (action, params, name) in [
        ("Update", json!({ "did": absent, "document": document }), "DID_NOT_FOUND"),
        ("Update", json!({ "did": did, "document": dangling }), "DOCUMENT_INVALID"),
        ("Update", json!({ "did": did, "document": { "name": "x" } }), "INVALID_PARAMS"),
        ("Update", json!({ "did": "did:web:x", "document": document }), "INVALID_PARAMS"),
        ("Update", json!({ "did": did }), "INVALID_PARAMS"),
        ("RecoverCancel", json!({ "did": did }), "RECOVERY_NOT_PENDING"),
        ("RecoverComplete", json!({ "did": did }), "RECOVERY_NOT_PENDING"),
        (
            "Deactivate",
            json!({ "did": did, "revealed": [member(&person.control())] }),
            "NEXT_NOT_COMMITTED",
        ),
    ] {
        let refusal = server.refusal(&format!("did_prepare{action}"), params).await;
        assert_eq!(refusal.1, name, "{action}");
    }
    let error = server.call("did_prepareUpdate", json!({ "did": did, "document": dangling }));
    let error = error.await.expect_err("refused");
    let data: Value = serde_json::from_str(error.data().expect("data").get()).expect("JSON");
    assert_eq!(data["field"], "document/authentication/0");
}

#[tokio::test]
async fn conditions_of_the_node_have_codes_of_their_own() {
    let ask = |server: Server, error: SubmitError| async move {
        server.ledger.answer(error);
        let envelope_of = create(server.ledger.chain(), Person::new(1), 1);
        server.refusal("ledger_submit", envelope(&envelope_of)).await.0
    };
    let full = SubmitError::Full { what: "operations" };
    let code = ask(Server::start().await, full).await;
    assert_eq!(code, i32::from(NodeCode::MempoolFull.number()));
    let unavailable = SubmitError::Unavailable { reason: "it stops".to_owned() };
    let code = ask(Server::start().await, unavailable).await;
    assert_eq!(code, i32::from(NodeCode::NotReady.number()));
}

#[tokio::test]
async fn a_wait_ends_with_the_outcome_or_with_where_to_ask() {
    let server = Server::start().await;
    server.ledger.hold();
    let envelope_of = create(server.ledger.chain(), Person::new(1), 1);
    let mut params = envelope(&envelope_of);
    params["timeoutMs"] = json!(1);
    let error = server.call("ledger_submitAndWait", params.clone()).await.expect_err("too early");
    assert_eq!(error.code(), i32::from(NodeCode::Timeout.number()));
    assert!(error.message().contains("ledger_getReceipt"), "{}", error.message());
    params["timeoutMs"] = json!(30_001);
    assert_eq!(server.refusal("ledger_submitAndWait", params).await.1, "INVALID_PARAMS");
    let refusal = Refusal::new(Code::GuardStale, "guard", "changed meanwhile");
    let waiting = server.refusal("ledger_submitAndWait", envelope(&envelope_of));
    let refusing = async {
        loop {
            server.ledger.refuse_pending(&refusal);
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::select! {
        waited = waiting => waited,
        () = refusing => unreachable!(),
    };
    assert_eq!(waited.1, "GUARD_STALE");
}

#[tokio::test]
async fn what_is_no_call_gets_the_standard_errors() {
    let server = Server::start().await;
    for (body, code) in [
        ("{", -32700),
        ("[]", -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"no_such"}"#, -32601),
        (r#"{"jsonrpc":"2.0","id":1,"method":"did_resolve","params":[1]}"#, -32602),
        (r#"{"jsonrpc":"2.0","id":1,"method":"did_resolve"}"#, -32602),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ledger_status","params":{"x":1}}"#, -32602),
        (r#"{"jsonrpc":"2.0","id":1,"method":"did_resolve","params":["a",{},3]}"#, -32602),
    ] {
        let answer = server.post(body).await.json();
        assert_eq!(answer["error"]["code"], code, "{body}: {answer}");
    }
    let batch = r#"[{"jsonrpc":"2.0","id":1,"method":"ledger_status"},
        {"jsonrpc":"2.0","id":2,"method":"no_such"}]"#;
    let answers = server.post(batch).await.json();
    assert_eq!(answers[0]["result"]["network"], "local");
    assert_eq!(answers[1]["error"]["code"], -32601);
}

#[tokio::test]
async fn the_test_ledger_is_a_real_one() {
    let ledger = Ledger::new();
    ledger.commit();
    let (block, certificate) = (ledger.block(1).expect("memory"), ledger.certificate(1));
    let certificate = certificate.expect("memory").expect("a certificate");
    assert_eq!(certificate.value, block.expect("a block").header.hash());
}

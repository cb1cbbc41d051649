//! Tests of the network's own DID, and of who signs this node's status views.

use crate::common::client::Server;
use crate::common::genesis::publishing;
use crate::common::people::Person;
use registry_core::codec;
use registry_core::governance::Publishing;
use registry_core::limits::OPERATION_BYTES_MAX;
use registry_core::record::{Entry, Kind, PartId};
use serde_json::{Value, json};

async fn resolve(server: &Server, did: &str, options: Value) -> Value {
    let params = json!({ "did": did, "resolutionOptions": options });
    server.call("did_resolve", params).await.expect("never a JSON-RPC error")
}

fn error(result: &Value) -> &str {
    let name = result["didResolutionMetadata"]["error"]["type"].as_str().expect("an error");
    name.split_once('#').expect("a fragment").1
}

/// DID of the test network. Its suffix is the base32 of the first 20 bytes of the chain id, all 07.
const DID: &str = "did:idem:local:a4dqobyha4dqobyha4dqobyha4dqobyh";

#[tokio::test]
async fn the_networks_did_lists_the_publishing_keys() {
    let server = Server::start().await;
    assert_eq!(server.ledger.network_did().to_string(), DID);
    let result = resolve(&server, DID, json!({})).await;
    let keys = publishing().keys;
    let expected = json!({
        "@context": ["https://www.w3.org/ns/did/v1.1"],
        "assertionMethod": [format!("{DID}#node-1"), format!("{DID}#node-2")],
        "id": DID,
        "verificationMethod": [
            {
                "controller": DID, "id": format!("{DID}#node-1"), "type": "Multikey",
                "publicKeyMultibase": keys[0].key.to_string(),
            },
            {
                "controller": DID, "id": format!("{DID}#node-2"), "type": "Multikey",
                "publicKeyMultibase": keys[1].key.to_string(),
                "validFrom": "2023-11-14T22:13:20Z", "expires": "2023-11-14T22:14:20Z",
            },
        ],
    });
    assert_eq!(result["didDocument"], expected);
    let metadata = json!({ "created": "2023-11-14T22:13:20Z", "versionId": "1" });
    assert_eq!(result["didDocumentMetadata"], metadata);

    let path = format!("/1.0/identifiers/{DID}");
    let bare = server.get_as(&path, "application/did").await;
    assert_eq!((bare.status.as_u16(), bare.json()), (200, expected));
    assert!(bare.header("etag").starts_with("\"1-"), "{}", bare.header("etag"));
}

#[tokio::test]
async fn its_versions_and_parts_are_found_as_those_of_any_did() {
    let server = Server::start().await;
    server.ledger.commit();
    let past = resolve(&server, DID, json!({ "versionTime": "2023-11-14T22:13:20Z" })).await;
    assert_eq!(past["didDocumentMetadata"]["versionId"], "1");
    assert_eq!(resolve(&server, DID, json!({ "versionId": "1" })).await, past);
    let before = json!({ "versionTime": "2023-11-14T22:13:19Z" });
    assert_eq!(error(&resolve(&server, DID, before).await), "NOT_FOUND");
    assert_eq!(error(&resolve(&server, DID, json!({ "versionId": "2" })).await), "NOT_FOUND");
    let elsewhere = DID.replace(":local:", ":other:");
    assert_eq!(error(&resolve(&server, &elsewhere, json!({})).await), "NOT_FOUND");

    let dereference = async |url: String, options: Value| {
        let params = json!({ "didUrl": url, "dereferenceOptions": options });
        server.call("did_dereference", params).await.expect("a result")
    };
    let assertion = json!({ "verificationRelationship": "assertionMethod" });
    let method = dereference(format!("{DID}#node-2"), assertion).await;
    assert_eq!(method["content"]["publicKeyMultibase"], publishing().keys[1].key.to_string());
    let control = json!({ "verificationRelationship": "capabilityInvocation" });
    let method = dereference(format!("{DID}#node-2"), control).await;
    let refused = &method["dereferencingMetadata"]["error"]["type"];
    assert!(refused.as_str().is_some_and(|name| name.contains("INVALID_RELATIONSHIP")));
    let nobody = dereference(format!("{DID}#node-3"), json!({})).await;
    assert!(nobody["content"].is_null());
}

#[tokio::test]
async fn its_record_can_be_read_and_no_operation_writes_it() {
    let server = Server::start().await;
    let history = server.call("did_history", json!({ "did": DID })).await.expect("a page");
    let value = serde_json::to_value(publishing()).expect("JSON");
    assert_eq!(history["versions"].as_array().map(Vec::len), Some(1));
    assert_eq!(history["versions"][0]["value"], value);
    let stored = server.call("did_getRecord", json!({ "did": DID })).await.expect("a record");
    let stored = codec::from_base64url(stored["entry"].as_str().expect("text")).expect("base64url");
    let entry: Entry = codec::decode(&stored, OPERATION_BYTES_MAX).expect("an entry");
    assert_eq!(
        (entry.record.kind, &entry.record.key.0[..]),
        (Kind::Governance, &b"publishing"[..])
    );
    assert_eq!(history["versions"][0]["record"], entry.record.hash().to_string());
    let read: Publishing = entry.part_value(PartId::WHOLE).expect("a list");
    assert_eq!(read, publishing());

    let document = Person::new(1).document_json();
    let params = json!({ "did": DID, "document": document });
    let refused = server.call("did_prepareUpdate", params).await.expect_err("must be refused");
    let message = refused.message();
    assert!(message.starts_with("DID_NOT_FOUND"), "{message}");
    assert!(message.contains("is the network's own: governance lists its keys"), "{message}");
}

#[tokio::test]
async fn the_status_says_under_which_method_the_node_signs_views() {
    let server = Server::start().await;
    let status = async || server.call("ledger_status", json!({})).await.expect("a status");
    let problem = async || {
        let status = status().await;
        assert!(status.get("publisher").is_none(), "{status}");
        status["publisherProblem"].as_str().expect("a reason").to_owned()
    };
    assert_eq!(status().await["publisher"], format!("{DID}#node-1"));
    assert!(status().await.get("publisherProblem").is_none());
    server.ledger.set_view_key(None);
    assert!(problem().await.contains("make one with `idem init`"));
    server.ledger.set_view_key(Some(203));
    assert!(problem().await.contains("does not list this node's publishing key z6Mk"));
    server.ledger.set_view_key(Some(202));
    assert_eq!(status().await["publisher"], format!("{DID}#node-2"));
    server.ledger.commit_after(59_999);
    assert_eq!(status().await["publisher"], format!("{DID}#node-2"));
    server.ledger.commit_after(1);
    assert!(problem().await.contains("#node-2 was valid until 2023-11-14T22:14:20Z"));
}

//! Tests of versions, times, caches, dereferencing and recovery, as a resolver shows them.

use crate::common::client::Server;
use crate::common::people::{Person, member, public};
use crate::common::{BLOCK_MS, DELAY_MS, GENESIS_MS};
use ed25519_dalek::Signer as _;
use http::{Method, Request};
use registry_core::codec::{Bytes, from_base64url};
use registry_core::operation::{
    MemberSigner, Role, Signature, SignedOperation, Signer, operation_id,
};
use serde_json::{Value, json};

async fn resolve(server: &Server, did: &str, options: Value) -> Value {
    let params = json!({ "did": did, "resolutionOptions": options });
    server.call("did_resolve", params).await.expect("never a JSON-RPC error")
}

/// Registers a DID with three versions, in blocks 1, 2 and 4.
async fn three_versions(server: &Server) -> (String, Person) {
    let person = Person::new(1);
    let did = server.register(person).await;
    let mut document = person.document_json();
    document["alsoKnownAs"] = json!(["https://one.example"]);
    server.act("Update", json!({ "did": did, "document": document }), &person.control()).await;
    server.ledger.commit();
    document["alsoKnownAs"] = json!(["https://two.example"]);
    server.act("Update", json!({ "did": did, "document": document }), &person.control()).await;
    (did, person)
}

fn alias(result: &Value) -> Option<&str> {
    result["didDocument"]["alsoKnownAs"].get(0).and_then(Value::as_str)
}

#[tokio::test]
async fn versions_are_found_by_number_and_time() {
    let server = Server::start().await;
    let (did, _) = three_versions(&server).await;
    let head = resolve(&server, &did, json!({})).await;
    let expected = json!({
        "created": "2023-11-14T22:13:22Z",
        "updated": "2023-11-14T22:13:26Z",
        "versionId": "3",
    });
    assert_eq!(head["didDocumentMetadata"], expected);
    assert_eq!(alias(&head), Some("https://two.example"));
    let second = resolve(&server, &did, json!({ "versionId": "2" })).await;
    let expected = json!({
        "created": "2023-11-14T22:13:22Z",
        "updated": "2023-11-14T22:13:23Z",
        "versionId": "2",
        "nextVersionId": "3",
        "nextUpdate": "2023-11-14T22:13:26Z",
    });
    assert_eq!(second["didDocumentMetadata"], expected);
    let first = resolve(&server, &did, json!({ "versionId": "1" })).await;
    assert!(first["didDocumentMetadata"].get("updated").is_none());
    // Blocks have the times 21.5, 23, 24.5 and 26 s. The times in `created` and `updated` resolve
    // to the version that they belong to.
    for (time, version) in [
        ("2023-11-14T22:13:22Z", Some("1")),
        ("2023-11-14T22:13:23Z", Some("2")),
        ("2023-11-14T22:13:25Z", Some("2")),
        ("2023-11-14T22:13:26Z", Some("3")),
        ("2023-11-14T22:13:50Z", Some("3")),
        ("2023-11-14T22:13:21Z", None),
    ] {
        let result = resolve(&server, &did, json!({ "versionTime": time })).await;
        assert_eq!(result["didDocumentMetadata"]["versionId"].as_str(), version, "{time}");
    }
    // Later than one heartbeat and ten seconds after the newest block, the node cannot know the
    // answer.
    let beyond = resolve(&server, &did, json!({ "versionTime": "2023-11-14T22:13:52Z" })).await;
    let error = &beyond["didResolutionMetadata"]["error"];
    assert_eq!(error["type"], "https://www.w3.org/ns/did#INVALID_OPTIONS");
}

#[tokio::test]
async fn caches_may_keep_the_past_and_revalidate_the_head() {
    let server = Server::start().await;
    let (did, person) = three_versions(&server).await;
    let path = format!("/1.0/identifiers/{}", did.replace(':', "%3A"));
    let head = server.get(&path).await;
    assert_eq!(head.header("cache-control"), "public, max-age=1");
    assert_eq!(head.header("x-ledger-height"), "4");
    assert!(head.header("x-ledger-age").parse::<u64>().is_ok());
    assert_eq!(head.header("vary"), "accept");
    let etag = head.header("etag").to_owned();
    for tags in [etag.clone(), format!("W/{etag}"), format!("\"x\", {etag}"), "*".to_owned()] {
        for method in [Method::GET, Method::HEAD] {
            let same = server.request(method, &path, &[("if-none-match", &tags)]).await;
            assert_eq!(same.status, 304, "{tags}");
            assert_eq!(same.header("etag"), etag);
            assert!(same.body.is_empty());
        }
    }
    let bare = server.get_as(&path, "application/did").await;
    assert_ne!(bare.header("etag"), etag, "another body has another strong tag");
    let past = server.get(&format!("{path}?versionId=3")).await;
    assert_eq!(past.header("cache-control"), "public, max-age=1", "its successor will show in it");
    let past = server.get(&format!("{path}?versionId=2")).await;
    assert_eq!(past.header("cache-control"), "public, max-age=31536000, immutable");
    let fresh = server.get(&format!("{path}?noCache=true")).await;
    assert_eq!(fresh.header("cache-control"), "no-store");
    let document = person.document_json();
    server.act("Update", json!({ "did": did, "document": document }), &person.control()).await;
    let changed = server.request(Method::GET, &path, &[("if-none-match", &etag)]).await;
    assert_eq!(changed.status, 200);
}

#[tokio::test]
async fn any_origin_may_read_and_nobody_brings_credentials() {
    let server = Server::start().await;
    let did = server.register(Person::new(1)).await;
    let path = format!("/1.0/identifiers/{did}");
    let origin = ("origin", "https://wallet.example");
    let answer = server.request(Method::GET, &path, &[origin]).await;
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(answer.header("access-control-allow-credentials"), "");
    let exposed = answer.header("access-control-expose-headers");
    for name in ["etag", "x-ledger-height", "x-ledger-age"] {
        assert!(exposed.contains(name), "{name} in {exposed}");
    }
    for path in [path.as_str(), "/"] {
        let headers = [origin, ("access-control-request-method", "POST")];
        let preflight = server.request(Method::OPTIONS, path, &headers).await;
        assert_eq!(preflight.status, 200);
        assert_eq!(preflight.header("access-control-allow-origin"), "*");
        assert!(preflight.header("access-control-allow-methods").contains("POST"));
    }
}

#[tokio::test]
async fn a_did_url_leads_to_methods_and_services() {
    let server = Server::start().await;
    let did = server.register(Person::new(1)).await;
    let plain = format!("/1.0/identifiers/{did}");
    let method = server.get(&format!("{plain}%23key-1")).await;
    let body = method.json();
    assert_eq!(method.status, 200);
    assert_eq!(body["dereferencingMetadata"], json!({ "contentType": "application/did" }));
    assert_eq!(body["content"]["id"], format!("{did}#key-1"));
    assert_eq!(body["content"], body["contentStream"]);
    assert_eq!(body["contentMetadata"]["versionId"], "1");
    let bare = server.get_as(&format!("{plain}%23files"), "application/did").await.json();
    assert_eq!(bare["serviceEndpoint"], "https://files.example/store/");
    let encoded = plain.replace("did:idem:local:", "did%3Aidem%3Alocal%3A");
    for (path, status, name) in [
        (format!("{plain}%23none"), 404, "NOT_FOUND"),
        (format!("{plain}%23"), 400, "INVALID_DID_URL"),
        (format!("{encoded}%23key-1?verificationRelationship=authentication"), 200, ""),
        (
            format!("{encoded}%23idle?verificationRelationship=authentication"),
            500,
            "INVALID_RELATIONSHIP_FOR_VERIFICATION_METHOD",
        ),
        (
            format!("{encoded}%23files?verificationRelationship=authentication"),
            500,
            "INVALID_VERIFICATION_METHOD",
        ),
        (format!("{encoded}%23key-1?verificationRelationship=x"), 400, "INVALID_OPTIONS"),
        (format!("{plain}?relativeRef=a"), 400, "INVALID_DID_URL"),
        (format!("{plain}?service=none"), 404, "NOT_FOUND"),
    ] {
        let answer = server.get_as(&path, "application/json").await;
        assert_eq!(answer.status, status, "{path}");
        let body = answer.json();
        let metadata = ["dereferencingMetadata", "didResolutionMetadata"].map(|name| &body[name]);
        let error = metadata.iter().find_map(|metadata| metadata["error"]["type"].as_str());
        let error = error.unwrap_or_default();
        assert_eq!(error.split_once('#').map_or("", |(_, name)| name), name, "{path}: {body}");
    }
}

#[tokio::test]
async fn a_service_redirects_to_its_endpoint() {
    let server = Server::start().await;
    let did = server.register(Person::new(1)).await;
    for (query, location) in [
        ("service=files", "https://files.example/store/"),
        ("service=chat", "https://chat.example/in"),
        ("serviceType=LinkedDomains", "https://files.example/store/"),
        ("service=files&relativeRef=a%2Fb.pdf%3Fx", "https://files.example/store/a/b.pdf?x"),
        ("service=files&relativeRef=%2Ftop", "https://files.example/top"),
    ] {
        let path = format!("/1.0/identifiers/{did}?{query}");
        for accept in ["text/uri-list", "*/*"] {
            let answer = server.get_as(&path, accept).await;
            assert_eq!(answer.status, 303, "{query}");
            assert_eq!(answer.header("location"), location);
            assert!(answer.body.is_empty());
        }
        let answer = server.get_as(&path, "application/did-url-dereferencing").await;
        assert_eq!(answer.status, 200);
        let body = answer.json();
        assert_eq!(body["content"], location);
        assert_eq!(body["dereferencingMetadata"]["contentType"], "text/uri-list");
    }
    for reference in
        ["..%2Fx", "%252e%252e%2Fx", "%2F%2Fevil.example%2Fx", "https%3A%2F%2Fe.example"]
    {
        let path = format!("/1.0/identifiers/{did}?service=files&relativeRef={reference}");
        assert_eq!(server.get(&path).await.status, 400, "{reference}");
    }
}

#[tokio::test]
async fn a_dereferencing_result_is_given_for_a_did_when_asked_for() {
    let server = Server::start().await;
    let did = server.register(Person::new(1)).await;
    let path = format!("/1.0/identifiers/{did}?versionId=1");
    let answer = server.get_as(&path, "application/did-url-dereferencing").await;
    let content_type = "application/did-url-dereferencing; charset=utf-8";
    assert_eq!(answer.header("content-type"), content_type);
    assert_eq!(answer.json()["content"]["id"], did);
    let params = json!({ "didUrl": format!("{did}#key-1"), "dereferenceOptions": {} });
    let result = server.call("did_dereference", params).await.expect("a result");
    assert_eq!(result["content"]["type"], "Multikey");
}

#[tokio::test]
async fn a_pending_recovery_shows_until_it_ends_and_halts_postpone_it() {
    let server = Server::start().await;
    let person = Person::new(1);
    let did = server.register(person).await;
    let heir = Person::new(2);
    let params = json!({ "did": did, "sets": heir.sets(), "document": heir.document_json() });
    let prepared = server.act("Recover", params, &person.recovery()).await;
    let started_ms = GENESIS_MS + 2 * BLOCK_MS;
    assert_eq!(server.ledger.head().time_ms, started_ms);
    let pending = json!({
        "startedAt": "2023-11-14T22:13:23Z",
        "maturesAt": "2023-11-14T22:13:28Z",
        "operation": prepared["operation"],
        "newControlHash": heir.sets().hash(),
    });
    let path = format!("/1.0/identifiers/{did}");
    let before = server.get(&path).await;
    let body = before.json();
    assert_eq!(body["didDocumentMetadata"]["pendingRecovery"], pending);
    let old_key = &person.document_json()["verificationMethod"][0]["publicKeyMultibase"];
    let shown = &body["didDocument"]["verificationMethod"][0]["publicKeyMultibase"];
    assert_eq!(shown, old_key, "the old document until completion");
    // A halt of ten minutes does not count as live time.
    server.ledger.commit_after(600_000);
    let after = server.get(&path).await;
    assert_ne!(after.header("etag"), before.header("etag"));
    let matures = &after.json()["didDocumentMetadata"]["pendingRecovery"]["maturesAt"];
    assert_eq!(matures, "2023-11-14T22:23:28Z");
    // Each block adds its distance from the last block to the live time.
    server.ledger.commit_after(DELAY_MS);
    let prepared = server.call("did_prepareRecoverComplete", json!({ "did": did })).await;
    let prepared = prepared.expect("prepared");
    assert_eq!(prepared["signatures"], json!([]));
    server
        .submit(&crate::common::client::signed(&prepared, &person.control()))
        .await
        .expect("applied");
    let done = server.get(&path).await.json();
    assert!(done["didDocumentMetadata"].get("pendingRecovery").is_none());
    assert_ne!(&done["didDocument"]["verificationMethod"][0]["publicKeyMultibase"], old_key);
}

#[tokio::test]
async fn a_controller_is_rendered_when_control_is_a_did() {
    let server = Server::start().await;
    let parent = server.register(Person::new(1)).await;
    let child = Person::new(2);
    let mut sets = serde_json::to_value(child.sets()).expect("JSON");
    sets["control"]["members"] = json!([{ "did": parent }]);
    let params = json!({ "sets": sets, "document": child.document_json() });
    let prepared = server.call("did_prepareCreate", params).await.expect("prepared");
    let body = from_base64url(prepared["body"].as_str().expect("a body")).expect("base64url");
    let (key, role) = (Person::new(1).control(), Role::Control);
    let did = parent.parse().expect("a DID");
    let by = Signer::Member(MemberSigner { did, key: public(&key) });
    let value = Bytes(key.sign(&role.message(&operation_id(&body))).to_bytes().to_vec());
    let envelope = SignedOperation::new(body, vec![Signature { role, by, value }]);
    server.submit(&envelope).await.expect("applied");
    let did = prepared["did"].as_str().expect("a DID");
    let result = resolve(&server, did, json!({})).await;
    assert_eq!(result["didDocument"]["controller"], parent);
    let signer = member(&child.control());
    assert!(prepared["signatures"][0]["members"] != json!([signer]));
}

#[tokio::test]
async fn a_read_waits_for_its_height() {
    let server = Server::start().await;
    let did = server.register(Person::new(1)).await;
    let path = format!("/1.0/identifiers/{}?minHeight=3", did.replace(':', "%3A"));
    let reading = server.get(&path);
    let committing = async {
        while server.ledger.readers() == 0 {
            tokio::task::yield_now().await;
        }
        server.ledger.commit();
        server.ledger.commit();
    };
    let (answer, ()) = tokio::join!(reading, committing);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("x-ledger-height"), "3");
}

#[tokio::test]
async fn what_is_no_route_is_404_and_what_is_no_method_is_405() {
    let server = Server::start().await;
    assert_eq!(server.get("/nothing").await.status, 404);
    assert_eq!(server.get("/metrics").await.status, 404, "metrics are not public");
    assert_eq!(server.get("/").await.status, 405);
    let put = server.send(false, Request::put("/1.0/identifiers/did:idem:x"), "").await;
    assert_eq!(put.status, 405);
}

#[tokio::test]
async fn a_block_that_is_not_the_head_yet_is_not_seen_in_any_read() {
    let server = Server::start().await;
    let person = Person::new(1);
    let did = server.register(person).await;
    server.ledger.hold();
    let update = json!({ "did": did, "document": person.document_json() });
    let prepared = server.call("did_prepareUpdate", update).await.expect("prepared");
    let envelope = crate::common::client::signed(&prepared, &person.control());
    let params = json!([registry_core::codec::base64url(&envelope.bytes())]);
    server.call("ledger_submit", params).await.expect("admitted");
    server.ledger.commit_unseen(BLOCK_MS);
    for options in
        [json!({}), json!({ "versionId": "1" }), json!({ "versionTime": "2023-11-14T22:13:23Z" })]
    {
        let metadata = resolve(&server, &did, options).await["didDocumentMetadata"].take();
        assert_eq!(metadata, json!({ "created": "2023-11-14T22:13:22Z", "versionId": "1" }));
    }
    let second = resolve(&server, &did, json!({ "versionId": "2" })).await;
    assert_eq!(second["didDocument"], Value::Null);
    let history = server.call("did_history", json!([did])).await.expect("a page");
    assert_eq!(history["versions"].as_array().map(Vec::len), Some(1));
    assert!(server.call("ledger_getBlock", json!([2])).await.is_err());
}

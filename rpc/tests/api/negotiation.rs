//! The compatibility matrix of DID resolution over HTTP: what each known client sends, and what it
//! must get.

use crate::common::client::Server;
use crate::common::people::{Person, member};
use http::{Method, Request};
use serde_json::{Value, json};

const RESULT: &str = "didDocument";
const CONTENT: &str = "@context";
const UTF8: &str = "application/did-resolution; charset=utf-8";
const PROFILE: &str = "application/ld+json;profile=\"https://w3id.org/did-resolution\"";
const BARE_PROFILE: &str = "application/ld+json;profile=https://w3id.org/did-resolution";

/// Client, its `Accept`, the exact `Content-Type` of the answer, and a member of the body.
const MATRIX: [(&str, &str, &str, &str); 15] = [
    ("curl, ACA-Py", "*/*", "application/json", RESULT),
    ("no preference", "", "application/json", RESULT),
    ("walt.id", "application/json", "application/json", RESULT),
    ("W3C suite", "application/did-resolution", UTF8, RESULT),
    ("Universal Resolver", "application/did-resolution,application/did", UTF8, RESULT),
    ("Veramo", PROFILE, PROFILE, RESULT),
    ("ACA-Py cheqd plugin", BARE_PROFILE, BARE_PROFILE, RESULT),
    ("with a weight", "application/json;q=0.1, application/did;q=0.2", "application/did", CONTENT),
    ("W3C suite", "application/did", "application/did", CONTENT),
    ("ssi", "application/did+json", "application/did+json", CONTENT),
    ("ssi", "application/did+ld+json", "application/did+ld+json", CONTENT),
    ("UR driver", "application/ld+json", "application/ld+json", CONTENT),
    ("a browser", "text/html,application/xhtml+xml,*/*;q=0.8", "application/json", RESULT),
    ("other case", "Application/DID", "application/did", CONTENT),
    ("two headers' worth", "text/html, application/did-resolution", UTF8, RESULT),
];

fn encoded(did: &str) -> String {
    format!("/1.0/identifiers/{}", did.replace(':', "%3A"))
}

#[tokio::test]
async fn each_client_gets_what_it_can_read() {
    let server = Server::start().await;
    let did = server.register(Person::new(1)).await;
    for (who, accept, content_type, member) in MATRIX {
        for path in [format!("/1.0/identifiers/{did}"), encoded(&did)] {
            let answer = match accept {
                "" => server.get(&path).await,
                _ => server.get_as(&path, accept).await,
            };
            assert_eq!(answer.status, 200, "{who} {path}");
            assert_eq!(answer.header("content-type"), content_type, "{who}");
            assert!(answer.body.is_ascii(), "{who}");
            let body = answer.json();
            assert!(body.get(member).is_some(), "{who}: {body}");
            if member == RESULT {
                assert_eq!(body["didDocument"]["id"], did);
                let metadata = &body["didResolutionMetadata"];
                assert_eq!(metadata, &json!({ "contentType": "application/did" }));
            } else {
                assert_eq!(body["id"], did);
            }
        }
    }
}

#[tokio::test]
async fn what_nobody_can_serve_is_406() {
    let server = Server::start().await;
    let did = server.register(Person::new(1)).await;
    for accept in ["text/html", "application/did;q=0", "application/ld+json;q=0, image/*"] {
        let answer = server.get_as(&encoded(&did), accept).await;
        assert_eq!(answer.status, 406, "{accept}");
        let error = &answer.json()["didResolutionMetadata"]["error"];
        assert_eq!(error["type"], "https://www.w3.org/ns/did#REPRESENTATION_NOT_SUPPORTED");
    }
}

/// Identifier in the path, status of the answer, and name of the error.
const FAILURES: [(&str, u16, &str); 17] = [
    ("", 400, "INVALID_DID"),
    ("not-a-did", 400, "INVALID_DID"),
    ("did:example", 400, "INVALID_DID"),
    ("did%3Aexample", 400, "INVALID_DID"),
    ("did:unsupported:abc", 501, "METHOD_NOT_SUPPORTED"),
    ("did%3Aunsupported%3Aabc", 501, "METHOD_NOT_SUPPORTED"),
    ("did:idem:local:short", 400, "INVALID_DID"),
    ("did:idem:local:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 404, "NOT_FOUND"),
    ("did:idem:other:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 404, "NOT_FOUND"),
    ("DID?versionId=9", 404, "NOT_FOUND"),
    ("DID?versionId=x", 400, "INVALID_OPTIONS"),
    ("DID?versionId=1&versionTime=2023-11-14T22:13:25Z", 400, "INVALID_OPTIONS"),
    ("DID?versionTime=2023-11-14T22:13:25.5Z", 400, "INVALID_OPTIONS"),
    ("DID?hl=zQm", 501, "FEATURE_NOT_SUPPORTED"),
    ("DID?versionId=1&versionId=1", 400, "INVALID_DID_URL"),
    ("DID/path", 501, "FEATURE_NOT_SUPPORTED"),
    ("DID?noCache=maybe", 400, "INVALID_OPTIONS"),
];

#[tokio::test]
async fn each_failure_has_its_status_and_an_rfc_9457_object() {
    let server = Server::start().await;
    let did = server.register(Person::new(1)).await;
    for (identifier, status, name) in FAILURES {
        let path = format!("/1.0/identifiers/{}", identifier.replace("DID", &did));
        for accept in ["*/*", "application/did-resolution", "application/did"] {
            let answer = server.get_as(&path, accept).await;
            assert_eq!(answer.status, status, "{path}");
            assert_eq!(answer.header("cache-control"), "no-store", "{path}");
            let body = answer.json();
            let metadata = match body.get("didResolutionMetadata") {
                Some(metadata) => {
                    assert_eq!(body["didDocument"], Value::Null);
                    assert_eq!(body["didDocumentMetadata"], json!({}));
                    metadata
                }
                None => {
                    assert_eq!(body["content"], Value::Null);
                    assert_eq!(body["contentStream"], Value::Null);
                    assert_eq!(body["contentMetadata"], json!({}));
                    &body["dereferencingMetadata"]
                }
            };
            let error = &metadata["error"];
            assert_eq!(error["type"], format!("https://www.w3.org/ns/did#{name}"), "{path}");
            assert!(error["title"].is_string() && error["detail"].is_string(), "{path}");
        }
    }
    let slash = server.get("/1.0/identifiers").await;
    assert_eq!(slash.status, 400);
}

#[tokio::test]
async fn options_stand_in_the_query_of_an_encoded_did_and_in_the_body_of_a_post() {
    let server = Server::start().await;
    let did = server.register(Person::new(1)).await;
    let path = encoded(&did);
    for (query, status) in [
        ("versionId=1", 200),
        ("versionId=2", 404),
        ("expandRelativeUrls=true&noCache=true", 200),
        ("expandRelativeUrls=yes", 400),
        ("versionId=1&versionId=1", 400),
        ("versionId=%zz", 400),
        ("unknown=1", 501),
        ("unknown=1&versionId=x", 501),
        ("minHeight=1", 200),
    ] {
        let answer = server.get(&format!("{path}?{query}")).await;
        assert_eq!(answer.status, status, "{query}");
    }
    for (body, status, content_type) in [
        ("", 200, "application/json"),
        (r#"{"versionId":"1","accept":"application/did"}"#, 200, "application/did"),
        (r#"{"versionId":1}"#, 200, "application/json"),
        (r#"{"noCache":true}"#, 200, "application/json"),
        (r#"{"versionId":[]}"#, 400, "application/json"),
        (r#"{"accept":"text/html"}"#, 406, "application/json"),
        ("[]", 400, "application/json"),
    ] {
        let answer = server.send(false, Request::post(&path), body).await;
        assert_eq!(answer.status, status, "{body}");
        assert_eq!(answer.header("content-type"), content_type, "{body}");
    }
}

#[tokio::test]
async fn a_deactivated_did_is_gone_and_its_past_is_not() {
    let server = Server::start().await;
    let person = Person::new(1);
    let did = server.register(person).await;
    let params = json!({ "did": did, "revealed": [member(&person.next())] });
    server.act("Deactivate", params, &person.next()).await;
    for (accept, content_type) in [
        ("*/*", "application/json"),
        ("application/did-resolution", UTF8),
        ("application/did", UTF8),
        (PROFILE, PROFILE),
    ] {
        let answer = server.get_as(&encoded(&did), accept).await;
        assert_eq!(answer.status, 410, "{accept}");
        assert_eq!(answer.header("content-type"), content_type, "{accept}");
        let body = answer.json();
        assert_eq!(body["didDocument"], Value::Null);
        assert_eq!(body["didResolutionMetadata"], json!({}));
        assert_eq!(body["didDocumentMetadata"]["deactivated"], true);
        assert_eq!(body["didDocumentMetadata"]["versionId"], "2");
    }
    let past = server.get(&format!("{}?versionId=1", encoded(&did))).await;
    assert_eq!(past.status, 200);
    let metadata = &past.json()["didDocumentMetadata"];
    assert_eq!(metadata["nextVersionId"], "2");
    assert!(metadata.get("deactivated").is_none());
}

#[tokio::test]
async fn head_has_the_headers_of_get_and_no_body() {
    let server = Server::start().await;
    let did = server.register(Person::new(1)).await;
    let path = encoded(&did);
    let (get, head) = (server.get(&path).await, server.request(Method::HEAD, &path, &[]).await);
    assert_eq!(head.status, 200);
    assert!(head.body.is_empty() && !get.body.is_empty());
    for name in ["content-type", "etag", "cache-control", "content-length", "x-ledger-height"] {
        assert_eq!(head.header(name), get.header(name), "{name}");
        assert!(!head.header(name).is_empty(), "{name}");
    }
}

#[tokio::test]
async fn listings_answer_with_and_without_a_slash() {
    let server = Server::start().await;
    for slash in ["", "/"] {
        let methods = server.get(&format!("/1.0/methods{slash}")).await;
        assert_eq!(methods.json(), json!(["idem"]));
        assert_eq!(methods.header("content-type"), "application/json");
        let properties = server.get(&format!("/1.0/properties{slash}")).await.json();
        let drivers = properties.as_object().expect("an object of drivers");
        assert!(drivers.values().all(|driver| driver["http"]["pattern"].is_string()));
        assert_eq!(server.get(&format!("/1.0/testIdentifiers{slash}")).await.status, 200);
        assert_eq!(server.get(&format!("/1.0/traits{slash}")).await.status, 200);
    }
}

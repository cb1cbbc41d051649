//! Tests of schemas and credential types: published, listed, read now and in the past, served,
//! withdrawn.

use crate::common::client::{signed, with_members};
use crate::common::people::Person;
use crate::common::rights::Registry;
use http::{Request, StatusCode};
use serde_json::{Value, json};

const CONTENT: &str = "{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n  \
                       \"maximum\": 1.50\n}";

async fn prepare(registry: &Registry, author: usize, action: &str, params: Value) -> Value {
    let method = format!("schema_prepare{action}");
    let params = registry.by(author, params);
    registry.server.call(&method, params).await.expect("prepared")
}

/// Prepares, signs and applies an operation. Returns the prepared answer.
async fn act(registry: &Registry, author: usize, action: &str, params: Value) -> Value {
    let prepared = prepare(registry, author, action, params).await;
    let key = Person::new(u8::try_from(author).expect("small")).control();
    registry.server.submit(&signed(&prepared, &key)).await.expect("applied");
    prepared
}

/// Publishes a schema with this title. Returns its id.
async fn publish(registry: &Registry, author: usize, title: &str, more: Value) -> String {
    let content = CONTENT.replace("1.50", &format!("1.50, \"title\": \"{title}\""));
    let params = with_members(json!({ "content": content }), more);
    let made = act(registry, author, "Publish", params).await;
    made["schema"].as_str().expect("an id").to_owned()
}

async fn call(registry: &Registry, method: &str, params: Value) -> Value {
    registry.server.call(&format!("schema_{method}"), params).await.expect("an answer")
}

/// Returns the name of the refusal of a preparation.
async fn refusal(registry: &Registry, author: usize, action: &str, params: Value) -> String {
    let method = format!("schema_prepare{action}");
    let refused = registry.server.call(&method, registry.by(author, params)).await;
    let message = refused.expect_err("must be refused").message().to_owned();
    message.split(':').next().expect("a name").to_owned()
}

#[tokio::test]
async fn a_schema_is_read_as_it_was_published_now_and_before() {
    let registry = Registry::with(1).await;
    let made = act(&registry, 0, "Publish", json!({ "content": CONTENT })).await;
    assert_eq!(made["signatures"][0]["of"], json!(registry.dids[0]));
    let id = made["schema"].as_str().expect("an id");
    let shown = call(&registry, "get", json!({ "schema": id })).await;
    assert_eq!(shown["content"], serde_json::from_str::<Value>(CONTENT).expect("JSON"));
    assert_eq!((&shown["publisher"], &shown["id"]), (&json!(registry.dids[0]), &json!(id)));
    assert_eq!((&shown["status"], &shown["version"]), (&json!("active"), &json!(1)));
    let uri = shown["uri"].as_str().expect("a URI").to_owned();
    assert!(uri.ends_with(&format!("/schemas/{id}")), "{uri}");

    let published = shown["time"].clone();
    act(&registry, 0, "Withdraw", json!({ "schema": id })).await;
    let shown = call(&registry, "get", json!({ "schema": id })).await;
    assert_eq!((&shown["status"], &shown["version"]), (&json!("withdrawn"), &json!(2)));
    let then = call(&registry, "get", json!({ "schema": id, "at": published })).await;
    assert_eq!((&then["status"], &then["version"]), (&json!("active"), &json!(1)));
    let before = json!({ "schema": id, "at": "2023-11-14T22:13:20.000Z" });
    let refused = registry.server.call("schema_get", before).await;
    assert!(refused.expect_err("not yet").message().starts_with("SCHEMA_NOT_FOUND"));
}

#[tokio::test]
async fn a_schema_is_served_to_the_byte_and_for_ever() {
    let registry = Registry::with(1).await;
    let made = act(&registry, 0, "Publish", json!({ "content": CONTENT })).await;
    let id = made["schema"].as_str().expect("an id");
    let get = async |path: &str| registry.server.send(false, Request::get(path), "").await;
    let path = format!("/schemas/{id}");
    let answer = get(&path).await;
    assert_eq!((answer.status, answer.text().as_str()), (StatusCode::OK, CONTENT));
    assert_eq!(answer.header("content-type"), "application/schema+json");
    assert_eq!(answer.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    let tag = answer.header("etag").to_owned();
    assert_eq!(tag, format!("\"{id}\""));
    let again = Request::get(&path).header("if-none-match", &tag);
    let again = registry.server.send(false, again, "").await;
    assert_eq!((again.status, again.text().as_str()), (StatusCode::NOT_MODIFIED, ""));
    act(&registry, 0, "Withdraw", json!({ "schema": id })).await;
    assert_eq!(get(&path).await.text(), CONTENT, "also when it is withdrawn");
    for (path, status) in [
        (format!("/schemas/{}", "a".repeat(32)), StatusCode::NOT_FOUND),
        ("/schemas/degree".to_owned(), StatusCode::NOT_FOUND),
        (format!("{path}?at=2023"), StatusCode::BAD_REQUEST),
    ] {
        let answer = get(&path).await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
}

#[tokio::test]
async fn a_credential_type_has_versions() {
    let registry = Registry::with(1).await;
    let of = json!({ "publisher": registry.dids[0], "name": "degrees/bachelor" });
    let named = json!({ "name": "degrees/bachelor" });
    let made = act(&registry, 0, "PublishType", named.clone()).await;
    assert_eq!(made["credentialType"], of);
    let first = call(&registry, "getType", of.clone()).await;
    let id = publish(&registry, 0, "degree", json!({ "credentialType": "degrees/bachelor" })).await;
    let whole = json!({
        "schema": id,
        "validityMsMax": 31_536_000_000_u64,
        "statusPurposes": ["suspension", "revocation"],
        "assurance": "substantial",
        "formats": ["vc+jwt", "dc+sd-jwt"],
        "suites": ["ES256"],
    });
    act(&registry, 0, "PublishType", with_members(named.clone(), whole.clone())).await;
    let second = call(&registry, "getType", of.clone()).await;
    assert_eq!((&second["version"], &second["status"]), (&json!(2), &json!("active")));
    assert_eq!(second["formats"], json!(["dc+sd-jwt", "vc+jwt"]), "in order");
    assert_eq!(second["statusPurposes"], json!(["revocation", "suspension"]), "in order");
    for member in ["schema", "validityMsMax", "assurance", "suites"] {
        assert_eq!(second[member], whole[member], "{member}");
    }
    let then = with_members(of.clone(), json!({ "at": first["time"] }));
    let then = call(&registry, "getType", then).await;
    assert_eq!((&then["version"], &then["schema"]), (&json!(1), &Value::Null));
    act(&registry, 0, "WithdrawType", named).await;
    let last = call(&registry, "getType", of).await;
    assert_eq!((&last["version"], &last["status"]), (&json!(3), &json!("withdrawn")));
}

#[tokio::test]
async fn what_a_publisher_has_is_listed_page_by_page() {
    let registry = Registry::with(2).await;
    let before = registry.server.call("ledger_status", json!({})).await.expect("a status");
    let mut expected = Vec::new();
    for title in ["one", "two", "three"] {
        expected.push(publish(&registry, 0, title, json!({})).await);
    }
    expected.sort();
    publish(&registry, 1, "one", json!({})).await;
    for name in ["x", "y"] {
        act(&registry, 0, "PublishType", json!({ "name": name })).await;
    }
    let listed = async |more: Value| {
        let params = with_members(json!({ "publisher": registry.dids[0] }), more);
        call(&registry, "list", params).await
    };
    let count = |page: &Value| page["items"].as_array().expect("items").len();
    assert_eq!(count(&listed(json!({})).await), 5);
    assert_eq!(count(&listed(json!({ "kind": "type" })).await), 2);
    let mut found = Vec::new();
    let mut page = listed(json!({ "kind": "schema", "limit": 2 })).await;
    loop {
        let items = page["items"].as_array().expect("items").iter();
        found.extend(items.map(|item| item["schema"]["id"].as_str().expect("an id").to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        page = listed(json!({ "kind": "schema", "limit": 2, "cursor": next })).await;
    }
    found.sort();
    assert_eq!(found, expected);
    assert_eq!(count(&listed(json!({ "at": before["time"] })).await), 0, "before them all");
    let params = json!({ "publisher": registry.dids[0], "limit": 51 });
    assert!(registry.server.call("schema_list", params).await.is_err());
}

#[tokio::test]
async fn preparing_refuses_what_the_rules_would() {
    let registry = Registry::with(2).await;
    let id = publish(&registry, 0, "degree", json!({ "credentialType": "degrees/a" })).await;
    let same = CONTENT.replace("1.50", "1.50, \"title\": \"degree\"");
    let unknown = "a".repeat(32);
    let outward = CONTENT.replace("1.50", "1, \"$ref\": \"https://a.example\"");
    for (author, action, params, name) in [
        (0, "Publish", json!({ "content": same }), "ALREADY_EXISTS"),
        (0, "Publish", json!({ "content": outward }), "SCHEMA_INVALID"),
        (0, "Publish", json!({ "content": CONTENT, "supersedes": unknown }), "SCHEMA_NOT_FOUND"),
        (1, "Publish", json!({ "content": CONTENT, "supersedes": id }), "SCHEMA_NOT_ALLOWED"),
        (1, "Withdraw", json!({ "schema": id }), "SCHEMA_NOT_ALLOWED"),
        (0, "Withdraw", json!({ "schema": unknown }), "SCHEMA_NOT_FOUND"),
        (0, "PublishType", json!({ "name": "b", "schema": id }), "CREDENTIAL_TYPE_INVALID"),
        (0, "PublishType", json!({ "name": "b/*" }), "CREDENTIAL_TYPE_INVALID"),
        (0, "PublishType", json!({ "name": "b", "schema": unknown }), "SCHEMA_NOT_FOUND"),
        (0, "WithdrawType", json!({ "name": "b" }), "CREDENTIAL_TYPE_NOT_FOUND"),
    ] {
        assert_eq!(refusal(&registry, author, action, params).await, name);
    }
    act(&registry, 0, "Withdraw", json!({ "schema": id })).await;
    let twice = refusal(&registry, 0, "Withdraw", json!({ "schema": id })).await;
    assert_eq!(twice, "SCHEMA_STATUS");
    let of = json!({ "publisher": registry.dids[1], "name": "b" });
    let refused = registry.server.call("schema_getType", of).await;
    let message = refused.expect_err("no such type").message().to_owned();
    assert!(message.starts_with("CREDENTIAL_TYPE_NOT_FOUND"), "{message}");
}

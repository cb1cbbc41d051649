//! Tests of status lists: reads, checks of single entries, and operations from preparation to
//! receipt.

use crate::common::client::{Server, config, operation, signed, with_members};
use crate::common::lists::Issuer;
use crate::common::people::{Person, public};
use ed25519_dalek::Signer as _;
use http::Request;
use registry_core::codec::{Bytes, from_base64url};
use registry_core::operation::{Role, Signature, SignedOperation, Signer};
use serde_json::{Value, json};

#[tokio::test]
async fn a_list_is_read_whole_now_and_then() {
    let issuer = Issuer::with("revocation", 1_000).await;
    let empty = issuer.get(json!({})).await;
    issuer.set(&[9, 1, 9, 3], 1).await;
    let now = issuer.get(json!({ "array": true })).await;
    let host = format!("http://{}", issuer.server.running.public);
    assert_eq!(
        empty,
        json!({
            "list": issuer.list, "issuer": issuer.did, "purpose": "revocation", "bits": 1,
            "length": 1_000, "delegates": [], "closed": false, "version": 1, "versions": 1,
            "uris": {
                "w3c": format!("{host}/status-lists/{}", issuer.list),
                "ietf": format!("{host}/token-status-lists/{}", issuer.list),
            },
            "root": empty["root"], "set": 0, "height": 2, "time": "2023-11-14T22:13:23.000Z",
            "created": "2023-11-14T22:13:23.000Z", "updated": "2023-11-14T22:13:23.000Z",
        })
    );
    assert_eq!((&now["version"], &now["set"], &now["height"]), (&json!(2), &json!(3), &json!(3)));
    assert_ne!(now["root"], empty["root"]);
    let array = from_base64url(now["array"].as_str().expect("an array")).expect("base64url");
    assert_eq!((array.len(), array[0], array[1]), (125, 0b1010, 0b10));
    let past = json!({ "at": "2023-11-14T22:13:24.499Z" });
    let past = issuer.get(past).await;
    assert_eq!((&past["version"], &past["versions"]), (&json!(1), &json!(2)));
    assert_eq!((&past["time"], &past["height"]), (&json!("2023-11-14T22:13:24.499Z"), &json!(3)));
    assert_eq!(issuer.get(json!({ "at": "2023-11-14T22:13:24.500Z" })).await["version"], 2);
    assert_eq!(issuer.get(json!({ "versionId": 1 })).await["set"], 0);
}

#[tokio::test]
async fn a_list_shows_what_its_issuer_said_of_it() {
    let server = Server::start().await;
    let (person, helper) = (Person::new(1), Person::new(2));
    let (did, other) = (server.register(person).await, server.register(helper).await);
    let create = json!({
        "author": did, "purpose": "message", "bits": 2, "length": 5,
        "uri": "https://issuer.example/list", "messages": ["ok", "lost", "sold", "broken"],
        "validFrom": "2023-11-14T00:00:00Z", "validUntil": "2033-11-14T00:00:00.5Z",
        "delegates": [{ "did": other, "start": 0, "length": 5, "entriesPerHour": 4,
            "validUntil": "2033-01-01T00:00:00Z" }],
    });
    let prepared = server.act_status("Create", create, &person.control()).await;
    let list = prepared["list"].clone();
    let runs = json!([{ "start": 0, "length": 2, "value": 3, "expect": 0 },
        { "start": 4, "length": 1, "value": 1 }]);
    let set = json!({ "author": other, "list": list, "runs": runs });
    server.act_status("Set", set, &helper.control()).await;
    let shown = server.call("status_getList", json!([list])).await.expect("a list");
    for (name, expected) in [
        ("messages", json!(["ok", "lost", "sold", "broken"])),
        ("uri", json!("https://issuer.example/list")),
        ("validFrom", json!("2023-11-14T00:00:00.000Z")),
        ("validUntil", json!("2033-11-14T00:00:00.500Z")),
        (
            "delegates",
            json!([{ "did": other, "start": 0, "length": 5, "entriesPerHour": 4,
            "validUntil": "2033-01-01T00:00:00.000Z" }]),
        ),
        ("set", json!(3)),
    ] {
        assert_eq!(shown[name], expected, "{name}");
    }
    assert_eq!(shown["uris"]["w3c"], shown["uris"]["ietf"]);
    // Three of four entries are named already, so two more are beyond the hourly number.
    let set = json!({ "author": other, "list": list, "entries": [0, 1], "value": 0 });
    let prepared = server.call("status_prepareSet", set).await.expect("prepared");
    let refused = server.submit(&signed(&prepared, &helper.control())).await;
    let refused = refused.expect_err("a refusal").to_string();
    assert!(refused.contains("STATUS_DELEGATE_QUOTA"), "{refused}");
    let update = json!({ "author": did, "list": list, "delegates": [] });
    server.act_status("Update", update, &person.control()).await;
    let shown = server.call("status_getList", json!([list])).await.expect("a list");
    assert_eq!(shown["delegates"], json!([]));
    assert!(shown.get("validUntil").is_none());
}

#[tokio::test]
async fn history_names_each_version_and_its_operation() {
    let issuer = Issuer::with("suspension", 64).await;
    let first = issuer.set(&[1], 1).await;
    issuer.set(&[1], 0).await;
    issuer.act("Close", json!({})).await;
    let page = |from: Option<u64>| {
        let params = json!({ "list": issuer.list, "from": from, "limit": 2 });
        issuer.server.call("status_history", params)
    };
    let (newest, oldest) = (page(None).await.expect("a page"), page(Some(2)).await.expect("one"));
    assert_eq!((&newest["next"], oldest.get("next")), (&json!(2), None));
    let numbers = |page: &Value| {
        let versions = page["versions"].as_array().expect("versions").iter();
        versions.map(|version| version["version"].as_u64()).collect::<Vec<_>>()
    };
    assert_eq!(numbers(&newest), [Some(4), Some(3)]);
    assert_eq!(numbers(&oldest), [Some(2), Some(1)]);
    let closed = newest["versions"].as_array().expect("versions").iter().map(|v| &v["closed"]);
    assert_eq!(closed.collect::<Vec<_>>(), [true, false]);
    assert_eq!(oldest["versions"][0]["operation"], json!(operation(&first)));
    assert_eq!(newest["versions"][1]["root"], oldest["versions"][1]["root"]);
    assert_eq!(newest["height"], 5);
    let params = json!({ "list": issuer.list, "limit": 101 });
    assert_eq!(issuer.server.refusal("status_history", params).await.1, "INVALID_PARAMS");
}

#[tokio::test]
async fn an_entry_is_checked_at_a_time() {
    let issuer = Issuer::with("suspension", 64).await;
    issuer.set(&[7], 1).await;
    issuer.set(&[7], 0).await;
    let then = "2023-11-14T22:13:25.999Z";
    let expected = json!({
        "list": issuer.list, "entry": 7, "value": 1, "valid": false, "version": 2, "height": 4,
        "time": then,
    });
    assert_eq!(issuer.check(7, Some(then)).await, expected);
    assert_eq!(issuer.check(7, None).await["valid"], true);
    // Shortly after the newest block the answer is that of the block, and contains its time.
    let later = issuer.check(7, Some("2023-11-14T22:13:51Z")).await;
    assert_eq!(
        (&later["version"], &later["time"]),
        (&json!(3), &json!("2023-11-14T22:13:26.000Z"))
    );
    let ask = |entry: u64, at: &str| {
        let params = json!({ "list": issuer.list, "entry": entry, "at": at });
        issuer.server.refusal("status_check", params)
    };
    assert_eq!(ask(7, "2023-11-14T22:13:51.001Z").await, (3013, "FUTURE_TIME".to_owned()));
    assert_eq!(ask(7, "2023-11-14T22:13:22.999Z").await.1, "STATUS_NOT_FOUND");
    assert_eq!(ask(64, then).await.1, "STATUS_RANGE");
    let absent = json!({ "list": "a".repeat(32), "entry": 1 });
    assert_eq!(issuer.server.refusal("status_check", absent).await.1, "STATUS_NOT_FOUND");
}

#[tokio::test]
async fn only_revocation_and_suspension_speak_against_a_credential() {
    for (purpose, valid) in
        [("revocation", false), ("suspension", false), ("refresh", true), ("message", true)]
    {
        let issuer = Issuer::with(purpose, 64).await;
        issuer.set(&[5], 1).await;
        let params = json!({ "list": issuer.list, "entries": [5, 4] });
        let many = issuer.server.call("status_checkMany", params).await.expect("answers");
        let expected = json!([
            { "entry": 5, "value": 1, "valid": valid },
            { "entry": 4, "value": 0, "valid": true },
        ]);
        assert_eq!(many["entries"], expected, "{purpose}");
        assert_eq!(many["version"], 2);
    }
}

#[tokio::test]
async fn many_entries_are_a_thousand() {
    let issuer = Issuer::with("revocation", 2_000).await;
    let ask = |count: u64| {
        let params = json!({ "list": issuer.list, "entries": (0..count).collect::<Vec<_>>() });
        issuer.server.call("status_checkMany", params)
    };
    let answered = ask(1_000).await.expect("answers");
    assert_eq!(answered["entries"].as_array().map(Vec::len), Some(1_000));
    assert_eq!(ask(1_001).await.expect_err("too many").code(), -32602);
    let beyond = json!({ "list": issuer.list, "entries": [1, 2_000] });
    let error = issuer.server.call("status_checkMany", beyond).await.expect_err("beyond the end");
    assert!(error.data().expect("data").get().contains("entries/1"));
}

#[tokio::test]
async fn single_entries_are_for_those_whom_the_operator_knows() {
    let mut config = config();
    config.trusted_proxies = vec!["127.0.0.1".parse().expect("an address")];
    config.status_check_from = vec!["192.0.2.0/24".parse().expect("a network")];
    let issuer = Issuer::on(Server::with(config).await, "revocation", 64).await;
    let params = json!({ "list": issuer.list, "entry": 1 });
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "status_check", "params": params });
    for body in [call.to_string(), json!([call]).to_string()] {
        for (forwarded, allowed) in [
            (None, true),
            (Some("192.0.2.7"), true),
            (Some("10.0.0.1, 192.0.2.7, 127.0.0.1"), true),
            (Some("192.0.2.7, 198.51.100.1"), false),
            (Some("198.51.100.1"), false),
            // The request came through a proxy, but the caller's address is unknown.
            (Some("unknown"), false),
        ] {
            let mut request = Request::post("/").header("content-type", "application/json");
            if let Some(forwarded) = forwarded {
                request = request.header("x-forwarded-for", forwarded);
            }
            let answer = issuer.server.send(false, request, &body).await.json();
            let answer = answer.get(0).unwrap_or(&answer);
            let code = answer["error"]["data"]["name"].as_str();
            let expected = (!allowed).then_some("CALLER_NOT_ALLOWED");
            assert_eq!(code, expected, "{forwarded:?}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_proxy_that_nobody_trusts_is_not_this_machine() {
    let issuer = Issuer::with("revocation", 64).await;
    let params = json!({ "list": issuer.list, "entries": [1] });
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "status_checkMany", "params": params });
    for header in ["x-forwarded-for", "forwarded"] {
        let request = Request::post("/").header("content-type", "application/json");
        let request = request.header(header, "for=192.0.2.1");
        let answer = issuer.server.send(false, request, &call.to_string()).await.json();
        assert_eq!(answer["error"]["code"], 3014, "{header}");
    }
}

#[tokio::test]
async fn a_method_of_the_author_may_sign() {
    let server = Server::start().await;
    let person = Person::new(1);
    let mut document = person.document_json();
    document["capabilityInvocation"] = json!(["key-1"]);
    let params = json!({ "sets": person.sets(), "document": document });
    let created = server.act("Create", params, &person.control()).await;
    let did = created["did"].as_str().expect("a DID");
    let create = json!({ "author": did, "purpose": "refresh", "length": 8 });
    let prepared = server.call("status_prepareCreate", create).await.expect("prepared");
    let roles = prepared["signatures"].as_array().expect("requests").iter();
    assert_eq!(roles.map(|request| &request["role"]).collect::<Vec<_>>(), ["author", "control"]);
    let key = person.control();
    let request = &prepared["signatures"][0];
    let method = json!({ "key": public(&key).to_string(), "url": format!("{did}#key-1") });
    assert_eq!(request["members"], json!([{ "method": method }]));
    let by: Signer = serde_json::from_value(request["members"][0].clone()).expect("a signer");
    let message = from_base64url(request["message"].as_str().expect("a message"));
    let value = Bytes(key.sign(&message.expect("base64url")).to_bytes().to_vec());
    let body = from_base64url(prepared["body"].as_str().expect("a body")).expect("base64url");
    let signature = Signature { role: Role::Author, by, value };
    let committed = server.submit(&SignedOperation::new(body, vec![signature])).await;
    assert_eq!(committed.expect("applied")["operation"], prepared["operation"]);
}

#[tokio::test]
async fn preparing_a_set_says_what_it_does() {
    let issuer = Issuer::with("revocation", 64).await;
    let params = issuer.params(json!({ "entries": [3, 4], "value": 1 }));
    let prepared = issuer.server.call("status_prepareSet", params).await.expect("prepared");
    let explanation = prepared["explanation"].as_str().expect("text");
    for words in
        ["Sets 2 entries to 1", "revocation list", &issuer.list, "until 2023-11-14T22:43:23.000Z"]
    {
        assert!(explanation.contains(words), "{words}: {explanation}");
    }
}

#[tokio::test]
async fn preparing_refuses_at_once_what_the_ledger_would_refuse() {
    let issuer = Issuer::with("revocation", 64).await;
    issuer.set(&[1], 1).await;
    let run = |start: u64, expect: u8| {
        let run = json!({ "start": start, "length": 1, "value": 1, "expect": expect });
        json!({ "runs": [run] })
    };
    let one = json!({ "entries": [2], "value": 1 });
    let until = |until: &str| json!({ "entries": [2], "value": 1, "until": until });
    let stranger = issuer.server.register(Person::new(2)).await;
    let delegate = |start: u64, length: u64| {
        let range = json!({ "start": start, "length": length, "entriesPerHour": 1 });
        with_members(json!({ "did": stranger }), range)
    };
    for (action, members, name) in [
        ("Set", json!({ "entries": [1], "value": 0 }), "STATUS_IRREVERSIBLE"),
        ("Set", json!({ "entries": [64], "value": 1 }), "STATUS_RANGE"),
        ("Set", json!({ "entries": [u64::MAX], "value": 1 }), "STATUS_RANGE"),
        ("Set", json!({ "entries": [1], "value": 2 }), "STATUS_VALUE"),
        ("Set", json!({ "entries": [], "value": 1 }), "STATUS_CHANGES"),
        ("Set", json!({ "entries": [1] }), "INVALID_PARAMS"),
        ("Set", json!({ "entries": [1], "value": 1, "runs": [] }), "INVALID_PARAMS"),
        ("Set", run(1, 0), "STATUS_UNEXPECTED"),
        ("Set", until("2023-11-14T22:13:24.000Z"), "UNTIL_PASSED"),
        ("Set", until("2023-11-15T22:13:24.000Z"), "UNTIL_TOO_FAR"),
        ("Set", json!({ "author": stranger, "entries": [2], "value": 1 }), "STATUS_NOT_ALLOWED"),
        ("Set", json!({ "list": "a".repeat(32), "runs": [] }), "STATUS_NOT_FOUND"),
        ("Update", json!({ "author": stranger, "delegates": [] }), "STATUS_NOT_ALLOWED"),
        ("Update", json!({ "delegates": [delegate(64, 1)] }), "STATUS_INVALID"),
        ("Update", json!({ "delegates": [{ "did": stranger }] }), "INVALID_PARAMS"),
        ("Update", json!({}), "INVALID_PARAMS"),
        ("Close", json!({ "author": stranger }), "STATUS_NOT_ALLOWED"),
    ] {
        assert_eq!(issuer.refusal(action, members.clone()).await, name, "{action} {members}");
    }
    issuer.act("Close", json!({})).await;
    assert_eq!(issuer.refusal("Set", one).await, "STATUS_CLOSED");
    let absent = "did:idem:local:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    for (members, name) in [
        (json!({ "author": absent, "purpose": "refresh", "length": 1 }), "DID_NOT_FOUND"),
        (json!({ "author": issuer.did, "purpose": "refresh", "length": 0 }), "STATUS_LENGTH"),
        (json!({ "author": issuer.did, "purpose": "other", "length": 1 }), "INVALID_PARAMS"),
    ] {
        assert_eq!(issuer.server.refusal("status_prepareCreate", members).await.1, name);
    }
}

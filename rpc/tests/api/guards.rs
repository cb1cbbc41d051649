//! Tests of what a prepared operation depends on: its guard, its last block time, and the
//! operations that it names.

use registry_core::codec::{self, from_base64url};
use registry_core::limits::OPERATION_BYTES_MAX;
use registry_core::operation::{Action, Guard, Operation};
use registry_core::time::TimeMs;
use serde_json::{Value, json};

use crate::agents::delegate;
use crate::common::client::{Server, operation, signed, with_members};
use crate::common::people::{Person, member};
use crate::common::rights::Registry;

const SECOND_MS: u64 = 1_000;
const HOUR_MS: u64 = 3_600 * SECOND_MS;

/// Decodes the body of a prepared operation.
fn body_of(prepared: &Value) -> Operation {
    let body = from_base64url(prepared["body"].as_str().expect("a body")).expect("base64url");
    codec::decode(&body, OPERATION_BYTES_MAX).expect("an operation")
}

async fn prepare(registry: &Registry, author: usize, method: &str, params: Value) -> Operation {
    let prepared = registry.server.call(method, registry.by(author, params)).await;
    body_of(&prepared.expect("prepared"))
}

async fn documents(server: &Server, did: &str) -> Value {
    let history = server.call("did_history", json!({ "did": did })).await.expect("a page");
    let versions = history["versions"].as_array().expect("versions").iter();
    versions.map(|version| version["value"]["active"]["document"].clone()).collect()
}

#[tokio::test]
async fn a_rotation_without_a_document_applies_after_updates_and_keeps_the_last_one() {
    let server = Server::start().await;
    let person = Person::new(1);
    let did = server.register(person).await;
    let rotate = json!({
        "did": did, "revealed": [member(&person.next())], "sets": person.rotated().sets(),
    });
    let prepared = server.call("did_prepareRotate", rotate).await.expect("prepared");
    let Action::DidRotate(action) = body_of(&prepared).action else { panic!("{prepared}") };
    assert_eq!(action.document, None);
    let explanation = prepared["explanation"].as_str().expect("text");
    assert!(explanation.contains("keeps the document"), "{explanation}");

    let mut document = person.document_json();
    for name in ["https://a.example/", "https://b.example/"] {
        document["alsoKnownAs"] = json!([name]);
        let update = json!({ "did": did, "document": document });
        server.act("Update", update, &person.control()).await;
    }
    server.submit(&signed(&prepared, &person.next())).await.expect("applied");
    let documents = documents(&server, &did).await;
    assert_eq!(documents.as_array().map(Vec::len), Some(4));
    assert_eq!(documents[0]["alsoKnownAs"], json!(["https://b.example/"]));
    assert_eq!(documents[0], documents[1], "the rotation keeps what the last update wrote");
}

#[tokio::test]
async fn an_update_that_was_prepared_before_another_one_is_stale() {
    let server = Server::start().await;
    let person = Person::new(1);
    let did = server.register(person).await;
    let update = json!({ "did": did, "document": person.document_json() });
    let prepared = server.call("did_prepareUpdate", update.clone()).await.expect("prepared");
    server.act("Update", update, &person.control()).await;
    let refused = server.submit(&signed(&prepared, &person.control())).await;
    assert!(refused.expect_err("refused").message().starts_with("GUARD_STALE"));
}

#[tokio::test]
async fn the_guard_of_a_step_names_the_operation_that_it_is_about() {
    let registry = Registry::with(2).await;
    let right = registry.right(0, 1, "degrees/*");
    let granted = operation(&registry.act(0, "Grant", right.clone()).await);
    registry.act(0, "Change", with_members(right.clone(), json!({ "assurance": "low" }))).await;
    for step in ["Revoke", "Suspend"] {
        let method = format!("trust_prepare{step}");
        let prepared = prepare(&registry, 0, &method, right.clone()).await;
        assert_eq!(prepared.guard, Guard::Operation(granted), "{step}");
    }
    let asked = json!({ "authority": registry.dids[0], "entity": registry.dids[1] });
    let listed = registry.ask("list", asked.clone()).await;
    let grant = &listed["rights"][0]["grants"][0];
    assert_eq!((&grant["operation"], grant.get("suspendedBy")), (&json!(granted), None));

    registry.act(0, "Suspend", right.clone()).await;
    let suspended = operation(&registry.act(0, "Suspend", right.clone()).await);
    let resume = prepare(&registry, 0, "trust_prepareResume", right).await;
    assert_eq!(resume.guard, Guard::Operation(suspended), "the last of several suspensions");
    let listed = registry.ask("list", asked).await;
    let grant = &listed["rights"][0]["grants"][0];
    assert_eq!(grant["suspendedBy"], json!(suspended));
}

#[tokio::test]
async fn a_change_names_the_parent_that_stands_now() {
    let registry = Registry::seeded().await;
    let (above, beneath) =
        (registry.right(0, 1, "degrees/*"), registry.right(0, 2, "degrees/bachelor"));
    let holds = async || {
        let answer = registry.ask("authorization", beneath.clone()).await;
        answer["authorized"].as_bool().expect("a boolean")
    };
    assert!(holds().await);
    registry.act(0, "Revoke", above.clone()).await;
    let again = with_members(above, json!({ "maxDepth": 1, "assurance": "substantial" }));
    let made = operation(&registry.act(0, "Grant", again).await);
    assert!(!holds().await, "nothing rests on the new grant yet");

    let named = json!({ "resource": "degrees/*", "grantor": registry.dids[0] });
    let low = with_members(beneath.clone(), json!({ "assurance": "low" }));
    for more in [json!({}), json!({ "parent": named })] {
        let params = with_members(low.clone(), more);
        let prepared = prepare(&registry, 1, "trust_prepareChange", params).await;
        let Action::TrustChange(change) = prepared.action else { panic!("{prepared:?}") };
        assert_eq!(change.parent.map(|parent| parent.made), Some(made));
    }
    let zero = with_members(named, json!({ "made": "00".repeat(32) }));
    let params = registry.by(1, with_members(low.clone(), json!({ "parent": zero })));
    let refused = registry.refusal("prepareChange", params).await;
    assert_eq!(refused, ("TRUST_PARENT_NOT_FOUND".to_owned(), "parent".to_owned()));
    registry.act(1, "Change", low).await;
    assert!(holds().await);
}

#[tokio::test]
async fn a_delegation_by_an_agent_names_the_one_to_it() {
    let registry = Registry::with(3).await;
    let made = operation(&delegate(&registry, 0, 1, json!({ "maxDepth": 1 })).await);
    let more = json!({ "actions": ["reply"], "resources": ["mail/inbox"] });
    let prepared = delegate(&registry, 1, 2, more).await;
    let Action::AgentDelegate(action) = body_of(&prepared).action else { panic!("{prepared}") };
    assert_eq!(action.beneath, Some(made));
    let shown = registry.server.call("agent_get", json!({ "agent": registry.dids[2] })).await;
    let shown = shown.expect("a delegation");
    assert_eq!((&shown["beneath"], &shown["operation"]), (&json!(made), &prepared["operation"]));
}

#[tokio::test]
async fn an_operation_that_could_be_applied_twice_has_an_end() {
    let registry = Registry::seeded().await;
    delegate(&registry, 0, 3, json!({})).await;
    let list = json!({ "purpose": "revocation", "length": 8 });
    let key = Person::new(0).control();
    let list = registry.server.act_status("Create", registry.by(0, list), &key).await;
    let (held, new) = (registry.right(0, 1, "degrees/*"), registry.right(0, 3, "a"));
    let agent = json!({ "agent": registry.dids[3] });
    let set = json!({ "list": list["list"], "entries": [1], "value": 1 });
    let close = json!({ "list": list["list"] });
    let newest_ms = registry.server.ledger.head().time_ms;
    for (method, params, after_ms) in [
        ("trust_prepareGrant", new, Some(24 * HOUR_MS)),
        ("trust_prepareSuspend", held.clone(), Some(24 * HOUR_MS)),
        ("agent_prepareRevoke", agent.clone(), Some(HOUR_MS)),
        ("status_prepareSet", set.clone(), Some(HOUR_MS / 2)),
        ("status_prepareClose", close, None),
        ("trust_prepareRevoke", held.clone(), None),
    ] {
        let prepared = prepare(&registry, 0, method, params).await;
        assert_eq!(prepared.until, after_ms.map(|after_ms| newest_ms + after_ms), "{method}");
    }

    let until = |after_ms: u64| json!({ "until": TimeMs(newest_ms + after_ms).millis() });
    let given = with_members(registry.by(0, held.clone()), until(7 * SECOND_MS));
    let prepared = registry.server.call("trust_prepareRevoke", given).await.expect("prepared");
    assert_eq!(body_of(&prepared).until, Some(newest_ms + 7 * SECOND_MS));
    let words = format!("until {}", TimeMs(newest_ms + 7 * SECOND_MS).millis());
    let explanation = prepared["explanation"].as_str().expect("text");
    assert!(explanation.contains(&words), "{explanation}");
    let month_ms = 31 * 24 * HOUR_MS;
    for (method, params) in
        [("trust_prepareRevoke", held), ("agent_prepareRevoke", agent), ("status_prepareSet", set)]
    {
        let refused = async |more| {
            let params = with_members(registry.by(0, params.clone()), more);
            registry.server.refusal(method, params).await.1
        };
        assert_eq!(refused(until(month_ms)).await, "UNTIL_TOO_FAR", "{method}");
        let past = json!({ "until": TimeMs(newest_ms - 1).millis() });
        assert_eq!(refused(past).await, "UNTIL_PASSED", "{method}");
    }
}

//! Tests of voids: a thief acts in somebody's name, the owner lists it and declares that it never
//! was, and questions say so to whoever knows.

use registry_core::time::TimeMs;
use serde_json::{Value, json};

use crate::agents::delegate;
use crate::common::client::{signed, with_members};
use crate::common::people::Person;
use crate::common::rights::{Registry, query_of};

const CONTENT: &str = r#"{"$schema":"https://json-schema.org/draft/2020-12/schema"}"#;

fn now(registry: &Registry) -> String {
    TimeMs(registry.server.ledger.head().time_ms).millis()
}

/// Prepares, signs by the control set and applies an operation. Returns the prepared answer.
async fn perform(registry: &Registry, author: usize, method: &str, params: Value) -> Value {
    let params = registry.by(author, params);
    let prepared = registry.server.call(method, params).await.expect("prepared");
    let key = Person::new(u8::try_from(author).expect("small")).control();
    registry.server.submit(&signed(&prepared, &key)).await.expect("applied");
    prepared
}

fn operation(prepared: &Value) -> Value {
    prepared["operation"].clone()
}

#[tokio::test]
async fn yesterdays_question_says_no_to_who_knows_of_the_void_today() {
    let registry = Registry::with(2).await;
    let right = registry.right(0, 1, "degrees/a");
    registry.act(0, "Grant", right.clone()).await;
    let yesterday = now(&registry);
    registry.server.ledger.commit_after(60_000);
    let prepared = registry.act(0, "Revoke", with_members(right.clone(), json!({ "void": true })));
    let prepared = prepared.await;
    let explanation = prepared["explanation"].as_str().expect("text");
    assert!(explanation.contains("declares for ever that it never was"), "{explanation}");
    let roles: Vec<_> = prepared["signatures"].as_array().expect("requests").iter().collect();
    assert!(roles.iter().all(|request| request["role"] == "control"), "no method may sign");
    let today = now(&registry);

    let ask =
        async |more: Value| registry.ask("authorization", with_members(right.clone(), more)).await;
    let then = ask(json!({ "at": yesterday })).await;
    assert_eq!((&then["authorized"], &then["status"]), (&json!(true), &json!("active")));
    let known = ask(json!({ "at": yesterday, "knownAt": today })).await;
    assert_eq!((&known["authorized"], &known["status"]), (&json!(false), &json!("voided")));
    assert_eq!((&known["voidedAt"], &known["time"]), (&json!(today), &json!(yesterday)));
    assert_eq!(known["knownAt"], json!(today));
    let same = ask(json!({ "at": yesterday, "knownAt": yesterday })).await;
    assert_eq!(same["authorized"], json!(true), "yesterday's knowledge");
    let present = ask(json!({})).await;
    assert_eq!((&present["status"], &present["voidedAt"]), (&json!("voided"), &json!(today)));

    let more = json!({ "at": yesterday, "knownAt": today });
    let explained = registry.ask("explain", with_members(right.clone(), more.clone())).await;
    let finding = explained["explanation"].as_str().expect("a sentence");
    let by = &registry.dids[0];
    assert!(finding.contains(&format!("by {by} was voided at {today}")), "{finding}");
    let chain = registry.ask("chain", with_members(right.clone(), more)).await;
    assert_eq!(chain["chain"][0]["voidedAt"], json!(today));
    let refused = with_members(right.clone(), json!({ "at": today, "knownAt": yesterday }));
    let refused = registry.refusal("authorization", refused).await;
    assert_eq!(refused, ("INVALID_PARAMS".to_owned(), "knownAt".to_owned()));
    let late = with_members(right.clone(), json!({ "knownAt": "2030-01-01T00:00:00Z" }));
    assert_eq!(registry.refusal("authorization", late).await.0, "FUTURE_TIME");

    let answer = registry.query("/authorization", &query_of(&right)).await.json();
    assert_eq!((&answer["authorized"], &answer["status"]), (&json!(false), &json!("revoked")));
    assert_eq!((&answer["revokedAt"], answer.get("voidedAt")), (&json!(today), None));
}

#[tokio::test]
async fn all_that_was_granted_since_a_time_is_listed_and_voided_by_name() {
    let registry = Registry::with(4).await;
    let own = registry.right(0, 1, "degrees/own");
    registry.act(0, "Grant", own.clone()).await;
    let since = TimeMs(registry.server.ledger.head().time_ms + 1).millis();
    let stolen = registry.right(0, 2, "degrees/a");
    let first = registry.act(0, "Grant", stolen.clone()).await;
    registry.act(0, "Revoke", stolen.clone()).await;
    let second = registry.act(0, "Grant", stolen.clone()).await;
    let recognised = registry.act(0, "Recognise", registry.right(0, 3, "degrees/a")).await;
    let other = registry.right(0, 2, "degrees/b");
    registry.act(0, "Suspend", own).await;
    registry.act(0, "Grant", other.clone()).await;
    let list = async |more: Value| {
        let params = json!({ "authority": registry.dids[0], "since": since });
        registry.ask("list", with_members(params, more)).await["rights"].clone()
    };
    let made = |rights: &Value| {
        let rights = rights.as_array().expect("rights").iter();
        let made = rights.flat_map(|right| match right.get("recognition") {
            Some(recognition) => vec![recognition["operation"].clone()],
            None => {
                let grants = right["grants"].as_array().expect("grants").iter();
                grants.map(|grant| grant["operation"].clone()).collect()
            }
        });
        let mut made: Vec<String> = made.map(|made| made.to_string()).collect();
        made.sort();
        made
    };
    let all = list(json!({})).await;
    assert_eq!(made(&all).len(), 4, "{all}");
    for prepared in [&first, &second, &recognised] {
        assert!(made(&all).contains(&operation(prepared).to_string()), "{prepared}");
    }
    assert_eq!(made(&list(json!({ "grantor": registry.dids[0] })).await), made(&all));
    assert_eq!(list(json!({ "grantor": registry.dids[1] })).await, json!([]));
    let without = json!({ "authority": registry.dids[0], "grantor": registry.dids[0] });
    assert_eq!(registry.refusal("list", without).await.1, "grantor");

    let void = |prepared: &Value| json!({ "void": true, "operation": operation(prepared) });
    registry.act(0, "Revoke", with_members(stolen.clone(), void(&first))).await;
    let present = registry.ask("authorization", stolen.clone()).await;
    assert_eq!(present["authorized"], json!(true), "the second grant stands");
    registry.act(0, "Revoke", with_members(stolen.clone(), void(&second))).await;
    let known = registry.right(0, 3, "degrees/a");
    registry.act(0, "Derecognise", with_members(known.clone(), void(&recognised))).await;
    assert_eq!(registry.ask("recognition", known).await["status"], json!("voided"));
    let listed = list(json!({})).await;
    let listed = listed.as_array().expect("rights").iter();
    let open = listed.filter(|right| {
        let of = right.get("recognition").unwrap_or(&right["grants"][0]);
        of.get("voidedAt").is_none()
    });
    let open: Vec<_> = open.map(|right| right["resource"].clone()).collect();
    assert_eq!(open, [json!("degrees/b")], "all else is void");

    let by = |params: Value| registry.by(0, params);
    let again = by(with_members(stolen.clone(), void(&first)));
    assert_eq!(registry.refusal("prepareRevoke", again).await.0, "VOIDED_ALREADY");
    let plain = by(with_members(other, json!({ "operation": operation(&first) })));
    assert_eq!(registry.refusal("prepareRevoke", plain).await.1, "operation");
}

#[tokio::test]
async fn a_void_delegation_answers_for_nothing() {
    let registry = Registry::with(2).await;
    delegate(&registry, 0, 1, json!({})).await;
    let agent = json!({ "agent": registry.dids[1] });
    let then = now(&registry);
    let void = with_members(agent.clone(), json!({ "void": true }));
    perform(&registry, 0, "agent_prepareRevoke", void).await;
    let voided = now(&registry);
    let question = with_members(agent.clone(), json!({ "action": "read", "resource": "mail/a" }));
    let ask = async |more: Value| {
        let params = with_members(question.clone(), more);
        registry.server.call("agent_verify", params).await.expect("an answer")
    };
    assert_eq!(ask(json!({ "at": then })).await["permitted"], json!(true));
    let known = ask(json!({ "at": then, "knownAt": voided })).await;
    assert_eq!((&known["permitted"], &known["broken"]), (&json!(false), &json!(0)));
    assert_eq!(known["chain"][0]["voidedAt"], json!(voided));
    let text = known["explanation"].as_str().expect("a sentence");
    assert!(text.contains(&format!("was voided at {voided}")), "{text}");
    let shown = registry.server.call("agent_get", agent).await.expect("an answer");
    assert_eq!((&shown["status"], &shown["voidedAt"]), (&json!("revoked"), &json!(voided)));
}

#[tokio::test]
async fn a_void_schema_and_a_void_type_say_since_when() {
    let registry = Registry::with(1).await;
    let publish = json!({ "content": CONTENT });
    let schema = perform(&registry, 0, "schema_preparePublish", publish).await["schema"].clone();
    let kind = json!({ "name": "degrees/a" });
    let first = perform(&registry, 0, "schema_preparePublishType", kind.clone()).await;
    perform(&registry, 0, "schema_preparePublishType", kind.clone()).await;
    let void = json!({ "schema": schema, "void": true });
    perform(&registry, 0, "schema_prepareWithdraw", void).await;
    let voided = now(&registry);
    let shown = registry.server.call("schema_get", json!({ "schema": schema })).await;
    let shown = shown.expect("an answer");
    assert_eq!((&shown["status"], &shown["voidedAt"]), (&json!("withdrawn"), &json!(voided)));
    let void = json!({ "void": true, "operation": operation(&first) });
    perform(&registry, 0, "schema_prepareWithdrawType", with_members(kind, void)).await;
    let of = json!({ "publisher": registry.dids[0], "name": "degrees/a" });
    let shown = registry.server.call("schema_getType", of.clone()).await.expect("an answer");
    assert_eq!((&shown["status"], shown.get("voidedAt")), (&json!("active"), None), "the second");
    assert!(shown["operation"] != operation(&first) && shown["published"] == shown["since"]);
}

#[tokio::test]
async fn a_replaced_recognition_that_was_voided_is_listed_as_void() {
    let registry = Registry::with(2).await;
    let since = now(&registry);
    let right = registry.right(0, 1, "degrees/a");
    let first = registry.act(0, "Recognise", right.clone()).await;
    let second = registry.act(0, "Recognise", right.clone()).await;
    let void = json!({ "void": true, "operation": operation(&first) });
    registry.act(0, "Derecognise", with_members(right, void)).await;
    let voided = now(&registry);
    let params = json!({ "authority": registry.dids[0], "since": since });
    let listed = registry.ask("list", params).await;
    let rights = listed["rights"].as_array().expect("rights").iter();
    let seen: Vec<_> = rights
        .map(|right| &right["recognition"])
        .map(|recognition| (&recognition["operation"], recognition.get("voidedAt")))
        .collect();
    let expected = [(&operation(&second), None), (&operation(&first), Some(&json!(voided)))];
    assert_eq!(seen, expected);
    let late = json!({ "authority": registry.dids[0], "since": "2030-01-01T00:00:00Z" });
    assert_eq!(registry.refusal("list", late).await.0, "FUTURE_TIME");
}

//! Tests of agents: a delegation with the consent of both parties, questions about the present and
//! the past, suspension and its effects.

use crate::common::client::{signed, with_members};
use crate::common::people::Person;
use crate::common::rights::Registry;
use registry_core::operation::{Role, Signature, SignedOperation};
use serde_json::{Value, json};

fn key(number: usize) -> ed25519_dalek::SigningKey {
    Person::new(u8::try_from(number).expect("small")).control()
}

/// Returns the parameters with which `principal` lets `agent` read and answer mail until 2033.
fn terms(registry: &Registry, principal: usize, agent: usize) -> Value {
    json!({
        "author": registry.dids[principal],
        "agent": registry.dids[agent],
        "actions": ["reply", "read"],
        "resources": ["mail/*"],
        "validUntil": "2033-01-01T00:00:00Z",
    })
}

async fn prepare(registry: &Registry, action: &str, params: Value) -> Value {
    let method = format!("agent_prepare{action}");
    registry.server.call(&method, params).await.expect("prepared")
}

/// Prepares a delegation, signs it as principal and agent, and submits it. Returns the prepared
/// answer.
pub(crate) async fn delegate(
    registry: &Registry,
    principal: usize,
    agent: usize,
    more: Value,
) -> Value {
    let params = with_members(terms(registry, principal, agent), more);
    let prepared = prepare(registry, "Delegate", params).await;
    registry.server.submit(&both(&prepared, principal, agent)).await.expect("applied");
    prepared
}

/// Returns the envelope with the signatures of principal and agent, each by its control key.
fn both(prepared: &Value, principal: usize, agent: usize) -> SignedOperation {
    let SignedOperation { body, mut signatures } = signed(prepared, &key(principal));
    let consent = registry_core::operation::operation_id(&body.0);
    let message = Role::Consent.message(&consent);
    let signer = key(agent);
    let value = ed25519_dalek::Signer::sign(&signer, &message).to_bytes().to_vec();
    let by = registry_core::operation::Signer::Key(crate::common::people::public(&signer));
    let value = registry_core::codec::Bytes(value);
    signatures.push(Signature { role: Role::Consent, by, value });
    SignedOperation::new(body.0, signatures)
}

async fn step(registry: &Registry, author: usize, action: &str, agent: usize) {
    let params = json!({ "author": registry.dids[author], "agent": registry.dids[agent] });
    let prepared = prepare(registry, action, params).await;
    registry.server.submit(&signed(&prepared, &key(author))).await.expect("applied");
}

async fn verify(registry: &Registry, agent: usize, what: [&str; 2], at: Option<&str>) -> Value {
    let [action, resource] = what;
    let params = json!({
        "agent": registry.dids[agent],
        "action": action,
        "resource": resource,
        "at": at,
    });
    registry.server.call("agent_verify", params).await.expect("an answer")
}

const REPLY: [&str; 2] = ["reply", "mail/inbox"];

#[tokio::test]
async fn an_agent_may_what_both_signed_and_no_more() {
    let registry = Registry::with(2).await;
    let none = verify(&registry, 1, REPLY, None).await;
    assert_eq!(none["permitted"], false);
    assert!(none["explanation"].as_str().is_some_and(|text| text.contains("is no agent")));
    let before = none["time"].as_str().expect("a time").to_owned();
    let prepared = delegate(&registry, 0, 1, json!({})).await;
    let requests = prepared["signatures"].as_array().expect("requests").iter();
    let requests: Vec<_> = requests.map(|one| (one["of"].clone(), one["role"].clone())).collect();
    let [principal, agent] = [0, 1].map(|number| json!(registry.dids[number]));
    assert_eq!(requests, [(principal.clone(), json!("control")), (agent, json!("consent"))]);
    assert_eq!(prepared["agent"], json!(registry.dids[1]));

    let answer = verify(&registry, 1, REPLY, None).await;
    assert_eq!(answer["permitted"], true, "{answer}");
    assert_eq!(answer["principal"], principal);
    assert_eq!(answer["chain"][0]["actions"], json!(["read", "reply"]));
    for what in [["send", "mail/inbox"], ["reply", "letters/inbox"], ["reply", "mail"]] {
        let answer = verify(&registry, 1, what, None).await;
        assert_eq!((&answer["permitted"], &answer["broken"]), (&json!(false), &json!(0)));
    }
    let then = verify(&registry, 1, REPLY, Some(&before)).await;
    assert_eq!(then["permitted"], false, "before the delegation");
    let shown = json!({ "agent": registry.dids[1] });
    let shown = registry.server.call("agent_get", shown).await.expect("a delegation");
    assert_eq!((&shown["principal"], &shown["status"]), (&principal, &json!("active")));
}

#[tokio::test]
async fn stopping_one_stops_all_beneath_it() {
    let registry = Registry::with(3).await;
    delegate(&registry, 0, 1, json!({ "maxDepth": 1 })).await;
    delegate(&registry, 1, 2, json!({ "actions": ["reply"], "resources": ["mail/inbox"] })).await;
    let answer = verify(&registry, 2, REPLY, None).await;
    assert_eq!(
        (&answer["permitted"], &answer["principal"]),
        (&json!(true), &json!(registry.dids[0]))
    );
    step(&registry, 0, "Suspend", 1).await;
    let stopped = verify(&registry, 2, REPLY, None).await;
    assert_eq!((&stopped["permitted"], &stopped["broken"]), (&json!(false), &json!(0)));
    step(&registry, 0, "Resume", 1).await;
    assert_eq!(verify(&registry, 2, REPLY, None).await["permitted"], true);
    registry.deactivate(0).await;
    let gone = verify(&registry, 2, REPLY, None).await;
    assert_eq!(gone["permitted"], false, "nobody answers for it any more");
}

#[tokio::test]
async fn without_the_agents_consent_nothing_is_delegated() {
    let registry = Registry::with(2).await;
    let prepared = prepare(&registry, "Delegate", terms(&registry, 0, 1)).await;
    let alone = registry.server.submit(&signed(&prepared, &key(0))).await;
    assert!(alone.expect_err("refused").message().starts_with("CONSENT_MISSING"));
    let forged = registry.server.submit(&both(&prepared, 0, 0)).await;
    assert!(forged.expect_err("refused").message().starts_with("SIGNER_NOT_MEMBER"));
    assert_eq!(verify(&registry, 1, REPLY, None).await["permitted"], false);
}

#[tokio::test]
async fn preparing_refuses_what_the_rules_would() {
    let registry = Registry::with(4).await;
    delegate(&registry, 0, 1, json!({ "maxDepth": 1 })).await;
    for (principal, agent, more, name) in [
        (2, 1, json!({}), "AGENT_BOUND"),
        (1, 2, json!({ "actions": ["send"] }), "AGENT_BEYOND_PRINCIPAL"),
        (1, 2, json!({ "maxDepth": 1 }), "AGENT_DEPTH"),
        (1, 2, json!({ "validUntil": "2034-01-01T00:00:00Z" }), "AGENT_BEYOND_PRINCIPAL"),
        (1, 0, json!({}), "AGENT_CYCLE"),
        (1, 1, json!({}), "AGENT_CYCLE"),
        (0, 2, json!({ "actions": [] }), "AGENT_TERMS"),
    ] {
        let params = with_members(terms(&registry, principal, agent), more);
        let refused = registry.server.call("agent_prepareDelegate", params).await;
        let message = refused.expect_err("refused").message().to_owned();
        assert!(message.starts_with(name), "{name}: {message}");
    }
    let stranger = json!({ "author": registry.dids[3], "agent": registry.dids[1] });
    let refused = registry.server.call("agent_prepareSuspend", stranger).await;
    assert!(refused.expect_err("refused").message().starts_with("AGENT_NOT_ALLOWED"));
    let nobody = json!({ "author": registry.dids[3], "agent": registry.dids[2] });
    let refused = registry.server.call("agent_prepareRevoke", nobody).await;
    assert!(refused.expect_err("refused").message().starts_with("AGENT_NOT_FOUND"));
}

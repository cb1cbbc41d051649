//! Tests of the decision about a credential: a credential with all that it needs, one fault at a
//! time, and a timeline at a thousand random times.

use crate::agents::delegate;
use crate::common::client::with_members;
use crate::common::people::{Person, sign};
use crate::common::rights::Registry;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use registry_core::codec::FixedBytes;
use registry_core::id::SchemaId;
use registry_core::operation::{Action, Guard, Operation, Role};
use registry_core::schema::{CredentialTypePublish, SchemaPublish};
use registry_core::status::StatusPurpose;
use registry_core::time::TimeMs;
use registry_core::trust::Assurance;
use serde_json::{Value, json};

const TYPE: &str = "degrees/bachelor";
const CONTENT: &str = r#"{"$schema":"https://json-schema.org/draft/2020-12/schema"}"#;

/// Numbers of the people.
const AUTHORITY: usize = 0;
const ACCREDITOR: usize = 1;
const ISSUER: usize = 2;
const PRINCIPAL: usize = 3;
const AGENT: usize = 4;
const STRANGER: usize = 5;

fn key(number: usize) -> ed25519_dalek::SigningKey {
    Person::new(u8::try_from(number).expect("small")).control()
}

/// A registry with everything that a credential needs, and the question about the credential.
struct Framework {
    registry: Registry,
    question: Value,
}

impl Framework {
    async fn new() -> Self {
        let registry = Registry::with(6).await;
        let schema = publish_type(&registry).await;
        for (grantor, entity, more) in [
            (AUTHORITY, ACCREDITOR, json!({ "maxDepth": 2, "assurance": "high" })),
            (ACCREDITOR, ISSUER, json!({ "maxDepth": 1, "assurance": "substantial" })),
            (ISSUER, PRINCIPAL, json!({ "assurance": "substantial" })),
        ] {
            let right = registry.right(AUTHORITY, entity, TYPE);
            registry.act(grantor, "Grant", with_members(right, more)).await;
        }
        let list = open_list(&registry, ISSUER).await;
        let more = json!({ "actions": ["issue"], "resources": ["degrees/*"] });
        delegate(&registry, PRINCIPAL, AGENT, more).await;
        let issuer = &registry.dids[ISSUER];
        let question = json!({
            "issuer": issuer,
            "verificationMethod": format!("{issuer}#key-1"),
            "credentialType": TYPE,
            "schema": schema,
            "issuedAt": now(&registry),
            "status": [{ "list": list, "entry": 5 }],
            "authority": registry.dids[AUTHORITY],
            "agent": registry.dids[AGENT],
            "minimumAssurance": "substantial",
        });
        Self { registry, question }
    }

    async fn decide(&self, change: Value) -> Value {
        let params = with_members(self.question.clone(), change);
        self.registry.server.call("registry_decide", params).await.expect("an answer")
    }

    /// Returns the names of the steps that fail if the question is changed like this.
    async fn failing(&self, change: Value) -> Vec<String> {
        let answer = self.decide(change).await;
        let steps = answer["steps"].as_array().expect("steps").iter();
        let failing = steps.filter(|step| step["ok"] == false);
        let failing = failing.map(|step| step["step"].as_str().expect("a name").to_owned());
        let failing: Vec<String> = failing.collect();
        let decision = if failing.is_empty() { "permit" } else { "deny" };
        assert_eq!(answer["decision"], decision, "{answer}");
        failing
    }

    async fn act(&self, author: usize, action: &str, entity: usize) {
        let right = self.registry.right(AUTHORITY, entity, TYPE);
        self.registry.act(author, action, right).await;
    }
}

fn now(registry: &Registry) -> String {
    TimeMs(registry.server.ledger.head().time_ms).millis()
}

/// Publishes a schema of the authority, and the credential type that names it.
async fn publish_type(registry: &Registry) -> SchemaId {
    let authority = registry.dids[AUTHORITY].parse().expect("a DID");
    let (chain, salt) =
        (rpc::service::Reader::chain(&*registry.server.ledger), FixedBytes([9; 16]));
    let (content, name) = (CONTENT.to_owned(), TYPE.parse().expect("a type"));
    let schema = SchemaId::of_content(&authority, CONTENT);
    let credential_type = Some(TYPE.parse().expect("a type"));
    let publish = SchemaPublish { content, credential_type, supersedes: None };
    let kind = CredentialTypePublish {
        name,
        schema: Some(schema),
        validity_ms_max: None,
        status_purposes: vec![StatusPurpose::Revocation],
        assurance: Some(Assurance::Low),
        formats: Vec::new(),
        suites: Vec::new(),
    };
    for action in
        [Action::SchemaPublish(Box::new(publish)), Action::CredentialTypePublish(Box::new(kind))]
    {
        let (author, endorser) = (Some(authority.clone()), None);
        let (guard, until) = (Guard::Absent, None);
        let operation = Operation { chain, author, endorser, guard, until, salt, action };
        let envelope = sign(operation.body(), Role::Control, &key(AUTHORITY));
        registry.server.submit(&envelope).await.expect("applied");
    }
    schema
}

async fn open_list(registry: &Registry, issuer: usize) -> String {
    let create = json!({ "author": registry.dids[issuer], "purpose": "revocation", "length": 64 });
    let created = registry.server.act_status("Create", create, &key(issuer)).await;
    created["list"].as_str().expect("a list").to_owned()
}

#[tokio::test]
async fn a_credential_is_permitted_with_a_finding_for_each_step() {
    let framework = Framework::new().await;
    let answer = framework.decide(json!({})).await;
    assert_eq!(answer["decision"], "permit", "{answer}");
    let members: Vec<_> = answer.as_object().expect("an object").keys().collect();
    assert_eq!(members, ["decision", "height", "steps", "time"]);
    let head = framework.registry.server.ledger.head();
    assert_eq!(answer["height"], head.height);
    assert_eq!(answer["time"], TimeMs(head.time_ms).millis());
    let steps = answer["steps"].as_array().expect("steps");
    for step in steps {
        let members: Vec<_> = step.as_object().expect("an object").keys().collect();
        assert_eq!(members, ["finding", "ok", "step"]);
        assert!(step["finding"].as_str().is_some_and(|text| text.len() > 20), "{step}");
    }
    let names: Vec<_> = steps.iter().map(|step| step["step"].as_str().expect("text")).collect();
    let all = ["issuer", "key", "type", "authorization", "assurance", "status", "agent"];
    assert_eq!(names, all);
    let fewer = json!({ "agent": null, "schema": null, "minimumAssurance": null });
    let answer = framework.decide(fewer).await;
    assert_eq!(answer["decision"], "permit", "{answer}");
    assert_eq!(answer["steps"].as_array().map(Vec::len), Some(6));
    assert!(framework.failing(json!({ "credentialType": null })).await.is_empty());
    let own = delegated_by_issuer(&framework).await;
    assert!(framework.failing(own).await.is_empty(), "the issuer answers for its own agent");
}

/// Makes the stranger an agent of the issuer itself. Returns the change to the question.
async fn delegated_by_issuer(framework: &Framework) -> Value {
    let more = json!({ "actions": ["issue"], "resources": [TYPE] });
    delegate(&framework.registry, ISSUER, STRANGER, more).await;
    let agent = &framework.registry.dids[STRANGER];
    json!({ "agent": agent, "issuedAt": now(&framework.registry) })
}

#[tokio::test]
async fn one_thing_that_is_wrong_denies() {
    let framework = Framework::new().await;
    let dids = &framework.registry.dids;
    let method = |who: usize, name: &str| format!("{}#{name}", dids[who]);
    let list = &framework.question["status"][0]["list"];
    let clear = json!({ "list": list, "entry": 5 });
    for (change, steps) in [
        (
            json!({ "issuer": dids[STRANGER], "verificationMethod": method(STRANGER, "key-1") }),
            &["authorization", "assurance", "status", "agent"][..],
        ),
        (json!({ "verificationMethod": method(AGENT, "key-1") }), &["key"]),
        (json!({ "verificationMethod": method(ISSUER, "idle") }), &["key"]),
        (json!({ "schema": "a".repeat(32) }), &["type"]),
        (json!({ "schema": "https://schemas.example/1" }), &["type"]),
        (json!({ "minimumAssurance": "high" }), &["assurance"]),
        (json!({ "status": null }), &["status"]),
        (json!({ "status": [] }), &["status"]),
        (json!({ "status": [{ "list": list, "entry": 64 }] }), &["status"]),
        (json!({ "status": [{ "list": "none", "entry": 5 }] }), &["status"]),
        (json!({ "status": [clear, { "list": list, "entry": 64 }] }), &["status"]),
        (json!({ "agent": dids[STRANGER] }), &["agent"]),
    ] {
        assert_eq!(framework.failing(change.clone()).await, steps, "{change}");
    }
    let early = json!({ "issuedAt": "2023-11-14T22:13:20Z" });
    let failing = framework.failing(early).await;
    assert_eq!(failing, ["issuer", "key", "type", "authorization", "assurance", "agent"]);
}

#[tokio::test]
async fn what_ends_later_undoes_nothing_but_what_an_agent_did() {
    let framework = Framework::new().await;
    let registry = &framework.registry;
    let later = || json!({ "issuedAt": now(registry), "agent": null });
    let alone = json!({ "agent": null });
    framework.act(AUTHORITY, "Suspend", ACCREDITOR).await;
    assert_eq!(framework.failing(later()).await, ["authorization"]);
    assert!(framework.failing(json!({})).await.is_empty());
    let answer = framework.decide(alone.clone()).await;
    let finding = answer["steps"][3]["finding"].as_str().expect("a finding");
    assert!(finding.contains("is suspended since"), "what has changed is told: {finding}");
    framework.act(AUTHORITY, "Resume", ACCREDITOR).await;
    assert!(framework.failing(later()).await.is_empty());

    framework.act(ISSUER, "Suspend", PRINCIPAL).await;
    assert_eq!(framework.failing(json!({})).await, ["agent"]);
    framework.act(ISSUER, "Resume", PRINCIPAL).await;
    let step = json!({ "author": registry.dids[PRINCIPAL], "agent": registry.dids[AGENT] });
    let prepared = registry.server.call("agent_prepareSuspend", step).await.expect("prepared");
    let envelope = crate::common::client::signed(&prepared, &key(PRINCIPAL));
    registry.server.submit(&envelope).await.expect("applied");
    assert_eq!(framework.failing(json!({})).await, ["agent"]);
    let before = json!({ "at": framework.question["issuedAt"] });
    assert!(framework.failing(before).await.is_empty(), "it was not suspended then");

    framework.act(ACCREDITOR, "Revoke", ISSUER).await;
    assert!(framework.failing(alone.clone()).await.is_empty());
    assert_eq!(framework.failing(later()).await, ["authorization"]);
    let set = json!({
        "author": registry.dids[ISSUER],
        "list": framework.question["status"][0]["list"],
        "entries": [5],
        "value": 1,
    });
    registry.server.act_status("Set", set, &key(ISSUER)).await;
    assert_eq!(framework.failing(alone.clone()).await, ["status"]);
    registry.deactivate(ISSUER).await;
    assert_eq!(framework.failing(alone).await, ["issuer", "status"]);
}

#[tokio::test]
async fn a_question_must_hang_together() {
    let framework = Framework::new().await;
    let refusal = async |change: Value| {
        let params = with_members(framework.question.clone(), change);
        let refused = framework.registry.server.call("registry_decide", params).await;
        refused.expect_err("must be refused").message().to_owned()
    };
    let issued = framework.question["issuedAt"].as_str().expect("a time").to_owned();
    let before = "2023-11-14T22:13:20.000Z";
    let message = refusal(json!({ "at": before })).await;
    assert!(message.contains(&issued) && message.contains(before), "{message}");
    let message = refusal(json!({ "credentialType": null, "schema": null })).await;
    assert!(message.contains("credentialType and schema"), "{message}");
    for (change, word) in [
        (json!({ "minimumAssurance": "some" }), "some"),
        (json!({ "issuedAt": "yesterday" }), "yesterday"),
        (json!({ "issuedAt": "2030-01-01T00:00:00Z" }), "FUTURE_TIME"),
        (json!({ "status": [{ "list": "a" }] }), "entry"),
        (json!({ "status": { "list": "a", "entry": 5 } }), "status"),
        (json!({ "status": vec![json!({ "list": "a", "entry": 5 }); 9] }), "9 entries of status"),
        (json!({ "holder": "x" }), "holder"),
    ] {
        let message = refusal(change).await;
        assert!(message.contains(word), "{word}: {message}");
    }
}

/// Events in the life of an issuer's right, in order.
const TIMELINE: [&str; 7] =
    ["begin", "accredited", "suspended", "resumed", "revoked", "idle", "deactivated"];

/// Events that have happened, each with its time in Unix milliseconds.
type Past = Vec<(&'static str, u64)>;

/// True if the issuer had the right at that time, by a plain loop over the events.
fn had_right(past: &Past, time_ms: u64) -> bool {
    let mut right = false;
    for (event, _) in past.iter().filter(|(_, at_ms)| *at_ms <= time_ms) {
        right = match *event {
            "accredited" | "resumed" => true,
            "suspended" | "revoked" | "deactivated" => false,
            _ => right,
        };
    }
    right
}

async fn live_through(framework: &Framework) -> Past {
    let ledger = &framework.registry.server.ledger;
    let mut past = Past::new();
    for event in TIMELINE {
        match event {
            "accredited" => {
                let right = framework.registry.right(AUTHORITY, STRANGER, TYPE);
                let grant = with_members(right, json!({ "assurance": "low" }));
                drop(framework.registry.act(ACCREDITOR, "Grant", grant).await);
            }
            "suspended" => framework.act(ACCREDITOR, "Suspend", STRANGER).await,
            "resumed" => framework.act(ACCREDITOR, "Resume", STRANGER).await,
            "revoked" => framework.act(ACCREDITOR, "Revoke", STRANGER).await,
            "deactivated" => framework.registry.deactivate(STRANGER).await,
            _ => drop(ledger.commit()),
        }
        past.push((event, ledger.head().time_ms));
        ledger.commit_after(7_000);
    }
    past
}

#[tokio::test]
async fn a_timeline_is_answered_right_at_a_thousand_random_times() {
    let framework = Framework::new().await;
    let list = open_list(&framework.registry, STRANGER).await;
    let past = live_through(&framework).await;
    let (begin, end) = (past[0].1, framework.registry.server.ledger.head().time_ms);
    let issuer = &framework.registry.dids[STRANGER];
    let mut runner = TestRunner::deterministic();
    let (mut permits, mut rights) = (0, 0);
    for _ in 0..1_000 {
        let times = (begin..=end, begin..=end).new_tree(&mut runner).expect("times").current();
        let (issued_ms, at_ms) = (times.0.min(times.1), times.0.max(times.1));
        let [issued, at] = [issued_ms, at_ms].map(|time_ms| TimeMs(time_ms).millis());
        let right = framework.registry.right(AUTHORITY, STRANGER, TYPE);
        let asked = with_members(right, json!({ "at": issued }));
        let authorized = framework.registry.ask("authorization", asked).await["authorized"] == true;
        assert_eq!(authorized, had_right(&past, issued_ms), "{issued}: {past:?}");
        let failing = framework
            .failing(json!({
                "issuer": issuer,
                "verificationMethod": format!("{issuer}#key-1"),
                "issuedAt": issued,
                "at": at,
                "status": [{ "list": list, "entry": 63 }],
                "agent": null,
                "minimumAssurance": "low",
            }))
            .await;
        let is_gone =
            |time_ms| past.iter().any(|(what, then)| *what == "deactivated" && *then <= time_ms);
        let was_accredited =
            past.iter().any(|(what, then)| *what == "accredited" && *then <= issued_ms);
        let mut expected = Vec::new();
        expected.extend(is_gone(at_ms).then_some("issuer"));
        expected.extend(is_gone(issued_ms).then_some("key"));
        expected.extend((!authorized).then_some("authorization"));
        expected.extend((!was_accredited).then_some("assurance"));
        assert_eq!(failing, expected, "{issued}, {at}: {past:?}");
        permits += u32::from(failing.is_empty());
        rights += u32::from(authorized);
    }
    assert!((50..950).contains(&permits) && (50..950).contains(&rights), "{permits}, {rights}");
}

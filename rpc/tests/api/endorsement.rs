//! Tests of who may write. On an open network anyone may. On an endorsed network those may who hold
//! the right to write, and those for whom one of them signs within its quota.

use crate::common::client::{signed, with_members};
use crate::common::people::{Person, member, public, sign};
use crate::common::rights::Registry;
use ed25519_dalek::Signer as _;
use jsonrpsee::types::ErrorObjectOwned;
use registry_core::codec::{Bytes, decode, from_base64url};
use registry_core::did::{KeySet, Member, Sets};
use registry_core::governance::{EndorsedWrites, WritePolicy};
use registry_core::operation::{
    Action, ActionFacts, Family, MethodSigner, Operation, Role, Signature, SignedOperation, Signer,
};
use serde_json::{Value, json};

/// 2100-01-01T00:00:00Z, the beginning of an hour. It is later than the clock of any machine that
/// runs the tests: on a network without new blocks a quota is that of the hour of the clock.
const START_MS: u64 = 4_102_444_800_000;
const HOUR_MS: u64 = 3_600_000;
const REFILLS: &str = "2100-01-01T01:00:00.000Z";
/// Cost that each quota allows in an hour where a test uses it up. Some operations reach it.
const PER_HOUR: u64 = 500;

/// Founds an endorsed network of which the first person is the authority.
async fn endorsed(people: u8, cost_per_hour: u64) -> Registry {
    let endorsed = Registry::founded(people, |genesis, dids| {
        let policy = EndorsedWrites { authority: dids[0].clone(), cost_per_hour };
        genesis.parameters.write_policy = WritePolicy::Endorsed(policy);
        genesis.time_ms = START_MS;
    });
    endorsed.await
}

/// Returns the right of a person to write.
fn right(registry: &Registry, entity: usize, resource: &str) -> Value {
    with_members(registry.right(0, entity, resource), json!({ "action": "registry:write" }))
}

async fn grant(registry: &Registry, entity: usize, resource: &str) {
    registry.act(0, "Grant", right(registry, entity, resource)).await;
}

async fn explain(registry: &Registry, operation: &str, did: Option<usize>) -> Value {
    let mut params = json!({ "operation": operation });
    if let Some(person) = did {
        params["did"] = json!(registry.dids[person]);
    }
    registry.ask("explainWrite", params).await
}

/// Returns an endorser in the form of the answers.
fn quota(registry: &Registry, person: usize, used: u64, limit: u64) -> Value {
    let did = &registry.dids[person];
    json!({ "did": did, "used": used, "costPerHour": limit, "refillsAt": REFILLS })
}

/// Returns the quotas of a DID that writes by its own right.
fn own_quota(
    registry: &Registry,
    person: usize,
    (used, by_control): (u64, u64),
    limit: u64,
) -> Value {
    with_members(quota(registry, person, used, limit), json!({ "usedByControl": by_control }))
}

/// Returns the cost that counts under the quota which an answer shows for a DID.
fn used(quota: &Value) -> u64 {
    quota["used"].as_u64().expect("a cost")
}

fn used_by_control(quota: &Value) -> u64 {
    quota["usedByControl"].as_u64().expect("a cost")
}

/// Returns the DIDs of those who can endorse.
fn endorsers(answer: &Value) -> Vec<&str> {
    let listed = answer["endorsers"].as_array().expect("a list").iter();
    listed.map(|endorser| endorser["did"].as_str().expect("a DID")).collect()
}

/// Prepares the create of a person who is not registered yet.
async fn newcomer(
    registry: &Registry,
    number: u8,
    endorser: Option<usize>,
) -> (Result<Value, ErrorObjectOwned>, Person) {
    let person = Person::new(100 + number);
    let mut params = json!({ "sets": person.sets(), "document": person.document_json() });
    if let Some(endorser) = endorser {
        params["endorser"] = json!(registry.dids[endorser]);
    }
    (registry.server.call("did_prepareCreate", params).await, person)
}

/// Returns the envelope with an additional signature by its endorser.
fn vouched(
    registry: &Registry,
    prepared: &Value,
    envelope: SignedOperation,
    endorser: usize,
) -> SignedOperation {
    let did = &registry.dids[endorser];
    assert_eq!(prepared["endorser"], json!(did));
    let requests = prepared["signatures"].as_array().expect("requests");
    let asked = requests.iter().find(|request| request["role"] == "endorser").expect("a request");
    let key = Person::new(u8::try_from(endorser).expect("small")).control();
    let url = format!("{did}#key-1").parse().expect("a method");
    let by = Signer::Method(MethodSigner { key: public(&key), url });
    assert_eq!((&asked["of"], &asked["members"]), (&json!(did), &json!([by])));
    let message = from_base64url(asked["message"].as_str().expect("a message")).expect("bytes");
    let value = Bytes(key.sign(&message).to_bytes().to_vec());
    let signature = Signature { role: Role::Endorser, by, value };
    SignedOperation::new(envelope.body.0, [envelope.signatures, vec![signature]].concat())
}

/// Returns an operation that its author alone signs, with no endorser in its body.
fn alone(prepared: &Value, role: Role, person: &Person) -> SignedOperation {
    let body = from_base64url(prepared["body"].as_str().expect("a body")).expect("base64url");
    let operation: Operation = decode(&body, body.len()).expect("an operation");
    sign(Operation { endorser: None, ..operation }.body(), role, &person.control())
}

/// Registers a newcomer with the endorsement of a person.
async fn join(registry: &Registry, number: u8, endorser: usize) -> Result<Value, ErrorObjectOwned> {
    let (prepared, person) = newcomer(registry, number, Some(endorser)).await;
    let prepared = prepared?;
    let envelope = signed(&prepared, &person.control());
    registry.server.submit(&vouched(registry, &prepared, envelope, endorser)).await
}

/// Returns the message of a refusal.
fn words(refused: Result<Value, ErrorObjectOwned>) -> String {
    refused.expect_err("must be refused").message().to_owned()
}

#[tokio::test]
async fn on_an_open_network_anyone_writes() {
    let registry = Registry::with(1).await;
    for did in [None, Some(0)] {
        for operation in Action::ALL.iter().map(|facts| facts.name) {
            let answer = explain(&registry, operation, did).await;
            let mut expected = json!({
                "operation": operation,
                "policy": "open",
                "allowed": true,
                "explanation": "this network is open: anyone writes",
                "endorsers": [],
                "height": 1,
                "time": "2023-11-14T22:13:21.500Z",
            });
            if let Some(person) = did {
                expected["did"] = json!(registry.dids[person]);
            }
            assert_eq!(answer, expected);
        }
    }
    let (prepared, _) = newcomer(&registry, 0, None).await;
    assert_eq!(prepared.expect("prepared").get("endorser"), None);
    // Only the people of a genesis have a method that can endorse.
    let registry = Registry::founded(1, |_, _| ()).await;
    join(&registry, 0, 0).await.expect("an open network takes an endorser too");
}

#[tokio::test]
async fn a_newcomer_is_refused_with_the_names_of_those_who_can_endorse_and_goes_with_one() {
    let registry = endorsed(3, 10_000).await;
    grant(&registry, 1, "registry/*").await;
    let who = json!([quota(&registry, 1, 0, 10_000), quota(&registry, 0, 0, 10_000)]);
    let explained = explain(&registry, "did_create", None).await;
    let authority = &registry.dids[0];
    let expected = json!({
        "operation": "did_create",
        "policy": "endorsed",
        "allowed": false,
        "explanation": format!("a newcomer has no grant of registry:write on registry/did by \
            {authority}: prepare the operation with one of the endorsers, which signs too"),
        "authority": authority,
        "resource": "registry/did",
        "endorsers": who,
        "height": 1,
        "time": "2100-01-01T00:00:01.500Z",
    });
    assert_eq!(explained, expected);

    let named = format!("who can endorse: {}, {authority}", registry.dids[1]);
    let refused = words(newcomer(&registry, 0, None).await.0);
    assert!(refused.starts_with("ENDORSEMENT_NEEDED") && refused.ends_with(&named), "{refused}");
    let refused = words(newcomer(&registry, 0, Some(2)).await.0);
    assert!(refused.starts_with("ENDORSER_NOT_GRANTED") && refused.ends_with(&named), "{refused}");
    let (prepared, person) = newcomer(&registry, 0, Some(1)).await;
    let prepared = prepared.expect("prepared");
    let envelope = signed(&prepared, &person.control());
    let refused = words(registry.server.submit(&envelope).await);
    assert!(refused.starts_with("ENDORSER_MISSING"), "{refused}");
    let envelope_alone = alone(&prepared, Role::Control, &person);
    let refused = words(registry.server.submit(&envelope_alone).await);
    assert!(refused.starts_with("ENDORSEMENT_NEEDED") && refused.ends_with(&named), "{refused}");

    registry.server.submit(&vouched(&registry, &prepared, envelope, 1)).await.expect("applied");
    let resolved = json!({ "did": prepared["did"] });
    let resolved = registry.server.call("did_resolve", resolved).await.expect("an answer");
    assert_eq!(resolved["didDocument"]["id"], prepared["did"]);
    let counted = explain(&registry, "did_create", None).await;
    let used = used(&counted["endorsers"][0]);
    assert_eq!(counted["endorsers"][0], quota(&registry, 1, used, 10_000));
    assert!((100..500).contains(&used), "what applied once counts, by its cost: {used}");
}

#[tokio::test]
async fn a_right_to_write_covers_its_family_while_it_is_live() {
    let registry = endorsed(3, 10_000).await;
    grant(&registry, 1, "registry/status").await;
    let (authority, endorser) = (registry.dids[0].as_str(), registry.dids[1].as_str());
    for ActionFacts { name: operation, family, .. } in Action::ALL {
        let answer = explain(&registry, operation, Some(1)).await;
        let resource = family.map(|family| json!(format!("registry/{}", family.name())));
        assert_eq!(answer.get("resource"), resource.as_ref(), "{operation}");
        let own = *family == Some(Family::Status);
        assert_eq!(answer["allowed"], own || family.is_none(), "{operation}");
        assert_eq!(answer.get("own").is_some(), own, "{operation}");
        let expected = match family {
            None => vec![],
            Some(Family::Status) => vec![endorser, authority],
            Some(_) => vec![authority],
        };
        assert_eq!(endorsers(&answer), expected, "{operation}");
    }
    let create = json!({ "author": endorser, "purpose": "refresh", "length": 8 });
    let prepared = registry.server.call("status_prepareCreate", create.clone()).await;
    let prepared = prepared.expect("prepared");
    assert_eq!(prepared.get("endorser"), None, "by its own right");
    let envelope = signed(&prepared, &Person::new(1).control());
    registry.server.submit(&envelope).await.expect("applied");
    let own = explain(&registry, "status_set", Some(1)).await;
    let by_control = used_by_control(&own["own"]);
    assert_eq!(own["own"], own_quota(&registry, 1, (0, by_control), 10_000), "control signed");
    assert!(by_control > 100, "{by_control}");
    assert_eq!(explain(&registry, "did_update", Some(0)).await["allowed"], true, "the authority");

    registry.act(0, "Suspend", right(&registry, 1, "registry/status")).await;
    let suspended = explain(&registry, "status_create", Some(1)).await;
    assert_eq!((&suspended["allowed"], suspended.get("own")), (&json!(false), None));
    assert_eq!(endorsers(&suspended), [authority]);
    let refused = words(registry.server.call("status_prepareCreate", create).await);
    let named = format!("who can endorse: {authority}");
    assert!(refused.starts_with("ENDORSEMENT_NEEDED") && refused.ends_with(&named), "{refused}");
}

#[tokio::test]
async fn an_author_with_the_right_may_have_another_pay_and_nobody_changes_that() {
    let registry = endorsed(3, 10_000).await;
    grant(&registry, 1, "registry/*").await;
    grant(&registry, 2, "registry/*").await;
    let create = json!({
        "author": registry.dids[1], "purpose": "refresh", "length": 8,
        "endorser": registry.dids[2],
    });
    let prepared = registry.server.call("status_prepareCreate", create).await.expect("prepared");
    let own = signed(&prepared, &Person::new(1).control());
    let refused = words(registry.server.submit(&own).await);
    assert!(refused.starts_with("ENDORSER_MISSING"), "{refused}");
    registry.server.submit(&vouched(&registry, &prepared, own, 2)).await.expect("applied");
    let spent = |person| {
        let registry = &registry;
        async move { used(&explain(registry, "did_create", Some(person)).await["own"]) }
    };
    assert_eq!((spent(1).await, spent(2).await > 0), (0, true), "the endorser pays");
}

#[tokio::test]
async fn an_endorsers_quota_is_used_up_and_refills_with_the_hour() {
    let registry = endorsed(2, PER_HOUR).await;
    grant(&registry, 1, "registry/*").await;
    let (mut number, mut spent) = (0, 0);
    while spent < PER_HOUR {
        join(&registry, number, 1).await.expect("applied");
        number += 1;
        let left = explain(&registry, "did_create", Some(1)).await;
        assert!(used(&left["own"]) >= spent + 100, "each join costs something: {left}");
        spent = used(&left["own"]);
        assert_eq!(left["allowed"], spent < PER_HOUR);
    }
    assert!(number > 1, "{PER_HOUR} units are enough for {number}");
    let answer = explain(&registry, "did_create", Some(1)).await;
    let all = quota(&registry, 1, spent, PER_HOUR);
    assert_eq!((&answer["allowed"], &answer["own"]), (&json!(false), &all));
    let said = answer["explanation"].as_str().expect("text");
    assert!(said.ends_with(&format!("has used up its quota; it refills at {REFILLS}")), "{said}");
    assert_eq!(answer["endorsers"], json!([all, quota(&registry, 0, 0, PER_HOUR)]));

    let refused = words(join(&registry, number, 1).await);
    let named =
        format!("{} (its quota refills at {REFILLS}), {}", registry.dids[1], registry.dids[0]);
    assert!(refused.starts_with("ENDORSER_QUOTA") && refused.ends_with(&named), "{refused}");
    let counted = format!(
        "has spent {spent} units of cost on operations signed by its methods in this hour, \
         {PER_HOUR} are allowed"
    );
    assert!(refused.contains(&counted), "{refused}");
    join(&registry, number, 0).await.expect("the authority vouches for it");
    other_quotas(&registry, spent).await;
    let rotated = Person::new(1).rotated();
    rotate(&registry, 1, rotated).await;

    registry.server.ledger.commit_after(HOUR_MS);
    let answer = explain(&registry, "did_create", Some(1)).await;
    let refilled = with_members(
        quota(&registry, 1, 0, PER_HOUR),
        json!({ "refillsAt": "2100-01-01T02:00:00.000Z" }),
    );
    assert_eq!((&answer["allowed"], &answer["own"]), (&json!(true), &refilled));
}

/// Checks what person 1 may still write, after its methods have spent this cost and so used up
/// their quota.
async fn other_quotas(registry: &Registry, by_methods: u64) {
    let stop = explain(registry, "trust_revoke", Some(1)).await;
    assert_eq!(
        (&stop["allowed"], &stop["own"]),
        (&json!(true), &own_quota(registry, 1, (0, 0), PER_HOUR))
    );
    let create = json!({ "author": registry.dids[1], "purpose": "refresh", "length": 8 });
    let control = Person::new(1).control();
    let mut spent = 0;
    while spent < PER_HOUR {
        let own = explain(registry, "status_create", Some(1)).await;
        let left = own_quota(registry, 1, (by_methods, spent), PER_HOUR);
        assert_eq!((&own["allowed"], &own["own"]), (&json!(true), &left));
        let said = own["explanation"].as_str().expect("text");
        assert!(said.ends_with("and its control set can sign"), "{said}");
        registry.server.act_status("Create", create.clone(), &control).await;
        spent = used_by_control(&explain(registry, "status_create", Some(1)).await["own"]);
    }
    let prepared = registry.server.call("status_prepareCreate", create).await.expect("prepared");
    let refused = words(registry.server.submit(&signed(&prepared, &control)).await);
    let counted =
        format!("has spent {spent} units of cost on operations signed by its control set");
    assert!(refused.starts_with("ENDORSER_QUOTA") && refused.contains(&counted), "{refused}");
    for operation in ["status_create", "did_update"] {
        let own = explain(registry, operation, Some(1)).await;
        let none = own_quota(registry, 1, (by_methods, spent), PER_HOUR);
        assert_eq!((&own["allowed"], &own["own"]), (&json!(false), &none), "{operation}");
    }
}

#[tokio::test]
async fn a_did_that_another_controls_writes_with_the_quota_of_control_alone() {
    let registry = endorsed(2, 1).await;
    grant(&registry, 1, "registry/*").await;
    let create = json!({ "author": registry.dids[1], "purpose": "refresh", "length": 8 });
    registry.server.act_status("Create", create, &Person::new(1).control()).await;
    let own = explain(&registry, "status_create", Some(1)).await;
    let used = own_quota(&registry, 1, (0, used_by_control(&own["own"])), 1);
    assert_eq!((&own["allowed"], &own["own"]), (&json!(true), &used), "a method can sign");
    let next = Person::new(1).rotated();
    let control = KeySet { threshold: 1, members: vec![did_member(&registry, 0)] };
    rotate_to(&registry, 1, Sets { control, ..next.sets() }, next).await;
    let own = explain(&registry, "status_create", Some(1)).await;
    assert_eq!((&own["allowed"], &own["own"]), (&json!(false), &used), "no method signs");
}

fn did_member(registry: &Registry, person: usize) -> Member {
    Member::Did(registry.dids[person].parse().expect("a DID"))
}

/// Rotates the keys of a person without an endorsement.
async fn rotate(registry: &Registry, person: usize, next: Person) {
    rotate_to(registry, person, next.sets(), next).await;
}

/// Gives a person's DID these sets and the next person's document, without an endorsement.
async fn rotate_to(registry: &Registry, person: usize, sets: Sets, next: Person) {
    let now = Person::new(u8::try_from(person).expect("small"));
    let params = json!({
        "did": registry.dids[person],
        "revealed": [member(&now.next())],
        "sets": sets,
        "document": next.document_json(),
    });
    let named = with_members(params.clone(), json!({ "endorser": registry.dids[0] }));
    let refused = words(registry.server.call("did_prepareRotate", named).await);
    assert!(refused.starts_with("INVALID_PARAMS"), "a rotate takes no endorser: {refused}");
    let prepared = registry.server.call("did_prepareRotate", params).await.expect("prepared");
    registry.server.submit(&signed(&prepared, &now.next())).await.expect("applied");
}

#[tokio::test]
async fn keys_change_without_an_endorser_and_documents_do_not() {
    let registry = endorsed(2, 10_000).await;
    let did = &registry.dids[1];
    let free = explain(&registry, "did_rotate", Some(1)).await;
    assert_eq!((&free["allowed"], free.get("resource")), (&json!(true), None));
    assert_eq!(free["explanation"], "did_rotate needs no endorsement");
    assert_eq!((&free["policy"], endorsers(&free).len()), (&json!("endorsed"), 0));

    let person = Person::new(1);
    let answer = explain(&registry, "did_update", Some(1)).await;
    assert_eq!((&answer["allowed"], &answer["resource"]), (&json!(false), &json!("registry/did")));
    let said = answer["explanation"].as_str().expect("text");
    assert!(said.starts_with(&format!("{did} has no grant of registry:write")), "{said}");
    let update = json!({ "did": did, "document": person.document_json() });
    let refused = words(registry.server.call("did_prepareUpdate", update.clone()).await);
    assert!(refused.starts_with("ENDORSEMENT_NEEDED"), "{refused}");
    let update = with_members(update, json!({ "endorser": registry.dids[0] }));
    let prepared = registry.server.call("did_prepareUpdate", update).await.expect("prepared");
    let refused = words(registry.server.submit(&alone(&prepared, Role::Control, &person)).await);
    assert!(refused.starts_with("ENDORSEMENT_NEEDED"), "{refused}");
    let envelope = signed(&prepared, &person.control());
    let envelope = vouched(&registry, &prepared, envelope, 0);
    registry.server.submit(&envelope).await.expect("applied");

    rotate(&registry, 1, person.rotated()).await;
    let next = person.rotated().next();
    let params = json!({ "did": did, "revealed": [member(&next)] });
    registry.server.act("Deactivate", params, &next).await;
    let gone = json!({ "operation": "did_update", "did": did });
    let refused = registry.refusal("explainWrite", gone).await;
    assert_eq!(refused, ("DID_DEACTIVATED".to_owned(), "did".to_owned()));
}

#[tokio::test]
async fn sixteen_endorsers_are_named_each_once_and_the_authority_last() {
    let registry = endorsed(18, 10_000).await;
    for entity in 1..3 {
        grant(&registry, entity, "registry/*").await;
    }
    grant(&registry, 1, "registry/did").await;
    let few = explain(&registry, "did_create", None).await;
    let mut named = endorsers(&few);
    assert_eq!(named.pop(), Some(registry.dids[0].as_str()), "the authority is last");
    named.sort_unstable();
    let mut expected = vec![registry.dids[1].as_str(), registry.dids[2].as_str()];
    expected.sort_unstable();
    assert_eq!(named, expected, "each once");
    for entity in 3..18 {
        grant(&registry, entity, "registry/*").await;
    }
    let many = explain(&registry, "did_create", None).await;
    let named = endorsers(&many);
    assert_eq!((named.len(), named.last()), (16, Some(&registry.dids[0].as_str())));
}

#[tokio::test]
async fn an_authority_that_is_gone_endorses_nothing() {
    let registry = endorsed(2, 10_000).await;
    grant(&registry, 1, "registry/*").await;
    registry.deactivate(0).await;
    let answer = explain(&registry, "did_create", None).await;
    assert_eq!((&answer["allowed"], endorsers(&answer).len()), (&json!(false), 0), "{answer}");
    let said = answer["explanation"].as_str().expect("text");
    assert!(said.ends_with(": nobody can endorse it"), "{said}");
    let refused = words(join(&registry, 0, 1).await);
    assert!(refused.starts_with("ENDORSER_NOT_GRANTED"), "{refused}");
    assert!(!refused.contains("who can endorse"), "{refused}");
}

#[tokio::test]
async fn a_question_out_of_form_is_told_which_member_is_wrong() {
    let registry = endorsed(1, 10_000).await;
    let nobody = "did:idem:local:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    for (params, name, field) in [
        (json!({}), "INVALID_PARAMS", "params"),
        (json!({ "operation": "did_write" }), "INVALID_PARAMS", "operation"),
        (json!({ "operation": 1 }), "INVALID_PARAMS", "operation"),
        (json!({ "operation": "did_update", "did": "Alice" }), "INVALID_PARAMS", "did"),
        (json!({ "operation": "did_update", "did": nobody }), "DID_NOT_FOUND", "did"),
    ] {
        let found = registry.refusal("explainWrite", params.clone()).await;
        assert_eq!(found, (name.to_owned(), field.to_owned()), "{params}");
    }
    let params = json!({ "operation": "did_write" });
    let refused = words(registry.server.call("trust_explainWrite", params).await);
    assert!(refused.contains("must be one of did_create, did_update,"), "{refused}");
}

//! The operations that make the fixed ledger of the snapshots, one block after another.

use registry_core::governance::{Change, Edits, Parameters};
use registry_core::operation::Role;
use registry_core::time::TimeMs;
use serde_json::{Value, json};

use super::world::{
    ACCREDITOR, AGENT, AUTHORITY, GONE, ISSUER, MATURED, PRINCIPAL, RECOVERING, REVOKED_AGENT,
    ROTATED, SHARED, STRANGER, SUBAGENT, SUSPENDED_AGENT, World, key, person,
};
use crate::common::client::with_members;
use crate::common::genesis::{entry, parameters};
use crate::common::people::{Person, member};

/// Schema of the credential that the operations are about.
pub(super) const CONTENT: &str = "{\n  \"$schema\": \
    \"https://json-schema.org/draft/2020-12/schema\",\n  \"maximum\": 1.50\n}";

/// Number of heights from the newest block to the first height at which a change can hold that the
/// next block proposes.
const NOTICE: u64 = 11;

/// Owner of the second key of the DID that several parties control.
pub(super) fn partner() -> Person {
    Person::new(110)
}

pub(super) async fn tell(world: &mut World) {
    people(world).await;
    proposals(world).await;
    rights(world).await;
    schemas(world).await;
    world.early = world.now();
    lists(world).await;
    agents(world).await;
    world.late = world.now();
    endings(world).await;
}

/// Returns sets whose control set has two keys and a DID, of which two must sign.
pub(super) fn shared_sets(world: &World) -> Value {
    let own = person(SHARED).rotated();
    let mut sets = json!(own.sets());
    let mut members = vec![member(&own.control()), member(&partner().control())];
    let did = world.dids[PRINCIPAL].parse().expect("a DID");
    members.push(registry_core::did::Member::Did(did));
    members.sort();
    sets["control"] = json!({ "threshold": 2, "members": members });
    sets
}

/// Returns a document with more members than most.
pub(super) fn rich_document() -> Value {
    let mut document = person(ROTATED).rotated().document_json();
    document["alsoKnownAs"] = json!(["https://rotated.example/"]);
    document["verificationMethod"][1]["validFrom"] = json!("2023-11-14T22:13:30Z");
    document["verificationMethod"][1]["expires"] = json!("2033-11-14T22:13:20Z");
    document["capabilityInvocation"] = json!(["key-1"]);
    document["keyAgreement"] = json!([]);
    document
}

async fn people(world: &mut World) {
    let heir = person(MATURED).rotated();
    let recover = json!({
        "did": world.dids[MATURED], "sets": heir.sets(), "document": heir.document_json(),
    });
    let by = [(Role::Recovery, person(MATURED).recovery())];
    world.act("did_prepareRecover", recover, &by).await;

    let (before, after) = (person(ROTATED), person(ROTATED).rotated());
    let rotate = json!({
        "did": world.dids[ROTATED],
        "revealed": [member(&before.next())],
        "sets": after.sets(),
        "document": after.document_json(),
    });
    world.act("did_prepareRotate", rotate, &[(Role::Next, before.next())]).await;
    let update = json!({ "did": world.dids[ROTATED], "document": rich_document() });
    let updated = world.act("did_prepareUpdate", update, &[(Role::Control, after.control())]).await;
    world.made["update"] = updated["operation"].clone();

    let own = person(SHARED);
    let rotate = json!({
        "did": world.dids[SHARED],
        "revealed": [member(&own.next())],
        "sets": shared_sets(world),
        "document": own.rotated().document_json(),
    });
    world.act("did_prepareRotate", rotate, &[(Role::Next, own.next())]).await;
    let update = json!({ "did": world.dids[SHARED], "document": own.rotated().document_json() });
    let by = [own.rotated().control(), partner().control()].map(|key| (Role::Control, key));
    world.act("did_prepareUpdate", update, &by).await;
}

pub(super) fn heartbeat(heartbeat_ms: u64) -> Value {
    json!(Change::Parameters(Parameters { heartbeat_ms, ..parameters() }))
}

/// Proposes a change as the first governor, and keeps the id of the proposal under `word`.
async fn propose(world: &mut World, word: &str, change: Value, height: u64) -> Value {
    let params = world.by(AUTHORITY, json!({ "change": change, "height": height }));
    let by = [(Role::Approval, key(AUTHORITY))];
    let made = world.act("governance_preparePropose", params, &by).await;
    world.made[word] = made["proposal"].clone();
    json!({ "proposal": made["proposal"] })
}

async fn decide(world: &World, governor: usize, action: &str, proposal: &Value) {
    let params = world.by(governor, proposal.clone());
    let method = format!("governance_prepare{action}");
    world.act(&method, params, &[(Role::Approval, key(governor))]).await;
}

async fn proposals(world: &mut World) {
    let height = world.server.ledger.head().height;
    let active = propose(world, "active", heartbeat(20_000), height + NOTICE).await;
    decide(world, ACCREDITOR, "Approve", &active).await;
    let newcomer = |name: &str, seed: u8| {
        let put = vec![entry(name, seed, 1)];
        json!(Change::Validators(Edits { put, remove: Vec::new() }))
    };
    let cancelled = propose(world, "cancelled", newcomer("second", 11), height + NOTICE + 3).await;
    decide(world, ISSUER, "Approve", &cancelled).await;
    let open = propose(world, "open", json!({ "version": 2 }), height + 900).await;
    decide(world, ISSUER, "Approve", &open).await;
    decide(world, ISSUER, "Withdraw", &open).await;
    let waits = propose(world, "waits", newcomer("later", 31), height + 1_000).await;
    decide(world, ACCREDITOR, "Approve", &waits).await;
}

async fn rights(world: &mut World) {
    let until = "2033-11-14T00:00:00Z";
    for (author, entity, resource, more) in [
        (
            AUTHORITY,
            ACCREDITOR,
            "degrees/*",
            json!({ "maxDepth": 2, "assurance": "high", "validUntil": until }),
        ),
        (
            ACCREDITOR,
            ISSUER,
            "degrees/bachelor",
            json!({
                "maxDepth": 1,
                "assurance": "substantial",
                "evidence": "11".repeat(32),
                "terms": "https://terms.example/1",
            }),
        ),
        (ISSUER, PRINCIPAL, "degrees/bachelor", json!({ "assurance": "low" })),
        (AUTHORITY, STRANGER, "licences/a", json!({})),
        (AUTHORITY, STRANGER, "licences/b", json!({})),
        (AUTHORITY, STRANGER, "licences/old", json!({ "validUntil": "2023-11-14T22:14:20Z" })),
        (AUTHORITY, STRANGER, "licences/new", json!({ "validFrom": until })),
        (AUTHORITY, GONE, "licences/c", json!({})),
        (AUTHORITY, ROTATED, "licences/d", json!({ "maxDepth": 3 })),
        (ROTATED, RECOVERING, "licences/d", json!({})),
    ] {
        let params = with_members(world.right(entity, resource), more);
        grant(world, author, params).await;
    }
    let web = json!({ "entity": "did:web:issuer.example", "action": "issue", "resource": "x/*" });
    world.act_by(AUTHORITY, "trust_prepareGrant", web).await;
    for (action, entity, resource) in [
        ("Change", ROTATED, "licences/d"),
        ("Suspend", STRANGER, "licences/a"),
        ("Revoke", STRANGER, "licences/b"),
        ("Suspend", ROTATED, "licences/d"),
        ("Resume", ROTATED, "licences/d"),
        ("Suspend", ROTATED, "licences/d"),
    ] {
        let right = world.right(entity, resource);
        world.act_by(AUTHORITY, &format!("trust_prepare{action}"), right).await;
    }
    recognitions(world).await;
}

/// Grants a right. The only author with rotated keys signs with the new ones.
async fn grant(world: &World, author: usize, params: Value) {
    let key = if author == ROTATED { person(ROTATED).rotated().control() } else { key(author) };
    let params = world.by(author, params);
    world.act("trust_prepareGrant", params, &[(Role::Control, key)]).await;
}

async fn recognitions(world: &World) {
    let elsewhere = json!({
        "entity": world.dids[AUTHORITY].replace(":local:", ":other:"),
        "network": {
            "chain": "22".repeat(32),
            "height": 9,
            "header": "33".repeat(32),
            "validators": "44".repeat(32),
        },
    });
    let more = json!({
        "evidence": "55".repeat(32),
        "terms": "https://terms.example/2",
        "validFrom": "2023-11-14T22:13:20Z",
        "validUntil": "2033-11-14T00:00:00Z",
    });
    for (entity, members) in
        [(ACCREDITOR, more), (STRANGER, json!({})), (STRANGER, elsewhere), (GONE, json!({}))]
    {
        let params = with_members(world.right(entity, "degrees/*"), members);
        world.act_by(AUTHORITY, "trust_prepareRecognise", params).await;
    }
    let right = world.right(STRANGER, "degrees/*");
    world.act_by(AUTHORITY, "trust_prepareDerecognise", right).await;
}

async fn publish(world: &mut World, word: &str, author: usize, title: &str, more: Value) {
    let content = CONTENT.replace("1.50", &format!("1.50, \"title\": \"{title}\""));
    let params = with_members(json!({ "content": content }), more);
    let made = world.act_by(author, "schema_preparePublish", params).await;
    world.made[word] = made["schema"].clone();
}

async fn schemas(world: &mut World) {
    let of = json!({ "credentialType": "degrees/bachelor" });
    publish(world, "schema", AUTHORITY, "degree", of.clone()).await;
    let newer = with_members(of, json!({ "supersedes": world.id("schema") }));
    publish(world, "newer", AUTHORITY, "Grad \u{e9} \u{1d11e}", newer).await;
    publish(world, "withdrawn", AUTHORITY, "old", json!({})).await;
    let withdrawn = json!({ "schema": world.id("withdrawn") });
    world.act_by(AUTHORITY, "schema_prepareWithdraw", withdrawn).await;
    let whole = json!({
        "name": "degrees/bachelor",
        "schema": world.id("schema"),
        "validityMsMax": 31_536_000_000_u64,
        "statusPurposes": ["revocation"],
        "assurance": "low",
        "formats": ["vc+jwt", "dc+sd-jwt"],
        "suites": ["ES256"],
    });
    let first = json!({ "name": "degrees/bachelor" });
    for (author, action, params) in [
        (AUTHORITY, "Publish", first),
        (AUTHORITY, "Publish", whole),
        (AUTHORITY, "Publish", json!({ "name": "degrees/old" })),
        (AUTHORITY, "Withdraw", json!({ "name": "degrees/old" })),
        (ISSUER, "Publish", json!({ "name": "licences/a" })),
    ] {
        world.act_by(author, &format!("schema_prepare{action}Type"), params).await;
    }
}

async fn lists(world: &mut World) {
    let delegates = json!([
        { "did": world.dids[PRINCIPAL], "start": 0, "length": 64, "entriesPerHour": 64 },
        { "did": world.dids[STRANGER], "start": 8, "length": 4, "entriesPerHour": 2,
            "validUntil": "2033-11-14T00:00:00Z" },
    ]);
    for (word, params) in [
        ("revocation", json!({ "purpose": "revocation", "length": 200 })),
        (
            "suspension",
            json!({ "purpose": "suspension", "length": 64, "delegates": delegates,
                "validFrom": "2023-11-14T22:13:20Z", "validUntil": "2033-11-14T00:00:00Z" }),
        ),
        ("refresh", json!({ "purpose": "refresh", "length": 8, "uri": "https://lists.example/1" })),
        (
            "message",
            json!({ "purpose": "message", "length": 100, "bits": 2,
                "messages": ["open", "waits", "done", "lost"] }),
        ),
        (
            "ended",
            json!({ "purpose": "suspension", "length": 16,
                "validUntil": "2023-11-14T22:14:50Z" }),
        ),
    ] {
        let made = world.act_by(ISSUER, "status_prepareCreate", params).await;
        world.made[word] = made["list"].clone();
    }
    for (author, word, changes) in [
        (ISSUER, "revocation", json!({ "entries": [3, 199], "value": 1 })),
        (PRINCIPAL, "suspension", json!({ "entries": [5, 7], "value": 1 })),
        (ISSUER, "suspension", json!({ "entries": [5], "value": 0 })),
        (
            ISSUER,
            "message",
            json!({ "runs": [
            { "start": 0, "length": 4, "value": 3 },
            { "start": 10, "length": 1, "value": 2, "expect": 0 },
        ] }),
        ),
        (ISSUER, "refresh", json!({ "entries": [0], "value": 1 })),
    ] {
        let params = with_members(changes, json!({ "list": world.id(word) }));
        world.act_by(author, "status_prepareSet", params).await;
    }
    let list = json!({ "list": world.id("refresh") });
    world.act_by(ISSUER, "status_prepareClose", list).await;
    let update = json!({
        "list": world.id("suspension"),
        "validUntil": "2034-11-14T00:00:00Z",
        "delegates": [{ "did": world.dids[PRINCIPAL], "start": 0, "length": 32,
            "entriesPerHour": 64 }],
    });
    world.act_by(ISSUER, "status_prepareUpdate", update).await;
}

async fn agents(world: &mut World) {
    let wide = json!({
        "actions": ["reply", "read", "issue"], "resources": ["mail/*", "degrees/*"], "maxDepth": 1,
    });
    let narrow = json!({ "actions": ["reply"], "resources": ["mail/inbox"] });
    for (principal, agent, terms) in [
        (PRINCIPAL, AGENT, wide),
        (AGENT, SUBAGENT, narrow.clone()),
        (PRINCIPAL, SUSPENDED_AGENT, narrow.clone()),
        (PRINCIPAL, REVOKED_AGENT, narrow),
    ] {
        let more = json!({ "agent": world.dids[agent], "validUntil": "2033-01-01T00:00:00Z" });
        let params = world.by(principal, with_members(terms, more));
        let by = [(Role::Control, key(principal)), (Role::Consent, key(agent))];
        world.act("agent_prepareDelegate", params, &by).await;
    }
    for (action, agent) in [
        ("Suspend", AGENT),
        ("Resume", AGENT),
        ("Suspend", SUSPENDED_AGENT),
        ("Revoke", REVOKED_AGENT),
    ] {
        let params = json!({ "agent": world.dids[agent] });
        world.act_by(PRINCIPAL, &format!("agent_prepare{action}"), params).await;
    }
}

/// Deactivates a DID, commits a block of two operations, and starts a recovery that stays pending.
async fn endings(world: &mut World) {
    let gone = person(GONE);
    let params = json!({ "did": world.dids[GONE], "revealed": [member(&gone.next())] });
    world.act("did_prepareDeactivate", params, &[(Role::Next, gone.next())]).await;
    for (number, salt) in [(STRANGER, 1), (PRINCIPAL, 2)] {
        let document = person(number).invoking();
        let params = json!({ "did": world.dids[number], "document": document });
        let by = [(Role::Control, key(number))];
        let (_, envelope) = world.sign("did_prepareUpdate", params, &by).await;
        world.admit(&envelope).await;
        world.made[format!("envelope {salt}")] =
            json!(registry_core::codec::base64url(&envelope.bytes()));
    }
    world.server.ledger.commit();
    let heir = person(RECOVERING).rotated();
    let recover = json!({
        "did": world.dids[RECOVERING], "sets": heir.sets(), "document": heir.document_json(),
    });
    let by = [(Role::Recovery, person(RECOVERING).recovery())];
    world.act("did_prepareRecover", recover, &by).await;
    let head = world.server.ledger.head();
    assert!(TimeMs(head.time_ms).millis() > world.late, "the story goes on");
}

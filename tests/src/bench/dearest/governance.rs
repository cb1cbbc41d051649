//! Governance in the cases: proposals and what is said about them, by governors with one key or by
//! boards, announcements of newcomers, and the change to an endorsed network.

use anyhow::{Context as _, Result, bail};
use libp2p::PeerId;
use libp2p::identity::ed25519;
use registry_core::crypto::{Hash, ValidatorKey};
use registry_core::governance::{Change, Edits, Governors, ValidatorEntry, ValidatorReady};
use registry_core::id::Did;
use registry_core::limits::{DAY_MS, NOTICE_HEIGHTS_MIN, SCHEDULED_CHANGES_MAX, TRUST_CHAIN_MAX};
use rpc::prepare::Subject;
use serde_json::{Value, json};

use super::cases::{requests, with};
use super::ground::{Ground, Request, create};
use super::people::Form;

/// Returns as many proposals as the governors may make in a day, on a new day. The governors are of
/// this form.
pub(super) fn proposals(ground: &mut Ground, form: Form) -> Result<Vec<Request>> {
    const A_DAY: usize = 8;
    govern_by(ground, form)?;
    begin_day(ground)?;
    let (governors, parameters) = (ground.governors.clone(), ground.parameters());
    // Other heartbeats than those of the proposals before.
    let first_ms = 10_000 + usize::try_from(ground.parent.height)?;
    let propose = |number: usize| {
        let change = with(parameters.clone(), json!({ "heartbeat_ms": first_ms + number }));
        proposal(&governors[number % governors.len()], json!({ "parameters": change }))
    };
    Ok((0..A_DAY * governors.len()).map(propose).collect())
}

/// Lets the approved changes take effect, so that the agenda is empty, and begins a new day.
fn begin_day(ground: &mut Ground) -> Result<()> {
    while !ground.scheduled()?.0.is_empty() {
        ground.wait(MINUTE_MS)?;
    }
    ground.wait(DAY_MS)
}

fn proposal(author: &Did, change: Value) -> Request {
    let params = json!({ "author": author, "change": change });
    Request::Prepared { method: "governance_preparePropose", params }
}

/// Makes as many proposals as can be approved at a time, lets a second governor take all but the
/// last of these steps on each, and returns its last step on each.
pub(super) fn steps(
    ground: &mut Ground,
    form: Form,
    methods: &[&'static str],
) -> Result<Vec<Request>> {
    let mut proposals = proposals(ground, form)?;
    proposals.truncate(SCHEDULED_CHANGES_MAX);
    let governors = ground.governors.clone();
    let made = ground.write(proposals)?.into_iter().enumerate();
    let step = |(number, subject): (usize, Subject)| {
        let author = &governors[(number + 1) % governors.len()];
        Ok(json!({ "author": author, "proposal": proposed(&subject)? }))
    };
    let steps: Vec<Value> = made.map(step).collect::<Result<_>>()?;
    let (last, before) = methods.split_last().context("a step")?;
    for method in before {
        ground.write(requests(&steps, method, Value::clone))?;
    }
    Ok(requests(&steps, last, Value::clone))
}

fn proposed(subject: &Subject) -> Result<Hash> {
    let Subject::Proposal(proposal) = subject else { bail!("no proposal was made") };
    Ok(*proposal)
}

/// Lets a change take effect: two governors approve it, and its notice passes.
fn change(ground: &mut Ground, change: Value) -> Result<()> {
    begin_day(ground)?;
    let governors = ground.governors.clone();
    let height = ground.parent.height + 2 * NOTICE_HEIGHTS_MIN;
    let params = json!({ "author": governors[0], "change": change, "height": height });
    let propose = Request::Prepared { method: "governance_preparePropose", params };
    let made = ground.write(vec![propose])?;
    let id = proposed(made.first().context("one proposal")?)?;
    let approve = json!({ "author": governors[1], "proposal": id });
    ground
        .write(vec![Request::Prepared { method: "governance_prepareApprove", params: approve }])?;
    begin_day(ground)
}

/// Time in ms between two blocks that counts as live time as a whole.
const MINUTE_MS: u64 = 59_000;
/// Number of newcomers for which a proposal has room.
const NEWCOMERS: usize = 75;

/// Hands the network to governors of this form, unless it has them.
fn govern_by(ground: &mut Ground, form: Form) -> Result<()> {
    if ground.governed_by == form {
        return Ok(());
    }
    let people = ground.people(form, ground.governors.len())?;
    let mut members: Vec<Did> = people.into_iter().map(|person| person.did).collect();
    members.sort();
    let governors = Governors { threshold: 2, members: members.clone() };
    change(ground, json!({ "governors": governors }))?;
    (ground.governors, ground.governed_by) = (members, form);
    Ok(())
}

/// Proposes newcomers, and returns the announcement of each.
pub(super) fn announcements(ground: &mut Ground) -> Result<Vec<Request>> {
    govern_by(ground, Form::Plain)?;
    begin_day(ground)?;
    let (mut entries, mut signers) = (Vec::new(), Vec::new());
    for number in 1..=NEWCOMERS {
        let key = ground.keys.make_key()?;
        let raw: [u8; 32] = key.raw().try_into()?;
        let peer = ed25519::PublicKey::try_from_bytes(ground.keys.make_key()?.raw())?;
        entries.push(ValidatorEntry {
            name: format!("node-{number:03}"),
            key: ValidatorKey(raw),
            power: 1,
            peer: PeerId::from_public_key(&peer.into()).to_string(),
            addresses: vec![format!("/ip4/192.0.2.{number}/tcp/7640")],
        });
        signers.push(key);
    }
    let edits = Change::Validators(Edits { put: entries.clone(), remove: Vec::new() });
    let governor = ground.governors[0].clone();
    let made = ground.write(vec![proposal(&governor, serde_json::to_value(edits)?)])?;
    let proposal = proposed(made.first().context("one proposal")?)?;
    let header = ground.parent.clone();
    // The block that an announcement names lies below the newest one.
    ground.wait(MINUTE_MS)?;
    let announce = |(entry, signer): (ValidatorEntry, _)| {
        let ValidatorEntry { key, peer, .. } = entry;
        let ready = ValidatorReady { proposal, key, peer, version: 1, header: header.clone() };
        ground.announced(ready, &signer)
    };
    entries.into_iter().zip(signers).map(announce).collect()
}

/// Makes the network an endorsed one, unless it is. The only endorser has the right to write at the
/// end of a chain of the greatest length, so this right costs the most.
pub(super) fn endorse(ground: &mut Ground) -> Result<()> {
    if ground.endorser.is_some() {
        return Ok(());
    }
    govern_by(ground, Form::Plain)?;
    let mut chain: Vec<Did> = Vec::new();
    for person in ground.people(Form::Plain, TRUST_CHAIN_MAX)? {
        chain.push(person.did);
    }
    let method = ground.keys.make_key()?.to_string();
    let endorser = json!({
        "verificationMethod": [{ "id": "key-1", "publicKeyMultibase": method }],
        "capabilityInvocation": ["key-1"],
    });
    let sets = ground.sets(Form::Plain)?.0;
    let made = ground.write(vec![create(sets, &serde_json::from_value(endorser)?)])?;
    let Some(Subject::Did(endorser)) = made.into_iter().next() else { bail!("no DID was made") };
    chain.push(endorser.clone());
    for (index, link) in chain.windows(2).enumerate() {
        let depth = TRUST_CHAIN_MAX - 1 - index;
        let params = json!({
            "author": link[0],
            "authority": chain[0],
            "action": "registry:write",
            "resource": "registry/*",
            "entity": link[1],
            "maxDepth": (depth > 0).then_some(depth),
        });
        ground.write(vec![Request::Prepared { method: "trust_prepareGrant", params }])?;
    }
    let policy = json!({ "endorsed": { "authority": chain[0], "cost_per_hour": u32::MAX } });
    let parameters = with(ground.parameters(), json!({ "write_policy": policy }));
    change(ground, json!({ "parameters": parameters }))?;
    ground.endorser = Some(endorser);
    Ok(())
}

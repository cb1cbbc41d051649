//! Random histories of an issuer and the parties around it, made of real operations.

use std::sync::LazyLock;

use registry_core::agent::AgentDelegate;
use registry_core::did::Document;
use registry_core::id::{ListId, SchemaId};
use registry_core::names::TrustKey;
use registry_core::operation::{Action, Operation};
use registry_core::record::Entry;
use registry_core::schema::{
    CredentialTypePublish, CredentialTypeWithdraw, SchemaPublish, SchemaWithdraw,
};
use registry_core::status::StatusPurpose;
use registry_core::trust::Conditions;
use serde_json::json;

use crate::oracle::{
    AGENT, ASSURANCE, AUTHORITY, Deed, Event, ISSUER, Key, LINKS, PARTIES, PRINCIPAL, Status,
    WANTED, Who, World,
};
use crate::support::agent::{self, agent_operation, seal_for};
use crate::support::ledger::{GENESIS_MS, Ledger};
use crate::support::random::Random;
use crate::support::status::{
    entries, list_of, plain_list, seal_by_method, status_create, status_set,
};
use crate::support::trust::{self, Party, parent, right};
use crate::support::{change, ed, seal, update};

pub(crate) const TYPE: &str = "degrees/bachelor";
pub(crate) const ENTRY: u64 = 5;
const CONTENT: &str = r#"{"$schema":"https://json-schema.org/draft/2020-12/schema"}"#;

const BLOCKS: u64 = 60;
/// Number of deeds after which deeds that cannot be undone are tried.
const LATE: usize = 55;
const GAP_MS: u64 = 700;

static ALL: LazyLock<Vec<Party>> = LazyLock::new(|| {
    let party = |who: Who| match who {
        ISSUER => Party::with_document(seed(ISSUER), document(Key::Good)),
        who => Party::new(seed(who)),
    };
    (0..PARTIES).map(party).collect()
});

fn seed(who: Who) -> u8 {
    30 + 3 * who as u8
}

pub(crate) fn party(who: Who) -> &'static Party {
    &ALL[who]
}

/// Returns a document that signs operations with `key-1` and credentials with `sign-1` or `sign-2`.
fn document(key: Key) -> Document {
    let writes = json!({ "id": "key-1", "publicKeyMultibase": ed(seed(ISSUER)).public() });
    let (name, signing) = if key == Key::Removed { ("sign-2", 91) } else { ("sign-1", 90) };
    let mut signs = json!({ "id": name, "publicKeyMultibase": ed(signing).public() });
    if let Key::Stolen(since) = key {
        let time = registry_core::time::TimeMs(since);
        signs["revoked"] = json!(time.to_string());
    }
    let document = json!({
        "verificationMethod": [writes, signs],
        "assertionMethod": [name],
        "capabilityInvocation": ["key-1"],
    });
    serde_json::from_value(document).expect("a document")
}

pub(crate) fn schema_id() -> SchemaId {
    SchemaId::of_content(&party(AUTHORITY).did, CONTENT)
}

/// Returns the key of a party's right to issue.
pub(crate) fn right_of(who: Who) -> TrustKey {
    right(&party(AUTHORITY).did, TYPE, &party(who).id())
}

fn opening() -> Operation {
    let list = plain_list(StatusPurpose::Revocation, 1, 62);
    status_create(&party(ISSUER).did, 9, list)
}

pub(crate) fn list() -> ListId {
    list_of(&opening())
}

/// All versions of all records, and the deeds that made them.
pub(crate) struct History {
    random: Random,
    pub(crate) ledger: Ledger,
    /// Record versions in the order of blocks.
    pub(crate) entries: Vec<Entry>,
    pub(crate) events: Vec<Event>,
}

impl History {
    pub(crate) fn new(seed: u64) -> Self {
        let (ledger, random) = (Ledger::new(), Random::new(seed));
        let mut history = Self { random, ledger, entries: Vec::new(), events: Vec::new() };
        for _ in 0..BLOCKS {
            history.block();
        }
        history
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.random.below(limit)
    }

    /// Returns a time from genesis to after the last block. Half of the times are next to an event.
    pub(crate) fn some_time(&mut self) -> u64 {
        let end = self.ledger.head.time - GENESIS_MS;
        if self.random.one_in(2) {
            return GENESIS_MS + self.random.below(end + GAP_MS);
        }
        self.random.pick(&self.events).time_ms - 1 + self.random.below(3)
    }

    /// Adds a block with a deed, sometimes with two.
    fn block(&mut self) {
        let time_ms = self.ledger.head.time + 1 + self.random.below(2 * GAP_MS - 1);
        let (mut present, mut envelopes) = (self.ledger.clone(), Vec::new());
        for _ in 0..=u64::from(self.random.one_in(3)) {
            let Some(deed) = self.deed(time_ms) else { break };
            envelopes.push(envelope(&present, deed, time_ms));
            self.events.push(Event { time_ms, deed });
            present = self.ledger.clone();
            let result = present.block(time_ms, &envelopes);
            result.unwrap_or_else(|refusal| panic!("{refusal}: {:?}", self.events));
        }
        if envelopes.is_empty() {
            return;
        }
        let execution = self.ledger.attempt(time_ms, &envelopes).expect("as before");
        self.entries.extend(execution.changes.entries.iter().cloned());
        self.ledger.state.commit(&execution.changes);
        self.ledger.head = execution.header;
    }

    /// Returns one of the deeds that the rules allow, if there are any. It prefers deeds that build
    /// up or repair.
    fn deed(&mut self, time_ms: u64) -> Option<Deed> {
        let world = World::at(&self.events, time_ms);
        let (late, mut all) = (self.events.len() > LATE, Vec::new());
        for who in 0..PARTIES {
            if !world.registered[who] {
                return Some(Deed::Register(who));
            }
        }
        let active = |who: Who| !world.deactivated[who];
        let mut may = |weight: usize, deed: Deed| all.extend(std::iter::repeat_n(deed, weight));
        for who in (0..PARTIES).filter(|who| active(*who) && late) {
            may(1, Deed::Deactivate(who));
        }
        if active(AUTHORITY) {
            publishing(&world, late, &mut may);
        }
        for link in (0..LINKS).filter(|link| active(*link)) {
            match world.links[link] {
                None if world.has_right(link) => may(30, Deed::Grant(link)),
                Some(Status::Active) => may(1, Deed::Turn(link, Status::Suspended)),
                Some(Status::Suspended) => {
                    // A grant is resumed only under a live chain.
                    let live = usize::from(world.has_right(link));
                    may(30 * live, Deed::Turn(link, Status::Active));
                    may(usize::from(late), Deed::Turn(link, Status::Revoked));
                }
                _ => {}
            }
        }
        if active(ISSUER) {
            let since = (time_ms - self.random.below(8_000)) / 1_000 * 1_000;
            signing(&world, late.then_some(since), &mut may);
        }
        if active(PRINCIPAL) {
            let until = time_ms + 1 + self.random.below(2 * BLOCKS * GAP_MS);
            delegating(&world, until, active(AGENT), &mut may);
        }
        if all.is_empty() { None } else { Some(self.random.pick(&all)) }
    }
}

/// Returns the envelope of a deed over the present state.
fn envelope(ledger: &Ledger, deed: Deed, time_ms: u64) -> Vec<u8> {
    let issuer = party(ISSUER);
    let name = TYPE.parse().expect("a type");
    match deed {
        Deed::Register(who) => party(who).create.clone(),
        Deed::Deactivate(who) => party(who).deactivating(ledger),
        Deed::PublishSchema => {
            let credential_type = Some(name);
            let (content, supersedes) = (CONTENT.to_owned(), None);
            let publish = SchemaPublish { content, credential_type, supersedes };
            publishes(ledger, Action::SchemaPublish(Box::new(publish)))
        }
        Deed::WithdrawSchema => {
            let withdraw = SchemaWithdraw { schema: schema_id(), void: false };
            publishes(ledger, Action::SchemaWithdraw(withdraw))
        }
        Deed::PublishType => {
            publishes(ledger, Action::CredentialTypePublish(Box::new(credential_type())))
        }
        Deed::WithdrawType => {
            let withdraw = CredentialTypeWithdraw { name, void: false };
            publishes(ledger, Action::CredentialTypeWithdraw(withdraw))
        }
        Deed::Grant(link) => {
            let above = link.checked_sub(1).and_then(|above| parent(TYPE, &party(above).did));
            let max_depth = u8::try_from(LINKS - 1 - link).ok().filter(|depth| *depth > 0);
            let assurance = Some(ASSURANCE[link]);
            let conditions = Conditions { max_depth, assurance, ..Conditions::default() };
            let grant = trust::grant(&right_of(link + 1), above, conditions);
            party(link).signs(ledger, grant)
        }
        Deed::Turn(link, status) => {
            let key = right_of(link + 1);
            let action = match status {
                Status::Active => trust::resume(&key),
                Status::Suspended => trust::suspend(&key),
                Status::Revoked => trust::revoke(&key),
            };
            party(link).signs(ledger, action)
        }
        Deed::OpenList => seal_by_method(&opening(), issuer.key),
        Deed::SetEntry => {
            let changes = entries(1, &[ENTRY]);
            let set = status_set(&issuer.did, time_ms + 1, 4, list(), changes);
            seal_by_method(&set, issuer.key)
        }
        Deed::MarkStolen(since) => documents(ledger, Key::Stolen(since)),
        Deed::RemoveKey => documents(ledger, Key::Removed),
        Deed::ReturnKey => documents(ledger, Key::Good),
        Deed::Delegate(until) => delegates(ledger, agent::delegate(delegation(until))),
        Deed::TurnAgent(status) => delegates(
            ledger,
            match status {
                Status::Active => agent::resume(party(AGENT)),
                Status::Suspended => agent::suspend(party(AGENT)),
                Status::Revoked => agent::revoke(party(AGENT)),
            },
        ),
    }
}

/// Returns the envelope of the authority's action on the newest version of a record.
fn publishes(ledger: &Ledger, action: Action) -> Vec<u8> {
    let Party { did, key, .. } = party(AUTHORITY);
    seal_by_method(&ledger.operation(did, 3, action), *key)
}

fn documents(ledger: &Ledger, key: Key) -> Vec<u8> {
    let Party { did, key: control, .. } = party(ISSUER);
    let action = update(document(key));
    seal(&change(did, ledger.previous(did), 6, action), &[*control])
}

fn delegates(ledger: &Ledger, action: Action) -> Vec<u8> {
    let principal = party(PRINCIPAL);
    let operation = agent_operation(ledger, &principal.did, action);
    seal_for(&operation, principal, party(AGENT))
}

fn credential_type() -> CredentialTypePublish {
    CredentialTypePublish {
        name: TYPE.parse().expect("a type"),
        schema: Some(schema_id()),
        validity_ms_max: None,
        status_purposes: vec![StatusPurpose::Revocation],
        assurance: Some(WANTED),
        formats: Vec::new(),
        suites: Vec::new(),
    }
}

fn delegation(until: u64) -> AgentDelegate {
    AgentDelegate {
        agent: party(AGENT).did.clone(),
        beneath: None,
        actions: vec!["issue".parse().expect("an action")],
        resources: vec!["degrees/*".parse().expect("a pattern")],
        valid_from: None,
        valid_until: until,
        max_depth: None,
    }
}

fn publishing(world: &World, late: bool, may: &mut impl FnMut(usize, Deed)) {
    match (world.schema, world.kind) {
        (None, _) => may(99, Deed::PublishSchema),
        (Some(Status::Active), None) => may(99, Deed::PublishType),
        (Some(Status::Active), Some(Status::Revoked)) => may(9, Deed::PublishType),
        (_, Some(Status::Active)) => may(usize::from(late), Deed::WithdrawType),
        _ => {}
    }
    if world.schema == Some(Status::Active) && world.kind == Some(Status::Active) {
        may(usize::from(late), Deed::WithdrawSchema);
    }
}

/// Offers deeds about the list and the issuer's key. `since` is the time at which the key may have
/// been stolen.
fn signing(world: &World, since: Option<u64>, may: &mut impl FnMut(usize, Deed)) {
    match (world.list, since) {
        (None, _) => may(30, Deed::OpenList),
        (Some(false), Some(_)) => may(1, Deed::SetEntry),
        _ => {}
    }
    match (world.key, since) {
        (Key::Good, Some(since)) => {
            may(1, Deed::MarkStolen(since));
            may(1, Deed::RemoveKey);
        }
        (Key::Stolen(_), Some(since)) => {
            may(1, Deed::MarkStolen(since));
            may(1, Deed::RemoveKey);
            may(1, Deed::ReturnKey);
        }
        _ => {}
    }
}

fn delegating(world: &World, until: u64, consents: bool, may: &mut impl FnMut(usize, Deed)) {
    match world.agent {
        None if consents => may(30, Deed::Delegate(until)),
        Some((Status::Active, _)) => may(1, Deed::TurnAgent(Status::Suspended)),
        Some((Status::Suspended, _)) => {
            may(20, Deed::TurnAgent(Status::Active));
            may(1, Deed::TurnAgent(Status::Revoked));
        }
        _ => {}
    }
}

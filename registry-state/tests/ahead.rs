//! Operations that are signed ahead: whoever signs an operation that follows another one knows its
//! guard before a block holds the first, since no part that a guard names holds the time of a block
//! (docs/protocol/records.md, section "Parts").

#[path = "support/mod.rs"]
mod support;

use std::collections::BTreeSet;

use registry_core::did::Document;
use registry_core::limits::READY_DISTANCE_MIN;
use registry_core::operation::{Action, Covers, Operation};
use registry_core::schema::CredentialTypePublish;
use registry_core::status::{StatusPurpose, StatusUpdate};
use registry_core::trust::Conditions;

use support::agent::{agent_operation, delegate, seal_for, terms};
use support::governance::{governed, governor, proposes, put, says_ready, validator};
use support::ledger::Ledger;
use support::schema::{plain_type, publish_type, schema_envelope};
use support::status::{list_of, plain_list, seal_by_method, status_create};
use support::trust::{Party, change_of, grant, recognise, revoke, right, signing};
use support::{DELAY_MS, ed, recover, reveal, roll, salt, seal, single, update};

/// Longest distance of two blocks in ms that counts as live time as a whole.
const GAP_MS: u64 = 59_000;

/// Writes an operation against the state of a ledger.
type Write = Box<dyn Fn(&Ledger) -> Vec<u8>>;

/// Two operations of which the second names what the first writes.
struct Chain {
    /// Name of the second operation's action.
    action: &'static str,
    ledger: Ledger,
    first: Vec<u8>,
    second: Write,
    /// Live time in ms that the rules of the second demand after the first.
    apart_ms: u64,
}

impl Chain {
    fn new(action: &'static str, ledger: &Ledger, first: Vec<u8>, second: Write) -> Self {
        Self { action, ledger: ledger.clone(), first, second, apart_ms: 0 }
    }

    /// Signs the second operation over a forecast of what the first writes. The forecast has
    /// another block time than the block that comes.
    fn signed_ahead(&self) -> Vec<u8> {
        let mut forecast = self.ledger.clone();
        forecast.after(1_000, std::slice::from_ref(&self.first));
        (self.second)(&forecast)
    }

    fn check(&self) {
        let second = self.signed_ahead();
        let mut ledger = self.ledger.clone();
        let action = self.action;
        if self.apart_ms == 0 {
            let together = [self.first.clone(), second.clone()];
            let outcome = ledger.clone().block(ledger.head.time + 7_000, &together);
            assert_eq!(outcome, Ok(()), "{action} in the block of the first");
        }
        ledger.after(7_000, std::slice::from_ref(&self.first));
        for _ in 0..self.apart_ms / GAP_MS {
            ledger.after(GAP_MS, &[]);
        }
        let outcome = ledger.block(ledger.head.time + GAP_MS, &[second]);
        assert_eq!(outcome, Ok(()), "{action} in a later block");
    }
}

fn owner() -> Party {
    Party::new(10)
}

/// A ledger with these parties.
fn with(parties: &[&Party]) -> Ledger {
    let mut ledger = Ledger::new();
    let creates: Vec<Vec<u8>> = parties.iter().map(|party| party.create.clone()).collect();
    ledger.after(1_000, &creates);
    ledger
}

/// An operation of the owner that one key of its sets signs.
fn by_key(ledger: &Ledger, number: u8, action: Action, key: u8) -> Vec<u8> {
    seal(&ledger.operation(&owner().did, number, action), &[ed(key)])
}

fn dids() -> Vec<Chain> {
    let ledger = with(&[&owner()]);
    let rolls = |ledger: &Ledger| {
        by_key(ledger, 3, roll(reveal(&[ed(11)]), single(&ed(13), &ed(14), &ed(15))), 11)
    };
    let updates = by_key(&ledger, 2, update(Document::default()), 10);
    let mut pending = ledger.clone();
    let begins = recover(single(&ed(16), &ed(17), &ed(18)), Document::default());
    pending.after(1_000, &[by_key(&ledger, 2, begins, 12)]);
    let again = |ledger: &Ledger| {
        by_key(ledger, 4, recover(single(&ed(16), &ed(17), &ed(18)), Document::default()), 15)
    };
    let rolls_again = |ledger: &Ledger| {
        by_key(ledger, 4, roll(reveal(&[ed(14)]), single(&ed(16), &ed(17), &ed(18))), 14)
    };
    let ends = |ledger: &Ledger| by_key(ledger, 4, Action::DidDeactivate(reveal(&[ed(14)])), 14);
    vec![
        Chain::new(
            "did_update",
            &ledger,
            updates,
            Box::new(|ledger| by_key(ledger, 3, update(signing(ed(10))), 10)),
        ),
        Chain::new("did_rotate", &pending, rolls(&pending), Box::new(rolls_again)),
        Chain::new("did_deactivate", &pending, rolls(&pending), Box::new(ends)),
        Chain {
            apart_ms: DELAY_MS,
            ..Chain::new("did_recover", &pending, rolls(&pending), Box::new(again))
        },
    ]
}

fn lists() -> Vec<Chain> {
    let issuer = owner();
    let ledger = with(&[&issuer]);
    let create = status_create(&issuer.did, 3, plain_list(StatusPurpose::Revocation, 1, 100));
    let list = list_of(&create);
    let keeps = move |ledger: &Ledger| {
        let valid_until = Some(4_000_000_000_000);
        let update = StatusUpdate { list, valid_until, delegates: Vec::new() };
        owner().signs(ledger, Action::StatusUpdate(update))
    };
    let create = seal_by_method(&create, issuer.key);
    vec![Chain::new("status_update", &ledger, create, Box::new(keeps))]
}

fn rights() -> Vec<Chain> {
    let root = owner();
    let key = || right(&owner().did, "degrees/bachelor", "did:web:school.example");
    let grants =
        move |ledger: &Ledger| owner().signs(ledger, grant(&key(), None, Conditions::default()));
    let changes =
        move |ledger: &Ledger| owner().signs(ledger, change_of(&key(), Conditions::default()));
    let recognises = move |ledger: &Ledger| {
        let operation = ledger.operation(&owner().did, 9, recognise(&key()));
        seal_by_method(&operation, owner().key)
    };
    let ledger = with(&[&root]);
    let mut granted = ledger.clone();
    granted.after(1_000, &[grants(&ledger)]);
    let revokes = root.signs(&granted, revoke(&key()));
    vec![
        Chain::new("trust_change", &ledger, grants(&ledger), Box::new(changes)),
        Chain::new("trust_grant", &granted, revokes, Box::new(grants)),
        Chain::new(
            "trust_recognise",
            &ledger,
            root.signs(&ledger, recognise(&key())),
            Box::new(recognises),
        ),
    ]
}

fn agents() -> Vec<Chain> {
    let (principal, agent) = (owner(), Party::new(20));
    let ledger = with(&[&principal, &agent]);
    let delegates = |ledger: &Ledger, number: u8| {
        let (principal, agent) = (owner(), Party::new(20));
        let operation = agent_operation(ledger, &principal.did, delegate(terms(&agent)));
        seal_for(&Operation { salt: salt(number), ..operation }, &principal, &agent)
    };
    let again = Box::new(move |ledger: &Ledger| delegates(ledger, 9));
    vec![Chain::new("agent_delegate", &ledger, delegates(&ledger, 8), again)]
}

fn types() -> Vec<Chain> {
    let ledger = with(&[&owner()]);
    let publishes = |ledger: &Ledger, validity_ms_max: u64| {
        let found = CredentialTypePublish {
            validity_ms_max: Some(validity_ms_max),
            ..plain_type("degree")
        };
        schema_envelope(ledger, &owner(), publish_type(found))
    };
    let again = Box::new(move |ledger: &Ledger| publishes(ledger, 2_000));
    vec![Chain::new("credential_type_publish", &ledger, publishes(&ledger, 1_000), again)]
}

fn newcomers() -> Vec<Chain> {
    let mut ledger = governed(4, 1, &[governor(1)]);
    let height = ledger.head.height + 500;
    let (made, id) = proposes(&ledger, &governor(1), 3, put(&[validator(5)]), height);
    ledger.after(1_000, &[made]);
    let first = says_ready(&ledger, id, 5);
    let again = Box::new(move |ledger: &Ledger| says_ready(ledger, id, 5));
    let apart_ms = READY_DISTANCE_MIN.live_ms;
    vec![Chain { apart_ms, ..Chain::new("validator_ready", &ledger, first, again) }]
}

#[test]
fn an_operation_can_be_signed_before_the_one_it_follows_is_in_a_block() {
    let all = [dids(), lists(), rights(), agents(), types(), newcomers()];
    let mut checked = BTreeSet::new();
    for chain in all.into_iter().flatten() {
        chain.check();
        checked.insert(chain.action);
    }
    let names = Action::ALL.iter().filter(|facts| match facts.covers {
        Covers::Parts(_) | Covers::Record | Covers::OwnSlot => true,
        Covers::NoRecord
        | Covers::PendingRecovery
        | Covers::OwnGrant
        | Covers::GrantSuspension
        | Covers::DelegationSuspension
        | Covers::Made
        | Covers::Nothing => false,
    });
    let names: BTreeSet<&str> = names.map(|facts| facts.name).collect();
    assert_eq!(checked, names, "each action whose guard names parts");
}

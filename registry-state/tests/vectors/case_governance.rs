//! Vectors of governance: how a network changes its own rules (docs/protocol/governance.md).

mod effects;
mod forms;
mod readies;
mod signers;
mod steps;

use std::sync::LazyLock;

use registry_core::crypto::Hash;
use registry_core::governance::{Change, ValidatorEntry, ValidatorReady};
use registry_core::operation::Action;

use crate::catalogue::{At, Catalogue, Guarded};
use crate::support::governance::{
    approve, governed, governor, governs, heartbeat, propose, proposes, validator, withdraw,
};
use crate::support::ledger::Ledger;
use crate::support::trust::Party;

/// Three governors, of which two must approve.
static GOVERNORS: LazyLock<[Party; 3]> = LazyLock::new(|| [1, 2, 3].map(governor));

/// Returns a network with four validators, and three governors of which two must approve.
fn network() -> Ledger {
    let mut ledger = governed(4, 2, &*GOVERNORS);
    ledger.after(1_000, &[]).after(1_000, &[]);
    ledger
}

/// Returns the case in which a governor performs one action in the next block.
fn next(ledger: &Ledger, governor: usize, action: Action) -> At<'_> {
    At::new(ledger, 1_000, governs(ledger, &GOVERNORS[governor], 7, action))
}

/// Adds a block in which a governor performs one action.
fn then(ledger: &mut Ledger, governor: usize, number: u8, action: Action) {
    let envelope = governs(ledger, &GOVERNORS[governor], number, action);
    ledger.after(1_000, &[envelope]);
}

/// Adds a block with a proposal of the first governor and returns the id of the proposal.
fn proposed(ledger: &mut Ledger, change: Change, height: u64) -> Hash {
    let (envelope, id) = proposes(ledger, &GOVERNORS[0], 7, change, height);
    ledger.after(1_000, &[envelope]);
    id
}

/// Returns a ledger in which the first governor has proposed another heartbeat from height 20 on,
/// and the proposal's id.
fn with_proposal() -> (Ledger, Hash) {
    let mut ledger = network();
    let id = proposed(&mut ledger, heartbeat(10_000), 20);
    (ledger, id)
}

/// Returns each action of the family with the kinds of guards that it takes.
pub(crate) fn actions() -> Vec<Guarded> {
    let (id, ValidatorEntry { key, peer, .. }) = (Hash([7; 32]), validator(5));
    let header = Ledger::new().head;
    let ready = ValidatorReady { proposal: id, key, peer, version: 1, header };
    vec![
        (propose(heartbeat(10_000), 20), &["absent"]),
        (approve(id), &["nothing"]),
        (withdraw(id), &["nothing"]),
        (Action::ValidatorReady(Box::new(ready)), &["absent", "parts"]),
    ]
}

pub(crate) fn add(all: &mut Catalogue) {
    forms::add(all);
    signers::add(all);
    steps::add(all);
    readies::add(all);
    effects::add(all);
}

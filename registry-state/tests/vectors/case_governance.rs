//! Vectors of governance: how a network changes its own rules (docs/protocol/governance.md).

mod effects;
mod forms;
mod readies;
mod signers;
mod steps;

use std::sync::LazyLock;

use registry_core::crypto::Hash;
use registry_core::governance::Change;
use registry_core::operation::Action;

use crate::catalogue::{At, Catalogue};
use crate::support::governance::{governed, governor, governs, heartbeat, proposes};
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

pub(crate) fn add(all: &mut Catalogue) {
    forms::add(all);
    signers::add(all);
    steps::add(all);
    readies::add(all);
    effects::add(all);
}

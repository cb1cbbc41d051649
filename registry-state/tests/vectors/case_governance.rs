//! How a network changes its own rules (docs/protocol/governance.md).

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

/// The governors, of whom two must approve.
static GOVERNORS: LazyLock<[Party; 3]> = LazyLock::new(|| [1, 2, 3].map(governor));

/// Four validators, and three governors of whom two must approve.
fn network() -> Ledger {
    let mut ledger = governed(4, 2, &*GOVERNORS);
    ledger.after(1_000, &[]).after(1_000, &[]);
    ledger
}

/// What a governor does in the next block, as a case.
fn next(ledger: &Ledger, governor: usize, action: Action) -> At<'_> {
    At::new(ledger, 1_000, governs(ledger, &GOVERNORS[governor], 7, action))
}

/// A block in which a governor does one thing.
fn then(ledger: &mut Ledger, governor: usize, number: u8, action: Action) {
    let envelope = governs(ledger, &GOVERNORS[governor], number, action);
    ledger.after(1_000, &[envelope]);
}

/// A block with the first governor's proposal, and its id.
fn proposed(ledger: &mut Ledger, change: Change, height: u64) -> Hash {
    let (envelope, id) = proposes(ledger, &GOVERNORS[0], 7, change, height);
    ledger.after(1_000, &[envelope]);
    id
}

/// Another heartbeat from height 20 on, proposed by the first governor.
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

//! Vectors of changes that take effect. The roots of the block before, and of the first block after
//! it, show the effect.

use registry_core::governance::{Change, ValidatorEntry};

use super::{GOVERNORS, network, proposed, then};
use crate::catalogue::{At, Catalogue};
use crate::support::governance::{
    approve, governors_of, heartbeat, put, remove, says_ready, until, validator,
};
use crate::support::ledger::Ledger;
use crate::support::trust::Party;

/// Adds a change that two governors approve, and blocks up to one height before it takes effect.
fn due(ledger: &mut Ledger, change: Change) {
    let id = proposed(ledger, change, 20);
    then(ledger, 1, 7, approve(id));
    until(ledger, 19);
}

pub(super) fn add(all: &mut Catalogue) {
    let newcomer = Party::new(90).create;
    let mut both = |name: &str, rule: &str, mut ledger: Ledger| {
        let at = At::new(&ledger, 1_000, newcomer.clone());
        all.applied_at(&format!("effect_of_{name}"), rule, &at);
        ledger.after(1_000, &[]);
        let at = At::new(&ledger, 1_000, newcomer.clone());
        all.applied_at(&format!("after_effect_of_{name}"), rule, &at);
    };
    let rule = "An approved change takes effect with the end of the block before its height.";
    let fewer = governors_of(1, &GOVERNORS[..2]);
    for (name, change) in [
        ("parameters", heartbeat(10_000)),
        ("removal", remove(&["node-4"])),
        ("power", put(&[ValidatorEntry { power: 2, ..validator(1) }])),
        ("governors", Change::Governors(fewer)),
    ] {
        let mut ledger = network();
        due(&mut ledger, change);
        both(name, rule, ledger);
    }
    let rule = "A newcomer that has said that it is there becomes a validator.";
    let mut ledger = network();
    let id = proposed(&mut ledger, put(&[validator(5)]), 20);
    let word = says_ready(&ledger, id, 5);
    ledger.after(1_000, &[word]);
    then(&mut ledger, 1, 7, approve(id));
    until(&mut ledger, 19);
    both("newcomer", rule, ledger);
    let rule = "A change with a newcomer that said nothing is cancelled.";
    let mut ledger = network();
    due(&mut ledger, put(&[validator(5)]));
    both("newcomer_not_ready", rule, ledger);
    let rule = "A change whose approvals are too few by then is cancelled.";
    let mut ledger = network();
    let id = proposed(&mut ledger, heartbeat(10_000), 20);
    then(&mut ledger, 1, 7, approve(id));
    let gone = GOVERNORS[1].deactivating(&ledger);
    ledger.after(1_000, &[gone]);
    until(&mut ledger, 19);
    both("too_few_approvals", rule, ledger);
}

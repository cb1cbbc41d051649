//! Vectors of changes that take effect. The roots of the block before, and of the first block after
//! it, show the effect.

use registry_core::governance::{Change, ValidatorEntry};

use super::{GOVERNORS, network, proposed, then};
use crate::catalogue::{At, Catalogue};
use crate::support::governance::{
    announces, approve, governors_of, heartbeat, put, remove, says_ready, until, validator,
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
    add_waiting(all);
    add_version(all);
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

/// Adds a version that two of four validators announced. No vector shows one that takes effect,
/// because nobody can make the next block in it.
fn add_version(all: &mut Catalogue) {
    let newcomer = Party::new(90).create;
    let rule = "A version is cancelled unless more than two thirds of the power announced it.";
    let mut ledger = network();
    let id = proposed(&mut ledger, Change::Version(2), 20);
    then(&mut ledger, 1, 7, approve(id));
    let words = [1, 2].map(|n| announces(&ledger, id, n, 2));
    ledger.after(1_000, &words);
    until(&mut ledger, 19);
    let at = At::new(&ledger, 1_000, newcomer);
    all.applied_at("effect_of_version_announced_by_two", rule, &at);
}

/// Adds blocks around changes that wait for others.
fn add_waiting(all: &mut Catalogue) {
    let newcomer = Party::new(90).create;
    let mut at_height = |name: &str, rule: &str, ledger: &mut Ledger, height: u64| {
        until(ledger, height);
        let at = At::new(ledger, 1_000, newcomer.clone());
        all.applied_at(&format!("effect_{name}_{height}"), rule, &at);
    };
    let rule = "One change takes effect in a block, in the order of height and id.";
    let mut ledger = network();
    for ms in [10_000, 11_000] {
        let id = proposed(&mut ledger, heartbeat(ms), 20);
        then(&mut ledger, 1, 7, approve(id));
    }
    at_height("of_two_at_one_height", rule, &mut ledger, 19);
    at_height("of_two_at_one_height", rule, &mut ledger, 20);
    at_height("of_two_at_one_height", rule, &mut ledger, 21);
    let rule = "A change of validators waits until the last one has held for 10 heights.";
    let mut ledger = network();
    let stronger = put(&[ValidatorEntry { power: 2, ..validator(1) }]);
    for (change, height) in [(remove(&["node-4"]), 20), (stronger, 21), (heartbeat(10_000), 22)] {
        let id = proposed(&mut ledger, change, height);
        then(&mut ledger, 1, 7, approve(id));
    }
    for height in [20, 21, 28, 29, 30, 31] {
        at_height("of_validators_that_wait", rule, &mut ledger, height);
    }
}

//! Vectors of the cost of operations (docs/protocol/state.md B4).

use registry_core::code::Code;
use registry_core::did::{Document, Sets};
use registry_core::operation::{Operation, Role};
use registry_core::status::{EntryChanges, StatusPurpose};

use crate::catalogue::{At, Catalogue};
use crate::support::ledger::Ledger;
use crate::support::status::{entries, list_of, plain_list, status_create, status_set};
use crate::support::{Key, create, did_of, ed, key_set_of, p256, seal_body, single};

/// Number of blocks that change the list before the dear operation, so that its array is rebuilt
/// from as many rows.
const BLOCKS: u8 = 61;

fn by_control(operation: &Operation, keys: &[Key]) -> Vec<u8> {
    seal_body(operation.body(), Role::Control, keys)
}

pub(crate) fn add(all: &mut Catalogue) {
    let mut keys: Vec<Key> = (0..16).map(|number| p256(60 + number)).collect();
    keys.sort_by_key(|key| key.public());
    let sets = Sets { control: key_set_of(1, &keys), ..single(&ed(10), &ed(11), &ed(12)) };
    let issuer = create(sets, Document::default(), 60);
    let author = did_of(&issuer);
    let mut ledger = Ledger::new();
    ledger.after(1_000, &[by_control(&issuer, &keys[..1])]);
    let list = status_create(&author, 3, plain_list(StatusPurpose::Revocation, 1, 1 << 23));
    ledger.after(1_000, &[by_control(&list, &keys[..1])]);
    let set = |ledger: &Ledger, number: u8, changes: EntryChanges| {
        status_set(&author, ledger.head.time + 60_000, number, list_of(&list), changes)
    };
    for number in 0..BLOCKS {
        let one = set(&ledger, number, entries(1, &[u64::from(number)]));
        ledger.after(1_000, &[by_control(&one, &keys[..1])]);
    }
    let many: Vec<u64> = (0..30_000).map(|number| number * 256).collect();
    let large = set(&ledger, 100, entries(1, &many));
    let rule = "An operation costs at most 11,800 units. This one has 16 signatures by P-256, sets \
                30,000 entries and opens an array of 1 MiB.";
    let at = At::new(&ledger, 1_000, by_control(&large, &keys));
    all.refused_at("status_set_over_the_cost", rule, Code::OperationCost, &at);
    let rule = "The same operation costs less with one signature.";
    let at = At::new(&ledger, 1_000, by_control(&large, &keys[..1]));
    all.applied_at("status_set_of_the_largest_list_with_one_signature", rule, &at);
}

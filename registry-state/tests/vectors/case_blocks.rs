//! Vectors of several operations on one DID in one block. They make one version of its record.

use registry_core::code::Code;
use registry_core::did::Document;
use registry_core::operation::Action;

use crate::case_operations::{
    changing, deactivating, plain_create, plain_did, plain_sets, registered, rotated_sets,
    rotating, updating,
};
use crate::catalogue::{At, Catalogue, document};
use crate::support::ledger::Ledger;
use crate::support::{DELAY_MS, ed, recover, reveal, roll, seal, update};

const RULE: &str = "Operations of one block on one DID make one version.";

fn recovering(ledger: &Ledger, number: u8, seed: u8) -> Vec<u8> {
    let action = recover(rotated_sets(), document());
    changing(ledger, &plain_did(), number, action, &[ed(seed)])
}

fn cancelling(ledger: &Ledger, number: u8) -> Vec<u8> {
    changing(ledger, &plain_did(), number, Action::DidRecoverCancel, &[ed(12)])
}

/// Returns a rotation that keeps the document.
fn rolling(ledger: &Ledger, number: u8) -> Vec<u8> {
    changing(ledger, &plain_did(), number, roll(reveal(&[ed(11)]), rotated_sets()), &[ed(11)])
}

/// Returns the ledger after one more envelope, over which the next one of the block is signed.
fn after(ledger: &Ledger, envelope: &[u8]) -> Ledger {
    ledger.with(&[envelope.to_vec()])
}

pub(crate) fn add(all: &mut Catalogue) {
    add_created(all);
    add_updates(all);
    add_rotates(all);
    add_recoveries(all);
    add_waiting(all);
    add_documents(all);
}

fn add_created(all: &mut Catalogue) {
    let empty = Ledger::new();
    let ledger = registered();
    for (name, envelope) in [
        ("update", updating(&ledger, 2, &[ed(10)])),
        ("rotate", rotating(&ledger, 2, &[ed(11)], rotated_sets())),
        ("recover", recovering(&ledger, 2, 12)),
        ("deactivate", deactivating(&ledger, 2, &[ed(11)])),
    ] {
        let create = seal(&plain_create(), &[ed(10)]);
        let at = At::new(&empty, 1_000, envelope).following(create);
        all.applied_at(&format!("{name}_in_the_block_of_its_create"), RULE, &at);
    }
}

fn add_updates(all: &mut Catalogue) {
    let ledger = registered();
    let first = updating(&ledger, 2, &[ed(10)]);
    let second = updating(&after(&ledger, &first), 3, &[ed(10)]);
    let at = At::new(&ledger, 1_000, second).following(first.clone());
    all.applied_at("update_after_update_in_one_block", RULE, &at);
    let recovers = recovering(&ledger, 4, 12);
    let rule = "An update and the start of a recovery write parts of their own, in either order.";
    let at = At::new(&ledger, 1_000, recovers.clone()).following(first.clone());
    all.applied_at("recover_after_update_in_one_block", rule, &at);
    let at = At::new(&ledger, 1_000, first.clone()).following(recovers.clone());
    all.applied_at("update_after_recover_in_one_block", rule, &at);
    let mut pending = ledger.clone();
    pending.after(1_000, &[recovers]);
    let (first, cancels) = (updating(&pending, 5, &[ed(10)]), cancelling(&pending, 6));
    let at = At::new(&pending, 1_000, cancels.clone()).following(first.clone());
    all.applied_at("recover_cancel_after_update_in_one_block", rule, &at);
    let at = At::new(&pending, 1_000, first).following(cancels);
    all.applied_at("update_after_recover_cancel_in_one_block", rule, &at);
}

fn add_rotates(all: &mut Catalogue) {
    let ledger = registered();
    let (updates, recovers) = (updating(&ledger, 2, &[ed(10)]), recovering(&ledger, 3, 12));
    let rotates = rotating(&ledger, 4, &[ed(11)], rotated_sets());
    let ends = deactivating(&ledger, 5, &[ed(11)]);
    let rule = "An earlier operation of the block by a junior does not keep a senior out.";
    for (name, before) in [("update", &updates), ("recover", &recovers)] {
        let at = At::new(&ledger, 1_000, rotates.clone()).following(before.clone());
        all.applied_at(&format!("rotate_after_{name}_in_one_block"), rule, &at);
        let at = At::new(&ledger, 1_000, ends.clone()).following(before.clone());
        all.applied_at(&format!("deactivate_after_{name}_in_one_block"), rule, &at);
    }
    let rotated = after(&ledger, &rotates);
    for (name, envelope) in [
        ("rotate", rotating(&rotated, 6, &[ed(21)], plain_sets())),
        ("recover", recovering(&rotated, 6, 22)),
        ("deactivate", deactivating(&rotated, 6, &[ed(21)])),
    ] {
        let at = At::new(&ledger, 1_000, envelope).following(rotates.clone());
        all.applied_at(&format!("{name}_after_rotate_in_one_block"), RULE, &at);
    }
    let rule = "What an earlier operation of the block wrote counts for the guards of the next.";
    for (name, envelope) in [
        ("rotate", rotating(&ledger, 7, &[ed(11)], rotated_sets())),
        ("recover", recovers),
        ("deactivate", ends.clone()),
        ("update", updates.clone()),
    ] {
        let at = At::new(&ledger, 1_000, envelope).following(rotates.clone());
        let name = format!("{name}_signed_before_a_rotate_of_its_block");
        all.refused_at(&name, rule, Code::GuardStale, &at);
    }
    let rule = "A deactivated DID stays so, also within the block.";
    let late = updating(&after(&ledger, &ends), 8, &[ed(10)]);
    let at = At::new(&ledger, 1_000, late).following(ends);
    all.refused_at("update_after_deactivate_in_one_block", rule, Code::DidDeactivated, &at);
}

fn add_recoveries(all: &mut Catalogue) {
    let ledger = registered();
    let recovers = recovering(&ledger, 2, 12);
    let pending = after(&ledger, &recovers);
    let cancels = cancelling(&pending, 3);
    let at = At::new(&ledger, 1_000, cancels).following(recovers.clone());
    all.applied_at("recover_cancel_in_the_block_of_its_recover", RULE, &at);
    let mut pending = ledger;
    pending.after(1_000, &[recovers]);
    let cancels = cancelling(&pending, 3);
    let again = recovering(&after(&pending, &cancels), 4, 12);
    let at = At::new(&pending, 1_000, again).following(cancels.clone());
    all.applied_at("recover_after_recover_cancel_in_one_block", RULE, &at);
    let rule = "Two operations on one pending recovery do not both apply.";
    let vetoes = rotating(&pending, 5, &[ed(11)], rotated_sets());
    let at = At::new(&pending, 1_000, cancels.clone()).following(vetoes.clone());
    all.refused_at("recover_cancel_after_veto_in_one_block", rule, Code::RecoveryNotPending, &at);
    let rule = "A rotation needs no recovery to veto.";
    let at = At::new(&pending, 1_000, vetoes).following(cancels);
    all.applied_at("rotate_after_recover_cancel_in_one_block", rule, &at);
}

/// Adds updates in a block that replaces the sets. They wait for the next block.
fn add_waiting(all: &mut Catalogue) {
    let ledger = registered();
    let rule =
        "In a block that replaces the sets of a DID its document is not updated; that waits.";
    for (name, rotates) in [
        ("a_rotate", rotating(&ledger, 2, &[ed(11)], rotated_sets())),
        ("a_rotate_that_keeps_the_document", rolling(&ledger, 2)),
    ] {
        let updates = updating(&after(&ledger, &rotates), 3, &[ed(20)]);
        let at = At::new(&ledger, 1_000, updates.clone()).following(rotates.clone());
        all.waits_at(&format!("update_in_the_block_of_{name}"), rule, &at);
        let mut rotated = ledger.clone();
        rotated.after(1_000, &[rotates]);
        let at = At::new(&rotated, 1_000, updates);
        all.applied_at(&format!("update_in_the_block_after_{name}"), rule, &at);
    }
    let mut mature = ledger.clone();
    let recovers = recovering(&mature, 2, 12);
    mature.after(1_000, &[recovers]).after(DELAY_MS / 2, &[]).after(DELAY_MS / 2, &[]);
    let completes = changing(&mature, &plain_did(), 3, Action::DidRecoverComplete, &[]);
    let updates = updating(&after(&mature, &completes), 4, &[ed(20)]);
    let at = At::new(&mature, 1_000, updates).following(completes.clone());
    all.waits_at("update_in_the_block_of_a_completion", rule, &at);
    let updates = updating(&mature, 4, &[ed(10)]);
    let at = At::new(&mature, 1_000, completes).following(updates);
    all.applied_at("recover_complete_after_update_in_one_block", RULE, &at);
    let updates = updating(&ledger, 2, &[ed(10)]);
    let rotates = rolling(&ledger, 3);
    let rule = "A document of the block's earlier update stays if the rotation has none.";
    let at = At::new(&ledger, 1_000, rotates).following(updates);
    all.applied_at("rotate_keeps_the_update_of_its_block", rule, &at);
}

/// Adds rotations with and without a document, after control has written another one.
fn add_documents(all: &mut Catalogue) {
    let mut ledger = registered();
    let envelope = changing(&ledger, &plain_did(), 2, update(Document::default()), &[ed(10)]);
    ledger.after(1_000, &[envelope]);
    let rule = "A rotation without a document keeps the present one.";
    let at = At::new(&ledger, 1_000, rolling(&ledger, 3));
    all.applied_at("rotate_without_document", rule, &at);
    let rule = "A rotation with a document replaces whatever stands there.";
    let at = At::new(&ledger, 1_000, rotating(&ledger, 3, &[ed(11)], rotated_sets()));
    all.applied_at("rotate_with_document", rule, &at);
}

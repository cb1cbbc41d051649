//! Vectors of guards of lists: replays of sets, and operations that nothing keeps out.

use registry_core::code::Code;
use registry_core::limits::STATUS_SET_UNTIL_MS;

use super::{closing, no_change, other_did, setting, suspensions, updating, with_list};
use crate::case_operations::plain_did;
use crate::catalogue::{At, Catalogue};
use crate::support::ed;
use crate::support::status::{run, runs, seal_by_method, status_set};

pub(super) fn add(all: &mut Catalogue) {
    let (ledger, list) = with_list(suspensions());
    let until = ledger.head.time + 1_000 + STATUS_SET_UNTIL_MS;
    let of = |number: u8, value: u8| {
        let changes = runs(&[run(0, 1, value)]);
        seal_by_method(&status_set(&plain_did(), until, number, list, changes), ed(10))
    };
    let mut back = ledger.clone();
    back.after(1_000, &[of(4, 1)]).after(1_000, &[of(5, 0)]);
    let rule = "An operation that applies once is among the seen until its last block time.";
    let at = At::new(&back, 1_000, of(4, 1));
    all.refused_at("replay_of_status_set_after_it_was_undone", rule, Code::AlreadyApplied, &at);
    let at = At::new(&back, until - back.head.time, of(4, 1));
    let name = "replay_of_status_set_at_its_last_block_time";
    all.refused_at(name, rule, Code::AlreadyApplied, &at);
    let rule = "After its last block time a set is refused, seen or not.";
    let at = At::new(&back, until - back.head.time + 1, of(4, 1));
    all.refused_at("replay_of_status_set_after_its_end", rule, Code::UntilPassed, &at);
    let rule = "A close is final, so nothing keeps it out.";
    let close = closing(&ledger, list, &plain_did());
    let mut later = ledger.clone();
    later.after(1_000, &[setting(&ledger, list, runs(&[run(0, 1, 1)]))]);
    later.after(1_000, &[updating(&ledger, &plain_did(), no_change(list))]);
    let at = At::new(&later, 1_000, close.clone());
    all.applied_at("status_close_signed_before_an_update", rule, &at);
    let rule = "Only the issuer closes a list.";
    let other = closing(&ledger, list, &other_did());
    let at =
        At::new(&ledger, 1_000, other).following(setting(&ledger, list, runs(&[run(1, 1, 1)])));
    all.refused_at("status_close_by_other_issuer", rule, Code::StatusNotAllowed, &at);
}

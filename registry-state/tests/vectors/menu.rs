//! List of what an adversary would try first with rights, agents and governance. Each attempt is
//! one of the vectors; naming them here ensures that none gets lost.

use crate::format::{Body, Expect};
use crate::read_folder;

/// Attempts, each with the vectors that show that it is refused.
const MENU: [(&str, &[&str]); 14] = [
    (
        "an authority granting beyond its own grant",
        &["trust_assurance_above_the_parents", "trust_window_beyond_the_end"],
    ),
    ("deeper than max_depth", &["trust_depth_none", "trust_depth_as_the_parents"]),
    ("after its own suspension", &["trust_parent_suspended", "trust_chain_suspended_above_parent"]),
    ("for another's resource prefix", &["trust_resource_of_another_prefix"]),
    ("a cycle", &["trust_cycle_to_itself", "trust_cycle_to_the_grantor_above"]),
    ("a forged co-signature", &["endorser_forged", "trust_grant_with_signature_of_another"]),
    (
        "a threshold authority counted twice through one member",
        &["trust_grant_by_one_member_twice", "trust_grant_by_shared_key_alone"],
    ),
    ("a relay changing who pays", &["endorser_stripped", "endorser_added", "endorser_replaced"]),
    (
        "an endorser's signature used as approval",
        &["approval_in_role_endorser", "approval_signed_as_endorser"],
    ),
    ("a grant replayed after revocation", &["replay_of_trust_grant_after_revoke"]),
    (
        "an agent delegating to itself, a delegation outliving its principal's",
        &["agent_cycle_to_itself", "agent_beyond_window_end"],
    ),
    (
        "a governance approval counted twice",
        &["governance_approve_twice", "governance_approve_own_proposal"],
    ),
    (
        "a set change of 1/3 or more of the power",
        &["power_a_third_by_new_keys", "power_a_third_gained", "power_a_third_removed"],
    ),
    (
        "too few governors left",
        &["governors_too_few_deactivated", "governor_deactivated_too_few_left"],
    ),
];

/// This test checks only that the vectors exist; other tests check their outcomes. A newcomer that
/// is not ready cancels a change and refuses no operation (`effect_of_newcomer_not_ready`).
#[test]
fn an_adversarys_menu_is_refused_dish_by_dish() {
    let (refused, applied) = (read_folder("invalid"), read_folder("valid"));
    for (dish, files) in MENU {
        for file in files {
            let vector = refused.get(*file).unwrap_or_else(|| panic!("{file} is missing"));
            let Body::Operation(case) = &vector.body else { panic!("{file}: no operation") };
            let Expect::Refused(refused) = &case.expect else { panic!("{file}: it applies") };
            println!("{dish}: {} {} ({file})", refused.code, refused.name);
        }
    }
    assert!(applied.contains_key("effect_of_newcomer_not_ready"));
}

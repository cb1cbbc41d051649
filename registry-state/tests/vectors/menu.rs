//! List of what an adversary would try first with rights, agents and governance. Each attempt is
//! one of the vectors; naming them here ensures that none gets lost.

use crate::format::{Body, Expect};
use crate::read_folder;

/// Attempts, each with the vectors that show that it is refused.
const MENU: [(&str, &[&str]); 16] = [
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
        "methods undoing what the control set of a governor said",
        &[
            "governance_methods_approve_after_control_withdrew",
            "governance_methods_withdraw_after_control_approved",
        ],
    ),
    (
        "an old stop or resumption sent again",
        &[
            "replay_of_trust_suspend_after_resume",
            "replay_of_trust_revoke_after_new_grant",
            "replay_of_agent_revoke_after_new_delegation",
            "trust_resume_of_earlier_suspension",
        ],
    ),
    (
        "too few governors left",
        &["governors_too_few_deactivated", "governor_deactivated_too_few_left"],
    ),
];

/// What a junior would try first to keep a senior out: it writes in every block. Each attempt comes
/// with the vectors that show that the senior's operation, which was signed before, lands.
const JUNIORS: [(&str, &[&str]); 7] = [
    (
        "a thief of the control set filling the list of marked keys",
        &[
            "rotate_with_document_over_full_marks",
            "rotate_with_list_over_full_marks",
            "rotate_with_nothing_over_full_marks",
        ],
    ),
    (
        "a thief of the control set updating in each block",
        &[
            "junior_updates_in_each_block_before_rotate",
            "junior_updates_in_each_block_before_deactivate",
            "junior_updates_in_each_block_before_recover",
        ],
    ),
    (
        "a thief of the recovery set starting and cancelling recoveries",
        &["junior_recovers_and_updates_before_rotate"],
    ),
    (
        "a governor approving and withdrawing alternately",
        &[
            "junior_governor_toggles_before_approve",
            "junior_methods_before_approve_by_control",
            "junior_methods_before_withdraw_by_control",
        ],
    ),
    (
        "a revoked body writing its dead grant in each block",
        &[
            "junior_body_suspends_in_each_block_before_revoke",
            "junior_body_suspends_in_each_block_before_suspend",
        ],
    ),
    (
        "a delegate of a list setting entries before its removal",
        &["junior_delegate_sets_in_each_block_before_update"],
    ),
    (
        "a principal giving its agent other terms in each block",
        &["junior_principal_delegates_before_suspend", "junior_principal_delegates_before_revoke"],
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

/// This test checks only that the vectors exist and apply; other tests check their outcomes.
#[test]
fn no_junior_keeps_a_senior_out_by_writing() {
    let applied = read_folder("valid");
    for (junior, files) in JUNIORS {
        for file in files {
            let vector = applied.get(*file).unwrap_or_else(|| panic!("{file} is missing"));
            let Body::Operation(case) = &vector.body else { panic!("{file}: no operation") };
            assert!(matches!(case.expect, Expect::Applied(_)), "{file}: it does not apply");
            println!("{junior}: applied ({file})");
        }
    }
}

//! Vectors of change, suspend, resume and revoke: guards, statuses and replays.

use registry_core::code::Code;
use registry_core::crypto::Hash;
use registry_core::limits::UNTIL_MS_MAX;
use registry_core::operation::{Action, Guard};
use registry_core::trust::{Assurance, Conditions};

use super::{
    DEGREE, FIELD, PARTIES, accreditation, accredited, licence, next, of, registered, then,
    with_body, with_issuer,
};
use crate::catalogue::{At, Catalogue};
use crate::support::ledger::Ledger;
use crate::support::status::{authored, seal_by_method};
use crate::support::trust::{change_of, change_with, depth, grant, resume, revoke, suspend};

/// Returns a ledger with the issuer licensed, after these actions of the body.
fn after(steps: &[Action]) -> Ledger {
    let mut ledger = with_issuer(depth(1), Conditions::default());
    for step in steps {
        then(&mut ledger, &PARTIES.body, step.clone());
    }
    ledger
}

pub(super) fn add(all: &mut Catalogue) {
    add_steps(all);
    add_statuses(all);
    add_guards(all);
    add_blocks(all);
    add_replays(all);
    add_strangers(all);
    add_changes(all);
}

fn add_steps(all: &mut Catalogue) {
    let key = of(DEGREE, &PARTIES.issuer);
    let (suspended, revoked) = ([suspend(&key)], [revoke(&key)]);
    let low = Conditions { assurance: Some(Assurance::Low), ..Conditions::default() };
    let terms = Some("https://example.org/terms".to_owned());
    let terms = Conditions { terms, ..Conditions::default() };
    let mut applied = |name: &str, rule: &str, before: &[Action], action: Action| {
        let (ledger, name) = (after(before), format!("trust_{name}"));
        all.applied_at(&name, rule, &next(&ledger, &PARTIES.body, action));
    };
    applied("suspend", "The grantor suspends a grant.", &[], suspend(&key));
    applied("resume", "The grantor resumes a suspended grant.", &suspended, resume(&key));
    let rule = "A grant is suspended as often as it is resumed.";
    applied("suspend_again", rule, &[suspend(&key), resume(&key)], suspend(&key));
    let rule = "A suspension may follow another one; the last must be resumed.";
    applied("suspend_of_suspended", rule, &suspended, suspend(&key));
    applied("revoke", "The grantor revokes a grant.", &[], revoke(&key));
    let rule = "A suspended grant is revoked.";
    applied("revoke_of_suspended", rule, &suspended, revoke(&key));
    let rule = "A change replaces all conditions.";
    applied("change", rule, &[], change_of(&key, terms));
    let rule = "A suspended grant is changed and stays suspended.";
    applied("change_of_suspended", rule, &suspended, change_of(&key, Conditions::default()));
    let rule = "A revoked grant is granted anew, in the same record.";
    applied("grant_after_revocation", rule, &revoked, licence(Conditions::default()));
    let rule = "A grant states no assurance where its chain states none.";
    let ledger = with_body(depth(1));
    let at = next(&ledger, &PARTIES.body, licence(low));
    all.refused_at("trust_assurance_beneath_none", rule, Code::TrustBeyondParent, &at);
}

fn add_statuses(all: &mut Catalogue) {
    let key = of(DEGREE, &PARTIES.issuer);
    let mut refused = |name: &str, before: &[Action], action: Action| {
        let rule = "Resume takes a suspended grant, suspend, change and revoke any that stands.";
        let (ledger, name) = (after(before), format!("trust_{name}"));
        let at = next(&ledger, &PARTIES.body, action);
        all.refused_at(&name, rule, Code::TrustStatus, &at);
    };
    refused("suspend_of_revoked", &[revoke(&key)], suspend(&key));
    refused("resume_of_active", &[], resume(&key));
    refused("resume_of_revoked", &[revoke(&key)], resume(&key));
    refused("revoke_of_revoked", &[revoke(&key)], revoke(&key));
    let change = change_of(&key, Conditions::default());
    refused("change_of_revoked", &[revoke(&key)], change);
    for (name, before) in [("active", None), ("suspended", Some(suspend(&key)))] {
        let ledger = after(before.as_slice());
        let rule = "A grant that is neither revoked nor ended is not granted again.";
        let at = next(&ledger, &PARTIES.body, licence(Conditions::default()));
        all.refused_at(&format!("trust_grant_of_{name}"), rule, Code::TrustExists, &at);
    }
}

fn add_guards(all: &mut Catalogue) {
    let key = of(DEGREE, &PARTIES.issuer);
    let body = &PARTIES.body;
    let with = |guard, action| seal_by_method(&authored(&body.did, guard, 7, action), body.key);
    let (made, slot) = (Guard::Operation(Hash([7; 32])), Guard::Parts(Hash([7; 32])));
    let empty = with_body(depth(1));
    let rule = "The record exists.";
    let code = Code::TrustNotFound;
    let at = At::new(&empty, 1_000, with(made, suspend(&key)));
    all.refused_at("trust_suspend_of_unknown_grant", rule, code, &at);
    let at = At::new(&empty, 1_000, with(slot, licence(Conditions::default())));
    all.refused_at("trust_grant_after_unknown_grant", rule, code, &at);
    let ledger = after(&[]);
    let rule = "A revocation and a suspension name the operation that made the grant.";
    for (name, action) in [("revoke", revoke(&key)), ("suspend", suspend(&key))] {
        let at = At::new(&ledger, 1_000, with(made, action));
        all.refused_at(&format!("trust_{name}_of_other_grant"), rule, Code::GuardStale, &at);
    }
    let rule = "A change names the grant as it is.";
    let change = change_with(&key, accredited(), Conditions::default());
    let at = At::new(&ledger, 1_000, with(slot, change));
    all.refused_at("trust_change_of_other_version", rule, Code::GuardStale, &at);
    let rule = "A resumption names the operation that suspended the grant.";
    let suspended = after(&[suspend(&key)]);
    let at = At::new(&suspended, 1_000, with(made, resume(&key)));
    all.refused_at("trust_resume_of_other_suspension", rule, Code::GuardStale, &at);
    let rule = "Absent is for a right that its grantor did not grant yet.";
    let at = At::new(&ledger, 1_000, with(Guard::Absent, licence(depth(1))));
    all.refused_at("trust_grant_absent_of_existing", rule, Code::AlreadyExists, &at);
}

/// Adds operations on one right in one block. They make one version of its record.
fn add_blocks(all: &mut Catalogue) {
    let key = of(DEGREE, &PARTIES.issuer);
    let (authority, body) = (&PARTIES.authority, &PARTIES.body);
    let (empty, ledger) = (with_body(depth(1)), after(&[]));
    let rule = "Operations of one block on one right make one version.";
    let suspends = body.signs(&ledger, suspend(&key));
    let at = next(&ledger, body, revoke(&key)).following(suspends.clone());
    all.applied_at("trust_revoke_after_suspend_in_one_block", rule, &at);
    let granted = body.signs(&empty, licence(Conditions::default()));
    let after_it = empty.with(std::slice::from_ref(&granted));
    for (name, action) in [("suspend", suspend(&key)), ("revoke", revoke(&key))] {
        let envelope = body.signs(&after_it, action);
        let at = At::new(&empty, 1_000, envelope).following(granted.clone());
        all.applied_at(&format!("trust_{name}_in_the_block_of_its_grant"), rule, &at);
    }
    let resumes = body.signs(&ledger.with(std::slice::from_ref(&suspends)), resume(&key));
    let at = At::new(&ledger, 1_000, resumes).following(suspends);
    all.applied_at("trust_resume_in_the_block_of_its_suspension", rule, &at);
    let by_authority = authority.signs(&empty, grant(&key, None, Conditions::default()));
    let at = At::new(&empty, 1_000, by_authority.clone()).following(granted.clone());
    all.applied_at("trust_grant_by_authority_after_another_in_one_block", rule, &at);
    let at = At::new(&empty, 1_000, granted).following(by_authority);
    all.applied_at("trust_grant_by_another_after_authority_in_one_block", rule, &at);
    let rule = "What an earlier operation of the block did counts for the next.";
    let at = next(&ledger, body, suspend(&key)).following(body.signs(&ledger, revoke(&key)));
    all.refused_at("trust_suspend_after_revoke_in_one_block", rule, Code::TrustStatus, &at);
    let revokes = body.signs(&ledger, revoke(&key));
    let again =
        body.signs(&ledger.with(std::slice::from_ref(&revokes)), licence(Conditions::default()));
    let at = At::new(&ledger, 1_000, again).following(revokes);
    all.applied_at("trust_grant_in_the_block_of_a_revocation", rule, &at);
}

fn add_replays(all: &mut Catalogue) {
    let (body, key) = (&PARTIES.body, of(DEGREE, &PARTIES.issuer));
    let mut ledger = with_body(depth(1));
    let first = body.signs(&ledger, licence(Conditions::default()));
    ledger.after(1_000, std::slice::from_ref(&first));
    then(&mut ledger, body, revoke(&key));
    let again = body.signs(&ledger, licence(Conditions::default()));
    let rule = "A grant that was revoked is not replayed.";
    let at = At::new(&ledger, 1_000, first.clone());
    all.refused_at("replay_of_trust_grant_after_revoke", rule, Code::AlreadyApplied, &at);
    let rule = "A first grant is not replayed when it is no longer kept among the seen.";
    let at = At::new(&ledger, UNTIL_MS_MAX + 1, first);
    all.refused_at("replay_of_trust_grant_after_its_end", rule, Code::UntilPassed, &at);
    let rule = "A grant that was revoked is not replayed.";
    ledger.after(1_000, std::slice::from_ref(&again));
    then(&mut ledger, body, revoke(&key));
    let at = At::new(&ledger, 1_000, again);
    all.refused_at("replay_of_second_trust_grant_after_revoke", rule, Code::GuardStale, &at);
    let mut ledger = after(&[suspend(&key)]);
    let resumed = body.signs(&ledger, resume(&key));
    ledger.after(1_000, std::slice::from_ref(&resumed));
    then(&mut ledger, body, suspend(&key));
    let rule = "A resumption is not replayed.";
    let at = At::new(&ledger, 1_000, resumed);
    all.refused_at("replay_of_trust_resume_after_suspend", rule, Code::GuardStale, &at);
}

fn add_strangers(all: &mut Catalogue) {
    let key = of(DEGREE, &PARTIES.issuer);
    let ledger = after(&[]);
    let code = Code::TrustNotFound;
    let rule = "Only its grantor changes a grant.";
    for (name, party, action) in [
        ("change_by_issuer", &PARTIES.issuer, change_with(&key, accredited(), depth(7))),
        ("suspend_by_stranger", &PARTIES.stranger, suspend(&key)),
        ("revoke_by_authority_above", &PARTIES.authority, revoke(&key)),
    ] {
        let at = next(&ledger, party, action);
        all.refused_at(&format!("trust_{name}"), rule, code, &at);
    }
}

fn add_changes(all: &mut Catalogue) {
    let key = of(DEGREE, &PARTIES.issuer);
    let (authority, body) = (&PARTIES.authority, &PARTIES.body);
    let high = Conditions { assurance: Some(Assurance::High), ..Conditions::default() };
    let ledger = after(&[]);
    let rule = "A change gives no more than the chain above.";
    let at = next(&ledger, body, change_of(&key, high));
    all.refused_at("trust_change_beyond_parent", rule, Code::TrustBeyondParent, &at);
    let at = next(&ledger, body, change_of(&key, depth(1)));
    all.refused_at("trust_change_deeper_than_parent", rule, Code::TrustDepth, &at);
    let mut suspended = after(&[]);
    then(&mut suspended, authority, suspend(&of(FIELD, body)));
    let rule = "A change needs a live chain above, as a grant does.";
    let at = next(&suspended, body, change_of(&key, Conditions::default()));
    all.refused_at("trust_change_under_suspended_parent", rule, Code::TrustParentNotLive, &at);
    let rule = "Who is suspended may still take its own grants back.";
    all.applied_at(
        "trust_revoke_under_suspended_parent",
        rule,
        &next(&suspended, body, revoke(&key)),
    );
    let mut anew = after(&[]);
    then(&mut anew, authority, revoke(&of(FIELD, body)));
    then(&mut anew, authority, accreditation(body, depth(1)));
    let rule = "A change confirms a grant whose parent was granted anew.";
    let at = next(&anew, body, change_of(&key, Conditions::default()));
    all.applied_at("trust_change_under_parent_granted_anew", rule, &at);
    let rule = "A change names the parent grant that stands there now.";
    let earlier = {
        let before = after(&[]);
        before.filled(&body.did, change_of(&key, Conditions::default()))
    };
    let at = next(&anew, body, earlier);
    all.refused_at("trust_change_under_earlier_parent", rule, Code::TrustParentNotFound, &at);
    let rule = "Conditions change in a grant that has ended.";
    let mut ended = registered();
    let until = Some(ended.head.time + 2_000);
    let short = Conditions { valid_until: until, ..Conditions::default() };
    then(&mut ended, authority, accreditation(body, short));
    let at = next(&ended, authority, change_of(&of(FIELD, body), depth(1)));
    all.applied_at("trust_change_of_ended", rule, &at);
}

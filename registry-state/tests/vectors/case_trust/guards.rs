//! Vectors of guards of grants and recognitions: what makes them stale and what does not, replays
//! of operations that apply once, and children whose parent was granted anew.

use registry_core::code::Code;
use registry_core::operation::Action;
use registry_core::trust::Conditions;

use super::{
    DEGREE, FIELD, PARTIES, Parties, accreditation, accredited, licence, next, of, registered,
    then, with_body, with_issuer,
};
use crate::catalogue::{At, Catalogue};
use crate::support::ledger::Ledger;
use crate::support::trust::{
    Party, change_of, depth, derecognise, grant, parent, recognise, recognition, resume, revoke,
    suspend,
};

pub(super) fn add(all: &mut Catalogue) {
    add_stale(all);
    add_fresh(all);
    add_replays(all);
    add_recognitions(all);
    add_dead(all);
    add_anew(all);
}

/// Returns the ledger after the body performs these actions, one in each block.
fn after(ledger: &Ledger, steps: &[Action]) -> Ledger {
    let mut later = ledger.clone();
    for step in steps {
        then(&mut later, &PARTIES.body, step.clone());
    }
    later
}

/// Returns the body's licence with a URI of its terms.
fn termed() -> Conditions {
    Conditions { terms: Some("https://example.org/terms".to_owned()), ..Conditions::default() }
}

fn add_stale(all: &mut Catalogue) {
    let (body, key) = (&PARTIES.body, of(DEGREE, &PARTIES.issuer));
    let ledger = with_issuer(depth(1), Conditions::default());
    let anew = [revoke(&key), licence(Conditions::default())];
    let mut refused = |name: &str, rule: &str, action: Action, steps: &[Action]| {
        let envelope = body.signs(&ledger, action);
        let later = after(&ledger, steps);
        let at = At::new(&later, 1_000, envelope);
        all.refused_at(&format!("trust_{name}"), rule, Code::GuardStale, &at);
    };
    let rule = "A change is for the grant as it was when it was signed.";
    let change = || change_of(&key, Conditions::default());
    refused("change_stale_after_change", rule, change(), &[change_of(&key, termed())]);
    refused("change_stale_after_suspension", rule, change(), &[suspend(&key)]);
    refused("change_stale_after_new_grant", rule, change(), &anew);
    let rule = "A stop is for one grant, not for one that its grantor made later.";
    refused("revoke_of_earlier_grant", rule, revoke(&key), &anew);
    refused("suspend_of_earlier_grant", rule, suspend(&key), &anew);
    let rule = "A resumption is for one suspension, not for a later one.";
    let suspended = after(&ledger, &[suspend(&key)]);
    let envelope = body.signs(&suspended, resume(&key));
    let later = after(&suspended, &[suspend(&key)]);
    let at = At::new(&later, 1_000, envelope);
    all.refused_at("trust_resume_of_earlier_suspension", rule, Code::GuardStale, &at);
}

fn add_fresh(all: &mut Catalogue) {
    let Parties { authority, body, other, issuer, .. } = &*PARTIES;
    let key = of(DEGREE, issuer);
    let ledger = with_issuer(depth(1), Conditions::default());
    let mut both = ledger.clone();
    then(&mut both, authority, accreditation(other, depth(1)));
    let others = |ledger: &Ledger| {
        let mut later = ledger.clone();
        then(&mut later, authority, grant(&key, None, depth(2)));
        then(&mut later, authority, change_of(&key, Conditions::default()));
        then(&mut later, other, licence(Conditions::default()));
        then(&mut later, other, suspend(&key));
        later
    };
    let mut applied = |name: &str, rule: &str, envelope: Vec<u8>, later: &Ledger| {
        let at = At::new(later, 1_000, envelope);
        all.applied_at(&format!("trust_{name}"), rule, &at);
    };
    let rule = "What other grantors do with the same right keeps nobody out.";
    let suspended = after(&both, &[suspend(&key)]);
    let change = body.signs(&both, change_of(&key, termed()));
    applied("change_signed_before_others_granted", rule, change, &others(&both));
    let stop = body.signs(&both, suspend(&key));
    applied("suspend_signed_before_others_granted", rule, stop, &others(&both));
    let stop = body.signs(&both, revoke(&key));
    applied("revoke_signed_before_others_granted", rule, stop, &others(&both));
    let resumes = body.signs(&suspended, resume(&key));
    applied("resume_signed_before_others_granted", rule, resumes, &others(&suspended));
    let mut empty = with_body(depth(1));
    then(&mut empty, authority, accreditation(other, depth(1)));
    let first = body.signs(&empty, licence(Conditions::default()));
    applied("grant_signed_before_others_granted", rule, first, &others(&empty));
    let rule = "A stop names its grant, whatever its grantor changes in it.";
    let changed = after(&ledger, &[change_of(&key, termed()), suspend(&key)]);
    let stop = body.signs(&ledger, revoke(&key));
    applied("revoke_signed_before_a_change", rule, stop, &changed);
    let stop = body.signs(&ledger, suspend(&key));
    applied("suspend_signed_before_a_suspension", rule, stop, &changed);
    let rule = "Other terms leave a suspension as it is, so its resumption stays good.";
    let suspended = after(&ledger, &[suspend(&key)]);
    let resumes = body.signs(&suspended, resume(&key));
    let changed = after(&suspended, &[change_of(&key, termed())]);
    applied("resume_signed_before_a_change", rule, resumes, &changed);
}

fn add_replays(all: &mut Catalogue) {
    let (body, key) = (&PARTIES.body, of(DEGREE, &PARTIES.issuer));
    let mut ledger = with_issuer(depth(1), Conditions::default());
    let stop = body.signs(&ledger, suspend(&key));
    ledger.after(1_000, std::slice::from_ref(&stop));
    then(&mut ledger, body, resume(&key));
    let rule = "An operation that applies once is among the seen until its last block time.";
    let at = At::new(&ledger, 1_000, stop);
    all.refused_at("replay_of_trust_suspend_after_resume", rule, Code::AlreadyApplied, &at);
    let stop = body.signs(&ledger, revoke(&key));
    ledger.after(1_000, std::slice::from_ref(&stop));
    then(&mut ledger, body, licence(Conditions::default()));
    let rule = "A revocation is not replayed against the next grant.";
    let at = At::new(&ledger, 1_000, stop);
    all.refused_at("replay_of_trust_revoke_after_new_grant", rule, Code::GuardStale, &at);
}

fn add_recognitions(all: &mut Catalogue) {
    let (authority, key) = (&PARTIES.authority, of(FIELD, &PARTIES.other));
    let mut ledger = registered();
    then(&mut ledger, authority, recognise(&key));
    let other = || {
        let mut other = recognition(&key);
        other.terms = Some("https://example.org/terms".to_owned());
        Action::TrustRecognise(Box::new(other))
    };
    let signed = authority.signs(&ledger, other());
    let rule = "A recognition is for the record as it was when it was signed.";
    for (name, step) in [("recognition", recognise(&key)), ("derecognition", derecognise(&key))] {
        let mut later = ledger.clone();
        then(&mut later, authority, step);
        let at = At::new(&later, 1_000, signed.clone());
        let name = format!("trust_recognise_stale_after_{name}");
        all.refused_at(&name, rule, Code::GuardStale, &at);
    }
    let rule = "A withdrawal is for whatever recognition stands there.";
    let stop = authority.signs(&ledger, derecognise(&key));
    let mut later = ledger.clone();
    then(&mut later, authority, other());
    let at = At::new(&later, 1_000, stop.clone());
    all.applied_at("trust_derecognise_signed_before_other_terms", rule, &at);
    let rule = "An operation that applies once is among the seen until its last block time.";
    ledger.after(1_000, std::slice::from_ref(&stop));
    then(&mut ledger, authority, recognise(&key));
    let at = At::new(&ledger, 1_000, stop);
    all.refused_at("replay_of_trust_derecognise", rule, Code::AlreadyApplied, &at);
    let rule = "Operations of one block on one recognition make one version.";
    let mut ledger = registered();
    then(&mut ledger, authority, recognise(&key));
    let stops = authority.signs(&ledger, derecognise(&key));
    let again = authority.signs(&ledger.with(std::slice::from_ref(&stops)), other());
    let at = At::new(&ledger, 1_000, again.clone()).following(stops.clone());
    all.applied_at("trust_recognise_after_derecognise_in_one_block", rule, &at);
    let first = authority.signs(&ledger, other());
    let at = At::new(&ledger, 1_000, stops).following(first);
    all.applied_at("trust_derecognise_after_recognise_in_one_block", rule, &at);
}

/// Adds steps of a body whose own accreditation no longer counts.
fn add_dead(all: &mut Catalogue) {
    let Parties { authority, body, issuer, .. } = &*PARTIES;
    let key = of(DEGREE, issuer);
    let suspended = after(&with_issuer(depth(1), Conditions::default()), &[suspend(&key)]);
    let above = of(FIELD, body);
    let rule = "A grant is resumed only while the chain above it is live.";
    let gone = Code::TrustParentNotFound;
    for (name, code, steps) in [
        ("suspended_parent", Code::TrustParentNotLive, vec![suspend(&above)]),
        ("revoked_parent", Code::TrustParentNotLive, vec![revoke(&above)]),
        ("parent_granted_anew", gone, vec![revoke(&above), accreditation(body, depth(1))]),
    ] {
        let mut ledger = suspended.clone();
        for step in steps {
            then(&mut ledger, authority, step);
        }
        let at = next(&ledger, body, resume(&key));
        all.refused_at(&format!("trust_resume_under_{name}"), rule, code, &at);
        let rule = "Stops are never refused for what stands above.";
        let at = next(&ledger, body, suspend(&key));
        all.applied_at(&format!("trust_suspend_under_{name}"), rule, &at);
        let at = next(&ledger, body, revoke(&key));
        all.applied_at(&format!("trust_revoke_under_{name}_while_suspended"), rule, &at);
    }
}

/// Adds children whose parent was granted anew, also within one block, so that all times are equal.
fn add_anew(all: &mut Catalogue) {
    let Parties { authority, body, other, issuer, .. } = &*PARTIES;
    let rule = "A grant rests on one grant above it, not on a later one, whatever their times are.";
    let steps = [
        (authority, accreditation(body, depth(2))),
        (body, grant(&of(FIELD, other), accredited(), depth(1))),
        (authority, revoke(&of(FIELD, body))),
        (authority, accreditation(body, depth(2))),
    ];
    let last = grant(&of(DEGREE, issuer), parent(FIELD, &body.did), Conditions::default());
    let ledger = in_one_block(&steps);
    let at = next(&ledger, other, last.clone());
    let name = "trust_chain_granted_anew_at_the_same_time_above_parent";
    all.refused_at(name, rule, Code::TrustParentNotLive, &at);
    let rule = "A grant that is changed rests on the parent that stands there then.";
    let confirmed = (body, change_of(&of(FIELD, other), depth(1)));
    let ledger = in_one_block(&[steps.as_slice(), &[confirmed]].concat());
    let at = next(&ledger, other, last);
    all.applied_at("trust_chain_confirmed_at_the_same_time", rule, &at);
}

/// Returns a ledger whose last block holds these steps. Each is signed over those before it.
fn in_one_block(steps: &[(&Party, Action)]) -> Ledger {
    let ledger = registered();
    let mut envelopes = Vec::new();
    for (party, action) in steps {
        let envelope = party.signs(&ledger.with(&envelopes), action.clone());
        envelopes.push(envelope);
    }
    ledger.with(&envelopes)
}

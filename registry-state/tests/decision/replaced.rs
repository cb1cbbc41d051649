//! Decisions on what an agent did for a principal, after the delegation or grant that it rested on
//! was replaced by another party's.

use registry_core::agent::Delegation;
use registry_core::crypto::Hash;
use registry_core::decision::{Decision, Moments, decide};
use registry_core::record::{Entry, RecordKey, RecordView as _};
use registry_core::trust::{GrantStatus, Grants};

use crate::altered::assert_fails;
use crate::histories::{party, right_of};
use crate::oracle::{AGENT, AUTHORITY, PRINCIPAL, Who};
use crate::parts::Parts;
use crate::support::network;
use crate::support::trust::Moment;
use crate::{Now, permitted, view_at};

/// Returns the decision at a later time, after each of `steps` has written a new version of the
/// record. Each step gets its own time.
fn later<T: Parts>(key: &RecordKey, steps: &[fn(&mut T, u64)]) -> Decision {
    let (history, mut question) = permitted();
    let mut time_ms = question.at_ms;
    let now = view_at(&history, time_ms);
    let mut last = now.entry(key).expect("a sound store").expect("a record");
    let known = history.entries.iter().filter(|entry| entry.record.time <= time_ms);
    let mut entries: Vec<Entry> = known.cloned().collect();
    for step in steps {
        time_ms += 1;
        let mut value: T = last.value().expect("its value");
        step(&mut value, time_ms);
        last.parts = value.parts();
        last.record.version += 1;
        last.record.time = time_ms;
        entries.push(last.clone());
    }
    question.at_ms = time_ms;
    let now = Now { moment: Moment { entries: &entries, time_ms }, history: &history };
    let then = view_at(&history, question.issued_at_ms);
    decide(&network(), Moments { then: &then, now: &now }, &question).expect("an answer")
}

fn delegated(steps: &[fn(&mut Delegation, u64)]) -> Decision {
    later(&RecordKey::delegation(&party(AGENT).did), steps)
}

fn turned(delegation: &mut Delegation, status: GrantStatus, time_ms: u64) {
    (delegation.status, delegation.since) = (status, time_ms);
}

fn revoked(delegation: &mut Delegation, time_ms: u64) {
    turned(delegation, GrantStatus::Revoked, time_ms);
}

fn suspended(delegation: &mut Delegation, time_ms: u64) {
    turned(delegation, GrantStatus::Suspended, time_ms);
}

/// Gives the delegation an end that has come.
fn ended(delegation: &mut Delegation, time_ms: u64) {
    delegation.valid_until = time_ms;
}

/// Replaces the delegation by one of another principal, as `agent_delegate` would.
fn taken_over(delegation: &mut Delegation, time_ms: u64) {
    delegation.actions = vec!["sleep".parse().expect("an action")];
    begun(delegation, AUTHORITY, time_ms);
}

fn taken_back(delegation: &mut Delegation, time_ms: u64) {
    begun(delegation, PRINCIPAL, time_ms);
}

fn begun(delegation: &mut Delegation, by: Who, time_ms: u64) {
    delegation.principal = party(by).did.clone();
    (delegation.granted, delegation.confirmed) = (time_ms, time_ms);
    delegation.valid_until = time_ms + 1_000_000;
    delegation.made.0[..8].copy_from_slice(&time_ms.to_be_bytes());
    turned(delegation, GrantStatus::Active, time_ms);
}

#[test]
fn an_agent_that_binds_itself_to_another_is_not_answered_for_again() {
    assert!(delegated(&[]).is_permit());
    assert_fails(&delegated(&[revoked]), "agent", "is revoked since");
    assert_fails(&delegated(&[revoked, taken_over]), "agent", "is revoked since");
    assert_fails(&delegated(&[suspended, taken_over]), "agent", "is suspended since");
    assert_fails(&delegated(&[revoked, taken_over, revoked, taken_over]), "agent", "is revoked");
    let many: [fn(&mut Delegation, u64); 7] =
        [suspended, revoked, taken_over, suspended, revoked, taken_over, suspended];
    assert_fails(&delegated(&many), "agent", "is revoked since");
}

#[test]
fn a_delegation_that_ended_by_itself_is_answered_for_when_another_follows() {
    assert!(delegated(&[ended, taken_over]).is_permit());
    assert!(delegated(&[ended, taken_over, revoked]).is_permit());
    assert!(delegated(&[revoked, taken_over, revoked, taken_back]).is_permit());
}

/// A principal suspends the agent, and in the same block the agent resigns and takes another
/// principal. The block makes one version, in which the first delegation is no longer there.
#[test]
fn a_delegation_that_is_revoked_and_replaced_in_one_block_is_revoked() {
    assert_fails(&delegated(&[taken_over]), "agent", "is revoked since");
    assert_fails(&delegated(&[taken_over, ended, taken_over]), "agent", "is revoked since");
    let all_at_once: [fn(&mut Delegation, u64); 2] = [
        |delegation, time_ms| {
            suspended(delegation, time_ms);
            revoked(delegation, time_ms);
            taken_over(delegation, time_ms);
        },
        revoked,
    ];
    assert_fails(&delegated(&all_at_once), "agent", "is revoked since");
}

#[test]
fn a_grant_that_made_room_for_another_is_lost() {
    let revoke = |grants: &mut Grants, time_ms| {
        let grant = grants.slots.values_mut().next().expect("a grant");
        (grant.status, grant.since) = (GrantStatus::Revoked, time_ms);
    };
    let replace = |grants: &mut Grants, time_ms| {
        let grant = grants.slots.values_mut().next().expect("a grant");
        (grant.grantor, grant.parent) = (party(AUTHORITY).did.clone(), None);
        (grant.status, grant.since, grant.granted) = (GrantStatus::Active, time_ms, time_ms);
        grant.made = Hash([7; 32]);
    };
    let key = RecordKey::grant(&right_of(PRINCIPAL));
    assert!(later::<Grants>(&key, &[]).is_permit());
    assert_fails(&later::<Grants>(&key, &[revoke]), "agent", "is revoked since");
    assert_fails(&later::<Grants>(&key, &[revoke, replace]), "agent", "made room for another");
    assert_fails(&later::<Grants>(&key, &[replace]), "agent", "made room for another");
}

/// A grant that ended by its own window took nothing back. That another one takes its place in the
/// record later changes nothing about this.
#[test]
fn a_grant_that_made_room_after_its_end_counts_as_it_last_stood() {
    let end: fn(&mut Grants, u64) = |grants, time_ms| {
        let grant = grants.slots.values_mut().next().expect("a grant");
        grant.conditions.valid_until = Some(time_ms);
    };
    let suspend: fn(&mut Grants, u64) = |grants, time_ms| {
        let grant = grants.slots.values_mut().next().expect("a grant");
        (grant.status, grant.since) = (GrantStatus::Suspended, time_ms);
    };
    let replace: fn(&mut Grants, u64) = |grants, time_ms| {
        let grant = grants.slots.values_mut().next().expect("a grant");
        (grant.grantor, grant.parent) = (party(AUTHORITY).did.clone(), None);
        (grant.status, grant.since, grant.granted) = (GrantStatus::Active, time_ms, time_ms);
        grant.conditions.valid_until = None;
        grant.made.0[..8].copy_from_slice(&time_ms.to_be_bytes());
    };
    let key = RecordKey::grant(&right_of(PRINCIPAL));
    assert!(later::<Grants>(&key, &[end]).is_permit());
    assert!(later::<Grants>(&key, &[end, replace]).is_permit());
    assert!(later::<Grants>(&key, &[end, replace, replace, suspend]).is_permit());
    assert_fails(&later::<Grants>(&key, &[suspend, end, replace]), "agent", "is suspended since");
}

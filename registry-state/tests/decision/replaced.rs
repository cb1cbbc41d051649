//! Decisions on what an agent did for a principal, after the delegation or grant that it rested on
//! was replaced by another party's.

use registry_core::agent::Delegation;
use registry_core::codec::{self, Bytes};
use registry_core::decision::{Decision, Moments, decide};
use registry_core::record::{Entry, RecordKey, RecordView as _, value_from};
use registry_core::trust::{GrantStatus, Grants};
use serde::Serialize;

use crate::altered::assert_fails;
use crate::histories::{party, right_of};
use crate::oracle::{AGENT, AUTHORITY, PRINCIPAL};
use crate::support::network;
use crate::support::trust::Moment;
use crate::{Now, permitted, view_at};

/// Returns the decision at a later time, after each of `steps` has written a new version of the
/// record. Each step gets its own time.
fn later<T: Serialize>(
    key: &RecordKey,
    read: impl Fn(&[u8]) -> T,
    steps: &[fn(&mut T, u64)],
) -> Decision {
    let (history, mut question) = permitted();
    let mut time_ms = question.at_ms;
    let now = view_at(&history, time_ms);
    let mut last = now.entry(key).expect("a sound store").expect("a record");
    let known = history.entries.iter().filter(|entry| entry.record.time <= time_ms);
    let mut entries: Vec<Entry> = known.cloned().collect();
    for step in steps {
        time_ms += 1;
        let mut value = read(&last.value.0);
        step(&mut value, time_ms);
        last.value = Bytes(codec::encode(&value));
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
    let read = |bytes: &[u8]| value_from::<Delegation>(bytes).expect("a delegation");
    later(&RecordKey::delegation(&party(AGENT).did), read, steps)
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

/// Replaces the delegation by one of another principal, as `agent_delegate` would.
fn taken_over(delegation: &mut Delegation, time_ms: u64) {
    delegation.principal = party(AUTHORITY).did.clone();
    delegation.actions = vec!["sleep".parse().expect("an action")];
    (delegation.granted, delegation.confirmed) = (time_ms, time_ms);
    turned(delegation, GrantStatus::Active, time_ms);
}

fn taken_back(delegation: &mut Delegation, time_ms: u64) {
    delegation.principal = party(PRINCIPAL).did.clone();
    (delegation.granted, delegation.confirmed) = (time_ms, time_ms);
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
    assert!(delegated(&[taken_over]).is_permit());
    assert!(delegated(&[taken_over, revoked]).is_permit());
    assert!(delegated(&[revoked, taken_over, revoked, taken_back]).is_permit());
}

#[test]
fn a_grant_that_made_room_for_another_is_lost() {
    let read = |bytes: &[u8]| value_from::<Grants>(bytes).expect("grants");
    let revoke = |grants: &mut Grants, time_ms| {
        let grant = &mut grants.grants[0];
        (grant.status, grant.since) = (GrantStatus::Revoked, time_ms);
    };
    let replace = |grants: &mut Grants, time_ms| {
        let grant = &mut grants.grants[0];
        (grant.grantor, grant.parent) = (party(AUTHORITY).did.clone(), None);
        (grant.status, grant.since, grant.granted) = (GrantStatus::Active, time_ms, time_ms);
    };
    let key = RecordKey::grant(&right_of(PRINCIPAL));
    assert!(later(&key, read, &[]).is_permit());
    assert_fails(&later(&key, read, &[revoke]), "agent", "is revoked since");
    assert_fails(&later(&key, read, &[revoke, replace]), "agent", "made room for another");
}

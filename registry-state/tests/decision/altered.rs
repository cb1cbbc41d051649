//! Starts from a query that is permitted and alters one or two records. These are cases that no
//! history of these tests reaches.

use registry_core::agent::Delegation;
use registry_core::crypto::Hash;
use registry_core::decision::{
    Decision, DecisionQuery, DecisionView, Moments, StatusEntry, decide,
};
use registry_core::did::document::VerificationMethod;
use registry_core::did::{DidValue, Marks};
use registry_core::id::ListId;
use registry_core::limits::DECISION_STATUS_ENTRIES_MAX;
use registry_core::record::{Entry, Part, PartId, RecordKey, RecordView, StoreError};
use registry_core::schema::{CredentialType, Schema, SchemaStatus};
use registry_core::status::{StatusList, StatusPurpose};
use registry_core::time::TimeMs;
use registry_core::trust::{Assurance, GrantStatus, Grants};

use crate::histories::{ENTRY, TYPE, list, party, right_of, schema_id};
use crate::oracle::{ACCREDITOR, AGENT, AUTHORITY, ISSUER, PRINCIPAL};
use crate::parts::Parts;
use crate::support::{ed, network};
use crate::{Now, permitted, view_at};

/// Records of a moment, some of them added or with another value.
struct Altered<'h> {
    now: Now<'h>,
    values: Vec<(RecordKey, Vec<Part>)>,
    /// Lists that have one value in every entry. The others keep their stored values.
    status: Vec<(RecordKey, u8)>,
}

impl RecordView for Altered<'_> {
    fn entry(&self, key: &RecordKey) -> Result<Option<Entry>, StoreError> {
        let found = self.now.entry(key)?;
        let Some((_, parts)) = self.values.iter().find(|(altered, _)| altered == key) else {
            return Ok(found);
        };
        // If the record does not exist, the decision reads only kind and parts of this entry.
        let mut entry = found.unwrap_or_else(|| self.now.history.entries[0].clone());
        (entry.record.kind, entry.record.key) = (key.kind, key.key.clone());
        Ok(Some(Entry { parts: parts.clone(), ..entry }))
    }

    fn version(&self, key: &RecordKey, number: u64) -> Result<Option<Entry>, StoreError> {
        self.now.version(key, number)
    }
}

impl DecisionView for Altered<'_> {
    fn status_value(&self, list: &Entry, entry: u64) -> Result<Option<u8>, StoreError> {
        let key = list.record.record_key();
        match self.status.iter().find(|(altered, _)| *altered == key) {
            Some((_, value)) => Ok(Some(*value)),
            None => self.now.status_value(list, entry),
        }
    }
}

/// Returns the decision with one record altered. Issuance and decision are at the same moment.
fn altered<T: Parts>(
    ask: impl FnOnce(&mut DecisionQuery),
    key: RecordKey,
    alter: impl FnOnce(&mut T, u64),
) -> Decision {
    let (history, mut question) = permitted();
    ask(&mut question);
    let now = view_at(&history, question.at_ms);
    let mut value: T = value_of(&now, &key);
    alter(&mut value, question.at_ms);
    let view = Altered { now, values: vec![(key, value.parts())], status: Vec::new() };
    answer(&view, &view, &question)
}

fn value_of<T: Parts>(now: &Now<'_>, key: &RecordKey) -> T {
    now.entry(key).expect("a sound store").expect("a record").value().expect("its value")
}

fn answer(then: &dyn RecordView, now: &Altered<'_>, question: &DecisionQuery) -> Decision {
    decide(&network(), Moments { then, now }, question).expect("an answer")
}

/// Returns the issuer's record with another method `sign-1`.
fn issuer_with(now: &Now<'_>, method: VerificationMethod) -> (RecordKey, Vec<Part>) {
    let key = RecordKey::did(&party(ISSUER).did.suffix);
    let DidValue::Active(mut state) = value_of(now, &key) else {
        panic!("the issuer is active");
    };
    state.document.verification_method[1] = method;
    state.marks = Marks::of(&state.document);
    (key, DidValue::Active(state).parts())
}

fn sign_1(material: u8) -> VerificationMethod {
    let multikey = ed(material).public().to_string();
    let method = serde_json::json!({ "id": "sign-1", "publicKeyMultibase": multikey });
    serde_json::from_value(method).expect("a method")
}

/// Checks which step fails first and that its finding contains `words`.
pub(crate) fn assert_fails(decision: &Decision, name: &str, words: &str) {
    let step = decision.failing().expect("a step that fails");
    assert_eq!(step.name.name(), name, "{decision:?}");
    assert!(step.finding.contains(words), "{words}: {}", step.finding);
}

#[test]
fn a_list_that_says_nothing_of_the_credential_is_no_status() {
    let with = |alter: fn(&mut StatusList, u64)| altered(|_| (), RecordKey::status(&list()), alter);
    assert!(with(|_, _| ()).is_permit());
    let other = with(|list, _| list.purpose = StatusPurpose::Suspension);
    assert_fails(
        &other,
        "status",
        "wants a status for revocation, given are entries for suspension",
    );
    let other = with(|list, _| list.issuer = party(AUTHORITY).did.clone());
    assert_fails(&other, "status", "not the issuer's");
    let ended = with(|list, at_ms| list.valid_until = Some(at_ms));
    assert_fails(&ended, "status", "ended at");
    assert!(with(|list, at_ms| list.valid_until = Some(at_ms + 1)).is_permit());
    let pending = with(|list, at_ms| list.valid_from = Some(at_ms + 1));
    assert_fails(&pending, "status", "begins at");
    let key = RecordKey::status(&list());
    let ended_since = altered(
        |ask| ask.at_ms += 1,
        key,
        |list: &mut StatusList, at_ms| list.valid_until = Some(at_ms),
    );
    assert_fails(&ended_since, "status", "ended at");
}

#[test]
fn schema_and_type_must_be_for_each_other() {
    let by_schema = |question: &mut DecisionQuery| question.schema = Some(schema_id().to_string());
    let name = TYPE.parse().expect("a type");
    let of_type = |alter: fn(&mut CredentialType, u64)| {
        altered(by_schema, RecordKey::credential_type(&party(AUTHORITY).did, &name), alter)
    };
    let of_schema =
        |alter: fn(&mut Schema, u64)| altered(by_schema, RecordKey::schema(&schema_id()), alter);
    assert!(of_type(|kind, _| kind.schema = None).is_permit(), "it is the authority's own");
    let other = of_type(|kind, _| kind.schema = Some(registry_core::id::SchemaId([7; 20])));
    assert_fails(&other, "type", "the type had schema");
    let strict = of_type(|kind, _| kind.assurance = Some(Assurance::High));
    assert_fails(&strict, "assurance", "high is required for the type");
    let stranger = of_schema(|schema, _| schema.publisher = party(AGENT).did.clone());
    assert!(stranger.is_permit(), "the type names it");
    let other = of_schema(|schema, _| {
        schema.credential_type = Some("degrees/master".parse().expect("a type"));
    });
    assert_fails(&other, "type", "describes degrees/master");
    assert!(of_schema(|schema, _| schema.credential_type = None).is_permit());
}

#[test]
fn a_withdrawn_type_denies_whether_the_question_names_it_or_the_schema_alone() {
    let name = TYPE.parse().expect("a type");
    for with_type in [true, false] {
        let asked = |question: &mut DecisionQuery| {
            question.schema = Some(schema_id().to_string());
            question.credential_type = question.credential_type.take().filter(|_| with_type);
        };
        let withdrawn = |status: SchemaStatus| {
            let key = RecordKey::credential_type(&party(AUTHORITY).did, &name);
            altered(asked, key, |kind: &mut CredentialType, _| kind.status = status)
        };
        assert!(withdrawn(SchemaStatus::Active).is_permit(), "named: {with_type}");
        let decision = withdrawn(SchemaStatus::Withdrawn);
        assert_fails(&decision, "type", "had withdrawn the credential type");
    }
}

#[test]
fn a_schema_counts_that_the_authority_published_or_names() {
    let alone = |question: &mut DecisionQuery| {
        question.schema = Some(schema_id().to_string());
        question.credential_type = None;
    };
    let key = RecordKey::schema(&schema_id());
    // Without the credential type, nothing can name the schema.
    let other = altered(alone, key, |schema: &mut Schema, _| {
        schema.publisher = party(AGENT).did.clone();
        schema.credential_type = Some("degrees/master".parse().expect("a type"));
    });
    assert_fails(&other, "type", "the authority names it nowhere");
}

#[test]
fn a_principal_whose_right_is_not_of_the_issuer_answers_for_nothing() {
    let key = RecordKey::grant(&right_of(PRINCIPAL));
    let beside = altered(
        |_| (),
        key,
        |grants: &mut Grants, _| {
            let mut grant = grants.slots.pop_first().expect("a grant").1;
            grant.grantor = party(AUTHORITY).did.clone();
            grant.parent = None;
            grants.slots.insert(PartId::SLOTS[0], grant);
        },
    );
    assert_fails(&beside, "agent", "none of those who answer for");
}

#[test]
fn a_name_that_another_key_has_now_says_nothing_of_the_first() {
    let (history, question) = permitted();
    let with = |material: u8, revoked_ms: u64| {
        let method = VerificationMethod { revoked: Some(TimeMs(revoked_ms)), ..sign_1(material) };
        let now = view_at(&history, question.at_ms);
        let now = Altered { values: vec![issuer_with(&now, method)], now, status: Vec::new() };
        answer(&view_at(&history, question.issued_at_ms), &now, &question)
    };
    assert!(with(92, question.issued_at_ms).is_permit());
    assert_fails(&with(90, question.issued_at_ms), "key", "is revoked as of");
    assert!(with(90, question.issued_at_ms + 1).is_permit());
}

#[test]
fn a_key_signs_within_its_window() {
    let (history, question) = permitted();
    let time = |offset: u64| Some(TimeMs(question.issued_at_ms + offset));
    let with = |valid_from: Option<TimeMs>, expires: Option<TimeMs>| {
        let method = VerificationMethod { valid_from, expires, ..sign_1(90) };
        let now = view_at(&history, question.at_ms);
        let view = Altered { values: vec![issuer_with(&now, method)], now, status: Vec::new() };
        answer(&view, &view, &question)
    };
    assert!(with(time(0), time(1)).is_permit());
    assert_fails(&with(time(1), None), "key", ", valid from");
    assert_fails(&with(None, time(0)), "key", ", expires");
}

#[test]
fn an_entry_that_is_set_speaks_against_the_credential_by_the_purpose_of_its_list() {
    let (history, question) = permitted();
    let of_type = RecordKey::credential_type(&party(AUTHORITY).did, &TYPE.parse().expect("a type"));
    let of_list = RecordKey::status(&list());
    let with = |purpose: StatusPurpose| {
        let now = view_at(&history, question.at_ms);
        let mut kind: CredentialType = value_of(&now, &of_type);
        let mut list: StatusList = value_of(&now, &of_list);
        (kind.status_purposes, list.purpose) = (vec![purpose], purpose);
        let values = [(&of_type, kind.parts()), (&of_list, list.parts())];
        let values = values.map(|(key, parts)| (key.clone(), parts)).to_vec();
        let view = Altered { now, values, status: vec![(of_list.clone(), 1)] };
        answer(&view, &view, &question)
    };
    for purpose in [StatusPurpose::Revocation, StatusPurpose::Suspension] {
        assert_fails(&with(purpose), "status", "is set at");
    }
    for purpose in [StatusPurpose::Refresh, StatusPurpose::Message] {
        assert!(with(purpose).is_permit(), "{purpose:?}");
    }
}

/// Returns the decision if the type wants these purposes, and entries of lists with these purposes
/// and values are given. The first list is the one of the history, and the others are added.
fn with_lists(wanted: &[StatusPurpose], given: &[(StatusPurpose, u8)]) -> Decision {
    let (history, mut question) = permitted();
    let of_type = RecordKey::credential_type(&party(AUTHORITY).did, &TYPE.parse().expect("a type"));
    let now = view_at(&history, question.at_ms);
    let mut kind: CredentialType = value_of(&now, &of_type);
    let list: StatusList = value_of(&now, &RecordKey::status(&list()));
    kind.status_purposes = wanted.to_vec();
    let (mut values, mut status) = (vec![(of_type, kind.parts())], Vec::new());
    question.status.clear();
    for (number, (purpose, value)) in (1..).zip(given) {
        let id = ListId([number; 20]);
        let list = StatusList { purpose: *purpose, ..list.clone() };
        values.push((RecordKey::status(&id), list.parts()));
        status.push((RecordKey::status(&id), *value));
        question.status.push(StatusEntry { list: id.to_string(), entry: ENTRY });
    }
    let view = Altered { now, values, status };
    answer(&view, &view, &question)
}

#[test]
fn each_purpose_that_is_wanted_has_an_entry_and_all_entries_are_clear() {
    use StatusPurpose::{Message, Refresh, Revocation, Suspension};
    let both = [Revocation, Suspension];
    assert!(with_lists(&both, &[(Revocation, 0), (Suspension, 0)]).is_permit());
    assert!(with_lists(&both, &[(Suspension, 0), (Refresh, 1), (Revocation, 0)]).is_permit());
    assert!(with_lists(&[], &[]).is_permit());
    assert!(with_lists(&[], &[(Suspension, 0), (Message, 3)]).is_permit());
    for (given, words) in [
        (&[][..], "a status for revocation, none is given"),
        (&[(Revocation, 0)], "a status for suspension, given are entries for revocation"),
        (&[(Suspension, 0)], "a status for revocation, given are entries for suspension"),
        (&[(Revocation, 0), (Revocation, 0)], "a status for suspension"),
        (&[(Revocation, 0), (Refresh, 0)], "a status for suspension"),
        (&[(Revocation, 0), (Suspension, 1)], "of the suspension list"),
        (&[(Revocation, 1), (Suspension, 0)], "of the revocation list"),
        (&[(Revocation, 0), (Suspension, 0), (Suspension, 1)], "of the suspension list"),
    ] {
        assert_fails(&with_lists(&both, given), "status", words);
    }
    let further = with_lists(&[Revocation], &[(Revocation, 0), (Suspension, 1)]);
    assert_fails(&further, "status", "of the suspension list");
    assert_fails(&with_lists(&[], &[(Suspension, 1)]), "status", "of the suspension list");
    assert!(with_lists(&[], &[(Refresh, 1); DECISION_STATUS_ENTRIES_MAX]).is_permit());
}

/// The agent's principal is itself an agent here. The topmost principal is the party for which the
/// agent acts in the other tests.
#[test]
fn all_that_stand_above_an_agent_still_let_it_stand() {
    let (history, question) = permitted();
    let [middle, agent] = [ACCREDITOR, AGENT].map(|who| &party(who).did);
    let of = RecordKey::delegation;
    let with = |upper: GrantStatus, lower: GrantStatus, middle_is_active: bool| {
        let now = view_at(&history, question.at_ms);
        let present: Delegation = value_of(&now, &of(agent));
        let (agent_of_both, max_depth, made) = (middle.clone(), Some(1), Hash([7; 32]));
        let (status, present_too) = (upper, present.clone());
        let first = Delegation { agent: agent_of_both, max_depth, made, status, ..present_too };
        let (principal, beneath, status) = (middle.clone(), Some(made), lower);
        let last = Delegation { principal, beneath, status, ..present };
        let mut values = vec![(of(middle), first.parts()), (of(agent), last.parts())];
        if !middle_is_active {
            let ended = DidValue::Deactivated.parts();
            values.push((RecordKey::did(&middle.suffix), ended));
        }
        Altered { now, values, status: Vec::new() }
    };
    let [active, suspended, revoked] =
        [GrantStatus::Active, GrantStatus::Suspended, GrantStatus::Revoked];
    let then = with(active, active, true);
    let now = |upper, lower, middle_is_active| {
        answer(&then, &with(upper, lower, middle_is_active), &question)
    };
    assert!(now(active, active, true).is_permit());
    let [principal, middle, agent] = [&party(PRINCIPAL).did, middle, agent];
    for (status, word) in [(suspended, "suspended"), (revoked, "revoked")] {
        let words = format!("the delegation by {principal} to {middle} is {word}");
        assert_fails(&now(status, active, true), "agent", &words);
        let words = format!("the delegation by {middle} to {agent} is {word}");
        assert_fails(&now(active, status, true), "agent", &words);
    }
    let words = format!("{middle}, who answered for {agent}, is deactivated");
    assert_fails(&now(active, active, false), "agent", &words);
}

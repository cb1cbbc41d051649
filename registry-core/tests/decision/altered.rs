//! A question that is permitted, with one record that says otherwise: cases that no history here
//! leads to.

use registry_core::codec::{self, Bytes};
use registry_core::decision::{Decision, DecisionView, Moments, Question, decide};
use registry_core::did::DidValue;
use registry_core::did::document::TimeMs;
use registry_core::record::{Entry, RecordKey};
use registry_core::schema::{CredentialType, Schema};
use registry_core::state::StoreError;
use registry_core::status::{StatusList, StatusPurpose};
use registry_core::trust::{Assurance, Grants, TrustView};
use serde::Serialize;

use crate::histories::{TYPE, list, party, right_of, schema_id};
use crate::oracle::{AGENT, AUTHORITY, ISSUER, PRINCIPAL};
use crate::support::{ed, network};
use crate::{Now, permitted, view_at};

/// The records of a moment, one of them with another value.
struct Altered<'h> {
    now: Now<'h>,
    key: RecordKey,
    value: Vec<u8>,
}

impl TrustView for Altered<'_> {
    fn entry(&self, key: &RecordKey) -> Result<Option<Entry>, StoreError> {
        let mut found = self.now.entry(key)?;
        if let Some(entry) = found.as_mut().filter(|_| *key == self.key) {
            entry.value = Bytes(self.value.clone());
        }
        Ok(found)
    }
}

impl DecisionView for Altered<'_> {
    fn version(&self, key: &RecordKey, number: u64) -> Result<Option<Entry>, StoreError> {
        self.now.version(key, number)
    }

    fn status_value(&self, list: &Entry, entry: u64) -> Result<Option<u8>, StoreError> {
        self.now.status_value(list, entry)
    }
}

/// The answer with one record altered at both moments, which are one.
fn altered<T: Serialize>(
    ask: impl FnOnce(&mut Question),
    key: RecordKey,
    read: impl FnOnce(&[u8]) -> T,
    alter: impl FnOnce(&mut T, u64),
) -> Decision {
    let (history, mut question) = permitted();
    ask(&mut question);
    let now = view_at(&history, question.at_ms);
    let present = now.entry(&key).expect("a sound store").expect("a record");
    let mut value = read(&present.value.0);
    alter(&mut value, question.at_ms);
    let view = Altered { now, key, value: codec::encode(&value) };
    let moments = Moments { then: &view, now: &view };
    decide(&network(), moments, &question).expect("an answer")
}

/// The first step that fails, with its finding.
pub(crate) fn assert_fails(decision: &Decision, name: &str, words: &str) {
    let step = decision.failing().expect("a step that fails");
    assert_eq!(step.name.name(), name, "{decision:?}");
    assert!(step.finding.contains(words), "{words}: {}", step.finding);
}

#[test]
fn a_list_that_says_nothing_of_the_credential_is_no_status() {
    let with = |alter: fn(&mut StatusList, u64)| {
        let read = |bytes: &[u8]| StatusList::from_bytes(bytes).expect("a list");
        altered(|_| (), RecordKey::status(&list()), read, alter)
    };
    assert!(with(|_, _| ()).is_permit());
    let other = with(|list, _| list.purpose = StatusPurpose::Suspension);
    assert_fails(&other, "status", "is for suspension, the type wants revocation");
    let other = with(|list, _| list.issuer = party(AUTHORITY).did.clone());
    assert_fails(&other, "status", "not the issuer's");
    let ended = with(|list, at_ms| list.valid_until = Some(at_ms));
    assert_fails(&ended, "status", "ended at");
    assert!(with(|list, at_ms| list.valid_until = Some(at_ms + 1)).is_permit());
    let pending = with(|list, at_ms| list.valid_from = Some(at_ms + 1));
    assert_fails(&pending, "status", "begins at");
}

#[test]
fn schema_and_type_must_be_for_each_other() {
    let by_schema = |question: &mut Question| question.schema = Some(schema_id().to_string());
    let name = TYPE.parse().expect("a type");
    let of_type = |alter: fn(&mut CredentialType, u64)| {
        let read = |bytes: &[u8]| CredentialType::from_bytes(bytes).expect("a type");
        altered(by_schema, RecordKey::credential_type(&party(AUTHORITY).did, &name), read, alter)
    };
    let of_schema = |alter: fn(&mut Schema, u64)| {
        let read = |bytes: &[u8]| Schema::from_bytes(bytes).expect("a schema");
        altered(by_schema, RecordKey::schema(&schema_id()), read, alter)
    };
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
fn a_schema_counts_that_the_authority_published_or_names() {
    let alone = |question: &mut Question| {
        question.schema = Some(schema_id().to_string());
        question.credential_type = None;
    };
    let read = |bytes: &[u8]| Schema::from_bytes(bytes).expect("a schema");
    let key = RecordKey::schema(&schema_id());
    // Without the type there is none that could name it.
    let other = altered(alone, key, read, |schema, _| {
        schema.publisher = party(AGENT).did.clone();
        schema.credential_type = Some("degrees/master".parse().expect("a type"));
    });
    assert_fails(&other, "type", "the authority names it nowhere");
}

#[test]
fn a_principal_whose_right_is_not_of_the_issuer_answers_for_nothing() {
    let read = |bytes: &[u8]| Grants::from_bytes(bytes).expect("grants");
    let key = RecordKey::grant(&right_of(PRINCIPAL));
    let beside = altered(
        |_| (),
        key,
        read,
        |grants, _| {
            let grant = &mut grants.grants[0];
            grant.grantor = party(AUTHORITY).did.clone();
            grant.parent = None;
        },
    );
    assert_fails(&beside, "agent", "none of those who answer for");
}

#[test]
fn a_name_that_another_key_has_now_says_nothing_of_the_first() {
    let (history, question) = permitted();
    let key = RecordKey::did(&party(ISSUER).did.suffix);
    let with = |material: u8, revoked_ms: u64| {
        let now = view_at(&history, question.at_ms);
        let present = now.entry(&key).expect("a sound store").expect("a record");
        let Ok(DidValue::Active(mut state)) = DidValue::from_bytes(&present.value.0) else {
            panic!("the issuer is active");
        };
        let method = &mut state.document.verification_method[1];
        let multikey = ed(material).public().to_string();
        let other = serde_json::json!({ "id": "sign-1", "publicKeyMultibase": multikey });
        *method = serde_json::from_value(other).expect("a method");
        method.revoked = Some(TimeMs(revoked_ms));
        let (key, value) = (key.clone(), codec::encode(&DidValue::Active(state)));
        let now = Altered { now, key, value };
        let then = view_at(&history, question.issued_at_ms);
        decide(&network(), Moments { then: &then, now: &now }, &question).expect("an answer")
    };
    assert!(with(92, question.issued_at_ms).is_permit());
    assert_fails(&with(90, question.issued_at_ms), "key", "is revoked as of");
    assert!(with(90, question.issued_at_ms + 1).is_permit());
}

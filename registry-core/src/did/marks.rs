//! Marked keys: keys that a DID has disowned, each with the time from which its signatures do not
//! count (docs/protocol/did-document.md, section "Marked keys").

use serde::{Deserialize, Serialize};

use super::document::{Document, KeyIdentity, KeyMaterial};
use crate::code::{Code, Refusal};
use crate::limits::DID_MARKS_MAX;
use crate::record::{PartId, RecordKey, RecordView, StoreError};
use crate::time::TimeMs;

/// A key that a DID has disowned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// The key, whatever form a document gives it.
    pub key: KeyIdentity,
    /// Time from which signatures by the key do not count, in whole seconds.
    pub revoked: TimeMs,
}

/// The keys that a DID has disowned, ascending by key. In a signed operation the order can be
/// another one; [`Marks::check`] checks it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Marks(Vec<Mark>);

impl FromIterator<Mark> for Marks {
    /// Makes a list of marks in any order. A key that occurs twice gets the earlier time.
    fn from_iter<T: IntoIterator<Item = Mark>>(marks: T) -> Self {
        let mut list = Self::default();
        marks.into_iter().for_each(|mark| list.add(mark));
        list
    }
}

impl Marks {
    /// Returns the marks of the methods of a document that have `revoked`.
    pub fn of(document: &Document) -> Self {
        let methods = document.verification_method.iter();
        let revoked = methods.filter_map(|method| Some((method, method.revoked?)));
        revoked.flat_map(|(method, revoked)| Mark::of(&method.material, revoked)).collect()
    }

    /// Reads the marks of a DID at the moment of a view. There are none if the DID is unknown or
    /// deactivated.
    pub fn at(view: &dyn RecordView, did: &RecordKey) -> Result<Self, StoreError> {
        let part = view.part(did, PartId::MARKS)?;
        Ok(part.map(|part| part.value()).transpose()?.unwrap_or_default())
    }

    /// Marks a key. If the key is marked already, the earlier time stays.
    pub fn add(&mut self, Mark { key, revoked }: Mark) {
        match self.0.binary_search_by(|mark| mark.key.cmp(&key)) {
            Ok(place) => {
                if let Some(mark) = self.0.get_mut(place) {
                    mark.revoked = mark.revoked.min(revoked);
                }
            }
            Err(place) => self.0.insert(place, Mark { key, revoked }),
        }
    }

    /// Returns these marks with those of another list added.
    pub fn with(mut self, others: Self) -> Self {
        others.0.into_iter().for_each(|mark| self.add(mark));
        self
    }

    /// Returns the same marks in their order, each key once.
    pub fn ordered(self) -> Self {
        self.0.into_iter().collect()
    }

    /// Returns the time from which signatures by a key do not count; `None` if the key is not
    /// marked.
    pub fn revoked(&self, key: &KeyMaterial) -> Option<TimeMs> {
        key.identities().iter().filter_map(|key| self.time_of(key)).min()
    }

    fn time_of(&self, key: &KeyIdentity) -> Option<TimeMs> {
        let place = self.0.binary_search_by(|mark| mark.key.cmp(key)).ok()?;
        self.0.get(place).map(|mark| mark.revoked)
    }

    /// Returns the marks in their order.
    pub fn list(&self) -> &[Mark] {
        &self.0
    }

    /// True if no key is marked.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Checks a list that an operation gives: at most [`DID_MARKS_MAX`] marks, strictly ascending,
    /// each key in its one spelling, each time in whole seconds. Fails with `MARKS_INVALID`.
    pub fn check(&self, field: &str) -> Result<(), Refusal> {
        let invalid =
            |field: String, detail: String| Err(Refusal::new(Code::MarksInvalid, field, detail));
        let count = self.0.len();
        if count > DID_MARKS_MAX {
            return invalid(field.to_owned(), format!("{count} marks, at most {DID_MARKS_MAX}"));
        }
        let mut last: Option<&KeyIdentity> = None;
        for (index, Mark { key, revoked }) in self.0.iter().enumerate() {
            let place = format!("{field}/{index}");
            if !key.is_spelled() {
                let detail = format!("{key} is no key in its one spelling; write the x alone");
                return invalid(format!("{place}/key"), detail);
            }
            if let Some(last) = last.filter(|last| *last >= key) {
                let detail = format!("{key} does not ascend from {last}; sort, each key once");
                return invalid(format!("{place}/key"), detail);
            }
            if let Some(error) = revoked.refusal() {
                return invalid(format!("{place}/revoked"), error.to_string());
            }
            last = Some(key);
        }
        Ok(())
    }
}

impl Mark {
    /// Returns the marks that disown a key from a time on: one for each of its points.
    pub fn of(key: &KeyMaterial, revoked: TimeMs) -> Vec<Self> {
        key.identities().into_iter().map(|key| Self { key, revoked }).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::codec::{decode, encode};
    use crate::did::document::{KeyCodec, Multikey};

    fn key(number: u8) -> KeyMaterial {
        KeyMaterial::Multikey(Multikey::new(KeyCodec::Ed25519, &[number; 32]))
    }

    fn mark(number: u8, second: u64) -> Mark {
        Mark::of(&key(number), TimeMs(second * 1_000)).remove(0)
    }

    fn code(marks: Vec<Mark>) -> Option<(Code, String)> {
        Marks(marks).check("marks").err().map(|refusal| (refusal.code, refusal.field))
    }

    #[test]
    fn a_list_that_an_operation_gives_ascends_and_is_spelled() {
        let invalid = |field: &str| Some((Code::MarksInvalid, field.to_owned()));
        let (first, second) = (mark(1, 5), mark(2, 5));
        assert_eq!(code(vec![first.clone(), second.clone()]), None);
        assert_eq!(code(vec![]), None);
        assert_eq!(code(vec![second.clone(), first.clone()]), invalid("marks/1/key"));
        assert_eq!(code(vec![first.clone(), first.clone()]), invalid("marks/1/key"));
        for revoked in [TimeMs(5_001), TimeMs(u64::MAX)] {
            assert_eq!(code(vec![Mark { revoked, ..first.clone() }]), invalid("marks/0/revoked"));
        }
        let odd = encode(&Multikey::new(KeyCodec::P256, &[&[3], &[7; 32][..]].concat()));
        let odd: KeyIdentity = decode(&odd, odd.len()).expect("bytes");
        let revoked = first.revoked;
        assert_eq!(code(vec![Mark { key: odd, revoked }]), invalid("marks/0/key"));
        let many = |count: u16| -> Vec<Mark> {
            let point = |number: u16| [&number.to_be_bytes()[..], &[0; 30]].concat();
            let key = |number| Multikey::new(KeyCodec::X25519, &point(number));
            let key = |number| KeyIdentity::of_multikey(&key(number)).expect("a key");
            (0..count).map(|number| Mark { key: key(number), revoked }).collect()
        };
        assert_eq!((code(many(256)), code(many(257))), (None, invalid("marks")));
    }

    #[test]
    fn the_marks_of_a_document_are_its_revoked_methods() {
        let text = |number: u8| Multikey::new(KeyCodec::Ed25519, &[number; 32]).to_string();
        let document: Document = serde_json::from_value(json!({ "verificationMethod": [
            { "id": "a", "publicKeyMultibase": text(1), "revoked": "1970-01-01T00:00:09Z" },
            { "id": "b", "publicKeyMultibase": text(2) },
            { "id": "c", "publicKeyMultibase": text(1), "revoked": "1970-01-01T00:00:07Z" },
        ]}))
        .expect("a document");
        assert_eq!(Marks::of(&document).list(), [mark(1, 7)]);
    }

    proptest! {
        #[test]
        fn a_key_keeps_its_earliest_time_in_any_order(
            given in proptest::collection::vec((0u8..9, 0u64..9), 0..40),
        ) {
            let list: Marks = given.iter().map(|(key, second)| mark(*key, *second)).collect();
            prop_assert_eq!(list.check("marks"), Ok(()));
            for number in 0..9 {
                let times = given.iter().filter(|(key, _)| *key == number);
                let earliest = times.map(|(_, second)| TimeMs(second * 1_000)).min();
                prop_assert_eq!(list.revoked(&key(number)), earliest);
            }
            let backwards = given.iter().rev().map(|(key, second)| mark(*key, *second));
            prop_assert_eq!(&backwards.collect::<Marks>(), &list);
            prop_assert_eq!(&list.clone().with(list.clone()), &list);
            let json = serde_json::to_value(&list).expect("JSON");
            prop_assert_eq!(&serde_json::from_value::<Marks>(json).expect("marks"), &list);
        }
    }
}

//! Which rights an authority gave and an entity has: an index beside the records, rebuilt from them
//! by whoever copies the ledger.

use registry_core::codec::Bytes;
use registry_core::crypto::Hash;
use registry_core::id::{Did, Suffix};
use registry_core::names::TrustKey;
use registry_core::record::{Entry, Kind, RecordKey, StoreError};
use registry_core::trust::{Grants, Recognition};
use rpc::service::RightsOf;

use super::{Column, Ledger, Read, Row};

/// Authority, action, entity, resource.
const BY_AUTHORITY: u8 = 1;
/// Entity, authority, action, resource.
const BY_ENTITY: u8 = 2;
/// Grantor, authority under which it granted, unless that is itself.
const BY_GRANTOR: u8 = 3;

/// Names have no zero byte, so one ends each.
fn ended(name: impl ToString) -> Vec<u8> {
    let mut bytes = name.to_string().into_bytes();
    bytes.push(0);
    bytes
}

/// What all rows of a listing begin with.
fn prefix(of: &RightsOf) -> Vec<u8> {
    match of {
        RightsOf::Authority { authority, action } => {
            let action = action.as_ref().map(ended).unwrap_or_default();
            [&[BY_AUTHORITY][..], &authority.suffix.0, &action].concat()
        }
        RightsOf::Entity { entity, authority } => {
            let (authority, action) = match authority {
                Some((authority, action)) => {
                    (&authority.suffix.0[..], action.as_ref().map(ended).unwrap_or_default())
                }
                None => (&[][..], Vec::new()),
            };
            [&[BY_ENTITY][..], &ended(entity), authority, &action].concat()
        }
    }
}

/// The first key behind all that begin with `prefix`.
fn behind(mut prefix: Vec<u8>) -> Vec<u8> {
    while let Some(last) = prefix.pop() {
        if let Some(next) = last.checked_add(1) {
            prefix.push(next);
            break;
        }
    }
    prefix
}

/// The rows that a new version of a record adds; most versions write again what is there.
pub(super) fn rows(entry: &Entry) -> Vec<Row> {
    let record = &entry.record;
    // The values are of this execution and hold what their kind says.
    match record.kind {
        Kind::Grant => match Grants::from_own_bytes(&entry.value.0) {
            Ok(grants) => {
                let mut rows = right_rows(record.kind, &grants.key(), record.version);
                let delegated =
                    grants.grants.iter().filter(|grant| grant.grantor != grants.authority);
                rows.extend(delegated.map(|grant| {
                    let (grantor, root) = (&grant.grantor.suffix.0, &grants.authority.suffix.0);
                    let key = [&[BY_GRANTOR][..], grantor, root].concat();
                    Row::put(Column::Rights, key, Vec::new())
                }));
                rows
            }
            Err(_) => Vec::new(),
        },
        Kind::Recognition => match Recognition::from_own_bytes(&entry.value.0) {
            Ok(recognition) => right_rows(record.kind, &recognition.key(), record.version),
            Err(_) => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// What a right is about never changes, so its first version writes all there is to find it by.
fn right_rows(kind: Kind, key: &TrustKey, version: u64) -> Vec<Row> {
    if version > 1 {
        return Vec::new();
    }
    let TrustKey { authority, action, resource, entity } = key;
    let (root, kind) = (&authority.suffix.0[..], [kind.number()]);
    let (action, resource, who) = (ended(action), ended(resource), ended(entity));
    let by_authority = [&[BY_AUTHORITY], root, &action, &who, &resource, &kind].concat();
    let by_entity = [&[BY_ENTITY], &who[..], root, &action, &resource, &kind].concat();
    let record = key.hash().0;
    vec![
        Row::put(Column::Rights, by_authority, record),
        Row::put(Column::Rights, by_entity, record),
    ]
}

impl<R: Read + ?Sized> Ledger<'_, R> {
    /// The records of rights after `after`, a key that this handed out, in order.
    pub fn rights(
        &self,
        of: &RightsOf,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, RecordKey)>, StoreError> {
        let prefix = prefix(of);
        let from = match after {
            Some(after) if after.starts_with(&prefix) => [after, &[0]].concat(),
            _ => prefix.clone(),
        };
        let rows = self.0.scan(Column::Rights, &from, &behind(prefix), limit)?;
        let malformed = || StoreError::new("a row of the rights is malformed");
        rows.into_iter()
            .map(|(key, record)| {
                let kind = match key.last() {
                    Some(number) if *number == Kind::Grant.number() => Kind::Grant,
                    Some(number) if *number == Kind::Recognition.number() => Kind::Recognition,
                    _ => return Err(malformed()),
                };
                let record: [u8; 32] = record.try_into().map_err(|_| malformed())?;
                Ok((key, RecordKey { kind, key: Bytes(Hash(record).0.to_vec()) }))
            })
            .collect()
    }

    /// The authorities under which `grantor` has granted something, besides itself.
    pub fn authorities_of(&self, grantor: &Did, limit: usize) -> Result<Vec<Did>, StoreError> {
        let prefix = [&[BY_GRANTOR][..], &grantor.suffix.0].concat();
        let rows = self.0.scan(Column::Rights, &prefix, &behind(prefix.clone()), limit)?;
        let malformed = || StoreError::new("a row of the rights is malformed");
        rows.into_iter()
            .map(|(key, _)| {
                let suffix = key.get(prefix.len()..).and_then(|suffix| suffix.try_into().ok());
                let suffix = Suffix(suffix.ok_or_else(malformed)?);
                Ok(Did { network: grantor.network.clone(), suffix })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{MemoryStore, Store as _};
    use registry_core::codec::{self, FixedBytes};
    use registry_core::record::{Record, value_hash};
    use registry_core::trust::{Conditions, Grant, GrantStatus};

    fn did(name: u8) -> Did {
        Did { network: "local".parse().expect("a name"), suffix: Suffix([name; 20]) }
    }

    fn key(authority: u8, action: &str, resource: &str, entity: &str) -> TrustKey {
        let action = action.parse().expect("an action");
        let resource = resource.parse().expect("a resource");
        let entity = entity.parse().expect("an entity");
        TrustKey { authority: did(authority), action, resource, entity }
    }

    fn entry(key: &TrustKey, grantor: u8) -> Entry {
        let mut grants = Grants::new(key);
        grants.grants.push(Grant {
            grantor: did(grantor),
            parent: None,
            conditions: Conditions::default(),
            status: GrantStatus::Active,
            since: 1,
            granted: 1,
            confirmed: 1,
        });
        let (salt, value) = (FixedBytes([0; 16]), codec::encode(&grants));
        let RecordKey { kind, key } = RecordKey::grant(key);
        let (versions, operation) = (Hash::ZERO, Hash::ZERO);
        let value_hash = value_hash(&salt, &value);
        let record = Record {
            kind,
            key,
            version: 1,
            versions,
            height: 1,
            time: 1,
            operation,
            value: value_hash,
        };
        Entry { record, salt, value: Bytes(value) }
    }

    fn store(keys: &[(TrustKey, u8)]) -> MemoryStore {
        let mut store = MemoryStore::default();
        let rows = keys.iter().flat_map(|(key, grantor)| rows(&entry(key, *grantor))).collect();
        store.write(rows, false).expect("memory");
        store
    }

    #[test]
    fn a_listing_holds_what_its_names_say_and_goes_on_after_a_cursor() {
        let keys = [
            (key(1, "issue", "a", "did:web:x.example"), 1),
            (key(1, "issue", "a/b", "did:web:x.example"), 1),
            (key(1, "issue", "a", "did:web:x.example2"), 1),
            (key(1, "issued", "a", "did:web:x.example"), 1),
            (key(255, "issue", "a", "did:web:x.example"), 255),
        ];
        let store = store(&keys);
        let ledger = Ledger(&store);
        let listed = |of: &RightsOf| ledger.rights(of, None, 10).expect("memory").len();
        let authority = |action: Option<&str>| RightsOf::Authority {
            authority: did(1),
            action: action.map(|name| name.parse().expect("an action")),
        };
        assert_eq!(listed(&authority(None)), 4);
        assert_eq!(listed(&authority(Some("issue"))), 3);
        let entity = |authority| RightsOf::Entity {
            entity: "did:web:x.example".parse().expect("an entity"),
            authority,
        };
        assert_eq!(listed(&entity(None)), 4);
        assert_eq!(listed(&entity(Some((did(255), None)))), 1);
        assert_eq!(listed(&entity(Some((did(1), Some("issue".parse().expect("one")))))), 2);
        let mut pages = Vec::new();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = ledger.rights(&authority(None), after.as_deref(), 1).expect("memory");
            let Some((cursor, right)) = page.into_iter().next() else { break };
            pages.push(right);
            after = Some(cursor);
        }
        let mut expected: Vec<_> = keys[..4].iter().map(|(key, _)| RecordKey::grant(key)).collect();
        expected.sort();
        pages.sort();
        assert_eq!(pages, expected);
    }

    #[test]
    fn a_grantor_is_found_under_the_authorities_of_others_alone() {
        let entity = "did:web:x.example";
        let store = store(&[
            (key(1, "issue", "a", entity), 9),
            (key(2, "issue", "a", entity), 9),
            (key(9, "issue", "a", entity), 9),
        ]);
        let found = Ledger(&store).authorities_of(&did(9), 10).expect("memory");
        assert_eq!(found, [did(1), did(2)]);
    }
}

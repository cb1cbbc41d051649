//! Which schemas and credential types a publisher has: an index beside the records, rebuilt from
//! them by whoever copies the ledger.

use registry_core::codec::Bytes;
use registry_core::id::Did;
use registry_core::record::{Entry, Kind, RecordKey, StoreError};
use registry_core::schema::{CredentialType, Schema};

use super::{Column, Ledger, Read, Row};

/// The row of a first version; publisher and name never change. Key: publisher, kind, and for
/// reading in order the id of a schema or the name of a type.
pub(super) fn row(entry: &Entry) -> Option<Row> {
    let record = &entry.record;
    if record.version > 1 {
        return None;
    }
    let value = &entry.value.0;
    // The values are of this execution and hold what their kind says.
    let (publisher, name) = match record.kind {
        Kind::Schema => (Schema::from_own_bytes(value).ok()?.publisher, record.key.0.clone()),
        Kind::CredentialType => {
            let found = CredentialType::from_own_bytes(value).ok()?;
            (found.publisher, found.name.to_string().into_bytes())
        }
        _ => return None,
    };
    let key = [&publisher.suffix.0[..], &[record.kind.number()], &name].concat();
    Some(Row::put(Column::Schemas, key, record.key.0.clone()))
}

impl<R: Read + ?Sized> Ledger<'_, R> {
    /// The records of a publisher, of one kind or of both, after `after`, a key that this handed
    /// out, in order.
    pub fn schemas_of(
        &self,
        publisher: &Did,
        kind: Option<Kind>,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, RecordKey)>, StoreError> {
        let suffix = &publisher.suffix.0;
        let kinds = kind.map_or(0..u8::MAX, |kind| kind.number()..kind.number() + 1);
        let [begin, end] = [kinds.start, kinds.end].map(|kind| [&suffix[..], &[kind]].concat());
        let from = match after {
            Some(after) if after >= begin.as_slice() => [after, &[0]].concat(),
            _ => begin,
        };
        let rows = self.0.scan(Column::Schemas, &from, &end, limit)?;
        let malformed = || StoreError::new("a row of the schemas is malformed");
        rows.into_iter()
            .map(|(key, record)| {
                let number = key.get(suffix.len()).ok_or_else(malformed)?;
                let kinds = [Kind::Schema, Kind::CredentialType];
                let kind = kinds.into_iter().find(|kind| kind.number() == *number);
                let kind = kind.ok_or_else(malformed)?;
                Ok((key, RecordKey { kind, key: Bytes(record) }))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{MemoryStore, Store as _};
    use registry_core::codec::{self, FixedBytes};
    use registry_core::crypto::Hash;
    use registry_core::id::{SchemaId, Suffix};
    use registry_core::record::{Record, value_hash};
    use registry_core::schema::SchemaStatus;

    fn did(name: u8) -> Did {
        Did { network: "local".parse().expect("a name"), suffix: Suffix([name; 20]) }
    }

    fn entry(key: &RecordKey, version: u64, value: Vec<u8>) -> Entry {
        let (salt, RecordKey { kind, key }) = (FixedBytes([0; 16]), key.clone());
        let (versions, operation) = (Hash::ZERO, Hash::ZERO);
        let (height, time, hash) = (version, version, value_hash(&salt, &value));
        let record = Record { kind, key, version, versions, height, time, operation, value: hash };
        Entry { record, salt, value: Bytes(value) }
    }

    fn schema(publisher: u8, content: &str) -> (RecordKey, Vec<u8>) {
        let publisher = did(publisher);
        let key = RecordKey::schema(&SchemaId::of_content(&publisher, content));
        let schema = Schema {
            publisher,
            content: content.to_owned(),
            credential_type: None,
            supersedes: None,
            status: SchemaStatus::Active,
            since: 1,
        };
        (key, codec::encode(&schema))
    }

    fn credential_type(publisher: u8, name: &str) -> (RecordKey, Vec<u8>) {
        let (publisher, name) = (did(publisher), name.parse().expect("a name"));
        let key = RecordKey::credential_type(&publisher, &name);
        let found = CredentialType {
            publisher,
            name,
            schema: None,
            validity_ms_max: None,
            status_purpose: None,
            assurance: None,
            formats: Vec::new(),
            suites: Vec::new(),
            status: SchemaStatus::Active,
            since: 1,
        };
        (key, codec::encode(&found))
    }

    #[test]
    fn a_publisher_has_its_own_of_each_kind_and_the_list_goes_on_after_a_cursor() {
        let own =
            [schema(1, "a"), schema(1, "b"), credential_type(1, "x"), credential_type(1, "y")];
        let others = [schema(2, "a"), credential_type(0, "x"), credential_type(255, "x")];
        let mut store = MemoryStore::default();
        for (key, value) in own.iter().chain(&others) {
            for version in [1, 2] {
                let row = row(&entry(key, version, value.clone()));
                assert_eq!(row.is_some(), version == 1);
                store.write(row.into_iter().collect(), false).expect("memory");
            }
        }
        let ledger = Ledger(&store);
        let listed = |kind, after: Option<&[u8]>, limit| {
            ledger.schemas_of(&did(1), kind, after, limit).expect("memory")
        };
        let keys = |rows: Vec<(Vec<u8>, RecordKey)>| -> Vec<RecordKey> {
            rows.into_iter().map(|(_, key)| key).collect()
        };
        let types: Vec<RecordKey> = own[2..].iter().map(|(key, _)| key.clone()).collect();
        assert_eq!(keys(listed(Some(Kind::CredentialType), None, 10)), types);
        assert_eq!(listed(Some(Kind::Schema), None, 10).len(), 2);
        let mut pages = Vec::new();
        let mut after: Option<Vec<u8>> = None;
        while let Some((cursor, key)) = listed(None, after.as_deref(), 1).pop() {
            pages.push(key);
            after = Some(cursor);
        }
        assert_eq!(pages, keys(listed(None, None, 10)));
        assert_eq!(pages.len(), own.len());
        let last = ledger.schemas_of(&did(255), None, None, 10).expect("memory");
        assert_eq!(last.len(), 1, "nothing lies behind the last suffix");
    }
}

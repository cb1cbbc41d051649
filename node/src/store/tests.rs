//! What listings find in the rows that records add.

use registry_core::codec::{self, FixedBytes};
use registry_core::crypto::Hash;
use registry_core::id::{Did, SchemaId, Suffix};
use registry_core::index::{Listed, Listing};
use registry_core::names::TrustKey;
use registry_core::record::{Entry, Kind, Part, PartId, PartWrite, Record, RecordKey, value_hash};
use registry_core::schema::{CredentialType, Schema, SchemaStatus};
use registry_core::trust::{Conditions, Grant, GrantStatus};

use super::commit::index_rows;
use super::{Column, Ledger, MemoryStore, Read as _, Row, Store as _, entries};
use crate::limits::PART_INLINE_BYTES_MAX;

fn did(name: u8) -> Did {
    Did { network: "local".parse().expect("a name"), suffix: Suffix([name; 20]) }
}

fn key(authority: u8, action: &str, resource: &str, entity: &str) -> TrustKey {
    let action = action.parse().expect("an action");
    let resource = resource.parse().expect("a resource");
    let entity = entity.parse().expect("an entity");
    TrustKey { authority: did(authority), action, resource, entity }
}

fn granted(key: &TrustKey, grantor: u8) -> Entry {
    let grant = Grant {
        grantor: did(grantor),
        parent: None,
        conditions: Conditions::default(),
        status: GrantStatus::Active,
        since: 1,
        suspended: None,
        made: Hash::ZERO,
        granted: 1,
        confirmed: 1,
    };
    let [own, other, ..] = PartId::SLOTS;
    let slot = if key.authority == grant.grantor { own } else { other };
    let right = PartWrite::set(PartId::RIGHT, codec::encode(key));
    let parts = [right, PartWrite::timed(slot, &grant)];
    entry(&RecordKey::grant(key), 1, parts)
}

fn store(keys: &[(TrustKey, u8)]) -> MemoryStore {
    let mut store = MemoryStore::default();
    let rows = keys.iter().flat_map(|(key, grantor)| index_rows(&granted(key, *grantor))).collect();
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
    let listed = |listing: Listing| ledger.listed(&listing, None, 10).expect("memory").len();
    let issue = "issue".parse().expect("an action");
    let all = Listing::rights_by(&did(1), None);
    assert_eq!(listed(all.clone()), 4);
    assert_eq!(listed(Listing::rights_by(&did(1), Some(&issue))), 3);
    let entity = "did:web:x.example".parse().expect("an entity");
    assert_eq!(listed(Listing::rights_of(&entity)), 4);
    assert_eq!(listed(Listing::rights_of_by(&entity, &did(255), None)), 1);
    assert_eq!(listed(Listing::rights_of_by(&entity, &did(1), Some(&issue))), 2);
    let mut pages = Vec::new();
    let mut after: Option<Vec<u8>> = None;
    loop {
        let page = ledger.listed(&all, after.as_deref(), 1).expect("memory");
        let Some(Listed { cursor, record, .. }) = page.into_iter().next() else { break };
        pages.push(record);
        after = Some(cursor);
    }
    let mut expected: Vec<_> = keys[..4].iter().map(|(key, _)| RecordKey::grant(key)).collect();
    expected.sort();
    pages.sort();
    assert_eq!(pages, expected);
}

fn entry(key: &RecordKey, version: u64, writes: impl IntoIterator<Item = PartWrite>) -> Entry {
    let written = |write: PartWrite| write.written(version, &FixedBytes([0; 16]));
    let parts: Vec<Part> = writes.into_iter().filter_map(written).collect();
    let (RecordKey { kind, key }, value) = (key.clone(), value_hash(&parts));
    let (versions, operation) = (Hash::ZERO, Hash::ZERO);
    let (height, time) = (version, version);
    let record = Record { kind, key, version, versions, height, time, operation, value };
    Entry { record, parts }
}

fn schema(publisher: u8, content: &str) -> (RecordKey, PartWrite) {
    let publisher = did(publisher);
    let key = RecordKey::schema(&SchemaId::of_content(&publisher, content));
    let schema = Schema {
        publisher,
        content: content.to_owned(),
        credential_type: None,
        supersedes: None,
        status: SchemaStatus::Active,
        since: 1,
        made: Hash::ZERO,
        published: 1,
    };
    (key, PartWrite::timed(PartId::WHOLE, &schema))
}

fn credential_type(publisher: u8, name: &str) -> (RecordKey, PartWrite) {
    let (publisher, name) = (did(publisher), name.parse().expect("a name"));
    let key = RecordKey::credential_type(&publisher, &name);
    let found = CredentialType {
        publisher,
        name,
        schema: None,
        validity_ms_max: None,
        status_purposes: Vec::new(),
        assurance: None,
        formats: Vec::new(),
        suites: Vec::new(),
        status: SchemaStatus::Active,
        since: 1,
        made: Hash::ZERO,
        published: 1,
    };
    (key, PartWrite::timed(PartId::WHOLE, &found))
}

#[test]
fn a_publisher_has_its_own_of_each_kind_and_the_list_goes_on_after_a_cursor() {
    let own = [schema(1, "a"), schema(1, "b"), credential_type(1, "x"), credential_type(1, "y")];
    let others = [schema(2, "a"), credential_type(0, "x"), credential_type(255, "x")];
    let mut store = MemoryStore::default();
    for (key, write) in own.iter().chain(&others) {
        for version in [1, 2] {
            let rows = index_rows(&entry(key, version, [write.clone()]));
            assert_eq!(rows.len() == 1, version == 1);
            store.write(rows, false).expect("memory");
        }
    }
    let ledger = Ledger(&store);
    let listed = |kind, after: Option<&[u8]>, limit| {
        ledger.listed(&Listing::schemas_of(&did(1), kind), after, limit).expect("memory")
    };
    let keys =
        |rows: Vec<Listed>| -> Vec<RecordKey> { rows.into_iter().map(|row| row.record).collect() };
    let types: Vec<RecordKey> = own[2..].iter().map(|(key, _)| key.clone()).collect();
    assert_eq!(keys(listed(Some(Kind::CredentialType), None, 10)), types);
    assert_eq!(listed(Some(Kind::Schema), None, 10).len(), 2);
    let mut pages = Vec::new();
    let mut after: Option<Vec<u8>> = None;
    while let Some(Listed { cursor, record, .. }) = listed(None, after.as_deref(), 1).pop() {
        pages.push(record);
        after = Some(cursor);
    }
    assert_eq!(pages, keys(listed(None, None, 10)));
    assert_eq!(pages.len(), own.len());
    let last = Listing::schemas_of(&did(255), None);
    let last = ledger.listed(&last, None, 10).expect("memory");
    assert_eq!(last.len(), 1, "nothing lies behind the last suffix");
}

#[test]
fn a_large_part_is_written_once_and_read_with_each_version_that_has_it() {
    let key = RecordKey::did(&did(1).suffix);
    let sizes = [(PartId::CONTROL, 10), (PartId::RECOVERY, PART_INLINE_BYTES_MAX + 1)];
    let writes = sizes
        .map(|(id, bytes)| PartWrite { times: vec![5, 6], ..PartWrite::set(id, vec![7; bytes]) });
    let first = entry(&key, 1, writes.clone());
    let mut second = entry(&key, 2, writes);
    // The second version writes the small part alone.
    second.parts[1].number = 1;
    second.record.value = value_hash(&second.parts);
    let mut store = MemoryStore::default();
    store.write(entries::rows(&first, None).expect("rows"), false).expect("memory");
    let before = store.get(Column::Heads, &key.storage_key()).expect("memory").expect("a head");
    let rows = entries::rows(&second, Some(&before)).expect("rows");
    let written: usize = rows.iter().flat_map(|row| &row.value).map(Vec::len).sum();
    assert!(written < PART_INLINE_BYTES_MAX, "{written} bytes for a change of 10");
    let earlier = [&key.storage_key()[..], &1u64.to_be_bytes()].concat();
    let moved = Row::put(Column::Entries, earlier, before);
    store.write(rows.into_iter().chain([moved]).collect(), false).expect("memory");
    let ledger = Ledger(&store);
    for expected in [&first, &second] {
        let read = ledger.version(&key, expected.record.version).expect("memory");
        assert!(expected.is_whole());
        assert_eq!(read.as_ref(), Some(expected));
    }
    for part in &second.parts {
        let read = registry_core::record::RecordView::part(&ledger, &key, part.id);
        assert_eq!(read.expect("memory").as_ref(), Some(part));
    }
}

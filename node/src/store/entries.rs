//! The form of record versions on disk. A large part of a value lies in a row of its own, which the
//! versions that share the part refer to. So a small change of a record does not write the large
//! parts again, and whoever needs a small part does not read the large ones.

use registry_core::codec::{self, Bytes, FixedBytes};
use registry_core::record::{Entry, Part, PartId, Record, StoreError};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Column, Read, Row};
use crate::limits::PART_INLINE_BYTES_MAX;

/// Largest stored value in bytes. The node wrote all values itself; the limit only bounds the work
/// on a damaged row.
const VALUE_BYTES_MAX: usize = 64 << 20;
/// Reads a value that this node stored.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, StoreError> {
    codec::decode_own(bytes, VALUE_BYTES_MAX).map_err(StoreError::new)
}

/// A version of a record as its row holds it.
#[derive(Serialize, Deserialize)]
struct StoredEntry {
    record: Record,
    parts: Vec<StoredPart>,
}

/// Id, number, salt, value and times of a part; no value if the part has a row of its own.
type StoredPart = (PartId, u64, FixedBytes<16>, Option<Bytes>, Vec<u64>);

fn is_inline(part: &Part) -> bool {
    part.value.0.len() <= PART_INLINE_BYTES_MAX
}

/// Key of the row that holds a large part. A part with this number never changes.
fn part_key(record: &[u8], id: PartId, number: u64) -> Vec<u8> {
    [record, &[id.0], &number.to_be_bytes()].concat()
}

/// Bytes of the row of a version.
fn encode(entry: &Entry) -> Vec<u8> {
    let parts = entry.parts.iter().map(|part| {
        let value = is_inline(part).then(|| part.value.clone());
        (part.id, part.number, part.salt, value, part.times.clone())
    });
    codec::encode(&StoredEntry { record: entry.record.clone(), parts: parts.collect() })
}

/// Rows of a new version, which becomes the newest. `before` is the row of the version before it;
/// `None` if this is the first one.
pub(super) fn rows(entry: &Entry, before: Option<&[u8]>) -> Result<Vec<Row>, StoreError> {
    let key = entry.record.record_key().storage_key();
    let before = before.map(read::<StoredEntry>).transpose()?;
    let before = before.map(|before| before.parts).unwrap_or_default();
    let is_written = |part: &&Part| {
        !before.iter().any(|(id, number, ..)| (*id, *number) == (part.id, part.number))
    };
    let large = entry.parts.iter().filter(|part| !is_inline(part)).filter(is_written);
    let large = large.map(|part| {
        Row::put(Column::Parts, part_key(&key, part.id, part.number), part.value.0.clone())
    });
    let mut rows: Vec<Row> = large.collect();
    rows.push(Row::put(Column::Heads, key, encode(entry)));
    Ok(rows)
}

/// Reads a whole version from its row.
pub(super) fn whole<R: Read + ?Sized>(store: &R, bytes: &[u8]) -> Result<Entry, StoreError> {
    let StoredEntry { record, parts } = read(bytes)?;
    let key = record.record_key().storage_key();
    let parts = parts.into_iter().map(|part| whole_part(store, &key, part));
    Ok(Entry { parts: parts.collect::<Result<_, _>>()?, record })
}

/// Reads one part of a version from its row; `None` if the version has no such part.
pub(super) fn part<R: Read + ?Sized>(
    store: &R,
    key: &[u8],
    bytes: &[u8],
    wanted: PartId,
) -> Result<Option<Part>, StoreError> {
    let StoredEntry { parts, .. } = read(bytes)?;
    let found = parts.into_iter().find(|(id, ..)| *id == wanted);
    found.map(|part| whole_part(store, key, part)).transpose()
}

fn whole_part<R: Read + ?Sized>(
    store: &R,
    key: &[u8],
    (id, number, salt, value, times): StoredPart,
) -> Result<Part, StoreError> {
    let value = match value {
        Some(value) => value,
        None => {
            let row = store.get(Column::Parts, &part_key(key, id, number))?;
            let missing = || StoreError::new(format!("{id:?} with number {number} is missing"));
            Bytes(row.ok_or_else(missing)?)
        }
    };
    Ok(Part { id, number, salt, value, times })
}

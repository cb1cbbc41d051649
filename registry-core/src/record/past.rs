//! Earlier versions of a record, by binary search.

use super::{Entry, RecordKey, RecordView, StoreError};

/// Returns the last version of a record that holds a thing, and the version after it, if there is
/// one up to `newest`. The versions that hold a thing are consecutive, and `first` is one of them.
/// Fails if the view lacks one of these versions.
pub fn last_holding(
    view: &dyn RecordView,
    first: Entry,
    newest: u64,
    holds: impl Fn(&Entry) -> Result<bool, StoreError>,
) -> Result<(Entry, Option<Entry>), StoreError> {
    let key = first.record.record_key();
    let (mut low, mut high) = (first.record.version, newest);
    let mut last = first;
    while low < high {
        let middle = low.saturating_add(high.saturating_sub(low).div_ceil(2));
        let found = required(view, &key, middle)?;
        if holds(&found)? {
            (last, low) = (found, middle);
        } else {
            high = middle.saturating_sub(1);
        }
    }
    let next = low.saturating_add(1);
    let next = if next > newest { None } else { Some(required(view, &key, next)?) };
    Ok((last, next))
}

/// Returns the version of a record in force at a time in ms, which is at most `newest`; `None` if
/// there was none, or if the view has the newest versions alone.
pub fn version_then(
    view: &dyn RecordView,
    key: &RecordKey,
    newest: u64,
    time_ms: u64,
) -> Result<Option<Entry>, StoreError> {
    let Some(first) = view.version(key, 1)? else { return Ok(None) };
    if first.record.time > time_ms {
        return Ok(None);
    }
    let (found, _) = last_holding(view, first, newest, |entry| Ok(entry.record.time <= time_ms))?;
    Ok(Some(found))
}

fn required(view: &dyn RecordView, key: &RecordKey, number: u64) -> Result<Entry, StoreError> {
    let missing = || StoreError::new(format!("no version {number} of {key:?}"));
    view.version(key, number)?.ok_or_else(missing)
}

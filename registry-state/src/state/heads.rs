//! The newest records of a block in the making, as rules read them.

use registry_core::record::{Entry, RecordKey, RecordView, StoreError};

use super::Overlay;

/// The records before an operation, with those that earlier operations of its block wrote.
pub struct Heads<'o, 'a>(pub &'o Overlay<'a>);

impl RecordView for Heads<'_, '_> {
    fn entry(&self, key: &RecordKey) -> Result<Option<Entry>, StoreError> {
        self.0.head(key)
    }
}

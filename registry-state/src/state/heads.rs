//! The newest records of a block under construction, in the form that rules read.

use registry_core::record::{Entry, Part, PartId, RecordKey, RecordView, StoreError};

use super::Overlay;

/// View of the newest records, which includes those that earlier operations of the block wrote.
pub struct Heads<'o, 'a>(pub &'o Overlay<'a>);

impl RecordView for Heads<'_, '_> {
    fn entry(&self, key: &RecordKey) -> Result<Option<Entry>, StoreError> {
        self.0.head(key)
    }

    fn part(&self, key: &RecordKey, id: PartId) -> Result<Option<Part>, StoreError> {
        self.0.part(key, id)
    }
}

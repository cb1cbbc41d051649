//! Reading the value of a record by its kind.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Entry, Kind, StoreError};
use crate::codec::{self, CodecError};
use crate::limits::OPERATION_BYTES_MAX;

/// A type of values. Each kind of record but governance has one such type.
pub trait RecordValue: Serialize + DeserializeOwned {
    /// Kind of the records that hold values of this type.
    const KIND: Kind;
}

impl Entry {
    /// Reads the value of an entry of the node's own store. Fails if the record is of another kind
    /// or its bytes are no value of this type, which means that the store is damaged.
    pub fn value<T: RecordValue>(&self) -> Result<T, StoreError> {
        let (actual, expected) = (self.record.kind, T::KIND);
        if actual != expected {
            let reason = format!("a record of kind {actual:?} where {expected:?} is expected");
            return Err(StoreError::new(reason));
        }
        codec::decode_own(&self.value.0, OPERATION_BYTES_MAX).map_err(StoreError::new)
    }
}

/// Reads a value that comes from elsewhere; only its canonical bytes are accepted. A value can be
/// larger than the operation that wrote it, so the limit is that of the largest operation.
pub fn value_from<T: RecordValue>(bytes: &[u8]) -> Result<T, CodecError> {
    codec::decode(bytes, OPERATION_BYTES_MAX)
}

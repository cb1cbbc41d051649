//! Reading the value of a record by its kind.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Entry, Kind, StoreError};
use crate::codec::{self, CodecError};
use crate::limits::OPERATION_BYTES_MAX;

/// A type that records of one kind hold.
pub trait RecordValue: Serialize + DeserializeOwned {
    /// Kind of the records that hold values of this type.
    const KIND: Kind;
}

impl Entry {
    /// Reads the value of an entry of the own store. Fails if the record is of another kind or its
    /// bytes are no value of this type, which means that the store is damaged.
    pub fn value<T: RecordValue>(&self) -> Result<T, StoreError> {
        self.check_kind::<T>()?;
        codec::decode_own(&self.value.0, OPERATION_BYTES_MAX).map_err(StoreError::new)
    }

    /// Reads the value of an entry that another node sent: only its canonical encoding is accepted.
    /// Fails as [`Entry::value`] does.
    pub fn foreign_value<T: RecordValue>(&self) -> Result<T, StoreError> {
        self.check_kind::<T>()?;
        value_from(&self.value.0).map_err(StoreError::new)
    }

    fn check_kind<T: RecordValue>(&self) -> Result<(), StoreError> {
        let (actual, expected) = (self.record.kind, T::KIND);
        if actual == expected {
            return Ok(());
        }
        Err(StoreError::new(format!("a record of kind {actual:?} where {expected:?} is expected")))
    }
}

/// Reads a value from its canonical bytes. A value can be larger than the operation that wrote it,
/// so the limit is that of the largest operation.
pub fn value_from<T: RecordValue>(bytes: &[u8]) -> Result<T, CodecError> {
    codec::decode(bytes, OPERATION_BYTES_MAX)
}

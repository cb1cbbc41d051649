//! Reading the value of a record by its kind.

use serde::de::DeserializeOwned;

use super::{Entry, Kind, Part, PartId, StoreError, Timed};
use crate::codec;
use crate::limits::OPERATION_BYTES_MAX;

/// A type of values. Each kind of record but governance has one such type.
pub trait RecordValue: DeserializeOwned {
    /// Kind of the records that hold values of this type.
    const KIND: Kind;

    /// Reads the value of an entry of this kind. The default is for kinds whose value is one part.
    fn read(entry: &Entry) -> Result<Self, StoreError> {
        entry.part_value(PartId::WHOLE)
    }
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
        T::read(self)
    }

    /// Returns a part of the value; `None` if the record has no such part.
    pub fn part(&self, id: PartId) -> Option<&Part> {
        self.parts.iter().find(|part| part.id == id)
    }

    /// Reads a part that every value of the record's kind has.
    pub fn part_value<T: DeserializeOwned>(&self, id: PartId) -> Result<T, StoreError> {
        let part = self.part(id);
        let part = part.ok_or_else(|| StoreError::new(format!("a record without {id:?}")))?;
        part.value()
    }

    /// Reads the whole value of a record that records the times of blocks.
    pub fn timed<T: Timed>(&self) -> Result<T, StoreError> {
        let part = self.part(PartId::WHOLE);
        part.ok_or_else(|| StoreError::new("a record without its value"))?.timed()
    }
}

impl Part {
    /// Reads the part's value. Fails if the bytes are no value of this type, which means that the
    /// store is damaged. A value can be larger than the operation that wrote it, so the limit is
    /// that of the largest operation.
    pub fn value<T: DeserializeOwned>(&self) -> Result<T, StoreError> {
        match self.times[..] {
            [] => self.decode(),
            [_, ..] => Err(StoreError::new(format!("{:?} has times of its own", self.id))),
        }
    }

    /// Reads the value of a part that records the times of blocks.
    pub fn timed<T: Timed>(&self) -> Result<T, StoreError> {
        let value: T = self.decode()?;
        let wrong = || StoreError::new(format!("{:?} has {} times", self.id, self.times.len()));
        value.with_times(&self.times).ok_or_else(wrong)
    }

    fn decode<T: DeserializeOwned>(&self) -> Result<T, StoreError> {
        codec::decode_own(&self.value.0, OPERATION_BYTES_MAX).map_err(StoreError::new)
    }
}

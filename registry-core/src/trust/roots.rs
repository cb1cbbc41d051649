//! The roots of a DID: the other authorities under which it has granted rights
//! (docs/protocol/trust.md, section "The record of roots").

use serde::{Deserialize, Serialize};

use crate::id::Did;
use crate::record::{Kind, RecordKey, RecordValue, RecordView, StoreError};

/// An authority under which another DID has granted rights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Root {
    /// DID of the authority.
    pub authority: Did,
    /// Block time in ms of the grant that put the authority into the record.
    pub since: u64,
}

/// Value of a record of roots: at most 64 roots, ascending by authority. A question that is asked
/// of a DID is asked under each of its roots too (TA5).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Roots(pub Vec<Root>);

impl RecordValue for Roots {
    const KIND: Kind = Kind::Roots;
}

impl Roots {
    /// Returns the index of the root with this authority, or the index at which it would be
    /// inserted.
    pub fn place(&self, authority: &Did) -> Result<usize, usize> {
        self.0.binary_search_by(|root| root.authority.cmp(authority))
    }
}

/// Content of `trust_forget_root`: removes a root from the author's record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustForgetRoot {
    /// Authority of the root.
    pub authority: Did,
}

/// Reads the roots of a DID of this network. A DID without a record of roots has none.
pub fn roots(view: &dyn RecordView, grantor: &Did) -> Result<Roots, StoreError> {
    let entry = view.entry(&RecordKey::roots(grantor))?;
    entry.map_or_else(|| Ok(Roots::default()), |entry| entry.value())
}

//! The DIDs that may change the network's own records.

use serde::{Deserialize, Serialize};

use super::{GOVERNORS, GovernanceError, key};
use crate::id::{Did, NetworkName};
use crate::limits::GOVERNORS_MAX;
use crate::record::{PartId, RecordView, StoreError};

/// Value of the governors' record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Governors {
    /// Number of governors that must approve a change, from 1 to their number.
    pub threshold: u8,
    /// 1 to 16 governors, strictly ascending.
    pub members: Vec<Did>,
}

impl Governors {
    /// Checks every rule that needs no state, and names the first that is broken.
    pub fn check(&self, network: &NetworkName) -> Result<(), GovernanceError> {
        let Self { threshold, members } = self;
        let count = members.len();
        if count == 0 || count > GOVERNORS_MAX {
            let expected = format!("1 to {GOVERNORS_MAX} DIDs");
            let actual = format!("{count} DIDs");
            return Err(GovernanceError::value("governors.members", actual, expected));
        }
        let mut previous: Option<&Did> = None;
        for (index, did) in members.iter().enumerate() {
            check_network(did, network, &format!("governors.members[{index}]"))?;
            if previous.is_some_and(|previous| previous >= did) {
                let path = format!("governors.members[{index}]");
                return Err(GovernanceError::value(path, did, "above the one before, each once"));
            }
            previous = Some(did);
        }
        let threshold = u64::from(*threshold);
        let max = u64::try_from(count).unwrap_or(u64::MAX);
        GovernanceError::check_number("governors.threshold", threshold, 1, max)
    }
}

pub(super) fn check_network(
    did: &Did,
    network: &NetworkName,
    path: &str,
) -> Result<(), GovernanceError> {
    if did.network == *network {
        return Ok(());
    }
    Err(GovernanceError::value(path, did, format!("a DID of the network {network}")))
}

/// Reads the governors as of the moment of a view; `None` if the network's genesis names none.
pub fn governors(view: &dyn RecordView) -> Result<Option<Governors>, StoreError> {
    let Some(entry) = view.entry(&key(GOVERNORS))? else { return Ok(None) };
    entry.part_value(PartId::WHOLE).map(Some)
}

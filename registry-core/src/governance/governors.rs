//! Who may change the network's own records.

use serde::{Deserialize, Serialize};

use super::{GOVERNORS, GovernanceError, key};
use crate::code::{Code, Refusal};
use crate::codec;
use crate::did::DidValue;
use crate::id::{Did, NetworkName};
use crate::limits::{GOVERNORS_MAX, OPERATION_BYTES_MAX};
use crate::record::RecordKey;
use crate::state::{ApplyError, StoreError};
use crate::trust::TrustView;

/// The value of the record of governors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Governors {
    /// Whose grants of `registry:write` say who may endorse writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<Did>,
    /// How many must approve a change.
    pub threshold: u8,
    /// 1 to 16, strictly ascending.
    pub members: Vec<Did>,
}

impl Governors {
    /// Checks every rule that needs no state and names the first that is broken.
    pub fn check(&self, network: &NetworkName) -> Result<(), GovernanceError> {
        let Self { authority, threshold, members } = self;
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
        GovernanceError::check_number("governors.threshold", threshold, 1, max)?;
        match authority {
            Some(did) => check_network(did, network, "governors.authority"),
            None => Ok(()),
        }
    }

    /// GV8: those who remain are enough, and the authority exists.
    pub(crate) fn check_live(&self, view: &dyn TrustView) -> Result<(), ApplyError> {
        let too_few = |detail| Err(Refusal::new(Code::GovernorsTooFew, "change", detail).into());
        let live = self.live(view, &self.members)?;
        if live < usize::from(self.threshold) {
            let Self { threshold, members, .. } = self;
            let of = members.len();
            return too_few(format!("{live} of {of} governors are live, {threshold} are needed"));
        }
        match &self.authority {
            Some(did) if !is_live(view, did)? => {
                too_few(format!("the authority {did} is not live"))
            }
            _ => Ok(()),
        }
    }

    /// How many of `dids` are governors that can still sign.
    pub(crate) fn live<'d>(
        &self,
        view: &dyn TrustView,
        dids: impl IntoIterator<Item = &'d Did>,
    ) -> Result<usize, StoreError> {
        let mut count: usize = 0;
        for did in dids {
            let counts = self.members.contains(did) && is_live(view, did)?;
            count = count.saturating_add(usize::from(counts));
        }
        Ok(count)
    }
}

fn check_network(did: &Did, network: &NetworkName, path: &str) -> Result<(), GovernanceError> {
    if did.network == *network {
        return Ok(());
    }
    Err(GovernanceError::value(path, did, format!("a DID of the network {network}")))
}

/// Whether a DID is registered and not deactivated.
pub(crate) fn is_live(view: &dyn TrustView, did: &Did) -> Result<bool, StoreError> {
    let entry = view.entry(&RecordKey::did(&did.suffix))?;
    Ok(entry.is_some_and(|entry| !DidValue::is_deactivated(&entry.value.0)))
}

/// Who may change the network's records; none where its genesis names nobody.
pub fn governors(view: &dyn TrustView) -> Result<Option<Governors>, StoreError> {
    let Some(entry) = view.entry(&key(GOVERNORS))? else { return Ok(None) };
    codec::decode_own(&entry.value.0, OPERATION_BYTES_MAX).map(Some).map_err(StoreError::new)
}

/// GV8: a governor without whom the others are too few is not deactivated.
pub(crate) fn check_deactivation(view: &dyn TrustView, did: &Did) -> Result<(), ApplyError> {
    let Some(governors) = governors(view)?.filter(|governors| governors.members.contains(did))
    else {
        return Ok(());
    };
    let others = governors.members.iter().filter(|member| *member != did);
    let (left, threshold) = (governors.live(view, others)?, governors.threshold);
    if left < usize::from(threshold) {
        let detail = format!("{left} governors would be left, {threshold} are needed");
        return Err(Refusal::new(Code::GovernorsTooFew, "author", detail).into());
    }
    Ok(())
}

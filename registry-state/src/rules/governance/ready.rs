//! Rules of readiness announcements (docs/protocol/governance.md, section "Ready").

use registry_core::code::{Code, Refusal};
use registry_core::crypto::ValidatorKey;
use registry_core::governance::{
    Change, VALIDATORS, VERSION, ValidatorEntry, ValidatorReady, Validators, read,
};
use registry_core::limits::{READY_HEIGHTS_MAX, READY_INTERVAL_MS_MIN, READY_MS_MAX};
use registry_core::record::{RecordKey, StoreError};
use registry_core::{codec, mmr};

use super::{GovernanceWrite, Rules};
use crate::state::{ApplyError, Overlay};

impl Rules<'_> {
    /// Checks rule GV9 and returns what a readiness announcement writes. It does not check the
    /// named block, for which it would need the block history.
    pub fn ready(&self, ready: &ValidatorReady) -> Result<GovernanceWrite, ApplyError> {
        let ValidatorReady { proposal: id, key, peer, .. } = ready;
        let proposal = self.proposal(id)?;
        let named = match &proposal.change {
            Change::Validators(edits) if proposal.status.is_pending() => {
                edits.put.iter().any(|entry| entry.key == *key && entry.peer == *peer)
            }
            Change::Validators(_)
            | Change::Publishing(_)
            | Change::Parameters(_)
            | Change::Version(_)
            | Change::Governors(_) => false,
        };
        let not_expected =
            |detail| Err(Refusal::new(Code::ReadyNotExpected, "proposal", detail).into());
        if !named {
            return not_expected(format!("{id} does not wait for {key} at {peer}"));
        }
        let present: Validators = read(self.view, VALIDATORS)?;
        if present.validators.iter().any(|entry| entry.key == *key) {
            return not_expected(format!("{key} is a validator already"));
        }
        if let Some((last, time_ms)) = self.last_ready(key)?
            && last.proposal == *id
            && self.now.time_ms < time_ms.saturating_add(READY_INTERVAL_MS_MIN)
        {
            let detail = format!("the last one is of {time_ms}, {READY_INTERVAL_MS_MIN} ms apart");
            return Err(Refusal::new(Code::ReadyTooSoon, "proposal", detail).into());
        }
        Ok(GovernanceWrite { value: codec::encode(ready), scheduled: None })
    }

    /// Checks rule GV10: the newcomer's node announced recently that it is ready.
    pub(super) fn check_newcomer(&self, newcomer: &ValidatorEntry) -> Result<(), ApplyError> {
        let ValidatorEntry { name, key, peer, .. } = newcomer;
        let version: u64 = read(self.view, VERSION)?;
        let is_there = |(ready, time_ms): (ValidatorReady, u64)| {
            ready.peer == *peer
                && ready.version >= version
                && self.now.time_ms <= time_ms.saturating_add(READY_MS_MAX)
        };
        if self.last_ready(key)?.is_some_and(is_there) {
            return Ok(());
        }
        let detail = format!("{name} has not said that it is ready in the last {READY_MS_MAX} ms");
        Err(Refusal::new(Code::ValidatorNotReady, "change", detail).into())
    }

    /// Returns the last readiness announcement of a validator key with its block time, as Unix time
    /// in milliseconds.
    fn last_ready(&self, key: &ValidatorKey) -> Result<Option<(ValidatorReady, u64)>, StoreError> {
        let Some(entry) = self.view.entry(&RecordKey::ready(key))? else { return Ok(None) };
        let ready: ValidatorReady = entry.value()?;
        Ok(Some((ready, entry.record.time)))
    }
}

/// Checks rule GV9: the named block is a recent block of this chain.
pub(super) fn check_block(
    overlay: &Overlay<'_>,
    height: u64,
    ready: &ValidatorReady,
) -> Result<(), ApplyError> {
    // The history does not hold the previous block yet when an operation is checked.
    let below = height.saturating_sub(ready.height);
    let known = match (2..=READY_HEIGHTS_MAX).contains(&below) {
        true => overlay.history_node(ready.height)?,
        false => None,
    };
    if known == Some(mmr::leaf(&ready.block)) {
        return Ok(());
    }
    let detail = format!(
        "{} is not the hash of the block of {}, 2 to {READY_HEIGHTS_MAX} below the present",
        ready.block, ready.height
    );
    Err(Refusal::new(Code::ReadyBlock, "block", detail).into())
}

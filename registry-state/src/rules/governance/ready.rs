//! Rules of readiness announcements (docs/protocol/governance.md, section "Ready").

use registry_core::block::Header;
use registry_core::code::{Code, Refusal};
use registry_core::crypto::ValidatorKey;
use registry_core::governance::{
    Change, Readiness, VALIDATORS, VERSION, ValidatorEntry, ValidatorReady, Validators, read,
};
use registry_core::limits::{READY_AGE_MAX, READY_BLOCK_AGE_MAX, READY_DISTANCE_MIN};
use registry_core::mmr;
use registry_core::record::{PartId, PartWrite, RecordKey, StoreError};
use registry_core::span::{ChainTime, Span};

use super::{GovernanceWrite, Rules};
use crate::state::{ApplyError, Context, Overlay};

impl Rules<'_> {
    /// Checks rule GV9 and returns what a readiness announcement writes. It does not check the
    /// named block, for which it would need the block history.
    pub fn ready(&self, ready: &ValidatorReady) -> Result<GovernanceWrite, ApplyError> {
        let ValidatorReady { proposal: id, key, .. } = ready;
        let proposal = self.proposal(id)?;
        let refused = |detail| Refusal::new(Code::ReadyNotExpected, "proposal", detail);
        if !proposal.status.is_pending() {
            let status = proposal.status.name();
            return Err(
                refused(format!("{id} is {status}; name one that is open or approved")).into()
            );
        }
        let present: Validators = read(self.view, VALIDATORS)?;
        check_expected(&proposal.change, &present, ready).map_err(refused)?;
        if let Some((last, since)) = self.last_ready(key)?
            && last.proposal == *id
            && !READY_DISTANCE_MIN.has_passed(since, self.now.at)
        {
            let detail = format!(
                "the last one is {} ms of live time old; wait for {} ms",
                self.now.at.live_ms.saturating_sub(since.live_ms),
                READY_DISTANCE_MIN.live_ms
            );
            return Err(Refusal::new(Code::ReadyTooSoon, "proposal", detail).into());
        }
        let (announcement, live_ms) = (ready.clone(), self.now.at.live_ms);
        let part = PartWrite::timed(PartId::WHOLE, &Readiness { announcement, live_ms });
        Ok(GovernanceWrite { part, scheduled: None })
    }

    /// Checks rule GV10: the newcomer's node announced recently that it is ready.
    pub(super) fn check_newcomer(&self, newcomer: &ValidatorEntry) -> Result<(), ApplyError> {
        let ValidatorEntry { name, key, peer, .. } = newcomer;
        let version: u64 = read(self.view, VERSION)?;
        let is_there = |(ready, since): (ValidatorReady, ChainTime)| {
            ready.peer == *peer
                && ready.version >= version
                && !READY_AGE_MAX.is_exceeded(since, self.now.at)
        };
        if self.last_ready(key)?.is_some_and(is_there) {
            return Ok(());
        }
        let Span { heights, live_ms } = READY_AGE_MAX;
        let detail = format!(
            "{name} has not said that it is ready in the last {heights} heights or {live_ms} ms"
        );
        Err(Refusal::new(Code::ValidatorNotReady, "change", detail).into())
    }

    /// Checks rule GV10: more than two thirds of the power announced recently that they speak the
    /// version.
    pub(super) fn check_version(&self, version: u64) -> Result<(), ApplyError> {
        let present: Validators = read(self.view, VALIDATORS)?;
        let (mut announced, mut total) = (0u64, 0u64);
        for entry in &present.validators {
            let is_there = |(ready, since): (ValidatorReady, ChainTime)| {
                ready.version >= version && !READY_AGE_MAX.is_exceeded(since, self.now.at)
            };
            total = total.saturating_add(entry.power);
            if self.last_ready(&entry.key)?.is_some_and(is_there) {
                announced = announced.saturating_add(entry.power);
            }
        }
        if u128::from(announced).saturating_mul(3) > u128::from(total).saturating_mul(2) {
            return Ok(());
        }
        let detail = format!(
            "power {announced} of {total} has announced version {version}; more than two thirds \
             are needed"
        );
        Err(Refusal::new(Code::VersionNotReady, "change", detail).into())
    }

    /// Returns the last readiness announcement of a validator key with the position of its block.
    fn last_ready(
        &self,
        key: &ValidatorKey,
    ) -> Result<Option<(ValidatorReady, ChainTime)>, StoreError> {
        let Some(entry) = self.view.entry(&RecordKey::ready(key))? else { return Ok(None) };
        let Readiness { announcement, live_ms } = entry.value()?;
        Ok(Some((announcement, ChainTime { height: entry.record.height, live_ms })))
    }
}

/// Checks rule GV9: the change waits for this announcement. A change of validators waits for those
/// that it adds, a change of the version for the present validators. Fails with the reason.
fn check_expected(
    change: &Change,
    present: &Validators,
    ready: &ValidatorReady,
) -> Result<(), String> {
    let ValidatorReady { proposal: id, key, peer, version, .. } = ready;
    let names = |entry: &ValidatorEntry| entry.key == *key && entry.peer == *peer;
    match change {
        Change::Validators(edits) if !edits.put.iter().any(names) => {
            Err(format!("{id} does not wait for {key} at {peer}"))
        }
        Change::Validators(_) if present.validators.iter().any(|entry| entry.key == *key) => {
            Err(format!("{key} is a validator already"))
        }
        Change::Version(_) if !present.validators.iter().any(names) => {
            Err(format!("{id} waits for validators, and {key} at {peer} is none"))
        }
        Change::Version(next) if version < next => {
            Err(format!("{id} waits for version {next}, the node speaks {version} at most"))
        }
        Change::Validators(_) | Change::Version(_) => Ok(()),
        Change::Publishing(_) | Change::Parameters(_) | Change::Governors(_) => {
            Err(format!("{id} waits for no validator"))
        }
    }
}

/// Checks rule GV9: the header is that of a recent block of this chain. The age is measured in
/// block time, because the live time of the block is not known any more.
pub(super) fn check_block(
    overlay: &Overlay<'_>,
    context: &Context,
    header: &Header,
) -> Result<(), ApplyError> {
    // The history does not hold the previous block yet when an operation is checked.
    let is_stored = header.height.saturating_add(2) <= context.height;
    let known = if is_stored { overlay.history_node(header.height)? } else { None };
    let since = ChainTime { height: header.height, live_ms: header.time };
    let now = ChainTime { height: context.height, live_ms: context.time_ms };
    let is_known = known == Some(mmr::leaf(&header.hash()));
    if is_known && !READY_BLOCK_AGE_MAX.is_exceeded(since, now) {
        return Ok(());
    }
    let Span { heights, live_ms } = READY_BLOCK_AGE_MAX;
    let detail = format!(
        "{} of height {} is not a block of this chain at least 2 heights below the present {} and \
         at most {heights} heights or {live_ms} ms old",
        header.hash(),
        header.height,
        context.height
    );
    Err(Refusal::new(Code::ReadyBlock, "header", detail).into())
}

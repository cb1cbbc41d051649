//! What the scheduled changes make of the records one after another (docs/protocol/governance.md,
//! rule GV5).

use std::collections::BTreeMap;

use registry_core::code::{Code, Refusal};
use registry_core::codec::Bytes;
use registry_core::crypto::Hash;
use registry_core::governance::{Change, key};
use registry_core::record::{Entry, Part, PartId, RecordKey, RecordView, StoreError};

use super::Rules;
use super::result::result;
use crate::state::ApplyError;

/// Records as they will be when some changes have taken effect.
struct Planned<'v> {
    view: &'v dyn RecordView,
    values: BTreeMap<RecordKey, Vec<u8>>,
}

impl RecordView for Planned<'_> {
    fn entry(&self, key: &RecordKey) -> Result<Option<Entry>, StoreError> {
        let entry = self.view.entry(key)?;
        Ok(entry.map(|Entry { record, mut parts }| {
            if let Some(value) = self.values.get(key) {
                parts.iter_mut().for_each(|part| part.value = Bytes(value.clone()));
            }
            Entry { record, parts }
        }))
    }

    fn part(&self, key: &RecordKey, id: PartId) -> Result<Option<Part>, StoreError> {
        let part = self.view.part(key, id)?;
        Ok(part.map(|part| match self.values.get(key) {
            Some(value) => Part { value: Bytes(value.clone()), ..part },
            None => part,
        }))
    }
}

impl<'v> Planned<'v> {
    fn over(view: &'v dyn RecordView) -> Self {
        Self { view, values: BTreeMap::new() }
    }

    /// Applies a change to the planned records. If the change breaks a rule, the records stay as
    /// they are, because such a change would be cancelled; the result is the refusal.
    fn apply(&mut self, change: &Change) -> Result<Result<(), Refusal>, StoreError> {
        match result(self, change) {
            Ok(result) => {
                self.values.insert(key(change.record()), result.value);
                Ok(Ok(()))
            }
            Err(ApplyError::Refused(refusal)) => Ok(Err(refusal)),
            Err(ApplyError::Store(error)) => Err(error),
            Err(error @ ApplyError::Full) => Err(StoreError::new(error)),
        }
    }
}

impl Rules<'_> {
    /// Checks rule GV5 of a proposal that is not scheduled yet: at its place among the scheduled
    /// changes it keeps all rules, and every change behind it that keeps the rules without it keeps
    /// them with it too.
    pub(super) fn check_schedule(
        &self,
        id: &Hash,
        change: &Change,
        height: u64,
    ) -> Result<(), ApplyError> {
        let own = (height, *id);
        let mut planned = Planned::over(self.view);
        for (_, other) in self.now.scheduled.0.range(..own) {
            let _cancelled = planned.apply(&self.proposal(other)?.change)?;
        }
        planned.apply(change)??;
        for place in self.now.scheduled.0.range(own..) {
            let (from, other) = place;
            let Err(refusal) = planned.apply(&self.proposal(other)?.change)? else { continue };
            if self.holds_without(place)? {
                let detail = format!(
                    "the approved proposal {other}, due at height {from}, would be cancelled \
                     behind this change: {refusal}"
                );
                return Err(Refusal::new(Code::ScheduleBroken, "change", detail).into());
            }
        }
        Ok(())
    }

    /// True if the scheduled change at `place` keeps the rules at its turn when nothing but the
    /// scheduled changes happens.
    fn holds_without(&self, place: &(u64, Hash)) -> Result<bool, ApplyError> {
        let mut planned = Planned::over(self.view);
        let mut holds = false;
        for (_, id) in self.now.scheduled.0.range(..=*place) {
            holds = planned.apply(&self.proposal(id)?.change)?.is_ok();
        }
        Ok(holds)
    }
}

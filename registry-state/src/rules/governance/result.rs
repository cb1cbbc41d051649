//! What a change makes of the records that it is applied to (docs/protocol/governance.md, rules
//! GV5, GV6 and GV8).

use registry_core::code::{Code, Refusal};
use registry_core::codec;
use registry_core::governance::{
    Change, PUBLISHING, Publishing, VALIDATORS, VERSION, ValidatorEntry, Validators, WritePolicy,
    key, read,
};
use registry_core::record::{PartId, RecordView};

use crate::rules::governors::{check_live, is_live};
use crate::state::ApplyError;

/// Result of a change, computed from the present records.
pub(super) struct ChangeResult {
    /// Next value of the record that the change is about.
    pub(super) value: Vec<u8>,
    /// Validators of the result whose keys have no power at present.
    pub(super) newcomers: Vec<ValidatorEntry>,
}

/// Checks rules GV5, GV6 and GV8 of a change that is applied to the records of `view`.
pub(super) fn result(view: &dyn RecordView, change: &Change) -> Result<ChangeResult, ApplyError> {
    let broken = |detail: String| Refusal::new(Code::GovernanceResult, "change", detail);
    let mut newcomers = Vec::new();
    let value = match change {
        Change::Validators(edits) => {
            let present: Validators = read(view, VALIDATORS)?;
            let publishing: Publishing = read(view, PUBLISHING)?;
            let next = edits.result(&present, &publishing);
            let next = next.map_err(|error| broken(error.to_string()))?;
            check_power(&present, &next)?;
            let is_new = |entry: &&ValidatorEntry| power_of(&present, entry) == 0;
            newcomers = next.validators.iter().filter(is_new).cloned().collect();
            codec::encode(&next)
        }
        Change::Publishing(edits) => {
            let present: Publishing = read(view, PUBLISHING)?;
            let validators: Validators = read(view, VALIDATORS)?;
            let next = edits.result(&present, &validators);
            codec::encode(&next.map_err(|error| broken(error.to_string()))?)
        }
        Change::Parameters(parameters) => {
            parameters.check().map_err(|error| broken(error.to_string()))?;
            if let WritePolicy::Endorsed(policy) = &parameters.write_policy
                && !is_live(view, &policy.authority)?
            {
                return Err(broken(format!("{} cannot grant", policy.authority)).into());
            }
            codec::encode(parameters)
        }
        Change::Version(version) => {
            let present: u64 = read(view, VERSION)?;
            let next = present.saturating_add(1);
            if *version != next {
                let detail = format!(
                    "version is {version}, it must be {next}, one above the present {present}"
                );
                return Err(broken(detail).into());
            }
            codec::encode(version)
        }
        Change::Governors(governors) => codec::encode(governors),
    };
    let present = view.part(&key(change.record()), PartId::WHOLE)?;
    if present.is_some_and(|present| present.value.0 == value) {
        return Err(broken("it changes nothing".to_owned()).into());
    }
    if let Change::Governors(governors) = change {
        check_live(governors, view)?;
    }
    Ok(ChangeResult { value, newcomers })
}

fn power_of(validators: &Validators, entry: &ValidatorEntry) -> u64 {
    let own = validators.validators.iter().find(|own| own.key == entry.key);
    own.map_or(0, |own| own.power)
}

/// Checks rule GV6: less than a third of the old power leaves, and less than a third of the new
/// power joins.
fn check_power(old: &Validators, new: &Validators) -> Result<(), Refusal> {
    let total = |of: &Validators| {
        of.validators.iter().fold(0, |sum: u64, entry| sum.saturating_add(entry.power))
    };
    // Sums up the power that keys have in `of` beyond their power in `than`.
    let beyond = |of: &Validators, than: &Validators| {
        let more = of.validators.iter().map(|entry| {
            let other = power_of(than, entry);
            entry.power.saturating_sub(other)
        });
        more.fold(0, u64::saturating_add)
    };
    for (moved, of, what) in
        [(beyond(old, new), total(old), "leaves"), (beyond(new, old), total(new), "joins")]
    {
        if u128::from(moved).saturating_mul(3) >= u128::from(of) {
            let detail = format!("power {moved} of {of} {what}; less than a third may at once");
            return Err(Refusal::new(Code::PowerMoved, "change", detail));
        }
    }
    Ok(())
}

//! Bounds of the parameters.

use super::{GovernanceError, Parameters, WritePolicy};
use crate::limits::{
    BLOCK_INTERVAL_MS_MIN, ENDORSED_PER_HOUR_MAX, HEARTBEAT_MS_MAX, RECOVERY_DELAY_MS_FLOOR,
    RECOVERY_DELAY_MS_MAX, TIMEOUT_MS_MAX, TIMEOUT_MS_MIN,
};

impl Parameters {
    /// Checks every bound and names the first that is broken.
    pub fn check(&self) -> Result<(), GovernanceError> {
        let Self {
            write_policy,
            recovery_delay_ms_min,
            block_interval_ms_min,
            heartbeat_ms,
            timeout_propose_ms,
            timeout_prevote_ms,
            timeout_precommit_ms,
            timeout_step_ms,
            timeout_ms_max,
        } = self;
        if let WritePolicy::Endorsed(policy) = write_policy {
            let path = "parameters.write_policy.endorsed.operations_per_hour";
            let (actual, max) = (policy.operations_per_hour, ENDORSED_PER_HOUR_MAX);
            GovernanceError::check_number(path, actual, 1, max)?;
        }
        let (interval, longest) = (*block_interval_ms_min, *timeout_ms_max);
        let recovery = (RECOVERY_DELAY_MS_FLOOR, RECOVERY_DELAY_MS_MAX);
        for (name, actual, (min, max)) in [
            ("recovery_delay_ms_min", *recovery_delay_ms_min, recovery),
            ("block_interval_ms_min", interval, (BLOCK_INTERVAL_MS_MIN, HEARTBEAT_MS_MAX)),
            ("heartbeat_ms", *heartbeat_ms, (interval, HEARTBEAT_MS_MAX)),
            ("timeout_ms_max", longest, (TIMEOUT_MS_MIN, TIMEOUT_MS_MAX)),
            ("timeout_propose_ms", *timeout_propose_ms, (TIMEOUT_MS_MIN, longest)),
            ("timeout_prevote_ms", *timeout_prevote_ms, (TIMEOUT_MS_MIN, longest)),
            ("timeout_precommit_ms", *timeout_precommit_ms, (TIMEOUT_MS_MIN, longest)),
            ("timeout_step_ms", *timeout_step_ms, (1, longest)),
        ] {
            GovernanceError::check_number(&format!("parameters.{name}"), actual, min, max)?;
        }
        Ok(())
    }
}

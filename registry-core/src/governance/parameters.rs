//! Bounds of the parameters.

use super::{GovernanceError, Parameters, WritePolicy};
use crate::limits::{
    BLOCK_INTERVAL_MS_MIN, ENDORSED_PER_HOUR_MAX, HEARTBEAT_MS_MAX, LIVE_GAP_MS_MAX,
    NOTICE_MS_FLOOR, NOTICE_MS_MAX, RECOVERY_DELAY_MS_FLOOR, RECOVERY_DELAY_MS_MAX, TIMEOUT_MS_MAX,
    TIMEOUT_MS_MAX_MIN, TIMEOUT_PROPOSE_MS_MIN, TIMEOUT_STEP_MS_MIN, TIMEOUT_VOTE_MS_MIN,
};

impl Parameters {
    /// Checks every bound and names the first that is broken.
    pub fn check(&self) -> Result<(), GovernanceError> {
        let Self {
            write_policy,
            recovery_delay_ms_min,
            notice_ms_min,
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
            ("notice_ms_min", *notice_ms_min, (NOTICE_MS_FLOOR, NOTICE_MS_MAX)),
            ("block_interval_ms_min", interval, (BLOCK_INTERVAL_MS_MIN, HEARTBEAT_MS_MAX)),
            ("heartbeat_ms", *heartbeat_ms, (interval, HEARTBEAT_MS_MAX)),
            ("timeout_ms_max", longest, (TIMEOUT_MS_MAX_MIN, TIMEOUT_MS_MAX)),
            ("timeout_propose_ms", *timeout_propose_ms, (TIMEOUT_PROPOSE_MS_MIN, longest)),
            ("timeout_prevote_ms", *timeout_prevote_ms, (TIMEOUT_VOTE_MS_MIN, longest)),
            ("timeout_precommit_ms", *timeout_precommit_ms, (TIMEOUT_VOTE_MS_MIN, longest)),
            ("timeout_step_ms", *timeout_step_ms, (TIMEOUT_STEP_MS_MIN, longest)),
        ] {
            GovernanceError::check_number(&format!("parameters.{name}"), actual, min, max)?;
        }
        self.check_idle_gap()
    }

    /// Checks that a healthy network which is idle, and then loses two rounds to proposers that are
    /// down, makes a block before the gap counts as a halt. Otherwise nothing that is measured in
    /// live time would ever end.
    fn check_idle_gap(&self) -> Result<(), GovernanceError> {
        let votes_ms = self.timeout_prevote_ms.saturating_add(self.timeout_precommit_ms);
        let rounds_ms = self.timeout_propose_ms.saturating_add(votes_ms).saturating_mul(2);
        if self.heartbeat_ms.saturating_add(rounds_ms) < LIVE_GAP_MS_MAX {
            return Ok(());
        }
        let expected = format!(
            "below {}, because heartbeat_ms and twice the sum of timeout_propose_ms, \
             timeout_prevote_ms and timeout_precommit_ms ({rounds_ms} ms) must stay below the gap \
             that counts as a halt ({LIVE_GAP_MS_MAX} ms); shorten one of the four",
            LIVE_GAP_MS_MAX.saturating_sub(rounds_ms)
        );
        Err(GovernanceError::value("parameters.heartbeat_ms", self.heartbeat_ms, expected))
    }
}

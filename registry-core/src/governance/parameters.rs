//! Bounds of the parameters.

use super::{GovernanceError, Parameters, WritePolicy};
use crate::cost::{self, BLOCK_COST_MAX_MIN, COST_PER_MS, OPERATION_COST_MAX};
use crate::limits::{
    BLOCK_INTERVAL_MS_MIN, ENDORSED_COST_PER_HOUR_MAX, HEARTBEAT_MS_MAX, LIVE_GAP_MS_MAX,
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
            block_cost_max: _,
        } = self;
        if let WritePolicy::Endorsed(policy) = write_policy {
            let path = "parameters.write_policy.endorsed.cost_per_hour";
            let (actual, max) = (policy.cost_per_hour, ENDORSED_COST_PER_HOUR_MAX);
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
        self.check_budget()?;
        self.check_idle_gap()
    }

    /// Checks that a block has room for ten operations of the largest cost, and that a node can
    /// execute it in a quarter of the time that validators wait for a proposal.
    fn check_budget(&self) -> Result<(), GovernanceError> {
        let Self { block_cost_max, timeout_propose_ms, .. } = self;
        let (min, max) = (BLOCK_COST_MAX_MIN, cost::block_cost_max(*timeout_propose_ms));
        if (min..=max).contains(block_cost_max) {
            return Ok(());
        }
        let remedy = match min <= max {
            true => "choose a number between them",
            false => "no number is both, so choose a longer timeout_propose_ms",
        };
        let expected = format!(
            "at least {min} (ten times {OPERATION_COST_MAX}, the largest cost of an operation) and \
             at most {max} ({COST_PER_MS} for each ms of a quarter of timeout_propose_ms, which is \
             {timeout_propose_ms}); {remedy}"
        );
        Err(GovernanceError::value("parameters.block_cost_max", *block_cost_max, expected))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(timeout_propose_ms: u64, block_cost_max: u64) -> Option<String> {
        let parameters = Parameters { timeout_propose_ms, block_cost_max, ..Parameters::default() };
        parameters.check_budget().err().map(|error| error.to_string())
    }

    #[test]
    fn the_budget_has_room_for_ten_operations_and_leaves_room_in_the_timeout() {
        for (timeout_ms, least, most) in [(787, 118_000, 118_050), (3_000, 118_000, 450_000)] {
            assert_eq!(refused(timeout_ms, least), None);
            assert_eq!(refused(timeout_ms, most), None);
            for outside in [least - 1, most + 1, 0, u64::MAX] {
                let text = refused(timeout_ms, outside).expect("a refusal");
                let bounds = [least.to_string(), most.to_string()];
                assert!(bounds.iter().all(|bound| text.contains(bound)), "{text}");
                assert!(text.contains("parameters.block_cost_max"), "{text}");
            }
        }
    }

    #[test]
    fn bounds_that_contradict_each_other_are_refused_with_both_named() {
        let text = refused(786, 118_000).expect("a refusal");
        assert!(text.contains("at least 118000") && text.contains("at most 117900"), "{text}");
        assert!(text.contains("a longer timeout_propose_ms"), "{text}");
        assert_eq!(refused(787, 118_000), None);
    }
}

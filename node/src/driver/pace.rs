//! The time at which the next height starts: never before the minimum interval, immediately after
//! it when there is something to decide, and with the heartbeat at the latest (DESIGN section 7,
//! "Pace").

use registry_core::codec;
use registry_core::governance::Parameters;

use super::{Action, Driver, Now, Timer};
use crate::limits::WANTED_HEIGHTS_AHEAD_MAX;
use crate::wire::Frame;

/// The pace of the chain as this node sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    interval_ms: u64,
    heartbeat_ms: u64,
    committed_steady_ms: u64,
    /// Greatest height that a signed message or a wake frame of a peer has asked for.
    pub(super) wanted_height: u64,
    /// Latest height that a peer asked for when it was too far ahead of the head. It is considered
    /// again once the head has come near.
    deferred_height: u64,
    /// Greatest height for which this node woke the other validators.
    pub(super) woken_height: u64,
}

impl Pace {
    pub(super) fn new(parameters: &Parameters, now: Now) -> Self {
        Self {
            interval_ms: parameters.block_interval_ms_min,
            heartbeat_ms: parameters.heartbeat_ms,
            committed_steady_ms: now.steady_ms,
            wanted_height: 0,
            deferred_height: 0,
            woken_height: 0,
        }
    }

    /// Takes over the parameters of the next height.
    pub(super) fn adopt(&mut self, parameters: &Parameters) {
        self.interval_ms = parameters.block_interval_ms_min;
        self.heartbeat_ms = parameters.heartbeat_ms;
    }

    pub(super) fn committed(&mut self, now: Now) {
        self.committed_steady_ms = now.steady_ms;
    }

    /// Time since the last commit, in milliseconds.
    pub(super) fn quiet_ms(&self, now: Now) -> u64 {
        now.steady_ms.saturating_sub(self.committed_steady_ms)
    }

    fn start_at_ms(&self, height: u64, work: bool) -> u64 {
        let wait_ms =
            if work || self.wanted_height >= height { self.interval_ms } else { self.heartbeat_ms };
        self.committed_steady_ms.saturating_add(wait_ms)
    }
}

impl Driver {
    /// Notes that a validator asks for `height`. It may already have committed a block that this
    /// node is about to commit, so the height after the next counts too. A request for a later
    /// height is deferred: a lying validator could use it to speed up the chain.
    pub(super) fn want(&mut self, height: u64) {
        if height <= self.head.height.saturating_add(WANTED_HEIGHTS_AHEAD_MAX) {
            self.pace.wanted_height = self.pace.wanted_height.max(height);
        } else {
            self.pace.deferred_height = height;
        }
    }

    /// Considers the deferred height again after the head has moved. It counts only once, so a
    /// false request starts no more heights than one that arrives in time.
    pub(super) fn reconsider_deferred_height(&mut self) {
        if self.pace.deferred_height > self.head.height {
            let deferred = std::mem::take(&mut self.pace.deferred_height);
            self.want(deferred);
        }
    }

    /// Wakes a validator that reconnects while a height is being decided, because it may be the
    /// next proposer.
    pub(super) fn wake_again(&mut self, peer: libp2p::PeerId) {
        let height = self.head.height.saturating_add(1);
        let deciding = |state: &ordering::State| state.is_deciding() && state.height() == height;
        let back =
            self.rules.validators.validators.iter().any(|entry| entry.peer == peer.to_string());
        if back && self.ordering.as_ref().is_some_and(deciding) {
            let frame = Frame::Wake { height, operation: None };
            self.actions.push(Action::Wake(codec::encode(&frame)));
        }
    }

    /// Starts the height after the head if it is due, or sets the timer for it. Returns true if it
    /// started the height.
    pub(super) fn start_height_if_due(&mut self) -> bool {
        let height = self.head.height.saturating_add(1);
        let resting = self
            .ordering
            .as_ref()
            .is_some_and(|state| !(state.is_deciding() && state.height() >= height));
        // A validator starts the next height even if peers claim a greater one. Their claims may be
        // lies, and the validators that decided may be gone. If block sync brings the block
        // meanwhile, that block counts.
        if !resting || self.rules.check_version(self.head.height).is_err() {
            return false;
        }
        let work = !self.mempool.is_empty();
        let at_ms = self.pace.start_at_ms(height, work);
        if at_ms > self.now.steady_ms {
            self.set_timer(Timer::Pace, at_ms);
            return false;
        }
        self.timers.remove(&Timer::Pace);
        if work {
            self.wake(None);
        }
        self.feed(ordering::Input::StartHeight {
            height,
            set: self.rules.set.clone(),
            timeouts: self.rules.timeouts(),
        });
        true
    }
}

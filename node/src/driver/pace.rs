//! When the next height starts: never before the minimum interval, at once when there is something
//! to decide, at the latest with the heartbeat (DESIGN section 7, "Pace").

use registry_core::codec;
use registry_core::governance::Parameters;

use super::{Action, Driver, Now, Timer};
use crate::limits::WANTED_HEIGHTS_AHEAD_MAX;
use crate::wire::Frame;

/// The pace of the chain as one node sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    interval_ms: u64,
    heartbeat_ms: u64,
    committed_steady_ms: u64,
    /// Height that a peer's signed message or wake asks for.
    pub(super) wanted_height: u64,
    /// The last height that was asked for when it was too far off to be heard: once the head is
    /// near, it was the truth.
    deferred_height: u64,
    /// Height for which this node woke the others.
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

    /// The next height has these parameters.
    pub(super) fn adopt(&mut self, parameters: &Parameters) {
        self.interval_ms = parameters.block_interval_ms_min;
        self.heartbeat_ms = parameters.heartbeat_ms;
    }

    pub(super) fn committed(&mut self, now: Now) {
        self.committed_steady_ms = now.steady_ms;
    }

    /// Time since the last commit.
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
    /// A validator asks for a height. It may have committed a block that this node is about to,
    /// so the height after the next counts too; what is further off may be a lie about the pace.
    pub(super) fn want(&mut self, height: u64) {
        if height <= self.head.height.saturating_add(WANTED_HEIGHTS_AHEAD_MAX) {
            self.pace.wanted_height = self.pace.wanted_height.max(height);
        } else {
            self.pace.deferred_height = height;
        }
    }

    /// The head moved: what was asked for while this node was behind may be near now. Each wish
    /// counts once, so a lie starts no more heights than one that is told in time.
    pub(super) fn reconsider_deferred_height(&mut self) {
        if self.pace.deferred_height > self.head.height {
            let deferred = std::mem::take(&mut self.pace.deferred_height);
            self.want(deferred);
        }
    }

    /// A validator came back while a height is being decided: it may have the turn.
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

    /// Starts the height after the head if it is time, or sets the timer for it.
    pub(super) fn start_height_if_due(&mut self) -> bool {
        let height = self.head.height.saturating_add(1);
        let resting = self
            .ordering
            .as_ref()
            .is_some_and(|state| !(state.is_deciding() && state.height() >= height));
        // Peers that claim more must not keep a validator from its duty: their claims may be lies,
        // and those who decided may be gone. What block sync brings meanwhile overtakes it.
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

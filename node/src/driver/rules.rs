//! The network's own records as far as they concern this node: the validator set, the parameters
//! and the protocol version. The driver reads them at start and after each block that changes one
//! of them. They apply from the next height on (docs/protocol/governance.md, "Taking effect").

use ordering::{Guard, Input, State, Timeouts};
use registry_core::certificate::ValidatorSet;
use registry_core::crypto::ValidatorKey;
use registry_core::governance::{
    PARAMETERS, PROTOCOL_VERSION, Parameters, VALIDATORS, VERSION, Validators, key, read,
};
use registry_core::record::StoreError;
use registry_state::state::Changes;
use tracing::{error, info};

use super::{Action, Driver, Fatal, Timer};
use crate::limits::VERSION_GRACE_MS;
use crate::store::{Ledger, Read, Store};

/// Interval at which a validator sends its votes and certificates again.
const REBROADCAST_MS: u64 = 1_000;

/// Validator key of this node, whether the validator set contains it or not.
pub(super) struct Signer {
    pub(super) key: ed25519_dalek::SigningKey,
    /// Record of what the key has signed. While the node takes part in the consensus, the consensus
    /// state has a newer one.
    pub(super) guard: Guard,
}

impl Signer {
    pub(super) fn public(&self) -> ValidatorKey {
        ValidatorKey(self.key.verifying_key().to_bytes())
    }
}

/// Rules of the next height.
pub(super) struct Rules {
    pub(super) parameters: Parameters,
    pub(super) validators: Validators,
    /// The same validators in the form that certificates are checked against.
    pub(super) set: ValidatorSet,
    version: u64,
}

impl Rules {
    /// Reads the rules from the newest state.
    pub(super) fn read<R: Read + ?Sized>(ledger: &Ledger<'_, R>) -> Result<Self, StoreError> {
        let validators: Validators = read(ledger, VALIDATORS)?;
        Ok(Self {
            parameters: read(ledger, PARAMETERS)?,
            set: validators.set().map_err(StoreError::new)?,
            validators,
            version: read(ledger, VERSION)?,
        })
    }

    pub(super) fn timeouts(&self) -> Timeouts {
        let parameters = &self.parameters;
        Timeouts {
            propose_ms: parameters.timeout_propose_ms,
            prevote_ms: parameters.timeout_prevote_ms,
            precommit_ms: parameters.timeout_precommit_ms,
            rebroadcast_ms: REBROADCAST_MS,
            step_ms: parameters.timeout_step_ms,
            cap_ms: parameters.timeout_ms_max,
        }
    }

    /// Fails with [`Fatal::Version`] if this program does not support the protocol version of the
    /// height after `head`.
    pub(super) fn check_version(&self, head: u64) -> Result<(), Fatal> {
        if self.version <= PROTOCOL_VERSION {
            return Ok(());
        }
        Err(Fatal::Version {
            height: head.saturating_add(1),
            needed: self.version,
            spoken: PROTOCOL_VERSION,
        })
    }
}

impl Driver {
    /// Reads the rules again if a committed block changed them. The new rules apply to the next
    /// height.
    pub(super) fn follow_rules(
        &mut self,
        changes: &Changes,
        store: &dyn Store,
    ) -> Result<(), Fatal> {
        let names = [VALIDATORS, PARAMETERS, VERSION];
        if names.iter().all(|name| changes.entry(&key(name)).is_none()) {
            return Ok(());
        }
        let read: &dyn Read = store;
        let ledger = Ledger(read);
        let before = std::mem::replace(&mut self.rules, Rules::read(&ledger)?);
        self.pace.adopt(&self.rules.parameters);
        if before.validators != self.rules.validators {
            self.actions.push(Action::Validators(self.rules.validators.clone()));
            self.join_or_leave_consensus(&ledger)?;
        }
        if let Err(fatal) = self.rules.check_version(self.head.height) {
            error!("{fatal}");
            // Peers that do not have the last block of this version yet can fetch it here for a
            // while.
            self.set_timer(Timer::Stop, self.now.steady_ms.saturating_add(VERSION_GRACE_MS));
        }
        Ok(())
    }

    /// Joins the consensus, passes the new validator set to it, or leaves it, depending on whether
    /// the set of the next height contains this node's key.
    pub(super) fn join_or_leave_consensus<R: Read + ?Sized>(
        &mut self,
        ledger: &Ledger<'_, R>,
    ) -> Result<(), Fatal> {
        let Some(signer) = &self.signer else { return Ok(()) };
        let next = self.head.height.saturating_add(1);
        let is_member = self.rules.set.power_of(&signer.public()) > 0;
        match (&self.ordering, is_member) {
            (Some(_), true) => self.feed(Input::Expect { set: self.rules.set.clone() }),
            (None, true) => {
                info!(height = next, "this node is a validator and votes from here on");
                self.join(signer.key.clone(), signer.guard.clone(), ledger)?;
            }
            (Some(_), false) => {
                info!(height = next, "this node is no validator any more and follows");
                self.leave();
            }
            (None, false) => {}
        }
        Ok(())
    }

    /// Joins the consensus as a validator and replays the log of the unfinished height.
    fn join<R: Read + ?Sized>(
        &mut self,
        key: ed25519_dalek::SigningKey,
        guard: Guard,
        ledger: &Ledger<'_, R>,
    ) -> Result<(), Fatal> {
        let timeouts = self.rules.timeouts();
        let config = ordering::Config { chain: self.chain, key, timeouts };
        let height = self.head.height.saturating_add(1);
        let set = &self.rules.set;
        let wal = ledger.wal(height)?;
        if wal.is_empty() {
            self.ordering = Some(State::new(config, guard, self.head.height, set)?);
            return Ok(());
        }
        let (state, outputs) = State::start(config, guard, height, set, &wal)?;
        self.ordering = Some(state);
        self.replayed = outputs;
        Ok(())
    }

    /// Leaves the consensus. Peers that still need a vote of this node for the last height get the
    /// block by gossip or block sync.
    fn leave(&mut self) {
        let (Some(state), Some(signer)) = (self.ordering.take(), &mut self.signer) else { return };
        signer.guard = state.guard().clone();
        self.build = None;
        self.inputs.clear();
        self.timers.retain(|timer, _| !matches!(timer, Timer::Consensus(..)));
    }
}

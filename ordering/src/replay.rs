//! Start of a validator. If it stopped in the middle of a height, the log is replayed into a fresh
//! core. The core derives each message of this node again and compares it with the logged one
//! (engine reference 1.3, item 4).

use std::collections::BTreeMap;

use registry_core::certificate::{ValidatorSet, ValidatorSetError};

use crate::config::Config;
use crate::convert;
use crate::guard::Guard;
use crate::message::{Message, MessageError, Position};
use crate::output::{Halt, Output, Rejection};
use crate::state::{CoreError, CoreInput, State};
use crate::wal::WalEntry;

/// Reason why a validator cannot start from its log. Trying again does not help: the database is
/// damaged or belongs to another key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// The validator set is not usable.
    #[error("no usable validator set: {0}")]
    Set(#[from] ValidatorSetError),
    /// A log entry is missing.
    #[error("the log of height {height} jumps to entry {found}, entry {expected} is missing")]
    Hole {
        /// Height of the log.
        height: u64,
        /// Sequence number of the missing entry.
        expected: u64,
        /// Sequence number that was found instead.
        found: u64,
    },
    /// A log entry cannot be decoded.
    #[error("entry {sequence} of the log is unreadable: {error}")]
    Entry {
        /// Sequence number of the entry.
        sequence: u64,
        /// Error of decoding.
        error: MessageError,
    },
    /// A log entry is of another height.
    #[error("entry {sequence} in the log of height {expected} is of height {actual}")]
    Height {
        /// Sequence number of the entry.
        sequence: u64,
        /// Height of the log.
        expected: u64,
        /// Height of the entry.
        actual: u64,
    },
    /// A log entry does not verify, so it cannot have been logged.
    #[error("entry {sequence} of the log does not verify: {rejection}")]
    Rejected {
        /// Sequence number of the entry.
        sequence: u64,
        /// Reason why it does not verify.
        rejection: Rejection,
    },
    /// The log holds two different messages of this node for one position.
    #[error("the log holds two messages of this validator for {at}")]
    DoubleSigned {
        /// Position of both messages.
        at: Position,
    },
    /// Guard and log do not end at the same message of this node, though they are written together.
    #[error("the guard ends at {guard:?} and the log at {log:?}; restore the whole database")]
    GuardAndLog {
        /// Position of the guard's message.
        guard: Option<Position>,
        /// Position of this node's last message in the log.
        log: Option<Position>,
    },
    /// The core derived another message of this node than the one in the log.
    #[error("the log contradicts itself: {reason}")]
    Diverged {
        /// Error of the core.
        reason: String,
    },
    /// During the replay the core reached a state in which the node must stop.
    #[error(transparent)]
    Halt(#[from] Halt),
}

impl State {
    /// Makes a validator whose log of the next height is empty. `committed` is the height of the
    /// last block (0 right after genesis) and `set` the validator set of the next height. The
    /// validator waits for [`Input::StartHeight`](crate::Input::StartHeight). If the log has
    /// entries, use [`State::start`].
    pub fn new(
        config: Config,
        guard: Guard,
        committed: u64,
        set: &ValidatorSet,
    ) -> Result<Self, StartError> {
        let state = Self::resting(config, guard, committed, set)?;
        state.check_guard(committed.saturating_add(1), &[])?;
        Ok(state)
    }

    /// Starts `height` and replays its log. `wal` holds (sequence, bytes) as written for
    /// [`Output::Wal`], ascending. The outputs are those of the whole height so far, without the
    /// log entries that `wal` holds already. The messages of this node among them equal the logged
    /// ones.
    pub fn start(
        config: Config,
        guard: Guard,
        height: u64,
        set: &ValidatorSet,
        wal: &[(u64, Vec<u8>)],
    ) -> Result<(Self, Vec<Output>), StartError> {
        let mut state = Self::resting(config, guard, height.saturating_sub(1), set)?;
        let entries = read(height, wal)?;
        state.check_guard(height, &entries)?;

        let inputs: Vec<_> = entries.iter().map(convert::core_entry).collect();
        state.shell.replaying = true;
        let set = state.shell.set.clone();
        state.begin(height, set);
        state.core.index_wal_entries(&inputs);
        state.shell.sequence = u64::try_from(entries.len()).unwrap_or(u64::MAX);
        for (sequence, input) in (0u64..).zip(inputs) {
            state.replay(sequence, input)?;
        }
        state.core.reset_entries_index();
        state.shell.replaying = false;
        state.ask_after_replay();
        let outputs = state.finish();
        match state.halted() {
            Some(halt) => Err(halt.clone().into()),
            None => Ok((state, outputs)),
        }
    }

    /// Checks that guard and log end at the same message of this node, since both are written in
    /// one batch. Below the floor they may differ: peers may have sent back messages that this node
    /// signed before it lost its database.
    fn check_guard(&self, height: u64, entries: &[WalEntry]) -> Result<(), StartError> {
        let guard = self.shell.guard.last();
        let mut own: BTreeMap<Position, &Message> = BTreeMap::new();
        for entry in entries {
            let WalEntry::Message(message) = entry else { continue };
            let Some(at) = message.position() else { continue };
            if message.signer() != Some(self.shell.key) {
                continue;
            }
            if own.insert(at, message).is_some_and(|before| before != message) {
                return Err(StartError::DoubleSigned { at });
            }
        }
        let log = own.last_key_value();
        let current = guard.filter(|message| message.height() >= height);
        if self.shell.guard.may_sign(height) && current != log.map(|(_, message)| *message) {
            let guard = guard.and_then(Message::position);
            return Err(StartError::GuardAndLog { guard, log: log.map(|(at, _)| *at) });
        }
        Ok(())
    }

    /// Passes one entry to the core. The core may ignore it now as it did before. The replay fails
    /// if a message of this node comes out different, or if the entry cannot have been logged.
    fn replay(&mut self, sequence: u64, input: CoreInput) -> Result<(), StartError> {
        if let Some(error @ CoreError::ReplayDivergence(..)) = self.run(input) {
            return Err(StartError::Diverged { reason: error.to_string() });
        }
        if let Some(halt) = &self.shell.halt {
            return Err(halt.clone().into());
        }
        let rejection = self.shell.outputs.iter().find_map(|output| match output {
            Output::Rejected(rejection) => Some(rejection.clone()),
            _ => None,
        });
        match rejection {
            Some(rejection) => Err(StartError::Rejected { sequence, rejection }),
            None => Ok(()),
        }
    }
}

fn read(height: u64, wal: &[(u64, Vec<u8>)]) -> Result<Vec<WalEntry>, StartError> {
    let mut entries = Vec::with_capacity(wal.len());
    for (expected, (sequence, bytes)) in (0u64..).zip(wal) {
        let sequence = *sequence;
        if sequence != expected {
            return Err(StartError::Hole { height, expected, found: sequence });
        }
        let entry =
            WalEntry::decode(bytes).map_err(|error| StartError::Entry { sequence, error })?;
        if entry.height() != height {
            let actual = entry.height();
            return Err(StartError::Height { sequence, expected: height, actual });
        }
        entries.push(entry);
    }
    Ok(entries)
}

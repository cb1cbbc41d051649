//! How a validator starts. In the middle of a height the log is fed to a fresh core, which
//! re-derives every message of ours and compares it with the recorded one (engine reference 1.3,
//! item 4).

use std::collections::BTreeMap;

use registry_core::certificate::{ValidatorSet, ValidatorSetError};

use crate::config::Config;
use crate::convert;
use crate::guard::Guard;
use crate::message::{Message, MessageError, Position};
use crate::output::{Halt, Output, Rejection};
use crate::state::{CoreError, CoreInput, State};
use crate::wal::WalEntry;

/// Why a validator cannot start from its log. None of these is healed by trying again: the
/// database is damaged or belongs to another key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// No usable validator set.
    #[error("no usable validator set: {0}")]
    Set(#[from] ValidatorSetError),
    /// An entry is missing.
    #[error("the log of height {height} jumps to entry {found}, entry {expected} is missing")]
    Hole {
        /// The log's height.
        height: u64,
        /// The entry that should come.
        expected: u64,
        /// The entry that comes.
        found: u64,
    },
    /// An entry is unreadable.
    #[error("entry {sequence} of the log is unreadable: {error}")]
    Entry {
        /// The entry.
        sequence: u64,
        /// What is wrong with it.
        error: MessageError,
    },
    /// An entry of another height.
    #[error("entry {sequence} in the log of height {expected} is of height {actual}")]
    Height {
        /// The entry.
        sequence: u64,
        /// The log's height.
        expected: u64,
        /// The entry's height.
        actual: u64,
    },
    /// An entry that cannot have been logged, since it does not verify.
    #[error("entry {sequence} of the log does not verify: {rejection}")]
    Rejected {
        /// The entry.
        sequence: u64,
        /// What is wrong with it.
        rejection: Rejection,
    },
    /// The log holds two different messages of ours for one position.
    #[error("the log holds two messages of this validator for {at}")]
    DoubleSigned {
        /// Where.
        at: Position,
    },
    /// Log and guard are written together and end at the same message of ours, but do not.
    #[error("the guard ends at {guard:?} and the log at {log:?}; restore the whole database")]
    GuardAndLog {
        /// The position of the guard's message.
        guard: Option<Position>,
        /// The position of our last message in the log.
        log: Option<Position>,
    },
    /// The core re-derived another message of ours than the one in the log.
    #[error("the log contradicts itself: {reason}")]
    Diverged {
        /// What the core said.
        reason: String,
    },
    /// A replay came to a point where the node must stop.
    #[error(transparent)]
    Halt(#[from] Halt),
}

impl State {
    /// A validator that rests after height `committed` (0 right after genesis) until
    /// [`Input::StartHeight`](crate::Input::StartHeight). `set` is that of the next height. For a
    /// node whose log of the next height is empty; otherwise use [`State::start`].
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
    /// [`Output::Wal`], ascending. The outputs are those of the whole height so far, but for what
    /// the log holds already; messages of ours among them equal the recorded ones.
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

    /// Every message of ours is logged in the batch that writes the guard, so both end at the
    /// same one. Below the floor that says nothing: there the log may hold messages from before
    /// the database was lost, brought back by peers.
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

    /// Feeds one entry. The core may give it up now as it did then; what ends the replay is a
    /// message of ours that comes out different, or an entry that cannot have been logged.
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

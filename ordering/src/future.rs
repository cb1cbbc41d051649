//! Votes and proposals of later heights, kept until their height starts. A slot belongs to one
//! validator, height, round and step, and only its owner's signature fills it, so a validator can
//! crowd out nobody (docs/protocol/ordering.md, "Limits").

use std::collections::BTreeMap;

use registry_core::crypto::ValidatorKey;

use crate::limits::{FUTURE_HEIGHTS_MAX, FUTURE_ROUNDS_MAX};
use crate::message::{Message, Position};

/// The buffer, and the latest height that each validator was seen at.
#[derive(Debug, Default)]
pub(crate) struct Future {
    messages: BTreeMap<(Position, ValidatorKey), Message>,
    ahead: BTreeMap<ValidatorKey, u64>,
}

/// What to do with a message of a later height, before anything is paid for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Its slot is free: verify, keep, report.
    Free,
    /// Too far ahead to keep, but news about its signer: verify, report.
    Beyond,
    /// Nothing new.
    Known,
}

impl Future {
    /// Where a message belongs when `height` is the current one.
    pub(crate) fn place(&self, height: u64, position: Position, signer: ValidatorKey) -> Place {
        let near = position.height <= height.saturating_add(FUTURE_HEIGHTS_MAX)
            && position.round < FUTURE_ROUNDS_MAX;
        if near {
            let taken = self.messages.contains_key(&(position, signer));
            return if taken { Place::Known } else { Place::Free };
        }
        let seen = self.ahead.get(&signer).copied().unwrap_or(0);
        if position.height > seen { Place::Beyond } else { Place::Known }
    }

    /// Keeps a verified message.
    pub(crate) fn keep(&mut self, position: Position, signer: ValidatorKey, message: Message) {
        self.messages.insert((position, signer), message);
    }

    /// Notes that `signer` is at `height`.
    pub(crate) fn note(&mut self, height: u64, signer: ValidatorKey) {
        let seen = self.ahead.entry(signer).or_default();
        *seen = height.max(*seen);
    }

    /// Hands out the messages of `height`, by round, step and validator; drops those below.
    pub(crate) fn take(&mut self, height: u64) -> Vec<Message> {
        let all = std::mem::take(&mut self.messages);
        let (due, later) =
            all.into_iter()
                .filter(|((position, _), _)| position.height >= height)
                .partition::<BTreeMap<_, _>, _>(|((position, _), _)| position.height == height);
        self.messages = later;
        due.into_values().collect()
    }

    /// Forgets validators that left the set, so that the map stays as small as the set.
    pub(crate) fn retain(&mut self, is_validator: impl Fn(&ValidatorKey) -> bool) {
        self.ahead.retain(|validator, _| is_validator(validator));
    }
}

//! Votes and proposals of later heights, kept until their height starts. Each slot belongs to one
//! validator, height, round and step. Only the signature of its owner fills it, so no validator can
//! displace messages of another (docs/protocol/ordering.md, "Limits").

use std::collections::BTreeMap;

use registry_core::crypto::ValidatorKey;

use crate::limits::{FUTURE_HEIGHTS_MAX, FUTURE_ROUNDS_MAX};
use crate::message::{Message, Position};

/// The buffered messages, and the latest height at which each validator was seen.
#[derive(Debug, Default)]
pub(crate) struct Future {
    messages: BTreeMap<(Position, ValidatorKey), Message>,
    ahead: BTreeMap<ValidatorKey, u64>,
}

/// How to handle a message of a later height. It is decided before the signature is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// The slot of the message is free: verify the message, keep it and report its height.
    Free,
    /// The message is too far ahead to be kept, but it shows that its signer is at a later height:
    /// verify it and report its height.
    Beyond,
    /// The message contains nothing new.
    Known,
}

impl Future {
    /// Returns how to handle a message when `height` is the current height.
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

    pub(crate) fn keep(&mut self, position: Position, signer: ValidatorKey, message: Message) {
        self.messages.insert((position, signer), message);
    }

    /// Notes that `signer` has reached `height`.
    pub(crate) fn note(&mut self, height: u64, signer: ValidatorKey) {
        let seen = self.ahead.entry(signer).or_default();
        *seen = height.max(*seen);
    }

    /// Returns the messages of `height`, ordered by round, step and validator. It drops those of
    /// lower heights.
    pub(crate) fn take(&mut self, height: u64) -> Vec<Message> {
        let all = std::mem::take(&mut self.messages);
        let (due, later) =
            all.into_iter()
                .filter(|((position, _), _)| position.height >= height)
                .partition::<BTreeMap<_, _>, _>(|((position, _), _)| position.height == height);
        self.messages = later;
        due.into_values().collect()
    }

    /// Forgets validators that left the set, so that the map is never larger than the set.
    pub(crate) fn retain(&mut self, is_validator: impl Fn(&ValidatorKey) -> bool) {
        self.ahead.retain(|validator, _| is_validator(validator));
    }
}

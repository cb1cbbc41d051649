//! The guard against signing twice, and the height floor (DESIGN section 7).
//!
//! The guard is the last message signed. It is written in the same synced batch as the log. The
//! floor is a height in a small file beside the key, so it survives the loss of the database.
//! Together they determine the first height at which this key may sign.

use registry_core::crypto::Hash;

use crate::message::{Message, MessageError, Position};

/// The last message that this key signed, and the first height at which it may sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    signing_from: u64,
    last: Option<Message>,
}

/// Reason why a guard cannot be restored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GuardError {
    /// The stored bytes are not a message.
    #[error("the stored guard is unreadable: {0}; restore the database or delete it and sync")]
    Unreadable(#[from] MessageError),
    /// The stored message is a certificate, which is not signed by one validator.
    #[error("the stored guard is a certificate, not a vote or proposal")]
    NotSigned,
}

/// Reason why a message must not be signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GuardConflict {
    /// Another message was signed for the same position.
    #[error("another message is already signed for {at}: value {signed:?}, now {wanted:?}")]
    DoubleSign {
        /// Position of both messages.
        at: Position,
        /// Value signed before; `None` for nil.
        signed: Option<Hash>,
        /// Value to be signed now; `None` for nil.
        wanted: Option<Hash>,
    },
    /// A message for a later position was signed before.
    #[error("cannot sign for {wanted}: already signed for {signed}")]
    Regression {
        /// Position of the last message signed.
        signed: Position,
        /// Position to be signed now.
        wanted: Position,
    },
    /// The height is at or below the height floor.
    #[error("cannot sign at height {height}: this key may sign from height {signing_from} on")]
    BelowFloor {
        /// Height to be signed.
        height: u64,
        /// First height at which the key may sign.
        signing_from: u64,
    },
}

impl Guard {
    /// Restores the guard when a node starts. `last` is what [`Guard::encode`] gave the store
    /// (`None` if the key never signed), `committed` the height of the last block, and `floor` the
    /// height in the floor file (0 on the very first start).
    ///
    /// The floor is the height of the last message that may have left this node. The database is
    /// intact if its blocks reach the floor, or if the floor is the next height and the guard is at
    /// that height too. Then the key may sign from the next height on. Otherwise the database was
    /// lost, restored or rolled back. Since it is unknown what was signed up to the floor, the key
    /// may then sign from floor + 1 on.
    pub fn restore(last: Option<&[u8]>, committed: u64, floor: u64) -> Result<Self, GuardError> {
        let last = last.map(Message::decode).transpose()?;
        if last.as_ref().is_some_and(|message| message.position().is_none()) {
            return Err(GuardError::NotSigned);
        }
        let next = committed.saturating_add(1);
        let signed = last.as_ref().map_or(0, Message::height);
        let intact = floor <= committed || (floor == next && signed == floor);
        let signing_from = if intact { next } else { floor.saturating_add(1) };
        Ok(Self { signing_from, last })
    }

    /// Returns the first height at which this key may sign.
    pub fn signing_from(&self) -> u64 {
        self.signing_from
    }

    /// Returns true if this key may sign at `height`. If not, the node follows without voting.
    pub fn may_sign(&self, height: u64) -> bool {
        height >= self.signing_from
    }

    /// Returns the height of the last message signed; 0 if there is none. The floor file must be at
    /// this height before that message leaves the node.
    pub fn height(&self) -> u64 {
        self.last.as_ref().map_or(0, Message::height)
    }

    /// Returns the last message signed.
    pub fn last(&self) -> Option<&Message> {
        self.last.as_ref()
    }

    /// Records that `message` is signed, or returns the reason why it must not be. The last message
    /// may be signed again. A certificate always passes, since it holds only signatures made
    /// before.
    pub fn check_and_advance(&mut self, message: &Message) -> Result<(), GuardConflict> {
        let Some(at) = message.position() else {
            return Ok(());
        };
        let (height, signing_from) = (at.height, self.signing_from);
        if height < signing_from {
            return Err(GuardConflict::BelowFloor { height, signing_from });
        }
        if let Some((last, signed)) = self.last.as_ref().and_then(|m| Some((m, m.position()?))) {
            if at < signed {
                return Err(GuardConflict::Regression { signed, wanted: at });
            }
            if at == signed && message != last {
                let (signed, wanted) = (last.value(), message.value());
                return Err(GuardConflict::DoubleSign { at, signed, wanted });
            }
        }
        self.last = Some(message.clone());
        Ok(())
    }

    /// Returns the bytes to store under the guard's key, in the same batch as the log entries.
    pub fn encode(&self) -> Vec<u8> {
        self.last.as_ref().map(Message::encode).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use registry_core::certificate::VoteKind;
    use registry_core::codec::FixedBytes;
    use registry_core::crypto::ValidatorKey;

    use super::*;
    use crate::message::{PolkaCertificate, SignedProposal, SignedVote, Step};

    const A: Hash = Hash([1; 32]);
    const B: Hash = Hash([2; 32]);

    fn vote(height: u64, round: u32, kind: VoteKind, value: Option<Hash>) -> Message {
        let (validator, signature) = (ValidatorKey::default(), FixedBytes([0; 64]));
        Message::Vote(SignedVote { kind, height, round, value, validator, signature })
    }

    fn prevote(height: u64, round: u32, value: Option<Hash>) -> Message {
        vote(height, round, VoteKind::Prevote, value)
    }

    fn proposal(height: u64, round: u32, value: Hash) -> Message {
        let (validator, signature) = (ValidatorKey::default(), FixedBytes([0; 64]));
        let polka_round = None;
        let it = SignedProposal { height, round, polka_round, value, validator, signature };
        Message::Proposal(it)
    }

    /// Signs the messages `before`, then asks the guard for `wanted`.
    fn ask(before: &[Message], wanted: &Message) -> Result<(), GuardConflict> {
        let mut guard = Guard::restore(None, 9, 0).unwrap();
        for message in before {
            guard.check_and_advance(message).unwrap();
        }
        let result = guard.check_and_advance(wanted);
        let expected = if result.is_ok() { Some(wanted) } else { before.last() };
        assert_eq!(guard.last(), expected, "a refusal leaves the guard where it was");
        result
    }

    #[test]
    fn every_step_forward_is_signed() {
        let forward = [
            proposal(10, 0, A),
            prevote(10, 0, Some(A)),
            vote(10, 0, VoteKind::Precommit, Some(A)),
            proposal(10, 1, B),
            prevote(10, 1, None),
            vote(10, 7, VoteKind::Precommit, None),
            prevote(11, 0, Some(B)),
        ];
        for (index, wanted) in forward.iter().enumerate() {
            assert_eq!(ask(&forward[..index], wanted), Ok(()));
            assert_eq!(ask(&forward[..=index], wanted), Ok(()), "the same again");
        }
    }

    #[test]
    fn one_position_is_signed_once() {
        let at = Position { height: 10, round: 2, step: Step::Prevote };
        let refused = |signed, wanted| Err(GuardConflict::DoubleSign { at, signed, wanted });
        for (signed, wanted) in [(Some(A), Some(B)), (Some(A), None), (None, Some(A))] {
            let before = [prevote(10, 2, signed)];
            assert_eq!(ask(&before, &prevote(10, 2, wanted)), refused(signed, wanted));
        }
        let before = [proposal(10, 2, A)];
        let result = ask(&before, &proposal(10, 2, B));
        assert!(matches!(result, Err(GuardConflict::DoubleSign { .. })));
    }

    #[test]
    fn another_signature_of_the_same_vote_is_a_conflict() {
        let Message::Vote(mut other) = prevote(10, 0, Some(A)) else { panic!() };
        other.signature = FixedBytes([9; 64]);
        let result = ask(&[prevote(10, 0, Some(A))], &Message::Vote(other));
        assert!(matches!(result, Err(GuardConflict::DoubleSign { .. })));
    }

    #[test]
    fn nothing_behind_the_last_position_is_signed() {
        let before = [vote(10, 3, VoteKind::Precommit, Some(A))];
        let behind = [
            prevote(10, 3, Some(A)),
            proposal(10, 3, A),
            vote(10, 2, VoteKind::Precommit, Some(A)),
            prevote(10, 0, None),
        ];
        for wanted in &behind {
            assert!(matches!(ask(&before, wanted), Err(GuardConflict::Regression { .. })));
        }
        let before = [prevote(12, 0, None)];
        let result = ask(&before, &vote(11, 5, VoteKind::Precommit, None));
        assert!(matches!(result, Err(GuardConflict::Regression { .. })));
    }

    #[test]
    fn a_certificate_is_not_guarded() {
        let (height, round, value, signatures) = (1, 0, A, Vec::new());
        let certificate = PolkaCertificate { height, round, value, signatures };
        let mut guard = Guard::restore(None, 9, 0).unwrap();
        assert_eq!(guard.check_and_advance(&Message::Polka(certificate)), Ok(()));
        assert_eq!(guard.last(), None);
    }

    /// The columns are committed height, floor, height of the guard (0 if it never signed), and
    /// first height to sign.
    #[test]
    fn the_floor_decides_from_where_to_sign() {
        let table = [
            (0, 0, 0, 1),
            (9, 0, 0, 10),
            // The database is intact: between two heights, and in the middle of the next one.
            (9, 9, 9, 10),
            (9, 10, 10, 10),
            // The batch of height 10 was synced, but the floor was not raised yet.
            (9, 9, 10, 10),
            // A block beyond the floor was synced.
            (20, 9, 9, 21),
            // The database was lost, restored, or rolled back by one height or more.
            (0, 10, 0, 11),
            (0, 1, 0, 2),
            (9, 10, 9, 11),
            (7, 10, 7, 11),
            (7, 10, 8, 11),
            (7, 10, 10, 11),
        ];
        for (committed, floor, signed, from) in table {
            let last = (signed > 0).then(|| prevote(signed, 0, None).encode());
            let mut guard = Guard::restore(last.as_deref(), committed, floor).unwrap();
            assert_eq!(guard.signing_from(), from, "{committed} {floor} {signed}");
            assert!(guard.may_sign(from) && !guard.may_sign(from - 1));
            let refused = guard.check_and_advance(&prevote(from - 1, 9, None));
            assert!(matches!(refused, Err(GuardConflict::BelowFloor { .. })));
            assert_eq!(guard.check_and_advance(&prevote(from, 9, None)), Ok(()));
        }
    }

    #[test]
    fn a_stored_guard_comes_back_or_is_refused() {
        let mut guard = Guard::restore(None, 9, 9).unwrap();
        guard.check_and_advance(&prevote(10, 4, Some(A))).unwrap();
        assert_eq!(Guard::restore(Some(&guard.encode()), 9, 10), Ok(guard.clone()));
        assert_eq!(guard.height(), 10);
        let bytes = guard.encode();
        let cut = Guard::restore(bytes.get(..bytes.len() - 1), 9, 10);
        assert!(matches!(cut, Err(GuardError::Unreadable(_))));
        assert!(matches!(Guard::restore(Some(&[]), 9, 10), Err(GuardError::Unreadable(_))));
    }
}

//! Messages between validators. They are canonical DAG-CBOR and signed over the bytes that
//! `registry_core::certificate` defines (docs/protocol/ordering.md). The signed bytes include the
//! chain id, which is not transmitted.

use registry_core::certificate::{CommitSignature, Proposal, Vote, VoteKind};
use registry_core::codec::{self, CodecError, FixedBytes};
use registry_core::crypto::{Hash, ValidatorKey};
use registry_core::limits::VALIDATORS_MAX;
use serde::{Deserialize, Serialize};

use crate::limits::{MESSAGE_BYTES_MAX, ROUND_MAX};

/// A proposer's signed proposal of a value. The block is sent separately.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedProposal {
    /// Height of the block.
    pub height: u64,
    /// Round of the height, counted from 0.
    pub round: u32,
    /// Round of the polka that justifies a repeated proposal; `None` for a fresh proposal.
    pub polka_round: Option<u32>,
    /// Hash of the block.
    pub value: Hash,
    /// Validator that proposes.
    pub validator: ValidatorKey,
    /// Ed25519 signature over `registry_core::certificate::Proposal::message`.
    pub signature: FixedBytes<64>,
}

impl SignedProposal {
    /// Returns the 32 bytes that the signature covers on the network with chain id `chain`.
    pub fn message(&self, chain: Hash) -> [u8; 32] {
        let Self { height, round, polka_round, value, .. } = *self;
        Proposal { chain, height, round, polka_round, value }.message()
    }
}

/// A validator's signed vote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedVote {
    /// Prevote or precommit.
    pub kind: VoteKind,
    /// Height of the block.
    pub height: u64,
    /// Round of the height, counted from 0.
    pub round: u32,
    /// Hash of the block; `None` for a nil vote.
    pub value: Option<Hash>,
    /// Validator that votes.
    pub validator: ValidatorKey,
    /// Ed25519 signature over `registry_core::certificate::Vote::message`.
    pub signature: FixedBytes<64>,
}

impl SignedVote {
    /// Returns the 32 bytes that the signature covers on the network with chain id `chain`.
    pub fn message(&self, chain: Hash) -> [u8; 32] {
        let Self { kind, height, round, value, .. } = *self;
        Vote { chain, kind, height, round, value }.message()
    }
}

/// Proof of a polka: more than two thirds of the power prevoted one value. It is sent before a
/// repeated proposal, which it justifies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolkaCertificate {
    /// Height of the block.
    pub height: u64,
    /// Round of the prevotes.
    pub round: u32,
    /// Hash of the block.
    pub value: Hash,
    /// Signatures of the prevotes, strictly ascending by validator.
    pub signatures: Vec<CommitSignature>,
}

/// What a round certificate allows its receiver to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoundCertificateKind {
    /// More than one third of the power voted in this round, so the receiver may enter the round.
    Skip,
    /// More than two thirds of the power precommitted in this round, for whatever value, so the
    /// receiver may enter the next round after a timeout.
    Precommit,
}

/// One vote inside a round certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoundSignature {
    /// Prevote or precommit.
    pub kind: VoteKind,
    /// Hash of the block; `None` for a nil vote.
    pub value: Option<Hash>,
    /// Validator that voted.
    pub validator: ValidatorKey,
    /// Signature of the vote.
    pub signature: FixedBytes<64>,
}

/// Proof that enough power voted in a round to enter or to leave it, whatever the votes are for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoundCertificate {
    /// Height of the votes.
    pub height: u64,
    /// Round of the votes.
    pub round: u32,
    /// What the certificate allows its receiver to do.
    pub kind: RoundCertificateKind,
    /// The votes, strictly ascending by validator.
    pub signatures: Vec<RoundSignature>,
}

/// A message between validators.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// A proposal by the proposer of a round.
    Proposal(SignedProposal),
    /// A vote of a validator.
    Vote(SignedVote),
    /// A certificate that justifies a repeated proposal.
    Polka(PolkaCertificate),
    /// A certificate that justifies entering a later round.
    Round(RoundCertificate),
}

/// Reason why bytes are not a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// The bytes are too long or not the canonical encoding of a message.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The round is higher than any that a chain can reach.
    #[error("round {round}, at most {ROUND_MAX} is allowed")]
    Round {
        /// Round in the message.
        round: u32,
    },
    /// A repeated proposal rests on a polka of its own round or of a later one.
    #[error("polka round {polka_round} of a proposal in round {round} must be lower")]
    PolkaRound {
        /// Round of the polka.
        polka_round: u32,
        /// Round of the proposal.
        round: u32,
    },
    /// A certificate has no signature, or more than there can be validators.
    #[error("{actual} signatures in a certificate, 1 to {VALIDATORS_MAX} are allowed")]
    Count {
        /// Number of signatures.
        actual: usize,
    },
    /// The signers of a certificate do not ascend strictly.
    #[error("signer {validator} is listed twice or out of order; sort by validator")]
    Order {
        /// First signer that is out of order.
        validator: ValidatorKey,
    },
    /// A certificate of precommits contains a prevote.
    #[error("prevote of {validator} in a certificate of precommits")]
    Kind {
        /// Validator that the prevote names.
        validator: ValidatorKey,
    },
}

/// The messages that a validator signs in a round, in the order in which it signs them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The validator signs a proposal.
    Propose,
    /// The validator signs a prevote.
    Prevote,
    /// The validator signs a precommit.
    Precommit,
}

/// Place of a signed message in the protocol. A validator signs at most one message per position,
/// and the positions of its messages only ever increase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Height of the message.
    pub height: u64,
    /// Round of the message.
    pub round: u32,
    /// Step of the round.
    pub step: Step,
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { height, round, step } = self;
        write!(f, "height {height}, round {round}, {step:?}")
    }
}

impl Message {
    /// Returns the canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Parses a message from its canonical bytes and checks its form. It does not check signatures:
    /// `step` does, after it has dropped the messages that it does not need.
    pub fn decode(bytes: &[u8]) -> Result<Self, MessageError> {
        let message: Self = codec::decode(bytes, MESSAGE_BYTES_MAX)?;
        message.check_shape()?;
        Ok(message)
    }

    pub(crate) fn check_shape(&self) -> Result<(), MessageError> {
        let round = self.round();
        if round > ROUND_MAX {
            return Err(MessageError::Round { round });
        }
        match self {
            Self::Vote(_) => Ok(()),
            Self::Proposal(proposal) => match proposal.polka_round {
                Some(polka_round) if polka_round >= round => {
                    Err(MessageError::PolkaRound { polka_round, round })
                }
                Some(_) | None => Ok(()),
            },
            Self::Polka(certificate) => {
                check_signers(certificate.signatures.iter().map(|signature| signature.validator))
            }
            Self::Round(certificate) => check_round(certificate),
        }
    }

    /// Returns the height of the message.
    pub fn height(&self) -> u64 {
        match self {
            Self::Proposal(proposal) => proposal.height,
            Self::Vote(vote) => vote.height,
            Self::Polka(certificate) => certificate.height,
            Self::Round(certificate) => certificate.height,
        }
    }

    /// Returns the round of the message.
    pub fn round(&self) -> u32 {
        match self {
            Self::Proposal(proposal) => proposal.round,
            Self::Vote(vote) => vote.round,
            Self::Polka(certificate) => certificate.round,
            Self::Round(certificate) => certificate.round,
        }
    }

    /// Returns the block hash that the message is about; `None` for a nil vote and a round
    /// certificate.
    pub fn value(&self) -> Option<Hash> {
        match self {
            Self::Proposal(proposal) => Some(proposal.value),
            Self::Vote(vote) => vote.value,
            Self::Polka(certificate) => Some(certificate.value),
            Self::Round(_) => None,
        }
    }

    /// Returns the signer; `None` for a certificate, which holds signatures of several validators.
    pub fn signer(&self) -> Option<ValidatorKey> {
        match self {
            Self::Proposal(proposal) => Some(proposal.validator),
            Self::Vote(vote) => Some(vote.validator),
            Self::Polka(_) | Self::Round(_) => None,
        }
    }

    /// Returns the position of the signed message; `None` for a certificate.
    pub fn position(&self) -> Option<Position> {
        let step = match self {
            Self::Proposal(_) => Step::Propose,
            Self::Vote(SignedVote { kind: VoteKind::Prevote, .. }) => Step::Prevote,
            Self::Vote(SignedVote { kind: VoteKind::Precommit, .. }) => Step::Precommit,
            Self::Polka(_) | Self::Round(_) => return None,
        };
        Some(Position { height: self.height(), round: self.round(), step })
    }

    /// Returns true if a vote or proposal has a valid signature by the validator that it names. The
    /// validator need not be in any set. Returns false for a certificate, which needs a validator
    /// set to be checked.
    pub fn verify(&self, chain: Hash) -> bool {
        let (message, validator, signature) = match self {
            Self::Proposal(it) => (it.message(chain), it.validator, it.signature),
            Self::Vote(it) => (it.message(chain), it.validator, it.signature),
            Self::Polka(_) | Self::Round(_) => return false,
        };
        validator.verify(&message, &signature.0).is_ok()
    }
}

fn check_round(certificate: &RoundCertificate) -> Result<(), MessageError> {
    let prevote =
        certificate.signatures.iter().find(|signature| signature.kind == VoteKind::Prevote);
    if let (RoundCertificateKind::Precommit, Some(signature)) = (certificate.kind, prevote) {
        return Err(MessageError::Kind { validator: signature.validator });
    }
    check_signers(certificate.signatures.iter().map(|signature| signature.validator))
}

fn check_signers(signers: impl ExactSizeIterator<Item = ValidatorKey>) -> Result<(), MessageError> {
    if signers.len() == 0 || signers.len() > VALIDATORS_MAX {
        return Err(MessageError::Count { actual: signers.len() });
    }
    let mut previous: Option<ValidatorKey> = None;
    for validator in signers {
        if previous.is_some_and(|previous| previous >= validator) {
            return Err(MessageError::Order { validator });
        }
        previous = Some(validator);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(first: u8) -> ValidatorKey {
        ValidatorKey([first; 32])
    }

    fn vote() -> SignedVote {
        SignedVote {
            kind: VoteKind::Precommit,
            height: 7,
            round: 2,
            value: None,
            validator: key(1),
            signature: FixedBytes([3; 64]),
        }
    }

    fn proposal(polka_round: Option<u32>) -> SignedProposal {
        SignedProposal {
            height: 7,
            round: 2,
            polka_round,
            value: Hash([9; 32]),
            validator: key(1),
            signature: FixedBytes([3; 64]),
        }
    }

    fn polka(signers: &[u8]) -> Message {
        let signature =
            |first: &u8| CommitSignature { validator: key(*first), signature: FixedBytes([3; 64]) };
        let signatures = signers.iter().map(signature).collect();
        Message::Polka(PolkaCertificate { height: 7, round: 1, value: Hash([9; 32]), signatures })
    }

    fn round(kind: RoundCertificateKind, vote: VoteKind, count: u8) -> Message {
        let signature = |first| RoundSignature {
            kind: vote,
            value: Some(Hash([9; 32])),
            validator: key(first),
            signature: FixedBytes([3; 64]),
        };
        let signatures = (0..count).map(signature).collect();
        Message::Round(RoundCertificate { height: 7, round: 1, kind, signatures })
    }

    #[test]
    fn the_bytes_of_a_vote_are_what_the_protocol_page_says() {
        let bytes = Message::Vote(vote()).encode();
        let mut expected =
            b"\xa1\x64vote\xa6\x64kind\x69precommit\x65round\x02\x65value\xf6".to_vec();
        expected.extend(b"\x66height\x07\x69signature\x58\x40");
        expected.extend([3; 64]);
        expected.extend(b"\x69validator\x58\x20");
        expected.extend([1; 32]);
        assert_eq!(bytes, expected);
    }

    #[test]
    fn messages_survive_their_encoding() {
        let messages = [
            Message::Vote(vote()),
            Message::Vote(SignedVote { value: Some(Hash([4; 32])), ..vote() }),
            Message::Proposal(proposal(None)),
            Message::Proposal(proposal(Some(1))),
            polka(&[1, 2, 3]),
            round(RoundCertificateKind::Skip, VoteKind::Prevote, 2),
            round(RoundCertificateKind::Precommit, VoteKind::Precommit, 3),
        ];
        for message in messages {
            assert_eq!(Message::decode(&message.encode()).as_ref(), Ok(&message));
            let mut longer = message.encode();
            longer.push(0);
            assert!(matches!(Message::decode(&longer), Err(MessageError::Codec(_))));
        }
    }

    #[test]
    fn the_largest_certificate_fits_the_limit() {
        let largest = round(RoundCertificateKind::Skip, VoteKind::Precommit, 128);
        let bytes = largest.encode();
        assert!(bytes.len() > MESSAGE_BYTES_MAX / 2 && bytes.len() <= MESSAGE_BYTES_MAX);
        assert_eq!(Message::decode(&bytes), Ok(largest));
        let zeros = Message::decode(&vec![0; MESSAGE_BYTES_MAX + 1]);
        assert!(matches!(zeros, Err(MessageError::Codec(CodecError::TooLarge { .. }))));
    }

    #[test]
    fn bad_shapes_are_refused() {
        let refused = |message: Message| Message::decode(&message.encode()).unwrap_err();
        let (round_2, count) = (2, 129);
        assert_eq!(
            refused(Message::Proposal(proposal(Some(2)))),
            MessageError::PolkaRound { polka_round: 2, round: round_2 }
        );
        let round_too_high = SignedVote { round: ROUND_MAX + 1, ..vote() };
        assert_eq!(
            refused(Message::Vote(round_too_high)),
            MessageError::Round { round: ROUND_MAX + 1 }
        );
        assert_eq!(refused(polka(&[])), MessageError::Count { actual: 0 });
        let many = round(RoundCertificateKind::Skip, VoteKind::Prevote, count);
        assert_eq!(refused(many), MessageError::Count { actual: 129 });
        assert_eq!(refused(polka(&[1, 1])), MessageError::Order { validator: key(1) });
        assert_eq!(refused(polka(&[2, 1])), MessageError::Order { validator: key(1) });
        let prevotes = round(RoundCertificateKind::Precommit, VoteKind::Prevote, 3);
        assert_eq!(refused(prevotes), MessageError::Kind { validator: key(0) });
    }

    #[test]
    fn other_spellings_and_unknown_fields_are_refused() {
        let good = Message::Vote(vote()).encode();
        let swap = |from: &[u8], to: &[u8]| {
            let at = good.windows(from.len()).position(|window| window == from).unwrap();
            [&good[..at], to, &good[at + from.len()..]].concat()
        };
        let spellings = [
            swap(b"\x66height\x07", b"\x66height\x18\x07"),
            swap(b"\x66height\x07", b"\x66heighs\x07"),
            swap(b"\x69precommit", b"\x68proposal"),
            swap(b"\x64vote\xa6", b"\x64vote\xa7\x61a\x00"),
            swap(b"\x65value\xf6", b"\x65value\x41\x00"),
            swap(b"\x58\x20", b"\x58\x1f"),
        ];
        for bytes in spellings {
            assert!(matches!(Message::decode(&bytes), Err(MessageError::Codec(_))));
        }
    }

    #[test]
    fn positions_ascend_as_a_validator_signs() {
        let prevote = SignedVote { kind: VoteKind::Prevote, ..vote() };
        let positions = [
            Message::Proposal(proposal(None)).position(),
            Message::Vote(prevote).position(),
            Message::Vote(vote()).position(),
            Message::Vote(SignedVote { round: 3, kind: VoteKind::Prevote, ..vote() }).position(),
            Message::Vote(SignedVote { height: 8, round: 0, ..prevote }).position(),
        ];
        assert!(positions.is_sorted() && positions.iter().all(Option::is_some));
        assert_eq!(polka(&[1]).position(), None);
    }
}

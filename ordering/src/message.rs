//! What validators send each other: canonical DAG-CBOR, signed over the bytes that
//! `registry_core::certificate` defines (docs/protocol/ordering.md). The chain id is inside those
//! bytes and not on the wire.

use registry_core::certificate::{CommitSignature, Proposal, Vote, VoteKind};
use registry_core::codec::{self, CodecError, FixedBytes};
use registry_core::crypto::{Hash, ValidatorKey};
use registry_core::limits::VALIDATORS_MAX;
use serde::{Deserialize, Serialize};

use crate::limits::{MESSAGE_BYTES_MAX, ROUND_MAX};

/// A proposer's signed proposal of a value. The block travels beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedProposal {
    /// Block height.
    pub height: u64,
    /// Round of that height, from 0.
    pub round: u32,
    /// Round of the polka that a re-proposal rests on, none for a fresh proposal.
    pub polka_round: Option<u32>,
    /// Block hash.
    pub value: Hash,
    /// Who proposes.
    pub validator: ValidatorKey,
    /// Ed25519 over `registry_core::certificate::Proposal::message`.
    pub signature: FixedBytes<64>,
}

impl SignedProposal {
    /// The 32 bytes that the signature covers on the network `chain`.
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
    /// Block height.
    pub height: u64,
    /// Round of that height, from 0.
    pub round: u32,
    /// Block hash, or none for a nil vote.
    pub value: Option<Hash>,
    /// Who votes.
    pub validator: ValidatorKey,
    /// Ed25519 over `registry_core::certificate::Vote::message`.
    pub signature: FixedBytes<64>,
}

impl SignedVote {
    /// The 32 bytes that the signature covers on the network `chain`.
    pub fn message(&self, chain: Hash) -> [u8; 32] {
        let Self { kind, height, round, value, .. } = *self;
        Vote { chain, kind, height, round, value }.message()
    }
}

/// More than two thirds of the power prevoted one value: goes ahead of a re-proposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolkaCertificate {
    /// Block height.
    pub height: u64,
    /// Round of the prevotes.
    pub round: u32,
    /// Block hash.
    pub value: Hash,
    /// The prevotes' signatures, strictly ascending by validator.
    pub signatures: Vec<CommitSignature>,
}

/// What a round certificate justifies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoundCertificateKind {
    /// More than one third voted in this round: enter it.
    Skip,
    /// More than two thirds precommitted something in this round: enter the next after a timeout.
    Precommit,
}

/// One vote inside a round certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoundSignature {
    /// Prevote or precommit.
    pub kind: VoteKind,
    /// Block hash, or none for a nil vote.
    pub value: Option<Hash>,
    /// Who voted.
    pub validator: ValidatorKey,
    /// The vote's signature.
    pub signature: FixedBytes<64>,
}

/// Enough votes of any value to leave a round behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoundCertificate {
    /// Block height.
    pub height: u64,
    /// Round of the votes.
    pub round: u32,
    /// What it justifies.
    pub kind: RoundCertificateKind,
    /// The votes, strictly ascending by validator.
    pub signatures: Vec<RoundSignature>,
}

/// One message of a validator stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// A proposer's proposal.
    Proposal(SignedProposal),
    /// A validator's vote.
    Vote(SignedVote),
    /// Justifies a re-proposal.
    Polka(PolkaCertificate),
    /// Justifies a new round.
    Round(RoundCertificate),
}

/// Why bytes are no message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// Too large, or not the canonical encoding.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// A round that no chain reaches.
    #[error("round {round}, at most {ROUND_MAX} is allowed")]
    Round {
        /// The round given.
        round: u32,
    },
    /// A re-proposal rests on a round that is not before its own.
    #[error("polka round {polka_round} of a proposal in round {round} must be lower")]
    PolkaRound {
        /// The polka's round.
        polka_round: u32,
        /// The proposal's round.
        round: u32,
    },
    /// A certificate with no signature or more than there can be validators.
    #[error("{actual} signatures in a certificate, 1 to {VALIDATORS_MAX} are allowed")]
    Count {
        /// Signatures given.
        actual: usize,
    },
    /// A certificate whose signers do not ascend strictly.
    #[error("signer {validator} is listed twice or out of order; sort by validator")]
    Order {
        /// The offending signer.
        validator: ValidatorKey,
    },
    /// A prevote in a certificate of precommits.
    #[error("prevote of {validator} in a certificate of precommits")]
    Kind {
        /// The offending signer.
        validator: ValidatorKey,
    },
}

/// The three things that a validator signs in a round, in the order in which it signs them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// A proposal.
    Propose,
    /// A prevote.
    Prevote,
    /// A precommit.
    Precommit,
}

/// Where in the protocol a message was signed; a validator signs one message per position and
/// only ever moves on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Block height.
    pub height: u64,
    /// Round of that height.
    pub round: u32,
    /// Step of that round.
    pub step: Step,
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { height, round, step } = self;
        write!(f, "height {height}, round {round}, {step:?}")
    }
}

impl Message {
    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Reads a message from its canonical bytes and checks its shape. Signatures are checked by
    /// `step`, which drops what it does not need before it pays for that.
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

    /// Block height.
    pub fn height(&self) -> u64 {
        match self {
            Self::Proposal(proposal) => proposal.height,
            Self::Vote(vote) => vote.height,
            Self::Polka(certificate) => certificate.height,
            Self::Round(certificate) => certificate.height,
        }
    }

    /// Round of that height.
    pub fn round(&self) -> u32 {
        match self {
            Self::Proposal(proposal) => proposal.round,
            Self::Vote(vote) => vote.round,
            Self::Polka(certificate) => certificate.round,
            Self::Round(certificate) => certificate.round,
        }
    }

    /// What it is about; none for a nil vote and for a round certificate.
    pub fn value(&self) -> Option<Hash> {
        match self {
            Self::Proposal(proposal) => Some(proposal.value),
            Self::Vote(vote) => vote.value,
            Self::Polka(certificate) => Some(certificate.value),
            Self::Round(_) => None,
        }
    }

    /// Who signed it; none for a certificate, which many signed.
    pub fn signer(&self) -> Option<ValidatorKey> {
        match self {
            Self::Proposal(proposal) => Some(proposal.validator),
            Self::Vote(vote) => Some(vote.validator),
            Self::Polka(_) | Self::Round(_) => None,
        }
    }

    /// Where its signer signed it; none for a certificate.
    pub fn position(&self) -> Option<Position> {
        let step = match self {
            Self::Proposal(_) => Step::Propose,
            Self::Vote(SignedVote { kind: VoteKind::Prevote, .. }) => Step::Prevote,
            Self::Vote(SignedVote { kind: VoteKind::Precommit, .. }) => Step::Precommit,
            Self::Polka(_) | Self::Round(_) => return None,
        };
        Some(Position { height: self.height(), round: self.round(), step })
    }

    /// Whether a vote or proposal is signed by the validator it names, whoever that is. False for
    /// a certificate, which only a validator set can judge.
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

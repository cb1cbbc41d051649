//! Conversions between the core's types and those of this crate. Rounds of messages are always
//! defined; "no round" occurs only before the first round and as the polka round of a fresh
//! proposal.

use arc_malachitebft_core_consensus::{Input, ProposedValue, SignedConsensusMsg};
use arc_malachitebft_core_types as malachite;
use malachite::{NilOrVal, Round, SignedMessage, Timeout, ValueOrigin, VoteType};
use registry_core::certificate::{Certificate, CommitSignature, VoteKind};
use registry_core::crypto::Hash;

use crate::context::{Address, Context, Height, Proposal, Value, Vote};
use crate::message::{
    Message, PolkaCertificate, RoundCertificate, RoundCertificateKind, RoundSignature,
    SignedProposal, SignedVote,
};
use crate::timeouts::TimeoutKind;
use crate::wal::{Candidate, Validity, WalEntry};

pub(crate) fn round_of(round: Round) -> u32 {
    round.as_u32().unwrap_or(0)
}

fn kind_of(kind: VoteType) -> VoteKind {
    match kind {
        VoteType::Prevote => VoteKind::Prevote,
        VoteType::Precommit => VoteKind::Precommit,
    }
}

fn core_kind(kind: VoteKind) -> VoteType {
    match kind {
        VoteKind::Prevote => VoteType::Prevote,
        VoteKind::Precommit => VoteType::Precommit,
    }
}

fn value_of(value: NilOrVal<Hash>) -> Option<Hash> {
    match value {
        NilOrVal::Nil => None,
        NilOrVal::Val(hash) => Some(hash),
    }
}

fn core_value(value: Option<Hash>) -> NilOrVal<Hash> {
    value.map_or(NilOrVal::Nil, NilOrVal::Val)
}

pub(crate) fn vote(signed: &malachite::SignedVote<Context>) -> SignedVote {
    let Vote { kind, height, round, value, address } = &signed.message;
    SignedVote {
        kind: kind_of(*kind),
        height: height.0,
        round: round_of(*round),
        value: value_of(*value),
        validator: address.0,
        signature: signed.signature,
    }
}

pub(crate) fn core_vote(signed: &SignedVote) -> malachite::SignedVote<Context> {
    let vote = Vote {
        kind: core_kind(signed.kind),
        height: Height(signed.height),
        round: Round::new(signed.round),
        value: core_value(signed.value),
        address: Address(signed.validator),
    };
    SignedMessage::new(vote, signed.signature)
}

pub(crate) fn proposal(signed: &malachite::SignedProposal<Context>) -> SignedProposal {
    let Proposal { height, round, value, polka_round, address } = &signed.message;
    SignedProposal {
        height: height.0,
        round: round_of(*round),
        polka_round: polka_round.as_u32(),
        value: value.0,
        validator: address.0,
        signature: signed.signature,
    }
}

pub(crate) fn core_proposal(signed: &SignedProposal) -> malachite::SignedProposal<Context> {
    let proposal = Proposal {
        height: Height(signed.height),
        round: Round::new(signed.round),
        value: Value(signed.value),
        polka_round: Round::from(signed.polka_round),
        address: Address(signed.validator),
    };
    SignedMessage::new(proposal, signed.signature)
}

pub(crate) fn message(message: &SignedConsensusMsg<Context>) -> Message {
    match message {
        SignedConsensusMsg::Vote(signed) => Message::Vote(vote(signed)),
        SignedConsensusMsg::Proposal(signed) => Message::Proposal(proposal(signed)),
    }
}

pub(crate) fn polka(certificate: &malachite::PolkaCertificate<Context>) -> PolkaCertificate {
    let signature = |it: &malachite::PolkaSignature<Context>| CommitSignature {
        validator: it.address.0,
        signature: it.signature,
    };
    let mut signatures: Vec<_> = certificate.polka_signatures.iter().map(signature).collect();
    signatures.sort();
    PolkaCertificate {
        height: certificate.height.0,
        round: round_of(certificate.round),
        value: certificate.value_id,
        signatures,
    }
}

pub(crate) fn core_polka(certificate: &PolkaCertificate) -> malachite::PolkaCertificate<Context> {
    let signature =
        |it: &CommitSignature| malachite::PolkaSignature::new(Address(it.validator), it.signature);
    malachite::PolkaCertificate {
        height: Height(certificate.height),
        round: Round::new(certificate.round),
        value_id: certificate.value,
        polka_signatures: certificate.signatures.iter().map(signature).collect(),
    }
}

pub(crate) fn round(certificate: &malachite::RoundCertificate<Context>) -> RoundCertificate {
    let signature = |it: &malachite::RoundSignature<Context>| RoundSignature {
        kind: kind_of(it.vote_type),
        value: value_of(it.value_id),
        validator: it.address.0,
        signature: it.signature,
    };
    let mut signatures: Vec<_> = certificate.round_signatures.iter().map(signature).collect();
    signatures.sort_by_key(|signature| signature.validator);
    RoundCertificate {
        height: certificate.height.0,
        round: round_of(certificate.round),
        kind: match certificate.cert_type {
            malachite::RoundCertificateType::Skip => RoundCertificateKind::Skip,
            malachite::RoundCertificateType::Precommit => RoundCertificateKind::Precommit,
        },
        signatures,
    }
}

pub(crate) fn core_round(certificate: &RoundCertificate) -> malachite::RoundCertificate<Context> {
    let signature = |it: &RoundSignature| {
        let value = core_value(it.value);
        malachite::RoundSignature::new(
            core_kind(it.kind),
            value,
            Address(it.validator),
            it.signature,
        )
    };
    malachite::RoundCertificate {
        height: Height(certificate.height),
        round: Round::new(certificate.round),
        cert_type: match certificate.kind {
            RoundCertificateKind::Skip => malachite::RoundCertificateType::Skip,
            RoundCertificateKind::Precommit => malachite::RoundCertificateType::Precommit,
        },
        round_signatures: certificate.signatures.iter().map(signature).collect(),
    }
}

pub(crate) fn commit(certificate: &malachite::CommitCertificate<Context>) -> Certificate {
    let signature = |it: &malachite::CommitSignature<Context>| CommitSignature {
        validator: it.address.0,
        signature: it.signature,
    };
    let mut signatures: Vec<_> = certificate.commit_signatures.iter().map(signature).collect();
    signatures.sort();
    Certificate {
        height: certificate.height.0,
        round: round_of(certificate.round),
        value: certificate.value_id,
        signatures,
    }
}

/// Returns the kind of a timer; `None` for the finalization timer, which exists only with a target
/// time.
pub(crate) fn timeout_kind(kind: malachite::TimeoutKind) -> Option<TimeoutKind> {
    match kind {
        malachite::TimeoutKind::Propose => Some(TimeoutKind::Propose),
        malachite::TimeoutKind::Prevote => Some(TimeoutKind::Prevote),
        malachite::TimeoutKind::Precommit => Some(TimeoutKind::Precommit),
        malachite::TimeoutKind::Rebroadcast => Some(TimeoutKind::Rebroadcast),
        malachite::TimeoutKind::FinalizeHeight(_) => None,
    }
}

pub(crate) fn core_timeout(kind: TimeoutKind, round: u32) -> Timeout {
    let kind = match kind {
        TimeoutKind::Propose => malachite::TimeoutKind::Propose,
        TimeoutKind::Prevote => malachite::TimeoutKind::Prevote,
        TimeoutKind::Precommit => malachite::TimeoutKind::Precommit,
        TimeoutKind::Rebroadcast => malachite::TimeoutKind::Rebroadcast,
    };
    Timeout::new(Round::new(round), kind)
}

pub(crate) fn core_message(message: &Message) -> Input<Context> {
    match message {
        Message::Vote(vote) => Input::Vote(core_vote(vote)),
        Message::Proposal(proposal) => Input::Proposal(core_proposal(proposal)),
        Message::Polka(certificate) => Input::PolkaCertificate(core_polka(certificate)),
        Message::Round(certificate) => Input::RoundCertificate(core_round(certificate)),
    }
}

pub(crate) fn core_candidate(candidate: &Candidate) -> Input<Context> {
    let value = ProposedValue {
        height: Height(candidate.height),
        round: Round::new(candidate.round),
        valid_round: Round::Nil,
        proposer: Address(candidate.proposer),
        value: Value(candidate.value),
        validity: match candidate.validity {
            Validity::Valid => malachite::Validity::Valid,
            Validity::Invalid => malachite::Validity::Invalid,
        },
    };
    Input::ProposedValue(value, ValueOrigin::Consensus)
}

fn candidate(value: &ProposedValue<Context>) -> Candidate {
    Candidate {
        height: value.height.0,
        round: round_of(value.round),
        value: value.value.0,
        proposer: value.proposer.0,
        validity: match value.validity {
            malachite::Validity::Valid => Validity::Valid,
            malachite::Validity::Invalid => Validity::Invalid,
        },
    }
}

/// Returns the input that a log entry becomes when the log is replayed.
pub(crate) fn core_entry(entry: &WalEntry) -> Input<Context> {
    match entry {
        WalEntry::Message(message) => core_message(message),
        WalEntry::Candidate(candidate) => core_candidate(candidate),
        WalEntry::Timeout { kind, round, .. } => Input::TimeoutElapsed(core_timeout(*kind, *round)),
    }
}

/// Returns the log entry of an input; `None` for inputs that the core never logs.
pub(crate) fn entry(height: Height, input: &Input<Context>) -> Option<WalEntry> {
    match input {
        Input::Vote(signed) => Some(WalEntry::Message(Message::Vote(vote(signed)))),
        Input::Proposal(signed) => Some(WalEntry::Message(Message::Proposal(proposal(signed)))),
        Input::PolkaCertificate(it) => Some(WalEntry::Message(Message::Polka(polka(it)))),
        Input::ProposedValue(value, _) => Some(WalEntry::Candidate(candidate(value))),
        Input::TimeoutElapsed(timeout) => Some(WalEntry::Timeout {
            kind: timeout_kind(timeout.kind)?,
            height: height.0,
            round: round_of(timeout.round),
        }),
        Input::StartHeight(..)
        | Input::RoundCertificate(_)
        | Input::Propose(_)
        | Input::SyncValueResponse(_) => None,
    }
}

//! Answers to the effects of the core. An effect that needs an answer gets it at once; all others
//! become outputs. The core never gets an error, since it would take that for a wrong answer.

use arc_malachitebft_core_consensus::{
    ConsensusMsg, Effect, LivenessMsg, Resumable, Resume, SignedConsensusMsg, VoteExtensionError,
};
use arc_malachitebft_core_types as malachite;
use ed25519_dalek::Signer as _;
use malachite::{CertificateError, SignedMessage, Timeout};
use registry_core::certificate::{Certificate, ValidatorSet};
use registry_core::codec::FixedBytes;
use registry_core::crypto::ValidatorKey;

use crate::certificates::{CertificateFault, check_polka, check_round};
use crate::config::Config;
use crate::context::{Context, Proposal, Vote};
use crate::convert;
use crate::durable::Unsent;
use crate::evidence::{self, Evidence};
use crate::guard::Guard;
use crate::message::{Message, SignedProposal, SignedVote};
use crate::output::{Halt, Output, Rejection};
use crate::wal::WalEntry;

/// State that the core's effects read and write: all of a validator's state except the core itself.
pub(crate) struct Shell {
    pub(crate) config: Config,
    pub(crate) key: ValidatorKey,
    pub(crate) set: ValidatorSet,
    pub(crate) height: u64,
    pub(crate) guard: Guard,
    /// True from the start of a height until its decision.
    pub(crate) deciding: bool,
    /// True from the start of a height until its log is replayed.
    pub(crate) replaying: bool,
    pub(crate) sequence: u64,
    /// Messages that were signed in this step and are not in the log yet.
    pub(crate) signed: Vec<Message>,
    pub(crate) guard_moved: bool,
    /// Proposals that the core accepted in this step.
    pub(crate) kept: Vec<SignedProposal>,
    /// Round for which the core asked for a block during a replay.
    pub(crate) held_build: Option<u32>,
    /// Last proposal of this node at this height, kept to be sent again.
    pub(crate) proposal: Option<SignedProposal>,
    /// Last decision with its validators, kept to add late precommits to the certificate.
    pub(crate) decided: Option<(Certificate, ValidatorSet)>,
    pub(crate) evidence: Vec<Evidence>,
    pub(crate) halt: Option<Halt>,
    pub(crate) records: Vec<Output>,
    pub(crate) outputs: Vec<Output>,
}

/// Continuation of an effect that expects no answer.
trait Continue: Resumable<Context, Value = ()> {}

impl<R: Resumable<Context, Value = ()>> Continue for R {}

impl Shell {
    /// Answers one effect. It names every variant, so a new one does not compile without an answer.
    pub(crate) fn answer(&mut self, effect: Effect<Context>) -> Resume<Context> {
        match effect {
            Effect::CancelAllTimeouts(r) => self.emit(Output::CancelAllTimers, r),
            Effect::CancelTimeout(timeout, r) => self.cancel(timeout, r),
            Effect::ScheduleTimeout(timeout, r) => self.schedule(timeout, r),
            Effect::StartRound(height, round, proposer, _, r) => {
                let (height, round) = (height.0, convert::round_of(round));
                self.emit(Output::NewRound { height, round, proposer: proposer.0 }, r)
            }
            Effect::PublishConsensusMsg(message, r) => self.publish(&message, r),
            Effect::PublishLivenessMsg(message, r) => self.send(liveness(&message), r),
            Effect::RepublishVote(vote, r) => self.send(Message::Vote(convert::vote(&vote)), r),
            Effect::RepublishRoundCertificate(certificate, r) => {
                self.send(Message::Round(convert::round(&certificate)), r)
            }
            Effect::GetValue(_, round, _, r) => self.build(convert::round_of(round), r),
            // Blocks are sent separately from proposals, so there is nothing to stream again.
            Effect::RestreamProposal(_, _, _, _, _, r) => r.resume_with(()),
            Effect::Decide(certificate, _, r) => self.decide(convert::commit(&certificate), r),
            Effect::Finalize(_, _, found, r) => {
                self.note(evidence::collect(found.votes.iter(), found.proposals.iter()));
                r.resume_with(())
            }
            Effect::SignVote(vote, r) => self.sign_vote(vote, r),
            Effect::SignProposal(proposal, r) => self.sign_proposal(proposal, r),
            Effect::VerifySignature(message, key, r) => r.resume_with(self.verify(message, key)),
            Effect::VerifyCommitCertificate(certificate, _, _, r) => {
                let certificate = convert::commit(&certificate);
                r.resume_with(certificate.check(self.config.chain, &self.set).map_err(refused))
            }
            Effect::VerifyPolkaCertificate(certificate, _, _, r) => {
                let certificate = convert::polka(&certificate);
                let verdict = check_polka(&certificate, self.config.chain, &self.set);
                r.resume_with(self.blame(verdict).map_err(refused))
            }
            Effect::VerifyRoundCertificate(certificate, _, _, r) => {
                let certificate = convert::round(&certificate);
                let verdict = check_round(&certificate, self.config.chain, &self.set);
                r.resume_with(self.blame(verdict).map_err(refused))
            }
            Effect::WalAppend(height, input, r) => {
                if let Some(entry) = convert::entry(height, &input) {
                    self.append(entry);
                }
                r.resume_with(())
            }
            // These effects are refused: the node syncs blocks by itself and never passes a sync
            // response to the core, and vote extensions are disabled at every height.
            Effect::CertVerifiedSyncValue(_, _, r) => r.resume_with(()),
            Effect::CertRejectedSyncValue(_, _, _, r) => r.resume_with(()),
            Effect::VerifyExtendedCommitCertificate(_, _, _, _, r) => {
                r.resume_with(Err(CertificateError::VerificationError(None)))
            }
            Effect::ExtendVote(_, _, _, _, r) => r.resume_with(None),
            Effect::VerifyVoteExtension(_, _, _, _, _, _, r) => {
                r.resume_with(Err(VoteExtensionError::InvalidVoteExtension))
            }
        }
    }

    fn emit(&mut self, output: Output, resume: impl Continue) -> Resume<Context> {
        self.outputs.push(output);
        resume.resume_with(())
    }

    fn send(&mut self, message: Message, resume: impl Continue) -> Resume<Context> {
        self.emit(Output::Send(Unsent::new(message)), resume)
    }

    fn publish(
        &mut self,
        message: &SignedConsensusMsg<Context>,
        resume: impl Continue,
    ) -> Resume<Context> {
        let message = convert::message(message);
        if let Message::Proposal(proposal) = &message
            && proposal.validator == self.key
        {
            self.proposal = Some(*proposal);
        }
        self.send(message, resume)
    }

    fn schedule(&mut self, timeout: Timeout, resume: impl Continue) -> Resume<Context> {
        let (height, round) = (self.height, convert::round_of(timeout.round));
        match convert::timeout_kind(timeout.kind) {
            Some(kind) => {
                let duration_ms = self.config.timeouts.duration_ms(kind, round);
                self.emit(Output::Timer { kind, height, round, duration_ms }, resume)
            }
            None => resume.resume_with(()),
        }
    }

    fn cancel(&mut self, timeout: Timeout, resume: impl Continue) -> Resume<Context> {
        let (height, round) = (self.height, convert::round_of(timeout.round));
        match convert::timeout_kind(timeout.kind) {
            Some(kind) => self.emit(Output::CancelTimer { kind, height, round }, resume),
            None => resume.resume_with(()),
        }
    }

    /// Asks the node for a block. During a replay it only remembers the round, since the log may
    /// hold the answer.
    fn build(&mut self, round: u32, resume: impl Continue) -> Resume<Context> {
        if self.replaying {
            self.held_build = Some(round);
            return resume.resume_with(());
        }
        let output = self.build_block(round);
        self.emit(output, resume)
    }

    pub(crate) fn build_block(&self, round: u32) -> Output {
        let kind = crate::TimeoutKind::Propose;
        let timeout_ms = self.config.timeouts.duration_ms(kind, round);
        Output::BuildBlock { height: self.height, round, timeout_ms }
    }

    fn decide(&mut self, certificate: Certificate, resume: impl Continue) -> Resume<Context> {
        self.deciding = false;
        self.decided = Some((certificate.clone(), self.set.clone()));
        self.emit(Output::Decide { certificate: Unsent::new(certificate) }, resume)
    }

    fn sign(&self, message: [u8; 32]) -> FixedBytes<64> {
        FixedBytes(self.config.key.sign(&message).to_bytes())
    }

    fn sign_vote(
        &mut self,
        vote: Vote,
        resume: impl Resumable<Context, Value = malachite::SignedVote<Context>>,
    ) -> Resume<Context> {
        let unsigned = SignedMessage::new(vote, FixedBytes([0; 64]));
        let mut signed: SignedVote = convert::vote(&unsigned);
        signed.signature = self.sign(signed.message(self.config.chain));
        if self.admit(Message::Vote(signed)) {
            resume.resume_with(convert::core_vote(&signed))
        } else {
            Resume::Continue
        }
    }

    fn sign_proposal(
        &mut self,
        proposal: Proposal,
        resume: impl Resumable<Context, Value = malachite::SignedProposal<Context>>,
    ) -> Resume<Context> {
        let unsigned = SignedMessage::new(proposal, FixedBytes([0; 64]));
        let mut signed: SignedProposal = convert::proposal(&unsigned);
        signed.signature = self.sign(signed.message(self.config.chain));
        if self.admit(Message::Proposal(signed)) {
            resume.resume_with(convert::core_proposal(&signed))
        } else {
            Resume::Continue
        }
    }

    /// Asks the guard whether a message may be sent, and returns false if not. The caller then
    /// drops the signature and gives the core an answer of the wrong kind. So the core abandons
    /// this input and keeps no trace of the message.
    fn admit(&mut self, message: Message) -> bool {
        match self.guard.check_and_advance(&message) {
            Ok(()) => {
                self.guard_moved = true;
                self.signed.push(message);
                true
            }
            Err(conflict) => {
                self.halt = Some(Halt::Guard(conflict));
                false
            }
        }
    }

    fn verify(
        &mut self,
        message: SignedMessage<Context, ConsensusMsg<Context>>,
        key: ValidatorKey,
    ) -> bool {
        let chain = self.config.chain;
        let bytes = match message.message {
            ConsensusMsg::Vote(it) => {
                convert::vote(&SignedMessage::new(it, message.signature)).message(chain)
            }
            ConsensusMsg::Proposal(it) => {
                convert::proposal(&SignedMessage::new(it, message.signature)).message(chain)
            }
        };
        let valid = key.verify(&bytes, &message.signature.0).is_ok();
        if !valid {
            self.outputs.push(Output::Rejected(Rejection::Signature { validator: key }));
        }
        valid
    }

    fn blame(&mut self, verdict: Result<(), CertificateFault>) -> Result<(), CertificateFault> {
        if let Err(fault) = &verdict {
            self.outputs.push(Output::Rejected(Rejection::Certificate(fault.clone())));
        }
        verdict
    }

    /// Logs an entry that the core wants logged. During a replay the log has the entry already,
    /// unless it is a message that is signed only now.
    fn append(&mut self, entry: WalEntry) {
        if let WalEntry::Message(message) = &entry {
            if let Message::Proposal(proposal) = message {
                self.kept.push(*proposal);
            }
            let fresh = self.signed.iter().position(|signed| signed == message);
            if let Some(index) = fresh {
                self.signed.remove(index);
                return self.log(entry);
            }
        }
        if !self.replaying {
            self.log(entry);
        }
    }

    pub(crate) fn log(&mut self, entry: WalEntry) {
        self.records.push(Output::Wal { sequence: self.sequence, entry });
        self.sequence = self.sequence.saturating_add(1);
    }

    /// Reports evidence that was not reported before at this height. The core limits its number.
    pub(crate) fn note(&mut self, found: Vec<Evidence>) {
        for evidence in found {
            if !self.evidence.contains(&evidence) {
                self.evidence.push(evidence.clone());
                self.outputs.push(Output::Evidence(evidence));
            }
        }
    }
}

fn refused(error: impl std::error::Error + Send + Sync + 'static) -> CertificateError<Context> {
    CertificateError::VerificationError(Some(malachite::BoxError(Box::new(error))))
}

fn liveness(message: &LivenessMsg<Context>) -> Message {
    match message {
        LivenessMsg::Vote(vote) => Message::Vote(convert::vote(vote)),
        LivenessMsg::PolkaCertificate(it) => Message::Polka(convert::polka(it)),
        LivenessMsg::SkipRoundCertificate(it) => Message::Round(convert::round(it)),
    }
}

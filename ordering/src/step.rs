//! The function that advances a validator.

use arc_malachitebft_core_consensus::LocallyProposedValue;
use arc_malachitebft_core_types::Round;
use registry_core::certificate::{Certificate, CommitSignature, ValidatorSet, VoteKind};

use crate::context::{Height, Value};
use crate::convert;
use crate::durable::Unsent;
use crate::future::Place;
use crate::message::{Message, SignedVote};
use crate::output::{Halt, Input, Output, Rejection};
use crate::state::{CoreInput, State};
use crate::timeouts::TimeoutKind;
use crate::wal::Candidate;

/// Processes one input and returns what to do, in the order in which to do it. It reads no clock,
/// does no I/O and never panics. Equal states and inputs give equal outputs.
pub fn step(state: &mut State, input: Input) -> Vec<Output> {
    if state.halted().is_none() {
        match input {
            Input::StartHeight { height, set, timeouts } => {
                state.shell.config.timeouts = timeouts;
                state.start_height(height, &set);
            }
            Input::Expect { set } => state.expect(set),
            Input::Message(message) => state.on_message(message),
            Input::Propose { height, round, value } => {
                let round = Round::new(round);
                let value = LocallyProposedValue::new(Height(height), round, Value(value));
                state.feed_at(height, CoreInput::Propose(value));
            }
            Input::Candidate(candidate) => state.on_candidate(&candidate),
            Input::Timeout { kind, height, round } => state.on_timeout(kind, height, round),
        }
    }
    state.finish()
}

impl State {
    fn start_height(&mut self, height: u64, set: &ValidatorSet) {
        let current = self.height();
        if height <= current {
            self.shell.halt = Some(Halt::NotLater { current, wanted: height });
            return;
        }
        match ValidatorSet::new(set.validators().to_vec()) {
            Ok(set) => self.begin(height, set),
            Err(reason) => {
                self.shell.halt = Some(Halt::Set { height, reason });
                return;
            }
        }
        for message in self.future.take(height) {
            self.on_message(message);
        }
    }

    /// Passes an input to the core if its height is the one being decided. Other inputs come too
    /// early or too late and are dropped.
    fn feed_at(&mut self, height: u64, input: CoreInput) {
        if height == self.height() && self.is_deciding() {
            self.feed(input);
        }
    }

    fn on_candidate(&mut self, candidate: &Candidate) {
        self.feed_at(candidate.height, convert::core_candidate(candidate));
    }

    fn on_timeout(&mut self, kind: TimeoutKind, height: u64, round: u32) {
        let input = CoreInput::TimeoutElapsed(convert::core_timeout(kind, round));
        if kind != TimeoutKind::Rebroadcast {
            return self.feed_at(height, input);
        }
        // Messages are also sent again after the decision, until the next height starts: other
        // validators may still need them.
        if height != self.height() || self.round() != Some(round) {
            return;
        }
        self.resend_proposal(round);
        self.feed(input);
    }

    /// Sends this node's proposal again, with the polka that it rests on. The core only repeats
    /// votes.
    fn resend_proposal(&mut self, round: u32) {
        let Some(proposal) = self.shell.proposal.filter(|proposal| proposal.round == round) else {
            return;
        };
        let polka = proposal
            .polka_round
            .and_then(|round| self.core.polka_certificate(Round::new(round), &proposal.value))
            .map(|certificate| Message::Polka(convert::polka(certificate)));
        let sends = polka.into_iter().chain([Message::Proposal(proposal)]);
        self.shell.outputs.extend(sends.map(|message| Output::Send(Unsent::new(message))));
    }

    fn on_message(&mut self, message: Message) {
        if let Err(error) = message.check_shape() {
            return self.reject(error);
        }
        if message.signer() == Some(self.key()) && self.guard().may_sign(message.height()) {
            return self.on_own(&message);
        }
        if message.height() > self.height() {
            return self.on_future(message);
        }
        if message.height() < self.height() || !self.is_deciding() {
            return self.on_late(&message);
        }
        match self.check_signer(&message) {
            Ok(()) => self.feed(convert::core_message(&message)),
            Err(rejection) => self.reject(rejection),
        }
    }

    fn reject(&mut self, rejection: impl Into<Rejection>) {
        self.shell.outputs.push(Output::Rejected(rejection.into()));
    }

    /// Makes the checks that cost nothing, before the core decides whether it needs the message.
    fn check_signer(&self, message: &Message) -> Result<(), Rejection> {
        let Some(actual) = message.signer() else {
            return Ok(());
        };
        let (height, round) = (message.height(), message.round());
        if self.shell.set.power_of(&actual) == 0 {
            return Err(Rejection::Stranger { validator: actual, height });
        }
        match (message, self.proposer(round)) {
            (Message::Proposal(_), Some(expected)) if expected != actual => {
                Err(Rejection::NotProposer { height, round, expected, actual })
            }
            _ => Ok(()),
        }
    }

    /// Handles a message that is signed with this node's key. Peers send back what the node signed,
    /// and that is dropped. A valid message at or beyond the guard that the node did not sign comes
    /// from another machine with the same key, so the node must stop.
    fn on_own(&mut self, message: &Message) {
        let last = self.guard().last();
        let signed = last.and_then(Message::position);
        let unknown = message.position() >= signed && last != Some(message);
        if unknown && message.verify(self.shell.config.chain) {
            self.shell.halt = message.position().map(|at| Halt::Twin { at });
        }
    }

    /// Handles a message of a later height. The signature is verified with the signer's key.
    /// Whether the signer is a validator is judged by the newest known set; the next set differs
    /// from it by less than a third of the power.
    fn on_future(&mut self, message: Message) {
        let (Some(validator), Some(position)) = (message.signer(), message.position()) else {
            return;
        };
        let height = position.height;
        if self.expected.power_of(&validator) == 0 {
            return self.reject(Rejection::Stranger { validator, height });
        }
        let place = self.future.place(self.height(), position, validator);
        if place == Place::Known {
            return;
        }
        if !message.verify(self.shell.config.chain) {
            return self.reject(Rejection::Signature { validator });
        }
        match place {
            Place::Free => self.future.keep(position, validator, message),
            Place::Beyond => self.future.note(height, validator),
            Place::Known => (),
        }
        self.shell.outputs.push(Output::Ahead { height, validator });
    }

    /// Handles a message of a decided height. Only a precommit for the last decision is useful.
    fn on_late(&mut self, message: &Message) {
        let Message::Vote(vote) = message else {
            return;
        };
        let Some((certificate, set)) = &self.shell.decided else {
            return;
        };
        let SignedVote { kind, height, round, value, validator, signature } = *vote;
        let fits = kind == VoteKind::Precommit
            && (height, round, value)
                == (certificate.height, certificate.round, Some(certificate.value));
        let known = certificate.signatures.iter().any(|signature| signature.validator == validator);
        if !fits || known {
            return;
        }
        if set.power_of(&validator) == 0 {
            return self.reject(Rejection::Stranger { validator, height });
        }
        if !message.verify(self.shell.config.chain) {
            return self.reject(Rejection::Signature { validator });
        }
        let mut certificate: Certificate = certificate.clone();
        let signatures = vec![CommitSignature { validator, signature }];
        certificate.merge(&Certificate { signatures, ..certificate.clone() });
        if let Some((stored, _)) = &mut self.shell.decided {
            *stored = certificate.clone();
        }
        self.shell.outputs.push(Output::LatePrecommit { certificate });
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;
    use registry_core::certificate::Validator;
    use registry_core::codec::FixedBytes;
    use registry_core::crypto::{Hash, ValidatorKey};

    use super::*;
    use crate::config::Config;
    use crate::guard::{Guard, GuardConflict};
    use crate::timeouts::Timeouts;

    /// Returns a single validator that has signed a nil prevote for height 1 but has lost its log.
    fn forgetful() -> State {
        let key = SigningKey::from_bytes(&[1; 32]);
        let validator = ValidatorKey(key.verifying_key().to_bytes());
        let set = ValidatorSet::new(vec![Validator { key: validator, power: 1 }]).unwrap();
        let config = Config { chain: Hash([7; 32]), key, timeouts: Timeouts::default() };
        let guard = Guard::restore(None, 0, 0).unwrap();
        let mut state = State::new(config, guard, 0, &set).unwrap();
        let signed = SignedVote {
            kind: VoteKind::Prevote,
            height: 1,
            round: 0,
            value: None,
            validator,
            signature: FixedBytes([0; 64]),
        };
        state.shell.guard.check_and_advance(&Message::Vote(signed)).unwrap();
        drop(step(
            &mut state,
            Input::StartHeight { height: 1, set, timeouts: Timeouts::default() },
        ));
        state
    }

    #[test]
    fn the_guard_is_asked_before_a_proposal_is_signed() {
        let mut state = forgetful();
        let guard = state.guard().clone();
        let input = Input::Propose { height: 1, round: 0, value: Hash([2; 32]) };
        let outputs = step(&mut state, input);
        let [Output::Halt(Halt::Guard(GuardConflict::Regression { .. }))] = &outputs[..] else {
            panic!("{outputs:?}")
        };
        assert_eq!(state.guard(), &guard);
    }

    #[test]
    fn the_guard_is_asked_before_a_vote_is_signed() {
        let mut state = forgetful();
        let kind = TimeoutKind::Propose;
        let outputs = step(&mut state, Input::Timeout { kind, height: 1, round: 0 });
        let [Output::Halt(Halt::Guard(GuardConflict::DoubleSign { .. }))] = &outputs[..] else {
            panic!("{outputs:?}")
        };
        let again = step(&mut state, Input::Timeout { kind, height: 1, round: 0 });
        assert_eq!(again, outputs, "halted for good");
    }
}

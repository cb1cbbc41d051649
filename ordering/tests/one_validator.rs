//! Tests of one validator's `State` with hand-made messages of three peers. They check what it
//! signs, refuses and reports, and which messages it derives again from its log.

#![allow(missing_docs, reason = "tests")]

mod common;

use common::{CHAIN, config, keys, proposal, public, set_of, start, vote};
use ed25519_dalek::SigningKey;
use ordering::{
    Candidate, Evidence, Guard, Halt, Input, Message, Output, Rejection, StartError, State,
    TimeoutKind, Timeouts, Validity, WalEntry, step,
};
use registry_core::certificate::{ValidatorSet, VoteKind};
use registry_core::crypto::Hash;

const A: Hash = Hash([0xaa; 32]);
const B: Hash = Hash([0xbb; 32]);

/// Validator 3 of four at height 1. The proposer of round 0 is validator 1.
struct Bench {
    keys: Vec<SigningKey>,
    set: ValidatorSet,
    state: State,
    wal: Vec<(u64, Vec<u8>)>,
}

impl Bench {
    fn resting() -> Self {
        let keys = keys(4);
        let set = set_of(&keys);
        let guard = Guard::restore(None, 0, 0).unwrap();
        let state = State::new(config(&keys[3]), guard, 0, &set).unwrap();
        Self { keys, set, state, wal: Vec::new() }
    }

    fn deciding() -> Self {
        let mut bench = Self::resting();
        let set = bench.set.clone();
        let outputs = bench.step(start(1, set));
        assert!(outputs.iter().any(|output| matches!(output, Output::NewRound { .. })));
        bench
    }

    fn step(&mut self, input: Input) -> Vec<Output> {
        let outputs = step(&mut self.state, input);
        for output in &outputs {
            if let Output::Wal { sequence, entry } = output {
                self.wal.push((*sequence, entry.encode()));
            }
        }
        outputs
    }

    fn vote(&mut self, from: usize, kind: VoteKind, value: Option<Hash>) -> Vec<Output> {
        let message = Message::Vote(vote(&self.keys[from], kind, 1, 0, value));
        self.step(Input::Message(message))
    }

    fn propose(&mut self, value: Hash) -> Vec<Output> {
        let message = Message::Proposal(proposal(&self.keys[1], 1, 0, value));
        self.step(Input::Message(message))
    }

    fn candidate(&mut self, value: Hash, validity: Validity) -> Vec<Output> {
        let proposer = public(&self.keys[1]);
        let candidate = Candidate { height: 1, round: 0, value, proposer, validity };
        self.step(Input::Candidate(candidate))
    }

    fn restart(&self) -> Result<(State, Vec<Output>), StartError> {
        let guard = Guard::restore(Some(&self.state.guard().encode()), 0, 1).unwrap();
        State::start(config(&self.keys[3]), guard, 1, &self.set, &self.wal)
    }
}

fn votes(outputs: &[Output]) -> Vec<(VoteKind, Option<Hash>)> {
    sent(outputs)
        .into_iter()
        .filter_map(|message| match message {
            Message::Vote(vote) => Some((vote.kind, vote.value)),
            _ => None,
        })
        .collect()
}

fn sent(outputs: &[Output]) -> Vec<Message> {
    let message = |output: &Output| match output {
        Output::Send(unsent) => Some(unsent.get().clone()),
        _ => None,
    };
    outputs.iter().filter_map(message).collect()
}

fn rejection(outputs: &[Output]) -> Option<&Rejection> {
    outputs.iter().find_map(|output| match output {
        Output::Rejected(rejection) => Some(rejection),
        _ => None,
    })
}

#[test]
fn no_prevote_before_the_verdict_on_the_block() {
    let mut bench = Bench::deciding();
    let outputs = bench.propose(A);
    assert_eq!(votes(&outputs), []);
    let need = Output::NeedCandidate {
        height: 1,
        round: 0,
        value: A,
        proposer: public(&bench.keys[1]),
        polka_round: None,
        polka: false,
    };
    assert!(outputs.contains(&need));
    assert_eq!(votes(&bench.candidate(A, Validity::Valid)), [(VoteKind::Prevote, Some(A))]);
}

#[test]
fn an_invalid_block_gets_a_nil_prevote_and_a_withheld_one_waits_for_the_timeout() {
    let mut bench = Bench::deciding();
    bench.propose(A);
    assert_eq!(votes(&bench.candidate(A, Validity::Invalid)), [(VoteKind::Prevote, None)]);

    let mut bench = Bench::deciding();
    bench.propose(A);
    let timeout = Input::Timeout { kind: TimeoutKind::Propose, height: 1, round: 0 };
    assert_eq!(votes(&bench.step(timeout)), [(VoteKind::Prevote, None)]);
}

#[test]
fn records_come_before_what_is_sent() {
    let mut bench = Bench::deciding();
    bench.propose(A);
    let outputs = bench.candidate(A, Validity::Valid);
    let is_record = |output: &Output| matches!(output, Output::Wal { .. } | Output::Guard(_));
    let records = outputs.iter().take_while(|output| is_record(output)).count();
    assert_eq!(records, 3, "candidate, own prevote, guard: {outputs:?}");
    assert!(outputs[records..].iter().all(|output| !is_record(output)));
    let own = sent(&outputs).remove(0);
    assert!(bench.wal.iter().any(|(_, bytes)| *bytes == WalEntry::Message(own.clone()).encode()));
    assert_eq!(bench.state.guard().last(), Some(&own));
}

#[test]
fn a_polka_asks_again_for_a_block_without_a_verdict() {
    let mut bench = Bench::deciding();
    bench.propose(A);
    bench.vote(0, VoteKind::Prevote, Some(A));
    bench.vote(1, VoteKind::Prevote, Some(A));
    assert!(!bench.state.has_polka(&A));
    let outputs = bench.vote(2, VoteKind::Prevote, Some(A));
    let again = |it: &Output| matches!(it, Output::NeedCandidate { value: A, polka: true, .. });
    assert_eq!(outputs.iter().filter(|output| again(output)).count(), 1);
    assert!(bench.state.has_polka(&A));
    let voters: Vec<_> = bench.keys[..3].iter().map(public).collect();
    assert_eq!(bench.state.prevoters(&A), voters);
    let outputs = bench.vote(0, VoteKind::Precommit, Some(A));
    assert!(!outputs.iter().any(again), "asked twice, not more");
}

#[test]
fn a_decision_carries_a_certificate_and_late_precommits_enlarge_it() {
    let mut bench = Bench::deciding();
    bench.propose(A);
    bench.candidate(A, Validity::Valid);
    bench.vote(0, VoteKind::Prevote, Some(A));
    let outputs = bench.vote(1, VoteKind::Prevote, Some(A));
    assert_eq!(votes(&outputs), [(VoteKind::Precommit, Some(A))]);
    bench.vote(0, VoteKind::Precommit, Some(A));
    let outputs = bench.vote(1, VoteKind::Precommit, Some(A));
    let decided = outputs.iter().find_map(|output| match output {
        Output::Decide { certificate } => Some(certificate.get().clone()),
        _ => None,
    });
    assert_eq!(decided.unwrap().check(CHAIN, &bench.set), Ok(()));
    assert!(!bench.state.is_deciding());

    let set = bench.set.clone();
    bench.step(start(2, set));
    let outputs = bench.vote(2, VoteKind::Precommit, Some(A));
    let [Output::LatePrecommit { certificate }] = &outputs[..] else { panic!("{outputs:?}") };
    assert_eq!(certificate.signatures.len(), 4);
    assert_eq!(certificate.check(CHAIN, &bench.set), Ok(()));
    assert_eq!(bench.vote(2, VoteKind::Precommit, Some(A)), []);
}

#[test]
fn a_double_voter_and_a_double_proposer_yield_evidence_once() {
    let mut bench = Bench::deciding();
    bench.vote(0, VoteKind::Prevote, Some(A));
    let outputs = bench.vote(0, VoteKind::Prevote, Some(B));
    let [Output::Wal { .. }, Output::Evidence(evidence)] = &outputs[..] else {
        panic!("{outputs:?}")
    };
    assert_eq!(evidence.validator(), public(&bench.keys[0]));
    assert!(evidence.verify(CHAIN));
    assert!(!evidence.verify(Hash::ZERO));
    assert_eq!(Evidence::decode(&evidence.encode()).as_ref(), Ok(evidence));
    let repeated = bench.vote(0, VoteKind::Prevote, Some(B));
    assert!(!repeated.iter().any(|output| matches!(output, Output::Evidence(_))));

    bench.propose(A);
    let outputs = bench.propose(B);
    let proposals = |output: &Output| match output {
        Output::Evidence(evidence @ Evidence::Proposals { .. }) => evidence.verify(CHAIN),
        _ => false,
    };
    assert_eq!(outputs.iter().filter(|output| proposals(output)).count(), 1);
}

#[test]
fn bad_messages_are_rejected_and_change_nothing() {
    let mut bench = Bench::deciding();
    let stranger = SigningKey::from_bytes(&[99; 32]);
    let by_stranger = Message::Vote(vote(&stranger, VoteKind::Prevote, 1, 0, Some(A)));
    let outputs = bench.step(Input::Message(by_stranger));
    assert!(matches!(rejection(&outputs), Some(Rejection::Stranger { height: 1, .. })));

    let not_proposer = Message::Proposal(proposal(&bench.keys[2], 1, 0, A));
    let outputs = bench.step(Input::Message(not_proposer));
    assert!(matches!(rejection(&outputs), Some(Rejection::NotProposer { round: 0, .. })));

    for height in [1, 2] {
        let mut forged = vote(&bench.keys[0], VoteKind::Prevote, height, 0, Some(A));
        forged.value = Some(B);
        let outputs = bench.step(Input::Message(Message::Vote(forged)));
        assert!(matches!(rejection(&outputs), Some(Rejection::Signature { .. })));
    }

    let mut other_chain = vote(&bench.keys[0], VoteKind::Prevote, 1, 0, None);
    let message = registry_core::certificate::Vote {
        chain: Hash([8; 32]),
        kind: VoteKind::Prevote,
        height: 1,
        round: 0,
        value: None,
    };
    use ed25519_dalek::Signer as _;
    other_chain.signature.0 = bench.keys[0].sign(&message.message()).to_bytes();
    let outputs = bench.step(Input::Message(Message::Vote(other_chain)));
    assert!(matches!(rejection(&outputs), Some(Rejection::Signature { .. })));
    assert_eq!(bench.wal, []);
}

#[test]
fn later_heights_are_buffered_by_owner_and_reported() {
    let mut bench = Bench::resting();
    let peer = public(&bench.keys[0]);
    for height in [1, 2, 4, 5, 9, 9] {
        let message = Message::Vote(vote(&bench.keys[0], VoteKind::Prevote, height, 0, Some(A)));
        let ahead = Output::Ahead { height, validator: peer };
        let outputs = bench.step(Input::Message(message.clone()));
        let first_nine = height == 9 && outputs == [ahead.clone()];
        assert!(height != 9 || first_nine || outputs.is_empty());
        assert!(height == 9 || outputs == [ahead]);
        assert_eq!(bench.step(Input::Message(message)), [], "known");
    }
    let set = bench.set.clone();
    let outputs = bench.step(start(1, set));
    assert!(outputs.iter().any(|output| matches!(
        output,
        Output::Wal { entry: WalEntry::Message(Message::Vote(vote)), .. } if vote.validator == peer
    )));
}

#[test]
fn our_key_in_use_elsewhere_halts() {
    let mut bench = Bench::deciding();
    bench.propose(A);
    let own = sent(&bench.candidate(A, Validity::Valid)).remove(0);
    assert_eq!(bench.step(Input::Message(own)), [], "an echo is nothing");
    let elsewhere = Message::Vote(vote(&bench.keys[3], VoteKind::Prevote, 1, 0, None));
    let at = elsewhere.position().unwrap();
    let outputs = bench.step(Input::Message(elsewhere));
    assert_eq!(outputs, [Output::Halt(Halt::Twin { at })]);
    let again = bench.vote(0, VoteKind::Prevote, Some(A));
    assert_eq!(again, [Output::Halt(Halt::Twin { at })], "halted for good");
}

#[test]
fn a_height_never_starts_backwards() {
    let mut bench = Bench::deciding();
    let set = bench.set.clone();
    let outputs = bench.step(start(1, set));
    assert_eq!(outputs, [Output::Halt(Halt::NotLater { current: 1, wanted: 1 })]);
}

#[test]
fn a_replay_signs_the_same_bytes_and_logs_nothing_again() {
    let mut bench = Bench::deciding();
    bench.propose(A);
    let prevote = sent(&bench.candidate(A, Validity::Valid)).remove(0);
    bench.vote(0, VoteKind::Prevote, Some(A));
    let precommit = sent(&bench.vote(1, VoteKind::Prevote, Some(A))).remove(0);
    let (state, outputs) = bench.restart().unwrap();
    assert_eq!(sent(&outputs), [prevote, precommit]);
    assert!(!outputs.iter().any(|it| matches!(it, Output::Wal { .. } | Output::Guard(_))));
    assert_eq!(state.guard(), bench.state.guard());
}

#[test]
fn a_replay_asks_for_what_the_log_leaves_open() {
    let mut bench = Bench::deciding();
    bench.propose(A);
    let guard = Guard::restore(None, 0, 0).unwrap();
    let (_, outputs) =
        State::start(config(&bench.keys[3]), guard, 1, &bench.set, &bench.wal).unwrap();
    let need = |it: &Output| matches!(it, Output::NeedCandidate { value: A, .. });
    assert_eq!(outputs.iter().filter(|output| need(output)).count(), 1);

    let guard = Guard::restore(None, 0, 0).unwrap();
    let (_, outputs) = State::start(config(&bench.keys[1]), guard, 1, &bench.set, &[]).unwrap();
    assert!(outputs.iter().any(|it| matches!(it, Output::BuildBlock { height: 1, .. })));
}

#[test]
fn a_log_that_contradicts_itself_is_refused() {
    let mut bench = Bench::deciding();
    bench.propose(A);
    bench.candidate(A, Validity::Valid);
    let good = bench.wal.clone();
    assert!(bench.restart().is_ok());

    bench.wal.remove(1);
    assert!(matches!(bench.restart(), Err(StartError::Hole { expected: 1, found: 2, .. })));

    bench.wal = good.clone();
    bench.wal[0].1.pop();
    assert!(matches!(bench.restart(), Err(StartError::Entry { sequence: 0, .. })));

    bench.wal = good.clone();
    bench.wal.pop();
    assert!(matches!(bench.restart(), Err(StartError::GuardAndLog { log: None, .. })));
    bench.wal.clear();
    assert!(matches!(bench.restart(), Err(StartError::GuardAndLog { log: None, .. })));

    let own = |value| vote(&bench.keys[3], VoteKind::Prevote, 1, 0, value);
    let entry = |message| WalEntry::Message(Message::Vote(message)).encode();
    bench.wal = [good.clone(), vec![(3, entry(own(None)))]].concat();
    assert!(matches!(bench.restart(), Err(StartError::DoubleSigned { .. })));

    let mut forged = vote(&bench.keys[0], VoteKind::Prevote, 1, 0, Some(A));
    forged.value = None;
    bench.wal = [good.clone(), vec![(3, entry(forged))]].concat();
    assert!(matches!(bench.restart(), Err(StartError::Rejected { sequence: 3, .. })));

    let other = vote(&bench.keys[0], VoteKind::Prevote, 2, 0, Some(A));
    bench.wal = [good, vec![(3, entry(other))]].concat();
    assert!(matches!(bench.restart(), Err(StartError::Height { expected: 1, actual: 2, .. })));
}

#[test]
fn a_log_that_leads_to_another_vote_is_refused() {
    let mut bench = Bench::deciding();
    bench.propose(A);
    bench.candidate(A, Validity::Valid);
    let proposer = public(&bench.keys[1]);
    let verdict =
        Candidate { height: 1, round: 0, value: A, proposer, validity: Validity::Invalid };
    bench.wal[1].1 = WalEntry::Candidate(verdict).encode();
    assert!(matches!(bench.restart(), Err(StartError::Diverged { .. })));
}

#[test]
fn a_restart_without_its_log_does_not_start() {
    let mut bench = Bench::deciding();
    bench.propose(A);
    bench.candidate(A, Validity::Valid);
    let guard = Guard::restore(Some(&bench.state.guard().encode()), 0, 1).unwrap();
    let started = State::new(config(&bench.keys[3]), guard, 0, &bench.set);
    assert!(matches!(started, Err(StartError::GuardAndLog { .. })));
}

#[test]
fn a_lost_guard_with_a_floor_follows_without_voting() {
    let mut bench = Bench::deciding();
    let guard = Guard::restore(None, 0, 1).unwrap();
    bench.state = State::new(config(&bench.keys[3]), guard, 0, &bench.set).unwrap();
    let set = bench.set.clone();
    bench.step(start(1, set));
    bench.propose(A);
    assert_eq!(votes(&bench.candidate(A, Validity::Valid)), []);
    let mut outputs = Vec::new();
    for kind in [VoteKind::Prevote, VoteKind::Precommit] {
        for from in 0..3 {
            outputs = bench.vote(from, kind, Some(A));
            assert_eq!(sent(&outputs), []);
        }
    }
    assert!(outputs.iter().any(|output| matches!(output, Output::Decide { .. })));
}

#[test]
fn the_rebroadcast_timer_sends_proposal_and_votes_again() {
    let mut bench = Bench::resting();
    let guard = Guard::restore(None, 0, 0).unwrap();
    bench.state = State::new(config(&bench.keys[1]), guard, 0, &bench.set).unwrap();
    let set = bench.set.clone();
    let outputs = bench.step(start(1, set));
    assert!(outputs.contains(&Output::BuildBlock { height: 1, round: 0, timeout_ms: 1_000 }));
    let first = sent(&bench.step(Input::Propose { height: 1, round: 0, value: A }));
    assert_eq!(first.len(), 2, "proposal and prevote");
    let timeout = Input::Timeout { kind: TimeoutKind::Rebroadcast, height: 1, round: 0 };
    let outputs = bench.step(timeout);
    let again = sent(&outputs);
    assert!(first.iter().all(|message| again.contains(message)));
    assert!(outputs.iter().any(|output| matches!(output, Output::Timer { .. })));
}

#[test]
fn the_next_validators_are_heard_before_their_height_starts() {
    let mut bench = Bench::resting();
    let newcomer = SigningKey::from_bytes(&[98; 32]);
    let vote = |height| Message::Vote(vote(&newcomer, VoteKind::Prevote, height, 0, Some(A)));
    let outputs = bench.step(Input::Message(vote(1)));
    assert!(matches!(rejection(&outputs), Some(Rejection::Stranger { height: 1, .. })));

    let mut keys = bench.keys.clone();
    keys.push(newcomer.clone());
    keys.sort_by_key(public);
    let set = set_of(&keys);
    assert_eq!(bench.step(Input::Expect { set: set.clone() }), []);
    let ahead = Output::Ahead { height: 1, validator: public(&newcomer) };
    assert_eq!(bench.step(Input::Message(vote(1))), [ahead]);
    let outputs = bench.step(start(1, set));
    let logged = |output: &Output| match output {
        Output::Wal { entry: WalEntry::Message(message), .. } => *message == vote(1),
        _ => false,
    };
    assert!(outputs.iter().any(logged), "its vote counts once the height starts: {outputs:?}");
}

#[test]
fn a_precommit_of_a_validator_that_left_enlarges_the_certificate_it_belongs_to() {
    let mut bench = Bench::deciding();
    bench.propose(A);
    bench.candidate(A, Validity::Valid);
    for kind in [VoteKind::Prevote, VoteKind::Precommit] {
        bench.vote(0, kind, Some(A));
        bench.vote(1, kind, Some(A));
    }
    assert!(!bench.state.is_deciding());
    // Validator 2 leaves and a new validator joins.
    let mut keys = bench.keys.clone();
    keys[2] = SigningKey::from_bytes(&[98; 32]);
    let newcomer = keys[2].clone();
    keys.sort_by_key(public);
    let set = set_of(&keys);
    bench.step(Input::Expect { set: set.clone() });
    bench.step(start(2, set));
    let stranger = Message::Vote(vote(&newcomer, VoteKind::Precommit, 1, 0, Some(A)));
    let outputs = bench.step(Input::Message(stranger));
    assert!(matches!(rejection(&outputs), Some(Rejection::Stranger { height: 1, .. })));
    let outputs = bench.vote(2, VoteKind::Precommit, Some(A));
    let [Output::LatePrecommit { certificate }] = &outputs[..] else { panic!("{outputs:?}") };
    assert_eq!(certificate.check(CHAIN, &bench.set), Ok(()));
}

#[test]
fn a_height_has_the_timeouts_that_it_was_started_with() {
    let mut bench = Bench::resting();
    let set = bench.set.clone();
    let timeouts = Timeouts { propose_ms: 7_000, cap_ms: 9_000, ..Timeouts::default() };
    let outputs = bench.step(Input::StartHeight { height: 1, set, timeouts });
    let kind = TimeoutKind::Propose;
    let timer = Output::Timer { kind, height: 1, round: 0, duration_ms: 7_000 };
    assert!(outputs.contains(&timer), "{outputs:?}");
}

//! State of the ordering of one validator.

use std::collections::BTreeMap;
use std::fmt;

use arc_malachitebft_core_consensus::{self as core_consensus, Params, process};
use arc_malachitebft_core_types as malachite;
use malachite::{Round, Threshold, ValuePayload, VoteExtensionPolicy, VoteType};
use registry_core::certificate::{ValidatorSet, ValidatorSetError};
use registry_core::crypto::{Hash, ValidatorKey};

use crate::config::Config;
use crate::context::{Address, Context, Height, Members, Value};
use crate::effects::Shell;
use crate::future::Future;
use crate::guard::Guard;
use crate::limits::WAITING_MAX;
use crate::message::SignedProposal;
use crate::output::{Halt, Output};
use crate::{convert, evidence, proposer};

pub(crate) type CoreInput = core_consensus::Input<Context>;
pub(crate) type CoreError = core_consensus::Error<Context>;

/// State of the ordering of one validator: the consensus core, the shell around it, and buffered
/// messages of later heights.
pub struct State {
    pub(crate) core: core_consensus::State<Context>,
    pub(crate) shell: Shell,
    pub(crate) future: Future,
    /// Validators whose messages of later heights are kept: the set of this height, or of the next
    /// height once the node knows it.
    pub(crate) expected: ValidatorSet,
    /// Proposals without a verdict, and whether `NeedCandidate` with `polka` was emitted for them.
    waiting: BTreeMap<(u32, Hash), (SignedProposal, bool)>,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("key", &self.shell.key)
            .field("height", &self.shell.height)
            .field("round", &self.round())
            .field("step", &self.core.driver.step())
            .field("deciding", &self.shell.deciding)
            .field("halt", &self.shell.halt)
            .finish_non_exhaustive()
    }
}

impl State {
    /// Returns a validator that has committed height `committed` and waits for the next height to
    /// start. It signs with `config.key`.
    pub(crate) fn resting(
        config: Config,
        guard: Guard,
        committed: u64,
        set: &ValidatorSet,
    ) -> Result<Self, ValidatorSetError> {
        let set = ValidatorSet::new(set.validators().to_vec())?;
        let key = ValidatorKey(config.key.verifying_key().to_bytes());
        let params = Params {
            address: Address(key),
            threshold_params: malachite::ThresholdParams::default(),
            value_payload: ValuePayload::ProposalAndParts,
            enabled: true,
        };
        // The core has a queue of its own for later heights. It stays empty, since `Future` keeps
        // these messages by signer.
        let members = Members::from(&set);
        let expected = set.clone();
        let core = core_consensus::State::new(Context, Height(committed), members, params, 1, 1);
        let shell = Shell {
            config,
            key,
            set,
            height: committed,
            guard,
            deciding: false,
            replaying: false,
            sequence: 0,
            signed: Vec::new(),
            guard_moved: false,
            kept: Vec::new(),
            held_build: None,
            proposal: None,
            decided: None,
            evidence: Vec::new(),
            halt: None,
            records: Vec::new(),
            outputs: Vec::new(),
        };
        Ok(Self { core, shell, future: Future::default(), expected, waiting: BTreeMap::new() })
    }

    /// Returns the height that is being decided, or else the last one.
    pub fn height(&self) -> u64 {
        self.shell.height
    }

    /// Returns the round of that height; `None` before the first height starts.
    pub fn round(&self) -> Option<u32> {
        self.core.round().as_u32()
    }

    /// Returns true from the start of a height until its decision.
    pub fn is_deciding(&self) -> bool {
        self.shell.deciding
    }

    /// Returns the key that this validator signs with.
    pub fn key(&self) -> ValidatorKey {
        self.shell.key
    }

    /// Returns the guard, which holds the last message signed.
    pub fn guard(&self) -> &Guard {
        &self.shell.guard
    }

    /// Returns the reason why the node must stop, if it must.
    pub fn halted(&self) -> Option<&Halt> {
        self.shell.halt.as_ref()
    }

    /// Returns the proposer of a round of the current height.
    pub fn proposer(&self, round: u32) -> Option<ValidatorKey> {
        proposer::proposer(&self.shell.set, self.shell.height, round)
    }

    /// Returns the validators that voted for `value` at the current height, ascending. They have
    /// its block.
    pub fn prevoters(&self, value: &Hash) -> Vec<ValidatorKey> {
        let rounds = self.core.driver.votes().all_rounds().values();
        let mut voters: Vec<ValidatorKey> = rounds
            .flat_map(|round| round.received_votes())
            .map(convert::vote)
            .filter(|vote| vote.value == Some(*value))
            .map(|vote| vote.validator)
            .collect();
        voters.sort();
        voters.dedup();
        voters
    }

    /// Returns true if more than two thirds of the power prevoted or precommitted `value` in some
    /// round of the current height.
    pub fn has_polka(&self, value: &Hash) -> bool {
        let driver = &self.core.driver;
        let votes = driver.votes();
        let met =
            |round: &Round, kind| votes.is_threshold_met(round, kind, Threshold::Value(*value));
        driver.polka_certificates().iter().any(|certificate| certificate.value_id == *value)
            || votes
                .all_rounds()
                .keys()
                .any(|round| met(round, VoteType::Prevote) || met(round, VoteType::Precommit))
    }

    /// Resets the state of the last height and starts this one in the core. The caller has checked
    /// `set`.
    pub(crate) fn begin(&mut self, height: u64, set: ValidatorSet) {
        self.expect(set.clone());
        let shell = &mut self.shell;
        let follows = |decided: u64| decided.saturating_add(1) == height;
        if !shell.decided.as_ref().is_some_and(|(certificate, _)| follows(certificate.height)) {
            shell.decided = None;
        }
        let members = Members::from(&set);
        self.waiting.clear();
        shell.set = set;
        shell.height = height;
        shell.deciding = true;
        shell.sequence = 0;
        shell.held_build = None;
        shell.proposal = None;
        shell.evidence.clear();
        // Below the height floor the node counts votes and decides but signs nothing.
        self.core.params.enabled = shell.guard.may_sign(height);
        let policy = VoteExtensionPolicy::Disabled;
        self.feed(CoreInput::StartHeight(Height(height), members, false, None, policy));
    }

    /// Keeps messages of later heights from the validators of `set` from now on.
    pub(crate) fn expect(&mut self, set: ValidatorSet) {
        self.future.retain(|validator| set.power_of(validator) > 0);
        self.expected = set;
    }

    /// Runs the core on one input and reports an error of the core as [`Output::Fault`]. The core
    /// then ignores the input, and the height goes on.
    pub(crate) fn feed(&mut self, input: CoreInput) {
        if let Some(error) = self.run(input) {
            self.shell.outputs.push(Output::Fault { reason: error.to_string() });
        }
    }

    /// Runs the core on one input, then reports evidence and asks for missing blocks.
    pub(crate) fn run(&mut self, input: CoreInput) -> Option<CoreError> {
        let shell = &mut self.shell;
        let result: Result<(), CoreError> = process!(
            input: input,
            state: &mut self.core,
            metrics: &(),
            with: effect => Ok::<_, CoreError>(shell.answer(effect))
        );
        let (votes, proposals) = (self.core.driver.votes(), self.core.driver.proposals());
        let found = evidence::collect(votes.evidence().iter(), proposals.evidence().iter());
        self.shell.note(found);
        self.ask_for_candidates();
        result.err()
    }

    /// Asks for the blocks of new proposals, and asks again when one of them gets a polka.
    fn ask_for_candidates(&mut self) {
        for proposal in std::mem::take(&mut self.shell.kept) {
            self.waiting.entry((proposal.round, proposal.value)).or_insert((proposal, false));
            self.ask(proposal, false);
        }
        let silent: Vec<_> = self.waiting.values().filter(|it| !it.1).map(|it| it.0).collect();
        for proposal in silent {
            if self.has_polka(&proposal.value) {
                self.ask(proposal, true);
            }
        }
        while self.waiting.len() > WAITING_MAX {
            self.waiting.pop_first();
        }
    }

    /// Emits one `NeedCandidate`. It does nothing if the verdict is known, or during a replay,
    /// since the log may hold the verdict.
    fn ask(&mut self, proposal: SignedProposal, again: bool) {
        let SignedProposal { height, round, polka_round, value, validator, .. } = proposal;
        let known = self
            .core
            .full_proposal_at_round_and_value(&Height(height), Round::new(round), &Value(value))
            .is_some();
        if known {
            self.waiting.remove(&(round, value));
            return;
        }
        if self.shell.replaying || !self.shell.deciding {
            return;
        }
        let polka = again || self.has_polka(&value);
        self.waiting.insert((round, value), (proposal, polka));
        let proposer = validator;
        let output = Output::NeedCandidate { height, round, value, proposer, polka_round, polka };
        self.shell.outputs.push(output);
    }

    /// Asks for everything that a replay left open: blocks without a verdict, and this node's own
    /// block if it must propose and the log holds no proposal of it.
    pub(crate) fn ask_after_replay(&mut self) {
        let open: Vec<_> = self.waiting.values().map(|it| it.0).collect();
        for proposal in open {
            self.ask(proposal, false);
        }
        let Some(round) = self.shell.held_build.take() else {
            return;
        };
        let (height, core_round) = (Height(self.shell.height), Round::new(round));
        let address = Address(self.shell.key);
        let proposed =
            self.core.full_proposal_at_round_and_proposer(&height, core_round, &address).is_some();
        let due = self.core.round() == core_round && self.core.driver.step_is_propose();
        if self.shell.deciding && due && !proposed {
            let output = self.shell.build_block(round);
            self.shell.outputs.push(output);
        }
    }

    /// Returns the outputs of the step. Log entries and guard come first, so that a driver that
    /// follows the order has written everything before it sends a signed message.
    pub(crate) fn finish(&mut self) -> Vec<Output> {
        let shell = &mut self.shell;
        for message in std::mem::take(&mut shell.signed) {
            shell.log(crate::WalEntry::Message(message));
        }
        let mut outputs = std::mem::take(&mut shell.records);
        if std::mem::take(&mut shell.guard_moved) {
            outputs.push(Output::Guard(shell.guard.clone()));
        }
        outputs.append(&mut shell.outputs);
        match &shell.halt {
            Some(halt) => vec![Output::Halt(halt.clone())],
            None => outputs,
        }
    }
}

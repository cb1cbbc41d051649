//! Malachite's `Context`, implemented with plain types. None of them is visible outside the crate.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_malachitebft_core_types as malachite;
use malachite::{NilOrVal, Round, Timeout, TimeoutKind as CoreTimeoutKind, VoteType};
use registry_core::certificate::ValidatorSet;
use registry_core::codec::FixedBytes;
use registry_core::crypto::{Hash, ValidatorKey};

use crate::proposer::turn_of;
use crate::timeouts::{TimeoutKind, Timeouts};

/// The only context of this crate.
#[derive(Debug, Clone)]
pub(crate) struct Context;

/// Address of a validator, which is its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Address(pub(crate) ValidatorKey);

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl malachite::Address for Address {}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Height(pub(crate) u64);

impl fmt::Display for Height {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl malachite::Height for Height {
    const ZERO: Self = Self(0);
    const INITIAL: Self = Self(1);

    fn increment_by(&self, n: u64) -> Self {
        Self(self.0.saturating_add(n))
    }

    fn decrement_by(&self, n: u64) -> Option<Self> {
        self.0.checked_sub(n).map(Self)
    }

    fn as_u64(&self) -> u64 {
        self.0
    }
}

/// Value to decide: a block hash, which is its own id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Value(pub(crate) Hash);

impl malachite::Value for Value {
    type Id = Hash;

    fn id(&self) -> Hash {
        self.0
    }
}

/// Proposal in the form that the core uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proposal {
    pub(crate) height: Height,
    pub(crate) round: Round,
    pub(crate) value: Value,
    pub(crate) polka_round: Round,
    pub(crate) address: Address,
}

impl malachite::Proposal<Context> for Proposal {
    fn height(&self) -> Height {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &Value {
        &self.value
    }

    fn take_value(self) -> Value {
        self.value
    }

    fn pol_round(&self) -> Round {
        self.polka_round
    }

    fn validator_address(&self) -> &Address {
        &self.address
    }
}

/// Vote in the form that the core uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Vote {
    pub(crate) kind: VoteType,
    pub(crate) height: Height,
    pub(crate) round: Round,
    pub(crate) value: NilOrVal<Hash>,
    pub(crate) address: Address,
}

impl malachite::Vote<Context> for Vote {
    fn height(&self) -> Height {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &NilOrVal<Hash> {
        &self.value
    }

    fn take_value(self) -> NilOrVal<Hash> {
        self.value
    }

    fn vote_type(&self) -> VoteType {
        self.kind
    }

    fn validator_address(&self) -> &Address {
        &self.address
    }

    fn extension(&self) -> Option<&malachite::SignedExtension<Context>> {
        None
    }

    fn take_extension(&mut self) -> Option<malachite::SignedExtension<Context>> {
        None
    }

    /// Vote extensions are disabled at every height, so there is nothing to attach.
    fn extend(self, _extension: malachite::SignedExtension<Context>) -> Self {
        self
    }
}

/// Validator in the form that the core uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    address: Address,
    power: u64,
}

impl malachite::Validator<Context> for Member {
    fn address(&self) -> &Address {
        &self.address
    }

    fn public_key(&self) -> &ValidatorKey {
        &self.address.0
    }

    fn voting_power(&self) -> u64 {
        self.power
    }
}

/// Validator set in the form that the core uses. It is shared, since the core copies it for every
/// check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Members {
    members: Arc<Vec<Member>>,
    total: u64,
}

impl From<&ValidatorSet> for Members {
    fn from(set: &ValidatorSet) -> Self {
        let member = |validator: &registry_core::certificate::Validator| Member {
            address: Address(validator.key),
            power: validator.power,
        };
        let members = Arc::new(set.validators().iter().map(member).collect());
        Self { members, total: set.total_power() }
    }
}

impl malachite::ValidatorSet<Context> for Members {
    fn count(&self) -> usize {
        self.members.len()
    }

    fn total_voting_power(&self) -> u64 {
        self.total
    }

    fn get_by_address(&self, address: &Address) -> Option<&Member> {
        let index = self.members.binary_search_by(|member| member.address.cmp(address)).ok()?;
        self.members.get(index)
    }

    fn get_by_index(&self, index: usize) -> Option<&Member> {
        self.members.get(index)
    }
}

/// Ed25519 over the bytes of this crate's messages. The core only moves keys and signatures; the
/// shell signs and verifies when it answers the core's effects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ed25519;

impl malachite::SigningScheme for Ed25519 {
    type DecodingError = std::array::TryFromSliceError;
    type Signature = FixedBytes<64>;
    type PublicKey = ValidatorKey;
    type PrivateKey = ();

    fn decode_signature(bytes: &[u8]) -> Result<FixedBytes<64>, Self::DecodingError> {
        bytes.try_into().map(FixedBytes)
    }

    fn encode_signature(signature: &FixedBytes<64>) -> Vec<u8> {
        signature.0.to_vec()
    }

    fn decode_public_key(bytes: &[u8]) -> Result<ValidatorKey, Self::DecodingError> {
        bytes.try_into().map(ValidatorKey)
    }

    fn encode_public_key(key: &ValidatorKey) -> Vec<u8> {
        key.0.to_vec()
    }
}

/// Part of a proposal that the core would stream. The block is sent outside the core, so there are
/// no parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoPart {}

impl malachite::ProposalPart<Context> for NoPart {
    fn is_first(&self) -> bool {
        match *self {}
    }

    fn is_last(&self) -> bool {
        match *self {}
    }
}

impl malachite::Timeouts<Context> for Timeouts {
    fn duration_for(&self, timeout: Timeout) -> Duration {
        let kind = match timeout.kind {
            CoreTimeoutKind::Propose => TimeoutKind::Propose,
            CoreTimeoutKind::Prevote => TimeoutKind::Prevote,
            CoreTimeoutKind::Precommit => TimeoutKind::Precommit,
            CoreTimeoutKind::Rebroadcast => TimeoutKind::Rebroadcast,
            CoreTimeoutKind::FinalizeHeight(duration) => return duration,
        };
        Duration::from_millis(self.duration_ms(kind, timeout.round.as_u32().unwrap_or(0)))
    }
}

impl malachite::Context for Context {
    type Address = Address;
    type Height = Height;
    type ProposalPart = NoPart;
    type Proposal = Proposal;
    type Validator = Member;
    type ValidatorSet = Members;
    type Timeouts = Timeouts;
    type Value = Value;
    type Vote = Vote;
    type Extension = ();
    type SigningScheme = Ed25519;

    #[expect(clippy::expect_used, reason = "no State exists without a checked validator set")]
    fn select_proposer<'a>(&self, set: &'a Members, height: Height, round: Round) -> &'a Member {
        let powers: Vec<u64> = set.members.iter().map(|member| member.power).collect();
        let index = turn_of(&powers, height.0, round.as_u32().unwrap_or(0));
        set.members.get(index).or(set.members.first()).expect("a validator set is never empty")
    }

    fn new_proposal(
        &self,
        height: Height,
        round: Round,
        value: Value,
        polka_round: Round,
        address: Address,
    ) -> Proposal {
        Proposal { height, round, value, polka_round, address }
    }

    fn new_prevote(
        &self,
        height: Height,
        round: Round,
        value: NilOrVal<Hash>,
        address: Address,
    ) -> Vote {
        Vote { kind: VoteType::Prevote, height, round, value, address }
    }

    fn new_precommit(
        &self,
        height: Height,
        round: Round,
        value: NilOrVal<Hash>,
        address: Address,
    ) -> Vote {
        Vote { kind: VoteType::Precommit, height, round, value, address }
    }
}

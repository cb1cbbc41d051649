//! Bytes of votes and proposals, validator sets, and commit certificates with their check
//! (docs/protocol/blocks.md). A certificate proves a block to anyone who knows the validator set.

use serde::{Deserialize, Serialize};

use crate::codec::FixedBytes;
use crate::crypto::{Hash, Purpose, ValidatorKey};
use crate::limits::{VALIDATOR_POWER_MAX, VALIDATORS_MAX};

/// The two kinds of vote in a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VoteKind {
    /// First vote of a round.
    Prevote,
    /// Second vote of a round. A block is committed once precommits for it hold more than two
    /// thirds of the power.
    Precommit,
}

/// Fields that a validator signs when it votes. The key that verifies the signature identifies the
/// validator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vote {
    /// Chain id of the network.
    pub chain: Hash,
    /// Kind of the vote, prevote or precommit.
    pub kind: VoteKind,
    /// Height of the block that the vote is about.
    pub height: u64,
    /// Round of that height, from 0.
    pub round: u32,
    /// Block hash; `None` for a nil vote.
    pub value: Option<Hash>,
}

impl Vote {
    /// Returns the 32 bytes to sign: H(chain ‖ kind ‖ height ‖ round ‖ value). The kind is one
    /// byte, 1 for a prevote and 2 for a precommit. Integers are big-endian. The value is one byte
    /// 0, or one byte 1 and the hash.
    pub fn message(&self) -> [u8; 32] {
        let kind = match self.kind {
            VoteKind::Prevote => 1,
            VoteKind::Precommit => 2,
        };
        let (flag, value) = match self.value {
            Some(value) => ([1], value.0.to_vec()),
            None => ([0], Vec::new()),
        };
        let (height, round) = (self.height.to_be_bytes(), self.round.to_be_bytes());
        Hash::of(Purpose::Vote, &[&self.chain.0, &[kind], &height, &round, &flag, &value]).0
    }
}

/// Fields that a proposer signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proposal {
    /// Chain id of the network.
    pub chain: Hash,
    /// Height of the proposed block.
    pub height: u64,
    /// Round of that height, from 0.
    pub round: u32,
    /// Round of the polka (prevotes of more than two thirds) that justifies a re-proposal; `None`
    /// for a fresh proposal.
    pub polka_round: Option<u32>,
    /// Hash of the proposed block.
    pub value: Hash,
}

impl Proposal {
    /// Returns the 32 bytes to sign: H(chain ‖ height ‖ round ‖ polka round ‖ value). Integers are
    /// big-endian. The polka round is one byte 0, or one byte 1 and the round.
    pub fn message(&self) -> [u8; 32] {
        let polka = match self.polka_round {
            Some(round) => [&[1][..], &round.to_be_bytes()].concat(),
            None => vec![0],
        };
        let (height, round) = (self.height.to_be_bytes(), self.round.to_be_bytes());
        Hash::of(
            Purpose::Proposal,
            &[&self.chain.0, &height, &round, &[&polka[..], &self.value.0].concat()],
        )
        .0
    }
}

/// A validator with the facts that headers and certificates depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Validator {
    /// Signing key, which also identifies the validator.
    pub key: ValidatorKey,
    /// Voting power, 1 to 2^32.
    pub power: u64,
}

/// Reason why a list of validators is no validator set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValidatorSetError {
    /// The list is empty or has more than [`VALIDATORS_MAX`] validators.
    #[error("{actual} validators, 1 to {VALIDATORS_MAX} are allowed")]
    Count {
        /// Number of validators given.
        actual: usize,
    },
    /// The list is not strictly ascending by key.
    #[error("validator {key} is out of order or listed twice; sort by key")]
    Order {
        /// First key that is out of order.
        key: ValidatorKey,
    },
    /// The power of a validator is zero or above [`VALIDATOR_POWER_MAX`].
    #[error("validator {key} has power {power}, 1 to {VALIDATOR_POWER_MAX} are allowed")]
    Power {
        /// Key of the validator.
        key: ValidatorKey,
        /// Power given.
        power: u64,
    },
    /// The key of a validator is no usable Ed25519 key.
    #[error("validator {key} has an unusable key")]
    Key {
        /// The unusable key.
        key: ValidatorKey,
    },
}

/// The validators of a height with their power, ascending by key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ValidatorSet(Vec<Validator>);

impl ValidatorSet {
    /// Checks a list of validators, which must ascend strictly by key. Names the first broken rule.
    pub fn new(validators: Vec<Validator>) -> Result<Self, ValidatorSetError> {
        if validators.is_empty() || validators.len() > VALIDATORS_MAX {
            return Err(ValidatorSetError::Count { actual: validators.len() });
        }
        let mut previous: Option<ValidatorKey> = None;
        for Validator { key, power } in &validators {
            let (key, power) = (*key, *power);
            if previous.is_some_and(|previous| previous >= key) {
                return Err(ValidatorSetError::Order { key });
            }
            if power == 0 || power > VALIDATOR_POWER_MAX {
                return Err(ValidatorSetError::Power { key, power });
            }
            if key.public_key().check().is_err() {
                return Err(ValidatorSetError::Key { key });
            }
            previous = Some(key);
        }
        Ok(Self(validators))
    }

    /// Returns the validators, ascending by key.
    pub fn validators(&self) -> &[Validator] {
        &self.0
    }

    /// Returns the power of `key`, which is 0 if the key is not in the set.
    pub fn power_of(&self, key: &ValidatorKey) -> u64 {
        self.0
            .binary_search_by(|validator| validator.key.cmp(key))
            .ok()
            .and_then(|index| self.0.get(index))
            .map_or(0, |validator| validator.power)
    }

    /// Returns the sum of all voting power.
    pub fn total_power(&self) -> u64 {
        self.0.iter().fold(0, |sum, validator| sum.saturating_add(validator.power))
    }

    /// True if `power` is more than two thirds of the total power.
    pub fn is_quorum(&self, power: u64) -> bool {
        u128::from(power).saturating_mul(3) > u128::from(self.total_power()).saturating_mul(2)
    }

    /// Returns the hash by which headers name the set.
    pub fn hash(&self) -> Hash {
        Hash::of_value(Purpose::ValidatorSet, self)
    }
}

/// One precommit of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommitSignature {
    /// Validator that signed.
    pub validator: ValidatorKey,
    /// Ed25519 signature over [`Vote::message`] of the precommit.
    pub signature: FixedBytes<64>,
}

/// Proof that validators with more than two thirds of the power precommitted a block. All valid
/// certificates of a block are equally good, so a certificate enters no hash and no comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// Height of the certified block.
    pub height: u64,
    /// Round in which the block was committed.
    pub round: u32,
    /// Hash of the certified block.
    pub value: Hash,
    /// Precommits, strictly ascending by validator.
    pub signatures: Vec<CommitSignature>,
}

/// Reason why a certificate proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// The signers are not strictly ascending: one is listed twice or out of order.
    #[error("signer {validator} is listed twice or out of order")]
    Order {
        /// First signer that is out of order.
        validator: ValidatorKey,
    },
    /// A signer is not in the validator set.
    #[error("signer {validator} is not a validator of height {height}")]
    Stranger {
        /// The unknown signer.
        validator: ValidatorKey,
        /// Height of the certificate.
        height: u64,
    },
    /// A signature does not verify.
    #[error("the signature of {validator} does not verify")]
    Signature {
        /// Signer whose signature does not verify.
        validator: ValidatorKey,
    },
    /// The signers hold two thirds of the power or less.
    #[error("signed by power {signed} of {total}; more than two thirds are needed")]
    Quorum {
        /// Sum of the signers' power.
        signed: u64,
        /// Total power of the validator set.
        total: u64,
    },
}

impl Certificate {
    /// Checks that the signers are distinct and in the set, that they hold a quorum, and every
    /// signature. `set` must be the validator set of the certificate's height.
    pub fn check(&self, chain: Hash, set: &ValidatorSet) -> Result<(), CertificateError> {
        let mut previous: Option<ValidatorKey> = None;
        let mut signed: u64 = 0;
        for CommitSignature { validator, .. } in &self.signatures {
            let validator = *validator;
            if previous.is_some_and(|previous| previous >= validator) {
                return Err(CertificateError::Order { validator });
            }
            let power = set.power_of(&validator);
            if power == 0 {
                return Err(CertificateError::Stranger { validator, height: self.height });
            }
            signed = signed.saturating_add(power);
            previous = Some(validator);
        }
        if !set.is_quorum(signed) {
            return Err(CertificateError::Quorum { signed, total: set.total_power() });
        }
        let message = self.precommit(chain).message();
        for CommitSignature { validator, signature } in &self.signatures {
            validator
                .verify(&message, &signature.0)
                .map_err(|_| CertificateError::Signature { validator: *validator })?;
        }
        Ok(())
    }

    /// Returns the precommit that every signer of this certificate signed.
    pub fn precommit(&self, chain: Hash) -> Vote {
        let (height, round, value) = (self.height, self.round, Some(self.value));
        Vote { chain, kind: VoteKind::Precommit, height, round, value }
    }

    /// Adds the precommits of `other`. Both certificates must have been checked; if they differ in
    /// block or round, nothing is added.
    pub fn merge(&mut self, other: &Self) {
        let same =
            (self.height, self.round, self.value) == (other.height, other.round, other.value);
        if !same {
            return;
        }
        for signature in &other.signatures {
            let found =
                self.signatures.binary_search_by(|own| own.validator.cmp(&signature.validator));
            if let Err(place) = found {
                self.signatures.insert(place, *signature);
            }
        }
    }
}

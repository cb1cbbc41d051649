//! Vote and proposal bytes, validator sets, and the commit certificate with its check
//! (docs/protocol/blocks.md). A certificate proves a block to anyone who knows the validator set.

use serde::{Deserialize, Serialize};

use crate::codec::FixedBytes;
use crate::crypto::{Hash, Purpose, ValidatorKey};
use crate::limits::{VALIDATOR_POWER_MAX, VALIDATORS_MAX};

/// The two kinds of vote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VoteKind {
    /// First vote of a round.
    Prevote,
    /// Second vote of a round; more than 2/3 of them for a value commit it.
    Precommit,
}

/// What a validator signs when it votes. The signer is known by its key, not by a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vote {
    /// The network.
    pub chain: Hash,
    /// Prevote or precommit.
    pub kind: VoteKind,
    /// Block height.
    pub height: u64,
    /// Round of that height, from 0.
    pub round: u32,
    /// Block hash, or none for a nil vote.
    pub value: Option<Hash>,
}

impl Vote {
    /// The 32 bytes to sign: H(chain ‖ kind ‖ height ‖ round ‖ value), kind 1 or 2, integers
    /// big-endian, value one byte 0, or one byte 1 and the hash.
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

/// What a proposer signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proposal {
    /// The network.
    pub chain: Hash,
    /// Block height.
    pub height: u64,
    /// Round of that height, from 0.
    pub round: u32,
    /// Round of the polka that a re-proposal rests on, none for a fresh proposal.
    pub polka_round: Option<u32>,
    /// Block hash.
    pub value: Hash,
}

impl Proposal {
    /// The 32 bytes to sign: H(chain ‖ height ‖ round ‖ polka round ‖ value), integers
    /// big-endian, polka round as one byte 0, or one byte 1 and the round, before the value.
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

/// One validator as headers and certificates know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Validator {
    /// Its signing key and identity.
    pub key: ValidatorKey,
    /// Its voting power, at most 2^32.
    pub power: u64,
}

/// Why a list of validators is no validator set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValidatorSetError {
    /// None, or more than the limit.
    #[error("{actual} validators, 1 to {VALIDATORS_MAX} are allowed")]
    Count {
        /// Validators given.
        actual: usize,
    },
    /// Not strictly ascending by key.
    #[error("validator {key} is out of order or listed twice; sort by key")]
    Order {
        /// The first key out of order.
        key: ValidatorKey,
    },
    /// Zero or over the limit.
    #[error("validator {key} has power {power}, 1 to {VALIDATOR_POWER_MAX} are allowed")]
    Power {
        /// The validator.
        key: ValidatorKey,
        /// Its power.
        power: u64,
    },
    /// Its key cannot verify anything.
    #[error("validator {key} has an unusable key")]
    Key {
        /// The validator.
        key: ValidatorKey,
    },
}

/// The validators of a height, ascending by key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ValidatorSet(Vec<Validator>);

impl ValidatorSet {
    /// A checked set; `validators` must ascend strictly by key.
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

    /// The validators, ascending by key.
    pub fn validators(&self) -> &[Validator] {
        &self.0
    }

    /// The power of `key`, 0 if it is not in the set.
    pub fn power_of(&self, key: &ValidatorKey) -> u64 {
        self.0
            .binary_search_by(|validator| validator.key.cmp(key))
            .ok()
            .and_then(|index| self.0.get(index))
            .map_or(0, |validator| validator.power)
    }

    /// The sum of all power.
    pub fn total_power(&self) -> u64 {
        self.0.iter().fold(0, |sum, validator| sum.saturating_add(validator.power))
    }

    /// Whether `power` is more than two thirds of the total.
    pub fn is_quorum(&self, power: u64) -> bool {
        u128::from(power).saturating_mul(3) > u128::from(self.total_power()).saturating_mul(2)
    }

    /// The hash that headers carry.
    pub fn hash(&self) -> Hash {
        Hash::of_value(Purpose::ValidatorSet, self)
    }
}

/// One precommit of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommitSignature {
    /// Who signed.
    pub validator: ValidatorKey,
    /// Ed25519 over the precommit's message.
    pub signature: FixedBytes<64>,
}

/// More than two thirds of the power precommitted one block. Any valid certificate of a block is
/// as good as another, so it enters no hash and no comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// Block height.
    pub height: u64,
    /// Round in which it was committed.
    pub round: u32,
    /// Block hash.
    pub value: Hash,
    /// The precommits, strictly ascending by validator.
    pub signatures: Vec<CommitSignature>,
}

/// Why a certificate proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Signers are not strictly ascending: one is listed twice or out of order.
    #[error("signer {validator} is listed twice or out of order")]
    Order {
        /// The offending signer.
        validator: ValidatorKey,
    },
    /// A signer is not in the validator set.
    #[error("signer {validator} is not a validator of height {height}")]
    Stranger {
        /// The offending signer.
        validator: ValidatorKey,
        /// The certificate's height.
        height: u64,
    },
    /// A signature does not verify.
    #[error("the signature of {validator} does not verify")]
    Signature {
        /// The offending signer.
        validator: ValidatorKey,
    },
    /// Not more than two thirds of the power.
    #[error("signed by power {signed} of {total}; more than two thirds are needed")]
    Quorum {
        /// Power of the signers.
        signed: u64,
        /// Power of the set.
        total: u64,
    },
}

impl Certificate {
    /// Checks distinct signers, membership, quorum and every signature.
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

    /// The vote that every signer of this certificate signed.
    pub fn precommit(&self, chain: Hash) -> Vote {
        let (height, round, value) = (self.height, self.round, Some(self.value));
        Vote { chain, kind: VoteKind::Precommit, height, round, value }
    }

    /// Adds the precommits of `other` for the same block and round. Both must have been checked.
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

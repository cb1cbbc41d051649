//! What a validator is configured with.

use std::fmt;

use ed25519_dalek::SigningKey;
use registry_core::crypto::Hash;

use crate::timeouts::Timeouts;

/// What a validator needs to know beside the chain's state.
#[derive(Clone)]
pub struct Config {
    /// The chain id, inside every signature.
    pub chain: Hash,
    /// The validator's signing key.
    pub key: SigningKey,
    /// The protocol's durations at the height that is replayed; others come with their start.
    pub timeouts: Timeouts,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { chain, key: _, timeouts } = self;
        f.debug_struct("Config")
            .field("chain", chain)
            .field("timeouts", timeouts)
            .finish_non_exhaustive()
    }
}

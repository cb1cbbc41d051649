//! Configuration of a validator.

use std::fmt;

use ed25519_dalek::SigningKey;
use registry_core::crypto::Hash;

use crate::timeouts::Timeouts;

/// What a validator must know besides the state of the chain.
#[derive(Clone)]
pub struct Config {
    /// Chain id, which every signature covers.
    pub chain: Hash,
    /// Signing key of the validator.
    pub key: SigningKey,
    /// Timeouts of the height that is replayed. [`crate::Input::StartHeight`] brings those of later
    /// heights.
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

//! Evidence of equivocation: two different messages that one validator signed for one position.
//! Anyone who knows the chain id can verify the pair.

use arc_malachitebft_core_types::{DoubleProposal, DoubleVote};
use registry_core::codec::{self, CodecError};
use registry_core::crypto::{Hash, ValidatorKey};
use serde::{Deserialize, Serialize};

use crate::context::{Address, Context};
use crate::convert;
use crate::limits::MESSAGE_BYTES_MAX;
use crate::message::{Message, SignedProposal, SignedVote};

/// Two conflicting signed messages of one validator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Evidence {
    /// Two votes of one kind, height and round.
    Votes {
        /// Vote that was counted.
        first: SignedVote,
        /// Vote that contradicts it.
        second: SignedVote,
    },
    /// Two proposals of one height and round.
    Proposals {
        /// Proposal that arrived first.
        first: SignedProposal,
        /// Proposal that contradicts it.
        second: SignedProposal,
    },
}

impl Evidence {
    fn pair(&self) -> (Message, Message) {
        match self {
            Self::Votes { first, second } => (Message::Vote(*first), Message::Vote(*second)),
            Self::Proposals { first, second } => {
                (Message::Proposal(*first), Message::Proposal(*second))
            }
        }
    }

    /// Returns the validator that signed both messages.
    pub fn validator(&self) -> ValidatorKey {
        match self {
            Self::Votes { first, .. } => first.validator,
            Self::Proposals { first, .. } => first.validator,
        }
    }

    /// Returns the height of both messages.
    pub fn height(&self) -> u64 {
        match self {
            Self::Votes { first, .. } => first.height,
            Self::Proposals { first, .. } => first.height,
        }
    }

    /// Returns true if this is proof: both messages have one signer and one position, their content
    /// differs, and both signatures verify.
    pub fn verify(&self, chain: Hash) -> bool {
        let (first, second) = self.pair();
        let different = match self {
            Self::Votes { first, second } => first.value != second.value,
            Self::Proposals { first, second } => {
                (first.value, first.polka_round) != (second.value, second.polka_round)
            }
        };
        different
            && first.signer() == second.signer()
            && first.position() == second.position()
            && first.verify(chain)
            && second.verify(chain)
    }

    /// Returns the canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Parses evidence from its canonical bytes. It does not prove anything until
    /// [`Evidence::verify`] returns true.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        codec::decode(bytes, MESSAGE_BYTES_MAX)
    }
}

/// Returns all evidence in the core's evidence maps, in key order.
pub(crate) fn collect<'a>(
    votes: impl Iterator<Item = (&'a Address, &'a Vec<DoubleVote<Context>>)>,
    proposals: impl Iterator<Item = (&'a Address, &'a Vec<DoubleProposal<Context>>)>,
) -> Vec<Evidence> {
    let votes = votes.flat_map(|(_, pairs)| pairs).map(|(first, second)| Evidence::Votes {
        first: convert::vote(first),
        second: convert::vote(second),
    });
    let proposals = proposals.flat_map(|(_, pairs)| pairs).map(|(first, second)| {
        Evidence::Proposals { first: convert::proposal(first), second: convert::proposal(second) }
    });
    votes.chain(proposals).collect()
}

//! Equivocation: two different messages that one validator signed for one position. The pair
//! proves itself to anyone who knows the chain id.

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
        /// The one that was counted.
        first: SignedVote,
        /// The one that contradicts it.
        second: SignedVote,
    },
    /// Two proposals of one height and round.
    Proposals {
        /// The one seen first.
        first: SignedProposal,
        /// The one that contradicts it.
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

    /// Who signed both.
    pub fn validator(&self) -> ValidatorKey {
        match self {
            Self::Votes { first, .. } => first.validator,
            Self::Proposals { first, .. } => first.validator,
        }
    }

    /// The height of both.
    pub fn height(&self) -> u64 {
        match self {
            Self::Votes { first, .. } => first.height,
            Self::Proposals { first, .. } => first.height,
        }
    }

    /// Whether this is proof: one signer, one position, different content, both signed.
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

    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Reads evidence from its canonical bytes; [`Evidence::verify`] says whether it is proof.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        codec::decode(bytes, MESSAGE_BYTES_MAX)
    }
}

/// Everything that the core's evidence maps hold, in key order.
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

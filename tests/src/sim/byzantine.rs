//! Validators and peers that break the protocol. Each runs an honest driver; the simulator changes
//! its messages when they are sent.

use std::collections::BTreeMap;

use ed25519_dalek::{Signer as _, SigningKey};
use node::wire::{CertifiedBlock, Frame, Response};
use ordering::{Message, SignedProposal, SignedVote};
use registry_core::block::CompactBlock;
use registry_core::codec::{self, Bytes, FixedBytes};
use registry_core::crypto::Hash;

use super::chain::public;

/// Way in which a node breaks the protocol.
#[derive(Debug, Clone)]
pub enum Byzantine {
    /// Proposes blocks whose header has another state root, and votes for them.
    WrongStateRoot(Forger),
    /// Sends one block to some validators and another valid block to the others, and votes for
    /// both.
    Equivocate(Forger),
    /// Proposes without sending the block, so that all others have to request it.
    HideBlock,
    /// Proposes valid blocks, but sends a list of envelopes that lacks the last operation.
    WrongEnvelopes,
    /// Lies to nodes that use it for block sync.
    Liar(Lie),
}

/// Way in which a peer lies in block sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    /// Serves certificates with a changed signature.
    ForgedCertificate,
    /// Serves certificates whose signatures are too few for a quorum.
    ThinCertificate,
    /// Serves blocks without their operations.
    WrongOperations,
    /// Claims heights and serves no blocks.
    EmptyHanded,
    /// Claims heights and does not answer requests for their blocks.
    Silent,
}

/// Number of heights above its own that a liar claims.
const CLAIMED_AHEAD: u64 = 1_000_000;

/// Forges another proposal from each proposal of its node.
#[derive(Debug, Clone, Default)]
pub struct Forger {
    forged: BTreeMap<Hash, Hash>,
}

impl Forger {
    /// The forged values by the value that the honest driver proposed.
    pub fn forged(&self) -> &BTreeMap<Hash, Hash> {
        &self.forged
    }

    fn proposal(
        &mut self,
        key: &SigningKey,
        chain: Hash,
        proposal: &SignedProposal,
        mut block: CompactBlock,
        forge: impl Fn(&mut CompactBlock),
    ) -> Vec<u8> {
        forge(&mut block);
        let value = block.header.hash();
        self.forged.insert(proposal.value, value);
        let mut forged = SignedProposal { value, ..*proposal };
        forged.signature = FixedBytes(key.sign(&forged.message(chain)).to_bytes());
        encode(&Message::Proposal(forged), Some(block))
    }

    fn vote(&self, key: &SigningKey, chain: Hash, vote: &SignedVote) -> Option<Vec<u8>> {
        let value = self.forged.get(&vote.value?)?;
        let mut forged = SignedVote { value: Some(*value), ..*vote };
        forged.signature = FixedBytes(key.sign(&forged.message(chain)).to_bytes());
        Some(encode(&Message::Vote(forged), None))
    }
}

fn encode(message: &Message, block: Option<CompactBlock>) -> Vec<u8> {
    let message = Bytes(message.encode());
    codec::encode(&Frame::Consensus { message, block: block.map(Box::new) })
}

impl Byzantine {
    /// The frames that node `to` gets in place of `frame`.
    pub(super) fn frames(
        &mut self,
        key: &SigningKey,
        chain: Hash,
        to: usize,
        frame: &[u8],
    ) -> Vec<Vec<u8>> {
        let honest = || vec![frame.to_vec()];
        let Ok(Frame::Consensus { message, block }) = Frame::decode(frame) else { return honest() };
        let Ok(message) = Message::decode(&message.0) else { return honest() };
        if message.signer() != Some(public(key)) {
            return honest();
        }
        match (self, &message, block) {
            (Self::WrongStateRoot(forger), Message::Proposal(proposal), Some(block)) => {
                let forge = |block: &mut CompactBlock| block.header.state_root = Hash([9; 32]);
                vec![forger.proposal(key, chain, proposal, *block, forge)]
            }
            (Self::WrongStateRoot(forger), Message::Vote(vote), _) => {
                vec![forger.vote(key, chain, vote).unwrap_or_else(|| frame.to_vec())]
            }
            (Self::Equivocate(forger), Message::Proposal(proposal), Some(block)) => {
                // A time one millisecond later makes another block, which is as valid as long as it
                // has no operations.
                let forge = |block: &mut CompactBlock| block.header.time += 1;
                let other = forger.proposal(key, chain, proposal, *block, forge);
                if to.is_multiple_of(2) { vec![frame.to_vec(), other] } else { vec![other] }
            }
            (Self::Equivocate(forger), Message::Vote(vote), _) => {
                forger.vote(key, chain, vote).into_iter().chain([frame.to_vec()]).collect()
            }
            (Self::HideBlock, Message::Proposal(_), _) => vec![encode(&message, None)],
            (Self::WrongEnvelopes, Message::Proposal(_), Some(mut block)) => {
                block.envelopes.pop();
                vec![encode(&message, Some(*block))]
            }
            _ => honest(),
        }
    }

    /// The response that a node gets in place of the honest one; `None` if it gets none.
    pub(super) fn answer(&self, bytes: Vec<u8>) -> Option<Vec<u8>> {
        let Self::Liar(lie) = self else { return Some(bytes) };
        let response = match Response::decode(&bytes) {
            Ok(Response::Status { height }) => Response::Status { height: height + CLAIMED_AHEAD },
            Ok(Response::Blocks(blocks)) => {
                if *lie == Lie::Silent {
                    return None;
                }
                Response::Blocks(lie.blocks(blocks))
            }
            _ => return Some(bytes),
        };
        Some(codec::encode(&response))
    }
}

impl Lie {
    fn blocks(self, mut blocks: Vec<CertifiedBlock>) -> Vec<CertifiedBlock> {
        for CertifiedBlock { block, certificate } in &mut blocks {
            match self {
                Self::ForgedCertificate => {
                    if let Some(signature) = certificate.signatures.first_mut() {
                        signature.signature.0[0] ^= 1;
                    }
                }
                Self::ThinCertificate => certificate.signatures.truncate(2),
                Self::WrongOperations => block.operations = vec![Bytes(vec![0])],
                Self::EmptyHanded | Self::Silent => {}
            }
        }
        if self == Self::EmptyHanded { Vec::new() } else { blocks }
    }
}

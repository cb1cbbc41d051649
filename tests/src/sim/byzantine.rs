//! Validators and peers that break the protocol: an honest driver whose words are changed on the
//! way out.

use std::collections::BTreeMap;

use ed25519_dalek::{Signer as _, SigningKey};
use node::wire::{CertifiedBlock, Frame, Response};
use ordering::{Message, SignedProposal, SignedVote};
use registry_core::block::CompactBlock;
use registry_core::codec::{self, Bytes, FixedBytes};
use registry_core::crypto::Hash;

use super::chain::public;

/// What a dishonest node does.
#[derive(Debug, Clone)]
pub enum Byzantine {
    /// Proposes blocks whose header names another state root, and votes for them.
    WrongStateRoot(Forger),
    /// Proposes one block to some and another, as valid, to the rest, and votes for both.
    Equivocate(Forger),
    /// Proposes without sending the block, so that everyone has to ask for it.
    HideBlock,
    /// Proposes valid blocks beside a list that lacks their last operation.
    WrongEnvelopes,
    /// As a peer of block sync.
    Liar(Lie),
}

/// How a sync peer lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    /// Certificates with a changed signature.
    ForgedCertificate,
    /// Certificates whose signatures are cut to less than a quorum.
    ThinCertificate,
    /// Blocks without their operations.
    WrongOperations,
    /// Claims heights and has no blocks.
    EmptyHanded,
    /// Claims heights and never answers for them.
    Silent,
}

/// Height that a liar claims beyond its own.
const CLAIMED_AHEAD: u64 = 1_000_000;

/// Makes another proposal out of each of its own.
#[derive(Debug, Clone, Default)]
pub struct Forger {
    forged: BTreeMap<Hash, Hash>,
}

impl Forger {
    /// The forged values, by the value that the honest driver proposed.
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
    /// What node `to` gets in the place of `frame`.
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
                // One ms later is another block, and without operations as valid.
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

    /// What an asking node gets in the place of an honest answer; none if nothing.
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

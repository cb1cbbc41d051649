//! Three governors, of whom two must agree, and the changes that they make to the network.

use std::sync::Arc;

use registry_core::codec::FixedBytes;
use registry_core::crypto::Hash;
use registry_core::governance::{
    Change, Edits, GovernancePropose, GovernanceStep, Governors, Proposal, ProposalStatus,
    ValidatorEntry,
};
use registry_core::id::NetworkName;
use registry_core::limits::NOTICE_HEIGHTS_MIN;
use registry_core::operation::{Action, Guard, Role};
use registry_core::record::{Entry, RecordKey};
use registry_state::rules::Checked;

use super::author::Author;
use super::chain::{address, peer_id};
use super::world::World;

/// Time in milliseconds after which a waiting operation is sent to another node.
const PATIENCE_MS: u64 = 2_000;
/// Number of times that an operation is sent before the run counts as stuck.
const ATTEMPTS_MAX: u64 = 60;
/// Number of times that a change is proposed before the run counts as stuck.
const PROPOSALS_MAX: u64 = 8;

/// The governors of genesis, and the operations that create their DIDs.
pub fn genesis(network: &NetworkName) -> (Vec<Author>, Governors, Vec<Checked>) {
    let made = (1..=3).map(|number| Author::genesis(&format!("governor {number}"), network));
    let (authors, creates): (Vec<Author>, Vec<Checked>) = made.unzip();
    let mut members: Vec<_> = authors.iter().map(|author| author.did.clone()).collect();
    members.sort();
    (authors, Governors { threshold: 2, members }, creates)
}

/// A change that adds the validators `put` to the set and removes those named in `remove`.
pub fn validators(mut put: Vec<ValidatorEntry>, remove: &[&str]) -> Change {
    put.sort_by(|one, other| one.name.cmp(&other.name));
    let mut remove: Vec<_> = remove.iter().map(|name| (*name).to_owned()).collect();
    remove.sort();
    Change::Validators(Edits { put, remove })
}

impl World {
    /// Entry of a node in the validator record.
    pub fn validator(&self, index: usize) -> ValidatorEntry {
        ValidatorEntry {
            name: format!("v{index}"),
            key: self.nodes[index].public().expect("a node with a validator key"),
            power: 1,
            peer: peer_id(index).to_string(),
            addresses: vec![address(index)],
        }
    }

    /// Has two governors approve a change that takes effect `notice` heights after the present one
    /// or a little later. Returns the proposal and its height once it is approved.
    pub fn govern(&mut self, change: &Change, notice: u64) -> (Hash, u64) {
        for _ in 0..PROPOSALS_MAX {
            let height = self.oracle.headers().len() as u64 + notice;
            let propose = GovernancePropose { change: change.clone(), height };
            let action = Action::GovernancePropose(Box::new(propose));
            // No governor may make more than eight proposals a day.
            let proposer = self.oracle.headers().len() % 3;
            let last = height - NOTICE_HEIGHTS_MIN;
            // Nodes that crash can lose a proposal until its height is too near. A governor then
            // makes it anew.
            let Some(proposal) = self.act(proposer, Guard::Absent, action, last) else { continue };
            let id = proposal.id();
            let action = Action::GovernanceApprove(GovernanceStep { proposal: id });
            self.act((proposer + 1) % 3, Guard::Nothing, action, u64::MAX);
            return (id, height);
        }
        panic!("{PROPOSALS_MAX} proposals of {change:?} in no block; {}", self.describe());
    }

    /// Sends an operation of a governor until it is in a block. Returns `None` if it is in no block
    /// up to the height `last`.
    fn act(
        &mut self,
        governor: usize,
        guard: Guard,
        action: Action,
        last: u64,
    ) -> Option<Arc<Checked>> {
        let height = self.oracle.headers().len().to_be_bytes().repeat(2);
        let salt = FixedBytes(height.try_into().expect("16 bytes"));
        let author = self.chain.governors[governor].clone();
        let checked = author.act(self.chain.id, (guard, None), salt, (Role::Approval, action));
        let checked = Arc::new(checked);
        let id = checked.id();
        for _ in 0..ATTEMPTS_MAX {
            let up = self.up();
            if !up.is_empty() {
                let target = up[self.random.index(up.len())];
                self.submit(target, Arc::clone(&checked));
            }
            let is_late = |world: &Self| world.oracle.headers().len() as u64 > last;
            self.run_until(PATIENCE_MS, |world| world.oracle.is_applied(&id) || is_late(world));
            if self.oracle.is_applied(&id) {
                return Some(checked);
            }
            if is_late(self) {
                return None;
            }
            let broken = self.oracle.violations();
            assert!(broken.is_empty(), "{broken:?}; {}", self.describe());
        }
        panic!("never in a block: {:?}; {}", checked.operation().action, self.describe());
    }

    fn proposal_entry(&self, id: &Hash) -> Entry {
        self.oracle.record(&RecordKey::proposal(id)).expect("a proposal of the chain")
    }

    /// Present status of a proposal.
    pub fn proposal(&self, id: &Hash) -> ProposalStatus {
        let entry = self.proposal_entry(id);
        entry.value::<Proposal>().expect("a proposal").status
    }

    /// True if the chain holds a readiness announcement of this node.
    pub fn is_ready(&self, index: usize) -> bool {
        let key = self.nodes[index].public().expect("a node with a validator key");
        self.oracle.record(&RecordKey::ready(&key)).is_some()
    }
}

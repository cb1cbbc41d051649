//! Readiness announcements. While a pending proposal would make this node a validator, or would
//! move the validators to a protocol version that this node implements, the node announces
//! repeatedly and without being asked that it is running and ready (docs/protocol/governance.md,
//! "Ready").

use std::sync::Arc;

use ed25519_dalek::Signer as _;
use registry_core::block::Header;
use registry_core::codec::{Bytes, FixedBytes};
use registry_core::crypto::{Hash, PublicKey, Suite};
use registry_core::governance::{Change, Proposal, ProposalStatus, Readiness, ValidatorReady};
use registry_core::operation::{
    Action as Act, Guard, Operation, Role, Signature, SignedOperation, Signer, operation_id,
};
use registry_core::record::{Entry, Kind, PartId, RecordKey, StoreError};
use registry_core::span::ChainTime;
use registry_state::rules::check_stateless;
use registry_state::state::{Changes, halted_ms};
use tracing::{info, warn};

use super::{Driver, Fatal, Timer};
use crate::limits::{READY_AGAIN_MS, READY_CHECK_MS, READY_LAG_MAX, READY_PROPOSALS_MAX};
use crate::store::{Ledger, Read, Store};

fn proposal(entry: &Entry) -> Result<(Hash, Proposal), StoreError> {
    let id = entry.record.key.0.as_slice().try_into().map(Hash);
    let id = id.map_err(|_| StoreError::new("the key of a proposal is no hash"))?;
    Ok((id, entry.value::<Proposal>()?))
}

impl Driver {
    /// Looks for proposals that were made while this node was down.
    pub(super) fn find_proposals<R: Read + ?Sized>(
        &mut self,
        ledger: &Ledger<'_, R>,
    ) -> Result<(), StoreError> {
        if self.signer.is_some() {
            for entry in ledger.heads_of(Kind::Proposal)? {
                self.note_proposal(&entry)?;
            }
        }
        Ok(())
    }

    /// Notes the proposals that a block created, changed or decided.
    pub(super) fn note_proposals(&mut self, changes: &Changes) -> Result<(), StoreError> {
        let of_kind = |entry: &&Entry| entry.record.kind == Kind::Proposal;
        if self.signer.is_some() {
            for entry in changes.entries.iter().filter(of_kind) {
                self.note_proposal(entry)?;
            }
        }
        Ok(())
    }

    fn note_proposal(&mut self, entry: &Entry) -> Result<(), StoreError> {
        let (id, Proposal { change, height, status, .. }) = proposal(entry)?;
        self.named.remove(&(height, id));
        if !status.is_pending() || !self.is_named(&id, &change) {
            return Ok(());
        }
        self.named.insert((height, id));
        while self.named.len() > READY_PROPOSALS_MAX {
            self.named.pop_last();
        }
        self.set_timer(Timer::Ready, self.now.steady_ms);
        Ok(())
    }

    /// True if the change would make this node a validator, or moves to a protocol version that
    /// this node can announce if it is a validator.
    fn is_named(&self, id: &Hash, change: &Change) -> bool {
        let Some(signer) = &self.signer else { return false };
        let edits = match change {
            Change::Validators(edits) => edits,
            Change::Version(version) => return *version <= self.version,
            Change::Publishing(_) | Change::Parameters(_) | Change::Governors(_) => return false,
        };
        let named = edits.put.iter().find(|each| each.key == signer.public());
        let Some(named) = named else { return false };
        let is_here = named.peer == self.peer.to_string();
        if !is_here {
            warn!(proposal = %id, expected = %named.peer, actual = %self.peer,
                "a proposal names this node's validator key \
                 with another peer id; this node cannot say that it is ready");
        }
        is_here
    }

    /// Returns the live time of the newest block in milliseconds.
    fn live_ms<R: Read + ?Sized>(&self, ledger: &Ledger<'_, R>) -> Result<u64, StoreError> {
        Ok(self.head.time.saturating_sub(halted_ms(ledger)?))
    }

    /// Returns the proposal of the lowest height that waits for this node: as a validator for one
    /// of a version, otherwise for one that makes it a validator. Forgets those that are open
    /// although their notice is over, since nobody can approve them any more.
    fn next_named<R: Read + ?Sized>(
        &mut self,
        ledger: &Ledger<'_, R>,
    ) -> Result<Option<Hash>, StoreError> {
        let at = ChainTime { height: self.head.height, live_ms: self.live_ms(ledger)? };
        let mut next = None;
        for place in self.named.clone() {
            let (_, id) = place;
            let entry = ledger.newest(&RecordKey::proposal(&id))?;
            let entry = entry.ok_or_else(|| StoreError::new("a pending proposal is missing"))?;
            let proposal = entry.value::<Proposal>()?;
            let is_of_version = matches!(proposal.change, Change::Version(_));
            if proposal.status == ProposalStatus::Open && proposal.is_due(at) {
                self.named.remove(&place);
            } else if is_of_version == self.ordering.is_some() {
                next = next.or(Some(id));
            }
        }
        Ok(next)
    }

    /// Submits a readiness announcement if a proposal waits for this node, the node has caught up
    /// with its peers, and its previous announcement has aged.
    pub(super) fn announce_ready(&mut self, store: &dyn Store) -> Result<(), Fatal> {
        let read: &dyn Read = store;
        let id = self.next_named(&Ledger(read))?;
        if !self.named.is_empty() {
            self.set_timer(Timer::Ready, self.now.steady_ms.saturating_add(READY_CHECK_MS));
        }
        let (Some(signer), Some(id)) = (&self.signer, id) else { return Ok(()) };
        let key = signer.public();
        // Until a peer has told its height, a newcomer cannot know whether it has caught up, and no
        // peer would receive the announcement. A validator may be the only node.
        let target = self.sync.credible();
        let is_level = (target > 0 || self.ordering.is_some())
            && target.saturating_sub(self.head.height) <= READY_LAG_MAX;
        // One that names an earlier proposal says nothing about this one, although it may still
        // wait: a newcomer builds no block and so never learns that the rules refuse it.
        let waits = self
            .announcement
            .is_some_and(|(of, operation)| of == id && self.mempool.contains_operation(&operation));
        if !is_level || waits {
            return Ok(());
        }
        let last = Ledger(read).newest(&RecordKey::ready(&key))?;
        let value = last.as_ref().map(Entry::value::<Readiness>).transpose()?;
        let live_ms = self.live_ms(&Ledger(read))?;
        let holds = |last: Readiness| {
            last.announcement.version >= self.version
                && live_ms < last.live_ms.saturating_add(READY_AGAIN_MS)
        };
        if value.is_some_and(holds) {
            return Ok(());
        }
        // The block before the head is the newest one that the rules of the next block can refer
        // to.
        let Some(height) = self.head.height.checked_sub(1) else { return Ok(()) };
        let Some(block) = Ledger(read).block(height)? else { return Ok(()) };
        let guard = last.map_or(Guard::Absent, |last| Guard::of_parts(&last, [PartId::WHOLE]));
        let envelope = self.sign_announcement(id, guard, block.header);
        let Some(envelope) = envelope else { return Ok(()) };
        let submitted = match check_stateless(&envelope, self.chain, &self.network) {
            Ok(checked) => {
                self.announcement = Some((id, checked.id()));
                self.submit(Arc::new(checked), store)?
            }
            Err(refusal) => Err(refusal.into()),
        };
        match submitted {
            Ok(()) => info!(proposal = %id, "says that it is ready"),
            Err(error) => warn!(proposal = %id, %error, "cannot say that it is ready"),
        }
        Ok(())
    }

    /// Signs a readiness announcement for `proposal`, which names the block with this header.
    /// `guard` is about the last announcement. It contains no secret, so its salt is zero.
    fn sign_announcement(&self, proposal: Hash, guard: Guard, header: Header) -> Option<Vec<u8>> {
        let signer = self.signer.as_ref()?;
        let ready = ValidatorReady {
            proposal,
            key: signer.public(),
            peer: self.peer.to_string(),
            version: self.version,
            header,
        };
        let operation = Operation {
            chain: self.chain,
            author: None,
            endorser: None,
            guard,
            until: None,
            salt: FixedBytes([0; 16]),
            action: Act::ValidatorReady(Box::new(ready)),
        };
        let body = operation.body();
        let message = Role::Author.message(&operation_id(&body));
        let key = PublicKey::new(Suite::Ed25519, &signer.public().0).ok()?;
        let value = Bytes(signer.key.sign(&message).to_bytes().to_vec());
        let signature = Signature { role: Role::Author, by: Signer::Key(key), value };
        Some(SignedOperation::new(body, vec![signature]).bytes())
    }
}

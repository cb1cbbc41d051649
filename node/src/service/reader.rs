//! The read side of the API's service.

use std::sync::Arc;

use keys::PublishingSigner;
use registry_core::block::Block;
use registry_core::certificate::Certificate;
use registry_core::crypto::{Hash, PublicKey};
use registry_core::governance::{self, VALIDATORS, ValidatorEntry, Validators};
use registry_core::id::NetworkName;
use registry_core::index::{Listed, Listing};
use registry_core::record::{Entry, RecordKey, StoreError};
use registry_core::status::Bits;
use registry_state::state::{StateView as _, TransientKey};
use rpc::service::{
    Check, Head, Outcome, Peer, Problem, Reader, Role, Round, Status, ValidatorStatus, ViewKey,
};
use tokio::sync::watch;

use super::Service;
use crate::limits::{DISK_FREE_BYTES_MIN, READY_LAG_MAX, STUCK_MS};
use crate::net::Direction;
use crate::shell::Unsettled;

/// The publishing key of this node in the form in which the API signs with it.
pub(super) struct Publishing(pub(super) PublishingSigner);

impl ViewKey for Publishing {
    fn public(&self) -> &PublicKey {
        self.0.public()
    }

    fn sign_view(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign_view(message)
    }
}

impl Reader for Service {
    fn network(&self) -> &NetworkName {
        self.network()
    }

    fn chain(&self) -> Hash {
        self.hub.chain
    }

    fn heads(&self) -> &watch::Receiver<Head> {
        &self.heads
    }

    fn newest(&self, key: &RecordKey) -> Result<Option<Entry>, StoreError> {
        self.read(|ledger| ledger.newest(key))
    }

    fn version(&self, key: &RecordKey, number: u64) -> Result<Option<Entry>, StoreError> {
        self.read(|ledger| ledger.version(key, number))
    }

    fn version_at(&self, key: &RecordKey, time_ms: u64) -> Result<Option<Entry>, StoreError> {
        self.read(|ledger| ledger.version_at(key, time_ms))
    }

    fn status_array(&self, entry: &Entry) -> Result<Arc<Bits>, StoreError> {
        self.read(|ledger| ledger.status_array(entry))
    }

    fn listed(
        &self,
        listing: &Listing,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        self.read(|ledger| ledger.listed(listing, after, limit))
    }

    fn transient(&self, key: &TransientKey) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(|ledger| ledger.transient(key))
    }

    fn block(&self, height: u64) -> Result<Option<Block>, StoreError> {
        self.read(|ledger| ledger.block(height))
    }

    fn certificate(&self, height: u64) -> Result<Option<Certificate>, StoreError> {
        self.read(|ledger| ledger.certificate(height))
    }

    fn outcome(&self, operation: &Hash) -> Result<Outcome, StoreError> {
        // The receipt is looked up again at the end, because the block may be committed between the
        // two reads.
        let receipt = || self.read(|ledger| ledger.receipt(operation));
        if let Some(receipt) = receipt()? {
            return Ok(Outcome::Applied(receipt));
        }
        match self.hub.unsettled(operation) {
            Unsettled::Pending => Ok(Outcome::Pending),
            Unsettled::Refused(refusal) => Ok(Outcome::Refused(refusal)),
            Unsettled::Unknown => Ok(receipt()?.map_or(Outcome::Unknown, Outcome::Applied)),
        }
    }

    fn status(&self) -> Status {
        let progress = self.hub.progress().borrow().clone();
        let validators = self.validator_statuses(progress.height);
        let height = progress.height.saturating_add(1);
        let round = progress.round.zip(progress.proposer);
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            role: if self.sits(&validators) { Role::Validator } else { Role::Follower },
            catching_up: progress.target > progress.height.saturating_add(1),
            target_height: progress.target,
            problem: self.problem(round.is_some(), &validators),
            round: round.map(|(round, proposer)| Round { height, round, proposer }),
            validators,
            mempool_operations: progress.mempool_operations,
            mempool_bytes: progress.mempool_bytes,
        }
    }

    fn peers(&self) -> Vec<Peer> {
        let shown = |peer: crate::net::PeerInfo| Peer {
            peer: peer.peer.to_string(),
            address: peer.address.to_string(),
            direction: match peer.direction {
                Direction::Inbound => "inbound",
                Direction::Outbound => "outbound",
            },
            version: peer.version,
            validator: peer.validator,
            connected_ms: u64::try_from(peer.since.elapsed().as_millis()).unwrap_or(u64::MAX),
            bytes_in: peer.bytes_in,
            bytes_out: peer.bytes_out,
        };
        self.net.peers().into_iter().map(shown).collect()
    }

    fn view_key(&self) -> Option<Arc<dyn ViewKey>> {
        self.publishing.clone().map(|key| key as Arc<dyn ViewKey>)
    }

    fn checks(&self) -> Vec<Check> {
        let progress = self.hub.progress().borrow().clone();
        let lag = progress.target.saturating_sub(progress.height);
        let validators = self.validator_statuses(progress.height);
        let total: u64 = validators.iter().map(|validator| validator.power).sum();
        let reached = validators.iter().filter(|validator| validator.connected);
        let reached: u64 = reached.map(|validator| validator.power).sum();
        let connected = self.net.peers().len();
        let enough = match self.sits(&validators) {
            true => u128::from(reached) * 3 > u128::from(total) * 2,
            false => connected > 0,
        };
        vec![
            Check {
                name: "sync",
                ok: lag <= READY_LAG_MAX,
                detail: format!("{lag} blocks behind, at most {READY_LAG_MAX} allowed"),
            },
            Check {
                name: "peers",
                ok: enough,
                detail: format!(
                    "{connected} peers; validators with power {reached} of {total} reached"
                ),
            },
            self.disk(),
        ]
    }
}

impl Service {
    fn validators(&self) -> Vec<ValidatorEntry> {
        let validators = self.read(|ledger| governance::read::<Validators>(&ledger, VALIDATORS));
        validators.map_or_else(|_| Vec::new(), |validators| validators.validators)
    }

    fn validator_statuses(&self, height: u64) -> Vec<ValidatorStatus> {
        let certificate = self.read(|ledger| ledger.certificate(height)).ok().flatten();
        let peers = self.net.peers();
        let validators = self.validators().into_iter();
        validators
            .map(|entry| ValidatorStatus {
                missing: certificate.as_ref().is_some_and(|certificate| {
                    !certificate.signatures.iter().any(|each| each.validator == entry.key)
                }),
                connected: Some(entry.key) == self.own_key
                    || peers.iter().any(|peer| peer.peer.to_string() == entry.peer),
                name: entry.name,
                key: entry.key,
                power: entry.power,
            })
            .collect()
    }

    /// True if this node is one of the validators.
    fn sits(&self, validators: &[ValidatorStatus]) -> bool {
        validators.iter().any(|validator| Some(validator.key) == self.own_key)
    }

    /// Reason why no block is committed, if that takes long. It is almost always a lost quorum, so
    /// the text names the validators to call.
    fn problem(&self, deciding: bool, validators: &[ValidatorStatus]) -> Option<Problem> {
        let (since_ms, quiet_ms) = self.hub.quiet();
        if !deciding || quiet_ms < STUCK_MS {
            return None;
        }
        let total: u64 = validators.iter().map(|validator| validator.power).sum();
        let away: Vec<_> = validators.iter().filter(|validator| !validator.connected).collect();
        let lost: u64 = away.iter().map(|validator| validator.power).sum();
        let names: Vec<_> = away.iter().map(|validator| validator.name.as_str()).collect();
        let reason = if u128::from(total.saturating_sub(lost)) * 3 <= u128::from(total) * 2 {
            format!(
                "quorum lost: no connection to {} (power {lost} of {total}); writes wait until \
                 more than two thirds are back",
                names.join(", ")
            )
        } else {
            format!(
                "no block for {} s although a quorum is connected (away: {}); look for clock \
                 skew, full disks and slow nodes",
                quiet_ms / 1_000,
                if names.is_empty() { "none".to_owned() } else { names.join(", ") }
            )
        };
        Some(Problem { since_ms, reason })
    }

    fn disk(&self) -> Check {
        let (ok, detail) = match rustix::fs::statvfs(&self.data) {
            Ok(disk) => {
                let free = disk.f_bavail.saturating_mul(disk.f_frsize);
                let detail = format!("{free} bytes free, {DISK_FREE_BYTES_MIN} needed");
                (free >= DISK_FREE_BYTES_MIN, detail)
            }
            Err(error) => (false, format!("cannot tell the free space: {error}")),
        };
        Check { name: "disk", ok, detail }
    }

    /// Time since this node started.
    pub fn uptime(&self) -> std::time::Duration {
        self.started.elapsed()
    }
}

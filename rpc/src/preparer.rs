//! Preparation of operations over the node's newest records.

use std::sync::Arc;

use registry_core::codec::FixedBytes;
use registry_core::governance::ScheduledChanges;
use registry_core::record::{Entry, StoreError};
use registry_core::status::Bits;
use registry_state::state::TransientKey;

use crate::endorsement::Endorsement;
use crate::error::{ApiError, NodeCode};
use crate::prepare::{LedgerView, Prepare, Prepared, Records, facts, prepare};
use crate::reads::{Moment, Reads, RecordsAt};

/// Prepares operations for clients to sign.
pub(crate) struct Preparer {
    pub(crate) reads: Arc<Reads>,
    pub(crate) endorsement: Arc<Endorsement>,
}

impl Preparer {
    /// Prepares an operation with the newest records. Fails if neither the author nor the endorser
    /// that the parameters name has the right to write. All prepare methods of operations call it.
    pub(crate) fn prepare<P: Prepare>(&self, params: P) -> Result<Prepared, ApiError> {
        let head = self.reads.head();
        let ledger = LedgerView {
            records: &self.reads.at(&Moment::now(head)),
            network: self.reads.network(),
            chain: self.reads.node.chain(),
            height: head.height,
            time_ms: head.time_ms,
            salt: random_salt()?,
        };
        match prepare(params, &ledger) {
            Ok(draft) => Ok(draft.answer()),
            Err(error) => Err(self.endorsement.naming_endorsers(error.into(), facts::<P>())),
        }
    }
}

impl Records for RecordsAt<'_> {
    fn status_array(&self, entry: &Entry) -> Result<Option<Arc<Bits>>, StoreError> {
        self.reads.node.status_array(entry).map(Some)
    }

    /// Returns the changes that are scheduled now, whatever the moment. The history of scheduled
    /// changes follows from the proposals.
    fn scheduled_changes(&self) -> Result<ScheduledChanges, StoreError> {
        let leaf = self.reads.node.transient(&TransientKey::scheduled_changes())?;
        ScheduledChanges::from_leaf(leaf.as_deref()).map_err(StoreError::new)
    }
}

fn random_salt() -> Result<FixedBytes<16>, ApiError> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt)
        .map_err(|error| ApiError::node(NodeCode::NotReady, format!("no randomness: {error}")))?;
    Ok(FixedBytes(salt))
}

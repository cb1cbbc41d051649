//! The view of the ledger over which operations are prepared.

use std::sync::Arc;

use registry_core::code::{Code, Refusal};
use registry_core::codec::FixedBytes;
use registry_core::crypto::Hash;
use registry_core::did::DidState;
use registry_core::governance::{
    self, PARAMETERS, Parameters, ScheduledChanges, WritePolicy, read,
};
use registry_core::id::{Did, MethodUrl, NetworkName};
use registry_core::operation::{MethodSigner, Operation, Role, Signer};
use registry_core::record::{Entry, RecordView, StoreError};
use registry_core::status::Bits;
use registry_state::rules::By;
use registry_state::rules::endorsement::payer;
use registry_state::state::ApplyError;

use super::signers::{OneSigner, Signers};
use crate::limits::FUTURE_TIME_MS_MAX;
use crate::party;

/// The newest records of a ledger, and the two things besides records that preparations read.
pub trait Records: RecordView {
    /// Returns the array of a status list at the version in `entry`; `None` if only the ledger has
    /// it. Then only the ledger checks the values that an operation expects of entries.
    fn status_array(&self, entry: &Entry) -> Result<Option<Arc<Bits>>, StoreError>;

    /// Returns the approved proposals that wait for their height.
    fn scheduled_changes(&self) -> Result<ScheduledChanges, StoreError>;
}

/// The newest records of a ledger, and the block that they are as of.
#[derive(Clone, Copy)]
pub struct LedgerView<'l> {
    /// Newest version of every record.
    pub records: &'l dyn Records,
    /// Name of the network, as DIDs contain it.
    pub network: &'l NetworkName,
    /// Chain id, as every operation contains it.
    pub chain: Hash,
    /// Height of the newest block.
    pub height: u64,
    /// Time of the newest block, in milliseconds since 1970.
    pub time_ms: u64,
    /// Random salt for an operation whose parameters give none.
    pub salt: FixedBytes<16>,
}

/// A DID that is registered and not deactivated.
pub(super) struct Party {
    pub(super) did: Did,
    pub(super) entry: Entry,
    pub(super) state: Box<DidState>,
}

impl<'l> LedgerView<'l> {
    pub(super) fn view(&self) -> &'l dyn RecordView {
        self.records
    }

    /// Returns a DID that can act now. Fails with the refusal that an operation by it would get.
    /// `field` names the parameter that holds the DID.
    pub(super) fn party(&self, did: &Did, field: &str) -> Result<Party, ApplyError> {
        let network_did = Did::of_chain(self.network.clone(), &self.chain);
        let (entry, state) = party::active(self.records, &network_did, did, field)?;
        Ok(Party { did: did.clone(), entry, state })
    }

    /// Returns the author of an operation; see [`Self::party`].
    pub(super) fn author(&self, did: &Did) -> Result<Party, ApplyError> {
        self.party(did, "author")
    }

    /// Returns the author of an operation with its id and the time of the newest block, in the form
    /// that rules take.
    pub(super) fn by<'b>(&self, author: &'b Party, operation: Hash) -> By<'b>
    where
        'l: 'b,
    {
        let (network, time_ms, author) = (self.network, self.time_ms, &author.did);
        By { network, time_ms, author, operation, voids: None }
    }

    /// Returns the live time of the newest block in milliseconds: its time minus the duration of
    /// all halts.
    pub(super) fn live_ms(&self) -> Result<u64, StoreError> {
        Ok(self.time_ms.saturating_sub(governance::halted_ms(self.view())?))
    }

    /// Checks rules EN2 and EN3: the endorser that an operation names, or else its author, has the
    /// right to write.
    pub(super) fn check_right_to_write(&self, operation: &Operation) -> Result<(), ApplyError> {
        let Parameters { write_policy, .. } = read(self.view(), PARAMETERS)?;
        match write_policy {
            WritePolicy::Open => Ok(()),
            WritePolicy::Endorsed(policy) => {
                payer(self.view(), self.network, &policy, operation, self.time_ms).map(drop)
            }
        }
    }

    /// Returns the last time, in milliseconds since 1970, at which no newer block need exist.
    pub(super) fn last_time_ms(&self) -> Result<u64, StoreError> {
        last_time_ms(self.records, self.time_ms)
    }
}

/// Returns the last time about which a block of `time_ms` says something. Afterwards a newer block
/// is overdue, because an idle network makes a block every heartbeat.
pub(crate) fn last_time_ms(records: &dyn RecordView, time_ms: u64) -> Result<u64, StoreError> {
    let parameters: Parameters = read(records, PARAMETERS)?;
    Ok(time_ms + parameters.heartbeat_ms + FUTURE_TIME_MS_MAX)
}

impl Party {
    /// Returns the signers that can act for the DID as author, in consent or in approval: a method
    /// of its document, or its control set. One of the two is enough (docs/protocol/operations.md,
    /// "Signatures of an author").
    pub(super) fn signers(&self, time_ms: u64, role: Role) -> Vec<Signers> {
        let control = &self.state.sets.control;
        let by_method = self.methods(time_ms, role);
        let by_key = if role == Role::Author { Role::Control } else { role };
        let by_control = Signers::of_set(by_key, control.threshold, control.members.clone());
        let of = Some(self.did.clone());
        by_method.into_iter().chain([Signers { of, ..by_control }]).collect()
    }

    /// Returns the methods that can sign for the DID as endorser. Fails if there is none.
    pub(super) fn endorsing(&self, time_ms: u64) -> Result<Signers, Refusal> {
        let did = &self.did;
        let refusal = |code, detail: String| Refusal::new(code, "endorser", detail);
        self.methods(time_ms, Role::Endorser).ok_or_else(|| {
            if self.state.sets.control.dids().next().is_some() {
                let detail =
                    format!("{did} is controlled by other DIDs, so no method signs for it");
                return refusal(Code::ControlRequired, detail);
            }
            let detail = format!("{did} has no valid method under capabilityInvocation");
            refusal(Code::MethodNotFound, detail)
        })
    }

    /// Returns the methods that can sign for the DID at block time `time_ms`; `None` if it has
    /// none, or if other DIDs control it.
    fn methods(&self, time_ms: u64, role: Role) -> Option<Signers> {
        let (document, control) = (&self.state.document, &self.state.sets.control);
        if control.dids().next().is_some() {
            return None;
        }
        let methods = document.capability_invocation.iter().filter_map(|fragment| {
            let method = document.method(fragment).filter(|method| method.is_valid_at(time_ms))?;
            let url = MethodUrl { did: self.did.clone(), fragment: fragment.clone() };
            let signer = MethodSigner { key: method.signing_key()?, url };
            Some(OneSigner::Method(Signer::Method(signer)))
        });
        let members: Vec<OneSigner> = methods.collect();
        let of = Some(self.did.clone());
        (!members.is_empty()).then_some(Signers { of, role, threshold: 1, members })
    }
}

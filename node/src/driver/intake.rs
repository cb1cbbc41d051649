//! Admission of operations to the mempool, whether they come from clients, gossip or a validator's
//! wake frame.

use std::sync::Arc;

use libp2p::PeerId;
use registry_core::codec::{self, Bytes};
use registry_core::record::StoreError;
use registry_state::execution::Probe;
use registry_state::rules::{Checked, check_stateless};
use registry_state::state::Context;

use super::{Action, Driver, Fatal, IntakeError, Settlement};
use crate::mempool::{AdmitError, Admitted};
use crate::net::Acceptance;
use crate::store::{Ledger, Read, Store};
use crate::wire::Frame;

impl Driver {
    /// Admits an operation of a client. Submitting one again that already waits succeeds.
    pub(super) fn submit(
        &mut self,
        checked: Arc<Checked>,
        store: &dyn Store,
    ) -> Result<Result<(), IntakeError>, Fatal> {
        match self.admit(Arc::clone(&checked), store)? {
            Ok(()) => {
                self.actions.push(Action::PublishOperation(Arc::clone(&checked)));
                self.wake(Some(&checked));
                Ok(Ok(()))
            }
            Err(AdmitError::Known) => Ok(Ok(())),
            Err(AdmitError::Refused(refusal)) => Ok(Err(IntakeError::Refused(refusal))),
            Err(AdmitError::Full { what }) => Ok(Err(IntakeError::Full { what })),
            Err(AdmitError::Store(error)) => Err(error.into()),
        }
    }

    /// Admits an operation that arrived by gossip. If the state refuses it, the message is ignored
    /// and not rejected, because it may have been valid at the height of the peer that sent it.
    pub(super) fn on_gossip_operation(
        &mut self,
        checked: Arc<Checked>,
        store: &dyn Store,
    ) -> Result<Acceptance, Fatal> {
        match self.admit(Arc::clone(&checked), store)? {
            Ok(()) => {
                self.wake(Some(&checked));
                Ok(Acceptance::Accept)
            }
            Err(AdmitError::Known) => Ok(Acceptance::Accept),
            Err(AdmitError::Refused(_) | AdmitError::Full { .. }) => Ok(Acceptance::Ignore),
            Err(AdmitError::Store(error)) => Err(error.into()),
        }
    }

    fn admit(
        &mut self,
        checked: Arc<Checked>,
        store: &dyn Store,
    ) -> Result<Result<(), AdmitError>, StoreError> {
        let read: &dyn Read = store;
        let ledger = Ledger(read);
        let probe = self.probe(&ledger)?;
        Ok(match self.mempool.admit(&probe, checked) {
            Ok(Admitted { displaced, refused }) => {
                for (operation, refusal) in refused {
                    self.settle_refused(operation, refusal);
                }
                let settled = displaced.into_iter().map(|operation| Action::Settled {
                    operation,
                    settlement: Settlement::Displaced,
                });
                self.actions.extend(settled);
                Ok(())
            }
            Err(error) => Err(error),
        })
    }

    /// Checks operations as the next block would, over the present state.
    pub(super) fn probe<'a>(
        &self,
        ledger: &'a Ledger<'a, dyn Read + 'a>,
    ) -> Result<Probe<'a>, StoreError> {
        let time_ms = self.now.wall_ms.max(self.head.time.saturating_add(1));
        let parameters = self.rules.parameters.clone();
        let context =
            Context::after(ledger, self.network.clone(), parameters, &self.head, time_ms)?;
        Ok(Probe::new(ledger, context))
    }

    /// Wakes the other validators for the height after the head, at most once for each height. The
    /// wake frame carries `checked`, which they may not have yet.
    pub(super) fn wake(&mut self, checked: Option<&Checked>) {
        let height = self.head.height.saturating_add(1);
        let resting = self.ordering.as_ref().is_some_and(|state| !state.is_deciding());
        if !resting || self.pace.woken_height >= height {
            return;
        }
        self.pace.woken_height = height;
        let operation = checked.map(|checked| Bytes(checked.bytes().to_vec()));
        self.actions.push(Action::Wake(codec::encode(&Frame::Wake { height, operation })));
    }

    /// Handles a wake frame: another validator says that there is something to decide.
    pub(super) fn on_wake(
        &mut self,
        peer: PeerId,
        height: u64,
        operation: Option<Bytes>,
        store: &dyn Store,
    ) -> Result<(), Fatal> {
        self.want(height);
        let Some(operation) = operation else { return Ok(()) };
        match check_stateless(&operation.0, self.chain, &self.network) {
            Ok(checked) => {
                // The mempool need not keep an operation that the state refuses; the peer is not at
                // fault.
                let _refused = self.admit(Arc::new(checked), store)?;
            }
            Err(refusal) => {
                let reason = format!("woke with an invalid operation: {refusal}");
                self.actions.push(Action::Cut { peer, reason });
            }
        }
        Ok(())
    }
}

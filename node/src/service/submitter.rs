//! The write side of the API's service.

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use registry_core::crypto::Hash;
use registry_core::record::StoreError;
use registry_state::rules::Checked;
use rpc::service::{Outcome, Reader as _, SubmitError, Submitter};

use super::Service;

impl Submitter for Service {
    fn submit(&self, checked: Arc<Checked>) -> BoxFuture<'_, Result<(), SubmitError>> {
        async move {
            match self.hub.submit(checked).await {
                Some(Ok(())) => Ok(()),
                Some(Err(crate::driver::IntakeError::Refused(refusal))) => {
                    Err(SubmitError::Refused(refusal))
                }
                Some(Err(crate::driver::IntakeError::Full { what })) => {
                    Err(SubmitError::Full { what })
                }
                None => Err(SubmitError::Unavailable { reason: "it is stopping".to_owned() }),
            }
        }
        .boxed()
    }

    fn settled(&self, operation: Hash) -> BoxFuture<'_, Result<Outcome, StoreError>> {
        async move {
            // The node listens before it looks up the outcome, so that it misses no settlement in
            // between.
            let heard = self.hub.settlement(operation);
            match self.outcome(&operation)? {
                Outcome::Pending => {}
                known => return Ok(known),
            }
            // The answer is what the store or the hub says now, whatever the settlement said.
            let _settled = heard.await;
            self.outcome(&operation)
        }
        .boxed()
    }
}

//! Writes for the API.

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
            // Listening starts before the look, so that an outcome between the two is heard.
            let heard = self.hub.settlement(operation);
            match self.outcome(&operation)? {
                Outcome::Pending => {}
                known => return Ok(known),
            }
            // Whatever was heard, the answer is what stands in the store or is remembered.
            let _settled = heard.await;
            self.outcome(&operation)
        }
        .boxed()
    }
}

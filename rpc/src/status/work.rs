//! Runs what takes long beside the threads that serve, a few jobs at once.

use std::sync::Arc;

use registry_core::record::StoreError;
use tokio::sync::Semaphore;

use crate::error::{ApiError, NodeCode};

/// Places for jobs of one sort.
pub(super) struct Workers(Arc<Semaphore>);

impl Workers {
    /// At most `jobs_max` jobs at once.
    pub(super) fn new(jobs_max: usize) -> Self {
        Self(Arc::new(Semaphore::new(jobs_max)))
    }

    /// Runs a job. A caller that gives up waiting has it done all the same, and the job keeps its
    /// place until then.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let place = Arc::clone(&self.0).acquire_owned().await;
        let place = place.map_err(|_| ApiError::node(NodeCode::NotReady, "the node stops"))?;
        let done = tokio::task::spawn_blocking(move || {
            let done = job();
            drop(place);
            done
        });
        done.await.unwrap_or_else(|error| Err(StoreError::new(error).into()))
    }
}

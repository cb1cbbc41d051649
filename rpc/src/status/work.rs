//! Runs long jobs outside the threads that serve requests, with a limit on how many run at once.

use std::sync::Arc;

use registry_core::record::StoreError;
use tokio::sync::Semaphore;

use crate::error::{ApiError, NodeCode};

/// Permits for jobs of one kind.
pub(super) struct Workers(Arc<Semaphore>);

impl Workers {
    /// Creates workers that run at most `jobs_max` jobs at once.
    pub(super) fn new(jobs_max: usize) -> Self {
        Self(Arc::new(Semaphore::new(jobs_max)))
    }

    /// Runs a job on a blocking thread. If the caller drops the future, a job that has begun goes
    /// on and keeps its permit until it ends.
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

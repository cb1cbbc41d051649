//! Middleware around every JSON-RPC call: it enforces rate and concurrency, and counts and times
//! the calls.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use jsonrpsee::core::middleware::{Batch, BatchEntry, Notification, RpcServiceT};
use jsonrpsee::server::MethodResponse;
use jsonrpsee::types::{ErrorObjectOwned, Extensions, Id, Request};
use tokio::sync::OwnedSemaphorePermit;

use crate::error::{ApiError, NodeCode};
use crate::guard::Client;
use crate::metrics::Metrics;

/// Method that may wait for a long time. It takes no permit for concurrent requests, since the
/// ledger service limits its calls separately.
pub(super) const SUBMIT_AND_WAIT: &str = "ledger_submitAndWait";

/// Transport by which a call arrived. The guard has already charged an HTTP request for its first
/// call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    Http,
    WebSocket,
}

/// Layer that adds the meter to the service of each connection.
#[derive(Clone)]
pub(crate) struct MeterLayer {
    metrics: Metrics,
    names: Arc<BTreeSet<&'static str>>,
}

impl MeterLayer {
    pub(super) fn new(metrics: Metrics, names: impl Iterator<Item = &'static str>) -> Self {
        Self { metrics, names: Arc::new(names.collect()) }
    }

    /// Returns the registered name of a method, or `unknown`, so that clients cannot create metric
    /// labels.
    fn label(&self, method: &str) -> &'static str {
        self.names.get(method).copied().unwrap_or("unknown")
    }
}

/// Charges the request's client for `calls`. Requests without a client are free.
fn charge(extensions: &Extensions, calls: u32) -> Result<(), ApiError> {
    let Some(client) = extensions.get::<Client>() else { return Ok(()) };
    client.charge(calls).map_err(|wait_ms| {
        let detail = format!("no call is left for {wait_ms} ms");
        ApiError::node(NodeCode::RateLimited, detail)
    })
}

/// Takes a permit for one concurrent request on behalf of the request's client.
fn enter(extensions: &Extensions) -> Result<Option<OwnedSemaphorePermit>, ApiError> {
    extensions.get::<Client>().map(Client::enter).transpose()
}

fn paid(extensions: &Extensions) -> u32 {
    u32::from(extensions.get::<Transport>() != Some(&Transport::WebSocket))
}

impl<S> tower::Layer<S> for MeterLayer {
    type Service = Meter<S>;

    fn layer(&self, service: S) -> Meter<S> {
        Meter { service, layer: self.clone() }
    }
}

/// A connection's service with the middleware around it.
#[derive(Clone)]
pub(crate) struct Meter<S> {
    service: S,
    layer: MeterLayer,
}

fn refused(id: Id<'_>, error: ApiError) -> MethodResponse {
    MethodResponse::error(id, ErrorObjectOwned::from(error))
}

impl<S> RpcServiceT for Meter<S>
where
    S: RpcServiceT<
            MethodResponse = MethodResponse,
            BatchResponse = MethodResponse,
            NotificationResponse = MethodResponse,
        > + Clone
        + Send
        + Sync
        + 'static,
{
    type MethodResponse = MethodResponse;
    type NotificationResponse = MethodResponse;
    type BatchResponse = MethodResponse;

    fn call<'a>(&self, request: Request<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let Self { service, layer } = self.clone();
        async move {
            let (started, method) = (Instant::now(), layer.label(request.method_name()));
            let calls = 1 - paid(request.extensions());
            if let Err(error) = charge(request.extensions(), calls) {
                return refused(request.id, error);
            }
            let permit = match method {
                SUBMIT_AND_WAIT => None,
                _ => match enter(request.extensions()) {
                    Ok(permit) => permit,
                    Err(error) => return refused(request.id, error),
                },
            };
            let response = service.call(request).await;
            drop(permit);
            layer.metrics.call(method, response.is_success(), Some(started.elapsed()));
            response
        }
    }

    fn batch<'a>(&self, mut batch: Batch<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let Self { service, layer } = self.clone();
        async move {
            let entries = u32::try_from(batch.len()).unwrap_or(u32::MAX);
            let calls = entries.saturating_sub(paid(batch.extensions()));
            if let Err(error) = charge(batch.extensions(), calls) {
                return refused(Id::Null, error);
            }
            let waits = batch.iter().flatten().any(|entry| entry.method_name() == SUBMIT_AND_WAIT);
            let permit = match enter(batch.extensions()) {
                _ if waits => None,
                Ok(permit) => permit,
                Err(error) => return refused(Id::Null, error),
            };
            for entry in batch.iter().flatten() {
                if let BatchEntry::Call(request) = entry {
                    layer.metrics.call(layer.label(request.method_name()), true, None);
                }
            }
            let response = service.batch(batch).await;
            drop(permit);
            response
        }
    }

    fn notification<'a>(
        &self,
        notification: Notification<'a>,
    ) -> impl Future<Output = MethodResponse> + Send + 'a {
        let service = self.service.clone();
        async move {
            let calls = 1 - paid(notification.extensions());
            match charge(notification.extensions(), calls) {
                // A notification gets no response, not even a refusal.
                Err(_) => MethodResponse::notification(),
                Ok(()) => service.notification(notification).await,
            }
        }
    }
}

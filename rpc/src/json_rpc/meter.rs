//! What is done around every JSON-RPC call: rate, concurrency, count and time.

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

/// The one method that may wait for long; it has a bound of its own instead of the shared one.
pub(super) const SUBMIT_AND_WAIT: &str = "ledger_submitAndWait";

/// How a call came. An HTTP request has paid for its first call at the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    Http,
    WebSocket,
}

/// Wraps each connection's service.
#[derive(Clone)]
pub(crate) struct MeterLayer {
    metrics: Metrics,
    names: Arc<BTreeSet<&'static str>>,
}

impl MeterLayer {
    pub(super) fn new(metrics: Metrics, names: impl Iterator<Item = &'static str>) -> Self {
        Self { metrics, names: Arc::new(names.collect()) }
    }

    /// The registered name, so that clients cannot make up labels.
    fn label(&self, method: &str) -> &'static str {
        self.names.get(method).copied().unwrap_or("unknown")
    }
}

/// Charges the client for `calls`.
fn charge(extensions: &Extensions, calls: u32) -> Result<(), ApiError> {
    let Some(client) = extensions.get::<Client>() else { return Ok(()) };
    client.charge(calls).map_err(|wait_ms| {
        let detail = format!("no call is left for {wait_ms} ms");
        ApiError::node(NodeCode::RateLimited, detail)
    })
}

/// The client's share of the concurrency.
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

/// A service with its meter.
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
                // A notification has no answer, not even this one.
                Err(_) => MethodResponse::notification(),
                Ok(()) => service.notification(notification).await,
            }
        }
    }
}

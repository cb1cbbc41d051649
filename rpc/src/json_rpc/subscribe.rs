//! Subscription to blocks. It sends past blocks from a cursor on, then new ones, without a gap.

use std::sync::Arc;
use std::time::Duration;

use jsonrpsee::core::SubscriptionError;
use jsonrpsee::server::{
    PendingSubscriptionSink, SendTimeoutError, SubscriptionCloseResponse, SubscriptionSink,
};
use jsonrpsee::types::{ErrorObjectOwned, Params};
use prometheus_client::metrics::gauge::Gauge;
use serde::{Deserialize, Serialize};
use serde_json::value::to_raw_value;

use super::params::read;
use crate::error::{ApiError, NodeCode};
use crate::limits::SUBSCRIBER_STALL_MS_MAX;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SubscribeParams {
    /// Height of the first block to send. The next block is the first if this is absent.
    #[serde(default)]
    cursor: Option<u64>,
}

/// Last message of a subscription that the node ends. It holds the reason, and the cursor from
/// which the client can subscribe again.
#[derive(Serialize)]
struct Closed {
    code: u16,
    reason: &'static str,
    detail: String,
    cursor: u64,
}

/// Guard that counts an open subscription in the metrics until it is dropped.
struct Counted(Gauge);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

pub(super) async fn subscribe_blocks(
    params: Params<'static>,
    pending: PendingSubscriptionSink,
    services: Arc<Services>,
    subscriptions: Gauge,
) -> SubscriptionCloseResponse {
    let cursor = match start(&services, &params) {
        Ok(cursor) => cursor,
        Err(error) => {
            pending.reject(ErrorObjectOwned::from(error)).await;
            return SubscriptionCloseResponse::None;
        }
    };
    let Ok(sink) = pending.accept().await else { return SubscriptionCloseResponse::None };
    subscriptions.inc();
    let _counted = Counted(subscriptions);
    tokio::select! {
        closed = send_blocks(&services, &sink, cursor) => close(closed),
        () = sink.closed() => SubscriptionCloseResponse::None,
    }
}

/// Returns the first height to send. Fails with `FutureCursor` if it is above the next height, and
/// with `OutdatedCursor` if this node no longer has the block.
fn start(services: &Services, params: &Params<'_>) -> Result<u64, ApiError> {
    let SubscribeParams { cursor } = read(params)?;
    let next = services.reads.head().height + 1;
    let cursor = cursor.unwrap_or(next);
    if cursor > next {
        let detail = format!("cursor {cursor}, the next height is {next}");
        return Err(ApiError::node(NodeCode::FutureCursor, detail));
    }
    if cursor < next && services.reads.node.block(cursor)?.is_none() {
        let detail = format!("cursor {cursor} is older than the blocks of this node");
        return Err(ApiError::node(NodeCode::OutdatedCursor, detail));
    }
    Ok(cursor)
}

/// Sends blocks from `cursor` on. Returns `None` if the subscriber left or the node stops, and the
/// last message if the node must end the subscription.
async fn send_blocks(
    services: &Services,
    sink: &SubscriptionSink,
    mut cursor: u64,
) -> Option<Closed> {
    let stall = Duration::from_millis(SUBSCRIBER_STALL_MS_MAX);
    let mut heads = services.reads.node.heads().clone();
    loop {
        heads.wait_for(|head| head.height >= cursor).await.ok()?;
        let closed = |code: NodeCode, detail: String| {
            Some(Closed { code: code.number(), reason: code.name(), detail, cursor })
        };
        let summary = match services.ledger.summary(cursor) {
            Ok(Some((summary, _))) => summary,
            Ok(None) => {
                let detail = format!("this node no longer has block {cursor}");
                return closed(NodeCode::OutdatedCursor, detail);
            }
            Err(error) => return closed(NodeCode::StoreFailed, error.to_string()),
        };
        let message = to_raw_value(&summary).ok()?;
        match sink.send_timeout(message, stall).await {
            Ok(()) => cursor += 1,
            Err(SendTimeoutError::Timeout(_)) => {
                let detail = format!("no message was taken for {SUBSCRIBER_STALL_MS_MAX} ms");
                return closed(NodeCode::ConsumerTooSlow, detail);
            }
            Err(SendTimeoutError::Closed(_)) => return None,
        }
    }
}

fn close(closed: Option<Closed>) -> SubscriptionCloseResponse {
    match closed.as_ref().map(to_raw_value) {
        Some(Ok(json)) => SubscriptionCloseResponse::NotifErr(SubscriptionError::from_json(json)),
        _ => SubscriptionCloseResponse::None,
    }
}

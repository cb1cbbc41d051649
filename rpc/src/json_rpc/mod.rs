//! JSON-RPC 2.0 over HTTP and WebSocket (docs/protocol/json-rpc.md).

mod meter;
mod methods;
mod params;
mod prepare;
mod subscribe;
mod upload;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::{Request, StatusCode};
use jsonrpsee::core::middleware::RpcServiceBuilder;
use jsonrpsee::server::{
    BatchRequestConfig, Methods, PingConfig, Server, ServerConfig, StopHandle, TowerServiceBuilder,
    ws,
};
use tokio::sync::Semaphore;
use tower::Service;
use tower::layer::util::{Identity, Stack};

use crate::limits::{
    Limits, REQUEST_BYTES_MAX, RESPONSE_BYTES_MAX, UPLOAD_BYTES_MAX, UPLOADS_MAX,
    WEBSOCKET_MESSAGES_MAX, WEBSOCKET_PING_MS, WEBSOCKET_SILENCE_MS_MAX,
};
use crate::metrics::Metrics;

use meter::{MeterLayer, Transport};
pub(crate) use methods::methods;

/// Serves the JSON-RPC methods over HTTP and WebSocket.
#[derive(Clone)]
pub(crate) struct JsonRpc {
    builder: Builder,
    /// Builder for requests that upload a token, which may be larger than others.
    uploads: Builder,
    upload_places: Arc<Semaphore>,
    methods: Methods,
    stop: StopHandle,
}

type Builder = TowerServiceBuilder<Stack<MeterLayer, Identity>, Identity>;

impl JsonRpc {
    pub(crate) fn new(
        methods: Methods,
        metrics: Metrics,
        limits: &Limits,
        stop: StopHandle,
    ) -> Self {
        let ping = PingConfig::new()
            .ping_interval(Duration::from_millis(WEBSOCKET_PING_MS))
            .inactive_limit(Duration::from_millis(WEBSOCKET_SILENCE_MS_MAX));
        // The listener limits the connections, so the library's own limit must never be reached.
        let config = ServerConfig::builder()
            .max_response_body_size(RESPONSE_BYTES_MAX)
            .max_connections(u32::MAX)
            .max_subscriptions_per_connection(limits.subscriptions_per_connection_max)
            .set_batch_request_config(BatchRequestConfig::Limit(limits.batch_entries_max))
            .set_message_buffer_capacity(WEBSOCKET_MESSAGES_MAX)
            .enable_ws_ping(ping);
        let layer = MeterLayer::new(metrics, methods.method_names());
        let builder = |request_bytes_max| {
            Server::builder()
                .set_config(config.clone().max_request_body_size(request_bytes_max).build())
                .set_rpc_middleware(RpcServiceBuilder::new().layer(layer.clone()))
                .to_service_builder()
        };
        let (uploads, builder) = (builder(UPLOAD_BYTES_MAX), builder(REQUEST_BYTES_MAX));
        let upload_places = Arc::new(Semaphore::new(UPLOADS_MAX));
        Self { builder, uploads, upload_places, methods, stop }
    }

    /// Serves one HTTP request: a call, a batch, or the upgrade to a WebSocket.
    pub(crate) async fn serve(self, mut request: Request<Body>) -> Response {
        let transport =
            if ws::is_upgrade_request(&request) { Transport::WebSocket } else { Transport::Http };
        request.extensions_mut().insert(transport);
        let (request, place) = match upload::read(request, &self.upload_places).await {
            Ok(read) => read,
            Err(busy) => return busy,
        };
        let builder = if place.is_some() { self.uploads } else { self.builder };
        let mut service = builder.build(self.methods, self.stop);
        match service.call(request).await {
            Ok(response) => response.map(Body::new),
            Err(error) => {
                tracing::error!(%error, "JSON-RPC service failed");
                let mut response = Response::new(Body::empty());
                *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
                response
            }
        }
    }
}

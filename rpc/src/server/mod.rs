//! The public and the admin listener.

mod connections;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ::http::Request;
use axum::body::Body;
use axum::middleware::from_fn_with_state;
use axum::routing::any;
use jsonrpsee::core::RegisterMethodError;
use jsonrpsee::server::stop_channel;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::RpcConfig;
use crate::guard::{Guard, admit};
use crate::http;
use crate::json_rpc::{JsonRpc, methods};
use crate::limits::{ADMIN_CONNECTIONS_MAX, SHUTDOWN_MS_MAX};
use crate::metrics::Metrics;
use crate::service::Node;
use crate::services::Services;
use crate::uris::Uris;

use connections::{Connections, accept};

/// Reason why the API does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// An address cannot be bound.
    #[error("cannot listen on {address}: {source}; choose another address or port")]
    Listen {
        /// Address that the configuration names.
        address: SocketAddr,
        /// Error of the operating system.
        source: std::io::Error,
    },
    /// Two methods have the same name, which is a mistake in this crate.
    #[error("cannot register the methods: {0}")]
    Methods(#[from] RegisterMethodError),
}

/// A running API server.
#[derive(Debug)]
pub struct Running {
    /// Address that the public listener is bound to.
    pub public: SocketAddr,
    /// Address that the admin listener is bound to.
    pub admin: SocketAddr,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Running {
    /// Waits until the token that was given to [`serve`] is cancelled and the open requests have
    /// ended. Gives up on open requests after five seconds.
    pub async fn stopped(self) {
        self.stop.cancelled().await;
        let limit = Duration::from_millis(SHUTDOWN_MS_MAX);
        if tokio::time::timeout(limit, self.tasks.wait()).await.is_err() {
            tracing::warn!(open = self.tasks.len(), "requests were still open at the stop");
        }
    }
}

/// Serves `node` on both listeners until `stop` is cancelled. The metrics of the API are added to
/// `registry`, which holds those of the node. Fails if an address cannot be bound.
pub async fn serve(
    config: RpcConfig,
    node: Arc<dyn Node>,
    mut registry: Registry,
    stop: CancellationToken,
) -> Result<Running, ServeError> {
    let (listener, public) = bind(config.listen).await?;
    let (admin_listener, admin) = bind(config.admin).await?;
    let metrics = Metrics::register(&mut registry);
    let uris = Uris::new(config.network_url.as_ref(), config.public_url.as_ref(), public);
    let services = Arc::new(Services::new(node, uris, metrics.clone()));
    let guard = Arc::new(Guard::new(&config, metrics.clone()));
    let (stop_handle, server_handle) = stop_channel();
    let methods = methods(Arc::clone(&services), &metrics)?;
    let json_rpc = JsonRpc::new(methods, metrics.clone(), &config.limits, stop_handle);
    let json_rpc = move |request: Request<Body>| json_rpc.clone().serve(request);
    let router = http::public(&services, config.public_url.as_ref())
        .route("/", any(json_rpc))
        .layer(from_fn_with_state(guard, admit))
        .layer(http::cors());
    let connections = Connections::new(
        config.limits.connections_max,
        config.limits.connections_per_address_max,
        config.trusted_proxies,
        metrics,
    );
    let admin_connections = Connections::admin(ADMIN_CONNECTIONS_MAX);
    let tasks = TaskTracker::new();
    tasks.spawn(accept(listener, router, connections, stop.clone(), tasks.clone()));
    let admin_router = http::admin(&services, registry);
    tasks.spawn(accept(admin_listener, admin_router, admin_connections, stop.clone(), {
        tasks.clone()
    }));
    let stopping = stop.clone();
    tasks.spawn(async move {
        stopping.cancelled().await;
        // This fails only if the JSON-RPC server has stopped already.
        let _stopped = server_handle.stop();
    });
    tasks.close();
    tracing::info!(%public, %admin, "serving");
    Ok(Running { public, admin, stop, tasks })
}

async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), ServeError> {
    let failed = |source| ServeError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

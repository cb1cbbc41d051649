//! The two listeners.

mod connections;
pub(crate) mod guard;
mod rate;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use jsonrpsee::core::RegisterMethodError;
use jsonrpsee::server::stop_channel;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;

use crate::api::Api;
use crate::http;
use crate::json_rpc::{JsonRpc, methods};
use crate::limits::{ADMIN_CONNECTIONS_MAX, Limits, SHUTDOWN_MS_MAX};
use crate::metrics::Metrics;
use crate::service::Node;
use crate::status::uris::Uris;

use connections::{Connections, accept};
use guard::Guard;

/// Where and how to serve.
#[derive(Debug, Clone)]
pub struct RpcConfig {
    /// The public listener; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The admin listener: metrics and detailed probes. Keep it on loopback.
    pub admin: SocketAddr,
    /// The base URL that clients use when a reverse proxy stands in front.
    pub public_url: Option<Url>,
    /// The network's own base URL, from its genesis: where status lists are published.
    pub network_url: Option<Url>,
    /// Proxies whose `X-Forwarded-For` names the client.
    pub trusted_proxies: Vec<IpAddr>,
    /// Networks besides loopback from which single status entries may be asked for.
    pub status_check_from: Vec<IpNet>,
    /// What clients may use.
    pub limits: Limits,
}

/// Why the API does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// An address cannot be bound.
    #[error("cannot listen on {address}: {source}; choose another address or port")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// Two methods have one name: a mistake in this crate.
    #[error("cannot register the methods: {0}")]
    Methods(#[from] RegisterMethodError),
}

/// The API at work.
#[derive(Debug)]
pub struct Running {
    /// Address of the public listener.
    pub public: SocketAddr,
    /// Address of the admin listener.
    pub admin: SocketAddr,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Running {
    /// Resolves when the token that [`serve`] got is cancelled and the open requests have ended,
    /// at most five seconds after.
    pub async fn stopped(self) {
        self.stop.cancelled().await;
        let limit = Duration::from_millis(SHUTDOWN_MS_MAX);
        if tokio::time::timeout(limit, self.tasks.wait()).await.is_err() {
            tracing::warn!(open = self.tasks.len(), "requests were still open at the stop");
        }
    }
}

/// Serves `node` on both listeners until `stop` is cancelled. `registry` holds the node's metrics;
/// those of the API are added to it.
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
    let api = Arc::new(Api::new(node, uris, metrics.clone()));
    let guard = Arc::new(Guard::new(&config, metrics.clone()));
    let (stop_handle, server_handle) = stop_channel();
    let methods = methods(Arc::clone(&api), Arc::clone(&guard))?;
    let json_rpc = JsonRpc::new(methods, Arc::clone(&guard), &config.limits, stop_handle);
    let router = http::public(&api, json_rpc, &guard, config.public_url.as_ref());
    let connections = Connections::new(
        config.limits.connections_max,
        config.limits.connections_per_address_max,
        config.trusted_proxies,
        metrics,
    );
    let admin_connections = Connections::admin(ADMIN_CONNECTIONS_MAX);
    let tasks = TaskTracker::new();
    tasks.spawn(accept(listener, router, connections, stop.clone(), tasks.clone()));
    let admin_router = http::admin(&api, registry);
    tasks.spawn(accept(admin_listener, admin_router, admin_connections, stop.clone(), {
        tasks.clone()
    }));
    let stopping = stop.clone();
    tasks.spawn(async move {
        stopping.cancelled().await;
        // Fails only if the JSON-RPC side has stopped already.
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

//! Acceptance of connections. The number of open ones is limited in total and per address, and each
//! request's head has a deadline.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use crate::guard::RemoteAddress;
use crate::limits::HEADER_READ_MS_MAX;
use crate::metrics::Metrics;

/// Response to a connection over a limit. It is sent before anything is read.
const TOO_MANY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\
    retry-after: 1\r\nconnection: close\r\n\r\n";

/// Milliseconds to wait after a failed accept, for example when the process has no free file
/// descriptors. Otherwise the loop would spin.
const ACCEPT_PAUSE_MS: u64 = 100;

/// Limits and number of the open connections of one listener.
pub(super) struct Connections {
    total_max: usize,
    per_address_max: usize,
    trusted: Vec<IpAddr>,
    metrics: Option<Metrics>,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

impl Connections {
    pub(super) fn new(
        total_max: usize,
        per_address_max: usize,
        trusted: Vec<IpAddr>,
        metrics: Metrics,
    ) -> Arc<Self> {
        let (metrics, open) = (Some(metrics), Mutex::default());
        Arc::new(Self { total_max, per_address_max, trusted, metrics, open })
    }

    /// Creates the limits of the admin listener: one bound for all connections, and no metrics.
    pub(super) fn admin(total_max: usize) -> Arc<Self> {
        let (trusted, metrics, open) = (Vec::new(), None, Mutex::default());
        Arc::new(Self { total_max, per_address_max: total_max, trusted, metrics, open })
    }

    /// Takes a place for a connection from `address`. Returns `None` if there is none. A trusted
    /// proxy forwards for many clients and may take all places.
    fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let own = open.by_address.get(&address).copied().unwrap_or(0);
        let own_max = match self.trusted.contains(&address) {
            true => self.total_max,
            false => self.per_address_max,
        };
        if open.total >= self.total_max || own >= own_max {
            if let Some(metrics) = &self.metrics {
                metrics.connections_refused.inc();
            }
            return None;
        }
        open.total += 1;
        open.by_address.insert(address, own + 1);
        if let Some(metrics) = &self.metrics {
            metrics.connections.inc();
        }
        Some(Place { address, connections: Arc::clone(self) })
    }
}

/// Place of an open connection, which becomes free when the value is dropped.
struct Place {
    address: IpAddr,
    connections: Arc<Connections>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.connections.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.total -= 1;
        if let Some(own) = open.by_address.get_mut(&self.address) {
            *own -= 1;
            if *own == 0 {
                open.by_address.remove(&self.address);
            }
        }
        if let Some(metrics) = &self.connections.metrics {
            metrics.connections.dec();
        }
    }
}

/// Accepts and serves connections until `stop` is cancelled.
pub(super) async fn accept(
    listener: TcpListener,
    router: Router,
    connections: Arc<Connections>,
    stop: CancellationToken,
    tasks: TaskTracker,
) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok((stream, address)) => (stream, address.ip().to_canonical()),
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(ACCEPT_PAUSE_MS)).await;
                continue;
            }
        };
        let Some(place) = connections.admit(peer) else {
            refuse(&stream);
            continue;
        };
        let place = Arc::new(place);
        tasks.spawn(serve(stream, RemoteAddress(peer), place, router.clone(), stop.clone()));
    }
}

fn refuse(stream: &TcpStream) {
    match stream.try_write(TOO_MANY) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
        Err(error) => tracing::debug!(%error, "cannot refuse a connection"),
    }
}

/// Serves the requests of one connection. Each request holds the connection's place in its
/// extensions. A WebSocket keeps these extensions, and so the place, after the upgrade.
async fn serve(
    stream: TcpStream,
    remote: RemoteAddress,
    place: Arc<Place>,
    router: Router,
    stop: CancellationToken,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(remote);
        request.extensions_mut().insert(Arc::clone(&place));
        router.clone().oneshot(request)
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(HEADER_READ_MS_MAX))
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut serving = pin!(serving);
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = stop.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

//! The middleware that every public request passes. It finds out who the request is from and
//! whether its host is ours, and holds it to its rate, its share of the concurrency and its
//! deadline.
//!
//! A request goes on with its [`Client`] among its extensions. The calls of a batch and of a
//! WebSocket are charged to that client, one by one.

mod rate;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::State;
use axum::middleware::Next;
use axum::response::Response;
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, header};
use ipnet::IpNet;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::RpcConfig;
use crate::error::{ApiError, NodeCode};
use crate::json::{busy, problem};
use crate::limits::{FORWARDED_ENTRIES_MAX, Limits, MIN_HEIGHT_WAIT_MS, SUBMIT_WAIT_MS_MAX};
use crate::metrics::Metrics;

use rate::Rates;

/// The address at the other end of a connection, an extension of its requests.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RemoteAddress(pub(crate) IpAddr);

/// Who a request is from, an extension of the request.
#[derive(Clone)]
pub(crate) struct Client {
    /// For its rate.
    address: IpAddr,
    /// Whether nobody else may stand behind that address: no proxy says so whom nobody vouches for.
    certain: bool,
    guard: Arc<Guard>,
}

impl Client {
    /// Takes `calls` from the client's bucket, or says for how many ms it lacks them.
    pub(crate) fn charge(&self, calls: u32) -> Result<(), u64> {
        self.guard.charge(self.address, calls)
    }

    /// A share of the concurrency, held while a call is in work.
    pub(crate) fn enter(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        let permit = self.guard.enter();
        permit.ok_or_else(|| ApiError::node(NodeCode::Busy, "too many requests are in work"))
    }

    /// Whether the client may ask for single status entries: the question tells who is being
    /// checked, so it is for those alone whom the operator knows.
    pub(crate) fn admit_status_check(client: Option<&Self>) -> Result<(), ApiError> {
        let known = |client: &&Self| client.certain && client.guard.is_known(client.address);
        match client.filter(known) {
            Some(_) => Ok(()),
            None => {
                let detail = "single entries are answered to this machine and to the networks in \
                              rpc.status_check_from alone";
                Err(ApiError::node(NodeCode::CallerNotAllowed, detail))
            }
        }
    }
}

/// The state of the checks.
pub(crate) struct Guard {
    limits: Limits,
    trusted_proxies: Vec<IpAddr>,
    status_check_from: Vec<IpNet>,
    public_host: Option<String>,
    rates: Rates,
    requests: Arc<Semaphore>,
    started: Instant,
    metrics: Metrics,
}

impl Guard {
    pub(crate) fn new(config: &RpcConfig, metrics: Metrics) -> Self {
        let limits = config.limits;
        let (rate, burst) =
            (limits.requests_per_second_per_address, limits.request_burst_per_address);
        let host = config.public_url.as_ref().and_then(|url| url.host_str());
        Self {
            limits,
            trusted_proxies: config.trusted_proxies.clone(),
            status_check_from: config.status_check_from.clone(),
            public_host: host.map(str::to_owned),
            rates: Rates::new(rate, burst),
            requests: Arc::new(Semaphore::new(limits.concurrent_requests_max)),
            started: Instant::now(),
            metrics,
        }
    }

    fn charge(&self, address: IpAddr, calls: u32) -> Result<(), u64> {
        let now_ns = u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.rates.take(address, calls, now_ns).inspect_err(|_| {
            self.metrics.rate_limited.inc();
        })
    }

    fn enter(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.requests).try_acquire_owned().ok()
    }

    /// Whether the operator knows an address.
    fn is_known(&self, address: IpAddr) -> bool {
        let mut networks = self.status_check_from.iter();
        address.is_loopback() || networks.any(|network| network.contains(&address))
    }

    /// The client behind `peer`: the last address in `X-Forwarded-For` that is no trusted proxy,
    /// if the peer is one.
    fn client(self: &Arc<Self>, peer: IpAddr, headers: &HeaderMap) -> Client {
        let client = |address, certain| Client { address, certain, guard: Arc::clone(self) };
        let forwarded =
            headers.contains_key("x-forwarded-for") || headers.contains_key("forwarded");
        let peer_itself = client(peer, !forwarded);
        if !self.trusted_proxies.contains(&peer) {
            return peer_itself;
        }
        let values = headers.get_all("x-forwarded-for").iter();
        let lists = values.filter_map(|value| value.to_str().ok());
        let entries: Vec<&str> = lists.flat_map(|list| list.split(',')).collect();
        for entry in entries.iter().rev().take(FORWARDED_ENTRIES_MAX) {
            match entry.trim().parse::<IpAddr>().map(|address| address.to_canonical()) {
                Ok(address) if self.trusted_proxies.contains(&address) => {}
                Ok(address) => return client(address, true),
                Err(_) => break,
            }
        }
        peer_itself
    }

    /// Whether a browser may have sent this on purpose. A page whose name was rebound to this
    /// address still sends its own name as the host; an IP literal is no name and cannot be
    /// rebound.
    fn is_own_host(&self, request: &Request<Body>) -> bool {
        let header = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
        let authority = header.and_then(|host| host.parse::<Authority>().ok());
        let Some(authority) = authority else { return false };
        let host = authority.host();
        let literal = host.trim_start_matches('[').trim_end_matches(']');
        host.eq_ignore_ascii_case("localhost")
            || literal.parse::<IpAddr>().is_ok()
            || self.public_host.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(host))
    }

    /// A submission may wait for its block, any read for its height.
    fn deadline(&self, path: &str) -> Duration {
        let wait_ms = if path == "/" { SUBMIT_WAIT_MS_MAX } else { MIN_HEIGHT_WAIT_MS };
        Duration::from_millis(wait_ms.saturating_add(self.limits.request_timeout_ms))
    }

    fn too_many(&self, wait_ms: u64) -> Response {
        let detail = "more requests than one address may send; slow down";
        let mut response = problem(StatusCode::TOO_MANY_REQUESTS, detail);
        let seconds = wait_ms.div_ceil(1_000).max(1);
        let headers = response.headers_mut();
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        let limit = self.limits.requests_per_second_per_address;
        for (name, value) in [
            ("ratelimit-limit", u64::from(limit)),
            ("ratelimit-remaining", 0),
            ("ratelimit-reset", seconds),
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from(value));
        }
        response
    }

    async fn run(self: &Arc<Self>, mut request: Request<Body>, next: Next) -> Response {
        if !self.is_own_host(&request) {
            let detail = "the Host header names neither this node's public_url nor an IP address";
            return problem(StatusCode::FORBIDDEN, detail);
        }
        if let Some(RemoteAddress(peer)) = request.extensions().get() {
            let client = self.client(*peer, request.headers());
            if let Err(wait_ms) = client.charge(1) {
                return self.too_many(wait_ms);
            }
            request.extensions_mut().insert(client);
        }
        let path = request.uri().path();
        // JSON-RPC calls enter one by one, since one of them may wait for long.
        let permit = match path {
            "/" => None,
            _ => match self.enter() {
                Some(permit) => Some(permit),
                None => return busy(),
            },
        };
        let deadline = self.deadline(path);
        let response = tokio::time::timeout(deadline, next.run(request)).await;
        drop(permit);
        response.unwrap_or_else(|_| {
            problem(StatusCode::REQUEST_TIMEOUT, "the request took longer than this node allows")
        })
    }
}

/// The middleware of the public listener.
pub(crate) async fn admit(
    State(guard): State<Arc<Guard>>,
    request: Request<Body>,
    next: Next,
) -> Response {
    let response = guard.run(request, next).await;
    guard.metrics.response(response.status().as_u16());
    response
}

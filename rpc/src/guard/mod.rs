//! Middleware that every public request passes. It identifies the client, checks the `Host` header,
//! and enforces the client's rate, the limit on concurrent requests and the deadline.
//!
//! The middleware puts a [`Client`] into the request's extensions. JSON-RPC charges each call of a
//! batch and of a WebSocket to that client.

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

/// Headers of a refusal for rate: the requests a second that an address may send, those that are
/// left, and the seconds until there are more.
pub(crate) const RATE_LIMIT: [HeaderName; 3] = [
    HeaderName::from_static("ratelimit-limit"),
    HeaderName::from_static("ratelimit-remaining"),
    HeaderName::from_static("ratelimit-reset"),
];

/// IP address of the peer of a TCP connection. The listener puts it into the extensions of each
/// request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RemoteAddress(pub(crate) IpAddr);

/// Client that sent a request. The middleware puts it into the extensions of the request.
#[derive(Clone)]
pub(crate) struct Client {
    /// Address whose rate the client's calls count against.
    address: IpAddr,
    /// True if the address is certainly that of the client. False if the request has a forwarding
    /// header that does not lead to an address by trusted proxies alone, since other clients may
    /// then be behind the address.
    certain: bool,
    guard: Arc<Guard>,
}

impl Client {
    /// Takes `calls` from the client's token bucket. If the bucket has too few, fails with the
    /// milliseconds until it has enough.
    pub(crate) fn charge(&self, calls: u32) -> Result<(), u64> {
        self.guard.charge(self.address, calls)
    }

    /// Takes a permit for one concurrent request, to be held while a call is handled. Fails with
    /// `BUSY` if all permits are taken.
    pub(crate) fn enter(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        let permit = self.guard.enter();
        permit.ok_or_else(|| ApiError::node(NodeCode::Busy, "too many requests are in work"))
    }

    /// Fails unless the client may ask for single status entries. Such a question reveals whose
    /// credential is being checked, so only clients on loopback or in the networks of
    /// `status_check_from` may ask it.
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

/// State and limits of the middleware.
pub(crate) struct Guard {
    limits: Limits,
    trusted_proxies: Vec<IpAddr>,
    status_check_from: Vec<IpNet>,
    public_host: Option<String>,
    rates: Rates,
    requests: Arc<Semaphore>,
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
            metrics,
        }
    }

    fn charge(&self, address: IpAddr, calls: u32) -> Result<(), u64> {
        self.rates.take(address, calls, Instant::now()).inspect_err(|_| {
            self.metrics.rate_limited.inc();
        })
    }

    fn enter(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.requests).try_acquire_owned().ok()
    }

    /// True if the address is a loopback address or in a network of `status_check_from`.
    fn is_known(&self, address: IpAddr) -> bool {
        let mut networks = self.status_check_from.iter();
        address.is_loopback() || networks.any(|network| network.contains(&address))
    }

    /// Finds the client behind `peer`. If the peer is a trusted proxy, that is the last address in
    /// `X-Forwarded-For` that is not a trusted proxy, and otherwise the peer itself.
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

    /// Checks the `Host` header against DNS rebinding. A web page whose name was rebound to this
    /// node's address still sends its own name as the host. So the host must be `localhost`, an IP
    /// literal, which cannot be rebound, or the host of `public_url`.
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

    /// Returns the deadline of a request. It includes the longest wait that the request can ask
    /// for: a submission waits for its block, and a read waits for a height.
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
        for (name, value) in RATE_LIMIT.into_iter().zip([u64::from(limit), 0, seconds]) {
            headers.insert(name, HeaderValue::from(value));
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
        // JSON-RPC takes a permit for each call instead, since a submission may wait for a long
        // time.
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

/// Runs the middleware for a request of the public listener and counts its response.
pub(crate) async fn admit(
    State(guard): State<Arc<Guard>>,
    request: Request<Body>,
    next: Next,
) -> Response {
    let response = guard.run(request, next).await;
    guard.metrics.response(response.status().as_u16());
    response
}

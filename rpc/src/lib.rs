//! The API of a node: JSON-RPC 2.0 over HTTP and WebSocket, the HTTP binding of W3C DID Resolution,
//! probes and metrics. It reaches the node by the traits in `service`.
//!
//! A request first passes the limits in `guard`. Then JSON-RPC or HTTP reads its form and calls the
//! services, which read records and submit operations. The crate knows neither the database nor the
//! peer-to-peer network.
//!
//! All of this is behind the feature `server`. Clients use the crate without it, for the parameters
//! and the preparation of operations ([`prepare`]) and for the forms of status lists ([`view`]).

#[cfg(feature = "server")]
mod agent;
#[cfg(feature = "server")]
pub mod bucket;
mod clock;
#[cfg(feature = "server")]
mod coding;
#[cfg(feature = "server")]
mod config;
#[cfg(feature = "server")]
mod decide;
#[cfg(feature = "server")]
mod did;
#[cfg(feature = "server")]
mod endorsement;
#[cfg(feature = "server")]
pub mod error;
#[cfg(feature = "server")]
mod governance;
#[cfg(feature = "server")]
mod guard;
#[cfg(feature = "server")]
mod http;
#[cfg(feature = "server")]
mod json;
#[cfg(feature = "server")]
mod json_rpc;
#[cfg(feature = "server")]
mod ledger;
pub mod limits;
#[cfg(feature = "server")]
mod metrics;
mod party;
pub mod prepare;
#[cfg(feature = "server")]
mod preparer;
#[cfg(feature = "server")]
mod reads;
#[cfg(feature = "server")]
mod schema;
#[cfg(feature = "server")]
mod server;
#[cfg(feature = "server")]
pub mod service;
#[cfg(feature = "server")]
mod services;
#[cfg(feature = "server")]
pub mod status;
#[cfg(feature = "server")]
mod trust;
#[cfg(feature = "server")]
mod uris;
pub mod view;

#[cfg(feature = "server")]
pub use config::RpcConfig;
pub use limits::Limits;
#[cfg(feature = "server")]
pub use server::{Running, ServeError, serve};

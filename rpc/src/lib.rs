//! The API of a node: JSON-RPC 2.0 over HTTP and WebSocket, the HTTP binding of W3C DID
//! Resolution, probes and metrics, over the traits in [`service`].
//!
//! A request passes [`server`] (limits), then JSON-RPC or HTTP (form), then one layer under both
//! that reads records and submits operations. It knows no storage and no network of peers.

mod agent;
mod api;
mod clock;
mod coding;
mod decide;
mod did;
mod endorsement;
pub mod error;
mod governance;
mod http;
mod json_rpc;
mod ledger;
pub mod limits;
mod metrics;
mod prepare;
mod schema;
mod server;
pub mod service;
pub mod status;
mod trust;
pub mod view;

pub use limits::Limits;
pub use server::{RpcConfig, Running, ServeError, serve};

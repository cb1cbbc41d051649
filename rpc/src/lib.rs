//! The API of a node: JSON-RPC 2.0 over HTTP and WebSocket, the HTTP binding of W3C DID
//! Resolution, probes and metrics, over the traits in [`service`].
//!
//! A request passes the [`guard`] (limits), then JSON-RPC or HTTP (form), then one layer under both
//! that reads records and submits operations. It knows no storage and no network of peers.

mod agent;
mod clock;
mod coding;
mod config;
mod decide;
mod did;
mod endorsement;
pub mod error;
mod governance;
mod guard;
mod http;
mod json;
mod json_rpc;
mod ledger;
pub mod limits;
mod metrics;
mod prepare;
mod reads;
mod schema;
mod server;
pub mod service;
mod services;
pub mod status;
mod trust;
mod uris;
pub mod view;

pub use config::RpcConfig;
pub use limits::Limits;
pub use server::{Running, ServeError, serve};

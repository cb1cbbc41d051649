//! Tests of the API over a real server on loopback and a ledger in memory that executes blocks.

mod agents;
mod common;
mod decide;
mod documents;
mod endorsement;
mod governance;
mod guards;
mod json_rpc;
mod limits;
mod marks;
mod negotiation;
mod past;
mod prepare_alone;
mod publishing;
mod resolution;
mod schemas;
mod snapshots;
mod status;
mod status_tokens;
mod status_views;
mod subscription;
mod trqp;
mod trqp_generated;
mod trust;
mod trust_prepare;
mod voids;
